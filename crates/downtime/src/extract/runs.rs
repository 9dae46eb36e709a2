//! When the next extract is due, how far the running one has come, and whether the hub is late: what a person asks at opening time.
//!
//! Pure: moments come in, an answer comes out. It starts nothing and reads no clock; the roof does.

use std::sync::{Mutex, MutexGuard, PoisonError};

use chart::Moment;
use jiff::ToSpan;
use jiff::civil::Date;

use super::Step;
use super::days::Days;
use crate::sources::Progress;

/// After a failed attempt, how long until the next.
pub const RETRY_SECONDS: i64 = 600;

/// How long after its hour the snapshot of a day may be missing before the hub says that it is late.
pub const LATE_MINUTES: i64 = 30;

/// When extracts are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timetable {
    /// Minutes after midnight of the extract of a new day. Before noon it is for the day that begins, from noon on for the next.
    pub at_minutes: u16,
    /// Minutes between refreshes of the same day; 0 for none.
    pub refresh_minutes: u16,
}

/// What the snapshot in use is, as far as extracts care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Have {
    /// The day for which it was made.
    pub day: Date,
    /// When it was sealed.
    pub sealed: Moment,
}

/// Why an extract is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The snapshot of the day is not there yet: its hour has come, or was missed.
    NewDay,
    /// It is there and is made anew.
    Refresh,
    /// Somebody asked.
    Asked,
}

/// How the last attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Sealed and in use.
    Sealed {
        /// When.
        at: Moment,
        /// Number of the sealing.
        epoch: u64,
        /// Charts in full.
        charts: u64,
    },
    /// The EHR has said nothing new; the snapshot in use is what there is.
    Unchanged {
        /// When this was found.
        at: Moment,
    },
    /// Nothing was sealed; the last good snapshot stays in use.
    Failed {
        /// When.
        at: Moment,
        /// Why, in words.
        why: String,
    },
}

/// An attempt under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Running {
    /// When it began.
    pub since: Moment,
    /// For which day.
    pub day: Date,
    /// What is being done.
    pub stage: Stage,
    /// How much of that is done, of how much.
    pub done: (u64, u64),
}

/// The three stages of an extract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The source is read.
    Reading,
    /// Charts are put together and sealed.
    Sealing,
    /// Every record is opened again.
    Reopening,
}

/// The hub is late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Late {
    /// The snapshot of this day should be there since that moment.
    Missing {
        /// The day.
        day: Date,
        /// Since when it is due.
        since: Moment,
    },
    /// The snapshot of the day is there, but has not been made anew for so many minutes.
    Stale {
        /// Minutes since the last refresh that worked.
        minutes: i64,
    },
}

/// The state of one hub's extracts, shared between the thread that makes them and the screens that show them.
#[derive(Debug, Default)]
pub struct Runs(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    timetable: Option<Timetable>,
    running: Option<Running>,
    last: Option<Outcome>,
    /// When an attempt last worked, also one that found nothing new.
    worked: Option<Moment>,
    days: Days,
    not_before: Moment,
    asked: bool,
}

impl Timetable {
    /// The day whose patients a snapshot should hold by now.
    #[must_use]
    pub fn wanted_day(self, now: Moment) -> Option<Date> {
        let local = now.local();
        let minutes = chart::codec::maybe_time::minutes(local.time());
        let today = local.date();
        if self.at_minutes < NOON {
            return if minutes >= self.at_minutes {
                Some(today)
            } else {
                today.checked_sub(1.day()).ok()
            };
        }
        if minutes >= self.at_minutes {
            today.tomorrow().ok()
        } else {
            Some(today)
        }
    }

    /// Until when the first snapshot of a day must be there before it is late.
    #[must_use]
    pub fn due_until(self, day: Date) -> Option<Moment> {
        Some(Moment(self.due_since(day)?.0 + LATE_MINUTES * 60))
    }

    /// Since when the snapshot of a day is due.
    fn due_since(self, day: Date) -> Option<Moment> {
        let begins = if self.at_minutes < NOON {
            day
        } else {
            day.yesterday().ok()?
        };
        let midnight = Moment::from_local(begins.at(0, 0, 0, 0));
        Some(Moment(midnight.0 + i64::from(self.at_minutes) * 60))
    }
}

const NOON: u16 = 12 * 60;

impl Runs {
    /// Says when extracts are made; without it none are, and nothing is late.
    pub fn keep(&self, timetable: Timetable) {
        self.inner().timetable = Some(timetable);
    }

    /// The timetable, where this station extracts.
    #[must_use]
    pub fn timetable(&self) -> Option<Timetable> {
        self.inner().timetable
    }

    /// Somebody wants an extract now. False when one is running or none is made here.
    #[must_use]
    pub fn ask(&self) -> bool {
        let mut inner = self.inner();
        let can = inner.timetable.is_some() && inner.running.is_none();
        inner.asked |= can;
        can
    }

    /// What is due now, if anything. While a downtime is `declared` nothing is, except what somebody asks for: an EHR that comes
    /// back with yesterday's backup, or half of itself, must not replace the last good snapshot by itself.
    #[must_use]
    pub fn due(&self, now: Moment, have: Option<Have>, declared: bool) -> Option<(Date, Why)> {
        let inner = self.inner();
        let timetable = inner.timetable?;
        let day = timetable.wanted_day(now)?;
        if inner.running.is_some() {
            return None;
        }
        if inner.asked {
            return Some((day, Why::Asked));
        }
        if declared || now < inner.not_before {
            return None;
        }
        let Some(have) = have.filter(|have| have.day >= day) else {
            return Some((day, Why::NewDay));
        };
        let every = i64::from(timetable.refresh_minutes) * 60;
        let last = inner.worked.unwrap_or_default().max(have.sealed);
        // A snapshot for a later day, made by hand, is not replaced by one for an earlier day.
        (every > 0 && have.day == day && now.0 - last.0 >= every).then_some((day, Why::Refresh))
    }

    /// When the next extract is due by itself; a moment that has passed means as soon as nothing stands against it.
    #[must_use]
    pub fn next(&self, now: Moment, have: Option<Have>) -> Option<Moment> {
        let inner = self.inner();
        let timetable = inner.timetable?;
        let day = timetable.wanted_day(now)?;
        let Some(have) = have.filter(|have| have.day >= day) else {
            return Some(timetable.due_since(day)?.max(inner.not_before));
        };
        let new_day = timetable.due_since(day.max(have.day).tomorrow().ok()?)?;
        let every = i64::from(timetable.refresh_minutes) * 60;
        if every == 0 || have.day != day {
            return Some(new_day);
        }
        let last = inner.worked.unwrap_or_default().max(have.sealed);
        Some(Moment(last.0 + every).max(inner.not_before).min(new_day))
    }

    /// An attempt begins.
    pub fn begins(&self, now: Moment, day: Date) {
        let mut inner = self.inner();
        inner.asked = false;
        inner.running = Some(Running {
            since: now,
            day,
            stage: Stage::Reading,
            done: (0, 0),
        });
    }

    /// How far it has come.
    pub fn comes_to(&self, step: Step) {
        if let Some(running) = &mut self.inner().running {
            (running.stage, running.done) = match step {
                Step::Pull(Progress::Reading(done, all)) => (Stage::Reading, (done, all)),
                Step::Pull(Progress::Assembling(done, all)) => (Stage::Sealing, (done, all)),
                Step::Reopen(done, all) => (Stage::Reopening, (done, all)),
            };
        }
    }

    /// It has ended.
    pub fn ends(&self, outcome: Outcome) {
        let mut inner = self.inner();
        inner.running = None;
        match &outcome {
            Outcome::Sealed { at, .. } | Outcome::Unchanged { at } => inner.worked = Some(*at),
            Outcome::Failed { at, .. } => inner.not_before = Moment(at.0 + RETRY_SECONDS),
        }
        inner.last = Some(outcome);
    }

    /// How the last days' extracts ended, as the roof keeps it.
    pub fn remember(&self, days: Days) {
        self.inner().days = days;
    }

    /// How the last days' extracts ended.
    #[must_use]
    pub fn days(&self) -> Days {
        self.inner().days.clone()
    }

    /// The attempt under way.
    #[must_use]
    pub fn running(&self) -> Option<Running> {
        self.inner().running
    }

    /// How the last attempt since the program started ended.
    #[must_use]
    pub fn last(&self) -> Option<Outcome> {
        self.inner().last.clone()
    }

    /// Whether somebody must be told that the hub is late.
    #[must_use]
    pub fn late(&self, now: Moment, have: Option<Have>) -> Option<Late> {
        let inner = self.inner();
        let timetable = inner.timetable?;
        let day = timetable.wanted_day(now)?;
        let Some(have) = have.filter(|have| have.day >= day) else {
            let since = timetable.due_since(day)?;
            return (now.minutes_since(since) >= LATE_MINUTES).then_some(Late::Missing { day, since });
        };
        let last = inner.worked.unwrap_or_default().max(have.sealed);
        let minutes = now.minutes_since(last);
        // Two intervals: one may fall together with the EHR's own backup.
        let allowed = 2 * i64::from(timetable.refresh_minutes);
        (allowed > 0 && minutes > allowed).then_some(Late::Stale { minutes })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Whatever a thread that died has left is whole: every change is one assignment.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    const DAY: Date = date(2026, 11, 20);

    fn at(hour: i8, minute: i8) -> Moment {
        Moment::from_local(DAY.at(hour, minute, 0, 0))
    }

    fn timetable(at_minutes: u16, refresh_minutes: u16) -> Timetable {
        Timetable {
            at_minutes,
            refresh_minutes,
        }
    }

    #[test]
    fn midnight_is_for_the_day_that_begins_and_evening_for_the_next() {
        let wanted = |minutes, now| timetable(minutes, 0).wanted_day(now);
        assert_eq!(wanted(0, at(0, 0)), Some(DAY));
        assert_eq!(wanted(0, at(23, 59)), Some(DAY));
        assert_eq!(wanted(30, at(0, 29)), Some(date(2026, 11, 19)));
        assert_eq!(wanted(20 * 60, at(21, 0)), Some(date(2026, 11, 21)));
        assert_eq!(wanted(20 * 60, at(19, 0)), Some(DAY));
    }

    #[test]
    fn a_missed_night_is_caught_up_a_day_is_refreshed_and_a_failure_waits() {
        let runs = Runs::default();
        assert_eq!(runs.due(at(0, 0), None, false), None, "no timetable, no extract");
        runs.keep(timetable(0, 60));
        assert_eq!(
            runs.due(at(7, 0), None, false),
            Some((DAY, Why::NewDay)),
            "the night was missed"
        );
        runs.begins(at(7, 0), DAY);
        assert_eq!(runs.due(at(7, 1), None, false), None, "one at a time");
        assert!(!runs.ask());
        runs.ends(Outcome::Failed {
            at: at(7, 1),
            why: "x".into(),
        });
        assert_eq!(runs.due(at(7, 5), None, false), None);
        assert_eq!(runs.due(at(7, 11), None, false), Some((DAY, Why::NewDay)));
        let have = Some(Have {
            day: DAY,
            sealed: at(7, 12),
        });
        runs.ends(Outcome::Sealed {
            at: at(7, 12),
            epoch: 1,
            charts: 1,
        });
        assert_eq!(runs.due(at(8, 11), have, false), None);
        assert_eq!(runs.due(at(8, 12), have, false), Some((DAY, Why::Refresh)));
        runs.ends(Outcome::Unchanged { at: at(8, 12) });
        assert_eq!(runs.due(at(9, 0), have, false), None, "nothing new is an answer, too");
        assert_eq!(runs.due(at(10, 0), have, true), None, "declared: only a person");
        assert!(runs.ask());
        assert_eq!(runs.due(at(10, 0), have, true), Some((DAY, Why::Asked)));
    }

    #[test]
    fn a_snapshot_made_by_hand_for_a_later_day_stays() {
        let runs = Runs::default();
        runs.keep(timetable(0, 60));
        let have = Some(Have {
            day: date(2026, 11, 21),
            sealed: at(6, 0),
        });
        assert_eq!(runs.due(at(12, 0), have, false), None);
    }

    #[test]
    fn the_next_is_the_refresh_or_the_new_day_whichever_comes_first() {
        let runs = Runs::default();
        assert_eq!(runs.next(at(7, 0), None), None);
        runs.keep(timetable(0, 60));
        assert_eq!(runs.next(at(7, 0), None), Some(at(0, 0)), "overdue since midnight");
        let sealed = |hour, minute| {
            Some(Have {
                day: DAY,
                sealed: at(hour, minute),
            })
        };
        assert_eq!(runs.next(at(7, 0), sealed(6, 30)), Some(at(7, 30)));
        let midnight = Moment(at(0, 0).0 + 86_400);
        assert_eq!(runs.next(at(23, 45), sealed(23, 30)), Some(midnight));
        runs.ends(Outcome::Failed {
            at: at(7, 29),
            why: "x".into(),
        });
        assert_eq!(runs.next(at(7, 30), sealed(6, 30)), Some(at(7, 39)), "a failure waits");
    }

    #[test]
    fn late_is_said_half_an_hour_after_the_hour_and_after_two_missed_refreshes() {
        let runs = Runs::default();
        runs.keep(timetable(0, 60));
        let yesterday = Some(Have {
            day: date(2026, 11, 19),
            sealed: Moment(at(0, 0).0 - 86_400),
        });
        assert_eq!(runs.late(at(0, 29), yesterday), None);
        let missing = Late::Missing {
            day: DAY,
            since: at(0, 0),
        };
        assert_eq!(runs.late(at(0, 30), yesterday), Some(missing));
        let today = Some(Have {
            day: DAY,
            sealed: at(0, 5),
        });
        assert_eq!(runs.late(at(2, 5), today), None);
        assert_eq!(runs.late(at(2, 6), today), Some(Late::Stale { minutes: 121 }));
        runs.ends(Outcome::Unchanged { at: at(2, 6) });
        assert_eq!(runs.late(at(2, 7), today), None);
    }
}
