//! The journal: what is acknowledged stays, what is damaged is named, what is forged is refused.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use vault::files::Disk;
use vault::journal::{
    Class, Incarnation, Journal, JournalKeys, MAX_BATCH, MAX_PAYLOAD, NewRecord, NotSaved, OpenFault, Record, Start,
    StartFault, Stations, Walk, read_journal, verify_chain,
};
use vault::keys::{RolePublic, RoleSecret};
use vault::simfs::{Ending, Fault, SimFs};
use vault::{CompartmentId, IncarnationId};

use crate::hospital::*;

pub const DIR: &str = "/journal";

/// A station with a journal in a file system with accidents.
pub struct Desk {
    pub hospital: Hospital,
    pub reader: RoleSecret,
    pub readers: [RolePublic; 1],
}

impl Desk {
    pub fn new(seed: u64) -> Self {
        let mut hospital = Hospital::new(seed);
        let reader = RoleSecret::random(&mut hospital.rng);
        let readers = [reader.public()];
        Self {
            hospital,
            reader,
            readers,
        }
    }

    pub fn start(&mut self, fs: &SimFs) -> Result<(Journal, Walk), StartFault> {
        self.start_as(fs, Incarnation::Continue)
    }

    pub fn start_as(&mut self, fs: &SimFs, incarnation: Incarnation) -> Result<(Journal, Walk), StartFault> {
        let secret = self.hospital.station.clone();
        let readers = self.readers;
        let start = Start {
            hospital: HOSPITAL,
            station: STATION,
            secret: &secret,
            incarnation,
            readers: &readers,
            hlc: 1,
            time_quality: 1,
        };
        Journal::start(Arc::new(fs.clone()), Path::new(DIR), &start, &mut self.hospital.rng)
    }

    pub fn append(&mut self, journal: &mut Journal, payloads: &[Vec<u8>]) -> Result<Vec<Record>, NotSaved> {
        let entries: Vec<_> = payloads.iter().map(|payload| entry(payload)).collect();
        journal.append_batch(&entries, &mut self.hospital.rng)
    }

    pub fn read(&self, fs: &SimFs) -> Walk {
        read_journal(fs, Path::new(DIR), &HOSPITAL, &STATION, &self.hospital.station.public()).unwrap()
    }

    /// The payloads of all entries, opened in order.
    pub fn payloads(&self, records: &[Record]) -> Vec<Vec<u8>> {
        let mut keys = JournalKeys::new(self.reader.clone());
        for record in records {
            keys.learn(record);
        }
        let entries = records.iter().filter(|record| record.header().class != Class::KEY);
        entries.map(|record| keys.open(record).unwrap().to_vec()).collect()
    }

    pub fn stations(&self) -> Stations {
        Stations::from([
            (STATION, self.hospital.station.public()),
            (OTHER_STATION, self.hospital.other_station.public()),
        ])
    }
}

pub fn entry(payload: &[u8]) -> NewRecord<'_> {
    NewRecord {
        class: Class(5),
        compartment: CompartmentId(7),
        user: [8; 16],
        hlc: 99,
        time_quality: 2,
        payload,
    }
}

pub fn texts(range: std::ops::Range<u32>) -> Vec<Vec<u8>> {
    range.map(|n| format!("entry {n}").into_bytes()).collect()
}

pub fn segment(n: u64) -> PathBuf {
    Path::new(DIR).join(format!("{n:010}.tmbj"))
}

#[test]
fn entries_come_back_in_order_over_many_lives() {
    let mut desk = Desk::new(80);
    let fs = SimFs::new(1);
    let mut all = Vec::new();
    for life in 0..5 {
        let (mut journal, walk) = desk.start(&fs).unwrap();
        assert_eq!(desk.payloads(&walk.records), all);
        assert!(
            walk.damage.is_empty() && walk.superseded.is_empty(),
            "{:?}",
            walk.damage
        );
        for batch in 0..3 {
            let entries = texts(life * 100 + batch * 10..life * 100 + batch * 10 + batch * 2 + 1);
            let receipts = desk.append(&mut journal, &entries).unwrap();
            assert_eq!(receipts.len(), entries.len());
            assert_eq!(
                receipts
                    .last()
                    .map(|last| (last.header().incarnation, last.header().seq, *last.id())),
                Some(journal.head())
            );
            all.extend(entries);
        }
        drop(journal);
        fs.restart(if life % 2 == 0 { Ending::Kill } else { Ending::PowerCut });
    }
    let walk = desk.read(&fs);
    assert_eq!(desk.payloads(&walk.records), all);
    let report = verify_chain(&walk.records, &desk.stations());
    assert_eq!(
        (report.checked, report.bad_signatures.len(), report.breaks.len()),
        (5 + 45, 0, 0)
    );
    let seqs: Vec<u64> = walk.records.iter().map(|record| record.header().seq).collect();
    assert_eq!(seqs, (1..=50).collect::<Vec<_>>());
    let header = walk.records[1].header();
    assert_eq!(
        (
            header.class,
            header.compartment,
            header.user,
            header.hlc,
            header.time_quality
        ),
        (Class(5), WARD, [8; 16], 99, 2)
    );
}

#[test]
fn only_a_role_it_was_written_for_reads_an_entry() {
    let mut desk = Desk::new(81);
    let fs = SimFs::new(2);
    let (mut journal, _) = desk.start(&fs).unwrap();
    desk.append(&mut journal, &texts(0..1)).unwrap();
    let walk = desk.read(&fs);
    let [key, entry] = &walk.records[..] else {
        panic!("a key record and an entry")
    };
    let mut stranger = JournalKeys::new(RoleSecret::random(&mut desk.hospital.rng));
    assert!(!stranger.learn(key));
    assert_eq!(stranger.open(entry).unwrap_err(), OpenFault::NoKey);
    let mut reader = JournalKeys::new(desk.reader.clone());
    assert_eq!(
        reader.open(entry).unwrap_err(),
        OpenFault::NoKey,
        "before the key record was seen"
    );
    assert!(reader.learn(key) && !reader.learn(entry));
    assert_eq!(*reader.open(entry).unwrap(), *b"entry 0");
    assert_eq!(reader.open(key).unwrap_err(), OpenFault::NotAnEntry);
    assert!(
        !entry.bytes().windows(7).any(|window| window == b"entry 0"),
        "sealed on disk"
    );
}

#[test]
fn an_open_entry_is_signed_and_chained_like_any_other_and_needs_no_key() {
    let mut desk = Desk::new(96);
    let fs = SimFs::new(18);
    let (mut journal, _) = desk.start(&fs).unwrap();
    let open = NewRecord {
        class: Class::FIRST_OPEN,
        ..entry(b"downtime declared")
    };
    let sealed = NewRecord {
        class: Class(127),
        ..entry(b"about a patient")
    };
    let written = journal.append_batch(&[open, sealed], &mut desk.hospital.rng).unwrap();
    let walk = desk.read(&fs);
    assert_eq!(walk.records[1..], written, "what is returned is what is on disk");
    let stranger = JournalKeys::new(RoleSecret::random(&mut desk.hospital.rng));
    assert_eq!(*stranger.open(&walk.records[1]).unwrap(), *b"downtime declared");
    assert_eq!(stranger.open(&walk.records[2]).unwrap_err(), OpenFault::NoKey);
    assert_eq!(verify_chain(&walk.records, &desk.stations()).breaks.len(), 0);
    let holds = |needle: &[u8]| {
        fs.bytes(&segment(1))
            .unwrap()
            .windows(needle.len())
            .any(|window| window == needle)
    };
    assert!(holds(b"downtime declared") && !holds(b"about a patient"));
}

#[test]
fn a_second_process_is_kept_out() {
    let mut desk = Desk::new(82);
    let fs = SimFs::new(3);
    let (journal, _) = desk.start(&fs).unwrap();
    assert!(matches!(desk.start(&fs), Err(StartFault::InUse)));
    drop(journal);
    assert!(desk.start(&fs).is_ok());
}

#[test]
fn limits_are_refused_before_anything_is_written() {
    let mut desk = Desk::new(83);
    let fs = SimFs::new(4);
    let (mut journal, _) = desk.start(&fs).unwrap();
    let before = fs.operations();
    assert!(matches!(
        desk.append(&mut journal, &[vec![0; MAX_PAYLOAD + 1]]),
        Err(NotSaved::Refused(_))
    ));
    assert!(matches!(
        desk.append(&mut journal, &vec![vec![]; MAX_BATCH + 1]),
        Err(NotSaved::Refused(_))
    ));
    let key_class = NewRecord {
        class: Class::KEY,
        ..entry(b"")
    };
    assert!(matches!(
        journal.append_batch(&[key_class], &mut desk.hospital.rng),
        Err(NotSaved::Refused(_))
    ));
    assert!(desk.append(&mut journal, &[]).unwrap().is_empty());
    assert_eq!(fs.operations(), before);
    desk.append(&mut journal, &[vec![1; MAX_PAYLOAD], vec![]]).unwrap();
    assert_eq!(desk.payloads(&desk.read(&fs).records), [vec![1; MAX_PAYLOAD], vec![]]);
}

#[test]
fn after_an_error_the_batch_is_in_a_new_file_once() {
    for fault in [Fault::Fail, Fault::Full, Fault::Short] {
        for operation in 0..2 {
            let mut desk = Desk::new(84);
            let fs = SimFs::new(5);
            let (mut journal, _) = desk.start(&fs).unwrap();
            desk.append(&mut journal, &texts(0..3)).unwrap();
            fs.fault_in(operation, fault);
            desk.append(&mut journal, &texts(3..6)).unwrap();
            desk.append(&mut journal, &texts(6..8)).unwrap();
            fs.restart(Ending::PowerCut);
            let walk = desk.read(&fs);
            assert_eq!(desk.payloads(&walk.records), texts(0..8), "{fault:?} at {operation}");
            assert!(walk.superseded.is_empty());
        }
    }
}

#[test]
fn a_full_disk_says_not_saved_and_goes_on_when_there_is_space() {
    let mut desk = Desk::new(85);
    let fs = SimFs::new(6);
    let (mut journal, _) = desk.start(&fs).unwrap();
    desk.append(&mut journal, &texts(0..2)).unwrap();
    fs.full_in(0);
    for _ in 0..5 {
        let error = desk.append(&mut journal, &texts(90..93)).unwrap_err();
        assert!(error.to_string().starts_with("NOT SAVED"), "{error}");
    }
    assert!(fs.paths().len() < 5, "no heap of empty files on a full disk");
    fs.heal();
    desk.append(&mut journal, &texts(2..4)).unwrap();
    fs.restart(Ending::Kill);
    let (_, walk) = desk.start(&fs).unwrap();
    assert_eq!(desk.payloads(&walk.records), texts(0..4));
}

#[test]
fn a_new_incarnation_keeps_the_old_chain() {
    let mut desk = Desk::new(86);
    let fs = SimFs::new(7);
    let (mut journal, _) = desk.start(&fs).unwrap();
    desk.append(&mut journal, &texts(0..2)).unwrap();
    let old = journal.head().0;
    drop(journal);
    let (mut journal, _) = desk.start_as(&fs, Incarnation::New).unwrap();
    let new = journal.head().0;
    assert_ne!(old, new);
    desk.append(&mut journal, &texts(2..4)).unwrap();
    drop(journal);
    fs.restart(Ending::PowerCut);
    let (journal, walk) = desk.start(&fs).unwrap();
    assert_eq!(journal.head().0, new, "the next life goes on with the newest chain");
    assert_eq!(desk.payloads(&walk.records), texts(0..4));
    let chains: Vec<IncarnationId> = walk.records.iter().map(|record| record.header().incarnation).collect();
    assert_eq!(chains, [vec![old; 3], vec![new; 3]].concat());
}

/// Of a batch that was never acknowledged a power cut may leave the end and not the beginning. Nothing is ever chained to that.
#[test]
fn the_journal_never_goes_on_behind_a_gap() {
    let mut torn = 0;
    for seed in 0..200 {
        let mut desk = Desk::new(88);
        let fs = SimFs::new(seed);
        let (mut journal, _) = desk.start(&fs).unwrap();
        desk.append(&mut journal, &texts(0..2)).unwrap();
        // The write is done and the sync is not: its sectors hang in the air.
        fs.fault_in(1, Fault::Kill);
        desk.append(&mut journal, &vec![vec![b'e'; 900]; 4]).unwrap_err();
        drop(journal);
        fs.restart(Ending::PowerCut);
        let left = desk.read(&fs).records;
        torn += u32::from(left.last().unwrap().header().seq != left.len() as u64);
        for life in 0..2 {
            let (mut journal, walk) = desk.start(&fs).unwrap();
            assert!(left.iter().all(|record| walk.records.contains(record)), "seed {seed}");
            let saved = desk.append(&mut journal, &texts(2..4)).unwrap();
            let (chain, last, _) = journal.head();
            drop(journal);
            fs.restart(Ending::PowerCut);
            let walk = desk.read(&fs);
            let of_chain = walk
                .records
                .iter()
                .filter(|record| record.header().incarnation == chain);
            let numbers: Vec<u64> = of_chain.map(|record| record.header().seq).collect();
            assert_eq!(numbers, (1..=last).collect::<Vec<_>>(), "seed {seed}, life {life}");
            assert!(saved.iter().all(|record| walk.records.contains(record)));
            assert!(walk.superseded.is_empty(), "no number was given twice");
        }
    }
    assert!(torn > 10, "only {torn} batches were torn so");
}

#[test]
fn it_works_on_the_real_disk() {
    let mut desk = Desk::new(93);
    let dir = tempfile::tempdir().unwrap();
    let secret = desk.hospital.station.clone();
    let readers = desk.readers;
    let start = Start {
        hospital: HOSPITAL,
        station: STATION,
        secret: &secret,
        incarnation: Incarnation::Continue,
        readers: &readers,
        hlc: 0,
        time_quality: 0,
    };
    for life in 0..3 {
        let (mut journal, walk) =
            Journal::start(Arc::new(Disk), &dir.path().join("own"), &start, &mut desk.hospital.rng).unwrap();
        assert_eq!(desk.payloads(&walk.records), texts(0..life * 2));
        assert!(Journal::start(Arc::new(Disk), &dir.path().join("own"), &start, &mut desk.hospital.rng).is_err());
        desk.append(&mut journal, &texts(life * 2..life * 2 + 2)).unwrap();
    }
    let walk = read_journal(&Disk, &dir.path().join("own"), &HOSPITAL, &STATION, &secret.public()).unwrap();
    assert_eq!(desk.payloads(&walk.records), texts(0..6));
}
