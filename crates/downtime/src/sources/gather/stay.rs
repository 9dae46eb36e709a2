//! One inpatient's stay while the rows come in, and what of it goes into the chart.
//!
//! As in `draft`, a list is empty because nothing was recorded only when every file and every row of that kind could be read.

use std::collections::BTreeSet;

use chart::medication::Route;
use chart::stay::{Handover, Scheduled, Vital};
use chart::{DataKind, Known, Severity, Stay};
use jiff::civil::{Date, Time};

use super::draft::Frame;
use super::ledger::Sink;
use super::people::Person;
use super::select;

/// Most drugs of one inpatient's day.
const MAX_SCHEDULED: usize = 80;
/// Most measurements kept.
const MAX_VITALS: usize = 48;
/// Handover notes kept: those of a day and a half in three shifts.
const MAX_HANDOVERS: usize = 5;
/// How far back measurements go.
const VITAL_MINUTES: i64 = 24 * 60;

/// A stay in the making.
#[derive(Debug, Default)]
pub struct StayDraft {
    stay: Option<Stay>,
    /// Rows of the schedule.
    pub schedule: Vec<Scheduled>,
    /// What was measured.
    pub vitals: Vec<Vital>,
    /// What was told.
    pub handovers: Vec<Handover>,
}

impl StayDraft {
    /// Takes a stay; a second one is told and not taken.
    pub fn add(&mut self, stay: Stay, sink: &mut Sink<'_>) -> bool {
        match &self.stay {
            None => {
                self.stay = Some(stay);
                true
            }
            Some(first) if *first == stay => true,
            Some(first) => {
                let message = format!(
                    "1人の患者に入院の行が2つあります（{} と {}）。はじめの行を使いました。いまの病床を確かめてください。",
                    first.whole_place(),
                    stay.whole_place()
                );
                sink.tell("stay.twice", Severity::Severe, "", message);
                false
            }
        }
    }

    /// The stay of the chart; nothing for who lies in no bed, whatever else was read.
    pub fn finish(
        self,
        person: &Person,
        frame: &Frame,
        lost: &BTreeSet<DataKind>,
        sink: &mut Sink<'_>,
    ) -> Option<Stay> {
        let stay = self.stay?;
        if let Some(others) = frame.crowded.get(person.key.as_str()) {
            let message = format!("病床を確かめてください: {others}。");
            // The ledger was told once, about the bed.
            sink.tell_chart("bed.two_people", Severity::Severe, message);
        }
        let lines = gathered(self.schedule);
        let lines = select::keep(lines, MAX_SCHEDULED, "与薬予定・注射", Severity::Severe, sink);
        let (injections, medicines): (Vec<_>, Vec<_>) = lines.into_iter().partition(is_injection);
        let newest = frame.as_of.of(DataKind::Vital).0 / 60;
        let mut vitals: Vec<Vital> = self
            .vitals
            .into_iter()
            // What has no time may be of now: it stays, and says that it has none.
            .filter(|v| minute_of(v.on, v.at).is_none_or(|at| at > newest - VITAL_MINUTES))
            .collect();
        vitals.sort_by_key(|v| std::cmp::Reverse(minute_of(v.on, v.at)));
        let vitals = select::keep(vitals, MAX_VITALS, "バイタル", Severity::Note, sink);
        let mut handovers = self.handovers;
        handovers.sort_by_key(|h| std::cmp::Reverse(minute_of(h.on, h.at)));
        handovers.truncate(MAX_HANDOVERS);
        Some(Stay {
            medicines: known(medicines, DataKind::Schedule, frame, lost),
            injections: known(injections, DataKind::Schedule, frame, lost),
            vitals: known(vitals, DataKind::Vital, frame, lost),
            handovers: known(handovers, DataKind::Handover, frame, lost),
            ..stay
        })
    }
}

fn known<T>(list: Vec<T>, kind: DataKind, frame: &Frame, lost: &BTreeSet<DataKind>) -> Known<Vec<T>> {
    if !list.is_empty() {
        return Known::Present(list);
    }
    if frame.unmapped.contains(&kind) {
        return Known::Unavailable { since: None };
    }
    if frame.failed.contains(&kind) || lost.contains(&kind) {
        return Known::Unavailable { since: Some(frame.now) };
    }
    Known::NotRecorded
}

/// Rows of one drug become one line with all its hours; the order of the export stays.
#[must_use]
pub fn gathered(rows: Vec<Scheduled>) -> Vec<Scheduled> {
    let mut lines: Vec<Scheduled> = Vec::new();
    for row in rows {
        let same = lines
            .iter_mut()
            .find(|line| line.item == row.item && line.how == row.how && line.high_risk == row.high_risk);
        match same {
            Some(line) => {
                line.due.extend(row.due);
                line.due.sort_by_key(|due| due.hour);
                line.due.dedup();
            }
            None => lines.push(row),
        }
    }
    lines
}

/// True for what goes into a vein, a muscle or the skin.
#[must_use]
pub const fn is_injection(line: &Scheduled) -> bool {
    matches!(line.item.route, Route::Injection)
}

/// A day and a time as minutes since the year 0, for comparing; without a day there is no place in time.
#[must_use]
pub fn minute_of(on: Option<Date>, at: Option<Time>) -> Option<i64> {
    let local = on?.to_datetime(at.unwrap_or(Time::midnight()));
    Some(chart::Moment::from_local(local).0 / 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chart::stay::Due;

    #[test]
    fn rows_of_one_drug_are_one_line() {
        let row = |name: &str, hour: u8| Scheduled {
            item: chart::PrescriptionItem {
                drug: chart::Coded::new("", name),
                ..chart::PrescriptionItem::default()
            },
            due: vec![Due {
                hour,
                words: String::new(),
            }],
            ..Scheduled::default()
        };
        let lines = gathered(vec![row("A", 18), row("B", 9), row("A", 8), row("A", 8)]);
        let hours: Vec<Vec<u8>> = lines
            .iter()
            .map(|line| line.due.iter().map(|due| due.hour).collect())
            .collect();
        assert_eq!(hours, [vec![8, 18], vec![9]]);
    }
}
