//! Really printed sheets, each with a number and a patient of its own, and their pages as pictures.

use std::num::NonZeroUsize;
use std::process::Command;
use std::sync::OnceLock;

use chart::{FormId, PatientCheck, Sheet, SheetCode};
use press::{Forms, Press};
use scan::Picture;

/// Forms whose two codes stand in opposite corners.
pub const TWO_CODES: [&str; 3] = ["F01", "F02", "F06"];

pub fn press() -> &'static Press {
    static PRESS: OnceLock<Press> = OnceLock::new();
    PRESS.get_or_init(|| Press::new(Forms::built_in().unwrap(), NonZeroUsize::new(2).unwrap()).unwrap())
}

/// The form's sample with the number and patient of this sequence.
pub fn sheet(form: &str, sequence: u32) -> Sheet {
    let sample = press().forms().get(form).unwrap().sample.clone().unwrap();
    let mut sheet: Sheet = serde_json::from_str(&sample).unwrap();
    sheet.form_id = number(sequence).to_string();
    if let Some(strip) = &mut sheet.strip {
        strip.id_code = format!("{:08}", 123_456 + sequence);
    }
    sheet
}

pub fn number(sequence: u32) -> FormId {
    FormId::issue(jiff::civil::date(2026, 11, 20), 90, sequence).unwrap()
}

/// What the code of this page must say.
pub fn code(sheet: &Sheet, page: usize, pages: usize) -> SheetCode {
    let patient = sheet.strip.as_ref().map_or("", |strip| strip.id_code.as_str());
    SheetCode {
        form: sheet.form.clone(),
        form_id: FormId::parse(&sheet.form_id).unwrap(),
        page: u8::try_from(page).unwrap(),
        pages: u8::try_from(pages).unwrap(),
        patient: PatientCheck::of(patient),
    }
}

/// Pages of a PDF in grey, by poppler: another renderer than ours.
pub fn by_poppler(pdf: &[u8], dpi: u32) -> Vec<Picture> {
    let folder = tempfile::tempdir().unwrap();
    let (file, stem) = (folder.path().join("in.pdf"), folder.path().join("page"));
    std::fs::write(&file, pdf).unwrap();
    let done = Command::new("pdftoppm")
        .args(["-gray", "-r", &dpi.to_string()])
        .args([&file, &stem])
        .status();
    let done = done.unwrap_or_else(|error| panic!("pdftoppm is needed ({error}): apt-get install poppler-utils"));
    assert!(done.success());
    let mut names: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    names.retain(|path| path.extension().is_some_and(|end| end == "pgm"));
    names.sort();
    names.iter().map(|path| pgm(&std::fs::read(path).unwrap())).collect()
}

/// P5, width and height, 255, then bytes.
fn pgm(bytes: &[u8]) -> Picture {
    let mut lines = bytes.splitn(4, |byte| *byte == b'\n');
    assert_eq!(lines.next().unwrap(), b"P5");
    let size = std::str::from_utf8(lines.next().unwrap()).unwrap();
    let (width, height) = size.split_once(' ').unwrap();
    assert_eq!(lines.next().unwrap(), b"255");
    Picture::new(
        width.parse().unwrap(),
        height.parse().unwrap(),
        lines.next().unwrap().to_vec(),
    )
    .unwrap()
}

/// Pages of a file by the product's own decoders.
pub fn by_scan(bytes: Vec<u8>) -> Vec<Picture> {
    let mut out = Vec::new();
    scan::pages(bytes, |_, page| out.push(page.unwrap())).unwrap();
    out
}
