//! Sealing for a page that opens itself in a browser, with nothing of ours installed: what WebCrypto offers, no more.
//!
//! ```text
//! key       = PBKDF2-HMAC-SHA-256(password = the 20 characters of the passphrase, salt(32), iterations)     32 bytes
//! chunk n   = AES-256-GCM(key, nonce = 0(8) ‖ be32(n), aad = "tomoshibi-lifeboat-1" ‖ LF ‖ head ‖ LF ‖ n in decimal,
//!             raw DEFLATE of the plain bytes)
//! ```
//! `head` is one line of text that says hospital, epoch, department, number of chunks, salt and iterations: a chunk of
//! another file, at another place or under a changed head does not open. A key belongs to one file, and [`Sealing`] counts
//! its nonces itself, so none comes twice. RFC 8018 §5.2, NIST SP 800-38D, RFC 1951; the whole file:
//! `docs/formats/lifeboat.md`.
//!
//! Browsers have neither Argon2 nor ChaCha20, so this is the one place where both are missing
//! (`docs/decisions/0011-lifeboat.md`). What a chunk holds, and the page around it, are deliberately not known here.

use std::io::{Read, Write};

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::codec_text::{TextFault, from_base32, to_base32};
use crate::sealbox::CannotOpen;

/// Rounds of PBKDF2-HMAC-SHA-256: what OWASP's Password Storage Cheat Sheet asks for this function. Fewer are never read.
pub const ITERATIONS: u32 = 600_000;
/// Most rounds that are read: a damaged head must not keep a machine busy for hours.
pub const MAX_ITERATIONS: u32 = 10_000_000;
/// Length of a file's salt in bytes.
pub const SALT_LEN: usize = 32;
/// Longest plain chunk in bytes: a chart of the largest size in both languages is far below.
pub const MAX_PLAIN: usize = 16 << 20;
/// Random bits of a passphrase.
pub const PASSPHRASE_BITS: u32 = 90;
/// Characters of a passphrase without hyphens, two check characters included.
pub const PASSPHRASE_CHARS: usize = DATA_CHARS + 2;

const LABEL: &str = "tomoshibi-lifeboat-1";
const DATA_CHARS: usize = 18;
const BYTES: usize = 12;

/// What opens one file: 90 random bits, printed as five groups of four characters. It is on paper and nowhere else.
#[derive(Clone, PartialEq, Eq)]
pub struct Passphrase(Zeroizing<[u8; BYTES]>);

impl Passphrase {
    /// A fresh random one.
    pub fn random(rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        let mut bytes = Zeroizing::new([0; BYTES]);
        rng.fill_bytes(&mut *bytes);
        if let Some(first) = bytes.first_mut() {
            // 96 bits are drawn and 90 kept: what 18 characters hold.
            *first &= 0b11;
        }
        Self(bytes)
    }

    /// The characters for people, in groups of four, as `docs/formats/secret-text.md` writes secrets.
    #[must_use]
    pub fn to_typed(&self) -> Zeroizing<String> {
        to_base32(&*self.0, DATA_CHARS)
    }

    /// Reads what was typed.
    ///
    /// # Errors
    /// [`TextFault`]: what kind of mistake it is.
    pub fn from_typed(text: &str) -> Result<Self, TextFault> {
        from_base32(text, DATA_CHARS).map(Self)
    }

    /// The key of the file with this salt. Slow on purpose.
    ///
    /// # Errors
    /// [`CannotOpen`] when the rounds are outside [`ITERATIONS`]..=[`MAX_ITERATIONS`].
    pub fn key(&self, salt: &[u8; SALT_LEN], iterations: u32) -> Result<LifeboatKey, CannotOpen> {
        if !(ITERATIONS..=MAX_ITERATIONS).contains(&iterations) {
            return Err(CannotOpen);
        }
        let mut typed = self.to_typed();
        typed.retain(|letter| letter != '-');
        let mut key = Zeroizing::new([0; 32]);
        pbkdf2::pbkdf2_hmac::<sha2::Sha256>(typed.as_bytes(), salt, iterations, &mut *key);
        Ok(LifeboatKey(Aes256Gcm::new((&*key).into())))
    }
}

impl std::fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passphrase(secret)")
    }
}

/// Opens the chunks of one file.
pub struct LifeboatKey(Aes256Gcm);

impl LifeboatKey {
    /// Opens chunk `number` of the file with this head.
    ///
    /// # Errors
    /// [`CannotOpen`] on any difference whatsoever.
    pub fn open(&self, head: &str, number: u32, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CannotOpen> {
        let payload = Payload {
            msg: sealed,
            aad: &aad(head, number),
        };
        let packed = self.0.decrypt(&nonce(number), payload).map_err(|_| CannotOpen)?;
        let packed = Zeroizing::new(packed);
        let mut plain = Zeroizing::new(Vec::new());
        let mut reader = DeflateDecoder::new(packed.as_slice()).take(MAX_PLAIN as u64 + 1);
        reader.read_to_end(&mut plain).map_err(|_| CannotOpen)?;
        if plain.len() > MAX_PLAIN {
            Err(CannotOpen)
        } else {
            Ok(plain)
        }
    }
}

/// Seals the chunks of one file, one after the other.
pub struct Sealing {
    key: LifeboatKey,
    head: String,
    next: u32,
}

/// A chunk could not be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotSeal {
    /// More than [`MAX_PLAIN`] bytes.
    #[error("{0} bytes are more than one part of such a file may have; nothing was sealed")]
    TooLarge(usize),
    /// The cipher refused, or its numbers are used up.
    #[error("this part could not be sealed; the file is not usable")]
    Cipher,
}

impl Sealing {
    /// Begins a file. The key must be this file's own: fresh salt, fresh passphrase.
    #[must_use]
    pub const fn new(key: LifeboatKey, head: String) -> Self {
        Self { key, head, next: 0 }
    }

    /// Seals the next chunk.
    ///
    /// # Errors
    /// [`CannotSeal`]; the file is then given up.
    pub fn seal(&mut self, plain: &[u8]) -> Result<Vec<u8>, CannotSeal> {
        if plain.len() > MAX_PLAIN {
            return Err(CannotSeal::TooLarge(plain.len()));
        }
        let number = self.next;
        self.next = number.checked_add(1).ok_or(CannotSeal::Cipher)?;
        let mut packer = DeflateEncoder::new(Vec::new(), Compression::best());
        let packed = packer.write_all(plain).and_then(|()| packer.finish());
        let packed = Zeroizing::new(packed.map_err(|_| CannotSeal::Cipher)?);
        let payload = Payload {
            msg: &packed,
            aad: &aad(&self.head, number),
        };
        let sealed = self.key.0.encrypt(&nonce(number), payload);
        sealed.map_err(|_| CannotSeal::Cipher)
    }
}

fn nonce(number: u32) -> Nonce<aes_gcm::aead::consts::U12> {
    let mut nonce = [0; 12];
    if let Some(place) = nonce.last_chunk_mut::<4>() {
        *place = number.to_be_bytes();
    }
    nonce.into()
}

fn aad(head: &str, number: u32) -> Vec<u8> {
    format!("{LABEL}\n{head}\n{number}").into_bytes()
}
