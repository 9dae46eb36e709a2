//! A morning at two stations: record, crash, carry over, hand back.

use chart::entry::{CheckIn, Declaration, SignedNote, TemporaryPatient};
use chart::{Act, Coded, Known, Moment, Name, PatientId, Sex, Subject};
use downtime::exports::csv::{self, Charset, Identity};
use downtime::extract::Guard;
use downtime::forms::{Visit, patient_sheet};
use downtime::stations::Session;
use downtime::view::Progress;
use vault::slot::Credentials;

use crate::hospital::{DAY, Hospital, PASSWORD, nine, patients, sealed_file};

fn subject(n: usize) -> Subject {
    Subject::Patient(PatientId::parse(&format!("{:08}", 1000 + n)).unwrap())
}

fn check_in(session: &Session, n: usize) -> chart::EntryId {
    let act = Act::CheckedIn(CheckIn {
        number: session.next_reception(),
        visit: session.next_form_id().unwrap(),
        department: Coded::new("01", "循環器内科"),
        doctor: Coded::default(),
        booked_at: None,
        unbooked: false,
        identity_confirmed: true,
        insurance_seen: false,
        paper_language: None,
    });
    session.record_blocking(subject(n), act).unwrap()
}

fn note(session: &Session, n: usize, text: &str) -> chart::EntryId {
    let section = chart::note::Section {
        kind: chart::note::SectionKind::Free,
        text: text.to_owned(),
    };
    let note = SignedNote {
        sections: vec![section],
        ..SignedNote::default()
    };
    session.record_blocking(subject(n), Act::NoteSigned(note)).unwrap()
}

fn numbers(session: &Session) -> Vec<String> {
    let day = session.day();
    day.all()
        .filter_map(|r| match &r.entry.act {
            Act::CheckedIn(c) => Some(c.number.clone()),
            _ => None,
        })
        .collect()
}

#[test]
fn entries_survive_the_end_of_the_process_and_numbers_go_on() {
    let hospital = Hospital::new();
    hospital.seal(patients(30), Guard::default()).unwrap();
    {
        let station = hospital.start("H01");
        let session = station.sign_in("1001", &Credentials::Password(PASSWORD)).unwrap();
        let first = check_in(&session, 0);
        check_in(&session, 1);
        assert_eq!(session.day().progress(&subject(0), station.now()), Progress::CheckedIn);
        session
            .record_blocking(
                subject(0),
                Act::CheckInUndone {
                    entry: first,
                    reason: "別の人".into(),
                },
            )
            .unwrap();
        assert_eq!(session.day().progress(&subject(0), station.now()), Progress::Expected);
        assert_eq!(session.day().checked_in(station.now()), 1);
    }
    let station = hospital.start("H01");
    let session = station.sign_in("2001", &Credentials::Password(PASSWORD)).unwrap();
    assert_eq!(session.day().len(), 3);
    check_in(&session, 2);
    assert_eq!(
        numbers(&session),
        ["A-001", "A-002", "A-003"],
        "no number is given twice"
    );
}

#[test]
fn two_stations_work_apart_and_find_each_other_again() {
    let hospital = Hospital::new();
    hospital.seal(patients(30), Guard::default()).unwrap();
    let hub = hospital.start("H01");
    let ward = hospital.start("R03");
    ward.shelf().receive(&mut sealed_file(hub.shelf()).as_slice()).unwrap();
    let at_hub = hub.sign_in("1001", &Credentials::Password(PASSWORD)).unwrap();
    let at_ward = ward.sign_in("1001", &Credentials::Password(PASSWORD)).unwrap();
    check_in(&at_hub, 0);
    check_in(&at_ward, 0);
    check_in(&at_ward, 1);
    assert_eq!(at_hub.day().len(), 1);
    assert_eq!(ward.state().unsent, 2);
    // The line is back: one visit carries both ways, and brings the receipt.
    let mut peer = downtime::stations::replica::Peer::default();
    let done = ward.visit(&mut peer, |ask| hub.answer(ask)).unwrap();
    assert_eq!((done.given, done.taken), (2, 1));
    assert_eq!(ward.state().unsent, 0);
    let again = ward.visit(&mut peer, |ask| hub.answer(ask)).unwrap();
    assert_eq!((again.given, again.taken), (0, 0));
    let seen = |s: &Session| s.day().all().map(|r| r.id).collect::<Vec<_>>();
    assert_eq!(seen(&at_hub), seen(&at_ward), "the same entries in the same order");
    assert_eq!(seen(&at_hub).len(), 3);
    assert_eq!(
        at_hub.day().receptions(&subject(0)).count(),
        2,
        "two receptions of one person both stay"
    );
    assert_eq!(
        hub.take(&ward.missing(&downtime::stations::Heads::default())).unwrap(),
        0,
        "again is harmless"
    );
}

#[test]
fn a_correction_replaces_and_both_stay_on_paper() {
    let hospital = Hospital::new();
    hospital.seal(patients(30), Guard::default()).unwrap();
    let station = hospital.start("H01");
    let session = station.sign_in("2001", &Credentials::Password(PASSWORD)).unwrap();
    let first = note(&session, 0, "右足の痛み");
    let corrected = SignedNote {
        sections: vec![chart::note::Section {
            kind: chart::note::SectionKind::Free,
            text: "左足の痛み".into(),
        }],
        ..SignedNote::default()
    };
    let act = Act::NoteCorrected {
        entry: first,
        reason: "左右の誤り".into(),
        note: corrected,
    };
    session.record_blocking(subject(0), act).unwrap();
    let view = session.look_blocking(&subject(0)).unwrap();
    assert_eq!(
        view.notes.iter().map(|n| n.superseded).collect::<Vec<_>>(),
        [true, false]
    );
    assert_eq!(
        session.day().to_enter().len(),
        1,
        "only the correction has to be typed in"
    );
    let issue = session.issue(None, false);
    let sheet = patient_sheet(
        "F02",
        &view,
        &Visit {
            day: DAY,
            department: None,
        },
        &issue,
    );
    let typed = sheet.body["typed_notes"].as_array().unwrap();
    assert_eq!(typed.len(), 2);
    assert_eq!(typed[1]["reason"], "左右の誤り");
    assert_eq!(sheet.body["allergy"]["state"], "not_recorded");
    assert_eq!(sheet.strip.unwrap().kana, "ヤマダ　ハナコ");
}

#[test]
fn a_declaration_is_known_with_nobody_signed_in_and_after_a_restart() {
    let hospital = Hospital::new();
    hospital.seal(patients(30), Guard::default()).unwrap();
    {
        let station = hospital.start("H01");
        station.observe_ehr(true);
        assert_eq!(station.mode().word(), "normal");
        let session = station.sign_in("1001", &Credentials::Password(PASSWORD)).unwrap();
        let declared = Declaration {
            provisional: true,
            drill: false,
            stopped_at: nine(),
            reason: "画面が開かない".into(),
        };
        session
            .record_blocking(Subject::Hospital, Act::DowntimeDeclared(declared))
            .unwrap();
    }
    let station = hospital.start("H01");
    let state = station.state();
    assert_eq!(state.mode.word(), "ehr");
    assert_eq!(state.stopped_at, Some(nine()));
}

#[test]
fn a_temporary_patient_lives_without_the_snapshot() {
    let hospital = Hospital::new();
    hospital.seal(patients(30), Guard::default()).unwrap();
    let station = hospital.start("H01");
    let session = station.sign_in("1001", &Credentials::Password(PASSWORD)).unwrap();
    let id = session.next_temporary_id().unwrap();
    assert_eq!(id.as_str().get(..4), Some("TH01"));
    let temporary = TemporaryPatient {
        id: id.clone(),
        name: Name::default(),
        birth: None,
        estimated_age: "推定60代".into(),
        sex: Sex::Male,
        phone: String::new(),
        reason: "救急".into(),
        allergies: Known::NotRecorded,
        remarks: String::new(),
        department: Coded::default(),
    };
    let subject = Subject::Temporary(id);
    session
        .record_blocking(subject.clone(), Act::TemporaryRegistered(temporary))
        .unwrap();
    let strip = session.look_blocking(&subject).unwrap().strip();
    assert_eq!(strip.name, "仮・氏名不明");
    assert!(strip.temporary && strip.birth.contains("推定60代"));
}

#[test]
fn a_draft_survives_and_belongs_to_its_author() {
    let hospital = Hospital::new();
    hospital.seal(patients(30), Guard::default()).unwrap();
    {
        let station = hospital.start("H01");
        let session = station.sign_in("2001", &Credentials::Password(PASSWORD)).unwrap();
        for text in ["息", "息切れ", "息切れは軽い"] {
            session
                .save_draft(&subject(0), "note", vec![("S".into(), text.into())])
                .unwrap();
        }
    }
    let station = hospital.start("H01");
    let session = station.sign_in("2001", &Credentials::Password(PASSWORD)).unwrap();
    assert_eq!(
        session.draft(&subject(0), "note").unwrap().fields,
        [("S".to_owned(), "息切れは軽い".to_owned())]
    );
    assert!(
        station
            .sign_in("1001", &Credentials::Password(PASSWORD))
            .unwrap()
            .draft(&subject(0), "note")
            .is_none()
    );
    session.discard_draft(&subject(0), "note");
    assert!(session.draft(&subject(0), "note").is_none());
}

#[test]
fn the_csv_holds_every_entry_once_with_author_and_time() {
    let hospital = Hospital::new();
    hospital.seal(patients(30), Guard::default()).unwrap();
    let station = hospital.start("H01");
    let session = station.sign_in("2001", &Credentials::Password(PASSWORD)).unwrap();
    check_in(&session, 0);
    note(&session, 0, "=cmd|'/C calc'!A0\n改行も残る、𠮷");
    let mut bytes = Vec::new();
    let written = csv::write(&session.day(), Charset::Cp932, &mut bytes, &|_| Identity::default()).unwrap();
    assert_eq!((written.entries, written.replaced), (2, 1));
    let (text, _, bad) = encoding_rs::SHIFT_JIS.decode(&bytes);
    assert!(!bad);
    assert_eq!(text.matches("2001").count(), 2);
    assert!(text.contains("改行も残る、〓"));
    assert!(text.matches("2026-11-20 09:").count() >= 2);
}

#[test]
fn order_does_not_depend_on_the_wall_clock() {
    let hospital = Hospital::new();
    hospital.seal(patients(30), Guard::default()).unwrap();
    let station = hospital.start("H01");
    let session = station.sign_in("1001", &Credentials::Password(PASSWORD)).unwrap();
    let first = check_in(&session, 0);
    hospital
        .clock
        .store(Moment(nine().0 - 86_400).0, std::sync::atomic::Ordering::SeqCst);
    let second = check_in(&session, 1);
    let order: Vec<_> = session.day().all().map(|r| r.id).collect();
    assert_eq!(order, [first, second], "a clock set back a day changes nothing");
}
