//! Where generations lie: a folder, a store that speaks S3, or a hub that is read from. Four verbs, and nothing is ever written again.
//!
//! Removing is for whoever keeps the copies (`keeping`), never for whoever makes them.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::s3::S3;

/// Most generations that a listing gives.
pub const MOST: usize = 10_000;

/// A place for generations.
pub enum Store {
    /// A folder: a disk, a stick, a share.
    Folder(PathBuf),
    /// A store that speaks S3.
    S3(Box<S3>),
    /// A hub's own generations, over the line; only read.
    Hub(Hub),
}

/// A hub that is read from.
pub struct Hub {
    agent: ureq::Agent,
    address: String,
}

/// Why a store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreFault {
    /// It is there already. Nothing was changed.
    #[error("{0} はもうあります。上書きしません")]
    Exists(String),
    /// It is not there.
    #[error("{0} がありません")]
    Missing(String),
    /// It is larger than it may be.
    #[error("{0} が大きすぎます")]
    TooLarge(String),
    /// The store refused.
    #[error("保管先が断りました: {0}")]
    Refused(String),
    /// The store cannot be reached, or the medium failed.
    #[error("保管先に届きません: {0}")]
    Unreachable(String),
}

impl Store {
    /// A folder.
    #[must_use]
    pub const fn folder(dir: PathBuf) -> Self {
        Self::Folder(dir)
    }

    /// A hub over the line.
    #[must_use]
    pub fn hub(address: &str, agent: ureq::Agent) -> Self {
        let address = address.trim_end_matches('/').to_owned();
        Self::Hub(Hub { agent, address })
    }

    /// A folder, or the store that a file describes.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub fn named(dir: Option<&Path>, file: Option<&Path>) -> Result<Self> {
        match (dir, file) {
            (Some(dir), None) => Ok(Self::folder(dir.to_path_buf())),
            (None, Some(file)) => Ok(Self::S3(Box::new(S3::of_file(file)?))),
            _ => bail!("保管先を一つ指定してください（フォルダか、--store のファイル）"),
        }
    }

    /// Puts a new file into a generation, durably. One that exists is left as it is.
    ///
    /// # Errors
    /// [`StoreFault`].
    pub fn put_new(&self, generation: &str, name: &str, bytes: &[u8]) -> Result<(), StoreFault> {
        checked(generation, name)?;
        match self {
            Self::Folder(dir) => put_file(&dir.join(generation), name, bytes),
            Self::S3(s3) => s3.put_new(&format!("{generation}/{name}"), bytes),
            Self::Hub(_) => Err(StoreFault::Refused("hub は読むだけです".to_owned())),
        }
    }

    /// Reads a file, at most so many bytes.
    ///
    /// # Errors
    /// [`StoreFault`].
    pub fn get(&self, generation: &str, name: &str, most: u64) -> Result<Vec<u8>, StoreFault> {
        checked(generation, name)?;
        match self {
            Self::Folder(dir) => get_file(&dir.join(generation).join(name), most),
            Self::S3(s3) => s3.get(&format!("{generation}/{name}"), most),
            Self::Hub(hub) => hub.get(&format!("/backup/{generation}/{name}"), most),
        }
    }

    /// Names of generations, sorted; whole or not.
    ///
    /// # Errors
    /// When it cannot be listed.
    pub fn list(&self) -> Result<Vec<String>> {
        let mut names = match self {
            Self::Folder(dir) => list_folder(dir)?,
            Self::S3(s3) => s3.list()?,
            Self::Hub(hub) => {
                let bytes = hub.get("/backup/list", super::MAX_SMALL)?;
                serde_json::from_slice(&bytes).context("hub の答えを読めません")?
            }
        };
        names.retain(|name| is_name(name));
        names.sort();
        names.truncate(MOST);
        Ok(names)
    }

    /// Removes a generation: the manifest first, so that half of one is none.
    ///
    /// # Errors
    /// When a file stays; a later try goes on.
    pub fn remove(&self, generation: &str, files: &[String]) -> Result<()> {
        for name in files {
            checked(generation, name)?;
            match self {
                Self::Folder(dir) => match fs::remove_file(dir.join(generation).join(name)) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
                    _ => {}
                },
                Self::S3(s3) => s3.remove(&format!("{generation}/{name}"))?,
                Self::Hub(_) => bail!("hub は読むだけです"),
            }
        }
        if let Self::Folder(dir) = self {
            fs::remove_dir(dir.join(generation)).context("世代のフォルダに、知らないファイルが残っています")?;
        }
        Ok(())
    }
}

/// Names of ours: letters, digits, points and hyphens, and never a way out of the folder.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    !name.is_empty() && name.len() <= 80 && !name.starts_with('.') && name.chars().all(good)
}

fn checked(generation: &str, name: &str) -> Result<(), StoreFault> {
    if is_name(generation) && is_name(name) {
        Ok(())
    } else {
        Err(StoreFault::Refused(format!("{generation}/{name}")))
    }
}

fn failed(error: &std::io::Error, what: &str) -> StoreFault {
    match error.kind() {
        std::io::ErrorKind::AlreadyExists => StoreFault::Exists(what.to_owned()),
        std::io::ErrorKind::NotFound => StoreFault::Missing(what.to_owned()),
        _ => StoreFault::Unreachable(format!("{what}: {error}")),
    }
}

fn put_file(dir: &Path, name: &str, bytes: &[u8]) -> Result<(), StoreFault> {
    let path = dir.join(name);
    let fault = |error: std::io::Error| failed(&error, &path.display().to_string());
    fs::create_dir_all(dir).map_err(fault)?;
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // Nobody writes it again by mistake, also not its owner.
        options.mode(0o440);
    }
    let mut file = options.open(&path).map_err(fault)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if let Err(error) = written {
        // What is half there is nobody's: the manifest never names it.
        drop(file);
        let _ = fs::remove_file(&path);
        return Err(failed(&error, &path.display().to_string()));
    }
    #[cfg(target_os = "linux")]
    {
        // Reading back asks the medium, where the system lets go of what it holds in memory.
        let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed);
    }
    for dir in [dir.parent().unwrap_or(dir), dir] {
        if let Ok(dir) = fs::File::open(dir) {
            // Not every system lets a directory be synced; the file itself is.
            let _ = dir.sync_all();
        }
    }
    Ok(())
}

fn get_file(path: &Path, most: u64) -> Result<Vec<u8>, StoreFault> {
    let what = path.display().to_string();
    let fault = |error: std::io::Error| failed(&error, &what);
    if !fs::symlink_metadata(path).map_err(fault)?.is_file() {
        return Err(StoreFault::Refused(format!("{what} はファイルではありません")));
    }
    let file = fs::File::open(path).map_err(fault)?;
    bounded(file, most, &what)
}

fn bounded(from: impl Read, most: u64, what: &str) -> Result<Vec<u8>, StoreFault> {
    let mut bytes = Vec::new();
    let read = from.take(most.saturating_add(1)).read_to_end(&mut bytes);
    read.map_err(|error| failed(&error, what))?;
    if bytes.len() as u64 > most {
        return Err(StoreFault::TooLarge(what.to_owned()));
    }
    Ok(bytes)
}

fn list_folder(dir: &Path) -> Result<Vec<String>> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.with_context(|| format!("{} を読めません", dir.display()))?,
    };
    let mut names = Vec::new();
    for entry in entries.take(MOST) {
        let entry = entry?;
        if let (true, Ok(name)) = (entry.file_type()?.is_dir(), entry.file_name().into_string()) {
            names.push(name);
        }
    }
    Ok(names)
}

impl Hub {
    fn get(&self, path: &str, most: u64) -> Result<Vec<u8>, StoreFault> {
        let answer = self.agent.get(format!("{}{path}", self.address)).call();
        let answer = answer.map_err(|error| match error {
            ureq::Error::StatusCode(404) => StoreFault::Missing(path.to_owned()),
            other => StoreFault::Unreachable(other.to_string()),
        })?;
        let body = answer.into_body().into_with_config().limit(u64::MAX).reader();
        bounded(body, most, path)
    }
}
