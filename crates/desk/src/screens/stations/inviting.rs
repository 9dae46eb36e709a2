//! A code for a new terminal: what it will be, and the code itself, shown once.

use askama::Template;
use axum::Form;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use chart::StationCode;
use downtime::identity::enrolment::{MAX_CODE_MINUTES, NotDone, Wish};
use downtime::identity::ranges::Label;
use serde::Deserialize;

use super::{SCRIPTS, act, books, refused_status, text, why};
use crate::fault::Fault;
use crate::layout::Page;
use crate::say;
use crate::visit::Visit;

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Asked {
    kind: String,
    renew: String,
    code: String,
    wards: String,
    departments: String,
    address: String,
    letter: String,
    minutes: String,
    reason: String,
}

pub(super) async fn ask(visit: Visit, Query(form): Query<Asked>) -> Result<Response, Fault> {
    let books = books(&visit).await?;
    if !books.keeps {
        return Err(Fault::NotFound);
    }
    form_page(&visit, StatusCode::OK, &form, None)
}

pub(super) async fn invite(visit: Visit, Form(form): Form<Asked>) -> Result<Response, Fault> {
    let wish = match form.wish() {
        Ok(wish) => wish,
        Err(fault) => return form_page(&visit, refused_status(&fault), &form, Some(why(visit.w(), &fault))),
    };
    let which = wish.code.map(|code| code.to_string()).unwrap_or_default();
    let note = wish.note.clone();
    let issued = act(
        &visit,
        format!("登録コードを発行 {which}"),
        &note,
        move |office, by| {
            let issued = office.invite(&wish, by)?;
            let books = office.books()?;
            let invitation = books.ledger.find(&issued.id).cloned().ok_or(NotDone::Gone)?;
            Ok((issued.code, invitation))
        },
    )
    .await?;
    let (code, invitation) = match issued {
        Ok(issued) => issued,
        Err(fault) => return form_page(&visit, refused_status(&fault), &form, Some(why(visit.w(), &fault))),
    };
    let w = visit.w();
    let offer = &invitation.offer;
    let until = say::moment(w, invitation.expires, visit.state.now);
    visit.show(&CodePage {
        page: visit.page(&w["stations-code-title"], SCRIPTS),
        code: code.to_typed().to_string(),
        station: offer.code.to_string(),
        numbers: offer.block.to_string(),
        label: offer.label.to_string(),
        places: [offer.wards.join("・"), offer.departments.join("・")]
            .join(" ")
            .trim()
            .to_owned(),
        until: w.with("stations-code-until", &[("time", (&until).into())]),
    })
}

impl Asked {
    fn wish(&self) -> Result<Wish, NotDone> {
        let station = |typed: &str, what| {
            let typed = text(typed);
            if typed.is_empty() {
                return Ok(None);
            }
            StationCode::parse(&typed).map(Some).ok_or(NotDone::Wrong(what))
        };
        let renew = station(&self.renew, "renew")?;
        let label = text(&self.letter);
        let label = if label.is_empty() {
            None
        } else {
            Some(Label::parse(&label).ok_or(NotDone::Wrong("letter"))?)
        };
        let minutes = match text(&self.minutes).as_str() {
            "" => 0,
            typed => typed
                .parse()
                .ok()
                .filter(|m| *m <= MAX_CODE_MINUTES)
                .ok_or(NotDone::Wrong("minutes"))?,
        };
        let codes = |typed: &str| -> Vec<String> {
            let parts = typed.split([',', '、', ' ', '　']);
            parts.map(text).filter(|one| !one.is_empty()).collect()
        };
        let address = text(&self.address);
        Ok(Wish {
            code: renew.or(station(&self.code, "code")?),
            label,
            block: None,
            numbers: None,
            desk: self.kind == "desk",
            hub: self.kind == "hub",
            renews: renew.is_some(),
            wards: codes(&self.wards),
            departments: codes(&self.departments),
            address: (!address.is_empty()).then_some(address),
            note: text(&self.reason),
            minutes,
        })
    }
}

fn form_page(visit: &Visit, status: StatusCode, form: &Asked, problem: Option<String>) -> Result<Response, Fault> {
    let w = visit.w();
    let title = if form.renew.is_empty() {
        "stations-invite"
    } else {
        "stations-renew"
    };
    let kinds = [
        ("ward", "stations-kind-ward"),
        ("desk", "stations-kind-desk"),
        ("hub", "stations-kind-hub"),
    ];
    let chosen = |value: &str| form.kind == value || (form.kind.is_empty() && value == "ward");
    visit.show_as(
        status,
        &InvitePage {
            page: visit.page(&w[title], SCRIPTS),
            form,
            renew_say: w.with("stations-renew-say", &[("code", (&form.renew).into())]),
            kinds: kinds
                .iter()
                .map(|(value, key)| (*value, w[*key].to_owned(), chosen(value)))
                .collect(),
            problem,
        },
    )
}

#[derive(Template)]
#[template(path = "screens/stations_invite.html")]
struct InvitePage<'a> {
    page: Page<'a>,
    form: &'a Asked,
    renew_say: String,
    kinds: Vec<(&'static str, String, bool)>,
    problem: Option<String>,
}

#[derive(Template)]
#[template(path = "screens/stations_code.html")]
struct CodePage<'a> {
    page: Page<'a>,
    code: String,
    station: String,
    numbers: String,
    label: String,
    places: String,
    until: String,
}
