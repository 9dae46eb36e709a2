//! The nightly extract: at the configured time, and at once when the last run was missed.
//!
//! It runs beside the desk; a refused or failed extract leaves the last good snapshot in use and is said loudly in the
//! log and on the home screen.

use std::sync::{Arc, Weak};
use std::time::Duration;

use chart::Moment;
use downtime::stations::Station;
use jiff::ToSpan;
use jiff::civil::Date;

use crate::cli::run_extract;
use crate::config::{Config, extract_time};
use crate::home::Home;
use crate::packs;

/// How often the clock is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(20);

/// After a failed attempt, how long until the next.
const RETRY_SECONDS: i64 = 600;

/// Looks at the clock until the station is gone.
///
/// # Errors
/// When the thread cannot be started.
pub fn start(station: &Arc<Station>, config: Config) -> std::io::Result<()> {
    let station = Arc::downgrade(station);
    std::thread::Builder::new()
        .name("extract".into())
        .spawn(move || nights(&station, &config))?;
    Ok(())
}

fn nights(station: &Weak<Station>, config: &Config) {
    let mut not_before = Moment(0);
    loop {
        let Some(station) = station.upgrade() else { return };
        let now = station.now();
        let at = config.extract.as_ref().and_then(|e| extract_time(&e.at)).unwrap_or(0);
        let have = station.shelf().current().and_then(|s| s.stat().day);
        let wanted = wanted_day(now, at);
        if now >= not_before && wanted.is_some_and(|day| have.is_none_or(|have| have < day)) {
            if let Some(day) = wanted {
                attempt(&station, config, day);
            }
            not_before = Moment(now.0 + RETRY_SECONDS);
        }
        drop(station);
        std::thread::sleep(LOOK_EVERY);
    }
}

/// The day whose patients a snapshot should hold by now. The extract at 00:00 is for the day that begins; one scheduled
/// in the evening (from noon on) is for the next day.
fn wanted_day(now: Moment, at: u16) -> Option<Date> {
    let local = now.local();
    let minutes = chart::codec::maybe_time::minutes(local.time());
    let today = local.date();
    if at < 12 * 60 {
        return if minutes >= at {
            Some(today)
        } else {
            today.checked_sub(1.day()).ok()
        };
    }
    if minutes >= at {
        today.tomorrow().ok()
    } else {
        Some(today)
    }
}

fn attempt(station: &Station, config: &Config, day: Date) {
    tracing::info!(%day, "extract begins");
    let outcome = Home::open(config).and_then(|home| {
        run_extract(config, &home, day, false, true).inspect_err(|fault| {
            let line = format!("{} REFUSED {fault:#}", station.now().text());
            if let Err(error) = home.log("extract.log", &line) {
                tracing::error!(%error, "the extract log cannot be written");
            }
        })
    });
    match outcome {
        Ok(done) => {
            tracing::info!(epoch = done.identity.epoch, charts = done.stat.charts, "sealed");
            if let Err(error) = station.shelf().refresh() {
                tracing::error!(%error, "the new snapshot cannot be taken into use");
            }
            // The seal is done and in use; what follows waits for nobody and nobody waits for it.
            if config.packs.enabled
                && let Err(error) = packs::in_background(config, done)
            {
                tracing::error!(%error, "★ the print packs cannot be made");
            }
        }
        Err(fault) => tracing::error!("★ {fault:#}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn midnight_is_for_the_day_that_begins_and_evening_for_the_next() {
        let at = |h, m| Moment::from_local(date(2026, 11, 20).at(h, m, 0, 0));
        assert_eq!(wanted_day(at(0, 0), 0), Some(date(2026, 11, 20)));
        assert_eq!(wanted_day(at(23, 59), 0), Some(date(2026, 11, 20)));
        assert_eq!(wanted_day(at(0, 29), 30), Some(date(2026, 11, 19)));
        assert_eq!(wanted_day(at(21, 0), 20 * 60), Some(date(2026, 11, 21)));
        assert_eq!(wanted_day(at(19, 0), 20 * 60), Some(date(2026, 11, 20)));
    }
}
