//! S14 処方: the last prescription line by line to be ticked, and lines of one's own. Printing is issuing.
//!
//! No interaction, duplicate or dose check is made here, and the page says so. The allergies stand above and must be acknowledged.
//! Deliberately absent: a drug master. What is typed is printed as it was typed; the pharmacy asks where it must.

use std::collections::HashSet;

use askama::Template;
use axum::Form;
use axum::extract::{Path, Query};
use axum::response::Response;
use axum::routing::{get, post};
use chart::dose::Quantity;
use chart::entry::Prescribed;
use chart::medication::{PrescriptionItem, Route as Way};
use chart::rx::{self, Control, Dose, Drug, GivenOut, OralUse, Rp, Rx, Substitution, Timing, Usage};
use chart::{Act, Coded, EntryId};
use downtime::identity::Role;
use downtime::view::View;

use super::chart::{cannot_open, look, open};
use super::{Open, Route, Screen};
use crate::fault::Fault;
use crate::layout::{Banner, Done, Page};
use crate::panels;
use crate::paper::{After, Order, issue};
use crate::reason::Why;
use crate::rx_symbols;
use crate::visit::Visit;
use crate::who::Who;

mod insurance;

/// S14.
pub static SCREEN: Screen = Screen {
    id: "S14",
    name: "rx",
    nav: None,
    who: &[Role::Physician],
    open: Open::Downtime,
    routes: &[
        Route {
            method: "GET",
            path: "/p/{who}/rx",
            handler: || get(show).post(prescribe),
        },
        Route {
            method: "POST",
            path: "/p/{who}/rx/{entry}/void",
            handler: || post(void),
        },
        Route {
            method: "POST",
            path: "/p/{who}/rx/{entry}/again",
            handler: || post(print_again),
        },
    ],
};

const SCRIPTS: &[&str] = &["modebar.js", "scan.js", "keys.js", "fade.js", "print.js"];

/// Lines of one's own on the page.
const OWN: usize = 4;
/// Fields of one own line, in the order of the page.
const FIELDS: [&str; 6] = ["kind", "name", "amount", "unit", "usage", "supply"];

/// What was sent, field by field; names come again for every line.
type Typed = Vec<(String, String)>;

async fn show(visit: Visit, Path(who): Path<String>, Query(after): Query<After>) -> Result<Response, Fault> {
    let (who, view) = open(&visit, &who).await?;
    let done = after.done(&visit, "");
    let problem = after.problem(&visit);
    page(&visit, &who, &view, &Vec::new(), done, problem.into_iter().collect())
}

/// Every line of the last prescriptions, in the order of the panel beside it.
fn former(view: &View) -> Vec<&PrescriptionItem> {
    let known = view.chart.as_ref().map(|c| &c.prescriptions);
    let items = known.into_iter().flat_map(|k| k.items()).flat_map(|p| &p.items);
    items.collect()
}

fn one<'t>(typed: &'t Typed, name: &str) -> &'t str {
    let found = typed.iter().find(|(n, _)| n == name);
    found.map_or("", |(_, text)| text.trim())
}

fn all<'t>(typed: &'t Typed, name: &str) -> Vec<&'t str> {
    let found = typed.iter().filter(|(n, _)| n == name);
    found.map(|(_, text)| text.trim()).collect()
}

/// The prescription as typed, or every sentence that says what is wrong.
fn read(visit: &Visit, view: &View, typed: &Typed) -> Result<Rx, Vec<String>> {
    let w = visit.w();
    let mut problems = Vec::new();
    let mut rps = Vec::new();
    let former = former(view);
    let ticked: HashSet<&str> = all(typed, "again").into_iter().collect();
    let kept: HashSet<&str> = all(typed, "keep").into_iter().collect();
    for (n, item) in former.iter().enumerate() {
        let key = n.to_string();
        if !ticked.contains(key.as_str()) {
            continue;
        }
        let supply = number(one(typed, &format!("supply-{n}")));
        let name = item.drug.label();
        match (rx::again::again(item, supply.unwrap_or(0)), supply) {
            (Some(mut rp), Some(_)) => {
                for drug in &mut rp.drugs {
                    if item.tag.contains("麻薬") {
                        drug.control = Control::Narcotic;
                    }
                    if kept.contains(key.as_str()) {
                        drug.substitution = Substitution::NoGeneric;
                    }
                }
                rps.push(rp);
            }
            (Some(rp), None) if !needs_supply(&rp.usage) => rps.push(rp),
            (Some(_), None) => problems.push(w.with("rx-no-supply", &[("name", name.into())])),
            (None, _) => problems.push(w.with("rx-not-again", &[("name", name.into())])),
        }
    }
    for line in own_lines(typed).into_iter().filter(|line| !line.name.is_empty()) {
        match line.rp() {
            Some(rp) => rps.push(rp),
            None => problems.push(w.with("rx-wrong-line", &[("name", line.name.into())])),
        }
    }
    let insurance = insurance::chosen(visit, view, one(typed, "insurance")).unwrap_or_else(|problem| {
        problems.push(problem);
        rx::Insurance::default()
    });
    if one(typed, "allergy").is_empty() {
        problems.insert(0, w["rx-allergy-first"].to_owned());
    }
    let rx = Rx {
        given_out: if one(typed, "given") == "in" {
            GivenOut::InHouse
        } else {
            GivenOut::Outside
        },
        rps: gathered(rps),
        valid_days: rx::USUAL_VALID_DAYS,
        refill: one(typed, "refill").parse().ok(),
        leftovers: None,
        remarks: all(typed, "remark")
            .into_iter()
            .filter(|text| !text.is_empty())
            .map(|text| text.chars().take(rx::MAX_TEXT).collect())
            .collect(),
        insurance,
    };
    problems.extend(rx.check().iter().map(ToString::to_string));
    if problems.is_empty() { Ok(rx) } else { Err(problems) }
}

const fn needs_supply(usage: &Usage) -> bool {
    matches!(usage, Usage::Oral(_) | Usage::AsNeeded { .. })
}

fn number(text: &str) -> Option<u16> {
    chart::id::half_width_text(text).parse().ok().filter(|n| *n > 0)
}

/// Lines that follow each other and are taken in one way are one Rp.
fn gathered(rps: Vec<Rp>) -> Vec<Rp> {
    let mut out: Vec<Rp> = Vec::new();
    for rp in rps {
        match out.last_mut() {
            Some(last) if last.usage == rp.usage && matches!(rp.usage, Usage::Oral(_)) => last.drugs.extend(rp.drugs),
            _ => out.push(rp),
        }
    }
    out
}

/// A line that the physician types.
struct OwnLine<'t> {
    kind: &'t str,
    name: &'t str,
    amount: &'t str,
    unit: &'t str,
    usage: &'t str,
    supply: &'t str,
}

fn own_lines(typed: &Typed) -> Vec<OwnLine<'_>> {
    let columns = FIELDS.map(|name| all(typed, name));
    let at = |column: usize, n: usize| columns.get(column).and_then(|c| c.get(n)).copied().unwrap_or("");
    (0..OWN)
        .map(|n| OwnLine {
            kind: at(0, n),
            name: at(1, n),
            amount: at(2, n),
            unit: at(3, n),
            usage: at(4, n),
            supply: at(5, n),
        })
        .collect()
}

impl OwnLine<'_> {
    fn rp(&self) -> Option<Rp> {
        let quantity = Quantity::parse(self.amount, self.unit)?;
        let usage = self.usage.to_owned();
        let (dose, usage) = match self.kind {
            "external" => (
                Dose::Total(quantity),
                Usage::External {
                    site: String::new(),
                    how: usage,
                    per_day: 0,
                },
            ),
            "needed" => (
                Dose::PerUse(quantity),
                Usage::AsNeeded {
                    when: usage,
                    at_most: 0,
                    times: number(self.supply)?,
                },
            ),
            _ => (
                Dose::Each(quantity),
                Usage::Oral(OralUse {
                    timing: Timing::AsWritten(rx::again::times_said(&usage)?, usage),
                    rhythm: chart::medication::Rhythm::Daily,
                    days: number(self.supply)?,
                }),
            ),
        };
        Some(Rp::of(Drug::written(self.name, dose), usage))
    }
}

async fn prescribe(visit: Visit, Path(who): Path<String>, Form(typed): Form<Typed>) -> Result<Response, Fault> {
    let (who, view) = open(&visit, &who).await?;
    let signed = visit.signed()?.clone();
    let rx = match read(&visit, &view, &typed) {
        Ok(rx) => rx,
        Err(problems) => return page(&visit, &who, &view, &typed, None, problems),
    };
    let back = format!("/p/{}", who.handle);
    let once = one(&typed, "once").to_owned();
    let _turn = visit.site.turn(&once).await;
    if let Some(entry) = signed.done_once(&once) {
        return Ok(After::redirect(&back, Some(entry), &[]));
    }
    signed.session.may_write(&who.subject).await.map_err(cannot_open)?;
    let not_saved = |fault: String| Fault::NotSaved(fault);
    let sheet = signed
        .session
        .next_form_id()
        .map_err(|fault| not_saved(fault.to_string()))?;
    let prescribed = Prescribed {
        sheet,
        department: department(&view),
        rx,
    };
    let entry = signed
        .session
        .record(who.subject.clone(), Act::Prescribed(Box::new(prescribed)))
        .await
        .map_err(|fault| not_saved(fault.to_string()))?;
    signed.remember(&once, entry);
    let mut sheets = vec![paper(&visit, &who, entry, false).await];
    if !one(&typed, "notebook").is_empty() {
        sheets.push(super::notebook::issue_sheet(&visit, &who, look(&visit, &who).await?).await);
    }
    Ok(After::redirect(&back, Some(entry), &sheets))
}

/// Where the person was received, else where they are booked today.
pub(super) fn department(view: &View) -> Coded {
    let today = view.moment().day();
    let received = view.reception().map(|(_, c)| c.department.clone());
    let booked = || {
        let appointments = view.chart.iter().flat_map(|c| &c.appointments);
        appointments
            .filter(|a| a.on == today)
            .map(|a| a.department.clone())
            .next()
    };
    received.or_else(booked).unwrap_or_default()
}

/// F04 or F05 for one prescription.
async fn paper(visit: &Visit, who: &Who, entry: EntryId, reissue: bool) -> Result<String, Fault> {
    let signed = visit.signed()?;
    let view = look(visit, who).await?;
    let found = view.prescribed.iter().find(|(r, _)| r.id == entry);
    let (recorded, prescribed) = found.ok_or(Fault::Stale)?;
    let order = Order {
        subject: who.subject.clone(),
        number: Some(prescribed.sheet.clone()),
        reissue,
    };
    let institution = signed.session.station().institution().clone();
    // Told on the screen of the prescription; the paper says that there is none.
    let symbols = rx_symbols::drawn(&view, recorded, prescribed, &institution, visit.site.desk.symbols.rx);
    issue(visit, signed, order, |issue| {
        Some(downtime::forms::prescription_sheet(
            &view,
            recorded,
            prescribed,
            &institution,
            symbols.as_deref().ok(),
            issue,
        ))
    })
    .await
}

async fn print_again(visit: Visit, Path((who, entry)): Path<(String, String)>) -> Result<Response, Fault> {
    let (who, _) = open(&visit, &who).await?;
    let entry = EntryId::parse(&entry).ok_or(Fault::Stale)?;
    let sheet = paper(&visit, &who, entry, true).await?;
    Ok(After::redirect(&format!("/p/{}/rx", who.handle), None, &[Ok(sheet)]))
}

async fn void(
    visit: Visit,
    Path((who, entry)): Path<(String, String)>,
    Form(form): Form<Why>,
) -> Result<Response, Fault> {
    let (who, view) = open(&visit, &who).await?;
    let entry = EntryId::parse(&entry).ok_or(Fault::Stale)?;
    let reason = form.reason();
    let is_there = view.prescribed.iter().any(|(r, _)| r.id == entry);
    if reason.is_empty() || !is_there {
        let problem = visit.w()["rx-void-reason"].to_owned();
        return page(&visit, &who, &view, &Vec::new(), None, vec![problem]);
    }
    After::record(
        &visit,
        &who,
        Act::PrescriptionVoided { entry, reason },
        &format!("/p/{}/rx", who.handle),
    )
    .await
}

struct Former {
    n: usize,
    name: String,
    tag: String,
    how: String,
    supply: String,
    unit: String,
    ticked: bool,
    kept: bool,
    possible: bool,
}

struct Own {
    n: usize,
    kinds: Vec<(&'static str, String, bool)>,
    name: String,
    amount: String,
    unit: String,
    usage: String,
    supply: String,
}

struct Issued {
    words: String,
    unmarked: Option<String>,
    text: String,
    entry: String,
}

fn page(
    visit: &Visit,
    who: &Who,
    view: &View,
    typed: &Typed,
    done: Option<Done>,
    problems: Vec<String>,
) -> Result<Response, Fault> {
    let w = visit.w();
    let ticked = all(typed, "again");
    let kept = all(typed, "keep");
    let former = former(view).into_iter().enumerate().map(|(n, item)| {
        let key = n.to_string();
        let sent = one(typed, &format!("supply-{n}")).to_owned();
        let usual = item.days.or(item.times).map(|n| n.to_string()).unwrap_or_default();
        Former {
            n,
            name: item.drug.label().to_owned(),
            tag: item.tag.clone(),
            how: format!("{}　{}", item.dose_text(), item.usage_text()),
            supply: if sent.is_empty() { usual } else { sent },
            unit: match item.route {
                Way::Oral => w["rx-days"].to_owned(),
                Way::AsNeeded => w["rx-times"].to_owned(),
                _ => String::new(),
            },
            ticked: ticked.contains(&key.as_str()),
            kept: kept.contains(&key.as_str()),
            possible: rx::again::again(item, 1).is_some(),
        }
    });
    let own = own_lines(typed).into_iter().enumerate().map(|(n, line)| Own {
        n,
        kinds: [
            ("oral", &w["rx-oral"]),
            ("needed", &w["rx-needed"]),
            ("external", &w["rx-external"]),
        ]
        .map(|(value, word)| (value, word.to_owned(), value == line.kind))
        .to_vec(),
        name: line.name.to_owned(),
        amount: line.amount.to_owned(),
        unit: line.unit.to_owned(),
        usage: line.usage.to_owned(),
        supply: line.supply.to_owned(),
    });
    let institution = visit.site.station().institution();
    let issued = view.prescribed.iter().map(|(r, p)| Issued {
        unmarked: (p.rx.given_out == GivenOut::Outside)
            .then(|| rx_symbols::drawn(view, r, p, institution, visit.site.desk.symbols.rx).err())
            .flatten(),
        words: format!(
            "{} {}",
            crate::say::moment(w, r.entry.written_at, visit.state.now),
            panels::act_words(w, &r.entry.act)
        ),
        text: panels::rx_text(&p.rx),
        entry: r.id.hex(),
    });
    visit.show(&RxPage {
        page: visit.page(&w["rx-title"], SCRIPTS),
        banner: panels::banner(visit, view, true),
        issued: issued.collect(),
        notebooks: panels::notebook::all(visit, view),
        has_sheet: super::notebook::has_any(view),
        former: former.collect(),
        source: panels::drugs(visit, view),
        own: own.collect(),
        acknowledged: !one(typed, "allergy").is_empty(),
        insurance: {
            let sent = typed.iter().any(|(name, _)| name == "insurance");
            insurance::choice(visit, view, sent.then(|| one(typed, "insurance")))
        },
        inside: one(typed, "given") == "in",
        refill: one(typed, "refill"),
        remark: one(typed, "remark"),
        unnamed: visit.site.station().institution().code.is_empty(),
        who: &who.handle,
        once: visit.once()?,
        done,
        problem: (!problems.is_empty()).then(|| problems.join("\n")),
    })
}

#[derive(Template)]
#[template(path = "screens/rx.html")]
struct RxPage<'a> {
    page: Page<'a>,
    banner: Banner,
    issued: Vec<Issued>,
    notebooks: Vec<panels::notebook::Shown>,
    has_sheet: bool,
    former: Vec<Former>,
    source: panels::Drugs,
    own: Vec<Own>,
    acknowledged: bool,
    insurance: insurance::Choice,
    inside: bool,
    refill: &'a str,
    remark: &'a str,
    unnamed: bool,
    who: &'a str,
    once: String,
    done: Option<Done>,
    problem: Option<String>,
}
