//! Many stations that fetch a hub's snapshot at once, and slow ones among them: for the benches of stations.
//!
//! `fetchers HUB_DATA ADDRESS STATIONS SLOW [HAVE]` asks as a station does (docs/formats/distribution.md): the manifest, then every section
//! that it has not (HAVE is the end of a file that is here already), small ones together, long ones by the megabyte, each on a
//! connection of its own, and again later where the hub says that it is busy. It prints one object of JSON.
//!
//! Deliberately the bytes are counted and dropped: verifying and installing costs the station, not the hub. Half of the slow ones send
//! their request byte by byte, half read the answer so; they are never done.
#![allow(clippy::disallowed_methods, clippy::print_stdout)]

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use downtime::distribution::{MAX_BATCH, PIECE};
use downtime::identity::Roster;
use serde_json::json;
use vault::snapshot::Tail;

/// Nothing takes longer between two bytes.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a station comes again before it counts as failed.
const AGAIN: u32 = 200;
/// Most sections in one request.
const MAX_NAMES: usize = 1_024;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [hub, address, stations, slow, have @ ..] = arguments.as_slice() else {
        bail!("fetchers HUB_DATA ADDRESS STATIONS SLOW [HAVE]");
    };
    let (address, stations, slow): (SocketAddr, usize, usize) = (address.parse()?, stations.parse()?, slow.parse()?);
    let roster = Roster::from_bytes(&std::fs::read(Path::new(hub).join("roster.cbor")).context("the hub's roster")?)?;
    let trusted = roster.sealers()?;
    let tail = Tail::parse(&ask(address, &get("/parcel/snapshot/manifest", None))?, &trusted)?;
    let known = match have.first() {
        None => BTreeSet::new(),
        Some(file) => {
            let tail = Tail::parse(&std::fs::read(file).context("what is here already")?, &trusted)?;
            tail.manifest().sections.iter().map(|section| section.sha256).collect()
        }
    };
    let sections = tail
        .manifest()
        .sections
        .iter()
        .filter(|section| !known.contains(&section.sha256));
    let requests = Arc::new(requests(sections.map(|section| (section.sha256, section.len))));
    for n in 0..slow {
        let request = requests
            .iter()
            .max_by_key(|(_, len)| *len)
            .map(|(request, _)| request.clone());
        let request = request.unwrap_or_default();
        spawn(move || {
            // Whom the hub sends away comes again; that is what makes them a burden.
            loop {
                let _ = be_slow(address, &request, n % 2 == 1);
            }
        })?;
    }
    let (busy, bytes) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let begun = Instant::now();
    let mut threads = Vec::with_capacity(stations);
    for _ in 0..stations {
        let (requests, busy, bytes) = (Arc::clone(&requests), Arc::clone(&busy), Arc::clone(&bytes));
        threads.push(spawn(move || -> Result<Duration> {
            let begun = Instant::now();
            ask(address, &get("/parcel/snapshot/manifest", None))?;
            for (request, len) in requests.iter() {
                bytes.fetch_add(fetch(address, request, *len, &busy)?, Ordering::Relaxed);
            }
            Ok(begun.elapsed())
        })?);
    }
    let (mut took, mut failed) = (Vec::new(), Vec::new());
    for thread in threads {
        match thread.join().map_err(|_| anyhow::anyhow!("a thread broke"))? {
            Ok(time) => took.push(time.as_secs_f64()),
            Err(why) => failed.push(format!("{why:#}")),
        }
    }
    took.sort_by(f64::total_cmp);
    let rank = (took.len() * 99).div_ceil(100).saturating_sub(1);
    println!(
        "{}",
        json!({"seconds": begun.elapsed().as_secs_f64(), "p99": took.get(rank), "done": took.len(), "failed": failed.len(),
               "why": failed.first(), "busy": busy.load(Ordering::Relaxed), "bytes": bytes.load(Ordering::Relaxed)})
    );
    Ok(())
}

fn spawn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<std::thread::JoinHandle<T>> {
    Ok(std::thread::Builder::new().stack_size(256 << 10).spawn(work)?)
}

/// What a station asks for, and how long each answer is.
fn requests(sections: impl Iterator<Item = ([u8; 32], u64)>) -> Vec<(Vec<u8>, u64)> {
    let mut requests = Vec::new();
    let (mut names, mut size) = (Vec::new(), 0);
    let together = |names: &mut Vec<u8>, size: &mut u64, requests: &mut Vec<(Vec<u8>, u64)>| {
        if !names.is_empty() {
            let head = format!(
                "POST /parcel/snapshot/sections HTTP/1.1\r\nHost: hub\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
                names.len()
            );
            requests.push(([head.as_bytes(), names].concat(), *size));
            names.clear();
            *size = 0;
        }
    };
    for (sha256, len) in sections {
        if len > PIECE as u64 {
            let name: String = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
            let path = format!("/parcel/snapshot/section/{name}");
            let pieces = (0..len)
                .step_by(PIECE)
                .map(|from| (from, (len - from).min(PIECE as u64)));
            requests.extend(pieces.map(|(from, count)| (get(&path, Some((from, from + count - 1))), count)));
            continue;
        }
        if size + len > MAX_BATCH as u64 || names.len() == MAX_NAMES * 32 {
            together(&mut names, &mut size, &mut requests);
        }
        names.extend(sha256);
        size += len;
    }
    together(&mut names, &mut size, &mut requests);
    requests
}

fn get(path: &str, range: Option<(u64, u64)>) -> Vec<u8> {
    let range = range.map_or_else(String::new, |(from, to)| format!("Range: bytes={from}-{to}\r\n"));
    format!("GET {path} HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n{range}\r\n").into_bytes()
}

/// One answer, asked for until the hub has room for it; gives its length.
fn fetch(address: SocketAddr, request: &[u8], len: u64, busy: &AtomicU64) -> Result<u64> {
    for _ in 0..AGAIN {
        let mut stream = connect(address)?;
        stream.write_all(request).context("a request")?;
        let (status, length, come) = head(&mut stream)?;
        match status {
            200 | 206 if length == len => {
                let rest = length.checked_sub(come).context("more came than the answer's length")?;
                let mut buffer = [0; 64 << 10];
                let mut got = 0;
                while got < rest {
                    match stream.read(&mut buffer).context("an answer")? {
                        0 => bail!("an answer ended after {} of {len} bytes", come + got),
                        some => got += some as u64,
                    }
                }
                return Ok(len);
            }
            503 => {
                busy.fetch_add(1, Ordering::Relaxed);
                std::thread::park_timeout(Duration::from_secs(1));
            }
            other => bail!("answered {other} with {length} bytes instead of {len}"),
        }
    }
    bail!("the hub was busy {AGAIN} times")
}

/// A small answer.
fn ask(address: SocketAddr, request: &[u8]) -> Result<Vec<u8>> {
    let mut stream = connect(address)?;
    stream.write_all(request)?;
    let mut all = Vec::new();
    stream.read_to_end(&mut all)?;
    let at = all
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .context("an answer without an end of its head")?;
    if !all.starts_with(b"HTTP/1.1 200") {
        bail!("{}", String::from_utf8_lossy(all.get(..at).unwrap_or_default()));
    }
    Ok(all.split_off(at + 4))
}

fn connect(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE).context("no connection")?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Status, length of the body, and how much of it came with the head.
fn head(stream: &mut TcpStream) -> Result<(u16, u64, u64)> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 16 << 10];
    loop {
        let come = stream.read(&mut buffer).context("an answer's head")?;
        if come == 0 || bytes.len() > 64 << 10 {
            bail!("an answer without an end of its head");
        }
        bytes.extend_from_slice(buffer.get(..come).unwrap_or_default());
        let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            continue;
        };
        let text = String::from_utf8_lossy(bytes.get(..at).unwrap_or_default()).to_ascii_lowercase();
        let status = text
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .context("a status")?;
        let length = text
            .lines()
            .find_map(|line| line.strip_prefix("content-length:"))
            .and_then(|length| length.trim().parse().ok());
        return Ok((status, length.unwrap_or(0), (bytes.len() - at - 4) as u64));
    }
}

/// One who never gets done, until the hub ends it.
fn be_slow(address: SocketAddr, request: &[u8], reads: bool) -> Result<()> {
    let mut stream = connect(address)?;
    if reads {
        stream.write_all(request)?;
    }
    for byte in request.iter().cycle() {
        std::thread::park_timeout(Duration::from_secs(1));
        if reads {
            if stream.read(&mut [0])? == 0 {
                bail!("sent away");
            }
        } else {
            stream.write_all(&[*byte])?;
        }
    }
    Ok(())
}
