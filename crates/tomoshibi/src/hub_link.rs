//! A station's visits to its hub: is it there, what does it say about the EHR, what entries and which snapshot has it.
//!
//! Every object is signed and sealed by itself, so nothing here needs to trust the line. A failed visit only means that
//! the station goes on alone.

use std::sync::{Arc, Weak};
use std::time::Duration;

use anyhow::{Context, Result};
use chart::Moment;
use downtime::state::{Judgement, TimeQuality, Watch};
use downtime::stations::{Heads, Parcel, Remembered, Showing, Station};
use minicbor::{Decode, Encode};

use crate::line::Line;
use crate::timekeeping::HubTime;

/// Longest a visit's single request may take.
const PATIENCE: Duration = Duration::from_secs(4);

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
    /// How far the hub holds each chain.
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
    pub fn of(station: &Station) -> Self {
        let ehr = station.ehr_watch();
        Self {
            epoch: station.shelf().current().map(|s| s.identity().epoch),
            ehr_checked: ehr.checked,
            ehr_answered: ehr.answered,
            ehr_failing_since: ehr.failing_since,
            ehr_failures: ehr.failures,
            heads: station.heads(),
            now: Some(station.now()),
            time: station.time_quality().to_byte(),
            judged: Some(station.judgement()),
        }
    }
}

/// Visits the hub until the station is gone. An errand that fails is told in the log and
/// done again at the next visit: the line is there all the same.
///
/// # Errors
/// When the thread cannot be started.
pub fn start(
    station: &Arc<Station>,
    hub: String,
    every: Duration,
    time: Arc<HubTime>,
    line: Line,
    errands: Vec<Errand>,
) -> std::io::Result<()> {
    let station = Arc::downgrade(station);
    std::thread::Builder::new()
        .name("hub-link".into())
        .spawn(move || visits(&station, &hub, every, &time, &line, &errands))?;
    Ok(())
}

fn visits(station: &Weak<Station>, hub: &str, every: Duration, time: &HubTime, line: &Line, errands: &[Errand]) {
    let agent = line.agent(PATIENCE);
    loop {
        let Some(station) = station.upgrade() else { return };
        match visit(&station, &agent, hub, time) {
            Ok(()) => {
                station.observe_hub(true);
                run_errands(&station, &agent, hub, errands);
            }
            Err(error) => {
                tracing::debug!(%error, "visit to the hub failed");
                station.observe_hub(false);
            }
        }
        drop(station);
        std::thread::sleep(every);
    }
}

fn run_errands(station: &Arc<Station>, agent: &ureq::Agent, hub: &str, errands: &[Errand]) {
    for (what, errand) in errands {
        if let Err(error) = errand(station, agent, hub) {
            tracing::warn!(%error, what, "left undone at this visit");
        }
    }
}

/// One visit: word and records both ways. A newer snapshot comes by itself (`fetching`), so that a long one keeps nobody waiting.
fn visit(station: &Arc<Station>, agent: &ureq::Agent, hub: &str, time: &HubTime) -> Result<()> {
    let before = station.now();
    let word = agent
        .get(format!("{hub}/parcel/word"))
        .call()?
        .into_body()
        .read_to_vec()?;
    let word: HubWord = minicbor::decode(&word).context("the hub's word cannot be read")?;
    if let Some(now) = word.now {
        time.heard(before, now, station.now(), TimeQuality::from_byte(word.time));
    }
    station.adopt_ehr(Watch {
        checked: word.ehr_checked,
        answered: word.ehr_answered,
        failing_since: word.ehr_failing_since,
        failures: word.ehr_failures,
    });
    station.adopt_judgement(word.judged);
    exchange(station, agent, hub, word.heads)?;
    // The line is there even if the hub's disk takes no audit records: that must not look like a network failure.
    if let Err(error) = show_audit(station, agent, hub) {
        tracing::warn!(%error, "the hub did not take this station's audit log; it is kept here and shown again");
    }
    Ok(())
}

fn exchange(station: &Arc<Station>, agent: &ureq::Agent, hub: &str, mut theirs: Heads) -> Result<()> {
    loop {
        let parcel = station.missing(&theirs);
        if parcel.records.is_empty() {
            break;
        }
        let answer = agent
            .post(format!("{hub}/parcel/records"))
            .send(&parcel.to_bytes()[..])?;
        theirs = Heads::from_bytes(&answer.into_body().read_to_vec()?)?;
        if !parcel.more {
            break;
        }
    }
    station.note_sent(&theirs);
    loop {
        let answer = agent
            .post(format!("{hub}/parcel/missing"))
            .send(&station.heads().to_bytes()[..])?;
        let parcel = Parcel::from_bytes(&answer.into_body().with_config().limit(16 << 20).read_to_vec()?)?;
        let taken = station.take(&parcel)?;
        if !parcel.more || taken == 0 {
            return Ok(());
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
