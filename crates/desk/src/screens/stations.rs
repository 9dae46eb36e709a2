//! S82 端末: every station of the roster, codes for new terminals, and terminals that wait for an officer.
//!
//! Deciding is done at the hub that keeps the roster; elsewhere the page only shows. Each act is in the audit log before it is done.
//! Files and keys are the office's (`desk::office`), which the roof lends.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use chart::StationCode;
use downtime::audit::Deed;
use downtime::identity::enrolment::{ID_LEN, Invitation, NotDone, Standing};
use downtime::identity::{Enrolled, Role, Roster};
use downtime::stations::StationSeen;
use serde::Deserialize;

use super::lists::encode;
use super::{Open, Route, Screen};
use crate::fault::Fault;
use crate::layout::Page;
use crate::office::{Books, Office};
use crate::say;
use crate::visit::Visit;
use crate::words::Words;

mod deciding;
mod inviting;

/// S82.
pub static SCREEN: Screen = Screen {
    id: "S82",
    name: "stations",
    nav: Some(("nav-stations", "N", "/stations")),
    who: &[Role::Informatics, Role::PrivacyOfficer],
    open: Open::SignedIn,
    routes: &[
        Route {
            method: "GET",
            path: "/stations",
            handler: || get(show),
        },
        Route {
            method: "GET",
            path: "/stations/invite",
            handler: || get(inviting::ask),
        },
        Route {
            method: "POST",
            path: "/stations/invite",
            handler: || post(inviting::invite),
        },
        Route {
            method: "GET",
            path: "/stations/waiting/{id}",
            handler: || get(deciding::ask),
        },
        Route {
            method: "POST",
            path: "/stations/waiting/{id}/approve",
            handler: || post(deciding::approve),
        },
        Route {
            method: "POST",
            path: "/stations/waiting/{id}/refuse",
            handler: || post(deciding::refuse),
        },
        Route {
            method: "GET",
            path: "/stations/{code}",
            handler: || get(deciding::one),
        },
        Route {
            method: "POST",
            path: "/stations/{code}/retire",
            handler: || post(deciding::retire),
        },
    ],
};

const SCRIPTS: &[&str] = &["modebar.js", "scan.js", "rows.js", "keys.js", "fade.js"];

/// Most stations on the page; whoever needs more narrows the list.
const MOST: usize = 1_200;
/// Longest text taken, in characters.
const MAX_TEXT: usize = 200;

/// The office, or why there is none.
fn office(visit: &Visit) -> Result<Arc<dyn Office>, Fault> {
    visit.site.desk.office.clone().ok_or(Fault::NotFound)
}

/// What there is to show, read where a thread may wait.
async fn books(visit: &Visit) -> Result<Books, Fault> {
    let office = office(visit)?;
    let books = tokio::task::spawn_blocking(move || office.books()).await;
    books
        .map_err(|fault| Fault::Broken(fault.to_string()))?
        .map_err(|fault| Fault::Broken(fault.to_string()))
}

/// Does something at the office that is in the audit log before: gives what came of it.
async fn act<T: Send + 'static>(
    visit: &Visit,
    detail: String,
    reason: &str,
    what: impl FnOnce(&dyn Office, &str) -> Result<T, NotDone> + Send + 'static,
) -> Result<Result<T, NotDone>, Fault> {
    let office = office(visit)?;
    let signed = visit.signed()?;
    let mut sighting = signed.session.sighting(Deed::Configured);
    sighting.detail = detail;
    reason.clone_into(&mut sighting.reason);
    let written = signed.session.witness(sighting).await;
    written.map_err(|fault| Fault::NotAudited(fault.to_string()))?;
    let by = signed.session.author().user.clone();
    let done = tokio::task::spawn_blocking(move || what(&*office, &by)).await;
    done.map_err(|fault| Fault::Broken(fault.to_string()))
}

/// Why it was not done, in the reader's language.
fn why(w: &Words, fault: &NotDone) -> String {
    let key = match fault {
        NotDone::NoHub => "stations-no-hub",
        NotDone::KeptElsewhere(hub) => {
            return w.with("stations-kept-elsewhere", &[("hub", hub.as_str().into())]);
        }
        NotDone::Taken => "stations-taken",
        NotDone::Unknown => "stations-unknown",
        NotDone::NoRoom => "stations-no-room",
        NotDone::Wrong(_) => "stations-wrong",
        NotDone::Gone => "stations-gone",
        NotDone::OtherFingerprint => "stations-other-fingerprint",
        NotDone::Itself => "stations-itself",
        NotDone::Changed => "stations-changed",
        NotDone::TooMany => "stations-too-many",
        NotDone::Failed(why) => return w.with("stations-failed", &[("why", why.into())]),
    };
    w[key].to_owned()
}

/// Text of a form, without what a keyboard may add, bounded.
fn text(typed: &str) -> String {
    typed
        .trim()
        .chars()
        .filter(|c| !c.is_control())
        .take(MAX_TEXT)
        .collect()
}

fn hex(id: &[u8; ID_LEN]) -> String {
    id.iter().map(|b| format!("{b:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; ID_LEN]> {
    let mut id = [0; ID_LEN];
    if text.len() != 2 * ID_LEN || !text.is_ascii() {
        return None;
    }
    for (at, byte) in id.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some(id)
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Search {
    q: String,
    did: String,
    code: String,
}

async fn show(visit: Visit, Query(search): Query<Search>) -> Result<Response, Fault> {
    let w = visit.w();
    let books = books(&visit).await?;
    let now = visit.state.now;
    let wanted = search.q.trim().to_uppercase();
    let fits = |s: &&Enrolled| {
        wanted.is_empty() || s.code.as_str().contains(&wanted) || places(s).to_uppercase().contains(&wanted)
    };
    let seen = visit.site.station().stations_seen();
    let all = books.roster.stations.len();
    let fitting: Vec<&Enrolled> = books.roster.stations.iter().filter(fits).collect();
    let shown = w.with("stations-shown", &[("n", fitting.len().into()), ("all", all.into())]);
    visit.signed()?.session.glance(Deed::Listed, "stations", fitting.len());
    let said = match search.did.as_str() {
        "approved" => Some("stations-did-approved"),
        "refused" => Some("stations-did-refused"),
        "retired" => Some("stations-did-retired"),
        _ => None,
    };
    let code = StationCode::parse(&search.code)
        .map(|code| code.to_string())
        .unwrap_or_default();
    visit.show(&StationsPage {
        page: visit.page(&w["nav-stations"], SCRIPTS),
        query: &search.q,
        waiting: books.ledger.lively(now).map(|i| waiting(&visit, i)).collect(),
        keeps: books.keeps,
        elsewhere: match books.roster.keeper() {
            Some(hub) => w.with("stations-at", &[("hub", hub.as_str().into())]),
            None => w["stations-no-hub"].to_owned(),
        },
        lines: fitting
            .into_iter()
            .take(MOST)
            .map(|s| line(&visit, &books.roster, s, &seen))
            .collect(),
        shown,
        said: said.map(|key| w.with(key, &[("code", (&code).into())])),
    })
}

/// One station.
struct Line {
    href: String,
    code: String,
    places: String,
    mark: &'static str,
    state: String,
    numbers: String,
    label: String,
    fingerprint: String,
    since: String,
    by: String,
    visited: String,
}

fn places(s: &Enrolled) -> String {
    let all: Vec<&str> = s.wards.iter().chain(&s.departments).map(String::as_str).collect();
    all.join("・")
}

fn line(visit: &Visit, roster: &Roster, s: &Enrolled, seen: &[StationSeen]) -> Line {
    let (w, now) = (visit.w(), visit.state.now);
    let keeper = roster.keeper() == Some(s.code);
    let (mark, state) = match (s.retired, s.hub, keeper) {
        (true, ..) => ("−", "stations-retired"),
        (_, _, true) => ("●", "stations-keeper"),
        (_, true, _) => ("●", "stations-hub"),
        _ => ("○", "stations-enrolled"),
    };
    let joined = s.enrolled();
    let own = visit.site.station().code() == s.code;
    let visited = seen.iter().find(|x| x.code == s.code).and_then(|x| x.visited);
    let visited = match visited {
        _ if own => w["stations-this"].to_owned(),
        _ if s.retired => String::new(),
        Some(at) => say::moment(w, at, now),
        None => w["stations-not-seen"].to_owned(),
    };
    let block = s.block_on(now.day());
    Line {
        href: format!("/stations/{}", encode(s.code.as_str())),
        code: s.code.to_string(),
        places: places(s),
        mark,
        state: w[state].to_owned(),
        numbers: block.to_string(),
        label: s.label.to_string(),
        fingerprint: s.public().map(|p| p.fingerprint().to_string()).unwrap_or_default(),
        since: joined.map(|c| say::moment(w, c.at, now)).unwrap_or_default(),
        by: joined.map(|c| c.by.clone()).unwrap_or_default(),
        visited,
    }
}

/// One invitation that somebody has still to do something about.
struct Waiting {
    href: String,
    code: String,
    asks: bool,
    machine: String,
    from: String,
    fingerprint: String,
    words: String,
}

fn waiting(visit: &Visit, invitation: &Invitation) -> Waiting {
    let (w, now) = (visit.w(), visit.state.now);
    let asking = invitation.asking();
    let asks = invitation.standing(now) == Standing::Waiting;
    let until = asking.map_or(invitation.expires, |a| a.until());
    let until = say::moment(w, until, now);
    let key = if asks { "stations-waits" } else { "stations-code-open" };
    Waiting {
        href: format!("/stations/waiting/{}", hex(&invitation.id)),
        code: invitation.offer.code.to_string(),
        asks,
        machine: asking.map(|a| a.machine.clone()).unwrap_or_default(),
        from: asking.map(|a| a.from.clone()).unwrap_or_default(),
        fingerprint: asking
            .and_then(|a| Some(a.fingerprint().ok()?.to_string()))
            .unwrap_or_default(),
        words: w.with(key, &[("time", (&until).into()), ("by", (&invitation.by).into())]),
    }
}

/// Back to the list, which says what was done.
fn done(did: &str, code: StationCode) -> Response {
    Redirect::to(&format!("/stations?did={did}&code={code}")).into_response()
}

/// A page of this screen with what was not done.
const fn refused_status(fault: &NotDone) -> StatusCode {
    match fault {
        NotDone::Failed(_) => StatusCode::SERVICE_UNAVAILABLE,
        NotDone::Gone | NotDone::Changed => StatusCode::CONFLICT,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

#[derive(Template)]
#[template(path = "screens/stations.html")]
struct StationsPage<'a> {
    page: Page<'a>,
    query: &'a str,
    waiting: Vec<Waiting>,
    keeps: bool,
    elsewhere: String,
    lines: Vec<Line>,
    shown: String,
    said: Option<String>,
}

/// A reason, as every decision here wants one.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Reason {
    reason: String,
}

impl Reason {
    fn of(form: Form<Self>) -> String {
        text(&form.0.reason)
    }
}
