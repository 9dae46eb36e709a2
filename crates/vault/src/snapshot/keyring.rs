//! The three key sections: station keyring, users, role rings. Each is written and read here, side by side.
//!
//! The order of locks: a station's secret opens the station key; that opens the list of users and the rings; a user's
//! secret opens the role keys wrapped to this user; a role key opens the role's ring; the ring holds compartment keys.

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::codec::{Malformed, Reader, put_bytes, put_count};
use crate::ids::{CompartmentId, RoleId, StationId, UserId};
use crate::keys::{Key32, RecipientSecret, UserPublic};
use crate::sealbox;
use crate::slot::Slot;
use crate::wrap::{self, WeakKey};

use super::layout::Place;
use super::plan::{Compartment, SealPlan};
use super::reader::UserEntry;
use super::writer::EpochKeys;
use super::{MAX_COMPARTMENTS, MAX_OPAQUE, MAX_ROLES, MAX_SLOTS, MAX_STATIONS, MAX_USERS, SealFault, SnapshotFault};

const MAX_WRAP: usize = 1024;
const MAX_RING: usize = 16 << 20;

/// What every enrolled station can read: who may sign in, and the policy.
pub(super) struct Users {
    pub(super) policy: Zeroizing<Vec<u8>>,
    pub(super) users: Vec<UserEntry>,
}

/// The role rings, still sealed, and the names of the compartments.
pub(super) struct Rings {
    pub(super) compartments: Vec<Compartment>,
    pub(super) sealed: Vec<(RoleId, Vec<u8>)>,
}

/// One opened ring: what its role opens.
pub(super) struct Ring {
    pub(super) dictionary: Key32,
    pub(super) grants: Vec<(CompartmentId, u32, Key32)>,
    pub(super) enclosed: Zeroizing<Vec<u8>>,
}

pub(super) fn seal_stations<R: CryptoRng>(
    plan: &SealPlan,
    place: &Place,
    keys: &EpochKeys,
    rng: &mut R,
) -> Result<Vec<u8>, SealFault> {
    let mut out = Vec::new();
    put_count(&mut out, plan.stations.len());
    for station in &plan.stations {
        out.extend_from_slice(station.id.as_bytes());
        let wrapped = wrap::wrap(
            &station.public,
            &place.station_key(&station.id),
            keys.stations.as_bytes(),
            rng,
        );
        put_bytes(&mut out, &wrapped.map_err(weak)?);
    }
    Ok(out)
}

pub(super) fn open_stations(
    bytes: &[u8],
    place: &Place,
    station: &StationId,
    secret: &impl RecipientSecret,
) -> Result<Key32, SnapshotFault> {
    let wrapped = find_station(bytes, station).map_err(malformed("station keyring"))?;
    let wrapped = wrapped.ok_or(SnapshotFault::NotFor("station"))?;
    let cannot = SnapshotFault::CannotOpen("outer lock");
    let Ok(key) = wrap::unwrap(secret, &place.station_key(station), wrapped) else {
        return Err(cannot);
    };
    Key32::from_slice(&key).ok_or(cannot)
}

/// Reads the whole keyring, also behind the entry that is looked for: a malformed rest must not pass unseen.
fn find_station<'a>(bytes: &'a [u8], station: &StationId) -> Result<Option<&'a [u8]>, Malformed> {
    let mut reader = Reader::new(bytes);
    let mut found = None;
    for _ in 0..reader.count(MAX_STATIONS, StationId::LEN + 4)? {
        let (id, wrapped) = (StationId(reader.array()?), reader.bytes(MAX_WRAP)?);
        if id == *station {
            found = Some(wrapped);
        }
    }
    reader.finish()?;
    Ok(found)
}

pub(super) fn seal_users<R: CryptoRng>(
    plan: &SealPlan,
    place: &Place,
    keys: &EpochKeys,
    rng: &mut R,
) -> Result<Vec<u8>, SealFault> {
    let mut plain = Zeroizing::new(Vec::new());
    put_bytes(&mut plain, &plan.policy);
    put_count(&mut plain, plan.users.len());
    for user in &plan.users {
        plain.extend_from_slice(user.id.as_bytes());
        plain.extend_from_slice(&user.public.to_bytes());
        put_bytes(&mut plain, &user.record);
        put_count(&mut plain, user.slots.len());
        user.slots
            .iter()
            .for_each(|slot| put_bytes(&mut plain, slot.as_bytes()));
        put_count(&mut plain, user.roles.len());
        for role in &user.roles {
            let key = keys
                .roles
                .get(role)
                .ok_or(SealFault::Plan("a user holds a role that is not listed"))?;
            let wrapped = wrap::wrap(&user.public, &place.role_key(&user.id, *role), key.as_bytes(), rng);
            plain.extend_from_slice(&role.0.to_le_bytes());
            put_bytes(&mut plain, &wrapped.map_err(weak)?);
        }
    }
    Ok(sealbox::seal(&keys.stations, &place.users(), &plain, rng))
}

pub(super) fn open_users(sealed: &[u8], place: &Place, stations: &Key32) -> Result<Users, SnapshotFault> {
    let plain =
        sealbox::open(stations, &place.users(), sealed).map_err(|_| SnapshotFault::CannotOpen("list of users"))?;
    parse_users(&plain).map_err(malformed("list of users"))
}

fn parse_users(plain: &[u8]) -> Result<Users, Malformed> {
    let mut reader = Reader::new(plain);
    let policy = Zeroizing::new(reader.bytes(MAX_OPAQUE)?.to_vec());
    let count = reader.count(MAX_USERS, UserId::LEN + 32 + 12)?;
    let mut users = Vec::with_capacity(count);
    for _ in 0..count {
        users.push(parse_user(&mut reader)?);
    }
    reader.finish()?;
    Ok(Users { policy, users })
}

fn parse_user(reader: &mut Reader<'_>) -> Result<UserEntry, Malformed> {
    let id = UserId(reader.array()?);
    let public = UserPublic::from_bytes(&reader.array()?).map_err(|_| Malformed)?;
    let record = Zeroizing::new(reader.bytes(MAX_OPAQUE)?.to_vec());
    let mut slots = Vec::new();
    for _ in 0..reader.count(MAX_SLOTS, 4)? {
        slots.push(Slot::from_bytes(reader.bytes(MAX_WRAP)?).map_err(|_| Malformed)?);
    }
    let mut roles = Vec::new();
    for _ in 0..reader.count(MAX_ROLES, 6)? {
        roles.push((RoleId(reader.u16()?), reader.bytes(MAX_WRAP)?.to_vec()));
    }
    Ok(UserEntry {
        id,
        public,
        record,
        slots,
        roles,
    })
}

pub(super) fn seal_rings<R: CryptoRng>(
    plan: &SealPlan,
    place: &Place,
    keys: &EpochKeys,
    rng: &mut R,
) -> Result<Vec<u8>, SealFault> {
    let mut plain = Zeroizing::new(Vec::new());
    put_count(&mut plain, plan.compartments.len());
    for compartment in &plan.compartments {
        plain.extend_from_slice(&compartment.id.0.to_le_bytes());
        put_bytes(&mut plain, &compartment.name);
    }
    put_count(&mut plain, plan.roles.len());
    for role in &plan.roles {
        let mut ring = Zeroizing::new(Vec::new());
        ring.extend_from_slice(keys.dictionary.as_bytes());
        put_count(&mut ring, role.grants.len());
        for grant in &role.grants {
            let missing = SealFault::Plan("a role opens a compartment that is not listed");
            let key = keys.compartments.get(&grant.compartment).ok_or(missing)?;
            ring.extend_from_slice(&grant.compartment.0.to_le_bytes());
            ring.extend_from_slice(&grant.verbs.to_le_bytes());
            ring.extend_from_slice(key.as_bytes());
        }
        put_bytes(&mut ring, &role.enclosed);
        let role_key = keys.roles.get(&role.id).ok_or(SealFault::Plan("a role has no key"))?;
        plain.extend_from_slice(&role.id.0.to_le_bytes());
        put_bytes(&mut plain, &sealbox::seal(role_key, &place.ring(role.id), &ring, rng));
    }
    Ok(sealbox::seal(&keys.stations, &place.rings(), &plain, rng))
}

pub(super) fn open_rings(sealed: &[u8], place: &Place, stations: &Key32) -> Result<Rings, SnapshotFault> {
    let plain = sealbox::open(stations, &place.rings(), sealed).map_err(|_| SnapshotFault::CannotOpen("role rings"))?;
    parse_rings(&plain).map_err(malformed("role rings"))
}

fn parse_rings(plain: &[u8]) -> Result<Rings, Malformed> {
    let mut reader = Reader::new(plain);
    let mut compartments = Vec::new();
    for _ in 0..reader.count(MAX_COMPARTMENTS, 6)? {
        let id = CompartmentId(reader.u16()?);
        compartments.push(Compartment {
            id,
            name: reader.bytes(MAX_OPAQUE)?.to_vec(),
        });
    }
    let mut sealed = Vec::new();
    for _ in 0..reader.count(MAX_ROLES, 6)? {
        sealed.push((RoleId(reader.u16()?), reader.bytes(MAX_RING)?.to_vec()));
    }
    reader.finish()?;
    Ok(Rings { compartments, sealed })
}

impl Rings {
    /// Opens one role's ring with its role key.
    pub(super) fn open(&self, place: &Place, role: RoleId, key: &Key32) -> Result<Ring, SnapshotFault> {
        let sealed = self
            .sealed
            .iter()
            .find(|(id, _)| *id == role)
            .ok_or(SnapshotFault::NotFor("role"))?;
        let plain =
            sealbox::open(key, &place.ring(role), &sealed.1).map_err(|_| SnapshotFault::CannotOpen("role ring"))?;
        parse_ring(&plain).map_err(malformed("role ring"))
    }
}

fn parse_ring(plain: &[u8]) -> Result<Ring, Malformed> {
    let mut reader = Reader::new(plain);
    let dictionary = Key32::from_bytes(reader.array()?);
    let count = reader.count(MAX_COMPARTMENTS, 2 + 4 + 32)?;
    let mut grants = Vec::with_capacity(count);
    for _ in 0..count {
        grants.push((
            CompartmentId(reader.u16()?),
            reader.u32()?,
            Key32::from_bytes(reader.array()?),
        ));
    }
    let enclosed = Zeroizing::new(reader.bytes(MAX_OPAQUE)?.to_vec());
    reader.finish()?;
    Ok(Ring {
        dictionary,
        grants,
        enclosed,
    })
}

fn weak(_: WeakKey) -> SealFault {
    SealFault::Plan("a station's or user's public key is a weak point")
}

fn malformed(part: &'static str) -> impl Fn(Malformed) -> SnapshotFault {
    move |Malformed| SnapshotFault::Malformed(part)
}
