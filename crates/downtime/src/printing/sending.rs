//! The half of the queue that the roof's printer threads use: what may be sent, and what became of it.
//!
//! The order of a sending: [`Queue::next`], ask the printer, [`Queue::begin`] (durable), hand the pages over, then exactly one
//! of [`Queue::accepted`], [`Queue::later`], [`Queue::stop`] and [`Queue::unsure`].

use std::sync::Arc;

use chart::Moment;

use super::Queue;
use super::job::{Job, JobId, State, Stop};
use super::overview::Trouble;
use super::printer::{Condition, Health};

/// Longest pause between two attempts, in seconds.
const LONGEST_PAUSE: i64 = 60;

/// A job whose turn it is.
#[derive(Debug, Clone)]
pub struct Ready {
    /// Its name.
    pub id: JobId,
    /// What it is.
    pub job: Job,
    /// Its pages.
    pub pdf: Arc<Vec<u8>>,
}

/// A job that a printer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InFlight {
    /// Its name.
    pub id: JobId,
    /// The printer's own number for it.
    pub number: i32,
    /// A person wants it back.
    pub withdraw: bool,
}

impl Queue {
    /// The oldest job that waits for this printer and whose pause is over.
    #[must_use]
    pub fn next(&self, printer: &str, now: Moment) -> Option<Ready> {
        let inner = self.lock();
        let mine = |state: &State| matches!(state, State::Waiting(name) if name == printer);
        let mut waiting = inner.jobs.iter().filter(|held| mine(&held.state));
        waiting.find(|held| held.not_before <= now).map(|held| Ready {
            id: held.id,
            job: held.job.clone(),
            pdf: Arc::clone(&held.pdf),
        })
    }

    /// Whether anything waits for this printer or is with it.
    #[must_use]
    pub fn has_work(&self, printer: &str) -> bool {
        let inner = self.lock();
        inner
            .jobs
            .iter()
            .any(|held| held.state.printer() == printer && !held.state.needs_somebody())
    }

    /// What this printer has.
    #[must_use]
    pub fn in_flight(&self, printer: &str) -> Vec<InFlight> {
        let inner = self.lock();
        let with_it = inner.jobs.iter().filter_map(|held| match &held.state {
            State::Printing(name, number) if name == printer => Some(InFlight {
                id: held.id,
                number: *number,
                withdraw: held.withdraw,
            }),
            _ => None,
        });
        with_it.collect()
    }

    /// Notes durably that a job is being handed over to this printer. False when it may not be: a person has changed it
    /// meanwhile, or the disk does not take the note.
    #[must_use]
    pub fn begin(&self, id: JobId, printer: &str, now: Moment) -> bool {
        let mut inner = self.lock();
        let Some(held) = inner.find(id) else { return false };
        if !matches!(&held.state, State::Waiting(name) if name == printer) {
            return false;
        }
        match self.step(held, State::Sending(printer.to_owned()), now) {
            Ok(()) => {
                held.trouble = None;
                true
            }
            Err(error) => {
                tracing::error!(%error, "★ a print job is not sent because the disk does not take the note of it");
                held.trouble = Some(Trouble::Disk);
                held.not_before = Moment(now.0 + LONGEST_PAUSE / 6);
                false
            }
        }
    }

    /// The printer took it. If the disk does not take the note, a restart finds it unsure.
    pub fn accepted(&self, id: JobId, number: i32, now: Moment) {
        let next = |printer: &str| State::Printing(printer.to_owned(), number);
        self.move_on(id, next, now);
    }

    /// Surely nothing was handed over: it is tried again, after a pause that doubles.
    pub fn later(&self, id: JobId, trouble: Trouble, now: Moment) {
        let mut inner = self.lock();
        let Some(held) = inner.find(id) else { return };
        if let State::Sending(printer) = &held.state {
            let waiting = State::Waiting(printer.clone());
            let since = held.since;
            if let Err(error) = self.step(held, waiting.clone(), since) {
                tracing::error!(%error, "the disk does not take that a print job waits again");
                held.state = waiting;
            }
        }
        let pause = 1_i64
            .checked_shl(held.tries)
            .unwrap_or(LONGEST_PAUSE)
            .clamp(1, LONGEST_PAUSE);
        held.tries = held.tries.saturating_add(1).min(16);
        held.not_before = Moment(now.0 + pause);
        held.trouble = Some(trouble);
    }

    /// It will not come out by itself.
    pub fn stop(&self, id: JobId, why: Stop, now: Moment) {
        self.move_on(id, |printer| State::Stopped(printer.to_owned(), why), now);
    }

    /// Nobody knows whether it came out.
    pub fn unsure(&self, id: JobId, now: Moment) {
        self.move_on(id, |printer| State::Unsure(printer.to_owned()), now);
    }

    /// The printer says that it came out. Its pages leave the disk.
    pub fn printed(&self, id: JobId, now: Moment) {
        let mut inner = self.lock();
        self.end(&mut inner, id, true, now);
    }

    /// What a printer just said, or that it was silent.
    pub fn observe(&self, printer: &str, condition: Condition) {
        let Some(place) = self.printers().iter().position(|p| p.name == printer) else {
            return;
        };
        let mut inner = self.lock();
        // A person who has put paper in should not wait for the end of a long pause.
        let better = |health| matches!(health, Health::Ready | Health::Busy);
        let Some(known) = inner.conditions.get_mut(place) else {
            return;
        };
        let recovered = better(condition.health) && !better(known.health);
        *known = condition;
        for held in inner
            .jobs
            .iter_mut()
            .filter(|held| recovered && held.state.printer() == printer)
        {
            (held.not_before, held.tries, held.trouble) = (Moment::default(), 0, None);
        }
    }

    /// How a printer was last seen.
    #[must_use]
    pub fn condition(&self, printer: &str) -> Condition {
        let place = self.printers().iter().position(|p| p.name == printer);
        let inner = self.lock();
        place
            .and_then(|place| inner.conditions.get(place).cloned())
            .unwrap_or_default()
    }

    fn move_on(&self, id: JobId, next: impl FnOnce(&str) -> State, now: Moment) {
        let mut inner = self.lock();
        let Some(held) = inner.find(id) else { return };
        let state = next(held.state.printer());
        held.withdraw = false;
        held.trouble = None;
        if let Err(error) = self.step(held, state.clone(), now) {
            // True all the same; what the disk still says (送信中, 印刷中) is the careful side after a restart.
            tracing::error!(%error, "the disk does not take the new state of a print job");
            held.state = state;
            held.since = now;
        }
    }
}
