//! `tomoshibi synth`: the export of an invented hospital, the same bytes for the same arguments.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::progress;

/// Writes the export of an invented hospital.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  tomoshibi synth --patients 600 --date 2026-11-20 --seed 1 --out export")]
pub struct Synth {
    /// Outpatients booked for the day.
    #[arg(long, default_value_t = 600)]
    patients: u32,
    /// Beds of the hospital, most of them with somebody in them.
    #[arg(long, default_value_t = 0)]
    beds: u32,
    /// The day.
    #[arg(long)]
    date: String,
    /// Seed; the same arguments give the same bytes for ever.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Directory for the files.
    #[arg(long)]
    out: PathBuf,
    /// Shape of the export: a (several CP932 files, Japanese headers), b (UTF-8, other columns), sql (scripts for three databases),
    /// ssmix2 (SS-MIX2 storage), hl7 (messages in MLLP frames) or fhir (FHIR R4).
    #[arg(long, default_value = "a")]
    shape: String,
}

impl Synth {
    /// Runs the command.
    ///
    /// # Errors
    /// When the directory cannot be written.
    pub fn run(&self) -> Result<ExitCode> {
        let date = super::extract::day(&self.date)?;
        let Some(shape) = synth::Shape::named(&self.shape) else {
            let names = synth::Shape::NAMED.map(|(name, _)| name).join("、");
            anyhow::bail!("--shape は {names} のどれかです: {}", self.shape);
        };
        let bar = progress::bar("合成", false);
        let plan = synth::Plan {
            patients: self.patients,
            date,
            seed: self.seed,
        };
        let hospital = synth::Hospital::new(&plan)?.with_beds(self.beds);
        let summary = synth::write_hospital(&hospital, shape, &self.out, &mut |done, all| {
            progress::show(&bar, done, all)
        })
        .with_context(|| format!("{} に書けませんでした", self.out.display()))?;
        bar.finish_and_clear();
        say!("{}: 予約患者 {} 人", self.out.display(), summary.patients);
        for file in &summary.files {
            say!("  {:>9} 行 {:>11} バイト  {}", file.rows, file.bytes, file.name);
        }
        Ok(ExitCode::SUCCESS)
    }
}
