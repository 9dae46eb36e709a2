//! One file of an export, opened: its encoding, marks, headings and where its rows begin.
//!
//! Opening reads the beginning of the file only. What the columns mean is not known here.

use std::collections::BTreeMap;
use std::io::{Seek, SeekFrom};

use chart::Moment;
use unicode_normalization::UnicodeNormalization;

use super::config::Limits;
use super::decode::{self, Charset};
use super::files::{Files, Input, Outside, Place};
use super::marks::{Marks, Unit};
use super::reading::{Delimiter, EncodingName, Quote, Reading};
use super::scan::{Bounds, Scanner, Step};
use super::spec::Column;
use super::split::{Columns, Split};

/// Rows looked at to find out how many columns a file without headings has.
const SAMPLE_ROWS: usize = 64;

/// How files that are held in memory are written, whatever the mapping says of the hospital's.
const HELD: Reading = Reading {
    encoding: Some(EncodingName::Utf8),
    delimiter: Some(Delimiter::Byte(b',')),
    quote: Some(Quote::Byte(b'"')),
    header: Some(true),
    skip_lines: Some(0),
};

/// An opened file.
#[derive(Debug, Clone)]
pub struct Sheet {
    /// Where it lies.
    pub place: Place,
    /// Its name.
    pub name: String,
    /// Bytes when it was opened.
    pub size: u64,
    /// Time of change on disk, whole seconds.
    pub modified: Option<Moment>,
    /// Its encoding.
    pub charset: Charset,
    /// Its marks.
    pub marks: Marks,
    /// Headings; empty for files without.
    pub headings: Vec<String>,
    /// Columns of a row: fewest and most that are believed.
    pub columns: Option<(usize, usize)>,
    /// Where the rows begin: byte and line.
    pub body: (u64, u64),
    /// Limits for its rows.
    pub bounds: Bounds,
}

/// Why a file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SheetFault {
    /// Cannot be opened or read; the system's own words.
    Unreadable(String),
    /// 0 bytes.
    Empty,
    /// The heading row cannot be taken apart.
    Heading,
}

/// Why a column cannot be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoColumn {
    /// No heading of this name; these look alike.
    Unknown(Vec<String>),
    /// The heading stands at these positions.
    Twice(Vec<usize>),
    /// A name was given, but the file has no headings.
    NoHeadings,
    /// A position beyond the last column.
    Beyond(usize),
}

impl Sheet {
    /// Opens a file and reads its beginning.
    ///
    /// # Errors
    /// [`SheetFault`].
    pub fn open(files: &Files, name: &str, reading: &Reading, limits: &Limits) -> Result<Self, SheetFault> {
        let reading = if files.are_held() { &HELD } else { reading };
        let place = files.place(name).map_err(SheetFault::Unreadable)?;
        let about = place.outside().map_err(unreadable)?;
        let mut file = place.open().map_err(unreadable)?;
        if !about.is_file {
            return Err(SheetFault::Unreadable("ファイルではありません".to_owned()));
        }
        if about.size == 0 {
            return Err(SheetFault::Empty);
        }
        let (charset, skip) =
            decode::detect(&mut file, reading.encoding.unwrap_or(EncodingName::Auto)).map_err(unreadable)?;
        let mut sheet = Self {
            place,
            name: name.to_owned(),
            size: about.size,
            modified: about.modified,
            charset,
            marks: Marks {
                delimiter: b',',
                quote: match reading.quote {
                    None => Some(b'"'),
                    Some(Quote::None) => None,
                    Some(Quote::Byte(byte)) => Some(byte),
                },
                unit: Unit::Byte,
            },
            headings: Vec::new(),
            columns: None,
            body: (skip, 1),
            bounds: Bounds {
                row_bytes: limits.row_bytes,
                row_lines: limits.row_lines,
                columns: None,
            },
        };
        sheet.marks.unit = sheet.unit(b',');
        sheet.skip_lines(reading.skip_lines.unwrap_or(0))?;
        sheet.marks.delimiter = match reading.delimiter {
            Some(Delimiter::Byte(byte)) => byte,
            Some(Delimiter::Auto) | None => sheet.guess_delimiter()?,
        };
        sheet.marks.unit = sheet.unit(sheet.marks.delimiter);
        if reading.header.unwrap_or(true) {
            sheet.read_headings()?;
        }
        Ok(sheet)
    }

    /// Settles how many columns a row has; `configured` wins over headings, headings over what most rows have.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn settle_columns(&mut self, configured: Option<usize>) -> Result<(), SheetFault> {
        let usual = self.usual_columns()?;
        let expected = configured.or_else(|| (!self.headings.is_empty()).then_some(self.headings.len()));
        self.columns = match (expected, usual) {
            (Some(expected), Some(usual)) => Some((expected, usual.max(expected))),
            (Some(expected), None) => Some((expected, expected)),
            (None, usual) => usual.map(|usual| (usual, usual)),
        };
        self.bounds.columns = self.columns;
        Ok(())
    }

    /// Reads the rows from the first one on.
    ///
    /// # Errors
    /// When the file cannot be opened any more.
    pub fn scanner(&self) -> std::io::Result<Scanner<Input>> {
        let mut file = self.place.open()?;
        file.seek(SeekFrom::Start(self.body.0))?;
        Ok(Scanner::new(
            file,
            self.marks,
            self.bounds,
            self.body.0,
            self.body.1,
            self.size,
        ))
    }

    /// The place of a column, counted from 0.
    ///
    /// # Errors
    /// [`NoColumn`].
    pub fn place(&self, column: &Column) -> Result<usize, NoColumn> {
        let name = match column {
            Column::Position(at) => {
                return match self.columns {
                    Some((_, most)) if *at > most => Err(NoColumn::Beyond(most)),
                    _ => Ok(at - 1),
                };
            }
            Column::Name(name) => name,
        };
        if self.headings.is_empty() {
            return Err(NoColumn::NoHeadings);
        }
        let exact = self.headings_like(|heading| heading.trim() == name.trim());
        let key = heading_key(name);
        let found = if exact.is_empty() {
            self.headings_like(|heading| heading_key(heading) == key)
        } else {
            exact
        };
        match found.as_slice() {
            [at] => Ok(*at),
            [] => Err(NoColumn::Unknown(self.alike(&key))),
            several => Err(NoColumn::Twice(several.iter().map(|at| at + 1).collect())),
        }
    }

    /// What people call a column: its heading, or its position.
    #[must_use]
    pub fn title(&self, at: usize) -> String {
        match self.headings.get(at).filter(|heading| !heading.trim().is_empty()) {
            Some(heading) => heading.trim().to_owned(),
            None => format!("{}列目", at + 1),
        }
    }

    /// True when the file on disk is no longer the one that was opened.
    #[must_use]
    pub fn has_changed(&self) -> bool {
        let as_opened = Outside {
            size: self.size,
            modified: self.modified,
            is_file: true,
        };
        self.place.outside().map_or(true, |now| now != as_opened)
    }

    fn headings_like(&self, like: impl Fn(&str) -> bool) -> Vec<usize> {
        self.headings
            .iter()
            .enumerate()
            .filter(|(_, heading)| like(heading))
            .map(|(at, _)| at)
            .collect()
    }

    fn alike(&self, key: &str) -> Vec<String> {
        let mut near: Vec<(usize, &String)> = self
            .headings
            .iter()
            .filter_map(|heading| {
                let other = heading_key(heading);
                let shared = key.chars().filter(|c| other.contains(*c)).count();
                (shared * 2 > key.chars().count()).then_some((usize::MAX - shared, heading))
            })
            .collect();
        near.sort();
        near.into_iter()
            .take(3)
            .map(|(_, heading)| heading.trim().to_owned())
            .collect()
    }

    fn unit(&self, delimiter: u8) -> Unit {
        match self.charset {
            Charset::Utf16Le => Unit::Utf16Le,
            Charset::Utf16Be => Unit::Utf16Be,
            Charset::Cp932 if delimiter >= 0x40 || self.marks.quote.is_some_and(|quote| quote >= 0x40) => Unit::Cp932,
            _ => Unit::Byte,
        }
    }

    fn skip_lines(&mut self, lines: u32) -> Result<(), SheetFault> {
        let quote = self.marks.quote.take();
        for _ in 0..lines.min(1_000) {
            let mut scanner = self.scanner().map_err(unreadable)?;
            scanner.step().map_err(unreadable)?;
            self.body = (scanner.position(), self.body.1 + 1);
        }
        self.marks.quote = quote;
        Ok(())
    }

    /// Tab where most of the first lines have one: a single tab in somebody's comment decides nothing.
    fn guess_delimiter(&self) -> Result<u8, SheetFault> {
        let lines = Marks {
            quote: None,
            ..self.marks
        };
        let mut file = self.place.open().map_err(unreadable)?;
        file.seek(SeekFrom::Start(self.body.0)).map_err(unreadable)?;
        let mut scanner = Scanner::new(file, lines, self.bounds, self.body.0, self.body.1, self.size);
        let (mut with_tab, mut seen) = (0, 0);
        let mut room = String::new();
        while seen < SAMPLE_ROWS {
            let bytes = match scanner.step().map_err(unreadable)? {
                Some(Step::Row(row)) => row.bytes,
                Some(Step::Refused(refusal)) => refusal.start,
                None => break,
            };
            seen += 1;
            let (text, _) = self.charset.decode(bytes, &mut room);
            with_tab += usize::from(text.contains('\t'));
        }
        Ok(if with_tab * 2 > seen { b'\t' } else { b',' })
    }

    fn read_headings(&mut self) -> Result<(), SheetFault> {
        let mut scanner = self.scanner().map_err(unreadable)?;
        let Some(Step::Row(row)) = scanner.step().map_err(unreadable)? else {
            return Err(SheetFault::Heading);
        };
        let mut room = String::new();
        let (text, _) = self.charset.decode(row.bytes, &mut room);
        let mut columns = Columns::default();
        if columns.split(text, self.marks.delimiter, self.marks.quote) == Split::Broken {
            return Err(SheetFault::Heading);
        }
        let headings = (0..columns.count())
            .map(|at| columns.get(text, at).unwrap_or_default().trim().to_owned())
            .collect();
        let lines = text.matches('\n').count() as u64 + 1;
        self.body = (scanner.position(), self.body.1 + lines);
        self.headings = headings;
        // A delimiter at the end of the heading row names no column.
        while self.headings.len() > 1 && self.headings.last().is_some_and(String::is_empty) {
            self.headings.pop();
        }
        Ok(())
    }

    /// How many columns most of the first rows have.
    fn usual_columns(&self) -> Result<Option<usize>, SheetFault> {
        let mut scanner = self.scanner().map_err(unreadable)?;
        let mut votes: BTreeMap<usize, usize> = BTreeMap::new();
        let mut room = String::new();
        let mut columns = Columns::default();
        for _ in 0..SAMPLE_ROWS {
            match scanner.step().map_err(unreadable)? {
                None => break,
                Some(Step::Row(row)) if !row.bytes.is_empty() => {
                    let (text, _) = self.charset.decode(row.bytes, &mut room);
                    if columns.split(text, self.marks.delimiter, self.marks.quote) != Split::Broken {
                        *votes.entry(columns.count()).or_default() += 1;
                    }
                }
                Some(_) => {}
            }
        }
        Ok(votes
            .into_iter()
            .max_by_key(|(count, votes)| (*votes, *count))
            .map(|(count, _)| count))
    }
}

fn unreadable(error: std::io::Error) -> SheetFault {
    SheetFault::Unreadable(match error.kind() {
        std::io::ErrorKind::NotFound => "見つかりません".to_owned(),
        std::io::ErrorKind::PermissionDenied => "読む権限がありません".to_owned(),
        _ => error.to_string(),
    })
}

/// Headings are compared without spaces, width and case.
fn heading_key(heading: &str) -> String {
    heading
        .nfkc()
        .filter(|c| !c.is_whitespace())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Reads a whole small file through a sheet, row by row.
///
/// # Errors
/// When the file cannot be read.
pub fn each_row(sheet: &Sheet, mut row: impl FnMut(u64, &str, &Columns) -> bool) -> std::io::Result<()> {
    let mut scanner = sheet.scanner()?;
    let mut room = String::new();
    let mut columns = Columns::default();
    while let Some(step) = scanner.step()? {
        let Step::Row(raw) = step else { continue };
        if raw.bytes.is_empty() {
            continue;
        }
        let (text, _) = sheet.charset.decode(raw.bytes, &mut room);
        if columns.split(text, sheet.marks.delimiter, sheet.marks.quote) != Split::Broken
            && !row(raw.line, text, &columns)
        {
            break;
        }
    }
    Ok(())
}
