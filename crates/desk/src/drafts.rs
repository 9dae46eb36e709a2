//! Text that somebody is typing: kept sealed for its author every three seconds, given back when they open the form again.
//!
//! A form says which fields are kept and how its drafts are called; what the fields mean is the form's matter.

use axum::response::{IntoResponse, Response};
use chart::Subject;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::fault::Fault;
use crate::visit::Visit;

/// Longest text of one field, in characters: four full boxes of Japanese still fit into one entry
/// ([`chart::entry::MAX_ENTRY_BYTES`]).
pub const MAX_TEXT: usize = 3_900;

/// The kind of draft of one form.
#[derive(Debug, Clone)]
pub struct Kind {
    /// Name of the drafts: one is kept per author, person and name.
    pub name: String,
    /// Fields that are kept; whatever else comes is not.
    pub fields: &'static [&'static str],
}

impl Kind {
    /// Keeps what was typed and says when.
    pub async fn keep(&self, visit: &Visit, subject: Subject, typed: Vec<(String, String)>) -> Result<Response, Fault> {
        let signed = visit.signed()?.clone();
        let known = |name: &str| self.fields.contains(&name);
        let kept: Vec<(String, String)> = typed
            .into_iter()
            .filter(|(name, text)| known(name) && !text.is_empty())
            .take(self.fields.len())
            .map(|(name, text)| (name, text.chars().take(MAX_TEXT).collect()))
            .collect();
        let name = self.name.clone();
        let saved = tokio::task::spawn_blocking(move || signed.session.save_draft(&subject, &name, kept)).await;
        saved
            .map_err(|fault| Fault::Broken(fault.to_string()))?
            .map_err(|fault| Fault::NotSaved(fault.to_string()))?;
        let at = visit.state.now.local().time();
        let at = format!("{}:{:02}:{:02}", at.hour(), at.minute(), at.second());
        Ok(visit.w().with("note-saved", &[("time", (&at).into())]).into_response())
    }

    /// What this person was typing, as the form reads it, and since when it lies there; `None` when nothing is kept.
    pub fn kept<F: DeserializeOwned>(&self, visit: &Visit, subject: &Subject) -> Option<(F, String)> {
        let draft = visit.signed().ok()?.session.draft(subject, &self.name)?;
        let fields: Map<String, Value> = draft
            .fields
            .into_iter()
            .filter(|(name, _)| self.fields.contains(&name.as_str()))
            .map(|(name, text)| (name, Value::String(text)))
            .collect();
        let at = crate::say::moment(visit.w(), draft.at, visit.state.now);
        Some((serde_json::from_value(Value::Object(fields)).ok()?, at))
    }

    /// [`Self::kept`] for a form that gives it back by itself, with the words that say so.
    pub fn restored<F: DeserializeOwned>(&self, visit: &Visit, subject: &Subject, words: &str) -> Option<(F, String)> {
        let (form, at) = self.kept(visit, subject)?;
        Some((form, visit.w().with(words, &[("time", (&at).into())])))
    }

    /// Throws the draft away: the text is in the journal now. One that could not be removed would only come back as an offer.
    pub async fn discard(&self, visit: &Visit, subject: &Subject) {
        let Ok(signed) = visit.signed() else { return };
        if !signed.session.may_have_draft(subject, &self.name) {
            return;
        }
        let (keys, subject, name) = (signed.clone(), subject.clone(), self.name.clone());
        let discarded = tokio::task::spawn_blocking(move || keys.session.discard_draft(&subject, &name)).await;
        if discarded.is_err() {
            tracing::warn!("a draft could not be discarded");
        }
    }
}
