//! One stream as parts: bounded memory, no file larger than a stick of any kind takes, and each read back as soon as it lies there.

use std::io::{self, Write};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::store::Store;

/// Bytes of a part.
pub const PART: usize = 64 << 20;
/// Most parts: a quarter of a terabyte.
pub const MOST_PARTS: usize = 4_096;

/// One part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// File name.
    pub name: String,
    /// Bytes.
    pub len: u64,
    /// SHA-256, in hexadecimal.
    pub sha256: String,
}

impl Part {
    /// What these bytes are under a name.
    pub fn of(name: &str, bytes: &[u8]) -> Self {
        Self {
            name: name.to_owned(),
            len: bytes.len() as u64,
            sha256: hex(&Sha256::digest(bytes)),
        }
    }
}

/// Where a stream goes, part by part.
pub struct Parts<'s> {
    store: &'s Store,
    generation: &'s str,
    held: Vec<u8>,
    done: Vec<Part>,
}

impl<'s> Parts<'s> {
    /// Nothing yet.
    pub fn new(store: &'s Store, generation: &'s str) -> Self {
        Self {
            store,
            generation,
            held: Vec::new(),
            done: Vec::new(),
        }
    }

    /// Stores the rest; gives the parts.
    pub fn finish(mut self) -> Result<Vec<Part>> {
        if !self.held.is_empty() || self.done.is_empty() {
            self.put()?;
        }
        Ok(self.done)
    }

    fn put(&mut self) -> Result<()> {
        if self.done.len() == MOST_PARTS {
            bail!("控えが大きすぎます");
        }
        let name = part_name(self.done.len());
        let part = Part::of(&name, &self.held);
        self.store.put_new(self.generation, &name, &self.held)?;
        let back = self.store.get(self.generation, &name, PART as u64);
        let back = back.with_context(|| format!("{name} を読み返せません"))?;
        if Part::of(&name, &back) != part {
            bail!("{name} を読み返すと、書いたものと違います。この媒体は使わないでください");
        }
        self.done.push(part);
        self.held.clear();
        Ok(())
    }
}

impl Write for Parts<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (now, _) = bytes.split_at(bytes.len().min(PART - self.held.len()));
        self.held.extend_from_slice(now);
        if self.held.len() == PART {
            self.put().map_err(|fault| io::Error::other(format!("{fault:#}")))?;
        }
        Ok(now.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// `backup.tar.age.000`, so that `cat backup.tar.age.*` is the whole.
pub fn part_name(number: usize) -> String {
    format!("backup.tar.age.{number:04}")
}

/// Hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads [`hex`].
pub fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut out = [0; N];
    if text.len() != 2 * N || !text.is_ascii() {
        return None;
    }
    for (at, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(out)
}
