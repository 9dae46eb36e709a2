//! The bytes of a feed's log (docs/formats/feed-log.md): segments of batches, each batch sealed in one piece.
//!
//! It deliberately does not decide which batch counts where two say the same: see `reading`.

use std::path::{Path, PathBuf};

use chart::Moment;
use rand_core::CryptoRng;
use vault::context::Context;
use vault::files::{Files, ReadAt};
use vault::keys::Key32;
use vault::{sealbox, wrap};
use zeroize::Zeroizing;

use super::Place;

/// Everything begins on a block of its own: a device may ruin the sector that it is writing when the power goes.
pub const BLOCK: usize = 4_096;
/// A segment that has reached this is followed by a new one, unless a test says otherwise.
pub const SEGMENT_BYTES: u64 = 16 << 20;
/// Longest segment file read: the last batch may be one message of the longest kind.
const MAX_SEGMENT: u64 = 64 << 20;
/// Most bytes of messages in one batch, beyond the first message.
pub const BATCH_BYTES: usize = 4 << 20;
/// Most messages in one batch.
pub const MAX_BATCH: usize = 1_024;
/// Longest plain text of one batch.
const MAX_PLAIN: usize = 40 << 20;

const MAGIC: &[u8; 8] = b"TMBFEED1";
const VERSION: u32 = 1;
const BATCH: &[u8; 4] = b"TMFB";
/// Up to the wrapped key.
const FIXED: usize = 8 + 4 + 4 + 8 + 16 + 16 + 8 + 4;
const BATCH_HEADER: usize = 4 + 8 + 4 + 8 + 4 + 4 + 4 + 4;
/// Flag of a batch: its plain text is compressed with zstd.
pub const COMPRESSED: u32 = 1;

/// One message as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its number in this feed, from 1 without gaps.
    pub number: u64,
    /// When it was received.
    pub received: Moment,
    /// [`FAULTY`], [`REUSED`].
    pub flags: u16,
    /// Who sent it: an address, and the name in the certificate where there is one.
    pub sender: String,
    /// Which message it is (MSH-3, MSH-4, MSH-10), hashed.
    pub identity: [u8; 16],
    /// What it says, hashed.
    pub content: [u8; 16],
    /// The bytes as they came.
    pub bytes: Vec<u8>,
}

/// The message is structurally faulty and its sender was told so.
pub const FAULTY: u16 = 1;
/// Another message with the same number and other words was there before.
pub const REUSED: u16 = 2;

/// Longest text of a sender.
pub const MAX_SENDER: usize = 200;

impl Record {
    fn write(&self, out: &mut Vec<u8>) {
        let sender = self
            .sender
            .as_bytes()
            .get(..MAX_SENDER)
            .unwrap_or(self.sender.as_bytes());
        out.extend_from_slice(&self.number.to_le_bytes());
        out.extend_from_slice(&self.received.0.to_le_bytes());
        out.extend_from_slice(&self.flags.to_le_bytes());
        out.push(u8::try_from(sender.len()).unwrap_or(0));
        out.extend_from_slice(sender);
        out.extend_from_slice(&self.identity);
        out.extend_from_slice(&self.content);
        out.extend_from_slice(&u32::try_from(self.bytes.len()).unwrap_or(0).to_le_bytes());
        out.extend_from_slice(&self.bytes);
    }

    fn read(bytes: &mut &[u8]) -> Option<Self> {
        let number = u64::from_le_bytes(*take(bytes)?);
        let received = Moment(i64::from_le_bytes(*take(bytes)?));
        let flags = u16::from_le_bytes(*take(bytes)?);
        let [sender_len] = *take(bytes)?;
        let sender = String::from_utf8_lossy(take_len(bytes, sender_len.into())?).into_owned();
        let identity = *take(bytes)?;
        let content = *take(bytes)?;
        let len = u32::from_le_bytes(*take(bytes)?);
        let bytes = take_len(bytes, usize::try_from(len).ok()?)?.to_vec();
        Some(Self {
            number,
            received,
            flags,
            sender,
            identity,
            content,
            bytes,
        })
    }
}

fn take<'a, const N: usize>(bytes: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (head, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(head)
}

fn take_len<'a>(bytes: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (head, rest) = bytes.split_at_checked(len)?;
    *bytes = rest;
    Some(head)
}

/// The file of a segment: as it was written by the listener, or rewritten compactly.
pub fn path(dir: &Path, number: u64, compact: bool) -> PathBuf {
    dir.join(format!("{number:010}.{}", if compact { "tmbc" } else { "tmbf" }))
}

/// The segments in a directory with whether each is compact, rising. Where both are there the compact one was not finished.
pub fn list(files: &dyn Files, dir: &Path) -> std::io::Result<Vec<(u64, bool)>> {
    let mut found: Vec<(u64, bool)> = Vec::new();
    for name in files.list(dir)? {
        let Some((number, end)) = name.split_once('.') else {
            continue;
        };
        let (10.., Ok(number)) = (number.len(), number.parse()) else {
            continue;
        };
        match end {
            "tmbf" => found.push((number, false)),
            "tmbc" => found.push((number, true)),
            _ => {}
        }
    }
    found.sort_unstable();
    found.dedup_by_key(|segment| segment.0);
    Ok(found)
}

fn key_context(place: &Place, number: u64, first: u64) -> Context {
    let context = Context::new("fkey", &place.hospital).fixed(place.station.as_bytes());
    context.variable(place.feed.as_bytes()).u64(number).u64(first)
}

fn batch_context(place: &Place, segment: u64, head: &BatchHead) -> Context {
    let context = Context::new("fbat", &place.hospital).fixed(place.station.as_bytes());
    let context = context.variable(place.feed.as_bytes()).u64(segment);
    context
        .u32(head.number)
        .u64(head.first)
        .u32(head.records)
        .u32(head.flags)
}

/// Block 0 of a new segment whose first message will be `first`, and the key of its batches.
pub fn begin(
    place: &Place,
    number: u64,
    first: u64,
    rng: &mut dyn CryptoRng,
) -> Result<(Vec<u8>, Key32), wrap::WeakKey> {
    let key = Key32::random(&mut *rng);
    let wrapped = wrap::wrap(
        &place.secret.public(),
        &key_context(place, number, first),
        key.as_bytes(),
        &mut *rng,
    )?;
    let mut block = Vec::with_capacity(BLOCK);
    block.extend_from_slice(MAGIC);
    block.extend_from_slice(&VERSION.to_le_bytes());
    block.extend_from_slice(&[0; 4]);
    block.extend_from_slice(&number.to_le_bytes());
    block.extend_from_slice(place.hospital.as_bytes());
    block.extend_from_slice(place.station.as_bytes());
    block.extend_from_slice(&first.to_le_bytes());
    block.extend_from_slice(&u32::try_from(wrapped.len()).unwrap_or(0).to_le_bytes());
    block.extend_from_slice(&wrapped);
    let sum = crc32c::crc32c(&block);
    block.extend_from_slice(&sum.to_le_bytes());
    block.resize(BLOCK, 0);
    Ok((block, key))
}

/// One batch, filled up to whole blocks.
pub fn batch(
    place: &Place,
    key: &Key32,
    segment: u64,
    number: u32,
    records: &[Record],
    compress: bool,
    rng: &mut dyn CryptoRng,
) -> Vec<u8> {
    let mut plain = Zeroizing::new(Vec::new());
    records.iter().for_each(|record| record.write(&mut plain));
    // What cannot be compressed is written as it is.
    let smaller = compress.then(|| zstd::bulk::compress(&plain, 9).ok()).flatten();
    let (plain, flags) = match smaller {
        Some(small) => (Zeroizing::new(small), COMPRESSED),
        None => (plain, 0),
    };
    let mut head = BatchHead {
        number,
        first: records.first().map_or(0, |record| record.number),
        records: u32::try_from(records.len()).unwrap_or(0),
        len: 0,
        flags,
    };
    let sealed = sealbox::seal(key, &batch_context(place, segment, &head), &plain, &mut *rng);
    head.len = u32::try_from(sealed.len()).unwrap_or(0);
    let mut bytes = head.to_bytes(segment);
    let sum = crc32c::crc32c_append(crc32c::crc32c(&bytes), &sealed);
    bytes.extend_from_slice(&sum.to_le_bytes());
    bytes.extend_from_slice(&sealed);
    bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
    bytes
}

/// What a batch says of itself in the clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchHead {
    /// Its number in its segment, from 0.
    pub number: u32,
    /// The number of its first message.
    pub first: u64,
    /// How many messages it holds.
    pub records: u32,
    len: u32,
    flags: u32,
}

impl BatchHead {
    fn to_bytes(self, segment: u64) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(BATCH_HEADER);
        bytes.extend_from_slice(BATCH);
        bytes.extend_from_slice(&segment.to_le_bytes());
        bytes.extend_from_slice(&self.number.to_le_bytes());
        bytes.extend_from_slice(&self.first.to_le_bytes());
        bytes.extend_from_slice(&self.records.to_le_bytes());
        bytes.extend_from_slice(&self.len.to_le_bytes());
        bytes.extend_from_slice(&self.flags.to_le_bytes());
        bytes
    }

    fn read(mut bytes: &[u8], segment: u64) -> Option<(Self, u32)> {
        let bytes = &mut bytes;
        if take(bytes)? != BATCH || u64::from_le_bytes(*take(bytes)?) != segment {
            return None;
        }
        let number = u32::from_le_bytes(*take(bytes)?);
        let first = u64::from_le_bytes(*take(bytes)?);
        let records = u32::from_le_bytes(*take(bytes)?);
        let len = u32::from_le_bytes(*take(bytes)?);
        let flags = u32::from_le_bytes(*take(bytes)?);
        let head = Self {
            number,
            first,
            records,
            len,
            flags,
        };
        Some((head, u32::from_le_bytes(*take(bytes)?)))
    }

    /// The number behind its last message.
    pub fn end(&self) -> u64 {
        self.first.saturating_add(self.records.into())
    }
}

/// A segment in memory, its batches found but not opened.
pub struct Segment {
    /// Its number.
    pub number: u64,
    /// The number of its first message, as its header says.
    pub first: u64,
    /// Its batches whose check sums are right, in order, with their places in the file.
    pub batches: Vec<(usize, BatchHead)>,
    /// Places where something is that is no batch.
    pub damage: Vec<u64>,
    bytes: Vec<u8>,
    key: Key32,
}

impl Segment {
    /// Reads a segment. `Ok(None)` when its header is not whole, or not of this feed.
    ///
    /// # Errors
    /// What the disk says.
    pub fn open(place: &Place, number: u64, compact: bool) -> std::io::Result<Option<Self>> {
        let file = place.files.open(&path(&place.dir, number, compact))?;
        let len = file.size()?;
        if len > MAX_SEGMENT {
            return Ok(None);
        }
        let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
        read(&*file, &mut bytes)?;
        Ok(Self::parse(place, number, bytes))
    }

    /// From its bytes.
    pub fn parse(place: &Place, number: u64, bytes: Vec<u8>) -> Option<Self> {
        let mut rest = bytes.as_slice();
        let head = &mut rest;
        let magic: &[u8; 8] = take(head)?;
        let version = u32::from_le_bytes(*take(head)?);
        let _: &[u8; 4] = take(head)?;
        let said = u64::from_le_bytes(*take(head)?);
        let hospital: &[u8; 16] = take(head)?;
        let station: &[u8; 16] = take(head)?;
        let first = u64::from_le_bytes(*take(head)?);
        let wrapped_len = usize::try_from(u32::from_le_bytes(*take(head)?)).ok()?;
        let wrapped = take_len(head, wrapped_len.min(BLOCK))?;
        let sum = u32::from_le_bytes(*take(head)?);
        let right = magic == MAGIC
            && version == VERSION
            && said == number
            && hospital == place.hospital.as_bytes()
            && station == place.station.as_bytes()
            && sum == crc32c::crc32c(bytes.get(..FIXED + wrapped_len)?);
        if !right {
            return None;
        }
        let key = wrap::unwrap(&*place.secret, &key_context(place, number, first), wrapped).ok()?;
        let key = Key32::from_slice(&key)?;
        let mut segment = Self {
            number,
            first,
            batches: Vec::new(),
            damage: Vec::new(),
            bytes,
            key,
        };
        segment.find_batches();
        Some(segment)
    }

    fn find_batches(&mut self) {
        let mut at = BLOCK;
        let mut lost = false;
        while let Some(bytes) = self.bytes.get(at..).filter(|bytes| !bytes.is_empty()) {
            match sound_batch(bytes, self.number) {
                Some((head, len)) => {
                    self.batches.push((at, head));
                    at += len.next_multiple_of(BLOCK);
                    lost = false;
                }
                None => {
                    if !lost {
                        self.damage.push(at as u64);
                    }
                    lost = true;
                    at += BLOCK;
                }
            }
        }
    }

    /// True when what is behind the last batch does not read: never acknowledged, or damaged.
    pub fn has_torn_tail(&self) -> bool {
        let end = self.batches.last().map_or(BLOCK, |(at, _)| *at);
        self.damage.last().is_some_and(|at| *at > end as u64)
    }

    /// Opens a batch. `None` when it does not open or does not hold what its head says.
    pub fn records(&self, place: &Place, number: usize) -> Option<Vec<Record>> {
        let (at, head) = self.batches.get(number)?;
        let begin = at + BATCH_HEADER;
        let sealed = self.bytes.get(begin..begin + usize::try_from(head.len).ok()?)?;
        let opened = sealbox::open(&self.key, &batch_context(place, self.number, head), sealed).ok()?;
        let plain = if head.flags & COMPRESSED == 0 {
            opened
        } else {
            Zeroizing::new(zstd::bulk::decompress(&opened, MAX_PLAIN).ok()?)
        };
        let mut rest = plain.as_slice();
        let mut records = Vec::new();
        while !rest.is_empty() {
            let record = Record::read(&mut rest)?;
            if record.number != head.first.checked_add(records.len() as u64)? {
                return None;
            }
            records.push(record);
        }
        (records.len() as u64 == u64::from(head.records)).then_some(records)
    }
}

fn sound_batch(bytes: &[u8], segment: u64) -> Option<(BatchHead, usize)> {
    let (head, sum) = BatchHead::read(bytes, segment)?;
    let len = BATCH_HEADER.checked_add(usize::try_from(head.len).ok()?)?;
    let sealed = bytes.get(BATCH_HEADER..len)?;
    let clear = crc32c::crc32c(bytes.get(..BATCH_HEADER - 4)?);
    (sum == crc32c::crc32c_append(clear, sealed)).then_some((head, len))
}

fn read(file: &dyn ReadAt, bytes: &mut [u8]) -> std::io::Result<()> {
    file.read_exact_at(0, bytes)
}
