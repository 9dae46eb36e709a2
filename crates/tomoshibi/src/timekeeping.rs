//! Looks at this machine's clock: what its time service says, whether it jumped, what the hub's clock shows.
//!
//! It never sets a clock and never changes an order: the quality is shown and stands in every record, a jump is written into the
//! audit log. What follows from what is seen is decided in `downtime::state`.

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use chart::Moment;
use downtime::state::{Evidence, TimeDaemon, TimeQuality, jump_ms};
use downtime::stations::Station;

use crate::clock;
use crate::config::TimeSource;
use crate::home::write_durably;

/// How often the two clocks are compared.
const LOOK_EVERY: Duration = Duration::from_secs(3);

/// How many looks pass between two questions to the time service.
const ASK_EVERY: u32 = 10;

/// How long the hub's word about the time counts.
const HUB_WORD_SECONDS: i64 = 60;

/// How often the moment at which the clock was right is written down.
const REMEMBER_SECONDS: i64 = 600;

/// What the hub's clock showed at the last visit.
#[derive(Debug, Default)]
pub struct HubTime(Mutex<Option<Heard>>);

#[derive(Debug, Clone, Copy)]
struct Heard {
    ahead: i64,
    synced: bool,
    at: Moment,
}

impl HubTime {
    /// The hub said `hub` between these two moments of this clock.
    pub fn heard(&self, before: Moment, hub: Moment, after: Moment, quality: TimeQuality) {
        let ahead = if hub < before {
            hub.0.saturating_sub(before.0)
        } else {
            hub.0.saturating_sub(after.0).max(0)
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Heard {
            ahead,
            synced: quality == TimeQuality::Synced,
            at: after,
        });
    }

    fn lately(&self, now: Moment) -> Option<Heard> {
        let heard = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.filter(|heard| (0..=HUB_WORD_SECONDS).contains(&now.0.saturating_sub(heard.at.0)))
    }

    /// After a jump the last visit says nothing about the clock as it is now.
    fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Looks at the clock until the station is gone.
///
/// # Errors
/// When the thread cannot be started.
pub fn start(station: &Arc<Station>, source: TimeSource, hub: Arc<HubTime>, data: &Path) -> std::io::Result<()> {
    let station = Arc::downgrade(station);
    let file = data.join("clock.right");
    std::thread::Builder::new()
        .name("timekeeping".into())
        .spawn(move || looks(&station, source, &hub, &file))?;
    Ok(())
}

fn looks(station: &Weak<Station>, source: TimeSource, hub: &HubTime, file: &Path) {
    let mut last_right = remembered(file);
    let mut written = last_right;
    let mut service = TimeDaemon::Silent;
    let mut jumped = false;
    let mut before = (clock::millis(), clock::running());
    for turn in 0_u32.. {
        let Some(station) = station.upgrade() else { return };
        let now = (clock::millis(), clock::running());
        let ran = i64::try_from(now.1.saturating_sub(before.1).as_millis()).unwrap_or(i64::MAX);
        let jump = jump_ms(before.0, now.0, ran);
        if let Some(off) = jump {
            let would_be = before.0.saturating_add(ran).div_euclid(1000);
            station.observe_jump(Moment(would_be), off.div_euclid(1000));
            hub.forget();
            jumped = true;
        }
        before = now;
        if turn % ASK_EVERY == 0 || jump.is_some() {
            service = ask(source);
        }
        let moment = station.now();
        let heard = hub.lately(moment);
        let evidence = Evidence {
            now: moment,
            service,
            hub_ahead: heard.map(|h| h.ahead),
            hub_synced: heard.is_some_and(|h| h.synced),
            jumped,
            last_right,
        };
        if evidence.is_right() {
            (last_right, jumped) = (Some(moment), false);
            if written.is_none_or(|at| !(0..REMEMBER_SECONDS).contains(&(moment.0 - at.0))) {
                written = Some(moment);
                if let Err(error) = write_durably(file, moment.0.to_string().as_bytes()) {
                    tracing::warn!(%error, "when the clock was last right could not be written down");
                }
            }
        }
        station.observe_time(evidence.judge());
        drop(station);
        std::thread::sleep(LOOK_EVERY);
    }
}

fn remembered(file: &Path) -> Option<Moment> {
    std::fs::read_to_string(file).ok()?.trim().parse().ok().map(Moment)
}

fn ask(source: TimeSource) -> TimeDaemon {
    match source {
        TimeSource::None => TimeDaemon::Silent,
        TimeSource::Chrony => output("chronyc", &["-c", "tracking"])
            .as_deref()
            .and_then(chrony)
            .unwrap_or_default(),
        TimeSource::Timesyncd => timesyncd(),
    }
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let done = Command::new(program).args(arguments).output().ok()?;
    done.status
        .success()
        .then(|| String::from_utf8_lossy(&done.stdout).into_owned())
}

/// One line of `chronyc -c tracking`: fields 4 (reference time), 5 (offset of the system clock), 11 and 12 (root delay and
/// dispersion, seconds) and 14 (leap status). The error allowed for is chrony's own bound: offset + dispersion + delay / 2.
fn chrony(text: &str) -> Option<TimeDaemon> {
    let fields: Vec<&str> = text.lines().next()?.trim().split(',').collect();
    let seconds = |n: usize| fields.get(n)?.parse::<f64>().ok().filter(|s| s.is_finite());
    if fields.get(13)?.contains("Not synchronised") {
        return Some(TimeDaemon::Unsynced);
    }
    let bound = seconds(4)?.abs() + seconds(11)?.abs() + seconds(10)?.abs() / 2.0;
    // Whole milliseconds, upwards; more than an hour is an hour.
    #[allow(clippy::cast_possible_truncation)] // Bounded on the line before.
    let (within_ms, at) = (
        (bound.min(3_600.0) * 1000.0).ceil() as i64,
        seconds(3)?.clamp(0.0, 1e11) as i64,
    );
    Some(TimeDaemon::Synced {
        at: Moment(at),
        within_ms,
    })
}

/// systemd-timesyncd touches a file whenever it agrees with its server; without the file, the kernel's flag is asked.
fn timesyncd() -> TimeDaemon {
    let touched = std::fs::metadata("/run/systemd/timesync/synchronized")
        .and_then(|m| m.modified())
        .ok()
        .and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok())
        .and_then(|since| i64::try_from(since.as_secs()).ok());
    // It gives no bound of its own: SNTP over a hospital's network is good to tens of milliseconds.
    let synced = |at| TimeDaemon::Synced { at, within_ms: 500 };
    match touched {
        Some(at) => synced(Moment(at)),
        None => match output("timedatectl", &["show", "-p", "NTPSynchronized", "--value"]).as_deref() {
            Some(text) if text.trim() == "yes" => synced(clock::now()),
            Some(_) => TimeDaemon::Unsynced,
            None => TimeDaemon::Silent,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chrony_is_read_with_its_own_bound() {
        let line = "A29FC87B,time.example,3,1800000000.123456789,0.000012345,0.000004,0.00004,-7.8,0.001,0.05,0.020,0.010,64.5,Normal\n";
        let expected = TimeDaemon::Synced {
            at: Moment(1_800_000_000),
            within_ms: 21,
        };
        assert_eq!(chrony(line), Some(expected));
        let lost = "7F7F0101,,10,0.0,-0.0,0,0,0,0,0,0,0,0,Not synchronised\n";
        assert_eq!(chrony(lost), Some(TimeDaemon::Unsynced));
        for bad in ["", "506 Cannot talk to daemon", "a,b,c,d,e,f,g,h,i,j,k,l,m,Normal"] {
            assert_eq!(chrony(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_time_on_the_line_is_not_counted_against_the_clock() {
        let hub = HubTime::default();
        let at = |before, said, after| {
            hub.heard(Moment(before), Moment(said), Moment(after), TimeQuality::Synced);
            hub.lately(Moment(after)).map(|h| h.ahead)
        };
        assert_eq!(at(100, 102, 104), Some(0));
        assert_eq!(at(100, 90, 104), Some(-10));
        assert_eq!(at(100, 110, 104), Some(6));
        assert!(hub.lately(Moment(104 + HUB_WORD_SECONDS + 1)).is_none());
        hub.forget();
        assert!(hub.lately(Moment(104)).is_none());
    }
}
