//! What happened since: entries laid over charts. Computed from entries, never stored (law 2).
//!
//! `Day` is a pure fold over entries in their total order, so every station that holds the same entries shows the same
//! day, in whatever order and however often they arrived. `View` is one patient: the chart from the snapshot and everything
//! recorded about them. Nothing here drops or merges an entry: two receptions of one person both stay, and what disagrees
//! becomes a task for a person ([`Conflict`]). No clock is read here; where time decides, the caller says what time it is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chart::entry::{CheckIn, Declaration, ProvisionalAppointment, SignedNote, TemporaryPatient};
use chart::{Act, Chart, Entry, EntryId, FormId, Moment, StationCode, Subject, TemporaryId};

use crate::state::{DECLARED_DAYS, PROVISIONAL_MINUTES};

mod conflicts;
mod fold;
mod links;
mod names;
mod numbers;
mod papers;
mod payments;
mod person;
mod sorted;
mod store;

pub use conflicts::{Conflict, ConflictKind};
pub use links::LinkState;
pub use numbers::Used;
pub use papers::{PaperBack, Picture};
pub use person::{DowntimeOrder, View};

use conflicts::Seams;
use names::ByName;
use numbers::UsedNumbers;
use sorted::Sorted;
use store::{Kind, Place, Store};

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
    store: Store,
    in_order: Sorted,
    /// By the number the store gives whom it is about.
    by_subject: Vec<Vec<Place>>,
    undone: ByName<Place>,
    corrected: ByName<Place>,
    entered: ByName<Place>,
    temporary: BTreeMap<TemporaryId, Place>,
    declared: Vec<Place>,
    /// Every confirmation as it was said; whether it counts is decided when somebody asks.
    confirmed: ByName<Vec<Place>>,
    linked: Vec<Place>,
    opened: Vec<Place>,
    booked: Vec<Place>,
    deferred: Vec<Place>,
    /// What may have to be typed into the EHR, whether undone or done since.
    work: Sorted,
    disabled: BTreeSet<String>,
    checked_in: BTreeMap<i64, usize>,
    used: UsedNumbers,
    seams: Seams,
}

impl Day {
    /// Every entry in total order.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = Arc<Recorded>> {
        self.in_order.iter().filter_map(|place| self.store.get(place))
    }

    /// How many entries.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.store.len()
    }

    /// Whether nothing was recorded.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Everybody about whom something was recorded, in no order.
    #[must_use]
    pub fn subjects(&self) -> &[Subject] {
        self.store.subjects()
    }

    fn of(&self, places: &[Place]) -> impl DoubleEndedIterator<Item = Arc<Recorded>> {
        places.iter().filter_map(|place| self.store.get(*place))
    }

    fn places_about(&self, subject: &Subject) -> &[Place] {
        let number = self.store.subject_number(subject);
        number
            .and_then(|number| self.by_subject.get(number))
            .map_or(&[], Vec::as_slice)
    }

    /// One entry.
    #[must_use]
    pub fn get(&self, id: &EntryId) -> Option<Arc<Recorded>> {
        self.store.get(self.store.place(id)?)
    }

    /// Entries about one subject, in order.
    pub fn about(&self, subject: &Subject) -> impl DoubleEndedIterator<Item = Arc<Recorded>> {
        self.of(self.places_about(subject))
    }

    /// The entry that took this one back (受付の取消, 仮予約の取消), if any: the first that did.
    #[must_use]
    pub fn undone_by(&self, id: &EntryId) -> Option<Arc<Recorded>> {
        self.store.get(*self.undone.get(id)?)
    }

    /// Whether an entry was taken back.
    #[must_use]
    pub fn is_undone(&self, id: &EntryId) -> bool {
        self.undone.contains_key(id)
    }

    /// The newest correction of this note, if any.
    #[must_use]
    pub fn corrected_by(&self, id: &EntryId) -> Option<Arc<Recorded>> {
        self.store.get(*self.corrected.get(id)?)
    }

    /// The first mark that somebody typed this entry into the EHR, if any.
    #[must_use]
    pub fn entered_by(&self, id: &EntryId) -> Option<Arc<Recorded>> {
        self.store.get(*self.entered.get(id)?)
    }

    fn stands(&self, place: Place) -> bool {
        self.store.id(place).is_some_and(|id| !self.is_undone(&id))
    }

    /// Receptions of a subject that hold, of all days, earliest first. More than one of a day is a matter for a person.
    pub fn receptions(&self, subject: &Subject) -> impl DoubleEndedIterator<Item = (Arc<Recorded>, CheckIn)> {
        self.held_receptions(subject).filter_map(|place| self.reception(place))
    }

    /// [`Self::receptions`] of the day of a moment.
    pub fn receptions_on(
        &self,
        subject: &Subject,
        on: Moment,
    ) -> impl DoubleEndedIterator<Item = (Arc<Recorded>, CheckIn)> {
        self.held_receptions(subject)
            .filter(move |place| self.store.is_of_day(*place, on))
            .filter_map(|place| self.reception(place))
    }

    fn held_receptions(&self, subject: &Subject) -> impl DoubleEndedIterator<Item = Place> {
        let places = self.places_about(subject).iter().copied();
        places.filter(|place| self.store.kind(*place) == Kind::Reception && self.stands(*place))
    }

    fn reception(&self, place: Place) -> Option<(Arc<Recorded>, CheckIn)> {
        let recorded = self.store.get(place)?;
        match &recorded.entry.act {
            Act::CheckedIn(check_in) => {
                let check_in = check_in.clone();
                Some((recorded, check_in))
            }
            _ => None,
        }
    }

    /// Where the person is on the day of a moment.
    #[must_use]
    pub fn progress(&self, subject: &Subject, on: Moment) -> Progress {
        let places = self.places_about(subject).iter().copied();
        let reached =
            places
                .filter(|place| self.store.is_of_day(*place, on))
                .map(|place| match self.store.kind(place) {
                    Kind::Reception if self.stands(place) => Progress::CheckedIn,
                    Kind::Note => Progress::Seen,
                    _ => Progress::Expected,
                });
        reached.max().unwrap_or(Progress::Expected)
    }

    /// Temporary patients, by number.
    pub fn temporary_patients(&self) -> impl Iterator<Item = (Arc<Recorded>, TemporaryPatient)> {
        let places = self.temporary.values();
        places.filter_map(|place| self.store.get(*place)).filter_map(|r| {
            let temporary = match &r.entry.act {
                Act::TemporaryRegistered(temporary) => temporary.clone(),
                _ => return None,
            };
            Some((r, temporary))
        })
    }

    /// One temporary patient and the entry that registered them.
    #[must_use]
    pub fn registration(&self, id: &TemporaryId) -> Option<(Arc<Recorded>, TemporaryPatient)> {
        let recorded = self.store.get(*self.temporary.get(id)?)?;
        match &recorded.entry.act {
            Act::TemporaryRegistered(temporary) => {
                let temporary = temporary.clone();
                Some((recorded, temporary))
            }
            _ => None,
        }
    }

    /// One temporary patient.
    #[must_use]
    pub fn temporary(&self, id: &TemporaryId) -> Option<TemporaryPatient> {
        self.registration(id).map(|(_, temporary)| temporary)
    }

    /// Provisional appointments that hold, in order.
    pub fn provisional(&self) -> impl Iterator<Item = (Arc<Recorded>, ProvisionalAppointment)> {
        let places = self.booked.iter().filter(|place| self.stands(**place));
        places.filter_map(|place| self.store.get(*place)).filter_map(|r| {
            let appointment = match &r.entry.act {
                Act::AppointmentProvisional(appointment) => appointment.clone(),
                _ => return None,
            };
            Some((r, appointment))
        })
    }

    /// The declaration that holds, if any: the newest one that nobody ended and whose time is not over. A 仮宣言 holds for
    /// half an hour unless somebody else confirms it; then, like a 宣言, for [`DECLARED_DAYS`].
    #[must_use]
    pub fn declaration(&self, now: Moment) -> Option<(Arc<Recorded>, Declaration)> {
        self.of(&self.declared).rev().find_map(|r| {
            let declaration = match &r.entry.act {
                Act::DowntimeDeclared(declaration) if self.holds(&r, declaration, now) => declaration.clone(),
                _ => return None,
            };
            Some((r, declaration))
        })
    }

    /// The newest declaration with whoever confirmed and ended it, in this order: what has to be carried to a station that
    /// no line reaches.
    #[must_use]
    pub fn newest_declaration(&self) -> Vec<Arc<Recorded>> {
        let Some(declared) = self.declared.last().and_then(|place| self.store.get(*place)) else {
            return Vec::new();
        };
        let later = [self.confirmed_by(&declared.id), self.undone_by(&declared.id)];
        std::iter::once(declared).chain(later.into_iter().flatten()).collect()
    }

    fn holds(&self, recorded: &Recorded, declaration: &Declaration, now: Moment) -> bool {
        let age = now.0.saturating_sub(recorded.entry.written_at.0);
        !self.is_undone(&recorded.id) && age < self.longest(recorded, declaration)
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
            .saturating_add(self.longest(&recorded, declaration));
        let waits = declaration.provisional && self.confirmed_by(id).is_none();
        Some((Moment(until), waits))
    }

    /// Who confirmed an entry: a declaration or a link. A person cannot confirm their own.
    #[must_use]
    pub fn confirmed_by(&self, id: &EntryId) -> Option<Arc<Recorded>> {
        let said = self.confirmed.get(id)?;
        let first = self.get(id)?;
        self.of(said).find(|r| r.entry.by.user != first.entry.by.user)
    }

    /// Staff numbers of accounts that were disabled.
    pub fn disabled_users(&self) -> impl Iterator<Item = &str> {
        self.disabled.iter().map(String::as_str)
    }

    /// Whether an account was disabled.
    #[must_use]
    pub fn is_disabled(&self, user: &str) -> bool {
        self.disabled.contains(user)
    }

    /// Openings of sealed envelopes, in order.
    pub fn openings(&self) -> impl DoubleEndedIterator<Item = Arc<Recorded>> {
        self.of(&self.opened)
    }

    /// How many receptions of a moment's day hold.
    #[must_use]
    pub fn checked_in(&self, on: Moment) -> usize {
        self.checked_in.get(&on.day_number()).copied().unwrap_or(0)
    }

    /// Entries that must find their way into the EHR, in order of urgency, each with the mark that somebody did it.
    ///
    /// Urgency (事後入力): temporary patients first because everything else of theirs hangs on them, then notes, prescriptions, orders and what
    /// was read from medicine notebooks, then appointments, then receptions, then deferred payments. Undone entries and printing need nothing.
    #[must_use]
    pub fn to_enter(&self) -> Vec<(Arc<Recorded>, Option<Arc<Recorded>>)> {
        let mut list: Vec<Place> = self.to_be_entered().collect();
        // The work is in total order, and a stable sort leaves it so.
        list.sort_by_key(|place| urgency(self.store.kind(*place)));
        self.of(&list)
            .map(|r| {
                let mark = self.entered_by(&r.id);
                (r, mark)
            })
            .collect()
    }

    /// Whether an entry must find its way into the EHR.
    #[must_use]
    pub fn must_be_entered(&self, id: &EntryId) -> bool {
        let place = self.store.place(id);
        place.is_some_and(|place| urgency(self.store.kind(place)).is_some() && self.is_wanted(place))
    }

    /// How many entries must still find their way into the EHR. Counted without a look at any of them: every start page asks.
    #[must_use]
    pub fn rest_to_enter(&self) -> usize {
        let entered = |place: &Place| self.store.id(*place).is_some_and(|id| self.entered.contains_key(&id));
        self.to_be_entered().filter(|place| !entered(place)).count()
    }

    fn to_be_entered(&self) -> impl Iterator<Item = Place> {
        self.work.iter().filter(|place| self.is_wanted(*place))
    }

    /// Whether nothing was taken back or replaced.
    fn is_wanted(&self, place: Place) -> bool {
        let Some(id) = self.store.id(place) else { return false };
        match self.store.kind(place) {
            Kind::Reception | Kind::Appointment | Kind::Prescription | Kind::Order | Kind::Payment | Kind::Notebook => {
                !self.is_undone(&id)
            }
            Kind::Note | Kind::Correction => !self.corrected.contains_key(&id),
            Kind::Temporary => true,
            Kind::Printed | Kind::Other => false,
        }
    }

    /// The reception or printing that gave a sheet its number, the earliest if there are several.
    #[must_use]
    pub fn sheet(&self, number: &FormId) -> Option<Arc<Recorded>> {
        let issued = self.in_order.iter().filter(|place| {
            matches!(
                self.store.kind(*place),
                Kind::Reception | Kind::Printed | Kind::Prescription | Kind::Order | Kind::Payment
            )
        });
        let mut issued = issued.filter_map(|place| self.store.get(place));
        issued.find(|r| match &r.entry.act {
            Act::CheckedIn(check_in) => check_in.visit == *number,
            Act::Printed { form_id, .. } => form_id == number,
            Act::Prescribed(prescribed) => prescribed.sheet == *number,
            Act::Ordered(ordered) => ordered.sheet == *number,
            Act::PaymentDeferred(payment) => payment.sheet == *number,
            _ => false,
        })
    }

    /// The largest sequences one station has used in its ranges: receptions behind its label, sheets of one day in its block, temporary
    /// patients between these bounds.
    #[must_use]
    pub fn used_numbers(
        &self,
        station: StationCode,
        label: &str,
        block: &crate::identity::ranges::Block,
        day_part: &str,
        temporaries: std::ops::Range<u32>,
    ) -> Used {
        self.used.of(station, label, block, day_part, temporaries)
    }
}

/// In which order kinds are typed into the EHR; `None` for what needs nothing.
const fn urgency(kind: Kind) -> Option<u8> {
    match kind {
        Kind::Temporary => Some(0),
        Kind::Note | Kind::Correction | Kind::Prescription | Kind::Order | Kind::Notebook => Some(1),
        Kind::Appointment => Some(2),
        Kind::Reception => Some(3),
        Kind::Payment => Some(4),
        Kind::Printed | Kind::Other => None,
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
