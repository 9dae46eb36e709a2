//! What the vault promises, tried on whole files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod age;
mod amended;
mod canary;
mod checkpoint;
mod crash;
mod damage;
mod effort;
mod faults;
mod flips;
mod hospital;
mod journal;
mod lifeboat;
mod locks;
mod mutants;
mod outside;
mod pairs;
mod paper;
mod peers;
mod recovered;
mod shelf;
mod snapshot;
mod swaps;
mod tamper;
mod tree;
mod vectors;
