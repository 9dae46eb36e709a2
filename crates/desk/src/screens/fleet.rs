//! S72 端末の準備: of every ward and department, which stations could be used if the EHR stopped now, the worst first.
//!
//! Everything here follows from signed receipts; a station that says nothing is never ready. Wards where all is well are one line each,
//! so that a thousand stations are a page. No patient and no name of staff, only numbers.

use askama::Template;
use axum::extract::Query;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use chart::{Moment, StationCode};
use downtime::audit::Deed;
use downtime::extract::WardCount;
use downtime::identity::Role;
use downtime::readiness::Light;
use downtime::readiness::fleet::{Fleet, Group, Place, Row, Standing};
use downtime::readiness::receipt::{Receipt, What};
use serde::Deserialize;

use super::{Open, Route, Screen};
use crate::fault::Fault;
use crate::fleet as say_fleet;
use crate::layout::{Done, Page, SCRIPTS};
use crate::say;
use crate::visit::Visit;
use crate::words::Words;

mod one;

/// S72.
pub static SCREEN: Screen = Screen {
    id: "S72",
    name: "fleet",
    nav: None,
    who: &[Role::Informatics, Role::Commander],
    open: Open::SignedIn,
    routes: &[
        Route {
            method: "GET",
            path: "/fleet",
            handler: || get(show),
        },
        Route {
            method: "GET",
            path: "/fleet/round",
            handler: || get(round),
        },
        Route {
            method: "GET",
            path: "/fleet/{code}",
            handler: || get(one::show),
        },
    ],
};

/// Asking this station for a proof now, a part of S72 that not everybody has who reads it.
pub static PROVE: Screen = Screen {
    id: "S72-P",
    name: "fleet",
    nav: None,
    who: &[Role::Informatics],
    open: Open::SignedIn,
    routes: &[Route {
        method: "POST",
        path: "/fleet/prove",
        handler: || post(prove),
    }],
};

/// The page with the print button.
const WITH_PRINT: &[&str] = &["modebar.js", "scan.js", "keys.js", "fade.js", "print.js"];

/// Most rows of one page; what is beyond is counted and reached by its ward.
const MOST_ROWS: usize = 200;

/// Most characters of a search that are looked at.
const MAX_SEARCH: usize = 40;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Asked {
    q: String,
    standing: String,
    place: String,
    asked: Option<String>,
}

/// One station in a table.
struct Line {
    code: String,
    hub: bool,
    mark: &'static str,
    standing: String,
    class: &'static str,
    reason: Option<String>,
    as_of: String,
    age: String,
    printer: Cell,
    disk: Cell,
    clock: Cell,
    version: String,
    signed_in: String,
}

/// How one thing stands, in a table.
#[derive(Default)]
struct Cell {
    mark: &'static str,
    words: String,
}

/// One ward or department.
struct Shown {
    name: String,
    mark: &'static str,
    counts: String,
    people: Option<String>,
    lines: Vec<Line>,
    /// Stations that are not in the table, and where they are.
    more: Option<String>,
    key: String,
    dark: bool,
}

async fn show(visit: Visit, Query(asked): Query<Asked>) -> Result<Response, Fault> {
    let w = visit.w();
    let wards = say_fleet::wards(&visit);
    let Some(board) = visit.site.desk.fleet.as_ref() else {
        return Err(Fault::NotFound);
    };
    let wanted = Wanted::of(&asked);
    let (sentence, groups, summary) = board.fleet(visit.site.station(), |fleet, _, _| {
        let groups = groups(w, fleet, &wanted, &wards);
        (say_fleet::sentence(w, fleet), groups, summary(w, fleet))
    });
    let proving = board.is_proving();
    let done = asked.asked.map(|_| Done::said(w["fleet-prove-asked"].to_owned()));
    visit.show(&FleetPage {
        page: visit.page(&w["fleet-title"], WITH_PRINT),
        sentence,
        summary,
        groups,
        q: asked.q.chars().take(MAX_SEARCH).collect(),
        standings: Standing::WORST_FIRST
            .into_iter()
            .map(|standing| {
                let chosen = wanted.standing == Some(standing);
                (standing.word(), say_fleet::standing(w, standing), chosen)
            })
            .collect(),
        filtered: wanted.is_some(),
        hears_all: say_fleet::hears_all(&visit),
        may_prove: visit.role().is_some_and(|role| PROVE.who.contains(&role)),
        proving,
        done,
        problem: None,
    })
}

/// What somebody looks for.
struct Wanted {
    words: String,
    standing: Option<Standing>,
    place: Option<String>,
}

impl Wanted {
    fn of(asked: &Asked) -> Self {
        let words: String = asked.q.trim().chars().take(MAX_SEARCH).collect();
        Self {
            words: words.to_uppercase(),
            standing: Standing::parse(&asked.standing),
            place: Some(asked.place.clone()).filter(|place| !place.is_empty()),
        }
    }

    const fn is_some(&self) -> bool {
        !self.words.is_empty() || self.standing.is_some() || self.place.is_some()
    }

    fn wants(&self, row: &Row<'_>, name: &str) -> bool {
        let named = row.member.code.as_str().contains(&self.words) || name.to_uppercase().contains(&self.words);
        named && self.standing.is_none_or(|standing| standing == row.standing)
    }
}

/// The key of a place in an address.
fn key(place: &Place) -> String {
    match place {
        Place::Ward(code) => format!("w.{code}"),
        Place::Department(code) => format!("d.{code}"),
        Place::Shared => "s".to_owned(),
    }
}

fn groups(w: &Words, fleet: &Fleet<'_>, wanted: &Wanted, wards: &[WardCount]) -> Vec<Shown> {
    let mut room = MOST_ROWS;
    let mut shown = Vec::new();
    for group in &fleet.groups {
        let key = key(&group.place);
        if wanted.place.as_ref().is_some_and(|place| *place != key) {
            continue;
        }
        let name = say_fleet::place(w, &group.place, wards);
        let rows = group.rows.iter().filter_map(|row| fleet.rows.get(*row));
        let rows: Vec<&Row<'_>> = rows.filter(|row| wanted.wants(row, &name)).collect();
        if rows.is_empty() {
            continue;
        }
        // Where all is well nobody needs the table before asking for it.
        let whole = wanted.is_some() || rows.len() <= 4 || group.standing() != Standing::Ready;
        let troubled = |row: &&&Row<'_>| wanted.is_some() || row.standing != Standing::Ready || group.rows.len() <= 8;
        let lines: Vec<Line> = rows
            .iter()
            .filter(|_| whole)
            .filter(troubled)
            .take(room)
            .map(|row| line(w, row, fleet.now))
            .collect();
        room -= lines.len();
        let more = rows.len() - lines.len();
        shown.push(Shown {
            mark: group.standing().mark(),
            counts: counts(w, group),
            people: group.people.map(|(n, all)| {
                w.with(
                    "fleet-people",
                    &[("n", u64::from(n).into()), ("all", u64::from(all).into())],
                )
            }),
            more: (more > 0).then(|| w.with("fleet-more", &[("n", more.into())])),
            dark: group.is_dark(),
            name,
            lines,
            key,
        });
    }
    shown
}

fn counts(w: &Words, group: &Group) -> String {
    let [_, stale, silent, failing] = group.counts;
    let whole = w.with(
        "fleet-usable",
        &[("n", group.ready().into()), ("all", group.rows.len().into())],
    );
    let parts = [
        ("fleet-n-failing", failing),
        ("fleet-n-silent", silent),
        ("fleet-n-stale", stale),
    ];
    let parts = parts
        .into_iter()
        .filter(|(_, n)| *n > 0)
        .map(|(key, n)| w.with(key, &[("n", n.into())]));
    std::iter::once(whole).chain(parts).collect::<Vec<_>>().join("　")
}

fn summary(w: &Words, fleet: &Fleet<'_>) -> String {
    let [ready, stale, silent, failing] = fleet.counts;
    let values = [
        ("ready", ready.into()),
        ("stale", stale.into()),
        ("silent", silent.into()),
        ("failing", failing.into()),
    ];
    w.with("fleet-summary", &values)
}

fn line(w: &Words, row: &Row<'_>, now: Moment) -> Line {
    let receipt = row.member.receipt;
    let moment = |at: Option<Moment>| at.map_or_else(|| w["ready-unknown"].to_owned(), |at| say::moment(w, at, now));
    Line {
        code: row.member.code.to_string(),
        hub: row.member.hub,
        mark: row.standing.mark(),
        standing: say_fleet::standing(w, row.standing),
        class: row.standing.word(),
        reason: say_fleet::reason(w, row, now),
        as_of: moment(receipt.and_then(|receipt| receipt.holds).map(|holds| holds.as_of)),
        age: receipt.map_or_else(
            || w["fleet-no-receipt"].to_owned(),
            |receipt| {
                let age = say::span(w, now.minutes_since(receipt.at).max(0));
                w.with("fleet-ago", &[("span", (&age).into())])
            },
        ),
        printer: cell(w, receipt, What::Printers),
        disk: disk(w, receipt),
        clock: cell(w, receipt, What::Clock),
        version: receipt
            .map(|receipt| receipt.program.version.clone())
            .unwrap_or_default(),
        signed_in: receipt.map_or_else(String::new, |receipt| {
            receipt
                .people
                .last
                .map_or_else(|| w["fleet-nobody-yet"].to_owned(), |at| say::moment(w, at, now))
        }),
    }
}

/// One point in a word: the mark, and how it stands.
fn cell(w: &Words, receipt: Option<&Receipt>, what: What) -> Cell {
    let Some(point) = receipt.and_then(|receipt| receipt.point(what)) else {
        return Cell {
            mark: Light::Unchecked.mark(),
            words: w["ready-unknown"].to_owned(),
        };
    };
    let short = point.why().map(|why| format!("{}-short", why.word()));
    let words = short
        .as_deref()
        .and_then(|key| w.get(key))
        .unwrap_or(&w["proof-unknown"]);
    Cell {
        mark: point.light().mark(),
        words: words.to_owned(),
    }
}

/// The disk with its room.
fn disk(w: &Words, receipt: Option<&Receipt>) -> Cell {
    let mut cell = cell(w, receipt, What::Disk);
    let point = receipt
        .and_then(|receipt| receipt.point(What::Disk))
        .filter(|point| point.all > 0);
    if let Some(point) = point {
        cell.words = format!("{} GiB", point.n >> 30);
    }
    cell
}

/// The list for the morning round: every station that is not ready, by ward, with room for a hand.
async fn round(visit: Visit) -> Result<Response, Fault> {
    let w = visit.w();
    let wards = say_fleet::wards(&visit);
    let Some(board) = visit.site.desk.fleet.as_ref() else {
        return Err(Fault::NotFound);
    };
    let (sentence, mut places) = board.fleet(visit.site.station(), |fleet, _, _| {
        let place = |group: &Group| {
            let rows = group.rows.iter().filter_map(|row| fleet.rows.get(*row));
            let lines = rows
                .filter(|row| row.standing != Standing::Ready)
                .map(|row| line(w, row, fleet.now));
            let name = say_fleet::place(w, &group.place, &wards);
            (name, counts(w, group), lines.collect::<Vec<_>>())
        };
        let places: Vec<_> = fleet.groups.iter().map(place).collect();
        (say_fleet::sentence(w, fleet), places)
    });
    let mut room = MOST_ROWS;
    let mut rest = 0;
    for (_, _, lines) in &mut places {
        let keep = lines.len().min(room);
        rest += lines.len() - keep;
        lines.truncate(keep);
        room -= keep;
    }
    places.retain(|(_, _, lines)| !lines.is_empty());
    visit.show(&RoundPage {
        page: visit.page(&w["fleet-round"], WITH_PRINT),
        hears_all: say_fleet::hears_all(&visit),
        sentence,
        made: w.with(
            "fleet-made",
            &[
                ("time", (&visit.state.now.text()).into()),
                ("station", visit.site.station().code().as_str().into()),
            ],
        ),
        places,
        rest: (rest > 0).then(|| w.with("fleet-more", &[("n", rest.into())])),
    })
}

async fn prove(visit: Visit) -> Result<Response, Fault> {
    let signed = visit.signed()?.clone();
    let board = visit.site.desk.fleet.clone().ok_or(Fault::NotFound)?;
    let mut sighting = signed.session.sighting(Deed::Maintained);
    sighting.detail = "即応証明を頼んだ".to_owned();
    let witnessed = signed.session.witness(sighting).await;
    witnessed.map_err(|fault| Fault::NotAudited(fault.to_string()))?;
    board.ask();
    Ok(Redirect::to("/fleet?asked=1").into_response())
}

#[derive(Template)]
#[template(path = "screens/fleet.html")]
struct FleetPage<'a> {
    page: Page<'a>,
    sentence: String,
    summary: String,
    groups: Vec<Shown>,
    q: String,
    standings: Vec<(&'static str, String, bool)>,
    filtered: bool,
    hears_all: bool,
    may_prove: bool,
    proving: bool,
    done: Option<Done>,
    problem: Option<String>,
}

#[derive(Template)]
#[template(path = "screens/fleet_round.html")]
struct RoundPage<'a> {
    page: Page<'a>,
    hears_all: bool,
    sentence: String,
    made: String,
    places: Vec<(String, String, Vec<Line>)>,
    rest: Option<String>,
}

/// A station's code in an address.
fn code(text: &str) -> Result<StationCode, Fault> {
    StationCode::parse(text).ok_or(Fault::NotFound)
}

#[cfg(test)]
mod tests {
    use downtime::readiness::fleet::{Member, fleet};

    use super::*;
    use crate::words::Lang;

    #[test]
    fn a_thousand_stations_are_one_page_of_bounded_rows_with_every_ward_on_it() {
        let w = Words::load(Lang::Ja).unwrap();
        let wards: Vec<Vec<String>> = (0..1_000).map(|n| vec![format!("W{:02}", n % 40)]).collect();
        let code = |n: usize| {
            StationCode::parse(&format!(
                "{}{:02}",
                char::from(b'A' + u8::try_from(n / 100).unwrap()),
                n % 100
            ))
        };
        let members = wards.iter().enumerate().map(|(n, wards)| Member {
            code: code(n).unwrap(),
            hub: false,
            wards,
            departments: &[],
            receipt: None,
            good: None,
            future: None,
        });
        let all = fleet(members.collect(), None, Moment(0));
        let wanted = |asked: &Asked| groups(&w, &all, &Wanted::of(asked), &[]);
        let shown = wanted(&Asked::default());
        assert_eq!(shown.len(), 40);
        assert_eq!(shown.iter().map(|group| group.lines.len()).sum::<usize>(), MOST_ROWS);
        assert!(
            shown
                .iter()
                .all(|group| !group.lines.is_empty() || group.more.is_some())
        );
        let one = wanted(&Asked {
            place: "w.W39".to_owned(),
            ..Asked::default()
        });
        assert_eq!((one.len(), one[0].lines.len()), (1, 25), "a ward by itself is whole");
    }
}
