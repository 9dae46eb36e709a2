//! Secrets and the public keys that go with them, each its own type so that none is used in another's place.
//!
//! | secret | holds | used for |
//! |---|---|---|
//! | [`StationSecret`] | X25519 + Ed25519 | opening the outer lock of a snapshot; signing journal records |
//! | [`UserSecret`] | X25519 | opening the user's roles |
//! | [`RoleSecret`] | X25519, long-lived | opening journal records written for a role |
//! | [`SealerSecret`] | Ed25519 | signing manifests |
//!
//! Secrets are erased from memory when dropped and never appear in `Debug` output. A secret file is versioned bytes
//! with a check sum, so that damage is told apart from a wrong key; the caller stores it readable by its owner only.
//! Where secrets are kept (file, TPM, DPAPI) is deliberately not known here.

use std::fmt;

use ed25519_dalek::{SigningKey, VerifyingKey};
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

use crate::codec::{Malformed, Reader};
use crate::sign::{self, BadSignature, Purpose, SIGNATURE_LEN};

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

/// Writes an X25519-only secret and its public half.
macro_rules! exchange_pair {
    ($(#[$secret_doc:meta])* $secret:ident, $(#[$public_doc:meta])* $public:ident, $kind:expr) => {
        $(#[$secret_doc])*
        #[derive(Clone)]
        pub struct $secret {
            exchange: StaticSecret,
            public: $public,
        }

        $(#[$public_doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        pub struct $public(PublicKey);

        impl $secret {
            /// A fresh random secret.
            pub fn random(rng: &mut (impl CryptoRng + ?Sized)) -> Self {
                Self::from_seed(&random_seed(rng))
            }

            /// The secret with these 32 bytes.
            #[must_use]
            pub fn from_seed(seed: &[u8; 32]) -> Self {
                let exchange = StaticSecret::from(*seed);
                let public = $public(PublicKey::from(&exchange));
                Self { exchange, public }
            }

            /// The 32 secret bytes, for wrapping and slots.
            #[must_use]
            pub fn to_seed(&self) -> Zeroizing<[u8; 32]> {
                Zeroizing::new(self.exchange.to_bytes())
            }

            /// The public half.
            #[must_use]
            pub fn public(&self) -> $public {
                self.public
            }

            /// The bytes of a secret file (`docs/formats/keys.md`); store readable by the owner only.
            #[must_use]
            pub fn to_file_bytes(&self) -> Zeroizing<Vec<u8>> {
                secret_file($kind, &[&*self.to_seed()])
            }

            /// Reads a secret file.
            ///
            /// # Errors
            /// [`KeyFault`] when it is not one, is damaged, or holds another kind of key.
            pub fn from_file_bytes(bytes: &[u8]) -> Result<Self, KeyFault> {
                let [seed] = read_secret_file::<1>($kind, bytes)?;
                Ok(Self::from_seed(&seed))
            }
        }

        impl RecipientSecret for $secret {
            fn exchange_secret(&self) -> &StaticSecret {
                &self.exchange
            }
            fn exchange_public(&self) -> &PublicKey {
                &self.public.0
            }
        }

        impl fmt::Debug for $secret {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($secret), "({})"), self.public.fingerprint())
            }
        }

        impl $public {
            /// The 32 bytes as they are written to files.
            #[must_use]
            pub fn to_bytes(&self) -> [u8; 32] {
                self.0.to_bytes()
            }

            /// A public key from its bytes.
            ///
            /// # Errors
            /// [`KeyFault::InvalidPublic`] for a small-order point, which would open to anybody.
            pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyFault> {
                checked_exchange_key(bytes).map(Self)
            }

            /// The name people compare.
            #[must_use]
            pub fn fingerprint(&self) -> Fingerprint {
                Fingerprint::of(self.0.as_bytes())
            }
        }

        impl Recipient for $public {
            fn exchange_key(&self) -> &PublicKey {
                &self.0
            }
        }

        impl fmt::Debug for $public {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($public), "({})"), self.fingerprint())
            }
        }
    };
}

const KIND_STATION: u8 = 1;
const KIND_USER: u8 = 2;
const KIND_ROLE: u8 = 3;
const KIND_SEALER: u8 = 4;

exchange_pair!(
    /// A user's secret: opens the role keys wrapped to this user. Kept only inside password slots.
    UserSecret,
    /// A user's public key: roles are wrapped to it without the user being there.
    UserPublic,
    KIND_USER
);

exchange_pair!(
    /// A role's long-lived secret: opens journal records of any day written for that role.
    RoleSecret,
    /// A role's public key: journals are written for it.
    RolePublic,
    KIND_ROLE
);

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
        secret_file(KIND_STATION, &[&*exchange, self.signing.as_bytes()])
    }

    /// Reads a secret file.
    ///
    /// # Errors
    /// [`KeyFault`] when it is not one, is damaged, or holds another kind of key.
    pub fn from_file_bytes(bytes: &[u8]) -> Result<Self, KeyFault> {
        let [exchange, signing] = read_secret_file::<2>(KIND_STATION, bytes)?;
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
        secret_file(KIND_SEALER, &[self.signing.as_bytes()])
    }

    /// Reads a secret file.
    ///
    /// # Errors
    /// [`KeyFault`] when it is not one, is damaged, or holds another kind of key.
    pub fn from_file_bytes(bytes: &[u8]) -> Result<Self, KeyFault> {
        let [seed] = read_secret_file::<1>(KIND_SEALER, bytes)?;
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

/// `Debug` shows who, never the secret.
macro_rules! debug_by_fingerprint {
    ($($name:ident: $public:expr;)*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let public: fn(&$name) -> Fingerprint = $public;
                write!(f, concat!(stringify!($name), "({})"), public(self))
            }
        }
    )*};
}

debug_by_fingerprint! {
    StationSecret: |s| s.public.fingerprint();
    StationPublic: |p| p.fingerprint();
    SealerSecret: |s| s.public().fingerprint();
    SealerPublic: |p| p.fingerprint();
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

const FILE_MAGIC: &[u8; 8] = b"TMBKEY1\0";
const FILE_CHECK: usize = 8;

fn secret_file(kind: u8, seeds: &[&[u8; 32]]) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(128));
    out.extend_from_slice(FILE_MAGIC);
    out.extend_from_slice(&[kind, 0, 0, 0, 0, 0, 0, 0]);
    seeds.iter().for_each(|seed| out.extend_from_slice(*seed));
    let check = Sha256::digest(&*out);
    out.extend(check.iter().take(FILE_CHECK));
    out
}

fn read_secret_file<const N: usize>(kind: u8, bytes: &[u8]) -> Result<[Zeroizing<[u8; 32]>; N], KeyFault> {
    let malformed = |Malformed| KeyFault::NotAKeyFile;
    let mut reader = Reader::new(bytes);
    if reader.array().map_err(malformed)? != *FILE_MAGIC {
        return Err(KeyFault::NotAKeyFile);
    }
    let (body, check) = bytes.split_last_chunk::<FILE_CHECK>().ok_or(KeyFault::NotAKeyFile)?;
    if !Sha256::digest(body).starts_with(check) {
        return Err(KeyFault::Damaged);
    }
    let [found, reserved @ ..] = reader.array::<8>().map_err(malformed)?;
    if found != kind {
        return Err(KeyFault::OtherKind);
    }
    let mut seeds: [Zeroizing<[u8; 32]>; N] = std::array::from_fn(|_| Zeroizing::new([0; 32]));
    for seed in &mut seeds {
        **seed = reader.array().map_err(|Malformed| KeyFault::Damaged)?;
    }
    if reserved != [0; 7] || reader.rest().len() != FILE_CHECK {
        return Err(KeyFault::NotAKeyFile);
    }
    Ok(seeds)
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
