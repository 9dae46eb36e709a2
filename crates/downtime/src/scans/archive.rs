//! Where scans are kept on a station: originals as they came, what became of each, packs' registers, people's decisions.
//!
//! ```text
//! scans/originals/<sha>  the file's own bytes        scans/files/<sha>    what became of its pages
//! scans/packs/<sha>      the register of a pack      scans/decided/<sha>  a decision
//! ```
//! Each is wrapped to the journal's readers and bound to its place. The name is the SHA-256 of what is inside (for `files`, of
//! the original), so nothing is ever overwritten by something else and a second taking-in finds the first. A file counts as
//! taken in when its entry in `files` opens: it is written last, after the original is on the disk. See docs/formats/scans.md.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use minicbor::{Decode, Encode};
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use vault::HospitalId;
use vault::context::Context;
use vault::files::Files;
use vault::keys::RoleSecret;

use super::{Decision, Pack, Scanned};

/// SHA-256 of a file's bytes.
pub type Sha = [u8; 32];

/// Largest original, in bytes, as `scan` accepts them.
pub const MAX_ORIGINAL: usize = 512 << 20;

/// Largest record of a file, a pack or a decision: previews of 2,000 unread pages.
const MAX_RECORD: usize = 1 << 30;

/// SHA-256 of bytes.
#[must_use]
pub fn sha_of(bytes: &[u8]) -> Sha {
    Sha256::digest(bytes).into()
}

/// Something could not be kept. What was kept before it is whole.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveFault {
    /// The disk.
    #[error(
        "スキャンの保管場所 {0} に書けません（{1}）。元のファイルはそのままです。空き容量を確認し、もう一度実行してください"
    )]
    Write(String, std::io::Error),
    /// The disk.
    #[error("スキャンの保管場所 {0} を読めません（{1}）。何も変えていません。ディスクを確認してください")]
    Read(String, std::io::Error),
    /// A record that cannot be made or sealed.
    #[error("スキャンの記録を作れません（{0}）。元のファイルはそのままです")]
    Seal(String),
}

/// The scans of one station, for somebody who reads its journal.
pub struct Archive {
    files: Arc<dyn Files>,
    dir: PathBuf,
    hospital: HospitalId,
    journal: Arc<RoleSecret>,
}

/// Everything that opens, and how many did not.
#[derive(Debug, Default)]
pub struct Contents {
    /// Files that were taken in.
    pub scanned: Vec<(Sha, Scanned)>,
    /// Registers of packs.
    pub packs: Vec<Pack>,
    /// Decisions, in the order they were taken.
    pub decisions: Vec<Decision>,
    /// Records that do not open here: half-written by a crash, or under a key that this person does not hold.
    pub closed: usize,
}

const ORIGINALS: &str = "originals";
const SCANNED: &str = "files";
const PACKS: &str = "packs";
const DECIDED: &str = "decided";

impl Archive {
    /// The archive in `data/scans/`.
    #[must_use]
    pub fn new(files: Arc<dyn Files>, data: &std::path::Path, hospital: HospitalId, journal: Arc<RoleSecret>) -> Self {
        Self {
            files,
            dir: data.join("scans"),
            hospital,
            journal,
        }
    }

    /// What became of a file; `None` when it was never taken in to its end.
    #[must_use]
    pub fn scanned(&self, file: &Sha) -> Option<Scanned> {
        minicbor::decode(&self.read(SCANNED, file, MAX_RECORD)?).ok()
    }

    /// The bytes of a file as it came.
    #[must_use]
    pub fn original(&self, file: &Sha) -> Option<Vec<u8>> {
        let bytes = self.read(ORIGINALS, file, MAX_ORIGINAL)?;
        (sha_of(&bytes) == *file).then_some(bytes)
    }

    /// Keeps an original. Kept already: nothing is written.
    ///
    /// # Errors
    /// [`ArchiveFault`] when it is not on the disk.
    pub fn keep_original(&self, bytes: &[u8], rng: &mut (impl CryptoRng + ?Sized)) -> Result<Sha, ArchiveFault> {
        let sha = sha_of(bytes);
        if self.original(&sha).is_none() {
            self.write(ORIGINALS, &sha, bytes, rng)?;
        }
        Ok(sha)
    }

    /// Keeps what became of a file: from here on it counts as taken in.
    ///
    /// # Errors
    /// [`ArchiveFault`] when it is not on the disk.
    pub fn keep_scanned(
        &self,
        file: &Sha,
        what: &Scanned,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<(), ArchiveFault> {
        self.write(SCANNED, file, &bytes_of(what)?, rng)
    }

    /// Keeps the register of a pack.
    ///
    /// # Errors
    /// [`ArchiveFault`] when it is not on the disk.
    pub fn keep_pack(&self, pack: &Pack, rng: &mut (impl CryptoRng + ?Sized)) -> Result<(), ArchiveFault> {
        let bytes = bytes_of(pack)?;
        self.write(PACKS, &sha_of(&bytes), &bytes, rng)
    }

    /// Keeps a decision.
    ///
    /// # Errors
    /// [`ArchiveFault`] when it is not on the disk.
    pub fn keep_decision(&self, decision: &Decision, rng: &mut (impl CryptoRng + ?Sized)) -> Result<(), ArchiveFault> {
        let bytes = bytes_of(decision)?;
        self.write(DECIDED, &sha_of(&bytes), &bytes, rng)
    }

    /// Everything that opens.
    ///
    /// # Errors
    /// [`ArchiveFault::Read`] when a directory cannot be listed: an empty answer would look like paper that never came back.
    pub fn contents(&self) -> Result<Contents, ArchiveFault> {
        let mut contents = Contents::default();
        self.each(SCANNED, &mut contents.closed, |sha, scanned| {
            contents.scanned.push((sha, scanned))
        })?;
        self.each(PACKS, &mut contents.closed, |_, pack| contents.packs.push(pack))?;
        self.each(DECIDED, &mut contents.closed, |_, decision| {
            contents.decisions.push(decision)
        })?;
        contents.scanned.sort_by_key(|(sha, scanned)| (scanned.at, *sha));
        contents.packs.sort_by_key(|pack| pack.at);
        contents.decisions.sort_by_key(|decision| decision.at);
        Ok(contents)
    }

    /// Names and sizes of all records, without opening one: the same listing means that nothing was added or filed anew.
    ///
    /// # Errors
    /// [`ArchiveFault::Read`] when a directory cannot be listed.
    pub fn listing(&self) -> Result<Vec<(String, u64)>, ArchiveFault> {
        let mut all = Vec::new();
        for kind in [SCANNED, PACKS, DECIDED] {
            let dir = self.dir.join(kind);
            let fault = |error| ArchiveFault::Read(dir.display().to_string(), error);
            for name in self.files.list(&dir).map_err(fault)? {
                let size = self.files.open(&dir.join(&name)).and_then(|file| file.size());
                all.push((format!("{kind}/{name}"), size.unwrap_or(0)));
            }
        }
        all.sort_unstable();
        Ok(all)
    }

    fn each<T: for<'b> Decode<'b, ()>>(
        &self,
        kind: &'static str,
        closed: &mut usize,
        mut take: impl FnMut(Sha, T),
    ) -> Result<(), ArchiveFault> {
        let dir = self.dir.join(kind);
        let names = self.files.list(&dir);
        let names = names.map_err(|error| ArchiveFault::Read(dir.display().to_string(), error))?;
        for name in names {
            let record = sha_named(&name).and_then(|sha| {
                let bytes = self.read(kind, &sha, MAX_RECORD)?;
                Some((sha, minicbor::decode(&bytes).ok()?))
            });
            match record {
                Some((sha, record)) => take(sha, record),
                None => *closed += 1,
            }
        }
        Ok(())
    }

    fn context(&self, kind: &'static str, sha: &Sha) -> Context {
        Context::new("scan", &self.hospital)
            .variable(kind.as_bytes())
            .fixed(sha)
    }

    fn read(&self, kind: &'static str, sha: &Sha, limit: usize) -> Option<Vec<u8>> {
        let source = self.files.open(&self.dir.join(kind).join(hex(sha))).ok()?;
        let size = usize::try_from(source.size().ok()?).ok()?;
        if size > vault::wrap::wrapped_len(limit) {
            return None;
        }
        let mut sealed = vec![0; size];
        source.read_exact_at(0, &mut sealed).ok()?;
        let plain = vault::wrap::unwrap(&*self.journal, &self.context(kind, sha), &sealed).ok()?;
        Some(plain.to_vec())
    }

    fn write(
        &self,
        kind: &'static str,
        sha: &Sha,
        plain: &[u8],
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<(), ArchiveFault> {
        let dir = self.dir.join(kind);
        let path = dir.join(hex(sha));
        let context = self.context(kind, sha);
        let sealed = vault::wrap::wrap(&self.journal.public(), &context, plain, rng);
        let sealed = sealed.map_err(|fault| ArchiveFault::Seal(fault.to_string()))?;
        let write = || -> std::io::Result<()> {
            self.files.create_dir(&dir)?;
            // Whatever a crash left under this name is half of the same bytes.
            self.files.remove(&path)?;
            let mut file = self.files.create_new(&path)?;
            file.write_all(&sealed)?;
            file.sync()?;
            self.files.sync_dir(&dir)
        };
        write().map_err(|error| ArchiveFault::Write(path.display().to_string(), error))
    }
}

fn bytes_of<T: Encode<()>>(record: &T) -> Result<Vec<u8>, ArchiveFault> {
    minicbor::to_vec(record).map_err(|fault| ArchiveFault::Seal(fault.to_string()))
}

fn hex(sha: &Sha) -> String {
    sha.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sha_named(name: &str) -> Option<Sha> {
    let mut sha = [0; 32];
    if name.len() != 64 || !name.is_ascii() {
        return None;
    }
    for (at, byte) in sha.iter_mut().enumerate() {
        *byte = u8::from_str_radix(name.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some(sha)
}
