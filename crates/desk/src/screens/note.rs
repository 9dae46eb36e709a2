//! S13 記録: what the physician writes, kept every few seconds, signed once, corrected only by a new version with a reason.
//!
//! 「紙に書いた」 is a note too: it tells the work list to wait for the sheet.

use askama::Template;
use axum::Form;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::{get, post};
use chart::entry::SignedNote;
use chart::note::{Section, SectionKind};
use chart::{Act, Coded, EntryId, Subject};
use downtime::view::View;
use serde::Deserialize;

use super::chart::{cannot_open, open};
use super::reception::check_in::chart_sheet;
use super::{Open, Route, Screen, WRITERS};
use crate::drafts::{self, MAX_TEXT};
use crate::fault::Fault;
use crate::layout::{Banner, Done, Page};
use crate::panels::{self, Drugs, Notes};
use crate::paper::After;
use crate::reason::reason;
use crate::visit::Visit;
use crate::who::Who;
use crate::words::Words;

/// S13.
pub static SCREEN: Screen = Screen {
    id: "S13",
    name: "note",
    nav: None,
    who: WRITERS,
    open: Open::Downtime,
    routes: &[
        Route {
            method: "GET",
            path: "/p/{who}/note",
            handler: || get(show).post(sign),
        },
        Route {
            method: "POST",
            path: "/p/{who}/draft",
            handler: || post(draft),
        },
        Route {
            method: "GET",
            path: "/p/{who}/note/{entry}",
            handler: || get(show_correction).post(correct),
        },
        Route {
            method: "POST",
            path: "/p/{who}/note/{entry}/draft",
            handler: || post(draft_correction),
        },
    ],
};

const SCRIPTS: &[&str] = &["modebar.js", "scan.js", "keys.js", "fade.js", "draft.js", "print.js"];

/// Longest vital sign, in characters.
const MAX_VITAL: usize = 16;
/// Fields of a draft.
const KEPT: &[&str] = &[
    "s",
    "o",
    "a",
    "p",
    "reason",
    "temperature",
    "pressure",
    "pulse",
    "saturation",
    "weight",
    "breath",
];

/// Vital signs: field, label as recorded, unit.
const VITALS: [(&str, &str, &str); 6] = [
    ("temperature", "体温", "℃"),
    ("pressure", "血圧", "mmHg"),
    ("pulse", "脈拍", "/分"),
    ("saturation", "SpO₂", "%"),
    ("weight", "体重", "kg"),
    ("breath", "呼吸数", "/分"),
];

#[derive(Deserialize, Default, Clone)]
#[serde(default)]
struct NoteForm {
    temperature: String,
    pressure: String,
    pulse: String,
    saturation: String,
    weight: String,
    breath: String,
    s: String,
    o: String,
    a: String,
    p: String,
    reason: String,
    sign: String,
    once: String,
}

impl NoteForm {
    fn vital(&self, name: &str) -> &str {
        match name {
            "temperature" => &self.temperature,
            "pressure" => &self.pressure,
            "pulse" => &self.pulse,
            "saturation" => &self.saturation,
            "weight" => &self.weight,
            _ => &self.breath,
        }
    }

    fn vital_mut(&mut self, name: &str) -> Option<&mut String> {
        Some(match name {
            "temperature" => &mut self.temperature,
            "pressure" => &mut self.pressure,
            "pulse" => &mut self.pulse,
            "saturation" => &mut self.saturation,
            "weight" => &mut self.weight,
            "breath" => &mut self.breath,
            _ => return None,
        })
    }

    fn sections(&self) -> [(SectionKind, &str); 4] {
        [
            (SectionKind::Subjective, &self.s),
            (SectionKind::Objective, &self.o),
            (SectionKind::Assessment, &self.a),
            (SectionKind::Plan, &self.p),
        ]
    }

    fn is_empty(&self) -> bool {
        self.sections().iter().all(|(_, text)| text.trim().is_empty())
            && VITALS.iter().all(|(name, ..)| self.vital(name).trim().is_empty())
    }

    /// The note to sign. Browsers send line breaks as CR LF; the journal keeps LF.
    fn note(&self, department: Coded) -> SignedNote {
        let clean = |text: &str, most: usize| -> String {
            let text: String = text.replace("\r\n", "\n").replace('\r', "\n");
            text.trim_end().chars().take(most).collect()
        };
        SignedNote {
            department,
            sections: self
                .sections()
                .into_iter()
                .filter(|(_, text)| !text.trim().is_empty())
                .map(|(kind, text)| Section {
                    kind,
                    text: clean(text, MAX_TEXT),
                })
                .collect(),
            vitals: VITALS
                .iter()
                .filter(|(name, ..)| !self.vital(name).trim().is_empty())
                .map(|(name, label, unit)| {
                    let value: String = clean(self.vital(name).trim(), MAX_VITAL)
                        .chars()
                        .map(chart::id::half_width)
                        .collect();
                    ((*label).to_owned(), format!("{value}{unit}"))
                })
                .collect(),
            on_paper: self.sign == "paper",
        }
    }

    /// A signed note as the form shows it, for correcting.
    fn from_note(note: &SignedNote) -> Self {
        let mut form = Self::default();
        for section in &note.sections {
            let field = match section.kind {
                SectionKind::Objective => &mut form.o,
                SectionKind::Assessment => &mut form.a,
                SectionKind::Plan => &mut form.p,
                SectionKind::Subjective | SectionKind::Free => &mut form.s,
            };
            field.push_str(&section.text);
        }
        for (label, value) in &note.vitals {
            let known = VITALS.iter().find(|(_, l, _)| l == label);
            if let Some((name, _, unit)) = known
                && let Some(field) = form.vital_mut(name)
            {
                value.trim_end_matches(unit).clone_into(field);
            }
        }
        form
    }
}

async fn show(visit: Visit, Path(who): Path<String>) -> Result<Response, Fault> {
    let (who, view) = open(&visit, &who).await?;
    let (form, restored) = draft_of(None).restored(&visit, &who.subject, "note-restored").unzip();
    page(&visit, &who, &view, &form.unwrap_or_default(), None, restored, None)
}

/// Drafts of a new note, or of a correction.
fn draft_of(correcting: Option<&str>) -> drafts::Kind {
    drafts::Kind {
        name: correcting.map_or_else(|| "note".to_owned(), |entry| format!("note {entry}")),
        fields: KEPT,
    }
}

type Typed = Form<Vec<(String, String)>>;

async fn draft(visit: Visit, Path(who): Path<String>, Form(typed): Typed) -> Result<Response, Fault> {
    let signed = visit.signed()?;
    let who = Who::read(&visit, &signed.session.index(), &signed.session.day(), &who)?;
    draft_of(None).keep(&visit, who.subject, typed).await
}

async fn draft_correction(
    visit: Visit,
    Path((who, entry)): Path<(String, String)>,
    Form(typed): Typed,
) -> Result<Response, Fault> {
    let signed = visit.signed()?;
    let who = Who::read(&visit, &signed.session.index(), &signed.session.day(), &who)?;
    let entry = EntryId::parse(&entry).ok_or(Fault::Stale)?;
    draft_of(Some(&entry.hex())).keep(&visit, who.subject, typed).await
}

async fn sign(visit: Visit, Path(who): Path<String>, Form(form): Form<NoteForm>) -> Result<Response, Fault> {
    // The index and the day know all that an entry needs; the chart is opened only to prove that this person may.
    let (who, department) = called(&visit, &who)?;
    let session = &visit.signed()?.session;
    session.may_write(&who.subject).await.map_err(cannot_open)?;
    let problem = if form.is_empty() && form.sign != "paper" {
        visit.w()["note-empty"].to_owned()
    } else {
        let act = Act::NoteSigned(form.note(department));
        match finish(&visit, &who, &form, act).await {
            Err(Fault::NotSaved(why)) => not_saved(&visit, &why),
            done => return done,
        }
    };
    // The text comes back in its boxes: nothing that was written is lost with the page.
    let (who, view) = open(&visit, &who.handle).await?;
    page(&visit, &who, &view, &form, None, None, Some(problem))
}

async fn show_correction(visit: Visit, Path((who, entry)): Path<(String, String)>) -> Result<Response, Fault> {
    let (who, view) = open(&visit, &who).await?;
    let (_, note) = corrected(&view, &entry)?;
    let (form, restored) = draft_of(Some(&entry))
        .restored(&visit, &who.subject, "note-restored")
        .unzip();
    let form = form.unwrap_or_else(|| NoteForm::from_note(&note));
    page(&visit, &who, &view, &form, Some(&entry), restored, None)
}

async fn correct(
    visit: Visit,
    Path((who, entry)): Path<(String, String)>,
    Form(form): Form<NoteForm>,
) -> Result<Response, Fault> {
    let (who, view) = open(&visit, &who).await?;
    let (id, before) = corrected(&view, &entry)?;
    let reason = reason(&form.reason);
    if reason.is_empty() || form.is_empty() {
        let problem = visit.w()["note-reason-missing"].to_owned();
        return page(&visit, &who, &view, &form, Some(&entry), None, Some(problem));
    }
    let act = Act::NoteCorrected {
        entry: id,
        reason,
        note: form.note(before.department),
    };
    match finish(&visit, &who, &form, act).await {
        Err(Fault::NotSaved(why)) => page(
            &visit,
            &who,
            &view,
            &form,
            Some(&entry),
            None,
            Some(not_saved(&visit, &why)),
        ),
        done => done,
    }
}

fn not_saved(visit: &Visit, why: &str) -> String {
    visit.w().with("note-not-saved", &[("why", why.into())])
}

/// The version that holds; an earlier one is corrected through its successor.
fn corrected(view: &View, entry: &str) -> Result<(EntryId, SignedNote), Fault> {
    let id = EntryId::parse(entry).ok_or(Fault::Stale)?;
    view.notes
        .iter()
        .find(|n| n.recorded.id == id && !n.superseded)
        .map(|n| (id, n.note.clone()))
        .ok_or(Fault::Stale)
}

/// Records once, throws the draft away, prints if asked.
async fn finish(visit: &Visit, who: &Who, form: &NoteForm, act: Act) -> Result<Response, Fault> {
    let signed = visit.signed()?.clone();
    let back = format!("/p/{}", who.handle);
    let _turn = visit.site.turn(&form.once).await;
    if let Some(entry) = signed.done_once(&form.once) {
        return Ok(After::redirect(&back, Some(entry), &[]));
    }
    let correcting = act.points_back().map(EntryId::hex);
    let entry = signed
        .session
        .record(who.subject.clone(), act)
        .await
        .map_err(|fault| Fault::NotSaved(fault.to_string()))?;
    signed.remember(&form.once, entry);
    draft_of(correcting.as_deref()).discard(visit, &who.subject).await;
    let sheets = if form.sign == "print" {
        vec![chart_sheet(visit, who).await]
    } else {
        Vec::new()
    };
    Ok(After::redirect(&back, Some(entry), &sheets))
}

/// Whom an address names, and the department of their note: where they were received, else where they are booked first
/// today.
fn called(visit: &Visit, text: &str) -> Result<(Who, Coded), Fault> {
    let session = &visit.signed()?.session;
    let index = session.index();
    let day = session.day();
    let who = Who::read(visit, &index, &day, text)?;
    let mut received = day.receptions_on(&who.subject, visit.state.now);
    let department = received
        .next()
        .map(|(_, check_in)| check_in.department)
        .or_else(|| {
            let slots = index.row(who.row?)?.slots_on(visit.state.now.day());
            Some(index.department(slots.min_by_key(|slot| slot.minutes())?).clone())
        })
        .or_else(|| match &who.subject {
            Subject::Temporary(id) => Some(day.temporary(id)?.department),
            _ => None,
        })
        .unwrap_or_default();
    drop(received);
    Ok((who, department))
}

struct TextBox {
    name: &'static str,
    letter: &'static str,
    label: String,
    text: String,
}

struct Vital {
    name: &'static str,
    label: String,
    unit: &'static str,
    value: String,
}

fn boxes(w: &Words, form: &NoteForm) -> Vec<TextBox> {
    let words = [&w["note-s"], &w["note-o"], &w["note-a"], &w["note-p"]];
    form.sections()
        .into_iter()
        .zip(["s", "o", "a", "p"])
        .zip(words)
        .map(|(((kind, text), name), label)| TextBox {
            name,
            letter: kind.letter(),
            label: label.to_owned(),
            text: text.to_owned(),
        })
        .collect()
}

fn vitals(w: &Words, form: &NoteForm) -> Vec<Vital> {
    let words = [
        &w["vital-temperature"],
        &w["vital-pressure"],
        &w["vital-pulse"],
        &w["vital-saturation"],
        &w["vital-weight"],
        &w["vital-breath"],
    ];
    VITALS
        .iter()
        .zip(words)
        .map(|((name, _, unit), label)| Vital {
            name,
            label: label.to_owned(),
            unit,
            value: form.vital(name).to_owned(),
        })
        .collect()
}

fn page(
    visit: &Visit,
    who: &Who,
    view: &View,
    form: &NoteForm,
    correcting: Option<&str>,
    restored: Option<String>,
    problem: Option<String>,
) -> Result<Response, Fault> {
    let w = visit.w();
    let action = match correcting {
        Some(entry) => format!("/p/{}/note/{entry}", who.handle),
        None => format!("/p/{}/note", who.handle),
    };
    let title = if correcting.is_some() {
        &w["note-correction"]
    } else {
        &w["note-title"]
    };
    visit.show(&NotePage {
        page: visit.page(title, SCRIPTS),
        banner: panels::banner(visit, view, true),
        draft_to: match correcting {
            Some(entry) => format!("/p/{}/note/{entry}/draft", who.handle),
            None => format!("/p/{}/draft", who.handle),
        },
        action,
        restored,
        correcting: correcting.is_some(),
        reason: &form.reason,
        vitals: vitals(w, form),
        boxes: boxes(w, form),
        last: panels::notes(visit, view),
        drugs: panels::drugs(visit, view),
        who: &who.handle,
        once: visit.once()?,
        done: None,
        problem,
    })
}

#[derive(Template)]
#[template(path = "screens/note.html")]
struct NotePage<'a> {
    page: Page<'a>,
    banner: Banner,
    draft_to: String,
    action: String,
    restored: Option<String>,
    correcting: bool,
    reason: &'a str,
    vitals: Vec<Vital>,
    boxes: Vec<TextBox>,
    last: Notes,
    drugs: Drugs,
    who: &'a str,
    once: String,
    done: Option<Done>,
    problem: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signed_note_returns_to_its_boxes_for_correction() {
        let form = NoteForm {
            s: "咳が続く\r\n夜に強い".to_owned(),
            p: "再診 2週後".to_owned(),
            temperature: "３７．２".to_owned(),
            ..NoteForm::default()
        };
        let note = form.note(Coded::default());
        assert_eq!(note.sections.len(), 2);
        assert_eq!(note.sections[0].text, "咳が続く\n夜に強い");
        assert_eq!(note.vitals, [("体温".to_owned(), "37.2℃".to_owned())]);
        let again = NoteForm::from_note(&note);
        assert_eq!(again.s, "咳が続く\n夜に強い");
        assert_eq!(again.temperature, "37.2");
        assert_eq!(again.p, form.p);
    }
}
