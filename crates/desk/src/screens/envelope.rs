//! 緊急封筒: opening a sealed envelope, and saying that its use has ended.
//!
//! One page with one main action. The person's name and the reason are asked before the code, because they are announced on
//! every station. What an envelope opens, for how long, and that nobody can change it is decided elsewhere
//! (`downtime::stations`): there is no setting here.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use chart::{Act, EntryId, Subject};
use downtime::audit::Deed;
use downtime::identity::{EnvelopeSecret, Role, Scanned, SignInFault};
use downtime::stations::Opening;
use serde::Deserialize;

use super::sign_in::{let_in, said};
use super::{Open, Route, Screen};
use crate::fault::Fault;
use crate::layout::{Page, SCRIPTS};
use crate::say;
use crate::visit::Visit;

/// S81, its half about envelopes.
pub static SCREEN: Screen = Screen {
    id: "S81e",
    name: "envelope",
    nav: None,
    who: &[],
    open: Open::Everybody,
    routes: &[
        Route {
            method: "GET",
            path: "/envelope",
            handler: || get(show).post(open),
        },
        Route {
            method: "POST",
            path: "/envelope/close",
            handler: || post(close),
        },
    ],
};

/// Roles that may say that an envelope's use has ended, besides whoever opened it.
const CLOSERS: &[Role] = &[Role::Informatics, Role::PrivacyOfficer, Role::Commander];

/// Longest text taken, in characters.
const MAX_TEXT: usize = 200;

#[derive(Deserialize, Default)]
#[serde(default)]
struct EnvelopeForm {
    operator: String,
    witness: String,
    reason: String,
    other: String,
    number: String,
    code: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct CloseForm {
    entry: String,
    reason: String,
}

async fn show(visit: Visit) -> Result<Response, Fault> {
    page(&visit, StatusCode::OK, &EnvelopeForm::default(), None)
}

/// The page with a code that was scanned somewhere else.
pub(super) fn begin(visit: &Visit, scanned: &str) -> Result<Response, Fault> {
    let form = EnvelopeForm {
        code: scanned.to_owned(),
        ..EnvelopeForm::default()
    };
    page(visit, StatusCode::OK, &form, None)
}

async fn open(visit: Visit, headers: HeaderMap, Form(form): Form<EnvelopeForm>) -> Result<Response, Fault> {
    let w = visit.w();
    let short = |text: &str| -> String { text.trim().chars().take(MAX_TEXT).collect() };
    let reason = match form.reason.as_str() {
        "other" => short(&form.other),
        "emergency" | "help" | "undeclared" | "lost" => w[&format!("envelope-reason-{}", form.reason)].to_owned(),
        _ => String::new(),
    };
    let opening = Opening {
        operator: short(&form.operator),
        witness: short(&form.witness),
        reason,
    };
    if opening.operator.is_empty() || opening.reason.is_empty() {
        let problem = w["envelope-who-and-why"].to_owned();
        return page(&visit, StatusCode::UNPROCESSABLE_ENTITY, &form, Some(problem));
    }
    let (number, secret) = match code(&form) {
        Ok(both) => both,
        Err(word) => {
            return page(
                &visit,
                StatusCode::UNPROCESSABLE_ENTITY,
                &form,
                Some(w[word].to_owned()),
            );
        }
    };
    let station = Arc::clone(&visit.site.desk.station);
    let answer = tokio::task::spawn_blocking(move || station.open_envelope(number, &secret, &opening))
        .await
        .map_err(|fault| Fault::Broken(fault.to_string()))?;
    match answer {
        Ok(session) => let_in(&visit, &headers, session, ""),
        Err(SignInFault::Refused) => {
            let problem = w["envelope-refused"].to_owned();
            page(&visit, StatusCode::UNAUTHORIZED, &form, Some(problem))
        }
        Err(fault) => page(&visit, StatusCode::UNAUTHORIZED, &form, Some(said(&visit, &fault))),
    }
}

/// Scanned digits carry the number; typed characters need it beside them.
fn code(form: &EnvelopeForm) -> Result<(u32, EnvelopeSecret), &'static str> {
    let text = form.code.trim();
    if text.chars().count() > MAX_TEXT {
        return Err("envelope-code-unreadable");
    }
    if let Ok(both) = EnvelopeSecret::from_digits(text) {
        return Ok(both);
    }
    let secret = EnvelopeSecret::from_typed(text).map_err(|_| "envelope-code-unreadable")?;
    let number: String = form.number.trim().chars().map(chart::id::half_width).collect();
    let number = number.parse().map_err(|_| "envelope-number-missing")?;
    Ok((number, secret))
}

async fn close(visit: Visit, Form(form): Form<CloseForm>) -> Result<Response, Fault> {
    let signed = visit.signed()?.clone();
    let id = EntryId::parse(&form.entry).ok_or(Fault::Stale)?;
    let envelopes = visit.site.station().open_envelopes();
    let envelope = envelopes.iter().find(|e| e.entry == id).ok_or(Fault::Stale)?;
    let own = signed.session.author().user == envelope.envelope;
    if !own && !CLOSERS.contains(&signed.role()) {
        return Err(Fault::Role);
    }
    let reason: String = form.reason.trim().chars().take(MAX_TEXT).collect();
    if reason.is_empty() {
        return Err(Fault::Input("envelope-close-why"));
    }
    let mut sighting = signed.session.sighting(Deed::EnvelopeClosed);
    sighting.reason.clone_from(&reason);
    sighting.detail.clone_from(&envelope.envelope);
    let act = Act::EnvelopeClosed { entry: id, reason };
    signed
        .session
        .record(Subject::Hospital, act)
        .await
        .map_err(|fault| Fault::NotSaved(fault.to_string()))?;
    visit.site.station().audit().note(sighting);
    Ok(Redirect::to("/").into_response())
}

fn page(visit: &Visit, status: StatusCode, form: &EnvelopeForm, problem: Option<String>) -> Result<Response, Fault> {
    let w = visit.w();
    let open = visit
        .site
        .station()
        .open_envelopes()
        .into_iter()
        .map(|e| Line {
            entry: e.entry.hex(),
            envelope: e.envelope,
            operator: e.operator,
            reason: e.reason,
            station: e.station,
            at: say::moment(w, e.at, visit.state.now),
            in_normal_times: e.in_normal_times,
        })
        .collect();
    let may_close = visit
        .role()
        .is_some_and(|role| role == Role::BreakGlass || CLOSERS.contains(&role));
    let html = EnvelopePage {
        page: visit.page(&w["envelope-title"], SCRIPTS),
        form,
        problem,
        normal: !visit.state.mode.is_open(),
        scanned: Scanned::looks_like(&form.code).is_some(),
        open,
        may_close,
    };
    visit.show_as(status, &html)
}

struct Line {
    entry: String,
    envelope: String,
    operator: String,
    reason: String,
    station: String,
    at: String,
    in_normal_times: bool,
}

#[derive(Template)]
#[template(path = "screens/envelope.html")]
struct EnvelopePage<'a> {
    page: Page<'a>,
    form: &'a EnvelopeForm,
    problem: Option<String>,
    normal: bool,
    scanned: bool,
    open: Vec<Line>,
    may_close: bool,
}
