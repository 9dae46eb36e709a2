//! Why somebody takes something back, as typed: without the spaces around it, and no longer than a line of a record needs.
//!
//! Whether a reason is wanted at all is the screen's to say.

use serde::Deserialize;

/// Longest reason, in characters.
const MAX_REASON: usize = 200;

/// A form that says why, and nothing else.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Why {
    reason: String,
}

impl Why {
    /// The reason; empty when there is none.
    pub fn reason(&self) -> String {
        reason(&self.reason)
    }
}

/// What was typed as a reason; empty when there is none.
pub fn reason(typed: &str) -> String {
    typed.trim().chars().take(MAX_REASON).collect()
}
