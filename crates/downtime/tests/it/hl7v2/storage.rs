//! A storage on disk: what is remembered between two readings, what links and unreadable folders do, and who is taken.

use std::path::Path;

use chart::{Known, Moment};
use downtime::sources::Scope;
use downtime::sources::gather::Reach;
use downtime::sources::ssmix2::{Patients, Settings};

use super::{pull, scope, storage, written};

pub fn lay(text: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    written::lay(&written::read(text), dir.path());
    dir
}

pub fn moves() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/sources/ssmix2/moves/in/storage.txt");
    std::fs::read_to_string(path).unwrap()
}

fn settings(dir: &Path) -> Settings {
    let mut settings = Settings::of(vec![dir.join("R")]);
    settings.state = Some(dir.join("state/s.state"));
    settings
}

fn in_beds(settings: &Settings, now: Moment) -> Vec<String> {
    let scope = Scope { now, ..scope() };
    let (charts, _) = pull(&storage(settings.clone()), &scope).unwrap();
    charts
        .iter()
        .map(|chart| {
            format!(
                "{} {}",
                chart.patient.id,
                chart.stay.as_ref().map(chart::Stay::whole_place).unwrap_or_default()
            )
        })
        .collect()
}

#[test]
fn what_was_seen_is_not_read_again_and_what_changed_is() {
    let dir = lay(&moves());
    let settings = settings(dir.path());
    // Long after the files were written by the clock of this machine, so that their folders count as settled.
    let later = Moment(4_000_000_000);
    let first = in_beds(&settings, later);
    let state = std::fs::read(settings.state.as_ref().unwrap()).unwrap();
    assert_eq!((state.len() - 48) / 8, 10, "one entry for each patient");
    assert_eq!(in_beds(&settings, later), first);
    // Somebody without a bed is admitted in a folder that is there: only the folder of the kind is new.
    let admitted = moves()
        .replace("0000000301", "0000000310")
        .split("\n== ")
        .nth(1)
        .map(|part| format!("\n== {part}"))
        .unwrap();
    written::lay(&written::read(&admitted), dir.path());
    let second = in_beds(&settings, later);
    assert_eq!(second.len(), first.len() + 1);
    assert!(second.iter().any(|line| line.starts_with("0000000310")), "{second:?}");
    // Another bed the same day, in a folder of the kind that is there.
    let moved = moves()
        .split("\n== ")
        .nth(3)
        .map(|part| format!("\n== {part}"))
        .unwrap();
    let moved = moved
        .replace("0000000301", "0000000310")
        .replace("05E^503^4", "05E^599^9");
    written::lay(&written::read(&moved), dir.path());
    assert!(in_beds(&settings, later).contains(&"0000000310 05E 599-9".to_owned()));
    // A state that is damaged is no state.
    std::fs::write(settings.state.as_ref().unwrap(), b"TSX2 nonsense").unwrap();
    assert_eq!(in_beds(&settings, later).len(), second.len());
}

#[test]
fn an_admission_of_later_today_is_seen_when_its_time_has_come() {
    let text = moves()
        .split("\n== ")
        .nth(1)
        .map(|part| format!("\n== {part}"))
        .unwrap();
    // In the year 2100, long after the folders were written.
    let dir = lay(&text.replace("20261110", "21001110"));
    let settings = settings(dir.path());
    let at = |hour| Moment::from_local(jiff::civil::date(2100, 11, 10).at(hour, 0, 0, 0));
    assert!(in_beds(&settings, at(8)).is_empty());
    assert_eq!(
        in_beds(&settings, at(11)).len(),
        1,
        "nothing on the disk has changed since"
    );
}

#[test]
fn folders_that_changed_just_now_are_not_remembered() {
    let dir = lay(&moves());
    let settings = settings(dir.path());
    // The folders are younger than this moment by the clock of the file system.
    let now = scope().now;
    in_beds(&settings, now);
    let state = std::fs::read(settings.state.as_ref().unwrap()).unwrap();
    assert_eq!(state.len(), 48, "nothing but the heading and the check");
}

#[test]
fn who_is_taken_is_who_was_asked_for_and_who_lies_in_a_bed() {
    let dir = lay(&moves());
    let mut settings = Settings::of(vec![dir.path().join("R")]);
    let wanted = [(chart::PatientId::parse("0000000310").unwrap(), Reach::Full)]
        .into_iter()
        .collect();
    let asked = Scope {
        wanted: Some(std::sync::Arc::new(wanted)),
        ..scope()
    };
    let ids = |settings: &Settings, scope: &Scope| -> Vec<String> {
        let (charts, _) = pull(&storage(settings.clone()), scope).unwrap();
        charts
            .iter()
            .map(|chart| chart.patient.id.as_str().to_owned())
            .collect()
    };
    let beds = ids(&settings, &scope());
    assert!(!beds.contains(&"0000000304".to_owned()), "the dead lie in no bed");
    assert_eq!(ids(&settings, &asked).len(), beds.len() + 1);
    settings.patients = Patients::Recent(10);
    assert!(
        ids(&settings, &scope()).contains(&"0000000304".to_owned()),
        "discharged the day before yesterday"
    );
    settings.patients = Patients::All;
    assert_eq!(ids(&settings, &scope()).len(), 10);
}

#[cfg(unix)]
#[test]
fn links_are_not_followed_and_a_folder_that_cannot_be_read_is_a_gap() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let dir = lay(&moves());
    let patient = dir.path().join("R/000/000/0000000301");
    std::fs::create_dir_all(patient.join("20261101")).unwrap();
    std::fs::create_dir_all(dir.path().join("elsewhere")).unwrap();
    std::fs::write(dir.path().join("elsewhere/x"), "x").unwrap();
    symlink(dir.path().join("elsewhere"), patient.join("20261102")).unwrap();
    std::fs::create_dir_all(patient.join("-/ADT-61")).unwrap();
    let secret = patient.join("-/ADT-61/0000000301_-_ADT-61_999999999999999_20261110090000000_-_1");
    symlink("/etc/hostname", secret).unwrap();
    let (charts, _) = pull(&storage(Settings::of(vec![dir.path().join("R")])), &scope()).unwrap();
    let chart = charts
        .iter()
        .find(|chart| chart.patient.id.as_str() == "0000000301")
        .unwrap();
    assert!(
        matches!(chart.allergies, Known::Unavailable { .. }),
        "{:?}",
        chart.allergies
    );
    assert!(chart.findings.iter().any(|finding| finding.code == "file.skipped"));
    let locked = dir.path().join("R/000/000/0000000302/20261119");
    std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o000)).unwrap();
    let readable = std::fs::read_dir(&locked).is_ok();
    let (charts, _) = pull(&storage(Settings::of(vec![dir.path().join("R")])), &scope()).unwrap();
    std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o755)).unwrap();
    let chart = charts
        .iter()
        .find(|chart| chart.patient.id.as_str() == "0000000302")
        .unwrap();
    // Root reads everything; everybody else has a gap that is told.
    assert_eq!(
        readable,
        !chart.findings.iter().any(|finding| finding.code == "folder.unreadable")
    );
}
