//! The words of a dose and a usage: one formatter for screen, sheet and symbol.
//!
//! Both the single and the daily amount are said (内服薬処方せんの記載方法の在り方に関する検討会, 2010). Numbers follow [`crate::dose`]: a zero before
//! the point, none at the end. Nothing is rounded: an amount that does not divide is said as a fraction.

use crate::dose::{self, Quantity};
use crate::medication::Rhythm;
use crate::rx::{Dose, Drug, Measure, OralUse, Rp, Slots, Timing, Usage};

/// `1回 1錠（1日 3錠）`, `1日 4錠（不均等 2錠－1錠－1錠）`, `1回 2/3 g（1日 2 g）`, `全量 14枚`; powders end in 〔製剤量〕 or 〔成分量〕.
#[must_use]
pub fn dose(drug: &Drug, usage: &Usage) -> String {
    let times = match usage {
        Usage::Oral(oral) => oral.timing.times(),
        _ => 0,
    };
    let day = drug.dose.per_day(times);
    let mut out = match &drug.dose {
        Dose::Each(each) => dose::amounts(Some(each), day.as_ref(), &[], None),
        Dose::Divided(day) => divided(day, times),
        Dose::Uneven(all) => dose::amounts(None, day.as_ref(), all, None),
        Dose::PerUse(each) => dose::amounts(Some(each), None, &[], None),
        Dose::Total(total) => dose::amounts(None, None, &[], Some(total)),
    };
    out.push_str(match drug.measure {
        Measure::Counted => "",
        Measure::Preparation => "〔製剤量〕",
        Measure::Active => "〔成分量〕",
    });
    out
}

/// A daily amount in equal parts: the part as a decimal where it is exact, else as a fraction.
fn divided(day: &Quantity, times: u8) -> String {
    if times == 0 {
        return dose::amounts(None, Some(day), &[], None);
    }
    match single(day, times) {
        Single::Exact(each) => dose::amounts(Some(&each), Some(day), &[], None),
        Single::Fraction(fraction) => format!("1回 {}（1日 {}）", with_unit(&fraction, &day.unit), day.text()),
    }
}

/// 1回量 of a daily amount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Single {
    /// It is exact in thousandths.
    Exact(Quantity),
    /// A fraction in lowest terms, such as `2/3`: thousandths would not be exact.
    Fraction(String),
}

/// 1回量 of a daily amount in a number of equal parts; a number of 0 counts as 1.
#[must_use]
pub fn single(day: &Quantity, times: u8) -> Single {
    let times = u64::from(times.max(1));
    if day.milli.is_multiple_of(times) {
        return Single::Exact(Quantity {
            milli: day.milli / times,
            unit: day.unit.clone(),
        });
    }
    let (top, bottom) = (day.milli, times * 1000);
    let common = greatest_common_divisor(top, bottom);
    Single::Fraction(format!("{}/{}", top / common, bottom / common))
}

/// 1日3回 毎食後 隔日 14日分; 疼痛時 1日2回まで 5回分; 1日1回 腰 貼付.
#[must_use]
pub fn usage(rp: &Rp) -> String {
    let supply = supply(&rp.usage);
    [how(&rp.usage), course(rp), supply]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// The usage without its course and its supply: 1日3回 毎食後.
#[must_use]
pub fn how(usage: &Usage) -> String {
    match usage {
        Usage::Oral(oral) => timing(&oral.timing),
        Usage::AsNeeded { when, at_most, .. } => join(when, &many(*at_most, "回まで")),
        Usage::External { site, how, per_day } => join(&many(*per_day, "回"), &join(site, how)),
        Usage::Drops(how) | Usage::Injection(how) | Usage::Material(how) => how.clone(),
    }
}

/// 隔日, 月・木曜日, 漸減 1段目（全3段）, 一包化, 粉砕 and the notes; empty for the usual case.
#[must_use]
pub fn course(rp: &Rp) -> String {
    let rhythm = match &rp.usage {
        Usage::Oral(oral) => oral.rhythm.text(),
        _ => String::new(),
    };
    let mut parts = vec![rhythm, step(rp)];
    parts.extend(rp.packed.then(|| "一包化".to_owned()));
    parts.extend(rp.crushed.then(|| "粉砕".to_owned()));
    parts.extend(rp.notes.iter().cloned());
    parts.retain(|part| !part.is_empty());
    parts.join(" ")
}

/// 漸減 1段目（全3段）, or empty.
#[must_use]
pub fn step(rp: &Rp) -> String {
    rp.step
        .map(|step| format!("漸減 {}段目（全{}段）", step.step, step.of))
        .unwrap_or_default()
}

/// 14日分, 7日分（服用する日の数）, 5回分; empty where the total says it.
#[must_use]
pub fn supply(usage: &Usage) -> String {
    match usage {
        Usage::Oral(OralUse { rhythm, days, .. }) if *rhythm == Rhythm::Daily => format!("{days}日分"),
        Usage::Oral(OralUse { days, .. }) => format!("{days}日分（服用する日の数）"),
        Usage::AsNeeded { times, .. } => format!("{times}回分"),
        Usage::External { .. } | Usage::Drops(_) | Usage::Injection(_) | Usage::Material(_) => String::new(),
    }
}

fn timing(timing: &Timing) -> String {
    match timing {
        Timing::Slots(slots, meal) => {
            let meals = match meals(*slots) {
                "" => String::new(),
                meals => format!("{meals}{}", meal.word()),
            };
            let mut parts = Vec::with_capacity(3);
            parts.extend(slots.waking.then_some("起床時"));
            parts.extend((!meals.is_empty()).then_some(meals.as_str()));
            parts.extend(slots.bedtime.then_some("就寝前"));
            join(&many(slots.count(), "回"), &parts.join("と"))
        }
        Timing::EveryHours(hours) => join(&many(timing.times(), "回"), &format!("{hours}時間ごと")),
        Timing::Times(times) => many(*times, "回"),
        Timing::AsWritten(_, words) => words.clone(),
    }
}

const fn meals(slots: Slots) -> &'static str {
    match (slots.morning, slots.noon, slots.evening) {
        (true, true, true) => "毎",
        (true, true, false) => "朝昼",
        (true, false, true) => "朝夕",
        (false, true, true) => "昼夕",
        (true, false, false) => "朝",
        (false, true, false) => "昼",
        (false, false, true) => "夕",
        (false, false, false) => "",
    }
}

fn many(times: u8, word: &str) -> String {
    match times {
        0 => String::new(),
        times => format!("1日{times}{word}"),
    }
}

fn join(a: &str, b: &str) -> String {
    match (a.is_empty(), b.is_empty()) {
        (false, false) => format!("{a} {b}"),
        _ => format!("{a}{b}"),
    }
}

/// A number that is no decimal with the unit of a quantity, spaced like [`Quantity::text`].
fn with_unit(number: &str, unit: &str) -> String {
    let one = Quantity {
        milli: 1000,
        unit: unit.to_owned(),
    };
    one.text().replacen('1', number, 1)
}

const fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
#[path = "wording/tests.rs"]
mod tests;
