//! Which encoding the bytes of a message are in.
//!
//! What the bytes can be decides; MSH-18 is asked only where several encodings fit, for hospitals' systems write `~ISO IR87` over
//! anything. It deliberately looks at whole messages only: a few bytes of Japanese fit many encodings.

use super::Encoding;

/// How far MSH-18 is looked for.
const MAX_HEADER: usize = 4_096;

/// UTF-16, by its byte order mark or by a header whose every second byte is zero.
#[must_use]
pub fn is_utf16(bytes: &[u8]) -> bool {
    utf16(bytes).is_some()
}

fn utf16(bytes: &[u8]) -> Option<Encoding> {
    match bytes {
        [0xFF, 0xFE, ..] | [b'M', 0, b'S', 0, ..] => Some(Encoding::Utf16Le),
        [0xFE, 0xFF, ..] | [0, b'M', 0, b'S', ..] => Some(Encoding::Utf16Be),
        _ => None,
    }
}

/// What MSH-18 says, where it is something known. `~ISO IR87` has an empty first repetition, which means ASCII.
#[must_use]
pub fn declared(bytes: &[u8]) -> Option<Encoding> {
    let head = bytes.get(..MAX_HEADER).unwrap_or(bytes);
    let begin = memchr::memmem::find(head, b"MSH").filter(|at| *at <= 16)?;
    let head = head.get(begin..)?;
    let line = head.split(|byte| *byte == b'\r' || *byte == b'\n').next()?;
    let separator = *line.get(3)?;
    // MSH-1 is the separator itself, so the field behind the seventeenth one is MSH-18.
    let field = line.split(|byte| *byte == separator).nth(17)?;
    field.split(|byte| *byte == b'~').find_map(known)
}

fn known(set: &[u8]) -> Option<Encoding> {
    let letters: String = set
        .iter()
        .filter(|byte| byte.is_ascii_alphanumeric())
        .map(|byte| char::from(byte.to_ascii_uppercase()))
        .take(32)
        .collect();
    match letters.as_str() {
        "ISOIR87" | "ISOIR159" | "ISOIR14" | "ISOIR13" | "ISO2022JP" | "JIS" => Some(Encoding::Iso2022Jp),
        "UNICODEUTF8" | "UTF8" => Some(Encoding::Utf8),
        "CP932" | "SHIFTJIS" | "SJIS" | "MS932" | "WINDOWS31J" => Some(Encoding::Cp932),
        "EUCJP" | "EUC" => Some(Encoding::EucJp),
        _ => None,
    }
}

/// The encoding to read these bytes as.
pub fn sniff(bytes: &[u8], declared: Option<Encoding>) -> Encoding {
    if bytes.starts_with(b"\xEF\xBB\xBF") {
        return Encoding::Utf8;
    }
    if let Some(wide) = utf16(bytes) {
        return wide;
    }
    if bytes.is_ascii() {
        return match declared {
            // Without an escape ASCII is the same in all of them.
            Some(other) if memchr::memchr(0x1B, bytes).is_none() => other,
            _ => Encoding::Iso2022Jp,
        };
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        // Two half-width kana of CP932 look like one accented letter; kanji and kana of UTF-8 have three bytes.
        let kana = declared == Some(Encoding::Cp932) && text.chars().all(|c| c.len_utf8() < 3);
        return if kana && clean(bytes, Encoding::Cp932) {
            Encoding::Cp932
        } else {
            Encoding::Utf8
        };
    }
    let kanji_in = memchr::memmem::find(bytes, b"\x1b$").is_some();
    match declared {
        Some(said @ (Encoding::Cp932 | Encoding::EucJp)) if clean(bytes, said) => said,
        // Escapes to kanji, and bytes that ISO-2022-JP has not: more of it is what it says than anything else.
        _ if kanji_in => Encoding::Iso2022Jp,
        _ if clean(bytes, Encoding::Cp932) => Encoding::Cp932,
        _ if clean(bytes, Encoding::EucJp) => Encoding::EucJp,
        Some(Encoding::Utf8) => Encoding::Utf8,
        _ if mostly_utf8(bytes) => Encoding::Utf8,
        _ => Encoding::Cp932,
    }
}

/// Reads without a malformed byte.
fn clean(bytes: &[u8], encoding: Encoding) -> bool {
    let by = match encoding {
        Encoding::Cp932 => encoding_rs::SHIFT_JIS,
        _ => encoding_rs::EUC_JP,
    };
    by.decode_without_bom_handling_and_without_replacement(bytes).is_some()
}

/// A damaged UTF-8 text: most of its bytes beyond ASCII belong to sound characters.
fn mostly_utf8(bytes: &[u8]) -> bool {
    let (mut sound, mut broken) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        sound += chunk.valid().bytes().filter(|byte| !byte.is_ascii()).count();
        broken += chunk.invalid().len();
    }
    sound > 3 * broken
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(set: &str, name: &[u8]) -> Vec<u8> {
        let head = format!("MSH|^~\\&|HIS|KAKU|GW|RCV|20261120||ADT^A08|1|P|2.5||||||{set}\rPID|1||1||");
        [head.as_bytes(), name, b"\r"].concat()
    }

    fn found(set: &str, name: &[u8]) -> Encoding {
        let bytes = message(set, name);
        sniff(&bytes, declared(&bytes))
    }

    #[test]
    fn the_header_is_read_in_every_spelling() {
        let said = |set: &str| declared(&message(set, b""));
        for set in ["~ISO IR87", "~ISOIR87", "ISO IR87", "ASCII~ISO IR87~ISO IR159"] {
            assert_eq!(said(set), Some(Encoding::Iso2022Jp), "{set}");
        }
        assert_eq!(said("UNICODE UTF-8"), Some(Encoding::Utf8));
        assert_eq!(said("~SHIFT_JIS"), Some(Encoding::Cp932));
        assert_eq!(said("8859/1"), None);
        assert_eq!(declared(b"MSH"), None);
    }

    #[test]
    fn the_bytes_decide_whatever_the_header_says() {
        let sjis: &[u8] = b"\x96\xcd\x8b\x5b\x5e\x93\xfa\x8f\x6f\x92\x6a";
        for set in ["~ISO IR87", "UNICODE UTF-8", "", "CP932"] {
            assert_eq!(found(set, sjis), Encoding::Cp932, "{set}");
            assert_eq!(found(set, "模擬^日出男".as_bytes()), Encoding::Utf8, "{set}");
            assert_eq!(found(set, b"\x1b$BLO5<\x1b(B"), Encoding::Iso2022Jp, "{set}");
        }
        assert_eq!(
            found("~ISO IR87", b"\xcc\xcf\xb5\xbc^\xc6\xfc\xbd\xd0\xc3\xcb\xa4\xa2"),
            Encoding::EucJp
        );
    }

    #[test]
    fn marks_and_wide_characters() {
        assert_eq!(sniff(b"\xEF\xBB\xBFMSH|", None), Encoding::Utf8);
        assert_eq!(sniff(b"\xFF\xFEM\0S\0H\0", None), Encoding::Utf16Le);
        assert_eq!(sniff(b"M\0S\0H\0", None), Encoding::Utf16Le);
        assert_eq!(sniff(b"\0M\0S\0H", None), Encoding::Utf16Be);
    }
}
