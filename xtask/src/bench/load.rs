//! Many browsers from one thread: every connection asks, waits for its answer and asks again.
//!
//! It deliberately does not read what comes back beyond status and length: the client shares the machine with the
//! server it loads, and every microsecond it takes is the server's loss.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::http::{Head, MAX_HEAD, PATIENCE};
use super::percentile;

/// What a load took.
pub struct Load {
    /// From the first request to the last answer.
    pub seconds: f64,
    /// Of each answer, in milliseconds, in the order of completion.
    pub latencies: Vec<f64>,
}

impl Load {
    /// Answers per second.
    #[allow(clippy::cast_precision_loss, reason = "some thousands of answers")]
    pub fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.seconds
    }

    /// The latency (ms) that one in a hundred exceeds.
    pub fn p99(&mut self) -> f64 {
        percentile(&mut self.latencies, 99)
    }
}

/// Sends `total` requests over `connections` kept connections; `next` makes the nth. Every answer must have `status`.
pub fn drive(
    address: SocketAddr,
    connections: usize,
    total: usize,
    status: u16,
    mut next: impl FnMut(usize) -> Vec<u8>,
) -> Result<Load> {
    let connections = connections.clamp(1, total.max(1));
    let streams = (0..connections)
        .map(|_| connect(address))
        .collect::<Result<Vec<TcpStream>>>()?;
    let mut exchanges: Vec<Exchange> = (0..connections).map(|_| Exchange::new()).collect();
    let mut latencies = Vec::with_capacity(total);
    let mut buffer = vec![0_u8; 256 * 1024];
    let mut asked = 0;
    let begun = Instant::now();
    for (stream, exchange) in streams.iter().zip(&mut exchanges) {
        exchange.ask(stream, &next(asked))?;
        asked += 1;
    }
    while latencies.len() < total {
        for at in readable(&streams, None)? {
            let (Some(stream), Some(exchange)) = (streams.get(at), exchanges.get_mut(at)) else {
                bail!("a connection that was never opened");
            };
            let Some(head) = exchange.read(stream, &mut buffer)? else {
                continue;
            };
            if head.status != status {
                bail!("a request was answered {} instead of {status}", head.status);
            }
            latencies.push(exchange.asked_at.elapsed().as_secs_f64() * 1e3);
            if asked < total {
                exchange.ask(stream, &next(asked))?;
                asked += 1;
            }
        }
    }
    Ok(Load {
        seconds: begun.elapsed().as_secs_f64(),
        latencies,
    })
}

fn connect(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(address).with_context(|| format!("no connection to {address}"))?;
    stream.set_nodelay(true)?;
    stream.set_nonblocking(true)?;
    Ok(stream)
}

/// Waits until something can be read, and tells from which streams; somebody at the door ends the waiting too.
#[cfg(unix)]
pub fn readable(streams: &[TcpStream], door: Option<&TcpListener>) -> Result<Vec<usize>> {
    use std::os::fd::AsFd;

    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    let fds = streams.iter().map(AsFd::as_fd).chain(door.map(AsFd::as_fd));
    let mut watched: Vec<PollFd> = fds.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
    let timeout = PollTimeout::try_from(PATIENCE).context("a time to wait")?;
    if poll(&mut watched, timeout).context("poll")? == 0 {
        bail!("nothing came for {} s", PATIENCE.as_secs());
    }
    let streams = (0..streams.len()).zip(&watched);
    let ready = streams.filter(|(_, fd)| fd.any().unwrap_or(false));
    Ok(ready.map(|(at, _)| at).collect())
}

/// Waits until something can be read, and tells from which streams.
#[cfg(not(unix))]
pub fn readable(_: &[TcpStream], _: Option<&TcpListener>) -> Result<Vec<usize>> {
    bail!("many connections can be driven on Unix only")
}

/// One connection between a request and the end of its answer.
struct Exchange {
    asked_at: Instant,
    /// The head so far; empty once it is complete.
    head: Vec<u8>,
    /// The head once complete, and how much of the body is still to come.
    body: Option<(Head, usize)>,
}

impl Exchange {
    fn new() -> Self {
        Self {
            asked_at: Instant::now(),
            head: Vec::new(),
            body: None,
        }
    }

    fn ask(&mut self, mut stream: &TcpStream, request: &[u8]) -> Result<()> {
        self.asked_at = Instant::now();
        // The send buffer is empty (the last answer has come), and a request is far smaller than it.
        let sent = stream.write(request).context("a request")?;
        if sent != request.len() {
            bail!("a request of {} bytes did not fit into the send buffer", request.len());
        }
        Ok(())
    }

    /// Reads what has come; the head when the answer is complete.
    fn read(&mut self, mut stream: &TcpStream, buffer: &mut [u8]) -> Result<Option<Head>> {
        loop {
            let come = match stream.read(buffer) {
                Ok(0) => bail!("the server closed a connection within an answer"),
                Ok(come) => buffer.get(..come).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error).context("an answer"),
            };
            if let Some(head) = self.take(come)? {
                return Ok(Some(head));
            }
        }
    }

    fn take(&mut self, come: &[u8]) -> Result<Option<Head>> {
        let mut body_bytes = come.len();
        if self.body.is_none() {
            let before = self.head.len();
            self.head.extend_from_slice(come);
            let Some(end) = end_of_head(&self.head) else {
                if self.head.len() > MAX_HEAD {
                    bail!("an answer's head is too long");
                }
                return Ok(None);
            };
            let head = Head::read(self.head.get(..end).unwrap_or_default())?;
            self.body = Some((head, head.length));
            self.head.clear();
            body_bytes = before + come.len() - end;
        }
        let Some((head, left)) = &mut self.body else {
            return Ok(None);
        };
        *left = left
            .checked_sub(body_bytes)
            .context("more came than the answer's length")?;
        let (head, done) = (*head, *left == 0);
        if done {
            self.body = None;
        }
        Ok(done.then_some(head))
    }
}

/// Where the body begins.
pub fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_taken_in_any_pieces() {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
        for size in 1..=answer.len() {
            let mut exchange = Exchange::new();
            let mut done = 0;
            for piece in answer.chunks(size) {
                done += usize::from(exchange.take(piece).unwrap().is_some());
            }
            assert_eq!(done, 1, "pieces of {size}");
        }
        assert!(
            Exchange::new()
                .take(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nab")
                .is_err()
        );
    }

    #[test]
    fn every_request_is_answered_once_and_a_wrong_status_is_an_error() {
        let floor = super::super::floor::Floor::start(b"<p>same</p>".to_vec()).unwrap();
        let mut made = Vec::new();
        let mut load = drive(floor.address, 200, 1_000, 200, |n| {
            made.push(n);
            super::super::http::get("/", "")
        })
        .unwrap();
        assert_eq!(made, (0..1_000).collect::<Vec<_>>());
        assert_eq!(load.latencies.len(), 1_000);
        assert!(load.rate() > 0.0 && load.p99() > 0.0);
        assert!(drive(floor.address, 1, 1, 303, |_| super::super::http::get("/", "")).is_err());
        let (answers, cpu_seconds) = floor.finish().unwrap();
        assert_eq!(answers, 1_001);
        assert!(cpu_seconds > 0.0);
    }
}
