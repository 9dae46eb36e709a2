//! `[readiness]`: how often a station says that it is as it was.

use serde::Deserialize;

/// Seconds between two receipts that may be configured: above, a station that lives would count as silent.
const EVERY: std::ops::RangeInclusive<u64> = 1..=1_200;

/// `[readiness]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Readiness {
    /// Seconds between two receipts of a station of which nothing has changed.
    every_seconds: u64,
}

impl Default for Readiness {
    fn default() -> Self {
        Self { every_seconds: 900 }
    }
}

impl Readiness {
    /// Seconds between two receipts, within what may be.
    #[must_use]
    pub fn every_seconds(&self) -> i64 {
        i64::try_from(self.every_seconds.clamp(*EVERY.start(), *EVERY.end())).unwrap_or(900)
    }
}
