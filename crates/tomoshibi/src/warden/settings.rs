//! The warden's own small file: where the hubs are, whom to believe, when to call and whom.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use downtime::readiness::alarm::Bounds;
use serde::Deserialize;

/// Longest file.
const MAX_FILE: u64 = 64 << 10;
/// Most hubs.
const MAX_HUBS: usize = 8;
/// Most parts of the command.
const MAX_COMMAND: usize = 32;

/// `warden.toml`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Addresses of the hubs, `https://host:port`.
    pub hubs: Vec<String>,
    /// The trust file: hospital, stations, sealers, as every station has it.
    pub trust: PathBuf,
    /// Where alarms and receipts are written.
    pub data: PathBuf,
    /// Seconds between two looks.
    pub every_seconds: u64,
    /// Of the stations of a ward so many percent must have a fresh receipt.
    pub fresh_percent: u8,
    /// Seconds for which a hub may be silent.
    pub silent_seconds: i64,
    /// Seconds for which a receipt counts as fresh.
    pub receipt_seconds: i64,
    /// Hours after which the newest snapshot is too old.
    pub snapshot_hours: i64,
    /// Seconds by which this machine's clock and the hub's may differ.
    pub clock_seconds: i64,
    /// Minutes after which an alarm that stands is handed to the command again; 0 for never.
    pub again_minutes: i64,
    /// A program with its arguments that gets the text as its last argument. No shell.
    pub command: Vec<String>,
    /// Address and port of the page; none without.
    pub listen: Option<String>,
    /// Whether hubs on other machines may be asked without TLS, as `station.plain`.
    pub plain: bool,
}

impl Default for Settings {
    fn default() -> Self {
        let bounds = Bounds::default();
        Self {
            hubs: Vec::new(),
            trust: PathBuf::from("trust.cbor"),
            data: PathBuf::from("warden"),
            every_seconds: 60,
            fresh_percent: bounds.fresh_percent,
            silent_seconds: bounds.silent_seconds,
            receipt_seconds: bounds.receipt_seconds,
            snapshot_hours: bounds.snapshot_hours,
            clock_seconds: bounds.clock_seconds,
            again_minutes: 60,
            command: Vec::new(),
            listen: None,
            plain: false,
        }
    }
}

impl Settings {
    /// Reads a file; relative paths start where it lies.
    ///
    /// # Errors
    /// When it cannot be read, or asks for what cannot be.
    pub fn read(path: &Path) -> Result<Self> {
        let size = std::fs::metadata(path)
            .with_context(|| format!("{} がありません", path.display()))?
            .len();
        if size > MAX_FILE {
            bail!("{} が大きすぎます", path.display());
        }
        let text = std::fs::read_to_string(path)?;
        let mut settings: Self = toml::from_str(&text).with_context(|| format!("{} を読めません", path.display()))?;
        settings.check()?;
        let home = path.parent().unwrap_or(Path::new("."));
        settings.trust = home.join(&settings.trust);
        settings.data = home.join(&settings.data);
        Ok(settings)
    }

    fn check(&self) -> Result<()> {
        let bad = match () {
            () if self.hubs.is_empty() => "hubs に拠点の住所が要ります",
            () if self.hubs.len() > MAX_HUBS => "hubs は8つまでです",
            () if !(1..=3_600).contains(&self.every_seconds) => "every_seconds は 1–3600 です",
            () if !(1..=100).contains(&self.fresh_percent) => "fresh_percent は 1–100 です",
            () if !(2..=86_400).contains(&self.silent_seconds) => "silent_seconds は 2–86400 です",
            () if !(2..=86_400).contains(&self.receipt_seconds) => "receipt_seconds は 2–86400 です",
            () if !(1..=720).contains(&self.snapshot_hours) => "snapshot_hours は 1–720 です",
            () if !(1..=3_600).contains(&self.clock_seconds) => "clock_seconds は 1–3600 です",
            () if !(0..=10_080).contains(&self.again_minutes) => "again_minutes は 0–10080 です",
            () if self.command.len() > MAX_COMMAND => "command が長すぎます",
            () => return Ok(()),
        };
        bail!("{bad}")
    }

    /// When to call.
    #[must_use]
    pub const fn bounds(&self) -> Bounds {
        Bounds {
            fresh_percent: self.fresh_percent,
            silent_seconds: self.silent_seconds,
            receipt_seconds: self.receipt_seconds,
            snapshot_hours: self.snapshot_hours,
            clock_seconds: self.clock_seconds,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Settings> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("warden.toml");
        std::fs::write(&path, text).unwrap();
        Settings::read(&path)
    }

    #[test]
    fn a_file_with_nothing_but_a_hub_is_enough_and_what_cannot_be_is_refused() {
        let settings = read("hubs = [\"https://10.0.0.2:8300\"]\n").unwrap();
        assert_eq!(
            (settings.every_seconds, settings.fresh_percent, settings.silent_seconds),
            (60, 90, 900)
        );
        assert!(settings.trust.ends_with("trust.cbor"));
        for bad in [
            "",
            "hubs = []",
            "hubs = [\"x\"]\nevery_seconds = 0",
            "hubs = [\"x\"]\nfresh_percent = 101",
            "hubs = [\"x\"]\nsilent_seconds = 0",
            "hubs = [\"x\"]\nhub = \"y\"",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
