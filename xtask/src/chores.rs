//! The chores that are chains of other tools: `quick`, `test` and `docs`.
//!
//! It deliberately uses one Cargo profile per chore: Typst takes minutes to build, so `test` builds everything in
//! release once and every later step reuses it.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::counts::{self, Counts};
use crate::step::{Run, call, call_counting};
use crate::{fonts, setup, tidy};

/// The crates that build without Typst: what `quick` looks at.
const SMALL_CRATES: [&str; 6] = ["chart", "vault", "synth", "downtime", "desk", "xtask"];

/// The check for every few minutes of work; under two minutes once its dependencies are built.
pub fn quick(root: &Path) -> ExitCode {
    let mut run = Run::begin();
    run.step("format", || call(cargo(root).args(["fmt", "--all", "--check"])))
        .step("tidy", || tidy::check_and_print(root))
        .step("clippy (small crates)", || {
            call(cargo(root).arg("clippy").args(small_crates()).args([
                "--all-targets",
                "--locked",
                "--",
                "-D",
                "warnings",
            ]))
        })
        .step("unit tests (small crates)", || {
            let mut command = cargo(root);
            command.arg("test").args(small_crates());
            // Without the integration tests: some of them want the release profile to be quick.
            command.args(["--lib", "--bins", "--locked", "--no-fail-fast"]);
            call_counting(&mut command, counts::cargo_line)
        });
    run.finish(true)
}

/// Everything CI runs, cheapest first.
pub fn test(root: &Path) -> ExitCode {
    let mut run = Run::begin();
    run.step("setup", || setup::ensure(root))
        .step("format", || call(cargo(root).args(["fmt", "--all", "--check"])))
        .step("tidy", || tidy::check_and_print(root))
        .step("fonts", || fonts::run(true).map(|()| Counts::default()))
        .step("licences, bans, sources", || {
            call(cargo(root).args([
                "deny",
                "--locked",
                "check",
                "--hide-inclusion-graph",
                "bans",
                "licenses",
                "sources",
            ]))
        })
        .step("clippy", || {
            let arguments = [
                "clippy",
                "--release",
                "--workspace",
                "--all-targets",
                "--locked",
                "--",
                "-D",
                "warnings",
            ];
            call(cargo(root).args(arguments))
        })
        .step("tests", || {
            let mut command = cargo(root);
            command.args(["test", "--release", "--workspace", "--locked", "--no-fail-fast"]);
            call_counting(&mut command, counts::cargo_line)
        })
        .step("tests (ODBC)", || {
            let mut command = cargo(root);
            // With the workspace's features, so that only `database` is built once more.
            command.args([
                "test",
                "--release",
                "--workspace",
                "--locked",
                "--features",
                "database/odbc",
                "--test",
                "odbc",
            ]);
            call_counting(&mut command, counts::cargo_line)
        })
        .step("documentation", || call(&mut rustdoc(root, &["--release"])))
        .step("program", || {
            // With the features of the tests: it is there already. Without them everything below it would be built once more.
            call(cargo(root).args(["build", "--release", "--workspace", "--all-targets", "--locked"]))
        })
        .step("browser tests", || browser_tests(root));
    run.finish(true)
}

/// The crates' documentation with warnings refused, and the pictures of the READMEs from the program as it is now.
pub fn docs(root: &Path) -> ExitCode {
    let mut run = Run::begin();
    run.step("documentation", || call(&mut rustdoc(root, &[])))
        .step("program", || {
            call(cargo(root).args(["build", "--release", "--workspace", "--locked"]))
        })
        .step("pictures", || {
            let folder = root.join("tests").join("browser");
            let mut command = Command::new("node");
            command.current_dir(&folder).arg("pictures.mjs");
            call(command.env("TOMOSHIBI_TARGET", target_folder(root)))
        });
    let code = run.finish(false);
    println!(
        "Read it: {}",
        target_folder(root)
            .join("doc")
            .join("tomoshibi")
            .join("index.html")
            .display()
    );
    code
}

/// Where Cargo puts its output, as the environment may have moved it.
pub fn target_folder(root: &Path) -> std::path::PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |folder| root.join(folder))
}

fn browser_tests(root: &Path) -> Result<Counts> {
    let folder = root.join("tests").join("browser");
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .with_context(|| format!("{} cannot be listed", folder.display()))?
        .filter_map(|entry| entry.ok().map(|entry| entry.file_name().to_string_lossy().into_owned()))
        .filter(|name| name.ends_with(".test.mjs"))
        .collect();
    files.sort();
    let mut command = Command::new("node");
    // One file at a time: each starts a browser, and two of them on two cores only time each other out.
    command
        .current_dir(&folder)
        .args(["--test", "--test-reporter=tap", "--test-concurrency=1"])
        .args(files);
    command.env("TOMOSHIBI_TARGET", target_folder(root));
    call_counting(&mut command, counts::tap_line)
}

fn rustdoc(root: &Path, profile: &[&str]) -> Command {
    let mut command = cargo(root);
    command
        .args([
            "doc",
            "--workspace",
            "--no-deps",
            "--document-private-items",
            "--locked",
        ])
        .args(profile);
    command.env("RUSTDOCFLAGS", "-D warnings -A rustdoc::private_intra_doc_links");
    command
}

fn small_crates() -> Vec<&'static str> {
    SMALL_CRATES.iter().flat_map(|name| ["-p", name]).collect()
}

fn cargo(root: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    command
}
