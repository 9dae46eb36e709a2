//! What the roof saw the clock do, written down. Nothing is corrected here and nothing changes its place.

use chart::{Author, Moment};

use super::Station;
use crate::audit::{Deed, Method, Sighting};

impl Station {
    /// The wall clock jumped: `before` is what it would have shown now, `seconds` how far it went (negative for back).
    pub fn observe_jump(&self, before: Moment, seconds: i64) {
        tracing::warn!(seconds, "★ this station's clock jumped");
        let sighting = self.sighting(&Author::default(), Method::Program, Deed::ClockJumped);
        let detail = format!("{} → {}（{seconds:+}秒）", before.text(), sighting.at.text());
        self.audit().note(Sighting { detail, ..sighting });
    }
}
