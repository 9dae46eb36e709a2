//! A sealer's keys: they sign manifests and open nothing.

use std::fmt;

use ed25519_dalek::{SigningKey, VerifyingKey};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::sign::{self, BadSignature, Purpose, SIGNATURE_LEN};

use super::file::{Kind, read_secret_file, secret_file};
use super::{Fingerprint, KeyFault, checked_verifying_key, random_seed};

/// A sealer's secret: signs snapshot manifests.
#[derive(Clone)]
pub struct SealerSecret {
    signing: SigningKey,
}

/// A sealer's public key: 32 bytes Ed25519. Stations trust the ones they were enrolled with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SealerPublic(VerifyingKey);

impl SealerSecret {
    /// A fresh random secret.
    pub fn random(rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        Self {
            signing: SigningKey::from_bytes(&random_seed(rng)),
        }
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> SealerPublic {
        SealerPublic(self.signing.verifying_key())
    }

    /// Signs `message` as this sealer.
    #[must_use]
    pub fn sign(&self, purpose: Purpose, message: &[u8]) -> [u8; SIGNATURE_LEN] {
        sign::sign(&self.signing, purpose, message)
    }

    /// The bytes of a secret file (`docs/formats/keys.md`); store readable by the owner only.
    #[must_use]
    pub fn to_file_bytes(&self) -> Zeroizing<Vec<u8>> {
        secret_file(Kind::Sealer, &[self.signing.as_bytes()])
    }

    /// Reads a secret file.
    ///
    /// # Errors
    /// [`KeyFault`] when it is not one, is damaged, or holds another kind of key.
    pub fn from_file_bytes(bytes: &[u8]) -> Result<Self, KeyFault> {
        let [seed] = read_secret_file::<1>(Kind::Sealer, bytes)?;
        Ok(Self {
            signing: SigningKey::from_bytes(&seed),
        })
    }
}

impl SealerPublic {
    /// The 32 bytes as they are written to files.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// A public key from its bytes.
    ///
    /// # Errors
    /// [`KeyFault::InvalidPublic`] when it is not a usable point.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyFault> {
        checked_verifying_key(bytes).map(Self)
    }

    /// The name people compare.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(self.0.as_bytes())
    }

    /// Checks that this sealer signed `message` for `purpose`.
    ///
    /// # Errors
    /// [`BadSignature`] when it did not.
    pub fn verify(
        &self,
        purpose: Purpose,
        message: &[u8],
        signature: &[u8; SIGNATURE_LEN],
    ) -> Result<(), BadSignature> {
        sign::verify(&self.0, purpose, message, signature)
    }
}

impl fmt::Debug for SealerSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealerSecret({})", self.public().fingerprint())
    }
}

impl fmt::Debug for SealerPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealerPublic({})", self.fingerprint())
    }
}
