//! Which patients there are and how much of each is wanted: a number per patient instead of a text, in little memory.
//!
//! Patient numbers are kept exactly as `PatientId` reads them; nothing here knows a name.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use chart::PatientId;
use hashbrown::HashMap;

use crate::sources::Wanted;

/// Most patients one export may name.
pub const MAX_PEOPLE: usize = 2_000_000;

/// How many neighbours [`People::find_near`] looks at.
const NEAR: usize = 4;

/// A patient number in a fixed place, so that a million of them are one allocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    length: u8,
    bytes: [u8; PatientId::MAX],
}

impl Hash for Key {
    /// The number alone: what lies behind it is always zero.
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.bytes.get(..usize::from(self.length)).unwrap_or(&self.bytes));
    }
}

/// How much of a patient is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// No appointment in the days asked for.
    Nothing,
    /// Appointments in the coming days only.
    Thin,
    /// An appointment on the day.
    Full,
}

/// One patient of the export.
#[derive(Debug, Clone, Copy)]
pub struct Person {
    /// The number.
    pub key: Key,
    /// How much is wanted.
    pub reach: Reach,
    /// True when a patient file has a row for this number.
    pub registered: bool,
}

/// Everybody, each with a small number in the order of first sight.
#[derive(Debug, Default)]
pub struct People {
    numbers: HashMap<Key, u32>,
    list: Vec<Person>,
    wanted: Option<Arc<Wanted>>,
}

impl Key {
    /// From the raw bytes of a column; `None` when they are not plainly a patient number (blanks around it are allowed).
    #[must_use]
    pub fn of_bytes(raw: &[u8]) -> Option<Self> {
        let raw = raw.trim_ascii();
        let plain = !raw.is_empty()
            && raw.len() <= PatientId::MAX
            && raw.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-');
        if !plain {
            return None;
        }
        let mut bytes = [0; PatientId::MAX];
        bytes.get_mut(..raw.len())?.copy_from_slice(raw);
        Some(Self {
            length: u8::try_from(raw.len()).ok()?,
            bytes,
        })
    }

    /// From text in any width.
    #[must_use]
    pub fn of_text(text: &str) -> Option<Self> {
        Self::of_bytes(text.as_bytes()).or_else(|| Self::of_bytes(PatientId::parse(text)?.as_str().as_bytes()))
    }

    /// The number as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..usize::from(self.length)).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or("")
    }

    /// True when a text is this number to the letter.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        self.bytes.get(..usize::from(self.length)) == Some(text.as_bytes())
    }

    /// The number as its own type.
    #[must_use]
    pub fn id(&self) -> Option<PatientId> {
        PatientId::parse(self.as_str())
    }
}

impl People {
    /// Nobody yet; whoever comes and is among those asked for is wanted at once.
    #[must_use]
    pub fn wanting(wanted: Option<Arc<Wanted>>) -> Self {
        Self {
            wanted,
            ..Self::default()
        }
    }

    /// True unless somebody has said who is wanted and this patient is not among them.
    #[must_use]
    pub fn wants(&self, id: &PatientId) -> bool {
        self.wanted.as_ref().is_none_or(|wanted| wanted.contains_key(id))
    }

    /// The number of a patient seen before.
    #[must_use]
    pub fn find(&self, key: &Key) -> Option<u32> {
        self.numbers.get(key).copied()
    }

    /// The number of a patient who is one of the next few behind another: files mostly list people in one and the same order, and a look
    /// at the neighbours costs less than a search among a million.
    #[must_use]
    pub fn find_near(&self, before: u32, key: &Key) -> Option<u32> {
        let from = before as usize + 1;
        let near = self.list.get(from..self.list.len().min(from + NEAR))?;
        let at = near.iter().position(|person| person.key == *key)?;
        u32::try_from(from + at).ok()
    }

    /// The number of a patient, new or seen before; `None` when there are too many.
    pub fn enter(&mut self, key: Key) -> Option<u32> {
        if let Some(number) = self.find(&key) {
            return Some(number);
        }
        let number = u32::try_from(self.list.len())
            .ok()
            .filter(|_| self.list.len() < MAX_PEOPLE)?;
        let asked = || self.wanted.as_ref()?.get(&key.id()?).copied();
        self.list.push(Person {
            key,
            reach: asked().unwrap_or(Reach::Nothing),
            registered: false,
        });
        self.numbers.insert(key, number);
        Some(number)
    }

    /// One patient.
    #[must_use]
    pub fn get(&self, number: u32) -> Option<&Person> {
        self.list.get(number as usize)
    }

    /// Widens how much of a patient is wanted.
    pub fn want(&mut self, number: u32, reach: Reach) {
        if let Some(person) = self.list.get_mut(number as usize) {
            person.reach = person.reach.max(reach);
        }
    }

    /// Says that a patient file has a row for this number.
    pub fn register(&mut self, number: u32) {
        if let Some(person) = self.list.get_mut(number as usize) {
            person.registered = true;
        }
    }

    /// Everybody in the order of first sight.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &Person)> {
        (0_u32..).zip(self.list.iter())
    }

    /// True before anybody was named.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_zeros_and_are_found_again() {
        let mut people = People::default();
        let one = people.enter(Key::of_bytes(b" 00123 ").unwrap()).unwrap();
        assert_eq!(people.enter(Key::of_text("００１２３").unwrap()), Some(one));
        assert_ne!(people.enter(Key::of_bytes(b"123").unwrap()), Some(one));
        assert_eq!(people.get(one).unwrap().key.as_str(), "00123");
        people.want(one, Reach::Full);
        people.want(one, Reach::Thin);
        assert_eq!(people.get(one).unwrap().reach, Reach::Full);
        for bad in [&b""[..], b"  ", b"12 3", b"123456789012345678901", b"1\x002"] {
            assert_eq!(Key::of_bytes(bad), None);
        }
    }

    #[test]
    fn a_neighbour_is_found_as_the_search_among_all_finds_it() {
        let mut people = People::default();
        let keys: Vec<Key> = (0..20)
            .map(|n| Key::of_bytes(format!("0{n}").as_bytes()).unwrap())
            .collect();
        for key in &keys {
            people.enter(*key);
        }
        for before in [0, 3, 15, 18, 19, 20, u32::MAX] {
            for key in &keys {
                let found = people.find_near(before, key);
                assert!(found.is_none() || found == people.find(key));
            }
        }
        assert_eq!(people.find_near(3, &keys[7]), Some(7));
        assert_eq!(people.find_near(3, &keys[3]), None);
    }
}
