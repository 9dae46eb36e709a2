//! A chart and an extract as JSON that a person can read beside the export it came from.
//!
//! Only for comparing: nothing in the program writes this form.

use chart::Stay;
use chart::stay::Scheduled;
use chart::{Allergy, Appointment, Chart, Coded, Diagnosis, ExamOrder, Finding, Known, LabResult, Note, Prescription};
use downtime::sources::{Beds, Extract, Origin};
use jiff::civil::Date;
use serde_json::{Value, json};

/// Everything a pull gave.
pub fn pulled(charts: &[Chart], extract: &Extract) -> Value {
    let mut shown = json!({
        "charts": charts.iter().map(chart).collect::<Vec<_>>(),
        "full": extract.charts,
        "thin": extract.thin_charts,
        "as_of": extract.as_of.at.text(),
        "origins": extract.origins.iter().map(origin).collect::<Vec<_>>(),
        "findings": extract.findings.iter().map(finding).collect::<Vec<_>>(),
        "findings_dropped": extract.findings_dropped,
    });
    if extract.beds != Beds::NotAsked {
        shown["wards"] = json!(
            extract
                .wards
                .iter()
                .map(|(code, name, n)| format!("{code} {name} {n}人"))
                .collect::<Vec<_>>()
        );
        shown["empty_beds"] = match &extract.beds {
            Beds::Known { empty } => json!(
                empty
                    .iter()
                    .map(|b| format!("{} {}", b.ward.label(), b.place()))
                    .collect::<Vec<_>>()
            ),
            other => json!(format!("{other:?}")),
        };
    }
    shown
}

/// One chart.
pub fn chart(chart: &Chart) -> Value {
    let p = &chart.patient;
    let mut shown = json!({
        "id": p.id.as_str(),
        "name": p.name.written,
        "kana": p.name.kana,
        "former": p.former_names.iter().map(|n| n.written.clone()).collect::<Vec<_>>(),
        "birth": day(p.birth),
        "sex": p.sex.word(),
        "phones": p.phones.iter().map(|t| format!("{} {}", t.purpose, t.number)).collect::<Vec<_>>(),
        "facts": p.facts.iter().map(|f| format!("{} {} {}", f.label, f.value, day(f.on))).collect::<Vec<_>>(),
        "died": day(p.died),
        "address": p.address,
        "insurance": p.insurance,
        "thin": chart.thin,
        "appointments": chart.appointments.iter().map(appointment).collect::<Vec<_>>(),
        "orders": chart.orders.iter().map(order).collect::<Vec<_>>(),
        "allergies": known(&chart.allergies, |a| json!(allergy(a))),
        "diagnoses": known(&chart.diagnoses, |d| json!(diagnosis(d))),
        "notes": known(&chart.notes, note),
        "prescriptions": known(&chart.prescriptions, prescription),
        "results": known(&chart.results, |r| json!(result(r))),
        "findings": chart.findings.iter().map(finding).collect::<Vec<_>>(),
    });
    // Where no file of insurances is mapped there is nothing to compare.
    if chart.insurances != (Known::Unavailable { since: None })
        && let Some(object) = shown.as_object_mut()
    {
        object.insert(
            "insurances".to_owned(),
            known(&chart.insurances, |c| json!(insurance(c))),
        );
    }
    // Cases without inpatients stay as they were.
    if let Some(stay) = &chart.stay {
        shown["stay"] = self::stay(stay);
    }
    if let Some(language) = p.language {
        shown["language"] = json!(language.to_string());
    }
    shown
}

/// A stay with everything in it.
pub fn stay(s: &Stay) -> Value {
    let one = |k: &Known<String>| match k {
        Known::Present(text) => text.clone(),
        other => other.state().to_owned(),
    };
    let line = |l: &Scheduled| {
        let due: Vec<String> = l
            .due
            .iter()
            .map(|d| format!("{} {}", d.hour, d.words).trim().to_owned())
            .collect();
        let risk = if l.high_risk { "2人" } else { "" };
        let words = [
            l.item.route.word().to_owned(),
            l.item.line().replace('\u{a0}', " "),
            l.how.clone(),
            due.join("・"),
            risk.to_owned(),
        ];
        json!(joined(&words))
    };
    let at = |t: Option<jiff::civil::Time>| t.map(|_| chart::visit::time_text(t)).unwrap_or_default();
    json!({
        "place": s.whole_place(),
        "admitted": day(s.admitted),
        "who": joined(&[coded(&s.department), coded(&s.attending), coded(&s.nurse), s.purpose.clone()]),
        "marks": ([&s.diet, &s.rest, &s.isolation, &s.oxygen, &s.drip, &s.insulin].map(one)),
        "care": (s.care.items().map(|(word, known)| format!("{word} {}", one(known)))),
        "policy": known(&s.policy, |p| json!(p)),
        "medicines": known(&s.medicines, line),
        "injections": known(&s.injections, line),
        "vitals": known(&s.vitals, |v| json!(joined(&[day(v.on), at(v.at), v.temperature.clone(), v.pressure.clone(), v.pulse.clone(), v.spo2.clone(), v.remark.clone()]))),
        "plans": known(&s.plans, |p| json!(format!("{} {}", p.when, p.what))),
        "handovers": known(&s.handovers, |h| json!(joined(&[day(h.on), at(h.at), coded(&h.author), h.text.clone()]))),
        "contacts": known(&s.contacts, |c| json!(joined(&[c.name.clone(), c.relation.clone(), c.phone.clone()]))),
    })
}

fn known<T>(known: &Known<Vec<T>>, show: impl Fn(&T) -> Value) -> Value {
    match known {
        Known::Present(list) => list.iter().map(show).collect(),
        Known::ConfirmedNone { on } => json!(format!("なし（確認済 {}）", day(*on))),
        Known::NotRecorded => json!("未確認（記録なし）"),
        Known::Unavailable { since } => {
            json!(format!("取得できず {}", since.map(chart::Moment::text).unwrap_or_default()).trim())
        }
    }
}

/// One appointment in a line.
pub fn appointment(a: &Appointment) -> String {
    let words = [
        chart::date::iso(a.on),
        a.time_text(),
        coded(&a.department),
        coded(&a.doctor),
        a.place.clone(),
        a.purpose.clone(),
        a.number.clone(),
    ];
    joined(&words)
}

/// One order in a line.
pub fn order(o: &ExamOrder) -> String {
    let at = o.at.map(|_| chart::visit::time_text(o.at)).unwrap_or_default();
    let words = [
        chart::date::iso(o.on),
        at,
        coded(&o.exam),
        o.place.clone(),
        o.remarks.clone(),
        coded(&o.department),
        o.number.clone(),
    ];
    joined(&words)
}

/// One allergy in a line.
pub fn allergy(a: &Allergy) -> String {
    joined(&[a.kind.word().to_owned(), a.code.clone(), a.text()])
}

/// One insurance in a line.
pub fn insurance(c: &chart::Coverage) -> String {
    let public = c
        .public
        .iter()
        .map(|p| format!("{} {} {}", p.payer, p.recipient, day(p.valid_until)));
    joined(&[
        c.kind.clone(),
        c.insurer.clone(),
        format!("{}・{}・{}", c.symbol, c.number, c.branch),
        c.member.map(|m| m.word().to_owned()).unwrap_or_default(),
        c.burden.map(|b| b.word().to_owned()).unwrap_or_default(),
        c.share.map(|share| format!("{share}割")).unwrap_or_default(),
        public.collect::<Vec<_>>().join("、"),
        format!("{} – {}", day(c.valid_from), day(c.valid_until)),
    ])
}

/// One diagnosis in a line.
pub fn diagnosis(d: &Diagnosis) -> String {
    let main = if d.main { "主" } else { "" };
    joined(&[
        main.to_owned(),
        d.staff_text(),
        d.code.clone(),
        d.icd10.clone(),
        day(d.since),
        d.department.clone(),
    ])
}

/// One result in a line.
pub fn result(r: &LabResult) -> String {
    let at = r.at.map(|_| chart::visit::time_text(r.at)).unwrap_or_default();
    joined(&[
        day(r.on),
        at,
        r.code.clone(),
        r.text().replace('\u{a0}', " "),
        format!("[{}]", r.reference),
    ])
}

/// One note with its sections.
pub fn note(n: &Note) -> Value {
    let at = n.at.map(|_| chart::visit::time_text(n.at)).unwrap_or_default();
    let sections: Vec<String> = n
        .sections
        .iter()
        .map(|s| format!("{}|{}", s.kind.letter(), s.text))
        .collect();
    json!({ "head": joined(&[day(n.on), at, coded(&n.department), coded(&n.author)]), "sections": sections })
}

/// One prescription with its lines.
pub fn prescription(p: &Prescription) -> Value {
    let lines: Vec<String> = p
        .items
        .iter()
        .map(|item| format!("{} {} {}", item.rp, item.route.word(), item.line()).replace('\u{a0}', " "))
        .collect();
    json!({ "head": joined(&[day(p.on), coded(&p.department), coded(&p.doctor)]), "lines": lines })
}

fn finding(f: &Finding) -> Value {
    json!(joined(&[
        format!("{:?}", f.severity),
        f.code.clone(),
        if f.patient.is_empty() {
            String::new()
        } else {
            format!("<{}>", f.patient)
        },
        f.text(),
    ]))
}

fn origin(o: &Origin) -> Value {
    let half = if o.half_written { "（書きかけ）" } else { "" };
    let numbers = format!("{}行 使用{} 不使用{}", o.rows, o.used, o.refused);
    json!(joined(&[
        o.name.clone(),
        o.kind.word().to_owned(),
        numbers,
        o.written.text(),
        half.to_owned()
    ]))
}

fn coded(c: &Coded) -> String {
    format!("{} {}", c.code, c.name).trim().to_owned()
}

fn day(date: Option<Date>) -> String {
    date.map_or_else(|| "-".to_owned(), chart::date::iso)
}

fn joined(words: &[String]) -> String {
    words
        .iter()
        .filter(|w| !w.is_empty())
        .cloned()
        .collect::<Vec<_>>()
        .join(" / ")
}
