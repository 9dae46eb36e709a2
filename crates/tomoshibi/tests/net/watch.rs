//! Somebody who looks at every station all the time, as a person who walks by does, and takes down what must never be seen.
//!
//! What must never be seen: a station that runs and has no data any more, or older data than it had; and 通常 while the EHR is gone. A
//! station that does not answer is nothing of that: it was killed, or has not started.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::desk::Person;
use crate::effort::pause;
use crate::hospital::{Hospital, RECEPTION, STATIONS};

/// How long 通常 may stand on an old check (`downtime::state::FRESH_SECONDS`), and the time a look takes.
const NORMAL_HOLDS: Duration = Duration::from_secs(15 + 3);

/// What was seen.
#[derive(Default)]
pub struct Seen {
    faults: Mutex<Vec<String>>,
    epochs: Mutex<BTreeMap<usize, u64>>,
    looks: AtomicU64,
    stop: AtomicBool,
    /// Since when the EHR has been gone.
    gone: Mutex<Option<Instant>>,
}

/// The watch; it ends with this value.
pub struct Watch {
    pub seen: Arc<Seen>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Begins to look. The EHR counts as there until [`Self::ehr_is_gone`].
    pub fn over(hospital: &Arc<Hospital>) -> Self {
        let seen = Arc::new(Seen::default());
        let (hospital, also) = (Arc::clone(hospital), Arc::clone(&seen));
        let thread = std::thread::spawn(move || {
            let mut lookers: Vec<Person> = (0..STATIONS.len())
                .map(|place| Person::at(&hospital, place, RECEPTION))
                .collect();
            while !also.stop.load(Ordering::Relaxed) {
                for (place, looker) in lookers.iter_mut().enumerate() {
                    also.look(place, looker);
                }
                pause(150);
            }
        });
        Self {
            seen,
            thread: Some(thread),
        }
    }

    /// From now on 通常 is wrong, as soon as the last check is too old to say it.
    pub fn ehr_is_gone(&self) {
        *lock(&self.seen.gone) = Some(Instant::now());
    }

    /// The newest data that was seen at each place.
    pub fn epoch(&self, place: usize) -> Option<u64> {
        lock(&self.seen.epochs).get(&place).copied()
    }

    /// Fails with everything that must never be seen, and gives how often was looked.
    pub fn is_clean(&self, of: &str) -> u64 {
        let faults = lock(&self.seen.faults);
        assert!(faults.is_empty(), "{of}: {}", faults.join("\n"));
        self.seen.looks.load(Ordering::Relaxed)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.seen.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Seen {
    fn look(&self, place: usize, looker: &mut Person) {
        let gone = *lock(&self.gone);
        let (Ok(home), Ok(mode)) = (looker.get("/"), looker.mode()) else {
            return;
        };
        self.looks.fetch_add(1, Ordering::Relaxed);
        let code = STATIONS[place].0;
        let mut epochs = lock(&self.epochs);
        let before = epochs.get(&place).copied();
        let now = epoch(&home.text());
        match (before, now) {
            (Some(before), None) => self.fault(format!("{code} had data {before} and now has none")),
            (Some(before), Some(now)) if now < before => {
                self.fault(format!("{code} had data {before} and now has only {now}"));
            }
            (_, Some(now)) => {
                epochs.insert(place, now);
            }
            (None, None) => {}
        }
        if mode == "normal" && gone.is_some_and(|gone| gone.elapsed() > NORMAL_HOLDS) {
            self.fault(format!("{code} says 通常, and the EHR is gone"));
        }
    }

    fn fault(&self, what: String) {
        lock(&self.faults).push(what);
    }
}

/// The number of the sealed data on the home page: 第…号.
pub fn epoch(home: &str) -> Option<u64> {
    let after = home.split('第').skip(1);
    after.filter_map(|rest| rest.split_once('号')).find_map(|(number, _)| {
        number
            .trim_matches(['\u{2068}', '\u{2069}'])
            .replace(',', "")
            .parse()
            .ok()
    })
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
