//! `cargo xtask`: every chore of this repository as one plain command, the same on a laptop and in CI.
//!
//! It deliberately holds nothing the product needs at run time, and it links none of the product's crates: it must
//! build in seconds on a machine that has only Rust and a C compiler.

mod bench;
mod chores;
mod counts;
mod dist;
mod fonts;
mod setup;
mod step;
mod tidy;
mod torture;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

/// The chores of the Tomoshibi repository.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, about, max_term_width = 110)]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Install what the checks need (Debian packages, cargo-deny, npm packages); as root, or told what is missing
    #[command(after_help = "Example: sudo -E cargo xtask setup")]
    Setup,
    /// The check for every few minutes of work: format, clippy, unit tests of the small crates, tidy
    #[command(after_help = "Example: cargo xtask quick")]
    Quick,
    /// Everything CI runs; ends with the line `N passed, N failed`
    #[command(after_help = "Example: cargo xtask test")]
    Test,
    /// The house rules as a test: no compiling, under two seconds
    #[command(after_help = "Example: cargo xtask tidy")]
    Tidy,
    /// Measure and compare with a peer or with the machine's own limit
    #[command(after_help = "Example: cargo xtask bench --only disk.fdatasync --json")]
    Bench(bench::Options),
    /// Make the fonts of the printed page again from their Debian packages, or compare them with their record
    #[command(after_help = "Example: cargo xtask fonts --check")]
    Fonts {
        /// Only compare what is there with crates/press/fonts/fonts.toml
        #[arg(long)]
        check: bool,
    },
    /// The proofs of the suite with far more of everything: crash images, flipped bits, system calls, broken rules
    #[command(after_help = "Example: cargo xtask torture --only crash --seconds 3600 --seed 42")]
    Torture(torture::Options),
    /// The program for Linux and for Windows as archives with their sums; not part of `test`, because a cold build takes long
    #[command(after_help = "Example: cargo xtask dist --only windows --smoke")]
    Dist(dist::Options),
    /// The documentation, warnings refused, and the pictures of the READMEs
    #[command(after_help = "Example: cargo xtask docs")]
    Docs,
    /// Run one command and print its CPU time and peak memory as JSON (used by `bench`)
    #[command(hide = true)]
    Measure(bench::MeasureOptions),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match perform(arguments.chore) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn perform(chore: Chore) -> Result<ExitCode> {
    let root = repository_root()?;
    match chore {
        Chore::Setup => setup::install_missing(&root),
        Chore::Quick => Ok(chores::quick(&root)),
        Chore::Test => Ok(chores::test(&root)),
        Chore::Tidy => tidy::run(&root),
        Chore::Bench(options) => bench::run(&root, &options),
        Chore::Fonts { check } => fonts::run(check).map(|()| ExitCode::SUCCESS),
        Chore::Torture(options) => torture::run(&root, &options),
        Chore::Dist(options) => dist::run(&root, &options),
        Chore::Docs => Ok(chores::docs(&root)),
        Chore::Measure(options) => bench::measure_command(&options),
    }
}

/// The repository's top folder: the parent of this crate's, whatever the working directory is.
fn repository_root() -> Result<PathBuf> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = manifest.parent().context("xtask lies in a folder of the repository")?;
    Ok(root.to_path_buf())
}
