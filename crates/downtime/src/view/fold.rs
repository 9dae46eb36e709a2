//! Taking entries in. What an entry changes never depends on which entries came before it, only on their total order, so a
//! parcel from a station that was cut off for a week costs what it holds and nothing is folded anew.

use std::collections::BTreeMap;
use std::sync::Arc;

use chart::{Act, EntryId, Subject};

use super::names::ByName;
use super::store::{Kind, Place, Store};
use super::{Day, Recorded, urgency};

impl Day {
    /// A day that keeps so many of the newest entries unpacked; what it shows is the same.
    #[must_use]
    pub fn with_open(entries: usize) -> Self {
        Self {
            store: Store::with_open(entries),
            ..Self::default()
        }
    }

    /// Adds entries in any order; an entry that is already there changes nothing.
    pub fn add(&mut self, entries: impl IntoIterator<Item = Recorded>) {
        let entries = entries.into_iter();
        let (least, _) = entries.size_hint();
        for (n, recorded) in entries.enumerate() {
            let is_new = self.take(&recorded);
            // Of many at once only the newest are kept as they are; the others would be let go before anybody asks.
            if is_new && n + self.store.open() >= least {
                self.store.keep(Arc::new(recorded));
            }
        }
    }

    /// [`Self::add`] for entries that are not the newest: none is kept unpacked.
    pub fn add_packed(&mut self, entries: impl IntoIterator<Item = Recorded>) {
        for recorded in entries {
            self.take(&recorded);
        }
    }

    /// [`Self::add`] for entries that somebody else holds too.
    pub fn add_shared(&mut self, entries: impl IntoIterator<Item = Arc<Recorded>>) {
        for recorded in entries {
            if self.take(&recorded) {
                self.store.keep(recorded);
            }
        }
    }

    /// Takes an entry unless it is there.
    fn take(&mut self, recorded: &Recorded) -> bool {
        let Some(place) = self.store.add(recorded) else {
            return false;
        };
        let store = &self.store;
        self.in_order.insert(place, |one, other| store.is_before(one, other));
        self.apply(place, recorded);
        true
    }

    /// Takes one entry into every index. An entry may come before the one it points back to, so nothing here may rest on that
    /// one being there already.
    fn apply(&mut self, place: Place, recorded: &Recorded) {
        let entry = &recorded.entry;
        self.used.learn(entry);
        match &entry.act {
            Act::CheckedIn(_) => {
                if !self.is_undone(&recorded.id) {
                    *self.checked_in.entry(entry.written_at.day_number()).or_default() += 1;
                }
                self.watch_receptions(place, &entry.subject);
            }
            Act::CheckInUndone { entry: undone, .. } => {
                self.undo(*undone, place);
                self.seams.people.insert(entry.subject.clone());
            }
            Act::AppointmentCancelled { entry: undone, .. }
            | Act::DowntimeEnded { entry: undone, .. }
            | Act::EnvelopeClosed { entry: undone, .. }
            | Act::LinkUndone { entry: undone, .. }
            | Act::PrescriptionVoided { entry: undone, .. }
            | Act::OrderVoided { entry: undone, .. }
            | Act::PaymentUndone { entry: undone, .. }
            | Act::NotebookDiscarded { entry: undone, .. } => self.undo(*undone, place),
            Act::NoteCorrected { entry: note, .. } => {
                if let Some(other) = keep_last(&self.store, &mut self.corrected, *note, place) {
                    self.seams.corrected_again(*note, other, place);
                }
            }
            Act::EnteredInEhr { entry: typed, .. } => {
                if let Some(other) = keep_first(&self.store, &mut self.entered, *typed, place) {
                    self.seams.entered_again(*typed, other, place);
                }
            }
            Act::TemporaryRegistered(temporary) => register(&self.store, &mut self.temporary, &temporary.id, place),
            Act::AppointmentProvisional(appointment) => {
                self.store.insert(&mut self.booked, place);
                self.seams.booked(appointment, place);
            }
            Act::DowntimeDeclared(_) => self.store.insert(&mut self.declared, place),
            Act::EnvelopeOpened(_) => self.store.insert(&mut self.opened, place),
            Act::UserDisabled { user, .. } => {
                self.disabled.insert(user.clone());
            }
            Act::DowntimeConfirmed { entry: said } | Act::LinkConfirmed { entry: said } => {
                self.store.insert(self.confirmed.entry(*said).or_default(), place);
            }
            Act::LinkProposed(_) => self.store.insert(&mut self.linked, place),
            Act::ConflictSettled { entries, .. } => self.seams.settled(entries, place),
            Act::PaymentDeferred(_) => self.store.insert(&mut self.deferred, place),
            Act::NoteSigned(_)
            | Act::Printed { .. }
            | Act::Prescribed(_)
            | Act::Ordered(_)
            | Act::NotebookRead(_)
            | Act::SheetVoided { .. }
            | Act::SheetsIssued(_)
            | Act::SheetReturned(_) => {}
            Act::SheetNamed(named) => {
                for before in &named.replaces {
                    self.undo(*before, place);
                }
            }
        }
        if urgency(self.store.kind(place)).is_some() {
            let store = &self.store;
            self.work.insert(place, |one, other| store.is_before(one, other));
        }
        let number = self.store.subject_of(place);
        if number == self.by_subject.len() {
            self.by_subject.push(Vec::new());
        }
        if let Some(list) = self.by_subject.get_mut(number) {
            self.store.insert(list, place);
        }
    }

    /// The first who takes an entry back is the one who did.
    fn undo(&mut self, entry: EntryId, place: Place) {
        if keep_first(&self.store, &mut self.undone, entry, place).is_some() {
            return;
        }
        let undone = self.get(&entry);
        if let Some(r) = undone.filter(|r| matches!(r.entry.act, Act::CheckedIn(_))) {
            let of_day = self.checked_in.entry(r.entry.written_at.day_number()).or_default();
            *of_day = of_day.saturating_sub(1);
        }
    }

    /// A second reception of one person on one day is worth a look; who comes again another day is no conflict.
    fn watch_receptions(&mut self, place: Place, subject: &Subject) {
        let others = self.by_subject.get(self.store.subject_of(place));
        let received =
            |other: &Place| self.store.kind(*other) == Kind::Reception && self.store.are_of_one_day(*other, place);
        if others.is_some_and(|places| places.iter().any(received)) {
            self.seams.people.insert(subject.clone());
        }
    }
}

/// Keeps the earlier of two in the table; gives the one that was there before.
fn keep_first(store: &Store, table: &mut ByName<Place>, entry: EntryId, place: Place) -> Option<Place> {
    let kept = table.get(&entry).copied();
    if kept.is_none_or(|kept| store.is_before(place, kept)) {
        table.insert(entry, place);
    }
    kept
}

/// Keeps the later of two in the table; gives the one that was there before.
fn keep_last(store: &Store, table: &mut ByName<Place>, entry: EntryId, place: Place) -> Option<Place> {
    let kept = table.get(&entry).copied();
    if kept.is_none_or(|kept| store.is_before(kept, place)) {
        table.insert(entry, place);
    }
    kept
}

/// The first who registered a number is the one who did.
fn register(store: &Store, table: &mut BTreeMap<chart::TemporaryId, Place>, id: &chart::TemporaryId, place: Place) {
    let kept = table.get(id).copied();
    if kept.is_none_or(|kept| store.is_before(place, kept)) {
        table.insert(id.clone(), place);
    }
}
