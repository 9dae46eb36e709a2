//! Departments, doctors and examinations.

use super::table::Rows;
use crate::SynthError;
use crate::person::Sex;

/// One department of the hospital.
#[derive(Debug, Clone)]
pub(crate) struct Department {
    /// Two digits, in shape A.
    pub(crate) code_a: &'static str,
    /// Three letters, in shape B.
    pub(crate) code_b: &'static str,
    pub(crate) name: &'static str,
    pub(crate) short: &'static str,
    /// Where its patients report.
    pub(crate) place: &'static str,
    pub(crate) extension: &'static str,
    /// Its share of the day's appointments.
    pub(crate) weight: u32,
    /// The only sex seen there, if there is one.
    pub(crate) sex: Option<Sex>,
    /// Ages seen there, in years.
    pub(crate) ages: (i64, i64),
}

/// One doctor.
#[derive(Debug, Clone)]
pub(crate) struct Doctor {
    pub(crate) code: &'static str,
    pub(crate) family: &'static str,
    pub(crate) given: &'static str,
    pub(crate) family_kana: &'static str,
    pub(crate) given_kana: &'static str,
    pub(crate) extension: &'static str,
    /// Place in the table of departments.
    pub(crate) department: usize,
}

/// One examination that can be ordered.
#[derive(Debug, Clone)]
pub(crate) struct Exam {
    pub(crate) code_a: &'static str,
    pub(crate) code_b: &'static str,
    pub(crate) name: &'static str,
    pub(crate) place: &'static str,
    pub(crate) preparation: &'static str,
    /// Has its own time, otherwise it is done on the way to the consultation.
    pub(crate) timed: bool,
    /// Is done in children under 6 too.
    pub(crate) child: bool,
}

pub(super) fn departments(rows: Rows) -> Result<Vec<Department>, SynthError> {
    rows.read(|row| {
        Ok(Department {
            code_a: row.text(0),
            code_b: row.text(1),
            name: row.text(2),
            short: row.text(3),
            place: row.text(4),
            extension: row.text(5),
            weight: row.number(6)?,
            sex: Sex::only(row.text(7)),
            ages: (row.number(8)?, row.number(9)?),
        })
    })
}

pub(super) fn doctors(rows: Rows, departments: &[Department]) -> Result<Vec<Doctor>, SynthError> {
    rows.read(|row| {
        let code = row.text(0);
        let department = code.get(1..3).unwrap_or_default();
        Ok(Doctor {
            code,
            family: row.text(1),
            given: row.text(2),
            family_kana: row.text(3),
            given_kana: row.text(4),
            extension: row.text(5),
            department: row.find(department, departments, |d| d.code_a)?,
        })
    })
}

pub(super) fn exams(rows: Rows) -> Result<Vec<Exam>, SynthError> {
    rows.read(|row| {
        Ok(Exam {
            code_a: row.text(0),
            code_b: row.text(1),
            name: row.text(2),
            place: row.text(3),
            preparation: row.text(4),
            timed: row.text(5) == "1",
            child: row.text(6) == "1",
        })
    })
}
