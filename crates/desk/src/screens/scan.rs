//! A bar code read anywhere: whose it is, and which screen that means for this person.
//!
//! Patient cards, visit slips and sheets, temporary patients. A code of something else is said to be that.

use axum::Form;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use chart::{FormId, PatientId, TemporaryId};
use downtime::identity::Role;
use downtime::index::Index;
use downtime::view::Day;
use serde::Deserialize;

use super::{Open, Route, Screen};
use crate::fault::Fault;
use crate::visit::Visit;
use crate::who::Who;

/// No screen of its own: the scanner.
pub static SCREEN: Screen = Screen {
    id: "S00",
    name: "scan",
    nav: None,
    who: &[
        Role::Reception,
        Role::Physician,
        Role::Nurse,
        Role::Accounting,
        Role::BreakGlass,
    ],
    open: Open::Downtime,
    routes: &[Route {
        method: "POST",
        path: "/scan",
        handler: || post(scan),
    }],
};

#[derive(Deserialize)]
struct Scan {
    code: String,
}

async fn scan(visit: Visit, Form(form): Form<Scan>) -> Result<Response, Fault> {
    let signed = visit.signed()?;
    let who = find(&visit, &signed.session.index(), &signed.session.day(), &form.code).ok_or(Fault::UnknownCode)?;
    let to = visit.person_address(&who.handle);
    Ok(Redirect::to(&to).into_response())
}

/// A whole code, exactly: never part of a number.
pub(super) fn find(visit: &Visit, index: &Index, day: &Day, code: &str) -> Option<Who> {
    if let Some(id) = TemporaryId::parse(code) {
        return day
            .registration(&id)
            .and_then(|(recorded, _)| Who::registered(&recorded));
    }
    if let Some(row) = PatientId::parse(code).and_then(|id| index.find(&id)) {
        return Who::row(visit, index, row.number());
    }
    let sheet = FormId::parse(code)?;
    Who::of_entry(visit, index, day, &*day.sheet(&sheet)?)
}
