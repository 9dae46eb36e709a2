//! Time enters the house here and nowhere else.

use chart::Moment;

/// Now, by this machine's clock.
#[allow(clippy::disallowed_methods)] // The roof is where the clock is read.
#[must_use]
pub fn now() -> Moment {
    Moment(jiff::Timestamp::now().as_second())
}
