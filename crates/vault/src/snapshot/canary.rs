//! The canary section: invented patients under the station key alone, so that a station proves with nobody signed in that it can open
//! what it holds.
//!
//! It takes the way of a real sign-in as far as the station's own secret reaches: keyring, station key, section. What the bytes mean is
//! the caller's; that no real patient is among them, too. The key is the epoch's, so that a change on top of a snapshot may keep the section.

use std::io::Write;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::codec::Malformed;
use crate::context::Context;
use crate::ids::StationId;
use crate::keys::StationSecret;
use crate::sealbox;

use super::layout::{Place, SectionKind};
use super::reader::Snapshot;
use super::writer::{EpochKeys, SnapshotWriter};
use super::{SealFault, SnapshotFault, keyring, record};

/// Longest canary section before compression (1 MiB).
pub const MAX_CANARIES: usize = super::MAX_DICTIONARY;

impl Place {
    fn canary(&self) -> Context {
        Context::new("canary", &self.hospital).u64(self.epoch)
    }
}

pub(super) fn seal<R: CryptoRng>(
    keys: &EpochKeys,
    place: &Place,
    plain: &[u8],
    rng: &mut R,
) -> Result<Vec<u8>, SealFault> {
    let packed = record::pack_dictionary(plain).map_err(SealFault::Compression)?;
    Ok(sealbox::seal(&keys.stations, &place.canary(), &packed, rng))
}

impl<W: Write, R: CryptoRng> SnapshotWriter<'_, W, R> {
    /// The bytes of the canary section; empty for a snapshot without one.
    ///
    /// # Errors
    /// [`SealFault::Plan`] above [`MAX_CANARIES`].
    pub fn set_canaries(&mut self, plain: &[u8]) -> Result<(), SealFault> {
        if plain.len() > MAX_CANARIES {
            return Err(SealFault::Plan("the canary patients are longer than 1 MiB"));
        }
        self.canaries = plain.to_vec();
        Ok(())
    }
}

impl Snapshot {
    /// Opens the canary section with this station's secret alone; `None` in a snapshot that was sealed without one.
    ///
    /// # Errors
    /// [`SnapshotFault::NotFor`] when the station is not enrolled in this snapshot; others for damage.
    pub fn canaries(
        &self,
        station: &StationId,
        secret: &StationSecret,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, SnapshotFault> {
        let manifest = &self.file.manifest;
        let Some(section) = manifest.section(SectionKind::Canary, 0) else {
            return Ok(None);
        };
        let keyring = self.file.section(self.file.find(SectionKind::Stations, 0)?)?;
        let key = keyring::open_stations(&keyring, &manifest.place(), station, secret)?;
        let sealed = self.file.section(section)?;
        let packed = sealbox::open(&key, &manifest.place().canary(), &sealed)
            .map_err(|_| SnapshotFault::CannotOpen("canary patients"))?;
        let plain = record::unpack_dictionary(&packed);
        plain
            .map(Some)
            .map_err(|Malformed| SnapshotFault::Malformed("canary patients"))
    }
}
