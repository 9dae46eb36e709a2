//! An unknown file as it looks: encoding, headings, and for every column a few values and what they could be.
//!
//! Nothing is concluded here; guesses are made in `start`.

use std::collections::BTreeMap;
use std::path::Path;

use super::config::Limits;
use super::files::Files;
use super::reading::Reading;
use super::sheet::{self, Sheet, SheetFault};
use super::spec::DateForm;
use super::take::short;
use super::value;

/// Rows looked at.
const SAMPLE_ROWS: u64 = 2_000;
/// Columns shown of one file.
const MAX_SHOWN: usize = 200;

/// One file as it looks.
pub struct Seen {
    /// File name.
    pub name: String,
    /// Its encoding, as the configuration calls it.
    pub charset: &'static str,
    /// Between columns.
    pub delimiter: u8,
    /// True where it is an answer held in memory: how it is written is ours and no setting.
    pub held: bool,
    /// True when the first row holds headings.
    pub header: bool,
    /// Rows looked at.
    pub rows: u64,
    /// Its columns.
    pub columns: Vec<SeenColumn>,
}

/// One column as it looks.
#[derive(Default)]
pub struct SeenColumn {
    /// Heading, or empty.
    pub heading: String,
    /// Rows with something in it.
    pub filled: u64,
    /// A few values.
    pub examples: Vec<String>,
    /// Values with their counts, as long as they are few.
    pub counts: BTreeMap<String, u64>,
    /// Values that are dates.
    pub dates: u64,
    /// Values that are times of day.
    pub times: u64,
    /// The value of the last row that has one.
    pub last: Option<String>,
}

/// Looks at the beginning of a file on disk.
///
/// # Errors
/// What is wrong with it, for people.
pub fn look(path: &Path) -> Result<Seen, String> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("?");
    let dir = path.parent().unwrap_or_else(|| Path::new("."));
    look_at(&Files::Folder(dir.to_owned()), name)
}

/// Looks at the beginning of one of these files.
///
/// # Errors
/// What is wrong with it, for people.
pub fn look_at(files: &Files, name: &str) -> Result<Seen, String> {
    let wrong = |what: &str| format!("{name}: {what}");
    let bare = Reading {
        header: Some(false),
        ..Reading::default()
    };
    let mut sheet = Sheet::open(files, name, &bare, &Limits::default()).map_err(|fault| match fault {
        SheetFault::Unreadable(why) => wrong(&format!("読めません（{why}）")),
        SheetFault::Empty => wrong("空（0バイト）です"),
        SheetFault::Heading => wrong("最初の行を読めません"),
    })?;
    sheet.settle_columns(None).map_err(|_| wrong("読めません"))?;
    let mut seen = Seen {
        charset: sheet.charset.code(),
        delimiter: sheet.marks.delimiter,
        held: files.are_held(),
        header: true,
        rows: 0,
        columns: Vec::new(),
        name: name.to_owned(),
    };
    // Ours have headings whoever asks.
    let mut first: Vec<String> = sheet.headings.clone();
    let room = first.len().min(MAX_SHOWN);
    seen.columns.resize_with(room, SeenColumn::default);
    let read = sheet::each_row(&sheet, |_, text, columns| {
        if first.is_empty() {
            first = (0..columns.count())
                .map(|at| columns.get(text, at).unwrap_or_default().trim().to_owned())
                .collect();
            seen.columns
                .resize_with(first.len().min(MAX_SHOWN), SeenColumn::default);
            return true;
        }
        seen.rows += 1;
        for (at, column) in seen.columns.iter_mut().enumerate() {
            column.note(columns.get(text, at).unwrap_or_default().trim());
        }
        seen.rows < SAMPLE_ROWS
    });
    read.map_err(|e| wrong(&format!("読めません（{e}）")))?;
    seen.header = seen.held || is_heading(&first);
    for (column, text) in seen.columns.iter_mut().zip(&first) {
        if seen.header {
            column.heading.clone_from(text);
        } else {
            let last = column.last.take();
            column.note(text);
            column.last = last.or(column.last.take());
        }
    }
    Ok(seen)
}

/// A first row is a heading when nothing in it is a number or a date and nothing stands twice.
fn is_heading(first: &[String]) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let data = first
        .iter()
        .any(|text| number(text) || value::date(text, DateForm::Auto).is_ok());
    let filled = first.iter().filter(|text| !text.is_empty()).count();
    !data && filled * 2 > first.len()
}

impl SeenColumn {
    fn note(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.filled += 1;
        self.last = Some(text.to_owned());
        self.dates += u64::from(value::date(text, DateForm::Auto).is_ok());
        self.times += u64::from(value::time(text).is_some());
        if self.counts.len() <= 12 {
            *self.counts.entry(text.to_owned()).or_default() += 1;
        }
        if self.examples.len() < 3 {
            let shown = short(text).replace(['\n', '\r'], " ");
            if !self.examples.contains(&shown) {
                self.examples.push(shown);
            }
        }
    }

    /// The heading without width, case and blanks.
    #[must_use]
    pub fn key(&self) -> String {
        use unicode_normalization::UnicodeNormalization;
        self.heading
            .nfkc()
            .filter(|c| !c.is_whitespace())
            .flat_map(char::to_lowercase)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_are_told_from_data() {
        let row = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        assert!(is_heading(&row(&["患者番号", "氏名", "生年月日"])));
        assert!(!is_heading(&row(&["00012345", "山田", "19510512"])));
    }
}
