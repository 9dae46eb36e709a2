//! Prints a sheet from its JSON: `cargo run -p press --example print -- forms/F01/sample.json out.pdf`.
//!
//! For whoever writes a form: change `form.typ`, run, look. A third argument names a forms directory of one's own.

use std::num::NonZeroUsize;
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(sheet), Some(pdf)) = (arguments.next(), arguments.next()) else {
        return Err("usage: print SHEET.json OUT.pdf [FORMS-DIRECTORY]".into());
    };
    let (forms, complaints) = match arguments.next() {
        Some(directory) => press::Forms::with_directory(Path::new(&directory))?,
        None => (press::Forms::built_in()?, Vec::new()),
    };
    complaints.iter().for_each(|complaint| eprintln!("{complaint}"));
    let sheet: chart::Sheet = serde_json::from_str(&std::fs::read_to_string(sheet)?)?;
    let printed = press::Press::new(forms, NonZeroUsize::MIN)?.sheet(&sheet)?;
    if let Some(reason) = printed.instead {
        eprintln!("{reason}");
    }
    if let Some(warning) = printed.warning {
        eprintln!("{warning}");
    }
    std::fs::write(pdf, printed.bytes)?;
    println!("{} pages", printed.pages);
    Ok(())
}
