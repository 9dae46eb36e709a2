//! Returned paper on the screens of a station: its archive, for who reads the journal, and the decisions of who is signed in.
//!
//! Taking scans in is the program's command; nothing is read from pictures here.

use std::path::PathBuf;
use std::sync::Arc;

use vault::HospitalId;
use vault::files::Files;

use super::Session;
use crate::journal::NotSaved;
use crate::scans::{Archive, Decided, Decision, Issued, Pack};

/// Where this station keeps scans.
pub(super) struct Returned {
    pub files: Arc<dyn Files>,
    pub data: PathBuf,
    pub hospital: HospitalId,
}

impl Session {
    /// The scans of this station; `None` for a role that does not read the journal.
    #[must_use]
    pub fn scans(&self) -> Option<Archive> {
        let place = &self.station.returned;
        let journal = self.unlocked.journal.clone()?;
        Some(Archive::new(
            Arc::clone(&place.files),
            &place.data,
            place.hospital,
            journal,
        ))
    }

    /// Writes sheets of a pack into the register under this person's name: from here on they are issued. Blocks until it is on the disk.
    ///
    /// # Errors
    /// [`NotSaved`]: none of them may leave.
    pub fn issue_pack(&self, title: &str, sheets: Vec<Issued>) -> Result<(), NotSaved> {
        let archive = self.scans();
        let archive = archive.ok_or_else(|| NotSaved("この職種では用紙を発行できません。".to_owned()))?;
        let pack = Pack {
            at: self.station.now(),
            by: self.author().user.clone(),
            title: title.to_owned(),
            sheets,
            blank: false,
        };
        let kept = archive.keep_pack(&pack, &mut *(self.station.randomness)());
        kept.map_err(|fault| NotSaved(fault.to_string()))
    }

    /// Keeps a decision about returned paper under this person's name; blocks until it is on the disk.
    ///
    /// # Errors
    /// [`NotSaved`]: nothing was decided.
    pub fn decide_scan(&self, what: Decided) -> Result<(), NotSaved> {
        let archive = self.scans();
        let archive = archive.ok_or_else(|| NotSaved("この職種では決められません。".to_owned()))?;
        let decision = Decision {
            at: self.station.now(),
            by: self.author().user.clone(),
            what,
        };
        let kept = archive.keep_decision(&decision, &mut *(self.station.randomness)());
        kept.map_err(|fault| NotSaved(fault.to_string()))
    }
}
