//! How the audit records stand: everything that can be said about them without reading one. Nobody is accused here; numbers and
//! places are named, people judge.

use std::sync::PoisonError;

use chart::Moment;
use vault::StationId;

use super::audit::Sightings;
use super::witness::Raised;
use crate::audit::Flaw;

/// How the audit records stand: everything that can be said without reading one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogState {
    /// Records in whole chains.
    pub records: u64,
    /// Stations of which there are records.
    pub stations: usize,
    /// Places in the files here that are not as they were written.
    pub damage: usize,
    /// Gaps, forks and breaks.
    pub flaws: Vec<Flaw>,
    /// Remembered checkpoints with which the records here agree.
    pub proven: usize,
    /// Remembered checkpoints that the records here contradict.
    pub contradicted: usize,
    /// Remembered checkpoints of other stations that are ahead of the records here.
    pub ahead: usize,
    /// How much of this station's own log somebody else remembers, and since when.
    pub witnessed: Option<(u64, Moment)>,
    /// Records of this station that the hub does not hold yet.
    pub unsent: u64,
    /// Every alarm.
    pub alarms: Vec<Raised>,
}

impl LogState {
    /// Chain, tree and witnesses say the same, and no alarm is open.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.damage == 0 && self.flaws.is_empty() && self.contradicted == 0 && self.open_alarms() == 0
    }

    /// Alarms that nobody has settled.
    #[must_use]
    pub fn open_alarms(&self) -> usize {
        self.alarms.iter().filter(|raised| raised.settled.is_none()).count()
    }
}

impl Sightings {
    pub(super) fn state(&self) -> LogState {
        let ledger = self.ledger();
        let mut stations: Vec<StationId> = ledger.chains().map(|((station, _), _)| station).collect();
        stations.dedup();
        let mut state = LogState {
            records: ledger.chains().map(|(_, size)| size).sum(),
            stations: stations.len(),
            damage: self.damage.lock().unwrap_or_else(PoisonError::into_inner).len(),
            flaws: ledger.flaws(),
            witnessed: *self.witnessed.lock().unwrap_or_else(PoisonError::into_inner),
            alarms: self.witnesses.alarms(),
            ..LogState::default()
        };
        for checkpoint in self.witnesses.all() {
            let claim = checkpoint.claim();
            let chain = (claim.origin.station, claim.origin.incarnation);
            match ledger.root(&chain, claim.size) {
                Some(root) if root == claim.root => state.proven += 1,
                Some(_) => state.contradicted += 1,
                None if claim.origin.station == self.station => state.contradicted += 1,
                None => state.ahead += 1,
            }
        }
        let own: u64 = ledger.of_station(&self.station).map(|(_, size)| size).sum();
        state.unsent = own.saturating_sub(*self.sent.lock().unwrap_or_else(PoisonError::into_inner));
        state
    }
}
