//! The line to the server, under the driver: packets, and heads with text as bytes.
//!
//! The driver has a TLS of its own, with another library of ciphers and the public authorities of the machine beside the hospital's. Here
//! it is ours, as everywhere in the house: the hospital's authority and nobody else. The driver is told that the line needs no protection,
//! and sees nothing of this. Reading and writing block, so that a future over this line is done when it is first asked; whoever waits ends
//! a wait by shutting the socket. Deliberately absent: limits of time, logging in, anything that is retried.

use std::io::{self, BufReader, Read, Write};
use std::net::TcpStream;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures_util::io::{AsyncRead, AsyncWrite};

use super::columns::{self, Coming, Head};
use super::greeting::{
    ANSWER, Bytes, END_OF_MESSAGE, HEADER, LineFault, MAX_PAYLOAD, greet, header, hung_up, length_of,
    nothing_to_protect,
};

/// Longest row, in bytes as they are sent: a server could announce two gigabytes in one value.
const MAX_ROW: usize = 16 << 20;
/// Bytes read from the system at once.
const AT_ONCE: usize = 64 << 10;

/// What the line knows and the driver does not say; said by the line, read by whoever reads the rows.
#[derive(Debug, Clone, Default)]
pub struct Seen(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    columns: Vec<Coming>,
    lost: Option<String>,
    /// Bytes since the last row was read.
    since_row: usize,
}

impl Seen {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How the columns of the present answer come; empty when its head was not understood.
    pub fn columns(&self) -> Vec<Coming> {
        self.known().columns.clone()
    }

    /// Why the line is gone; none as long as it is not, whatever the driver says.
    pub fn lost(&self) -> Option<String> {
        self.known().lost.clone()
    }

    /// A row has been read.
    pub fn row(&self) {
        self.known().since_row = 0;
    }

    /// Remembers a fault of the system.
    fn noted<T>(&self, done: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &done {
            let why = if hung_up(error.kind()) {
                "サーバが接続を切りました".to_owned()
            } else {
                error.to_string()
            };
            self.known().lost.get_or_insert(why);
        }
        done
    }
}

/// An answer on its way in.
enum Looking {
    /// Its head is still to come; so much is there.
    Head(Vec<u8>),
    /// The rest, packet by packet.
    Rest,
}

/// A line over which the driver can speak.
pub struct Line {
    bytes: BufReader<Bytes>,
    /// What the driver has not read yet, from `read` on.
    incoming: Vec<u8>,
    read: usize,
    looking: Looking,
    seen: Seen,
    /// The driver's own introduction, which is answered here and never leaves.
    introduction: Option<Vec<u8>>,
    /// An answer is on its way. Whoever reads behind its end has misread it, and would wait for ever.
    owed: bool,
}

impl Line {
    /// Introduces us, and protects the line where `authority` (PEM) vouches for the server's `name`.
    ///
    /// # Errors
    /// [`LineFault`]; nothing but the introduction has left then.
    pub fn open(tcp: TcpStream, name: &str, authority: Option<&[u8]>, seen: Seen) -> Result<Self, LineFault> {
        let bytes = greet(tcp, name, authority)?;
        Ok(Self {
            bytes: BufReader::with_capacity(AT_ONCE, bytes),
            incoming: Vec::new(),
            read: 0,
            looking: Looking::Head(Vec::new()),
            seen,
            introduction: Some(Vec::new()),
            owed: false,
        })
    }

    /// Reads packets until the driver has something to read.
    fn fill(&mut self) -> io::Result<()> {
        if !self.owed {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "返事の終わりの後を読もうとしました",
            ));
        }
        {
            let mut known = self.seen.known();
            known.since_row += self.incoming.len();
            if known.since_row > MAX_ROW {
                let why = format!("1行が{} MiBを超えます", MAX_ROW >> 20);
                return Err(io::Error::new(io::ErrorKind::InvalidData, why));
            }
        }
        self.incoming.clear();
        self.read = 0;
        while self.incoming.is_empty() {
            let mut header = [0; HEADER];
            self.seen.noted(self.bytes.read_exact(&mut header))?;
            let length = length_of(header).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))?;
            let [_, status, ..] = header;
            let last = status & END_OF_MESSAGE != 0;
            match &mut self.looking {
                Looking::Rest => {
                    self.incoming.extend_from_slice(&header);
                    let from = self.incoming.len();
                    self.incoming.resize(from + length, 0);
                    let part = self.incoming.get_mut(from..).unwrap_or_default();
                    self.seen.noted(self.bytes.read_exact(part))?;
                }
                Looking::Head(head) => {
                    let from = head.len();
                    head.resize(from + length, 0);
                    self.seen
                        .noted(self.bytes.read_exact(head.get_mut(from..).unwrap_or_default()))?;
                    if from == 0 {
                        let mut known = self.seen.known();
                        known.columns.clear();
                        known.since_row = 0;
                    }
                    match columns::read(head) {
                        Head::More if !last => continue,
                        Head::More | Head::Leave => packets(&mut self.incoming, head, last),
                        Head::Read(rewritten, columns) => {
                            self.seen.known().columns = columns;
                            packets(&mut self.incoming, &rewritten, last);
                        }
                    }
                    self.looking = Looking::Rest;
                }
            }
            if last {
                self.looking = Looking::Head(Vec::new());
                self.owed = false;
            }
        }
        Ok(())
    }

    /// Keeps the driver's introduction, and answers it once it is whole.
    fn swallow(&mut self, from: &[u8]) -> usize {
        let Some(swallowed) = &mut self.introduction else {
            return 0;
        };
        let wanted = swallowed.get(2..4).map_or(HEADER, |length| {
            usize::from(u16::from_be_bytes([
                length.first().copied().unwrap_or_default(),
                length.get(1).copied().unwrap_or_default(),
            ]))
        });
        let take = wanted.saturating_sub(swallowed.len()).min(from.len());
        swallowed.extend_from_slice(from.get(..take).unwrap_or_default());
        let whole = swallowed.len() >= HEADER
            && swallowed.get(2..4) == Some(&u16::try_from(swallowed.len()).unwrap_or_default().to_be_bytes()[..]);
        if whole {
            self.introduction = None;
            self.incoming.extend(nothing_to_protect());
        }
        take
    }
}

impl AsyncRead for Line {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        let line = self.get_mut();
        if line.read >= line.incoming.len()
            && let Err(error) = line.fill()
        {
            // Half a packet is none.
            line.incoming.clear();
            return Poll::Ready(Err(error));
        }
        let ready = line.incoming.get(line.read..).unwrap_or_default();
        let length = ready.len().min(into.len());
        if let (Some(to), Some(from)) = (into.get_mut(..length), ready.get(..length)) {
            to.copy_from_slice(from);
        }
        line.read += length;
        Poll::Ready(Ok(length))
    }
}

impl AsyncWrite for Line {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        let line = self.get_mut();
        if line.introduction.is_some() {
            return Poll::Ready(Ok(line.swallow(from)));
        }
        line.owed = true;
        let written = line.bytes.get_mut().write(from);
        Poll::Ready(line.seen.noted(written))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let line = self.get_mut();
        let flushed = line.bytes.get_mut().flush();
        Poll::Ready(line.seen.noted(flushed))
    }

    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(context)
    }
}

/// Puts a payload into packets of an answer.
fn packets(into: &mut Vec<u8>, payload: &[u8], last: bool) {
    let mut rest = payload;
    loop {
        let (now, later) = rest.split_at_checked(MAX_PAYLOAD).unwrap_or((rest, &[]));
        let status = if last && later.is_empty() { END_OF_MESSAGE } else { 0 };
        into.extend_from_slice(&header(ANSWER, status, now.len()));
        into.extend_from_slice(now);
        if later.is_empty() {
            return;
        }
        rest = later;
    }
}
