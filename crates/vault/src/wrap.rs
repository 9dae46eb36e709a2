//! Wrapping bytes to an X25519 public key, so that sealing needs no secret at all.
//!
//! ```text
//! eph  = X25519 key pair, fresh
//! K    = HKDF-SHA256(ikm = DH(eph, recipient), salt = eph_public ‖ recipient_public, info = "TMB1/wrap")
//! wrap = eph_public(32) ‖ SealBox(K, context, bytes)
//! ```
//! The construction of RFC 9180 (HPKE base mode, DHKEM X25519) reduced to what is used here: both public keys enter
//! the derivation, an all-zero shared secret (a small-order public key) is refused, the context binds the place.
//!
//! It says nothing about who wrapped: the signature over the manifest or the record does.

use rand_core::CryptoRng;
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

use crate::context::Context;
use crate::keys::{Key32, Recipient, RecipientSecret};
use crate::sealbox::{self, CannotOpen};

const PUBLIC: usize = 32;

/// The recipient's public key is a weak point of the curve: anybody could open what is wrapped to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this public key is not usable (a weak point); nothing was wrapped to it; enrol its owner again")]
pub struct WeakKey;

/// Wraps `bytes` so that only the holder of the secret to `recipient` opens them, and only for `ctx`.
///
/// # Errors
/// [`WeakKey`] when the public key is a small-order point.
pub fn wrap(
    recipient: &impl Recipient,
    ctx: &Context,
    bytes: &[u8],
    rng: &mut (impl CryptoRng + ?Sized),
) -> Result<Vec<u8>, WeakKey> {
    let mut seed = Zeroizing::new([0; 32]);
    rng.fill_bytes(&mut *seed);
    let secret = StaticSecret::from(*seed);
    let ephemeral = PublicKey::from(&secret);
    let key = shared_key(&secret, recipient.exchange_key(), &ephemeral, recipient.exchange_key()).ok_or(WeakKey)?;
    let mut out = Vec::with_capacity(wrapped_len(bytes.len()));
    out.extend_from_slice(ephemeral.as_bytes());
    sealbox::seal_into(&key, ctx, bytes, rng, &mut out);
    Ok(out)
}

/// Opens what [`wrap`] made for this secret and context.
///
/// # Errors
/// [`CannotOpen`] on any difference whatsoever.
pub fn unwrap(secret: &impl RecipientSecret, ctx: &Context, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, CannotOpen> {
    let (ephemeral, sealed) = wrapped.split_first_chunk::<PUBLIC>().ok_or(CannotOpen)?;
    let ephemeral = PublicKey::from(*ephemeral);

    let key = shared_key(
        secret.exchange_secret(),
        &ephemeral,
        &ephemeral,
        secret.exchange_public(),
    )
    .ok_or(CannotOpen)?;
    sealbox::open(&key, ctx, sealed)
}

/// Length of the wrap around `plain` bytes.
#[must_use]
pub fn wrapped_len(plain: usize) -> usize {
    PUBLIC + sealbox::sealed_len(plain)
}

fn shared_key(secret: &StaticSecret, their: &PublicKey, ephemeral: &PublicKey, recipient: &PublicKey) -> Option<Key32> {
    let shared = secret.diffie_hellman(their);
    if !shared.was_contributory() {
        return None;
    }
    let mut salt = [0; 2 * PUBLIC];
    let (left, right) = salt.split_at_mut(PUBLIC);
    left.copy_from_slice(ephemeral.as_bytes());
    right.copy_from_slice(recipient.as_bytes());
    Some(Key32::from_bytes(*sealbox::derive::<32>(
        &salt,
        shared.as_bytes(),
        b"TMB1/wrap",
    )))
}
