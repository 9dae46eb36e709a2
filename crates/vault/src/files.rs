//! The file port: the few operations durable storage needs, so that crashes and full disks can be rehearsed.
//!
//! [`Disk`] is the real thing. The other implementation (feature `simfs`) keeps files in memory and loses, tears and
//! refuses what real disks lose, tear and refuse. There is deliberately no rename: no crash-safe step here relies on
//! one (a rename is not atomic on every file system, and never across a power cut without a directory sync).

mod disk;

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

pub use disk::Disk;

/// Random reading of bytes that do not change: a file, or bytes in memory.
pub trait ReadAt: Send + Sync {
    /// Fills `buf` from `offset`.
    ///
    /// # Errors
    /// `UnexpectedEof` when the bytes end early, or what the device says.
    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()>;

    /// Length in bytes.
    ///
    /// # Errors
    /// What the device says.
    fn size(&self) -> io::Result<u64>;
}

/// A file being written from its start, once.
pub trait DurableFile: Write + Send {
    /// Returns only when every byte written so far is on the device (`fdatasync`, `FlushFileBuffers`). After an error
    /// nothing is known about any byte since the last success, and the file must be abandoned: never call it again.
    ///
    /// # Errors
    /// What the device says.
    fn sync(&mut self) -> io::Result<()>;
}

/// Keeps other processes out until dropped (or until this process dies).
pub trait Locked: Send {}

/// The operations on a directory of durable files.
pub trait Files: Send + Sync {
    /// Creates a file that must not exist yet, readable by its owner only.
    ///
    /// # Errors
    /// `AlreadyExists`, `StorageFull`, or what the device says.
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn DurableFile>>;

    /// Opens a file for reading.
    ///
    /// # Errors
    /// `NotFound`, or what the device says.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn ReadAt>>;

    /// Overwrites `len` bytes from `offset` with zeros and syncs. Used only to destroy keys.
    ///
    /// # Errors
    /// What the device says.
    fn erase(&self, path: &Path, offset: u64, len: u64) -> io::Result<()>;

    /// Removes a file. Removing what is not there is fine.
    ///
    /// # Errors
    /// What the device says.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Names of the files in `dir`, sorted. A directory that does not exist has none.
    ///
    /// # Errors
    /// What the device says.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;

    /// Creates a directory and its parents, durably. Fine if it exists.
    ///
    /// # Errors
    /// What the device says.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;

    /// Makes creations and removals in `dir` durable.
    ///
    /// # Errors
    /// What the device says.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// Takes an exclusive lock on a (possibly new) file.
    ///
    /// # Errors
    /// `WouldBlock` when another holder has it, or what the device says.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn Locked>>;
}

impl ReadAt for File {
    #[cfg(unix)]
    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(self, buf, offset)
    }

    #[cfg(windows)]
    fn read_exact_at(&self, mut offset: u64, mut buf: &mut [u8]) -> io::Result<()> {
        use std::os::windows::fs::FileExt;
        while !buf.is_empty() {
            match self.seek_read(buf, offset) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => {
                    buf = buf.get_mut(n..).unwrap_or_default();
                    offset += n as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn size(&self) -> io::Result<u64> {
        self.metadata().map(|metadata| metadata.len())
    }
}

impl ReadAt for Vec<u8> {
    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        let from = usize::try_from(offset)
            .ok()
            .and_then(|start| self.get(start..)?.get(..buf.len()))
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        buf.copy_from_slice(from);
        Ok(())
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }
}

/// Reads `len` bytes from `offset` into a new buffer. The caller has bounded `len`; what the source really holds is
/// checked before anything is allocated.
pub(crate) fn read_vec(source: &dyn ReadAt, offset: u64, len: usize) -> io::Result<Vec<u8>> {
    let end = offset.checked_add(len as u64).ok_or(io::ErrorKind::UnexpectedEof)?;
    if end > source.size()? {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let mut buf = vec![0; len];
    source.read_exact_at(offset, &mut buf)?;
    Ok(buf)
}
