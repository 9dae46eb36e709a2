//! The smallest things as codes: up to three entries, or a receipt, as QR symbols on a screen or on paper.
//!
//! What travels is a pack like any other, with few records or none, cut into pieces that a symbol holds. So it is read and refused by the
//! same code as a stick's. Digits, because a reader types them whatever the keyboard is set to; `94` tells them from a declaration's
//! (`93`), and the framing is that of `docs/formats/declaration-code.md`.

use std::collections::BTreeMap;

use chart::{Moment, StationCode};
use sha2::{Digest, Sha256};

use super::pack::{self, Header, Piece, Range};
use super::taking::Taken;
use super::{CarryFault, Carrying, Hands};
use crate::stations::carried::{read_codes, to_digits};
use crate::stations::{Bytes, Heads, Parcel, Station};

/// Entries that go into codes at once.
pub const MOST_ENTRIES: usize = 3;
/// Bytes of a pack in one code: with its frame just under what the reader of declarations takes.
const CHUNK: usize = 1_900;
/// Most codes that belong together.
pub const MOST_CODES: usize = 8;
/// Codes looked through at once.
const MOST_READ: usize = 64;
/// In front of each.
const BEGINS: &str = "94";
/// Place, number and the name of the whole.
const FRAME: usize = 6;

/// A pack as codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Codes {
    /// Digits of each, in their order.
    pub digits: Vec<String>,
    /// Entries in it; none in a receipt.
    pub entries: u64,
    /// Its number.
    pub serial: u64,
}

impl Carrying {
    /// This station's newest entries that nobody else is known to hold, as codes; `None` when there are none. Fewer than asked for
    /// where more do not fit.
    ///
    /// # Errors
    /// [`CarryFault::NotSaved`] when the register cannot be written.
    pub fn entry_codes(&self, station: &Station, most: usize, now: Moment) -> Result<Option<Codes>, CarryFault> {
        let register = self.register()?;
        let theirs = self.heads_of(&register, self.hub.as_ref());
        for most in (1..=most.min(MOST_ENTRIES)).rev() {
            let (entries, records) = station.newest_own(&theirs, most);
            if entries == 0 {
                return Ok(None);
            }
            let mut parcel = Parcel::default();
            let mut ranges: BTreeMap<[u8; 8], Range> = BTreeMap::new();
            for record in &records {
                let header = record.header();
                let incarnation = *header.incarnation.as_bytes();
                let range = ranges.entry(incarnation).or_insert(Range {
                    station: *header.station.as_bytes(),
                    incarnation,
                    from: header.seq,
                    to: header.seq,
                    count: 0,
                });
                range.from = range.from.min(header.seq);
                range.to = range.to.max(header.seq);
                range.count += 1;
                parcel.records.push(Bytes(record.bytes().to_vec()));
            }
            let bytes = parcel.to_bytes();
            let small = Small {
                heads: Heads::default(),
                receipts: Vec::new(),
                records: records.len() as u64,
                ranges: ranges.into_values().collect(),
                piece: Some(bytes),
            };
            if let Some(codes) = self.as_codes(small, entries, now)? {
                return Ok(Some(codes));
            }
        }
        Ok(None)
    }

    /// What this station holds of another one, signed, as codes: its receipt. `None` when it holds nothing of it.
    ///
    /// # Errors
    /// [`CarryFault::NotSaved`] when the register cannot be written.
    pub fn receipt_codes(&self, station: &Station, of: StationCode, now: Moment) -> Result<Option<Codes>, CarryFault> {
        let of = self.codes.iter().find(|(_, code)| *code == of).map(|(id, _)| *id);
        let of = of.ok_or(CarryFault::UnknownStation)?;
        let mut heads = station.heads();
        heads.0.retain(|head| head.station == *of.as_bytes());
        if heads.0.is_empty() {
            return Ok(None);
        }
        let small = Small {
            heads,
            receipts: station.receipts_for(&of),
            records: 0,
            ranges: Vec::new(),
            piece: None,
        };
        self.as_codes(small, 0, now)
    }

    /// `None` when it does not fit.
    fn as_codes(&self, small: Small, entries: u64, now: Moment) -> Result<Option<Codes>, CarryFault> {
        let piece = small.piece.as_deref().unwrap_or_default();
        // A header without records has some two hundred bytes and forty for each chain.
        if piece.len() + 90 * small.heads.0.len() + 200 * small.receipts.len() > (MOST_CODES - 1) * CHUNK {
            return Ok(None);
        }
        let serial = self.change(|register| {
            register.serial += 1;
            register.serial
        })?;
        let header = Header {
            version: pack::VERSION,
            hospital: *self.hospital.as_bytes(),
            sender: *self.id.as_bytes(),
            serial,
            made: now,
            heads: small.heads,
            records: small.records,
            ranges: small.ranges,
            pieces: small
                .piece
                .iter()
                .map(|bytes| Piece {
                    len: bytes.len() as u64,
                    sha256: Sha256::digest(bytes).into(),
                })
                .collect(),
            snapshot: None,
            more: false,
            answers: None,
            partial: true,
            receipts: small.receipts,
        };
        let bytes = [pack::MAGIC, piece, &pack::close(&header, &self.secret)].concat();
        let digits = cut(&bytes);
        Ok((digits.len() <= MOST_CODES).then_some(Codes {
            digits,
            entries,
            serial,
        }))
    }

    /// Takes in the codes in `text`: digits in any width, apart by anything else, in any order. All that belong together, or nothing.
    ///
    /// # Errors
    /// [`CarryFault`]; nothing was changed.
    pub fn take_codes(&self, text: &str, station: &Station, hands: &mut Hands<'_>) -> Result<Taken, CarryFault> {
        let bytes = joined(text)?;
        let mut none = |_: &mut dyn std::io::Read| Err("codes carry no snapshot".to_owned());
        self.take_from(&bytes, station, &mut none, hands)
    }
}

/// What goes into a small pack.
struct Small {
    heads: Heads,
    receipts: Vec<Bytes>,
    records: u64,
    ranges: Vec<Range>,
    piece: Option<Vec<u8>>,
}

fn name_of(bytes: &[u8]) -> [u8; 4] {
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    let [a, b, c, d, ..] = digest;
    [a, b, c, d]
}

/// A pack as digits, code by code.
#[must_use]
pub fn cut(bytes: &[u8]) -> Vec<String> {
    let name = name_of(bytes);
    let all = u8::try_from(bytes.chunks(CHUNK).len()).unwrap_or(u8::MAX);
    let piece = |(chunk, place): (&[u8], u8)| {
        let framed = [&[place, all][..], &name, chunk].concat();
        let digits = to_digits(&framed);
        format!("{BEGINS}{}", digits.get(2..).unwrap_or_default())
    };
    bytes.chunks(CHUNK).zip(1..).map(piece).collect()
}

/// The pack whose codes are all in `text`; whether a station signed it is not known yet.
///
/// # Errors
/// [`CarryFault::NoCode`], [`CarryFault::CodeMisread`], [`CarryFault::CodesMissing`].
pub fn joined(text: &str) -> Result<Vec<u8>, CarryFault> {
    let half = |c: char| match c {
        '０'..='９' => char::from_u32(u32::from(c) - u32::from('０') + u32::from('0')).unwrap_or(c),
        c => c,
    };
    let text: String = text.chars().map(half).collect();
    let runs = text.split(|c: char| !c.is_ascii_digit());
    let runs = runs.filter(|run| run.starts_with(BEGINS) && run.len() > 2 * BEGINS.len());
    let mut pieces: BTreeMap<u8, Vec<u8>> = BTreeMap::new();
    let mut whole: Option<(u8, [u8; 4])> = None;
    for (run, place) in runs.take(MOST_READ).zip(1..) {
        // The framing is that of a declaration's code; only what it begins with is another.
        let framed = format!("93{}", run.get(2..).unwrap_or_default());
        let bytes = read_codes(&framed).map_err(|_| CarryFault::CodeMisread(place))?.pop();
        let bytes = bytes.ok_or(CarryFault::CodeMisread(place))?;
        let (frame, chunk) = bytes
            .split_first_chunk::<FRAME>()
            .ok_or(CarryFault::CodeMisread(place))?;
        let [nth, all, name @ ..] = *frame;
        let sound = (1..=all).contains(&nth) && usize::from(all) <= MOST_CODES && chunk.len() <= CHUNK;
        if !sound || whole.is_some_and(|known| known != (all, name)) {
            return Err(CarryFault::CodeMisread(place));
        }
        whole = Some((all, name));
        pieces.insert(nth, chunk.to_vec());
    }
    let (all, name) = whole.ok_or(CarryFault::NoCode)?;
    if pieces.len() < usize::from(all) {
        return Err(CarryFault::CodesMissing(pieces.len(), all.into()));
    }
    let bytes: Vec<u8> = pieces.into_values().flatten().collect();
    if name_of(&bytes) == name {
        Ok(bytes)
    } else {
        Err(CarryFault::CodeMisread(1))
    }
}
