//! A declaration that no line carries: as codes on paper or in a file, from a station that knows it to one that is alone.
//!
//! A code is one record of the journal, byte for byte, in digits, because a reader types digits whatever the keyboard and the
//! input method are set to. Its own signature is its proof, so anybody may bring it, also with nobody signed in. Only
//! declarations, their confirmations and their ends travel like this. Layout: `docs/formats/declaration-code.md`.

use chart::{Act, Entry};
use sha2::{Digest, Sha256};
use vault::journal::Record;

use super::parcel::{Bytes, Parcel};
use super::{ParcelFault, Station};

/// Every code begins with these two digits.
const BEGINS: &str = "93";

/// Longest code in digits; a declaration with the longest words has about half of it.
const MAX_CODE: usize = 5_000;

/// Most codes read at once.
const MOST: usize = 64;

/// One record as a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclarationCode {
    /// What it says.
    pub act: Act,
    /// The digits.
    pub digits: String,
}

/// What was read and taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodesTaken {
    /// Records that this station did not know before.
    pub new: usize,
    /// Records that it knew.
    pub known: usize,
}

/// Why nothing was taken.
#[derive(Debug, thiserror::Error)]
pub enum CodeFault {
    /// Nothing that was read begins like a code.
    #[error("no code of a declaration was read; nothing was changed")]
    Nothing,
    /// The code of this place, counted from 1, was not read whole.
    #[error("code {0} was not read whole; nothing was changed; read it again")]
    Misread(usize),
    /// The code of this place, counted from 1, is not signed by a station of this hospital, or is about something else.
    #[error("code {0} is no declaration of this hospital; nothing was changed")]
    Foreign(usize),
    /// The disk did not take them.
    #[error(transparent)]
    NotSaved(#[from] ParcelFault),
}

impl Station {
    /// The newest declaration as codes, with its confirmation and its end where there are any; empty when nothing was declared.
    #[must_use]
    pub fn declaration_codes(&self) -> Vec<DeclarationCode> {
        let said: Vec<_> = {
            let day = self.open_entries.day();
            day.newest_declaration()
        };
        said.iter()
            .filter_map(|recorded| {
                Some(DeclarationCode {
                    act: recorded.entry.act.clone(),
                    digits: to_digits(self.replica.find(&recorded.order, &recorded.id.0)?.bytes()),
                })
            })
            .collect()
    }

    /// Takes every code in `text`: digits in any width, apart by anything else. All of them or none.
    ///
    /// # Errors
    /// [`CodeFault`]; nothing was changed.
    pub fn take_declaration(&self, text: &str) -> Result<CodesTaken, CodeFault> {
        let mut parcel = Parcel::default();
        for (bytes, place) in read_codes(text)?.into_iter().zip(1..) {
            let record = Record::parse_verified(&bytes, &self.known.now()).map_err(|_| CodeFault::Foreign(place))?;
            if !declares(&record) {
                return Err(CodeFault::Foreign(place));
            }
            parcel.records.push(Bytes(bytes));
        }
        let new = self.take(&parcel)?;
        let known = parcel.records.len().saturating_sub(new);
        Ok(CodesTaken { new, known })
    }
}

fn declares(record: &Record) -> bool {
    let entry = record.open_payload().and_then(|open| Entry::from_bytes(open).ok());
    entry.is_some_and(|entry| {
        matches!(
            entry.act,
            Act::DowntimeDeclared(_) | Act::DowntimeConfirmed { .. } | Act::DowntimeEnded { .. }
        )
    })
}

/// The bytes of every code in `text`; whether they are records of this hospital is not known yet.
///
/// # Errors
/// [`CodeFault::Nothing`], [`CodeFault::Misread`].
pub fn read_codes(text: &str) -> Result<Vec<Vec<u8>>, CodeFault> {
    let codes = codes(text);
    if codes.is_empty() {
        return Err(CodeFault::Nothing);
    }
    let read = |(code, place): (&String, usize)| from_digits(code).ok_or(CodeFault::Misread(place));
    codes.iter().zip(1..).map(read).collect()
}

/// Runs of digits that begin like a code, half-width. Whatever a person wrote between them is no code.
fn codes(text: &str) -> Vec<String> {
    let half = |c: char| match c {
        '０'..='９' => char::from_u32(u32::from(c) - u32::from('０') + u32::from('0')).unwrap_or(c),
        c => c,
    };
    let text: String = text.chars().map(half).collect();
    let runs = text.split(|c: char| !c.is_ascii_digit());
    let codes = runs.filter(|run| run.starts_with(BEGINS) && run.len() > 2 * BEGINS.len());
    codes.map(str::to_owned).take(MOST).collect()
}

/// A record as a code: two bytes are five digits, a last single byte three; five digits of the SHA-256 find what was read
/// wrongly.
#[must_use]
pub fn to_digits(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(bytes.len() * 5 / 2 + 10);
    digits.push_str(BEGINS);
    for pair in bytes.chunks(2) {
        match *pair {
            [high, low] => digits.push_str(&format!("{:05}", u16::from_be_bytes([high, low]))),
            [last] => digits.push_str(&format!("{last:03}")),
            _ => {}
        }
    }
    digits.push_str(&check(bytes));
    digits
}

/// Reads [`to_digits`]; `None` when a digit is missing or wrong.
fn from_digits(digits: &str) -> Option<Vec<u8>> {
    if digits.len() > MAX_CODE {
        return None;
    }
    let body = digits.strip_prefix(BEGINS)?;
    let (body, said) = body.split_at_checked(body.len().checked_sub(5)?)?;
    let mut bytes = Vec::with_capacity(body.len() * 2 / 5 + 1);
    for group in body.as_bytes().chunks(5) {
        let group = std::str::from_utf8(group).ok()?;
        match group.len() {
            5 => bytes.extend_from_slice(&group.parse::<u16>().ok()?.to_be_bytes()),
            3 => bytes.push(group.parse().ok()?),
            _ => return None,
        }
    }
    (check(&bytes) == said).then_some(bytes)
}

fn check(bytes: &[u8]) -> String {
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    let [a, b, c, d, ..] = digest;
    format!("{:05}", u32::from_be_bytes([a, b, c, d]) % 100_000)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn digits_come_back(bytes in prop::collection::vec(any::<u8>(), 1..600)) {
            prop_assert_eq!(from_digits(&to_digits(&bytes)), Some(bytes));
        }
    }

    #[test]
    fn no_single_misreading_and_no_missing_end_passes() {
        let bytes: Vec<u8> = (0..=u8::MAX).collect();
        let digits = to_digits(&bytes);
        for place in 0..digits.len() {
            for other in '0'..='9' {
                let mut wrong = digits.clone();
                wrong.replace_range(place..=place, other.encode_utf8(&mut [0; 4]));
                assert_eq!(from_digits(&wrong).is_some(), wrong == digits, "{place} {other}");
            }
            assert_eq!(from_digits(&digits[..place]), None);
        }
    }

    #[test]
    fn codes_are_found_between_words_and_in_any_width() {
        assert_eq!(
            codes("宣言: ９３12345\r\n確認 9398765 2026-11-20 93 12"),
            ["9312345", "9398765"]
        );
        assert_eq!(codes(&"9300000 ".repeat(100)).len(), MOST);
    }
}
