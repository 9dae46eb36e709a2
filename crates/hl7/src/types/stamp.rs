//! TS, DT, DTM: a time with the precision it was given in.
//!
//! `199601` is January 1996 and stays that; a missing day is never the first. Japan's messages carry no zone; one that is there is kept.

use jiff::civil::{Date, DateTime, Time};

/// How much of a time was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Precision {
    /// `YYYY`
    Year,
    /// `YYYYMM`
    Month,
    /// `YYYYMMDD`
    Day,
    /// `YYYYMMDDHH`
    Hour,
    /// `YYYYMMDDHHMM`
    Minute,
    /// `YYYYMMDDHHMMSS`, with or without decimals
    Second,
}

/// A time as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stamp {
    /// The earliest moment that it can mean. Read it together with `precision`.
    pub earliest: DateTime,
    /// How much of it was said.
    pub precision: Precision,
    /// Minutes east of UTC, where a zone was written.
    pub zone: Option<i16>,
}

impl Stamp {
    /// Reads a time. `None` when it is empty, null, or no time that exists (13th month, 30 February).
    ///
    /// `24:00` ends its day and is read as the next day's beginning; a time of only zeros is nothing.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let (digits, zone) = match text.find(['+', '-']) {
            Some(at) => (text.get(..at)?, Some(zone(text.get(at..)?)?)),
            None => (text, None),
        };
        let (digits, decimals) = match digits.split_once('.') {
            Some((digits, decimals)) => (digits, decimals),
            None => (digits, ""),
        };
        let sound = digits.bytes().chain(decimals.bytes()).all(|byte| byte.is_ascii_digit());
        // Seventeen digits are seconds with the dot left out, as in names of files.
        let (digits, decimals) = match (digits.len(), decimals) {
            (15..=18, "") => digits.split_at_checked(14)?,
            _ => (digits, decimals),
        };
        if !sound || decimals.len() > 9 || (!decimals.is_empty() && digits.len() != 14) {
            return None;
        }
        let part = |from: usize, len: usize| digits.get(from..from + len).and_then(|part| part.parse::<i16>().ok());
        let small = |from: usize| part(from, 2).and_then(|number| i8::try_from(number).ok());
        let precision = match digits.len() {
            4 => Precision::Year,
            6 => Precision::Month,
            8 => Precision::Day,
            10 => Precision::Hour,
            12 => Precision::Minute,
            14 => Precision::Second,
            _ => return None,
        };
        let or = |wanted: Precision, from: usize, missing: i8| {
            if precision >= wanted {
                small(from)
            } else {
                Some(missing)
            }
        };
        let date = Date::new(part(0, 4)?, or(Precision::Month, 4, 1)?, or(Precision::Day, 6, 1)?).ok()?;
        let hour = or(Precision::Hour, 8, 0)?;
        let minute = or(Precision::Minute, 10, 0)?;
        let second = or(Precision::Second, 12, 0)?;
        let nanos = format!("{decimals:0<9}").parse().ok()?;
        let earliest = if hour == 24 && minute == 0 && second == 0 {
            date.tomorrow().ok()?.to_datetime(Time::midnight())
        } else {
            date.to_datetime(Time::new(hour, minute, second, nanos).ok()?)
        };
        (date.year() > 0).then_some(Self {
            earliest,
            precision,
            zone,
        })
    }

    /// Its date, where a day was said.
    #[must_use]
    pub fn date(&self) -> Option<Date> {
        (self.precision >= Precision::Day).then(|| self.earliest.date())
    }

    /// Its date and time, where an hour was said.
    #[must_use]
    pub fn moment(&self) -> Option<DateTime> {
        (self.precision >= Precision::Hour).then_some(self.earliest)
    }
}

/// `+0900`
fn zone(text: &str) -> Option<i16> {
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits = text.get(1..)?;
    if digits.len() != 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let hours: i16 = digits.get(..2)?.parse().ok()?;
    let minutes: i16 = digits.get(2..)?.parse().ok()?;
    (hours <= 14 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn read(text: &str) -> Option<(DateTime, Precision)> {
        Stamp::read(text).map(|stamp| (stamp.earliest, stamp.precision))
    }

    #[test]
    fn every_precision() {
        let day = date(2026, 11, 20);
        assert_eq!(read("1996"), Some((date(1996, 1, 1).into(), Precision::Year)));
        assert_eq!(read("199601"), Some((date(1996, 1, 1).into(), Precision::Month)));
        assert_eq!(read("20261120"), Some((day.into(), Precision::Day)));
        assert_eq!(read("2026112008"), Some((day.at(8, 0, 0, 0), Precision::Hour)));
        assert_eq!(read("202611200830"), Some((day.at(8, 30, 0, 0), Precision::Minute)));
        assert_eq!(read("20261120083015"), Some((day.at(8, 30, 15, 0), Precision::Second)));
        for text in ["20261120083015.3399", "20261120083015.3399+0900", "202611200830153399"] {
            assert_eq!(
                read(text),
                Some((day.at(8, 30, 15, 339_900_000), Precision::Second)),
                "{text}"
            );
        }
        assert_eq!(Stamp::read("20261120083015+0900").unwrap().zone, Some(540));
        assert_eq!(
            Stamp::read("199601").unwrap().date(),
            None,
            "a missing day is not the first"
        );
    }

    #[test]
    fn the_end_of_a_day() {
        assert_eq!(
            read("202611302400"),
            Some((date(2026, 12, 1).into(), Precision::Minute))
        );
    }

    #[test]
    fn what_is_no_time() {
        for text in [
            "",
            "\"\"",
            "0",
            "00000000",
            "20261301",
            "20260230",
            "2026112",
            "20261120 0830",
            "令和8年",
            "2026112025",
            "202611200860",
            "20261120.5",
            "+0900",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
