//! The program's own stories: real processes, real files, real sockets.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // A test that cannot go on says why.

mod blanks;
mod browser;
mod custody;
mod enrolling;
mod leaving;
mod notebook;
mod one_day;
mod own_forms;
mod packs;
mod packs_at_night;
mod packs_queued;
mod program;
mod scanning;
mod ward_paper;
