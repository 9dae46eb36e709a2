//! The first look at a storage: who there is in all roots, and who of them lies in a bed.
//!
//! Movements of every patient must be known to know who lies in a bed, and most patients have none or none that is new: what was seen at
//! the last reading is recognised by `state` and not read again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chart::{DataKind, Moment, PatientId};
use jiff::civil::Date;

use super::memory::{Ask, Entry, Memory};
use super::patient::{day_of, read_movements};
use super::state::{Seen, Token};
use super::{Patients, Settings, kinds, tell_missing_root, walk};
use crate::sources::gather::Gathering;
use crate::sources::{Progress, PullFault, Scope};

/// Most patients of all roots.
const MAX_FOLDERS: usize = 2_000_000;
/// Patients looked at between two words about progress.
const STEP: usize = 4_096;

/// One patient's folders.
#[derive(Debug, Clone)]
pub struct Folder {
    /// The number, as the folder is named.
    pub id: PatientId,
    /// In the standardized storage's roots.
    pub paths: Vec<PathBuf>,
    /// In the extended storage's.
    pub extended: Vec<PathBuf>,
    /// Lies in a bed.
    pub in_bed: bool,
    /// Taken because the settings say so.
    pub taken_anyway: bool,
}

/// What the first look gave.
#[derive(Debug, Default)]
pub struct Survey {
    /// Everybody.
    pub folders: Vec<Folder>,
    /// 発生日時 of the newest movements.
    pub newest: BTreeMap<DataKind, Moment>,
    /// How many were looked at.
    pub read: u64,
}

/// What looking at one patient gave.
struct Looked {
    in_bed: bool,
    recent: bool,
    newest: Option<Moment>,
    token: Option<Token>,
    /// Every day of the patient, where somebody looked.
    days: Option<Vec<Date>>,
    /// What was known, where nobody looked.
    entry: Option<Entry>,
}

impl Survey {
    /// Looks.
    pub fn look(
        settings: &Settings,
        scope: &Scope,
        gathering: &mut Gathering,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Self, PullFault> {
        let mut people: BTreeMap<PatientId, (Vec<PathBuf>, Vec<PathBuf>)> = BTreeMap::new();
        let mut failed: Vec<String> = Vec::new();
        let mut whole = true;
        for root in &settings.roots {
            let mut enter = |id: PatientId, path: PathBuf| add(&mut people.entry(id).or_default().0, path);
            match patients_of(root, &mut enter) {
                Ok(complete) => whole &= complete,
                Err(why) => {
                    tell_missing_root(root, &why, &kinds::STANDARD, gathering);
                    failed.push(format!("{}: {why}", root.display()));
                }
            }
        }
        if failed.len() == settings.roots.len() || people.is_empty() {
            let why = if failed.is_empty() {
                "患者のフォルダが1つもありません".to_owned()
            } else {
                failed.join(" / ")
            };
            return Err(PullFault::Unreadable(format!(
                "SS-MIX2 の置き場を読めません（{why}）。前回の写しはそのまま使えます。共有フォルダの接続、権限、roots の設定を確かめてください。"
            )));
        }
        for root in &settings.extended {
            let mut enter = |id: PatientId, path: PathBuf| {
                if let Some(known) = people.get_mut(&id) {
                    add(&mut known.1, path);
                }
            };
            match patients_of(root, &mut enter) {
                Ok(complete) => whole &= complete,
                Err(why) => tell_missing_root(root, &why, &[DataKind::Note, DataKind::Vital], gathering),
            }
        }
        if !whole {
            let message = "SS-MIX2 の置き場に、読めないフォルダか、数え切れない項目がありました。出てこない患者がいるかもしれません。";
            let finding = chart::Finding::new("folder.unreadable", chart::Severity::Severe, message);
            gathering.ledger.add(finding);
            gathering.doubt(DataKind::Stay);
        }
        let folders = people.into_iter().map(|(id, (paths, extended))| Folder {
            id,
            paths,
            extended,
            in_bed: false,
            taken_anyway: false,
        });
        let mut survey = Self {
            folders: folders.collect(),
            ..Self::default()
        };
        survey.beds(settings, scope, gathering, progress);
        Ok(survey)
    }

    fn beds(
        &mut self,
        settings: &Settings,
        scope: &Scope,
        gathering: &mut Gathering,
        progress: &mut dyn FnMut(Progress),
    ) {
        let seen = settings
            .state
            .as_deref()
            .map(|path| Seen::open(path, scope.now))
            .unwrap_or_default();
        let since = match settings.patients {
            Patients::Recent(days) => Some(super::days_before(scope.day, days)),
            Patients::Inpatients | Patients::All => None,
        };
        // Without what was seen everything is read, and the log only says where to begin next time.
        let log = settings.log.as_ref().filter(|_| settings.state.is_some());
        let mut memory = log.map(|log| {
            let ids = self.folders.iter().map(|folder| &folder.id);
            Memory::open(log, &settings.roots, ids, scope.now, !seen.is_empty())
        });
        let mut looked = self.look_at_all(settings, scope, &seen, memory.as_ref(), since, progress);
        if let Some(memory) = &mut memory {
            let caught = memory.was_caught(scope.now);
            if caught {
                looked = self.look_at_all(settings, scope, &seen, Some(memory), since, progress);
            }
            tell_log(memory, caught, gathering);
        }
        let (mut tokens, mut people) = (Vec::new(), Vec::new());
        let all = self.folders.len() as u64;
        for (folder, looked) in self.folders.iter_mut().zip(looked) {
            folder.in_bed = looked.in_bed;
            folder.taken_anyway = looked.recent || settings.patients == Patients::All;
            if let (Some(memory), Some(token)) = (&memory, looked.token) {
                people.extend(match &looked.days {
                    Some(days) => memory.entry(&folder.id, &folder.paths, days, looked.in_bed, token),
                    None => looked.entry,
                });
            }
            tokens.extend(looked.token);
            if let Some(at) = looked.newest {
                let newest = self.newest.entry(DataKind::Stay).or_insert(at);
                *newest = at.max(*newest);
            }
        }
        self.read = all;
        if let Some(path) = &settings.state {
            // A state that cannot be written costs time, nothing else.
            if let Err(fault) = seen.keep(path, &tokens, scope.now) {
                tracing::warn!(path = %path.display(), %fault, "the state of an SS-MIX2 source could not be written");
            }
        }
        if let Some(memory) = memory {
            memory.keep(people, scope.now);
        }
    }

    fn look_at_all(
        &self,
        settings: &Settings,
        scope: &Scope,
        seen: &Seen,
        memory: Option<&Memory<'_>>,
        since: Option<Date>,
        progress: &mut dyn FnMut(Progress),
    ) -> Vec<Looked> {
        let all = self.folders.len() as u64;
        let mut looked: Vec<Looked> = Vec::with_capacity(self.folders.len());
        for folders in self.folders.chunks(STEP) {
            progress(Progress::Reading(looked.len() as u64, all));
            looked.extend(walk::in_parallel(folders, settings.threads, |folder| {
                recall_or_look(folder, seen, scope, memory, since)
            }));
        }
        looked
    }
}

/// What is told about the log, where it is not as usual.
fn tell_log(memory: &Memory<'_>, caught: bool, gathering: &mut Gathering) {
    let finding = if caught {
        let message = "SS-MIX2 のトランザクションログに載っていない変更がフォルダにありました。ログは信用せず、全員のフォルダを確かめました。ログの書き出しを SS-MIX2 の担当者に確かめてください。";
        chart::Finding::new("ssmix2.log_incomplete", chart::Severity::Warning, message)
    } else if let Some(words) = memory.doubt.and_then(super::log::Doubt::words) {
        let message = format!("SS-MIX2 のトランザクションログが{words}。ログは使わず、全員のフォルダを確かめました。");
        chart::Finding::new("ssmix2.log", chart::Severity::Note, message)
    } else {
        return;
    };
    gathering.ledger.add(finding);
}

/// What is known of somebody whom the log does not name, else what a look gives.
fn recall_or_look(
    folder: &Folder,
    seen: &Seen,
    scope: &Scope,
    memory: Option<&Memory<'_>>,
    since: Option<Date>,
) -> Looked {
    let Some(memory) = memory else {
        return look_at(folder, seen, scope, since);
    };
    match memory.ask(&folder.id, &folder.paths) {
        Ask::Known(entry) => {
            let recent = since.map_or(Some(false), |since| entry.any_day(since, scope.day));
            recent.map_or_else(
                || look_at(folder, seen, scope, since),
                |recent| Looked {
                    in_bed: entry.in_bed,
                    recent,
                    newest: None,
                    token: Some(entry.token),
                    days: None,
                    entry: Some(entry.clone()),
                },
            )
        }
        Ask::Look(sample) => {
            let looked = look_at(folder, seen, scope, since);
            if let Some(entry) = sample {
                memory.compare(entry, looked.token.as_ref());
            }
            looked
        }
    }
}

/// Looks at one patient: by the dates of directories where they were seen before, else at the movements.
fn look_at(folder: &Folder, seen: &Seen, scope: &Scope, since: Option<Date>) -> Looked {
    let dated = Dates::of(folder, scope.now);
    let recent = since.is_some_and(|since| dated.days.iter().any(|on| *on >= since && *on <= scope.day));
    let mut print = seen.print(&folder.id);
    print.add(&dated.changes);
    if dated.stable && seen.has(&print.token(b"calm")) {
        return Looked {
            in_bed: false,
            recent,
            newest: None,
            token: Some(print.token(b"calm")),
            days: Some(dated.days),
            entry: None,
        };
    }
    let movements = dated.movements(scope.now);
    print.add(&movements.changes);
    let stable = dated.stable && movements.stable;
    for (in_bed, word) in [(true, &b"in"[..]), (false, b"out")] {
        if stable && seen.has(&print.token(word)) {
            return Looked {
                in_bed,
                recent,
                newest: None,
                token: Some(print.token(word)),
                days: Some(dated.days),
                entry: None,
            };
        }
    }
    let reading = read_movements(folder);
    let in_bed = reading.told.is_in_bed(scope.now);
    // The token of what is calm is that of the dates alone: next time nothing else is looked at.
    let calm = !movements.any && !in_bed;
    let token = stable.then(|| {
        if calm {
            let mut print = seen.print(&folder.id);
            print.add(&dated.changes);
            print.token(b"calm")
        } else {
            print.token(if in_bed { b"in" } else { b"out" })
        }
    });
    // Whoever could not be read whole is read again, and who is to be moved later today.
    let token = token.filter(|_| reading.lost.is_empty() && !reading.told.is_unsettled(scope.now));
    Looked {
        in_bed,
        recent,
        newest: reading.newest.get(&DataKind::Stay).copied(),
        token,
        days: Some(dated.days),
        entry: None,
    }
}

/// Directories of a patient with when they changed.
struct Dates {
    days: Vec<Date>,
    paths: Vec<PathBuf>,
    undated: Vec<PathBuf>,
    changes: Vec<u8>,
    stable: bool,
}

/// Directories of movements with when they changed.
struct Movements {
    any: bool,
    changes: Vec<u8>,
    stable: bool,
}

/// A directory that changed this shortly before may change again without a later date.
pub const SETTLED_SECONDS: i64 = 120;

impl Dates {
    fn of(folder: &Folder, now: Moment) -> Self {
        let mut dates = Self {
            days: Vec::new(),
            paths: Vec::new(),
            undated: Vec::new(),
            changes: Vec::new(),
            stable: true,
        };
        for path in &folder.paths {
            dates.stable &= note(path, now, &mut dates.changes);
            let Ok(listing) = walk::list(path) else {
                dates.stable = false;
                continue;
            };
            for day in listing.folders {
                dates.stable &= note(&day.path, now, &mut dates.changes);
                match day_of(&day.name) {
                    Some(Some(on)) => {
                        dates.days.push(on);
                        dates.paths.push(day.path);
                    }
                    Some(None) => dates.undated.push(day.path),
                    None => {}
                }
            }
        }
        // The master record says where somebody lies, too, and is rewritten in place.
        for path in dates.undated.clone() {
            let record = path.join("ADT-00");
            dates.stable &= note(&record, now, &mut dates.changes) || !record.exists();
        }
        dates
    }

    fn movements(&self, now: Moment) -> Movements {
        let mut found = Movements {
            any: false,
            changes: Vec::new(),
            stable: true,
        };
        for day in self.paths.iter().chain(&self.undated) {
            let Ok(listing) = walk::list(day) else {
                found.stable = false;
                continue;
            };
            for kind in listing.folders {
                if kind.name.to_str().is_some_and(kinds::is_movement) {
                    found.any = true;
                    found.stable &= note(&kind.path, now, &mut found.changes);
                }
            }
        }
        found
    }
}

/// Notes a directory's name and date; false when it is too fresh, or has no date.
fn note(path: &Path, now: Moment, changes: &mut Vec<u8>) -> bool {
    let Some(at) = walk::changed(path) else { return false };
    changes.extend_from_slice(path.as_os_str().as_encoded_bytes());
    changes.push(0);
    changes.extend_from_slice(&at.to_le_bytes());
    let seconds = i64::try_from(at.div_euclid(1_000_000_000)).unwrap_or(i64::MAX);
    seconds < now.0.saturating_sub(SETTLED_SECONDS)
}

/// One more folder, in no more memory than it needs: there may be a million patients, nearly all of them with one folder in a root.
fn add(paths: &mut Vec<PathBuf>, mut path: PathBuf) {
    path.shrink_to_fit();
    paths.reserve_exact(1);
    paths.push(path);
}

/// Every patient of a root: what lies at the third level, whatever the first two are called. False when something could not be listed.
///
/// # Errors
/// When the root itself cannot be listed.
fn patients_of(root: &Path, enter: &mut dyn FnMut(PatientId, PathBuf)) -> std::io::Result<bool> {
    let mut whole = true;
    let mut count = 0;
    let first = walk::list(root)?;
    whole &= !first.more;
    for one in first.folders {
        let Ok(second) = walk::list(&one.path) else {
            whole = false;
            continue;
        };
        for two in second.folders {
            let Ok(third) = walk::list(&two.path) else {
                whole = false;
                continue;
            };
            whole &= !third.more && !second.more;
            for three in third.folders {
                count += 1;
                match three.name.to_str().and_then(PatientId::parse) {
                    Some(id) if count <= MAX_FOLDERS => enter(id, three.path),
                    _ => whole = false,
                }
            }
        }
    }
    Ok(whole)
}
