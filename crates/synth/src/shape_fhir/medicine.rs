//! MedicationRequest of outpatients and of wards, MedicationAdministration.

use super::Maker;
use super::codes::{ECS, LOCAL, System, UNIT, USAGE, coding, concept, date, identifier, instant, meta, words};
use super::json::{Json, list, map};
use crate::catalogue::DrugKind;
use crate::inpatient::{DueLine, Lying};
use crate::patient::{Interval, Patient, Prescribed, Visit};
use crate::v2::{route, usage};
use jiff::civil::{Date, time};

const SUPPLEMENT: System = System::new(
    "http://jami.jp/CodeSystem/MedicationUsageAdditional",
    "urn:oid:1.2.392.200250.2.2.20.22",
);

/// Where a prescription stands.
struct Written<'a> {
    number: u32,
    id: String,
    subject: &'a Json,
    on: Date,
    department: usize,
    doctor: usize,
    inpatient: bool,
}

impl Maker<'_> {
    /// The drugs of the last prescription of a department.
    pub(super) fn prescribed(&self, patient: &Patient, visit: &Visit, nth: usize, subject: &Json) -> Vec<Json> {
        let Some(prescription) = &visit.prescription else {
            return Vec::new();
        };
        let one = |item: &Prescribed| {
            let written = Written {
                number: patient.number,
                id: format!("rx-{}-{nth}-{}-{}", patient.id, item.rp.0, item.rp.1),
                subject,
                on: prescription.date,
                department: visit.department,
                doctor: visit.doctor,
                inpatient: false,
            };
            self.request(&written, item, &[], "", false)
        };
        prescription.items.iter().map(one).collect()
    }

    /// What is due in a ward on the day.
    pub(super) fn due(&self, patient: &Patient, lying: &Lying, subject: &Json) -> Vec<Json> {
        let one = |(seq, line): (usize, &DueLine)| {
            let written = Written {
                number: patient.number,
                id: format!("due-{}-{seq}", patient.id),
                subject,
                on: self.hospital.today(),
                department: lying.department,
                doctor: lying.doctor,
                inpatient: true,
            };
            let item = Prescribed {
                rp: (u32::try_from(seq).unwrap_or(u32::MAX), 1),
                ..line.drug.clone()
            };
            self.request(&written, &item, &line.hours, line.how, line.high_risk)
        };
        (1..).zip(&lying.due).map(one).collect()
    }

    /// The first injection, given yesterday evening.
    pub(super) fn given(&self, patient: &Patient, lying: &Lying, subject: &Json) -> Option<Json> {
        let line = lying.due.iter().find(|line| line.drug.kind == DrugKind::Injection)?;
        let at = crate::calendar::plus(self.hospital.today(), -1).to_datetime(time(21, 5, 0, 0));
        Some(map! {
            "resourceType": "MedicationAdministration", "id": format!("given-{}", patient.id), "status": "completed",
            "medicationCodeableConcept": medication(&line.drug), "subject": subject.clone(),
            "effectiveDateTime": instant(at),
            "dosage": map! { "text": line.how, "dose": quantity(patient.number, line.drug.each, line.drug.unit) },
        })
    }

    fn request(&self, written: &Written<'_>, item: &Prescribed, hours: &[u8], how: &str, high_risk: bool) -> Json {
        let number = written.number;
        let daily = item.daily.map(|daily| {
            map! {
                "numerator": quantity(number, Some(daily), item.unit),
                "denominator": map! { "value": 1_i64, "unit": "日", "system": "http://unitsofmeasure.org", "code": "d" },
            }
        });
        let dose = item.each.map(|_| quantity(number, item.each, item.unit));
        let mut more: Vec<Json> = Vec::new();
        let supplement = |code: &str, text: &str| {
            map! { "coding": list![coding(SUPPLEMENT.of(number), code, text)], "text": text }
        };
        match item.interval {
            Interval::Daily => {}
            Interval::OtherDay => more.push(supplement("I1100000", "隔日")),
            Interval::Weekdays(flags) => {
                let digits: String = flags.iter().map(|on| if *on { '1' } else { '0' }).collect();
                more.push(supplement(
                    &format!("W{digits}"),
                    &crate::shape_a::interval(item.interval),
                ));
            }
        }
        if let Some(parts) = item.uneven {
            for (nth, amount) in (1_u32..).zip(parts.into_iter().filter(|a| a.0 > 0)) {
                let code = format!("V{nth}{amount}");
                more.push(supplement(&format!("{code:N<8}"), &format!("{amount}{}", item.unit)));
            }
        }
        if high_risk {
            more.push(concept(&format!("{LOCAL}instruction"), "HR", "ダブルチェック"));
        }
        let (code, _) = usage(item.usage, item.kind);
        let clock: Vec<Json> = hours
            .iter()
            .map(|hour| Json::from(format!("{hour:02}:00:00")))
            .collect();
        let timing = map! {
            "repeat": map! { "timeOfDay": clock },
            "code": if item.usage.is_empty() { Json::List(Vec::new()) } else { concept(USAGE.of(number), code, item.usage) },
        };
        let (way, way_name) = if how.is_empty() {
            route(item.usage, item.kind)
        } else if how.contains("皮下") {
            ("SC", "皮下")
        } else {
            ("IV", "静脈内")
        };
        let counted = match item.quantity_unit {
            "日分" => map! { "expectedSupplyDuration": map! {
            "value": item.quantity, "unit": "日", "system": "http://unitsofmeasure.org", "code": "d" } },
            "回分" => map! { "quantity": map! { "value": item.quantity, "unit": "回分" } },
            package => map! { "quantity": map! { "value": item.quantity, "unit": package } },
        };
        let (kind, kind_name) = match item.kind {
            DrugKind::Oral => ("21", "内服"),
            DrugKind::AsNeeded => ("22", "頓用"),
            DrugKind::External => ("23", "外用"),
            DrugKind::Injection if written.inpatient => ("30", "注射"),
            DrugKind::Injection => ("24", "自己注射"),
        };
        let place = if written.inpatient {
            ("IHP", "入院処方")
        } else {
            ("OHP", "外来処方")
        };
        let text = if how.is_empty() { item.usage } else { how };
        map! {
            "resourceType": "MedicationRequest", "id": &written.id,
            "meta": meta(&format!("{ECS}JP_MedicationRequest_eCS"), self.loaded),
            "extension": self.extensions(written.department),
            "identifier": list![
                map! { "system": "http://jpfhir.jp/fhir/core/mhlw/IdSystem/Medication-RPGroupNumber", "value": item.rp.0.to_string() },
                map! { "system": "http://jpfhir.jp/fhir/core/mhlw/IdSystem/MedicationAdministrationIndex", "value": item.rp.1.to_string() },
                identifier(&written.id),
            ],
            "status": if written.inpatient { "active" } else { "completed" }, "intent": "order",
            "category": list![
                concept("http://jpfhir.jp/fhir/core/CodeSystem/JP_MedicationCategoryMERIT9_CS", place.0, place.1),
                concept(&format!("{LOCAL}drug-kind"), kind, kind_name),
            ],
            "medicationCodeableConcept": medication(item),
            "subject": written.subject.clone(), "authoredOn": date(written.on),
            "requester": self.doctor(written.doctor),
            "note": if item.remark.is_empty() { Json::List(Vec::new()) } else { list![words(item.remark)] },
            "dosageInstruction": list![map! {
                "text": text, "additionalInstruction": more, "timing": timing,
                "asNeededBoolean": (item.kind == DrugKind::AsNeeded).then_some(true),
                "route": concept("http://jpfhir.jp/fhir/core/CodeSystem/route-codes", way, way_name),
                "doseAndRate": list![map! { "doseQuantity": dose, "rateRatio": daily }],
            }],
            "dispenseRequest": if written.inpatient && item.kind == DrugKind::Injection { Json::List(Vec::new()) } else { counted },
        }
    }
}

fn medication(item: &Prescribed) -> Json {
    let nocoded = coding(
        "http://jpfhir.jp/fhir/eCS/CodeSystem/MedicationCodeNocoded_CS",
        "NOCODED",
        "標準コードなし",
    );
    let own = if item.code.is_empty() {
        Json::List(Vec::new())
    } else {
        coding(&format!("{LOCAL}drug"), item.code, item.name)
    };
    map! { "coding": list![nocoded, own], "text": item.name }
}

fn quantity(number: u32, amount: Option<crate::Amount>, unit: &str) -> Json {
    let Some(amount) = amount else {
        return Json::List(Vec::new());
    };
    match crate::v2::merit9(unit) {
        Some(code) => map! { "value": amount, "unit": unit, "system": UNIT.of(number), "code": code },
        None => map! { "value": amount, "unit": unit },
    }
}
