//! Who said what when: the order in which statements replace one another, whatever the order in which they arrive.
//!
//! Messages come late, twice and out of order. A register keeps the latest statement by a total order of (moment, number, content), so
//! that the same messages in any order leave the same.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use hl7::Message;

use super::read::{Remarks, When, cut};

/// Most different statements of one patient in one register (orders, results, movements).
pub const MAX_STATEMENTS: usize = 50_000;

/// The place of a statement in the order of statements.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Said {
    /// Milliseconds since 1970 of the message (MSH-7, else EVN-2, else when it was received).
    pub at: i64,
    /// MSH-10 with its length first, so that `10` comes after `9`.
    control: (usize, String),
    /// Of the whole text: two different messages are never equal.
    digest: u64,
}

impl Said {
    /// Of a message; `received` counts when the message has no time of its own.
    #[must_use]
    pub fn of(message: &Message<'_>, received: chart::Moment) -> Self {
        let header = message.header();
        let control = cut(&header.control_id(), 60);
        let at = [header.field(7), message.field("EVN", 2)]
            .into_iter()
            .find_map(|field| millis(&field.component(1).text()))
            .unwrap_or(received.0 * 1000);
        Self {
            at,
            control: (control.len(), control),
            digest: digest(message.text()),
        }
    }

    /// The moment, in seconds.
    #[must_use]
    pub const fn moment(&self) -> chart::Moment {
        chart::Moment(self.at.div_euclid(1000))
    }
}

/// `YYYYMMDDHHMMSS[.SSSS]` and `YYYYMMDDHHMMSSFFF` as milliseconds.
#[must_use]
pub fn millis(text: &str) -> Option<i64> {
    let when = When::read(text.get(..14).unwrap_or(text))?;
    let rest = text.trim().get(14..).unwrap_or("");
    let fraction: String = rest
        .trim_start_matches('.')
        .chars()
        .take_while(char::is_ascii_digit)
        .take(3)
        .collect();
    let scale = [0, 100, 10, 1].get(fraction.len()).copied().unwrap_or(0);
    Some(when.moment().0 * 1000 + fraction.parse::<i64>().unwrap_or(0) * scale)
}

fn digest(text: &str) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// The latest statement about one thing.
#[derive(Debug, Clone)]
pub struct Latest<T> {
    told: Option<Told<T>>,
}

/// A statement that counts.
#[derive(Debug, Clone)]
pub struct Told<T> {
    /// When.
    pub said: Said,
    /// The message or file.
    pub file: Arc<str>,
    /// What; `None` says that there is nothing.
    pub what: Option<T>,
    /// What was noticed while it was read.
    pub remarks: Remarks,
}

impl<T> Default for Latest<T> {
    fn default() -> Self {
        Self { told: None }
    }
}

impl<T> Latest<T> {
    /// Takes a statement unless a later one was taken.
    pub fn take(&mut self, told: Told<T>) {
        if self.told.as_ref().is_none_or(|known| known.said < told.said) {
            self.told = Some(told);
        }
    }

    /// What counts.
    #[must_use]
    pub const fn told(&self) -> Option<&Told<T>> {
        self.told.as_ref()
    }

    /// What is there, where something is.
    #[must_use]
    pub fn what(&self) -> Option<&T> {
        self.told.as_ref()?.what.as_ref()
    }
}

/// The latest statement about each of many things.
#[derive(Debug, Clone)]
pub struct Register<K, T> {
    by_key: BTreeMap<K, Latest<T>>,
    /// Statements beyond [`MAX_STATEMENTS`].
    pub dropped: u64,
}

impl<K, T> Default for Register<K, T> {
    fn default() -> Self {
        Self {
            by_key: BTreeMap::new(),
            dropped: 0,
        }
    }
}

impl<K: Ord, T> Register<K, T> {
    /// Takes a statement about one thing.
    pub fn take(&mut self, key: K, told: Told<T>) {
        let many = self.by_key.len() >= MAX_STATEMENTS;
        match self.by_key.entry(key) {
            Entry::Occupied(mut known) => known.get_mut().take(told),
            Entry::Vacant(_) if many => self.dropped += 1,
            Entry::Vacant(free) => free.insert(Latest::default()).take(told),
        }
    }

    /// Every thing with what counts about it, in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &Told<T>)> {
        self.by_key
            .iter()
            .filter_map(|(key, latest)| Some((key, latest.told()?)))
    }

    /// What counts about one thing.
    pub fn get(&self, key: &K) -> Option<&Told<T>> {
        self.by_key.get(key)?.told()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(at: i64, what: &'static str) -> Told<&'static str> {
        Told {
            said: Said { at, ..Said::default() },
            file: Arc::from(""),
            what: Some(what),
            remarks: Remarks::default(),
        }
    }

    #[test]
    fn the_later_statement_counts_in_either_order() {
        for order in [[0, 1], [1, 0]] {
            let both = [told(1, "old"), told(2, "new")];
            let mut latest = Latest::default();
            for at in order {
                latest.take(both[at].clone());
            }
            assert_eq!(latest.what(), Some(&"new"));
        }
    }

    #[test]
    fn fractions_of_seconds_order_messages() {
        let at = |text: &str| millis(text).unwrap();
        assert_eq!(at("20261120093015.120"), at("20261120093015120"));
        assert!(at("20261120093015.3399") > at("20261120093015.12"));
        assert_eq!(at("20261120093015.5") % 1000, 500);
        assert_eq!(millis("2026"), None);
    }
}
