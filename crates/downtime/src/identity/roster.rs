//! The roster: who is enrolled at this hospital, people and stations. Public keys and sealed slots only.
//!
//! A stolen roster opens nothing: private halves lie in slots behind Argon2id. The roster goes into every snapshot, so a
//! station needs no other file to know who may sign in.

use chart::StationCode;
use minicbor::{Decode, Encode};
use rand_core::CryptoRng;

use super::{
    Credentials, HospitalId, MIN_PASSWORD_CHARS, Role, RolePublic, RoleSecret, SealerPublic, Slot, SlotCost, SlotFault,
    StationId, StationPublic, UserPublic, UserRecord, UserSecret, journal_context, station_id, user_id,
};

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
}

/// 32 bytes as one CBOR byte string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
struct Bytes32(#[cbor(n(0), with = "minicbor::bytes")] [u8; 32]);

/// One enrolled user.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct RosterUser {
    /// What every station may read.
    #[n(0)]
    pub record: UserRecord,
    /// Public key.
    #[cbor(n(1), with = "minicbor::bytes")]
    public: [u8; 32],
    /// The password slot.
    #[cbor(n(2), with = "minicbor::bytes")]
    slot: Vec<u8>,
    /// Left out of the next snapshot.
    #[n(3)]
    pub disabled: bool,
}

/// A user to enrol.
#[derive(Clone, Copy)]
pub struct NewUser<'a> {
    /// 職員番号
    pub staff_number: &'a str,
    /// Name as shown.
    pub name: &'a str,
    /// Occupation.
    pub role: Role,
    /// At least [`MIN_PASSWORD_CHARS`] characters.
    pub password: &'a str,
}

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
}

/// Why the roster could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum RosterFault {
    /// Damaged or newer.
    #[error("名簿（roster）を読めません。壊れているか、新しい版で書かれています: {0}")]
    Unreadable(String),
    /// The password is too short.
    #[error("パスワードが短すぎます。{MIN_PASSWORD_CHARS} 文字以上にしてください（バッジを使わないため）")]
    ShortPassword,
    /// The number is taken.
    #[error("職員番号 {0} はもう登録されています")]
    Taken(String),
    /// A station code or node number is taken, or out of bounds.
    #[error("端末 {0} は登録できません。記号・番号・文字が重なっているか、番号が 1–{MAX_NODE} の外です")]
    StationTaken(StationCode),
    /// A slot or key could not be made.
    #[error("鍵を作れませんでした: {0}")]
    Key(String),
}

impl Roster {
    /// A hospital without users or stations.
    #[must_use]
    pub fn new(hospital: HospitalId, name: &str, journal: &RolePublic, sealer: &SealerPublic) -> Self {
        Self {
            hospital: hospital.0,
            name: name.to_owned(),
            journal: journal.to_bytes(),
            sealers: vec![Bytes32(sealer.to_bytes())],
            users: Vec::new(),
            stations: Vec::new(),
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

    /// Sealers whose snapshots are accepted.
    ///
    /// # Errors
    /// [`RosterFault::Unreadable`] when the bytes are not a usable key.
    pub fn sealers(&self) -> Result<Vec<SealerPublic>, RosterFault> {
        let key = |b: &Bytes32| SealerPublic::from_bytes(&b.0).map_err(|e| RosterFault::Unreadable(e.to_string()));
        self.sealers.iter().map(key).collect()
    }

    /// Enrols a user with a password. The journal secret is needed because only who holds it can pass it on.
    ///
    /// # Errors
    /// [`RosterFault`] when the number is taken, the password too short, or a key cannot be made.
    pub fn enrol_user(
        &mut self,
        new: &NewUser<'_>,
        journal: &RoleSecret,
        cost: SlotCost,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<(), RosterFault> {
        let NewUser {
            staff_number,
            name,
            role,
            password,
        } = *new;
        if self.users.iter().any(|u| u.record.staff_number == staff_number) {
            return Err(RosterFault::Taken(staff_number.to_owned()));
        }
        if password.chars().count() < MIN_PASSWORD_CHARS {
            return Err(RosterFault::ShortPassword);
        }
        let hospital = self.hospital();
        let user = user_id(&hospital, staff_number);
        let secret = UserSecret::random(rng);
        let who = Credentials::Password(password);
        let slot = Slot::create(&hospital, &user, 0, &who, &secret, cost, rng)
            .map_err(|fault: SlotFault| RosterFault::Key(fault.to_string()))?;
        let journal_wrap = vault::wrap::wrap(
            &secret.public(),
            &journal_context(&hospital, &user),
            &journal.to_file_bytes(),
            rng,
        )
        .map_err(|fault| RosterFault::Key(fault.to_string()))?;
        let record = UserRecord {
            staff_number: staff_number.to_owned(),
            name: name.to_owned(),
            role,
            journal_wrap,
        };
        let public = secret.public().to_bytes();
        self.users.push(RosterUser {
            record,
            public,
            slot: slot.as_bytes().to_vec(),
            disabled: false,
        });
        Ok(())
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
        });
        Ok(())
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

impl RosterUser {
    /// Public key.
    ///
    /// # Errors
    /// [`RosterFault::Unreadable`] when the bytes are not a usable key.
    pub fn public(&self) -> Result<UserPublic, RosterFault> {
        UserPublic::from_bytes(&self.public).map_err(|e| RosterFault::Unreadable(e.to_string()))
    }

    /// The password slot.
    ///
    /// # Errors
    /// [`RosterFault::Unreadable`] when the bytes are not a slot.
    pub fn slot(&self) -> Result<Slot, RosterFault> {
        Slot::from_bytes(&self.slot).map_err(|e| RosterFault::Unreadable(e.to_string()))
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
