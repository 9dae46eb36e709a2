//! Other stations' records on disk, with nothing of them in memory: a log that says where each record lies, and a reader.
//!
//! A big hospital's ninety days are 1.8 million records; a station holds every one of them, and can hold their bytes only on its
//! disk. The rules of durability are those of [`super::RecordLog`], the files are the same. Which records are here, in what order
//! they count and whether one comes twice is deliberately the caller's knowledge.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::files::{Files, Locked, ReadAt};
use crate::ids::{HospitalId, StationId};

use super::chain::believed;
use super::mutants::{Mutant, mutated};
use super::own::lock;
use super::record::Record;
use super::scan::{self, Found, Scan};
use super::segment::{Batch, Committed, Owner, Purpose, SegmentWriter, file_name};
use super::{Damage, DamageKind, MAX_BATCH, NotSaved, StartFault, Stations};

/// Where a record lies in the segments of one directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    segment: u32,
    offset: u32,
    /// Length less one: the longest record has a length of one more than 16 bits hold.
    rest: u16,
}

impl Place {
    pub(super) fn new(segment: u64, offset: u64, record: &Record) -> Self {
        Self {
            // Segments are 64 MiB: neither number comes near its bound before the disk is full a hundred times over.
            segment: u32::try_from(segment).unwrap_or(u32::MAX),
            offset: u32::try_from(offset).unwrap_or(u32::MAX),
            rest: u16::try_from(record.bytes().len().saturating_sub(1)).unwrap_or(u16::MAX),
        }
    }

    pub(super) fn of_batch(committed: Committed, records: &[Record]) -> Vec<Self> {
        let mut offset = committed.offset;
        let places = records.iter().map(|record| {
            let place = Self::new(committed.segment, offset, record);
            offset += record.bytes().len() as u64;
            place
        });
        places.collect()
    }

    /// Bytes of the record.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.rest as usize + 1
    }

    /// Never: a record has a header.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        false
    }
}

/// A log of records from other stations whose bytes stay on the disk.
pub struct PlacedLog {
    writer: SegmentWriter,
    _lock: Box<dyn Locked>,
}

impl PlacedLog {
    /// Opens the log in `dir` and hands over every record in it with its place, in order of arrival; one that lies there twice
    /// comes twice. When this returns, all of them are durable. Records of stations not in `stations` are reported as
    /// [`DamageKind::Forged`]; they stay in the files.
    ///
    /// # Errors
    /// [`StartFault`]; whatever was handed over before it counts for nothing.
    pub fn start(
        files: Arc<dyn Files>,
        dir: &Path,
        hospital: &HospitalId,
        station: &StationId,
        stations: &Stations,
        each: &mut dyn FnMut(Record, Place),
    ) -> Result<(Self, Vec<Damage>), StartFault> {
        files
            .create_dir(dir)
            .map_err(|error| StartFault::Io("creating the directory of received records", error))?;
        let lock = lock(&*files, dir)?;
        let owner = owner(hospital, station);
        let mut reading = Reading::default();
        reading
            .read(&*files, dir, &owner, stations, each)
            .map_err(|error| StartFault::Io("reading received records", error))?;
        let mut writer = SegmentWriter::new(files, dir, owner, reading.next_number);
        let mut tail = Batch::carrying_tail();
        let mut carried: Vec<(u64, Record)> = reading.unsettled.into_values().collect();
        carried.sort_by_key(|(n, _)| *n);
        carried.iter().for_each(|(_, record)| tail.push(record.bytes()));
        if !tail.is_empty() && !mutated(Mutant::LogCarriesNothing) {
            writer.commit(&tail).map_err(StartFault::NotDurable)?;
            writer.mark_settled();
        }
        Ok((Self { writer, _lock: lock }, reading.damage))
    }

    /// Makes records durable and says where each lies. The caller leaves out what is here already; a repeat only costs room.
    ///
    /// # Errors
    /// [`NotSaved`]: no receipt may be given for any of them. Delivering them again later is harmless.
    pub fn append(&mut self, records: &[Record]) -> Result<Vec<Place>, NotSaved> {
        let mut places = Vec::with_capacity(records.len());
        for part in records.chunks(MAX_BATCH) {
            let mut batch = Batch::default();
            part.iter().for_each(|record| batch.push(record.bytes()));
            let committed = self.writer.commit(&batch).map_err(NotSaved::Disk)?;
            places.extend(Place::of_batch(committed, part));
        }
        Ok(places)
    }
}

/// Hands over every record of a log with its place without opening it, also while another process writes to it.
///
/// # Errors
/// When the directory cannot be listed.
pub fn read_placed(
    files: &dyn Files,
    dir: &Path,
    hospital: &HospitalId,
    station: &StationId,
    stations: &Stations,
    each: &mut dyn FnMut(Record, Place),
) -> io::Result<Vec<Damage>> {
    let mut reading = Reading::default();
    reading.read(files, dir, &owner(hospital, station), stations, each)?;
    Ok(reading.damage)
}

const fn owner(hospital: &HospitalId, station: &StationId) -> Owner {
    Owner {
        purpose: Purpose::Foreign,
        hospital: *hospital,
        station: *station,
    }
}

/// What is known while segment after segment is read; only one of them is in memory at a time.
#[derive(Default)]
struct Reading {
    damage: Vec<Damage>,
    /// Records that no settled place is known to hold, with the number of their arrival.
    unsettled: HashMap<[u8; 32], (u64, Record)>,
    arrived: u64,
    next_number: u64,
}

impl Reading {
    fn read(
        &mut self,
        files: &dyn Files,
        dir: &Path,
        owner: &Owner,
        stations: &Stations,
        each: &mut dyn FnMut(Record, Place),
    ) -> io::Result<()> {
        let numbers = scan::numbers(files, dir)?;
        self.next_number = numbers.last().map_or(1, |last| last.saturating_add(1));
        for number in numbers {
            let mut scan = Scan::default();
            let Ok(source) = files.open(&dir.join(file_name(number))) else {
                self.damage.push(Damage {
                    segment: number,
                    offset: 0,
                    len: 0,
                    kind: DamageKind::Unreadable,
                });
                continue;
            };
            // Its first batch carried forward whatever was unsettled before it, and its second proves that durable.
            if scan::scan_segment(&source, number, owner, &mut scan) {
                self.unsettled.clear();
            }
            self.damage.append(&mut scan.damage);
            self.take(scan.found, owner, stations, each);
        }
        Ok(())
    }

    /// One signature check per chain end and segment covers what comes before it there.
    fn take(&mut self, found: Vec<Found>, owner: &Owner, stations: &Stations, each: &mut dyn FnMut(Record, Place)) {
        let believed = believed(&found, |record| {
            let here = record.header().hospital == owner.hospital;
            stations.get(&record.header().station).filter(|_| here)
        });
        for found in found {
            if !believed.contains(found.record.id()) {
                self.damage.push(Damage {
                    segment: found.segment,
                    offset: found.offset,
                    len: found.record.bytes().len() as u64,
                    kind: DamageKind::Forged,
                });
                continue;
            }
            self.arrived += 1;
            if found.unsettled {
                let (n, record) = (self.arrived, found.record.clone());
                self.unsettled.entry(*found.record.id()).or_insert((n, record));
            } else {
                self.unsettled.remove(found.record.id());
            }
            let place = Place::new(found.segment, found.offset, &found.record);
            each(found.record, place);
        }
    }
}

/// Reads records by their places.
pub struct PlacedReader {
    files: Arc<dyn Files>,
    dir: PathBuf,
    open: Option<(u32, Arc<dyn ReadAt>)>,
}

impl PlacedReader {
    /// A reader of the segments in `dir`; nothing is opened yet.
    #[must_use]
    pub fn new(files: Arc<dyn Files>, dir: &Path) -> Self {
        Self {
            files,
            dir: dir.to_path_buf(),
            open: None,
        }
    }

    /// The record at a place. Its check sums are looked at again; its origin was checked when the place was learnt.
    ///
    /// # Errors
    /// What the device says, or `InvalidData` when the bytes are no longer a whole record.
    pub fn read(&mut self, place: Place) -> io::Result<Record> {
        let source = match &self.open {
            Some((number, source)) if *number == place.segment => Arc::clone(source),
            _ => {
                let source = self.files.open(&self.dir.join(file_name(u64::from(place.segment))))?;
                self.open = Some((place.segment, Arc::clone(&source)));
                source
            }
        };
        let mut bytes = vec![0; place.len()];
        source.read_exact_at(u64::from(place.offset), &mut bytes)?;
        Record::parse_unverified(&bytes).map_err(|_| io::ErrorKind::InvalidData.into())
    }
}
