//! FHIR's dates and times to the wall clock of the hospital.
//!
//! `2026`, `2026-11` and `2026-11-20` are all dates in FHIR. A year or a month is no day and never becomes one.

use chart::Moment;
use jiff::Timestamp;
use jiff::civil::{Date, Time};

/// What a text says about a point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct When {
    /// The day, where there is one.
    pub on: Option<Date>,
    /// The time, where there is one.
    pub at: Option<Time>,
}

/// Reads a date, a date with time and offset, or an instant. An error is a text that is neither empty nor a whole day.
///
/// # Errors
/// When the text is a year, a month, or nothing of the kind.
pub fn read(text: &str) -> Result<When, ()> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(When::default());
    }
    if text.len() == 10 {
        return text.parse().map(|on| When { on: Some(on), at: None }).map_err(|_| ());
    }
    if text.len() < 16 || text.as_bytes().get(10) != Some(&b'T') {
        return Err(());
    }
    let rest = text.get(16..).unwrap_or("");
    if let Some(at) = instant(text) {
        let local = at.local();
        // Seconds are not what a chart shows; the minute is.
        let time = Time::new(local.hour(), local.minute(), 0, 0).map_err(|_| ())?;
        return Ok(When {
            on: Some(local.date()),
            at: Some(time),
        });
    }
    // Without an offset FHIR forbids a time; servers write it all the same and mean their own clock.
    let has_offset = rest.contains(['Z', '+', '-']);
    if has_offset {
        return Err(());
    }
    let local: jiff::civil::DateTime = text.parse().map_err(|_| ())?;
    Ok(When {
        on: Some(local.date()),
        at: Time::new(local.hour(), local.minute(), 0, 0).ok(),
    })
}

/// A moment, for what has an offset.
#[must_use]
pub fn instant(text: &str) -> Option<Moment> {
    let at: Timestamp = text.trim().parse().ok()?;
    Some(Moment(at.as_second()))
}

/// For comparing versions: an instant, or the beginning of a day.
#[must_use]
pub fn rank(text: &str) -> Option<Moment> {
    instant(text).or_else(|| {
        let when = read(text).ok()?;
        Some(Moment::from_local(
            when.on?.to_datetime(when.at.unwrap_or(Time::midnight())),
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::{date, time};

    #[test]
    fn a_year_is_no_day_and_times_are_japans() {
        assert_eq!(read(""), Ok(When::default()));
        assert_eq!(
            read("2026-11-20"),
            Ok(When {
                on: Some(date(2026, 11, 20)),
                at: None
            })
        );
        let morning = When {
            on: Some(date(2026, 11, 20)),
            at: Some(time(8, 30, 0, 0)),
        };
        for text in [
            "2026-11-20T08:30:15+09:00",
            "2026-11-19T23:30:15.123Z",
            "2026-11-20T08:30:15",
            "2026-11-20T08:30",
        ] {
            assert_eq!(read(text), Ok(morning), "{text}");
        }
        for text in [
            "1935",
            "1935-06",
            "20261120",
            "2026-02-30",
            "2026-11-20T25:00:00Z",
            "あああああああああ",
            "2026-13-01T00:00:00+09:00",
        ] {
            assert_eq!(read(text), Err(()), "{text}");
        }
    }
}
