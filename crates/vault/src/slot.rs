//! A slot: a user's secret, opened by what the user knows and has.
//!
//! ```text
//! A     = Argon2id(NFKC(password) or the envelope's 16 bytes, salt(16), m, t, p) → 32
//! K_kek = HKDF-SHA256(ikm = A ‖ badge, salt = salt, info = "TMB1/kek" ‖ 0 ‖ kind)
//! slot  = ver ‖ suite ‖ kind ‖ 0 ‖ m u32 ‖ t u32 ‖ p u32 ‖ salt(16) ‖ SealBox(K_kek, context(user, number, all before), user secret)
//! ```
//! Argon2id is RFC 9106. The password is normalised once (NFKC, Unicode TR 15; NIST SP 800-63B), so that the same
//! password typed on another keyboard is the same. Parameters are authenticated and bounded both ways before any
//! memory is spent. There is no comparison anywhere: a slot opens, or nothing is there to be had. The kind of what is
//! brought enters the key, so a slot of one kind does not open with the credentials of another, whatever its head says.
//! An envelope takes the same path as a password: its secret needs no stretching, and gets the least there is.
//!
//! Delays after failures, lock-out, password rules and blocklists are deliberately not here.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use rand_core::CryptoRng;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use crate::codec::{Malformed, Reader};
use crate::context::{Context, SUITE_1};
use crate::ids::{HospitalId, UserId};
use crate::keys::{Key32, UserSecret};
use crate::sealbox::{self, CannotOpen};
use crate::secret_text::{BadgeSecret, EnvelopeSecret, SECRET_LEN};

/// Longest password accepted, in bytes after normalisation.
pub const MAX_PASSWORD: usize = 1024;
/// Length of a slot in bytes.
pub const SLOT_LEN: usize = HEAD + 32 + sealbox::OVERHEAD;
/// Longest slot of any kind, reserved ones included.
pub const MAX_SLOT: usize = 1024;

const HEAD: usize = 4 + 12 + SALT;
const SALT: usize = 16;
const VERSION: u8 = 1;
const KIND_PASSWORD: u8 = 1;
const KIND_PASSWORD_BADGE: u8 = 2;
/// Reserved: password and a FIDO2 `hmac-secret` (32 bytes) in the place of the badge.
pub const KIND_FIDO2: u8 = 3;
const KIND_ENVELOPE: u8 = 4;

/// What Argon2id costs, within bounds that are checked when written and when read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotCost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl SlotCost {
    /// 64 MiB, 3 passes, 1 lane: what a hospital uses.
    pub const STANDARD: Self = Self {
        memory_kib: 64 * 1024,
        passes: 3,
        lanes: 1,
    };
    /// 19 MiB, 2 passes, 1 lane: the OWASP floor (Password Storage Cheat Sheet); nothing weaker is written or opened.
    pub const FLOOR: Self = Self {
        memory_kib: 19 * 1024,
        passes: 2,
        lanes: 1,
    };
    /// 512 MiB: more is refused, so that a changed file cannot exhaust a station's memory.
    pub const MAX_MEMORY_KIB: u32 = 512 * 1024;
    /// 10 passes: more is refused, so that a changed file cannot keep a station busy.
    pub const MAX_PASSES: u32 = 10;
    /// 4 lanes.
    pub const MAX_LANES: u32 = 4;

    /// A cost of `memory_kib` KiB, `passes` and `lanes`; `None` outside the bounds.
    #[must_use]
    pub fn new(memory_kib: u32, passes: u32, lanes: u32) -> Option<Self> {
        let sane = (Self::FLOOR.memory_kib..=Self::MAX_MEMORY_KIB).contains(&memory_kib)
            && (Self::FLOOR.passes..=Self::MAX_PASSES).contains(&passes)
            && (Self::FLOOR.lanes..=Self::MAX_LANES).contains(&lanes);
        sane.then_some(Self {
            memory_kib,
            passes,
            lanes,
        })
    }
}

/// What a person brings to open a slot: one of the ways, never a mixture. Passwords as typed; they are normalised here.
#[derive(Clone, Copy)]
pub enum Credentials<'a> {
    /// A password alone.
    Password(&'a str),
    /// A password and the secret read from the continuity badge.
    PasswordAndBadge {
        /// The password.
        password: &'a str,
        /// The badge.
        badge: &'a BadgeSecret,
    },
    /// The secret from a sealed envelope, alone.
    Envelope(&'a EnvelopeSecret),
}

/// What a slot wants brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wants {
    /// [`Credentials::Password`].
    Password,
    /// [`Credentials::PasswordAndBadge`].
    PasswordAndBadge,
    /// [`Credentials::Envelope`].
    Envelope,
}

impl Credentials<'_> {
    /// The slots these credentials are for.
    #[must_use]
    pub fn suit(&self) -> Wants {
        match self {
            Self::Password(_) => Wants::Password,
            Self::PasswordAndBadge { .. } => Wants::PasswordAndBadge,
            Self::Envelope(_) => Wants::Envelope,
        }
    }
}

impl Wants {
    fn kind(self) -> u8 {
        match self {
            Self::Password => KIND_PASSWORD,
            Self::PasswordAndBadge => KIND_PASSWORD_BADGE,
            Self::Envelope => KIND_ENVELOPE,
        }
    }

    fn from_kind(kind: u8) -> Option<Self> {
        let all = [Self::Password, Self::PasswordAndBadge, Self::Envelope];
        all.into_iter().find(|wants| wants.kind() == kind)
    }
}

/// Why a slot was not made or not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SlotFault {
    /// The password is empty or longer than [`MAX_PASSWORD`] bytes.
    #[error("the password is empty or too long; nothing was changed; use 1 to 1,024 bytes")]
    Password,
    /// The bytes are not a slot this version can open (newer version, reserved kind, or damage).
    #[error(
        "this slot cannot be read by this version; nothing was opened; update the program or have the badge and password reset"
    )]
    Unknown,
    /// The key derivation parameters are outside the sane bounds.
    #[error(
        "this slot asks for a key derivation outside the allowed bounds; nothing was opened; have the password reset"
    )]
    Cost,
    /// Wrong password, badge or envelope, another user's slot, another way than the slot wants, or changed bytes: not
    /// said which.
    #[error(
        "what was typed and scanned does not open this slot; nothing was opened; try again or use a sealed envelope"
    )]
    CannotOpen,
    /// Not enough memory for Argon2id.
    #[error(
        "this station has not enough free memory to check the password; nothing was opened; close other programs and try again"
    )]
    Memory,
}

/// A slot as bytes: what is stored in the user section of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot(Vec<u8>);

impl Slot {
    /// Makes slot number `number` of `user` for `secret`, which will open with what is in `who` and nothing else. The
    /// cost is that of passwords: an envelope's slot always has [`SlotCost::FLOOR`].
    ///
    /// # Errors
    /// [`SlotFault::Password`] or [`SlotFault::Memory`].
    pub fn create(
        hospital: &HospitalId,
        user: &UserId,
        number: u8,
        who: &Credentials<'_>,
        secret: &UserSecret,
        cost: SlotCost,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Self, SlotFault> {
        let mut salt = [0; SALT];
        rng.fill_bytes(&mut salt);
        let wants = who.suit();
        let cost = if wants == Wants::Envelope {
            SlotCost::FLOOR
        } else {
            cost
        };
        let mut bytes = Vec::with_capacity(SLOT_LEN);
        bytes.extend_from_slice(&[VERSION, SUITE_1, wants.kind(), 0]);
        for number in [cost.memory_kib, cost.passes, cost.lanes] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&salt);
        let key = key_for(who, cost, &salt)?;
        let ctx = slot_context(hospital, user, number, &bytes);
        sealbox::seal_into(&key, &ctx, &*secret.to_seed(), rng, &mut bytes);
        Ok(Self(bytes))
    }

    /// Opens the slot. Takes about as long for wrong credentials as for right ones.
    ///
    /// # Errors
    /// Any [`SlotFault`].
    pub fn open(
        &self,
        hospital: &HospitalId,
        user: &UserId,
        number: u8,
        who: &Credentials<'_>,
    ) -> Result<UserSecret, SlotFault> {
        let head = self.head()?;
        let (_, cost, salt) = Self::parse_head(head)?;
        let key = key_for(who, cost, &salt)?;
        let sealed = self.0.get(HEAD..).ok_or(SlotFault::Unknown)?;
        let seed = sealbox::open(&key, &slot_context(hospital, user, number, head), sealed)?;
        let seed = Key32::from_slice(&seed).ok_or(SlotFault::CannotOpen)?;
        Ok(UserSecret::from_seed(seed.as_bytes()))
    }

    /// What the slot wants brought.
    ///
    /// # Errors
    /// [`SlotFault::Unknown`] or [`SlotFault::Cost`] when the slot is not one this version can open.
    pub fn wants(&self) -> Result<Wants, SlotFault> {
        Self::parse_head(self.head()?).map(|(wants, ..)| wants)
    }

    /// Spends the time and memory that opening this slot would take, and opens nothing: for a user who does not exist.
    pub fn pretend(&self, who: &Credentials<'_>) {
        if let Ok((_, cost, salt)) = self.head().and_then(Self::parse_head) {
            // Whatever comes out is erased unseen.
            drop(key_for(who, cost, &salt));
        }
    }

    /// The bytes to store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// A slot from stored bytes. Whether this version can open it shows when opening, so that one new-fashioned slot
    /// does not make a whole snapshot unreadable.
    ///
    /// # Errors
    /// [`SlotFault::Unknown`] when they are longer than [`MAX_SLOT`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SlotFault> {
        if bytes.len() <= MAX_SLOT {
            Ok(Self(bytes.to_vec()))
        } else {
            Err(SlotFault::Unknown)
        }
    }

    fn head(&self) -> Result<&[u8; HEAD], SlotFault> {
        self.0.first_chunk().ok_or(SlotFault::Unknown)
    }

    fn parse_head(head: &[u8; HEAD]) -> Result<(Wants, SlotCost, [u8; SALT]), SlotFault> {
        let malformed = |Malformed| SlotFault::Unknown;
        let mut reader = Reader::new(head);
        let [version, suite, kind, reserved] = reader.array().map_err(malformed)?;
        if version != VERSION || suite != SUITE_1 || reserved != 0 {
            return Err(SlotFault::Unknown);
        }
        let wants = Wants::from_kind(kind).ok_or(SlotFault::Unknown)?;
        let mut number = || reader.u32().map_err(malformed);
        let cost = SlotCost::new(number()?, number()?, number()?).ok_or(SlotFault::Cost)?;
        Ok((wants, cost, reader.array().map_err(malformed)?))
    }
}

impl From<CannotOpen> for SlotFault {
    fn from(_: CannotOpen) -> Self {
        Self::CannotOpen
    }
}

fn key_for(who: &Credentials<'_>, cost: SlotCost, salt: &[u8; SALT]) -> Result<Key32, SlotFault> {
    let stretched = match who {
        Credentials::Password(password) | Credentials::PasswordAndBadge { password, .. } => {
            stretch(normal(password)?.as_bytes(), cost, salt)?
        }
        Credentials::Envelope(secret) => stretch(secret.as_bytes(), cost, salt)?,
    };
    let mut material = Zeroizing::new(Vec::with_capacity(32 + SECRET_LEN));
    material.extend_from_slice(&*stretched);
    if let Credentials::PasswordAndBadge { badge, .. } = who {
        material.extend_from_slice(badge.as_bytes());
    }
    let info = [b"TMB1/kek\0".as_slice(), &[who.suit().kind()]].concat();
    Ok(Key32::from_bytes(*sealbox::derive::<32>(salt, &material, &info)))
}

fn normal(password: &str) -> Result<Zeroizing<String>, SlotFault> {
    // Room for everything at once: a string that grows would leave copies of the password behind.
    let mut normal = Zeroizing::new(String::with_capacity(4 * (MAX_PASSWORD + 1)));
    normal.extend(password.nfkc().take(MAX_PASSWORD + 1));
    if normal.is_empty() || normal.len() > MAX_PASSWORD {
        return Err(SlotFault::Password);
    }
    Ok(normal)
}

fn stretch(password: &[u8], cost: SlotCost, salt: &[u8; SALT]) -> Result<Zeroizing<[u8; 32]>, SlotFault> {
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(32)).map_err(|_| SlotFault::Cost)?;
    let mut blocks = Zeroizing::new(Vec::new());
    blocks
        .try_reserve_exact(params.block_count())
        .map_err(|_| SlotFault::Memory)?;
    blocks.resize(params.block_count(), Block::default());
    let mut stretched = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(password, salt, &mut *stretched, blocks.as_mut_slice())
        .map_err(|_| SlotFault::Cost)?;
    Ok(stretched)
}

fn slot_context(hospital: &HospitalId, user: &UserId, number: u8, head: &[u8]) -> Context {
    Context::new("slot", hospital)
        .fixed(user.as_bytes())
        .u8(number)
        .variable(head)
}
