//! The acts of reception: receive, and take back.
//!
//! What the page showed is checked again here, under the person's own turn, so that two desks cannot both receive one
//! booking without seeing each other.

use axum::Form;
use axum::response::Response;
use chart::entry::CheckIn;
use chart::{Act, Coded, EntryId};
use downtime::forms::Visit as Visited;
use serde::Deserialize;

use super::page;
use crate::fault::Fault;
use crate::paper::{After, Order, issue, may_undo_at_once};
use crate::paper_language::paper_language;
use crate::people::{Ask, CardState, People};
use crate::reason::reason;
use crate::screens::chart::look;
use crate::visit::Visit;
use crate::who::Who;

#[derive(Deserialize)]
pub(super) struct CheckInForm {
    who: String,
    seen: usize,
    #[serde(default)]
    slot: String,
    #[serde(default)]
    department: String,
    #[serde(default)]
    day: String,
    insurance: Option<String>,
    chart: Option<String>,
    again: Option<String>,
    /// 用紙のことば
    #[serde(default)]
    language: String,
}

/// What will be recorded, or what the page says instead.
enum Checked {
    Go(Who, Box<Plan>),
    Say(String),
}

struct Plan {
    department: Coded,
    doctor: Coded,
    booked_at: Option<jiff::civil::Time>,
    unbooked: bool,
}

/// `POST /reception/check-in`.
pub(super) async fn check_in(visit: Visit, Form(form): Form<CheckInForm>) -> Result<Response, Fault> {
    let signed = visit.signed()?.clone();
    let _turn = visit.site.turn(&form.who).await;
    let (who, plan) = match check(&visit, &form)? {
        Checked::Go(who, plan) => (who, plan),
        Checked::Say(problem) => return page(&visit, "", Some(&form.who), None, Some(problem)),
    };
    let number = signed.session.next_reception();
    let sheet = signed
        .session
        .next_form_id()
        .map_err(|fault| Fault::NotSaved(fault.to_string()))?;
    let act = Act::CheckedIn(CheckIn {
        number,
        visit: sheet.clone(),
        department: plan.department,
        doctor: plan.doctor,
        booked_at: plan.booked_at,
        unbooked: plan.unbooked,
        identity_confirmed: true,
        insurance_seen: form.insurance.is_some(),
        paper_language: paper_language(&visit, &form.language),
    });
    let entry = signed
        .session
        .record(who.subject.clone(), act)
        .await
        .map_err(|fault| Fault::NotSaved(fault.to_string()))?;
    // From here on the person is received, whatever happens to the paper.
    let mut sheets = vec![slip(&visit, &who, entry, false).await];
    if form.chart.is_some() {
        sheets.push(chart_sheet(&visit, &who).await);
    }
    Ok(After::redirect("/reception", Some(entry), &sheets))
}

fn check(visit: &Visit, form: &CheckInForm) -> Result<Checked, Fault> {
    let w = visit.w();
    let signed = visit.signed()?;
    let index = signed.session.index();
    let day = signed.session.day();
    let who = Who::read(visit, &index, &day, &form.who)?;
    let card = People::new(visit, &index, &day).card(&who).ok_or(Fault::Stale)?;
    let say = |key: &str| Ok(Checked::Say(w.get(key).unwrap_or(key).to_owned()));
    if let CardState::Blocked(reason) = card.state {
        return Ok(Checked::Say(reason));
    }
    if card.seen != form.seen || (matches!(card.state, CardState::Here(_)) && form.again.is_none()) {
        return say("reception-meanwhile");
    }
    let row = who.row.and_then(|row| index.row(row));
    match card.ask {
        Ask::Day if !is_day(&form.day, row.and_then(|row| row.birth())) => return say("reception-wrong-day"),
        Ask::Number if !ends_number(&form.day, row.map_or("", |row| row.id_text())) => {
            return say("reception-wrong-number");
        }
        _ => {}
    }
    let today = visit.state.now.day();
    let slot = form.slot.parse().ok().and_then(|n: usize| row?.slots_on(today).nth(n));
    // A booking of this downtime is named by its entry.
    let booked = EntryId::parse(&form.slot).and_then(|id| {
        let mine = crate::booked::of(visit, &index, &day, today, &who.subject);
        mine.into_iter().find(|booked| booked.entry.id == id)
    });
    if slot.is_none() && booked.is_none() && !form.slot.is_empty() {
        return say("reception-meanwhile");
    }
    let booked = booked.map(|booked| booked.appointment);
    let plan = match (slot, booked) {
        (None, Some(appointment)) => Plan {
            department: appointment.department,
            doctor: appointment.doctor,
            booked_at: appointment.at,
            unbooked: false,
        },
        (Some(slot), _) => Plan {
            department: index.department(slot).clone(),
            doctor: index.doctor(slot).clone(),
            booked_at: slot.time(),
            unbooked: false,
        },
        (None, None) => {
            let chosen = index.departments().iter().find(|d| d.code == form.department);
            let Some(department) = chosen.filter(|_| !form.department.is_empty()) else {
                return say("reception-choose-department");
            };
            Plan {
                department: department.clone(),
                doctor: Coded::default(),
                booked_at: None,
                unbooked: true,
            }
        }
    };
    Ok(Checked::Go(who, Box::new(plan)))
}

/// The day of birth as said: `12` or `１２`, `5` or `05`.
fn is_day(typed: &str, birth: Option<jiff::civil::Date>) -> bool {
    let typed: String = typed.trim().chars().map(chart::id::half_width).collect();
    birth.is_some_and(|birth| typed.parse() == Ok(birth.day()))
}

/// The last four characters of the patient number, as read from the card.
fn ends_number(typed: &str, number: &str) -> bool {
    let typed: String = typed.trim().chars().map(chart::id::half_width).collect();
    typed.len() == number.len().min(4) && !typed.is_empty() && number.ends_with(&typed)
}

/// F01 for one reception: the number of the visit is the number of the slip.
pub(crate) async fn slip(visit: &Visit, who: &Who, entry: EntryId, reissue: bool) -> Result<String, Fault> {
    let signed = visit.signed()?;
    let mut view = look(visit, who).await?;
    // The slip is for this reception, also when the person has another one in a second department.
    view.receptions.retain(|(recorded, _)| recorded.id == entry);
    let number = view.receptions.first().map(|(_, check_in)| check_in.visit.clone());
    let order = Order {
        subject: who.subject.clone(),
        number,
        reissue,
    };
    issue(visit, signed, order, |issue| {
        Some(downtime::forms::patient_sheet(
            "F01",
            &view,
            &Visited::today(issue.now),
            issue,
        ))
    })
    .await
}

/// F02 with what is known now.
pub(crate) async fn chart_sheet(visit: &Visit, who: &Who) -> Result<String, Fault> {
    let signed = visit.signed()?;
    let view = look(visit, who).await?;
    let reissue = view
        .entries
        .iter()
        .any(|r| matches!(&r.entry.act, Act::Printed { form, .. } if form == "F02"));
    let order = Order {
        subject: who.subject.clone(),
        number: None,
        reissue,
    };
    issue(visit, signed, order, |issue| {
        Some(downtime::forms::patient_sheet(
            "F02",
            &view,
            &Visited::today(issue.now),
            issue,
        ))
    })
    .await
}

#[derive(Deserialize)]
pub(super) struct UndoForm {
    entry: String,
    #[serde(default)]
    reason: String,
}

/// `POST /reception/undo`: within seconds without a reason, later with one.
pub(super) async fn undo(visit: Visit, Form(form): Form<UndoForm>) -> Result<Response, Fault> {
    let signed = visit.signed()?.clone();
    let id = EntryId::parse(&form.entry).ok_or(Fault::Stale)?;
    let _turn = visit.site.turn(&form.entry).await;
    let reason = reason(&form.reason);
    let (subject, reason) = {
        let day = signed.session.day();
        let recorded = day.get(&id).ok_or(Fault::Stale)?;
        if !matches!(recorded.entry.act, Act::CheckedIn(_)) {
            return Err(Fault::Input("entry"));
        }
        if day.is_undone(&id) {
            return Ok(After::redirect("/reception", None, &[]));
        }
        let age = visit.state.now.0 - recorded.entry.written_at.0;
        let reason = match (reason.is_empty(), may_undo_at_once(age)) {
            (false, _) => reason,
            (true, true) => "受付直後の取り消し".to_owned(),
            (true, false) => {
                drop(day);
                let problem = visit.w()["reception-undo-late"].to_owned();
                return page(&visit, "", None, None, Some(problem));
            }
        };
        (recorded.entry.subject.clone(), reason)
    };
    let undone = signed
        .session
        .record(subject, Act::CheckInUndone { entry: id, reason })
        .await
        .map_err(|fault| Fault::NotSaved(fault.to_string()))?;
    Ok(After::redirect("/reception", Some(undone), &[]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn the_day_of_birth_as_people_type_it() {
        let birth = Some(date(1951, 5, 2));
        for good in ["2", "02", "０２", " 2 "] {
            assert!(is_day(good, birth), "{good}");
        }
        for bad in ["", "12", "20", "-2", "2日", "999999999999"] {
            assert!(!is_day(bad, birth), "{bad}");
        }
        assert!(!is_day("", None));
    }

    #[test]
    fn the_end_of_the_number_on_the_card() {
        assert!(ends_number("3456", "00123456") && ends_number("３４５６", "00123456") && ends_number("12", "12"));
        for bad in ["", "6", "456", "3457", "00123456"] {
            assert!(!ends_number(bad, "00123456"), "{bad}");
        }
        assert!(!ends_number("", ""));
    }
}
