//! Typing that is not signed yet: kept on disk every few seconds, sealed, so that a crash costs seconds of typing.
//!
//! Drafts are not entries: they may be overwritten and thrown away. Two files per draft take turns, because a file that
//! is being overwritten protects nothing.

use std::collections::HashSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use chart::{Author, Moment, Subject};
use minicbor::{Decode, Encode};
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use vault::HospitalId;
use vault::context::Context;
use vault::files::Files;
use vault::keys::RoleSecret;

use crate::journal::NotSaved;

/// Text that somebody was typing about somebody.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Draft {
    /// Whose typing.
    #[n(0)]
    pub author: Author,
    /// About whom.
    #[n(1)]
    pub subject: Subject,
    /// Which form: `note`, `appointment` …
    #[n(2)]
    pub kind: String,
    /// The fields as typed: name and text.
    #[n(3)]
    pub fields: Vec<(String, String)>,
    /// When it was kept.
    #[n(4)]
    pub at: Moment,
    /// Grows with every keeping, so that the newer of two files is known whatever the clock says.
    #[n(5)]
    pub turn: u64,
}

/// Longest draft in bytes.
const MAX_DRAFT: usize = 64 << 10;

pub(super) struct Drafts {
    files: Arc<dyn Files>,
    dir: PathBuf,
    hospital: HospitalId,
    /// Stems of which a file may be there, so that signing without a draft costs no visit to the disk. `None` when the
    /// directory could not be listed at start: then every stem may be one.
    known: Option<Mutex<HashSet<String>>>,
}

impl Drafts {
    pub(super) fn new(files: Arc<dyn Files>, dir: PathBuf, hospital: HospitalId) -> Self {
        let known = match files.list(&dir) {
            Ok(names) => {
                let stems = names.iter().filter_map(|name| name.rsplit_once('.'));
                Some(Mutex::new(stems.map(|(stem, _)| stem.to_owned()).collect()))
            }
            Err(error) => {
                tracing::warn!(%error, "the kept drafts could not be listed");
                None
            }
        };
        Self {
            files,
            dir,
            hospital,
            known,
        }
    }

    /// Whether a draft may be kept here; `false` is certain.
    pub(super) fn may_hold(&self, author: &str, subject: &Subject, kind: &str) -> bool {
        self.knows(&Self::stem(author, subject, kind))
    }

    fn knows(&self, stem: &str) -> bool {
        let known = self.known.as_ref();
        known.is_none_or(|known| known.lock().unwrap_or_else(PoisonError::into_inner).contains(stem))
    }

    fn learn(&self, stem: &str) {
        if let Some(known) = &self.known {
            let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
            known.insert(stem.to_owned());
        }
    }

    fn forget(&self, stem: &str) {
        if let Some(known) = &self.known {
            known.lock().unwrap_or_else(PoisonError::into_inner).remove(stem);
        }
    }

    fn context(&self) -> Context {
        Context::new("draft", &self.hospital)
    }

    /// File stem: a hash of author, subject and kind, so that names say nothing.
    fn stem(author: &str, subject: &Subject, kind: &str) -> String {
        let digest: [u8; 32] = Sha256::new()
            .chain_update(author.as_bytes())
            .chain_update([0])
            .chain_update(subject.number().as_bytes())
            .chain_update([0])
            .chain_update(kind.as_bytes())
            .finalize()
            .into();
        digest.iter().take(12).map(|b| format!("{b:02x}")).collect()
    }

    pub(super) fn keep(
        &self,
        draft: &mut Draft,
        journal: &RoleSecret,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<(), NotSaved> {
        let failed = |e: &dyn std::fmt::Display| NotSaved(format!("下書きを書けませんでした（{e}）。"));
        let stem = Self::stem(&draft.author.user, &draft.subject, &draft.kind);
        let newest = self
            .read_both(&stem, journal)
            .into_iter()
            .map(|(side, d)| (d.turn, side))
            .max();
        let (turn, side) = newest.map_or((1, 0), |(turn, side)| (turn + 1, 1 - side));
        draft.turn = turn;
        let plain = minicbor::to_vec(&*draft).map_err(|e| failed(&e))?;
        if plain.len() > MAX_DRAFT {
            return Err(NotSaved(
                "下書きが長すぎます。署名して続きを新しい記録に書いてください。".to_owned(),
            ));
        }
        let sealed = vault::wrap::wrap(&journal.public(), &self.context(), &plain, rng).map_err(|e| failed(&e))?;
        let written = self.write(&self.dir.join(format!("{stem}.{side}")), &sealed);
        // Known only once the file is there: a discard in between must not make it unknown. A failed writing may have
        // left a file as well.
        self.learn(&stem);
        written.map_err(|e| failed(&e))
    }

    fn write(&self, path: &Path, sealed: &[u8]) -> std::io::Result<()> {
        self.files.create_dir(&self.dir)?;
        self.files.remove(path)?;
        let mut file = self.files.create_new(path)?;
        file.write_all(sealed)?;
        file.sync()?;
        self.files.sync_dir(&self.dir)
    }

    pub(super) fn read(&self, author: &str, subject: &Subject, kind: &str, journal: &RoleSecret) -> Option<Draft> {
        let stem = Self::stem(author, subject, kind);
        self.read_both(&stem, journal)
            .into_iter()
            .map(|(_, draft)| draft)
            .max_by_key(|d| d.turn)
    }

    pub(super) fn discard(&self, author: &str, subject: &Subject, kind: &str) {
        let stem = Self::stem(author, subject, kind);
        if !self.knows(&stem) {
            return;
        }
        // Forgotten first: whoever keeps a draft meanwhile makes it known again.
        self.forget(&stem);
        for side in 0..2 {
            let path = self.dir.join(format!("{stem}.{side}"));
            if let Err(error) = self.files.remove(&path) {
                tracing::warn!(%error, "a draft could not be removed");
                self.learn(&stem);
            }
        }
    }

    fn read_both(&self, stem: &str, journal: &RoleSecret) -> Vec<(u8, Draft)> {
        let mut out = Vec::new();
        if !self.knows(stem) {
            return out;
        }
        for side in 0..2_u8 {
            let path = self.dir.join(format!("{stem}.{side}"));
            let Ok(source) = self.files.open(&path) else { continue };
            let Ok(size) = source.size().map(|s| usize::try_from(s).unwrap_or(usize::MAX)) else {
                continue;
            };
            if size > MAX_DRAFT * 2 {
                continue;
            }
            let mut sealed = vec![0; size];
            if source.read_exact_at(0, &mut sealed).is_err() {
                continue;
            }
            // A half-written file does not open; the other one does.
            let plain = vault::wrap::unwrap(journal, &self.context(), &sealed).ok();
            if let Some(draft) = plain.and_then(|plain| minicbor::decode(&plain).ok()) {
                out.push((side, draft));
            }
        }
        out
    }
}
