//! Thirty stations that lose one another, get parcels twice and out of order, have wrong clocks, restart, and burn down.
//!
//! The replication rules are here once more in their smallest form (`world`): a log per station and incarnation, heads without
//! gaps, set union, a receipt only for what is on the disk. The fold is the real one. What is checked: all survivors show
//! byte for byte the same, and nothing is lost of what somebody was told is safe. Broken rules must be noticed.
#![allow(clippy::indexing_slicing)]

pub mod dice;
mod invent;
mod rules;
mod shown;
mod tally;
mod world;

use std::sync::atomic::{AtomicU64, Ordering};

use tally::Tally;
use world::{Broken, World};

/// Seeds in every run of the suite.
const SEEDS: u64 = 10_000;
/// A broken rule that survives so many seeds is not noticed.
const PATIENCE: u64 = 3_000;

#[test]
fn thirty_stations_agree_and_nothing_that_was_replicated_is_lost() {
    let (first, wanted, until) = effort(SEEDS);
    let next = AtomicU64::new(0);
    let work = || {
        let mut tally = Tally::default();
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            if until.map_or(n >= wanted, is_over) {
                return tally;
            }
            let seed = first.wrapping_add(n);
            if let Err(what) = World::run(seed, None, &mut tally) {
                panic!("seed {seed}: {what}");
            }
        }
    };
    let mut tally = std::thread::scope(|scope| {
        let other = scope.spawn(work);
        let mine = work();
        mine.and(other.join().unwrap())
    });
    tally.seeds = tally.seeds.max(1);
    println!("torture: merges of thirty stations: {tally}");
    assert!(tally.entries > tally.seeds * 10, "they recorded something");
    assert!(
        tally.told_safe > tally.seeds * 2,
        "they were told that something is safe: {tally}"
    );
    let among = [
        tally.restarts,
        tally.lost_before_the_disk,
        tally.duplicates,
        tally.late,
        tally.destroyed,
        tally.conflicts,
        tally.settled,
        tally.newer,
    ];
    assert!(among.iter().all(|count| *count > tally.seeds / 20), "{tally}");
}

#[test]
fn broken_rules_are_noticed() {
    for broken in Broken::ALL {
        let noticed = (0..PATIENCE).find_map(|seed| {
            let outcome = World::run(seed, Some(broken), &mut Tally::default());
            outcome.err().map(|what| (seed, what))
        });
        let Some((seed, what)) = noticed else {
            panic!("{broken:?} was not noticed in {PATIENCE} seeds");
        };
        println!("torture: {broken:?} noticed at seed {seed}: {what}");
    }
}

/// First seed, how many, and until when: what fits into the suite, or what torture asks for.
#[allow(clippy::disallowed_methods)]
fn effort(usual: u64) -> (u64, u64, Option<std::time::Instant>) {
    let number = |name: &str| std::env::var(name).ok().and_then(|n| n.parse::<u64>().ok());
    let seconds = number("TORTURE_SECONDS").filter(|seconds| *seconds > 0);
    let until = seconds.map(|seconds| std::time::Instant::now() + std::time::Duration::from_secs(seconds));
    (
        number("TORTURE_SEED").unwrap_or(0),
        number("TORTURE_IMAGES").map_or(usual, |images| images / 10),
        until,
    )
}

#[allow(clippy::disallowed_methods)]
fn is_over(until: std::time::Instant) -> bool {
    std::time::Instant::now() >= until
}
