//! S81 利用者・緊急封筒: who may sign in, disabling at once, and what became of each sealed envelope.
//!
//! Disabling is an entry that every station obeys as soon as it hears of it. Enrolling, resetting and giving an account back
//! need the roster and its keys, which lie at the hub: that is done there, with the command line, and the page says so.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use chart::{Act, Subject};
use downtime::audit::Deed;
use downtime::identity::{Role, Scope};
use downtime::stations::{Account, EnvelopeInStock, Lies};
use serde::Deserialize;

use super::lists::encode;
use super::{Open, Route, Screen};
use crate::fault::Fault;
use crate::layout::{Done, Page};
use crate::paper::After;
use crate::say;
use crate::visit::Visit;
use crate::words::Words;

/// S81.
pub static SCREEN: Screen = Screen {
    id: "S81",
    name: "users",
    nav: Some(("nav-users", "R", "/users")),
    who: &[Role::Informatics, Role::PrivacyOfficer],
    open: Open::SignedIn,
    routes: &[
        Route {
            method: "GET",
            path: "/users",
            handler: || get(show),
        },
        Route {
            method: "GET",
            path: "/users/{who}",
            handler: || get(ask),
        },
        Route {
            method: "POST",
            path: "/users/{who}/disable",
            handler: || post(disable),
        },
    ],
};

const SCRIPTS: &[&str] = &["modebar.js", "scan.js", "rows.js", "keys.js", "fade.js"];

/// Most people on the page; whoever needs more narrows the list.
const MOST: usize = 500;
/// Longest text taken, in characters.
const MAX_TEXT: usize = 200;

/// Reasons as recorded: value in the form, words in the entry.
const REASONS: [(&str, &str); 4] = [
    ("1", "バッジ・パスワードの紛失や漏れ"),
    ("2", "退職・異動"),
    ("3", "身に覚えのない操作"),
    ("4", "その他"),
];

#[derive(Deserialize, Default)]
#[serde(default)]
struct Search {
    q: String,
}

async fn show(visit: Visit, Query(search): Query<Search>, Query(after): Query<After>) -> Result<Response, Fault> {
    let w = visit.w();
    let station = visit.site.station();
    let wanted = search.q.trim().to_lowercase();
    let fits = |account: &&Account| {
        wanted.is_empty()
            || account.record.staff_number.to_lowercase().contains(&wanted)
            || account.record.name.to_lowercase().contains(&wanted)
    };
    let accounts = station.accounts();
    let fitting: Vec<&Account> = accounts.iter().filter(fits).collect();
    let shown = w.with(
        "users-shown",
        &[("n", fitting.len().into()), ("all", accounts.len().into())],
    );
    visit.signed()?.session.glance(Deed::Listed, "accounts", fitting.len());
    visit.show(&UsersPage {
        page: visit.page(&w["nav-users"], SCRIPTS),
        query: &search.q,
        lines: fitting
            .into_iter()
            .take(MOST)
            .map(|account| line(&visit, account))
            .collect(),
        envelopes: station
            .envelopes_in_stock()
            .into_iter()
            .map(|e| envelope(&visit, e))
            .collect(),
        shown,
        done: after.done(&visit, ""),
        problem: None,
    })
}

fn account(visit: &Visit, number: &str) -> Result<Account, Fault> {
    let accounts = visit.site.station().accounts();
    let found = accounts
        .into_iter()
        .find(|account| account.record.staff_number == number);
    found.ok_or(Fault::NotFound)
}

async fn ask(visit: Visit, Path(who): Path<String>) -> Result<Response, Fault> {
    let account = account(&visit, &who)?;
    confirm(&visit, StatusCode::OK, &account, None)
}

fn confirm(visit: &Visit, status: StatusCode, account: &Account, problem: Option<String>) -> Result<Response, Fault> {
    let w = visit.w();
    let reasons = [
        &w["users-reason-1"],
        &w["users-reason-2"],
        &w["users-reason-3"],
        &w["users-reason-4"],
    ];
    let own = visit.signed()?.session.author().user == account.record.staff_number;
    visit.show_as(
        status,
        &DisablePage {
            page: visit.page(&w["users-disable-title"], SCRIPTS),
            line: line(visit, account),
            own,
            reasons: REASONS
                .iter()
                .zip(reasons)
                .map(|((value, _), word)| (*value, word.to_owned()))
                .collect(),
            problem,
        },
    )
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct DisableForm {
    reason: String,
    text: String,
}

async fn disable(visit: Visit, Path(who): Path<String>, Form(form): Form<DisableForm>) -> Result<Response, Fault> {
    let account = account(&visit, &who)?;
    let signed = Arc::clone(visit.signed()?);
    let number = account.record.staff_number.clone();
    let (_, word) = REASONS
        .iter()
        .find(|(value, _)| *value == form.reason)
        .ok_or(Fault::Input("reason"))?;
    let text: String = form.text.trim().chars().take(MAX_TEXT).collect();
    if form.reason == "4" && text.is_empty() {
        let problem = visit.w()["users-say-why"].to_owned();
        return confirm(&visit, StatusCode::UNPROCESSABLE_ENTITY, &account, Some(problem));
    }
    if number == signed.session.author().user {
        let problem = visit.w()["users-not-yourself"].to_owned();
        return confirm(&visit, StatusCode::UNPROCESSABLE_ENTITY, &account, Some(problem));
    }
    let reason = if text.is_empty() {
        (*word).to_owned()
    } else {
        format!("{word}（{text}）")
    };
    let _turn = visit.site.turn(&number).await;
    if visit.site.station().is_disabled(&number) {
        return Ok(After::redirect("/users", None, &[]));
    }
    let mut sighting = signed.session.sighting(Deed::Disabled);
    sighting.reason.clone_from(&reason);
    sighting.detail.clone_from(&number);
    let written = signed.session.witness(sighting).await;
    written.map_err(|fault| Fault::NotAudited(fault.to_string()))?;
    let entry = signed
        .session
        .record(Subject::Hospital, Act::UserDisabled { user: number, reason })
        .await
        .map_err(|fault| Fault::NotSaved(fault.to_string()))?;
    Ok(After::redirect("/users", Some(entry), &[]))
}

/// One account.
struct Line {
    href: String,
    number: String,
    name: String,
    role: String,
    scope: String,
    badge: bool,
    until: String,
    purpose: String,
    disabled: bool,
}

fn line(visit: &Visit, account: &Account) -> Line {
    let w = visit.w();
    let record = &account.record;
    Line {
        href: format!("/users/{}", encode(&record.staff_number)),
        number: record.staff_number.clone(),
        name: record.name.clone(),
        role: say::role(w, record.role).to_owned(),
        scope: scope(w, &record.scope),
        badge: record.badge != 0,
        until: record
            .until
            .map(|until| say::moment(w, until, visit.state.now))
            .unwrap_or_default(),
        purpose: record.purpose.clone(),
        disabled: account.disabled,
    }
}

fn scope(w: &Words, scope: &Scope) -> String {
    match scope {
        Scope::All => w["scope-all"].to_owned(),
        Scope::Nothing => w["scope-nothing"].to_owned(),
        Scope::Departments(codes) => w.with("scope-departments", &[("codes", (&codes.join("、")).into())]),
        Scope::Wards(codes) => w.with("scope-wards", &[("codes", (&codes.join("、")).into())]),
    }
}

/// One envelope.
struct EnvelopeLine {
    envelope: String,
    place: String,
    mark: &'static str,
    words: String,
    open: bool,
}

fn envelope(visit: &Visit, stock: EnvelopeInStock) -> EnvelopeLine {
    let w = visit.w();
    let (mark, words) = match &stock.lies {
        Lies::Sealed => ("○", w["envelope-sealed"].to_owned()),
        Lies::Open { operator, at } => {
            let at = say::moment(w, *at, visit.state.now);
            let values = [("name", operator.into()), ("time", (&at).into())];
            ("■", w.with("envelope-is-open", &values))
        }
        Lies::Used { at } => {
            let at = say::moment(w, *at, visit.state.now);
            ("−", w.with("envelope-used", &[("time", (&at).into())]))
        }
    };
    EnvelopeLine {
        open: matches!(stock.lies, Lies::Open { .. }),
        envelope: stock.envelope,
        place: stock.place,
        mark,
        words,
    }
}

#[derive(Template)]
#[template(path = "screens/users.html")]
struct UsersPage<'a> {
    page: Page<'a>,
    query: &'a str,
    lines: Vec<Line>,
    envelopes: Vec<EnvelopeLine>,
    shown: String,
    done: Option<Done>,
    problem: Option<String>,
}

#[derive(Template)]
#[template(path = "screens/users_disable.html")]
struct DisablePage<'a> {
    page: Page<'a>,
    line: Line,
    own: bool,
    reasons: Vec<(&'static str, String)>,
    problem: Option<String>,
}
