//! Appointments and ordered examinations from their rows.
//!
//! Which days count is decided in `assemble`; here a row becomes what it says.

use chart::{Appointment, ExamOrder};
use jiff::civil::Date;

use super::cell::Cell;
use super::identity::IdentityPlan;
use super::plan::Fields;
use super::take::{CodedCells, MEDIUM, Take};

/// 予約 bound to columns.
#[derive(Debug)]
pub struct AppointmentPlan {
    /// 予約日
    pub on: Option<Cell>,
    /// Who the row says it is about.
    pub identity: IdentityPlan,
    at: Option<Cell>,
    department: CodedCells,
    doctor: CodedCells,
    place: Option<Cell>,
    purpose: Option<Cell>,
    number: Option<Cell>,
}

impl AppointmentPlan {
    /// Binds the fields.
    pub fn bind(fields: &mut Fields<'_, '_>) -> Self {
        Self {
            on: fields.one("on"),
            identity: IdentityPlan::bind(fields),
            at: fields.one("at"),
            department: fields.department(),
            doctor: fields.doctor(),
            place: fields.one("place"),
            purpose: fields.one("purpose"),
            number: fields.one("number"),
        }
    }

    /// Reads one appointment on a day that has been read before.
    pub fn read<'t>(&'t self, on: Date, take: &mut Take<'_, '_, 't>) -> Appointment {
        Appointment {
            on,
            at: take.time(self.at.as_ref()),
            department: take.coded(&self.department),
            doctor: take.person(&self.doctor),
            place: take.text(self.place.as_ref()),
            purpose: take.text_up_to(self.purpose.as_ref(), MEDIUM),
            number: take.text(self.number.as_ref()),
        }
    }
}

/// 検査予約 bound to columns.
#[derive(Debug)]
pub struct OrderPlan {
    /// 検査日
    pub on: Option<Cell>,
    /// The examination.
    pub exam: CodedCells,
    at: Option<Cell>,
    place: Option<Cell>,
    remarks: Option<Cell>,
    department: CodedCells,
    number: Option<Cell>,
}

impl OrderPlan {
    /// Binds the fields.
    pub fn bind(fields: &mut Fields<'_, '_>) -> Self {
        Self {
            on: fields.one("on"),
            exam: fields.coded("exam_code", "exam_name"),
            at: fields.one("at"),
            place: fields.one("place"),
            remarks: fields.one("remarks"),
            department: fields.department(),
            number: fields.one("number"),
        }
    }

    /// Reads one order; `None` for an empty examination column (one of several in a row) or without a day.
    pub fn read<'t>(&'t self, take: &mut Take<'_, '_, 't>) -> Option<ExamOrder> {
        let exam = take.coded(&self.exam);
        if exam.is_empty() {
            return None;
        }
        Some(ExamOrder {
            on: take.date(self.on.as_ref())?,
            at: take.time(self.at.as_ref()),
            exam,
            place: take.text(self.place.as_ref()),
            remarks: take.text_up_to(self.remarks.as_ref(), MEDIUM),
            department: take.coded(&self.department),
            number: take.text(self.number.as_ref()),
        })
    }
}
