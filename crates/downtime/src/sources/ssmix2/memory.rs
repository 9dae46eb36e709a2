//! Who need not be looked at, because the log of a storage does not name them and their folders bear it out.
//!
//! Without a log every reading looks at the dates of every directory of every patient. With one, whoever is not named costs a few
//! looks: the patient's own directory, the undated one, the newest days. If those changed although the log names nobody, or if one of
//! those looked at anyway (an eighth at each reading) did, the log leaves things out: everybody is looked at, and it is not believed
//! for [`WHOLE_SECONDS`]. What is kept holds patients' numbers and who lay in a bed, and is sealed (`sources::keep`).

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use chart::{Moment, PatientId};
use jiff::civil::Date;
use minicbor::{Decode, Encode};
use sha2::{Digest, Sha256};

use super::log::{self, Doubt, Numbers, Position};
use super::state::{Token, WHOLE_SECONDS};
use super::survey::SETTLED_SECONDS;
use super::walk;
use crate::sources::keep::Keep;

/// One in so many of those who are not named is looked at all the same.
const SAMPLE: u64 = 8;
/// A log that says nothing for so long may have nobody who writes it.
const SILENT_SECONDS: i64 = 900;
/// Days of a patient whose directories are looked at.
pub const DAYS: usize = 3;

/// The log and what is kept about it.
#[derive(Debug, Clone)]
pub struct Log {
    /// Roots of the トランザクションストレージ.
    pub roots: Vec<PathBuf>,
    /// Where it is kept.
    pub keep: Keep,
}

/// One patient as last seen.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Entry {
    #[n(0)]
    id: PatientId,
    /// Lay in a bed.
    #[n(1)]
    pub in_bed: bool,
    /// What `state` remembers.
    #[n(2)]
    #[cbor(with = "minicbor::bytes")]
    pub token: Token,
    /// Of the dates of the directories that are looked at.
    #[n(3)]
    #[cbor(with = "minicbor::bytes")]
    quick: [u8; 8],
    /// Names of the newest days' directories.
    #[n(4)]
    days: Vec<String>,
    /// Named at the last reading: what the log announced may have come after it was looked at.
    #[n(5)]
    again: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, Decode)]
struct Kept {
    #[n(0)]
    version: u32,
    /// The roots of the storage: other roots are another storage.
    #[n(1)]
    roots: Vec<String>,
    #[n(2)]
    at: i64,
    /// Readings so far: which eighth is looked at.
    #[n(3)]
    turn: u64,
    /// When the log was last found to leave things out.
    #[n(4)]
    caught: Option<i64>,
    #[n(5)]
    positions: Vec<Position>,
    #[n(6)]
    people: Vec<Entry>,
}

const VERSION: u32 = 1;

/// What is believed in this reading.
pub struct Memory<'a> {
    log: &'a Log,
    roots: Vec<String>,
    turn: u64,
    caught: Option<i64>,
    positions: Vec<Position>,
    people: HashMap<PatientId, Entry>,
    named: HashSet<PatientId>,
    /// Why nobody is passed over.
    pub doubt: Option<Doubt>,
    believed: bool,
    /// In nanoseconds: what changed later may not be logged yet.
    settled: i128,
    found_out: AtomicBool,
}

/// What is to be done about one patient.
pub enum Ask<'e> {
    /// Nothing: it is as it was.
    Known(&'e Entry),
    /// Look. `Some` when nothing may have changed: it is a sample.
    Look(Option<&'e Entry>),
}

impl<'a> Memory<'a> {
    /// Opens what is kept and reads the log. `trusted` is false when everything is to be looked at anyway.
    #[must_use]
    pub fn open<'i>(
        log: &'a Log,
        roots: &[PathBuf],
        ids: impl Iterator<Item = &'i PatientId>,
        now: Moment,
        trusted: bool,
    ) -> Self {
        let roots: Vec<String> = roots.iter().map(|root| root.to_string_lossy().into_owned()).collect();
        let kept = log.keep.read().and_then(|parts| {
            let kept: Kept = minicbor::decode(parts.first()?).ok()?;
            let ours =
                kept.version == VERSION && kept.roots == roots && (0..WHOLE_SECONDS).contains(&(now.0 - kept.at));
            ours.then_some(kept)
        });
        let kept = kept.unwrap_or_default();
        let (positions, named) = log::read(&log.roots, &kept.positions, &Numbers::of(ids));
        let caught = kept.caught.filter(|at| (0..WHOLE_SECONDS).contains(&(now.0 - at)));
        let (named, doubt) = match named {
            Ok(named) => (named, None),
            // Read a moment ago, as where several sources are read together: a log is silent for a while.
            Err(Doubt::NothingNew) if now.0 - kept.at < SILENT_SECONDS => (HashSet::new(), None),
            Err(doubt) => (HashSet::new(), Some(doubt)),
        };
        Self {
            log,
            roots,
            turn: kept.turn.wrapping_add(1),
            caught,
            positions,
            people: kept.people.into_iter().map(|entry| (entry.id.clone(), entry)).collect(),
            named,
            settled: i128::from(now.0 - SETTLED_SECONDS) * 1_000_000_000,
            believed: doubt.is_none() && trusted && caught.is_none(),
            doubt,
            found_out: AtomicBool::new(false),
        }
    }

    /// What to do about a patient.
    pub fn ask(&self, id: &PatientId, paths: &[PathBuf]) -> Ask<'_> {
        let entry = self
            .people
            .get(id)
            .filter(|_| self.believed && !self.named.contains(id));
        let Some(entry) = entry else { return Ask::Look(None) };
        if entry.again {
            return Ask::Look(None);
        }
        match quick(paths, &entry.days) {
            Some(seen) if seen.hash == entry.quick => {}
            // Changed just now: the log may name it in a moment.
            Some(seen) if seen.newest > self.settled => return Ask::Look(None),
            _ => {
                self.found_out.store(true, Ordering::Relaxed);
                return Ask::Look(None);
            }
        }
        if sample(id) == self.turn % SAMPLE {
            return Ask::Look(Some(entry));
        }
        Ask::Known(entry)
    }

    /// A sample was looked at.
    pub fn compare(&self, entry: &Entry, token: Option<&Token>) {
        if token.is_some_and(|token| *token != entry.token) {
            self.found_out.store(true, Ordering::Relaxed);
        }
    }

    /// True when something changed that the log does not name. Nothing is believed from then on.
    pub fn was_caught(&mut self, now: Moment) -> bool {
        let caught = self.found_out.swap(false, Ordering::Relaxed);
        if caught {
            self.believed = false;
            self.caught = Some(now.0);
        }
        caught
    }

    /// What was seen of somebody; `None` where it cannot be remembered.
    #[must_use]
    pub fn entry(&self, id: &PatientId, paths: &[PathBuf], days: &[Date], in_bed: bool, token: Token) -> Option<Entry> {
        let mut days: Vec<&Date> = days.iter().collect();
        days.sort_unstable();
        days.dedup();
        let days = days.iter().rev().take(DAYS);
        let days: Vec<String> = days.map(|on| on.strftime("%Y%m%d").to_string()).collect();
        Some(Entry {
            id: id.clone(),
            in_bed,
            token,
            quick: quick(paths, &days)?.hash,
            days,
            again: self.named.contains(id),
        })
    }

    /// Keeps what was seen. Failing costs time at the next reading.
    pub fn keep(self, people: Vec<Entry>, now: Moment) {
        let kept = Kept {
            version: VERSION,
            roots: self.roots,
            at: now.0,
            turn: self.turn,
            caught: self.caught,
            positions: self.positions,
            people,
        };
        let written = minicbor::to_vec(&kept)
            .map_err(std::io::Error::other)
            .and_then(|bytes| self.log.keep.write(&[&zeroize::Zeroizing::new(bytes)]));
        if let Err(fault) = written {
            tracing::warn!(%fault, "what is known of an SS-MIX2 log could not be kept");
        }
    }
}

impl Entry {
    /// True when one of the newest days lies within; `None` when they do not tell.
    #[must_use]
    pub fn any_day(&self, since: Date, until: Date) -> Option<bool> {
        let days = self.days.iter().map(|name| Date::strptime("%Y%m%d", name));
        let days: Vec<Date> = days.collect::<Result<_, _>>().ok()?;
        let tells = days.len() < DAYS || days.iter().any(|on| *on <= until);
        tells.then(|| days.iter().any(|on| *on >= since && *on <= until))
    }
}

/// The dates of a few directories.
struct Quick {
    hash: [u8; 8],
    newest: i128,
}

/// The dates of a few directories of a patient, in all roots; `None` when the patient's own cannot be seen.
fn quick(paths: &[PathBuf], days: &[String]) -> Option<Quick> {
    let mut hasher = Sha256::new();
    let mut newest = i128::MIN;
    let mut note = |path: &Path| {
        let at = walk::changed(path);
        hasher.update(path.as_os_str().as_encoded_bytes());
        hasher.update([0]);
        hasher.update(at.unwrap_or(i128::MIN).to_le_bytes());
        newest = newest.max(at.unwrap_or(i128::MIN));
        at
    };
    for path in paths {
        note(path)?;
        // A directory that is not there is as it was, until it is.
        note(&path.join("-"));
        note(&path.join("-").join("ADT-00"));
        for day in days {
            note(&path.join(day));
        }
    }
    let hash = *hasher.finalize().first_chunk::<8>()?;
    Some(Quick { hash, newest })
}

/// In which eighth somebody is.
fn sample(id: &PatientId) -> u64 {
    let hash = Sha256::digest(id.as_str().as_bytes());
    u64::from(hash.first().copied().unwrap_or(0)) % SAMPLE
}
