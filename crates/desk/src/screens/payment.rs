//! S32 会計待ち: who is here and not settled, a slip for payment on another day (F16), and whom to call when the EHR is back.
//!
//! No prices. What was done is ticked as far as the entries know it, and never ticked for anything else. Recording is printing.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::{Path, Query};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use chart::entry::{CareItem, MAX_PAYMENT_TEXT, MAX_SERVICES, PaymentDeferred, read_yen, yen};
use chart::{Act, Coded, EntryId};
use downtime::audit::Deed;
use downtime::forms::{PaymentRules, payment_sheet, services_of};
use downtime::identity::Role;
use downtime::view::{Recorded, View};
use jiff::ToSpan;
use jiff::civil::Date;
use serde::Deserialize;

use super::chart::{cannot_open, look, open};
use super::{Open, Route, Screen, scan};
use crate::fault::Fault;
use crate::layout::{Banner, Done, Page};
use crate::paper::{After, Order, issue};
use crate::people::People;
use crate::reason::Why;
use crate::visit::Visit;
use crate::who::Who;
use crate::{panels, say};

/// S32.
pub static SCREEN: Screen = Screen {
    id: "S32",
    name: "payment",
    nav: Some(("nav-payment", "M", "/payment")),
    who: &[Role::Accounting, Role::Reception, Role::BreakGlass],
    open: Open::Downtime,
    routes: &[
        Route {
            method: "GET",
            path: "/payment",
            handler: || get(list).post(find),
        },
        Route {
            method: "GET",
            path: "/p/{who}/payment",
            handler: || get(show).post(defer),
        },
        Route {
            method: "POST",
            path: "/p/{who}/payment/{entry}/undo",
            handler: || post(undo),
        },
        Route {
            method: "POST",
            path: "/p/{who}/payment/{entry}/again",
            handler: || post(again),
        },
    ],
};

/// Without the scanner's script: what it types goes into the one field that has the focus.
const SCRIPTS: &[&str] = &["modebar.js", "keys.js", "fade.js", "print.js"];

/// Most rows of either list on one page; how many there are is said above.
const MOST: usize = 500;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Code {
    code: String,
}

async fn list(visit: Visit, Query(after): Query<After>) -> Result<Response, Fault> {
    list_page(&visit, "", after.done(&visit, ""), after.problem(&visit))
}

/// A card, a slip or a number typed: to the person's slip.
async fn find(visit: Visit, Form(form): Form<Code>) -> Result<Response, Fault> {
    let code: String = form.code.trim().chars().take(40).collect();
    let found = {
        let session = &visit.signed()?.session;
        scan::find(&visit, &session.index(), &session.day(), &code)
    };
    match found {
        Some(who) => Ok(Redirect::to(&format!("/p/{}/payment", who.handle)).into_response()),
        None => {
            let problem = visit.w().with("payment-not-found", &[("code", code.as_str().into())]);
            list_page(&visit, &code, None, Some(problem))
        }
    }
}

struct Waiting {
    number: String,
    since: String,
    department: String,
    who: String,
    href: Option<String>,
}

struct Deferred {
    who: String,
    href: Option<String>,
    phone: String,
    deposit: String,
    until: String,
    at: String,
    state: String,
}

fn list_page(visit: &Visit, code: &str, done: Option<Done>, problem: Option<String>) -> Result<Response, Fault> {
    let w = visit.w();
    let now = visit.state.now;
    let session = &visit.signed()?.session;
    let (index, day) = (session.index(), session.day());
    let people = People::new(visit, &index, &day);
    let about = |recorded: &Arc<Recorded>| {
        let who = Who::of_entry(visit, &index, &day, recorded);
        let href = who.as_ref().map(|who| format!("/p/{}/payment", who.handle));
        let words = who.and_then(|who| people.identified(&who)).unwrap_or_else(|| {
            let id = recorded.entry.subject.shown();
            w.with("work-not-here", &[("id", (&id).into())])
        });
        (words, href)
    };
    let unsettled = day.unsettled(now);
    let waiting: Vec<Waiting> = unsettled
        .iter()
        .take(MOST)
        .map(|(recorded, check_in)| {
            let (who, href) = about(recorded);
            Waiting {
                number: check_in.number.clone(),
                since: say::moment(w, recorded.entry.written_at, now),
                department: check_in.department.label().to_owned(),
                who,
                href,
            }
        })
        .collect();
    let payments: Vec<_> = day.payments().collect();
    let sum = |of: &dyn Fn(&Recorded) -> bool| {
        let taken = payments.iter().filter(|(r, _)| of(r)).filter_map(|(_, p)| p.deposit);
        taken.fold((0_usize, 0_u64), |(n, sum), amount| (n + 1, sum + u64::from(amount)))
    };
    let (today_n, today_sum) = sum(&|r| r.entry.written_at.day_number() == now.day_number());
    let (all_n, all_sum) = sum(&|_| true);
    let sums = w.with(
        "payment-sums",
        &[
            ("today", today_n.into()),
            ("todaysum", (&yen(today_sum)).into()),
            ("all", all_n.into()),
            ("allsum", (&yen(all_sum)).into()),
        ],
    );
    let deferred: Vec<Deferred> = payments
        .iter()
        .rev()
        .take(MOST)
        .map(|(recorded, payment)| {
            let (who, href) = about(recorded);
            Deferred {
                who,
                href,
                phone: payment.phone.clone(),
                deposit: payment
                    .deposit
                    .map_or_else(|| w["payment-none-taken"].to_owned(), |amount| yen(amount.into())),
                until: payment.until.map(|on| say::day(w, on)).unwrap_or_default(),
                at: say::moment(w, recorded.entry.written_at, now),
                state: w[match day.entered_by(&recorded.id) {
                    Some(_) => "work-state-done",
                    None => "work-state-rest",
                }]
                .to_owned(),
            }
        })
        .collect();
    let (waits, put_off) = (unsettled.len().into(), payments.len().into());
    let counts = w.with("payment-counts", &[("waiting", waits), ("deferred", put_off)]);
    drop(day);
    session.glance(Deed::Listed, "会計待ち・後日精算", waiting.len() + deferred.len());
    visit.show(&ListPage {
        page: visit.page(&w["payment-title"], SCRIPTS),
        code,
        counts,
        waiting,
        sums,
        deferred,
        done,
        problem,
    })
}

/// What was sent, field by field; `service` comes once for every tick.
type Typed = Vec<(String, String)>;

fn one<'t>(typed: &'t Typed, name: &str) -> &'t str {
    let found = typed.iter().find(|(n, _)| n == name);
    found.map_or("", |(_, text)| text.trim())
}

fn short(typed: &Typed, name: &str) -> String {
    one(typed, name).chars().take(MAX_PAYMENT_TEXT).collect()
}

async fn show(visit: Visit, Path(who): Path<String>, Query(after): Query<After>) -> Result<Response, Fault> {
    let (who, view) = open(&visit, &who).await?;
    let done = after.done(&visit, "");
    let problem = after.problem(&visit);
    let rules = visit.site.station().payment_rules();
    let today = view.moment().day();
    let later = |days: u16| today.checked_add(i32::from(days).days()).unwrap_or(today);
    let phone = view.chart.as_ref().and_then(|c| c.patient.phones.first());
    let phone = phone.map(|p| p.number.clone());
    let phone = phone.or_else(|| view.temporary.as_ref().map(|t| t.phone.clone()));
    let mut typed: Typed = vec![
        ("phone".to_owned(), phone.unwrap_or_default()),
        ("from".to_owned(), chart::date::iso(later(rules.from_days))),
        ("until".to_owned(), chart::date::iso(later(rules.until_days))),
    ];
    if view.reception().is_some_and(|(_, c)| c.insurance_seen) {
        typed.push(("insurance".to_owned(), "1".to_owned()));
    }
    for service in services_of(&view, rules).into_iter().filter(|s| s.done) {
        typed.push(("service".to_owned(), service.name));
    }
    page(&visit, &who, &view, &typed, ("", done, problem))
}

/// Every line of the slip: those offered, in their order, then what was ticked on a page that offered more.
fn services(view: &View, rules: &PaymentRules, typed: &Typed) -> Vec<CareItem> {
    let ticked: Vec<&str> = typed
        .iter()
        .filter(|(name, text)| name == "service" && !text.trim().is_empty())
        .map(|(_, text)| text.as_str())
        .collect();
    let mut all: Vec<CareItem> = services_of(view, rules)
        .into_iter()
        .map(|s| CareItem {
            done: ticked.contains(&s.name.as_str()),
            name: s.name,
        })
        .collect();
    for name in ticked {
        if all.len() < MAX_SERVICES && !all.iter().any(|s| s.name == name) {
            all.push(CareItem {
                name: name.chars().take(MAX_PAYMENT_TEXT).collect(),
                done: true,
            });
        }
    }
    all
}

/// What was typed, or the field that is wrong and the words that say so. The number is drawn afterwards.
fn read(visit: &Visit, view: &View, typed: &Typed) -> Result<Slip, (&'static str, &'static str)> {
    let today = view.moment().day();
    let deposit = match one(typed, "deposit") {
        "" => None,
        text => Some(read_yen(text).ok_or(("deposit", "payment-wrong-deposit"))?),
    };
    let date = |name: &'static str| -> Result<Option<Date>, (&'static str, &'static str)> {
        match one(typed, name) {
            "" => Ok(None),
            text => chart::date::parse(text)
                .ok()
                .filter(|on| *on >= today)
                .map(Some)
                .ok_or((name, "payment-wrong-date")),
        }
    };
    let (from, until) = (date("from")?, date("until")?);
    if from.zip(until).is_some_and(|(from, until)| until < from) {
        return Err(("until", "payment-wrong-order"));
    }
    let services = services(view, visit.site.station().payment_rules(), typed);
    let other = short(typed, "other");
    if other.is_empty() && !services.iter().any(|s| s.done) {
        return Err(("other", "payment-nothing-done"));
    }
    Ok(Slip {
        services,
        other,
        deposit,
        payer: short(typed, "payer"),
        phone: one(typed, "phone").chars().take(40).collect(),
        from,
        until,
        insurance_seen: !one(typed, "insurance").is_empty(),
    })
}

/// A slip without its number and department: what was typed.
struct Slip {
    services: Vec<CareItem>,
    other: String,
    deposit: Option<u32>,
    payer: String,
    phone: String,
    from: Option<Date>,
    until: Option<Date>,
    insurance_seen: bool,
}

async fn defer(visit: Visit, Path(who): Path<String>, Form(typed): Form<Typed>) -> Result<Response, Fault> {
    let (who, view) = open(&visit, &who).await?;
    let signed = visit.signed()?.clone();
    let slip = match read(&visit, &view, &typed) {
        Ok(slip) => slip,
        Err((wrong, key)) => {
            let problem = visit.w().get(key).unwrap_or(key).to_owned();
            return page(&visit, &who, &view, &typed, (wrong, None, Some(problem)));
        }
    };
    let once = one(&typed, "once").to_owned();
    let _turn = visit.site.turn(&once).await;
    if let Some(entry) = signed.done_once(&once) {
        return Ok(After::redirect("/payment", Some(entry), &[]));
    }
    signed.session.may_write(&who.subject).await.map_err(cannot_open)?;
    let not_saved = |fault: String| Fault::NotSaved(fault);
    let sheet = signed.session.next_form_id();
    let payment = PaymentDeferred {
        sheet: sheet.map_err(|fault| not_saved(fault.to_string()))?,
        department: department(&view),
        services: slip.services,
        other: slip.other,
        deposit: slip.deposit,
        payer: slip.payer,
        phone: slip.phone,
        from: slip.from,
        until: slip.until,
        insurance_seen: slip.insurance_seen,
    };
    let act = Act::PaymentDeferred(Box::new(payment));
    let entry = signed.session.record(who.subject.clone(), act).await;
    let entry = entry.map_err(|fault| not_saved(fault.to_string()))?;
    signed.remember(&once, entry);
    let sheet = paper(&visit, &who, entry, false).await;
    Ok(After::redirect("/payment", Some(entry), &[sheet]))
}

/// Where the person was received, else where they are booked today, else where a temporary patient was sent.
fn department(view: &View) -> Coded {
    let today = view.moment().day();
    let received = view.reception().map(|(_, c)| c.department.clone());
    let appointments = view.chart.iter().flat_map(|c| &c.appointments);
    let booked = appointments.filter(|a| a.on == today).map(|a| a.department.clone());
    received
        .or_else(|| booked.into_iter().next())
        .or_else(|| view.temporary.as_ref().map(|t| t.department.clone()))
        .unwrap_or_default()
}

/// F16 for one payment put off.
async fn paper(visit: &Visit, who: &Who, entry: EntryId, reissue: bool) -> Result<String, Fault> {
    let signed = visit.signed()?;
    let view = look(visit, who).await?;
    let found = view.payments.iter().find(|(r, _)| r.id == entry);
    let (recorded, payment) = found.ok_or(Fault::Stale)?;
    let order = Order {
        subject: who.subject.clone(),
        number: Some(payment.sheet.clone()),
        reissue,
    };
    let rules = signed.session.station().payment_rules().clone();
    issue(visit, signed, order, |issue| {
        Some(payment_sheet(&view, recorded, payment, &rules, issue))
    })
    .await
}

async fn again(visit: Visit, Path((who, entry)): Path<(String, String)>) -> Result<Response, Fault> {
    let (who, _) = open(&visit, &who).await?;
    let entry = EntryId::parse(&entry).ok_or(Fault::Stale)?;
    let sheet = paper(&visit, &who, entry, true).await?;
    let back = format!("/p/{}/payment", who.handle);
    Ok(After::redirect(&back, None, &[Ok(sheet)]))
}

async fn undo(
    visit: Visit,
    Path((who, entry)): Path<(String, String)>,
    Form(form): Form<Why>,
) -> Result<Response, Fault> {
    let (who, view) = open(&visit, &who).await?;
    let entry = EntryId::parse(&entry).ok_or(Fault::Stale)?;
    let reason = form.reason();
    let stands = view.payments.iter().any(|(r, _)| r.id == entry);
    if reason.is_empty() || !stands {
        let problem = visit.w()["payment-undo-reason"].to_owned();
        return page(&visit, &who, &view, &Vec::new(), ("", None, Some(problem)));
    }
    After::record(
        &visit,
        &who,
        Act::PaymentUndone { entry, reason },
        &format!("/p/{}/payment", who.handle),
    )
    .await
}

struct Standing {
    words: String,
    text: String,
    entry: String,
}

/// The slip as typed, with the field that is wrong, what was done, and what is wrong.
fn page(
    visit: &Visit,
    who: &Who,
    view: &View,
    typed: &Typed,
    (wrong, done, problem): (&'static str, Option<Done>, Option<String>),
) -> Result<Response, Fault> {
    let w = visit.w();
    let rules = visit.site.station().payment_rules();
    let standing = view.payments.iter().map(|(recorded, payment)| Standing {
        words: format!(
            "{} {}",
            say::moment(w, recorded.entry.written_at, visit.state.now),
            panels::act_words(w, &recorded.entry.act)
        ),
        text: payment
            .done()
            .chain([payment.other.as_str()])
            .filter(|t| !t.is_empty())
            .collect::<Vec<_>>()
            .join("、"),
        entry: recorded.id.hex(),
    });
    let department = department(view);
    visit.show(&PaymentPage {
        page: visit.page(&w["payment-one"], SCRIPTS),
        banner: panels::banner(visit, view, false),
        standing: standing.collect(),
        services: services(view, rules, typed),
        department: department.label().to_owned(),
        received: view.reception().is_some(),
        other: one(typed, "other"),
        deposit: one(typed, "deposit"),
        payer: one(typed, "payer"),
        phone: one(typed, "phone"),
        from: one(typed, "from"),
        until: one(typed, "until"),
        insurance: !one(typed, "insurance").is_empty(),
        once: visit.once()?,
        who: &who.handle,
        wrong,
        done,
        problem,
    })
}

#[derive(Template)]
#[template(path = "screens/payment.html")]
struct ListPage<'a> {
    page: Page<'a>,
    code: &'a str,
    counts: String,
    waiting: Vec<Waiting>,
    sums: String,
    deferred: Vec<Deferred>,
    done: Option<Done>,
    problem: Option<String>,
}

#[derive(Template)]
#[template(path = "screens/payment_one.html")]
struct PaymentPage<'a> {
    page: Page<'a>,
    banner: Banner,
    standing: Vec<Standing>,
    services: Vec<CareItem>,
    department: String,
    received: bool,
    other: &'a str,
    deposit: &'a str,
    payer: &'a str,
    phone: &'a str,
    from: &'a str,
    until: &'a str,
    insurance: bool,
    once: String,
    who: &'a str,
    wrong: &'static str,
    done: Option<Done>,
    problem: Option<String>,
}
