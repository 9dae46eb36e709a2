//! Amounts and results in words, with the digits as they were written.

use chart::dose::Quantity as Amount;
use chart::result::Flag;

use crate::sources::fhir::model::{Concept, Quantity, Range, Ratio};
use crate::sources::fhir::resource::ReferenceRange;

/// The unit: its words, else its code.
#[must_use]
pub fn unit<'q>(quantity: &'q Quantity<'_>) -> &'q str {
    let words = quantity.unit.trim();
    if words.is_empty() { quantity.code.trim() } else { words }
}

/// A dose as an exact amount; `None` for what cannot be one (`< 5`, four decimals).
#[must_use]
pub fn amount(quantity: &Quantity<'_>) -> Option<Amount> {
    if !quantity.comparator.is_empty() {
        return None;
    }
    Amount::parse(&quantity.value, unit(quantity))
}

/// `< 0.02`: the number as reported.
#[must_use]
pub fn number(quantity: &Quantity<'_>) -> String {
    let comparator = match &*quantity.comparator {
        "" => "",
        "<" => "< ",
        "<=" => "≦ ",
        ">" => "> ",
        ">=" => "≧ ",
        other => return format!("{other} {}", &*quantity.value),
    };
    format!("{comparator}{}", &*quantity.value)
}

/// `15 mL`: number and unit, word for word.
#[must_use]
pub fn words(quantity: &Quantity<'_>) -> String {
    format!("{}{}", number(quantity), unit(quantity)).trim().to_owned()
}

/// `1～2錠`
#[must_use]
pub fn range(range: &Range<'_>) -> String {
    let side = |one: &Option<Quantity<'_>>| one.as_ref().map(words).unwrap_or_default();
    format!("{}～{}", side(&range.low), side(&range.high))
}

/// `1:64`, `10mg/1時間`
#[must_use]
pub fn ratio(ratio: &Ratio<'_>) -> String {
    let (above, below) = (words(&ratio.numerator), words(&ratio.denominator));
    let titer = unit(&ratio.numerator).is_empty() && unit(&ratio.denominator).is_empty();
    format!("{above}{}{below}", if titer { ":" } else { "/" })
}

/// 基準値: the text as reported, else from the low end to the high.
#[must_use]
pub fn reference(list: &[ReferenceRange<'_>]) -> String {
    let Some(first) = list.first() else {
        return String::new();
    };
    if !first.text.trim().is_empty() {
        return first.text.trim().to_owned();
    }
    let end = |one: &Option<Quantity<'_>>| {
        one.as_ref()
            .map(|q| q.value.to_string())
            .filter(|text| !text.is_empty())
    };
    match (end(&first.low), end(&first.high)) {
        (Some(low), Some(high)) => format!("{low}-{high}"),
        (Some(low), None) => format!("{low}以上"),
        (None, Some(high)) => format!("{high}以下"),
        (None, None) => String::new(),
    }
}

/// The laboratory's flag; what is normal or unknown has none.
#[must_use]
pub fn flag(list: &[Concept<'_>]) -> Option<Flag> {
    let codes = list
        .iter()
        .flat_map(|one| one.coding.iter().map(|coding| &*coding.code).chain([one.text.trim()]));
    let rank = |flag: &Flag| match flag {
        Flag::Critical => 3,
        Flag::High | Flag::Low => 2,
        Flag::Abnormal => 1,
    };
    let of = |code: &str| {
        Some(match code {
            "HH" | "LL" | "AA" | "HU" | "LU" | "緊急値" | "パニック値" => Flag::Critical,
            "H" | "高" => Flag::High,
            "L" | "低" => Flag::Low,
            "A" | "POS" | "DET" | "R" | "WR" | "異常" => Flag::Abnormal,
            _ => return None,
        })
    };
    codes.filter_map(of).max_by_key(rank)
}
