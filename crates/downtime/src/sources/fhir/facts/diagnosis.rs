//! Condition: 病名, with the mark that keeps one from being printed for the patient.

use chart::{DataKind, Diagnosis};

use super::booking::is_error;
use super::{Scene, bounded, extension, is_any};
use crate::sources::fhir::codes::{self, System};
use crate::sources::fhir::model::{Concept, Extension};
use crate::sources::fhir::{resource, when};

/// One diagnosis, when it is one of now.
pub fn condition(it: &resource::Condition<'_>, scene: &mut Scene<'_>) -> bool {
    if is_error(it.verification_status.as_ref())
        || is_any(it.clinical_status.as_ref(), &["inactive", "remission", "resolved"])
    {
        return false;
    }
    let Some(id) = scene.wanted(DataKind::Diagnosis, &it.subject, &it.contained) else {
        return false;
    };
    if when::read(&it.abatement)
        .ok()
        .and_then(|end| end.on)
        .is_some_and(|end| end < scene.day)
    {
        return false;
    }
    let empty = Concept::default();
    let code = it.code.as_ref().unwrap_or(&empty);
    let name = name(it, code);
    if name.is_empty() {
        scene.lost(DataKind::Diagnosis, &id);
        let message = "病名の書かれていない病名です。使いませんでした。";
        scene.tell(
            &id,
            "diagnosis.unnamed",
            chart::Severity::Warning,
            "Condition.code",
            message,
        );
        return false;
    }
    let start = it.onset_period.as_ref().map_or("", |period| &*period.start);
    let since = [&*it.onset, start, &*it.recorded]
        .into_iter()
        .find(|text| !text.is_empty())
        .unwrap_or("");
    let since = scene.past(&id, "Condition.onset", since).on;
    let diagnosis = Diagnosis {
        code: Some(codes::coded(code, &[System::DiseaseKey, System::DiseaseExchange]).code)
            // All nines: the standard's word for "no code".
            .filter(|code| !code.bytes().all(|b| b == b'9'))
            .unwrap_or_default(),
        icd10: codes::code_of(code, System::Icd10).unwrap_or_default().to_owned(),
        since,
        main: is_main(&it.extension) || scene.directory.is_first(&it.id, &scene.place),
        suspected: is_any(
            it.verification_status.as_ref(),
            &["unconfirmed", "provisional", "differential"],
        ),
        department: scene
            .department(&it.extension, it.encounter.as_ref(), &it.contained, None)
            .label()
            .to_owned(),
        uninformed: it.meta.tagged("UNINFORMED") || it.meta.tagged("UNDELIVERED"),
        name,
    };
    if let Some(about) = scene.about(&id) {
        about.draft.diagnoses.push(diagnosis);
    }
    true
}

/// The text; else prefixes, name and suffixes put together as the standard has them.
fn name(it: &resource::Condition<'_>, code: &Concept<'_>) -> String {
    if !code.text.trim().is_empty() {
        return bounded(&code.text);
    }
    let base = code.words();
    if base.is_empty() {
        return String::new();
    }
    let of = |end: &str| -> String {
        let list = it.extension.iter().filter(|one| one.url.ends_with(end));
        list.filter_map(|one| one.concept.as_ref())
            .map(Concept::words)
            .collect()
    };
    bounded(&format!(
        "{}{base}{}",
        of("DiseasePrefixModifier"),
        of("DiseasePostfixModifier")
    ))
}

/// 主病名: an extension that says so, as the exporting system names it.
fn is_main(list: &[Extension<'_>]) -> bool {
    ["MainDisease", "PrimaryDisease", "MainDiagnosis", "PrincipalDiagnosis"]
        .iter()
        .filter_map(|end| extension(list, end))
        .any(|one| one.boolean == Some(true))
}
