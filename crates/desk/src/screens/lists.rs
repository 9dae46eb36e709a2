//! S11 患者一覧: who is expected, who is here, who was registered; by department, doctor, time, reading or number.
//!
//! The list says what it lacks. Searching is a POST: what is typed never stands in an address.

use std::collections::HashSet;
use std::fmt::Write;
use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::Query;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use chart::{Moment, Subject};
use downtime::audit::Deed;
use downtime::index::Index;
use downtime::view::{Day, Progress};
use jiff::civil::Date;
use serde::Deserialize;

use super::{Open, Route, STAFF, Screen};
use crate::booked;
use crate::fault::Fault;
use crate::layout::{Done, Page};
use crate::paper::After;
use crate::people::{self, People};
use crate::rolls::{Identity, Line, Roll, Sort, escape, href, person_cells, place};
use crate::say;
use crate::visit::Visit;
use crate::words::Words;

mod later;

use later::{later_day, provisional};

/// S11.
pub static SCREEN: Screen = Screen {
    id: "S11",
    name: "patients",
    nav: Some(("nav-lists", "2", "/patients")),
    who: STAFF,
    open: Open::Downtime,
    routes: &[
        Route {
            method: "GET",
            path: "/patients",
            handler: || get(show).post(search),
        },
        Route {
            method: "POST",
            path: "/patients/rows",
            handler: || post(rows),
        },
    ],
};

/// Most rows on one page; whoever needs more narrows the list.
const MOST: usize = 1_000;
/// Room for a reception number and a cell of the state, in bytes.
const STATE: usize = 120;
/// Most people found by one search.
const FOUND: usize = 100;

const SCRIPTS: &[&str] = &[
    "modebar.js",
    "scan.js",
    "rows.js",
    "keys.js",
    "live.js",
    "fade.js",
    "print.js",
];

#[derive(Deserialize, Default, Clone)]
#[serde(default)]
struct Wanted {
    show: String,
    department: String,
    doctor: String,
    sort: String,
}

#[derive(Deserialize)]
struct Search {
    q: String,
}

async fn show(visit: Visit, Query(wanted): Query<Wanted>, Query(after): Query<After>) -> Result<Response, Fault> {
    // Who is in a bed stands on the list of the wards, by bed.
    if wanted.show == "inpatients" {
        return Ok(Redirect::to("/ward").into_response());
    }
    page(&visit, &wanted, "", &after)
}

async fn search(visit: Visit, Form(form): Form<Search>) -> Result<Response, Fault> {
    page(&visit, &Wanted::default(), &form.q, &After::default())
}

async fn rows(visit: Visit, headers: HeaderMap, Form(form): Form<Search>) -> Result<Response, Fault> {
    if !headers.contains_key("x-part") {
        return page(&visit, &Wanted::default(), &form.q, &After::default());
    }
    let content = content(&visit, &Wanted::default(), &form.q)?;
    visit.show(&RowsPart {
        page: visit.page(&visit.w()["nav-lists"], SCRIPTS),
        heads: content.heads,
        body: content.body,
        counts: content.counts,
    })
}

fn page(visit: &Visit, wanted: &Wanted, query: &str, after: &After) -> Result<Response, Fault> {
    let content = content(visit, wanted, query)?;
    let w = visit.w();
    let later = if query.is_empty() && wanted.show != "temporary" {
        later_day(visit, &content.index, content.day)
    } else {
        None
    };
    let chosen = |list: &[(String, String)], value: &str| -> Vec<(String, String, bool)> {
        let choice = |(code, label): &(String, String)| (code.clone(), label.clone(), code == value);
        list.iter().map(choice).collect()
    };
    let paper =
        (query.is_empty() && wanted.show != "temporary" && (!content.roll.bookings().is_empty() || content.booked > 0))
            .then(|| {
                (
                    wanted.department.clone(),
                    chart::date::iso(content.day),
                    wanted.show.clone(),
                )
            });
    visit.show(&ListsPage {
        page: visit.page(&w["nav-lists"], SCRIPTS),
        query,
        shows: shows(visit, &content.index, &wanted.show),
        departments: chosen(&content.roll.departments, &wanted.department),
        doctors: chosen(&content.roll.doctors, &wanted.doctor),
        sort: Sort::parse(&wanted.sort).word(),
        paper,
        heads: content.heads,
        body: content.body,
        counts: content.counts,
        done: after.done(visit, ""),
        problem: after.problem(visit),
        later,
        contact: visit
            .role()
            .is_some_and(|role| super::contact::SCREEN.who.contains(&role)),
    })
}

struct Content {
    heads: Vec<Head>,
    body: String,
    counts: String,
    roll: Arc<Roll>,
    index: Arc<Index>,
    day: Date,
    /// Bookings of this downtime for the day.
    booked: usize,
}

fn content(visit: &Visit, wanted: &Wanted, query: &str) -> Result<Content, Fault> {
    let signed = visit.signed()?;
    let w = visit.w();
    let index = signed.session.index();
    let day = signed.session.day();
    let today = visit.state.now.day();
    let on = chart::date::parse(&wanted.show).unwrap_or(today);
    let roll = signed.roll(visit, &index, on);
    let mut body = String::new();
    let shown = if !query.is_empty() {
        found(visit, &index, &day, query, &mut body)
    } else if wanted.show == "temporary" {
        temporary(visit, &day, &mut body)
    } else {
        let more = provisional(visit, &index, &day, on, wanted, &mut body);
        more + booked(visit, &index, &roll, &day, wanted, &mut body)
    };
    let counts = w.with("lists-counts", &[("shown", shown.into()), ("all", roll.people.into())]);
    let booked = booked::on(visit, &index, &day, on, &wanted.department).len();
    drop(day);
    if query.is_empty() {
        let what = format!(
            "{} {} {} {}",
            chart::date::iso(on),
            wanted.show,
            wanted.department,
            wanted.doctor
        );
        signed.session.glance(Deed::Listed, what.trim(), shown);
    } else {
        signed.session.glance(Deed::Searched, query, shown);
    }
    Ok(Content {
        heads: heads(w, wanted, query),
        body,
        counts,
        roll,
        index,
        day: on,
        booked,
    })
}

/// The roll in the order asked for; gives how many rows.
fn booked(visit: &Visit, index: &Index, roll: &Roll, day: &Day, wanted: &Wanted, body: &mut String) -> usize {
    let w = visit.w();
    let only = |list: &[(String, String)], code: &str| {
        let at = list.iter().position(|(c, _)| c == code);
        at.filter(|_| !code.is_empty()).and_then(|at| u16::try_from(at).ok())
    };
    let department = only(&roll.departments, &wanted.department);
    let doctor = only(&roll.doctors, &wanted.doctor);
    let waiting = (wanted.show == "here").then(|| here(index, day, visit.state.now));
    let states = [Progress::Expected, Progress::CheckedIn, Progress::Seen].map(|progress| {
        let mut cell = String::new();
        state_cell(w, progress, &mut cell);
        (progress, cell)
    });
    let order = roll.order(index, Sort::parse(&wanted.sort)).iter();
    let chosen = order.filter(|at| {
        roll.bookings().get(**at as usize).is_some_and(|booking| {
            department.is_none_or(|d| d == booking.department)
                && doctor.is_none_or(|d| d == booking.doctor)
                && waiting.as_ref().is_none_or(|rows| rows.contains(&booking.row))
        })
    });
    let lines = chosen.filter_map(|at| roll.line(visit, index, *at)).take(MOST);
    let lines: Vec<&Line> = lines.collect();
    // Text that grows is copied: a page of 600 lines is 300 KB.
    body.reserve(lines.iter().map(|line| line.len() + STATE).sum());
    for line in &lines {
        let progress = day.progress(&line.subject, visit.state.now);
        let (before, after) = line.halves();
        body.push_str(before);
        if progress != Progress::Expected
            && let Some((_, check_in)) = day.receptions_on(&line.subject, visit.state.now).next()
        {
            escape(&check_in.number, body);
        }
        body.push_str(after);
        if let Some((_, cell)) = states.iter().find(|(state, _)| *state == progress) {
            body.push_str(cell);
        }
    }
    lines.len()
}

/// Rows of those who were received and not yet seen.
fn here(index: &Index, day: &Day, now: Moment) -> HashSet<u32> {
    let waiting = day
        .subjects()
        .iter()
        .filter(|subject| day.progress(subject, now) == Progress::CheckedIn);
    let found = waiting.filter_map(|subject| match subject {
        Subject::Patient(id) => index.find(id).map(|row| row.number()),
        _ => None,
    });
    found.collect()
}

fn state_cell(w: &Words, progress: Progress, body: &mut String) {
    let (mark, word) = people::progress(w, progress);
    let class = if progress == Progress::Expected {
        "state"
    } else {
        "state state-done"
    };
    // Writing into a String cannot fail.
    let _ = write!(
        body,
        "<td class=\"{class}\"><span aria-hidden=\"true\">{mark}</span> {word}</td></tr>"
    );
}

/// People found by what was typed, whether booked or not.
fn found(visit: &Visit, index: &Index, day: &Day, query: &str, body: &mut String) -> usize {
    let w = visit.w();
    let Ok(signed) = visit.signed() else { return 0 };
    let cards = People::new(visit, index, day).search(query, FOUND).cards;
    for card in &cards {
        let href = href(signed.role(), &card.who);
        body.push_str("<tr><td class=\"fig\"></td><td class=\"fig\"></td><th scope=\"row\">");
        if let Some(href) = &href {
            let _ = write!(body, "<a data-row href=\"{href}\">");
        }
        body.push_str("<span class=\"kana\">");
        escape(&card.kana, body);
        body.push_str("</span><span class=\"name\">");
        escape(&card.name, body);
        body.push_str("</span>");
        if let Some(flag) = &card.flag {
            body.push_str(" <span class=\"flag\">");
            escape(flag, body);
            body.push_str("</span>");
        }
        if !card.former.is_empty() {
            body.push_str(" <span class=\"quiet\">");
            escape(&w.with("former-is", &[("name", (&card.former).into())]), body);
            body.push_str("</span>");
        }
        if href.is_some() {
            body.push_str("</a>");
        }
        body.push_str("</th>");
        for (class, text) in [
            ("fig", &card.birth_short),
            ("nowrap", &card.age),
            ("nowrap", &card.sex_short),
            ("fig", &card.id),
            ("", &card.plan.join("、")),
        ] {
            let _ = write!(body, "<td class=\"{class}\">");
            escape(text, body);
            body.push_str("</td>");
        }
        let _ = write!(
            body,
            "<td class=\"state\"><span aria-hidden=\"true\">{}</span> ",
            card.mark
        );
        escape(&card.today, body);
        body.push_str("</td></tr>");
    }
    cards.len()
}

/// People registered in this downtime.
fn temporary(visit: &Visit, day: &Day, body: &mut String) -> usize {
    let w = visit.w();
    let Ok(signed) = visit.signed() else { return 0 };
    let mut shown = 0;
    for (recorded, t) in day.temporary_patients() {
        let subject = Subject::Temporary(t.id.clone());
        let progress = day.progress(&subject, visit.state.now);
        let number = day
            .receptions_on(&subject, visit.state.now)
            .next()
            .map(|(_, c)| c.number.clone());
        let _ = write!(
            body,
            "<tr><td class=\"fig\">{}</td><td class=\"fig\">",
            recorded.entry.written_at.clock()
        );
        escape(&number.unwrap_or_default(), body);
        body.push_str("</td>");
        let strip = downtime::view::lay_over(&subject, None, day, visit.state.now).strip();
        body.push_str(&person_cells(
            visit,
            &Identity {
                href: href(signed.role(), &recorded.id.hex()),
                name: chart::Name::new(strip.name, strip.kana),
                flag: None,
                birth: t.birth,
                sex: t.sex,
                id: strip.id,
                age: t.birth.is_none().then_some(strip.age),
            },
        ));
        body.push_str(&place(t.department.label(), ""));
        state_cell(w, progress, body);
        shown += 1;
    }
    shown
}

struct Head {
    word: String,
    href: Option<String>,
    current: bool,
}

fn heads(w: &Words, wanted: &Wanted, query: &str) -> Vec<Head> {
    let sort = Sort::parse(&wanted.sort);
    let by = |word: &str, key: Sort| {
        let sortable = query.is_empty() && wanted.show != "temporary";
        Head {
            word: word.to_owned(),
            href: sortable.then(|| {
                format!(
                    "/patients?show={}&department={}&doctor={}&sort={}",
                    encode(&wanted.show),
                    encode(&wanted.department),
                    encode(&wanted.doctor),
                    key.word()
                )
            }),
            current: sortable && sort == key,
        }
    };
    let plain = |word: &str| Head {
        word: word.to_owned(),
        href: None,
        current: false,
    };
    vec![
        by(&w["head-time"], Sort::Time),
        plain(&w["head-reception"]),
        by(&w["head-name"], Sort::Kana),
        plain(&w["birth"]),
        plain(&w["age"]),
        plain(&w["sex"]),
        by(&w["patient-id"], Sort::Number),
        by(
            &w["head-place"],
            if sort == Sort::Department {
                Sort::Doctor
            } else {
                Sort::Department
            },
        ),
        plain(&w["head-state"]),
    ]
}

/// Percent-encoding of what stands in an address (codes of departments and doctors).
pub(super) fn encode(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, b| {
        if b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.') {
            out.push(char::from(b));
        } else {
            let _ = write!(out, "%{b:02X}");
        }
        out
    })
}

/// What can be shown: today, who is here, who was registered, and the other days the snapshot holds.
fn shows(visit: &Visit, index: &Index, current: &str) -> Vec<(String, String, bool)> {
    let w = visit.w();
    let today = visit.state.now.day();
    let mut shows = vec![
        (String::new(), w["show-today"].to_owned(), false),
        ("here".to_owned(), w["show-here"].to_owned(), false),
        ("temporary".to_owned(), w["show-temporary"].to_owned(), false),
    ];
    if visit.role().is_some_and(|role| super::ward::SCREEN.who.contains(&role)) && index.inpatients() > 0 {
        shows.push(("inpatients".to_owned(), w["show-inpatients"].to_owned(), false));
    }
    for day in index.days().filter(|day| *day != today) {
        let on = say::day(w, day);
        shows.push((
            chart::date::iso(day),
            w.with("show-day", &[("on", (&on).into())]),
            false,
        ));
    }
    for show in &mut shows {
        show.2 = show.0 == current;
    }
    shows
}

#[derive(Template)]
#[template(path = "screens/lists.html")]
struct ListsPage<'a> {
    page: Page<'a>,
    query: &'a str,
    shows: Vec<(String, String, bool)>,
    departments: Vec<(String, String, bool)>,
    doctors: Vec<(String, String, bool)>,
    sort: &'static str,
    paper: Option<(String, String, String)>,
    heads: Vec<Head>,
    body: String,
    counts: String,
    done: Option<Done>,
    problem: Option<String>,
    /// The day is not the snapshot's.
    later: Option<String>,
    /// This role calls people off.
    contact: bool,
}

#[derive(Template)]
#[template(path = "screens/lists_rows.html")]
struct RowsPart<'a> {
    page: Page<'a>,
    heads: Vec<Head>,
    body: String,
    counts: String,
}
