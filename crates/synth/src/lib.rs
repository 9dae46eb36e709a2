//! One invented hospital, always the same for the same arguments: it plays the electronic health record and writes the files that a
//! hospital's nightly export would write, in two shapes, and the same people as a database, an SS-MIX2 storage, HL7 messages and FHIR. Tests, the demonstration, drills and screenshots all use it.
//!
//! It knows nothing of the programs that read those files, nor the time, nor any randomness but its seed. Nobody in it exists. The columns
//! of both shapes and the hazards that are in it on purpose are described in `docs/operating/synthetic-hospital.md`.
//!
//! ```
//! use synth::{Plan, Shape};
//! let plan = Plan { patients: 3, date: jiff::civil::date(2026, 11, 20), seed: 1 };
//! let mut bytes = 0;
//! let summary = synth::export(&synth::Hospital::new(&plan)?, Shape::A, &mut |_name| Ok(Box::new(std::io::sink())), &mut |_done, _all| {})?;
//! bytes += summary.files.iter().map(|file| file.bytes).sum::<u64>();
//! assert!(bytes > 5_000);
//! # Ok::<(), synth::SynthError>(())
//! ```

mod amount;
mod base64;
mod body;
mod booking;
mod calendar;
mod catalogue;
mod caution;
mod cp932;
mod export;
mod former;
mod hazard;
mod history;
mod hospital;
mod illness;
mod inpatient;
mod insurance;
mod jis;
mod kana;
mod laboratory;
mod medicine;
mod note;
mod patient;
mod person;
mod rng;
mod shape_a;
mod shape_b;
mod shape_fhir;
mod shape_hl7;
mod shape_sql;
mod shape_ssmix2;
mod sheet;
mod stream;
mod thin;
mod v2;

pub use amount::Amount;
pub use catalogue::{DrugKind, Stay};
pub use export::{FileSummary, Shape, Summary, export, write, write_hospital};
pub use former::{Former, Left};
pub use hazard::{Hazard, hazards};
pub use hospital::{Hospital, MAX_PATIENTS, Plan};
pub use inpatient::{Bed, DueLine, Lying, MAX_BEDS, Measured};
pub use insurance::Cover;
pub use patient::{
    Appointment, Caution, Cautions, Diagnosis, Interval, LabSheet, Note, Order, Patient, Prescribed, Prescription,
    Profile, Result as LabResult, ThinRow, Visit,
};
pub use person::{Insurance, Person, Sex};

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum SynthError {
    /// The plan asks for something that cannot be made.
    #[error("{0}")]
    Plan(String),
    /// A table of this crate is faulty.
    #[error("table {file}, line {line}: {what}")]
    Table {
        /// The table.
        file: &'static str,
        /// Line, from 1.
        line: usize,
        /// What is wrong with it.
        what: String,
    },
    /// A file could not be written. What was written before it is incomplete: there is no tally file.
    #[error("{name} could not be written; the export is incomplete and has no tally file")]
    Write {
        /// The file.
        name: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}
