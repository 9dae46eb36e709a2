//! Text to bytes: what an encoding has is written, what it has not is said.
//!
//! It deliberately never writes `&#134071;`, a question mark, or anything else nobody asked for.

use super::{Encoding, iso2022, substitution};

/// What is done with a character that the encoding has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// Nothing is written; every such character is named in [`Unmappable`].
    Refuse,
    /// The substitution rule for SS-MIX2 (`①` becomes `(1)`, half-width kana full-width, the rest `■`), each one reported.
    Substitute,
}

/// One character that was written otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Where in the text, in bytes of UTF-8.
    pub at: usize,
    /// The character.
    pub from: char,
    /// What was written for it. `■` says that nothing fits.
    pub to: String,
}

/// Written bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// What was written otherwise.
    pub changes: Vec<Change>,
}

/// Characters that the encoding has not, with their places in the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} characters cannot be written in this encoding", .0.len())]
pub struct Unmappable(pub Vec<(usize, char)>);

/// What stands where nothing fits.
pub const NOTHING_FITS: char = '■';

/// Writes `text` in an encoding.
///
/// # Errors
/// [`Unmappable`] under [`Policy::Refuse`] when a character has no place in the encoding.
pub fn encode(text: &str, to: Encoding, policy: Policy) -> Result<Encoded, Unmappable> {
    let mut writing = Writing {
        to,
        bytes: Vec::with_capacity(text.len() + 16),
        kanji: false,
    };
    let mut changes = Vec::new();
    let mut refused = Vec::new();
    let mut characters = text.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        if writing.put(c) {
            continue;
        }
        if policy == Policy::Refuse {
            refused.push((at, c));
            continue;
        }
        let joined = characters.peek().and_then(|(_, mark)| substitution::voiced(c, *mark));
        let instead = match joined {
            Some(kana) => {
                characters.next();
                kana.to_string()
            }
            None => substitution::for_character(c).map_or(NOTHING_FITS.to_string(), ToOwned::to_owned),
        };
        let written = instead.chars().all(|c| writing.put(c));
        debug_assert!(written, "the rule only names characters of JIS X 0208");
        changes.push(Change {
            at,
            from: c,
            to: instead,
        });
    }
    writing.ascii();
    if refused.is_empty() {
        let bytes = writing.bytes;
        Ok(Encoded { bytes, changes })
    } else {
        Err(Unmappable(refused))
    }
}

struct Writing {
    to: Encoding,
    bytes: Vec<u8>,
    /// ISO-2022-JP: the state is JIS X 0208.
    kanji: bool,
}

impl Writing {
    /// Writes one character, or says that the encoding has not got it and writes nothing.
    fn put(&mut self, c: char) -> bool {
        if c.is_ascii() && !matches!(self.to, Encoding::Utf16Le | Encoding::Utf16Be) {
            // An escape in the text would be an escape in the bytes.
            if c == '\u{1b}' && self.to == Encoding::Iso2022Jp {
                return false;
            }
            self.ascii();
            self.bytes.extend(u8::try_from(c));
            return true;
        }
        match self.to {
            Encoding::Iso2022Jp => match strict_0208(c) {
                Some(pair) => {
                    if !self.kanji {
                        self.bytes.extend_from_slice(b"\x1b$B");
                        self.kanji = true;
                    }
                    self.bytes.extend_from_slice(&pair);
                    true
                }
                None => false,
            },
            Encoding::Cp932 => self.foreign(encoding_rs::SHIFT_JIS, c),
            Encoding::EucJp => self.foreign(encoding_rs::EUC_JP, c),
            Encoding::Utf8 => {
                self.bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                true
            }
            Encoding::Utf16Le | Encoding::Utf16Be => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let pair = if self.to == Encoding::Utf16Le {
                        unit.to_le_bytes()
                    } else {
                        unit.to_be_bytes()
                    };
                    self.bytes.extend_from_slice(&pair);
                }
                true
            }
        }
    }

    /// Back to ASCII: before every delimiter and at the end.
    fn ascii(&mut self) {
        if self.kanji {
            self.bytes.extend_from_slice(b"\x1b(B");
            self.kanji = false;
        }
    }

    fn foreign(&mut self, encoding: &'static encoding_rs::Encoding, c: char) -> bool {
        let Some((pair, len)) = foreign(encoding, windows(c)) else {
            return false;
        };
        self.bytes.extend_from_slice(pair.get(..len).unwrap_or(&[]));
        true
    }
}

/// The same character of JIS X 0208 under the number that Windows gives it.
const fn windows(c: char) -> char {
    match c {
        '〜' => '～',
        '‖' => '∥',
        '—' => '―',
        '−' => '－',
        '¢' => '￠',
        '£' => '￡',
        '¬' => '￢',
        '¥' => '￥',
        other => other,
    }
}

fn foreign(encoding: &'static encoding_rs::Encoding, c: char) -> Option<([u8; 8], usize)> {
    // The encoders write these as the ASCII bytes they look like.
    if c == '\u{203e}' {
        return None;
    }
    let mut bytes = [0_u8; 8];
    let mut text = [0_u8; 4];
    let (result, _, len) =
        encoding
            .new_encoder()
            .encode_from_utf8_without_replacement(c.encode_utf8(&mut text), &mut bytes, true);
    matches!(result, encoding_rs::EncoderResult::InputEmpty).then_some((bytes, len))
}

/// A pair of JIS X 0208 itself, without the rows of NEC and IBM.
fn strict_0208(c: char) -> Option<[u8; 2]> {
    let (bytes, len) = foreign(encoding_rs::EUC_JP, windows(c))?;
    let [first @ 0xA1..=0xF4, second @ 0xA1..=0xFE, ..] = bytes else {
        return None;
    };
    let (first, second) = (first & 0x7F, second & 0x7F);
    // Row 13 is NEC's; 0x79 and beyond were left out by the pattern.
    let standard = len == 2 && first != 0x2D && iso2022::jis0208(first, second).is_some();
    standard.then_some([first, second])
}

#[cfg(test)]
mod tests {
    use super::super::decode_as;
    use super::*;

    fn strict(text: &str) -> Result<Vec<u8>, Unmappable> {
        encode(text, Encoding::Iso2022Jp, Policy::Refuse).map(|encoded| encoded.bytes)
    }

    #[test]
    fn the_bytes_of_the_specification() {
        let name = strict("日出男").unwrap();
        assert_eq!(name, b"\x1b\x24\x42\x46\x7c\x3d\x50\x43\x4b\x1b\x28\x42");
    }

    #[test]
    fn ascii_stands_around_every_delimiter() {
        let written = strict("模擬^日出男|M\r京").unwrap();
        assert_eq!(decode_as(&written, Encoding::Iso2022Jp).text, "模擬^日出男|M\r京");
        let mut kanji = false;
        for (at, byte) in written.iter().enumerate() {
            match written.get(at..at + 3) {
                Some(b"\x1b$B") => kanji = true,
                Some(b"\x1b(B") => kanji = false,
                _ => assert!(!kanji || *byte != b'\r'),
            }
        }
        assert!(!kanji);
    }

    #[test]
    fn what_jis_x_0208_has_not_is_refused() {
        for text in ["𠮷田", "髙橋", "①", "ｱ", "㈱", "‾", "é", "\u{1b}"] {
            let Unmappable(refused) = strict(text).unwrap_err();
            assert_eq!(refused.first(), text.char_indices().next().as_ref(), "{text}");
        }
    }

    #[test]
    fn what_is_written_otherwise_is_said() {
        let encoded = encode("①ｶﾞﾊﾟｱ髙𠮷㎎", Encoding::Iso2022Jp, Policy::Substitute).unwrap();
        let changes: Vec<_> = encoded
            .changes
            .iter()
            .map(|change| (change.from, change.to.as_str()))
            .collect();
        assert_eq!(
            changes,
            [
                ('①', "(1)"),
                ('ｶ', "ガ"),
                ('ﾊ', "パ"),
                ('ｱ', "ア"),
                ('髙', "■"),
                ('𠮷', "■"),
                ('㎎', "mg")
            ]
        );
        assert_eq!(decode_as(&encoded.bytes, Encoding::Iso2022Jp).text, "(1)ガパア■■mg");
    }

    #[test]
    fn the_signs_with_two_numbers_are_the_same_signs() {
        for text in ["〜", "～", "−", "－", "¥", "￥", "—", "‖"] {
            assert!(strict(text).is_ok(), "{text}");
            assert!(encode(text, Encoding::Cp932, Policy::Refuse).is_ok(), "{text}");
        }
    }

    #[test]
    fn windows_has_more() {
        for text in ["髙﨑①㈱", "ｱｲｳ"] {
            let bytes = encode(text, Encoding::Cp932, Policy::Refuse).unwrap().bytes;
            assert_eq!(decode_as(&bytes, Encoding::Cp932).text, text);
        }
        assert!(encode("𠮷", Encoding::Cp932, Policy::Refuse).is_err());
        let bytes = encode("𠮷", Encoding::Utf8, Policy::Refuse).unwrap().bytes;
        assert_eq!(bytes, "𠮷".as_bytes());
    }
}
