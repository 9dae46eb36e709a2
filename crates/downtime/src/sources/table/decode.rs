//! Bytes become text: which encoding a file is in, and what to do with bytes that are none.
//!
//! A byte that cannot be read becomes U+FFFD and is reported with its column; 外字 of CP932 keep their private-use numbers.
//! A row in another encoding than its file is read in that one only where the evidence leaves no doubt.

use std::io::Read;

use encoding_rs::{EUC_JP, Encoding, SHIFT_JIS, UTF_16BE, UTF_16LE};

use super::cp932;
use super::reading::EncodingName;

/// The encoding of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    /// UTF-8.
    Utf8,
    /// Windows code page 932.
    Cp932,
    /// UTF-16, little end first.
    Utf16Le,
    /// UTF-16, big end first.
    Utf16Be,
    /// EUC-JP.
    EucJp,
}

/// How sure a text can be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// Every byte was read.
    None,
    /// Some bytes became U+FFFD.
    Replaced,
    /// The bytes are in this other encoding and were read in it.
    Other(Charset),
}

impl Charset {
    /// What the configuration names; CP932 where it leaves the choice to the bytes, of which a single field has too few.
    #[must_use]
    pub const fn of(name: EncodingName) -> Self {
        match name {
            EncodingName::Auto | EncodingName::Cp932 => Self::Cp932,
            EncodingName::Utf8 => Self::Utf8,
            EncodingName::Utf16Le => Self::Utf16Le,
            EncodingName::Utf16Be => Self::Utf16Be,
            EncodingName::EucJp => Self::EucJp,
        }
    }

    /// UTF-8, CP932 … for people.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Cp932 => "CP932（Shift_JIS）",
            Self::Utf16Le => "UTF-16LE",
            Self::Utf16Be => "UTF-16BE",
            Self::EucJp => "EUC-JP",
        }
    }

    /// The word in the configuration.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Cp932 => "cp932",
            Self::Utf16Le => "utf-16le",
            Self::Utf16Be => "utf-16be",
            Self::EucJp => "euc-jp",
        }
    }

    fn tables(self) -> &'static Encoding {
        match self {
            Self::Utf8 => encoding_rs::UTF_8,
            Self::Cp932 => SHIFT_JIS,
            Self::Utf16Le => UTF_16LE,
            Self::Utf16Be => UTF_16BE,
            Self::EucJp => EUC_JP,
        }
    }

    /// Reads bytes as text. The text lies in `bytes` where they are UTF-8 or ASCII, else in `room`.
    pub fn decode<'t>(self, bytes: &'t [u8], room: &'t mut String) -> (&'t str, Damage) {
        match self {
            Self::Utf8 => match std::str::from_utf8(bytes) {
                Ok(text) => (text, Damage::None),
                Err(_) if is_surely_cp932(bytes) => {
                    fill(SHIFT_JIS, bytes, room);
                    (room, Damage::Other(Self::Cp932))
                }
                Err(_) => {
                    fill(encoding_rs::UTF_8, bytes, room);
                    (room, Damage::Replaced)
                }
            },
            Self::Cp932 => {
                let as_utf8 = std::str::from_utf8(bytes).ok();
                match as_utf8 {
                    Some(text) if text.is_ascii() => return (text, Damage::None),
                    Some(text) if is_surely_utf8(text, 2) => return (text, Damage::Other(Self::Utf8)),
                    _ => {}
                }
                if cp932::decode(bytes, room) {
                    return (room, Damage::None);
                }
                fill_cp932(bytes, room);
                // One character alone decides only where it is none of CP932.
                match as_utf8.filter(|text| is_surely_utf8(text, 1)) {
                    Some(text) => (text, Damage::Other(Self::Utf8)),
                    None => (room, Damage::Replaced),
                }
            }
            Self::Utf16Le | Self::Utf16Be | Self::EucJp => {
                let replaced = fill(self.tables(), bytes, room);
                (room, if replaced { Damage::Replaced } else { Damage::None })
            }
        }
    }
}

/// The encoding of a file and the length of its byte order mark.
///
/// # Errors
/// What reading returns.
pub fn detect(input: &mut impl Read, configured: EncodingName) -> std::io::Result<(Charset, u64)> {
    let mut sample = vec![0; SAMPLE];
    let mut filled = read_up_to(input, &mut sample)?;
    let start = sample.get(..filled).unwrap_or_default();
    let marked = match start {
        [0xEF, 0xBB, 0xBF, ..] => Some((Charset::Utf8, 3)),
        [0xFF, 0xFE, ..] => Some((Charset::Utf16Le, 2)),
        [0xFE, 0xFF, ..] => Some((Charset::Utf16Be, 2)),
        _ => None,
    };
    let named = match configured {
        EncodingName::Auto => None,
        EncodingName::Utf8 => Some(Charset::Utf8),
        EncodingName::Cp932 => Some(Charset::Cp932),
        EncodingName::Utf16Le => Some(Charset::Utf16Le),
        EncodingName::Utf16Be => Some(Charset::Utf16Be),
        EncodingName::EucJp => Some(Charset::EucJp),
    };
    // A byte order mark is skipped only where it belongs to the encoding that the mapping names.
    match (named, marked) {
        (None, Some(marked)) => return Ok(marked),
        (Some(named), Some((charset, length))) if named == charset => return Ok((named, length)),
        (Some(named), _) => return Ok((named, 0)),
        (None, None) => {}
    }
    // Pure ASCII decides nothing: read on until something else comes.
    loop {
        let bytes = sample.get(..filled).unwrap_or_default();
        if !bytes.is_ascii() {
            return Ok((guess(bytes), 0));
        }
        if filled < SAMPLE {
            return Ok((Charset::Utf8, 0));
        }
        filled = read_up_to(input, &mut sample)?;
    }
}

/// UTF-8 where the sample is valid but for a torn character at its end, else CP932.
fn guess(bytes: &[u8]) -> Charset {
    let from = bytes.iter().position(|b| !b.is_ascii()).unwrap_or(0);
    // The sample may begin inside a character when it follows on an ASCII piece; it cannot, ASCII ends on a character.
    match std::str::from_utf8(bytes.get(from..).unwrap_or_default()) {
        Ok(_) => Charset::Utf8,
        Err(e) if e.error_len().is_none() && e.valid_up_to() > 0 => Charset::Utf8,
        // A few damaged bytes in much valid text do not make a file CP932.
        Err(_) => {
            let lossy = String::from_utf8_lossy(bytes);
            let good = lossy.chars().filter(|c| is_japanese(*c)).count();
            let bad = lossy.chars().filter(|c| *c == '\u{FFFD}').count();
            if good > bad * 20 { Charset::Utf8 } else { Charset::Cp932 }
        }
    }
}

fn read_up_to(input: &mut impl Read, into: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while let Some(space) = into.get_mut(filled..).filter(|space| !space.is_empty()) {
        match input.read(space) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(filled)
}

const SAMPLE: usize = 64 * 1024;

fn fill(tables: &'static Encoding, bytes: &[u8], room: &mut String) -> bool {
    room.clear();
    let mut decoder = tables.new_decoder_without_bom_handling();
    let need = decoder
        .max_utf8_buffer_length(bytes.len())
        .unwrap_or(bytes.len() * 3 + 16);
    room.reserve(need);
    let (_, _, replaced) = decoder.decode_to_string(bytes, room, true);
    replaced
}

/// Damaged CP932; the one byte that decoders let through though it is no character (0x80) is damage, too.
fn fill_cp932(bytes: &[u8], room: &mut String) {
    fill(SHIFT_JIS, bytes, room);
    if room.contains('\u{80}') {
        *room = room.replace('\u{80}', "\u{FFFD}");
    }
}

/// Valid UTF-8 inside a CP932 file: at least so many characters beyond ASCII, all of them Japanese text in three bytes. CP932 text
/// never looks so but by the rarest accident; half-width kana (two bytes as UTF-8) would, so they do not count.
fn is_surely_utf8(text: &str, least: usize) -> bool {
    let mut seen = 0;
    for c in text.chars().filter(|c| !c.is_ascii()) {
        if !is_japanese(c) {
            return false;
        }
        seen += 1;
    }
    seen >= least
}

/// CP932 inside a UTF-8 file: no Japanese character is valid UTF-8, as CP932 everything is Japanese text, and most of it begins
/// with bytes that no UTF-8 character begins with (torn UTF-8 read as CP932 begins with E3–E9 throughout).
fn is_surely_cp932(bytes: &[u8]) -> bool {
    let lossy = String::from_utf8_lossy(bytes);
    let bad = lossy.chars().filter(|c| *c == '\u{FFFD}').count();
    if bad < 2 || lossy.chars().any(is_japanese) {
        return false;
    }
    let mut room = String::new();
    if fill(SHIFT_JIS, bytes, &mut room) || !room.chars().filter(|c| !c.is_ascii()).all(is_japanese) {
        return false;
    }
    let (mut telling, mut other) = (0, 0);
    let mut rest = bytes.iter();
    while let Some(lead) = rest.next() {
        match lead {
            0x81..=0x9F => telling += 1,
            0xE0..=0xFC => other += 1,
            _ => continue,
        }
        rest.next();
    }
    telling >= 2 && telling > other
}

const fn is_japanese(c: char) -> bool {
    matches!(c, '\u{2010}'..='\u{2312}' | '\u{2460}'..='\u{24FF}' | '\u{2500}'..='\u{266F}' | '\u{3000}'..='\u{33FF}'
        | '\u{4E00}'..='\u{9FFF}' | '\u{20000}'..='\u{2FFFF}' | '\u{F900}'..='\u{FAFF}' | '\u{FF01}'..='\u{FF9F}' | '\u{FFE0}'..='\u{FFE6}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sjis(text: &str) -> Vec<u8> {
        SHIFT_JIS.encode(text).0.into_owned()
    }

    fn decoded(charset: Charset, bytes: &[u8]) -> (String, Damage) {
        let mut room = String::new();
        let (text, damage) = charset.decode(bytes, &mut room);
        (text.to_owned(), damage)
    }

    #[test]
    fn the_encoding_shows_itself() {
        let of = |bytes: &[u8]| detect(&mut &bytes[..], EncodingName::Auto).unwrap();
        assert_eq!(of("\u{feff}氏名".as_bytes()), (Charset::Utf8, 3));
        assert_eq!(of("氏名".as_bytes()), (Charset::Utf8, 0));
        assert_eq!(of(&sjis("氏名,髙橋")), (Charset::Cp932, 0));
        assert_eq!(of(b"\xFF\xFEa\0"), (Charset::Utf16Le, 2));
        assert_eq!(of(b"plain"), (Charset::Utf8, 0));
        let mut late = vec![b'a'; SAMPLE + 7];
        late.extend(sjis("表示"));
        assert_eq!(of(&late), (Charset::Cp932, 0));
        let mut torn = "患者番号".as_bytes().to_vec();
        torn.pop();
        assert_eq!(of(&torn), (Charset::Utf8, 0));
        let mut nicked = "患者番号と氏名".repeat(20).into_bytes();
        nicked[4] = 0xFF;
        assert_eq!(of(&nicked), (Charset::Utf8, 0));
    }

    #[test]
    fn gaiji_and_hard_second_bytes_survive() {
        assert_eq!(
            decoded(Charset::Cp932, b"\xF0\x40\x95\x5C\x83\x5C\x94\x5C"),
            ("\u{E000}表ソ能".into(), Damage::None)
        );
        assert_eq!(decoded(Charset::Cp932, b"\xFB\xFC\x8B\xB4").0, "髙橋");
    }

    #[test]
    fn damage_is_local_and_told() {
        assert_eq!(
            decoded(Charset::Cp932, b"a\xA0,b"),
            ("a\u{FFFD},b".into(), Damage::Replaced)
        );
        assert_eq!(
            decoded(Charset::Utf8, b"a\xFF,b"),
            ("a\u{FFFD},b".into(), Damage::Replaced)
        );
    }

    #[test]
    fn a_row_in_the_other_encoding_is_read_only_when_there_is_no_doubt() {
        assert_eq!(
            decoded(Charset::Cp932, "1,山田".as_bytes()),
            ("1,山田".into(), Damage::Other(Charset::Utf8))
        );
        assert_eq!(
            decoded(Charset::Utf8, &sjis("1,山田花子")),
            ("1,山田花子".into(), Damage::Other(Charset::Cp932))
        );
        assert_eq!(
            decoded(Charset::Cp932, "MARIA　B".as_bytes()),
            ("MARIA　B".into(), Damage::Other(Charset::Utf8))
        );
        // Half-width kana whose bytes happen to be valid UTF-8 stay kana.
        let kana = sjis("ﾐｶ");
        assert!(std::str::from_utf8(&kana).is_ok());
        assert_eq!(decoded(Charset::Cp932, &kana), ("ﾐｶ".into(), Damage::None));
        // One torn kanji in a UTF-8 row is damage, not CP932.
        let mut torn = "1,山田".as_bytes().to_vec();
        torn[4] = b' ';
        assert_eq!(decoded(Charset::Utf8, &torn).1, Damage::Replaced);
    }
}
