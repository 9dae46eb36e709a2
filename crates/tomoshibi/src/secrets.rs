//! Secret files: created for the owner only, refused when anybody else may read them.
//!
//! [`KeyPort`] is the port for a station's keys. Today there is one implementation, a file with mode 0600, on Windows with a list of
//! who may read it ([`crate::protecting`]); TPM and DPAPI are named in the threat model as later ones, not pretended.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use vault::files::{Disk, Files};

/// What a station needs of the place where its secrets lie. A name is a file name, such as `station.key`.
pub trait KeyPort {
    /// Names of the secrets here, sorted.
    ///
    /// # Errors
    /// When the place cannot be listed.
    fn names(&self) -> Result<Vec<String>>;

    /// Destroys a secret for good, and says how many bytes it had. One that is not there had none.
    ///
    /// # Errors
    /// When it may still be readable.
    fn destroy(&self, name: &str) -> Result<u64>;
}

/// Secrets as files of their own directory.
#[derive(Debug, Clone)]
pub struct KeyFiles(pub PathBuf);

impl KeyPort for KeyFiles {
    fn names(&self) -> Result<Vec<String>> {
        Ok(Disk.list(&self.0)?)
    }

    fn destroy(&self, name: &str) -> Result<u64> {
        let path = self.0.join(name);
        let length = match fs::symlink_metadata(&path) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
            Err(error) => return Err(error).with_context(|| format!("{} を調べられません", path.display())),
        };
        // Overwritten in place and synced before the name goes: a crash in between leaves zeros, not a key.
        Disk.erase(&path, 0, length)
            .and_then(|()| Disk.remove(&path))
            .and_then(|()| Disk.sync_dir(&self.0))
            .with_context(|| format!("鍵 {} を消せません。まだ読めるかもしれません", path.display()))?;
        Ok(length)
    }
}

/// Largest secret file accepted, in bytes.
const MAX_SECRET: u64 = 16 << 10;

/// Writes a new secret file. An existing file is never overwritten.
///
/// # Errors
/// When the file exists or cannot be written durably.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    for_owner(path, bytes, true)
        .with_context(|| format!("秘密鍵 {} を書けません（既にあるものは上書きしません）", path.display()))
}

/// Writes a file with patients' data in the clear that only its owner may read, in the place of one that is there. A stick that
/// keeps no rights (FAT) takes it all the same, and whoever holds the stick can read it; on Windows that is said in the log.
///
/// # Errors
/// When it cannot be written durably.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    // Made anew: the old one may be open to others.
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => for_owner(path, bytes, false),
    }
    .with_context(|| format!("{} を書けません", path.display()))
}

/// Puts a secret file in the place of one that is there, or of none: at every moment either the old one is whole or the new one.
///
/// # Errors
/// When it cannot be written durably; the old one is there then.
pub fn swap(path: &Path, bytes: &[u8]) -> Result<()> {
    let beside = path.with_extension("new");
    let put = || -> std::io::Result<()> {
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => for_owner(&beside, bytes, true)?,
        }
        fs::rename(&beside, path)
    };
    put().with_context(|| format!("{} を書けません", path.display()))?;
    if let Some(dir) = path.parent() {
        // Not every system lets a directory be synced; the file itself is.
        let _ = Disk.sync_dir(dir);
    }
    Ok(())
}

/// `strictly`: not at all where the rights cannot be taken from others.
#[cfg_attr(not(windows), allow(unused_variables))]
fn for_owner(path: &Path, bytes: &[u8], strictly: bool) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    // Before the first byte of the secret is in it.
    #[cfg(windows)]
    if let Err(error) = crate::protecting::file(path) {
        if strictly {
            let _ = fs::remove_file(path);
            return Err(error);
        }
        tracing::warn!(%error, "★ {}: ほかの利用者も読めるかもしれません", path.display());
    }
    file.write_all(bytes)?;
    file.sync_all()
}

/// Reads a secret file.
///
/// # Errors
/// When it is missing, too large, or readable by others than its owner.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let metadata = fs::metadata(path).with_context(|| format!("秘密の鍵ファイル {} がありません", path.display()))?;
    if metadata.len() > MAX_SECRET {
        bail!("{} は秘密の鍵ファイルではありません（大きすぎます）", path.display());
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if metadata.permissions().mode() & 0o077 != 0 {
            bail!(
                "{} を他の利用者が読めます。`chmod 600` してから、もう一度実行してください",
                path.display()
            );
        }
    }
    fs::read(path).with_context(|| format!("{} を読めません", path.display()))
}
