//! The network falls into pieces, people go on, and it comes back: every way in which five stations can be grouped, in both directions or
//! in one, before, during and after new data are published.
//!
//! 52 groupings × 2 × 3 = 312 courses, each with a number. A course: the wires are cut; at every station people write notes, receive,
//! register, print; the hub seals; the wires are mended. Then nothing that a desk said was saved may be missing anywhere, no number may
//! have been given twice, every station must hold byte for byte the same, and must have the newest data.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::desk::{Desk, Saved};
use crate::effort::{Dice, count, pause, seed, until};
use crate::hospital::{HUB, Hospital, Row, STATIONS, WARDS};
use crate::watch::Watch;
use crate::wires::alone;

/// Courses in every run of the suite.
const IN_THE_SUITE: usize = 3;
/// Longest until everybody has everything after the wires are mended.
pub const HEALED_WITHIN: Duration = Duration::from_secs(90);

/// When the network breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    BeforeTheSealing,
    WhileItIsFetched,
    AfterwardsOnly,
}

/// One course of events.
#[derive(Debug, Clone)]
struct Course {
    number: usize,
    /// For each of the five stations the number of its group; groups are numbered in the order in which they appear.
    groups: [usize; 5],
    /// A group is reached by earlier ones and does not reach them.
    one_way: bool,
    when: When,
}

impl Course {
    fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for groups in groupings() {
            for one_way in [false, true] {
                for when in [When::BeforeTheSealing, When::WhileItIsFetched, When::AfterwardsOnly] {
                    let number = all.len();
                    all.push(Self {
                        number,
                        groups,
                        one_way,
                        when,
                    });
                }
            }
        }
        all
    }

    /// The group of a place: the hub goes with the first station, the other hub with the last.
    fn group(&self, place: usize) -> usize {
        match place {
            0 => self.groups[0],
            1 => self.groups[4],
            ward => self.groups[ward - WARDS.start],
        }
    }

    fn may(&self, from: usize, to: usize) -> bool {
        let (from, to) = (self.group(from), self.group(to));
        from == to || (self.one_way && from < to)
    }
}

/// Every way to put five into groups: 52, the fifth Bell number.
fn groupings() -> Vec<[usize; 5]> {
    let mut all = Vec::new();
    for n in 0..5_usize.pow(5) {
        let groups: [usize; 5] = std::array::from_fn(|at| n / 5_usize.pow(4 - at as u32) % 5);
        let mut highest = 0;
        let ordered = groups.iter().enumerate().all(|(at, group)| {
            let next = if at == 0 { 0 } else { highest + 1 };
            let fits = *group <= next;
            highest = highest.max(*group);
            fits
        });
        if ordered {
            all.push(groups);
        }
    }
    all
}

#[test]
fn five_stations_have_fifty_two_groupings() {
    let all: BTreeSet<[usize; 5]> = groupings().into_iter().collect();
    assert_eq!((all.len(), groupings().len()), (52, 52));
    assert_eq!(Course::all().len(), 312);
}

#[test]
fn whatever_falls_apart_comes_together_again() {
    alone("partitions::whatever_falls_apart_comes_together_again", || {
        let (seed, all) = (seed(), Course::all());
        let wanted = count(IN_THE_SUITE, all.len());
        let mut dice = Dice::new(seed);
        let hospital = Hospital::new(120);
        hospital.start_all();
        let mut story = Story::begin(&hospital);
        // In torture all of them, in the suite a few that differ: 103 and 312 have no common divisor.
        let first = dice.roll(all.len());
        for n in 0..wanted {
            let course = &all[if wanted == all.len() {
                n
            } else {
                (first + n * 103) % all.len()
            }];
            println!("course {} of 312, seed {seed}: {course:?}", course.number);
            story.course(course, &mut dice);
        }
        let looks = story.watch.is_clean("what must never be seen");
        println!(
            "torture: {wanted} courses of a network that falls apart, seed {seed}: {} entries said to be saved, all at seven stations; \
             {} refused and said so; {looks} looks at a station",
            story.saved.len(),
            story.refused.len(),
        );
        assert!(
            story.saved.len() >= wanted * STATIONS.len(),
            "people worked: {:?}",
            story.refused
        );
    });
}

/// Seven stations at work and everything that was said to be saved.
pub struct Story {
    hospital: Arc<Hospital>,
    pub watch: Watch,
    desks: Vec<Desk>,
    pub saved: BTreeSet<Saved>,
    refused: Vec<String>,
    notes: usize,
}

impl Story {
    /// The EHR stops, somebody declares it, and everybody sits down.
    pub fn begin(hospital: &Arc<Hospital>) -> Self {
        let watch = Watch::over(hospital);
        let everywhere = |what: &str, is: &str| {
            for place in 0..STATIONS.len() {
                let mut looker = crate::desk::Person::at(hospital, place, crate::hospital::RECEPTION);
                until(what, Duration::from_secs(60), || match looker.mode()?.as_str() {
                    mode if mode == is => Ok(()),
                    mode => Err(format!("{}: {mode}", STATIONS[place].0)),
                });
            }
        };
        everywhere("the EHR is seen everywhere", "normal");
        hospital.ehr_answers(false);
        watch.ehr_is_gone();
        everywhere("its silence is seen everywhere", "silent");
        let mut desks: Vec<Desk> = (0..STATIONS.len()).map(|place| Desk::at(hospital, place)).collect();
        let declared = desks[HUB].reception.declare().expect("it can be declared");
        everywhere("the declaration is heard everywhere", "ehr");
        Self {
            hospital: Arc::clone(hospital),
            watch,
            desks,
            saved: BTreeSet::from([declared]),
            refused: Vec::new(),
            notes: 0,
        }
    }

    fn course(&mut self, course: &Course, dice: &mut Dice) {
        let hospital = Arc::clone(&self.hospital);
        match course.when {
            When::BeforeTheSealing => {
                hospital.wires.only(|from, to| course.may(from, to));
                hospital.seal();
            }
            When::WhileItIsFetched => {
                hospital.seal();
                pause(dice.roll(1_500) as u64);
                hospital.wires.only(|from, to| course.may(from, to));
            }
            When::AfterwardsOnly => {
                let epoch = self.sealed();
                self.everybody_has(epoch);
                hospital.wires.only(|from, to| course.may(from, to));
            }
        }
        self.work(dice);
        hospital.wires.heal();
        self.comes_together(&format!("course {}", course.number));
    }

    /// Everybody does something, whatever the network does.
    pub fn work(&mut self, dice: &mut Dice) {
        for place in 0..STATIONS.len() {
            self.work_at(place, dice);
        }
    }

    /// The same at one station.
    pub fn work_at(&mut self, place: usize, dice: &mut Dice) {
        self.notes += 1;
        let text = format!("記録 {} {}", self.notes, STATIONS[place].0);
        let desk = &mut self.desks[place];
        let mut done = vec![desk.physician.note(&text, dice)];
        match dice.roll(3) {
            0 => done.push(desk.reception.receive(dice)),
            1 => done.push(desk.reception.temporary(dice)),
            _ => self.refused.extend(desk.physician.print(dice).err()),
        }
        for done in done {
            match done {
                Ok(saved) => assert!(self.saved.insert(saved), "one name for two entries"),
                Err(why) => self.refused.push(why),
            }
        }
    }

    /// How many acts were refused.
    pub fn refused(&self) -> usize {
        self.refused.len()
    }

    /// What was said to the last one.
    pub fn last_refusal(&self) -> String {
        self.refused.last().cloned().unwrap_or_default()
    }

    /// Others take the seats at a place.
    pub fn sits_down(&mut self, place: usize, desk: Desk) {
        self.desks[place] = desk;
    }

    /// Seals, and gives the number of what was sealed.
    pub fn sealed(&self) -> u64 {
        self.hospital.seal();
        self.hospital.verified(HUB).expect("what was just sealed opens")
    }

    /// Everybody gets the data of this number.
    pub fn everybody_has(&self, epoch: u64) {
        for place in 0..STATIONS.len() {
            until("the newest data are everywhere", HEALED_WITHIN, || {
                match self.watch.epoch(place) {
                    Some(there) if there >= epoch => Ok(()),
                    there => Err(format!("{} has {there:?} and not {epoch}", STATIONS[place].0)),
                }
            });
        }
    }

    /// What must be true once everybody reaches everybody again.
    pub fn comes_together(&self, of: &str) {
        let epoch = self.hospital.verified(HUB).expect("the hub's own data open");
        self.everybody_has(epoch);
        let mut there: Vec<Vec<u8>> = vec![Vec::new(); STATIONS.len()];
        until(&format!("{of}: everybody holds the same"), HEALED_WITHIN, || {
            for (place, there) in there.iter_mut().enumerate() {
                *there = self.hospital.exported(place)?;
                self.nothing_is_missing(&self.hospital.rows(place)?, STATIONS[place].0)?;
            }
            let first = &there[HUB];
            match (1..there.len()).find(|place| there[*place] != *first) {
                None => Ok(()),
                Some(place) => Err(format!("{} and {} differ", STATIONS[HUB].0, STATIONS[place].0)),
            }
        });
        let rows = self.hospital.rows(HUB).expect("the hub's entries");
        numbers_are_given_once(&rows, of);
        self.watch.is_clean(of);
    }

    fn nothing_is_missing(&self, rows: &[Row], at: &str) -> Result<(), String> {
        let there: BTreeMap<&str, &Row> = rows.iter().map(|row| (row["記載番号"].as_str(), row)).collect();
        assert_eq!(there.len(), rows.len(), "{at}: every entry once");
        for saved in &self.saved {
            let row = there.get(saved.entry.as_str());
            let Some(row) = row else {
                return Err(format!("{at} lacks what {} said is saved: {saved:?}", saved.station));
            };
            assert_eq!(
                (row["種別"].as_str(), row["端末"].as_str()),
                (saved.kind, saved.station)
            );
        }
        Ok(())
    }
}

/// Reception numbers, numbers of sheets (but for those printed again) and temporary numbers.
pub fn numbers_are_given_once(rows: &[Row], of: &str) {
    let mut given: BTreeMap<String, usize> = BTreeMap::new();
    for row in rows {
        let content = |label: &str| {
            let rest = row["内容"].split(label).nth(1)?;
            rest.split('\n').next().map(str::to_owned)
        };
        let number = match row["種別"].as_str() {
            "受付" => content("受付番号："),
            "仮患者登録" => Some(row["仮番号"].clone()),
            _ if row["内容"].contains("区分：再発行") => None,
            _ => content("帳票番号："),
        };
        if let Some(number) = number {
            *given.entry(number).or_default() += 1;
        }
    }
    let twice: Vec<_> = given.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "{of}: given twice: {twice:?}");
    assert!(!given.is_empty(), "{of}: no number was given at all");
}
