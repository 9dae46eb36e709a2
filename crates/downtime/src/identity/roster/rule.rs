//! Who keeps the roster, and which of two is the newer.
//!
//! There is one hub at which the roster is changed. When it is gone for good, a person makes another hub the keeper: that is a new term,
//! and every version of a term is newer than every version of the terms before. How a roster travels is `passing`'s.

use chart::StationCode;
use minicbor::{Decode, Encode};

use super::{Hand, Roster, RosterFault};

/// How new a roster is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Encode, Decode)]
pub struct Stamp {
    /// How often another hub took over keeping it.
    #[n(0)]
    pub term: u64,
    /// How often it was written.
    #[n(1)]
    pub version: u64,
}

impl Roster {
    /// How new it is.
    #[must_use]
    pub const fn stamp(&self) -> Stamp {
        Stamp {
            term: self.term,
            version: self.version,
        }
    }

    /// The hub at which it is changed: the one that is named, else the first that is a hub; `None` in a roster from before there were
    /// several, which is changed wherever it lies.
    #[must_use]
    pub fn keeper(&self) -> Option<StationCode> {
        self.keeper
            .or_else(|| self.stations.iter().find(|s| s.hub && !s.retired).map(|s| s.code))
    }

    /// Notes that it was changed at a hub: what is passed on from now on is newer than what was before. The first change after the
    /// upgrade from a version with one hub makes that one a hub by name.
    ///
    /// # Errors
    /// [`RosterFault::KeptElsewhere`] when another hub keeps it; then nothing may be written.
    pub fn changed_at(&mut self, hub: StationCode) -> Result<(), RosterFault> {
        if let Some(keeper) = self.keeper().filter(|keeper| *keeper != hub) {
            return Err(RosterFault::KeptElsewhere(keeper));
        }
        if let Some(station) = self.stations.iter_mut().find(|s| s.code == hub) {
            station.hub = true;
        }
        self.keeper = Some(hub);
        self.version = self.version.saturating_add(1);
        Ok(())
    }

    /// Makes a hub the keeper because the old one is gone for good.
    ///
    /// # Errors
    /// [`RosterFault::NoStation`] when it is no hub of this roster, or was taken out.
    pub fn promote(&mut self, hub: StationCode, hand: &Hand<'_>) -> Result<(), RosterFault> {
        let station = self.stations.iter_mut().find(|s| s.code == hub && s.hub && !s.retired);
        let station = station.ok_or(RosterFault::NoStation(hub))?;
        station.note(Some(hand), "promoted");
        self.keeper = Some(hub);
        self.term = self.term.saturating_add(1);
        self.version = self.version.saturating_add(1);
        Ok(())
    }
}
