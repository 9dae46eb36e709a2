//! What is due to an inpatient today, what was measured, and what the last shift said, from their rows.
//!
//! Amounts are read as prescriptions' are. An hour is only what the EHR gives as an hour: none is made from 「毎食後」.

use chart::stay::{Due, HOURS, Handover, Scheduled, Vital};
use chart::{Severity, id::half_width_text};

use super::cell::Cell;
use super::drugs::DrugPlan;
use super::plan::Fields;
use super::take::{CodedCells, LONG, MEDIUM, Take, short};

/// 与薬予定・注射 bound to columns.
#[derive(Debug)]
pub struct SchedulePlan {
    /// The drug and its amounts.
    pub drug: DrugPlan,
    due_on: Option<Cell>,
    at: Option<Cell>,
    hours: Vec<Cell>,
    due_words: Option<Cell>,
    high_risk: Option<Cell>,
    how: Option<Cell>,
}

impl SchedulePlan {
    /// Binds the fields.
    pub fn bind(fields: &mut Fields<'_, '_>) -> Self {
        Self {
            drug: DrugPlan::bind(fields),
            due_on: fields.one("due_on"),
            at: fields.one("at"),
            hours: fields.many("hours"),
            due_words: fields.one("due_words"),
            high_risk: fields.one("high_risk"),
            how: fields.one("how"),
        }
    }

    /// Reads one row of the day; `None` for another day and for a row without a drug.
    pub fn read<'t>(&'t self, take: &mut Take<'_, '_, 't>) -> Option<Scheduled> {
        let day = take.day;
        if self.due_on.is_some() && take.date(self.due_on.as_ref()).is_some_and(|on| on != day) {
            return None;
        }
        let item = self.drug.read(take)?.item;
        let how = take.text_up_to(self.how.as_ref(), MEDIUM);
        let words = take.text(self.due_words.as_ref());
        let mut due = Vec::new();
        if let Some(at) = take.time(self.at.as_ref()) {
            due.push(Due {
                hour: u8::try_from(at.hour()).unwrap_or(0),
                words: words.clone(),
            });
        }
        for cell in &self.hours {
            self.hours_of(cell, &words, take, &mut due);
        }
        due.sort_by_key(|due| due.hour);
        due.dedup();
        Some(Scheduled {
            item,
            due,
            high_risk: take.truth(self.high_risk.as_ref()),
            how,
        })
    }

    /// `8,12,18`, `8:00・18:00`, `8時`; or one column for each hour, whose label is the hour and whose text says that it is due.
    fn hours_of<'t>(&'t self, cell: &'t Cell, words: &str, take: &mut Take<'_, '_, 't>, due: &mut Vec<Due>) {
        let text = take.text(Some(cell));
        if text.is_empty() {
            return;
        }
        if !cell.label.is_empty() {
            match (hour(&cell.label), is_mark(&text)) {
                (Some(hour), marked) => due.push(Due {
                    hour,
                    words: if marked { words.to_owned() } else { text },
                }),
                (None, _) => unreadable(cell, &cell.label, take),
            }
            return;
        }
        let folded = half_width_text(&text);
        for part in folded
            .split([',', '、', '・', ' ', '/'])
            .filter(|part| !part.is_empty())
        {
            match hour(part) {
                Some(hour) => due.push(Due {
                    hour,
                    words: words.to_owned(),
                }),
                None => {
                    unreadable(cell, &text, take);
                    return;
                }
            }
        }
    }
}

fn unreadable(cell: &Cell, text: &str, take: &mut Take<'_, '_, '_>) {
    let message = format!(
        "与薬の時刻「{}」を読めません。この薬の時刻は紙に書かれません。時刻を確かめてください。",
        short(text)
    );
    take.sink.tell("schedule.hour", Severity::Severe, &cell.title, message);
}

/// `8`, `08:00`, `8時`, `8時30分` as the hour; nothing from 24 on.
fn hour(text: &str) -> Option<u8> {
    let folded = half_width_text(text.trim());
    let digits = folded.trim();
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let (number, rest) = digits.split_at(end);
    let plain = rest.is_empty() || rest.starts_with(':') || rest.starts_with('時');
    let hour: u8 = number.parse().ok()?;
    (plain && hour < HOURS).then_some(hour)
}

/// A tick in the column of an hour, as against words that stand in it.
fn is_mark(text: &str) -> bool {
    matches!(text.trim(), "○" | "◯" | "〇" | "●" | "1" | "Y" | "レ" | "✓")
}

/// バイタル bound to columns.
#[derive(Debug)]
pub struct VitalPlan {
    /// 体温 血圧 脈拍 SpO2 その他
    pub values: [Option<Cell>; 5],
    on: Option<Cell>,
    at: Option<Cell>,
}

impl VitalPlan {
    /// Binds the fields.
    pub fn bind(fields: &mut Fields<'_, '_>) -> Self {
        Self {
            values: ["temperature", "pressure", "pulse", "spo2", "remark"].map(|name| fields.one(name)),
            on: fields.one("on"),
            at: fields.one("at"),
        }
    }

    /// Reads what was measured at one time; a row without any value says nothing.
    pub fn read<'t>(&'t self, take: &mut Take<'_, '_, 't>) -> Option<Vital> {
        let [temperature, pressure, pulse, spo2, remark] = &self.values;
        let vital = Vital {
            temperature: with_unit(take.text(temperature.as_ref()), "℃"),
            pressure: pressure_of(take.text(pressure.as_ref())),
            pulse: take.text(pulse.as_ref()),
            spo2: with_unit(take.text(spo2.as_ref()), "%"),
            remark: take.text_up_to(remark.as_ref(), MEDIUM),
            ..Vital::default()
        };
        if vital == Vital::default() {
            return None;
        }
        Some(Vital {
            on: take.past_date(self.on.as_ref()),
            at: take.time(self.at.as_ref()),
            ..vital
        })
    }
}

fn with_unit(mut text: String, unit: &str) -> String {
    if text.is_empty() || !text.chars().all(|c| c.is_ascii_digit() || c == '.') {
        return text;
    }
    // A column of three decimals has 37.000 for what was measured as 37.0.
    let decimals = text.find('.').map_or(0, |point| text.len() - point - 1);
    let idle = text.len() - text.trim_end_matches('0').len();
    text.truncate(text.len() - idle.min(decimals.saturating_sub(1)));
    text + unit
}

/// Two joined columns of which both are empty leave their separator behind.
fn pressure_of(text: String) -> String {
    if text == "/" { String::new() } else { text }
}

/// 申し送り bound to columns.
#[derive(Debug)]
pub struct HandoverPlan {
    /// 本文
    pub text: Option<Cell>,
    on: Option<Cell>,
    at: Option<Cell>,
    author: CodedCells,
}

impl HandoverPlan {
    /// Binds the fields.
    pub fn bind(fields: &mut Fields<'_, '_>) -> Self {
        Self {
            text: fields.one("text"),
            on: fields.one("on"),
            at: fields.one("at"),
            author: fields.coded("author_code", "author_name"),
        }
    }

    /// Reads one; a row without a text says nothing.
    pub fn read<'t>(&'t self, take: &mut Take<'_, '_, 't>) -> Option<Handover> {
        let text = take.text_up_to(self.text.as_ref(), LONG);
        if text.is_empty() {
            return None;
        }
        Some(Handover {
            on: take.past_date(self.on.as_ref()),
            at: take.time(self.at.as_ref()),
            author: take.person(&self.author),
            text,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measured_number_has_no_idle_decimals() {
        for (written, shown) in [
            ("37.000", "37.0℃"),
            ("36.50", "36.5℃"),
            ("36.5", "36.5℃"),
            ("37", "37℃"),
            ("100", "100℃"),
            ("測定できず", "測定できず"),
            ("", ""),
        ] {
            assert_eq!(with_unit(written.to_owned(), "℃"), shown);
        }
    }

    #[test]
    fn hours_are_read_and_never_guessed() {
        for (text, expected) in [
            ("8", Some(8)),
            ("08:00", Some(8)),
            ("２０時", Some(20)),
            ("0", Some(0)),
            ("24", None),
            ("朝", None),
            ("8-9", None),
            ("", None),
        ] {
            assert_eq!(hour(text), expected, "{text}");
        }
    }
}
