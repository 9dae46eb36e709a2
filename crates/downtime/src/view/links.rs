//! Temporary patients that got their number: one person proposes, another confirms, either takes it back.
//!
//! A link says whose entries belong together when they are typed into the EHR. Nothing is merged here, and nothing about a
//! chart is decided: both numbers stay on everything that was printed.

use std::sync::Arc;

use chart::entry::Link;
use chart::{Act, PatientId, TemporaryId};

use super::{Day, Recorded};

/// One proposal and what became of it.
#[derive(Debug, Clone)]
pub struct LinkState {
    /// The entry that proposed it.
    pub proposal: Arc<Recorded>,
    /// What is linked with what, and why.
    pub link: Link,
    /// Who else confirmed it.
    pub confirmed: Option<Arc<Recorded>>,
    /// Who took it back.
    pub undone: Option<Arc<Recorded>>,
}

impl LinkState {
    /// Confirmed by a second person and not taken back.
    #[must_use]
    pub const fn holds(&self) -> bool {
        self.confirmed.is_some() && self.undone.is_none()
    }

    /// Waits for a second person.
    #[must_use]
    pub const fn waits(&self) -> bool {
        self.confirmed.is_none() && self.undone.is_none()
    }
}

impl Day {
    /// Every proposal, in order.
    pub fn links(&self) -> impl Iterator<Item = LinkState> {
        self.of(&self.linked).filter_map(|proposal| {
            let Act::LinkProposed(link) = &proposal.entry.act else {
                return None;
            };
            Some(LinkState {
                link: link.clone(),
                confirmed: self.confirmed_by(&proposal.id),
                undone: self.undone_by(&proposal.id),
                proposal,
            })
        })
    }

    /// Patients with whom a temporary patient is linked; more than one is a matter for a person.
    pub fn patients_of(&self, temporary: &TemporaryId) -> impl Iterator<Item = PatientId> {
        self.links()
            .filter(move |link| link.holds() && link.link.temporary == *temporary)
            .map(|link| link.link.patient)
    }

    /// Temporary patients that are linked with a patient.
    pub fn temporaries_of(&self, patient: &PatientId) -> impl Iterator<Item = TemporaryId> {
        self.links()
            .filter(move |link| link.holds() && link.link.patient == *patient)
            .map(|link| link.link.temporary)
    }
}
