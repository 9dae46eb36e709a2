//! What one running station knows about all stations: the receipts it holds, whom it has passed them on to, and whether somebody asked
//! for a proof. Shared by the roof's threads and the desk.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chart::Moment;
use minicbor::{Decode, Encode};
use vault::files::Files;

use super::fleet::{Newest, fleet};
use super::kept::{Kept, OfStation, members, newest_of_hubs};
use super::receipt::{NotBelieved, Receipt, Signed};
use crate::identity::Roster;
use crate::shelf::Shelved;
use crate::stations::Station;

/// Most receipts in one bundle.
pub const MAX_BUNDLE: usize = 2_000;

/// Longest bundle, in bytes.
pub const MAX_BUNDLE_BYTES: usize = 8 << 20;

/// Receipts on their way, and how far somebody holds them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Bundle {
    /// Receipts.
    #[n(0)]
    pub receipts: Vec<Signed>,
    /// Of each station named, the newest receipt that the sender of this bundle holds.
    #[n(1)]
    pub held: Vec<HeldUntil>,
}

/// How far one station's receipts are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct HeldUntil {
    /// Which station.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub station: [u8; 16],
    /// Its newest receipt there.
    #[n(1)]
    pub at: Moment,
}

impl Bundle {
    /// CBOR.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        minicbor::to_vec(self).unwrap_or_default()
    }

    /// Reads [`Self::to_bytes`].
    ///
    /// # Errors
    /// [`NotBelieved::Malformed`] when it is none, or too large.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NotBelieved> {
        if bytes.len() > MAX_BUNDLE_BYTES {
            return Err(NotBelieved::Malformed);
        }
        let bundle: Self = minicbor::decode(bytes).map_err(|_| NotBelieved::Malformed)?;
        if bundle.receipts.len() > MAX_BUNDLE || bundle.held.len() > MAX_BUNDLE {
            return Err(NotBelieved::Malformed);
        }
        Ok(bundle)
    }
}

/// Receipts and what is done with them.
pub struct Board {
    kept: Kept,
    /// The roster that came with the keys: what a station knows before its first snapshot.
    trust: Roster,
    /// By address of another station: until when it holds each station's receipts, as it said.
    told: Mutex<BTreeMap<String, BTreeMap<[u8; 16], Moment>>>,
    asked: AtomicBool,
    proving: AtomicBool,
}

impl Board {
    /// Reads what earlier lives held in `data/readiness/`.
    #[must_use]
    pub fn open(files: Arc<dyn Files>, data: &Path, trust: &Roster) -> Self {
        Self {
            kept: Kept::open(files, &data.join("readiness"), trust),
            trust: trust.clone(),
            told: Mutex::default(),
            asked: AtomicBool::new(false),
            proving: AtomicBool::new(false),
        }
    }

    /// The receipts.
    #[must_use]
    pub const fn kept(&self) -> &Kept {
        &self.kept
    }

    /// Takes receipts, whoever brings them, against the roster of the snapshot in use. Gives how many were new.
    ///
    /// # Errors
    /// When the disk does not take them.
    pub fn take(&self, station: &Station, receipts: &[Signed]) -> io::Result<usize> {
        let shelved = station.shelf().current();
        self.kept.take(receipts, self.roster(shelved.as_deref()), station.now())
    }

    /// Who is enrolled: by the snapshot in use, or by the trust file where there is none.
    #[must_use]
    pub fn roster<'a>(&'a self, shelved: Option<&'a Shelved>) -> &'a Roster {
        shelved.map_or(&self.trust, Shelved::roster)
    }

    /// What the station at `address` may lack, at most one bundle.
    #[must_use]
    pub fn for_address(&self, address: &str) -> Bundle {
        let told = self.told().get(address).cloned().unwrap_or_default();
        let mut receipts = self.kept.newer(&told);
        receipts.truncate(MAX_BUNDLE);
        Bundle {
            receipts,
            held: Vec::new(),
        }
    }

    /// The station at `address` holds receipts until these moments.
    pub fn note_told(&self, address: &str, held: &[HeldUntil]) {
        let mut told = self.told();
        let known = told.entry(address.to_owned()).or_default();
        known.extend(held.iter().map(|held| (held.station, held.at)));
    }

    fn told(&self) -> MutexGuard<'_, BTreeMap<String, BTreeMap<[u8; 16], Moment>>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer to a bundle: of each station in it, until when nothing needs to be sent here again. What was refused is not wanted a
    /// second time either; what the station says next is.
    #[must_use]
    pub fn held_of(&self, receipts: &[Signed]) -> Vec<HeldUntil> {
        let claims = receipts.iter().filter_map(|signed| signed.claim().ok());
        let held = claims.map(|claim| {
            let newest = self.kept.of(&claim.station).newest.map(|(newest, _)| newest.at);
            HeldUntil {
                station: claim.station,
                at: newest.map_or(claim.at, |newest| newest.max(claim.at)),
            }
        });
        held.collect()
    }

    /// Somebody wants a proof now.
    pub fn ask(&self) {
        self.asked.store(true, Ordering::SeqCst);
    }

    /// Whether somebody wanted one since this was last asked.
    #[must_use]
    pub fn take_asked(&self) -> bool {
        self.asked.swap(false, Ordering::SeqCst)
    }

    /// A proof is under way, or is over.
    pub fn note_proving(&self, proving: bool) {
        self.proving.store(proving, Ordering::SeqCst);
    }

    /// Whether one is under way or asked for.
    #[must_use]
    pub fn is_proving(&self) -> bool {
        self.proving.load(Ordering::SeqCst) || self.asked.load(Ordering::SeqCst)
    }

    /// This station's own newest receipt.
    #[must_use]
    pub fn own(&self, station: &Station) -> Option<Receipt> {
        let shelved = station.shelf().current();
        let id = self.roster(shelved.as_deref()).station_id(station.code());
        Some(self.kept.of(id.as_bytes()).newest?.0)
    }

    /// Calls `see` with the fleet as this station knows it now, and with what is held of each station.
    pub fn fleet<T>(
        &self,
        station: &Station,
        see: impl FnOnce(&super::fleet::Fleet<'_>, &BTreeMap<[u8; 16], OfStation>, &Roster) -> T,
    ) -> T {
        let shelved = station.shelf().current();
        let roster = self.roster(shelved.as_deref());
        self.kept.read(|held| {
            let members = members(roster, held);
            let here = shelved.as_deref().map(holds);
            let newest = here.into_iter().chain(newest_of_hubs(&members));
            let newest = newest.max_by_key(|holds| (holds.epoch, holds.delta));
            see(&fleet(members, newest.as_ref(), station.now()), held, roster)
        })
    }
}

/// A snapshot as a receipt names it.
#[must_use]
pub fn holds(shelved: &Shelved) -> Newest {
    let (identity, state) = (shelved.identity(), shelved.state());
    Newest {
        epoch: identity.epoch,
        delta: identity.delta,
        manifest: identity.manifest_sha256,
        sealed: state.sealed_at,
        as_of: state.as_of.oldest(),
    }
}
