//! Source `fhir`, from files to charts: what comes out of good exports, and what is said about bad ones.

use std::collections::BTreeSet;
use std::path::Path;

use chart::{Chart, DataKind};
use downtime::sources::fhir::{Folder, Settings};
use downtime::sources::{Extract, PullFault, Source};
use serde_json::{Value, json};

use crate::every_case::every;
use crate::table::{scope, show};

mod damage;
mod server;

/// Pulls a folder.
pub fn pull(settings: Settings, dir: &Path) -> Result<(Vec<Chart>, Extract), PullFault> {
    let source = Folder::new(settings, dir.to_owned());
    let mut charts = Vec::new();
    let mut take = |chart| {
        charts.push(chart);
        Ok(())
    };
    let extract = source.pull(&scope(), &mut take, &mut |_| {})?;
    Ok((charts, extract))
}

/// What a case's `settings.json` says: kinds by their words, the patient numbers' system.
fn settings(case: &Path) -> Settings {
    let mut settings = Settings::default();
    let Ok(text) = std::fs::read_to_string(case.join("settings.json")) else {
        return settings;
    };
    let read: Value = serde_json::from_str(&text).unwrap();
    let kinds = |name: &str| -> Option<BTreeSet<DataKind>> {
        let words = read[name].as_array()?;
        let kind = |word: &Value| {
            DataKind::ALL
                .into_iter()
                .find(|kind| Some(kind.word()) == word.as_str())
                .unwrap()
        };
        Some(words.iter().map(kind).collect())
    };
    if let Some(kinds) = kinds("kinds") {
        settings.carries = kinds;
    }
    settings.may_be_empty = kinds("may_be_empty").unwrap_or_default();
    settings.patient_system = read["patient_system"].as_str().unwrap_or("").to_owned();
    settings
}

/// Files in a working copy have the time of the check-out: their as-of times are not compared.
fn without_file_times(value: &mut Value) {
    if let Some(object) = value.as_object_mut() {
        object.remove("as_of");
        if let Some(origins) = object.get_mut("origins").and_then(Value::as_array_mut) {
            for origin in origins {
                let text = origin.as_str().unwrap();
                let mut parts: Vec<&str> = text.split(" / ").collect();
                parts.remove(3);
                *origin = json!(parts.join(" / "));
            }
        }
    }
}

#[test]
fn every_case_gives_what_it_must() {
    every("fhir", 9, |case| {
        let mut got = match pull(settings(case), &case.join("in")) {
            Ok((charts, extract)) => show::pulled(&charts, &extract),
            Err(fault) => json!({ "error": fault.to_string().replace(&case.display().to_string(), "…") }),
        };
        without_file_times(&mut got);
        got
    });
}

/// One patient with an appointment on the day.
pub fn booked(id: &str) -> String {
    format!(
        r#"{{"resourceType":"Patient","id":"p{id}","identifier":[{{"system":"urn:oid:1.2.392.100495.20.3.51.11319999999","value":"{id}"}}],"name":[{{"text":"試験 {id}"}}],"birthDate":"1960-01-02","gender":"female"}}
{{"resourceType":"Appointment","id":"a{id}","status":"booked","start":"2026-11-20T09:30:00+09:00","participant":[{{"actor":{{"reference":"Patient/p{id}"}},"status":"accepted"}}]}}
"#
    )
}

/// Everything but the kinds named is not asked for.
pub fn only(kinds: &[DataKind]) -> Settings {
    let always = [DataKind::Patient, DataKind::Appointment];
    Settings {
        carries: always.into_iter().chain(kinds.iter().copied()).collect(),
        ..Settings::default()
    }
}

#[test]
fn what_the_patient_has_not_been_told_is_marked_in_the_chart() {
    let dir = tempfile::tempdir().unwrap();
    let mut text = booked("0001");
    for (id, tags) in [
        ("c1", r#"{"code":"LTS"},{"code":"UNINFORMED"}"#),
        ("c2", r#"{"code":"UNDELIVERED"}"#),
        ("c3", ""),
    ] {
        text.push_str(&format!(
            r#"{{"resourceType":"Condition","id":"{id}","meta":{{"tag":[{tags}]}},"code":{{"text":"病名{id}"}},"subject":{{"reference":"Patient/p0001"}}}}
"#
        ));
    }
    std::fs::write(dir.path().join("all.ndjson"), text).unwrap();
    let (charts, _) = pull(only(&[DataKind::Diagnosis]), dir.path()).unwrap();
    let marked: Vec<(String, bool)> = charts[0]
        .diagnoses
        .items()
        .iter()
        .map(|d| (d.staff_text(), d.uninformed))
        .collect();
    let wanted = [
        ("【未告知】病名c1", true),
        ("【未告知】病名c2", true),
        ("病名c3", false),
    ];
    assert_eq!(marked, wanted.map(|(name, mark)| (name.to_owned(), mark)));
}
