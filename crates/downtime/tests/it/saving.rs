//! What a station knows about saving: that it fails, which drafts there are, which records it holds.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use vault::slot::Credentials;

use chart::entry::SignedNote;
use chart::{Act, PatientId, Subject};
use downtime::extract::Guard;
use downtime::shelf::OpenFault;
use downtime::stations::{Heads, Session, Station};
use vault::files::Files;
use vault::simfs::{Ending, SimFs};

use crate::hospital::{Hospital, PASSWORD, nine, patients};

fn somebody() -> Subject {
    Subject::Patient(PatientId::parse("00001000").unwrap())
}

fn sign(session: &Session) -> Result<chart::EntryId, downtime::journal::NotSaved> {
    session.record_blocking(somebody(), Act::NoteSigned(SignedNote::default()))
}

fn physician(station: &Arc<Station>) -> Session {
    station.sign_in("2001", &Credentials::Password(PASSWORD)).unwrap()
}

#[test]
fn a_full_disk_is_told_from_the_first_failure_until_something_is_saved_again() {
    let hospital = Hospital::new();
    hospital.seal(patients(30), Guard::default()).unwrap();
    let fs = SimFs::new(1);
    let station = hospital.start_on("H01", Arc::new(fs.clone()));
    let session = physician(&station);
    sign(&session).unwrap();
    assert_eq!(station.state().not_saving, None);
    hospital.clock.store(nine().0, Ordering::SeqCst);
    fs.full_in(0);
    sign(&session).unwrap_err();
    let told = station.state().not_saving.unwrap();
    assert_eq!(told, "2026-11-20 09:00から: ディスクに空きがなく、書けませんでした。");
    hospital.clock.fetch_add(600, Ordering::SeqCst);
    sign(&session).unwrap_err();
    assert_eq!(station.state().not_saving.unwrap(), told, "since the first failure");
    fs.heal();
    sign(&session).unwrap();
    assert_eq!(station.state().not_saving, None);
    assert_eq!(session.day().len(), 2, "what failed is not shown as recorded");
}

#[test]
fn a_station_knows_which_drafts_there_are_also_after_a_crash() {
    let hospital = Hospital::new();
    hospital.seal(patients(30), Guard::default()).unwrap();
    let fs = SimFs::new(2);
    let drafts = hospital.data("H01").join("drafts");
    let station = hospital.start_on("H01", Arc::new(fs.clone()));
    let session = physician(&station);
    assert!(!session.may_have_draft(&somebody(), "note"));
    session
        .save_draft(&somebody(), "note", vec![("s".into(), "息切れ".into())])
        .unwrap();
    assert!(session.may_have_draft(&somebody(), "note"));
    assert!(!session.may_have_draft(&somebody(), "appointment"), "another form");
    drop((session, station));
    fs.restart(Ending::PowerCut);
    let station = hospital.start_on("H01", Arc::new(fs.clone()));
    let session = physician(&station);
    assert!(session.may_have_draft(&somebody(), "note"));
    assert!(session.draft(&somebody(), "note").is_some());
    session.discard_draft(&somebody(), "note");
    assert_eq!(fs.list(&drafts).unwrap(), Vec::<String>::new());
    assert!(!session.may_have_draft(&somebody(), "note"));
    let before = fs.operations();
    session.discard_draft(&somebody(), "note");
    assert_eq!(fs.operations(), before, "nothing to discard costs nothing");
}

#[test]
fn a_draft_that_could_not_be_removed_is_not_forgotten() {
    let hospital = Hospital::new();
    hospital.seal(patients(30), Guard::default()).unwrap();
    let fs = SimFs::new(3);
    let station = hospital.start_on("H01", Arc::new(fs.clone()));
    let session = physician(&station);
    session.save_draft(&somebody(), "note", Vec::new()).unwrap();
    fs.fault_in(0, vault::simfs::Fault::Fail);
    session.discard_draft(&somebody(), "note");
    assert!(session.may_have_draft(&somebody(), "note"));
    session.discard_draft(&somebody(), "note");
    assert!(!session.may_have_draft(&somebody(), "note"));
}

#[test]
fn the_records_of_this_life_are_held_with_their_key_before_any_restart() {
    let hospital = Hospital::new();
    hospital.seal(patients(30), Guard::default()).unwrap();
    let fs = SimFs::new(4);
    for life in 1..=3_u64 {
        let station = hospital.start_on("H01", Arc::new(fs.clone()));
        let session = physician(&station);
        sign(&session).unwrap();
        let head = station.heads().0[0];
        assert_eq!(head.seq, life * 2, "one key record and one entry in every life");
        assert_eq!(station.missing(&Heads::default()).records.len() as u64, head.seq);
        let days = usize::try_from(life).unwrap();
        assert_eq!(session.day().len(), days);
    }
    assert!(fs.list(Path::new("nowhere")).unwrap().is_empty());
}

#[test]
fn who_may_open_is_as_with_the_view_however_often_it_is_asked() {
    let hospital = Hospital::new();
    hospital.seal(patients(30), Guard::default()).unwrap();
    let station = hospital.start("H01");
    let session = physician(&station);
    let nobody = Subject::Patient(PatientId::parse("00009999").unwrap());
    for _ in 0..2 {
        session.look_blocking(&somebody()).unwrap();
        assert!(matches!(session.look_blocking(&nobody), Err(OpenFault::Unknown)));
        assert!(session.look_blocking(&nobody).is_err());
    }
    // Another snapshot proves nothing about the rows of the one before.
    hospital.seal(patients(31).split_off(1), Guard::default()).unwrap();
    station.shelf().refresh().unwrap();
    assert!(matches!(session.look_blocking(&somebody()), Err(OpenFault::Unknown)));
}
