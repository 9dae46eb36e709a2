//! Japanese dates: reading the five ways hospitals write them, and showing them with the era.
//!
//! A bare two-digit year is refused: 26.5.12 may be 1951 (昭和26年), 2014 (平成26年) or 2026.

use std::borrow::Cow;

use jiff::civil::Date;

/// Why a date could not be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DateFault {
    /// Nothing there.
    #[error("日付がありません")]
    Empty,
    /// Not one of the known ways of writing a date.
    #[error("日付として読めません（例: 1951-05-12、19510512、昭和26年5月12日）")]
    Unreadable,
    /// Two-digit year without an era.
    #[error("年が2桁です。西暦4桁か元号（S26.5.12 など）で書いてください")]
    BareYear,
    /// The month or day does not exist.
    #[error("暦にない日付です")]
    Impossible,
    /// The era had not begun or was already over.
    #[error("元号の年が実在しません")]
    WrongEra,
}

struct Era {
    kanji: &'static str,
    short: char,
    letter: char,
    first: (i16, i8, i8),
}

// First day of each era: 改元の詔書・政令. Meiji counts from its Gregorian calendar (明治6年1月1日) for display.
const ERAS: [Era; 5] = [
    Era {
        kanji: "令和",
        short: '令',
        letter: 'R',
        first: (2019, 5, 1),
    },
    Era {
        kanji: "平成",
        short: '平',
        letter: 'H',
        first: (1989, 1, 8),
    },
    Era {
        kanji: "昭和",
        short: '昭',
        letter: 'S',
        first: (1926, 12, 25),
    },
    Era {
        kanji: "大正",
        short: '大',
        letter: 'T',
        first: (1912, 7, 30),
    },
    Era {
        kanji: "明治",
        short: '明',
        letter: 'M',
        first: (1868, 1, 25),
    },
];

/// Reads 1951-05-12, 1951/5/12, 1951.5.12, 1951年5月12日, 19510512, S26.5.12, 昭和26年5月12日, 昭和元年12月25日, S26/05/12, and
/// any of them followed by a time of day, in half or full width.
///
/// # Errors
/// [`DateFault`] says which of the ways it fails.
pub fn parse(text: &str) -> Result<Date, DateFault> {
    let folded = crate::id::half_width_text(text);
    let folded = folded.trim();
    let text = folded;
    if text.is_empty() {
        return Err(DateFault::Empty);
    }
    let text = text.split([' ', 'T']).next().filter(|s| !s.is_empty()).unwrap_or(text);
    if let Some((era, rest)) = era_prefix(folded) {
        return parse_era(era, rest);
    }
    if text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit()) {
        let number = text.parse().map_err(|_| DateFault::Unreadable)?;
        return crate::codec::date::from_number(number).ok_or(DateFault::Impossible);
    }
    let (year, month, day) = three_numbers(text)?;
    if year < 100 {
        return Err(DateFault::BareYear);
    }
    if !(1000..=9999).contains(&year) {
        return Err(DateFault::Unreadable);
    }
    civil(year, month, day)
}

/// 1951年5月12日（昭和26年）
#[must_use]
pub fn long(date: Date) -> String {
    let plain = format!("{}年{}月{}日", date.year(), date.month(), date.day());
    match era_year(date) {
        Some((era, year)) => format!("{plain}（{}{}年）", era.kanji, year_word(year)),
        None => plain,
    }
}

/// 1951-05-12(昭26)
#[must_use]
pub fn short(date: Date) -> String {
    match era_year(date) {
        Some((era, year)) => format!("{}({}{year})", iso(date), era.short),
        None => iso(date),
    }
}

/// 昭和26年5月12日
#[must_use]
pub fn era(date: Date) -> String {
    match era_year(date) {
        Some((era, year)) => format!("{}{}年{}月{}日", era.kanji, year_word(year), date.month(), date.day()),
        None => format!("{}年{}月{}日", date.year(), date.month(), date.day()),
    }
}

/// 1951-05-12
#[must_use]
pub fn iso(date: Date) -> String {
    format!("{:04}-{:02}-{:02}", date.year(), date.month(), date.day())
}

/// 日 月 火 水 木 金 土
#[must_use]
pub fn weekday(date: Date) -> char {
    match date.weekday() {
        jiff::civil::Weekday::Sunday => '日',
        jiff::civil::Weekday::Monday => '月',
        jiff::civil::Weekday::Tuesday => '火',
        jiff::civil::Weekday::Wednesday => '水',
        jiff::civil::Weekday::Thursday => '木',
        jiff::civil::Weekday::Friday => '金',
        jiff::civil::Weekday::Saturday => '土',
    }
}

/// Age as people say it: 「生後12日」 under a month, 「5か月」 under a year, 「7歳8か月」 under 20, years after that.
/// Empty when the birth date lies after `on`.
#[must_use]
pub fn age(birth: Date, on: Date) -> String {
    let Some((years, months)) = completed(birth, on) else {
        return String::new();
    };
    if years == 0 && months == 0 {
        let days = birth.until(on).map_or(0, |span| span.get_days());
        return format!("生後{days}日");
    }
    if years == 0 {
        return format!("{months}か月");
    }
    if years < 20 && months > 0 {
        return format!("{years}歳{months}か月");
    }
    format!("{years}歳")
}

/// Completed years, `None` when the birth date lies after `on`. Somebody born on 29 February completes a year on 1 March
/// of a common year for this purpose (a calendar count; the legal day before does not matter at a bedside).
#[must_use]
pub fn years(birth: Date, on: Date) -> Option<u16> {
    completed(birth, on).map(|(years, _)| years)
}

fn completed(birth: Date, on: Date) -> Option<(u16, u16)> {
    if on < birth {
        return None;
    }
    let mut months =
        (i32::from(on.year()) - i32::from(birth.year())) * 12 + i32::from(on.month()) - i32::from(birth.month());
    if on.day() < birth.day() {
        months -= 1;
    }
    let months = u16::try_from(months).ok()?;
    Some((months / 12, months % 12))
}

fn era_year(date: Date) -> Option<(&'static Era, i16)> {
    ERAS.iter()
        .find(|era| first_day(era).is_some_and(|first| date >= first))
        .map(|era| (era, date.year() - era.first.0 + 1))
}

fn first_day(era: &Era) -> Option<Date> {
    Date::new(era.first.0, era.first.1, era.first.2).ok()
}

fn year_word(year: i16) -> String {
    if year == 1 { "元".to_owned() } else { year.to_string() }
}

fn era_prefix(text: &str) -> Option<(&'static Era, &str)> {
    for era in &ERAS {
        if let Some(rest) = text.strip_prefix(era.kanji) {
            return Some((era, rest));
        }
        if let Some(rest) = text.strip_prefix(era.short) {
            return Some((era, rest));
        }
        let mut chars = text.chars();
        if chars.next().is_some_and(|c| c.to_ascii_uppercase() == era.letter) {
            let rest = chars.as_str();
            if rest.starts_with(|c: char| c.is_ascii_digit() || c == '元') {
                return Some((era, rest));
            }
        }
    }
    None
}

fn parse_era(era: &'static Era, rest: &str) -> Result<Date, DateFault> {
    let rest = rest.trim_start();
    let numbered = if rest.contains('元') {
        Cow::Owned(rest.replacen('元', "1", 1))
    } else {
        Cow::Borrowed(rest)
    };
    let rest = numbered.split([' ', 'T']).next().unwrap_or("");
    let (year, month, day) = if rest.len() == 6 && rest.bytes().all(|b| b.is_ascii_digit()) {
        let number: i16 = rest
            .get(..2)
            .and_then(|s| s.parse().ok())
            .ok_or(DateFault::Unreadable)?;
        let month = rest
            .get(2..4)
            .and_then(|s| s.parse().ok())
            .ok_or(DateFault::Unreadable)?;
        let day = rest
            .get(4..6)
            .and_then(|s| s.parse().ok())
            .ok_or(DateFault::Unreadable)?;
        (number, month, day)
    } else {
        three_numbers(rest)?
    };
    if !(1..=99).contains(&year) {
        return Err(DateFault::WrongEra);
    }
    let date = civil(era.first.0 + year - 1, month, day)?;
    let in_era = era_year(date).is_some_and(|(found, _)| found.letter == era.letter);
    // 平成31年5月以降のように改元後も旧元号で書かれた日付は実在するので、同じ年のうちは受け取る。
    let same_year = first_day(era).is_some_and(|first| date >= first)
        && next_era_first(era).is_none_or(|next| date.year() <= next.year());
    if in_era || same_year {
        Ok(date)
    } else {
        Err(DateFault::WrongEra)
    }
}

fn next_era_first(era: &Era) -> Option<Date> {
    let at = ERAS.iter().position(|e| e.letter == era.letter)?;
    at.checked_sub(1).and_then(|i| ERAS.get(i)).and_then(first_day)
}

fn three_numbers(text: &str) -> Result<(i16, i8, i8), DateFault> {
    let text = text.strip_suffix('日').unwrap_or(text);
    let mut parts = text.split(['-', '/', '.', '年', '月']);
    let mut next = || {
        parts
            .next()
            .map(str::trim)
            .filter(|s| !s.is_empty() && s.len() <= 4)
            .ok_or(DateFault::Unreadable)
    };
    let year = next()?.parse().map_err(|_| DateFault::Unreadable)?;
    let month = next()?.parse().map_err(|_| DateFault::Unreadable)?;
    let day = next()?.parse().map_err(|_| DateFault::Unreadable)?;
    if parts.next().is_some() {
        return Err(DateFault::Unreadable);
    }
    Ok((year, month, day))
}

fn civil(year: i16, month: i8, day: i8) -> Result<Date, DateFault> {
    Date::new(year, month, day).map_err(|_| DateFault::Impossible)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn five_ways_of_writing_one_day() {
        let day = date(1951, 5, 12);
        for text in [
            "1951-05-12",
            "1951/5/12",
            "19510512",
            "S26.5.12",
            "昭和26年5月12日",
            "１９５１／５／１２",
            "昭26.5.12",
            "s260512",
            "1951-05-12 09:30:00",
            "1951年5月12日",
        ] {
            assert_eq!(parse(text), Ok(day), "{text}");
        }
        assert_eq!(parse("令和元年5月1日"), Ok(date(2019, 5, 1)));
        assert_eq!(parse("M45.7.29"), Ok(date(1912, 7, 29)));
    }

    #[test]
    fn what_is_refused_and_why() {
        assert_eq!(parse("26.5.12"), Err(DateFault::BareYear));
        assert_eq!(parse("51/05/12"), Err(DateFault::BareYear));
        assert_eq!(parse("1951-02-30"), Err(DateFault::Impossible));
        assert_eq!(parse("20261345"), Err(DateFault::Impossible));
        assert_eq!(parse("昭和99年1月1日"), Err(DateFault::WrongEra));
        assert_eq!(parse("平成0年1月1日"), Err(DateFault::WrongEra));
        assert_eq!(parse(""), Err(DateFault::Empty));
        assert_eq!(parse("不明"), Err(DateFault::Unreadable));
        assert_eq!(parse("1951-05"), Err(DateFault::Unreadable));
    }

    #[test]
    fn era_boundaries() {
        assert_eq!(long(date(2019, 4, 30)), "2019年4月30日（平成31年）");
        assert_eq!(long(date(2019, 5, 1)), "2019年5月1日（令和元年）");
        assert_eq!(long(date(1989, 1, 7)), "1989年1月7日（昭和64年）");
        assert_eq!(short(date(1926, 12, 24)), "1926-12-24(大15)");
        assert_eq!(era(date(1912, 7, 30)), "大正元年7月30日");
    }

    #[test]
    fn ages_as_people_say_them() {
        let on = date(2026, 11, 20);
        assert_eq!(age(date(2026, 11, 8), on), "生後12日");
        assert_eq!(age(date(2026, 6, 20), on), "5か月");
        assert_eq!(age(date(2019, 3, 5), on), "7歳8か月");
        assert_eq!(age(date(1951, 5, 12), on), "75歳");
        assert_eq!(age(date(2027, 1, 1), on), "");
        assert_eq!(years(date(2000, 2, 29), date(2001, 2, 28)), Some(0));
    }
}
