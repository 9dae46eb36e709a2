//! The clinical panels of one patient: drugs, last notes, diagnoses, results, and what happened today.
//!
//! Every panel has one of the four states and its data time; an empty panel does not exist. Nothing is computed about the
//! data: no interactions, no trends, no judgement.

pub mod stay;

use chart::{Act, DataKind, Known, Note, Prescription, Subject};
use downtime::view::View;
use serde::Serialize;

use crate::layout::{self, Banner};
use crate::reader::Reader;
use crate::say;
use crate::words::Words;

mod labs;
mod note_text;
pub mod notebook;
pub mod papers;

pub use labs::{Labs, labs};
use note_text::note_text;

/// Notes of the EHR that a page shows: the newest, and a few before it.
const NOTES: usize = 5;

/// 現在の処方
#[derive(Debug, Default, Serialize)]
pub struct Drugs {
    /// Words of the three states without data.
    pub absent: Option<String>,
    /// データ時点 08:45
    pub as_of: String,
    /// 前回 2026-09-18 循環器内科
    pub source: String,
    /// Lines.
    pub items: Vec<Drug>,
}

/// One line.
#[derive(Debug, Default, Serialize)]
pub struct Drug {
    /// Which prescription begins here; empty within one.
    pub group: String,
    /// 販売名 規格
    pub name: String,
    /// 抗凝固
    pub tag: String,
    /// Dose, usage, supply, comment.
    pub how: Vec<String>,
}

/// 前回記録
#[derive(Debug, Default, Serialize)]
pub struct Notes {
    /// Words of the three states without data.
    pub absent: Option<String>,
    /// データ時点
    pub as_of: String,
    /// 2026-09-18 循環器内科 佐藤
    pub head: String,
    /// Newest first.
    pub notes: Vec<Written>,
}

/// One note.
#[derive(Debug, Default, Serialize)]
pub struct Written {
    /// Day, department, author.
    pub head: String,
    /// No S O A P.
    pub free: bool,
    /// Letter and text.
    pub sections: Vec<(&'static str, String)>,
}

/// 病名
#[derive(Debug, Default, Serialize)]
pub struct Problems {
    /// Words of the three states without data.
    pub absent: Option<String>,
    /// データ時点
    pub as_of: String,
    /// Name, first-visit date, whether it is the main one.
    pub items: Vec<(String, String, bool)>,
}

/// 今日
#[derive(Debug, Default, Serialize)]
pub struct Today {
    /// Bookings and examinations.
    pub plan: Vec<String>,
    /// Entries, in order.
    pub acts: Vec<Done>,
}

/// One entry on the patient's day.
#[derive(Debug, Default, Serialize)]
pub struct Done {
    /// 9:12
    pub at: String,
    /// 受付 A-127
    pub words: String,
    /// 田中（受付）
    pub by: String,
    /// The text of a note.
    pub text: String,
    /// Taken back, or corrected since.
    pub struck: bool,
    /// Where to correct it.
    pub correct: Option<String>,
    /// ●●○ 3か所
    pub kept: Option<String>,
}

/// Data of the chart, or 「未確認」 for somebody who has none here (a temporary patient).
fn of_chart<'v, T>(
    view: &'v View,
    none: &'v Known<T>,
    pick: impl Fn(&'v chart::Chart) -> &'v Known<T>,
) -> &'v Known<T> {
    view.chart.as_ref().map_or(none, |chart| pick(chart))
}

/// データ時点 of one kind of data of this patient: with a mark where it is older than the chart's own time, and with its source
/// where the hospital has several.
pub fn as_of(visit: &impl Reader, view: &View, kind: DataKind) -> String {
    let (w, now) = (visit.w(), visit.now());
    let Some(chart) = &view.chart else {
        return w["registered-here"].to_owned();
    };
    let mut said = layout::as_of(w, &chart.as_of, kind, now);
    if chart.as_of.of(kind) < chart.as_of.at {
        said.insert_str(0, "◆ ");
    }
    if let Some((_, origin)) = chart.origins.iter().find(|(k, name)| *k == kind && !name.is_empty()) {
        said.push('　');
        said.push_str(origin);
    }
    said
}

/// The drugs panel.
#[must_use]
pub fn drugs(visit: &impl Reader, view: &View) -> Drugs {
    let known = of_chart(view, &Known::NotRecorded, |c| &c.prescriptions);
    let list = known.items();
    let mut items = Vec::new();
    for prescription in list {
        for (n, item) in prescription.items.iter().enumerate() {
            let how = [
                item.dose_text(),
                match item.route {
                    chart::medication::Route::Oral => item.usage_text(),
                    route => format!("{} {}", route.word(), item.usage_text()).trim().to_owned(),
                },
                item.supply_text(),
                item.comment.clone(),
            ];
            items.push(Drug {
                group: if n == 0 && list.len() > 1 {
                    prescription_head(visit.w(), prescription)
                } else {
                    String::new()
                },
                name: item.drug.label().to_owned(),
                tag: item.tag.clone(),
                how: how.into_iter().filter(|part| !part.is_empty()).collect(),
            });
        }
    }
    let absent = say::absence(visit.w(), known, visit.now())
        .or_else(|| items.is_empty().then(|| visit.w()["not-recorded"].to_owned()));
    Drugs {
        absent,
        as_of: as_of(visit, view, DataKind::Prescription),
        source: match list {
            [only] => prescription_head(visit.w(), only),
            _ => String::new(),
        },
        items,
    }
}

fn prescription_head(w: &Words, prescription: &Prescription) -> String {
    let on = prescription
        .on
        .map_or_else(|| w["date-unknown"].to_owned(), chart::date::iso);
    format!(
        "{on} {} {}",
        prescription.department.label(),
        prescription.doctor.label()
    )
    .trim_end()
    .to_owned()
}

/// The notes panel.
#[must_use]
pub fn notes(visit: &impl Reader, view: &View) -> Notes {
    let known = of_chart(view, &Known::NotRecorded, |c| &c.notes);
    let notes: Vec<Written> = known
        .items()
        .iter()
        .take(NOTES)
        .map(|note| written(visit.w(), note))
        .collect();
    Notes {
        absent: say::absence(visit.w(), known, visit.now()),
        as_of: as_of(visit, view, DataKind::Note),
        head: notes.first().map(|note| note.head.clone()).unwrap_or_default(),
        notes,
    }
}

fn written(w: &Words, note: &Note) -> Written {
    let on = note.on.map_or_else(|| w["date-unknown"].to_owned(), chart::date::iso);
    Written {
        head: format!("{on} {} {}", note.department.label(), note.author.label())
            .trim_end()
            .to_owned(),
        free: note.sections.iter().all(|s| s.kind.letter().is_empty()),
        sections: note
            .sections
            .iter()
            .map(|s| (s.kind.letter(), s.text.clone()))
            .collect(),
    }
}

/// The diagnoses panel.
#[must_use]
pub fn problems(visit: &impl Reader, view: &View) -> Problems {
    let known = of_chart(view, &Known::NotRecorded, |c| &c.diagnoses);
    Problems {
        absent: say::absence(visit.w(), known, visit.now()),
        as_of: as_of(visit, view, DataKind::Diagnosis),
        items: known
            .items()
            .iter()
            .map(|d| {
                let since = d.since.map_or_else(
                    || visit.w()["date-unknown"].to_owned(),
                    |since| {
                        let since = chart::date::iso(since);
                        visit.w().with("first-visit", &[("date", (&since).into())])
                    },
                );
                let name = if d.uninformed {
                    format!("【{}】{}", &visit.w()["uninformed-problem"], d.text())
                } else {
                    d.text()
                };
                (name, since, d.main)
            })
            .collect(),
    }
}

/// What is planned today, and what was recorded since the snapshot.
#[must_use]
pub fn today(visit: &impl Reader, view: &View, handle: &str, may_write: bool) -> Today {
    let w = visit.w();
    let day = visit.day();
    let mut plan = Vec::new();
    if let Some(chart) = &view.chart {
        for a in chart.appointments.iter().filter(|a| a.on == day) {
            let parts = [
                a.time_text(),
                a.department.label().to_owned(),
                a.doctor.label().to_owned(),
                a.purpose.clone(),
            ];
            plan.push(w.with("plan-booked", &[("what", (&join(&parts)).into())]));
        }
        for o in chart.orders.iter().filter(|o| o.on == day) {
            let parts = [o.exam.label().to_owned(), o.place.clone(), o.remarks.clone()];
            plan.push(w.with("plan-exam", &[("what", (&join(&parts)).into())]));
        }
    }
    let acts = view
        .entries
        .iter()
        .map(|recorded| {
            let entry = &recorded.entry;
            let note = view.notes.iter().find(|n| n.recorded.id == recorded.id);
            let text = match &entry.act {
                Act::Prescribed(p) => rx_text(&p.rx),
                Act::Ordered(o) => o.order.lines().join("\n"),
                Act::SheetReturned(_) | Act::SheetNamed(_) => papers::lies(w, view, &recorded.id),
                _ => note.map(note_text).unwrap_or_default(),
            };
            let undone = match &entry.act {
                Act::CheckedIn(_) => !view.receptions.iter().any(|(r, _)| r.id == recorded.id),
                Act::AppointmentProvisional(_) => !view.provisional.iter().any(|(r, _)| r.id == recorded.id),
                Act::Prescribed(_) => !view.prescribed.iter().any(|(r, _)| r.id == recorded.id),
                Act::Ordered(_) => view
                    .orders
                    .iter()
                    .any(|o| o.recorded.id == recorded.id && o.voided.is_some()),
                Act::PaymentDeferred(_) => !view.payments.iter().any(|(r, _)| r.id == recorded.id),
                Act::NotebookRead(_) => !view.notebooks.iter().any(|(r, _)| r.id == recorded.id),
                Act::SheetNamed(_) => papers::is_withdrawn(view, &recorded.id),
                _ => note.is_some_and(|n| n.superseded),
            };
            Done {
                at: say::moment(w, entry.written_at, visit.now()),
                words: act_words(w, &entry.act),
                by: entry.by.name.clone(),
                text,
                struck: undone,
                correct: (may_write && note.is_some_and(|n| !n.superseded && !n.note.on_paper))
                    .then(|| format!("/p/{handle}/note/{}", recorded.id.hex())),
                kept: visit.kept(recorded),
            }
        })
        .collect();
    Today { plan, acts }
}

/// Every drug of a prescription on a line of its own.
pub fn rx_text(rx: &chart::rx::Rx) -> String {
    let lines = rx.drugs().map(|(rp, group, drug)| {
        let dose = chart::rx::wording::dose(drug, &group.usage);
        format!("Rp{rp} {}　{dose}　{}", drug.name, chart::rx::wording::usage(group))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// One entry in a few words.
#[must_use]
pub fn act_words(w: &Words, act: &Act) -> String {
    match act {
        Act::CheckedIn(c) => format!("{} {} {}", &w["act-check-in"], c.number, c.department.label()),
        Act::CheckInUndone { reason, .. } => w.with("act-undone", &[("reason", reason.into())]),
        Act::NoteSigned(note) if note.on_paper => w["act-on-paper"].to_owned(),
        Act::NoteSigned(_) => w["act-note"].to_owned(),
        Act::NoteCorrected { .. } => w["act-correction"].to_owned(),
        Act::AppointmentProvisional(a) => {
            let on = say::day(w, a.on);
            let at =
                a.at.map_or_else(|| w["later-by-phone"].to_owned(), |t| chart::visit::time_text(Some(t)));
            format!("{} {on} {at} {}", &w["act-appointment"], a.department.label())
        }
        Act::AppointmentCancelled { reason, .. } => w.with("act-cancelled", &[("reason", reason.into())]),
        Act::TemporaryRegistered(t) => format!("{} {}", &w["act-temporary"], t.id),
        Act::Printed { form, reissue, .. } => {
            let again = if *reissue { &w["reissued"] } else { "" };
            format!("{} {form} {again}", w["act-printed"].to_owned())
                .trim_end()
                .to_owned()
        }
        Act::DowntimeDeclared(_) => w["act-declared"].to_owned(),
        Act::DowntimeEnded { .. } => w["act-ended"].to_owned(),
        Act::EnteredInEhr { .. } => w["act-entered"].to_owned(),
        Act::DowntimeConfirmed { .. } => w["act-confirmed"].to_owned(),
        Act::EnvelopeOpened(opened) => w.with("act-envelope-opened", &[("number", (&opened.envelope).into())]),
        Act::EnvelopeClosed { .. } => w["act-envelope-closed"].to_owned(),
        Act::UserDisabled { user, .. } => w.with("act-user-disabled", &[("user", user.into())]),
        Act::LinkProposed(link) => w.with("act-link-proposed", &[("number", link.patient.as_str().into())]),
        Act::LinkConfirmed { .. } => w["act-link-confirmed"].to_owned(),
        Act::LinkUndone { reason, .. } => w.with("act-link-undone", &[("reason", reason.into())]),
        Act::Prescribed(p) => {
            let drugs = p.rx.drugs().count();
            let given = match p.rx.given_out {
                chart::rx::GivenOut::Outside => "rx-outside",
                chart::rx::GivenOut::InHouse => "rx-in-house",
            };
            w.with("act-prescribed", &[("where", (&w[given]).into()), ("n", drugs.into())])
        }
        Act::PrescriptionVoided { reason, .. } => w.with("act-voided", &[("reason", reason.into())]),
        Act::Ordered(o) => crate::screens::orders::words(w, &o.order),
        Act::OrderVoided { reason, .. } => w.with("act-order-voided", &[("reason", reason.into())]),
        Act::NotebookRead(_) => w["act-notebook"].to_owned(),
        Act::NotebookDiscarded { reason, .. } => w.with("act-notebook-discarded", &[("reason", reason.into())]),
        Act::PaymentDeferred(_)
        | Act::PaymentUndone { .. }
        | Act::SheetVoided { .. }
        | Act::SheetsIssued(_)
        | Act::SheetReturned(_)
        | Act::SheetNamed(_) => say::of_paper(w, act),
        Act::ConflictSettled { decision, .. } => w.with("act-settled", &[("decision", decision.into())]),
    }
}

fn join(parts: &[String]) -> String {
    let parts: Vec<&str> = parts.iter().map(String::as_str).filter(|p| !p.is_empty()).collect();
    parts.join(" ")
}

/// 同姓同名 2人, in the reader's language.
fn flags(visit: &impl Reader, view: &View) -> Vec<String> {
    let alike = match &view.subject {
        Subject::Patient(id) => visit.alike(id),
        Subject::Temporary(_) | Subject::Hospital => None,
    };
    alike
        .and_then(|alike| say::alike(visit.w(), alike))
        .into_iter()
        .collect()
}

/// Identity over the page; with the allergy bar where `clinical`.
#[must_use]
pub fn banner(visit: &impl Reader, view: &View, clinical: bool) -> Banner {
    let w = visit.w();
    let now = visit.now();
    let strip = view.strip();
    let (birth, age, sex) = match (&view.chart, &view.temporary) {
        (Some(chart), _) => {
            let p = &chart.patient;
            (
                say::birth(w, p.birth),
                say::age(w, p.birth, visit.day()),
                say::sex(w, p.sex),
            )
        }
        (None, Some(t)) => {
            let age = if t.birth.is_some() {
                say::age(w, t.birth, visit.day())
            } else {
                strip.age
            };
            (say::birth(w, t.birth), age, say::sex(w, t.sex))
        }
        (None, None) => (strip.birth, strip.age, &w["sex-u"]),
    };
    let facts = view.chart.iter().flat_map(|c| &c.patient.facts).map(|fact| {
        let when = match (fact.label.contains("血液型"), fact.on) {
            (true, _) => format!("（{}）", &w["blood-reference"]),
            (false, Some(on)) => format!("（{}）", chart::date::iso(on)),
            (false, None) => String::new(),
        };
        (fact.label.clone(), format!("{}{when}", fact.value))
    });
    Banner {
        kana: view
            .chart
            .as_ref()
            .map_or(strip.kana, |c| say::kana(w, &c.patient.name)),
        name: strip.name,
        flags: flags(visit, view),
        gaiji: strip.gaiji,
        dead: view.chart.as_ref().and_then(|c| c.patient.died).map(|died| {
            let died = chart::date::iso(died);
            w.with("died-on", &[("date", (&died).into())])
        }),
        birth,
        age,
        sex: sex.to_owned(),
        id: strip.id,
        reception: view.reception().map(|(_, c)| c.number.clone()),
        place: view
            .chart
            .as_ref()
            .and_then(|c| c.stay.as_ref())
            .filter(|_| clinical)
            .map(chart::Stay::whole_place),
        temporary: strip.temporary,
        allergy: clinical.then(|| say::allergies(w, &view.allergies(), now)),
        facts: if clinical { facts.collect() } else { Vec::new() },
        notebook: if clinical {
            notebook::warnings(w, view)
        } else {
            Vec::new()
        },
    }
}
