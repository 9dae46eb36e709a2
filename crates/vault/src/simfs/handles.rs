//! Open files of the simulated file system.

use std::io::{self, Write};
use std::path::PathBuf;

use crate::files::{DurableFile, Locked, ReadAt};

use super::{Fault, SECTOR, SimFs, State};

pub(super) struct SimFile {
    pub(super) fs: SimFs,
    pub(super) inode: usize,
    pub(super) life: u64,
}

impl Write for SimFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.fs.state();
        if state.life != self.life {
            return Err(io::Error::other("a file of an earlier life"));
        }
        let fault = state.begin()?;
        let written = match fault {
            Some(Fault::Fail) => 0,
            Some(_) => state.dice.below(bytes.len() as u64 + 1) as usize,
            None => bytes.len(),
        };
        if let Some(inode) = state.inodes.get_mut(self.inode) {
            let start = inode.seen.len();
            inode.seen.extend(bytes.iter().take(written));
            inode.dirty.extend(start / SECTOR..inode.seen.len().div_ceil(SECTOR));
        }
        match fault {
            Some(Fault::Kill) => Err(io::Error::other("the process is dead")),
            Some(Fault::Full) => Err(io::ErrorKind::StorageFull.into()),
            Some(Fault::Fail) => Err(io::Error::other("input/output error")),
            Some(Fault::Short) | None => Ok(written),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl DurableFile for SimFile {
    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.fs.state();
        if state.life != self.life {
            return Err(io::Error::other("a file of an earlier life"));
        }
        let fault = state.begin()?;
        let State {
            dice,
            inodes,
            accidents,
            ..
        } = &mut *state;
        let Some(inode) = inodes.get_mut(self.inode) else {
            return Ok(());
        };
        match fault {
            None | Some(Fault::Short) => {
                inode.flush();
                Ok(())
            }
            // Killed before the device was done: everything still hangs in the air.
            Some(Fault::Kill) => Err(io::Error::other("the process is dead")),
            Some(Fault::Full | Fault::Fail) => {
                accidents.failed_syncs += 1;
                inode.settle(dice, false, accidents);
                Err(io::Error::other("input/output error"))
            }
        }
    }
}

pub(super) struct SimSource {
    pub(super) fs: SimFs,
    pub(super) inode: usize,
}

impl ReadAt for SimSource {
    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        let state = self.fs.state();
        let inode = state.inodes.get(self.inode).ok_or(io::ErrorKind::NotFound)?;
        let start = offset as usize;
        if inode
            .unreadable
            .range(start / SECTOR..(start + buf.len()).div_ceil(SECTOR))
            .next()
            .is_some()
        {
            return Err(io::Error::other("input/output error"));
        }
        inode.seen.read_exact_at(offset, buf)
    }

    fn size(&self) -> io::Result<u64> {
        let state = self.fs.state();
        state
            .inodes
            .get(self.inode)
            .map(|inode| inode.seen.len() as u64)
            .ok_or(io::ErrorKind::NotFound.into())
    }
}

pub(super) struct SimLock {
    pub(super) fs: SimFs,
    pub(super) path: PathBuf,
    pub(super) life: u64,
}

impl Locked for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut state = self.fs.state();
        if state.life == self.life {
            state.locks.remove(&self.path);
        }
    }
}
