//! Getting a newer snapshot from the hub. What is fetched is verified by the shelf before it is used; the line is not believed.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use downtime::stations::Station;

use crate::home;
use crate::line::Line;

/// Largest snapshot fetched (the vault's own bound).
const MAX_SNAPSHOT: u64 = vault::snapshot::MAX_SNAPSHOT;

/// Longest a snapshot may take.
const PATIENCE: Duration = Duration::from_secs(1800);

/// Fetches the hub's snapshot and takes it into use.
///
/// # Errors
/// When the line breaks or the snapshot does not verify; the one in use stays in use.
pub fn fetch(station: &Arc<Station>, line: &Line, hub: &str, data: &Path) -> Result<()> {
    let answer = line.agent(PATIENCE).get(format!("{hub}/parcel/snapshot")).call()?;
    let mut body = answer.into_body();
    let mut file = body.with_config().limit(MAX_SNAPSHOT).reader();
    let (identity, destroyed) = station.shelf().receive(&mut file)?;
    tracing::info!(epoch = identity.epoch, "a newer snapshot is in use");
    if let Some(record) = destroyed {
        home::log(data, "destroyed.log", &format!("{} {record:?}", station.now().text()))?;
    }
    Ok(())
}
