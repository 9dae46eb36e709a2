//! The file of a pack: pieces of records, the sealed snapshot if it goes along, then one signed header that names every byte.
//!
//! ```text
//! "TMBPACK1" ‖ piece … ‖ snapshot? ‖ header (CBOR) ‖ signature(64) ‖ header length u32 ‖ "TMBPKEND"
//! ```
//! The header is read first, from the end: whose it is, and length and SHA-256 of each piece. So a pack is checked piece by piece in
//! bounded memory, and a stick that changes its mind between two readings is found out. Nothing here touches files.

use chart::Moment;
use minicbor::{Decode, Encode};
use vault::journal::Stations;
use vault::keys::StationSecret;
use vault::sign::{Purpose, SIGNATURE_LEN};
use vault::{HospitalId, StationId};

use super::CarryFault;
use crate::stations::{Bytes, Heads};

/// First bytes.
pub const MAGIC: &[u8; 8] = b"TMBPACK1";
/// Last bytes.
pub const END: &[u8; 8] = b"TMBPKEND";
/// Bytes behind the header.
pub const TAIL: u64 = SIGNATURE_LEN as u64 + 4 + END.len() as u64;
/// Largest header: heads of a hundred thousand chains.
pub const MAX_HEADER: u64 = 8 << 20;
/// Bytes of records in one piece; one record more may hang over.
pub const PIECE: usize = 4 << 20;
/// Largest piece accepted.
pub const MAX_PIECE: u64 = 8 << 20;
/// Most pieces: half a gigabyte of records. What is beyond goes with the next pack.
pub const MAX_PIECES: usize = 128;
/// Most receipts in one pack.
pub const MAX_RECEIPTS: usize = 20_000;
/// Version of the header.
pub const VERSION: u8 = 1;

/// What a pack says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Header {
    /// [`VERSION`]; a higher one is not read.
    #[n(0)]
    pub version: u8,
    /// The hospital.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub hospital: [u8; 16],
    /// The station that made it.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub sender: [u8; 16],
    /// Which pack of this station it is, from 1.
    #[n(3)]
    pub serial: u64,
    /// When it was made, by that station's clock.
    #[n(4)]
    pub made: Moment,
    /// What the sender holds, durably: its version vector, and thereby its receipt for every record in it.
    #[n(5)]
    pub heads: Heads,
    /// How many records are in it.
    #[n(6)]
    pub records: u64,
    /// Which records are in it, chain by chain.
    #[n(7)]
    pub ranges: Vec<Range>,
    /// Its pieces.
    #[n(8)]
    pub pieces: Vec<Piece>,
    /// The sealed snapshot, where it goes along.
    #[n(9)]
    #[cbor(default)]
    pub snapshot: Option<SealedSnapshot>,
    /// More was there than goes into one pack.
    #[n(10)]
    #[cbor(default)]
    pub more: bool,
    /// Sender and number of the pack that this one answers.
    #[n(11)]
    #[cbor(default)]
    pub answers: Option<Answered>,
    /// The heads are not all that the sender holds: a receipt for one station, or none at all.
    #[n(12)]
    #[cbor(default)]
    pub partial: bool,
    /// What the sender signed for others that it holds of theirs, byte for byte (`docs/formats/replication.md`).
    #[n(13)]
    #[cbor(default)]
    pub receipts: Vec<Bytes>,
}

/// Records of one chain: the lowest and the highest number, and how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Range {
    /// Station.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub station: [u8; 16],
    /// Incarnation.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub incarnation: [u8; 8],
    /// Lowest number.
    #[n(2)]
    pub from: u64,
    /// Highest number.
    #[n(3)]
    pub to: u64,
    /// How many.
    #[n(4)]
    pub count: u64,
}

/// One piece: a parcel of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Piece {
    /// Bytes.
    #[n(0)]
    pub len: u64,
    /// SHA-256.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub sha256: [u8; 32],
}

/// A sealed snapshot in a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct SealedSnapshot {
    /// Its epoch.
    #[n(0)]
    pub epoch: u64,
    /// Its bytes.
    #[n(1)]
    pub bytes: Piece,
}

/// A pack that another one answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Answered {
    /// Its sender.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub sender: [u8; 16],
    /// Its number.
    #[n(1)]
    pub serial: u64,
}

impl Header {
    /// Bytes of records.
    #[must_use]
    pub fn record_bytes(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.len).sum()
    }

    /// Bytes before the header.
    fn body(&self) -> Option<u64> {
        let pieces = self
            .pieces
            .iter()
            .try_fold(MAGIC.len() as u64, |sum, piece| sum.checked_add(piece.len))?;
        pieces.checked_add(self.snapshot.map_or(0, |snapshot| snapshot.bytes.len))
    }

    /// The sender as a station.
    #[must_use]
    pub const fn sender(&self) -> StationId {
        StationId(self.sender)
    }
}

/// Header, signature, length and end: everything behind the body.
#[must_use]
pub fn close(header: &Header, secret: &StationSecret) -> Vec<u8> {
    let bytes = minicbor::to_vec(header).unwrap_or_default();
    let signature = secret.sign(Purpose::Pack, &signed(&bytes));
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    [&bytes[..], &signature, &length.to_le_bytes(), END].concat()
}

fn signed(header: &[u8]) -> Vec<u8> {
    [MAGIC, header].concat()
}

/// Where the header lies in a file of this length whose last bytes are these, and how long it is.
///
/// # Errors
/// [`CarryFault::Truncated`].
pub fn header_at(size: u64, last: &[u8; 12]) -> Result<(u64, usize), CarryFault> {
    let (length, end) = last.split_first_chunk::<4>().ok_or(CarryFault::Truncated)?;
    if end != END {
        return Err(CarryFault::Truncated);
    }
    let length = u64::from(u32::from_le_bytes(*length));
    let whole = length.checked_add(TAIL).filter(|_| length <= MAX_HEADER);
    let at = whole.and_then(|whole| size.checked_sub(whole));
    let at = at.filter(|at| *at >= MAGIC.len() as u64).ok_or(CarryFault::Truncated)?;
    Ok((at, usize::try_from(length).map_err(|_| CarryFault::Truncated)?))
}

/// Reads header and signature that begin at `at`: from this hospital, from an enrolled station, signed by it, and naming exactly the
/// bytes before it.
///
/// # Errors
/// [`CarryFault`]: which of it is not so.
pub fn open(at: u64, bytes: &[u8], hospital: &HospitalId, stations: &Stations) -> Result<Header, CarryFault> {
    let (header, signature) = bytes.split_last_chunk::<SIGNATURE_LEN>().ok_or(CarryFault::Truncated)?;
    let read: Header = minicbor::decode(header).map_err(|_| match version(header) {
        Some(version) if version > VERSION => CarryFault::Newer,
        _ => CarryFault::NotAPack,
    })?;
    if read.version > VERSION {
        return Err(CarryFault::Newer);
    }
    if read.hospital != *hospital.as_bytes() {
        return Err(CarryFault::OtherHospital);
    }
    let station = stations.get(&read.sender()).ok_or(CarryFault::UnknownStation)?;
    station
        .verify(Purpose::Pack, &signed(header), signature)
        .map_err(|_| CarryFault::Forged)?;
    // What an honest station never writes; checked behind its signature all the same, because a stolen one may sign anything.
    let bounded = read.pieces.len() <= MAX_PIECES
        && read.pieces.iter().all(|piece| piece.len <= MAX_PIECE)
        && read
            .snapshot
            .is_none_or(|s| s.bytes.len <= vault::snapshot::MAX_SNAPSHOT);
    if !bounded {
        return Err(CarryFault::NotAPack);
    }
    if read.body() != Some(at) {
        return Err(CarryFault::Truncated);
    }
    Ok(read)
}

/// The version of a header that this program cannot read as a whole.
fn version(header: &[u8]) -> Option<u8> {
    let mut decoder = minicbor::Decoder::new(header);
    let length = decoder.array().ok()?;
    length.is_none_or(|n| n > 0).then(|| decoder.u8().ok()).flatten()
}
