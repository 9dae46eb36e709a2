//! Files in memory that lose, tear and refuse what real disks lose, tear and refuse (feature `simfs`, for tests).
//!
//! The model: a file has what readers see (the page cache) and what is on the platter. A sync moves the first to the
//! second. A power cut keeps of every 512-byte sector written since the last sync either the old bytes, the new
//! ones, or rubbish; it keeps or forgets each directory entry that was not synced, in any order. A failed sync puts
//! some sectors on the platter and marks all of them clean, so they look written but never will be (what Linux does).
//! Killing the process loses nothing that was written, but what was not synced still hangs in the air.
//!
//! One seed gives one course of events.

mod handles;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::files::{DurableFile, Files, Locked, ReadAt};

use handles::{SimFile, SimLock, SimSource};

const SECTOR: usize = 512;

/// What goes wrong at an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The process dies in the middle of the operation; every later one fails until [`SimFs::restart`].
    Kill,
    /// The disk is full: a write is cut short and fails.
    Full,
    /// A write is cut short without an error.
    Short,
    /// The operation fails; a failed sync leaves some sectors on the platter and marks all of them clean.
    Fail,
}

/// How a life of the process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The process was killed; the machine runs on.
    Kill,
    /// The power went.
    PowerCut,
}

/// What went wrong so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accidents {
    /// Faults that an operation met, a full disk included.
    pub faults: u64,
    /// Syncs that failed.
    pub failed_syncs: u64,
    /// Writes refused or cut short because the disk was full.
    pub full: u64,
    /// Unsynced sectors that a power cut or a failed sync lost.
    pub lost_sectors: u64,
    /// Unsynced sectors that a power cut turned into rubbish.
    pub garbled_sectors: u64,
    /// Unsynced creations and removals that a power cut undid.
    pub lost_entries: u64,
}

/// A file system in memory. Clones share it; [`SimFs::fork`] copies it.
#[derive(Clone)]
pub struct SimFs {
    state: Arc<Mutex<State>>,
}

#[derive(Clone)]
struct State {
    dice: Dice,
    inodes: Vec<Inode>,
    visible: BTreeMap<PathBuf, usize>,
    durable: BTreeMap<PathBuf, usize>,
    locks: BTreeSet<PathBuf>,
    operations: u64,
    faults: BTreeMap<u64, Fault>,
    full_from: Option<u64>,
    dead: bool,
    life: u64,
    accidents: Accidents,
}

#[derive(Clone, Default)]
struct Inode {
    seen: Vec<u8>,
    platter: Vec<u8>,
    dirty: BTreeSet<usize>,
    unreadable: BTreeSet<usize>,
}

impl SimFs {
    /// An empty file system whose accidents follow from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let state = State {
            dice: Dice(seed),
            inodes: Vec::new(),
            visible: BTreeMap::new(),
            durable: BTreeMap::new(),
            locks: BTreeSet::new(),
            operations: 0,
            faults: BTreeMap::new(),
            full_from: None,
            dead: false,
            life: 0,
            accidents: Accidents::default(),
        };
        Self {
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// An independent copy whose further accidents follow from `seed`.
    #[must_use]
    pub fn fork(&self, seed: u64) -> Self {
        let mut state = self.state().clone();
        state.dice = Dice(seed);
        Self {
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// How many operations that change something there were so far.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// Lets the `n`th changing operation from now (0 is the next) go wrong.
    pub fn fault_in(&self, n: u64, fault: Fault) {
        let mut state = self.state();
        let at = state.operations + n;
        state.faults.insert(at, fault);
    }

    /// Fills the disk for good from the `n`th changing operation from now on.
    pub fn full_in(&self, n: u64) {
        let mut state = self.state();
        state.full_from = Some(state.operations + n);
    }

    /// Takes all pending faults back and gives space back.
    pub fn heal(&self) {
        let mut state = self.state();
        state.faults.clear();
        state.full_from = None;
    }

    /// Whether the process was killed by a fault.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.state().dead
    }

    /// What went wrong so far.
    #[must_use]
    pub fn accidents(&self) -> Accidents {
        self.state().accidents
    }

    /// Ends this life of the process and begins the next one. Pending faults are gone, locks are free.
    pub fn restart(&self, ending: Ending) {
        let mut state = self.state();
        if ending == Ending::PowerCut {
            state.power_cut();
        }
        state.dead = false;
        state.life += 1;
        state.locks.clear();
        state.faults.clear();
        state.full_from = None;
    }

    /// Changes the bytes of a file on the platter and in the cache: rot, or an attacker.
    pub fn tamper(&self, path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.state();
        if let Some(inode) = state
            .visible
            .get(path)
            .copied()
            .and_then(|inode| state.inodes.get_mut(inode))
        {
            change(&mut inode.seen);
            inode.platter.clone_from(&inode.seen);
        }
    }

    /// Makes the sector that holds `offset` unreadable.
    pub fn break_sector(&self, path: &Path, offset: usize) {
        let mut state = self.state();
        if let Some(inode) = state
            .visible
            .get(path)
            .copied()
            .and_then(|inode| state.inodes.get_mut(inode))
        {
            inode.unreadable.insert(offset / SECTOR);
        }
    }

    /// The bytes of a file as readers see them.
    #[must_use]
    pub fn bytes(&self, path: &Path) -> Option<Vec<u8>> {
        let state = self.state();
        state
            .visible
            .get(path)
            .and_then(|inode| state.inodes.get(*inode))
            .map(|inode| inode.seen.clone())
    }

    /// All files there are.
    #[must_use]
    pub fn paths(&self) -> Vec<PathBuf> {
        self.state().visible.keys().cloned().collect()
    }

    /// No program may write to a file of an earlier life; a mutant does, behind the last block begun.
    #[cfg(feature = "mutants")]
    fn again(&self, state: &mut State, inode: usize) -> io::Result<Box<dyn DurableFile>> {
        if !crate::journal::mutated(crate::journal::Mutant::AppendToOldSegment) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let life = state.life;
        if let Some(file) = state.inodes.get_mut(inode) {
            let len = file.seen.len().next_multiple_of(4096);
            file.seen.resize(len, 0);
        }
        let fs = self.clone();
        Ok(Box::new(SimFile { fs, inode, life }))
    }

    #[cfg(not(feature = "mutants"))]
    fn again(&self, _: &mut State, _: usize) -> io::Result<Box<dyn DurableFile>> {
        Err(io::ErrorKind::AlreadyExists.into())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Counts a changing operation and says what goes wrong with it.
    fn begin(&mut self) -> io::Result<Option<Fault>> {
        if self.dead {
            return Err(io::Error::other("the process is dead"));
        }
        let now = self.operations;
        self.operations += 1;
        let full = self.full_from.is_some_and(|from| now >= from).then_some(Fault::Full);
        let fault = self.faults.remove(&now).or(full);
        if fault == Some(Fault::Kill) {
            self.dead = true;
        }
        self.accidents.faults += u64::from(fault.is_some());
        self.accidents.full += u64::from(fault == Some(Fault::Full));
        Ok(fault)
    }

    /// For operations that either happen or do not.
    fn begin_whole(&mut self) -> io::Result<()> {
        match self.begin()? {
            Some(Fault::Kill) if self.dice.one_in(2) => Ok(()),
            Some(Fault::Kill) => Err(io::Error::other("the process is dead")),
            Some(Fault::Full) => Err(io::ErrorKind::StorageFull.into()),
            Some(Fault::Fail) => Err(io::Error::other("input/output error")),
            Some(Fault::Short) | None => Ok(()),
        }
    }

    fn power_cut(&mut self) {
        let Self {
            dice,
            inodes,
            visible,
            durable,
            accidents,
            ..
        } = self;
        let paths: BTreeSet<PathBuf> = visible.keys().chain(durable.keys()).cloned().collect();
        for path in paths {
            if visible.get(&path) == durable.get(&path) {
                continue;
            }
            if dice.one_in(2) {
                accidents.lost_entries += 1;
            } else {
                match visible.get(&path) {
                    Some(inode) => durable.insert(path, *inode),
                    None => durable.remove(&path),
                };
            }
        }
        visible.clone_from(durable);
        for inode in inodes {
            inode.settle(dice, true, accidents);
            inode.seen.clone_from(&inode.platter);
        }
    }
}

impl Inode {
    /// A good sync: dirty sectors reach the platter. Sectors a failed sync has marked clean do not.
    fn flush(&mut self) {
        self.platter.resize(self.seen.len(), 0);
        for sector in std::mem::take(&mut self.dirty) {
            let range = sector * SECTOR..((sector + 1) * SECTOR).min(self.seen.len());
            if let (Some(from), Some(to)) = (self.seen.get(range.clone()), self.platter.get_mut(range)) {
                to.copy_from_slice(from);
            }
        }
    }

    /// Puts a random choice of the dirty sectors onto the platter and forgets that they were dirty.
    fn settle(&mut self, dice: &mut Dice, may_garble: bool, accidents: &mut Accidents) {
        if self.dirty.is_empty() {
            return;
        }
        // Some accidents take all, some nothing, most something.
        let mood = dice.below(8);
        let grown = self.seen.len() > self.platter.len();
        if grown {
            let len = match mood {
                0 => self.seen.len(),
                1 => self.platter.len(),
                _ => self.platter.len() + dice.below((self.seen.len() - self.platter.len()) as u64 + 1) as usize,
            };
            self.platter.resize(len, 0);
        }
        for sector in std::mem::take(&mut self.dirty) {
            let range = sector * SECTOR..((sector + 1) * SECTOR).min(self.platter.len());
            let (Some(from), Some(to)) = (self.seen.get(range.clone()), self.platter.get_mut(range)) else {
                accidents.lost_sectors += 1;
                continue;
            };
            match (mood, dice.below(10)) {
                (0, _) | (2.., 0..5) => to.copy_from_slice(from),
                (2.., 5) if may_garble => {
                    accidents.garbled_sectors += 1;
                    dice.fill(to);
                }
                _ => accidents.lost_sectors += 1,
            }
        }
    }
}

impl Files for SimFs {
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn DurableFile>> {
        let mut state = self.state();
        state.begin_whole()?;
        if let Some(inode) = state.visible.get(path).copied() {
            return self.again(&mut state, inode);
        }
        state.inodes.push(Inode::default());
        let inode = state.inodes.len() - 1;
        state.visible.insert(path.to_path_buf(), inode);
        let life = state.life;
        Ok(Box::new(SimFile {
            fs: self.clone(),
            inode,
            life,
        }))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn ReadAt>> {
        let state = self.state();
        let inode = *state.visible.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(Arc::new(SimSource {
            fs: self.clone(),
            inode,
        }))
    }

    fn erase(&self, path: &Path, offset: u64, len: u64) -> io::Result<()> {
        let mut state = self.state();
        state.begin_whole()?;
        let inode = *state.visible.get(path).ok_or(io::ErrorKind::NotFound)?;
        let range = offset as usize..(offset + len) as usize;
        if let Some(inode) = state.inodes.get_mut(inode) {
            inode.seen.get_mut(range).ok_or(io::ErrorKind::UnexpectedEof)?.fill(0);
            inode.platter.clone_from(&inode.seen);
            inode.dirty.clear();
        }
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.begin_whole()?;
        state.visible.remove(path);
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let state = self.state();
        let names = state.visible.keys().filter(|path| path.parent() == Some(dir));
        Ok(names
            .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
            .collect())
    }

    fn create_dir(&self, _dir: &Path) -> io::Result<()> {
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.begin_whole()?;
        let State { visible, durable, .. } = &mut *state;
        durable.retain(|path, _| path.parent() != Some(dir));
        durable.extend(
            visible
                .iter()
                .filter(|(path, _)| path.parent() == Some(dir))
                .map(|(path, inode)| (path.clone(), *inode)),
        );
        Ok(())
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Locked>> {
        let mut state = self.state();
        if !state.locks.insert(path.to_path_buf()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(Box::new(SimLock {
            fs: self.clone(),
            path: path.to_path_buf(),
            life: state.life,
        }))
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): small, seedable, the same everywhere.
#[derive(Clone)]
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.chunks_mut(8).for_each(|chunk| {
            let word = self.next().to_le_bytes();
            chunk.iter_mut().zip(word).for_each(|(to, from)| *to = from);
        });
    }
}
