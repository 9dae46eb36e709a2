//! What was booked in this downtime for one day, as lists, the reception card and F13 need it.
//!
//! The snapshot knows nothing of these bookings: each is an entry, and every line made of one says so.

use std::sync::Arc;

use chart::entry::ProvisionalAppointment;
use chart::{Name, Subject};
use downtime::forms::BookedRow;
use downtime::index::Index;
use downtime::view::{Day, Recorded};
use jiff::civil::Date;

use crate::rolls::{Identity, href};
use crate::say;
use crate::visit::Visit;
use crate::who::Who;

/// One booking of this downtime.
pub struct Booked {
    /// The entry.
    pub entry: Arc<Recorded>,
    /// The appointment.
    pub appointment: ProvisionalAppointment,
    /// Whose; `None` for somebody whom this snapshot does not hold.
    pub who: Option<Who>,
}

/// Everybody booked in this downtime for a day, by time. What the snapshot holds already (same person, department and time) is
/// left out: somebody has entered it in the EHR since.
#[must_use]
pub fn on(visit: &Visit, index: &Index, day: &Day, on: Date, department: &str) -> Vec<Booked> {
    let mut booked: Vec<Booked> = day
        .provisional()
        .filter(|(_, a)| a.on == on && (department.is_empty() || a.department.code == department))
        .map(|(entry, appointment)| Booked {
            who: Who::of_entry(visit, index, day, &entry),
            entry,
            appointment,
        })
        .filter(|booked| !is_in(index, booked))
        .collect();
    booked.sort_by_key(|booked| (booked.appointment.at.is_none(), booked.appointment.at));
    booked
}

/// Those of one person.
#[must_use]
pub fn of(visit: &Visit, index: &Index, day: &Day, date: Date, subject: &Subject) -> Vec<Booked> {
    let mut mine = on(visit, index, day, date, "");
    mine.retain(|booked| booked.entry.entry.subject == *subject);
    mine
}

fn is_in(index: &Index, booked: &Booked) -> bool {
    let row = booked.who.as_ref().and_then(|who| index.row(who.row?));
    let a = &booked.appointment;
    row.is_some_and(|row| {
        let mut slots = row.slots_on(a.on);
        slots.any(|slot| slot.time() == a.at && index.department(slot).code == a.department.code)
    })
}

impl Booked {
    /// The person as cells of a list.
    #[must_use]
    pub fn identity(&self, visit: &Visit, index: &Index, day: &Day) -> Identity {
        let subject = &self.entry.entry.subject;
        let role = visit.role();
        let address = self.who.as_ref().and_then(|who| href(role?, &who.handle));
        let row = self.who.as_ref().and_then(|who| index.row(who.row?));
        if let Some(row) = row {
            return Identity {
                href: address,
                name: Name::new(row.written(), row.kana()),
                flag: say::alike(visit.w(), row.alike()),
                birth: row.birth(),
                sex: row.sex(),
                id: row.id().map(|id| id.shown()).unwrap_or_default(),
                age: None,
            };
        }
        let strip = downtime::view::lay_over(subject, None, day, visit.state.now).strip();
        let (birth, sex) = match subject {
            Subject::Temporary(id) => day
                .temporary(id)
                .map_or((None, chart::Sex::Unknown), |t| (t.birth, t.sex)),
            _ => (None, chart::Sex::Unknown),
        };
        Identity {
            href: address,
            name: Name::new(strip.name, strip.kana),
            flag: None,
            birth,
            sex,
            id: strip.id,
            age: birth.is_none().then_some(strip.age),
        }
    }

    /// The number under which the person was received today for this booking.
    #[must_use]
    pub fn number(&self, visit: &Visit, day: &Day) -> String {
        let subject = &self.entry.entry.subject;
        let last = day.receptions_on(subject, visit.state.now).next_back();
        last.map(|(_, check_in)| check_in.number).unwrap_or_default()
    }

    /// The line of F13.
    #[must_use]
    pub fn paper(&self, visit: &Visit, index: &Index, day: &Day) -> BookedRow {
        let who = self.identity(visit, index, day);
        let subject = &self.entry.entry.subject;
        BookedRow {
            at: self.appointment.at,
            flag: self
                .who
                .as_ref()
                .and_then(|who| index.row(who.row?))
                .map(|row| row.alike().label())
                .filter(|label| !label.is_empty()),
            temporary: matches!(subject, Subject::Temporary(_)),
            name: who.name,
            birth: who.birth,
            sex: who.sex,
            id: who.id,
            doctor: self.appointment.doctor.label().to_owned(),
            exams: self.appointment.exams.clone(),
            memo: self.number(visit, day),
        }
    }

    /// 9:30 循環器内科（佐藤　一郎）停止中の予約.
    #[must_use]
    pub fn words(&self, visit: &Visit) -> String {
        let a = &self.appointment;
        let doctor = a.doctor.label();
        let doctor = if doctor.is_empty() {
            String::new()
        } else {
            format!("（{doctor}）")
        };
        format!(
            "{} {}{doctor} {}",
            chart::visit::time_text(a.at),
            a.department.label(),
            &visit.w()["from-entries"]
        )
        .trim()
        .to_owned()
    }
}
