//! S71 印刷パック: the paper of each department and ward, made after the last sealing, and letting it out.
//!
//! It names no patient, so it is open at any time to who opens every chart. Before anything is printed the page says of which time the
//! data are and how many pages come. What lets paper out is `release`.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use downtime::identity::{Role, verb};
use downtime::packs::PackId;
use serde::Deserialize;

use super::{Open, Route, Screen};
use crate::fault::Fault;
use crate::layout::{Done, Page};
use crate::packs::Packs;
use crate::say;
use crate::visit::Visit;

mod release;
mod showing;

use showing::{Line, Table};

/// S71.
pub static SCREEN: Screen = Screen {
    id: "S71",
    name: "packs",
    nav: Some(("nav-packs", "6", "/packs")),
    who: &[
        Role::Reception,
        Role::Physician,
        Role::Informatics,
        Role::Nurse,
        Role::Reconciler,
    ],
    open: Open::SignedIn,
    routes: &[
        Route {
            method: "GET",
            path: "/packs",
            handler: || get(list),
        },
        Route {
            method: "GET",
            path: "/packs/{sheet}",
            handler: || get(one),
        },
        Route {
            method: "POST",
            path: "/packs/print",
            handler: || post(print),
        },
        Route {
            method: "POST",
            path: "/packs/pdf",
            handler: || post(release::pdf),
        },
        Route {
            method: "POST",
            path: "/packs/make",
            handler: || post(make),
        },
    ],
};

const SCRIPTS: &[&str] = &["modebar.js", "scan.js", "rows.js", "keys.js", "fade.js"];

#[derive(Deserialize, Default)]
#[serde(default)]
struct Said {
    said: String,
    pages: u32,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Wish {
    /// Name of the pack.
    pack: String,
    /// Snapshot that was shown: another one is another pack.
    epoch: u64,
    /// A printer's name; empty for those of the configuration together.
    to: String,
    /// What is out already is printed once more.
    again: String,
}

async fn list(visit: Visit, Query(said): Query<Said>) -> Result<Response, Fault> {
    let w = visit.w();
    let done = match said.said.as_str() {
        "sent" => Some(Done {
            sent: vec![w["printing-go"].to_owned()],
            ..Done::said(w.with("packs-said-sent", &[("n", u64::from(said.pages).into())]))
        }),
        "making" => Some(Done::said(w["packs-said-making"].to_owned())),
        _ => None,
    };
    page(&visit, StatusCode::OK, done, None)
}

fn page(visit: &Visit, status: StatusCode, done: Option<Done>, problem: Option<String>) -> Result<Response, Fault> {
    let w = visit.w();
    let table = Table::of(visit)?;
    visit.show_as(
        status,
        &PacksPage {
            page: visit.page(&w["packs-title"], SCRIPTS),
            table,
            done,
            problem,
        },
    )
}

async fn one(visit: Visit, Path(pack): Path<String>) -> Result<Response, Fault> {
    confirm(&visit, StatusCode::OK, &pack, None)
}

/// The page before anything leaves.
fn confirm(visit: &Visit, status: StatusCode, pack: &str, problem: Option<String>) -> Result<Response, Fault> {
    let w = visit.w();
    let id = PackId::parse(pack).ok_or(Fault::Stale)?;
    let table = Table::of(visit)?;
    let line = table.lines.iter().find(|line| line.id == id.as_str());
    let line = line.ok_or(Fault::Stale)?.clone();
    let exports = visit.role().is_some_and(|role| role.verbs() & verb::EXPORT != 0);
    visit.show_as(
        status,
        &ConfirmPage {
            page: visit.page(&w.with("packs-one", &[("name", (&line.label).into())]), SCRIPTS),
            head: table.head,
            epoch: table.epoch,
            line,
            exports,
            done: None,
            problem,
        },
    )
}

async fn print(visit: Visit, Form(wish): Form<Wish>) -> Result<Response, Fault> {
    let _turn = visit.site.turn("packs").await;
    match release::print(&visit, &wish).await? {
        Ok(pages) => Ok(Redirect::to(&format!("/packs?said=sent&pages={pages}")).into_response()),
        Err(problem) => confirm(&visit, StatusCode::CONFLICT, &wish.pack, Some(problem)),
    }
}

/// Somebody has the packs of this snapshot made now: after a restart in the middle, or when one is damaged.
async fn make(visit: Visit) -> Result<Response, Fault> {
    let packs = packs(&visit)?;
    let opened = visit.signed()?.session.opened();
    match &packs.remake {
        Some(remake) if opened.opens_everybody() => {
            remake(opened);
            Ok(Redirect::to("/packs?said=making").into_response())
        }
        _ => Err(Fault::Stale),
    }
}

fn packs(visit: &Visit) -> Result<Arc<Packs>, Fault> {
    visit.site.desk.packs.clone().ok_or(Fault::Stale)
}

#[derive(Template)]
#[template(path = "screens/packs.html")]
struct PacksPage<'a> {
    page: Page<'a>,
    table: Table,
    done: Option<Done>,
    problem: Option<String>,
}

#[derive(Template)]
#[template(path = "screens/packs_one.html")]
struct ConfirmPage<'a> {
    page: Page<'a>,
    head: String,
    epoch: u64,
    line: Line,
    exports: bool,
    done: Option<Done>,
    problem: Option<String>,
}
