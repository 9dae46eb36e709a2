//! S90 印刷の状況: what was sent to a printer and has not come out yet, and what a person does about it.
//!
//! The queue never prints a sheet twice by itself; sending again is always an act of a person, who is told when the sheet may
//! exist already. Every such act is in the audit log before it happens. Only listed printers can be chosen.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use chart::Subject;
use downtime::audit::Deed;
use downtime::printing::{Cancelled, Health, Job, JobId, Paper, Queue, Refused, Sheet, Shown, State, Trouble};
use serde::Deserialize;

use super::{Open, Route, STAFF, Screen};
use crate::fault::Fault;
use crate::gate::set_cookie;
use crate::layout::{Done, Page, SCRIPTS};
use crate::people::People;
use crate::reason::reason;
use crate::say;
use crate::session::{Way, cookie};
use crate::visit::Visit;
use crate::who::Who;
use crate::words::Words;

mod showing;

/// S90.
pub static SCREEN: Screen = Screen {
    id: "S90",
    name: "printing",
    nav: None,
    who: STAFF,
    open: Open::SignedIn,
    routes: &[
        Route {
            method: "GET",
            path: "/printing",
            handler: || get(show),
        },
        Route {
            method: "POST",
            path: "/printing/send",
            handler: || post(resend),
        },
        Route {
            method: "POST",
            path: "/printing/cancel",
            handler: || post(cancel),
        },
        Route {
            method: "POST",
            path: "/printing/here",
            handler: || post(choose),
        },
    ],
};

/// Cookie with the printer chosen for this browser: its name in hexadecimal digits.
const HERE: &str = "printer";

/// The printer for a sheet of this size asked for by this browser; `None` leaves it to the browser.
///
/// Who cannot look after a sheet on S90 does not send it away either.
pub fn printer(visit: &Visit, paper: Paper) -> Option<String> {
    visit.role().filter(|role| SCREEN.who.contains(role))?;
    let queue = visit.site.desk.printers.as_ref()?;
    queue
        .choose(visit.printer.as_deref(), paper)
        .map(|printer| printer.name.clone())
}

/// Queues a sheet that is on record already. What the queue does not take, the browser prints.
pub async fn send(visit: &Visit, job: Job, pdf: &Arc<Vec<u8>>, printer: String) -> Way {
    let Some(queue) = visit.site.desk.printers.clone() else {
        return Way::Browser;
    };
    let (now, name) = (visit.state.now, printer.clone());
    let sheet = Sheet {
        job,
        pdf: pdf.as_ref().clone(),
    };
    let queued = tokio::task::spawn_blocking(move || queue.add(sheet, &name, now)).await;
    match queued {
        Ok(Ok(id)) => Way::Sent(id, printer),
        Ok(Err(refused)) => {
            tracing::error!(%refused, "a sheet goes through the browser");
            Way::NotSent(refusal(&refused))
        }
        Err(fault) => {
            tracing::error!(%fault, "a sheet goes through the browser");
            Way::NotSent("printing-no-disk")
        }
    }
}

/// Which way sheets go here, in words.
pub fn route(visit: &Visit) -> String {
    let w = visit.w();
    let chosen = [Paper::A5, Paper::A4].map(|paper| (paper, printer(visit, paper)));
    let direct: Vec<String> = chosen
        .iter()
        .filter_map(|(paper, name)| Some(format!("{} {}", paper.word(), name.as_ref()?)))
        .collect();
    let browser = if visit.site.desk.silent_browser {
        &w["printing-route-silent"]
    } else {
        &w["printing-route-dialog"]
    };
    let names = direct.join("、");
    let words = w.with("printing-route-direct", &[("printers", (&names).into())]);
    match direct.len() {
        0 => browser.to_owned(),
        2 => words,
        _ => format!("{words}　{browser}"),
    }
}

/// Which words say why something was not taken.
fn refusal(refused: &Refused) -> &'static str {
    match refused {
        Refused::NotListed(_) => "printing-not-listed",
        Refused::Full => "printing-full",
        Refused::TooLarge(_) => "printing-too-large",
        Refused::Disk(_) => "printing-no-disk",
        Refused::Gone => "printing-gone",
        Refused::WithPrinter => "printing-with-printer",
        Refused::NoPaper(..) => "printing-no-paper",
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Said {
    /// What was just done.
    said: String,
}

async fn show(visit: Visit, Query(said): Query<Said>) -> Result<Response, Fault> {
    let w = visit.w();
    let known = ["sent", "cancelled", "asked", "here"];
    let done = known.into_iter().find(|word| *word == said.said).map(|word| {
        let key = format!("printing-said-{word}");
        Done::said(w.get(&key).unwrap_or(word).to_owned())
    });
    page(&visit, StatusCode::OK, done, None)
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct SendForm {
    job: String,
    printer: String,
}

/// A person has a sheet sent again, to the printer they chose.
async fn resend(visit: Visit, Form(form): Form<SendForm>) -> Result<Response, Fault> {
    let queue = queue(&visit)?;
    let _turn = visit.site.turn(&form.job).await;
    let Some(shown) = JobId::parse(&form.job).and_then(|id| queue.shown(id)) else {
        return refuse(&visit, &Refused::Gone);
    };
    if queue.printer(&form.printer).is_none() {
        return refuse(&visit, &Refused::NotListed(form.printer));
    }
    let again = match shown.state {
        State::Unsure(_) => "送り直し（出たか不明のもの）",
        _ => "送り直し",
    };
    witness(&visit, &shown, &format!("{again} {}", form.printer), "").await?;
    let now = visit.state.now;
    match blocking(move || queue.resend(shown.id, &form.printer, now)).await? {
        Ok(_) => Ok(Redirect::to("/printing?said=sent").into_response()),
        Err(refused) => refuse(&visit, &refused),
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct CancelForm {
    job: String,
    reason: String,
}

/// A person takes a sheet back, and says why.
async fn cancel(visit: Visit, Form(form): Form<CancelForm>) -> Result<Response, Fault> {
    let queue = queue(&visit)?;
    let _turn = visit.site.turn(&form.job).await;
    let Some(shown) = JobId::parse(&form.job).and_then(|id| queue.shown(id)) else {
        return refuse(&visit, &Refused::Gone);
    };
    let reason = reason(&form.reason);
    if reason.is_empty() {
        let why = visit.w()["printing-why"].to_owned();
        return page(&visit, StatusCode::UNPROCESSABLE_ENTITY, None, Some(why));
    }
    witness(&visit, &shown, "印刷の取り消し", &reason).await?;
    let now = visit.state.now;
    match blocking(move || queue.cancel(shown.id, now)).await? {
        Ok((_, Cancelled::Removed)) => Ok(Redirect::to("/printing?said=cancelled").into_response()),
        Ok((_, Cancelled::Asked)) => Ok(Redirect::to("/printing?said=asked").into_response()),
        Err(refused) => refuse(&visit, &refused),
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct HereForm {
    printer: String,
}

/// Which printer this browser's sheets go to from now on; empty goes back to the configured one.
async fn choose(visit: Visit, Form(form): Form<HereForm>) -> Result<Response, Fault> {
    let queue = queue(&visit)?;
    if !form.printer.is_empty() && queue.printer(&form.printer).is_none() {
        return refuse(&visit, &Refused::NotListed(form.printer));
    }
    let value: String = form.printer.bytes().map(|b| format!("{b:02x}")).collect();
    let secure = if visit.site.desk.https { "; Secure" } else { "" };
    let mut response = Redirect::to("/printing?said=here").into_response();
    let cookie = format!("{HERE}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=31536000{secure}");
    set_cookie(&mut response, &cookie);
    Ok(response)
}

/// The printer a browser chose earlier. It may no longer be listed.
pub fn chosen(headers: &axum::http::HeaderMap) -> Option<String> {
    let digits = cookie(headers, HERE).filter(|text| !text.is_empty() && text.len() <= 480 && text.is_ascii())?;
    let bytes: Option<Vec<u8>> = (0..digits.len() / 2)
        .map(|n| u8::from_str_radix(digits.get(n * 2..n * 2 + 2)?, 16).ok())
        .collect();
    String::from_utf8(bytes?).ok()
}

fn queue(visit: &Visit) -> Result<Arc<Queue>, Fault> {
    visit.site.desk.printers.clone().ok_or(Fault::Stale)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Fault> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|fault| Fault::Broken(fault.to_string()))
}

async fn witness(visit: &Visit, shown: &Shown, what: &str, reason: &str) -> Result<(), Fault> {
    let session = &visit.signed()?.session;
    let mut sighting = session.sighting(Deed::Printed);
    sighting.subject = shown.job.subject.clone();
    reason.clone_into(&mut sighting.reason);
    sighting.detail = format!("{} {} {}枚 {what}", shown.job.form, shown.job.number, shown.job.pages);
    let witnessed = session.witness(sighting).await;
    witnessed.map_err(|fault| Fault::NotAudited(fault.to_string()))
}

fn refuse(visit: &Visit, refused: &Refused) -> Result<Response, Fault> {
    let key = refusal(refused);
    let problem = visit.w().get(key).unwrap_or(key).to_owned();
    page(visit, StatusCode::CONFLICT, None, Some(problem))
}

fn page(visit: &Visit, status: StatusCode, done: Option<Done>, problem: Option<String>) -> Result<Response, Fault> {
    let w = visit.w();
    let overview = visit.site.desk.printers.as_ref().map(|queue| queue.overview());
    let (jobs, over, printers, damaged) = match &overview {
        None => Default::default(),
        Some(all) => (
            all.jobs.iter().map(|shown| showing::line(visit, shown, all)).collect(),
            all.over.iter().map(|over| showing::over(visit, over)).collect(),
            all.printers
                .iter()
                .map(|(printer, condition)| showing::printer(w, printer, condition))
                .collect::<Vec<_>>(),
            all.damaged,
        ),
    };
    visit.show_as(
        status,
        &PrintingPage {
            page: visit.page(&w["printing-title"], SCRIPTS),
            route: route(visit),
            here: visit.printer.clone().unwrap_or_default(),
            jobs,
            over,
            printers,
            damaged: (damaged > 0).then(|| w.with("printing-damaged", &[("n", damaged.into())])),
            back: visit.first_screen(),
            done,
            problem,
        },
    )
}

#[derive(Template)]
#[template(path = "screens/printing.html")]
struct PrintingPage<'a> {
    page: Page<'a>,
    route: String,
    here: String,
    jobs: Vec<showing::Line>,
    over: Vec<showing::OverLine>,
    printers: Vec<showing::PrinterLine>,
    damaged: Option<String>,
    back: &'static str,
    done: Option<Done>,
    problem: Option<String>,
}
