//! S16 次回予約: always 仮予約, never a confirmed slot, because nobody here can see the EHR's calendar of now.
//!
//! Without a time it becomes 「日時は後日お電話します」 within that week.

use askama::Template;
use axum::Form;
use axum::extract::{Path, Query};
use axum::response::Response;
use axum::routing::{get, post};
use chart::entry::ProvisionalAppointment;
use chart::{Act, Coded, EntryId};
use downtime::index::Index;
use downtime::view::View;
use jiff::ToSpan;
use jiff::civil::{Date, Time};
use serde::Deserialize;

use super::chart::{look, open};
use super::{CARE, Open, Route, Screen, print, reads_charts};
use crate::drafts;
use crate::fault::Fault;
use crate::layout::{Banner, Done, Page};
use crate::panels;
use crate::paper::{After, Order, issue};
use crate::paper_language::{paper_language, paper_languages};
use crate::reason::reason;
use crate::say;
use crate::visit::Visit;
use crate::who::Who;

/// S16.
pub static SCREEN: Screen = Screen {
    id: "S16",
    name: "next",
    nav: None,
    who: CARE,
    open: Open::Downtime,
    routes: &[
        Route {
            method: "GET",
            path: "/p/{who}/next",
            handler: || get(show).post(book),
        },
        Route {
            method: "POST",
            path: "/p/{who}/next/cancel",
            handler: || post(cancel),
        },
        Route {
            method: "POST",
            path: "/p/{who}/next/draft",
            handler: || post(draft),
        },
    ],
};

const SCRIPTS: &[&str] = &["modebar.js", "scan.js", "keys.js", "fade.js", "draft.js", "print.js"];

/// Intervals offered, in weeks.
const WEEKS: [i64; 8] = [1, 2, 4, 5, 6, 8, 10, 12];
/// Farthest appointment, in days.
const FARTHEST: i32 = 800;

#[derive(Deserialize, Default)]
#[serde(default)]
struct NextForm {
    on: String,
    at: String,
    phone: String,
    department: String,
    doctor: String,
    purpose: String,
    exams: String,
    language: String,
    once: String,
}

async fn show(visit: Visit, Path(who): Path<String>, Query(after): Query<After>) -> Result<Response, Fault> {
    let (who, view) = open(&visit, &who).await?;
    let done = after.done(&visit, "");
    let problem = after.problem(&visit);
    let today = view.moment().day();
    let reception = view.reception().map(|(_, check_in)| check_in);
    let booked = view
        .chart
        .as_ref()
        .and_then(|c| c.appointments.iter().find(|a| a.on == today));
    let department = reception.map(|r| &r.department).or(booked.map(|a| &a.department));
    let doctor = reception
        .map(|r| &r.doctor)
        .filter(|d| !d.is_empty())
        .or(booked.map(|a| &a.doctor));
    let phone = view
        .chart
        .as_ref()
        .and_then(|c| c.patient.phones.first())
        .map(|p| p.number.clone());
    let form = NextForm {
        department: department.map(|d| d.code.clone()).unwrap_or_default(),
        doctor: doctor.map(|d| d.code.clone()).unwrap_or_default(),
        phone: phone
            .or_else(|| view.temporary.as_ref().map(|t| t.phone.clone()))
            .unwrap_or_default(),
        purpose: visit.w()["next-purpose-default"].to_owned(),
        ..NextForm::default()
    };
    let (kept, restored) = draft_kind().restored(&visit, &who.subject, "next-restored").unzip();
    let done = done.or_else(|| restored.map(Done::said));
    page(&visit, &who, &view, &kept.unwrap_or(form), "", done, problem)
}

fn draft_kind() -> drafts::Kind {
    drafts::Kind {
        name: "next".to_owned(),
        fields: &[
            "on",
            "at",
            "phone",
            "department",
            "doctor",
            "purpose",
            "exams",
            "language",
        ],
    }
}

async fn draft(
    visit: Visit,
    Path(who): Path<String>,
    Form(typed): Form<Vec<(String, String)>>,
) -> Result<Response, Fault> {
    let signed = visit.signed()?;
    let who = Who::read(&visit, &signed.session.index(), &signed.session.day(), &who)?;
    draft_kind().keep(&visit, who.subject, typed).await
}

async fn book(visit: Visit, Path(who): Path<String>, Form(form): Form<NextForm>) -> Result<Response, Fault> {
    let (who, view) = open(&visit, &who).await?;
    let signed = visit.signed()?.clone();
    let index = signed.session.index();
    let appointment = match read(&form, &index, visit.state.now.day()) {
        Ok(appointment) => ProvisionalAppointment {
            paper_language: paper_language(&visit, &form.language),
            ..appointment
        },
        Err(wrong) => {
            let w = visit.w();
            let problem = match wrong {
                "on" => &w["next-wrong-day"],
                "at" => &w["next-wrong-time"],
                _ => &w["reception-choose-department"],
            };
            return page(&visit, &who, &view, &form, wrong, None, Some(problem.to_owned()));
        }
    };
    let back = back(&visit, &who);
    let _turn = visit.site.turn(&form.once).await;
    if let Some(entry) = signed.done_once(&form.once) {
        return Ok(After::redirect(&back, Some(entry), &[]));
    }
    let entry = signed
        .session
        .record(who.subject.clone(), Act::AppointmentProvisional(appointment))
        .await
        .map_err(|fault| Fault::NotSaved(fault.to_string()))?;
    signed.remember(&form.once, entry);
    draft_kind().discard(&visit, &who.subject).await;
    let sheet = slip(&visit, &who, entry, false).await;
    Ok(After::redirect(&back, Some(entry), &[sheet]))
}

fn back(visit: &Visit, who: &Who) -> String {
    visit.person_address(&who.handle)
}

fn read(form: &NextForm, index: &Index, today: Date) -> Result<ProvisionalAppointment, &'static str> {
    let on = chart::date::parse(&form.on).map_err(|_| "on")?;
    let days = today.until(on).map_err(|_| "on")?.get_days();
    if !(1..=FARTHEST).contains(&days) {
        return Err("on");
    }
    let coded = |list: &[Coded], code: &str| list.iter().find(|c| c.code == code && !code.is_empty()).cloned();
    let text = |text: &str, most: usize| -> String { text.trim().chars().take(most).collect() };
    Ok(ProvisionalAppointment {
        on,
        at: if form.at.trim().is_empty() {
            None
        } else {
            Some(time(&form.at).ok_or("at")?)
        },
        department: coded(index.departments(), &form.department).ok_or("department")?,
        doctor: coded(index.doctors(), &form.doctor).unwrap_or_default(),
        purpose: text(&form.purpose, 100),
        exams: text(&form.exams, 200),
        phone: text(&form.phone, 20),
        paper_language: None,
    })
}

/// `9:30`, `0930`, `930`, `９時３０分`.
fn time(text: &str) -> Option<Time> {
    let text: String = text.trim().chars().map(chart::id::half_width).collect();
    let text = text.trim_end_matches('分').replace('時', ":");
    let (hour, minute) = match text.split_once(':') {
        Some((hour, "")) => (hour.to_owned(), "0".to_owned()),
        Some((hour, minute)) => (hour.to_owned(), minute.to_owned()),
        None if matches!(text.len(), 3 | 4) && text.is_ascii() => {
            let (hour, minute) = text.split_at(text.len() - 2);
            (hour.to_owned(), minute.to_owned())
        }
        None => return None,
    };
    let number = |part: &str| -> Option<i8> {
        let digits = !part.is_empty() && part.len() <= 2 && part.bytes().all(|b| b.is_ascii_digit());
        if digits { part.parse().ok() } else { None }
    };
    Time::new(number(&hour)?, number(&minute)?, 0, 0).ok()
}

/// F06 for one provisional appointment.
pub(super) async fn slip(visit: &Visit, who: &Who, entry: EntryId, reissue: bool) -> Result<String, Fault> {
    let signed = visit.signed()?;
    let view = look(visit, who).await?;
    let order = Order {
        subject: who.subject.clone(),
        number: None,
        reissue: reissue && print::was_printed(visit, who, "F06"),
    };
    issue(visit, signed, order, |issue| {
        let (recorded, appointment) = view.provisional.iter().find(|(r, _)| r.id == entry)?;
        Some(downtime::forms::appointment_sheet(&view, recorded, appointment, issue))
    })
    .await
}

#[derive(Deserialize)]
struct CancelForm {
    entry: String,
    reason: String,
}

async fn cancel(visit: Visit, Path(who): Path<String>, Form(form): Form<CancelForm>) -> Result<Response, Fault> {
    let (who, view) = open(&visit, &who).await?;
    let signed = visit.signed()?.clone();
    let id = EntryId::parse(&form.entry).ok_or(Fault::Stale)?;
    if !view.provisional.iter().any(|(r, _)| r.id == id) {
        return Err(Fault::Stale);
    }
    let reason = reason(&form.reason);
    if reason.is_empty() {
        return Err(Fault::Input("reason"));
    }
    let entry = signed
        .session
        .record(who.subject.clone(), Act::AppointmentCancelled { entry: id, reason })
        .await
        .map_err(|fault| Fault::NotSaved(fault.to_string()))?;
    Ok(After::redirect(&format!("/p/{}/next", who.handle), Some(entry), &[]))
}

struct Week {
    date: String,
    word: String,
    day: String,
    booked: String,
}

/// Days some weeks from now, with what the snapshot knows of their bookings.
fn weeks(visit: &Visit, index: &Index, department: &str) -> Vec<Week> {
    let w = visit.w();
    let today = visit.state.now.day();
    WEEKS
        .iter()
        .filter_map(|n| {
            let day = today.checked_add(n.weeks()).ok()?;
            let slots = index.slots_on(day);
            let booked = slots
                .iter()
                .filter(|slot| index.department(slot).code == department)
                .count();
            Some(Week {
                date: chart::date::iso(day),
                word: w.with("weeks-later", &[("n", n.unsigned_abs().into())]),
                day: say::day(w, day),
                booked: if slots.is_empty() {
                    String::new()
                } else {
                    w.with("next-booked", &[("n", booked.into())])
                },
            })
        })
        .collect()
}

struct Standing {
    words: String,
    cancel: Option<String>,
}

fn page(
    visit: &Visit,
    who: &Who,
    view: &View,
    form: &NextForm,
    wrong: &'static str,
    done: Option<Done>,
    problem: Option<String>,
) -> Result<Response, Fault> {
    let w = visit.w();
    let index = visit.signed()?.session.index();
    let choice = |list: &[Coded], code: &str| -> Vec<(String, String, bool)> {
        list.iter()
            .map(|c| (c.code.clone(), c.label().to_owned(), c.code == code))
            .collect()
    };
    let known = view
        .chart
        .iter()
        .flat_map(|c| &c.appointments)
        .filter(|a| a.on > view.moment().day());
    let known = known.map(|a| Standing {
        words: format!("{} {} {}", say::day(w, a.on), a.time_text(), a.department.label()),
        cancel: None,
    });
    let provisional = view.provisional.iter().map(|(recorded, a)| Standing {
        words: panels::act_words(w, &Act::AppointmentProvisional(a.clone())),
        cancel: Some(recorded.id.hex()),
    });
    visit.show(&NextPage {
        page: visit.page(&w["next-title"], SCRIPTS),
        banner: panels::banner(visit, view, visit.role().is_some_and(reads_charts)),
        weeks: weeks(visit, &index, &form.department),
        departments: choice(index.departments(), &form.department),
        doctors: choice(index.doctors(), &form.doctor),
        standing: known.chain(provisional).collect(),
        back: back(visit, who),
        who: &who.handle,
        once: visit.once()?,
        languages: paper_languages(visit, view.language(), &form.language),
        form,
        wrong,
        done,
        problem,
    })
}

#[derive(Template)]
#[template(path = "screens/next.html")]
struct NextPage<'a> {
    page: Page<'a>,
    banner: Banner,
    weeks: Vec<Week>,
    departments: Vec<(String, String, bool)>,
    doctors: Vec<(String, String, bool)>,
    languages: Vec<(String, String, bool)>,
    standing: Vec<Standing>,
    back: String,
    who: &'a str,
    once: String,
    form: &'a NextForm,
    wrong: &'static str,
    done: Option<Done>,
    problem: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::time as at;

    #[test]
    fn times_as_people_type_them() {
        for good in ["9:30", "09:30", "930", "0930", "９：３０", "9時30分", " 9:30 "] {
            assert_eq!(time(good), Some(at(9, 30, 0, 0)), "{good}");
        }
        assert_eq!(time("9時"), Some(at(9, 0, 0, 0)));
        for bad in ["9", "25:00", "9:60", "ab", "9:3:0", "-1:00", "999999", ""] {
            assert_eq!(time(bad), None, "{bad}");
        }
    }
}
