//! A witness: whoever remembers how far a log had got, and refuses to see it take anything back.
//!
//! Every peer is one. It keeps the last checkpoint of each log as it was signed, because a second signed one that
//! contradicts it proves to everybody, without trusting the witness, that the log was rewritten.
//!
//! It deliberately trusts what it sees first. That is why checkpoints are also on paper.

use std::collections::BTreeMap;

use crate::keys::StationPublic;
use crate::tree::{Hash, empty_root, verify_consistency};

use super::{CheckpointFault, Origin, SignedCheckpoint};

/// The last checkpoint of each log.
///
/// Nothing is stored here: the caller makes what [`Witness::accept`] remembered durable before anybody hears that it
/// was accepted. Otherwise a restart could make the witness accept both of two contradicting histories.
#[derive(Clone, Debug, Default)]
pub struct Witness {
    seen: BTreeMap<Origin, SignedCheckpoint>,
}

/// What accepting a checkpoint changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// The first checkpoint of a log: from here on it is held to it.
    First,
    /// The log has not grown; the remembered checkpoint stays.
    Unchanged,
    /// The log has grown by this many records, and all remembered ones are still in it.
    Grown(u64),
}

/// Why a checkpoint was refused; what was remembered stays remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WitnessFault {
    /// Not a checkpoint by that station.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointFault),
    /// Fewer records than remembered: an old checkpoint, or records were taken away.
    #[error(
        "this log has {shown} records and had {seen} before; the earlier checkpoint stays; an old copy, or records were taken away: keep both and tell the informatics officer"
    )]
    Shorter {
        /// Records remembered.
        seen: u64,
        /// Records claimed now.
        shown: u64,
    },
    /// Two signed roots for one size: the log was rewritten, and both signatures prove it.
    #[error(
        "this log has two histories of {0} records, both signed; the earlier checkpoint stays; keep both and tell the informatics officer at once"
    )]
    Forked(u64),
    /// The proof does not show that the remembered records are still in the log.
    #[error(
        "this log does not show that its {seen} earlier records are still in it; the earlier checkpoint stays; ask for the proof again, and if it fails again tell the informatics officer"
    )]
    NotProven {
        /// Records remembered.
        seen: u64,
    },
}

impl Witness {
    /// A witness that remembers nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes back what the caller stored. It is believed: only what [`Witness::accept`] accepted may come here.
    pub fn remember(&mut self, stored: SignedCheckpoint) {
        self.seen.insert(stored.claim().origin, stored);
    }

    /// The last checkpoint of a log: the proof must start from its size.
    #[must_use]
    pub fn seen(&self, origin: &Origin) -> Option<&SignedCheckpoint> {
        self.seen.get(origin)
    }

    /// All remembered checkpoints, for storing and for telling other witnesses.
    pub fn all(&self) -> impl Iterator<Item = &SignedCheckpoint> + '_ {
        self.seen.values()
    }

    /// Accepts a checkpoint that only continues what is remembered: `proof` is the consistency proof from the
    /// remembered size to the new one, empty when nothing is remembered or the sizes are equal.
    ///
    /// # Errors
    /// [`WitnessFault`]; nothing is changed then.
    pub fn accept(
        &mut self,
        shown: &SignedCheckpoint,
        station: &StationPublic,
        proof: &[Hash],
    ) -> Result<Accepted, WitnessFault> {
        let now = shown.verify(station)?;
        let before = self.seen.get(&now.origin).map(SignedCheckpoint::claim);
        let (size, root) = before.map_or((0, empty_root()), |before| (before.size, before.root));
        if now.size < size {
            return Err(WitnessFault::Shorter {
                seen: size,
                shown: now.size,
            });
        }
        // An empty log has one root, so a first checkpoint of size 0 is judged like any other.
        if now.size == size && now.root != root {
            return Err(WitnessFault::Forked(size));
        }
        verify_consistency(size, &root, now.size, &now.root, proof)
            .map_err(|_| WitnessFault::NotProven { seen: size })?;
        let accepted = match before {
            None => Accepted::First,
            Some(_) if now.size == size => return Ok(Accepted::Unchanged),
            Some(_) => Accepted::Grown(now.size - size),
        };
        self.seen.insert(now.origin, *shown);
        Ok(accepted)
    }
}
