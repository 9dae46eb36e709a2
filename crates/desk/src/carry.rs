//! What the roof lends S74: the carrying of this station, where sticks are, and time that only goes forward; and the one job that
//! may be under way.
//!
//! A stick takes seconds to minutes, so the work goes on when the browser has its page. Nothing is decided here.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chart::Moment;
use downtime::carry::{CarryFault, Carrying, Hands, Holder, StickName, Taken, Wish, Written};
use downtime::stations::Station;

/// A stick that is plugged in, or a folder that the hospital has named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stick {
    /// What people call it.
    pub name: StickName,
    /// Where its files are.
    pub dir: PathBuf,
    /// It cannot be written.
    pub read_only: bool,
}

/// Finds sticks. It may take a moment and is called where a thread may block.
pub type Sticks = Arc<dyn Fn() -> Vec<Stick> + Send + Sync>;

/// Writes down that an old snapshot was destroyed to make room.
pub type Destroyed = Arc<dyn Fn(&str) + Send + Sync>;

/// Carrying, as the roof lends it.
pub struct Carry {
    /// The carrying of this station.
    pub carrying: Arc<Carrying>,
    /// Where sticks are.
    pub sticks: Sticks,
    /// Time that only goes forward.
    pub elapsed: Arc<dyn Fn() -> Duration + Send + Sync>,
    /// The log of destructions.
    pub destroyed: Destroyed,
    /// What is under way, or how the last one ended.
    pub job: Mutex<Job>,
}

/// What a person asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ask {
    /// Write a pack; otherwise take one in.
    pub write: bool,
    /// Whom it is for.
    pub to: Option<chart::StationCode>,
    /// The sealed snapshot goes along.
    pub snapshot: bool,
    /// A pack that cannot be taken in is overwritten.
    pub replace: bool,
    /// A pack that was taken in is answered on the same stick.
    pub answer: bool,
}

/// The work with a stick.
#[derive(Debug, Default)]
pub enum Job {
    /// None yet.
    #[default]
    None,
    /// Under way.
    Busy {
        /// The stick.
        stick: StickName,
        /// Written to, not read.
        write: bool,
        /// Bytes done.
        done: u64,
        /// Bytes in all; 0 while that is not known.
        all: u64,
    },
    /// Over.
    Over(Box<Over>),
}

/// How it ended.
#[derive(Debug)]
pub struct Over {
    /// When.
    pub at: Moment,
    /// The stick.
    pub stick: StickName,
    /// What was asked.
    pub ask: Ask,
    /// What was taken in, if anything was.
    pub taken: Option<Taken>,
    /// What was written and read back, if anything was.
    pub written: Option<Written>,
    /// Why it did not go on, if it did not.
    pub fault: Option<CarryFault>,
}

impl Carry {
    /// Begins the work, unless some is under way; false then.
    #[must_use]
    pub fn begin(&self, stick: &Stick, ask: Ask) -> bool {
        let mut job = self.job.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*job, Job::Busy { .. }) {
            return false;
        }
        *job = Job::Busy {
            stick: stick.name.clone(),
            write: ask.write,
            done: 0,
            all: 0,
        };
        true
    }

    /// Does the work. It blocks until the stick is done with.
    pub fn run(&self, station: &Arc<Station>, stick: &Stick, ask: Ask) {
        let mut over = Over {
            at: station.now(),
            stick: stick.name.clone(),
            ask,
            taken: None,
            written: None,
            fault: None,
        };
        if let Err(fault) = self.work(station, stick, ask, &mut over) {
            tracing::warn!(%fault, "a stick was not carried out or in as asked");
            over.fault = Some(fault);
        }
        over.at = station.now();
        *self.job.lock().unwrap_or_else(PoisonError::into_inner) = Job::Over(Box::new(over));
    }

    fn work(&self, station: &Arc<Station>, stick: &Stick, ask: Ask, over: &mut Over) -> Result<(), CarryFault> {
        let mut install = |bytes: &mut dyn std::io::Read| {
            let received = station.shelf().receive(bytes).map_err(|fault| fault.to_string())?;
            if let (_, Some(record)) = received {
                (self.destroyed)(&format!("{} {record:?}", station.now().text()));
            }
            Ok(())
        };
        let mut progress = |done: u64, all: u64| {
            if let Job::Busy { done: d, all: a, .. } = &mut *self.job.lock().unwrap_or_else(PoisonError::into_inner) {
                (*d, *a) = (done, all);
            }
        };
        let mut hands = Hands {
            now: station.now(),
            elapsed: &*self.elapsed,
            progress: &mut progress,
        };
        let carrying = &self.carrying;
        let shelved = station.shelf().current().filter(|_| ask.snapshot);
        let mut wish = Wish {
            snapshot: shelved.as_deref(),
            to: ask.to,
            answers: None,
            replace: ask.replace,
        };
        if ask.write {
            if !ask.replace {
                over.taken = carrying.make_room(&stick.dir, station, &mut install, &mut hands)?;
            }
        } else {
            let taken = carrying.take(&stick.dir, station, &mut install, &mut hands)?;
            let own = taken.from == carrying.code();
            wish.to = Some(taken.from);
            wish.answers = Some(taken.answer());
            over.taken = Some(taken);
            if !ask.answer || own || stick.read_only {
                return Ok(());
            }
        }
        let holder = Holder::Running(station);
        over.written = Some(carrying.write(&stick.dir, &stick.name, &holder, wish, &mut hands)?);
        Ok(())
    }
}
