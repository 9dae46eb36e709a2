//! Rows of a database into memory, beside the bare driver that fetches them, reads every value as text and drops it.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{Ground, Measured, measure, medians_of};

/// CPU time of a row, ours and the bare driver's, on a PostgreSQL that the example starts.
pub fn rows(ground: &Ground) -> Result<Vec<Measured>> {
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
            "database",
            "--example",
            "sql_rate",
        ])
        .current_dir(root)
        .status()
        .context("cargo")?;
    if !built.success() {
        bail!("the example `sql_rate` of database cannot be built");
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), Into::into);
    let program = target.join("release/examples/sql_rate");
    let program = program.to_str().context("the path of the example")?;
    let [ours, bare] = medians_of(ground.runs, || {
        let (_, said) = measure::finished(program, &[], &ground.scratch)?;
        let number = |front: &str| -> Result<f64> {
            let found = said.lines().find_map(|line| line.strip_prefix(front));
            found
                .with_context(|| format!("`{front}` in what sql_rate said"))?
                .trim()
                .parse()
                .context("a number")
        };
        Ok([number("µs/row ")?, number("bare µs/row ")?])
    })?;
    Ok(vec![Measured::beside(ours, bare)])
}
