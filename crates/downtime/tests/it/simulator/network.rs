//! The line: every message may be dropped, late, there twice or out of order; a direction may be cut, or clogged for a while.

use std::collections::{BTreeMap, BTreeSet};

use crate::merge::dice::Dice;

/// Who says something to whom.
#[derive(Debug, Clone)]
pub struct Packet {
    pub from: usize,
    pub to: usize,
    pub body: Body,
}

#[derive(Debug, Clone)]
pub enum Body {
    /// A question of a visit: its number, and the bytes.
    Ask(u64, Vec<u8>),
    /// Its answer.
    Answer(u64, Vec<u8>),
}

#[derive(Debug, Default)]
pub struct Network {
    cut: BTreeSet<(usize, usize)>,
    clogged: BTreeMap<(usize, usize), Vec<Packet>>,
    calm: bool,
}

impl Network {
    /// When a packet arrives, if at all: none, once, or twice.
    pub fn send(&mut self, packet: Packet, dice: &mut Dice, now: u64) -> Vec<(u64, Packet)> {
        let way = (packet.from, packet.to);
        if let Some(waiting) = self.clogged.get_mut(&way) {
            waiting.push(packet);
            return Vec::new();
        }
        if self.cut.contains(&way) || !self.calm && dice.one_in(20) {
            return Vec::new();
        }
        let mut late = || {
            now + 1
                + if dice.one_in(12) {
                    dice.below(9_000)
                } else {
                    dice.below(300)
                } as u64
        };
        let first = late();
        let second = late();
        let mut arriving = vec![(first, packet.clone())];
        if !self.calm && dice.one_in(12) {
            arriving.push((second, packet));
        }
        arriving
    }

    /// Cuts what leads from one group to the other; one way only, now and then.
    pub fn part(&mut self, nodes: usize, dice: &mut Dice) -> bool {
        let group: Vec<bool> = (0..nodes).map(|_| dice.one_in(2)).collect();
        let one_way = dice.one_in(3);
        for a in 0..nodes {
            for b in 0..nodes {
                if group[a] && !group[b] {
                    self.cut.insert((a, b));
                    if !one_way {
                        self.cut.insert((b, a));
                    }
                }
            }
        }
        one_way
    }

    /// Everything said on some ways waits, until it comes in another order than the ways were clogged.
    pub fn clog(&mut self, nodes: usize, dice: &mut Dice) {
        for _ in 0..1 + dice.below(4) {
            let way = (dice.below(nodes), dice.below(nodes));
            self.clogged.entry(way).or_default();
        }
    }

    /// One clogged way is free again.
    pub fn unclog(&mut self, dice: &mut Dice, now: u64) -> Vec<(u64, Packet)> {
        let ways: Vec<_> = self.clogged.keys().copied().collect();
        let Some(way) = dice.pick(&ways) else { return Vec::new() };
        let waiting = self.clogged.remove(&way).unwrap_or_default();
        waiting
            .into_iter()
            .map(|packet| (now + 1 + dice.below(50) as u64, packet))
            .collect()
    }

    pub fn mend(&mut self) {
        self.cut.clear();
    }

    /// From now on everything arrives.
    pub fn heal(&mut self) {
        self.cut.clear();
        self.clogged.clear();
        self.calm = true;
    }
}
