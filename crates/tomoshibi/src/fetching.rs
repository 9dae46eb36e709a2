//! Getting a newer snapshot, from the hub or from other stations: whether there is one is heard from the sealer's heartbeat, what is here
//! already is not asked for again, and nothing given is believed (`downtime::distribution`, `Shelf::pull`).
//!
//! It runs beside the visits to the hub: a snapshot that takes long must not look like a network failure. Without a hub other
//! stations are asked, those of the same ward first.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use anyhow::Result;
use chart::Moment;
use downtime::distribution::{Giver, HEARTBEAT_LEN, Lost, Refused, Remark};
use downtime::shelf::ArrivalFault;
use downtime::stations::Station;
use rand_core::Rng;
use vault::shelf_slots::SlotsFault;
use vault::snapshot::MAX_TAIL;

use crate::line::Line;
use crate::{home, random};

/// Longest between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// How long a small answer may take: a heartbeat, a manifest.
const SMALL_PATIENCE: Duration = Duration::from_secs(4);
/// How long a megabyte may take: slower than that and somebody else is asked.
const PIECE_PATIENCE: Duration = Duration::from_secs(10);
/// Broken answers after which somebody is not asked again in one pull.
const BROKEN: u32 = 2;
/// Most other stations asked at one time.
const PEERS: usize = 4;
/// How often the hub is asked for its manifest although nobody spoke of a newer one: a hub of an earlier version has no heartbeat.
const UNTOLD: Duration = Duration::from_secs(60);
/// How long a snapshot that did not open here is not asked for again: a station that is not enrolled must not load the line all day.
const SHUT: Duration = Duration::from_secs(600);
/// Below so many missing bytes the hub is asked before other stations.
const LITTLE: u64 = 4 << 20;

/// Looks for newer snapshots until the station is gone.
///
/// # Errors
/// When the thread cannot be started.
pub fn start(
    station: &Arc<Station>,
    hubs: Vec<String>,
    every: Duration,
    data: &Path,
    line: Line,
) -> std::io::Result<()> {
    let station = Arc::downgrade(station);
    let data = data.to_path_buf();
    std::thread::Builder::new().name("snapshots".into()).spawn(move || {
        Fetching {
            hubs,
            data,
            line,
            untold: None,
            shut: None,
        }
        .looks(&station, every.min(LOOK_EVERY));
    })?;
    Ok(())
}

/// What is remembered between two looks.
struct Fetching {
    hubs: Vec<String>,
    data: PathBuf,
    line: Line,
    /// When the hub was last asked for its manifest without having been told of a newer one.
    untold: Option<Instant>,
    /// A manifest that did not open here, and when.
    shut: Option<(Vec<u8>, Instant)>,
}

impl Fetching {
    fn looks(&mut self, station: &Weak<Station>, every: Duration) {
        loop {
            let Some(station) = station.upgrade() else { return };
            if let Err(error) = self.look(&station) {
                tracing::debug!(%error, "no newer snapshot at this look");
            }
            drop(station);
            // A little sooner or later each time, so that a thousand stations do not come at one moment.
            let jitter = u64::from(random::system().next_u32()) % (every.as_millis() as u64 / 4).max(1);
            std::thread::sleep(every + Duration::from_millis(jitter));
        }
    }

    fn look(&mut self, station: &Arc<Station>) -> Result<()> {
        // Each hub may be a sealer of its own: all of them are heard.
        let heard = self.hubs.iter().filter(|hub| self.hear(station, hub)).count();
        let peers = peers(station);
        if heard == 0 {
            // Whoever still hears a sealer passes it on.
            for peer in peers.iter().take(2) {
                self.hear(station, peer);
            }
        }
        let told = station.shelf().wanted().is_some();
        let due = self.untold.is_none_or(|at| at.elapsed() >= UNTOLD);
        if !told && !due {
            return Ok(());
        }
        if !told {
            self.untold = Some(Instant::now());
        }
        let addresses = self.hubs.iter().chain(peers.iter().filter(|_| told)).cloned();
        let addresses: Vec<String> = addresses.collect();
        for address in addresses {
            let Ok(tail) = self.small(&address, "/parcel/snapshot/manifest", MAX_TAIL) else {
                continue;
            };
            if self
                .shut
                .as_ref()
                .is_some_and(|(shut, at)| *shut == tail && at.elapsed() < SHUT)
            {
                continue;
            }
            if self.pull(station, &tail, &address, &peers)? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Asks for the sign of life of a sealer. True when an answer came, whatever it said.
    fn hear(&self, station: &Arc<Station>, address: &str) -> bool {
        let Ok(bytes) = self.small(address, "/parcel/heartbeat", HEARTBEAT_LEN) else {
            return false;
        };
        if let Err(fault) = station.shelf().hear(&bytes, station.now()) {
            tracing::debug!(%fault, address, "a heartbeat was not believed");
        }
        true
    }

    fn small(&self, address: &str, path: &str, most: usize) -> Result<Vec<u8>> {
        let agent = self.line.agent(SMALL_PATIENCE);
        let answer = agent.get(format!("{address}{path}")).call()?;
        Ok(answer.into_body().with_config().limit(most as u64).read_to_vec()?)
    }

    /// Follows a manifest that somebody gave. True when it is in use now.
    fn pull(&mut self, station: &Arc<Station>, tail: &[u8], address: &str, peers: &[String]) -> Result<bool> {
        let mut order: Vec<&str> = peers.iter().map(String::as_str).collect();
        // A delta is little, and the hub has it; the first snapshot of a day comes from the neighbours, as far as they have it.
        let little = station
            .shelf()
            .current()
            .is_some_and(|here| here.size().is_ok_and(|size| size < LITTLE));
        if little || station.shelf().wanted().is_some_and(|wanted| wanted.delta > 0) {
            order.splice(0..0, self.hubs.iter().map(String::as_str));
        } else {
            order.extend(self.hubs.iter().map(String::as_str));
        }
        if !order.contains(&address) {
            order.insert(0, address);
        }
        let givers: Vec<OverTheLine<'_>> = order
            .iter()
            .map(|address| OverTheLine::new(&self.line, address))
            .collect();
        let givers: Vec<&dyn Giver> = givers.iter().map(|giver| giver as &dyn Giver).collect();
        let free = station.disk().map(|disk| disk.free);
        let now = station.now();
        let mut remarks = Vec::new();
        let pulled = station
            .shelf()
            .pull(tail, &givers, free, now, &mut |remark| remarks.push(remark));
        remarks.iter().for_each(|remark| self.tell(now, remark));
        match pulled {
            Ok(pulled) => {
                let (epoch, delta) = (pulled.identity.epoch, pulled.identity.delta);
                tracing::info!(epoch, delta, fetched = pulled.fetched, "a newer snapshot is in use");
                for warning in &pulled.warnings {
                    tracing::warn!(?warning, "★ the newer snapshot is in use, and this must be looked at");
                }
                if let Some(record) = pulled.destroyed {
                    home::log(&self.data, "destroyed.log", &format!("{} {record:?}", now.text()))?;
                }
                Ok(true)
            }
            Err(ArrivalFault::Refused(Refused::NotNewer)) => Ok(false),
            Err(fault) => {
                if let ArrivalFault::Slots(SlotsFault::Verify(_)) = &fault {
                    self.shut = Some((tail.to_vec(), Instant::now()));
                }
                let attack = matches!(fault, ArrivalFault::Refused(_) | ArrivalFault::Untrusted(_));
                if attack {
                    self.log(now, &format!("{address} REFUSED {fault}"));
                    tracing::error!("★ {address}: {fault}");
                } else {
                    tracing::warn!(%fault, address, "the newer snapshot was not installed; the one here stays");
                }
                Ok(false)
            }
        }
    }

    fn tell(&self, now: Moment, remark: &Remark) {
        match remark {
            Remark::Lied { who } => {
                tracing::error!(
                    who,
                    "★ gave other bytes than were asked for, and is not asked again in this pull"
                );
                self.log(now, &format!("{who} LIED"));
            }
            Remark::Rotten => {
                tracing::error!("★ the snapshot in use here has rotted on the disk; what is damaged is fetched again");
                self.log(now, "ROTTEN");
            }
            Remark::Lost { who, why } => tracing::debug!(who, %why, "gave nothing"),
            Remark::Spoiled => tracing::info!("what had arrived was spoiled and is fetched again"),
        }
    }

    fn log(&self, now: Moment, words: &str) {
        if let Err(error) = home::log(&self.data, "distribution.log", &format!("{} {words}", now.text())) {
            tracing::error!(%error, "the log of distribution cannot be written");
        }
    }
}

/// Addresses of other stations, those of the same ward or department first, otherwise in an order that differs each time.
fn peers(station: &Arc<Station>) -> Vec<String> {
    let Some(current) = station.shelf().current() else {
        return Vec::new();
    };
    let roster = current.roster();
    let Some(own) = roster.station(station.code()) else {
        return Vec::new();
    };
    let others = roster
        .stations
        .iter()
        .filter(|other| !other.retired && other.code != own.code);
    let mut reachable: Vec<(bool, u32, String)> = others
        .filter_map(|other| {
            let near = other.wards.iter().any(|ward| own.wards.contains(ward))
                || other
                    .departments
                    .iter()
                    .any(|department| own.departments.contains(department));
            let address = other.address.as_ref()?.trim_end_matches('/').to_owned();
            Some((!near, random::system().next_u32(), address))
        })
        .collect();
    reachable.sort();
    reachable.into_iter().take(PEERS).map(|(.., address)| address).collect()
}

/// One address that may have bytes.
struct OverTheLine<'a> {
    agent: ureq::Agent,
    address: &'a str,
    broken: Cell<u32>,
}

impl<'a> OverTheLine<'a> {
    fn new(line: &Line, address: &'a str) -> Self {
        Self {
            agent: line.agent(PIECE_PATIENCE),
            address,
            broken: Cell::new(0),
        }
    }

    /// The bytes of an answer, one more than was asked for at most: so a longer one is seen without being read.
    fn bytes(
        &self,
        answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
        len: usize,
    ) -> Result<Vec<u8>, Lost> {
        let broken = |error: ureq::Error| match error {
            ureq::Error::StatusCode(404) => Lost::NotThere,
            ureq::Error::StatusCode(503) => Lost::Busy,
            other => {
                self.broken.set(self.broken.get() + 1);
                Lost::Line(other.to_string())
            }
        };
        let answer = answer.map_err(broken)?;
        let mut bytes = Vec::with_capacity(len + 1);
        let mut body = answer.into_body().into_reader();
        let read = std::io::Read::read_to_end(&mut std::io::Read::take(&mut body, len as u64 + 1), &mut bytes);
        read.map_err(|error| broken(ureq::Error::Io(error)))?;
        // An answer that ends early is a broken line as often as a lie.
        if bytes.len() < len {
            self.broken.set(self.broken.get() + 1);
            return Err(Lost::Line("the answer ended early".to_owned()));
        }
        Ok(bytes)
    }

    fn given_up(&self) -> Result<(), Lost> {
        if self.broken.get() >= BROKEN {
            Err(Lost::Line("given up".to_owned()))
        } else {
            Ok(())
        }
    }
}

impl Giver for OverTheLine<'_> {
    fn name(&self) -> &str {
        self.address
    }

    fn piece(&self, sha256: &[u8; 32], offset: u64, len: usize) -> Result<Vec<u8>, Lost> {
        self.given_up()?;
        let name: String = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
        let last = offset.saturating_add(len as u64).saturating_sub(1);
        let request = self
            .agent
            .get(format!("{}/parcel/snapshot/section/{name}", self.address));
        self.bytes(request.header("range", format!("bytes={offset}-{last}")).call(), len)
    }

    fn batch(&self, sha256: &[[u8; 32]], len: usize) -> Result<Vec<u8>, Lost> {
        self.given_up()?;
        let request = self.agent.post(format!("{}/parcel/snapshot/sections", self.address));
        self.bytes(request.send(&sha256.concat()[..]), len)
    }
}
