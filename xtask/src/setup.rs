//! What the checks need beyond Rust and a C compiler: Debian packages, cargo-deny and the browser tests' npm packages.
//!
//! It deliberately installs only what is missing, only from Debian's own archive, crates.io and the npm registry (with
//! the committed lock file), and without root it changes nothing: it names the command a person can run.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};

use crate::counts::Counts;
use crate::step::call;

/// The version the checks are written for; `--locked` builds it from its own lock file.
const CARGO_DENY_VERSION: &str = "0.20.2";

/// Playwright's floor.
const NODE_MAJOR_AT_LEAST: u32 = 20;

/// A program and the Debian package it comes in, with the reason to want it.
pub struct Tool {
    /// As it is called, or where it lies.
    pub program: &'static str,
    /// Debian's package.
    pub package: &'static str,
    /// What for, in a sentence without its subject.
    pub why: &'static str,
}

const TOOLS: [Tool; 22] = [
    Tool {
        program: "pdftoppm",
        package: "poppler-utils",
        why: "reads the printed forms back (text, fonts, pixels)",
    },
    Tool {
        program: "zbarimg",
        package: "zbar-tools",
        why: "reads bar codes back from printed pages",
    },
    Tool {
        program: "age",
        package: "age",
        why: "opens our backups and makes files that we open, in the tests of backups",
    },
    Tool {
        program: "strace",
        package: "strace",
        why: "kills and refuses a real process at its system calls, in the tests of the journal",
    },
    Tool {
        program: "ip",
        package: "iproute2",
        why: "lays the wires between the stations of a test, and cuts them",
    },
    Tool {
        program: "unshare",
        package: "util-linux",
        why: "gives each of them a network of its own",
    },
    Tool {
        program: "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
        package: "libfaketime",
        why: "is the wrong clock of a station in those tests",
    },
    Tool {
        program: "/usr/sbin/ippeveprinter",
        package: "cups-ipp-utils",
        why: "is the printer in the tests of printing",
    },
    Tool {
        program: "openssl",
        package: "openssl",
        why: "makes the certificates of the printers in the tests of printing",
    },
    Tool {
        program: "dbus-daemon",
        package: "dbus-daemon",
        why: "that printer starts only where there is a message bus; the tests give it a private one",
    },
    Tool {
        program: "chromium",
        package: "chromium",
        why: "shows the screens in the browser tests",
    },
    Tool {
        program: "node",
        package: "nodejs",
        why: "runs the browser tests",
    },
    Tool {
        program: "python3",
        package: "python3-venv",
        why: "runs a sender that others wrote, in the tests of the feeds",
    },
    Tool {
        program: "pg_ctlcluster",
        package: "postgresql",
        why: "is the database in the tests of the source sql",
    },
    Tool {
        program: "/usr/sbin/mariadbd",
        package: "mariadb-server",
        why: "is the other one",
    },
    Tool {
        program: "/usr/include/sql.h",
        package: "unixodbc-dev",
        why: "is linked by the tests of databases through ODBC",
    },
    Tool {
        program: "isql",
        package: "unixodbc",
        why: "finds the drivers in those tests",
    },
    Tool {
        program: "/usr/share/psqlodbc/odbcinst.ini.template",
        package: "odbc-postgresql",
        why: "is a driver in those tests",
    },
    Tool {
        program: "/usr/share/doc/libsqliteodbc/copyright",
        package: "libsqliteodbc",
        why: "is another one",
    },
    Tool {
        program: "/usr/include/openssl/ssl.h",
        package: "libssl-dev",
        why: "is linked by the server of SQL Server's vendor, in tests only",
    },
    Tool {
        program: "pkg-config",
        package: "pkg-config",
        why: "finds it",
    },
    Tool {
        program: "npm",
        package: "npm",
        why: "fetches playwright-core, axe-core and a sender for the tests of the feeds",
    },
];

/// `cargo xtask setup`.
pub fn install_missing(root: &Path) -> Result<ExitCode> {
    ensure(root)?;
    println!("Everything the checks need is here. Next: cargo xtask quick, cargo xtask test");
    Ok(ExitCode::SUCCESS)
}

/// Installs what is missing, or says exactly what is and how to get it.
pub fn ensure(root: &Path) -> Result<Counts> {
    debian_packages(&TOOLS)?;
    node_is_new_enough()?;
    cargo_deny(root)?;
    npm_packages(root, "browser")?;
    npm_packages(root, "feeds")?;
    python_packages(root)?;
    message_peers(root, &crate::chores::target_folder(root))?;
    Ok(Counts::default())
}

/// Installs the packages of those that are missing, or says which are and how to get them.
pub fn debian_packages(tools: &[Tool]) -> Result<()> {
    let missing = missing_tools(tools, &|program| found_on_path(program));
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().map(|tool| tool.package).collect();
    for tool in &missing {
        println!("missing: {} (package {}): {}", tool.program, tool.package, tool.why);
    }
    if !found_on_path("apt-get") {
        bail!(
            "These programs are missing and this machine has no apt-get. Nothing was installed. \
             Install by your system's own means: {}",
            packages.join(" ")
        );
    }
    if !is_root() {
        bail!(
            "These programs are missing and installing them needs root. Nothing was installed. Run this, then try again:\n\n    \
             sudo apt-get update && sudo apt-get install --no-install-recommends {}\n",
            packages.join(" ")
        );
    }
    apt_get(&["update"])?;
    for package in packages {
        // One by one: some builds of nodejs bring npm with them and refuse Debian's npm beside it.
        let still_missing = tools
            .iter()
            .any(|tool| tool.package == package && !found_on_path(tool.program));
        if still_missing {
            apt_get(&["install", "-y", "--no-install-recommends", package])?;
        }
    }
    Ok(())
}

fn apt_get(arguments: &[&str]) -> Result<()> {
    call(
        Command::new("apt-get")
            .arg("-q")
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive"),
    )?;
    Ok(())
}

fn node_is_new_enough() -> Result<()> {
    let output = Command::new("node")
        .arg("--version")
        .output()
        .context("node could not be started")?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    match node_major(&version) {
        Some(major) if major >= NODE_MAJOR_AT_LEAST => Ok(()),
        _ => bail!(
            "The browser tests need node {NODE_MAJOR_AT_LEAST} or newer, and this machine has {version}. \
             Nothing was changed. Install a newer node (nodejs.org, or a newer Debian), then try again."
        ),
    }
}

fn cargo_deny(root: &Path) -> Result<()> {
    if runs(Command::new("cargo").current_dir(root).args(["deny", "--version"])) {
        return Ok(());
    }
    println!("cargo-deny is missing: building it once (some minutes); it is kept in Cargo's own bin folder");
    // The debug profile: it checks a few hundred packages, so build time is what counts.
    call(Command::new("cargo").current_dir(root).args([
        "install",
        "cargo-deny",
        "--locked",
        "--debug",
        "--version",
        CARGO_DENY_VERSION,
    ]))
    .context(
        "cargo-deny could not be built. Licences, banned crates and sources cannot be checked without it. \
         With access to crates.io, run: cargo install cargo-deny --locked",
    )?;
    Ok(())
}

fn npm_packages(root: &Path, tests: &str) -> Result<()> {
    let folder = root.join("tests").join(tests);
    let wanted = folder.join("package-lock.json");
    // npm writes this file last; it is older than our lock file exactly when the packages are not up to date.
    let installed = folder.join("node_modules").join(".package-lock.json");
    if modified(&installed).is_some_and(|have| modified(&wanted).is_some_and(|want| have >= want)) {
        return Ok(());
    }
    call(
        Command::new("npm")
            .current_dir(&folder)
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]),
    )
    .with_context(|| {
        format!(
            "The packages of tests/{tests} could not be fetched. Their versions are in tests/{tests}/package-lock.json; \
             with access to the npm registry, run: npm ci (in tests/{tests})"
        )
    })?;
    Ok(())
}

/// The sender of python-hl7, in an environment of its own beside the tests.
fn python_packages(root: &Path) -> Result<()> {
    let folder = root.join("tests").join("feeds");
    let wanted = folder.join("requirements.txt");
    let installed = folder.join(".venv").join("bin").join("mllp_send");
    if modified(&installed).is_some_and(|have| modified(&wanted).is_some_and(|want| have >= want)) {
        return Ok(());
    }
    let why = "The sender for the tests of the feeds could not be fetched. Its version is in tests/feeds/requirements.txt; with \
               access to PyPI, run in tests/feeds: python3 -m venv --clear .venv && .venv/bin/pip install --require-hashes \
               --no-deps -r requirements.txt (on Debian, venv comes in the package python3-venv)";
    call(
        Command::new("python3")
            .current_dir(&folder)
            .args(["-m", "venv", "--clear", ".venv"]),
    )
    .context(why)?;
    call(Command::new(folder.join(".venv/bin/pip")).current_dir(&folder).args([
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--require-hashes",
        "--no-deps",
        "--requirement",
        "requirements.txt",
    ]))
    .context(why)?;
    Ok(())
}

/// The folder of the sender and parser that others wrote for node, installed.
pub fn feed_clients(root: &Path) -> Result<PathBuf> {
    npm_packages(root, "feeds")?;
    Ok(root.join("tests").join("feeds"))
}

/// A Python with others' readers of HL7 and FHIR, in exactly the versions of `xtask/peers/messages.txt`; made once.
pub fn message_peers(root: &Path, target: &Path) -> Result<PathBuf> {
    let wanted = root.join("xtask").join("peers").join("messages.txt");
    let environment = target.join("peers-messages");
    let (python, installed) = (environment.join("bin").join("python"), environment.join("messages.txt"));
    let text = std::fs::read(&wanted).with_context(|| wanted.display().to_string())?;
    if std::fs::read(&installed).is_ok_and(|there| there == text) {
        return Ok(python);
    }
    let why = "The Python packages of xtask/peers/messages.txt could not be fetched. With access to PyPI (and on Debian the package \
               python3-venv), try again";
    call(
        Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&environment),
    )
    .context(why)?;
    let pip = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--disable-pip-version-check",
        "-r",
    ];
    call(Command::new(&python).args(pip).arg(&wanted)).context(why)?;
    std::fs::write(&installed, text).context("the note of what is installed")?;
    Ok(python)
}

fn missing_tools<'a>(tools: &'a [Tool], found: &dyn Fn(&str) -> bool) -> Vec<&'a Tool> {
    tools.iter().filter(|tool| !found(tool.program)).collect()
}

fn found_on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).trim() == "0")
}

fn node_major(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}

fn runs(command: &mut Command) -> bool {
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn modified(path: &Path) -> Option<std::time::SystemTime> {
    std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_programs_are_named_with_their_packages() {
        let missing = missing_tools(&TOOLS, &|program| ["node", "npm", "chromium"].contains(&program));
        let packages: Vec<_> = missing.iter().map(|tool| tool.package).collect();
        assert_eq!(
            packages,
            [
                "poppler-utils",
                "zbar-tools",
                "age",
                "strace",
                "iproute2",
                "util-linux",
                "libfaketime",
                "cups-ipp-utils",
                "openssl",
                "dbus-daemon",
                "python3-venv",
                "postgresql",
                "mariadb-server",
                "unixodbc-dev",
                "unixodbc",
                "odbc-postgresql",
                "libsqliteodbc",
                "libssl-dev",
                "pkg-config"
            ]
        );
        assert!(missing_tools(&TOOLS, &|_| true).is_empty());
    }

    #[test]
    fn node_versions_are_read() {
        assert_eq!(node_major("v20.20.2"), Some(20));
        assert_eq!(node_major("v18.20.4"), Some(18));
        assert_eq!(node_major("bash: node: not found"), None);
    }

    #[test]
    fn a_program_that_does_not_exist_is_not_found() {
        assert!(found_on_path("sh"));
        assert!(!found_on_path("no-such-program-here"));
    }
}
