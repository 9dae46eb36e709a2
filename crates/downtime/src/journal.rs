//! Keeping entries: one thread owns this station's journal and makes everything that is waiting durable in one sync.
//!
//! An entry is acknowledged only after its bytes are on the device. Grouping costs nobody anything: while one batch is
//! being synced, the next one gathers. What an entry means is `view`'s matter; what a byte is, `vault`'s.

use std::io::ErrorKind;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use chart::{Entry, EntryId, Moment};
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use vault::CompartmentId;
use vault::journal::{Class, Journal, MAX_BATCH, NewRecord, Place, Record};

use crate::state::TimeQuality;
use crate::view::{Order, Recorded};

/// Class of records whose payload is a sealed [`Entry`].
pub const ENTRY: Class = Class(1);

/// Class of records whose payload is an [`Entry`] that every station must read with nobody signed in: declarations.
pub const OPEN_ENTRY: Class = Class(129);

/// Compartment of entries in this version.
const EVERYBODY: CompartmentId = crate::extract::EVERYBODY;

/// Most entries waiting at once; more means that the disk has stopped, and saying so is better than queueing.
const MAX_WAITING: usize = 20_000;

/// The clock, given by the roof.
pub type Clock = Arc<dyn Fn() -> Moment + Send + Sync>;

/// Called with every durable record before its author hears of it, so that who saves sees what was saved.
pub type Saved<T> = Arc<dyn Fn(Vec<(Record, Place, T)>) + Send + Sync>;

/// What a journal keeps: entries here, sightings in the audit log. The same care for both.
pub trait Keepable: Send + 'static {
    /// The bytes to keep.
    ///
    /// # Errors
    /// Why it cannot be kept, in words for its author.
    fn payload(&self) -> Result<Vec<u8>, String>;
    /// Sealed or open.
    fn class(&self) -> Class;
    /// Who wrote it.
    fn author(&self) -> &str;
}

impl Keepable for Entry {
    fn payload(&self) -> Result<Vec<u8>, String> {
        self.to_bytes().map_err(|fault| fault.to_string())
    }

    fn class(&self) -> Class {
        if self.act.is_open() { OPEN_ENTRY } else { ENTRY }
    }

    fn author(&self) -> &str {
        &self.by.user
    }
}

/// Said when the thread that writes has ended, which only a defect of this program can do.
const WRITER_ENDED: &str = "記録係のスレッドが止まっています。プログラムを起動し直してください。";

/// An entry was not saved. The text says so and what to do.
#[derive(Debug, Clone, thiserror::Error)]
#[error("保存できていません。紙に書いてください。{0}")]
pub struct NotSaved(pub String);

/// Since when nothing could be saved, and why. Gone with the next entry that is saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotSaving {
    /// The first failure since something was saved.
    pub since: Moment,
    /// The newest failure, in words.
    pub why: String,
}

type Reply = Box<dyn FnOnce(Result<EntryId, NotSaved>) + Send>;

struct Job<T> {
    entry: T,
    payload: Vec<u8>,
    reply: Reply,
}

/// The one writer of this station's journal.
pub struct Keeper<T = Entry> {
    jobs: Mutex<Option<Sender<Job<T>>>>,
    waiting: Arc<AtomicUsize>,
    clock: Arc<HybridClock>,
    failing: Arc<Mutex<Option<NotSaving>>>,
    thread: Option<JoinHandle<()>>,
}

impl<T: Keepable> Keeper<T> {
    /// Takes a started journal and begins to keep entries.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn start(
        journal: Journal,
        clock: Arc<HybridClock>,
        rng: Box<dyn CryptoRng + Send>,
        saved: Saved<T>,
    ) -> std::io::Result<Self> {
        let (jobs, inbox) = channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let failing = Arc::default();
        let mut writer = Writer {
            journal,
            inbox,
            clock: Arc::clone(&clock),
            rng,
            saved,
            waiting: Arc::clone(&waiting),
            failing: Arc::clone(&failing),
        };
        let thread = std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || writer.run())?;
        Ok(Self {
            jobs: Mutex::new(Some(jobs)),
            waiting,
            clock,
            failing,
            thread: Some(thread),
        })
    }

    /// Hands an entry over; the receiver resolves when it is durable, or says that it is not.
    ///
    /// # Errors
    /// [`NotSaved`] at once when the entry is too large, or too many are waiting.
    pub fn keep(&self, entry: T) -> Result<tokio::sync::oneshot::Receiver<Result<EntryId, NotSaved>>, NotSaved> {
        let (reply, answer) = tokio::sync::oneshot::channel();
        // The author may have gone; the entry is saved all the same.
        self.keep_then(entry, move |saved| drop(reply.send(saved)))?;
        Ok(answer)
    }

    /// Hands an entry over; `then` hears on the writer's thread what became of it, and must not keep it waiting.
    ///
    /// # Errors
    /// [`NotSaved`] at once, as of [`Self::keep`]; `then` is not called.
    pub fn keep_then(
        &self,
        entry: T,
        then: impl FnOnce(Result<EntryId, NotSaved>) + Send + 'static,
    ) -> Result<(), NotSaved> {
        self.hand_over(entry, Box::new(then))
    }

    /// Hands an entry over and waits until it is durable, for callers without an async runtime.
    ///
    /// # Errors
    /// [`NotSaved`].
    pub fn keep_and_wait(&self, entry: T) -> Result<EntryId, NotSaved> {
        let (reply, answer) = std::sync::mpsc::sync_channel(1);
        self.keep_then(entry, move |saved| drop(reply.send(saved)))?;
        answer.recv().unwrap_or_else(|_| Err(NotSaved(WRITER_ENDED.to_owned())))
    }

    fn hand_over(&self, entry: T, reply: Reply) -> Result<(), NotSaved> {
        let payload = entry.payload().map_err(NotSaved)?;
        if self.waiting.load(Ordering::Relaxed) >= MAX_WAITING {
            return Err(NotSaved(
                "保存を待つ記載が多すぎます。ディスクが止まっている可能性があります。".to_owned(),
            ));
        }
        // Counted before it is handed over: the writer may take it, and count it off, at once.
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = jobs
            .as_ref()
            .is_some_and(|jobs| jobs.send(Job { entry, payload, reply }).is_ok());
        if sent {
            Ok(())
        } else {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            Err(NotSaved(WRITER_ENDED.to_owned()))
        }
    }

    /// Since when, and why, nothing can be saved here; `None` while saving works, as far as the last attempt told.
    #[must_use]
    pub fn not_saving(&self) -> Option<NotSaving> {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The clock that orders entries; other stations' entries push it forward.
    #[must_use]
    pub const fn clock(&self) -> &Arc<HybridClock> {
        &self.clock
    }
}

impl<T> Drop for Keeper<T> {
    fn drop(&mut self) {
        // Closing the channel lets the thread finish what is waiting.
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Writer<T> {
    journal: Journal,
    inbox: Receiver<Job<T>>,
    clock: Arc<HybridClock>,
    rng: Box<dyn CryptoRng + Send>,
    saved: Saved<T>,
    waiting: Arc<AtomicUsize>,
    failing: Arc<Mutex<Option<NotSaving>>>,
}

impl<T: Keepable> Writer<T> {
    fn run(&mut self) {
        let mut batch = Vec::with_capacity(MAX_BATCH);
        while let Ok(first) = self.inbox.recv() {
            batch.push(first);
            while batch.len() < MAX_BATCH
                && let Ok(next) = self.inbox.try_recv()
            {
                batch.push(next);
            }
            self.waiting.fetch_sub(batch.len(), Ordering::Relaxed);
            self.commit(&mut batch);
        }
    }

    fn commit(&mut self, batch: &mut Vec<Job<T>>) {
        let records: Vec<NewRecord<'_>> = batch
            .iter()
            .map(|job| NewRecord {
                class: job.entry.class(),
                compartment: EVERYBODY,
                user: user_hash(job.entry.author()),
                hlc: self.clock.next(),
                time_quality: self.clock.quality(),
                payload: &job.payload,
            })
            .collect();
        match self.journal.append_batch(&records, &mut *self.rng) {
            Ok(records) => {
                self.tell(None);
                let ids: Vec<EntryId> = records.iter().map(|r| EntryId(*r.id())).collect();
                let (entries, replies): (Vec<T>, Vec<Reply>) = batch.drain(..).map(|j| (j.entry, j.reply)).unzip();
                let placed = records.into_iter().zip(self.journal.places().iter().copied());
                let saved = placed
                    .zip(entries)
                    .map(|((record, place), entry)| (record, place, entry))
                    .collect();
                (self.saved)(saved);
                for (reply, id) in replies.into_iter().zip(ids) {
                    reply(Ok(id));
                }
            }
            Err(fault) => {
                tracing::error!(%fault, "entries were not saved");
                let why = why(&fault).to_owned();
                // Told before the authors hear of it: the page that says so shows the bar that says so.
                self.tell(Some(why.clone()));
                for job in batch.drain(..) {
                    (job.reply)(Err(NotSaved(why.clone())));
                }
            }
        }
    }
}

impl<T> Writer<T> {
    /// Notes whether the last attempt failed, for those who ask without saving anything.
    fn tell(&self, why: Option<String>) {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        let since = failing.as_ref().map(|before| before.since);
        *failing = why.map(|why| NotSaving {
            since: since.unwrap_or_else(|| self.clock.now()),
            why,
        });
    }
}

impl<T> Drop for Writer<T> {
    fn drop(&mut self) {
        // Before its time only by a defect; whoever looks at the station then learns that nothing is saved any more.
        self.tell(Some(WRITER_ENDED.to_owned()));
    }
}

/// A failure in the reader's words.
fn why(fault: &vault::journal::NotSaved) -> &'static str {
    match fault {
        vault::journal::NotSaved::Disk(error) if error.kind() == ErrorKind::StorageFull => {
            "ディスクに空きがなく、書けませんでした。"
        }
        vault::journal::NotSaved::Disk(_) => "ディスクに書けませんでした。",
        vault::journal::NotSaved::Refused(_) => "記載を保存の形にできませんでした。",
    }
}

/// Says whether two records have the same author without saying who.
fn user_hash(user: &str) -> [u8; 16] {
    let digest: [u8; 32] = Sha256::digest(user.as_bytes()).into();
    let mut out = [0; 16];
    out.copy_from_slice(digest.split_at(16).0);
    out
}

/// An opened record as the view wants it.
#[must_use]
pub fn recorded(record: &Record, entry: Entry) -> Recorded {
    let header = record.header();
    Recorded {
        id: EntryId(*record.id()),
        order: Order {
            hlc: header.hlc,
            station: *header.station.as_bytes(),
            incarnation: *header.incarnation.as_bytes(),
            seq: header.seq,
        },
        entry,
    }
}

/// Hybrid logical clock: seconds of the wall clock shifted left, never going back, pushed forward by what others wrote.
/// Order never depends on a clock being right.
pub struct HybridClock {
    wall: Clock,
    last: Mutex<u64>,
    quality: AtomicU8,
}

impl HybridClock {
    /// A clock over the roof's wall clock.
    #[must_use]
    pub fn new(wall: Clock) -> Self {
        Self {
            wall,
            last: Mutex::new(0),
            quality: AtomicU8::new(TimeQuality::Unknown.to_byte()),
        }
    }

    /// The next value, larger than every value seen or given before.
    pub fn next(&self) -> u64 {
        let wall = u64::try_from((self.wall)().0.max(0)).unwrap_or(0) << 20;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = wall.max(last.saturating_add(1));
        *last
    }

    /// Takes notice of a value from another journal. A value more than a day ahead of this station's clock is ignored:
    /// one terminal with a wrong clock must not drag the whole hospital's order into the future.
    pub fn notice(&self, seen: u64) {
        let wall = u64::try_from((self.wall)().0.max(0)).unwrap_or(0);
        if seen >> 20 <= wall.saturating_add(86_400) {
            let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            *last = (*last).max(seen);
        }
    }

    /// How far the wall clock can be trusted from now on: it stands in every record.
    pub fn set_quality(&self, quality: TimeQuality) {
        self.quality.store(quality.to_byte(), Ordering::Relaxed);
    }

    /// How far the wall clock can be trusted, in the coding of [`TimeQuality::to_byte`].
    #[must_use]
    pub fn quality(&self) -> u8 {
        self.quality.load(Ordering::Relaxed)
    }

    /// The wall clock.
    #[must_use]
    pub fn now(&self) -> Moment {
        (self.wall)()
    }
}
