//! Secrets as text for paper, eyes and scanners: Crockford base32, decimal digits, and the check characters of both.
//! Also base64, for the one text others read (see [`crate::checkpoint`]).
//!
//! | form | check | after |
//! |---|---|---|
//! | digits | 2 digits, MOD 97-10 | ISO/IEC 7064 |
//! | base32 | 2 characters, MOD 1021-32 | the pure system of ISO/IEC 7064 with the largest prime below 32² |
//!
//! Both systems find every single wrong character and every swap of neighbours, because both moduli are prime and
//! neither divides the radix minus one. What people and keyboards do to text is undone before anything is judged:
//! full-width characters, lower case, spaces, hyphens, and in base32 the letters I, L and O.
//!
//! It deliberately corrects nothing: a guess at a secret is not a secret.

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// The alphabet of Crockford's base32: no I, L, O (read as 1, 1, 0) and no U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Characters of a printed group.
const GROUP: usize = 4;
/// Longest text that is looked at, in characters: a few times the longest code.
const MAX_TEXT: usize = 1024;
const CHECK_32: u32 = 1021;
const CHECK_10: u32 = 97;

/// What is wrong with a code that was typed or scanned. Nothing was opened with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextFault {
    /// Nothing was typed or scanned.
    #[error("there is no code; nothing was opened; type or scan it")]
    Empty,
    /// Characters are missing or too many.
    #[error("the code has {found} characters where {expected} are needed; nothing was opened; type or scan it again")]
    Length {
        /// Characters found, separators not counted.
        found: usize,
        /// Characters needed.
        expected: usize,
    },
    /// A character that no code of this kind has.
    #[error(
        "the character “{found}” (number {place} of the code) does not occur in such a code; nothing was opened; read it again"
    )]
    Character {
        /// The character.
        found: char,
        /// Its place, from 1, separators not counted.
        place: usize,
    },
    /// The check characters do not match.
    #[error("one character of the code is wrong, or two are swapped; nothing was opened; compare it with the paper")]
    Check,
    /// A code of another kind: a badge where an envelope is needed, or something else that was scanned.
    #[error("this is the code of something else; nothing was opened; use the one that is asked for")]
    OtherKind,
    /// Check characters match, but no such code is ever printed.
    #[error("this code was not printed by this program; nothing was opened; use the one that is asked for")]
    Impossible,
}

/// `bytes`, read as one big-endian number, as the last `chars` base32 characters of it, with two check characters, in
/// groups of four.
pub(crate) fn to_base32(bytes: &[u8], chars: usize) -> Zeroizing<String> {
    let mut values = Zeroizing::new(vec![0_u8; chars]);
    let mut rest = bytes.iter().rev();
    let (mut held, mut bits) = (0_u32, 0_u32);
    for value in values.iter_mut().rev() {
        if bits < 5 {
            held |= u32::from(rest.next().copied().unwrap_or(0)) << bits;
            bits += 8;
        }
        *value = low_byte(held & 31);
        held >>= 5;
        bits -= 5;
    }
    let check = check_32(&values);
    let mut text = Zeroizing::new(String::with_capacity(chars * 2 + 4));
    for (n, value) in values.iter().chain(&check).enumerate() {
        if n > 0 && n % GROUP == 0 {
            text.push('-');
        }
        text.push(
            ALPHABET
                .get(usize::from(*value))
                .map_or('?', |letter| char::from(*letter)),
        );
    }
    text
}

/// Reads what [`to_base32`] wrote from `chars` characters and two check characters, as a number of `N` bytes.
pub(crate) fn from_base32<const N: usize>(text: &str, chars: usize) -> Result<Zeroizing<[u8; N]>, TextFault> {
    let values = read_values(text, chars + 2, base32_value)?;
    let (data, check) = values.split_last_chunk::<2>().ok_or(TextFault::Empty)?;
    if check_32(data) != *check {
        return Err(TextFault::Check);
    }
    let mut bytes = Zeroizing::new([0; N]);
    let mut places = bytes.iter_mut().rev();
    let (mut held, mut bits) = (0_u32, 0_u32);
    for value in data.iter().rev() {
        held |= u32::from(*value) << bits;
        bits += 5;
        if bits >= 8 {
            match places.next() {
                Some(place) => *place = low_byte(held & 255),
                None if held & 255 != 0 => return Err(TextFault::Impossible),
                None => {}
            }
            held >>= 8;
            bits -= 8;
        }
    }
    match places.next() {
        Some(place) => *place = low_byte(held),
        None if held != 0 => return Err(TextFault::Impossible),
        None => {}
    }
    Ok(bytes)
}

/// `digits`, which are decimal digits, followed by their two check digits.
pub(crate) fn with_check_digits(digits: &str) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(digits.len() + 2));
    text.push_str(digits);
    let values = digits.bytes().map(|digit| digit.wrapping_sub(b'0'));
    text.push_str(&format!("{:02}", check_10(values)));
    text
}

/// Reads `digits` decimal digits and their two check digits, and gives back the former.
pub(crate) fn read_digits(text: &str, digits: usize) -> Result<Zeroizing<String>, TextFault> {
    let values = read_values(text, digits + 2, |letter| letter.to_digit(10).map(low_byte))?;
    let (data, [tens, ones]) = values.split_last_chunk::<2>().ok_or(TextFault::Empty)?;
    if check_10(data.iter().copied()) != u32::from(*tens) * 10 + u32::from(*ones) {
        return Err(TextFault::Check);
    }
    let mut plain = Zeroizing::new(String::with_capacity(digits));
    plain.extend(data.iter().map(|value| char::from(b'0' + value)));
    Ok(plain)
}

/// The 39 digits of a 128-bit number.
pub(crate) fn decimal_128(bytes: &[u8; 16]) -> Zeroizing<String> {
    Zeroizing::new(format!("{:039}", u128::from_be_bytes(*bytes)))
}

/// The 128-bit number of 39 digits: three in four numbers of 39 digits are too large for one.
pub(crate) fn from_decimal_128(digits: &str) -> Result<Zeroizing<[u8; 16]>, TextFault> {
    let number: u128 = digits.parse().map_err(|_| TextFault::Impossible)?;
    Ok(Zeroizing::new(number.to_be_bytes()))
}

/// Standard base64 with padding (RFC 4648 §4).
pub(crate) fn to_base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = (0..3).fold(0_u32, |word, n| word << 8 | chunk.get(n).copied().map_or(0, u32::from));
        for n in 0..4 {
            let sextet = low_byte(word >> (18 - 6 * n) & 63);
            text.push(if n <= chunk.len() { base64_letter(sextet) } else { '=' });
        }
    }
    text
}

/// Reads base64 of exactly `N` bytes. Whether it was the one canonical text for them, the caller checks by writing it.
pub(crate) fn from_base64<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != N.div_ceil(3) * 4 {
        return None;
    }
    let mut bytes = [0; N];
    let mut places = bytes.iter_mut();
    for chunk in text.as_bytes().chunks(4) {
        let mut word = 0;
        for letter in chunk {
            let sextet = if *letter == b'=' { 0 } else { base64_value(*letter)? };
            word = word << 6 | sextet;
        }
        for byte in word.to_be_bytes().iter().skip(1) {
            if let Some(place) = places.next() {
                *place = *byte;
            }
        }
    }
    Some(bytes)
}

fn base64_letter(sextet: u8) -> char {
    char::from(match sextet {
        0..=25 => b'A' + sextet,
        26..=51 => b'a' + (sextet - 26),
        52..=61 => b'0' + (sextet - 52),
        62 => b'+',
        _ => b'/',
    })
}

fn base64_value(letter: u8) -> Option<u32> {
    (0..64)
        .find(|sextet| base64_letter(*sextet) == char::from(letter))
        .map(u32::from)
}

/// The values of `expected` characters; everything that is no separator must have one.
fn read_values(
    text: &str,
    expected: usize,
    value: impl Fn(char) -> Option<u8>,
) -> Result<Zeroizing<Vec<u8>>, TextFault> {
    let mut values = Zeroizing::new(Vec::with_capacity(expected));
    let mut found = 0;
    let letters = text.chars().take(MAX_TEXT).nfkc();
    for letter in letters.filter(|letter| !is_separator(*letter)) {
        found += 1;
        let value = value(letter).ok_or(TextFault::Character {
            found: letter,
            place: found,
        })?;
        if found <= expected {
            values.push(value);
        }
    }
    match found {
        0 => Err(TextFault::Empty),
        found if found != expected => Err(TextFault::Length { found, expected }),
        _ => Ok(values),
    }
}

/// Spaces, and everything that looks like the hyphen between groups, the Japanese long-vowel mark included: it is on
/// the hyphen's key when the input method is on.
fn is_separator(letter: char) -> bool {
    letter.is_whitespace() || matches!(letter, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{30FC}')
}

fn base32_value(letter: char) -> Option<u8> {
    let letter = match letter.to_ascii_uppercase() {
        'I' | 'L' => '1',
        'O' => '0',
        other => other,
    };
    (0_u8..)
        .zip(ALPHABET)
        .find(|(_, known)| char::from(**known) == letter)
        .map(|(value, _)| value)
}

/// The two characters after which the whole, as a number of radix 32, leaves 1 when divided by 1021.
fn check_32(values: &[u8]) -> [u8; 2] {
    let sum = values
        .iter()
        .fold(0, |sum, value| (sum * 32 + u32::from(*value)) % CHECK_32);
    let check = (1 + CHECK_32 - sum * 32 * 32 % CHECK_32) % CHECK_32;
    [low_byte(check / 32), low_byte(check % 32)]
}

/// The two digits (as a number) after which the whole leaves 1 when divided by 97: 02 to 98.
fn check_10(digits: impl Iterator<Item = u8>) -> u32 {
    let sum = digits.fold(0, |sum, digit| (sum * 10 + u32::from(digit)) % CHECK_10);
    CHECK_10 + 1 - sum * 100 % CHECK_10
}

fn low_byte(value: u32) -> u8 {
    let [low, ..] = value.to_le_bytes();
    low
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_answers() {
        // ISO/IEC 7064: the check digits of 794 under MOD 97-10 are 44.
        assert_eq!(*with_check_digits("794"), "79444");
        assert_eq!(*read_digits("794 44", 3).unwrap(), "794");
        // RFC 4648 §10.
        for (plain, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(to_base64(plain.as_bytes()), text);
        }
        assert_eq!(from_base64::<2>("Zm8="), Some(*b"fo"));
        assert_eq!(from_base64::<2>("Zm8"), None);
        assert_eq!(from_base64::<2>("Zm*="), None);
        // 1 in 3 characters: 0, 0, 1; then 1·32² mod 1021 is 3, and 3 + 1019 leaves 1: 1019 is Z and V.
        assert_eq!(*to_base32(&[1], 3), "001Z-V");
        assert_eq!(*from_base32::<1>("ool z‐ⅴ", 3).unwrap(), [1]);
    }

    #[test]
    fn a_number_too_large_for_its_bytes_is_refused() {
        for chars in [2, 3, 4] {
            let text = to_base32(&[1, 0], chars);
            assert_eq!(
                from_base32::<1>(&text, chars),
                Err(TextFault::Impossible),
                "256 in a byte"
            );
        }
        let text = to_base32(&[1, 0], 3);
        assert_eq!(*from_base32::<2>(&text, 3).unwrap(), [1, 0]);
        assert_eq!(
            from_decimal_128("340282366920938463463374607431768211456"),
            Err(TextFault::Impossible)
        );
        assert_eq!(*from_decimal_128(&decimal_128(&[255; 16])).unwrap(), [255; 16]);
    }

    proptest! {
        #[test]
        fn base64_comes_back(bytes in any::<[u8; 32]>(), longer in any::<[u8; 68]>()) {
            prop_assert_eq!(from_base64::<32>(&to_base64(&bytes)), Some(bytes));
            prop_assert_eq!(from_base64::<68>(&to_base64(&longer)), Some(longer));
        }

        #[test]
        fn base32_comes_back(bytes in any::<[u8; 16]>()) {
            prop_assert_eq!(*from_base32::<16>(&to_base32(&bytes, 26), 26).unwrap(), bytes);
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in "\\PC{0,80}") {
            let _ = from_base32::<16>(&text, 26);
            let _ = read_digits(&text, 49);
            let _ = from_base64::<32>(&text);
        }
    }
}
