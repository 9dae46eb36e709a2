//! How fast is a morning: `cargo run --release -p press --example morning -- 600 2 [OUT.pdf] [short] [typst]` prints so many F02 on so many
//! threads; with `short` the last note is short, so that a chart has one page, not two; with `typst` all of them are
//! set by Typst, to compare. With `json` nothing is set: the same sheets go to OUT as lines of JSON, each with the text of its QR code, for
//! other typesetters to set (`xtask/peers`).
//!
//! Every patient differs in name, number, drugs and note, or Typst's cache would answer instead of the press.

#![allow(clippy::disallowed_methods, reason = "a stopwatch, not part of the program")]

use std::num::NonZeroUsize;
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default: usize| arguments.get(at).map_or(Ok(default), |text| text.parse());
    let (patients, threads) = (number(0, 600)?, NonZeroUsize::try_from(number(1, 2)?)?);
    let started = Instant::now();
    let mut press = press::Press::new(press::Forms::built_in()?, threads)?;
    let said = |wanted: &str| arguments.iter().any(|word| word == wanted);
    let repeats = if said("short") { 1 } else { 4 };
    if said("typst") {
        press = press.without_quick();
    }
    let sample = press.forms().get("F02")?.sample.clone().ok_or("F02 has no sample")?;
    let sample: chart::Sheet = serde_json::from_str(&sample)?;
    println!("set up       {:>9.1} ms", started.elapsed().as_secs_f64() * 1e3);
    // One that no pack has.
    let single = varied(&sample, patients, repeats);
    if !said("typst") && !press.is_quick(&single) {
        return Err("the single sheet is not one that is set quickly".into());
    }
    for run in ["first sheet", "warm sheet"] {
        let started = Instant::now();
        press.sheet(&single)?;
        println!("{run:<12} {:>9.1} ms", started.elapsed().as_secs_f64() * 1e3);
    }
    let out: Box<dyn std::io::Write> = match arguments
        .get(2)
        .filter(|word| !["short", "typst", "json"].contains(&word.as_str()))
    {
        Some(path) => Box::new(std::fs::File::create(path)?),
        None => Box::new(std::io::sink()),
    };
    if said("json") {
        return written_as_json((0..patients).map(|i| varied(&sample, i, repeats)), out);
    }
    let started = Instant::now();
    let report = press.pack((0..patients).map(|i| varied(&sample, i, repeats)), |_| (), out)?;
    let seconds = started.elapsed().as_secs_f64();
    let (pages, megabytes) = (report.printed.pages, report.bytes as f64 / 1e6);
    println!(
        "pack         {patients} sheets, {pages} pages, {megabytes:.1} MB, {seconds:.2} s = {:.0} pages/s",
        pages as f64 / seconds
    );
    println!("page         {:.0} bytes", report.bytes as f64 / pages as f64);
    Ok(())
}

fn varied(sample: &chart::Sheet, i: usize, repeats: usize) -> chart::Sheet {
    let mut sheet = sample.clone();
    if let Some(strip) = sheet.strip.as_mut() {
        let letters: Vec<char> = "青赤白黒金銀銅鉄木火土水日月星空海山川森".chars().collect();
        let letter = |n: usize| letters.get(n % letters.len()).copied().unwrap_or('山');
        strip.name = format!("{}{}　{}{}", letter(i), letter(i / 20), letter(i / 3), letter(i / 7));
        strip.id = format!("{:04} {:04}", i / 10_000 % 10_000, i % 10_000);
        strip.id_code = strip.id.replace(' ', "");
    }
    let body = &mut sheet.body;
    if let Some(drugs) = body.pointer_mut("/drugs/items").and_then(|items| items.as_array_mut()) {
        drugs.rotate_left(i % 6);
        drugs.truncate(1 + i % 9);
        drugs
            .iter_mut()
            .for_each(|drug| drug["days"] = format!("{}日分", 7 + i % 84).into());
    }
    if let Some(sections) = body
        .pointer_mut("/last_note/sections")
        .and_then(|sections| sections.as_array_mut())
    {
        sections.iter_mut().for_each(|section| {
            let text = format!("{}（{i}）", section["text"].as_str().unwrap_or_default());
            section["text"] = text.repeat(1 + i % repeats).into();
        });
    }
    if repeats == 1 {
        for (list, most) in [("/results/items", 4), ("/last_note/sections", 2)] {
            if let Some(list) = body.pointer_mut(list).and_then(|list| list.as_array_mut()) {
                list.truncate(most);
            }
        }
    }
    sheet
}

fn written_as_json(
    sheets: impl Iterator<Item = chart::Sheet>,
    out: impl std::io::Write,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut out = std::io::BufWriter::new(out);
    for sheet in sheets {
        let id_code = sheet.strip.as_ref().map_or("", |strip| strip.id_code.as_str());
        let code = chart::SheetCode {
            form: sheet.form.clone(),
            form_id: chart::FormId::parse(&sheet.form_id).ok_or("a sheet without a number")?,
            page: 1,
            pages: 1,
            patient: chart::PatientCheck::of(id_code),
        };
        let code = code.text().ok_or("a code that cannot be written")?;
        serde_json::to_writer(&mut out, &serde_json::json!({ "code": code, "sheet": sheet }))?;
        std::io::Write::write_all(&mut out, b"\n")?;
    }
    Ok(std::io::Write::flush(&mut out)?)
}
