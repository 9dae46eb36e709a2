//! Who may act: the roster of users and stations, and signing in.
//!
//! Signing in is decryption (security decision D1): a password opens a slot, the slot opens the user's key, the key opens
//! the snapshot's compartments and the journal. There is no "if password equals hash" anywhere, online or offline.

use std::sync::Arc;

use chart::{Author, StationCode};
use minicbor::{Decode, Encode};
use sha2::{Digest, Sha256};
use vault::context::Context;
use vault::keys::{RolePublic, RoleSecret, SealerPublic, StationPublic, UserPublic, UserSecret};
use vault::slot::{Credentials, Slot, SlotCost, SlotFault};
use vault::{HospitalId, StationId, UserId};

mod roster;

pub use roster::{Enrolled, MAX_NODE, NewUser, Roster, RosterFault, RosterUser};

/// Occupation under which somebody acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Role {
    /// 受付・医事
    #[n(0)]
    Reception,
    /// 医師
    #[n(1)]
    Physician,
    /// 医療情報担当
    #[n(2)]
    Informatics,
}

impl Role {
    /// Every role of this version.
    pub const ALL: [Self; 3] = [Self::Reception, Self::Physician, Self::Informatics];

    /// Stable word for files, entries and exports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Reception => "reception",
            Self::Physician => "physician",
            Self::Informatics => "informatics",
        }
    }

    /// 受付 医師 医療情報
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Reception => "受付",
            Self::Physician => "医師",
            Self::Informatics => "医療情報",
        }
    }

    /// The reverse of [`Self::word`].
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }
}

/// Shortest password where no badge is used (MHLW guideline Q&A シQ-54 (a) asks 13, NIST SP 800-63B-4 asks 15).
pub const MIN_PASSWORD_CHARS: usize = 15;

/// What every enrolled station can read about a user, to offer the sign-in: the opaque record of the snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct UserRecord {
    /// 職員番号
    #[n(0)]
    pub staff_number: String,
    /// Name as shown.
    #[n(1)]
    pub name: String,
    /// Occupation.
    #[n(2)]
    pub role: Role,
    /// The journal role's secret, wrapped to this user's public key at enrolment.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub journal_wrap: Vec<u8>,
}

/// What a successful sign-in holds: keys in memory, dropped with the last reference.
pub struct Unlocked {
    /// The user's key.
    pub secret: UserSecret,
    /// Opens journal entries.
    pub journal: Arc<RoleSecret>,
    /// Who acts.
    pub author: Author,
    /// By what right.
    pub role: Role,
}

impl std::fmt::Debug for Unlocked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Unlocked({}, {})", self.author.user, self.role.word())
    }
}

/// Why nobody was signed in. One text for a wrong number and a wrong password: no enumeration.
#[derive(Debug, thiserror::Error)]
pub enum SignInFault {
    /// Unknown user, wrong password, disabled user.
    #[error("職員番号かパスワードが違います。入力を確かめて、もう一度入ってください")]
    Refused,
    /// There is no snapshot on this station, so there are no accounts either.
    #[error("この端末にはまだデータがありません。医療情報担当へ連絡してください")]
    NoSnapshot,
    /// The slot cannot be read (newer program, damage).
    #[error("この職員の鍵を読めません: {0}")]
    Slot(SlotFault),
    /// Something else failed; nothing was opened.
    #[error("サインインできませんでした: {0}")]
    Failed(String),
}

/// A station's or user's 16-byte name inside the vault: a hash, never the staff number in clear.
#[must_use]
pub fn user_id(hospital: &HospitalId, staff_number: &str) -> UserId {
    UserId(short_hash(hospital, b"user", staff_number.as_bytes()))
}

/// A station's 16-byte name inside the vault.
#[must_use]
pub fn station_id(hospital: &HospitalId, code: StationCode) -> StationId {
    StationId(short_hash(hospital, b"station", code.as_str().as_bytes()))
}

fn short_hash(hospital: &HospitalId, kind: &[u8], name: &[u8]) -> [u8; 16] {
    let digest: [u8; 32] = Sha256::new()
        .chain_update(hospital.as_bytes())
        .chain_update(kind)
        .chain_update([0])
        .chain_update(name)
        .finalize()
        .into();
    let mut out = [0; 16];
    out.copy_from_slice(digest.split_at(16).0);
    out
}

/// The place a wrapped journal secret is bound to.
fn journal_context(hospital: &HospitalId, user: &UserId) -> Context {
    Context::new("journal-role", hospital).fixed(user.as_bytes())
}

/// Opens one user's slot with a password and everything that follows from it.
///
/// # Errors
/// [`SignInFault::Refused`] when the password does not open the slot; [`SignInFault::Slot`] when the slot cannot be read.
pub fn unlock(
    hospital: &HospitalId,
    record: &UserRecord,
    slots: &[Slot],
    password: &str,
) -> Result<Unlocked, SignInFault> {
    let user = user_id(hospital, &record.staff_number);
    let slot = slots.first().ok_or(SignInFault::Refused)?;
    let who = Credentials::Password(password);
    let secret = slot.open(hospital, &user, 0, &who).map_err(|fault| match fault {
        SlotFault::CannotOpen | SlotFault::Password => SignInFault::Refused,
        other => SignInFault::Slot(other),
    })?;
    let seed = vault::wrap::unwrap(&secret, &journal_context(hospital, &user), &record.journal_wrap)
        .map_err(|_| SignInFault::Refused)?;
    let journal = RoleSecret::from_file_bytes(&seed).map_err(|_| SignInFault::Refused)?;
    let author = Author {
        user: record.staff_number.clone(),
        name: record.name.clone(),
        role: record.role.word().to_owned(),
    };
    Ok(Unlocked {
        secret,
        journal: Arc::new(journal),
        author,
        role: record.role,
    })
}
