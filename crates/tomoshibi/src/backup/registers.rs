//! What a station writes down about its backups: which stick is where, and which restore was tried with what outcome.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::home::write_durably;

/// Largest file read back.
const MAX_FILE: u64 = 8 << 20;
/// Entries that are remembered; the oldest go.
const MOST: usize = 2_000;

/// A generation on a stick or disk, written and read back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnStick {
    /// What stands on it.
    pub label: String,
    /// Serial number of its volume.
    pub serial: String,
    /// Where it is kept.
    pub place: String,
    /// The generation.
    pub generation: String,
    /// When the generation was made, in seconds since 1970.
    pub made: i64,
    /// When it was written here, or last read back.
    pub verified: i64,
    /// Who.
    pub by: String,
}

/// A restore that was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tried {
    /// When.
    pub at: i64,
    /// Who.
    pub by: String,
    /// From where.
    pub from: String,
    /// The generation.
    pub generation: String,
    /// Charts that were opened, and how many there should have been.
    pub charts: (u64, u64),
    /// Records that were found, and how many there should have been at least.
    pub records: (u64, u64),
    /// Entries among them that do not open.
    pub unreadable: u64,
    /// What went wrong, if something did.
    pub fault: Option<String>,
}

impl Tried {
    /// Everything opened.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.fault.is_none()
            && self.charts.0 == self.charts.1
            && self.records.0 >= self.records.1
            && self.unreadable == 0
    }
}

fn sticks_file(data: &Path) -> PathBuf {
    data.join("backup-sticks.json")
}

fn tried_file(data: &Path) -> PathBuf {
    data.join("backup-tests.json")
}

/// Every writing of a stick, the newest last.
///
/// # Errors
/// When the list cannot be read.
pub fn sticks(data: &Path) -> Result<Vec<OnStick>> {
    read(&sticks_file(data))
}

/// Every stick once, as it is now, the one written last first.
///
/// # Errors
/// When the list cannot be read.
pub fn sticks_now(data: &Path) -> Result<Vec<OnStick>> {
    let mut now: Vec<OnStick> = Vec::new();
    for one in sticks(data)?.into_iter().rev() {
        if !now
            .iter()
            .any(|known| (&known.label, &known.serial) == (&one.label, &one.serial))
        {
            now.push(one);
        }
    }
    Ok(now)
}

/// Every restore that was tried, the newest last.
///
/// # Errors
/// When the list cannot be read.
pub fn tried(data: &Path) -> Result<Vec<Tried>> {
    read(&tried_file(data))
}

/// Adds a stick, durably.
///
/// # Errors
/// When it cannot be written.
pub fn add_stick(data: &Path, one: OnStick) -> Result<()> {
    add(&sticks_file(data), sticks(data)?, one)
}

/// Adds a restore, durably.
///
/// # Errors
/// When it cannot be written.
pub fn add_tried(data: &Path, one: Tried) -> Result<()> {
    add(&tried_file(data), tried(data)?, one)
}

fn add<T: Serialize>(path: &Path, mut all: Vec<T>, one: T) -> Result<()> {
    all.push(one);
    let over = all.len().saturating_sub(MOST);
    all.drain(..over);
    write_durably(path, &serde_json::to_vec_pretty(&all)?)
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    let size = match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?.len(),
    };
    if size > MAX_FILE {
        bail!("{} が大きすぎます", path.display());
    }
    serde_json::from_slice(&std::fs::read(path)?).with_context(|| format!("{} を読めません", path.display()))
}
