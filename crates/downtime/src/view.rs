//! What happened since: entries laid over charts. Computed from entries, never stored (law 2).
//!
//! `Day` is a pure fold over entries in their total order, so every station that holds the same entries shows the same
//! day. `View` is one patient: the chart from the snapshot and everything recorded about them. Nothing here drops or
//! merges an entry: two receptions of one person both stay, and the screens say so.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chart::entry::{CheckIn, Declaration, ProvisionalAppointment, SignedNote, TemporaryPatient};
use chart::{Act, Chart, Entry, EntryId, FormId, Moment, StationCode, Subject, TemporaryId};

mod person;

pub use person::View;

/// Where an entry stands among all entries of all stations: hybrid logical clock, then station, then sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Order {
    /// Hybrid logical clock of the journal record.
    pub hlc: u64,
    /// Station identifier of the journal.
    pub station: [u8; 16],
    /// Incarnation of the journal.
    pub incarnation: [u8; 8],
    /// Sequence in its journal.
    pub seq: u64,
}

/// An entry as the journal keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The journal's hash of the record.
    pub id: EntryId,
    /// Its place in the total order.
    pub order: Order,
    /// What was recorded.
    pub entry: Entry,
}

/// Where a person is on the day, as far as entries tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Progress {
    /// Booked, not yet here.
    Expected,
    /// 受付済
    CheckedIn,
    /// A note was signed, or 「紙に書いた」.
    Seen,
}

/// Everything recorded since the snapshot, by subject and by kind.
#[derive(Debug, Default)]
pub struct Day {
    all: Vec<Arc<Recorded>>,
    places: HashMap<EntryId, usize>,
    by_subject: HashMap<Subject, Vec<usize>>,
    undone: HashMap<EntryId, usize>,
    corrected: HashMap<EntryId, usize>,
    entered: HashMap<EntryId, usize>,
    temporary: BTreeMap<TemporaryId, usize>,
    declared: Vec<usize>,
    checked_in: usize,
}

impl Day {
    /// Adds entries in any order; an entry that is already there changes nothing.
    pub fn add(&mut self, entries: impl IntoIterator<Item = Recorded>) {
        let mut late = false;
        for recorded in entries {
            if self.places.contains_key(&recorded.id) {
                continue;
            }
            late |= self.all.last().is_some_and(|last| last.order > recorded.order);
            let place = self.all.len();
            self.places.insert(recorded.id, place);
            self.all.push(Arc::new(recorded));
            if !late {
                self.apply(place);
            }
        }
        if late {
            self.fold_again();
        }
    }

    /// An entry from another station came out of order: everything is computed anew from the sorted list.
    fn fold_again(&mut self) {
        let mut all = std::mem::take(&mut self.all);
        all.sort_by_key(|r| r.order);
        *self = Self::default();
        for recorded in all {
            let place = self.all.len();
            self.places.insert(recorded.id, place);
            self.all.push(recorded);
            self.apply(place);
        }
    }

    fn apply(&mut self, place: usize) {
        let Some(recorded) = self.all.get(place).cloned() else {
            return;
        };
        self.by_subject
            .entry(recorded.entry.subject.clone())
            .or_default()
            .push(place);
        match &recorded.entry.act {
            Act::CheckedIn(_) => self.checked_in += 1,
            Act::CheckInUndone { entry, .. } => {
                if self.undone.insert(*entry, place).is_none() {
                    self.checked_in = self.checked_in.saturating_sub(1);
                }
            }
            Act::AppointmentCancelled { entry, .. } | Act::DowntimeEnded { entry, .. } => {
                self.undone.insert(*entry, place);
            }
            Act::NoteCorrected { entry, .. } => {
                self.corrected.insert(*entry, place);
            }
            Act::EnteredInEhr { entry, .. } => {
                self.entered.insert(*entry, place);
            }
            Act::TemporaryRegistered(temporary) => {
                self.temporary.insert(temporary.id.clone(), place);
            }
            Act::DowntimeDeclared(_) => self.declared.push(place),
            Act::NoteSigned(_) | Act::AppointmentProvisional(_) | Act::Printed { .. } => {}
        }
    }

    /// Every entry in total order.
    #[must_use]
    pub fn all(&self) -> &[Arc<Recorded>] {
        &self.all
    }

    /// One entry.
    #[must_use]
    pub fn get(&self, id: &EntryId) -> Option<&Arc<Recorded>> {
        self.all.get(*self.places.get(id)?)
    }

    /// Entries about one subject, in order.
    pub fn about(&self, subject: &Subject) -> impl Iterator<Item = &Arc<Recorded>> {
        self.by_subject
            .get(subject)
            .into_iter()
            .flatten()
            .filter_map(|place| self.all.get(*place))
    }

    /// The entry that took this one back (受付の取消, 仮予約の取消), if any.
    #[must_use]
    pub fn undone_by(&self, id: &EntryId) -> Option<&Arc<Recorded>> {
        self.all.get(*self.undone.get(id)?)
    }

    /// The newest correction of this note, if any.
    #[must_use]
    pub fn corrected_by(&self, id: &EntryId) -> Option<&Arc<Recorded>> {
        self.all.get(*self.corrected.get(id)?)
    }

    /// The mark that somebody typed this entry into the EHR, if any.
    #[must_use]
    pub fn entered_by(&self, id: &EntryId) -> Option<&Arc<Recorded>> {
        self.all.get(*self.entered.get(id)?)
    }

    /// Receptions of a subject that hold, earliest first. More than one is a matter for a person.
    pub fn receptions(&self, subject: &Subject) -> impl Iterator<Item = (&Arc<Recorded>, &CheckIn)> {
        self.about(subject).filter_map(|r| match &r.entry.act {
            Act::CheckedIn(check_in) if !self.undone.contains_key(&r.id) => Some((r, check_in)),
            _ => None,
        })
    }

    /// Where the person is.
    #[must_use]
    pub fn progress(&self, subject: &Subject) -> Progress {
        let mut progress = Progress::Expected;
        for r in self.about(subject) {
            match &r.entry.act {
                Act::CheckedIn(_) if !self.undone.contains_key(&r.id) => progress = progress.max(Progress::CheckedIn),
                Act::NoteSigned(_) => progress = Progress::Seen,
                _ => {}
            }
        }
        progress
    }

    /// Temporary patients, by number.
    pub fn temporary_patients(&self) -> impl Iterator<Item = (&Arc<Recorded>, &TemporaryPatient)> {
        self.temporary
            .values()
            .filter_map(|place| self.all.get(*place))
            .filter_map(|r| match &r.entry.act {
                Act::TemporaryRegistered(temporary) => Some((r, temporary)),
                _ => None,
            })
    }

    /// One temporary patient.
    #[must_use]
    pub fn temporary(&self, id: &TemporaryId) -> Option<&TemporaryPatient> {
        match &self.all.get(*self.temporary.get(id)?)?.entry.act {
            Act::TemporaryRegistered(temporary) => Some(temporary),
            _ => None,
        }
    }

    /// Provisional appointments that hold, in order.
    pub fn provisional(&self) -> impl Iterator<Item = (&Arc<Recorded>, &ProvisionalAppointment)> {
        self.all.iter().filter_map(|r| match &r.entry.act {
            Act::AppointmentProvisional(appointment) if !self.undone.contains_key(&r.id) => Some((r, appointment)),
            _ => None,
        })
    }

    /// The declaration that holds, if any: the newest one that nobody ended.
    #[must_use]
    pub fn declaration(&self) -> Option<(&Arc<Recorded>, &Declaration)> {
        self.declared
            .iter()
            .rev()
            .filter_map(|place| self.all.get(*place))
            .find_map(|r| match &r.entry.act {
                Act::DowntimeDeclared(declaration) if !self.undone.contains_key(&r.id) => Some((r, declaration)),
                _ => None,
            })
    }

    /// How many receptions hold.
    #[must_use]
    pub const fn checked_in(&self) -> usize {
        self.checked_in
    }

    /// Entries that must find their way into the EHR, in order of urgency, each with the mark that somebody did it.
    ///
    /// Urgency (事後入力): temporary patients first because everything else of theirs hangs on them, then notes, then
    /// appointments, then receptions. Undone entries and printing need nothing.
    #[must_use]
    pub fn to_enter(&self) -> Vec<(&Arc<Recorded>, Option<&Arc<Recorded>>)> {
        let mut list: Vec<_> = self.all.iter().filter(|r| self.must_be_entered(r)).collect();
        list.sort_by_key(|r| (urgency(&r.entry.act), r.order));
        list.into_iter().map(|r| (r, self.entered_by(&r.id))).collect()
    }

    fn must_be_entered(&self, recorded: &Recorded) -> bool {
        match &recorded.entry.act {
            Act::CheckedIn(_) | Act::AppointmentProvisional(_) => !self.undone.contains_key(&recorded.id),
            Act::NoteSigned(_) | Act::NoteCorrected { .. } => !self.corrected.contains_key(&recorded.id),
            Act::TemporaryRegistered(_) => true,
            _ => false,
        }
    }

    /// The largest sequences one station has used: reception, sheet (of one day), temporary patient.
    #[must_use]
    pub fn used_numbers(&self, station: StationCode, node: u8, day_part: &str) -> Used {
        let mut used = Used::default();
        let mut sheet = |id: &FormId| {
            if id.node() == node && id.day_part() == day_part {
                used.sheet = used.sheet.max(id.sequence());
            }
        };
        for r in &self.all {
            match &r.entry.act {
                Act::CheckedIn(check_in) => sheet(&check_in.visit),
                Act::Printed { form_id, .. } => sheet(form_id),
                _ => {}
            }
        }
        for r in self.all.iter().filter(|r| r.entry.station == station) {
            match &r.entry.act {
                Act::CheckedIn(check_in) => {
                    let number = check_in
                        .number
                        .rsplit('-')
                        .next()
                        .and_then(|n| n.parse().ok())
                        .unwrap_or(0);
                    used.reception = used.reception.max(number);
                }
                Act::TemporaryRegistered(temporary) => {
                    used.temporary = used.temporary.max(temporary.id.sequence());
                }
                _ => {}
            }
        }
        used
    }
}

/// The largest sequences a station has used so far; 0 when none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Used {
    /// Of reception numbers `A-127`.
    pub reception: u32,
    /// Of sheets and visits on the day.
    pub sheet: u32,
    /// Of temporary patients.
    pub temporary: u32,
}

const fn urgency(act: &Act) -> u8 {
    match act {
        Act::TemporaryRegistered(_) => 0,
        Act::NoteSigned(_) | Act::NoteCorrected { .. } => 1,
        Act::AppointmentProvisional(_) => 2,
        _ => 3,
    }
}

/// A note of the downtime as it reads now, with what it replaced.
#[derive(Debug, Clone)]
pub struct DowntimeNote {
    /// The entry that signed it, or the correction.
    pub recorded: Arc<Recorded>,
    /// The text.
    pub note: SignedNote,
    /// Why it was corrected; `None` for the first version.
    pub reason: Option<String>,
    /// A later correction replaces this version; both stay readable.
    pub superseded: bool,
}

/// Lays entries over a chart.
#[must_use]
pub fn lay_over(subject: &Subject, chart: Option<Arc<Chart>>, day: &Day, on: Moment) -> View {
    View::new(subject.clone(), chart, day, on)
}
