//! The list of a day as it becomes in a long outage: what was booked meanwhile, and what the list of another day is not.
//!
//! The bookings that the snapshot holds are not here.

use downtime::index::Index;
use downtime::view::{Day, Progress};
use jiff::civil::Date;

use super::{Wanted, state_cell};
use crate::booked;
use crate::rolls::{escape, person_cells, place_from};
use crate::say;
use crate::visit::Visit;

/// What was booked in this downtime for the day, before the lines of the snapshot: they are few, and nobody else knows them.
pub(super) fn provisional(
    visit: &Visit,
    index: &Index,
    day: &Day,
    on: Date,
    wanted: &Wanted,
    body: &mut String,
) -> usize {
    let w = visit.w();
    let mut shown = 0;
    for booked in booked::on(visit, index, day, on, &wanted.department) {
        let a = &booked.appointment;
        let subject = &booked.entry.entry.subject;
        let progress = day.progress(subject, visit.state.now);
        let doctor = wanted.doctor.is_empty() || a.doctor.code == wanted.doctor;
        if !doctor || (wanted.show == "here" && progress != Progress::CheckedIn) {
            continue;
        }
        body.push_str("<tr><td class=\"fig\">");
        body.push_str(&chart::visit::time_text(a.at));
        body.push_str("</td><td class=\"fig\">");
        if progress != Progress::Expected {
            escape(&booked.number(visit, day), body);
        }
        body.push_str("</td>");
        body.push_str(&person_cells(visit, &booked.identity(visit, index, day)));
        body.push_str(&place_from(a.department.label(), a.doctor.label(), &w["from-entries"]));
        state_cell(w, progress, body);
        shown += 1;
    }
    shown
}

/// Why the list of a day after the snapshot's is not like today's.
pub(super) fn later_day(visit: &Visit, index: &Index, on: Date) -> Option<String> {
    let made_for = index.day()?;
    if made_for == on {
        return None;
    }
    let w = visit.w();
    let snapshot = visit.state.snapshot.as_ref()?;
    let at = say::moment(w, snapshot.as_of.of(chart::DataKind::Appointment), visit.state.now);
    let day = say::day(w, made_for);
    let key = if index.slots_on(on).is_empty() {
        "lists-not-held"
    } else {
        "lists-later-day"
    };
    Some(w.with(key, &[("time", (&at).into()), ("day", (&day).into())]))
}
