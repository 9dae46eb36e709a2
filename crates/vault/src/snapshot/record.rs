//! One record on its way in and out: compress, pad, seal; open, unpad, decompress.
//!
//! `body = method(1) ‖ length u32 ‖ data ‖ zeros up to the Padmé length`, sealed under the record's own key, which seals nothing else.
//! Method 0 stores, method 1 is a zstd frame made with the snapshot's dictionary, method 2 is what differs from the record the epoch began
//! with, in front of it where that record is and its key.

use std::io;
use std::sync::{Mutex, PoisonError};

use zeroize::Zeroizing;
use zstd::bulk::{Compressor, Decompressor};

use crate::codec::{Malformed, Reader, put_count};
use crate::context::Context;
use crate::keys::Key32;
use crate::padding::padme;
use crate::sealbox;

use super::index::{Locator, compress_over, unpack_over};
use super::layout::Place;
use super::{MAX_DICTIONARY, MAX_RECORD, RecordFault};

const STORED: u8 = 0;
const ZSTD: u8 = 1;
const OVER: u8 = 2;
/// Where the record before is, how long it is sealed and plain, and its key.
const BEFORE: usize = 8 + 4 + 4 + 32;
const HEAD: usize = 5;
const DICTIONARY_LEVEL: i32 = 6;
/// A record may grow at most this many times in decompression, plus a megabyte.
const MAX_RATIO: usize = 100;
const RATIO_SLACK: usize = 1 << 20;

/// Turns plain records into sealed ones, with one compression context for all of them.
pub(super) struct RecordSealer {
    compressor: Compressor<'static>,
    body: Zeroizing<Vec<u8>>,
}

impl RecordSealer {
    pub(super) fn new(dictionary: &[u8], level: i32) -> io::Result<Self> {
        let mut compressor = Compressor::with_dictionary(level, dictionary)?;
        // The reader knows which dictionary it is and is told the length: neither is worth bytes per patient.
        compressor.include_dictid(false)?;
        compressor.include_checksum(false)?;
        Ok(Self {
            compressor,
            body: Zeroizing::new(vec![0; HEAD + zstd::zstd_safe::compress_bound(64 << 10)]),
        })
    }

    /// `before`: the record the epoch began with, and its bytes, where the new one may be told as what differs from it.
    pub(super) fn seal(
        &mut self,
        key: Key32,
        ctx: &Context,
        plain: &[u8],
        before: Option<(&Locator, &[u8])>,
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        let room = HEAD + BEFORE + zstd::zstd_safe::compress_bound(plain.len());
        if self.body.len() < padme(room) {
            self.body = Zeroizing::new(vec![0; padme(room)]);
        }
        let (head, data) = self.body.split_at_mut(HEAD);
        let packed = self.compressor.compress_to_buffer(plain, data)?;
        // What the reader's ratio cap would refuse (4 MiB of spaces) is stored as it is.
        let (method, len) = if packed < plain.len() && plain.len() <= most_from(packed) {
            (ZSTD, packed)
        } else {
            (STORED, plain.len())
        };
        if let (STORED, Some(data)) = (method, data.get_mut(..len)) {
            data.copy_from_slice(plain);
        }
        let (mut method, mut len) = (method, len);
        if let Some((locator, bytes)) = before {
            let differs = compress_over(plain, bytes)?;
            let whole = BEFORE + differs.len();
            if let Some(data) = data.get_mut(..whole).filter(|_| whole < len) {
                let (place, patch) = data.split_at_mut(BEFORE);
                put_place(locator, place);
                patch.copy_from_slice(&differs);
                (method, len) = (OVER, whole);
            }
        }
        let (first, rest) = head.split_at_mut(1);
        first.fill(method);
        rest.copy_from_slice(&u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes());
        let (used, padded) = (HEAD + len, padme(HEAD + len));
        self.body.get_mut(used..padded).unwrap_or_default().fill(0);
        sealbox::seal_once_into(key, ctx, self.body.get(..padded).unwrap_or_default(), out);
        Ok(())
    }
}

/// What came out of a sealed record.
pub(super) enum Opening {
    /// All of it.
    Whole(Zeroizing<Vec<u8>>),
    /// What differs from another record.
    Over(Difference),
}

/// What differs from another record, and where that one is.
pub(super) struct Difference {
    pub(super) before: Locator,
    patch: Zeroizing<Vec<u8>>,
    len: usize,
}

impl Difference {
    /// The record, over the one before.
    pub(super) fn over(&self, before: &[u8]) -> Result<Zeroizing<Vec<u8>>, RecordFault> {
        let allowed = most_from(self.patch.len().saturating_add(before.len())).min(MAX_RECORD);
        if self.len > allowed {
            return Err(RecordFault::Damaged);
        }
        unpack_over(&self.patch, self.len, before).map_err(|Malformed| RecordFault::Damaged)
    }
}

/// Opens sealed records; shared by threads, with one decompression context per thread that is opening just now.
pub(super) struct RecordOpener {
    dictionary: Zeroizing<Vec<u8>>,
    idle: Mutex<Vec<Decompressor<'static>>>,
}

impl RecordOpener {
    pub(super) fn new(dictionary: Zeroizing<Vec<u8>>) -> Self {
        Self {
            dictionary,
            idle: Mutex::new(Vec::new()),
        }
    }

    pub(super) fn dictionary(&self) -> &[u8] {
        &self.dictionary
    }

    pub(super) fn open(&self, place: &Place, locator: &Locator, sealed: &[u8]) -> Result<Opening, RecordFault> {
        let body = sealbox::open_once(&locator.key, &place.record(locator.offset), sealed)
            .map_err(|_| RecordFault::Damaged)?;
        let (method, data) = unpad(&body).map_err(|Malformed| RecordFault::Damaged)?;
        let len = usize::try_from(locator.plain).map_err(|_| RecordFault::Damaged)?;
        if method == OVER && len <= MAX_RECORD {
            return difference(data, len).map_err(|Malformed| RecordFault::Damaged);
        }
        let allowed = most_from(data.len()).min(MAX_RECORD);
        let plain = match method {
            _ if len > allowed => return Err(RecordFault::Damaged),
            STORED => Zeroizing::new(data.to_vec()),
            ZSTD => self.decompress(data, len)?,
            _ => return Err(RecordFault::Damaged),
        };
        if plain.len() == len {
            Ok(Opening::Whole(plain))
        } else {
            Err(RecordFault::Damaged)
        }
    }

    fn decompress(&self, data: &[u8], len: usize) -> Result<Zeroizing<Vec<u8>>, RecordFault> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut context = match idle {
            Some(context) => context,
            None => Decompressor::with_dictionary(&self.dictionary).map_err(RecordFault::Unreadable)?,
        };
        let mut plain = Zeroizing::new(Vec::with_capacity(len));
        let result = context.decompress_to_buffer(data, &mut *plain);
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(context);
        result.map(|_| plain).map_err(|_| RecordFault::Damaged)
    }
}

fn put_place(locator: &Locator, out: &mut [u8]) {
    let place = locator.offset.to_le_bytes().into_iter();
    let lengths = [locator.len, locator.plain].into_iter().flat_map(u32::to_le_bytes);
    let bytes = place.chain(lengths).chain(locator.key.as_bytes().iter().copied());
    out.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
}

fn difference(data: &[u8], len: usize) -> Result<Opening, Malformed> {
    let mut reader = Reader::new(data);
    let before = Locator {
        offset: reader.u64()?,
        len: reader.u32()?,
        plain: reader.u32()?,
        key: Key32::from_bytes(reader.array()?),
    };
    Ok(Opening::Over(Difference {
        before,
        patch: Zeroizing::new(reader.rest().to_vec()),
        len,
    }))
}

/// The plaintext of the dictionary section: its length, then a zstd frame (a dictionary packs to a quarter).
pub(super) fn pack_dictionary(dictionary: &[u8]) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut out = Zeroizing::new(Vec::with_capacity(4 + dictionary.len()));
    put_count(&mut out, dictionary.len());
    let packed = Zeroizing::new(zstd::bulk::compress(dictionary, DICTIONARY_LEVEL)?);
    out.extend_from_slice(&packed);
    Ok(out)
}

pub(super) fn unpack_dictionary(plain: &[u8]) -> Result<Zeroizing<Vec<u8>>, Malformed> {
    let mut reader = Reader::new(plain);
    let len = usize::try_from(reader.u32()?).map_err(|_| Malformed)?;
    if len > MAX_DICTIONARY {
        return Err(Malformed);
    }
    let mut dictionary = Zeroizing::new(vec![0; len]);
    let written = zstd::bulk::decompress_to_buffer(reader.rest(), &mut dictionary).map_err(|_| Malformed)?;
    if written == len { Ok(dictionary) } else { Err(Malformed) }
}

/// The longest record that may come out of `packed` bytes.
fn most_from(packed: usize) -> usize {
    packed.saturating_mul(MAX_RATIO).saturating_add(RATIO_SLACK)
}

fn unpad(body: &[u8]) -> Result<(u8, &[u8]), Malformed> {
    let mut reader = Reader::new(body);
    let (method, len) = (reader.u8()?, reader.u32()?);
    let data = reader.take(usize::try_from(len).map_err(|_| Malformed)?)?;
    let canonical = padme(HEAD + data.len()) == body.len() && reader.rest().iter().all(|byte| *byte == 0);
    if canonical { Ok((method, data)) } else { Err(Malformed) }
}
