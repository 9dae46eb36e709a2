//! S20 病棟患者一覧: by bed, empty beds too, one line for each, with what the night needs to know of everybody.
//!
//! Who is on it is in the audit log before the first chart opens. Moving somebody to another bed is deliberately not here: the list is
//! of the time it names, and says so.

use std::collections::HashMap;

use askama::Template;
use axum::extract::Query;
use axum::response::Response;
use axum::routing::get;
use chart::{DataKind, Moment};
use downtime::identity::Role;
use downtime::index::BedList;
use downtime::shelf::OpenFault;
use downtime::view::View;
use serde::Deserialize;

use super::chart::cannot_open;
use super::{Open, READERS, Route, Screen};
use crate::fault::Fault;
use crate::layout::Page;
use crate::panels::stay::mark;
use crate::say;
use crate::visit::Visit;

/// S20.
pub static SCREEN: Screen = Screen {
    id: "S20",
    name: "ward",
    nav: Some(("nav-ward", "5", "/ward")),
    who: READERS,
    open: Open::Downtime,
    routes: &[Route {
        method: "GET",
        path: "/ward",
        handler: || get(show),
    }],
};

/// Roles that may see the policy (方針): who would act on it.
pub(super) const POLICY: &[Role] = &[Role::Physician, Role::Nurse, Role::BreakGlass];

/// Minutes after which a bed may hold somebody else.
const BEDS_HOLD_MINUTES: i64 = 30;

const SCRIPTS: &[&str] = &["modebar.js", "scan.js", "rows.js", "keys.js", "fade.js"];

#[derive(Deserialize, Default)]
#[serde(default)]
struct Wanted {
    ward: String,
}

async fn show(visit: Visit, Query(wanted): Query<Wanted>) -> Result<Response, Fault> {
    let signed = visit.signed()?;
    let w = visit.w();
    let index = signed.session.index();
    let wards = index.wards();
    let key = |ward: &chart::Coded| {
        if ward.code.is_empty() {
            ward.name.clone()
        } else {
            ward.code.clone()
        }
    };
    let chosen = wards.iter().position(|ward| key(ward) == wanted.ward).unwrap_or(0);
    let beds: Vec<_> = index.beds_of(chosen).collect();
    let rows: Vec<u32> = beds.iter().filter_map(|bed| bed.row).collect();
    let name = wards
        .get(chosen)
        .map_or_else(String::new, |ward| ward.label().to_owned());
    let opened = if rows.is_empty() {
        Vec::new()
    } else {
        let seen = signed.session.look_at_ward(&format!("病棟 {name}"), &rows).await;
        seen.map_err(cannot_open)?
    };
    let mut opened: HashMap<u32, Result<View, OpenFault>> = opened.into_iter().collect();
    let policy = POLICY.contains(&signed.role());
    let lines: Vec<Line> = beds
        .iter()
        .map(|bed| {
            let place = bed.place_text();
            let Some(row) = bed.row.and_then(|row| index.row(row)) else {
                return Line {
                    place,
                    ..Line::default()
                };
            };
            let mut line = Line {
                place,
                who: Some(who(&visit, &row)),
                attending: bed.doctor.label().to_owned(),
                ..Line::default()
            };
            match opened.remove(&row.number()) {
                Some(Ok(view)) => facts(&visit, &view, policy, &mut line),
                Some(Err(fault)) => line.fault = Some(fault.to_string()),
                None => line.fault = Some(w["ward-too-many"].to_owned()),
            }
            line
        })
        .collect();
    let at = signed.session.opened().shelved().stat().as_of.of(DataKind::Stay);
    let now = visit.state.now;
    let old = at == Moment::default() || now.minutes_since(at) > BEDS_HOLD_MINUTES;
    let clock = if at == Moment::default() {
        w["date-unknown"].to_owned()
    } else {
        say::moment(w, at, now)
    };
    let empty = lines.iter().filter(|line| line.who.is_none()).count();
    let people = lines.len() - empty;
    let counts = if index.bed_list() == BedList::Whole {
        w.with("ward-counts", &[("people", people.into()), ("empty", empty.into())])
    } else {
        w.with("ward-counts-unread", &[("people", people.into())])
    };
    let problem = match index.bed_list() {
        BedList::NotAsked => Some(w["ward-not-asked"].to_owned()),
        BedList::Unread => Some(w["ward-unread"].to_owned()),
        BedList::Whole if wards.is_empty() => Some(w["ward-nobody"].to_owned()),
        BedList::Whole => None,
    };
    visit.show(&WardPage {
        page: visit.page(&w["ward-title"], SCRIPTS),
        wards: wards
            .iter()
            .enumerate()
            .map(|(at, ward)| {
                let label = ward.label();
                let label = if label.is_empty() { &w["ward-unknown"] } else { label };
                (key(ward), label.to_owned(), at == chosen)
            })
            .collect(),
        policy,
        lines,
        counts,
        beds_at: w.with(
            if old { "ward-beds-old" } else { "ward-beds-at" },
            &[("time", (&clock).into())],
        ),
        old,
        problem,
    })
}

fn who(visit: &Visit, row: &downtime::index::Row<'_>) -> Person {
    let w = visit.w();
    let name = chart::Name::new(row.written(), row.kana());
    Person {
        href: row.id().map(|id| format!("/p/{}", visit.site.handles.of(&id))),
        kana: say::kana(w, &name),
        name: name.shown(),
        flag: say::alike(w, row.alike()),
        birth: say::birth_short(w, row.birth()),
        age: say::age(w, row.birth(), visit.state.now.day()),
        sex: say::sex_short(w, row.sex()).to_owned(),
        id: row.id().map(|id| id.shown()).unwrap_or_default(),
    }
}

fn facts(visit: &Visit, view: &View, policy: bool, line: &mut Line) {
    let w = visit.w();
    let allergy = say::allergies(w, &view.allergies(), visit.state.now);
    let substances: Vec<String> = view.allergies().items().iter().map(|a| a.substance.clone()).collect();
    line.allergy_known = allergy.state == "known" || allergy.state == "none";
    line.allergy_state = allergy.state;
    line.allergy = if substances.is_empty() {
        allergy.head
    } else {
        substances.join("、")
    };
    let Some(stay) = view.chart.as_ref().and_then(|chart| chart.stay.as_ref()) else {
        line.fault = Some(w["ward-no-stay"].to_owned());
        return;
    };
    line.marks = [
        &stay.isolation,
        &stay.rest,
        &stay.diet,
        &stay.drip,
        &stay.insulin,
        &stay.oxygen,
    ]
    .map(|known| mark(w, known))
    .to_vec();
    if policy {
        let words = stay.policy.present().map(|lines| (lines.join("、"), true));
        line.policy = words.or_else(|| {
            Some(mark(
                w,
                &match &stay.policy {
                    chart::Known::ConfirmedNone { on } => chart::Known::ConfirmedNone { on: *on },
                    chart::Known::Unavailable { since } => chart::Known::Unavailable { since: *since },
                    _ => chart::Known::NotRecorded,
                },
            ))
        });
    }
}

/// One bed.
#[derive(Default)]
struct Line {
    place: String,
    /// Nobody in an empty bed.
    who: Option<Person>,
    attending: String,
    allergy: String,
    allergy_state: &'static str,
    allergy_known: bool,
    /// 隔離 安静度 食事 点滴 インスリン 酸素
    marks: Vec<(String, bool)>,
    policy: Option<(String, bool)>,
    /// Why the chart does not open.
    fault: Option<String>,
}

#[derive(Default)]
struct Person {
    href: Option<String>,
    kana: String,
    name: String,
    flag: Option<String>,
    birth: String,
    age: String,
    sex: String,
    id: String,
}

#[derive(Template)]
#[template(path = "screens/ward.html")]
struct WardPage<'a> {
    page: Page<'a>,
    wards: Vec<(String, String, bool)>,
    policy: bool,
    lines: Vec<Line>,
    counts: String,
    beds_at: String,
    old: bool,
    problem: Option<String>,
}
