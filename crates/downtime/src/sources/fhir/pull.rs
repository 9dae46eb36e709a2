//! One pull: what is there, who and what it speaks of, then every fact of everybody who is wanted.
//!
//! Two passes over the same resources: references point forwards and backwards, and of several versions of one resource only
//! the newest counts.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chart::{Chart, DataKind, Finding, Moment, Patient, PatientId, Severity};

use super::Settings;
use super::bundle;
use super::facts::pending::Pending;
use super::facts::{self, Scene};
use super::input::{Fault, Input, Place, Taker};
use super::json::{self, Field, Odd};
use super::kinds::{NEEDED, by_file_name, kind_of};
use super::refs::{Directory, Key};
use super::resource::{self, Modified};
use crate::sources::gather::{Gathering, kind_word};
use crate::sources::{Extract, Origin, Progress, PullFault, Scope};

/// Most resources of one input.
pub const MAX_RESOURCES: usize = 60_000_000;

/// What was seen of one file.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub types: BTreeMap<String, u64>,
    pub used: u64,
    pub refused: u64,
    pub torn: bool,
}

/// A pull under way.
pub struct Pull<'p> {
    pub(super) input: &'p Input,
    pub(super) settings: &'p Settings,
    pub(super) scope: &'p Scope,
    pub(super) gathering: Gathering,
    pub(super) directory: Directory,
    pub(super) pending: Pending,
    /// Of each versioned resource the newest time and where it stands.
    pub(super) versions: HashMap<Key, (Option<Moment>, u64)>,
    pub(super) older: HashSet<u64>,
    pub(super) patients: BTreeMap<PatientId, Vec<Registered>>,
    pub(super) seen: Vec<Seen>,
    pub(super) stamps: BTreeMap<DataKind, Stamps>,
    pub(super) unused: BTreeMap<String, u64>,
    pub(super) doubtful: BTreeSet<DataKind>,
    pub(super) resources: usize,
}

/// One registration of a patient.
pub(super) struct Registered {
    pub at: Option<Moment>,
    pub patient: Patient,
    pub contacts: Vec<chart::stay::Contact>,
    pub ordinal: u64,
}

/// When files of a kind were written.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Stamps {
    pub oldest_file: Option<Moment>,
    pub newest_bundle: Option<Moment>,
}

impl<'p> Pull<'p> {
    /// For one input.
    #[must_use]
    pub fn new(input: &'p Input, settings: &'p Settings, scope: &'p Scope) -> Self {
        Self {
            input,
            settings,
            scope,
            gathering: Gathering::new(scope, settings.limits, settings.carries.iter().copied()),
            directory: Directory::at(&input.base),
            pending: Pending::default(),
            versions: HashMap::new(),
            older: HashSet::new(),
            patients: BTreeMap::new(),
            seen: Vec::new(),
            stamps: BTreeMap::new(),
            unused: BTreeMap::new(),
            doubtful: BTreeSet::new(),
            resources: 0,
        }
    }

    /// Reads everything and hands the charts over.
    ///
    /// # Errors
    /// When there is no resource at all, or the receiver fails.
    pub fn run(
        mut self,
        chart: &mut dyn FnMut(Chart) -> anyhow::Result<()>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Extract, PullFault> {
        for finding in &self.input.findings {
            self.gathering.ledger.add(finding.clone());
        }
        let total = self.input.size() * 2;
        let mut done = 0;
        self.seen.resize_with(self.input.pieces.len(), Seen::default);
        let mut counts = Vec::new();
        // Whom references name must be known before the first reference is followed.
        for stage in [Stage::Census, Stage::Booked, Stage::Facts] {
            if stage == Stage::Booked {
                self.settle_patients();
            }
            if stage == Stage::Facts {
                self.judge()?;
            }
            for number in 0..self.input.pieces.len() {
                let mut pass = Pass {
                    pull: &mut self,
                    stage,
                    file: number,
                    done: &mut done,
                    total,
                    progress,
                };
                let count = pass.pull.input.each(number, &mut pass);
                match stage {
                    Stage::Census => counts.push(count),
                    _ if counts.get(number).is_some_and(|before| *before != count) => self.changed(number),
                    _ => {}
                }
            }
        }
        self.finish(chart, progress)
    }

    fn changed(&mut self, number: usize) {
        let Some(seen) = self.seen.get_mut(number).filter(|seen| !seen.torn) else {
            return;
        };
        seen.torn = true;
        let kinds: Vec<DataKind> = seen.types.keys().filter_map(|one| kind_of(one)).collect();
        for kind in kinds {
            self.gathering.fail(kind);
        }
        let name = self.input.pieces.get(number).map_or("", |piece| piece.name.as_str());
        let message = "読んでいる間にファイルが書き換わりました。読めたところまでを使いました。出力が終わってから取り出すようにしてください。";
        self.gathering
            .ledger
            .add(Finding::new("file.changed", Severity::Severe, message).at(name, 0));
    }

    /// One patient per number; the newest registration of a person, both of two people.
    fn settle_patients(&mut self) {
        self.versions = HashMap::new();
        for (id, mut list) in std::mem::take(&mut self.patients) {
            list.retain(|one| !self.older.contains(&one.ordinal));
            list.sort_by_key(|one| (one.at, one.ordinal));
            let Some(newest) = list.pop() else { continue };
            self.pending.contacts(&id, newest.contacts);
            let stranger = list.into_iter().rev().find(|one| {
                let other_name = chart::fold::name_key(&one.patient.name.written)
                    != chart::fold::name_key(&newest.patient.name.written);
                other_name && one.patient.birth != newest.patient.birth
            });
            self.gathering
                .register(&id, [newest.patient].into_iter().chain(stranger.map(|one| one.patient)));
        }
    }

    /// After who and what is known: what is missing as a whole.
    fn judge(&mut self) -> Result<(), PullFault> {
        let of_type = |this: &Self, name: &str| this.seen.iter().filter_map(|seen| seen.types.get(name)).sum::<u64>();
        if self.resources == 0 {
            let why: Vec<String> = self.input.findings.iter().take(5).map(Finding::text).collect();
            return Err(PullFault::Unreadable(format!(
                "FHIR のリソースが1つもありません。取り出しは行わず、前回の写しはそのまま使えます。出力の場所と形（NDJSON か JSON）を確かめてください。{}",
                why.join(" / ")
            )));
        }
        for (kind, types) in NEEDED {
            if !self.settings.carries.contains(&kind) {
                continue;
            }
            let some = types.iter().any(|name| of_type(self, name) > 0);
            // The first carries the kind; not every server has the others.
            let first = types.first().copied().unwrap_or("");
            let asked = self.input.asked.contains(&first);
            let failed = self.input.failed.contains(&first);
            if failed {
                self.gathering.fail(kind);
            }
            if some || asked || self.settings.may_be_empty.contains(&kind) {
                continue;
            }
            self.gathering.fail(kind);
            let message = format!(
                "{}（{}）が1件もありません。この内容は「取得できず」になります。出力に入っているか確かめてください。この取り出し元にない内容なら、設定の kinds から外してください。",
                kind_word(kind),
                types.join("・")
            );
            self.gathering
                .ledger
                .add(Finding::new("file.missing", Severity::Severe, message).in_field(kind.word()));
        }
        for (name, wanted) in &self.input.counted {
            let found = of_type(self, name);
            if found < *wanted {
                if let Some(kind) = kind_of(name) {
                    self.gathering.fail(kind);
                }
                for (seen, _) in self
                    .seen
                    .iter_mut()
                    .zip(&self.input.pieces)
                    .filter(|(seen, _)| seen.types.contains_key(name))
                {
                    seen.torn = true;
                }
                let message = format!(
                    "{name} は{wanted}件あるはずですが、{found}件しか読めません。出力が終わっていないか、壊れています。"
                );
                self.gathering
                    .ledger
                    .add(Finding::new("file.half_written", Severity::Severe, message));
            }
        }
        self.pending.has_diets = of_type(self, "NutritionOrder") > 0 || self.input.asked.contains(&"NutritionOrder");
        self.pending.has_flags = of_type(self, "Flag") > 0 || self.input.asked.contains(&"Flag");
        for chain in self.directory.beds() {
            self.gathering.bed(facts::stay::bed(&chain));
        }
        Ok(())
    }

    fn finish(
        mut self,
        chart: &mut dyn FnMut(Chart) -> anyhow::Result<()>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Extract, PullFault> {
        for (name, count) in std::mem::take(&mut self.unused) {
            let message = format!("{name} は、ここで使う種類ではないため読みませんでした（{count}件）。");
            self.gathering
                .ledger
                .add(Finding::new("fhir.unused", Severity::Note, message));
        }
        self.pending.settle(&mut self.gathering);
        let written = |piece: &super::input::Piece| {
            self.input
                .transaction
                .or(piece.modified)
                .unwrap_or(self.scope.now)
                .min(self.scope.now)
        };
        let mut origins = Vec::new();
        let mut bundled: BTreeMap<DataKind, Origin> = BTreeMap::new();
        for (piece, seen) in self.input.pieces.iter().zip(&self.seen) {
            let mut kinds: BTreeMap<DataKind, u64> = BTreeMap::new();
            for (name, count) in &seen.types {
                *kinds.entry(kind_of(name).unwrap_or(DataKind::Patient)).or_default() += count;
            }
            let first = kinds.iter().max_by_key(|(_, count)| **count).map(|(kind, _)| *kind);
            let of = |kind: DataKind, rows: u64| Origin {
                name: piece.name.clone(),
                kind,
                bytes: piece.size,
                rows,
                used: seen.used,
                refused: seen.refused,
                written: written(piece),
                half_written: seen.torn,
            };
            if piece.lines || seen.torn || self.input.pieces.len() < 50 {
                origins.push(of(first.unwrap_or(DataKind::Patient), kinds.values().sum()));
                continue;
            }
            // A folder with a bundle for each patient: one line per kind, not one per patient.
            for (kind, rows) in kinds {
                let one = of(kind, rows);
                match bundled.get_mut(&kind) {
                    Some(all) => {
                        all.bytes += one.bytes;
                        all.rows += one.rows;
                        all.used += one.used;
                        all.refused += one.refused;
                        all.written = all.written.max(one.written);
                    }
                    None => {
                        bundled.insert(
                            kind,
                            Origin {
                                name: "*.json".to_owned(),
                                ..one
                            },
                        );
                    }
                }
            }
        }
        origins.extend(bundled.into_values());
        for (kind, stamps) in std::mem::take(&mut self.stamps) {
            let at = self
                .input
                .transaction
                .or(match (stamps.oldest_file, stamps.newest_bundle) {
                    (Some(file), Some(bundle)) => Some(file.min(bundle)),
                    (one, other) => one.or(other),
                });
            self.gathering.vouch(kind, at.unwrap_or_default());
        }
        for kind in &self.doubtful {
            self.gathering.doubt(*kind);
        }
        self.gathering.finish(origins, chart, progress)
    }
}

/// What is done in one pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Who and what there is; which version is the newest.
    Census,
    /// Who is booked and who lies in a bed.
    Booked,
    /// Everything else.
    Facts,
}

struct Pass<'a, 'p> {
    pull: &'a mut Pull<'p>,
    stage: Stage,
    file: usize,
    done: &'a mut u64,
    total: u64,
    progress: &'a mut dyn FnMut(Progress),
}

impl Taker for Pass<'_, '_> {
    fn read(&mut self, bytes: u64) {
        // The pass in the middle reads a few types only; the bar belongs to the first and the last.
        if self.stage == Stage::Booked {
            return;
        }
        let before = *self.done >> 22;
        *self.done += bytes;
        if *self.done >> 22 != before {
            (self.progress)(Progress::Reading((*self.done).min(self.total), self.total));
        }
    }

    fn fault(&mut self, file: &str, fault: Fault) {
        // Every pass meets the same faults.
        if self.stage != Stage::Census {
            return;
        }
        self.pull.lose(self.file, file, &fault, None);
    }

    fn take(&mut self, text: &str, place: &Place<'_>) {
        match self.stage {
            Stage::Census => self.pull.census(self.file, text, place),
            Stage::Booked | Stage::Facts => {
                if !place.deleted && !self.pull.older.contains(&place.ordinal) {
                    self.pull.facts(self.stage, self.file, text, place);
                }
            }
        }
    }
}

impl Pull<'_> {
    /// Something that could not be read: told, and no list it may have belonged to is called empty.
    pub(super) fn lose(&mut self, number: usize, file: &str, fault: &Fault, kind: Option<DataKind>) {
        let severity = if fault.torn {
            Severity::Severe
        } else {
            Severity::Warning
        };
        self.gathering
            .ledger
            .add(Finding::new(fault.code, severity, fault.message.as_str()).at(file, fault.line));
        if fault.code == "field.undecodable" {
            return;
        }
        let Some(seen) = self.seen.get_mut(number) else { return };
        seen.refused += 1;
        seen.torn |= fault.torn;
        // NDJSON files hold one type; of anything else it could have been any kind.
        let kinds: Vec<DataKind> = match (kind, seen.types.len()) {
            (Some(kind), _) => vec![kind],
            (None, 1) => seen.types.keys().filter_map(|one| kind_of(one)).collect(),
            (None, _) => {
                by_file_name(file).map_or_else(|| self.settings.carries.iter().copied().collect(), |kind| vec![kind])
            }
        };
        let unknown = kinds.len() > 1;
        for kind in kinds {
            // A file that could have held anything is no reason to take everybody: who is booked elsewhere still is.
            let says_who = matches!(kind, DataKind::Patient | DataKind::Appointment | DataKind::Stay);
            if fault.torn && !(unknown && says_who) {
                self.gathering.fail(kind);
            } else {
                self.doubtful.insert(kind);
            }
        }
    }

    fn facts(&mut self, stage: Stage, number: usize, text: &str, place: &Place<'_>) {
        let Ok(name) = bundle::type_of(text) else { return };
        let booked = matches!(&*name, "Appointment" | "Encounter");
        if booked != (stage == Stage::Booked) {
            return;
        }
        let carried = match &*name {
            "Observation" => [DataKind::Result, DataKind::Vital, DataKind::Profile, DataKind::Stay]
                .iter()
                .any(|kind| self.settings.carries.contains(kind)),
            // Departments of encounters are used by other kinds.
            "Encounter" => true,
            name => kind_of(name).is_some_and(|kind| self.settings.carries.contains(&kind)),
        };
        if !carried {
            return;
        }
        let used = match &*name {
            "Appointment" => self.fact::<resource::Appointment<'_>>(text, place, facts::booking::appointment),
            "Encounter" => self.fact::<resource::Encounter<'_>>(text, place, facts::stay::encounter),
            "ServiceRequest" => self.fact::<resource::ServiceRequest<'_>>(text, place, facts::booking::order),
            "Condition" => self.fact::<resource::Condition<'_>>(text, place, facts::diagnosis::condition),
            "AllergyIntolerance" => self.fact::<resource::AllergyIntolerance<'_>>(text, place, facts::allergy::allergy),
            "MedicationRequest" => self.fact::<resource::MedicationRequest<'_>>(text, place, facts::drug::request),
            "Observation" => self.fact::<resource::Observation<'_>>(text, place, facts::observation::observation),
            "Coverage" => self.fact::<resource::Coverage<'_>>(text, place, facts::insurance::coverage),
            "DocumentReference" => self.fact::<resource::DocumentReference<'_>>(text, place, facts::note::document),
            "Composition" => self.fact::<resource::Composition<'_>>(text, place, facts::note::composition),
            "NutritionOrder" => self.fact::<resource::NutritionOrder<'_>>(text, place, facts::stay::nutrition),
            "List" => self.fact::<resource::List<'_>>(text, place, facts::allergy::list),
            "Flag" => self.fact::<resource::Flag<'_>>(text, place, facts::stay::flag),
            _ => return,
        };
        let Some(seen) = self.seen.get_mut(number) else { return };
        match used {
            Ok(true) => seen.used += 1,
            Ok(false) => {}
            Err(fault) => self.lose(number, place.file, &fault, kind_of(&name)),
        }
    }

    fn fact<'t, T: Field<'t> + Modified>(
        &mut self,
        text: &'t str,
        place: &Place<'_>,
        take: impl FnOnce(&T, &mut Scene<'_>) -> bool,
    ) -> Result<bool, Fault> {
        let (it, odd): (T, Odd) = json::read(text).map_err(|error| Fault {
            code: "fhir.json",
            message: format!(
                "読めないリソースです（{}字目）。この1件を使いませんでした。",
                error.column()
            ),
            line: place.line,
            torn: false,
        })?;
        let mut scene = Scene {
            gathering: &mut self.gathering,
            directory: &mut self.directory,
            pending: &mut self.pending,
            place: *place,
            odd,
            modified: it.is_modified(),
            day: self.scope.day,
        };
        Ok(take(&it, &mut scene))
    }
}
