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
use vault::shelf_slots::{BoxError, DestructionRecord, Identity, Slots, SlotsFault, Water, whole_snapshot};
use vault::snapshot::{EpochKeys, SealPlan, Snapshot, StationGrant, UserGrant};

use crate::identity::{Rights, Roster, user_id};
use crate::sources::{Extract, Progress, Scope, Source};

pub mod days;
mod guard;
mod lasting;
mod runs;
mod stat;
mod writing;

use writing::{Writing, Written};

pub use guard::{Guard, History, HistoryFault, Refusal};
pub use lasting::{GROWN_PERCENT, Lasting, MAX_VOUCHED};
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
    /// Charts that had not changed and kept their sealed bytes; 0 where a new epoch began.
    pub kept: u64,
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

/// Pulls, guards, seals and installs, always as a new epoch: nothing is remembered.
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
    run_lasting(source, slots, order, &mut Lasting::default(), rng, progress)
}

/// As [`run`]; goes on with the epoch that is remembered where it can, so that stations fetch only what changed.
///
/// # Errors
/// [`ExtractFault`]; the snapshot in use before stays in use. After a sealing that failed the next one begins a new epoch.
pub fn run_lasting(
    source: &dyn Source,
    slots: &Slots,
    order: &Order<'_>,
    lasting: &mut Lasting,
    rng: &mut impl CryptoRng,
    progress: &mut dyn FnMut(Step),
) -> Result<Done, ExtractFault> {
    let trusted = order.roster.sealers()?;
    let last = last_good(slots, &trusted)?;
    let rights = Rights::of_roster(order.roster);
    let identity = last.as_ref().map(|(before, _)| Identity::from(before.manifest()));
    // The mark may be above what is in use, when what was in use is damaged: its numbers are taken all the same.
    let highest = slots.water().map(|water| water.identity).max(identity);
    let plan = plan(order, &rights, identity, highest)?;
    let sealed_for = lasting::sealed_for(&plan, order);
    let before = last.as_ref().map(|(before, _)| before);
    let going_on = before.and_then(|before| {
        lasting
            .fits(before.manifest(), &sealed_for)
            .map(|epoch| (before, epoch))
    });
    let edition = edition(&plan, last.as_ref());
    let last_stat = last.as_ref().map(|(_, stat)| stat);
    let sealed: RefCell<Option<(Written, Extract)>> = RefCell::new(None);
    let refusal: RefCell<Option<ExtractFault>> = RefCell::new(None);
    let reopened = RefCell::new(0);
    let progress = RefCell::new(progress);
    let write = |out: &mut dyn Write| -> Result<(), BoxError> {
        let mut writing = match going_on {
            Some(before) => Writing::going_on(out, (&plan, order), &rights, before, rng)?,
            None => Writing::new(out, &plan, order, &rights, rng),
        };
        let pulled = source.pull(&order.scope, &mut |chart| writing.take(chart), &mut |p| {
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
        if let Err(refused) = order.guard.judge(&extract, &stat, last_stat) {
            *refusal.borrow_mut() = Some(ExtractFault::Refused(refused));
            return Err("refused".into());
        }
        let as_before = last_stat.is_some_and(|last| last.says_as(&stat));
        if order.only_new && as_before && !order.guard.accepted {
            *refusal.borrow_mut() = Some(ExtractFault::Unchanged);
            return Err("unchanged".into());
        }
        let stat = SnapshotStat { edition, ..stat };
        let done = writing.finish(&extract, stat, sealed_for)?;
        *sealed.borrow_mut() = Some((done, extract));
        Ok(())
    };
    let mut verify = |source: Arc<dyn ReadAt>| -> Result<(Identity, ()), BoxError> {
        let (identity, snapshot) = whole_snapshot(source, &trusted)?;
        if let Some((written, ..)) = sealed.borrow().as_ref()
            && Identity::from(&written.sealed.manifest) == identity
        {
            *reopened.borrow_mut() = open_all(&snapshot, &written.sealed.reopen, &mut **progress.borrow_mut())?;
        }
        Ok((identity, ()))
    };
    let installed = slots.install(write, &mut verify);
    if let Some(fault) = refusal.take() {
        return Err(fault);
    }
    let installed = installed.map_err(|fault| {
        lasting.end();
        ExtractFault::Seal(said(&fault))
    })?;
    let Some((written, extract)) = sealed.take() else {
        return Err(ExtractFault::Seal("封印が終わりませんでした。".to_owned()));
    };
    let identity = installed.current.identity;
    // The mark is raised again when the shelf is looked at; without it the snapshot is in use all the same.
    let marked = slots.raise_water(Water {
        identity,
        told: plan.created,
    });
    if let Err(fault) = marked {
        tracing::warn!(%fault, "the high-water mark was not raised");
    }
    lasting.keep(written.epoch);
    Ok(Done {
        extract,
        stat: written.stat,
        identity,
        reopened: reopened.take(),
        kept: written.kept,
        destroyed: installed.destroyed,
        keys: written.sealed.reopen,
    })
}

/// Number of the sealing, one more than the last: an epoch's number for the first, and never the same for two, for papers are numbered by it.
fn edition(plan: &SealPlan, last: Option<&(Snapshot, SnapshotStat)>) -> u64 {
    last.map_or(plan.epoch, |(before, stat)| {
        let next = stat.edition_of(before.manifest().epoch).saturating_add(1);
        // A delta has its epoch's number, which its first sealing has taken.
        next.max(plan.epoch)
    })
}

/// Opens every record with the keys the sealer still holds: complete, or an error.
fn open_all(snapshot: &Snapshot, keys: &EpochKeys, progress: &mut dyn FnMut(Step)) -> Result<u64, BoxError> {
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

/// The snapshot in use with its statistics, for the guard, the next epoch and the next delta.
fn last_good(
    slots: &Slots,
    trusted: &[vault::keys::SealerPublic],
) -> Result<Option<(Snapshot, SnapshotStat)>, ExtractFault> {
    let mut verify = |source: Arc<dyn ReadAt>| -> Result<(Identity, (Snapshot, SnapshotStat)), BoxError> {
        let snapshot = Snapshot::open(source, trusted)?;
        let stat = SnapshotStat::from_bytes(&snapshot.stat()?)?;
        Ok((Identity::from(snapshot.manifest()), (snapshot, stat)))
    };
    let found = slots
        .current(&mut verify)
        .map_err(|fault| ExtractFault::Seal(said(&fault)))?;
    Ok(found.current.map(|current| current.opened))
}

/// Epoch: days since 2020-01-01 × 16 (security.md §4), or one more than the last.
fn epoch(now: Moment, last: Option<u64>) -> u64 {
    const FIRST_DAY: i64 = 18_262; // 2020-01-01 in days since 1970
    let today = u64::try_from((now.0 / 86_400 - FIRST_DAY).max(0)).unwrap_or(0) * 16;
    last.map_or(today, |last| today.max(last + 1))
}

fn plan(
    order: &Order<'_>,
    rights: &Rights,
    last: Option<Identity>,
    highest: Option<Identity>,
) -> Result<SealPlan, ExtractFault> {
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
        epoch: epoch(now, highest.map(|l| l.epoch)),
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
