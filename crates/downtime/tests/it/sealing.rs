//! Seal, open, list, search; and what must never replace the last good snapshot.

use chart::{Moment, PatientId};
use downtime::extract::{ExtractFault, Guard, Refusal};
use downtime::index::Query;
use downtime::stations::Heads;
use vault::slot::Credentials;

use crate::hospital::{DAY, Hospital, PASSWORD, Written, code, newest_file, nine, patient, patients, sealed_file};

#[test]
fn what_was_sealed_can_be_listed_searched_and_opened() {
    let hospital = Hospital::new();
    let mut charts = patients(30);
    charts.push(patient("00009999", "髙橋　𠮷江", "タカハシ　ヨシエ", 8));
    let done = hospital.seal(charts.clone(), Guard::default()).unwrap();
    assert_eq!((done.stat.charts, done.reopened), (31, 31));
    let shelf = hospital.shelf("H01");
    let (_, opened) = shelf
        .current()
        .unwrap()
        .sign_in("2001", &Credentials::Password(PASSWORD))
        .unwrap();
    let index = opened.index();
    assert_eq!(index.len(), 31);
    let slots = index.slots_on(DAY);
    assert_eq!(slots.len(), 31);
    assert_eq!(
        index.row(slots[0].row).unwrap().id_text(),
        "00009999",
        "8:30 comes before 9:30"
    );
    for typed in ["高橋", "タカハシ", "たかは", "takaha", "9999", "00009999"] {
        let hits = index.search(&Query::parse(typed).unwrap(), 5);
        assert_eq!(index.row(hits[0].0).unwrap().id_text(), "00009999", "{typed}");
    }
    assert_eq!(
        index.search(&Query::parse("5678").unwrap(), 100).len(),
        31,
        "last digits of the phone"
    );
    assert_eq!(
        index.search(&Query::parse("S26.5.12").unwrap(), 100).len(),
        31,
        "birth date"
    );
    for chart in &charts {
        let found = opened.find(&chart.patient.id).unwrap();
        assert_eq!(&found, chart);
    }
    assert!(opened.find(&PatientId::parse("1").unwrap()).is_err());
    let flagged = index.find(&PatientId::parse("1000").unwrap()).unwrap();
    assert_eq!(flagged.alike().same_reading, 29);
}

#[test]
fn a_wrong_password_opens_nothing_and_says_the_same_as_a_wrong_number() {
    let hospital = Hospital::new();
    hospital.seal(patients(3), Guard::default()).unwrap();
    let shelf = hospital.shelf("H01");
    let shelved = shelf.current().unwrap();
    let wrong = shelved
        .sign_in("2001", &Credentials::Password("not-the-password-at-all"))
        .err()
        .unwrap()
        .to_string();
    let nobody = shelved
        .sign_in("7777", &Credentials::Password(PASSWORD))
        .err()
        .unwrap()
        .to_string();
    assert_eq!(wrong, nobody);
}

/// A terminal that was stolen: what is sealed from now on stays shut for it, and what it wrote before still counts.
#[test]
fn a_retired_station_opens_nothing_that_is_sealed_afterwards() {
    let mut hospital = Hospital::new();
    hospital.seal(patients(3), Guard::default()).unwrap();
    let (hub, ward) = (hospital.start("H01"), hospital.start("R03"));
    ward.shelf().receive(&mut sealed_file(hub.shelf()).as_slice()).unwrap();
    let before = ward.shelf().current().unwrap().identity();
    drop((hub, ward));
    assert!(hospital.roster.retire_station(code("R03"), None) && !hospital.roster.retire_station(code("R03"), None));
    assert!(!hospital.roster.retire_station(code("X99"), None));
    hospital.seal(patients(3), Guard::default()).unwrap();
    let (hub, ward) = (hospital.start("H01"), hospital.start("R03"));
    let newest = sealed_file(hub.shelf());
    assert!(ward.shelf().receive(&mut newest.as_slice()).is_err());
    assert_eq!(ward.shelf().current().unwrap().identity(), before);
    let written = ward.missing(&Heads::default());
    assert!(!written.records.is_empty());
    assert_eq!(
        hub.take(&written).unwrap(),
        written.records.len(),
        "its signatures still hold"
    );
    let again = downtime::identity::Roster::from_bytes(&hospital.roster.to_bytes().unwrap()).unwrap();
    assert!(again.station(code("R03")).unwrap().retired);
}

#[test]
fn an_empty_or_shrunken_extract_leaves_the_last_good_one_in_use() {
    let hospital = Hospital::new();
    let first = hospital.seal(patients(100), Guard::default()).unwrap();
    for few in [0, 69] {
        let refused = hospital.seal(patients(few), Guard::default()).unwrap_err();
        let expected = matches!(
            refused,
            ExtractFault::Refused(Refusal::Empty | Refusal::Shrunken { .. })
        );
        assert!(expected, "{refused}");
        assert!(refused.to_string().contains("前回の封印済みデータはそのまま使えます"));
        assert_eq!(hospital.shelf("H01").current().unwrap().identity(), first.identity);
    }
    hospital.seal(patients(70), Guard::default()).unwrap();
    let accepted = Guard {
        accepted: true,
        ..Guard::default()
    };
    let holiday = hospital.seal(patients(0), accepted).unwrap();
    assert_eq!(hospital.shelf("H01").current().unwrap().identity(), holiday.identity);
}

#[test]
fn an_older_export_is_refused_and_an_unchanged_one_is_not_sealed_again() {
    let hospital = Hospital::new();
    let written = |minutes: i64| Written(patients(40), Moment(nine().0 + minutes * 60));
    let first = hospital.seal_from(&written(-60), Guard::default(), true).unwrap();
    let again = hospital.seal_from(&written(-60), Guard::default(), true).unwrap_err();
    assert!(matches!(again, ExtractFault::Unchanged), "{again}");
    let older = hospital.seal_from(&written(-120), Guard::default(), true).unwrap_err();
    assert!(matches!(older, ExtractFault::Refused(Refusal::Older { .. })), "{older}");
    assert_eq!(hospital.shelf("H01").current().unwrap().identity(), first.identity);
    let accepted = Guard {
        accepted: true,
        ..Guard::default()
    };
    hospital.seal_from(&written(-120), accepted, true).unwrap();
    hospital.seal_from(&written(-30), Guard::default(), true).unwrap();
}

#[test]
fn a_flipped_bit_in_the_newest_file_falls_back_to_the_one_before() {
    let hospital = Hospital::new();
    let first = hospital.seal(patients(40), Guard::default()).unwrap();
    hospital.seal(patients(41), Guard::default()).unwrap();
    let path = newest_file(&hospital.data("H01").join("shelf"));
    let mut bytes = std::fs::read(&path).unwrap();
    let end = bytes.len() - 40;
    bytes[end] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(hospital.shelf("H01").current().unwrap().identity(), first.identity);
}

#[test]
fn a_damaged_record_costs_one_patient_not_the_others() {
    let hospital = Hospital::new();
    let charts = patients(40);
    hospital.seal(charts.clone(), Guard::default()).unwrap();
    let shelf = hospital.shelf("H01");
    let (_, opened) = shelf
        .current()
        .unwrap()
        .sign_in("2001", &Credentials::Password(PASSWORD))
        .unwrap();
    let path = newest_file(&hospital.data("H01").join("shelf"));
    let bytes = std::fs::read(&path).unwrap();
    // Somewhere in the middle of the file lie the records.
    let mut broken = bytes.clone();
    let middle = bytes.len() / 2;
    for byte in &mut broken[middle..middle + 8] {
        *byte ^= 0xFF;
    }
    std::fs::write(&path, &broken).unwrap();
    let failing = charts.iter().filter(|c| opened.find(&c.patient.id).is_err()).count();
    assert!(failing <= 2, "{failing} of {} charts do not open", charts.len());
}

#[test]
fn an_old_generation_is_destroyed_keys_first_and_told() {
    let hospital = Hospital::new();
    for n in 0..3 {
        assert!(
            hospital
                .seal(patients(40 + n), Guard::default())
                .unwrap()
                .destroyed
                .is_none()
        );
    }
    let fourth = hospital.seal(patients(43), Guard::default()).unwrap();
    let record = fourth.destroyed.expect("three slots hold three generations");
    assert!(record.erased > 0);
    assert_eq!(hospital.shelf("H01").retire(0).unwrap().len(), 2);
    assert_eq!(hospital.shelf("H01").current().unwrap().identity(), fourth.identity);
}

#[test]
fn a_snapshot_carried_to_another_station_opens_there_and_an_older_one_is_refused() {
    let hospital = Hospital::new();
    hospital.seal(patients(40), Guard::default()).unwrap();
    let old = sealed_file(&hospital.shelf("H01"));
    let newer = hospital.seal(patients(41), Guard::default()).unwrap();
    let new = sealed_file(&hospital.shelf("H01"));
    let shelf = hospital.shelf("R03");
    assert_eq!(shelf.receive(&mut new.as_slice()).unwrap().0, newer.identity);
    assert!(shelf.receive(&mut old.as_slice()).is_err());
    assert!(shelf.receive(&mut &new[..new.len() / 2]).is_err());
    let (_, opened) = shelf
        .current()
        .unwrap()
        .sign_in("1001", &Credentials::Password(PASSWORD))
        .unwrap();
    assert_eq!(opened.index().len(), 41);
}

#[test]
fn people_of_the_coming_days_are_in_the_list_and_their_charts_say_that_they_were_not_fetched() {
    let hospital = Hospital::new();
    let mut charts = patients(30);
    let mut later = patient("00008888", "未来　明日香", "ミライ　アスカ", 10);
    later.thin = true;
    later.allergies = chart::Known::Unavailable { since: None };
    later.appointments[0].on = DAY.tomorrow().unwrap();
    let early = [&[later.clone()], charts.as_slice()].concat();
    let refused = hospital.seal(early, Guard::default()).unwrap_err();
    assert!(
        matches!(refused, ExtractFault::Pull(_)),
        "whole charts come first: {refused}"
    );
    charts.push(later.clone());
    let done = hospital.seal(charts, Guard::default()).unwrap();
    assert_eq!(done.reopened, 30, "a thin row has no record");
    let shelf = hospital.shelf("H01");
    let (_, opened) = shelf
        .current()
        .unwrap()
        .sign_in("2001", &Credentials::Password(PASSWORD))
        .unwrap();
    let hits = opened.index().search(&Query::parse("ミライ").unwrap(), 5);
    let chart = opened.chart(hits[0].0).unwrap();
    assert!(chart.thin);
    assert_eq!(chart.allergies.state(), "unavailable");
    assert_eq!(
        (chart.patient.id, chart.patient.birth),
        (later.patient.id, later.patient.birth)
    );
    assert_eq!(chart.appointments[0].on, DAY.tomorrow().unwrap());
    assert!(opened.find(&PatientId::parse("00001029").unwrap()).is_ok());
}
