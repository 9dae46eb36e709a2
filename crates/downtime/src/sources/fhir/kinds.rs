//! Which kinds of data the types of resource become.

use chart::DataKind;

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
