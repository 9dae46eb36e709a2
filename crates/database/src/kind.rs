//! What the columns of an answer are, and how a database's text of them becomes the text that mappings read.
//!
//! Numbers keep their digits, times lose what no chart needs (parts of a second, the zone after they were turned into the hospital's),
//! bytes stay bytes. Deliberately absent: meaning.

use downtime::sources::sql::{Field, Rows};

/// How the database writes a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text, and whatever is text already.
    Text,
    /// `t` and `f`.
    Truth,
    /// A binary number, perhaps with an exponent.
    Float,
    /// A time, or a date and time, perhaps with parts of a second and a zone.
    Time,
    /// `\x` and hexadecimal digits.
    Hex,
    /// Bits, the highest first.
    Bits,
    /// Bytes as they are stored.
    Bytes,
}

impl Kind {
    /// Hands one field over.
    pub fn hand(self, bytes: Option<&[u8]>, room: &mut Vec<u8>, rows: &mut dyn Rows) {
        let Some(bytes) = bytes else {
            rows.field(Field::Null);
            return;
        };
        let plain = match self {
            Self::Text => bytes,
            Self::Truth => match bytes {
                b"t" => b"1",
                b"f" => b"0",
                other => other,
            },
            Self::Float => {
                decimal(bytes, room);
                room
            }
            Self::Time => without_parts(bytes),
            Self::Bits => {
                bits(bytes, room);
                room
            }
            Self::Hex => {
                if unhex(bytes, room) {
                    rows.field(Field::Bytes(room));
                    return;
                }
                bytes
            }
            Self::Bytes => {
                rows.field(Field::Bytes(bytes));
                return;
            }
        };
        // A database that keeps texts in no encoding of its own hands over whatever was put in.
        rows.field(std::str::from_utf8(plain).map_or(Field::Bytes(plain), Field::Text));
    }
}

/// `2026-11-20 09:30:00.123+09` without what follows the seconds.
fn without_parts(text: &[u8]) -> &[u8] {
    if text.ends_with(b"BC") {
        return text;
    }
    let colon = memchr::memchr(b':', text).unwrap_or(text.len());
    let after = text.get(colon..).unwrap_or_default();
    let end = after.iter().position(|b| matches!(b, b'.' | b'+' | b'-'));
    end.and_then(|end| text.get(..colon + end)).unwrap_or(text)
}

/// Digits of an exponent that can stand for something measured; beyond it the text is handed over as it is.
const MOST_EXPONENT: i32 = 400;

/// `1.5e-07` as `0.00000015`.
fn decimal(text: &[u8], room: &mut Vec<u8>) {
    room.clear();
    let Some(spread) = spread(text) else {
        room.extend_from_slice(text);
        return;
    };
    room.extend_from_slice(&spread);
}

fn spread(text: &[u8]) -> Option<Vec<u8>> {
    let at = text.iter().position(|b| matches!(b, b'e' | b'E'))?;
    let (mantissa, exponent) = (text.get(..at)?, text.get(at + 1..)?);
    let exponent: i32 = std::str::from_utf8(exponent).ok()?.parse().ok()?;
    if exponent.abs() > MOST_EXPONENT {
        return None;
    }
    let (minus, mantissa) = mantissa
        .strip_prefix(b"-")
        .map_or((false, mantissa), |rest| (true, rest));
    let point = mantissa.iter().position(|b| *b == b'.').unwrap_or(mantissa.len());
    let digits: Vec<u8> = mantissa.iter().copied().filter(|b| *b != b'.').collect();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let point = i32::try_from(point).ok()? + exponent;
    let mut out = Vec::new();
    if minus {
        out.push(b'-');
    }
    if point <= 0 {
        out.extend_from_slice(b"0.");
        out.extend(std::iter::repeat_n(b'0', usize::try_from(-point).ok()?));
        out.extend_from_slice(&digits);
    } else {
        let point = usize::try_from(point).ok()?;
        let (whole, rest) = digits.split_at_checked(point).unwrap_or((&digits, &[]));
        out.extend_from_slice(whole);
        out.extend(std::iter::repeat_n(b'0', point.saturating_sub(digits.len())));
        if !rest.is_empty() {
            out.push(b'.');
            out.extend_from_slice(rest);
        }
    }
    Some(out)
}

fn unhex(text: &[u8], room: &mut Vec<u8>) -> bool {
    room.clear();
    let Some(digits) = text.strip_prefix(b"\\x") else {
        return false;
    };
    let (pairs, rest) = digits.as_chunks::<2>();
    for [high, low] in pairs {
        let value = |digit: u8| {
            char::from(digit)
                .to_digit(16)
                .and_then(|value| u8::try_from(value).ok())
        };
        let (Some(high), Some(low)) = (value(*high), value(*low)) else {
            return false;
        };
        room.push(high << 4 | low);
    }
    rest.is_empty()
}

fn bits(bytes: &[u8], room: &mut Vec<u8>) {
    let number = bytes.iter().try_fold(0_u64, |sum, byte| {
        (sum >> 56 == 0).then_some(sum << 8 | u64::from(*byte))
    });
    room.clear();
    match number {
        Some(number) => room.extend_from_slice(number.to_string().as_bytes()),
        None => room.extend_from_slice(bytes),
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;

    #[derive(Default)]
    struct Told(Vec<String>);

    impl Rows for Told {
        fn heading(&mut self, _: &[&str]) -> ControlFlow<()> {
            ControlFlow::Continue(())
        }

        fn field(&mut self, field: Field<'_>) {
            self.0.push(match field {
                Field::Null => "NULL".to_owned(),
                Field::Text(text) => text.to_owned(),
                Field::Bytes(bytes) => format!("{bytes:?}"),
            });
        }

        fn end_row(&mut self) -> ControlFlow<()> {
            ControlFlow::Continue(())
        }
    }

    #[test]
    fn every_kind_in_the_words_of_a_mapping() {
        for (kind, given, wanted) in [
            (Kind::Text, &b"1.50"[..], "1.50"),
            (Kind::Text, b"\x8E\x52", "[142, 82]"),
            (Kind::Truth, b"t", "1"),
            (Kind::Truth, b"f", "0"),
            (Kind::Float, b"36.5", "36.5"),
            (Kind::Float, b"1.5e-07", "0.00000015"),
            (Kind::Float, b"1e-7", "0.0000001"),
            (Kind::Float, b"-1.25e+20", "-125000000000000000000"),
            (Kind::Float, b"1.25e1", "12.5"),
            (Kind::Float, b"NaN", "NaN"),
            (Kind::Float, b"1e99999", "1e99999"),
            (Kind::Time, b"2026-11-20 09:30:00", "2026-11-20 09:30:00"),
            (Kind::Time, b"2026-11-20 09:30:00.123456+09", "2026-11-20 09:30:00"),
            (Kind::Time, b"2026-11-20 09:30:00-05", "2026-11-20 09:30:00"),
            (Kind::Time, b"2026-11-20", "2026-11-20"),
            (Kind::Time, b"09:30:00.000", "09:30:00"),
            (Kind::Time, b"0044-03-15 09:30:00+09 BC", "0044-03-15 09:30:00+09 BC"),
            (Kind::Time, b"infinity", "infinity"),
            (Kind::Hex, b"\\x8e52", "[142, 82]"),
            (Kind::Hex, b"\\x", "[]"),
            (Kind::Hex, b"\\x8", "\\x8"),
            (Kind::Hex, b"\\xzz", "\\xzz"),
            (Kind::Bits, b"\x01", "1"),
            (Kind::Bits, b"\x01\x00", "256"),
            (Kind::Bits, b"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", "18446744073709551615"),
            (Kind::Bytes, b"ab", "[97, 98]"),
        ] {
            let mut told = Told::default();
            kind.hand(Some(given), &mut Vec::new(), &mut told);
            assert_eq!(told.0, [wanted], "{kind:?} {}", String::from_utf8_lossy(given));
        }
        let mut told = Told::default();
        Kind::Bytes.hand(None, &mut Vec::new(), &mut told);
        assert_eq!(told.0, ["NULL"]);
    }
}
