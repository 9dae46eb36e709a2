//! S03 停止の宣言: one button and a reason open the patient screens on every station; ending needs what was checked.
//!
//! Always provisional at first (仮宣言): it opens everything at once and runs out after half an hour unless a second person,
//! another staff number, confirms it. Then it holds until somebody ends it, at most 90 days. The clinic never waits.

use askama::Template;
use axum::Form;
use axum::extract::Query;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use chart::entry::Declaration;
use chart::{Act, EntryId, Subject};
use downtime::papers::{CarriedDeclaration, Office, declaration};
use downtime::state::Mode;
use serde::Deserialize;

use super::{DECLARERS, Open, Route, Screen};
use crate::fault::Fault;
use crate::layout::{Done, Page, SCRIPTS};
use crate::paper::{After, Order, issue};
use crate::reason::reason;
use crate::say;
use crate::visit::Visit;

/// S03.
pub static SCREEN: Screen = Screen {
    id: "S03",
    name: "declare",
    nav: Some(("nav-declare", "7", "/declare")),
    who: DECLARERS,
    open: Open::SignedIn,
    routes: &[
        Route {
            method: "GET",
            path: "/declare",
            handler: || get(show).post(declare),
        },
        Route {
            method: "POST",
            path: "/declare/confirm",
            handler: || post(confirm),
        },
        Route {
            method: "POST",
            path: "/declare/end",
            handler: || post(end),
        },
        Route {
            method: "POST",
            path: "/declare/paper",
            handler: || post(paper),
        },
        Route {
            method: "GET",
            path: "/declare/paper/{sheet}",
            handler: || get(super::print::fetch),
        },
        Route {
            method: "GET",
            path: "/declare/file",
            handler: || get(file),
        },
    ],
};

/// Reasons as recorded: value in the form, words in the entry.
const REASONS: [(&str, &str); 4] = [
    ("1", "画面が開かない"),
    ("2", "入力できない"),
    ("3", "遅い"),
    ("4", "その他"),
];

async fn show(visit: Visit, Query(after): Query<After>) -> Result<Response, Fault> {
    let done = after.done(&visit, "");
    page(&visit, done, None)
}

#[derive(Deserialize)]
struct DeclareForm {
    reason: String,
    #[serde(default)]
    text: String,
    drill: Option<String>,
}

async fn declare(visit: Visit, Form(form): Form<DeclareForm>) -> Result<Response, Fault> {
    let signed = visit.signed()?.clone();
    let _turn = visit.site.turn("declare").await;
    if signed.session.day().declaration(visit.state.now).is_some() {
        // Somebody else was quicker; the page shows who.
        return page(&visit, None, Some(visit.w()["declare-already"].to_owned()));
    }
    let (_, word) = REASONS
        .iter()
        .find(|(value, _)| *value == form.reason)
        .ok_or(Fault::Input("reason"))?;
    let text = reason(&form.text);
    let reason = if text.is_empty() {
        (*word).to_owned()
    } else {
        format!("{word}（{text}）")
    };
    let declaration = Declaration {
        provisional: true,
        drill: form.drill.is_some(),
        stopped_at: visit.state.stopped_at.unwrap_or(visit.state.now),
        reason,
    };
    let entry = signed
        .session
        .record(Subject::Hospital, Act::DowntimeDeclared(declaration))
        .await
        .map_err(|fault| Fault::NotSaved(fault.to_string()))?;
    Ok(After::redirect(visit.first_screen(), Some(entry), &[]))
}

#[derive(Deserialize)]
struct ConfirmForm {
    entry: String,
}

async fn confirm(visit: Visit, Form(form): Form<ConfirmForm>) -> Result<Response, Fault> {
    let signed = visit.signed()?.clone();
    let id = EntryId::parse(&form.entry).ok_or(Fault::Stale)?;
    let _turn = visit.site.turn("declare").await;
    let by = {
        let day = signed.session.day();
        let waits = day.declared_until(&id).is_some_and(|(_, waits)| waits);
        let holds = day.declaration(visit.state.now).filter(|(r, _)| r.id == id && waits);
        holds.map(|(r, _)| r.entry.by.user.clone())
    };
    let problem = match by {
        None => Some("declare-over"),
        Some(by) if by == signed.session.author().user => Some("declare-not-yourself"),
        Some(_) => None,
    };
    if let Some(problem) = problem {
        return page(&visit, None, Some(visit.w()[problem].to_owned()));
    }
    let entry = signed
        .session
        .record(Subject::Hospital, Act::DowntimeConfirmed { entry: id })
        .await
        .map_err(|fault| Fault::NotSaved(fault.to_string()))?;
    Ok(After::redirect("/declare", Some(entry), &[]))
}

#[derive(Deserialize)]
struct EndForm {
    entry: String,
    reason: String,
}

async fn end(visit: Visit, Form(form): Form<EndForm>) -> Result<Response, Fault> {
    let signed = visit.signed()?.clone();
    let id = EntryId::parse(&form.entry).ok_or(Fault::Stale)?;
    let reason = reason(&form.reason);
    if reason.is_empty() {
        return page(&visit, None, Some(visit.w()["declare-no-check"].to_owned()));
    }
    let _turn = visit.site.turn("declare").await;
    let holds = signed
        .session
        .day()
        .declaration(visit.state.now)
        .is_some_and(|(r, _)| r.id == id);
    if !holds {
        return page(&visit, None, None);
    }
    let entry = signed
        .session
        .record(Subject::Hospital, Act::DowntimeEnded { entry: id, reason })
        .await
        .map_err(|fault| Fault::NotSaved(fault.to_string()))?;
    Ok(After::redirect("/", Some(entry), &[]))
}

/// F29: the newest declaration for a terminal that no line reaches.
async fn paper(visit: Visit) -> Result<Response, Fault> {
    let signed = visit.signed()?.clone();
    let carried = carried(&visit)?;
    let order = Order {
        subject: Subject::Hospital,
        number: None,
        reissue: false,
    };
    let sheet = issue(&visit, &signed, order, |issue| {
        let office = Office {
            hospital: issue.hospital.clone(),
            station: issue.station,
            now: issue.now,
            nth: 0,
        };
        let mut sheet = declaration(&carried, &office);
        sheet.drill = issue.drill;
        sheet.form_id = issue.form_id.as_ref().map(ToString::to_string).unwrap_or_default();
        Some(sheet)
    })
    .await?;
    Ok(After::redirect("/declare", None, &[Ok(sheet)]))
}

/// The same as a text file.
async fn file(visit: Visit) -> Result<Response, Fault> {
    let carried = carried(&visit)?;
    let mut text = format!("停止宣言書 / declaration  {} {}\r\n\r\n", carried.at.text(), carried.by);
    for code in &carried.codes {
        text.push_str(&code.digits);
        text.push_str("\r\n");
    }
    let name = format!(
        "attachment; filename=\"tomoshibi-declaration-{}.txt\"",
        carried.at.day()
    );
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    if let Ok(name) = HeaderValue::from_str(&name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

/// The newest declaration with its codes, for paper and file: always in Japanese, like the paper.
fn carried(visit: &Visit) -> Result<CarriedDeclaration, Fault> {
    let signed = visit.signed()?;
    let codes = signed.session.station().declaration_codes();
    let day = signed.session.day();
    let said = day.newest_declaration();
    let declared = said.first().ok_or(Fault::Stale)?;
    let Act::DowntimeDeclared(declaration) = &declared.entry.act else {
        return Err(Fault::Stale);
    };
    let ended = day.undone_by(&declared.id);
    let until = match (ended, day.declared_until(&declared.id).unwrap_or_default()) {
        (Some(end), _) => format!("{} に終わりました", end.entry.written_at.text()),
        (None, (until, true)) => format!("{} まで（仮宣言。もう一人の確認で最長90日）", until.text()),
        (None, (until, false)) => format!("{} まで（終えるまで）", until.text()),
    };
    Ok(CarriedDeclaration {
        by: declared.entry.by.name.clone(),
        at: declared.entry.written_at,
        stopped_at: declaration.stopped_at,
        until,
        reason: declaration.reason.clone(),
        codes,
    })
}

struct Holds {
    words: String,
    until: String,
    /// It waits for a second person, who may be the reader.
    waits: bool,
    own: bool,
    reason: String,
    entry: String,
}

fn page(visit: &Visit, done: Option<Done>, problem: Option<String>) -> Result<Response, Fault> {
    let w = visit.w();
    let signed = visit.signed()?;
    let now = visit.state.now;
    let holds = {
        let day = signed.session.day();
        day.declaration(now).map(|(recorded, declaration)| {
            let by = &recorded.entry.by;
            let at = say::moment(w, recorded.entry.written_at, now);
            let stop = say::moment(w, declaration.stopped_at, now);
            let (until, waits) = day.declared_until(&recorded.id).unwrap_or_default();
            let until = say::moment(w, until, now);
            let until_word = if waits { "declare-runs-out" } else { "declare-until" };
            Holds {
                words: w.with(
                    "declare-holds",
                    &[
                        ("name", (&by.name).into()),
                        ("time", (&at).into()),
                        ("stop", (&stop).into()),
                    ],
                ),
                until: w.with(until_word, &[("time", (&until).into())]),
                waits,
                own: by.user == signed.session.author().user,
                reason: declaration.reason.clone(),
                entry: recorded.id.hex(),
            }
        })
    };
    let situation = match &visit.state.mode {
        Mode::EhrSilent { since } => {
            let at = say::moment(w, *since, now);
            let span = say::span(w, now.minutes_since(*since));
            w.with("declare-silent", &[("time", (&at).into()), ("span", (&span).into())])
        }
        Mode::Normal => w["declare-normal"].to_owned(),
        Mode::Checking => w["declare-checking"].to_owned(),
        Mode::NetworkDown { .. } => w["declare-network"].to_owned(),
        Mode::EhrDown { .. } => w["declare-running"].to_owned(),
    };
    let words = [&w["declare-1"], &w["declare-2"], &w["declare-3"], &w["declare-4"]];
    let carry = !signed.session.day().newest_declaration().is_empty();
    visit.show(&DeclarePage {
        page: visit.page(&w["declare-title"], SCRIPTS),
        situation,
        holds,
        reasons: REASONS
            .iter()
            .zip(words)
            .map(|((value, _), word)| (*value, word.to_owned()))
            .collect(),
        carry,
        done,
        problem,
    })
}

#[derive(Template)]
#[template(path = "screens/declare.html")]
struct DeclarePage<'a> {
    page: Page<'a>,
    situation: String,
    holds: Option<Holds>,
    reasons: Vec<(&'static str, String)>,
    /// There is a declaration that can be carried to another terminal.
    carry: bool,
    done: Option<Done>,
    problem: Option<String>,
}
