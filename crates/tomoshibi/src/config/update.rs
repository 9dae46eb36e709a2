//! `[update]`: new versions of the program. Without a file of trusted keys nothing is taken, and versions are put in by hand.

use std::path::PathBuf;

use anyhow::{Result, bail};
use downtime::state::{Hours, MAX_SPANS};
use downtime::updates::Allowed;
use serde::Deserialize;

/// `[update]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Update {
    /// The keys that count (`tomoshibi release trust`). It belongs where the program itself cannot write.
    pub trust: PathBuf,
    /// When this station may change over, such as `["01:00-05:00"]`, or `["always"]`.
    pub hours: Vec<String>,
    /// Seconds within which a new version must have come up.
    pub healthy_seconds: u64,
    /// Seconds for which it must then stay up.
    pub proof_seconds: u64,
    /// Seconds between looks.
    pub every_seconds: u64,
}

impl Default for Update {
    fn default() -> Self {
        Self {
            trust: PathBuf::from("release-trust.tmb"),
            hours: vec!["01:00-05:00".to_owned()],
            healthy_seconds: 300,
            proof_seconds: 600,
            every_seconds: 60,
        }
    }
}

impl Update {
    /// When this station may change over.
    ///
    /// # Errors
    /// When the hours are none, or a time is out of its bounds.
    pub fn allowed(&self) -> Result<Allowed> {
        for (name, seconds, most) in [
            ("healthy_seconds", self.healthy_seconds, 3_600),
            ("proof_seconds", self.proof_seconds, 86_400),
            ("every_seconds", self.every_seconds, 3_600),
        ] {
            if !(1..=most).contains(&seconds) {
                bail!("[update] {name} は 1–{most} です: {seconds}");
            }
        }
        if self.hours.as_slice() == ["always"] {
            return Ok(Allowed::Always);
        }
        let hours: Option<Vec<Hours>> = self.hours.iter().map(|text| Hours::parse(text)).collect();
        match hours {
            Some(hours) if !hours.is_empty() && hours.len() <= MAX_SPANS => Ok(Allowed::Hours(hours)),
            _ => bail!(
                "[update] hours は \"01:00-05:00\" の形で 1–{MAX_SPANS} 個、または \"always\" です: {:?}",
                self.hours
            ),
        }
    }
}
