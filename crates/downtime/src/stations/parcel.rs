//! What stations exchange: which records they hold, and the records themselves, sealed and signed as they are.
//!
//! A set union: nothing is ever removed by an exchange, a repeated delivery is harmless, and every record is checked
//! against its own station's key whoever delivers it. What is held and said is `replica`'s; here it meets the running station,
//! which shows what came. Transport is the roof's.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use minicbor::{Decode, Encode};
use vault::journal::{Class, Record};

use super::Station;
use super::held::{Chain, Held, chain};
use super::replica::{Answer, Ask, Head, Peer, Step, Summary, Visit};

/// Most bytes of records in one parcel.
pub(super) const MAX_PARCEL: usize = 4 << 20;

/// Most chains a list of heads may name.
pub(super) const MAX_CHAINS: usize = 100_000;

/// How far a station holds each chain without a gap.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Heads(#[n(0)] pub Vec<Head>);

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

/// How far each chain of audit records is held, of one station only where one is named.
pub(super) fn heads(held: &Held, of: Option<&[u8; 16]>) -> Heads {
    let chains = held
        .whole()
        .filter(|((station, _), _)| of.is_none_or(|of| of == station));
    let heads = chains.map(|((station, incarnation), seq)| Head {
        station,
        incarnation,
        seq,
        id: None,
        sum: 0,
    });
    Heads(heads.collect())
}

/// Audit records that somebody with these heads lacks, of one station only, where one is named.
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
        Heads(self.replica.heads())
    }

    /// Records that somebody with these heads lacks, at most one parcel full.
    #[must_use]
    pub fn missing(&self, theirs: &Heads) -> Parcel {
        let (records, more) = self.replica.missing(&theirs.0);
        Parcel { records, more }
    }

    /// Takes a parcel: every record checked, made durable, then shown. Gives how many were new.
    ///
    /// # Errors
    /// [`ParcelFault::NotSaved`]: the sender must keep them. Records that do not verify are left out and logged.
    pub fn take(&self, parcel: &Parcel) -> Result<usize, ParcelFault> {
        let taken = self.replica.take(&parcel.records)?;
        self.show(&taken.fresh);
        Ok(taken.fresh.len())
    }

    /// Answers another station's question; what it brought is durable and shown when this returns.
    ///
    /// # Errors
    /// [`ParcelFault`]: nothing is vouched for.
    pub fn answer(&self, ask: &Ask) -> Result<Answer, ParcelFault> {
        let (answer, taken) = self.replica.answer(ask, self.now().0)?;
        self.show(&taken.fresh);
        Ok(answer)
    }

    /// A whole visit to another station; `carry` carries a question there and its answer back. Gives what it did, entries only.
    ///
    /// # Errors
    /// What `carry` says, or [`ParcelFault`]. What was exchanged until then holds.
    pub fn visit<E: From<ParcelFault>>(
        &self,
        peer: &mut Peer,
        mut carry: impl FnMut(&Ask) -> Result<Answer, E>,
    ) -> Result<Summary, E> {
        let mut visit = Visit::new();
        let mut answer = None;
        loop {
            let (step, taken) = visit.next(&self.replica, peer, answer.take(), self.now().0)?;
            self.show(&taken.fresh);
            match step {
                Step::Ask(ask) => answer = Some(carry(&ask)?),
                Step::Done => return Ok(visit.summary()),
            }
        }
    }

    /// Puts records that are durable before whoever looks.
    pub(super) fn show(&self, fresh: &[Record]) {
        if fresh.is_empty() {
            return;
        }
        for record in fresh {
            self.keeper.clock().notice(record.header().hlc);
        }
        self.open_entries.take(fresh);
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner).upgrade();
        if let Some(live) = live {
            live.take(fresh);
        }
        let entries = fresh.iter().filter(|record| record.header().class != Class::KEY);
        self.note_heard(entries.count());
        self.news.tell();
    }

    /// Entries of this station that no other station has vouched for.
    pub(super) fn unsent(&self) -> u64 {
        self.replica.only_here()
    }
}
