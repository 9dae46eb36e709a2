//! `cargo xtask bench`: what things cost, beside what they could cost on this machine.
//!
//! It deliberately never gates on wall time alone: machines are shared and noisy. A target is set on CPU time (user +
//! sys of the whole process tree), on a size, or on the ratio to a peer that runs in the same call.

mod cold;
mod fhir;
mod floor;
mod hospital;
mod http;
mod list;
mod load;
mod machine;
mod measure;
mod messages;
mod mllp;
mod outage;
mod pages;
mod paper;
mod peers;
mod report;
mod saves;
mod seal;
mod search;
mod server;
mod sql;
mod stations;
mod storage;
mod tables;
mod typesetters;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Args;

use hospital::Hospitals;
use list::BENCHES;
pub use measure::MeasureOptions;
use report::Line;

/// What to measure and how to say it.
#[derive(Args)]
pub struct Options {
    /// One JSON object a line instead of a table
    #[arg(long)]
    json: bool,
    /// Only figures whose name contains this; the big ones too
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Also the big sizes (100,000 patients), which take minutes
    #[arg(long)]
    full: bool,
    /// Measure the program as it was last built in release, instead of building it first
    #[arg(long)]
    built: bool,
    /// List the figures and stop
    #[arg(long)]
    list: bool,
    /// Runs of each bench; the median counts
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    runs: u32,
}

/// Where a bench works.
pub struct Ground<'a> {
    /// The invented hospitals of this call, each made when first asked for.
    pub hospitals: &'a Hospitals,
    /// An empty folder on the disk under test, for the bench alone.
    pub scratch: PathBuf,
    /// How many runs to take the median of.
    pub runs: u32,
}

/// One figure as a bench found it.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// The median of the runs, in the figure's unit.
    pub value: f64,
    /// The peer's median in the same unit, measured in the same call.
    pub peer_value: Option<f64>,
}

impl Measured {
    /// A figure with nothing beside it.
    pub const fn alone(value: f64) -> Self {
        Self {
            value,
            peer_value: None,
        }
    }

    /// A figure and its peer's.
    pub const fn beside(value: f64, peer_value: f64) -> Self {
        Self {
            value,
            peer_value: Some(peer_value),
        }
    }
}

/// What is demanded of a bench.
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "each kind of target is there for the next bench")]
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

/// One number of the report.
pub struct Figure {
    /// What is measured, dotted from the general to the particular.
    pub name: &'static str,
    /// The unit of value and peer value.
    pub unit: &'static str,
    /// What it is compared with, in words; empty when it stands alone.
    pub peer: &'static str,
    /// What is demanded.
    pub target: Target,
}

/// Figures that come out of the same runs.
pub struct Bench {
    /// What it finds, in the order in which `measure` gives it.
    pub figures: &'static [Figure],
    /// Takes minutes: only with `--full` or by name.
    pub big: bool,
    /// Does it, `ground.runs` times, and gives the medians.
    pub measure: fn(&Ground) -> Result<Vec<Measured>>,
}

/// `cargo xtask bench`.
pub fn run(root: &Path, options: &Options) -> Result<ExitCode> {
    let chosen: Vec<&Bench> = BENCHES.iter().filter(|bench| is_chosen(bench, options)).collect();
    if chosen.is_empty() {
        bail!(
            "no figure has `{}` in its name; `cargo xtask bench --list --full` shows them all",
            options.only.as_deref().unwrap_or("")
        );
    }
    if options.list {
        for figure in chosen.iter().flat_map(|bench| bench.figures) {
            if wanted(figure.name, options.only.as_deref()) {
                println!("{}", figure.name);
            }
        }
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("{}", machine::line(root));
    let target = crate::chores::target_folder(root);
    let hospitals = Hospitals::new(root, &target, options.built)?;
    let mut all_met = true;
    for bench in chosen {
        let name = bench.figures.first().map_or("", |figure| figure.name);
        let scratch = target.join("bench").join(name);
        let found = on_empty_ground(&hospitals, scratch, options.runs, bench).unwrap_or_else(|error| {
            // The others are still worth having; these figures are told as not met.
            eprintln!("xtask: {name}: {error:#}");
            all_met = false;
            vec![Measured::alone(f64::NAN); bench.figures.len()]
        });
        for (figure, measured) in bench.figures.iter().zip(&found) {
            if wanted(figure.name, options.only.as_deref()) {
                let line = Line::of(figure, measured);
                all_met &= !line.is_missed();
                line.print(options.json)?;
            }
        }
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

/// The median of each column of `runs` results.
pub fn medians_of<const N: usize>(runs: u32, mut once: impl FnMut() -> Result<[f64; N]>) -> Result<[f64; N]> {
    let rows = (0..runs.max(1)).map(|_| once()).collect::<Result<Vec<[f64; N]>>>()?;
    let mut medians = [f64::NAN; N];
    for (column, median) in medians.iter_mut().enumerate() {
        let mut row = rows.iter();
        *median = median_of(runs, || {
            let row = row.next().context("a row for every run")?;
            row.get(column).copied().context("a value in every column")
        })?;
    }
    Ok(medians)
}

/// The value below which `percent` of the values lie (nearest rank). Sorts them.
pub fn percentile(values: &mut [f64], percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    let rank = (values.len() * percent).div_ceil(100).saturating_sub(1);
    values.get(rank).copied().unwrap_or(f64::NAN)
}

fn is_chosen(bench: &Bench, options: &Options) -> bool {
    let named = bench
        .figures
        .iter()
        .any(|figure| wanted(figure.name, options.only.as_deref()));
    named && (!bench.big || options.full || options.only.is_some())
}

fn on_empty_ground(hospitals: &Hospitals, scratch: PathBuf, runs: u32, bench: &Bench) -> Result<Vec<Measured>> {
    if scratch.exists() {
        std::fs::remove_dir_all(&scratch).with_context(|| format!("{} cannot be emptied", scratch.display()))?;
    }
    std::fs::create_dir_all(&scratch).with_context(|| format!("{} cannot be made", scratch.display()))?;
    let ground = Ground {
        hospitals,
        scratch,
        runs,
    };
    let measured = (bench.measure)(&ground);
    // What a bench wrote is of no use afterwards; a folder that cannot be removed is emptied before the next run.
    let _ = std::fs::remove_dir_all(&ground.scratch);
    let measured = measured?;
    if measured.len() != bench.figures.len() {
        bail!(
            "{} figures are listed, {} were measured",
            bench.figures.len(),
            measured.len()
        );
    }
    Ok(measured)
}

fn wanted(name: &str, only: Option<&str>) -> bool {
    only.is_none_or(|only| name.contains(only))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_one() {
        let mut values = [9.0, 1.0, 5.0].into_iter();
        assert_eq!(median_of(3, || values.next().context("a value")).unwrap(), 5.0);
        let mut values = [9.0, 1.0, 5.0, 2.0].into_iter();
        assert_eq!(median_of(4, || values.next().context("a value")).unwrap(), 3.5);
        assert!(median_of(2, || bail!("broken")).is_err());
    }

    #[test]
    fn columns_have_medians_of_their_own() {
        let mut rows = [[1.0, 9.0], [3.0, 7.0], [2.0, 8.0]].into_iter();
        assert_eq!(medians_of(3, || rows.next().context("a row")).unwrap(), [2.0, 8.0]);
    }

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let mut values: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!((percentile(&mut values, 95), percentile(&mut values, 99)), (95.0, 99.0));
        assert_eq!(percentile(&mut [7.0], 99), 7.0);
        assert!(percentile(&mut [], 99).is_nan());
    }

    #[test]
    fn big_ones_are_left_out_unless_named_or_all_are_wanted() {
        let bench = Bench {
            figures: &[Figure {
                name: "x.100000",
                unit: "s",
                peer: "",
                target: Target::None,
            }],
            big: true,
            measure: |_| bail!("never run here"),
        };
        let options = |only: Option<&str>, full| Options {
            json: false,
            only: only.map(str::to_owned),
            full,
            built: true,
            list: false,
            runs: 1,
        };
        assert!(!is_chosen(&bench, &options(None, false)));
        assert!(is_chosen(&bench, &options(None, true)));
        assert!(is_chosen(&bench, &options(Some("100000"), false)));
        assert!(!is_chosen(&bench, &options(Some("y"), true)));
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = BENCHES.iter().flat_map(|bench| bench.figures).map(|f| f.name).collect();
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
