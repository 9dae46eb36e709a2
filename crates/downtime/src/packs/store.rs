//! Where packs lie on a hub, what became of each, and their end.
//!
//! ```text
//! packs/<epoch>-<name>.pack   one pack            packs/<epoch>-<name>.<n>   its n-th release, in the clear
//! packs/<epoch>.made          what the making of a snapshot's packs came to
//! ```
//! Nothing is overwritten in place and nothing is renamed: a pack is written and synced under its own name, and one that a crash cut is
//! seen by its length. There is deliberately no patient in any name or record here.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chart::Moment;
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use vault::HospitalId;
use vault::files::{Files, Locked};

use super::file::{self, Head, Note, Pack, PackFault, Unsealed};
use super::{Made, PackId};
use crate::shelf::Opened;

/// Longest record read, in bytes.
const MAX_RECORD: u64 = 1 << 20;
/// Most releases of one pack that are counted.
const MAX_RELEASES: u32 = 1_000;

/// The packs of a station.
pub struct Store {
    files: Arc<dyn Files>,
    dir: PathBuf,
    hospital: HospitalId,
}

/// A person let pages out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// When.
    pub at: i64,
    /// 職員番号
    pub user: String,
    /// Their name.
    pub name: String,
    /// The printers' names, or `PDF`.
    pub to: String,
    /// Which parts, from 0.
    pub parts: Vec<usize>,
    /// Their pages.
    pub pages: u32,
    /// Printed before, and marked so.
    pub again: bool,
    /// These parts did not get out after all: what a release before it says of them does not hold.
    pub back: bool,
}

/// What became of a pack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Released {
    /// Parts that are out.
    pub out: BTreeSet<usize>,
    /// A record of a release does not open: everything may be out.
    pub unsure: bool,
    /// The last time pages got out.
    pub last: Option<Release>,
}

impl Released {
    /// Whether nothing has left.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.out.is_empty() && !self.unsure
    }

    /// Whether all of so many parts are, or may be, out.
    #[must_use]
    pub fn is_whole(&self, parts: usize) -> bool {
        self.unsure || (0..parts).all(|part| self.out.contains(&part))
    }
}

/// One snapshot's packs that are gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destroyed {
    /// Which snapshot's.
    pub epoch: u64,
    /// Packs that were overwritten and removed.
    pub packs: usize,
    /// Their bytes.
    pub bytes: u64,
    /// What could not be destroyed, with the reason.
    pub left: Vec<String>,
}

impl Store {
    /// The store in `data/packs/`.
    #[must_use]
    pub fn new(files: Arc<dyn Files>, data: &Path, hospital: HospitalId) -> Self {
        Self {
            files,
            dir: data.join("packs"),
            hospital,
        }
    }

    fn path(&self, epoch: u64, id: &PackId, end: &str) -> PathBuf {
        self.dir.join(format!("{epoch}-{}.{end}", id.as_str()))
    }

    /// Keeps other makers out, of this process or another, until it is dropped.
    ///
    /// # Errors
    /// `WouldBlock` while somebody makes packs, or what the device says.
    pub fn hold(&self) -> io::Result<Box<dyn Locked>> {
        self.files.create_dir(&self.dir)?;
        self.files.lock(&self.dir.join("lock"))
    }

    /// Every file by snapshot; names of others are passed over.
    fn by_epoch(&self) -> io::Result<BTreeMap<u64, Vec<String>>> {
        let mut all: BTreeMap<u64, Vec<String>> = BTreeMap::new();
        for name in self.files.list(&self.dir)? {
            let digits = name.find(['-', '.']).and_then(|end| name.get(..end));
            if let Some(epoch) = digits.and_then(|digits| digits.parse().ok()) {
                all.entry(epoch).or_default().push(name);
            }
        }
        Ok(all)
    }

    /// Names of the packs of each snapshot.
    ///
    /// # Errors
    /// What the device says.
    pub fn packs(&self) -> io::Result<BTreeMap<u64, Vec<PackId>>> {
        let id = |name: &String| PackId::parse(name.split_once('-')?.1.strip_suffix(".pack")?);
        let all = self.by_epoch()?.into_iter();
        Ok(all
            .map(|(epoch, names)| (epoch, names.iter().filter_map(id).collect()))
            .collect())
    }

    /// Opens a pack's head.
    ///
    /// # Errors
    /// [`PackFault`]; the snapshot can still be printed from.
    pub fn open(&self, epoch: u64, id: &PackId) -> Result<Pack, PackFault> {
        let pack = Pack::open(&*self.files, &self.path(epoch, id, "pack"), self.hospital)?;
        if pack.head.epoch == epoch && pack.head.id() == *id {
            Ok(pack)
        } else {
            Err(PackFault::Damaged("名前と中身が違います"))
        }
    }

    /// Makes a pack durable in the place of one that cannot be used.
    pub(super) fn write(
        &self,
        head: &Head,
        parts: &[Unsealed],
        notes: &[Note],
        opened: &Opened,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<(), PackFault> {
        let sealed = file::seal(head, parts, notes, &self.hospital, opened, rng)?;
        let path = self.path(head.epoch, &head.id(), "pack");
        let written = self.put(&path, &sealed);
        if written.is_err() {
            // Half a pack is no pack, and on a full disk its bytes are wanted.
            let _ = self.files.remove(&path);
        }
        written.map_err(PackFault::Write)
    }

    fn put(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.files.create_dir(&self.dir)?;
        self.files.remove(path)?;
        let mut file = self.files.create_new(path)?;
        file.write_all(bytes)?;
        file.sync()?;
        self.files.sync_dir(&self.dir)
    }

    fn record(&self, path: &Path) -> io::Result<Vec<u8>> {
        let source = self.files.open(path)?;
        let size = source.size()?.min(MAX_RECORD);
        let mut bytes = vec![0; usize::try_from(size).unwrap_or_default()];
        source.read_exact_at(0, &mut bytes)?;
        Ok(bytes)
    }

    /// What the making of a snapshot's packs came to; `None` while it has not ended, or never began.
    #[must_use]
    pub fn made(&self, epoch: u64) -> Option<Made> {
        let bytes = self.record(&self.dir.join(format!("{epoch}.made"))).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Writes down what it came to.
    pub(super) fn note_made(&self, made: &Made) -> Result<(), PackFault> {
        let bytes = serde_json::to_vec(made).map_err(|fault| PackFault::Make(fault.to_string()))?;
        self.put(&self.dir.join(format!("{}.made", made.epoch)), &bytes)
            .map_err(PackFault::Write)
    }

    /// What became of a pack. Nothing, where no record is.
    ///
    /// # Errors
    /// What the device says.
    pub fn released(&self, epoch: u64, id: &PackId) -> io::Result<Released> {
        let mut released = Released::default();
        for path in self.releases(epoch, id)? {
            let read = self.record(&path).ok();
            match read.and_then(|bytes| serde_json::from_slice::<Release>(&bytes).ok()) {
                Some(back) if back.back => back.parts.iter().for_each(|part| {
                    released.out.remove(part);
                }),
                Some(release) => {
                    released.out.extend(release.parts.iter().copied());
                    released.last = Some(release);
                }
                // Rather a mark too many on paper than one too few.
                None => released.unsure = true,
            }
        }
        Ok(released)
    }

    /// Records of releases, in their order.
    fn releases(&self, epoch: u64, id: &PackId) -> io::Result<Vec<PathBuf>> {
        let begin = format!("{epoch}-{}.", id.as_str());
        let names = self.files.list(&self.dir)?;
        let numbers = names
            .iter()
            .filter_map(|name| name.strip_prefix(&begin)?.parse::<u32>().ok());
        let numbers: BTreeSet<u32> = numbers.collect();
        Ok(numbers.iter().map(|n| self.path(epoch, id, &n.to_string())).collect())
    }

    /// Writes down that pages leave, or that they did not after all. Durable on return.
    ///
    /// # Errors
    /// [`PackFault::Write`]: nothing may leave.
    pub fn note_release(&self, epoch: u64, id: &PackId, release: &Release) -> Result<(), PackFault> {
        let bytes = serde_json::to_vec(release).map_err(|fault| PackFault::Make(fault.to_string()))?;
        let before = self.releases(epoch, id).map_err(PackFault::Write)?.len();
        let next = u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1);
        if next > MAX_RELEASES {
            return Err(PackFault::TooLarge("印刷の回数"));
        }
        self.put(&self.path(epoch, id, &next.to_string()), &bytes)
            .map_err(PackFault::Write)
    }

    /// Destroys the packs of every snapshot before this one; with `keep_last_whole`, but for the newest of them whose packs were all
    /// made. Packs are overwritten first. What stays is said.
    ///
    /// # Errors
    /// When the directory cannot be listed; nothing was destroyed then.
    pub fn destroy_before(&self, epoch: u64, keep_last_whole: bool) -> io::Result<Vec<Destroyed>> {
        let mut all = self.by_epoch()?;
        let older: Vec<u64> = all.keys().copied().filter(|one| *one < epoch).collect();
        let whole = |one: &&u64| self.made(**one).is_some_and(|made| made.is_whole());
        let kept = older.iter().rev().find(whole).copied().filter(|_| keep_last_whole);
        let mut gone = Vec::new();
        for one in older.into_iter().filter(|one| Some(*one) != kept) {
            let names = all.remove(&one).unwrap_or_default();
            gone.push(self.destroy(one, &names));
        }
        if !gone.is_empty() {
            self.files.sync_dir(&self.dir)?;
        }
        Ok(gone)
    }

    fn destroy(&self, epoch: u64, names: &[String]) -> Destroyed {
        let mut destroyed = Destroyed {
            epoch,
            packs: 0,
            bytes: 0,
            left: Vec::new(),
        };
        // Pages before the records that say what they were.
        let (packs, records): (Vec<&String>, Vec<&String>) = names.iter().partition(|name| name.ends_with(".pack"));
        for name in packs {
            let path = self.dir.join(name);
            let gone = self.files.open(&path).and_then(|source| {
                let size = source.size()?;
                self.files.erase(&path, 0, size)?;
                self.files.remove(&path)?;
                Ok(size)
            });
            match gone {
                Ok(size) => {
                    destroyed.packs += 1;
                    destroyed.bytes += size;
                }
                Err(error) => destroyed.left.push(format!("{name}: {error}")),
            }
        }
        for name in records {
            if let Err(error) = self.files.remove(&self.dir.join(name)) {
                destroyed.left.push(format!("{name}: {error}"));
            }
        }
        destroyed
    }

    /// A release that begins now.
    #[must_use]
    pub fn release_by(by: &chart::Author, at: Moment, to: &str, again: bool) -> Release {
        Release {
            at: at.0,
            user: by.user.clone(),
            name: by.name.clone(),
            to: to.to_owned(),
            parts: Vec::new(),
            pages: 0,
            again,
            back: false,
        }
    }
}
