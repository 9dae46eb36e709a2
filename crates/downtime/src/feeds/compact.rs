//! Closed segments rewritten small, and removed when they are old.
//!
//! A listener's batches are mostly one message on a block of 4 KiB. Rewritten together and compressed they take a tenth. The rewritten
//! file is durable before the first one goes, so at every moment one of the two is whole.

use std::io::{self, Write};

use chart::Moment;
use rand_core::CryptoRng;

use super::Place;
use super::segment::{self, BATCH_BYTES, Record, Segment};

/// Rewrites every closed segment below `current` that is not compact yet; `next` is where its successor takes over. Returns how many.
pub(super) fn rewrite_closed(place: &Place, current: u64, rng: &mut dyn CryptoRng) -> io::Result<u64> {
    let segments = segment::list(&*place.files, &place.dir)?;
    let mut done = 0;
    for &(number, compact) in segments
        .iter()
        .filter(|(number, compact)| *number < current && !compact)
    {
        debug_assert!(!compact);
        let Some(segment) = Segment::open(place, number, false)? else {
            continue;
        };
        // A damaged segment stays as it is: it is its own quarantine.
        if segment.batches.is_empty() || (!segment.damage.is_empty() && !only_torn(&segment)) {
            continue;
        }
        let records: Option<Vec<Vec<Record>>> = (0..segment.batches.len())
            .map(|batch| segment.records(place, batch))
            .collect();
        let Some(records) = records else { continue };
        write(place, &segment, &records.concat(), rng)?;
        place.files.remove(&segment::path(&place.dir, number, false))?;
        place.files.sync_dir(&place.dir)?;
        done += 1;
    }
    Ok(done)
}

fn only_torn(segment: &Segment) -> bool {
    segment.damage.len() == 1 && segment.has_torn_tail()
}

fn write(place: &Place, segment: &Segment, records: &[Record], rng: &mut dyn CryptoRng) -> io::Result<()> {
    let path = segment::path(&place.dir, segment.number, true);
    // What an interrupted attempt left.
    place.files.remove(&path)?;
    let (block, key) = segment::begin(place, segment.number, segment.first, rng).map_err(io::Error::other)?;
    let mut file = place.files.create_new(&path)?;
    file.write_all(&block)?;
    let mut rest = records;
    let mut number = 0;
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = |record: &&Record| {
            bytes += record.bytes.len();
            bytes <= BATCH_BYTES
        };
        let many = rest.iter().take_while(fits).count().clamp(1, rest.len());
        let (together, behind) = rest.split_at(many);
        file.write_all(&segment::batch(
            place,
            &key,
            segment.number,
            number,
            together,
            true,
            rng,
        ))?;
        number += 1;
        rest = behind;
    }
    file.sync()?;
    place.files.sync_dir(&place.dir)
}

/// Removes segments whose newest message is older than `before`. The newest segment stays whatever its age: it says where numbering
/// goes on. Returns how many.
pub(super) fn remove_old(place: &Place, current: u64, before: Moment) -> io::Result<u64> {
    let segments = segment::list(&*place.files, &place.dir)?;
    let mut removed = 0;
    for (number, compact) in segments.into_iter().filter(|(number, _)| *number < current) {
        let Some(segment) = Segment::open(place, number, compact)? else {
            continue;
        };
        let newest = segment
            .batches
            .len()
            .checked_sub(1)
            .and_then(|last| segment.records(place, last));
        let old = newest.and_then(|records| records.last().map(|record| record.received < before));
        if old != Some(true) {
            // Rising: what follows is younger.
            break;
        }
        for compact in [false, true] {
            place.files.remove(&segment::path(&place.dir, number, compact))?;
        }
        removed += 1;
    }
    if removed > 0 {
        place.files.sync_dir(&place.dir)?;
    }
    Ok(removed)
}
