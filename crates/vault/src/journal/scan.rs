//! Reading segments: every whole record is found, whatever is broken around it, and every broken place is reported.
//!
//! Nothing is changed on disk: a segment with damage stays as it is and is its own quarantine.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::codec::{Malformed, Reader};
use crate::files::{Files, ReadAt};

use super::mutants::{Mutant, mutated};
use super::record::{self, Record};
use super::segment::{
    BATCH_HEADER, BATCH_MAGIC, BLOCK, CARRIES_TAIL, Owner, SEGMENT_FIELDS, VERSION, batch_block, file_name, number_of,
};
use super::{Damage, DamageKind};

/// Longest segment file that is read (1 GiB). A written one is at most its size limit and one batch or tail longer.
const MAX_SEGMENT: u64 = 1 << 30;
const PIECE: usize = 1 << 20;

/// What the segments of a directory hold, in the order it was written.
#[derive(Default)]
pub(super) struct Scan {
    pub(super) found: Vec<Found>,
    pub(super) damage: Vec<Damage>,
    /// The first segment number that no file uses.
    pub(super) next_number: u64,
}

/// One whole record and where it was.
pub(super) struct Found {
    pub(super) record: Record,
    pub(super) segment: u64,
    pub(super) offset: u64,
    /// It is not proven that this place was ever synced: it is in the last batch of its segment, and no later segment
    /// proves that it was copied forward.
    pub(super) unsettled: bool,
}

/// Reads every segment of `dir`.
pub(super) fn scan(files: &dyn Files, dir: &Path, owner: &Owner) -> io::Result<Scan> {
    let numbers = numbers(files, dir)?;
    let mut scan = Scan {
        next_number: numbers.last().map_or(1, |last| last.saturating_add(1)),
        ..Scan::default()
    };
    let mut proven = 0;
    for number in numbers {
        let start = scan.found.len();
        match files.open(&dir.join(file_name(number))) {
            // Its first batch carried forward whatever was unsettled before it, and its second proves that durable.
            Ok(source)
                if scan_segment(&source, number, owner, &mut scan) || mutated(Mutant::CarryNewestSegmentOnly) =>
            {
                proven = start;
            }
            Ok(_) => {}
            Err(_) => scan.damage.push(Damage {
                segment: number,
                offset: 0,
                len: 0,
                kind: DamageKind::Unreadable,
            }),
        }
    }
    scan.found
        .iter_mut()
        .take(proven)
        .for_each(|found| found.unsettled = false);
    Ok(scan)
}

/// The segments of `dir` in the order they were begun.
pub(super) fn numbers(files: &dyn Files, dir: &Path) -> io::Result<Vec<u64>> {
    let mut numbers: Vec<u64> = files.list(dir)?.iter().filter_map(|name| number_of(name)).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// Returns whether the segment proves all segments before it settled.
pub(super) fn scan_segment(source: &Arc<dyn ReadAt>, number: u64, owner: &Owner, scan: &mut Scan) -> bool {
    let damage = |offset: usize, len: usize, kind| Damage {
        segment: number,
        offset: offset as u64,
        len: len as u64,
        kind,
    };
    let (bytes, mut unreadable) = read_all(&**source);
    if mutated(Mutant::UnreadableNotReported) {
        unreadable.clear();
    }
    scan.damage.extend(
        unreadable
            .into_iter()
            .map(|(at, len)| damage(at, len, DamageKind::Unreadable)),
    );
    if bytes.is_empty() {
        return false;
    }
    let mut broken: Vec<(usize, usize)> = Vec::new();
    match check_header(&bytes, number, owner) {
        Ok(true) => {}
        // Another station's file: its records are not this journal's.
        Ok(false) => {
            scan.damage.push(damage(0, bytes.len(), DamageKind::NotASegment));
            return false;
        }
        // A torn or damaged header says nothing about the batches behind it.
        Err(Malformed) => broken.push((0, BLOCK.min(bytes.len()))),
    }
    let mut batch = BatchSeen {
        count: 0,
        at: 0,
        end: 0,
        first_record: scan.found.len(),
    };
    let mut carries_tail = false;
    let mut at = BLOCK;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        if let Some((len, flags)) = batch_at(rest, at, number) {
            carries_tail |= flags & CARRIES_TAIL != 0 && batch.count == 0;
            batch = BatchSeen {
                count: batch.count + 1,
                at,
                end: at + BATCH_HEADER + len,
                first_record: scan.found.len(),
            };
            at += BATCH_HEADER;
        } else if let Ok(record) = Record::at_start_of(rest) {
            let len = record.bytes().len();
            scan.found.push(Found {
                record,
                segment: number,
                offset: at as u64,
                unsettled: true,
            });
            at += len;
        } else if at >= batch.end && is_padding(&bytes, at) {
            at = (at + 1).next_multiple_of(batch_block());
        } else if mutated(Mutant::DamageEndsReading) {
            broken.push((at, rest.len()));
            break;
        } else {
            let next = next_candidate(&bytes, at + 1, number);
            broken.push((at, next - at));
            at = next;
        }
    }
    for (at, len) in broken {
        let unfinished = at >= batch.at || batch.count < 2;
        scan.damage.push(damage(
            at,
            len,
            if unfinished {
                DamageKind::Unfinished
            } else {
                DamageKind::Garbled
            },
        ));
    }
    // Records of earlier batches are proven durable by the header of the last one.
    let all = mutated(Mutant::LastBatchCountsAsSettled);
    let settled = if all { usize::MAX } else { batch.first_record };
    let earlier = scan.found.iter_mut().take(settled).rev();
    earlier
        .take_while(|found| found.segment == number)
        .for_each(|found| found.unsettled = false);
    carries_tail && batch.count >= 2
}

/// The batch a walk through a segment is in: how many were seen, where it is, where its records end, its first record.
struct BatchSeen {
    count: u32,
    at: usize,
    end: usize,
    first_record: usize,
}

fn is_padding(bytes: &[u8], at: usize) -> bool {
    if mutated(Mutant::PaddingNotLookedAt) {
        return true;
    }
    let end = (at + 1).next_multiple_of(batch_block()).min(bytes.len());
    bytes
        .get(at..end)
        .is_some_and(|padding| padding.iter().all(|byte| *byte == 0))
}

/// The batch header of this segment at the start of `rest`, if there is one: length of its records, flags.
fn batch_at(rest: &[u8], at: usize, number: u64) -> Option<(usize, u32)> {
    if !at.is_multiple_of(batch_block()) || !rest.starts_with(BATCH_MAGIC) {
        return None;
    }
    let header = rest.first_chunk::<BATCH_HEADER>()?;
    let (fields, crc) = header.split_last_chunk::<4>()?;
    let mut reader = Reader::new(fields.get(4..)?);
    let (segment, _number, _count) = (reader.u64().ok()?, reader.u32().ok()?, reader.u32().ok()?);
    let (len, flags) = (usize::try_from(reader.u32().ok()?).ok()?, reader.u32().ok()?);
    let whole = crc32c::crc32c(fields).to_le_bytes() == *crc || mutated(Mutant::BatchCheckIgnored);
    let ours = whole && segment == number;
    ours.then_some((len, flags))
}

/// The next place at or behind `from` where a batch or a whole record starts; the end of the bytes when there is none.
fn next_candidate(bytes: &[u8], from: usize, number: u64) -> usize {
    (from..bytes.len())
        .find(|at| {
            let rest = bytes.get(*at..).unwrap_or_default();
            let record = rest.starts_with(record::MAGIC) && Record::at_start_of(rest).is_ok();
            let record = record && !mutated(Mutant::ResumeAtBlocksOnly);
            record || batch_at(rest, *at, number).is_some()
        })
        .unwrap_or(bytes.len())
}

/// Whether the header is this owner's; an error when there is no whole header at all.
fn check_header(bytes: &[u8], number: u64, owner: &Owner) -> Result<bool, Malformed> {
    let fields = bytes.get(..SEGMENT_FIELDS).ok_or(Malformed)?;
    let crc = bytes.get(SEGMENT_FIELDS..SEGMENT_FIELDS + 4).ok_or(Malformed)?;
    if crc32c::crc32c(fields).to_le_bytes() != crc {
        return Err(Malformed);
    }
    let mut reader = Reader::new(fields);
    let known = reader.array::<8>()? == *owner.purpose.magic() && reader.u32()? == VERSION && reader.u32()? == 0;
    let named = reader.u64()? == number;
    let ours = reader.array()? == owner.hospital.0 && reader.array()? == owner.station.0;
    Ok((known && named && ours) || mutated(Mutant::OtherOwnersFileTaken))
}

/// Reads as much as the device gives; blocks it cannot read stay zero and are listed.
fn read_all(source: &dyn ReadAt) -> (Vec<u8>, Vec<(usize, usize)>) {
    let Ok(size) = source.size() else {
        return (Vec::new(), vec![(0, 0)]);
    };
    let len = usize::try_from(size.min(MAX_SEGMENT)).unwrap_or(0);
    let mut bytes = vec![0; len];
    let mut unreadable = Vec::new();
    if size > MAX_SEGMENT {
        unreadable.push((len, usize::try_from(size - MAX_SEGMENT).unwrap_or(usize::MAX)));
    }
    for (n, piece) in bytes.chunks_mut(PIECE).enumerate() {
        if source.read_exact_at((n * PIECE) as u64, piece).is_ok() {
            continue;
        }
        for (m, block) in piece.chunks_mut(BLOCK).enumerate() {
            let at = n * PIECE + m * BLOCK;
            if source.read_exact_at(at as u64, block).is_err() {
                block.fill(0);
                unreadable.push((at, block.len()));
            }
        }
    }
    (bytes, unreadable)
}
