//! `data/extract-days.cbor`: how each of the last days' extracts ended, by whoever made them, for S70. Counts and times, no patient.

use std::io::Read;
use std::path::Path;

use chart::Moment;
use downtime::extract::Timetable;
use downtime::extract::days::{Days, MAX_BYTES};
use jiff::civil::Date;

use crate::config::{Config, extract_time};
use crate::home::{Home, write_durably};

const FILE: &str = "extract-days.cbor";

/// What is known; nothing when there is no file, or none that can be read.
#[must_use]
pub fn read(data: &Path) -> Days {
    let mut bytes = Vec::new();
    let read = std::fs::File::open(data.join(FILE)).and_then(|file| file.take(MAX_BYTES).read_to_end(&mut bytes));
    read.map(|_| Days::from_bytes(&bytes)).unwrap_or_default()
}

/// A snapshot was sealed.
pub fn sealed(config: &Config, home: &Home, day: Date, at: Moment, findings: [u64; 3]) {
    let timetable = config.extract.as_ref().map(|extract| Timetable {
        at_minutes: extract_time(&extract.at).unwrap_or(0),
        refresh_minutes: extract.refresh_minutes,
    });
    let [severe, warning, _] = findings;
    change(&home.data, |days| {
        days.sealed(
            day,
            at,
            timetable.and_then(|timetable| timetable.due_until(day)),
            [severe, warning],
        );
    });
}

/// An attempt sealed nothing.
pub fn failed(data: &Path, day: Date) {
    change(data, |days| days.failed(day));
}

/// It shows, and decides nothing: where it cannot be written the log says so and the extract stands.
fn change(data: &Path, change: impl FnOnce(&mut Days)) {
    let mut days = read(data);
    change(&mut days);
    let written = days
        .to_bytes()
        .map_err(anyhow::Error::from)
        .and_then(|bytes| write_durably(&data.join(FILE), &bytes));
    if let Err(fault) = written {
        tracing::warn!("{FILE} could not be written: {fault:#}");
    }
}
