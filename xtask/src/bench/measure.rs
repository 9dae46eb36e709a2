//! What a process costs: CPU time of its whole tree and peak memory.
//!
//! It deliberately contains no unsafe code. A command that ends is run by a small process of its own (`xtask measure`),
//! which then asks the system for the usage of its children: exact to the microsecond, and the peak is this command's
//! alone. A server that goes on running is read from `/proc`, to the 10 ms the kernel counts there.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde::{Deserialize, Serialize};

/// How long a command's helpers may outlive it.
const ORPHANS_END_WITHIN: std::time::Duration = std::time::Duration::from_secs(20);

/// Which command to run and where to write what it cost.
#[derive(Args)]
pub struct MeasureOptions {
    /// The file that receives the JSON object
    #[arg(long)]
    out: PathBuf,
    /// The command with its arguments
    #[arg(trailing_var_arg = true, required = true)]
    command: Vec<String>,
}

/// The cost of one command that has ended.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Cost {
    /// From start to end.
    pub wall_seconds: f64,
    /// User and system time of the command and everything it started, also what it did not wait for.
    pub cpu_seconds: f64,
    /// The largest resident size any one of these processes had.
    pub peak_megabytes: f64,
}

/// Runs a command to its end and tells what it cost and what it printed. Fails if the command fails.
pub fn finished(program: &str, arguments: &[&str], scratch: &Path) -> Result<(Cost, String)> {
    finished_with(program, arguments, scratch, &[])
}

/// The same with variables of its environment.
pub fn finished_with(
    program: &str,
    arguments: &[&str],
    scratch: &Path,
    variables: &[(&str, &str)],
) -> Result<(Cost, String)> {
    let record = scratch.join("cost.json");
    let ourselves = std::env::current_exe().context("this program's own path")?;
    let mut command = Command::new(ourselves);
    command
        .arg("measure")
        .arg("--out")
        .arg(&record)
        .arg("--")
        .arg(program)
        .args(arguments)
        .envs(variables.iter().copied());
    let output = command.stdin(Stdio::null()).output().context("xtask measure")?;
    if !output.status.success() {
        bail!("`{program}` failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let text = std::fs::read_to_string(&record).with_context(|| format!("{} cannot be read", record.display()))?;
    let cost = serde_json::from_str(&text).context("what `xtask measure` wrote")?;
    Ok((cost, String::from_utf8_lossy(&output.stdout).into_owned()))
}

/// CPU seconds (user + sys) of every child process this process has waited for so far: the difference around one child
/// is that child's, to the microsecond.
pub fn cpu_seconds_of_ended_children() -> Result<f64> {
    cost_of_children().map(|cost| cost.cpu_seconds)
}

/// CPU seconds (user + sys) of the calling thread so far.
#[cfg(target_os = "linux")]
pub fn cpu_seconds_of_this_thread() -> Result<f64> {
    use nix::sys::resource::{UsageWho, getrusage};
    let usage = getrusage(UsageWho::RUSAGE_THREAD).context("the usage of a thread")?;
    Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
}

/// CPU seconds (user + sys) of the calling thread so far.
#[cfg(not(target_os = "linux"))]
pub fn cpu_seconds_of_this_thread() -> Result<f64> {
    bail!("the CPU time of a thread can be measured on Linux only")
}

/// The inside of `xtask measure`: alone in its process, because it waits for every child there is.
pub fn run_and_record(options: &MeasureOptions) -> Result<ExitCode> {
    adopt_orphans()?;
    record(options, wait_for_orphans)
}

fn record(options: &MeasureOptions, wait_for_rest: impl Fn(&str) -> Result<()>) -> Result<ExitCode> {
    let Some((program, arguments)) = options.command.split_first() else {
        bail!("no command to measure")
    };
    let begun = Instant::now();
    let status = Command::new(program)
        .args(arguments)
        .status()
        .with_context(|| format!("`{program}` cannot be started"))?;
    let wall_seconds = begun.elapsed().as_secs_f64();
    wait_for_rest(program)?;
    if !status.success() {
        bail!("`{program}` ended with {status}");
    }
    let cost = Cost {
        wall_seconds,
        ..cost_of_children()?
    };
    std::fs::write(&options.out, serde_json::to_string(&cost)?)
        .with_context(|| format!("{} cannot be written", options.out.display()))?;
    Ok(ExitCode::SUCCESS)
}

/// What the command leaves behind becomes a child of this process: a browser's helpers do most of its work, and it does not wait for them.
#[cfg(target_os = "linux")]
fn adopt_orphans() -> Result<()> {
    nix::sys::prctl::set_child_subreaper(true).context("to be the parent of what the command leaves behind")
}

/// Nothing can be adopted, nor measured.
#[cfg(not(target_os = "linux"))]
fn adopt_orphans() -> Result<()> {
    Ok(())
}

/// Waits until the last of them has ended, so that its time counts.
#[cfg(unix)]
fn wait_for_orphans(program: &str) -> Result<()> {
    use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
    let begun = Instant::now();
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Err(nix::errno::Errno::ECHILD) => return Ok(()),
            Err(error) => return Err(error).context("waiting for what the command left behind"),
            Ok(WaitStatus::StillAlive) if begun.elapsed() > ORPHANS_END_WITHIN => {
                bail!("`{program}` ended but left processes running: what they cost is not known")
            }
            Ok(WaitStatus::StillAlive) => std::thread::sleep(std::time::Duration::from_millis(5)),
            Ok(_) => {}
        }
    }
}

/// Nothing was adopted.
#[cfg(not(unix))]
fn wait_for_orphans(_: &str) -> Result<()> {
    Ok(())
}

#[cfg(unix)]
#[allow(clippy::cast_precision_loss, reason = "kilobytes far below 2^52")]
fn cost_of_children() -> Result<Cost> {
    use nix::sys::resource::{UsageWho, getrusage};
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).context("the usage of child processes")?;
    Ok(Cost {
        wall_seconds: 0.0,
        cpu_seconds: seconds(usage.user_time()) + seconds(usage.system_time()),
        // Linux counts in kilobytes.
        peak_megabytes: usage.max_rss() as f64 / 1024.0,
    })
}

#[cfg(unix)]
#[allow(clippy::cast_precision_loss, reason = "seconds and microseconds far below 2^52")]
fn seconds(time: nix::sys::time::TimeVal) -> f64 {
    time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6
}

#[cfg(not(unix))]
fn cost_of_children() -> Result<Cost> {
    bail!("CPU time can be measured on Linux only")
}

/// CPU seconds (user + sys) used so far by a running process and all its descendants, ended ones included.
pub fn cpu_seconds_of_tree(pid: u32) -> Result<f64> {
    let mut lines = Vec::new();
    for entry in std::fs::read_dir("/proc").context("/proc cannot be listed: measuring needs Linux")? {
        let Ok(entry) = entry else { continue };
        let is_process = entry.file_name().to_string_lossy().bytes().all(|b| b.is_ascii_digit());
        // A process may end between listing and reading.
        if is_process && let Ok(text) = std::fs::read_to_string(entry.path().join("stat")) {
            lines.extend(parse_stat(&text));
        }
    }
    let mut tree = vec![pid];
    let mut ticks = 0_u64;
    let mut seen = 0_usize;
    while let Some(&member) = tree.get(seen) {
        seen += 1;
        tree.extend(lines.iter().filter(|line| line.parent == member).map(|line| line.pid));
        ticks += lines
            .iter()
            .filter(|line| line.pid == member)
            .map(|line| line.ticks)
            .sum::<u64>();
    }
    if !lines.iter().any(|line| line.pid == pid) {
        bail!("the process {pid} is gone");
    }
    // USER_HZ, the unit of /proc/*/stat, is 100 on every Linux this builds for.
    #[allow(clippy::cast_precision_loss, reason = "hundredths of seconds far below 2^52")]
    Ok(ticks as f64 / 100.0)
}

/// The largest resident size a running process has had so far (megabytes).
pub fn peak_megabytes_of(pid: u32) -> Result<f64> {
    let text =
        std::fs::read_to_string(format!("/proc/{pid}/status")).with_context(|| format!("the process {pid} is gone"))?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .context("no VmHWM line: measuring needs Linux")?;
    let kilobytes: f64 = line
        .trim()
        .trim_end_matches("kB")
        .trim()
        .parse()
        .context("the VmHWM line")?;
    Ok(kilobytes / 1024.0)
}

struct StatLine {
    pid: u32,
    parent: u32,
    ticks: u64,
}

/// Reads `/proc/PID/stat`: the name in brackets may hold anything, so fields are counted from its last bracket.
fn parse_stat(text: &str) -> Option<StatLine> {
    let pid = text.split(' ').next()?.parse().ok()?;
    let fields: Vec<&str> = text.get(text.rfind(')')? + 1..)?.split_whitespace().collect();
    let parent = fields.get(1)?.parse().ok()?;
    // utime, stime, cutime, cstime: fields 14 to 17 of proc(5), of which three lie before the bracket's end.
    let ticks = fields
        .get(11..15)?
        .iter()
        .map(|field| field.parse::<u64>().unwrap_or(0))
        .sum();
    Some(StatLine { pid, parent, ticks })
}

/// Builds an example and tells where it is.
pub fn example(package: &str, name: &str) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args([
            "build",
            "--release",
            "--quiet",
            "--locked",
            "--package",
            package,
            "--example",
            name,
        ])
        .status()
        .context("cargo build")?;
    if !built.success() {
        bail!("the example `{name}` of {package} cannot be built");
    }
    let ourselves = std::env::current_exe().context("this program's own path")?;
    let target = ourselves
        .parent()
        .and_then(Path::parent)
        .context("Cargo's output folder")?;
    Ok(target.join("release").join("examples").join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_lines_with_odd_names_are_read() {
        let line = parse_stat("42 (a ) b) S 7 42 42 0 -1 4194304 100 0 0 0 10 20 3 4 20 0 1 0 100 1000 10\n").unwrap();
        assert_eq!((line.pid, line.parent, line.ticks), (42, 7, 37));
        assert!(parse_stat("").is_none() && parse_stat("x").is_none() && parse_stat("1 (x) S 2").is_none());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn our_own_process_has_used_time_and_memory() {
        let pid = std::process::id();
        assert!(cpu_seconds_of_tree(pid).unwrap() >= 0.0);
        assert!(peak_megabytes_of(pid).unwrap() > 0.5);
        assert!(cpu_seconds_of_tree(u32::MAX).is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_a_command_leaves_behind_counts() {
        const INSIDE: &str = "XTASK_MEASURE_INTO";
        // The shell ends at once; what it started goes on counting for a while.
        let script = "(i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done) >/dev/null 2>&1 &";
        if let Some(out) = std::env::var_os(INSIDE) {
            let command = ["sh", "-c", script].map(str::to_owned).to_vec();
            let out = out.into();
            run_and_record(&MeasureOptions { out, command }).unwrap();
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("cost.json");
        // In a process of its own: it takes every child that ends, and other tests have children.
        let inside = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "bench::measure::tests::what_a_command_leaves_behind_counts"])
            .env(INSIDE, &out)
            .output()
            .unwrap();
        assert!(inside.status.success(), "{}", String::from_utf8_lossy(&inside.stdout));
        let cost: Cost = serde_json::from_str(&std::fs::read_to_string(out).unwrap()).unwrap();
        assert!(cost.cpu_seconds > 0.05, "{cost:?}");
    }

    #[cfg(unix)]
    #[test]
    fn a_command_that_works_costs_cpu_time() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("cost.json");
        let script = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done";
        let command = ["sh", "-c", script].map(str::to_owned).to_vec();
        let nothing_more = |_: &str| Ok(());
        let options = MeasureOptions {
            out: out.clone(),
            command,
        };
        record(&options, nothing_more).unwrap();
        let cost: Cost = serde_json::from_str(&std::fs::read_to_string(out).unwrap()).unwrap();
        assert!(cost.cpu_seconds > 0.0 && cost.peak_megabytes > 0.1 && cost.wall_seconds > 0.0);
        let failing = MeasureOptions {
            out: folder.path().join("none"),
            command: vec!["false".to_owned()],
        };
        assert!(record(&failing, nothing_more).is_err());
    }
}
