//! The last laboratory results: values that fit the diseases, the drugs and each other.

mod agreement;

use crate::body::{self, Body};
use crate::calendar;
use crate::catalogue::{Lab, Panel, Values};
use crate::hospital::Hospital;
use crate::illness::Case;
use crate::patient::{LabSheet, Result, Visit};
use crate::person::Sex;
use crate::rng::{Rng, Subject};
use agreement::agree;
use jiff::civil::Time;

/// At most so many results in one sample.
const MOST: usize = 30;
/// At least so many in an adult's.
const LEAST: usize = 10;

/// Drug groups whose effect or level is measured: item, and the range when treatment is right (in printed units).
const MONITORED: [(&str, &str, i64, i64); 9] = [
    ("vka", "PTINR", 158, 272),
    ("dig", "DIG", 4, 11),
    ("vpa", "VPA", 340, 960),
    ("p_vpa", "VPA", 420, 960),
    ("cbz", "CBZ", 38, 102),
    ("li", "LI", 36, 102),
    ("theo", "THEO", 46, 136),
    ("tac", "FK506", 18, 84),
    ("mgo", "MG", 19, 27),
];

/// Items measured in children.
const CHILD: [&str; 14] = [
    "WBC", "RBC", "HGB", "HCT", "PLT", "AST", "ALT", "BUN", "CRE", "NA", "K", "CL", "CRP", "ALB",
];

/// The last sample of a patient, if one was taken.
pub(crate) fn sample(hospital: &Hospital, number: u32, case: &Case, body: &Body, visits: &[Visit]) -> Option<LabSheet> {
    let mut rng = hospital.rng(number, Subject::Laboratory);
    let catalogue = &hospital.catalogue;
    let last = visits.iter().filter_map(|visit| visit.last).max()?;
    let moves = moved_by_diseases(hospital, case, visits);
    let percent = match (case.age, moves.is_empty()) {
        (..15, true) => 12,
        (..15, false) => 70,
        (_, true) => 62,
        (_, false) => 94,
    };
    if !rng.chance(percent) {
        return None;
    }
    let urine = moves.iter().any(|(place, _)| {
        catalogue
            .labs
            .get(*place)
            .is_some_and(|lab| lab.panel == Panel::Urine || lab.code_b.starts_with('U'))
    });
    let some_plus = rng.chance(45);
    let wanted: Vec<usize> = (0..catalogue.labs.len())
        .filter(|place| {
            let Some(lab) = catalogue.labs.get(*place) else {
                return false;
            };
            let asked = moves.iter().any(|(other, _)| other == place);
            let panel = match lab.panel {
                _ if case.age == 0 => false,
                _ if case.age < 15 => CHILD.contains(&lab.code_b),
                Panel::Basic => rng.chance(64),
                Panel::Plus => some_plus && rng.chance(40),
                Panel::Urine => urine,
                Panel::OnDemand => false,
            };
            asked || panel || lab.code_b == "CRE" && case.age >= 15
        })
        .filter(|place| case.age >= 18 || catalogue.lab("EGFR") != Some(*place))
        .collect();
    let wanted = at_most(wanted, &moves);
    let wanted = if wanted.is_empty() && case.age == 0 {
        return None;
    } else if wanted.len() < LEAST && case.age > 0 {
        fill_up(hospital, wanted)
    } else {
        wanted
    };
    let mut results: Vec<Result> = Vec::new();
    for place in wanted {
        if let Some(lab) = catalogue.labs.get(place) {
            let values = moves
                .iter()
                .find(|(other, _)| *other == place)
                .map_or(&lab.usual, |(_, values)| values);
            results.push(result(&mut rng, place, lab, values, case, body));
        }
    }
    agree(hospital, case, &mut results);
    let minutes = rng.between(0, 26) * 5;
    let taken = last
        .to_datetime(Time::constant(8, 20, 0, 0))
        .checked_add(jiff::Span::new().minutes(minutes))
        .ok()?;
    (taken.date() == last && calendar::days_between(case.birth, last) >= 0).then_some(LabSheet { taken, results })
}

/// Leaves out ordinary items from the end until the sample holds no more than it may; what diseases and drugs ask for stays.
fn at_most(mut wanted: Vec<usize>, moves: &[(usize, Values)]) -> Vec<usize> {
    while wanted.len() > MOST {
        let ordinary = wanted
            .iter()
            .rposition(|place| !moves.iter().any(|(asked, _)| asked == place));
        wanted.remove(ordinary.unwrap_or(MOST));
    }
    wanted
}

/// Basic items in table order until there are enough.
fn fill_up(hospital: &Hospital, mut wanted: Vec<usize>) -> Vec<usize> {
    for (place, lab) in hospital.catalogue.labs.iter().enumerate() {
        if wanted.len() >= LEAST {
            break;
        }
        if CHILD.contains(&lab.code_b) && !wanted.contains(&place) {
            wanted.push(place);
        }
    }
    wanted.sort_unstable();
    wanted
}

fn moved_by_diseases(hospital: &Hospital, case: &Case, visits: &[Visit]) -> Vec<(usize, Values)> {
    let catalogue = &hospital.catalogue;
    let mut moves: Vec<(usize, Values)> = Vec::new();
    let mut add = |place: usize, values: Values| {
        if !moves.iter().any(|(other, _)| *other == place) {
            moves.push((place, values));
        }
    };
    let given = |group: &str| {
        let groups = visits
            .iter()
            .filter_map(|v| v.prescription.as_ref())
            .flat_map(|p| &p.items)
            .filter_map(|i| catalogue.drugs.get(i.drug));
        groups.into_iter().any(|drug| drug.group == group)
    };
    for (group, code, low, high) in MONITORED {
        if let (true, Some(place)) = (given(group), catalogue.lab(code)) {
            add(place, Values::Range(low, high));
        }
    }
    for disease in case.diseases(catalogue) {
        for (place, values) in &disease.labs {
            // Drug levels named by a disease are measured only when the drug is given.
            let level = MONITORED
                .iter()
                .any(|(_, code, ..)| catalogue.lab(code) == Some(*place) && *code != "PTINR" && *code != "MG");
            if !level {
                add(*place, values.clone());
            }
        }
    }
    moves
}

fn result(rng: &mut Rng, place: usize, lab: &Lab, values: &Values, case: &Case, body: &Body) -> Result {
    let female = case.sex == Sex::Female;
    let number = match (lab.code_b, values) {
        ("CRE", Values::Range(..)) if case.age >= 18 => body::creatinine(body.egfr, case.age, female),
        ("CRE", Values::Range(..)) => 18 + case.age * 3 + rng.between(0, 8),
        ("BUN", Values::Range(..)) if case.age >= 18 && body.egfr < 60 => rng.around(170, 190) + (60 - body.egfr) * 9,
        ("HGB", Values::Range(low, high)) if *values == lab.usual => {
            let (shift, ckd) = (if female { -10 } else { 4 }, (45 - body.egfr).clamp(0, 40));
            rng.around(*low, *high) + shift - ckd - (case.age - 75).max(0) / 2
        }
        // Most people have next to none.
        ("CRP", Values::Range(low, high)) if *values == lab.usual => {
            rng.between(*low, *high).min(rng.between(*low, *high))
        }
        ("UPH", Values::Range(low, high)) => rng.around(*low, *high) / 5 * 5,
        (_, Values::Range(low, high)) => rng.around(*low, *high),
        (_, Values::Words(words)) => {
            let value = rng.word(words).to_owned();
            let flag = word_flag(lab, case.sex, &value);
            return Result {
                item: place,
                value,
                flag,
                remark: "",
            };
        }
    };
    let mut made = printed(place, lab, case.sex, number);
    if lab.code_b == "K" && rng.chance(3) {
        made.remark = "溶血（軽度）";
    }
    made
}

/// A number as the laboratory prints it, with its flag.
fn printed(place: usize, lab: &Lab, sex: Sex, number: i64) -> Result {
    let (low, high) = lab.reference(sex);
    let flag = if lab.scaled(high).is_some_and(|limit| number > limit) {
        Some('H')
    } else if lab.scaled(low).is_some_and(|limit| number < limit) {
        Some('L')
    } else {
        None
    };
    let value = match lab.cut {
        Some((cut, text)) if number < cut => format!("< {text}"),
        _ => fixed(number, lab.decimals.unwrap_or(0)),
    };
    Result {
        item: place,
        value,
        flag,
        remark: "",
    }
}

fn word_flag(lab: &Lab, sex: Sex, value: &str) -> Option<char> {
    let normal = lab.reference(sex).0;
    (value != normal && value != "(±)" && value != "40").then_some('H')
}

/// A number with so many decimals, trailing zeros kept.
fn fixed(number: i64, decimals: u32) -> String {
    if decimals == 0 {
        return number.to_string();
    }
    let unit = 10_i64.pow(decimals);
    format!(
        "{}.{:0width$}",
        number / unit,
        number.rem_euclid(unit),
        width = decimals as usize
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hospital::Plan;
    use jiff::civil::date;

    #[test]
    fn samples_are_of_the_right_size_and_agree_with_themselves() {
        let plan = Plan {
            patients: 500,
            date: date(2026, 11, 20),
            seed: 3,
        };
        let hospital = Hospital::new(&plan).expect("plan within limits");
        let lab = |code: &str| hospital.catalogue.lab(code).expect("item exists");
        let (mut sampled, mut cut) = (0, 0);
        for number in 1..=plan.patients {
            let patient = hospital.patient(number);
            let Some(sheet) = &patient.labs else { continue };
            let age = calendar::age(patient.person.birth, plan.date);
            assert!(
                sheet.results.len() <= MOST && (age == 0 || sheet.results.len() >= LEAST),
                "{number}: {}",
                sheet.results.len()
            );
            assert_eq!(Some(sheet.taken.date()), patient.last_visit());
            if let (Some(cre), Some(egfr)) = (sheet.number(lab("CRE")), sheet.number(lab("EGFR"))) {
                let expected = body::egfr((cre * 100.0 + 0.5) as i64, age, patient.person.sex == Sex::Female);
                assert_eq!(egfr as i64, expected, "{number}");
            }
            if let (Some(protein), Some(strip)) = (sheet.number(lab("UPCR")), sheet.text(lab("UPRO"))) {
                assert_eq!(protein < 0.15, strip == "(-)", "{number}: {protein} and {strip}");
            }
            cut += sheet.results.iter().filter(|r| r.value.starts_with("< ")).count();
            sampled += 1;
        }
        assert!(sampled > 300 && cut > 10, "{sampled} samples, {cut} below the limit");
    }

    #[test]
    fn prints_and_flags() {
        let catalogue = crate::catalogue::Catalogue::load().expect("tables of the crate are readable");
        let place = catalogue.lab("CRP").expect("item exists");
        let lab = &catalogue.labs[place];
        let value = |number| printed(place, lab, Sex::Female, number);
        assert_eq!((value(1).value.as_str(), value(1).flag), ("< 0.02", None));
        assert_eq!((value(14).value.as_str(), value(14).flag), ("0.14", None));
        assert_eq!((value(250).value.as_str(), value(250).flag), ("2.50", Some('H')));
    }
}
