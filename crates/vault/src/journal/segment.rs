//! Writing segments: one write and one sync per batch, and a new file after any error.
//!
//! ```text
//! segment = header block (4 KiB) ‖ batches, each starting on a 4 KiB block
//! header  = magic(8) ‖ version u32 ‖ 0 u32 ‖ number u64 ‖ hospital(16) ‖ station(16) ‖ crc32c ‖ zeros
//! batch   = "TMJB" ‖ segment u64 ‖ number u32 ‖ count u32 ‖ bytes u32 ‖ flags u32 ‖ crc32c ‖ records ‖ zeros
//! ```
//! A batch starts on a fresh block so that no acknowledged byte ever shares a sector with bytes still being written.
//! Batch n+1 is written only after batch n was synced, so its mere presence proves batch n durable.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::files::{DurableFile, Files};
use crate::ids::{HospitalId, StationId};

use super::SEGMENT_SIZE;
use super::mutants::{Mutant, mutated};

pub(super) const BLOCK: usize = 4096;
pub(super) const BATCH_HEADER: usize = 32;
pub(super) const BATCH_MAGIC: &[u8; 4] = b"TMJB";
pub(super) const SEGMENT_FIELDS: usize = 8 + 4 + 4 + 8 + 16 + 16;
pub(super) const VERSION: u32 = 1;
const EXTENSION: &str = ".tmbj";
/// New files tried for one batch before giving up.
const ATTEMPTS: usize = 2;

/// Whose records a segment holds; the magic keeps the two apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// This station's own journal.
    Own,
    /// Other stations' records.
    Foreign,
}

impl Purpose {
    pub(super) fn magic(self) -> &'static [u8; 8] {
        match self {
            Self::Own => b"TMBJRNL1",
            Self::Foreign => b"TMBRLOG1",
        }
    }
}

/// Who owns the directory: written into every segment header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) purpose: Purpose,
    pub(super) hospital: HospitalId,
    pub(super) station: StationId,
}

/// Whole records, one behind the other, to be made durable together.
#[derive(Default)]
pub(super) struct Batch {
    records: Vec<u8>,
    count: usize,
    flags: u32,
}

/// The batch begins with everything that was unsettled when its life of the process began, so once it is known to be
/// durable, all segments before it are settled. All of it is in this one batch: a second one would prove the first.
pub(super) const CARRIES_TAIL: u32 = 1;

impl Batch {
    pub(super) fn carrying_tail() -> Self {
        Self {
            flags: CARRIES_TAIL,
            ..Self::default()
        }
    }

    pub(super) fn push(&mut self, record: &[u8]) {
        self.records.extend_from_slice(record);
        self.count += 1;
    }

    /// Bytes of its records.
    pub(super) fn len(&self) -> u64 {
        self.records.len() as u64
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// Where the records of a batch begin.
#[derive(Clone, Copy)]
pub(super) struct Committed {
    pub(super) segment: u64,
    pub(super) offset: u64,
}

/// The writing end of a directory of segments.
pub(super) struct SegmentWriter {
    files: Arc<dyn Files>,
    dir: PathBuf,
    owner: Owner,
    next_number: u64,
    open: Option<OpenSegment>,
}

struct OpenSegment {
    file: Box<dyn DurableFile>,
    number: u64,
    len: u64,
    batches: u32,
}

impl SegmentWriter {
    /// A writer that will open new segments from `next_number` on; it never touches an existing one (R5).
    pub(super) fn new(files: Arc<dyn Files>, dir: &Path, owner: Owner, next_number: u64) -> Self {
        let mut writer = Self {
            files,
            dir: dir.to_path_buf(),
            owner,
            next_number: next_number - u64::from(mutated(Mutant::OverwriteOldSegment) && next_number > 1),
            open: None,
        };
        if mutated(Mutant::AppendToOldSegment) {
            writer.open = writer.reopen();
        }
        writer
    }

    /// Returns only when the batch is durable (R1). Any error abandons the file and the same batch is written into a
    /// new one (R3, R4); after `ATTEMPTS` new files it gives up, and the batch must not be acknowledged.
    pub(super) fn commit(&mut self, batch: &Batch) -> io::Result<Committed> {
        if let Some(mut segment) = self.open.take().filter(|segment| segment.len < SEGMENT_SIZE) {
            let (number, offset) = (segment.number, segment.len + BATCH_HEADER as u64);
            let done = Committed {
                segment: number,
                offset,
            };
            match segment.append(batch) {
                Ok(()) => {
                    self.open = Some(segment);
                    return Ok(done);
                }
                Err(error) if mutated(Mutant::NoNewFile) => return Err(error),
                Err(_) if mutated(Mutant::KeepFailedFile) && segment.append(batch).is_ok() => {
                    self.open = Some(segment);
                    return Ok(done);
                }
                Err(_) if mutated(Mutant::RemoveFailedFile) => {
                    self.files.remove(&self.dir.join(file_name(segment.number)))?;
                }
                Err(_) => {}
            }
        }
        let mut last = io::Error::other("no attempt was made");
        for _ in 0..ATTEMPTS {
            match self.commit_to_new(batch) {
                Ok(segment) => {
                    let done = Committed {
                        segment: segment.number,
                        offset: (BLOCK + BATCH_HEADER) as u64,
                    };
                    self.open = Some(segment);
                    return Ok(done);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Writes an empty batch behind the one that carried the tail: once it is seen, that one is known to be durable,
    /// and the next life need not carry the same tail again. Nothing that was saved hangs on it, so an error only
    /// abandons the file, as every error does.
    pub(super) fn mark_settled(&mut self) {
        if mutated(Mutant::NoSettledMark) {
            return;
        }
        if let Some(mut segment) = self.open.take()
            && (segment.append(&Batch::default()).is_ok() || mutated(Mutant::SettledMarkErrorIgnored))
        {
            self.open = Some(segment);
        }
    }

    fn commit_to_new(&mut self, batch: &Batch) -> io::Result<OpenSegment> {
        let number = self.next_number;
        if mutated(Mutant::OverwriteOldSegment) {
            self.files.remove(&self.dir.join(file_name(number)))?;
        }
        self.next_number = number.checked_add(1).ok_or(io::ErrorKind::InvalidInput)?;
        let path = self.dir.join(file_name(number));
        if mutated(Mutant::DirectorySyncFirst) {
            self.files.sync_dir(&self.dir)?;
        }
        let file = self.files.create_new(&path)?;
        let mut segment = OpenSegment {
            file,
            number,
            len: 0,
            batches: 0,
        };
        // R2: a file that a crash can take out of its directory holds nothing durable.
        let durable = segment
            .start(&self.owner)
            .and_then(|()| match mutated(Mutant::NewFileNotSynced) {
                true => segment.write(batch),
                false => segment.append(batch),
            })
            .and_then(
                |()| match mutated(Mutant::NoDirectorySync) || mutated(Mutant::DirectorySyncFirst) {
                    true => Ok(()),
                    false => self.files.sync_dir(&self.dir),
                },
            );
        if let Err(error) = durable {
            drop(segment);
            // Nothing in this file was ever acknowledged; on a full disk its bytes are better given back.
            let _ = self.files.remove(&path);
            return Err(error);
        }
        Ok(segment)
    }

    /// What R5 forbids, for the tests that show why.
    fn reopen(&self) -> Option<OpenSegment> {
        let number = self.next_number.checked_sub(1).filter(|number| *number > 0)?;
        let file = self.files.create_new(&self.dir.join(file_name(number))).ok()?;
        Some(OpenSegment {
            file,
            number,
            len: BLOCK as u64,
            batches: 1,
        })
    }
}

impl OpenSegment {
    fn start(&mut self, owner: &Owner) -> io::Result<()> {
        let mut block = Vec::with_capacity(BLOCK);
        block.extend_from_slice(owner.purpose.magic());
        block.extend_from_slice(&VERSION.to_le_bytes());
        block.extend_from_slice(&[0; 4]);
        block.extend_from_slice(&self.number.to_le_bytes());
        block.extend_from_slice(owner.hospital.as_bytes());
        block.extend_from_slice(owner.station.as_bytes());
        block.extend_from_slice(&crc32c::crc32c(&block).to_le_bytes());
        block.resize(BLOCK, 0);
        self.file.write_all(&block)?;
        self.len = BLOCK as u64;
        Ok(())
    }

    fn append(&mut self, batch: &Batch) -> io::Result<()> {
        self.write(batch)?;
        let starting = batch.flags & CARRIES_TAIL != 0 || batch.is_empty();
        if mutated(Mutant::AckBeforeSync) || (mutated(Mutant::NoSyncOnStart) && starting) {
            return Ok(());
        }
        match self.file.sync() {
            Err(_) if mutated(Mutant::RetrySync) => self.file.sync(),
            done => done,
        }
    }

    fn write(&mut self, batch: &Batch) -> io::Result<()> {
        let mut out = Vec::with_capacity((BATCH_HEADER + batch.records.len()).next_multiple_of(batch_block()));
        out.extend_from_slice(BATCH_MAGIC);
        out.extend_from_slice(&self.number.to_le_bytes());
        out.extend_from_slice(&self.batches.to_le_bytes());
        crate::codec::put_count(&mut out, batch.count);
        crate::codec::put_count(&mut out, batch.records.len());
        out.extend_from_slice(&batch.flags.to_le_bytes());
        out.extend_from_slice(&crc32c::crc32c(&out).to_le_bytes());
        out.extend_from_slice(&batch.records);
        out.resize(out.len().next_multiple_of(batch_block()), 0);
        match mutated(Mutant::IgnoreShortWrite) {
            true => drop(self.file.write(&out)?),
            false => self.file.write_all(&out)?,
        }
        self.len += out.len() as u64;
        self.batches = self.batches.checked_add(1).ok_or(io::ErrorKind::FileTooLarge)?;
        Ok(())
    }
}

/// Batches begin on multiples of this.
pub(super) fn batch_block() -> usize {
    match mutated(Mutant::UnalignedBatches) {
        true => BATCH_HEADER,
        false => BLOCK,
    }
}

pub(super) fn file_name(number: u64) -> String {
    format!("{number:010}{EXTENSION}")
}

pub(super) fn number_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(EXTENSION)?;
    digits.parse().ok().filter(|number| file_name(*number) == name)
}
