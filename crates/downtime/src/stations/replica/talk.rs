//! What two stations say to each other about records: three questions, each with one answer, all of it bytes that prove
//! themselves. Layouts and reasons: `docs/formats/replication.md`.
//!
//! Transport, order and repetition are nobody's promise: every message may come twice, late or never.

use minicbor::{Decode, Encode};

use super::chains::ChainName;
use crate::stations::parcel::{Bytes, MAX_CHAINS, ParcelFault};

/// Longest message: one parcel and what goes with it.
pub const MAX_MESSAGE: usize = 12 << 20;
/// Most receipts in one message.
pub const MAX_RECEIPTS: usize = 10_000;

/// How far a station holds one chain without a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub struct Head {
    /// Station.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub station: [u8; 16],
    /// Incarnation.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub incarnation: [u8; 8],
    /// Records 1 to this number are here.
    #[n(2)]
    pub seq: u64,
    /// The name of the last of them; `None` from a station of an earlier version.
    #[cbor(n(3), with = "minicbor::bytes", default)]
    pub id: Option<[u8; 32]>,
    /// Sum over the names of everything that is here of this chain, branches and early ones included.
    #[n(4)]
    #[cbor(default)]
    pub sum: u64,
}

impl Head {
    /// The chain.
    #[must_use]
    pub const fn chain(&self) -> ChainName {
        (self.station, self.incarnation)
    }
}

/// How much of another station's holdings somebody has heard of: their life of the process, and their count then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Since {
    /// The process that counted.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub life: [u8; 8],
    /// Its count.
    #[n(1)]
    pub count: u64,
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Ask {
    /// What do you hold?
    #[n(0)]
    Hello(#[n(0)] Hello),
    /// Take these.
    #[n(1)]
    Give(#[n(0)] Give),
    /// What have you got behind these?
    #[n(2)]
    Want(#[n(0)] Want),
}

/// What do you hold, since we last spoke?
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Hello {
    /// Who asks. A claim; it only decides whose receipts are worth sending.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub from: [u8; 16],
    /// What was heard before; `None` for everything.
    #[n(1)]
    pub since: Option<Since>,
}

/// Records for somebody who lacks them, and receipts for theirs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Give {
    /// Who gives.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub from: [u8; 16],
    /// Each record's bytes.
    #[n(1)]
    pub records: Vec<Bytes>,
    /// Receipts for the chains of whoever is asked.
    #[n(2)]
    pub receipts: Vec<Bytes>,
}

/// Heads of chains about which somebody wants to know more.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Want {
    /// Who asks.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub from: [u8; 16],
    /// Records behind each number are wanted.
    #[n(1)]
    pub heads: Vec<Head>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Answer {
    /// To a hello.
    #[n(0)]
    Heads(#[n(0)] Told),
    /// To a gift.
    #[n(1)]
    Taken(#[n(0)] Told),
    /// To a wish.
    #[n(2)]
    Records(#[n(0)] Records),
}

/// What somebody holds.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Told {
    /// Who answers.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub from: [u8; 16],
    /// Up to here this answer tells.
    #[n(1)]
    pub since: Since,
    /// True when every chain is named; else only those that have grown, or that were given.
    #[n(2)]
    pub whole: bool,
    /// The chains.
    #[n(3)]
    pub heads: Vec<Head>,
    /// Receipts for chains of whoever asked.
    #[n(4)]
    pub receipts: Vec<Bytes>,
}

/// Records.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Records {
    /// Each record's bytes.
    #[n(0)]
    pub records: Vec<Bytes>,
    /// True when more is waiting.
    #[n(1)]
    pub more: bool,
}

impl Ask {
    /// CBOR.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        minicbor::to_vec(self).unwrap_or_default()
    }

    /// Reads [`Self::to_bytes`].
    ///
    /// # Errors
    /// [`ParcelFault::Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ParcelFault> {
        let ask: Self = bounded(bytes)?;
        let fits = match &ask {
            Self::Hello(_) => true,
            Self::Give(give) => give.receipts.len() <= MAX_RECEIPTS,
            Self::Want(want) => want.heads.len() <= MAX_CHAINS,
        };
        if fits { Ok(ask) } else { Err(ParcelFault::Malformed) }
    }
}

impl Answer {
    /// CBOR.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        minicbor::to_vec(self).unwrap_or_default()
    }

    /// Reads [`Self::to_bytes`].
    ///
    /// # Errors
    /// [`ParcelFault::Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ParcelFault> {
        let answer: Self = bounded(bytes)?;
        let fits = match &answer {
            Self::Heads(told) | Self::Taken(told) => {
                told.heads.len() <= MAX_CHAINS && told.receipts.len() <= MAX_RECEIPTS
            }
            Self::Records(_) => true,
        };
        if fits { Ok(answer) } else { Err(ParcelFault::Malformed) }
    }
}

fn bounded<'b, T: Decode<'b, ()>>(bytes: &'b [u8]) -> Result<T, ParcelFault> {
    if bytes.len() > MAX_MESSAGE {
        return Err(ParcelFault::Malformed);
    }
    minicbor::decode(bytes).map_err(|_| ParcelFault::Malformed)
}
