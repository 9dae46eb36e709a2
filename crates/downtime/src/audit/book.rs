//! The log opened for whoever may read it. Dropped, keys and all, when the last reader leaves.

use std::collections::BTreeMap;
use std::sync::Arc;

use vault::journal::{Class, JournalKeys, Record};
use vault::keys::RoleSecret;

use super::Sighting;
use crate::view::Order;

/// A sighting with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// SHA-256 of the record: its name everywhere.
    pub id: [u8; 32],
    /// Its place among all records of all stations.
    pub order: Order,
    /// How good the station's clock was, in the coding of [`crate::state::TimeQuality`].
    pub time_quality: u8,
    /// What was seen or done.
    pub sighting: Sighting,
}

/// Every sighting that can be read, in total order.
pub struct Book {
    keys: JournalKeys,
    seen: BTreeMap<(Order, [u8; 32]), Arc<Seen>>,
    sealed: BTreeMap<[u8; 32], Record>,
}

impl Book {
    /// An empty book for who holds the audit role.
    #[must_use]
    pub fn new(audit: RoleSecret) -> Self {
        Self {
            keys: JournalKeys::new(audit),
            seen: BTreeMap::new(),
            sealed: BTreeMap::new(),
        }
    }

    /// Takes records of any station in any order, each once.
    pub fn take(&mut self, records: &[Record]) {
        for record in records {
            // A key that was not wrapped to this role belongs to another log: somebody put it here.
            if !self.keys.learn(record) && record.header().class == Class::KEY {
                self.sealed.insert(*record.id(), record.clone());
            }
        }
        let waiting = std::mem::take(&mut self.sealed);
        for record in waiting.values().chain(records) {
            self.open(record);
        }
        // What no key opened stays counted.
        let strangers = waiting
            .into_iter()
            .filter(|(_, record)| record.header().class == Class::KEY);
        self.sealed.extend(strangers);
    }

    fn open(&mut self, record: &Record) {
        let header = record.header();
        if header.class == Class::KEY {
            return;
        }
        let order = Order {
            hlc: header.hlc,
            station: *header.station.as_bytes(),
            incarnation: *header.incarnation.as_bytes(),
            seq: header.seq,
        };
        let key = (order, *record.id());
        if self.seen.contains_key(&key) {
            return;
        }
        let sighting = self
            .keys
            .open(record)
            .ok()
            .and_then(|payload| Sighting::from_bytes(&payload).ok());
        match sighting {
            Some(sighting) => {
                let seen = Seen {
                    id: *record.id(),
                    order,
                    time_quality: header.time_quality,
                    sighting,
                };
                self.seen.insert(key, Arc::new(seen));
            }
            // Its key may still come, or it was written by a newer program: kept and counted.
            None => {
                self.sealed.insert(*record.id(), record.clone());
            }
        }
    }

    /// Everything, oldest first.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = &Arc<Seen>> {
        self.seen.values()
    }

    /// How many can be read.
    #[must_use]
    pub fn len(&self) -> usize {
        self.seen.len()
    }

    /// True without any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    /// Records that cannot be read here (yet).
    #[must_use]
    pub fn unreadable(&self) -> usize {
        self.sealed.len()
    }
}
