//! One visit to another station, question by question: what do you hold, give me what I lack, take what you lack.
//!
//! A visit is a value: whoever carries the messages asks it for the next question and hands it the answer. It may be dropped at
//! any moment; what was taken is taken, and the next visit goes on from there.

use std::collections::{BTreeMap, BTreeSet};

use vault::journal::Class;
use vault::receipt::Receipt;

use super::chains::ChainName;
use super::talk::{Answer, Ask, Give, Head, Hello, Since, Told, Want};
use super::{Replica, Taken};
use crate::stations::parcel::ParcelFault;

/// Most questions of one visit; what is left is for the next.
const MAX_QUESTIONS: u32 = 2_000;
/// After so many visits, two minutes of them, what was in vain is tried again: the other may know a station by now that it refused.
const FORGET: u32 = 24;

/// What this station remembers of another between visits. Lost with the process, and then told anew.
#[derive(Debug, Clone, Default)]
pub struct Peer {
    since: Option<Since>,
    told: BTreeMap<ChainName, Head>,
    /// Chains of which both sides hold different things, as they were when all of it was exchanged.
    settled: BTreeMap<ChainName, (u64, u64)>,
    /// The same of what was given.
    offered: BTreeMap<ChainName, (u64, u64)>,
    /// This station's count when the peer last got receipts, and the peer itself.
    receipted: Option<([u8; 16], u64)>,
    /// This station's count when it last compared everything.
    compared: Option<u64>,
    visits: u32,
}

/// What a visit has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Entries of this station itself that the other took.
    pub given: u64,
    /// Entries the other brought that were new here.
    pub taken: u64,
}

/// What comes next.
#[derive(Debug)]
pub enum Step {
    /// Carry this question and hand back its answer.
    Ask(Ask),
    /// Nothing is left to say.
    Done,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Begin,
    Greeted,
    Wanting,
    Giving,
    Over,
}

/// A visit under way.
#[derive(Debug)]
pub struct Visit {
    stage: Stage,
    questions: u32,
    summary: Summary,
    /// Chains asked for or given, with the sums of both sides then; whether as a whole.
    asked: Vec<(ChainName, (u64, u64), bool)>,
    /// How far a chain that is wanted as a whole has come.
    reached: BTreeMap<ChainName, u64>,
    /// How far a chain with branches has been given: the other's row does not tell.
    given: BTreeMap<ChainName, u64>,
    /// The last gift ended in the middle of such a chain.
    goes_on: bool,
}

impl Default for Visit {
    fn default() -> Self {
        Self::new()
    }
}

impl Visit {
    /// A visit that has not begun.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            stage: Stage::Begin,
            questions: 0,
            summary: Summary { given: 0, taken: 0 },
            asked: Vec::new(),
            reached: BTreeMap::new(),
            given: BTreeMap::new(),
            goes_on: false,
        }
    }

    /// What it has done so far.
    #[must_use]
    pub const fn summary(&self) -> Summary {
        self.summary
    }

    /// The next question, after the answer to the last one; `None` begins. Gives what was taken with it.
    ///
    /// # Errors
    /// [`ParcelFault`]: the answer does not fit, or the disk did not take what it brought. The visit is over then.
    pub fn next(
        &mut self,
        replica: &Replica,
        peer: &mut Peer,
        answer: Option<Answer>,
        now: i64,
    ) -> Result<(Step, Taken), ParcelFault> {
        let mut taken = Taken::default();
        self.questions += 1;
        match (self.stage, answer) {
            (Stage::Begin, None) => {
                self.stage = Stage::Greeted;
                peer.visits = peer.visits.wrapping_add(1);
                if peer.visits.is_multiple_of(FORGET) {
                    peer.settled.clear();
                    peer.offered.clear();
                    peer.compared = None;
                }
                let hello = Hello {
                    from: replica.station.0,
                    since: peer.since,
                };
                return Ok((Step::Ask(Ask::Hello(hello)), taken));
            }
            (Stage::Greeted, Some(Answer::Heads(told))) => {
                peer.hear(&told, replica);
                self.hear_receipts(replica, &told);
                if !told.whole && told.heads.is_empty() && peer.compared == Some(replica.core().chains.growth()) {
                    self.stage = Stage::Over;
                }
            }
            (Stage::Wanting, Some(Answer::Records(records))) => {
                taken = replica.take(&records.records)?;
                let entries = taken.fresh.iter().filter(|record| record.header().class != Class::KEY);
                self.summary.taken += entries.count() as u64;
                let more = records.more && !records.records.is_empty();
                for header in records.records.iter().filter_map(|r| vault::journal::claimed(&r.0)) {
                    let reached = self
                        .reached
                        .entry((header.station.0, header.incarnation.0))
                        .or_default();
                    *reached = header.seq.max(*reached);
                }
                if !more {
                    self.reached.clear();
                    // Exchanged as far as this answer goes: not asked again before one of the two changes.
                    for (chain, sums, whole) in self.asked.drain(..) {
                        if whole || taken.fresh.is_empty() {
                            peer.settled.insert(chain, sums);
                        }
                    }
                }
            }
            (Stage::Giving, Some(Answer::Taken(told))) => {
                let before = lacking(replica, peer);
                let progress = peer.hear_some(&told, replica);
                self.summary.given += before.saturating_sub(lacking(replica, peer));
                self.hear_receipts(replica, &told);
                for (chain, sums, _) in self.asked.drain(..) {
                    // It has all of that, or does not take it: not offered again before one of the two changes.
                    if peer.told.get(&chain).is_some_and(|head| head.sum == sums.1) {
                        peer.offered.insert(chain, sums);
                    }
                }
                if !progress && !self.goes_on {
                    self.stage = Stage::Over;
                }
            }
            (Stage::Over, _) => {}
            _ => return Err(ParcelFault::Malformed),
        }
        if self.stage == Stage::Over || self.questions > MAX_QUESTIONS {
            return Ok((Step::Done, taken));
        }
        let step = match self.want(replica, peer) {
            Some(ask) => Step::Ask(ask),
            None => match self.give(replica, peer, now) {
                Ok(ask) => Step::Ask(ask),
                Err(compared) => {
                    self.stage = Stage::Over;
                    peer.compared = Some(compared);
                    Step::Done
                }
            },
        };
        Ok((step, taken))
    }

    fn hear_receipts(&self, replica: &Replica, told: &Told) {
        replica.hear_receipts(told.receipts.iter().filter_map(|r| Receipt::from_bytes(&r.0).ok()));
    }

    fn want(&mut self, replica: &Replica, peer: &Peer) -> Option<Ask> {
        let core = replica.core();
        self.asked.clear();
        let mut heads = Vec::new();
        for (chain, theirs) in &peer.told {
            let mine = core.chains.head(chain);
            let sums = (mine.sum, theirs.sum);
            if same(sums) || peer.settled.get(chain) == Some(&sums) {
                continue;
            }
            let contradicts = core.contradicts(&mine, theirs) || core.chains.forked_at(chain).is_some();
            let whole = contradicts || theirs.seq == mine.seq;
            let seq = match (whole, theirs.seq > mine.seq) {
                (true, _) => self.reached.get(chain).copied().unwrap_or(0),
                (false, true) => mine.seq,
                (false, false) => continue,
            };
            self.asked.push((*chain, sums, whole));
            heads.push(Head {
                station: chain.0,
                incarnation: chain.1,
                seq,
                id: None,
                sum: 0,
            });
        }
        drop(core);
        if heads.is_empty() {
            return None;
        }
        self.stage = Stage::Wanting;
        Some(Ask::Want(Want {
            from: replica.station.0,
            heads,
        }))
    }

    /// What the other lacks; when that is nothing, the count at which it was looked at: what is saved right after it counts as new.
    fn give(&mut self, replica: &Replica, peer: &mut Peer, now: i64) -> Result<Ask, u64> {
        let mut lacked = Vec::new();
        let mut branched = BTreeSet::new();
        self.asked.clear();
        let count = {
            let core = replica.core();
            for mine in core.chains.heads(None) {
                let chain = mine.chain();
                let theirs = peer.told.get(&chain).copied();
                let seq = theirs.map_or(0, |theirs| theirs.seq);
                let sums = (mine.sum, theirs.map_or(0, |theirs| theirs.sum));
                if same(sums) || peer.offered.get(&chain) == Some(&sums) {
                    continue;
                }
                let forked_at = core.chains.forked_at(&chain);
                let contradicts = theirs.is_some_and(|theirs| core.contradicts(&mine, &theirs));
                let from = match forked_at {
                    Some(at) => (at - 1).min(seq),
                    None if contradicts => 0,
                    // Also when the rows are equally long: what waits behind a gap here may never come any other way, when who
                    // wrote what is in the gap is gone.
                    None => seq,
                };
                let from = if forked_at.is_some() || contradicts {
                    branched.insert(chain);
                    self.given.get(&chain).map_or(from, |given| from.max(*given))
                } else {
                    from
                };
                self.asked.push((chain, sums, true));
                lacked.push((chain, from));
            }
            core.chains.growth()
        };
        let (records, cut) = replica.behind(&lacked, super::ROOM);
        self.goes_on = false;
        if let Some(cut) = cut {
            // What comes after it was not offered at all, a chain with branches not as a whole.
            self.goes_on = lacked.get(cut).is_some_and(|(chain, _)| branched.contains(chain));
            self.asked.truncate(if self.goes_on { cut } else { cut + 1 });
        }
        for header in records.iter().filter_map(|r| vault::journal::claimed(&r.0)) {
            let given = self.given.entry((header.station.0, header.incarnation.0)).or_default();
            *given = header.seq.max(*given);
        }
        let receipts = match peer.receipted {
            Some((station, since)) if since < count => replica.receipts_for(&station, since, now),
            _ => Vec::new(),
        };
        if records.is_empty() && receipts.is_empty() {
            return Err(count);
        }
        if let Some(receipted) = peer.receipted.as_mut() {
            receipted.1 = count;
        }
        self.stage = Stage::Giving;
        Ok(Ask::Give(Give {
            from: replica.station.0,
            records,
            receipts,
        }))
    }
}

/// Both sides hold the same records of a chain.
fn same((mine, theirs): (u64, u64)) -> bool {
    mine != 0 && mine == theirs
}

/// Entries of this station that the peer is not known to hold.
fn lacking(replica: &Replica, peer: &Peer) -> u64 {
    let core = replica.core();
    let own = core.chains.of_station(replica.station.as_bytes());
    let told = |name: &ChainName| peer.told.get(name).map_or(0, |head| head.seq);
    own.map(|(name, _)| core.chains.entries_behind(&name, told(&name)))
        .sum()
}

impl Peer {
    fn hear(&mut self, told: &Told, replica: &Replica) {
        if told.whole {
            self.told.clear();
            self.settled.clear();
            self.offered.clear();
            self.receipted = None;
        }
        self.since = Some(told.since);
        if self.receipted.is_none_or(|(station, _)| station != told.from) && told.from != replica.station.0 {
            self.receipted = Some((told.from, 0));
        }
        self.hear_some(told, replica);
    }

    /// Notes heads; true when any of them says more than was known.
    fn hear_some(&mut self, told: &Told, replica: &Replica) -> bool {
        let mut progress = false;
        for head in &told.heads {
            let before = self.told.insert(head.chain(), *head);
            progress |= before.is_none_or(|before| before.seq != head.seq || before.sum != head.sum);
        }
        // A gift of receipts alone names no chain and has done what it was for.
        progress || told.heads.is_empty() && told.from != replica.station.0
    }
}
