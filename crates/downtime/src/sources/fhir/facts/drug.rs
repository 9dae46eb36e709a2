//! MedicationRequest: one line of a prescription.

use chart::medication::Route;
use chart::{Coded, DataKind, PatientId, PrescriptionItem, Severity};

use super::{Scene, bounded, dosage, extension};
use crate::sources::fhir::codes::{self, System};
use crate::sources::fhir::model::Identifier;
use crate::sources::fhir::names::DRUG_ORDER;
use crate::sources::fhir::resource;
use crate::sources::gather::DrugSaid;

/// One drug of a prescription.
pub fn request(it: &resource::MedicationRequest<'_>, scene: &mut Scene<'_>) -> bool {
    if matches!(&*it.status, "cancelled" | "stopped" | "entered-in-error" | "draft")
        || matches!(&*it.intent, "proposal" | "plan" | "option")
    {
        return false;
    }
    scene.modified |= it.dosage.iter().any(|one| !one.modifier.is_empty());
    let Some(id) = scene.wanted(DataKind::Prescription, &it.subject, &it.contained) else {
        return false;
    };
    let drug = drug(it, scene);
    if it.do_not_perform == Some(true) {
        let message = format!(
            "「{}」は「投与しない」という指示です。処方には入れませんでした。",
            drug.label()
        );
        scene.tell(
            &id,
            "drug.not_to_give",
            Severity::Warning,
            "MedicationRequest.doNotPerform",
            message,
        );
        return false;
    }
    if drug.is_empty() {
        scene.lost(DataKind::Prescription, &id);
        let message = "薬の名前もコードもない処方の行です。使いませんでした。ここにあるものがすべてではありません。";
        scene.tell(
            &id,
            "drug.unnamed",
            Severity::Severe,
            "MedicationRequest.medication",
            message,
        );
        return false;
    }
    let mut item = PrescriptionItem {
        rp: number(&it.identifier, System::RpNumber),
        drug,
        ..PrescriptionItem::default()
    };
    let mut left = Vec::new();
    if let Some(first) = it.dosage.first() {
        left = dosage::fill(&mut item, first);
        item.route = route(it).unwrap_or(item.route);
        if item.days.is_none() {
            let used = extension(&first.extension, "UsageDuration").and_then(|one| one.duration.as_ref());
            item.days = used.and_then(dosage::days);
        }
    }
    if it.dosage.len() > 1 {
        tell_more(it, &id, scene, &mut left);
    }
    supply(it, &mut item, &mut left);
    if &*it.status == "on-hold" {
        left.push("（中断中）".to_owned());
    }
    left.extend(it.note.iter().map(|one| one.text.trim().to_owned()));
    left.retain(|words| !words.is_empty());
    item.comment = bounded(&left.join(" "));
    if is_due(it, &id, scene) {
        return schedule(it, &id, item, scene);
    }
    let said = DrugSaid {
        on: scene.past(&id, "MedicationRequest.authoredOn", &it.authored_on).on,
        department: scene.department(
            &it.extension,
            it.encounter.as_ref(),
            &it.contained,
            it.requester.as_ref(),
        ),
        doctor: scene.person(it.requester.as_ref(), &it.contained),
        item,
    };
    let order = number(&it.identifier, System::RpIndex);
    scene.pending.drug(&id, order, said);
    true
}

/// The hospital's own word for the kind of line, where a category says one.
fn route(it: &resource::MedicationRequest<'_>) -> Option<Route> {
    it.category.iter().find_map(|one| match one.words() {
        "内服" | "内服薬" => Some(Route::Oral),
        "頓服" | "頓用" | "内服頓用" => Some(Route::AsNeeded),
        "外用" | "外用薬" => Some(Route::External),
        "注射" | "自己注射" | "点滴" => Some(Route::Injection),
        _ => None,
    })
}

/// True for what a ward gives today: hours are said, or it goes into a vein of somebody who lies in a bed.
fn is_due(it: &resource::MedicationRequest<'_>, id: &PatientId, scene: &Scene<'_>) -> bool {
    let inpatient = it.category.iter().any(|one| one.has("IHP") || one.has("inpatient"));
    let is_active = matches!(&*it.status, "active" | "on-hold");
    inpatient && is_active && scene.pending.lies(id)
}

/// 与薬予定・注射
fn schedule(
    it: &resource::MedicationRequest<'_>,
    id: &PatientId,
    item: PrescriptionItem,
    scene: &mut Scene<'_>,
) -> bool {
    let first = it.dosage.first();
    let timing = first.and_then(|one| one.timing.as_ref());
    let mut due = Vec::new();
    for time in timing
        .and_then(|one| one.repeat.as_ref())
        .map_or(&[][..], |repeat| &repeat.time_of_day)
    {
        let hour = time
            .get(..2)
            .and_then(|hour| hour.parse::<u8>().ok())
            .filter(|hour| *hour < chart::stay::HOURS);
        match hour {
            Some(hour) => due.push(chart::stay::Due {
                hour,
                words: String::new(),
            }),
            None => {
                scene.lost(DataKind::Schedule, id);
                let message = "与薬の時刻を読めません。時刻なしで紙に出します。";
                scene.tell(id, "schedule.hour", Severity::Severe, "timeOfDay", message);
            }
        }
    }
    let additional = first.map_or(&[][..], |one| &one.additional);
    let high_risk = additional
        .iter()
        .any(|one| one.has("HR") || one.words().contains("ダブルチェック"));
    let by_code = timing.and_then(|one| one.code.as_ref()).map_or("", |code| code.words());
    let how = first.map_or("", |one| one.text.trim());
    let mut item = item;
    // What no usage code says is how it is given: 静注, 2.1 mL/時.
    let how = if how == by_code || how == item.usage && !by_code.is_empty() {
        String::new()
    } else {
        how.to_owned()
    };
    if by_code.is_empty() && !how.is_empty() {
        item.usage.clear();
    }
    item.rp = 0;
    if high_risk {
        item.comment = item.comment.replace("ダブルチェック", "").trim().to_owned();
    }
    let line = chart::stay::Scheduled {
        item,
        due,
        high_risk,
        how,
    };
    if let Some(about) = scene.about(id) {
        about.draft.stay.schedule.push(line);
    }
    true
}

fn drug(it: &resource::MedicationRequest<'_>, scene: &mut Scene<'_>) -> Coded {
    if let Some(concept) = it.medication.as_ref().filter(|one| !one.is_empty()) {
        return codes::coded(concept, &DRUG_ORDER);
    }
    scene.person(it.medication_reference.as_ref(), &it.contained)
}

fn number(identifiers: &[Identifier<'_>], system: System) -> u16 {
    let found = identifiers.iter().find(|one| codes::system(&one.system) == system);
    found.and_then(|one| one.value.trim().parse().ok()).unwrap_or(0)
}

/// A second way of taking it stays in words: which holds when, only its own words say.
fn tell_more(it: &resource::MedicationRequest<'_>, id: &PatientId, scene: &mut Scene<'_>, left: &mut Vec<String>) {
    for more in it.dosage.iter().skip(1) {
        let mut other = PrescriptionItem::default();
        let rest = dosage::fill(&mut other, more);
        let words = if more.text.trim().is_empty() {
            [
                other.dose_text(),
                other.usage_text(),
                other.supply_text(),
                rest.join(" "),
            ]
            .join(" ")
        } else {
            more.text.trim().to_owned()
        };
        left.push(format!("つづいて: {}", words.trim()));
    }
    let message = "用法が2つ以上ある薬です。2つ目からはコメントに入れました。コメントまで読んでください。";
    scene.tell(
        id,
        "drug.more_dosages",
        Severity::Warning,
        "MedicationRequest.dosageInstruction",
        message,
    );
}

/// 日数・回数・総量
fn supply(it: &resource::MedicationRequest<'_>, item: &mut PrescriptionItem, left: &mut Vec<String>) {
    let Some(dispense) = &it.dispense else { return };
    if let Some(duration) = &dispense.expected_supply {
        match dosage::days(duration) {
            Some(days) => item.days = Some(days),
            None if !duration.value.is_empty() => left.push(format!("期間: {}", super::value::words(duration))),
            None => {}
        }
    }
    let repeats = extension(&dispense.extension, "ExpectedRepeatCount")
        .or_else(|| extension(&it.extension, "ExpectedRepeatCount"))
        .and_then(|one| one.integer.parse().ok());
    if repeats.is_some() {
        item.times = repeats;
    }
    if item.route == Route::AsNeeded && item.times.is_some() {
        item.days = None;
    }
    // Some systems write days and times as an amount.
    let counted = dispense
        .quantity
        .as_ref()
        .map_or("", |quantity| super::value::unit(quantity));
    match (
        counted,
        dispense
            .quantity
            .as_ref()
            .and_then(|quantity| quantity.value.parse::<u16>().ok()),
    ) {
        ("日分", Some(days)) => {
            item.days = Some(days);
            return;
        }
        ("回分" | "回", Some(times)) => {
            item.times = Some(times);
            return;
        }
        _ => {}
    }
    // 内服 by days says its amount already; elsewhere the whole amount is what is prescribed.
    let told = (item.route == Route::Oral && item.days.is_some()) || (item.times.is_some() && item.per_dose.is_some());
    if let Some(quantity) = dispense.quantity.as_ref().filter(|_| !told) {
        item.total = dosage::exact(quantity, "総量", left);
    }
    let instruction = extension(&dispense.extension, "InstructionForDispenser");
    left.extend(instruction.map(|one| match &one.concept {
        Some(concept) => concept.words().to_owned(),
        None => one.string.trim().to_owned(),
    }));
}
