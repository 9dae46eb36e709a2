//! The body every patient form gets: visit, steps of the day, allergies, drugs, diagnoses, results, notes.
//!
//! Panels carry one of the four states of knowledge; a panel is never empty.

use chart::patient::Fact;
use chart::{DataKind, Known, LabResult, Note, Prescription};
use jiff::civil::Date;
use serde_json::{Map, Value, json};

use super::{Issue, Visit, or_null};
use crate::view::{DowntimeNote, View};

/// Everything a form may print about one patient on one day.
pub(super) fn patient(view: &View, visit: &Visit<'_>, issue: &Issue) -> Map<String, Value> {
    let today = visit.day;
    let mut body = Map::new();
    put_visit(view, issue, visit, &mut body);
    body.insert("date".into(), json!(day_text(today)));
    body.insert("allergy".into(), allergy(view, issue));
    body.insert("facts".into(), Value::Array(facts(view)));
    body.insert("drugs".into(), drugs(view));
    body.insert("diagnoses".into(), diagnoses(view, Reader::Anybody));
    body.insert("results".into(), results(view));
    body.insert("last_note".into(), last_note(view));
    body.insert(
        "typed_notes".into(),
        view.notes.iter().filter(|n| !n.note.on_paper).map(typed_note).collect(),
    );
    body
}

/// 2026年11月20日（金）
pub(crate) fn day_text(day: Date) -> String {
    format!(
        "{}年{}月{}日（{}）",
        day.year(),
        day.month(),
        day.day(),
        chart::date::weekday(day)
    )
}

fn put_visit(view: &View, issue: &Issue, visit: &Visit<'_>, body: &mut Map<String, Value>) {
    let today = visit.day;
    let wanted = visit.department;
    let received = view.reception().map(|(r, _)| r.entry.written_at);
    let reception = view.reception().map(|(_, check_in)| check_in);
    let reception = reception.filter(|r| wanted.is_none_or(|d| r.department == *d));
    let department = wanted.or_else(|| reception.map(|r| &r.department));
    let booked = view
        .chart
        .iter()
        .flat_map(|c| &c.appointments)
        .find(|a| a.on == today && department.is_none_or(|d| *d == a.department));
    let department = reception
        .map(|r| r.department.label())
        .or_else(|| booked.map(|a| a.department.label()))
        .or_else(|| view.temporary.as_ref().map(|t| t.department.label()))
        .unwrap_or("");
    let doctor = reception
        .map(|r| r.doctor.label())
        .or_else(|| booked.map(|a| a.doctor.label()))
        .unwrap_or("");
    let booked_at = reception
        .and_then(|r| r.booked_at)
        .or_else(|| booked.and_then(|a| a.at));
    let place = booked.map_or("", |a| a.place.as_str());
    let unbooked = reception.is_some_and(|r| r.unbooked);
    let clock = received.map(|at| {
        let t = at.local();
        format!("{}:{:02}", t.hour(), t.minute())
    });
    let mut add = |key: &str, value: Value| body.insert(key.to_owned(), value);
    add(
        "department",
        json!(if department.is_empty() {
            "診療科 未定"
        } else {
            department
        }),
    );
    add("doctor", or_null(doctor));
    add("place", or_null(place));
    add("reception_number", json!(reception.map_or("―", |r| r.number.as_str())));
    add("reception_time", json!(clock.clone().unwrap_or_else(|| "―".to_owned())));
    add(
        "appointment",
        booked_at.map_or(Value::Null, |t| json!(chart::visit::time_text(Some(t)))),
    );
    add("unbooked", json!(unbooked));
    add("insurance_seen", json!(reception.is_some_and(|r| r.insurance_seen)));
    let appointment = if unbooked {
        Some("予約外".to_owned())
    } else {
        booked_at.map(|t| format!("予約 {}", chart::visit::time_text(Some(t))))
    };
    add(
        "visit",
        json!({"number": reception.map(|r| r.number.clone()), "time": clock, "appointment": appointment}),
    );
    let orders: Vec<_> = view
        .chart
        .iter()
        .flat_map(|c| &c.orders)
        .filter(|o| o.on == today)
        .collect();
    let mut steps: Vec<Value> = orders
        .iter()
        .map(|o| json!({"name": o.exam.label(), "place": or_null(&o.place), "note": or_null(&o.remarks)}))
        .collect();
    steps.push(json!({"name": "診察", "place": or_null(place), "note": or_null(department)}));
    steps.push(json!({"name": "会計", "place": null, "note": null}));
    add("steps", Value::Array(steps));
    add("today_exams", orders.iter().map(|o| json!(o.exam.label())).collect());
    let mut notices = vec![
        "紙で診療しています。お時間をいただきます。",
        "お名前と生年月日を何度も確認します。ご協力ください。",
        "この紙は会計までお持ちください。",
    ];
    if issue.stopped_at.is_none() {
        notices.remove(0);
    }
    add("notices", json!(notices));
}

pub(super) fn panel<T>(known: &Known<T>, item: impl FnOnce(&T) -> Value) -> Map<String, Value> {
    let mut map = Map::new();
    map.insert("state".into(), json!(known.state()));
    let (items, note) = match known {
        Known::Present(value) => (item(value), Value::Null),
        Known::ConfirmedNone { on } => (
            json!([]),
            on.map_or(Value::Null, |d| json!(format!("確認済 {}", chart::date::iso(d)))),
        ),
        Known::NotRecorded => (json!([]), Value::Null),
        Known::Unavailable { since } => (
            json!([]),
            since.map_or(Value::Null, |at| json!(format!("{} 以降", at.text()))),
        ),
    };
    map.insert("items".into(), items);
    map.insert("note".into(), note);
    map
}

/// Data that the view has no chart for (a temporary patient): not recorded, never blank.
fn of_chart<T: Clone>(view: &View, pick: impl FnOnce(&chart::Chart) -> &Known<T>) -> Known<T> {
    view.chart
        .as_ref()
        .map_or(Known::NotRecorded, |chart| pick(chart).clone())
}

pub(super) fn allergy(view: &View, issue: &Issue) -> Value {
    let mut map = panel(&view.allergies(), |list| list.iter().map(|a| json!(a.text())).collect());
    if map.get("state") == Some(&json!("known")) {
        map.insert(
            "note".into(),
            json!(format!("時点 {}", issue.as_of.of(DataKind::Allergy).text())),
        );
    }
    Value::Object(map)
}

pub(super) fn facts(view: &View) -> Vec<Value> {
    let fact = |f: &Fact| {
        let reference = if f.label.contains("血液型") {
            Some("参考・輸血には使えません".to_owned())
        } else {
            f.on.map(chart::date::iso)
        };
        json!({"label": f.label, "value": f.value, "date": reference})
    };
    view.chart.iter().flat_map(|c| &c.patient.facts).map(fact).collect()
}

pub(super) fn drugs(view: &View) -> Value {
    let known = of_chart(view, |c| &c.prescriptions);
    let mut map = panel(&known, |list| {
        list.iter()
            .flat_map(|p| p.items.iter().map(move |i| drug(p, i, list.len() > 1)))
            .collect()
    });
    let source = known.items().first().and_then(|p| p.on).map(|on| {
        let days = known
            .items()
            .first()
            .and_then(|p| p.items.iter().filter_map(|i| i.days).max());
        let days = days.map(|d| format!("・{d}日分")).unwrap_or_default();
        format!("前回 {}{days}", chart::date::iso(on))
    });
    map.insert("source".into(), json!(source));
    map.insert(
        "caution".into(),
        json!("他院・持参薬は含まれません。相互作用・重複・用量の自動チェックは働きません"),
    );
    Value::Object(map)
}

fn drug(prescription: &Prescription, item: &chart::PrescriptionItem, several: bool) -> Value {
    // Where several departments prescribe, each line says whose it is.
    let origin = if several {
        format!(
            "{} {}",
            prescription.on.map(chart::date::iso).unwrap_or_default(),
            prescription.department.label()
        )
    } else {
        String::new()
    };
    let comment = [item.comment.as_str(), origin.trim()]
        .iter()
        .filter(|s| !s.is_empty())
        .copied()
        .collect::<Vec<_>>()
        .join(" ／ ");
    json!({
        "name": item.drug.label(),
        "tag": or_null(&item.tag),
        "dose": item.dose_text(),
        "usage": match item.route {
            chart::medication::Route::Oral => item.usage_text(),
            route => format!("{} {}", route.word(), item.usage_text()),
        },
        "days": item.supply_text(),
        "comment": or_null(&comment),
    })
}

/// Whose eyes a sheet is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    /// A sheet that stays with staff: it marks what the patient has not been told.
    Staff,
    /// Everything else, a hospital's own forms among it: what the patient has not been told is not there, nor a hint of it.
    Anybody,
}

pub(super) fn diagnoses(view: &View, reader: Reader) -> Value {
    let mut known = of_chart(view, |c| &c.diagnoses);
    if reader == Reader::Anybody
        && let Known::Present(list) = &mut known
    {
        list.retain(|diagnosis| !diagnosis.uninformed);
        // With nothing left the panel must say neither "none" nor why.
        if list.is_empty() {
            known = Known::Unavailable { since: None };
        }
    }
    let item = |d: &chart::Diagnosis| {
        let mark = if d.uninformed {
            chart::diagnosis::UNINFORMED_MARK
        } else {
            ""
        };
        json!({"name": format!("{mark}{}", d.name), "since": d.since.map(chart::date::iso), "main": d.main, "suspected": d.suspected})
    };
    Value::Object(panel(&known, |list| list.iter().map(item).collect()))
}

pub(super) fn results(view: &View) -> Value {
    let known = of_chart(view, |c| &c.results);
    let newest = known.items().iter().filter_map(|r| r.on).max();
    let item = |r: &LabResult| {
        let critical = r.flag == Some(chart::result::Flag::Critical);
        json!({
            "name": r.name, "value": r.value, "unit": or_null(&r.unit), "flag": r.flag.map(chart::result::Flag::word),
            "ref": or_null(&r.reference), "date": r.on.filter(|on| Some(*on) != newest).map(chart::date::iso), "critical": critical,
        })
    };
    let mut map = panel(&known, |list| list.iter().map(item).collect());
    map.insert("date".into(), json!(newest.map(chart::date::iso)));
    Value::Object(map)
}

fn last_note(view: &View) -> Value {
    let known = of_chart(view, |c| &c.notes);
    let mut map = panel(&known, |_| json!([]));
    map.remove("items");
    let newest: Option<&Note> = known.items().first();
    map.insert("date".into(), json!(newest.and_then(|n| n.on).map(chart::date::iso)));
    map.insert(
        "author".into(),
        newest.map_or(Value::Null, |n| or_null(n.author.label())),
    );
    map.insert(
        "department".into(),
        newest.map_or(Value::Null, |n| or_null(n.department.label())),
    );
    map.insert(
        "sections".into(),
        newest.map_or_else(|| json!([]), |n| sections(&n.sections)),
    );
    Value::Object(map)
}

fn sections(list: &[chart::note::Section]) -> Value {
    list.iter()
        .map(|s| json!({"label": s.kind.letter(), "text": s.text}))
        .collect()
}

fn typed_note(n: &DowntimeNote) -> Value {
    let entry = &n.recorded.entry;
    let vitals: Vec<String> = n
        .note
        .vitals
        .iter()
        .map(|(label, value)| format!("{label} {value}"))
        .collect();
    json!({
        "kind": entry.act.label(),
        "written_at": entry.written_at.text(),
        "author": entry.by.name,
        "role": entry.by.role,
        "reason": n.reason,
        "vitals": or_null(&vitals.join("　")),
        "sections": sections(&n.note.sections),
        "superseded": n.superseded,
    })
}
