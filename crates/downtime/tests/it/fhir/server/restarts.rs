//! What a server gave is built upon after a restart, and never where the server may have more, less or other things than it says.

use std::sync::Arc;

use chart::DataKind;
use downtime::sources::fhir::server::Way;
use downtime::sources::keep::{Dice, Keep};
use vault::HospitalId;
use vault::keys::StationSecret;

use super::ehr::{Behaviour, Ehr};
use super::{Station, allergies, bulk, only, pull, station, told};

/// A hospital whose program is started anew for each reading.
struct Hospital {
    ehr: Ehr,
    keep: Keep,
    way: Way,
    /// Seconds since the first start.
    passed: i64,
    dir: tempfile::TempDir,
}

impl Hospital {
    fn new(way: Way, behaviour: Behaviour) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let dice: Dice = Arc::new(|| Box::new(rand_core::UnwrapErr(getrandom::SysRng)));
        let keep = Keep {
            hospital: HospitalId([7; 16]),
            secret: Arc::new(StationSecret::random(&mut *dice())),
            dice,
            path: dir.path().join("x.keep"),
            name: "x".to_owned(),
        };
        Self {
            ehr: Ehr::start(3, "es384.pem", behaviour),
            keep,
            way,
            passed: 0,
            dir,
        }
    }

    fn start(&self) -> Station {
        let station = station(
            &self.ehr,
            Some("es384.pem"),
            self.way.clone(),
            only(&[DataKind::Allergy, DataKind::Appointment]),
        );
        station.now.fetch_add(self.passed, std::sync::atomic::Ordering::SeqCst);
        Station {
            source: station.source.kept_in(self.keep.clone()),
            ..station
        }
    }

    /// Starts, reads and ends: everybody's allergies, whether only changes were asked for, whether a doubt is told.
    fn read(&mut self) -> (Vec<Vec<String>>, bool, bool) {
        self.ehr.forget_questions();
        let station = self.start();
        let (charts, extract) = pull(&station).unwrap();
        self.passed += 600;
        let asked = self.ehr.asked();
        let changes = asked
            .iter()
            .any(|line| line.contains("_since=") || line.contains("_lastUpdated="));
        let everything = asked.iter().any(|line| {
            let whole = line.contains("AllergyIntolerance?") || line.contains("$export");
            whole && !line.contains("_since=") && !line.contains("_lastUpdated=") && !line.contains("_summary")
        });
        assert!(changes || everything, "{asked:#?}");
        let seen = charts
            .iter()
            .map(|chart| allergies(chart).into_iter().map(str::to_owned).collect());
        (
            seen.collect(),
            changes && !everything,
            told(&extract, "fhir.resync", "取り直し"),
        )
    }
}

fn now(second: &str, first: &[&str]) -> Vec<Vec<String>> {
    let of = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    vec![of(first), of(&["食物0002", second]), of(&["薬0003", "食物0003"])]
}

fn sorted(mut all: Vec<Vec<String>>) -> Vec<Vec<String>> {
    all.iter_mut().for_each(|one| one.sort());
    all
}

const BOTH: [&str; 2] = ["薬0001", "食物0001"];

fn ways() -> [Way; 2] {
    [bulk(), Way::Search]
}

#[test]
fn after_a_restart_only_what_changed_is_asked_for() {
    for way in ways() {
        let mut hospital = Hospital::new(way.clone(), Behaviour::default());
        assert!(!hospital.read().1, "the first time everything");
        if way == Way::Search {
            hospital.ehr.update("0002", "新しい薬");
        } else {
            hospital.ehr.change("0002", "新しい薬");
        }
        let (seen, only_changes, doubt) = hospital.read();
        assert_eq!(sorted(seen), sorted(now("新しい薬", &BOTH)), "{way:?}");
        assert!(only_changes && !doubt, "{way:?}");
        // Nothing in the clear.
        let kept = std::fs::read(&hospital.keep.path).unwrap();
        assert!(!kept.windows(6).any(
            |w| w == "薬0".as_bytes().get(..4).unwrap_or(b"") || w == b"AllergyIntolerance".get(..6).unwrap_or(b"")
        ));
        // And once more, upon what was laid together.
        let (seen, only_changes, _) = hospital.read();
        assert_eq!(sorted(seen), sorted(now("新しい薬", &BOTH)), "{way:?}");
        assert!(only_changes, "{way:?}");
    }
}

#[test]
fn what_was_deleted_is_gone_although_a_search_never_says_so() {
    let mut hospital = Hospital::new(Way::Search, Behaviour::default());
    hospital.read();
    hospital.ehr.update("0002", "新しい薬");
    hospital.read();
    hospital.ehr.delete("AllergyIntolerance/f0001");
    let (seen, only_changes, _) = hospital.read();
    assert_eq!(sorted(seen), sorted(now("新しい薬", &["薬0001"])));
    assert!(
        !only_changes,
        "the count says that something is missing: everything was fetched"
    );
}

#[test]
fn a_server_that_lost_what_it_gave_is_read_whole() {
    for way in ways() {
        let mut hospital = Hospital::new(way.clone(), Behaviour::default());
        hospital.read();
        if way == Way::Search {
            hospital.ehr.update("0002", "新しい薬");
        } else {
            hospital.ehr.change("0002", "新しい薬");
        }
        hospital.read();
        hospital.ehr.restore_backup();
        let (seen, only_changes, doubt) = hospital.read();
        assert_eq!(
            sorted(seen),
            sorted(now("薬0002", &BOTH)),
            "{way:?}: as the server has it now"
        );
        assert!(!only_changes && doubt, "{way:?}");
    }
}

#[test]
fn a_clock_that_went_back_and_a_server_that_does_not_tell_the_time_are_read_whole() {
    for way in ways() {
        let mut hospital = Hospital::new(way.clone(), Behaviour::default());
        hospital.read();
        hospital.ehr.turn_clock_back();
        let (seen, only_changes, doubt) = hospital.read();
        assert_eq!(sorted(seen), sorted(now("薬0002", &BOTH)));
        assert!(!only_changes && doubt, "{way:?}");
    }
    let undated = Behaviour {
        undated: true,
        ..Behaviour::default()
    };
    let mut hospital = Hospital::new(Way::Search, undated);
    hospital.read();
    assert!(!hospital.read().1);
}

#[test]
fn what_is_kept_is_believed_whole_and_for_a_day() {
    for way in ways() {
        let mut hospital = Hospital::new(way, Behaviour::default());
        hospital.read();
        let mut bytes = std::fs::read(&hospital.keep.path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&hospital.keep.path, &bytes).unwrap();
        assert_eq!(hospital.read(), (sorted_first(), false, false), "damaged is none");
        hospital.passed += 24 * 3_600;
        assert!(!hospital.read().1, "a day old");
        assert!(hospital.dir.path().exists());
    }
}

fn sorted_first() -> Vec<Vec<String>> {
    ["0001", "0002", "0003"]
        .map(|n| vec![format!("薬{n}"), format!("食物{n}")])
        .to_vec()
}
