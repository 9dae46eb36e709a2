//! Stations as they stand in a hospital: real processes, each in a network of its own, over cables that are pulled.
//!
//! Two hubs, five stations and the EHR hang on one bridge. Nothing here looks into a process: people type at the desk's forms, the
//! commands are those of the documentation, and what is checked is what anybody could see from outside. What the same rules do under ten
//! thousand orders of events is `downtime`'s simulator, not this.
#![cfg(target_os = "linux")]
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::unwrap_used)] // A test that cannot go on says why.

#[path = "../it/browser.rs"]
#[allow(dead_code, reason = "the stories use more of it")]
mod browser;
mod clocks;
mod desk;
mod disks;
mod effort;
mod hospital;
mod installs;
mod kills;
mod partitions;
mod times;
mod watch;
mod wires;
