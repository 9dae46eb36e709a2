//! The audit log over several stations: it travels, it is opened by who may, and whoever takes something back is noticed.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use chart::Author;
use downtime::audit::{AuditLog, Deed, LogStart, Method};
use downtime::extract::Guard;
use downtime::journal::HybridClock;
use downtime::stations::{AlarmKind, CHECKPOINT_SECONDS, Showing, Station};
use vault::files::Disk;
use vault::slot::Credentials;

use crate::hospital::{Hospital, PASSWORD, code, patients, rng, sealed_file};

/// Somebody looks at a list at this station.
pub fn glance(station: &Station, detail: &str) {
    let by = Author {
        user: "1001".into(),
        name: "試験　花子".into(),
        role: "reception".into(),
    };
    let mut sighting = station.sighting(&by, Method::Password, Deed::Listed);
    detail.clone_into(&mut sighting.detail);
    station.audit().write_blocking(sighting).unwrap();
}

/// A station's visit to its hub, without the line between them. Gives what the station showed.
pub fn visit(station: &Station, hub: &Station) -> Option<Showing> {
    let asking = station.audit_asking()?;
    let mut remembered = hub.audit_remembered(&asking);
    let parcel = station.audit_missing(&remembered.heads);
    hub.audit_take(&parcel).unwrap();
    remembered = hub.audit_remembered(&asking);
    station.note_audit_sent(&remembered.heads);
    let showing = station.audit_showing(&remembered);
    let answer = hub
        .audit_shown(&Showing::from_bytes(&showing.to_bytes()).unwrap())
        .unwrap();
    station
        .audit_answered(&Showing::from_bytes(&answer.to_bytes()).unwrap())
        .unwrap();
    Some(showing)
}

fn later(hospital: &Hospital, seconds: i64) {
    hospital.clock.fetch_add(seconds, Ordering::SeqCst);
}

fn details(station: &Arc<Station>) -> Vec<String> {
    let session = station.sign_in("8001", &Credentials::Password(PASSWORD)).unwrap();
    let book = session.book().unwrap();
    let book = book.read().unwrap();
    assert_eq!(book.unreadable(), 0);
    let all = book.all().map(|seen| seen.sighting.detail.clone());
    all.filter(|detail| !detail.is_empty()).collect()
}

fn copy(from: &Path, to: &Path) {
    let _ = std::fs::remove_dir_all(to);
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, target).unwrap();
        }
    }
}

fn two_stations() -> (Hospital, Arc<Station>, Arc<Station>) {
    let hospital = Hospital::new();
    hospital.seal(patients(30), Guard::default()).unwrap();
    let (hub, ward) = (hospital.start("H01"), hospital.start("R03"));
    ward.shelf().receive(&mut sealed_file(hub.shelf()).as_slice()).unwrap();
    (hospital, hub, ward)
}

#[test]
fn an_auditor_at_the_hub_reads_what_happened_on_the_ward_and_nobody_else_does() {
    let (_hospital, hub, ward) = two_stations();
    glance(&ward, "病棟の一覧");
    visit(&ward, &hub);
    assert_eq!(details(&hub), ["病棟の一覧"]);
    let session = hub.sign_in("8001", &Credentials::Password(PASSWORD)).unwrap();
    let book = session.book().unwrap();
    let before = book.read().unwrap().len();
    glance(&ward, "次の一覧");
    visit(&ward, &hub);
    glance(&hub, "受付の一覧");
    assert_eq!(
        book.read().unwrap().len(),
        before + 2,
        "new records come into the open book"
    );
    let state = hub.audit_state();
    assert!(state.is_whole() && state.stations == 2, "{state:?}");
    assert_eq!(ward.audit_state().unsent, 0);
    let physician = hub.sign_in("2001", &Credentials::Password(PASSWORD)).unwrap();
    assert!(physician.book().is_none(), "no key, no book");
    assert!(
        hub.audit_take(&ward.audit_missing(&downtime::stations::Heads::default()))
            .unwrap()
            == 0,
        "again is harmless"
    );
}

#[test]
fn a_visit_asks_for_nothing_when_nothing_is_new() {
    let (hospital, hub, ward) = two_stations();
    glance(&ward, "一覧");
    assert!(visit(&ward, &hub).is_some());
    assert!(visit(&ward, &hub).is_none());
    glance(&ward, "もう一度");
    assert!(visit(&ward, &hub).is_some(), "records travel at once");
    assert!(visit(&ward, &hub).is_none());
    later(&hospital, CHECKPOINT_SECONDS);
    assert!(visit(&ward, &hub).is_some(), "a checkpoint a minute");
    let (size, _) = ward.audit_state().witnessed.unwrap();
    assert_eq!(size, ward.audit_state().records);
}

#[test]
fn witnesses_remember_over_a_restart() {
    let (hospital, hub, ward) = two_stations();
    glance(&ward, "一覧");
    visit(&ward, &hub);
    drop(hub);
    let hub = hospital.start("H01");
    let state = hub.audit_state();
    assert!(state.is_whole(), "{state:?}");
    assert!(state.proven >= 2, "the hub's own log and the ward's: {state:?}");
}

#[test]
fn an_older_copy_of_a_station_raises_an_alarm_on_both_sides_and_a_new_chain_begins() {
    let (hospital, hub, ward) = two_stations();
    glance(&ward, "最初");
    visit(&ward, &hub);
    drop(ward);
    copy(&hospital.data("R03"), &hospital.data("copy"));
    let ward = hospital.start("R03");
    glance(&ward, "消したい閲覧");
    later(&hospital, CHECKPOINT_SECONDS);
    visit(&ward, &hub);
    assert_eq!((hub.audit_alarms(), ward.audit_alarms()), (0, 0));
    drop(ward);
    copy(&hospital.data("copy"), &hospital.data("R03"));
    later(&hospital, CHECKPOINT_SECONDS);
    let ward = hospital.start("R03");
    assert_eq!(
        ward.audit_alarms(),
        0,
        "the copy has an older memory too: only others know"
    );
    visit(&ward, &hub);
    assert_eq!((hub.audit_alarms(), ward.audit_alarms()), (1, 1));
    let state = hub.audit_state();
    assert_eq!(state.alarms[0].alarm.kind, AlarmKind::Shorter);
    assert!(!state.is_whole());
    visit(&ward, &hub);
    later(&hospital, CHECKPOINT_SECONDS);
    visit(&ward, &hub);
    assert_eq!(hub.audit_alarms(), 1, "one alarm for one thing");
    drop(ward);
    later(&hospital, CHECKPOINT_SECONDS);
    let ward = hospital.start("R03");
    glance(&ward, "そのあと");
    visit(&ward, &hub);
    let seen = details(&hub);
    assert!(seen.iter().any(|d| d == "消したい閲覧"), "the hub kept it: {seen:?}");
    assert!(
        seen.iter().any(|d| d == "そのあと"),
        "what is written now arrives: {seen:?}"
    );
    assert!(
        seen.iter().any(|d| d.contains("短くなりました")),
        "the alarm stands in the log: {seen:?}"
    );
    drop(hub);
    let hub = hospital.start("H01");
    assert_eq!(hub.audit_alarms(), 1, "an alarm outlives a restart");
    let id = hub.audit_state().alarms[0].id;
    assert!(hub.settle_alarm(id, "8001", "復元した日の記録を確かめた").unwrap());
    assert_eq!(hub.audit_alarms(), 0);
    drop(hub);
    assert_eq!(hospital.start("H01").audit_alarms(), 0, "so does its end");
}

#[test]
fn a_log_that_was_emptied_is_missed_by_its_own_station_and_by_the_hub() {
    let (hospital, hub, ward) = two_stations();
    glance(&ward, "一覧");
    visit(&ward, &hub);
    drop(ward);
    std::fs::remove_dir_all(hospital.data("R03").join("audit")).unwrap();
    later(&hospital, CHECKPOINT_SECONDS);
    let ward = hospital.start("R03");
    assert_eq!(ward.audit_alarms(), 1, "its own memory is another file");
    visit(&ward, &hub);
    assert_eq!(hub.audit_state().alarms[0].alarm.kind, AlarmKind::Vanished);
    assert!(
        !hub.audit_state().alarms[0].alarm.before.is_empty(),
        "with the signed proof"
    );
}

#[test]
fn an_old_message_sent_again_raises_nothing_and_a_foreign_one_is_refused() {
    let (hospital, hub, ward) = two_stations();
    glance(&ward, "一覧");
    let old = visit(&ward, &hub).unwrap();
    later(&hospital, CHECKPOINT_SECONDS);
    glance(&ward, "もう一つ");
    visit(&ward, &hub);
    hub.audit_shown(&old).unwrap();
    assert_eq!(hub.audit_alarms(), 0);
    let mut broken = old.clone();
    broken.chains[0].checkpoint.0[60] ^= 1;
    assert!(
        hub.audit_shown(&broken).is_err(),
        "not signed, so it says nothing about the ward"
    );
    let mut other = old;
    other.station = [9; 16];
    assert!(hub.audit_shown(&other).is_err());
    assert_eq!(hub.audit_alarms(), 0);
}

#[test]
fn what_the_command_line_tools_did_stands_in_the_book_and_travels() {
    let (hospital, hub, ward) = two_stations();
    {
        let clock = Arc::clone(&hospital.clock);
        let clock = HybridClock::new(Arc::new(move || chart::Moment(clock.load(Ordering::SeqCst))));
        let start = LogStart {
            hospital: hospital.roster.hospital(),
            station: hospital.roster.station_id(code("R03")),
            secret: &hospital.ward,
            audit: hospital.roster.audit().unwrap(),
            clock: Arc::new(clock),
            seen: &[],
        };
        let dir = hospital.data("R03").join("audit-tools");
        let (log, damage) = AuditLog::start(Arc::new(Disk), &dir, &start, Box::new(rng()), Arc::new(|_| ())).unwrap();
        assert!(damage.is_empty());
        let mut sighting = ward.sighting(&Author::default(), Method::Program, Deed::Granted);
        sighting.detail = "tomoshibi user add 1002".into();
        log.write_blocking(sighting).unwrap();
    }
    assert_eq!(details(&ward), ["tomoshibi user add 1002"]);
    visit(&ward, &hub);
    assert_eq!(details(&hub), ["tomoshibi user add 1002"]);
    assert!(hub.audit_state().is_whole());
}

#[test]
fn the_code_on_a_list_is_a_checkpoint_that_a_witness_can_hold_the_log_to() {
    let (hospital, _hub, ward) = two_stations();
    glance(&ward, "一覧");
    let code_text = ward.checkpoint_qr();
    assert!(code_text.len() <= 300 && code_text.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase()));
    let bytes: Vec<u8> = (0..code_text.len() / 2)
        .map(|i| u8::from_str_radix(&code_text[i * 2..i * 2 + 2], 16).unwrap())
        .collect();
    let paper = vault::checkpoint::SignedCheckpoint::from_compact(&bytes, &hospital.roster.hospital()).unwrap();
    let claim = *paper.verify(&hospital.ward.public()).unwrap();
    assert_eq!(claim.size, ward.audit_state().records);
    glance(&ward, "あとから");
    drop(ward);
    let check = || {
        let id = hospital.roster.station_id(code("R03"));
        let dir = hospital.data("R03").join("audit");
        downtime::audit::verify(
            &Disk,
            &dir,
            &hospital.roster.hospital(),
            &id,
            &hospital.ward.public(),
            &[paper],
        )
        .unwrap()
    };
    assert!(check().is_whole());
    let dir = hospital.data("R03").join("audit");
    std::fs::remove_dir_all(&dir).unwrap();
    assert_eq!(check().contradicted.len(), 1, "the paper knows");
}
