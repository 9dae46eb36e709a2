//! The pointer log: 128-byte records that say which slot holds which snapshot, in two copies.
//!
//! `"TMBP" ‖ version ‖ slot ‖ 0 u16 ‖ serial u64 ‖ epoch u64 ‖ delta u32 ‖ manifest_sha256(32) ‖ zeros ‖ crc32c u32 ‖ sha256(32)`
//! A record that does not check is skipped, wherever it stands: the records sit on a fixed grid.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::codec::{Malformed, Reader};
use crate::files::{Files, read_vec};

use super::{Identity, SlotName};

/// One line of the pointer log. Ordered by snapshot, then by serial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pointer {
    /// The slot the snapshot is in.
    pub slot: SlotName,
    /// The snapshot that was verified there.
    pub identity: Identity,
    /// Counts installations.
    pub serial: u64,
}

const COPIES: [&str; 2] = ["CURRENT.a.log", "CURRENT.b.log"];
const RECORD: usize = 128;
const MAGIC: &[u8; 4] = b"TMBP";
const VERSION: u8 = 1;
/// History kept in the log.
const KEPT: usize = 64;

/// Reads both copies; a missing, torn or unreadable copy is made good by the other.
pub(super) fn read_both(files: &dyn Files, dir: &Path) -> io::Result<Vec<Pointer>> {
    let present = files.list(dir)?;
    let mut seen = BTreeSet::new();
    let mut pointers = Vec::new();
    let mut failed = None;
    for name in COPIES
        .into_iter()
        .filter(|name| present.iter().any(|there| there == name))
    {
        match read_copy(files, &dir.join(name)) {
            Ok(found) => pointers.extend(found.into_iter().filter(|pointer| seen.insert(to_bytes(pointer)))),
            Err(error) => failed = Some(error),
        }
    }
    pointers.sort_by_key(|pointer| (pointer.identity, pointer.serial));
    match failed {
        Some(error) if pointers.is_empty() => Err(error),
        _ => Ok(pointers),
    }
}

/// Writes both copies anew, one after the other; keeps the newest records.
pub(super) fn write_both(files: &dyn Files, dir: &Path, pointers: &mut Vec<Pointer>) -> io::Result<()> {
    pointers.sort_by_key(|pointer| (pointer.identity, pointer.serial));
    pointers.drain(..pointers.len().saturating_sub(KEPT));
    let bytes: Vec<u8> = pointers.iter().flat_map(to_bytes).collect();
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

fn read_copy(files: &dyn Files, path: &Path) -> io::Result<Vec<Pointer>> {
    let source = files.open(path)?;
    // A log of this program is at most KEPT records long; whatever is behind that is not read.
    let len = usize::try_from(source.size()?)
        .unwrap_or(usize::MAX)
        .min(4 * KEPT * RECORD);
    let bytes = read_vec(&*source, 0, len)?;
    Ok(bytes
        .chunks_exact(RECORD)
        .filter_map(|record| parse(record).ok())
        .collect())
}

fn to_bytes(pointer: &Pointer) -> [u8; RECORD] {
    let mut out = Vec::with_capacity(RECORD);
    out.extend_from_slice(MAGIC);
    let slot = SlotName::ALL.iter().position(|slot| *slot == pointer.slot).unwrap_or(0);
    out.extend_from_slice(&[VERSION, u8::try_from(slot).unwrap_or(0), 0, 0]);
    out.extend_from_slice(&pointer.serial.to_le_bytes());
    out.extend_from_slice(&pointer.identity.epoch.to_le_bytes());
    out.extend_from_slice(&pointer.identity.delta.to_le_bytes());
    out.extend_from_slice(&pointer.identity.manifest_sha256);
    out.resize(RECORD - 36, 0);
    out.extend_from_slice(&crc32c::crc32c(&out).to_le_bytes());
    let hash = Sha256::digest(&out);
    out.extend_from_slice(&hash);
    let mut record = [0; RECORD];
    record.iter_mut().zip(out).for_each(|(to, from)| *to = from);
    record
}

fn parse(record: &[u8]) -> Result<Pointer, Malformed> {
    let (body, hash) = record.split_last_chunk::<32>().ok_or(Malformed)?;
    let (fields, crc) = body.split_last_chunk::<4>().ok_or(Malformed)?;
    if Sha256::digest(body).as_slice() != hash || crc32c::crc32c(fields).to_le_bytes() != *crc {
        return Err(Malformed);
    }
    let mut reader = Reader::new(fields);
    let (magic, [version, slot, ..]) = (reader.array::<4>()?, reader.array::<4>()?);
    if magic != *MAGIC || version != VERSION {
        return Err(Malformed);
    }
    let slot = *SlotName::ALL.get(usize::from(slot)).ok_or(Malformed)?;
    let serial = reader.u64()?;
    let identity = Identity {
        epoch: reader.u64()?,
        delta: reader.u32()?,
        manifest_sha256: reader.array()?,
    };
    Ok(Pointer { slot, identity, serial })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_comes_back_and_no_changed_bit_passes() {
        let pointer = Pointer {
            slot: SlotName::C,
            identity: Identity {
                epoch: 40_000,
                delta: 3,
                manifest_sha256: [9; 32],
            },
            serial: 12,
        };
        let bytes = to_bytes(&pointer);
        assert_eq!(parse(&bytes), Ok(pointer));
        for bit in 0..RECORD * 8 {
            let mut changed = bytes;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(parse(&changed), Err(Malformed), "bit {bit}");
        }
    }
}
