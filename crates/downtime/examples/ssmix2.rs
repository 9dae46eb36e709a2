//! What an SS-MIX2 storage costs to read: `cargo run --release -p downtime --example ssmix2 -- make PATIENTS DIR`, then `read DIR` (every
//! file's bytes and nothing else: the floor), `pull DIR [STATE]` (600 booked patients and everybody in a bed, to charts).
//!
//! Deliberately without sealing: what a snapshot costs is measured elsewhere.
#![allow(clippy::disallowed_methods, clippy::print_stdout)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use anyhow::{Context, Result, bail};
use chart::{Moment, PatientId};
use downtime::sources::gather::Reach;
use downtime::sources::ssmix2::{Settings, SsMix2};
use downtime::sources::{Scope, Source, Wanted};
use jiff::civil::date;

/// Beds of the hospital.
const BEDS: u32 = 300;
/// Booked patients.
const BOOKED: usize = 600;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["make", patients, dir] => make(patients.parse()?, Path::new(dir)),
        ["read", dir] => {
            let (files, bytes) = read(&Path::new(dir).join("STD"))?;
            println!("{files} files, {bytes} bytes");
            Ok(())
        }
        ["pull", dir] => pull(Path::new(dir), None),
        ["pull", dir, state] => pull(Path::new(dir), Some(PathBuf::from(state))),
        _ => bail!("make PATIENTS DIR | read DIR | pull DIR [STATE]"),
    }
}

fn make(patients: u32, dir: &Path) -> Result<()> {
    let plan = synth::Plan {
        patients,
        date: date(2026, 11, 20),
        seed: 1,
    };
    let hospital = synth::Hospital::new(&plan)?.with_beds(BEDS);
    synth::write_hospital(&hospital, synth::Shape::SsMix2, dir, &mut |_, _| {})?;
    Ok(())
}

/// Every file below a folder, read and let go.
fn read(dir: &Path) -> Result<(u64, u64)> {
    let (mut files, mut bytes) = (0, 0);
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            let below = read(&entry.path())?;
            files += below.0;
            bytes += below.1;
        } else {
            files += 1;
            bytes += std::fs::read(entry.path())?.len() as u64;
        }
    }
    Ok((files, bytes))
}

fn roots(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut roots = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        roots.push(entry?.path());
    }
    roots.sort();
    Ok(roots)
}

/// Some of the patients, spread over all.
fn booked(root: &Path) -> Result<Wanted> {
    let mut all = Vec::new();
    for one in roots(root)? {
        for two in roots(&one)? {
            for three in roots(&two)? {
                let name = three.file_name().context("a folder")?.to_string_lossy().into_owned();
                all.extend(PatientId::parse(&name));
            }
        }
    }
    let step = (all.len() / BOOKED).max(1);
    Ok(all.into_iter().step_by(step).map(|id| (id, Reach::Full)).collect())
}

fn pull(dir: &Path, state: Option<PathBuf>) -> Result<()> {
    let mut settings = Settings::of(roots(&dir.join("STD"))?);
    settings.extended = roots(&dir.join("ANX"))?;
    settings.state = state;
    let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
    let scope = Scope {
        day: date(2026, 11, 20),
        thin_days: 14,
        // A day from now: the files were written just now, and would not count as settled.
        now: Moment(i64::try_from(seconds)? + 86_400),
        wanted: Some(Arc::new(booked(settings.roots.last().context("no root")?)?)),
    };
    let begun = Instant::now();
    let source = SsMix2::new(settings)?;
    let mut beds = 0;
    let mut take = |chart: chart::Chart| {
        beds += u64::from(chart.stay.is_some());
        Ok(())
    };
    let extract = source.pull(&scope, &mut take, &mut |_| {})?;
    let files: u64 = extract.origins.iter().map(|origin| origin.rows).sum();
    println!(
        "{} charts, {beds} in beds, {files} current files, {} findings in {:.2} s",
        extract.charts,
        extract.findings.len(),
        begun.elapsed().as_secs_f64()
    );
    Ok(())
}
