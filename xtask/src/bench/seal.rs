//! From the hospital's export to a sealed snapshot: the whole `tomoshibi extract`, beside `zstd -3` of the same rows.
//!
//! It deliberately measures the whole command, reading the CSV and opening every record again included: that is what a
//! hub pays each night. Its parts are told beside it, as the program measures them itself: reading by itself, sealing as
//! what is left. The peer only compresses: it neither reads the rows nor encrypts, so it is a floor.

use std::path::Path;

use anyhow::{Context, Result};

use super::hospital::text;
use super::{Ground, Measured, measure, medians_of};

/// CPU seconds, wall seconds, peak MB and MB of the snapshot.
pub fn extract(ground: &Ground, patients: u32) -> Result<Vec<Measured>> {
    let hospital = ground.hospitals.of(patients)?;
    // The big one takes long, and its runs differ little.
    let runs = if patients > 10_000 {
        ground.runs.min(3)
    } else {
        ground.runs
    };
    let rows = ground.scratch.join("rows.csv");
    concatenate(&hospital.export(), &rows)?;
    let (program, config) = (text(hospital.program())?, text(&hospital.config())?);
    let (rows, packed) = (text(&rows)?, text(&ground.scratch.join("rows.zst"))?);
    let [cpu, wall, peak, peer_cpu, peer_peak] = medians_of(runs, || {
        // The snapshot is there: `--accept` lets the guard replace it by the same day.
        let arguments = [
            "extract",
            "-c",
            &config,
            "--day",
            "today",
            "--accept",
            "--no-packs",
            "--json",
        ];
        let (cost, _) = measure::finished(&program, &arguments, &ground.scratch)?;
        let (peer, _) = measure::finished("zstd", &["-3", "-q", "-f", &rows, "-o", &packed], &ground.scratch)?;
        Ok([
            cost.cpu_seconds,
            cost.wall_seconds,
            cost.peak_megabytes,
            peer.cpu_seconds,
            peer.peak_megabytes,
        ])
    })?;
    let packed = std::fs::metadata(&packed).context("what zstd wrote")?.len();
    Ok(vec![
        Measured::beside(cpu, peer_cpu),
        Measured::alone(wall),
        Measured::beside(peak, peer_peak),
        Measured::beside(megabytes(hospital.snapshot_bytes()?), megabytes(packed)),
    ])
}

/// CPU seconds of the parts: reading and joining, sealing beside the peer, opening every record again.
pub fn parts(ground: &Ground, patients: u32) -> Result<Vec<Measured>> {
    let hospital = ground.hospitals.of(patients)?;
    let rows = ground.scratch.join("rows.csv");
    concatenate(&hospital.export(), &rows)?;
    let (program, config) = (text(hospital.program())?, text(&hospital.config())?);
    let (rows, packed) = (text(&rows)?, text(&ground.scratch.join("rows.zst"))?);
    let [pull, seal, reopen, peer] = medians_of(ground.runs, || {
        let arguments = [
            "extract",
            "-c",
            &config,
            "--day",
            "today",
            "--accept",
            "--no-packs",
            "--json",
            "--cost",
        ];
        let (_, said) = measure::finished(&program, &arguments, &ground.scratch)?;
        let said: serde_json::Value = serde_json::from_str(&said).context("what `extract --json` said")?;
        let part = |name: &str| {
            let seconds = said.get("cpu_seconds").and_then(|parts| parts.get(name)?.as_f64());
            seconds.with_context(|| format!("`extract --cost` does not tell `{name}`: measuring needs Linux"))
        };
        let (peer, _) = measure::finished("zstd", &["-3", "-q", "-f", &rows, "-o", &packed], &ground.scratch)?;
        Ok([part("pull")?, part("seal")?, part("reopen")?, peer.cpu_seconds])
    })?;
    Ok(vec![
        Measured::alone(pull),
        Measured::beside(seal, peer),
        Measured::alone(reopen),
    ])
}

/// CPU seconds to prove the snapshot: every byte, every record opened, the key derivation included.
pub fn verify(ground: &Ground, patients: u32) -> Result<Vec<Measured>> {
    let hospital = ground.hospitals.of(patients)?;
    let (program, config) = (text(hospital.program())?, text(&hospital.config())?);
    let password = text(&hospital.password_file())?;
    let [cpu] = medians_of(ground.runs, || {
        let user = super::hospital::PHYSICIAN;
        let arguments = [
            "verify",
            "-c",
            &config,
            "--user",
            user,
            "--password-file",
            &password,
            "--json",
        ];
        Ok([measure::finished(&program, &arguments, &ground.scratch)?.0.cpu_seconds])
    })?;
    Ok(vec![Measured::alone(cpu)])
}

/// Writes all files of an export behind one another, in the order of their names.
fn concatenate(export: &Path, to: &Path) -> Result<()> {
    let mut files = std::fs::read_dir(export)
        .with_context(|| format!("{} cannot be listed", export.display()))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    files.sort();
    let mut whole = std::fs::File::create(to).with_context(|| format!("{} cannot be written", to.display()))?;
    for file in files {
        let mut part = std::fs::File::open(&file).with_context(|| format!("{} cannot be read", file.display()))?;
        std::io::copy(&mut part, &mut whole).context("the rows")?;
    }
    Ok(())
}

/// Millions of bytes.
#[allow(clippy::cast_precision_loss, reason = "file sizes far below 2^52")]
pub fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
