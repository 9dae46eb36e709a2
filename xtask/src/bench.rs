//! `cargo xtask bench`: what things cost, beside what they could cost on this machine.
//!
//! It deliberately never gates on wall time alone: machines are shared and noisy. A target is set on CPU time (user +
//! sys of the whole process tree), on a size, or on the ratio to a peer that runs in the same call.

mod list;
mod machine;
mod measure;
mod peers;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde::Serialize;

use list::BENCHES;
pub use measure::MeasureOptions;

/// What to measure and how to say it.
#[derive(Args)]
pub struct Options {
    /// One JSON object a line instead of a table
    #[arg(long)]
    json: bool,
    /// Only benches whose name contains this
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// List the benches and stop
    #[arg(long)]
    list: bool,
    /// Runs of each bench; the median counts
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    runs: u32,
}

/// Where a bench works.
#[allow(dead_code, reason = "root and target are for the benches of the running program")]
pub struct Ground {
    /// The repository's top folder.
    pub root: PathBuf,
    /// Cargo's output; the program is `release/tomoshibi` in it.
    pub target: PathBuf,
    /// An empty folder on the disk under test, for the bench alone.
    pub scratch: PathBuf,
    /// How many runs to take the median of.
    pub runs: u32,
}

/// What one bench found.
pub struct Measured {
    /// The median of the runs, in the bench's unit.
    pub value: f64,
    /// The peer's median in the same unit, measured in the same call.
    pub peer_value: Option<f64>,
}

/// What is demanded of a bench.
#[allow(dead_code, reason = "each kind of target is used as benches are added")]
pub enum Target {
    /// Reported only.
    None,
    /// The value itself: CPU time, bytes.
    AtMost(f64),
    /// The value itself: rates of CPU-bound work.
    AtLeast(f64),
    /// value / peer.
    RatioAtMost(f64),
    /// value / peer.
    RatioAtLeast(f64),
}

/// One thing worth measuring.
pub struct Bench {
    /// What is measured, dotted from the general to the particular.
    pub name: &'static str,
    /// The unit of value and peer value.
    pub unit: &'static str,
    /// What it is compared with, in words; empty when it is a limit itself.
    pub peer: &'static str,
    /// What is demanded.
    pub target: Target,
    /// Does it, `ground.runs` times, and gives the medians.
    pub measure: fn(&Ground) -> Result<Measured>,
}

/// `cargo xtask bench`.
pub fn run(root: &Path, options: &Options) -> Result<ExitCode> {
    let chosen: Vec<&Bench> = BENCHES
        .iter()
        .filter(|bench| wanted(bench.name, options.only.as_deref()))
        .collect();
    if chosen.is_empty() {
        bail!(
            "no bench has `{}` in its name; `cargo xtask bench --list` shows them all",
            options.only.as_deref().unwrap_or("")
        );
    }
    if options.list {
        chosen.iter().for_each(|bench| println!("{}", bench.name));
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("{}", machine::line(root));
    let mut all_met = true;
    for bench in chosen {
        let measured = on_empty_ground(root, options, bench).with_context(|| format!("the bench {}", bench.name))?;
        let line = report(bench, &measured);
        all_met &= line.ok != Some(false);
        println!(
            "{}",
            if options.json {
                serde_json::to_string(&line)?
            } else {
                table_row(&line)
            }
        );
    }
    Ok(if all_met { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// `cargo xtask measure`: the small process that runs one command and tells what it cost.
pub fn measure_command(options: &MeasureOptions) -> Result<ExitCode> {
    measure::run_and_record(options)
}

/// The median of `runs` results.
pub fn median_of(runs: u32, mut once: impl FnMut() -> Result<f64>) -> Result<f64> {
    let mut results = (0..runs.max(1)).map(|_| once()).collect::<Result<Vec<f64>>>()?;
    results.sort_by(f64::total_cmp);
    let middle = results.len() / 2;
    let upper = results.get(middle).copied().unwrap_or(f64::NAN);
    let lower = results.get(middle.saturating_sub(1)).copied().unwrap_or(upper);
    Ok(if results.len().is_multiple_of(2) {
        f64::midpoint(lower, upper)
    } else {
        upper
    })
}

fn on_empty_ground(root: &Path, options: &Options, bench: &Bench) -> Result<Measured> {
    let target = crate::chores::target_folder(root);
    let scratch = target.join("bench").join(bench.name);
    if scratch.exists() {
        std::fs::remove_dir_all(&scratch).with_context(|| format!("{} cannot be emptied", scratch.display()))?;
    }
    std::fs::create_dir_all(&scratch).with_context(|| format!("{} cannot be made", scratch.display()))?;
    let ground = Ground {
        root: root.to_path_buf(),
        target,
        scratch,
        runs: options.runs,
    };
    let measured = (bench.measure)(&ground);
    // What a bench wrote is of no use afterwards; a folder that cannot be removed is emptied before the next run.
    let _ = std::fs::remove_dir_all(&ground.scratch);
    measured
}

/// One line of the report, in the order it is printed.
#[derive(Debug, PartialEq, Serialize)]
struct Line {
    name: &'static str,
    value: f64,
    unit: &'static str,
    peer: Option<&'static str>,
    peer_value: Option<f64>,
    ratio: Option<f64>,
    target: Option<String>,
    ok: Option<bool>,
}

fn report(bench: &Bench, measured: &Measured) -> Line {
    let ratio = measured
        .peer_value
        .filter(|peer| *peer > 0.0)
        .map(|peer| measured.value / peer);
    // A ratio that could not be formed does not meet a target on it.
    let (target, ok) = match bench.target {
        Target::None => (None, None),
        Target::AtMost(limit) => (Some(format!("value <= {limit}")), Some(measured.value <= limit)),
        Target::AtLeast(limit) => (Some(format!("value >= {limit}")), Some(measured.value >= limit)),
        Target::RatioAtMost(limit) => (
            Some(format!("ratio <= {limit}")),
            Some(ratio.is_some_and(|r| r <= limit)),
        ),
        Target::RatioAtLeast(limit) => (
            Some(format!("ratio >= {limit}")),
            Some(ratio.is_some_and(|r| r >= limit)),
        ),
    };
    Line {
        name: bench.name,
        value: rounded(measured.value),
        unit: bench.unit,
        peer: Some(bench.peer).filter(|peer| !peer.is_empty()),
        peer_value: measured.peer_value.map(rounded),
        ratio: ratio.map(rounded),
        target,
        ok,
    }
}

/// Four significant digits: more would only be noise.
fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let digits = 3.0 - value.abs().log10().floor();
    let scale = 10_f64.powf(digits);
    (value * scale).round() / scale
}

fn table_row(line: &Line) -> String {
    let number = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| value.to_string());
    let verdict = line.ok.map_or("–", |ok| if ok { "met" } else { "MISSED" });
    let target = line.target.as_deref().unwrap_or("–");
    let (value, ratio, peer_value) = (number(Some(line.value)), number(line.ratio), number(line.peer_value));
    let peer = line
        .peer
        .map(|peer| format!("  [{peer_value}: {peer}]"))
        .unwrap_or_default();
    format!(
        "{:<28} {value:>10} {:<12} ratio {ratio:>8}  {target:<18} {verdict:<6}{peer}",
        line.name, line.unit
    )
}

fn wanted(name: &str, only: Option<&str>) -> bool {
    only.is_none_or(|only| name.contains(only))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bench(target: Target) -> Bench {
        Bench {
            name: "x.y",
            unit: "ms",
            peer: "z",
            target,
            measure: |_| bail!("never run here"),
        }
    }

    #[test]
    fn the_median_is_the_middle_one() {
        let mut values = [9.0, 1.0, 5.0].into_iter();
        assert_eq!(median_of(3, || values.next().context("a value")).unwrap(), 5.0);
        let mut values = [9.0, 1.0, 5.0, 2.0].into_iter();
        assert_eq!(median_of(4, || values.next().context("a value")).unwrap(), 3.5);
        assert!(median_of(2, || bail!("broken")).is_err());
    }

    #[test]
    fn a_line_has_every_field_and_tells_whether_the_target_is_met() {
        let measured = Measured {
            value: 12.34567,
            peer_value: Some(10.0),
        };
        let line = report(&bench(Target::RatioAtMost(1.2)), &measured);
        let expected = "{\"name\":\"x.y\",\"value\":12.35,\"unit\":\"ms\",\"peer\":\"z\",\"peer_value\":10.0,\
            \"ratio\":1.235,\"target\":\"ratio <= 1.2\",\"ok\":false}";
        assert_eq!(serde_json::to_string(&line).unwrap(), expected);
        assert_eq!(report(&bench(Target::AtMost(13.0)), &measured).ok, Some(true));
        assert_eq!(report(&bench(Target::AtLeast(13.0)), &measured).ok, Some(false));
        assert_eq!(report(&bench(Target::None), &measured).ok, None);
        let without_peer = Measured {
            value: 1.0,
            peer_value: None,
        };
        assert_eq!(report(&bench(Target::RatioAtLeast(0.1)), &without_peer).ok, Some(false));
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = BENCHES.iter().map(|bench| bench.name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), BENCHES.len());
    }
}
