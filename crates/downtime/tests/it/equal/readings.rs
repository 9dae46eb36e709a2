//! Under which reading a field that a format carries in part is compared: one row for each such field of each shape.
//!
//! A reading never forgives silently: one that changes nothing for anybody fails the test, as does a row for a field that is carried
//! whole or not at all. Why a format is so stands in its `carries.toml`.

use chart::{Chart, Known};

use super::fields::{Line, STATE};

/// How a field that is carried in part is compared.
#[derive(Clone, Copy)]
pub enum Reading {
    /// In local codes, at another place or in a message of its own: the charts say the same.
    Same,
    /// Both sides are read through this before they are compared, and it is needed.
    Through(fn(&mut Pair<'_>)),
}

use Reading::{Same, Through};

/// One field of one patient, as both say it.
pub struct Pair<'c> {
    /// The tables' chart and its lines.
    pub tables: (&'c Chart, Vec<Line>),
    /// The compared source's.
    pub source: (&'c Chart, Vec<Line>),
}

impl Pair<'_> {
    fn both(&mut self, change: impl Fn(&mut Vec<Line>)) {
        change(&mut self.tables.1);
        change(&mut self.source.1);
    }

    fn values(&mut self, change: impl Fn(&str) -> String) {
        self.both(|lines| lines.iter_mut().for_each(|line| line.value = change(&line.value)));
    }
}

type Row = (&'static str, &'static [&'static str], Reading);

/// Shapes, fields, reading.
const V2: &str = "ssmix2 hl7";
const ALL: &str = "ssmix2 hl7 fhir";

const ROWS: &[Row] = &[
    (V2, &["patient.name.written"], Through(jis)),
    (V2, &["diagnoses.code"], Through(without_dot)),
    (V2, &["orders.number"], Through(fifteen_digits)),
    (V2, &["results.reference"], Through(one_limit)),
    (V2, &["allergies.not_recorded"], Through(perhaps_unavailable)),
    (V2, &["prescriptions.total"], Through(without_as_needed)),
    (V2, &["stay.diet"], Through(without_beginning)),
    (V2, &["stay.injections"], Through(components)),
    (V2, &["stay.injections.how"], Through(how)),
    (V2, &["stay.medicines"], Through(only_on_its_days)),
    ("hl7", &["stay.medicines.hours"], Through(only_on_its_days)),
    ("fhir", &["stay.medicines"], Through(with_its_days)),
    ("ssmix2", &["stay.plans.discharge"], Through(perhaps_unknown)),
    (ALL, &["patient.insurance"], Through(insured)),
    (ALL, &["insurances.own", "insurances.until"], Through(insurers_only)),
    (
        "fhir",
        &["insurances", "insurances.share", "insurances.from"],
        Through(insurers_only),
    ),
    ("fhir", &["insurances.public"], Through(whoever_pays_beside)),
    (
        "fhir",
        &["notes", "notes.at", "notes.author"],
        Through(without_referral),
    ),
    ("fhir", &["diagnoses.untold"], Through(only_there)),
    (
        ALL,
        &[
            "allergies.kind",
            "allergies.not_recorded",
            "notes.sections",
            "patient.facts.infections",
            "patient.facts.pacemaker",
            "patient.facts.workplace",
            "stay.care.adl",
            "stay.care.falls",
            "stay.care.skin",
            "stay.care.swallowing",
            "stay.drip",
            "stay.handovers",
            "stay.injections.high_risk",
            "stay.insulin",
            "stay.isolation",
            "stay.medicines.high_risk",
            "stay.nurse",
            "stay.oxygen",
            "stay.plans.operation",
            "stay.policy",
            "stay.rest",
        ],
        Same,
    ),
    (
        V2,
        &[
            "allergies.confirmed_none",
            "allergies.confirmed_on",
            "allergies.remark",
            "appointments.place",
            "insurances.public",
            "notes",
            "orders.place",
            "orders.preparation",
            "orders.remark",
            "patient.facts.blood",
            "prescriptions.comment",
            "results.code",
            "results.remark",
            "results.unit",
            "stay.department",
            "stay.purpose",
            "stay.vitals",
            "stay.ward",
        ],
        Same,
    ),
    (
        "fhir",
        &[
            "allergies.unavailable",
            "diagnoses.main",
            "insurances.burden",
            "stay.plans.discharge",
        ],
        Same,
    ),
];

/// The reading of a field of a shape. A row of [`Same`] stands for every shape of it that carries the field in part.
pub fn of(shape: &str, field: &str, carried: &str) -> Option<Reading> {
    let row = ROWS
        .iter()
        .find(|(shapes, fields, _)| shapes.split(' ').any(|one| one == shape) && fields.contains(&field));
    let reading = row.map(|(.., reading)| *reading);
    reading.filter(|reading| carried == "part" || matches!(reading, Through(_)))
}

/// Kanji that JIS X 0208 lacks are ■ in ISO-2022-JP.
fn jis(pair: &mut Pair<'_>) {
    pair.values(|text| {
        let written = hl7::charset::encode(text, hl7::Encoding::Iso2022Jp, hl7::charset::Policy::Substitute).unwrap();
        hl7::decode(&written.bytes).text.replace('〓', "■")
    });
}

fn without_dot(pair: &mut Pair<'_>) {
    pair.values(|code| code.replace('.', ""));
}

/// `K000000100` here, 15 digits there: that there is a number for each order.
fn fifteen_digits(pair: &mut Pair<'_>) {
    pair.values(|number| {
        let digits = number.len() == 15 && number.bytes().all(|b| b.is_ascii_digit());
        let own = number.starts_with('K') && number.len() == 10;
        if digits || own {
            "番号".to_owned()
        } else {
            number.to_owned()
        }
    });
}

/// `60以上` is `>60`, `4.00以下` is `<4.00`.
fn one_limit(pair: &mut Pair<'_>) {
    pair.values(|range| match (range.strip_suffix("以上"), range.strip_suffix("以下")) {
        (Some(limit), _) => format!(">{limit}"),
        (_, Some(limit)) => format!("<{limit}"),
        _ => range.to_owned(),
    });
}

/// Whose allergies the EHR could not read has no message either.
fn perhaps_unavailable(pair: &mut Pair<'_>) {
    if matches!(pair.tables.0.allergies, Known::Unavailable { .. }) {
        pair.source.1.clear();
    }
}

/// The messages say the amount of what is taken as needed, too; the tables only how often.
fn without_as_needed(pair: &mut Pair<'_>) {
    let lines = pair.tables.1.clone();
    let as_needed = |line: &Line| {
        let mut items = pair.tables.0.prescriptions.items().iter().flat_map(|p| &p.items);
        items.any(|item| item.times.is_some() && line.key.ends_with(&format!("Rp{} {}", item.rp, item.drug.code)))
    };
    let kept: Vec<Line> = pair
        .source
        .1
        .iter()
        .filter(|line| lines.contains(line) || !as_needed(line))
        .cloned()
        .collect();
    pair.source.1 = kept;
}

/// A diet has its beginning behind it: some products write it at the discharge.
fn without_beginning(pair: &mut Pair<'_>) {
    pair.source.1.iter_mut().for_each(|line| {
        let (diet, beginning) = line.value.split_once('（').unwrap_or((&line.value, ""));
        if beginning.ends_with("から）") {
            line.value = diet.to_owned();
        }
    });
}

/// A bottle is named by its components with their amounts.
fn components(pair: &mut Pair<'_>) {
    pair.tables.1.iter_mut().for_each(|line| {
        let parts: Vec<&str> = line.value.split('|').collect();
        if let [name, route, per_dose, rest @ ..] = parts.as_slice() {
            line.value = [&[&*format!("{name} {per_dose}"), route, per_dose], rest]
                .concat()
                .join("|");
        }
    });
}

/// Besides the words: the route (RXR-1) before them, the method (RXE-27) and the rate behind them.
fn how(pair: &mut Pair<'_>) {
    let mut left = std::mem::take(&mut pair.source.1);
    for said in &pair.tables.1 {
        let has = |line: &Line| said.value.split(' ').all(|word| line.value.contains(word));
        if let Some(at) = left.iter().position(has) {
            left.remove(at);
            pair.source.1.push(said.clone());
        }
    }
    pair.source.1.extend(left);
}

/// What is not taken every day: the tables list it each day, messages on the days that its rhythm names.
fn only_on_its_days(pair: &mut Pair<'_>) {
    let (chart, source) = (pair.tables.0, pair.source.1.clone());
    pair.tables
        .1
        .retain(|line| source.contains(line) || !has_rhythm(chart, line));
}

/// What is not taken every day has its rhythm behind its usage; the tables' list does not say it.
fn with_its_days(pair: &mut Pair<'_>) {
    for said in &pair.tables.1 {
        let usual = said.value.trim_end_matches('|');
        let same = |line: &&mut Line| line.key == said.key && line.value.starts_with(usual);
        if has_rhythm(pair.tables.0, said)
            && let Some(line) = pair.source.1.iter_mut().find(same)
        {
            line.value.clone_from(&said.value);
        }
    }
}

fn has_rhythm(chart: &Chart, line: &Line) -> bool {
    let mut items = chart.prescriptions.items().iter().flat_map(|p| &p.items);
    items.any(|item| item.drug.code == line.key && !item.rhythm.text().is_empty())
}

/// That no discharge is planned looks as if nothing could be known of plans: operations are planned elsewhere.
fn perhaps_unknown(pair: &mut Pair<'_>) {
    pair.source.1.retain(|line| line.key != STATE);
}

/// Nothing else makes it; what it must be is compared with the resources themselves.
fn only_there(pair: &mut Pair<'_>) {
    assert_eq!(pair.tables.1, []);
    pair.source.1.clear();
}

/// 自費 is no insurance; public money alone is 公費 in FHIR, 生活保護 in the tables.
fn insured(pair: &mut Pair<'_>) {
    pair.tables.1.retain(|line| line.value != "自費");
    if pair.source.1.iter().any(|line| line.value == "公費") {
        pair.both(|lines| lines.retain(|line| !["公費", "生活保護"].contains(&&*line.value)));
    }
}

/// Without public money that stands alone.
fn insurers_only(pair: &mut Pair<'_>) {
    pair.both(|lines| lines.retain(|line| line.key != "公費"));
}

/// Beside two insurances nobody can say to which a public payer belongs: it stands alone.
fn whoever_pays_beside(pair: &mut Pair<'_>) {
    pair.both(|lines| lines.iter_mut().for_each(|line| line.key.clear()));
}

/// A referral is a note as well, of no department.
fn without_referral(pair: &mut Pair<'_>) {
    pair.source
        .1
        .retain(|line| line.key.trim() != "2026-11-20" || line.key == STATE);
}
