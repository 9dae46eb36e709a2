//! Secret files: created for the owner only, refused when anybody else may read them.
//!
//! The port for station keys. Today a file with mode 0600; TPM and DPAPI are named in the threat model, not pretended.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// Largest secret file accepted, in bytes.
const MAX_SECRET: u64 = 4096;

/// Writes a new secret file. An existing file is never overwritten.
///
/// # Errors
/// When the file exists or cannot be written durably.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options
        .open(path)
        .with_context(|| format!("秘密鍵 {} を作れません（既にあるものは上書きしません）", path.display()))?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .with_context(|| format!("秘密鍵 {} を書けません", path.display()))
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
