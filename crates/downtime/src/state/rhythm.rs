//! How long a feed of messages is usually quiet, by hour of the day: learnt from what was heard, so that a quiet night is no alarm.
//!
//! Pure. A day with a real silence must not teach that silences are usual: the second longest gap of the last days counts.

use std::collections::BTreeMap;

use chart::Moment;
use minicbor::{Decode, Encode};

/// Days that are remembered.
pub const DAYS: usize = 14;

/// Days an hour must have been seen on before anything is called usual.
pub const LEARNT_DAYS: usize = 3;

/// Longest gap that is counted, in seconds.
const LONGEST: i64 = 24 * 3600;

/// What was heard, and how long it was quiet in between.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Rhythm {
    /// The last message.
    #[n(0)]
    last: Option<Moment>,
    /// By day, the longest gap in seconds that touched each hour; 0 where none did.
    #[n(1)]
    days: BTreeMap<i64, Vec<u32>>,
}

impl Rhythm {
    /// The last message.
    #[must_use]
    pub const fn last(&self) -> Option<Moment> {
        self.last
    }

    /// A message came. One that is not newer than the last teaches nothing.
    pub fn heard(&mut self, at: Moment) {
        let Some(last) = self.last else {
            self.last = Some(at);
            return;
        };
        if at <= last {
            return;
        }
        let gap = (at.0 - last.0).min(LONGEST);
        // A gap belongs to every hour it touches: at two in the night it is usual to have heard nothing since eleven.
        let mut hour = Moment(at.0 - gap);
        while hour < at {
            self.note(hour, gap);
            hour = Moment((hour.0.div_euclid(3600) + 1) * 3600);
        }
        self.last = Some(at);
        while self.days.len() > DAYS {
            self.days.pop_first();
        }
    }

    fn note(&mut self, at: Moment, gap: i64) {
        let day = self.days.entry(at.day_number()).or_insert_with(|| vec![0; 24]);
        let hour = usize::try_from(at.local().hour()).unwrap_or(0);
        if let Some(longest) = day.get_mut(hour) {
            *longest = (*longest).max(u32::try_from(gap).unwrap_or(u32::MAX));
        }
    }

    /// The gap that is usual at this hour, in seconds; `None` until [`LEARNT_DAYS`] days have taught it.
    #[must_use]
    pub fn usual(&self, now: Moment) -> Option<i64> {
        let hour = usize::try_from(now.local().hour()).unwrap_or(0);
        let mut gaps: Vec<u32> = self
            .days
            .values()
            .filter_map(|day| day.get(hour).copied())
            .filter(|gap| *gap > 0)
            .collect();
        gaps.sort_unstable_by(|a, b| b.cmp(a));
        (gaps.len() >= LEARNT_DAYS)
            .then(|| gaps.get(1).copied())
            .flatten()
            .map(i64::from)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn at(day: i8, hour: i8, minute: i8) -> Moment {
        Moment::from_local(date(2026, 11, day).at(hour, minute, 0, 0))
    }

    /// A feed that speaks every five minutes from six to twenty-two, and at night not at all.
    fn days(range: std::ops::RangeInclusive<i8>) -> Rhythm {
        let mut rhythm = Rhythm::default();
        for day in range {
            for hour in 6..22 {
                for minute in (0..60).step_by(5) {
                    rhythm.heard(at(day, hour, minute));
                }
            }
        }
        rhythm
    }

    #[test]
    fn a_quiet_night_is_usual_and_a_quiet_morning_is_not() {
        let rhythm = days(1..=4);
        assert_eq!(rhythm.usual(at(5, 10, 0)), Some(300));
        let night = rhythm.usual(at(5, 3, 0)).unwrap();
        assert!(night > 8 * 3600 - 600, "{night}");
        assert_eq!(days(1..=2).usual(at(3, 10, 0)), None, "two days teach nothing");
    }

    #[test]
    fn one_day_of_silence_does_not_become_usual_and_old_days_go() {
        let mut rhythm = days(1..=4);
        rhythm.heard(at(5, 9, 0));
        rhythm.heard(at(5, 15, 0));
        assert_eq!(
            rhythm.usual(at(6, 10, 0)),
            Some(300),
            "the outage of the fifth is an exception"
        );
        rhythm.heard(at(4, 9, 0));
        assert_eq!(rhythm.last(), Some(at(5, 15, 0)), "time does not run backwards");
        let rhythm = days(1..=28);
        assert_eq!(rhythm.days.len(), DAYS);
        let bytes = minicbor::to_vec(&rhythm).unwrap();
        assert_eq!(minicbor::decode::<Rhythm>(&bytes).unwrap(), rhythm);
    }
}
