//! The chains of one or many logs as trees: what a checkpoint signs, and what every later one must still contain.
//!
//! Records come in any order and each once or more; a chain counts up to its first gap. A second record with a number that
//! is taken, or one that does not hold its predecessor's hash, is remembered: it is evidence, not an error of this program.
//! Nothing is stored and nothing is signed here.

use std::collections::{BTreeMap, BTreeSet};

use vault::journal::Record;
use vault::tree::{Hash, Tree, empty_root, leaf_hash};
use vault::{IncarnationId, StationId};

/// One chain: station and incarnation.
pub type ChainId = (StationId, IncarnationId);

/// Chains with their trees.
#[derive(Debug, Default)]
pub struct Ledger {
    lines: BTreeMap<ChainId, Line>,
}

/// Something that the records themselves say against a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Flaw {
    /// Whose log.
    pub chain: ChainId,
    /// Where.
    pub seq: u64,
    /// What.
    pub kind: FlawKind,
}

/// What is wrong with a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FlawKind {
    /// Records before this one are not here.
    Gap,
    /// Two records have this number, both signed.
    Fork,
    /// It does not follow the record before it.
    Break,
}

#[derive(Debug, Default)]
struct Line {
    tree: Tree,
    head: Hash,
    /// Behind a gap.
    waiting: BTreeMap<u64, Link>,
    forks: BTreeSet<u64>,
    breaks: BTreeSet<u64>,
}

#[derive(Debug, Clone, Copy)]
struct Link {
    id: Hash,
    previous: Hash,
    leaf: Hash,
}

impl Ledger {
    /// Takes a record whose signature was checked; one that is here already changes nothing.
    pub fn take(&mut self, record: &Record) {
        let header = record.header();
        let line = self.lines.entry((header.station, header.incarnation)).or_default();
        line.take(
            header.seq,
            Link {
                id: *record.id(),
                previous: header.previous,
                leaf: leaf_hash(record.bytes()),
            },
        );
    }

    /// Every chain with the number of its records up to the first gap.
    pub fn chains(&self) -> impl Iterator<Item = (ChainId, u64)> + '_ {
        self.lines.iter().map(|(chain, line)| (*chain, line.tree.len()))
    }

    /// The chains of one station.
    pub fn of_station(&self, station: &StationId) -> impl Iterator<Item = (ChainId, u64)> + '_ {
        let station = *station;
        self.chains().filter(move |((whose, _), _)| *whose == station)
    }

    /// Records of a chain up to its first gap; 0 for a chain that is not here.
    #[must_use]
    pub fn size(&self, chain: &ChainId) -> u64 {
        self.lines.get(chain).map_or(0, |line| line.tree.len())
    }

    /// The root over the first `size` records of a chain; `None` when there are fewer.
    #[must_use]
    pub fn root(&self, chain: &ChainId, size: u64) -> Option<Hash> {
        match (self.lines.get(chain), size) {
            (Some(line), _) => line.tree.root(size),
            (None, 0) => Some(empty_root()),
            (None, _) => None,
        }
    }

    /// Proof that the first `new` records continue the first `old` ones.
    #[must_use]
    pub fn consistency(&self, chain: &ChainId, old: u64, new: u64) -> Option<Vec<Hash>> {
        match self.lines.get(chain) {
            Some(line) => line.tree.consistency(old, new),
            None => (old == 0 && new == 0).then(Vec::new),
        }
    }

    /// Everything that the records say against the logs, in order.
    #[must_use]
    pub fn flaws(&self) -> Vec<Flaw> {
        let mut all = Vec::new();
        for (chain, line) in &self.lines {
            let flaw = |kind: FlawKind| {
                move |seq: &u64| Flaw {
                    chain: *chain,
                    seq: *seq,
                    kind,
                }
            };
            all.extend(line.waiting.keys().next().map(flaw(FlawKind::Gap)));
            all.extend(line.forks.iter().map(flaw(FlawKind::Fork)));
            all.extend(line.breaks.iter().map(flaw(FlawKind::Break)));
        }
        all.sort_unstable();
        all
    }
}

impl Line {
    fn take(&mut self, seq: u64, link: Link) {
        let here = match seq.checked_sub(1) {
            Some(index) => self
                .tree
                .leaf(index)
                .or_else(|| self.waiting.get(&seq).map(|there| &there.leaf)),
            None => {
                self.breaks.insert(seq);
                return;
            }
        };
        match here {
            Some(leaf) if *leaf == link.leaf => return,
            Some(_) => {
                self.forks.insert(seq);
                return;
            }
            None => self.waiting.insert(seq, link),
        };
        while let Some(next) = self.waiting.remove(&(self.tree.len() + 1)) {
            if next.previous != self.head {
                self.breaks.insert(self.tree.len() + 1);
            }
            self.tree.push_hash(next.leaf);
            self.head = next.id;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(n: u8, previous: u8) -> Link {
        Link {
            id: [n; 32],
            previous: [previous; 32],
            leaf: [n; 32],
        }
    }

    #[test]
    fn a_chain_counts_up_to_its_first_gap_and_forks_and_breaks_are_remembered() {
        let mut line = Line::default();
        line.take(1, link(1, 0));
        line.take(3, link(3, 2));
        assert_eq!(line.tree.len(), 1);
        line.take(2, link(2, 1));
        assert_eq!((line.tree.len(), line.waiting.len()), (3, 0));
        line.take(2, link(2, 1));
        assert!(line.forks.is_empty(), "the same again is no fork");
        line.take(2, link(9, 1));
        line.take(4, link(4, 7));
        line.take(0, link(0, 0));
        assert_eq!(line.forks.iter().copied().collect::<Vec<_>>(), [2]);
        assert_eq!(line.breaks.iter().copied().collect::<Vec<_>>(), [0, 4]);
        assert_eq!(line.tree.len(), 4);
    }
}
