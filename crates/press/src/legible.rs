//! Texts made printable before layout: what no font draws becomes 〓 and is counted, what has no place to break gets one.
//!
//! Nothing is cut, reordered or normalised here: 﨑 must not quietly become 崎. Invisible marks that could reorder digits are removed.

use ciborium::Value;

use crate::fonts::Fonts;

/// 〓 (geta): the printers' own mark for a character that is not in the case.
pub const GETA: char = '〓';

/// Letters and digits in a row before a place to break is offered: no column of ours is so narrow that fewer would leave it.
pub const UNBROKEN_RUN: usize = 14;

/// Offered break without width.
pub const BREAK_HERE: char = '\u{200B}';

/// Makes every text in `value` printable and returns how many characters became 〓.
pub fn make_legible(value: &mut Value, fonts: &Fonts) -> usize {
    match value {
        Value::Text(text) => {
            let (legible, lost) = legible(text, fonts);
            *text = legible;
            lost
        }
        Value::Array(items) => items.iter_mut().map(|item| make_legible(item, fonts)).sum(),
        Value::Map(entries) => entries.iter_mut().map(|(_, item)| make_legible(item, fonts)).sum(),
        _ => 0,
    }
}

/// Marks the patient strip when the name shows 〓: whoever reads it must turn to the kana.
pub fn mark_gaiji(sheet: &mut Value) {
    let Some(strip) = field(sheet, "strip") else { return };
    let shows_geta = matches!(field(strip, "name"), Some(Value::Text(name)) if name.contains(GETA));
    if let Some(gaiji) = field(strip, "gaiji").filter(|_| shows_geta) {
        *gaiji = Value::Bool(true);
    }
}

fn field<'a>(value: &'a mut Value, name: &str) -> Option<&'a mut Value> {
    let entries = value.as_map_mut()?;
    entries
        .iter_mut()
        .find(|(key, _)| key.as_text() == Some(name))
        .map(|(_, value)| value)
}

/// The text as [`make_legible`] leaves it where every character can be drawn: with its places to break.
pub fn printable(text: &str) -> String {
    legible_with(text, |_| true).0
}

fn legible(text: &str, fonts: &Fonts) -> (String, usize) {
    legible_with(text, |c| fonts.has(c))
}

fn legible_with(text: &str, has: impl Fn(char) -> bool) -> (String, usize) {
    let mut out = String::with_capacity(text.len() + 8);
    let mut lost = 0;
    let mut run = 0;
    for c in text.chars() {
        if is_invisible(c) {
            continue;
        }
        run = if unbreakable(c) { run + 1 } else { 0 };
        if run > UNBROKEN_RUN {
            out.push(BREAK_HERE);
            run = 1;
        }
        match c {
            '\n' => out.push('\n'),
            '\t' => out.push('　'),
            _ if is_variation_selector(c) || has(c) => out.push(c),
            _ if stand_in(c).is_some() => out.push_str(stand_in(c).unwrap_or_default()),
            _ => {
                out.push(GETA);
                lost += 1;
            }
        }
    }
    (out, lost)
}

/// The same meaning in characters the fonts have. A superscript keeps a sign: 10⁵ must not read 105.
pub fn stand_in(c: char) -> Option<&'static str> {
    const SUBSCRIPTS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
    const SUPERSCRIPTS: [&str; 10] = ["^0", "^1", "^2", "^3", "^4", "^5", "^6", "^7", "^8", "^9"];
    let digit = |zero: char| (u32::from(c) - u32::from(zero)) as usize;
    match c {
        '₀'..='₉' => SUBSCRIPTS.get(digit('₀')).copied(),
        '⁰' | '⁴'..='⁹' => SUPERSCRIPTS.get(digit('⁰')).copied(),
        '✔' => Some("✓"),
        '☐' => Some("□"),
        '☑' | '☒' => Some("■"),
        _ => None,
    }
}

/// Carriage returns, marks without width, and the marks that turn the writing direction: a page must read as it was typed.
pub fn is_invisible(c: char) -> bool {
    matches!(c, '\r' | '\u{00AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}

pub fn is_variation_selector(c: char) -> bool {
    matches!(c, '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}')
}

/// Japanese text breaks between any two characters; letters, digits and most marks of the West do not.
pub fn unbreakable(c: char) -> bool {
    c != ' ' && c < '\u{2E80}' && !c.is_control()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(text: &str) -> (String, usize) {
        legible(text, &Fonts::embedded().unwrap())
    }

    #[test]
    fn names_stay_as_registered() {
        for name in [
            "髙﨑　𠮷",
            "葛\u{E0100}城",
            "神\u{FA19}",
            "NGUYỄN THỊ THÙY LINH",
            "か\u{309A}",
        ] {
            assert_eq!(through(name), (name.to_owned(), 0), "{name}");
        }
    }

    #[test]
    fn what_no_font_has_is_geta_and_counted() {
        assert_eq!(through("渡\u{E012}　勝😀\u{1}"), ("渡〓　勝〓〓".to_owned(), 3));
    }

    #[test]
    fn common_signs_have_stand_ins_of_the_same_meaning() {
        assert_eq!(through("SpO₂ 10⁵ ✔☑☐"), ("SpO2 10^5 ✓■□".to_owned(), 0));
    }

    #[test]
    fn direction_marks_cannot_turn_a_number() {
        assert_eq!(through("\u{202E}5 mg\r\n次"), ("5 mg\n次".to_owned(), 0));
    }

    #[test]
    fn long_runs_get_a_place_to_break() {
        let (text, lost) = through(&"-".repeat(60));
        assert_eq!((text.matches(BREAK_HERE).count(), lost), (4, 0));
        assert!(!through("2026-11-20 08:45 BNP").0.contains(BREAK_HERE));
        assert!(!through("アムロジピン錠5mg「トモシビ」").0.contains(BREAK_HERE));
    }
}
