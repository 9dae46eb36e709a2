//! The keys that let a new version of the program in: of those who release it, and of the hospital that wants it.
//!
//! Two kinds that are never taken for one another: each has its own kind of file and its own purpose of signatures. Neither opens
//! anything.

use std::fmt;
use std::marker::PhantomData;

use ed25519_dalek::{SigningKey, VerifyingKey};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::sign::{self, BadSignature, Purpose, SIGNATURE_LEN};

use super::file::{Kind, read_secret_file, secret_file};
use super::{Fingerprint, KeyFault, checked_verifying_key, random_seed};

/// Signs versions of the program.
pub type ReleaseSecret = Secret<Releasing>;
/// Whose signature makes a version.
pub type ReleasePublic = Public<Releasing>;
/// Signs a hospital's word that it wants a version.
pub type ApprovalSecret = Secret<Approving>;
/// Whose signature is a hospital's word.
pub type ApprovalPublic = Public<Approving>;

/// What a key is for.
pub trait Task: Copy + PartialEq + Eq {
    #[doc(hidden)]
    fn kind() -> u8;
    #[doc(hidden)]
    fn purpose() -> Purpose;
}

/// Making a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Releasing {}

/// Wanting a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approving {}

impl Task for Releasing {
    fn kind() -> u8 {
        Kind::Release as u8
    }

    fn purpose() -> Purpose {
        Purpose::Release
    }
}

impl Task for Approving {
    fn kind() -> u8 {
        Kind::Approval as u8
    }

    fn purpose() -> Purpose {
        Purpose::Approval
    }
}

fn kind<T: Task>() -> Kind {
    if T::kind() == Kind::Release as u8 {
        Kind::Release
    } else {
        Kind::Approval
    }
}

/// A secret that signs for one task.
#[derive(Clone)]
pub struct Secret<T> {
    signing: SigningKey,
    task: PhantomData<T>,
}

/// The public half: 32 bytes Ed25519.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Public<T> {
    verifying: VerifyingKey,
    task: PhantomData<T>,
}

impl<T: Task> Secret<T> {
    /// A fresh random secret.
    pub fn random(rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        Self {
            signing: SigningKey::from_bytes(&random_seed(rng)),
            task: PhantomData,
        }
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> Public<T> {
        Public {
            verifying: self.signing.verifying_key(),
            task: PhantomData,
        }
    }

    /// Signs `message` for the task of this key.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_LEN] {
        sign::sign(&self.signing, T::purpose(), message)
    }

    /// The bytes of a secret file (`docs/formats/keys.md`); store readable by the owner only.
    #[must_use]
    pub fn to_file_bytes(&self) -> Zeroizing<Vec<u8>> {
        secret_file(kind::<T>(), &[self.signing.as_bytes()])
    }

    /// Reads a secret file.
    ///
    /// # Errors
    /// [`KeyFault`] when it is not one, is damaged, or holds another kind of key.
    pub fn from_file_bytes(bytes: &[u8]) -> Result<Self, KeyFault> {
        let [seed] = read_secret_file::<1>(kind::<T>(), bytes)?;
        Ok(Self {
            signing: SigningKey::from_bytes(&seed),
            task: PhantomData,
        })
    }
}

impl<T: Task> Public<T> {
    /// The 32 bytes as they are written to files.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 32] {
        self.verifying.to_bytes()
    }

    /// A public key from its bytes.
    ///
    /// # Errors
    /// [`KeyFault::InvalidPublic`] when it is not a usable point.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyFault> {
        Ok(Self {
            verifying: checked_verifying_key(bytes)?,
            task: PhantomData,
        })
    }

    /// The name people compare.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(self.verifying.as_bytes())
    }

    /// Checks that this key signed `message` for its task.
    ///
    /// # Errors
    /// [`BadSignature`] when it did not.
    pub fn verify(&self, message: &[u8], signature: &[u8; SIGNATURE_LEN]) -> Result<(), BadSignature> {
        sign::verify(&self.verifying, T::purpose(), message, signature)
    }
}

impl<T: Task> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({:?}, {})", T::purpose(), self.public().fingerprint())
    }
}

impl<T: Task> fmt::Debug for Public<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Public({:?}, {})", T::purpose(), self.fingerprint())
    }
}
