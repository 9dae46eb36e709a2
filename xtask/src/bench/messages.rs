//! HL7 messages: how many a core indexes, and how many a hub takes durably over MLLP.
//!
//! The figures are printed by the examples `speed` of `hl7` and `feed_load` of `downtime`; this runs them and picks. Peers written in other
//! languages (python-hl7, node-hl7-client) were measured by hand: docs/decisions/0021-hl7.md.

use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{Ground, Measured, median_of};

/// Messages a second of CPU time with every delimiter indexed, beside counting one delimiter with memchr.
pub fn index(ground: &Ground<'_>) -> Result<Vec<Measured>> {
    let figure = |name: &str| median_of(ground.runs, || printed("hl7", "speed", &["1"], name));
    Ok(vec![Measured::beside(figure("index.full")?, figure("memchr.limit")?)])
}

/// Durably answered messages a second over so many connections, beside bare appends of one block with fdatasync after each.
pub fn durable(ground: &Ground<'_>, connections: &str) -> Result<Vec<Measured>> {
    let folder = ground.scratch.join("feed").display().to_string();
    let arguments = [connections, "3", folder.as_str()];
    let figure = |name: &str| median_of(ground.runs, || printed("downtime", "feed_load", &arguments, name));
    let messages = figure(&format!("mllp.durable.{connections}"))?;
    Ok(vec![Measured::beside(messages, figure("fdatasync.bare")?)])
}

/// The first number behind a name on a line that an example prints.
fn printed(package: &str, example: &str, arguments: &[&str], name: &str) -> Result<f64> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let run = Command::new(cargo)
        .args([
            "run",
            "--release",
            "--quiet",
            "--locked",
            "--package",
            package,
            "--example",
            example,
            "--",
        ])
        .args(arguments)
        .output()
        .context("cargo run")?;
    if !run.status.success() {
        bail!("the example {example} failed: {}", String::from_utf8_lossy(&run.stderr));
    }
    let text = String::from_utf8_lossy(&run.stdout);
    number(&text, name).with_context(|| format!("the example {example} did not print {name}"))
}

fn number(text: &str, name: &str) -> Option<f64> {
    let mut lines = text.lines().map(|line| line.split(' '));
    lines.find_map(|mut words| (words.next() == Some(name)).then(|| words.next()?.parse().ok())?)
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn a_figure_is_found_by_its_whole_name() {
        let text = "index.full 879828 747\nmllp.durable.8 2360 messages/s, median 2.35 ms\n";
        assert_eq!(number(text, "index.full"), Some(879_828.0));
        assert_eq!(number(text, "mllp.durable.8"), Some(2_360.0));
        assert_eq!(number(text, "index"), None);
    }
}
