//! Observation: results of the laboratory, vital signs, the body, what a ward knows. DocumentReference: notes and handovers.

use super::Maker;
use super::codes::{
    CORE, ECS, JLAC10, LOCAL, LOINC, TERMINOLOGY, coding, concept, date, identifier, instant, local, meta, words,
};
use super::json::{Json, list, map};
use crate::Amount;
use crate::base64::base64;
use crate::inpatient::{Lying, Measured};
use crate::patient::{LabSheet, Patient, Result, Visit};
use crate::v2::{jlac10, note_words};

/// Local codes of what a ward knows, in the order of the marks behind the diet.
const MARKS: [(&str, &str); 10] = [
    ("REST", "安静度"),
    ("ISO", "隔離"),
    ("O2", "酸素"),
    ("DRIP", "点滴"),
    ("INS", "インスリン"),
    ("POL", "方針"),
    ("ADL", "ADL"),
    ("FALL", "転倒危険度"),
    ("SWAL", "嚥下"),
    ("SKIN", "皮膚"),
];

fn category(code: &str) -> Json {
    let (system, text) = match code {
        "laboratory" => (
            "http://jpfhir.jp/fhir/core/CodeSystem/JP_SimpleObservationCategory_CS",
            "検体検査",
        ),
        "vital-signs" => (
            "http://jpfhir.jp/fhir/core/CodeSystem/JP_SimpleObservationCategory_CS",
            "バイタルサイン",
        ),
        _ => ("http://terminology.hl7.org/CodeSystem/observation-category", ""),
    };
    list![coding_only(system, code, text)]
}

fn coding_only(system: &str, code: &str, text: &str) -> Json {
    map! { "coding": list![coding(system, code, text)] }
}

/// A number with its digits as printed, or a comparator and a number; words otherwise.
fn value(observation: Json, text: &str, unit: &str) -> Json {
    let (comparator, digits) = match text.strip_prefix("< ") {
        Some(rest) => ("<", rest),
        None => ("", text),
    };
    if digits.parse::<f64>().is_ok() && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'-') {
        let quantity = map! {
            "value": Json::Number(digits.to_owned()), "comparator": comparator, "unit": unit,
        };
        return observation.with("valueQuantity", quantity);
    }
    observation.with("valueString", text)
}

impl Maker<'_> {
    /// All results of the last sample.
    pub(super) fn results(&self, patient: &Patient, subject: &Json) -> Vec<Json> {
        let Some(sheet) = &patient.labs else { return Vec::new() };
        let one = |result: &Result| self.result(patient, sheet, result, subject);
        sheet.results.iter().filter_map(one).collect()
    }

    fn result(&self, patient: &Patient, sheet: &LabSheet, result: &Result, subject: &Json) -> Option<Json> {
        let lab = self.hospital.catalogue.labs.get(result.item)?;
        let id = format!("lab-{}-{}", patient.id, lab.code_a);
        let own = coding(
            "http://jpfhir.jp/fhir/clins/CodeSystem/JP_CLINS_ObsLabResult_LocalCode_CS",
            lab.code_a,
            lab.name,
        );
        let standard = match jlac10(lab.code_a) {
            Some(code) => coding(JLAC10.of(patient.number), code, lab.name),
            None => coding(
                "http://jpfhir.jp/fhir/clins/CodeSystem/JP_CLINS_ObsLabResult_Uncoded_CS",
                "99999999999999999",
                lab.name,
            ),
        };
        let (low, high) = lab.reference(patient.person.sex);
        let limit = |text: &str| {
            if text.is_empty() {
                return Json::List(Vec::new());
            }
            map! { "value": Json::Number(text.to_owned()), "unit": lab.unit }
        };
        let range = match lab.decimals {
            None => map! { "text": low },
            Some(_) => map! { "low": limit(low), "high": limit(high) },
        };
        let flag = result.flag.map(|flag| {
            let (code, text) = if flag == 'L' { ("L", "Low") } else { ("H", "High") };
            list![coding_only(
                &format!("{TERMINOLOGY}v3-ObservationInterpretation"),
                code,
                text
            )]
        });
        let material = if lab.name.starts_with('尿') {
            "尿"
        } else if lab.name.starts_with('便') {
            "便"
        } else {
            "血液"
        };
        let observation = map! {
            "resourceType": "Observation", "id": &id,
            "meta": meta(&format!("{ECS}JP_Observation_LabResult_eCS"), self.loaded),
            "extension": self.service.then(|| self.extensions(self.main_department(patient))),
            "identifier": list![identifier(&id)], "status": "final", "category": category("laboratory"),
            "code": map! { "coding": list![own, standard], "text": lab.name },
            "subject": subject.clone(), "effectiveDateTime": instant(sheet.taken),
        };
        Some(
            value(observation, &result.value, lab.unit)
                .with("interpretation", flag)
                .with(
                    "note",
                    if result.remark.is_empty() {
                        Json::List(Vec::new())
                    } else {
                        list![words(result.remark)]
                    },
                )
                .with("specimen", map! { "display": material })
                .with("referenceRange", list![range]),
        )
    }

    /// Height, weight, blood group, infections, pacemaker.
    pub(super) fn facts(&self, patient: &Patient, subject: &Json) -> Vec<Json> {
        let p = &patient.profile;
        let tenth = |value: i64| Amount(value * 100).to_string();
        let sign = |positive: bool| if positive { "(+)" } else { "(-)" }.to_owned();
        let mut rows = Vec::new();
        let loinc = |code, text| concept(LOINC, code, text);
        rows.extend(
            p.height
                .map(|(v, on)| (loinc("8302-2", "身長"), "HT", tenth(v), "cm", Some(on))),
        );
        rows.extend(
            p.weight
                .map(|(v, on)| (loinc("29463-7", "体重"), "WT", tenth(v), "kg", Some(on))),
        );
        if let Some((abo, positive)) = patient.person.blood {
            let rh = if positive { "+" } else { "-" };
            rows.push((loinc("883-9", "血液型ABO"), "ABO", abo.to_owned(), "", None));
            rows.push((loinc("10331-7", "血液型Rh"), "RH", rh.to_owned(), "", None));
        }
        rows.extend(
            p.infections
                .map(|(hbs, _, on)| (local("fact", "HBS", "HBs抗原"), "HBS", sign(hbs), "", Some(on))),
        );
        rows.extend(
            p.infections
                .map(|(_, hcv, on)| (local("fact", "HCV", "HCV抗体"), "HCV", sign(hcv), "", Some(on))),
        );
        let there = |is| if is { "あり" } else { "なし" }.to_owned();
        rows.extend(
            p.pacemaker
                .map(|(is, on)| (local("fact", "PM", "ペースメーカ"), "PM", there(is), "", Some(on))),
        );
        let one = |(code, key, text, unit, on): (Json, &str, String, &str, Option<_>)| {
            let observation = map! {
                "resourceType": "Observation", "id": format!("fact-{}-{key}", patient.id),
                "meta": meta(&format!("{CORE}JP_Observation_Common"), self.loaded),
                "status": "final", "category": category(if unit.is_empty() { "exam" } else { "vital-signs" }),
                "code": code, "subject": subject.clone(), "effectiveDateTime": on.map(date),
            };
            if unit.is_empty() {
                observation.with("valueString", text)
            } else {
                value(observation, &text, unit)
            }
        };
        rows.into_iter().map(one).collect()
    }

    /// What a ward measured and knows.
    pub(super) fn ward_observations(&self, patient: &Patient, lying: &Lying, subject: &Json) -> Vec<Json> {
        let mut out: Vec<Json> = lying
            .vitals
            .iter()
            .flat_map(|one| self.vitals(patient, one, subject))
            .collect();
        let encounter = map! { "reference": format!("Encounter/stay-{}", patient.id) };
        let known = MARKS.iter().zip(lying.marks.iter().skip(1).copied());
        let operation = (&("OPE", "手術予定"), lying.operation.as_str());
        for ((code, name), text) in known.chain([operation]).filter(|(_, text)| !text.is_empty()) {
            out.push(map! {
                "resourceType": "Observation", "id": format!("ward-{}-{code}", patient.id),
                "meta": meta(&format!("{CORE}JP_Observation_Common"), self.loaded),
                "status": "final", "category": category("survey"), "code": local("ward", code, name),
                "subject": subject.clone(), "encounter": encounter.clone(),
                "effectiveDateTime": date(self.hospital.today()), "valueString": text,
            });
        }
        out
    }

    fn vitals(&self, patient: &Patient, one: &Measured, subject: &Json) -> Vec<Json> {
        let at = crate::v2::minute(one.at);
        let base = |key: &str, code: &str, text: &str| {
            map! {
                "resourceType": "Observation", "id": format!("vit-{}-{at}-{key}", patient.id),
                "meta": meta(&format!("{CORE}JP_Observation_VitalSigns"), self.loaded),
                "status": "final", "category": category("vital-signs"), "code": concept(LOINC, code, text),
                "subject": subject.clone(), "effectiveDateTime": instant(one.at),
            }
        };
        let temperature = format!("{}.{}", one.temperature / 10, one.temperature % 10);
        let part = |code: &str, text: &str, number: i64| {
            value(map! { "code": concept(LOINC, code, text) }, &number.to_string(), "mmHg")
        };
        vec![
            value(base("BT", "8310-5", "体温"), &temperature, "℃"),
            base("BP", "85354-9", "血圧").with(
                "component",
                list![
                    part("8480-6", "収縮期血圧", one.pressure.0),
                    part("8462-4", "拡張期血圧", one.pressure.1)
                ],
            ),
            value(base("HR", "8867-4", "脈拍"), &one.pulse.to_string(), "/分"),
            value(base("SAT", "59408-5", "SpO2"), &one.spo2.to_string(), "%"),
        ]
    }

    /// The last note of a department as a document.
    pub(super) fn note(&self, patient: &Patient, visit: &Visit, nth: usize, subject: &Json) -> Option<Json> {
        let (_, note) = (visit.last?, visit.note.as_ref()?);
        let text = note_words(note);
        if text.is_empty() {
            return None;
        }
        let id = format!("note-{}-{nth}", patient.id);
        Some(map! {
            "resourceType": "DocumentReference", "id": &id, "identifier": list![identifier(&id)], "status": "current",
            "type": concept(LOINC, "34108-1", "外来診療録"), "subject": subject.clone(), "date": instant(note.written),
            "author": list![self.doctor(visit.doctor)],
            "content": list![attachment(&text)],
            "context": map! { "practiceSetting": self.department(visit.department) },
        })
    }

    /// Handover notes.
    pub(super) fn handovers(&self, patient: &Patient, lying: &Lying, subject: &Json) -> Vec<Json> {
        let one = |(nth, (at, who, text)): (usize, &(jiff::civil::DateTime, &str, &str))| {
            let id = format!("ho-{}-{nth}", patient.id);
            map! {
                "resourceType": "DocumentReference", "id": &id, "status": "current",
                "type": concept(&format!("{LOCAL}document"), "HO", "申し送り"), "subject": subject.clone(), "date": instant(*at),
                "author": list![map! { "display": who.replace('　', " ") }], "content": list![attachment(text)],
            }
        };
        (1..).zip(&lying.handovers).map(one).collect()
    }
}

fn attachment(text: &str) -> Json {
    map! { "attachment": map! { "contentType": "text/plain;charset=utf-8", "language": "ja", "data": base64(text.as_bytes()) } }
}
