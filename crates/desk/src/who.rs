//! Which patient an address or a form means: somebody in the snapshot, or somebody registered since.
//!
//! The two spellings cannot be confused: a patient's handle has 16 digits, a temporary patient is named by the 64 digits of the
//! entry that registered them. No guessing: what does not resolve is [`Fault::Stale`].

use std::sync::Arc;

use chart::{Act, EntryId, Subject};
use downtime::index::Index;
use downtime::view::{Day, Recorded};

use crate::fault::Fault;
use crate::visit::Visit;

/// One patient, found.
#[derive(Debug, Clone)]
pub struct Who {
    /// For entries.
    pub subject: Subject,
    /// Row in the index; `None` for a temporary patient.
    pub row: Option<u32>,
    /// As addresses name this patient.
    pub handle: String,
}

impl Who {
    /// Reads what an address or a hidden field says.
    ///
    /// # Errors
    /// [`Fault::Stale`] when it is not of this process, or the newest snapshot does not hold the patient.
    pub fn read(visit: &Visit, index: &Index, day: &Day, text: &str) -> Result<Self, Fault> {
        if let Some(entry) = EntryId::parse(text) {
            let recorded = day.get(&entry).ok_or(Fault::Stale)?;
            return Self::registered(&recorded).ok_or(Fault::Stale);
        }
        let id = visit.site.handles.read(text).ok_or(Fault::Stale)?;
        let row = index.find(&id).ok_or(Fault::Stale)?;
        Self::row(visit, index, row.number()).ok_or(Fault::Stale)
    }

    /// A person of the snapshot.
    #[must_use]
    pub fn row(visit: &Visit, index: &Index, row: u32) -> Option<Self> {
        let id = index.row(row)?.id()?;
        Some(Self {
            handle: visit.site.handles.of(&id),
            subject: Subject::Patient(id),
            row: Some(row),
        })
    }

    /// A temporary patient, by the entry that registered them.
    #[must_use]
    pub fn registered(recorded: &Arc<Recorded>) -> Option<Self> {
        match &recorded.entry.act {
            Act::TemporaryRegistered(temporary) => Some(Self {
                subject: Subject::Temporary(temporary.id.clone()),
                row: None,
                handle: recorded.id.hex(),
            }),
            _ => None,
        }
    }

    /// Whomever an entry is about.
    #[must_use]
    pub fn of_entry(visit: &Visit, index: &Index, day: &Day, recorded: &Recorded) -> Option<Self> {
        Self::of(visit, index, day, &recorded.entry.subject)
    }

    /// Whom a subject means; `None` for the hospital, and for who is not here.
    #[must_use]
    pub fn of(visit: &Visit, index: &Index, day: &Day, subject: &Subject) -> Option<Self> {
        match subject {
            Subject::Patient(id) => Self::row(visit, index, index.find(id)?.number()),
            Subject::Temporary(id) => day
                .registration(id)
                .and_then(|(registered, _)| Self::registered(&registered)),
            Subject::Hospital => None,
        }
    }
}
