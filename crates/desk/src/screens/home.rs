//! S02 ホーム・状態: one sentence that says what would be there if the EHR stopped now, and what stands behind it.
//!
//! Everybody may read it, also without signing in, so it names no patient. `/state` is the same truth for the mode bar.

use askama::Template;
use axum::Json;
use axum::extract::Query;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use downtime::distribution::Pulse;
use downtime::state::{Mode, TimeQuality};
use serde::Serialize;

use super::{Open, Route, Screen, declare, packs, printing};
use crate::fault::Fault;
use crate::layout::{Done, Page, SCRIPTS};
use crate::paper::After;
use crate::ready;
use crate::say;
use crate::visit::Visit;

/// S02.
pub static SCREEN: Screen = Screen {
    id: "S02",
    name: "home",
    nav: Some(("nav-home", "0", "/")),
    who: &[],
    open: Open::Everybody,
    routes: &[
        Route {
            method: "GET",
            path: "/",
            handler: || get(show),
        },
        Route {
            method: "GET",
            path: "/state",
            handler: || get(state),
        },
    ],
};

/// What the mode bar's script asks for every five seconds.
#[derive(Serialize)]
struct Answer {
    mode: &'static str,
    open: bool,
    tab: String,
    bar: String,
}

#[derive(Template)]
#[template(path = "layout/bar.html")]
struct BarPart<'a> {
    page: Page<'a>,
}

async fn state(visit: Visit, headers: HeaderMap) -> Result<Response, Fault> {
    let bar = visit.bar();
    let tag = HeaderValue::from_str(&bar.tag).map_err(|fault| Fault::Broken(fault.to_string()))?;
    let mut response = if headers.get(header::IF_NONE_MATCH) == Some(&tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let page = visit.page("", SCRIPTS);
        let html = BarPart { page }
            .render()
            .map_err(|fault| Fault::Broken(fault.to_string()))?;
        Json(Answer {
            mode: bar.mode,
            open: bar.open,
            tab: bar.tab,
            bar: html,
        })
        .into_response()
    };
    response.headers_mut().insert(header::ETAG, tag);
    Ok(response)
}

async fn show(visit: Visit, Query(after): Query<After>) -> Result<Response, Fault> {
    let w = visit.w();
    let state = &visit.state;
    let role = visit.role();
    let declared = matches!(state.mode, Mode::EhrDown { .. });
    let may = role.is_some_and(|role| declare::SCREEN.who.contains(&role));
    let first = visit.first_screen();
    let done = after.done(&visit, "");
    visit.show(&HomePage {
        page: visit.page(&w["nav-home"], SCRIPTS),
        sentence: ready::sentence(&visit),
        more: more(&visit),
        first: (state.mode.is_open() && first != "/").then(|| (w["home-go"].to_owned(), first)),
        may_declare: may && !declared,
        may_end: may && declared,
        tiles: tiles(&visit),
        done,
        problem: None,
    })
}

/// What weakens the sentence: another day's data, data past its time, or nobody who vouches that there is nothing newer.
fn more(visit: &Visit) -> Option<String> {
    let w = visit.w();
    let snapshot = visit.state.snapshot.as_ref()?;
    let today = chart::date::iso(visit.state.now.day());
    if snapshot.day != today {
        return Some(w.with("home-other-day", &[("day", (&snapshot.day).into())]));
    }
    if snapshot.has_run_out(visit.state.now) {
        let until = say::moment(w, snapshot.fresh_until, visit.state.now);
        return Some(w.with("home-stale", &[("time", (&until).into())]));
    }
    unvouched(visit)
}

/// A sealer that is not heard, a newer snapshot that does not come, a clock that cannot be right. A network that is down is said by the
/// bar, and a hub hears itself.
fn unvouched(visit: &Visit) -> Option<String> {
    let (w, now) = (visit.w(), visit.state.now);
    if !visit.state.has_hub || matches!(visit.state.mode, Mode::NetworkDown { .. }) {
        return None;
    }
    match visit.site.station().shelf().pulse(now) {
        Pulse::Beating | Pulse::Silent { since: None } => None,
        Pulse::Silent { since: Some(since) } => {
            let since = say::moment(w, since, now);
            Some(w.with("home-unheard", &[("time", (&since).into())]))
        }
        Pulse::Behind { since } => {
            let since = say::moment(w, since, now);
            Some(w.with("home-behind", &[("time", (&since).into())]))
        }
        Pulse::ClockBehind { minutes } => {
            let minutes = u64::try_from(minutes).unwrap_or(0);
            Some(w.with("home-clock-behind", &[("minutes", minutes.into())]))
        }
    }
}

struct Tile {
    head: String,
    mark: &'static str,
    words: String,
    lines: Vec<String>,
    link: Option<(String, &'static str)>,
}

fn tiles(visit: &Visit) -> Vec<Tile> {
    let mut tiles = vec![data_tile(visit), findings_tile(visit), station_tile(visit)];
    tiles.extend(fleet_tile(visit));
    tiles.extend(watch_tile(visit));
    tiles.extend(day_tile(visit));
    tiles.extend(printing_tile(visit));
    tiles.extend(packs_tile(visit));
    tiles
}

fn data_tile(visit: &Visit) -> Tile {
    let w = visit.w();
    let (mark, words, lines) = match &visit.state.snapshot {
        None => ("■", w["seal-none"].to_owned(), Vec::new()),
        Some(s) => {
            let at = say::moment(w, s.sealed_at, visit.state.now);
            let at = [("time", (&at).into())];
            let (mark, words) = if s.verified {
                ("○", w.with("seal-verified", &at))
            } else {
                ("■", w.with("seal-unverified", &at))
            };
            let counts = w.with(
                "home-counts",
                &[("full", s.charts.into()), ("thin", s.thin_charts.into())],
            );
            let which = w.with("home-which", &[("day", (&s.day).into()), ("epoch", s.epoch.into())]);
            (mark, words, vec![counts, which])
        }
    };
    // The hub is late: louder than that what is here verifies.
    let (mark, words, lines) = match ready::late(visit) {
        Some(late) => {
            let before = std::iter::once(format!("{mark} {words}"));
            ("■", late, before.chain(lines).collect())
        }
        None => (mark, words, lines),
    };
    Tile {
        head: w["home-data"].to_owned(),
        mark,
        words,
        lines,
        link: None,
    }
}

fn findings_tile(visit: &Visit) -> Tile {
    let w = visit.w();
    let [severe, warning, note] = visit.state.snapshot.as_ref().map_or([0; 3], |s| s.findings);
    let lines = vec![w.with(
        "home-findings-lines",
        &[("warning", warning.into()), ("note", note.into())],
    )];
    Tile {
        head: w["home-findings"].to_owned(),
        mark: if severe > 0 { "◆" } else { "○" },
        words: if severe > 0 {
            w.with("home-findings-severe", &[("n", severe.into())])
        } else {
            w["home-findings-none"].to_owned()
        },
        lines,
        link: (visit.signed.is_some() && severe + warning + note > 0)
            .then(|| (w["home-findings-go"].to_owned(), "/findings")),
    }
}

fn station_tile(visit: &Visit) -> Tile {
    let w = visit.w();
    let state = &visit.state;
    let station = visit.site.station();
    let clock = match state.time {
        TimeQuality::Synced => &w["home-time-synced"],
        TimeQuality::Drifting => &w["home-time-drifting"],
        TimeQuality::ByHand => &w["home-time-by-hand"],
        TimeQuality::Unknown => &w["home-time-unknown"],
    };
    let mut lines = vec![clock.to_owned()];
    if state.has_hub {
        lines.push(w.with("home-unsent", &[("n", state.unsent.into())]));
    }
    if station.damage() > 0 {
        lines.push(w.with("home-damage", &[("n", station.damage().into())]));
    }
    let alarms = station.audit_alarms();
    if alarms > 0 {
        lines.push(w.with("home-audit-alarm", &[("n", alarms.into())]));
    }
    if let Some(why) = &state.not_saving {
        lines.push(why.clone());
    }
    let carries = visit
        .role()
        .is_some_and(|role| super::carry::SCREEN.who.contains(&role) && visit.site.desk.carry.is_some());
    let bad = station.damage() > 0 || alarms > 0 || state.not_saving.is_some();
    Tile {
        head: w["home-station"].to_owned(),
        mark: if bad { "■" } else { "○" },
        words: format!("{} {}", station.hospital_name(), station.code()),
        lines,
        link: carries.then(|| (w["carry-title"].to_owned(), "/carry")),
    }
}

/// Which stations could be used, for whoever answers for them.
fn fleet_tile(visit: &Visit) -> Option<Tile> {
    let w = visit.w();
    let (mark, words, lines) = crate::fleet::on_home(visit)?;
    Some(Tile {
        head: w["fleet-tile"].to_owned(),
        mark,
        words,
        lines,
        link: Some((w["fleet-go"].to_owned(), "/fleet")),
    })
}

/// What the probes say together, while something is gone: a proposal that declares nothing.
fn watch_tile(visit: &Visit) -> Option<Tile> {
    let w = visit.w();
    let words = ready::watching(visit)?;
    let judged = &visit.state.judgement;
    let lines = judged.silent.iter().map(|silent| {
        let since = say::moment(w, silent.since, visit.state.now);
        w.with(
            "watch-silent-line",
            &[("name", (&silent.name).into()), ("time", (&since).into())],
        )
    });
    let may = visit
        .role()
        .is_some_and(|role| super::readiness::SCREEN.who.contains(&role));
    Some(Tile {
        head: w["ready-tile-watch"].to_owned(),
        mark: "◆",
        words,
        lines: lines.collect(),
        link: may.then(|| (w["nav-readiness"].to_owned(), "/readiness")),
    })
}

/// What was recorded, for people who are signed in.
fn day_tile(visit: &Visit) -> Option<Tile> {
    let w = visit.w();
    let signed = visit.signed.as_ref()?;
    let day = signed.session.day();
    let mut lines = vec![w.with("home-day-rest", &[("n", day.rest_to_enter().into())])];
    if signed.session.unreadable() > 0 {
        lines.push(w.with("home-unreadable", &[("n", signed.session.unreadable().into())]));
    }
    Some(Tile {
        head: w["home-day"].to_owned(),
        mark: "●",
        words: w.with("home-day-in", &[("n", day.checked_in(visit.state.now).into())]),
        lines,
        link: Some((w["nav-work"].to_owned(), "/to-enter")),
    })
}

/// Which way sheets go to paper here, for who works with sheets.
fn printing_tile(visit: &Visit) -> Option<Tile> {
    let w = visit.w();
    visit.role().filter(|role| printing::SCREEN.who.contains(role))?;
    let stuck = visit.site.desk.printers.as_ref().map_or(0, |queue| queue.stuck());
    let lines = if stuck > 0 {
        vec![w.with("bar-stuck", &[("n", stuck.into())])]
    } else {
        Vec::new()
    };
    Some(Tile {
        head: w["printing-title"].to_owned(),
        mark: if stuck > 0 { "■" } else { "○" },
        words: printing::route(visit),
        lines,
        link: Some((w["printing-go"].to_owned(), "/printing")),
    })
}

/// Whether the packs of the snapshot in use are there, where they are made.
fn packs_tile(visit: &Visit) -> Option<Tile> {
    let w = visit.w();
    visit.role().filter(|role| packs::SCREEN.who.contains(role))?;
    let lent = visit.site.desk.packs.as_ref().filter(|packs| packs.remake.is_some())?;
    let epoch = visit.state.snapshot.as_ref()?.epoch;
    let made = lent.store.made(epoch);
    let pages = made.as_ref().map_or(0, |made| u64::from(made.pages));
    let (mark, key) = match &made {
        Some(made) if made.is_whole() => ("○", "packs-tile-ready"),
        Some(_) => ("■", "packs-tile-wrong"),
        None => ("－", "packs-tile-none"),
    };
    Some(Tile {
        head: w["packs-title"].to_owned(),
        mark,
        words: w.with(key, &[("epoch", epoch.into()), ("n", pages.into())]),
        lines: Vec::new(),
        link: Some((w["packs-go"].to_owned(), "/packs")),
    })
}

#[derive(Template)]
#[template(path = "screens/home.html")]
struct HomePage<'a> {
    page: Page<'a>,
    sentence: String,
    more: Option<String>,
    first: Option<(String, &'static str)>,
    may_declare: bool,
    may_end: bool,
    tiles: Vec<Tile>,
    done: Option<Done>,
    problem: Option<String>,
}
