//! What the targets stand on: keys that are the same in every run, a directory of one file, repeatable randomness.
//!
//! It deliberately needs no feature and no library that the crates it tries do not have themselves.

use std::io;
use std::path::Path;
use std::sync::Arc;

use getrandom::rand_core;
use vault::context::Context;
use vault::files::{DurableFile, Files, Locked, ReadAt};
use vault::keys::{Key32, RoleSecret, SealerSecret, StationSecret, UserSecret};
use vault::{HospitalId, StationId};

/// The hospital of all targets.
pub const HOSPITAL: HospitalId = HospitalId(*b"tomoshibi-fuzz-1");
/// The station of all targets.
pub const STATION: StationId = StationId(*b"station-fuzz-001");

/// Keys that are the same in every run.
pub struct Keys {
    /// Signs snapshots.
    pub sealer: SealerSecret,
    /// Signs records, opens the outer lock.
    pub station: StationSecret,
    /// Opens the inner lock.
    pub user: UserSecret,
    /// Reads the journal.
    pub role: RoleSecret,
    /// Opens the box.
    pub key: Key32,
}

/// The keys of all targets.
#[must_use]
pub fn keys() -> &'static Keys {
    static KEYS: std::sync::LazyLock<Keys> = std::sync::LazyLock::new(|| {
        let mut rng = Repeatable(0xF022);
        Keys {
            sealer: SealerSecret::random(&mut rng),
            station: StationSecret::random(&mut rng),
            user: UserSecret::random(&mut rng),
            role: RoleSecret::random(&mut rng),
            key: Key32::random(&mut rng),
        }
    });
    &KEYS
}

/// The place of the box and of the wrap.
#[must_use]
pub fn place() -> Context {
    Context::new("rec", &HOSPITAL).u64(1)
}

/// CRC-32C (RFC 3720, B.4) in the byte order of the formats. Bit by bit: what it covers here is short.
pub fn crc32c(bytes: &[u8]) -> [u8; 4] {
    let fold = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0x82F6_3B78 & (crc & 1).wrapping_neg())
        })
    };
    (!bytes.iter().fold(u32::MAX, fold)).to_le_bytes()
}

/// A directory in memory with one segment, for reading.
pub struct OneFile(pub Arc<Vec<u8>>);

impl Files for OneFile {
    fn create_new(&self, _: &Path) -> io::Result<Box<dyn DurableFile>> {
        Err(io::ErrorKind::Unsupported.into())
    }
    fn open(&self, _: &Path) -> io::Result<Arc<dyn ReadAt>> {
        Ok(self.0.clone())
    }
    fn erase(&self, _: &Path, _: u64, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
    fn remove(&self, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
    fn list(&self, _: &Path) -> io::Result<Vec<String>> {
        Ok(["0000000001.tmbf", "0000000001.tmbj"].map(str::to_owned).to_vec())
    }
    fn create_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }
    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }
    fn lock(&self, _: &Path) -> io::Result<Box<dyn Locked>> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Repeatable randomness (`SplitMix64`).
pub struct Repeatable(pub u64);

impl Repeatable {
    /// The next number.
    pub fn step(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.step() % limit.max(1) as u64) as usize
    }
}

impl rand_core::TryRng for Repeatable {
    type Error = std::convert::Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok((self.step() >> 32) as u32)
    }
    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Ok(self.step())
    }
    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), Self::Error> {
        for chunk in to.chunks_mut(8) {
            let word = self.step().to_le_bytes();
            chunk.iter_mut().zip(word).for_each(|(to, from)| *to = from);
        }
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Repeatable {}
