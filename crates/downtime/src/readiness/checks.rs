//! The checks themselves, one function each.

use chart::Moment;
use jiff::ToSpan;

use super::{
    Check, DISK_CARE_BYTES, DISK_FRESH_SECONDS, DISK_LEAST_BYTES, Facts, Light, PACKS_MINUTES, PrinterState,
    STATION_FRESH_SECONDS, STATION_GONE_SECONDS, Said, Tile, Value, cause_key,
};
use crate::extract::{Late, Outcome};
use crate::state::{Cause, TimeQuality};

pub(super) fn check(tile: Tile, light: Light, says: Said, checked: Option<Moment>) -> Check {
    Check {
        tile,
        light,
        says,
        lines: Vec::new(),
        checked,
    }
}

fn one(key: &'static str, name: &'static str, value: Value) -> Said {
    Said::with(key, vec![(name, value)])
}

/// データ同期: is there a snapshot for today, and was it made when it should have been.
pub(super) fn data(facts: &Facts) -> Check {
    let Some(snapshot) = &facts.snapshot else {
        return check(Tile::Data, Light::Bad, Said::plain("ready-data-none"), None);
    };
    let as_of = snapshot.as_of.oldest();
    let checked = match &facts.last {
        Some(Outcome::Sealed { at, .. } | Outcome::Unchanged { at } | Outcome::Failed { at, .. }) => *at,
        None => snapshot.sealed_at,
    };
    let today = chart::date::iso(facts.now.day());
    let (light, says) = if !snapshot.verified {
        (Light::Bad, Said::plain("ready-data-unverified"))
    } else if let Some(Late::Missing { day, since }) = facts.late {
        let values = vec![("day", Value::Day(day)), ("time", Value::At(since))];
        (Light::Bad, Said::with("ready-data-missing", values))
    } else if snapshot.day < today {
        let day = Value::Text(snapshot.day.clone());
        (Light::Bad, one("ready-data-other-day", "day", day))
    } else if snapshot.has_run_out(facts.now) {
        (
            Light::Bad,
            one("ready-data-expired", "time", Value::At(snapshot.fresh_until)),
        )
    } else if let Some(Late::Stale { minutes }) = facts.late {
        (Light::Care, one("ready-data-stale", "span", Value::Minutes(minutes)))
    } else if matches!(facts.last, Some(Outcome::Failed { .. })) {
        (Light::Care, one("ready-data-failed", "time", Value::At(as_of)))
    } else if facts.timetable.is_none() && facts.hub.is_none() {
        (Light::Care, one("ready-data-by-hand", "time", Value::At(as_of)))
    } else {
        (Light::Good, one("ready-data-good", "time", Value::At(as_of)))
    };
    let mut data = check(Tile::Data, light, says, Some(checked));
    data.lines.push(Said::with(
        "ready-data-which",
        vec![
            ("day", Value::Text(snapshot.day.clone())),
            ("epoch", Value::Count(snapshot.epoch)),
            ("time", Value::At(snapshot.sealed_at)),
        ],
    ));
    match &facts.last {
        Some(Outcome::Sealed { at, charts, .. }) => data.lines.push(Said::with(
            "ready-last-sealed",
            vec![("time", Value::At(*at)), ("n", Value::Count(*charts))],
        )),
        Some(Outcome::Unchanged { at }) => data.lines.push(one("ready-last-unchanged", "time", Value::At(*at))),
        Some(Outcome::Failed { at, why }) => data.lines.push(Said::with(
            "ready-last-failed",
            vec![("time", Value::At(*at)), ("why", Value::Text(why.clone()))],
        )),
        None => {}
    }
    if let Some(next) = facts.next {
        data.lines.push(one("ready-next", "time", Value::At(next)));
    }
    data
}

/// 明日の予約: whether tomorrow's people are on the list already.
pub(super) fn tomorrow(facts: &Facts) -> Check {
    let Some(snapshot) = &facts.snapshot else {
        return check(Tile::Tomorrow, Light::Unchecked, Said::plain("ready-unchecked"), None);
    };
    let sealed = Some(snapshot.sealed_at);
    let tomorrow = facts.now.day().checked_add(1.day()).unwrap_or_else(|_| facts.now.day());
    match (facts.listed_until, facts.tomorrow) {
        (Some(until), _) if until < tomorrow => {
            let day = one("ready-tomorrow-not", "day", Value::Day(tomorrow));
            check(Tile::Tomorrow, Light::Bad, day, sealed)
        }
        (None, _) => check(Tile::Tomorrow, Light::Unchecked, Said::plain("ready-unchecked"), None),
        (Some(until), Some(0)) => {
            let mut nobody = check(
                Tile::Tomorrow,
                Light::Care,
                Said::plain("ready-tomorrow-nobody"),
                sealed,
            );
            nobody.lines.push(one("ready-tomorrow-until", "day", Value::Day(until)));
            nobody
        }
        (Some(until), Some(n)) => {
            let mut good = check(
                Tile::Tomorrow,
                Light::Good,
                one("ready-tomorrow-good", "n", Value::Count(n)),
                sealed,
            );
            good.lines.push(one("ready-tomorrow-until", "day", Value::Day(until)));
            good
        }
        (Some(until), None) => {
            let until = one("ready-tomorrow-until", "day", Value::Day(until));
            check(Tile::Tomorrow, Light::Good, until, sealed)
        }
    }
}

/// 電子カルテと経路の監視.
pub(super) fn watch(facts: &Facts) -> Check {
    let judged = &facts.judgement;
    let light = match judged.cause {
        Cause::Nothing => Light::Good,
        Cause::Checking => Light::Unchecked,
        Cause::Feed => Light::Care,
        Cause::Path | Cause::Server | Cause::Network | Cause::Both | Cause::Unclear => Light::Bad,
    };
    let says = if facts.probes == 0 {
        Said::plain("ready-watch-none")
    } else {
        said(judged)
    };
    let checked = (judged.cause != Cause::Checking).then_some(facts.now);
    let mut watch = check(Tile::Watch, light, says, checked);
    for silent in &judged.silent {
        watch.lines.push(Said::with(
            "watch-silent-line",
            vec![
                ("name", Value::Text(silent.name.clone())),
                ("time", Value::At(silent.since)),
            ],
        ));
    }
    if !judged.unknown.is_empty() {
        let names = Value::Text(judged.unknown.join("、"));
        watch.lines.push(one("watch-unknown-line", "names", names));
    }
    watch
}

/// What the probes say together, in one sentence.
pub fn said(judged: &crate::state::Judgement) -> Said {
    let paths: Vec<&str> = judged.paths().collect();
    let servers: Vec<&str> = judged.servers().collect();
    let mut values = vec![
        ("paths", Value::Text(paths.join("、"))),
        ("servers", Value::Text(servers.join("、"))),
        (
            "names",
            Value::Text(
                judged
                    .silent
                    .iter()
                    .map(|s| s.name.as_str())
                    .collect::<Vec<_>>()
                    .join("、"),
            ),
        ),
    ];
    if let Some(since) = judged.since {
        values.push(("time", Value::At(since)));
    }
    Said::with(cause_key(judged.cause), values)
}

/// 外字・不明データ.
pub(super) fn findings(facts: &Facts) -> Check {
    let Some(snapshot) = &facts.snapshot else {
        return check(Tile::Findings, Light::Unchecked, Said::plain("ready-unchecked"), None);
    };
    let [severe, warning, note] = snapshot.findings;
    let (light, says) = match (severe, warning) {
        (0, 0) => (Light::Good, Said::plain("ready-findings-good")),
        (0, _) => (Light::Care, one("ready-findings-care", "n", Value::Count(warning))),
        _ => (Light::Bad, one("ready-findings-bad", "n", Value::Count(severe))),
    };
    let mut findings = check(Tile::Findings, light, says, Some(snapshot.sealed_at));
    findings.lines.push(Said::with(
        "ready-findings-lines",
        vec![("warning", Value::Count(warning)), ("note", Value::Count(note))],
    ));
    findings
}

/// この端末と拠点, on a station that has a hub elsewhere.
pub(super) fn hub(facts: &Facts) -> Option<Check> {
    let watch = facts.hub?;
    let (light, says) = if watch.is_proven(facts.now) {
        (Light::Good, Said::plain("ready-hub-good"))
    } else if let Some(since) = watch.silent_since() {
        (Light::Bad, one("ready-hub-bad", "time", Value::At(since)))
    } else {
        (Light::Unchecked, Said::plain("ready-unchecked"))
    };
    let mut hub = check(Tile::Hub, light, says, watch.checked);
    hub.lines.push(one("ready-unsent", "n", Value::Count(facts.unsent)));
    Some(hub)
}

/// BCP端末, on a hub that has others.
pub(super) fn stations(facts: &Facts) -> Option<Check> {
    if facts.stations.is_empty() {
        return None;
    }
    let age = |visited: Option<Moment>| visited.map(|at| facts.now.0.saturating_sub(at.0));
    let all = facts.stations.len() as u64;
    let fresh = facts
        .stations
        .iter()
        .filter(|s| age(s.visited).is_some_and(|a| a <= STATION_FRESH_SECONDS));
    let fresh = fresh.count() as u64;
    let gone = |visited| age(visited).is_some_and(|age| age > STATION_GONE_SECONDS);
    let never = facts.stations.iter().any(|s| s.visited.is_none());
    let light = if fresh == all {
        Light::Good
    } else if facts.stations.iter().any(|s| gone(s.visited)) {
        Light::Bad
    } else if never {
        Light::Unchecked
    } else {
        Light::Care
    };
    let says = Said::with(
        "ready-stations",
        vec![("n", Value::Count(fresh)), ("all", Value::Count(all))],
    );
    let newest = facts.stations.iter().filter_map(|s| s.visited).max();
    let mut stations = check(Tile::Stations, light, says, newest);
    let stale = facts
        .stations
        .iter()
        .filter(|s| age(s.visited).is_none_or(|a| a > STATION_FRESH_SECONDS));
    for one_of_them in stale.take(LINES) {
        let code = ("code", Value::Text(one_of_them.code.to_string()));
        stations.lines.push(match one_of_them.visited {
            Some(at) => Said::with("ready-station-old", vec![code, ("time", Value::At(at))]),
            None => Said::with("ready-station-never", vec![code]),
        });
    }
    Some(stations)
}

/// Most lines of one tile that name things.
const LINES: usize = 6;

/// プリンタ.
pub(super) fn printers(facts: &Facts) -> Check {
    let Some(printers) = &facts.printers else {
        // The browser prints, and nobody here can see whether it can.
        return check(
            Tile::Printers,
            Light::Unchecked,
            Said::plain("ready-printers-browser"),
            None,
        );
    };
    let with = |state: PrinterState| printers.iter().filter(move |(_, s)| *s == state);
    let ready = with(PrinterState::Ready).count() as u64;
    let all = printers.len() as u64;
    let light = if facts.stuck > 0 || with(PrinterState::Silent).next().is_some() {
        Light::Bad
    } else if with(PrinterState::Unknown).next().is_some() {
        Light::Unchecked
    } else if ready < all {
        Light::Care
    } else {
        Light::Good
    };
    let says = Said::with(
        "ready-printers",
        vec![("n", Value::Count(ready)), ("all", Value::Count(all))],
    );
    let checked = (ready > 0 || with(PrinterState::Waits).next().is_some()).then_some(facts.now);
    let mut all = check(Tile::Printers, light, says, checked);
    for (name, state) in printers.iter().filter(|(_, s)| *s != PrinterState::Ready).take(LINES) {
        let key = match state {
            PrinterState::Silent => "ready-printer-silent",
            PrinterState::Unknown => "ready-printer-unknown",
            PrinterState::Ready | PrinterState::Waits => "ready-printer-waits",
        };
        all.lines.push(one(key, "name", Value::Text(name.clone())));
    }
    if facts.stuck > 0 {
        all.lines
            .push(one("ready-printers-stuck", "n", Value::Count(facts.stuck)));
    }
    all
}

/// 印刷パック: made for the snapshot in use, all of them, and how many are out.
pub(super) fn packs(facts: &Facts) -> Option<Check> {
    let packs = facts.packs?;
    let age = facts
        .snapshot
        .as_ref()
        .map_or(0, |snapshot| facts.now.minutes_since(snapshot.sealed_at));
    let (light, says) = match packs.made {
        None if packs.making => (Light::Care, Said::plain("ready-packs-making")),
        None if age > PACKS_MINUTES => (Light::Bad, Said::plain("ready-packs-not")),
        None => (Light::Care, Said::plain("ready-packs-not")),
        Some(_) if packs.failed > 0 => (Light::Bad, one("ready-packs-failed", "n", Value::Count(packs.failed))),
        Some(_) => {
            let values = vec![("n", Value::Count(packs.packs)), ("pages", Value::Count(packs.pages))];
            let light = if packs.spoiled > 0 { Light::Care } else { Light::Good };
            (light, Said::with("ready-packs-made", values))
        }
    };
    let mut check = check(Tile::Packs, light, says, packs.made);
    if let Some(at) = packs.made {
        let values = vec![("time", Value::At(at)), ("n", Value::Count(packs.packs))];
        check.lines.push(Said::with("ready-packs-when", values));
        check.lines.push(match packs.last_out {
            Some(last) => Said::with(
                "ready-packs-out",
                vec![
                    ("n", Value::Count(packs.out)),
                    ("all", Value::Count(packs.packs)),
                    ("time", Value::At(last)),
                ],
            ),
            None => Said::plain("ready-packs-none-out"),
        });
    }
    if packs.spoiled > 0 {
        check
            .lines
            .push(one("ready-packs-spoiled", "n", Value::Count(packs.spoiled)));
    }
    Some(check)
}

/// 緊急封筒.
pub(super) fn envelopes(facts: &Facts) -> Check {
    let [sealed, open, used] = facts.envelopes;
    let (light, says) = if open > 0 {
        (Light::Care, one("ready-envelopes-open", "n", Value::Count(open)))
    } else if sealed == 0 {
        (Light::Bad, Said::plain("ready-envelopes-none"))
    } else {
        (Light::Good, one("ready-envelopes-good", "n", Value::Count(sealed)))
    };
    let checked = facts.snapshot.is_some().then_some(facts.now);
    let mut envelopes = check(Tile::Envelopes, light, says, checked);
    if used > 0 {
        envelopes
            .lines
            .push(one("ready-envelopes-used", "n", Value::Count(used)));
    }
    envelopes
}

/// 時計ずれ.
pub(super) fn clock(facts: &Facts) -> Check {
    let (light, key) = match facts.time {
        TimeQuality::Synced => (Light::Good, "home-time-synced"),
        TimeQuality::Drifting => (Light::Care, "home-time-drifting"),
        TimeQuality::ByHand => (Light::Bad, "home-time-by-hand"),
        TimeQuality::Unknown => (Light::Unchecked, "home-time-unknown"),
    };
    let checked = (facts.time != TimeQuality::Unknown).then_some(facts.now);
    check(Tile::Clock, light, Said::plain(key), checked)
}

/// 記録の保存.
pub(super) fn saving(facts: &Facts) -> Check {
    let (light, says) = match &facts.not_saving {
        Some(why) => (Light::Bad, one("ready-saving-bad", "why", Value::Text(why.clone()))),
        None if facts.damage > 0 => (Light::Bad, one("home-damage", "n", Value::Count(facts.damage))),
        None => (Light::Good, Said::plain("ready-saving-good")),
    };
    check(Tile::Saving, light, says, Some(facts.now))
}

/// 監査.
pub(super) fn audit(facts: &Facts) -> Check {
    let (light, says) = if let Some(since) = facts.no_audit {
        (Light::Bad, one("ready-audit-none", "time", Value::At(since)))
    } else if facts.audit_alarms > 0 {
        (
            Light::Bad,
            one("ready-audit-alarms", "n", Value::Count(facts.audit_alarms)),
        )
    } else {
        (Light::Good, Said::plain("ready-audit-good"))
    };
    let mut audit = check(Tile::Audit, light, says, Some(facts.now));
    if let Some(at) = facts.witnessed {
        audit.lines.push(one("ready-audit-witnessed", "time", Value::At(at)));
    }
    audit
}

/// ディスク.
pub(super) fn disk(facts: &Facts) -> Check {
    let fresh = |at: Moment| facts.now.0.saturating_sub(at.0).abs() <= DISK_FRESH_SECONDS;
    let Some(disk) = facts.disk.filter(|disk| fresh(disk.at)) else {
        return check(Tile::Disk, Light::Unchecked, Said::plain("ready-unchecked"), None);
    };
    let light = match disk.free {
        ..DISK_LEAST_BYTES => Light::Bad,
        DISK_LEAST_BYTES..DISK_CARE_BYTES => Light::Care,
        _ => Light::Good,
    };
    let gib = |bytes: u64| Value::Text(format!("{}.{}", bytes >> 30, ((bytes % (1 << 30)) * 10) >> 30));
    let says = Said::with("ready-disk", vec![("free", gib(disk.free)), ("all", gib(disk.all))]);
    check(Tile::Disk, light, says, Some(disk.at))
}
