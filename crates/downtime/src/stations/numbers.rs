//! Numbers that cannot collide offline (mission row 65): each station counts in its own range.
//!
//! A number is taken when it is handed out, in memory; the journal says which were used. A number handed out and never
//! recorded (a crash in between) may be handed out again: nobody has seen it.

use chart::id::FIRST_BLANK;
use chart::{FormId, StationCode, TemporaryId};
use jiff::civil::Date;

use crate::view::{Day, Used};

/// What this life has handed out.
#[derive(Debug, Default)]
pub(super) struct Issued {
    used: Used,
    day_part: String,
}

/// The numbers of this station have run out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("この端末の番号を使い切りました。ほかの端末で行ってください")]
pub struct Exhausted;

/// Whose numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Range {
    pub code: StationCode,
    pub node: u8,
    pub letter: char,
    pub today: Date,
}

impl Issued {
    fn catch_up(&mut self, range: &Range, day: &Day) {
        let probe = FormId::issue(range.today, range.node, 0)
            .map(|id| id.day_part().to_owned())
            .unwrap_or_default();
        if self.day_part != probe {
            self.day_part = probe;
            self.used.sheet = 0;
        }
        let used = day.used_numbers(range.code, range.node, &self.day_part);
        self.used.reception = self.used.reception.max(used.reception);
        self.used.sheet = self.used.sheet.max(used.sheet);
        self.used.temporary = self.used.temporary.max(used.temporary);
    }

    /// `A-127`
    pub(super) fn reception(&mut self, range: &Range, day: &Day) -> String {
        self.catch_up(range, day);
        self.used.reception += 1;
        format!("{}-{:03}", range.letter, self.used.reception)
    }

    pub(super) fn sheet(&mut self, range: &Range, day: &Day) -> Result<FormId, Exhausted> {
        self.catch_up(range, day);
        // What lies above belongs to blank sheets printed beforehand.
        let next = Some(self.used.sheet + 1).filter(|next| *next < FIRST_BLANK);
        let id = next
            .and_then(|next| FormId::issue(range.today, range.node, next))
            .ok_or(Exhausted)?;
        self.used.sheet += 1;
        Ok(id)
    }

    pub(super) fn temporary(&mut self, range: &Range, day: &Day) -> Result<TemporaryId, Exhausted> {
        self.catch_up(range, day);
        let id = TemporaryId::issue(range.code, self.used.temporary + 1).ok_or(Exhausted)?;
        self.used.temporary += 1;
        Ok(id)
    }
}
