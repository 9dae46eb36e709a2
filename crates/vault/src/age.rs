//! Files of age v1 (age-encryption.org/v1, C2SP), sealed to X25519 recipients: backups that the public tool opens in twenty years.
//!
//! ```text
//! age-encryption.org/v1 ⏎ -> X25519 ephemeral ⏎ wrapped file key ⏎ … --- MAC ⏎ nonce(16) ‖ STREAM of 64 KiB chunks
//! ```
//! The stanza is the construction of [`crate::wrap`] and the stream that of [`crate::sealbox`], with age's own labels: nothing here is
//! a primitive that this crate does not use every day. Other kinds of recipients (passphrases, SSH keys, plug-ins) are skipped, and
//! text armour is not read. What lies inside is not known here.

use std::io::{self, Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use chacha20poly1305::ChaCha20Poly1305;
use hmac::{Hmac, KeyInit, Mac};
use rand_core::CryptoRng;
use sha2::Sha256;
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

use crate::keys::{Recipient, RecipientSecret};
use crate::sealbox::{CHUNK, TAG, derive, open_chunk, seal_chunk, stream_nonce};

mod text;

pub use text::{BadText, identity, read_identity, read_recipient, recipient};

const INTRO: &[u8] = b"age-encryption.org/v1\n";
const FILE_KEY: usize = 16;
const NONCE: usize = 16;
/// Longest header that is read: some hundred recipients.
const MAX_HEADER: usize = 64 << 10;
/// Most recipients written.
pub const MAX_RECIPIENTS: usize = 16;

/// Why an age file does not open.
#[derive(Debug, thiserror::Error)]
pub enum AgeFault {
    /// Not an age file, or its header is damaged.
    #[error("this is not an age file that this version can read; nothing was opened")]
    NotAge,
    /// Sealed to other keys.
    #[error("this key does not open the file; nothing was opened; use the key it was sealed to")]
    OtherKey,
    /// Changed, or cut off.
    #[error("the file was changed or is not whole; what was read of it must not be used")]
    Changed,
    /// A key that opens to anybody, or none or too many of them.
    #[error("the keys to seal to are not usable; nothing was written")]
    Recipients,
    /// The medium failed.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// An age file that is being written. It is whole only after [`Writer::finish`].
pub struct Writer<W: Write> {
    to: W,
    cipher: ChaCha20Poly1305,
    chunk: Zeroizing<Vec<u8>>,
    sealed: Vec<u8>,
    counter: usize,
}

impl<W: Write> Writer<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// [`AgeFault::Recipients`], [`AgeFault::Io`].
    pub fn new(
        mut to: W,
        recipients: &[&dyn Recipient],
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Self, AgeFault> {
        if recipients.is_empty() || recipients.len() > MAX_RECIPIENTS {
            return Err(AgeFault::Recipients);
        }
        let mut file_key = Zeroizing::new([0; FILE_KEY]);
        rng.fill_bytes(&mut *file_key);
        let mut header = INTRO.to_vec();
        for recipient in recipients {
            let mut seed = Zeroizing::new([0; 32]);
            rng.fill_bytes(&mut *seed);
            let secret = StaticSecret::from(*seed);
            let ephemeral = PublicKey::from(&secret);
            let key = wrap_key(&secret, recipient.exchange_key(), &ephemeral, recipient.exchange_key());
            let key = key.ok_or(AgeFault::Recipients)?;
            let mut wrapped = Vec::with_capacity(FILE_KEY + TAG);
            seal_chunk(&key, &[0; 12].into(), b"", &*file_key, &mut wrapped);
            let (ephemeral, wrapped) = (BASE64.encode(ephemeral.as_bytes()), BASE64.encode(wrapped));
            header.extend_from_slice(format!("-> X25519 {ephemeral}\n{wrapped}\n").as_bytes());
        }
        header.extend_from_slice(b"---");
        let mac = mac(&file_key, &header).finalize().into_bytes();
        header.extend_from_slice(format!(" {}\n", BASE64.encode(mac)).as_bytes());
        let mut nonce = [0; NONCE];
        rng.fill_bytes(&mut nonce);
        to.write_all(&header)?;
        to.write_all(&nonce)?;
        Ok(Self {
            to,
            cipher: payload_cipher(&file_key, &nonce),
            chunk: Zeroizing::new(Vec::with_capacity(CHUNK)),
            sealed: Vec::with_capacity(CHUNK + TAG),
            counter: 0,
        })
    }

    /// Seals what is left as the last chunk, and gives the writer back.
    ///
    /// # Errors
    /// What the medium says.
    pub fn finish(mut self) -> io::Result<W> {
        self.put(true)?;
        self.to.flush()?;
        Ok(self.to)
    }

    fn put(&mut self, last: bool) -> io::Result<()> {
        self.sealed.clear();
        let nonce = stream_nonce(self.counter, last);
        seal_chunk(&self.cipher, &nonce, b"", &self.chunk, &mut self.sealed);
        self.to.write_all(&self.sealed)?;
        self.counter += 1;
        self.chunk.clear();
        Ok(())
    }
}

impl<W: Write> Write for Writer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full chunk is kept until more comes: it may be the last one.
        if self.chunk.len() == CHUNK {
            self.put(false)?;
        }
        let room = CHUNK - self.chunk.len();
        let (now, _) = bytes.split_at(bytes.len().min(room));
        self.chunk.extend_from_slice(now);
        Ok(now.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// What lies in an age file. Bytes come out chunk by chunk, each checked; the end is believed only when it is the end.
pub struct Reader<R: Read> {
    from: R,
    cipher: ChaCha20Poly1305,
    plain: Zeroizing<Vec<u8>>,
    at: usize,
    /// Sealed bytes read ahead: whether a chunk is the last shows only when nothing follows.
    ahead: Vec<u8>,
    counter: usize,
    done: bool,
}

impl<R: Read> Reader<R> {
    /// Reads the header and opens it with a key.
    ///
    /// # Errors
    /// [`AgeFault`].
    pub fn open(mut from: R, secret: &impl RecipientSecret) -> Result<Self, AgeFault> {
        let header = read_header(&mut from)?;
        let file_key = find_key(&header, secret)?;
        let mut nonce = [0; NONCE];
        from.read_exact(&mut nonce).map_err(cut_off)?;
        Ok(Self {
            from,
            cipher: payload_cipher(&file_key, &nonce),
            plain: Zeroizing::new(Vec::with_capacity(CHUNK)),
            at: 0,
            ahead: Vec::with_capacity(2 * (CHUNK + TAG)),
            counter: 0,
            done: false,
        })
    }

    fn next(&mut self) -> Result<(), AgeFault> {
        const SEALED: usize = CHUNK + TAG;
        // One byte more than a chunk tells that it is not the last.
        let wanted = (SEALED + 1 - self.ahead.len()) as u64;
        (&mut self.from).take(wanted).read_to_end(&mut self.ahead)?;
        let last = self.ahead.len() <= SEALED;
        let rest = self.ahead.split_off(self.ahead.len().min(SEALED));
        self.plain.clear();
        self.at = 0;
        let nonce = stream_nonce(self.counter, last);
        open_chunk(&self.cipher, &nonce, b"", &self.ahead, &mut self.plain).map_err(|_| AgeFault::Changed)?;
        // Only the whole of an empty file may be an empty chunk.
        if last && self.plain.is_empty() && self.counter > 0 {
            return Err(AgeFault::Changed);
        }
        self.ahead = rest;
        self.counter += 1;
        self.done = last;
        Ok(())
    }
}

impl<R: Read> Read for Reader<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.at == self.plain.len() && !self.done {
            self.next().map_err(|fault| match fault {
                AgeFault::Io(error) => error,
                other => io::Error::new(io::ErrorKind::InvalidData, other),
            })?;
        }
        let rest = self.plain.get(self.at..).unwrap_or_default();
        let now = rest.len().min(buf.len());
        buf.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        self.at += now;
        Ok(now)
    }
}

/// Everything up to and with the MAC's line.
fn read_header(from: &mut impl Read) -> Result<Vec<u8>, AgeFault> {
    let mut header = Vec::new();
    let mut line = 0;
    loop {
        let mut byte = [0];
        from.read_exact(&mut byte).map_err(cut_off)?;
        header.extend_from_slice(&byte);
        let intro = header.iter().zip(INTRO).all(|(there, right)| there == right);
        if header.len() > MAX_HEADER || !intro {
            return Err(AgeFault::NotAge);
        }
        if byte == *b"\n" {
            if header.get(line..).is_some_and(|line| line.starts_with(b"---")) {
                return Ok(header);
            }
            line = header.len();
        }
    }
}

fn cut_off(error: io::Error) -> AgeFault {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => AgeFault::NotAge,
        _ => AgeFault::Io(error),
    }
}

/// The file key, where one of the stanzas opens with this secret and the MAC fits.
fn find_key(header: &[u8], secret: &impl RecipientSecret) -> Result<Zeroizing<[u8; FILE_KEY]>, AgeFault> {
    let text = std::str::from_utf8(header).map_err(|_| AgeFault::NotAge)?;
    let (signed, said) = text
        .strip_suffix('\n')
        .and_then(|text| text.rsplit_once(' '))
        .filter(|(signed, _)| signed.ends_with("\n---"))
        .ok_or(AgeFault::NotAge)?;
    let said = BASE64.decode(said).map_err(|_| AgeFault::NotAge)?;
    let mut lines = signed.lines().skip(1).peekable();
    while let Some(stanza) = lines.next() {
        let Some(stanza) = stanza.strip_prefix("-> ") else {
            break;
        };
        // A body ends with its first line that is shorter than 64 characters.
        let mut body = String::new();
        for line in lines.by_ref() {
            body.push_str(line);
            if line.len() < 64 {
                break;
            }
        }
        let Some(ephemeral) = stanza.strip_prefix("X25519 ") else {
            continue;
        };
        let Some(key) = open_stanza(ephemeral, &body, secret)? else {
            continue;
        };
        // A MAC is compared in constant time by its own library.
        let checked = mac(&key, signed.as_bytes()).verify_slice(&said);
        return checked.map(|()| key).map_err(|_| AgeFault::Changed);
    }
    Err(AgeFault::OtherKey)
}

/// `None` when the stanza is for somebody else.
fn open_stanza(
    ephemeral: &str,
    body: &str,
    secret: &impl RecipientSecret,
) -> Result<Option<Zeroizing<[u8; FILE_KEY]>>, AgeFault> {
    let decode = |text: &str| BASE64.decode(text).map_err(|_| AgeFault::NotAge);
    let ephemeral: [u8; 32] = decode(ephemeral)?.try_into().map_err(|_| AgeFault::NotAge)?;
    let body = decode(body)?;
    if body.len() != FILE_KEY + TAG {
        return Err(AgeFault::NotAge);
    }
    let ephemeral = PublicKey::from(ephemeral);
    let key = wrap_key(
        secret.exchange_secret(),
        &ephemeral,
        &ephemeral,
        secret.exchange_public(),
    );
    let key = key.ok_or(AgeFault::NotAge)?;
    let mut plain = Zeroizing::new(Vec::with_capacity(FILE_KEY));
    if open_chunk(&key, &[0; 12].into(), b"", &body, &mut plain).is_err() {
        return Ok(None);
    }
    let key: [u8; FILE_KEY] = plain.as_slice().try_into().map_err(|_| AgeFault::NotAge)?;
    Ok(Some(Zeroizing::new(key)))
}

/// `None` for a small-order point.
fn wrap_key(
    secret: &StaticSecret,
    their: &PublicKey,
    ephemeral: &PublicKey,
    recipient: &PublicKey,
) -> Option<ChaCha20Poly1305> {
    let shared = secret.diffie_hellman(their);
    if !shared.was_contributory() {
        return None;
    }
    let salt = [&ephemeral.as_bytes()[..], recipient.as_bytes()].concat();
    let key = derive::<32>(&salt, shared.as_bytes(), b"age-encryption.org/v1/X25519");
    Some(ChaCha20Poly1305::new((&*key).into()))
}

fn payload_cipher(file_key: &[u8; FILE_KEY], nonce: &[u8; NONCE]) -> ChaCha20Poly1305 {
    let key = derive::<32>(nonce, file_key, b"payload");
    ChaCha20Poly1305::new((&*key).into())
}

fn mac(file_key: &[u8; FILE_KEY], header: &[u8]) -> Hmac<Sha256> {
    let key = derive::<32>(b"", file_key, b"header");
    #[allow(clippy::expect_used)]
    // invariant: HMAC takes keys of any length.
    let mut mac = <Hmac<Sha256>>::new_from_slice(&*key).expect("HMAC takes keys of any length");
    mac.update(header);
    mac
}
