//! Damage as a matrix: every section × missing, truncated, flipped; every bit and every length of a small file.

use std::io::{self, Write};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use vault::context::Context;
use vault::files::ReadAt;
use vault::keys::Key32;
use vault::sealbox;
use vault::sign::Purpose;
use vault::snapshot::{SealFault, SectionKind, Snapshot, SnapshotWriter};

use crate::hospital::*;

impl Hospital {
    /// Whether the file opens from the signature to the last record, as a doctor at the station.
    pub fn everything_opens(&self, file: Vec<u8>) -> bool {
        self.try_everything(file).is_ok_and(|whole| whole)
    }

    fn try_everything(&self, file: Vec<u8>) -> Result<bool, Box<dyn std::error::Error>> {
        let snapshot = Snapshot::open(source(file), &self.trusted())?;
        let doctor = snapshot
            .unlock_station(&STATION, &self.station)?
            .unlock_user(&DOCTOR, &self.doctor)?;
        let records = doctor.verify_records(&mut |_, _| ())?;
        Ok(snapshot.verify_sections(&mut |_, _| ()).is_whole() && records.is_whole() && !snapshot.stat()?.is_empty())
    }

    /// Replaces one section of `file` by one of `other` and signs the result anew with the hospital's own sealer, as
    /// somebody with that key but without the others could. The layout is taken from `docs/formats/snapshot.md`.
    pub fn replace_section(
        &self,
        file: &[u8],
        other: &[u8],
        to: (SectionKind, u16),
        from: (SectionKind, u16),
    ) -> Vec<u8> {
        let open = |bytes: &[u8]| Snapshot::open(source(bytes.to_vec()), &self.trusted()).unwrap();
        let (mine, theirs) = (open(file), open(other));
        let body = |bytes: &[u8], snapshot: &Snapshot, (kind, id)| {
            let section = *snapshot.manifest().section(kind, id).unwrap();
            bytes[section.offset as usize..][..section.len as usize].to_vec()
        };
        let parts: Vec<(SectionKind, u16, Vec<u8>)> = mine
            .manifest()
            .sections
            .iter()
            .map(|section| {
                let name = (section.kind, section.id);
                let part = if name == to {
                    body(other, &theirs, from)
                } else {
                    body(file, &mine, name)
                };
                (section.kind, section.id, part)
            })
            .collect();
        self.assemble(file, &parts)
    }

    pub fn assemble(&self, like: &[u8], parts: &[(SectionKind, u16, Vec<u8>)]) -> Vec<u8> {
        let trailer = &like[like.len() - 32..];
        let old_manifest = u64::from_le_bytes(trailer[..8].try_into().unwrap()) as usize;
        let fixed = &like[old_manifest..old_manifest + 8 + 16 + 8 + 4 + 4 + 8 + 8 + 32 + 32];
        let mut file = like[..16].to_vec();
        let mut manifest = fixed.to_vec();
        manifest.extend_from_slice(&(parts.len() as u32).to_le_bytes());
        for (kind, id, part) in parts {
            manifest.extend_from_slice(&kind.code().to_le_bytes());
            manifest.extend_from_slice(&id.to_le_bytes());
            manifest.extend_from_slice(&(file.len() as u64).to_le_bytes());
            manifest.extend_from_slice(&(part.len() as u64).to_le_bytes());
            manifest.extend_from_slice(&Sha256::digest(part));
            file.extend_from_slice(part);
        }
        manifest.extend_from_slice(&[0; 4]);
        let mut trailer = (file.len() as u64).to_le_bytes().to_vec();
        trailer.extend_from_slice(&(manifest.len() as u32).to_le_bytes());
        trailer.extend_from_slice(&98_u32.to_le_bytes());
        trailer.extend_from_slice(&[0; 4]);
        trailer.extend_from_slice(b"TMBSNEND");
        trailer.extend_from_slice(&crc32c::crc32c(&trailer).to_le_bytes());
        file.extend_from_slice(&manifest);
        file.extend_from_slice(&[1, 1]);
        file.extend_from_slice(&self.sealer.public().to_bytes());
        file.extend_from_slice(&self.sealer.sign(Purpose::Manifest, &manifest));
        file.extend_from_slice(&trailer);
        file
    }
}

const SECTIONS: [(SectionKind, u16); 8] = [
    (SectionKind::Stations, 0),
    (SectionKind::Users, 0),
    (SectionKind::Rings, 0),
    (SectionKind::Dictionary, 0),
    (SectionKind::Records, 0),
    (SectionKind::Index, 0),
    (SectionKind::Index, 7),
    (SectionKind::Stat, 0),
];

/// As in a real accident: the signature is the sealer's own, over what is no longer there or no longer the same.
#[test]
fn every_section_missing_truncated_or_flipped_is_noticed() {
    let mut hospital = Hospital::new(20);
    let (file, sealed) = hospital.seal(1, 6);
    assert_eq!(
        sealed
            .manifest
            .sections
            .iter()
            .map(|s| (s.kind, s.id))
            .collect::<Vec<_>>(),
        SECTIONS
    );
    for name in SECTIONS {
        let section = *sealed.manifest.section(name.0, name.1).unwrap();
        let (start, len) = (section.offset as usize, section.len as usize);
        let mut flipped = file.clone();
        flipped[start + len / 2] ^= 0x10;
        assert!(!hospital.everything_opens(flipped), "{name:?} flipped");
        let mut truncated = file.clone();
        truncated.drain(start + len / 2..start + len);
        assert!(!hospital.everything_opens(truncated), "{name:?} truncated");
        let mut missing = file.clone();
        missing.drain(start..start + len);
        assert!(!hospital.everything_opens(missing), "{name:?} cut out");
        let mut zeroed = file.clone();
        zeroed[start..start + len].fill(0);
        assert!(!hospital.everything_opens(zeroed), "{name:?} zeroed");
    }
}

/// The same with a manifest signed anew: the locks themselves must notice.
#[test]
fn every_section_cut_or_left_out_under_a_good_signature_is_noticed() {
    let mut hospital = Hospital::new(21);
    let (file, sealed) = hospital.seal(1, 6);
    let parts: Vec<_> = sealed
        .manifest
        .sections
        .iter()
        .map(|s| (s.kind, s.id, file[s.offset as usize..][..s.len as usize].to_vec()))
        .collect();
    assert!(hospital.everything_opens(hospital.assemble(&file, &parts)));
    for n in 0..parts.len() {
        let mut without = parts.clone();
        without.remove(n);
        assert!(
            !hospital.everything_opens(hospital.assemble(&file, &without)),
            "without {:?}",
            SECTIONS[n]
        );
        if SECTIONS[n].0 == SectionKind::Stat {
            continue; // plain: its only guard is the signature, which is good here
        }
        let mut cut = parts.clone();
        cut[n].2.pop();
        assert!(
            !hospital.everything_opens(hospital.assemble(&file, &cut)),
            "cut {:?}",
            SECTIONS[n]
        );
        let mut grown = parts.clone();
        grown[n].2.push(0);
        let opens = hospital.everything_opens(hospital.assemble(&file, &grown));
        assert_eq!(
            opens,
            SECTIONS[n].0 == SectionKind::Records,
            "a byte behind {:?}",
            SECTIONS[n]
        );
        let mut twice = parts.clone();
        twice.push(parts[n].clone());
        assert!(
            !hospital.everything_opens(hospital.assemble(&file, &twice)),
            "twice {:?}",
            SECTIONS[n]
        );
    }
}

#[test]
fn no_flipped_bit_and_no_shorter_snapshot_is_accepted() {
    let mut hospital = Hospital::new(22);
    let mut plan = hospital.plan(1);
    plan.stations.truncate(1);
    plan.users.remove(0);
    plan.dictionary.clear();
    let (file, _) = hospital.seal_plan(&plan, 2);
    assert!(file.len() < 4096, "{}", file.len());
    // Hashing everything decides; the locks are only asked when the hashes agree.
    let accepted = |bytes: Vec<u8>| {
        let whole = Snapshot::open(source(bytes.clone()), &hospital.trusted())
            .is_ok_and(|snapshot| snapshot.verify_sections(&mut |_, _| ()).is_whole());
        whole && hospital.everything_opens(bytes)
    };
    assert!(accepted(file.clone()));
    for bit in (0..file.len() * 8).step_by(if cfg!(debug_assertions) { 13 } else { 1 }) {
        let mut changed = file.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(!accepted(changed), "bit {bit}");
    }
    for len in (0..file.len()).step_by(if cfg!(debug_assertions) { 7 } else { 1 }) {
        assert!(!accepted(file[..len].to_vec()), "first {len} bytes");
    }
    let mut longer = file.clone();
    longer.push(0);
    assert!(!accepted(longer), "one byte more");
}

/// Somebody with the sealer's key still cannot make the locks open on changed bytes.
#[test]
fn no_flipped_bit_in_the_key_sections_is_accepted_under_a_good_signature() {
    let mut hospital = Hospital::new(23);
    let mut plan = hospital.plan(1);
    plan.stations.truncate(1);
    let (file, sealed) = hospital.seal_plan(&plan, 2);
    let parts: Vec<_> = sealed
        .manifest
        .sections
        .iter()
        .map(|s| (s.kind, s.id, file[s.offset as usize..][..s.len as usize].to_vec()))
        .collect();
    for (n, part) in parts.iter().enumerate().filter(|(_, part)| part.0 != SectionKind::Stat) {
        for bit in (0..part.2.len() * 8).step_by(if cfg!(debug_assertions) { 211 } else { 17 }) {
            let mut changed = parts.clone();
            changed[n].2[bit / 8] ^= 1 << (bit % 8);
            assert!(
                !hospital.everything_opens(hospital.assemble(&file, &changed)),
                "{:?} bit {bit}",
                part.0
            );
        }
    }
}

#[test]
fn no_flipped_bit_and_no_other_length_of_a_box_is_accepted() {
    let mut rng = Repeatable(24);
    let key = Key32::random(&mut rng);
    let ctx = Context::new("rec", &HOSPITAL).u64(1);
    for plain_len in [0, 1, 40, sealbox::CHUNK, sealbox::CHUNK + 1, 2 * sealbox::CHUNK + 5] {
        let plain = vec![b'x'; plain_len];
        let sealed = sealbox::seal(&key, &ctx, &plain, &mut rng);
        assert_eq!(sealed.len(), sealbox::sealed_len(plain_len));
        assert_eq!(*sealbox::open(&key, &ctx, &sealed).unwrap(), plain);
        let step = if plain_len < 100 { 1 } else { sealed.len() * 8 / 400 };
        for bit in (0..sealed.len() * 8).step_by(step) {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(sealbox::open(&key, &ctx, &changed).is_err(), "{plain_len}: bit {bit}");
        }
        for len in (0..sealed.len()).step_by((step / 8).max(1)) {
            assert!(
                sealbox::open(&key, &ctx, &sealed[..len]).is_err(),
                "{plain_len}: first {len} bytes"
            );
        }
        let mut longer = sealed.clone();
        longer.push(0);
        assert!(sealbox::open(&key, &ctx, &longer).is_err());
    }
}

/// Chunks of one stream exchanged, dropped, or taken from another place.
#[test]
fn chunks_of_a_stream_keep_their_places() {
    let mut rng = Repeatable(25);
    let key = Key32::random(&mut rng);
    let ctx = Context::new("idx", &HOSPITAL);
    let plain: Vec<u8> = (0..3 * sealbox::CHUNK).map(|n| (n / sealbox::CHUNK) as u8).collect();
    let sealed = sealbox::seal(&key, &ctx, &plain, &mut rng);
    let (header, chunk) = (65, sealbox::CHUNK + 16);
    let piece = |n: usize| &sealed[header + n * chunk..header + (n + 1) * chunk];
    let build = |order: &[usize]| {
        let mut file = sealed[..header].to_vec();
        order.iter().for_each(|n| file.extend_from_slice(piece(*n)));
        sealbox::open(&key, &ctx, &file)
    };
    assert_eq!(*build(&[0, 1, 2]).unwrap(), plain);
    for order in [
        &[1, 0, 2][..],
        &[0, 2, 1],
        &[0, 1],
        &[0, 2],
        &[2],
        &[0],
        &[0, 1, 1],
        &[0, 1, 2, 2],
        &[0, 0, 1, 2],
    ] {
        assert!(build(order).is_err(), "{order:?}");
    }
}

/// A sink that takes `left` bytes and is then full.
struct Sink {
    left: usize,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let taken = bytes.len().min(self.left);
        self.left -= taken;
        Ok(taken)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_fails_the_sealing_at_every_byte() {
    let mut hospital = Hospital::new(26);
    let plan = hospital.plan(1);
    let mut fill = |left: usize| -> Result<(), SealFault> {
        let mut writer = SnapshotWriter::new(Sink { left }, &plan, &hospital.sealer, &mut hospital.rng)?;
        for n in 0..400 {
            writer.add_record(&[EVERYBODY], &patient(n))?;
        }
        writer.finish(&mut |_, _| vec![vec![0; 1000]], b"").map(drop)
    };
    assert!(fill(usize::MAX).is_ok());
    for left in (0..40_000).step_by(997) {
        assert!(matches!(fill(left), Err(SealFault::Io(_))), "{left}");
    }
}

/// A disk that cannot read some places: those records are damaged, the others open.
struct BadSectors {
    file: Vec<u8>,
    bad: std::ops::Range<u64>,
}

impl ReadAt for BadSectors {
    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        if offset < self.bad.end && self.bad.start < offset + buf.len() as u64 {
            return Err(io::Error::other("input/output error"));
        }
        self.file.read_exact_at(offset, buf)
    }
    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }
}

#[test]
fn an_unreadable_place_costs_only_the_records_in_it() {
    let mut hospital = Hospital::new(27);
    let (file, sealed) = hospital.seal(1, 40);
    let records = *sealed.manifest.section(SectionKind::Records, 0).unwrap();
    let bad = records.offset + 2000..records.offset + 2512;
    let snapshot = Snapshot::open(Arc::new(BadSectors { file, bad }), &hospital.trusted()).unwrap();
    let doctor = snapshot
        .unlock_station(&STATION, &hospital.station)
        .unwrap()
        .unlock_user(&DOCTOR, &hospital.doctor)
        .unwrap();
    let checked = doctor.verify_records(&mut |_, _| ()).unwrap();
    assert!(
        !checked.damaged.is_empty() && checked.damaged.len() < 8,
        "{}",
        checked.damaged.len()
    );
    assert!(checked.opened > 30);
    assert_eq!(
        snapshot.verify_sections(&mut |_, _| ()).changed,
        [(SectionKind::Records, 0)]
    );
}
