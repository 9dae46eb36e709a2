//! AllergyIntolerance: what must be avoided, and who was asked and said none.
//!
//! "No known drug allergy" says nothing about food: only what covers everything makes a list confirmed empty.

use chart::allergy::AllergyKind;
use chart::patient::Fact;
use chart::{Allergy, DataKind, PatientId, Severity};
use jiff::civil::Date;

use super::booking::is_error;
use super::{Scene, bounded, is_any};
use crate::sources::fhir::codes::{self, System};
use crate::sources::fhir::model::{Coding, Concept};
use crate::sources::fhir::{resource, when};
use crate::sources::gather::AllergySaid;

/// What a resource says that names no substance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Nothing {
    /// Asked, and nothing at all.
    Known,
    /// Asked about one sort of thing only.
    Partly(&'static str),
    /// Nobody asked.
    NotAsked,
}

fn nothing(code: &Concept<'_>) -> Option<Nothing> {
    let by_code = code.coding.iter().find_map(|coding| {
        let snomed = codes::system(&coding.system) == System::Snomed;
        Some(match &*coding.code {
            "716186003" if snomed => Nothing::Known,
            "409137002" if snomed => Nothing::Partly("薬剤"),
            "429625007" if snomed => Nothing::Partly("食物"),
            "428607008" if snomed => Nothing::Partly("環境"),
            "1003774007" if snomed => Nothing::Partly("ラテックス"),
            "1631000175102" if snomed => Nothing::NotAsked,
            "not-asked" | "asked-unknown" | "unknown" if coding.system.ends_with("data-absent-reason") => {
                Nothing::NotAsked
            }
            _ => return None,
        })
    });
    by_code.or_else(|| {
        let words: String = code.words().chars().filter(|c| !c.is_whitespace()).collect();
        Some(match words.as_str() {
            "アレルギーなし" | "アレルギー無し" | "アレルギーなし（確認済）" | "なし" | "無し" | "特になし" => {
                Nothing::Known
            }
            "薬剤アレルギーなし" | "薬アレルギーなし" | "薬物アレルギーなし" => {
                Nothing::Partly("薬剤")
            }
            "食物アレルギーなし" => Nothing::Partly("食物"),
            "未確認" | "不明" => Nothing::NotAsked,
            _ => return None,
        })
    })
}

/// One statement about allergies.
pub fn allergy(it: &resource::AllergyIntolerance<'_>, scene: &mut Scene<'_>) -> bool {
    if is_error(it.verification_status.as_ref()) {
        return false;
    }
    let Some(id) = scene.wanted(DataKind::Allergy, &it.patient, &it.contained) else {
        return false;
    };
    let empty = Concept::default();
    let code = it.code.as_ref().unwrap_or(&empty);
    let over = is_any(it.clinical_status.as_ref(), &["inactive", "resolved"]);
    let on = day(it, &id, scene);
    let said = match nothing(code) {
        Some(_) if over => return false,
        Some(Nothing::Known) => AllergySaid::ConfirmedNone(on.or_else(|| when::read(&it.meta.last_updated).ok()?.on)),
        Some(Nothing::NotAsked) => AllergySaid::NotRecorded,
        Some(Nothing::Partly(sort)) => {
            let fact = Fact {
                label: "アレルギーの確認".to_owned(),
                value: format!("{sort}アレルギーなし（ほかのアレルギーは未確認）"),
                on,
            };
            if let Some(about) = scene.about(&id) {
                about.draft.facts.push(fact);
            }
            AllergySaid::NotRecorded
        }
        None if code.is_empty() => {
            let message = "何のアレルギーか書かれていない情報があります。ここにあるものがすべてではありません。";
            scene.tell(
                &id,
                "allergy.unnamed",
                Severity::Severe,
                "AllergyIntolerance.code",
                message,
            );
            AllergySaid::Unavailable
        }
        None if over => {
            let message = format!(
                "「{}」は解消・非活動と記録されたアレルギーのため、一覧に入れませんでした。",
                code.words()
            );
            scene.tell(
                &id,
                "allergy.inactive",
                Severity::Note,
                "AllergyIntolerance.clinicalStatus",
                message,
            );
            return false;
        }
        None => AllergySaid::Present(present(it, code, on)),
    };
    if let Some(about) = scene.about(&id) {
        about.draft.add_allergy(said);
    }
    true
}

/// A list of allergies that is empty and says why.
pub fn list(it: &resource::List<'_>, scene: &mut Scene<'_>) -> bool {
    let about_allergies = it
        .code
        .as_ref()
        .is_some_and(|code| code.has("52472-8") || code.has("48765-2") || code.words().contains("アレルギー"));
    let why = it.empty_reason.as_ref().filter(|_| it.entry.is_empty());
    let (true, "current", Some(why)) = (about_allergies, &*it.status, why) else {
        return false;
    };
    let Some(id) = scene.wanted(DataKind::Allergy, &it.subject, &it.contained) else {
        return false;
    };
    let on = scene.past(&id, "List.date", &it.date).on;
    let code = why.coding.first().map_or("", |one| &*one.code);
    let said = match code {
        "nilknown" => AllergySaid::ConfirmedNone(on),
        "notasked" | "notstarted" => AllergySaid::NotRecorded,
        // withheld, unavailable, closed: something may be there.
        _ => AllergySaid::Unavailable,
    };
    if let Some(about) = scene.about(&id) {
        about.draft.add_allergy(said);
    }
    true
}

fn present(it: &resource::AllergyIntolerance<'_>, code: &Concept<'_>, on: Option<Date>) -> Allergy {
    let substance = bounded(code.words());
    let is = |word: &str| it.category.iter().any(|one| &**one == word);
    let kind = if code.coding.iter().any(|coding| coding.display.trim() == "禁忌") {
        AllergyKind::Contraindication
    } else if substance.contains("造影剤") {
        AllergyKind::Contrast
    } else if is("medication") {
        AllergyKind::Drug
    } else if is("food") {
        AllergyKind::Food
    } else {
        AllergyKind::Other
    };
    // A code that is written as something else than the substance is its class (食物, その他), not its code.
    let is_class = |coding: &&Coding<'_>| {
        let display = coding.display.trim();
        codes::system(&coding.system) == System::Own && !display.is_empty() && display != substance
    };
    let own = Concept {
        coding: code.coding.iter().filter(|one| !is_class(one)).cloned().collect(),
        ..code.clone()
    };
    let coded = codes::coded(
        &own,
        &[System::Yj, System::Generic, System::Hot, System::Jfagy, System::Snomed],
    );
    let mut words: Vec<String> = Vec::new();
    for reaction in &it.reaction {
        let mut said: Vec<&str> = reaction
            .manifestation
            .iter()
            .map(Concept::words)
            .filter(|one| !one.is_empty())
            .collect();
        if said.is_empty() {
            said.push(reaction.description.trim());
        }
        let severity = match &*reaction.severity {
            "severe" => " 重度",
            "moderate" => " 中等度",
            "mild" => " 軽度",
            _ => "",
        };
        words.push(format!("{}{severity}", said.join("、")).trim().to_owned());
    }
    let mut words: Vec<String> = vec![words.join("、")];
    words.extend(it.note.iter().map(|one| one.text.trim().to_owned()));
    // For drugs JP-CLINS puts "high" on every contraindication; elsewhere it says that a next time may kill.
    if &*it.criticality == "high" && !is("medication") {
        words.push("重症化のおそれ".to_owned());
    }
    if is_any(it.verification_status.as_ref(), &["unconfirmed", "presumed"]) {
        words.push("未確定".to_owned());
    }
    words.retain(|word| !word.is_empty());
    words.dedup();
    Allergy {
        kind,
        substance: if substance.is_empty() {
            coded.code.clone()
        } else {
            substance
        },
        code: coded.code,
        reaction: bounded(&words.join(" ")),
        on,
    }
}

fn day(it: &resource::AllergyIntolerance<'_>, id: &PatientId, scene: &mut Scene<'_>) -> Option<Date> {
    let of_reaction = it.reaction.first().map_or("", |one| &*one.onset);
    let first = [&*it.onset, of_reaction, &*it.last_occurrence, &*it.recorded]
        .into_iter()
        .find(|text| !text.is_empty());
    scene.past(id, "AllergyIntolerance.onset", first.unwrap_or("")).on
}
