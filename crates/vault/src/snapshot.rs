//! The snapshot container: all charts of one scope, sealed, in one file that is never edited.
//!
//! One [`SnapshotWriter`] streams records in and ends with a signed [`Manifest`]; memory holds one record at a time
//! and 64 bytes per record and compartment. A later snapshot of the same epoch keeps the sealed bytes of every record that is still
//! the same, in the same place ([`SnapshotWriter::amend`]). One [`Snapshot`] opens by reading trailer and manifest only; a station
//! key opens the outer lock, a user key the inner one, and [`Unlocked::record`] opens one patient at a time.
//! The layout and its reasons: `docs/formats/snapshot.md`.
//!
//! What a record or an index *means* is deliberately unknown here: both are bytes the caller made.

mod amend;
mod canary;
mod changes;
mod check;
mod index;
mod keyring;
mod layout;
mod manifest;
mod plan;
mod reader;
mod record;
mod recovery;
mod tail;
mod writer;

use std::io;

pub use amend::Amendment;
pub use canary::MAX_CANARIES;
pub use check::{RecordsChecked, SectionsChecked};
pub use index::Block;
pub use layout::SectionKind;
pub(crate) use manifest::key_ranges;
pub use manifest::{Manifest, Section};
pub use plan::{Compartment, Grant, RoleGrant, SealPlan, StationGrant, UserGrant};
pub use reader::{Access, Index, Snapshot, StationUnlocked, Unlocked, UserEntry};
pub use tail::{MAX_TAIL, Tail};
pub use writer::{EpochKeys, Sealed, SnapshotWriter, Thin};

/// What this program can do; a file asking for more is refused, not guessed at.
pub const CLIENT_VERSION: u32 = 3;
/// What a reader of a snapshot must be able to do: 3 to lay changes over an index, 2 to know the recovery section, otherwise 1.
const PLAIN_CLIENT: u32 = 1;
const RECOVERY_CLIENT: u32 = 2;
const DELTA_CLIENT: u32 = 3;
/// Most deltas of one epoch: one every quarter of an hour for a day. Behind them a new epoch begins.
pub const MAX_DELTAS: u32 = 96;
/// Longest snapshot file (2 GiB).
pub const MAX_SNAPSHOT: u64 = 1 << 31;
/// Longest record before compression (4 MiB).
pub const MAX_RECORD: usize = 4 << 20;
/// Most records in one snapshot.
pub const MAX_RECORDS: usize = 1_000_000;
/// Longest thin index of one compartment before compression (512 MiB).
pub const MAX_THIN: usize = 512 << 20;
/// Most blocks of one compartment's thin index.
pub const MAX_BLOCKS: usize = 256;
/// Longest plain statistics section (1 MiB).
pub const MAX_STAT: usize = 1 << 20;
/// Longest compression dictionary (1 MiB).
pub const MAX_DICTIONARY: usize = 1 << 20;
/// Most stations a snapshot can be sealed for.
pub const MAX_STATIONS: usize = 10_000;
/// Most users a snapshot can be sealed for.
pub const MAX_USERS: usize = 20_000;
/// Most roles in a snapshot.
pub const MAX_ROLES: usize = 1_000;
/// Most compartments in a snapshot.
pub const MAX_COMPARTMENTS: usize = 1_000;
/// Most slots one user can have.
pub const MAX_SLOTS: usize = 8;
/// Longest opaque byte string in the plan: a user record, a role's enclosure, the policy, a name (64 KiB).
pub const MAX_OPAQUE: usize = 64 << 10;

/// Why a snapshot could not be sealed. Nothing of an unfinished file is usable; the last good snapshot is untouched.
#[derive(Debug, thiserror::Error)]
pub enum SealFault {
    /// The plan contradicts itself or exceeds a limit.
    #[error("this snapshot cannot be sealed: {0}; nothing was written; correct the plan")]
    Plan(&'static str),
    /// A record exceeds a limit or names an unknown compartment.
    #[error("this record cannot be sealed: {0}; it is not in the snapshot; leave it out and report it as a finding")]
    Record(&'static str),
    /// The snapshot before, which this one would have gone on from, cannot be read any more.
    #[error("the snapshot before cannot be gone on from; it was not touched; begin a new epoch")]
    Before(#[source] Box<SnapshotFault>),
    /// The compression library refused.
    #[error("compressing failed; the unfinished snapshot is not usable; the last good one is untouched")]
    Compression(#[source] io::Error),
    /// The file could not be written.
    #[error(
        "writing the snapshot failed; the unfinished file is not usable; the last good one is untouched; check free space and the disk"
    )]
    Io(#[source] io::Error),
}

/// Why a snapshot could not be opened. Nothing of it is shown; whoever holds another good snapshot keeps using that.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotFault {
    /// The file could not be read.
    #[error("the snapshot file could not be read; it is not used; check the disk")]
    Io(#[source] io::Error),
    /// Not a snapshot, or one that was cut off.
    #[error("this file is not a whole snapshot ({0}); it is not used; fetch it again")]
    Malformed(&'static str),
    /// The file needs a newer program.
    #[error("this snapshot needs program version {0} of the format; it is not used; update this station")]
    Newer(u32),
    /// No trusted sealer signed it, or the signature does not match.
    #[error(
        "this snapshot is not signed by a sealer this station trusts; it is not used; tell the informatics officer"
    )]
    Untrusted,
    /// A section's bytes are not the ones the manifest lists.
    #[error(
        "part of this snapshot was changed or damaged ({0:?} {1}); that part is not used; fetch the snapshot again"
    )]
    SectionChanged(SectionKind, u16),
    /// The station, user or compartment is not among those this snapshot was sealed for.
    #[error("this snapshot was not sealed for this {0}; nothing was opened; it will be in the next one once enrolled")]
    NotFor(&'static str),
    /// The key does not open its lock.
    #[error("the key does not open this snapshot's {0}; nothing was opened; sign in again or use a sealed envelope")]
    CannotOpen(&'static str),
}

/// Why one patient's record could not be opened. The others are not affected.
#[derive(Debug, thiserror::Error)]
pub enum RecordFault {
    /// No such place in that compartment, or the compartment is not open to this user.
    #[error("there is no such record for this user; nothing was opened")]
    NoSuchRecord,
    /// The index of the compartment could not be opened.
    #[error("the list this record is found by could not be opened; nothing was opened")]
    Index(#[source] Box<SnapshotFault>),
    /// The file could not be read at that place.
    #[error(
        "this record could not be read from the disk; the other patients are not affected; use another station or paper"
    )]
    Unreadable(#[source] io::Error),
    /// The bytes were changed, moved or damaged.
    #[error(
        "this record is damaged and is not shown; the other patients are not affected; use another station or paper"
    )]
    Damaged,
}
