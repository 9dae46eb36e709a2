//! CSV: the first pass over an export in raw CP932, which finds whose rows lie where, beside others that only take rows apart.
//!
//! It deliberately measures CPU time of one thread over files in the cache; what the rows become is measured with the whole extract.

use std::path::Path;

use anyhow::{Context, Result};

use super::hospital::text;
use super::measure::example;
use super::messages::figures;
use super::{Ground, Measured, measure, medians_of};

/// Patients of the export: some 50 MB in five files.
const PATIENTS: &str = "10000";

/// MB and rows a CPU second of the first pass; beside the `csv` crate taking the same bytes apart and undoing quotes, and Python's `csv`
/// over the same files as text.
pub fn index(ground: &Ground) -> Result<Vec<Measured>> {
    let program = text(&example("downtime", "table_index")?)?;
    let root = ground.hospitals.root();
    let mapping = text(&root.join("fixtures/hospital/a/mapping.toml"))?;
    let script = text(&root.join("xtask/peers/csv_rows.py"))?;
    let export = ground.scratch.join("export");
    let dir = text(&export)?;
    measure::finished(&program, &["make", PATIENTS, &dir], &ground.scratch)?;
    let [rate, rows, crate_rate, python_rate] = medians_of(ground.runs, || {
        let (_, said) = measure::finished(&program, &["index", &dir, &mapping, "5"], &ground.scratch)?;
        let [rows, rate] = figures(&said, "table.index")?;
        let (_, said) = measure::finished("python3", &[&script, &dir], &ground.scratch)?;
        let [_, python_rate] = figures(&said, "python-csv")?;
        Ok([rate, rows, taken_apart(&export)?, python_rate])
    })?;
    Ok(vec![
        Measured::beside(rate, crate_rate),
        Measured::beside(rate, python_rate),
        Measured::alone(rows),
    ])
}

/// MB a CPU second of the `csv` crate over every CSV file of a folder, in bytes, one record reused.
fn taken_apart(dir: &Path) -> Result<f64> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).context("the export")? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "csv") {
            files.push(path);
        }
    }
    let before = measure::cpu_seconds_of_this_thread()?;
    let (mut bytes, mut columns) = (0, 0);
    for file in &files {
        bytes += std::fs::metadata(file)?.len();
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_path(file)?;
        let mut record = csv::ByteRecord::new();
        while reader.read_byte_record(&mut record).context("a record")? {
            columns += record.len();
        }
    }
    let spent = measure::cpu_seconds_of_this_thread()? - before;
    std::hint::black_box(columns);
    #[allow(clippy::cast_precision_loss, reason = "megabytes")]
    Ok(bytes as f64 / spent / 1e6)
}
