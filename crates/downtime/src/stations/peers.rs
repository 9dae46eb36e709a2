//! Whom a station visits besides its hubs, and when: the terminals of its wards and two others, every five seconds, half as long to
//! half as long again; who does not answer is asked less and less often, up to five minutes.
//!
//! Chosen from the roster, whose stations say where they are reached. Pure: moments and chance come in. Connections are the roof's.

use std::collections::{BTreeMap, BTreeSet};

use chart::StationCode;

use super::Station;
use super::replica::Fork;
use crate::identity::Roster;

/// Milliseconds between two visits to one station.
pub const EVERY_MS: u64 = 5_000;
/// Longest pause for one that does not answer.
pub const LONGEST_MS: u64 = 300_000;
/// Stations visited that are neither hubs nor of the same ward.
pub const STRANGERS: usize = 2;
/// Most stations of one's own wards that are visited.
pub const MOST_NEIGHBOURS: usize = 16;

/// Where a station is reached.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    /// Its code.
    pub code: StationCode,
    /// `https://host:port`
    pub at: String,
    /// It seals, and every station visits it.
    pub hub: bool,
}

/// The visits that are due, one station at a time.
#[derive(Debug, Default)]
pub struct Rounds {
    due: BTreeMap<Address, Due>,
}

#[derive(Debug, Clone, Copy)]
struct Due {
    at_ms: u64,
    pause_ms: u64,
}

impl Rounds {
    /// From now on these are visited; who is new comes at once, each at its own moment.
    pub fn set(&mut self, addresses: &BTreeSet<Address>, now_ms: u64, mut chance: impl FnMut() -> u64) {
        self.due.retain(|address, _| addresses.contains(address));
        for address in addresses {
            self.due.entry(address.clone()).or_insert_with(|| Due {
                at_ms: now_ms + chance() % EVERY_MS,
                pause_ms: EVERY_MS,
            });
        }
    }

    /// Whose turn it is, if anybody's, and else how long until it is.
    #[must_use]
    pub fn next(&self, now_ms: u64) -> (Option<Address>, u64) {
        let first = self.due.iter().min_by_key(|(_, due)| due.at_ms);
        match first {
            Some((address, due)) if due.at_ms <= now_ms => (Some(address.clone()), 0),
            Some((_, due)) => (None, due.at_ms - now_ms),
            None => (None, EVERY_MS),
        }
    }

    /// A visit came back.
    pub fn visited(&mut self, address: &Address, answered: bool, now_ms: u64, chance: u64) {
        if let Some(due) = self.due.get_mut(address) {
            due.pause_ms = if answered {
                EVERY_MS
            } else {
                (due.pause_ms * 2).min(LONGEST_MS)
            };
            due.at_ms = now_ms + due.pause_ms / 2 + chance % due.pause_ms;
        }
    }

    /// Something new is here: who answers is visited at once.
    pub fn hurry(&mut self, now_ms: u64) {
        for due in self.due.values_mut().filter(|due| due.pause_ms == EVERY_MS) {
            due.at_ms = due.at_ms.min(now_ms);
        }
    }
}

/// Whom a station visits. `chance` decides which strangers, the same ones for as long as it is the same.
#[must_use]
pub fn peers(roster: &Roster, code: StationCode, hubs_too: bool, chance: u64) -> BTreeSet<Address> {
    let Some(me) = roster.station(code) else {
        return BTreeSet::new();
    };
    let others = roster
        .stations
        .iter()
        .filter(|other| other.code != code && !other.retired);
    let reached = others.filter_map(|other| {
        let at = other.address.as_ref()?.trim_end_matches('/').to_owned();
        let near = other.wards.iter().any(|ward| me.wards.contains(ward));
        let address = Address {
            code: other.code,
            at,
            hub: other.hub,
        };
        Some((near, address))
    });
    let (mut chosen, mut neighbours, mut strangers) = (BTreeSet::new(), Vec::new(), Vec::new());
    for (near, address) in reached {
        match (address.hub, near) {
            (true, _) if hubs_too => drop(chosen.insert(address)),
            // Its hubs are named in its own configuration.
            (true, _) => {}
            (false, true) => neighbours.push(address),
            (false, false) => strangers.push(address),
        }
    }
    chosen.extend(some(neighbours, MOST_NEIGHBOURS, chance));
    chosen.extend(some(strangers, STRANGERS, chance));
    chosen
}

/// So many of them, by chance.
fn some(mut all: Vec<Address>, wanted: usize, mut chance: u64) -> Vec<Address> {
    all.sort();
    let mut chosen = Vec::with_capacity(wanted);
    while chosen.len() < wanted && !all.is_empty() {
        chance = chance
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let at = usize::try_from((chance >> 33) % all.len() as u64).unwrap_or(0);
        chosen.push(all.swap_remove(at));
    }
    chosen
}

impl Station {
    /// Whom this station visits besides the hubs of its configuration, by the newest roster here, whose stations are believed
    /// from then on.
    #[must_use]
    pub fn peers(&self, chance: u64) -> BTreeSet<Address> {
        let Some(shelved) = self.shelf().current() else {
            return BTreeSet::new();
        };
        let roster = shelved.roster();
        match super::enrolled_stations(roster) {
            Ok(stations) => self.replica.enrol(&stations),
            Err(fault) => tracing::warn!(%fault, "the keys of the roster cannot be used"),
        }
        peers(roster, self.code, self.hub.is_none(), chance)
    }

    /// Entries of others came.
    pub(super) fn note_heard(&self, count: usize) {
        let count = u64::try_from(count).unwrap_or(0);
        self.heard.fetch_add(count, std::sync::atomic::Ordering::Relaxed);
    }

    /// Entries of others that came since this station started.
    #[must_use]
    pub fn heard(&self) -> u64 {
        self.heard.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Codes of stations whose journals contradict themselves.
    pub(super) fn forked(&self) -> Vec<String> {
        let mut codes: Vec<String> = self
            .replica
            .forks()
            .iter()
            .map(|fork: &Fork| self.code_of(&fork.station))
            .collect();
        codes.dedup();
        codes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(n: u8) -> Address {
        Address {
            code: StationCode::parse(&format!("R{n:02}")).unwrap(),
            at: format!("https://10.0.0.{n}:8300"),
            hub: false,
        }
    }

    #[test]
    fn who_does_not_answer_is_asked_less_often_and_who_answers_again_at_once_as_before() {
        let mut rounds = Rounds::default();
        let one = address(1);
        rounds.set(&[one.clone()].into(), 0, || 0);
        let mut now = 0;
        let mut pauses = Vec::new();
        for _ in 0..9 {
            let (turn, wait) = rounds.next(now);
            assert!(turn.is_some(), "{wait}");
            rounds.visited(&one, false, now, 0);
            let (_, wait) = rounds.next(now);
            pauses.push(wait);
            now += wait;
        }
        assert_eq!(pauses[..3], [5_000, 10_000, 20_000]);
        assert_eq!(
            *pauses.last().unwrap(),
            LONGEST_MS / 2,
            "never longer than five minutes"
        );
        rounds.hurry(now - 1);
        assert!(
            rounds.next(now - 1).0.is_none(),
            "nobody hurries to who does not answer"
        );
        rounds.visited(&one, true, now, 4_999);
        let (_, wait) = rounds.next(now);
        assert_eq!(wait, 7_499, "half as long again at most");
        rounds.hurry(now);
        assert_eq!(rounds.next(now).0, Some(one));
    }

    #[test]
    fn two_strangers_are_chosen_and_not_always_the_same() {
        let all: Vec<Address> = (1..40).map(address).collect();
        let chosen: BTreeSet<Vec<Address>> = (0..50).map(|chance| some(all.clone(), STRANGERS, chance)).collect();
        assert!(chosen.iter().all(|some| some.len() == 2));
        assert!(chosen.len() > 10);
    }
}
