//! The running hub and what commands beside it leave on its disk: an account that was disabled is refused everywhere within
//! seconds, and a snapshot that was sealed is in use within seconds.
//!
//! Of the roster only disabling is taken up here. New users and changed posts need a sealing, because their keys do.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use downtime::identity::Roster;
use downtime::stations::Station;
use vault::shelf_slots::Identity;

use crate::home::{MAX_ROSTER, roster_file};

/// How often the file is looked at.
const EVERY: Duration = Duration::from_secs(2);

/// Watches roster and shelf until the station is gone; on a station without a roster nobody else seals or disables.
///
/// # Errors
/// When the thread cannot be started.
pub fn start(station: &Arc<Station>, data: &Path) -> std::io::Result<()> {
    let path = roster_file(data);
    if path.exists() {
        let station = Arc::downgrade(station);
        let thread = std::thread::Builder::new().name("disk".into());
        thread.spawn(move || watch(&station, &path))?;
    }
    Ok(())
}

/// What tells one version of the file from another.
type Mark = (u64, Option<SystemTime>);

fn watch(station: &Weak<Station>, path: &PathBuf) {
    let mut taken: Option<Mark> = None;
    let mut seen = None;
    loop {
        let Some(station) = station.upgrade() else { return };
        let mark = std::fs::metadata(path).ok().map(|m| (m.len(), m.modified().ok()));
        if mark.is_some() && mark != taken && announce(&station, path) {
            taken = mark;
        }
        take_up(&station, &mut seen);
        drop(station);
        std::thread::sleep(EVERY);
    }
}

/// Takes up a snapshot that somebody else sealed. One that does not verify is looked at once and told in the log.
fn take_up(station: &Station, seen: &mut Option<Identity>) {
    let shelf = station.shelf();
    let newest = shelf
        .slots()
        .pointers()
        .ok()
        .and_then(|all| all.into_iter().map(|p| p.identity).max());
    let here = shelf.current().map(|shelved| shelved.identity());
    if newest == *seen || newest <= here {
        return;
    }
    *seen = newest;
    match shelf.refresh() {
        Ok(true) => tracing::info!("a snapshot that a command sealed is in use"),
        Ok(false) => {}
        Err(error) => tracing::error!(%error, "the snapshots on the disk cannot be read; the one in use stays"),
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
