//! Proving a snapshot: every byte against the manifest, every record opened.
//!
//! Both report all that is wrong instead of stopping at the first: people must know how much is affected.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use crate::ids::CompartmentId;

use super::layout::SectionKind;
use super::manifest::Section;
use super::reader::{SealedFile, Snapshot, Unlocked};
use super::{RecordFault, SnapshotFault};

const PIECE: usize = 256 << 10;

/// The outcome of hashing every section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SectionsChecked {
    /// Bytes hashed.
    pub bytes: u64,
    /// Sections that are not what the manifest lists, or could not be read.
    pub changed: Vec<(SectionKind, u16)>,
}

/// The outcome of opening every record.
#[derive(Debug)]
pub struct RecordsChecked {
    /// Distinct records opened without fault.
    pub opened: u64,
    /// Records the manifest says there are; a user who cannot open every compartment opens fewer.
    pub expected: u64,
    /// Records that could not be opened: where, and why.
    pub damaged: Vec<(CompartmentId, u32, RecordFault)>,
}

impl SectionsChecked {
    /// Whether every byte is as it was sealed.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.changed.is_empty()
    }
}

impl RecordsChecked {
    /// Whether every record of the snapshot was opened.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.damaged.is_empty() && self.opened == self.expected
    }
}

impl Snapshot {
    /// Hashes every section against the manifest, in pieces. `progress` hears bytes done and bytes in all.
    pub fn verify_sections(&self, progress: &mut dyn FnMut(u64, u64)) -> SectionsChecked {
        let sections = &self.manifest().sections;
        let total = sections.iter().map(|section| section.len).sum();
        let mut checked = SectionsChecked {
            bytes: 0,
            changed: Vec::new(),
        };
        for section in sections {
            let result = hash_section(&self.file, section, &mut |len| {
                checked.bytes += len;
                progress(checked.bytes, total);
            });
            if !result.is_ok_and(|hash| hash == section.sha256) {
                checked.changed.push((section.kind, section.id));
            }
        }
        checked
    }
}

impl Unlocked {
    /// Opens every block of every list and every record this key can open, each once. `progress` hears records done and records in all.
    ///
    /// # Errors
    /// [`SnapshotFault`] when a compartment's index cannot be opened at all.
    pub fn verify_records(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<RecordsChecked, SnapshotFault> {
        let expected = u64::from(self.manifest().records);
        let mut checked = RecordsChecked {
            opened: 0,
            expected,
            damaged: Vec::new(),
        };
        let mut seen = BTreeSet::new();
        for access in self.access() {
            let index = self.index(access.compartment)?;
            for block in &index.thin {
                block.open()?;
            }
            let len = index.len;
            for ordinal in 0..len {
                let place = self.locator(access.compartment, ordinal).map(|locator| locator.offset);
                let outcome = match place {
                    Ok(offset) if !seen.insert(offset) => continue,
                    Ok(_) => self.record(access.compartment, ordinal).map(drop),
                    Err(fault) => Err(fault),
                };
                match outcome {
                    Ok(()) => checked.opened += 1,
                    Err(fault) => checked.damaged.push((access.compartment, ordinal, fault)),
                }
                progress(seen.len() as u64, expected);
            }
        }
        Ok(checked)
    }
}

fn hash_section(file: &SealedFile, section: &Section, done: &mut dyn FnMut(u64)) -> std::io::Result<[u8; 32]> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; PIECE];
    let mut at = section.offset;
    let end = section.offset + section.len;
    while at < end {
        let now = usize::try_from(end - at).map_or(PIECE, |left| left.min(PIECE));
        let piece = buffer.get_mut(..now).unwrap_or_default();
        file.source.read_exact_at(at, piece)?;
        hasher.update(piece);
        at += now as u64;
        done(now as u64);
    }
    Ok(hasher.finalize().into())
}
