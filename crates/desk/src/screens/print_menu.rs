//! S18 用紙を選んで印刷: the papers of one patient in one list, in Japanese alone or with a second language, the hospital's own forms among them.
//!
//! Whoever prints a chart or a form of the hospital's own opens the chart for it, and that stands in the audit log. A form the hospital
//! has added gets the whole patient as its body, a number, a code and a line in the audit log like every other.

use askama::Template;
use axum::Form;
use axum::extract::{Path, Query};
use axum::response::Response;
use axum::routing::{get, post};
use downtime::forms::{Visit as Visited, patient_sheet};
use serde::Deserialize;

use super::chart::{look, open};
use super::{CARE, Open, Route, Screen, print, reads_charts};
use crate::fault::Fault;
use crate::layout::{Banner, Done, Page};
use crate::panels;
use crate::paper::{After, Order, issue};
use crate::paper_language::{paper_language, paper_languages};
use crate::visit::Visit;
use crate::who::Who;

/// S18.
pub static SCREEN: Screen = Screen {
    id: "S18",
    name: "print-menu",
    nav: None,
    who: CARE,
    open: Open::Downtime,
    routes: &[
        Route {
            method: "GET",
            path: "/p/{who}/print",
            handler: || get(show),
        },
        Route {
            method: "POST",
            path: "/print/own",
            handler: || post(own),
        },
    ],
};

const SCRIPTS: &[&str] = &["modebar.js", "scan.js", "keys.js", "fade.js", "print.js"];

/// One line of the menu.
struct Choice {
    code: String,
    title: String,
    printed: bool,
}

async fn show(visit: Visit, Path(who): Path<String>, Query(after): Query<After>) -> Result<Response, Fault> {
    let (who, view) = open(&visit, &who).await?;
    let w = visit.w();
    let mut choices = Vec::new();
    let mut add = |code: &str, title: &str| {
        choices.push(Choice {
            code: code.to_owned(),
            title: title.to_owned(),
            printed: print::was_printed(&visit, &who, code),
        });
    };
    if view.reception().is_some() {
        add("F01", &w["print-menu-f01"]);
    }
    add("F02", &w["print-menu-f02"]);
    for form in &visit.site.desk.own_forms {
        add(&form.code, &form.title);
    }
    visit.show(&MenuPage {
        page: visit.page(&w["print-menu-title"], SCRIPTS),
        banner: panels::banner(&visit, &view, visit.role().is_some_and(reads_charts)),
        languages: paper_languages(&visit, view.language(), ""),
        choices,
        has_sheet: super::notebook::has_any(&view),
        back: visit.person_address(&who.handle),
        who: &who.handle,
        done: after.done(&visit, ""),
        problem: after.problem(&visit),
    })
}

#[derive(Deserialize)]
struct OwnForm {
    who: String,
    form: String,
    #[serde(default)]
    language: String,
}

/// One paper of the menu.
async fn own(visit: Visit, Form(form): Form<OwnForm>) -> Result<Response, Fault> {
    let who = {
        let signed = visit.signed()?;
        Who::read(&visit, &signed.session.index(), &signed.session.day(), &form.who)?
    };
    let own = visit.site.desk.own_forms.iter().find(|own| own.code == form.form);
    let code = match (form.form.as_str(), own) {
        ("F01", _) => "F01",
        ("F02", _) => "F02",
        (_, Some(own)) => own.code.as_str(),
        _ => return Err(Fault::Input("form")),
    };
    let view = look(&visit, &who).await?;
    let chosen = paper_language(&visit, &form.language);
    let reception = view
        .reception()
        .map(|(recorded, check_in)| (recorded.id, check_in.visit.clone()));
    let number = match code {
        // The slip keeps the number of the visit.
        "F01" => Some(reception.ok_or(Fault::Stale)?.1),
        _ => None,
    };
    let order = Order {
        subject: who.subject.clone(),
        number,
        reissue: print::was_printed(&visit, &who, code),
    };
    let sheet = issue(&visit, visit.signed()?, order, |issue| {
        let mut sheet = patient_sheet(code, &view, &Visited::today(issue.now), issue);
        if let Some(chosen) = chosen {
            sheet.second = chosen.0;
        }
        Some(sheet)
    })
    .await?;
    Ok(After::redirect(&print::back("menu", &who), None, &[Ok(sheet)]))
}

#[derive(Template)]
#[template(path = "screens/print_menu.html")]
struct MenuPage<'a> {
    page: Page<'a>,
    banner: Banner,
    languages: Vec<(String, String, bool)>,
    choices: Vec<Choice>,
    /// There is a prescription for F30.
    has_sheet: bool,
    back: String,
    who: &'a str,
    done: Option<Done>,
    problem: Option<String>,
}
