//! The high-water mark: the newest snapshot this shelf ever had, and the latest time any sealer told it, in two copies.
//!
//! Slots can be emptied, damaged or put back by somebody with a screwdriver; the mark says what must not come back as new, and which
//! clock cannot be right. `"TMBW" ‖ version ‖ 0(3) ‖ epoch u64 ‖ delta u32 ‖ told i64 ‖ manifest_sha256(32) ‖ zeros ‖ crc32c u32 ‖ sha256(32)`
//! It only rises. A mark that cannot be read is none: data must open on a damaged disk, too.

use std::io::{self, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::codec::{Malformed, Reader};
use crate::files::{Files, read_vec};

use super::Identity;

/// How far this shelf has ever been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Water {
    /// The newest snapshot that was ever in use here.
    pub identity: Identity,
    /// The latest moment a trusted sealer has vouched for, Unix seconds UTC: it cannot be earlier than that.
    pub told: i64,
}

const COPIES: [&str; 2] = ["WATER.a.log", "WATER.b.log"];
const RECORD: usize = 128;
const MAGIC: &[u8; 4] = b"TMBW";
const VERSION: u8 = 1;

impl Water {
    /// The higher of both, each part for itself.
    #[must_use]
    pub fn raised(self, other: Self) -> Self {
        Self {
            identity: self.identity.max(other.identity),
            told: self.told.max(other.told),
        }
    }

    /// Whether a snapshot is older than the newest that was ever here.
    #[must_use]
    pub fn is_above(&self, identity: &Identity) -> bool {
        (identity.epoch, identity.delta) < (self.identity.epoch, self.identity.delta)
    }
}

pub(super) fn read(files: &dyn Files, dir: &Path) -> Option<Water> {
    let marks = COPIES.iter().filter_map(|name| {
        let source = files.open(&dir.join(name)).ok()?;
        let bytes = read_vec(&*source, 0, RECORD).ok()?;
        parse(&bytes).ok()
    });
    marks.reduce(Water::raised)
}

/// Writes both copies anew, one after the other, unless they say it already.
pub(super) fn raise(files: &dyn Files, dir: &Path, water: Water) -> io::Result<()> {
    let before = read(files, dir);
    let water = before.map_or(water, |before| before.raised(water));
    if before == Some(water) {
        return Ok(());
    }
    let bytes = to_bytes(&water);
    for name in COPIES {
        let path = dir.join(name);
        files.remove(&path)?;
        let mut file = files.create_new(&path)?;
        file.write_all(&bytes)?;
        file.sync()?;
        files.sync_dir(dir)?;
    }
    Ok(())
}

fn to_bytes(water: &Water) -> Vec<u8> {
    let mut out = Vec::with_capacity(RECORD);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&[VERSION, 0, 0, 0]);
    out.extend_from_slice(&water.identity.epoch.to_le_bytes());
    out.extend_from_slice(&water.identity.delta.to_le_bytes());
    out.extend_from_slice(&water.told.to_le_bytes());
    out.extend_from_slice(&water.identity.manifest_sha256);
    out.resize(RECORD - 36, 0);
    out.extend_from_slice(&crc32c::crc32c(&out).to_le_bytes());
    let hash = Sha256::digest(&out);
    out.extend_from_slice(&hash);
    out
}

fn parse(record: &[u8]) -> Result<Water, Malformed> {
    let (body, hash) = record.split_last_chunk::<32>().ok_or(Malformed)?;
    let (fields, crc) = body.split_last_chunk::<4>().ok_or(Malformed)?;
    if Sha256::digest(body).as_slice() != hash || crc32c::crc32c(fields).to_le_bytes() != *crc {
        return Err(Malformed);
    }
    let mut reader = Reader::new(fields);
    let (magic, [version, ..]) = (reader.array::<4>()?, reader.array::<4>()?);
    if magic != *MAGIC || version != VERSION {
        return Err(Malformed);
    }
    let (epoch, delta, told) = (reader.u64()?, reader.u32()?, reader.i64()?);
    Ok(Water {
        identity: Identity {
            epoch,
            delta,
            manifest_sha256: reader.array()?,
        },
        told,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_comes_back_and_no_changed_bit_passes() {
        let water = Water {
            identity: Identity {
                epoch: 40_000,
                delta: 3,
                manifest_sha256: [9; 32],
            },
            told: 1_795_000_000,
        };
        let bytes = to_bytes(&water);
        assert_eq!((bytes.len(), parse(&bytes)), (RECORD, Ok(water)));
        for bit in 0..RECORD * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(parse(&changed), Err(Malformed), "bit {bit}");
        }
    }
}
