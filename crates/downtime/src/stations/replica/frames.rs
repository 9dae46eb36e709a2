//! Small things remembered durably: frames appended and synced one by one, in files that are begun anew with everything.
//!
//! A file that has grown, or that failed, is followed by a new one; the ones before go when it is durable. What a frame means is
//! the caller's; a frame that was not written whole is not there.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use vault::files::{DurableFile, Files};

/// A file longer than this is followed by a new one.
const FULL: u64 = 4 << 20;
/// Longest file read back.
const MAX_FILE: u64 = 64 << 20;
/// Longest frame.
const MAX_FRAME: usize = 64 << 10;
const CHECK: usize = 8;

/// Files `<stem>.0000000001` and so on in one directory.
pub(super) struct Frames {
    files: Arc<dyn Files>,
    dir: PathBuf,
    stem: &'static str,
    open: Option<(Box<dyn DurableFile>, u64)>,
    next: u64,
}

impl Frames {
    /// Reads what earlier lives remembered, oldest first. A file that cannot be read is left where it is and said.
    pub(super) fn open(files: Arc<dyn Files>, dir: &Path, stem: &'static str) -> (Self, Vec<Vec<u8>>) {
        let mut frames = Self {
            files,
            dir: dir.to_path_buf(),
            stem,
            open: None,
            next: 1,
        };
        let mut found = Vec::new();
        for number in frames.numbers() {
            frames.next = number.saturating_add(1);
            match frames.read(number) {
                Ok(bytes) => split(&bytes, &mut found),
                Err(error) => tracing::warn!(%error, number, stem, "a file of things remembered cannot be read"),
            }
        }
        (frames, found)
    }

    /// Makes frames durable; `everything` is what a new file begins with, these included.
    pub(super) fn keep(&mut self, new: &[Vec<u8>], everything: impl FnOnce() -> Vec<Vec<u8>>) -> io::Result<()> {
        if let Some((mut file, len)) = self.open.take().filter(|(_, len)| *len < FULL) {
            let bytes = framed(new);
            if file.write_all(&bytes).and_then(|()| file.sync()).is_ok() {
                self.open = Some((file, len + bytes.len() as u64));
                return Ok(());
            }
        }
        let before = self.numbers();
        let number = self.next;
        self.next = number.saturating_add(1);
        let bytes = framed(&everything());
        self.files.create_dir(&self.dir)?;
        let mut file = self.files.create_new(&self.dir.join(self.name(number)))?;
        file.write_all(&bytes)?;
        file.sync()?;
        self.files.sync_dir(&self.dir)?;
        for old in before {
            // One that stays is read again at the next start and changes nothing.
            let _ = self.files.remove(&self.dir.join(self.name(old)));
        }
        self.open = Some((file, bytes.len() as u64));
        Ok(())
    }

    fn name(&self, number: u64) -> String {
        format!("{}.{number:010}", self.stem)
    }

    fn numbers(&self) -> Vec<u64> {
        let names = self.files.list(&self.dir).unwrap_or_default();
        let number = |name: &String| name.strip_prefix(self.stem)?.strip_prefix('.')?.parse().ok();
        let mut numbers: Vec<u64> = names.iter().filter_map(number).collect();
        numbers.sort_unstable();
        numbers
    }

    fn read(&self, number: u64) -> io::Result<Vec<u8>> {
        let source = self.files.open(&self.dir.join(self.name(number)))?;
        let size = source.size()?.min(MAX_FILE);
        let mut bytes = vec![0; usize::try_from(size).map_err(|_| io::ErrorKind::FileTooLarge)?];
        source.read_exact_at(0, &mut bytes)?;
        Ok(bytes)
    }
}

fn framed(frames: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    for body in frames.iter().filter(|body| body.len() <= MAX_FRAME) {
        out.extend_from_slice(&u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes());
        out.extend_from_slice(body);
        out.extend_from_slice(&check(body));
    }
    out
}

fn split(mut bytes: &[u8], found: &mut Vec<Vec<u8>>) {
    while let Some((body, rest)) = next(bytes) {
        found.push(body.to_vec());
        bytes = rest;
    }
}

fn next(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first_chunk::<4>()?;
    let len = usize::try_from(u32::from_le_bytes(*len))
        .ok()
        .filter(|len| *len <= MAX_FRAME)?;
    let (body, rest) = rest.split_at_checked(len)?;
    let (found, rest) = rest.split_first_chunk::<CHECK>()?;
    (*found == check(body)).then_some((body, rest))
}

/// Says whether a frame was written whole; who wrote it, the signatures inside say.
fn check(body: &[u8]) -> [u8; CHECK] {
    let digest: [u8; 32] = Sha256::digest(body).into();
    let mut out = [0; CHECK];
    out.copy_from_slice(digest.split_at(CHECK).0);
    out
}
