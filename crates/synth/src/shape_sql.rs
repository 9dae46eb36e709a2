//! The hospital as a database: scripts that make and fill the tables in three dialects, and the queries a hospital would write to read them.
//!
//! The tables are described in `docs/operating/synthetic-sources.md`. It prints facts and decides none, except which texts SQL Server
//! holds with half a character or a stray byte: real columns do.

mod dialect;
mod masters;
mod people;
mod tables;
mod ward;

use crate::catalogue::{Department, Doctor};
use crate::cp932::Lost;
use crate::export::Printer;
use crate::hospital::Hospital;
use crate::inpatient::Bed;
use crate::patient::{Patient, ThinRow};
use crate::person::Person;
use crate::shape_a::lost_of;
use crate::sheet::Open;
use crate::stream::{Stream, whole};
use crate::{FileSummary, SynthError};
use dialect::{Cell, Dialect};
use std::fmt::Write as _;
use tables::{TABLES, Table};

/// What the format cannot carry.
const CARRIES: &str = include_str!("../data/carries/sql.toml");
/// What the columns of the answers mean, for the program.
const MAPPING: &str = include_str!("../data/mapping/sql.toml");
/// The queries, which all three databases understand.
const QUERIES: [(&str, &str); 15] = [
    ("queries/01_patient.sql", include_str!("../data/queries/01_patient.sql")),
    (
        "queries/02_appointment.sql",
        include_str!("../data/queries/02_appointment.sql"),
    ),
    (
        "queries/03_appointment_coming.sql",
        include_str!("../data/queries/03_appointment_coming.sql"),
    ),
    ("queries/04_order.sql", include_str!("../data/queries/04_order.sql")),
    (
        "queries/05_diagnosis.sql",
        include_str!("../data/queries/05_diagnosis.sql"),
    ),
    ("queries/06_note.sql", include_str!("../data/queries/06_note.sql")),
    (
        "queries/07_prescription.sql",
        include_str!("../data/queries/07_prescription.sql"),
    ),
    ("queries/08_allergy.sql", include_str!("../data/queries/08_allergy.sql")),
    ("queries/09_result.sql", include_str!("../data/queries/09_result.sql")),
    ("queries/10_fact.sql", include_str!("../data/queries/10_fact.sql")),
    (
        "queries/11_insurance.sql",
        include_str!("../data/queries/11_insurance.sql"),
    ),
    ("queries/12_stay.sql", include_str!("../data/queries/12_stay.sql")),
    (
        "queries/13_schedule.sql",
        include_str!("../data/queries/13_schedule.sql"),
    ),
    ("queries/14_vital.sql", include_str!("../data/queries/14_vital.sql")),
    (
        "queries/15_handover.sql",
        include_str!("../data/queries/15_handover.sql"),
    ),
];

/// One of so many patients has a torn text, and at these places.
const TORN_EVERY: u32 = 50;
/// The address is torn.
const TORN_ADDRESS: u32 = 5;
/// The workplace has a stray byte.
const STRAY_WORKPLACE: u32 = 40;

/// The scripts being written.
pub(crate) struct ShapeSql<'h> {
    hospital: &'h Hospital,
    scripts: Vec<(Dialect, Stream)>,
    done: Vec<FileSummary>,
    torn: String,
    rows: String,
}

/// The rows of one patient for one table.
struct Rows<'a> {
    table: &'static Table,
    rows: Vec<Vec<Cell<'a>>>,
}

impl<'h> ShapeSql<'h> {
    /// Opens the scripts, makes the tables and fills those that hold no patients.
    pub(crate) fn open(hospital: &'h Hospital, open: Open) -> Result<Self, SynthError> {
        let mut scripts = Vec::new();
        for (dialect, name) in Dialect::ALL {
            let mut stream = Stream::open(open, name)?;
            stream.push(dialect.head().as_bytes(), 0)?;
            for table in TABLES {
                stream.push(dialect.create(table).as_bytes(), 0)?;
            }
            stream.push(dialect.begin().as_bytes(), 0)?;
            scripts.push((dialect, stream));
        }
        let mut done = Vec::new();
        for (name, text) in QUERIES {
            done.push(whole(open, name, text)?);
        }
        done.push(whole(open, "mapping.toml", MAPPING)?);
        let mut shape = ShapeSql {
            hospital,
            scripts,
            done,
            torn: String::new(),
            rows: String::new(),
        };
        shape.masters()?;
        Ok(shape)
    }

    /// Writes rows into all scripts.
    fn insert(&mut self, lost: Lost, rows: &Rows<'_>) -> Result<(), SynthError> {
        if rows.rows.is_empty() {
            return Ok(());
        }
        for (dialect, stream) in &mut self.scripts {
            let out = &mut self.rows;
            out.clear();
            // SQL Server takes at most 1,000 rows at once; nobody has so many.
            let _ = write!(out, "INSERT INTO {} VALUES", rows.table.name);
            for (place, row) in rows.rows.iter().enumerate() {
                out.push_str(if place == 0 { "\n(" } else { ",\n(" });
                for (at, (cell, (_, kind))) in row.iter().zip(rows.table.columns).enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    dialect.value(*cell, *kind, lost, out);
                }
                out.push(')');
            }
            out.push_str(";\n");
            stream.push(out.as_bytes(), rows.rows.len() as u64)?;
        }
        Ok(())
    }

    fn department(&self, place: usize) -> &'static str {
        self.hospital
            .catalogue
            .departments
            .get(place)
            .map_or("", |d: &Department| d.code_a)
    }

    fn doctor(&self, place: usize) -> &'static str {
        self.hospital
            .catalogue
            .doctors
            .get(place)
            .map_or("", |d: &Doctor| d.code)
    }

    /// Remembers that SQL Server holds a torn text.
    fn tear(&mut self, patient: &Patient, field: &str, how: &str) {
        let _ = write!(
            self.torn,
            "\n[[torn]]\npatient = \"{}\"\nfield = \"{field}\"\nhow = \"{how}\"\n",
            patient.id
        );
    }
}

impl Printer for ShapeSql<'_> {
    fn patient(&mut self, patient: &Patient, _: Open) -> Result<(), SynthError> {
        let lost = lost_of(patient.number);
        self.person(lost, patient)?;
        self.background(lost, patient)?;
        self.visits(lost, patient)?;
        if let Some(lying) = &patient.lying {
            self.lying(lost, patient, lying, None)?;
        }
        match &patient.later {
            Some(row) => self.booked_later(lost, patient.number, row),
            None => Ok(()),
        }
    }

    fn empty_bed(&mut self, bed: &Bed, _: Open) -> Result<(), SynthError> {
        self.bed(bed)?;
        let former = self.hospital.former(bed);
        let lost = lost_of(former.patient.number);
        self.person(lost, &former.patient)?;
        match &former.patient.lying {
            Some(lying) => self.lying(lost, &former.patient, lying, Some((former.at, former.left))),
            None => Ok(()),
        }
    }

    fn other(&mut self, person: &Person, row: &ThinRow, _: Open) -> Result<(), SynthError> {
        self.stranger(person, row)?;
        self.booked_later(Lost::Square, 0, row)
    }

    fn finish(self: Box<Self>, open: Open) -> Result<Vec<FileSummary>, SynthError> {
        let mut done = self.done;
        for (dialect, mut stream) in self.scripts {
            stream.push(dialect.foot().as_bytes(), 0)?;
            done.push(stream.finish()?);
        }
        done.push(whole(open, "carries.toml", &format!("{CARRIES}{}", self.torn))?);
        Ok(done)
    }
}
