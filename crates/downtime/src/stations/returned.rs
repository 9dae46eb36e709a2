//! Returned paper on the screens of a station: its archive, for who reads the journal, and the decisions of who is signed in.
//!
//! What the archive knows becomes entries here, so that every station draws up the same account. Taking scans in is the program's
//! command; nothing is read from pictures here.

use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use chart::Moment;
use vault::HospitalId;
use vault::files::Files;

use super::{Session, Station};
use crate::identity::Role;
use crate::journal::NotSaved;
use crate::scans::{Archive, Decided, Decision, Issued, Pack, Register, untold};

/// So often the archive is looked at for something that no entry says yet, while somebody works here.
const LOOK_SECONDS: i64 = 60;

/// Where this station keeps scans.
pub(super) struct Returned {
    pub files: Arc<dyn Files>,
    pub data: PathBuf,
    pub hospital: HospitalId,
    /// When the archive was last looked at.
    pub looked: AtomicI64,
    /// What lay in the archive when everything in it was told; held while it is told.
    pub told: Mutex<Vec<(String, u64)>>,
}

impl Station {
    /// Whether it is time to look for something that the archive knows and no entry says. True once a minute.
    #[must_use]
    pub fn paper_is_due(&self, now: Moment) -> bool {
        let last = self.returned.looked.load(Ordering::Relaxed);
        let due = !(0..LOOK_SECONDS).contains(&now.0.saturating_sub(last));
        due && self
            .returned
            .looked
            .compare_exchange(last, now.0, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
    }
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

    /// Records what this station's archive knows of packs, returned pages and decisions and no entry says yet, so that every
    /// station hears of it; blocks until it is on the disk. Says how many entries that were. Who reads no journal tells nothing,
    /// and nobody tells anything from an envelope.
    ///
    /// # Errors
    /// [`NotSaved`]: some of it is not told yet. It stays in the archive, and the next attempt tells it.
    pub fn tell_of_paper(&self) -> Result<usize, NotSaved> {
        let Some(archive) = self.scans().filter(|_| self.role() != Role::BreakGlass) else {
            return Ok(0);
        };
        let mut told = self
            .station
            .returned
            .told
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let lies = archive.listing().map_err(|fault| NotSaved(fault.to_string()))?;
        if *told == lies {
            return Ok(0);
        }
        let contents = archive.contents().map_err(|fault| NotSaved(fault.to_string()))?;
        let acts = {
            let day = self.day();
            untold(&contents, &Register::gather(&day, &contents.packs), &day)
        };
        let count = acts.len();
        let (answers, heard) = std::sync::mpsc::channel();
        for (subject, act) in acts {
            let answers = answers.clone();
            // Whoever waits has gone only when an earlier one failed; the entry is saved all the same.
            let then = move |saved| drop(answers.send(saved));
            self.station.keeper.keep_then(self.entry(subject, act), then)?;
        }
        drop(answers);
        for saved in heard {
            saved?;
        }
        *told = lies;
        Ok(count)
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
