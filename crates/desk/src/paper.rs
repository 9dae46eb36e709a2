//! From an act to a sheet: fill the form, make the PDF, write down that it was issued, keep it for the browser.
//!
//! The order matters. The PDF is made first, so that a form that cannot be printed uses no entry; the entry is durable
//! before the PDF can be fetched, so that no sheet leaves without being on record.

use std::sync::Arc;

use axum::response::{IntoResponse, Redirect, Response};
use chart::{Act, EntryId, FormId, Sheet, Subject};
use downtime::audit::Deed;
use downtime::forms::Issue;
use downtime::printing::Job;
use downtime::view::{Day, Recorded};
use serde::Deserialize;

use crate::fault::Fault;
use crate::layout::Done;
use crate::people::People;
use crate::say;
use crate::screens::printing;
use crate::session::{Kept, SignedIn, Way};
use crate::visit::Visit;
use crate::who::Who;

/// Seconds in which a check-in is taken back without a reason.
pub const UNDO_SECONDS: i64 = 10;
/// What a slow hand may add before the station refuses.
const UNDO_GRACE: i64 = 5;

/// A sheet to be issued.
pub struct Order {
    /// About whom; `Hospital` for lists.
    pub subject: Subject,
    /// Number of the sheet, if the visit already has one (受付票); a new one otherwise.
    pub number: Option<FormId>,
    /// Printed before.
    pub reissue: bool,
}

/// Issues one sheet and gives its handle.
///
/// # Errors
/// [`Fault::NotPrinted`] when the PDF cannot be made, [`Fault::NotSaved`] when the issue cannot be recorded.
pub async fn issue(
    visit: &Visit,
    signed: &Arc<SignedIn>,
    order: Order,
    fill: impl FnOnce(&Issue) -> Option<Sheet>,
) -> Result<String, Fault> {
    let number = match order.number {
        Some(number) => number,
        None => signed
            .session
            .next_form_id()
            .map_err(|fault| Fault::NotPrinted(fault.to_string()))?,
    };
    let issue = signed.session.issue(Some(number.clone()), order.reissue);
    let sheet = fill(&issue).ok_or(Fault::NotFound)?;
    let form = sheet.form.clone();
    let mut sighting = signed.session.sighting(Deed::Printed);
    sighting.subject = order.subject.clone();
    let rows = sheet
        .body
        .get("rows")
        .and_then(|rows| rows.as_array())
        .map_or(1, Vec::len);
    sighting.count = u32::try_from(rows).unwrap_or(u32::MAX);
    let print = Arc::clone(&visit.site.desk.print);
    let printed = tokio::task::spawn_blocking(move || print(&sheet))
        .await
        .map_err(|fault| Fault::NotPrinted(fault.to_string()))?
        .map_err(|fault| Fault::NotPrinted(fault.to_string()))?;
    let printer = printing::printer(visit, printed.paper);
    // One line for every sheet, with its pages and where they come out.
    let place = printer.as_deref().unwrap_or("ブラウザー");
    sighting.detail = format!("{form} {number} {}枚 {place}", printed.pages);
    let job = Job {
        form: form.clone(),
        number: number.to_string(),
        subject: order.subject.clone(),
        by: signed.session.author().clone(),
        at: visit.state.now,
        pages: u32::try_from(printed.pages).unwrap_or(u32::MAX),
        paper: printed.paper.word().to_owned(),
    };
    let witnessed = signed.session.witness(sighting).await;
    witnessed.map_err(|fault| Fault::NotAudited(fault.to_string()))?;
    let act = Act::Printed {
        form: form.clone(),
        form_id: number,
        reissue: order.reissue,
    };
    signed
        .session
        .record(order.subject, act)
        .await
        .map_err(|fault| Fault::NotSaved(fault.to_string()))?;
    let name = visit.once()?;
    let pdf = Arc::new(printed.pdf);
    let way = match printer {
        Some(printer) => printing::send(visit, job, &pdf, printer).await,
        None => Way::Browser,
    };
    signed.keep_sheet(name.clone(), Kept { form, pdf, way });
    Ok(name)
}

/// What a page was opened after: the entry just recorded and the sheets just issued.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct After {
    /// The entry, in hexadecimal digits.
    pub done: Option<String>,
    /// A sheet.
    pub s: Option<String>,
    /// Another.
    pub s2: Option<String>,
    /// The entry is safe, its sheet could not be made.
    pub unprinted: Option<String>,
}

impl After {
    /// An address that says what was done.
    #[must_use]
    pub fn address(path: &str, done: Option<EntryId>, sheets: &[Result<String, Fault>]) -> String {
        let mut parts: Vec<String> = done.iter().map(|entry| format!("done={}", entry.hex())).collect();
        for (sheet, name) in sheets.iter().zip(["s", "s2"]) {
            match sheet {
                Ok(handle) => parts.push(format!("{name}={handle}")),
                Err(_) => parts.push("unprinted=1".to_owned()),
            }
        }
        if parts.is_empty() {
            path.to_owned()
        } else {
            let joint = if path.contains('?') { '&' } else { '?' };
            format!("{path}{joint}{}", parts.join("&"))
        }
    }

    /// 303 to [`Self::address`].
    #[must_use]
    pub fn redirect(path: &str, done: Option<EntryId>, sheets: &[Result<String, Fault>]) -> Response {
        Redirect::to(&Self::address(path, done, sheets)).into_response()
    }

    /// Records an act about somebody and goes back to where it was done: taking something back, which prints nothing.
    ///
    /// # Errors
    /// [`Fault::NotSaved`]: nothing was done.
    pub async fn record(visit: &Visit, who: &Who, act: Act, back: &str) -> Result<Response, Fault> {
        let signed = visit.signed()?.clone();
        let done = signed.session.record(who.subject.clone(), act).await;
        let done = done.map_err(|fault| Fault::NotSaved(fault.to_string()))?;
        Ok(Self::redirect(back, Some(done), &[]))
    }

    /// The box that says so; `None` on a page opened without having done anything.
    #[must_use]
    pub fn done(&self, visit: &Visit, undo: &'static str) -> Option<Done> {
        let signed = visit.signed.as_ref()?;
        let (mut sheets, mut sent) = (Vec::new(), Vec::new());
        for handle in [&self.s, &self.s2].into_iter().flatten() {
            let Some(kept) = signed.sheet(handle) else { continue };
            match &kept.way {
                Way::Sent(_, printer) => {
                    let words = visit.w().with("print-sent", &[("printer", printer.into())]);
                    if !sent.contains(&words) {
                        sent.push(words);
                    }
                }
                Way::Browser | Way::NotSent(_) => {
                    sheets.push((sheet_words(visit, &kept.form), sheet_address(&kept.form, handle)));
                }
            }
        }
        let day = signed.session.day();
        let recorded = self
            .done
            .as_deref()
            .and_then(EntryId::parse)
            .and_then(|id| day.get(&id));
        let Some(recorded) = recorded else {
            let words = if sheets.is_empty() { "print-made" } else { "print-ready" };
            return (!sheets.is_empty() || !sent.is_empty()).then(|| Done {
                words: visit.w()[words].to_owned(),
                sheets,
                sent,
                undo: None,
                kept: None,
            });
        };
        let age = visit.state.now.0 - recorded.entry.written_at.0;
        let may_undo = matches!(recorded.entry.act, Act::CheckedIn(_))
            && !undo.is_empty()
            && age <= UNDO_SECONDS
            && !day.is_undone(&recorded.id);
        Some(Done {
            words: done_words(visit, &recorded.entry.act, &self.name(visit, &day, &recorded)),
            sheets,
            sent,
            undo: may_undo.then(|| (undo, recorded.id.hex())),
            kept: Some(crate::kept::level(visit, &day, &recorded)),
        })
    }

    /// Whom an entry is about.
    fn name(&self, visit: &Visit, day: &Day, recorded: &Recorded) -> String {
        let Some(signed) = &visit.signed else {
            return String::new();
        };
        let index = signed.session.index();
        let who = Who::of_entry(visit, &index, day, recorded);
        let named = who.and_then(|who| People::new(visit, &index, day).named(&who));
        named.map(|(name, _)| name).unwrap_or_default()
    }

    /// 「受付は終わっています。印刷だけができませんでした」, or why a sheet goes through the browser instead of to its printer.
    #[must_use]
    pub fn problem(&self, visit: &Visit) -> Option<String> {
        if self.unprinted.is_some() {
            return Some(visit.w()["print-failed-after"].to_owned());
        }
        let signed = visit.signed.as_ref()?;
        let kept = [&self.s, &self.s2].into_iter().flatten();
        kept.filter_map(|handle| signed.sheet(handle))
            .find_map(|kept| match kept.way {
                Way::NotSent(why) => Some(visit.w().get(why).unwrap_or(why).to_owned()),
                Way::Browser | Way::Sent(..) => None,
            })
    }
}

/// True while a check-in may be taken back without a reason.
#[must_use]
pub const fn may_undo_at_once(age_seconds: i64) -> bool {
    age_seconds <= UNDO_SECONDS + UNDO_GRACE
}

fn done_words(visit: &Visit, act: &Act, name: &str) -> String {
    let w = visit.w();
    match act {
        Act::CheckedIn(check_in) => w.with(
            "done-check-in",
            &[("number", (&check_in.number).into()), ("name", name.into())],
        ),
        Act::CheckInUndone { .. } => w["done-undone"].to_owned(),
        Act::NoteSigned(note) if note.on_paper => w["done-on-paper"].to_owned(),
        Act::NoteSigned(_) => w["done-note"].to_owned(),
        Act::NoteCorrected { .. } => w["done-correction"].to_owned(),
        Act::AppointmentProvisional(appointment) => {
            let on = say::day(w, appointment.on);
            let at = chart::visit::time_text(appointment.at);
            match appointment.at {
                Some(_) => w.with("done-appointment", &[("on", (&on).into()), ("at", (&at).into())]),
                None => w.with("done-appointment-later", &[("on", (&on).into())]),
            }
        }
        Act::AppointmentCancelled { .. } => w["done-cancelled"].to_owned(),
        Act::TemporaryRegistered(temporary) => w.with("done-temporary", &[("number", temporary.id.as_str().into())]),
        Act::Printed { .. } => w["print-ready"].to_owned(),
        Act::DowntimeDeclared(_) => w["done-declared"].to_owned(),
        Act::DowntimeEnded { .. } => w["done-ended"].to_owned(),
        Act::EnteredInEhr { .. } => w["done-entered"].to_owned(),
        Act::DowntimeConfirmed { .. } => w["done-confirmed"].to_owned(),
        Act::EnvelopeOpened(_) => w["done-envelope-opened"].to_owned(),
        Act::EnvelopeClosed { .. } => w["done-envelope-closed"].to_owned(),
        Act::UserDisabled { user, .. } => w.with("done-user-disabled", &[("user", user.into())]),
        Act::LinkProposed(_) => w["done-link-proposed"].to_owned(),
        Act::LinkConfirmed { .. } => w["done-link-confirmed"].to_owned(),
        Act::LinkUndone { .. } => w["done-link-undone"].to_owned(),
        Act::ConflictSettled { .. } => w["done-settled"].to_owned(),
        Act::Prescribed(p) => w.with("done-prescribed", &[("number", p.sheet.as_str().into())]),
        Act::PrescriptionVoided { .. } => w["done-voided"].to_owned(),
        Act::Ordered(o) => w.with("done-ordered", &[("number", o.sheet.as_str().into())]),
        Act::OrderVoided { .. } => w["done-order-voided"].to_owned(),
        Act::PaymentDeferred(p) => w.with(
            "done-payment",
            &[("number", p.sheet.as_str().into()), ("name", name.into())],
        ),
        Act::PaymentUndone { .. } => w["done-payment-undone"].to_owned(),
        Act::SheetVoided { form_id, .. } => w.with("done-sheet-voided", &[("number", form_id.as_str().into())]),
        Act::SheetsIssued(_) | Act::SheetReturned(_) | Act::SheetNamed(_) => say::of_paper(w, act),
        Act::NotebookRead(_) => w["done-notebook"].to_owned(),
        Act::NotebookDiscarded { .. } => w["done-notebook-discarded"].to_owned(),
    }
}

/// From where the browser fetches a sheet. What is about no patient is also fetched while the patient screens are closed.
fn sheet_address(form: &str, handle: &str) -> String {
    match form {
        "F29" => format!("/declare/paper/{handle}"),
        _ => format!("/print/{handle}"),
    }
}

fn sheet_words(visit: &Visit, form: &str) -> String {
    let w = visit.w();
    match form {
        "F01" => w["print-f01"].to_owned(),
        "F02" => w["print-f02"].to_owned(),
        "F03" => w["print-f03"].to_owned(),
        "F04" => w["print-f04"].to_owned(),
        "F05" => w["print-f05"].to_owned(),
        "F06" => w["print-f06"].to_owned(),
        "F07" => w["print-f07"].to_owned(),
        "F08" => w["print-f08"].to_owned(),
        "F09" => w["print-f09"].to_owned(),
        "F13" => w["print-f13"].to_owned(),
        "F14" => w["print-f14"].to_owned(),
        "F15" => w["print-f15"].to_owned(),
        "F16" => w["print-f16"].to_owned(),
        "F23" => w["print-f23"].to_owned(),
        "F29" => w["print-f29"].to_owned(),
        "F30" => w["print-f30"].to_owned(),
        other => {
            let own = visit.site.desk.own_forms.iter().find(|own| own.code == other);
            own.map_or_else(
                || w.with("print-other", &[("form", other.into())]),
                |own| w.with("print-own", &[("title", (&own.title).into())]),
            )
        }
    }
}
