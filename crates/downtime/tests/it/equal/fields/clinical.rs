//! Allergies, diagnoses, notes, prescriptions, results.

use chart::medication::PrescriptionItem;
use chart::{Allergy, Chart, Diagnosis, Known, LabResult, Note, Prescription};

use super::{Field, From, Line, coded, day, items, line, moment, of, one, shown, time};
use crate::equal::hospital::Words;

pub const FIELDS: &[Field] = &[
    (
        "allergies",
        From::Whole(|c| of(&c.allergies, |a| line("", a.substance.clone()))),
    ),
    ("allergies.confirmed_none", From::Whole(|c| states(c, "none"))),
    ("allergies.not_recorded", From::Whole(|c| states(c, "not_recorded"))),
    ("allergies.unavailable", From::Whole(|c| states(c, "unavailable"))),
    (
        "allergies.kind",
        From::Whole(|c| allergies(c, |a| a.kind.word().to_owned())),
    ),
    ("allergies.code", From::Whole(|c| allergies(c, |a| a.code.clone()))),
    ("allergies.reaction", From::Whole(|c| allergies(c, |a| reaction(a).0))),
    ("allergies.severity", From::Whole(|c| allergies(c, |a| reaction(a).1))),
    ("allergies.on", From::Whole(|c| allergies(c, |a| day(a.on)))),
    (
        "allergies.confirmed_on",
        From::Whole(|c| match c.allergies {
            Known::ConfirmedNone { on } => one("", day(on)),
            _ => Vec::new(),
        }),
    ),
    ("allergies.remark", From::Whole(|c| allergies(c, |a| reaction(a).2))),
    ("diagnoses", From::Whole(|c| items(&c.diagnoses, |d| line("", name(d))))),
    ("diagnoses.code", From::Whole(|c| diagnoses(c, |d| d.icd10.clone()))),
    ("diagnoses.since", From::Whole(|c| diagnoses(c, |d| day(d.since)))),
    ("diagnoses.main", From::Whole(|c| diagnoses(c, |d| mark(d.main, "主")))),
    (
        "diagnoses.suspected",
        From::Whole(|c| diagnoses(c, |d| mark(d.suspected, "疑い"))),
    ),
    (
        "diagnoses.department",
        From::Whole(|c| diagnoses(c, |d| d.department.clone())),
    ),
    (
        "diagnoses.untold",
        From::Whole(|c| diagnoses(c, |d| mark(d.uninformed, "未告知"))),
    ),
    ("notes", From::Whole(|c| items(&c.notes, |n| line(note(n), words(n))))),
    (
        "notes.sections",
        From::Whole(|c| {
            of(&c.notes, |n| {
                let letters = n.sections.iter().map(|s| s.kind.letter());
                line(note(n), letters.collect::<Vec<_>>().join(" "))
            })
        }),
    ),
    (
        "notes.at",
        From::Whole(|c| of(&c.notes, |n| line(note(n), moment(n.on, n.at)))),
    ),
    (
        "notes.author",
        From::Whole(|c| of(&c.notes, |n| line(note(n), coded(&n.author)))),
    ),
    (
        "notes.department",
        From::Whole(|c| of(&c.notes, |n| line(note(n), coded(&n.department)))),
    ),
    (
        "prescriptions",
        From::Whole(|c| items(&c.prescriptions, |p| line(prescription(p), p.items.len().to_string()))),
    ),
    (
        "prescriptions.on",
        From::Whole(|c| of(&c.prescriptions, |p| line(p.department.code.clone(), day(p.on)))),
    ),
    (
        "prescriptions.department",
        From::Whole(|c| of(&c.prescriptions, |p| line(day(p.on), coded(&p.department)))),
    ),
    (
        "prescriptions.doctor",
        From::Whole(|c| of(&c.prescriptions, |p| line(prescription(p), coded(&p.doctor)))),
    ),
    (
        "prescriptions.rp",
        From::Whole(|c| {
            let key = |p: &Prescription, i: &PrescriptionItem| format!("{} {}", prescription(p), i.drug.code);
            lines(c, key, |i| i.rp.to_string())
        }),
    ),
    ("prescriptions.drug", From::Whole(|c| drugs(c, |i| coded(&i.drug)))),
    (
        "prescriptions.route",
        From::Whole(|c| drugs(c, |i| i.route.word().to_owned())),
    ),
    (
        "prescriptions.per_dose",
        From::Whole(|c| drugs(c, |i| shown(i.per_dose.as_ref().map(|q| q.text())))),
    ),
    (
        "prescriptions.per_day",
        From::Whole(|c| drugs(c, |i| shown(i.per_day.as_ref().map(|q| q.text())))),
    ),
    (
        "prescriptions.uneven",
        From::Whole(|c| {
            drugs(c, |i| {
                let doses = i.uneven.iter().map(chart::dose::Quantity::text);
                doses.collect::<Vec<_>>().join("－")
            })
        }),
    ),
    ("prescriptions.usage", From::Whole(|c| drugs(c, |i| i.usage.clone()))),
    ("prescriptions.days", From::Whole(|c| drugs(c, |i| shown(i.days)))),
    ("prescriptions.times", From::Whole(|c| drugs(c, |i| shown(i.times)))),
    (
        "prescriptions.total",
        From::Whole(|c| drugs(c, |i| shown(i.total.as_ref().map(|q| q.text())))),
    ),
    ("prescriptions.rhythm", From::Whole(|c| drugs(c, |i| i.rhythm.text()))),
    (
        "prescriptions.comment",
        From::Whole(|c| drugs(c, |i| i.comment.clone())),
    ),
    (
        "results",
        From::Whole(|c| items(&c.results, |r| line(moment(r.on, r.at), r.name.clone()))),
    ),
    ("results.code", From::Whole(|c| results(c, |r| r.code.clone()))),
    (
        "results.value",
        From::Words(|c, words| results(c, |r| value(r, words).0)),
    ),
    ("results.unit", From::Whole(|c| results(c, |r| r.unit.clone()))),
    (
        "results.flag",
        From::Whole(|c| results(c, |r| shown(r.flag.map(|flag| flag.word())))),
    ),
    (
        "results.reference",
        From::Whole(|c| results(c, |r| r.reference.clone())),
    ),
    (
        "results.at",
        From::Whole(|c| of(&c.results, |r| line(format!("{} {}", day(r.on), r.name), time(r.at)))),
    ),
    (
        "results.remark",
        From::Words(|c, words| results(c, |r| value(r, words).1)),
    ),
];

fn states(chart: &Chart, word: &str) -> Vec<Line> {
    let state = chart.allergies.state();
    one("", if state == word { state } else { "" })
}

fn allergies(chart: &Chart, show: impl Fn(&Allergy) -> String) -> Vec<Line> {
    of(&chart.allergies, |a| line(a.substance.clone(), show(a)))
}

const SEVERITIES: [&str; 3] = ["軽度", "中等度", "重度"];

/// What happened, how bad it was, what was remarked: one text of the chart.
fn reaction(allergy: &Allergy) -> (String, String, String) {
    let (mut happened, mut bad, mut remarked) = (Vec::new(), Vec::new(), Vec::new());
    for word in allergy.reaction.split_whitespace() {
        if SEVERITIES.contains(&word) {
            bad.push(word);
        } else if REMARKS.contains(&word) {
            remarked.push(word);
        } else {
            happened.push(word);
        }
    }
    (happened.join(" "), bad.join(" "), remarked.join(" "))
}

/// What the invented hospital remarks behind an allergy.
pub const REMARKS: [&str; 5] = [
    "本人の申告",
    "家族の申告",
    "お薬手帳で確認",
    "再投与は避ける",
    "アレルギー連携エラー",
];

fn diagnoses(chart: &Chart, show: impl Fn(&Diagnosis) -> String) -> Vec<Line> {
    of(&chart.diagnoses, |d| line(name(d), show(d)))
}

fn name(diagnosis: &Diagnosis) -> String {
    diagnosis.name.trim_end_matches("の疑い").to_owned()
}

fn mark(is: bool, word: &str) -> String {
    if is { word.to_owned() } else { String::new() }
}

fn note(note: &Note) -> String {
    format!("{} {}", day(note.on), note.department.code)
}

fn words(note: &Note) -> String {
    let sections = note.sections.iter();
    let texts: Vec<String> = sections.map(|s| format!("{}|{}", s.kind.letter(), s.text)).collect();
    texts.join("\n")
}

fn prescription(p: &Prescription) -> String {
    format!("{} {}", day(p.on), p.department.code)
}

fn lines(
    chart: &Chart,
    key: impl Fn(&Prescription, &PrescriptionItem) -> String,
    show: impl Fn(&PrescriptionItem) -> String,
) -> Vec<Line> {
    let all = chart.prescriptions.items().iter();
    all.flat_map(|p| p.items.iter().map(move |item| (p, item)))
        .filter_map(|(p, item)| line(key(p, item), show(item)))
        .collect()
}

fn drugs(chart: &Chart, show: impl Fn(&PrescriptionItem) -> String) -> Vec<Line> {
    let key = |p: &Prescription, i: &PrescriptionItem| format!("{} Rp{} {}", prescription(p), i.rp, i.drug.code);
    lines(chart, key, show)
}

fn results(chart: &Chart, show: impl Fn(&LabResult) -> String) -> Vec<Line> {
    of(&chart.results, |r| {
        line(format!("{} {}", moment(r.on, r.at), r.name), show(r))
    })
}

/// The value and what the laboratory remarked behind it.
fn value(result: &LabResult, words: &Words) -> (String, String) {
    let (remarked, value) = words.laboratory.of(&result.value);
    (value, remarked)
}
