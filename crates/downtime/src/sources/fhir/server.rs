//! FHIR from a server: what is wanted is fetched into memory and then read like files.
//!
//! The line itself (sockets, TLS, the private key, the clock) is lent by the roof as [`Web`]. Nothing is sent but reading requests
//! and the token's, to nobody but the configured server; nothing of a patient is put on disk in the clear (see `kept`). Whatever cannot be fetched makes its
//! kind "could not be fetched", never "none".

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use chart::{Chart, DataKind, Finding, Moment, Severity};

use self::kept::{Kept, Living, Searched};
use self::line::Line;
use super::Settings;
use super::input::{Bytes, Input, Piece};
use super::pull::Pull;
use crate::sources::keep::Keep;
use crate::sources::{Extract, Progress, PullFault, Scope, Source};

mod bulk;
mod kept;
mod line;
mod search;
mod since;
mod token;

pub use line::{Answer, Ask, Method, Web, WebFault, http_date};
pub use token::{Algorithm, Client};

/// Most bytes held of one server, unless the settings say less.
pub const MAX_HELD: u64 = 4 << 30;
/// Largest single answer.
pub const MAX_ANSWER: u64 = 512 << 20;
/// How long an export may be in the making, in seconds.
pub const MAX_EXPORT_SECONDS: u64 = 2 * 3_600;

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
    keep: Option<Keep>,
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
            keep: None,
        }
    }

    /// Keeps what was fetched sealed, so that the next run of the program need only ask for what changed.
    #[must_use]
    pub fn kept_in(self, keep: Keep) -> Self {
        Self {
            keep: Some(keep),
            ..self
        }
    }

    fn fetch(&self, scope: &Scope, progress: &mut dyn FnMut(Progress)) -> Input {
        let mut line = Line::new(&self.server, self.web.as_ref());
        let mut input = Input {
            base: self.server.base.clone(),
            ..Input::default()
        };
        match &self.server.way {
            Way::Search => self.search(scope, &mut line, &mut input, progress),
            Way::Bulk { group } => self.export(group, &mut line, &mut input, progress),
        }
        input
    }

    /// Which questions to which server: what was kept for others is of no use.
    fn questions(&self) -> String {
        let way = match &self.server.way {
            Way::Search => "search".to_owned(),
            Way::Bulk { group } => format!("bulk {group}"),
        };
        let types = types_of(&self.settings.carries).join(",");
        format!("{}\n{way}\n{types}\n{}", self.server.base, self.settings.patient_system)
    }

    /// What was fetched earlier and may be built upon.
    fn kept(&self) -> Option<Kept> {
        let in_memory = self.kept.lock().ok().and_then(|mut kept| kept.take());
        let kept = in_memory.or_else(|| Kept::read(self.keep.as_ref()?, &self.questions()))?;
        Some(kept).filter(|kept| kept.holds(self.web.now(), self.server.most_bytes))
    }

    fn remember(&self, kept: Kept) {
        if let Some(keep) = &self.keep
            && let Err(fault) = kept.write(keep, &self.questions())
        {
            // What is older than what is in memory must not be found at the next start.
            tracing::warn!(%fault, "what a FHIR server gave is not kept: after a restart everything is fetched anew");
            keep.forget();
        }
        if let Ok(mut place) = self.kept.lock() {
            *place = Some(kept);
        }
    }

    /// There is a doubt: nothing is built upon what was fetched.
    fn forget(&self, input: &mut Input) {
        if let Some(keep) = &self.keep {
            keep.forget();
        }
        let message = "差分の取り出しに疑いがあるため、全件を取り直しました。";
        input
            .findings
            .push(Finding::new("fhir.resync", Severity::Note, message));
    }

    /// What changed since the last export, laid over it; everything where there is any doubt.
    fn export(&self, group: &str, line: &mut Line<'_>, input: &mut Input, progress: &mut dyn FnMut(Progress)) {
        let types = types_of(&self.settings.carries);
        let now = self.web.now();
        if let Some(kept) = self.kept() {
            let mut more = Input::default();
            let done = bulk::export(line, group, &types, Some(kept.transaction), &mut more, progress);
            // A server whose time went backwards, that lost anything on the way, or that no longer has what it gave, is asked for
            // everything.
            if let Some(at) = done.filter(|at| *at >= kept.transaction && more.failed.is_empty()) {
                let mut pieces = kept.pieces;
                pieces.append(&mut more.pieces);
                if Living::of(&pieces).are_still_there(line).unwrap_or(false) {
                    input.pieces.clone_from(&pieces);
                    input.findings = more.findings;
                    input.transaction = Some(at);
                    input.asked = types;
                    self.remember(Kept {
                        pieces,
                        transaction: at,
                        full: kept.full,
                        searched: None,
                    });
                    return;
                }
            }
            self.forget(input);
        }
        if let Some(at) = bulk::export(line, group, &types, None, input, progress) {
            input.transaction = Some(at);
            input.asked = types
                .iter()
                .copied()
                .filter(|name| !input.failed.contains(name))
                .collect();
            if input.failed.is_empty() {
                self.remember(Kept {
                    pieces: input.pieces.clone(),
                    transaction: at,
                    full: now,
                    searched: None,
                });
            }
        } else {
            input.failed = types;
        }
    }

    /// Searches, and only for what changed where the same was asked for before.
    fn search(&self, scope: &Scope, line: &mut Line<'_>, input: &mut Input, progress: &mut dyn FnMut(Progress)) {
        let now = self.web.now();
        let same_day = |kept: &Kept| kept.searched.as_ref().is_some_and(|searched| searched.day == scope.day);
        let kept = self.kept().filter(same_day);
        let past = kept.as_ref().and_then(since::Past::of);
        let found = search::fetch(line, &self.settings, scope, input, progress, past);
        if found.doubt {
            self.forget(input);
        }
        let full = kept.filter(|_| !found.doubt).map_or(now, |kept| kept.full);
        match line.dated {
            Some(at) if input.failed.is_empty() => self.remember(Kept {
                pieces: Vec::new(),
                transaction: at,
                full,
                searched: Some(Searched {
                    day: scope.day,
                    groups: found.groups,
                }),
            }),
            // Without the server's own time nobody knows since when to ask.
            _ => self.keep.iter().for_each(Keep::forget),
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
