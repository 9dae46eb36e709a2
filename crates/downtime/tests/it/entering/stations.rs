//! Counters of failures, people who were stopped, stations that were struck off, data that got old, visitors for maintenance.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use chart::entry::Declaration;
use chart::{Act, Moment, Subject};
use downtime::extract::Guard;
use downtime::identity::{Credentials, NewUser, Role, Scope, SignInFault, Sponsor};
use downtime::stations::{Ended, Session, Station};
use vault::HospitalId;
use vault::slot::SlotCost;

use super::Cases;
use crate::hospital::{Hospital, PASSWORD, nine, patients, rng, sealed_file};

const WRONG: &str = "a-wrong-but-long-password";

fn sealed() -> Hospital {
    let hospital = Hospital::new();
    hospital.seal(patients(3), Guard::default()).unwrap();
    hospital
}

fn enter(station: &Arc<Station>, number: &str, password: &str) -> Result<Session, SignInFault> {
    station.sign_in(number, &Credentials::Password(password))
}

fn fail(station: &Arc<Station>, number: &str) -> SignInFault {
    match enter(station, number, WRONG) {
        Ok(_) => panic!("a wrong password opened"),
        Err(fault) => fault,
    }
}

fn pass(hospital: &Hospital, seconds: i64) {
    hospital.clock.fetch_add(seconds, Ordering::SeqCst);
}

/// Fails until the account is locked here, waiting as long as one must.
fn lock(hospital: &Hospital, station: &Arc<Station>, number: &str) {
    for _ in 0..10 {
        pass(hospital, 301);
        assert!(matches!(fail(station, number), SignInFault::Refused));
    }
}

#[test]
fn counters() {
    let mut cases = Cases::about("counters of failures");
    let hospital = sealed();
    let station = hospital.start("H01");
    let refused = |fault: SignInFault| matches!(fault, SignInFault::Refused);
    let waits = |result: Result<Session, SignInFault>| matches!(result, Err(SignInFault::Wait(_)));
    let locked = |result: Result<Session, SignInFault>| matches!(result, Err(SignInFault::Locked(_)));
    cases.case(
        "the first two failures cost nothing",
        refused(fail(&station, "1001")) && refused(fail(&station, "1001")),
    );
    cases.case(
        "the third makes the next wait",
        refused(fail(&station, "1001")) && waits(enter(&station, "1001", WRONG)),
    );
    cases.case("even with the right password", waits(enter(&station, "1001", PASSWORD)));
    cases.case("somebody else does not wait", enter(&station, "2001", PASSWORD).is_ok());
    cases.case(
        "a space before the number is the same account",
        waits(enter(&station, " 1001 ", PASSWORD)),
    );
    hospital.clock.fetch_sub(86_400, Ordering::SeqCst);
    cases.case(
        "a clock set back does not help",
        waits(enter(&station, "1001", PASSWORD)),
    );
    pass(&hospital, 86_400 + 5);
    cases.case("waiting helps", enter(&station, "1001", PASSWORD).is_ok());
    cases.case(
        "success forgets",
        refused(fail(&station, "1001")) && refused(fail(&station, "1001")),
    );
    for _ in 0..3 {
        fail(&station, "7777");
    }
    cases.case(
        "a number nobody has waits like others",
        waits(enter(&station, "7777", WRONG)),
    );
    lock(&hospital, &station, "2001");
    cases.case("ten failures lock", locked(enter(&station, "2001", PASSWORD)));
    let ward = hospital.start("R03");
    ward.shelf()
        .receive(&mut sealed_file(station.shelf()).as_slice())
        .unwrap();
    cases.case(
        "here and not at the next station",
        enter(&ward, "2001", PASSWORD).is_ok(),
    );
    ward.take(&station.missing(&ward.heads())).unwrap();
    cases.case("also after the stations spoke", enter(&ward, "2001", PASSWORD).is_ok());
    cases.case("a session that runs is not ended by it", {
        let session = enter(&ward, "2001", PASSWORD).unwrap();
        lock(&hospital, &ward, "2001");
        session.ended().is_none()
    });
    drop(station);
    let station = hospital.start("H01");
    pass(&hospital, -3_000);
    cases.case("a restart does not forget", locked(enter(&station, "2001", PASSWORD)));
    drop(station);
    let dir = hospital.data("H01").join("attempts");
    let newest = ["attempts.0", "attempts.1"]
        .map(|name| dir.join(name))
        .into_iter()
        .max_by_key(|path| std::fs::metadata(path).unwrap().modified().unwrap())
        .unwrap();
    std::fs::remove_file(&newest).unwrap();
    let station = hospital.start("H01");
    fail(&station, "2001");
    cases.case(
        "a count that was deleted is there but for one",
        locked(enter(&station, "2001", PASSWORD)),
    );
    std::fs::write(&newest, b"not a count").unwrap();
    drop(station);
    let station = hospital.start("H01");
    cases.case(
        "a count that was garbled stops nobody else",
        enter(&station, "1001", PASSWORD).is_ok(),
    );
    pass(&hospital, 3_000 + 16 * 60);
    cases.case("a lock ends by itself", enter(&station, "2001", PASSWORD).is_ok());
    let together: usize = std::thread::scope(|scope| {
        let tries: Vec<_> = (0..12)
            .map(|_| scope.spawn(|| enter(&station, "1001", WRONG).is_err()))
            .collect();
        tries.into_iter().map(|one| usize::from(one.join().unwrap())).sum()
    });
    let after = enter(&station, "1001", PASSWORD);
    cases.case(
        "failures side by side all count",
        together == 12 && !matches!(after, Ok(_) | Err(SignInFault::Refused)),
    );
}

#[test]
fn stopped() {
    let mut cases = Cases::about("people who were stopped");
    let mut hospital = Hospital::new();
    hospital.enrol("2002", Role::Physician, Scope::All);
    hospital.seal(patients(3), Guard::default()).unwrap();
    let (hub, ward) = (hospital.start("H01"), hospital.start("R03"));
    ward.shelf().receive(&mut sealed_file(hub.shelf()).as_slice()).unwrap();
    let session = enter(&ward, "1001", PASSWORD).unwrap();
    let officer = enter(&hub, "2001", PASSWORD).unwrap();
    let act = Act::UserDisabled {
        user: "1001".into(),
        reason: "端末の紛失".into(),
    };
    officer.record_blocking(Subject::Hospital, act).unwrap();
    cases.case(
        "refused at once where it was said",
        enter(&hub, "1001", PASSWORD).is_err(),
    );
    cases.case("not known yet at a station that is cut off", session.ended().is_none());
    ward.take(&hub.missing(&ward.heads())).unwrap();
    cases.case(
        "the session there ends when it hears",
        session.ended() == Some(Ended::Disabled),
    );
    cases.case(
        "and nobody comes in any more, with the same old snapshot",
        enter(&ward, "1001", PASSWORD).is_err(),
    );
    cases.case(
        "with the same words as a wrong password",
        matches!(enter(&ward, "1001", PASSWORD), Err(SignInFault::Refused)),
    );
    cases.case("others are not concerned", enter(&ward, "2001", PASSWORD).is_ok());
    drop((hub, officer));
    let hub = hospital.start("H01");
    cases.case("a restart does not forget", enter(&hub, "1001", PASSWORD).is_err());

    let (journal, audit) = (hospital.journal.clone(), hospital.audit.clone());
    let sponsor = Sponsor {
        user: "9001",
        journal: Some(&journal),
        audit: Some(&audit),
        at: nine(),
        note: "顔写真と照合",
    };
    let before = enter(&hub, "2001", PASSWORD).unwrap();
    hospital.roster.disable_user("2001", &sponsor).unwrap();
    let reset = enter(&hub, "2002", PASSWORD).unwrap();
    let new = Credentials::Password("another-long-password-9");
    hospital
        .roster
        .reset_user("2002", 0, &new, &sponsor, SlotCost::FLOOR, &mut rng())
        .unwrap();
    hospital.seal(patients(3), Guard::default()).unwrap();
    hub.shelf().refresh().unwrap();
    cases.case(
        "left out of the new snapshot, a session ends",
        before.ended() == Some(Ended::Revoked),
    );
    cases.case("and does not begin again", enter(&hub, "2001", PASSWORD).is_err());
    cases.case("the old password after a reset", enter(&hub, "2002", PASSWORD).is_err());
    cases.case("the new one opens", hub.sign_in("2002", &new).is_ok());
    cases.case("keys from before a reset open nothing newer", {
        let newest = hub.shelf().current().unwrap().identity();
        reset.opened().shelved().identity() != newest
    });
}

#[test]
fn struck_off() {
    let mut cases = Cases::about("stations that were struck off, and other hospitals");
    let mut hospital = sealed();
    let ward = hospital.start("R03");
    let first = sealed_file(&hospital.shelf("H01"));
    cases.case(
        "enrolled, it takes a snapshot",
        ward.shelf().receive(&mut first.as_slice()).is_ok(),
    );
    hospital.roster.stations.retain(|s| s.code.as_str() != "R03");
    hospital.seal(patients(3), Guard::default()).unwrap();
    let second = sealed_file(&hospital.shelf("H01"));
    cases.case(
        "struck off, it takes none",
        ward.shelf().receive(&mut second.as_slice()).is_err(),
    );
    cases.case("nor as a new start", {
        let shelf = hospital.shelf("R03");
        shelf.receive(&mut second.as_slice()).is_err()
    });
    let other = Hospital::named(HospitalId([9; 16]));
    other.seal(patients(3), Guard::default()).unwrap();
    let foreign = sealed_file(&other.shelf("H01"));
    cases.case(
        "another hospital's snapshot",
        ward.shelf().receive(&mut foreign.as_slice()).is_err(),
    );
    cases.case(
        "its own, older one again",
        ward.shelf().receive(&mut first.as_slice()).is_err(),
    );
    let mut cut = first.clone();
    cut.truncate(first.len() / 2);
    cases.case("half of one", ward.shelf().receive(&mut cut.as_slice()).is_err());
    cases.case("the one it has still opens", enter(&ward, "1001", PASSWORD).is_ok());
    let heard = ward.take(&{
        let hub = other.start("H01");
        let session = enter(&hub, "1001", PASSWORD).unwrap();
        let act = Act::UserDisabled {
            user: "1001".into(),
            reason: "x".into(),
        };
        session.record_blocking(Subject::Hospital, act).unwrap();
        hub.missing(&ward.heads())
    });
    cases.case(
        "another hospital stops nobody here",
        heard.is_ok_and(|n| n == 0) && enter(&ward, "1001", PASSWORD).is_ok(),
    );
}

#[test]
fn old_data() {
    let mut cases = Cases::about("old data");
    let hospital = sealed();
    let station = hospital.start("H01");
    let session = enter(&station, "1001", PASSWORD).unwrap();
    pass(&hospital, 71 * 3600);
    cases.case(
        "71 hours after sealing it opens",
        enter(&station, "1001", PASSWORD).is_ok(),
    );
    pass(&hospital, 2 * 3600);
    let too_old = |station: &Arc<Station>| matches!(enter(station, "1001", PASSWORD), Err(SignInFault::TooOld(_)));
    cases.case("73 hours after, undeclared, it does not", too_old(&station));
    cases.case(
        "a wrong password says nothing about that",
        matches!(enter(&station, "1001", WRONG), Err(SignInFault::Refused)),
    );
    let declare = |provisional| {
        Act::DowntimeDeclared(Declaration {
            provisional,
            drill: false,
            stopped_at: nine(),
            reason: "画面が開かない".into(),
        })
    };
    let entry = session.record_blocking(Subject::Hospital, declare(true)).unwrap();
    cases.case(
        "a provisional declaration opens it",
        enter(&station, "1001", PASSWORD).is_ok(),
    );
    session
        .record_blocking(Subject::Hospital, Act::DowntimeConfirmed { entry })
        .unwrap();
    pass(&hospital, 31 * 60);
    cases.case(
        "for half an hour: one's own confirmation counts for nothing",
        too_old(&station),
    );
    let again = session.record_blocking(Subject::Hospital, declare(true)).unwrap();
    let second = enter(&station, "2001", PASSWORD).unwrap();
    second
        .record_blocking(Subject::Hospital, Act::DowntimeConfirmed { entry: again })
        .unwrap();
    pass(&hospital, 30 * 86_400);
    cases.case(
        "confirmed by a second person it opens for weeks",
        enter(&station, "1001", PASSWORD).is_ok(),
    );
    pass(&hospital, 61 * 86_400);
    cases.case("and not for ever", too_old(&station));
}

#[test]
fn maintenance() {
    let mut cases = Cases::about("maintenance accounts");
    let mut hospital = Hospital::new();
    let mut user = NewUser::with_password("m-4711", "保守　太郎", Role::Maintenance, PASSWORD);
    user.record.until = Some(Moment(nine().0 + 4 * 3600));
    user.record.purpose = "券 4711".into();
    user.record.scope = Scope::All;
    let (journal, audit) = (hospital.journal.clone(), hospital.audit.clone());
    let sponsor = Sponsor {
        user: "9001",
        journal: Some(&journal),
        audit: Some(&audit),
        at: nine(),
        note: "社員証",
    };
    hospital
        .roster
        .enrol_user(&user, &sponsor, SlotCost::FLOOR, &mut rng())
        .unwrap();
    hospital.seal(patients(3), Guard::default()).unwrap();
    let station = hospital.start("H01");
    let session = enter(&station, "m-4711", PASSWORD).unwrap();
    let subject = Subject::Patient(patients(1)[0].patient.id.clone());
    cases.case("within its time it comes in", session.ended().is_none());
    cases.case(
        "no patient is listed, whatever scope the roster says",
        session.index().is_empty(),
    );
    cases.case("no chart opens", session.look_blocking(&subject).is_err());
    cases.case(
        "no entry is read",
        session.journal_key().is_none() && session.day().is_empty(),
    );
    cases.case("no audit log either", session.audit_key().is_none());
    cases.case(
        "nothing is drafted about a patient",
        session.save_draft(&subject, "note", vec![]).is_err(),
    );
    pass(&hospital, 4 * 3600);
    cases.case(
        "after its time the session ends",
        session.ended() == Some(Ended::Expired),
    );
    cases.case(
        "and nobody comes in",
        matches!(enter(&station, "m-4711", PASSWORD), Err(SignInFault::Refused)),
    );
    hospital.clock.store(nine().0 + 5, Ordering::SeqCst);
    cases.case(
        "the name is in the record, not a shared one",
        session.author().user == "m-4711",
    );
}
