//! One inpatient's stay while the rows come in, and what of it goes into the chart.
//!
//! As in `draft`, a list is empty because nothing was recorded only when every file and every row of that kind could be read.

use std::collections::BTreeSet;

use chart::stay::{Handover, Scheduled, Vital};
use chart::{DataKind, Known, Severity, Stay};

use super::draft::Frame;
use super::ledger::Sink;
use super::people::Person;
use super::schedule;
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
        let lines = schedule::gathered(self.schedule);
        let lines = select::keep(lines, MAX_SCHEDULED, "与薬予定・注射", Severity::Severe, sink);
        let (injections, medicines): (Vec<_>, Vec<_>) = lines.into_iter().partition(schedule::is_injection);
        let newest = frame.as_of.of(DataKind::Vital).0 / 60;
        let mut vitals: Vec<Vital> = self
            .vitals
            .into_iter()
            // What has no time may be of now: it stays, and says that it has none.
            .filter(|v| schedule::minute_of(v.on, v.at).is_none_or(|at| at > newest - VITAL_MINUTES))
            .collect();
        vitals.sort_by_key(|v| std::cmp::Reverse(schedule::minute_of(v.on, v.at)));
        let vitals = select::keep(vitals, MAX_VITALS, "バイタル", Severity::Note, sink);
        let mut handovers = self.handovers;
        handovers.sort_by_key(|h| std::cmp::Reverse(schedule::minute_of(h.on, h.at)));
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
