//! Time enters the house here and nowhere else.

use chart::Moment;

/// Now, by this machine's clock.
#[allow(clippy::disallowed_methods)] // The roof is where the clock is read.
#[must_use]
pub fn now() -> Moment {
    Moment(jiff::Timestamp::now().as_second())
}

/// CPU seconds (user + sys) this program has used so far on its first thread, which does the work of a command. `None` where the
/// system does not tell (only Linux does).
#[must_use]
pub fn cpu_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/schedstat").ok()?;
    let nanoseconds: u64 = text.split(' ').next()?.parse().ok()?;
    Some(std::time::Duration::from_nanos(nanoseconds).as_secs_f64())
}

/// Now in milliseconds since 1970, by this machine's clock: to see how far it jumps.
#[allow(clippy::disallowed_methods)] // As above.
#[must_use]
pub fn millis() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// How long this program has been running, by a clock that nobody sets. Only differences mean anything.
#[allow(clippy::disallowed_methods)] // As above.
#[must_use]
pub fn running() -> std::time::Duration {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    START.get_or_init(std::time::Instant::now).elapsed()
}
