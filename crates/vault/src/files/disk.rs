//! The real disk.
//!
//! Deliberately thin: it decides nothing and hides no error.
// This room is where the crate's one door to the file system is; everything else goes through the port.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

use super::{DurableFile, Files, Locked, ReadAt};

/// Files on the operating system's file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl Files for Disk {
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn DurableFile>> {
        #[cfg(windows)]
        name_is_free(path);
        Ok(Box::new(owner_only().create_new(true).open(path)?))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn ReadAt>> {
        Ok(Arc::new(File::open(path)?))
    }

    fn erase(&self, path: &Path, offset: u64, len: u64) -> io::Result<()> {
        const BLOCK: u64 = 64 * 1024;
        let mut file = OpenOptions::new().write(true).open(path)?;
        file.seek(SeekFrom::Start(offset))?;
        let zeros = [0; BLOCK as usize];
        let mut left = len;
        while left > 0 {
            let now = left.min(BLOCK);
            file.write_all(zeros.get(..usize::try_from(now).unwrap_or(0)).unwrap_or_default())?;
            left -= now;
        }
        file.sync_all()
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry?;
            // Names that are not Unicode are not ours.
            if let (true, Ok(name)) = (entry.file_type()?.is_file(), entry.file_name().into_string()) {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        if dir.is_dir() {
            return Ok(());
        }
        // Every new level is an entry in the one above it, up to the first that was there before.
        let there = dir.ancestors().find(|above| above.is_dir());
        fs::create_dir_all(dir)?;
        for above in dir.ancestors().skip(1) {
            let in_here = above.as_os_str().is_empty();
            self.sync_dir(if in_here { Path::new(".") } else { above })?;
            if in_here || Some(above) == there {
                break;
            }
        }
        Ok(())
    }

    #[cfg(unix)]
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }

    /// Windows keeps directory entries with the file's own flush; a directory cannot be opened for one.
    #[cfg(not(unix))]
    fn sync_dir(&self, _dir: &Path) -> io::Result<()> {
        Ok(())
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Locked>> {
        let file = owner_only().create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Box::new(HeldLock { _file: file })),
            Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

impl DurableFile for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

/// The operating system gives the lock back when the file is closed, also by `kill -9`.
struct HeldLock {
    _file: File,
}

impl Locked for HeldLock {}

fn owner_only() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Older Windows keeps the name of a removed file until its last reader lets go of it; a station does so at its next look at the shelf.
/// Such a name is there and cannot be opened. Waits for it; whatever is the case after that, creating the file says.
#[cfg(windows)]
fn name_is_free(path: &Path) {
    const LOOK: std::time::Duration = std::time::Duration::from_millis(100);
    const LOOKS: u32 = 300;
    for _ in 0..LOOKS {
        match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => std::thread::sleep(LOOK),
            _ => return,
        }
    }
}
