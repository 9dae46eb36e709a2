//! Resources become facts about patients; each kind of resource in its own file.
//!
//! What a resource says is taken word for word. What it says not to be true (entered in error, refuted, cancelled) is left out;
//! what says that it means something else than it seems to (`modifierExtension`) is left out and told.

use chart::{Coded, DataKind, PatientId, Severity};
use jiff::civil::Date;

use super::codes;
use super::input::Place;
use super::json::{Odd, Raw};
use super::model::{Concept, Extension, Reference};
use super::refs::{Directory, Whose};
use super::when::{self, When};
use crate::sources::gather::{About, Gathering, names};

pub mod allergy;
pub mod booking;
pub mod diagnosis;
pub mod dosage;
pub mod drug;
pub mod insurance;
pub mod note;
pub mod observation;
pub mod pending;
pub mod person;
pub mod stay;
pub mod value;

/// Longest text of one field, in characters.
pub const MAX_WORDS: usize = 2_000;

/// What is at hand while one resource is read.
pub struct Scene<'s> {
    /// Where facts go.
    pub gathering: &'s mut Gathering,
    /// What references point to.
    pub directory: &'s mut Directory,
    /// What waits until everything about a patient was read.
    pub pending: &'s mut pending::Pending,
    /// Where the resource stands.
    pub place: Place<'s>,
    /// What was not as it must be in it.
    pub odd: Odd,
    /// True for resources that say they mean something else than they seem to.
    pub modified: bool,
    /// The day.
    pub day: Date,
}

impl Scene<'_> {
    /// The patient of a resource, when it is somebody whose chart is wanted in full. Tells and remembers what cannot be used.
    pub fn wanted(&mut self, kind: DataKind, subject: &Reference<'_>, contained: &[Raw<'_>]) -> Option<PatientId> {
        let id = match self.directory.whose(subject, contained, &self.place) {
            Whose::Of(id) => id,
            Whose::Nobody => return None,
            Whose::Unknown => {
                self.gathering.doubt(kind);
                let message = "だれのものか分からないリソースです（患者への参照をたどれません）。使いませんでした。";
                self.gathering.ledger.add(
                    chart::Finding::new("fhir.subject", Severity::Warning, message)
                        .at(self.place.file, self.place.line)
                        .in_field(kind.word()),
                );
                return None;
            }
        };
        if !self.gathering.takes(&id) {
            return None;
        }
        self.tell_odd(kind, &id);
        if self.modified {
            self.lost(kind, &id);
            let message = "意味を変える拡張（modifierExtension）のある情報です。意味が分からないため使いませんでした。EHRが戻ったら確かめてください。";
            self.tell(&id, "fhir.modifier", Severity::Severe, "modifierExtension", message);
            return None;
        }
        Some(id)
    }

    /// Fields of a wrong type cost themselves; the readers of the chart must know.
    pub fn tell_odd(&mut self, kind: DataKind, id: &PatientId) {
        if self.odd.count == 0 {
            return;
        }
        self.lost(kind, id);
        let message = format!(
            "型の違う項目か、2回書かれた項目が{}個あります。その項目は使えないことがあります。",
            self.odd.count
        );
        let field = self.odd.first;
        self.tell(id, "fhir.field", Severity::Warning, field, message);
    }

    /// Not all of this kind could be read for this patient.
    pub fn lost(&mut self, kind: DataKind, id: &PatientId) {
        if let Some(about) = self.gathering.about(id) {
            about.draft.lost.insert(kind);
        }
    }

    /// Tells something about one patient.
    pub fn tell(&mut self, id: &PatientId, code: &str, severity: Severity, field: &str, message: impl Into<String>) {
        let (file, line) = (self.place.file, self.place.line);
        if let Some(mut about) = self.gathering.about(id) {
            about.tell_at(code, severity, (file, line), field, message);
        }
    }

    /// The patient to say something about.
    pub fn about(&mut self, id: &PatientId) -> Option<About<'_>> {
        self.gathering.about(id)
    }

    /// A day and time; what is there and cannot be read is told and left out.
    pub fn when(&mut self, id: &PatientId, field: &str, text: &str) -> When {
        when::read(text).unwrap_or_else(|()| {
            let message = format!("日付「{}」は日まで分からないため、空にしました。", brief(text));
            self.tell(id, "fhir.date", Severity::Warning, field, message);
            When::default()
        })
    }

    /// [`Self::when`] for what has happened: a day after the day of the extract is told and left out.
    pub fn past(&mut self, id: &PatientId, field: &str, text: &str) -> When {
        let when = self.when(id, field, text);
        if when.on.is_none_or(|on| on <= self.day) {
            return when;
        }
        let message = format!("日付「{}」は対象日より後です。空にしました。", brief(text));
        self.tell(id, "date.future", Severity::Warning, field, message);
        When::default()
    }

    /// 診療科: by extension, by encounter, by the role of a person.
    pub fn department(
        &mut self,
        extensions: &[Extension<'_>],
        encounter: Option<&Reference<'_>>,
        contained: &[Raw<'_>],
        role: Option<&Reference<'_>>,
    ) -> Coded {
        let by_extension = extensions.iter().filter(|one| one.url.ends_with("Department"));
        let found = by_extension
            .filter_map(|one| one.concept.as_ref())
            .map(codes::department)
            .find(|one| !one.is_empty());
        if let Some(found) = found {
            return found;
        }
        for reference in encounter.into_iter().chain(role) {
            if let Some(id) = reference.reference.strip_prefix('#') {
                let inside = super::refs::contained_of::<super::resource::Encounter<'_>>(contained, id);
                let service = inside
                    .as_ref()
                    .and_then(|one| one.service_type.as_ref())
                    .map(codes::department);
                if let Some(found) = service.filter(|one| !one.is_empty()) {
                    return found;
                }
            } else if let Some(found) = self.directory.department_at(reference, &self.place) {
                return found;
            }
        }
        Coded::default()
    }

    /// Somebody's name.
    pub fn person(&mut self, reference: Option<&Reference<'_>>, contained: &[Raw<'_>]) -> Coded {
        let found = reference.map_or_else(Coded::default, |one| self.directory.named(one, contained, &self.place));
        Coded {
            name: names::written(&found.name),
            ..found
        }
    }
}

/// A text that is not longer than it may be.
#[must_use]
pub fn bounded(text: &str) -> String {
    let text = text.trim();
    match text.char_indices().nth(MAX_WORDS) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or("")),
        None => text.to_owned(),
    }
}

/// The beginning of a text, for messages.
#[must_use]
pub fn brief(text: &str) -> String {
    text.chars().take(20).collect()
}

/// True when a status concept has one of these codes.
#[must_use]
pub fn is_any(concept: Option<&Concept<'_>>, codes: &[&str]) -> bool {
    concept.is_some_and(|concept| codes.iter().any(|code| concept.has(code)))
}

/// The value of an extension whose address ends so.
#[must_use]
pub fn extension<'e, 'a>(list: &'e [Extension<'a>], end: &str) -> Option<&'e Extension<'a>> {
    list.iter().find(|one| one.url.ends_with(end))
}
