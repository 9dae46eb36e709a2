//! Paper: one chart sheet asked for at the desk, and the whole morning's pack.
//!
//! The charts' peer is the same press with every sheet set by Typst. It deliberately leaves other programs to `typesetters`.

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::hospital::{PHYSICIAN, text};
use super::http;
use super::pages::milliseconds_each;
use super::seal::megabytes;
use super::server::Server;
use super::{Ground, Measured, load, measure, medians_of, percentile};

/// Charts of a long pack: 10,000 pages.
const LONG_PACK: usize = 5_600;

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

/// What one run of `morning` cost: the whole process's CPU s, peak MB, KB of PDF a page, ms of a warm sheet.
pub fn morning(ground: &Ground, sheets: usize, words: &[&str]) -> Result<[f64; 4]> {
    let program = morning_program(ground)?;
    let sheets = sheets.to_string();
    let mut arguments = vec![sheets.as_str(), "1"];
    arguments.extend(words);
    let (cost, said) = measure::finished(&text(&program)?, &arguments, &ground.scratch)?;
    let number = |line: &str| -> Result<f64> {
        let found = said.lines().find_map(|said| said.strip_prefix(line));
        let word = found.and_then(|rest| rest.split_whitespace().next());
        word.context(format!("`{line}` in what morning said"))?
            .parse()
            .context("a number")
    };
    Ok([
        cost.cpu_seconds,
        cost.peak_megabytes,
        number("page")? / 1e3,
        number("warm sheet")?,
    ])
}

/// The example that is measured.
pub fn morning_program(ground: &Ground) -> Result<PathBuf> {
    let hospital = ground.hospitals.of(600)?;
    let release = hospital.program().parent().context("the folder of the program")?;
    Ok(release.join("examples").join("morning"))
}

/// 600 charts, one page each but for the longest, as one file: by the quick way, beside all of them by Typst.
pub fn charts(ground: &Ground) -> Result<Vec<Measured>> {
    let quick = medians_of(ground.runs, || morning(ground, 600, &["short"]))?;
    // Half a minute each, and steady.
    let typst = medians_of(ground.runs.min(2), || morning(ground, 600, &["short", "typst"]))?;
    let both = quick.into_iter().zip(typst);
    Ok(both.map(|(value, peer)| Measured::beside(value, peer)).collect())
}

/// About 10,000 pages as one file: CPU s, peak MB, KB a page.
pub fn long_pack(ground: &Ground) -> Result<Vec<Measured>> {
    let [cpu, peak, page, _] = medians_of(ground.runs.min(2), || morning(ground, LONG_PACK, &[]))?;
    Ok([cpu, peak, page].map(Measured::alone).to_vec())
}
