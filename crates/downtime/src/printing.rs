//! Paper that goes straight to a printer: the list of printers, and a queue on the disk that forgets no sheet and prints none
//! twice without saying so.
//!
//! A job is durable before anybody is told that it was sent, and its handing over is durable before it begins. So a crash leaves
//! either a job that was surely not sent, or one that says 出たか確かめてください; the queue never sends such a job again by
//! itself. Jobs are sealed to the journal role, like drafts: after a restart they wait until somebody signs in, and no printer
//! starts by itself in an empty room. Deliberately absent: the network and the clock (the roof's), words (the desk's).

use std::path::PathBuf;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chart::Moment;
use rand_core::CryptoRng;
use vault::HospitalId;
use vault::files::Files;
use vault::keys::{RolePublic, RoleSecret};

mod file;
mod job;
mod overview;
mod printer;
mod sending;

pub use file::MAX_PDF;
pub use job::{Job, JobId, State, Stop};
pub use overview::{Over, Overview, Shown, Trouble};
pub use printer::{Condition, Health, Need, Paper, Printer};
pub use sending::{InFlight, Ready};

use file::Store;

/// Most jobs kept at once: half a morning of a big reception.
pub const MAX_JOBS: usize = 400;
/// Most bytes of PDF kept at once. They are in memory too.
pub const MAX_BYTES: usize = 64 << 20;
/// Seconds after which a job that still waits does not go out by itself any more: its data is old.
pub const OLD_SECONDS: i64 = 12 * 3600;
/// Seconds after which a job is removed whatever its state; the audit log says so.
pub const GONE_SECONDS: i64 = 72 * 3600;
/// Finished jobs shown, without their pages, until the program ends.
const OVER: usize = 60;

/// Where randomness comes from, as often as it is needed.
pub type Randomness = Arc<dyn Fn() -> Box<dyn CryptoRng + Send> + Send + Sync>;

/// What a queue is made of.
pub struct Setup {
    /// The file port.
    pub files: Arc<dyn Files>,
    /// Directory of the jobs.
    pub dir: PathBuf,
    /// Whose.
    pub hospital: HospitalId,
    /// To whom jobs are sealed.
    pub journal: RolePublic,
    /// Randomness.
    pub randomness: Randomness,
    /// Code of this station.
    pub station: String,
    /// The printers, as configured. There are no others.
    pub printers: Vec<Printer>,
}

/// A sheet to be queued.
#[derive(Debug, Clone)]
pub struct Sheet {
    /// What it is.
    pub job: Job,
    /// Its pages.
    pub pdf: Vec<u8>,
}

/// Why a sheet or an act was not taken. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The name is not on the list.
    #[error("このプリンタは設定にありません: {0}。設定された相手にだけ印刷します")]
    NotListed(String),
    /// Too many jobs or bytes wait.
    #[error("印刷の待ちがいっぱいです。印刷の状況で、止まっている用紙を送り直すか取り消してください")]
    Full,
    /// One sheet is too long.
    #[error("用紙が大きすぎて、プリンタへ直接は送れません（{0} バイト）。ブラウザーから印刷してください")]
    TooLarge(usize),
    /// The disk does not take it.
    #[error("印刷の控えをディスクに書けません（{0}）。ブラウザーから印刷してください")]
    Disk(std::io::Error),
    /// There is no such job any more.
    #[error("この印刷はもうありません。出たか、取り消されています")]
    Gone,
    /// It is with the printer right now.
    #[error("この用紙はいま送信中・印刷中です。少し待って、画面を開き直してください")]
    WithPrinter,
    /// The printer does not hold this size.
    #[error("{0} には {1} の用紙がありません。別のプリンタを選んでください")]
    NoPaper(String, String),
}

/// What became of a wish to cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancelled {
    /// It is gone; nothing comes out.
    Removed,
    /// The printer has it and is asked to stop; what became of it will be seen.
    Asked,
}

struct Held {
    id: JobId,
    job: Job,
    pdf: Arc<Vec<u8>>,
    state: State,
    turn: u64,
    since: Moment,
    tries: u32,
    not_before: Moment,
    withdraw: bool,
    trouble: Option<Trouble>,
}

#[derive(Default)]
struct Inner {
    jobs: Vec<Held>,
    opened: bool,
    damaged: usize,
    over: Vec<Over>,
    conditions: Vec<Condition>,
}

/// The queue of one station.
pub struct Queue {
    store: Store,
    randomness: Randomness,
    station: String,
    printers: Vec<Printer>,
    inner: Mutex<Inner>,
    wake: Condvar,
    known_stuck: AtomicUsize,
}

impl Queue {
    /// A queue over its directory. What lies there is read when somebody signs in ([`Self::unlock`]).
    #[must_use]
    pub fn new(setup: Setup) -> Self {
        let conditions = vec![Condition::default(); setup.printers.len()];
        Self {
            store: Store::new(setup.files, setup.dir, setup.hospital, setup.journal),
            randomness: setup.randomness,
            station: setup.station,
            printers: setup.printers,
            inner: Mutex::new(Inner {
                conditions,
                ..Inner::default()
            }),
            wake: Condvar::new(),
            known_stuck: AtomicUsize::new(0),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The printers, in the order of the configuration.
    #[must_use]
    pub fn printers(&self) -> &[Printer] {
        &self.printers
    }

    /// A printer by its name.
    #[must_use]
    pub fn printer(&self, name: &str) -> Option<&Printer> {
        self.printers.iter().find(|printer| printer.name == name)
    }

    /// The printer for a sheet of this size: the one wished for, if it is listed and holds the size, else the first that serves
    /// this station with it.
    #[must_use]
    pub fn choose(&self, wished: Option<&str>, paper: Paper) -> Option<&Printer> {
        let wished = wished.and_then(|name| self.printer(name)).filter(|p| p.holds(paper));
        wished.or_else(|| self.printers.iter().find(|p| p.serves(&self.station, paper)))
    }

    /// Waits until there is something new to do, or for this long.
    pub fn wait(&self, at_most: Duration) {
        let waited = self.wake.wait_timeout(self.lock(), at_most);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Reads what an earlier life of the program left, once. A job that was being handed over is unsure; one whose printer is no
    /// longer listed is stopped; one that the printer had taken is asked about.
    pub fn unlock(&self, secret: &RoleSecret, now: Moment) {
        let mut inner = self.lock();
        if inner.opened {
            return;
        }
        let (found, damaged) = match self.store.read(secret) {
            Ok(read) => read,
            Err(error) => {
                tracing::error!(%error, "the kept print jobs could not be listed; they are tried again at the next sign-in");
                return;
            }
        };
        inner.opened = true;
        inner.damaged = damaged;
        for one in found {
            // What this life has queued before anybody's keys could read is already here.
            if inner.jobs.iter().any(|held| held.id == one.id) {
                continue;
            }
            let state = match one.state {
                Some(State::Sending(printer)) => State::Unsure(printer),
                Some(State::Waiting(printer)) if self.printer(&printer).is_none() => {
                    State::Stopped(printer, Stop::NotListed)
                }
                Some(State::Printing(printer, _)) if self.printer(&printer).is_none() => State::Unsure(printer),
                Some(state) => state,
                None => State::Unsure(String::new()),
            };
            inner.jobs.push(Held {
                since: one.job.at,
                id: one.id,
                job: one.job,
                pdf: Arc::new(one.pdf),
                state,
                turn: one.turn,
                tries: 0,
                not_before: now,
                withdraw: false,
                trouble: None,
            });
        }
        inner.jobs.sort_by_key(|held| (held.job.at, held.id));
        self.wake.notify_all();
    }

    /// Queues a sheet for a listed printer. On return it is durable.
    ///
    /// # Errors
    /// [`Refused`]: the sheet is not in the queue and goes another way.
    pub fn add(&self, sheet: Sheet, printer: &str, now: Moment) -> Result<JobId, Refused> {
        self.check(printer, &sheet.job.paper)?;
        if sheet.pdf.len() > MAX_PDF {
            return Err(Refused::TooLarge(sheet.pdf.len()));
        }
        let mut rng = (self.randomness)();
        let mut bytes = [0; 8];
        rng.fill_bytes(&mut bytes);
        let id = JobId(bytes);
        let state = State::Waiting(printer.to_owned());
        let mut inner = self.lock();
        let waiting: usize = inner.jobs.iter().map(|held| held.pdf.len()).sum();
        if inner.jobs.len() >= MAX_JOBS || waiting + sheet.pdf.len() > MAX_BYTES {
            return Err(Refused::Full);
        }
        let written = self.store.put(id, &sheet.job, &sheet.pdf, &state, &mut *rng);
        written.map_err(Refused::Disk)?;
        inner.jobs.push(Held {
            id,
            job: sheet.job,
            pdf: Arc::new(sheet.pdf),
            state,
            turn: 1,
            since: now,
            tries: 0,
            not_before: now,
            withdraw: false,
            trouble: None,
        });
        drop(inner);
        self.wake.notify_all();
        Ok(id)
    }

    fn check(&self, printer: &str, paper: &str) -> Result<(), Refused> {
        let listed = self.printer(printer);
        let listed = listed.ok_or_else(|| Refused::NotListed(printer.to_owned()))?;
        match Paper::parse(paper) {
            Some(paper) if listed.holds(paper) => Ok(()),
            _ => Err(Refused::NoPaper(printer.to_owned(), paper.to_owned())),
        }
    }

    /// A person has a job sent (again), to this printer. Whether a sheet may then exist twice is what the person was shown.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn resend(&self, id: JobId, printer: &str, now: Moment) -> Result<Job, Refused> {
        let mut inner = self.lock();
        let held = inner.find(id).ok_or(Refused::Gone)?;
        if matches!(held.state, State::Sending(_) | State::Printing(..)) {
            return Err(Refused::WithPrinter);
        }
        self.check(printer, &held.job.paper)?;
        self.step(held, State::Waiting(printer.to_owned()), now)
            .map_err(Refused::Disk)?;
        (held.tries, held.not_before, held.trouble) = (0, now, None);
        let job = held.job.clone();
        drop(inner);
        self.wake.notify_all();
        Ok(job)
    }

    /// A person takes a job back. One that the printer has is asked for there.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn cancel(&self, id: JobId, now: Moment) -> Result<(Job, Cancelled), Refused> {
        let mut inner = self.lock();
        let held = inner.find(id).ok_or(Refused::Gone)?;
        let job = held.job.clone();
        match held.state {
            State::Sending(_) => Err(Refused::WithPrinter),
            State::Printing(..) => {
                held.withdraw = true;
                drop(inner);
                self.wake.notify_all();
                Ok((job, Cancelled::Asked))
            }
            _ => {
                self.end(&mut inner, id, false, now);
                Ok((job, Cancelled::Removed))
            }
        }
    }

    /// Stops jobs that have waited too long, and removes those that nobody has come for. Gives the removed ones, for the audit log.
    pub fn expire(&self, now: Moment) -> Vec<Job> {
        let mut inner = self.lock();
        let mut gone = Vec::new();
        for held in &mut inner.jobs {
            let age = now.0 - held.job.at.0;
            if age > GONE_SECONDS && !matches!(held.state, State::Sending(_)) {
                gone.push((held.id, held.job.clone()));
            } else if now.0 - held.since.0 > OLD_SECONDS
                && let State::Waiting(printer) = &held.state
            {
                let stopped = State::Stopped(printer.clone(), Stop::Old);
                if let Err(error) = self.step(held, stopped, now) {
                    tracing::warn!(%error, "an old print job could not be marked so");
                }
            }
        }
        for (id, _) in &gone {
            self.end(&mut inner, *id, false, now);
        }
        gone.into_iter().map(|(_, job)| job).collect()
    }

    /// One step of a job: durable first, then true.
    fn step(&self, held: &mut Held, state: State, now: Moment) -> std::io::Result<()> {
        let next = held.turn + 1;
        self.store.put_state(held.id, next, &state, &mut *(self.randomness)())?;
        self.store.forget_state(held.id, held.turn);
        held.turn = next;
        held.state = state;
        held.since = now;
        Ok(())
    }

    fn end(&self, inner: &mut Inner, id: JobId, printed: bool, now: Moment) {
        let Some(place) = inner.jobs.iter().position(|held| held.id == id) else {
            return;
        };
        let held = inner.jobs.remove(place);
        self.store.remove(id, held.turn);
        inner.over.insert(
            0,
            Over {
                printer: held.state.printer().to_owned(),
                job: held.job,
                printed,
                at: now,
            },
        );
        inner.over.truncate(OVER);
    }
}

impl Inner {
    fn find(&mut self, id: JobId) -> Option<&mut Held> {
        self.jobs.iter_mut().find(|held| held.id == id)
    }
}
