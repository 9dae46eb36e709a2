//! Opening a snapshot, lock by lock, and one patient at a time.
//!
//! [`Snapshot::open`] believes nothing but a trusted sealer's signature; each section is hashed against the signed
//! manifest before it is opened. [`Unlocked`] is shared by threads; its keys are erased when the last user drops it.
//! Who may sign in, when a session ends and what is audited is deliberately decided elsewhere.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::codec::Malformed;
use crate::context::Context;
use crate::files::{ReadAt, read_vec};
use crate::ids::{CompartmentId, RoleId, StationId, UserId};
use crate::keys::{Key32, RecoverySecret, SealerPublic, StationSecret, UserPublic, UserSecret};
use crate::sealbox::{self, CannotOpen};
use crate::slot::Slot;
use crate::wrap;

use super::changes;
use super::index::{Block, Locator, Locators};
use super::keyring::{self, Ring, Rings, Users};
use super::layout::SectionKind;
use super::manifest::{Manifest, Section};
use super::plan::Compartment;
use super::record::{self, Opening, RecordOpener};
use super::recovery;
use super::writer::EpochKeys;
use super::{MAX_RECORD, MAX_STAT, RecordFault, SnapshotFault};

/// A snapshot file whose manifest a trusted sealer signed. Nothing of it is decrypted yet.
#[derive(Clone)]
pub struct Snapshot {
    pub(super) file: Arc<SealedFile>,
}

pub(super) struct SealedFile {
    pub(super) source: Arc<dyn ReadAt>,
    pub(super) manifest: Manifest,
}

/// A snapshot with the outer lock open: who may sign in is known, no patient is.
pub struct StationUnlocked {
    file: Arc<SealedFile>,
    users: Users,
    rings: Rings,
}

/// One user as every enrolled station sees them.
#[derive(Clone, Debug)]
pub struct UserEntry {
    /// Which user.
    pub id: UserId,
    /// The user's public key.
    pub public: UserPublic,
    /// The caller's bytes for sign-in.
    pub record: Zeroizing<Vec<u8>>,
    /// The user's slots, by number from 0.
    pub slots: Vec<Slot>,
    pub(super) roles: Vec<(RoleId, Vec<u8>)>,
}

impl UserEntry {
    /// The roles the user holds.
    pub fn roles(&self) -> impl Iterator<Item = RoleId> + '_ {
        self.roles.iter().map(|(role, _)| *role)
    }
}

/// A compartment open to a user, and what they may do there (bits the caller defines).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// Which compartment.
    pub compartment: CompartmentId,
    /// The union of what the user's roles allow.
    pub verbs: u32,
}

/// One compartment's list.
#[derive(Clone)]
pub struct Index {
    /// The caller's blocks, in the order in which they were given.
    pub thin: Vec<Block>,
    /// Number of records in the compartment.
    pub len: u32,
}

/// A snapshot with both locks open for one user (or for the sealer that proves it, or for the hospital's recovery).
pub struct Unlocked {
    pub(super) file: Arc<SealedFile>,
    compartments: BTreeMap<CompartmentId, OpenCompartment>,
    names: Vec<Compartment>,
    roles: Vec<(RoleId, Zeroizing<Vec<u8>>)>,
    opener: RecordOpener,
}

struct OpenCompartment {
    verbs: u32,
    key: Key32,
    locators: OnceLock<Locators>,
}

impl Snapshot {
    /// Opens a snapshot: reads trailer and manifest and checks the signature, nothing else.
    ///
    /// # Errors
    /// [`SnapshotFault`]: not a whole snapshot, not signed by one of `trusted`, or made for a newer program.
    pub fn open(source: Arc<dyn ReadAt>, trusted: &[SealerPublic]) -> Result<Self, SnapshotFault> {
        let manifest = Manifest::read(&*source, trusted)?;
        Ok(Self {
            file: Arc::new(SealedFile { source, manifest }),
        })
    }

    /// What the file is and holds.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.file.manifest
    }

    /// The bytes of the file.
    #[must_use]
    pub fn source(&self) -> &dyn ReadAt {
        &*self.file.source
    }

    /// The plain statistics the sealer wrote.
    ///
    /// # Errors
    /// [`SnapshotFault`] when the section is missing, changed or unreadable.
    pub fn stat(&self) -> Result<Vec<u8>, SnapshotFault> {
        let section = self.file.find(SectionKind::Stat, 0)?;
        if section.len > MAX_STAT as u64 {
            return Err(SnapshotFault::Malformed("statistics"));
        }
        self.file.section(section)
    }

    /// Opens the outer lock with this station's secret.
    ///
    /// # Errors
    /// [`SnapshotFault::NotFor`] when the station is not enrolled in this snapshot; others for damage.
    pub fn unlock_station(
        &self,
        station: &StationId,
        secret: &StationSecret,
    ) -> Result<StationUnlocked, SnapshotFault> {
        let keyring = self.file.load(SectionKind::Stations, 0)?;
        let key = keyring::open_stations(&keyring, &self.file.manifest.place(), station, secret)?;
        self.open_outer(&key)
    }

    /// Opens everything with the keys the sealer still holds in memory: the proof after sealing.
    ///
    /// # Errors
    /// [`SnapshotFault`] when these are another snapshot's keys, or for damage.
    pub fn unlock_epoch(&self, keys: &EpochKeys) -> Result<Unlocked, SnapshotFault> {
        let mut open = self.unlock_all(keys)?;
        open.roles.clear();
        Ok(open)
    }

    /// Opens everything with the hospital's recovery secret, without a station and without a user: every compartment
    /// with every verb, and what is enclosed for every role.
    ///
    /// # Errors
    /// [`SnapshotFault::NotFor`] when the snapshot was sealed without a recovery key or to another one; others for damage.
    pub fn unlock_recovery(&self, secret: &RecoverySecret) -> Result<Unlocked, SnapshotFault> {
        let section = self.file.manifest.section(SectionKind::Recovery, 0);
        let section = section.ok_or(SnapshotFault::NotFor("recovery key"))?;
        let keys = recovery::open(&self.file.section(section)?, &self.file.manifest.place(), secret)?;
        self.unlock_all(&keys)
    }

    fn unlock_all(&self, keys: &EpochKeys) -> Result<Unlocked, SnapshotFault> {
        let outer = self.open_outer(&keys.stations)?;
        let place = self.file.manifest.place();
        let mut roles = Vec::with_capacity(keys.roles.len());
        for (role, key) in &keys.roles {
            roles.push((*role, outer.rings.open(&place, *role, key)?.enclosed));
        }
        let all = keys
            .compartments
            .iter()
            .map(|(id, key)| (*id, u32::MAX, key.clone()))
            .collect();
        Unlocked::new(&outer, &keys.dictionary, all, roles)
    }

    fn open_outer(&self, key: &Key32) -> Result<StationUnlocked, SnapshotFault> {
        let place = self.file.manifest.place();
        let users = keyring::open_users(&self.file.load(SectionKind::Users, 0)?, &place, key)?;
        let rings = keyring::open_rings(&self.file.load(SectionKind::Rings, 0)?, &place, key)?;
        Ok(StationUnlocked {
            file: Arc::clone(&self.file),
            users,
            rings,
        })
    }
}

impl StationUnlocked {
    /// Everybody this snapshot was sealed for.
    #[must_use]
    pub fn users(&self) -> &[UserEntry] {
        &self.users.users
    }

    /// One user.
    #[must_use]
    pub fn user(&self, id: &UserId) -> Option<&UserEntry> {
        self.users.users.iter().find(|user| user.id == *id)
    }

    /// The caller's policy bytes.
    #[must_use]
    pub fn policy(&self) -> &[u8] {
        &self.users.policy
    }

    /// All compartments of the snapshot with their names.
    #[must_use]
    pub fn compartments(&self) -> &[Compartment] {
        &self.rings.compartments
    }

    /// Opens the inner lock: the role keys wrapped to this user, their rings, the dictionary.
    ///
    /// # Errors
    /// [`SnapshotFault::NotFor`] for an unknown user, [`SnapshotFault::CannotOpen`] for a wrong secret.
    pub fn unlock_user(&self, id: &UserId, secret: &UserSecret) -> Result<Unlocked, SnapshotFault> {
        let user = self.user(id).ok_or(SnapshotFault::NotFor("user"))?;
        let place = self.file.manifest.place();
        let (mut granted, mut roles) = (Vec::new(), Vec::new());
        let mut dictionary = None;
        for (role, wrapped) in &user.roles {
            let cannot = || SnapshotFault::CannotOpen("role key");
            let key = wrap::unwrap(secret, &place.role_key(id, *role), wrapped).map_err(|_| cannot())?;
            let key = Key32::from_slice(&key).ok_or_else(cannot)?;
            let Ring {
                dictionary: ring_dictionary,
                grants,
                enclosed,
            } = self.rings.open(&place, *role, &key)?;
            granted.extend(grants);
            roles.push((*role, enclosed));
            dictionary = Some(ring_dictionary);
        }
        let dictionary = dictionary.ok_or(SnapshotFault::NotFor("user (no role)"))?;
        Unlocked::new(self, &dictionary, granted, roles)
    }
}

impl Unlocked {
    fn new(
        outer: &StationUnlocked,
        dictionary: &Key32,
        granted: Vec<(CompartmentId, u32, Key32)>,
        roles: Vec<(RoleId, Zeroizing<Vec<u8>>)>,
    ) -> Result<Self, SnapshotFault> {
        let file = Arc::clone(&outer.file);
        let mut compartments = BTreeMap::new();
        for (id, verbs, key) in granted {
            let entry = compartments.entry(id).or_insert(OpenCompartment {
                verbs: 0,
                key,
                locators: OnceLock::new(),
            });
            entry.verbs |= verbs;
        }
        let sealed = file.load(SectionKind::Dictionary, 0)?;
        let dictionary = sealbox::open(dictionary, &file.manifest.place().dictionary(), &sealed)
            .map_err(|_| SnapshotFault::CannotOpen("dictionary"))?;
        let dictionary =
            record::unpack_dictionary(&dictionary).map_err(|Malformed| SnapshotFault::Malformed("dictionary"))?;
        let opener = RecordOpener::new(dictionary);
        Ok(Self {
            file,
            compartments,
            names: outer.rings.compartments.clone(),
            roles,
            opener,
        })
    }

    /// What the file is and holds.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.file.manifest
    }

    /// The compartments open to this user.
    pub fn access(&self) -> impl Iterator<Item = Access> + '_ {
        self.compartments.iter().map(|(id, open)| Access {
            compartment: *id,
            verbs: open.verbs,
        })
    }

    /// A compartment's name, as the caller's bytes.
    #[must_use]
    pub fn compartment_name(&self, id: CompartmentId) -> Option<&[u8]> {
        self.names.iter().find(|c| c.id == id).map(|c| c.name.as_slice())
    }

    /// What only holders of a role can read, for each role this user holds. Empty for the sealer's own proof.
    pub fn enclosures(&self) -> impl Iterator<Item = (RoleId, &[u8])> + '_ {
        self.roles.iter().map(|(role, enclosed)| (*role, enclosed.as_slice()))
    }

    /// Opens a compartment's index. The thin list is not kept: the caller keeps what it needs of it.
    ///
    /// # Errors
    /// [`SnapshotFault::NotFor`] when the compartment is not open to this user; others for damage.
    pub fn index(&self, compartment: CompartmentId) -> Result<Index, SnapshotFault> {
        let open = self
            .compartments
            .get(&compartment)
            .ok_or(SnapshotFault::NotFor("compartment"))?;
        let (mut locators, mut thin) = self.base_index(compartment)?;
        let (delta, place) = (self.file.manifest.delta, self.file.manifest.place());
        if delta > 0 {
            let sealed = self.file.load(SectionKind::IndexChanges, compartment.0)?;
            let plain = sealbox::open(&open.key, &place.changes(delta, compartment), &sealed)
                .map_err(|_| SnapshotFault::CannotOpen("changes to the list of patients"))?;
            let laid = changes::laid_over(&locators, thin, &plain);
            (locators, thin) = laid.map_err(|Malformed| SnapshotFault::Malformed("changes to the list of patients"))?;
        }
        let len = locators.len();
        // Another thread may have been quicker with the very same locators.
        let _ = open.locators.set(locators);
        Ok(Index { thin, len })
    }

    /// The index the epoch began with, whatever came after.
    pub(super) fn base_index(&self, compartment: CompartmentId) -> Result<(Locators, Vec<Block>), SnapshotFault> {
        let open = self.compartments.get(&compartment);
        let open = open.ok_or(SnapshotFault::NotFor("compartment"))?;
        let sealed = self.file.load(SectionKind::Index, compartment.0)?;
        let plain = sealbox::open(&open.key, &self.file.manifest.place().index(compartment), &sealed)
            .map_err(|_| SnapshotFault::CannotOpen("list of patients"))?;
        Locators::from_plain(&plain).map_err(|Malformed| SnapshotFault::Malformed("list of patients"))
    }

    /// Where every record of a compartment is; the index is loaded if that has not happened yet.
    pub(super) fn locators(&self, compartment: CompartmentId) -> Result<&Locators, SnapshotFault> {
        let open = self.compartments.get(&compartment);
        let open = open.ok_or(SnapshotFault::NotFor("compartment"))?;
        if open.locators.get().is_none() {
            self.index(compartment)?;
        }
        open.locators.get().ok_or(SnapshotFault::NotFor("compartment"))
    }

    pub(super) fn dictionary(&self) -> &[u8] {
        self.opener.dictionary()
    }

    /// Seals bytes made from this snapshot for whoever opens a compartment of it, now or from its file later: they are worth as
    /// much as the snapshot and end with its keys. The caller keeps them, and binds them to their place by `ctx`.
    ///
    /// # Errors
    /// [`SnapshotFault::NotFor`] when the compartment is not open here.
    pub fn seal_beside(
        &self,
        compartment: CompartmentId,
        ctx: &Context,
        plain: &[u8],
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Vec<u8>, SnapshotFault> {
        let open = self.compartments.get(&compartment);
        let open = open.ok_or(SnapshotFault::NotFor("compartment"))?;
        Ok(sealbox::seal(&open.key, ctx, plain, rng))
    }

    /// Opens what [`Self::seal_beside`] made.
    ///
    /// # Errors
    /// [`CannotOpen`] when the compartment is not open here, and on any difference whatsoever.
    pub fn open_beside(
        &self,
        compartment: CompartmentId,
        ctx: &Context,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CannotOpen> {
        let open = self.compartments.get(&compartment).ok_or(CannotOpen)?;
        sealbox::open(&open.key, ctx, sealed)
    }

    /// Opens one record. Loads the compartment's index if that has not happened yet.
    ///
    /// # Errors
    /// [`RecordFault`], which concerns this record only.
    pub fn record(&self, compartment: CompartmentId, ordinal: u32) -> Result<Zeroizing<Vec<u8>>, RecordFault> {
        let locator = self.locator(compartment, ordinal)?;
        match self.opening(&locator)? {
            Opening::Whole(plain) => Ok(plain),
            Opening::Over(difference) => match self.opening(&difference.before)? {
                Opening::Whole(before) => difference.over(&before),
                // One step and no chain: what it differs from is a record the epoch began with.
                Opening::Over(_) => Err(RecordFault::Damaged),
            },
        }
    }

    /// Reads and opens one record's bytes.
    pub(super) fn opening(&self, locator: &Locator) -> Result<Opening, RecordFault> {
        let inside = self.file.manifest.holds_record(locator.offset, locator.len);
        let len = usize::try_from(locator.len).unwrap_or(usize::MAX);
        if !inside || len > 2 * MAX_RECORD {
            return Err(RecordFault::Damaged);
        }
        let sealed = read_vec(&*self.file.source, locator.offset, len).map_err(RecordFault::Unreadable)?;
        self.opener.open(&self.file.manifest.place(), locator, &sealed)
    }

    pub(super) fn locator(&self, compartment: CompartmentId, ordinal: u32) -> Result<Locator, RecordFault> {
        if !self.compartments.contains_key(&compartment) {
            return Err(RecordFault::NoSuchRecord);
        }
        let locators = self.locators(compartment).map_err(index_fault)?;
        locators.get(ordinal).ok_or(RecordFault::NoSuchRecord)
    }
}

impl SealedFile {
    pub(super) fn find(&self, kind: SectionKind, id: u16) -> Result<&Section, SnapshotFault> {
        self.manifest
            .section(kind, id)
            .ok_or(SnapshotFault::Malformed("missing section"))
    }

    /// Reads a section and checks its hash; lengths were bounded by the signed manifest and the file's size.
    pub(super) fn section(&self, section: &Section) -> Result<Vec<u8>, SnapshotFault> {
        let len = usize::try_from(section.len).map_err(|_| SnapshotFault::Malformed("section length"))?;
        let bytes = read_vec(&*self.source, section.offset, len).map_err(SnapshotFault::Io)?;
        let unchanged = Sha256::digest(&bytes).as_slice() == section.sha256;
        if unchanged {
            Ok(bytes)
        } else {
            Err(SnapshotFault::SectionChanged(section.kind, section.id))
        }
    }

    fn load(&self, kind: SectionKind, id: u16) -> Result<Vec<u8>, SnapshotFault> {
        self.find(kind, id).and_then(|section| self.section(section))
    }
}

fn index_fault(fault: SnapshotFault) -> RecordFault {
    RecordFault::Index(Box::new(fault))
}
