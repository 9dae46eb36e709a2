//! Entries opened for the people who are signed in. Dropped, keys and all, when the last of them leaves.
//!
//! Opening a million entries takes many seconds and nobody waits for that on the worst day: this station's own entries and the newest
//! arrivals are opened at once, the older ones behind everybody's back, the newest of them first, and every page says so until all
//! are there.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, Weak};

use chart::Entry;
use vault::journal::{Class, JournalKeys, Record};
use vault::keys::RoleSecret;

use super::replica::{Lies, Replica};
use crate::journal::recorded;
use crate::view::{Day, Recorded};

/// So many of the newest arrivals are open before the first page is shown: more than most hospitals write in a day.
const OPEN_FIRST: usize = 30_000;
/// So many are opened at a time while somebody waits for the first page.
pub(super) const AT_ONCE: usize = 10_000;
/// So many older ones at a time behind everybody's back: milliseconds for which whoever saves or looks may have to wait.
const SLICE: usize = 256;
/// Records that wait for their key, at most; more are only counted.
const MOST_WAITING: usize = 10_000;

/// The day as it stands, and the keys that open further records.
pub struct Live {
    day: RwLock<Day>,
    /// Nothing for who reads no entries: then only open records are.
    keys: Mutex<Option<JournalKeys>>,
    unreadable: Mutex<Unreadable>,
    disagreeing: AtomicUsize,
    /// Where keys of older records are looked up.
    replica: Option<Arc<Replica>>,
    /// Older records that are not open yet.
    older: AtomicUsize,
}

/// What is opened, beside what else is here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Age {
    /// What just came, or is shown first.
    Newest,
    /// Some of what is not the newest; more of it comes.
    Older,
    /// The last of it.
    Oldest,
}

/// Records that could not be opened. Their key may still come.
#[derive(Default)]
struct Unreadable {
    count: usize,
    waiting: Vec<Record>,
}

impl Live {
    /// Opens every record that can be opened.
    pub(super) fn open(journal: Option<RoleSecret>, records: &[Record]) -> Self {
        let live = Self::new(journal, None);
        live.take(records);
        live
    }

    fn new(journal: Option<RoleSecret>, replica: Option<Arc<Replica>>) -> Self {
        Self {
            day: RwLock::default(),
            keys: Mutex::new(journal.map(JournalKeys::new)),
            unreadable: Mutex::default(),
            disagreeing: AtomicUsize::new(0),
            replica,
            older: AtomicUsize::new(0),
        }
    }

    /// Opens this station's own records and the newest of others at once, and the older ones on a thread.
    #[must_use]
    pub fn of_replica(journal: RoleSecret, replica: &Arc<Replica>) -> Arc<Self> {
        Self::paced(journal, replica, OPEN_FIRST, std::thread::yield_now)
    }

    /// The same with another number to open first, and with something done before each slice of the older ones, when nothing is held.
    #[must_use]
    pub fn paced(
        journal: RoleSecret,
        replica: &Arc<Replica>,
        first: usize,
        between: impl Fn() + Send + Sync + 'static,
    ) -> Arc<Self> {
        let live = Arc::new(Self::new(Some(journal), Some(Arc::clone(replica))));
        let mut all = replica.all();
        // Numbers are counted on from what this station itself has written: that is there before anybody asks.
        let own = replica.mine();
        live.read(replica, &own, Age::Newest);
        // Only told apart here: the order of the older ones is looked at by who opens them.
        let older = all.len().saturating_sub(first);
        if older > 0 && older < all.len() {
            all.select_nth_unstable(older);
        }
        let mut newest = all.split_off(older);
        newest.sort_unstable();
        live.read(replica, &newest, Age::Newest);
        if !all.is_empty() {
            live.older.store(all.len(), Ordering::Relaxed);
            let (weak, source) = (Arc::downgrade(&live), Arc::clone(replica));
            let rest = Arc::new(Mutex::new(all));
            let between: Arc<dyn Fn() + Send + Sync> = Arc::new(between);
            let (on_thread, pace) = (Arc::clone(&rest), Arc::clone(&between));
            let thread = std::thread::Builder::new().name("older-entries".into());
            let started = thread.spawn(move || {
                let all = std::mem::take(&mut *on_thread.lock().unwrap_or_else(PoisonError::into_inner));
                open_older(&weak, &source, all, &*pace);
            });
            if started.is_err() {
                let all = std::mem::take(&mut *rest.lock().unwrap_or_else(PoisonError::into_inner));
                open_older(&Arc::downgrade(&live), replica, all, &*between);
            }
        }
        live
    }

    fn read(&self, replica: &Replica, lie: &[Lies], age: Age) {
        let mut reader = replica.reader();
        for part in lie.chunks(AT_ONCE) {
            let read = part.iter().filter_map(|lies| match reader.read(*lies) {
                Ok(record) => Some(record),
                Err(error) => {
                    tracing::error!(%error, "a record that lies here cannot be read back");
                    self.closed().count += 1;
                    None
                }
            });
            let records: Vec<Record> = read.collect();
            let opened = self.opened(&records);
            self.put(opened, age);
        }
    }

    /// Opens further records and adds them to the day. Keys are learnt first: a record may come before its key.
    pub(super) fn take(&self, records: &[Record]) {
        let opened = self.opened(records);
        self.put(opened, Age::Newest);
    }

    /// The same for records that are not the newest.
    pub(super) fn take_older(&self, records: &[Record]) {
        let opened = self.opened(records);
        self.put(opened, Age::Oldest);
    }

    fn opened(&self, records: &[Record]) -> Vec<Recorded> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let mut learnt = false;
        if let Some(keys) = keys.as_mut() {
            for record in records {
                learnt |= keys.learn(record);
            }
        }
        let mut opened = Vec::with_capacity(records.len());
        let mut again = Vec::new();
        if learnt {
            let mut unreadable = self.closed();
            again = std::mem::take(&mut unreadable.waiting);
            unreadable.count -= again.len().min(unreadable.count);
        }
        for record in records.iter().chain(&again) {
            if record.header().class == Class::KEY {
                continue;
            }
            let entry = match (record.open_payload(), keys.as_mut()) {
                (Some(open), _) => Entry::from_bytes(open).ok(),
                (None, Some(keys)) => {
                    self.find_key(keys, record);
                    let payload = keys.open(record).ok();
                    payload.and_then(|payload| Entry::from_bytes(&payload).ok())
                }
                // Not theirs to read, so not missing either.
                (None, None) => continue,
            };
            match entry {
                Some(entry) => opened.push(recorded(record, entry)),
                // Kept, forwarded and counted: it may be of a newer version, or its key may still come.
                None => self.closed().add(record, keys.as_ref()),
            }
        }
        opened
    }

    /// The key of an older record lies where its chain does.
    fn find_key(&self, keys: &mut JournalKeys, record: &Record) {
        if keys.knows(record.header()) {
            return;
        }
        let Some(replica) = &self.replica else { return };
        let lies = replica.key_of(record.header());
        if let Some(found) = lies.and_then(|lies| replica.reader().read(lies).ok()) {
            keys.learn(&found);
        }
    }

    fn closed(&self) -> std::sync::MutexGuard<'_, Unreadable> {
        self.unreadable.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds entries that were just saved here.
    pub(super) fn add(&self, entries: impl IntoIterator<Item = Recorded>) {
        self.put(entries.into_iter().collect(), Age::Newest);
    }

    fn put(&self, entries: Vec<Recorded>, age: Age) {
        let mut day = self.day.write().unwrap_or_else(PoisonError::into_inner);
        match age {
            Age::Newest => day.add(entries),
            Age::Older | Age::Oldest => day.add_packed(entries),
        }
        // Counted once for all the older ones, and with everything that is saved or received meanwhile.
        if age != Age::Older {
            self.disagreeing.store(day.conflicts().len(), Ordering::Relaxed);
        }
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
        self.closed().count
    }

    /// Older records that are not open yet: until there are none, what is shown is not everything that is here.
    #[must_use]
    pub fn older(&self) -> usize {
        self.older.load(Ordering::Relaxed)
    }
}

impl Unreadable {
    fn add(&mut self, record: &Record, keys: Option<&JournalKeys>) {
        self.count += 1;
        // What its key does not open will not be opened later either.
        let waits = keys.is_some_and(|keys| !keys.knows(record.header()));
        if waits && self.waiting.len() < MOST_WAITING {
            self.waiting.push(record.clone());
        }
    }
}

/// The newest of the older ones first, in slices: nothing is held between two of them. Ends when nobody is signed in any more.
fn open_older(live: &Weak<Live>, replica: &Replica, mut rest: Vec<Lies>, between: &(dyn Fn() + Send + Sync)) {
    rest.sort_unstable();
    while !rest.is_empty() {
        between();
        let part = rest.split_off(rest.len().saturating_sub(SLICE));
        let Some(live) = live.upgrade() else { return };
        let age = if rest.is_empty() { Age::Oldest } else { Age::Older };
        live.read(replica, &part, age);
        live.older.store(rest.len(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
