//! Carrying questions and answers about records between stations: to hubs, and to the terminals of the ward and two others.
//!
//! What is said is `downtime::stations::replica`'s; here are connections, threads and patience. A save rings a bell: hubs and
//! neighbours are visited at once, and whoever listens at a station hears within a moment that there is news.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use downtime::stations::replica::{Answer, Ask, MAX_MESSAGE, Peer, Summary};
use downtime::stations::{Heads, Parcel, Rounds, Station};

use crate::line::Line;
use crate::random;

/// Longest one question about records may take. A message holds a megabyte of records: that is 2 Mbit/s.
const PATIENCE: Duration = Duration::from_secs(4);
/// How long a station that is listened to waits for news before it says that there are none.
pub const LISTEN: Duration = Duration::from_secs(20);
/// Pause before a station is listened to again that did not answer.
const LISTEN_AGAIN: Duration = Duration::from_secs(2);
/// Seconds for which the same strangers are visited.
const STRANGERS_SECONDS: u64 = 600;

/// Wakes one thread from its pause.
#[derive(Default)]
pub struct Bell {
    rung: Mutex<bool>,
    wake: Condvar,
}

impl Bell {
    /// Wakes.
    pub fn ring(&self) {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.wake.notify_all();
    }

    /// Waits so long, or until it rings.
    pub fn wait(&self, longest: Duration) {
        let rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.wake.wait_timeout_while(rung, longest, |rung| !*rung);
        let (mut rung, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *rung = false;
    }
}

/// A number below `limit`, by chance.
pub fn chance_of(limit: u32) -> u32 {
    rand_core::Rng::next_u32(&mut random::system()) % limit.max(1)
}

fn chance() -> u64 {
    rand_core::Rng::next_u64(&mut random::system())
}

/// Exchanges records and receipts with the station at an address.
///
/// # Errors
/// When the line breaks or the disk does not take what came. What was exchanged until then holds.
pub fn exchange(station: &Station, line: &Line, address: &str, peer: &mut Peer) -> Result<Summary> {
    let agent = line.agent(PATIENCE);
    let mut old = false;
    let done = station.visit(peer, |ask| match carry(&agent, address, ask) {
        Err(Carried::Old) => {
            old = true;
            bail!("a station of an earlier version");
        }
        Err(Carried::Failed(error)) => Err(error),
        Ok(answer) => Ok(answer),
    });
    if old {
        exchange_as_before(station, &agent, address)
    } else {
        done
    }
}

enum Carried {
    /// It does not know the question.
    Old,
    Failed(anyhow::Error),
}

fn carry(agent: &ureq::Agent, address: &str, ask: &Ask) -> Result<Answer, Carried> {
    let answer = match agent.post(format!("{address}/parcel/gossip")).send(&ask.to_bytes()[..]) {
        Err(ureq::Error::StatusCode(404)) => return Err(Carried::Old),
        Err(error) => return Err(Carried::Failed(error.into())),
        Ok(answer) => answer,
    };
    let body = answer.into_body().with_config().limit(MAX_MESSAGE as u64).read_to_vec();
    let body = body.map_err(|error| Carried::Failed(error.into()))?;
    Answer::from_bytes(&body).map_err(|fault| Carried::Failed(fault.into()))
}

/// With a station of an earlier version: records without receipts, so that nothing is claimed of it.
fn exchange_as_before(station: &Station, agent: &ureq::Agent, address: &str) -> Result<Summary> {
    let get = |path: &str, body: &[u8]| -> Result<Vec<u8>> {
        let answer = agent.post(format!("{address}/parcel/{path}")).send(body)?;
        Ok(answer
            .into_body()
            .with_config()
            .limit(MAX_MESSAGE as u64)
            .read_to_vec()?)
    };
    let mut theirs = Heads::from_bytes(&get("records", &Parcel::default().to_bytes())?).context("heads")?;
    let mut summary = Summary::default();
    loop {
        let parcel = station.missing(&theirs);
        if parcel.records.is_empty() {
            break;
        }
        let before = theirs;
        theirs = Heads::from_bytes(&get("records", &parcel.to_bytes())?)?;
        summary.given += parcel.records.len() as u64;
        if !parcel.more || theirs == before {
            break;
        }
    }
    loop {
        let parcel = Parcel::from_bytes(&get("missing", &station.heads().to_bytes())?)?;
        let taken = station.take(&parcel)?;
        summary.taken += taken as u64;
        if !parcel.more || taken == 0 {
            return Ok(summary);
        }
    }
}

/// Visits the terminals of this station's wards, two others, and on a hub the other hubs, until the station is gone.
///
/// # Errors
/// When the thread cannot be started.
pub fn start(station: &Arc<Station>, line: Line) -> std::io::Result<()> {
    let bell = Arc::new(Bell::default());
    ring_when_saved(station, Arc::clone(&bell))?;
    let station = Arc::downgrade(station);
    std::thread::Builder::new()
        .name("gossip".into())
        .spawn(move || rounds(&station, &line, &bell))?;
    Ok(())
}

fn rounds(station: &Weak<Station>, line: &Line, bell: &Bell) {
    let begun = Instant::now();
    let now = || u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let mut rounds = Rounds::default();
    let mut known: std::collections::BTreeMap<String, Peer> = std::collections::BTreeMap::new();
    let strangers = chance();
    let saved = AtomicU64::new(0);
    loop {
        let Some(station) = station.upgrade() else { return };
        let which = strangers.wrapping_add(now() / 1_000 / STRANGERS_SECONDS);
        let addresses = station.peers(which);
        known.retain(|at, _| addresses.iter().any(|address| address.at == *at));
        rounds.set(&addresses, now(), chance);
        if saved.swap(station.news().saved(), Ordering::Relaxed) != station.news().saved() {
            rounds.hurry(now());
        }
        let (turn, wait) = rounds.next(now());
        let Some(address) = turn else {
            drop(station);
            bell.wait(Duration::from_millis(wait.clamp(50, 5_000)));
            continue;
        };
        let peer = known.entry(address.at.clone()).or_default();
        let done = exchange(&station, line, &address.at, peer);
        match &done {
            Ok(_) => station.note_peer(),
            Err(error) => tracing::debug!(%error, peer = %address.code, "another station did not answer"),
        }
        rounds.visited(&address, done.is_ok(), now(), chance());
    }
}

/// Rings at every entry that is saved here.
///
/// # Errors
/// When the thread cannot be started.
pub fn ring_when_saved(station: &Arc<Station>, bell: Arc<Bell>) -> std::io::Result<()> {
    let (news, station) = (Arc::clone(station.news()), Arc::downgrade(station));
    std::thread::Builder::new().name("bell".into()).spawn(move || {
        let mut seen = news.saved();
        while station.strong_count() > 0 {
            let saved = news.wait_saved(seen, LISTEN);
            if saved != seen {
                seen = saved;
                bell.ring();
            }
        }
    })?;
    Ok(())
}

/// Listens at a station and rings when it says that it has news.
///
/// # Errors
/// When the thread cannot be started.
pub fn listen(station: &Arc<Station>, address: String, line: Line, bell: Arc<Bell>) -> std::io::Result<()> {
    let station = Arc::downgrade(station);
    std::thread::Builder::new().name("listen".into()).spawn(move || {
        let agent = line.agent(LISTEN + PATIENCE);
        let mut seen: Option<u64> = None;
        while station.strong_count() > 0 {
            let asked = seen.map_or_else(String::new, |seen| format!("?seen={seen}"));
            let heard = agent.get(format!("{address}/parcel/news{asked}")).call();
            let heard = heard.and_then(|answer| answer.into_body().read_to_string());
            match heard.ok().and_then(|count| count.trim().parse::<u64>().ok()) {
                Some(count) => {
                    if seen.is_some_and(|seen| seen != count) {
                        bell.ring();
                    }
                    seen = Some(count);
                }
                None => {
                    seen = None;
                    std::thread::sleep(LISTEN_AGAIN);
                }
            }
        }
    })?;
    Ok(())
}
