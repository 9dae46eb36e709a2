//! A terminal that waits, and one station: comparing the fingerprint, enrolling, refusing, taking out.

use askama::Template;
use axum::Form;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use chart::StationCode;
use downtime::identity::enrolment::{NotDone, Standing};
use serde::Deserialize;

use super::{Books, Line, Reason, SCRIPTS, Waiting, act, books, done, line, refused_status, unhex, waiting, why};
use crate::fault::Fault;
use crate::layout::Page;
use crate::say;
use crate::visit::Visit;

pub(super) async fn ask(visit: Visit, Path(id): Path<String>) -> Result<Response, Fault> {
    waiting_page(&visit, &id, StatusCode::OK, None).await
}

async fn waiting_page(visit: &Visit, id: &str, status: StatusCode, problem: Option<String>) -> Result<Response, Fault> {
    let w = visit.w();
    let books = books(visit).await?;
    let id = unhex(id).ok_or(Fault::NotFound)?;
    let invitation = books.ledger.find(&id).ok_or(Fault::NotFound)?;
    let lives = matches!(invitation.standing(visit.state.now), Standing::Open | Standing::Waiting);
    let problem = problem.or_else(|| (!lives).then(|| why(w, &NotDone::Gone)));
    let offer = &invitation.offer;
    let one = waiting(visit, invitation);
    let groups = one.fingerprint.split('-').map(str::to_owned).collect();
    visit.show_as(
        status,
        &WaitingPage {
            page: visit.page(
                &w.with("stations-waiting-title", &[("code", (&one.code).into())]),
                SCRIPTS,
            ),
            groups,
            kind: w[if offer.hub {
                "stations-kind-hub"
            } else {
                "stations-enrolled"
            }]
            .to_owned(),
            renews: offer.renews,
            numbers: offer.block.to_string(),
            label: offer.label.to_string(),
            places: [offer.wards.join("・"), offer.departments.join("・")]
                .join(" ")
                .trim()
                .to_owned(),
            one,
            lives,
            keeps: books.keeps,
            problem,
        },
    )
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Compared {
    /// The fingerprint as this page showed it: a request that changed meanwhile is not enrolled.
    fingerprint: String,
    same: String,
}

pub(super) async fn approve(
    visit: Visit,
    Path(id): Path<String>,
    Form(form): Form<Compared>,
) -> Result<Response, Fault> {
    let key = unhex(&id).ok_or(Fault::NotFound)?;
    if form.same != "1" {
        let problem = visit.w()["stations-compare-first"].to_owned();
        return waiting_page(&visit, &id, StatusCode::UNPROCESSABLE_ENTITY, Some(problem)).await;
    }
    let fingerprint = super::text(&form.fingerprint);
    let detail = format!("端末を登録（指紋 {fingerprint}）");
    let approved = act(&visit, detail, "", move |office, by| {
        office.approve(&key, &fingerprint, by)
    })
    .await?;
    match approved {
        Ok(code) => Ok(done("approved", code)),
        Err(fault) => {
            let problem = why(visit.w(), &fault);
            waiting_page(&visit, &id, refused_status(&fault), Some(problem)).await
        }
    }
}

pub(super) async fn refuse(visit: Visit, Path(id): Path<String>, form: Form<Reason>) -> Result<Response, Fault> {
    let key = unhex(&id).ok_or(Fault::NotFound)?;
    let reason = Reason::of(form);
    if reason.is_empty() {
        let problem = visit.w()["stations-say-why"].to_owned();
        return waiting_page(&visit, &id, StatusCode::UNPROCESSABLE_ENTITY, Some(problem)).await;
    }
    let said = reason.clone();
    let refused = act(
        &visit,
        "端末の登録を断る".to_owned(),
        &reason,
        move |office, by| office.refuse(&key, &said, by),
    )
    .await?;
    match refused {
        Ok(code) => Ok(done("refused", code)),
        Err(fault) => {
            let problem = why(visit.w(), &fault);
            waiting_page(&visit, &id, refused_status(&fault), Some(problem)).await
        }
    }
}

pub(super) async fn one(visit: Visit, Path(code): Path<String>) -> Result<Response, Fault> {
    one_page(&visit, &code, StatusCode::OK, None).await
}

async fn one_page(visit: &Visit, code: &str, status: StatusCode, problem: Option<String>) -> Result<Response, Fault> {
    let w = visit.w();
    let books: Books = books(visit).await?;
    let code = StationCode::parse(code).ok_or(Fault::NotFound)?;
    let station = books.roster.station(code).ok_or(Fault::NotFound)?;
    let word = |what: &str| match what {
        "enrolled" => w["stations-was-enrolled"].to_owned(),
        "renewed" => w["stations-was-renewed"].to_owned(),
        "retired" => w["stations-was-retired"].to_owned(),
        "promoted" => w["stations-was-promoted"].to_owned(),
        other => other.to_owned(),
    };
    let now = visit.state.now;
    let history = station.history.iter().rev().map(|change| Change {
        at: say::moment(w, change.at, now),
        what: word(&change.what),
        by: change.by.clone(),
        note: change.note.clone(),
    });
    let history = history.collect();
    let own = visit.site.station().code() == code;
    visit.show_as(
        status,
        &OnePage {
            page: visit.page(
                &w.with("stations-one-title", &[("code", code.as_str().into())]),
                SCRIPTS,
            ),
            line: line(visit, &books.roster, station, &visit.site.station().stations_seen()),
            address: station.address.clone().unwrap_or_default(),
            former: station.former.len(),
            history,
            may: books.keeps && !own,
            retired: station.retired,
            problem,
        },
    )
}

pub(super) async fn retire(visit: Visit, Path(code): Path<String>, form: Form<Reason>) -> Result<Response, Fault> {
    let station = StationCode::parse(&code).ok_or(Fault::NotFound)?;
    let reason = Reason::of(form);
    if reason.is_empty() {
        let problem = visit.w()["stations-say-why"].to_owned();
        return one_page(&visit, &code, StatusCode::UNPROCESSABLE_ENTITY, Some(problem)).await;
    }
    let said = reason.clone();
    let retired = act(
        &visit,
        format!("端末 {station} を外す"),
        &reason,
        move |office, by| office.retire(station, &said, by),
    )
    .await?;
    match retired {
        Ok(()) => Ok(done("retired", station)),
        Err(fault) => {
            let problem = why(visit.w(), &fault);
            one_page(&visit, &code, refused_status(&fault), Some(problem)).await
        }
    }
}

/// A line of a station's history.
struct Change {
    at: String,
    what: String,
    by: String,
    note: String,
}

#[derive(Template)]
#[template(path = "screens/stations_waiting.html")]
struct WaitingPage<'a> {
    page: Page<'a>,
    one: Waiting,
    groups: Vec<String>,
    kind: String,
    renews: bool,
    numbers: String,
    label: String,
    places: String,
    lives: bool,
    keeps: bool,
    problem: Option<String>,
}

#[derive(Template)]
#[template(path = "screens/stations_one.html")]
struct OnePage<'a> {
    page: Page<'a>,
    line: Line,
    address: String,
    former: usize,
    history: Vec<Change>,
    may: bool,
    retired: bool,
    problem: Option<String>,
}
