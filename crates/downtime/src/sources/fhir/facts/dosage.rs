//! Dosage: how a drug is taken, in the shapes of Japanese prescriptions.
//!
//! What cannot be put into its place exactly is kept word for word in the comment: a rounded dose is a wrong dose.

use chart::PrescriptionItem;
use chart::dose::Quantity as Amount;
use chart::medication::{Rhythm, Route};

use super::value;
use crate::sources::fhir::codes::{self, System};
use crate::sources::fhir::model::{Concept, Dosage, DoseAndRate, Quantity};
use crate::sources::table::amounts;

/// Puts one dosage into an item; the words that found no place.
pub fn fill(item: &mut PrescriptionItem, dosage: &Dosage<'_>) -> Vec<String> {
    let mut left = Vec::new();
    item.usage = usage(dosage);
    item.route = route(dosage);
    amounts_of(item, dosage, &mut left);
    additional(item, dosage, &mut left);
    repeat(item, dosage, &mut left);
    let site = dosage.site.as_ref().map_or("", Concept::words);
    for words in [site, dosage.patient_instruction.trim()] {
        if !words.is_empty() && !item.usage.contains(words) {
            left.push(words.to_owned());
        }
    }
    left
}

/// 用法: the words of the usage code, else the whole text; with when it is needed.
fn usage(dosage: &Dosage<'_>) -> String {
    let code = dosage.timing.as_ref().and_then(|timing| timing.code.as_ref());
    let by_code = code.map_or("", Concept::words);
    let mut words = if by_code.is_empty() {
        dosage.text.trim()
    } else {
        by_code
    }
    .to_owned();
    let reason = dosage.as_needed_for.as_ref().map_or("", Concept::words);
    if !reason.is_empty() && !words.contains(reason) {
        words = format!("{reason} {words}").trim().to_owned();
    }
    super::bounded(&words)
}

/// 内服 頓服 外用 注射, by the method, by the usage code, by how the amounts are said.
fn route(dosage: &Dosage<'_>) -> Route {
    let method = dosage
        .method
        .as_ref()
        .and_then(|one| one.coding.first())
        .map_or("", |one| one.code.trim());
    let usage = dosage.timing.as_ref().and_then(|timing| timing.code.as_ref());
    let usage = usage.and_then(|one| codes::code_of(one, System::Usage)).unwrap_or("");
    let as_needed = dosage.as_needed == Some(true)
        || dosage.as_needed_for.as_ref().is_some_and(|one| !one.is_empty())
        || (usage.len() == 16 && usage.as_bytes().get(2) == Some(&b'5'));
    let class = [method, usage]
        .iter()
        .find_map(|code| code.chars().next().filter(|c| matches!(c, '1' | '2' | '3')));
    let by_route = dosage
        .route
        .as_ref()
        .and_then(|one| one.coding.first())
        .map_or("", |one| one.code.trim());
    match class {
        Some('2') => Route::External,
        Some('3') => Route::Injection,
        Some(_) if as_needed => Route::AsNeeded,
        Some(_) => Route::Oral,
        None => match by_route {
            "IV" | "IM" | "SC" | "ID" => Route::Injection,
            "" | "PO" | "SL" | "BC" if as_needed => Route::AsNeeded,
            "" | "PO" | "SL" | "BC" => Route::Oral,
            _ => Route::External,
        },
    }
}

/// 製剤量 before 成分量: what a nurse counts.
fn chosen<'d, 'a>(list: &'d [DoseAndRate<'a>]) -> Option<(&'d DoseAndRate<'a>, bool)> {
    let kind = |one: &DoseAndRate<'_>, code: &str| one.kind.as_ref().is_some_and(|kind| kind.has(code));
    let product = list.iter().find(|one| kind(one, "1"));
    let plain = list.iter().find(|one| one.kind.is_none());
    product
        .or(plain)
        .map(|one| (one, false))
        .or_else(|| list.first().map(|one| (one, kind(one, "2"))))
}

fn amounts_of(item: &mut PrescriptionItem, dosage: &Dosage<'_>, left: &mut Vec<String>) {
    let Some((one, is_ingredient)) = chosen(&dosage.dose_and_rate) else {
        return;
    };
    if is_ingredient {
        left.push("量は成分量です".to_owned());
    }
    if let Some(dose) = &one.dose {
        item.per_dose = exact(dose, "1回量", left);
    }
    if let Some(range) = &one.dose_range {
        left.push(format!("1回量: {}", value::range(range)));
    }
    if let Some(ratio) = &one.rate_ratio {
        if is_a_day(&ratio.denominator) {
            item.per_day = exact(&ratio.numerator, "1日量", left);
        } else {
            left.push(format!("速度: {}", value::ratio(ratio)));
        }
    }
    if let Some(rate) = &one.rate_quantity {
        left.push(format!("速度: {}", value::words(rate)));
    }
}

fn is_a_day(quantity: &Quantity<'_>) -> bool {
    let unit = value::unit(quantity);
    matches!(&*quantity.value, "1" | "1.0" | "") && (matches!(unit, "日" | "d" | "day") || &*quantity.code == "d")
}

/// An amount; what is none is kept in words.
pub fn exact(quantity: &Quantity<'_>, what: &str, left: &mut Vec<String>) -> Option<Amount> {
    if quantity.value.is_empty() {
        return None;
    }
    let amount = value::amount(quantity);
    if amount.is_none() {
        left.push(format!("{what}: {}", value::words(quantity)));
    }
    amount
}

/// 補足用法: 不均等, 隔日, 曜日; everything else stays as words.
fn additional(item: &mut PrescriptionItem, dosage: &Dosage<'_>, left: &mut Vec<String>) {
    let mut uneven: Vec<(u32, String)> = Vec::new();
    let mut uneven_words: Vec<String> = Vec::new();
    for one in &dosage.additional {
        let code = codes::code_of(one, System::UsageMore)
            .or_else(|| one.coding.first().map(|c| c.code.trim()))
            .unwrap_or("");
        if let Some(found) = uneven_part(code) {
            uneven.push(found);
            uneven_words.push(one.words().to_owned());
            continue;
        }
        let rhythm = code.starts_with(['I', 'W']).then(|| amounts::rhythm(code)).flatten();
        match rhythm {
            Some(rhythm) if item.rhythm == Rhythm::Daily => item.rhythm = rhythm,
            _ => left.push(one.words().to_owned()),
        }
    }
    if uneven.is_empty() {
        return;
    }
    uneven.sort_by_key(|(place, _)| *place);
    let unit = item
        .per_day
        .as_ref()
        .or(item.per_dose.as_ref())
        .map_or("", |one| one.unit.as_str());
    let in_order = (1..).zip(&uneven).all(|(place, (said, _))| place == *said);
    let read: Option<Vec<Amount>> = uneven.iter().map(|(_, text)| Amount::parse(text, unit)).collect();
    match read.filter(|_| in_order && !unit.is_empty()) {
        Some(doses) => item.uneven = doses,
        None => left.extend(uneven_words),
    }
}

/// `V14NNNNN`: the first dose is 4; `V11.5NNN`: 1.5.
fn uneven_part(code: &str) -> Option<(u32, String)> {
    let rest = code.strip_prefix('V').filter(|_| code.len() == 8)?;
    let place = rest.chars().next()?.to_digit(10)?;
    let amount = rest.get(1..)?.trim_end_matches('N');
    let plain = !amount.is_empty() && amount.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    plain.then(|| (place, amount.to_owned()))
}

fn repeat(item: &mut PrescriptionItem, dosage: &Dosage<'_>, left: &mut Vec<String>) {
    let Some(repeat) = dosage.timing.as_ref().and_then(|timing| timing.repeat.as_ref()) else {
        return;
    };
    if let Some(days) = repeat.bounds_duration.as_ref().and_then(days) {
        item.days = Some(days);
    }
    if item.route == Route::AsNeeded && item.times.is_none() {
        item.times = repeat.count.parse().ok();
    }
    if item.rhythm != Rhythm::Daily {
        return;
    }
    let mut mask = 0_u8;
    for day in &repeat.day_of_week {
        match ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
            .iter()
            .position(|known| known == &&**day)
        {
            Some(bit) => mask |= 1 << bit,
            None => left.push(format!("曜日: {}", &**day)),
        }
    }
    let every: Option<u8> = repeat.period.parse().ok().filter(|_| &*repeat.period_unit == "d");
    item.rhythm = match (mask, every) {
        (1.., _) => Rhythm::Weekdays(mask),
        (_, Some(2)) => Rhythm::AlternateDays,
        (_, Some(n @ 3..)) => Rhythm::EveryDays(n),
        _ => Rhythm::Daily,
    };
}

/// 日数 of a duration in whole days or weeks.
#[must_use]
pub fn days(quantity: &Quantity<'_>) -> Option<u16> {
    let number: u16 = quantity.value.parse().ok()?;
    match (&*quantity.code, value::unit(quantity)) {
        ("d", _) | (_, "日" | "日分" | "day" | "days") => Some(number),
        ("wk", _) | (_, "週") => number.checked_mul(7),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uneven_codes() {
        assert_eq!(uneven_part("V14NNNNN"), Some((1, "4".to_owned())));
        assert_eq!(uneven_part("V20.5NNN"), Some((2, "0.5".to_owned())));
        for bad in ["V1NNNNNN", "V14", "I1100000", "VX4NNNNN", "V14NNNN4N", ""] {
            assert_eq!(uneven_part(bad), None, "{bad}");
        }
    }
}
