//! Writing the log: one thread, group commit. Nothing is read back here; trees, checkpoints and replication are the
//! station's matter, which hears of every durable record through [`Taken`].

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rand_core::CryptoRng;
use vault::checkpoint::SignedCheckpoint;
use vault::files::Files;
use vault::journal::{Damage, DamageKind, Incarnation, Journal, Place, Record, Start, StartFault, Walk};
use vault::keys::{RolePublic, StationSecret};
use vault::{HospitalId, IncarnationId, StationId};

use super::{Ledger, Sighting};
use crate::journal::{HybridClock, Keeper, NotSaving};

/// The log could not take a sighting: nothing may be shown.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "閲覧の記録を書けないため、開けません（{0}）。紙の資料を使うか、ほかの端末で開いてください。急ぐときは緊急封筒で開けます"
)]
pub struct NotAudited(pub String);

/// Most sightings held in memory while the log cannot be written.
const MOST_HELD: usize = 10_000;

/// Sightings that the disk did not take.
type Held = Arc<Mutex<Vec<Sighting>>>;

/// Called with every durable record before its author hears of it; first with what earlier lives left.
pub type Taken = Arc<dyn Fn(Vec<Record>) + Send + Sync>;

/// What a log is started with.
pub struct LogStart<'a> {
    /// The hospital.
    pub hospital: HospitalId,
    /// This station.
    pub station: StationId,
    /// Signs records.
    pub secret: &'a StationSecret,
    /// The audit role.
    pub audit: RolePublic,
    /// Orders records; shared with the journal.
    pub clock: Arc<HybridClock>,
    /// Checkpoints of this log that are remembered here. A chain that no longer contains one is left as it is, and another
    /// begins: what is written from now on must not be mixed with what somebody changed.
    pub seen: &'a [SignedCheckpoint],
}

/// This station's audit log.
pub struct AuditLog {
    keeper: Keeper<Sighting>,
    incarnation: IncarnationId,
    held: Held,
}

impl AuditLog {
    /// Recovers what earlier lives left under `dir` and begins to write. Gives the places that are not as they were written,
    /// without those that a crash leaves.
    ///
    /// # Errors
    /// [`StartFault`], or what the system says when the thread cannot be started.
    pub fn start(
        files: Arc<dyn Files>,
        dir: &Path,
        start: &LogStart<'_>,
        mut rng: Box<dyn CryptoRng + Send>,
        taken: Taken,
    ) -> Result<(Self, Vec<Damage>), StartFault> {
        let readers = [start.audit];
        let mut open = |incarnation| {
            let start = Start {
                hospital: start.hospital,
                station: start.station,
                secret: start.secret,
                incarnation,
                readers: &readers,
                hlc: start.clock.next(),
                time_quality: start.clock.quality(),
            };
            Journal::start(Arc::clone(&files), dir, &start, &mut *rng)
        };
        let (mut journal, mut walk) = open(Incarnation::Continue)?;
        if !goes_on(&walk, journal.head().0, start.seen) {
            tracing::error!(
                "★ the audit log does not continue what was seen of it: another chain begins, the old one stays"
            );
            // Its lock goes with it.
            drop(journal);
            (journal, walk) = open(Incarnation::New)?;
        }
        let mut damage = walk.damage;
        damage.retain(|damage| damage.kind != DamageKind::Unfinished);
        for damage in &damage {
            tracing::warn!(?damage, "a file of the audit log is not as it was written");
        }
        let (incarnation, ..) = journal.head();
        walk.records.push(journal.key_record().clone());
        taken(walk.records);
        let saved = Arc::new(move |new: Vec<(Record, Place, Sighting)>| {
            taken(new.into_iter().map(|(record, ..)| record).collect())
        });
        let keeper = Keeper::start(journal, Arc::clone(&start.clock), rng, saved)
            .map_err(|error| StartFault::Io("starting the thread of the audit log", error))?;
        let log = Self {
            keeper,
            incarnation,
            held: Held::default(),
        };
        Ok((log, damage))
    }

    /// The chain that is written now.
    #[must_use]
    pub const fn incarnation(&self) -> IncarnationId {
        self.incarnation
    }

    /// Writes a sighting and waits until it is durable.
    ///
    /// # Errors
    /// [`NotAudited`]: what it is about may not be shown.
    pub async fn write(&self, sighting: Sighting) -> Result<(), NotAudited> {
        self.flush_held();
        let waiting = self.keeper.keep(sighting).map_err(|fault| NotAudited(fault.0))?;
        match waiting.await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(fault)) => Err(NotAudited(fault.0)),
            Err(_) => Err(NotAudited("記録係のスレッドが止まりました。".to_owned())),
        }
    }

    /// The same for callers without an async runtime.
    ///
    /// # Errors
    /// [`NotAudited`].
    pub fn write_blocking(&self, sighting: Sighting) -> Result<(), NotAudited> {
        self.flush_held();
        let saved = self.keeper.keep_and_wait(sighting);
        saved.map(drop).map_err(|fault| NotAudited(fault.0))
    }

    /// Hands a sighting over without waiting: for what shows nobody's chart (a list, a sign-out, a failed sign-in). What the
    /// disk does not take is held; that the log cannot be written shows itself at the next chart.
    pub fn note(&self, sighting: Sighting) {
        self.flush_held();
        self.entrust(sighting);
    }

    /// Keeps a sighting in memory because the disk does not take it and care must go on (sealed envelope). It is written as
    /// soon as the log can be written again; until then every screen says that the log has a gap.
    pub fn hold(&self, sighting: Sighting) {
        hold(&self.held, sighting);
    }

    /// Hands over what memory holds. Whatever the disk still does not take is held again.
    fn flush_held(&self) {
        if self.keeper.not_saving().is_some() {
            return;
        }
        let held = std::mem::take(&mut *self.held.lock().unwrap_or_else(PoisonError::into_inner));
        for sighting in held {
            self.entrust(sighting);
        }
    }

    fn entrust(&self, sighting: Sighting) {
        let (held, kept) = (Arc::clone(&self.held), sighting.clone());
        let outcome = self.keeper.keep_then(sighting.clone(), move |saved| {
            if let Err(fault) = saved {
                tracing::error!(%fault, "a sighting was not written and is held");
                hold(&held, kept);
            }
        });
        if let Err(fault) = outcome {
            tracing::error!(%fault, "a sighting was not taken and is held");
            self.hold(sighting);
        }
    }

    /// Why the log cannot be written, and since when; `None` while it can.
    #[must_use]
    pub fn not_writing(&self) -> Option<NotSaving> {
        self.keeper.not_saving()
    }
}

fn hold(held: &Held, sighting: Sighting) {
    let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
    if held.len() < MOST_HELD {
        held.push(sighting);
    } else {
        tracing::error!("★ too many sightings wait for the audit log: one more is lost");
    }
}

/// Whether the chain that would go on is whole and still contains everything that was seen of it.
fn goes_on(walk: &Walk, incarnation: IncarnationId, seen: &[SignedCheckpoint]) -> bool {
    let mut ledger = Ledger::default();
    walk.records.iter().for_each(|record| ledger.take(record));
    let whole = !ledger.flaws().iter().any(|flaw| flaw.chain.1 == incarnation);
    let claims = seen.iter().map(SignedCheckpoint::claim);
    let mut claims = claims.filter(|claim| claim.origin.incarnation == incarnation);
    whole && claims.all(|c| ledger.root(&(c.origin.station, incarnation), c.size) == Some(c.root))
}
