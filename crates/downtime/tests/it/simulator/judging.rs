//! What must hold at every step, and after everything has healed.

use std::collections::{BTreeMap, BTreeSet};

use super::node::shown;
use super::world::{Outcome, World};

impl World<'_> {
    /// What was acknowledged here, and what this station has vouched for, is here.
    pub fn still_there(&self, n: usize) -> Outcome {
        let Some(life) = &self.nodes[n].life else { return Ok(()) };
        for saved in self.saved.iter().filter(|saved| saved.node == n) {
            if life.replica.find(&saved.order, &saved.id.0).is_none() {
                return Err(format!(
                    "{} was saved at node {n} and is not there any more",
                    saved.number
                ));
            }
        }
        self.none_behind_a_gap(n)?;
        for ((station, incarnation), seq, head) in self.vouched.get(&n).into_iter().flatten() {
            let order = downtime::view::Order {
                hlc: 0,
                station: *station,
                incarnation: *incarnation,
                seq: *seq,
            };
            if life.replica.find(&order, head).is_none() {
                return Err(format!("node {n} has vouched for number {seq} and does not hold it"));
            }
        }
        Ok(())
    }

    /// Nothing that was acknowledged hangs behind numbers that its own station does not have.
    fn none_behind_a_gap(&self, n: usize) -> Outcome {
        let Some(life) = &self.nodes[n].life else { return Ok(()) };
        let mut rows = BTreeMap::new();
        for head in life.replica.heads() {
            rows.insert(head.chain(), head.seq);
        }
        let saved = self.saved.iter().filter(|saved| saved.node == n);
        let behind = saved.map(|saved| (saved, rows.get(&(saved.order.station, saved.order.incarnation))));
        let mut behind = behind.filter(|(saved, row)| row.is_none_or(|row| *row < saved.order.seq));
        // The row of a copied disk may be the other copy's.
        let copies = self.nodes.iter().filter(|node| node.id == self.nodes[n].id).count();
        match behind.next().filter(|_| copies == 1) {
            Some((saved, _)) => Err(format!("{} was saved at node {n} behind a gap", saved.number)),
            None => Ok(()),
        }
    }

    /// What a station may tell its people about its own entries: noted, and held against where they are.
    pub fn look_at_levels(&mut self, n: usize) -> Outcome {
        let Some(life) = &self.nodes[n].life else { return Ok(()) };
        for (at, saved) in self.saved.iter().enumerate().filter(|(_, saved)| saved.node == n) {
            if self.safe.contains(&at) {
                continue;
            }
            let kept = life.replica.kept(&saved.order, &saved.id.0);
            if kept.elsewhere == 0 {
                continue;
            }
            let vouched = self.vouched.iter().any(|(_, all)| {
                let chain = (saved.order.station, saved.order.incarnation);
                all.iter()
                    .any(|(named, seq, _)| *named == chain && *seq >= saved.order.seq)
            });
            // A station that is off cannot be asked; one that runs must have it.
            let elsewhere = (0..self.nodes.len()).filter(|other| *other != n).any(|other| {
                let life = self.nodes[other].life.as_ref();
                life.is_none_or(|life| life.replica.find(&saved.order, &saved.id.0).is_some())
            });
            if !elsewhere {
                return Err(format!("{} is called safe and is only at node {n}", saved.number));
            }
            if !vouched {
                return Err(format!("{} is called safe and nobody has vouched for it", saved.number));
            }
            self.safe.insert(at);
        }
        Ok(())
    }

    pub fn judge(&mut self) -> Outcome {
        // Else nothing is asked of a station that went missing on the way here.
        if let Some(n) = (0..self.nodes.len()).find(|n| !self.nodes[*n].destroyed && self.nodes[*n].life.is_none()) {
            return Err(format!("node {n} is not there to be judged"));
        }
        let left: Vec<usize> = (0..self.nodes.len())
            .filter(|n| self.nodes[*n].life.is_some())
            .collect();
        for n in &left {
            self.still_there(*n)?;
            self.look_at_levels(*n)?;
        }
        let mut days = BTreeMap::new();
        for n in &left {
            let Some(life) = &self.nodes[*n].life else { continue };
            for (at, saved) in self.saved.iter().enumerate() {
                let must = !self.nodes[saved.node].destroyed || self.safe.contains(&at);
                if must && life.replica.find(&saved.order, &saved.id.0).is_none() {
                    return Err(format!("{} of node {} is not at node {n}", saved.number, saved.node));
                }
            }
            // A copied disk leaves records that its writer can never call its own.
            // Nobody can vouch for what a power cut left behind a gap, and it is counted; nothing that was acknowledged is there.
            if !self.copied && life.replica.only_here() > life.replica.behind_gaps() {
                return Err(format!(
                    "node {n} says that {} are only there",
                    life.replica.only_here()
                ));
            }
            days.entry(shown(&life.replica)).or_insert_with(Vec::new).push(*n);
        }
        if days.len() > 1 {
            return Err(format!(
                "not all show the same: {:?}",
                days.values().collect::<Vec<_>>()
            ));
        }
        let mut numbers = BTreeSet::new();
        for saved in &self.saved {
            if !self.copied && !numbers.insert((saved.order.station, saved.number.clone())) {
                return Err(format!("{} was given twice", saved.number));
            }
        }
        self.forks_are_told(&left)
    }

    /// Two different records with one number: every station says so.
    fn forks_are_told(&self, left: &[usize]) -> Outcome {
        let mut at: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for (n, saved) in self.saved.iter().enumerate() {
            if !self.nodes[saved.node].destroyed || self.safe.contains(&n) {
                let place = (saved.order.station, saved.order.incarnation, saved.order.seq);
                at.entry(place).or_default().insert(saved.id.0);
            }
        }
        if at.values().all(|ids| ids.len() < 2) {
            return Ok(());
        }
        let silent = left.iter().find(|n| {
            let life = self.nodes[**n].life.as_ref();
            life.is_some_and(|life| life.replica.forks().is_empty())
        });
        match silent {
            Some(n) => Err(format!("node {n} says nothing about a journal that contradicts itself")),
            None => Ok(()),
        }
    }
}
