//! What a backup holds, as one tar: sealed files as they are, rosters of public keys, the audit log, the configuration without secrets.
//!
//! Secret keys are never in it: a station that is lost is enrolled again, and the recovery key opens what was sealed. What can be made
//! again (packs for printing), what is only on its way (drafts, print queue, feeds) and what is not data (locks) is left out.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use downtime::stations::Stock;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use vault::files::Disk;

use super::parts::hex;
use crate::home::Home;

/// Files of `data/` that go in.
const FILES: [&str; 7] = [
    "roster.cbor",
    "trust.cbor",
    "recovery.boxes",
    "recovery.wraps",
    "recovery.boxes.old",
    "recovery.wraps.old",
    "extract-days.cbor",
];
/// Directories of `data/` that go in, whole.
const DIRECTORIES: [&str; 8] = [
    "shelf",
    "journal",
    "peers",
    "audit",
    "audit-tools",
    "audit-peers",
    "scans",
    "log",
];
/// Deepest directory looked into.
const DEEPEST: usize = 6;
/// Most files.
pub const MOST_FILES: usize = 200_000;
/// The list of files with their hashes, as `sha256sum -c` reads it; the last file of the tar.
pub const SUMS: &str = "SHA256SUMS";

/// What was counted before it was copied: a restore must find as much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Epoch of the snapshot in use; 0 without one.
    pub epoch: u64,
    /// Charts in it.
    pub charts: u64,
    /// Records in the journals, this station's and those of others.
    pub records: u64,
    /// Files in the tar.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// What was put in.
pub struct Listed {
    pub files: u64,
    pub bytes: u64,
}

/// Counts what must be found again.
pub fn counts(home: &Home) -> Result<Counts> {
    let stock = Stock::read(&Disk, &home.data, &home.roster, home.code)?;
    let state = home.shelf()?.current().map(|shelved| shelved.state());
    Ok(Counts {
        epoch: state.as_ref().map_or(0, |state| state.epoch),
        charts: state.as_ref().map_or(0, |state| state.charts + state.thin_charts),
        records: stock.count(),
        ..Counts::default()
    })
}

/// Writes the tar.
pub fn write<W: Write>(home: &Home, config_file: &Path, to: W) -> Result<(W, Listed)> {
    let mut files = Vec::new();
    for name in FILES {
        if home.data.join(name).is_file() {
            files.push((format!("data/{name}"), home.data.join(name)));
        }
    }
    for name in DIRECTORIES {
        walk(&home.data.join(name), &format!("data/{name}"), DEEPEST, &mut files)?;
    }
    if config_file.is_file() {
        files.push(("config/tomoshibi.toml".to_owned(), config_file.to_path_buf()));
    }
    let mut tar = tar::Builder::new(to);
    let (mut sums, mut bytes) = (String::new(), 0);
    for (name, path) in &files {
        let Some((len, sha256)) = add(&mut tar, name, path)? else {
            continue;
        };
        bytes += len;
        sums.push_str(&format!("{sha256}  {name}\n"));
    }
    let count = sums.lines().count() as u64;
    let mut header = header(sums.len() as u64);
    tar.append_data(&mut header, SUMS, sums.as_bytes())?;
    Ok((tar.into_inner()?, Listed { files: count, bytes }))
}

fn header(len: u64) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    header.set_size(len);
    header.set_mode(0o400);
    header.set_mtime(0);
    header
}

/// `None` for a file that went away meanwhile: an old snapshot makes room while a new one is installed.
fn add<W: Write>(tar: &mut tar::Builder<W>, name: &str, path: &Path) -> Result<Option<(u64, String)>> {
    let file = match fs::File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.with_context(|| format!("{} を読めません", path.display()))?,
    };
    // A journal may grow while it is copied: what was there at the beginning is what is copied.
    let len = file.metadata()?.len();
    let mut reader = Hashing {
        from: file.take(len),
        hash: Sha256::new(),
        read: 0,
    };
    tar.append_data(&mut header(len), name, &mut reader)
        .with_context(|| format!("{} を控えに入れられません", path.display()))?;
    if reader.read != len {
        bail!("{} が途中で短くなりました。もう一度実行してください", path.display());
    }
    Ok(Some((len, hex(&reader.hash.finalize()))))
}

struct Hashing<R> {
    from: R,
    hash: Sha256,
    read: u64,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buf)?;
        self.hash.update(buf.get(..read).unwrap_or_default());
        self.read += read as u64;
        Ok(read)
    }
}

/// Plain files below a directory, sorted; links are not followed and locks are no data.
fn walk(dir: &Path, name: &str, deepest: usize, files: &mut Vec<(String, PathBuf)>) -> Result<()> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other.with_context(|| format!("{} を読めません", dir.display()))?,
    };
    let mut entries: Vec<fs::DirEntry> = entries.collect::<Result<_, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let Ok(file) = entry.file_name().into_string() else {
            continue;
        };
        let (kind, inside) = (entry.file_type()?, format!("{name}/{file}"));
        if kind.is_dir() && deepest > 0 {
            walk(&entry.path(), &inside, deepest - 1, files)?;
        } else if kind.is_file() && file != "LOCK" {
            files.push((inside, entry.path()));
        }
        if files.len() > MOST_FILES {
            bail!("{} のファイルが多すぎます", dir.display());
        }
    }
    Ok(())
}
