//! What a later snapshot of an epoch says about one compartment's index: rows kept from the base's index, rows with records of their
//! own, and the caller's blocks over those of the base.
//!
//! The changes are always against the index the epoch began with, never against the delta before: a reader needs two sections, not
//! ninety-seven. A record or a row that is not named is not there; what its bytes mean is as unknown here as in the index.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::codec::{Malformed, Reader, put_bytes, put_count};

use super::index::{Block, Locators, unpack};
use super::{MAX_BLOCKS, MAX_RECORDS, MAX_THIN};

const LEVEL: i32 = 9;
const RUN_LEN: usize = 3 * 4;
const ALONE: u8 = 0;
const OVER: u8 = 1;

/// Rows in order: some from the base, then some of this snapshot's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Run {
    /// First row taken from the base.
    from: u32,
    /// How many rows of the base.
    kept: u32,
    /// How many of the new ones behind them.
    new: u32,
}

/// The plaintext of an index changes section.
pub(super) fn to_plain(base: &Locators, now: &Locators, thin: &[Block]) -> io::Result<Zeroizing<Vec<u8>>> {
    let (runs, new) = between(base, now);
    let mut columns = Vec::with_capacity(runs.len() * RUN_LEN);
    for column in [|run: &Run| run.from, |run: &Run| run.kept, |run: &Run| run.new] {
        runs.iter()
            .for_each(|run| columns.extend_from_slice(&column(run).to_le_bytes()));
    }
    let columns = zstd::bulk::compress(&columns, LEVEL)?;
    let packed: usize = thin.iter().map(|block| 9 + block.packed().len()).sum();
    let mut out = Zeroizing::new(Vec::with_capacity(32 + columns.len() + new.room() + packed));
    put_count(&mut out, runs.len());
    put_bytes(&mut out, &columns);
    new.put(&mut out)?;
    put_count(&mut out, thin.len());
    for block in thin {
        out.push(if block.is_over() { OVER } else { ALONE });
        put_count(&mut out, block.len());
        put_bytes(&mut out, block.packed());
    }
    Ok(out)
}

/// The whole index as it is now, from the base's and a section's plaintext.
pub(super) fn laid_over(
    base: &Locators,
    blocks: Vec<Block>,
    plain: &[u8],
) -> Result<(Locators, Vec<Block>), Malformed> {
    let mut reader = Reader::new(plain);
    let count = usize::try_from(reader.u32()?).map_err(|_| Malformed)?;
    if count > MAX_RECORDS {
        return Err(Malformed);
    }
    let columns = unpack(reader.bytes(MAX_RECORDS * RUN_LEN)?, count * RUN_LEN)?;
    let new = Locators::take(&mut reader)?;
    let locators = merged(base, &new, &columns, count)?;
    let base_blocks: Vec<Arc<Block>> = blocks.into_iter().map(Arc::new).collect();
    let count = reader.count(MAX_BLOCKS, 9)?;
    let mut thin = Vec::with_capacity(count);
    let mut left = MAX_THIN;
    for nth in 0..count {
        let method = reader.u8()?;
        let len = usize::try_from(reader.u32()?).map_err(|_| Malformed)?;
        left = left.checked_sub(len).ok_or(Malformed)?;
        let over = match method {
            ALONE => None,
            OVER => Some(Arc::clone(base_blocks.get(nth).ok_or(Malformed)?)),
            _ => return Err(Malformed),
        };
        thin.push(Block::of(reader.bytes(MAX_THIN)?, len, over));
    }
    reader.finish()?;
    Ok((locators, thin))
}

fn merged(base: &Locators, new: &Locators, columns: &[u8], count: usize) -> Result<Locators, Malformed> {
    let (from, rest) = columns.split_at_checked(count * 4).ok_or(Malformed)?;
    let (kept, own) = rest.split_at_checked(count * 4).ok_or(Malformed)?;
    let (mut from, mut kept, mut own) = (Reader::new(from), Reader::new(kept), Reader::new(own));
    let mut all = Locators::default();
    let mut next_new = 0_u32;
    for _ in 0..count {
        let run = Run {
            from: from.u32()?,
            kept: kept.u32()?,
            new: own.u32()?,
        };
        // Every row is there before it is copied: a lying run costs nothing.
        let end = run.from.checked_add(run.kept).filter(|end| *end <= base.len());
        for row in run.from..end.ok_or(Malformed)? {
            all.push(base.get(row).ok_or(Malformed)?);
        }
        let end = next_new.checked_add(run.new).filter(|end| *end <= new.len());
        let end = end.ok_or(Malformed)?;
        for row in next_new..end {
            all.push(new.get(row).ok_or(Malformed)?);
        }
        next_new = end;
        if usize::try_from(all.len()).map_or(true, |len| len > MAX_RECORDS) {
            return Err(Malformed);
        }
    }
    if next_new == new.len() { Ok(all) } else { Err(Malformed) }
}

fn between(base: &Locators, now: &Locators) -> (Vec<Run>, Locators) {
    let rows: HashMap<u64, u32> = base.iter().map(|locator| locator.offset).zip(0..).collect();
    let mut runs: Vec<Run> = Vec::new();
    let mut new = Locators::default();
    for locator in now.iter() {
        let run = runs.last_mut();
        match (rows.get(&locator.offset), run) {
            (Some(row), Some(run)) if run.new == 0 && run.from.checked_add(run.kept) == Some(*row) => run.kept += 1,
            (Some(row), _) => runs.push(Run {
                from: *row,
                kept: 1,
                new: 0,
            }),
            (None, run) => {
                new.push(locator.clone());
                match run {
                    Some(run) => run.new += 1,
                    None => runs.push(Run {
                        new: 1,
                        ..Run::default()
                    }),
                }
            }
        }
    }
    (runs, new)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::keys::Key32;
    use crate::snapshot::index::Locator;

    fn locators(offsets: &[u64]) -> Locators {
        let mut all = Locators::default();
        for offset in offsets {
            all.push(Locator {
                offset: *offset,
                len: 100,
                plain: 200,
                key: Key32::from_bytes([u8::try_from(offset % 251).unwrap(); 32]),
            });
        }
        all
    }

    fn blocks(texts: &[&[u8]]) -> Vec<Block> {
        texts.iter().map(|text| Block::pack(text).unwrap()).collect()
    }

    proptest! {
        #[test]
        fn whatever_was_kept_moved_dropped_or_added_comes_back_in_order(
            base in prop::collection::btree_set(0_u64..60, 0..40),
            now in prop::collection::vec(0_u64..90, 0..60),
        ) {
            let base: Vec<u64> = base.into_iter().collect();
            let (before, after) = (locators(&base), locators(&now));
            let plain = to_plain(&before, &after, &[]).unwrap();
            let (read, _) = laid_over(&before, Vec::new(), &plain).unwrap();
            let said: Vec<(u64, [u8; 32])> = read.iter().map(|l| (l.offset, *l.key.as_bytes())).collect();
            let meant: Vec<(u64, [u8; 32])> = after.iter().map(|l| (l.offset, *l.key.as_bytes())).collect();
            prop_assert_eq!(said, meant);
        }

        #[test]
        fn no_bytes_make_it_panic_or_take_memory(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = laid_over(&locators(&[1, 2, 3]), blocks(&[b"one"]), &bytes);
        }
    }

    #[test]
    fn a_block_over_its_base_is_short_and_needs_it() {
        let text: Vec<u8> = (0..40_000_u32)
            .flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes())
            .collect();
        let mut changed = text.clone();
        changed[70_000] ^= 1;
        changed.extend_from_slice(b"one more");
        let base = Arc::new(Block::pack(&text).unwrap());
        let over = Block::pack_over(&changed, Some(&base)).unwrap();
        assert!(over.is_over() && over.packed().len() < 1000, "{}", over.packed().len());
        assert_eq!(&*over.open().unwrap(), &changed);
        let other = Block::of(
            over.packed(),
            over.len(),
            Some(Arc::new(Block::pack(b"another").unwrap())),
        );
        assert!(other.open().is_err_and(|_| true), "another base");
        let new = Block::pack_over(b"short", None).unwrap();
        assert!(!new.is_over());
    }

    #[test]
    fn rows_that_are_not_there_are_refused() {
        let base = locators(&[10, 20, 30]);
        let plain = to_plain(&base, &locators(&[20, 30, 99]), &[]).unwrap();
        assert!(laid_over(&base, Vec::new(), &plain).is_ok());
        assert!(
            laid_over(&locators(&[10]), Vec::new(), &plain).is_err(),
            "a shorter base"
        );
    }
}
