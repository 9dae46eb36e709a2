//! A station's visits to its hubs: is one there, what does it say about the EHR, what entries and which snapshot has it.
//!
//! Every object is signed and sealed by itself, so nothing here needs to trust the line. A failed visit only means that the
//! station goes on alone. Each hub has a thread of its own, so that one that hangs keeps nobody from the other, and a second one
//! for whatever takes long. A cut line answers nothing at all: three visits have failed within fifteen seconds of it.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use chart::Moment;
use downtime::state::{Judgement, TimeQuality, Watch};
use downtime::stations::replica::Peer;
use downtime::stations::{Heads, Remembered, Showing, Station};
use minicbor::{Decode, Encode};

use crate::gossip::{self, Bell};
use crate::line::Line;
use crate::timekeeping::HubTime;

/// Longest the first question of a visit may take.
const PATIENCE: Duration = Duration::from_millis(2_500);
/// Pause after a failed visit: whether the line is gone should be known soon.
const AGAIN: Duration = Duration::from_millis(500);
/// Longest an errand's single request may take.
const ERRAND_PATIENCE: Duration = Duration::from_secs(10);

/// Something else to do at a visit, once the entries are exchanged: what, and how.
pub type Errand = (
    &'static str,
    Box<dyn Fn(&Arc<Station>, &ureq::Agent, &str) -> Result<()> + Send>,
);

/// What a hub says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct HubWord {
    /// Epoch of its snapshot, if it has one.
    #[n(0)]
    pub epoch: Option<u64>,
    /// Last check of the EHR.
    #[n(1)]
    pub ehr_checked: Option<Moment>,
    /// Last answer of the EHR.
    #[n(2)]
    pub ehr_answered: Option<Moment>,
    /// First failure since.
    #[n(3)]
    pub ehr_failing_since: Option<Moment>,
    /// Failures since.
    #[n(4)]
    pub ehr_failures: u32,
    /// How far the hub holds each chain; empty for who did not ask for it.
    #[n(5)]
    pub heads: Heads,
    /// What its clock shows.
    #[n(6)]
    pub now: Option<Moment>,
    /// How far its clock can be trusted, in the coding of `TimeQuality`.
    #[n(7)]
    #[cbor(default)]
    pub time: u8,
    /// What its probes say together; `None` from a hub of an earlier version.
    #[n(8)]
    #[cbor(default)]
    pub judged: Option<Judgement>,
}

impl HubWord {
    /// What this station would say as a hub.
    #[must_use]
    pub fn of(station: &Station, with_heads: bool) -> Self {
        let ehr = station.ehr_watch();
        Self {
            epoch: station.shelf().current().map(|s| s.identity().epoch),
            ehr_checked: ehr.checked,
            ehr_answered: ehr.answered,
            ehr_failing_since: ehr.failing_since,
            ehr_failures: ehr.failures,
            heads: if with_heads { station.heads() } else { Heads::default() },
            now: Some(station.now()),
            time: station.time_quality().to_byte(),
            judged: Some(station.judgement()),
        }
    }
}

/// One hub as its threads see it.
struct Hub {
    number: usize,
    address: String,
    every: Duration,
    line: Line,
    bell: Arc<Bell>,
}

/// Visits the hubs until the station is gone. An errand that fails is told in the log and
/// done again at the next visit: the line is there all the same.
///
/// # Errors
/// When a thread cannot be started.
pub fn start(
    station: &Arc<Station>,
    hubs: Vec<String>,
    every: Duration,
    time: Arc<HubTime>,
    line: Line,
    errands: Vec<Errand>,
) -> std::io::Result<()> {
    station.expect_hubs(hubs.len());
    // One hub's errands at a time: two copies of one snapshot are of no use.
    let errands = Arc::new(Mutex::new(errands));
    for (number, address) in hubs.into_iter().enumerate() {
        let hub = Hub {
            number,
            address,
            every,
            line: line.clone(),
            bell: Arc::new(Bell::default()),
        };
        let (send, receive) = sync_channel(1);
        let (weak, address, line) = (Arc::downgrade(station), hub.address.clone(), line.clone());
        let errands = Arc::clone(&errands);
        std::thread::Builder::new()
            .name(format!("errands-{number}"))
            .spawn(move || {
                run_errands(&weak, &address, &line, &receive, &errands);
            })?;
        gossip::listen(station, hub.address.clone(), hub.line.clone(), Arc::clone(&hub.bell))?;
        gossip::ring_when_saved(station, Arc::clone(&hub.bell))?;
        let (weak, time) = (Arc::downgrade(station), Arc::clone(&time));
        std::thread::Builder::new()
            .name(format!("hub-link-{number}"))
            .spawn(move || visits(&weak, &hub, &time, &send))?;
    }
    Ok(())
}

fn visits(station: &Weak<Station>, hub: &Hub, time: &HubTime, errands: &SyncSender<()>) {
    let agent = hub.line.agent(PATIENCE);
    let mut peer = Peer::default();
    loop {
        let Some(station) = station.upgrade() else { return };
        let begun = Instant::now();
        let visited = visit(&station, hub, &agent, time, &mut peer);
        station.observe_hub_number(hub.number, visited.is_ok());
        drop(station);
        let pause = match visited {
            Ok(()) => {
                // Full only while the ones before are still being run.
                let _ = errands.try_send(());
                // From start to start, and never longer: a slow answer must not make the next one late.
                let quarter = hub.every / 4;
                let jitter = quarter.mul_f64(f64::from(gossip::chance_of(1_000)) / 1_000.0);
                hub.every.saturating_sub(jitter).saturating_sub(begun.elapsed())
            }
            Err(error) => {
                tracing::debug!(%error, hub = hub.address, "visit to the hub failed");
                AGAIN
            }
        };
        hub.bell.wait(pause);
    }
}

/// One visit: the hub's word, and records both ways. A newer snapshot comes by itself (`fetching`), so that a long one keeps nobody waiting.
fn visit(station: &Arc<Station>, hub: &Hub, agent: &ureq::Agent, time: &HubTime, peer: &mut Peer) -> Result<()> {
    let before = station.now();
    let cut_off = station.is_cut_off();
    let lost = station
        .hub_watch()
        .and_then(|watch| watch.silent_since())
        .filter(|_| cut_off);
    let word = agent
        .get(format!("{}/parcel/word?heads=0", hub.address))
        .call()?
        .into_body()
        .read_to_vec()?;
    let word: HubWord = minicbor::decode(&word).context("the hub's word cannot be read")?;
    if let Some(now) = word.now {
        time.heard(before, now, station.now(), TimeQuality::from_byte(word.time));
    }
    let ehr = Watch {
        checked: word.ehr_checked,
        answered: word.ehr_answered,
        failing_since: word.ehr_failing_since,
        failures: word.ehr_failures,
    };
    station.hear_hub(hub.number, ehr, word.judged);
    let done = gossip::exchange(station, &hub.line, &hub.address, peer)?;
    station.note_exchange(done, lost);
    Ok(())
}

fn run_errands(station: &Weak<Station>, hub: &str, line: &Line, visited: &Receiver<()>, errands: &Mutex<Vec<Errand>>) {
    let agent = line.agent(ERRAND_PATIENCE);
    while visited.recv().is_ok() {
        let errands = errands.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(station) = station.upgrade() else { return };
        if let Err(error) = show_audit(&station, &agent, hub) {
            tracing::warn!(%error, "the hub did not take this station's audit log; it is kept here and shown again");
        }
        for (what, errand) in errands.iter() {
            if let Err(error) = errand(&station, &agent, hub) {
                tracing::warn!(%error, what, "left undone at this visit");
            }
        }
    }
}

/// Sends audit records that the hub lacks, and has the hub witness how far this station's audit log has got.
fn show_audit(station: &Arc<Station>, agent: &ureq::Agent, hub: &str) -> Result<()> {
    let Some(asking) = station.audit_asking() else {
        return Ok(());
    };
    let ask = || -> Result<Remembered> {
        let answer = agent
            .post(format!("{hub}/parcel/audit/seen"))
            .send(&asking.to_bytes()[..])?;
        Ok(Remembered::from_bytes(&answer.into_body().read_to_vec()?)?)
    };
    let mut remembered = ask()?;
    loop {
        let parcel = station.audit_missing(&remembered.heads);
        if parcel.records.is_empty() {
            break;
        }
        agent
            .post(format!("{hub}/parcel/audit/records"))
            .send(&parcel.to_bytes()[..])?;
        let before = remembered.heads;
        remembered = ask()?;
        // A hub that took nothing of it will take nothing of it again now.
        if !parcel.more || remembered.heads == before {
            break;
        }
    }
    station.note_audit_sent(&remembered.heads);
    let showing = station.audit_showing(&remembered);
    let answer = agent
        .post(format!("{hub}/parcel/audit/show"))
        .send(&showing.to_bytes()[..])?;
    station.audit_answered(&Showing::from_bytes(&answer.into_body().read_to_vec()?)?)?;
    Ok(())
}
