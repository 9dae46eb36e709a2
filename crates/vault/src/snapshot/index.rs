//! One compartment's index: where each record is and its key, and the caller's thin list beside it.
//!
//! Stored in columns: places as gaps to the end of the record before (zeros, mostly), then sealed and plain lengths,
//! compressed together; keys as they are, since nothing compresses them. The thin list is the caller's blocks, each
//! compressed by itself so that a reader decompresses those it needs. What a block holds is deliberately unknown here.

use std::io;
use std::sync::Arc;

use zeroize::Zeroizing;
use zstd::zstd_safe::{CCtx, CParameter, DCtx, compress_bound};

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

    pub(super) fn iter(&self) -> impl Iterator<Item = &Locator> {
        self.0.iter()
    }

    /// Appends the locators: how many, where, how long, and their keys.
    pub(super) fn put(&self, out: &mut Zeroizing<Vec<u8>>) -> io::Result<()> {
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
        put_count(out, self.0.len());
        put_bytes(out, &places);
        self.0
            .iter()
            .for_each(|locator| out.extend_from_slice(locator.key.as_bytes()));
        Ok(())
    }

    /// Bytes that [`Self::put`] takes at most: so much is reserved, for no key may be left behind in a smaller buffer.
    pub(super) fn room(&self) -> usize {
        16 + compress_bound(self.0.len() * PLACE_LEN) + self.0.len() * KEY_LEN
    }

    /// The plaintext of an index section.
    pub(super) fn to_plain(&self, thin: &[Block]) -> io::Result<Zeroizing<Vec<u8>>> {
        let packed: usize = thin.iter().map(|block| 8 + block.packed.len()).sum();
        let mut out = Zeroizing::new(Vec::with_capacity(16 + self.room() + packed));
        self.put(&mut out)?;
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
        let locators = Self::take(&mut reader)?;
        let blocks = reader.count(MAX_BLOCKS, 8)?;
        let mut thin = Vec::with_capacity(blocks);
        let mut left = MAX_THIN;
        for _ in 0..blocks {
            let len = usize::try_from(reader.u32()?).map_err(|_| Malformed)?;
            left = left.checked_sub(len).ok_or(Malformed)?;
            thin.push(Block::new(reader.bytes(MAX_THIN)?, len));
        }
        reader.finish()?;
        Ok((locators, thin))
    }

    /// Reads what [`Self::put`] wrote.
    pub(super) fn take(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let count = reader.count(MAX_RECORDS, KEY_LEN)?;
        let places = unpack(reader.bytes(MAX_RECORDS * PLACE_LEN)?, count * PLACE_LEN)?;
        let keys = reader.take(count * KEY_LEN)?;
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
        Ok(Self(locators))
    }
}

/// One block of the caller's list, compressed by itself or over the block it replaces: opened when it is wanted, most of them
/// perhaps never.
#[derive(Clone)]
pub struct Block {
    packed: Zeroizing<Vec<u8>>,
    len: usize,
    over: Option<Arc<Block>>,
}

impl Block {
    /// Compresses a block.
    ///
    /// # Errors
    /// What the compression library says.
    pub fn pack(plain: &[u8]) -> io::Result<Self> {
        Ok(Self::new(&zstd::bulk::compress(plain, LEVEL)?, plain.len()))
    }

    fn new(packed: &[u8], len: usize) -> Self {
        Self {
            packed: Zeroizing::new(packed.to_vec()),
            len,
            over: None,
        }
    }

    /// Compresses a block as what it differs in from `base`, or by itself where that is shorter. A base that does not open is passed over.
    pub(super) fn pack_over(plain: &[u8], base: Option<&Arc<Self>>) -> io::Result<Self> {
        let alone = Self::pack(plain)?;
        let Some(base) = base.filter(|base| base.len + plain.len() <= MAX_WINDOW) else {
            return Ok(alone);
        };
        let Ok(before) = base.open() else { return Ok(alone) };
        let packed = compress_over(plain, &before)?;
        if packed.len() < alone.packed.len() {
            Ok(Self {
                packed,
                len: plain.len(),
                over: Some(Arc::clone(base)),
            })
        } else {
            Ok(alone)
        }
    }

    /// Whether it opens only with the block it replaces.
    pub(super) const fn is_over(&self) -> bool {
        self.over.is_some()
    }

    pub(super) fn packed(&self) -> &[u8] {
        &self.packed
    }

    /// What was written as `packed`, over `base` if it is over one.
    pub(super) fn of(packed: &[u8], len: usize, over: Option<Arc<Self>>) -> Self {
        Self {
            over,
            ..Self::new(packed, len)
        }
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
        let opened = match &self.over {
            None => unpack(&self.packed, self.len),
            Some(base) => unpack_over(&self.packed, self.len, &base.open()?),
        };
        opened.map_err(|Malformed| SnapshotFault::Malformed("list of patients"))
    }
}

/// Longest block and its base together for which differences are looked for; a longer one is compressed by itself.
const MAX_WINDOW: usize = 1 << MAX_WINDOW_LOG;
const MAX_WINDOW_LOG: u32 = 27;
/// Blocks are few and a station fetches them every quarter of an hour: it pays to look longer.
const OVER_LEVEL: i32 = 9;

/// What `plain` differs in from `base`.
pub(super) fn compress_over(plain: &[u8], base: &[u8]) -> io::Result<Zeroizing<Vec<u8>>> {
    let window = (base.len() + plain.len()).max(1 << 10).next_power_of_two().ilog2();
    let refused = |code| io::Error::other(zstd::zstd_safe::get_error_name(code));
    let mut context = CCtx::try_create().ok_or(io::ErrorKind::OutOfMemory)?;
    for parameter in [
        CParameter::CompressionLevel(OVER_LEVEL),
        CParameter::WindowLog(window.min(MAX_WINDOW_LOG)),
        CParameter::EnableLongDistanceMatching(true),
        CParameter::ChecksumFlag(false),
    ] {
        context.set_parameter(parameter).map_err(refused)?;
    }
    context.ref_prefix(base).map_err(refused)?;
    let mut out = Zeroizing::new(Vec::with_capacity(compress_bound(plain.len())));
    context.compress2(&mut *out, plain).map_err(refused)?;
    Ok(out)
}

/// The reverse of [`compress_over`], to exactly `len` bytes. The caller has bounded them.
pub(super) fn unpack_over(packed: &[u8], len: usize, base: &[u8]) -> Result<Zeroizing<Vec<u8>>, Malformed> {
    if len > MAX_THIN {
        return Err(Malformed);
    }
    let mut context = DCtx::try_create().ok_or(Malformed)?;
    context.ref_prefix(base).map_err(|_| Malformed)?;
    let mut out = Zeroizing::new(Vec::with_capacity(len));
    let written = context.decompress(&mut *out, packed).map_err(|_| Malformed)?;
    if written == len { Ok(out) } else { Err(Malformed) }
}

impl std::fmt::Debug for Block {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Block({} bytes)", self.len)
    }
}

/// Decompresses to exactly `len` bytes, within the limit.
pub(super) fn unpack(packed: &[u8], len: usize) -> Result<Zeroizing<Vec<u8>>, Malformed> {
    if len > MAX_THIN {
        return Err(Malformed);
    }
    let mut thin = Zeroizing::new(vec![0; len]);
    let written = zstd::bulk::decompress_to_buffer(packed, &mut thin).map_err(|_| Malformed)?;
    if written == len { Ok(thin) } else { Err(Malformed) }
}
