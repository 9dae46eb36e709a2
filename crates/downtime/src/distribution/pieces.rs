//! What has already arrived of a snapshot, as files beside the slots: an interrupted pull goes on where it was.
//!
//! `pull/<SHA-256 of the section, hex>-<number of the piece>`. They are not synced: a piece that a power cut spoiled is found by the hash
//! of its section and fetched again. They hold nothing that the snapshot's file would not hold.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use vault::files::Files;
use vault::snapshot::Section;

use super::pull::PIECE;

/// The directory of pieces.
pub(super) struct Pieces {
    files: Arc<dyn Files>,
    dir: PathBuf,
}

/// Length of each piece of a section.
pub(super) fn lengths(section: &Section) -> impl Iterator<Item = (u64, u64, usize)> + use<> {
    let len = section.len;
    let each = PIECE as u64;
    (0..len.div_ceil(each)).map(move |n| {
        let at = n * each;
        (n, at, usize::try_from((len - at).min(each)).unwrap_or(PIECE))
    })
}

impl Pieces {
    pub(super) fn open(files: Arc<dyn Files>, dir: &Path) -> io::Result<Self> {
        files.create_dir(dir)?;
        Ok(Self {
            files,
            dir: dir.to_path_buf(),
        })
    }

    /// Removes everything that belongs to none of these sections.
    pub(super) fn sweep(&self, wanted: &[Section]) -> io::Result<()> {
        for name in self.files.list(&self.dir)? {
            let belongs = wanted.iter().any(|section| name.starts_with(&hex(&section.sha256)));
            if !belongs {
                self.files.remove(&self.dir.join(name))?;
            }
        }
        Ok(())
    }

    pub(super) fn has(&self, section: &Section, n: u64, len: usize) -> bool {
        let there = self.files.open(&self.path(section, n)).and_then(|file| file.size());
        there.is_ok_and(|size| size == len as u64)
    }

    pub(super) fn put(&self, section: &Section, n: u64, bytes: &[u8]) -> io::Result<()> {
        let path = self.path(section, n);
        self.files.remove(&path)?;
        let mut file = self.files.create_new(&path)?;
        file.write_all(bytes)?;
        file.flush()
    }

    pub(super) fn drop_section(&self, section: &Section) -> io::Result<()> {
        for (n, ..) in lengths(section) {
            self.files.remove(&self.path(section, n))?;
        }
        Ok(())
    }

    /// Whether the pieces are, together, what the manifest lists.
    pub(super) fn is_whole(&self, section: &Section) -> bool {
        let mut hasher = Sha256::new();
        let whole = self.each(section, &mut |bytes| {
            hasher.update(bytes);
            Ok(())
        });
        whole.is_ok() && hasher.finalize().as_slice() == section.sha256
    }

    /// Hands over the bytes of a section, piece by piece.
    pub(super) fn each(&self, section: &Section, take: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        for (n, _, len) in lengths(section) {
            let file = self.files.open(&self.path(section, n))?;
            let mut piece = vec![0; len];
            file.read_exact_at(0, &mut piece)?;
            take(&piece)?;
        }
        Ok(())
    }

    fn path(&self, section: &Section, n: u64) -> PathBuf {
        self.dir.join(format!("{}-{n}", hex(&section.sha256)))
    }
}

fn hex(bytes: &[u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
