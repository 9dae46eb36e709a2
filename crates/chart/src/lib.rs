//! The clinical words: what a bedside needs to know about one patient, and what a person did for that patient
//! while the EHR was away. Plain data, its meaning, and its bytes.
//!
//! Deliberately absent: files, sockets, clocks, randomness, keys, screens. Every type here can be built in a test
//! with nothing but literals. Bytes are CBOR (RFC 8949) with numbered fields, see `docs/formats/chart.md`.

pub mod allergy;
pub mod as_of;
pub mod codec;
pub mod coverage;
pub mod date;
pub mod diagnosis;
pub mod dose;
pub mod entry;
pub mod finding;
pub mod fold;
pub mod id;
pub mod known;
pub mod language;
pub mod medication;
pub mod note;
pub mod order;
pub mod patient;
pub mod record;
pub mod result;
pub mod rx;
pub mod sheet;
pub mod sheet_code;
pub mod stay;
pub mod visit;

pub use allergy::Allergy;
pub use as_of::{AsOf, DataKind, JST, Moment};
pub use coverage::Coverage;
pub use diagnosis::Diagnosis;
pub use entry::{Act, Author, Entry, EntryId, Subject};
pub use finding::{Finding, Severity};
pub use id::{Coded, FormId, PatientId, StationCode, TemporaryId};
pub use known::Known;
pub use language::{Language, PaperLanguage};
pub use medication::{Prescription, PrescriptionItem};
pub use note::Note;
pub use patient::{Name, Patient, Sex};
pub use record::Chart;
pub use result::LabResult;
pub use rx::{Rx, RxSheet};
pub use sheet::{PatientStrip, Sheet};
pub use sheet_code::{PatientCheck, SheetCode};
pub use stay::Stay;
pub use visit::{Appointment, ExamOrder};
