//! The journal: append-only, hash-chained, signed records of one station that survive any crash.
//!
//! [`Journal::start`] recovers what earlier lives of the process left and opens a new segment; [`Journal::append_batch`]
//! returns only when a batch is durable. The rules (R1–R10) and the byte layout: `docs/formats/journal.md`.
//!
//! | rule | where it lives |
//! |---|---|
//! | R1 sync, then acknowledge · R2 sync the directory of a new segment · R3, R4 any error abandons the file, the batch is written again elsewhere | `segment` |
//! | R5 every life opens a new segment · R6 copies the unsettled tail forward | `own` |
//! | R7 repeats are ignored, a later record on the same predecessor wins | `chain` |
//! | R8 check sum, signature and chain on every record · R9 damage is reported with its place, nothing is truncated | `scan`, `chain` |
//! | R10 a failure says NOT SAVED | [`NotSaved`] |
//!
//! The payload key is fresh per life of the process: a key record carries it wrapped to the roles that may read.
//! What an entry means, the time, merging and replication are deliberately not known here.

mod chain;
mod foreign;
mod mutants;
mod own;
mod payload;
mod placed;
mod record;
mod scan;
mod segment;

use std::collections::BTreeMap;
use std::io;

use crate::ids::{CompartmentId, IncarnationId, StationId};
use crate::keys::StationPublic;

pub use chain::{ChainReport, Walk, read_journal, verify_chain};
pub use foreign::{LogContents, RecordLog};
#[cfg(all(feature = "mutants", feature = "simfs"))]
pub(crate) use mutants::mutated;
#[cfg(feature = "mutants")]
pub use mutants::{Mutant, with_mutant};
pub use own::{Incarnation, Journal, Start};
pub use payload::{JournalKeys, OpenFault};
pub use placed::{Place, PlacedLog, PlacedReader, read_placed};
pub use record::{Header, Record, RecordRefused, claimed};

/// Longest record, as it is stored (64 KiB).
pub const MAX_RECORD: usize = 64 << 10;
/// Longest entry before sealing; leaves room for header, seal and signature.
pub const MAX_PAYLOAD: usize = MAX_RECORD - 512;
/// Most entries in one batch.
pub const MAX_BATCH: usize = 1_024;
/// A segment that has grown to this many bytes is followed by a new one (64 MiB).
pub const SEGMENT_SIZE: u64 = 64 << 20;
/// Most roles the payload key is wrapped to.
pub const MAX_READERS: usize = 64;

/// The public keys of the stations whose records are believed.
pub type Stations = BTreeMap<StationId, StationPublic>;

/// What sort of record: [`Class::KEY`] is this crate's, all others are the caller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Class(pub u8);

impl Class {
    /// Carries a payload key, wrapped to the roles that may read.
    pub const KEY: Self = Self(0);

    /// First of the open classes.
    pub const FIRST_OPEN: Self = Self(128);

    /// Classes from 128 on are signed but not sealed: what every station must be able to read with nobody signed in,
    /// such as the declaration of a downtime. Never anything about a patient.
    #[must_use]
    pub const fn is_open(self) -> bool {
        self.0 >= Self::FIRST_OPEN.0
    }
}

/// One entry to append.
#[derive(Clone, Copy, Debug)]
pub struct NewRecord<'a> {
    /// What sort of entry; not [`Class::KEY`].
    pub class: Class,
    /// The compartment it belongs to.
    pub compartment: CompartmentId,
    /// A hash of the author's id: says whether two entries have the same author, not who it is.
    pub user: [u8; 16],
    /// Hybrid logical clock, by the caller.
    pub hlc: u64,
    /// How good the caller's clock is (synchronised, drifting, set by hand, unknown), in the caller's coding.
    pub time_quality: u8,
    /// The entry. Sealed here, unless its class is open.
    pub payload: &'a [u8],
}

/// A batch was not saved. None of its entries may be shown as saved. Later appends may succeed (each tries a new file).
#[derive(Debug, thiserror::Error)]
pub enum NotSaved {
    /// An entry or the batch exceeds a limit, or uses the reserved class.
    #[error("NOT SAVED: {0}; nothing of it was written; write it on paper (form J-1) or shorten it")]
    Refused(&'static str),
    /// The disk failed or is full, in the current segment and in a new one.
    #[error(
        "NOT SAVED: the disk did not take the entry; what was saved before is safe; write on paper (form J-1) and free space or change the disk"
    )]
    Disk(#[source] io::Error),
}

/// Why a journal could not be started. Until it starts, nothing can be saved on this station.
#[derive(Debug, thiserror::Error)]
pub enum StartFault {
    /// Another process has the journal open.
    #[error("another running program has this station's journal open; nothing was changed; end that one first")]
    InUse,
    /// The directory could not be read or written.
    #[error("{0} failed; nothing can be saved on this station until this is mended; write on paper (form J-1)")]
    Io(&'static str, #[source] io::Error),
    /// No new segment could be made durable.
    #[error(
        "no new journal file could be made durable; what was saved before is safe, nothing new can be saved; write on paper (form J-1)"
    )]
    NotDurable(#[source] io::Error),
    /// A reader's public key is weak, or there are none or too many.
    #[error(
        "the keys of the roles that read the journal are not usable; nothing was changed; correct the configuration"
    )]
    Readers,
}

/// A place in the journal that is not as it was written. The files stay as they are; nothing is removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The segment's number (its file name).
    pub segment: u64,
    /// First byte concerned.
    pub offset: u64,
    /// Bytes concerned; 0 when it is about what is not there.
    pub len: u64,
    /// What is wrong.
    pub kind: DamageKind,
}

/// What is wrong at a damaged place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DamageKind {
    /// Bytes at the end of a segment that make no whole record: normally a write that a crash cut off before it was
    /// acknowledged.
    Unfinished,
    /// Bytes among acknowledged records that make no record.
    Garbled,
    /// The device could not read these bytes.
    Unreadable,
    /// A file with a segment's name that is not one, or is another station's.
    NotASegment,
    /// A whole record that this station did not sign.
    Forged,
    /// A signed record that fits nowhere in the chain.
    Unlinked,
    /// Numbers missing between two records of an incarnation: `from ..= to`.
    Missing {
        /// The incarnation.
        incarnation: IncarnationId,
        /// First missing number.
        from: u64,
        /// Last missing number.
        to: u64,
    },
}
