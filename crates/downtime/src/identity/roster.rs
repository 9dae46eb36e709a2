//! The roster: who is enrolled at this hospital, people and stations. Public keys and sealed slots only.
//!
//! A stolen roster opens nothing: private halves lie in slots behind Argon2id. The roster goes into every snapshot, so a
//! station needs no other file to know who may sign in.

use chart::StationCode;
use minicbor::{Decode, Encode};

use super::password::Weak;
use super::{HospitalId, RecoveryPublic, RolePublic, SealerPublic, StationId, StationPublic, station_id};

mod lines;
mod users;

pub use users::{Change, MAX_HISTORY, NewUser, RosterUser, Sponsor};

/// Largest node number of a station. 80–99 belong to packs printed before anybody is there (`forms::pack`).
pub const MAX_NODE: u8 = 79;

/// Everybody and everything enrolled.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Roster {
    /// 16 random bytes, chosen at set-up.
    #[cbor(n(0), with = "minicbor::bytes")]
    hospital: [u8; 16],
    /// Name of the hospital for screens and paper.
    #[n(1)]
    pub name: String,
    /// Public half of the journal role: entries are sealed to it.
    #[cbor(n(2), with = "minicbor::bytes")]
    journal: [u8; 32],
    /// Sealers whose snapshots are accepted.
    #[n(3)]
    sealers: Vec<Bytes32>,
    /// Users.
    #[n(4)]
    pub users: Vec<RosterUser>,
    /// Stations.
    #[n(5)]
    pub stations: Vec<Enrolled>,
    /// Public half of the audit role: sightings are sealed to it.
    #[cbor(n(6), with = "minicbor::bytes")]
    audit: [u8; 32],
    /// Public half of the recovery key, where shares were printed: snapshots and journals are sealed to it too.
    #[n(7)]
    #[cbor(default)]
    recovery: Option<Bytes32>,
    /// Authorities (certificates, DER) whose word on the line counts: who a station or hub is, over TLS. Empty where none was made.
    #[n(11)]
    #[cbor(default)]
    authorities: Vec<minicbor::bytes::ByteVec>,
}

/// 32 bytes as one CBOR byte string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
struct Bytes32(#[cbor(n(0), with = "minicbor::bytes")] [u8; 32]);

/// One enrolled station.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Enrolled {
    /// `R03`
    #[n(0)]
    pub code: StationCode,
    /// Node number of its form numbers, 1–[`MAX_NODE`].
    #[n(1)]
    pub node: u8,
    /// Letter in front of its reception numbers.
    #[n(2)]
    pub letter: char,
    /// Public keys (X25519 and Ed25519).
    #[cbor(n(3), with = "minicbor::bytes")]
    public: [u8; 64],
    /// Disposed of, lost or stolen: no further snapshot is sealed for it. Its key stays, because what it signed before still counts.
    #[n(4)]
    #[cbor(default)]
    pub retired: bool,
    /// Wards it serves, by code; empty for none in particular.
    #[n(5)]
    #[cbor(default)]
    pub wards: Vec<String>,
    /// Departments it serves, by code; empty for none in particular.
    #[n(6)]
    #[cbor(default)]
    pub departments: Vec<String>,
    /// Where other stations reach it, `https://host:port`; `None` where only it visits others.
    #[n(7)]
    #[cbor(default)]
    pub address: Option<String>,
    /// True for a hub: it seals, and every station visits it.
    #[n(8)]
    #[cbor(default)]
    pub hub: bool,
}

/// Why the roster could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum RosterFault {
    /// Damaged or newer.
    #[error("名簿（roster）を読めません。壊れているか、新しい版で書かれています: {0}")]
    Unreadable(String),
    /// The password is too short or too easy.
    #[error(transparent)]
    Weak(#[from] Weak),
    /// The number is taken.
    #[error("職員番号 {0} はもう登録されています")]
    Taken(String),
    /// A station code or node number is taken, or out of bounds.
    #[error("端末 {0} は登録できません。記号・番号・文字が重なっているか、番号が 1–{MAX_NODE} の外です")]
    StationTaken(StationCode),
    /// Nobody of this number.
    #[error("職員番号 {0} は名簿にありません")]
    Unknown(String),
    /// A reset without a word on how the person was recognised.
    #[error("本人をどう確かめたかを書いてください。再発行していません")]
    NoIdentityCheck,
    /// The sponsor does not hold what the new user needs.
    #[error("{0}を読む鍵を持つ人だけが、その鍵を渡せます。鍵を持つ人がサインインして登録してください")]
    CannotPassOn(&'static str),
    /// The new post reads what the old one did not.
    #[error("職員番号 {0} の新しい職種には新しい鍵が必要です。再発行（reset）で職種を変えてください")]
    NeedsReset(String),
    /// A slot or key could not be made.
    #[error("鍵を作れませんでした: {0}")]
    Key(String),
}

impl Roster {
    /// A hospital without users or stations.
    #[must_use]
    pub fn new(
        hospital: HospitalId,
        name: &str,
        journal: &RolePublic,
        audit: &RolePublic,
        sealer: &SealerPublic,
    ) -> Self {
        Self {
            hospital: hospital.0,
            name: name.to_owned(),
            journal: journal.to_bytes(),
            sealers: vec![Bytes32(sealer.to_bytes())],
            users: Vec::new(),
            stations: Vec::new(),
            audit: audit.to_bytes(),
            recovery: None,
            authorities: Vec::new(),
        }
    }

    /// The hospital's 16 bytes.
    #[must_use]
    pub const fn hospital(&self) -> HospitalId {
        HospitalId(self.hospital)
    }

    /// Public half of the journal role.
    ///
    /// # Errors
    /// [`RosterFault::Unreadable`] when the bytes are not a usable key.
    pub fn journal(&self) -> Result<RolePublic, RosterFault> {
        RolePublic::from_bytes(&self.journal).map_err(|e| RosterFault::Unreadable(e.to_string()))
    }

    /// Public half of the audit role.
    ///
    /// # Errors
    /// [`RosterFault::Unreadable`] when the bytes are not a usable key.
    pub fn audit(&self) -> Result<RolePublic, RosterFault> {
        RolePublic::from_bytes(&self.audit).map_err(|e| RosterFault::Unreadable(e.to_string()))
    }

    /// Public half of the recovery key, if shares were printed.
    ///
    /// # Errors
    /// [`RosterFault::Unreadable`] when the bytes are not a usable key.
    pub fn recovery(&self) -> Result<Option<RecoveryPublic>, RosterFault> {
        let key = |b: &Bytes32| RecoveryPublic::from_bytes(&b.0).map_err(|e| RosterFault::Unreadable(e.to_string()));
        self.recovery.as_ref().map(key).transpose()
    }

    /// From the next sealing on, snapshots are sealed to this recovery key too.
    pub fn set_recovery(&mut self, public: &RecoveryPublic) {
        self.recovery = Some(Bytes32(public.to_bytes()));
    }

    /// Sealers whose snapshots are accepted.
    ///
    /// # Errors
    /// [`RosterFault::Unreadable`] when the bytes are not a usable key.
    pub fn sealers(&self) -> Result<Vec<SealerPublic>, RosterFault> {
        let key = |b: &Bytes32| SealerPublic::from_bytes(&b.0).map_err(|e| RosterFault::Unreadable(e.to_string()));
        self.sealers.iter().map(key).collect()
    }

    /// Enrols a station.
    ///
    /// # Errors
    /// [`RosterFault::StationTaken`] when code, node or letter are in use or the node is not 1–[`MAX_NODE`].
    pub fn enrol_station(
        &mut self,
        code: StationCode,
        node: u8,
        letter: char,
        public: &StationPublic,
    ) -> Result<(), RosterFault> {
        let taken = self
            .stations
            .iter()
            .any(|s| s.code == code || s.node == node || s.letter == letter);
        if taken || node == 0 || node > MAX_NODE || !letter.is_ascii_uppercase() {
            return Err(RosterFault::StationTaken(code));
        }
        self.stations.push(Enrolled {
            code,
            node,
            letter,
            public: public.to_bytes(),
            retired: false,
            wards: Vec::new(),
            departments: Vec::new(),
            address: None,
            hub: false,
        });
        Ok(())
    }

    /// Takes a station out: it opens no snapshot that is sealed from now on. Its code, node and letter stay taken, because they stand
    /// on paper. False when there is no such station, or it was taken out before.
    pub fn retire_station(&mut self, code: StationCode) -> bool {
        let station = self.stations.iter_mut().find(|s| s.code == code && !s.retired);
        station.map(|station| station.retired = true).is_some()
    }

    /// The part every enrolled station may read without a user: hospital, stations, sealers, the journal's public key.
    #[must_use]
    pub fn without_users(&self) -> Self {
        Self {
            users: Vec::new(),
            ..self.clone()
        }
    }

    /// One station by its code.
    #[must_use]
    pub fn station(&self, code: StationCode) -> Option<&Enrolled> {
        self.stations.iter().find(|s| s.code == code)
    }

    /// The vault's name of a station.
    #[must_use]
    pub fn station_id(&self, code: StationCode) -> StationId {
        station_id(&self.hospital(), code)
    }

    /// CBOR, as `roster.cbor` and as the snapshot's policy bytes hold it.
    ///
    /// # Errors
    /// [`RosterFault::Unreadable`] when a field refuses to encode.
    pub fn to_bytes(&self) -> Result<Vec<u8>, RosterFault> {
        minicbor::to_vec(self).map_err(|e| RosterFault::Unreadable(e.to_string()))
    }

    /// Reads [`Self::to_bytes`].
    ///
    /// # Errors
    /// [`RosterFault::Unreadable`] when the bytes are not a roster.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RosterFault> {
        minicbor::decode(bytes).map_err(|e| RosterFault::Unreadable(e.to_string()))
    }
}

impl Enrolled {
    /// Public keys.
    ///
    /// # Errors
    /// [`RosterFault::Unreadable`] when the bytes are not usable keys.
    pub fn public(&self) -> Result<StationPublic, RosterFault> {
        StationPublic::from_bytes(&self.public).map_err(|e| RosterFault::Unreadable(e.to_string()))
    }
}
