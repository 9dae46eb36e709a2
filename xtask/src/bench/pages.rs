//! Pages of the running desk: what one costs the server, how many come a second, how long the slowest take.
//!
//! The peer sends the same bytes from memory over the same connections (`floor`), driven by the same client on the same
//! cores. It deliberately does nothing else: the distance to it is all that signing in, opening and rendering cost.

use anyhow::{Context, Result};

use super::floor::Floor;
use super::http::{self, Connection};
use super::server::Server;
use super::{Ground, Measured, load, medians_of, percentile};

/// Browsers at work, and many.
const CONNECTIONS: [usize; 2] = [50, 200];
/// Pages before anything is counted.
const WARM_UP: usize = 200;

/// The list of 600 again and again.
pub fn list(ground: &Ground) -> Result<Vec<Measured>> {
    pages(ground, 2_000, |_| vec!["/patients".to_owned()])
}

/// The charts of 600 patients in turn.
pub fn chart(ground: &Ground) -> Result<Vec<Measured>> {
    pages(ground, 6_000, |patients| patients)
}

/// For 50 connections CPU ms per page, then for 50 and 200 pages/s and p99 in ms; `total` pages a run.
fn pages(ground: &Ground, total: usize, paths: impl Fn(Vec<String>) -> Vec<String>) -> Result<Vec<Measured>> {
    let hospital = ground.hospitals.of(600)?;
    let server = Server::start(&hospital)?;
    let cookie = server.sign_in()?;
    let paths = paths(server.patients(&cookie)?);
    let requests: Vec<Vec<u8>> = paths.iter().map(|path| http::get(path, &cookie)).collect();
    let first = requests.first().context("a page to ask for")?;
    let body = Connection::open(server.address)?.must_answer(first, 200)?.body;
    let ask = |n: usize| requests.get(n % requests.len()).cloned().unwrap_or_default();
    load::drive(server.address, 50, WARM_UP, 200, ask)?;

    let mut found = Vec::new();
    for connections in CONNECTIONS {
        let [cpu, rate, p99, floor_cpu, floor_rate, floor_p99] = medians_of(ground.runs, || {
            let before = server.cpu_seconds()?;
            let mut ours = load::drive(server.address, connections, total, 200, ask)?;
            let cpu = server.cpu_seconds()? - before;
            let floor = Floor::start(body.clone())?;
            let mut theirs = load::drive(floor.address, connections, total, 200, ask)?;
            let (_, floor_cpu) = floor.finish()?;
            let each = |seconds: f64| milliseconds_each(seconds, total);
            let (ours, theirs) = ((ours.rate(), ours.p99()), (theirs.rate(), theirs.p99()));
            Ok([each(cpu), ours.0, ours.1, each(floor_cpu), theirs.0, theirs.1])
        })?;
        if found.is_empty() {
            found.push(Measured::beside(cpu, floor_cpu));
        }
        found.push(Measured::beside(rate, floor_rate));
        found.push(Measured::beside(p99, floor_p99));
    }
    Ok(found)
}

/// CPU ms and median wall µs of the chart page of a patient nobody has opened since the start, one browser.
pub fn first_opening(ground: &Ground) -> Result<Vec<Measured>> {
    let hospital = ground.hospitals.of(10_000)?;
    let [cpu, wall] = medians_of(ground.runs, || {
        let server = Server::start(&hospital)?;
        let cookie = server.sign_in()?;
        let patients = server.patients(&cookie)?;
        let before = server.cpu_seconds()?;
        let mut load = load::drive(server.address, 1, patients.len(), 200, |n| {
            http::get(patients.get(n).map_or("", String::as_str), &cookie)
        })?;
        let cpu = milliseconds_each(server.cpu_seconds()? - before, patients.len());
        Ok([cpu, percentile(&mut load.latencies, 50) * 1e3])
    })?;
    Ok(vec![Measured::alone(cpu), Measured::alone(wall)])
}

/// Milliseconds of each, from the seconds of all.
#[allow(clippy::cast_precision_loss, reason = "some thousands")]
pub fn milliseconds_each(seconds: f64, count: usize) -> f64 {
    seconds * 1e3 / count as f64
}
