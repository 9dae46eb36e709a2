//! Rows read again from their places: one big read where a file is walked in order, exact spans where it is not.
//!
//! The bytes were looked at before; here they are decoded and taken apart. A file that changed in between shows itself by rows
//! that no longer belong to the patient they were noted for, and those are refused by the caller.

use std::io::{Read, Seek, SeekFrom};

use super::cell::Row;
use super::decode::{Charset, Damage};
use super::feed::Run;
use super::files::Input;
use super::sheet::Sheet;
use super::split::{Columns, Split};

/// Bytes read ahead or behind when a file is walked in order.
const WINDOW: usize = 256 * 1024;

/// Reads runs of one file.
#[derive(Debug)]
pub struct Rows {
    file: Input,
    size: u64,
    start: u64,
    window: Vec<u8>,
    room: String,
    columns: Columns,
}

/// What the reader of a row is told beside the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    /// Line on which it begins.
    pub line: u64,
    /// How the bytes were decoded.
    pub damage: Damage,
    /// False when the row cannot be taken apart or has the wrong number of columns.
    pub whole: bool,
    /// Columns found.
    pub columns: usize,
}

impl Rows {
    /// Opens a file for reading runs.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open(sheet: &Sheet) -> std::io::Result<Self> {
        Ok(Self {
            file: sheet.place.open()?,
            size: sheet.size,
            start: 0,
            window: Vec::new(),
            room: String::new(),
            columns: Columns::default(),
        })
    }

    /// Hands over every row of a run.
    ///
    /// # Errors
    /// When the bytes cannot be read any more.
    pub fn each(&mut self, sheet: &Sheet, run: &Run, mut take: impl FnMut(&Row<'_>, About)) -> std::io::Result<()> {
        self.load(run.offset, run.length as usize)?;
        let from = usize::try_from(run.offset - self.start).unwrap_or(usize::MAX);
        let bytes = self
            .window
            .get(from..from.saturating_add(run.length as usize))
            .unwrap_or_default();
        let (text, damage) = sheet.charset.decode(bytes, &mut self.room);
        if damage == Damage::None || run.rows == 1 {
            hand_over(sheet, text, damage, u64::from(run.line), &mut self.columns, &mut take);
            return Ok(());
        }
        // Not every row of the run is damaged, or in the other encoding: each is decoded by itself.
        let mut line = u64::from(run.line);
        let mut rest = bytes;
        let mut room = String::new();
        while !rest.is_empty() {
            let cut = sheet.marks.cut(rest, true, false, sheet.bounds.row_lines);
            let super::marks::Cut::Row { length, breaks, .. } = cut else {
                break;
            };
            let (row, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
            let (text, damage) = sheet.charset.decode(row, &mut room);
            hand_over(sheet, text, damage, line, &mut self.columns, &mut take);
            line += breaks as u64 + 1;
            rest = after;
        }
        Ok(())
    }

    /// Makes the window hold a span.
    fn load(&mut self, offset: u64, length: usize) -> std::io::Result<()> {
        let end = self.start + self.window.len() as u64;
        if offset >= self.start && offset + length as u64 <= end {
            return Ok(());
        }
        let ahead = offset >= self.start && offset <= end + WINDOW as u64;
        let behind = offset < self.start && self.start - offset <= WINDOW as u64;
        let (from, wanted) = if ahead {
            (offset, length.max(WINDOW))
        } else if behind {
            let last = offset + length as u64;
            let from = last.saturating_sub(length.max(WINDOW) as u64);
            (from, usize::try_from(last - from).unwrap_or(length))
        } else {
            (offset, length)
        };
        let wanted = wanted.min(
            usize::try_from(self.size.saturating_sub(from))
                .unwrap_or(usize::MAX)
                .max(length),
        );
        self.window.resize(wanted, 0);
        self.start = from;
        self.file.seek(SeekFrom::Start(from))?;
        let mut filled = 0;
        while let Some(space) = self.window.get_mut(filled..).filter(|space| !space.is_empty()) {
            match self.file.read(space) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        self.window.truncate(filled);
        Ok(())
    }
}

fn hand_over(
    sheet: &Sheet,
    text: &str,
    damage: Damage,
    first_line: u64,
    columns: &mut Columns,
    take: &mut impl FnMut(&Row<'_>, About),
) {
    let mut rest = text;
    let mut line = first_line;
    // Only UTF-8 can hold a U+FFFD of its own: somebody else's damage, told like ours.
    let damaged = damage != Damage::None
        || memchr::memchr(0, text.as_bytes()).is_some()
        || (sheet.charset == Charset::Utf8 && memchr::memmem::find(text.as_bytes(), "\u{FFFD}".as_bytes()).is_some());
    while !rest.is_empty() {
        let (length, mut whole) = match columns.split(rest, sheet.marks.delimiter, sheet.marks.quote) {
            Split::Row(length) => (length, true),
            Split::Broken => (rest.find('\n').map_or(rest.len(), |at| at + 1), false),
        };
        let Some((row, after)) = rest.split_at_checked(length) else {
            return;
        };
        if let Some((fewest, _)) = sheet.columns {
            whole &= columns.count() == fewest || (columns.count() > fewest && columns.empty_from(fewest));
        }
        let about = About {
            line,
            damage,
            whole,
            columns: columns.count(),
        };
        take(&Row::plain(row, columns).with_damage(damaged), about);
        line += 1 + if whole { columns.breaks() } else { 0 };
        rest = after;
    }
}
