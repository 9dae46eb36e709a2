//! The recovery section: all keys of the epoch, wrapped to the hospital's recovery key.
//!
//! One wrap around all of them, so that the section tells neither how many roles there are nor which. Who joins the shares
//! to the secret that opens it is deliberately not known here (see [`crate::recovery`]).

use std::collections::BTreeMap;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::codec::{Malformed, Reader, put_count};
use crate::ids::{CompartmentId, RoleId};
use crate::keys::{Key32, RecoveryPublic, RecoverySecret};
use crate::wrap;

use super::layout::Place;
use super::writer::EpochKeys;
use super::{MAX_COMPARTMENTS, MAX_ROLES, SealFault, SnapshotFault};

const KEY: usize = 32;

pub(super) fn seal<R: CryptoRng>(
    recovery: &RecoveryPublic,
    place: &Place,
    keys: &EpochKeys,
    rng: &mut R,
) -> Result<Vec<u8>, SealFault> {
    let room = 2 * KEY + 8 + (keys.roles.len() + keys.compartments.len()) * (2 + KEY);
    let mut plain = Zeroizing::new(Vec::with_capacity(room));
    plain.extend_from_slice(keys.stations.as_bytes());
    plain.extend_from_slice(keys.dictionary.as_bytes());
    put_keys(&mut plain, keys.roles.iter().map(|(role, key)| (role.0, key)));
    put_keys(&mut plain, keys.compartments.iter().map(|(id, key)| (id.0, key)));
    let wrapped = wrap::wrap(recovery, &place.recovery(), &plain, rng)
        .map_err(|_| SealFault::Plan("the recovery public key is a weak point"))?;
    let mut section = recovery.to_bytes().to_vec();
    section.extend_from_slice(&wrapped);
    Ok(section)
}

pub(super) fn open(section: &[u8], place: &Place, secret: &RecoverySecret) -> Result<EpochKeys, SnapshotFault> {
    let malformed = |Malformed| SnapshotFault::Malformed("recovery keys");
    let mut reader = Reader::new(section);
    let public: [u8; KEY] = reader.array().map_err(malformed)?;
    if public != secret.public().to_bytes() {
        return Err(SnapshotFault::NotFor("recovery key"));
    }
    let plain = wrap::unwrap(secret, &place.recovery(), reader.rest());
    let plain = plain.map_err(|_| SnapshotFault::CannotOpen("recovery keys"))?;
    parse(&plain).map_err(malformed)
}

fn put_keys<'a>(out: &mut Vec<u8>, keys: impl ExactSizeIterator<Item = (u16, &'a Key32)>) {
    put_count(out, keys.len());
    for (id, key) in keys {
        out.extend_from_slice(&id.to_le_bytes());
        out.extend_from_slice(key.as_bytes());
    }
}

fn parse(plain: &[u8]) -> Result<EpochKeys, Malformed> {
    let mut reader = Reader::new(plain);
    let keys = EpochKeys {
        stations: Key32::from_bytes(reader.array()?),
        dictionary: Key32::from_bytes(reader.array()?),
        roles: parse_keys(&mut reader, MAX_ROLES, RoleId)?,
        compartments: parse_keys(&mut reader, MAX_COMPARTMENTS, CompartmentId)?,
    };
    reader.finish()?;
    Ok(keys)
}

fn parse_keys<T: Ord>(
    reader: &mut Reader<'_>,
    limit: usize,
    id: impl Fn(u16) -> T,
) -> Result<BTreeMap<T, Key32>, Malformed> {
    let mut keys = BTreeMap::new();
    for _ in 0..reader.count(limit, 2 + KEY)? {
        let entry = (id(reader.u16()?), Key32::from_bytes(reader.array()?));
        if keys.insert(entry.0, entry.1).is_some() {
            return Err(Malformed);
        }
    }
    Ok(keys)
}
