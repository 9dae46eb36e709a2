//! Coverage: 保険 and 公費, as the EHR last knew them.
//!
//! JP Core keeps 記号・番号・枝番 in extensions. Nothing is looked up and nothing is checked beyond the shapes of numbers.

use chart::coverage::{Coverage, PublicPayer};
use chart::id::half_width_text;
use chart::rx::Member;
use chart::{DataKind, Severity};

use super::{Scene, extension};
use crate::sources::fhir::codes::{self, System};
use crate::sources::fhir::model::{Concept, Extension};
use crate::sources::fhir::resource;

/// From this year on an end is no end.
const NO_END_YEAR: i16 = 2100;

/// One insurance or public payer.
pub fn coverage(it: &resource::Coverage<'_>, scene: &mut Scene<'_>) -> bool {
    if matches!(&*it.status, "cancelled" | "entered-in-error" | "draft") {
        return false;
    }
    let Some(id) = scene.wanted(DataKind::Insurance, &it.beneficiary, &it.contained) else {
        return false;
    };
    let period = it.period.clone().unwrap_or_default();
    let mut day = |field, text: &str| match super::when::read(text) {
        Ok(when) => Some(when.on.filter(|on| on.year() < NO_END_YEAR)),
        Err(()) => {
            scene.when(&id, field, text);
            None
        }
    };
    let (Some(from), Some(until)) = (
        day("Coverage.period.start", &period.start),
        day("Coverage.period.end", &period.end),
    ) else {
        scene.lost(DataKind::Insurance, &id);
        return false;
    };
    let payer = payer(it, scene);
    let kind = it.kind.as_ref().map_or("", Concept::words).to_owned();
    let word = |end: &str| extension(&it.extension, end).map(text_of).unwrap_or_default();
    let is_public = kind.contains("公費") || it.kind.as_ref().is_some_and(|one| one.has("8"));
    let coverage = if is_public {
        let number = word("InsuredPersonNumber");
        let recipient = if number.is_empty() {
            half_width_text(it.subscriber_id.trim()).into_owned()
        } else {
            number
        };
        let public = PublicPayer {
            payer,
            recipient,
            valid_until: until,
        };
        Coverage {
            kind,
            public: vec![public],
            valid_from: from,
            valid_until: until,
            ..Coverage::default()
        }
    } else {
        let branch = [
            word("InsuredPersonSubNumber"),
            half_width_text(it.dependent.trim()).into_owned(),
        ];
        let branch = branch.into_iter().find(|text| !text.is_empty()).unwrap_or_default();
        Coverage {
            kind,
            insurer: payer,
            symbol: extension(&it.extension, "InsuredPersonSymbol")
                .map(|one| one.string.trim().to_owned())
                .unwrap_or_default(),
            number: extension(&it.extension, "InsuredPersonNumber")
                .map(|one| one.string.trim().to_owned())
                .unwrap_or_default(),
            branch: if branch.len() == 1 {
                format!("0{branch}")
            } else {
                branch
            },
            member: member(it),
            share: share(it),
            burden: burden(it),
            valid_from: from,
            valid_until: until,
            ..Coverage::default()
        }
    };
    if coverage.insurer.is_empty() && coverage.public.iter().all(|one| one.payer.is_empty()) {
        return false;
    }
    let public = coverage.public.iter().find_map(PublicPayer::fault);
    if let Some(field) = coverage.fault().or(public) {
        let message = format!(
            "保険の「{field}」の桁数か検証番号が合いません。処方箋には印刷せず、欄を空にします。保険証を見て電子カルテの登録を確かめてください。"
        );
        scene.tell(&id, "insurance.wrong", Severity::Warning, field, message);
    }
    scene.pending.coverage(&id, coverage);
    true
}

fn text_of(one: &Extension<'_>) -> String {
    half_width_text(one.string.trim()).into_owned()
}

/// 保険者番号・公費負担者番号: beside the reference, or of the organisation it points to.
fn payer(it: &resource::Coverage<'_>, scene: &mut Scene<'_>) -> String {
    let Some(first) = it.payor.first() else {
        return String::new();
    };
    let beside = first.identifier.as_ref().map_or("", |one| one.value.trim());
    let number = if beside.is_empty() {
        scene.person(Some(first), &it.contained).code
    } else {
        beside.to_owned()
    };
    half_width_text(number.trim()).into_owned()
}

/// 負担割合: a copay in whole tens of percent.
fn share(it: &resource::Coverage<'_>) -> Option<u8> {
    let cost = it
        .cost
        .iter()
        .find(|one| one.kind.as_ref().is_some_and(|kind| kind.has("copaypct")))?;
    let percent: u8 = cost.quantity.as_ref()?.value.parse().ok()?;
    (percent <= 100 && percent.is_multiple_of(10)).then_some(percent / 10)
}

/// 一部負担区分, by its words.
fn burden(it: &resource::Coverage<'_>) -> Option<chart::rx::Burden> {
    let kinds = it
        .cost
        .iter()
        .flat_map(|one| &one.exception)
        .filter_map(|one| one.kind.as_ref());
    kinds
        .map(Concept::words)
        .find_map(|words| crate::sources::table::insurance::burden(words).flatten())
}

fn member(it: &resource::Coverage<'_>) -> Option<Member> {
    let relationship = it.relationship.as_ref()?;
    let words = relationship.words();
    // FHIR's own code, or 被保険者区分 1 and 2 of the standards.
    let own = relationship
        .coding
        .iter()
        .find(|one| codes::system(&one.system) != System::Own)
        .map_or("", |one| &*one.code);
    match (own, words) {
        ("self" | "1", _) | (_, "本人" | "被保険者" | "世帯主") => Some(Member::Insured),
        ("spouse" | "child" | "parent" | "other" | "2", _) | (_, "家族" | "被扶養者") => Some(Member::Dependent),
        _ => None,
    }
}
