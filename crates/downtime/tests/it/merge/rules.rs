//! The rules of what disagrees, one small story each.

use std::sync::Arc;

use chart::entry::{CheckIn, Declaration, Link, ProvisionalAppointment, SignedNote};
use chart::{Act, Author, Coded, Entry, EntryId, FormId, Moment, PatientId, StationCode, Subject, TemporaryId};
use downtime::view::{Conflict, ConflictKind, Day, Order, Progress, Recorded, lay_over};
use jiff::civil::{date, time};

/// 9:00 on the day.
const NINE: i64 = 1_795_132_800;

/// Entries of a story, each a minute after the one before.
#[derive(Default)]
struct Story(Vec<Arc<Recorded>>);

impl Story {
    fn at(&mut self, station: u8, user: &str, subject: Subject, act: Act) -> EntryId {
        let n = self.0.len() as u64 + 1;
        self.put(n, station, user, subject, act)
    }

    /// With a place of its own in the order: the clock of that station is wrong.
    fn put(&mut self, hlc: u64, station: u8, user: &str, subject: Subject, act: Act) -> EntryId {
        let n = self.0.len() as u8 + 1;
        let id = EntryId([n; 32]);
        let mut name = [0; 16];
        name[0] = station;
        self.0.push(Arc::new(Recorded {
            id,
            order: Order {
                hlc,
                station: name,
                incarnation: [0; 8],
                seq: n.into(),
            },
            entry: Entry {
                by: Author {
                    user: user.to_owned(),
                    name: user.to_owned(),
                    role: "reception".to_owned(),
                },
                written_at: Moment(NINE + i64::from(n) * 60),
                station: StationCode::parse(&format!("S{station:02}")).unwrap(),
                subject,
                act,
            },
        }));
        id
    }

    /// The day, in the order of writing and turned round: both must be the same.
    fn day(&self) -> Day {
        let mut day = Day::default();
        day.add_shared(self.0.iter().cloned());
        // Everything but one entry packed.
        let mut turned = Day::with_open(1);
        for r in self.0.iter().rev() {
            turned.add_shared([Arc::clone(r)]);
        }
        assert_eq!(day.conflicts(), turned.conflicts());
        assert_eq!(day.checked_in(Moment(NINE)), turned.checked_in(Moment(NINE)));
        day
    }

    fn only(&self) -> Conflict {
        let mut conflicts = self.day().conflicts();
        assert_eq!(conflicts.len(), 1, "{conflicts:?}");
        conflicts.remove(0)
    }

    fn settle(&mut self, entries: Vec<EntryId>) -> EntryId {
        let decision = "前のほうが正しい".to_owned();
        self.at(9, "9009", Subject::Hospital, Act::ConflictSettled { entries, decision })
    }

    fn check_in(&mut self, station: u8, department: &str, booked: Option<i8>) -> EntryId {
        let act = Act::CheckedIn(CheckIn {
            number: "A-001".to_owned(),
            visit: FormId::issue(date(2026, 11, 20), 1, 1).unwrap(),
            department: Coded::new(department, ""),
            doctor: Coded::default(),
            booked_at: booked.map(|hour| time(hour, 0, 0, 0)),
            unbooked: booked.is_none(),
            identity_confirmed: true,
            insurance_seen: false,
            paper_language: None,
        });
        self.at(station, "1001", hanako(), act)
    }

    fn undo(&mut self, station: u8, entry: EntryId) -> EntryId {
        let reason = "別の人".to_owned();
        self.at(station, "1001", hanako(), Act::CheckInUndone { entry, reason })
    }

    fn note(&mut self) -> EntryId {
        let note = SignedNote {
            department: Coded::new("01", ""),
            ..SignedNote::default()
        };
        self.at(4, "2001", hanako(), Act::NoteSigned(note))
    }

    fn correct(&mut self, station: u8, entry: EntryId) -> EntryId {
        let (reason, note) = ("左右".to_owned(), SignedNote::default());
        self.at(station, "2001", hanako(), Act::NoteCorrected { entry, reason, note })
    }

    fn book(&mut self, station: u8, patient: u32, at: Option<i8>, doctor: &str) -> EntryId {
        let act = Act::AppointmentProvisional(ProvisionalAppointment {
            on: date(2026, 12, 1),
            at: at.map(|hour| time(hour, 0, 0, 0)),
            department: Coded::new("01", "内科"),
            doctor: Coded::new(doctor, ""),
            purpose: String::new(),
            exams: String::new(),
            phone: String::new(),
            paper_language: None,
        });
        self.at(station, "2001", person(patient), act)
    }

    fn link(&mut self, temporary: u32, patient: u32) -> EntryId {
        let act = Act::LinkProposed(Link {
            temporary: TemporaryId::issue(StationCode::parse("S01").unwrap(), temporary).unwrap(),
            patient: patient_id(patient),
            reason: "保険証".to_owned(),
        });
        self.at(1, "1001", person(patient), act)
    }

    fn confirm_link(&mut self, entry: EntryId) -> EntryId {
        self.at(2, "1002", hanako(), Act::LinkConfirmed { entry })
    }

    fn undo_link(&mut self, entry: EntryId) -> EntryId {
        let reason = "別人".to_owned();
        self.at(3, "1003", hanako(), Act::LinkUndone { entry, reason })
    }

    fn declare(&mut self, station: u8, user: &str) -> EntryId {
        let act = Act::DowntimeDeclared(Declaration {
            provisional: true,
            drill: false,
            stopped_at: Moment(NINE),
            reason: String::new(),
        });
        self.at(station, user, Subject::Hospital, act)
    }
}

fn patient_id(n: u32) -> PatientId {
    PatientId::parse(&format!("{n:08}")).unwrap()
}

fn person(n: u32) -> Subject {
    Subject::Patient(patient_id(n))
}

fn hanako() -> Subject {
    person(1)
}

#[test]
fn received_by_two_desks_counts_once_and_is_a_task() {
    let mut story = Story::default();
    let first = story.check_in(1, "01", Some(9));
    let second = story.check_in(2, "01", None);
    let conflict = story.only();
    assert_eq!(conflict.kind, ConflictKind::ReceivedTwice);
    assert_eq!(conflict.entries, [first, second]);
    assert_eq!(conflict.proposed, Some(first), "the earliest counts");
    assert_eq!(story.day().receptions(&hanako()).count(), 2, "both stay");
}

#[test]
fn two_bookings_two_departments_and_two_days_are_no_conflict() {
    let mut story = Story::default();
    story.check_in(1, "01", Some(9));
    story.check_in(2, "01", Some(11));
    story.check_in(2, "03", None);
    assert!(story.day().conflicts().is_empty());
}

#[test]
fn received_again_after_an_undo_is_no_conflict() {
    let mut story = Story::default();
    let first = story.check_in(1, "01", None);
    story.undo(1, first);
    story.check_in(1, "01", None);
    assert!(story.day().conflicts().is_empty());
    assert_eq!(story.day().checked_in(Moment(NINE)), 1);
}

#[test]
fn yesterdays_reception_is_not_todays() {
    let mut story = Story::default();
    story.check_in(1, "01", None);
    let (day, today, tomorrow) = (story.day(), Moment(NINE), Moment(NINE + 86_400));
    assert_eq!((day.checked_in(today), day.checked_in(tomorrow)), (1, 0));
    assert_eq!(day.progress(&hanako(), today), Progress::CheckedIn);
    assert_eq!(day.progress(&hanako(), tomorrow), Progress::Expected);
    assert_eq!(day.receptions_on(&hanako(), tomorrow).count(), 0);
    assert_eq!(day.receptions(&hanako()).count(), 1, "but it is there");
    let seen_at = |hours: i64| {
        let view = lay_over(&hanako(), None, &day, Moment(NINE + hours * 3_600));
        view.reception().is_some()
    };
    assert!(seen_at(14), "the same day");
    assert!(!seen_at(24), "not the day after");
}

#[test]
fn undone_at_one_desk_and_received_at_another_stays_here() {
    let mut story = Story::default();
    let first = story.check_in(1, "01", None);
    let second = story.check_in(2, "01", None);
    let undone = story.undo(1, first);
    let conflict = story.only();
    assert_eq!(conflict.kind, ConflictKind::UndoneButHere);
    assert_eq!(conflict.entries, [first, second, undone]);
    assert_eq!(conflict.proposed, Some(second));
    assert_eq!(story.day().checked_in(Moment(NINE)), 1);
}

#[test]
fn undone_and_yet_seen_by_the_physician() {
    let mut story = Story::default();
    let first = story.check_in(1, "01", None);
    let undone = story.undo(1, first);
    let note = story.note();
    let conflict = story.only();
    assert_eq!(conflict.kind, ConflictKind::UndoneButHere);
    assert_eq!(conflict.entries, [first, undone, note]);
    assert_eq!(conflict.proposed, Some(first), "arrived beats cancelled");
    assert_eq!(story.day().progress(&hanako(), Moment(NINE)), Progress::Seen);
}

#[test]
fn two_corrections_of_one_note_stand_side_by_side() {
    let mut story = Story::default();
    let note = story.note();
    let (one, other) = (story.correct(1, note), story.correct(2, note));
    let conflict = story.only();
    assert_eq!(conflict.kind, ConflictKind::CorrectedTwice);
    assert_eq!(conflict.entries, [one, other]);
    let day = story.day();
    let ids: Vec<EntryId> = day.to_enter().iter().map(|(r, _)| r.id).collect();
    assert_eq!(ids, [one, other], "both are to be typed in until somebody decides");
    let mut chain = Story::default();
    let note = chain.note();
    let one = chain.correct(1, note);
    chain.correct(2, one);
    assert!(chain.day().conflicts().is_empty(), "one after the other is no conflict");
}

#[test]
fn one_slot_for_two_people_stays_provisional_for_both() {
    let mut story = Story::default();
    let one = story.book(1, 1, Some(9), "D1");
    story.book(1, 2, Some(10), "D1");
    story.book(1, 2, Some(9), "D2");
    story.book(1, 3, None, "D1");
    assert!(story.day().conflicts().is_empty());
    let other = story.book(2, 2, Some(9), "D1");
    let conflict = story.only();
    assert_eq!(conflict.kind, ConflictKind::SlotTwice);
    assert_eq!(conflict.entries, [one, other]);
    assert_eq!(conflict.proposed, Some(one));
    assert_eq!(story.day().provisional().count(), 5);
}

#[test]
fn a_person_confirms_no_link_of_their_own() {
    let mut story = Story::default();
    let link = story.link(1, 1);
    story.at(1, "1001", hanako(), Act::LinkConfirmed { entry: link });
    assert!(story.day().links().all(|l| l.waits()));
    story.confirm_link(link);
    assert!(story.day().links().all(|l| l.holds()));
    let temporary = TemporaryId::issue(StationCode::parse("S01").unwrap(), 1).unwrap();
    assert_eq!(story.day().patients_of(&temporary).next(), Some(patient_id(1)));
    assert_eq!(story.day().temporaries_of(&patient_id(1)).count(), 1);
}

#[test]
fn a_confirmation_that_stands_before_its_proposal_counts() {
    let mut story = Story::default();
    let link = story.link(1, 1);
    story.put(0, 2, "1002", hanako(), Act::LinkConfirmed { entry: link });
    assert!(story.day().links().all(|l| l.holds()), "the proposer's clock was ahead");
}

#[test]
fn a_temporary_patient_of_two_numbers_and_a_number_of_two() {
    let mut story = Story::default();
    let one = story.link(1, 1);
    let other = story.link(1, 2);
    story.confirm_link(one);
    assert!(story.day().conflicts().is_empty(), "a proposal alone is none");
    story.confirm_link(other);
    let conflict = story.only();
    assert_eq!(
        (conflict.kind, conflict.entries),
        (ConflictKind::TemporaryOfTwo, vec![one, other])
    );
    let mut story = Story::default();
    let one = story.link(1, 1);
    let other = story.link(2, 1);
    story.confirm_link(one);
    story.confirm_link(other);
    let conflict = story.only();
    assert_eq!(
        (conflict.kind, conflict.entries),
        (ConflictKind::PatientOfTwo, vec![one, other])
    );
}

#[test]
fn a_link_undone_here_and_confirmed_there() {
    let mut story = Story::default();
    let link = story.link(1, 1);
    let undone = story.undo_link(link);
    let confirmed = story.confirm_link(link);
    let conflict = story.only();
    assert_eq!(conflict.kind, ConflictKind::LinkUndoneAndConfirmed);
    assert_eq!(conflict.entries, [link, undone, confirmed]);
    assert!(!story.day().links().any(|l| l.holds()), "the safe side: not linked");
    let mut story = Story::default();
    let link = story.link(1, 1);
    story.confirm_link(link);
    story.undo_link(link);
    assert!(story.day().conflicts().is_empty(), "undone after it was confirmed");
}

#[test]
fn two_declarations_at_once_and_one_after_the_other() {
    let mut story = Story::default();
    let one = story.declare(1, "1001");
    let other = story.declare(2, "2001");
    let conflict = story.only();
    assert_eq!(
        (conflict.kind, conflict.entries),
        (ConflictKind::DeclaredTwice, vec![one, other])
    );
    let mut story = Story::default();
    let one = story.declare(1, "1001");
    let reason = "開いた".to_owned();
    story.at(1, "1001", Subject::Hospital, Act::DowntimeEnded { entry: one, reason });
    story.declare(2, "2001");
    assert!(story.day().conflicts().is_empty());
}

#[test]
fn a_declaration_ended_here_and_confirmed_there() {
    let mut story = Story::default();
    let declared = story.declare(1, "1001");
    let reason = "開いた".to_owned();
    let entry = declared;
    let ended = story.at(1, "1001", Subject::Hospital, Act::DowntimeEnded { entry, reason });
    let confirmed = story.at(2, "3001", Subject::Hospital, Act::DowntimeConfirmed { entry });
    let conflict = story.only();
    assert_eq!(conflict.kind, ConflictKind::EndedAndConfirmed);
    assert_eq!(conflict.entries, [declared, ended, confirmed]);
}

#[test]
fn a_provisional_declaration_runs_out_unless_another_person_confirms() {
    let mut story = Story::default();
    let entry = story.declare(1, "1001");
    let made = NINE + 60;
    let at = |day: &Day, minutes: i64| day.declaration(Moment(made + minutes * 60)).is_some();
    story.at(1, "1001", Subject::Hospital, Act::DowntimeConfirmed { entry });
    let day = story.day();
    assert!(at(&day, 29) && !at(&day, 30), "the same person confirms nothing");
    assert_eq!(day.declared_until(&entry), Some((Moment(made + 1_800), true)));
    story.at(2, "9001", Subject::Hospital, Act::DowntimeConfirmed { entry });
    let day = story.day();
    assert!(at(&day, 30) && at(&day, 60 * 24 * 90 - 1) && !at(&day, 60 * 24 * 90));
    assert_eq!(day.declared_until(&entry), Some((Moment(made + 90 * 86_400), false)));
}

#[test]
fn typed_in_by_two_people() {
    let mut story = Story::default();
    let note = story.note();
    let at = Moment(NINE);
    let one = story.at(1, "1001", hanako(), Act::EnteredInEhr { entry: note, at });
    let other = story.at(2, "1002", hanako(), Act::EnteredInEhr { entry: note, at });
    let conflict = story.only();
    assert_eq!(
        (conflict.kind, conflict.entries),
        (ConflictKind::EnteredTwice, vec![one, other])
    );
    assert_eq!(story.day().entered_by(&note).map(|r| r.id), Some(one));
}

#[test]
fn only_a_decision_that_names_every_entry_settles() {
    let mut story = Story::default();
    let first = story.check_in(1, "01", None);
    let second = story.check_in(2, "01", None);
    story.settle(vec![first]);
    assert_eq!(story.day().conflicts().len(), 1, "half a decision is none");
    story.settle(vec![second]);
    assert_eq!(story.day().conflicts().len(), 1, "two halves are none");
    story.settle(vec![second, first]);
    assert!(story.day().conflicts().is_empty());
    story.undo(2, second);
    assert!(story.day().conflicts().is_empty(), "carried out as decided");
    story.check_in(3, "01", None);
    assert_eq!(story.day().conflicts().len(), 1, "a third one opens it again");
}

#[test]
fn an_undo_that_nobody_knew_of_opens_the_task_again() {
    let mut story = Story::default();
    let first = story.check_in(1, "01", None);
    let second = story.check_in(2, "01", None);
    story.settle(vec![first, second]);
    assert!(story.day().conflicts().is_empty());
    let act = Act::CheckInUndone {
        entry: first,
        reason: "別の人".to_owned(),
    };
    // Written before the decision at a station that was cut off.
    story.put(3, 1, "1001", hanako(), act);
    assert_eq!(story.only().kind, ConflictKind::UndoneButHere);
}

#[test]
fn copies_of_a_disk_give_the_same_day_whoever_comes_first() {
    let mut story = Story::default();
    let first = story.check_in(1, "01", None);
    let twin = {
        let mut twin = (*story.0[0]).clone();
        twin.id = EntryId([7; 32]);
        Arc::new(twin)
    };
    story.0.push(twin);
    assert_eq!(story.only().proposed, Some(first));
}
