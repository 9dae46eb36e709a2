//! S60 事後入力: everything recorded while the EHR was away, in the order in which it must be typed in, field by field.
//!
//! The unit is one entry. Open at any time: it is needed most when the EHR is back. Checking by a second person comes with
//! the reconciliation work; this screen only says who typed what in, and when.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::{Path, Query};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use chart::order::OrderKind;
use chart::{Act, EntryId, Known};
use downtime::exports::retype_list;
use downtime::index::Index;
use downtime::view::{Day, Recorded};
use serde::Deserialize;

use super::{Open, Route, STAFF, Screen};
use crate::fault::Fault;
use crate::layout::{Done, Page};
use crate::panels::act_words;
use crate::people::People;
use crate::say;
use crate::visit::Visit;
use crate::who::Who;
use crate::words::Words;

/// S60.
pub static SCREEN: Screen = Screen {
    id: "S60",
    name: "work",
    nav: Some(("nav-work", "8", "/to-enter")),
    who: STAFF,
    open: Open::SignedIn,
    routes: &[
        Route {
            method: "GET",
            path: "/to-enter",
            handler: || get(list),
        },
        Route {
            method: "GET",
            path: "/to-enter/{entry}",
            handler: || get(one),
        },
        Route {
            method: "POST",
            path: "/to-enter/{entry}/entered",
            handler: || post(entered),
        },
    ],
};

const SCRIPTS: &[&str] = &["modebar.js", "scan.js", "rows.js", "keys.js", "copy.js", "fade.js"];

/// Most items listed at once.
const MOST: usize = 500;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Wanted {
    show: String,
}

async fn list(visit: Visit, Query(wanted): Query<Wanted>) -> Result<Response, Fault> {
    page(&visit, None, &wanted.show)
}

async fn one(visit: Visit, Path(entry): Path<String>, Query(wanted): Query<Wanted>) -> Result<Response, Fault> {
    let entry = EntryId::parse(&entry).ok_or(Fault::Stale)?;
    page(&visit, Some(entry), &wanted.show)
}

async fn entered(visit: Visit, Path(entry): Path<String>, Form(wanted): Form<Wanted>) -> Result<Response, Fault> {
    let signed = visit.signed()?.clone();
    let id = EntryId::parse(&entry).ok_or(Fault::Stale)?;
    let _turn = visit.site.turn(&entry).await;
    let (subject, already) = {
        let day = signed.session.day();
        let recorded = day.get(&id).ok_or(Fault::Stale)?;
        if !day.must_be_entered(&id) {
            return Err(Fault::Stale);
        }
        (recorded.entry.subject.clone(), day.entered_by(&id).is_some())
    };
    if !already {
        let at = visit.state.now;
        signed
            .session
            .record(subject, Act::EnteredInEhr { entry: id, at })
            .await
            .map_err(|fault| Fault::NotSaved(fault.to_string()))?;
    }
    let next = next_after(&signed.session.day(), id);
    let show = if SHOWS.contains(&wanted.show.as_str()) {
        wanted.show.as_str()
    } else {
        ""
    };
    let to = match next {
        Some(next) => format!("/to-enter/{}?show={show}", next.hex()),
        None => format!("/to-enter?show={show}"),
    };
    Ok(Redirect::to(&to).into_response())
}

/// The next entry in order of urgency that nobody has typed in.
fn next_after(day: &Day, id: EntryId) -> Option<EntryId> {
    let list = day.to_enter();
    let at = list.iter().position(|(r, _)| r.id == id).unwrap_or(0);
    let rest = list.iter().skip(at + 1).chain(list.iter().take(at));
    rest.filter(|(r, mark)| mark.is_none() && r.id != id)
        .map(|(r, _)| r.id)
        .next()
}

/// What can be listed: 未入力, 全部, 入力済.
const SHOWS: [&str; 3] = ["", "all", "done"];

/// A: harm if late. B: within two days. C: within a week (ux §8.23).
fn priority(act: &Act) -> char {
    match act {
        Act::TemporaryRegistered(t) if matches!(t.allergies, Known::Present(_)) => 'A',
        // What was injected must stand in the record before the next dose.
        Act::Ordered(o) if o.order.kind == OrderKind::Treatment => 'A',
        Act::CheckedIn(_) | Act::PaymentDeferred(_) => 'C',
        _ => 'B',
    }
}

struct Item {
    handle: String,
    priority: char,
    priority_words: String,
    what: String,
    at: String,
    about: String,
    mark: &'static str,
    state: String,
    entered: bool,
    current: bool,
}

struct Opened {
    handle: String,
    title: String,
    kana: String,
    id: String,
    birth: String,
    paper: Option<String>,
    fields: Vec<Field>,
    entered: Option<String>,
    next: Option<String>,
}

struct Field {
    label: String,
    value: String,
}

struct Counts {
    words: String,
    all: usize,
    done: usize,
}

/// Who an entry is about, in one line.
fn about(visit: &Visit, people: &People<'_>, index: &Index, day: &Day, recorded: &Recorded) -> String {
    let who = Who::of_entry(visit, index, day, recorded).and_then(|who| people.identified(&who));
    who.unwrap_or_else(|| {
        let id = recorded.entry.subject.shown();
        visit.w().with("work-not-here", &[("id", (&id).into())])
    })
}

fn page(visit: &Visit, open: Option<EntryId>, show: &str) -> Result<Response, Fault> {
    let w = visit.w();
    let signed = visit.signed()?;
    let index = signed.session.index();
    let day = signed.session.day();
    let people = People::new(visit, &index, &day);
    let all = day.to_enter();
    let done = all.iter().filter(|(_, mark)| mark.is_some()).count();
    let urgent = all
        .iter()
        .filter(|(r, mark)| mark.is_none() && priority(&r.entry.act) == 'A')
        .count();
    let items: Vec<Item> = all
        .iter()
        .filter(|(_, mark)| match show {
            "all" => true,
            "done" => mark.is_some(),
            _ => mark.is_none(),
        })
        .take(MOST)
        .map(|(recorded, mark)| item(visit, &people, &index, &day, recorded, mark.is_some(), open))
        .collect();
    let opened = match open {
        Some(id) => {
            let (recorded, mark) = all.iter().find(|(r, _)| r.id == id).ok_or(Fault::Stale)?;
            Some(opened(visit, &people, &index, &day, recorded, mark.as_ref()))
        }
        None => None,
    };
    let counts = Counts {
        words: w.with(
            "work-counts",
            &[
                ("rest", (all.len() - done).into()),
                ("all", all.len().into()),
                ("urgent", urgent.into()),
            ],
        ),
        all: all.len().max(1),
        done,
    };
    let words = [&w["work-show-rest"], &w["work-show-all"], &w["work-show-done"]];
    let shows = SHOWS
        .iter()
        .zip(words)
        .map(|(value, word)| (*value, word.to_owned(), *value == show))
        .collect();
    visit.show(&WorkPage {
        page: visit.page(&w["nav-work"], SCRIPTS),
        show: SHOWS.into_iter().find(|known| *known == show).unwrap_or(""),
        shows,
        counts,
        links: super::link::SCREEN.who.contains(&signed.role()),
        paper: super::returned::SCREEN.who.contains(&signed.role()),
        items,
        open: opened,
        done: None,
        problem: None,
    })
}

fn item(
    visit: &Visit,
    people: &People<'_>,
    index: &Index,
    day: &Day,
    recorded: &Arc<Recorded>,
    entered: bool,
    open: Option<EntryId>,
) -> Item {
    let w = visit.w();
    let priority = priority(&recorded.entry.act);
    Item {
        handle: recorded.id.hex(),
        priority,
        priority_words: w.with("work-priority", &[("letter", priority.to_string().as_str().into())]),
        what: act_words(w, &recorded.entry.act),
        at: say::moment(w, recorded.entry.written_at, visit.state.now),
        about: about(visit, people, index, day, recorded),
        mark: if entered { "●" } else { "○" },
        state: if entered {
            &w["work-state-done"]
        } else {
            &w["work-state-rest"]
        }
        .to_owned(),
        entered,
        current: open == Some(recorded.id),
    }
}

fn opened(
    visit: &Visit,
    people: &People<'_>,
    index: &Index,
    day: &Day,
    recorded: &Arc<Recorded>,
    mark: Option<&Arc<Recorded>>,
) -> Opened {
    let w = visit.w();
    let entry = &recorded.entry;
    let line = about(visit, people, index, day, recorded);
    let card = Who::of_entry(visit, index, day, recorded).and_then(|who| people.card(&who));
    let mut fields = vec![
        Field {
            label: w["patient-id"].to_owned(),
            value: entry.subject.number().to_owned(),
        },
        Field {
            label: w["work-written"].to_owned(),
            value: format!(
                "{} {}（{}）{}",
                entry.written_at.text(),
                entry.by.name,
                role_words(w, &entry.by.role),
                entry.station
            ),
        },
    ];
    fields.extend(retype_list::fields(recorded, day).into_iter().map(|field| Field {
        label: field.label.to_owned(),
        value: field.value,
    }));
    let paper = match &entry.act {
        Act::NoteSigned(note) | Act::NoteCorrected { note, .. } if note.on_paper => Some("work-paper"),
        // What was done and found stands on the sheet, not here.
        Act::Ordered(_) => Some("work-order-paper"),
        _ => None,
    };
    let (kana, birth, id) = card
        .as_ref()
        .map(|card| {
            (
                card.kana.clone(),
                format!("{}　{}　{}", card.birth, card.age, card.sex),
                card.id.clone(),
            )
        })
        .unwrap_or_default();
    Opened {
        handle: recorded.id.hex(),
        title: format!("{}　{}", act_words(w, &entry.act), card.map_or(line, |card| card.name)),
        kana,
        id,
        birth,
        paper: paper.map(|key| w[key].to_owned()),
        fields,
        entered: mark.map(|mark| {
            let at = say::moment(w, mark.entry.written_at, visit.state.now);
            w.with(
                "work-entered-by",
                &[("name", (&mark.entry.by.name).into()), ("time", (&at).into())],
            )
        }),
        next: next_after(day, recorded.id).map(|next| next.hex()),
    }
}

fn role_words<'w>(w: &'w Words, role: &'w str) -> &'w str {
    downtime::identity::Role::parse(role).map_or(role, |role| say::role(w, role))
}

#[derive(Template)]
#[template(path = "screens/work.html")]
struct WorkPage<'a> {
    page: Page<'a>,
    show: &'a str,
    shows: Vec<(&'static str, String, bool)>,
    counts: Counts,
    links: bool,
    paper: bool,
    items: Vec<Item>,
    open: Option<Opened>,
    done: Option<Done>,
    problem: Option<String>,
}
