//! S80 監査: who saw or did what, about whom, and whether the record of it is whole.
//!
//! Everything here is opened with the reader's own key; nobody else's browser gets more than a refusal. Patients are shown by
//! number, because an auditor's keys open no name. What is asked for is sent as a form, so that no number stands in an
//! address. Every look is itself written down before it is shown. What a sighting means is for people to say.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::Path;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use chart::{EntryId, PatientId, Subject};
use downtime::audit::{Deed, Seen, reports};
use downtime::exports::audit_log;
use downtime::identity::Role;
use serde::Deserialize;

use super::{Open, Route, Screen};
use crate::fault::Fault;
use crate::layout::Page;
use crate::say;
use crate::visit::Visit;

mod answer;
mod showing;

use answer::{Answer, Wanted, compute};
use showing::{AlarmLine, Envelope, Line, Table, deed_word, outcome_word, reviewed_words};

/// S80.
pub static SCREEN: Screen = Screen {
    id: "S80",
    name: "audit",
    nav: Some(("nav-audit", "K", "/audit")),
    who: &[Role::PrivacyOfficer, Role::Auditor],
    open: Open::SignedIn,
    routes: &[
        Route {
            method: "GET",
            path: "/audit",
            handler: || get(show).post(ask),
        },
        Route {
            method: "POST",
            path: "/audit/export",
            handler: || post(export),
        },
        Route {
            method: "POST",
            path: "/audit/review",
            handler: || post(review),
        },
        Route {
            method: "POST",
            path: "/audit/alarm",
            handler: || post(settle),
        },
        Route {
            method: "GET",
            path: "/audit/{entry}",
            handler: || get(one),
        },
    ],
};

const SCRIPTS: &[&str] = &["modebar.js", "scan.js", "rows.js", "keys.js", "fade.js"];

/// Longest text taken, in characters.
const MAX_TEXT: usize = 200;

/// Ready-made questions in the order in which they are offered.
const PRESETS: [&str; 9] = [
    "all",
    "patient",
    "user",
    "maintenance",
    "envelopes",
    "night",
    "bulk",
    "printed",
    "refused",
];

async fn show(visit: Visit) -> Result<Response, Fault> {
    page(&visit, &Wanted::default(), None).await
}

async fn ask(visit: Visit, Form(wanted): Form<Wanted>) -> Result<Response, Fault> {
    page(&visit, &wanted, None).await
}

fn short(text: &str) -> String {
    text.trim().chars().take(MAX_TEXT).collect()
}

/// The look itself, on the disk before anything is shown.
async fn witness(visit: &Visit, deed: Deed, wanted: &Wanted, reason: String, count: usize) -> Result<(), Fault> {
    let signed = visit.signed()?;
    let mut sighting = signed.session.sighting(deed);
    if let Some(id) = PatientId::parse(wanted.patient.trim()) {
        sighting.subject = Subject::Patient(id);
    }
    sighting.detail = wanted.words();
    sighting.reason = reason;
    sighting.count = u32::try_from(count).unwrap_or(u32::MAX);
    let written = signed.session.witness(sighting).await;
    written.map_err(|fault| Fault::NotAudited(fault.to_string()))
}

/// Asks the log where a thread may block: the first reader waits until everything is decrypted.
async fn read(visit: &Visit, wanted: &Wanted) -> Result<Answer, Fault> {
    let signed = Arc::clone(visit.signed()?);
    let wanted = wanted.clone();
    let answer = tokio::task::spawn_blocking(move || {
        let book = signed.session.book()?;
        let book = book.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        Some(compute(&book, &wanted))
    });
    answer
        .await
        .map_err(|fault| Fault::Broken(fault.to_string()))?
        .ok_or(Fault::Role)
}

async fn page(visit: &Visit, wanted: &Wanted, problem: Option<&str>) -> Result<Response, Fault> {
    let w = visit.w();
    let answer = read(visit, wanted).await?;
    witness(visit, Deed::AuditRead, wanted, String::new(), answer.total).await?;
    let state = visit.site.station().audit_state();
    let whole = state.is_whole() && answer.unreadable == 0;
    let preset = wanted.preset();
    let missing = match preset {
        "patient" if wanted.patient.trim().is_empty() => Some("audit-needs-patient"),
        "user" if wanted.user.trim().is_empty() => Some("audit-needs-user"),
        _ => None,
    };
    let here = wanted.page().min(answer.pages.saturating_sub(1));
    let shown = w.with(
        "audit-shown",
        &[
            ("n", answer.total.into()),
            ("page", (here + 1).into()),
            ("pages", answer.pages.max(1).into()),
        ],
    );
    visit.show(&AuditPage {
        page: visit.page(&w["nav-audit"], SCRIPTS),
        top: {
            let word = if whole { "audit-whole" } else { "audit-not-whole" };
            w.with(word, &[("n", (&showing::grouped(state.records)).into())])
        },
        whole,
        standing: showing::standing(visit, &state, answer.unreadable),
        alarms: showing::alarms(visit, &state.alarms),
        presets: PRESETS
            .iter()
            .map(|p| (*p, w[&format!("audit-preset-{p}")].to_owned(), *p == preset))
            .collect(),
        deeds: Deed::ALL
            .iter()
            .map(|deed| (deed.word(), deed_word(w, *deed).to_owned(), wanted.deed == deed.word()))
            .collect(),
        lines: answer
            .lines
            .iter()
            .map(|seen| showing::line(visit, &answer, seen))
            .collect(),
        counted: answer.counted.as_ref().map(|counted| showing::table(visit, counted)),
        bulks: answer
            .bulks
            .iter()
            .map(|bulk| showing::bulk_line(visit, bulk))
            .collect(),
        dossiers: answer
            .dossiers
            .iter()
            .map(|dossier| showing::envelope(visit, dossier))
            .collect(),
        shown,
        before: here.checked_sub(1),
        after: (here + 1 < answer.pages).then_some(here + 1),
        say: w[&format!("audit-say-{preset}")].to_owned(),
        problem: problem.or(missing).map(|word| w[word].to_owned()),
        wanted,
        preset,
    })
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ExportForm {
    preset: String,
    patient: String,
    user: String,
    station: String,
    deed: String,
    from: String,
    until: String,
    format: String,
    reason: String,
}

async fn export(visit: Visit, Form(form): Form<ExportForm>) -> Result<Response, Fault> {
    let wanted = Wanted {
        preset: form.preset,
        patient: form.patient,
        user: form.user,
        station: form.station,
        deed: form.deed,
        from: form.from,
        until: form.until,
        everything: true,
        ..Wanted::default()
    };
    let reason = short(&form.reason);
    if reason.is_empty() {
        return page(&visit, &wanted.one_page(), Some("audit-export-why")).await;
    }
    let fhir = form.format == "fhir";
    let answer = read(&visit, &wanted).await?;
    witness(&visit, Deed::Exported, &wanted, reason, answer.total).await?;
    let mut bytes = Vec::new();
    let written = if fhir {
        audit_log::fhir(&answer.lines, visit.site.station().hospital_name(), &mut bytes)
    } else {
        audit_log::csv(&answer.lines, &mut bytes)
    };
    written.map_err(|fault| Fault::Broken(fault.to_string()))?;
    let (kind, ending) = if fhir {
        ("application/fhir+ndjson", "ndjson")
    } else {
        ("text/csv; charset=utf-8", "csv")
    };
    let name = format!(
        "attachment; filename=\"audit-{}.{ending}\"",
        chart::date::iso(visit.state.now.day())
    );
    let mut response = bytes.into_response();
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Ok(name) = HeaderValue::from_str(&name) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ReviewForm {
    record: String,
    note: String,
}

async fn review(visit: Visit, Form(form): Form<ReviewForm>) -> Result<Response, Fault> {
    let id = EntryId::parse(form.record.trim()).ok_or(Fault::Stale)?;
    let note = short(&form.note);
    if note.is_empty() {
        return Err(Fault::Input("audit-review-note"));
    }
    let signed = visit.signed()?;
    find(&visit, id).await?;
    let mut sighting = signed.session.sighting(Deed::Reviewed);
    sighting.reason = note;
    sighting.detail = id.hex();
    let written = signed.session.witness(sighting).await;
    written.map_err(|fault| Fault::NotAudited(fault.to_string()))?;
    Ok(Redirect::to(&format!("/audit/{}", id.hex())).into_response())
}

async fn settle(visit: Visit, Form(form): Form<ReviewForm>) -> Result<Response, Fault> {
    let id = EntryId::parse(form.record.trim()).ok_or(Fault::Stale)?;
    let note = short(&form.note);
    if note.is_empty() {
        return Err(Fault::Input("audit-review-note"));
    }
    let signed = Arc::clone(visit.signed()?);
    let mut sighting = signed.session.sighting(Deed::Reviewed);
    sighting.reason.clone_from(&note);
    sighting.detail = format!("alarm {}", id.hex());
    let written = signed.session.witness(sighting).await;
    written.map_err(|fault| Fault::NotAudited(fault.to_string()))?;
    let station = Arc::clone(&visit.site.desk.station);
    let by = signed.session.author().user.clone();
    let settled = tokio::task::spawn_blocking(move || station.settle_alarm(id.0, &by, &note))
        .await
        .map_err(|fault| Fault::Broken(fault.to_string()))?
        .map_err(|fault| Fault::NotSaved(fault.to_string()))?;
    if settled {
        Ok(Redirect::to("/audit").into_response())
    } else {
        Err(Fault::Stale)
    }
}

/// One record with its review, if it can be read here.
async fn find(visit: &Visit, id: EntryId) -> Result<(Arc<Seen>, Option<Arc<Seen>>), Fault> {
    let signed = Arc::clone(visit.signed()?);
    let found = tokio::task::spawn_blocking(move || {
        let book = signed.session.book()?;
        let book = book.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let seen = book.all().find(|seen| seen.id == id.0).cloned()?;
        Some((seen, reports::reviews(&book).get(&id.0).cloned()))
    });
    found
        .await
        .map_err(|fault| Fault::Broken(fault.to_string()))?
        .ok_or(Fault::Stale)
}

async fn one(visit: Visit, Path(entry): Path<String>) -> Result<Response, Fault> {
    let w = visit.w();
    let id = EntryId::parse(&entry).ok_or(Fault::NotFound)?;
    let (seen, reviewed) = find(&visit, id).await?;
    let mut sighting = visit.signed()?.session.sighting(Deed::AuditRead);
    sighting.detail = format!("record {}", id.hex());
    let written = visit.signed()?.session.witness(sighting).await;
    written.map_err(|fault| Fault::NotAudited(fault.to_string()))?;
    let s = &seen.sighting;
    let quality = downtime::state::TimeQuality::from_byte(seen.time_quality);
    let who = format!("{}　{}", s.by.user, s.by.name);
    let fields: Vec<(&str, String)> = [
        ("audit-head-time", s.at.text()),
        (
            "audit-time-quality",
            w[&format!("time-quality-{}", quality.word())].to_owned(),
        ),
        ("audit-head-station", s.station.to_string()),
        ("audit-head-who", who),
        (
            "audit-role",
            Role::parse(&s.by.role).map_or_else(|| s.by.role.clone(), |role| say::role(w, role).to_owned()),
        ),
        ("audit-method", w[&format!("method-{}", s.method.word())].to_owned()),
        ("audit-head-deed", deed_word(w, s.deed).to_owned()),
        ("patient-id", s.subject.shown()),
        ("audit-head-count", s.count.to_string()),
        ("why", s.reason.clone()),
        ("audit-detail", showing::detail(w, s)),
        ("audit-head-outcome", outcome_word(w, s.outcome).to_owned()),
        ("audit-record", id.hex()),
    ]
    .into_iter()
    .map(|(word, value)| (&w[word], value))
    .collect();
    visit.show(&RecordPage {
        page: visit.page(&w["audit-record-title"], SCRIPTS),
        fields,
        id: id.hex(),
        reviewed: reviewed.map(|seen| reviewed_words(visit.w(), &seen, visit.state.now)),
    })
}

#[derive(Template)]
#[template(path = "screens/audit.html")]
struct AuditPage<'a> {
    page: Page<'a>,
    top: String,
    whole: bool,
    standing: Vec<(&'static str, String)>,
    alarms: Vec<AlarmLine>,
    presets: Vec<(&'static str, String, bool)>,
    deeds: Vec<(&'static str, String, bool)>,
    lines: Vec<Line>,
    counted: Option<Table>,
    bulks: Vec<String>,
    dossiers: Vec<Envelope>,
    shown: String,
    before: Option<usize>,
    after: Option<usize>,
    say: String,
    problem: Option<String>,
    wanted: &'a Wanted,
    preset: &'static str,
}

#[derive(Template)]
#[template(path = "screens/audit_record.html")]
struct RecordPage<'a> {
    page: Page<'a>,
    fields: Vec<(&'a str, String)>,
    id: String,
    reviewed: Option<String>,
}
