//! Escape sequences inside text: undone when read, made when written.
//!
//! What is not understood (a charset switch `\C..\`, a site's own `\Z..\`, a lone backslash) stays as it is written: a reader sees it.

use std::borrow::Cow;

use crate::Delimiters;

/// Longest escape sequence that is looked for, both escape characters not counted: `\X` of a few bytes.
const MAX_SEQUENCE: usize = 64;

/// The text that `raw` means.
#[must_use]
pub fn undo(raw: &str, delimiters: Delimiters) -> Cow<'_, str> {
    let Some(first) = memchr::memchr(delimiters.escape, raw.as_bytes()) else {
        return Cow::Borrowed(raw);
    };
    let mut text = String::with_capacity(raw.len());
    text.push_str(raw.get(..first).unwrap_or(""));
    let mut rest = raw.get(first..).unwrap_or("");
    while let Some(behind) = rest.get(1..) {
        let end = memchr::memchr(delimiters.escape, behind.as_bytes()).filter(|end| *end <= MAX_SEQUENCE);
        let meant = end
            .and_then(|end| behind.get(..end))
            .and_then(|name| meaning(name, delimiters).map(|meant| (name.len(), meant)));
        rest = match meant {
            Some((len, meant)) => {
                text.push_str(&meant);
                behind.get(len + 1..).unwrap_or("")
            }
            None => {
                text.push(char::from(delimiters.escape));
                behind
            }
        };
        let until = memchr::memchr(delimiters.escape, rest.as_bytes()).unwrap_or(rest.len());
        text.push_str(rest.get(..until).unwrap_or(""));
        rest = rest.get(until..).unwrap_or("");
    }
    Cow::Owned(text)
}

/// What stands for `\name\`.
fn meaning(name: &str, delimiters: Delimiters) -> Option<Cow<'static, str>> {
    let one = |byte: u8| Some(Cow::Owned(char::from(byte).to_string()));
    match name {
        "F" => one(delimiters.field),
        "S" => one(delimiters.component),
        "T" => one(delimiters.sub),
        "R" => one(delimiters.repetition),
        "E" => one(delimiters.escape),
        "H" | "N" => Some(Cow::Borrowed("")),
        ".br" | ".sp" => Some(Cow::Borrowed("\n")),
        _ => hex(name.strip_prefix('X')?),
    }
}

/// `\Xhh..\`: bytes of UTF-8 or ASCII; carriage returns become line breaks, as for `\.br\`.
fn hex(digits: &str) -> Option<Cow<'static, str>> {
    let digits = digits.as_bytes();
    if digits.is_empty() || digits.len() % 2 != 0 {
        return None;
    }
    let value = |digit: u8| char::from(digit).to_digit(16);
    let mut bytes = Vec::with_capacity(digits.len() / 2);
    for pair in digits.chunks_exact(2) {
        let [high, low] = pair else { return None };
        bytes.push(u8::try_from(value(*high)? * 16 + value(*low)?).ok()?);
    }
    let text = String::from_utf8(bytes).ok()?;
    // A NUL or an escape from a message must not reach a screen or a printer.
    let shown = text.replace("\r\n", "\n").replace('\r', "\n");
    shown
        .chars()
        .all(|c| !c.is_control() || c == '\n' || c == '\t')
        .then_some(Cow::Owned(shown))
}

/// `text` as it is written into a component or sub-component: every delimiter escaped, line breaks as `\.br\`.
#[must_use]
pub fn make(text: &str, delimiters: Delimiters) -> Cow<'_, str> {
    let [field, component, repetition, escape, sub] = delimiters.all();
    let special = |byte: u8| delimiters.all().contains(&byte) || byte.is_ascii_control();
    if !text.bytes().any(special) {
        return Cow::Borrowed(text);
    }
    let mark = char::from(escape);
    let mut written = String::with_capacity(text.len() + 8);
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        let name = match u8::try_from(c) {
            Ok(byte) if byte == field => "F",
            Ok(byte) if byte == component => "S",
            Ok(byte) if byte == sub => "T",
            Ok(byte) if byte == repetition => "R",
            Ok(byte) if byte == escape => "E",
            Ok(b'\r') if characters.peek() == Some(&'\n') => continue,
            Ok(b'\r' | b'\n') => ".br",
            Ok(byte) if byte.is_ascii_control() => {
                written.push_str(&format!("{mark}X{byte:02X}{mark}"));
                continue;
            }
            _ => {
                written.push(c);
                continue;
            }
        };
        written.push(mark);
        written.push_str(name);
        written.push(mark);
    }
    Cow::Owned(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(raw: &str) -> Cow<'_, str> {
        undo(raw, Delimiters::default())
    }

    #[test]
    fn the_delimiters_come_back() {
        assert_eq!(read(r"a\F\b\S\c\T\d\R\e\E\f"), r"a|b^c&d~e\f");
        assert_eq!(read(r"10\S\3/uL"), "10^3/uL");
    }

    #[test]
    fn lines_highlighting_and_bytes() {
        assert_eq!(read(r"一行目\.br\二行目"), "一行目\n二行目");
        assert_eq!(read(r"\H\注意\N\する"), "注意する");
        assert_eq!(read(r"\X0D0A\x\XE58CBB\"), "\nx医");
    }

    #[test]
    fn what_is_not_understood_stays() {
        for raw in [
            r"m\S",
            r"C:\dir\file\",
            r"\C2842\x",
            r"\X0\",
            r"\XZZ\",
            r"\X00\",
            r"\Zown\",
            r"\",
            r"\\",
        ] {
            assert_eq!(read(raw), raw);
        }
        assert_eq!(read(r"\\F\"), r"\|", "a lone mark does not hide the next sequence");
    }

    #[test]
    fn text_without_a_mark_is_not_copied() {
        assert!(matches!(read("模擬"), Cow::Borrowed(_)));
        assert!(matches!(make("模擬 60%", Delimiters::default()), Cow::Borrowed(_)));
    }

    #[test]
    fn written_and_read_again() {
        for text in [r"a|b^c~d\e&f", "一\r\n二\n三\r四", r"\F\ itself", ""] {
            let usual = Delimiters::default();
            let written = make(text, usual);
            assert!(!written.contains(['|', '^', '~', '&', '\r', '\n']), "{written}");
            let meant = text.replace("\r\n", "\n").replace('\r', "\n");
            assert_eq!(undo(&written, usual), meant);
        }
    }
}
