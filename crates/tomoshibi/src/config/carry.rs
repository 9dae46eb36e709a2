//! `[carry]`: where to look for sticks beside the places where the system mounts them.

use std::path::PathBuf;

use serde::Deserialize;

/// Most folders that may be named.
pub const MOST_FOLDERS: usize = 16;

/// `[carry]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CarrySettings {
    /// Folders that count as sticks: a mount point of the hospital's own, a share of a machine that is reached otherwise.
    pub folders: Vec<PathBuf>,
}
