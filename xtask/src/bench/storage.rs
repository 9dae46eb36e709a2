//! An SS-MIX2 storage to charts: everything read, and read again with what is remembered, beside reading the bare bytes of its files.
//!
//! It deliberately measures the source alone; sealing the charts costs what it costs from tables.

use anyhow::{Context, Result};

use super::hospital::text;
use super::measure::example;
use super::{Ground, Measured, measure, medians_of};

/// CPU seconds, wall seconds and peak MB of a first reading; CPU and wall seconds of a second one.
pub fn pulled(ground: &Ground, patients: u32) -> Result<Vec<Measured>> {
    let program = text(&example("downtime", "ssmix2")?)?;
    let storage = ground.scratch.join(format!("storage-{patients}"));
    let (dir, state) = (text(&storage)?, ground.scratch.join("storage.state"));
    measure::finished(&program, &["make", &patients.to_string(), &dir], &ground.scratch)?;
    let runs = if patients > 10_000 {
        ground.runs.min(3)
    } else {
        ground.runs
    };
    let figures = medians_of(runs, || {
        // A first reading remembers nothing.
        let _ = std::fs::remove_file(&state);
        let state = text(&state)?;
        let (first, _) = measure::finished(&program, &["pull", &dir, &state], &ground.scratch)?;
        let (again, _) = measure::finished(&program, &["pull", &dir, &state], &ground.scratch)?;
        let (bare, _) = measure::finished(&program, &["read", &dir], &ground.scratch)?;
        Ok([
            first.cpu_seconds,
            first.wall_seconds,
            first.peak_megabytes,
            again.cpu_seconds,
            again.wall_seconds,
            bare.cpu_seconds,
        ])
    });
    std::fs::remove_dir_all(&storage).context("the storage's folder")?;
    let [cpu, wall, peak, again_cpu, again_wall, bare] = figures?;
    Ok(vec![
        Measured::beside(cpu, bare),
        Measured::alone(wall),
        Measured::alone(peak),
        Measured::alone(again_cpu),
        Measured::alone(again_wall),
    ])
}
