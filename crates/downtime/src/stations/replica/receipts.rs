//! Receipts that others have signed for this station's own chains: who holds how much, and what contradicts it.
//!
//! A receipt counts when its holder is enrolled and signed it, and when the name it gives the last record is the one here: then
//! everything up to there is the same there. One that reaches further than what is here, or names another record, is kept as
//! proof that this station lost something or was copied. Nothing here touches a disk; `frames` keeps the bytes.

use std::collections::BTreeMap;

use vault::journal::Stations;
use vault::receipt::{Holding, Receipt};
use vault::{HospitalId, StationId};

use super::chains::{ChainName, Chains};
use super::mutants::{Mutant, mutated};

/// Most receipts kept: holders times the lives of this station's journal.
const MOST: usize = 200_000;

/// What became of a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Received {
    /// It says more than what was known; worth keeping.
    News,
    /// Known already, or less.
    Nothing,
    /// Not about this station, not signed, or from nobody who is enrolled.
    Refused,
    /// Somebody holds records of this station that it has not itself.
    Ahead,
    /// Somebody holds other records under this station's numbers.
    Contradicts,
}

/// The newest receipt of each holder for each chain.
#[derive(Debug, Default)]
pub(super) struct Receipts {
    by_chain: BTreeMap<ChainName, BTreeMap<StationId, Receipt>>,
    /// Receipts that do not fit what is here.
    against: BTreeMap<(ChainName, StationId), Receipt>,
    count: usize,
}

impl Receipts {
    /// Takes a receipt that somebody handed over, or that was kept.
    pub(super) fn offer(
        &mut self,
        receipt: Receipt,
        hospital: &HospitalId,
        me: &StationId,
        stations: &Stations,
        chains: &Chains,
    ) -> Received {
        let claim = *receipt.claim();
        let signed = stations
            .get(&claim.holder)
            .is_some_and(|holder| receipt.verify(holder).is_ok());
        let signed = signed || mutated(Mutant::ReceiptNotVerified);
        if !signed || claim.hospital != *hospital || claim.station != *me || claim.holder == *me || claim.n == 0 {
            return Received::Refused;
        }
        let chain = name(&claim);
        let agrees = chains.agrees(&chain, claim.n, &claim.head);
        let agrees = if mutated(Mutant::ReceiptNotCompared) {
            Some(true)
        } else {
            agrees
        };
        let known = self.by_chain.get(&chain).and_then(|all| all.get(&claim.holder));
        match agrees {
            Some(true) if known.is_some_and(|known| known.claim().n >= claim.n) => Received::Nothing,
            Some(true) if self.count >= MOST && known.is_none() => Received::Nothing,
            Some(true) => {
                self.against.remove(&(chain, claim.holder));
                let before = self.by_chain.entry(chain).or_default().insert(claim.holder, receipt);
                self.count += usize::from(before.is_none());
                Received::News
            }
            Some(false) | None => {
                let before = self.against.insert((chain, claim.holder), receipt);
                match (before.is_some_and(|before| before.claim().n >= claim.n), agrees) {
                    (true, _) => Received::Nothing,
                    (false, None) => Received::Ahead,
                    (false, Some(_)) => Received::Contradicts,
                }
            }
        }
    }

    /// How many others hold record `n` of a chain.
    pub(super) fn holders(&self, chain: &ChainName, n: u64) -> usize {
        let all = self.by_chain.get(chain);
        all.map_or(0, |all| all.values().filter(|receipt| receipt.claim().n >= n).count())
    }

    /// How far a chain is held by at least one other.
    pub(super) fn covered(&self, chain: &ChainName) -> u64 {
        let all = self.by_chain.get(chain);
        all.and_then(|all| all.values().map(|receipt| receipt.claim().n).max())
            .unwrap_or(0)
    }

    /// Every receipt worth keeping.
    pub(super) fn all(&self) -> impl Iterator<Item = &Receipt> {
        let good = self.by_chain.values().flat_map(BTreeMap::values);
        good.chain(self.against.values())
    }

    /// Receipts that contradict what is here, or reach beyond it.
    pub(super) fn against(&self) -> impl Iterator<Item = &Holding> {
        self.against.values().map(Receipt::claim)
    }

    /// Looks again at receipts that did not fit: what they were about may be here by now.
    pub(super) fn look_again(&mut self, chains: &Chains) {
        let fits = |receipt: &Receipt| {
            let claim = receipt.claim();
            chains.agrees(&name(claim), claim.n, &claim.head) == Some(true)
        };
        let now_fit: Vec<_> = self
            .against
            .iter()
            .filter(|(_, r)| fits(r))
            .map(|(at, r)| (*at, *r))
            .collect();
        for (at, receipt) in now_fit {
            self.against.remove(&at);
            let (chain, holder) = at;
            let before = self.by_chain.entry(chain).or_default().insert(holder, receipt);
            self.count += usize::from(before.is_none());
        }
    }
}

fn name(claim: &Holding) -> ChainName {
    (*claim.station.as_bytes(), *claim.incarnation.as_bytes())
}
