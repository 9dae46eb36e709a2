//! Which records are here, chain by chain, and where each lies on the disk: 32 bytes of memory for a record of a kilobyte.
//!
//! Every question is answered from one chain, never by a look at all records, so the ninetieth day is as quick as the first.
//! A chain is a row of records from number 1 without a gap, each holding its predecessor's name. What comes too early waits
//! behind its gap; what contradicts the row (two records with one number, both signed) is kept beside it, because which of
//! them counts is for people. Signatures, durability and receipts are deliberately others' matter.

use std::collections::{BTreeMap, BTreeSet};

use vault::journal::{Class, Header, Place, Record};

use super::mutants::{Mutant, mutated};
use super::talk::Head;

/// One chain of records: station and incarnation.
pub type ChainName = ([u8; 16], [u8; 8]);

/// The chain a record is in.
pub(crate) fn chain_of(record: &Record) -> ChainName {
    let header = record.header();
    (*header.station.as_bytes(), *header.incarnation.as_bytes())
}

/// In which of the station's two logs a record lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Log {
    /// The station's own journal.
    Own,
    /// What others sent.
    Heard,
}

/// Where a record lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lies {
    /// In which log.
    pub log: Log,
    /// Where in it.
    pub place: Place,
}

/// Records with one number that are sent together even where the room of a message ends: a megabyte of the longest ones.
const MOST_TOGETHER: usize = 16;

/// Half a name is enough to tell records apart that were signed.
type Short = [u8; 16];

#[derive(Debug, Clone, Copy)]
struct Slot {
    short: Short,
    place: Place,
    log: Log,
}

/// A record that is not in the row: behind a gap, or on another branch.
#[derive(Debug, Clone, Copy)]
struct Apart {
    id: [u8; 32],
    previous: [u8; 32],
    slot: Slot,
}

/// What became of a record that was offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offered {
    /// It is here already.
    Known,
    /// It is here now.
    Taken,
    /// It is here now, and contradicts another one that is signed too.
    Forked,
}

#[derive(Debug, Default)]
struct Chain {
    row: Vec<Slot>,
    /// The name of the last record of the row.
    head: [u8; 32],
    waiting: BTreeMap<u64, Vec<Apart>>,
    beside: BTreeMap<u64, Vec<Apart>>,
    /// Key records by the key they carry.
    keys: BTreeMap<[u8; 16], (u64, Slot)>,
    /// Sum over the names of everything here: equal sums mean equal records.
    sum: u64,
    /// When it last grew, by the count of this index.
    grown: u64,
}

/// Every chain.
#[derive(Debug, Default)]
pub(crate) struct Chains {
    chains: BTreeMap<ChainName, Chain>,
    by_growth: BTreeMap<u64, ChainName>,
    growth: u64,
    records: u64,
}

impl Chains {
    /// Takes a record in that is durable and whose signature was checked.
    pub(crate) fn take(&mut self, record: &Record, lies: Lies) -> Offered {
        let name = chain_of(record);
        let chain = self.chains.entry(name).or_default();
        let offered = chain.take(record, lies);
        if offered != Offered::Known {
            self.records += 1;
            self.by_growth.remove(&chain.grown);
            self.growth += 1;
            chain.grown = self.growth;
            self.by_growth.insert(self.growth, name);
        }
        offered
    }

    /// Whether a record is here.
    pub(crate) fn holds(&self, record: &Record) -> bool {
        let chain = self.chains.get(&chain_of(record));
        chain.is_some_and(|chain| chain.holds(record.header().seq, record.id()))
    }

    /// How many records, both sides of a fork counted.
    pub(crate) const fn len(&self) -> u64 {
        self.records
    }

    /// Grows with every record: whoever remembers it can ask what came since.
    pub(crate) const fn growth(&self) -> u64 {
        self.growth
    }

    /// How far one chain is here without a gap.
    pub(crate) fn head(&self, name: &ChainName) -> Head {
        let empty = Chain::default();
        self.chains.get(name).unwrap_or(&empty).head(name)
    }

    /// Every chain, or those that have grown since.
    pub(crate) fn heads(&self, since: Option<u64>) -> Vec<Head> {
        let head = |name: &ChainName| self.chains.get(name).map(|chain| chain.head(name));
        match since {
            None => self.chains.iter().map(|(name, chain)| chain.head(name)).collect(),
            Some(since) => {
                let grown = self.by_growth.range(since.saturating_add(1)..);
                grown.filter_map(|(_, name)| head(name)).collect()
            }
        }
    }

    /// The chains of one station.
    pub(crate) fn of_station(&self, station: &[u8; 16]) -> impl Iterator<Item = (ChainName, u64)> + '_ {
        let all = self.chains.range((*station, [0; 8])..=(*station, [u8::MAX; 8]));
        all.map(|(name, chain)| (*name, chain.grown))
    }

    /// Where records of one chain behind a number lie, in their order, until so many bytes; and whether there are more.
    pub(crate) fn behind(&self, name: &ChainName, seq: u64, room: &mut usize) -> (Vec<Lies>, bool) {
        let mut out = Vec::new();
        let Some(chain) = self.chains.get(name) else {
            return (out, false);
        };
        let from = usize::try_from(seq).unwrap_or(usize::MAX);
        let row = chain.row.iter().enumerate().skip(from);
        let apart = [&chain.waiting, &chain.beside].map(|apart| apart.range(seq.saturating_add(1)..));
        let mut apart: Vec<(u64, Slot)> = apart
            .into_iter()
            .flatten()
            .flat_map(|(n, all)| all.iter().map(|a| (*n, a.slot)))
            .collect();
        apart.sort_by_key(|(n, _)| *n);
        let mut apart = apart.into_iter().peekable();
        // Whoever goes on asks behind the last number, so records with one number are not parted by the end of the room.
        let (mut last, mut together) = (0, 0);
        let mut put = |number: u64, slot: Slot, out: &mut Vec<Lies>| {
            together = if number == last { together + 1 } else { 0 };
            let with_last = (1..MOST_TOGETHER).contains(&together);
            let fits = slot.place.len() <= *room || with_last || out.is_empty() && *room > 0;
            *room = room.saturating_sub(slot.place.len());
            last = number;
            if fits {
                out.push(slot.lies());
            }
            fits
        };
        for (at, slot) in row {
            let number = at as u64 + 1;
            while let Some((n, beside)) = apart.next_if(|(n, _)| *n <= number) {
                if !put(n, beside, &mut out) {
                    return (out, true);
                }
            }
            if !put(number, *slot, &mut out) {
                return (out, true);
            }
        }
        for (n, slot) in apart {
            if !put(n, slot, &mut out) {
                return (out, true);
            }
        }
        (out, false)
    }

    /// Every chain whose records contradict one another, with the first number at which they do.
    pub(crate) fn forks(&self) -> impl Iterator<Item = (ChainName, u64)> + '_ {
        let first = |chain: &Chain| chain.beside.first_key_value().map(|(n, _)| *n);
        self.chains
            .iter()
            .filter_map(move |(name, chain)| Some((*name, first(chain)?)))
    }

    /// The first number of a chain that is here twice.
    pub(crate) fn forked_at(&self, name: &ChainName) -> Option<u64> {
        let chain = self.chains.get(name)?;
        chain.beside.first_key_value().map(|(n, _)| *n)
    }

    /// Whether record `n` of the row has this name; `None` when the row does not reach so far.
    pub(crate) fn agrees(&self, name: &ChainName, n: u64, id: &[u8; 32]) -> Option<bool> {
        let chain = self.chains.get(name)?;
        if n == chain.row.len() as u64 {
            return (n > 0).then_some(chain.head == *id);
        }
        let slot = chain.row.get(usize::try_from(n.checked_sub(1)?).ok()?)?;
        Some(slot.short == short(id))
    }

    /// Every end of a chain for which a receipt can be given: the row's, and those of branches that join the row without a gap.
    pub(crate) fn ends(&self, name: &ChainName) -> Vec<(u64, [u8; 32])> {
        let Some(chain) = self.chains.get(name) else {
            return Vec::new();
        };
        let mut ends = Vec::new();
        if !chain.row.is_empty() {
            ends.push((chain.row.len() as u64, chain.head));
        }
        if mutated(Mutant::ReceiptOverGap)
            && let Some((n, all)) = chain.waiting.last_key_value()
        {
            ends.extend(all.first().map(|apart| (*n, apart.id)));
        }
        for (n, all) in &chain.beside {
            for apart in all {
                let goes_on = chain
                    .beside
                    .get(&(n + 1))
                    .is_some_and(|next| next.iter().any(|a| a.previous == apart.id));
                if !goes_on && chain.joins(*n, apart) {
                    ends.push((*n, apart.id));
                }
            }
        }
        ends
    }

    /// Entries of one station's row behind a number: key records carry nothing that anybody wrote.
    pub(crate) fn entries_behind(&self, name: &ChainName, seq: u64) -> u64 {
        let Some(chain) = self.chains.get(name) else { return 0 };
        let records = (chain.row.len() as u64).saturating_sub(seq);
        let in_row = seq.saturating_add(1)..=chain.row.len() as u64;
        let keys = chain.keys.values().filter(|(n, _)| in_row.contains(n)).count() as u64;
        records.saturating_sub(keys)
    }

    /// Entries of this station's own journal behind a gap of their chain. No receipt speaks for them: it would speak for the
    /// missing ones, too.
    pub(crate) fn behind_gap(&self, name: &ChainName) -> u64 {
        let Some(chain) = self.chains.get(name) else { return 0 };
        let keys: BTreeSet<Lies> = chain.keys.values().map(|(_, slot)| slot.lies()).collect();
        let waiting = chain.waiting.values().flatten().map(|apart| apart.slot.lies());
        waiting
            .filter(|lies| lies.log == Log::Own && !keys.contains(lies))
            .count() as u64
    }

    /// Whether anything that is not in the row is here behind a number.
    pub(crate) fn waits_behind(&self, name: &ChainName, seq: u64) -> bool {
        let chain = self.chains.get(name);
        chain.is_some_and(|chain| chain.waiting.range(seq.saturating_add(1)..).next().is_some())
    }

    /// Where the key record lies that goes with a record.
    pub(crate) fn key_of(&self, header: &Header) -> Option<Lies> {
        let chain = self
            .chains
            .get(&(*header.station.as_bytes(), *header.incarnation.as_bytes()))?;
        chain.keys.get(&header.key).map(|(_, slot)| slot.lies())
    }

    /// Where everything lies, in no order; key records left out.
    pub(crate) fn all(&self) -> Vec<Lies> {
        let mut all = Vec::with_capacity(usize::try_from(self.records).unwrap_or(0));
        for chain in self.chains.values() {
            let keys: BTreeSet<Lies> = chain.keys.values().map(|(_, slot)| slot.lies()).collect();
            let numbers: BTreeSet<u64> = chain.keys.values().map(|(n, _)| *n).collect();
            // A look into the keys for the few numbers that have one: there may be millions of records.
            let mut from = 0;
            for number in numbers.into_iter().chain([u64::MAX]) {
                let to = usize::try_from(number.saturating_sub(1)).map_or(chain.row.len(), |n| n.min(chain.row.len()));
                all.extend(
                    chain
                        .row
                        .get(from..to)
                        .unwrap_or_default()
                        .iter()
                        .map(|slot| slot.lies()),
                );
                from = to;
                if let Some(slot) = chain.row.get(from) {
                    all.extend(Some(slot.lies()).filter(|lies| !keys.contains(lies)));
                    from += 1;
                }
            }
            let apart = chain.waiting.values().chain(chain.beside.values()).flatten();
            all.extend(apart.map(|apart| apart.slot.lies()).filter(|lies| !keys.contains(lies)));
        }
        all
    }
}

impl Slot {
    const fn lies(self) -> Lies {
        Lies {
            log: self.log,
            place: self.place,
        }
    }
}

impl Chain {
    fn head(&self, (station, incarnation): &ChainName) -> Head {
        Head {
            station: *station,
            incarnation: *incarnation,
            seq: self.row.len() as u64,
            id: Some(self.head),
            sum: self.sum,
        }
    }

    fn holds(&self, seq: u64, id: &[u8; 32]) -> bool {
        let index = seq.checked_sub(1).and_then(|n| usize::try_from(n).ok());
        let in_row = index
            .and_then(|n| self.row.get(n))
            .is_some_and(|slot| slot.short == short(id));
        let apart = |all: &BTreeMap<u64, Vec<Apart>>| all.get(&seq).is_some_and(|all| all.iter().any(|a| a.id == *id));
        in_row || apart(&self.waiting) || apart(&self.beside)
    }

    fn take(&mut self, record: &Record, lies: Lies) -> Offered {
        let (seq, id) = (record.header().seq, *record.id());
        if self.holds(seq, &id) {
            return Offered::Known;
        }
        let slot = Slot {
            short: short(&id),
            place: lies.place,
            log: lies.log,
        };
        let apart = Apart {
            id,
            previous: record.header().previous,
            slot,
        };
        if record.header().class == Class::KEY {
            self.keys.insert(record.header().key, (seq, slot));
        }
        self.sum = self.sum.wrapping_add(weight(&id));
        let next = self.row.len() as u64 + 1;
        if seq > next {
            if !mutated(Mutant::EarlyOnesDropped) {
                self.waiting.entry(seq).or_default().push(apart);
            }
            return Offered::Taken;
        }
        if seq < next || !self.follows(&apart) {
            if !mutated(Mutant::OtherBranchDropped) {
                self.beside.entry(seq).or_default().push(apart);
            }
            return Offered::Forked;
        }
        self.push(&apart);
        self.join_waiting()
    }

    fn follows(&self, apart: &Apart) -> bool {
        apart.previous == self.head || mutated(Mutant::PredecessorNotChecked)
    }

    fn push(&mut self, apart: &Apart) {
        self.row.push(apart.slot);
        self.head = apart.id;
    }

    fn join_waiting(&mut self) -> Offered {
        let mut offered = Offered::Taken;
        while let Some(all) = self.waiting.remove(&(self.row.len() as u64 + 1)) {
            let number = self.row.len() as u64 + 1;
            let mut joined = false;
            for apart in all {
                if !joined && self.follows(&apart) {
                    self.push(&apart);
                    joined = true;
                } else {
                    self.beside.entry(number).or_default().push(apart);
                    offered = Offered::Forked;
                }
            }
            if !joined {
                break;
            }
        }
        offered
    }

    /// Whether a record beside the row is joined to it without a gap.
    fn joins(&self, n: u64, apart: &Apart) -> bool {
        let (mut n, mut previous) = (n, apart.previous);
        loop {
            let Some(before) = n.checked_sub(1) else { return false };
            if before == 0 {
                return previous == [0; 32];
            }
            let index = usize::try_from(before - 1).ok();
            if index
                .and_then(|at| self.row.get(at))
                .is_some_and(|slot| slot.short == short(&previous))
            {
                return true;
            }
            let beside = self.beside.get(&before);
            let Some(found) = beside.and_then(|all| all.iter().find(|a| a.id == previous)) else {
                return false;
            };
            (n, previous) = (before, found.previous);
        }
    }
}

fn short(id: &[u8; 32]) -> Short {
    let mut out = [0; 16];
    out.copy_from_slice(id.split_at(16).0);
    out
}

/// The bytes of a name that the sum takes: others than the ones names are told apart by.
fn weight(id: &[u8; 32]) -> u64 {
    id.last_chunk().map_or(0, |last| u64::from_le_bytes(*last))
}
