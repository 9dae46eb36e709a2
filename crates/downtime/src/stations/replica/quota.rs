//! How much one station's key may put onto everybody's disks: so many records of one day.
//!
//! The day is the record's own, so a station that comes back after weeks is taken at once, and a clock that goes wrong costs
//! nothing. A key in wrong hands fills no disk with it.

use std::collections::BTreeMap;

use vault::journal::Record;

/// Records of one day that are taken from one station.
pub const RECORDS_A_DAY: u32 = 10_000;
/// Different days that are counted; what lies beyond counts as one.
const MOST_DAYS: usize = 1_000;

/// What was taken, by station and day.
#[derive(Debug, Default)]
pub(super) struct Quota {
    taken: BTreeMap<[u8; 16], BTreeMap<u16, u32>>,
}

impl Quota {
    /// Counts a record; false when its station has had its share of that day.
    pub(super) fn take(&mut self, record: &Record) -> bool {
        let days = self.taken.entry(*record.header().station.as_bytes()).or_default();
        let day = u16::try_from((record.header().hlc >> 20) / 86_400).unwrap_or(u16::MAX);
        let day = if days.len() >= MOST_DAYS && !days.contains_key(&day) {
            u16::MAX
        } else {
            day
        };
        let count = days.entry(day).or_default();
        if *count >= RECORDS_A_DAY {
            return false;
        }
        *count += 1;
        true
    }

    /// Takes a count back: the disk did not take the record.
    pub(super) fn give_back(&mut self, record: &Record) {
        let day = u16::try_from((record.header().hlc >> 20) / 86_400).unwrap_or(u16::MAX);
        let days = self.taken.get_mut(record.header().station.as_bytes());
        if let Some(count) = days.and_then(|days| days.get_mut(&day)) {
            *count = count.saturating_sub(1);
        }
    }
}
