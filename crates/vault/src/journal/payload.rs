//! Payload keys: sealed into key records for the roles that may read, and taken out again.
//!
//! Wrapping a key to each reader costs some 50 µs; doing that per entry would make group commit ten times slower. So
//! one key seals the entries of one life of the process, and the key record at its start carries it to every reader.
//! Each entry is still sealed separately, bound to its own header.

use std::collections::HashMap;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::codec::{Malformed, Reader, put_bytes, put_count};
use crate::context::Context;
use crate::ids::{HospitalId, IncarnationId, StationId};
use crate::keys::{Key32, RolePublic, RoleSecret};
use crate::sealbox;
use crate::wrap::{self, WeakKey};

use super::record::{Header, Record};
use super::{Class, MAX_READERS};

const MAX_WRAP: usize = 1024;

/// Why a record's payload was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenFault {
    /// The key record that goes with it has not been seen, or was not written for this role.
    #[error(
        "the key of this entry is not known to this role; the entry is kept, unread; open it under a role it was written for"
    )]
    NoKey,
    /// The key does not open it.
    #[error("this entry cannot be opened; it is kept, unread; tell the informatics officer")]
    CannotOpen,
    /// A key record holds no entry.
    #[error("this record carries a key, not an entry; there is nothing to show")]
    NotAnEntry,
}

/// The payload keys one role has learnt from key records. Erased on drop.
pub struct JournalKeys {
    secret: RoleSecret,
    known: HashMap<KeyName, Key32>,
}

/// Which key: the station, the incarnation and the key's own number.
type KeyName = (StationId, IncarnationId, [u8; 16]);

impl JournalKeys {
    /// Starts with no key known.
    #[must_use]
    pub fn new(secret: RoleSecret) -> Self {
        Self {
            secret,
            known: HashMap::new(),
        }
    }

    /// Takes the key out of a key record, if it was written for this role. Returns whether the key is known now.
    /// Any other record is ignored, so a whole journal can be passed through.
    pub fn learn(&mut self, record: &Record) -> bool {
        let header = record.header();
        if header.class != Class::KEY {
            return false;
        }
        let name = key_name(header);
        if self.known.contains_key(&name) {
            return true;
        }
        let wrapped = find_wrap(record.payload(), &self.secret.public()).ok().flatten();
        let key = wrapped.and_then(|wrapped| wrap::unwrap(&self.secret, &wrap_context(header), wrapped).ok());
        let Some(key) = key.and_then(|key| Key32::from_slice(&key)) else {
            return false;
        };
        self.known.insert(name, key);
        true
    }

    /// Whether the key that seals the record with this header is known.
    #[must_use]
    pub fn knows(&self, header: &Header) -> bool {
        self.known.contains_key(&key_name(header))
    }

    /// Opens an entry.
    ///
    /// # Errors
    /// [`OpenFault`].
    pub fn open(&self, record: &Record) -> Result<Zeroizing<Vec<u8>>, OpenFault> {
        let header = record.header();
        if header.class == Class::KEY {
            return Err(OpenFault::NotAnEntry);
        }
        if header.class.is_open() {
            return Ok(Zeroizing::new(record.payload().to_vec()));
        }
        let key = self.known.get(&key_name(header)).ok_or(OpenFault::NoKey)?;
        sealbox::open(key, &entry_context(header), record.payload()).map_err(|_| OpenFault::CannotOpen)
    }
}

/// The payload key of this life of the process.
pub(super) struct PayloadKey {
    pub(super) id: [u8; 16],
    key: Key32,
}

impl PayloadKey {
    pub(super) fn fresh(rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        let mut id = [0; 16];
        rng.fill_bytes(&mut id);
        Self {
            id,
            key: Key32::random(rng),
        }
    }

    /// The payload of the key record with that header.
    pub(super) fn for_readers(
        &self,
        header: &Header,
        readers: &[RolePublic],
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Vec<u8>, WeakKey> {
        let mut out = Vec::new();
        put_count(&mut out, readers.len());
        for reader in readers {
            out.extend_from_slice(&reader.to_bytes());
            put_bytes(
                &mut out,
                &wrap::wrap(reader, &wrap_context(header), self.key.as_bytes(), rng)?,
            );
        }
        Ok(out)
    }

    pub(super) fn seal(&self, header: &Header, payload: &[u8], rng: &mut (impl CryptoRng + ?Sized)) -> Vec<u8> {
        sealbox::seal(&self.key, &entry_context(header), payload, rng)
    }
}

fn key_name(header: &Header) -> KeyName {
    (header.station, header.incarnation, header.key)
}

fn wrap_context(header: &Header) -> Context {
    context("jkey", &header.hospital)
        .fixed(header.station.as_bytes())
        .fixed(header.incarnation.as_bytes())
        .fixed(&header.key)
}

fn entry_context(header: &Header) -> Context {
    let mut bytes = Vec::with_capacity(128);
    header.write_to(&mut bytes);
    context("jent", &header.hospital).variable(&bytes)
}

fn context(kind: &'static str, hospital: &HospitalId) -> Context {
    Context::new(kind, hospital)
}

fn find_wrap<'a>(payload: &'a [u8], reader: &RolePublic) -> Result<Option<&'a [u8]>, Malformed> {
    let mut input = Reader::new(payload);
    let mut found = None;
    for _ in 0..input.count(MAX_READERS, 36)? {
        let (public, wrapped) = (input.array::<32>()?, input.bytes(MAX_WRAP)?);
        if public == reader.to_bytes() {
            found = Some(wrapped);
        }
    }
    input.finish()?;
    Ok(found)
}
