//! How each of the last days' extracts ended: what a person wants to see at a glance on S70, and what tells a creeping fault from a bad night.
//!
//! Counts and times only, no patient. Pure: the roof keeps the bytes (`data/extract-days.cbor`). A file that cannot be read is begun anew,
//! because it decides nothing.

use std::collections::BTreeMap;

use chart::Moment;
use jiff::ToSpan;
use jiff::civil::Date;
use minicbor::{Decode, Encode};

/// Days that are kept.
pub const KEEP_DAYS: usize = 62;
/// Days that are shown.
pub const SHOWN_DAYS: usize = 30;
/// Longest file read.
pub const MAX_BYTES: u64 = 64 << 10;

/// One day's extracts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
pub struct Day {
    /// When its first snapshot was sealed.
    #[n(0)]
    pub first: Option<Moment>,
    /// Snapshots sealed for it.
    #[n(1)]
    pub sealings: u32,
    /// Attempts that sealed nothing.
    #[n(2)]
    pub failures: u32,
    /// Severe findings and warnings of the newest snapshot.
    #[n(3)]
    pub findings: [u64; 2],
    /// The first was sealed later than it should have been.
    #[n(4)]
    pub late: bool,
}

/// How a day stands, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// In time, and nothing to look at.
    Complete,
    /// In time, with findings that somebody should look at.
    Findings,
    /// Its first snapshot came too late.
    Late,
    /// Attempts, and no snapshot.
    Failed,
    /// Nothing is known of it: the program did not run, or made no extracts yet.
    Nothing,
}

impl Standing {
    /// Stable word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Findings => "findings",
            Self::Late => "late",
            Self::Failed => "failed",
            Self::Nothing => "nothing",
        }
    }

    /// Its shape.
    #[must_use]
    pub const fn mark(self) -> &'static str {
        match self {
            Self::Complete => "○",
            Self::Findings => "◆",
            Self::Late => "▲",
            Self::Failed => "■",
            Self::Nothing => "－",
        }
    }
}

impl Day {
    /// How it stands.
    #[must_use]
    pub const fn standing(&self) -> Standing {
        match (self.first, self.late, self.failures, self.findings) {
            (Some(_), true, ..) => Standing::Late,
            (Some(_), false, _, [0, 0]) => Standing::Complete,
            (Some(_), ..) => Standing::Findings,
            (None, _, 0, _) => Standing::Nothing,
            (None, ..) => Standing::Failed,
        }
    }
}

/// The last days.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Days {
    /// By the day for which the snapshot is, as 20261120.
    #[n(0)]
    days: BTreeMap<u32, Day>,
}

impl Days {
    /// From the file; nothing is known when it cannot be read.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        minicbor::decode(bytes).unwrap_or_default()
    }

    /// The file.
    ///
    /// # Errors
    /// When it cannot be encoded.
    pub fn to_bytes(&self) -> std::io::Result<Vec<u8>> {
        minicbor::to_vec(self).map_err(std::io::Error::other)
    }

    /// A snapshot was sealed. `due_until`: when the first of that day should have been there.
    pub fn sealed(&mut self, day: Date, at: Moment, due_until: Option<Moment>, findings: [u64; 2]) {
        let one = self.day(day);
        if one.first.is_none() {
            one.first = Some(at);
            one.late = due_until.is_some_and(|until| at > until);
        }
        one.sealings = one.sealings.saturating_add(1);
        one.findings = findings;
        self.forget_old();
    }

    /// An attempt sealed nothing.
    pub fn failed(&mut self, day: Date) {
        let one = self.day(day);
        one.failures = one.failures.saturating_add(1);
        self.forget_old();
    }

    fn day(&mut self, day: Date) -> &mut Day {
        self.days.entry(chart::codec::date::to_number(day)).or_default()
    }

    fn forget_old(&mut self) {
        while self.days.len() > KEEP_DAYS {
            self.days.pop_first();
        }
    }

    /// The days up to and with this one, the oldest first.
    #[must_use]
    pub fn strip(&self, last: Date) -> Vec<(Date, Day)> {
        let days = (0..SHOWN_DAYS).rev().filter_map(|back| {
            let day = last.checked_sub(i64::try_from(back).ok()?.days()).ok()?;
            let known = self.days.get(&chart::codec::date::to_number(day));
            Some((day, known.copied().unwrap_or_default()))
        });
        days.collect()
    }

    /// True when nothing is known of any day.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.days.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    const DAY: Date = date(2026, 11, 20);

    #[test]
    fn a_day_is_what_its_first_and_its_newest_snapshot_were() {
        let (due, mut days) = (Some(Moment(1_000)), Days::default());
        let of = |days: &Days, day| days.strip(day).last().unwrap().1.standing();
        assert_eq!(of(&days, DAY), Standing::Nothing);
        days.failed(DAY);
        assert_eq!(of(&days, DAY), Standing::Failed);
        days.sealed(DAY, Moment(900), due, [0, 3]);
        assert_eq!(of(&days, DAY), Standing::Findings);
        days.sealed(DAY, Moment(5_000), due, [0, 0]);
        assert_eq!(
            of(&days, DAY),
            Standing::Complete,
            "a refresh is never late, and its findings count"
        );
        let next = DAY.tomorrow().unwrap();
        days.sealed(next, Moment(1_001), due, [0, 0]);
        assert_eq!(of(&days, next), Standing::Late);
        let strip = days.strip(next);
        assert_eq!((strip.len(), strip[0].0), (30, date(2026, 10, 23)));
        assert_eq!(Days::from_bytes(&days.to_bytes().unwrap()), days);
        assert!(Days::from_bytes(b"\xFFnonsense").is_empty());
    }

    #[test]
    fn old_days_go() {
        let mut days = Days::default();
        for back in 0..100 {
            days.failed(DAY.checked_sub(i64::from(back).days()).unwrap());
        }
        assert_eq!(days.days.len(), KEEP_DAYS);
        assert_eq!(
            days.strip(DAY).iter().filter(|(_, day)| day.failures == 1).count(),
            SHOWN_DAYS
        );
        assert!(days.to_bytes().unwrap().len() < usize::try_from(MAX_BYTES).unwrap());
    }
}
