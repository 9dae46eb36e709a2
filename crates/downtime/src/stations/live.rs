//! Entries opened for the people who are signed in. Dropped, keys and all, when the last of them leaves.

use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard};

use chart::Entry;
use vault::journal::{Class, JournalKeys, Record};
use vault::keys::RoleSecret;

use crate::journal::recorded;
use crate::view::{Day, Recorded};

/// The day as it stands, and the keys that open further records.
pub struct Live {
    day: RwLock<Day>,
    keys: Mutex<JournalKeys>,
    unreadable: Mutex<Vec<[u8; 32]>>,
}

impl Live {
    /// Opens every record that can be opened.
    pub(super) fn open(journal: RoleSecret, records: &[Record]) -> Self {
        let live = Self {
            day: RwLock::default(),
            keys: Mutex::new(JournalKeys::new(journal)),
            unreadable: Mutex::default(),
        };
        live.take(records);
        live
    }

    /// Opens further records and adds them to the day. Keys are learnt first: a record may come before its key.
    pub(super) fn take(&self, records: &[Record]) {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        for record in records {
            keys.learn(record);
        }
        let mut opened = Vec::with_capacity(records.len());
        for record in records.iter().filter(|r| r.header().class != Class::KEY) {
            let entry = keys
                .open(record)
                .ok()
                .and_then(|payload| Entry::from_bytes(&payload).ok());
            match entry {
                Some(entry) => opened.push(recorded(record, entry)),
                // Kept, forwarded and counted: it may be of a newer version, or its key may still come.
                None => self
                    .unreadable
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(*record.id()),
            }
        }
        drop(keys);
        self.add(opened);
    }

    /// Adds entries that were just saved here.
    pub(super) fn add(&self, entries: impl IntoIterator<Item = Recorded>) {
        self.day.write().unwrap_or_else(PoisonError::into_inner).add(entries);
    }

    /// The day.
    pub fn day(&self) -> RwLockReadGuard<'_, Day> {
        self.day.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records that cannot be read here (yet): newer program, or key not here.
    #[must_use]
    pub fn unreadable(&self) -> usize {
        self.unreadable.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}
