//! What the first pass over a CSV export costs: `cargo run --release -p downtime --example table_index -- make PATIENTS DIR`, then
//! `index DIR MAPPING [TIMES]`: whose rows lie where, in raw CP932, nothing decoded but the day list. It prints rows and MB a CPU second.
//!
//! Deliberately without charts: turning the wanted rows into charts is the second pass, measured with the whole extract.
#![allow(clippy::disallowed_methods, clippy::print_stdout)]

use std::path::Path;

use anyhow::{Context, Result, bail};
use chart::Moment;
use downtime::sources::Scope;
use downtime::sources::table::{Config, Table};
use jiff::civil::date;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["make", patients, dir] => {
            let plan = synth::Plan {
                patients: patients.parse()?,
                date: date(2026, 11, 20),
                seed: 1,
            };
            synth::write(&plan, synth::Shape::A, Path::new(dir), &mut |_, _| {})?;
            Ok(())
        }
        ["index", dir, mapping] => index(Path::new(dir), Path::new(mapping), 1),
        ["index", dir, mapping, times] => index(Path::new(dir), Path::new(mapping), times.parse()?),
        _ => bail!("make PATIENTS DIR | index DIR MAPPING [TIMES]"),
    }
}

fn index(dir: &Path, mapping: &Path, times: u32) -> Result<()> {
    let config = Config::read(&std::fs::read_to_string(mapping)?)?;
    let table = Table::new(config, dir.to_owned())?;
    let scope = Scope {
        day: date(2026, 11, 20),
        thin_days: 14,
        now: Moment(1_795_132_800),
        wanted: None,
    };
    // Once before, so that the files are in the cache.
    let pass = table.first_pass(&scope)?;
    let before = cpu_seconds()?;
    for _ in 0..times {
        let again = table.first_pass(&scope)?;
        anyhow::ensure!(again == pass, "{again:?} is not {pass:?}");
    }
    let spent = (cpu_seconds()? - before) / f64::from(times);
    println!("{} rows of {} people, {} bytes", pass.rows, pass.people, pass.bytes);
    println!(
        "table.index {:.0} {:.0}",
        pass.rows as f64 / spent,
        pass.bytes as f64 / spent / 1e6
    );
    Ok(())
}

/// CPU seconds of this thread: other programs on the machine then do not count.
fn cpu_seconds() -> Result<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds: u64 = text.split(' ').next().context("schedstat")?.parse()?;
    Ok(nanoseconds as f64 / 1e9)
}
