//! One compartment's index: where each record is and its key, and the caller's thin list beside it.
//!
//! Stored in columns: places as gaps to the end of the record before (zeros, mostly), then sealed and plain lengths,
//! compressed together; keys as they are, since nothing compresses them. The thin list is the caller's blocks, each
//! compressed by itself so that a reader decompresses those it needs. What a block holds is deliberately unknown here.

use std::io;

use zeroize::Zeroizing;

use crate::codec::{Malformed, Reader, put_bytes, put_count};
use crate::keys::Key32;

use super::{MAX_BLOCKS, MAX_RECORDS, MAX_THIN, SnapshotFault};

/// Bytes of one record's place and lengths before compression.
const PLACE_LEN: usize = 8 + 4 + 4;
const KEY_LEN: usize = 32;
const LEVEL: i32 = 3;

/// Where one record is, how long it is sealed and plain, and its key.
#[derive(Clone)]
pub(super) struct Locator {
    pub(super) offset: u64,
    pub(super) len: u32,
    pub(super) plain: u32,
    pub(super) key: Key32,
}

/// All locators of a compartment. Every key is erased when it is dropped; the list grows by copying into a larger one,
/// so no key is left behind in freed memory.
#[derive(Default)]
pub(super) struct Locators(Vec<Locator>);

impl Locators {
    pub(super) fn push(&mut self, locator: Locator) {
        if self.0.len() == self.0.capacity() {
            let mut larger = Vec::with_capacity((self.0.len() * 2).max(64));
            larger.extend(self.0.iter().cloned());
            self.0 = larger;
        }
        self.0.push(locator);
    }

    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    pub(super) fn get(&self, ordinal: u32) -> Option<Locator> {
        self.0.get(usize::try_from(ordinal).ok()?).cloned()
    }

    /// The plaintext of an index section.
    pub(super) fn to_plain(&self, thin: &[Block]) -> io::Result<Zeroizing<Vec<u8>>> {
        let mut places = Vec::with_capacity(self.0.len() * PLACE_LEN);
        let mut end = 0_u64;
        for locator in &self.0 {
            places.extend_from_slice(&locator.offset.wrapping_sub(end).to_le_bytes());
            end = locator.offset.saturating_add(u64::from(locator.len));
        }
        self.0
            .iter()
            .for_each(|locator| places.extend_from_slice(&locator.len.to_le_bytes()));
        self.0
            .iter()
            .for_each(|locator| places.extend_from_slice(&locator.plain.to_le_bytes()));
        let places = zstd::bulk::compress(&places, LEVEL)?;
        let packed: usize = thin.iter().map(|block| 8 + block.packed.len()).sum();
        let length = 32 + places.len() + self.0.len() * KEY_LEN + packed;
        let mut out = Zeroizing::new(Vec::with_capacity(length));
        put_count(&mut out, self.0.len());
        put_bytes(&mut out, &places);
        self.0
            .iter()
            .for_each(|locator| out.extend_from_slice(locator.key.as_bytes()));
        put_count(&mut out, thin.len());
        for block in thin {
            put_count(&mut out, block.len);
            put_bytes(&mut out, &block.packed);
        }
        Ok(out)
    }

    /// The locators and the thin list out of a section's plaintext.
    pub(super) fn from_plain(plain: &[u8]) -> Result<(Self, Vec<Block>), Malformed> {
        let mut reader = Reader::new(plain);
        let count = reader.count(MAX_RECORDS, KEY_LEN)?;
        let places = unpack(reader.bytes(MAX_RECORDS * PLACE_LEN)?, count * PLACE_LEN)?;
        let keys = reader.take(count * KEY_LEN)?;
        let blocks = reader.count(MAX_BLOCKS, 8)?;
        let mut thin = Vec::with_capacity(blocks);
        let mut left = MAX_THIN;
        for _ in 0..blocks {
            let len = usize::try_from(reader.u32()?).map_err(|_| Malformed)?;
            left = left.checked_sub(len).ok_or(Malformed)?;
            let packed = Zeroizing::new(reader.bytes(MAX_THIN)?.to_vec());
            thin.push(Block { packed, len });
        }
        reader.finish()?;
        let (gaps, lengths) = places.split_at_checked(count * 8).ok_or(Malformed)?;
        let (sealed, plains) = lengths.split_at_checked(count * 4).ok_or(Malformed)?;
        let (mut gaps, mut sealed, mut plains, mut keys) = (
            Reader::new(gaps),
            Reader::new(sealed),
            Reader::new(plains),
            Reader::new(keys),
        );
        let mut locators = Vec::with_capacity(count);
        let mut end = 0_u64;
        for _ in 0..count {
            let (offset, len, plain) = (end.wrapping_add(gaps.u64()?), sealed.u32()?, plains.u32()?);
            end = offset.checked_add(u64::from(len)).ok_or(Malformed)?;
            locators.push(Locator {
                offset,
                len,
                plain,
                key: Key32::from_bytes(keys.array()?),
            });
        }
        Ok((Self(locators), thin))
    }
}

/// One block of the caller's list, compressed by itself: opened when it is wanted, most of them perhaps never.
#[derive(Clone)]
pub struct Block {
    packed: Zeroizing<Vec<u8>>,
    len: usize,
}

impl Block {
    /// Compresses a block.
    ///
    /// # Errors
    /// What the compression library says.
    pub fn pack(plain: &[u8]) -> io::Result<Self> {
        Ok(Self {
            packed: Zeroizing::new(zstd::bulk::compress(plain, LEVEL)?),
            len: plain.len(),
        })
    }

    /// Length of what is in it, in bytes.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// True when nothing is in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What is in it.
    ///
    /// # Errors
    /// [`SnapshotFault::Malformed`] when it does not decompress to its length. The bytes are the sealer's own, so that is
    /// a fault of the sealer, which it finds when it proves the snapshot.
    pub fn open(&self) -> Result<Zeroizing<Vec<u8>>, SnapshotFault> {
        unpack(&self.packed, self.len).map_err(|Malformed| SnapshotFault::Malformed("list of patients"))
    }
}

impl std::fmt::Debug for Block {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Block({} bytes)", self.len)
    }
}

/// Decompresses to exactly `len` bytes, within the limit.
fn unpack(packed: &[u8], len: usize) -> Result<Zeroizing<Vec<u8>>, Malformed> {
    if len > MAX_THIN {
        return Err(Malformed);
    }
    let mut thin = Zeroizing::new(vec![0; len]);
    let written = zstd::bulk::decompress_to_buffer(packed, &mut thin).map_err(|_| Malformed)?;
    if written == len { Ok(thin) } else { Err(Malformed) }
}
