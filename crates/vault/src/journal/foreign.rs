//! Other stations' records, kept byte for byte under the same durability rules.
//!
//! They come in any order, with gaps, and a fork (two records with one number) is kept on both branches: which of
//! them counts is for people to decide, never for this room.

use std::collections::HashSet;
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::files::{Files, Locked};
use crate::ids::{HospitalId, StationId};

use super::chain::{believed, unsettled};
use super::mutants::{Mutant, mutated};
use super::own::lock;
use super::record::Record;
use super::scan;
use super::segment::{Batch, Owner, Purpose, SegmentWriter};
use super::{Damage, DamageKind, MAX_BATCH, NotSaved, StartFault, Stations};

/// A log of records from other stations.
pub struct RecordLog {
    writer: SegmentWriter,
    known: HashSet<[u8; 32]>,
    _lock: Box<dyn Locked>,
}

/// What a log holds when it is started.
#[derive(Debug, Default)]
pub struct LogContents {
    /// Every record, in order of arrival, each once.
    pub records: Vec<Record>,
    /// Every place that is not as it was written.
    pub damage: Vec<Damage>,
}

impl RecordLog {
    /// Opens the log in `dir` for this station and reads what is there. Records of stations not in `stations` are
    /// reported as [`DamageKind::Forged`]; they stay in the files and are found again once the station is known.
    ///
    /// # Errors
    /// [`StartFault`].
    pub fn start(
        files: Arc<dyn Files>,
        dir: &Path,
        hospital: &HospitalId,
        station: &StationId,
        stations: &Stations,
    ) -> Result<(Self, LogContents), StartFault> {
        files
            .create_dir(dir)
            .map_err(|error| StartFault::Io("creating the directory of received records", error))?;
        let lock = lock(&*files, dir)?;
        let found = read(&*files, dir, hospital, station, stations)
            .map_err(|error| StartFault::Io("reading received records", error))?;
        let Found {
            contents,
            unsettled,
            owner,
            next_number,
        } = found;
        let mut log = Self {
            writer: SegmentWriter::new(files, dir, owner, next_number),
            known: contents.records.iter().map(|record| *record.id()).collect(),
            _lock: lock,
        };
        let mut tail = Batch::carrying_tail();
        let unsettled = contents.records.iter().filter(|record| unsettled.contains(record.id()));
        unsettled.for_each(|record| tail.push(record.bytes()));
        if !tail.is_empty() && !mutated(Mutant::LogCarriesNothing) {
            log.writer.commit(&tail).map_err(StartFault::NotDurable)?;
            log.writer.mark_settled();
        }
        Ok((log, contents))
    }

    /// Reads a log without opening it: for export and verification, also while another process writes to it.
    ///
    /// # Errors
    /// When the directory cannot be listed.
    pub fn read(
        files: &dyn Files,
        dir: &Path,
        hospital: &HospitalId,
        station: &StationId,
        stations: &Stations,
    ) -> io::Result<LogContents> {
        read(files, dir, hospital, station, stations).map(|found| found.contents)
    }

    /// Makes records durable and returns how many were new. Records already here are skipped, so a repeated delivery
    /// is harmless.
    ///
    /// # Errors
    /// [`NotSaved`]: no receipt may be given for any of them. Delivering them again later is harmless.
    pub fn append(&mut self, records: &[Record]) -> Result<usize, NotSaved> {
        let mut fresh: Vec<&Record> = Vec::new();
        let mut ids = HashSet::new();
        fresh.extend(
            records
                .iter()
                .filter(|record| !self.known.contains(record.id()) && ids.insert(*record.id())),
        );
        for part in fresh.chunks(MAX_BATCH) {
            let mut batch = Batch::default();
            part.iter().for_each(|record| batch.push(record.bytes()));
            if mutated(Mutant::LogHoldsBeforeSaved) {
                self.known.extend(part.iter().map(|record| *record.id()));
            }
            self.writer.commit(&batch).map_err(NotSaved::Disk)?;
            self.known.extend(part.iter().map(|record| *record.id()));
        }
        Ok(fresh.len())
    }

    /// Whether a record is here, durably.
    #[must_use]
    pub fn holds(&self, id: &[u8; 32]) -> bool {
        self.known.contains(id)
    }
}

/// What lies in a log's directory.
struct Found {
    contents: LogContents,
    /// Records that an earlier life may not have made durable.
    unsettled: HashSet<[u8; 32]>,
    owner: Owner,
    next_number: u64,
}

fn read(
    files: &dyn Files,
    dir: &Path,
    hospital: &HospitalId,
    station: &StationId,
    stations: &Stations,
) -> io::Result<Found> {
    let owner = Owner {
        purpose: Purpose::Foreign,
        hospital: *hospital,
        station: *station,
    };
    let scan = scan::scan(files, dir, &owner)?;
    let believed = believed(&scan.found, |record| {
        let here = record.header().hospital == *hospital;
        stations.get(&record.header().station).filter(|_| here)
    });
    let unsettled = unsettled(&scan.found);
    let mut known = HashSet::with_capacity(believed.len());
    let mut contents = LogContents {
        records: Vec::with_capacity(believed.len()),
        damage: scan.damage,
    };
    for found in scan.found {
        if !believed.contains(found.record.id()) {
            let len = found.record.bytes().len() as u64;
            let damage = Damage {
                segment: found.segment,
                offset: found.offset,
                len,
                kind: DamageKind::Forged,
            };
            contents.damage.push(damage);
        } else if known.insert(*found.record.id()) {
            contents.records.push(found.record);
        }
    }
    Ok(Found {
        contents,
        unsettled,
        owner,
        next_number: scan.next_number,
    })
}
