//! Bundles of the national service (JP-CLINS) for some of the patients: one a kind of information, and two documents.

use super::codes::{CORE, LOINC, concept, date, instant, patient_system};
use super::json::{Json, list, map};
use super::{Maker, Parts};
use crate::patient::Patient;
use crate::v2::{FACILITY, FACILITY_NAME, note_words};
use std::fmt::Write as _;

/// Bundles are written for so many of the first patients.
pub(super) const BUNDLED: u32 = 12;
/// In one patient of so many Bundles the subjects are identifiers, not references.
const IDENTIFIED_EVERY: u32 = 4;

/// A name-based UUID: 128 bits of FNV-1a over the id, marked as version 8.
fn uuid(id: &str) -> String {
    let mut hash: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    for byte in id.bytes() {
        hash ^= u128::from(byte);
        hash = hash.wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
    }
    let mut digits = String::new();
    let _ = write!(digits, "{hash:032x}");
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default().to_owned();
    format!(
        "{}-{}-8{}-a{}-{}",
        part(0, 8),
        part(8, 12),
        part(13, 16),
        part(17, 20),
        part(20, 32)
    )
}

/// How a resource is named inside a Bundle.
pub(super) fn urn(id: &str) -> String {
    format!("urn:uuid:{}", uuid(id))
}

fn entry(resource: Json) -> Json {
    map! { "fullUrl": urn(&format!("{}/{}", resource.text("resourceType"), resource.text("id"))), "resource": resource }
}

impl Maker<'_> {
    /// How the resources of a patient's Bundles name their patient.
    pub(super) fn bundled_subject(&self, patient: &Patient) -> Json {
        if patient.number % IDENTIFIED_EVERY == 2 {
            self.by_identifier(patient)
        } else {
            map! { "reference": urn(&format!("Patient/{}", patient.id)) }
        }
    }

    /// One Bundle of one kind of information; nothing when there is none of it.
    pub(super) fn information(&self, patient: &Patient, kind: &'static str, resources: &[Json]) -> Option<Json> {
        let mine: Vec<Json> = resources
            .iter()
            .filter(|r| r.text("resourceType") == kind)
            .cloned()
            .map(entry)
            .collect();
        if mine.is_empty() {
            return None;
        }
        let mut entries = vec![entry(self.patient(patient))];
        entries.extend(mine);
        let id = format!("clins-{}-{kind}", patient.id);
        Some(map! {
            "resourceType": "Bundle", "id": &id,
            "meta": map! {
                "lastUpdated": instant(self.loaded),
                "profile": list!["http://jpfhir.jp/fhir/clins/StructureDefinition/JP_Bundle_CLINS"],
                "tag": list![map! { "system": "http://jpfhir.jp/fhir/clins/CodeSystem/BundleResourceType_CS", "code": kind }],
            },
            "identifier": map! {
                "system": "http://jpfhir.jp/fhir/clins/bundle-identifier",
                "value": format!("{FACILITY}^{}^{}", self.hospital.today().year(), uuid(&id)),
            },
            "type": "collection", "timestamp": instant(self.loaded), "entry": entries,
        })
    }

    /// 診療情報提供書
    pub(super) fn referral(&self, patient: &Patient, parts: &Parts) -> Json {
        let sections = vec![
            section("910", "紹介先情報セクション", "隣町診療所 内科"),
            section("950", "傷病名・主訴セクション", &names(patient)),
            section("340", "現病歴セクション", &self.story(patient)),
            listed("510", "アレルギー・不耐性反応セクション", parts, "AllergyIntolerance"),
            listed("430", "投薬指示セクション", parts, "MedicationRequest"),
            listed("620", "検査結果セクション", parts, "Observation"),
        ];
        self.document(patient, parts, ("57133-1", "診療情報提供書"), "eReferral", sections)
    }

    /// 退院時サマリー
    pub(super) fn discharge(&self, patient: &Patient, parts: &Parts) -> Json {
        let purpose = patient.lying.as_ref().map_or("", |lying| lying.purpose);
        let leaving = patient.lying.as_ref().map_or(String::new(), |lying| {
            format!("{} 入院。{purpose}。経過良好にて退院。", date(lying.admitted))
        });
        let sections = vec![
            section("322", "入院理由セクション", purpose),
            section("333", "入院中経過セクション", &leaving),
            section("342", "入院時診断セクション", &names(patient)),
            listed("510", "アレルギー・不耐性反応セクション", parts, "AllergyIntolerance"),
            listed("444", "退院時投薬指示セクション", parts, "MedicationRequest"),
        ];
        self.document(
            patient,
            parts,
            ("18842-5", "退院時サマリー"),
            "eDischargeSummary",
            sections,
        )
    }

    fn story(&self, patient: &Patient) -> String {
        let note = patient.visits.iter().find_map(|visit| visit.note.as_ref());
        note.map(note_words).unwrap_or_default()
    }

    fn document(
        &self,
        patient: &Patient,
        parts: &Parts,
        kind: (&str, &str),
        profile: &str,
        sections: Vec<Json>,
    ) -> Json {
        let by = patient
            .lying
            .as_ref()
            .map(|lying| lying.doctor)
            .or_else(|| patient.visits.first().map(|visit| visit.doctor))
            .unwrap_or_default();
        let id = format!("{profile}-{}", patient.id);
        let composition = map! {
            "resourceType": "Composition", "id": &id,
            "meta": map! {
                "lastUpdated": instant(self.loaded),
                "profile": list![format!("http://jpfhir.jp/fhir/{profile}/StructureDefinition/JP_Composition_{profile}")],
            },
            "identifier": map! {
                "system": "http://jpfhir.jp/fhir/core/IdSystem/resourceInstance-identifier",
                "value": format!("{FACILITY}^{}^{}", self.hospital.today().year(), uuid(&id)),
            },
            "status": "final", "type": concept(LOINC, kind.0, kind.1), "subject": self.bundled_subject(patient),
            "date": instant(self.loaded), "author": list![self.doctor(by), map! { "display": FACILITY_NAME }],
            "title": kind.1, "custodian": map! { "display": FACILITY_NAME }, "section": sections,
        };
        let mut entries = vec![entry(composition), entry(self.patient(patient))];
        let inside = ["Condition", "AllergyIntolerance", "MedicationRequest", "Observation"];
        entries.extend(
            parts
                .resources
                .iter()
                .filter(|r| inside.contains(&r.text("resourceType")))
                .cloned()
                .map(entry),
        );
        map! {
            "resourceType": "Bundle", "id": format!("{id}-bundle"),
            "meta": map! { "lastUpdated": instant(self.loaded), "profile": list![format!("{CORE}JP_Bundle_{profile}")] },
            "identifier": map! { "system": patient_system(), "value": uuid(&format!("{id}-bundle")) },
            "type": "document", "timestamp": instant(self.loaded), "entry": entries,
        }
    }
}

fn section_of(code: &str, title: &str) -> Json {
    map! {
        "title": title,
        "code": concept("http://jpfhir.jp/fhir/clins/CodeSystem/jp-codeSystem-clins-document-section", code, title),
    }
}

fn section(code: &str, title: &str, text: &str) -> Json {
    let plain = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('\n', "<br/>");
    section_of(code, title).with(
        "text",
        map! { "status": "generated", "div": format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{plain}</div>") },
    )
}

/// A section that points to the entries of one kind.
fn listed(code: &str, title: &str, parts: &Parts, kind: &str) -> Json {
    let entries: Vec<Json> = parts
        .resources
        .iter()
        .filter(|r| r.text("resourceType") == kind)
        .map(|r| map! { "reference": urn(&format!("{kind}/{}", r.text("id"))) })
        .collect();
    section_of(code, title).with("entry", entries)
}

fn names(patient: &Patient) -> String {
    let names: Vec<&str> = patient.diagnoses.iter().map(|d| d.name).collect();
    names.join("、")
}
