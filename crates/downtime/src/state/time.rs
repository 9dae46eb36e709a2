//! How far a station's clock can be trusted. It is shown beside times and kept in every record; order never depends on it.

use chart::Moment;

/// How good a clock is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum TimeQuality {
    /// Nobody looked, or nobody answers.
    #[default]
    Unknown,
    /// Synchronised: within a second of the time source.
    Synced,
    /// It was synchronised; since then it runs alone and may be off by a little.
    Drifting,
    /// Set by hand, or off by more than [`MAX_OFFSET_SECONDS`] against the hub.
    ByHand,
}

/// A clock that differs from the hub's by more than this is not synchronised, whatever it says of itself.
pub const MAX_OFFSET_SECONDS: i64 = 2;

/// Hours for which a clock that was synchronised counts as drifting only a little.
pub const DRIFT_HOURS: i64 = 24 * 14;

impl TimeQuality {
    /// Every quality.
    pub const ALL: [Self; 4] = [Self::Unknown, Self::Synced, Self::Drifting, Self::ByHand];

    /// As it stands in records.
    #[must_use]
    pub const fn to_byte(self) -> u8 {
        match self {
            Self::Unknown => 0,
            Self::Synced => 1,
            Self::Drifting => 2,
            Self::ByHand => 3,
        }
    }

    /// The reverse; numbers of a newer program read as unknown.
    #[must_use]
    pub fn from_byte(byte: u8) -> Self {
        Self::ALL.into_iter().find(|q| q.to_byte() == byte).unwrap_or_default()
    }

    /// Stable word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Synced => "synced",
            Self::Drifting => "drifting",
            Self::ByHand => "by-hand",
        }
    }
}

/// What is known about a clock when it is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Evidence {
    /// Now, by the clock that is judged.
    pub now: Moment,
    /// What the machine's time service says.
    pub service: TimeDaemon,
    /// How far the hub's clock is ahead of this one, in seconds, if the hub answered lately.
    pub hub_ahead: Option<i64>,
    /// The hub called its own clock [`TimeQuality::Synced`] then.
    pub hub_synced: bool,
    /// The clock jumped, or was set, since the service last agreed with it.
    pub jumped: bool,
    /// When it was last known to be right, kept over restarts.
    pub last_right: Option<Moment>,
}

/// What a machine's time service says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TimeDaemon {
    /// None is configured, or it does not answer.
    #[default]
    Silent,
    /// It runs, but has no source.
    Unsynced,
    /// It agreed with its source at this moment, within so many milliseconds.
    Synced {
        /// When.
        at: Moment,
        /// Largest error it allows for.
        within_ms: i64,
    },
}

/// A service that has not heard of its source for longer than this lets the clock run alone.
pub const DAEMON_SILENCE_SECONDS: i64 = 4 * 3600;

/// An error within which a clock counts as synchronised.
pub const SYNCED_MS: i64 = 1_000;

impl Evidence {
    /// True when the clock is known to be right now: worth remembering for the time without a source.
    #[must_use]
    pub fn is_right(&self) -> bool {
        match self.service {
            TimeDaemon::Synced { at, within_ms } => {
                within_ms <= SYNCED_MS && recent(self.now, at, DAEMON_SILENCE_SECONDS) && !self.contradicted()
            }
            _ => false,
        }
    }

    /// The hub is synchronised and says something else.
    fn contradicted(&self) -> bool {
        self.hub_ahead.is_some_and(|ahead| ahead.abs() > MAX_OFFSET_SECONDS)
    }

    /// A synchronised hub's clock agrees: right to a few seconds, which is not [`TimeQuality::Synced`].
    #[must_use]
    pub fn agrees_with_hub(&self) -> bool {
        self.hub_synced && self.hub_ahead.is_some_and(|ahead| ahead.abs() <= MAX_OFFSET_SECONDS)
    }

    /// How far the clock can be trusted.
    #[must_use]
    pub fn judge(&self) -> TimeQuality {
        if self.contradicted() {
            return TimeQuality::ByHand;
        }
        if self.is_right() {
            return TimeQuality::Synced;
        }
        if self.agrees_with_hub() {
            return TimeQuality::Drifting;
        }
        let remembered = self
            .last_right
            .is_some_and(|at| recent(self.now, at, DRIFT_HOURS * 3600));
        match (self.jumped, remembered, self.service) {
            (true, ..) => TimeQuality::ByHand,
            (false, true, _) => TimeQuality::Drifting,
            (false, false, TimeDaemon::Silent) => TimeQuality::Unknown,
            (false, false, _) => TimeQuality::ByHand,
        }
    }
}

/// Not longer ago than so many seconds, and not in the future by more than a minute.
fn recent(now: Moment, at: Moment, seconds: i64) -> bool {
    (-60..=seconds).contains(&now.0.saturating_sub(at.0))
}

/// A difference between the wall clock's way and the monotonic clock's way of more than this is a jump.
pub const JUMP_MS: i64 = 2_000;

/// How far the wall clock jumped between two looks, in milliseconds; `None` when it only ran.
#[must_use]
pub const fn jump_ms(wall_before: i64, wall_now: i64, ran_ms: i64) -> Option<i64> {
    let off = wall_now.saturating_sub(wall_before).saturating_sub(ran_ms);
    if off.saturating_abs() > JUMP_MS {
        Some(off)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment(1_800_000_000);
    const HOUR: i64 = 3600;

    fn synced(ago: i64, within_ms: i64) -> Evidence {
        Evidence {
            now: NOW,
            service: TimeDaemon::Synced {
                at: Moment(NOW.0 - ago),
                within_ms,
            },
            ..Evidence::default()
        }
    }

    fn remembered(hours: i64) -> Evidence {
        Evidence {
            now: NOW,
            last_right: Some(Moment(NOW.0 - hours * HOUR)),
            ..Evidence::default()
        }
    }

    #[test]
    fn synchronised_means_within_a_second_and_lately() {
        assert_eq!(synced(10, 1_000).judge(), TimeQuality::Synced);
        assert_eq!(synced(4 * HOUR, 20).judge(), TimeQuality::Synced);
        assert_eq!(
            synced(10, 1_001).judge(),
            TimeQuality::ByHand,
            "a source a second off is none"
        );
        assert_eq!(synced(4 * HOUR + 1, 20).judge(), TimeQuality::ByHand);
        assert_eq!(synced(-61, 20).judge(), TimeQuality::ByHand, "agreed in the future");
    }

    #[test]
    fn without_its_source_a_clock_drifts_for_fourteen_days() {
        assert_eq!(remembered(0).judge(), TimeQuality::Drifting);
        assert_eq!(remembered(14 * 24).judge(), TimeQuality::Drifting);
        assert_eq!(remembered(14 * 24 + 1).judge(), TimeQuality::Unknown);
        assert_eq!(
            remembered(-1).judge(),
            TimeQuality::Unknown,
            "right in the future: the clock was set back"
        );
        let unsynced = Evidence {
            service: TimeDaemon::Unsynced,
            ..remembered(1)
        };
        assert_eq!(unsynced.judge(), TimeQuality::Drifting);
        assert_eq!(Evidence::default().judge(), TimeQuality::Unknown);
    }

    #[test]
    fn who_sets_a_clock_by_hand_is_believed_only_by_a_source() {
        let set = Evidence {
            jumped: true,
            ..remembered(1)
        };
        assert_eq!(set.judge(), TimeQuality::ByHand);
        let corrected = Evidence {
            jumped: true,
            ..synced(1, 5)
        };
        assert_eq!(corrected.judge(), TimeQuality::Synced, "the source itself made it jump");
    }

    #[test]
    fn the_hub_contradicts_a_clock_but_does_not_make_it_synchronised() {
        let beside = |ahead, hub_synced, base: Evidence| Evidence {
            hub_ahead: Some(ahead),
            hub_synced,
            ..base
        };
        assert_eq!(beside(-3, true, synced(1, 5)).judge(), TimeQuality::ByHand);
        assert_eq!(
            beside(3, false, synced(1, 5)).judge(),
            TimeQuality::ByHand,
            "two clocks, one is wrong"
        );
        assert_eq!(beside(2, true, Evidence::default()).judge(), TimeQuality::Drifting);
        assert_eq!(beside(2, false, Evidence::default()).judge(), TimeQuality::Unknown);
        let silent = Evidence {
            now: NOW,
            jumped: true,
            ..Evidence::default()
        };
        assert_eq!(
            beside(0, true, silent).judge(),
            TimeQuality::Drifting,
            "set, and right by the hub"
        );
        assert!(
            !beside(0, true, silent).is_right(),
            "not remembered as right to a second"
        );
    }

    #[test]
    fn a_jump_is_what_the_monotonic_clock_did_not_see() {
        assert_eq!(jump_ms(0, 5_000, 5_000), None);
        assert_eq!(
            jump_ms(0, 7_000, 5_000),
            None,
            "two seconds are not more than two seconds"
        );
        assert_eq!(jump_ms(0, 7_001, 5_000), Some(2_001));
        assert_eq!(jump_ms(10_000, 5_000, 5_000), Some(-10_000));
        assert_eq!(jump_ms(i64::MAX, i64::MIN, 0), Some(i64::MIN));
    }
}
