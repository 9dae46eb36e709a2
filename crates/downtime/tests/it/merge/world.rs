//! Thirty stations and what happens to them, from one seed.

use std::sync::Arc;

use chart::{Entry, EntryId, Moment};
use downtime::view::{Day, Order, Recorded};

use super::dice::Dice;
use super::shown::shown;
use super::tally::Tally;

const STATIONS: usize = 30;
const STEPS: u64 = 220;
/// Stations whose day is folded and laid down at the end of a seed. Without optimisation all thirty would take minutes;
/// `cargo xtask torture` folds all. What each holds is compared for all of them always.
const FOLDED: usize = if cfg!(debug_assertions) { 8 } else { STATIONS };
/// 2026-11-20 09:00 in Japan.
const START: i64 = 1_795_132_800;

/// A rule that is broken on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// What is shown depends on the order in which entries arrived.
    FoldByArrival,
    /// A receipt is given for what is not on the disk yet.
    ReceiptBeforeDisk,
    /// A record is sent on before it is on its own station's disk.
    SentBeforeDisk,
    /// Heads name the newest record although one before it is missing.
    HeadOverGap,
    /// A station passes on its own records only.
    SendsOnlyItsOwn,
}

impl Broken {
    pub const ALL: [Self; 5] = [
        Self::FoldByArrival,
        Self::ReceiptBeforeDisk,
        Self::SentBeforeDisk,
        Self::HeadOverGap,
        Self::SendsOnlyItsOwn,
    ];
}

/// A record: where it stands in its chain, and what it says to a program that can read it.
pub(super) struct Record {
    station: usize,
    seq: u64,
    hlc: u64,
    /// `None`: written by a newer program; kept, forwarded, counted.
    pub(super) read: Option<Arc<Recorded>>,
}

/// One station.
#[derive(Default)]
pub(super) struct Station {
    alive: bool,
    skew: i64,
    hlc: u64,
    /// Records on the disk, in the order in which they arrived. Own ones among them.
    pub(super) disk: Vec<usize>,
    /// Records in memory only: a restart loses them.
    pub(super) memory: Vec<usize>,
    /// How far this station was told that a peer has its own records on the disk.
    receipts: u64,
    part: usize,
    next: u64,
}

/// Records on their way.
struct Parcel {
    to: usize,
    records: Vec<usize>,
}

/// All of it.
pub struct World {
    pub(super) dice: Dice,
    broken: Option<Broken>,
    pub(super) records: Vec<Record>,
    pub(super) stations: Vec<Station>,
    flying: Vec<Parcel>,
    now: i64,
    told_safe: Vec<usize>,
    /// Whose receipt came last: where lightning strikes.
    struck: Option<usize>,
    burnt: bool,
}

impl World {
    /// Runs one seed; says what went wrong.
    pub fn run(seed: u64, broken: Option<Broken>, tally: &mut Tally) -> Result<(), String> {
        let mut dice = Dice(seed.wrapping_mul(0x0005_DEEC_E66D).wrapping_add(11));
        let stations = (0..STATIONS)
            .map(|_| Station {
                alive: true,
                // Most clocks are good, some are minutes off, a few are days off.
                skew: match dice.below(10) {
                    0 => dice.below(400_000) as i64 - 200_000,
                    1..=3 => dice.below(600) as i64 - 300,
                    _ => 0,
                },
                ..Station::default()
            })
            .collect();
        let mut world = Self {
            dice,
            broken,
            records: Vec::new(),
            stations,
            flying: Vec::new(),
            now: START,
            told_safe: Vec::new(),
            struck: None,
            burnt: false,
        };
        tally.seeds += 1;
        for step in 0..STEPS {
            world.step(tally);
            if step > STEPS / 3 {
                world.lightning(tally);
            }
        }
        world.heal(tally)?;
        world.check(tally)
    }

    fn step(&mut self, tally: &mut Tally) {
        self.now += self.dice.below(240) as i64;
        let who = self.dice.below(STATIONS);
        match self.dice.below(100) {
            0..=17 => self.record(who, tally),
            18..=29 => self.sync(who),
            30..=63 => self.ask(who, tally),
            64..=87 => self.deliver(tally),
            88..=93 => self.restart(who, tally),
            94..=97 => {
                let part = self.dice.below(4);
                self.stations[who].part = part;
            }
            _ => self.stations.iter_mut().for_each(|s| s.part = 0),
        }
    }

    /// Somebody records something, as the keeper does: on the disk, then shown and sent on.
    fn record(&mut self, at: usize, tally: &mut Tally) {
        if !self.stations[at].alive {
            return;
        }
        let wall = self.now + self.stations[at].skew;
        let station = &mut self.stations[at];
        station.hlc = (wall.max(0) as u64 * 1_000).max(station.hlc + 1);
        station.next += 1;
        let (seq, hlc) = (station.next, station.hlc);
        let newer = self.dice.one_in(40);
        tally.newer += u64::from(newer);
        let entry = (!newer).then(|| self.invent(at, Moment(wall), tally));
        let place = self.write(at, seq, hlc, entry);
        tally.entries += 1;
        // Some records never get to the disk before the process ends.
        if self.dice.one_in(6) {
            self.stations[at].memory.push(place);
        } else {
            self.sync(at);
            self.stations[at].disk.push(place);
        }
    }

    fn write(&mut self, station: usize, seq: u64, hlc: u64, entry: Option<Entry>) -> usize {
        let place = self.records.len();
        let read = entry.map(|entry| {
            let mut id = [0; 32];
            let mut name = Dice(place as u64 ^ self.dice.roll());
            for chunk in id.chunks_mut(8) {
                chunk.copy_from_slice(&name.roll().to_le_bytes());
            }
            let mut name = [0; 16];
            name[0] = station as u8;
            let order = Order {
                hlc,
                station: name,
                incarnation: [0; 8],
                seq,
            };
            Arc::new(Recorded {
                id: EntryId(id),
                order,
                entry,
            })
        });
        self.records.push(Record {
            station,
            seq,
            hlc,
            read,
        });
        place
    }

    fn sync(&mut self, at: usize) {
        let station = &mut self.stations[at];
        let memory = std::mem::take(&mut station.memory);
        station.disk.extend(memory);
    }

    /// What a station has of each chain without a gap. `volatile`: counting what is only in memory.
    fn heads(&self, at: usize, volatile: bool) -> [u64; STATIONS] {
        let station = &self.stations[at];
        let mut seen: [u64; STATIONS] = [0; STATIONS];
        let held = station
            .disk
            .iter()
            .chain(if volatile { station.memory.as_slice() } else { &[] });
        if self.broken == Some(Broken::HeadOverGap) {
            for place in held {
                let record = &self.records[*place];
                seen[record.station] = seen[record.station].max(record.seq);
            }
            return seen;
        }
        let mut masks = [0_u128; STATIONS];
        for place in held {
            let record = &self.records[*place];
            masks[record.station] |= 1_u128 << record.seq;
        }
        for (head, mask) in seen.iter_mut().zip(masks) {
            *head = u64::from((mask >> 1).trailing_ones());
        }
        seen
    }

    /// A station asks another for what it lacks; the answer flies, twice sometimes, and sometimes never lands.
    fn ask(&mut self, at: usize, tally: &mut Tally) {
        // Mostly a neighbour of the same ward, sometimes anybody.
        let from = match self.dice.below(4) {
            0 => self.dice.below(STATIONS),
            n => (at + n) % STATIONS,
        };
        let (one, other) = (&self.stations[at], &self.stations[from]);
        if at == from || !one.alive || !other.alive || one.part != other.part {
            return;
        }
        let theirs = self.heads(at, false);
        self.receipt(from, at, &theirs);
        let records = self.missing(from, &theirs);
        if records.is_empty() {
            return;
        }
        if self.dice.one_in(4) {
            tally.duplicates += 1;
            self.flying.push(Parcel {
                to: at,
                records: records.clone(),
            });
        }
        self.flying.push(Parcel { to: at, records });
    }

    fn missing(&self, from: usize, theirs: &[u64; STATIONS]) -> Vec<usize> {
        let station = &self.stations[from];
        let unsaved: &[usize] = if self.broken == Some(Broken::SentBeforeDisk) {
            &station.memory
        } else {
            &[]
        };
        let lacks = |place: &&usize| {
            let record = &self.records[**place];
            let passes = self.broken != Some(Broken::SendsOnlyItsOwn) || record.station == from;
            record.seq > theirs[record.station] && passes
        };
        station.disk.iter().chain(unsaved).filter(lacks).copied().collect()
    }

    /// `by` says to `of` how far it has `of`'s records on its disk.
    fn receipt(&mut self, of: usize, by: usize, heads: &[u64; STATIONS]) {
        let said = if self.broken == Some(Broken::ReceiptBeforeDisk) {
            self.heads(by, true)[of]
        } else {
            heads[of]
        };
        let own = self.own_whole(of);
        let (before, now) = (self.stations[of].receipts, said.min(own));
        if now > before {
            self.stations[of].receipts = now;
            self.struck = Some(of);
            let safe = |place: &usize| {
                let record = &self.records[*place];
                record.station == of && record.seq > before && record.seq <= now
            };
            let places: Vec<usize> = self.stations[of].disk.iter().copied().filter(safe).collect();
            self.told_safe.extend(places);
        }
    }

    fn own_whole(&self, at: usize) -> u64 {
        self.heads(at, false)[at]
    }

    fn deliver(&mut self, tally: &mut Tally) {
        if self.flying.is_empty() {
            return;
        }
        let which = self.dice.below(self.flying.len());
        tally.late += u64::from(which > 0);
        let parcel = self.flying.swap_remove(which);
        // A parcel may also be cut short or lost.
        let records = match self.dice.below(8) {
            0 => return,
            1 => &parcel.records[parcel.records.len() / 2..],
            _ => &parcel.records,
        };
        tally.deliveries += 1;
        self.take(parcel.to, records);
    }

    fn take(&mut self, at: usize, records: &[usize]) {
        if !self.stations[at].alive {
            return;
        }
        let limit = (self.now + self.stations[at].skew + 86_400).max(0) as u64 * 1_000;
        for place in records {
            let station = &self.stations[at];
            if station.disk.contains(place) || station.memory.contains(place) {
                continue;
            }
            let hlc = self.records[*place].hlc;
            let station = &mut self.stations[at];
            station.memory.push(*place);
            if hlc <= limit {
                station.hlc = station.hlc.max(hlc);
            }
        }
        if !self.dice.one_in(3) {
            self.sync(at);
        }
    }

    fn restart(&mut self, at: usize, tally: &mut Tally) {
        if !self.stations[at].alive {
            return;
        }
        let lost = self.stations[at].memory.len() as u64;
        tally.restarts += 1;
        tally.lost_before_the_disk += lost;
        self.stations[at].memory.clear();
        // The journal goes on behind the last record that is on the disk.
        self.stations[at].next = self.own_whole(at);
    }

    /// Once, the station that was just told that its records are safe is destroyed, and the power fails everywhere.
    fn lightning(&mut self, tally: &mut Tally) {
        let Some(struck) = self.struck.take() else { return };
        if !self.burnt && self.dice.one_in(3) {
            self.burnt = true;
            tally.destroyed += 1;
            self.stations[struck].alive = false;
            (0..STATIONS).for_each(|at| self.restart(at, tally));
        }
    }

    /// Everything is mended; stations exchange until nobody lacks anything.
    fn heal(&mut self, tally: &mut Tally) -> Result<(), String> {
        while !self.flying.is_empty() {
            self.deliver(tally);
        }
        for at in 0..STATIONS {
            self.stations[at].part = 0;
            self.sync(at);
        }
        for _ in 0..STATIONS {
            let mut moved = false;
            let alive: Vec<usize> = (0..STATIONS).filter(|at| self.stations[*at].alive).collect();
            for (n, at) in alive.iter().enumerate() {
                let from = alive[(n + 1) % alive.len()];
                let missing = self.missing(from, &self.heads(*at, false));
                let new = missing.iter().any(|place| !self.stations[*at].disk.contains(place));
                moved |= new;
                self.take(*at, &missing);
                self.sync(*at);
            }
            if !moved {
                return Ok(());
            }
        }
        Err("the stations never stop exchanging".to_owned())
    }

    fn check(&mut self, tally: &mut Tally) -> Result<(), String> {
        tally.told_safe += self.told_safe.len() as u64;
        let survivors: Vec<usize> = (0..STATIONS).filter(|at| self.stations[*at].alive).collect();
        let moments = [Moment(START + 1_800), Moment(self.now), Moment(self.now + 7_200)];
        let mut expected: Option<(Vec<u8>, Vec<usize>)> = None;
        for at in survivors {
            let mut held = self.stations[at].disk.clone();
            held.sort_unstable();
            let lost = self.told_safe.iter().find(|place| held.binary_search(place).is_err());
            if let Some(place) = lost {
                let record = &self.records[*place];
                return Err(format!(
                    "station {at} lacks record {} of station {}, which was told safe",
                    record.seq, record.station
                ));
            }
            if let Some((_, others)) = &expected
                && *others != held
            {
                return Err(format!(
                    "station {at} holds {} records, another {}",
                    held.len(),
                    others.len()
                ));
            }
            if expected.is_some() && (at + self.records.len()) % STATIONS >= FOLDED {
                continue;
            }
            let bytes = self.fold(at, &moments);
            tally.folds += 1;
            match &expected {
                None => {
                    let day = self.day(at);
                    tally.conflicts += day.conflicts().len() as u64;
                    expected = Some((bytes, held));
                }
                Some((others, _)) if *others != bytes => return Err(format!("station {at} shows something else")),
                Some(_) => {}
            }
        }
        Ok(())
    }

    fn day(&self, at: usize) -> Day {
        // Stations differ in how much they keep unpacked: nobody may see it.
        let mut day = Day::with_open(if at.is_multiple_of(3) { 4 } else { 1_000 });
        let disk = &self.stations[at].disk;
        let read = |places: &[usize]| -> Vec<Arc<Recorded>> {
            places
                .iter()
                .filter_map(|place| self.records[*place].read.clone())
                .collect()
        };
        if self.broken == Some(Broken::FoldByArrival) {
            day.add((0..).zip(read(disk)).map(|(n, r)| Recorded {
                order: Order { hlc: n, ..r.order },
                ..(*r).clone()
            }));
        } else if at.is_multiple_of(10) {
            // As it happens on a station that runs: parcel by parcel.
            disk.chunks(5).for_each(|places| day.add_shared(read(places)));
        } else {
            day.add_shared(read(disk));
        }
        day
    }

    fn fold(&self, at: usize, moments: &[Moment]) -> Vec<u8> {
        shown(&self.day(at), moments)
    }
}
