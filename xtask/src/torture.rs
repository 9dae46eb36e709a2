//! `cargo xtask torture`: the proofs of the test suite with far more of everything, until a number or a time is reached.
//!
//! It deliberately holds no trial of its own: each is a test that also runs in the suite, told by `TORTURE…` variables to
//! try more. A failure names its seed; `--only NAME --seed N --images 1` is the same course of events again.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Result, bail};
use clap::Args;

use crate::counts::{self, Counts};
use crate::step::{Run, call_counting};

/// One proof.
struct Piece {
    name: &'static str,
    package: &'static str,
    /// The tests of the integration binary whose names begin with this.
    tests: &'static str,
    what: &'static str,
}

/// The next piece goes at the end.
const PIECES: [Piece; 15] = [
    Piece {
        name: "mutants",
        package: "vault",
        tests: "mutants::",
        what: "every rule of the journal broken once: is it noticed?",
    },
    Piece {
        name: "crash",
        package: "vault",
        tests: "crash::",
        what: "lives of a station with killed processes, power cuts, failed syncs and full disks",
    },
    Piece {
        name: "pairs",
        package: "vault",
        tests: "pairs::",
        what: "every pair of accidents, at every operation of a life and of the start that follows it",
    },
    Piece {
        name: "flips",
        package: "vault",
        tests: "flips::",
        what: "every bit and every length of a snapshot and of a journal segment of 64 KiB",
    },
    Piece {
        name: "swaps",
        package: "vault",
        tests: "swaps::",
        what: "whole pieces in another patient's, epoch's, hospital's or role's place",
    },
    Piece {
        name: "syscalls",
        package: "vault",
        tests: "faults::",
        what: "a real process killed or refused at every system call (needs strace)",
    },
    Piece {
        name: "parcels",
        package: "downtime",
        tests: "flips::",
        what: "every bit and every length of a parcel of records of 64 KiB",
    },
    Piece {
        name: "fuzz",
        package: "downtime",
        tests: "fuzz::",
        what: "mutated inputs for every parser of bytes from outside",
    },
    Piece {
        name: "fhir",
        package: "downtime",
        tests: "fhir::damage::",
        what: "changed bytes in FHIR files: no panic, and nobody else's chart is touched",
    },
    Piece {
        name: "merge",
        package: "downtime",
        tests: "merge::",
        what: "thirty stations apart, with wrong clocks, late and repeated parcels, one destroyed: the same day everywhere?",
    },
    Piece {
        name: "pile",
        package: "scan",
        tests: "pile::",
        what: "printed forms as bad scanners give them back: turned, skewed, blurred, stained, punched, in one bit: each to its own sheet?",
    },
    Piece {
        name: "prescriptions",
        package: "jahis",
        tests: "random::prescriptions_",
        what: "prescriptions as symbols, drawn, decoded by a reader that shares no code, and compared byte for byte",
    },
    Piece {
        name: "feeds",
        package: "downtime",
        tests: "feeds::",
        what: "a listener killed 200 times while senders send, its log on a disk that goes wrong at every operation: what was answered is there",
    },
    Piece {
        name: "hl7",
        package: "hl7",
        tests: "properties::",
        what: "mutated HL7 messages: read or refused, the index in agreement with the views",
    },
    Piece {
        name: "sim",
        package: "downtime",
        tests: "simulator::",
        what: "hospitals of replicas on a virtual line and virtual disks: lost, late, torn, copied, burnt: does everybody agree, is anything lost?",
    },
];

/// What to try, and how much.
#[derive(Args)]
pub struct Options {
    /// Crash images and mutated inputs to try at least
    #[arg(long, default_value_t = 1_000_000)]
    images: u64,
    /// Go on for so many seconds instead, in each piece that counts images
    #[arg(long)]
    seconds: Option<u64>,
    /// The first seed; another one tries other courses of events
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Only these pieces (may be repeated)
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
}

/// Runs the pieces one after the other; the first that fails ends it.
pub fn run(root: &Path, options: &Options) -> Result<ExitCode> {
    let known = |name: &String| PIECES.iter().any(|piece| piece.name == name);
    if let Some(stranger) = options.only.iter().find(|name| !known(name)) {
        let names: Vec<_> = PIECES.iter().map(|piece| piece.name).collect();
        bail!(
            "there is no piece \"{stranger}\"; nothing was run; there are: {}",
            names.join(", ")
        );
    }
    println!("seed {}", options.seed);
    let mut run = Run::begin();
    for piece in &PIECES {
        if options.only.is_empty() || options.only.iter().any(|name| name == piece.name) {
            run.step(piece.name, || perform(root, piece, options));
        }
    }
    Ok(run.finish(true))
}

fn perform(root: &Path, piece: &Piece, options: &Options) -> Result<Counts> {
    println!("{}", piece.what);
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .current_dir(root)
        .args([
            "test",
            "--release",
            "--locked",
            "--package",
            piece.package,
            "--test",
            "it",
            "--",
        ])
        .args([piece.tests, "--nocapture", "--test-threads=1"])
        .env("TORTURE", "1")
        .env("TORTURE_IMAGES", options.images.to_string())
        .env("TORTURE_SECONDS", options.seconds.unwrap_or(0).to_string())
        .env("TORTURE_SEED", options.seed.to_string());
    let counted = call_counting(&mut command, counts::cargo_line)?;
    if counted == Counts::default() {
        bail!(
            "no test is named {}…: a proof that does not run proves nothing",
            piece.tests
        );
    }
    Ok(counted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_has_a_name_of_its_own() {
        let mut names: Vec<_> = PIECES.iter().map(|piece| piece.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), PIECES.len());
    }
}
