//! The machine's own limits, measured in the plainest way: what our figures are compared with.
//!
//! It deliberately uses nothing of the product: a peer that shares our code would share our mistakes.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// How long one run appends.
const RUN: Duration = Duration::from_millis(500);
/// Stop writing when a run has written this much (bytes), so that a fast disk is not filled.
const BYTES_AT_MOST: usize = 256 * 1024 * 1024;

/// Appends of `size` bytes per second of wall time, each followed by fdatasync before the next: the least a durable
/// single writer can pay. Wall time is right here: the disk is the limit, not the processor.
pub fn synced_appends_per_second(folder: &Path, size: usize) -> Result<f64> {
    appends_per_second(folder, size, |file| file.sync_data().context("fdatasync"))
}

/// The same appends left in the system's cache.
pub fn unsynced_appends_per_second(folder: &Path, size: usize) -> Result<f64> {
    appends_per_second(folder, size, |_| Ok(()))
}

fn appends_per_second(folder: &Path, size: usize, after_each: impl Fn(&File) -> Result<()>) -> Result<f64> {
    let path = folder.join("appends");
    let mut file = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(true)
        .open(&path)
        .with_context(|| format!("{} cannot be written", path.display()))?;
    file.sync_all().context("fsync of the empty file")?;
    let record = vec![0x5a_u8; size];
    let begun = Instant::now();
    let mut appends = 0_u32;
    while begun.elapsed() < RUN && (appends as usize).saturating_mul(size) < BYTES_AT_MOST {
        file.write_all(&record).context("append")?;
        after_each(&file)?;
        appends += 1;
    }
    Ok(f64::from(appends) / begun.elapsed().as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appends_are_counted_and_a_folder_that_is_not_there_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert!(synced_appends_per_second(folder.path(), 1024).unwrap() > 0.0);
        assert!(unsynced_appends_per_second(&folder.path().join("none"), 1024).is_err());
    }
}
