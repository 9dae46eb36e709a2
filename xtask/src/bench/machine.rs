//! The machine a figure was measured on, in one line.
//!
//! It deliberately names no host and no user: figures are published.

use std::path::Path;
use std::process::Command;

use serde_json::json;

/// One JSON object: processor, cores, memory, kernel, compiler, load.
pub fn line(root: &Path) -> String {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let first_line = |path: &str| read(path).lines().next().unwrap_or("").trim().to_owned();
    json!({"machine": {
        "cpu": value_of(&read("/proc/cpuinfo"), "model name"),
        "cores": cores,
        "memory_mb": value_of(&read("/proc/meminfo"), "MemTotal").trim_end_matches(" kB").parse::<u64>().unwrap_or(0) / 1024,
        "kernel": first_line("/proc/sys/kernel/osrelease"),
        "load": first_line("/proc/loadavg").split(' ').next().unwrap_or(""),
        "rustc": output_of(Command::new("rustc").arg("--version").current_dir(root)),
        "commit": output_of(Command::new("git").args(["rev-parse", "--short", "HEAD"]).current_dir(root)),
    }})
    .to_string()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// The value of the first `key : value` line.
fn value_of(text: &str, key: &str) -> String {
    let line = text.lines().find(|line| line.starts_with(key)).unwrap_or("");
    line.split_once(':').map_or("", |(_, value)| value).trim().to_owned()
}

fn output_of(command: &mut Command) -> String {
    let output = command.output().map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&output).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_key() {
        assert_eq!(
            value_of("processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\n", "model name"),
            "Some CPU @ 2 GHz"
        );
        assert_eq!(value_of("", "model name"), "");
    }

    #[test]
    fn the_line_is_json() {
        let line: serde_json::Value = serde_json::from_str(&line(Path::new("."))).unwrap();
        assert!(line["machine"]["cores"].as_u64().unwrap() >= 1);
    }
}
