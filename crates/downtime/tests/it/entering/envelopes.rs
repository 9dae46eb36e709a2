//! Sealed envelopes: open in any need, seen by everybody, used once, and with conditions that nobody can change.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use chart::{Act, PatientId, Subject};
use downtime::audit::Deed;
use downtime::extract::Guard;
use downtime::identity::{Credentials, EnvelopeSecret, NewUser, Role, SignInFault, Sponsor};
use downtime::stations::{ENVELOPE_SECONDS, Ended, Opening, Session, Station};
use vault::simfs::SimFs;
use vault::slot::SlotCost;

use super::Cases;
use crate::hospital::{Hospital, PASSWORD, nine, patients, rng, sealed_file};

fn secret(n: u8) -> EnvelopeSecret {
    EnvelopeSecret::from_bytes([n; 16])
}

fn hospital() -> Hospital {
    let mut hospital = Hospital::new();
    let (journal, audit) = (hospital.journal.clone(), hospital.audit.clone());
    let sponsor = Sponsor {
        user: "9001",
        journal: Some(&journal),
        audit: Some(&audit),
        at: nine(),
        note: "封入",
    };
    for n in 1..=3 {
        let secret = secret(n);
        let mut user = NewUser::with_password(&format!("bg-{n:03}"), "緊急封筒", Role::BreakGlass, PASSWORD);
        user.opens = Credentials::Envelope(&secret);
        hospital
            .roster
            .enrol_user(&user, &sponsor, SlotCost::FLOOR, &mut rng())
            .unwrap();
    }
    hospital.seal(patients(3), Guard::default()).unwrap();
    hospital
}

fn said(operator: &str, reason: &str) -> Opening {
    Opening {
        operator: operator.into(),
        reason: reason.into(),
        witness: String::new(),
    }
}

fn open(station: &Arc<Station>, n: u8) -> Result<Session, SignInFault> {
    station.open_envelope(n.into(), &secret(n), &said("鈴木　三郎 3003", "救急"))
}

#[test]
fn envelopes() {
    let mut cases = Cases::about("sealed envelopes");
    let mut hospital = hospital();
    let (hub, ward) = (hospital.start("H01"), hospital.start("R03"));
    ward.shelf().receive(&mut sealed_file(hub.shelf()).as_slice()).unwrap();
    ward.observe_ehr(true);
    let refused =
        |number: u32, secret: &EnvelopeSecret, opening: &Opening| ward.open_envelope(number, secret, opening).is_err();
    let who = said("鈴木　三郎 3003", "救急");
    cases.case("without a name", refused(1, &secret(1), &said("", "救急")));
    cases.case("with a name of spaces", refused(1, &secret(1), &said(" 　", "救急")));
    cases.case("without a reason", refused(1, &secret(1), &said("鈴木", " ")));
    cases.case("with another envelope's secret", refused(1, &secret(2), &who));
    cases.case("with a secret that nobody made", refused(1, &secret(99), &who));
    cases.case("of a number that does not exist", refused(77, &secret(1), &who));
    cases.case("none of that opened anything", ward.open_envelopes().is_empty());
    cases.case(
        "an envelope's user has no password",
        ward.sign_in("bg-001", &Credentials::Password(PASSWORD)).is_err(),
    );
    cases.case("staff's accounts are no envelopes", {
        ward.sign_in("1001", &Credentials::Envelope(&secret(1))).is_err()
    });

    let session = open(&ward, 1).unwrap();
    cases.case("it opens charts", session.index().len() == 3);
    cases.case(
        "under the name of who opened it",
        session.author().name.contains("鈴木　三郎"),
    );
    let seen = ward.state().envelopes;
    cases.case(
        "everybody at the station sees it at once",
        seen.len() == 1 && seen[0].reason == "救急",
    );
    cases.case("in normal times it says so", seen[0].in_normal_times);
    hub.take(&ward.missing(&hub.heads())).unwrap();
    cases.case(
        "so does everybody at the next one, signed in or not",
        hub.state().envelopes.len() == 1,
    );
    let until = session.until().unwrap();
    cases.case(
        "its time is eight hours",
        until.0 == hospital.clock.load(Ordering::SeqCst) + ENVELOPE_SECONDS,
    );
    hospital.clock.fetch_add(3_600, Ordering::SeqCst);
    cases.case("opening it again lengthens nothing that runs", {
        let again = open(&ward, 1).unwrap();
        drop(again);
        session.until() == Some(until)
    });
    let officer = hub.sign_in("2001", &Credentials::Password(PASSWORD)).unwrap();
    for envelope in hub.open_envelopes() {
        let act = Act::EnvelopeClosed {
            entry: envelope.entry,
            reason: "終了".into(),
        };
        officer.record_blocking(Subject::Hospital, act).unwrap();
    }
    cases.case(
        "closed elsewhere, a session runs until it hears",
        session.ended().is_none(),
    );
    ward.take(&hub.missing(&ward.heads())).unwrap();
    cases.case("and ends then", session.ended() == Some(Ended::Closed));
    cases.case(
        "an envelope that was closed opens nothing here",
        open(&ward, 1).is_err(),
    );
    cases.case("nor where it was closed", open(&hub, 1).is_err());
    drop((ward, session));
    let ward = hospital.start("R03");
    cases.case("nor after a restart", open(&ward, 1).is_err());

    let session = open(&ward, 2).unwrap();
    hospital.clock.fetch_add(ENVELOPE_SECONDS, Ordering::SeqCst);
    cases.case(
        "after its time it ends by itself",
        session.ended() == Some(Ended::Expired),
    );
    cases.case(
        "and stays on every list until somebody closes it",
        ward.state().envelopes.iter().any(|e| e.envelope == "bg-002"),
    );
    cases.case("and opens nothing any more", open(&ward, 2).is_err());
    hospital.clock.fetch_sub(ENVELOPE_SECONDS / 2, Ordering::SeqCst);
    cases.case(
        "a clock set back by hours brings nothing back while it is closed",
        open(&ward, 1).is_err(),
    );

    for _ in 0..12 {
        assert!(open_wrongly(&hub));
    }
    cases.case("wrong secrets lock no envelope", open(&hub, 3).is_ok());
    let (journal, audit) = (hospital.journal.clone(), hospital.audit.clone());
    let sponsor = Sponsor {
        user: "9001",
        journal: Some(&journal),
        audit: Some(&audit),
        at: nine(),
        note: "開封済み",
    };
    hospital.roster.disable_user("bg-003", &sponsor).unwrap();
    hospital.seal(patients(3), Guard::default()).unwrap();
    hub.shelf().refresh().unwrap();
    cases.case(
        "after the next sealing a used one opens nothing",
        open(&hub, 3).is_err(),
    );
    hospital.clock.fetch_add(80 * 3_600, Ordering::SeqCst);
    let normal = hub.sign_in("2001", &Credentials::Password(PASSWORD));
    cases.case(
        "when data are too old for staff",
        matches!(normal, Err(SignInFault::TooOld(_))),
    );
}

fn open_wrongly(station: &Arc<Station>) -> bool {
    let who = said("だれか", "救急");
    station.open_envelope(3, &secret(98), &who).is_err()
}

#[test]
fn the_last_door() {
    let mut cases = Cases::about("envelopes when nothing else opens");
    let hospital = hospital();
    let station = hospital.start("H01");
    for _ in 0..10 {
        hospital.clock.fetch_add(301, Ordering::SeqCst);
        assert!(
            station
                .sign_in("1001", &Credentials::Password("a-wrong-but-long-one"))
                .is_err()
        );
    }
    let locked = station.sign_in("1001", &Credentials::Password(PASSWORD));
    cases.case(
        "when accounts are locked",
        matches!(locked, Err(SignInFault::Locked(_))) && open(&station, 1).is_ok(),
    );
    hospital.clock.fetch_add(200 * 3_600, Ordering::SeqCst);
    cases.case("when data are too old for staff", open(&station, 2).is_ok());
}

/// Care went on while the disk took nothing. What was seen meanwhile stands in the log as soon as it can be written, also
/// when the disk fails again in between.
#[test]
fn what_an_envelope_saw_on_a_full_disk_is_written_afterwards() {
    let hospital = hospital();
    let fs = SimFs::new(7);
    let station = hospital.start_on("H01", Arc::new(fs.clone()));
    let physician = station.sign_in("2001", &Credentials::Password(PASSWORD)).unwrap();
    fs.full_in(0);
    let session = open(&station, 1).unwrap();
    for id in ["00001000", "00001001"] {
        let subject = Subject::Patient(PatientId::parse(id).unwrap());
        session.look_blocking(&subject).unwrap();
    }
    physician.glance(Deed::Listed, "満杯の間の一覧", 3);
    let subject = Subject::Patient(PatientId::parse("00001000").unwrap());
    assert!(physician.look_blocking(&subject).is_err(), "nobody else opens anything");
    assert!(station.state().no_audit.is_some());
    let auditor = || station.sign_in("8001", &Credentials::Password(PASSWORD));
    assert!(auditor().is_err());
    fs.heal();
    // The first attempt tells that the disk takes records again; the next one brings what waited.
    auditor().unwrap();
    let auditor = auditor().unwrap();
    assert!(station.state().no_audit.is_none());
    let book = auditor.book().unwrap();
    let book = book.read().unwrap();
    let count = |deed: Deed, by: &str| {
        let seen = book.all().map(|seen| &seen.sighting);
        seen.filter(|s| s.deed == deed && s.by.user == by).count()
    };
    assert_eq!(count(Deed::EnvelopeOpened, "bg-001"), 1);
    assert_eq!(count(Deed::Opened, "bg-001"), 2);
    assert_eq!(count(Deed::Listed, "2001"), 1);
    assert_eq!(count(Deed::Opened, "2001"), 0);
}
