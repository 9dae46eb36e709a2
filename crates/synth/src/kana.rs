//! Half-width katakana, as old systems keep readings.

/// Full-width katakana to half-width (JIS X 0201); anything else stays as it is, the full-width blank becomes a plain one.
pub(crate) fn half_width(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for c in text.chars() {
        match PAIRS.iter().find(|(full, _)| *full == c) {
            Some((_, half)) => out.push_str(half),
            None => out.push(c),
        }
    }
    out
}

/// Half-width katakana to full-width, marks of voicing joined; anything else stays as it is.
pub(crate) fn full_width(text: &str) -> String {
    if !text.chars().any(|c| ('\u{ff61}'..='\u{ff9f}').contains(&c)) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let fitting = PAIRS.iter().filter(|(_, half)| *half != " " && rest.starts_with(half));
        match fitting.max_by_key(|(_, half)| half.len()) {
            Some((full, half)) => {
                out.push(*full);
                rest = rest.get(half.len()..).unwrap_or_default();
            }
            None => {
                out.push(first);
                rest = rest.get(first.len_utf8()..).unwrap_or_default();
            }
        }
    }
    out
}

#[rustfmt::skip]
const PAIRS: &[(char, &str)] = &[
    ('ア', "ｱ"), ('イ', "ｲ"), ('ウ', "ｳ"), ('エ', "ｴ"), ('オ', "ｵ"), ('カ', "ｶ"), ('キ', "ｷ"), ('ク', "ｸ"), ('ケ', "ｹ"), ('コ', "ｺ"),
    ('サ', "ｻ"), ('シ', "ｼ"), ('ス', "ｽ"), ('セ', "ｾ"), ('ソ', "ｿ"), ('タ', "ﾀ"), ('チ', "ﾁ"), ('ツ', "ﾂ"), ('テ', "ﾃ"), ('ト', "ﾄ"),
    ('ナ', "ﾅ"), ('ニ', "ﾆ"), ('ヌ', "ﾇ"), ('ネ', "ﾈ"), ('ノ', "ﾉ"), ('ハ', "ﾊ"), ('ヒ', "ﾋ"), ('フ', "ﾌ"), ('ヘ', "ﾍ"), ('ホ', "ﾎ"),
    ('マ', "ﾏ"), ('ミ', "ﾐ"), ('ム', "ﾑ"), ('メ', "ﾒ"), ('モ', "ﾓ"), ('ヤ', "ﾔ"), ('ユ', "ﾕ"), ('ヨ', "ﾖ"), ('ラ', "ﾗ"), ('リ', "ﾘ"),
    ('ル', "ﾙ"), ('レ', "ﾚ"), ('ロ', "ﾛ"), ('ワ', "ﾜ"), ('ヲ', "ｦ"), ('ン', "ﾝ"), ('ァ', "ｧ"), ('ィ', "ｨ"), ('ゥ', "ｩ"), ('ェ', "ｪ"),
    ('ォ', "ｫ"), ('ャ', "ｬ"), ('ュ', "ｭ"), ('ョ', "ｮ"), ('ッ', "ｯ"), ('ー', "ｰ"), ('・', "･"), ('　', " "),
    ('ガ', "ｶﾞ"), ('ギ', "ｷﾞ"), ('グ', "ｸﾞ"), ('ゲ', "ｹﾞ"), ('ゴ', "ｺﾞ"), ('ザ', "ｻﾞ"), ('ジ', "ｼﾞ"), ('ズ', "ｽﾞ"), ('ゼ', "ｾﾞ"), ('ゾ', "ｿﾞ"),
    ('ダ', "ﾀﾞ"), ('ヂ', "ﾁﾞ"), ('ヅ', "ﾂﾞ"), ('デ', "ﾃﾞ"), ('ド', "ﾄﾞ"), ('バ', "ﾊﾞ"), ('ビ', "ﾋﾞ"), ('ブ', "ﾌﾞ"), ('ベ', "ﾍﾞ"), ('ボ', "ﾎﾞ"),
    ('パ', "ﾊﾟ"), ('ピ', "ﾋﾟ"), ('プ', "ﾌﾟ"), ('ペ', "ﾍﾟ"), ('ポ', "ﾎﾟ"), ('ヴ', "ｳﾞ"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn converts() {
        assert_eq!(half_width("ヤマダ　ハナコ"), "ﾔﾏﾀﾞ ﾊﾅｺ");
        assert_eq!(half_width("ヴィンセント・ポーロ"), "ｳﾞｨﾝｾﾝﾄ･ﾎﾟｰﾛ");
    }

    /// Every reading in the banks can be written in half-width kana.
    #[test]
    fn all_readings_convert() {
        let c = crate::catalogue::Catalogue::load().expect("tables of the crate are readable");
        for name in c.families.iter().map(|n| n.kana).chain(c.given.iter().map(|n| n.kana)) {
            assert!(half_width(name).chars().all(|ch| ('ｦ'..='ﾟ').contains(&ch)), "{name}");
        }
    }
}
