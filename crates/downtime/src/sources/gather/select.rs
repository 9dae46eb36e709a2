//! How much of a patient goes into the chart, and in which order: the newest first, the day's departments before others.
//!
//! What is cut by a limit is told; what is left out because something newer replaces it is not.

use chart::coverage::{Coverage, MAX_COVERAGES, Standing};
use chart::{Appointment, Coded, Diagnosis, ExamOrder, LabResult, Note, Prescription, Severity};
use jiff::civil::{Date, Time};

use super::ledger::Sink;
use super::said::{DrugSaid, Limits};

/// Most lines of one prescription.
const MAX_LINES: usize = 60;
/// Most appointments and orders of one patient.
const MAX_BOOKINGS: usize = 100;
/// Most allergies of one patient.
pub const MAX_ALLERGIES: usize = 100;

/// Appointments of the days asked for, earliest first, each once.
#[must_use]
pub fn appointments(mut list: Vec<Appointment>, sink: &mut Sink<'_>) -> Vec<Appointment> {
    list.sort_by_key(|booking| (booking.on, time_last(booking.at)));
    let mut kept: Vec<Appointment> = Vec::with_capacity(list.len());
    for booking in list {
        let again = kept.iter().any(|other| {
            other == &booking
                || (!booking.number.is_empty() && other.number == booking.number && other.on == booking.on)
        });
        if !again {
            kept.push(booking);
        }
    }
    keep(kept, MAX_BOOKINGS, "予約", Severity::Warning, sink)
}

/// Orders of the days asked for, earliest first, each once.
#[must_use]
pub fn orders(mut list: Vec<ExamOrder>, sink: &mut Sink<'_>) -> Vec<ExamOrder> {
    list.sort_by_key(|order| (order.on, time_last(order.at)));
    keep(list, MAX_BOOKINGS, "検査予約", Severity::Warning, sink)
}

/// Diagnoses with the main ones first, otherwise in the order of the file.
///
/// One that is told twice (in two exports of one system) is one. Whatever one of them marks holds for it: what the patient has not been
/// told must not come to paper through a copy without the mark.
#[must_use]
pub fn diagnoses(told: Vec<Diagnosis>, limits: &Limits, sink: &mut Sink<'_>) -> Vec<Diagnosis> {
    let mut list: Vec<Diagnosis> = Vec::with_capacity(told.len());
    for one in told {
        match list.iter_mut().find(|other| is_same(other, &one)) {
            // Rows that are the same to the letter are counted below.
            Some(same) if *same != one => {
                same.main |= one.main;
                same.uninformed |= one.uninformed;
                for (known, other) in [
                    (&mut same.code, one.code),
                    (&mut same.icd10, one.icd10),
                    (&mut same.department, one.department),
                ] {
                    if known.is_empty() {
                        *known = other;
                    }
                }
            }
            _ => list.push(one),
        }
    }
    list.sort_by_key(|diagnosis| !diagnosis.main);
    keep(list, limits.diagnoses, "病名", Severity::Warning, sink)
}

/// The newest note of each department, newest first.
#[must_use]
pub fn notes(list: Vec<Note>, booked: &[Coded], limits: &Limits, sink: &mut Sink<'_>) -> Vec<Note> {
    let mut newest: Vec<Note> = Vec::new();
    for note in list {
        match newest
            .iter_mut()
            .find(|other| same_department(&other.department, &note.department))
        {
            None => newest.push(note),
            Some(other) if (other.on, other.at) < (note.on, note.at) => *other = note,
            Some(_) => {}
        }
    }
    newest.sort_by_key(|note| std::cmp::Reverse((is_booked(&note.department, booked), note.on, note.at)));
    let mut newest = keep(newest, limits.notes, "診療録", Severity::Note, sink);
    newest.sort_by_key(|note| std::cmp::Reverse((note.on, note.at)));
    newest
}

/// The newest prescription of each department, newest first; lines of one department and day are one prescription.
#[must_use]
pub fn prescriptions(rows: Vec<DrugSaid>, booked: &[Coded], limits: &Limits, sink: &mut Sink<'_>) -> Vec<Prescription> {
    let mut newest: Vec<Prescription> = Vec::new();
    for row in rows {
        let known = newest
            .iter_mut()
            .find(|other| same_department(&other.department, &row.department));
        match known {
            Some(other) if other.on == row.on => other.items.push(row.item),
            Some(other) if other.on > row.on => {}
            Some(other) => *other = prescription(row),
            None => newest.push(prescription(row)),
        }
    }
    newest.sort_by_key(|one| std::cmp::Reverse((is_booked(&one.department, booked), one.on)));
    let mut newest = keep(newest, limits.prescriptions, "処方", Severity::Warning, sink);
    newest.sort_by_key(|one| std::cmp::Reverse(one.on));
    for one in &mut newest {
        one.items.sort_by_key(|item| item.rp);
        one.items = keep(
            std::mem::take(&mut one.items),
            MAX_LINES,
            "処方の薬品",
            Severity::Severe,
            sink,
        );
    }
    newest
}

/// The newest results, newest first; within one time in the order of the file.
#[must_use]
pub fn results(mut list: Vec<LabResult>, limits: &Limits, sink: &mut Sink<'_>) -> Vec<LabResult> {
    list.sort_by_key(|result| std::cmp::Reverse((result.on, result.at)));
    keep(list, limits.results, "検査結果", Severity::Note, sink)
}

/// The insurances of a patient: those that hold on the day first, otherwise in the order of the file.
#[must_use]
pub fn insurances(mut list: Vec<Coverage>, day: Date, sink: &mut Sink<'_>) -> Vec<Coverage> {
    list.sort_by_key(|coverage| coverage.standing(day) != Standing::Holds);
    keep(list, MAX_COVERAGES, "保険", Severity::Note, sink)
}

/// Keeps each item once and at most so many, and says what it left out. Rows that stand twice in an export come from a join or
/// a copied file; a drug that seems to be prescribed twice would be a wrong prescription.
pub fn keep<T: PartialEq>(list: Vec<T>, most: usize, word: &str, severity: Severity, sink: &mut Sink<'_>) -> Vec<T> {
    let mut kept: Vec<T> = Vec::with_capacity(list.len().min(most));
    let (mut twice, mut over) = (0_usize, 0_usize);
    for item in list {
        if kept.contains(&item) {
            twice += 1;
        } else if kept.len() < most {
            kept.push(item);
        } else {
            over += 1;
        }
    }
    if twice > 0 {
        let message = format!("{word}にまったく同じ行が{twice}件あり、1つだけを入れました。");
        sink.tell("row.twice", Severity::Note, "", message);
    }
    if over > 0 {
        let message = format!(
            "{word}が{}件あり、{most}件だけを入れました。残りはここでは見られません。",
            kept.len() + over
        );
        sink.tell("list.cut", severity, "", message);
    }
    kept
}

/// The same diagnosis, as far as both say: name, beginning and suspicion, and codes and department where both have them.
fn is_same(one: &Diagnosis, other: &Diagnosis) -> bool {
    let agree = |a: &str, b: &str| a.is_empty() || b.is_empty() || a == b;
    one.name == other.name
        && one.since == other.since
        && one.suspected == other.suspected
        && agree(&one.code, &other.code)
        && agree(&one.icd10, &other.icd10)
        && agree(&one.department, &other.department)
}

fn prescription(row: DrugSaid) -> Prescription {
    Prescription {
        on: row.on,
        department: row.department,
        doctor: row.doctor,
        items: vec![row.item],
    }
}

fn same_department(one: &Coded, other: &Coded) -> bool {
    if one.code.is_empty() && other.code.is_empty() {
        one.name == other.name
    } else {
        one.code == other.code
    }
}

fn is_booked(department: &Coded, booked: &[Coded]) -> bool {
    booked.iter().any(|other| same_department(department, other))
}

fn time_last(at: Option<Time>) -> (bool, Option<Time>) {
    (at.is_none(), at)
}

/// The departments with an appointment on the day.
#[must_use]
pub fn booked_departments(appointments: &[Appointment], day: Date) -> Vec<Coded> {
    appointments
        .iter()
        .filter(|a| a.on == day)
        .map(|a| a.department.clone())
        .collect()
}
