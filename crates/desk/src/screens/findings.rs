//! The Findings of the extract: what could not be read or is doubtful, where, and what was done about it.
//!
//! Part of S02. Signed-in staff only: findings name patient numbers. Nothing is mended here; that is done in the source.

use askama::Template;
use axum::response::Response;
use axum::routing::get;
use chart::{Finding, Severity};

use super::{Open, Route, STAFF, Screen};
use crate::fault::Fault;
use crate::layout::{Page, SCRIPTS};
use crate::visit::Visit;
use crate::words::Words;

/// Part of S02.
pub static SCREEN: Screen = Screen {
    id: "S02-F",
    name: "findings",
    nav: None,
    who: STAFF,
    open: Open::SignedIn,
    routes: &[Route {
        method: "GET",
        path: "/findings",
        handler: || get(show),
    }],
};

/// Most findings on the page; the command line lists them all.
const MOST: usize = 500;

async fn show(visit: Visit) -> Result<Response, Fault> {
    let w = visit.w();
    let index = visit.signed()?.session.index();
    let mut sorted: Vec<&Finding> = index.findings().iter().collect();
    sorted.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let rest = sorted.len().saturating_sub(MOST);
    visit.show(&FindingsPage {
        page: visit.page(&w["findings-title"], SCRIPTS),
        summary: w.with("findings-summary", &[("n", sorted.len().into())]),
        findings: sorted.into_iter().take(MOST).map(|finding| line(w, finding)).collect(),
        rest: (rest > 0).then(|| w.with("findings-rest", &[("n", rest.into())])),
    })
}

struct Line {
    mark: &'static str,
    severity: String,
    message: String,
    place: String,
}

fn line(w: &Words, finding: &Finding) -> Line {
    let (mark, severity) = match finding.severity {
        Severity::Severe => ("■", &w["severity-severe"]),
        Severity::Warning => ("◆", &w["severity-warning"]),
        Severity::Note => ("○", &w["severity-note"]),
    };
    let mut place: Vec<String> = Vec::new();
    if !finding.file.is_empty() {
        place.push(finding.file.clone());
    }
    if finding.line > 0 {
        place.push(w.with("findings-line", &[("n", finding.line.into())]));
    }
    if !finding.field.is_empty() {
        place.push(finding.field.clone());
    }
    if !finding.patient.is_empty() {
        place.push(w.with("findings-patient", &[("id", (&finding.patient).into())]));
    }
    place.push(finding.code.clone());
    Line {
        mark,
        severity: severity.to_owned(),
        message: finding.message.clone(),
        place: place.join("　"),
    }
}

#[derive(Template)]
#[template(path = "screens/findings.html")]
struct FindingsPage<'a> {
    page: Page<'a>,
    summary: String,
    findings: Vec<Line>,
    rest: Option<String>,
}
