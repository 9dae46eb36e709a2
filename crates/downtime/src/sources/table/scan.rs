//! A file becomes rows: read in pieces, cut at line ends outside quotes, with a limit on everything.
//!
//! One broken row must not swallow its neighbours: when a row over several lines is not well formed, only its first line is
//! refused and reading goes on with the next line. No row text is kept.

use std::io::Read;

use super::marks::{Cut, Flaw, Marks};

/// Bytes read at a time.
const PIECE: usize = 256 * 1024;

/// What the scanner may use and expect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of one row.
    pub row_bytes: usize,
    /// Line breaks inside one row.
    pub row_lines: usize,
    /// Columns of every row, where known: fewest and most that are believed.
    pub columns: Option<(usize, usize)>,
}

/// One step through a file.
#[derive(Debug, PartialEq, Eq)]
pub enum Step<'b> {
    /// A row that can be taken apart.
    Row(RawRow<'b>),
    /// A line that cannot be used.
    Refused(Refusal<'b>),
}

/// One row in raw bytes.
#[derive(Debug, PartialEq, Eq)]
pub struct RawRow<'b> {
    /// The bytes without the line end.
    pub bytes: &'b [u8],
    /// Where it begins in the file.
    pub offset: u64,
    /// Its length with the line end.
    pub length: u64,
    /// Line on which it begins, from 1.
    pub line: u64,
    /// False for a last row without a line end.
    pub ended: bool,
}

/// A line that cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal<'b> {
    /// Line on which it begins, from 1.
    pub line: u64,
    /// Why.
    pub why: Why,
    /// Its beginning, to find out whom it is about.
    pub start: &'b [u8],
    /// True inside the extent of a row that was refused before: it needs no words of its own.
    pub quiet: bool,
}

/// Why a line is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// More bytes than a row may have.
    TooLong,
    /// A quotation mark that is never closed.
    Unclosed,
    /// Text behind a closing quotation mark.
    Loose,
    /// A row over several lines, or the last one, has this many columns.
    Columns(usize),
}

/// Reads rows from bytes.
pub struct Scanner<R> {
    input: R,
    marks: Marks,
    bounds: Bounds,
    buffer: Vec<u8>,
    at: usize,
    base: u64,
    line: u64,
    whole: bool,
    quiet_until: u64,
    /// Bytes that may still be walked in vain over rows that do not close.
    patience: u64,
    cut_off: bool,
    /// Beginning of a line that was too long to be kept.
    start: Vec<u8>,
}

impl<R: Read> Scanner<R> {
    /// Begins at `offset` of the file, which is line `line`; `size` is the file's length.
    pub fn new(input: R, marks: Marks, bounds: Bounds, offset: u64, line: u64, size: u64) -> Self {
        Self {
            input,
            marks,
            bounds,
            buffer: Vec::new(),
            at: 0,
            base: offset,
            line,
            whole: false,
            quiet_until: 0,
            patience: size.saturating_mul(4).saturating_add(64 << 20),
            cut_off: false,
            start: Vec::new(),
        }
    }

    /// True when the file seems to end inside a row.
    pub const fn cut_off(&self) -> bool {
        self.cut_off
    }

    /// Bytes of the file behind the scanner.
    pub const fn position(&self) -> u64 {
        self.base + self.at as u64
    }

    /// The next row or refused line; `None` at the end.
    ///
    /// # Errors
    /// What reading returns.
    pub fn step(&mut self) -> std::io::Result<Option<Step<'_>>> {
        let found = loop {
            let rest = self.buffer.get(self.at..).unwrap_or_default();
            if rest.is_empty() && self.whole {
                return Ok(None);
            }
            let in_doubt = self.position() < self.quiet_until;
            // A last row without its line end must be whole to be believed, so its columns are counted.
            let cut = match self.marks.cut(rest, self.whole, in_doubt, self.bounds.row_lines) {
                Cut::Row { ended: false, .. } => self.marks.cut(rest, self.whole, true, self.bounds.row_lines),
                other => other,
            };
            let limit = self.bounds.row_bytes;
            match cut {
                Cut::More if rest.len() <= limit => self.fill()?,
                Cut::More => break self.give_up(rest.len()),
                Cut::Row { length, .. } if length > limit => break Verdict::TooLong,
                Cut::Row {
                    length,
                    content,
                    breaks,
                    columns,
                    ended,
                } => {
                    let checked = breaks > 0 || in_doubt || !ended;
                    let wrong = checked
                        && self
                            .bounds
                            .columns
                            .is_some_and(|(fewest, most)| !(fewest..=most).contains(&columns));
                    if wrong && !(breaks == 0 && columns == 1 && content == 0) {
                        break Verdict::Line {
                            why: Why::Columns(columns),
                            extent: length,
                            last: !ended,
                        };
                    }
                    break Verdict::Row {
                        length,
                        content,
                        breaks,
                        ended,
                    };
                }
                Cut::Broken { flaw: Flaw::Loose, at } => {
                    break Verdict::Line {
                        why: Why::Loose,
                        extent: at,
                        last: false,
                    };
                }
                Cut::Broken {
                    flaw: Flaw::Unclosed,
                    at,
                } => {
                    break Verdict::Line {
                        why: Why::Unclosed,
                        extent: at,
                        last: self.whole && at == rest.len(),
                    };
                }
            }
        };
        self.settle(found)
    }

    /// More bytes than a row may have: an open quote is given up at its first line, a plain line is skipped as a whole.
    fn give_up(&self, extent: usize) -> Verdict {
        let rest = self.buffer.get(self.at..).unwrap_or_default();
        match self.marks.find(rest, 0, b'\n', b'\n') {
            Some(_) => Verdict::Line {
                why: Why::Unclosed,
                extent,
                last: false,
            },
            None => Verdict::TooLong,
        }
    }

    fn settle(&mut self, verdict: Verdict) -> std::io::Result<Option<Step<'_>>> {
        let (offset, line) = (self.position(), self.line);
        let quiet = offset < self.quiet_until;
        match verdict {
            Verdict::Row {
                length,
                content,
                breaks,
                ended,
            } => {
                let from = self.at;
                self.at += length;
                self.line += breaks as u64 + 1;
                self.cut_off = false;
                let bytes = self.buffer.get(from..from + content).unwrap_or_default();
                Ok(Some(Step::Row(RawRow {
                    bytes,
                    offset,
                    length: length as u64,
                    line,
                    ended,
                })))
            }
            Verdict::TooLong => {
                let start = self.buffer.get(self.at..).unwrap_or_default();
                self.start = start.iter().take(START).copied().collect();
                self.skip_line()?;
                self.cut_off = false;
                let start = self.start.as_slice();
                Ok(Some(Step::Refused(Refusal {
                    line,
                    why: Why::TooLong,
                    start,
                    quiet,
                })))
            }
            Verdict::Line { why, extent, last } => {
                self.cut_off = last;
                self.quiet_until = self.quiet_until.max(offset + extent as u64);
                self.patience = self.patience.saturating_sub(extent as u64);
                if self.patience == 0 {
                    // So many open quotes that quoting itself cannot be trusted: from here on every line is a row.
                    self.marks.quote = None;
                }
                let rest = self.buffer.get(self.at..).unwrap_or_default();
                let size = self.marks.size();
                let end = self
                    .marks
                    .find(rest, 0, b'\n', b'\n')
                    .map_or(rest.len(), |at| at + size);
                let from = self.at;
                self.at += end;
                self.line += 1;
                let start = self.buffer.get(from..from + end.min(START)).unwrap_or_default();
                Ok(Some(Step::Refused(Refusal {
                    line,
                    why,
                    start,
                    quiet,
                })))
            }
        }
    }

    fn fill(&mut self) -> std::io::Result<()> {
        if self.at > 0 {
            self.buffer.drain(..self.at);
            self.base += self.at as u64;
            self.at = 0;
        }
        let had = self.buffer.len();
        self.buffer.resize(had + PIECE, 0);
        let mut filled = had;
        while filled < had + PIECE {
            let Some(space) = self.buffer.get_mut(filled..) else {
                break;
            };
            match self.input.read(space) {
                Ok(0) => {
                    self.whole = true;
                    break;
                }
                Ok(n) => filled += n,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => {
                    self.buffer.truncate(filled);
                    return Err(e);
                }
            }
        }
        self.buffer.truncate(filled);
        Ok(())
    }

    fn skip_line(&mut self) -> std::io::Result<()> {
        loop {
            let rest = self.buffer.get(self.at..).unwrap_or_default();
            if let Some(at) = self.marks.find(rest, 0, b'\n', b'\n') {
                self.at += at + self.marks.size();
                self.line += 1;
                return Ok(());
            }
            // UTF-16 units must not be torn apart.
            let whole_units = rest.len() / self.marks.size() * self.marks.size();
            self.at += whole_units;
            if self.whole {
                self.at = self.buffer.len();
                self.line += 1;
                return Ok(());
            }
            self.fill()?;
        }
    }
}

/// Bytes of a refused line that are handed over.
const START: usize = 512;

enum Verdict {
    Row {
        length: usize,
        content: usize,
        breaks: usize,
        ended: bool,
    },
    TooLong,
    Line {
        why: Why,
        extent: usize,
        last: bool,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::table::marks::Unit;

    const CSV: Marks = Marks {
        delimiter: b',',
        quote: Some(b'"'),
        unit: Unit::Byte,
    };
    const BOUNDS: Bounds = Bounds {
        row_bytes: 100,
        row_lines: 10,
        columns: Some((2, 2)),
    };

    fn steps(bytes: &[u8], bounds: Bounds) -> (Vec<String>, bool) {
        let mut scanner = Scanner::new(bytes, CSV, bounds, 0, 1, bytes.len() as u64);
        let mut out = Vec::new();
        while let Some(step) = scanner.step().unwrap() {
            out.push(match step {
                Step::Row(row) => format!(
                    "{}:{}+{} {}",
                    row.line,
                    row.offset,
                    row.length,
                    String::from_utf8_lossy(row.bytes)
                ),
                Step::Refused(r) => format!("{}:{:?}{}", r.line, r.why, if r.quiet { " quiet" } else { "" }),
            });
        }
        (out, scanner.cut_off())
    }

    #[test]
    fn rows_keep_their_line_and_place() {
        let (rows, cut_off) = steps(b"a,\"b\nb\"\nc,d\r\n\ne,f", BOUNDS);
        assert_eq!(rows, ["1:0+8 a,\"b\nb\"", "3:8+5 c,d", "4:13+1 ", "5:14+3 e,f"]);
        assert!(!cut_off);
    }

    #[test]
    fn an_open_quote_costs_one_line_only() {
        let (rows, cut_off) = steps(b"a,\"b\nc,d\ne,\"f\"\ng,h\n", BOUNDS);
        assert_eq!(rows, ["1:Loose", "2:5+4 c,d", "3:9+6 e,\"f\"", "4:15+4 g,h"]);
        assert!(!cut_off);
        let (rows, _) = steps(b"a,\"b\nc,d\ne,f\n", BOUNDS);
        assert_eq!(rows, ["1:Unclosed", "2:5+4 c,d", "3:9+4 e,f"]);
    }

    #[test]
    fn a_row_over_lines_with_wrong_columns_gives_its_neighbours_back() {
        let (rows, _) = steps(b"a,\"b\nc,d,x\n\",e,f\ng,h\n", BOUNDS);
        assert_eq!(
            rows,
            ["1:Columns(4)", "2:Columns(3) quiet", "3:Unclosed quiet", "4:17+4 g,h"]
        );
    }

    #[test]
    fn a_torn_end_is_seen() {
        let (rows, cut_off) = steps(b"a,b\nc", BOUNDS);
        assert_eq!(rows, ["1:0+4 a,b", "2:Columns(1)"]);
        assert!(cut_off);
        let (_, cut_off) = steps(b"a,b\nc,\"x\ny", BOUNDS);
        assert!(cut_off);
        let (_, cut_off) = steps(b"a,b\nc,d", BOUNDS);
        assert!(!cut_off);
    }

    #[test]
    fn a_line_without_end_uses_bounded_memory() {
        let mut bytes = b"a,b\n".to_vec();
        bytes.extend(std::iter::repeat_n(b'x', 3_000_000));
        bytes.extend(b"\nc,d\n");
        let mut scanner = Scanner::new(bytes.as_slice(), CSV, BOUNDS, 0, 1, bytes.len() as u64);
        let mut seen = Vec::new();
        while let Some(step) = scanner.step().unwrap() {
            seen.push(match step {
                Step::Row(row) => (row.line, row.offset, true),
                Step::Refused(r) => (r.line, r.start.len() as u64, r.why != Why::TooLong),
            });
        }
        assert_eq!(seen, [(1, 0, true), (2, 512, false), (3, 3_000_005, true)]);
        assert!(scanner.buffer.capacity() < 2_000_000);
    }
}
