//! One column of a row in raw bytes: enough to see whose row it is without decoding it.
//!
//! Only encodings whose marks are single bytes; everything else takes the slow way through decoded text.

use super::marks::{Marks, Unit};

/// The raw bytes of one column, where that can be told without decoding.
#[must_use]
pub fn raw_column<'b>(bytes: &'b [u8], marks: &Marks, at: usize) -> Option<&'b [u8]> {
    if marks.unit != Unit::Byte {
        return None;
    }
    let mut rest = bytes;
    for column in 0..=at {
        let (content, length) = match marks.quote {
            Some(quote) if rest.first() == Some(&quote) => {
                let end = memchr::memchr(quote, rest.get(1..)?)? + 1;
                // A doubled mark or anything but a delimiter behind the closing one: not for this short way.
                let after = rest.get(end + 1);
                if after.is_some_and(|b| *b != marks.delimiter) {
                    return None;
                }
                (rest.get(1..end)?, end + 1)
            }
            _ => {
                let end = memchr::memchr(marks.delimiter, rest).unwrap_or(rest.len());
                (rest.get(..end)?, end)
            }
        };
        if column == at {
            return Some(content);
        }
        rest = rest.get(length + 1..)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const CSV: Marks = Marks {
        delimiter: b',',
        quote: Some(b'"'),
        unit: Unit::Byte,
    };

    #[test]
    fn a_column_in_raw_bytes() {
        assert_eq!(raw_column(b"a,\"b,c\",d", &CSV, 1), Some(&b"b,c"[..]));
        assert_eq!(raw_column(b"a,\"b,c\",d", &CSV, 2), Some(&b"d"[..]));
        assert_eq!(raw_column(b"a,\"b\"", &CSV, 1), Some(&b"b"[..]));
        assert_eq!(raw_column(b"a", &CSV, 1), None);
        assert_eq!(raw_column(b"\"a\"\"b\",c", &CSV, 1), None);
    }
}
