//! An entry as bytes: a version byte, then CBOR (`docs/formats/chart.md`). Every length is bounded before it is read.

use super::Entry;

/// The version of the payload layout that [`Entry::to_bytes`] writes.
pub const ENTRY_VERSION: u8 = 1;

/// Largest entry accepted, in bytes (the journal's own bound is 64 KiB for a record).
pub const MAX_ENTRY_BYTES: usize = 48 << 10;

/// Why an entry's bytes could not be read.
#[derive(Debug, thiserror::Error)]
pub enum EntryFault {
    /// Written by a newer program: kept, forwarded, shown as 「更新が必要」.
    #[error("この記載は新しい版（{0}）で書かれています。プログラムを更新してください")]
    NewerVersion(u8),
    /// More than [`MAX_ENTRY_BYTES`].
    #[error("記載が大きすぎます（{0} バイト、上限 {MAX_ENTRY_BYTES} バイト）")]
    TooLarge(usize),
    /// Not an entry.
    #[error("記載を読めません: {0}")]
    Unreadable(#[from] minicbor::decode::Error),
    /// Cannot be written: a field refused to encode.
    #[error("記載を書けません: {0}")]
    Unwritable(#[from] minicbor::encode::Error<std::convert::Infallible>),
    /// Empty input.
    #[error("記載が空です")]
    Empty,
}

impl Entry {
    /// Version byte, then CBOR.
    ///
    /// # Errors
    /// [`EntryFault::TooLarge`] above [`MAX_ENTRY_BYTES`]: the text must be shortened or split by its author.
    pub fn to_bytes(&self) -> Result<Vec<u8>, EntryFault> {
        let mut out = vec![ENTRY_VERSION];
        minicbor::encode(self, &mut out)?;
        if out.len() > MAX_ENTRY_BYTES {
            Err(EntryFault::TooLarge(out.len()))
        } else {
            Ok(out)
        }
    }

    /// Reads what [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`EntryFault`] when the bytes are empty, too many, of a newer version, or damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EntryFault> {
        if bytes.len() > MAX_ENTRY_BYTES {
            return Err(EntryFault::TooLarge(bytes.len()));
        }
        match bytes.split_first() {
            None => Err(EntryFault::Empty),
            Some((&ENTRY_VERSION, rest)) => Ok(minicbor::decode(rest)?),
            Some((&version, _)) => Err(EntryFault::NewerVersion(version)),
        }
    }
}
