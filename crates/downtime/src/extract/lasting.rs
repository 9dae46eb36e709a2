//! What a sealer remembers from one sealing to the next of the same epoch, so that only what changed is sealed anew.
//!
//! In memory only, and no chart: for each patient a keyed hash of the bytes that were sealed, and where they lie in the file. Without it
//! (after a restart, by another program) a new epoch begins; nothing else is lost by losing it.

use std::collections::{BTreeMap, HashMap};

use chart::{AsOf, Chart, DataKind};
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use vault::keys::RecoveryPublic;
use vault::shelf_slots::Identity;
use vault::snapshot::{EpochKeys, MAX_DELTAS, Manifest, SealPlan, SectionKind};
use zeroize::Zeroizing;

use super::Order;

/// Deltas may add up to so many percent of the records an epoch began with; then a new epoch is smaller than going on.
pub const GROWN_PERCENT: u64 = 30;

/// A file longer than this begins a new epoch every time: with the changes of a day it must stay within the vault's bound.
const LONGEST_BASE: u64 = vault::snapshot::MAX_SNAPSHOT / 2;

/// Most different ages of charts that stand beside the records; a chart beyond carries its own.
pub const MAX_VOUCHED: usize = 1000;

/// The epoch that could be gone on with, if there is one.
#[derive(Default)]
pub struct Lasting {
    epoch: Option<Epoch>,
}

/// One epoch between two sealings.
pub(super) struct Epoch {
    pub(super) keys: EpochKeys,
    identity: Identity,
    sealed_for: [u8; 32],
    secret: Zeroizing<[u8; 32]>,
    charts: HashMap<Print, Known>,
    times: BTreeMap<Origins, u32>,
}

/// First half of a keyed SHA-256.
type Print = [u8; 16];
type Origins = Vec<(DataKind, String)>;

/// One chart as it was sealed last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Known {
    print: Print,
    place: u64,
    /// Where the epoch began with it, if it did.
    first: Option<u64>,
}

impl std::fmt::Debug for Lasting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Lasting({:?})", self.epoch.as_ref().map(|epoch| epoch.identity))
    }
}

impl Lasting {
    /// The epoch, where the next snapshot can go on with it: the one in use is its newest, it was sealed for the same people and the
    /// same day, and its changes are few.
    pub(super) fn fits(&self, in_use: &Manifest, sealed_for: &[u8; 32]) -> Option<&Epoch> {
        let records = |first: bool| -> u64 {
            let all = in_use.sections.iter().filter(|s| s.kind == SectionKind::Records);
            all.filter(|section| (section.id == 0) == first)
                .map(|section| section.len)
                .sum()
        };
        let small = records(false).saturating_mul(100) <= records(true).saturating_mul(GROWN_PERCENT)
            && in_use.sections_end() <= LONGEST_BASE;
        self.epoch.as_ref().filter(|epoch| {
            epoch.identity == Identity::from(in_use)
                && epoch.sealed_for == *sealed_for
                && in_use.delta < MAX_DELTAS
                && small
        })
    }

    pub(super) fn keep(&mut self, epoch: Epoch) {
        self.epoch = Some(epoch);
    }

    /// Forgets it: the next snapshot begins a new epoch.
    pub fn end(&mut self) {
        self.epoch = None;
    }
}

/// What a sealing learns while the charts stream past.
pub(super) struct Learning<'a> {
    before: Option<&'a Epoch>,
    secret: Zeroizing<[u8; 32]>,
    charts: HashMap<Print, Known>,
    times: BTreeMap<Origins, u32>,
    vouched: Vec<Option<AsOf>>,
    scratch: Vec<u8>,
}

/// A chart's two hashes: whose it is, and what it says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    whose: Print,
    print: Print,
}

impl<'a> Learning<'a> {
    /// Goes on with what is known, or begins anew.
    pub(super) fn new(before: Option<&'a Epoch>, rng: &mut impl CryptoRng) -> Self {
        let mut secret = Zeroizing::new([0; 32]);
        let times = before.map(|epoch| epoch.times.clone()).unwrap_or_default();
        match before {
            Some(epoch) => secret.clone_from(&epoch.secret),
            None => rng.fill_bytes(&mut *secret),
        }
        Self {
            before,
            secret,
            charts: HashMap::new(),
            vouched: vec![None; times.len()],
            times,
            scratch: Vec::new(),
        }
    }

    /// The record of a chart, and what to recognise it by; the chart is used up. Its データ時点 goes beside the records where charts of the same origin share it.
    pub(super) fn record(&mut self, chart: &mut Chart, out: &mut Vec<u8>) -> Result<Seen, chart::record::ChartFault> {
        let place = self.time_of(chart);
        let write = |chart: &mut Chart, out: &mut Vec<u8>| match place {
            Some(place) => chart.to_shared_bytes(place, out),
            None => chart.to_bytes(out),
        };
        write(chart, out)?;
        let whose = self.print(chart.patient.id.as_str().as_bytes());
        let mut print = self.print(out);
        // The record is written: what is left of the chart may be made comparable.
        if chart.forget_since() {
            let mut alike = std::mem::take(&mut self.scratch);
            write(chart, &mut alike)?;
            print = self.print(&alike);
            self.scratch = alike;
        }
        Ok(Seen { whose, print })
    }

    /// Where the chart lies already, if it still says the same.
    pub(super) fn place_of(&self, seen: &Seen) -> Option<u64> {
        let known = self.before?.charts.get(&seen.whose)?;
        (known.print == seen.print).then_some(known.place)
    }

    /// Where the chart lay when the epoch began, whatever it says now.
    pub(super) fn first_of(&self, seen: &Seen) -> Option<u64> {
        self.before?.charts.get(&seen.whose)?.first
    }

    /// Notes where it lies now.
    pub(super) fn lies(&mut self, seen: &Seen, place: u64) {
        let first = match self.before {
            Some(_) => self.first_of(seen),
            None => Some(place),
        };
        let known = Known {
            print: seen.print,
            place,
            first,
        };
        self.charts.insert(seen.whose, known);
    }

    /// The list beside the records. A time nobody has any longer is none; no record points to it.
    pub(super) fn vouched(&self) -> Vec<AsOf> {
        self.vouched.iter().map(|at| at.clone().unwrap_or_default()).collect()
    }

    pub(super) fn into_epoch(self, keys: EpochKeys, identity: Identity, sealed_for: [u8; 32]) -> Epoch {
        Epoch {
            keys,
            identity,
            sealed_for,
            secret: self.secret,
            charts: self.charts,
            times: self.times,
        }
    }

    fn time_of(&mut self, chart: &Chart) -> Option<u32> {
        let place = match self.times.get(&chart.origins) {
            Some(place) => *place,
            None if self.times.len() >= MAX_VOUCHED => return None,
            None => {
                let place = u32::try_from(self.times.len()).ok()?;
                self.times.insert(chart.origins.clone(), place);
                self.vouched.push(None);
                place
            }
        };
        let at = self.vouched.get_mut(usize::try_from(place).ok()?)?;
        let shared = at.get_or_insert_with(|| chart.as_of.clone());
        (*shared == chart.as_of).then_some(place)
    }

    fn print(&self, bytes: &[u8]) -> Print {
        let mut hasher = Sha256::new();
        hasher.update(self.secret.as_slice());
        hasher.update(bytes);
        let whole: [u8; 32] = hasher.finalize().into();
        let mut half = Print::default();
        half.iter_mut().zip(whole).for_each(|(to, from)| *to = from);
        half
    }
}

/// Whom and what a snapshot is sealed for, as one number: when it differs, a new epoch with new keys begins.
pub(super) fn sealed_for(plan: &SealPlan, order: &Order<'_>) -> [u8; 32] {
    let mut hasher = Sha256::new();
    let mut put = |bytes: &[u8]| {
        hasher.update((bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    put(plan.hospital.as_bytes());
    put(&chart::codec::date::to_number(order.scope.day).to_le_bytes());
    put(&order.scope.thin_days.to_le_bytes());
    put(&plan.policy);
    put(&plan.recovery.as_ref().map(RecoveryPublic::to_bytes).unwrap_or_default());
    for station in &plan.stations {
        put(station.id.as_bytes());
        put(&station.public.to_bytes());
    }
    put(b"users");
    for user in &plan.users {
        put(user.id.as_bytes());
        put(&user.public.to_bytes());
        put(&user.record);
        user.roles.iter().for_each(|role| put(&role.0.to_le_bytes()));
        put(b"slots");
        user.slots.iter().for_each(|slot| put(slot.as_bytes()));
    }
    put(b"roles");
    for role in &plan.roles {
        put(&role.id.0.to_le_bytes());
        put(&role.enclosed);
        for grant in &role.grants {
            put(&grant.compartment.0.to_le_bytes());
            put(&grant.verbs.to_le_bytes());
        }
    }
    put(b"compartments");
    for compartment in &plan.compartments {
        put(&compartment.id.0.to_le_bytes());
        put(&compartment.name);
    }
    hasher.finalize().into()
}
