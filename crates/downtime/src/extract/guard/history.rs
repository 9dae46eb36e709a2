//! What the last days held, so that a day is compared with its like: a Sunday with Sundays.
//!
//! The two last days of each weekday are kept, counts only. It deliberately knows no calendar of holidays: one thin holiday beside
//! a full week neither stops the next week nor blunts the guard, because a day must stand up to the fuller of the two.

use jiff::civil::{Date, Weekday};
use minicbor::{Decode, Encode};

use super::super::{KindCount, SnapshotStat};

/// Days kept of each weekday.
const KEPT: usize = 2;

/// Counts of the last sealed days.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct History {
    #[n(0)]
    days: Vec<SnapshotStat>,
}

/// The bytes are not a history.
#[derive(Debug, thiserror::Error)]
#[error("これまでの日の件数を読めません: {0}")]
pub struct HistoryFault(String);

impl History {
    /// Reads what [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`HistoryFault`] when the bytes are no history; going on without one means comparing with the last snapshot.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, HistoryFault> {
        minicbor::decode(bytes).map_err(|e| HistoryFault(e.to_string()))
    }

    /// CBOR.
    ///
    /// # Errors
    /// [`HistoryFault`] when a field refuses to encode.
    pub fn to_bytes(&self) -> Result<Vec<u8>, HistoryFault> {
        minicbor::to_vec(self).map_err(|e| HistoryFault(e.to_string()))
    }

    /// Remembers a sealed day; the same date again takes the place of what was known of it.
    pub fn remember(&mut self, stat: &SnapshotStat) {
        let Some(day) = stat.day else { return };
        self.days.retain(|known| known.day != Some(day));
        self.days.push(stat.clone());
        self.days.sort_by_key(|known| std::cmp::Reverse(known.day));
        let mut kept = [0_usize; 7];
        self.days.retain(|known| {
            let count = known.day.and_then(|day| kept.get_mut(place(day.weekday())));
            count.is_some_and(|count| {
                *count += 1;
                *count <= KEPT
            })
        });
    }

    /// What a day must stand up to: of the days kept of its weekday the larger counts. `None` before there is such a day.
    #[must_use]
    pub fn like(&self, day: Date) -> Option<SnapshotStat> {
        let mut alike = self
            .days
            .iter()
            .filter(|known| known.day.is_some_and(|known| known.weekday() == day.weekday()));
        let mut fullest = alike.next()?.clone();
        for other in alike {
            // Of the fuller day both: what is left without a bed must stay a number of one day.
            if other.charts > fullest.charts {
                fullest.charts = other.charts;
                fullest.wards.clone_from(&other.wards);
            }
            for count in &other.kinds {
                match fullest.kinds.iter_mut().find(|known| known.kind == count.kind) {
                    Some(known) if known.used >= count.used => {}
                    Some(known) => *known = *count,
                    None => fullest.kinds.push(KindCount { ..*count }),
                }
            }
        }
        Some(fullest)
    }
}

fn place(weekday: Weekday) -> usize {
    usize::try_from(weekday.to_sunday_zero_offset()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chart::DataKind;
    use jiff::civil::date;

    fn stat(day: Date, charts: u64, notes: u64) -> SnapshotStat {
        let kinds = vec![KindCount {
            kind: DataKind::Note,
            rows: notes,
            used: notes,
            refused: 0,
        }];
        SnapshotStat {
            day: Some(day),
            charts,
            kinds,
            ..SnapshotStat::default()
        }
    }

    /// A Friday.
    const FIRST: Date = date(2026, 11, 20);

    #[test]
    fn a_day_stands_up_to_the_fuller_of_the_last_two_of_its_weekday() {
        let mut history = History::default();
        assert_eq!(history.like(FIRST), None);
        let week = |n: i64| FIRST.saturating_add(jiff::Span::new().weeks(n));
        history.remember(&stat(FIRST, 600, 500));
        history.remember(&stat(FIRST.tomorrow().unwrap(), 40, 0));
        history.remember(&stat(week(1), 3, 900));
        let like = history.like(week(2)).unwrap();
        assert_eq!((like.charts, like.kinds[0].used), (600, 900));
        history.remember(&stat(week(2), 5, 7));
        assert_eq!(history.like(week(3)).unwrap().charts, 5, "only two are kept");
        history.remember(&stat(week(2), 450, 7));
        assert_eq!(history.like(week(3)).unwrap().charts, 450, "the same date is replaced");
        assert_eq!(history.like(FIRST.tomorrow().unwrap()).unwrap().charts, 40);
        assert_eq!(history.like(FIRST.yesterday().unwrap()), None);
        let bytes = history.to_bytes().unwrap();
        assert_eq!(History::from_bytes(&bytes).unwrap(), history);
        assert!(History::from_bytes(&bytes[..bytes.len() - 1]).is_err());
    }
}
