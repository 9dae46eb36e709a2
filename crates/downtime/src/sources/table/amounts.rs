//! Texts become amounts: doses with their units, uneven doses, and the days on which a drug is taken.
//!
//! What cannot be read exactly is refused, and the caller keeps the words: a rounded dose is a wrong dose.

use chart::dose::Quantity;
use chart::id::half_width_text;
use chart::medication::Rhythm;

/// Reads an amount, its unit in its own column or behind the number (`2錠`).
#[must_use]
pub fn amount(text: &str, unit: &str) -> Option<Quantity> {
    let folded = half_width_text(text.trim());
    let text = folded.trim();
    if let Some(quantity) = Quantity::parse(text, unit) {
        return Some(quantity);
    }
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == ','))?;
    let (number, own) = text.split_at(end);
    let own = own.trim();
    // A second number, a slash or a sign makes it something else than one amount.
    let plain = own
        .chars()
        .all(|c| c.is_alphabetic() || matches!(c, '㎎' | '㏄' | '%' | 'μ' | 'µ'));
    if own.is_empty() || !plain || !(unit.trim().is_empty() || unit.trim() == own) {
        return None;
    }
    Quantity::parse(number, own)
}

/// Reads uneven doses: `2,0,1,0`, `2-0-1`, `朝2錠・夕1錠`. Gives morning, noon, evening, bedtime where the text names them or
/// has four numbers, otherwise the numbers in their order; zeros are kept.
#[must_use]
pub fn uneven(text: &str, unit: &str) -> Option<Vec<Quantity>> {
    let folded = half_width_text(text.trim());
    let parts: Vec<&str> = folded
        .split([',', '-', '・', ' ', '、', '－', '‐'])
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect();
    if parts.is_empty() || parts.len() > 8 {
        return None;
    }
    let named = parts.first().is_some_and(|part| slot(part).is_some());
    if !named {
        return parts.iter().map(|part| amount(part, unit)).collect();
    }
    let mut slots = vec![
        Quantity {
            milli: 0,
            unit: unit.trim().to_owned()
        };
        4
    ];
    let mut last = None;
    for part in parts {
        let (at, rest) = slot(part)?;
        // Out of order or twice: the order of the day could not be told.
        if last.is_some_and(|last| at <= last) {
            return None;
        }
        last = Some(at);
        *slots.get_mut(at)? = amount(rest, unit)?;
    }
    let unit = slots.iter().find(|q| q.milli > 0).map(|q| q.unit.clone())?;
    for slot in &mut slots {
        slot.unit.clone_from(&unit);
    }
    Some(slots)
}

fn slot(part: &str) -> Option<(usize, &str)> {
    for (at, words) in [
        (0, ["朝食後", "朝食前", "朝"].as_slice()),
        (1, &["昼食後", "昼食前", "昼"]),
        (2, &["夕食後", "夕食前", "夕"]),
        (3, &["就寝前", "眠前", "寝る前", "眠"]),
    ] {
        if let Some(rest) = words.iter().find_map(|word| part.strip_prefix(word)) {
            return Some((at, rest));
        }
    }
    None
}

/// How often a day, as a usage text says: 1日3回毎食後 → 3.
#[must_use]
pub fn doses_in_usage(usage: &str) -> Option<u16> {
    let folded = half_width_text(usage);
    let rest = folded.split_once("1日")?.1;
    let end = rest.find('回')?;
    rest.get(..end)?.trim().parse().ok()
}

/// Reads 隔日, 3日ごと, 月・木, 週2回(月・木), and the JAMI codes `I1100000` (隔日) and `W0100100` (weekdays, Sunday first).
#[must_use]
pub fn rhythm(text: &str) -> Option<Rhythm> {
    let folded = half_width_text(text.trim());
    let text = folded.trim();
    match text {
        "" | "毎日" | "連日" => return Some(Rhythm::Daily),
        "隔日" | "1日おき" | "2日ごと" | "I1100000" => return Some(Rhythm::AlternateDays),
        _ => {}
    }
    if let Some(flags) = text.strip_prefix('W').filter(|flags| flags.len() == 7) {
        let mut mask = 0;
        for (i, flag) in flags.bytes().enumerate() {
            match flag {
                b'1' => mask |= 1 << i,
                b'0' => {}
                _ => return None,
            }
        }
        return (mask != 0).then_some(Rhythm::Weekdays(mask));
    }
    if let Some(days) = text.strip_suffix("日ごと").or_else(|| text.strip_suffix("日毎")) {
        return days
            .parse()
            .ok()
            .filter(|n| (2..=60).contains(n))
            .map(Rhythm::EveryDays);
    }
    weekdays(text)
}

fn weekdays(text: &str) -> Option<Rhythm> {
    let (claimed, inside) = match text.split_once('(') {
        Some((before, rest)) => {
            let times = before
                .trim()
                .strip_prefix('週')?
                .strip_suffix('回')?
                .parse::<u32>()
                .ok()?;
            (Some(times), rest.strip_suffix(')')?)
        }
        None => (None, text),
    };
    let mut mask = 0_u8;
    for c in inside.trim_end_matches("曜日").trim_end_matches('曜').chars() {
        match c {
            '・' | ',' | '、' | ' ' | '/' => {}
            _ => mask |= 1 << "日月火水木金土".chars().position(|day| day == c)?,
        }
    }
    (mask != 0 && claimed.is_none_or(|times| times == mask.count_ones())).then_some(Rhythm::Weekdays(mask))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_with_and_without_their_unit() {
        assert_eq!(amount("2", "錠").unwrap().text(), "2錠");
        assert_eq!(amount("２錠", "").unwrap().text(), "2錠");
        assert_eq!(amount("0.5 mL", "").unwrap().text(), "0.5\u{a0}mL");
        for bad in ["適量", "1/2", "2-3錠", "2錠3錠", ""] {
            assert_eq!(amount(bad, ""), None, "{bad}");
        }
        assert_eq!(amount("2錠", "g"), None);
    }

    #[test]
    fn uneven_doses_in_three_ways() {
        let numbers = |text: &str| uneven(text, "錠").map(|list| list.iter().map(Quantity::number).collect::<Vec<_>>());
        assert_eq!(numbers("2,0,1,0").unwrap(), ["2", "0", "1", "0"]);
        assert_eq!(numbers("2-0-1").unwrap(), ["2", "0", "1"]);
        assert_eq!(numbers("朝2錠・夕1錠").unwrap(), ["2", "0", "1", "0"]);
        assert_eq!(numbers("夕1錠・朝2錠"), None);
        assert_eq!(numbers("適宜"), None);
    }

    #[test]
    fn rhythms() {
        assert_eq!(rhythm("隔日"), Some(Rhythm::AlternateDays));
        assert_eq!(rhythm("I1100000"), Some(Rhythm::AlternateDays));
        assert_eq!(rhythm("W0100100"), Some(Rhythm::Weekdays(0b001_0010)));
        assert_eq!(rhythm("週2回(月・木)"), Some(Rhythm::Weekdays(0b001_0010)));
        assert_eq!(rhythm("月木"), Some(Rhythm::Weekdays(0b001_0010)));
        assert_eq!(rhythm("3日ごと"), Some(Rhythm::EveryDays(3)));
        for bad in ["2日おき", "週3回(月・木)", "W0000000", "月末", "W01001"] {
            assert_eq!(rhythm(bad), None, "{bad}");
        }
    }
}
