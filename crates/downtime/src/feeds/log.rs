//! The one writer of a feed's log: batches appended and synced, a new file for every life and after every failure.
//!
//! The same rules as the journal's (docs/formats/journal.md, R1 to R6), without signatures: nobody but this station reads it.

use std::io::{self, Write};

use rand_core::CryptoRng;
use vault::files::{DurableFile, Locked};
use vault::keys::Key32;

use super::Place;
use super::segment::{self, Record, Segment};

/// New files tried before a batch is not taken.
const ATTEMPTS: u32 = 2;

/// A feed's log, open for writing.
pub(super) struct Log {
    place: Place,
    rng: Box<dyn CryptoRng + Send>,
    current: Option<Current>,
    next_segment: u64,
    next_number: u64,
    /// What an earlier life wrote and nothing proves durable: it goes into the first batch of this life.
    carried: Vec<Record>,
    _lock: Box<dyn Locked>,
}

struct Current {
    file: Box<dyn DurableFile>,
    key: Key32,
    number: u64,
    batches: u32,
    bytes: u64,
}

impl Log {
    /// Opens or begins the log of a feed and makes durable what an earlier life may have left in the air.
    pub(super) fn open(place: Place, rng: Box<dyn CryptoRng + Send>) -> io::Result<Self> {
        place.files.create_dir(&place.dir)?;
        let lock = place.files.lock(&place.dir.join("LOCK"))?;
        let segments = segment::list(&*place.files, &place.dir)?;
        let mut log = Self {
            rng,
            current: None,
            next_segment: segments.last().map_or(1, |(number, _)| number + 1),
            next_number: 1,
            carried: Vec::new(),
            _lock: lock,
            place,
        };
        for (number, compact) in segments.into_iter().rev() {
            let Some(segment) = Segment::open(&log.place, number, compact)? else {
                continue;
            };
            let Some((_, last)) = segment.batches.last() else {
                continue;
            };
            log.next_number = last.end();
            // The presence of a batch proves the one before it durable; nothing proves the last one.
            if let (false, Some(records)) = (compact, segment.records(&log.place, segment.batches.len() - 1)) {
                log.next_number = last.first;
                log.carried = records;
            }
            break;
        }
        if !log.carried.is_empty() {
            let carried = std::mem::take(&mut log.carried);
            log.append(carried)?;
        }
        Ok(log)
    }

    /// The number of the next message.
    pub(super) const fn next_number(&self) -> u64 {
        self.next_number
    }

    /// True when the next message begins a new segment.
    pub(super) fn is_between_segments(&self) -> bool {
        self.current
            .as_ref()
            .is_none_or(|current| current.bytes >= self.place.segment_bytes)
    }

    /// The segment being written; older ones do not change any more.
    pub(super) fn current_segment(&self) -> u64 {
        self.current
            .as_ref()
            .map_or(self.next_segment, |current| current.number)
    }

    /// Lends its source of randomness.
    pub(super) fn with_randomness<T>(&mut self, act: impl FnOnce(&mut dyn CryptoRng) -> T) -> T {
        act(&mut *self.rng)
    }

    /// Numbers the messages and returns when they are durable. After an error nothing of them counts.
    pub(super) fn append(&mut self, mut records: Vec<Record>) -> io::Result<()> {
        for (record, number) in records.iter_mut().zip(self.next_number..) {
            record.number = number;
        }
        let mut failed = None;
        for _ in 0..ATTEMPTS {
            match self.attempt(&records) {
                Ok(()) => {
                    self.next_number += records.len() as u64;
                    return Ok(());
                }
                Err(error) => {
                    // Nothing is known of this file any more: what follows goes into another one.
                    self.current = None;
                    failed = Some(error);
                }
            }
        }
        Err(failed.unwrap_or_else(|| io::Error::other("no attempt was made")))
    }

    fn attempt(&mut self, records: &[Record]) -> io::Result<()> {
        let mut current = match self.current.take() {
            Some(current) if current.bytes < self.place.segment_bytes => current,
            _ => self.begin()?,
        };
        let batch = segment::batch(
            &self.place,
            &current.key,
            current.number,
            current.batches,
            records,
            false,
            &mut *self.rng,
        );
        current.file.write_all(&batch)?;
        current.file.sync()?;
        if current.batches == 0 {
            // The file's own entry must be durable before anything in it is acknowledged.
            self.place.files.sync_dir(&self.place.dir)?;
        }
        current.batches += 1;
        current.bytes += batch.len() as u64;
        self.current = Some(current);
        Ok(())
    }

    fn begin(&mut self) -> io::Result<Current> {
        let number = self.next_segment;
        self.next_segment += 1;
        let (block, key) =
            segment::begin(&self.place, number, self.next_number, &mut *self.rng).map_err(io::Error::other)?;
        let path = segment::path(&self.place.dir, number, false);
        let mut file = self.place.files.create_new(&path)?;
        if let Err(error) = file.write_all(&block) {
            drop(file);
            // Nothing in it was acknowledged. If it stays it is passed over.
            let _ = self.place.files.remove(&path);
            return Err(error);
        }
        Ok(Current {
            file,
            key,
            number,
            batches: 0,
            bytes: block.len() as u64,
        })
    }
}
