//! Who saw or did what, about whom, when, where, why and with what outcome: a log that is written before anything is shown.
//!
//! The audit log is a journal of its own (`data/audit/`): the same segments, chain and signatures as the entries have, so it
//! survives the same crashes. What it says is sealed to the audit role: who writes it cannot read it. Over the records of a
//! station lies an RFC 6962 tree ([`vault::tree`]); its signed checkpoints are remembered by other stations and printed on
//! lists, so that whoever takes something away later contradicts a paper in somebody's drawer.
//!
//! No chart opens before its sighting is on the disk. When the log cannot be written, nothing opens, except for whoever came
//! with a sealed envelope: care first, and the screens say that the log has a gap.
//!
//! Events follow the JAHIS audit trail standard's minimum (access to and search for personal data) and are exported as FHIR
//! R4 AuditEvent. What is worth a look is decided by people: reports only arrange.

use chart::{Author, Moment, StationCode, Subject};
use minicbor::{Decode, Encode};
use vault::journal::Class;

use crate::journal::Keepable;

mod book;
mod deed;
mod ledger;
mod log;
pub mod reports;
mod verify;

pub use book::{Book, Seen};
pub use deed::{Deed, Method, Outcome};
pub use ledger::{ChainId, Flaw, FlawKind, Ledger};
pub use log::{AuditLog, LogStart, NotAudited, Taken};
pub use verify::{Checked, verify};

/// Class of audit records.
pub const SIGHTING: Class = Class(1);

/// Longest free text in a sighting, in characters; longer ones are cut with a mark.
pub const MAX_TEXT: usize = 400;

/// Version byte in front of a sighting.
pub const SIGHTING_VERSION: u8 = 1;

/// One line of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Sighting {
    /// When, by the station's clock. Order never depends on it.
    #[n(0)]
    pub at: Moment,
    /// Where.
    #[n(1)]
    pub station: StationCode,
    /// Who. For a failed sign-in, the number that was typed; empty where nobody is known.
    #[n(2)]
    pub by: Author,
    /// How they had signed in.
    #[n(3)]
    pub method: Method,
    /// What.
    #[n(4)]
    pub deed: Deed,
    /// About whom; [`Subject::Hospital`] when about nobody in particular.
    #[n(5)]
    pub subject: Subject,
    /// Why, as far as somebody said.
    #[n(6)]
    #[cbor(default)]
    pub reason: String,
    /// With what outcome.
    #[n(7)]
    pub outcome: Outcome,
    /// How many patients it concerned; 1 for one chart, the length of a list for a list.
    #[n(8)]
    pub count: u32,
    /// Form code, words searched for, file name, station of a clock jump …
    #[n(9)]
    #[cbor(default)]
    pub detail: String,
}

/// Bytes that are no sighting this program can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("監査の記録を読めません。新しい版で書かれたか、壊れています。記録は消えていません")]
pub struct Unreadable;

impl Sighting {
    /// Version byte, then CBOR. Texts are cut to [`MAX_TEXT`].
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut short = self.clone();
        for text in [&mut short.reason, &mut short.detail] {
            if text.chars().count() > MAX_TEXT {
                *text = text.chars().take(MAX_TEXT).chain("…".chars()).collect();
            }
        }
        let mut out = vec![SIGHTING_VERSION];
        // Plain data into memory cannot fail; were it to, an empty payload is refused below instead of being kept.
        if minicbor::encode(&short, &mut out).is_err() {
            out.clear();
        }
        out
    }

    /// Reads [`Self::to_bytes`].
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Unreadable> {
        match bytes.split_first() {
            Some((&SIGHTING_VERSION, rest)) => minicbor::decode(rest).map_err(|_| Unreadable),
            _ => Err(Unreadable),
        }
    }
}

impl Keepable for Sighting {
    fn payload(&self) -> Result<Vec<u8>, String> {
        let bytes = self.to_bytes();
        if bytes.is_empty() {
            Err(Unreadable.to_string())
        } else {
            Ok(bytes)
        }
    }

    fn class(&self) -> Class {
        SIGHTING
    }

    fn author(&self) -> &str {
        &self.by.user
    }
}
