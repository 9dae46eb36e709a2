//! A stick: one name, looked at without following anything, written beside and renamed, read back from the device.
//!
//! A stick is hostile until its signature says otherwise. Nothing on it is listed, run or opened but the one file, and that only when
//! it is a plain file. The bytes of a pack are checked by `pack`; where sticks are, the roof finds out.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use vault::files::ReadAt;

use super::CarryFault;

/// The one name of a pack on a stick.
pub const PACK_NAME: &str = "TOMOSHIBI.PACK";
/// A pack that is being written. Nobody reads it.
pub const PART_NAME: &str = "TOMOSHIBI.PART";

/// Bytes read or written at once.
pub(super) const CHUNK: usize = 1 << 20;

/// Opens the pack of a stick for reading.
pub(super) fn open(dir: &Path) -> Result<File, CarryFault> {
    let path = dir.join(PACK_NAME);
    if !dir.is_dir() {
        return Err(CarryFault::NoStick(dir.display().to_string()));
    }
    let before = match fs::symlink_metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(CarryFault::Nothing),
        other => other.map_err(failed)?,
    };
    if !before.is_file() {
        return Err(CarryFault::NotAFile);
    }
    let file = File::open(&path).map_err(failed)?;
    let opened = file.metadata().map_err(failed)?;
    if opened.is_file() && same_file(&before, &opened) {
        Ok(file)
    } else {
        Err(CarryFault::NotAFile)
    }
}

/// What was looked at is what was opened, and not something put in its place.
#[cfg(unix)]
fn same_file(before: &fs::Metadata, opened: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (before.dev(), before.ino()) == (opened.dev(), opened.ino())
}

#[cfg(not(unix))]
fn same_file(before: &fs::Metadata, opened: &fs::Metadata) -> bool {
    before.len() == opened.len()
}

/// A pack that is being written beside the one that lies there.
pub(super) struct Part<'d> {
    dir: &'d Path,
    file: File,
    /// Bytes so far.
    pub(super) len: u64,
}

impl<'d> Part<'d> {
    pub(super) fn create(dir: &'d Path) -> Result<Self, CarryFault> {
        if !dir.is_dir() {
            return Err(CarryFault::NoStick(dir.display().to_string()));
        }
        let path = dir.join(PART_NAME);
        // A leftover of an earlier try. A folder of that name stays, and is said.
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        let file = OpenOptions::new().write(true).create_new(true).open(&path);
        Ok(Self {
            dir,
            file: file.map_err(failed)?,
            len: 0,
        })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), CarryFault> {
        for chunk in bytes.chunks(CHUNK) {
            self.file.write_all(chunk).map_err(failed)?;
        }
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Syncs, puts it in the place of the one before, syncs the folder; then what is in memory of it is let go, so that reading it
    /// again asks the device.
    pub(super) fn finish(self) -> Result<(), CarryFault> {
        let (part, pack) = (self.dir.join(PART_NAME), self.dir.join(PACK_NAME));
        self.file.sync_all().map_err(failed)?;
        forget(&self.file);
        drop(self.file);
        fs::rename(&part, &pack).map_err(failed)?;
        sync_dir(self.dir)
    }

    /// Takes away what was written so far. The pack that lay there was not touched.
    pub(super) fn give_up(self) {
        let path = self.dir.join(PART_NAME);
        drop(self.file);
        if let Err(error) = fs::remove_file(&path) {
            tracing::warn!(%error, "an unfinished pack stays on the stick; nobody reads it");
        }
    }
}

/// Asks the system to forget what it holds of a file in memory. It need not; then reading back proves less, which the manual says.
#[cfg(target_os = "linux")]
fn forget(file: &File) {
    if let Err(error) = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed) {
        tracing::debug!(%error, "the system keeps the pack in memory");
    }
}

#[cfg(not(target_os = "linux"))]
fn forget(_: &File) {}

#[cfg(unix)]
fn sync_dir(dir: &Path) -> Result<(), CarryFault> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(failed)
}

/// Windows keeps directory entries with the file's own flush; a directory cannot be opened for one.
#[cfg(not(unix))]
fn sync_dir(_: &Path) -> Result<(), CarryFault> {
    Ok(())
}

/// Reads bytes in chunks, as long as the time allows; `chunk` sees each.
pub(super) fn read_chunks(
    file: &dyn ReadAt,
    at: u64,
    len: u64,
    elapsed: &dyn Fn() -> Duration,
    patience: Duration,
    chunk: &mut dyn FnMut(&[u8]) -> Result<(), CarryFault>,
) -> Result<(), CarryFault> {
    let began = elapsed();
    let mut done = 0;
    let mut buffer = vec![0; CHUNK.min(usize::try_from(len).unwrap_or(CHUNK))];
    while done < len {
        let now = usize::try_from(len - done).unwrap_or(CHUNK).min(CHUNK);
        let part = buffer.get_mut(..now).unwrap_or_default();
        file.read_exact_at(at + done, part)
            .map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => CarryFault::Truncated,
                _ => failed(error),
            })?;
        chunk(part)?;
        done += now as u64;
        if elapsed().saturating_sub(began) > patience {
            return Err(CarryFault::TooSlow);
        }
    }
    Ok(())
}

pub(super) fn failed(error: io::Error) -> CarryFault {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => CarryFault::Full,
        _ => CarryFault::Stick(error.to_string()),
    }
}
