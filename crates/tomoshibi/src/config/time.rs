//! `[time]`: whether this machine's clock can be believed.

use serde::Deserialize;

/// `[time]`: whom to ask about this machine's clock. Without a source the quality is unknown, and says so.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Time {
    /// `chrony`, `timesyncd` or `none`.
    #[serde(default)]
    pub source: TimeSource,
}

/// A machine's time service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TimeSource {
    /// chronyd, asked with `chronyc`.
    Chrony,
    /// systemd-timesyncd.
    Timesyncd,
    /// Nobody.
    #[default]
    None,
}
