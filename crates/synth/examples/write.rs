//! Writes the invented hospital without the program: `cargo run -p synth --example write -- SHAPE PATIENTS BEDS DIR`.
//! The date and the seed are those of the fixtures.

use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [shape, patients, beds, dir] = args.as_slice() else {
        return Err("SHAPE PATIENTS BEDS DIR".into());
    };
    let plan = synth::Plan {
        patients: patients.parse()?,
        date: jiff::civil::date(2026, 11, 20),
        seed: 1,
    };
    let shape = synth::Shape::named(shape).ok_or("no such shape")?;
    let hospital = synth::Hospital::new(&plan)?.with_beds(beds.parse()?);
    if dir == "-" {
        // Only counted: how long it takes, and how many bytes it is.
        let mut open = |_: &str| Ok(Box::new(std::io::sink()) as Box<dyn std::io::Write>);
        let summary = synth::export(&hospital, shape, &mut open, &mut |_, _| {})?;
        let bytes: u64 = summary.files.iter().map(|file| file.bytes).sum();
        let rows: u64 = summary.files.iter().map(|file| file.rows).sum();
        println!("{rows} rows, {bytes} bytes");
        return Ok(());
    }
    let summary = synth::write_hospital(&hospital, shape, Path::new(dir), &mut |_, _| {})?;
    for file in summary.files {
        println!("{:>9} {:>11} {}", file.rows, file.bytes, file.name);
    }
    Ok(())
}
