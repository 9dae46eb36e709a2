//! First pass: who and what there is, and which of several versions of one resource is the newest.
//!
//! Nothing becomes a fact of a chart here but who a patient is.

use chart::{DataKind, Finding, Moment, Severity};

use super::bundle;
use super::facts::{self, Scene};
use super::input::{Fault, Place};
use super::json;
use super::kinds::kind_of;
use super::names;
use super::pull::{MAX_RESOURCES, Pull, Registered};
use super::refs::{self, Key, Role, Spot};
use super::resource::{self, Modified, NumberedHead};
use super::{codes, when};

/// Most types of resource told apart in one file, and longest name of one.
const MAX_TYPES: usize = 200;
const MAX_TYPE: usize = 64;

impl Pull<'_> {
    pub(super) fn census(&mut self, number: usize, text: &str, place: &Place<'_>) {
        if place.deleted {
            let keys = self.directory.keys_to(text, place);
            if let Some(key) = keys.last() {
                self.version(*key, when::rank(place.stamp), place.ordinal);
            }
            return;
        }
        let (head, _) = match json::read::<resource::Head<'_>>(text) {
            Ok(read) => read,
            Err(error) => {
                let kind = bundle::type_of(text).ok().and_then(|name| kind_of(&name));
                let fault = Fault {
                    code: "fhir.json",
                    message: format!(
                        "JSON として読めません（{}字目）。この1件を使いませんでした。",
                        error.column()
                    ),
                    line: place.line,
                    torn: false,
                };
                self.lose(number, place.file, &fault, kind);
                return;
            }
        };
        let name = &*head.resource_type;
        if self.resources >= MAX_RESOURCES {
            return;
        }
        self.resources += 1;
        if name == "OperationOutcome" {
            self.outcome(text, place);
            return;
        }
        if let Some(seen) = self.seen.get_mut(number) {
            if let Some(count) = seen.types.get_mut(name) {
                *count += 1;
            } else if seen.types.len() < MAX_TYPES {
                seen.types.insert(name.chars().take(MAX_TYPE).collect(), 1);
            }
        }
        if let Some(kind) = kind_of(name) {
            self.stamp(kind, number, place);
            if name == "MedicationRequest" {
                self.stamp(DataKind::Schedule, number, place);
            }
            if name == "DocumentReference" {
                self.stamp(DataKind::Handover, number, place);
            }
            if name == "Observation" {
                self.stamp(DataKind::Vital, number, place);
                self.stamp(DataKind::Profile, number, place);
            }
        }
        let at = when::rank(&head.meta.last_updated).or_else(|| when::rank(place.stamp));
        for key in self.version_keys(&head, text, place) {
            self.version(key, at, place.ordinal);
        }
        self.learn(name, &head, text, place, at);
    }

    fn stamp(&mut self, kind: DataKind, number: usize, place: &Place<'_>) {
        let stamps = self.stamps.entry(kind).or_default();
        if let Some(at) = when::rank(place.stamp).filter(|_| place.scope.is_some()) {
            stamps.newest_bundle = Some(stamps.newest_bundle.map_or(at, |other| other.max(at)));
        } else if let Some(at) = self.input.pieces.get(number).and_then(|piece| piece.modified) {
            stamps.oldest_file = Some(stamps.oldest_file.map_or(at, |other| other.min(at)));
        }
    }

    /// A record keeps its own number when it is sent again in another bundle; elsewhere its id is its name.
    fn version_keys(&mut self, head: &resource::Head<'_>, text: &str, place: &Place<'_>) -> Vec<Key> {
        let kind = &*head.resource_type;
        if place.scope.is_none() {
            return match (head.id.is_empty(), self.directory.is_foreign(kind, place)) {
                (true, _) => Vec::new(),
                (false, true) => vec![refs::key(&["at", place.full_url])],
                (false, false) => vec![refs::key(&["id", kind, &head.id])],
            };
        }
        if kind == "Patient" {
            return Vec::new();
        }
        let numbers = json::read::<NumberedHead<'_>>(text)
            .map(|(read, _)| read.identifier)
            .unwrap_or_default();
        let own = numbers
            .iter()
            .find(|one| codes::system(&one.system) == codes::System::Instance && !one.value.is_empty());
        own.map(|one| refs::key(&["instance", kind, &one.value]))
            .into_iter()
            .collect()
    }

    /// Of several only the newest counts; of two as new, the one that comes later.
    fn version(&mut self, key: Key, at: Option<Moment>, ordinal: u64) {
        match self.versions.get_mut(&key) {
            Some((newest, winner)) => {
                if at >= *newest {
                    self.older.insert(*winner);
                    (*newest, *winner) = (at, ordinal);
                } else {
                    self.older.insert(ordinal);
                }
            }
            None => {
                self.versions.insert(key, (at, ordinal));
            }
        }
    }

    fn outcome(&mut self, text: &str, place: &Place<'_>) {
        let Ok((read, _)) = json::read::<resource::OperationOutcome<'_>>(text) else {
            return;
        };
        for issue in read
            .issue
            .iter()
            .filter(|one| matches!(&*one.severity, "fatal" | "error" | "warning"))
        {
            let severity = if &*issue.severity == "warning" {
                Severity::Note
            } else {
                Severity::Warning
            };
            let message = format!("EHR からの知らせ: {}", super::outcome_words(issue));
            self.gathering
                .ledger
                .add(Finding::new("fhir.outcome", severity, message).at(place.file, place.line));
        }
    }

    /// Who and what others point to.
    fn learn(&mut self, name: &str, head: &resource::Head<'_>, text: &str, place: &Place<'_>, at: Option<Moment>) {
        let keys = self.directory.keys_of(name, &head.id, place);
        match name {
            "Patient" => self.learn_patient(text, place, &keys, at),
            "PractitionerRole" => {
                let Ok((it, _)) = json::read::<resource::PractitionerRole<'_>>(text) else {
                    return;
                };
                let role = Role {
                    who: it
                        .practitioner
                        .as_ref()
                        .map(|one| self.directory.keys_to(&one.reference, place))
                        .unwrap_or_default(),
                    at: it
                        .organization
                        .as_ref()
                        .map(|one| self.directory.keys_to(&one.reference, place))
                        .unwrap_or_default(),
                    department: it.specialty.first().map(codes::department).unwrap_or_default(),
                };
                self.directory.role(keys, &role);
            }
            "Location" => {
                let Ok((it, _)) = json::read::<resource::Location<'_>>(text) else {
                    return;
                };
                let number = |end: &str| {
                    let found = it.identifier.iter().find(|one| one.system.ends_with(end));
                    found.map(|one| one.value.trim().to_owned()).unwrap_or_default()
                };
                let spot = Spot {
                    room_bed: (number("/room"), number("/bed")),
                    coded: chart::Coded::new(names::own_number(&it.identifier), it.name.trim()),
                    kind: it
                        .physical_type
                        .as_ref()
                        .and_then(|one| one.coding.first())
                        .map(|one| one.code.to_string())
                        .unwrap_or_default(),
                    part_of: it
                        .part_of
                        .as_ref()
                        .map(|one| self.directory.keys_to(&one.reference, place))
                        .unwrap_or_default(),
                    active: matches!(&*it.status, "active" | ""),
                };
                self.directory.spot(keys, &spot);
            }
            "Practitioner" | "Organization" | "HealthcareService" | "Medication" => {
                if let Some(coded) = names::of_resource(name, text) {
                    self.directory.name(keys, &coded);
                }
            }
            name if kind_of(name).is_none() && (self.unused.len() < MAX_TYPES || self.unused.contains_key(name)) => {
                *self.unused.entry(name.chars().take(MAX_TYPE).collect()).or_default() += 1;
            }
            _ => {}
        }
    }

    fn learn_patient(&mut self, text: &str, place: &Place<'_>, keys: &[Key], at: Option<Moment>) {
        let Ok((it, odd)) = json::read::<resource::Patient<'_>>(text) else {
            return;
        };
        let Some(id) = facts::person::number(&it.identifier, &self.settings.patient_system) else {
            self.doubtful.insert(DataKind::Patient);
            let message = "患者番号の分からない患者です（identifier に院内の番号がないか、2つ以上あります）。使いませんでした。設定の patient_system に番号の system を書いてください。";
            self.gathering.ledger.add(
                Finding::new("id.invalid", Severity::Severe, message)
                    .at(place.file, place.line)
                    .in_field("Patient.identifier"),
            );
            return;
        };
        self.directory.patient(keys, &id, &it.identifier, place);
        if !self.gathering.wants(&id) && !self.says_who() {
            return;
        }
        let (patient, unread) = facts::person::patient(&it, id.clone());
        let mut scene = Scene {
            gathering: &mut self.gathering,
            directory: &mut self.directory,
            pending: &mut self.pending,
            place: *place,
            odd,
            modified: false,
            day: self.scope.day,
        };
        for (field, text) in unread {
            let message = format!("日付「{}」は日まで分からないため、空にしました。", facts::brief(&text));
            scene.tell(&id, "fhir.date", Severity::Warning, field, message);
        }
        scene.tell_odd(DataKind::Patient, &id);
        if it.is_modified() {
            let message =
                "意味を変える拡張（modifierExtension）のある患者基本です。本人に氏名と生年月日を確かめてください。";
            scene.tell(
                &id,
                "fhir.modifier",
                Severity::Severe,
                "Patient.modifierExtension",
                message,
            );
        }
        if it.link.iter().any(|one| &*one.kind == "replaced-by") {
            let message = "この患者番号は別の番号に替わったと記録されています。もう一方の番号の記録も見てください。";
            scene.tell(&id, "patient.replaced", Severity::Severe, "Patient.link", message);
        }
        let list = self.patients.entry(id).or_default();
        if list.len() < 20 {
            list.push(Registered {
                at,
                contacts: facts::person::contacts(&it),
                patient,
                ordinal: place.ordinal,
            });
        }
    }

    fn says_who(&self) -> bool {
        [DataKind::Appointment, DataKind::Stay]
            .iter()
            .any(|kind| self.settings.carries.contains(kind))
    }
}
