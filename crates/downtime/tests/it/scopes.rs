//! Compartments: whose charts a person's keys open follows from their scope, and from nothing a program could skip.

use chart::{Act, Coded, Subject};
use downtime::extract::Guard;
use downtime::identity::{Credentials, Role, Scope};

use crate::hospital::{Hospital, PASSWORD, patient};

/// Two patients of the first department, one of the second, one booked in both.
fn charts() -> Vec<chart::Chart> {
    let second = Coded::new("02", "皮膚科");
    let mut all: Vec<_> = (1..=4)
        .map(|n| patient(&format!("{n:08}"), "架空　花子", "カクウ　ハナコ", 9))
        .collect();
    all[2].appointments[0].department = second.clone();
    let mut also = all[3].appointments[0].clone();
    also.department = second;
    all[3].appointments.push(also);
    all
}

fn numbers(hospital: &Hospital, user: &str) -> Vec<String> {
    let shelf = hospital.shelf("H01");
    let (_, opened) = shelf
        .current()
        .unwrap()
        .sign_in(user, &Credentials::Password(PASSWORD))
        .unwrap();
    let ids: Vec<String> = (0..opened.index().len() as u32)
        .filter_map(|n| Some(opened.index().row(n)?.id_text().to_owned()))
        .collect();
    for n in 0..opened.index().len() as u32 {
        let chart = opened.chart(n).unwrap();
        assert_eq!(chart.patient.id.as_str(), ids[n as usize], "every listed chart opens");
    }
    ids
}

#[test]
fn a_person_opens_the_charts_of_their_scope_and_no_other() {
    let mut hospital = Hospital::new();
    let dept = |codes: &str| Scope::parse(&format!("dept:{codes}")).unwrap();
    hospital.enrol("3001", Role::Nurse, dept("02"));
    hospital.enrol("3002", Role::Nurse, dept("01,02"));
    hospital.enrol("3003", Role::Nurse, dept("09"));
    hospital.enrol("3004", Role::Maintenance, Scope::All);
    hospital.enrol("3005", Role::Informatics, Scope::Nothing);
    hospital.seal(charts(), Guard::default()).unwrap();
    assert_eq!(numbers(&hospital, "2001").len(), 4, "everybody's");
    assert_eq!(numbers(&hospital, "3001"), ["00000003", "00000004"]);
    assert_eq!(
        numbers(&hospital, "3002").len(),
        4,
        "both departments, each patient once"
    );
    for nothing in ["3003", "3004", "3005"] {
        assert!(numbers(&hospital, nothing).is_empty(), "{nothing}");
    }
}

#[test]
fn who_opens_no_chart_holds_no_key_of_the_journal_either() {
    let mut hospital = Hospital::new();
    hospital.enrol("3004", Role::Maintenance, Scope::All);
    hospital.seal(charts(), Guard::default()).unwrap();
    let station = hospital.start("H01");
    let physician = station.sign_in("2001", &Credentials::Password(PASSWORD)).unwrap();
    let subject = Subject::Patient(charts()[0].patient.id.clone());
    let note = Act::NoteSigned(chart::entry::SignedNote {
        on_paper: true,
        ..Default::default()
    });
    physician.record_blocking(subject.clone(), note).unwrap();
    let maintenance = station.sign_in("3004", &Credentials::Password(PASSWORD)).unwrap();
    assert_eq!(maintenance.day().len(), 0, "no entry about a patient");
    assert!(maintenance.look_blocking(&subject).is_err());
    assert!(maintenance.journal_key().is_none() && maintenance.audit_key().is_none());
}
