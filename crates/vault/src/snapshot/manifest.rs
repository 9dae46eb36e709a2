//! The manifest: one signed list of everything in the file, so that nothing can be mixed, swapped or left out.
//!
//! It stands at the end because the file is streamed: only then are lengths and hashes known.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use crate::codec::{Malformed, Reader, put_bytes, put_count};
use crate::context::SUITE_1;
use crate::files::{ReadAt, read_vec};
use crate::ids::HospitalId;
use crate::keys::{SealerPublic, SealerSecret};
use crate::sign::{Purpose, SIGNATURE_LEN};

use super::layout::{END_MAGIC, HEADER_LEN, MAGIC, MAX_MANIFEST, Place, SectionKind, TRAILER_LEN};
use super::{CLIENT_VERSION, MAX_COMPARTMENTS, MAX_DELTAS, MAX_RECORDS, MAX_SNAPSHOT, SnapshotFault};

const VERSION: u16 = 2;
const SIGNER_SEALER: u8 = 1;
const SIGNATURE_BLOCK: usize = 1 + 1 + 32 + SIGNATURE_LEN;
const SECTION_LEN: usize = 2 + 2 + 8 + 8 + 32;
const MAX_SECTIONS: usize = 2 * MAX_COMPARTMENTS + MAX_DELTAS as usize + 16;
const MAX_EXTENSION: usize = 4096;

/// What one snapshot file is and holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The hospital the snapshot belongs to.
    pub hospital: HospitalId,
    /// Grows with every sealing.
    pub epoch: u64,
    /// 0 for the snapshot an epoch begins with, then counted up.
    pub delta: u32,
    /// When sealing started, Unix seconds UTC, by the sealer's clock.
    pub created: i64,
    /// Until when the snapshot counts as fresh, Unix seconds UTC.
    pub fresh_until: i64,
    /// SHA-256 of the manifest before this one, zeros for the first.
    pub previous: [u8; 32],
    /// The sealer's public key.
    pub sealer: [u8; 32],
    /// The least format version a program must know to read the file.
    pub min_client: u32,
    /// Number of records.
    pub records: u32,
    /// Every section, in file order, without gaps.
    pub sections: Vec<Section>,
    /// SHA-256 of the manifest's bytes: the snapshot's name in pointers and in the next manifest.
    pub sha256: [u8; 32],
}

/// One section of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section {
    /// What it holds.
    pub kind: SectionKind,
    /// Which one, where a kind can occur more than once (the compartment of an index), otherwise 0.
    pub id: u16,
    /// Offset from the start of the file, in bytes.
    pub offset: u64,
    /// Length in bytes.
    pub len: u64,
    /// SHA-256 of the section's bytes.
    pub sha256: [u8; 32],
}

impl Manifest {
    /// The section of that kind and id.
    #[must_use]
    pub fn section(&self, kind: SectionKind, id: u16) -> Option<&Section> {
        self.sections
            .iter()
            .find(|section| section.kind == kind && section.id == id)
    }

    /// Where the sections belong that an epoch begins with: a delta carries them on as they are.
    pub(super) fn place(&self) -> Place {
        Place {
            hospital: self.hospital,
            epoch: self.epoch,
            delta: 0,
        }
    }

    /// The section a record of the file lies in, if it lies in one from end to end.
    pub(super) fn holds_record(&self, offset: u64, len: u32) -> bool {
        let end = offset.checked_add(u64::from(len));
        let records = self
            .sections
            .iter()
            .filter(|section| section.kind == SectionKind::Records);
        end.is_some_and(|end| {
            records
                .into_iter()
                .any(|section| offset >= section.offset && end <= section.offset + section.len)
        })
    }

    /// Where the sections end: manifest, signatures and trailer follow.
    #[must_use]
    pub fn sections_end(&self) -> u64 {
        self.sections.last().map_or(HEADER_LEN, |last| last.offset + last.len)
    }

    /// The end of the file: manifest, signature block, trailer. Sets [`Manifest::sha256`] on the way.
    pub(super) fn seal_end(&mut self, sealer: &SealerSecret) -> Vec<u8> {
        let offset = self.sections_end();
        let mut out = self.to_bytes();
        self.sha256 = Sha256::digest(&out).into();
        let signature = sealer.sign(Purpose::Manifest, &out);
        let manifest_len = out.len();
        out.extend_from_slice(&[1, SIGNER_SEALER]);
        out.extend_from_slice(&self.sealer);
        out.extend_from_slice(&signature);
        let mut trailer = Vec::with_capacity(TRAILER_LEN);
        trailer.extend_from_slice(&offset.to_le_bytes());
        put_count(&mut trailer, manifest_len);
        put_count(&mut trailer, SIGNATURE_BLOCK);
        trailer.extend_from_slice(&[0; 4]);
        trailer.extend_from_slice(END_MAGIC);
        trailer.extend_from_slice(&crc32c::crc32c(&trailer).to_le_bytes());
        out.extend_from_slice(&trailer);
        out
    }

    /// Reads header, trailer and manifest of a file and checks the signature against `trusted`. Nothing else is read.
    pub(super) fn read(source: &dyn ReadAt, trusted: &[SealerPublic]) -> Result<Self, SnapshotFault> {
        let ends = Ends::read(source)?;
        let mut reader = Reader::new(&ends.signatures);
        let malformed = |Malformed| SnapshotFault::Malformed("signature");
        let [count, signer] = reader.array().map_err(malformed)?;
        if count != 1 || signer != SIGNER_SEALER {
            return Err(SnapshotFault::Malformed("signature"));
        }
        let public: [u8; 32] = reader.array().map_err(malformed)?;
        let signature: [u8; SIGNATURE_LEN] = reader.array().map_err(malformed)?;
        let sealer = trusted
            .iter()
            .find(|key| key.to_bytes() == public)
            .ok_or(SnapshotFault::Untrusted)?;
        sealer
            .verify(Purpose::Manifest, &ends.manifest, &signature)
            .map_err(|_| SnapshotFault::Untrusted)?;
        let manifest = Self::parse(&ends.manifest, ends.offset)?;
        if manifest.sealer == public {
            Ok(manifest)
        } else {
            Err(SnapshotFault::Untrusted)
        }
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(192 + self.sections.len() * SECTION_LEN);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&[SUITE_1, 0]);
        out.extend_from_slice(&self.min_client.to_le_bytes());
        out.extend_from_slice(self.hospital.as_bytes());
        out.extend_from_slice(&self.epoch.to_le_bytes());
        out.extend_from_slice(&self.delta.to_le_bytes());
        out.extend_from_slice(&self.records.to_le_bytes());
        out.extend_from_slice(&self.created.to_le_bytes());
        out.extend_from_slice(&self.fresh_until.to_le_bytes());
        out.extend_from_slice(&self.previous);
        out.extend_from_slice(&self.sealer);
        put_count(&mut out, self.sections.len());
        for section in &self.sections {
            out.extend_from_slice(&section.kind.code().to_le_bytes());
            out.extend_from_slice(&section.id.to_le_bytes());
            out.extend_from_slice(&section.offset.to_le_bytes());
            out.extend_from_slice(&section.len.to_le_bytes());
            out.extend_from_slice(&section.sha256);
        }
        put_bytes(&mut out, &[]);
        out
    }

    /// `end` is where the sections end: they must fill the file from the header to there without a gap, so that no
    /// byte of the file is outside every hash.
    fn parse(bytes: &[u8], end: u64) -> Result<Self, SnapshotFault> {
        let malformed = |Malformed| SnapshotFault::Malformed("manifest");
        let mut reader = Reader::new(bytes);
        let (version, suite) = (
            reader.u16().map_err(malformed)?,
            reader.array::<2>().map_err(malformed)?,
        );
        let min_client = reader.u32().map_err(malformed)?;
        if min_client > CLIENT_VERSION || version > VERSION {
            return Err(SnapshotFault::Newer(min_client.max(u32::from(version))));
        }
        if version < VERSION {
            return Err(SnapshotFault::Malformed("of a version before the first release"));
        }
        if suite != [SUITE_1, 0] {
            return Err(SnapshotFault::Malformed("suite"));
        }
        let mut manifest = Self::parse_head(&mut reader, min_client).map_err(malformed)?;
        let count = reader.count(MAX_SECTIONS, SECTION_LEN).map_err(malformed)?;
        manifest.sections.reserve_exact(count);
        for _ in 0..count {
            let section = parse_section(&mut reader).map_err(malformed)?;
            manifest.sections.push(section);
        }
        reader.bytes(MAX_EXTENSION).map_err(malformed)?;
        reader.finish().map_err(malformed)?;
        manifest.sha256 = Sha256::digest(bytes).into();
        let mut names = BTreeSet::new();
        let mut next = HEADER_LEN;
        for section in &manifest.sections {
            if section.offset != next || !names.insert((section.kind, section.id)) {
                return Err(SnapshotFault::Malformed("section table"));
            }
            next = next
                .checked_add(section.len)
                .ok_or(SnapshotFault::Malformed("section table"))?;
        }
        let bounded = usize::try_from(manifest.records).is_ok_and(|records| records <= MAX_RECORDS);
        if next == end && bounded {
            Ok(manifest)
        } else {
            Err(SnapshotFault::Malformed("section table"))
        }
    }

    fn parse_head(reader: &mut Reader<'_>, min_client: u32) -> Result<Self, Malformed> {
        Ok(Self {
            hospital: HospitalId(reader.array()?),
            epoch: reader.u64()?,
            delta: reader.u32()?,
            records: reader.u32()?,
            created: reader.i64()?,
            fresh_until: reader.i64()?,
            previous: reader.array()?,
            sealer: reader.array()?,
            min_client,
            sections: Vec::new(),
            sha256: [0; 32],
        })
    }
}

fn parse_section(reader: &mut Reader<'_>) -> Result<Section, Malformed> {
    Ok(Section {
        kind: SectionKind::from_code(reader.u16()?).ok_or(Malformed)?,
        id: reader.u16()?,
        offset: reader.u64()?,
        len: reader.u64()?,
        sha256: reader.array()?,
    })
}

/// The two ends of a file, before anything in them is believed.
struct Ends {
    offset: u64,
    manifest: Vec<u8>,
    signatures: Vec<u8>,
}

impl Ends {
    fn read(source: &dyn ReadAt) -> Result<Self, SnapshotFault> {
        let size = source.size().map_err(SnapshotFault::Io)?;
        let trailer_at = size
            .checked_sub(TRAILER_LEN as u64)
            .filter(|at| *at >= HEADER_LEN && size <= MAX_SNAPSHOT)
            .ok_or(SnapshotFault::Malformed("length"))?;
        let header = read_vec(source, 0, MAGIC.len() + 8).map_err(SnapshotFault::Io)?;
        if header.strip_prefix(MAGIC) != Some(&[0; 8]) {
            return Err(SnapshotFault::Malformed("header"));
        }
        let trailer = read_vec(source, trailer_at, TRAILER_LEN).map_err(SnapshotFault::Io)?;
        let malformed = |Malformed| SnapshotFault::Malformed("trailer");
        let (checked, crc) = trailer.split_last_chunk().ok_or(SnapshotFault::Malformed("trailer"))?;
        let mut reader = Reader::new(checked);
        let offset = reader.u64().map_err(malformed)?;
        let lens = [reader.u32().map_err(malformed)?, reader.u32().map_err(malformed)?];
        let tail: [u8; 12] = reader.array().map_err(malformed)?;
        if crc32c::crc32c(checked) != u32::from_le_bytes(*crc)
            || tail.strip_prefix(&[0; 4]) != Some(END_MAGIC.as_slice())
        {
            return Err(SnapshotFault::Malformed("trailer"));
        }
        let [manifest_len, signatures_len] = lens.map(|len| usize::try_from(len).unwrap_or(usize::MAX));
        let tiled = offset
            .checked_add(u64::from(lens[0]))
            .and_then(|end| end.checked_add(u64::from(lens[1])));
        if manifest_len > MAX_MANIFEST || signatures_len != SIGNATURE_BLOCK || tiled != Some(trailer_at) {
            return Err(SnapshotFault::Malformed("trailer"));
        }
        let mut manifest = read_vec(source, offset, manifest_len + signatures_len).map_err(SnapshotFault::Io)?;
        let signatures = manifest.split_off(manifest_len);
        Ok(Self {
            offset,
            manifest,
            signatures,
        })
    }
}

/// Where the keys of a snapshot are, for destroying them first: every byte range without which nothing can be opened.
/// Does not need a trusted sealer; `None` when the file is not a snapshot.
pub(crate) fn key_ranges(source: &dyn ReadAt) -> Option<Vec<(u64, u64)>> {
    let ends = Ends::read(source).ok()?;
    let manifest = Manifest::parse(&ends.manifest, ends.offset).ok()?;
    let keys = [
        SectionKind::Stations,
        SectionKind::Users,
        SectionKind::Rings,
        SectionKind::Recovery,
        SectionKind::Index,
        SectionKind::IndexChanges,
    ];
    let mut ranges: Vec<(u64, u64)> = manifest
        .sections
        .iter()
        .filter(|section| keys.contains(&section.kind))
        .map(|section| (section.offset, section.len))
        .collect();
    ranges.push((
        ends.offset,
        (ends.manifest.len() + ends.signatures.len() + TRAILER_LEN) as u64,
    ));
    Some(ranges)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_version_is_read_and_a_newer_one_says_so() {
        let manifest = Manifest {
            hospital: HospitalId(*b"tomoshibi-hosp-1"),
            epoch: 1,
            delta: 0,
            created: 0,
            fresh_until: 0,
            previous: [0; 32],
            sealer: [0; 32],
            min_client: CLIENT_VERSION,
            records: 0,
            sections: Vec::new(),
            sha256: [0; 32],
        };
        let parse = |version: u16, min_client: u32| {
            let mut bytes = manifest.to_bytes();
            bytes[..2].copy_from_slice(&version.to_le_bytes());
            bytes[4..8].copy_from_slice(&min_client.to_le_bytes());
            Manifest::parse(&bytes, HEADER_LEN)
        };
        assert!(parse(VERSION, CLIENT_VERSION).is_ok());
        assert!(matches!(parse(VERSION - 1, 1), Err(SnapshotFault::Malformed(_))));
        assert!(matches!(parse(VERSION + 1, 1), Err(SnapshotFault::Newer(n)) if n == u32::from(VERSION) + 1));
        let newer = CLIENT_VERSION + 1;
        assert!(matches!(parse(VERSION, newer), Err(SnapshotFault::Newer(n)) if n == newer));
    }
}
