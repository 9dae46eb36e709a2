//! Secrets and the public keys that go with them, each its own type so that none is used in another's place.
//!
//! | secret | holds | used for |
//! |---|---|---|
//! | [`StationSecret`] | X25519 + Ed25519 | opening the outer lock of a snapshot; signing journal records |
//! | [`UserSecret`] | X25519 | opening the user's roles |
//! | [`RoleSecret`] | X25519, long-lived | opening journal records written for a role |
//! | [`SealerSecret`] | Ed25519 | signing manifests |
//! | [`ReleaseSecret`], [`ApprovalSecret`] | Ed25519 | signing a version of the program, and a hospital's word that it wants it |
//! | [`RecoverySecret`] | X25519, long-lived | opening everything when nobody else can; exists only while shares are joined |
//!
//! Secrets are erased from memory when dropped and never appear in `Debug` output. A secret file is versioned bytes
//! with a check sum, so that damage is told apart from a wrong key; the caller stores it readable by its owner only.
//! Where secrets are kept (file, TPM, DPAPI) is deliberately not known here.

mod exchange;
mod file;
mod releasing;
mod sealer;
mod station;

use std::fmt;

use ed25519_dalek::VerifyingKey;
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

pub use exchange::{RecoveryPublic, RecoverySecret, RolePublic, RoleSecret, UserPublic, UserSecret};
pub use releasing::{ApprovalPublic, ApprovalSecret, ReleasePublic, ReleaseSecret};
pub use sealer::{SealerPublic, SealerSecret};
pub use station::{StationPublic, StationSecret};

/// A symmetric key: 32 secret bytes, erased on drop.
#[derive(Clone)]
pub struct Key32(Zeroizing<[u8; 32]>);

impl Key32 {
    /// A fresh random key.
    pub fn random(rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        Self(random_seed(rng))
    }

    /// A key from its bytes. The caller's copy is the caller's to erase.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// A key from a slice of exactly 32 bytes.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self::from_bytes)
    }

    /// The secret bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Somebody bytes can be wrapped to (see [`crate::wrap`]).
pub trait Recipient {
    /// The X25519 public key.
    fn exchange_key(&self) -> &PublicKey;
}

/// The secret half of a [`Recipient`].
pub trait RecipientSecret {
    /// The X25519 secret.
    fn exchange_secret(&self) -> &StaticSecret;
    /// The public key that belongs to it.
    fn exchange_public(&self) -> &PublicKey;
}

/// What is wrong with key bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// Not a secret file of this product, or of a newer version.
    #[error(
        "this file is not a key file that this version can read; no key was loaded; restore it from its copy or enrol again"
    )]
    NotAKeyFile,
    /// The right kind of file, but its check sum does not match.
    #[error("this key file is damaged; no key was loaded; restore it from its copy or enrol again")]
    Damaged,
    /// A key file of another kind (for example a user's where a station's is needed).
    #[error("this key file holds another kind of key; no key was loaded; choose the right file")]
    OtherKind,
    /// Public key bytes that are not a usable point.
    #[error("this public key is not valid; it was not accepted; enrol its owner again")]
    InvalidPublic,
}

/// A short name of a public key for people to compare: 20 hexadecimal digits in groups of four.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 10]);

impl Fingerprint {
    fn of(public: &[u8]) -> Self {
        let mut short = [0; 10];
        short
            .iter_mut()
            .zip(Sha256::digest(public))
            .for_each(|(to, from)| *to = from);
        Self(short)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, pair) in self.0.chunks(2).enumerate() {
            if n > 0 {
                f.write_str("-")?;
            }
            pair.iter().try_for_each(|byte| write!(f, "{byte:02X}"))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for Key32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key32(secret)")
    }
}

fn random_seed(rng: &mut (impl CryptoRng + ?Sized)) -> Zeroizing<[u8; 32]> {
    let mut seed = Zeroizing::new([0; 32]);
    rng.fill_bytes(&mut *seed);
    seed
}

/// A small-order point multiplied by any secret gives zero, whatever the secret: that is how it shows itself.
fn checked_exchange_key(bytes: &[u8; 32]) -> Result<PublicKey, KeyFault> {
    let public = PublicKey::from(*bytes);
    let probe = StaticSecret::from([1; 32]).diffie_hellman(&public);
    if probe.was_contributory() {
        Ok(public)
    } else {
        Err(KeyFault::InvalidPublic)
    }
}

fn checked_verifying_key(bytes: &[u8; 32]) -> Result<VerifyingKey, KeyFault> {
    VerifyingKey::from_bytes(bytes)
        .ok()
        .filter(|key| !key.is_weak())
        .ok_or(KeyFault::InvalidPublic)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counter(u64);
    impl rand_core::TryRng for Counter {
        type Error = std::convert::Infallible;
        fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
            self.try_next_u64().map(|wide| wide as u32)
        }
        fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
            self.0 += 1;
            Ok(self.0.wrapping_mul(0x9E37_79B9_7F4A_7C15))
        }
        fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), Self::Error> {
            to.chunks_mut(8).try_for_each(|chunk| {
                let word = self.try_next_u64()?.to_le_bytes();
                chunk.iter_mut().zip(word).for_each(|(to, from)| *to = from);
                Ok(())
            })
        }
    }
    impl rand_core::TryCryptoRng for Counter {}

    #[test]
    fn every_secret_file_comes_back_and_every_changed_bit_is_refused() {
        let mut rng = Counter(1);
        let station = StationSecret::random(&mut rng);
        let file = station.to_file_bytes();
        assert_eq!(
            StationSecret::from_file_bytes(&file).unwrap().public(),
            station.public()
        );
        for bit in 0..file.len() * 8 {
            let mut changed = file.to_vec();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(StationSecret::from_file_bytes(&changed).is_err(), "bit {bit}");
        }
        for len in 0..file.len() {
            assert!(
                StationSecret::from_file_bytes(&file[..len]).is_err(),
                "first {len} bytes"
            );
        }
        assert_eq!(UserSecret::from_file_bytes(&file).unwrap_err(), KeyFault::OtherKind);
        let sealer = SealerSecret::random(&mut rng);
        assert_eq!(
            SealerSecret::from_file_bytes(&sealer.to_file_bytes()).unwrap().public(),
            sealer.public()
        );
        let role = RoleSecret::random(&mut rng);
        assert_eq!(
            RoleSecret::from_file_bytes(&role.to_file_bytes()).unwrap().public(),
            role.public()
        );
        let recovery = RecoverySecret::random(&mut rng);
        let file = recovery.to_file_bytes();
        assert_eq!(
            RecoverySecret::from_file_bytes(&file).unwrap().public(),
            recovery.public()
        );
        assert_eq!(RoleSecret::from_file_bytes(&file).unwrap_err(), KeyFault::OtherKind);
        assert_eq!(
            recovery.journal_reader().public(),
            recovery.public().journal_reader(),
            "one key under two names"
        );
    }

    #[test]
    fn weak_public_keys_are_refused() {
        assert_eq!(UserPublic::from_bytes(&[0; 32]).unwrap_err(), KeyFault::InvalidPublic);
        let mut one = [0; 32];
        one[0] = 1;
        assert_eq!(UserPublic::from_bytes(&one).unwrap_err(), KeyFault::InvalidPublic);
        assert_eq!(
            SealerPublic::from_bytes(&one).unwrap_err(),
            KeyFault::InvalidPublic,
            "the identity point"
        );
    }

    #[test]
    fn debug_output_holds_no_secret() {
        let user = UserSecret::from_seed(&[0xAB; 32]);
        let shown = format!("{user:?} {:?}", Key32::from_bytes([0xAB; 32]));
        assert!(!shown.to_lowercase().contains("abab"), "{shown}");
        assert!(shown.contains(&user.public().fingerprint().to_string()));
    }
}
