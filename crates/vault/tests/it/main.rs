//! What the vault promises, tried on whole files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod checkpoint;
mod crash;
mod damage;
mod hospital;
mod journal;
mod locks;
mod outside;
mod paper;
mod peers;
mod shelf;
mod snapshot;
mod tamper;
mod tree;
mod vectors;
