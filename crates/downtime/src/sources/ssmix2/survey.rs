//! The first look at a storage: who there is in all roots, and who of them lies in a bed.
//!
//! Movements of every patient must be known to know who lies in a bed, and most patients have none or none that is new: what was seen at
//! the last reading is recognised by `state` and not read again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chart::{DataKind, Moment, PatientId};
use jiff::civil::Date;

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
        survey.beds(settings, scope, progress);
        Ok(survey)
    }

    fn beds(&mut self, settings: &Settings, scope: &Scope, progress: &mut dyn FnMut(Progress)) {
        let seen = settings
            .state
            .as_deref()
            .map(|path| Seen::open(path, scope.now))
            .unwrap_or_default();
        let since = match settings.patients {
            Patients::Recent(days) => Some(super::days_before(scope.day, days)),
            Patients::Inpatients | Patients::All => None,
        };
        let all = self.folders.len() as u64;
        let mut tokens = Vec::new();
        let mut looked: Vec<Looked> = Vec::with_capacity(self.folders.len());
        for folders in self.folders.chunks(STEP) {
            progress(Progress::Reading(looked.len() as u64, all));
            looked.extend(walk::in_parallel(folders, settings.threads, |folder| {
                look_at(folder, &seen, scope, since)
            }));
        }
        for (folder, looked) in self.folders.iter_mut().zip(looked) {
            folder.in_bed = looked.in_bed;
            folder.taken_anyway = looked.recent || settings.patients == Patients::All;
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
const SETTLED_SECONDS: i64 = 120;

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
