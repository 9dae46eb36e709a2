//! Recovery: the hospital's last key, opened by any three of five printed shares.
//!
//! ```text
//! share   = 32 random bytes, number 1 to 5
//! K(ijk)  = HKDF-SHA256(ikm = share i ‖ share j ‖ share k, salt = recovery public key, info = "TMB1/recovery")   i < j < k
//! box     = SealBox(K(ijk), context("recov-box", set u32, i, j, k, public key(32)), recovery secret)             10 of them
//! ```
//! Ten boxes instead of a polynomial: there is nothing here that is not used elsewhere in this crate every day, and two
//! shares say nothing at all about the third. Layouts and reasons: `docs/formats/recovery.md`.
//!
//! Who holds which share, where boxes are kept and what is done with the secret is deliberately not known here. The
//! secret exists in memory only, from [`join`] until it is dropped.

use std::collections::BTreeMap;
use std::fmt;

use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::codec::{Malformed, Reader};
use crate::codec_text::{decimal_128, from_base32, from_decimal_128, read_digits, to_base32, with_check_digits};
use crate::context::Context;
use crate::ids::HospitalId;
use crate::keys::{Key32, RecoveryPublic, RecoverySecret};
use crate::sealbox;

pub use crate::codec_text::TextFault;

/// Number of shares.
pub const SHARES: usize = 5;
/// Shares needed.
pub const NEEDED: usize = 3;
/// Length of the boxes in bytes.
pub const BOXES_LEN: usize = 8 + 16 + 4 + 4 + 32 + COMBINATIONS.len() * BOX + CHECK;
/// Characters of a share as people type it, check characters included, separators not.
pub const TYPED_CHARS: usize = TYPED + 2;
/// Digits of a share as a scanner reads it, check digits included.
pub const SCANNED_DIGITS: usize = SCANNED + 2;

/// Which shares open which box, in the order of the boxes.
const COMBINATIONS: [[u8; NEEDED]; 10] = [
    [1, 2, 3],
    [1, 2, 4],
    [1, 2, 5],
    [1, 3, 4],
    [1, 3, 5],
    [1, 4, 5],
    [2, 3, 4],
    [2, 3, 5],
    [2, 4, 5],
    [3, 4, 5],
];
const MAGIC: &[u8; 8] = b"TMBRCVR1";
const BOX: usize = 32 + sealbox::OVERHEAD;
const CHECK: usize = 8;
/// Sets have 30 bits, so that number, set and share are 290 bits: 58 characters of five.
const SET_BITS: u32 = 30;
const TYPED: usize = 58;
const PREFIX_DIGITS: &str = "93";
const SET_DIGITS: usize = 10;
const HALF_DIGITS: usize = 39;
const SCANNED: usize = 2 + 1 + SET_DIGITS + 2 * HALF_DIGITS;

/// One of the five shares: what is printed on one sheet.
#[derive(Clone, PartialEq, Eq)]
pub struct Share {
    number: u8,
    set: u32,
    secret: Zeroizing<[u8; 32]>,
}

/// The ten boxes: worthless without three shares, and kept in as many copies as there are places.
#[derive(Clone, PartialEq, Eq)]
pub struct RecoveryBoxes {
    hospital: HospitalId,
    set: u32,
    public: RecoveryPublic,
    boxes: Vec<Vec<u8>>,
}

/// Why the recovery secret was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecoveryFault {
    /// The bytes are not recovery boxes of this version.
    #[error("this is not a recovery file that this version can read; nothing was opened; use another copy of it")]
    NotBoxes,
    /// Recovery boxes whose check sum does not match.
    #[error("this recovery file is damaged; nothing was opened; use another copy of it")]
    Damaged,
    /// Fewer than three different shares.
    #[error("there are {0} different shares and 3 are needed; nothing was opened; add the others")]
    TooFew(usize),
    /// A share from another making of shares, or of another hospital.
    #[error(
        "share {0} belongs to another set of shares than this recovery file; nothing was opened; use the sheet with the same set number"
    )]
    OtherSet(u8),
    /// Two different shares with one number.
    #[error("there are two different shares with number {0}; nothing was opened; one of them is not genuine")]
    Contradiction(u8),
    /// The shares do not open the boxes.
    #[error(
        "these shares do not open this recovery file; nothing was opened; use other shares or another copy of the file"
    )]
    CannotOpen,
}

/// Splits a recovery secret into five shares and ten boxes, and forgets the rest. Splitting it again makes shares that
/// do not work with these; these go on working with their own boxes until those are destroyed.
pub fn split(
    hospital: &HospitalId,
    secret: &RecoverySecret,
    rng: &mut (impl CryptoRng + ?Sized),
) -> ([Share; SHARES], RecoveryBoxes) {
    let mut set = [0; 4];
    rng.fill_bytes(&mut set);
    let set = u32::from_le_bytes(set) >> (32 - SET_BITS);
    let shares = [1, 2, 3, 4, 5].map(|number| {
        let mut secret = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut *secret);
        Share { number, set, secret }
    });
    let mut boxes = RecoveryBoxes {
        hospital: *hospital,
        set,
        public: secret.public(),
        boxes: Vec::with_capacity(COMBINATIONS.len()),
    };
    let seed = secret.to_seed();
    for combination in COMBINATIONS {
        let three: Vec<&Share> = shares
            .iter()
            .filter(|share| combination.contains(&share.number))
            .collect();
        let sealed = sealbox::seal(&boxes.key(&three), &boxes.context(combination), &*seed, rng);
        boxes.boxes.push(sealed);
    }
    (shares, boxes)
}

/// Opens the recovery secret with any three different shares; more are welcome, the same one twice counts once.
///
/// # Errors
/// [`RecoveryFault`].
pub fn join(boxes: &RecoveryBoxes, shares: &[Share]) -> Result<RecoverySecret, RecoveryFault> {
    let mut known = BTreeMap::new();
    for share in shares {
        if share.set != boxes.set {
            return Err(RecoveryFault::OtherSet(share.number));
        }
        if known.insert(share.number, share).is_some_and(|other| other != share) {
            return Err(RecoveryFault::Contradiction(share.number));
        }
    }
    if known.len() < NEEDED {
        return Err(RecoveryFault::TooFew(known.len()));
    }
    COMBINATIONS
        .iter()
        .zip(&boxes.boxes)
        .find_map(|(combination, sealed)| boxes.open(&known, *combination, sealed))
        .ok_or(RecoveryFault::CannotOpen)
}

impl RecoveryBoxes {
    /// The hospital whose recovery this is.
    #[must_use]
    pub fn hospital(&self) -> &HospitalId {
        &self.hospital
    }

    /// The number that is on every sheet of this set.
    #[must_use]
    pub fn set(&self) -> u32 {
        self.set
    }

    /// The public key that snapshots and journals are sealed to.
    #[must_use]
    pub fn public(&self) -> RecoveryPublic {
        self.public
    }

    /// The bytes to store (`docs/formats/recovery.md`).
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(BOXES_LEN);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(self.hospital.as_bytes());
        out.extend_from_slice(&self.set.to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&self.public.to_bytes());
        self.boxes.iter().for_each(|sealed| out.extend_from_slice(sealed));
        let check = Sha256::digest(&out);
        out.extend(check.iter().take(CHECK));
        out
    }

    /// Reads stored boxes.
    ///
    /// # Errors
    /// [`RecoveryFault::NotBoxes`] or [`RecoveryFault::Damaged`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RecoveryFault> {
        if bytes.len() != BOXES_LEN || !bytes.starts_with(MAGIC) {
            return Err(RecoveryFault::NotBoxes);
        }
        let (body, check) = bytes.split_last_chunk::<CHECK>().ok_or(RecoveryFault::NotBoxes)?;
        if !Sha256::digest(body).starts_with(check) {
            return Err(RecoveryFault::Damaged);
        }
        read_body(body).map_err(|Malformed| RecoveryFault::NotBoxes)
    }

    /// `None` when a share of the combination is missing or the box does not open; the caller tries the next one.
    fn open(&self, shares: &BTreeMap<u8, &Share>, combination: [u8; NEEDED], sealed: &[u8]) -> Option<RecoverySecret> {
        let three: Vec<&Share> = combination
            .iter()
            .filter_map(|number| shares.get(number).copied())
            .collect();
        if three.len() < NEEDED {
            return None;
        }
        let seed = sealbox::open(&self.key(&three), &self.context(combination), sealed).ok()?;
        let secret = RecoverySecret::from_seed(Key32::from_slice(&seed)?.as_bytes());
        (secret.public() == self.public).then_some(secret)
    }

    /// The key of the box of these three shares, which are in the order of their numbers.
    fn key(&self, three: &[&Share]) -> Key32 {
        let mut material = Zeroizing::new(Vec::with_capacity(NEEDED * 32));
        three
            .iter()
            .for_each(|share| material.extend_from_slice(&*share.secret));
        let derived = sealbox::derive::<32>(&self.public.to_bytes(), &material, b"TMB1/recovery");
        Key32::from_bytes(*derived)
    }

    fn context(&self, combination: [u8; NEEDED]) -> Context {
        Context::new("recov-box", &self.hospital)
            .u32(self.set)
            .fixed(&combination)
            .fixed(&self.public.to_bytes())
    }
}

fn read_body(body: &[u8]) -> Result<RecoveryBoxes, Malformed> {
    let mut reader = Reader::new(body);
    reader.take(MAGIC.len())?;
    let hospital = HospitalId(reader.array()?);
    let set = reader.u32()?;
    if set >> SET_BITS != 0 || reader.u32()? != 0 {
        return Err(Malformed);
    }
    let public = RecoveryPublic::from_bytes(&reader.array()?).map_err(|_| Malformed)?;
    let mut boxes = Vec::with_capacity(COMBINATIONS.len());
    for _ in COMBINATIONS {
        boxes.push(reader.take(BOX)?.to_vec());
    }
    reader.finish()?;
    Ok(RecoveryBoxes {
        hospital,
        set,
        public,
        boxes,
    })
}

impl Share {
    /// Its number, 1 to 5.
    #[must_use]
    pub fn number(&self) -> u8 {
        self.number
    }

    /// The number that is on every sheet of its set.
    #[must_use]
    pub fn set(&self) -> u32 {
        self.set
    }

    /// The characters for people: 60 in groups of four.
    #[must_use]
    pub fn to_typed(&self) -> Zeroizing<String> {
        let head = u64::from(self.number) << SET_BITS | u64::from(self.set);
        let mut bytes = Zeroizing::new(Vec::with_capacity(40));
        bytes.extend_from_slice(&head.to_be_bytes());
        bytes.extend_from_slice(&*self.secret);
        to_base32(&bytes, TYPED)
    }

    /// Reads what was typed.
    ///
    /// # Errors
    /// [`TextFault`]: what kind of mistake it is.
    pub fn from_typed(text: &str) -> Result<Self, TextFault> {
        let bytes: Zeroizing<[u8; 40]> = from_base32(text, TYPED)?;
        let mut reader = Reader::new(&*bytes);
        let impossible = |Malformed| TextFault::Impossible;
        let head = u64::from_be_bytes(reader.array().map_err(impossible)?);
        let secret = Zeroizing::new(reader.array().map_err(impossible)?);
        let set = u32::try_from(head & ((1 << SET_BITS) - 1)).map_err(|_| TextFault::Impossible)?;
        Self::checked(head >> SET_BITS, set, secret)
    }

    /// The digits for a scanner: `93`, number, set, the two halves of the share, two check digits.
    #[must_use]
    pub fn to_digits(&self) -> Zeroizing<String> {
        let mut digits = Zeroizing::new(String::with_capacity(SCANNED));
        digits.push_str(PREFIX_DIGITS);
        digits.push_str(&format!("{}{:010}", self.number, self.set));
        let (halves, _) = self.secret.as_chunks::<16>();
        halves.iter().for_each(|half| digits.push_str(&decimal_128(half)));
        with_check_digits(&digits)
    }

    /// Reads what was scanned.
    ///
    /// # Errors
    /// [`TextFault`]: what kind of mistake it is.
    pub fn from_digits(text: &str) -> Result<Self, TextFault> {
        let digits = read_digits(text, SCANNED)?;
        let rest = digits.strip_prefix(PREFIX_DIGITS).ok_or(TextFault::OtherKind)?;
        let short = TextFault::Impossible;
        let (number, rest) = rest.split_at_checked(1).ok_or(short)?;
        let (set, rest) = rest.split_at_checked(SET_DIGITS).ok_or(short)?;
        let (left, right) = rest.split_at_checked(HALF_DIGITS).ok_or(short)?;
        let (left, right) = (from_decimal_128(left)?, from_decimal_128(right)?);
        let mut secret = Zeroizing::new([0; 32]);
        secret
            .iter_mut()
            .zip(left.iter().chain(&*right))
            .for_each(|(to, from)| *to = *from);
        let set = set.parse().ok().filter(|set: &u32| set >> SET_BITS == 0).ok_or(short)?;
        Self::checked(number.parse().map_err(|_| short)?, set, secret)
    }

    fn checked(number: u64, set: u32, secret: Zeroizing<[u8; 32]>) -> Result<Self, TextFault> {
        let number = u8::try_from(number).ok().filter(|number| (1..=5).contains(number));
        let number = number.ok_or(TextFault::Impossible)?;
        Ok(Self { number, set, secret })
    }
}

impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Share({} of set {}, secret)", self.number, self.set)
    }
}

impl fmt::Debug for RecoveryBoxes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "RecoveryBoxes({}, set {}, {:?})",
            self.hospital, self.set, self.public
        )
    }
}
