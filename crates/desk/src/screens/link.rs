//! S61 照合・統合: which temporary patient is which patient of the EHR. One person proposes, another confirms, either takes it
//! back with a reason.
//!
//! Six identifiers stand side by side, with a mark where they differ. Nothing is merged: both numbers stay on everything, and
//! only the person who types into the EHR uses the link. Whoever looks opens the patient's chart, and that is written down.

use askama::Template;
use axum::Form;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use chart::entry::{Link, TemporaryPatient};
use chart::{Act, EntryId, PatientId, Subject};
use downtime::audit::Deed;
use downtime::view::{LinkState, View};
use serde::Deserialize;

use super::chart::{cannot_open, look};
use super::{LINKERS, Open, Route, Screen};
use crate::fault::Fault;
use crate::layout::{Done, Page, SCRIPTS};
use crate::paper::After;
use crate::people::People;
use crate::reason::reason;
use crate::say;
use crate::visit::Visit;
use crate::who::Who;

mod compare;

use compare::{Line, lines};

/// S61.
pub static SCREEN: Screen = Screen {
    id: "S61",
    name: "link",
    nav: None,
    who: LINKERS,
    open: Open::SignedIn,
    routes: &[
        Route {
            method: "GET",
            path: "/link",
            handler: || get(show).post(propose),
        },
        Route {
            method: "POST",
            path: "/link/compare",
            handler: || post(compare),
        },
        Route {
            method: "GET",
            path: "/link/{entry}",
            handler: || get(one),
        },
        Route {
            method: "POST",
            path: "/link/{entry}/confirm",
            handler: || post(confirm),
        },
        Route {
            method: "POST",
            path: "/link/{entry}/undo",
            handler: || post(undo),
        },
    ],
};

#[derive(Deserialize, Default)]
#[serde(default)]
struct LinkForm {
    /// The entry that registered the temporary patient.
    temporary: String,
    /// The patient's number as typed or scanned.
    number: String,
    reason: String,
}

async fn show(visit: Visit, Query(after): Query<After>) -> Result<Response, Fault> {
    let done = after.done(&visit, "");
    list(&visit, StatusCode::OK, done, None)
}

/// Two people, found by what the form says.
fn pair(visit: &Visit, form: &LinkForm) -> Result<Result<(TemporaryPatient, Who), &'static str>, Fault> {
    let signed = visit.signed()?;
    let index = signed.session.index();
    let day = signed.session.day();
    let entry = EntryId::parse(&form.temporary).and_then(|id| day.get(&id));
    let Some(Act::TemporaryRegistered(temporary)) = entry.map(|r| r.entry.act.clone()) else {
        return Ok(Err("link-choose"));
    };
    let typed: String = form
        .number
        .chars()
        .map(chart::id::half_width)
        .filter(|c| !c.is_whitespace())
        .collect();
    let row = PatientId::parse(&typed).and_then(|id| index.find(&id));
    let who = row.and_then(|row| Who::row(visit, &index, row.number()));
    Ok(who.map(|who| (temporary, who)).ok_or("link-no-patient"))
}

async fn compare(visit: Visit, Form(form): Form<LinkForm>) -> Result<Response, Fault> {
    match pair(&visit, &form)? {
        Ok((temporary, who)) => {
            let view = look(&visit, &who).await?;
            proposal(&visit, &form, &temporary, &view, None)
        }
        Err(problem) => refuse(&visit, problem),
    }
}

async fn propose(visit: Visit, Form(form): Form<LinkForm>) -> Result<Response, Fault> {
    let (temporary, who) = match pair(&visit, &form)? {
        Ok(both) => both,
        Err(problem) => return refuse(&visit, problem),
    };
    let reason = reason(&form.reason);
    let view = look(&visit, &who).await?;
    if reason.is_empty() {
        return proposal(&visit, &form, &temporary, &view, Some("link-why"));
    }
    let Subject::Patient(patient) = who.subject else {
        return refuse(&visit, "link-no-patient");
    };
    let _turn = visit.site.turn("link").await;
    let stands = {
        let day = visit.signed()?.session.day();
        let same = |l: &LinkState| l.link.temporary == temporary.id && l.link.patient == patient && l.undone.is_none();
        day.links().any(|link| same(&link))
    };
    if stands {
        return refuse(&visit, "link-stands");
    }
    let link = Link {
        temporary: temporary.id,
        patient,
        reason,
    };
    let entry = record(&visit, &link, "proposed", Act::LinkProposed(link.clone())).await?;
    Ok(After::redirect("/link", Some(entry), &[]))
}

/// Writes down who links whom, then records it.
async fn record(visit: &Visit, link: &Link, what: &str, act: Act) -> Result<EntryId, Fault> {
    let session = &visit.signed()?.session;
    let mut sighting = session.sighting(Deed::Linked);
    sighting.subject = Subject::Patient(link.patient.clone());
    sighting.detail = format!("{what} {}", link.temporary);
    session
        .witness(sighting)
        .await
        .map_err(|fault| Fault::NotAudited(fault.to_string()))?;
    session
        .record(Subject::Temporary(link.temporary.clone()), act)
        .await
        .map_err(|fault| Fault::NotSaved(fault.to_string()))
}

/// A proposal as it stands.
struct Standing {
    id: EntryId,
    link: Link,
    by: String,
    at: chart::Moment,
    waits: bool,
    holds: bool,
    own: bool,
}

fn standing(visit: &Visit, entry: &str) -> Result<Standing, Fault> {
    let session = &visit.signed()?.session;
    let id = EntryId::parse(entry).ok_or(Fault::Stale)?;
    let day = session.day();
    let found = day.links().find(|l| l.proposal.id == id).map(|l| Standing {
        id,
        link: l.link.clone(),
        by: l.proposal.entry.by.name.clone(),
        at: l.proposal.entry.written_at,
        waits: l.waits(),
        holds: l.holds(),
        own: l.proposal.entry.by.user == session.author().user,
    });
    found.ok_or(Fault::Stale)
}

async fn one(visit: Visit, Path(entry): Path<String>) -> Result<Response, Fault> {
    let standing = standing(&visit, &entry)?;
    standing_page(&visit, standing, None).await
}

async fn confirm(visit: Visit, Path(entry): Path<String>) -> Result<Response, Fault> {
    let _turn = visit.site.turn("link").await;
    let standing = standing(&visit, &entry)?;
    if standing.own || !standing.waits {
        let problem = if standing.own { "link-not-yourself" } else { "link-over" };
        return standing_page(&visit, standing, Some(problem)).await;
    }
    let patient = Subject::Patient(standing.link.patient.clone());
    visit.signed()?.session.may_write(&patient).await.map_err(cannot_open)?;
    let act = Act::LinkConfirmed { entry: standing.id };
    let entry = record(&visit, &standing.link, "confirmed", act).await?;
    Ok(After::redirect("/link", Some(entry), &[]))
}

#[derive(Deserialize)]
struct UndoForm {
    reason: String,
}

async fn undo(visit: Visit, Path(entry): Path<String>, Form(form): Form<UndoForm>) -> Result<Response, Fault> {
    let _turn = visit.site.turn("link").await;
    let standing = standing(&visit, &entry)?;
    let reason = reason(&form.reason);
    if reason.is_empty() || !(standing.waits || standing.holds) {
        let problem = if reason.is_empty() {
            "link-undo-why"
        } else {
            "link-over"
        };
        return standing_page(&visit, standing, Some(problem)).await;
    }
    let act = Act::LinkUndone {
        entry: standing.id,
        reason,
    };
    let entry = record(&visit, &standing.link, "undone", act).await?;
    Ok(After::redirect("/link", Some(entry), &[]))
}

fn refuse(visit: &Visit, problem: &str) -> Result<Response, Fault> {
    list(
        visit,
        StatusCode::UNPROCESSABLE_ENTITY,
        None,
        Some(visit.w()[problem].to_owned()),
    )
}

struct Pair {
    handle: String,
    temporary: String,
    patient: String,
    words: String,
}

struct Candidate {
    handle: String,
    name: String,
    linked: bool,
}

fn list(visit: &Visit, status: StatusCode, done: Option<Done>, problem: Option<String>) -> Result<Response, Fault> {
    let w = visit.w();
    let signed = visit.signed()?;
    let index = signed.session.index();
    let (waiting, linked, people) = {
        let day = signed.session.day();
        let people = People::new(visit, &index, &day);
        let shown = |l: &LinkState| {
            let row = index
                .find(&l.link.patient)
                .and_then(|row| Who::row(visit, &index, row.number()));
            let patient = row.and_then(|who| people.identified(&who));
            let registered = day.registration(&l.link.temporary);
            let temporary = registered.and_then(|(recorded, _)| people.identified(&Who::registered(&recorded)?));
            let by = l.confirmed.as_ref().unwrap_or(&l.proposal);
            let at = say::moment(w, by.entry.written_at, visit.state.now);
            let word = if l.confirmed.is_some() {
                "link-confirmed-by"
            } else {
                "link-proposed-by"
            };
            Pair {
                handle: l.proposal.id.hex(),
                temporary: temporary.unwrap_or_else(|| l.link.temporary.to_string()),
                patient: patient.unwrap_or_else(|| l.link.patient.shown()),
                words: w.with(word, &[("name", (&by.entry.by.name).into()), ("time", (&at).into())]),
            }
        };
        let waiting: Vec<Pair> = day.links().filter(LinkState::waits).map(|l| shown(&l)).collect();
        let linked: Vec<Pair> = day.links().filter(LinkState::holds).map(|l| shown(&l)).collect();
        let people: Vec<Candidate> = day
            .temporary_patients()
            .map(|(recorded, t)| Candidate {
                handle: recorded.id.hex(),
                name: Who::registered(&recorded)
                    .and_then(|who| people.identified(&who))
                    .unwrap_or_else(|| t.id.to_string()),
                linked: day.patients_of(&t.id).next().is_some(),
            })
            .collect();
        (waiting, linked, people)
    };
    let html = LinkPage {
        page: visit.page(&w["link-title"], SCRIPTS),
        waiting,
        linked,
        people,
        done,
        problem,
    };
    visit.show_as(status, &html)
}

fn proposal(
    visit: &Visit,
    form: &LinkForm,
    temporary: &TemporaryPatient,
    view: &View,
    problem: Option<&str>,
) -> Result<Response, Fault> {
    let w = visit.w();
    let status = if problem.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    let html = ComparePage {
        page: visit.page(&w["link-title"], SCRIPTS),
        temporary: temporary.id.to_string(),
        patient: view.subject.shown(),
        lines: lines(visit, temporary, view),
        form: Some(form),
        standing: None,
        done: None,
        problem: problem.map(|word| w[word].to_owned()),
    };
    visit.show_as(status, &html)
}

struct StandingWords {
    handle: String,
    words: String,
    may_confirm: bool,
    own: bool,
    may_undo: bool,
}

async fn standing_page(visit: &Visit, standing: Standing, problem: Option<&str>) -> Result<Response, Fault> {
    let w = visit.w();
    let session = &visit.signed()?.session;
    let patient = Subject::Patient(standing.link.patient.clone());
    let view = session.look(&patient).await.map_err(cannot_open)?;
    let temporary = session.day().temporary(&standing.link.temporary).ok_or(Fault::Stale)?;
    let at = say::moment(w, standing.at, visit.state.now);
    let named = [
        ("name", (&standing.by).into()),
        ("time", (&at).into()),
        ("reason", (&standing.link.reason).into()),
    ];
    let status = if problem.is_some() {
        StatusCode::CONFLICT
    } else {
        StatusCode::OK
    };
    let html = ComparePage {
        page: visit.page(&w["link-title"], SCRIPTS),
        temporary: temporary.id.to_string(),
        patient: view.subject.shown(),
        lines: lines(visit, &temporary, &view),
        form: None,
        standing: Some(StandingWords {
            handle: standing.id.hex(),
            words: w.with("link-standing", &named),
            may_confirm: standing.waits && !standing.own,
            own: standing.own && standing.waits,
            may_undo: standing.waits || standing.holds,
        }),
        done: None,
        problem: problem.map(|word| w[word].to_owned()),
    };
    visit.show_as(status, &html)
}

#[derive(Template)]
#[template(path = "screens/link.html")]
struct LinkPage<'a> {
    page: Page<'a>,
    waiting: Vec<Pair>,
    linked: Vec<Pair>,
    people: Vec<Candidate>,
    done: Option<Done>,
    problem: Option<String>,
}

#[derive(Template)]
#[template(path = "screens/link_compare.html")]
struct ComparePage<'a> {
    page: Page<'a>,
    temporary: String,
    patient: String,
    lines: Vec<Line>,
    form: Option<&'a LinkForm>,
    standing: Option<StandingWords>,
    done: Option<Done>,
    problem: Option<String>,
}
