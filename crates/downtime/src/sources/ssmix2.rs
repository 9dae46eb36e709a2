//! SS-MIX2 standardized storage 1.2x, and the list of documents of the extended storage, read where they lie.
//!
//! One patient is a folder in each of several roots; what is current is known by the flag in a file's name. What the messages mean is
//! `hl7v2`'s. Nothing is ever written beside the storage; what may be remembered between two readings is in `state`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use chart::{Chart, DataKind, Finding, Moment, PatientId, Severity};
use jiff::ToSpan;
use jiff::civil::Date;

use self::patient::{Reading, Window};
use self::survey::Survey;
use super::gather::{Gathering, Limits, Reach, kind_word};
use super::hl7v2::{Names, Saying};
use super::{Extract, Origin, Progress, PullFault, Scope, Source};

mod cda;
mod documents;
pub mod kinds;
mod log;
mod memory;
pub mod name;
mod patient;
mod state;
mod survey;
mod walk;

pub use self::memory::Log;

/// Most roots of one storage.
pub const MAX_ROOTS: usize = 32;
/// Most threads that read directories: a file server answers a few at a time.
pub const MAX_THREADS: usize = 16;
/// Patients read at a time, so that never all of them are in memory.
const BATCH: usize = 512;
/// Files without a last carriage return are suspicious only where at least one in so many has one.
const USUAL_SHARE: u64 = 2;

/// Who is taken besides those whom other sources have asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Patients {
    /// Whoever lies in a bed.
    #[default]
    Inpatients,
    /// And whoever has a folder of a day within so many days before the day.
    Recent(u16),
    /// Everybody.
    All,
}

/// What the hospital configures.
#[derive(Debug, Clone)]
pub struct Settings {
    /// 標準化ストレージ
    pub roots: Vec<PathBuf>,
    /// 拡張ストレージ
    pub extended: Vec<PathBuf>,
    /// Who is taken.
    pub patients: Patients,
    /// Days back for prescriptions and orders.
    pub medicine_days: u16,
    /// Days back for results and documents.
    pub result_days: u16,
    /// Names for codes that come alone.
    pub names: Names,
    /// Threads that read.
    pub threads: usize,
    /// Where what was seen is remembered (see `state`); `None` reads everything each time.
    pub state: Option<PathBuf>,
    /// トランザクションストレージ, with which fewer patients need be looked at; of use only with [`Self::state`].
    pub log: Option<Log>,
}

impl Settings {
    /// For these roots, with everything else as usual.
    #[must_use]
    pub fn of(roots: Vec<PathBuf>) -> Self {
        Self {
            roots,
            extended: Vec::new(),
            patients: Patients::default(),
            medicine_days: super::hl7v2::MEDICINE_DAYS,
            result_days: 400,
            names: Names::default(),
            threads: 4,
            state: None,
            log: None,
        }
    }
}

/// The storage as a source.
#[derive(Debug)]
pub struct SsMix2 {
    settings: Settings,
}

/// Why a storage cannot be a source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SsMix2Fault {
    /// No root, or more than [`MAX_ROOTS`].
    #[error("SS-MIX2 の roots は1つから{MAX_ROOTS}までです（{0}個あります）")]
    Roots(usize),
    /// Threads out of bounds.
    #[error("SS-MIX2 の threads は1から{MAX_THREADS}までです: {0}")]
    Threads(usize),
}

impl SsMix2 {
    /// A source.
    ///
    /// # Errors
    /// [`SsMix2Fault`]: settings out of bounds.
    pub fn new(settings: Settings) -> Result<Self, SsMix2Fault> {
        let roots = settings.roots.len() + settings.extended.len();
        if settings.roots.is_empty() || roots > MAX_ROOTS {
            return Err(SsMix2Fault::Roots(roots));
        }
        if settings.threads == 0 || settings.threads > MAX_THREADS {
            return Err(SsMix2Fault::Threads(settings.threads));
        }
        Ok(Self { settings })
    }

    fn kinds(&self) -> Vec<DataKind> {
        let mut kinds = kinds::STANDARD.to_vec();
        if !self.settings.extended.is_empty() {
            kinds.extend([DataKind::Note, DataKind::Vital]);
        }
        kinds
    }
}

impl Source for SsMix2 {
    fn carries(&self) -> BTreeSet<DataKind> {
        self.kinds().into_iter().collect()
    }

    fn pull(
        &self,
        scope: &Scope,
        chart: &mut dyn FnMut(Chart) -> anyhow::Result<()>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Extract, PullFault> {
        let mut gathering = Gathering::new(scope, Limits::default(), self.kinds());
        let survey = Survey::look(&self.settings, scope, &mut gathering, progress)?;
        let wanted: Vec<&survey::Folder> = survey
            .folders
            .iter()
            .filter(|folder| {
                let asked = scope.wanted.is_some() && gathering.wants(&folder.id);
                asked || folder.in_bed || folder.taken_anyway
            })
            .collect();
        let window = Window::of(&self.settings, scope);
        let mut tally = Tally::default();
        let all = wanted.len() as u64;
        for (batch, folders) in (0_u64..).zip(wanted.chunks(BATCH)) {
            progress(Progress::Reading(survey.read + batch * BATCH as u64, survey.read + all));
            let read = walk::in_parallel(folders, self.settings.threads, |folder| patient::read(folder, &window));
            for (folder, reading) in folders.iter().zip(read) {
                self.take(folder, reading, scope, &mut gathering, &mut tally);
            }
        }
        tally.tell_unterminated(&mut gathering);
        for (kind, at) in &survey.newest {
            gathering.vouch(*kind, *at);
        }
        gathering.finish(tally.origins(), chart, progress)
    }
}

impl SsMix2 {
    fn take(
        &self,
        folder: &survey::Folder,
        reading: Reading,
        scope: &Scope,
        gathering: &mut Gathering,
        tally: &mut Tally,
    ) {
        tally.count(&folder.id, &reading);
        for (kind, at) in &reading.newest {
            gathering.vouch(*kind, *at);
        }
        let saying = Saying {
            day: scope.day,
            now: scope.now,
            names: &self.settings.names,
            medicine_days: self.settings.medicine_days,
        };
        let Some(mut about) = gathering.about(&folder.id) else {
            return;
        };
        if folder.taken_anyway {
            about.want(Reach::Full);
        }
        for remark in reading.remarks {
            about.tell(remark.code, remark.severity, &remark.file, "", remark.message);
        }
        about.draft.lost.extend(reading.lost);
        about.draft.notes.extend(reading.notes);
        about.draft.facts.extend(reading.facts);
        reading.told.say(&folder.id, &mut about, &saying);
    }
}

/// What was read, by データ種別.
#[derive(Debug, Default)]
struct Tally {
    by_kind: BTreeMap<String, Origin>,
    files: u64,
    unterminated: Vec<(PatientId, String, Arc<str>)>,
}

/// Most names of files kept for telling.
const MAX_UNTERMINATED: usize = 1_000;

impl Tally {
    fn count(&mut self, id: &PatientId, reading: &Reading) {
        for (kind, counted) in &reading.counted {
            let origin = self.by_kind.entry(kind.clone()).or_insert_with(|| Origin {
                name: kind.clone(),
                kind: kinds::of(kind).first().copied().unwrap_or(DataKind::Note),
                bytes: 0,
                rows: 0,
                used: 0,
                refused: 0,
                written: Moment(0),
                half_written: false,
            });
            origin.bytes += counted.bytes;
            origin.rows += counted.files;
            origin.used += counted.used;
            origin.refused += counted.files - counted.used;
            origin.written = origin.written.max(counted.newest);
            self.files += counted.files;
        }
        for (kind, file) in &reading.unterminated {
            if self.unterminated.len() < MAX_UNTERMINATED {
                self.unterminated.push((id.clone(), kind.clone(), Arc::clone(file)));
            }
        }
    }

    /// Where files end with a carriage return, as most products write them, one that does not may be half written.
    fn tell_unterminated(&mut self, gathering: &mut Gathering) {
        if self.unterminated.len() as u64 * USUAL_SHARE > self.files {
            return;
        }
        for (id, kind, file) in std::mem::take(&mut self.unterminated) {
            let Some(mut about) = gathering.about(&id) else {
                continue;
            };
            let message = "ファイルが行の途中で終わっています。書きかけかもしれません。読めたところまでを使いました。";
            about.tell("file.half_written", Severity::Warning, &file, "", message);
            about.draft.lost.extend(kinds::of(&kind));
        }
    }

    fn origins(self) -> Vec<Origin> {
        self.by_kind.into_values().collect()
    }
}

/// A root that is not there leaves a gap in every kind.
fn tell_missing_root(root: &std::path::Path, why: &std::io::Error, kinds: &[DataKind], gathering: &mut Gathering) {
    let name = root
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let words: Vec<&str> = kinds.iter().map(|kind| kind_word(*kind)).collect();
    let message = format!(
        "SS-MIX2 の置き場「{name}」を読めません（{why}）。ここにしかない記録は「取得できず」になります（{}）。共有フォルダの接続と権限を確かめてください。",
        words.join("、")
    );
    gathering
        .ledger
        .add(Finding::new("root.missing", Severity::Severe, message).at(&name, 0));
    for kind in kinds {
        gathering.fail(*kind);
    }
}

/// The first day within so many days before a day.
fn days_before(day: Date, days: u16) -> Date {
    day.saturating_sub(i64::from(days).days())
}
