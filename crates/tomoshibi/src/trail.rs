//! The audit log of the command-line tools: what a command is about to open is on the disk before it opens it.
//!
//! It is a journal of its own (`data/audit-tools/`), signed by the same station, because the station may be running and holds
//! its own log open. The running station takes up what is written here and passes it on. Each use opens the log, writes and
//! closes it again, so that two commands only wait for each other. What cannot be written is not shown: the command ends.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use chart::{Author, Subject};
use downtime::audit::{AuditLog, Deed, LogStart, Method, Outcome, Sighting};
use downtime::journal::HybridClock;
use vault::files::Disk;
use vault::journal::StartFault;

use crate::home::Home;
use crate::{clock, random};

/// How often a log that another command has open is tried again.
const TRIES: u32 = 200;
/// Pause in between.
const PAUSE: Duration = Duration::from_millis(50);
/// Sightings handed over at once: they share a sync.
const AT_ONCE: usize = 500;

/// A sighting of this station, now, about nobody in particular and done.
#[must_use]
pub fn sighting(home: &Home, by: &Author, method: Method, deed: Deed) -> Sighting {
    Sighting {
        at: clock::now(),
        station: home.code,
        by: by.clone(),
        method,
        deed,
        subject: Subject::Hospital,
        reason: String::new(),
        outcome: Outcome::Done,
        count: 1,
        detail: String::new(),
    }
}

/// Writes sightings and waits until all of them are durable.
///
/// # Errors
/// When one is not: then nothing of what they are about may be shown or done.
pub fn write(home: &Home, sightings: Vec<Sighting>) -> Result<()> {
    let log = open(home).context("監査の記録を始められません。何も開いていません")?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        let mut rest = sightings;
        while !rest.is_empty() {
            let later = rest.split_off(rest.len().min(AT_ONCE));
            for written in futures_util::future::join_all(rest.into_iter().map(|s| log.write(s))).await {
                written?;
            }
            rest = later;
        }
        Ok(())
    })
}

/// Writes a sighting of something that was refused or failed. There is nothing left to hold back, so a failure is only said.
pub fn note(home: &Home, sighting: Sighting) {
    if let Err(fault) = write(home, vec![sighting]) {
        tracing::warn!("監査の記録を書けません: {fault:#}");
    }
}

fn open(home: &Home) -> Result<AuditLog> {
    let start = LogStart {
        hospital: home.roster.hospital(),
        station: home.roster.station_id(home.code),
        secret: &home.secret,
        audit: home.roster.audit()?,
        clock: Arc::new(HybridClock::new(Arc::new(clock::now))),
        seen: &[],
    };
    let dir = home.data.join("audit-tools");
    for _ in 0..TRIES {
        let started = AuditLog::start(
            Arc::new(Disk),
            &dir,
            &start,
            Box::new(random::system()),
            Arc::new(|_| ()),
        );
        match started {
            Ok((log, _)) => return Ok(log),
            Err(StartFault::InUse) => std::thread::sleep(PAUSE),
            Err(fault) => return Err(fault.into()),
        }
    }
    bail!(
        "ほかのコマンドが監査の記録（{}）を使い続けています。終わってから、もう一度実行してください",
        dir.display()
    )
}
