//! A station's keys: one pair to open with, one pair to sign with.

use std::fmt;

use ed25519_dalek::{SigningKey, VerifyingKey};
use rand_core::CryptoRng;
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

use crate::codec::Reader;
use crate::sign::{self, BadSignature, Purpose, SIGNATURE_LEN};

use super::file::{Kind, read_secret_file, secret_file};
use super::{
    Fingerprint, KeyFault, Recipient, RecipientSecret, checked_exchange_key, checked_verifying_key, random_seed,
};

/// A station's secret: opens the outer lock of snapshots and signs the station's journal.
#[derive(Clone)]
pub struct StationSecret {
    exchange: StaticSecret,
    signing: SigningKey,
    public: StationPublic,
}

/// A station's public half: 32 bytes X25519 and 32 bytes Ed25519.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct StationPublic {
    exchange: PublicKey,
    verifying: VerifyingKey,
}

impl StationSecret {
    /// A fresh random secret.
    pub fn random(rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        let (exchange, signing) = (random_seed(rng), random_seed(rng));
        Self::from_seeds(&exchange, &signing)
    }

    fn from_seeds(exchange: &[u8; 32], signing: &[u8; 32]) -> Self {
        let exchange = StaticSecret::from(*exchange);
        let signing = SigningKey::from_bytes(signing);
        let public = StationPublic {
            exchange: PublicKey::from(&exchange),
            verifying: signing.verifying_key(),
        };
        Self {
            exchange,
            signing,
            public,
        }
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> StationPublic {
        self.public
    }

    /// Signs `message` as this station.
    #[must_use]
    pub fn sign(&self, purpose: Purpose, message: &[u8]) -> [u8; SIGNATURE_LEN] {
        sign::sign(&self.signing, purpose, message)
    }

    /// The bytes of a secret file (`docs/formats/keys.md`); store readable by the owner only.
    #[must_use]
    pub fn to_file_bytes(&self) -> Zeroizing<Vec<u8>> {
        let exchange = Zeroizing::new(self.exchange.to_bytes());
        secret_file(Kind::Station, &[&*exchange, self.signing.as_bytes()])
    }

    /// Reads a secret file.
    ///
    /// # Errors
    /// [`KeyFault`] when it is not one, is damaged, or holds another kind of key.
    pub fn from_file_bytes(bytes: &[u8]) -> Result<Self, KeyFault> {
        let [exchange, signing] = read_secret_file::<2>(Kind::Station, bytes)?;
        Ok(Self::from_seeds(&exchange, &signing))
    }
}

impl RecipientSecret for StationSecret {
    fn exchange_secret(&self) -> &StaticSecret {
        &self.exchange
    }
    fn exchange_public(&self) -> &PublicKey {
        &self.public.exchange
    }
}

impl StationPublic {
    /// The 64 bytes as they are written to files: X25519, then Ed25519.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 64] {
        let mut out = [0; 64];
        let (left, right) = out.split_at_mut(32);
        left.copy_from_slice(self.exchange.as_bytes());
        right.copy_from_slice(self.verifying.as_bytes());
        out
    }

    /// A public key from its bytes.
    ///
    /// # Errors
    /// [`KeyFault::InvalidPublic`] when either half is not a usable point.
    pub fn from_bytes(bytes: &[u8; 64]) -> Result<Self, KeyFault> {
        let mut reader = Reader::new(bytes);
        let mut half = || reader.array::<32>().map_err(|_| KeyFault::InvalidPublic);
        let (exchange, verifying) = (half()?, half()?);
        Ok(Self {
            exchange: checked_exchange_key(&exchange)?,
            verifying: checked_verifying_key(&verifying)?,
        })
    }

    /// The name people compare.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.to_bytes())
    }

    /// Checks that this station signed `message` for `purpose`.
    ///
    /// # Errors
    /// [`BadSignature`] when it did not.
    pub fn verify(
        &self,
        purpose: Purpose,
        message: &[u8],
        signature: &[u8; SIGNATURE_LEN],
    ) -> Result<(), BadSignature> {
        sign::verify(&self.verifying, purpose, message, signature)
    }
}

impl Recipient for StationPublic {
    fn exchange_key(&self) -> &PublicKey {
        &self.exchange
    }
}

impl fmt::Debug for StationSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StationSecret({})", self.public.fingerprint())
    }
}

impl fmt::Debug for StationPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StationPublic({})", self.fingerprint())
    }
}
