//! The program's own stories: real processes, real files, real sockets.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // A test that cannot go on says why.

mod apart;
mod backups;
mod blanks;
mod browser;
mod bucket;
mod carrying;
mod custody;
#[cfg(unix)]
mod daemon;
mod encrypted;
mod enrolling;
mod fleet;
mod leaving;
mod notebook;
mod one_day;
mod own_forms;
mod packs;
mod packs_at_night;
mod packs_queued;
mod program;
mod scanning;
#[cfg(unix)]
mod updates;
mod ward_paper;
