//! Real servers, started for the tests on free ports with data of their own, and stopped by them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test that cannot go on should stop; servers run by the real clock"
)]

mod exported;
mod hospital;
mod rows;
mod server;
// What a chart shows, as the tests of the tables compare it.
#[path = "../../../downtime/tests/it/table/show.rs"]
#[allow(dead_code)]
mod show;
mod steps;

use crate::server::{MariaDb, Postgres};

#[test]
fn postgresql() {
    steps::all(&Postgres::start());
}

#[test]
fn mariadb() {
    steps::all(&MariaDb::start());
}
