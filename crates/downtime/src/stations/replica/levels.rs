//! What may be claimed about an entry: here, elsewhere too, and by how many signed words.

use vault::receipt::Holding;

use super::Replica;
use crate::view::Order;

/// Where an entry is, as far as signatures prove it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kept {
    /// Stations other than this one that hold it durably. Of somebody else's entry: its writer.
    pub elsewhere: usize,
}

/// A chain whose records contradict one another: its station's key, or its disk, is in two places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fork {
    /// Whose chain.
    pub station: [u8; 16],
    /// Which.
    pub incarnation: [u8; 8],
    /// The first number that is there twice.
    pub seq: u64,
}

impl Replica {
    /// What may be claimed about the record of this name at a place in the order of all entries.
    #[must_use]
    pub fn kept(&self, order: &Order, id: &[u8; 32]) -> Kept {
        let elsewhere = if order.station == *self.station.as_bytes() {
            let (core, chain) = (self.core(), (order.station, order.incarnation));
            match core.chains.agrees(&chain, order.seq, id) {
                Some(true) => core.receipts.holders(&chain, order.seq),
                // On another branch than the one receipts are compared with: nothing is claimed.
                _ => 0,
            }
        } else {
            // It is durable here, and whoever wrote it made it durable before anybody heard of it.
            1
        };
        Kept { elsewhere }
    }

    /// Entries of this station that nobody else has vouched for, those behind a gap included.
    #[must_use]
    pub fn only_here(&self) -> u64 {
        let core = self.core();
        let own = core.chains.of_station(self.station.as_bytes());
        own.map(|(name, _)| {
            let unvouched = core.chains.entries_behind(&name, core.receipts.covered(&name));
            unvouched + core.chains.behind_gap(&name)
        })
        .sum()
    }

    /// Entries of this station's own journal that lie behind missing numbers: others get them, and nobody can vouch for them.
    #[must_use]
    pub fn behind_gaps(&self) -> u64 {
        let core = self.core();
        let own = core.chains.of_station(self.station.as_bytes());
        own.map(|(name, _)| core.chains.behind_gap(&name)).sum()
    }

    /// Chains that contradict themselves here, or are contradicted by what others vouch for.
    #[must_use]
    pub fn forks(&self) -> Vec<Fork> {
        let core = self.core();
        let here = core.chains.forks();
        let mut forks: Vec<Fork> = here
            .map(|((station, incarnation), seq)| Fork {
                station,
                incarnation,
                seq,
            })
            .collect();
        forks.extend(core.receipts.against().map(|claim: &Holding| Fork {
            station: *claim.station.as_bytes(),
            incarnation: *claim.incarnation.as_bytes(),
            seq: claim.n,
        }));
        forks.sort_unstable();
        forks.dedup_by_key(|fork| (fork.station, fork.incarnation));
        forks
    }

    /// Stations whose records are no longer taken because there are too many of one day.
    #[must_use]
    pub fn over_quota(&self) -> Vec<[u8; 16]> {
        self.core().over_quota.iter().copied().collect()
    }
}
