//! What comes to the shelf from others: a newer snapshot, pulled section by section, and the sealer's sign of life.
//!
//! Everything is judged before a byte is fetched and proven before it is used. Whom to ask is the roof's.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use chart::Moment;
use vault::files::ReadAt;
use vault::shelf_slots::{BoxError, DestructionRecord, Identity, SlotsFault, Water, whole_snapshot};
use vault::snapshot::{SnapshotFault, Tail};

use super::{Shelf, ShelfFault, Shelved};
use crate::distribution::{
    self, Admission, Gathered, Giver, Heartbeat, HeartbeatFault, Plan, PullFault, Pulse, Refused, Remark, Warning,
};

/// What the sealer says must have gone on by so much before the mark on the disk is raised for it.
const MARK_SECONDS: i64 = 600;

/// A heartbeat with what it meant here.
pub(super) struct Heard {
    beat: Heartbeat,
    bytes: Vec<u8>,
    /// Since when it is known that there is a newer snapshot than the one in use.
    newer: Option<Moment>,
}

/// A snapshot that was pulled and is in use.
#[derive(Debug)]
pub struct Pulled {
    /// Which.
    pub identity: Identity,
    /// Bytes that came over the line.
    pub fetched: u64,
    /// What was destroyed to make room, for the log.
    pub destroyed: Option<DestructionRecord>,
    /// What people must know.
    pub warnings: Vec<Warning>,
}

/// Why nothing was pulled. What is in use stays in use.
#[derive(Debug, thiserror::Error)]
pub enum ArrivalFault {
    /// No trusted sealer signed the manifest, or it is none.
    #[error("差し出された封印済みデータの目録を信用できません: {0}")]
    Untrusted(#[from] SnapshotFault),
    /// It is not to be followed.
    #[error("{0}")]
    Refused(#[from] Refused),
    /// It could not be gathered.
    #[error("{0}")]
    Pull(#[from] PullFault),
    /// It could not be installed.
    #[error("取得した封印済みデータを置けません: {0}")]
    Slots(#[from] SlotsFault),
}

impl Shelf {
    /// Follows a manifest: gathers what is not here, puts the file together in a free slot, proves it, and takes it into use. `free` is
    /// the room on the disk, where somebody could see it.
    ///
    /// # Errors
    /// [`ArrivalFault`]; the one in use stays in use, and what has arrived is kept for the next attempt.
    pub fn pull(
        &self,
        tail: &[u8],
        givers: &[&dyn Giver],
        free: Option<u64>,
        now: Moment,
        remark: &mut dyn FnMut(Remark),
    ) -> Result<Pulled, ArrivalFault> {
        let tail = Tail::parse(tail, &self.trusted())?;
        let here = self.current();
        let admission = Admission {
            hospital: self.hospital,
            in_use: here.as_ref().map(|here| here.identity),
            water: self.slots.water(),
        };
        let warnings = distribution::judge(tail.manifest(), &admission, now)?;
        let plan = |copy: bool| -> Result<Plan<'_>, PullFault> {
            let from = here.as_ref().filter(|_| copy).map(|here| &here.snapshot);
            let plan = Plan::new(&tail, from, Arc::clone(&self.files), &self.dir.join("pull"))?;
            plan.fits(free)?;
            Ok(plan)
        };
        let mut gathered = plan(true)?.gather(givers, remark)?;
        let mut fetched = gathered.fetched;
        let mut installed = self.install(&gathered);
        // A section here that has rotted since it was proven must not keep the newer snapshot out for ever.
        if matches!(installed, Err(SlotsFault::Verify(_))) && gathered.copies() && here.as_ref().is_some_and(is_rotten)
        {
            remark(Remark::Rotten);
            gathered = plan(false)?.gather(givers, remark)?;
            fetched += gathered.fetched;
            installed = self.install(&gathered);
        }
        let (identity, destroyed) = installed?;
        if let Err(error) = gathered.done() {
            tracing::warn!(%error, "pieces of a finished pull could not be removed");
        }
        Ok(Pulled {
            identity,
            fetched,
            destroyed,
            warnings,
        })
    }

    fn install(&self, gathered: &Gathered<'_>) -> Result<(Identity, Option<DestructionRecord>), SlotsFault> {
        let write = |out: &mut dyn std::io::Write| gathered.write(out).map_err(BoxError::from);
        let mut verify = |source: Arc<dyn ReadAt>| -> Result<(Identity, Shelved), BoxError> {
            whole_snapshot(Arc::clone(&source), &self.trusted())?;
            self.look(source)
        };
        let installed = self.slots.install(write, &mut verify)?;
        let identity = installed.current.identity;
        self.use_now(installed.current.opened);
        Ok((identity, installed.destroyed))
    }

    /// Takes a snapshot that was proven into use, and raises the mark below which nothing comes back.
    pub(super) fn use_now(&self, newest: Shelved) {
        self.told.fetch_max(newest.created.0, Ordering::Relaxed);
        let identity = newest.identity;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(newest));
        self.mark(identity);
    }

    pub(super) fn mark(&self, identity: Identity) {
        let water = Water {
            identity,
            told: self.told().0,
        };
        if let Err(error) = self.slots.raise_water(water) {
            tracing::warn!(%error, "the high-water mark was not raised");
        }
    }

    /// Takes a heartbeat that came over the line, or that this station has just signed itself. False for the one that is known.
    ///
    /// # Errors
    /// [`HeartbeatFault`]; what was heard before still holds.
    pub fn hear(&self, bytes: &[u8], now: Moment) -> Result<bool, HeartbeatFault> {
        let mut heard = self.heard.write().unwrap_or_else(PoisonError::into_inner);
        if heard.as_ref().is_some_and(|heard| heard.bytes == bytes) {
            return Ok(false);
        }
        let beat = Heartbeat::read(bytes, &self.trusted())?;
        beat.follows(self.hospital, heard.as_ref().map(|heard| &heard.beat), self.told(), now)?;
        let newer = self.lacks(&beat);
        let since = heard.as_ref().and_then(|heard| heard.newer).unwrap_or(now);
        *heard = Some(Heard {
            beat,
            bytes: bytes.to_vec(),
            newer: newer.then_some(since),
        });
        drop(heard);
        self.told.fetch_max(beat.at.0, Ordering::Relaxed);
        // Not every minute to the disk: what is lost by a power cut is ten minutes of knowing better than the clock.
        let marked = self.marked.load(Ordering::Relaxed);
        if let Some(here) = self.current()
            && beat.at.0.saturating_sub(marked) > MARK_SECONDS
        {
            self.marked.store(beat.at.0, Ordering::Relaxed);
            self.mark(here.identity);
        }
        Ok(true)
    }

    /// Whether the snapshot in use is older than the newest a sealer speaks of.
    fn lacks(&self, beat: &Heartbeat) -> bool {
        let newest = (beat.newest.epoch, beat.newest.delta);
        self.current()
            .is_none_or(|here| (here.identity.epoch, here.identity.delta) < newest)
    }

    /// The newest heartbeat heard, for passing it on.
    #[must_use]
    pub fn heartbeat(&self) -> Option<(Heartbeat, Vec<u8>)> {
        let heard = self.heard.read().unwrap_or_else(PoisonError::into_inner);
        heard.as_ref().map(|heard| (heard.beat, heard.bytes.clone()))
    }

    /// A newer snapshot that a sealer speaks of and that is not here.
    #[must_use]
    pub fn wanted(&self) -> Option<Identity> {
        let (beat, _) = self.heartbeat()?;
        self.lacks(&beat).then_some(beat.newest)
    }

    /// The latest moment a sealer has vouched for here: it cannot be earlier than that, whatever this station's clock shows.
    #[must_use]
    pub fn told(&self) -> Moment {
        Moment(self.told.load(Ordering::Relaxed))
    }

    /// What may be said about how new the data here are.
    #[must_use]
    pub fn pulse(&self, now: Moment) -> Pulse {
        let heard = self.heard.read().unwrap_or_else(PoisonError::into_inner);
        let newer = heard.as_ref().filter(|heard| self.lacks(&heard.beat));
        let newer = newer.and_then(|heard| heard.newer);
        distribution::pulse(heard.as_ref().map(|heard| &heard.beat), newer, self.told(), now)
    }
}

impl Shelved {
    /// The end of the file: manifest, signature, trailer, for who wants to know whether it is newer.
    ///
    /// # Errors
    /// What the device says.
    pub fn tail(&self) -> std::io::Result<Vec<u8>> {
        Tail::of(&self.snapshot)
    }

    /// Where the section with this hash lies, and how long it is.
    #[must_use]
    pub fn section_of(&self, sha256: &[u8; 32]) -> Option<(u64, u64)> {
        let mut sections = self.snapshot.manifest().sections.iter();
        sections
            .find(|section| section.sha256 == *sha256)
            .map(|section| (section.offset, section.len))
    }
}

/// Whether the file in use is not what it was when it was proven.
fn is_rotten(here: &Arc<Shelved>) -> bool {
    !here.snapshot.verify_sections(&mut |_, _| ()).is_whole()
}

impl From<ShelfFault> for ArrivalFault {
    fn from(ShelfFault::Slots(fault): ShelfFault) -> Self {
        Self::Slots(fault)
    }
}
