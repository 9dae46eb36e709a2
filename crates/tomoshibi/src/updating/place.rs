//! Where a station's programs lie and whose signatures count for them: what the station and its supervisor both ask.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use downtime::updates::{ProgramSlots, ProgramVersion, Signed, Trust, UpdateFault};
use vault::files::{Disk, Files};

use crate::config::Config;

/// Its name in its place.
const PROGRAM: &str = if cfg!(windows) { "tomoshibi.exe" } else { "tomoshibi" };

/// Largest file of a trust or a chain of trusts, in bytes.
const MAX_TRUST: u64 = 1 << 20;

/// This program's version.
#[must_use]
pub fn version() -> ProgramVersion {
    ProgramVersion::parse(env!("CARGO_PKG_VERSION")).unwrap_or_default()
}

/// `data/program/`
///
/// # Errors
/// When it cannot be made.
pub fn slots(data: &Path) -> Result<ProgramSlots, UpdateFault> {
    ProgramSlots::open(Arc::new(Disk), &data.join("program"), PROGRAM)
}

/// How often a state that the other process is changing is tried again, and the pause in between: five seconds in all.
const LOCK_TRIES: u32 = 500;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// A change of what is started. The station and its supervisor both make some: one at a time, for the milliseconds it takes.
///
/// # Errors
/// Those of the change, or the disk's.
pub fn alone<T>(data: &Path, change: impl FnOnce() -> Result<T, UpdateFault>) -> Result<T, UpdateFault> {
    let path = data.join("program").join("LOCK");
    for _ in 0..LOCK_TRIES {
        match Disk.lock(&path) {
            Ok(_lock) => return change(),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => std::thread::sleep(LOCK_PAUSE),
            Err(error) => return Err(UpdateFault::Disk(format!("使えません（{error}）"))),
        }
    }
    Err(UpdateFault::Disk(
        "使えません（ほかのプログラムが使い続けています）".to_owned(),
    ))
}

/// The keys that count here, the newest last.
///
/// # Errors
/// When none are trusted here, or the file is none.
pub fn trust(config: &Config) -> Result<Vec<Trust>> {
    let path = config.path(&config.update.trust);
    let root = read_bounded(&path).with_context(|| format!("信頼する鍵のファイル {} がありません", path.display()))?;
    let root = Trust::from_body(&root).with_context(|| path.display().to_string())?;
    Ok(root.line(&chain(&config.data())))
}

/// The trusts that came later, as they were fetched.
fn chain(data: &Path) -> Vec<Signed> {
    let bytes = read_bounded(&data.join("program").join("trust.chain")).unwrap_or_default();
    minicbor::decode(&bytes).unwrap_or_default()
}

/// A small file.
pub fn read_bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    if std::fs::metadata(path)?.len() > MAX_TRUST {
        return Err(std::io::ErrorKind::FileTooLarge.into());
    }
    std::fs::read(path)
}

/// Lets the owner, and nobody else, run a program that was just put into its place.
///
/// # Errors
/// What the system says.
#[cfg_attr(not(unix), allow(clippy::unnecessary_wraps, unused_variables))]
pub fn make_runnable(program: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}
