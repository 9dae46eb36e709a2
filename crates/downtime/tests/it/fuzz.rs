//! The functions that fuzzing calls, over the committed corpus and over mutations of it that are the same in every run.
//!
//! No panic, no input that takes a second, no run that takes 256 MiB. With `UPDATE=1` the corpus is written anew.
#![allow(clippy::disallowed_methods)]

pub mod deltas;
pub mod seeds;
#[path = "../../../../fuzz/src/lib.rs"]
#[allow(dead_code)]
pub mod targets;

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use targets::{Repeatable, TARGETS, Target};

/// Mutated inputs per parser.
const MUTATIONS: u64 = 3_000;
const SLOWEST: Duration = Duration::from_secs(1);
const MEMORY_MAX_KIB: u64 = 256 << 10;
/// Inputs are not grown beyond this; libFuzzer's usual limit is 4 KiB.
const LENGTH_MAX: usize = 64 << 10;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn corpus(target: &str) -> PathBuf {
    let top = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus"));
    top.join(target)
}

fn seeds_of(target: &str) -> Vec<Vec<u8>> {
    let mut paths: Vec<_> = std::fs::read_dir(corpus(target))
        .unwrap_or_else(|error| panic!("fuzz/corpus/{target}: {error}; UPDATE=1 writes it"))
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

#[test]
fn every_parser_lets_its_own_corpus_in() {
    if std::env::var_os("UPDATE").is_some() {
        for (target, name, bytes) in seeds::all() {
            std::fs::create_dir_all(corpus(target)).unwrap();
            std::fs::write(corpus(target).join(name), bytes).unwrap();
        }
    }
    for (name, parse) in TARGETS {
        let seeds = seeds_of(name);
        // A corpus that is turned away at the door would try nothing behind it.
        assert!(seeds.iter().any(|seed| parse(seed)), "{name}");
    }
}

#[test]
fn no_parser_of_outside_bytes_panics_or_runs_away() {
    // In a process of its own, whose memory is that of the parsers alone.
    if number("FUZZ_CHILD").is_none() {
        let child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "fuzz::no_parser_of_outside_bytes_panics_or_runs_away",
                "--nocapture",
            ])
            .env("FUZZ_CHILD", "1")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&child.stdout);
        for line in said.lines().filter_map(|line| line.split_once("torture: ")) {
            println!("torture: {}", line.1);
        }
        let why = String::from_utf8_lossy(&child.stderr);
        assert!(child.status.success(), "{said}{why}");
        return;
    }
    let wanted = number("TORTURE_IMAGES").map_or(MUTATIONS, |images| images / TARGETS.len() as u64);
    let first = number("TORTURE_SEED").unwrap_or(0);
    let (mut tried, mut let_in, mut slowest) = (0, 0, (Duration::ZERO, ""));
    for target in TARGETS {
        // Every table is a file on the disk.
        let wanted = if target.0 == "table" { wanted / 5 } else { wanted };
        let (passed, took) = mutate(target, first, wanted);
        (tried, let_in) = (tried + wanted, let_in + passed);
        slowest = slowest.max((took, target.0));
    }
    let memory = peak_kib();
    println!(
        "torture: {} parsers, {tried} mutated inputs, {let_in} let in, 0 panics, slowest {} ms ({}), peak {} MiB",
        TARGETS.len(),
        slowest.0.as_millis(),
        slowest.1,
        memory / 1024
    );
    assert!(slowest.0 < SLOWEST, "{slowest:?}");
    assert!(memory < MEMORY_MAX_KIB, "{memory} KiB");
    assert!(let_in > tried / 50, "mutations that all stop at the door try nothing");
}

/// Returns how many inputs were let in, and how long the slowest took.
fn mutate((name, parse): Target, first: u64, wanted: u64) -> (u64, Duration) {
    let seeds = seeds_of(name);
    let (mut let_in, mut slowest) = (0, Duration::ZERO);
    for seed in first..first + wanted {
        let mut dice = Repeatable(seed ^ 0x5EED_F022);
        let input = mutation(&seeds, &mut dice);
        // Printed when the parser panics: the panic's own message does not know the input.
        let reminder = Reminder { name, seed };
        let begun = Instant::now();
        let_in += u64::from(parse(&input));
        slowest = slowest.max(begun.elapsed());
        std::mem::forget(reminder);
    }
    (let_in, slowest)
}

struct Reminder {
    name: &'static str,
    seed: u64,
}

impl Drop for Reminder {
    fn drop(&mut self) {
        eprintln!(
            "parser {}, seed {}: cargo xtask torture --only fuzz --seed {0} --images 1",
            self.name, self.seed
        );
    }
}

/// A seed changed in one to four places.
fn mutation(seeds: &[Vec<u8>], dice: &mut Repeatable) -> Vec<u8> {
    let mut bytes = seeds[dice.below(seeds.len())].clone();
    for _ in 0..1 + dice.below(4) {
        let (at, len) = (dice.below(bytes.len()), 1 + dice.below(16));
        let end = (at + len).min(bytes.len());
        match dice.below(9) {
            0 | 1 if !bytes.is_empty() => bytes[at] ^= 1 << dice.below(8),
            2 if !bytes.is_empty() => bytes[at] = [0, 1, 0x7F, 0x80, 0xFF, b'\n', b'"', 0x5C][dice.below(8)],
            3 => drop(bytes.drain(at..end)),
            4 => {
                let again = bytes[at..end].to_vec();
                (0..1 + dice.below(8)).for_each(|_| drop(bytes.splice(at..at, again.iter().copied())));
            }
            5 => {
                let noise: Vec<u8> = (0..len).map(|_| dice.step() as u8).collect();
                bytes.splice(at..end, noise);
            }
            // A length or a count that claims too much.
            6 => {
                let lie = [u32::MAX, 0, 1 << 31, 0x00FF_FFFF, bytes.len() as u32][dice.below(5)];
                let lie = if dice.below(2) == 0 {
                    lie.to_le_bytes()
                } else {
                    lie.to_be_bytes()
                };
                bytes.splice(at..(at + 4).min(bytes.len()), lie);
            }
            7 => {
                let other = &seeds[dice.below(seeds.len())];
                let from = dice.below(other.len());
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            _ => bytes.truncate(at),
        }
        bytes.truncate(LENGTH_MAX);
    }
    bytes
}

/// The most memory this process has had, in KiB; 0 where the system does not tell.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().split(' ').next()?.parse().ok())
        .unwrap_or(0)
}
