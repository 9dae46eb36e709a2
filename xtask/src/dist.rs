//! `cargo xtask dist`: what a hospital is given: the program for Linux and for Windows, each as one archive with its sums.
//!
//! Deliberately not part of `cargo xtask test`: a cold build for another system costs as much as the whole test run. The archives are
//! the same bytes whenever they are made from the same programs; the programs are the same when path and toolchain are.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::chores::target_folder;
use crate::counts::Counts;
use crate::setup::{Tool, debian_packages};
use crate::step::{Run, call};

mod archive;
mod smoke;

/// What to make.
#[derive(Args)]
pub struct Options {
    /// Only this system; both without it.
    #[arg(long, value_enum)]
    only: Option<System>,
    /// Take the programs that were built before.
    #[arg(long)]
    no_build: bool,
    /// Also run the Windows program under wine: seal, open, serve, print, the service.
    #[arg(long)]
    smoke: bool,
}

/// A system that the program is made for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum System {
    Linux,
    Windows,
}

const TOOLS: [Tool; 2] = [
    Tool {
        program: "x86_64-w64-mingw32-gcc",
        package: "gcc-mingw-w64-x86-64",
        why: "links the program for Windows",
    },
    Tool {
        program: "zip",
        package: "zip",
        why: "packs it",
    },
];

/// Libraries that Windows itself has. Anything else would have to come with the program, and does not.
const OF_WINDOWS: [&str; 23] = [
    "kernel32.dll",
    "kernelbase.dll",
    "ntdll.dll",
    "advapi32.dll",
    "bcrypt.dll",
    "bcryptprimitives.dll",
    "crypt32.dll",
    "cryptbase.dll",
    "msvcrt.dll",
    "ws2_32.dll",
    "user32.dll",
    "userenv.dll",
    "shell32.dll",
    "ole32.dll",
    "combase.dll",
    "oleaut32.dll",
    "secur32.dll",
    "psapi.dll",
    "ucrtbase.dll",
    "rpcrt4.dll",
    "iphlpapi.dll",
    "shlwapi.dll",
    "synchronization.dll",
];

impl System {
    const ALL: [Self; 2] = [Self::Linux, Self::Windows];

    const fn triple(self) -> &'static str {
        match self {
            Self::Linux => "x86_64-unknown-linux-gnu",
            Self::Windows => "x86_64-pc-windows-gnu",
        }
    }

    /// As releases name it.
    const fn machine(self) -> &'static str {
        match self {
            Self::Linux => "x86_64-linux",
            Self::Windows => "x86_64-windows",
        }
    }

    const fn program(self) -> &'static str {
        match self {
            Self::Linux => "tomoshibi",
            Self::Windows => "tomoshibi.exe",
        }
    }

    const fn strip(self) -> &'static str {
        match self {
            Self::Linux => "strip",
            Self::Windows => "x86_64-w64-mingw32-strip",
        }
    }

    fn built(self, target: &Path) -> PathBuf {
        target.join(self.triple()).join("release").join(self.program())
    }
}

/// Builds, checks, packs and, where asked, tries.
pub fn run(root: &Path, options: &Options) -> Result<ExitCode> {
    let target = target_folder(root);
    let out = target.join("dist");
    let version = version(root)?;
    let systems: Vec<System> = System::ALL
        .into_iter()
        .filter(|system| options.only.is_none_or(|only| only == *system))
        .collect();
    let mut run = Run::begin();
    run.step("tools", || debian_packages(&TOOLS).map(|()| Counts::default()));
    for system in &systems {
        if !options.no_build {
            run.step(step_name(*system, "build"), || build(root, *system));
        }
        run.step(step_name(*system, "check"), || check(&target, *system, &version));
        run.step(step_name(*system, "pack"), || {
            pack(root, &target, &out, *system, &version).map(|()| Counts::default())
        });
    }
    run.step("sums", || archive::sums(&out).map(|()| Counts::default()));
    if options.smoke {
        run.step("smoke (wine)", || {
            smoke::run(&target, &System::Windows.built(&target), &version)
        });
    }
    let code = run.finish(options.smoke);
    println!("The archives: {}", out.display());
    Ok(code)
}

const fn step_name(system: System, what: &'static str) -> &'static str {
    match (system, what.as_bytes()) {
        (System::Linux, b"build") => "build (Linux)",
        (System::Linux, b"check") => "check (Linux)",
        (System::Linux, _) => "pack (Linux)",
        (System::Windows, b"build") => "build (Windows)",
        (System::Windows, b"check") => "check (Windows)",
        (System::Windows, _) => "pack (Windows)",
    }
}

/// The workspace's version, and the commit where Git knows it.
pub struct Version {
    number: String,
    commit: String,
    /// When it was made, in seconds since 1970: of the commit, so that the same commit gives the same archive.
    made: u64,
}

fn version(root: &Path) -> Result<Version> {
    let text = fs::read_to_string(root.join("Cargo.toml"))?;
    let manifest: toml::Table = text.parse().context("Cargo.toml")?;
    let number = manifest
        .get("workspace")
        .and_then(|workspace| workspace.get("package")?.get("version")?.as_str())
        .context("the workspace has no version")?;
    let git = |arguments: &[&str]| -> Option<String> {
        let done = Command::new("git").current_dir(root).args(arguments).output().ok()?;
        done.status
            .success()
            .then(|| String::from_utf8_lossy(&done.stdout).trim().to_owned())
    };
    let changed = git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|text| !text.is_empty());
    let commit = git(&["rev-parse", "HEAD"]).unwrap_or_else(|| "unknown".to_owned());
    let made = git(&["log", "-1", "--format=%ct"]).and_then(|text| text.parse().ok());
    Ok(Version {
        number: number.to_owned(),
        commit: if changed {
            format!("{commit} with changes")
        } else {
            commit
        },
        made: made.unwrap_or(0),
    })
}

/// Without the features of the tests: what hospitals run holds no simulated disk.
fn build(root: &Path, system: System) -> Result<Counts> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    let library = Command::new("rustc")
        .current_dir(root)
        .args(["--print", "target-libdir", "--target", system.triple()])
        .output()?;
    let library = PathBuf::from(String::from_utf8_lossy(&library.stdout).trim());
    if !library.is_dir() {
        let fetched = Command::new("rustup")
            .current_dir(root)
            .args(["target", "add", system.triple()])
            .status();
        ensure!(
            fetched.is_ok_and(|status| status.success()),
            "the Rust library for {0} is not installed and could not be fetched; run: rustup target add {0}",
            system.triple()
        );
    }
    command.args([
        "build",
        "--release",
        "--workspace",
        "--bin",
        "tomoshibi",
        "--locked",
        "--target",
    ]);
    call(command.arg(system.triple()))
}

/// The program is for that system, says its version where it can run, and needs nothing that the system has not.
fn check(target: &Path, system: System, version: &Version) -> Result<Counts> {
    let program = system.built(target);
    ensure!(program.is_file(), "{} is missing: build it first", program.display());
    match system {
        System::Linux => {
            let said = Command::new(&program).arg("--version").output()?;
            let said = String::from_utf8_lossy(&said.stdout).trim().to_owned();
            ensure!(
                said == format!("tomoshibi {}", version.number),
                "it calls itself {said:?}"
            );
        }
        System::Windows => {
            let done = Command::new("x86_64-w64-mingw32-objdump")
                .arg("-p")
                .arg(&program)
                .output()?;
            let text = String::from_utf8_lossy(&done.stdout).into_owned();
            ensure!(
                text.contains("pei-x86-64"),
                "{} is no program for Windows",
                program.display()
            );
            let strangers: Vec<&str> = imported(&text).filter(|name| !is_of_windows(name)).collect();
            if !strangers.is_empty() {
                bail!("it needs libraries that Windows has not: {}", strangers.join(", "));
            }
        }
    }
    Ok(Counts::default())
}

fn imported(objdump: &str) -> impl Iterator<Item = &str> {
    objdump
        .lines()
        .filter_map(|line| line.trim().strip_prefix("DLL Name:").map(str::trim))
}

fn is_of_windows(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    OF_WINDOWS.contains(&name.as_str()) || name.starts_with("api-ms-win-")
}

/// One folder with program, documents and sums, and one archive of it.
fn pack(root: &Path, target: &Path, out: &Path, system: System, version: &Version) -> Result<()> {
    let name = format!("tomoshibi-{}-{}", version.number, system.machine());
    let folder = out.join(&name);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(folder.join("docs"))?;
    let program = folder.join(system.program());
    fs::copy(system.built(target), &program)?;
    let stripped = Command::new(system.strip()).arg("--strip-debug").arg(&program).status();
    ensure!(
        stripped.is_ok_and(|status| status.success()),
        "{} did not work",
        system.strip()
    );
    for document in ["README.md", "README.ja.md", "LICENSE", "CHANGELOG.md", "SECURITY.md"] {
        fs::copy(root.join(document), folder.join(document)).with_context(|| document.to_owned())?;
    }
    archive::copy_tree(
        &root.join("docs").join("operating"),
        &folder.join("docs").join("operating"),
    )?;
    let stamp = format!(
        "tomoshibi {}\ncommit {}\n{}\n",
        version.number,
        version.commit,
        system.triple()
    );
    fs::write(folder.join("VERSION"), stamp)?;
    archive::sums(&folder)?;
    let packed = match system {
        System::Linux => archive::tar_gz(out, &name, version.made)?,
        System::Windows => archive::zip(out, &name, version.made)?,
    };
    println!("{} ({} bytes)", packed.display(), fs::metadata(&packed)?.len());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_that_windows_has_not_are_found() {
        let said = "\tDLL Name: KERNEL32.dll\n\tDLL Name: libgcc_s_seh-1.dll\n  DLL Name: api-ms-win-core-synch-l1-2-0.dll\nvma: x";
        let strangers: Vec<&str> = imported(said).filter(|name| !is_of_windows(name)).collect();
        assert_eq!(strangers, ["libgcc_s_seh-1.dll"]);
    }
}
