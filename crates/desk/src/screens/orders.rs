//! S15 検査・処置依頼: what the EHR ordered for today first, then the department's list, then free text. Printing is ordering.
//!
//! What was ordered today already is shown beside every tick and never blocked: two samples of one thing can be right. Before an image what is
//! known of kidneys and pregnancy stands above. Deliberately absent: any check whether an examination or an injection is right.

use askama::Template;
use axum::Form;
use axum::extract::{Path, Query};
use axum::response::Response;
use axum::routing::{get, post};
use chart::entry::Ordered;
use chart::order::{MAX_NAME, MAX_TEXT, OrderKind};
use chart::{Act, EntryId};
use downtime::forms::before_imaging;
use downtime::identity::{Ordering, Role};
use downtime::view::View;
use serde::Deserialize;

use super::chart::{cannot_open, look, open};
use super::{Open, Route, Screen};
use crate::fault::Fault;
use crate::layout::{Banner, Done, Page};
use crate::paper::{After, Order, issue};
use crate::reason::Why;
use crate::visit::Visit;
use crate::who::Who;
use crate::words::Words;
use crate::{panels, say};

mod apart;
mod typed;

use typed::{OwnRow, Tick, Typed};

/// S15.
pub static SCREEN: Screen = Screen {
    id: "S15",
    name: "orders",
    nav: None,
    who: &[Role::Physician, Role::Nurse],
    open: Open::Downtime,
    routes: &[
        Route {
            method: "GET",
            path: "/p/{who}/orders",
            handler: || get(show).post(order),
        },
        Route {
            method: "POST",
            path: "/p/{who}/orders/draft",
            handler: || post(draft),
        },
        Route {
            method: "POST",
            path: "/p/{who}/orders/{entry}/void",
            handler: || post(void),
        },
        Route {
            method: "POST",
            path: "/p/{who}/orders/{entry}/again",
            handler: || post(print_again),
        },
    ],
};

const SCRIPTS: &[&str] = &["modebar.js", "scan.js", "keys.js", "fade.js", "draft.js", "print.js"];

#[derive(Deserialize, Default)]
#[serde(default)]
struct Wanted {
    kind: String,
}

impl Wanted {
    fn kind(&self) -> OrderKind {
        OrderKind::parse(&self.kind).unwrap_or(OrderKind::Laboratory)
    }
}

async fn show(
    visit: Visit,
    Path(who): Path<String>,
    Query(wanted): Query<Wanted>,
    Query(after): Query<After>,
) -> Result<Response, Fault> {
    let (who, view) = open(&visit, &who).await?;
    let kind = wanted.kind();
    let done = after.done(&visit, "");
    let problem = after.problem(&visit);
    let (kept, restored) = typed::draft_kind(kind)
        .restored(&visit, &who.subject, "orders-restored")
        .unzip();
    let typed = kept.map(Typed::unpacked).unwrap_or_default();
    let done = done.or_else(|| restored.map(Done::said));
    page(&visit, &who, &view, kind, &typed, done, problem.into_iter().collect())
}

async fn draft(
    visit: Visit,
    Path(who): Path<String>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Fault> {
    let signed = visit.signed()?;
    let who = Who::read(&visit, &signed.session.index(), &signed.session.day(), &who)?;
    let typed = Typed(fields);
    typed::draft_kind(typed.kind())
        .keep(&visit, who.subject, typed.packed())
        .await
}

fn here(who: &Who, kind: OrderKind) -> String {
    format!("/p/{}/orders?kind={}", who.handle, kind.word())
}

async fn order(
    visit: Visit,
    Path(who): Path<String>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Fault> {
    let (who, view) = open(&visit, &who).await?;
    let signed = visit.signed()?.clone();
    let typed = Typed(fields);
    let kind = typed.kind();
    let (department, doctor, order) = match typed.read(&visit, &view) {
        Ok(read) => read,
        Err(problems) => return page(&visit, &who, &view, kind, &typed, None, problems),
    };
    let back = here(&who, kind);
    let once = typed.one("once").to_owned();
    let _turn = visit.site.turn(&once).await;
    if let Some(entry) = signed.done_once(&once) {
        return Ok(After::redirect(&back, Some(entry), &[]));
    }
    signed.session.may_write(&who.subject).await.map_err(cannot_open)?;
    let sheet = signed
        .session
        .next_form_id()
        .map_err(|fault| Fault::NotSaved(fault.to_string()))?;
    let ordered = Ordered {
        sheet,
        department,
        doctor,
        order,
    };
    let entry = signed
        .session
        .record(who.subject.clone(), Act::Ordered(Box::new(ordered)))
        .await
        .map_err(|fault| Fault::NotSaved(fault.to_string()))?;
    signed.remember(&once, entry);
    typed::draft_kind(kind).discard(&visit, &who.subject).await;
    let sheet = paper(&visit, &who, entry, false).await;
    Ok(After::redirect(&back, Some(entry), &[sheet]))
}

/// F07, F08 or F09 for one order that holds.
async fn paper(visit: &Visit, who: &Who, entry: EntryId, reissue: bool) -> Result<String, Fault> {
    let signed = visit.signed()?;
    let view = look(visit, who).await?;
    let found = view
        .orders
        .iter()
        .find(|o| o.recorded.id == entry && o.voided.is_none());
    let found = found.ok_or(Fault::Stale)?;
    let order = Order {
        subject: who.subject.clone(),
        number: Some(found.ordered.sheet.clone()),
        reissue,
    };
    let lists = signed.session.station().order_lists();
    issue(visit, signed, order, |issue| {
        Some(downtime::forms::order_sheet(
            &view,
            &found.recorded,
            &found.ordered,
            lists,
            issue,
        ))
    })
    .await
}

/// The kind of an order of this person, so that one comes back to where one was.
fn kind_of(view: &View, entry: &EntryId) -> Option<OrderKind> {
    let found = view.orders.iter().find(|o| o.recorded.id == *entry);
    found.map(|o| o.ordered.order.kind)
}

async fn print_again(visit: Visit, Path((who, entry)): Path<(String, String)>) -> Result<Response, Fault> {
    let (who, view) = open(&visit, &who).await?;
    let entry = EntryId::parse(&entry).ok_or(Fault::Stale)?;
    let kind = kind_of(&view, &entry).ok_or(Fault::Stale)?;
    let sheet = paper(&visit, &who, entry, true).await?;
    Ok(After::redirect(&here(&who, kind), None, &[Ok(sheet)]))
}

async fn void(
    visit: Visit,
    Path((who, entry)): Path<(String, String)>,
    Form(form): Form<Why>,
) -> Result<Response, Fault> {
    let (who, view) = open(&visit, &who).await?;
    let entry = EntryId::parse(&entry).ok_or(Fault::Stale)?;
    let kind = kind_of(&view, &entry).ok_or(Fault::Stale)?;
    let reason = form.reason();
    let stands = view.orders.iter().any(|o| o.recorded.id == entry && o.voided.is_none());
    if reason.is_empty() || !stands {
        let problem = visit.w()["orders-void-reason"].to_owned();
        return page(&visit, &who, &view, kind, &Typed::default(), None, vec![problem]);
    }
    After::record(&visit, &who, Act::OrderVoided { entry, reason }, &here(&who, kind)).await
}

/// What an order is called on the screen.
fn kind_words(w: &Words, kind: OrderKind) -> &str {
    match kind {
        OrderKind::Laboratory => &w["orders-laboratory"],
        OrderKind::Imaging => &w["orders-imaging"],
        OrderKind::Treatment => &w["orders-treatment"],
    }
}

/// One order in a few words: what kind, how many, how soon.
pub(crate) fn words(w: &Words, order: &chart::order::Order) -> String {
    let word = if order.urgent {
        "act-ordered-urgent"
    } else {
        "act-ordered"
    };
    let kind = kind_words(w, order.kind);
    w.with(word, &[("kind", kind.into()), ("n", order.names().count().into())])
}

struct Standing {
    words: String,
    lines: Vec<String>,
    entry: String,
    /// Who took it back and why; then nothing more can be done with it.
    voided: Option<String>,
}

fn standing(visit: &Visit, view: &View) -> Vec<Standing> {
    let w = visit.w();
    let at = |at| say::moment(w, at, visit.state.now);
    let orders: Vec<_> = view.orders_today().collect();
    // The newest first: that is the one somebody looks for.
    let newest_first = orders.into_iter().rev().map(|o| Standing {
        words: format!(
            "{} {} {}",
            at(o.recorded.entry.written_at),
            panels::act_words(w, &o.recorded.entry.act),
            o.recorded.entry.by.name
        ),
        lines: o.ordered.order.lines(),
        entry: o.recorded.id.hex(),
        voided: o.voided.as_ref().map(|r| {
            let words = panels::act_words(w, &r.entry.act);
            format!("{} {words} {}", at(r.entry.written_at), r.entry.by.name)
        }),
    });
    newest_first.collect()
}

/// What must be known before an image, one line each; empty for the other sheets.
fn before(visit: &Visit, view: &View, kind: OrderKind) -> Vec<String> {
    if kind != OrderKind::Imaging {
        return Vec::new();
    }
    let w = visit.w();
    let before = before_imaging(view);
    let kidneys = before.kidneys.into_iter().map(|(label, value, on)| {
        let on = on.map_or_else(|| w["date-unknown"].to_owned(), chart::date::iso);
        format!("{label} {value}（{on}）")
    });
    let no_kidneys = before.no_kidneys.map(|state| match state {
        "unavailable" => w["orders-kidneys-unavailable"].to_owned(),
        _ => w["orders-kidneys-none"].to_owned(),
    });
    let pregnancy = before.pregnancy_unknown.then(|| w["orders-pregnancy"].to_owned());
    kidneys.chain(no_kidneys).chain(pregnancy).collect()
}

/// A line where something ticked gets a time of its own: what can be chosen, what was, and when.
struct ApartRow<'t> {
    n: usize,
    /// Key, name, chosen.
    choices: Vec<(String, String, bool)>,
    when: &'t str,
}

fn apart_rows<'t>(typed: &'t Typed, ehr: &[Tick], ticks: &[Tick]) -> Vec<ApartRow<'t>> {
    let keyed = |of_ehr: bool| move |tick: &Tick| (apart::apart_key(of_ehr, &tick.value), tick.name.clone());
    let all: Vec<(String, String)> = ehr
        .iter()
        .map(keyed(true))
        .chain(ticks.iter().map(keyed(false)))
        .collect();
    if all.is_empty() {
        return Vec::new();
    }
    let row = |one: apart::Apart<'t>| ApartRow {
        n: one.n,
        choices: all
            .iter()
            .map(|(key, name)| (key.clone(), name.clone(), key == one.of))
            .collect(),
        when: one.when,
    };
    typed.apart().into_iter().map(row).collect()
}

fn page(
    visit: &Visit,
    who: &Who,
    view: &View,
    kind: OrderKind,
    typed: &Typed,
    done: Option<Done>,
    problems: Vec<String>,
) -> Result<Response, Fault> {
    let w = visit.w();
    let index = visit.signed()?.session.index();
    let lists = visit.site.station().order_lists();
    let department = typed.department(view, &index);
    let list = lists.of(kind, &department);
    let departments = index.departments().iter().map(|d| {
        let on = d.code == department.code;
        (d.code.clone(), d.label().to_owned(), on)
    });
    let kinds = OrderKind::ALL.map(|k| (here(who, k), kind_words(w, k).to_owned(), k == kind));
    let word = visit.role().map_or(Ordering::No, Role::ordering);
    let (ehr, ticks) = (typed.ehr_ticks(visit, view, kind), typed.list_ticks(visit, view, list));
    visit.show(&OrdersPage {
        page: visit.page(&w["orders-title"], SCRIPTS),
        banner: panels::banner(visit, view, true),
        kinds: kinds.to_vec(),
        kind: kind.word(),
        imaging: kind == OrderKind::Imaging,
        treatment: kind == OrderKind::Treatment,
        standing: standing(visit, view),
        before: before(visit, view, kind),
        questions: list.map(|l| l.questions.clone()).unwrap_or_default(),
        own: if kind == OrderKind::Treatment {
            typed.own_rows()
        } else {
            Vec::new()
        },
        apart_open: typed
            .apart()
            .iter()
            .any(|one| !one.of.is_empty() || !one.when.is_empty()),
        apart: apart_rows(typed, &ehr, &ticks),
        ehr,
        ticks,
        no_list: list.is_none(),
        lists_fault: lists.fault(),
        departments: departments.collect(),
        doctors: index.doctors().iter().map(|d| d.label().to_owned()).collect(),
        on_word: word == Ordering::OnWord,
        longest: MAX_TEXT,
        short: MAX_NAME,
        typed,
        who: &who.handle,
        once: visit.once()?,
        done,
        problem: (!problems.is_empty()).then(|| problems.join("\n")),
    })
}

#[derive(Template)]
#[template(path = "screens/orders.html")]
struct OrdersPage<'a> {
    page: Page<'a>,
    banner: Banner,
    kinds: Vec<(String, String, bool)>,
    kind: &'static str,
    imaging: bool,
    treatment: bool,
    standing: Vec<Standing>,
    before: Vec<String>,
    questions: Vec<String>,
    ehr: Vec<Tick>,
    ticks: Vec<Tick>,
    own: Vec<OwnRow<'a>>,
    apart: Vec<ApartRow<'a>>,
    apart_open: bool,
    no_list: bool,
    lists_fault: Option<&'a str>,
    departments: Vec<(String, String, bool)>,
    doctors: Vec<String>,
    on_word: bool,
    longest: usize,
    short: usize,
    typed: &'a Typed,
    who: &'a str,
    once: String,
    done: Option<Done>,
    problem: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_order_is_what_the_roles_say() {
        for role in Role::ALL {
            let may = role.ordering() != Ordering::No;
            assert_eq!(SCREEN.who.contains(&role), may, "{role:?}");
        }
    }
}
