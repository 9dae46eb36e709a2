//! Just enough HTTP/1.1 to use the desk as a browser does: one kept connection, forms, the session cookie.
//!
//! It deliberately knows only what the desk answers: every answer has a Content-Length (RFC 9112 §6.2), and an answer
//! without one is an error rather than a guess.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// Nothing the desk does takes longer; an answer that does is a broken run, not a slow one.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// Longest header section taken, in bytes.
pub const MAX_HEAD: usize = 16 * 1024;
/// Longest body taken, in bytes: a list of 1,000 is half a megabyte.
const MAX_BODY: usize = 64 * 1024 * 1024;

/// A connection that is kept between requests.
pub struct Connection {
    stream: BufReader<TcpStream>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Status line and headers as sent.
    pub head: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("no connection to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self {
            stream: BufReader::with_capacity(64 * 1024, stream),
        })
    }

    /// Sends a request and reads its answer.
    pub fn ask(&mut self, request: &[u8]) -> Result<Answer> {
        self.stream.get_mut().write_all(request).context("the request")?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let before = head.len();
            self.stream.read_until(b'\n', &mut head).context("the answer's head")?;
            if head.len() == before || head.len() > MAX_HEAD {
                bail!("the connection ended within an answer, or its head is too long");
            }
        }
        let Head { status, length } = Head::read(&head)?;
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).context("the answer's body")?;
        Ok(Answer {
            status,
            head: String::from_utf8_lossy(&head).into_owned(),
            body,
        })
    }

    /// Sends a request whose answer must have this status.
    pub fn must_answer(&mut self, request: &[u8], status: u16) -> Result<Answer> {
        let answer = self.ask(request)?;
        if answer.status != status {
            let line = String::from_utf8_lossy(request).lines().next().unwrap_or("").to_owned();
            bail!("{line}: answered {} instead of {status}", answer.status);
        }
        Ok(answer)
    }
}

/// What the head of an answer says about reading on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Status code.
    pub status: u16,
    /// Bytes of the body.
    pub length: usize,
}

impl Head {
    /// Reads a whole head, its last empty line included.
    pub fn read(head: &[u8]) -> Result<Self> {
        let text = std::str::from_utf8(head).context("an answer's head")?;
        let status = text.split(' ').nth(1).and_then(|code| code.parse().ok());
        let length = header(text, "content-length").and_then(|value| value.parse().ok());
        match (status, length) {
            (Some(status), Some(length)) if length <= MAX_BODY => Ok(Self { status, length }),
            // RFC 9110 §15.4.5: never a body.
            (Some(304), None) => Ok(Self { status: 304, length: 0 }),
            _ => bail!("an answer without status or Content-Length: {:?}", text.lines().next()),
        }
    }
}

/// The first header of this name (in lower case).
pub fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(n, _)| n.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

/// A GET request. The cookie may be empty.
pub fn get(path: &str, cookie: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: bench\r\nCookie: {cookie}\r\n\r\n").into_bytes()
}

/// A POST of a form. `X-Part` is what our own scripts send to get the changing part of a page alone.
pub fn post(path: &str, cookie: &str, part: bool, fields: &[(&str, &str)]) -> Vec<u8> {
    let body: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{name}={}", encode(value)))
        .collect();
    let body = body.join("&");
    let part = if part { "X-Part: 1\r\n" } else { "" };
    format!(
        "POST {path} HTTP/1.1\r\nHost: bench\r\nCookie: {cookie}\r\n{part}\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Percent-encoding of a form's value.
fn encode(text: &str) -> String {
    use std::fmt::Write;
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') {
            out.push(char::from(byte));
        } else {
            // Writing into a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read_and_those_without_a_length_refused() {
        let head = Head::read(b"HTTP/1.1 303 See Other\r\nContent-Length: 12\r\n\r\n").unwrap();
        assert_eq!(
            head,
            Head {
                status: 303,
                length: 12
            }
        );
        assert!(Head::read(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        assert!(Head::read(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n").is_err());
        assert!(Head::read(b"\xff\r\n\r\n").is_err());
    }

    #[test]
    fn forms_are_encoded() {
        let request = String::from_utf8(post("/x", "a=b", true, &[("q", "表 1&2"), ("r", "")])).unwrap();
        assert!(request.ends_with("\r\n\r\nq=%E8%A1%A8%201%262&r="), "{request}");
        assert!(
            request.contains("Content-Length: 22\r\n") && request.contains("X-Part: 1\r\n"),
            "{request}"
        );
    }
}
