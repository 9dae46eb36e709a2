//! The listener of one feed: connections of the hospital's senders, frames of MLLP, answers.
//!
//! A thread for each connection: a connection whose messages are being kept is not read from, which is the whole back-pressure. AA is
//! written after the message is durable and not before; AE when the disk did not take it; AR when it is no message, which is kept all
//! the same. It deliberately knows nothing of what a message says, and nothing of the rest of the program (the tests of `downtime`
//! include this file).

#[path = "feed_listener/pace.rs"]
mod pace;
#[path = "feed_listener/settings.rs"]
mod settings;

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use chart::Moment;
use downtime::feeds::{Arrival, Inbox, NotTaken, Taken};
use hl7::ack::{Answerer, Condition, Trouble, Verdict};
use hl7::charset::{Encoding, Policy};
use hl7::mllp::{Event, Framer};
use rustls::{ServerConnection, StreamOwned};

pub use pace::{Pace, Paces};
pub use settings::{Counts, Network, Settings, tls};

/// Bytes read at once; the messages in them are kept together.
const READ: usize = 64 << 10;
/// How often a silent connection looks whether it should end.
const TICK: Duration = Duration::from_secs(1);
/// Seconds in which a begun message must go on, and a handshake be over.
const UNFINISHED_SECONDS: i64 = 60;
/// How long an answer may take to be taken.
const WRITE_LIMIT: Duration = Duration::from_secs(30);

/// The clock, given by whoever starts the listener.
pub type Clock = Arc<dyn Fn() -> Moment + Send + Sync>;

/// A running listener. Dropping it closes every connection; messages already taken are answered first.
pub struct Listener {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    settings: Settings,
    inbox: Arc<Inbox>,
    clock: Clock,
    stop: AtomicBool,
    answers: AtomicU64,
    counts: Counts,
    meter: pace::Meter,
    connections: Mutex<HashMap<u64, Connection>>,
}

struct Connection {
    address: IpAddr,
    stream: TcpStream,
    /// When its sender was last heard.
    heard: Arc<AtomicI64>,
}

impl Listener {
    /// Binds and begins to accept.
    ///
    /// # Errors
    /// When the address is taken or a thread cannot be started.
    pub fn start(settings: Settings, inbox: Arc<Inbox>, clock: Clock) -> Result<Self> {
        let socket = TcpListener::bind(&settings.listen).with_context(|| {
            format!(
                "受信口「{}」: {} を使えません。ほかのプログラムが使っていないか、listen の設定を確かめてください",
                settings.name, settings.listen
            )
        })?;
        let address = socket.local_addr()?;
        let shared = Arc::new(Shared {
            settings,
            inbox,
            clock,
            stop: AtomicBool::new(false),
            answers: AtomicU64::new(0),
            counts: Counts::default(),
            meter: pace::Meter::default(),
            connections: Mutex::default(),
        });
        let accepting = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("feed-accept".into())
            .spawn(move || accept(&accepting, &socket))?;
        Ok(Self {
            address,
            shared,
            thread: Some(thread),
        })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What happened on the network so far.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.shared.counts
    }

    /// Connections open now.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.connections().len()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        for connection in self.shared.connections().values() {
            // Reading ends; answers to what was taken still go out.
            let _ = connection.stream.shutdown(Shutdown::Read);
        }
        // The accepting thread waits in accept: a connection of our own wakes it.
        let mut wake = self.address;
        if wake.ip().is_unspecified() {
            wake.set_ip(if wake.is_ipv4() {
                IpAddr::from([127, 0, 0, 1])
            } else {
                IpAddr::from(std::net::Ipv6Addr::LOCALHOST)
            });
        }
        let woken = TcpStream::connect_timeout(&wake, TICK).is_ok();
        if let Some(thread) = self.thread.take().filter(|_| woken) {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn connections(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Connection>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// Makes room for a connection and notes it; `None` when there is none.
    fn admit(&self, number: u64, address: IpAddr, stream: &TcpStream) -> Option<Arc<AtomicI64>> {
        let mut connections = self.connections();
        let most_silent = |connections: &HashMap<u64, Connection>| {
            let own = connections
                .iter()
                .filter(|(_, connection)| connection.address == address);
            own.min_by_key(|(_, connection)| connection.heard.load(Ordering::Relaxed))
                .map(|(number, _)| *number)
        };
        let own = connections
            .values()
            .filter(|connection| connection.address == address)
            .count();
        if own >= self.settings.most_per_sender || connections.len() >= self.settings.most_connections {
            let silent = most_silent(&connections)?;
            let closed = connections.remove(&silent)?;
            let _ = closed.stream.shutdown(Shutdown::Both);
        }
        let heard = Arc::new(AtomicI64::new((self.clock)().0));
        let stream = stream.try_clone().ok()?;
        let connection = Connection {
            address,
            stream,
            heard: Arc::clone(&heard),
        };
        connections.insert(number, connection);
        Some(heard)
    }
}

fn accept(shared: &Arc<Shared>, socket: &TcpListener) {
    let name = &shared.settings.name;
    for number in 0_u64.. {
        let accepted = socket.accept();
        if shared.stopped() {
            return;
        }
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Too many open files, or a connection that went before it was taken.
                tracing::warn!(%error, feed = name, "a connection could not be accepted");
                std::thread::sleep(Duration::from_millis(100));
                continue;
            }
        };
        let address = peer.ip().to_canonical();
        if !shared.settings.senders.iter().any(|senders| senders.holds(address)) {
            shared.counts.strangers.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(feed = name, %address, "refused: this sender is not listed for the feed");
            continue;
        }
        let Some(heard) = shared.admit(number, address, &stream) else {
            shared.counts.crowded.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(feed = name, %address, "refused: too many connections to the feed");
            continue;
        };
        let serving = Arc::clone(shared);
        let serve = move || {
            if let Err(error) = connection(&serving, stream, address, &heard) {
                tracing::info!(feed = serving.settings.name, %address, %error, "a connection of the feed ended");
            }
            serving.connections().remove(&number);
        };
        if let Err(error) = std::thread::Builder::new().name("feed-sender".into()).spawn(serve) {
            tracing::error!(%error, feed = name, "no thread for a connection");
            shared.connections().remove(&number);
        }
    }
}

fn connection(shared: &Shared, mut stream: TcpStream, address: IpAddr, heard: &AtomicI64) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(TICK))?;
    stream.set_write_timeout(Some(WRITE_LIMIT))?;
    match &shared.settings.tls {
        None => converse(shared, &mut stream, address, &address.to_string(), heard),
        Some(config) => {
            let session = ServerConnection::new(Arc::clone(config)).map_err(std::io::Error::other)?;
            let mut stream = StreamOwned::new(session, stream);
            handshake(shared, &mut stream, heard)?;
            let certified = stream.conn.peer_certificates().is_some_and(|chain| !chain.is_empty());
            let sender = if certified {
                format!("{address} (TLS, certificate)")
            } else {
                format!("{address} (TLS)")
            };
            let ended = converse(shared, &mut stream, address, &sender, heard);
            stream.conn.send_close_notify();
            let _ = stream.flush();
            ended
        }
    }
}

fn handshake(
    shared: &Shared,
    stream: &mut StreamOwned<ServerConnection, TcpStream>,
    heard: &AtomicI64,
) -> std::io::Result<()> {
    while stream.conn.is_handshaking() {
        match stream.conn.complete_io(&mut stream.sock) {
            Ok(_) => {}
            Err(error) if is_tick(&error) => {
                let begun = heard.load(Ordering::Relaxed);
                if shared.stopped() || (shared.clock)().0 - begun > UNFINISHED_SECONDS {
                    return Err(ErrorKind::TimedOut.into());
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn is_tick(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
    )
}

/// A message that waits for its answer.
struct Waiting {
    /// The first line as text, and how it was encoded.
    line: String,
    encoding: Encoding,
    trouble: Option<Trouble>,
    verdict: Pending,
}

enum Pending {
    /// The writer of the inbox will say.
    Kept(std::sync::mpsc::Receiver<Result<Taken, NotTaken>>),
    /// It cannot be kept.
    Refused,
}

/// Reads messages and answers them until the other side has gone.
fn converse(
    shared: &Shared,
    stream: &mut (impl Read + Write),
    address: IpAddr,
    sender: &str,
    heard: &AtomicI64,
) -> std::io::Result<()> {
    let mut framer = Framer::new(shared.settings.most_bytes);
    let mut buffer = vec![0; READ];
    loop {
        let read = match stream.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => read,
            Err(error) if is_tick(&error) => {
                let silent = (shared.clock)().0 - heard.load(Ordering::Relaxed);
                if shared.stopped() || (!framer.is_idle() && silent > UNFINISHED_SECONDS) {
                    return Ok(());
                }
                continue;
            }
            Err(error) => return Err(error),
        };
        let now = (shared.clock)();
        heard.store(now.0, Ordering::Relaxed);
        let mut waiting = Vec::new();
        framer.feed(buffer.get(..read).unwrap_or(&[]), &mut |event| match event {
            Event::Frame(bytes) => waiting.push(take(shared, bytes, sender, now)),
            Event::Oversize { bytes, head } => {
                shared.counts.too_long.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(
                    feed = shared.settings.name,
                    sender,
                    bytes,
                    "refused: a message longer than the bound"
                );
                waiting.push(too_long(shared, &head));
            }
            Event::Stray(_) | Event::Unfinished(_) => {
                shared.counts.broken.fetch_add(1, Ordering::Relaxed);
            }
        });
        let messages = waiting.len();
        let mut answers = Vec::new();
        for one in waiting {
            answers.extend_from_slice(&answered(shared, one));
        }
        if !answers.is_empty() {
            stream.write_all(&answers)?;
            stream.flush()?;
        }
        // Answered first, then made to wait: a sender that is too fast is slowed down, and loses nothing.
        let paces = &shared.settings.paces;
        let wait = shared.meter.count(paces, address, messages, read, Instant::now());
        if !wait.is_zero() {
            shared.counts.slowed.fetch_add(1, Ordering::Relaxed);
            hold_back(shared, wait);
            heard.store((shared.clock)().0, Ordering::Relaxed);
        }
    }
}

/// Lets a sender wait, unless the listener ends.
fn hold_back(shared: &Shared, wait: Duration) {
    let until = Instant::now() + wait;
    while !shared.stopped() {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        std::thread::sleep(left.min(TICK));
    }
}

/// Hands a message over to be kept.
fn take(shared: &Shared, bytes: Vec<u8>, sender: &str, now: Moment) -> Waiting {
    let decoded = hl7::header::first_line(&bytes);
    let (line, encoding) = (decoded.text.into_owned(), decoded.encoding);
    let header = hl7::Message::parse(&line);
    let trouble = fault(&header);
    let header = header.as_ref().ok().map(hl7::Message::header);
    let arrival = Arrival::new(bytes, header.as_ref(), trouble.is_some(), sender, now);
    let (reply, answer) = sync_channel(1);
    shared.inbox.take(arrival, move |taken| drop(reply.send(taken)));
    Waiting {
        line,
        encoding,
        trouble,
        verdict: Pending::Kept(answer),
    }
}

/// What makes a message none: no header, no type, no number.
fn fault(header: &Result<hl7::Message<'_>, hl7::Fault>) -> Option<Trouble> {
    let missing = |field: u16, words: &str| Trouble {
        condition: Condition::RequiredFieldMissing,
        place: Some(("MSH", field)),
        words: words.to_owned(),
    };
    match header {
        Err(fault) => Some(Trouble {
            condition: Condition::SegmentSequence,
            place: None,
            words: format!("not an HL7 message: {fault}; kept as received"),
        }),
        Ok(message) if message.header().code().trim().is_empty() => {
            Some(missing(9, "MSH-9 is missing; kept as received"))
        }
        Ok(message) if message.header().control_id().trim().is_empty() => {
            Some(missing(10, "MSH-10 is missing; kept as received"))
        }
        Ok(_) => None,
    }
}

fn too_long(shared: &Shared, head: &[u8]) -> Waiting {
    let decoded = hl7::header::first_line(head);
    Waiting {
        line: decoded.text.into_owned(),
        encoding: decoded.encoding,
        trouble: Some(Trouble {
            condition: Condition::DataType,
            place: None,
            words: format!("longer than {} bytes; NOT kept", shared.settings.most_bytes),
        }),
        verdict: Pending::Refused,
    }
}

/// Waits for what became of a message and frames the answer. Empty when the sender wants none.
fn answered(shared: &Shared, waiting: Waiting) -> Vec<u8> {
    let (verdict, trouble) = match waiting.verdict {
        Pending::Refused => (Verdict::Refused, waiting.trouble),
        Pending::Kept(answer) => match (answer.recv(), waiting.trouble) {
            (Ok(Ok(_)), None) => (Verdict::Accepted, None),
            (Ok(Ok(_)), trouble) => (Verdict::Refused, trouble),
            (Ok(Err(_)) | Err(_), _) => (
                Verdict::Failed,
                Some(Trouble {
                    condition: Condition::ApplicationInternal,
                    place: None,
                    words: "not stored: the disk did not take it; send it again".to_owned(),
                }),
            ),
        },
    };
    let message = hl7::Message::parse(&waiting.line).ok();
    let header = message.as_ref().map(hl7::Message::header);
    let time = (shared.clock)().local().strftime("%Y%m%d%H%M%S").to_string();
    let number = shared.answers.fetch_add(1, Ordering::Relaxed) % 1_000_000;
    let by = Answerer {
        application: "TOMOSHIBI",
        facility: &shared.settings.facility,
        time: &time,
        control_id: &format!("{time}{number:06}"),
    };
    let Some(text) = hl7::ack::answer(header.as_ref(), verdict, trouble.as_ref(), &by) else {
        return Vec::new();
    };
    // A name that the encoding has not is written by the rule of SS-MIX2; under that policy nothing is refused.
    let encoded = hl7::charset::encode(&text, waiting.encoding, Policy::Substitute);
    hl7::mllp::frame(&encoded.map_or_else(|_| text.clone().into_bytes(), |encoded| encoded.bytes))
}
