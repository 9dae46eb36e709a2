//! Keys that only open: a user's, a role's and the hospital's recovery key.
//!
//! The three are the same construction and different types on purpose.

use std::fmt;

use rand_core::CryptoRng;
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

use super::file::{Kind, read_secret_file, secret_file};
use super::{Fingerprint, KeyFault, Recipient, RecipientSecret, checked_exchange_key, random_seed};

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

exchange_pair!(
    /// A user's secret: opens the role keys wrapped to this user. Kept only inside password slots.
    UserSecret,
    /// A user's public key: roles are wrapped to it without the user being there.
    UserPublic,
    Kind::User
);

exchange_pair!(
    /// A role's long-lived secret: opens journal records of any day written for that role.
    RoleSecret,
    /// A role's public key: journals are written for it.
    RolePublic,
    Kind::Role
);

exchange_pair!(
    /// The hospital's recovery secret: opens every snapshot and every journal when nobody else can. Kept nowhere in
    /// one piece: inside ten boxes that three of five printed shares open (see [`crate::recovery`]).
    RecoverySecret,
    /// The recovery public key: snapshots and journals are sealed to it besides everybody else.
    RecoveryPublic,
    Kind::Recovery
);

impl RecoverySecret {
    /// The same secret as a reader of journals, which are written for roles.
    #[must_use]
    pub fn journal_reader(&self) -> RoleSecret {
        RoleSecret::from_seed(&self.to_seed())
    }
}

impl RecoveryPublic {
    /// The same key as a reader of journals; a journal's wraps are bound to another context than a snapshot's.
    #[must_use]
    pub fn journal_reader(&self) -> RolePublic {
        RolePublic(self.0)
    }
}
