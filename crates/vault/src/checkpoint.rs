//! A checkpoint: the size and root of one station's log at one moment, signed by the station, and what a witness does
//! with it.
//!
//! One signature, two forms. The text is a C2SP checkpoint (`tlog-checkpoint` in a `signed-note`); the compact form is
//! [`COMPACT_LEN`] bytes for a two-dimensional code on paper. Either is turned into the other without a key.
//!
//! ```text
//! tomoshibi/audit/<hospital>/<station>/<incarnation>      the origin, in hexadecimal
//! <size>
//! <root in base64>
//! time <Unix seconds>
//!
//! — <origin> <base64(key id(4) ‖ Ed25519(64))>
//! ```
//! The signature is made for the purpose `checkpoint` (see [`crate::sign`]) and therefore not the plain Ed25519 of a
//! signed note; its key id is of the type that notes reserve for that. Layouts and reasons: `docs/formats/tree.md`.
//!
//! A [`Witness`] remembers and refuses; storing what it remembers, asking for proofs and raising the alarm is
//! deliberately the caller's work.

mod text;
mod witness;

use std::fmt;

use sha2::{Digest, Sha256};

use crate::codec::{Malformed, Reader};
use crate::context::PREFIX;
use crate::ids::{HospitalId, IncarnationId, StationId};
use crate::keys::{StationPublic, StationSecret};
use crate::sign::{Purpose, SIGNATURE_LEN};
use crate::tree::Hash;

pub use text::MAX_TEXT;
pub use witness::{Accepted, Witness, WitnessFault};

/// Length of the compact form in bytes.
pub const COMPACT_LEN: usize = 8 + StationId::LEN + IncarnationId::LEN + 8 + 32 + 8 + KEY_ID + SIGNATURE_LEN;

const COMPACT_MAGIC: &[u8; 8] = b"TMBCHKP1";
const KEY_ID: usize = 4;

/// Which log a checkpoint is about: one life of one station's audit journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The hospital.
    pub hospital: HospitalId,
    /// The station that keeps the log.
    pub station: StationId,
    /// The log's life as a chain.
    pub incarnation: IncarnationId,
}

/// What a station says about its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log.
    pub origin: Origin,
    /// Number of records.
    pub size: u64,
    /// Root of the tree over them.
    pub root: Hash,
    /// When it was signed, Unix seconds UTC, by the station's clock: for people, no rule depends on it.
    pub time: i64,
}

/// A checkpoint with a signature. Nothing it says is to be believed before [`SignedCheckpoint::verify`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    claim: Checkpoint,
    key_id: [u8; KEY_ID],
    signature: [u8; SIGNATURE_LEN],
}

/// Why a checkpoint was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointFault {
    /// The bytes or the text are not a checkpoint in the one form there is.
    #[error("this is not a checkpoint of a log; nothing was compared; read the code again or ask for another copy")]
    Malformed,
    /// Not signed by this station.
    #[error(
        "this checkpoint is not signed by that station; it proves nothing; keep it and tell the informatics officer"
    )]
    Signature,
}

impl Checkpoint {
    /// Signs as the station whose log it is.
    #[must_use]
    pub fn sign(&self, station: &StationSecret) -> SignedCheckpoint {
        SignedCheckpoint {
            claim: *self,
            key_id: key_id(&self.origin, &station.public()),
            signature: station.sign(Purpose::Checkpoint, text::body(self).as_bytes()),
        }
    }
}

impl SignedCheckpoint {
    /// What it claims, to find the key it must be signed with. Not to be believed.
    #[must_use]
    pub fn claim(&self) -> &Checkpoint {
        &self.claim
    }

    /// What the station said.
    ///
    /// # Errors
    /// [`CheckpointFault::Signature`] when the station with this key did not sign it.
    pub fn verify(&self, station: &StationPublic) -> Result<&Checkpoint, CheckpointFault> {
        let named = self.key_id == key_id(&self.claim.origin, station);
        let signed = station.verify(Purpose::Checkpoint, text::body(&self.claim).as_bytes(), &self.signature);
        if named && signed.is_ok() {
            Ok(&self.claim)
        } else {
            Err(CheckpointFault::Signature)
        }
    }

    /// The text form.
    #[must_use]
    pub fn to_text(&self) -> String {
        text::write(self)
    }

    /// Reads the text form: exactly as [`SignedCheckpoint::to_text`] writes it, at most [`MAX_TEXT`] bytes.
    ///
    /// # Errors
    /// [`CheckpointFault::Malformed`].
    pub fn from_text(text: &str) -> Result<Self, CheckpointFault> {
        text::read(text).ok_or(CheckpointFault::Malformed)
    }

    /// The compact form. The hospital is not in it: whoever reads it is in the hospital, or the signature fails.
    #[must_use]
    pub fn to_compact(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(COMPACT_LEN);
        out.extend_from_slice(COMPACT_MAGIC);
        out.extend_from_slice(self.claim.origin.station.as_bytes());
        out.extend_from_slice(self.claim.origin.incarnation.as_bytes());
        out.extend_from_slice(&self.claim.size.to_le_bytes());
        out.extend_from_slice(&self.claim.root);
        out.extend_from_slice(&self.claim.time.to_le_bytes());
        out.extend_from_slice(&self.key_id);
        out.extend_from_slice(&self.signature);
        out
    }

    /// Reads the compact form of a checkpoint of this hospital.
    ///
    /// # Errors
    /// [`CheckpointFault::Malformed`].
    pub fn from_compact(bytes: &[u8], hospital: &HospitalId) -> Result<Self, CheckpointFault> {
        read_compact(bytes, hospital).map_err(|Malformed| CheckpointFault::Malformed)
    }
}

fn read_compact(bytes: &[u8], hospital: &HospitalId) -> Result<SignedCheckpoint, Malformed> {
    let mut reader = Reader::new(bytes);
    if reader.array()? != *COMPACT_MAGIC {
        return Err(Malformed);
    }
    let origin = Origin {
        hospital: *hospital,
        station: StationId(reader.array()?),
        incarnation: IncarnationId(reader.array()?),
    };
    let claim = Checkpoint {
        origin,
        size: reader.u64()?,
        root: reader.array()?,
        time: reader.i64()?,
    };
    let signed = SignedCheckpoint {
        claim,
        key_id: reader.array()?,
        signature: reader.array()?,
    };
    reader.finish()?;
    Ok(signed)
}

/// The key id of a signed note: SHA-256(name ‖ line feed ‖ type ‖ public key), the first 4 bytes. Type 0xFF is the one
/// for signatures of no registered type, followed by a text of their own.
fn key_id(origin: &Origin, station: &StationPublic) -> [u8; KEY_ID] {
    let public = station.to_bytes();
    let (_, verifying) = public.split_at(public.len() / 2);
    let mut hasher = Sha256::new();
    hasher.update(origin.to_string());
    hasher.update(b"\n\xFF");
    hasher.update(PREFIX);
    hasher.update(b"sig/checkpoint");
    hasher.update(verifying);
    let [a, b, c, d, ..]: Hash = hasher.finalize().into();
    [a, b, c, d]
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            hospital,
            station,
            incarnation,
        } = self;
        write!(f, "{}{hospital}/{station}/{incarnation}", text::ORIGIN)
    }
}
