//! Systems, references and small parts that all resources share.
//!
//! One patient in twelve is written with the older OID systems where the others have URLs: both are met.

use super::json::{Json, list, map};
use crate::hospital::Hospital;
use crate::v2::FACILITY;
use jiff::civil::{Date, DateTime};

/// Codes of the hospital itself.
pub(super) const LOCAL: &str = "http://akari.example/fhir/CodeSystem/";
pub(super) const LOINC: &str = "http://loinc.org";
pub(super) const TERMINOLOGY: &str = "http://terminology.hl7.org/CodeSystem/";
pub(super) const ECS: &str = "http://jpfhir.jp/fhir/eCS/StructureDefinition/";
pub(super) const CORE: &str = "http://jpfhir.jp/fhir/core/StructureDefinition/";
const DEPARTMENT: &str = "http://jami.jp/SS-MIX2/CodeSystem/ClinicalDepartment";

/// A system in its two forms.
#[derive(Debug, Clone, Copy)]
pub(super) struct System(&'static str, &'static str);

pub(super) const JLAC10: System = System(
    "http://medis.or.jp/CodeSystem/master-JLAC10-17digits",
    "urn:oid:1.2.392.200119.4.504",
);
pub(super) const DISEASE: System = System(
    "http://medis.or.jp/CodeSystem/master-disease-keyNumber",
    "urn:oid:1.2.392.200119.4.101.2",
);
pub(super) const USAGE: System = System(
    "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/MedicationUsage_ePrescription",
    "urn:oid:1.2.392.200250.2.2.20",
);
pub(super) const UNIT: System = System(
    "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/MedicationUnitMERIT9Code",
    "urn:oid:1.2.392.100495.20.2.101",
);
pub(super) const ICD: System = System(
    "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/ICD10-2013-full",
    "http://hl7.org/fhir/sid/icd-10",
);

impl System {
    pub(super) const fn new(url: &'static str, oid: &'static str) -> Self {
        System(url, oid)
    }

    /// As a patient's records write it.
    pub(super) fn of(self, number: u32) -> &'static str {
        if number % 12 == 2 { self.1 } else { self.0 }
    }
}

/// System of the hospital's patient numbers.
pub(super) fn patient_system() -> String {
    format!("urn:oid:1.2.392.100495.20.3.51.1{FACILITY}")
}

pub(super) fn coding(system: &str, code: &str, display: &str) -> Json {
    map! { "system": system, "code": code, "display": display }
}

pub(super) fn concept(system: &str, code: &str, display: &str) -> Json {
    map! { "coding": list![coding(system, code, display)], "text": display }
}

/// A concept in a system of the hospital.
pub(super) fn local(system: &str, code: &str, display: &str) -> Json {
    concept(&format!("{LOCAL}{system}"), code, display)
}

pub(super) fn words(text: &str) -> Json {
    map! { "text": text }
}

pub(super) fn reference(kind: &str, id: &str) -> Json {
    map! { "reference": format!("{kind}/{id}") }
}

/// `2026-11-20T09:30:00+09:00`
pub(super) fn instant(at: DateTime) -> String {
    format!("{at}+09:00")
}

pub(super) fn meta(profile: &str, updated: DateTime) -> Json {
    map! { "lastUpdated": instant(updated), "profile": list![profile] }
}

pub(super) fn department_concept(hospital: &Hospital, department: usize) -> Json {
    hospital
        .catalogue
        .departments
        .get(department)
        .map_or(Json::List(Vec::new()), |d| concept(DEPARTMENT, d.code_a, d.name))
}

/// The identifier of a resource.
pub(super) fn identifier(value: &str) -> Json {
    map! { "system": "http://jpfhir.jp/fhir/core/IdSystem/resourceInstance-identifier", "value": value }
}

pub(super) fn date(day: Date) -> String {
    day.to_string()
}
