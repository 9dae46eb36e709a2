//! The shapes beside the files of columns: database, storage, stream and resources. Their bytes never change, and they tell of the same people.

mod carries;
mod fhir;
mod kept;
mod sql;
mod v2;

use crate::files::{Files, export_hospital, small};
use std::collections::BTreeSet;
use synth::{Hospital, Patient, Shape};

/// The shapes and the folders of their fixtures.
pub const SHAPES: [(Shape, &str); 4] = [
    (Shape::Sql, "sql"),
    (Shape::SsMix2, "ssmix2"),
    (Shape::Hl7, "hl7"),
    (Shape::Fhir, "fhir"),
];

/// The hospital of the fixtures: 60 patients and a dozen beds.
pub fn hospital() -> Hospital {
    Hospital::new(&small()).expect("plan within limits").with_beds(12)
}

/// Its files in a shape.
pub fn files(shape: Shape) -> Files {
    export_hospital(&hospital(), shape).0
}

/// Who is in it: those of the day and those in a bed.
pub fn everybody() -> Vec<Patient> {
    let hospital = hospital();
    let mut all: Vec<Patient> = (1..=60).map(|number| hospital.patient(number)).collect();
    all.extend(hospital.beds().filter_map(|bed| hospital.lying(&bed)));
    all
}

/// One fact: whose, what kind, which.
pub type Fact = (String, &'static str, String);

/// Facts that every one of the formats carries.
pub fn facts() -> BTreeSet<Fact> {
    let mut out = BTreeSet::new();
    for patient in everybody() {
        let mut add = |kind, what: String| {
            out.insert((patient.id.clone(), kind, what));
        };
        add("birth", patient.person.birth.strftime("%Y%m%d").to_string());
        if let Some((family, given)) = &patient.person.kana {
            add("kana", format!("{family} {given}"));
        }
        for visit in &patient.visits {
            for item in visit.prescription.iter().flat_map(|p| &p.items) {
                let each = item.each.map(|a| a.to_string()).unwrap_or_default();
                let each = if item.uneven.is_some() { String::new() } else { each };
                add("drug", format!("{} {each} {} {}", item.code, item.usage, item.rp.0));
            }
            for order in visit.appointment.iter().flat_map(|a| &a.orders) {
                let time = order.time.map(|t| t.strftime("%H%M").to_string()).unwrap_or_default();
                add("order", time);
            }
        }
        for d in &patient.diagnoses {
            add(
                "diagnosis",
                format!("{} {} {}", d.name, d.icd.replace('.', ""), d.onset.strftime("%Y%m%d")),
            );
        }
        if let synth::Cautions::Known(items) = &patient.cautions {
            for item in items {
                add("allergy", format!("{} {} {}", item.code, item.text, item.reaction));
            }
        }
        for result in patient.labs.iter().flat_map(|sheet| &sheet.results) {
            add("result", result.value.clone());
        }
        for cover in patient.insurances.iter().filter(|cover| !cover.insurer.is_empty()) {
            add("insurance", format!("{} {}", cover.insurer, cover.number));
        }
        if let Some(lying) = &patient.lying {
            add("bed", format!("{} {}", lying.bed.room, lying.bed.bed));
            add("diet", lying.marks[0].to_owned());
            for line in lying.due.iter().filter(|line| !line.how.is_empty()) {
                for hour in &line.hours {
                    add("injection", format!("{hour:02} {}", line.how));
                }
            }
            for one in &lying.vitals {
                add("pulse", format!("{} {}", one.at.strftime("%Y%m%d%H%M"), one.pulse));
            }
        }
    }
    out
}

/// The same facts as a format tells them; a difference is told with a few of its members.
pub fn same(format: &str, told: &BTreeSet<Fact>) {
    let facts = facts();
    assert!(facts.len() > 1_900, "only {} facts", facts.len());
    let missing: Vec<_> = facts.difference(told).take(5).collect();
    let more: Vec<_> = told.difference(&facts).take(5).collect();
    assert!(
        missing.is_empty() && more.is_empty(),
        "{format} lacks {missing:?} and adds {more:?}"
    );
}
