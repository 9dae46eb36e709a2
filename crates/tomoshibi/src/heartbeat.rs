//! The sealer's sign of life: every minute the hub signs which snapshot is its newest, and its time.
//!
//! Stations fetch it (`fetching`) and pass it on; one that is old tells them that somebody keeps newer ones from them. It says nothing
//! about patients. A station without the sealing key signs nothing.

use std::sync::{Arc, Weak};
use std::time::Duration;

use downtime::distribution::{HEARTBEAT_SECONDS, Heartbeat};
use downtime::stations::Station;
use vault::keys::SealerSecret;
use vault::shelf_slots::Identity;

/// How often it is looked whether there is something new to say.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Signs until the station is gone; `None`: this station does not seal.
///
/// # Errors
/// When the thread cannot be started.
pub fn start(station: &Arc<Station>, sealer: Option<SealerSecret>) -> std::io::Result<()> {
    let Some(sealer) = sealer else { return Ok(()) };
    let station = Arc::downgrade(station);
    std::thread::Builder::new()
        .name("heartbeat".into())
        .spawn(move || beats(&station, &sealer))?;
    Ok(())
}

fn beats(station: &Weak<Station>, sealer: &SealerSecret) {
    let mut last: Option<(Identity, i64)> = None;
    loop {
        let Some(station) = station.upgrade() else { return };
        let now = station.now();
        let current = station.shelf().current();
        if let Some(current) = current {
            let newest = current.identity();
            // A new snapshot is told at once, the same one every minute, and after a clock was set back, too.
            let due = last.is_none_or(|(known, at)| known != newest || (now.0 - at).abs() >= HEARTBEAT_SECONDS);
            if due {
                let beat = Heartbeat {
                    hospital: current.roster().hospital(),
                    newest,
                    at: now,
                };
                if let Err(fault) = station.shelf().hear(&beat.sign(sealer), now) {
                    tracing::warn!(%fault, "this station's own heartbeat is not passed on");
                }
                last = Some((newest, now.0));
            }
        }
        drop(station);
        std::thread::sleep(LOOK_EVERY);
    }
}
