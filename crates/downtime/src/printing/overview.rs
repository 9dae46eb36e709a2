//! The queue as people see it: every job with its state, what is over, and how each printer is.

use std::sync::TryLockError;
use std::sync::atomic::Ordering;

use chart::Moment;

use super::Queue;
use super::job::{Job, JobId, State};
use super::printer::{Condition, Health, Printer};

/// Why a waiting job has not gone out yet. It is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The printer does not answer.
    Silent,
    /// The printer waits for a person.
    PrinterStopped,
    /// The printer is busy or takes no jobs just now.
    Busy,
    /// The disk does not take the note that it is being sent; without it nothing is sent.
    Disk,
}

/// One job.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Its name.
    pub id: JobId,
    /// What it is.
    pub job: Job,
    /// How far it has come.
    pub state: State,
    /// Since when.
    pub since: Moment,
    /// Why it has not gone out yet.
    pub trouble: Option<Trouble>,
    /// The printer was asked to stop it.
    pub withdrawing: bool,
}

/// One job that is over.
#[derive(Debug, Clone)]
pub struct Over {
    /// What it was.
    pub job: Job,
    /// The printer it was for last.
    pub printer: String,
    /// It came out; otherwise it was cancelled or removed.
    pub printed: bool,
    /// When.
    pub at: Moment,
}

/// Everything.
#[derive(Debug, Clone)]
pub struct Overview {
    /// Jobs that are not over, oldest first.
    pub jobs: Vec<Shown>,
    /// Jobs that are over, newest first.
    pub over: Vec<Over>,
    /// Every listed printer.
    pub printers: Vec<(Printer, Condition)>,
    /// Jobs on the disk that do not open.
    pub damaged: usize,
}

impl Queue {
    /// Everything, now.
    #[must_use]
    pub fn overview(&self) -> Overview {
        let inner = self.lock();
        let conditions = inner.conditions.iter().cloned();
        Overview {
            jobs: inner
                .jobs
                .iter()
                .map(|held| Shown {
                    id: held.id,
                    job: held.job.clone(),
                    state: held.state.clone(),
                    since: held.since,
                    trouble: held.trouble,
                    withdrawing: held.withdraw,
                })
                .collect(),
            over: inner.over.clone(),
            printers: self.printers.iter().cloned().zip(conditions).collect(),
            damaged: inner.damaged,
        }
    }

    /// Jobs that wait for a person, or for a printer that waits for one. Every page asks, so it never waits for the disk: while
    /// the queue is writing, it is the number known before.
    #[must_use]
    pub fn stuck(&self) -> usize {
        let inner = match self.inner.try_lock() {
            Ok(inner) => inner,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return self.known_stuck.load(Ordering::Relaxed),
        };
        // With a printer that has stopped or gone silent over it.
        let waits_at = |state: &State| match state {
            State::Printing(name, _) => {
                let place = self.printers.iter().position(|printer| printer.name == *name);
                let condition = place.and_then(|place| inner.conditions.get(place));
                condition.is_some_and(|c| matches!(c.health, Health::Stopped | Health::Silent))
            }
            _ => false,
        };
        let stuck = inner.jobs.iter().filter(|held| {
            let tells = matches!(
                held.trouble,
                Some(Trouble::Silent | Trouble::PrinterStopped | Trouble::Disk)
            );
            held.state.needs_somebody() || tells || waits_at(&held.state)
        });
        let stuck = stuck.count() + inner.damaged;
        self.known_stuck.store(stuck, Ordering::Relaxed);
        stuck
    }

    /// One job, as it is now.
    #[must_use]
    pub fn shown(&self, id: JobId) -> Option<Shown> {
        self.overview().jobs.into_iter().find(|shown| shown.id == id)
    }
}
