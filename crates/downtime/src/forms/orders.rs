//! F07 検体検査依頼票, F08 画像・生理検査依頼票 and F09 注射・処置指示票 for one order.
//!
//! The grid is the department's list of now with what was ticked; a tick that the list no longer has still stands on the sheet. What is not
//! known of kidneys and pregnancy is said before an image, never left out.

use std::collections::BTreeSet;

use chart::entry::Ordered;
use chart::order::{Amount, Instruction, MAX_ITEMS, OrderKind};
use chart::{Coded, Known, LabResult, Sex, Sheet};
use jiff::Unit;
use jiff::civil::Date;
use serde_json::{Map, Value, json};

use super::order_lists::{OrderList, OrderLists};
use super::{Issue, Visit, add, body, or_null};
use crate::view::{Recorded, View};

/// Rows of F09 in all, at least: what fits one page with a pen's height each.
const ROWS: usize = 10;
/// Result rows of a sheet whose list names none.
const BLANK_RESULTS: usize = 12;
/// In these years of life a pregnancy is asked about before an image, unless the sex says that there can be none.
const ASKED_AGES: std::ops::RangeInclusive<i16> = 10..=59;
/// Empty rows of F09, at least: what is said later is written on the same sheet.
const LEAST_BLANK: usize = 2;

/// The sheet of one order.
#[must_use]
pub fn order_sheet(view: &View, recorded: &Recorded, ordered: &Ordered, lists: &OrderLists, issue: &Issue) -> Sheet {
    let order = &ordered.order;
    let mut body = body::patient(view, &Visit::today(issue.now), issue);
    let list = lists.of(order.kind, &ordered.department);
    let department = match ordered.department.label() {
        "" => "診療科 未定",
        label => label,
    };
    let place = place(view, &ordered.department);
    let return_to = if place.is_empty() {
        department.to_owned()
    } else {
        format!("{department} {place}")
    };
    let by = &recorded.entry.by;
    // On somebody's word: both stand on the sheet.
    let entered_by = (by.name != ordered.doctor.name).then(|| format!("{}（口頭指示を入力）", by.name));
    add(
        &mut body,
        json!({
            "department": department,
            "doctor": or_null(ordered.doctor.label()),
            "ordered_by": entered_by,
            "reception_number": reception_number(view, &ordered.department),
            "urgent": order.urgent,
            "clinical": or_null(&order.clinical),
            "return_to": return_to,
        }),
    );
    let own = match order.kind {
        OrderKind::Laboratory => json!({
            "material": or_null(&order.material),
            "items": items(ordered, list),
            "when": same_when(ordered),
            "other": or_null(&order.other),
            "collected_by": null,
            "collected_at": null,
            "results": results(list),
        }),
        OrderKind::Imaging => {
            add_facts(view, &mut body);
            json!({
                "items": items(ordered, list),
                "when": same_when(ordered),
                "part": or_null(&part(ordered)),
                "checks": list.map(|l| l.questions.clone()).unwrap_or_default(),
                "transport": null,
            })
        }
        OrderKind::Treatment => {
            let rows = rows(recorded, ordered);
            let blank = ROWS.saturating_sub(rows.len()).max(LEAST_BLANK);
            json!({ "place": or_null(place), "contact": null, "orders": rows, "blank_rows": blank })
        }
    };
    add(&mut body, own);
    issue.sheet(order.kind.form(), Some(view.strip()), Value::Object(body))
}

/// Where the department's booking of today says it is.
fn place<'v>(view: &'v View, department: &Coded) -> &'v str {
    let today = view.moment().day();
    let booked = view.chart.iter().flat_map(|c| &c.appointments);
    let mut there = booked.filter(|a| a.on == today && a.department == *department && !a.place.is_empty());
    there.next().map_or("", |a| a.place.as_str())
}

/// The reception of this department, else the one that counts.
fn reception_number(view: &View, department: &Coded) -> Option<String> {
    let counts = view.reception()?;
    let day = counts.0.entry.written_at.day_number();
    let of_today = view
        .receptions
        .iter()
        .filter(|(r, _)| r.entry.written_at.day_number() == day);
    let mut of_department = of_today.filter(|(_, c)| c.department == *department);
    Some(of_department.next().unwrap_or(counts).1.number.clone())
}

/// The department's grid; what was ticked and is not in it stands first. Nothing that was ticked is ever left out.
fn items(ordered: &Ordered, list: Option<&OrderList>) -> Vec<Value> {
    let offered = list.map(|l| l.items.as_slice()).unwrap_or_default();
    let ticked: BTreeSet<&str> = ordered.order.items.iter().map(|item| item.exam.label()).collect();
    let elsewhere = ordered.order.items.iter().map(|item| item.exam.label());
    let elsewhere: Vec<&str> = elsewhere
        .filter(|name| !offered.iter().any(|known| known == name))
        .collect();
    let mut room = MAX_ITEMS.saturating_sub(ticked.len());
    let apart = same_when(ordered).is_none();
    let ticked_item = |name: &str| {
        let item = ordered.order.items.iter().find(|item| item.exam.label() == name);
        let when = item.and_then(|item| item.when.as_deref()).filter(|_| apart);
        json!({"name": name, "on": true, "when": when})
    };
    let mut out: Vec<Value> = elsewhere.iter().map(|name| ticked_item(name)).collect();
    for name in offered {
        let on = ticked.contains(name.as_str());
        if !on && room == 0 {
            continue;
        }
        room -= usize::from(!on);
        out.push(if on {
            ticked_item(name)
        } else {
            json!({"name": name, "on": false, "when": null})
        });
    }
    out
}

/// 時期, said once for the sheet where it is the same for everything ticked; otherwise it stands beside each.
fn same_when(ordered: &Ordered) -> Option<&str> {
    let mut all = ordered.order.items.iter().map(|item| item.when.as_deref());
    let first = all.next()??;
    all.all(|when| when == Some(first)).then_some(first)
}

/// The rows of the list, or empty ones: the laboratory then writes the names too.
fn results(list: Option<&OrderList>) -> Vec<Value> {
    let rows = list.map(|l| l.results.as_slice()).unwrap_or_default();
    if rows.is_empty() {
        return vec![json!({"name": "", "unit": null}); BLANK_RESULTS];
    }
    rows.iter()
        .map(|(name, unit)| json!({"name": name, "unit": or_null(unit)}))
        .collect()
}

/// F08 has one box for what an image is of; free text stands in it too.
fn part(ordered: &Ordered) -> String {
    let order = &ordered.order;
    let parts = [order.part.as_str(), order.other.as_str()];
    parts
        .into_iter()
        .filter(|s| !s.is_empty())
        .collect::<Vec<_>>()
        .join("　／　その他：")
}

fn rows(recorded: &Recorded, ordered: &Ordered) -> Vec<Value> {
    let order = &ordered.order;
    let at = recorded.entry.written_at.local();
    let at = format!("{}:{:02}", at.hour(), at.minute());
    let row = |row: &Instruction| {
        json!({
            "when": or_null(&row.when),
            "name": row.name,
            "tag": or_null(&row.tag),
            "amount": row.amount.as_ref().map(Amount::text),
            "dilution": or_null(&row.dilution),
            "route": or_null(&row.route),
            "rate": or_null(&row.rate),
            "comment": or_null(&row.comment),
            "high_risk": row.high_risk,
            "by": ordered.doctor.label(),
            "at": at,
        })
    };
    let named = |name: &str, when: &str| Instruction {
        name: name.to_owned(),
        when: when.to_owned(),
        ..Instruction::default()
    };
    let when = |item: &chart::order::Item| item.when.clone().unwrap_or_default();
    let items = order
        .items
        .iter()
        .map(|item| row(&named(item.exam.label(), &when(item))));
    let other = Some(order.other.as_str()).filter(|text| !text.is_empty());
    let other = other.map(|text| row(&named(text, "")));
    order.rows.iter().map(row).chain(items).chain(other).collect()
}

/// What must be known before contrast or rays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BeforeImaging {
    /// The newest values of the kidneys that the snapshot holds: name, value with unit, day.
    pub kidneys: Vec<(String, String, Option<Date>)>,
    /// Why there is none ([`Known::state`]); `None` when there is one.
    pub no_kidneys: Option<&'static str>,
    /// Nothing is known of a pregnancy of somebody who may be pregnant as far as sex and age say.
    pub pregnancy_unknown: bool,
}

/// Looks for them in the facts and results of the chart.
#[must_use]
pub fn before_imaging(view: &View) -> BeforeImaging {
    let facts = view.chart.iter().flat_map(|c| &c.patient.facts);
    let of_fact = |label: &str| facts.clone().find(|fact| fact.label.contains(label));
    let unknown = Known::NotRecorded;
    let results = view.chart.as_ref().map_or(&unknown, |c| &c.results);
    let newest = |wanted: fn(&LabResult) -> bool| {
        let same = results.items().iter().filter(|result| wanted(result));
        same.max_by_key(|result| (result.on, result.at))
    };
    let mut kidneys: Vec<(String, String, Option<Date>)> = Vec::new();
    match of_fact("eGFR") {
        Some(fact) => kidneys.push((fact.label.clone(), fact.value.clone(), fact.on)),
        None => kidneys.extend(newest(is_egfr).map(said)),
    }
    kidneys.extend(newest(is_creatinine).map(said));
    let (sex, birth) = match (&view.chart, &view.temporary) {
        (Some(chart), _) => (chart.patient.sex, chart.patient.birth),
        (None, Some(temporary)) => (temporary.sex, temporary.birth),
        (None, None) => (Sex::Unknown, None),
    };
    let years = birth.and_then(|birth| birth.until((Unit::Year, view.moment().day())).ok());
    // Somebody whose age nobody knows is asked.
    let of_age = years.is_none_or(|years| ASKED_AGES.contains(&years.get_years()));
    // Results of other kinds say nothing of the kidneys: their absence is that of a record.
    let state = match results {
        Known::Present(_) => Known::<()>::NotRecorded.state(),
        other => other.state(),
    };
    BeforeImaging {
        no_kidneys: kidneys.is_empty().then_some(state),
        kidneys,
        pregnancy_unknown: sex != Sex::Male && of_age && of_fact("妊娠").is_none(),
    }
}

fn said(result: &LabResult) -> (String, String, Option<Date>) {
    let value = format!("{} {}", result.value, result.unit);
    (result.name.clone(), value.trim_end().to_owned(), result.on)
}

fn is_egfr(result: &LabResult) -> bool {
    result.name.to_ascii_lowercase().contains("egfr")
}

fn is_creatinine(result: &LabResult) -> bool {
    let name = chart::id::half_width_text(result.name.trim()).to_ascii_lowercase();
    matches!(
        name.as_str(),
        "cr" | "cre" | "crea" | "s-cr" | "クレアチニン" | "血清クレアチニン"
    )
}

/// The kidneys and what is not known, behind the facts that stand there already.
fn add_facts(view: &View, body: &mut Map<String, Value>) {
    let before = before_imaging(view);
    let Some(Value::Array(facts)) = body.get_mut("facts") else {
        return;
    };
    for (label, value, on) in &before.kidneys {
        if !facts.iter().any(|fact| fact["label"] == json!(label)) {
            facts.push(json!({"label": label, "value": value, "date": on.map(chart::date::iso)}));
        }
    }
    if let Some(state) = before.no_kidneys {
        let words = match state {
            "unavailable" => "取得できず",
            _ => "記録なし",
        };
        facts.push(json!({"label": "eGFR・Cr", "value": words, "date": null}));
    }
    if before.pregnancy_unknown {
        facts.push(json!({"label": "妊娠", "value": "記録なし（聞いて確かめる）", "date": null}));
    }
}
