//! S61c 食い違い: where entries of two stations disagree, both sides beside one another, and the decision of a person.
//!
//! Nothing is decided, merged or hidden here. What holds meanwhile is said; a decision names the entries and is an entry
//! itself, so every station hears it. The way out of a decision is a newer one, or the act that carries it out.

use askama::Template;
use axum::Form;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use chart::{Act, EntryId};
use downtime::audit::Deed;
use downtime::exports::retype_list;
use downtime::identity::Role;
use downtime::index::Index;
use downtime::view::{Conflict, ConflictKind, Day, Recorded};
use serde::Deserialize;

use super::{Open, Route, STAFF, Screen};
use crate::fault::Fault;
use crate::layout::{Done, Page, SCRIPTS};
use crate::panels::act_words;
use crate::paper::After;
use crate::people::People;
use crate::reason::reason;
use crate::say;
use crate::visit::Visit;
use crate::who::Who;

/// S61, its half about entries that disagree.
pub static SCREEN: Screen = Screen {
    id: "S61c",
    name: "conflicts",
    nav: None,
    who: STAFF,
    open: Open::SignedIn,
    routes: &[Route {
        method: "GET",
        path: "/conflicts",
        handler: || get(show).post(settle),
    }],
};

/// Most shown at once; the next ones come when these are decided.
const MOST: usize = 50;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Decision {
    /// Names of the entries, parted by commas.
    entries: String,
    /// The entry that is right, `both`, or `neither`.
    right: String,
    text: String,
}

async fn show(visit: Visit, Query(after): Query<After>) -> Result<Response, Fault> {
    let done = after.done(&visit, "");
    page(&visit, StatusCode::OK, done, None)
}

async fn settle(visit: Visit, Form(form): Form<Decision>) -> Result<Response, Fault> {
    let w = visit.w();
    let signed = visit.signed()?.clone();
    let text = reason(&form.text);
    let named: Option<Vec<EntryId>> = form.entries.split(',').map(EntryId::parse).collect();
    let named = named.ok_or(Fault::Stale)?;
    let _turn = visit.site.turn("conflicts").await;
    let found = {
        let day = signed.session.day();
        let conflict = day.conflicts().into_iter().find(|c| c.entries == named);
        conflict.map(|conflict| {
            let right = EntryId::parse(&form.right).filter(|id| conflict.entries.contains(id));
            let right = right.and_then(|id| day.get(&id).map(|r| side_name(&visit, &r)));
            (conflict, right)
        })
    };
    let Some((conflict, right)) = found else {
        let problem = w["conflicts-gone"].to_owned();
        return page(&visit, StatusCode::CONFLICT, None, Some(problem));
    };
    let choice = match (right, form.right.as_str()) {
        (Some(side), _) => w.with("conflicts-is-right", &[("side", (&side).into())]),
        (None, "both") => w["conflicts-both"].to_owned(),
        (None, "neither") => w["conflicts-neither"].to_owned(),
        (None, _) => String::new(),
    };
    if choice.is_empty() || text.is_empty() {
        let problem = w["conflicts-incomplete"].to_owned();
        return page(&visit, StatusCode::UNPROCESSABLE_ENTITY, None, Some(problem));
    }
    let act = Act::ConflictSettled {
        entries: conflict.entries,
        decision: format!("{choice}　{text}"),
    };
    let entry = signed
        .session
        .record(conflict.subject, act)
        .await
        .map_err(|fault| Fault::NotSaved(fault.to_string()))?;
    Ok(After::redirect("/conflicts", Some(entry), &[]))
}

/// 受付 A-127 9:12 田中　恵: enough to tell the sides apart.
fn side_name(visit: &Visit, recorded: &Recorded) -> String {
    let w = visit.w();
    let at = say::moment(w, recorded.entry.written_at, visit.state.now);
    format!("{} {at} {}", act_words(w, &recorded.entry.act), recorded.entry.by.name)
}

struct Task {
    id: String,
    title: String,
    about: String,
    /// What holds until somebody decides.
    holds: String,
    entries: String,
    sides: Vec<Side>,
}

struct Side {
    handle: String,
    name: String,
    by: String,
    at: String,
    station: String,
    fields: Vec<(String, String)>,
    proposed: bool,
    undone: bool,
}

fn task(visit: &Visit, people: &People<'_>, index: &Index, day: &Day, conflict: &Conflict) -> Task {
    let w = visit.w();
    let kind = conflict.kind.word();
    let sides: Vec<Side> = conflict
        .entries
        .iter()
        .filter_map(|id| day.get(id))
        .map(|recorded| {
            let entry = &recorded.entry;
            let role = Role::parse(&entry.by.role).map_or(entry.by.role.as_str(), |role| say::role(w, role));
            let whose = name_of(visit, people, index, day, &recorded);
            let mut fields = Vec::new();
            if matches!(conflict.kind, ConflictKind::SlotTwice | ConflictKind::PatientOfTwo) && !whose.is_empty() {
                fields.push((w["patient"].to_owned(), whose));
            }
            let told = retype_list::fields(&recorded, day);
            fields.extend(told.into_iter().map(|field| (field.label.to_owned(), field.value)));
            Side {
                handle: recorded.id.hex(),
                name: act_words(w, &entry.act),
                by: format!("{}（{role}）", entry.by.name),
                at: say::moment(w, entry.written_at, visit.state.now),
                station: entry.station.to_string(),
                fields,
                proposed: conflict.proposed == Some(recorded.id),
                undone: day.is_undone(&recorded.id),
            }
        })
        .collect();
    let first = conflict.entries.first().and_then(|id| day.get(id));
    let names: Vec<String> = conflict.entries.iter().map(EntryId::hex).collect();
    Task {
        id: conflict.entries.first().map(EntryId::short).unwrap_or_default(),
        title: w[&format!("conflict-{kind}")].to_owned(),
        about: first
            .map(|r| name_of(visit, people, index, day, &r))
            .unwrap_or_default(),
        holds: w[&format!("conflict-{kind}-holds")].to_owned(),
        entries: names.join(","),
        sides,
    }
}

fn name_of(visit: &Visit, people: &People<'_>, index: &Index, day: &Day, recorded: &Recorded) -> String {
    let who = Who::of_entry(visit, index, day, recorded).and_then(|who| people.identified(&who));
    who.unwrap_or_else(|| recorded.entry.subject.shown())
}

fn page(visit: &Visit, status: StatusCode, done: Option<Done>, problem: Option<String>) -> Result<Response, Fault> {
    let w = visit.w();
    let signed = visit.signed()?;
    let unreadable = signed.session.unreadable();
    let index = signed.session.index();
    let (tasks, all) = {
        let day = signed.session.day();
        let people = People::new(visit, &index, &day);
        let conflicts = day.conflicts();
        let shown = conflicts.iter().take(MOST);
        let tasks: Vec<Task> = shown.map(|c| task(visit, &people, &index, &day, c)).collect();
        (tasks, conflicts.len())
    };
    signed.session.glance(Deed::Listed, "conflicts", tasks.len());
    let html = ConflictsPage {
        page: visit.page(&w["conflicts-title"], SCRIPTS),
        counted: w.with("conflicts-count", &[("n", all.into())]),
        newer: (unreadable > 0).then(|| w.with("home-unreadable", &[("n", unreadable.into())])),
        tasks,
        done,
        problem,
    };
    visit.show_as(status, &html)
}

#[derive(Template)]
#[template(path = "screens/conflicts.html")]
struct ConflictsPage<'a> {
    page: Page<'a>,
    counted: String,
    newer: Option<String>,
    tasks: Vec<Task>,
    done: Option<Done>,
    problem: Option<String>,
}
