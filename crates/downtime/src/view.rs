//! What happened since: entries laid over charts. Computed from entries, never stored (law 2).
//!
//! `Day` is a pure fold over entries in their total order, so every station that holds the same entries shows the same
//! day, in whatever order and however often they arrived. `View` is one patient: the chart from the snapshot and everything
//! recorded about them. Nothing here drops or merges an entry: two receptions of one person both stay, and what disagrees
//! becomes a task for a person ([`Conflict`]). No clock is read here; where time decides, the caller says what time it is.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use chart::entry::{CheckIn, Declaration, ProvisionalAppointment, SignedNote, TemporaryPatient};
use chart::{Act, Chart, Entry, EntryId, FormId, Moment, StationCode, Subject, TemporaryId};

use crate::state::{DECLARED_DAYS, PROVISIONAL_MINUTES};

mod conflicts;
mod links;
mod names;
mod person;

pub use conflicts::{Conflict, ConflictKind};
pub use links::LinkState;
pub use person::View;

use conflicts::Seams;
use names::ByName;

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
    places: ByName<usize>,
    by_subject: HashMap<Subject, Vec<usize>>,
    undone: ByName<usize>,
    corrected: ByName<usize>,
    entered: ByName<usize>,
    temporary: BTreeMap<TemporaryId, usize>,
    declared: Vec<usize>,
    /// Every confirmation as it was said; whether it counts is decided when somebody asks.
    confirmed: ByName<Vec<usize>>,
    linked: Vec<usize>,
    opened: Vec<usize>,
    disabled: BTreeSet<String>,
    checked_in: usize,
    seams: Seams,
}

impl Day {
    /// Adds entries in any order; an entry that is already there changes nothing.
    pub fn add(&mut self, entries: impl IntoIterator<Item = Recorded>) {
        self.add_shared(entries.into_iter().map(Arc::new));
    }

    /// [`Self::add`] for entries that somebody else holds too.
    pub fn add_shared(&mut self, entries: impl IntoIterator<Item = Arc<Recorded>>) {
        let mut late = false;
        for recorded in entries {
            if self.places.contains_key(&recorded.id) {
                continue;
            }
            late |= self.all.last().is_some_and(|last| place_of(last) > place_of(&recorded));
            let place = self.all.len();
            self.places.insert(recorded.id, place);
            self.all.push(recorded);
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
        all.sort_by_key(|recorded| place_of(recorded));
        *self = Self::default();
        self.places.reserve(all.len());
        for recorded in all {
            let place = self.all.len();
            self.places.insert(recorded.id, place);
            self.all.push(recorded);
            self.apply(place);
        }
    }

    /// Takes one entry into every index. An entry may come before the one it points back to (a clock was wrong), so nothing
    /// here may rest on that one being there already.
    fn apply(&mut self, place: usize) {
        let Some(recorded) = self.all.get(place).cloned() else {
            return;
        };
        match &recorded.entry.act {
            Act::CheckedIn(_) => {
                self.checked_in += usize::from(!self.undone.contains_key(&recorded.id));
                self.watch_receptions(&recorded.entry.subject);
            }
            Act::CheckInUndone { entry, .. } => {
                self.undo(*entry, place);
                self.seams.people.insert(recorded.entry.subject.clone());
            }
            Act::AppointmentCancelled { entry, .. }
            | Act::DowntimeEnded { entry, .. }
            | Act::EnvelopeClosed { entry, .. }
            | Act::LinkUndone { entry, .. } => self.undo(*entry, place),
            Act::NoteCorrected { entry, .. } => {
                if let Some(before) = self.corrected.insert(*entry, place) {
                    self.seams.corrected_again(*entry, before, place);
                }
            }
            Act::EnteredInEhr { entry, .. } => {
                let first = *self.entered.entry(*entry).or_insert(place);
                if first != place {
                    self.seams.entered_again(*entry, first, place);
                }
            }
            Act::TemporaryRegistered(temporary) => {
                self.temporary.entry(temporary.id.clone()).or_insert(place);
            }
            Act::AppointmentProvisional(appointment) => self.seams.booked(appointment, place),
            Act::DowntimeDeclared(_) => self.declared.push(place),
            Act::EnvelopeOpened(_) => self.opened.push(place),
            Act::UserDisabled { user, .. } => {
                self.disabled.insert(user.clone());
            }
            Act::DowntimeConfirmed { entry } | Act::LinkConfirmed { entry } => {
                self.confirmed.entry(*entry).or_default().push(place);
            }
            Act::LinkProposed(_) => self.linked.push(place),
            Act::ConflictSettled { entries, .. } => self.seams.settled(entries, place),
            Act::NoteSigned(_) | Act::Printed { .. } => {}
        }
        self.by_subject
            .entry(recorded.entry.subject.clone())
            .or_default()
            .push(place);
    }

    /// The first who takes an entry back is the one who did.
    fn undo(&mut self, entry: EntryId, place: usize) {
        let is_new = !self.undone.contains_key(&entry);
        self.undone.entry(entry).or_insert(place);
        if is_new
            && self
                .get(&entry)
                .is_some_and(|r| matches!(r.entry.act, Act::CheckedIn(_)))
        {
            self.checked_in = self.checked_in.saturating_sub(1);
        }
    }

    /// A second reception of one person is worth a look.
    fn watch_receptions(&mut self, subject: &Subject) {
        let before = self.about(subject).any(|r| matches!(r.entry.act, Act::CheckedIn(_)));
        if before {
            self.seams.people.insert(subject.clone());
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

    /// The declaration that holds, if any: the newest one that nobody ended and whose time is not over. A 仮宣言 holds for
    /// half an hour unless somebody else confirms it; then, like a 宣言, for [`DECLARED_DAYS`].
    #[must_use]
    pub fn declaration(&self, now: Moment) -> Option<(&Arc<Recorded>, &Declaration)> {
        self.declared
            .iter()
            .rev()
            .filter_map(|place| self.all.get(*place))
            .find_map(|r| match &r.entry.act {
                Act::DowntimeDeclared(declaration) if self.holds(r, declaration, now) => Some((r, declaration)),
                _ => None,
            })
    }

    /// The newest declaration with whoever confirmed and ended it, in this order: what has to be carried to a station that
    /// no line reaches.
    #[must_use]
    pub fn newest_declaration(&self) -> Vec<&Arc<Recorded>> {
        let Some(declared) = self.declared.last().and_then(|place| self.all.get(*place)) else {
            return Vec::new();
        };
        let later = [self.confirmed_by(&declared.id), self.undone_by(&declared.id)];
        std::iter::once(declared).chain(later.into_iter().flatten()).collect()
    }

    fn holds(&self, recorded: &Recorded, declaration: &Declaration, now: Moment) -> bool {
        let age = now.0.saturating_sub(recorded.entry.written_at.0);
        !self.undone.contains_key(&recorded.id) && age < self.longest(recorded, declaration)
    }

    /// Seconds for which a declaration holds unless somebody ends it.
    fn longest(&self, recorded: &Recorded, declaration: &Declaration) -> i64 {
        if declaration.provisional && self.confirmed_by(&recorded.id).is_none() {
            PROVISIONAL_MINUTES * 60
        } else {
            DECLARED_DAYS * 86_400
        }
    }

    /// Until when a declaration holds unless somebody ends it, and whether it still waits for a second person.
    #[must_use]
    pub fn declared_until(&self, id: &EntryId) -> Option<(Moment, bool)> {
        let recorded = self.get(id)?;
        let Act::DowntimeDeclared(declaration) = &recorded.entry.act else {
            return None;
        };
        let until = recorded
            .entry
            .written_at
            .0
            .saturating_add(self.longest(recorded, declaration));
        let waits = declaration.provisional && self.confirmed_by(id).is_none();
        Some((Moment(until), waits))
    }

    /// Who confirmed an entry: a declaration or a link. A person cannot confirm their own.
    #[must_use]
    pub fn confirmed_by(&self, id: &EntryId) -> Option<&Arc<Recorded>> {
        let first = &self.get(id)?.entry.by.user;
        let said = self.confirmed.get(id)?.iter().filter_map(|place| self.all.get(*place));
        said.into_iter().find(|r| r.entry.by.user != *first)
    }

    /// Staff numbers of accounts that were disabled.
    pub fn disabled_users(&self) -> impl Iterator<Item = &str> {
        self.disabled.iter().map(String::as_str)
    }

    /// Openings of sealed envelopes, in order.
    pub fn openings(&self) -> impl Iterator<Item = &Arc<Recorded>> {
        self.opened.iter().filter_map(|place| self.all.get(*place))
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
        list.sort_by_key(|r| (urgency(&r.entry.act), place_of(r)));
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

/// Where an entry stands. Two records of one place exist only when a station's disk was copied; their names decide then.
fn place_of(recorded: &Recorded) -> (Order, EntryId) {
    (recorded.order, recorded.id)
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
