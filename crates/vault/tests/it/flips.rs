//! Every bit flipped and every length cut, in files of about 64 KiB: nothing changed is accepted, nothing panics.
//!
//! Every bit of a snapshot is tried in each run of the suite. Of a journal segment, every bit outside the entries' own
//! bytes and one bit of each of their bytes; `cargo xtask torture` tries them all.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};

use vault::files::ReadAt;
use vault::journal::Walk;
use vault::simfs::SimFs;
use vault::snapshot::{Manifest, Section, SectionKind, Snapshot};

use crate::effort::{is_torture, on_two_cores};
use crate::hospital::*;
use crate::journal::{Desk, segment};

/// A file in which at most one byte is not what was written.
struct Flipped {
    file: Arc<Vec<u8>>,
    at: AtomicUsize,
    mask: AtomicU8,
}

impl Flipped {
    fn new(file: &Arc<Vec<u8>>) -> Arc<Self> {
        let (at, mask) = (AtomicUsize::new(0), AtomicU8::new(0));
        let file = Arc::clone(file);
        Arc::new(Self { file, at, mask })
    }

    fn flip(&self, bit: usize) {
        self.at.store(bit / 8, Ordering::Relaxed);
        self.mask.store(1 << (bit % 8), Ordering::Relaxed);
    }

    fn restore(&self) {
        self.mask.store(0, Ordering::Relaxed);
    }
}

impl ReadAt for Flipped {
    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> std::io::Result<()> {
        self.file.read_exact_at(offset, buf)?;
        let at = self.at.load(Ordering::Relaxed) as u64;
        if let Some(byte) = at.checked_sub(offset).and_then(|at| buf.get_mut(at as usize)) {
            *byte ^= self.mask.load(Ordering::Relaxed);
        }
        Ok(())
    }

    fn size(&self) -> std::io::Result<u64> {
        self.file.size()
    }
}

/// Bytes that no compression makes shorter, so that the file is as long as its records.
fn noise(n: usize) -> Vec<u8> {
    let mut rng = Repeatable(n as u64 ^ 0x64);
    let hex: String = (0..64).map(|_| format!("{:08x} ", rng.below(1 << 32))).collect();
    hex.into_bytes()
}

/// Records in a snapshot of about 64 KiB.
const RECORDS: usize = 160;

fn snapshot() -> (Hospital, Arc<Vec<u8>>, Manifest) {
    use vault::snapshot::SnapshotWriter;
    let mut hospital = Hospital::new(60);
    let plan = hospital.plan(1);
    let mut file = Vec::new();
    let mut writer = SnapshotWriter::new(&mut file, &plan, &hospital.sealer, &mut hospital.rng).unwrap();
    for n in 0..RECORDS {
        let compartments: &[_] = if n % 2 == 0 { &[EVERYBODY, WARD] } else { &[EVERYBODY] };
        writer.add_record(compartments, &noise(n)).unwrap();
    }
    let sealed = writer.finish(&mut |id, count| thin(id, count), b"stat").unwrap();
    let len = file.len();
    assert!((60_000..80_000).contains(&len), "{len} bytes");
    (hospital, Arc::new(file), sealed.manifest)
}

/// Which part of the file a byte is in.
fn part_of(manifest: &Manifest, at: usize) -> Option<&Section> {
    let inside = |section: &&Section| (section.offset..section.offset + section.len).contains(&(at as u64));
    manifest.sections.iter().find(inside)
}

#[test]
fn every_bit_of_a_snapshot_is_guarded() {
    let (hospital, file, manifest) = snapshot();
    let next = AtomicUsize::new(0);
    let (accepted, tried) = (AtomicU64::new(0), AtomicU64::new(0));
    on_two_cores(|| {
        let reader = Reader::open(&hospital, &file);
        loop {
            // A stretch of bytes at a time, so that the two cores do not meet at every bit.
            let from = next.fetch_add(512, Ordering::Relaxed);
            if from >= file.len() {
                break;
            }
            for bit in from * 8..(from + 512).min(file.len()) * 8 {
                let refused = reader.refuses(bit, part_of(&manifest, bit / 8));
                accepted.fetch_add(u64::from(!refused), Ordering::Relaxed);
                tried.fetch_add(1, Ordering::Relaxed);
                assert!(refused, "byte {}, bit {}", bit / 8, bit % 8);
            }
        }
    });
    let (accepted, tried) = (accepted.into_inner(), tried.into_inner());
    println!(
        "torture: snapshot and manifest of {} bytes: {tried} flips, {accepted} accepted, 0 panics",
        file.len()
    );
    assert_eq!((accepted, tried), (0, file.len() as u64 * 8));
}

/// The file opened at every stage while it was sound; a flip is looked at from the last stage that does not depend on it.
struct Reader<'a> {
    hospital: &'a Hospital,
    source: Arc<Flipped>,
    snapshot: Snapshot,
    doctor: vault::snapshot::Unlocked,
    outer: vault::snapshot::StationUnlocked,
    /// Where each record lies: first byte and ordinal, by first byte.
    places: Vec<(usize, u32)>,
}

impl<'a> Reader<'a> {
    fn open(hospital: &'a Hospital, file: &Arc<Vec<u8>>) -> Self {
        let source = Flipped::new(file);
        let snapshot = Snapshot::open(source.clone(), &hospital.trusted()).unwrap();
        let outer = snapshot.unlock_station(&STATION, &hospital.station).unwrap();
        let doctor = outer.unlock_user(&DOCTOR, &hospital.doctor).unwrap();
        doctor.index(EVERYBODY).unwrap();
        let mut reader = Self {
            hospital,
            source,
            snapshot,
            doctor,
            outer,
            places: Vec::new(),
        };
        reader.find_records(file.len());
        reader
    }

    /// Finds out where each record begins by asking which one a changed byte spoils. Records lie in order, without gaps.
    fn find_records(&mut self, len: usize) {
        let records = *self.snapshot.manifest().section(SectionKind::Records, 0).unwrap();
        let mut at = records.offset as usize;
        assert!(at < len);
        for ordinal in 0..RECORDS as u32 {
            self.places.push((at, ordinal));
            let (mut low, mut high) = (at, (records.offset + records.len) as usize);
            let spoilt = |at: usize| {
                self.source.flip(at * 8);
                self.doctor.record(EVERYBODY, ordinal).is_err()
            };
            // The last byte that spoils this record.
            while high - low > 1 {
                let middle = low + (high - low) / 2;
                if spoilt(middle) { low = middle } else { high = middle }
            }
            at = high;
        }
        self.source.restore();
        assert_eq!(
            at as u64,
            records.offset + records.len,
            "every byte belongs to a record"
        );
    }

    fn refuses(&self, bit: usize, part: Option<&Section>) -> bool {
        self.source.flip(bit);
        let refused = match part.map(|section| (section.kind, section.id)) {
            None => Snapshot::open(self.source.clone(), &self.hospital.trusted()).is_err(),
            Some((SectionKind::Stations | SectionKind::Users | SectionKind::Rings, _)) => {
                self.snapshot.unlock_station(&STATION, &self.hospital.station).is_err()
            }
            Some((SectionKind::Dictionary, _)) => self.outer.unlock_user(&DOCTOR, &self.hospital.doctor).is_err(),
            Some((SectionKind::Index, id)) => self.doctor.index(vault::CompartmentId(id)).is_err(),
            Some((SectionKind::Records, _)) => {
                let n = self.places.partition_point(|(at, _)| *at <= bit / 8);
                let ordinal = self.places[n - 1].1;
                // The neighbour opens: one bit costs one record.
                let neighbour = if ordinal == 0 { 1 } else { ordinal - 1 };
                self.doctor.record(EVERYBODY, ordinal).is_err()
                    && (!bit.is_multiple_of(64) || self.doctor.record(EVERYBODY, neighbour).is_ok())
            }
            Some((SectionKind::Stat, _)) => self.snapshot.stat().is_err(),
            Some(_) => false,
        };
        self.source.restore();
        refused
    }
}

#[test]
fn every_shorter_snapshot_is_refused() {
    let (hospital, file, _) = snapshot();
    let mut accepted = 0;
    for len in 0..file.len() {
        let refused = Snapshot::open(source(file[..len].to_vec()), &hospital.trusted()).is_err();
        accepted += usize::from(!refused);
    }
    println!(
        "torture: snapshot: {} truncations, {accepted} accepted, 0 panics",
        file.len()
    );
    assert_eq!(accepted, 0);
}

fn ids(walk: &Walk) -> Vec<[u8; 32]> {
    walk.records.iter().map(|record| *record.id()).collect()
}

/// A segment of about 64 KiB with everything a life writes: header, tail, mark, batches of one and of several.
fn journal() -> (Desk, SimFs, Vec<u8>) {
    let mut desk = Desk::new(61);
    let fs = SimFs::new(9);
    let (mut journal, _) = desk.start(&fs).unwrap();
    for n in 0..6 {
        let entries: Vec<Vec<u8>> = (0..1 + n % 3).map(|_| vec![b'e'; 3_300]).collect();
        desk.append(&mut journal, &entries).unwrap();
    }
    drop(journal);
    let whole = fs.bytes(&segment(1)).unwrap();
    assert!((48 << 10..80 << 10).contains(&whole.len()), "{} bytes", whole.len());
    (desk, fs, whole)
}

/// The bits tried: all of them outside the sealed bytes of entries, and one of each of those.
fn bits_of_segment(whole: &[u8]) -> Vec<usize> {
    let mut sealed = vec![false; whole.len()];
    for at in 0..whole.len() {
        if whole[at..].starts_with(b"TMJR") {
            let len = u32::from_le_bytes(whole[at + 4..at + 8].try_into().unwrap()) as usize;
            sealed[at + 140..at + len - 68].fill(true);
        }
    }
    let mut dice = Repeatable(62);
    (0..whole.len())
        .flat_map(|at| {
            let one = dice.below(8) as usize;
            (0..8).filter_map(move |bit| Some((at, bit, one)).map(|(at, bit, one)| (at * 8 + bit, bit == one)))
        })
        .filter(|(bit, chosen)| *chosen || is_torture() || !sealed[bit / 8] && whole[bit / 8] != 0)
        .map(|(bit, _)| bit)
        .collect()
}

#[test]
fn every_flipped_bit_of_a_journal_is_refused_or_harmless() {
    let (desk, fs, whole) = journal();
    let bits = bits_of_segment(&whole);
    let good = ids(&desk.read(&fs));
    let next = AtomicUsize::new(0);
    let [mut refused, other] = on_two_cores(|| {
        let (desk, fs) = (Desk::new(61), fs.fork(1));
        let mut refused = 0;
        while let Some(bit) = bits.get(next.fetch_add(1, Ordering::Relaxed)) {
            let flip = |bytes: &mut Vec<u8>| bytes[bit / 8] ^= 1 << (bit % 8);
            fs.tamper(&segment(1), flip);
            let walk = desk.read(&fs);
            let found = ids(&walk);
            let place = format!("byte {}, bit {}", bit / 8, bit % 8);
            assert!(
                found.iter().all(|id| good.contains(id)),
                "{place}: something new appears"
            );
            assert!(found == good || !walk.damage.is_empty(), "{place}: a loss is not named");
            assert!(found.len() + 1 >= good.len(), "{place}: more than one record is lost");
            refused += u64::from(found != good || !walk.damage.is_empty());
            fs.tamper(&segment(1), flip);
        }
        refused
    });
    refused += other;
    println!(
        "torture: journal segment of {} bytes: {} flips, {refused} noticed, {} harmless and the records identical (zeros \
         behind a batch), 0 accepted, 0 panics",
        whole.len(),
        bits.len(),
        bits.len() as u64 - refused
    );
}

#[test]
fn every_shorter_journal_holds_a_prefix() {
    let (_, fs, whole) = journal();
    let next = AtomicUsize::new(0);
    on_two_cores(|| {
        let (desk, fs) = (Desk::new(61), fs.fork(1));
        let good = ids(&desk.read(&fs));
        loop {
            let len = next.fetch_add(1, Ordering::Relaxed);
            if len >= whole.len() {
                break;
            }
            fs.tamper(&segment(1), |bytes| {
                bytes.clear();
                bytes.extend_from_slice(&whole[..len]);
            });
            let found = ids(&desk.read(&fs));
            assert!(good.starts_with(&found), "first {len} bytes: not a prefix");
        }
    });
    println!(
        "torture: journal segment: {} truncations, each a prefix of the records, 0 panics",
        whole.len()
    );
}
