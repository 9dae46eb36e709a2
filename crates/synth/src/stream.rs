//! Bytes on their way into files: one long file, or a heap of small ones of which only the kinds are counted.

use crate::sheet::Open;
use crate::{FileSummary, SynthError};
use std::collections::BTreeMap;
use std::io::Write;

/// So many bytes wait before they are written.
const WAITING: usize = 1 << 16;

/// One long file being written.
pub(crate) struct Stream {
    name: String,
    out: Box<dyn Write>,
    waiting: Vec<u8>,
    rows: u64,
    bytes: u64,
}

impl Stream {
    /// Opens the file.
    pub(crate) fn open(open: Open, name: &str) -> Result<Self, SynthError> {
        let out = open(name).map_err(|source| fault(name, source))?;
        Ok(Stream {
            name: name.to_owned(),
            out,
            waiting: Vec::new(),
            rows: 0,
            bytes: 0,
        })
    }

    /// Writes bytes that hold `rows` rows.
    pub(crate) fn push(&mut self, bytes: &[u8], rows: u64) -> Result<(), SynthError> {
        self.waiting.extend(bytes);
        self.rows += rows;
        if self.waiting.len() >= WAITING {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes what is left and says what the file holds.
    pub(crate) fn finish(mut self) -> Result<FileSummary, SynthError> {
        self.flush()?;
        self.out.flush().map_err(|source| fault(&self.name, source))?;
        Ok(FileSummary {
            name: self.name,
            rows: self.rows,
            bytes: self.bytes,
        })
    }

    fn flush(&mut self) -> Result<(), SynthError> {
        self.out
            .write_all(&self.waiting)
            .map_err(|source| fault(&self.name, source))?;
        self.bytes += self.waiting.len() as u64;
        self.waiting.clear();
        Ok(())
    }
}

/// Many small files, counted by kind so that memory does not grow with them.
#[derive(Default)]
pub(crate) struct Heap {
    kinds: BTreeMap<String, (u64, u64)>,
}

impl Heap {
    /// Writes one small file and counts it under `kind`.
    pub(crate) fn put(&mut self, open: Open, kind: &str, path: &str, bytes: &[u8]) -> Result<(), SynthError> {
        let mut out = open(path).map_err(|source| fault(path, source))?;
        out.write_all(bytes)
            .and_then(|()| out.flush())
            .map_err(|source| fault(path, source))?;
        if !self.kinds.contains_key(kind) {
            self.kinds.insert(kind.to_owned(), (0, 0));
        }
        if let Some((files, sum)) = self.kinds.get_mut(kind) {
            *files += 1;
            *sum += bytes.len() as u64;
        }
        Ok(())
    }

    /// What was written, kind by kind.
    pub(crate) fn finish(self) -> Vec<FileSummary> {
        let one = |(name, (rows, bytes))| FileSummary { name, rows, bytes };
        self.kinds.into_iter().map(one).collect()
    }
}

/// Writes one whole file.
pub(crate) fn whole(open: Open, name: &str, text: &str) -> Result<FileSummary, SynthError> {
    let mut stream = Stream::open(open, name)?;
    stream.push(text.as_bytes(), text.lines().count() as u64)?;
    stream.finish()
}

fn fault(name: &str, source: std::io::Error) -> SynthError {
    SynthError::Write {
        name: name.to_owned(),
        source,
    }
}
