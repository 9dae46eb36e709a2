//! Sheets to print and PDFs to read, for the other tests.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use chart::Sheet;
use press::{Forms, Pdf, Press};

/// Every form.
pub const CODES: [&str; 32] = [
    "F01",
    "F02",
    "F03",
    "F04",
    "F04-R6.10",
    "F05",
    "F06",
    "F07",
    "F08",
    "F09",
    "F10",
    "F11",
    "F12",
    "F13",
    "F14",
    "F15",
    "F16",
    "F17",
    "F18",
    "F19",
    "F20",
    "F21",
    "F22",
    "F23",
    "F24",
    "F25",
    "F26",
    "F27",
    "F28",
    "F29",
    "F30",
    "F31",
];

/// One press for all tests: setting it up costs more than a sheet.
pub fn press() -> &'static Press {
    static PRESS: OnceLock<Press> = OnceLock::new();
    PRESS.get_or_init(|| Press::new(Forms::built_in().unwrap(), NonZeroUsize::new(2).unwrap()).unwrap())
}

/// The form's sample sheet.
pub fn sample(code: &str) -> Sheet {
    let form = press().forms().get(code).unwrap();
    serde_json::from_str(form.sample.as_deref().unwrap()).unwrap()
}

/// The sheet printed, and nothing odd about it.
pub fn print(sheet: &Sheet) -> Pdf {
    let pdf = press().sheet(sheet).unwrap();
    assert_eq!(pdf.instead, None);
    pdf
}

/// The repository's `forms` folder.
pub fn forms_folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../forms"))
}

/// What a tool says about the PDF, which it finds under its own name at `{}`.
pub fn tool(pdf: &Pdf, package: &str, command: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sheet.pdf");
    std::fs::write(&file, &pdf.bytes).unwrap();
    let file = file.to_str().unwrap();
    let arguments = command[1..]
        .iter()
        .map(|argument| if *argument == "{}" { file } else { argument });
    let done = Command::new(command[0]).args(arguments).output();
    let done = done.unwrap_or_else(|error| panic!("{} is needed ({error}): apt-get install {package}", command[0]));
    assert!(
        done.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
    done.stdout
}

/// The words on one page (from 1), with blanks and breaks left out: layout may part them, a reader does not.
pub fn words(pdf: &Pdf, page: usize) -> String {
    let page = page.to_string();
    let text = tool(
        pdf,
        "poppler-utils",
        &["pdftotext", "-raw", "-f", &page, "-l", &page, "{}", "-"],
    );
    squeeze(&String::from_utf8(text).unwrap())
}

/// All pages' words.
pub fn all_words(pdf: &Pdf) -> String {
    (1..=pdf.pages).map(|page| words(pdf, page)).collect()
}

/// Text without blanks, breaks and break marks.
pub fn squeeze(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_whitespace() && *c != '\u{200B}')
        .collect()
}

/// A page as pixels.
pub struct Picture {
    pub width: usize,
    pub height: usize,
    /// Red, green, blue.
    pub pixels: Vec<[u8; 3]>,
}

/// One page (from 1) as pixels.
pub fn picture(pdf: &Pdf, page: usize, dpi: u32) -> Picture {
    let (page, dpi) = (page.to_string(), dpi.to_string());
    let ppm = tool(
        pdf,
        "poppler-utils",
        &[
            "pdftoppm",
            "-r",
            &dpi,
            "-f",
            &page,
            "-l",
            &page,
            "-aa",
            "no",
            "-aaVector",
            "no",
            "{}",
        ],
    );
    // P6, width and height, 255, then bytes.
    let mut lines = ppm.splitn(4, |byte| *byte == b'\n');
    assert_eq!(lines.next().unwrap(), b"P6");
    let size = std::str::from_utf8(lines.next().unwrap())
        .unwrap()
        .split_once(' ')
        .unwrap();
    assert_eq!(lines.next().unwrap(), b"255");
    let pixels = lines
        .next()
        .unwrap()
        .chunks_exact(3)
        .map(|p| [p[0], p[1], p[2]])
        .collect();
    Picture {
        width: size.0.parse().unwrap(),
        height: size.1.parse().unwrap(),
        pixels,
    }
}
