//! When a feed is expected to speak: the hospital's quiet hours, and how long a silence it finds usual outside of them.
//!
//! Pure. It only says from when a silence counts; whether it is too long is judged where all probes are.

use chart::Moment;

/// Most spans of quiet hours of one feed.
pub const MAX_SPANS: usize = 8;

const DAY_MINUTES: u16 = 24 * 60;

/// Hours of every day, such as `22:00-06:00`: from the first minute up to, and without, the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours {
    from: u16,
    to: u16,
}

impl Hours {
    /// Reads `22:00-06:00`. `24:00` is the end of the day; hours that are empty are none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (from, to) = text.trim().split_once('-')?;
        let (from, to) = (minutes(from)?, minutes(to)?);
        let hours = Self {
            from: from % DAY_MINUTES,
            to: to % DAY_MINUTES,
        };
        (from != to && hours.from != hours.to).then_some(hours)
    }

    const fn holds(self, minute: u16) -> bool {
        if self.from < self.to {
            self.from <= minute && minute < self.to
        } else {
            minute >= self.from || minute < self.to
        }
    }
}

fn minutes(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    let plain = |part: &str| (part.len() <= 2 && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse().ok());
    let (hour, minute): (u16, u16) = (plain(hour)??, plain(minute)??);
    let all = hour * 60 + minute;
    (minute < 60 && all <= DAY_MINUTES).then_some(all)
}

/// Since when a silence counts at this moment: now, while it is quiet by plan; the end of the last quiet hours, when they have ended
/// within a day; `None` where nothing of the kind is planned.
#[must_use]
pub fn counts_since(quiet: &[Hours], now: Moment) -> Option<Moment> {
    let local = now.local();
    let minute = u16::from(local.hour().unsigned_abs()) * 60 + u16::from(local.minute().unsigned_abs());
    let holds = |minute: u16| quiet.iter().any(|hours| hours.holds(minute));
    if holds(minute) {
        return Some(now);
    }
    // Spans may touch or overlap: the end is where none of them holds any more.
    let ended = quiet
        .iter()
        .filter(|hours| !holds(hours.to))
        .map(|hours| (minute + DAY_MINUTES - hours.to) % DAY_MINUTES)
        .min()?;
    Some(Moment(
        now.0 - i64::from(ended) * 60 - i64::from(local.second().unsigned_abs()),
    ))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn at(day: i8, hour: i8, minute: i8) -> Moment {
        Moment::from_local(date(2026, 11, day).at(hour, minute, 30, 0))
    }

    fn full(day: i8, hour: i8, minute: i8) -> Moment {
        Moment::from_local(date(2026, 11, day).at(hour, minute, 0, 0))
    }

    #[test]
    fn hours_are_read_strictly() {
        assert_eq!(Hours::parse("22:00-06:00"), Some(Hours { from: 1_320, to: 360 }));
        assert_eq!(
            Hours::parse(" 0:00 - 24:00"),
            None,
            "a feed that never speaks is no feed"
        );
        assert_eq!(Hours::parse("18:00-24:00"), Some(Hours { from: 1_080, to: 0 }));
        for wrong in [
            "",
            "22:00",
            "22-06",
            "25:00-06:00",
            "22:60-06:00",
            "06:00-06:00",
            "+1:00-2:00",
        ] {
            assert_eq!(Hours::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_silence_counts_from_the_end_of_the_quiet_hours() {
        let night = [Hours::parse("22:00-06:00").unwrap()];
        assert_eq!(counts_since(&night, at(5, 23, 10)), Some(at(5, 23, 10)));
        assert_eq!(counts_since(&night, at(5, 5, 59)), Some(at(5, 5, 59)));
        assert_eq!(counts_since(&night, at(5, 6, 0)), Some(full(5, 6, 0)));
        assert_eq!(counts_since(&night, at(5, 21, 59)), Some(full(5, 6, 0)));
        assert_eq!(counts_since(&[], at(5, 12, 0)), None);
    }

    #[test]
    fn spans_that_touch_are_one() {
        let spans =
            ["22:00-24:00", "00:00-05:00", "04:00-06:30", "12:00-13:00"].map(|text| Hours::parse(text).unwrap());
        assert_eq!(counts_since(&spans, at(5, 0, 0)), Some(at(5, 0, 0)));
        assert_eq!(counts_since(&spans, at(5, 7, 0)), Some(full(5, 6, 30)));
        assert_eq!(counts_since(&spans, at(5, 13, 5)), Some(full(5, 13, 0)));
    }
}
