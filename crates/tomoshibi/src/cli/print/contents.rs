//! What lies in a directory of packs: written beside the files, read again when they are to be destroyed.
//!
//! ```text
//! tomoshibi-pack-<epoch>-<HHMMSS>.json   one run: hospital, epoch, day, and every file with its length and SHA-256
//! ```
//! It names no patient. What is not listed is never touched.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

const PREFIX: &str = "tomoshibi-pack-";
/// Largest list accepted, in bytes: 20,000 sheets need 3 MB.
const MAX_LIST: u64 = 16 << 20;
/// Most files of one run.
const MAX_FILES: usize = 100_000;

/// One run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contents {
    /// 1
    pub format: u8,
    /// Identifier of the hospital, in hexadecimal.
    pub hospital: String,
    /// `paper` or `lifeboat`.
    pub kind: String,
    /// Number of the snapshot.
    pub epoch: u64,
    /// Its day.
    pub day: String,
    /// When the run was.
    pub made: String,
    /// Every file, relative to the list.
    pub files: Vec<Listed>,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listed {
    /// Path from the list's own directory, with `/`.
    pub name: String,
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
    /// Printed pages; 0 for what is not paper.
    pub pages: usize,
}

impl Listed {
    /// Describes what was written.
    #[must_use]
    pub fn of(name: String, bytes: &[u8], pages: usize) -> Self {
        Self {
            name,
            bytes: bytes.len() as u64,
            sha256: hex(&Sha256::digest(bytes)),
            pages,
        }
    }

    /// Where it lies; `None` for a name that leads out of the directory.
    #[must_use]
    pub fn path(&self, dir: &Path) -> Option<PathBuf> {
        let name = Path::new(&self.name);
        let inside = name.components().all(|part| matches!(part, Component::Normal(_)));
        (inside && !self.name.is_empty()).then(|| dir.join(name))
    }
}

/// Bytes in hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Contents {
    /// A mark for one run's files that no earlier run in this directory has: HHMMSS, or with a number behind it.
    #[must_use]
    pub fn mark(dir: &Path, epoch: u64, clock: &str) -> String {
        let free = |mark: &String| !dir.join(Self::name(epoch, mark)).exists();
        let numbered = (2..MAX_FILES).map(|n| format!("{clock}-{n}"));
        std::iter::once(clock.to_owned())
            .chain(numbered)
            .find(free)
            .unwrap_or_else(|| clock.to_owned())
    }

    /// Writes the list durably under its mark. Files that were overwritten leave the lists of earlier runs, so that each
    /// file is on one list.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write(&self, dir: &Path, mark: &str) -> Result<()> {
        let own = dir.join(Self::name(self.epoch, mark));
        crate::home::write_durably(&own, &serde_json::to_vec_pretty(self)?)?;
        let mine: BTreeSet<&str> = self.files.iter().map(|file| file.name.as_str()).collect();
        for (path, mut list) in Self::all(dir)? {
            let before = list.files.len();
            list.files.retain(|file| !mine.contains(file.name.as_str()));
            if list.files.len() < before && path != own {
                crate::home::write_durably(&path, &serde_json::to_vec_pretty(&list)?)?;
            }
        }
        Ok(())
    }

    fn name(epoch: u64, mark: &str) -> String {
        format!("{PREFIX}{epoch}-{mark}.json")
    }

    /// Every list in a directory, by name; one that cannot be read is an error, and nothing is destroyed on its word.
    ///
    /// # Errors
    /// When the directory or a list cannot be read.
    pub fn all(dir: &Path) -> Result<Vec<(PathBuf, Self)>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(dir).with_context(|| format!("{} を読めません", dir.display()))? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
            if name.starts_with(PREFIX) && name.ends_with(".json") {
                let list = Self::read(&path)
                    .with_context(|| format!("目録 {} を読めません。何も消していません", path.display()))?;
                found.push((path, list));
            }
        }
        found.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(found)
    }

    fn read(path: &Path) -> Result<Self> {
        let size = fs::symlink_metadata(path)?.len();
        if size > MAX_LIST {
            bail!("大きすぎます（{size} バイト）");
        }
        let list: Self = serde_json::from_slice(&fs::read(path)?)?;
        if list.format != 1 || list.files.len() > MAX_FILES {
            bail!("この版では読めない目録です（format {}）", list.format);
        }
        if let Some(outside) = list.files.iter().find(|file| file.path(Path::new("")).is_none()) {
            bail!("目録の外を指す名前があります: {}", outside.name);
        }
        Ok(list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_never_points_outside_its_directory() {
        for name in ["../x.pdf", "/etc/passwd", "a/../../x", "", "."] {
            let listed = Listed::of(name.to_owned(), b"", 0);
            assert_eq!(listed.path(Path::new("dir")), None, "{name:?}");
        }
        let inside = Listed::of("01/001_F13.pdf".to_owned(), b"abc", 2);
        assert_eq!(inside.path(Path::new("dir")), Some(PathBuf::from("dir/01/001_F13.pdf")));
        assert!(inside.sha256.starts_with("ba7816bf"), "FIPS 180-4, SHA-256 of abc");
    }
}
