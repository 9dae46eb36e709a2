//! S19 お薬手帳を読む: what a scanner typed and what pictures show, put together, shown, compared with the patient on screen, and only then kept.
//!
//! Nothing is merged: what is kept stands beside the chart. A notebook that names somebody else stops here until a person says why it is kept all the
//! same. What was read and is not kept yet travels in the page itself, so that nothing of it stays behind on the station.

use askama::Template;
use axum::Form;
use axum::extract::{DefaultBodyLimit, Multipart, Path, Query};
use axum::response::Response;
use axum::routing::{get, post};
use chart::entry::{MAX_NOTEBOOK_BYTES, NotebookPiece, NotebookRead, NotebookWay};
use chart::{Act, EntryId};
use downtime::view::View;
use jahis::okusuri::{Gathered, gather};
use serde::Deserialize;

use super::chart::{cannot_open, look, open};
use super::{Open, Route, Screen, WRITERS};
use crate::fault::Fault;
use crate::layout::{Banner, Done, Page};
use crate::panels::{self, notebook as panel};
use crate::paper::After;
use crate::reason::{Why, reason};
use crate::visit::Visit;
use crate::who::Who;

mod carried;
mod holder;
mod pictures;
mod sheet;

use holder::Line;
pub(super) use sheet::{has_any, issue as issue_sheet};

/// S19.
pub static SCREEN: Screen = Screen {
    id: "S19",
    name: "notebook",
    nav: None,
    who: WRITERS,
    open: Open::Downtime,
    routes: &[
        Route {
            method: "GET",
            path: "/p/{who}/notebook",
            handler: || get(show).post(typed),
        },
        Route {
            method: "POST",
            path: "/p/{who}/notebook/pictures",
            handler: || post(pictures).layer(DefaultBodyLimit::max(pictures::MAX_UPLOAD)),
        },
        Route {
            method: "POST",
            path: "/p/{who}/notebook/keep",
            handler: || post(keep),
        },
        Route {
            method: "POST",
            path: "/p/{who}/notebook/print",
            handler: || post(print),
        },
        Route {
            method: "POST",
            path: "/p/{who}/notebook/{entry}/discard",
            handler: || post(discard),
        },
    ],
};

// Without `scan.js`: it takes quick digits before a line end for a card and removes them, and a notebook's records end in such.
const SCRIPTS: &[&str] = &["modebar.js", "keys.js", "fade.js", "print.js"];

/// Fields in which a scanner types, one for each symbol.
const FIELDS: usize = 3;

/// What was sent, field by field; names come again.
type Sent = Vec<(String, String)>;

fn all<'s>(sent: &'s Sent, name: &str) -> impl Iterator<Item = &'s str> {
    sent.iter()
        .filter(move |(n, _)| n == name)
        .map(|(_, text)| text.as_str())
}

fn one<'s>(sent: &'s Sent, name: &str) -> &'s str {
    all(sent, name).next().unwrap_or_default().trim()
}

async fn show(visit: Visit, Path(who): Path<String>, Query(after): Query<After>) -> Result<Response, Fault> {
    let (who, view) = open(&visit, &who).await?;
    let done = after.done(&visit, "");
    let problems = after.problem(&visit).into_iter().collect();
    page(&visit, &who, &view, Reading::default(), done, problems)
}

/// Adds what a scanner typed to what was read before.
async fn typed(visit: Visit, Path(who): Path<String>, Form(sent): Form<Sent>) -> Result<Response, Fault> {
    let (who, view) = open(&visit, &who).await?;
    let mut pieces = carried::read(all(&sent, "piece"));
    let texts = all(&sent, "text").filter(|text| !text.trim().is_empty());
    let new: Vec<NotebookPiece> = texts
        .map(|text| NotebookPiece {
            way: NotebookWay::Typed,
            joined: None,
            bytes: text.as_bytes().to_vec(),
        })
        .collect();
    let problems = add(&visit, &mut pieces, new);
    page(&visit, &who, &view, Reading::of(pieces), None, problems)
}

/// Adds the symbols of pictures to what was read before.
async fn pictures(visit: Visit, Path(who): Path<String>, parts: Multipart) -> Result<Response, Fault> {
    let (who, view) = open(&visit, &who).await?;
    let sent = pictures::sent(parts).await?;
    let mut pieces = carried::read(sent.pieces.iter().map(String::as_str));
    let (found, mut problems) = pictures::symbols(&visit, sent).await?;
    problems.extend(add(&visit, &mut pieces, found));
    page(&visit, &who, &view, Reading::of(pieces), None, problems)
}

/// Adds pieces that are not there yet, as long as all of it fits an entry.
fn add(visit: &Visit, pieces: &mut Vec<NotebookPiece>, new: Vec<NotebookPiece>) -> Vec<String> {
    let w = visit.w();
    if new.is_empty() {
        return vec![w["notebook-nothing"].to_owned()];
    }
    let before = pieces.len();
    for piece in new {
        if !pieces.contains(&piece) {
            pieces.push(piece);
        }
    }
    if pieces.len() == before {
        return vec![w["notebook-twice"].to_owned()];
    }
    if NotebookRead::fits(pieces) {
        Vec::new()
    } else {
        pieces.truncate(before);
        vec![w.with("notebook-too-long", &[("kib", (MAX_NOTEBOOK_BYTES >> 10).into())])]
    }
}

async fn keep(visit: Visit, Path(who): Path<String>, Form(sent): Form<Sent>) -> Result<Response, Fault> {
    let (who, view) = open(&visit, &who).await?;
    let signed = visit.signed()?.clone();
    let w = visit.w();
    let pieces = carried::read(all(&sent, "piece"));
    let reason = reason(one(&sent, "reason"));
    let gathered = gather(&pieces);
    let once = one(&sent, "once").to_owned();
    let _turn = visit.site.turn(&once).await;
    let back = format!("/p/{}", who.handle);
    if let Some(entry) = signed.done_once(&once) {
        return Ok(After::redirect(&back, Some(entry), &[]));
    }
    let agree = holder::agree(&view, &gathered);
    let refused = if gathered.books.is_empty() || !NotebookRead::fits(&pieces) {
        Some("notebook-nothing")
    } else if holder::of_two(&gathered) {
        Some("notebook-of-two")
    } else if view.notebooks.iter().any(|(_, read)| read.pieces == pieces) {
        Some("notebook-kept-already")
    } else if !agree && reason.is_empty() {
        Some("notebook-whose")
    } else {
        None
    };
    if let Some(why) = refused {
        return page(&visit, &who, &view, Reading::of(pieces), None, vec![w[why].to_owned()]);
    }
    signed.session.may_write(&who.subject).await.map_err(cannot_open)?;
    let read = NotebookRead {
        pieces,
        // A reason that nobody had to give says nothing.
        reason: if agree { String::new() } else { reason },
    };
    let act = Act::NotebookRead(Box::new(read));
    let entry = signed
        .session
        .record(who.subject.clone(), act)
        .await
        .map_err(|fault| Fault::NotSaved(fault.to_string()))?;
    signed.remember(&once, entry);
    Ok(After::redirect(&back, Some(entry), &[]))
}

async fn discard(
    visit: Visit,
    Path((who, entry)): Path<(String, String)>,
    Form(form): Form<Why>,
) -> Result<Response, Fault> {
    let (who, view) = open(&visit, &who).await?;
    let entry = EntryId::parse(&entry).ok_or(Fault::Stale)?;
    let reason = form.reason();
    let is_there = view.notebooks.iter().any(|(r, _)| r.id == entry);
    if reason.is_empty() || !is_there {
        let problem = visit.w()["notebook-discard-reason"].to_owned();
        return page(&visit, &who, &view, Reading::default(), None, vec![problem]);
    }
    After::record(
        &visit,
        &who,
        Act::NotebookDiscarded { entry, reason },
        &format!("/p/{}/notebook", who.handle),
    )
    .await
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Printing {
    back: String,
}

async fn print(visit: Visit, Path(who): Path<String>, Form(form): Form<Printing>) -> Result<Response, Fault> {
    let (who, _) = open(&visit, &who).await?;
    let back = match form.back.as_str() {
        "rx" => format!("/p/{}/rx", who.handle),
        "menu" => format!("/p/{}/print", who.handle),
        _ => format!("/p/{}", who.handle),
    };
    let view = look(&visit, &who).await?;
    let sheet = issue_sheet(&visit, &who, view).await?;
    Ok(After::redirect(&back, None, &[Ok(sheet)]))
}

/// What was read and is not kept yet.
#[derive(Default)]
struct Reading {
    pieces: Vec<NotebookPiece>,
    gathered: Gathered,
}

impl Reading {
    fn of(pieces: Vec<NotebookPiece>) -> Self {
        let gathered = gather(&pieces);
        Self { pieces, gathered }
    }
}

fn page(
    visit: &Visit,
    who: &Who,
    view: &View,
    reading: Reading,
    done: Option<Done>,
    problems: Vec<String>,
) -> Result<Response, Fault> {
    let w = visit.w();
    let Reading { pieces, gathered } = reading;
    let agree = holder::agree(view, &gathered);
    let compared = gathered.books.first().map(|book| holder::compared(w, view, book));
    let count = w.with("notebook-pieces", &[("n", pieces.len().into())]);
    visit.show(&NotebookPage {
        page: visit.page(&w["notebook-title"], SCRIPTS),
        banner: panels::banner(visit, view, true),
        lacks: panel::lacks(w, &gathered),
        books: panel::books(visit, &gathered),
        compared: compared.unwrap_or_default(),
        agree,
        of_two: holder::of_two(&gathered),
        whole: gathered.is_whole(),
        count: if pieces.is_empty() { String::new() } else { count },
        pieces: pieces.iter().map(carried::written).collect(),
        kept: panel::all(visit, view),
        fields: (1..=FIELDS).collect(),
        who: &who.handle,
        once: visit.once()?,
        done,
        problem: (!problems.is_empty()).then(|| problems.join("\n")),
    })
}

#[derive(Template)]
#[template(path = "screens/notebook.html")]
struct NotebookPage<'a> {
    page: Page<'a>,
    banner: Banner,
    lacks: Vec<String>,
    books: Vec<panel::ShownBook>,
    compared: Vec<Line>,
    agree: bool,
    of_two: bool,
    whole: bool,
    count: String,
    pieces: Vec<String>,
    kept: Vec<panel::Shown>,
    fields: Vec<usize>,
    who: &'a str,
    once: String,
    done: Option<Done>,
    problem: Option<String>,
}
