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
    if !text.contains([' ', '\u{3000}']) {
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
    let wide: String = if text.chars().any(is_half_width_kana) {
        let mut out = String::with_capacity(text.len());
        let mut half = String::new();
        for c in text.chars() {
            if is_half_width_kana(c) {
                half.push(c);
                continue;
            }
            out.extend(std::mem::take(&mut half).nfkc());
            out.push(c);
        }
        out.extend(half.nfkc());
        out
    } else {
        text.to_owned()
    };
    let katakana: String = wide
        .chars()
        .map(|c| match c {
            '\u{3041}'..='\u{3096}' => char::from_u32(c as u32 + 0x60).unwrap_or(c),
            other => other,
        })
        .collect();
    written(&katakana)
}

const fn is_half_width_kana(c: char) -> bool {
    matches!(c, '\u{FF61}'..='\u{FF9F}')
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
        assert_eq!(joined("山田", ""), "山田");
    }

    #[test]
    fn readings_become_full_width_katakana() {
        assert_eq!(kana("ﾔﾏﾀﾞ ﾊﾅｺ"), "ヤマダ　ハナコ");
        assert_eq!(kana("ｶﾞｷﾞﾊﾟｳﾞｰ"), "ガギパヴー");
        assert_eq!(kana("やまだ はなこ"), "ヤマダ　ハナコ");
        assert_eq!(kana(""), "");
    }
}
