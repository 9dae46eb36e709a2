//! Where entries of different stations disagree: computed from the entries, the same on every station, never decided here.
//!
//! A conflict is a task. What holds meanwhile is a plain rule (the earliest reception counts, arrived beats cancelled, both
//! bookings stay provisional, siblings are shown together); who decides is a person, by an entry that names the entries that
//! disagree. An entry that joins later, and that nobody named, opens the task again; one that only carries out what was
//! decided does not. Deliberately absent: anything that drops, merges or repairs an entry.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use chart::entry::{CheckIn, ProvisionalAppointment};
use chart::{Act, EntryId, PatientId, Subject, TemporaryId};
use jiff::civil::{Date, Time};

use super::names::ByName;
use super::store::Place;
use super::{Day, LinkState, Order, Recorded};

/// What kind of disagreement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConflictKind {
    /// One person linked to two patients.
    TemporaryOfTwo,
    /// One patient linked to two temporary patients.
    PatientOfTwo,
    /// A link taken back and confirmed by people who did not know of one another.
    LinkUndoneAndConfirmed,
    /// Received by two desks.
    ReceivedTwice,
    /// A reception taken back, and the person is here all the same.
    UndoneButHere,
    /// Two corrections of one note.
    CorrectedTwice,
    /// Two provisional appointments for one slot.
    SlotTwice,
    /// Typed into the EHR by two people.
    EnteredTwice,
    /// Two declarations that hold at the same time.
    DeclaredTwice,
    /// A declaration ended and confirmed by people who did not know of one another.
    EndedAndConfirmed,
}

impl ConflictKind {
    /// Stable word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::TemporaryOfTwo => "temporary-of-two",
            Self::PatientOfTwo => "patient-of-two",
            Self::LinkUndoneAndConfirmed => "link-undone-and-confirmed",
            Self::ReceivedTwice => "received-twice",
            Self::UndoneButHere => "undone-but-here",
            Self::CorrectedTwice => "corrected-twice",
            Self::SlotTwice => "slot-twice",
            Self::EnteredTwice => "entered-twice",
            Self::DeclaredTwice => "declared-twice",
            Self::EndedAndConfirmed => "ended-and-confirmed",
        }
    }
}

/// One task.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Conflict {
    /// What kind.
    pub kind: ConflictKind,
    /// About whom: of the first entry, where it is about several.
    pub subject: Subject,
    /// The entries that disagree, in total order.
    pub entries: Vec<EntryId>,
    /// The entry that holds until somebody decides.
    pub proposed: Option<EntryId>,
}

/// A day's slot: department, doctor, day, time.
type Slot = (String, String, Date, Time);

/// Where a conflict is possible. Everything else needs no look, so a day of a million entries costs nothing here.
#[derive(Debug, Default)]
pub(super) struct Seams {
    /// Received twice on one day, or a reception was taken back.
    pub(super) people: BTreeSet<Subject>,
    corrections: BTreeMap<EntryId, Vec<Place>>,
    entered: BTreeMap<EntryId, Vec<Place>>,
    slots: HashMap<Slot, Vec<Place>>,
    crowded: BTreeSet<Slot>,
    settled: ByName<Vec<Place>>,
}

impl Seams {
    pub(super) fn corrected_again(&mut self, note: EntryId, before: Place, place: Place) {
        self.corrections.entry(note).or_insert_with(|| vec![before]).push(place);
    }

    pub(super) fn entered_again(&mut self, entry: EntryId, first: Place, place: Place) {
        self.entered.entry(entry).or_insert_with(|| vec![first]).push(place);
    }

    pub(super) fn booked(&mut self, appointment: &ProvisionalAppointment, place: Place) {
        let Some(at) = appointment.at else { return };
        let slot = (
            appointment.department.code.clone(),
            appointment.doctor.code.clone(),
            appointment.on,
            at,
        );
        let places = self.slots.entry(slot.clone()).or_default();
        places.push(place);
        if places.len() > 1 {
            self.crowded.insert(slot);
        }
    }

    pub(super) fn settled(&mut self, entries: &[EntryId], place: Place) {
        for entry in entries {
            self.settled.entry(*entry).or_default().push(place);
        }
    }
}

impl Day {
    /// What disagrees and nobody has decided yet, most urgent first.
    #[must_use]
    pub fn conflicts(&self) -> Vec<Conflict> {
        let mut found = Vec::new();
        self.link_conflicts(&mut found);
        for subject in &self.seams.people {
            self.reception_conflicts(subject, &mut found);
        }
        self.of_places(
            ConflictKind::CorrectedTwice,
            self.seams.corrections.values(),
            &mut found,
        );
        self.slot_conflicts(&mut found);
        self.of_places(ConflictKind::EnteredTwice, self.seams.entered.values(), &mut found);
        self.declaration_conflicts(&mut found);
        found.retain(|conflict| !self.is_settled(&conflict.entries));
        found.sort_by_key(|c| {
            (
                c.kind,
                c.entries.first().and_then(|id| self.get(id)).map(|r| (r.order, r.id)),
            )
        });
        found
    }

    /// Whether somebody decided: one decision that names every entry, or names the one an entry carried out since points to.
    fn is_settled(&self, entries: &[EntryId]) -> bool {
        let decisions = entries.iter().filter_map(|id| self.seams.settled.get(id)).flatten();
        decisions.filter_map(|place| self.store.get(*place)).any(|decision| {
            let Act::ConflictSettled { entries: named, .. } = &decision.entry.act else {
                return false;
            };
            entries
                .iter()
                .all(|id| named.contains(id) || self.carries_out(id, named, decision.order))
        })
    }

    fn carries_out(&self, id: &EntryId, named: &[EntryId], decided: Order) -> bool {
        self.get(id).is_some_and(|r| {
            let target = r.entry.act.points_back();
            r.order > decided && target.is_some_and(|target| named.contains(target))
        })
    }

    fn conflict(
        &self,
        kind: ConflictKind,
        mut members: Vec<Arc<Recorded>>,
        proposed: Option<EntryId>,
    ) -> Option<Conflict> {
        members.sort_by_key(|r| (r.order, r.id));
        members.dedup_by_key(|r| r.id);
        Some(Conflict {
            kind,
            subject: members.first()?.entry.subject.clone(),
            entries: members.iter().map(|r| r.id).collect(),
            proposed,
        })
    }

    fn of_places<'p>(
        &self,
        kind: ConflictKind,
        groups: impl Iterator<Item = &'p Vec<Place>>,
        found: &mut Vec<Conflict>,
    ) {
        for places in groups {
            let first = places.iter().filter_map(|place| self.store.order(*place)).min();
            let members = self.of(places).collect();
            found.extend(self.conflict(kind, members, first.map(|(_, id)| id)));
        }
    }

    /// Whether the later of two claims was made while the earlier one stood.
    fn meets(&self, earlier: &Recorded, later: &Recorded) -> bool {
        self.undone_by(&earlier.id)
            .is_none_or(|undone| later.order < undone.order)
    }

    /// Puts claims that stood at the same time and are about the same thing into one group, in order.
    fn groups(
        &self,
        claims: impl Iterator<Item = Arc<Recorded>>,
        same: impl Fn(&Recorded, &Recorded) -> bool,
    ) -> Vec<Vec<Arc<Recorded>>> {
        let mut groups: Vec<Vec<Arc<Recorded>>> = Vec::new();
        for claim in claims {
            let joins =
                |group: &&mut Vec<Arc<Recorded>>| group.iter().any(|r| same(r, &claim) && self.meets(r, &claim));
            match groups.iter_mut().find(joins) {
                Some(group) => group.push(claim),
                None => groups.push(vec![claim]),
            }
        }
        groups
    }

    /// A group's conflict: its claims and what took them back; the earliest that holds is proposed.
    fn claims(&self, kind: ConflictKind, group: &[Arc<Recorded>]) -> Option<Conflict> {
        let taken_back = group.iter().filter_map(|r| self.undone_by(&r.id));
        let holds = group.iter().find(|r| !self.is_undone(&r.id)).map(|r| r.id);
        let members = group.iter().cloned().chain(taken_back).collect();
        self.conflict(kind, members, holds)
    }

    fn reception_conflicts(&self, subject: &Subject, found: &mut Vec<Conflict>) {
        let received = self.about(subject).filter(|r| matches!(r.entry.act, Act::CheckedIn(_)));
        for group in self.groups(received, same_visit) {
            let taken_back = group.iter().filter(|r| self.is_undone(&r.id)).count();
            match (group.as_slice(), taken_back) {
                ([one], 1) => found.extend(self.undone_but_seen(subject, one)),
                ([_], _) => {}
                (_, n) if n > 0 && n < group.len() => found.extend(self.claims(ConflictKind::UndoneButHere, &group)),
                _ => found.extend(self.claims(ConflictKind::ReceivedTwice, &group)),
            }
        }
    }

    /// A reception that was taken back while somebody writes a note about the person on the same day, and no other
    /// reception holds: they are here (arrived beats cancelled), and somebody has to say under which number.
    fn undone_but_seen(&self, subject: &Subject, received: &Arc<Recorded>) -> Option<Conflict> {
        let day = received.entry.written_at.day();
        let elsewhere = self.receptions(subject).any(|(r, _)| r.entry.written_at.day() == day);
        if elsewhere {
            return None;
        }
        let note = self.about(subject).find(|r| match &r.entry.act {
            Act::NoteSigned(note) => {
                r.order > received.order
                    && r.entry.written_at.day() == day
                    && may_be_of(received, &note.department.code)
            }
            _ => false,
        })?;
        let undone = self.undone_by(&received.id)?;
        let members = vec![Arc::clone(received), undone, note];
        self.conflict(ConflictKind::UndoneButHere, members, Some(received.id))
    }

    fn slot_conflicts(&self, found: &mut Vec<Conflict>) {
        let crowded = self.seams.crowded.iter().filter_map(|slot| self.seams.slots.get(slot));
        for places in crowded {
            let mut claims: Vec<_> = self.of(places).collect();
            claims.sort_by_key(|r| (r.order, r.id));
            for group in self.groups(claims.into_iter(), |_, _| true) {
                if group.len() > 1 {
                    found.extend(self.claims(ConflictKind::SlotTwice, &group));
                }
            }
        }
    }

    fn link_conflicts(&self, found: &mut Vec<Conflict>) {
        let mut by_temporary: BTreeMap<TemporaryId, Vec<LinkState>> = BTreeMap::new();
        let mut by_patient: BTreeMap<PatientId, Vec<LinkState>> = BTreeMap::new();
        for link in self.links() {
            let Some(confirmed) = &link.confirmed else { continue };
            if let Some(undone) = &link.undone
                && confirmed.order > undone.order
            {
                let members = vec![link.proposal.clone(), undone.clone(), confirmed.clone()];
                found.extend(self.conflict(ConflictKind::LinkUndoneAndConfirmed, members, Some(undone.id)));
            }
            by_temporary
                .entry(link.link.temporary.clone())
                .or_default()
                .push(link.clone());
            by_patient.entry(link.link.patient.clone()).or_default().push(link);
        }
        for links in by_temporary.values() {
            self.disagreeing_links(ConflictKind::TemporaryOfTwo, links, found);
        }
        for links in by_patient.values() {
            self.disagreeing_links(ConflictKind::PatientOfTwo, links, found);
        }
    }

    /// Links of one number that stood at the same time and lead to different people.
    fn disagreeing_links(&self, kind: ConflictKind, links: &[LinkState], found: &mut Vec<Conflict>) {
        let differ = |links: &[&LinkState]| {
            links.iter().any(|a| {
                links
                    .iter()
                    .any(|b| a.link.patient != b.link.patient || a.link.temporary != b.link.temporary)
            })
        };
        for group in self.groups(links.iter().map(|l| l.proposal.clone()), |_, _| true) {
            let of_group: Vec<&LinkState> = links
                .iter()
                .filter(|l| group.iter().any(|r| r.id == l.proposal.id))
                .collect();
            if differ(&of_group) {
                found.extend(self.claims(kind, &group));
            }
        }
    }

    fn declaration_conflicts(&self, found: &mut Vec<Conflict>) {
        let declared: Vec<Arc<Recorded>> = self.of(&self.declared).collect();
        for recorded in &declared {
            if let (Some(ended), Some(confirmed)) = (self.undone_by(&recorded.id), self.confirmed_by(&recorded.id))
                && confirmed.order > ended.order
            {
                let first = Some(ended.id);
                let members = vec![recorded.clone(), ended, confirmed];
                found.extend(self.conflict(ConflictKind::EndedAndConfirmed, members, first));
            }
        }
        // A 仮宣言 that ran out does not meet the next one.
        let ran_out = |earlier: &Recorded, later: &Recorded| {
            self.declared_until(&earlier.id)
                .is_some_and(|(until, _)| later.entry.written_at >= until)
        };
        for group in self.groups(declared.into_iter(), |earlier, later| !ran_out(earlier, later)) {
            if group.len() > 1 {
                let first = group.iter().find(|r| !self.is_undone(&r.id)).map(|r| r.id);
                found.extend(self.conflict(ConflictKind::DeclaredTwice, group, first));
            }
        }
    }
}

/// Two receptions of one person for one visit: same day, same department, and not two bookings of it.
fn same_visit(a: &Recorded, b: &Recorded) -> bool {
    let (Act::CheckedIn(one), Act::CheckedIn(other)) = (&a.entry.act, &b.entry.act) else {
        return false;
    };
    let two_bookings = |one: &CheckIn, other: &CheckIn| {
        one.booked_at.is_some() && other.booked_at.is_some() && one.booked_at != other.booked_at
    };
    a.entry.written_at.day() == b.entry.written_at.day()
        && one.department.code == other.department.code
        && !two_bookings(one, other)
}

/// Whether a note of this department can belong to a reception; a note that names none can.
fn may_be_of(received: &Recorded, department: &str) -> bool {
    match &received.entry.act {
        Act::CheckedIn(check_in) => department.is_empty() || check_in.department.code == department,
        _ => false,
    }
}
