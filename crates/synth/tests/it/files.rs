//! Making exports in memory and reading their rows, in both shapes.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::rc::Rc;
use synth::{Hospital, Plan, Shape};

/// The files of one export by name.
pub type Files = BTreeMap<String, Vec<u8>>;

/// The plan of the fixtures.
pub fn small() -> Plan {
    Plan {
        patients: 60,
        date: jiff::civil::date(2026, 11, 20),
        seed: 1,
    }
}

/// Writes an export into memory.
pub fn export(plan: &Plan, shape: Shape) -> Files {
    let hospital = Hospital::new(plan).expect("plan within limits");
    let (files, summary) = export_hospital(&hospital, shape);
    for file in summary.files {
        assert_eq!(
            files.get(&file.name).map(Vec::len),
            Some(file.bytes as usize),
            "{}",
            file.name
        );
    }
    files
}

/// Writes the export of a hospital into memory.
pub fn export_hospital(hospital: &Hospital, shape: Shape) -> (Files, synth::Summary) {
    let made: Rc<RefCell<Files>> = Rc::default();
    let mut open = |name: &str| {
        made.borrow_mut().insert(name.to_owned(), Vec::new());
        Ok(Box::new(File {
            name: name.to_owned(),
            made: Rc::clone(&made),
        }) as Box<dyn Write>)
    };
    let summary = synth::export(hospital, shape, &mut open, &mut |_, _| {}).expect("memory can be written");
    let files = made.borrow().clone();
    (files, summary)
}

struct File {
    name: String,
    made: Rc<RefCell<Files>>,
}

impl Write for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.made
            .borrow_mut()
            .entry(self.name.clone())
            .or_default()
            .extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Decodes shape A; fails when a byte is no CP932.
pub fn old_text(bytes: &[u8]) -> String {
    let (text, bad) = encoding_rs::SHIFT_JIS.decode_without_bom_handling(bytes);
    assert!(!bad, "a byte is no CP932");
    text.into_owned()
}

/// Decodes shape B without its mark.
pub fn new_text(bytes: &[u8]) -> String {
    let text = String::from_utf8(bytes.to_vec()).expect("shape B is UTF-8");
    text.strip_prefix('\u{feff}')
        .expect("shape B begins with a byte order mark")
        .to_owned()
}

/// Rows of fields. Line ends inside fields come out as `\n`.
pub fn rows(text: &str, separator: char, newline: &str) -> Vec<Vec<String>> {
    assert!(text.ends_with(newline), "the last row is not ended");
    let (mut rows, mut row, mut field, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if separator == ',' && quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' if separator == ',' => quoted = !quoted,
            '\r' if newline == "\r\n" => assert_eq!(chars.peek(), Some(&'\n'), "CR without LF"),
            '\n' if !quoted => {
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            _ if c == separator && !quoted => row.push(std::mem::take(&mut field)),
            other => field.push(other),
        }
    }
    let width = rows.first().map_or(0, Vec::len);
    assert!(rows.iter().all(|row| row.len() == width), "rows of different width");
    rows
}

/// Rows of a file of shape A by the names in its header.
pub fn named_a(files: &Files, name: &str) -> Vec<BTreeMap<String, String>> {
    named(rows(&old_text(&files[name]), ',', "\r\n"))
}

/// Rows of a file of shape B by the names in its header.
pub fn named_b(files: &Files, name: &str) -> Vec<BTreeMap<String, String>> {
    named(plain_b(files, name))
}

/// Rows of a file of shape B as they stand.
pub fn plain_b(files: &Files, name: &str) -> Vec<Vec<String>> {
    let separator = if name.ends_with(".csv") { ',' } else { '\t' };
    rows(&new_text(&files[name]), separator, "\n")
}

fn named(mut rows: Vec<Vec<String>>) -> Vec<BTreeMap<String, String>> {
    let header = rows.remove(0);
    rows.into_iter()
        .map(|row| header.iter().cloned().zip(row).collect())
        .collect()
}
