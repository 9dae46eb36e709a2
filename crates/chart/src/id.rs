//! Numbers that name people, forms and terminals, each with its own type so that they cannot be mixed up.
//!
//! None of these types invents numbers: sequence and node come from the caller.

use std::borrow::Cow;

use jiff::civil::Date;
use minicbor::{Decode, Encode};

/// 患者番号: the hospital's own patient number, kept exactly as the EHR writes it (leading zeros included).
///
/// 1 to 20 characters of `0-9 A-Z a-z -`. SS-MIX2 allows 15; some hospitals use more.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct PatientId(#[n(0)] String);

impl PatientId {
    /// Most characters a patient number may have.
    pub const MAX: usize = 20;

    /// Takes a number as written in the source; surrounding white space is dropped, full-width digits are folded.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() || text.len() > Self::MAX * 3 {
            return None;
        }
        let folded: String = text.chars().map(half_width).collect();
        let fits = folded.len() <= Self::MAX && folded.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        (fits && !folded.is_empty()).then_some(Self(folded))
    }

    /// As the EHR writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// In groups of four for the eye: `0012 3456`. Numbers that are not all digits, or short, stay as they are.
    #[must_use]
    pub fn shown(&self) -> String {
        if self.0.len() < 7 || !self.0.bytes().all(|b| b.is_ascii_digit()) {
            return self.0.clone();
        }
        let lead = self.0.len() % 4;
        let mut out = String::with_capacity(self.0.len() + 4);
        for (i, c) in self.0.chars().enumerate() {
            if i > 0 && i % 4 == lead % 4 {
                out.push(' ');
            }
            out.push(c);
        }
        out
    }
}

impl std::fmt::Display for PatientId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Full-width ASCII to half-width; everything else unchanged.
#[must_use]
pub fn half_width(c: char) -> char {
    match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(c as u32 - 0xFEE0).unwrap_or(c),
        '\u{3000}' => ' ',
        '\u{2212}' => '-',
        other => other,
    }
}

/// [`half_width`] of a whole text, without copying where there is nothing to fold.
#[must_use]
pub fn half_width_text(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || text.chars().all(|c| half_width(c) == c) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.chars().map(half_width).collect())
    }
}

/// A code of the hospital's own master with the name that belongs to it: department, doctor, examination, drug.
///
/// The name is what people read and verify; the code is for going back into the EHR. Either may be empty, not both.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
pub struct Coded {
    /// The hospital's code, as written in the source.
    #[n(0)]
    pub code: String,
    /// The display name.
    #[n(1)]
    pub name: String,
}

impl Coded {
    /// A code with its name.
    pub fn new(code: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            name: name.into(),
        }
    }

    /// The name, or the code where the source gave no name.
    #[must_use]
    pub fn label(&self) -> &str {
        if self.name.is_empty() { &self.code } else { &self.name }
    }

    /// True when neither code nor name is there.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.code.is_empty() && self.name.is_empty()
    }
}

/// 端末記号: three characters `A-Z 0-9` that name a station on every slip and in every number it issues, such as `R03`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StationCode([u8; 3]);

impl StationCode {
    /// Reads `R03`; lower case is raised.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; 3] = text.trim().to_ascii_uppercase().as_bytes().try_into().ok()?;
        bytes
            .iter()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
            .then_some(Self(bytes))
    }

    /// The three characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("???")
    }
}

impl std::fmt::Display for StationCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

crate::codec::as_text!(StationCode, "not a station code");

/// 仮番号: the number of a temporary patient, unique without asking anyone (mission row 65).
///
/// `T` + station code (3) + sequence (5 digits) + ISO/IEC 7064 MOD 37,36 check character: 10 characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct TemporaryId(#[n(0)] String);

impl TemporaryId {
    /// Largest sequence a station can issue.
    pub const MAX_SEQUENCE: u32 = 99_999;

    /// The number for one station's sequence; `None` above [`Self::MAX_SEQUENCE`].
    #[must_use]
    pub fn issue(station: StationCode, sequence: u32) -> Option<Self> {
        if sequence > Self::MAX_SEQUENCE {
            return None;
        }
        let stem = format!("T{station}{sequence:05}");
        let check = mod_37_36(&stem)?;
        Some(Self(format!("{stem}{check}")))
    }

    /// Reads a number and refuses it when the check character does not fit.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text: String = text
            .trim()
            .chars()
            .map(half_width)
            .collect::<String>()
            .to_ascii_uppercase();
        if text.len() != 10 || !text.is_ascii() || !text.starts_with('T') {
            return None;
        }
        let (stem, check) = text.split_at(9);
        let digits = stem.get(4..)?;
        StationCode::parse(stem.get(1..4)?)?;
        let fits = digits.bytes().all(|b| b.is_ascii_digit()) && check.chars().next() == mod_37_36(stem);
        fits.then_some(Self(text))
    }

    /// The ten characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The sequence within its station.
    #[must_use]
    pub fn sequence(&self) -> u32 {
        self.0.get(4..9).and_then(|s| s.parse().ok()).unwrap_or(0)
    }

    /// The station that issued it.
    #[must_use]
    pub fn station(&self) -> Option<StationCode> {
        StationCode::parse(self.0.get(1..4)?)
    }
}

impl std::fmt::Display for TemporaryId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// ISO/IEC 7064 hybrid system MOD 37,36: the check character for a string of `0-9 A-Z`.
#[must_use]
pub fn mod_37_36(stem: &str) -> Option<char> {
    let mut product = 36_u32;
    for c in stem.chars() {
        let mut sum = (product + c.to_digit(36)?) % 36;
        if sum == 0 {
            sum = 36;
        }
        product = sum * 2 % 37;
    }
    char::from_digit((37 - product) % 36, 36).map(|c| c.to_ascii_uppercase())
}

/// First sequence that blank sheets printed beforehand take in their station's range of a day; screens stay below it. Both count upward
/// without asking each other (docs/decisions/0014-blank-sheets.md).
pub const FIRST_BLANK: u32 = 7_000;

/// 帳票番号: 12 digits on every issued sheet and visit: year (2) + day of the year (3) + node (2) + sequence (4) + check digit.
///
/// Digits only, so that no input method can corrupt a scan. Day of the year instead of month and day leaves room for
/// 9,999 sheets of one node in one day: a morning pack of 600 charts must not run out. GS1 modulo-10 check digit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct FormId(#[n(0)] String);

impl FormId {
    /// Largest sequence of one node in one day.
    pub const MAX_SEQUENCE: u32 = 9_999;

    /// The number for a day, node and sequence; `None` when node is above 99 or sequence above [`Self::MAX_SEQUENCE`].
    #[must_use]
    pub fn issue(day: Date, node: u8, sequence: u32) -> Option<Self> {
        if node > 99 || sequence > Self::MAX_SEQUENCE {
            return None;
        }
        let stem = format!(
            "{:02}{:03}{node:02}{sequence:04}",
            day.year().rem_euclid(100),
            day.day_of_year()
        );
        let check = gs1_check(&stem)?;
        Some(Self(format!("{stem}{check}")))
    }

    /// Reads a number and refuses it when the check digit does not fit.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text: String = text.trim().chars().map(half_width).collect();
        if text.len() != 12 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let (stem, check) = text.split_at(11);
        (check.chars().next() == gs1_check(stem)).then_some(Self(text))
    }

    /// The twelve digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The node that issued it.
    #[must_use]
    pub fn node(&self) -> u8 {
        self.0.get(5..7).and_then(|s| s.parse().ok()).unwrap_or(0)
    }

    /// Year (two digits) and day of the year, as they stand in the number.
    #[must_use]
    pub fn day_part(&self) -> &str {
        self.0.get(..5).unwrap_or("")
    }

    /// The sequence within its node and day.
    #[must_use]
    pub fn sequence(&self) -> u32 {
        self.0.get(7..11).and_then(|s| s.parse().ok()).unwrap_or(0)
    }
}

impl std::fmt::Display for FormId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// GS1 modulo-10 check digit: weights 3 and 1 from the right.
fn gs1_check(stem: &str) -> Option<char> {
    let mut sum = 0;
    for (i, c) in stem.chars().rev().enumerate() {
        sum += c.to_digit(10)? * if i % 2 == 0 { 3 } else { 1 };
    }
    char::from_digit((10 - sum % 10) % 10, 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patient_number_keeps_its_zeros_and_folds_full_width() {
        let id = PatientId::parse(" ００１２３４５６ ").unwrap();
        assert_eq!(id.as_str(), "00123456");
        assert_eq!(id.shown(), "0012 3456");
        assert_eq!(PatientId::parse("1234567").unwrap().shown(), "123 4567");
        assert!(PatientId::parse("").is_none());
        assert!(PatientId::parse("12/34").is_none());
        assert!(PatientId::parse(&"1".repeat(21)).is_none());
    }

    #[test]
    fn temporary_number_catches_every_single_error_and_swap() {
        let id = TemporaryId::issue(StationCode::parse("R03").unwrap(), 27).unwrap();
        assert_eq!(id.as_str().len(), 10);
        assert_eq!(TemporaryId::parse(id.as_str()), Some(id.clone()));
        assert_eq!(id.sequence(), 27);
        let good: Vec<char> = id.as_str().chars().collect();
        for i in 1..10 {
            for c in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ".chars() {
                let mut bad = good.clone();
                bad[i] = c;
                if bad != good {
                    assert!(TemporaryId::parse(&bad.iter().collect::<String>()).is_none());
                }
            }
            if i < 9 && good[i] != good[i + 1] {
                let mut bad = good.clone();
                bad.swap(i, i + 1);
                assert!(TemporaryId::parse(&bad.iter().collect::<String>()).is_none());
            }
        }
        assert!(TemporaryId::issue(StationCode::parse("R03").unwrap(), 100_000).is_none());
    }

    #[test]
    fn form_number_round_trips_and_refuses_a_wrong_digit() {
        let id = FormId::issue(jiff::civil::date(2026, 11, 20), 3, 127).unwrap();
        assert!(id.as_str().starts_with("26324030127"));
        assert_eq!(FormId::parse(id.as_str()), Some(id.clone()));
        assert_eq!(id.sequence(), 127);
        let mut bad = id.as_str().to_owned();
        bad.replace_range(3..4, "9");
        assert!(FormId::parse(&bad).is_none());
    }
}
