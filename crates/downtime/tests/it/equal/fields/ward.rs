//! Who lies in which bed, and what a ward needs to know.

use chart::stay::{Beds, Handover, Plan, Scheduled, Stay, Vital};
use chart::{Chart, Known};

use super::{Field, From, Line, coded, day, items, line, moment, of, one, shown, text};

pub const FIELDS: &[Field] = &[
    (
        "beds.empty",
        From::Hospital(|extract| match &extract.beds {
            Beds::Known { empty } => empty
                .iter()
                .filter_map(|bed| line(coded(&bed.ward), bed.place()))
                .collect(),
            _ => Vec::new(),
        }),
    ),
    ("stay", From::Whole(|c| lying(c, |_| one("", "入院中")))),
    ("stay.ward", From::Whole(|c| lying(c, |s| one("", coded(&s.ward))))),
    ("stay.room", From::Whole(|c| lying(c, |s| one("", s.room.clone())))),
    ("stay.bed", From::Whole(|c| lying(c, |s| one("", s.bed.clone())))),
    ("stay.admitted", From::Whole(|c| lying(c, |s| one("", day(s.admitted))))),
    (
        "stay.department",
        From::Whole(|c| lying(c, |s| one("", coded(&s.department)))),
    ),
    (
        "stay.attending",
        From::Whole(|c| lying(c, |s| one("", coded(&s.attending)))),
    ),
    ("stay.nurse", From::Whole(|c| lying(c, |s| one("", coded(&s.nurse))))),
    (
        "stay.purpose",
        From::Whole(|c| lying(c, |s| one("", s.purpose.clone()))),
    ),
    ("stay.diet", From::Whole(|c| lying(c, |s| text(&s.diet)))),
    ("stay.rest", From::Whole(|c| lying(c, |s| text(&s.rest)))),
    ("stay.isolation", From::Whole(|c| lying(c, |s| text(&s.isolation)))),
    ("stay.oxygen", From::Whole(|c| lying(c, |s| text(&s.oxygen)))),
    ("stay.drip", From::Whole(|c| lying(c, |s| text(&s.drip)))),
    ("stay.insulin", From::Whole(|c| lying(c, |s| text(&s.insulin)))),
    (
        "stay.policy",
        From::Whole(|c| lying(c, |s| items(&s.policy, |words| line("", words.clone())))),
    ),
    (
        "stay.medicines",
        From::Whole(|c| lying(c, |s| items(&s.medicines, |l| line(drug(l), amounts(l))))),
    ),
    (
        "stay.medicines.hours",
        From::Whole(|c| lying(c, |s| of(&s.medicines, |l| line(drug(l), hours(l))))),
    ),
    (
        "stay.medicines.high_risk",
        From::Whole(|c| lying(c, |s| of(&s.medicines, |l| line(drug(l), risk(l))))),
    ),
    (
        "stay.injections",
        From::Whole(|c| lying(c, |s| items(&s.injections, |l| line(drug(l), amounts(l))))),
    ),
    (
        "stay.injections.hours",
        From::Whole(|c| lying(c, |s| of(&s.injections, |l| line(drug(l), hours(l))))),
    ),
    (
        "stay.injections.how",
        From::Whole(|c| lying(c, |s| of(&s.injections, |l| line(drug(l), l.how.clone())))),
    ),
    (
        "stay.injections.high_risk",
        From::Whole(|c| lying(c, |s| of(&s.injections, |l| line(drug(l), risk(l))))),
    ),
    (
        "stay.vitals",
        From::Whole(|c| lying(c, |s| items(&s.vitals, |v| line(moment(v.on, v.at), vital(v))))),
    ),
    ("stay.plans.operation", From::Whole(|c| lying(c, |s| plans(s, "手術")))),
    ("stay.plans.discharge", From::Whole(|c| lying(c, |s| plans(s, "退院")))),
    (
        "stay.handovers",
        From::Whole(|c| lying(c, |s| items(&s.handovers, handover))),
    ),
    ("stay.care.adl", From::Whole(|c| lying(c, |s| text(&s.care.adl)))),
    ("stay.care.falls", From::Whole(|c| lying(c, |s| text(&s.care.falls)))),
    (
        "stay.care.swallowing",
        From::Whole(|c| lying(c, |s| text(&s.care.swallowing))),
    ),
    ("stay.care.skin", From::Whole(|c| lying(c, |s| text(&s.care.skin)))),
    (
        "stay.contacts",
        From::Whole(|c| {
            lying(c, |s| {
                items(&s.contacts, |one| {
                    line(one.relation.clone(), format!("{} {}", one.name, one.phone).trim())
                })
            })
        }),
    ),
];

/// What is planned in the invented hospital: each has a field.
pub const PLANS: [&str; 2] = ["手術", "退院"];

fn lying(chart: &Chart, show: impl Fn(&Stay) -> Vec<Line>) -> Vec<Line> {
    chart.stay.as_ref().map(show).unwrap_or_default()
}

fn drug(line: &Scheduled) -> String {
    line.item.drug.code.clone()
}

/// The drug with its amounts and its usage: everything but the hours, and for how long it was supplied.
fn amounts(line: &Scheduled) -> String {
    let item = &line.item;
    [
        item.drug.name.clone(),
        item.route.word().to_owned(),
        shown(item.per_dose.as_ref().map(|q| q.text())),
        shown(item.per_day.as_ref().map(|q| q.text())),
        item.usage_text(),
        shown(item.total.as_ref().map(|q| q.text())),
        item.comment.clone(),
    ]
    .join("|")
}

fn hours(line: &Scheduled) -> String {
    let due = line.due.iter();
    let hours: Vec<String> = due
        .map(|due| format!("{} {}", due.hour, due.words).trim().to_owned())
        .collect();
    hours.join("・")
}

fn risk(line: &Scheduled) -> &'static str {
    if line.high_risk { "2人で" } else { "" }
}

fn vital(v: &Vital) -> String {
    [&v.temperature, &v.pressure, &v.pulse, &v.spo2, &v.remark]
        .map(String::as_str)
        .join("|")
}

/// Plans of one kind, days with hyphens. That nothing of one kind is planned is no line; that nothing can be known is one.
fn plans(stay: &Stay, what: &str) -> Vec<Line> {
    let planned = of(&stay.plans, |plan: &Plan| {
        let is = plan.what.starts_with(what);
        is.then(|| line("", plan.when.replace('/', "-"))).flatten()
    });
    match &stay.plans {
        Known::Present(_) | Known::NotRecorded => planned,
        known => items(known, |_| None),
    }
}

fn handover(one: &Handover) -> Option<Line> {
    line(moment(one.on, one.at), format!("{}: {}", coded(&one.author), one.text))
}
