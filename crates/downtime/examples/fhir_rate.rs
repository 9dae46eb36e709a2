//! How fast NDJSON becomes our borrowed types: `cargo run --release -p downtime --example fhir_rate [lines]`. Target: 1,000,000
//! small resources a second on one core. Beside it `serde_json` into a borrowed struct of six fields, and only looking whether a line is
//! JSON at all. `fhir_rate write FILE` writes lines for readers in other languages instead.
//!
//! Deliberately without files and charts: what following references and making charts costs is measured with the whole extract.
#![allow(clippy::disallowed_methods, clippy::print_stdout)]

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

#[derive(Deserialize)]
struct Small<'a> {
    #[serde(rename = "resourceType")]
    resource_type: &'a str,
    id: &'a str,
    status: &'a str,
    #[serde(borrow)]
    code: Code<'a>,
    #[serde(rename = "effectiveDateTime")]
    effective: &'a str,
    #[serde(rename = "valueQuantity")]
    quantity: Quantity<'a>,
}

#[derive(Deserialize)]
struct Code<'a> {
    text: &'a str,
}

#[derive(Deserialize)]
struct Quantity<'a> {
    value: f64,
    unit: &'a str,
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (lines, file) = match arguments.next().as_deref() {
        None => (1_000_000, None),
        Some("write") => (1_000, arguments.next()),
        Some(lines) => (lines.parse()?, None),
    };
    let mut text = String::new();
    for n in 0..lines {
        let id = n % 5_000;
        text.push_str(&format!(
            r#"{{"resourceType":"Observation","id":"o{n}","status":"final","code":{{"text":"カリウム"}},"subject":{{"reference":"Patient/p{id}"}},"effectiveDateTime":"2026-11-13T08:40:00+09:00","valueQuantity":{{"value":3.50,"unit":"mEq/L"}}}}"#
        ));
        text.push('\n');
    }
    if let Some(file) = file {
        // For readers in other languages.
        return Ok(std::fs::write(file, text)?);
    }
    let megabytes = text.len() as f64 / 1e6;
    let before = cpu_seconds()?;
    let (read, refused) = downtime::sources::fhir::read_lines(&text);
    let ours = cpu_seconds()? - before;
    ensure!((read, refused) == (lines as u64, 0), "{read} read, {refused} refused");
    let before = cpu_seconds()?;
    let mut seen = 0_usize;
    for line in text.lines() {
        let it: Small<'_> = serde_json::from_str(line)?;
        let short = [
            it.resource_type,
            it.id,
            it.status,
            it.code.text,
            it.effective,
            it.quantity.unit,
        ];
        seen += usize::from(it.quantity.value > 0.0 && short.iter().all(|field| !field.is_empty()));
    }
    let limit = cpu_seconds()? - before;
    ensure!(seen == lines, "{seen} seen");
    let before = cpu_seconds()?;
    let mut seen = 0_usize;
    for line in text.lines() {
        let raw: &serde_json::value::RawValue = serde_json::from_str(line)?;
        seen += usize::from(raw.get().len() == line.len());
    }
    let raw = cpu_seconds()? - before;
    ensure!(seen == lines, "{seen} looked at");
    for (name, spent) in [
        ("fhir.read", ours),
        ("serde_json.six-fields", limit),
        ("serde_json.raw", raw),
    ] {
        println!("{name} {:.0} {:.0}", lines as f64 / spent, megabytes / spent);
    }
    Ok(())
}

/// CPU seconds of this thread: others on the machine do not change it much.
fn cpu_seconds() -> Result<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds: u64 = text.split(' ').next().context("schedstat")?.parse()?;
    Ok(nanoseconds as f64 / 1e9)
}
