//! The line to other stations: how it is opened, for everybody who visits.
//!
//! Every object that travels is signed and sealed by itself; the line is never what proves anything.

use std::time::Duration;

/// How this station opens connections to others.
#[derive(Debug, Clone, Default)]
pub struct Line {}

impl Line {
    /// Opens connections that may take so long in all. A new connection for every request: a kept one would hide that the line is gone.
    #[must_use]
    pub fn agent(&self, patience: Duration) -> ureq::Agent {
        ureq::Agent::config_builder()
            .timeout_global(Some(patience))
            .max_idle_connections(0)
            .build()
            .into()
    }
}
