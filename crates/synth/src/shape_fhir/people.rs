//! Patient, Coverage, AllergyIntolerance, List, Condition.

use super::Maker;
use super::codes::{
    CORE, DISEASE, ECS, ICD, LOCAL, TERMINOLOGY, coding, concept, date, department_concept, identifier, meta,
    patient_system, reference, words,
};
use super::json::{Json, list, map};
use crate::catalogue::Stay;
use crate::patient::{Caution, Cautions, Diagnosis, Patient};
use crate::person::{Person, Sex};
use jiff::civil::Date;

/// Sees who is told of a diagnosis: one in fifteen is not told of the first one, one does not get it.
const TOLD_EVERY: u32 = 15;

impl Maker<'_> {
    /// Somebody.
    pub(super) fn person(&self, id: &str, p: &Person, contacts: Vec<Json>) -> Json {
        let kind = |code: &str| {
            list![map! {
                "url": "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation", "valueCode": code,
            }]
        };
        let mut names = vec![map! {
            "extension": kind("IDE"), "use": "official", "text": format!("{} {}", p.family, p.given).replace('　', " "),
            "family": &p.family, "given": list![&p.given],
        }];
        if let Some((family, given)) = &p.kana {
            names.push(map! {
                "extension": kind("SYL"), "use": "official", "text": format!("{family} {given}").replace('　', " "),
                "family": family, "given": list![given],
            });
        }
        if !p.former.is_empty() {
            names.push(map! { "extension": kind("IDE"), "use": "old", "text": &p.former, "family": &p.former });
        }
        if !p.alias.is_empty() {
            names.push(map! { "extension": kind("IDE"), "use": "usual", "text": p.alias.replace('　', " ") });
        }
        let phone = |number: &str, place: &str| map! { "system": "phone", "value": number, "use": place };
        let phones = [
            (p.home.as_str(), "home"),
            (p.mobile.as_str(), "mobile"),
            (p.work_phone.as_str(), "work"),
        ];
        let phones: Vec<Json> = phones
            .iter()
            .filter(|(number, _)| !number.is_empty())
            .map(|(number, place)| phone(number, place))
            .collect();
        let mut contact = contacts;
        if !p.workplace.is_empty() {
            contact.push(map! {
                "relationship": list![concept(&format!("{TERMINOLOGY}v2-0131"), "E", "勤務先")],
                "organization": map! { "display": p.workplace },
            });
        }
        map! {
            "resourceType": "Patient", "id": id, "meta": meta(&format!("{CORE}JP_Patient"), self.loaded),
            "identifier": list![map! { "system": patient_system(), "value": id }],
            "active": true, "name": names, "telecom": phones,
            "gender": match p.sex { Sex::Male => "male", Sex::Female => "female", Sex::Unknown => "unknown" },
            "birthDate": date(p.birth), "deceasedDateTime": p.death.map(date),
            "address": list![map! { "text": &p.address, "postalCode": p.post_code, "country": "JP" }],
            "contact": contact,
        }
    }

    /// A patient with the family of an inpatient.
    pub(super) fn patient(&self, patient: &Patient) -> Json {
        let contacts = patient.lying.iter().map(|lying| {
            let (name, relation, phone) = &lying.contact;
            map! {
                "relationship": list![words(relation)],
                "name": map! { "text": name.replace('　', " ") },
                "telecom": list![map! { "system": "phone", "value": phone, "use": "mobile" }],
            }
        });
        self.person(&patient.id, &patient.person, contacts.collect())
    }

    /// Insurances, public money as one of its own.
    pub(super) fn coverages(&self, patient: &Patient) -> Vec<Json> {
        let mut out = Vec::new();
        let period = |from: Date, until: Option<Date>| map! { "start": date(from), "end": until.map(date) };
        let payor = |number: &str| {
            list![map! {
                "identifier": map! { "system": "http://jpfhir.jp/fhir/core/mhlw/IdSystem/InsurerNumber", "value": number },
            }]
        };
        for (seq, cover) in (1..).zip(&patient.insurances) {
            let seq: u32 = seq;
            let extension = |name: &str, value: &str| {
                if value.is_empty() {
                    return Json::List(Vec::new());
                }
                map! { "url": format!("http://jpfhir.jp/fhir/core/Extension/StructureDefinition/JP_Coverage_{name}"), "valueString": value }
            };
            if !cover.insurer.is_empty() {
                let member = format!(
                    "{:0>8}:{}:{}:{}",
                    cover.insurer, cover.symbol, cover.number, cover.branch
                );
                out.push(map! {
                    "resourceType": "Coverage", "id": format!("cov-{}-{seq}", patient.id),
                    "meta": meta(&format!("{CORE}JP_Coverage"), self.loaded),
                    "extension": list![
                        extension("InsuredPersonSymbol", &cover.symbol), extension("InsuredPersonNumber", &cover.number),
                        extension("InsuredPersonSubNumber", &cover.branch),
                    ],
                    "identifier": list![map! { "system": "http://jpfhir.jp/fhir/clins/Idsystem/JP_Insurance_memberID", "value": member }],
                    "status": "active",
                    "type": concept(&format!("{LOCAL}insurance"), cover.kind.digit(), cover.kind.word()),
                    "subscriberId": &cover.number,
                    "beneficiary": reference("Patient", &patient.id),
                    "relationship": concept(&format!("{TERMINOLOGY}subscriber-relationship"),
                        if cover.own { "self" } else { "other" }, if cover.own { "本人" } else { "家族" }),
                    "period": period(cover.from, cover.until),
                    "payor": payor(&cover.insurer),
                    "order": i64::from(seq),
                    "costToBeneficiary": list![map! {
                        "type": concept(&format!("{TERMINOLOGY}coverage-copay-type"), "copaypct", "負担割合"),
                        "valueQuantity": map! { "value": i64::from(cover.share) * 10, "unit": "%" },
                        "exception": if cover.burden.is_empty() { Json::List(Vec::new()) } else {
                            list![map! { "type": concept(&format!("{LOCAL}burden"), cover.burden_digit(), cover.burden) }]
                        },
                    }],
                });
            }
            if let Some((payer, recipient, until)) = &cover.public {
                out.push(map! {
                    "resourceType": "Coverage", "id": format!("cov-{}-{seq}-p", patient.id),
                    "meta": meta(&format!("{CORE}JP_Coverage"), self.loaded),
                    "status": "active",
                    "type": concept(&format!("{LOCAL}insurance"), "PE", "公費"),
                    "subscriberId": recipient, "beneficiary": reference("Patient", &patient.id),
                    "relationship": concept(&format!("{TERMINOLOGY}subscriber-relationship"), "self", "本人"),
                    "period": period(cover.from, Some(*until)),
                    "payor": payor(payer),
                });
            }
        }
        out
    }

    /// Allergies and contraindications. Where the record could not be read a List says so; where nobody asked there is nothing.
    pub(super) fn cautions(&self, patient: &Patient, subject: &Json) -> Vec<Json> {
        let id = |seq: usize| format!("alg-{}-{seq}", patient.id);
        match &patient.cautions {
            Cautions::Known(items) => (1..)
                .zip(items)
                .map(|(seq, item)| self.caution(&id(seq), item, subject, self.main_department(patient)))
                .collect(),
            Cautions::ConfirmedNone(on) => vec![
                self.allergy(&id(0), subject, self.main_department(patient))
                    .with(
                        "code",
                        map! {
                            "coding": list![
                                coding("http://snomed.info/sct", "716186003", "No known allergy"),
                                coding(&format!("{LOCAL}allergen"), "0000", "アレルギーなし"),
                            ],
                            "text": "アレルギーなし",
                        },
                    )
                    .with("recordedDate", date(*on)),
            ],
            Cautions::NotRecorded => Vec::new(),
            Cautions::Unavailable => vec![map! {
                "resourceType": "List", "id": format!("algs-{}", patient.id), "status": "current", "mode": "snapshot",
                "code": concept("http://loinc.org", "52472-8", "アレルギー"), "subject": subject.clone(),
                "emptyReason": concept(&format!("{TERMINOLOGY}list-empty-reason"), "unavailable", "参照できませんでした"),
            }],
        }
    }

    fn allergy(&self, id: &str, subject: &Json, department: usize) -> Json {
        map! {
            "resourceType": "AllergyIntolerance", "id": id,
            "meta": meta(&format!("{ECS}JP_AllergyIntolerance_eCS"), self.loaded),
            "extension": self.extensions(department),
            "identifier": list![identifier(id)],
            "clinicalStatus": list_of(&format!("{TERMINOLOGY}allergyintolerance-clinical"), "active"),
            "verificationStatus": list_of(&format!("{TERMINOLOGY}allergyintolerance-verification"), "confirmed"),
            "patient": subject.clone(),
        }
    }

    fn caution(&self, id: &str, item: &Caution, subject: &Json, department: usize) -> Json {
        let category = match item.class {
            'D' | 'M' => "medication",
            'F' => "food",
            _ => "environment",
        };
        let (class, name) = match item.class {
            'D' => ("D", "薬剤"),
            'F' => ("F", "食物"),
            'M' => ("M", "造影剤"),
            'L' => ("L", "ラテックス"),
            _ => ("O", "その他"),
        };
        let kind = if item.contraindication {
            coding(&format!("{LOCAL}allergy-class"), "C", "禁忌")
        } else {
            coding(&format!("{LOCAL}allergy-class"), class, name)
        };
        let what = if item.code.is_empty() {
            Json::List(Vec::new())
        } else {
            coding(&format!("{LOCAL}allergen"), item.code, &item.text)
        };
        let severity = item.severity.map(|s| match s {
            1 => "mild",
            2 => "moderate",
            _ => "severe",
        });
        let reaction = if item.reaction.is_empty() && severity.is_none() {
            Json::List(Vec::new())
        } else {
            list![map! { "manifestation": list![words(item.reaction)], "severity": severity }]
        };
        self.allergy(id, subject, department)
            .with("type", if item.contraindication { "" } else { "allergy" })
            .with("category", list![category])
            .with("criticality", if category == "medication" { "high" } else { "" })
            .with("code", map! { "coding": list![what, kind], "text": &item.text })
            .with("onsetDateTime", item.happened.map(date))
            .with("recordedDate", date(item.recorded))
            .with("reaction", reaction)
            .with(
                "note",
                if item.remark.is_empty() {
                    Json::List(Vec::new())
                } else {
                    list![words(item.remark)]
                },
            )
    }

    /// A diagnosis.
    pub(super) fn condition(&self, patient: &Patient, seq: usize, d: &Diagnosis, subject: &Json) -> Json {
        let number = patient.number;
        let id = format!("dx-{}-{seq}", patient.id);
        let tag = match (seq, number % TOLD_EVERY) {
            (1, 4) => Some("UNINFORMED"),
            (1, 9) => Some("UNDELIVERED"),
            _ => None,
        };
        let tags = tag.map(|code| {
            list![map! { "system": "http://jpfhir.jp/fhir/clins/CodeSystem/JP_ehrshrs_indication", "code": code }]
        });
        let status = match d.stay {
            Stay::Continuing => "active",
            Stay::Cured => "resolved",
            Stay::Stopped => "inactive",
        };
        let doctor_of = patient.visits.iter().find(|visit| visit.department == d.department);
        map! {
            "resourceType": "Condition", "id": &id,
            "meta": meta(&format!("{ECS}JP_Condition_eCS"), self.loaded).with("tag", tags),
            "extension": self.extensions(d.department),
            "identifier": list![identifier(&id)],
            "clinicalStatus": list_of(&format!("{TERMINOLOGY}condition-clinical"), status),
            "verificationStatus": list_of(&format!("{TERMINOLOGY}condition-ver-status"),
                if d.suspected { "provisional" } else { "confirmed" }),
            "category": list![list_of(&format!("{TERMINOLOGY}condition-category"), "encounter-diagnosis")],
            "code": map! {
                "coding": list![coding(DISEASE.of(number), "99999999", d.name), coding(ICD.of(number), d.icd, d.name)],
                "text": d.name,
            },
            "subject": subject.clone(),
            "onsetDateTime": date(d.onset), "abatementDateTime": d.ended.map(date),
            "recorder": doctor_of.map(|visit| self.doctor(visit.doctor)),
        }
    }

    pub(super) fn main_department(&self, patient: &Patient) -> usize {
        patient.visits.first().map_or(0, |visit| visit.department)
    }

    /// The department of a visit.
    pub(super) fn department(&self, place: usize) -> Json {
        department_concept(self.hospital, place)
    }
}

fn list_of(system: &str, code: &str) -> Json {
    map! { "coding": list![map! { "system": system, "code": code }] }
}
