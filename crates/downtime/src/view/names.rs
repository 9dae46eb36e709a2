//! Tables by an entry's name. A name is a SHA-256: it is spread already, and hashing it again would be half of a fold's work.
//!
//! Deliberately for [`EntryId`] alone: keys that somebody can choose need a hasher with a secret.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use chart::EntryId;

/// A table by name.
pub(super) type ByName<T> = HashMap<EntryId, T, BuildHasherDefault<FirstBytes>>;

/// The first eight bytes of what is hashed.
#[derive(Debug, Default)]
pub(super) struct FirstBytes(u64);

impl Hasher for FirstBytes {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk::<8>() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    fn write_usize(&mut self, _: usize) {
        // The length, which is always the same.
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
