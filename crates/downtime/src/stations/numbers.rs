//! Numbers that cannot collide offline (mission row 65): each station counts in its own range of the roster.
//!
//! A number is taken when it is handed out, in memory; the journal says which were used. A number handed out and never
//! recorded (a crash in between) may be handed out again: nobody has seen it.

use chart::{FormId, StationCode, TemporaryId};
use jiff::civil::Date;

use crate::identity::ranges::Block;
use crate::identity::{Enrolled, TEMPORARY_PER_LIFE};
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
#[derive(Debug, Clone)]
pub(super) struct Range {
    pub code: StationCode,
    pub block: Block,
    pub label: String,
    /// Temporary patients' numbers above this one, [`TEMPORARY_PER_LIFE`] of them.
    pub temporary_from: u32,
    pub today: Date,
}

impl Range {
    /// The numbers of a station on a day.
    pub(super) fn of(station: &Enrolled, today: Date) -> Self {
        Self {
            code: station.code,
            block: station.block_on(today),
            label: station.label.to_string(),
            temporary_from: u32::from(station.generation) * TEMPORARY_PER_LIFE,
            today,
        }
    }
}

impl Issued {
    fn catch_up(&mut self, range: &Range, day: &Day) {
        let probe = FormId::issue(range.today, range.block.node(), 0)
            .map(|id| id.day_part().to_owned())
            .unwrap_or_default();
        let sheets = range.block.sheets();
        if self.day_part != probe || !sheets.contains(&self.used.sheet) {
            self.day_part = probe;
            self.used.sheet = sheets.start.saturating_sub(1);
        }
        let temporaries = range.temporary_from..range.temporary_from + TEMPORARY_PER_LIFE;
        let used = day.used_numbers(range.code, &range.label, &range.block, &self.day_part, temporaries);
        self.used.reception = self.used.reception.max(used.reception);
        self.used.sheet = self.used.sheet.max(used.sheet);
        self.used.temporary = self.used.temporary.max(used.temporary).max(range.temporary_from);
    }

    /// `A-127`
    pub(super) fn reception(&mut self, range: &Range, day: &Day) -> String {
        self.catch_up(range, day);
        self.used.reception += 1;
        format!("{}-{:03}", range.label, self.used.reception)
    }

    pub(super) fn sheet(&mut self, range: &Range, day: &Day) -> Result<FormId, Exhausted> {
        self.catch_up(range, day);
        // What lies above belongs to blank sheets printed beforehand.
        let next = Some(self.used.sheet + 1).filter(|next| range.block.sheets().contains(next));
        let id = next
            .and_then(|next| FormId::issue(range.today, range.block.node(), next))
            .ok_or(Exhausted)?;
        self.used.sheet += 1;
        Ok(id)
    }

    pub(super) fn temporary(&mut self, range: &Range, day: &Day) -> Result<TemporaryId, Exhausted> {
        self.catch_up(range, day);
        let next = Some(self.used.temporary + 1).filter(|next| *next < range.temporary_from + TEMPORARY_PER_LIFE);
        let id = next
            .and_then(|next| TemporaryId::issue(range.code, next))
            .ok_or(Exhausted)?;
        self.used.temporary += 1;
        Ok(id)
    }
}

#[cfg(test)]
mod tests;
