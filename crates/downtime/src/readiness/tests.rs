//! The checks of S70: what each says of a state, and which comes first. It deliberately renders nothing.

use chart::{AsOf, StationCode};
use jiff::civil::date;

use super::*;

const DAY: Date = date(2026, 11, 20);

fn at(hour: i8, minute: i8) -> Moment {
    Moment::from_local(DAY.at(hour, minute, 0, 0))
}

/// Everything as it should be, at 9:00.
pub(super) fn ready() -> Facts {
    Facts {
        now: at(9, 0),
        snapshot: Some(SnapshotState {
            epoch: 7,
            sealed_at: at(8, 45),
            fresh_until: at(23, 0),
            told: at(0, 0),
            day: "2026-11-20".to_owned(),
            as_of: AsOf::all(at(8, 45)),
            charts: 853,
            inpatients: 241,
            thin_charts: 40,
            findings: [0, 0, 3],
            verified: true,
        }),
        listed_until: Some(date(2026, 12, 4)),
        tomorrow: Some(598),
        timetable: Some(Timetable {
            at_minutes: 0,
            refresh_minutes: 60,
        }),
        running: None,
        last: Some(Outcome::Unchanged { at: at(8, 50) }),
        late: None,
        next: Some(at(9, 50)),
        hub: None,
        unsent: 0,
        stations: vec![seen("R03", Some(60))],
        printers: Some(vec![("1階受付".to_owned(), PrinterState::Ready)]),
        packs: Some(Packs {
            made: Some(at(8, 47)),
            packs: 12,
            pages: 840,
            ..Packs::default()
        }),
        stuck: 0,
        envelopes: [2, 0, 0],
        time: TimeQuality::Synced,
        not_saving: None,
        damage: 0,
        no_audit: None,
        audit_alarms: 0,
        witnessed: None,
        backups: None,
        disk: Some(Disk {
            free: 50 << 30,
            all: 100 << 30,
            at: at(8, 59),
        }),
        judgement: Judgement {
            cause: Cause::Nothing,
            ..Judgement::default()
        },
        probes: 1,
        lines: None,
    }
}

fn seen(code: &str, ago: Option<i64>) -> StationSeen {
    StationSeen {
        code: StationCode::parse(code).unwrap(),
        visited: ago.map(|ago| Moment(at(9, 0).0 - ago)),
    }
}

fn of(facts: &Facts, tile: Tile) -> (Light, &'static str) {
    let all = checks(facts);
    let found = all.iter().find(|check| check.tile == tile).unwrap();
    (found.light, found.says.key)
}

#[test]
fn a_hospital_that_is_ready_has_no_tile_but_good_ones() {
    let all = checks(&ready());
    assert!(all.iter().all(|check| check.light == Light::Good), "{all:?}");
    assert_eq!(people(ready().snapshot.as_ref().unwrap()), (612, 241));
}

#[test]
fn nothing_known_is_never_good_and_never_blank() {
    let nothing = Facts {
        snapshot: None,
        listed_until: None,
        tomorrow: None,
        timetable: None,
        last: None,
        next: None,
        stations: Vec::new(),
        printers: None,
        packs: None,
        envelopes: [0; 3],
        time: TimeQuality::Unknown,
        disk: None,
        judgement: Judgement::default(),
        probes: 0,
        ..ready()
    };
    let good: Vec<Tile> = checks(&nothing)
        .iter()
        .filter(|check| check.light == Light::Good)
        .map(|check| check.tile)
        .collect();
    assert_eq!(
        good,
        [Tile::Saving, Tile::Audit],
        "only what this station sees of itself"
    );
    assert_eq!(checks(&nothing).len(), 10);
}

#[test]
fn the_worst_comes_first() {
    let facts = Facts {
        time: TimeQuality::Drifting,
        disk: None,
        audit_alarms: 1,
        ..ready()
    };
    let first: Vec<(Light, Tile)> = checks(&facts).iter().take(4).map(|c| (c.light, c.tile)).collect();
    assert_eq!(
        first,
        [
            (Light::Bad, Tile::Audit),
            (Light::Unchecked, Tile::Disk),
            (Light::Care, Tile::Clock),
            (Light::Good, Tile::Data)
        ]
    );
}

#[test]
fn the_data_of_another_day_are_said_before_anything_milder() {
    let snapshot = |change: &dyn Fn(&mut SnapshotState)| {
        let mut facts = ready();
        if let Some(snapshot) = &mut facts.snapshot {
            change(snapshot);
        }
        facts
    };
    let data = |facts: &Facts| of(facts, Tile::Data);
    assert_eq!(
        data(&snapshot(&|s| s.day = "2026-11-19".to_owned())),
        (Light::Bad, "ready-data-other-day")
    );
    assert_eq!(
        data(&snapshot(&|s| s.day = "2026-11-21".to_owned())).0,
        Light::Good,
        "made by hand for tomorrow"
    );
    assert_eq!(
        data(&snapshot(&|s| s.fresh_until = at(8, 59))),
        (Light::Bad, "ready-data-expired")
    );
    assert_eq!(
        data(&snapshot(&|s| s.verified = false)),
        (Light::Bad, "ready-data-unverified")
    );
    let failed = Some(Outcome::Failed {
        at: at(8, 55),
        why: "x".to_owned(),
    });
    assert_eq!(
        data(&Facts {
            last: failed,
            ..ready()
        }),
        (Light::Care, "ready-data-failed"),
        "the last good one is still there"
    );
    assert_eq!(
        data(&Facts {
            late: Some(Late::Stale { minutes: 125 }),
            ..ready()
        }),
        (Light::Care, "ready-data-stale")
    );
}

#[test]
fn stations_are_ready_only_while_they_visit() {
    let stations = |stations| of(&Facts { stations, ..ready() }, Tile::Stations).0;
    assert_eq!(stations(vec![seen("R03", Some(180))]), Light::Good);
    assert_eq!(stations(vec![seen("R03", Some(181))]), Light::Care);
    assert_eq!(
        stations(vec![seen("R03", Some(10)), seen("R04", None)]),
        Light::Unchecked
    );
    assert_eq!(stations(vec![seen("R03", Some(3601)), seen("R04", None)]), Light::Bad);
}

#[test]
fn tomorrow_is_bad_where_the_list_ends_today() {
    let until = |listed_until, tomorrow| {
        of(
            &Facts {
                listed_until,
                tomorrow,
                ..ready()
            },
            Tile::Tomorrow,
        )
        .0
    };
    assert_eq!(until(Some(DAY), Some(0)), Light::Bad);
    assert_eq!(until(Some(date(2026, 11, 21)), Some(0)), Light::Care);
    assert_eq!(until(Some(date(2026, 11, 21)), None), Light::Good);
    assert_eq!(until(None, None), Light::Unchecked);
}

#[test]
fn the_disk_and_the_printers_say_when_nobody_looked() {
    let old = Disk {
        at: at(8, 49),
        ..ready().disk.unwrap()
    };
    assert_eq!(
        of(
            &Facts {
                disk: Some(old),
                ..ready()
            },
            Tile::Disk
        )
        .0,
        Light::Unchecked
    );
    let full = Disk {
        free: DISK_LEAST_BYTES - 1,
        ..ready().disk.unwrap()
    };
    assert_eq!(
        of(
            &Facts {
                disk: Some(full),
                ..ready()
            },
            Tile::Disk
        )
        .0,
        Light::Bad
    );
    let printer = |state| {
        let printers = Some(vec![("A".to_owned(), state)]);
        of(&Facts { printers, ..ready() }, Tile::Printers).0
    };
    assert_eq!(printer(PrinterState::Unknown), Light::Unchecked);
    assert_eq!(printer(PrinterState::Silent), Light::Bad);
    assert_eq!(printer(PrinterState::Waits), Light::Care);
}

#[test]
fn packs_say_when_how_many_and_what_is_out() {
    let of = |packs: Packs, now: Moment| {
        let facts = Facts {
            packs: Some(packs),
            now,
            ..ready()
        };
        let all = checks(&facts);
        let check = all.into_iter().find(|check| check.tile == Tile::Packs).unwrap();
        let lines: Vec<&str> = check.lines.iter().map(|line| line.key).collect();
        (check.light, check.says.key, lines)
    };
    let made = ready().packs.unwrap();
    assert_eq!(
        of(made, at(9, 0)),
        (
            Light::Good,
            "ready-packs-made",
            vec!["ready-packs-when", "ready-packs-none-out"]
        )
    );
    let out = Packs {
        out: 3,
        last_out: Some(at(8, 55)),
        spoiled: 1,
        ..made
    };
    assert_eq!(
        of(out, at(9, 0)),
        (
            Light::Care,
            "ready-packs-made",
            vec!["ready-packs-when", "ready-packs-out", "ready-packs-spoiled"]
        )
    );
    let failed = Packs { failed: 1, ..made };
    assert_eq!(of(failed, at(9, 0)).0, Light::Bad);
    let none = Packs::default();
    assert_eq!(
        of(none, at(9, 0)),
        (Light::Care, "ready-packs-not", vec![]),
        "a quarter of an hour after the sealing"
    );
    assert_eq!(of(none, at(9, 50)).0, Light::Bad);
    let making = Packs { making: true, ..none };
    assert_eq!(of(making, at(9, 50)), (Light::Care, "ready-packs-making", vec![]));
    let elsewhere = Facts { packs: None, ..ready() };
    assert!(checks(&elsewhere).iter().all(|check| check.tile != Tile::Packs));
}

#[test]
fn backups_are_good_only_when_made_carried_and_tried() {
    let now = ready().now;
    let before = |hours: i64| Moment(now.0 - hours * 3600);
    let good = Backups {
        sealable: true,
        newest: Some(before(3)),
        sticks: vec![("TMB-MON（金庫）".into(), before(30))],
        tried: Some((before(24 * 30), true)),
    };
    let light = |change: &dyn Fn(&mut Backups)| {
        let mut backups = good.clone();
        change(&mut backups);
        let facts = Facts {
            backups: Some(backups),
            ..ready()
        };
        let found = checks(&facts).into_iter().find(|check| check.tile == Tile::Backups);
        found.expect("the tile").light
    };
    assert_eq!(light(&|_| ()), Light::Good);
    assert_eq!(light(&|b| b.sealable = false), Light::Bad);
    assert_eq!(light(&|b| b.newest = None), Light::Bad);
    assert_eq!(light(&|b| b.newest = Some(before(31))), Light::Care);
    assert_eq!(light(&|b| b.newest = Some(before(73))), Light::Bad);
    assert_eq!(light(&|b| b.newest = Some(before(-48))), Light::Bad, "from the future");
    assert_eq!(light(&|b| b.sticks.clear()), Light::Care);
    assert_eq!(light(&|b| b.sticks[0].1 = before(24 * 9)), Light::Care);
    assert_eq!(light(&|b| b.tried = None), Light::Care);
    assert_eq!(light(&|b| b.tried = Some((before(24 * 100), true))), Light::Care);
    assert_eq!(light(&|b| b.tried = Some((before(1), false))), Light::Bad);
    assert!(
        checks(&ready()).iter().all(|check| check.tile != Tile::Backups),
        "where none are made there is nothing to say"
    );
}
