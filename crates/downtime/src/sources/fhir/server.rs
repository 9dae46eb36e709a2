//! FHIR from a server: what is wanted is fetched into memory and then read like files.
//!
//! The line itself (sockets, TLS, the private key, the clock) is lent by the roof as [`Web`]. Nothing is sent but reading requests
//! and the token's, to nobody but the configured server; nothing of a patient is put on disk. Whatever cannot be fetched makes its
//! kind "could not be fetched", never "none".

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use chart::{Chart, DataKind, Finding, Moment, Severity};

use self::line::Line;
use super::Settings;
use super::input::{Bytes, Input, Piece};
use super::pull::Pull;
use crate::sources::{Extract, Progress, PullFault, Scope, Source};

mod bulk;
mod line;
mod search;
mod token;

pub use line::{Answer, Ask, Method, Web, WebFault};
pub use token::{Algorithm, Client};

/// Most bytes held of one server, unless the settings say less.
pub const MAX_HELD: u64 = 4 << 30;
/// Largest single answer.
pub const MAX_ANSWER: u64 = 512 << 20;
/// How long an export may be in the making, in seconds.
pub const MAX_EXPORT_SECONDS: u64 = 2 * 3_600;
/// After so many hours everything is fetched anew, whatever changed.
const FULL_AFTER_HOURS: i64 = 24;

/// How the data is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// Searches for whoever is booked or lies in a bed.
    Search,
    /// A Bulk Data export, of a group where one is named.
    Bulk {
        /// `Group/<id>`; empty for all patients.
        group: String,
    },
}

/// One server.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// `https://ehr.example/fhir`
    pub base: String,
    /// How.
    pub way: Way,
    /// Who we are to it; `None` where the network alone decides.
    pub client: Option<Client>,
    /// Most bytes held in memory.
    pub most_bytes: u64,
}

/// A server as a source.
pub struct Server {
    settings: Settings,
    server: ServerSettings,
    web: Box<dyn Web>,
    kept: Mutex<Option<Kept>>,
}

/// What an earlier export gave, so that the next one need only bring what changed.
struct Kept {
    pieces: Vec<Piece>,
    /// The server's own time of it.
    transaction: Moment,
    /// When everything was fetched.
    full: Moment,
}

impl Server {
    /// A source for a server.
    #[must_use]
    pub fn new(settings: Settings, server: ServerSettings, web: Box<dyn Web>) -> Self {
        let base = server.base.trim_end_matches('/').to_owned();
        Self {
            settings,
            server: ServerSettings { base, ..server },
            web,
            kept: Mutex::new(None),
        }
    }

    fn fetch(&self, scope: &Scope, progress: &mut dyn FnMut(Progress)) -> Input {
        let mut line = Line::new(&self.server, self.web.as_ref());
        let mut input = Input {
            base: self.server.base.clone(),
            ..Input::default()
        };
        match &self.server.way {
            Way::Search => search::fetch(&mut line, &self.settings, scope, &mut input, progress),
            Way::Bulk { group } => self.export(group, &mut line, &mut input, progress),
        }
        input
    }

    /// What changed since the last export, laid over it; everything where there is any doubt.
    fn export(&self, group: &str, line: &mut Line<'_>, input: &mut Input, progress: &mut dyn FnMut(Progress)) {
        let types = types_of(&self.settings.carries);
        let kept = self.kept.lock().ok().and_then(|mut kept| kept.take());
        let now = self.web.now();
        let usable = |kept: &Kept| {
            let hours = now.minutes_since(kept.full) / 60;
            let bytes: u64 = kept.pieces.iter().map(|piece| piece.size).sum();
            (0..FULL_AFTER_HOURS).contains(&hours) && bytes < self.server.most_bytes / 2 && kept.transaction <= now
        };
        if let Some(kept) = kept.filter(usable) {
            let mut more = Input::default();
            let done = bulk::export(line, group, &types, Some(kept.transaction), &mut more, progress);
            // A server whose time went backwards, or that lost anything on the way, is asked for everything.
            if let Some(at) = done.filter(|at| *at >= kept.transaction && more.failed.is_empty()) {
                input.pieces = kept.pieces;
                input.pieces.append(&mut more.pieces);
                input.findings = more.findings;
                input.transaction = Some(at);
                input.asked = types;
                self.keep(input, at, kept.full);
                return;
            }
            let message = "差分の取り出しに疑いがあるため、全件を取り直しました。";
            input
                .findings
                .push(Finding::new("fhir.resync", Severity::Note, message));
        }
        if let Some(at) = bulk::export(line, group, &types, None, input, progress) {
            input.transaction = Some(at);
            input.asked = types
                .iter()
                .copied()
                .filter(|name| !input.failed.contains(name))
                .collect();
            if input.failed.is_empty() {
                self.keep(input, at, now);
            }
        } else {
            input.failed = types;
        }
    }

    fn keep(&self, input: &Input, transaction: Moment, full: Moment) {
        if let Ok(mut kept) = self.kept.lock() {
            *kept = Some(Kept {
                pieces: input.pieces.clone(),
                transaction,
                full,
            });
        }
    }
}

impl Source for Server {
    fn carries(&self) -> BTreeSet<DataKind> {
        self.settings.carries.clone()
    }

    fn pull(
        &self,
        scope: &Scope,
        chart: &mut dyn FnMut(Chart) -> anyhow::Result<()>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Extract, PullFault> {
        let input = self.fetch(scope, progress);
        Pull::new(&input, &self.settings, scope).run(chart, progress)
    }
}

/// The types of resource that the kinds need, with those that give names.
fn types_of(carries: &BTreeSet<DataKind>) -> Vec<&'static str> {
    let mut types = vec![
        "Patient",
        "Practitioner",
        "PractitionerRole",
        "Organization",
        "Location",
        "Encounter",
    ];
    for (kind, names) in [
        (DataKind::Appointment, &["Appointment", "HealthcareService"][..]),
        (DataKind::Order, &["ServiceRequest"]),
        (DataKind::Diagnosis, &["Condition"]),
        (DataKind::Note, &["DocumentReference", "Composition"]),
        (DataKind::Prescription, &["MedicationRequest", "Medication"]),
        (DataKind::Allergy, &["AllergyIntolerance", "List"]),
        (DataKind::Schedule, &["MedicationRequest"]),
        (DataKind::Handover, &["DocumentReference"]),
        (DataKind::Result, &["Observation"]),
        (DataKind::Vital, &["Observation"]),
        (DataKind::Profile, &["Observation", "Flag"]),
        (DataKind::Insurance, &["Coverage"]),
        (DataKind::Stay, &["NutritionOrder", "Flag"]),
    ] {
        if carries.contains(&kind) {
            for name in names {
                if !types.contains(name) {
                    types.push(name);
                }
            }
        }
    }
    types
}

/// One answer as a piece of input.
fn piece(name: String, bytes: Vec<u8>, lines: bool, at: Moment) -> Piece {
    Piece {
        name,
        size: bytes.len() as u64,
        bytes: Bytes::Held(Arc::new(bytes)),
        modified: Some(at),
        lines,
        stamp: String::new(),
    }
}
