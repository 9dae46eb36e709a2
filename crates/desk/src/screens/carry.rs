//! S74 USBで運ぶ: what is only on this terminal, the sticks that are plugged in, and putting it onto one or taking it from one.
//!
//! It names no patient. "May be unplugged" appears only when the pack was read back from the stick; "elsewhere too" only when another
//! terminal's receipt has come back.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::Form;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use chart::StationCode;
use downtime::audit::Deed;
use downtime::carry::{Holder, Plan};
use downtime::identity::Role;
use serde::Deserialize;

use super::{Open, Route, Screen};
use crate::carry::{Ask, Carry, Job, Stick};
use crate::fault::Fault;
use crate::layout::{Page, SCRIPTS};
use crate::say;
use crate::visit::Visit;

mod codes;
mod said;

use said::{Ended, ended, stick_name};

/// S74.
pub static SCREEN: Screen = Screen {
    id: "S74",
    name: "carry",
    nav: None,
    who: &[
        Role::Reception,
        Role::Physician,
        Role::Informatics,
        Role::Nurse,
        Role::Commander,
        Role::Reconciler,
        Role::BreakGlass,
    ],
    open: Open::SignedIn,
    routes: &[
        Route {
            method: "GET",
            path: "/carry",
            handler: || get(show),
        },
        Route {
            method: "POST",
            path: "/carry/work",
            handler: || post(work),
        },
        Route {
            method: "GET",
            path: "/carry/codes",
            handler: || get(codes::show).post(codes::take),
        },
    ],
};

/// So long a page waits for the work before it says that it is under way.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// Minutes after which what is only here is spoken of again.
pub const EVERY_MINUTES: i64 = 60;

/// Seconds without the hub after which it is spoken of the first time.
const FIRST_SECONDS: i64 = 300;

#[derive(Deserialize, Default)]
#[serde(default)]
struct WorkForm {
    /// Where the stick is, as it was shown.
    stick: String,
    /// `out` or `in`.
    act: String,
    to: String,
    snapshot: Option<String>,
    replace: Option<String>,
    answer: Option<String>,
}

async fn show(visit: Visit) -> Result<Response, Fault> {
    page(&visit, StatusCode::OK, None).await
}

async fn work(visit: Visit, Form(form): Form<WorkForm>) -> Result<Response, Fault> {
    let signed = visit.signed()?.clone();
    let carry = carry(&visit)?;
    let sticks = sticks(&carry).await?;
    let Some(stick) = sticks
        .into_iter()
        .find(|stick| stick.dir.to_string_lossy() == form.stick)
    else {
        let gone = visit.w()["carry-gone"].to_owned();
        return page(&visit, StatusCode::CONFLICT, Some(gone)).await;
    };
    let ask = Ask {
        write: form.act == "out",
        to: StationCode::parse(&form.to),
        snapshot: form.snapshot.is_some(),
        replace: form.replace.is_some(),
        answer: form.answer.is_some(),
    };
    // On record before anything leaves.
    let mut sighting = signed
        .session
        .sighting(if ask.write { Deed::Exported } else { Deed::Maintained });
    sighting.detail = format!(
        "{}: {}（封印されたまま）",
        if ask.write {
            "USBへ書き込む"
        } else {
            "USBから受け取る"
        },
        stick_name(visit.w(), &stick.name)
    );
    let witnessed = signed.session.witness(sighting).await;
    witnessed.map_err(|fault| Fault::NotAudited(fault.to_string()))?;
    if !carry.begin(&stick, ask) {
        let busy = visit.w()["carry-busy"].to_owned();
        return page(&visit, StatusCode::CONFLICT, Some(busy)).await;
    }
    let (station, lent) = (Arc::clone(&visit.site.desk.station), Arc::clone(&carry));
    let work = tokio::task::spawn_blocking(move || lent.run(&station, &stick, ask));
    // What takes longer goes on by itself; the page then says how far it is.
    let _ = tokio::time::timeout(PATIENCE, work).await;
    Ok(Redirect::to("/carry").into_response())
}

fn carry(visit: &Visit) -> Result<Arc<Carry>, Fault> {
    visit.site.desk.carry.clone().ok_or(Fault::Stale)
}

async fn sticks(carry: &Arc<Carry>) -> Result<Vec<Stick>, Fault> {
    let find = Arc::clone(&carry.sticks);
    let found = tokio::task::spawn_blocking(move || find()).await;
    found.map_err(|fault| Fault::Broken(fault.to_string()))
}

/// あと12件がこの端末だけにあります。USBで運べます: on a terminal that has been alone for a while, unless a pack went out within the hour.
#[must_use]
pub fn reminder(visit: &Visit) -> Option<String> {
    let role = visit.role()?;
    let lent = visit.site.desk.carry.as_ref().filter(|_| SCREEN.who.contains(&role))?;
    let state = &visit.state;
    let since = visit.site.station().hub_watch()?.silent_since()?;
    if state.unsent == 0 || state.now.0.saturating_sub(since.0) < FIRST_SECONDS {
        return None;
    }
    let last = lent.carrying.register().ok()?.out.last().map(|out| out.at);
    let recent = last.is_some_and(|at| (0..EVERY_MINUTES).contains(&state.now.minutes_since(at)));
    (!recent).then(|| visit.w().with("bar-carry", &[("n", state.unsent.into())]))
}

/// A stick with what lies on it.
struct Row {
    dir: String,
    name: String,
    lies: String,
    urgent: bool,
    /// Something can be taken from it.
    takes: bool,
    /// It can be written.
    writes: bool,
    /// What lies there cannot be taken in, so that overwriting it takes a yes of its own.
    sure: bool,
}

/// A pack on its way.
struct Way {
    stick: String,
    at: String,
    records: u64,
    mark: &'static str,
    state: String,
}

struct Busy {
    words: String,
    done: u64,
    all: u64,
}

async fn page(visit: &Visit, status: StatusCode, problem: Option<String>) -> Result<Response, Fault> {
    let w = visit.w();
    let carry = carry(visit)?;
    let busy = busy(visit, &carry);
    let looked = {
        let (carry, station) = (Arc::clone(&carry), Arc::clone(&visit.site.desk.station));
        let idle = busy.is_none();
        tokio::task::spawn_blocking(move || {
            let plan = carry.carrying.plan(&Holder::Running(&station), None);
            // A stick that is being written is not looked at meanwhile.
            let found = if idle { (carry.sticks)() } else { Vec::new() };
            let found: Vec<_> = found
                .into_iter()
                .map(|stick| (carry.carrying.look(&stick.dir), stick))
                .collect();
            (plan, found, carry.carrying.register())
        })
        .await
        .map_err(|fault| Fault::Broken(fault.to_string()))?
    };
    let (plan, found, register) = looked;
    let register = register.map_err(|fault| Fault::Broken(fault.to_string()))?;
    let plan: Plan = plan.map_err(|fault| Fault::Broken(fault.to_string()))?;
    let rows = found
        .into_iter()
        .map(|(seen, stick)| said::row(visit, seen, &stick))
        .collect();
    let now = visit.state.now;
    let mut ways: Vec<Way> = register
        .out
        .iter()
        .rev()
        .take(MOST_WAYS)
        .map(|out| Way {
            stick: stick_name(w, &out.stick),
            at: say::moment(w, out.at, now),
            records: out.records,
            mark: if out.confirmed.is_some() { "●" } else { "○" },
            state: match out.confirmed {
                Some(confirmed) => {
                    let (by, at) = (confirmed.by.to_string(), say::moment(w, confirmed.at, now));
                    w.with("carry-confirmed", &[("code", (&by).into()), ("time", (&at).into())])
                }
                None => w["carry-unconfirmed"].to_owned(),
            },
        })
        .collect();
    ways.truncate(MOST_WAYS);
    let only_here = visit.site.station().only_here();
    let hub = visit.state.has_hub;
    let snapshot = visit.site.station().shelf().current();
    let size = snapshot.and_then(|shelved| shelved.size().ok());
    let refresh = busy.is_some();
    let mut response = visit.show_as(
        status,
        &CarryPage {
            page: visit.page(&w["carry-title"], SCRIPTS),
            only_here: w.with("carry-only-here", &[("n", only_here.into())]),
            alone: only_here > 0,
            goes: w.with(
                "carry-goes",
                &[
                    ("own", plan.own.into()),
                    ("others", plan.others.into()),
                    ("size", (&said::size(plan.bytes)).into()),
                ],
            ),
            more: plan.more,
            busy,
            ended: ended(visit, &carry),
            rows,
            ways,
            stations: if hub { Vec::new() } else { others(visit, &carry) },
            snapshot: size.map(|size| w.with("carry-snapshot", &[("size", (&said::size(size)).into())])),
            back: visit.first_screen(),
            problem,
        },
    )?;
    if refresh {
        let again = HeaderValue::from_static("2; url=/carry");
        response.headers_mut().insert(header::REFRESH, again);
    }
    Ok(response)
}

/// Packs on their way that are shown.
const MOST_WAYS: usize = 8;

/// On a hub: whom a pack can be for.
fn others(visit: &Visit, carry: &Carry) -> Vec<String> {
    let current = visit.site.station().shelf().current();
    let roster = current.as_ref().map(|shelved| shelved.roster());
    let enrolled = roster.into_iter().flat_map(|roster| roster.stations.iter());
    enrolled
        .filter(|station| !station.retired && station.code != carry.carrying.code())
        .map(|station| station.code.to_string())
        .collect()
}

fn busy(visit: &Visit, carry: &Carry) -> Option<Busy> {
    let w = visit.w();
    let job = carry.job.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let Job::Busy {
        stick,
        write,
        done,
        all,
    } = &*job
    else {
        return None;
    };
    let key = if *write { "carry-writing" } else { "carry-reading" };
    let (name, bytes) = (stick_name(w, stick), said::size(*done));
    let words = [("stick", (&name).into()), ("size", (&bytes).into())];
    Some(Busy {
        words: w.with(key, &words),
        done: *done,
        all: *all,
    })
}

#[derive(Template)]
#[template(path = "screens/carry.html")]
struct CarryPage<'a> {
    page: Page<'a>,
    only_here: String,
    alone: bool,
    goes: String,
    more: bool,
    busy: Option<Busy>,
    ended: Option<Ended>,
    rows: Vec<Row>,
    ways: Vec<Way>,
    stations: Vec<String>,
    snapshot: Option<String>,
    back: &'static str,
    problem: Option<String>,
}
