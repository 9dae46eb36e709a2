//! Who may act: the roster of users and stations, and signing in.
//!
//! Signing in is decryption (security decision D1): a password opens a slot, the slot opens the user's key, the key opens
//! the snapshot's compartments and the journal. There is no "if password equals hash" anywhere, online or offline.

use std::sync::Arc;

use chart::{Author, Moment, StationCode};
use minicbor::{Decode, Encode};
use sha2::{Digest, Sha256};
use vault::context::Context;
use vault::keys::{RecoveryPublic, RolePublic, RoleSecret, SealerPublic, StationPublic, UserPublic, UserSecret};
use vault::slot::{Slot, SlotCost, SlotFault, Wants};
use vault::{HospitalId, StationId, UserId};

mod attempts;
pub mod enrolment;
pub mod passing;
pub mod password;
pub mod ranges;
mod role;
mod roster;
mod scope;

pub use vault::secret_text::{BadgeSecret, Carrier, EnvelopeSecret, Scanned};
pub use vault::slot::Credentials;

pub use attempts::{Admission, Attempts, LOCK_AFTER, LOCK_SECONDS};
pub use role::{Ordering, Role, verb};
pub use roster::{
    Change, Enrolled, Former, Hand, MAX_GENERATION, MAX_HISTORY, MAX_NODE, NewStation, NewUser, Roster, RosterFault,
    RosterUser, Spare, Sponsor, Stamp, TEMPORARY_PER_LIFE,
};
pub use scope::{EVERYBODY, Rights, Scope};

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
    /// The journal role's secret, wrapped to this user's public key at enrolment; empty for who opens no chart.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub journal_wrap: Vec<u8>,
    /// Whose charts.
    #[n(4)]
    #[cbor(default)]
    pub scope: Scope,
    /// Number of the continuity badge in force, 8 digits; 0 without one.
    #[n(5)]
    #[cbor(default)]
    pub badge: u32,
    /// The audit role's secret, wrapped to this user's public key; empty for who does not read the audit log.
    #[cbor(n(6), with = "minicbor::bytes", default)]
    pub audit_wrap: Vec<u8>,
    /// After this moment the account opens nothing (maintenance: at most four hours).
    #[n(7)]
    #[cbor(default)]
    pub until: Option<Moment>,
    /// Why the account exists: the ticket of a maintenance, the place an envelope is kept.
    #[n(8)]
    #[cbor(default)]
    pub purpose: String,
}

impl UserRecord {
    /// Somebody with a number and a name and nothing else yet.
    #[must_use]
    pub fn named(staff_number: &str, name: &str) -> Self {
        Self {
            staff_number: staff_number.to_owned(),
            name: name.to_owned(),
            role: Role::Reception,
            journal_wrap: Vec::new(),
            scope: Scope::default(),
            badge: 0,
            audit_wrap: Vec::new(),
            until: None,
            purpose: String::new(),
        }
    }
}

/// What a successful sign-in holds: keys in memory, dropped with the last reference.
pub struct Unlocked {
    /// The user's key.
    pub secret: UserSecret,
    /// Opens journal entries; nobody without charts has it.
    pub journal: Option<Arc<RoleSecret>>,
    /// Opens the audit log; only auditors and privacy officers have it.
    pub audit: Option<Arc<RoleSecret>>,
    /// Who acts.
    pub author: Author,
    /// By what right.
    pub role: Role,
    /// What they brought.
    pub brought: Wants,
    /// After this moment the account opens nothing.
    pub until: Option<Moment>,
}

impl std::fmt::Debug for Unlocked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Unlocked({}, {})", self.author.user, self.role.word())
    }
}

/// Why nobody was signed in. One text for a wrong number, password or badge and for a disabled user: no enumeration.
#[derive(Debug, thiserror::Error)]
pub enum SignInFault {
    /// Unknown user, wrong password or badge, disabled or expired user.
    #[error("職員番号・バッジ・パスワードのどれかが違います。入力を確かめて、もう一度入ってください")]
    Refused,
    /// Too many failures: in so many seconds.
    #[error("続けて失敗したため、あと {0} 秒待ってからもう一度入ってください")]
    Wait(i64),
    /// Locked on this station for so many seconds.
    #[error(
        "失敗が続いたため、この端末ではあと {0} 秒サインインできません。ほかの端末では入れます。急ぐときは緊急封筒を使ってください"
    )]
    Locked(i64),
    /// There is no snapshot on this station, so there are no accounts either.
    #[error("この端末にはまだデータがありません。医療情報担当へ連絡してください")]
    NoSnapshot,
    /// Long without contact and nobody declared a downtime: only a sealed envelope opens.
    #[error("データは {0} 時間前のもので、停止の宣言もありません。緊急封筒で開くか、責任者が停止を宣言してください")]
    TooOld(i64),
    /// The audit log cannot be written: nothing opens.
    #[error("{0}")]
    NotAudited(String),
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

/// The 16-byte name inside the vault of the machine that had a code as its `generation`th: each has keys, journal and audit log of
/// its own.
#[must_use]
pub fn station_id_of(hospital: &HospitalId, code: StationCode, generation: u8) -> StationId {
    if generation == 0 {
        return StationId(short_hash(hospital, b"station", code.as_str().as_bytes()));
    }
    StationId(short_hash(
        hospital,
        b"station",
        format!("{code}#{generation}").as_bytes(),
    ))
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

/// The place a wrapped audit secret is bound to.
fn audit_context(hospital: &HospitalId, user: &UserId) -> Context {
    Context::new("audit-role", hospital).fixed(user.as_bytes())
}

/// Opens one user's slot with what they brought, and everything that follows from it. A slot that wants something else
/// costs as much time as one that does not open.
///
/// # Errors
/// [`SignInFault::Refused`] when nothing opens; [`SignInFault::Slot`] when the slot cannot be read.
pub fn unlock(
    hospital: &HospitalId,
    record: &UserRecord,
    slots: &[Slot],
    who: &Credentials<'_>,
) -> Result<Unlocked, SignInFault> {
    let user = user_id(hospital, &record.staff_number);
    let slot = slots.first().ok_or(SignInFault::Refused)?;
    let secret = slot.open(hospital, &user, 0, who).map_err(|fault| match fault {
        SlotFault::CannotOpen | SlotFault::Password => SignInFault::Refused,
        other => SignInFault::Slot(other),
    })?;
    let role_secret = |wrap: &[u8], context: Context| -> Result<Option<Arc<RoleSecret>>, SignInFault> {
        if wrap.is_empty() {
            return Ok(None);
        }
        let seed = vault::wrap::unwrap(&secret, &context, wrap).map_err(|_| SignInFault::Refused)?;
        let key = RoleSecret::from_file_bytes(&seed).map_err(|_| SignInFault::Refused)?;
        Ok(Some(Arc::new(key)))
    };
    let journal = role_secret(&record.journal_wrap, journal_context(hospital, &user))?;
    let audit = role_secret(&record.audit_wrap, audit_context(hospital, &user))?;
    let author = Author {
        user: record.staff_number.clone(),
        name: record.name.clone(),
        role: record.role.word().to_owned(),
    };
    Ok(Unlocked {
        secret,
        journal,
        audit,
        author,
        role: record.role,
        brought: who.suit(),
        until: record.until,
    })
}
