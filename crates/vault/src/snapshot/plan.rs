//! What a snapshot is sealed for: who may open what. Public keys and opaque bytes only, no secret.
//!
//! It deliberately knows no rule about who *should* have a role: the roster decides that.

use std::collections::BTreeSet;

use crate::ids::{CompartmentId, HospitalId, RoleId, StationId, UserId};
use crate::keys::{RecoveryPublic, StationPublic, UserPublic};
use crate::slot::Slot;

use super::{MAX_COMPARTMENTS, MAX_DICTIONARY, MAX_OPAQUE, MAX_ROLES, MAX_SLOTS, MAX_STATIONS, MAX_USERS, SealFault};

/// Everything a snapshot is sealed for, fixed before the first record.
#[derive(Clone, Debug)]
pub struct SealPlan {
    /// The hospital the snapshot belongs to.
    pub hospital: HospitalId,
    /// Grows with every sealing; never used twice, not even after a restart.
    pub epoch: u64,
    /// 0: deltas are made by amending ([`crate::snapshot::SnapshotWriter::amend`]), not by a plan.
    pub delta: u32,
    /// When sealing started, Unix seconds UTC, by the caller's clock.
    pub created: i64,
    /// Until when the snapshot counts as fresh, Unix seconds UTC.
    pub fresh_until: i64,
    /// SHA-256 of the manifest before this one, zeros for the first.
    pub previous: [u8; 32],
    /// Stations that can open the outer lock.
    pub stations: Vec<StationGrant>,
    /// Users that can open the inner lock.
    pub users: Vec<UserGrant>,
    /// Roles and what each opens.
    pub roles: Vec<RoleGrant>,
    /// Compartments records can be put into.
    pub compartments: Vec<Compartment>,
    /// The hospital's recovery key, which opens everything; `None` while the hospital has none.
    pub recovery: Option<RecoveryPublic>,
    /// Opaque bytes every enrolled station can read (policy, revocations).
    pub policy: Vec<u8>,
    /// Compression dictionary (see [`crate::train`]); may be empty.
    pub dictionary: Vec<u8>,
    /// zstd level for records.
    pub level: i32,
}

/// One enrolled station.
#[derive(Clone, Debug)]
pub struct StationGrant {
    /// Which station.
    pub id: StationId,
    /// The key the outer lock is wrapped to.
    pub public: StationPublic,
}

/// One user.
#[derive(Clone, Debug)]
pub struct UserGrant {
    /// Which user.
    pub id: UserId,
    /// The key the user's roles are wrapped to.
    pub public: UserPublic,
    /// Opaque bytes for sign-in (name, staff number, occupation), readable by every enrolled station.
    pub record: Vec<u8>,
    /// The roles this user holds.
    pub roles: Vec<RoleId>,
    /// The user's slots, by number from 0.
    pub slots: Vec<Slot>,
}

/// One role.
#[derive(Clone, Debug)]
pub struct RoleGrant {
    /// Which role.
    pub id: RoleId,
    /// What holders of the role can open.
    pub grants: Vec<Grant>,
    /// Opaque bytes only holders of the role can read (for example the role's journal secret).
    pub enclosed: Vec<u8>,
}

/// One compartment a role opens, and what may be done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Which compartment.
    pub compartment: CompartmentId,
    /// What is allowed, as bits the caller defines.
    pub verbs: u32,
}

/// One compartment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compartment {
    /// Its number.
    pub id: CompartmentId,
    /// Its name as opaque bytes, readable by every enrolled station.
    pub name: Vec<u8>,
}

impl SealPlan {
    /// Checks limits, repeated ids and dangling references.
    ///
    /// # Errors
    /// [`SealFault::Plan`] with what is wrong.
    pub fn check(&self) -> Result<(), SealFault> {
        let compartments = unique(self.compartments.iter().map(|c| c.id), "a compartment is listed twice")?;
        let roles = unique(self.roles.iter().map(|r| r.id), "a role is listed twice")?;
        unique(self.stations.iter().map(|s| s.id), "a station is listed twice")?;
        unique(self.users.iter().map(|u| u.id), "a user is listed twice")?;
        let opaque = [&self.policy]
            .into_iter()
            .chain(self.users.iter().map(|u| &u.record))
            .chain(self.roles.iter().map(|r| &r.enclosed))
            .chain(self.compartments.iter().map(|c| &c.name))
            .all(|bytes| bytes.len() <= MAX_OPAQUE);
        for role in &self.roles {
            let granted = unique(
                role.grants.iter().map(|g| g.compartment),
                "a role lists a compartment twice",
            )?;
            refuse_unless(
                granted.is_subset(&compartments),
                "a role opens a compartment that is not listed",
            )?;
        }
        for user in &self.users {
            let held = unique(user.roles.iter().copied(), "a user lists a role twice")?;
            refuse_unless(held.is_subset(&roles), "a user holds a role that is not listed")?;
            refuse_unless(user.slots.len() <= MAX_SLOTS, "a user has too many slots")?;
        }
        refuse_unless(self.delta == 0, "a plan begins an epoch and has no delta")?;
        refuse_unless(opaque, "a name, record, enclosure or policy is longer than 64 KiB")?;
        refuse_unless(
            self.dictionary.len() <= MAX_DICTIONARY,
            "the dictionary is longer than 1 MiB",
        )?;
        refuse_unless(self.stations.len() <= MAX_STATIONS, "too many stations")?;
        refuse_unless(self.users.len() <= MAX_USERS, "too many users")?;
        refuse_unless(self.roles.len() <= MAX_ROLES, "too many roles")?;
        refuse_unless(self.compartments.len() <= MAX_COMPARTMENTS, "too many compartments")
    }
}

fn unique<T: Ord>(ids: impl ExactSizeIterator<Item = T>, problem: &'static str) -> Result<BTreeSet<T>, SealFault> {
    let count = ids.len();
    let set: BTreeSet<T> = ids.collect();
    refuse_unless(set.len() == count, problem)?;
    Ok(set)
}

fn refuse_unless(ok: bool, problem: &'static str) -> Result<(), SealFault> {
    if ok { Ok(()) } else { Err(SealFault::Plan(problem)) }
}
