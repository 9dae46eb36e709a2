//! The single-use code with which a new terminal is enrolled: typed once, proved without being sent, kept by nobody.
//!
//! ```text
//! typed   18 characters of Crockford base32 (90 random bits) ‖ 2 check characters, in groups of four
//! id      = HKDF(code, "TMB1/invite/id")      8 bytes, names the invitation on the line
//! prover  = Ed25519 from HKDF(code, "TMB1/invite/prove")     the hub keeps the public half only
//! vouch   = HMAC(HKDF(code, "TMB1/invite/vouch"), card)      made when the code is issued
//! ```
//! The terminal signs its request with the prover, so that nobody who listens can use what was sent, and nobody in between can put
//! another key into the request. The hub answers with the vouch that was made over its own card (name and keys) while the code was
//! still known: only who knew the code can have made it, so nobody can put other keys of a hub before the terminal either. What the
//! hub keeps (id, public half, vouch) lets nobody enrol and nobody pose as the hub.
//!
//! How long a code holds, how often it may be tried and who may issue one is deliberately not known here.

use std::fmt;

use ed25519_dalek::{SigningKey, VerifyingKey};
use rand_core::CryptoRng;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::codec_text::{from_base32, to_base32};
use crate::keys::KeyFault;
use crate::sealbox::derive;
use crate::sign::{self, BadSignature, Purpose, SIGNATURE_LEN};

pub use crate::codec_text::TextFault;

/// Characters of the typed form, check characters included, separators not.
pub const CODE_CHARS: usize = TYPED + 2;
/// Random bits of a code.
pub const CODE_BITS: usize = TYPED * 5;
/// Length of an invitation's name on the line.
pub const ID_LEN: usize = 8;

const TYPED: usize = 18;
const BYTES: usize = 12;

/// A code. Erased when dropped; never shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct InvitationCode(Zeroizing<[u8; BYTES]>);

/// Public half of a code's prover: all that the hub keeps to recognise a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Prover(VerifyingKey);

impl InvitationCode {
    /// A fresh random code.
    pub fn random(rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        let mut bytes = Zeroizing::new([0; BYTES]);
        rng.fill_bytes(&mut *bytes);
        // 96 bits drawn, 90 printed.
        if let Some(first) = bytes.first_mut() {
            *first &= 0b11;
        }
        Self(bytes)
    }

    /// The characters for people, in groups of four.
    #[must_use]
    pub fn to_typed(&self) -> Zeroizing<String> {
        to_base32(&*self.0, TYPED)
    }

    /// Reads what was typed.
    ///
    /// # Errors
    /// [`TextFault`]: what kind of mistake it is.
    pub fn from_typed(text: &str) -> Result<Self, TextFault> {
        from_base32(text, TYPED).map(Self)
    }

    /// The name of the invitation: says nothing about the code.
    #[must_use]
    pub fn id(&self) -> [u8; ID_LEN] {
        *derive(b"", &*self.0, b"TMB1/invite/id")
    }

    /// What the hub keeps.
    #[must_use]
    pub fn prover(&self) -> Prover {
        Prover(self.proving().verifying_key())
    }

    /// Proves over `message` that whoever sends it knows the code.
    #[must_use]
    pub fn prove(&self, message: &[u8]) -> [u8; SIGNATURE_LEN] {
        sign::sign(&self.proving(), Purpose::Enrolment, message)
    }

    /// Vouches for `card` as somebody who knows the code.
    #[must_use]
    pub fn vouch(&self, card: &[u8]) -> [u8; 32] {
        let key = derive::<32>(b"", &*self.0, b"TMB1/invite/vouch");
        *derive(&*key, card, b"TMB1/invite/card")
    }

    /// Whether `vouch` was made over `card` by somebody who knows the code.
    #[must_use]
    pub fn vouches(&self, card: &[u8], vouch: &[u8; 32]) -> bool {
        bool::from(self.vouch(card).ct_eq(vouch))
    }

    fn proving(&self) -> SigningKey {
        SigningKey::from_bytes(&derive(b"", &*self.0, b"TMB1/invite/prove"))
    }
}

impl Prover {
    /// The 32 bytes as they are written to files.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// Reads [`Self::to_bytes`].
    ///
    /// # Errors
    /// [`KeyFault::InvalidPublic`] when it is not a usable point.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyFault> {
        let key = VerifyingKey::from_bytes(bytes).ok().filter(|key| !key.is_weak());
        key.map(Self).ok_or(KeyFault::InvalidPublic)
    }

    /// Checks that `message` came from somebody who knows the code.
    ///
    /// # Errors
    /// [`BadSignature`] when it did not.
    pub fn verify(&self, message: &[u8], proof: &[u8; SIGNATURE_LEN]) -> Result<(), BadSignature> {
        sign::verify(&self.0, Purpose::Enrolment, message, proof)
    }
}

impl fmt::Debug for InvitationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InvitationCode(secret)")
    }
}

impl fmt::Debug for Prover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Prover(public)")
    }
}
