//! 用紙コード: what the QR code of every page says, so that a scan files itself.
//!
//! The text names the sheet and the page, not the patient: whose it is follows from the sheet's number. A check of the patient
//! number stands in it all the same, because two packs of one day may give one number to two people (docs/formats/sheet-code.md).
//! No drawing here and no reading of pictures.

use crate::id::{FormId, half_width, mod_37_36};

/// Highest page number that fits the two digits of a [`SheetCode`].
pub const MAX_SHEET_PAGES: u8 = 99;

/// Most characters of a form code in a [`SheetCode`].
pub const MAX_FORM_CODE: usize = 8;

/// `T` for the program, `1` for the version of the text.
const MARK: &str = "T1";

/// Characters before the form code: mark, number, page, pages, patient check.
const FIXED: usize = 22;

/// The QR code of one page: `T1`, 帳票番号 (12), page (2), pages (2), patient check (4), form code (1 to 8), check character.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SheetCode {
    /// Form code such as `F02`.
    pub form: String,
    /// 帳票番号
    pub form_id: FormId,
    /// This page, from 1.
    pub page: u8,
    /// Pages of the sheet.
    pub pages: u8,
    /// Check of the patient's number; [`PatientCheck::NOBODY`] on lists and papers of the office.
    pub patient: PatientCheck,
}

impl SheetCode {
    /// The text inside the QR code: digits and capitals only (the alphanumeric mode of ISO/IEC 18004).
    ///
    /// `None` for a form code that [`is_form_code`] refuses, or a page outside `1..=pages` or above [`MAX_SHEET_PAGES`].
    #[must_use]
    pub fn text(&self) -> Option<String> {
        let fits = is_form_code(&self.form) && (1..=self.pages).contains(&self.page) && self.pages <= MAX_SHEET_PAGES;
        let stem = format!(
            "{MARK}{}{:02}{:02}{}{}",
            self.form_id, self.page, self.pages, self.patient, self.form
        );
        let check = mod_37_36(&stem).filter(|_| fits)?;
        Some(format!("{stem}{check}"))
    }

    /// Reads the text of a scanned code; `None` for any other code, a wrong check character or digit, or a page beyond the last.
    /// Full-width characters and small letters are folded: a hand scanner types through whatever input method is on.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.chars().count() > FIXED + MAX_FORM_CODE + 1 {
            return None;
        }
        let text = text.chars().map(half_width).collect::<String>().to_ascii_uppercase();
        let (stem, check) = text.split_at_checked(text.len().checked_sub(1)?)?;
        if !stem.starts_with(MARK) || check.chars().next() != mod_37_36(stem) {
            return None;
        }
        let two = |from: usize| -> Option<u8> {
            let digits = stem.get(from..from + 2)?;
            let plain = digits.bytes().all(|b| b.is_ascii_digit());
            plain.then(|| digits.parse().ok()).flatten()
        };
        let code = Self {
            form_id: FormId::parse(stem.get(2..14)?)?,
            page: two(14)?,
            pages: two(16)?,
            patient: PatientCheck::parse(stem.get(18..FIXED)?)?,
            form: stem.get(FIXED..)?.to_owned(),
        };
        let whole = is_form_code(&code.form) && (1..=code.pages).contains(&code.page);
        whole.then_some(code)
    }
}

/// Whether a form's code can stand in a [`SheetCode`]: 1 to 8 of `A-Z 0-9`.
#[must_use]
pub fn is_form_code(code: &str) -> bool {
    let fits = (1..=MAX_FORM_CODE).contains(&code.len());
    fits && code.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

/// A check of a patient number: tells two people apart (once in 1.7 million not), names nobody.
///
/// FNV-1a (32 bits) over the number's bytes, modulo 36⁴ − 1, plus one, in four base-36 characters. `0000` is nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PatientCheck(u32);

impl PatientCheck {
    /// The sheet is about no patient.
    pub const NOBODY: Self = Self(0);

    /// The check of a patient's or a temporary patient's number as written; [`Self::NOBODY`] for an empty one.
    #[must_use]
    pub fn of(number: &str) -> Self {
        if number.is_empty() {
            return Self::NOBODY;
        }
        let hash = number.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        });
        Self(hash % (36_u32.pow(4) - 1) + 1)
    }

    fn parse(text: &str) -> Option<Self> {
        let fits = text.len() == 4 && text.bytes().all(|b| b.is_ascii_alphanumeric());
        fits.then(|| u32::from_str_radix(text, 36).ok()).flatten().map(Self)
    }
}

impl std::fmt::Display for PatientCheck {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for place in [36_u32.pow(3), 36_u32.pow(2), 36, 1] {
            let digit = char::from_digit(self.0 / place % 36, 36).unwrap_or('0');
            write!(f, "{}", digit.to_ascii_uppercase())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code() -> SheetCode {
        SheetCode {
            form: "F02".to_owned(),
            form_id: FormId::parse("261120031279").unwrap(),
            page: 1,
            pages: 2,
            patient: PatientCheck::of("00123456"),
        }
    }

    #[test]
    fn the_text_comes_back_and_stays_what_the_format_says() {
        let text = code().text().unwrap();
        assert_eq!(text, "T12611200312790102KJKNF02N");
        assert_eq!(SheetCode::parse(&text), Some(code()));
        assert_eq!(SheetCode::parse(&text.to_lowercase()), Some(code()));
        assert_eq!(SheetCode::parse(&text.replace('1', "１")), Some(code()));
        for form in ["", "f02", "F-2", "F02F02F02"] {
            assert_eq!(
                SheetCode {
                    form: form.to_owned(),
                    ..code()
                }
                .text(),
                None
            );
        }
        assert_eq!(SheetCode { page: 3, ..code() }.text(), None);
        assert_eq!(SheetCode { pages: 100, ..code() }.text(), None);
    }

    #[test]
    fn every_single_wrong_character_and_every_swap_is_refused() {
        let good: Vec<char> = code().text().unwrap().chars().collect();
        for i in 0..good.len() {
            for c in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ".chars().filter(|c| *c != good[i]) {
                let mut bad = good.clone();
                bad[i] = c;
                assert_eq!(SheetCode::parse(&bad.iter().collect::<String>()), None);
            }
            if i + 1 < good.len() && good[i] != good[i + 1] {
                let mut bad = good.clone();
                bad.swap(i, i + 1);
                assert_eq!(SheetCode::parse(&bad.iter().collect::<String>()), None);
            }
        }
    }

    #[test]
    fn other_codes_are_not_sheet_codes() {
        for text in [
            "",
            "T",
            "00123456",
            "261120031279",
            "TR0300027X",
            "https://example.jp/",
            "あ",
            &"T1".repeat(200),
        ] {
            assert_eq!(SheetCode::parse(text), None, "{text}");
        }
    }

    #[test]
    fn neighbours_have_different_checks() {
        assert_eq!(PatientCheck::of("").to_string(), "0000");
        let all: std::collections::BTreeSet<_> = (0..2_000).map(|n| PatientCheck::of(&format!("{n:08}"))).collect();
        assert!(all.len() >= 1_998);
        assert_ne!(PatientCheck::of("00123456"), PatientCheck::of("123456"));
    }
}
