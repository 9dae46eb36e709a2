//! One station of S72: every check of its last receipt, and how its last days were.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use downtime::readiness::kept::DayLine;
use downtime::readiness::receipt::Receipt;

use super::{SCRIPTS, code};
use crate::fault::Fault;
use crate::fleet as say_fleet;
use crate::layout::Page;
use crate::say;
use crate::visit::Visit;
use crate::words::Words;

/// One check.
struct Check {
    light: &'static str,
    mark: &'static str,
    head: String,
    state: String,
    words: String,
}

/// One day.
struct Day {
    day: String,
    mark: &'static str,
    word: String,
    words: String,
    worst: String,
}

pub(super) async fn show(visit: Visit, Path(station): Path<String>) -> Result<Response, Fault> {
    let wanted = code(&station)?;
    let (w, now) = (visit.w(), visit.state.now);
    let wards = say_fleet::wards(&visit);
    let board = visit.site.desk.fleet.as_ref().ok_or(Fault::NotFound)?;
    let seen = board.fleet(visit.site.station(), |fleet, held, roster| {
        let row = fleet.rows.iter().find(|row| row.member.code == wanted)?;
        let of = held.get(roster.station_id(wanted).as_bytes());
        let places = fleet.groups.iter().filter(|group| {
            let here = |at: &usize| fleet.rows.get(*at).is_some_and(|row| row.member.code == wanted);
            group.rows.iter().any(here)
        });
        let places: Vec<String> = places.map(|group| say_fleet::place(w, &group.place, &wards)).collect();
        let receipt = row.member.receipt;
        Some(OnePage {
            page: visit.page(&w.with("fleet-one-title", &[("code", wanted.as_str().into())]), SCRIPTS),
            mark: row.standing.mark(),
            standing: say_fleet::standing(w, row.standing),
            reason: say_fleet::reason(w, row, now),
            places: places.join("、"),
            facts: receipt
                .map(|receipt| facts(w, receipt, row.member.good, &visit))
                .into_iter()
                .flatten()
                .chain(update(&visit, wanted))
                .collect(),
            checks: receipt.map(|receipt| checks(w, receipt, &visit)).unwrap_or_default(),
            days: of
                .map(|of| of.days.iter().rev().map(|line| day(w, line)).collect())
                .unwrap_or_default(),
        })
    });
    visit.show(&seen.ok_or(Fault::NotFound)?)
}

fn checks(w: &Words, receipt: &Receipt, visit: &Visit) -> Vec<Check> {
    let check = |point: &downtime::readiness::receipt::Point| {
        let light = point.light();
        let state = format!("ready-light-{}", light.word());
        let head = point
            .what()
            .and_then(|what| w.get(what.word()))
            .unwrap_or(&w["proof-unknown"]);
        Check {
            light: light.word(),
            mark: light.mark(),
            head: head.to_owned(),
            state: w.get(&state).unwrap_or_default().to_owned(),
            words: say_fleet::said(w, point, visit.state.now),
        }
    };
    let mut points: Vec<_> = receipt.points.iter().collect();
    points.sort_by_key(|point| std::cmp::Reverse(point.light()));
    points.into_iter().map(check).collect()
}

/// Name and value, for the list beside the checks.
fn facts(w: &Words, receipt: &Receipt, good: Option<chart::Moment>, visit: &Visit) -> Vec<(String, String)> {
    let now = visit.state.now;
    let moment = |at: Option<chart::Moment>| match at {
        Some(at) => say::moment(w, at, now),
        None => w["fleet-none-yet"].to_owned(),
    };
    let snapshot = receipt.holds.map_or_else(
        || w["seal-none"].to_owned(),
        |holds| {
            let (as_of, sealed) = (say::moment(w, holds.as_of, now), say::moment(w, holds.sealed, now));
            let values = [
                ("epoch", holds.epoch.into()),
                ("delta", u64::from(holds.delta).into()),
                ("time", (&as_of).into()),
                ("sealed", (&sealed).into()),
            ];
            w.with("fleet-holds", &values)
        },
    );
    let people = receipt.people;
    let counted = [
        ("n", u64::from(people.lately).into()),
        ("all", u64::from(people.staff).into()),
        ("never", u64::from(people.never).into()),
    ];
    let file: String = receipt
        .program
        .file
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let program = format!("{} {} {file}", receipt.program.version, receipt.program.system);
    let seconds = u64::from(receipt.took_ms).div_ceil(1_000);
    let row = |key: &str, value: String| (w.get(key).unwrap_or(key).to_owned(), value);
    vec![
        row(
            "fleet-proved",
            format!(
                "{}　{}",
                moment(Some(receipt.at)),
                w.with("fleet-took", &[("n", seconds.into())])
            ),
        ),
        row("fleet-last-good", moment(good)),
        row("fleet-printed", moment(receipt.printed)),
        row("fleet-snapshot", snapshot),
        row("fleet-last-sign-in", moment(people.last)),
        row("fleet-staff", w.with("fleet-staff-say", &counted)),
        row("fleet-program", program),
    ]
}

/// How its program stands with newer versions, and when it said so.
fn update(visit: &Visit, station: chart::StationCode) -> Option<(String, String)> {
    let (w, now) = (visit.w(), visit.state.now);
    let (standing, at) = visit.site.desk.updates.as_ref()?(station)?;
    let words = format!("{}（{}）", say_fleet::update(w, &standing), say::moment(w, at, now));
    Some((w["fleet-update"].to_owned(), words))
}

fn day(w: &Words, line: &DayLine) -> Day {
    let (mark, word) = match (line.good, line.receipts - line.good.min(line.receipts)) {
        (0, _) => ("■", "fleet-day-bad"),
        (_, 0) => ("○", "fleet-day-good"),
        _ => ("◆", "fleet-day-mixed"),
    };
    let (first, last) = (line.first.clock(), line.last.clock());
    let values = [
        ("n", u64::from(line.receipts).into()),
        ("good", u64::from(line.good).into()),
        ("first", (&first).into()),
        ("last", (&last).into()),
    ];
    Day {
        day: say::day(w, line.last.day()),
        mark,
        word: w.get(word).unwrap_or(word).to_owned(),
        words: w.with("fleet-day-say", &values),
        worst: line
            .worst
            .map(|code| say_fleet::worst_word(w, code))
            .unwrap_or_default(),
    }
}

#[derive(Template)]
#[template(path = "screens/fleet_one.html")]
struct OnePage<'a> {
    page: Page<'a>,
    mark: &'static str,
    standing: String,
    reason: Option<String>,
    places: String,
    facts: Vec<(String, String)>,
    checks: Vec<Check>,
    days: Vec<Day>,
}
