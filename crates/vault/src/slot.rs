//! A slot: a user's secret, opened by what the user knows and has.
//!
//! ```text
//! A     = Argon2id(NFKC(password), salt(16), m, t, p) → 32
//! K_kek = HKDF-SHA256(ikm = A ‖ badge, salt = salt, info = "TMB1/kek" ‖ 0 ‖ kind)
//! slot  = ver ‖ suite ‖ kind ‖ 0 ‖ m u32 ‖ t u32 ‖ p u32 ‖ salt(16) ‖ SealBox(K_kek, context(user, number, all before), user secret)
//! ```
//! Argon2id is RFC 9106. The password is normalised once (NFKC, Unicode TR 15; NIST SP 800-63B), so that the same
//! password typed on another keyboard is the same. Parameters are authenticated and bounded both ways before any
//! memory is spent. There is no comparison anywhere: a slot opens, or nothing is there to be had.
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

/// Longest password accepted, in bytes after normalisation.
pub const MAX_PASSWORD: usize = 1024;
/// Length of the secret on a continuity badge.
pub const BADGE_LEN: usize = 16;
/// Length of a password slot in bytes.
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

/// What a person brings to open a slot.
pub struct Credentials<'a> {
    /// The password as typed; normalised here.
    pub password: &'a str,
    /// The secret read from the continuity badge, for slots that want one.
    pub badge: Option<&'a [u8; BADGE_LEN]>,
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
    /// Wrong password, wrong badge, another user's slot, or changed bytes: not said which.
    #[error("user, badge and password do not open this slot; nothing was opened; try again or use a sealed envelope")]
    CannotOpen,
    /// Not enough memory for Argon2id.
    #[error(
        "this station has not enough free memory to check the password; nothing was opened; close other programs and try again"
    )]
    Memory,
}

/// A password slot as bytes: what is stored in the user section of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot(Vec<u8>);

impl Slot {
    /// Makes slot number `number` of `user` for `secret`. With a badge in `who` the slot opens only with both.
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
        let kind = if who.badge.is_some() {
            KIND_PASSWORD_BADGE
        } else {
            KIND_PASSWORD
        };
        let mut bytes = Vec::with_capacity(SLOT_LEN);
        bytes.extend_from_slice(&[VERSION, SUITE_1, kind, 0]);
        for number in [cost.memory_kib, cost.passes, cost.lanes] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&salt);
        let key = key_for(who, kind, cost, &salt)?;
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
        let (kind, cost, salt) = Self::parse_head(head)?;
        let key = key_for(who, kind, cost, &salt)?;
        let sealed = self.0.get(HEAD..).ok_or(SlotFault::Unknown)?;
        let seed = sealbox::open(&key, &slot_context(hospital, user, number, head), sealed)?;
        let seed = Key32::from_slice(&seed).ok_or(SlotFault::CannotOpen)?;
        Ok(UserSecret::from_seed(seed.as_bytes()))
    }

    /// Whether the badge is needed besides the password.
    ///
    /// # Errors
    /// [`SlotFault::Unknown`] or [`SlotFault::Cost`] when the slot is not one this version can open.
    pub fn wants_badge(&self) -> Result<bool, SlotFault> {
        Self::parse_head(self.head()?).map(|(kind, ..)| kind == KIND_PASSWORD_BADGE)
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

    fn parse_head(head: &[u8; HEAD]) -> Result<(u8, SlotCost, [u8; SALT]), SlotFault> {
        let malformed = |Malformed| SlotFault::Unknown;
        let mut reader = Reader::new(head);
        let [version, suite, kind, reserved] = reader.array().map_err(malformed)?;
        let known = [KIND_PASSWORD, KIND_PASSWORD_BADGE].contains(&kind);
        if version != VERSION || suite != SUITE_1 || !known || reserved != 0 {
            return Err(SlotFault::Unknown);
        }
        let mut number = || reader.u32().map_err(malformed);
        let cost = SlotCost::new(number()?, number()?, number()?).ok_or(SlotFault::Cost)?;
        Ok((kind, cost, reader.array().map_err(malformed)?))
    }
}

impl From<CannotOpen> for SlotFault {
    fn from(_: CannotOpen) -> Self {
        Self::CannotOpen
    }
}

fn key_for(who: &Credentials<'_>, kind: u8, cost: SlotCost, salt: &[u8; SALT]) -> Result<Key32, SlotFault> {
    // Room for everything at once: a string that grows would leave copies of the password behind.
    let mut password = Zeroizing::new(String::with_capacity(4 * (MAX_PASSWORD + 1)));
    password.extend(who.password.nfkc().take(MAX_PASSWORD + 1));
    if password.is_empty() || password.len() > MAX_PASSWORD {
        return Err(SlotFault::Password);
    }
    let stretched = stretch(password.as_bytes(), cost, salt)?;
    let mut material = Zeroizing::new(Vec::with_capacity(32 + BADGE_LEN));
    material.extend_from_slice(&*stretched);
    if kind == KIND_PASSWORD_BADGE {
        // Without a badge the derivation still runs, and the slot simply does not open.
        material.extend_from_slice(who.badge.unwrap_or(&[0; BADGE_LEN]));
    }
    let info = [b"TMB1/kek\0".as_slice(), &[kind]].concat();
    Ok(Key32::from_bytes(*sealbox::derive::<32>(salt, &material, &info)))
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
