//! The crash simulator: lives of a station with every kind of accident, at random. What was acknowledged is there.
//!
//! One image is one restart after an accident. A failure prints its seed; the same seed is the same course of events.

use std::path::Path;
use std::sync::Arc;

use vault::journal::{Class, DamageKind, Journal, NotSaved, RecordLog, Stations};
use vault::simfs::{Ending, Fault, SimFs};

use crate::hospital::*;
use crate::journal::Desk;

const IMAGES: u64 = if cfg!(debug_assertions) { 300 } else { 20_000 };
const LIVES: u64 = 5;

/// What the people at the desk know: what they were told is saved.
#[derive(Default)]
struct Told {
    saved: Vec<[u8; 32]>,
}

#[test]
fn no_acknowledged_entry_is_ever_lost() {
    let threads = 2;
    let courses = IMAGES / LIVES / threads;
    std::thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || (0..courses).for_each(|n| course_of_events(thread * 1_000_000 + n)));
        }
    });
}

fn course_of_events(seed: u64) {
    let mut dice = Repeatable(seed ^ 0xC0FFEE);
    let mut desk = Desk::new(7);
    let fs = SimFs::new(seed);
    let mut told = Told::default();
    for life in 0..LIVES {
        plan_accidents(&fs, &mut dice);
        if let Ok((mut journal, walk)) = desk.start(&fs) {
            check(&told, &walk.records, &walk.damage, seed, life);
            live(&mut desk, &mut journal, &mut told, &fs, &mut dice);
        }
        fs.restart(if dice.below(3) == 0 {
            Ending::Kill
        } else {
            Ending::PowerCut
        });
        if dice.below(4) == 0 {
            fs.restart(Ending::PowerCut);
        }
    }
    let (_, walk) = desk.start(&fs).unwrap_or_else(|fault| panic!("seed {seed}: {fault}"));
    check(&told, &walk.records, &walk.damage, seed, LIVES);
    let before = walk.records.len();
    fs.restart(Ending::PowerCut);
    let walk = desk.read(&fs);
    check(&told, &walk.records, &walk.damage, seed, LIVES + 1);
    assert!(
        walk.records.len() > before,
        "seed {seed}: what a start returned is durable when it returns"
    );
}

fn plan_accidents(fs: &SimFs, dice: &mut Repeatable) {
    for _ in 0..dice.below(4) {
        let fault = [Fault::Fail, Fault::Fail, Fault::Full, Fault::Short][dice.below(4) as usize];
        fs.fault_in(dice.below(20), fault);
    }
    if dice.below(4) == 0 {
        // A bad moment: several operations in a row, enough that a batch cannot be saved anywhere.
        let (at, length) = (dice.below(16), 2 + dice.below(3));
        (at..at + length).for_each(|n| fs.fault_in(n, Fault::Fail));
    }
    if dice.below(8) == 0 {
        fs.full_in(dice.below(20));
    }
    if dice.below(2) == 0 {
        fs.fault_in(dice.below(24), Fault::Kill);
    }
}

fn live(desk: &mut Desk, journal: &mut Journal, told: &mut Told, fs: &SimFs, dice: &mut Repeatable) {
    for _ in 0..dice.below(6) {
        let batch: Vec<Vec<u8>> = (0..1 + dice.below(4))
            .map(|_| vec![b'e'; dice.below(900) as usize])
            .collect();
        match desk.append(journal, &batch) {
            Ok(receipts) => told.saved.extend(receipts.iter().map(|receipt| *receipt.id())),
            Err(NotSaved::Disk(_)) if fs.is_dead() => return,
            Err(NotSaved::Disk(_)) if dice.below(2) == 0 => fs.heal(),
            Err(NotSaved::Disk(_)) => {}
            Err(refused) => panic!("{refused}"),
        }
    }
}

fn check(told: &Told, records: &[vault::journal::Record], damage: &[vault::journal::Damage], seed: u64, life: u64) {
    let ids: Vec<[u8; 32]> = records.iter().map(|record| *record.id()).collect();
    let mut places = told.saved.iter().map(|id| ids.iter().position(|found| found == id));
    let mut last = None;
    assert!(
        places.all(|place| {
            let ordered = place.is_some() && place > last;
            last = place;
            ordered
        }),
        "seed {seed}, life {life}: an acknowledged entry is lost or out of order"
    );
    assert!(
        records
            .iter()
            .filter(|record| record.header().class != Class::KEY)
            .count()
            >= told.saved.len()
    );
    let surprising = damage
        .iter()
        .find(|damage| !matches!(damage.kind, DamageKind::Unfinished | DamageKind::Missing { .. }));
    assert!(
        surprising.is_none(),
        "seed {seed}, life {life}: {surprising:?} although nothing rotted"
    );
}

/// The same for records received from other stations: what a receipt could be given for is there.
#[test]
fn no_received_record_is_ever_lost() {
    let mut desk = Desk::new(8);
    let there = SimFs::new(0);
    let (mut journal, _) = desk.start(&there).unwrap();
    (0..10).for_each(|n| drop(desk.append(&mut journal, &vec![vec![b'r'; n * 90]; 4]).unwrap()));
    let sent = desk.read(&there).records;
    let stations = Stations::from([(STATION, desk.hospital.station.public())]);
    for seed in 0..IMAGES / 8 {
        let mut dice = Repeatable(seed ^ 0xFEED);
        let fs = SimFs::new(seed);
        let mut taken: Vec<[u8; 32]> = Vec::new();
        for life in 0..4 {
            if life < 3 {
                plan_accidents(&fs, &mut dice);
            }
            let started = RecordLog::start(
                Arc::new(fs.clone()),
                Path::new("/peers"),
                &HOSPITAL,
                &OTHER_STATION,
                &stations,
            );
            if let Ok((mut log, contents)) = started {
                assert!(
                    taken.iter().all(|id| log.holds(id)),
                    "seed {seed}, life {life}: a received record is lost"
                );
                assert!(contents.records.iter().all(|record| sent.contains(record)));
                for _ in 0..dice.below(5) {
                    let from = dice.below(sent.len() as u64) as usize;
                    let part = &sent[from..sent.len().min(from + 1 + dice.below(6) as usize)];
                    let _ = log.append(part);
                    // Held is what a receipt would be given for, whether this delivery brought it or an earlier one.
                    taken.extend(part.iter().map(|record| *record.id()).filter(|id| log.holds(id)));
                }
            }
            fs.restart(if dice.below(3) == 0 {
                Ending::Kill
            } else {
                Ending::PowerCut
            });
        }
    }
}
