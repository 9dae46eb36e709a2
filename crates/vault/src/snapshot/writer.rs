//! Writing a snapshot: keys first, then records as they come, then indices, then the signed manifest.
//!
//! Memory holds one record and the locators. What was written is not durable until the caller syncs its sink, and not
//! proven until it has been opened again: [`Sealed`] gives back the keys to do that, in memory only.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;

use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::files::ReadAt;
use crate::ids::{CompartmentId, RoleId};
use crate::keys::{Key32, SealerSecret};
use crate::sealbox;

use super::amend::Before;
use super::changes;
use super::index::{Block, Locator, Locators};
use super::layout::{HEADER_LEN, MAGIC, SectionKind};
use super::manifest::{Manifest, Section};
use super::plan::SealPlan;
use super::record::{self, RecordSealer};
use super::{
    MAX_BLOCKS, MAX_RECORD, MAX_RECORDS, MAX_SNAPSHOT, MAX_STAT, MAX_THIN, PLAIN_CLIENT, RECOVERY_CLIENT, SealFault,
    SnapshotFault, canary, keyring, recovery,
};

const BUFFER: usize = 256 << 10;
/// Kept free behind the records for indices and manifest when the size limit is checked.
const END_ROOM: u64 = 64 << 20;

/// Makes the thin list of one compartment: its id and number of records in, the caller's blocks out.
pub type Thin<'a> = dyn FnMut(CompartmentId, u32) -> Vec<Vec<u8>> + 'a;

/// Streams one snapshot into `W`. After any error the unfinished file is worthless and every further call fails.
pub struct SnapshotWriter<'a, W: Write, R: CryptoRng> {
    pub(super) sink: Sink<W>,
    pub(super) manifest: Manifest,
    pub(super) keys: EpochKeys,
    pub(super) locators: BTreeMap<CompartmentId, Locators>,
    pub(super) records: RecordSealer,
    pub(super) sealed: Vec<u8>,
    /// The snapshot before, where this is a delta.
    pub(super) base: Option<Before>,
    pub(super) place: u64,
    pub(super) sealer: &'a SealerSecret,
    pub(super) rng: &'a mut R,
    /// Plain bytes of the canary section; empty without one, and in a delta, which keeps the section of its epoch.
    pub(super) canaries: Vec<u8>,
    pub(super) failed: bool,
}

/// A finished snapshot: its manifest, and the keys to prove that it opens.
#[derive(Debug)]
pub struct Sealed {
    /// What was written.
    pub manifest: Manifest,
    /// Opens everything; in memory only, erased on drop.
    pub reopen: EpochKeys,
}

/// All keys of one epoch. They exist in the sealer's memory and nowhere else; a restart means a new epoch.
#[derive(Clone)]
pub struct EpochKeys {
    pub(super) stations: Key32,
    pub(super) roles: BTreeMap<RoleId, Key32>,
    pub(super) compartments: BTreeMap<CompartmentId, Key32>,
    pub(super) dictionary: Key32,
}

impl EpochKeys {
    fn fresh<R: CryptoRng>(plan: &SealPlan, rng: &mut R) -> Self {
        Self {
            stations: Key32::random(rng),
            roles: plan.roles.iter().map(|role| (role.id, Key32::random(rng))).collect(),
            compartments: plan.compartments.iter().map(|c| (c.id, Key32::random(rng))).collect(),
            dictionary: Key32::random(rng),
        }
    }
}

impl std::fmt::Debug for EpochKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EpochKeys(secret)")
    }
}

impl<'a, W: Write, R: CryptoRng> SnapshotWriter<'a, W, R> {
    /// Starts a snapshot: checks the plan, makes fresh keys, writes everything that comes before the records.
    ///
    /// # Errors
    /// [`SealFault`].
    pub fn new(sink: W, plan: &SealPlan, sealer: &'a SealerSecret, rng: &'a mut R) -> Result<Self, SealFault> {
        plan.check()?;
        let keys = EpochKeys::fresh(plan, rng);
        let manifest = new_manifest(plan, sealer);
        let place = manifest.place();
        let mut sink = Sink::start(sink)?;
        sink.section(
            SectionKind::Stations,
            0,
            &keyring::seal_stations(plan, &place, &keys, rng)?,
        )?;
        sink.section(SectionKind::Users, 0, &keyring::seal_users(plan, &place, &keys, rng)?)?;
        sink.section(SectionKind::Rings, 0, &keyring::seal_rings(plan, &place, &keys, rng)?)?;
        if let Some(public) = &plan.recovery {
            let keys = recovery::seal(public, &place, &keys, rng)?;
            sink.section(SectionKind::Recovery, 0, &keys)?;
        }
        let packed = record::pack_dictionary(&plan.dictionary).map_err(SealFault::Compression)?;
        let dictionary = sealbox::seal(&keys.dictionary, &place.dictionary(), &packed, rng);
        sink.section(SectionKind::Dictionary, 0, &dictionary)?;
        Ok(Self {
            sink,
            manifest,
            keys,
            locators: plan.compartments.iter().map(|c| (c.id, Locators::default())).collect(),
            records: RecordSealer::new(&plan.dictionary, plan.level).map_err(SealFault::Compression)?,
            sealed: Vec::new(),
            base: None,
            place: 0,
            sealer,
            rng,
            canaries: Vec::new(),
            failed: false,
        })
    }

    /// Seals one record into the given compartments and returns its ordinal in each, in the same order. Whose
    /// record it is stands nowhere outside the sealed indices.
    ///
    /// # Errors
    /// [`SealFault::Record`] leaves the writer usable, any other does not.
    pub fn add_record(&mut self, compartments: &[CompartmentId], plain: &[u8]) -> Result<Vec<u32>, SealFault> {
        self.check_record(compartments, plain.len())?;
        let result = self.write_record(compartments, plain, None);
        self.failed = result.is_err();
        result
    }

    /// Ends the snapshot: asks `thin` for each compartment's list (in order of compartment id), writes the indices,
    /// `stat` and the signed manifest, and flushes. The caller then syncs and re-opens.
    ///
    /// # Errors
    /// [`SealFault`].
    pub fn finish(mut self, thin: &mut Thin<'_>, stat: &[u8]) -> Result<Sealed, SealFault> {
        self.check_usable()?;
        if stat.len() > MAX_STAT {
            return Err(SealFault::Plan("the statistics are longer than 1 MiB"));
        }
        match self.base.as_ref().map(|base| base.records_id) {
            None => self.sink.end_section(SectionKind::Records, 0),
            // A delta without a changed record has no section for them.
            Some(_) if self.sink.offset == self.sink.start => {}
            Some(id) => self.sink.end_section(SectionKind::Records, id),
        }
        let delta = self.manifest.delta;
        let place = self.manifest.place();
        for (compartment, locators) in std::mem::take(&mut self.locators) {
            let base = self.base.as_ref().map(|base| base.index(compartment));
            let base = base.map(|index| index.ok_or(SealFault::Plan("a compartment is not in the snapshot before")));
            let base = base.transpose()?;
            let over = base.map_or(&[][..], |(_, blocks)| blocks);
            let blocks = pack(thin(compartment, locators.len()), over)?;
            let plain = match base {
                None => locators.to_plain(&blocks),
                Some((before, _)) => changes::to_plain(before, &locators, &blocks),
            };
            let plain = plain.map_err(SealFault::Compression)?;
            let key = self
                .keys
                .compartments
                .get(&compartment)
                .ok_or(SealFault::Plan("a compartment has no key"))?;
            let (kind, context) = match base {
                None => (SectionKind::Index, place.index(compartment)),
                Some(_) => (SectionKind::IndexChanges, place.changes(delta, compartment)),
            };
            let sealed = sealbox::seal(key, &context, &plain, self.rng);
            self.sink.section(kind, compartment.0, &sealed)?;
        }
        if !self.canaries.is_empty() {
            let sealed = canary::seal(&self.keys, &place, &self.canaries, self.rng)?;
            self.sink.section(SectionKind::Canary, 0, &sealed)?;
        }
        self.sink.section(SectionKind::Stat, 0, stat)?;
        let Self {
            mut sink,
            mut manifest,
            keys,
            sealer,
            ..
        } = self;
        manifest.sections = std::mem::take(&mut sink.sections);
        let end = manifest.seal_end(sealer);
        if sink.offset + end.len() as u64 > MAX_SNAPSHOT {
            return Err(SealFault::Plan("the snapshot is larger than 2 GiB"));
        }
        sink.write(&end)?;
        sink.inner.flush().map_err(SealFault::Io)?;
        Ok(Sealed { manifest, reopen: keys })
    }

    fn check_usable(&self) -> Result<(), SealFault> {
        if self.failed {
            Err(SealFault::Io(io::Error::other("an earlier write failed")))
        } else {
            Ok(())
        }
    }

    pub(super) fn check_record(&self, compartments: &[CompartmentId], len: usize) -> Result<(), SealFault> {
        self.check_usable()?;
        let repeated = compartments
            .iter()
            .enumerate()
            .any(|(n, id)| compartments.iter().take(n).any(|other| other == id));
        let full = usize::try_from(self.manifest.records).map_or(true, |count| count >= MAX_RECORDS);
        let problem = match () {
            () if len > MAX_RECORD => "it is longer than 4 MiB",
            () if compartments.is_empty() => "it is in no compartment",
            () if repeated => "it names a compartment twice",
            () if compartments.iter().any(|id| !self.locators.contains_key(id)) => "it names an unknown compartment",
            () if full || self.sink.offset + (2 * MAX_RECORD) as u64 + END_ROOM > MAX_SNAPSHOT => {
                "the snapshot is full"
            }
            () => return Ok(()),
        };
        Err(SealFault::Record(problem))
    }

    pub(super) fn write_record(
        &mut self,
        compartments: &[CompartmentId],
        plain: &[u8],
        before: Option<(&Locator, &[u8])>,
    ) -> Result<Vec<u32>, SealFault> {
        let offset = self.sink.offset;
        let key = Key32::random(self.rng);
        self.sealed.clear();
        let place = self.manifest.place().record(offset);
        let sealed = self.records.seal(key.clone(), &place, plain, before, &mut self.sealed);
        sealed.map_err(SealFault::Compression)?;
        let too_long = |_| SealFault::Record("it is longer than 4 MiB");
        let locator = Locator {
            offset,
            len: u32::try_from(self.sealed.len()).map_err(too_long)?,
            plain: u32::try_from(plain.len()).map_err(too_long)?,
            key,
        };
        self.sink.write(&self.sealed)?;
        self.manifest.records += 1;
        Ok(self.enter(compartments, &locator))
    }

    /// Lists a record in its compartments.
    pub(super) fn enter(&mut self, compartments: &[CompartmentId], locator: &Locator) -> Vec<u32> {
        self.place = locator.offset;
        let mut ordinals = Vec::with_capacity(compartments.len());
        for compartment in compartments {
            if let Some(locators) = self.locators.get_mut(compartment) {
                ordinals.push(locators.len());
                locators.push(locator.clone());
            }
        }
        ordinals
    }

    /// Where the record that was added or kept last begins: by this a later snapshot of the epoch keeps it.
    #[must_use]
    pub const fn place(&self) -> u64 {
        self.place
    }
}

/// Compresses a list block by block; the plain bytes are erased.
fn pack(list: Vec<Vec<u8>>, over: &[Arc<Block>]) -> Result<Vec<Block>, SealFault> {
    let list: Vec<Zeroizing<Vec<u8>>> = list.into_iter().map(Zeroizing::new).collect();
    if list.len() > MAX_BLOCKS {
        return Err(SealFault::Plan("a compartment's list has more than 256 blocks"));
    }
    if list.iter().map(|block| block.len()).sum::<usize>() > MAX_THIN {
        return Err(SealFault::Plan("a compartment's list is longer than 512 MiB"));
    }
    let bases = over.iter().map(Some).chain(std::iter::repeat(None));
    let blocks = list
        .into_iter()
        .zip(bases)
        .map(|(block, base)| Block::pack_over(&block, base));
    blocks.collect::<io::Result<_>>().map_err(SealFault::Compression)
}

fn new_manifest(plan: &SealPlan, sealer: &SealerSecret) -> Manifest {
    Manifest {
        hospital: plan.hospital,
        epoch: plan.epoch,
        delta: plan.delta,
        created: plan.created,
        fresh_until: plan.fresh_until,
        previous: plan.previous,
        sealer: sealer.public().to_bytes(),
        min_client: if plan.recovery.is_some() {
            RECOVERY_CLIENT
        } else {
            PLAIN_CLIENT
        },
        records: 0,
        sections: Vec::new(),
        sha256: [0; 32],
    }
}

/// Where the bytes go: counted, hashed per section, buffered.
pub(super) struct Sink<W: Write> {
    inner: BufWriter<W>,
    pub(super) offset: u64,
    pub(super) start: u64,
    hasher: Sha256,
    sections: Vec<Section>,
}

impl<W: Write> Sink<W> {
    pub(super) fn start(inner: W) -> Result<Self, SealFault> {
        let mut inner = BufWriter::with_capacity(BUFFER, inner);
        inner
            .write_all(MAGIC)
            .and_then(|()| inner.write_all(&[0; 8]))
            .map_err(SealFault::Io)?;
        Ok(Self {
            inner,
            offset: HEADER_LEN,
            start: HEADER_LEN,
            hasher: Sha256::new(),
            sections: Vec::new(),
        })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), SealFault> {
        self.hasher.update(bytes);
        self.offset += bytes.len() as u64;
        self.inner.write_all(bytes).map_err(SealFault::Io)
    }

    /// Copies a section of another file that stands at the very place; a byte that has changed since it was sealed is found here.
    pub(super) fn take_over(&mut self, from: &dyn ReadAt, section: &Section) -> Result<(), SealFault> {
        let moved = SealFault::Plan("the sections of the snapshot before do not stand where they should");
        if section.offset != self.offset {
            return Err(moved);
        }
        let mut left = section.len;
        let mut piece = vec![0; BUFFER];
        while left > 0 {
            let now = usize::try_from(left).map_or(BUFFER, |left| left.min(BUFFER));
            let piece = piece.get_mut(..now).unwrap_or_default();
            from.read_exact_at(self.offset, piece).map_err(SealFault::Io)?;
            self.write(piece)?;
            left -= now as u64;
        }
        self.end_section(section.kind, section.id);
        match self.sections.last() {
            Some(copied) if copied.sha256 == section.sha256 => Ok(()),
            _ => Err(SealFault::Before(Box::new(SnapshotFault::SectionChanged(
                section.kind,
                section.id,
            )))),
        }
    }

    fn end_section(&mut self, kind: SectionKind, id: u16) {
        let sha256 = self.hasher.finalize_reset().into();
        self.sections.push(Section {
            kind,
            id,
            offset: self.start,
            len: self.offset - self.start,
            sha256,
        });
        self.start = self.offset;
    }

    fn section(&mut self, kind: SectionKind, id: u16, bytes: &[u8]) -> Result<(), SealFault> {
        self.write(bytes)?;
        self.end_section(kind, id);
        Ok(())
    }
}
