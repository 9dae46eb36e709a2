//! Senders of HL7 over MLLP, all driven from one thread, and the servers they load: each message waits for its durable answer.
//!
//! The server is a process of its own whose CPU time is told apart from the load's: both share the machine, and what the load takes
//! the server has not. It deliberately knows nothing of HL7 but one message and where its number stands.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::load::readable;
use super::{measure, percentile};

/// An invented ADT^A08 in ISO-2022-JP of about 700 bytes, numbered [`NUMBER`].
const MESSAGE: &[u8] = include_bytes!("../../peers/adt.hl7");
/// MSH-10 of the message, replaced by a number of its own in every one that is sent.
const NUMBER: &[u8] = b"0000000000";
/// Not counted: connections open, files begin, caches fill.
const WARM: Duration = Duration::from_millis(500);
/// How long one run sends.
const RUN: Duration = Duration::from_secs(3);
/// Longest answer.
const MAX_ANSWER: usize = 4_096;

/// What one run found.
pub struct Run {
    /// Durably answered messages a second.
    pub rate: f64,
    /// What one in a hundred messages waits longer than (ms).
    pub p99: f64,
    /// CPU time of the server for one message (µs).
    pub server_micros: f64,
    /// CPU time of the senders for one message (µs).
    pub load_micros: f64,
}

/// A server in a process of its own; it ends with the value.
pub struct Server {
    child: Child,
    address: SocketAddr,
    /// It goes on until this is closed.
    _stdin: Option<ChildStdin>,
}

impl Server {
    /// Starts a command that prints `listening ADDRESS` as its first line and ends with its standard input.
    pub fn start(command: &mut Command) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let started = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = started
            .spawn()
            .with_context(|| format!("`{name}` could not be started"))?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().context("the server's output")?;
        let mut line = String::new();
        let read = BufReader::new(stdout)
            .read_line(&mut line)
            .context("the server's first line");
        let address = line
            .trim()
            .strip_prefix("listening ")
            .and_then(|address| address.parse().ok());
        // Whatever becomes of the line, the process does not outlive it.
        let server = Self {
            child,
            address: address.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0))),
            _stdin: stdin,
        };
        read?;
        ensure!(address.is_some(), "`{name}` did not say where it listens: {line:?}");
        Ok(server)
    }

    /// Loads it over so many connections.
    pub fn load(&self, connections: usize) -> Result<Run> {
        let mut senders = (0..connections)
            .map(|_| Sender::connect(self.address))
            .collect::<Result<Vec<_>>>()?;
        let mut next = 1;
        for sender in &mut senders {
            sender.send(&mut next)?;
        }
        drive(&mut senders, &mut next, WARM)?;
        let before = (
            measure::cpu_seconds_of_tree(self.child.id())?,
            measure::cpu_seconds_of_this_thread()?,
        );
        let begun = Instant::now();
        let mut waits = drive(&mut senders, &mut next, RUN)?;
        let seconds = begun.elapsed().as_secs_f64();
        let after = (
            measure::cpu_seconds_of_tree(self.child.id())?,
            measure::cpu_seconds_of_this_thread()?,
        );
        #[allow(clippy::cast_precision_loss, reason = "some hundred thousand messages")]
        let messages = waits.len() as f64;
        Ok(Run {
            rate: messages / seconds,
            p99: percentile(&mut waits, 99),
            server_micros: (after.0 - before.0) * 1e6 / messages,
            load_micros: (after.1 - before.1) * 1e6 / messages,
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It can only fail because the process has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One connection that sends a message after each answer.
struct Sender {
    stream: TcpStream,
    /// The message in its frame; only the number changes.
    frame: Vec<u8>,
    number_at: usize,
    sent_at: Instant,
    answer: Vec<u8>,
}

impl Sender {
    fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("no connection to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let frame = [b"\x0b", MESSAGE, b"\x1c\r"].concat();
        let number_at = frame.windows(NUMBER.len()).position(|bytes| bytes == NUMBER);
        Ok(Self {
            stream,
            frame,
            number_at: number_at.context("the message's number")?,
            sent_at: Instant::now(),
            answer: Vec::with_capacity(MAX_ANSWER),
        })
    }

    fn number(&mut self) -> Option<&mut [u8]> {
        self.frame.get_mut(self.number_at..self.number_at + NUMBER.len())
    }

    fn send(&mut self, next: &mut u32) -> Result<()> {
        let number = format!("{next:010}");
        *next += 1;
        self.number()
            .context("a place for a number")?
            .copy_from_slice(number.as_bytes());
        self.answer.clear();
        self.sent_at = Instant::now();
        // The send buffer is empty (the last answer has come), and a message is far smaller than it.
        let sent = self.stream.write(&self.frame).context("a message")?;
        ensure!(sent == self.frame.len(), "a message did not fit into the send buffer");
        Ok(())
    }

    /// Reads what has come; how long (ms) the message waited when its answer is whole. Anything but AA is an error.
    fn read(&mut self, buffer: &mut [u8]) -> Result<Option<f64>> {
        match self.stream.read(buffer) {
            Ok(0) => bail!("the server closed a connection"),
            Ok(come) => self.answer.extend_from_slice(buffer.get(..come).unwrap_or_default()),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(error) => return Err(error).context("an answer"),
        }
        ensure!(self.answer.len() <= MAX_ANSWER, "an answer without an end");
        if !self.answer.ends_with(b"\x1c\r") {
            return Ok(None);
        }
        let waited = self.sent_at.elapsed().as_secs_f64() * 1e3;
        let number = self.number().context("a place for a number")?.to_vec();
        let wanted = [b"MSA|AA|".as_slice(), &number].concat();
        let accepted = self.answer.windows(wanted.len()).any(|bytes| bytes == wanted);
        ensure!(accepted, "not accepted: {}", String::from_utf8_lossy(&self.answer));
        Ok(Some(waited))
    }
}

/// Sends for a while; how long each message waited (ms).
fn drive(senders: &mut [Sender], next: &mut u32, long: Duration) -> Result<Vec<f64>> {
    let streams = senders
        .iter()
        .map(|sender| sender.stream.try_clone())
        .collect::<Result<Vec<_>, _>>()?;
    let (mut waits, mut buffer) = (Vec::new(), vec![0; MAX_ANSWER]);
    let begun = Instant::now();
    while begun.elapsed() < long {
        for at in readable(&streams, None)? {
            let sender = senders.get_mut(at).context("a connection that was never opened")?;
            if let Some(waited) = sender.read(&mut buffer)? {
                waits.push(waited);
                sender.send(next)?;
            }
        }
    }
    ensure!(!waits.is_empty(), "nothing was answered");
    Ok(waits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_has_one_number_and_an_answer_must_carry_it() {
        assert_eq!(
            MESSAGE.windows(NUMBER.len()).filter(|bytes| *bytes == NUMBER).count(),
            1
        );
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut sender = Sender::connect(socket.local_addr().unwrap()).unwrap();
        let (mut served, _) = socket.accept().unwrap();
        let mut answer = |sender: &mut Sender, text: &[u8]| {
            served.write_all(text).unwrap();
            readable(&[sender.stream.try_clone().unwrap()], None).unwrap();
            sender.read(&mut [0; MAX_ANSWER])
        };
        sender.send(&mut 7).unwrap();
        assert!(answer(&mut sender, b"\x0bMSH|\rMSA|AA|00000").unwrap().is_none());
        assert!(answer(&mut sender, b"00007\r\x1c\r").unwrap().is_some());
        sender.send(&mut 8).unwrap();
        assert!(answer(&mut sender, b"\x0bMSH|\rMSA|AA|0000000007\r\x1c\r").is_err());
        sender.send(&mut 9).unwrap();
        assert!(answer(&mut sender, b"\x0bMSH|\rMSA|AE|0000000009\r\x1c\r").is_err());
    }
}
