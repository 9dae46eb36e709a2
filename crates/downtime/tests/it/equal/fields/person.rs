//! Who the patient is, and who pays.

use chart::{Chart, Coverage, Sex};

use super::{Field, From, Line, day, items, line, of, one, shown};

pub const FIELDS: &[Field] = &[
    ("patient.id", From::Everybody(|c| one("", c.patient.id.as_str()))),
    (
        "patient.name.written",
        From::Everybody(|c| one("", c.patient.name.written.clone())),
    ),
    (
        "patient.name.kana",
        From::Everybody(|c| one("", c.patient.name.kana.clone())),
    ),
    (
        "patient.former_names",
        From::Whole(|c| {
            let names = c.patient.former_names.iter();
            names.filter_map(|name| line("", name.written.clone())).collect()
        }),
    ),
    ("patient.birth", From::Everybody(|c| one("", day(c.patient.birth)))),
    (
        "patient.sex",
        From::Whole(|c| match c.patient.sex {
            Sex::Unknown => Vec::new(),
            sex => one("", sex.word()),
        }),
    ),
    ("patient.phones", From::Whole(phones)),
    ("patient.facts.blood", From::Whole(|c| facts(c, &["血液型"]))),
    ("patient.facts.height", From::Whole(|c| facts(c, &["身長"]))),
    ("patient.facts.weight", From::Whole(|c| facts(c, &["体重"]))),
    ("patient.facts.infections", From::Whole(|c| facts(c, &INFECTIONS))),
    ("patient.facts.pacemaker", From::Whole(|c| facts(c, &["ペースメーカ"]))),
    ("patient.facts.workplace", From::Whole(|c| facts(c, &["勤務先"]))),
    ("patient.died", From::Whole(|c| one("", day(c.patient.died)))),
    ("patient.address", From::Whole(|c| one("", c.patient.address.clone()))),
    (
        "patient.insurance",
        From::Whole(|c| one("", c.patient.insurance.clone())),
    ),
    (
        "patient.language",
        From::Whole(|c| one("", shown(c.patient.language.as_ref()))),
    ),
    (
        "insurances",
        From::Whole(|c| items(&c.insurances, |one| line(payer(one), one.kind.clone()))),
    ),
    (
        "insurances.insurer",
        From::Whole(|c| of(&c.insurances, |one| line("", one.insurer.clone()))),
    ),
    (
        "insurances.symbol",
        From::Whole(|c| of(&c.insurances, |one| line(payer(one), one.symbol.clone()))),
    ),
    (
        "insurances.number",
        From::Whole(|c| of(&c.insurances, |one| line(payer(one), one.number.clone()))),
    ),
    (
        "insurances.branch",
        From::Whole(|c| of(&c.insurances, |one| line(payer(one), one.branch.clone()))),
    ),
    (
        "insurances.own",
        From::Whole(|c| {
            of(&c.insurances, |one| {
                line(payer(one), one.member.map(|member| member.word()).unwrap_or_default())
            })
        }),
    ),
    (
        "insurances.burden",
        From::Whole(|c| {
            of(&c.insurances, |one| {
                line(payer(one), one.burden.map(|burden| burden.word()).unwrap_or_default())
            })
        }),
    ),
    (
        "insurances.share",
        From::Whole(|c| of(&c.insurances, |one| line(payer(one), shown(one.share)))),
    ),
    ("insurances.public", From::Whole(public)),
    (
        "insurances.from",
        From::Whole(|c| of(&c.insurances, |one| line(payer(one), day(one.valid_from)))),
    ),
    (
        "insurances.until",
        From::Whole(|c| of(&c.insurances, |one| line(payer(one), day(one.valid_until)))),
    ),
];

/// What the invented hospital tests for.
const INFECTIONS: [&str; 4] = ["HBs抗原", "HCV抗体", "梅毒", "HIV抗体"];

/// Every label of a fact that belongs to a field.
pub const LABELS: [&str; 9] = [
    "血液型",
    "身長",
    "体重",
    "ペースメーカ",
    "勤務先",
    "HBs抗原",
    "HCV抗体",
    "梅毒",
    "HIV抗体",
];

fn facts(chart: &Chart, labels: &[&str]) -> Vec<Line> {
    let facts = chart.patient.facts.iter();
    facts
        .filter(|fact| labels.contains(&fact.label.as_str()))
        .filter_map(|fact| line(fact.label.clone(), format!("{} {}", fact.value, day(fact.on)).trim()))
        .collect()
}

fn phones(chart: &Chart) -> Vec<Line> {
    let phones = chart.patient.phones.iter();
    phones
        .filter_map(|phone| line(phone.purpose.clone(), phone.number.clone()))
        .collect()
}

/// Which insurance: public money alone has no insurer.
fn payer(one: &Coverage) -> String {
    if one.insurer.is_empty() {
        "公費".to_owned()
    } else {
        one.insurer.clone()
    }
}

fn public(chart: &Chart) -> Vec<Line> {
    let all = chart.insurances.items().iter();
    all.flat_map(|one| {
        let payers = one.public.iter();
        payers.filter_map(|public| {
            let value = format!("{} {} {}", public.payer, public.recipient, day(public.valid_until));
            line(payer(one), value.trim())
        })
    })
    .collect()
}
