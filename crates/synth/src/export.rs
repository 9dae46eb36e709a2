//! Writing a whole export: one patient at a time, so that memory does not grow with the hospital.

use crate::SynthError;
use crate::hospital::{Hospital, Plan};
use crate::inpatient::Bed;
use crate::patient::{Patient, ThinRow};
use crate::person::Person;
use crate::shape_a::ShapeA;
use crate::shape_b::ShapeB;
use crate::shape_fhir::ShapeFhir;
use crate::shape_hl7::ShapeHl7;
use crate::shape_sql::ShapeSql;
use crate::shape_ssmix2::ShapeSsMix2;
use crate::sheet::Open;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The shapes of the same hospital.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// 分割型: many files, CP932, CRLF, Japanese headers.
    A,
    /// 一括型: few files, UTF-8 with BOM, LF, short codes, some without header.
    B,
    /// Scripts that make and fill a database, in three dialects, and queries that read it.
    Sql,
    /// SS-MIX2 standardized and extended storage with its transaction log.
    SsMix2,
    /// A stream of HL7 v2.5 messages in MLLP frames, and the same messages one by one.
    Hl7,
    /// FHIR R4: Bulk Data, and Bundles for some of the patients.
    Fhir,
}

impl Shape {
    /// Every shape by the name it is asked for.
    pub const NAMED: [(&'static str, Shape); 6] = [
        ("a", Shape::A),
        ("b", Shape::B),
        ("sql", Shape::Sql),
        ("ssmix2", Shape::SsMix2),
        ("hl7", Shape::Hl7),
        ("fhir", Shape::Fhir),
    ];

    /// The shape of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMED
            .iter()
            .find(|(word, _)| *word == name)
            .map(|(_, shape)| *shape)
    }
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Patients of the day.
    pub patients: u32,
    /// The files, the tally last.
    pub files: Vec<FileSummary>,
}

/// One file that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSummary {
    /// Name within the export; for a tree of small files the kind of file, `*` standing for what differs.
    pub name: String,
    /// Rows without the header; messages, resources or files where there are no rows.
    pub rows: u64,
    /// Size in bytes.
    pub bytes: u64,
}

/// One way to print patients.
pub(crate) trait Printer {
    /// Prints a patient of the day into all files.
    fn patient(&mut self, patient: &Patient, open: Open) -> Result<(), SynthError>;
    /// Prints a bed without anybody.
    fn empty_bed(&mut self, bed: &Bed, open: Open) -> Result<(), SynthError>;
    /// Prints somebody who is in the thin list only.
    fn other(&mut self, person: &Person, row: &ThinRow, open: Open) -> Result<(), SynthError>;
    /// Closes all files, the tally last.
    fn finish(self: Box<Self>, open: Open) -> Result<Vec<FileSummary>, SynthError>;
}

/// Writes an export into files given by `open`, which is asked for each file by its name. `progress` hears (patients done, all patients).
///
/// # Errors
/// [`SynthError::Write`] when a file cannot be opened or written.
pub fn export(
    hospital: &Hospital,
    shape: Shape,
    open: &mut dyn FnMut(&str) -> std::io::Result<Box<dyn Write>>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Summary, SynthError> {
    let patients = hospital.plan().patients;
    let mut printer: Box<dyn Printer + '_> = match shape {
        Shape::A => Box::new(ShapeA::open(hospital, open)?),
        Shape::B => Box::new(ShapeB::open(hospital, open)?),
        Shape::Sql => Box::new(ShapeSql::open(hospital, open)?),
        Shape::SsMix2 => Box::new(ShapeSsMix2::open(hospital, open)?),
        Shape::Hl7 => Box::new(ShapeHl7::open(hospital, open)?),
        Shape::Fhir => Box::new(ShapeFhir::open(hospital, open)?),
    };
    for done in 0..patients {
        // Shape B goes backwards: readers must not lean on the order.
        let number = if shape == Shape::B { patients - done } else { done + 1 };
        printer.patient(&hospital.patient(number), open)?;
        progress(u64::from(done) + 1, u64::from(patients));
    }
    let mut beds: Vec<Bed> = hospital.beds().collect();
    if shape == Shape::B {
        beds.reverse();
    }
    for bed in beds {
        match hospital.lying(&bed) {
            Some(patient) => printer.patient(&patient, open)?,
            None => printer.empty_bed(&bed, open)?,
        }
    }
    for number in hospital.others() {
        if let Some((person, row)) = hospital.other(number) {
            printer.other(&person, &row, open)?;
        }
    }
    Ok(Summary {
        patients,
        files: printer.finish(open)?,
    })
}

/// Opens the hospital of `plan` and writes its export into the folder `dir`, which is made if need be; files of the same names are replaced.
///
/// # Errors
/// As [`Hospital::new`] and [`export`].
pub fn write(plan: &Plan, shape: Shape, dir: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<Summary, SynthError> {
    write_hospital(&Hospital::new(plan)?, shape, dir, progress)
}

/// Writes the export of a hospital into the folder `dir`, as [`write()`] does.
///
/// # Errors
/// As [`export`].
pub fn write_hospital(
    hospital: &Hospital,
    shape: Shape,
    dir: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Summary, SynthError> {
    fs::create_dir_all(dir).map_err(|source| SynthError::Write {
        name: dir.display().to_string(),
        source,
    })?;
    let mut made = PathBuf::new();
    let mut open = |name: &str| {
        let path = dir.join(name);
        // Many small files stand in one folder after the other: it is asked for once.
        if let Some(folder) = path.parent().filter(|folder| *folder != made) {
            fs::create_dir_all(folder)?;
            made = folder.to_owned();
        }
        fs::File::create(path).map(|file| Box::new(file) as Box<dyn Write>)
    };
    export(hospital, shape, &mut open, progress)
}
