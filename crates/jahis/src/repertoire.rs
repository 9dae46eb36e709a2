//! What a symbol can say: JIS X 0208, half-width kana and ASCII in Shift_JIS, and nothing that only one vendor's font shows.
//!
//! `encoding_rs` writes Microsoft's CP932, which is larger; its additions are kept out here. What has a plain equivalent is replaced by it
//! (table in `docs/formats/jahis-rx.md`), the rest becomes ■ as the standard says, and both are told.

use std::collections::HashMap;
use std::sync::LazyLock;

use encoding_rs::SHIFT_JIS;

/// The last resort for a character that cannot be written.
pub const UNKNOWN: char = '■';

/// A text as it can be written, and what had to be replaced for it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Clean {
    /// Without blanks at its ends, commas, quotes and line breaks.
    pub text: String,
    /// Each character that now reads differently, with what stands for it. Blanks, commas and quotes are not listed.
    pub replaced: Vec<(char, String)>,
}

/// Makes a text writable.
#[must_use]
pub fn clean(text: &str) -> Clean {
    let mut out = Clean::default();
    for c in text.chars() {
        match plain(c) {
            Some(same) => out.text.push_str(same),
            None if encode_char(c).is_some() => out.text.push(c),
            None => {
                let stands = equivalent(c);
                out.text.push_str(&stands);
                if !stands.is_empty() {
                    out.replaced.push((c, stands));
                }
            }
        }
    }
    out.text = trim(&out.text).to_owned();
    out
}

/// A name: like [`clean`], and one blank between its parts.
#[must_use]
pub fn clean_name(text: &str) -> Clean {
    let mut out = clean(text);
    out.text = out
        .text
        .split([' ', '\u{3000}'])
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    out
}

/// Bytes of a text in Shift_JIS; a character that cannot be written counts as two.
#[must_use]
pub fn width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

/// The bytes, or the first character that cannot be written.
///
/// # Errors
/// The character.
pub fn encode(text: &str) -> Result<Vec<u8>, char> {
    let mut out = Vec::with_capacity(text.len());
    for c in text.chars() {
        out.extend_from_slice(encode_char(c).ok_or(c)?.as_slice());
    }
    Ok(out)
}

/// Pieces of at most `max` bytes, cut between characters, each without blanks at its ends. `max` is at least 2.
#[must_use]
pub fn cut(text: &str, max: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut used = 0;
    for c in text.chars() {
        let bytes = char_width(c);
        if used + bytes > max {
            pieces.push(String::new());
            used = 0;
        }
        used += bytes;
        if let Some(last) = pieces.last_mut() {
            last.push(c);
        }
    }
    pieces
        .iter()
        .map(|piece| trim(piece).to_owned())
        .filter(|piece| !piece.is_empty())
        .collect()
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\u{3000}'])
}

fn char_width(c: char) -> usize {
    encode_char(c).map_or(2, |bytes| bytes.as_slice().len())
}

/// The two bytes of every character of JIS X 0208: rows 1–8 and 16–84. Row 13 (87), the rows of NEC and IBM (ED EE FA–FC) and the private ones
/// (F0–F9) are vendors' own.
static TWO_BYTES: LazyLock<HashMap<char, [u8; 2]>> = LazyLock::new(|| {
    let leads = [0x81..=0x84, 0x88..=0x9F, 0xE0..=0xEA].into_iter().flatten();
    let all = leads.flat_map(|lead| (0x40..=0xFC_u8).map(move |trail| [lead, trail]));
    all.filter_map(|bytes| {
        let (text, malformed) = SHIFT_JIS.decode_without_bom_handling(&bytes);
        let mut chars = text.chars();
        match (chars.next(), chars.next(), malformed) {
            (Some(c), None, false) => Some((c, bytes)),
            _ => None,
        }
    })
    .collect()
});

/// The bytes of a character of the repertoire.
fn encode_char(c: char) -> Option<Bytes> {
    match c {
        ' '..='~' => Some(Bytes::One(c as u8)),
        // Half-width kana stand in the order of their bytes, A1 to DF.
        '｡'..='ﾟ' => u8::try_from(c as u32 - 0xFF61 + 0xA1).ok().map(Bytes::One),
        _ => TWO_BYTES.get(&c).copied().map(Bytes::Two),
    }
}

#[derive(Clone, Copy)]
enum Bytes {
    One(u8),
    Two([u8; 2]),
}

impl Bytes {
    const fn as_slice(&self) -> &[u8] {
        match self {
            Self::One(byte) => std::slice::from_ref(byte),
            Self::Two(bytes) => bytes,
        }
    }
}

/// Characters the format itself forbids, and others that look the same in the repertoire.
const fn plain(c: char) -> Option<&'static str> {
    Some(match c {
        ',' => "，",
        '"' => "”",
        '\u{A0}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\t' | '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
            " "
        }
        '\u{2212}' => "－",
        '\u{301C}' => "～",
        '\u{2016}' => "∥",
        '\u{2014}' => "―",
        '\u{B5}' => "μ",
        '\u{2010}' | '\u{2011}' | '\u{2013}' => "-",
        '\u{A5}' => "￥",
        '\u{200B}'..='\u{200D}' | '\u{FEFF}' | '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}' => "",
        _ => return None,
    })
}

/// What stands for a character outside the repertoire.
fn equivalent(c: char) -> String {
    let one = |base: u32, first: u32| c as u32 - base + first;
    match c {
        '①'..='⑳' => format!("({})", one('①' as u32, 1)),
        'Ⅰ'..='Ⅻ' => roman(one('Ⅰ' as u32, 1)).to_owned(),
        'ⅰ'..='ⅻ' => roman(one('ⅰ' as u32, 1)).to_ascii_lowercase(),
        _ => single(c).map_or_else(
            || {
                if c.is_control() {
                    String::new()
                } else {
                    UNKNOWN.to_string()
                }
            },
            str::to_owned,
        ),
    }
}

const fn single(c: char) -> Option<&'static str> {
    Some(match c {
        '髙' => "高",
        '﨑' => "崎",
        '濵' => "浜",
        '𠮷' => "吉",
        '德' => "徳",
        '瀨' => "瀬",
        '㎎' => "mg",
        '㎏' => "kg",
        'ℓ' => "L",
        '㎖' | '㏄' => "mL",
        '㎜' => "mm",
        '㎝' => "cm",
        '㎡' => "m2",
        '№' => "No.",
        '℡' => "TEL",
        '㈱' => "(株)",
        '㍉' => "ミリ",
        '㌘' => "グラム",
        '㍑' => "リットル",
        '㌫' => "パーセント",
        '½' => "1/2",
        '¼' => "1/4",
        '¾' => "3/4",
        _ => return None,
    })
}

const fn roman(number: u32) -> &'static str {
    match number {
        1 => "I",
        2 => "II",
        3 => "III",
        4 => "IV",
        5 => "V",
        6 => "VI",
        7 => "VII",
        8 => "VIII",
        9 => "IX",
        10 => "X",
        11 => "XI",
        _ => "XII",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_one_vendor_shows_is_replaced_or_becomes_a_square() {
        for (from, to) in [
            ("髙橋　﨑", "高橋　崎"),
            ("𠮷田", "吉田"),
            ("①Ⅲ㎎", "(1)IIImg"),
            ("〜", "～"),
            ("－−", "－－"),
            ("\u{E000}川", "■川"),
            ("葛\u{E0100}城", "葛城"),
            ("a,b\"c", "a，b”c"),
            ("1回 10\u{A0}mL\r\n", "1回 10 mL"),
            ("é", "■"),
        ] {
            let cleaned = clean(from);
            assert_eq!(cleaned.text, to, "{from}");
            assert!(encode(&cleaned.text).is_ok(), "{from}");
        }
        assert_eq!(clean("髙,").replaced, [('髙', "高".to_owned())]);
        assert_eq!(clean_name("架空\u{3000}\u{3000}花子 ").text, "架空 花子");
    }

    #[test]
    fn every_character_that_is_written_comes_back_as_itself_and_is_no_separator() {
        let mut writable = 0;
        for c in (0..=0x10FFFF).filter_map(char::from_u32) {
            let Some(bytes) = encode_char(c) else { continue };
            writable += 1;
            let bytes = bytes.as_slice();
            let (back, _, wrong) = SHIFT_JIS.decode(bytes);
            assert!(!wrong && back.chars().eq([c]), "{c:?}");
            if bytes.len() == 2 {
                assert!(!bytes.iter().any(|b| [b',', b'\r', b'\n', 0x1A].contains(b)), "{c:?}");
            }
        }
        // 6,879 of JIS X 0208 with the eight line-up differences of CP932, 63 half-width kana, 95 of ASCII.
        assert_eq!(writable, 6_879 + 63 + 95);
    }

    #[test]
    fn pieces_are_cut_between_characters() {
        assert_eq!(cut("あいう", 4), ["あい", "う"]);
        assert_eq!(cut("aあいう", 4), ["aあ", "いう"]);
        assert_eq!(cut("", 4), Vec::<String>::new());
        assert_eq!(width("aあｱ"), 4);
        assert_eq!(encode("㎎"), Err('㎎'));
    }
}
