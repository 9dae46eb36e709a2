//! Opaque handles for addresses: paths never carry a patient number or a name.
//!
//! A handle is a keyed hash of the patient number with a key that lives as long as the process. It stays the same when a
//! newer snapshot arrives in the middle of a note, is worthless in the next process, and is no permission: who may open
//! what is decided by the session, not by knowing a handle. Entries need none: their hash already says nothing.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use chart::PatientId;
use sha2::{Digest, Sha256};

/// Most people remembered; beyond that everybody is forgotten and pages say 「古くなりました」.
const MOST: usize = 500_000;

/// Makes handles, and knows the people for whom it made one.
pub struct Handles {
    key: [u8; 32],
    known: RwLock<HashMap<u64, PatientId>>,
}

impl Handles {
    /// With a key from the system's random source.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self {
            key,
            known: RwLock::default(),
        }
    }

    /// The handle of a patient, 16 hexadecimal digits.
    #[must_use]
    pub fn of(&self, id: &PatientId) -> String {
        // Two people never share a handle: a second try makes another one, however unlikely the first collision is.
        for salt in 0..u8::MAX {
            let hash = self.hash(salt, id);
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            match known.get(&hash) {
                Some(other) if other == id => return format!("{hash:016x}"),
                Some(_) => {}
                None => {
                    drop(known);
                    let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
                    if known.len() >= MOST {
                        known.clear();
                    }
                    if known.entry(hash).or_insert_with(|| id.clone()) == id {
                        return format!("{hash:016x}");
                    }
                }
            }
        }
        String::new()
    }

    /// Whose handle this is; `None` for anything that this process did not make.
    #[must_use]
    pub fn read(&self, handle: &str) -> Option<PatientId> {
        if handle.len() != 16 || !handle.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let hash = u64::from_str_radix(handle, 16).ok()?;
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&hash).cloned()
    }

    fn hash(&self, salt: u8, id: &PatientId) -> u64 {
        // Key, salt and number have fixed places, and SHA-256 output is cut: no length extension to speak of.
        let digest = Sha256::new()
            .chain_update(self.key)
            .chain_update([salt])
            .chain_update(id.as_str().as_bytes())
            .finalize();
        digest.iter().take(8).fold(0, |n, b| n << 8 | u64::from(*b))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u32) -> PatientId {
        PatientId::parse(&format!("{n:08}")).unwrap()
    }

    #[test]
    fn handles_lead_back_to_their_patient_and_say_nothing() {
        let handles = Handles::new([7; 32]);
        let all: Vec<String> = (0..2_000).map(|n| handles.of(&id(n))).collect();
        for (n, handle) in (0..).zip(&all) {
            assert_eq!(handles.read(handle), Some(id(n)));
            assert_eq!(handles.of(&id(n)), *handle, "always the same");
            assert!(!handle.contains(&n.to_string()) || n < 1_000);
        }
        let mut distinct = all.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), all.len());
        assert_ne!(Handles::new([8; 32]).of(&id(1)), all[1], "another process");
    }

    #[test]
    fn what_we_did_not_make_is_refused() {
        let handles = Handles::new([7; 32]);
        let other = Handles::new([8; 32]).of(&id(1));
        for bad in [
            "",
            "00000001",
            "zzzzzzzzzzzzzzzz",
            "0000000000000000",
            "ffffffffffffffff0",
            &other,
        ] {
            assert_eq!(handles.read(bad), None);
        }
    }
}
