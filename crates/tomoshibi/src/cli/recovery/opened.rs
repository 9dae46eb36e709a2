//! The recovery key from shares or from its own text, and what it opens, without a station: for backups.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use vault::keys::{RecoverySecret, RoleSecret};
use vault::recovery::{RecoveryBoxes, Share, join};

use super::stored::{BOXES, WRAPS, name, read_share};
use super::{MAX_FILE, Which, Wraps, place};

/// What people bring to open a backup.
#[derive(Debug, Clone, clap::Args)]
pub struct KeyArgs {
    /// File with one share, typed or scanned; three of them.
    #[arg(long, value_name = "FILE")]
    pub share: Vec<PathBuf>,
    /// File with the recovery key as age writes it (AGE-SECRET-KEY-1…), instead of shares.
    #[arg(long, value_name = "FILE", conflicts_with = "share")]
    pub identity: Option<PathBuf>,
}

/// The recovery key with the set it belongs to.
pub struct OpenedKey {
    /// The key.
    pub secret: RecoverySecret,
    boxes: RecoveryBoxes,
    wraps: Option<Vec<u8>>,
}

impl KeyArgs {
    /// Joins the shares, or reads the key, and finds the set it belongs to; `file` gives a file by its name, such as `recovery.boxes`.
    ///
    /// # Errors
    /// When no set fits.
    pub fn open(&self, file: &dyn Fn(&str) -> Option<Vec<u8>>) -> Result<OpenedKey> {
        let shares: Vec<Share> = self.share.iter().map(read_share).collect::<Result<_>>()?;
        let identity = self.identity.as_deref().map(read_identity).transpose()?;
        let mut last = None;
        for end in ["", ".old"] {
            let Some(bytes) = file(&format!("{}{end}", name(BOXES))) else {
                continue;
            };
            let boxes = RecoveryBoxes::from_bytes(&bytes)?;
            let secret = match &identity {
                Some(secret) if secret.public() == boxes.public() => secret.clone(),
                Some(_) => continue,
                None => match join(&boxes, &shares) {
                    Ok(secret) => secret,
                    Err(fault) => {
                        last = Some(fault);
                        continue;
                    }
                },
            };
            let wraps = file(&format!("{}{end}", name(WRAPS)));
            return Ok(OpenedKey { secret, boxes, wraps });
        }
        match last {
            Some(fault) => bail!("シェアで開けません（{fault}）。何も開いていません"),
            None => bail!("この鍵が合う {} がありません。何も開いていません", name(BOXES)),
        }
    }
}

impl OpenedKey {
    /// What opens entries.
    ///
    /// # Errors
    /// When it is not beside the boxes, or belongs to another set.
    pub fn journal(&self) -> Result<RoleSecret> {
        let bytes = self
            .wraps
            .as_deref()
            .with_context(|| format!("{} がありません", name(WRAPS)))?;
        let wraps: Wraps = minicbor::decode(bytes).with_context(|| format!("{} を読めません", name(WRAPS)))?;
        let opened = vault::wrap::unwrap(&self.secret, &place(&self.boxes, Which::Journal), &wraps.journal);
        let opened = opened.map_err(|_| anyhow::anyhow!("{} が壊れているか、別の組のものです", name(WRAPS)))?;
        Ok(RoleSecret::from_file_bytes(&opened)?)
    }
}

/// A small file of a directory, where it is there.
pub fn from_directory(dir: &Path) -> impl Fn(&str) -> Option<Vec<u8>> + '_ {
    move |file| {
        let path = dir.join(file);
        let small = std::fs::metadata(&path).is_ok_and(|metadata| metadata.len() <= MAX_FILE);
        small.then(|| std::fs::read(&path).ok()).flatten()
    }
}

/// Writes the recovery key as age reads it.
///
/// # Errors
/// When no set fits, or the file is there already.
pub fn write_identity(key: &KeyArgs, boxes: &Path, out: &Path) -> Result<ExitCode> {
    let opened = key.open(&from_directory(boxes))?;
    let text = vault::age::identity(&opened.secret);
    crate::secrets::write(out, format!("{}\n", *text).as_bytes())?;
    say!(
        "復旧鍵を {} に書きました。すべてが開きます。使い終わったら消してください",
        out.display()
    );
    say!("  cat backup.tar.age.* | age -d -i {} > backup.tar", out.display());
    Ok(ExitCode::SUCCESS)
}

fn read_identity(path: &Path) -> Result<RecoverySecret> {
    let bytes = crate::secrets::read(path)?;
    let text = std::str::from_utf8(&bytes).unwrap_or_default();
    // As age-keygen writes it: comments, then the key.
    let line = text
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty() && !line.starts_with('#'));
    let line = line.with_context(|| format!("{} に鍵がありません", path.display()))?;
    vault::age::read_identity(line).with_context(|| format!("{} を読めません", path.display()))
}
