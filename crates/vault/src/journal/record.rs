//! One record: header, sealed payload, signature, two check sums.
//!
//! ```text
//! magic "TMJR" ‖ len u32 ‖ header(128) ‖ crc32c(all so far) ‖ payload ‖ Ed25519(64) over all so far ‖ crc32c(all so far)
//! ```
//! The record's id is SHA-256 of all its bytes; the next record's header holds it, so the last signature of a chain
//! vouches for every record before it.

use sha2::{Digest, Sha256};

use crate::codec::{Malformed, Reader};
use crate::context::SUITE_1;
use crate::ids::{CompartmentId, HospitalId, IncarnationId, StationId};
use crate::keys::{StationPublic, StationSecret};
use crate::sign::{Purpose, SIGNATURE_LEN};

use super::mutants::{Mutant, mutated};
use super::{Class, MAX_RECORD, Stations};

pub(super) const MAGIC: &[u8; 4] = b"TMJR";
const VERSION: u8 = 1;
const HEADER_LEN: usize = 128;
const CRC_LEN: usize = 4;
const PAYLOAD_AT: usize = 4 + 4 + HEADER_LEN + CRC_LEN;
const TAIL_LEN: usize = SIGNATURE_LEN + CRC_LEN;
const MIN_RECORD: usize = PAYLOAD_AT + TAIL_LEN;

/// What a record says about itself in clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What sort of record.
    pub class: Class,
    /// How good the writer's clock was, in the caller's coding.
    pub time_quality: u8,
    /// The compartment it belongs to.
    pub compartment: CompartmentId,
    /// The hospital.
    pub hospital: HospitalId,
    /// The station that wrote and signed it.
    pub station: StationId,
    /// The chain it is in.
    pub incarnation: IncarnationId,
    /// Its number in the chain, from 1 without gaps.
    pub seq: u64,
    /// The id of the record before it, zeros for number 1.
    pub previous: [u8; 32],
    /// Hybrid logical clock, by the caller.
    pub hlc: u64,
    /// A hash of the author's id.
    pub user: [u8; 16],
    /// Which payload key seals it (for a key record: which one it carries).
    pub key: [u8; 16],
}

/// What bytes say about themselves if they are a record; nothing of it is checked.
#[must_use]
pub fn claimed(bytes: &[u8]) -> Option<Header> {
    let mut reader = Reader::new(bytes);
    let magic = reader.array::<4>().ok()?;
    reader.u32().ok()?;
    let header = Header::parse(reader.array().ok()?).ok()?;
    (magic == *MAGIC).then_some(header)
}

/// Bytes that are not accepted as a record from elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordRefused {
    /// Not a whole, unchanged record of a version this program knows.
    #[error("this is not a whole record; it was not taken; ask for it again")]
    Malformed,
    /// From a station that is not enrolled here.
    #[error("this record is from a station that is not enrolled here; it was not taken; enrol the station first")]
    UnknownStation,
    /// Not signed by the station it names.
    #[error("this record is not signed by the station it names; it was not taken; tell the informatics officer")]
    BadSignature,
}

/// A record whose bytes are whole and whose origin was checked, by its own signature or by a later one's chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    bytes: Box<[u8]>,
    header: Header,
    id: [u8; 32],
}

impl Record {
    /// Takes a record from outside: whole, from an enrolled station, and signed by it.
    ///
    /// # Errors
    /// [`RecordRefused`].
    pub fn parse_verified(bytes: &[u8], stations: &Stations) -> Result<Self, RecordRefused> {
        let record = Self::parse_unverified(bytes).map_err(|Malformed| RecordRefused::Malformed)?;
        let station = stations
            .get(&record.header.station)
            .ok_or(RecordRefused::UnknownStation)?;
        if record.is_signed_by(station) || mutated(Mutant::SignatureNotChecked) {
            Ok(record)
        } else {
            Err(RecordRefused::BadSignature)
        }
    }

    /// The bytes, exactly as they are stored and exchanged.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What it says about itself.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The payload of an open class, readable without any key; `None` for sealed classes.
    #[must_use]
    pub fn open_payload(&self) -> Option<&[u8]> {
        self.header.class.is_open().then(|| self.payload())
    }

    /// SHA-256 of the bytes: the record's name everywhere.
    #[must_use]
    pub fn id(&self) -> &[u8; 32] {
        &self.id
    }

    /// Makes and signs a record.
    pub(super) fn build(header: Header, payload: &[u8], secret: &StationSecret) -> Self {
        let len = MIN_RECORD + payload.len();
        let mut bytes = Vec::with_capacity(len);
        bytes.extend_from_slice(MAGIC);
        crate::codec::put_count(&mut bytes, len);
        header.write_to(&mut bytes);
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
        bytes.extend_from_slice(payload);
        let signature = secret.sign(Purpose::Record, &bytes);
        bytes.extend_from_slice(&signature);
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
        let id = Sha256::digest(&bytes).into();
        Self {
            bytes: bytes.into_boxed_slice(),
            header,
            id,
        }
    }

    /// Takes exactly one whole record; its origin is not checked yet.
    pub(super) fn parse_unverified(bytes: &[u8]) -> Result<Self, Malformed> {
        let record = Self::at_start_of(bytes)?;
        if record.bytes.len() == bytes.len() || mutated(Mutant::TrailingBytesTaken) {
            Ok(record)
        } else {
            Err(Malformed)
        }
    }

    /// Takes the record `bytes` start with, if they start with a whole one; its origin is not checked yet.
    pub(super) fn at_start_of(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        if reader.array::<4>()? != *MAGIC {
            return Err(Malformed);
        }
        let len = usize::try_from(reader.u32()?).map_err(|_| Malformed)?;
        let header = Header::parse(reader.array()?)?;
        let crc = reader.u32()?;
        let covered = bytes.get(..PAYLOAD_AT - CRC_LEN).ok_or(Malformed)?;
        let unchecked = mutated(Mutant::RecordCheckIgnored);
        if (crc32c::crc32c(covered) != crc && !unchecked) || !(MIN_RECORD..=MAX_RECORD).contains(&len) {
            return Err(Malformed);
        }
        let bytes = bytes.get(..len).ok_or(Malformed)?;
        let (covered, crc) = bytes.split_last_chunk::<CRC_LEN>().ok_or(Malformed)?;
        if crc32c::crc32c(covered).to_le_bytes() != *crc && !unchecked {
            return Err(Malformed);
        }
        Ok(Self {
            bytes: bytes.into(),
            header,
            id: Sha256::digest(bytes).into(),
        })
    }

    pub(super) fn is_signed_by(&self, station: &StationPublic) -> bool {
        let signed = self.bytes.split_last_chunk::<TAIL_LEN>();
        let parts = signed.and_then(|(message, tail)| Some((message, tail.first_chunk::<SIGNATURE_LEN>()?)));
        parts.is_some_and(|(message, signature)| station.verify(Purpose::Record, message, signature).is_ok())
    }

    /// The payload as it is stored: sealed, or a list of wrapped keys.
    pub(super) fn payload(&self) -> &[u8] {
        self.bytes
            .get(PAYLOAD_AT..self.bytes.len() - TAIL_LEN)
            .unwrap_or_default()
    }
}

impl Header {
    pub(super) fn write_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[VERSION, SUITE_1, self.class.0, self.time_quality]);
        out.extend_from_slice(&self.compartment.0.to_le_bytes());
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(self.hospital.as_bytes());
        out.extend_from_slice(self.station.as_bytes());
        out.extend_from_slice(self.incarnation.as_bytes());
        out.extend_from_slice(&self.seq.to_le_bytes());
        out.extend_from_slice(&self.previous);
        out.extend_from_slice(&self.hlc.to_le_bytes());
        out.extend_from_slice(&self.user);
        out.extend_from_slice(&self.key);
    }

    fn parse(bytes: [u8; HEADER_LEN]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(&bytes);
        let [version, suite, class, time_quality] = reader.array()?;
        let compartment = CompartmentId(reader.u16()?);
        if version != VERSION || suite != SUITE_1 || reader.u16()? != 0 {
            return Err(Malformed);
        }
        Ok(Self {
            class: Class(class),
            time_quality,
            compartment,
            hospital: HospitalId(reader.array()?),
            station: StationId(reader.array()?),
            incarnation: IncarnationId(reader.array()?),
            seq: reader.u64()?,
            previous: reader.array()?,
            hlc: reader.u64()?,
            user: reader.array()?,
            key: reader.array()?,
        })
    }
}
