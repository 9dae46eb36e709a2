//! The crash simulator: lives of a station with every kind of accident, at random. What was acknowledged is there.
//!
//! One image is one state of the disk after an accident, read back and compared with what people were told. A failure
//! names its seed; the same seed is the same course of events: `cargo xtask torture --only crash --seed N --images 1`.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use vault::journal::{Class, Damage, DamageKind, Journal, NotSaved, Record, RecordLog, Walk};
use vault::simfs::{Accidents, Ending, Fault, SimFs};

use crate::effort::{Seeds, images, on_two_cores};
use crate::hospital::*;
use crate::journal::Desk;

const LIVES: u64 = 5;
/// Other outcomes of the same power cut that are looked at besides the one the course goes on with.
const OTHER_OUTCOMES: u64 = 2;

/// What was tried.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    pub images: u64,
    pub acknowledged: u64,
    not_saved: u64,
    kills: u64,
    power_cuts: u64,
    kill_then_power_cut: u64,
    double_restarts: u64,
    crashed_starts: u64,
    failed_sync_and_kill: u64,
    full_and_power_cut: u64,
    accidents: Accidents,
}

#[test]
fn no_acknowledged_entry_is_ever_lost() {
    let tally = many(images(50_000), || {
        let mut desk = Desk::new(7);
        move |seed, tally: &mut Tally| course_of_events(&mut desk, seed, tally)
    });
    println!("torture: crash images of the journal: {tally}");
    assert!(tally.acknowledged > tally.images / 4, "they were told something");
    // Every sort of accident is really among them.
    let among = [
        tally.kill_then_power_cut,
        tally.double_restarts,
        tally.crashed_starts,
        tally.failed_sync_and_kill,
        tally.full_and_power_cut,
        tally.accidents.lost_entries,
        tally.accidents.garbled_sectors,
        tally.accidents.lost_sectors,
    ];
    assert!(among.iter().all(|count| *count > tally.images / 500), "{tally}");
}

/// The same for records received from other stations: what a receipt could be given for is there.
#[test]
fn no_received_record_is_ever_lost() {
    let tally = many(images(50_000) / 5, || {
        let mut peers = Peers::new();
        move |seed, tally: &mut Tally| peers.course_of_events(seed, tally)
    });
    println!("torture: crash images of received records: {tally}");
    assert!(tally.acknowledged > tally.images / 4);
}

/// Courses on both cores until there were enough images. The first that goes wrong ends the test.
fn many<C: FnMut(u64, &mut Tally) -> Result<(), String>>(wanted: u64, start: impl Fn() -> C + Sync) -> Tally {
    let (seeds, done) = (Seeds::new(), AtomicU64::new(0));
    let [mut one, other] = on_two_cores(|| {
        let (mut course, mut tally) = (start(), Tally::default());
        while let Some(seed) = seeds.next(done.load(Ordering::Relaxed), wanted) {
            let before = tally.images;
            course(seed, &mut tally).unwrap_or_else(|loss| panic!("seed {seed}: {loss}"));
            done.fetch_add(tally.images - before, Ordering::Relaxed);
        }
        tally
    });
    one.add(&other);
    one
}

/// What the people at the desk know: what they were told is saved.
#[derive(Default)]
pub struct Told {
    pub saved: Vec<[u8; 32]>,
}

/// Some lives of one station. Says what was lost, if anything was.
pub fn course_of_events(desk: &mut Desk, seed: u64, tally: &mut Tally) -> Result<(), String> {
    let mut dice = Repeatable(seed ^ 0xC0FFEE);
    desk.hospital.rng = Repeatable(seed ^ 0xDE5C);
    let fs = SimFs::new(seed);
    let mut told = Told::default();
    for life in 0..LIVES {
        let before = fs.accidents();
        plan_accidents(&fs, &mut dice, life);
        match desk.start(&fs) {
            Ok((mut journal, walk)) => {
                check(&told, &walk)?;
                live(desk, &mut journal, &mut told, &fs, &mut dice, tally)?;
            }
            Err(_) => tally.crashed_starts += u64::from(fs.is_dead()),
        }
        let met = fs.accidents();
        let killed = fs.is_dead();
        tally.failed_sync_and_kill += u64::from(met.failed_syncs > before.failed_syncs && killed);
        let ending = pick_ending(&mut dice);
        if ending == Ending::PowerCut {
            tally.full_and_power_cut += u64::from(met.full > before.full);
            for outcome in 0..OTHER_OUTCOMES {
                let other = fs.fork(seed.rotate_left(32) ^ (life * OTHER_OUTCOMES + outcome));
                other.restart(Ending::PowerCut);
                check(&told, &desk.read(&other))?;
                (tally.images, tally.power_cuts) = (tally.images + 1, tally.power_cuts + 1);
            }
        }
        tally.end(&fs, ending);
        match dice.below(6) {
            0 | 1 => restarts(desk, &fs, &told, &mut dice, tally)?,
            2 => {
                tally.kill_then_power_cut += u64::from(ending == Ending::Kill);
                tally.end(&fs, Ending::PowerCut);
            }
            _ => {}
        }
    }
    let (_, walk) = desk.start(&fs).map_err(|fault| fault.to_string())?;
    check(&told, &walk)?;
    tally.end(&fs, Ending::PowerCut);
    let after = desk.read(&fs);
    check(&told, &after)?;
    tally.note(&fs);
    if after.records.len() > walk.records.len() {
        Ok(())
    } else {
        Err("what a start returned was not durable when it returned".to_owned())
    }
}

/// Started and ended again before anybody wrote anything, up to four times, mostly in the middle of the start, and then the
/// power goes: the crash of a recovery of a crash.
fn restarts(desk: &mut Desk, fs: &SimFs, told: &Told, dice: &mut Repeatable, tally: &mut Tally) -> Result<(), String> {
    tally.double_restarts += 1;
    for _ in 0..1 + dice.below(4) {
        match dice.below(4) {
            0 | 1 => fs.fault_in(dice.below(12), Fault::Kill),
            2 => fs.fault_in(dice.below(10), Fault::Fail),
            _ => {}
        }
        if let Ok((_, walk)) = desk.start(fs) {
            check(told, &walk)?;
        }
        tally.crashed_starts += u64::from(fs.is_dead());
        tally.end(fs, Ending::Kill);
    }
    tally.end(fs, Ending::PowerCut);
    Ok(())
}

fn pick_ending(dice: &mut Repeatable) -> Ending {
    if dice.below(3) == 0 {
        Ending::Kill
    } else {
        Ending::PowerCut
    }
}

fn plan_accidents(fs: &SimFs, dice: &mut Repeatable, life: u64) {
    for _ in 0..dice.below(4) {
        let fault = [Fault::Fail, Fault::Fail, Fault::Full, Fault::Short][dice.below(4) as usize];
        // A start takes seven operations, and what goes wrong there is what matters most.
        let until = if dice.below(3) == 0 { 8 } else { 24 };
        fs.fault_in(dice.below(until), fault);
    }
    if dice.below(4) == 0 {
        // A bad moment: several operations in a row, enough that a batch cannot be saved anywhere.
        let (at, length) = (dice.below(16), 2 + dice.below(3));
        (at..at + length).for_each(|n| fs.fault_in(n, Fault::Fail));
    }
    if dice.below(8) == 0 {
        fs.full_in(dice.below(20));
    }
    match dice.below(6) {
        0 | 1 => fs.fault_in(dice.below(24), Fault::Kill),
        // The crash of a recovery: starting takes seven operations, more after an error.
        2 if life > 0 => fs.fault_in(dice.below(9), Fault::Kill),
        _ => {}
    }
}

fn live(
    desk: &mut Desk,
    journal: &mut Journal,
    told: &mut Told,
    fs: &SimFs,
    dice: &mut Repeatable,
    tally: &mut Tally,
) -> Result<(), String> {
    for _ in 0..dice.below(6) {
        let batch: Vec<Vec<u8>> = (0..1 + dice.below(4))
            .map(|_| vec![b'e'; dice.below(900) as usize])
            .collect();
        let before = fs.accidents().faults;
        match desk.append(journal, &batch) {
            Ok(receipts) => {
                tally.acknowledged += receipts.len() as u64;
                told.saved.extend(receipts.iter().map(|receipt| *receipt.id()));
            }
            Err(NotSaved::Refused(why)) => return Err(why.to_owned()),
            Err(NotSaved::Disk(_)) => {
                tally.not_saved += 1;
                if fs.is_dead() {
                    return Ok(());
                }
                if fs.accidents().faults < before + 2 {
                    return Err("one error, and it said NOT SAVED without having tried a new file".to_owned());
                }
                if dice.below(2) == 0 {
                    fs.heal();
                }
            }
        }
    }
    Ok(())
}

/// Everything people were told is there, in order, each behind the record it was chained to, and nothing looks rotten.
pub fn check(told: &Told, walk: &Walk) -> Result<(), String> {
    let mut from = 0;
    for id in &told.saved {
        let found = walk.records.iter().skip(from).position(|record| record.id() == id);
        let at = from + found.ok_or("an acknowledged entry is lost or out of order")?;
        let header = walk.records.get(at).map(Record::header).ok_or("gone")?;
        let before = at.checked_sub(1).and_then(|at| walk.records.get(at));
        if header.seq > 1 && before.map(Record::id) != Some(&header.previous) {
            return Err("an acknowledged entry has lost its predecessor".to_owned());
        }
        // Records are in order of their chain and number: without a gap, number 1 lies so many records before.
        let first = usize::try_from(header.seq)
            .ok()
            .and_then(|seq| (at + 1).checked_sub(seq));
        let first = first.and_then(|at| walk.records.get(at)).map(Record::header);
        if first.is_none_or(|first| first.seq != 1 || first.incarnation != header.incarnation) {
            return Err("an acknowledged entry hangs behind a gap".to_owned());
        }
        from = at + 1;
    }
    let entries = |record: &&Record| record.header().class != Class::KEY;
    if walk.records.iter().filter(entries).count() < told.saved.len() {
        return Err("fewer entries than were acknowledged".to_owned());
    }
    nothing_rotten(&walk.damage)
}

fn nothing_rotten(damage: &[Damage]) -> Result<(), String> {
    let harmless = |damage: &&Damage| !matches!(damage.kind, DamageKind::Unfinished | DamageKind::Missing { .. });
    match damage.iter().find(harmless) {
        Some(damage) => Err(format!("{damage:?} although nothing rotted")),
        None => Ok(()),
    }
}

/// A station that receives the records of another one.
pub struct Peers {
    desk: Desk,
    sent: Vec<Record>,
}

impl Peers {
    pub fn new() -> Self {
        let mut desk = Desk::new(8);
        let there = SimFs::new(0);
        let (mut journal, _) = desk.start(&there).unwrap();
        (0..10).for_each(|n| drop(desk.append(&mut journal, &vec![vec![b'r'; n * 90]; 4]).unwrap()));
        let sent = desk.read(&there).records;
        Self { desk, sent }
    }

    pub fn course_of_events(&mut self, seed: u64, tally: &mut Tally) -> Result<(), String> {
        let stations = self.desk.stations();
        let mut dice = Repeatable(seed ^ 0xFEED);
        let fs = SimFs::new(seed);
        let mut taken: Vec<[u8; 32]> = Vec::new();
        for life in 0..4 {
            if life < 3 {
                plan_accidents(&fs, &mut dice, life);
            }
            let files = Arc::new(fs.clone());
            let started = RecordLog::start(files, Path::new("/peers"), &HOSPITAL, &OTHER_STATION, &stations);
            if let Ok((mut log, contents)) = started {
                if !taken.iter().all(|id| log.holds(id)) {
                    return Err("a received record is lost".to_owned());
                }
                if !contents.records.iter().all(|record| self.sent.contains(record)) {
                    return Err("a record that nobody sent".to_owned());
                }
                nothing_rotten(&contents.damage)?;
                for _ in 0..dice.below(5) {
                    let from = dice.below(self.sent.len() as u64) as usize;
                    let to = self.sent.len().min(from + 1 + dice.below(6) as usize);
                    let part = &self.sent[from..to];
                    let _ = log.append(part);
                    // Held is what a receipt would be given for, whether this delivery brought it or an earlier one.
                    let before = taken.len();
                    taken.extend(part.iter().map(|record| *record.id()).filter(|id| log.holds(id)));
                    tally.acknowledged += (taken.len() - before) as u64;
                }
            } else {
                tally.crashed_starts += 1;
            }
            let ending = pick_ending(&mut dice);
            tally.end(&fs, ending);
        }
        tally.note(&fs);
        Ok(())
    }
}

impl Tally {
    pub fn end(&mut self, fs: &SimFs, ending: Ending) {
        self.images += 1;
        match ending {
            Ending::Kill => self.kills += 1,
            Ending::PowerCut => self.power_cuts += 1,
        }
        fs.restart(ending);
    }

    /// Takes down what went wrong in a file system that is done with.
    pub fn note(&mut self, fs: &SimFs) {
        self.accidents = sum(self.accidents, fs.accidents());
    }

    pub fn add(&mut self, other: &Self) {
        self.images += other.images;
        self.acknowledged += other.acknowledged;
        self.not_saved += other.not_saved;
        self.kills += other.kills;
        self.power_cuts += other.power_cuts;
        self.kill_then_power_cut += other.kill_then_power_cut;
        self.double_restarts += other.double_restarts;
        self.crashed_starts += other.crashed_starts;
        self.failed_sync_and_kill += other.failed_sync_and_kill;
        self.full_and_power_cut += other.full_and_power_cut;
        self.accidents = sum(self.accidents, other.accidents);
    }
}

fn sum(one: Accidents, other: Accidents) -> Accidents {
    Accidents {
        faults: one.faults + other.faults,
        failed_syncs: one.failed_syncs + other.failed_syncs,
        full: one.full + other.full,
        lost_sectors: one.lost_sectors + other.lost_sectors,
        garbled_sectors: one.garbled_sectors + other.garbled_sectors,
        lost_entries: one.lost_entries + other.lost_entries,
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} images, 0 of {} acknowledged records lost ({} times NOT SAVED); {} kills, {} power cuts, {} kills then \
             power cut, {} double restarts, {} crashed starts, {} failed syncs and a kill, {} full disks and a power cut; \
             {} faults, {} failed syncs, {} sectors lost, {} garbled, {} directory entries lost",
            self.images,
            self.acknowledged,
            self.not_saved,
            self.kills,
            self.power_cuts,
            self.kill_then_power_cut,
            self.double_restarts,
            self.crashed_starts,
            self.failed_sync_and_kill,
            self.full_and_power_cut,
            self.accidents.faults,
            self.accidents.failed_syncs,
            self.accidents.lost_sectors,
            self.accidents.garbled_sectors,
            self.accidents.lost_entries
        )
    }
}
