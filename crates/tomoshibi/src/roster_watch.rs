//! The running hub and the roster on its disk: an account that a command disabled is refused everywhere within seconds.
//!
//! Only disabling is taken up here. New users and changed posts need a sealing, because their keys do.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use downtime::identity::Roster;
use downtime::stations::Station;

use crate::home::{MAX_ROSTER, roster_file};

/// How often the file is looked at.
const EVERY: Duration = Duration::from_secs(2);

/// Watches the roster until the station is gone; on a station without one there is nothing to watch.
///
/// # Errors
/// When the thread cannot be started.
pub fn start(station: &Arc<Station>, data: &Path) -> std::io::Result<()> {
    let path = roster_file(data);
    if path.exists() {
        let station = Arc::downgrade(station);
        let thread = std::thread::Builder::new().name("roster".into());
        thread.spawn(move || watch(&station, &path))?;
    }
    Ok(())
}

/// What tells one version of the file from another.
type Mark = (u64, Option<SystemTime>);

fn watch(station: &Weak<Station>, path: &PathBuf) {
    let mut taken: Option<Mark> = None;
    loop {
        let Some(station) = station.upgrade() else { return };
        let mark = std::fs::metadata(path).ok().map(|m| (m.len(), m.modified().ok()));
        if mark.is_some() && mark != taken && announce(&station, path) {
            taken = mark;
        }
        drop(station);
        std::thread::sleep(EVERY);
    }
}

/// True when everything that the file says was announced; otherwise it is tried again.
fn announce(station: &Station, path: &PathBuf) -> bool {
    let small = std::fs::metadata(path).is_ok_and(|m| m.len() <= MAX_ROSTER);
    let bytes = if small { std::fs::read(path) } else { return false };
    let Some(roster) = bytes.ok().and_then(|bytes| Roster::from_bytes(&bytes).ok()) else {
        tracing::warn!("the roster on the disk cannot be read; who was disabled since is not known here");
        return false;
    };
    match station.announce_disabled(&roster) {
        Ok(0) => true,
        Ok(users) => {
            tracing::info!(users, "disabled accounts are announced to every station");
            true
        }
        Err(fault) => {
            tracing::error!(%fault, "★ a disabled account could not be announced");
            false
        }
    }
}
