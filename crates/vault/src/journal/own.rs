//! This station's own journal: started once per life of the process, appended to in batches.

use std::path::Path;
use std::sync::Arc;

use rand_core::CryptoRng;

use crate::files::{Files, Locked};
use crate::ids::{CompartmentId, HospitalId, IncarnationId, StationId};
use crate::keys::{RolePublic, StationSecret};

use super::chain::{self, Walk};
use super::mutants::{Mutant, mutated};
use super::payload::PayloadKey;
use super::placed::Place;
use super::record::{Header, Record};
use super::segment::{Batch, Owner, Purpose, SegmentWriter};
use super::{Class, MAX_BATCH, MAX_PAYLOAD, MAX_READERS, NewRecord, NotSaved, StartFault};

const LOCK_NAME: &str = "LOCK";

/// What a journal is started with.
#[derive(Clone, Copy, Debug)]
pub struct Start<'a> {
    /// The hospital.
    pub hospital: HospitalId,
    /// This station.
    pub station: StationId,
    /// This station's secret: every record is signed with it.
    pub secret: &'a StationSecret,
    /// Whether to go on with the chain that is there.
    pub incarnation: Incarnation,
    /// The roles that may read what is written in this life.
    pub readers: &'a [RolePublic],
    /// Hybrid logical clock now, for the key record.
    pub hlc: u64,
    /// How good the clock is, in the caller's coding.
    pub time_quality: u8,
}

/// Whether a start goes on with the newest chain or begins another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Incarnation {
    /// The normal case. The very first start begins a chain, and so does one that finds numbers missing in the newest.
    Continue,
    /// After a fork was reported (a copied disk, a restored image): both branches are kept, a new chain begins.
    New,
}

/// A started journal. There is one per directory: a lock keeps other processes out.
pub struct Journal {
    writer: SegmentWriter,
    secret: StationSecret,
    hospital: HospitalId,
    station: StationId,
    incarnation: IncarnationId,
    seq: u64,
    head: [u8; 32],
    key: PayloadKey,
    key_record: Record,
    places: Vec<Place>,
    _lock: Box<dyn Locked>,
}

impl Journal {
    /// Recovers what earlier lives left in `dir` and opens a new segment. When this returns, everything recovered and
    /// the new payload key are durable.
    ///
    /// # Errors
    /// [`StartFault`]. Nothing that was there is changed by a failed start.
    pub fn start(
        files: Arc<dyn Files>,
        dir: &Path,
        start: &Start<'_>,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<(Self, Walk), StartFault> {
        if start.readers.is_empty() || start.readers.len() > MAX_READERS {
            return Err(StartFault::Readers);
        }
        files
            .create_dir(dir)
            .map_err(|error| StartFault::Io("creating the journal directory", error))?;
        let lock = lock(&*files, dir)?;
        let owner = Owner {
            purpose: Purpose::Own,
            hospital: start.hospital,
            station: start.station,
        };
        let walked = chain::walk(&*files, dir, &owner, &start.secret.public())
            .map_err(|error| StartFault::Io("reading the journal", error))?;
        let goes_on = walked.head.filter(|_| start.incarnation == Incarnation::Continue);
        let (incarnation, seq, head) = goes_on.unwrap_or_else(|| {
            let mut fresh = [0; IncarnationId::LEN];
            rng.fill_bytes(&mut fresh);
            (IncarnationId(fresh), 0, [0; 32])
        });
        let key = PayloadKey::fresh(rng);
        let header = Header {
            class: Class::KEY,
            time_quality: start.time_quality,
            compartment: CompartmentId(0),
            hospital: start.hospital,
            station: start.station,
            incarnation,
            seq: seq.saturating_add(1),
            previous: head,
            hlc: start.hlc,
            user: [0; 16],
            key: key.id,
        };
        let wrapped = key
            .for_readers(&header, start.readers, rng)
            .map_err(|_| StartFault::Readers)?;
        let key_record = Record::build(header, &wrapped, start.secret);
        // R6: what is visible now may be in the page cache only. It becomes durable here, before anything new is
        // chained to it.
        let mut writer = SegmentWriter::new(files, dir, owner, walked.next_number);
        let mut batch = Batch::carrying_tail();
        let tail = walked
            .walk
            .records
            .iter()
            .filter(|record| walked.unsettled.contains(record.id()) && !mutated(Mutant::CarryNothing));
        for record in tail {
            batch.push(record.bytes());
            if mutated(Mutant::TailInManyBatches) {
                writer.commit(&batch).map_err(StartFault::NotDurable)?;
                batch = Batch::default();
            }
        }
        let before_key = batch.len();
        batch.push(key_record.bytes());
        let committed = writer.commit(&batch).map_err(StartFault::NotDurable)?;
        let place = Place::new(committed.segment, committed.offset + before_key, &key_record);
        writer.mark_settled();
        let journal = Self {
            writer,
            secret: start.secret.clone(),
            hospital: start.hospital,
            station: start.station,
            incarnation,
            seq: header.seq,
            head: *key_record.id(),
            key,
            key_record,
            places: vec![place],
            _lock: lock,
        };
        Ok((journal, walked.walk))
    }

    /// Appends entries and returns when all of them are durable: one write and one sync for the whole batch. The
    /// records come back in the order of `entries`: a record's id is the entry's name everywhere, and its bytes are what
    /// other stations get.
    ///
    /// # Errors
    /// [`NotSaved`]: none of the entries is acknowledged. (A crash right then may still leave some of them on disk;
    /// the next start then finds them as ordinary records.)
    pub fn append_batch(
        &mut self,
        entries: &[NewRecord<'_>],
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Vec<Record>, NotSaved> {
        check(entries)?;
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        let mut batch = Batch::default();
        let mut records = Vec::with_capacity(entries.len());
        let (mut seq, mut head) = (self.seq, self.head);
        for entry in entries {
            seq = seq.checked_add(1).ok_or(NotSaved::Refused("the journal is full"))?;
            let header = Header {
                class: entry.class,
                time_quality: entry.time_quality,
                compartment: entry.compartment,
                hospital: self.hospital,
                station: self.station,
                incarnation: self.incarnation,
                seq,
                previous: head,
                hlc: entry.hlc,
                user: entry.user,
                key: self.key.id,
            };
            let record = if entry.class.is_open() {
                Record::build(header, entry.payload, &self.secret)
            } else {
                Record::build(header, &self.key.seal(&header, entry.payload, rng), &self.secret)
            };
            head = *record.id();
            batch.push(record.bytes());
            records.push(record);
        }
        if mutated(Mutant::HeadAdvancesOnFailure) {
            (self.seq, self.head) = (seq, head);
        }
        let committed = self.writer.commit(&batch).map_err(NotSaved::Disk)?;
        self.places = Place::of_batch(committed, &records);
        (self.seq, self.head) = (seq, head);
        Ok(records)
    }

    /// The chain this life writes to, with the number and id of its last durable record.
    #[must_use]
    pub fn head(&self) -> (IncarnationId, u64, [u8; 32]) {
        (self.incarnation, self.seq, self.head)
    }

    /// Where the records of the last batch lie, in its order; after a start, where the key record does.
    #[must_use]
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// The key record of this life: it is in the files, but not in the walk, which holds what earlier lives left.
    #[must_use]
    pub const fn key_record(&self) -> &Record {
        &self.key_record
    }
}

pub(super) fn lock(files: &dyn Files, dir: &Path) -> Result<Box<dyn Locked>, StartFault> {
    files.lock(&dir.join(LOCK_NAME)).map_err(|error| match error.kind() {
        std::io::ErrorKind::WouldBlock => StartFault::InUse,
        _ => StartFault::Io("locking the journal", error),
    })
}

fn check(entries: &[NewRecord<'_>]) -> Result<(), NotSaved> {
    if entries.len() > MAX_BATCH {
        return Err(NotSaved::Refused("too many entries at once"));
    }
    if entries.iter().any(|entry| entry.payload.len() > MAX_PAYLOAD) {
        return Err(NotSaved::Refused("an entry is longer than 63.5 KiB"));
    }
    if entries.iter().any(|entry| entry.class == Class::KEY) {
        return Err(NotSaved::Refused("an entry uses the class of key records"));
    }
    Ok(())
}
