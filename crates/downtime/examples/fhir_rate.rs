//! How fast NDJSON becomes our borrowed types: `cargo run --release -p downtime --example fhir_rate [lines]`. Target: 1,000,000
//! small resources a second on one core. Beside it `serde_json` into a borrowed struct of six fields, which is the limit.
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
    let lines: usize = std::env::args().nth(1).map_or(Ok(1_000_000), |n| n.parse())?;
    let mut text = String::new();
    for n in 0..lines {
        let id = n % 5_000;
        text.push_str(&format!(
            r#"{{"resourceType":"Observation","id":"o{n}","status":"final","code":{{"text":"カリウム"}},"subject":{{"reference":"Patient/p{id}"}},"effectiveDateTime":"2026-11-13T08:40:00+09:00","valueQuantity":{{"value":3.50,"unit":"mEq/L"}}}}"#
        ));
        text.push('\n');
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
    println!("resources/s {:.0}", lines as f64 / ours);
    println!("MB/s {:.0}", megabytes / ours);
    println!("serde_json resources/s {:.0}", lines as f64 / limit);
    println!("serde_json MB/s {:.0}", megabytes / limit);
    Ok(())
}

/// CPU time of this process: others on the machine do not change it much.
fn cpu_seconds() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let behind = stat.rsplit_once(')').context("/proc/self/stat")?.1;
    let ticks = behind.split_whitespace().skip(11).take(2);
    let ticks: f64 = ticks.filter_map(|word| word.parse::<f64>().ok()).sum();
    Ok(ticks / 100.0)
}
