//! Half-width katakana for the items of type X that hold a reading.

/// The reading in half-width katakana, digits, capital letters and single blanks; `None` when something in it has no half-width form.
pub(crate) fn half(kana: &str) -> Option<String> {
    let mut out = String::new();
    for part in kana.split([' ', '\u{3000}']).filter(|part| !part.is_empty()) {
        if !out.is_empty() {
            out.push(' ');
        }
        for c in part.chars() {
            half_char(c, &mut out)?;
        }
    }
    Some(out)
}

const FULL: &str = "。「」、・ヲァィゥェォャュョッーアイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワン゛゜";
const VOICED: &str = "ガギグゲゴザジズゼゾダヂヅデドバビブベボ";
const UNVOICED: &str = "カキクケコサシスセソタチツテトハヒフヘホ";

fn half_char(c: char, out: &mut String) -> Option<()> {
    // Hiragana stands 0x60 before katakana.
    let c = match c {
        'ぁ'..='ゖ' => char::from_u32(c as u32 + 0x60)?,
        'ヮ' => 'ワ',
        'ヵ' => 'カ',
        'ヶ' => 'ケ',
        'ヰ' => 'イ',
        'ヱ' => 'エ',
        other => chart::id::half_width(other),
    };
    if c.is_ascii_alphanumeric() || c == '.' || c == '-' || ('｡'..='ﾟ').contains(&c) {
        out.push(c.to_ascii_uppercase());
        return Some(());
    }
    if let Some(at) = FULL.chars().position(|full| full == c) {
        out.push(char::from_u32(0xFF61 + u32::try_from(at).ok()?)?);
        return Some(());
    }
    if c == 'ヴ' {
        out.push_str("ｳﾞ");
        return Some(());
    }
    if let Some(at) = VOICED.chars().position(|voiced| voiced == c) {
        half_char(UNVOICED.chars().nth(at)?, out)?;
        out.push('ﾞ');
        return Some(());
    }
    let at = "パピプペポ".chars().position(|half_voiced| half_voiced == c)?;
    half_char("ハヒフヘホ".chars().nth(at)?, out)?;
    out.push('ﾟ');
    Some(())
}

#[cfg(test)]
mod tests {
    use super::half;

    #[test]
    fn readings_become_half_width() {
        assert_eq!(half("モギ　タロウ").as_deref(), Some("ﾓｷﾞ ﾀﾛｳ"));
        assert_eq!(half("ヴァン・ジョーンズ").as_deref(), Some("ｳﾞｧﾝ･ｼﾞｮｰﾝｽﾞ"));
        assert_eq!(half("ぱんだ").as_deref(), Some("ﾊﾟﾝﾀﾞ"));
        assert_eq!(half("ﾓｷﾞ ﾀﾛｳ").as_deref(), Some("ﾓｷﾞ ﾀﾛｳ"));
        assert_eq!(half("模擬"), None);
        let all = "ヲァィゥェォャュョッーアイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワン";
        let said = half(all).unwrap();
        assert!(said.chars().all(|c| ('ｦ'..='ﾝ').contains(&c)) && said.chars().count() == all.chars().count());
    }
}
