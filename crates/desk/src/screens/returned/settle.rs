//! What a person decides about sheets that no code settles: those that were not used, those that were written on blank, and the
//! cover of a department's batch.
//!
//! A blank sheet is filed in two steps: the number first, then, beside the paper, the tick that the person named on the screen is the
//! person named on the paper.

use axum::Form;
use axum::response::{IntoResponse, Redirect, Response};
use chart::entry::SheetNamed;
use chart::{Act, EntryId, FormId, PatientId, Subject, TemporaryId};
use downtime::audit::Deed;
use downtime::papers::{cover_lines, cover_sheet};
use downtime::scans::Issued;
use serde::Deserialize;

use super::{Paper, Said, page};
use crate::fault::Fault;
use crate::paper::{After, Order, issue};
use crate::people::People;
use crate::reason::reason;
use crate::session::SignedIn;
use crate::visit::Visit;
use crate::who::Who;

/// Most sheets made void at once.
const MAX_VOID: usize = 500;

/// What was ticked: every `sheet` is `number/patient`, and the reason.
type Typed = Vec<(String, String)>;

/// `number/patient`, as a tick says which of a number's sheets is meant.
pub(super) fn tick(sheet: &Issued) -> String {
    format!("{}/{}", sheet.form_id, sheet.subject.number())
}

/// 使用せず for every sheet that was ticked, each an entry of its own.
pub(super) async fn void(visit: Visit, Form(typed): Form<Typed>) -> Result<Response, Fault> {
    let w = visit.w();
    let signed = visit.signed()?.clone();
    let _turn = visit.site.turn("returned").await;
    let reason = reason(
        typed
            .iter()
            .find(|(name, _)| name == "reason")
            .map_or("", |(_, text)| text),
    );
    let refuse = |key: &str| page(&visit, Said::wrong(w[key].to_owned()));
    let Some(paper) = Paper::open(&visit)? else {
        return refuse("returned-no-key");
    };
    let ticked: Vec<&str> = typed
        .iter()
        .filter(|(name, _)| name == "sheet")
        .map(|(_, text)| text.as_str())
        .take(MAX_VOID)
        .collect();
    let open = paper.balance.missing.iter().chain(&paper.balance.unnamed);
    let sheets: Vec<&Issued> = open.filter(|sheet| ticked.contains(&tick(sheet).as_str())).collect();
    if sheets.is_empty() {
        return refuse("returned-void-none");
    }
    if reason.is_empty() {
        return refuse("returned-void-reason");
    }
    for sheet in &sheets {
        let act = Act::SheetVoided {
            form_id: sheet.form_id.clone(),
            reason: reason.clone(),
        };
        let kept = signed.session.record(sheet.subject.clone(), act).await;
        kept.map_err(|fault| Fault::NotSaved(fault.to_string()))?;
    }
    Ok(Redirect::to(&format!("/returned?voided={}", sheets.len())).into_response())
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Naming {
    /// 帳票番号 of the blank sheet.
    number: String,
    /// The patient's or temporary number as written on the paper.
    patient: String,
    /// The person compared what the screen shows with the paper.
    seen: String,
}

/// Whom the page shows for a blank sheet, before the tick.
pub(super) struct Proposed {
    pub number: String,
    pub patient: String,
    pub who: String,
}

/// Whose a blank sheet is.
pub(super) async fn name(visit: Visit, Form(form): Form<Naming>) -> Result<Response, Fault> {
    let w = visit.w();
    let signed = visit.signed()?.clone();
    let _turn = visit.site.turn("returned").await;
    let refuse = |key: &str| page(&visit, Said::wrong(w[key].to_owned()));
    let (paper, number) = match asked_about(&visit, &form.number)? {
        Ok(found) => found,
        Err(key) => return refuse(key),
    };
    let Some(sheet) = paper.balance.unnamed.iter().find(|sheet| sheet.form_id == number) else {
        return refuse("returned-name-gone");
    };
    let found = {
        let (index, day) = (signed.session.index(), signed.session.day());
        subject(&form.patient)
            .and_then(|subject| Who::of(&visit, &index, &day, &subject))
            .and_then(|who| Some((People::new(&visit, &index, &day).identified(&who)?, who)))
    };
    let Some((words, who)) = found else {
        return refuse("returned-name-unknown");
    };
    if form.seen.is_empty() {
        let proposed = Proposed {
            number: number.to_string(),
            patient: who.subject.number().to_owned(),
            who: words,
        };
        return page(&visit, Said::propose(proposed));
    }
    let mut sighting = signed.session.sighting(Deed::Filed);
    sighting.subject = who.subject.clone();
    sighting.detail = format!("{} {number}", sheet.form);
    let witnessed = signed.session.witness(sighting).await;
    witnessed.map_err(|fault| Fault::NotAudited(fault.to_string()))?;
    keep_name(&visit, &signed, sheet, who.subject, Vec::new(), String::new()).await?;
    Ok(Redirect::to(&format!("/returned?named={number}")).into_response())
}

/// The papers, and the number that somebody typed; else the key of what is in the way.
pub(super) fn asked_about(visit: &Visit, number: &str) -> Result<Result<(Paper, FormId), &'static str>, Fault> {
    let Some(paper) = Paper::open(visit)? else {
        return Ok(Err("returned-no-key"));
    };
    Ok(FormId::parse(number)
        .map(|number| (paper, number))
        .ok_or("returned-number"))
}

/// Makes durable whose a blank sheet is: the first word (`replaces` nothing) and every later one alike.
pub(super) async fn keep_name(
    visit: &Visit,
    signed: &SignedIn,
    sheet: &Issued,
    subject: Subject,
    replaces: Vec<EntryId>,
    reason: String,
) -> Result<(), Fault> {
    let act = Act::SheetNamed(Box::new(SheetNamed {
        form_id: sheet.form_id.clone(),
        form: sheet.form.clone(),
        at: visit.state.now,
        by: signed.session.author().user.clone(),
        replaces,
        reason,
    }));
    let kept = signed.session.record(subject, act).await;
    kept.map(drop).map_err(|fault| Fault::NotSaved(fault.to_string()))
}

pub(super) fn subject(typed: &str) -> Option<Subject> {
    let temporary = TemporaryId::parse(typed).map(Subject::Temporary);
    temporary.or_else(|| PatientId::parse(typed).map(Subject::Patient))
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Wanted {
    department: String,
}

/// F23 for everything a department was given.
pub(super) async fn cover(visit: Visit, Form(form): Form<Wanted>) -> Result<Response, Fault> {
    let w = visit.w();
    let signed = visit.signed()?.clone();
    let Some(paper) = Paper::open(&visit)? else {
        return page(&visit, Said::wrong(w["returned-no-key"].to_owned()));
    };
    let lines = cover_lines(&form.department, &paper.register, &paper.balance);
    if lines.is_empty() {
        return page(&visit, Said::wrong(w["returned-cover-none"].to_owned()));
    }
    let order = Order {
        subject: Subject::Hospital,
        number: None,
        reissue: false,
    };
    let named: Vec<Option<String>> = {
        let (index, day) = (signed.session.index(), signed.session.day());
        let people = People::new(&visit, &index, &day);
        let of = |sheet: &Issued| paper.balance.named.iter().find(|(named, _)| named == sheet);
        lines
            .iter()
            .map(|line| {
                let subject = of(line.sheet).map_or(&line.sheet.subject, |(_, subject)| subject);
                let who = Who::of(&visit, &index, &day, subject);
                let named = who.and_then(|who| people.named(&who));
                named.map(|(name, id)| format!("{name} {id}"))
            })
            .collect()
    };
    let whose = |sheet: &Issued| {
        let at = lines.iter().position(|line| line.sheet == sheet)?;
        named.get(at).cloned().flatten()
    };
    let sender = signed.session.author().name.clone();
    let sheet = issue(&visit, &signed, order, |issue| {
        Some(cover_sheet(&form.department, &lines, &whose, &sender, issue))
    })
    .await?;
    Ok(After::redirect("/returned", None, &[Ok(sheet)]))
}
