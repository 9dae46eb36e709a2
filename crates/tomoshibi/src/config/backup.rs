//! `[backup]`: generations that this station makes by itself, for a backup host to fetch.
//!
//! Deliberately absent: where copies go. A hub that knew a store and its password would give both to whoever breaks into it.

use anyhow::{Result, bail};
use serde::Deserialize;

/// `[backup]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BackupSettings {
    /// Hours between two generations that a hub makes by itself; 0 for none.
    pub every_hours: u16,
    /// Generations kept here until they are fetched or carried; the copies that count lie elsewhere.
    pub keep_here: u8,
    /// Further keys that open backups (`age1…`), beside the hospital's recovery key.
    pub recipients: Vec<String>,
}

impl Default for BackupSettings {
    fn default() -> Self {
        Self {
            every_hours: 24,
            keep_here: 2,
            recipients: Vec::new(),
        }
    }
}

impl BackupSettings {
    /// Checks what is written there.
    ///
    /// # Errors
    /// Which key is out of its bounds.
    pub fn check(&self) -> Result<()> {
        if !(1..=30).contains(&self.keep_here) {
            bail!("backup.keep_here は 1–30 です: {}", self.keep_here);
        }
        if self.recipients.len() >= vault::age::MAX_RECIPIENTS {
            bail!("backup.recipients が多すぎます");
        }
        for recipient in &self.recipients {
            if vault::age::read_recipient(recipient).is_err() {
                bail!("backup.recipients は age1… で始まる鍵です: {recipient}");
            }
        }
        Ok(())
    }
}
