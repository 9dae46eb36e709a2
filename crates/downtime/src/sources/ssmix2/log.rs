//! トランザクションストレージ: who is named in what was written since the last reading.
//!
//! The layout of a record is not published in what could be read, and products differ. So no record is taken apart: every word of the
//! new bytes that is the number of a known patient names that patient. That names some too many and is only ever a reason to look at
//! somebody again. Whatever is odd about the files is a [`Doubt`], and then everybody is looked at: the log can save work, and nothing
//! else. What it keeps silent about is `memory`'s to find.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use chart::PatientId;
use minicbor::{Decode, Encode};
use sha2::{Digest, Sha256};

use super::walk;

/// Most bytes of one reading; beyond it looking at everybody is quicker.
const MAX_BYTES: u64 = 2 << 30;
/// Most files of one root that are considered.
const MAX_FILES: usize = 100_000;
/// Read again before the place where the last reading ended: the last record may have been half written then.
const OVERLAP: u64 = 64 << 10;
/// Bytes before that place that must be what they were.
const TAIL: u64 = 4 << 10;
/// Bytes read at once.
const CHUNK: usize = 1 << 20;
/// Longest word that is looked up.
const MAX_WORD: usize = PatientId::MAX;

/// How far a root of the log was read.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Position {
    /// The root, as configured.
    #[n(0)]
    root: String,
    /// `YYYY/TR_….DAT` below it.
    #[n(1)]
    file: String,
    /// Bytes read of it.
    #[n(2)]
    offset: u64,
    /// Of the bytes before that.
    #[n(3)]
    #[cbor(with = "minicbor::bytes")]
    tail: [u8; 32],
}

/// Why the log does not say who changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// It was not read before.
    First,
    /// A root is not there, or holds no log.
    Missing,
    /// A file cannot be read.
    Unreadable,
    /// The file in which the last reading ended is gone.
    Rotated,
    /// It is shorter than it was.
    Truncated,
    /// Its bytes are not what they were.
    Rewritten,
    /// Nothing was written since: a quiet hour, or a log that nobody writes any more.
    NothingNew,
    /// Something was written, and it names nobody of this storage.
    NamesNobody,
    /// More was written than is worth reading.
    TooMuch,
}

impl Doubt {
    /// What people are told; `None` for what is usual.
    #[must_use]
    pub const fn words(self) -> Option<&'static str> {
        Some(match self {
            Self::First | Self::NothingNew => return None,
            Self::Missing => "見つかりません",
            Self::Unreadable => "読めないファイルがあります",
            Self::Rotated => "前回読んだファイルがなくなっています",
            Self::Truncated => "前回より短くなっています",
            Self::Rewritten => "前回読んだところが書き換わっています",
            Self::NamesNobody => "この置き場の患者番号が1つも出てきません（書式が違うのかもしれません）",
            Self::TooMuch => "前回からの記録が多すぎます",
        })
    }
}

/// Every known number, so that a word can be looked up with or without its leading zeros.
pub struct Numbers<'a>(HashMap<&'a str, Vec<&'a PatientId>>);

impl<'a> Numbers<'a> {
    /// Of everybody in the storage.
    pub fn of(ids: impl Iterator<Item = &'a PatientId>) -> Self {
        let mut numbers: HashMap<&str, Vec<&PatientId>> = HashMap::new();
        for id in ids {
            numbers.entry(plain(id.as_str())).or_default().push(id);
        }
        Self(numbers)
    }

    fn name(&self, word: &[u8], named: &mut HashSet<PatientId>) {
        if word.is_empty() || word.len() > MAX_WORD {
            return;
        }
        let Ok(word) = std::str::from_utf8(word) else { return };
        for id in self.0.get(plain(word)).into_iter().flatten() {
            if !named.contains(*id) {
                named.insert((*id).clone());
            }
        }
    }
}

/// Without leading zeros, where it is all digits.
fn plain(number: &str) -> &str {
    if number.bytes().all(|b| b.is_ascii_digit()) {
        number.trim_start_matches('0')
    } else {
        number
    }
}

/// Reads what was written since. The positions are those to begin at next time, in doubt, too; none where they cannot be known.
pub fn read(
    roots: &[PathBuf],
    before: &[Position],
    numbers: &Numbers<'_>,
) -> (Vec<Position>, Result<HashSet<PatientId>, Doubt>) {
    let mut named = HashSet::new();
    let mut budget = MAX_BYTES;
    let (mut positions, mut doubt) = (Vec::new(), None);
    for root in roots {
        let word = root.to_string_lossy().into_owned();
        let known = before.iter().find(|position| position.root == word);
        match Files::list(root) {
            Err(why) => doubt = doubt.or(Some(why)),
            Ok(files) => {
                match known.map(|known| files.since(known, numbers, &mut named, &mut budget)) {
                    None => doubt = doubt.or(Some(Doubt::First)),
                    Some(Err(why)) => doubt = doubt.or(Some(why)),
                    Some(Ok(())) => {}
                }
                match files.end(word) {
                    Some(position) => positions.push(position),
                    None => doubt = doubt.or(Some(Doubt::Unreadable)),
                }
            }
        }
    }
    let named = match doubt {
        Some(doubt) => Err(doubt),
        None if named.is_empty() => Err(Doubt::NamesNobody),
        None => Ok(named),
    };
    (positions, named)
}

/// The files of one root with their lengths, in the order of their names: the names begin with the moment of their making.
struct Files<'a> {
    root: &'a Path,
    files: Vec<(String, u64)>,
}

impl<'a> Files<'a> {
    fn list(root: &'a Path) -> Result<Self, Doubt> {
        let mut files = Vec::new();
        for year in walk::list(root).map_err(|_| Doubt::Missing)?.folders {
            let Some(name) = year.name.to_str().filter(|name| is_year(name)) else {
                continue;
            };
            for file in walk::list(&year.path).map_err(|_| Doubt::Unreadable)?.files {
                let Some(file_name) = file.name.to_str().filter(|name| is_log(name)) else {
                    continue;
                };
                let length = fs::metadata(&file.path).map_err(|_| Doubt::Unreadable)?.len();
                files.push((format!("{name}/{file_name}"), length));
            }
        }
        if files.is_empty() {
            return Err(Doubt::Missing);
        }
        if files.len() > MAX_FILES {
            return Err(Doubt::TooMuch);
        }
        Ok(Self { root, files })
    }

    fn since(
        &self,
        known: &Position,
        numbers: &Numbers<'_>,
        named: &mut HashSet<PatientId>,
        budget: &mut u64,
    ) -> Result<(), Doubt> {
        let at = self
            .files
            .iter()
            .position(|(name, _)| *name == known.file)
            .ok_or(Doubt::Rotated)?;
        let new = self.files.get(at..).unwrap_or(&[]);
        let length = new.first().map_or(0, |(_, length)| *length);
        if length < known.offset {
            return Err(Doubt::Truncated);
        }
        if tail(&self.root.join(&known.file), known.offset).ok_or(Doubt::Unreadable)? != known.tail {
            return Err(Doubt::Rewritten);
        }
        let written: u64 = new.iter().map(|(_, length)| length).sum();
        if written <= known.offset {
            return Err(Doubt::NothingNew);
        }
        let mut fresh = HashSet::new();
        for (number, (name, length)) in new.iter().enumerate() {
            let from = if number == 0 { known.offset } else { 0 };
            let overlap = from.saturating_sub(OVERLAP);
            *budget = budget
                .checked_sub(length.saturating_sub(overlap))
                .ok_or(Doubt::TooMuch)?;
            let path = self.root.join(name);
            // What was read last time names people again, and does not show that the log is of use.
            scan(&path, overlap, from, numbers, named).ok_or(Doubt::Unreadable)?;
            scan(&path, from, *length, numbers, &mut fresh).ok_or(Doubt::Unreadable)?;
        }
        if fresh.is_empty() {
            return Err(Doubt::NamesNobody);
        }
        named.extend(fresh);
        Ok(())
    }

    fn end(&self, root: String) -> Option<Position> {
        let (file, offset) = self.files.last()?.clone();
        let tail = tail(&self.root.join(&file), offset)?;
        Some(Position {
            root,
            file,
            offset,
            tail,
        })
    }
}

fn is_year(name: &str) -> bool {
    name.len() == 4 && name.bytes().all(|b| b.is_ascii_digit())
}

fn is_log(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    name.starts_with("TR_") && name.ends_with(".DAT") && name.len() < 64
}

/// The bytes before a place, as a hash.
fn tail(path: &Path, offset: u64) -> Option<[u8; 32]> {
    let from = offset.saturating_sub(TAIL);
    let mut file = fs::File::open(path).ok()?;
    file.seek(SeekFrom::Start(from)).ok()?;
    let mut bytes = Vec::new();
    file.take(offset - from).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 == offset - from).then(|| Sha256::digest(&bytes).into())
}

/// Names everybody whose number is a word of these bytes; `None` when they are not all there.
fn scan(path: &Path, from: u64, to: u64, numbers: &Numbers<'_>, named: &mut HashSet<PatientId>) -> Option<()> {
    let mut file = fs::File::open(path).ok()?;
    file.seek(SeekFrom::Start(from)).ok()?;
    let mut file = file.take(to.saturating_sub(from));
    let mut buffer = vec![0; CHUNK];
    let (mut words, mut read_in_all) = (Words::default(), 0);
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => {
                read_in_all += read as u64;
                for byte in buffer.get(..read)? {
                    words.next(*byte, numbers, named);
                }
            }
            Err(fault) if fault.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
    words.end(numbers, named);
    (read_in_all == to.saturating_sub(from)).then_some(())
}

/// Words of letters and digits, and such words joined by `-`, as numbers may be. What belongs to an escape of ISO-2022-JP is in none.
#[derive(Default)]
struct Words {
    word: Vec<u8>,
    joined: Vec<u8>,
    escape: u8,
}

impl Words {
    fn next(&mut self, byte: u8, numbers: &Numbers<'_>, named: &mut HashSet<PatientId>) {
        if byte == 0x1B {
            self.end(numbers, named);
            self.escape = 2;
            return;
        }
        if self.escape > 0 {
            self.escape -= 1;
            // `ESC $ ( D` is one longer than the others.
            if self.escape == 0 && byte == b'(' {
                self.escape = 1;
            }
            return;
        }
        if byte.is_ascii_alphanumeric() {
            push(&mut self.word, byte);
            push(&mut self.joined, byte);
        } else if byte == b'-' {
            numbers.name(&self.word, named);
            self.word.clear();
            push(&mut self.joined, byte);
        } else {
            self.end(numbers, named);
        }
    }

    fn end(&mut self, numbers: &Numbers<'_>, named: &mut HashSet<PatientId>) {
        numbers.name(&self.word, named);
        if self.joined.len() != self.word.len() {
            numbers.name(&self.joined, named);
        }
        self.word.clear();
        self.joined.clear();
    }
}

/// Longer words are kept one too long, which no number is.
fn push(word: &mut Vec<u8>, byte: u8) {
    if word.len() <= MAX_WORD {
        word.push(byte);
    }
}
