//! The only symmetric primitive: ChaCha20-Poly1305 under a single-use derived key, with an explicit key commitment.
//!
//! ```text
//! salt = random(32)
//! ek(32) ‖ cm(32) = HKDF-SHA256(ikm = key, salt, info = context)
//! ct  = STREAM of 64 KiB chunks: AEAD(ek, nonce = be88(counter) ‖ last, aad = context for chunk 0, "" after)
//! box = suite(1) ‖ salt(32) ‖ cm(32) ‖ ct
//! ```
//! A short plaintext is a stream of one chunk, which is its last: were it sealed under nonce zero instead, the first
//! chunk of a longer stream, cut off, would pass for a whole box. Every `ek` seals one message, so counted nonces are
//! safe. ChaCha20-Poly1305 does not commit to its key, which would
//! allow partitioning-oracle attacks on password slots; `cm` is that commitment and is compared first, in constant
//! time. Primitives: RFC 8439, RFC 5869; STREAM after Hoang, Reyhanitabar, Rogaway and Vizár (2015).
//!
//! Records are sealed without salt and commitment, under keys that exist for one message (`seal_once_into`).
//!
//! There is deliberately one error value: whoever holds a box that does not open learns nothing about why.

use chacha20poly1305::aead::inout::InOutBuf;
use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{ChaCha20Poly1305, Nonce, Tag};
use hkdf::Hkdf;
use rand_core::CryptoRng;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::context::{Context, SUITE_1};
use crate::keys::Key32;

/// Plaintext bytes per STREAM chunk, and the longest plaintext sealed in one piece.
pub const CHUNK: usize = 64 * 1024;
/// Bytes a box of at most [`CHUNK`] plaintext bytes is longer than its plaintext.
pub const OVERHEAD: usize = HEADER + TAG;
/// Longest plaintext that can be sealed (2 GiB): a bound on what anyone is asked to hold in memory.
pub const MAX_PLAIN: usize = 1 << 31;

const SALT: usize = 32;
const COMMIT: usize = 32;
const HEADER: usize = 1 + SALT + COMMIT;
pub(crate) const TAG: usize = 16;

/// The box does not open: wrong key, wrong place, or changed bytes. Which of these is deliberately not said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "these sealed bytes cannot be opened here; nothing was read from them; the key is another one or the bytes were changed"
)]
pub struct CannotOpen;

/// Seals `plain` under `key` for the place `ctx`. The result is [`sealed_len`] bytes long.
pub fn seal(key: &Key32, ctx: &Context, plain: &[u8], rng: &mut (impl CryptoRng + ?Sized)) -> Vec<u8> {
    let mut out = Vec::with_capacity(sealed_len(plain.len()));
    seal_into(key, ctx, plain, rng, &mut out);
    out
}

/// As [`seal`], appending to `out`, for callers that seal many small things into one buffer.
pub fn seal_into(key: &Key32, ctx: &Context, plain: &[u8], rng: &mut (impl CryptoRng + ?Sized), out: &mut Vec<u8>) {
    let mut salt = [0; SALT];
    rng.fill_bytes(&mut salt);
    let derived = Derived::new(key, &salt, ctx);
    out.reserve(sealed_len(plain.len()));
    out.push(SUITE_1);
    out.extend_from_slice(&salt);
    out.extend_from_slice(&derived.commitment);
    seal_stream(&derived.cipher, ctx, plain, out);
}

/// Seals under a key that was made for this one message and is itself kept in a sealed and signed place (a record's key
/// in its index): no salt is needed, because the key is used once, and no commitment, because nobody can choose the key.
/// 16 bytes longer than `plain` per started [`CHUNK`], where a box is 81: it matters at 10,000 records of 700 bytes.
pub(crate) fn seal_once_into(key: Key32, ctx: &Context, plain: &[u8], out: &mut Vec<u8>) {
    let cipher = ChaCha20Poly1305::new(key.as_bytes().into());
    out.reserve(sealed_len(plain.len()) - HEADER);
    seal_stream(&cipher, ctx, plain, out);
}

/// Opens what [`seal_once_into`] made.
///
/// # Errors
/// [`CannotOpen`] on any difference whatsoever.
pub(crate) fn open_once(key: &Key32, ctx: &Context, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CannotOpen> {
    let plain_len = plain_len(sealed.len() + HEADER).ok_or(CannotOpen)?;
    open_stream(&ChaCha20Poly1305::new(key.as_bytes().into()), ctx, sealed, plain_len)
}

fn seal_stream(cipher: &ChaCha20Poly1305, ctx: &Context, plain: &[u8], out: &mut Vec<u8>) {
    if plain.is_empty() {
        seal_chunk(cipher, &stream_nonce(0, true), ctx.as_bytes(), plain, out);
    }
    let mut chunks = plain.chunks(CHUNK).enumerate().peekable();
    while let Some((counter, chunk)) = chunks.next() {
        let nonce = stream_nonce(counter, chunks.peek().is_none());
        seal_chunk(cipher, &nonce, stream_aad(counter, ctx), chunk, out);
    }
}

fn open_stream(
    cipher: &ChaCha20Poly1305,
    ctx: &Context,
    body: &[u8],
    plain_len: usize,
) -> Result<Zeroizing<Vec<u8>>, CannotOpen> {
    let mut plain = Zeroizing::new(Vec::with_capacity(plain_len));
    let mut chunks = body.chunks(CHUNK + TAG).enumerate().peekable();
    while let Some((counter, chunk)) = chunks.next() {
        let nonce = stream_nonce(counter, chunks.peek().is_none());
        open_chunk(cipher, &nonce, stream_aad(counter, ctx), chunk, &mut plain)?;
    }
    Ok(plain)
}

/// Opens a box made by [`seal`] with the same key and context.
///
/// # Errors
/// [`CannotOpen`] on any difference whatsoever.
pub fn open(key: &Key32, ctx: &Context, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CannotOpen> {
    let (header, body) = sealed.split_at_checked(HEADER).ok_or(CannotOpen)?;
    let (suite, rest) = header.split_first().ok_or(CannotOpen)?;
    let (salt, commitment) = rest.split_at_checked(SALT).ok_or(CannotOpen)?;
    if *suite != SUITE_1 {
        return Err(CannotOpen);
    }
    let derived = Derived::new(key, salt, ctx);
    if !bool::from(derived.commitment.as_slice().ct_eq(commitment)) {
        return Err(CannotOpen);
    }
    let plain_len = plain_len(sealed.len()).ok_or(CannotOpen)?;
    open_stream(&derived.cipher, ctx, body, plain_len)
}

/// Length of the box around `plain` bytes.
#[must_use]
pub fn sealed_len(plain: usize) -> usize {
    let chunks = plain.div_ceil(CHUNK).max(1);
    HEADER + plain + chunks * TAG
}

/// Length of the plaintext in a box of `sealed` bytes; `None` when no box has that length.
fn plain_len(sealed: usize) -> Option<usize> {
    let body = sealed.checked_sub(HEADER)?;
    let chunks = body.div_ceil(CHUNK + TAG).max(1);
    let plain = body.checked_sub(chunks.checked_mul(TAG)?)?;
    (plain <= MAX_PLAIN && sealed_len(plain) == sealed).then_some(plain)
}

/// The single-use cipher and the commitment to its key.
struct Derived {
    cipher: ChaCha20Poly1305,
    commitment: [u8; COMMIT],
}

impl Derived {
    fn new(key: &Key32, salt: &[u8], ctx: &Context) -> Self {
        let okm = derive::<64>(salt, key.as_bytes(), ctx.as_bytes());
        let (mut ek, mut commitment) = (Zeroizing::new([0; 32]), [0; COMMIT]);
        ek.iter_mut()
            .chain(commitment.iter_mut())
            .zip(okm.iter())
            .for_each(|(to, from)| *to = *from);
        Self {
            cipher: ChaCha20Poly1305::new((&*ek).into()),
            commitment,
        }
    }
}

/// HKDF-SHA-256 (RFC 5869) to `N` ≤ 8,160 bytes.
pub(crate) fn derive<const N: usize>(salt: &[u8], ikm: &[u8], info: &[u8]) -> Zeroizing<[u8; N]> {
    const { assert!(N <= 255 * 32, "HKDF-SHA-256 yields at most 255 blocks") };
    let mut okm = Zeroizing::new([0; N]);
    #[allow(clippy::expect_used)]
    Hkdf::<Sha256>::new(Some(salt), ikm)
        .expand(info, &mut *okm)
        // invariant: HKDF fails only for outputs longer than checked at compile time above.
        .expect("the output length was checked at compile time");
    okm
}

pub(crate) fn stream_nonce(counter: usize, last: bool) -> Nonce {
    let mut nonce = [0; 12];
    let (count, flag) = nonce.split_at_mut(11);
    count
        .iter_mut()
        .rev()
        .zip((counter as u64).to_le_bytes())
        .for_each(|(to, from)| *to = from);
    flag.fill(u8::from(last));
    nonce.into()
}

fn stream_aad(counter: usize, ctx: &Context) -> &[u8] {
    if counter == 0 { ctx.as_bytes() } else { b"" }
}

pub(crate) fn seal_chunk(cipher: &ChaCha20Poly1305, nonce: &Nonce, aad: &[u8], plain: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(plain);
    let buffer = InOutBuf::from(out.get_mut(start..).unwrap_or_default());
    #[allow(clippy::expect_used)]
    let tag = cipher
        .encrypt_inout_detached(nonce, aad, buffer)
        // invariant: the cipher refuses only more than 256 GiB, a chunk has 64 KiB.
        .expect("a chunk is far below the cipher's 256 GiB limit");
    out.extend_from_slice(&tag);
}

pub(crate) fn open_chunk(
    cipher: &ChaCha20Poly1305,
    nonce: &Nonce,
    aad: &[u8],
    sealed: &[u8],
    plain: &mut Vec<u8>,
) -> Result<(), CannotOpen> {
    let (body, tag) = sealed.split_last_chunk::<TAG>().ok_or(CannotOpen)?;
    let start = plain.len();
    plain.extend_from_slice(body);
    let buffer = InOutBuf::from(plain.get_mut(start..).unwrap_or_default());
    cipher
        .decrypt_inout_detached(nonce, aad, buffer, &Tag::from(*tag))
        .map_err(|_| CannotOpen)
}
