//! Writing ISO-2022-JP as SS-MIX2 wants it: ASCII and JIS X 0208 alone, back in ASCII before every delimiter.
//!
//! What the two sets lack is replaced as the national hospitals' rule says (`①` by `(1)`, half-width katakana by full-width); what no rule
//! names, above all kanji that only CP932 or Unicode has, becomes ■. encoding_rs's own encoder is not used: it lets NEC and IBM kanji through
//! and writes `&#134071;` for what it lacks.

use crate::{cp932, kana};

const ASCII: &[u8] = b"\x1b(B";
const KANJI: &[u8] = b"\x1b$B";

/// Single characters with a spelling.
#[rustfmt::skip]
const SPELLED: &[(char, &str)] = &[
    ('㎜', "mm"), ('㎝', "cm"), ('㎞', "km"), ('㎎', "mg"), ('㎏', "kg"), ('㏄', "cc"), ('㎡', "m*2"), ('№', "No."), ('㏍', "K.K."), ('℡', "Tel"),
    ('㊤', "(上)"), ('㊥', "(中)"), ('㊦', "(下)"), ('㊧', "(左)"), ('㊨', "(右)"), ('㈱', "(株)"), ('㈲', "(有)"), ('㈹', "(代)"),
    ('㍾', "明治"), ('㍽', "大正"), ('㍼', "昭和"), ('㍻', "平成"), ('〝', "″"), ('〟', "、"), ('∮', "Φ"), ('∑', "Σ"), ('∟', "└"), ('⊿', "Δ"),
];

/// Appends `text` to `out`; the text ends in ASCII.
pub(crate) fn encode(text: &str, out: &mut Vec<u8>) {
    let mut kanji = false;
    for c in kana::full_width(&spell(text)).chars() {
        // Variation selectors have no place in the old sets and vanish.
        if matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}') {
            continue;
        }
        if c.is_ascii() {
            if kanji {
                out.extend(ASCII);
                kanji = false;
            }
            out.push(c as u8);
        } else {
            if !kanji {
                out.extend(KANJI);
                kanji = true;
            }
            out.extend(pair(c).unwrap_or([0x22, 0x23]));
        }
    }
    if kanji {
        out.extend(ASCII);
    }
}

/// The text with what has a spelling spelled out.
fn spell(text: &str) -> String {
    // Signs that have a spelling stand in these blocks alone: Latin, kana and kanji pass at once.
    let odd = |c: char| matches!(c, '\u{2100}'..='\u{24ff}' | '\u{3010}'..='\u{301f}' | '\u{3200}'..='\u{33ff}');
    if !text.contains(odd) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '①'..='⑳' => out.push_str(&format!("({})", c as u32 - '①' as u32 + 1)),
            'Ⅰ'..='Ⅹ' => out.push_str(roman(c as u32 - 'Ⅰ' as u32)),
            'ⅰ'..='ⅹ' => out.push_str(&roman(c as u32 - 'ⅰ' as u32).to_lowercase()),
            plain if !odd(plain) => out.push(plain),
            _ => match SPELLED.iter().find(|(odd, _)| *odd == c) {
                Some((_, plain)) => out.push_str(plain),
                None => out.push(c),
            },
        }
    }
    out
}

fn roman(place: u32) -> &'static str {
    let all = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X"];
    usize::try_from(place)
        .ok()
        .and_then(|place| all.get(place))
        .copied()
        .unwrap_or("")
}

/// The two bytes of a character of JIS X 0208; nothing for those that only vendors added.
fn pair(c: char) -> Option<[u8; 2]> {
    let [lead, trail] = cp932::bytes_of(c)?;
    let high = match lead {
        0x81..=0x9f => lead - 0x81,
        0xe0..=0xef => lead - 0xc1,
        _ => return None,
    };
    let (odd, low) = match trail {
        0x9f.. => (1, trail - 0x7e),
        0x80.. => (0, trail - 0x20),
        _ => (0, trail - 0x1f),
    };
    let row = 0x21 + high * 2 + odd;
    // Rows 1 to 8 and 16 to 84; row 13 and 89 to 92 are a vendor's.
    (matches!(row, 0x21..=0x28 | 0x30..=0x74)).then_some([row, low])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        encode(text, &mut out);
        out
    }

    fn back(text: &str) -> String {
        let bytes = bytes(text);
        let (back, _, bad) = encoding_rs::ISO_2022_JP.decode(&bytes);
        assert!(!bad, "{text}");
        back.into_owned()
    }

    #[test]
    fn known_bytes() {
        assert_eq!(bytes("日出男"), b"\x1b$BF|=PCK\x1b(B");
        assert_eq!(bytes("a日|b"), b"a\x1b$BF|\x1b(B|b");
    }

    #[test]
    fn what_the_sets_lack() {
        assert_eq!(back("髙﨑𠮷"), "■■■");
        assert_eq!(back("①Ⅲⅳ㎎㈱"), "(1)IIIiv mg(株)".replace(' ', ""));
        assert_eq!(back("ｶﾞｰｾﾞ"), "ガーゼ");
        assert_eq!(back("葛\u{e0100}"), "葛");
    }

    #[test]
    fn round_trip_of_every_character_of_the_sets() {
        let mut seen = 0;
        for row in (0x21..=0x28_u8).chain(0x30..=0x74) {
            for cell in 0x21..=0x7e_u8 {
                let raw = [0x1b, b'$', b'B', row, cell, 0x1b, b'(', b'B'];
                let (text, _, bad) = encoding_rs::ISO_2022_JP.decode(&raw);
                if bad || text.contains('\u{fffd}') {
                    continue;
                }
                let normal = text.replace('\u{ff0d}', "\u{2212}").replace('\u{ff5e}', "\u{301c}");
                assert_eq!(bytes(&normal), raw, "{normal}");
                seen += 1;
            }
        }
        assert!(seen > 6_800, "{seen}");
    }
}
