//! Taking values out of one row: text, dates, numbers, words of closed lists, each with its Finding when it cannot be taken.
//!
//! A value that cannot be taken is left out and told; the rest of the row is used. Nothing here knows a kind of file.

use std::borrow::Cow;

use chart::date::DateFault;
use chart::id::half_width_text;
use chart::{Coded, Severity};
use jiff::civil::{Date, Time};

use super::cell::{Cell, Row};
use super::value;
use crate::sources::gather::Sink;

/// Most characters of a name, a code, a unit.
pub const SHORT: usize = 500;
/// Most characters of a comment.
pub const MEDIUM: usize = 2_000;
/// Most characters of a section of a note.
pub const LONG: usize = 20_000;

/// The hands that take values from one row.
pub struct Take<'r, 'l, 't> {
    /// The row.
    pub row: &'r Row<'t>,
    /// Where Findings go.
    pub sink: &'r mut Sink<'l>,
    /// The day that is extracted.
    pub day: Date,
}

impl<'t> Take<'_, '_, 't> {
    /// Short text; empty when the field is not mapped.
    pub fn text(&mut self, cell: Option<&'t Cell>) -> String {
        self.text_up_to(cell, SHORT)
    }

    /// Text of at most so many characters; what is cut is told and shown.
    pub fn text_up_to(&mut self, cell: Option<&'t Cell>, most: usize) -> String {
        self.seen_up_to(cell, most).into_owned()
    }

    /// Short text that is looked at and not kept.
    pub fn seen(&mut self, cell: Option<&'t Cell>) -> Cow<'t, str> {
        self.seen_up_to(cell, SHORT)
    }

    fn seen_up_to(&mut self, cell: Option<&'t Cell>, most: usize) -> Cow<'t, str> {
        let Some(cell) = cell else { return Cow::default() };
        let text = cell.text(self.row, self.sink);
        if text.len() <= most {
            return text;
        }
        match text.char_indices().nth(most) {
            None => text,
            Some((at, _)) => {
                let message = format!(
                    "長すぎるため{most}字で切りました（全体は{}字）。続きは元の記録にあります。",
                    text.chars().count()
                );
                self.sink.tell("text.cut", Severity::Warning, &cell.title, message);
                Cow::Owned(format!("{}…（以下省略）", text.get(..at).unwrap_or("")))
            }
        }
    }

    /// A code with its name.
    pub fn coded(&mut self, cells: &'t CodedCells) -> Coded {
        Coded {
            code: self.text(cells.code.as_ref()),
            name: self.text(cells.name.as_ref()),
        }
    }

    /// A person of the staff with their code.
    pub fn person(&mut self, cells: &'t CodedCells) -> Coded {
        Coded {
            code: self.text(cells.code.as_ref()),
            name: crate::sources::gather::names::written(&self.seen(cells.name.as_ref())),
        }
    }

    /// A day that may lie in the future.
    pub fn date(&mut self, cell: Option<&'t Cell>) -> Option<Date> {
        let cell = cell?;
        let text = cell.text(self.row, self.sink);
        match value::date(&text, cell.date) {
            Ok(date) => Some(date),
            Err(DateFault::Empty) => None,
            Err(fault) => {
                let (code, why) = date_fault(fault);
                let message = format!("日付「{}」を使えません: {why}。空として扱いました。", short(&text));
                self.sink.tell(code, Severity::Warning, &cell.title, message);
                None
            }
        }
    }

    /// A day of the past or present (one day of grace for exports that are written before midnight).
    pub fn past_date(&mut self, cell: Option<&'t Cell>) -> Option<Date> {
        let date = self.date(cell)?;
        let last = self.day.tomorrow().unwrap_or(self.day);
        let plausible = date.year() >= EARLIEST_YEAR && date <= last;
        if !plausible {
            let title = cell.map_or("", |cell| cell.title.as_str());
            let message = format!(
                "日付 {} はありそうにありません（{EARLIEST_YEAR}年より前か、対象日より後）。空として扱いました。",
                chart::date::iso(date)
            );
            self.sink.tell("date.implausible", Severity::Warning, title, message);
        }
        plausible.then_some(date)
    }

    /// A time of day.
    pub fn time(&mut self, cell: Option<&'t Cell>) -> Option<Time> {
        let cell = cell?;
        let text = cell.text(self.row, self.sink);
        if text.is_empty() {
            return None;
        }
        let time = value::time(&text);
        if time.is_none() {
            let message = format!("時刻「{}」を読めません。時間未定として扱いました。", short(&text));
            self.sink
                .tell("time.unreadable", Severity::Warning, &cell.title, message);
        }
        time
    }

    /// A whole number.
    pub fn count(&mut self, cell: Option<&'t Cell>) -> Option<u16> {
        let cell = cell?;
        let text = cell.text(self.row, self.sink);
        if text.is_empty() {
            return None;
        }
        let number = half_width_text(&text).trim().parse().ok();
        if number.is_none() {
            let message = format!("数「{}」を読めません。空として扱いました。", short(&text));
            self.sink
                .tell("number.unreadable", Severity::Warning, &cell.title, message);
        }
        number
    }

    /// Yes or no; what cannot be read is no, and told.
    pub fn truth(&mut self, cell: Option<&'t Cell>) -> bool {
        self.word(cell, value::truth, "はい・いいえ").unwrap_or(false)
    }

    /// A word of a closed list; `None` where it is not mapped or not in the list (which is told).
    pub fn word<T>(&mut self, cell: Option<&'t Cell>, read: fn(&str) -> Option<T>, list: &str) -> Option<T> {
        let cell = cell?;
        let text = cell.text(self.row, self.sink);
        let word = read(&text);
        if word.is_none() {
            let message = format!(
                "「{}」は{list}として読めず、不明として扱いました。対応表の codes で言いかえてください。",
                short(&text)
            );
            self.sink
                .tell_often((list, &*text), "code.unknown", Severity::Warning, &cell.title, message);
        }
        word
    }
}

/// Years before this one do not occur in living patients' records.
const EARLIEST_YEAR: i16 = 1880;

/// A code and its name as two mapped fields.
#[derive(Debug, Clone, Default)]
pub struct CodedCells {
    /// The code.
    pub code: Option<Cell>,
    /// The name.
    pub name: Option<Cell>,
}

/// The Finding code of a date that cannot be taken, and why in words.
#[must_use]
pub fn date_fault(fault: DateFault) -> (&'static str, String) {
    let code = match fault {
        DateFault::BareYear => "date.bare_year",
        DateFault::Impossible => "date.impossible",
        DateFault::WrongEra => "date.era",
        DateFault::Empty | DateFault::Unreadable => "date.unreadable",
    };
    (code, fault.to_string())
}

/// The beginning of a text that may be anything.
#[must_use]
pub fn short(text: &str) -> String {
    let mut chars = text.chars();
    let start: String = chars.by_ref().take(40).collect();
    if chars.next().is_some() { start + "…" } else { start }
}
