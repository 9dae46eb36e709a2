//! 入院: where somebody lies, what is due today, what was measured and what the last shift said.
//!
//! Each fact is in one of four states and says which. The policy (方針) is only there for who is told to see it.

use chart::stay::{Handover, Scheduled, Vital};
use chart::{DataKind, Known, Stay};
use downtime::view::View;
use serde::Serialize;

use super::{Drug, Written, as_of};
use crate::reader::Reader;
use crate::say;
use crate::words::Words;

/// 入院
#[derive(Debug, Default, Serialize)]
pub struct StayPanel {
    /// 5階東 501-1
    pub place: String,
    /// データ時点 of the bed.
    pub as_of: String,
    /// 入院日, 主治医, 食事 …: word, value, and whether the value is known.
    pub facts: Vec<(String, String, bool)>,
    /// Drugs of the day, injections after what is taken.
    pub due: Vec<Drug>,
    /// Words where there is no drug.
    pub due_absent: Option<String>,
    /// データ時点 of the schedule.
    pub due_as_of: String,
    /// Newest first.
    pub vitals: Vec<String>,
    /// Words where there is none.
    pub vitals_absent: Option<String>,
    /// 申し送り, newest first.
    pub told: Vec<Written>,
    /// Words where there is none.
    pub told_absent: Option<String>,
}

/// The panel of somebody in a bed; nothing for everybody else.
#[must_use]
pub fn stay(visit: &impl Reader, view: &View, with_policy: bool) -> Option<StayPanel> {
    let stay = view.chart.as_ref()?.stay.as_ref()?;
    let (w, now) = (visit.w(), visit.now());
    let due: Vec<Drug> = stay
        .medicines
        .items()
        .iter()
        .chain(stay.injections.items())
        .map(|line| drug(w, line))
        .collect();
    Some(StayPanel {
        place: stay.whole_place(),
        as_of: as_of(visit, view, DataKind::Stay),
        facts: facts(visit, stay, with_policy),
        due_absent: due.is_empty().then(|| say::absence(w, &stay.medicines, now)).flatten(),
        due,
        due_as_of: as_of(visit, view, DataKind::Schedule),
        vitals: stay.vitals.items().iter().map(|v| vital(w, v)).collect(),
        vitals_absent: say::absence(w, &stay.vitals, now),
        told: stay.handovers.items().iter().map(|h| told(w, h)).collect(),
        told_absent: say::absence(w, &stay.handovers, now),
    })
}

fn facts(visit: &impl Reader, stay: &Stay, with_policy: bool) -> Vec<(String, String, bool)> {
    let w = visit.w();
    let mut facts = Vec::new();
    let admitted = stay.admitted.map(|on| {
        let days = usize::try_from(stay.day_of_stay(visit.day()).unwrap_or_default()).unwrap_or_default();
        let on = chart::date::iso(on);
        w.with("stay-admitted-on", &[("on", (&on).into()), ("days", days.into())])
    });
    let mut plain = |key: &str, text: Option<String>| {
        let text = text.filter(|text| !text.is_empty());
        let known = text.is_some();
        facts.push((
            w[key].to_owned(),
            text.unwrap_or_else(|| w["mark-not-recorded"].to_owned()),
            known,
        ));
    };
    plain("stay-admitted", admitted);
    plain("department", Some(stay.department.label().to_owned()));
    plain("ward-attending", Some(stay.attending.label().to_owned()));
    plain("stay-nurse", Some(stay.nurse.label().to_owned()));
    plain("stay-purpose", Some(stay.purpose.clone()));
    let [adl, falls, swallowing, skin] = stay.care.items().map(|(_, known)| known);
    for (key, known) in [
        ("ward-diet", &stay.diet),
        ("ward-rest", &stay.rest),
        ("ward-isolation", &stay.isolation),
        ("ward-oxygen", &stay.oxygen),
        ("ward-drip", &stay.drip),
        ("ward-insulin", &stay.insulin),
        ("stay-adl", adl),
        ("stay-falls", falls),
        ("stay-swallowing", swallowing),
        ("stay-skin", skin),
    ] {
        let (text, known) = mark(w, known);
        facts.push((w[key].to_owned(), text, known));
    }
    let mut list = |key: &str, known: &Known<Vec<String>>| {
        let words = say::absence(w, known, visit.now());
        let known_words = words.is_none();
        facts.push((
            w[key].to_owned(),
            words.unwrap_or_else(|| known.items().join("、")),
            known_words,
        ));
    };
    if with_policy {
        list("ward-policy", &stay.policy);
    }
    list(
        "stay-plans",
        &texts(&stay.plans, |plan| format!("{} {}", plan.what, plan.when)),
    );
    list(
        "stay-contacts",
        &texts(&stay.contacts, |c| format!("{}（{}）{}", c.name, c.relation, c.phone)),
    );
    facts
}

/// A list as texts, in the same state.
fn texts<T>(known: &Known<Vec<T>>, text: impl Fn(&T) -> String) -> Known<Vec<String>> {
    match known {
        Known::Present(list) => Known::Present(list.iter().map(text).collect()),
        Known::ConfirmedNone { on } => Known::ConfirmedNone { on: *on },
        Known::NotRecorded => Known::NotRecorded,
        Known::Unavailable { since } => Known::Unavailable { since: *since },
    }
}

/// One of the four states in a few characters, and whether somebody knows.
#[must_use]
pub fn mark(w: &Words, known: &Known<String>) -> (String, bool) {
    match known {
        Known::Present(text) => (text.clone(), true),
        Known::ConfirmedNone { .. } => (w["mark-none"].to_owned(), true),
        Known::NotRecorded => (w["mark-not-recorded"].to_owned(), false),
        Known::Unavailable { .. } => (w["mark-unavailable"].to_owned(), false),
    }
}

fn drug(w: &Words, line: &Scheduled) -> Drug {
    let hours: Vec<String> = line
        .due
        .iter()
        .map(|due| {
            format!(
                "{}:00{}{}",
                due.hour,
                if due.words.is_empty() { "" } else { " " },
                due.words
            )
        })
        .collect();
    let hours = if hours.is_empty() {
        w["stay-no-hours"].to_owned()
    } else {
        hours.join("・")
    };
    let how = [
        line.item.dose_text(),
        line.how.clone(),
        line.item.usage_text(),
        hours,
        line.item.comment.clone(),
    ];
    let tag = match (line.high_risk, line.item.tag.is_empty()) {
        (true, true) => w["stay-two-people"].to_owned(),
        (true, false) => format!("{} {}", line.item.tag, &w["stay-two-people"]),
        (false, _) => line.item.tag.clone(),
    };
    Drug {
        group: String::new(),
        name: line.item.drug.label().to_owned(),
        tag,
        how: how.into_iter().filter(|part| !part.is_empty()).collect(),
    }
}

fn when(w: &Words, on: Option<jiff::civil::Date>, at: Option<jiff::civil::Time>) -> String {
    let day = on.map_or_else(
        || w["date-unknown"].to_owned(),
        |on| format!("{:02}-{:02}", on.month(), on.day()),
    );
    let time = at.map(|_| chart::visit::time_text(at)).unwrap_or_default();
    format!("{day} {time}").trim_end().to_owned()
}

fn vital(w: &Words, v: &Vital) -> String {
    let mut text = when(w, v.on, v.at);
    for (key, value) in [
        ("vital-temperature", &v.temperature),
        ("vital-pressure", &v.pressure),
        ("vital-pulse", &v.pulse),
        ("vital-spo2", &v.spo2),
    ] {
        if !value.is_empty() {
            text.push_str(&format!("　{} {value}", &w[key]));
        }
    }
    if !v.remark.is_empty() {
        text.push_str(&format!("　{}", v.remark));
    }
    text
}

fn told(w: &Words, h: &Handover) -> Written {
    Written {
        head: format!("{} {}", when(w, h.on, h.at), h.author.label())
            .trim_end()
            .to_owned(),
        free: true,
        sections: vec![("", h.text.clone())],
    }
}
