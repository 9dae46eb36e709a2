//! A declaration on paper: a station that no line reaches learns what the others know, and nothing that nobody signed.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use chart::entry::Declaration;
use chart::{Act, Subject};
use downtime::extract::Guard;
use downtime::identity::SignInFault;
use downtime::stations::carried::to_digits;
use downtime::stations::{CodeFault, CodesTaken, Heads, Session, Station};
use vault::HospitalId;
use vault::slot::Credentials;

use crate::hospital::{Hospital, PASSWORD, nine, patients, sealed_file};

fn enter(station: &Arc<Station>, number: &str) -> Result<Session, SignInFault> {
    station.sign_in(number, &Credentials::Password(PASSWORD))
}

fn declare(session: &Session) -> chart::EntryId {
    let declaration = Declaration {
        provisional: true,
        drill: false,
        stopped_at: nine(),
        reason: "画面が開かない（外来・病棟とも）".into(),
    };
    let act = Act::DowntimeDeclared(declaration);
    session.record_blocking(Subject::Hospital, act).unwrap()
}

fn two_stations() -> (Hospital, Arc<Station>, Arc<Station>) {
    let hospital = Hospital::new();
    hospital.seal(patients(3), Guard::default()).unwrap();
    let (hub, ward) = (hospital.start("H01"), hospital.start("R03"));
    ward.shelf().receive(&mut sealed_file(hub.shelf()).as_slice()).unwrap();
    (hospital, hub, ward)
}

/// As a person reads it: the paper's codes with whatever stands between them.
fn paper(station: &Station) -> String {
    let codes = station.declaration_codes();
    let lines = codes.iter().map(|code| format!("読み取り: {}\r\n", code.digits));
    lines.collect()
}

#[test]
fn a_station_that_is_alone_opens_for_weeks_once_somebody_brings_the_paper() {
    let (hospital, hub, ward) = two_stations();
    assert!(hub.declaration_codes().is_empty(), "nothing was declared");
    let first = enter(&hub, "1001").unwrap();
    let entry = declare(&first);
    let provisional = paper(&hub);
    let confirmed = Act::DowntimeConfirmed { entry };
    let second = enter(&hub, "2001").unwrap();
    second.record_blocking(Subject::Hospital, confirmed).unwrap();
    hospital.clock.fetch_add(80 * 3600, Ordering::SeqCst);
    for _ in 0..3 {
        ward.observe_hub(false);
    }
    assert!(matches!(enter(&ward, "1001"), Err(SignInFault::TooOld(_))));
    // The half of the paper: declared, but its half hour is long over.
    assert_eq!(
        ward.take_declaration(&provisional).unwrap(),
        CodesTaken { new: 1, known: 0 }
    );
    assert!(matches!(enter(&ward, "1001"), Err(SignInFault::TooOld(_))));
    let whole = paper(&hub).replace('1', "１");
    assert_eq!(ward.take_declaration(&whole).unwrap(), CodesTaken { new: 1, known: 1 });
    assert!(ward.state().declared && ward.state().runs_out.is_none());
    enter(&ward, "1001").unwrap();
    let ended = Act::DowntimeEnded {
        entry,
        reason: "電子カルテで5人を確かめた".into(),
    };
    second.record_blocking(Subject::Hospital, ended).unwrap();
    assert_eq!(hub.declaration_codes().len(), 3);
    assert_eq!(
        ward.take_declaration(&paper(&hub)).unwrap(),
        CodesTaken { new: 1, known: 2 }
    );
    assert!(!ward.state().declared, "the end travels too");
    assert_eq!(ward.take_declaration(&whole).unwrap(), CodesTaken { new: 0, known: 2 });
    assert!(!ward.state().declared, "an old paper does not bring it back");
    // What came on paper is as durable as what comes by line.
    drop(ward);
    let again = hospital.start("R03");
    assert_eq!(again.declaration_codes(), hub.declaration_codes());
}

#[test]
fn nothing_else_is_taken_and_half_a_paper_changes_nothing() {
    let (_hospital, hub, ward) = two_stations();
    let session = enter(&hub, "1001").unwrap();
    declare(&session);
    let good = paper(&hub);
    let before = ward.heads();
    let refused = |text: &str| ward.take_declaration(text).unwrap_err();
    assert!(matches!(refused(""), CodeFault::Nothing));
    assert!(matches!(refused("2026-11-20 佐藤さんが宣言"), CodeFault::Nothing));
    let cut = &good[..good.len() - 6];
    assert!(matches!(refused(&format!("{good}{cut}")), CodeFault::Misread(2)));
    // Every other record there is: keys, sealed entries, open entries about something else.
    session
        .record_blocking(
            Subject::Hospital,
            Act::UserDisabled {
                user: "1001".into(),
                reason: "退職".into(),
            },
        )
        .unwrap();
    session
        .record_blocking(Subject::Hospital, Act::NoteSigned(chart::entry::SignedNote::default()))
        .unwrap();
    let all = hub.missing(&Heads::default());
    let others = all.records.iter().map(|bytes| to_digits(&bytes.0));
    let foreign = others
        .filter(|code| matches!(ward.take_declaration(code), Err(CodeFault::Foreign(1))))
        .count();
    assert_eq!(foreign, all.records.len() - 1);
    assert_eq!(ward.heads().0.len(), before.0.len() + 1, "only the declaration itself");
    let (_other, elsewhere, _) = {
        let hospital = Hospital::named(HospitalId([9; 16]));
        hospital.seal(patients(3), Guard::default()).unwrap();
        let station = hospital.start("H01");
        let session = enter(&station, "1001").unwrap();
        declare(&session);
        (hospital, paper(&station), session)
    };
    assert!(
        matches!(refused(&elsewhere), CodeFault::Foreign(1)),
        "another hospital's"
    );
}
