//! One compartment's index: where each record is and its key, and the caller's thin list beside it.
//!
//! Locators have a fixed stride so that record n is found without reading the others. The thin bytes are the
//! caller's columns in ordinal order; they are only compressed here.

use std::io;

use zeroize::{Zeroize, Zeroizing};

use crate::codec::{Malformed, Reader, put_bytes, put_count};
use crate::keys::Key32;

use super::layout::TAG_LEN;
use super::{MAX_RECORDS, MAX_THIN};

const STRIDE: usize = 8 + 4 + 4 + 32 + TAG_LEN;
const THIN_LEVEL: i32 = 3;

/// Where one record is, how long it is sealed and plain, its key and its pseudonym.
#[derive(Clone)]
pub(super) struct Locator {
    pub(super) offset: u64,
    pub(super) len: u32,
    pub(super) plain: u32,
    pub(super) key: Key32,
    pub(super) tag: [u8; TAG_LEN],
}

/// All locators of a compartment, as the bytes they are stored in: erased on drop as a whole.
#[derive(Default)]
pub(super) struct Locators(Zeroizing<Vec<u8>>);

impl Locators {
    pub(super) fn push(&mut self, locator: &Locator) {
        if self.0.len() == self.0.capacity() {
            self.grow();
        }
        self.0.extend_from_slice(&locator.offset.to_le_bytes());
        self.0.extend_from_slice(&locator.len.to_le_bytes());
        self.0.extend_from_slice(&locator.plain.to_le_bytes());
        self.0.extend_from_slice(locator.key.as_bytes());
        self.0.extend_from_slice(&locator.tag);
    }

    /// A vector that grows by itself would leave keys behind in freed memory.
    fn grow(&mut self) {
        let mut larger = Zeroizing::new(Vec::with_capacity((self.0.len() * 2).max(64 * STRIDE)));
        larger.extend_from_slice(&self.0);
        self.0 = larger;
    }

    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.0.len() / STRIDE).unwrap_or(u32::MAX)
    }

    pub(super) fn get(&self, ordinal: u32) -> Option<Locator> {
        let start = usize::try_from(ordinal).ok()?.checked_mul(STRIDE)?;
        let mut reader = Reader::new(self.0.get(start..)?);
        let mut parse = || -> Result<Locator, Malformed> {
            Ok(Locator {
                offset: reader.u64()?,
                len: reader.u32()?,
                plain: reader.u32()?,
                key: Key32::from_bytes(reader.array()?),
                tag: reader.array()?,
            })
        };
        parse().ok()
    }

    /// The plaintext of an index section.
    pub(super) fn to_plain(&self, thin: &[u8]) -> io::Result<Zeroizing<Vec<u8>>> {
        let mut packed = zstd::bulk::compress(thin, THIN_LEVEL)?;
        let mut out = Zeroizing::new(Vec::with_capacity(16 + self.0.len() + packed.len()));
        put_count(&mut out, self.0.len() / STRIDE);
        out.extend_from_slice(&self.0);
        put_count(&mut out, thin.len());
        put_bytes(&mut out, &packed);
        packed.zeroize();
        Ok(out)
    }

    /// The locators and the thin list out of a section's plaintext.
    pub(super) fn from_plain(plain: &[u8]) -> Result<(Self, Zeroizing<Vec<u8>>), Malformed> {
        let mut reader = Reader::new(plain);
        let count = reader.count(MAX_RECORDS, STRIDE)?;
        let locators = Self(Zeroizing::new(reader.take(count * STRIDE)?.to_vec()));
        let thin_len = usize::try_from(reader.u32()?).map_err(|_| Malformed)?;
        let packed = reader.bytes(MAX_THIN)?;
        reader.finish()?;
        Ok((locators, unpack(packed, thin_len)?))
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
