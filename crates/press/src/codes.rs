//! Codes as plain modules: Code 128 for the bar-code reader at the desk, QR for the scanner that files the sheet.
//!
//! No drawing here (that is `ink`), and no reading of scans.

use barcoders::sym::code128::Code128;
use qrcodegen::{QrCode, QrCodeEcc, QrSegment, Version};

use crate::error::PressError;
use crate::masks;

/// Longest text a bar code on paper may carry: at 0.25 mm a module more would not fit beside a name.
pub const MAX_BAR_CODE_CHARS: usize = 24;

/// Longest text a QR code may carry: a carried declaration (F29) in digits, on 62 mm. The others hold about thirty characters.
pub const MAX_QR_CHARS: usize = 3_000;

/// Modules along the side of the largest symbol there is: QR version 40.
pub const MAX_SYMBOL_SIDE: usize = 177;

/// A bar code as modules from left to right, `true` is ink. Quiet zones are not included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bars(pub Vec<bool>);

impl Bars {
    /// Code 128 (ISO/IEC 15417) of digits or upper-case letters: set C for digit pairs, set B for the rest.
    ///
    /// # Errors
    /// Empty, longer than [`MAX_BAR_CODE_CHARS`], or other characters than `0-9 A-Z`.
    pub fn code128(text: &str) -> Result<Self, PressError> {
        let refuse = |reason: String| PressError::Code {
            code: "Code 128",
            text: text.to_owned(),
            reason,
        };
        if text.is_empty() || text.len() > MAX_BAR_CODE_CHARS || !is_code_text(text) {
            return Err(refuse(format!(
                "it must be 1 to {MAX_BAR_CODE_CHARS} digits or capital letters"
            )));
        }
        let code = Code128::new(with_code_sets(text)).map_err(|error| refuse(error.to_string()))?;
        Ok(Self(code.encode().into_iter().map(|module| module == 1).collect()))
    }

    /// Runs of ink as (first module, modules).
    pub(crate) fn runs(&self) -> Vec<(usize, usize)> {
        runs(self.0.iter().copied())
    }
}

/// A QR code (ISO/IEC 18004) as square modules, `true` is ink. The quiet zone is not included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Squares {
    /// Modules along one side.
    pub side: usize,
    /// Row after row.
    pub modules: Vec<bool>,
}

impl Squares {
    /// QR with error correction Q: a quarter of the code may be under a stamp or a crease.
    ///
    /// # Errors
    /// Empty or longer than [`MAX_QR_CHARS`].
    pub fn qr(text: &str) -> Result<Self, PressError> {
        let refuse = |reason: String| PressError::Code {
            code: "QR",
            text: text.to_owned(),
            reason,
        };
        if text.is_empty() || text.chars().count() > MAX_QR_CHARS {
            return Err(refuse(format!("it must be 1 to {MAX_QR_CHARS} characters")));
        }
        let segments = segments(text);
        let masked = |mask| {
            QrCode::encode_segments_advanced(&segments, QrCodeEcc::Quartile, Version::MIN, Version::MAX, mask, true)
                .map_err(|error| refuse(error.to_string()))
        };
        if let Some(small) = masks::suited(&masked(Some(masks::any()))?) {
            return Ok(small);
        }
        let code = masked(None)?;
        let side = code.size();
        let modules = (0..side)
            .flat_map(|y| (0..side).map(move |x| (x, y)))
            .map(|(x, y)| code.get_module(x, y))
            .collect();
        Ok(Self {
            side: usize::try_from(side).unwrap_or(0),
            modules,
        })
    }

    /// Any square symbol given as its rows of `0` and `1`, drawn as it is: whoever encoded it (a JAHIS prescription symbol) answers
    /// for what it says.
    ///
    /// # Errors
    /// Fewer than 10 or more than [`MAX_SYMBOL_SIDE`] rows, rows of another length, or other characters than `0` and `1`.
    pub fn rows(rows: &str) -> Result<Self, PressError> {
        let rows: Vec<&[u8]> = rows.lines().map(str::as_bytes).collect();
        let side = rows.len();
        let square = rows
            .iter()
            .all(|row| row.len() == side && row.iter().all(|module| matches!(module, b'0' | b'1')));
        if !(10..=MAX_SYMBOL_SIDE).contains(&side) || !square {
            return Err(PressError::Code {
                code: "modules",
                text: format!("{side} rows"),
                reason: format!("it must be a square of 10 to {MAX_SYMBOL_SIDE} rows of 0 and 1"),
            });
        }
        Ok(Self {
            side,
            modules: rows.concat().into_iter().map(|module| module == b'1').collect(),
        })
    }

    /// Runs of ink as (row, first module, modules).
    pub(crate) fn runs(&self) -> Vec<(usize, usize, usize)> {
        let rows = self.modules.chunks(self.side.max(1)).enumerate();
        rows.flat_map(|(y, row)| {
            runs(row.iter().copied())
                .into_iter()
                .map(move |(x, length)| (y, x, length))
        })
        .collect()
    }

    /// The ink as rectangles (x, y, width, height): runs, and what is alike below them.
    pub(crate) fn rectangles(&self) -> Vec<[usize; 4]> {
        let mut out: Vec<[usize; 4]> = Vec::with_capacity(self.modules.len() / 4);
        // The last rectangle that begins in each column.
        let mut last = vec![usize::MAX; self.side];
        for (row, start, length) in self.runs() {
            let Some(last) = last.get_mut(start) else { continue };
            match out.get_mut(*last) {
                Some([_, y, width, height]) if *width == length && *y + *height == row => *height += 1,
                _ => {
                    *last = out.len();
                    out.push([start, row, length, 1]);
                }
            }
        }
        out
    }
}

/// Characters that survive any bar-code reader and input method: digits, and the capitals of temporary numbers.
pub(crate) fn is_code_text(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
}

/// Sheet codes in one alphanumeric segment; of others, digits before letters in their own numeric one: a third of the bits.
fn segments(text: &str) -> Vec<QrSegment> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    let mut segments = Vec::with_capacity(2);
    if !number.is_empty() {
        segments.push(QrSegment::make_numeric(number));
    }
    if QrSegment::is_alphanumeric(rest) && !rest.is_empty() {
        segments.push(QrSegment::make_alphanumeric(rest));
    } else if !rest.is_empty() {
        segments.push(QrSegment::make_bytes(rest.as_bytes()));
    }
    segments
}

/// The text with the code-set marks of `barcoders`: `Ɓ` set B, `Ć` set C.
fn with_code_sets(text: &str) -> String {
    const SET_B: char = '\u{0181}';
    const SET_C: char = '\u{0106}';
    let all_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match (all_digits, text.len() % 2, text.split_at_checked(1)) {
        (true, 0, _) => format!("{SET_C}{text}"),
        (true, _, Some((first, rest))) if !rest.is_empty() => format!("{SET_B}{first}{SET_C}{rest}"),
        _ => format!("{SET_B}{text}"),
    }
}

fn runs(modules: impl Iterator<Item = bool>) -> Vec<(usize, usize)> {
    let mut out: Vec<(usize, usize)> = Vec::new();
    for (at, _) in modules.enumerate().filter(|(_, ink)| *ink) {
        match out.last_mut() {
            Some((start, length)) if *start + *length == at => *length += 1,
            _ => out.push((at, 1)),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_digits_take_set_c_and_other_texts_set_b() {
        // start + pairs + check, 11 modules each, and a stop of 13
        assert_eq!(Bars::code128("00123456").unwrap().0.len(), 11 * 6 + 13);
        assert_eq!(Bars::code128("1234567").unwrap().0.len(), 11 * 7 + 13);
        assert_eq!(Bars::code128("7").unwrap().0.len(), 11 * 3 + 13);
        assert_eq!(Bars::code128("TR0300003X").unwrap().0.len(), 11 * 12 + 13);
        for refused in ["", "abc", "12 34", "１２", &"1".repeat(25)] {
            assert!(Bars::code128(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn a_sheet_code_is_the_smallest_symbol() {
        // 25 modules on 20 mm: 6 dots each at 200 dpi. Up to six characters of form code.
        assert_eq!(Squares::qr("T12611200312790102KJKNF02N").unwrap().side, 25);
        assert_eq!(Squares::qr("T12611200312790102KJKNF02ABCT").unwrap().side, 25);
        assert_eq!(Squares::qr("T12611200312790102KJKNF02ABCDET").unwrap().side, 29);
        assert!(Squares::qr("").is_err());
        assert!(Squares::qr(&"1".repeat(MAX_QR_CHARS + 1)).is_err());
    }

    #[test]
    fn a_symbol_is_taken_as_its_rows_and_nothing_else() {
        let qr = Squares::qr("261120031279").unwrap();
        let rows: Vec<String> = qr
            .modules
            .chunks(qr.side)
            .map(|row| row.iter().map(|ink| if *ink { '1' } else { '0' }).collect())
            .collect();
        assert_eq!(Squares::rows(&rows.join("\n")).unwrap(), qr);
        for refused in [
            String::new(),
            "01\n10".to_owned(),
            vec!["0".repeat(178); 178].join("\n"),
            rows.join("\n").replacen('0', "2", 1),
            rows.iter().skip(1).cloned().collect::<Vec<_>>().join("\n"),
        ] {
            assert!(Squares::rows(&refused).is_err());
        }
    }

    #[test]
    fn runs_cover_the_ink() {
        assert_eq!(Bars(vec![true, true, false, true]).runs(), [(0, 2), (3, 1)]);
        let two = Squares {
            side: 2,
            modules: vec![true, true, false, true],
        };
        assert_eq!(two.runs(), [(0, 0, 2), (1, 1, 1)]);
    }

    #[test]
    fn rectangles_are_the_ink_once() {
        let qr = Squares::qr("T12611200312790102KJKNF02N").unwrap();
        let all = qr.rectangles();
        assert!(all.len() < qr.runs().len() * 9 / 10);
        let mut drawn = vec![0; qr.modules.len()];
        for [x, y, width, height] in all {
            for at in (y..y + height).flat_map(|y| (x..x + width).map(move |x| y * qr.side + x)) {
                drawn[at] += 1;
            }
        }
        let ink: Vec<i32> = qr.modules.iter().map(|ink| i32::from(*ink)).collect();
        assert_eq!(drawn, ink);
    }
}
