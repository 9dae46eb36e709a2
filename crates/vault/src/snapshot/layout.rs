//! Fixed parts of the file and the contexts every sealed part is bound to.
//!
//! It deliberately has no reading or writing: only where things are and what they are called.

use crate::context::Context;
use crate::ids::{CompartmentId, HospitalId, RoleId, StationId, UserId};

/// First 8 bytes of a snapshot.
pub(super) const MAGIC: &[u8; 8] = b"TMBSNAP1";
/// Last 8 bytes of the trailer before its check sum.
pub(super) const END_MAGIC: &[u8; 8] = b"TMBSNEND";
/// Header: magic and 8 reserved zero bytes. Sections start right behind it.
pub(super) const HEADER_LEN: u64 = 16;
/// Trailer: manifest offset u64, manifest length u32, signatures length u32, zero u32, magic, crc32c.
pub(super) const TRAILER_LEN: usize = 32;
/// Longest manifest.
pub(super) const MAX_MANIFEST: usize = 256 << 10;

/// What a section holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SectionKind {
    /// The station key, wrapped to every enrolled station (public framing).
    Stations,
    /// Users, their slots and role keys, under the station key.
    Users,
    /// Role rings, under the station key and each role key.
    Rings,
    /// One compartment's index, under the compartment key; the section id is the compartment.
    Index,
    /// The records, each under its own key.
    Records,
    /// Invented patients that prove every day that the file opens here, under the station key.
    Canary,
    /// Plain, signed figures about the snapshot.
    Stat,
    /// The compression dictionary, sealed: it is made of patients' text.
    Dictionary,
    /// All keys of the epoch, wrapped to the hospital's recovery key.
    Recovery,
    /// What a later snapshot of the epoch changes in one compartment's index; the section id is the compartment.
    IndexChanges,
}

impl SectionKind {
    const ALL: [(Self, u16); 10] = [
        (Self::Stations, 1),
        (Self::Users, 2),
        (Self::Rings, 3),
        (Self::Index, 4),
        (Self::Records, 5),
        (Self::Canary, 6),
        (Self::Stat, 7),
        (Self::Dictionary, 8),
        (Self::Recovery, 9),
        (Self::IndexChanges, 10),
    ];

    /// The number in the section table.
    #[must_use]
    pub fn code(self) -> u16 {
        Self::ALL
            .iter()
            .find(|(kind, _)| *kind == self)
            .map_or(0, |(_, code)| *code)
    }

    pub(super) fn from_code(code: u16) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(_, known)| *known == code)
            .map(|(kind, _)| *kind)
    }
}

/// Which snapshot a sealed part belongs to; every context starts with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) hospital: HospitalId,
    pub(super) epoch: u64,
    pub(super) delta: u32,
}

impl Place {
    /// Keys are the epoch's: the delta is not part of the context.
    fn of_epoch(&self, kind: &'static str) -> Context {
        Context::new(kind, &self.hospital).u64(self.epoch)
    }

    /// Sections are one file's: the delta is part of the context.
    fn of_file(&self, kind: &'static str) -> Context {
        self.of_epoch(kind).u32(self.delta)
    }

    pub(super) fn station_key(&self, station: &StationId) -> Context {
        self.of_epoch("tgk").fixed(station.as_bytes())
    }

    pub(super) fn role_key(&self, user: &UserId, role: RoleId) -> Context {
        self.of_epoch("rk").fixed(user.as_bytes()).u16(role.0)
    }

    pub(super) fn recovery(&self) -> Context {
        self.of_file("recov")
    }

    pub(super) fn users(&self) -> Context {
        self.of_file("users")
    }

    pub(super) fn rings(&self) -> Context {
        self.of_file("rings")
    }

    pub(super) fn ring(&self, role: RoleId) -> Context {
        self.of_file("ring").u16(role.0)
    }

    pub(super) fn index(&self, compartment: CompartmentId) -> Context {
        self.of_file("idx").u16(compartment.0)
    }

    /// Of one delta: two of an epoch have the same keys and must not stand in for each other.
    pub(super) fn changes(&self, delta: u32, compartment: CompartmentId) -> Context {
        self.of_epoch("idxd").u32(delta).u16(compartment.0)
    }

    pub(super) fn dictionary(&self) -> Context {
        self.of_file("dict")
    }

    /// Records are bound to the epoch and to their place in the file, so that a delta can point into its base.
    pub(super) fn record(&self, offset: u64) -> Context {
        self.of_epoch("rec").u64(offset)
    }
}
