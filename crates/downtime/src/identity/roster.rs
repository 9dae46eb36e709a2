//! The roster: who is enrolled at this hospital, people and stations. Public keys and sealed slots only.
//!
//! A stolen roster opens nothing: private halves lie in slots behind Argon2id. The roster goes into every snapshot, so a
//! station needs no other file to know who may sign in.

use chart::StationCode;
use minicbor::{Decode, Encode};

use super::password::Weak;
use super::{HospitalId, RecoveryPublic, RolePublic, SealerPublic};

mod lines;
mod rule;
mod stations;
mod users;

pub use rule::Stamp;
pub use stations::{Enrolled, Former, Hand, MAX_GENERATION, MAX_NODE, NewStation, Spare, TEMPORARY_PER_LIFE};
pub use users::{Change, MAX_HISTORY, NewUser, RosterUser, Sponsor};

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
    /// How often it was written; with the term it tells the newer of two.
    #[n(8)]
    #[cbor(default)]
    version: u64,
    /// How often another hub took over keeping it.
    #[n(9)]
    #[cbor(default)]
    term: u64,
    /// The hub at which it is changed; before there were several, the only one.
    #[n(10)]
    #[cbor(default)]
    keeper: Option<StationCode>,
}

/// 32 bytes as one CBOR byte string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
struct Bytes32(#[cbor(n(0), with = "minicbor::bytes")] [u8; 32]);

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
    #[error(
        "端末 {0} は登録できません。記号・番号・文字・鍵のどれかがほかの端末と重なっているか、番号が 1–{MAX_NODE} の外です"
    )]
    StationTaken(StationCode),
    /// No such station.
    #[error("端末 {0} は名簿にありません")]
    NoStation(StationCode),
    /// No numbers are left for another machine under this code.
    #[error("端末 {0} に渡せる番号が残っていません。新しい記号で登録してください")]
    NoNumbers(StationCode),
    /// The roster is changed at another hub.
    #[error(
        "名簿を変えられるのは hub {0} だけです。何も変えていません。{0} で行うか、{0} がもう動かないときだけ、この hub で `tomoshibi station promote` を実行してください"
    )]
    KeptElsewhere(StationCode),
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
            version: 0,
            term: 0,
            keeper: None,
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

    /// The part every enrolled station may read without a user: hospital, stations, sealers, the journal's public key.
    #[must_use]
    pub fn without_users(&self) -> Self {
        Self {
            users: Vec::new(),
            ..self.clone()
        }
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
