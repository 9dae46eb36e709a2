//! The newest snapshot here that verifies, and what a signed-in person can open of it.
//!
//! A shelf reads; sealing and installing are `extract`'s. Opening reads trailer, manifest and the users' section; the
//! index is opened at sign-in, a patient only when somebody opens that patient.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};

use chart::{Chart, Moment, PatientId};
use rand_core::CryptoRng;
use vault::context::Context;
use vault::files::{Files, ReadAt};
use vault::keys::{SealerPublic, StationSecret};
use vault::shelf_slots::{BoxError, DestructionRecord, Identity, SlotName, Slots, SlotsFault, whole_snapshot};
use vault::slot::Credentials;
use vault::snapshot::{EpochKeys, Snapshot, StationUnlocked, UserEntry};
use vault::{CompartmentId, HospitalId, StationId};
use zeroize::Zeroizing;

use crate::extract::SnapshotStat;
use crate::identity::{EVERYBODY, Roster, SignInFault, Unlocked, UserRecord, unlock, user_id};
use crate::index::Index;
use crate::state::SnapshotState;

mod arrivals;
mod canaries;

pub use arrivals::{ArrivalFault, Pulled};

/// This station's shelf.
pub struct Shelf {
    files: Arc<dyn Files>,
    dir: PathBuf,
    slots: Slots,
    hospital: HospitalId,
    heard: RwLock<Option<arrivals::Heard>>,
    /// The latest moment a sealer vouched for, Unix seconds, and up to where that is on the disk.
    told: Arc<AtomicI64>,
    marked: AtomicI64,
    trusted: RwLock<Arc<Vec<SealerPublic>>>,
    station: StationId,
    secret: Arc<StationSecret>,
    current: RwLock<Option<Arc<Shelved>>>,
}

/// A snapshot with the outer lock open.
pub struct Shelved {
    identity: Identity,
    source: Arc<dyn ReadAt>,
    snapshot: Snapshot,
    outer: StationUnlocked,
    stat: SnapshotStat,
    roster: Roster,
    created: Moment,
    fresh_until: Moment,
    told: Arc<AtomicI64>,
    /// The index while anybody is signed in.
    index: RwLock<BTreeMap<CompartmentId, Weak<Index>>>,
}

/// What one signed-in person can open of one snapshot.
pub struct Opened {
    shelved: Arc<Shelved>,
    /// Nothing for who opens no chart.
    inner: Option<(vault::snapshot::Unlocked, CompartmentId)>,
    index: Arc<Index>,
}

/// Why there is no (newer) snapshot.
#[derive(Debug, thiserror::Error)]
pub enum ShelfFault {
    /// The slots cannot be read or written.
    #[error("封印済みデータの棚を読めません: {0}")]
    Slots(#[from] SlotsFault),
}

/// Why a chart could not be opened. The others stay open.
#[derive(Debug, thiserror::Error)]
pub enum OpenFault {
    /// That it was opened could not be written down.
    #[error("{0}")]
    NotAudited(String),
    /// Not in this snapshot.
    #[error("この患者は封印済みデータにありません")]
    Unknown,
    /// The record is damaged: a Finding, not the end.
    #[error("この患者の記録を開けません（{0}）。紙の資料か、ほかの端末で確かめてください")]
    Damaged(String),
}

impl Shelf {
    /// Opens the shelf under `dir` and looks for the newest snapshot that verifies.
    ///
    /// # Errors
    /// [`ShelfFault`] when the directory cannot be used; a shelf without a snapshot is not an error.
    pub fn open(
        files: Arc<dyn Files>,
        dir: &Path,
        (hospital, trusted): (HospitalId, Vec<SealerPublic>),
        station: StationId,
        secret: Arc<StationSecret>,
    ) -> Result<Self, ShelfFault> {
        let slots = Slots::open(Arc::clone(&files), dir)?;
        let told = slots.water().map_or(0, |water| water.told);
        let shelf = Self {
            files,
            dir: dir.to_path_buf(),
            slots,
            hospital,
            heard: RwLock::new(None),
            told: Arc::new(AtomicI64::new(told)),
            marked: AtomicI64::new(told),
            trusted: RwLock::new(Arc::new(trusted)),
            station,
            secret,
            current: RwLock::new(None),
        };
        shelf.refresh()?;
        Ok(shelf)
    }

    /// The slots, for sealing and receiving.
    #[must_use]
    pub const fn slots(&self) -> &Slots {
        &self.slots
    }

    /// From now on, snapshots of these sealers are accepted.
    pub(crate) fn trust(&self, sealers: Vec<SealerPublic>) {
        *self.trusted.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(sealers);
    }

    fn trusted(&self) -> Arc<Vec<SealerPublic>> {
        Arc::clone(&self.trusted.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The snapshot in use.
    #[must_use]
    pub fn current(&self) -> Option<Arc<Shelved>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks on disk for a newer one; true when the snapshot in use changed.
    ///
    /// # Errors
    /// [`ShelfFault`] when the directory cannot be read; the one in use stays in use.
    pub fn refresh(&self) -> Result<bool, ShelfFault> {
        let mut verify = |source: Arc<dyn ReadAt>| self.look(source);
        let found = self.slots.current(&mut verify)?;
        for (slot, error) in &found.refused {
            tracing::warn!(?slot, %error, "a snapshot on the shelf does not verify");
        }
        let Some(newest) = found.current else { return Ok(false) };
        if self.current().is_some_and(|c| c.identity == newest.identity) {
            return Ok(false);
        }
        self.use_now(newest.opened);
        Ok(true)
    }

    /// Takes a sealed snapshot from the hub or a peer: written to a free slot, read back whole, then in use. Gives also
    /// the old generation that was destroyed to make room, for the log.
    ///
    /// # Errors
    /// [`ShelfFault`]; the one in use stays in use.
    pub fn receive(&self, bytes: &mut dyn std::io::Read) -> Result<(Identity, Option<DestructionRecord>), ShelfFault> {
        let write = |out: &mut dyn std::io::Write| -> Result<(), BoxError> {
            std::io::copy(bytes, out)?;
            Ok(())
        };
        let mut verify = |source: Arc<dyn ReadAt>| -> Result<(Identity, Shelved), BoxError> {
            whole_snapshot(source.clone(), &self.trusted())?;
            self.look(source)
        };
        let installed = self.slots.install(write, &mut verify)?;
        let identity = installed.current.identity;
        self.use_now(installed.current.opened);
        Ok((identity, installed.destroyed))
    }

    /// Destroys every generation but the one in use and the `keep` newest others; gives what was destroyed, for the log.
    ///
    /// # Errors
    /// [`ShelfFault`] when a slot cannot be emptied.
    pub fn retire(&self, keep: usize) -> Result<Vec<DestructionRecord>, ShelfFault> {
        let mut verify = |source: Arc<dyn ReadAt>| self.look(source);
        let in_use = self.slots.current(&mut verify)?.current.map(|c| c.slot);
        let mut others: Vec<_> = self
            .slots
            .pointers()?
            .into_iter()
            .filter(|p| Some(p.slot) != in_use)
            .collect();
        others.sort_by_key(|p| std::cmp::Reverse(p.identity));
        let kept: Vec<SlotName> = others.iter().take(keep).map(|p| p.slot).collect();
        let mut destroyed = Vec::new();
        for slot in SlotName::ALL
            .into_iter()
            .filter(|s| Some(*s) != in_use && !kept.contains(s))
        {
            destroyed.extend(self.slots.destroy(slot, in_use)?);
        }
        Ok(destroyed)
    }

    fn look(&self, source: Arc<dyn ReadAt>) -> Result<(Identity, Shelved), BoxError> {
        let snapshot = Snapshot::open(Arc::clone(&source), &self.trusted())?;
        let manifest = snapshot.manifest();
        let (identity, created, fresh_until) = (
            Identity::from(manifest),
            Moment(manifest.created),
            Moment(manifest.fresh_until),
        );
        let stat = SnapshotStat::from_bytes(&snapshot.stat()?)?;
        let outer = snapshot.unlock_station(&self.station, &self.secret)?;
        let roster = Roster::from_bytes(outer.policy())?;
        Ok((
            identity,
            Shelved {
                identity,
                source,
                snapshot,
                outer,
                stat,
                roster,
                created,
                fresh_until,
                told: Arc::clone(&self.told),
                index: RwLock::default(),
            },
        ))
    }
}

impl Shelved {
    /// Which snapshot.
    #[must_use]
    pub const fn identity(&self) -> Identity {
        self.identity
    }

    /// Number of the sealing, counted over epochs and their deltas: no two snapshots of a hospital have the same, so papers and packs are
    /// numbered by it.
    #[must_use]
    pub const fn edition(&self) -> u64 {
        self.stat.edition_of(self.identity.epoch)
    }

    /// Hospital, stations, sealers: what every enrolled station may read.
    #[must_use]
    pub const fn roster(&self) -> &Roster {
        &self.roster
    }

    /// Counts and times.
    #[must_use]
    pub const fn stat(&self) -> &SnapshotStat {
        &self.stat
    }

    /// What screens say about the snapshot without anybody signed in.
    #[must_use]
    pub fn state(&self) -> SnapshotState {
        SnapshotState {
            epoch: self.edition(),
            sealed_at: self.created,
            fresh_until: self.fresh_until,
            told: self.created.max(Moment(self.told.load(Ordering::Relaxed))),
            day: self.stat.day.map(chart::date::iso).unwrap_or_default(),
            as_of: self.stat.as_of.clone(),
            charts: self.stat.charts,
            inpatients: self.stat.inpatients(),
            thin_charts: self.stat.thin_charts,
            findings: self.stat.findings,
            verified: true,
        }
    }

    /// Every section with its length in bytes, in file order.
    pub fn sections(&self) -> impl Iterator<Item = (vault::snapshot::SectionKind, u64)> + '_ {
        self.snapshot.manifest().sections.iter().map(|s| (s.kind, s.len))
    }

    /// Length of the sealed file in bytes, for passing it on.
    ///
    /// # Errors
    /// What the device says.
    pub fn size(&self) -> std::io::Result<u64> {
        self.source.size()
    }

    /// Bytes of the sealed file, for passing it on.
    ///
    /// # Errors
    /// What the device says.
    pub fn read_at(&self, offset: u64, length: usize) -> std::io::Result<Vec<u8>> {
        let mut piece = vec![0; length];
        self.source.read_exact_at(offset, &mut piece)?;
        Ok(piece)
    }

    /// Hashes every section against the manifest.
    pub fn verify_sections(&self, progress: &mut dyn FnMut(u64, u64)) -> vault::snapshot::SectionsChecked {
        self.snapshot.verify_sections(progress)
    }

    /// Opens a user's keys with what they brought. Slow on purpose (Argon2id), also for a number that nobody has: the time
    /// must not tell who works here.
    ///
    /// # Errors
    /// [`SignInFault`]; a wrong number, password or badge says the same.
    pub fn sign_in(
        self: &Arc<Self>,
        staff_number: &str,
        who: &Credentials<'_>,
    ) -> Result<(Unlocked, Opened), SignInFault> {
        let hospital = self.roster.hospital();
        let id = user_id(&hospital, staff_number.trim());
        let Some(user) = self.outer.user(&id) else {
            if let Some(somebody) = self.outer.users().first().and_then(|user| user.slots.first()) {
                somebody.pretend(who);
            }
            return Err(SignInFault::Refused);
        };
        let record = Self::record_of(user)?;
        let unlocked = unlock(&hospital, &record, &user.slots, who)?;
        let opened = self.open(&unlocked)?;
        Ok((unlocked, opened))
    }

    /// Opens this snapshot for somebody who is already signed in (after a newer one has arrived).
    ///
    /// # Errors
    /// [`SignInFault::Failed`] when the snapshot was not sealed for this user.
    pub fn open(self: &Arc<Self>, unlocked: &Unlocked) -> Result<Opened, SignInFault> {
        let failed = |text: String| SignInFault::Failed(text);
        let id = user_id(&self.roster.hospital(), &unlocked.author.user);
        let user = self.outer.user(&id).ok_or(SignInFault::Refused)?;
        if user.roles().next().is_none() {
            // No chart is theirs to open: not even the compression dictionary, which is made of charts.
            return Ok(Opened {
                shelved: Arc::clone(self),
                inner: None,
                index: Arc::default(),
            });
        }
        let inner = self
            .outer
            .unlock_user(&id, &unlocked.secret)
            .map_err(|e| failed(e.to_string()))?;
        // One compartment per scope, one scope per user (`identity::scope`).
        let access = inner.access().next().ok_or(SignInFault::Refused)?;
        let index = self.index(&inner, access.compartment).map_err(failed)?;
        Ok(Opened {
            shelved: Arc::clone(self),
            inner: Some((inner, access.compartment)),
            index,
        })
    }

    /// Opens everything with the keys of whoever has just sealed it, for work that follows a sealing while nobody is signed in.
    ///
    /// # Errors
    /// When these are another snapshot's keys, or for damage.
    pub fn open_epoch(self: &Arc<Self>, keys: &EpochKeys) -> Result<Opened, String> {
        let inner = self.snapshot.unlock_epoch(keys).map_err(|fault| fault.to_string())?;
        let index = self.index(&inner, EVERYBODY)?;
        Ok(Opened {
            shelved: Arc::clone(self),
            inner: Some((inner, EVERYBODY)),
            index,
        })
    }

    /// What the snapshot says about a user to every enrolled station.
    ///
    /// # Errors
    /// [`SignInFault::Refused`] for nobody, [`SignInFault::Failed`] when the record is damaged.
    pub fn user(&self, staff_number: &str) -> Result<UserRecord, SignInFault> {
        let id = user_id(&self.roster.hospital(), staff_number.trim());
        Self::record_of(self.outer.user(&id).ok_or(SignInFault::Refused)?)
    }

    /// Everybody who may sign in.
    pub fn users(&self) -> impl Iterator<Item = UserRecord> + '_ {
        self.outer.users().iter().filter_map(|user| Self::record_of(user).ok())
    }

    fn record_of(user: &UserEntry) -> Result<UserRecord, SignInFault> {
        minicbor::decode(&user.record).map_err(|e| SignInFault::Failed(format!("名簿の記録を読めません: {e}")))
    }

    /// A compartment's index is opened by the first who signs in and shared until the last has left. For whoever comes later
    /// it is enough that their keys open the compartment; the places of the records are read with the first record.
    fn index(&self, inner: &vault::snapshot::Unlocked, compartment: CompartmentId) -> Result<Arc<Index>, String> {
        let mut shared = self.index.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = shared.get(&compartment).and_then(Weak::upgrade) {
            return Ok(index);
        }
        let opened = inner.index(compartment).map_err(|e| e.to_string())?;
        let index = Index::from_blocks(opened.thin).map_err(|e| e.to_string())?;
        if index.records() != opened.len as usize {
            return Err("索引と記録の数が合いません".to_owned());
        }
        let index = Arc::new(index);
        shared.insert(compartment, Arc::downgrade(&index));
        Ok(index)
    }
}

impl Opened {
    /// Which snapshot.
    #[must_use]
    pub const fn shelved(&self) -> &Arc<Shelved> {
        &self.shelved
    }

    /// Everybody in it.
    #[must_use]
    pub const fn index(&self) -> &Arc<Index> {
        &self.index
    }

    /// Opens one chart by its row.
    ///
    /// # Errors
    /// [`OpenFault`].
    pub fn chart(&self, row: u32) -> Result<Chart, OpenFault> {
        let named = self.index.row(row).ok_or(OpenFault::Unknown)?;
        if named.is_thin() {
            return named
                .thin_chart(self.shelved.stat.as_of.clone())
                .ok_or(OpenFault::Unknown);
        }
        let (inner, compartment) = self.inner.as_ref().ok_or(OpenFault::Unknown)?;
        let bytes = inner
            .record(*compartment, row)
            .map_err(|e| OpenFault::Damaged(e.to_string()))?;
        let chart = Chart::from_record(&bytes, &self.shelved.stat.vouched);
        let chart = chart.map_err(|e| OpenFault::Damaged(e.to_string()))?;
        // The record must be the one the index names: showing somebody else's chart is the worst error.
        if chart.patient.id.as_str() == named.id_text() {
            Ok(chart)
        } else {
            Err(OpenFault::Damaged("索引と記録の患者番号が違います".to_owned()))
        }
    }

    /// Opens one chart by patient number.
    ///
    /// # Errors
    /// [`OpenFault`].
    pub fn find(&self, id: &PatientId) -> Result<Chart, OpenFault> {
        let row = self.index.find(id).ok_or(OpenFault::Unknown)?;
        self.chart(row.number())
    }

    /// Whether every chart of the snapshot opens here, and not only those of a department or a ward.
    #[must_use]
    pub fn opens_everybody(&self) -> bool {
        self.inner.as_ref().is_some_and(|(_, open)| *open == EVERYBODY)
    }

    /// Seals bytes for whoever opens every chart of this snapshot; they end with its keys.
    ///
    /// # Errors
    /// When not every chart opens here.
    pub fn seal_beside(
        &self,
        ctx: &Context,
        plain: &[u8],
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Vec<u8>, String> {
        let (inner, _) = self.inner.as_ref().ok_or("カルテを開く鍵がありません")?;
        let sealed = inner.seal_beside(EVERYBODY, ctx, plain, rng);
        sealed.map_err(|fault| fault.to_string())
    }

    /// Opens what [`Self::seal_beside`] made; `None` on any difference whatsoever.
    #[must_use]
    pub fn open_beside(&self, ctx: &Context, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (inner, _) = self.inner.as_ref()?;
        inner.open_beside(EVERYBODY, ctx, sealed).ok()
    }

    /// Opens every record, for `tomoshibi verify`.
    ///
    /// # Errors
    /// What the vault says when an index cannot be opened at all.
    pub fn verify(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<vault::snapshot::RecordsChecked, String> {
        let (inner, _) = self.inner.as_ref().ok_or("この利用者にはカルテを開く鍵がありません")?;
        inner.verify_records(progress).map_err(|e| e.to_string())
    }
}
