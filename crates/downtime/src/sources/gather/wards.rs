//! Who lies in which bed, known after the first pass: beds that hold two people, and beds that hold nobody.
//!
//! A bed is only called empty when the list of inpatients could be read; whose chart says what is `draft`'s.

use std::collections::{BTreeMap, BTreeSet};

use chart::stay::Bed;
use chart::{Finding, Severity};

use super::ledger::Ledger;
use super::people::People;
use crate::sources::Beds;

/// Most beds of one hospital.
pub const MAX_BEDS: usize = 20_000;

/// Beds and people of the first pass.
#[derive(Debug, Default)]
pub struct Wards {
    /// Every bed that some row named, as it was named first.
    beds: BTreeMap<BedKey, Bed>,
    /// People by bed.
    lying: BTreeMap<BedKey, Vec<u32>>,
    /// Beds of a bed list, where there is one.
    listed: BTreeSet<BedKey>,
}

type BedKey = (String, String, String);

/// Others in the same bed, by patient number.
pub type Crowded = BTreeMap<String, String>;

impl Wards {
    /// A row that names a bed without saying who lies in it. False when there are too many.
    pub fn bed(&mut self, bed: Bed, listed: bool) -> bool {
        let key = owned(&bed);
        if listed {
            self.listed.insert(key.clone());
        }
        if self.beds.len() >= MAX_BEDS && !self.beds.contains_key(&key) {
            return false;
        }
        self.beds.entry(key).or_insert(bed);
        true
    }

    /// A row that says who lies in a bed.
    pub fn lies(&mut self, person: u32, bed: Bed) {
        // Without a bed number nobody shares one.
        if bed.bed.is_empty() && bed.room.is_empty() {
            return;
        }
        let people = self.lying.entry(owned(&bed)).or_default();
        if !people.contains(&person) {
            people.push(person);
        }
        self.bed(bed, false);
    }

    /// Tells of every bed with two people, and gives for each of them who the others are. Rooms without bed numbers hold many.
    pub fn crowded(&self, people: &People, ledger: &mut Ledger) -> Crowded {
        let mut crowded = Crowded::new();
        let id = |person: &u32| {
            people
                .get(*person)
                .map(|p| p.key.as_str().to_owned())
                .unwrap_or_default()
        };
        for (key, lying) in self
            .lying
            .iter()
            .filter(|(key, lying)| lying.len() > 1 && !key.2.is_empty())
        {
            let ids: Vec<String> = lying.iter().map(id).collect();
            let place = self.beds.get(key).map(place_of).unwrap_or_default();
            let message = format!(
                "{place} に{}人（{}）が入っています。全員を一覧に出しました。誰がその病床かを確かめてください。",
                ids.len(),
                ids.join("、")
            );
            ledger.add(Finding::new("bed.two_people", Severity::Severe, message));
            for one in &ids {
                let others: Vec<&str> = ids.iter().filter(|id| *id != one).map(String::as_str).collect();
                crowded.insert(
                    one.clone(),
                    format!("{place} には {} も入っています", others.join("、")),
                );
            }
        }
        crowded
    }

    /// Tells of beds that the bed list does not have.
    pub fn tell_unlisted(&self, people: &People, ledger: &mut Ledger) {
        if self.listed.is_empty() {
            return;
        }
        for (key, lying) in self.lying.iter().filter(|(key, _)| !self.listed.contains(*key)) {
            let place = self.beds.get(key).map(place_of).unwrap_or_default();
            for person in lying {
                let id = people
                    .get(*person)
                    .map(|p| p.key.as_str().to_owned())
                    .unwrap_or_default();
                let message = format!(
                    "{place} は病床の一覧にありません。書かれたとおりに出しました。病棟と病床を確かめてください。"
                );
                ledger.add(Finding::new("bed.unknown", Severity::Warning, message).about(&id));
            }
        }
    }

    /// What is known about beds. `read` is false when the list of inpatients could not be read whole.
    #[must_use]
    pub fn beds(self, mapped: bool, read: bool) -> Beds {
        match (mapped, read) {
            (false, _) => Beds::NotAsked,
            (true, false) => Beds::Unread,
            (true, true) => {
                let lying = self.lying;
                let empty = self.beds.into_iter().filter(|(key, _)| !lying.contains_key(key));
                Beds::Known {
                    empty: empty.map(|(_, bed)| bed).collect(),
                }
            }
        }
    }
}

fn owned(bed: &Bed) -> BedKey {
    let (ward, room, bed) = bed.key();
    (ward.to_owned(), room.to_owned(), bed.to_owned())
}

fn place_of(bed: &Bed) -> String {
    format!("{} {}", bed.ward.label(), bed.place())
}

#[cfg(test)]
mod tests {
    use super::super::people::Key;
    use super::*;
    use chart::Coded;

    fn bed(bed: &str) -> Bed {
        Bed {
            ward: Coded::new("5E", "5階東"),
            room: "501".into(),
            bed: bed.into(),
        }
    }

    #[test]
    fn a_bed_with_two_people_is_told_of_both_and_an_unread_list_has_no_empty_bed() {
        let mut people = People::default();
        let one = people.enter(Key::of_text("0001").unwrap()).unwrap();
        let two = people.enter(Key::of_text("0002").unwrap()).unwrap();
        let mut wards = Wards::default();
        wards.lies(one, bed("1"));
        wards.lies(two, bed("1"));
        wards.lies(two, bed("2"));
        wards.bed(bed("3"), true);
        let mut ledger = Ledger::default();
        let crowded = wards.crowded(&people, &mut ledger);
        assert_eq!(crowded.len(), 2);
        assert!(crowded["0001"].contains("0002"), "{crowded:?}");
        wards.tell_unlisted(&people, &mut ledger);
        assert_eq!(ledger.finish().0.len(), 4);
        let again = |read| {
            let mut wards = Wards::default();
            wards.lies(one, bed("1"));
            wards.bed(bed("1"), false);
            wards.bed(bed("3"), true);
            wards.beds(true, read)
        };
        assert_eq!(again(true), Beds::Known { empty: vec![bed("3")] });
        assert_eq!(again(false), Beds::Unread);
    }
}
