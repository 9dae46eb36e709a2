//! Every rule of the journal broken once, on purpose: each breach is noticed by a trial that the rules as they are pass.

use std::fmt::Write;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use vault::journal::{DamageKind, Mutant, Record, RecordRefused, Walk, read_journal, with_mutant};
use vault::simfs::{Fault, SimFs};

use crate::crash::{Peers, Tally, course_of_events};
use crate::effort::{first_seed, on_two_cores};
use crate::hospital::*;
use crate::journal::{DIR, Desk, segment, texts};
use crate::pairs::{PAIRS, pair};

/// A mutant that survives this many images is not killed.
const IMAGES: u64 = 60_000;
/// The pairs of accidents are all tried, if need be: each is at most four images.
const IMAGES_OF_PAIRS: u64 = 4 * PAIRS;

/// What notices a broken rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trial {
    /// The crash simulator, own journal.
    Crash,
    /// Every pair of accidents.
    Pairs,
    /// The crash simulator, received records.
    Received,
    /// Many starts with nothing written in between.
    Idle,
    /// Rot, unreadable places, missing pieces.
    Rot,
    /// Flipped bits in batch headers.
    BatchHeaders,
    /// Segments and records that somebody else made.
    Strangers,
    /// Segments of two copies of one disk.
    Mixed,
}

const TRIALS: [Trial; 8] = [
    Trial::Crash,
    Trial::Pairs,
    Trial::Received,
    Trial::Idle,
    Trial::Rot,
    Trial::BatchHeaders,
    Trial::Strangers,
    Trial::Mixed,
];

/// Which trial is expected to notice.
fn killer(mutant: Mutant) -> Trial {
    match mutant {
        Mutant::LogHoldsBeforeSaved | Mutant::LogCarriesNothing => Trial::Received,
        Mutant::CarryNewestSegmentOnly | Mutant::TailInManyBatches | Mutant::SettledMarkErrorIgnored => Trial::Pairs,
        Mutant::NoSettledMark => Trial::Idle,
        Mutant::DamageEndsReading
        | Mutant::ResumeAtBlocksOnly
        | Mutant::UnreadableNotReported
        | Mutant::GapsNotNamed => Trial::Rot,
        Mutant::BatchCheckIgnored | Mutant::PaddingNotLookedAt => Trial::BatchHeaders,
        Mutant::NoPreviousCheck => Trial::Mixed,
        Mutant::ForgedBelieved
        | Mutant::SignatureNotChecked
        | Mutant::TrailingBytesTaken
        | Mutant::OtherOwnersFileTaken => Trial::Strangers,
        _ => Trial::Crash,
    }
}

#[test]
fn every_broken_rule_is_noticed() {
    let next = AtomicUsize::new(0);
    let reports = on_two_cores(|| {
        let mut reports = Vec::new();
        while let Some(mutant) = Mutant::ALL.get(next.fetch_add(1, Ordering::Relaxed)) {
            let trial = killer(*mutant);
            let found = with_mutant(Some(*mutant), || attempt(trial, most(trial)));
            reports.push((*mutant, trial, found));
        }
        reports
    });
    let mut reports = reports.concat();
    reports.sort_by_key(|(mutant, ..)| Mutant::ALL.iter().position(|known| known == mutant));
    let mut text = String::new();
    for (mutant, trial, found) in &reports {
        match found {
            Ok(tried) => writeln!(text, "  {mutant:?}: SURVIVES {tried} images of {trial:?}").unwrap(),
            Err((tried, why)) => writeln!(text, "  {mutant:?}: {trial:?}, {tried} images: {why}").unwrap(),
        }
    }
    let killed = reports.iter().filter(|(.., found)| found.is_err()).count();
    println!("{text}torture: mutants: {killed} of {} killed", Mutant::ALL.len());
    assert_eq!(
        (killed, reports.len()),
        (Mutant::ALL.len(), Mutant::ALL.len()),
        "\n{text}"
    );
}

/// The other half of the proof: nothing of the kind is noticed when no rule is broken.
#[test]
fn no_trial_fails_while_the_rules_hold() {
    for trial in TRIALS {
        let tried = attempt(trial, 500);
        assert!(tried.is_ok(), "{trial:?}: {tried:?}");
    }
}

fn most(trial: Trial) -> u64 {
    if trial == Trial::Pairs { IMAGES_OF_PAIRS } else { IMAGES }
}

/// Tries up to `most` images: how many were tried, and what was noticed after how many.
fn attempt(trial: Trial, most: u64) -> Result<u64, (u64, String)> {
    let mut tally = Tally::default();
    let mut crash = |course: &mut dyn FnMut(u64, &mut Tally) -> Result<(), String>| {
        for seed in first_seed().. {
            course(seed, &mut tally).map_err(|why| (tally.images, format!("seed {seed}: {why}")))?;
            if tally.images >= most {
                break;
            }
        }
        Ok(tally.images)
    };
    match trial {
        Trial::Crash => {
            let mut desk = Desk::new(7);
            crash(&mut |seed, tally| course_of_events(&mut desk, seed, tally))
        }
        Trial::Pairs => {
            let mut desk = Desk::new(7);
            crash(&mut |seed, tally| pair(&mut desk, seed, tally))
        }
        Trial::Received => {
            let mut peers = Peers::new();
            crash(&mut |seed, tally| peers.course_of_events(seed, tally))
        }
        Trial::Idle => idle().map_err(|why| (60, why)),
        Trial::Rot => rot().map_err(|why| (1, why)),
        Trial::BatchHeaders => batch_headers(),
        Trial::Strangers => strangers().map_err(|why| (1, why)),
        Trial::Mixed => mixed().map_err(|why| (1, why)),
    }
}

/// Starting sixty times and writing nothing: a start carries what the one before it wrote, not what all before it did.
fn idle() -> Result<u64, String> {
    let (mut desk, fs) = (Desk::new(70), SimFs::new(1));
    for life in 1..=60 {
        desk.start(&fs).map_err(|fault| fault.to_string())?;
        let newest = fs.bytes(&segment(life)).ok_or("no new segment")?;
        if newest.len() > 4 * 4096 {
            return Err(format!("start {life} carried {} bytes", newest.len()));
        }
    }
    Ok(60)
}

fn ids(walk: &Walk) -> Vec<[u8; 32]> {
    walk.records.iter().map(|record| *record.id()).collect()
}

/// Batches begin at 4 KiB blocks; 0 is the header, 1 the key record, 2 the settled mark, 3.. the entries.
fn six_batches(desk: &mut Desk) -> Result<SimFs, String> {
    let fs = SimFs::new(8);
    let (mut journal, _) = desk.start(&fs).map_err(|fault| fault.to_string())?;
    for n in 0..6 {
        let entries = texts(n * 10..n * 10 + 3);
        desk.append(&mut journal, &entries).map_err(|fault| fault.to_string())?;
    }
    Ok(fs)
}

/// Damage costs what it hit and nothing else, and is named.
fn rot() -> Result<u64, String> {
    let mut desk = Desk::new(87);
    let fs = six_batches(&mut desk)?;
    let whole = ids(&desk.read(&fs));
    let sound = fs.fork(2);
    // The first byte of the first record of a batch.
    fs.tamper(&segment(1), |bytes| bytes[5 * 4096 + 32] ^= 1);
    fs.break_sector(&segment(1), 7 * 4096 + 100);
    let walk = desk.read(&fs);
    let lost = whole.iter().filter(|id| !ids(&walk).contains(id)).count();
    // Key record, then batches of three: block 5 holds the third (7..=9 of them), block 7 the fifth.
    if lost != 1 + 3 {
        return Err(format!("{lost} records lost instead of 4"));
    }
    let named = |wanted: fn(&DamageKind) -> bool| walk.damage.iter().any(|damage| wanted(&damage.kind));
    if !named(|kind| matches!(kind, DamageKind::Missing { .. })) {
        return Err("missing numbers are not named".to_owned());
    }
    if !named(|kind| *kind == DamageKind::Garbled) {
        return Err("a garbled record is not reported".to_owned());
    }
    if !named(|kind| *kind == DamageKind::Unreadable) {
        return Err("an unreadable place is not reported".to_owned());
    }
    // The last record of all: nothing behind it shows that it is missing.
    let last = sound.bytes(&segment(1)).ok_or("no segment")?.len() - 4096 + 32;
    sound.tamper(&segment(1), |bytes| bytes[last] ^= 1);
    if desk.read(&sound).damage.is_empty() {
        return Err("a loss at the end is not reported".to_owned());
    }
    Ok(1)
}

/// A batch header with any bit flipped is not a batch header.
fn batch_headers() -> Result<u64, (u64, String)> {
    let mut desk = Desk::new(88);
    let fs = six_batches(&mut desk).map_err(|why| (0, why))?;
    let good = ids(&desk.read(&fs));
    let mut tried = 0;
    for block in 1..=8 {
        for bit in 0..32 * 8 {
            let at = block * 4096 + bit / 8;
            fs.tamper(&segment(1), |bytes| bytes[at] ^= 1 << (bit % 8));
            let walk = desk.read(&fs);
            tried += 1;
            if walk.damage.is_empty() {
                return Err((tried, format!("byte {at}, bit {}: not noticed", bit % 8)));
            }
            if ids(&walk) != good {
                return Err((tried, format!("byte {at}, bit {}: costs a record", bit % 8)));
            }
            fs.tamper(&segment(1), |bytes| bytes[at] ^= 1 << (bit % 8));
        }
    }
    Ok(tried)
}

/// Nobody else's records are taken for this station's.
fn strangers() -> Result<u64, String> {
    let mut desk = Desk::new(90);
    let fs = SimFs::new(11);
    let start = |desk: &mut Desk, fs: &SimFs, entries: std::ops::Range<u32>| {
        let (mut journal, _) = desk.start(fs).map_err(|fault| fault.to_string())?;
        desk.append(&mut journal, &texts(entries))
            .map_err(|fault| fault.to_string())
    };
    let ours = start(&mut desk, &fs, 0..2)?;
    let mut forger = Desk::new(90);
    forger.hospital.station = forger.hospital.other_station.clone();
    let forged = fs.fork(1);
    start(&mut forger, &forged, 70..72)?;
    let walk = desk.read(&forged);
    if walk.records.len() != 3 {
        return Err("a forged record is taken in".to_owned());
    }
    let theirs = desk.hospital.other_station.public();
    let walk = read_journal(&fs, Path::new(DIR), &HOSPITAL, &OTHER_STATION, &theirs).map_err(|e| e.to_string())?;
    let kinds: Vec<DamageKind> = walk.damage.iter().map(|damage| damage.kind.clone()).collect();
    if kinds != [DamageKind::NotASegment] {
        return Err("another station's file is taken for one of ours".to_owned());
    }
    let stations = desk.stations();
    let mut impostors = stations.clone();
    impostors.insert(STATION, theirs);
    let bytes = ours[0].bytes();
    if Record::parse_verified(bytes, &impostors) != Err(RecordRefused::BadSignature) {
        return Err("a record is taken without its station's signature".to_owned());
    }
    if Record::parse_verified(&[bytes, &[0]].concat(), &stations) != Err(RecordRefused::Malformed) {
        return Err("a byte behind a record is taken".to_owned());
    }
    Ok(1)
}

/// Two copies of one disk went on separately, and a segment of the second comes into the first: what people were told
/// on the first is there, and what does not fit is named.
fn mixed() -> Result<u64, String> {
    let mut desk = Desk::new(94);
    let life = |desk: &mut Desk, fs: &SimFs, first: u32, batches: u32| -> Result<Vec<Record>, String> {
        let (mut journal, _) = desk.start(fs).map_err(|fault| fault.to_string())?;
        let mut receipts = Vec::new();
        for n in 0..batches {
            let entry = texts(first + n..first + n + 1);
            receipts.extend(desk.append(&mut journal, &entry).map_err(|fault| fault.to_string())?);
        }
        Ok(receipts)
    };
    let one = SimFs::new(15);
    life(&mut desk, &one, 0, 1)?;
    let other = one.fork(1);
    let told = life(&mut desk, &one, 10, 3)?;
    life(&mut desk, &other, 20, 3)?;
    life(&mut desk, &other, 30, 1)?;
    life(&mut desk, &one, 40, 0)?;
    let theirs = other.bytes(&segment(3)).ok_or("no third segment")?;
    one.tamper(&segment(3), |bytes| *bytes = theirs);
    let walk = desk.read(&one);
    if !told.iter().all(|record| walk.records.contains(record)) {
        return Err("an acknowledged entry gave way to another disk's".to_owned());
    }
    if !walk.damage.iter().any(|damage| damage.kind == DamageKind::Unlinked) {
        return Err("what does not fit is not named".to_owned());
    }
    Ok(1)
}

/// What the trials stand on: a file system that does not notice a fault would notice no mutant either.
#[test]
fn a_fault_that_is_planned_happens() {
    let mut desk = Desk::new(91);
    let fs = SimFs::new(12);
    let (mut journal, _) = desk.start(&fs).unwrap();
    fs.fault_in(1, Fault::Fail);
    desk.append(&mut journal, &texts(0..1)).unwrap();
    let met = fs.accidents();
    assert_eq!((met.faults, met.failed_syncs), (1, 1));
}
