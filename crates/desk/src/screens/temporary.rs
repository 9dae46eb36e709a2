//! S17 仮患者登録: somebody whom the snapshot does not hold gets a number that cannot collide, and is asked about allergies
//! at once.
//!
//! While typing, people who could be meant are listed, so that nobody is registered who is already known.

use askama::Template;
use axum::Form;
use axum::extract::Query;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use chart::allergy::AllergyKind;
use chart::entry::TemporaryPatient;
use chart::{Act, Allergy, EntryId, Known, Name, Sex, Subject};
use jiff::civil::Date;
use serde::Deserialize;

use super::chart::look;
use super::{CARE, Open, Route, Screen, print};
use crate::drafts;
use crate::fault::Fault;
use crate::layout::{Done, Page};
use crate::paper::{After, Order, issue};
use crate::people::People;
use crate::visit::Visit;
use crate::who::Who;

/// S17.
pub static SCREEN: Screen = Screen {
    id: "S17",
    name: "temporary",
    nav: Some(("nav-temporary", "4", "/temporary")),
    who: CARE,
    open: Open::Downtime,
    routes: &[
        Route {
            method: "GET",
            path: "/temporary",
            handler: || get(show).post(register),
        },
        Route {
            method: "POST",
            path: "/temporary/alike",
            handler: || post(alike),
        },
        Route {
            method: "POST",
            path: "/temporary/draft",
            handler: || post(draft),
        },
    ],
};

const SCRIPTS: &[&str] = &[
    "modebar.js",
    "scan.js",
    "keys.js",
    "live.js",
    "fade.js",
    "draft.js",
    "print.js",
];

/// Most people listed as possibly meant.
const ALIKE: usize = 5;
/// 来院理由 as recorded: value in the form, word in the entry.
const REASONS: [(&str, &str); 3] = [("first", "初診"), ("emergency", "救急"), ("unfound", "見つからない")];

#[derive(Deserialize, Default, Clone)]
#[serde(default)]
struct RegisterForm {
    kana: String,
    written: String,
    birth: String,
    estimated: String,
    sex: String,
    reason: String,
    phone: String,
    department: String,
    allergy: String,
    what: String,
    remarks: String,
    /// Labels to print, 0 to 12; nothing sent means none.
    labels: String,
    wristband: String,
    once: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Wanted {
    kept: String,
}

async fn show(visit: Visit, Query(after): Query<After>, Query(wanted): Query<Wanted>) -> Result<Response, Fault> {
    let done = after.done(&visit, "");
    let kept: Option<(RegisterForm, String)> = draft_kind().kept(&visit, &Subject::Hospital);
    match kept {
        Some((form, _)) if !wanted.kept.is_empty() => page(&visit, &form, "", done, after.problem(&visit)),
        // Never by itself: the next person at the desk is most likely somebody else.
        Some((form, at)) => {
            let name = [&form.kana, &form.written].into_iter().find(|text| !text.is_empty());
            let name = name.map_or("−", String::as_str);
            let words = [("time", (&at).into()), ("name", name.into())];
            let offer = Some(visit.w().with("temporary-kept", &words));
            offering(&visit, &fresh(), "", done, after.problem(&visit), offer)
        }
        None => page(&visit, &fresh(), "", done, after.problem(&visit)),
    }
}

/// An empty form: a whole sheet of labels and a wristband, unless the person at the desk says otherwise.
fn fresh() -> RegisterForm {
    RegisterForm {
        labels: downtime::forms::MAX_LABELS.to_string(),
        wristband: "1".to_owned(),
        ..RegisterForm::default()
    }
}

fn draft_kind() -> drafts::Kind {
    drafts::Kind {
        name: "temporary".to_owned(),
        fields: &[
            "kana",
            "written",
            "birth",
            "estimated",
            "sex",
            "reason",
            "phone",
            "department",
            "allergy",
            "what",
            "remarks",
            "labels",
            "wristband",
        ],
    }
}

async fn draft(visit: Visit, Form(typed): Form<Vec<(String, String)>>) -> Result<Response, Fault> {
    draft_kind().keep(&visit, Subject::Hospital, typed).await
}

/// People who could be meant, for the form that is being typed.
async fn alike(visit: Visit, headers: HeaderMap, Form(form): Form<RegisterForm>) -> Result<Response, Fault> {
    if !headers.contains_key("x-part") {
        return page(&visit, &form, "", None, None);
    }
    let alike = candidates(&visit, &form)?;
    visit.show(&AlikePart {
        alike_head: head(&visit, &alike),
        alike,
    })
}

async fn register(visit: Visit, Form(form): Form<RegisterForm>) -> Result<Response, Fault> {
    let signed = visit.signed()?.clone();
    let _turn = visit.site.turn(&form.once).await;
    if let Some(entry) = signed.done_once(&form.once) {
        return Ok(after_address(&visit, entry, &[]));
    }
    let mut patient = match read(&visit, &form) {
        Ok(patient) => patient,
        Err((wrong, key)) => {
            let problem = visit.w().get(key).unwrap_or(key).to_owned();
            return page(&visit, &form, wrong, None, Some(problem));
        }
    };
    let id = signed
        .session
        .next_temporary_id()
        .map_err(|fault| Fault::NotSaved(fault.to_string()))?;
    patient.id = id.clone();
    let subject = Subject::Temporary(id);
    let entry = signed
        .session
        .record(subject.clone(), Act::TemporaryRegistered(patient))
        .await
        .map_err(|fault| Fault::NotSaved(fault.to_string()))?;
    signed.remember(&form.once, entry);
    draft_kind().discard(&visit, &Subject::Hospital).await;
    let who = Who {
        subject,
        row: None,
        handle: entry.hex(),
    };
    let mut sheets = vec![sheet(&visit, &who, entry, false).await];
    let labels = print::label_count(&form.labels).unwrap_or(0);
    if labels > 0 || !form.wristband.is_empty() {
        sheets.push(print::label_sheet(&visit, &who, labels, !form.wristband.is_empty()).await);
    }
    Ok(after_address(&visit, entry, &sheets))
}

/// Reception goes on to receive the person; a physician opens the (empty) chart.
fn after_address(visit: &Visit, entry: EntryId, sheets: &[Result<String, Fault>]) -> Response {
    let path = visit.person_address(&entry.hex());
    Redirect::to(&After::address(&path, Some(entry), sheets)).into_response()
}

/// The patient as typed, or the field that is wrong and the words that say so. The number is drawn afterwards.
fn read(visit: &Visit, form: &RegisterForm) -> Result<TemporaryPatient, (&'static str, &'static str)> {
    let text = |text: &str, most: usize| -> String { text.trim().chars().take(most).collect() };
    let (kana, written) = (text(&form.kana, 60), text(&form.written, 60));
    if kana.is_empty() && written.is_empty() {
        return Err(("kana", "temporary-no-name"));
    }
    if !form.labels.trim().is_empty() && print::label_count(&form.labels).is_none() {
        return Err(("labels", "labels-wrong"));
    }
    let birth = birth(&form.birth, visit.state.now.day())?;
    let allergies = match form.allergy.as_str() {
        "known" => {
            let what = text(&form.what, 300);
            if what.is_empty() {
                return Err(("what", "temporary-no-what"));
            }
            Known::Present(vec![Allergy {
                kind: AllergyKind::Other,
                substance: what,
                ..Allergy::default()
            }])
        }
        "none" => Known::ConfirmedNone {
            on: Some(visit.state.now.day()),
        },
        "not_recorded" => Known::NotRecorded,
        _ => return Err(("allergy", "temporary-no-allergy")),
    };
    let department = visit
        .signed
        .as_ref()
        .and_then(|signed| {
            let index = signed.session.index();
            let chosen = index.departments().iter().find(|d| d.code == form.department);
            chosen.filter(|_| !form.department.is_empty()).cloned()
        })
        .unwrap_or_default();
    let placeholder = chart::TemporaryId::issue(visit.site.station().code(), 0).ok_or(("kana", "temporary-no-name"))?;
    Ok(TemporaryPatient {
        id: placeholder,
        name: Name::new(written, katakana(&kana)),
        birth,
        estimated_age: text(&form.estimated, 20),
        sex: Sex::from_hl7(&form.sex).unwrap_or(Sex::Unknown),
        phone: text(&form.phone, 20),
        reason: REASONS
            .iter()
            .find(|(value, _)| *value == form.reason)
            .map_or_else(String::new, |(_, word)| (*word).to_owned()),
        allergies,
        remarks: text(&form.remarks, 300),
        department,
    })
}

fn birth(text: &str, today: Date) -> Result<Option<Date>, (&'static str, &'static str)> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    match chart::date::parse(text) {
        Ok(birth) if birth <= today => Ok(Some(birth)),
        _ => Err(("birth", "temporary-wrong-birth")),
    }
}

/// Hiragana as katakana; everything else as typed.
fn katakana(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            'ぁ'..='ゖ' => char::from_u32(c as u32 + 0x60).unwrap_or(c),
            other => other,
        })
        .collect()
}

/// F14 for one registration.
pub(super) async fn sheet(visit: &Visit, who: &Who, entry: EntryId, reissue: bool) -> Result<String, Fault> {
    let signed = visit.signed()?;
    let view = look(visit, who).await?;
    let recorded = signed.session.day().get(&entry).ok_or(Fault::Stale)?;
    let order = Order {
        subject: who.subject.clone(),
        number: None,
        reissue: reissue && print::was_printed(visit, who, "F14"),
    };
    issue(visit, signed, order, |issue| {
        downtime::forms::temporary_sheet(&view, &recorded, issue)
    })
    .await
}

struct Candidate {
    href: String,
    words: String,
}

fn candidates(visit: &Visit, form: &RegisterForm) -> Result<Vec<Candidate>, Fault> {
    let signed = visit.signed()?;
    let index = signed.session.index();
    let day = signed.session.day();
    let people = People::new(visit, &index, &day);
    let mut found: Vec<Candidate> = Vec::new();
    for typed in [&form.kana, &form.written, &form.birth] {
        for card in people.search(typed, ALIKE).cards {
            let href = visit.person_address(&card.who);
            if found.len() < ALIKE && !found.iter().any(|c| c.href == href) {
                let words = format!(
                    "{}（{}）{}　{}　{}",
                    card.name, card.kana, card.birth_short, card.sex_short, card.id
                );
                found.push(Candidate { href, words });
            }
        }
    }
    Ok(found)
}

fn head(visit: &Visit, alike: &[Candidate]) -> String {
    visit.w().with("temporary-alike", &[("n", alike.len().into())])
}

type Choice = (&'static str, String, bool);

fn page(
    visit: &Visit,
    form: &RegisterForm,
    wrong: &'static str,
    done: Option<Done>,
    problem: Option<String>,
) -> Result<Response, Fault> {
    offering(visit, form, wrong, done, problem, None)
}

fn offering(
    visit: &Visit,
    form: &RegisterForm,
    wrong: &'static str,
    done: Option<Done>,
    problem: Option<String>,
    offer: Option<String>,
) -> Result<Response, Fault> {
    let w = visit.w();
    let choices = |list: &[(&'static str, &str)], chosen: &str| -> Vec<Choice> {
        list.iter()
            .map(|(value, word)| (*value, (*word).to_owned(), *value == chosen))
            .collect()
    };
    let index = visit.signed()?.session.index();
    let alike = candidates(visit, form)?;
    visit.show(&TemporaryPage {
        page: visit.page(&w["temporary-title"], SCRIPTS),
        sexes: choices(
            &[("M", &w["sex-m"]), ("F", &w["sex-f"]), ("U", &w["unknown"])],
            &form.sex,
        ),
        reasons: choices(
            &[
                ("first", &w["reason-first"]),
                ("emergency", &w["reason-emergency"]),
                ("unfound", &w["reason-unfound"]),
            ],
            &form.reason,
        ),
        allergies: choices(
            &[
                ("known", &w["ask-known"]),
                ("none", &w["ask-none"]),
                ("not_recorded", &w["ask-not-recorded"]),
            ],
            &form.allergy,
        ),
        departments: index
            .departments()
            .iter()
            .map(|d| (d.code.clone(), d.label().to_owned(), d.code == form.department))
            .collect(),
        alike_head: head(visit, &alike),
        alike,
        unknown_name: "氏名不明",
        unknown_age: "推定",
        next_number: format!("T{}", visit.site.station().code()),
        once: visit.once()?,
        offer,
        form,
        wrong,
        done,
        problem,
    })
}

#[derive(Template)]
#[template(path = "screens/temporary.html")]
struct TemporaryPage<'a> {
    page: Page<'a>,
    sexes: Vec<Choice>,
    reasons: Vec<Choice>,
    allergies: Vec<Choice>,
    departments: Vec<(String, String, bool)>,
    alike_head: String,
    alike: Vec<Candidate>,
    unknown_name: &'static str,
    unknown_age: &'static str,
    next_number: String,
    once: String,
    offer: Option<String>,
    form: &'a RegisterForm,
    wrong: &'static str,
    done: Option<Done>,
    problem: Option<String>,
}

#[derive(Template)]
#[template(path = "screens/temporary_alike.html")]
struct AlikePart {
    alike_head: String,
    alike: Vec<Candidate>,
}
