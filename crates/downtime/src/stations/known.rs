//! Whom this station knows: the newest roster it has heard of, and the keys of every machine it ever heard of.
//!
//! It grows while the station runs: with each newer roster, however it came (snapshot, hub, another station). A key that was known
//! stays known, because records signed with it may still be on their way. Where a roster comes from, and whether to believe it, is
//! decided before it gets here.

use std::sync::{Arc, PoisonError, RwLock};

use chart::StationCode;
use vault::StationId;
use vault::journal::Stations;

use super::Station;
use crate::identity::{Roster, RosterFault};

/// What is known.
pub(super) struct Known(RwLock<Inner>);

struct Inner {
    roster: Arc<Roster>,
    stations: Arc<Stations>,
    codes: Arc<Vec<(StationId, StationCode)>>,
}

impl Known {
    /// What a roster says.
    pub(super) fn of(roster: &Roster) -> Result<Self, RosterFault> {
        let machines = roster.machines()?;
        Ok(Self(RwLock::new(Inner {
            roster: Arc::new(roster.without_users()),
            codes: Arc::new(machines.iter().map(|(id, code, _)| (*id, *code)).collect()),
            stations: Arc::new(machines.into_iter().map(|(id, _, public)| (id, public)).collect()),
        })))
    }

    /// Keys by machine, as they are now.
    pub(super) fn now(&self) -> Arc<Stations> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner).stations)
    }

    /// Codes by machine, as they are now.
    pub(super) fn codes(&self) -> Arc<Vec<(StationId, StationCode)>> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner).codes)
    }

    /// The newest roster, without users.
    pub(super) fn roster(&self) -> Arc<Roster> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner).roster)
    }

    /// Learns a roster; true when it is newer than the one known. Of one that is not, the keys that were unknown are taken all the same
    /// when it is as new: rosters from before there were versions are all of version 0.
    fn learn(&self, roster: &Roster) -> Result<bool, RosterFault> {
        let machines = roster.machines()?;
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if roster.hospital() != known.roster.hospital() || roster.stamp() < known.roster.stamp() {
            return Ok(false);
        }
        let newer = roster.stamp() > known.roster.stamp();
        let unknown = |(id, _, _): &(StationId, StationCode, _)| !known.stations.contains_key(id);
        if !newer && !machines.iter().any(unknown) {
            return Ok(false);
        }
        let mut stations = known.stations.as_ref().clone();
        let mut codes = known.codes.as_ref().clone();
        for (id, code, public) in machines {
            if stations.insert(id, public).is_none() {
                codes.push((id, code));
            }
        }
        known.stations = Arc::new(stations);
        known.codes = Arc::new(codes);
        known.roster = Arc::new(roster.without_users());
        Ok(newer)
    }
}

/// Every machine that was ever enrolled: what it signed counts.
pub(super) fn enrolled_stations(roster: &Roster) -> Result<Stations, RosterFault> {
    Ok(roster
        .machines()?
        .into_iter()
        .map(|(id, _, public)| (id, public))
        .collect())
}

impl Station {
    /// The newest roster this station has heard of, without users.
    #[must_use]
    pub fn roster(&self) -> Arc<Roster> {
        self.known.roster()
    }

    /// Takes a roster into use that the roof has found good: keys of further stations and of further sealers. True when it is newer than
    /// the one known.
    ///
    /// # Errors
    /// [`RosterFault`] when a key in it is none; nothing was changed.
    pub fn learn(&self, roster: &Roster) -> Result<bool, RosterFault> {
        let sealers = roster.sealers()?;
        let newer = self.known.learn(roster)?;
        self.replica.enrol(&self.known.now());
        if newer {
            self.shelf.trust(sealers);
        }
        Ok(newer)
    }

    /// Learns what the snapshot in use says: its sealer vouches for it.
    ///
    /// # Errors
    /// As [`Self::learn`].
    pub fn learn_from_snapshot(&self) -> Result<bool, RosterFault> {
        match self.shelf.current() {
            Some(shelved) => self.learn(shelved.roster()),
            None => Ok(false),
        }
    }
}
