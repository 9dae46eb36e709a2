//! Days: Japanese eras in both spellings, ages, and the days on which the outpatient department is open.
//!
//! Eras follow the first days of the law (1912-07-30, 1926-12-25, 1989-01-08, 2019-05-01). Public holidays are those of the
//! holiday law (国民の祝日に関する法律) as of 2020 and later; the equinoxes use the usual approximation, good until 2099.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday, date};

/// The era of a date: letter, kanji and year within the era. Dates before Meiji are given as Meiji of year 0 or less; none occur here.
pub(crate) fn era(day: Date) -> (char, &'static str, i16) {
    let (letter, kanji, offset) = if day >= date(2019, 5, 1) {
        ('R', "令和", 2018)
    } else if day >= date(1989, 1, 8) {
        ('H', "平成", 1988)
    } else if day >= date(1926, 12, 25) {
        ('S', "昭和", 1925)
    } else if day >= date(1912, 7, 30) {
        ('T', "大正", 1911)
    } else {
        ('M', "明治", 1867)
    };
    (letter, kanji, day.year() - offset)
}

/// `昭和26年5月12日`, first years as `平成元年1月8日`.
pub(crate) fn long_era(day: Date) -> String {
    let (_, kanji, year) = era(day);
    if year == 1 {
        format!("{kanji}元年{}月{}日", day.month(), day.day())
    } else {
        format!("{kanji}{year}年{}月{}日", day.month(), day.day())
    }
}

/// `S26.5.12`.
pub(crate) fn short_era(day: Date) -> String {
    let (letter, _, year) = era(day);
    format!("{letter}{year}.{}.{}", day.month(), day.day())
}

/// `1951/5/12`.
pub(crate) fn slashed(day: Date) -> String {
    format!("{}/{}/{}", day.year(), day.month(), day.day())
}

/// `19510512`.
pub(crate) fn compact(day: Date) -> String {
    format!("{:04}{:02}{:02}", day.year(), day.month(), day.day())
}

/// Whole years from birth to `on`; 0 when born later.
pub(crate) fn age(birth: Date, on: Date) -> i64 {
    let had_birthday = (on.month(), on.day()) >= (birth.month(), birth.day());
    (i64::from(on.year() - birth.year()) - i64::from(!had_birthday)).max(0)
}

/// Days between two dates, negative when `to` is earlier.
pub(crate) fn days_between(from: Date, to: Date) -> i64 {
    from.until(to).map_or(0, |span| i64::from(span.get_days()))
}

/// So many days later (or earlier); the day itself when that leaves the calendar.
pub(crate) fn plus(day: Date, days: i64) -> Date {
    day.checked_add(days.days()).unwrap_or(day)
}

/// The same day so many years before; 29 February becomes 28 February.
pub(crate) fn years_before(day: Date, years: i64) -> Date {
    day.checked_sub(years.years()).unwrap_or(day)
}

/// Is the outpatient department open: Monday to Friday, no public holiday, not 29 December to 3 January?
pub(crate) fn is_open(day: Date) -> bool {
    let weekend = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
    let new_year = (day.month() == 12 && day.day() >= 29) || (day.month() == 1 && day.day() <= 3);
    !weekend && !new_year && !is_holiday(day)
}

/// The nearest open day on or before `day`.
pub(crate) fn open_on_or_before(day: Date) -> Date {
    let mut found = day;
    for _ in 0..14 {
        if is_open(found) {
            break;
        }
        found = plus(found, -1);
    }
    found
}

fn is_holiday(day: Date) -> bool {
    if is_named_holiday(day) {
        return true;
    }
    let (yesterday, tomorrow) = (plus(day, -1), plus(day, 1));
    // 振替休日: the first day that is no holiday after a Sunday holiday.
    let mut before = yesterday;
    while is_named_holiday(before) {
        if before.weekday() == Weekday::Sunday {
            return true;
        }
        before = plus(before, -1);
    }
    // 国民の休日: a day between two holidays.
    is_named_holiday(yesterday) && is_named_holiday(tomorrow)
}

fn is_named_holiday(day: Date) -> bool {
    let (year, month, dom) = (i32::from(day.year()), day.month(), day.day());
    let nth_monday = |n: i8| day.weekday() == Weekday::Monday && (dom - 1) / 7 + 1 == n;
    let equinox = |base: i32| (base + (year - 1980) * 242_194 / 1000 - (year - 1980) / 4 * 1000) / 1000;
    match month {
        1 => dom == 1 || nth_monday(2),
        2 => dom == 11 || dom == 23,
        3 => i32::from(dom) == equinox(20_843),
        4 => dom == 29,
        5 => (3..=5).contains(&dom),
        7 => nth_monday(3),
        8 => dom == 11,
        9 => nth_monday(3) || i32::from(dom) == equinox(23_249),
        10 => nth_monday(2),
        11 => dom == 3 || dom == 23,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eras_change_on_the_right_day() {
        assert_eq!(long_era(date(1951, 5, 12)), "昭和26年5月12日");
        assert_eq!(long_era(date(1989, 1, 7)), "昭和64年1月7日");
        assert_eq!(long_era(date(1989, 1, 8)), "平成元年1月8日");
        assert_eq!(short_era(date(1926, 12, 24)), "T15.12.24");
        assert_eq!(short_era(date(1926, 12, 25)), "S1.12.25");
        assert_eq!(short_era(date(1912, 7, 29)), "M45.7.29");
        assert_eq!(short_era(date(2019, 5, 1)), "R1.5.1");
    }

    #[test]
    fn holidays_of_2026_and_2027() {
        // From the published calendar: 2026 has a 国民の休日 on 22 September, 2027 a 振替休日 on 22 March.
        let closed = [
            (2026, 1, 12),
            (2026, 3, 20),
            (2026, 5, 6),
            (2026, 7, 20),
            (2026, 9, 21),
            (2026, 9, 22),
            (2026, 9, 23),
            (2026, 10, 12),
            (2026, 11, 3),
            (2026, 11, 23),
            (2027, 3, 22),
        ];
        for (y, m, d) in closed {
            assert!(!is_open(date(y, m, d)), "{y}-{m}-{d}");
        }
        for (y, m, d) in [
            (2026, 11, 20),
            (2026, 11, 24),
            (2026, 5, 7),
            (2026, 9, 24),
            (2027, 3, 23),
        ] {
            assert!(is_open(date(y, m, d)), "{y}-{m}-{d}");
        }
        assert_eq!(open_on_or_before(date(2026, 9, 23)), date(2026, 9, 18));
    }

    #[test]
    fn ages_turn_on_the_birthday() {
        assert_eq!(age(date(1964, 2, 29), date(2026, 2, 28)), 61);
        assert_eq!(age(date(1964, 2, 29), date(2026, 3, 1)), 62);
        assert_eq!(age(date(2026, 11, 11), date(2026, 11, 20)), 0);
        assert_eq!(days_between(date(2026, 11, 11), date(2026, 11, 20)), 9);
    }
}
