//! FHIR: NDJSON into our borrowed types, beside `serde_json` into the smallest borrowed struct there can be.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{Ground, Measured, measure, medians_of};

/// Resources a second and MB a second, by CPU time of one thread.
pub fn rate(ground: &Ground) -> Result<Vec<Measured>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("the repository")?;
    let built = Command::new("cargo")
        .args([
            "build",
            "--release",
            "--locked",
            "--quiet",
            "-p",
            "downtime",
            "--example",
            "fhir_rate",
        ])
        .current_dir(root)
        .status()
        .context("cargo")?;
    if !built.success() {
        bail!("the example `fhir_rate` of downtime cannot be built");
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), Into::into);
    let program = target.join("release/examples/fhir_rate");
    let program = program.to_str().context("the path of the example")?;
    let [ours, ours_mb, limit, limit_mb] = medians_of(ground.runs, || {
        let (_, said) = measure::finished(program, &[], &ground.scratch)?;
        let number = |front: &str| -> Result<f64> {
            let found = said.lines().find_map(|line| line.strip_prefix(front));
            found
                .with_context(|| format!("`{front}` in what fhir_rate said"))?
                .trim()
                .parse()
                .context("a number")
        };
        Ok([
            number("resources/s ")?,
            number("MB/s ")?,
            number("serde_json resources/s ")?,
            number("serde_json MB/s ")?,
        ])
    })?;
    Ok(vec![Measured::beside(ours, limit), Measured::beside(ours_mb, limit_mb)])
}
