//! Where rows and columns end in raw bytes, whatever the encoding: one small walk over delimiters, quotes and line feeds.
//!
//! Only the marks are looked at; nothing is decoded or copied. The caller owns the buffer and decides what a broken row is.

/// How many bytes a character of the marks takes and which bytes must not be mistaken for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Every byte stands for itself: ASCII, UTF-8, EUC-JP, and CP932 with marks below 0x40.
    Byte,
    /// CP932 with a mark such as `|` that is also the second byte of characters (ポ is 83 7C).
    Cp932,
    /// UTF-16, little end first.
    Utf16Le,
    /// UTF-16, big end first.
    Utf16Be,
}

/// The marks of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marks {
    /// Between columns.
    pub delimiter: u8,
    /// Around columns; `None` where quotation marks are text.
    pub quote: Option<u8>,
    /// How the marks are written.
    pub unit: Unit,
}

/// How a row ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// A whole row.
    Row {
        /// Bytes up to the next row, line end included.
        length: usize,
        /// Bytes without the line end.
        content: usize,
        /// Line feeds inside it (its own line end not counted).
        breaks: usize,
        /// Columns; 0 where they were not counted (see [`Marks::cut`]).
        columns: usize,
        /// False when the bytes end without a line end.
        ended: bool,
    },
    /// The bytes end inside the row and more may follow.
    More,
    /// A quoted column is closed and goes on, or is never closed.
    Broken {
        /// Which of the two.
        flaw: Flaw,
        /// How far the row was followed.
        at: usize,
    },
}

/// What is wrong with a row's quotation marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// Text follows a closing quotation mark.
    Loose,
    /// The column is not closed within the bytes or lines allowed.
    Unclosed,
}

impl Marks {
    /// Finds the end of the row that begins at the start of `bytes`. `whole` says that nothing follows the bytes;
    /// `count` asks for the number of columns (rows with quotes are always counted).
    #[must_use]
    pub fn cut(&self, bytes: &[u8], whole: bool, count: bool, max_breaks: usize) -> Cut {
        if self.unit == Unit::Byte
            && !count
            && let Some(cut) = self.plain(bytes, whole)
        {
            return cut;
        }
        self.walk(bytes, whole, max_breaks)
    }

    /// A row without any quotation mark: found in one pass, columns not counted. `None`: the walk must look.
    fn plain(&self, bytes: &[u8], whole: bool) -> Option<Cut> {
        let found = match self.quote {
            Some(quote) => memchr::memchr2(b'\n', quote, bytes),
            None => memchr::memchr(b'\n', bytes),
        };
        match found {
            Some(at) if bytes.get(at) == Some(&b'\n') => Some(self.row(bytes, at, 0, 0)),
            Some(_) => None,
            None if whole => Some(open_row(bytes.len(), 0, 0)),
            None => Some(Cut::More),
        }
    }

    /// The row whose line feed stands at `at`.
    fn row(&self, bytes: &[u8], at: usize, breaks: usize, columns: usize) -> Cut {
        let size = self.size();
        let content = match at.checked_sub(size) {
            Some(before) if self.mark_at(bytes, before) == Some(b'\r') => before,
            _ => at,
        };
        Cut::Row {
            length: at + size,
            content,
            breaks,
            columns,
            ended: true,
        }
    }

    fn walk(&self, bytes: &[u8], whole: bool, max_breaks: usize) -> Cut {
        let size = self.size();
        let (mut at, mut columns, mut breaks) = (0, 1, 0);
        loop {
            // Here a column begins.
            if self.quote.is_some() && self.mark_at(bytes, at) == self.quote {
                match self.close(bytes, at + size, whole, &mut breaks, max_breaks) {
                    Ok(after) => at = after,
                    Err(cut) => return cut,
                }
                match self.mark_at(bytes, at) {
                    Some(mark) if mark == self.delimiter => {}
                    Some(b'\n') => {}
                    Some(b'\r') => match self.mark_at(bytes, at + size) {
                        Some(b'\n') => at += size,
                        // A character that is no mark is there all the same.
                        _ if at + 2 * size <= bytes.len() => return loose(at),
                        _ if whole => return open_row(bytes.len(), breaks, columns),
                        _ => return Cut::More,
                    },
                    None if at + size <= bytes.len() => return loose(at),
                    None if whole => return open_row(bytes.len(), breaks, columns),
                    None => return Cut::More,
                    Some(_) => return loose(at),
                }
            } else {
                match self.find(bytes, at, self.delimiter, b'\n') {
                    Some(found) => at = found,
                    None if whole => return open_row(bytes.len(), breaks, columns),
                    None => return Cut::More,
                }
            }
            if self.mark_at(bytes, at) == Some(b'\n') {
                return self.row(bytes, at, breaks, columns);
            }
            columns += 1;
            at += size;
        }
    }

    /// Where a quoted column that begins at `from` has been closed: the place after its closing mark.
    fn close(
        &self,
        bytes: &[u8],
        from: usize,
        whole: bool,
        breaks: &mut usize,
        max_breaks: usize,
    ) -> Result<usize, Cut> {
        let quote = self.quote.unwrap_or(b'"');
        let size = self.size();
        let mut at = from;
        loop {
            let found = self.find(bytes, at, quote, quote);
            let inside = bytes.get(..found.unwrap_or(bytes.len())).unwrap_or(bytes);
            if let Some(beyond) = self.count_breaks(inside, at, breaks, max_breaks) {
                return Err(unclosed(beyond));
            }
            let Some(found) = found else {
                return Err(if whole { unclosed(bytes.len()) } else { Cut::More });
            };
            at = found + size;
            if self.mark_at(bytes, at) == Some(quote) {
                at += size;
            } else if at + size > bytes.len() && !whole {
                return Err(Cut::More);
            } else {
                return Ok(at);
            }
        }
    }

    /// Adds the line feeds from a place to the end of the bytes; behind the first one too many, where there is one.
    fn count_breaks(&self, bytes: &[u8], from: usize, breaks: &mut usize, max_breaks: usize) -> Option<usize> {
        if self.unit == Unit::Byte {
            let lines = memchr::memchr_iter(b'\n', bytes.get(from..)?);
            let allowed = max_breaks.saturating_sub(*breaks);
            *breaks += lines.clone().count();
            // Only a column that is given up is looked through twice.
            let beyond = (*breaks > max_breaks).then(|| lines.clone().nth(allowed)).flatten()?;
            return Some(from + beyond + 1);
        }
        let mut at = from;
        while let Some(found) = self.find(bytes, at, b'\n', b'\n') {
            at = found + self.size();
            *breaks += 1;
            if *breaks > max_breaks {
                return Some(at);
            }
        }
        None
    }

    /// Bytes of one mark.
    #[must_use]
    pub const fn size(&self) -> usize {
        match self.unit {
            Unit::Byte | Unit::Cp932 => 1,
            Unit::Utf16Le | Unit::Utf16Be => 2,
        }
    }

    /// The ASCII character at a place, if one stands there.
    #[must_use]
    pub fn mark_at(&self, bytes: &[u8], at: usize) -> Option<u8> {
        let (low, high) = match self.unit {
            Unit::Byte | Unit::Cp932 => return bytes.get(at).copied().filter(u8::is_ascii),
            Unit::Utf16Le => (bytes.get(at)?, bytes.get(at + 1)?),
            Unit::Utf16Be => (bytes.get(at + 1)?, bytes.get(at)?),
        };
        (*high == 0 && low.is_ascii()).then_some(*low)
    }

    /// The next place of either mark from a place on.
    #[must_use]
    pub fn find(&self, bytes: &[u8], from: usize, one: u8, other: u8) -> Option<usize> {
        let rest = bytes.get(from..)?;
        match self.unit {
            Unit::Byte if one == other => memchr::memchr(one, rest).map(|at| from + at),
            Unit::Byte => memchr::memchr2(one, other, rest).map(|at| from + at),
            Unit::Cp932 => {
                let mut at = 0;
                while let Some(&byte) = rest.get(at) {
                    if byte == one || byte == other {
                        return Some(from + at);
                    }
                    let pair = is_lead(byte) && rest.get(at + 1).is_some_and(|trail| is_trail(*trail));
                    at += if pair { 2 } else { 1 };
                }
                None
            }
            Unit::Utf16Le | Unit::Utf16Be => (from..bytes.len()).step_by(2).find(|at| {
                self.mark_at(bytes, *at)
                    .is_some_and(|mark| mark == one || mark == other)
            }),
        }
    }
}

const fn open_row(length: usize, breaks: usize, columns: usize) -> Cut {
    Cut::Row {
        length,
        content: length,
        breaks,
        columns,
        ended: false,
    }
}

const fn loose(at: usize) -> Cut {
    Cut::Broken { flaw: Flaw::Loose, at }
}

const fn unclosed(at: usize) -> Cut {
    Cut::Broken {
        flaw: Flaw::Unclosed,
        at,
    }
}

const fn is_lead(byte: u8) -> bool {
    matches!(byte, 0x81..=0x9F | 0xE0..=0xFC)
}

const fn is_trail(byte: u8) -> bool {
    matches!(byte, 0x40..=0x7E | 0x80..=0xFC)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CSV: Marks = Marks {
        delimiter: b',',
        quote: Some(b'"'),
        unit: Unit::Byte,
    };

    fn row(cut: Cut) -> (usize, usize, usize, usize, bool) {
        match cut {
            Cut::Row {
                length,
                content,
                breaks,
                columns,
                ended,
            } => (length, content, breaks, columns, ended),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn rows_end_at_line_feeds_outside_quotes() {
        assert_eq!(row(CSV.cut(b"a,b\r\nc", true, true, 9)), (5, 3, 0, 2, true));
        assert_eq!(
            row(CSV.cut(b"a,\"b\r\n\"\"c\",d\nx", true, false, 9)),
            (13, 12, 1, 3, true)
        );
        assert_eq!(row(CSV.cut(b"a,b", true, true, 9)), (3, 3, 0, 2, false));
        assert_eq!(CSV.cut(b"a,b", false, true, 9), Cut::More);
        assert_eq!(row(CSV.cut(b"5\",b\n", true, false, 9)), (5, 4, 0, 2, true));
        assert_eq!(row(CSV.cut(b"a,\"\"\n", true, false, 9)), (5, 4, 0, 2, true));
    }

    #[test]
    fn quotes_that_do_not_close_are_told_apart_from_missing_bytes() {
        assert_eq!(CSV.cut(b"a,\"b\nc", false, false, 9), Cut::More);
        assert_eq!(CSV.cut(b"a,\"b\nc", true, false, 9), unclosed(6));
        assert_eq!(CSV.cut(b"a,\"b\nc\nd\ne\",f\n", true, false, 2), unclosed(9));
        assert_eq!(CSV.cut(b"a,\"b\nc\"\"\nd\ne\",f\n", true, false, 2), unclosed(11));
        assert_eq!(CSV.cut(b"a,\"b\nc\nd\ne\nf", false, false, 2), unclosed(9));
        assert_eq!(CSV.cut(b"a,\"b\nc\nd", false, false, 2), Cut::More);
        assert_eq!(CSV.cut(b"a,\"b\"x,c\n", true, false, 9), loose(5));
        assert_eq!(CSV.cut("a,\"b\"表,c\n".as_bytes(), true, false, 9), loose(5));
        assert_eq!(CSV.cut("a,\"b\"\r表,c\n".as_bytes(), true, false, 9), loose(5));
        assert_eq!(CSV.cut(b"a,\"b\"", false, false, 9), Cut::More);
        assert_eq!(row(CSV.cut(b"a,\"b\"", true, false, 9)), (5, 5, 0, 2, false));
        assert_eq!(CSV.cut(b"a,\"b\"\r", false, false, 9), Cut::More);
    }

    #[test]
    fn a_bar_inside_a_cp932_character_is_no_delimiter() {
        let marks = Marks {
            delimiter: b'|',
            unit: Unit::Cp932,
            ..CSV
        };
        // ポ is 83 7C.
        assert_eq!(row(marks.cut(b"\x83\x7C|b\n", true, true, 9)), (5, 4, 0, 2, true));
        let naive = Marks {
            unit: Unit::Byte,
            ..marks
        };
        assert_eq!(row(naive.cut(b"\x83\x7C|b\n", true, true, 9)).3, 3);
    }

    #[test]
    fn utf_16_is_cut_by_units() {
        let marks = Marks {
            unit: Unit::Utf16Le,
            ..CSV
        };
        // 、 is U+3001 and ਊ is U+0A0A: neither holds a line feed.
        let bytes: Vec<u8> = "ਊ,\"、\n\"\r\nx".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(row(marks.cut(&bytes, true, false, 9)), (16, 12, 1, 2, true));
    }
}
