//! From a source to a sealed snapshot on the shelf: pull, guard, seal, re-read, point to it.
//!
//! Charts stream: memory holds one chart, the thin index and the row references of the source. The guard stands before
//! the seal: an extract that is empty, shrunken or half-written never replaces the last good snapshot. The last good one
//! is not touched until the new one has been read back from disk and every record opened.

use std::cell::RefCell;
use std::io::Write;
use std::sync::Arc;

use chart::Moment;
use rand_core::CryptoRng;
use vault::files::ReadAt;
use vault::keys::SealerSecret;
use vault::shelf_slots::{BoxError, DestructionRecord, Identity, Slots, SlotsFault, whole_snapshot};
use vault::snapshot::{EpochKeys, SealPlan, Sealed, StationGrant, UserGrant};

use crate::identity::{Rights, Roster, user_id};
use crate::sources::{Extract, Progress, Scope, Source};

pub mod days;
mod guard;
mod runs;
mod stat;
mod writing;

use writing::Writing;

pub use guard::{Guard, History, HistoryFault, Refusal};
pub use runs::{Have, LATE_MINUTES, Late, Outcome, RETRY_SECONDS, Running, Runs, Stage, Timetable, Why};
pub use stat::{KindCount, KindOrigin, SnapshotStat, WardCount};

pub use crate::identity::EVERYBODY;

/// What to seal, for whom, and how careful to be.
pub struct Order<'a> {
    /// Who may open it.
    pub roster: &'a Roster,
    /// The sealing key.
    pub sealer: &'a SealerSecret,
    /// What to read.
    pub scope: Scope,
    /// When to refuse.
    pub guard: Guard,
    /// Hours for which the snapshot counts as fresh.
    pub fresh_hours: u16,
    /// Seal nothing when the EHR has said nothing new since the snapshot in use: generations are few, and a refresh every hour of an
    /// export written once a night would push the older ones out.
    pub only_new: bool,
    /// Bytes of the canary section (`readiness::canaries`); empty for a snapshot without one.
    pub canaries: &'a [u8],
}

/// A finished extract.
#[derive(Debug)]
pub struct Done {
    /// What the source said.
    pub extract: Extract,
    /// What the snapshot says about itself.
    pub stat: SnapshotStat,
    /// Which snapshot it is.
    pub identity: Identity,
    /// Records opened again from disk.
    pub reopened: u64,
    /// The generation that made room, for the log of destructions.
    pub destroyed: Option<DestructionRecord>,
    /// Opens the snapshot: for what is made of it at once, while nobody is signed in. In memory only, erased on drop.
    pub keys: EpochKeys,
}

/// Why there is no new snapshot. In every case the last good one stays in use.
#[derive(Debug, thiserror::Error)]
pub enum ExtractFault {
    /// The source could not be read at all.
    #[error("取り出しに失敗しました。{0} 前回の封印済みデータはそのまま使えます")]
    Pull(String),
    /// Nothing new since the snapshot in use, which was all that was asked for ([`Order::only_new`]).
    #[error("電子カルテの書き出しは前回から変わっていません。いまの封印済みデータが最新です")]
    Unchanged,
    /// The guard refused.
    #[error("取り出したデータを採用しませんでした: {0} 前回の封印済みデータはそのまま使えます")]
    Refused(Refusal),
    /// Sealing failed: disk full, no permission, a key that does not fit.
    #[error("封印に失敗しました: {0} 前回の封印済みデータはそのまま使えます")]
    Seal(String),
    /// The roster cannot be used.
    #[error("名簿（roster）に問題があります: {0}")]
    Roster(#[from] crate::identity::RosterFault),
}

/// Steps of the work, for progress bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The source is read.
    Pull(Progress),
    /// Records opened again after sealing, of all.
    Reopen(u64, u64),
}

/// Pulls, guards, seals and installs.
///
/// # Errors
/// [`ExtractFault`]; the snapshot in use before stays in use.
pub fn run(
    source: &dyn Source,
    slots: &Slots,
    order: &Order<'_>,
    rng: &mut impl CryptoRng,
    progress: &mut dyn FnMut(Step),
) -> Result<Done, ExtractFault> {
    let trusted = order.roster.sealers()?;
    let last = last_good(slots, &trusted)?;
    let rights = Rights::of_roster(order.roster);
    let plan = plan(order, &rights, last.as_ref().map(|(identity, _)| *identity))?;
    let last_stat = last.map(|(_, stat)| stat);
    let sealed: RefCell<Option<(Sealed, Extract, SnapshotStat)>> = RefCell::new(None);
    let refusal: RefCell<Option<ExtractFault>> = RefCell::new(None);
    let reopened = RefCell::new(0);
    let progress = RefCell::new(progress);
    let write = |out: &mut dyn Write| -> Result<(), BoxError> {
        let mut writing = Writing::new(out, &plan, order, &rights, rng);
        let pulled = source.pull(&order.scope, &mut |chart| writing.take(&chart), &mut |p| {
            (progress.borrow_mut())(Step::Pull(p))
        });
        let extract = match pulled {
            Ok(extract) => extract,
            Err(fault) => {
                *refusal.borrow_mut() = Some(ExtractFault::Pull(format!("{fault}")));
                return Err(fault.to_string().into());
            }
        };
        let stat = SnapshotStat::new(&order.scope, &extract);
        if let Err(refused) = order.guard.judge(&extract, &stat, last_stat.as_ref()) {
            *refusal.borrow_mut() = Some(ExtractFault::Refused(refused));
            return Err("refused".into());
        }
        let as_before = last_stat.as_ref().is_some_and(|last| *last == stat);
        if order.only_new && as_before && !order.guard.accepted {
            *refusal.borrow_mut() = Some(ExtractFault::Unchanged);
            return Err("unchanged".into());
        }
        let done = writing.finish(&extract, &stat)?;
        *sealed.borrow_mut() = Some((done, extract, stat));
        Ok(())
    };
    let mut verify = |source: Arc<dyn ReadAt>| -> Result<(Identity, ()), BoxError> {
        let (identity, snapshot) = whole_snapshot(source, &trusted)?;
        if let Some((sealed, ..)) = sealed.borrow().as_ref()
            && sealed.manifest.epoch == identity.epoch
        {
            *reopened.borrow_mut() = open_all(&snapshot, &sealed.reopen, &mut **progress.borrow_mut())?;
        }
        Ok((identity, ()))
    };
    let installed = slots.install(write, &mut verify);
    if let Some(fault) = refusal.take() {
        return Err(fault);
    }
    let installed = installed.map_err(|fault| ExtractFault::Seal(said(&fault)))?;
    let Some((sealed, extract, stat)) = sealed.take() else {
        return Err(ExtractFault::Seal("封印が終わりませんでした。".to_owned()));
    };
    Ok(Done {
        extract,
        stat,
        identity: installed.current.identity,
        reopened: reopened.take(),
        destroyed: installed.destroyed,
        keys: sealed.reopen,
    })
}

/// Opens every record with the keys the sealer still holds: complete, or an error.
fn open_all(
    snapshot: &vault::snapshot::Snapshot,
    keys: &EpochKeys,
    progress: &mut dyn FnMut(Step),
) -> Result<u64, BoxError> {
    let unlocked = snapshot.unlock_epoch(keys)?;
    let checked = unlocked.verify_records(&mut |done, all| progress(Step::Reopen(done, all)))?;
    if checked.is_whole() {
        Ok(checked.opened)
    } else {
        Err(format!("{} of {} records open", checked.opened, checked.expected).into())
    }
}

/// The whole chain of an error in one line.
fn said(fault: &SlotsFault) -> String {
    let mut text = fault.to_string();
    let mut source = std::error::Error::source(fault);
    while let Some(inner) = source {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        source = inner.source();
    }
    text.push('。');
    text
}

/// The snapshot in use with its statistics, for the guard and the next epoch.
fn last_good(
    slots: &Slots,
    trusted: &[vault::keys::SealerPublic],
) -> Result<Option<(Identity, SnapshotStat)>, ExtractFault> {
    let mut verify = |source: Arc<dyn ReadAt>| -> Result<(Identity, SnapshotStat), BoxError> {
        let snapshot = vault::snapshot::Snapshot::open(source, trusted)?;
        let stat = SnapshotStat::from_bytes(&snapshot.stat()?)?;
        Ok((Identity::from(snapshot.manifest()), stat))
    };
    let found = slots
        .current(&mut verify)
        .map_err(|fault| ExtractFault::Seal(said(&fault)))?;
    Ok(found.current.map(|current| (current.identity, current.opened)))
}

/// Epoch: days since 2020-01-01 × 16 (security.md §4), or one more than the last.
fn epoch(now: Moment, last: Option<u64>) -> u64 {
    const FIRST_DAY: i64 = 18_262; // 2020-01-01 in days since 1970
    let today = u64::try_from((now.0 / 86_400 - FIRST_DAY).max(0)).unwrap_or(0) * 16;
    last.map_or(today, |last| today.max(last + 1))
}

fn plan(order: &Order<'_>, rights: &Rights, last: Option<Identity>) -> Result<SealPlan, ExtractFault> {
    let roster = order.roster;
    let hospital = roster.hospital();
    let stations = roster
        .stations
        .iter()
        .filter(|s| !s.retired)
        .map(|s| {
            Ok(StationGrant {
                id: roster.station_id(s.code),
                public: s.public()?,
            })
        })
        .collect::<Result<_, ExtractFault>>()?;
    let mut users = Vec::new();
    for user in roster.users.iter().filter(|u| !u.disabled) {
        users.push(UserGrant {
            id: user_id(&hospital, &user.record.staff_number),
            public: user.public()?,
            record: minicbor::to_vec(&user.record).map_err(|e| ExtractFault::Seal(e.to_string()))?,
            roles: rights.roles_of(&user.record),
            slots: vec![user.slot()?],
        });
    }
    let now = order.scope.now;
    Ok(SealPlan {
        hospital,
        epoch: epoch(now, last.map(|l| l.epoch)),
        delta: 0,
        created: now.0,
        fresh_until: now.0 + i64::from(order.fresh_hours) * 3600,
        previous: last.map_or([0; 32], |l| l.manifest_sha256),
        stations,
        users,
        roles: rights.role_grants(),
        compartments: rights.compartments(),
        recovery: roster.recovery()?,
        policy: roster.without_users().to_bytes()?,
        dictionary: Vec::new(),
        level: vault::train::LEVEL,
    })
}
