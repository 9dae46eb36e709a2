//! Taking messages: one thread keeps everything that waits in one sync, and only then says that it was taken.
//!
//! It deliberately knows neither sockets nor answers: the roof's listener turns what is said here into AA, AE and AR.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use chart::Moment;
use rand_core::CryptoRng;

use super::known::{Known, Marks, Standing};
use super::log::Log;
use super::reading::Reader;
use super::segment::{BATCH_BYTES, FAULTY, MAX_BATCH, MAX_SENDER, REUSED, Record};
use super::{MAX_KNOWN, Place, compact};

/// Most messages waiting to be kept. Beyond it whoever hands one over waits, and stops reading from its sender.
const MAX_WAITING: usize = 1_024;

const DAY: i64 = 86_400;

/// A message that has arrived.
pub struct Arrival {
    bytes: Vec<u8>,
    sender: String,
    received: Moment,
    marks: Marks,
    faulty: bool,
}

impl Arrival {
    /// `header` is the message's, where it has one that reads; `faulty` when its sender will be told that it is no message.
    #[must_use]
    pub fn new(bytes: Vec<u8>, header: Option<&hl7::Header<'_>>, faulty: bool, sender: &str, received: Moment) -> Self {
        Self {
            marks: Marks::of(&bytes, header),
            bytes,
            sender: sender.chars().take(MAX_SENDER / 4).collect(),
            received,
            faulty,
        }
    }
}

/// What became of a message that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It is durable, under this number.
    Stored(u64),
    /// It was taken before and is durable.
    Again,
}

/// A message was not taken; its sender is told to send it again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("受信した電文を保存できませんでした。送信元には再送を求めました。{0}")]
pub struct NotTaken(pub String);

/// Why a feed cannot begin.
#[derive(Debug, thiserror::Error)]
#[error(
    "受信記録を開けません。受信は始まっていません。ディスクの空きと権限、ほかに動いている tomoshibi がないかを確かめてください: {0}"
)]
pub struct StartFault(#[from] std::io::Error);

/// How a feed stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Overview {
    /// When the newest message was received, this life's or an earlier one's: its silence is since then.
    pub last_received: Option<Moment>,
    /// Messages kept since the program started.
    pub stored: u64,
    /// Resends answered again and not kept.
    pub again: u64,
    /// Kept although their number was there before with other words.
    pub reused: u64,
    /// Kept although they were no messages.
    pub faulty: u64,
    /// The number of the newest message.
    pub last_number: u64,
    /// Since when, and why, nothing can be kept. Gone with the next message that is.
    pub not_taking: Option<(Moment, String)>,
}

type Reply = Box<dyn FnOnce(Result<Taken, NotTaken>) + Send>;

/// The one writer of a feed.
pub struct Inbox {
    jobs: Mutex<Option<SyncSender<(Arrival, Reply)>>>,
    overview: Arc<Mutex<Overview>>,
    thread: Option<JoinHandle<()>>,
}

impl Inbox {
    /// Opens a feed's log, learns what it holds, and begins to take messages. Messages older than `keep_days` go, a segment at a time.
    ///
    /// # Errors
    /// [`StartFault`] when the log cannot be opened or written.
    pub fn start(place: Place, keep_days: u32, rng: Box<dyn CryptoRng + Send>) -> Result<Self, StartFault> {
        let log = Log::open(place.clone(), rng)?;
        let mut known = Known::default();
        let mut overview = Overview {
            last_number: log.next_number().saturating_sub(1),
            ..Overview::default()
        };
        learn(&place, &log, &mut known, &mut overview)?;
        let overview = Arc::new(Mutex::new(overview));
        let (jobs, inbox) = sync_channel(MAX_WAITING);
        let mut writer = Writer {
            place,
            log,
            known,
            inbox,
            overview: Arc::clone(&overview),
            keep_days,
            closed: 0,
        };
        let thread = std::thread::Builder::new()
            .name("feed".into())
            .spawn(move || writer.run())?;
        Ok(Self {
            jobs: Mutex::new(Some(jobs)),
            overview,
            thread: Some(thread),
        })
    }

    /// Hands a message over. Waits while too many are waiting; `then` hears on the writer's thread what became of it.
    pub fn take(&self, arrival: Arrival, then: impl FnOnce(Result<Taken, NotTaken>) + Send + 'static) {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let unsent = match jobs {
            Some(jobs) => jobs.send((arrival, Box::new(then))).err().map(|unsent| unsent.0.1),
            None => Some(Box::new(then) as Reply),
        };
        if let Some(then) = unsent {
            then(Err(NotTaken(
                "受信係のスレッドが止まっています。プログラムを起動し直してください。".to_owned(),
            )));
        }
    }

    /// Hands a message over and waits until it is durable.
    ///
    /// # Errors
    /// [`NotTaken`].
    pub fn take_and_wait(&self, arrival: Arrival) -> Result<Taken, NotTaken> {
        let (reply, answer) = sync_channel(1);
        self.take(arrival, move |taken| drop(reply.send(taken)));
        let ended = || Err(NotTaken("受信係のスレッドが止まりました。".to_owned()));
        answer.recv().unwrap_or_else(|_| ended())
    }

    /// How it stands.
    #[must_use]
    pub fn overview(&self) -> Overview {
        self.overview.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        // Closing the channel lets the thread keep what is waiting.
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Reads the newest messages of the log: so many as are remembered.
fn learn(place: &Place, log: &Log, known: &mut Known, overview: &mut Overview) -> std::io::Result<()> {
    let from = log.next_number().saturating_sub(MAX_KNOWN as u64);
    let reader = Reader::open(place.clone())?;
    for number in &reader.unreadable {
        tracing::warn!(
            segment = number,
            feed = place.feed,
            "a segment of the feed's log has no readable header"
        );
    }
    for record in reader.records(from) {
        overview.last_received = overview.last_received.max(Some(record.received));
        known.learn(&Marks {
            identity: record.identity,
            content: record.content,
        });
    }
    Ok(())
}

struct Writer {
    place: Place,
    log: Log,
    known: Known,
    inbox: Receiver<(Arrival, Reply)>,
    overview: Arc<Mutex<Overview>>,
    keep_days: u32,
    /// The segment that was current when closed ones were last looked after.
    closed: u64,
}

impl Writer {
    fn run(&mut self) {
        while let Ok(first) = self.inbox.recv() {
            let mut bytes = first.0.bytes.len();
            let mut batch = vec![first];
            while batch.len() < MAX_BATCH
                && bytes < BATCH_BYTES
                && let Ok(next) = self.inbox.try_recv()
            {
                bytes += next.0.bytes.len();
                batch.push(next);
            }
            let newest = batch.last().map(|(arrival, _)| arrival.received);
            self.commit(batch);
            if self.log.is_between_segments() && self.closed != self.log.current_segment() {
                self.closed = self.log.current_segment();
                self.look_after(newest);
            }
        }
    }

    fn commit(&mut self, batch: Vec<(Arrival, Reply)>) {
        let first = self.log.next_number();
        let mut learnt = Known::default();
        let (mut records, mut replies) = (Vec::new(), Vec::new());
        let (mut again, mut reused, mut faulty, mut newest) = (0, 0, 0, None);
        for (arrival, reply) in batch {
            newest = newest.max(Some(arrival.received));
            let standing = match learnt.standing(&arrival.marks) {
                Standing::New => self.known.standing(&arrival.marks),
                other => other,
            };
            if standing == Standing::Again {
                // Durable already, or with this batch: answered behind it either way.
                again += 1;
                replies.push((reply, Taken::Again));
                continue;
            }
            learnt.learn(&arrival.marks);
            let mut flags = 0;
            if arrival.faulty {
                flags |= FAULTY;
                faulty += 1;
            }
            if standing == Standing::Reused {
                flags |= REUSED;
                reused += 1;
            }
            replies.push((reply, Taken::Stored(first + records.len() as u64)));
            records.push(Record {
                number: 0,
                received: arrival.received,
                flags,
                sender: arrival.sender,
                identity: arrival.marks.identity,
                content: arrival.marks.content,
                bytes: arrival.bytes,
            });
        }
        let marks: Vec<Marks> = records
            .iter()
            .map(|record| Marks {
                identity: record.identity,
                content: record.content,
            })
            .collect();
        let kept = if records.is_empty() {
            Ok(())
        } else {
            self.log.append(records)
        };
        let failed = kept.as_ref().err().map(|error| {
            tracing::error!(%error, feed = self.place.feed, "messages were not taken");
            match error.kind() {
                std::io::ErrorKind::StorageFull => "ディスクに空きがなく、書けませんでした。",
                _ => "ディスクに書けませんでした。",
            }
        });
        if failed.is_none() {
            marks.iter().for_each(|marks| self.known.learn(marks));
        }
        {
            let mut overview = self.overview.lock().unwrap_or_else(PoisonError::into_inner);
            overview.last_received = overview.last_received.max(newest);
            overview.again += again;
            match failed {
                None => {
                    overview.stored += marks.len() as u64;
                    overview.reused += reused;
                    overview.faulty += faulty;
                    overview.last_number = self.log.next_number().saturating_sub(1);
                    if !marks.is_empty() {
                        overview.not_taking = None;
                    }
                }
                Some(why) => {
                    let since = overview.not_taking.take().map(|before| before.0).or(newest);
                    overview.not_taking = since.map(|since| (since, why.to_owned()));
                }
            }
        }
        for (reply, taken) in replies {
            reply(match failed {
                None => Ok(taken),
                Some(why) => Err(NotTaken(why.to_owned())),
            });
        }
    }

    /// Closed segments are made small, old ones go. Failing costs space, not messages.
    fn look_after(&mut self, now: Option<Moment>) {
        let current = self.log.current_segment();
        let tidied = self
            .log
            .with_randomness(|rng| compact::rewrite_closed(&self.place, current, rng));
        let removed = now.map_or(Ok(0), |now| {
            let before = Moment(now.0.saturating_sub(i64::from(self.keep_days) * DAY));
            compact::remove_old(&self.place, current, before)
        });
        for result in [tidied, removed] {
            if let Err(error) = result {
                tracing::warn!(%error, feed = self.place.feed, "closed segments of the feed could not be looked after");
            }
        }
    }
}
