//! S70 準備状況: what would fail if the EHR stopped now, the worst first, and how to mend it.
//!
//! Numbers and times only, no patient. A check that did not run says so. One thing is done here: asking for an extract now, which
//! while a downtime is declared takes a second yes, because an EHR that comes back may hold yesterday's data.

use askama::Template;
use axum::Form;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use chart::{DataKind, Moment};
use downtime::audit::Deed;
use downtime::extract::{Running, Stage};
use downtime::identity::Role;
use downtime::readiness::{Check, Light, Tile, checks};
use serde::Deserialize;

use super::{Open, Route, SCREENS, Screen};
use crate::fault::Fault;
use crate::layout::{Done, Page, SCRIPTS};
use crate::ready;
use crate::say;
use crate::visit::Visit;

mod days;

use days::days;

/// S70.
pub static SCREEN: Screen = Screen {
    id: "S70",
    name: "readiness",
    nav: Some(("nav-readiness", "9", "/readiness")),
    who: &[Role::Informatics, Role::Commander],
    open: Open::SignedIn,
    routes: &[Route {
        method: "GET",
        path: "/readiness",
        handler: || get(show),
    }],
};

/// Asking for an extract, a part of S70 that not everybody has who reads it.
pub static EXTRACT: Screen = Screen {
    id: "S70-X",
    name: "readiness",
    nav: None,
    who: &[Role::Informatics],
    open: Open::SignedIn,
    routes: &[Route {
        method: "POST",
        path: "/readiness/extract",
        handler: || post(extract),
    }],
};

/// Most origins that the table names for one kind.
const ORIGINS: usize = 4;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Asked {
    asked: Option<String>,
}

async fn show(visit: Visit, Query(asked): Query<Asked>) -> Result<Response, Fault> {
    let done = asked.asked.map(|_| Done::said(visit.w()["ready-asked"].to_owned()));
    page(&visit, StatusCode::OK, done, None)
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ExtractForm {
    sure: Option<String>,
}

async fn extract(visit: Visit, Form(form): Form<ExtractForm>) -> Result<Response, Fault> {
    let signed = visit.signed()?.clone();
    let declared = visit.state.declared;
    if declared && form.sure.is_none() {
        let why = visit.w()["ready-sure-first"].to_owned();
        return page(&visit, StatusCode::UNPROCESSABLE_ENTITY, None, Some(why));
    }
    let runs = visit.site.station().runs();
    if runs.timetable().is_none() || runs.running().is_some() {
        let why = visit.w()["ready-ask-refused"].to_owned();
        return page(&visit, StatusCode::CONFLICT, None, Some(why));
    }
    // On record before anything begins.
    let mut sighting = signed.session.sighting(Deed::Maintained);
    sighting.detail = if declared {
        "取り出しを頼んだ（停止の宣言中）"
    } else {
        "取り出しを頼んだ"
    }
    .to_owned();
    let witnessed = signed.session.witness(sighting).await;
    witnessed.map_err(|fault| Fault::NotAudited(fault.to_string()))?;
    if !runs.ask() {
        let why = visit.w()["ready-ask-refused"].to_owned();
        return page(&visit, StatusCode::CONFLICT, None, Some(why));
    }
    Ok(Redirect::to("/readiness?asked=1").into_response())
}

/// One tile.
struct Shown {
    id: String,
    head: String,
    light: &'static str,
    mark: &'static str,
    state: String,
    words: String,
    lines: Vec<String>,
    checked: String,
    fix: Option<(String, &'static str)>,
}

/// The extract under way.
struct Run {
    words: String,
    done: u64,
    all: u64,
}

/// One kind of data.
struct Kind {
    name: String,
    as_of: String,
    age: String,
    apart: bool,
    origins: String,
    rows: String,
}

fn page(visit: &Visit, status: StatusCode, done: Option<Done>, problem: Option<String>) -> Result<Response, Fault> {
    let w = visit.w();
    let facts = ready::facts(visit);
    let found = checks(&facts);
    let worst = found.first().filter(|check| check.light != Light::Good);
    let bad = found.iter().filter(|check| check.light != Light::Good).count();
    visit.show_as(
        status,
        &ReadinessPage {
            page: visit.page(&w["ready-title"], SCRIPTS),
            sentence: ready::sentence(visit),
            summary: if bad == 0 {
                w["ready-all-good"].to_owned()
            } else {
                w.with("ready-summary", &[("n", bad.into())])
            },
            worst: worst.map(|check| {
                let head = head(visit, check.tile);
                let words = w.with("ready-go-worst", &[("what", (&head).into())]);
                (words, format!("#tile-{}", check.tile.word()))
            }),
            may_ask: facts.timetable.is_some()
                && facts.running.is_none()
                && visit.role().is_some_and(|role| EXTRACT.who.contains(&role)),
            declared: visit.state.declared,
            run: facts.running.map(|running| run(visit, running)),
            tiles: found.iter().map(|check| tile(visit, check)).collect(),
            fleet: crate::fleet::on_home(visit),
            days: days(visit),
            kinds: kinds(visit),
            done,
            problem,
        },
    )
}

fn head(visit: &Visit, tile: Tile) -> String {
    let key = format!("ready-tile-{}", tile.word());
    visit.w().get(&key).unwrap_or(tile.word()).to_owned()
}

fn tile(visit: &Visit, check: &Check) -> Shown {
    let (w, now) = (visit.w(), visit.state.now);
    let state = format!("ready-light-{}", check.light.word());
    Shown {
        id: format!("tile-{}", check.tile.word()),
        head: head(visit, check.tile),
        light: check.light.word(),
        mark: check.light.mark(),
        state: w.get(&state).unwrap_or_default().to_owned(),
        words: ready::said(w, &check.says, now),
        lines: check.lines.iter().map(|line| ready::said(w, line, now)).collect(),
        checked: match check.checked {
            Some(at) => {
                let at = say::moment(w, at, now);
                w.with("ready-checked", &[("time", (&at).into())])
            }
            None => w["ready-never-checked"].to_owned(),
        },
        fix: fix(visit, check),
    }
}

/// The one thing to do about a check that is not good: a screen that this person may use, or where to read how.
fn fix(visit: &Visit, check: &Check) -> Option<(String, &'static str)> {
    if check.light == Light::Good {
        return None;
    }
    let (key, path) = match check.tile {
        Tile::Data => ("ready-fix-data", "#extract"),
        Tile::Findings => ("ready-fix-findings", "/findings"),
        Tile::Packs => ("ready-fix-packs", "/packs"),
        Tile::Printers => ("ready-fix-printers", "/printing"),
        Tile::Envelopes => ("ready-fix-envelopes", "/users"),
        Tile::Audit => ("ready-fix-audit", "/audit"),
        Tile::Tomorrow => ("ready-fix-tomorrow", ""),
        Tile::Watch => ("ready-fix-watch", ""),
        Tile::Hub => ("ready-fix-hub", ""),
        Tile::Stations => ("ready-fix-stations", ""),
        Tile::Clock => ("ready-fix-clock", ""),
        Tile::Saving => ("ready-fix-saving", ""),
        Tile::Disk => ("ready-fix-disk", ""),
        Tile::Line => ("ready-fix-line", ""),
        Tile::Backups => ("ready-fix-backups", ""),
    };
    let may = SCREENS.iter().any(|screen| {
        let here = screen.routes.iter().any(|route| route.path == path);
        here && visit.role().is_some_and(|role| screen.who.contains(&role))
    });
    let path = if may || path.starts_with('#') { path } else { "" };
    Some((visit.w().get(key).unwrap_or(key).to_owned(), path))
}

fn run(visit: &Visit, running: Running) -> Run {
    let (w, now) = (visit.w(), visit.state.now);
    let (done, all) = running.done;
    let stage = match running.stage {
        Stage::Reading => "ready-stage-reading",
        Stage::Sealing => "ready-stage-sealing",
        Stage::Reopening => "ready-stage-reopening",
    };
    let since = say::moment(w, running.since, now);
    let day = say::day(w, running.day);
    let percent = (done.min(all) * 100).checked_div(all).unwrap_or(0);
    let stage = w.get(stage).unwrap_or(stage).to_owned();
    let values = [
        ("stage", (&stage).into()),
        ("day", (&day).into()),
        ("time", (&since).into()),
        ("percent", percent.into()),
    ];
    Run {
        words: w.with("ready-running", &values),
        done: done.min(all),
        all: all.max(1),
    }
}

/// Every kind of data with its own time, its age and where it comes from.
fn kinds(visit: &Visit) -> Vec<Kind> {
    let Some(shelved) = visit.site.station().shelf().current() else {
        return Vec::new();
    };
    let (w, now, stat) = (visit.w(), visit.state.now, shelved.stat());
    let counted = |kind: DataKind| stat.kinds.iter().find(|count| count.kind == kind);
    let line = |kind: DataKind| {
        let at = stat.as_of.of(kind);
        let names: Vec<&str> = stat
            .origins
            .iter()
            .filter(|origin| origin.kind == kind)
            .map(|origin| origin.name.as_str())
            .collect();
        let more = names.len().saturating_sub(ORIGINS);
        let mut origins = names.iter().take(ORIGINS).copied().collect::<Vec<_>>().join("、");
        if more > 0 {
            origins.push_str(&w.with("ready-more-origins", &[("n", more.into())]));
        }
        let count = counted(kind);
        let known = at != Moment::default();
        Kind {
            name: w
                .get(&format!("kind-{}", kind.word()))
                .unwrap_or(kind.word())
                .to_owned(),
            as_of: if known {
                say::moment(w, at, now)
            } else {
                w["ready-unknown"].to_owned()
            },
            age: if known {
                say::span(w, now.minutes_since(at).max(0))
            } else {
                String::new()
            },
            apart: at != stat.as_of.at,
            origins: if origins.is_empty() {
                w["ready-unknown"].to_owned()
            } else {
                origins
            },
            rows: match count {
                Some(count) => {
                    let refused = if count.refused > 0 {
                        "ready-rows-refused"
                    } else {
                        "ready-rows"
                    };
                    w.with(refused, &[("n", count.rows.into()), ("refused", count.refused.into())])
                }
                None => w["ready-not-delivered"].to_owned(),
            },
        }
    };
    DataKind::ALL.into_iter().map(line).collect()
}

#[derive(Template)]
#[template(path = "screens/readiness.html")]
struct ReadinessPage<'a> {
    page: Page<'a>,
    sentence: String,
    summary: String,
    worst: Option<(String, String)>,
    may_ask: bool,
    declared: bool,
    run: Option<Run>,
    tiles: Vec<Shown>,
    fleet: Option<(&'static str, String, Vec<String>)>,
    days: Vec<days::Cell>,
    kinds: Vec<Kind>,
    done: Option<Done>,
    problem: Option<String>,
}
