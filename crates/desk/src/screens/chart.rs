//! S12 カルテ閲覧: one screen, the whole patient, nothing editable.
//!
//! Panels scroll inside themselves, so the allergy bar never leaves the window. What was recorded since the stop stands in
//! its own panel with author and time, never mixed into what the EHR said.

use askama::Template;
use axum::extract::{Path, Query};
use axum::response::Response;
use axum::routing::get;
use downtime::shelf::OpenFault;
use downtime::view::View;

use super::{Open, READERS, Route, Screen};
use crate::fault::Fault;
use crate::layout::{self, Banner, Page};
use crate::panels::stay::StayPanel;
use crate::panels::{self, Drugs, Labs, Notes, Problems, Today};
use crate::paper::After;
use crate::visit::Visit;
use crate::who::Who;

/// S12.
pub static SCREEN: Screen = Screen {
    id: "S12",
    name: "chart",
    nav: None,
    who: READERS,
    open: Open::Downtime,
    routes: &[Route {
        method: "GET",
        path: "/p/{who}",
        handler: || get(show),
    }],
};

const SCRIPTS: &[&str] = &["modebar.js", "scan.js", "keys.js", "fade.js", "print.js"];

async fn show(visit: Visit, Path(who): Path<String>, Query(after): Query<After>) -> Result<Response, Fault> {
    let (who, view) = open(&visit, &who).await?;
    let done = after.done(&visit, "");
    visit.show(&ChartPage {
        page: visit.page(&visit.w()["chart-title"], SCRIPTS),
        banner: panels::banner(&visit, &view, true),
        stay: panels::stay::stay(
            &visit,
            &view,
            visit.role().is_some_and(|role| super::ward::POLICY.contains(&role)),
        ),
        drugs: panels::drugs(&visit, &view),
        notebooks: panels::notebook::all(&visit, &view),
        note: panels::notes(&visit, &view),
        problems: panels::problems(&visit, &view),
        labs: panels::labs(&visit, &view),
        today: panels::today(&visit, &view, &who.handle, true),
        can_write: true,
        can_prescribe: visit.role().is_some_and(|role| super::rx::SCREEN.who.contains(&role)),
        can_order: visit
            .role()
            .is_some_and(|role| super::orders::SCREEN.who.contains(&role)),
        who: &who.handle,
        done,
        problem: after.problem(&visit),
    })
}

/// Opens the patient an address names.
pub(super) async fn open(visit: &Visit, text: &str) -> Result<(Who, View), Fault> {
    let signed = visit.signed()?;
    let who = Who::read(visit, &signed.session.index(), &signed.session.day(), text)?;
    let view = look(visit, &who).await?;
    Ok((who, view))
}

/// Opens a patient who is known already.
pub(super) async fn look(visit: &Visit, who: &Who) -> Result<View, Fault> {
    visit.signed()?.session.look(&who.subject).await.map_err(cannot_open)
}

/// What keeps a chart closed.
pub(super) fn cannot_open(fault: OpenFault) -> Fault {
    match fault {
        OpenFault::NotAudited(why) => Fault::NotAudited(why),
        other => Fault::CannotOpen(other.to_string()),
    }
}

#[derive(Template)]
#[template(path = "screens/chart.html")]
struct ChartPage<'a> {
    page: Page<'a>,
    banner: Banner,
    stay: Option<StayPanel>,
    drugs: Drugs,
    notebooks: Vec<panels::notebook::Shown>,
    note: Notes,
    problems: Problems,
    labs: Labs,
    today: Today,
    can_write: bool,
    can_prescribe: bool,
    can_order: bool,
    who: &'a str,
    done: Option<layout::Done>,
    problem: Option<String>,
}
