//! Entries opened for the people who are signed in. Dropped, keys and all, when the last of them leaves.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard};

use chart::Entry;
use vault::journal::{Class, JournalKeys, Record};
use vault::keys::RoleSecret;

use crate::journal::recorded;
use crate::view::{Day, Recorded};

/// The day as it stands, and the keys that open further records.
pub struct Live {
    day: RwLock<Day>,
    /// Nothing for who reads no entries: then only open records are.
    keys: Mutex<Option<JournalKeys>>,
    unreadable: Mutex<Vec<[u8; 32]>>,
    disagreeing: AtomicUsize,
}

impl Live {
    /// Opens every record that can be opened.
    pub(super) fn open(journal: Option<RoleSecret>, records: &[Record]) -> Self {
        let live = Self {
            day: RwLock::default(),
            keys: Mutex::new(journal.map(JournalKeys::new)),
            unreadable: Mutex::default(),
            disagreeing: AtomicUsize::new(0),
        };
        live.take(records);
        live
    }

    /// Opens further records and adds them to the day. Keys are learnt first: a record may come before its key.
    pub(super) fn take(&self, records: &[Record]) {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(keys) = keys.as_mut() {
            for record in records {
                keys.learn(record);
            }
        }
        let mut opened = Vec::with_capacity(records.len());
        for record in records.iter().filter(|r| r.header().class != Class::KEY) {
            let entry = match (record.open_payload(), keys.as_ref()) {
                (Some(open), _) => Entry::from_bytes(open).ok(),
                (None, Some(keys)) => keys
                    .open(record)
                    .ok()
                    .and_then(|payload| Entry::from_bytes(&payload).ok()),
                // Not theirs to read, so not missing either.
                (None, None) => continue,
            };
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
        let mut day = self.day.write().unwrap_or_else(PoisonError::into_inner);
        day.add(entries);
        self.disagreeing.store(day.conflicts().len(), Ordering::Relaxed);
    }

    /// The day.
    pub fn day(&self) -> RwLockReadGuard<'_, Day> {
        self.day.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Conflicts that wait for a person, without a look at the day: every page asks.
    #[must_use]
    pub fn disagreeing(&self) -> usize {
        self.disagreeing.load(Ordering::Relaxed)
    }

    /// Records that cannot be read here (yet): newer program, or key not here.
    #[must_use]
    pub fn unreadable(&self) -> usize {
        self.unreadable.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}
