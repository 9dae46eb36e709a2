//! Results that depend on each other.

use super::{printed, word_flag};
use crate::body;
use crate::hospital::Hospital;
use crate::illness::Case;
use crate::patient::Result;
use crate::person::Sex;

/// Makes results that depend on each other agree: eGFR with creatinine, red cells and haematocrit with haemoglobin.
pub(super) fn agree(hospital: &Hospital, case: &Case, results: &mut [Result]) {
    let catalogue = &hospital.catalogue;
    let read = |results: &[Result], code: &str| {
        let place = catalogue.lab(code)?;
        let lab = catalogue.labs.get(place)?;
        lab.scaled(&results.iter().find(|r| r.item == place)?.value)
    };
    let hgb = read(results, "HGB");
    let mcv = read(results, "MCV").unwrap_or(910);
    let cre = read(results, "CRE");
    let female = case.sex == Sex::Female;
    agree_urine(hospital, results);
    // Haematocrit is about three times haemoglobin; red cells follow from the mean volume. All in tenths, red cells in hundredths.
    let hct = hgb.map(|h| h * 296 / 100);
    let derived = [
        ("EGFR", cre.map(|c| body::egfr(c, case.age, female))),
        ("HCT", hct),
        ("RBC", hct.map(|h| h * 1000 / mcv.max(1))),
    ];
    for (code, value) in derived {
        let Some(place) = catalogue.lab(code) else { continue };
        let (Some(value), Some(lab)) = (value, catalogue.labs.get(place)) else {
            continue;
        };
        if let Some(found) = results.iter_mut().find(|r| r.item == place) {
            *found = printed(place, lab, case.sex, value);
        }
    }
}

/// Makes the three measures of protein in urine agree: the strip and albumin follow protein, or the strip follows albumin.
fn agree_urine(hospital: &Hospital, results: &mut [Result]) {
    let catalogue = &hospital.catalogue;
    let (protein, albumin, strip) = (catalogue.lab("UPCR"), catalogue.lab("UACR"), catalogue.lab("UPRO"));
    let read = |results: &[Result], place: Option<usize>| {
        let lab = catalogue.labs.get(place?)?;
        lab.scaled(&results.iter().find(|r| Some(r.item) == place)?.value)
    };
    // Protein in hundredths of g/gCr, albumin in tenths of mg/gCr.
    let protein_found = read(results, protein);
    let albumin_found = protein_found.map(|p| p * 62 + 17).or(read(results, albumin));
    let Some(grams) = protein_found.or(albumin_found.map(|a| a / 62)) else {
        return;
    };
    let word = match grams {
        ..=14 => "(-)",
        15..=29 => "(±)",
        30..=79 => "(1+)",
        80..=249 => "(2+)",
        _ => "(3+)",
    };
    for result in results {
        let Some(lab) = catalogue.labs.get(result.item) else {
            continue;
        };
        if Some(result.item) == strip {
            *result = Result {
                item: result.item,
                value: word.to_owned(),
                flag: word_flag(lab, Sex::Female, word),
                remark: "",
            };
        } else if let (true, Some(value)) = (Some(result.item) == albumin, albumin_found) {
            *result = printed(result.item, lab, Sex::Female, value);
        }
    }
}
