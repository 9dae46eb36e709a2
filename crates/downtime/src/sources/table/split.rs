//! One decoded row becomes its columns: places in the text, unquoted only when somebody asks for them.
//!
//! Works on text in one encoding (UTF-8), whatever the file's was, so that the rules for quotes exist once.

use std::borrow::Cow;

/// The columns of one row, reused from row to row.
#[derive(Debug, Default)]
pub struct Columns {
    spans: Vec<Span>,
    quote: char,
    breaks: u64,
}

#[derive(Debug, Clone, Copy)]
struct Span {
    start: u32,
    end: u32,
    /// Quotation marks inside are doubled.
    doubled: bool,
}

/// What taking a row apart found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// A row; this many bytes of the text were used, line end included.
    Row(usize),
    /// Quotation marks do not fit together, or there are too many columns.
    Broken,
}

impl Columns {
    /// Takes the first row of a text apart.
    pub fn split(&mut self, text: &str, delimiter: u8, quote: Option<u8>) -> Split {
        self.spans.clear();
        self.breaks = 0;
        self.quote = char::from(quote.unwrap_or(b'"'));
        let bytes = text.as_bytes();
        let mut at = 0;
        loop {
            if self.spans.len() >= super::MAX_COLUMNS {
                return Split::Broken;
            }
            let next = if quote.is_some() && bytes.get(at).copied() == quote {
                match self.quoted(bytes, at + 1, quote.unwrap_or(b'"')) {
                    Some(next) => next,
                    None => return Split::Broken,
                }
            } else {
                let end = column_end(bytes, at, delimiter);
                let mut content = end;
                if bytes.get(end) != Some(&delimiter) && end > at && bytes.get(end - 1) == Some(&b'\r') {
                    content -= 1;
                }
                self.push(at, content, false);
                end
            };
            match bytes.get(next) {
                Some(b) if *b == delimiter => at = next + 1,
                Some(b'\n') => return Split::Row(next + 1),
                Some(b'\r') if bytes.get(next + 1) == Some(&b'\n') => return Split::Row(next + 2),
                Some(b'\r') if next + 1 == bytes.len() => return Split::Row(next + 1),
                Some(_) => return Split::Broken,
                None => return Split::Row(bytes.len()),
            }
        }
    }

    /// Takes a row apart in its raw bytes and keeps of its columns only the wanted ones (rising), in `text`; the others count and are
    /// empty. `false` when the row must be decoded as a whole: it has quotes or line ends inside, or a wanted column is not plain ASCII.
    ///
    /// For encodings whose marks are single bytes.
    pub fn pick(
        &mut self,
        bytes: &[u8],
        delimiter: u8,
        quote: Option<u8>,
        wanted: &[usize],
        text: &mut String,
    ) -> bool {
        self.spans.clear();
        self.breaks = 0;
        self.quote = char::from(quote.unwrap_or(b'"'));
        text.clear();
        if memchr::memchr3(quote.unwrap_or(b'\n'), b'\r', b'\n', bytes).is_some() {
            return false;
        }
        let mut wanted = wanted.iter().peekable();
        let mut from = 0;
        for end in memchr::memchr_iter(delimiter, bytes).chain([bytes.len()]) {
            if self.spans.len() >= super::MAX_COLUMNS {
                return false;
            }
            let start = text.len();
            if wanted.next_if(|at| **at == self.spans.len()).is_some() {
                match bytes.get(from..end).map(std::str::from_utf8) {
                    Some(Ok(part)) if part.is_ascii() => text.push_str(part),
                    _ => return false,
                }
            }
            self.push(start, text.len(), false);
            from = end + 1;
        }
        true
    }

    fn quoted(&mut self, bytes: &[u8], from: usize, quote: u8) -> Option<usize> {
        let mut at = from;
        let mut doubled = false;
        loop {
            let end = at + memchr::memchr(quote, bytes.get(at..)?)?;
            if bytes.get(end + 1) == Some(&quote) {
                doubled = true;
                at = end + 2;
            } else {
                self.push(from, end, doubled);
                self.breaks += memchr::memchr_iter(b'\n', bytes.get(from..end)?).count() as u64;
                return Some(end + 1);
            }
        }
    }

    fn push(&mut self, start: usize, end: usize, doubled: bool) {
        self.spans.push(Span {
            start: u32::try_from(start).unwrap_or(u32::MAX),
            end: u32::try_from(end).unwrap_or(u32::MAX),
            doubled,
        });
    }

    /// How many columns the row has.
    #[must_use]
    pub fn count(&self) -> usize {
        self.spans.len()
    }

    /// Line breaks inside the row, its own end not counted.
    #[must_use]
    pub const fn breaks(&self) -> u64 {
        self.breaks
    }

    /// The text of one column, counted from 0; `None` when the row has fewer.
    #[must_use]
    pub fn get<'t>(&self, text: &'t str, at: usize) -> Option<Cow<'t, str>> {
        let span = self.spans.get(at)?;
        let inside = text.get(span.start as usize..span.end as usize)?;
        Some(if span.doubled {
            // Only doubled marks stand inside, so halving the pairs restores the text.
            let pair: String = [self.quote; 2].iter().collect();
            Cow::Owned(inside.replace(&pair, self.quote.encode_utf8(&mut [0; 4])))
        } else {
            Cow::Borrowed(inside)
        })
    }

    /// True when the columns from this one on (counted from 0) are all empty.
    #[must_use]
    pub fn empty_from(&self, at: usize) -> bool {
        self.spans.iter().skip(at).all(|span| span.start == span.end)
    }
}

/// Where an unquoted column that begins at `from` ends.
fn column_end(bytes: &[u8], from: usize, delimiter: u8) -> usize {
    // Most columns are shorter than what starting a search costs.
    const NEAR: usize = 16;
    let rest = bytes.get(from..).unwrap_or_default();
    let (near, far) = rest.split_at_checked(NEAR).unwrap_or((rest, &[]));
    let found = match near.iter().position(|byte| *byte == delimiter || *byte == b'\n') {
        None => memchr::memchr2(delimiter, b'\n', far).map(|at| near.len() + at),
        found => found,
    };
    found.map_or(bytes.len(), |at| from + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(text: &str) -> Option<Vec<String>> {
        let mut columns = Columns::default();
        match columns.split(text, b',', Some(b'"')) {
            Split::Row(_) => (0..columns.count())
                .map(|i| columns.get(text, i).map(Cow::into_owned))
                .collect(),
            Split::Broken => None,
        }
    }

    #[test]
    fn columns_with_and_without_quotes() {
        assert_eq!(
            columns("a,\"b \"\"x\"\"\nc\",,d\r\nnext").unwrap(),
            ["a", "b \"x\"\nc", "", "d"]
        );
        assert_eq!(columns("5\",b").unwrap(), ["5\"", "b"]);
        assert_eq!(columns("").unwrap(), [""]);
        assert_eq!(columns("a,").unwrap(), ["a", ""]);
        let long = "x".repeat(40);
        assert_eq!(columns(&format!("{long},{long}\r\n")).unwrap(), [long.as_str(), &long]);
        assert_eq!(columns("\"a\"b,c"), None);
        assert_eq!(columns("\"a"), None);
    }

    #[test]
    fn rows_follow_one_another() {
        let text = "a,\"b\nc\"\r\nd,e\n";
        let mut columns = Columns::default();
        assert_eq!(columns.split(text, b',', Some(b'"')), Split::Row(9));
        assert_eq!(columns.split(&text[9..], b',', Some(b'"')), Split::Row(4));
        assert!(columns.empty_from(2));
        assert!(!columns.empty_from(1));
    }

    #[test]
    fn too_many_columns_are_refused() {
        let text = ",".repeat(super::super::MAX_COLUMNS + 5);
        assert_eq!(Columns::default().split(&text, b',', None), Split::Broken);
    }

    #[test]
    fn wanted_columns_are_picked_as_splitting_the_whole_row_finds_them() {
        let (mut columns, mut text) = (Columns::default(), String::new());
        let row = "0012,模擬　太郎,2026-11-20,,内科".as_bytes();
        assert!(columns.pick(row, b',', Some(b'"'), &[0, 2, 3], &mut text));
        let found: Vec<_> = (0..6).map(|at| columns.get(&text, at)).collect();
        let some = |text: &'static str| Some(Cow::Borrowed(text));
        assert_eq!(
            found,
            [some("0012"), some(""), some("2026-11-20"), some(""), some(""), None]
        );
        assert_eq!(columns.count(), 5);
        // A wanted column that must be decoded, quotes, line ends inside: the whole row is for the other way.
        for (row, wanted) in [("1,模擬", 1), ("1,\"a\"", 0), ("1,a\rb", 0), ("1,a\nb", 0)] {
            assert!(
                !columns.pick(row.as_bytes(), b',', Some(b'"'), &[wanted], &mut text),
                "{row}"
            );
        }
        assert!(columns.pick(b"1,5\" pipe", b',', None, &[0], &mut text));
        assert!(columns.pick(b"", b',', None, &[0, 7], &mut text));
        assert_eq!((columns.count(), columns.get(&text, 0)), (1, some("")));
    }
}
