//! What stations exchange: which records they hold, and the records themselves, sealed and signed as they are.
//!
//! A set union: nothing is ever removed by an exchange, a repeated delivery is harmless, and every record is checked
//! against its own station's key whoever delivers it. Transport is the roof's.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use minicbor::{Decode, Encode};
use vault::journal::Record;

use super::Station;
use super::held::{Chain, Held, chain};

/// Most bytes of records in one parcel.
const MAX_PARCEL: usize = 4 << 20;

/// Most chains a list of heads may name.
const MAX_CHAINS: usize = 100_000;

/// How far a station holds each chain without a gap: station, incarnation, last number.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Heads(#[n(0)] pub Vec<Head>);

/// One chain.
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
}

/// Records, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Parcel {
    /// Each record's bytes.
    #[n(0)]
    pub records: Vec<Bytes>,
    /// True when more is waiting.
    #[n(1)]
    pub more: bool,
}

/// One record's bytes as one CBOR byte string.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(transparent)]
pub struct Bytes(#[cbor(n(0), with = "minicbor::bytes")] pub Vec<u8>);

/// A parcel was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ParcelFault {
    /// Not a parcel, or too large.
    #[error("this is not a parcel of records; nothing was taken")]
    Malformed,
    /// The disk did not take it.
    #[error("received records could not be saved here; they stay with their sender: {0}")]
    NotSaved(#[from] vault::journal::NotSaved),
}

impl Heads {
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
        let heads: Self = minicbor::decode(bytes).map_err(|_| ParcelFault::Malformed)?;
        if heads.0.len() > MAX_CHAINS {
            Err(ParcelFault::Malformed)
        } else {
            Ok(heads)
        }
    }
}

impl Parcel {
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
        if bytes.len() > MAX_PARCEL * 2 {
            return Err(ParcelFault::Malformed);
        }
        minicbor::decode(bytes).map_err(|_| ParcelFault::Malformed)
    }
}

/// How far each chain is here; of one station only, where one is named.
pub(super) fn heads(held: &Held, of: Option<&[u8; 16]>) -> Heads {
    let head = |((station, incarnation), seq): (Chain, u64)| Head {
        station,
        incarnation,
        seq,
    };
    let wanted = |((station, _), _): &(Chain, u64)| of.is_none_or(|of| of == station);
    Heads(held.whole().filter(wanted).map(head).collect())
}

/// What somebody with these heads lacks, at most one parcel full; of one station only, where one is named.
pub(super) fn missing(held: &Held, theirs: &Heads, of: Option<&[u8; 16]>) -> Parcel {
    let have: BTreeMap<Chain, u64> = theirs.0.iter().map(|h| ((h.station, h.incarnation), h.seq)).collect();
    let mut parcel = Parcel::default();
    let mut size = 0;
    let lacks = |r: &&Record| {
        of.is_none_or(|of| of == r.header().station.as_bytes())
            && r.header().seq > have.get(&chain(r)).copied().unwrap_or(0)
    };
    for record in held.records().iter().filter(lacks) {
        size += record.bytes().len();
        if size > MAX_PARCEL {
            parcel.more = true;
            break;
        }
        parcel.records.push(Bytes(record.bytes().to_vec()));
    }
    parcel
}

impl Station {
    /// What this station holds.
    #[must_use]
    pub fn heads(&self) -> Heads {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        heads(&held, None)
    }

    /// Records that somebody with these heads lacks, at most one parcel full.
    #[must_use]
    pub fn missing(&self, theirs: &Heads) -> Parcel {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        missing(&held, theirs, None)
    }

    /// Takes a parcel: every record checked, made durable, then shown. Gives how many were new.
    ///
    /// # Errors
    /// [`ParcelFault::NotSaved`]: the sender must keep them. Records that do not verify are left out and logged.
    pub fn take(&self, parcel: &Parcel) -> Result<usize, ParcelFault> {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let mut fresh = Vec::new();
        for bytes in &parcel.records {
            match Record::parse_verified(&bytes.0, &self.known.now()) {
                // Our own records come back when a peer holds what we lost; they belong among the received ones then.
                Ok(record) if !heard.holds(record.id()) && !self.holds(record.id()) => fresh.push(record),
                Ok(_) => {}
                Err(refused) => tracing::warn!(%refused, "a record from another station was refused"),
            }
        }
        heard.append(&fresh)?;
        drop(heard);
        self.show(&fresh);
        Ok(fresh.len())
    }

    fn holds(&self, id: &[u8; 32]) -> bool {
        self.held.read().unwrap_or_else(PoisonError::into_inner).holds(id)
    }

    fn show(&self, fresh: &[Record]) {
        for record in fresh {
            self.keeper.clock().notice(record.header().hlc);
        }
        // Records first: whoever signs in right now either finds them there or is found here below.
        self.held
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take(fresh.iter().cloned());
        self.open_entries.take(fresh);
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner).upgrade();
        if let Some(live) = live {
            live.take(fresh);
        }
    }

    /// The hub holds our chains up to these numbers.
    pub fn note_sent(&self, hub: &Heads) {
        let mine = hub
            .0
            .iter()
            .filter(|h| h.station == *self.id.as_bytes())
            .map(|h| h.seq)
            .sum();
        *self.sent.lock().unwrap_or_else(PoisonError::into_inner) = mine;
    }

    /// Entries of this station that the hub does not hold yet, as far as the last visit told (key records included).
    pub(super) fn unsent(&self) -> u64 {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        held.of_station(self.id.as_bytes())
            .saturating_sub(*self.sent.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
