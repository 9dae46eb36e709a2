//! The records that a station holds, sealed, in the order in which it got them, with every question about them answered at once.
//!
//! Every poll of a browser and every received record ask something here, so nothing here looks through all records. What is in
//! a record is `live`'s matter; that it is durable, its log's.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use vault::journal::Record;

/// One chain of records: station and incarnation.
pub(super) type Chain = ([u8; 16], [u8; 8]);

/// The chain a record is in.
pub(super) fn chain(record: &Record) -> Chain {
    (
        *record.header().station.as_bytes(),
        *record.header().incarnation.as_bytes(),
    )
}

/// Records, each once.
#[derive(Default)]
pub(super) struct Held {
    records: Vec<Record>,
    ids: HashSet<[u8; 32]>,
    chains: BTreeMap<Chain, Numbers>,
}

/// Which numbers of a chain are here.
#[derive(Debug, Default, PartialEq, Eq)]
struct Numbers {
    /// Records, both sides of a fork counted.
    count: u64,
    /// 1 to this one, without a gap.
    whole: u64,
    /// Behind a gap.
    beyond: BTreeSet<u64>,
}

impl Held {
    /// Takes records in; one that is here already changes nothing.
    pub(super) fn take(&mut self, records: impl IntoIterator<Item = Record>) {
        for record in records {
            if self.ids.insert(*record.id()) {
                self.chains.entry(chain(&record)).or_default().take(record.header().seq);
                self.records.push(record);
            }
        }
    }

    /// All of them.
    pub(super) fn records(&self) -> &[Record] {
        &self.records
    }

    /// Whether the record of this name is here.
    pub(super) fn holds(&self, id: &[u8; 32]) -> bool {
        self.ids.contains(id)
    }

    /// How far each chain is here without a gap.
    pub(super) fn whole(&self) -> impl Iterator<Item = (Chain, u64)> + '_ {
        self.chains.iter().map(|(chain, numbers)| (*chain, numbers.whole))
    }

    /// How many records of one station are here.
    pub(super) fn of_station(&self, station: &[u8; 16]) -> u64 {
        let chains = self.chains.range((*station, [0; 8])..=(*station, [u8::MAX; 8]));
        chains.map(|(_, numbers)| numbers.count).sum()
    }
}

impl Numbers {
    fn take(&mut self, seq: u64) {
        self.count += 1;
        if seq > self.whole {
            self.beyond.insert(seq);
        }
        while self.beyond.first() == Some(&self.whole.saturating_add(1)) {
            self.beyond.pop_first();
            self.whole += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_is_whole_up_to_its_first_gap_in_whatever_order_its_records_come() {
        let mut numbers = Numbers::default();
        let mut whole_after = |seq| {
            numbers.take(seq);
            numbers.whole
        };
        let seen: Vec<u64> = [3, 1, 1, 5, 2, 4].into_iter().map(&mut whole_after).collect();
        assert_eq!(seen, [0, 1, 1, 1, 3, 5]);
        assert_eq!(numbers.count, 6, "both sides of a fork count");
        assert!(numbers.beyond.is_empty());
    }
}
