//! A later snapshot of the same epoch: what has not changed keeps its sealed bytes, its place and its key.
//!
//! The new file begins with the old one's sections, byte for byte, up to the end of its records; behind them stand the records that
//! changed, what changed in each index since the epoch began, new statistics and a new manifest. Stations fetch only what they have not.
//! Which record has changed is deliberately not decided here: the caller says so, and it knows what a record means.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::Arc;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::ids::CompartmentId;
use crate::keys::SealerSecret;

use super::index::{Block, Locator, Locators};
use super::layout::{HEADER_LEN, SectionKind};
use super::manifest::{Manifest, Section};
use super::reader::{Snapshot, Unlocked};
use super::record::{Opening, RecordSealer};
use super::writer::{EpochKeys, Sink, SnapshotWriter};
use super::{DELTA_CLIENT, MAX_DELTAS, SealFault};

/// What is new about a delta besides its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amendment {
    /// When sealing started, Unix seconds UTC, by the caller's clock.
    pub created: i64,
    /// Until when the snapshot counts as fresh, Unix seconds UTC.
    pub fresh_until: i64,
    /// zstd level for records.
    pub level: i32,
}

/// What the snapshot before holds.
pub(super) struct Before {
    /// Every record it lists, by its place.
    known: BTreeMap<u64, Locator>,
    /// The indices the epoch began with, and the places of their records.
    indices: BTreeMap<CompartmentId, (Locators, Vec<Arc<Block>>)>,
    first: BTreeMap<CompartmentId, BTreeMap<u64, u32>>,
    open: Unlocked,
    /// Places of records that stay.
    kept: BTreeSet<u64>,
    /// Number of the section for new records.
    pub(super) records_id: u16,
}

impl Before {
    pub(super) fn index(&self, compartment: CompartmentId) -> Option<&(Locators, Vec<Arc<Block>>)> {
        self.indices.get(&compartment)
    }

    fn read(previous: &Snapshot, keys: &EpochKeys) -> Result<(Self, Vec<u8>), SealFault> {
        let unreadable = |fault| SealFault::Before(Box::new(fault));
        let open = previous.unlock_epoch(keys).map_err(unreadable)?;
        let mut base = Self {
            known: BTreeMap::new(),
            indices: BTreeMap::new(),
            first: BTreeMap::new(),
            kept: BTreeSet::new(),
            records_id: 0,
            open,
        };
        for compartment in keys.compartments.keys() {
            let locators = base.open.locators(*compartment).map_err(unreadable)?;
            let known = locators.iter().map(|locator| (locator.offset, locator.clone()));
            base.known.extend(known);
            let (locators, blocks) = base.open.base_index(*compartment).map_err(unreadable)?;
            let rows = locators.iter().map(|locator| locator.offset).zip(0..).collect();
            base.first.insert(*compartment, rows);
            let blocks = blocks.into_iter().map(Arc::new).collect();
            base.indices.insert(*compartment, (locators, blocks));
        }
        let records = previous.manifest().sections.iter();
        let records = records.filter(|section| section.kind == SectionKind::Records).count();
        base.records_id = u16::try_from(records).unwrap_or(u16::MAX);
        let dictionary = base.open.dictionary().to_vec();
        Ok((base, dictionary))
    }

    /// A record the epoch began with, and its bytes, if every one of these compartments listed it then: its key goes with what is told
    /// over it, and must open nothing to anybody that was not theirs already.
    fn before(&self, compartments: &[CompartmentId], place: u64) -> Option<(Locator, Zeroizing<Vec<u8>>)> {
        let mut found = None;
        for compartment in compartments {
            let row = self.first.get(compartment)?.get(&place)?;
            found = Some((compartment, *row));
        }
        let (compartment, row) = found?;
        let locator = self.indices.get(compartment)?.0.get(row)?;
        match self.open.opening(&locator).ok()? {
            Opening::Whole(plain) => Some((locator, plain)),
            Opening::Over(_) => None,
        }
    }
}

/// The sections a delta takes over: all before the first that every snapshot makes anew.
fn shared(manifest: &Manifest) -> Result<&[Section], SealFault> {
    let anew = |section: &Section| matches!(section.kind, SectionKind::IndexChanges | SectionKind::Stat);
    let end = manifest
        .sections
        .iter()
        .position(anew)
        .unwrap_or(manifest.sections.len());
    let (shared, rest) = manifest.sections.split_at_checked(end).unwrap_or_default();
    if rest.iter().all(anew) {
        Ok(shared)
    } else {
        Err(SealFault::Plan(
            "the snapshot before has a section behind its statistics that a delta would lose",
        ))
    }
}

impl<'a, W: Write, R: CryptoRng> SnapshotWriter<'a, W, R> {
    /// Starts the snapshot after `previous`, which these keys sealed: the same stations, users, roles, compartments and dictionary,
    /// and every record the caller says is still the same ([`Self::keep_record`]).
    ///
    /// # Errors
    /// [`SealFault`]: the epoch has had its deltas, another sealer made it, or the file before cannot be read.
    pub fn amend(
        sink: W,
        previous: &Snapshot,
        keys: EpochKeys,
        when: Amendment,
        sealer: &'a SealerSecret,
        rng: &'a mut R,
    ) -> Result<Self, SealFault> {
        let before = previous.manifest();
        if before.delta >= MAX_DELTAS {
            return Err(SealFault::Plan("the epoch has had as many deltas as it may have"));
        }
        if before.sealer != sealer.public().to_bytes() {
            return Err(SealFault::Plan("the snapshot before was made by another sealer"));
        }
        let shared = shared(before)?;
        let (base, dictionary) = Before::read(previous, &keys)?;
        let mut sink = Sink::start(sink)?;
        for section in shared {
            sink.take_over(&*previous.file.source, section)?;
        }
        let manifest = Manifest {
            delta: before.delta + 1,
            created: when.created,
            fresh_until: when.fresh_until,
            previous: before.sha256,
            min_client: before.min_client.max(DELTA_CLIENT),
            records: 0,
            sections: Vec::new(),
            sha256: [0; 32],
            ..before.clone()
        };
        let locators = keys.compartments.keys().map(|id| (*id, Locators::default())).collect();
        Ok(Self {
            records: RecordSealer::new(&dictionary, when.level).map_err(SealFault::Compression)?,
            sink,
            manifest,
            keys,
            locators,
            sealed: Vec::new(),
            base: Some(base),
            place: 0,
            sealer,
            rng,
            canaries: Vec::new(),
            failed: false,
        })
    }

    /// Takes a record of the snapshot before into the given compartments as it is. `place` is what [`Self::place`] said when it was
    /// added. Returns its ordinal in each compartment, in the same order.
    ///
    /// # Errors
    /// [`SealFault::Record`] when there is no such record, or as for [`Self::add_record`]; the writer stays usable.
    pub fn keep_record(&mut self, compartments: &[CompartmentId], place: u64) -> Result<Vec<u32>, SealFault> {
        self.check_record(compartments, 0)?;
        let unknown = SealFault::Record("the snapshot before has no such record");
        let Some(base) = self.base.as_mut() else {
            return Err(unknown);
        };
        let Some(locator) = base.known.get(&place).cloned() else {
            return Err(unknown);
        };
        if base.kept.insert(place) {
            self.manifest.records += 1;
        }
        Ok(self.enter(compartments, &locator))
    }

    /// Adds a record that has changed since the epoch began: where that is shorter, it is sealed as what differs from the record that
    /// lay at `first` then. Otherwise as [`Self::add_record`].
    ///
    /// # Errors
    /// As [`Self::add_record`].
    pub fn change_record(
        &mut self,
        compartments: &[CompartmentId],
        plain: &[u8],
        first: u64,
    ) -> Result<Vec<u32>, SealFault> {
        self.check_record(compartments, plain.len())?;
        let before = self.base.as_ref().and_then(|base| base.before(compartments, first));
        let before = before.as_ref().map(|(locator, bytes)| (locator, bytes.as_slice()));
        let result = self.write_record(compartments, plain, before);
        self.failed = result.is_err();
        result
    }

    /// Bytes of this delta's own records so far, and of everything before them: how much of a whole file the changes are.
    #[must_use]
    pub fn grown(&self) -> (u64, u64) {
        (self.sink.offset - self.sink.start, self.sink.start - HEADER_LEN)
    }
}
