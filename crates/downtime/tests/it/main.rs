//! The crate's integration tests: one binary, one module per room. Stories of the rooms together, on real files.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on should stop"
)]

mod exports;
mod hospital;
mod index;
mod saving;
mod sealing;
mod table;
mod working;
