//! S10 受付: find the person, make sure it is that person, give a number and a slip.
//!
//! Enter does it; a person whose name somebody else shares needs the day of birth first. Nothing clinical is shown here,
//! and results disappear when the desk is left alone.

use askama::Template;
use axum::Form;
use axum::extract::{Path, Query};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{get, post};
use downtime::audit::Deed;
use serde::Deserialize;

use super::{DESK, Open, Route, Screen};
use crate::fault::Fault;
use crate::layout::{Done, Page};
use crate::paper::After;
use crate::paper_language::reception_languages;
use crate::people::{Ask, Card, CardState, People};
use crate::visit::Visit;
use crate::who::Who;

pub(crate) mod check_in;

/// S10.
pub static SCREEN: Screen = Screen {
    id: "S10",
    name: "reception",
    nav: Some(("nav-reception", "1", "/reception")),
    who: DESK,
    open: Open::Downtime,
    routes: &[
        Route {
            method: "GET",
            path: "/reception",
            handler: || get(show).post(search),
        },
        Route {
            method: "POST",
            path: "/reception/rows",
            handler: || post(rows),
        },
        Route {
            method: "POST",
            path: "/reception/check-in",
            handler: || post(check_in::check_in),
        },
        Route {
            method: "POST",
            path: "/reception/undo",
            handler: || post(check_in::undo),
        },
        Route {
            method: "GET",
            path: "/reception/{who}",
            handler: || get(one),
        },
    ],
};

/// Most people shown for one search: more means that more letters are needed.
const SHOWN: usize = 30;

const SCRIPTS: &[&str] = &[
    "modebar.js",
    "scan.js",
    "rows.js",
    "keys.js",
    "live.js",
    "fade.js",
    "print.js",
];

#[derive(Deserialize)]
pub(crate) struct Search {
    q: String,
}

async fn show(visit: Visit, Query(after): Query<After>) -> Result<Response, Fault> {
    let done = after.done(&visit, "/reception/undo");
    page(&visit, "", None, done, after.problem(&visit))
}

async fn search(visit: Visit, Form(form): Form<Search>) -> Result<Response, Fault> {
    page(&visit, &form.q, None, None, None)
}

async fn one(visit: Visit, Path(who): Path<String>, Query(after): Query<After>) -> Result<Response, Fault> {
    let done = after.done(&visit, "/reception/undo");
    page(&visit, "", Some(&who), done, after.problem(&visit))
}

/// The rows alone, for live search.
async fn rows(visit: Visit, headers: HeaderMap, Form(form): Form<Search>) -> Result<Response, Fault> {
    if !headers.contains_key("x-part") {
        return page(&visit, &form.q, None, None, None);
    }
    let signed = visit.signed()?;
    let index = signed.session.index();
    let day = signed.session.day();
    let people = People::new(&visit, &index, &day);
    let found = people.search(&form.q, SHOWN);
    note_search(&visit, &form.q, found.cards.len());
    visit.show(&RowsPart {
        page: visit.page(&visit.w()["nav-reception"], SCRIPTS),
        rows: found.cards,
        departments: people.departments(),
        languages: reception_languages(&visit),
        ask_first: false,
        query: &form.q,
        too_short: found.too_short,
        more: found.more,
    })
}

/// Whoever sees who was found has looked: it stands in the audit log.
fn note_search(visit: &Visit, query: &str, found: usize) {
    if let Ok(signed) = visit.signed()
        && found > 0
    {
        let deed = if query.is_empty() { Deed::Listed } else { Deed::Searched };
        signed.session.glance(deed, query, found);
    }
}

pub(super) fn page(
    visit: &Visit,
    query: &str,
    who: Option<&str>,
    done: Option<Done>,
    problem: Option<String>,
) -> Result<Response, Fault> {
    let signed = visit.signed()?;
    let index = signed.session.index();
    let day = signed.session.day();
    let people = People::new(visit, &index, &day);
    let mut found = people.search(query, SHOWN);
    note_search(visit, query, found.cards.len());
    if let Some(who) = who {
        let who = Who::read(visit, &index, &day, who)?;
        found.cards = people.card(&who).into_iter().collect();
    }
    let w = visit.w();
    // A wrong day of birth is typed again where it was typed.
    let ask_first = problem.is_some() && found.cards.first().is_some_and(|card| card.ask != Ask::Nothing);
    let html = ReceptionPage {
        ask_first,
        page: visit.page(&w["nav-reception"], SCRIPTS),
        rows: found.cards,
        departments: people.departments(),
        languages: reception_languages(visit),
        query,
        too_short: found.too_short,
        more: found.more,
        done,
        problem,
        counts: people.counts(),
    };
    visit.show(&html)
}

#[derive(Template)]
#[template(path = "screens/reception.html")]
struct ReceptionPage<'a> {
    page: Page<'a>,
    ask_first: bool,
    rows: Vec<Card>,
    departments: Vec<(String, String)>,
    languages: Vec<(String, String)>,
    query: &'a str,
    too_short: bool,
    more: bool,
    done: Option<Done>,
    problem: Option<String>,
    counts: String,
}

#[derive(Template)]
#[template(path = "screens/reception_rows.html")]
struct RowsPart<'a> {
    page: Page<'a>,
    ask_first: bool,
    rows: Vec<Card>,
    departments: Vec<(String, String)>,
    languages: Vec<(String, String)>,
    query: &'a str,
    too_short: bool,
    more: bool,
}
