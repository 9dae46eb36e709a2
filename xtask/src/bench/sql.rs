//! Rows of a database into memory, beside the bare driver that fetches them, reads every value as text and drops it.

use anyhow::{Context, Result};

use super::hospital::text;
use super::measure::example;
use super::{Ground, Measured, measure, medians_of};

/// CPU time of a row, ours and the bare driver's, on a PostgreSQL that the example starts.
pub fn rows(ground: &Ground) -> Result<Vec<Measured>> {
    let program = text(&example("database", "sql_rate")?)?;
    let [ours, bare] = medians_of(ground.runs, || {
        let (_, said) = measure::finished(&program, &[], &ground.scratch)?;
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
