//! S60p 戻った用紙: scanned pages that could not be filed, with their picture, and sheets that are still out.
//!
//! A person who holds the paper says which sheet a page is; what the pile suggests is shown and never chosen beforehand. Taking scans in is a
//! command of the program, not a screen.

use std::collections::BTreeMap;

use askama::Template;
use axum::Form;
use axum::extract::{Path, Query};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use chart::sheet_code::MAX_SHEET_PAGES;
use chart::{EntryId, FormId, StationCode, Subject};
use downtime::audit::Deed;
use downtime::identity::Role;
use downtime::index::Index;
use downtime::scans::{Archive, Balance, Contents, Decided, Issued, Lies, Page as Scan, Register, Sha, Why};
use downtime::view::Day;
use serde::Deserialize;

use super::{Open, Route, Screen};
use crate::fault::Fault;
use crate::layout::{Done, Page};
use crate::panels;
use crate::paper::After;
use crate::people::People;
use crate::visit::Visit;
use crate::who::Who;
use crate::words::Words;

mod mending;
mod settle;

use mending::{Mending, Named};
use settle::Proposed;

/// S60, its half about paper.
pub static SCREEN: Screen = Screen {
    id: "S60p",
    name: "returned",
    nav: None,
    who: &[
        Role::Reception,
        Role::Physician,
        Role::Informatics,
        Role::Nurse,
        Role::Accounting,
        Role::Reconciler,
    ],
    open: Open::SignedIn,
    routes: &[
        Route {
            method: "GET",
            path: "/returned",
            handler: || get(show).post(assign),
        },
        Route {
            method: "GET",
            path: "/returned/{entry}",
            handler: || get(picture),
        },
        Route {
            method: "POST",
            path: "/returned/void",
            handler: || post(settle::void),
        },
        Route {
            method: "POST",
            path: "/returned/whose",
            handler: || post(settle::name),
        },
        Route {
            method: "POST",
            path: "/returned/mend",
            handler: || post(mending::mend),
        },
        Route {
            method: "POST",
            path: "/returned/cover",
            handler: || post(settle::cover),
        },
    ],
};

const SCRIPTS: &[&str] = &["modebar.js", "scan.js", "keys.js", "fade.js", "print.js"];

/// Most unread pages shown at once; the next ones come when these are settled.
const MOST: usize = 30;

/// Most missing sheets listed; the command lists all.
const MOST_MISSING: usize = 500;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Shown {
    done: String,
    /// Sheets just made void.
    voided: u16,
    /// A blank sheet just named.
    named: String,
    /// A blank sheet just named anew.
    mended: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Place {
    at: u32,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Choice {
    /// SHA-256 of the file, in hexadecimal digits.
    file: String,
    /// Page of the file, from 1.
    at: u32,
    /// 帳票番号
    number: String,
    /// Page of the sheet, from 1.
    page: String,
    /// The patient's number, where the sheet's number was given to two people.
    patient: String,
    /// The person compared name, reading, birth date and number on the paper.
    seen: String,
}

async fn show(visit: Visit, Query(shown): Query<Shown>, Query(after): Query<After>) -> Result<Response, Fault> {
    let w = visit.w();
    let said = |key: &str, number: &str| {
        FormId::parse(number).map(|number| Done::said(w.with(key, &[("number", number.as_str().into())])))
    };
    let voided = || {
        let n = usize::from(shown.voided);
        (n > 0).then(|| Done::said(w.with("returned-voided", &[("n", n.into())])))
    };
    let done = said("returned-done", &shown.done)
        .or_else(|| said("returned-named", &shown.named))
        .or_else(|| said("returned-mended", &shown.mended))
        .or_else(voided)
        .or_else(|| After { done: None, ..after }.done(&visit, ""));
    page(
        &visit,
        Said {
            done,
            ..Said::default()
        },
    )
}

/// What the page says besides its lists.
#[derive(Default)]
struct Said {
    done: Option<Done>,
    problem: Option<String>,
    proposed: Option<Proposed>,
    mending: Option<Mending>,
}

impl Said {
    fn wrong(problem: String) -> Self {
        Self {
            problem: Some(problem),
            ..Self::default()
        }
    }

    fn propose(proposed: Proposed) -> Self {
        Self {
            proposed: Some(proposed),
            ..Self::default()
        }
    }
}

async fn assign(visit: Visit, Form(choice): Form<Choice>) -> Result<Response, Fault> {
    let w = visit.w();
    let signed = visit.signed()?.clone();
    let _turn = visit.site.turn("returned").await;
    let refuse = |key: &str| page(&visit, Said::wrong(w[key].to_owned()));
    let file = EntryId::parse(&choice.file).ok_or(Fault::Stale)?.0;
    let Some(paper) = Paper::open(&visit)? else {
        return refuse("returned-no-key");
    };
    if !paper.balance.unread.contains(&(file, choice.at)) {
        return refuse("returned-gone");
    }
    let Some(number) = FormId::parse(&choice.number) else {
        return refuse("returned-number");
    };
    let page_of_sheet = choice.page.trim().parse::<u8>().ok();
    let Some(page_of_sheet) = page_of_sheet.filter(|page| (1..=MAX_SHEET_PAGES).contains(page)) else {
        return refuse("returned-page-number");
    };
    if choice.seen.is_empty() {
        return refuse("returned-not-seen");
    }
    let typed = choice.patient.trim();
    let mut sheets = paper.register.of(&number).iter();
    let mut sheets = sheets
        .by_ref()
        .filter(|sheet| typed.is_empty() || sheet.subject.number() == typed);
    let (Some(sheet), None) = (sheets.next(), sheets.next()) else {
        let several = paper.register.of(&number).len() > 1;
        return refuse(if several { "returned-two" } else { "returned-not-issued" });
    };
    let mut sighting = signed.session.sighting(Deed::Filed);
    sighting.subject = sheet.subject.clone();
    sighting.detail = format!("{} {number}", sheet.form);
    let witnessed = signed.session.witness(sighting).await;
    witnessed.map_err(|fault| Fault::NotAudited(fault.to_string()))?;
    let what = Decided::Assigned {
        file,
        at: choice.at,
        sheet: sheet.clone(),
        page: page_of_sheet,
    };
    let kept = signed.session.decide_scan(what);
    kept.map_err(|fault| Fault::NotSaved(fault.to_string()))?;
    let told = signed.session.tell_of_paper();
    told.map_err(|fault| Fault::NotSaved(fault.to_string()))?;
    Ok(Redirect::to(&format!("/returned?done={number}")).into_response())
}

/// The small picture of an unread page: somebody's paper, so it is in the audit log before it is shown.
async fn picture(visit: Visit, Path(file): Path<String>, Query(place): Query<Place>) -> Result<Response, Fault> {
    let signed = visit.signed()?.clone();
    let file = EntryId::parse(&file).ok_or(Fault::Stale)?.0;
    let archive = signed.session.scans().ok_or(Fault::Stale)?;
    let scanned = archive.scanned(&file).ok_or(Fault::Stale)?;
    let at = place.at.checked_sub(1).and_then(|at| usize::try_from(at).ok());
    let Some(Scan::Unread { preview, .. }) = at.and_then(|at| scanned.pages.get(at)) else {
        return Err(Fault::Stale);
    };
    let mut sighting = signed.session.sighting(Deed::Filed);
    sighting.detail = format!("{} {}", scanned.name, place.at);
    let witnessed = signed.session.witness(sighting).await;
    witnessed.map_err(|fault| Fault::NotAudited(fault.to_string()))?;
    let mut response = preview.clone().into_response();
    let png = HeaderValue::from_static("image/png");
    response.headers_mut().insert(header::CONTENT_TYPE, png);
    Ok(response)
}

/// What this station knows of its paper.
struct Paper {
    contents: Contents,
    register: Register,
    balance: Balance,
}

impl Paper {
    /// `None` for a role that does not read the journal.
    fn open(visit: &Visit) -> Result<Option<Self>, Fault> {
        let session = &visit.signed()?.session;
        let Some(archive) = session.scans() else {
            return Ok(None);
        };
        // What cannot be told now is told later; this station's own page shows it all the same.
        if let Err(fault) = session.tell_of_paper() {
            tracing::warn!(%fault, "what is known of returned paper is not told to other stations yet");
        }
        let contents = Archive::contents(&archive).map_err(|fault| Fault::Broken(fault.to_string()))?;
        let register = Register::gather(&session.day(), &contents.packs);
        let balance = Balance::draw(&register, &contents);
        Ok(Some(Self {
            contents,
            register,
            balance,
        }))
    }
}

struct Unread {
    id: String,
    file: String,
    at: u32,
    name: String,
    why: String,
    picture: bool,
    hints: Vec<String>,
}

struct Missing {
    tick: String,
    blank: bool,
    department: String,
    form: String,
    number: String,
    who: String,
    /// Where the pictures lie, for what is back.
    lies: Vec<String>,
}

/// 「画像は端末 R03 にあります」, once for each file.
fn lies(w: &Words, lies: &[Lies]) -> Vec<String> {
    let mut files: BTreeMap<(StationCode, &str), Vec<String>> = BTreeMap::new();
    for one in lies {
        files
            .entry((one.station, &one.name))
            .or_default()
            .push(one.at.to_string());
    }
    let said =
        |((station, name), pages): ((StationCode, &str), Vec<String>)| panels::papers::at(w, station, name, &pages);
    files.into_iter().map(said).collect()
}

fn page(visit: &Visit, said: Said) -> Result<Response, Fault> {
    let Said {
        done,
        problem,
        proposed,
        mending,
    } = said;
    let w = visit.w();
    let session = &visit.signed()?.session;
    let paper = Paper::open(visit)?;
    let (index, day) = (session.index(), session.day());
    let people = People::new(visit, &index, &day);
    let whose = |sheet: &Issued| about(visit, &people, &index, &day, &sheet.subject);
    let (mut unread, mut missing, mut counts, mut closed) = (Vec::new(), Vec::new(), String::new(), 0);
    let (mut unnamed, mut departments): (Vec<Missing>, Vec<String>) = (Vec::new(), Vec::new());
    let mut named: Vec<Named> = Vec::new();
    if let Some(paper) = &paper {
        let balance = &paper.balance;
        unread.extend(
            balance
                .unread
                .iter()
                .take(MOST)
                .filter_map(|place| one(w, paper, place, &whose)),
        );
        let row = |sheet: &Issued| Missing {
            tick: settle::tick(sheet),
            blank: paper.register.is_blank(sheet),
            department: paper.register.department(sheet).to_owned(),
            form: sheet.form.clone(),
            number: sheet.form_id.to_string(),
            who: whose(sheet),
            lies: lies(w, paper.register.returned(sheet)),
        };
        missing.extend(balance.missing.iter().take(MOST_MISSING).map(row));
        unnamed.extend(balance.unnamed.iter().take(MOST_MISSING).map(row));
        let whom = |subject: &Subject| about(visit, &people, &index, &day, subject);
        named.extend(mending::all(visit, paper, &whom));
        departments.extend(paper.register.departments().into_iter().map(str::to_owned));
        let sum = |of: fn(&downtime::scans::Block) -> usize| balance.blocks.values().map(of).sum::<usize>();
        let numbers = [
            ("issued", sum(|block| block.issued).into()),
            ("returned", sum(|block| block.returned).into()),
            ("void", sum(|block| block.void).into()),
            ("missing", sum(downtime::scans::Block::missing).into()),
            ("unread", balance.unread.len().into()),
        ];
        counts = w.with("returned-counts", &numbers);
        closed = paper.contents.closed + session.unreadable();
        session.glance(Deed::Filed, "未回収の一覧", missing.len());
    }
    let status = match &problem {
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
        None => StatusCode::OK,
    };
    let problem = problem.or_else(|| paper.is_none().then(|| w["returned-no-key"].to_owned()));
    let shown = visit.show(&ReturnedPage {
        page: visit.page(&w["returned-title"], SCRIPTS),
        counts,
        closed: (closed > 0).then(|| w.with("returned-closed", &[("n", closed.into())])),
        unread,
        unnamed,
        proposed,
        named,
        mending,
        missing,
        departments,
        done,
        problem,
    });
    shown.map(|page| (status, page).into_response())
}

fn one(w: &Words, paper: &Paper, (file, at): &(Sha, u32), whose: &dyn Fn(&Issued) -> String) -> Option<Unread> {
    let (_, scanned) = paper.contents.scanned.iter().find(|(sha, _)| sha == file)?;
    let Scan::Unread { why, preview, .. } = scanned.pages.get(usize::try_from(at.checked_sub(1)?).ok()?)? else {
        return None;
    };
    let hints = scanned.suggestions(*at, &paper.register);
    let hints = hints.iter().take(3).map(|(sheet, page)| {
        let page = page.map(|page| format!(" {page}")).unwrap_or_default();
        let key = format!("form-name-{}", sheet.form.to_lowercase());
        let name = w.get(&key).unwrap_or_default();
        format!("{name} {} {}{page}　{}", sheet.form, sheet.form_id, whose(sheet))
            .trim_start()
            .to_owned()
    });
    Some(Unread {
        id: format!("{}-{at}", EntryId(*file).short()),
        file: EntryId(*file).hex(),
        at: *at,
        name: scanned.name.clone(),
        why: w[why_word(*why)].to_owned(),
        picture: !preview.is_empty(),
        hints: hints.collect(),
    })
}

/// One line that says whose a sheet is; a list is nobody's.
fn about(visit: &Visit, people: &People<'_>, index: &Index, day: &Day, subject: &Subject) -> String {
    let who = match subject {
        Subject::Patient(id) => index.find(id).and_then(|row| Who::row(visit, index, row.number())),
        Subject::Temporary(id) => day
            .registration(id)
            .and_then(|(recorded, _)| Who::registered(&recorded)),
        Subject::Hospital => return visit.w()["returned-nobody"].to_owned(),
    };
    let said = who.and_then(|who| people.identified(&who));
    said.unwrap_or_else(|| visit.w().with("work-not-here", &[("id", (&subject.shown()).into())]))
}

const fn why_word(why: Why) -> &'static str {
    match why {
        Why::NoCode => "returned-why-no-code",
        Why::OnlyNumber => "returned-why-only-number",
        Why::Disagree => "returned-why-disagree",
        Why::NotIssued => "returned-why-not-issued",
        Why::OtherForm => "returned-why-other-form",
        Why::OtherPatient => "returned-why-other-patient",
        Why::NoPicture => "returned-why-no-picture",
    }
}

#[derive(Template)]
#[template(path = "screens/returned.html")]
struct ReturnedPage<'a> {
    page: Page<'a>,
    counts: String,
    closed: Option<String>,
    unread: Vec<Unread>,
    unnamed: Vec<Missing>,
    proposed: Option<Proposed>,
    named: Vec<Named>,
    mending: Option<Mending>,
    missing: Vec<Missing>,
    departments: Vec<String>,
    done: Option<Done>,
    problem: Option<String>,
}
