//! Seven stations at work, everything that was said to be saved, and what must be true of it afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::desk::{Desk, Person, Saved};
use crate::effort::{Dice, until};
use crate::hospital::{HUB, Hospital, RECEPTION, Row, STATIONS};
use crate::watch::Watch;

/// Longest until everybody has everything after the wires are mended.
pub const HEALED_WITHIN: Duration = Duration::from_secs(90);

/// Seven stations at work and everything that was said to be saved.
pub struct Story {
    pub hospital: Arc<Hospital>,
    pub watch: Watch,
    desks: Vec<Desk>,
    pub saved: BTreeSet<Saved>,
    pub refused: Vec<String>,
    notes: usize,
}

impl Story {
    /// The EHR stops, somebody declares it, and everybody sits down.
    pub fn begin(hospital: &Arc<Hospital>) -> Self {
        let watch = Watch::over(hospital);
        let everywhere = |what: &str, is: &str| {
            for (place, (name, ..)) in STATIONS.iter().enumerate() {
                let mut looker = Person::at(hospital, place, RECEPTION);
                until(what, Duration::from_secs(60), || match looker.mode()?.as_str() {
                    mode if mode == is => Ok(()),
                    mode => Err(format!("{name}: {mode}")),
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
        for (place, (name, ..)) in STATIONS.iter().enumerate() {
            until("the newest data are everywhere", HEALED_WITHIN, || {
                match self.watch.epoch(place) {
                    Some(there) if there >= epoch => Ok(()),
                    there => Err(format!("{name} has {there:?} and not {epoch}")),
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
