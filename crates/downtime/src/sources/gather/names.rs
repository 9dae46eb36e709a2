//! Names and readings as they must look in a chart: one kind of blank, full-width katakana, nothing reordered or guessed.
//!
//! Character variants (髙 﨑 𠮷, 外字) are left exactly as the EHR holds them.

use unicode_normalization::UnicodeNormalization;

/// A written name: one full-width blank between family and given name where the source separates them.
///
/// A name with a full-width blank keeps its half-width ones (`DE LA CRUZ　MARIA`); with exactly one run of half-width blanks
/// that run is the separation; with several nothing can be told and they stay.
#[must_use]
pub fn written(text: &str) -> String {
    let text = text.trim();
    let mut blanks = text.chars().filter(|c| c.is_whitespace());
    // Nearly every name has one blank of the right width, or none.
    if matches!((blanks.next(), blanks.next()), (None | Some('\u{3000}'), None)) {
        return text.to_owned();
    }
    if text.contains('\u{3000}') {
        let parts: Vec<&str> = text
            .split('\u{3000}')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .collect();
        return parts.join("\u{3000}");
    }
    let parts: Vec<&str> = text.split(' ').filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        [family, given] => format!("{family}\u{3000}{given}"),
        _ => parts.join(" "),
    }
}

/// A reading in full-width katakana, blanks as in [`written`].
#[must_use]
pub fn kana(text: &str) -> String {
    if !text.chars().any(|c| is_half_width_kana(c) || is_hiragana(c)) {
        return written(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut half = String::new();
    for c in text.chars() {
        if is_half_width_kana(c) {
            half.push(c);
            continue;
        }
        out.extend(half.nfkc());
        half.clear();
        out.push(match c {
            hiragana if is_hiragana(c) => char::from_u32(hiragana as u32 + 0x60).unwrap_or(c),
            other => other,
        });
    }
    out.extend(half.nfkc());
    written(&out)
}

const fn is_half_width_kana(c: char) -> bool {
    matches!(c, '\u{FF61}'..='\u{FF9F}')
}

const fn is_hiragana(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{3096}')
}

/// Family and given name as one.
#[must_use]
pub fn joined(family: &str, given: &str) -> String {
    match (family.trim(), given.trim()) {
        ("", given) => given.to_owned(),
        (family, "") => family.to_owned(),
        (family, given) => format!("{family}\u{3000}{given}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_between_names() {
        assert_eq!(written("山田 花子"), "山田　花子");
        assert_eq!(written(" 山田　　花子 "), "山田　花子");
        assert_eq!(written("DE LA CRUZ　MARIA"), "DE LA CRUZ　MARIA");
        assert_eq!(written("DE LA CRUZ MARIA"), "DE LA CRUZ MARIA");
        assert_eq!(written("髙橋𠮷子"), "髙橋𠮷子");
        assert_eq!(written("山田　\u{A0}花子"), "山田　花子");
        assert_eq!(joined("山田", ""), "山田");
    }

    #[test]
    fn readings_become_full_width_katakana() {
        assert_eq!(kana("ﾔﾏﾀﾞ ﾊﾅｺ"), "ヤマダ　ハナコ");
        assert_eq!(kana("ｶﾞｷﾞﾊﾟｳﾞｰ"), "ガギパヴー");
        assert_eq!(kana("やまだ はなこ"), "ヤマダ　ハナコ");
        assert_eq!(kana("ヤマダ ﾊﾅこ"), "ヤマダ　ハナコ");
        assert_eq!(kana("ヤマダ　ハナコ"), "ヤマダ　ハナコ");
        assert_eq!(kana(""), "");
    }
}
