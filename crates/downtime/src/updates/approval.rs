//! The hospital's word that it wants a version: which, from when, and at which stations first.
//!
//! An approval is replaced by a later one of the same release, with a higher revision; that is how a version is withdrawn. A pause
//! needs no signature: whoever can stop a hub can pause it, and pausing only keeps what runs.

use chart::Moment;
use minicbor::{Decode, Encode};

use super::{ProgramVersion, Sha256, UpdateFault};

/// Most wards or stations named to go first.
pub const MAX_LISTED: usize = 64;

/// Longest name in it, in bytes.
const MAX_NAME: usize = 128;

/// Most hours of a stage.
const MAX_HOURS: u16 = 24 * 30;

/// What stands before the fields, so that no other signed thing is taken for an approval.
const MAGIC: &[u8; 8] = b"TMBAPP1\0";

/// What the hospital says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Order {
    /// 配る
    #[n(0)]
    Take,
    /// 取り下げる: no further station takes it.
    #[n(1)]
    Withdraw,
}

/// The hospital's word about one release.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Approval {
    /// SHA-256 of the body of the release.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub release: Sha256,
    /// Its version, for people.
    #[n(1)]
    pub version: ProgramVersion,
    /// Counts the hospital's words about this release, from 1.
    #[n(2)]
    pub revision: u32,
    /// Which.
    #[n(3)]
    pub order: Order,
    /// From when the first stations take it.
    #[n(4)]
    pub starts_at: Moment,
    /// Wards whose stations go first.
    #[n(5)]
    pub canary_wards: Vec<String>,
    /// Stations that go first, by code.
    #[n(6)]
    pub canary_stations: Vec<String>,
    /// Hours until one station in ten follows.
    #[n(7)]
    pub canary_hours: u16,
    /// Hours after that until all follow.
    #[n(8)]
    pub tenth_hours: u16,
    /// Who approved, for people.
    #[n(9)]
    pub by: String,
}

impl Approval {
    /// The bytes to sign.
    ///
    /// # Errors
    /// [`UpdateFault::Bounds`].
    pub fn to_body(&self) -> Result<Vec<u8>, UpdateFault> {
        self.check()?;
        // invariant: writing into a vector does not fail.
        let fields = minicbor::to_vec(self).unwrap_or_default();
        Ok([MAGIC.as_slice(), &fields].concat())
    }

    /// Reads the bytes that were signed.
    ///
    /// # Errors
    /// [`UpdateFault::Unreadable`] or [`UpdateFault::Bounds`].
    pub fn from_body(body: &[u8]) -> Result<Self, UpdateFault> {
        let unreadable = UpdateFault::Unreadable("病院の承認");
        let fields = body.strip_prefix(MAGIC.as_slice()).ok_or(unreadable.clone())?;
        let approval: Self = minicbor::decode(fields).map_err(|_| unreadable)?;
        approval.check()?;
        Ok(approval)
    }

    fn check(&self) -> Result<(), UpdateFault> {
        let bounds = |what: &str| Err(UpdateFault::Bounds(format!("版 {} の承認: {what}", self.version)));
        if self.canary_wards.len() > MAX_LISTED || self.canary_stations.len() > MAX_LISTED {
            return bounds("先に配る病棟・端末は 64 までです");
        }
        let named = self.canary_wards.iter().chain(&self.canary_stations).chain([&self.by]);
        if named.into_iter().any(|name| name.len() > MAX_NAME) {
            return bounds("名前が長すぎます");
        }
        if self.canary_hours > MAX_HOURS || self.tenth_hours > MAX_HOURS {
            return bounds("段階の時間は 720 時間までです");
        }
        if self.revision == 0 {
            return bounds("回数は 1 からです");
        }
        Ok(())
    }
}
