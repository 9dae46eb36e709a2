//! S03 on a station that no line reaches: the codes of a declaration, from paper or from a file.
//!
//! Open to everybody, also with nobody signed in: each code is a record that some station of this hospital signed, so nothing is
//! believed because somebody typed it.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::Query;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use downtime::stations::CodeFault;
use serde::Deserialize;

use super::{Open, Route, Screen};
use crate::fault::Fault;
use crate::layout::Page;
use crate::say;
use crate::visit::Visit;

/// Longest text that is looked through, in bytes.
const MAX_TEXT: usize = 160 << 10;

const SCRIPTS: &[&str] = &["modebar.js", "scan.js", "keys.js", "codes.js"];

/// S03, the codes.
pub static SCREEN: Screen = Screen {
    id: "S03c",
    name: "carried",
    nav: None,
    who: &[],
    open: Open::Everybody,
    routes: &[Route {
        method: "GET",
        path: "/declare/carried",
        handler: || get(show).post(take),
    }],
};

#[derive(Debug, Default, Deserialize)]
struct Codes {
    #[serde(default)]
    codes: String,
}

#[derive(Debug, Default, Deserialize)]
struct Taken {
    taken: Option<String>,
}

async fn show(visit: Visit, Query(after): Query<Taken>) -> Result<Response, Fault> {
    page(&visit, &Codes::default(), after.taken.is_some(), None)
}

async fn take(visit: Visit, Form(form): Form<Codes>) -> Result<Response, Fault> {
    if form.codes.len() > MAX_TEXT {
        return page(
            &visit,
            &Codes::default(),
            false,
            Some(said(&visit, &CodeFault::Nothing)),
        );
    }
    let station = Arc::clone(&visit.site.desk.station);
    let (taken, form) = tokio::task::spawn_blocking(move || (station.take_declaration(&form.codes), form))
        .await
        .map_err(|fault| Fault::Broken(fault.to_string()))?;
    match taken {
        // The page is asked for anew, so that its bar already tells what was read.
        Ok(_) => Ok(Redirect::to("/declare/carried?taken=1").into_response()),
        Err(CodeFault::NotSaved(fault)) => Err(Fault::NotSaved(fault.to_string())),
        Err(fault) => page(&visit, &form, false, Some(said(&visit, &fault))),
    }
}

/// A refusal in the reader's words.
fn said(visit: &Visit, fault: &CodeFault) -> String {
    let w = visit.w();
    match fault {
        CodeFault::Misread(place) => w.with("carried-misread", &[("place", (*place).into())]),
        CodeFault::Foreign(place) => w.with("carried-foreign", &[("place", (*place).into())]),
        _ => w["carried-nothing"].to_owned(),
    }
}

fn page(visit: &Visit, form: &Codes, taken: bool, problem: Option<String>) -> Result<Response, Fault> {
    let w = visit.w();
    let now = match (visit.state.declared, visit.state.runs_out) {
        (true, Some(until)) => {
            let time = say::moment(w, until, visit.state.now);
            Some(w.with("carried-runs-out", &[("time", (&time).into())]))
        }
        (true, None) => Some(w["carried-holds"].to_owned()),
        (false, _) if taken => Some(w["carried-ended"].to_owned()),
        (false, _) => None,
    };
    visit.show(&CarriedPage {
        page: visit.page(&w["carried-title"], SCRIPTS),
        codes: &form.codes,
        taken,
        now,
        problem,
    })
}

#[derive(Template)]
#[template(path = "screens/carried.html")]
struct CarriedPage<'a> {
    page: Page<'a>,
    codes: &'a str,
    taken: bool,
    now: Option<String>,
    problem: Option<String>,
}
