//! Resources, read as JSON.

use super::{Fact, everybody, files, same};
use serde_json::Value;
use std::collections::BTreeSet;
use synth::Shape;

fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

fn code<'a>(value: &'a Value, path: &str, system: &str) -> &'a str {
    let codings = value
        .pointer(path)
        .and_then(|c| c.get("coding"))
        .and_then(Value::as_array);
    let found = codings.and_then(|all| all.iter().find(|c| text(c, "/system").contains(system)));
    found.map_or("", |coding| text(coding, "/code"))
}

fn list<'a>(value: &'a Value, path: &str) -> impl Iterator<Item = &'a Value> {
    value.pointer(path).and_then(Value::as_array).into_iter().flatten()
}

fn digits(date: &str) -> String {
    date.chars().take(16).filter(char::is_ascii_digit).collect()
}

fn tell(r: &Value, beds: &dyn Fn(&str) -> String, out: &mut BTreeSet<Fact>) {
    let whose = ["/subject/reference", "/patient/reference", "/beneficiary/reference"];
    let id = whose
        .iter()
        .map(|path| text(r, path))
        .find(|id| !id.is_empty())
        .unwrap_or_default();
    let mut id = id.trim_start_matches("Patient/").to_owned();
    let kind = text(r, "/resourceType");
    if kind == "Patient" {
        id = text(r, "/id").to_owned();
    }
    let mut add = |kind, what: String| {
        out.insert((id.clone(), kind, what));
    };
    match kind {
        "Patient" => {
            add("birth", digits(text(r, "/birthDate")));
            for name in list(r, "/name").filter(|n| text(n, "/extension/0/valueCode") == "SYL") {
                add("kana", format!("{} {}", text(name, "/family"), text(name, "/given/0")));
            }
        }
        "MedicationRequest" if text(r, "/status") == "completed" => {
            add(
                "drug",
                format!(
                    "{} {} {} {}",
                    code(r, "/medicationCodeableConcept", "akari"),
                    text(r, "/dosageInstruction/0/doseAndRate/0/doseQuantity/value"),
                    text(r, "/dosageInstruction/0/timing/code/text"),
                    text(r, "/identifier/0/value"),
                ),
            );
        }
        "MedicationRequest" if code(r, "/category/1", "drug-kind") == "30" => {
            for at in list(r, "/dosageInstruction/0/timing/repeat/timeOfDay") {
                let hour = at.as_str().unwrap_or_default().get(..2).unwrap_or_default();
                add("injection", format!("{hour} {}", text(r, "/dosageInstruction/0/text")));
            }
        }
        "ServiceRequest" => {
            let when = digits(text(r, "/occurrenceDateTime"));
            add("order", when.get(8..).unwrap_or_default().to_owned());
        }
        "Condition" => add(
            "diagnosis",
            format!(
                "{} {} {}",
                text(r, "/code/text"),
                text(r, "/code/coding/1/code").replace('.', ""),
                digits(text(r, "/onsetDateTime"))
            ),
        ),
        "AllergyIntolerance" if code(r, "/code", "snomed").is_empty() => add(
            "allergy",
            format!(
                "{} {} {}",
                code(r, "/code", "allergen"),
                text(r, "/code/text"),
                text(r, "/reaction/0/manifestation/0/text")
            ),
        ),
        "Observation" if text(r, "/id").starts_with("lab-") => {
            let value = match text(r, "/valueQuantity/value") {
                "" => text(r, "/valueString").to_owned(),
                number if text(r, "/valueQuantity/comparator") == "<" => format!("< {number}"),
                number => number.to_owned(),
            };
            add("result", value);
        }
        "Observation" if code(r, "/code", "loinc") == "8867-4" => {
            let value = text(r, "/valueQuantity/value");
            add("pulse", format!("{} {value}", digits(text(r, "/effectiveDateTime"))));
        }
        "Coverage" if code(r, "/type", "insurance") != "PE" => {
            let number = list(r, "/extension").find(|e| text(e, "/url").ends_with("InsuredPersonNumber"));
            let number = number.map_or("", |e| text(e, "/valueString"));
            add(
                "insurance",
                format!("{} {number}", text(r, "/payor/0/identifier/value")),
            );
        }
        "Encounter" if text(r, "/class/code") == "IMP" && text(r, "/status") != "finished" => {
            let here = list(r, "/location")
                .find(|l| text(l, "/status") == "active")
                .expect("a bed");
            add("bed", beds(text(here, "/location/reference")));
        }
        "NutritionOrder" => add("diet", text(r, "/oralDiet/type/0/text").to_owned()),
        _ => {}
    }
}

#[test]
fn the_resources_tell_of_the_same_people() {
    let files = files(Shape::Fhir);
    let mut all: Vec<Value> = Vec::new();
    for (name, bytes) in files.iter().filter(|(name, _)| name.ends_with(".ndjson")) {
        let text = std::str::from_utf8(bytes).expect("UTF-8");
        for line in text.lines() {
            let line = numbers_as_text(line);
            let value: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(
                format!("bulk/{}.ndjson", super::fhir::text(&value, "/resourceType")),
                *name
            );
            all.push(value);
        }
    }
    let ids: BTreeSet<String> = all
        .iter()
        .map(|r| format!("{}/{}", text(r, "/resourceType"), text(r, "/id")))
        .collect();
    assert_eq!(ids.len(), all.len(), "every resource has its own id");
    let lying: BTreeSet<String> = everybody().into_iter().map(|patient| patient.id).collect();
    let bed = |reference: &str| {
        let found = all.iter().find(|r| format!("Location/{}", text(r, "/id")) == reference);
        let bed = found.expect("the bed is there");
        format!(
            "{} {}",
            text(bed, "/identifier/0/value"),
            text(bed, "/identifier/1/value")
        )
    };
    let mut told = BTreeSet::new();
    for resource in &all {
        assert_references(resource, &ids);
        tell(resource, &bed, &mut told);
    }
    told.retain(|(id, _, _)| lying.contains(id));
    same("fhir", &told);
}

/// Values that are numbers as text, so that `6.0` stays `6.0` and `1.20` stays `1.20`.
fn numbers_as_text(line: &str) -> String {
    let mut parts = line.split("\"value\":");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str("\"value\":");
        let digits = part.find([',', '}']).unwrap_or(part.len());
        if part.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
            out.push_str(&format!("\"{}\"{}", &part[..digits], &part[digits..]));
        } else {
            out.push_str(part);
        }
    }
    out
}

fn assert_references(value: &Value, ids: &BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("reference") {
                assert!(ids.contains(reference), "{reference} is nowhere");
            }
            members.values().for_each(|value| assert_references(value, ids));
        }
        Value::Array(list) => list.iter().for_each(|value| assert_references(value, ids)),
        _ => {}
    }
}

#[test]
fn bundles_hold_what_they_point_to() {
    let files = files(Shape::Fhir);
    let bundles = files
        .iter()
        .filter(|(name, _)| name.starts_with("clins/") || name.starts_with("documents/"));
    let (mut count, mut identified) = (0, 0);
    for (name, bytes) in bundles {
        let bundle: Value = serde_json::from_slice(bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        let urls: BTreeSet<String> = list(&bundle, "/entry")
            .map(|e| text(e, "/fullUrl").to_owned())
            .collect();
        assert_eq!(urls.len(), list(&bundle, "/entry").count(), "{name}: a fullUrl twice");
        let first = text(&bundle, "/entry/0/resource/resourceType");
        let wanted = if name.starts_with("clins/") {
            "Patient"
        } else {
            "Composition"
        };
        assert_eq!(first, wanted, "{name}");
        for entry in list(&bundle, "/entry") {
            assert_references(&entry["resource"], &urls);
        }
        identified += usize::from(bundle.to_string().contains("\"subject\":{\"identifier\""));
        count += 1;
    }
    assert!(
        count > 30 && identified > 3,
        "{count} Bundles, {identified} of them without references"
    );
    let conditions = String::from_utf8(files["bulk/Condition.ndjson"].clone()).expect("UTF-8");
    assert!(conditions.contains("UNINFORMED") && conditions.contains("UNDELIVERED"));
    assert!(conditions.contains("urn:oid:1.2.392.200119.4.101.2"));
}
