//! Atomic install: three slots A, B, C and a pointer log in two copies say which snapshot is the current one.
//!
//! A new snapshot goes into a slot that is not the current one, is synced, re-opened from its file and verified; only
//! then a pointer to it is made durable in both copies. The last good one is never touched before that, so at every
//! moment a crash, a full disk or a failed sync leaves either the old current snapshot or the new one. No rename is
//! relied on, and a pointer file is never appended to: each copy is written anew while the other stands.
//!
//! What "verified" means is the caller's: a closure that opens the file and says which snapshot it is
//! ([`whole_snapshot`] is the usual one). Retention rules and the log of destructions are deliberately elsewhere.

mod pointer;
mod water;

use std::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::files::{Files, ReadAt};
use crate::keys::SealerPublic;
use crate::snapshot::{self, Manifest, Snapshot, SnapshotFault};

pub use pointer::Pointer;
pub use water::Water;

/// Any error of a caller's closure.
pub type BoxError = Box<dyn Error + Send + Sync>;

const SNAPSHOT_NAME: &str = "snapshot.tmb";

/// One of the three places a snapshot can be in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SlotName {
    /// The first.
    A,
    /// The second.
    B,
    /// The third.
    C,
}

impl SlotName {
    /// All three.
    pub const ALL: [Self; 3] = [Self::A, Self::B, Self::C];

    fn dir_name(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
        }
    }
}

/// Which snapshot something is. Ordered by age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identity {
    /// The snapshot's epoch.
    pub epoch: u64,
    /// Its delta.
    pub delta: u32,
    /// SHA-256 of its manifest.
    pub manifest_sha256: [u8; 32],
}

impl From<&Manifest> for Identity {
    fn from(manifest: &Manifest) -> Self {
        Self {
            epoch: manifest.epoch,
            delta: manifest.delta,
            manifest_sha256: manifest.sha256,
        }
    }
}

/// Why nothing was installed or destroyed. The current snapshot is the same as before.
#[derive(Debug, thiserror::Error)]
pub enum SlotsFault {
    /// A file operation failed.
    #[error("{0} failed; the snapshot in use before stays in use; check free space and the disk")]
    Io(&'static str, #[source] io::Error),
    /// The caller could not write the snapshot.
    #[error("the new snapshot could not be written; the one in use before stays in use")]
    Write(#[source] BoxError),
    /// What was written does not verify when read back.
    #[error(
        "the new snapshot does not open when read back; the one in use before stays in use; seal or fetch it again"
    )]
    Verify(#[source] BoxError),
    /// The new snapshot is not newer than the current one.
    #[error(
        "the new snapshot is not newer than the one in use, which stays in use; if this is meant, two officers must order the return"
    )]
    NotNewer,
    /// The new snapshot is older than one that was in use here before.
    #[error(
        "an older snapshot than one that was already in use here was offered; it was not taken, and what is in use stays; tell the informatics officer"
    )]
    Rollback,
    /// The current snapshot would have been destroyed.
    #[error("slot {0:?} holds the snapshot in use; it was not destroyed; install a newer one first")]
    InUse(SlotName),
}

/// The outcome of looking for the current snapshot.
#[derive(Debug)]
pub struct Found<T> {
    /// The newest snapshot here that verifies, if any does.
    pub current: Option<Current<T>>,
    /// Newer or equal ones that were pointed to but do not verify: people must be told.
    pub refused: Vec<(SlotName, BoxError)>,
}

/// The current snapshot.
#[derive(Debug)]
pub struct Current<T> {
    /// Where it is.
    pub slot: SlotName,
    /// Which it is.
    pub identity: Identity,
    /// What the verifying closure made of it.
    pub opened: T,
}

/// A finished installation.
#[derive(Debug)]
pub struct Installed<T> {
    /// The new current snapshot, as re-opened from its file.
    pub current: Current<T>,
    /// What was destroyed to make room, for the log of destructions.
    pub destroyed: Option<DestructionRecord>,
}

/// What was done to a destroyed snapshot: facts for the caller's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DestructionRecord {
    /// The slot it was in.
    pub slot: SlotName,
    /// Which snapshot it was, as far as the pointer log knows.
    pub identity: Option<Identity>,
    /// Length of the file, in bytes.
    pub file_len: u64,
    /// Bytes overwritten with zeros and synced before the file was removed: all keys and the manifest, or the whole
    /// file when it was not a readable snapshot. 0 means overwriting failed and the file was only removed.
    pub erased: u64,
}

/// The directory with the slots and the pointer log.
#[derive(Clone)]
pub struct Slots {
    files: Arc<dyn Files>,
    dir: PathBuf,
}

impl Slots {
    /// Opens (and where needed creates) the slot directories under `dir`.
    ///
    /// # Errors
    /// [`SlotsFault::Io`].
    pub fn open(files: Arc<dyn Files>, dir: &Path) -> Result<Self, SlotsFault> {
        let slots = Self {
            files,
            dir: dir.to_path_buf(),
        };
        for slot in SlotName::ALL {
            slots
                .files
                .create_dir(&slots.slot_dir(slot))
                .map_err(during("creating the slot directory"))?;
        }
        Ok(slots)
    }

    /// Finds the current snapshot: of all pointed-to slots, the newest that `verify` accepts as what the pointer says.
    /// Should no pointer lead to one (both logs lost), the newest slot that verifies at all is taken instead: showing
    /// something with its true age beats showing nothing.
    ///
    /// # Errors
    /// [`SlotsFault::Io`] when the directory cannot be read.
    pub fn current<T>(
        &self,
        verify: &mut dyn FnMut(Arc<dyn ReadAt>) -> Result<(Identity, T), BoxError>,
    ) -> Result<Found<T>, SlotsFault> {
        let mut refused = Vec::new();
        for pointer in self.pointers()?.iter().rev() {
            if refused.iter().any(|(slot, _)| *slot == pointer.slot) {
                continue;
            }
            match self.verify_slot(pointer.slot, Some(pointer.identity), verify) {
                Ok(current) => {
                    return Ok(Found {
                        current: Some(current),
                        refused,
                    });
                }
                Err(error) => refused.push((pointer.slot, error)),
            }
        }
        let mut unpointed: Vec<_> = SlotName::ALL
            .into_iter()
            .filter_map(|slot| self.verify_slot(slot, None, verify).ok())
            .collect();
        unpointed.sort_by_key(|current| current.identity);
        Ok(Found {
            current: unpointed.pop(),
            refused,
        })
    }

    /// Installs a snapshot: `write` writes it into a free slot, `verify` re-opens it from there. On any error the
    /// current snapshot is what it was, and the half-written file is removed as far as the disk allows.
    ///
    /// # Errors
    /// [`SlotsFault`].
    pub fn install<T>(
        &self,
        write: impl FnOnce(&mut dyn Write) -> Result<(), BoxError>,
        verify: &mut dyn FnMut(Arc<dyn ReadAt>) -> Result<(Identity, T), BoxError>,
    ) -> Result<Installed<T>, SlotsFault> {
        let found = self.current(verify)?;
        let keep = found.current.as_ref().map(|current| (current.slot, current.identity));
        let slot = self.free_slot(keep.map(|(slot, _)| slot), &found.refused)?;
        drop(found);
        // The pointer read above may be visible without being durable (an earlier life was killed before its sync).
        // It must be durable before the slot of an older generation is emptied.
        self.write_pointers(keep)?;
        let destroyed = self.empty(slot)?;
        let written = self
            .write_slot(slot, write)
            .and_then(|()| self.verify_slot(slot, None, verify).map_err(SlotsFault::Verify));
        let current = match written {
            Ok(current)
                if keep.is_some_and(|(_, kept)| {
                    (current.identity.epoch, current.identity.delta) <= (kept.epoch, kept.delta)
                }) =>
            {
                Err(SlotsFault::NotNewer)
            }
            Ok(current) if self.water().is_some_and(|water| water.is_above(&current.identity)) => {
                Err(SlotsFault::Rollback)
            }
            other => other,
        };
        let pointed = current.and_then(|current| self.write_pointers(Some((slot, current.identity))).map(|()| current));
        match pointed {
            Ok(current) => Ok(Installed { current, destroyed }),
            Err(fault) => {
                // Best effort: a leftover is harmless, nothing points to it.
                let _ = self.empty(slot);
                Err(fault)
            }
        }
    }

    /// Destroys the snapshot in `slot`, keys first. `in_use` is the slot that must not be destroyed; a station that is
    /// being retired passes `None`.
    ///
    /// # Errors
    /// [`SlotsFault`]; `Ok(None)` when the slot was empty.
    pub fn destroy(&self, slot: SlotName, in_use: Option<SlotName>) -> Result<Option<DestructionRecord>, SlotsFault> {
        if in_use == Some(slot) {
            return Err(SlotsFault::InUse(slot));
        }
        self.empty(slot)
    }

    /// All valid pointer records of both copies, oldest first.
    ///
    /// # Errors
    /// [`SlotsFault::Io`] when neither copy can be read although the directory lists them.
    pub fn pointers(&self) -> Result<Vec<Pointer>, SlotsFault> {
        pointer::read_both(&*self.files, &self.dir).map_err(during("reading the pointer log"))
    }

    /// The newest snapshot that was ever in use here; `None` on a new shelf, or when both copies of the mark are lost.
    #[must_use]
    pub fn water(&self) -> Option<Water> {
        water::read(&*self.files, &self.dir)
    }

    /// Raises the high-water mark; a lower one changes nothing.
    ///
    /// # Errors
    /// [`SlotsFault::Io`]: what is in use stays in use, and the old mark holds.
    pub fn raise_water(&self, water: Water) -> Result<(), SlotsFault> {
        water::raise(&*self.files, &self.dir, water).map_err(during("writing the high-water mark"))
    }

    fn write_pointers(&self, newest: Option<(SlotName, Identity)>) -> Result<(), SlotsFault> {
        let mut pointers = self.pointers()?;
        if let Some((slot, identity)) = newest {
            let serial = pointers.iter().map(|pointer| pointer.serial).max().unwrap_or(0) + 1;
            pointers.retain(|pointer| (pointer.slot, pointer.identity) != (slot, identity));
            pointers.push(Pointer { slot, identity, serial });
        }
        if pointers.is_empty() {
            return Ok(());
        }
        pointer::write_both(&*self.files, &self.dir, &mut pointers).map_err(during("writing the pointer log"))
    }

    /// Not the current one; first one that does not verify, then an unused one, then the oldest generation.
    fn free_slot(&self, keep: Option<SlotName>, refused: &[(SlotName, BoxError)]) -> Result<SlotName, SlotsFault> {
        let pointers = self.pointers()?;
        let age = |slot: SlotName| {
            let newest = pointers
                .iter()
                .rev()
                .find(|pointer| pointer.slot == slot)
                .map(|pointer| pointer.identity);
            (!refused.iter().any(|(bad, _)| *bad == slot), newest)
        };
        Ok(SlotName::ALL
            .into_iter()
            .filter(|slot| Some(*slot) != keep)
            .min_by_key(|slot| age(*slot))
            .unwrap_or(SlotName::A))
    }

    fn write_slot(
        &self,
        slot: SlotName,
        write: impl FnOnce(&mut dyn Write) -> Result<(), BoxError>,
    ) -> Result<(), SlotsFault> {
        let mut file = self
            .files
            .create_new(&self.slot_file(slot))
            .map_err(during("creating the new snapshot file"))?;
        write(&mut file).map_err(SlotsFault::Write)?;
        file.sync().map_err(during("syncing the new snapshot"))?;
        self.files
            .sync_dir(&self.slot_dir(slot))
            .map_err(during("syncing the slot directory"))
    }

    fn verify_slot<T>(
        &self,
        slot: SlotName,
        expected: Option<Identity>,
        verify: &mut dyn FnMut(Arc<dyn ReadAt>) -> Result<(Identity, T), BoxError>,
    ) -> Result<Current<T>, BoxError> {
        let source = self.files.open(&self.slot_file(slot))?;
        let (identity, opened) = verify(source)?;
        if expected.is_some_and(|expected| expected != identity) {
            return Err("the slot holds another snapshot than the pointer log says".into());
        }
        Ok(Current { slot, identity, opened })
    }

    fn empty(&self, slot: SlotName) -> Result<Option<DestructionRecord>, SlotsFault> {
        let path = self.slot_file(slot);
        let source = match self.files.open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(during("opening the old snapshot"))?,
        };
        let file_len = source.size().map_err(during("opening the old snapshot"))?;
        let ranges = snapshot::key_ranges(&*source).unwrap_or_else(|| vec![(0, file_len)]);
        drop(source);
        // A sector that cannot be overwritten must not keep tomorrow's snapshot out; the record says so.
        let erased = ranges.iter().try_fold(0, |sum, (at, len)| {
            self.files.erase(&path, *at, *len).map(|()| sum + len)
        });
        self.files.remove(&path).map_err(during("removing the old snapshot"))?;
        self.files
            .sync_dir(&self.slot_dir(slot))
            .map_err(during("syncing the slot directory"))?;
        let pointers = self.pointers()?;
        let identity = pointers
            .iter()
            .rev()
            .find(|pointer| pointer.slot == slot)
            .map(|pointer| pointer.identity);
        Ok(Some(DestructionRecord {
            slot,
            identity,
            file_len,
            erased: erased.unwrap_or(0),
        }))
    }

    fn slot_dir(&self, slot: SlotName) -> PathBuf {
        self.dir.join(slot.dir_name())
    }

    fn slot_file(&self, slot: SlotName) -> PathBuf {
        self.slot_dir(slot).join(SNAPSHOT_NAME)
    }
}

/// The usual verification: a trusted signature, and every byte as the manifest lists it.
///
/// # Errors
/// [`SnapshotFault`] boxed.
pub fn whole_snapshot(source: Arc<dyn ReadAt>, trusted: &[SealerPublic]) -> Result<(Identity, Snapshot), BoxError> {
    let snapshot = Snapshot::open(source, trusted)?;
    let checked = snapshot.verify_sections(&mut |_, _| ());
    if let Some((kind, id)) = checked.changed.first() {
        return Err(SnapshotFault::SectionChanged(*kind, *id).into());
    }
    Ok((Identity::from(snapshot.manifest()), snapshot))
}

fn during(step: &'static str) -> impl Fn(io::Error) -> SlotsFault {
    move |error| SlotsFault::Io(step, error)
}
