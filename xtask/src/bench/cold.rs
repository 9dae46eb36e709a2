//! A station that was off: from starting the process to the first list on the screen.
//!
//! It deliberately goes the way a person goes (start, sign in, list). CPU time is told without the key derivation, which
//! is a figure of its own: Argon2id is slow on purpose, and the same at every size. Wall time is told whole, as the
//! person waits it: the difference of two noisy times would say nothing.

use std::time::Instant;

use anyhow::Result;

use super::hospital::Hospital;
use super::http::{self, Connection};
use super::server::Server;
use super::{Ground, Measured, measure, medians_of};

/// Refused sign-ins measured together: their CPU time is counted in steps of 10 ms.
const REFUSALS: u32 = 10;

/// CPU ms to the first list without the key derivation, wall ms with it, peak MB of the server.
pub fn first_list(ground: &Ground, patients: u32) -> Result<Vec<Measured>> {
    let hospital = ground.hospitals.of(patients)?;
    let [derive_cpu, _] = derivation(&hospital, ground.runs)?;
    let [cpu, wall, peak] = medians_of(ground.runs, || {
        let before = measure::cpu_seconds_of_ended_children()?;
        let begun = Instant::now();
        let server = Server::start(&hospital)?;
        let cookie = server.sign_in()?;
        Connection::open(server.address)?.must_answer(&http::get("/patients", &cookie), 200)?;
        let wall = begun.elapsed().as_secs_f64() * 1e3;
        let peak = server.peak_megabytes()?;
        drop(server);
        let cpu = (measure::cpu_seconds_of_ended_children()? - before) * 1e3;
        Ok([cpu - derive_cpu, wall, peak])
    })?;
    Ok(vec![Measured::alone(cpu), Measured::alone(wall), Measured::alone(peak)])
}

/// CPU ms and wall ms of one key derivation.
pub fn key_derivation(ground: &Ground) -> Result<Vec<Measured>> {
    let hospital = ground.hospitals.of(600)?;
    let [cpu, wall] = derivation(&hospital, ground.runs)?;
    Ok(vec![Measured::alone(cpu), Measured::alone(wall)])
}

/// A sign-in that is refused derives a key and then stops.
fn derivation(hospital: &Hospital, runs: u32) -> Result<[f64; 2]> {
    let server = Server::start(hospital)?;
    server.be_refused(0)?;
    let mut nth = 0;
    medians_of(runs, || {
        let before = server.cpu_seconds()?;
        let begun = Instant::now();
        for _ in 0..REFUSALS {
            nth += 1;
            server.be_refused(nth)?;
        }
        let wall = begun.elapsed().as_secs_f64();
        let cpu = server.cpu_seconds()? - before;
        Ok([cpu, wall].map(|seconds| seconds * 1e3 / f64::from(REFUSALS)))
    })
}
