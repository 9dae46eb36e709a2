//! Paper: one chart sheet asked for at the desk, and the whole morning's pack.
//!
//! It deliberately has no peer: what else sets a page of Japanese text here is the same engine in another program, or a
//! browser that does another job.

use anyhow::{Context, Result};
use serde::Deserialize;

use super::hospital::{PHYSICIAN, text};
use super::http;
use super::pages::milliseconds_each;
use super::seal::megabytes;
use super::server::Server;
use super::{Ground, Measured, load, measure, medians_of, percentile};

/// Sheets in one run.
const SHEETS: usize = 30;

/// CPU ms and median wall ms of one chart sheet (F02), its entry in the journal included.
pub fn one_sheet(ground: &Ground) -> Result<Vec<Measured>> {
    let original = ground.hospitals.of(600)?;
    let hospital = original.copy_to(&ground.scratch.join("hospital"))?;
    let server = Server::start(&hospital)?;
    let cookie = server.sign_in()?;
    let patients = server.patients(&cookie)?;
    let sheet = |n: usize| {
        let path = patients.get(n % patients.len()).map_or("", String::as_str);
        let who = path.rsplit('/').next().unwrap_or("");
        http::post("/print/chart", &cookie, false, &[("who", who), ("back", "chart")])
    };
    let mut printed = 0;
    let [cpu, wall] = medians_of(ground.runs, || {
        let before = server.cpu_seconds()?;
        let mut load = load::drive(server.address, 1, SHEETS, 303, |n| sheet(printed + n))?;
        printed += SHEETS;
        let cpu = milliseconds_each(server.cpu_seconds()? - before, SHEETS);
        Ok([cpu, percentile(&mut load.latencies, 50)])
    })?;
    Ok(vec![Measured::alone(cpu), Measured::alone(wall)])
}

#[derive(Deserialize)]
struct Packs {
    packs: Vec<Pack>,
}

#[derive(Deserialize)]
struct Pack {
    pages: u32,
    bytes: u64,
}

/// The pack of 600: CPU ms per page, pages/s, peak MB, MB of PDF.
pub fn pack(ground: &Ground) -> Result<Vec<Measured>> {
    let hospital = ground.hospitals.of(600)?;
    let (program, config) = (text(hospital.program())?, text(&hospital.config())?);
    let (password, out) = (text(&hospital.password_file())?, text(&ground.scratch.join("paper"))?);
    // Half a minute each, and a thousand pages in one run already level out.
    let [cpu, rate, peak, size] = medians_of(ground.runs.min(2), || {
        let command = [
            "print",
            "-c",
            &config,
            "pack",
            "--user",
            PHYSICIAN,
            "--password-file",
            &password,
        ];
        let arguments = [command.as_slice(), &["--out", &out, "--json"]].concat();
        let (cost, said) = measure::finished(&program, &arguments, &ground.scratch)?;
        let packs: Packs = serde_json::from_str(&said).context("what `print pack --json` said")?;
        let pages: u32 = packs.packs.iter().map(|pack| pack.pages).sum();
        let bytes = packs.packs.iter().map(|pack| pack.bytes).sum();
        Ok([
            cost.cpu_seconds * 1e3 / f64::from(pages),
            f64::from(pages) / cost.wall_seconds,
            cost.peak_megabytes,
            megabytes(bytes),
        ])
    })?;
    Ok([cpu, rate, peak, size].map(Measured::alone).to_vec())
}
