//! Where a station keeps its things, and how they are read at start: keys, roster or trust file, shelf.
//!
//! ```text
//! data/
//!   keys/station.key     this station's secret, 0600
//!   keys/sealer.key      the sealing secret, hub only, 0600
//!   roster.cbor          everybody enrolled, hub only (public keys and sealed slots)
//!   trust.cbor           hospital, stations, sealers: what a station must know before its first snapshot
//!   roster.signed        the newest roster as a hub signed it, to be passed on
//!   invitations.cbor     codes that were issued for new terminals (not the codes themselves), hub only
//!   shelf/               sealed snapshots in slots A B C
//!   journal/             this station's entries;  peers/<code>/ those of others
//!   audit/               this station's audit log;  audit-tools/ that of these commands;  audit-peers/ those of others
//!   recovery.boxes       what three of five printed shares open, hub only;  recovery.wraps the role secrets behind it
//!   drafts/              sealed drafts
//!   print/               sealed sheets on their way to a printer
//!   packs/               packs made after the last sealing, sealed beside it, hub only
//!   feeds/<name>/        what other systems sent, sealed to this station, hub only
//!   sources/             what sources keep between two runs, sealed to this station where it is patients' data, hub only
//!   extract-days.cbor    how the last days' extracts ended, hub only
//!   readiness/           readiness receipts of all stations, who signed in when;  journal-trial/ while a dummy record is tried
//!   program/             programs A and B, which of them is started, how it stands with newer ones
//!   releases/            versions that were let in, and what stations say of theirs, hub only
//!   scans/               returned paper and the registers of packs, sealed
//!   log/                 destructions, extracts, updates
//! ```

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use chart::StationCode;
use downtime::identity::{Enrolled, Hand, Roster};
use downtime::shelf::Shelf;
use vault::files::Disk;
use vault::journal::Stations;
use vault::keys::{SealerSecret, StationSecret};

use crate::config::Config;
use crate::secrets;

/// A station's directory with what was read from it.
pub struct Home {
    /// `data/`
    pub data: PathBuf,
    /// This station.
    pub code: StationCode,
    /// This station's secret.
    pub secret: Arc<StationSecret>,
    /// Everybody enrolled (hub), or the trust file without users (station).
    pub roster: Roster,
    /// The roster's file as it was read, so that nobody else's change is overwritten.
    as_read: Vec<u8>,
}

/// Largest roster or trust file accepted, in bytes.
pub const MAX_ROSTER: u64 = 64 << 20;

impl Home {
    /// Reads keys and roster.
    ///
    /// # Errors
    /// When something is missing: the message says which file and which command makes it.
    pub fn open(config: &Config) -> Result<Self> {
        let data = config.data();
        let code = config.code()?;
        let secret = StationSecret::from_file_bytes(&secrets::read(&station_key(&data))?)
            .with_context(|| format!("{} を読めません", station_key(&data).display()))?;
        let (roster, as_read) = Self::read_roster(&data)?;
        let enrolled = roster.station(code).with_context(|| {
            format!("端末 {code} は名簿にありません。hub で `tomoshibi station add` を実行し、できた trust ファイルを data/trust.cbor に置いてください")
        })?;
        if enrolled.public()?.to_bytes() != secret.public().to_bytes() {
            bail!("端末 {code} の鍵が名簿と違います。別の端末の data/ をコピーしていませんか。登録し直してください");
        }
        agrees(config, enrolled)?;
        Ok(Self {
            data,
            code,
            secret: Arc::new(secret),
            roster,
            as_read,
        })
    }

    /// The roster of a hub, the trust file of another station, with its bytes.
    ///
    /// # Errors
    /// When there is neither, or it cannot be read.
    pub fn read_roster(data: &Path) -> Result<(Roster, Vec<u8>)> {
        let roster = roster_file(data);
        let path = if roster.exists() {
            roster
        } else {
            data.join("trust.cbor")
        };
        let size = fs::metadata(&path)
            .with_context(|| {
                format!(
                    "名簿 {} がありません。`tomoshibi init` か `tomoshibi station` で作ります",
                    path.display()
                )
            })?
            .len();
        if size > MAX_ROSTER {
            bail!("名簿 {} が大きすぎます（{size} バイト）", path.display());
        }
        let bytes = fs::read(&path)?;
        Ok((Roster::from_bytes(&bytes)?, bytes))
    }

    /// The sealing secret; only the hub has it.
    ///
    /// # Errors
    /// When this station is not a hub.
    pub fn sealer(&self) -> Result<SealerSecret> {
        let path = sealer_key(&self.data);
        SealerSecret::from_file_bytes(
            &secrets::read(&path).context("この端末は封印できません（hub だけが封印します）")?,
        )
        .with_context(|| format!("{} を読めません", path.display()))
    }

    /// The shelf of this station.
    ///
    /// # Errors
    /// When the directory cannot be used.
    pub fn shelf(&self) -> Result<Shelf> {
        let id = self.roster.station_id(self.code);
        Ok(Shelf::open(
            Arc::new(Disk),
            &self.data.join("shelf"),
            (self.roster.hospital(), self.roster.sealers()?),
            id,
            Arc::clone(&self.secret),
        )?)
    }

    /// Every machine of the roster with the key that its records are signed with, retired and former ones included.
    ///
    /// # Errors
    /// When a key in the roster is none.
    pub fn stations(&self) -> Result<Stations> {
        let machines = self.roster.machines()?;
        Ok(machines.into_iter().map(|(id, _, public)| (id, public)).collect())
    }

    /// Writes the roster back as its keeper, the old one kept beside it until the new one is durable.
    ///
    /// # Errors
    /// When another hub keeps it, the file cannot be written, or somebody else changed it meanwhile.
    pub fn save_roster(&mut self) -> Result<()> {
        self.replace_roster(|roster, code| Ok(roster.changed_at(code)?))
    }

    /// Writes the roster back with another keeper: this hub.
    ///
    /// # Errors
    /// As [`Self::save_roster`]; also when this is no hub.
    pub fn promote(&mut self, hand: &Hand<'_>) -> Result<()> {
        self.replace_roster(|roster, code| Ok(roster.promote(code, hand)?))
    }

    fn replace_roster(&mut self, change: impl FnOnce(&mut Roster, StationCode) -> Result<()>) -> Result<()> {
        let _held = hold(&self.data, "roster")?;
        let path = roster_file(&self.data);
        let now = fs::read(&path).with_context(|| format!("名簿 {} を読めません", path.display()))?;
        if now != self.as_read {
            return Err(ChangedMeanwhile.into());
        }
        change(&mut self.roster, self.code)?;
        crate::roster_link::not_superseded(&self.data, &self.roster)?;
        let bytes = self.roster.to_bytes()?;
        write_durably(&path, &bytes)?;
        self.as_read = bytes;
        Ok(())
    }

    /// Appends a line to one of the logs in `log/`, durably.
    ///
    /// # Errors
    /// When the line cannot be written.
    pub fn log(&self, name: &str, line: &str) -> Result<()> {
        log(&self.data, name, line)
    }
}

/// Somebody else wrote the roster since it was read.
#[derive(Debug, thiserror::Error)]
#[error("その間に、ほかの人が名簿を変えました。何も変えていません。もう一度実行してください")]
pub struct ChangedMeanwhile;

/// What a configuration says about numbers must be what the roster says: two stations that count in one range issue a number twice.
fn agrees(config: &Config, enrolled: &Enrolled) -> Result<()> {
    let says = &config.station;
    if let Some(node) = says.node.filter(|node| *node != enrolled.block.node()) {
        bail!(
            "station.node は {node} ですが、名簿ではこの端末の番号は {} です。設定から station.node を消してください",
            enrolled.block
        );
    }
    if let Some(letter) = says.letter.as_ref().filter(|l| l.as_str() != enrolled.label.as_str()) {
        bail!(
            "station.letter は {letter} ですが、名簿ではこの端末の文字は {} です。設定から station.letter を消してください",
            enrolled.label
        );
    }
    Ok(())
}

/// Holds a file of `data/` against other processes and threads, waiting for whoever holds it; let go when dropped.
///
/// # Errors
/// When the lock cannot be made.
pub fn hold(data: &Path, name: &str) -> Result<fs::File> {
    let path = data.join(format!("{name}.lock"));
    let held = || -> std::io::Result<fs::File> {
        let lock = fs::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)?;
        lock.lock()?;
        Ok(lock)
    };
    held().with_context(|| format!("{} を使えません。空き容量と権限を確認してください", path.display()))
}

/// Appends a line to one of the logs in `data/log/`, durably.
///
/// # Errors
/// When the line cannot be written.
pub fn log(data: &Path, name: &str, line: &str) -> Result<()> {
    let dir = data.join("log");
    fs::create_dir_all(&dir)?;
    let mut file = fs::OpenOptions::new().append(true).create(true).open(dir.join(name))?;
    writeln!(file, "{line}")?;
    file.sync_data().with_context(|| format!("ログ {name} に書けません"))
}

/// `data/keys/station.key`
#[must_use]
pub fn station_key(data: &Path) -> PathBuf {
    data.join("keys").join("station.key")
}

/// `data/keys/sealer.key`
#[must_use]
pub fn sealer_key(data: &Path) -> PathBuf {
    data.join("keys").join("sealer.key")
}

/// `data/roster.cbor`
#[must_use]
pub fn roster_file(data: &Path) -> PathBuf {
    data.join("roster.cbor")
}

/// Writes beside the target, syncs, then puts it in place.
///
/// # Errors
/// What the file system says.
pub fn write_durably(path: &Path, bytes: &[u8]) -> Result<()> {
    let beside = path.with_extension("new");
    let mut file = fs::File::create(&beside).with_context(|| format!("{} を作れません", beside.display()))?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path).with_context(|| format!("{} を置き換えられません", path.display()))?;
    if let Some(dir) = path.parent().filter(|d| !d.as_os_str().is_empty())
        && let Ok(dir) = fs::File::open(dir)
    {
        // Not every system lets a directory be synced; the file itself is.
        let _ = dir.sync_all();
    }
    Ok(())
}
