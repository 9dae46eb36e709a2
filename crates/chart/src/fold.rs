//! Folding of names for search and for the same-name alert. Display always keeps the registered form.
//!
//! Two keys per person: the kanji key (variants folded) and the kana key (small kana, long marks, ヴ folded), and the kana
//! key again in Latin letters so that an operator can type with the input method off. Nothing here guesses readings.

use unicode_normalization::UnicodeNormalization;

/// The search key of a written name: NFKC, no spaces or variation selectors, common kanji variants folded, lower case.
#[must_use]
pub fn name_key(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut plain, mut nfkc) = (text.chars(), text.nfkc());
    for c in composed(text, &mut plain, &mut nfkc).filter(|c| !skip(*c)) {
        push_lower(&mut out, variant(c));
    }
    out
}

/// The search key of a reading: full-width katakana, small kana raised, long marks and spaces dropped, ヴ to ブ, ヂヅ to ジズ.
#[must_use]
pub fn kana_key(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut plain, mut nfkc) = (text.chars(), text.nfkc());
    let mut chars = composed(text, &mut plain, &mut nfkc).filter(|c| !skip(*c)).peekable();
    while let Some(c) = chars.next() {
        let c = katakana(c);
        match c {
            'ー' | '－' | '-' | '‐' | '―' => {}
            'ヴ' => {
                let next = chars.peek().copied().map(katakana);
                let folded = match next {
                    Some('ァ') => 'バ',
                    Some('ィ') => 'ビ',
                    Some('ェ') => 'ベ',
                    Some('ォ') => 'ボ',
                    _ => 'ブ',
                };
                if folded != 'ブ' {
                    chars.next();
                }
                out.push(folded);
            }
            _ => push_lower(&mut out, raise(c)),
        }
    }
    out
}

/// A kana key in Latin letters, one spelling per sound (`si`, `tu`, `hu`, `zi`), so that both sides of a search agree.
#[must_use]
pub fn romaji_key(kana_key: &str) -> String {
    let mut out = String::with_capacity(kana_key.len());
    for c in kana_key.chars() {
        match romaji(c) {
            Some(sound) => out.push_str(sound),
            None => out.push(c),
        }
    }
    collapse(&out)
}

/// What an operator typed in Latin letters (`shinjiro`, `sinziro`, `Yamada`), in the spelling of [`romaji_key`].
#[must_use]
pub fn typed_romaji(text: &str) -> String {
    let mut s: String = text
        .nfkc()
        .filter(|c| c.is_ascii_alphabetic())
        .collect::<String>()
        .to_ascii_lowercase();
    for (from, to) in [
        ("shi", "si"),
        ("chi", "ti"),
        ("tsu", "tu"),
        ("fu", "hu"),
        ("ji", "zi"),
        ("dzu", "zu"),
        ("du", "zu"),
        ("di", "zi"),
        ("sha", "siya"),
        ("shu", "siyu"),
        ("sho", "siyo"),
        ("cha", "tiya"),
        ("chu", "tiyu"),
        ("cho", "tiyo"),
        ("ja", "ziya"),
        ("ju", "ziyu"),
        ("jo", "ziyo"),
        ("mb", "nb"),
        ("mp", "np"),
        ("mm", "nm"),
        ("l", "r"),
        ("v", "b"),
    ] {
        s = s.replace(from, to);
    }
    // The operator is still typing: a last consonant that could become several spellings takes ours.
    for (end, ours) in [
        ("sh", "s"),
        ("ch", "t"),
        ("ts", "t"),
        ("f", "h"),
        ("j", "z"),
        ("c", "t"),
    ] {
        if let Some(stem) = s.strip_suffix(end) {
            s = format!("{stem}{ours}");
            break;
        }
    }
    // kya, ryu, … are written with two kana whose small second one is raised: kiya, riyu.
    let mut out = String::with_capacity(s.len() + 4);
    let chars: Vec<char> = s.chars().collect();
    for (i, c) in chars.iter().enumerate() {
        let next = chars.get(i + 1).copied();
        // A doubled consonant is ッ, which the key raises to ツ.
        if next == Some(*c) && !is_vowel(*c) && *c != 'n' {
            out.push_str("tu");
            continue;
        }
        out.push(*c);
        let after = chars.get(i + 2).copied();
        if "kgsztdnhbpmr".contains(*c) && next == Some('y') && after.is_none_or(is_vowel) {
            out.push('i');
        }
    }
    collapse(&out)
}

/// How many single-character edits lie between two keys, up to 2 (2 means "two or more").
#[must_use]
pub fn distance_up_to_two(a: &str, b: &str) -> u8 {
    if a == b {
        return 0;
    }
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let (short, long) = if a.len() <= b.len() { (&a, &b) } else { (&b, &a) };
    if long.len() - short.len() > 1 {
        return 2;
    }
    let same = short.iter().zip(long.iter()).take_while(|(x, y)| x == y).count();
    let rest_short = short.get(same..).unwrap_or(&[]);
    let rest_long = long.get(same..).unwrap_or(&[]);
    let one = if short.len() == long.len() {
        rest_short.get(1..) == rest_long.get(1..)
    } else {
        Some(rest_short) == rest_long.get(1..)
    };
    if one { 1 } else { 2 }
}

/// True for characters a font cannot be expected to have: private use, as CP932 gaiji arrive.
#[must_use]
pub const fn is_private_use(c: char) -> bool {
    matches!(c, '\u{E000}'..='\u{F8FF}' | '\u{F0000}'..='\u{FFFFD}' | '\u{100000}'..='\u{10FFFD}')
}

/// The NFKC form of a text. Nearly every name and reading of an export has it already but for its blanks, which no key
/// keeps: those are not looked up character by character.
fn composed<'a>(
    text: &str,
    plain: &'a mut dyn Iterator<Item = char>,
    nfkc: &'a mut dyn Iterator<Item = char>,
) -> &'a mut dyn Iterator<Item = char> {
    let settled = |c| matches!(c, ' '..='~' | '\u{3000}') || is_caseless(c);
    if text.chars().all(settled) { plain } else { nfkc }
}

fn push_lower(out: &mut String, c: char) {
    if is_caseless(c) {
        out.push(c);
    } else {
        out.extend(c.to_lowercase());
    }
}

/// Hiragana, katakana and kanji that no form of Unicode changes: without the marks that join the kana before them.
const fn is_caseless(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{3096}' | '\u{30A1}'..='\u{30FC}' | '\u{4E00}'..='\u{9FFF}')
}

const fn skip(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}' | '・' | '･' | '\'' | '’' | '.')
}

const fn variant(c: char) -> char {
    match c {
        '髙' => '高',
        '﨑' | '嵜' | '碕' | '埼' => '崎',
        '邊' | '邉' => '辺',
        '齋' | '齊' | '斎' => '斉',
        '𠮷' => '吉',
        '澤' => '沢',
        '濱' | '濵' => '浜',
        '廣' => '広',
        '櫻' => '桜',
        '嶋' | '嶌' => '島',
        '國' => '国',
        '眞' => '真',
        '惠' => '恵',
        '德' => '徳',
        '龍' => '竜',
        '瀨' => '瀬',
        '槇' => '槙',
        '栁' => '柳',
        '會' => '会',
        '學' => '学',
        '榮' => '栄',
        '豐' => '豊',
        '實' => '実',
        '壽' => '寿',
        '靜' => '静',
        '彌' => '弥',
        '關' => '関',
        '淺' => '浅',
        '萬' => '万',
        '條' => '条',
        '將' => '将',
        '與' => '与',
        '佛' => '仏',
        '兒' => '児',
        '舘' => '館',
        '冨' => '富',
        '峯' => '峰',
        '桒' => '桑',
        '曻' => '昇',
        '黑' => '黒',
        other => other,
    }
}

fn katakana(c: char) -> char {
    match c {
        'ぁ'..='ゖ' => char::from_u32(c as u32 + 0x60).unwrap_or(c),
        other => other,
    }
}

const fn raise(c: char) -> char {
    match c {
        'ァ' => 'ア',
        'ィ' => 'イ',
        'ゥ' => 'ウ',
        'ェ' => 'エ',
        'ォ' => 'オ',
        'ッ' => 'ツ',
        'ャ' => 'ヤ',
        'ュ' => 'ユ',
        'ョ' => 'ヨ',
        'ヮ' => 'ワ',
        'ヵ' => 'カ',
        'ヶ' => 'ケ',
        'ヂ' => 'ジ',
        'ヅ' => 'ズ',
        'ヰ' => 'イ',
        'ヱ' => 'エ',
        other => other,
    }
}

const fn is_vowel(c: char) -> bool {
    matches!(c, 'a' | 'i' | 'u' | 'e' | 'o')
}

/// Long vowels are written in many ways (ou, oo, oh, o): repeated vowels and `ou` fold to one.
fn collapse(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut last = '\0';
    for c in text.chars() {
        let long = (c == last && is_vowel(c)) || (last == 'o' && (c == 'u' || c == 'h'));
        if !long {
            out.push(c);
            last = c;
        }
    }
    out
}

const fn romaji(c: char) -> Option<&'static str> {
    Some(match c {
        'ア' => "a",
        'イ' => "i",
        'ウ' => "u",
        'エ' => "e",
        'オ' => "o",
        'カ' => "ka",
        'キ' => "ki",
        'ク' => "ku",
        'ケ' => "ke",
        'コ' => "ko",
        'サ' => "sa",
        'シ' => "si",
        'ス' => "su",
        'セ' => "se",
        'ソ' => "so",
        'タ' => "ta",
        'チ' => "ti",
        'ツ' => "tu",
        'テ' => "te",
        'ト' => "to",
        'ナ' => "na",
        'ニ' => "ni",
        'ヌ' => "nu",
        'ネ' => "ne",
        'ノ' => "no",
        'ハ' => "ha",
        'ヒ' => "hi",
        'フ' => "hu",
        'ヘ' => "he",
        'ホ' => "ho",
        'マ' => "ma",
        'ミ' => "mi",
        'ム' => "mu",
        'メ' => "me",
        'モ' => "mo",
        'ヤ' => "ya",
        'ユ' => "yu",
        'ヨ' => "yo",
        'ラ' => "ra",
        'リ' => "ri",
        'ル' => "ru",
        'レ' => "re",
        'ロ' => "ro",
        'ワ' => "wa",
        'ヲ' => "o",
        'ン' => "n",
        'ガ' => "ga",
        'ギ' => "gi",
        'グ' => "gu",
        'ゲ' => "ge",
        'ゴ' => "go",
        'ザ' => "za",
        'ジ' => "zi",
        'ズ' => "zu",
        'ゼ' => "ze",
        'ゾ' => "zo",
        'ダ' => "da",
        'デ' => "de",
        'ド' => "do",
        'バ' => "ba",
        'ビ' => "bi",
        'ブ' => "bu",
        'ベ' => "be",
        'ボ' => "bo",
        'パ' => "pa",
        'ピ' => "pi",
        'プ' => "pu",
        'ペ' => "pe",
        'ポ' => "po",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_meet() {
        assert_eq!(name_key("髙橋　一郎"), name_key("高橋一郎"));
        assert_eq!(name_key("𠮷田"), name_key("吉田"));
        assert_eq!(name_key("渡邉"), name_key("渡邊"));
        assert_eq!(name_key("葛\u{E0100}城"), name_key("葛城"));
        assert_ne!(name_key("山田"), name_key("山本"));
    }

    #[test]
    fn what_is_taken_as_it_stands_has_no_other_form() {
        let settled: String = (0..=0xFFFF)
            .filter_map(char::from_u32)
            .filter(|c| is_caseless(*c))
            .collect();
        assert_eq!(settled.nfkc().collect::<String>(), settled);
        assert_eq!(settled.to_lowercase(), settled);
        assert_eq!(name_key("Ｄｅ　La カ\u{3099}"), "delaガ", "and the rest is composed");
    }

    #[test]
    fn readings_meet() {
        assert_eq!(kana_key("ﾔﾏﾀﾞ ﾊﾅｺ"), kana_key("やまだ　はなこ"));
        assert_eq!(kana_key("キョウコ"), kana_key("キヨウコ"));
        assert_eq!(kana_key("ヴィクトル"), kana_key("ビクトル"));
        assert_eq!(kana_key("コーノ"), kana_key("コノ"));
    }

    #[test]
    fn latin_letters_find_kana() {
        for (typed, kana) in [
            ("yamada", "ヤマダ"),
            ("shinjiro", "シンジロウ"),
            ("sinzirou", "シンジロウ"),
            ("kyoko", "キョウコ"),
            ("ryuichi", "リュウイチ"),
            ("hattori", "ハットリ"),
            ("tsuchiya", "ツチヤ"),
            ("fujii", "フジイ"),
            ("jun", "ジュン"),
            ("ono", "オオノ"),
            ("honma", "ホンマ"),
            ("chiba", "チバ"),
            ("shou", "ショウ"),
            ("kenichi", "ケンイチ"),
        ] {
            assert_eq!(typed_romaji(typed), romaji_key(&kana_key(kana)), "{typed}");
        }
        assert!(romaji_key(&kana_key("ヤマダ ハナコ")).starts_with(&typed_romaji("yam")));
        assert!(romaji_key(&kana_key("シマダ")).starts_with(&typed_romaji("shima")));
        for typed in ["f", "fu", "fuj", "fuji"] {
            assert!(
                romaji_key(&kana_key("フジタ")).starts_with(&typed_romaji(typed)),
                "{typed}"
            );
        }
        for typed in ["k", "ky", "kyo"] {
            assert!(
                romaji_key(&kana_key("キョウコ")).starts_with(&typed_romaji(typed)),
                "{typed}"
            );
        }
    }

    #[test]
    fn one_edit_is_near() {
        assert_eq!(distance_up_to_two("ヤマダ", "ヤマダ"), 0);
        assert_eq!(distance_up_to_two("ヤマダ", "ヤマタ"), 1);
        assert_eq!(distance_up_to_two("ヤマダ", "ヤマ"), 1);
        assert_eq!(distance_up_to_two("ヤマダ", "アヤマダ"), 1);
        assert_eq!(distance_up_to_two("ヤマダ", "マヤダ"), 2);
        assert_eq!(distance_up_to_two("ヤマダ", "ヤマモト"), 2);
    }
}
