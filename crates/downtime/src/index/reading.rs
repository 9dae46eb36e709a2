//! Opening an index from its blocks.
//!
//! Only the first block is opened here: how many people, which days, and what codes mean. Every other block becomes a
//! column that opens when it is wanted. It deliberately keeps nothing but what was sealed: no reception, no entry.

use std::sync::OnceLock;

use vault::snapshot::Block;

use super::beds;
use super::column::Column;
use super::{Arena, Group, INDEX_VERSION, Index, IndexFault, MAX_ROWS, OLDER_INDEX, Slot, Slots};

/// The head before inpatients and insurances.
type OldHead = (
    u32,
    u32,
    u32,
    Vec<u32>,
    Vec<chart::Coded>,
    Vec<chart::Coded>,
    Vec<String>,
    Vec<chart::Finding>,
);

type Head = (
    u32,
    u32,
    u32,
    Vec<u32>,
    Vec<chart::Coded>,
    Vec<chart::Coded>,
    Vec<String>,
    Vec<chart::Finding>,
    Vec<chart::Coded>,
    u8,
);

impl Index {
    /// Opens the blocks that [`super::IndexBuilder::finish`] gave.
    ///
    /// # Errors
    /// [`IndexFault::Unreadable`] when they are not an index of this version.
    pub fn from_blocks(blocks: Vec<Block>) -> Result<Self, IndexFault> {
        let mut blocks = blocks.into_iter();
        let first = next(&mut blocks)?.open().map_err(|_| IndexFault::Unreadable)?;
        let (version, head) = first.split_first().ok_or(IndexFault::Unreadable)?;
        let unreadable = |_| IndexFault::Unreadable;
        let (full, thin, day, days, departments, doctors, places, findings, wards, list): Head = match *version {
            INDEX_VERSION => minicbor::decode(head).map_err(unreadable)?,
            OLDER_INDEX => {
                let (a, b, c, d, e, f, g, h): OldHead = minicbor::decode(head).map_err(unreadable)?;
                (a, b, c, d, e, f, g, h, Vec::new(), 0)
            }
            _ => return Err(IndexFault::Unreadable),
        };
        let (full, thin) = (full as usize, thin as usize);
        if full.saturating_add(thin) > MAX_ROWS {
            return Err(IndexFault::Unreadable);
        }
        let current = *version == INDEX_VERSION;
        let index = Self {
            full: group(&mut blocks, full)?,
            thin: group(&mut blocks, thin)?,
            today: slots(&mut blocks, full + thin)?,
            others: slots(&mut blocks, full + thin)?,
            days,
            departments,
            doctors,
            places,
            findings,
            wards,
            bed_list: beds::list_of(list),
            beds: if current {
                Column::new(sized(&mut blocks, |len| len % beds::WIDTH == 0)?, full + thin)
            } else {
                Column::from(Vec::new())
            },
            lying: OnceLock::new(),
            day: chart::codec::date::from_number(day),
            insurances: if current {
                Column::<Arena>::new(sized(&mut blocks, |len| len >= full)?, full)
            } else {
                Column::default()
            },
            booked: OnceLock::new(),
        };
        match blocks.next() {
            None => Ok(index),
            Some(_) => Err(IndexFault::Unreadable),
        }
    }
}

type Blocks = std::vec::IntoIter<Block>;

fn next(blocks: &mut Blocks) -> Result<Block, IndexFault> {
    blocks.next().ok_or(IndexFault::Unreadable)
}

fn group(blocks: &mut Blocks, rows: usize) -> Result<Group, IndexFault> {
    // A text has at least its end.
    Ok(Group {
        len: rows,
        fixed: Column::new(sized(blocks, |len| len == rows * 10)?, rows),
        ids: Column::new(sized(blocks, |len| len >= rows)?, rows),
        names: Column::new(sized(blocks, |len| len >= rows)?, rows),
        name_keys: Column::new(sized(blocks, |len| len >= rows)?, rows),
        kana_keys: Column::new(sized(blocks, |len| len >= rows)?, rows),
        romaji_keys: Column::new(sized(blocks, |len| len >= rows)?, rows),
        phones: Column::new(sized(blocks, |len| len >= rows)?, rows),
        by_number: Column::new(sized(blocks, |len| len == rows * 4)?, rows),
    })
}

fn slots(blocks: &mut Blocks, rows: usize) -> Result<Slots, IndexFault> {
    Ok(Slots {
        list: Column::new(sized(blocks, |len| len % 18 == 0)?, rows),
        by_row: OnceLock::new(),
    })
}

fn sized(blocks: &mut Blocks, fits: impl Fn(usize) -> bool) -> Result<Block, IndexFault> {
    let block = next(blocks)?;
    if fits(block.len()) {
        Ok(block)
    } else {
        Err(IndexFault::Unreadable)
    }
}

impl Slots {
    /// Appointments of one row, in the order of the list.
    pub(super) fn of(&self, row: u32) -> impl Iterator<Item = &Slot> {
        let list = self.list.get();
        let by_row = self.by_row.get_or_init(|| {
            let mut places: Vec<u32> = (0..).take(list.len()).collect();
            places.sort_by_key(|place| row_of(list, *place));
            places
        });
        let start = by_row.partition_point(|place| row_of(list, *place) < row);
        let own = by_row.iter().skip(start).filter_map(|place| list.get(*place as usize));
        own.take_while(move |slot| slot.row == row)
    }
}

fn row_of(list: &[Slot], place: u32) -> u32 {
    list.get(place as usize).map_or(u32::MAX, |slot| slot.row)
}
