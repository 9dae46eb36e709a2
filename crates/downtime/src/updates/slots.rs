//! Two places for a program, A and B, and a small state in two copies that says which one is started.
//!
//! A new program goes into the place that is not in use, is read back and verified, then started on trial; only when it has come up
//! and stayed up does the state point to it for good. At every moment a power cut leaves the old program or the new one, never none:
//! where neither place is pointed to, the program that was installed by hand is started. Each copy of the state is written anew while
//! the other stands; no rename is relied on.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chart::Moment;
use sha2::{Digest, Sha256 as Hasher};
use vault::files::{Files, ReadAt};

use super::{MAX_FILE, MAX_SIGNED, ProgramVersion, Sha256, Signed, Trust, UpdateFault, sha256};

mod state;

pub use state::{Choice, Holding, MAX_TRIES, ProgramSlot, Refusal, SlotsState, Trial};

/// Largest state read, in bytes.
const MAX_STATE: u64 = 64 << 10;

const COPIES: [&str; 2] = ["state.a", "state.b"];
const RELEASE: &str = "release.signed";
const APPROVAL: &str = "approval.signed";
const PIECE: usize = 256 << 10;

/// `data/program/`: the two places and the state.
#[derive(Clone)]
pub struct ProgramSlots {
    files: Arc<dyn Files>,
    dir: PathBuf,
    program: &'static str,
}

impl ProgramSlots {
    /// The places under `dir`; `program` is the name of the file in each, such as `tomoshibi.exe`.
    ///
    /// # Errors
    /// [`UpdateFault::Disk`] when the directories cannot be made.
    pub fn open(files: Arc<dyn Files>, dir: &Path, program: &'static str) -> Result<Self, UpdateFault> {
        let slots = Self {
            files,
            dir: dir.to_path_buf(),
            program,
        };
        for slot in [ProgramSlot::A, ProgramSlot::B] {
            slots.files.create_dir(&slots.slot_dir(slot)).map_err(disk)?;
        }
        Ok(slots)
    }

    fn slot_dir(&self, slot: ProgramSlot) -> PathBuf {
        self.dir.join(slot.to_string())
    }

    /// Where the program of a place lies.
    #[must_use]
    pub fn program(&self, slot: ProgramSlot) -> PathBuf {
        self.slot_dir(slot).join(self.program)
    }

    /// The newest state that reads; none was written yet: nothing is held, and the installed program is started.
    ///
    /// # Errors
    /// [`UpdateFault::Disk`] when copies are there and none can be read.
    pub fn state(&self) -> Result<SlotsState, UpdateFault> {
        self.copies().map(|copies| {
            copies
                .into_iter()
                .flatten()
                .max_by_key(|state| state.serial)
                .unwrap_or_default()
        })
    }

    /// Both copies, `None` for one that is missing or torn.
    fn copies(&self) -> Result<[Option<SlotsState>; 2], UpdateFault> {
        let mut failed = None;
        let copies = COPIES.map(|name| match self.read(&self.dir.join(name), MAX_STATE) {
            Ok(bytes) => parse(&bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                failed = Some(error);
                None
            }
        });
        match failed {
            Some(error) if copies.iter().all(Option::is_none) => Err(disk(error)),
            _ => Ok(copies),
        }
    }

    /// Writes the state into the copy that is not the newest; the newest stands until this one is durable.
    fn change(&self, change: impl FnOnce(&mut SlotsState)) -> Result<SlotsState, UpdateFault> {
        let copies = self.copies()?;
        let serial = |copy: &Option<SlotsState>| copy.as_ref().map(|state| state.serial);
        let [a, b] = &copies;
        let (newest, name) = match (serial(a), serial(b)) {
            (a_serial, b_serial) if a_serial > b_serial => (a, COPIES[1]),
            _ => (b, COPIES[0]),
        };
        let mut state = newest.clone().unwrap_or_default();
        change(&mut state);
        state.serial = state.serial.saturating_add(1);
        self.replace(&self.dir, name, &mut to_bytes(&state).as_slice())
            .map_err(disk)?;
        Ok(state)
    }

    /// Writes a file anew, durably.
    fn replace(&self, dir: &Path, name: &str, from: &mut dyn Read) -> io::Result<()> {
        let path = dir.join(name);
        self.files.remove(&path)?;
        self.files.sync_dir(dir)?;
        let mut file = self.files.create_new(&path)?;
        let mut piece = vec![0; PIECE];
        let mut all = 0_u64;
        loop {
            let read = from.read(&mut piece)?;
            if read == 0 {
                break;
            }
            all += read as u64;
            if all > MAX_FILE {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            file.write_all(piece.get(..read).unwrap_or_default())?;
        }
        file.sync()?;
        self.files.sync_dir(dir)
    }

    fn read(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        let file = self.files.open(path)?;
        let size = file.size()?;
        if size > most {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let mut bytes = vec![0; usize::try_from(size).unwrap_or(0)];
        file.read_exact_at(0, &mut bytes)?;
        Ok(bytes)
    }

    /// Puts a program with its two documents into the free place, reads all of it back, and notes it as held. What was there before is
    /// given up first, in the state before on the disk.
    ///
    /// # Errors
    /// [`UpdateFault`], when a document or the program is not what it must be, or the disk refuses; then the place holds nothing.
    pub fn prepare(
        &self,
        documents: (&Signed, &Signed),
        program: &mut dyn Read,
        trust: &[Trust],
        platform: &str,
        now: Moment,
    ) -> Result<Holding, UpdateFault> {
        let state = self.state()?;
        let slot = state.free();
        if state.trial.is_some() {
            return Err(UpdateFault::Disk("使っています（試している版があります）".to_owned()));
        }
        let newest = trust.last().ok_or(UpdateFault::Unreadable("信頼する鍵の一覧"))?;
        let (release, _) = newest.accept(documents.0, documents.1)?;
        Trust::newer(release.version, state.highest)?;
        if now > release.expires_at {
            return Err(UpdateFault::Expired(release.version));
        }
        self.change(|state| state.hold(slot, None))?;
        self.write(slot, documents, program).map_err(disk)?;
        let holding = self.verify(slot, trust, platform)?;
        self.change(|state| state.hold(slot, Some(holding.clone())))?;
        Ok(holding)
    }

    fn write(&self, slot: ProgramSlot, documents: (&Signed, &Signed), program: &mut dyn Read) -> io::Result<()> {
        let dir = self.slot_dir(slot);
        self.replace(&dir, self.program, program)?;
        self.replace(&dir, RELEASE, &mut documents.0.to_bytes().as_slice())?;
        self.replace(&dir, APPROVAL, &mut documents.1.to_bytes().as_slice())
    }

    /// Reads a place and proves that it holds a program both kinds of keys let in, under one of these trusts.
    ///
    /// # Errors
    /// [`UpdateFault`], what is wrong with it.
    pub fn verify(&self, slot: ProgramSlot, trust: &[Trust], platform: &str) -> Result<Holding, UpdateFault> {
        let dir = self.slot_dir(slot);
        let document = |name: &str| {
            let bytes = self.read(&dir.join(name), MAX_SIGNED as u64).map_err(disk)?;
            Signed::from_bytes(&bytes)
        };
        let (release, approval) = (document(RELEASE)?, document(APPROVAL)?);
        let mut refused = UpdateFault::Unreadable("信頼する鍵の一覧");
        for trust in trust.iter().rev() {
            match trust.accept(&release, &approval) {
                Ok((accepted, _)) => {
                    let listed = accepted.file(platform)?;
                    let file = self.files.open(&self.program(slot)).map_err(disk)?;
                    if file.size().map_err(disk)? != listed.length {
                        return Err(UpdateFault::OtherFile("長さ"));
                    }
                    if hash_of(&*file).map_err(disk)? != listed.sha256 {
                        return Err(UpdateFault::OtherFile("ハッシュ"));
                    }
                    return Ok(Holding {
                        version: accepted.version,
                        release: sha256(&release.body),
                    });
                }
                Err(fault) => refused = fault,
            }
        }
        Err(refused)
    }

    /// Takes note of an approval, and refuses one that is older than what was seen for this release.
    ///
    /// # Errors
    /// [`UpdateFault::OlderApproval`], or the disk.
    pub fn saw(&self, release: &Sha256, revision: u32) -> Result<(), UpdateFault> {
        let state = self.state()?;
        match state.seen(release) {
            Some(seen) if revision < seen => Err(UpdateFault::OlderApproval),
            Some(seen) if revision == seen => Ok(()),
            _ => self.change(|state| state.see(release, revision)).map(drop),
        }
    }

    /// From the next start on, the program of this place runs on trial.
    ///
    /// # Errors
    /// The disk; then nothing has changed.
    pub fn try_out(&self, slot: ProgramSlot, running: ProgramVersion, now: Moment) -> Result<(), UpdateFault> {
        self.change(|state| {
            let version = state.holding(slot).map(|held| held.version);
            if let Some(version) = version
                && state.current != Some(slot)
            {
                state.highest = state.highest.max(version).max(running);
                state.trial = Some(Trial {
                    slot,
                    tries: 0,
                    since: now,
                });
            }
        })
        .map(drop)
    }

    /// A start of the program on trial is counted, before it is started.
    ///
    /// # Errors
    /// The disk; then it is not started.
    pub fn starting(&self) -> Result<(), UpdateFault> {
        self.change(|state| {
            if let Some(trial) = &mut state.trial {
                trial.tries = trial.tries.saturating_add(1);
            }
        })
        .map(drop)
    }

    /// The program on trial has come up and stayed up: from now on it is the one.
    ///
    /// # Errors
    /// The disk; then it is still on trial.
    pub fn proven(&self) -> Result<(), UpdateFault> {
        self.change(|state| {
            if let Some(trial) = state.trial.take() {
                state.current = Some(trial.slot);
            }
        })
        .map(drop)
    }

    /// The program on trial is given up: the one before it is started again, and this release is not taken a second time.
    ///
    /// # Errors
    /// The disk; then it is still on trial, and its starts are counted.
    pub fn went_back(&self, why: &str, now: Moment) -> Result<(), UpdateFault> {
        self.change(|state| {
            if let Some(trial) = state.trial.take()
                && let Some(held) = state.holding(trial.slot).cloned()
            {
                state.hold(trial.slot, None);
                state.refuse(&held, why, now, true);
            }
        })
        .map(drop)
    }

    /// A release that was found wrong before it ran is not taken a second time.
    ///
    /// # Errors
    /// The disk.
    pub fn refuse(&self, held: &Holding, why: &str, now: Moment) -> Result<(), UpdateFault> {
        self.change(|state| {
            let slot = state.free();
            if state.trial.is_none() && state.holding(slot) == Some(held) {
                state.hold(slot, None);
            }
            state.refuse(held, why, now, false);
        })
        .map(drop)
    }

    /// The program in use does not start any more: the installed one takes its place, and this release is not taken again.
    ///
    /// # Errors
    /// The disk.
    pub fn fall_back(&self, why: &str, now: Moment) -> Result<(), UpdateFault> {
        self.change(|state| {
            if let Some(slot) = state.current.take()
                && let Some(held) = state.holding(slot).cloned()
            {
                state.hold(slot, None);
                state.refuse(&held, why, now, true);
            }
        })
        .map(drop)
    }
}

fn hash_of(file: &dyn ReadAt) -> io::Result<Sha256> {
    let (size, mut hasher, mut at) = (file.size()?, Hasher::new(), 0_u64);
    let mut piece = vec![0; PIECE];
    while at < size {
        let length = usize::try_from(size - at).unwrap_or(PIECE).min(PIECE);
        let part = piece.get_mut(..length).ok_or(io::ErrorKind::UnexpectedEof)?;
        file.read_exact_at(at, part)?;
        hasher.update(&*part);
        at += length as u64;
    }
    Ok(hasher.finalize().into())
}

fn disk(error: io::Error) -> UpdateFault {
    UpdateFault::Disk(format!("使えません（{error}）"))
}

fn to_bytes(state: &SlotsState) -> Vec<u8> {
    // invariant: writing into a vector does not fail.
    let mut bytes = minicbor::to_vec(state).unwrap_or_default();
    let hash = sha256(&bytes);
    bytes.extend_from_slice(&hash);
    bytes
}

fn parse(bytes: &[u8]) -> Option<SlotsState> {
    let (body, hash) = bytes.split_last_chunk::<32>()?;
    (sha256(body) == *hash).then(|| minicbor::decode(body).ok()).flatten()
}
