//! Sheets by the quick way and by Typst, to be looked at side by side:
//! `cargo run -p press --example quickly -- QUICK.pdf TYPST.pdf [SHEET.json …]`, the sample of F02 if none is given.

use std::num::NonZeroUsize;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (Some(quick), Some(typst)) = (arguments.first(), arguments.get(1)) else {
        return Err("QUICK.pdf TYPST.pdf [SHEET.json …]".into());
    };
    let press = press::Press::new(press::Forms::built_in()?, NonZeroUsize::MIN)?;
    let sample = press.forms().get("F02")?.sample.clone().ok_or("F02 has no sample")?;
    let mut sheets: Vec<chart::Sheet> = Vec::new();
    for path in arguments.iter().skip(2) {
        sheets.push(serde_json::from_str(&std::fs::read_to_string(path)?)?);
    }
    if sheets.is_empty() {
        sheets.push(serde_json::from_str(&sample)?);
    }
    for (number, sheet) in sheets.iter().enumerate() {
        println!("{number}: {}", if press.is_quick(sheet) { "quick" } else { "Typst" });
    }
    press.pack(sheets.clone(), |_| (), std::fs::File::create(quick)?)?;
    press
        .without_quick()
        .pack(sheets, |_| (), std::fs::File::create(typst)?)?;
    Ok(())
}
