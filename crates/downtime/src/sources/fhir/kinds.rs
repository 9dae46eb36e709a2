//! Which kinds of data the types of resource become.

use chart::DataKind;

use super::{bundle, json, resource};

/// The kind of data that a type of resource becomes.
#[must_use]
pub fn kind_of(resource_type: &str) -> Option<DataKind> {
    Some(match resource_type {
        "Patient" => DataKind::Patient,
        "Appointment" => DataKind::Appointment,
        "ServiceRequest" => DataKind::Order,
        "Condition" => DataKind::Diagnosis,
        "DocumentReference" | "Composition" => DataKind::Note,
        "MedicationRequest" => DataKind::Prescription,
        "AllergyIntolerance" | "List" => DataKind::Allergy,
        "Observation" => DataKind::Result,
        "Flag" => DataKind::Profile,
        "Coverage" => DataKind::Insurance,
        "Encounter" | "NutritionOrder" => DataKind::Stay,
        _ => return None,
    })
}

/// Types that must be there for a kind to be known at all.
pub const NEEDED: [(DataKind, &[&str]); 13] = [
    (DataKind::Patient, &["Patient"]),
    (DataKind::Appointment, &["Appointment"]),
    (DataKind::Order, &["ServiceRequest"]),
    (DataKind::Diagnosis, &["Condition"]),
    (DataKind::Note, &["DocumentReference", "Composition"]),
    (DataKind::Prescription, &["MedicationRequest"]),
    (DataKind::Allergy, &["AllergyIntolerance", "List"]),
    (DataKind::Result, &["Observation"]),
    (DataKind::Vital, &["Observation"]),
    (DataKind::Insurance, &["Coverage"]),
    (DataKind::Stay, &["Encounter"]),
    (DataKind::Schedule, &["MedicationRequest"]),
    (DataKind::Handover, &["DocumentReference"]),
];

/// `Condition.000.ndjson`: the way Bulk Data exports name their files.
#[must_use]
pub fn by_file_name(file: &str) -> Option<DataKind> {
    let name = file.rsplit(['/', '\\']).next()?;
    kind_of(name.split(['.', '-', '_']).next()?)
}

/// Reads every line into its own type and keeps nothing: how many could be read, how many not.
#[must_use]
pub fn read_lines(text: &str) -> (u64, u64) {
    let (mut read, mut refused, mut rest) = (0, 0, text);
    while !rest.is_empty() {
        let end = memchr::memchr(b'\n', rest.as_bytes()).map_or(rest.len(), |at| at + 1);
        let (line, behind) = rest.split_at(end);
        rest = behind;
        if is_read(line).unwrap_or(false) {
            read += 1;
        } else {
            refused += 1;
        }
    }
    (read, refused)
}

fn is_read(line: &str) -> Option<bool> {
    fn one<'t, T: json::Field<'t>>(line: &'t str) -> bool {
        // What is read must not be thought away: it is looked at.
        json::read::<T>(line).is_ok_and(|(it, odd)| {
            std::hint::black_box(&it);
            odd.count == 0
        })
    }
    Some(match &*bundle::type_of(line).ok()? {
        "Patient" => one::<resource::Patient<'_>>(line),
        "Appointment" => one::<resource::Appointment<'_>>(line),
        "Encounter" => one::<resource::Encounter<'_>>(line),
        "Condition" => one::<resource::Condition<'_>>(line),
        "AllergyIntolerance" => one::<resource::AllergyIntolerance<'_>>(line),
        "MedicationRequest" => one::<resource::MedicationRequest<'_>>(line),
        "Observation" => one::<resource::Observation<'_>>(line),
        "ServiceRequest" => one::<resource::ServiceRequest<'_>>(line),
        "Coverage" => one::<resource::Coverage<'_>>(line),
        "DocumentReference" => one::<resource::DocumentReference<'_>>(line),
        _ => one::<resource::Head<'_>>(line),
    })
}
