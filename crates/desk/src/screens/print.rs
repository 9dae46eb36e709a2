//! Paper from every screen: the buttons that issue a sheet, and the address from which the browser fetches its PDF.
//!
//! Issuing is a POST because it uses a number and is recorded; fetching the same sheet again changes nothing.

use axum::Form;
use axum::extract::Path;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use chart::{Act, EntryId, Subject};
use serde::Deserialize;

use super::{Open, Route, STAFF, Screen, next, reception, temporary};
use crate::fault::Fault;
use crate::gate::SHEET_POLICY;
use crate::paper::{After, Order, issue};
use crate::visit::Visit;
use crate::who::Who;

/// Issuing sheets, and the sheets of this session; what becomes of those that were sent to a printer is S90.
pub static SCREEN: Screen = Screen {
    id: "S90p",
    name: "print",
    nav: None,
    who: STAFF,
    open: Open::Downtime,
    routes: &[
        Route {
            method: "POST",
            path: "/print/slip",
            handler: || post(slip),
        },
        Route {
            method: "POST",
            path: "/print/chart",
            handler: || post(chart),
        },
        Route {
            method: "POST",
            path: "/print/more",
            handler: || post(more),
        },
        Route {
            method: "POST",
            path: "/print/labels",
            handler: || post(labels),
        },
        Route {
            method: "POST",
            path: "/print/next",
            handler: || post(next_slip),
        },
        Route {
            method: "POST",
            path: "/print/temporary",
            handler: || post(temporary_sheet),
        },
        Route {
            method: "POST",
            path: "/print/list",
            handler: || post(list),
        },
        Route {
            method: "GET",
            path: "/print/{sheet}",
            handler: || get(fetch),
        },
    ],
};

pub(super) async fn fetch(visit: Visit, Path(sheet): Path<String>) -> Result<Response, Fault> {
    let kept = visit.signed()?.sheet(&sheet).ok_or(Fault::Stale)?;
    let form = &kept.form;
    let mut response = kept.pdf.as_ref().clone().into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/pdf"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(SHEET_POLICY));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"));
    // The name a browser offers for saving says nothing about the patient.
    if let Ok(name) = HeaderValue::from_str(&format!("inline; filename=\"{form}.pdf\"")) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

#[derive(Deserialize)]
struct EntryForm {
    entry: String,
    #[serde(default)]
    back: String,
}

#[derive(Deserialize)]
struct WhoForm {
    who: String,
    #[serde(default)]
    back: String,
}

/// Where the page goes on afterwards: only to our own screens, named by a word.
pub(super) fn back(word: &str, who: &Who) -> String {
    match word {
        "reception" => format!("/reception/{}", who.handle),
        "chart" => format!("/p/{}", who.handle),
        "menu" => format!("/p/{}/print", who.handle),
        _ => "/patients".to_owned(),
    }
}

async fn slip(visit: Visit, Form(form): Form<EntryForm>) -> Result<Response, Fault> {
    let (who, entry) = about(&visit, &form.entry)?;
    let sheet = reception::check_in::slip(&visit, &who, entry, true).await?;
    Ok(After::redirect(&back(&form.back, &who), None, &[Ok(sheet)]))
}

async fn chart(visit: Visit, Form(form): Form<WhoForm>) -> Result<Response, Fault> {
    let who = {
        let signed = visit.signed()?;
        Who::read(&visit, &signed.session.index(), &signed.session.day(), &form.who)?
    };
    let sheet = reception::check_in::chart_sheet(&visit, &who).await?;
    Ok(After::redirect(&back(&form.back, &who), None, &[Ok(sheet)]))
}

/// F03: an empty page more, each with a number of its own.
async fn more(visit: Visit, Form(form): Form<WhoForm>) -> Result<Response, Fault> {
    let (who, view) = super::chart::open(&visit, &form.who).await?;
    let order = Order {
        subject: who.subject.clone(),
        number: None,
        reissue: false,
    };
    let sheet = issue(&visit, visit.signed()?, order, |issue| {
        Some(downtime::forms::continuation_sheet(&view, issue))
    })
    .await?;
    Ok(After::redirect(&back(&form.back, &who), None, &[Ok(sheet)]))
}

#[derive(Deserialize)]
struct LabelForm {
    who: String,
    /// How many, 1 to 12.
    labels: String,
    #[serde(default)]
    wristband: String,
}

/// F15 for one patient.
async fn labels(visit: Visit, Form(form): Form<LabelForm>) -> Result<Response, Fault> {
    let who = {
        let signed = visit.signed()?;
        Who::read(&visit, &signed.session.index(), &signed.session.day(), &form.who)?
    };
    let count = label_count(&form.labels)
        .filter(|n| *n > 0)
        .ok_or(Fault::Input("labels"))?;
    let sheet = label_sheet(&visit, &who, count, !form.wristband.is_empty()).await?;
    Ok(After::redirect(&back("menu", &who), None, &[Ok(sheet)]))
}

/// How many labels, as typed: 0 to 12.
pub(super) fn label_count(text: &str) -> Option<u8> {
    let count = ::chart::id::half_width_text(text).trim().parse().ok();
    count.filter(|n| *n <= downtime::forms::MAX_LABELS)
}

/// F15 for one patient.
pub(super) async fn label_sheet(visit: &Visit, who: &Who, labels: u8, wristband: bool) -> Result<String, Fault> {
    let signed = visit.signed()?;
    let view = super::chart::look(visit, who).await?;
    let order = Order {
        subject: who.subject.clone(),
        number: None,
        reissue: false,
    };
    issue(visit, signed, order, |issue| {
        Some(downtime::forms::label_sheet(&view, labels, wristband, issue))
    })
    .await
}

async fn next_slip(visit: Visit, Form(form): Form<EntryForm>) -> Result<Response, Fault> {
    let (who, entry) = about(&visit, &form.entry)?;
    let sheet = next::slip(&visit, &who, entry, true).await?;
    Ok(After::redirect(&back(&form.back, &who), None, &[Ok(sheet)]))
}

async fn temporary_sheet(visit: Visit, Form(form): Form<EntryForm>) -> Result<Response, Fault> {
    let (who, entry) = about(&visit, &form.entry)?;
    let sheet = temporary::sheet(&visit, &who, entry, true).await?;
    Ok(After::redirect(&back(&form.back, &who), None, &[Ok(sheet)]))
}

/// The entry a sheet belongs to, and its patient.
fn about(visit: &Visit, entry: &str) -> Result<(Who, EntryId), Fault> {
    let signed = visit.signed()?;
    let id = EntryId::parse(entry).ok_or(Fault::Stale)?;
    let day = signed.session.day();
    let recorded = day.get(&id).ok_or(Fault::Stale)?;
    let who = Who::of_entry(visit, &signed.session.index(), &day, &recorded).ok_or(Fault::Stale)?;
    Ok((who, id))
}

#[derive(Deserialize)]
struct ListForm {
    #[serde(default)]
    department: String,
    day: String,
    #[serde(default)]
    show: String,
}

/// The list as it was shown before it was printed.
fn back_to_list(form: &ListForm) -> String {
    let department = super::lists::encode(&form.department);
    let show = super::lists::encode(&form.show);
    format!("/patients?show={show}&department={department}")
}

/// F13 for one department and day.
async fn list(visit: Visit, Form(form): Form<ListForm>) -> Result<Response, Fault> {
    let signed = visit.signed()?.clone();
    let on = ::chart::date::parse(&form.day).map_err(|_| Fault::Input("day"))?;
    let index = signed.session.index();
    let order = Order {
        subject: Subject::Hospital,
        number: None,
        reissue: false,
    };
    let back = back_to_list(&form);
    let numbers = signed.clone();
    let now = visit.state.now;
    let about = visit.clone();
    let sheet = issue(&visit, &signed, order, move |issue| {
        let day = numbers.session.day();
        let slots = index.slots_on(on);
        let wanted = slots
            .iter()
            .filter(|slot| form.department.is_empty() || index.department(slot).code == form.department);
        let memos: Vec<_> = wanted
            .map(|slot| {
                let id = index.row(slot.row).and_then(|row| row.id());
                let number = id.and_then(|id| {
                    let subject = Subject::Patient(id);
                    let last = day.receptions_on(&subject, now).next_back();
                    last.map(|(_, check_in)| check_in.number)
                });
                (slot, number.unwrap_or_default())
            })
            .collect();
        let rows: Vec<_> = memos
            .iter()
            .map(|(slot, memo)| downtime::forms::ListRow { slot, memo })
            .collect();
        let name = index
            .departments()
            .iter()
            .find(|d| d.code == form.department && !form.department.is_empty())
            .map_or("全科", |d| d.label());
        let booked: Vec<_> = crate::booked::on(&about, &index, &day, on, &form.department)
            .iter()
            .map(|booked| booked.paper(&about, &index, &day))
            .collect();
        (!rows.is_empty() || !booked.is_empty()).then(|| {
            let mut sheet = downtime::forms::department_list_with(&index, name, on, &rows, &booked, issue);
            // Whoever keeps the list is a witness of this station's audit log.
            sheet.body["checkpoint"] = numbers.session.station().checkpoint_qr().into();
            sheet
        })
    })
    .await?;
    Ok(After::redirect(&back, None, &[Ok(sheet)]))
}

/// True when this form was printed for this entry's patient today.
pub(super) fn was_printed(visit: &Visit, who: &Who, form_code: &str) -> bool {
    visit.signed.as_ref().is_some_and(|signed| {
        let day = signed.session.day();
        let today = visit.state.now.day_number();
        day.about(&who.subject)
            .filter(|r| r.entry.written_at.day_number() == today)
            .any(|r| matches!(&r.entry.act, Act::Printed { form, .. } if form == form_code))
    })
}
