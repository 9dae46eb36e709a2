//! The tables that hold no patients.

use super::dialect::Cell;
use super::tables::{BED, DEPARTMENT, DOCTOR, DRUG, EXAM, LAB_ITEM, WARD};
use super::{Rows, ShapeSql};
use crate::SynthError;
use crate::catalogue::DrugKind;
use crate::cp932::Lost;
use crate::inpatient::{Bed, WARDS};
use std::collections::BTreeSet;

impl ShapeSql<'_> {
    /// Departments, doctors, examinations, drugs, laboratory items and wards.
    pub(super) fn masters(&mut self) -> Result<(), SynthError> {
        let catalogue = &self.hospital.catalogue;
        let mut all: Vec<Rows<'_>> = Vec::new();
        let texts = |texts: &[&'static str]| texts.iter().map(|text| Cell::Text(text)).collect::<Vec<_>>();
        let departments = catalogue.departments.iter();
        all.push(Rows {
            table: &DEPARTMENT,
            rows: departments
                .map(|d| texts(&[d.code_a, d.name, d.short, d.place, d.extension]))
                .collect(),
        });
        let doctors = catalogue.doctors.iter().map(|d| {
            texts(&[
                d.code,
                d.family,
                d.given,
                d.family_kana,
                d.given_kana,
                self.department(d.department),
                d.extension,
            ])
        });
        all.push(Rows {
            table: &DOCTOR,
            rows: doctors.collect(),
        });
        let exams = catalogue.exams.iter();
        all.push(Rows {
            table: &EXAM,
            rows: exams
                .map(|e| texts(&[e.code_a, e.name, e.place, e.preparation]))
                .collect(),
        });
        let mut seen = BTreeSet::new();
        let drugs = catalogue.drugs.iter().filter(|drug| seen.insert(drug.code));
        all.push(Rows {
            table: &DRUG,
            rows: drugs.map(|d| texts(&[d.code, d.name, kind(d.kind)])).collect(),
        });
        let labs = catalogue.labs.iter();
        all.push(Rows {
            table: &LAB_ITEM,
            rows: labs.map(|l| texts(&[l.code_a, l.name, l.unit])).collect(),
        });
        all.push(Rows {
            table: &WARD,
            rows: WARDS.iter().map(|(code, name)| texts(&[code, name])).collect(),
        });
        all.iter().try_for_each(|rows| self.insert(Lost::Square, rows))
    }

    /// A bed, with or without somebody in it.
    pub(super) fn bed(&mut self, bed: &Bed) -> Result<(), SynthError> {
        let ward = WARDS.get(bed.ward).map_or("", |ward| ward.0);
        let rows = Rows {
            table: &BED,
            rows: vec![vec![ward.into(), (&bed.room).into(), (&bed.bed).into()]],
        };
        self.insert(Lost::Square, &rows)
    }
}

/// 1 内服, 2 頓服, 3 外用, 4 注射.
pub(super) fn kind(kind: DrugKind) -> &'static str {
    match kind {
        DrugKind::Oral => "1",
        DrugKind::AsNeeded => "2",
        DrugKind::External => "3",
        DrugKind::Injection => "4",
    }
}
