//! The end of a snapshot file on its way alone: manifest, signature and trailer, from which a station learns what it needs.
//!
//! With it a station knows every section's length and hash before it asks for a byte of it, and can put the file together from what
//! it has and what others give. Asking is deliberately not known here.

use std::io;
use std::sync::Arc;

use crate::codec::Reader;
use crate::files::{ReadAt, read_vec};
use crate::keys::SealerPublic;

use super::SnapshotFault;
use super::layout::{HEADER_LEN, MAGIC, MAX_MANIFEST, TRAILER_LEN};
use super::manifest::Manifest;
use super::reader::Snapshot;

/// Longest end of a file: a manifest with its signatures and the trailer.
pub const MAX_TAIL: usize = MAX_MANIFEST + 4096;

/// A manifest a trusted sealer signed, with the bytes that end its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tail {
    manifest: Manifest,
    bytes: Vec<u8>,
}

impl Tail {
    /// First bytes of every snapshot file: what stands before the first section.
    #[must_use]
    pub fn header() -> [u8; HEADER_LEN as usize] {
        let mut header = [0; HEADER_LEN as usize];
        header.iter_mut().zip(MAGIC).for_each(|(to, from)| *to = *from);
        header
    }

    /// The end of an opened file, for passing it on.
    ///
    /// # Errors
    /// What the device says.
    pub fn of(snapshot: &Snapshot) -> io::Result<Vec<u8>> {
        let source = &snapshot.file.source;
        let start = snapshot.manifest().sections_end();
        let len = source
            .size()?
            .checked_sub(start)
            .and_then(|len| usize::try_from(len).ok());
        let len = len.filter(|len| *len <= MAX_TAIL).ok_or(io::ErrorKind::InvalidData)?;
        read_vec(&**source, start, len)
    }

    /// Believes an end that came over the line, if one of `trusted` signed it.
    ///
    /// # Errors
    /// [`SnapshotFault`], as [`Snapshot::open`].
    pub fn parse(bytes: &[u8], trusted: &[SealerPublic]) -> Result<Self, SnapshotFault> {
        let malformed = SnapshotFault::Malformed("end of file");
        let trailer = bytes.len().checked_sub(TRAILER_LEN);
        let Some(trailer) = trailer
            .and_then(|at| bytes.get(at..))
            .filter(|_| bytes.len() <= MAX_TAIL)
        else {
            return Err(malformed);
        };
        let start = Reader::new(trailer).u64().unwrap_or(0);
        let floating: Arc<dyn ReadAt> = Arc::new(Floating {
            start,
            bytes: bytes.to_vec(),
        });
        let manifest = Manifest::read(&*floating, trusted)?;
        if manifest.sections_end() == start {
            Ok(Self {
                manifest,
                bytes: bytes.to_vec(),
            })
        } else {
            Err(malformed)
        }
    }

    /// What the file is and holds.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The bytes that stand behind the last section.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Length of the whole file.
    #[must_use]
    pub fn file_len(&self) -> u64 {
        self.manifest.sections_end() + self.bytes.len() as u64
    }
}

/// A file of which only the header and the end are there: all that the manifest's reader looks at.
struct Floating {
    start: u64,
    bytes: Vec<u8>,
}

impl ReadAt for Floating {
    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        match offset.checked_sub(self.start).filter(|_| self.start >= HEADER_LEN) {
            Some(at) => self.bytes.read_exact_at(at, buf),
            None => Tail::header().to_vec().read_exact_at(offset, buf),
        }
    }

    fn size(&self) -> io::Result<u64> {
        let end = self.start.checked_add(self.bytes.len() as u64);
        end.ok_or_else(|| io::ErrorKind::InvalidData.into())
    }
}
