//! Clocks that jump, and accounts whose time is over.

use std::sync::atomic::Ordering;

use chart::entry::SignedNote;
use chart::{Act, Moment, PatientId, Subject};
use downtime::audit::reports::{self, Question};
use downtime::audit::{Deed, Method, Outcome};
use downtime::extract::Guard;
use downtime::identity::{NewUser, Role, Scope, Sponsor, UserRecord};
use downtime::papers::{MaintenanceDay, Office, maintenance_report};
use downtime::state::TimeQuality;
use downtime::stations::{Ended, Session};
use vault::slot::{Credentials, SlotCost};

use crate::hospital::{Hospital, PASSWORD, code, nine, patients, rng, sealed_file};

fn note(session: &Session, text: &str) -> chart::EntryId {
    let section = chart::note::Section {
        kind: chart::note::SectionKind::Free,
        text: text.to_owned(),
    };
    let note = SignedNote {
        sections: vec![section],
        ..SignedNote::default()
    };
    let subject = Subject::Patient(PatientId::parse("00001000").unwrap());
    session.record_blocking(subject, Act::NoteSigned(note)).unwrap()
}

fn order(session: &Session) -> Vec<chart::EntryId> {
    session.day().all().map(|r| r.id).collect()
}

#[test]
fn a_clock_that_jumps_changes_times_but_never_the_order() {
    let hospital = Hospital::new();
    hospital.seal(patients(3), Guard::default()).unwrap();
    let (hub, ward) = (hospital.start("H01"), hospital.start("R03"));
    ward.shelf().receive(&mut sealed_file(hub.shelf()).as_slice()).unwrap();
    let at_hub = hub.sign_in("2001", &Credentials::Password(PASSWORD)).unwrap();
    let at_ward = ward.sign_in("2001", &Credentials::Password(PASSWORD)).unwrap();
    hub.observe_time(TimeQuality::Synced);
    let mut written = Vec::new();
    // An hour ahead, three hours back, a day back, and right again: each entry comes after what its author had seen.
    for (step, jump) in [0, 3_600, -10_800, -86_400, 100_000].into_iter().enumerate() {
        hospital.clock.fetch_add(jump, Ordering::SeqCst);
        let (station, other, session) = if step % 2 == 0 {
            (&hub, &ward, &at_hub)
        } else {
            (&ward, &hub, &at_ward)
        };
        written.push(note(session, &format!("{step}番目")));
        other.take(&station.missing(&other.heads())).unwrap();
        assert_eq!(order(&at_hub), written, "after step {step}");
        assert_eq!(order(&at_ward), written, "after step {step}");
    }
    let times: Vec<Moment> = at_hub.day().all().map(|r| r.entry.written_at).collect();
    assert!(!times.is_sorted(), "the clock's own words stay as they were: {times:?}");
    drop((at_hub, at_ward, hub, ward));
    let hub = hospital.start("H01");
    let session = hub.sign_in("2001", &Credentials::Password(PASSWORD)).unwrap();
    assert_eq!(order(&session), written, "and after a restart");
}

fn maintenance(hospital: &mut Hospital, until: Moment) {
    let user = NewUser {
        record: UserRecord {
            role: Role::Maintenance,
            scope: Scope::All,
            until: Some(until),
            purpose: "T-2041 / 架空システム".to_owned(),
            ..UserRecord::named("M01", "保守　太郎")
        },
        opens: Credentials::Password(PASSWORD),
    };
    let sponsor = Sponsor {
        user: "9001",
        journal: None,
        audit: None,
        at: nine(),
        note: "T-2041",
    };
    hospital
        .roster
        .enrol_user(&user, &sponsor, SlotCost::FLOOR, &mut rng())
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn maintenance_opens_no_patient_and_ends_by_itself() {
    let mut hospital = Hospital::new();
    let until = Moment(nine().0 + 4 * 3600);
    maintenance(&mut hospital, until);
    hospital.seal(patients(3), Guard::default()).unwrap();
    let station = hospital.start("H01");
    let sign_in = |who: &'static str| {
        let station = std::sync::Arc::clone(&station);
        async move {
            let blocking = move || station.sign_in(who, &Credentials::Password(PASSWORD));
            tokio::task::spawn_blocking(blocking).await.unwrap()
        }
    };
    let session = sign_in("M01").await.unwrap();
    assert_eq!(session.index().len(), 0, "no list, whatever scope somebody wrote");
    assert!(session.journal_key().is_none() && session.audit_key().is_none());
    let patient = Subject::Patient(PatientId::parse("00001000").unwrap());
    assert!(session.may_write(&patient).await.is_err());
    assert_eq!(session.ended(), None);
    hospital.clock.store(until.0, Ordering::SeqCst);
    assert_eq!(session.ended(), Some(Ended::Expired));
    assert!(sign_in("M01").await.is_err(), "the same password, one second too late");
    let doctor = sign_in("2001").await.unwrap();
    assert_eq!(doctor.ended(), None);

    let auditor = sign_in("8001").await.unwrap();
    let book = auditor.book().unwrap();
    let book = book.read().unwrap();
    let question = Question {
        user: "M01".to_owned(),
        ..Question::default()
    };
    let deeds = reports::in_order(&book, &question);
    let outcomes: Vec<_> = deeds.iter().map(|s| (s.sighting.deed, s.sighting.outcome)).collect();
    assert!(outcomes.contains(&(Deed::SignedIn, Outcome::Done)), "{outcomes:?}");
    assert!(outcomes.contains(&(Deed::SignedIn, Outcome::Refused)), "{outcomes:?}");
    let office = Office {
        hospital: "試験病院".to_owned(),
        station: code("H01"),
        now: until,
        nth: 0,
    };
    let day = |deeds| MaintenanceDay {
        from: nine(),
        until,
        deeds,
        ..MaintenanceDay::default()
    };
    // The attempt that opened nothing is on the paper too: whoever signs it decides what it was.
    let attempt = maintenance_report(&day(deeds.clone()), &office);
    assert_eq!(attempt.body["touched"]["state"], "known");
    let sign_ins = deeds
        .into_iter()
        .filter(|s| s.sighting.deed == Deed::SignedIn)
        .collect();
    let report = maintenance_report(&day(sign_ins), &office);
    assert_eq!(report.body["touched"]["state"], "none");
    assert_eq!(report.body["deeds"].as_array().unwrap().len(), 2);
}

#[test]
fn a_jump_is_in_the_audit_log_with_the_time_before_and_after() {
    let hospital = Hospital::new();
    hospital.seal(patients(1), Guard::default()).unwrap();
    let station = hospital.start("H01");
    let before = station.now();
    hospital.clock.fetch_add(7_200, Ordering::SeqCst);
    station.observe_jump(before, 7_200);
    let session = station.sign_in("8001", &Credentials::Password(PASSWORD)).unwrap();
    let book = session.book().unwrap();
    let book = book.read().unwrap();
    let jumps: Vec<_> = book.all().filter(|s| s.sighting.deed == Deed::ClockJumped).collect();
    assert_eq!(jumps.len(), 1);
    let jump = &jumps[0].sighting;
    assert_eq!((jump.method, jump.at), (Method::Program, station.now()));
    assert!(
        jump.detail.contains(&before.text()) && jump.detail.contains("+7200"),
        "{}",
        jump.detail
    );
    assert!(jump.detail.contains(&station.now().text()), "{}", jump.detail);
}
