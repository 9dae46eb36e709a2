//! What the National Hospital Organization's rule for SS-MIX2 writes for characters that JIS X 0208 has not.
//!
//! Its table leaves out the extension kanji of IBM (髙 﨑): they become ■ like every other character it does not name, and the caller
//! is told. Half-width kana become full-width, voiced marks joined.

/// What stands for a character; `None` when the rule has nothing but ■.
pub fn for_character(c: char) -> Option<&'static str> {
    let number = |first: char| {
        u32::from(c)
            .checked_sub(u32::from(first))
            .and_then(|at| usize::try_from(at).ok())
    };
    let listed = |first: char, list: &[&'static str]| number(first).and_then(|at| list.get(at).copied());
    listed('①', &CIRCLED)
        .or_else(|| listed('Ⅰ', &ROMAN))
        .or_else(|| listed('ⅰ', &SMALL_ROMAN))
        .or_else(|| listed('\u{FF61}', &KANA))
        .or_else(|| OTHERS.iter().find(|(from, _)| *from == c).map(|(_, to)| *to))
}

/// A half-width kana with its voiced mark behind it, as one full-width kana.
pub fn voiced(kana: char, mark: char) -> Option<char> {
    let voiced = match mark {
        'ﾞ' => true,
        'ﾟ' => false,
        _ => return None,
    };
    let full = for_character(kana)?.chars().next()?;
    let next = |by: u32| char::from_u32(u32::from(full) + by);
    match full {
        'ハ' | 'ヒ' | 'フ' | 'ヘ' | 'ホ' => next(if voiced { 1 } else { 2 }),
        'ウ' if voiced => Some('ヴ'),
        'カ' | 'キ' | 'ク' | 'ケ' | 'コ' | 'サ' | 'シ' | 'ス' | 'セ' | 'ソ' | 'タ' | 'チ' | 'ツ' | 'テ' | 'ト'
            if voiced =>
        {
            next(1)
        }
        _ => None,
    }
}

const CIRCLED: [&str; 20] = [
    "(1)", "(2)", "(3)", "(4)", "(5)", "(6)", "(7)", "(8)", "(9)", "(10)", "(11)", "(12)", "(13)", "(14)", "(15)",
    "(16)", "(17)", "(18)", "(19)", "(20)",
];

const ROMAN: [&str; 10] = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X"];

const SMALL_ROMAN: [&str; 10] = ["i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x"];

/// From U+FF61 on.
const KANA: [&str; 63] = [
    "。", "「", "」", "、", "・", "ヲ", "ァ", "ィ", "ゥ", "ェ", "ォ", "ャ", "ュ", "ョ", "ッ", "ー", "ア", "イ", "ウ",
    "エ", "オ", "カ", "キ", "ク", "ケ", "コ", "サ", "シ", "ス", "セ", "ソ", "タ", "チ", "ツ", "テ", "ト", "ナ", "ニ",
    "ヌ", "ネ", "ノ", "ハ", "ヒ", "フ", "ヘ", "ホ", "マ", "ミ", "ム", "メ", "モ", "ヤ", "ユ", "ヨ", "ラ", "リ", "ル",
    "レ", "ロ", "ワ", "ン", "゛", "゜",
];

const OTHERS: [(char, &str); 44] = [
    ('㎜', "mm"),
    ('㎝', "cm"),
    ('㎞', "km"),
    ('㎎', "mg"),
    ('㎏', "kg"),
    ('㏄', "cc"),
    ('㎡', "m*2"),
    ('㍉', "ミリ"),
    ('㌔', "キロ"),
    ('㌢', "センチ"),
    ('㍍', "メートル"),
    ('㌘', "グラム"),
    ('㌧', "トン"),
    ('㌃', "アール"),
    ('㌶', "ヘクタール"),
    ('㍑', "リットル"),
    ('㍗', "ワット"),
    ('㌍', "カロリー"),
    ('㌦', "ドル"),
    ('㌣', "セント"),
    ('㌫', "パーセント"),
    ('㍊', "ミリバール"),
    ('㌻', "ページ"),
    ('№', "No."),
    ('㏍', "K.K."),
    ('℡', "Tel"),
    ('㊤', "(上)"),
    ('㊥', "(中)"),
    ('㊦', "(下)"),
    ('㊧', "(左)"),
    ('㊨', "(右)"),
    ('㈱', "(株)"),
    ('㈲', "(有)"),
    ('㈹', "(代)"),
    ('㍾', "明治"),
    ('㍽', "大正"),
    ('㍼', "昭和"),
    ('㍻', "平成"),
    ('〝', "″"),
    ('〟', "、"),
    ('∮', "Φ"),
    ('∑', "Σ"),
    ('∟', "└"),
    ('⊿', "Δ"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_of_the_national_hospitals() {
        for (c, to) in [
            ('①', "(1)"),
            ('⑳', "(20)"),
            ('Ⅲ', "III"),
            ('ⅹ', "x"),
            ('㎎', "mg"),
            ('㈱', "(株)"),
            ('ｱ', "ア"),
            ('ﾟ', "゜"),
        ] {
            assert_eq!(for_character(c), Some(to));
        }
        assert_eq!(for_character('髙'), None);
        assert_eq!(
            (voiced('ｶ', 'ﾞ'), voiced('ﾊ', 'ﾟ'), voiced('ｳ', 'ﾞ')),
            (Some('ガ'), Some('パ'), Some('ヴ'))
        );
        assert_eq!((voiced('ｱ', 'ﾞ'), voiced('ｶ', 'ﾟ')), (None, None));
    }
}
