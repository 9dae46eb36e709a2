//! What is remembered between two readings of a storage: that a patient's directories were seen as they are, and who lay in a bed then.
//!
//! The file holds no patient data and cannot be searched for any: each entry is eight bytes of SHA-256 over a number, the names and dates
//! (to the nanosecond) of its directories, and what was found. Whoever has the file without the storage has a count. It is only ever a
//! reason not to read again; lost, old, damaged or of another version it is no reason, and everything is read.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use chart::{Moment, PatientId};
use sha2::{Digest, Sha256};

/// `TSX2`, version 1.
const MAGIC: &[u8; 8] = b"TSX2\x01\0\0\0";
/// Most entries read: one per patient.
const MAX_TOKENS: usize = 2_000_000;
/// Everything is read again after this, whatever the dates say: some file servers do not date every change.
pub const WHOLE_SECONDS: i64 = 20 * 3_600;

/// One entry.
pub type Token = [u8; 8];

/// What was seen.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    tokens: HashSet<Token>,
    /// When everything was read last.
    whole: Option<Moment>,
}

/// An entry in the making.
#[derive(Clone)]
pub struct Print(Sha256);

impl Print {
    /// Adds names and dates.
    pub fn add(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    /// The entry for what was found.
    #[must_use]
    pub fn token(&self, found: &[u8]) -> Token {
        let mut hasher = self.0.clone();
        hasher.update(found);
        let hash = hasher.finalize();
        let mut token = [0; 8];
        token.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
        token
    }
}

impl Seen {
    /// Opens the file; nothing was seen when it is not there, damaged, from the future, or too old.
    #[must_use]
    pub fn open(path: &Path, now: Moment) -> Self {
        let Some(seen) = Self::read(path) else {
            return Self::default();
        };
        let age = seen.whole.map(|whole| now.0 - whole.0);
        if age.is_some_and(|age| (0..WHOLE_SECONDS).contains(&age)) {
            seen
        } else {
            Self::default()
        }
    }

    fn read(path: &Path) -> Option<Self> {
        let length = fs::metadata(path).ok()?.len();
        if length > (MAX_TOKENS * 8 + 64) as u64 {
            return None;
        }
        let bytes = fs::read(path).ok()?;
        let (body, check) = bytes.split_last_chunk::<32>()?;
        if Sha256::digest(body).as_slice() != check {
            return None;
        }
        let rest = body.strip_prefix(MAGIC)?;
        let (whole, tokens) = rest.split_first_chunk::<8>()?;
        let (tokens, odd) = tokens.as_chunks::<8>();
        odd.is_empty().then(|| Self {
            tokens: tokens.iter().copied().collect(),
            whole: Some(Moment(i64::from_le_bytes(*whole))),
        })
    }

    /// Begins an entry about a patient.
    #[must_use]
    pub fn print(&self, id: &PatientId) -> Print {
        let mut print = Print(Sha256::new());
        print.add(id.as_str().as_bytes());
        print
    }

    /// True when nothing is remembered: everything is to be read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// True when this was seen.
    #[must_use]
    pub fn has(&self, token: &Token) -> bool {
        self.tokens.contains(token)
    }

    /// Writes what is seen now, whole or not at all.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn keep(&self, path: &Path, tokens: &[Token], now: Moment) -> io::Result<()> {
        // Entries taken over do not make the last whole reading younger.
        let whole = if self.tokens.is_empty() {
            now
        } else {
            self.whole.unwrap_or(now)
        };
        let mut body = Vec::with_capacity(16 + tokens.len() * 8 + 32);
        body.extend_from_slice(MAGIC);
        body.extend_from_slice(&whole.0.to_le_bytes());
        for token in tokens.iter().take(MAX_TOKENS) {
            body.extend_from_slice(token);
        }
        let check = Sha256::digest(&body);
        body.extend_from_slice(&check);
        let beside = path.with_extension("new");
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let mut file = fs::File::create(&beside)?;
        file.write_all(&body)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_only_believed_when_it_is_whole_and_young() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.state");
        let now = Moment(1_800_000_000);
        let id = PatientId::parse("0001").unwrap();
        assert!(!Seen::open(&path, now).has(&[0; 8]));
        let mut print = Seen::default().print(&id);
        print.add(b"dates");
        Seen::default().keep(&path, &[print.token(b"in")], now).unwrap();
        let later = Moment(now.0 + 3_600);
        let seen = Seen::open(&path, later);
        assert!(seen.has(&print.token(b"in")) && !seen.has(&print.token(b"out")));
        seen.keep(&path, &[print.token(b"in")], later).unwrap();
        let too_late = Moment(now.0 + WHOLE_SECONDS);
        assert!(
            !Seen::open(&path, too_late).has(&print.token(b"in")),
            "taken over is not read anew"
        );
        assert!(
            !Seen::open(&path, Moment(now.0 - 1)).has(&print.token(b"in")),
            "from the future"
        );
        let mut bytes = fs::read(&path).unwrap();
        bytes[20] ^= 1;
        fs::write(&path, &bytes).unwrap();
        assert!(!Seen::open(&path, later).has(&print.token(b"in")));
    }
}
