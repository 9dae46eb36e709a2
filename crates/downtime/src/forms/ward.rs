//! The paper of one ward: F10 by bed with its empty beds, then F11 and F12 for everybody in them, in the order of the corridor.
//!
//! What is on it is what the EHR said at the time in the foot; whoever moved since stands where a hand wrote it. No due hour is
//! made here, and nothing is added up. The policy (方針) is on the patient's own sheet, never on the list that hangs at the desk.

use std::sync::Arc;

use chart::stay::{Due, Scheduled, Vital};
use chart::{Allergy, DataKind, FormId, Known, Moment, Sheet, Stay, Subject};
use jiff::civil::Date;
use serde_json::{Map, Value, json};

use super::body::{self, day_text};
use super::{Issue, or_null};
use crate::index::{BedList, Index};
use crate::shelf::{OpenFault, Opened};
use crate::view::{Day, View, lay_over};

/// The node of the numbers of ward lists, after those of department lists, and how many there are: papers of the office begin at 85.
const WARD_LISTS: (u8, usize) = (84, 1);
/// The first node of the numbers of sheets about inpatients, after those of outpatients' chart sheets, and how many there are.
const WARD_SHEETS: (u8, usize) = (95, 5);
/// A ward is printed again whenever a snapshot arrives: so many of one day have numbers of their own.
const SNAPSHOTS_A_DAY: u64 = 25;
/// Rows on F12 for changed orders.
const CHANGE_LINES: u8 = 3;
/// What the symbols of F10 mean.
const LEGEND: &str = "－ なし（確認済）　未 記録なし　× 取得できず";

/// One ward of a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ward {
    /// Code and name.
    pub ward: chart::Coded,
    /// Its beds in the order of the corridor.
    pub beds: Vec<PackBed>,
    /// Where it stands among all wards; the number of its list follows from it.
    number: usize,
}

/// One bed of a ward.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackBed {
    /// `501-1`
    pub place: String,
    /// Row of who lies there.
    pub row: Option<u32>,
    /// 主治医, as the list names them.
    pub doctor: String,
    /// Where it stands among all beds; sheet numbers follow from it.
    number: usize,
}

impl Ward {
    /// Rows of its people, in the order of their beds.
    pub fn rows(&self) -> impl Iterator<Item = u32> + '_ {
        self.beds.iter().filter_map(|bed| bed.row)
    }

    /// 5階東, or 病棟 不明.
    #[must_use]
    pub fn label(&self) -> &str {
        match self.ward.label() {
            "" => "病棟 不明",
            label => label,
        }
    }
}

/// Every ward that the snapshot knows.
#[must_use]
pub fn wards(index: &Index) -> Vec<Ward> {
    let all = index.wards().iter().enumerate();
    all.map(|(number, ward)| Ward {
        ward: ward.clone(),
        beds: index
            .beds_of(number)
            .map(|bed| PackBed {
                place: bed.place_text(),
                row: bed.row,
                doctor: bed.doctor.label().to_owned(),
                number: bed.place,
            })
            .collect(),
        number,
    })
    .collect()
}

/// A bed with the opened chart of who lies in it.
pub struct OpenBed<'a> {
    /// The bed.
    pub bed: &'a PackBed,
    /// Who lies there; `None` for an empty bed, and for a chart that does not open.
    pub view: Option<View>,
}

/// Opens the charts of a ward once. One that cannot be opened is given back, so that people hear of it; the list still names it.
pub fn open_ward<'a>(
    opened: &Opened,
    ward: &'a Ward,
    day: Date,
    damaged: &mut Vec<(String, OpenFault)>,
) -> Vec<OpenBed<'a>> {
    let moment = Moment::from_local(day.at(0, 0, 0, 0));
    let mut open = |row: u32| -> Option<View> {
        let named = opened.index().row(row)?;
        match opened.chart(row) {
            Ok(chart) => {
                let subject = Subject::Patient(chart.patient.id.clone());
                let mut view = lay_over(&subject, Some(Arc::new(chart)), &Day::default(), moment);
                let label = named.alike().label();
                view.flags = Some(label).filter(|label| !label.is_empty()).into_iter().collect();
                Some(view)
            }
            Err(fault) => {
                damaged.push((named.id_text().to_owned(), fault));
                None
            }
        }
    };
    let beds = ward.beds.iter();
    beds.map(|bed| OpenBed {
        bed,
        view: bed.row.and_then(&mut open),
    })
    .collect()
}

/// The sheets of one ward: F10, then F11 and F12 for each bed with somebody in it.
pub fn ward_sheets<'a>(
    opened: &'a Opened,
    ward: &'a Ward,
    beds: &'a [OpenBed<'a>],
    day: Date,
    issue: &'a Issue,
) -> impl Iterator<Item = Sheet> + Send + 'a {
    let epoch = opened.shelved().edition();
    let list_issue = Issue {
        form_id: number(day, WARD_LISTS, epoch, ward.number),
        ..issue.clone()
    };
    let list = ward_list(opened.index(), ward, beds, day, &list_issue);
    let each = beds.iter().filter_map(|open| Some((open.bed, open.view.as_ref()?)));
    let sheets = each.flat_map(move |(bed, view)| {
        let of_bed = |nth: usize| Issue {
            form_id: number(day, WARD_SHEETS, epoch, bed.number * 2 + nth),
            as_of: view
                .chart
                .as_ref()
                .map_or_else(|| issue.as_of.clone(), |chart| chart.as_of.clone()),
            ..issue.clone()
        };
        [summary(view, day, &of_bed(0)), day_sheet(view, day, &of_bed(1))]
    });
    std::iter::once(list).chain(sheets)
}

/// Numbers of one day: each snapshot has its own stretch, so that a sheet printed at noon is not taken for one of the morning.
fn number(day: Date, (first, nodes): (u8, usize), epoch: u64, place: usize) -> Option<FormId> {
    let each = FormId::MAX_SEQUENCE as usize;
    let room = each * nodes / SNAPSHOTS_A_DAY as usize;
    if place >= room {
        return None;
    }
    let place = usize::try_from(epoch % SNAPSHOTS_A_DAY).ok()? * room + place;
    let node = u8::try_from(place / each).ok()?.checked_add(first)?;
    FormId::issue(day, node, u32::try_from(place % each).ok()? + 1)
}

/// F10 病棟患者一覧.
#[must_use]
pub fn ward_list(index: &Index, ward: &Ward, beds: &[OpenBed<'_>], day: Date, issue: &Issue) -> Sheet {
    let rows: Vec<Value> = beds.iter().map(|open| list_row(index, open, day)).collect();
    let lying = ward.rows().count();
    let empty = ward.beds.len() - lying;
    let count = if index.bed_list() == BedList::Whole {
        format!("{lying}人・空床 {empty}")
    } else {
        format!("{lying}人・空床は分かりません")
    };
    let at = issue.as_of.of(DataKind::Stay);
    let clock = if at == Moment::default() {
        "時刻 不明".to_owned()
    } else {
        at.text()
    };
    let caution = match index.bed_list() {
        BedList::Whole => format!("病床は {clock} 時点。動いた人は書き直す　{LEGEND}"),
        _ => format!("★入院の一覧を全部は読めていません。病床は {clock} 時点。病棟で確かめる　{LEGEND}"),
    };
    let body = json!({
        "ward": ward.label(),
        "date": format!("{}　{clock} 時点", day_text(day)),
        "count": count,
        "caution": caution,
        "rows": rows,
    });
    issue.sheet("F10", None, body)
}

fn list_row(index: &Index, open: &OpenBed<'_>, day: Date) -> Value {
    let Some(row) = open.bed.row.and_then(|row| index.row(row)) else {
        return json!({"bed": open.bed.place, "empty": true, "allergy": {"state": "not_recorded"}, "flags": [], "gaiji": false});
    };
    let name = chart::Name::new(row.written(), row.kana());
    let age = row.birth().map(|b| chart::date::age(b, day)).unwrap_or_default();
    let label = row.alike().label();
    let flags: Vec<String> = Some(label).filter(|label| !label.is_empty()).into_iter().collect();
    let chart = open.view.as_ref().and_then(|view| view.chart.as_ref());
    let stay = chart.and_then(|chart| chart.stay.as_ref());
    let mark = |pick: fn(&Stay) -> &Known<String>| stay.map_or_else(|| json!("×"), |stay| json!(symbol(pick(stay))));
    let memo = match (chart, stay) {
        (None, _) => "カルテを開けません",
        (Some(_), None) => "入院の内容なし",
        _ => "",
    };
    json!({
        "bed": open.bed.place,
        "empty": false,
        "kana": name.kana_shown(),
        "name": name.shown(),
        "birth": row.birth().map_or_else(|| "未確認".to_owned(), chart::date::short),
        "age_sex": format!("{age} {}", row.sex().short()),
        "id": row.id().map(|id| id.shown()).unwrap_or_default(),
        "doctor": or_null(&open.bed.doctor),
        "allergy": allergy(chart.map(|chart| &chart.allergies)),
        "isolation": mark(|s| &s.isolation),
        "rest": mark(|s| &s.rest),
        "meal": mark(|s| &s.diet),
        "drip": mark(|s| &s.drip),
        "insulin": mark(|s| &s.insulin),
        "oxygen": mark(|s| &s.oxygen),
        "policy": null,
        "memo": or_null(memo),
        "flags": flags,
        "gaiji": name.has_gaiji(),
    })
}

/// One of the four states in the width of a few characters; the list says what the symbols mean.
fn symbol(known: &Known<String>) -> String {
    match known {
        Known::Present(text) => text.clone(),
        Known::ConfirmedNone { .. } => "－".to_owned(),
        Known::NotRecorded => "未".to_owned(),
        Known::Unavailable { .. } => "×".to_owned(),
    }
}

fn allergy(known: Option<&Known<Vec<Allergy>>>) -> Value {
    let Some(known) = known else {
        return json!({"state": "unavailable", "words": null});
    };
    let words = match known {
        Known::Present(list) => {
            let substances: Vec<&str> = list.iter().map(|a| a.substance.as_str()).collect();
            json!(substances.join("、"))
        }
        Known::ConfirmedNone { on: Some(on) } => json!(format!("確認済 {}", chart::date::iso(*on))),
        _ => Value::Null,
    };
    json!({"state": known.state(), "words": words})
}

/// F11 入院患者サマリ.
#[must_use]
pub fn summary(view: &View, day: Date, issue: &Issue) -> Sheet {
    let mut map = Map::new();
    let stay = view.chart.as_ref().and_then(|chart| chart.stay.as_ref());
    map.insert("place".into(), json!(place(stay)));
    map.insert(
        "admitted".into(),
        json!(
            stay.and_then(|s| s.admitted)
                .map_or_else(|| "日付 不明".to_owned(), chart::date::iso)
        ),
    );
    let days = stay.and_then(|s| s.day_of_stay(day)).map(|n| format!("入院{n}日目"));
    map.insert("day".into(), json!(days));
    map.insert("purpose".into(), or_null(stay.map_or("", |s| s.purpose.as_str())));
    let department = stay.map_or("", |s| s.department.label());
    map.insert(
        "department".into(),
        json!(if department.is_empty() {
            "診療科 不明"
        } else {
            department
        }),
    );
    map.insert("doctor".into(), or_null(stay.map_or("", |s| s.attending.label())));
    map.insert("nurse".into(), or_null(stay.map_or("", |s| s.nurse.label())));
    map.insert("allergy".into(), body::allergy(view, issue));
    map.insert("facts".into(), Value::Array(body::facts(view)));
    map.insert("diagnoses".into(), body::diagnoses(view, body::Reader::Staff));
    map.insert("results".into(), body::results(view));
    map.insert("drugs".into(), drugs(view, stay));
    map.insert("injections".into(), list_of(stay.map(|s| &s.injections), drug_line));
    map.insert("vitals".into(), list_of(stay.map(|s| &s.vitals), vital));
    map.insert(
        "plans".into(),
        list_of(
            stay.map(|s| &s.plans),
            |plan| json!({"when": plan.when, "what": plan.what}),
        ),
    );
    map.insert(
        "handovers".into(),
        list_of(
            stay.map(|s| &s.handovers),
            |h| json!({"when": when(h.on, h.at), "author": or_null(h.author.label()), "text": h.text}),
        ),
    );
    let care = stay.map(|s| s.care.items()).into_iter().flatten();
    let care: Vec<Value> = care
        .map(|(label, known)| json!({"label": label, "panel": body::panel(known, |text| json!([text]))}))
        .collect();
    map.insert("care".into(), Value::Array(care));
    map.insert(
        "contacts".into(),
        list_of(
            stay.map(|s| &s.contacts),
            |c| json!({"name": c.name, "relation": c.relation, "phone": c.phone}),
        ),
    );
    map.insert("policy".into(), list_of(stay.map(|s| &s.policy), |line| json!(line)));
    issue.about("F11", view, Value::Object(map))
}

/// F12 与薬・経過表（24時間）.
#[must_use]
pub fn day_sheet(view: &View, day: Date, issue: &Issue) -> Sheet {
    let stay = view.chart.as_ref().and_then(|chart| chart.stay.as_ref());
    let measures: Vec<Value> = [
        ("体温", "℃"),
        ("血圧", "mmHg"),
        ("脈拍", "/分"),
        ("SpO2・酸素", "%・L"),
        ("血糖", "mg/dL"),
        ("尿量・輸液", "mL"),
    ]
    .iter()
    .map(|(name, unit)| json!({"name": name, "unit": unit}))
    .collect();
    let body = json!({
        "place": place(stay),
        "date": day_text(day),
        "doctor": or_null(stay.map_or("", |s| s.attending.label())),
        "allergy": body::allergy(view, issue),
        "facts": body::facts(view),
        "drugs": due_list(stay),
        "measures": measures,
        "change_lines": CHANGE_LINES,
    });
    issue.about("F12", view, body)
}

fn place(stay: Option<&Stay>) -> String {
    stay.map_or_else(|| "病床 不明".to_owned(), Stay::whole_place)
}

fn list_of<T>(known: Option<&Known<Vec<T>>>, item: impl Fn(&T) -> Value) -> Value {
    let unfetched = Known::Unavailable { since: None };
    Value::Object(body::panel(known.unwrap_or(&unfetched), |list| {
        list.iter().map(item).collect()
    }))
}

/// 現在の処方. Where the EHR's schedule was never fetched its prescriptions stand in its place, and the sheet says so.
fn drugs(view: &View, stay: Option<&Stay>) -> Value {
    let medicines = stay.map(|s| &s.medicines);
    let unfetched = matches!(medicines, None | Some(Known::Unavailable { .. }));
    let prescribed = view.chart.as_ref().is_some_and(|c| c.prescriptions.present().is_some());
    if unfetched && prescribed {
        let mut panel = body::drugs(view);
        // The outpatient sheet calls the amounts `dose`.
        if let Some(items) = panel.get_mut("items").and_then(Value::as_array_mut) {
            for item in items {
                item["amount_line"] = item["dose"].take();
            }
        }
        panel["caution"] =
            json!("★与薬予定は取得できず。EHRの処方（外来の処方を含む）を載せています。自動チェックは働きません");
        return panel;
    }
    let mut panel = list_of(medicines, drug_line);
    panel["caution"] = json!("持参薬は含まれません。相互作用・重複・用量の自動チェックは働きません");
    panel
}

fn drug_line(line: &Scheduled) -> Value {
    json!({
        "name": line.item.drug.label(),
        "tag": or_null(&line.item.tag),
        "amount_line": line.item.dose_text(),
        "usage": or_null(&usage(line)),
        "days": or_null(&hours(&line.due)),
        "comment": or_null(&line.item.comment),
    })
}

fn usage(line: &Scheduled) -> String {
    let parts = [line.how.clone(), line.item.usage_text()];
    let parts: Vec<&str> = parts
        .iter()
        .map(String::as_str)
        .filter(|part| !part.is_empty())
        .collect();
    parts.join(" ")
}

/// 8・18時, or nothing where the EHR gives no hour.
fn hours(due: &[Due]) -> String {
    let hours: Vec<String> = due.iter().map(|due| due.hour.to_string()).collect();
    if hours.is_empty() {
        String::new()
    } else {
        format!("{}時", hours.join("・"))
    }
}

/// Drugs of the day with their hours, injections after what is taken. One state for both lists: what is missing of either is said.
fn due_list(stay: Option<&Stay>) -> Value {
    let Some(stay) = stay else {
        return json!({"state": "unavailable", "items": [], "note": null});
    };
    let items: Vec<Value> = stay
        .medicines
        .items()
        .iter()
        .chain(stay.injections.items())
        .map(due_line)
        .collect();
    if items.is_empty() {
        return list_of(Some(&stay.medicines), due_line);
    }
    json!({"state": "known", "items": items, "note": null})
}

fn due_line(line: &Scheduled) -> Value {
    let due: Vec<Value> = line
        .due
        .iter()
        .map(|due| json!({"hour": due.hour, "words": or_null(&due.words)}))
        .collect();
    let unknown = if line.due.is_empty() {
        "時刻の指示なし（指示を確かめる）"
    } else {
        ""
    };
    let comment = [line.item.comment.as_str(), unknown];
    let comment: Vec<&str> = comment.iter().copied().filter(|part| !part.is_empty()).collect();
    json!({
        "kind": line.item.route.word(),
        "name": line.item.drug.label(),
        "tag": or_null(&line.item.tag),
        "amount_line": line.item.dose_text(),
        "usage": or_null(&usage(line)),
        "comment": or_null(&comment.join(" ／ ")),
        "high_risk": line.high_risk,
        "due": due,
    })
}

fn vital(v: &Vital) -> Value {
    json!({
        "time": when(v.on, v.at),
        "temperature": or_null(&v.temperature),
        "pressure": or_null(&v.pressure),
        "pulse": or_null(&v.pulse),
        "spo2": or_null(&v.spo2),
        "remark": or_null(&v.remark),
    })
}

/// 11-20 06:00; 時刻 不明 where neither is known.
fn when(on: Option<Date>, at: Option<jiff::civil::Time>) -> String {
    let day = on.map(|on| format!("{:02}-{:02}", on.month(), on.day()));
    let time = at.map(|at| format!("{:02}:{:02}", at.hour(), at.minute()));
    match (day, time) {
        (None, None) => "時刻 不明".to_owned(),
        (day, time) => [day, time].into_iter().flatten().collect::<Vec<_>>().join(" "),
    }
}

#[cfg(test)]
mod tests;
