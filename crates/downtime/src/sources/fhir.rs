//! Source `fhir`: FHIR R4 as JP Core and JP-CLINS have it, from files (Bulk Data NDJSON, bundles) or from a server.
//!
//! Everything goes through the same two passes, wherever the bytes came from. There is no validation of profiles: what is there
//! is used as far as it can be understood, and what cannot is told. Nothing is written to the EHR, and what a server sent is never
//! put on disk in the clear.

use std::collections::BTreeSet;
use std::path::PathBuf;

use chart::{Chart, DataKind};

use self::input::Input;
pub use self::kinds::read_lines;
use self::pull::Pull;
use self::resource::Issue;
use super::gather::Limits;
use super::{Extract, Progress, PullFault, Scope, Source};

mod bundle;
mod census;
mod codes;
mod facts;
mod input;
mod json;
mod kinds;
mod model;
mod names;
mod pull;
mod refs;
mod resource;
pub mod server;
mod when;

/// What is the same wherever the bytes come from.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `identifier.system` of the hospital's own patient numbers; empty where only one can be meant.
    pub patient_system: String,
    /// The server's address that absolute references in files begin with; empty where they are relative.
    pub base: String,
    /// The kinds that this source is asked for. Of all others nothing is known here.
    pub carries: BTreeSet<DataKind>,
    /// Kinds that may truly have nobody, so that nothing of them is no fault.
    pub may_be_empty: BTreeSet<DataKind>,
    /// How much is taken of one patient.
    pub limits: Limits,
}

/// Every kind that FHIR can say something about here: all of them.
pub const KINDS: [DataKind; 14] = DataKind::ALL;

impl Default for Settings {
    fn default() -> Self {
        Self {
            patient_system: String::new(),
            base: String::new(),
            carries: KINDS.into_iter().collect(),
            may_be_empty: BTreeSet::new(),
            limits: Limits::default(),
        }
    }
}

/// A folder of FHIR files.
#[derive(Debug, Clone)]
pub struct Folder {
    settings: Settings,
    dir: PathBuf,
}

impl Folder {
    /// A source for a folder; kinds that FHIR has nothing for are left out.
    #[must_use]
    pub fn new(settings: Settings, dir: PathBuf) -> Self {
        Self { settings, dir }
    }
}

impl Source for Folder {
    fn carries(&self) -> BTreeSet<DataKind> {
        self.settings.carries.clone()
    }

    fn pull(
        &self,
        scope: &Scope,
        chart: &mut dyn FnMut(Chart) -> anyhow::Result<()>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Extract, PullFault> {
        let mut input = Input::folder(&self.dir).map_err(|error| {
            PullFault::Unreadable(format!(
                "FHIR のフォルダ {} を読めません（{error}）。取り出しは行わず、前回の写しはそのまま使えます。フォルダの場所と権限を確かめてください。",
                self.dir.display()
            ))
        })?;
        input.base.clone_from(&self.settings.base);
        Pull::new(&input, &self.settings, scope).run(chart, progress)
    }
}

/// What a server says went wrong, in its own words.
fn outcome_words(issue: &Issue<'_>) -> String {
    let details = issue.details.as_ref().map_or("", model::Concept::words);
    let first = [details, issue.diagnostics.trim(), issue.code.trim()]
        .into_iter()
        .find(|text| !text.is_empty());
    first.unwrap_or("（説明なし）").chars().take(200).collect()
}
