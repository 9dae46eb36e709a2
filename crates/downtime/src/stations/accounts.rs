//! Accounts as every station can show them: who may sign in, whom an entry has disabled, and what became of each envelope.
//!
//! The roster itself stays at the hub: nothing is enrolled, reset or given back here.

use chart::{Act, Moment};

use super::Station;
use crate::identity::{Role, UserRecord};

/// Somebody who may sign in, or may no longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// What the snapshot says.
    pub record: UserRecord,
    /// An entry has disabled it; the next snapshot leaves it out.
    pub disabled: bool,
}

/// A sealed envelope and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvelopeInStock {
    /// Number on the outside, such as `bg-001`.
    pub envelope: String,
    /// Where it is kept.
    pub place: String,
    /// Sealed, open, or used up.
    pub lies: Lies,
}

/// How an envelope lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lies {
    /// 未開封, as far as this station knows.
    Sealed,
    /// 開封中
    Open {
        /// Who opened it.
        operator: String,
        /// When.
        at: Moment,
    },
    /// 使用済: it opens nothing any more; a new one must be made.
    Used {
        /// When it was opened.
        at: Moment,
    },
}

impl Station {
    /// Everybody of the newest snapshot, without envelopes, by number.
    #[must_use]
    pub fn accounts(&self) -> Vec<Account> {
        let Some(shelved) = self.shelf().current() else {
            return Vec::new();
        };
        let people = shelved.users().filter(|record| record.role != Role::BreakGlass);
        let mut accounts: Vec<Account> = people
            .map(|record| Account {
                disabled: self.is_disabled(&record.staff_number),
                record,
            })
            .collect();
        accounts.sort_by(|a, b| a.record.staff_number.cmp(&b.record.staff_number));
        accounts
    }

    /// Every envelope of the newest snapshot, by number.
    #[must_use]
    pub fn envelopes_in_stock(&self) -> Vec<EnvelopeInStock> {
        let Some(shelved) = self.shelf().current() else {
            return Vec::new();
        };
        let day = self.open_entries.day();
        let lies = |number: &str| {
            let mut mine = day.openings().filter_map(|r| match &r.entry.act {
                Act::EnvelopeOpened(opened) if opened.envelope == number => Some((opened.operator.clone(), r)),
                _ => None,
            });
            match mine.next_back() {
                None => Lies::Sealed,
                Some((operator, r)) if !day.is_undone(&r.id) => Lies::Open {
                    operator,
                    at: r.entry.written_at,
                },
                Some((_, r)) => Lies::Used { at: r.entry.written_at },
            }
        };
        let envelopes = shelved.users().filter(|record| record.role == Role::BreakGlass);
        let mut stock: Vec<EnvelopeInStock> = envelopes
            .map(|record| EnvelopeInStock {
                lies: lies(&record.staff_number),
                envelope: record.staff_number,
                place: record.purpose,
            })
            .collect();
        stock.sort_by(|a, b| a.envelope.cmp(&b.envelope));
        stock
    }
}
