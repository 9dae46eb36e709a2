//! What this station's probes have seen, and who has visited this hub: kept in memory, gone with the process.
//!
//! The roof observes; `state::judge` judges. Nobody here declares anything.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chart::{Moment, StationCode};

use super::Station;
use crate::state::{Cause, Judgement, MAX_PROBES, Probe, Quiet, Watch, Watched, judge, together};

/// What was observed.
#[derive(Default)]
pub(super) struct Watching {
    probes: Mutex<Vec<Probe>>,
    /// What the hub judged, and when it said so.
    hub_says: Mutex<Option<Judgement>>,
    visits: Mutex<BTreeMap<[u8; 16], Moment>>,
    disk: Mutex<Option<Disk>>,
}

/// Room on the disk that holds this station's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disk {
    /// Bytes free.
    pub free: u64,
    /// Bytes in all.
    pub all: u64,
    /// When that was.
    pub at: Moment,
}

/// One enrolled station as the hub knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StationSeen {
    /// Its code.
    pub code: StationCode,
    /// Its last visit with a signed word about itself since this hub started.
    pub visited: Option<Moment>,
}

/// The name under which the EHR stands where no probe names it.
pub const EHR_NAME: &str = "電子カルテ";

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whatever a thread that died has left is whole: every change is one assignment.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Station {
    /// The roof's probe of the EHR came back.
    pub fn observe_ehr(&self, answered: bool) {
        let now = self.now();
        self.ehr
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .observe(now, answered);
    }

    /// What the hub says about the EHR: a station believes its hub while it can reach it.
    pub fn adopt_ehr(&self, watch: Watch) {
        *self.ehr.lock().unwrap_or_else(PoisonError::into_inner) = watch;
    }

    /// The watch over the EHR, for stations that ask this hub.
    #[must_use]
    pub fn ehr_watch(&self) -> Watch {
        *self.ehr.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is watched from here, at most [`MAX_PROBES`].
    pub fn watch(&self, mut probes: Vec<Probe>) {
        probes.truncate(MAX_PROBES);
        *lock(&self.watching.probes) = probes;
    }

    /// A check came back. What is part of the EHR makes the mode.
    pub fn observe_probe(&self, name: &str, answered: bool) {
        let now = self.now();
        let ehr = {
            let mut probes = lock(&self.watching.probes);
            let Some(probe) = probes.iter_mut().find(|probe| probe.name == name) else {
                return;
            };
            probe.watch.observe(now, answered);
            let part_of_it = probe.what.is_ehr();
            let parts = probes.iter().filter(|probe| probe.what.is_ehr());
            part_of_it.then(|| together(parts.map(|probe| &probe.watch)))
        };
        if let Some(ehr) = ehr {
            self.adopt_ehr(ehr);
        }
    }

    /// A feed was looked at: `None` when it could not be.
    pub fn observe_feed(&self, name: &str, quiet: Option<Quiet>) {
        let now = self.now();
        let mut probes = lock(&self.watching.probes);
        if let Some(probe) = probes.iter_mut().find(|probe| probe.name == name) {
            probe.watch.observe(now, quiet.is_some());
            probe.quiet = quiet.unwrap_or(probe.quiet);
        }
    }

    /// What the hub judged when it was last asked.
    pub fn adopt_judgement(&self, judgement: Option<Judgement>) {
        *lock(&self.watching.hub_says) = judgement;
    }

    /// Every probe with what it has seen, the hub and the EHR among them.
    #[must_use]
    pub fn probes(&self) -> Vec<Probe> {
        let mut probes = lock(&self.watching.probes).clone();
        if let Some(hubs) = &self.hub {
            let watch = hubs.watch();
            match probes.iter_mut().find(|probe| probe.what == Watched::Hub) {
                Some(probe) => probe.watch = watch,
                None => probes.push(Probe {
                    watch,
                    ..Probe::new("hub", Watched::Hub, None)
                }),
            }
        } else if !probes.iter().any(|probe| probe.what.is_ehr()) {
            // Somebody else observes the EHR as a whole, or nobody does: then it was never checked, and that is said.
            probes.push(Probe {
                watch: self.ehr_watch(),
                ..Probe::new(EHR_NAME, Watched::EhrApp, None)
            });
        }
        probes
    }

    /// What the probes say together. A station that reaches its hub believes it about everything behind the hub.
    #[must_use]
    pub fn judgement(&self) -> Judgement {
        let here = judge(&self.probes(), self.now());
        if self.hub.is_none() || here.cause.is_trouble() {
            return here;
        }
        let reached = matches!(here.cause, Cause::Nothing);
        let hub = lock(&self.watching.hub_says).clone().filter(|_| reached);
        // Everything this station looks at is there; about the EHR it knows only what the hub says.
        hub.unwrap_or(Judgement {
            cause: Cause::Checking,
            ..here
        })
    }

    /// An enrolled station has shown itself to this hub, signed.
    pub(super) fn note_visit(&self, station: [u8; 16]) {
        let now = self.now();
        lock(&self.watching.visits).insert(station, now);
    }

    /// Every other enrolled station with its last visit; empty on a station that has a hub itself.
    #[must_use]
    pub fn stations_seen(&self) -> Vec<StationSeen> {
        if self.hub.is_some() {
            return Vec::new();
        }
        let Some(shelved) = self.shelf().current() else {
            return Vec::new();
        };
        let roster = shelved.roster();
        let visits = lock(&self.watching.visits);
        let others = roster.stations.iter().filter(|station| station.code != self.code);
        others
            .map(|station| StationSeen {
                code: station.code,
                visited: visits.get(roster.station_id(station.code).as_bytes()).copied(),
            })
            .collect()
    }

    /// The roof looked at the disk.
    pub fn observe_disk(&self, disk: Option<Disk>) {
        *lock(&self.watching.disk) = disk;
    }

    /// Room on the disk, if it could be seen.
    #[must_use]
    pub fn disk(&self) -> Option<Disk> {
        *lock(&self.watching.disk)
    }

    /// The watch over the hub, on a station that has one elsewhere.
    #[must_use]
    pub fn hub_watch(&self) -> Option<Watch> {
        Some(self.hub.as_ref()?.watch())
    }
}
