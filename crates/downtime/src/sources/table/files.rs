//! Where an export's files lie: in a folder, or in memory, where another source puts what its questions were answered with.
//!
//! What is held in memory never touches the disk: patients' data are written down sealed or not at all.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use chart::Moment;

/// The files of one export.
#[derive(Debug, Clone)]
pub enum Files {
    /// A folder.
    Folder(PathBuf),
    /// Name → content, as CSV in UTF-8 with commas, `"` and a heading row.
    Held(Arc<BTreeMap<String, Held>>),
}

/// One file that is held in memory.
#[derive(Debug, Clone)]
pub struct Held {
    bytes: Bytes,
    /// When the EHR vouched for it.
    written: Moment,
    /// Why there is nothing, for people.
    fault: Option<String>,
    /// Why it ends before its end, for people.
    cut: Option<String>,
}

/// Where one file lies.
#[derive(Debug, Clone)]
pub enum Place {
    /// On disk.
    Disk(PathBuf),
    /// In memory.
    Held(Held),
}

/// What is known of a file without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outside {
    /// Bytes.
    pub size: u64,
    /// Time of change, whole seconds.
    pub modified: Option<Moment>,
    /// False for folders and devices.
    pub is_file: bool,
}

/// An opened file.
#[derive(Debug)]
pub enum Input {
    /// On disk.
    Disk(File),
    /// In memory.
    Held(Cursor<Bytes>),
}

/// Bytes that several readers share.
#[derive(Debug, Clone, Default)]
pub struct Bytes(Arc<Vec<u8>>);

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Held {
    /// A whole file.
    #[must_use]
    pub fn new(bytes: Vec<u8>, written: Moment) -> Self {
        Self {
            bytes: Bytes(Arc::new(bytes)),
            written,
            fault: None,
            cut: None,
        }
    }

    /// A file that ends before its end, and why.
    #[must_use]
    pub fn cut(bytes: Vec<u8>, written: Moment, why: String) -> Self {
        Self {
            cut: Some(why),
            ..Self::new(bytes, written)
        }
    }

    /// A file that could not be had, and why.
    #[must_use]
    pub fn missing(written: Moment, why: String) -> Self {
        Self {
            fault: Some(why),
            ..Self::new(Vec::new(), written)
        }
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.bytes.as_ref()
    }
}

impl Files {
    /// The names of the files, in order.
    ///
    /// # Errors
    /// What the system says when the folder cannot be listed.
    pub fn names(&self) -> std::io::Result<Vec<String>> {
        let Self::Folder(dir) = self else {
            return Ok(self
                .held()
                .map(|held| held.keys().cloned().collect())
                .unwrap_or_default());
        };
        let mut names = Vec::new();
        for entry in std::fs::read_dir(dir)?.take(MAX_LISTED) {
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// Where a file lies.
    ///
    /// # Errors
    /// Why there is none, where that is known already.
    pub fn place(&self, name: &str) -> Result<Place, String> {
        match self {
            Self::Folder(dir) => Ok(Place::Disk(dir.join(name))),
            Self::Held(held) => match held.get(name) {
                Some(Held { fault: Some(why), .. }) => Err(why.clone()),
                Some(held) => Ok(Place::Held(held.clone())),
                None => Err("見つかりません".to_owned()),
            },
        }
    }

    /// True where the files are ours, and so written as CSV in UTF-8 whatever the mapping says of the hospital's.
    #[must_use]
    pub const fn are_held(&self) -> bool {
        matches!(self, Self::Held(_))
    }

    fn held(&self) -> Option<&BTreeMap<String, Held>> {
        match self {
            Self::Folder(_) => None,
            Self::Held(held) => Some(held),
        }
    }
}

impl Place {
    /// Opens the file at its beginning.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(&self) -> std::io::Result<Input> {
        Ok(match self {
            Self::Disk(path) => Input::Disk(File::open(path)?),
            Self::Held(held) => Input::Held(Cursor::new(held.bytes.clone())),
        })
    }

    /// Looks at the file from outside.
    ///
    /// # Errors
    /// What the system says.
    pub fn outside(&self) -> std::io::Result<Outside> {
        match self {
            Self::Disk(path) => {
                let about = std::fs::metadata(path)?;
                let since = about.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
                Ok(Outside {
                    size: about.len(),
                    modified: since.and_then(|since| i64::try_from(since.as_secs()).ok()).map(Moment),
                    is_file: about.is_file(),
                })
            }
            Self::Held(held) => Ok(Outside {
                size: held.bytes().len() as u64,
                modified: Some(held.written),
                is_file: true,
            }),
        }
    }

    /// Why the file is known to end before its end.
    #[must_use]
    pub fn cut(&self) -> Option<&str> {
        match self {
            Self::Disk(_) => None,
            Self::Held(held) => held.cut.as_deref(),
        }
    }
}

impl Read for Input {
    fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Disk(file) => file.read(room),
            Self::Held(bytes) => bytes.read(room),
        }
    }
}

impl Seek for Input {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        match self {
            Self::Disk(file) => file.seek(to),
            Self::Held(bytes) => bytes.seek(to),
        }
    }
}

/// Most files of a folder that are looked at.
const MAX_LISTED: usize = 100_000;
