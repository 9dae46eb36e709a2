//! S11-C 連絡一覧: who has to be told when the coming days' appointments cannot be kept, with the numbers to call.
//!
//! Names and phones of thousands: only the reception and the informatics officer, only while patient screens are open, looked at and
//! taken away only on record. Nothing clinical is here, and nobody is called from here.

use askama::Template;
use axum::Form;
use axum::extract::Query;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use downtime::audit::Deed;
use downtime::exports::contact_list::{self, From, Line};
use downtime::identity::Role;
use jiff::ToSpan;
use jiff::civil::Date;
use serde::Deserialize;

use super::{Open, Route, Screen};
use crate::fault::Fault;
use crate::layout::{Page, SCRIPTS};
use crate::reason::reason;
use crate::say;
use crate::visit::Visit;

/// S11-C.
pub static SCREEN: Screen = Screen {
    id: "S11-C",
    name: "contact",
    nav: None,
    who: &[Role::Reception, Role::Informatics],
    open: Open::Downtime,
    routes: &[
        Route {
            method: "GET",
            path: "/contact",
            handler: || get(show),
        },
        Route {
            method: "POST",
            path: "/contact/csv",
            handler: || post(export),
        },
    ],
};

/// Most lines on one page; the file has them all.
const MOST: usize = 1_000;

#[derive(Deserialize, Default, Clone)]
#[serde(default)]
struct Wanted {
    from: String,
    until: String,
    department: String,
    reason: String,
}

impl Wanted {
    /// Tomorrow, unless somebody says otherwise: those of today are on their way.
    fn days(&self, today: Date) -> Result<(Date, Date), Fault> {
        let tomorrow = today.checked_add(1.day()).unwrap_or(today);
        let read = |text: &str, usual: Date| match text.trim() {
            "" => Ok(usual),
            text => chart::date::parse(text).map_err(|_| Fault::Input("day")),
        };
        let first = read(&self.from, tomorrow)?;
        let last = read(&self.until, first)?;
        Ok((first, last.max(first)))
    }
}

async fn show(visit: Visit, Query(wanted): Query<Wanted>) -> Result<Response, Fault> {
    page(&visit, StatusCode::OK, &wanted, None)
}

async fn export(visit: Visit, Form(wanted): Form<Wanted>) -> Result<Response, Fault> {
    let why = reason(&wanted.reason);
    if why.is_empty() {
        let problem = visit.w()["contact-why"].to_owned();
        return page(&visit, StatusCode::UNPROCESSABLE_ENTITY, &wanted, Some(problem));
    }
    let signed = visit.signed()?.clone();
    let days = wanted.days(visit.state.now.day())?;
    let lines = {
        let (index, day) = (signed.session.index(), signed.session.day());
        contact_list::lines(&index, &day, days, &wanted.department)
    };
    let mut sighting = signed.session.sighting(Deed::Exported);
    sighting.reason = why;
    sighting.count = u32::try_from(lines.len()).unwrap_or(u32::MAX);
    sighting.detail = what(days, &wanted.department);
    let witnessed = signed.session.witness(sighting).await;
    witnessed.map_err(|fault| Fault::NotAudited(fault.to_string()))?;
    let mut bytes = Vec::new();
    let as_of = as_of(&visit);
    contact_list::csv(&lines, as_of, &mut bytes).map_err(|fault| Fault::Broken(fault.to_string()))?;
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/csv; charset=utf-8"),
    );
    let name = format!("attachment; filename=\"contact-{}.csv\"", chart::date::iso(days.0));
    if let Ok(name) = HeaderValue::from_str(&name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

/// データ時点 of the appointments.
fn as_of(visit: &Visit) -> chart::Moment {
    let snapshot = visit.state.snapshot.as_ref();
    snapshot.map_or_else(Default::default, |s| s.as_of.of(chart::DataKind::Appointment))
}

fn what((first, last): (Date, Date), department: &str) -> String {
    format!(
        "連絡一覧 {}..{} {department}",
        chart::date::iso(first),
        chart::date::iso(last)
    )
    .trim_end()
    .to_owned()
}

struct Shown {
    on: String,
    at: String,
    kana: String,
    name: String,
    birth: String,
    id: String,
    phones: Vec<String>,
    place: String,
    from: String,
}

fn shown(visit: &Visit, line: &Line) -> Shown {
    let w = visit.w();
    Shown {
        on: say::day(w, line.on),
        at: chart::visit::time_text(line.at),
        kana: say::kana(w, &line.name),
        name: line.name.shown(),
        birth: say::birth_short(w, line.birth),
        id: line.id.clone(),
        phones: line.phones.clone(),
        place: format!("{}　{}", line.department.1, line.doctor).trim_end().to_owned(),
        from: match line.from {
            From::Entries => w["from-entries"].to_owned(),
            From::Snapshot if is_made_for(visit, line.on) => w["from-ehr"].to_owned(),
            From::Snapshot => w["from-thin-list"].to_owned(),
        },
    }
}

/// The day is the snapshot's own; of others it holds the list of coming appointments.
fn is_made_for(visit: &Visit, day: Date) -> bool {
    let snapshot = visit.state.snapshot.as_ref();
    snapshot.is_some_and(|s| s.day == chart::date::iso(day))
}

fn page(visit: &Visit, status: StatusCode, wanted: &Wanted, problem: Option<String>) -> Result<Response, Fault> {
    let w = visit.w();
    let signed = visit.signed()?;
    let days = wanted.days(visit.state.now.day())?;
    let (lines, departments) = {
        let (index, day) = (signed.session.index(), signed.session.day());
        let departments = index.departments().iter().map(|d| {
            let chosen = d.code == wanted.department;
            (d.code.clone(), d.label().to_owned(), chosen)
        });
        let departments: Vec<_> = departments.collect();
        (contact_list::lines(&index, &day, days, &wanted.department), departments)
    };
    signed
        .session
        .glance(Deed::Listed, &what(days, &wanted.department), lines.len().min(MOST));
    let at = say::moment(w, as_of(visit), visit.state.now);
    let no_phone = lines.iter().filter(|line| line.phones.is_empty()).count();
    visit.show_as(
        status,
        &ContactPage {
            page: visit.page(&w["contact-title"], SCRIPTS),
            from: chart::date::iso(days.0),
            until: chart::date::iso(days.1),
            department: &wanted.department,
            departments,
            counts: w.with(
                "contact-counts",
                &[
                    ("n", lines.len().into()),
                    ("none", no_phone.into()),
                    ("time", (&at).into()),
                ],
            ),
            rest: (lines.len() > MOST).then(|| w.with("contact-rest", &[("n", (lines.len() - MOST).into())])),
            lines: lines.iter().take(MOST).map(|line| shown(visit, line)).collect(),
            problem,
        },
    )
}

#[derive(Template)]
#[template(path = "screens/contact.html")]
struct ContactPage<'a> {
    page: Page<'a>,
    from: String,
    until: String,
    department: &'a str,
    departments: Vec<(String, String, bool)>,
    lines: Vec<Shown>,
    counts: String,
    rest: Option<String>,
    problem: Option<String>,
}
