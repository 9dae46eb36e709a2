//! Beds of the index: who lies where, in the order of the corridor, beds of nobody between them.
//!
//! Nothing clinical stands here: diet, isolation and the rest are in the charts, and a ward's list opens those.

use std::collections::BTreeMap;

use chart::Coded;
use chart::stay::{Bed, Beds, bed_order};

use super::builder::text_number;
use super::column::{Columnar, put, table};
use super::{Index, IndexFault, Row, coded};

/// What the list of beds is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BedList {
    /// Nobody asked the EHR for inpatients.
    #[default]
    NotAsked,
    /// It could not be read whole: who is listed lies there, and others may.
    Unread,
    /// Whole.
    Whole,
}

/// One bed in the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BedSlot {
    /// Row of the patient; [`NOBODY`] for an empty bed.
    pub row: u32,
    pub ward: u16,
    pub room: u16,
    pub bed: u16,
    pub department: u16,
    pub doctor: u16,
}

/// The row of an empty bed, and the department and doctor of nobody.
const NOBODY: u32 = u32::MAX;
const NO_ONE: u16 = u16::MAX;

impl Default for BedSlot {
    fn default() -> Self {
        Self {
            row: NOBODY,
            ward: NO_ONE,
            room: 0,
            bed: 0,
            department: NO_ONE,
            doctor: NO_ONE,
        }
    }
}

/// One bed with who lies in it.
#[derive(Debug, Clone, Copy)]
pub struct BedRow<'a> {
    /// Where it stands among all beds; sheet numbers follow from it.
    pub place: usize,
    /// 病室
    pub room: &'a str,
    /// 病床
    pub bed: &'a str,
    /// 病棟
    pub ward: &'a Coded,
    /// Who lies there; `None` for an empty bed.
    pub row: Option<u32>,
    /// 診療科
    pub department: &'a Coded,
    /// 主治医
    pub doctor: &'a Coded,
}

impl BedRow<'_> {
    /// `501-1`
    #[must_use]
    pub fn place_text(&self) -> String {
        chart::stay::place(self.room, self.bed)
    }
}

impl Index {
    /// What the list of beds is worth.
    #[must_use]
    pub const fn bed_list(&self) -> BedList {
        self.bed_list
    }

    /// Wards that occur, in the order of their codes.
    #[must_use]
    pub fn wards(&self) -> &[Coded] {
        &self.wards
    }

    /// The beds of one ward by its place in [`Self::wards`], in the order of the corridor.
    pub fn beds_of(&self, ward: usize) -> impl Iterator<Item = BedRow<'_>> {
        let beds = self.beds.get();
        let start = beds.partition_point(|bed| usize::from(bed.ward) < ward);
        let own = beds.iter().enumerate().skip(start);
        own.take_while(move |(_, bed)| usize::from(bed.ward) == ward)
            .map(|(place, bed)| self.bed(place, bed))
    }

    /// How many people lie in beds.
    #[must_use]
    pub fn inpatients(&self) -> usize {
        self.beds.get().iter().filter(|bed| bed.row != NOBODY).count()
    }

    fn bed(&self, place: usize, bed: &BedSlot) -> BedRow<'_> {
        let text = |number: u16| self.places.get(usize::from(number)).map_or("", String::as_str);
        BedRow {
            place,
            room: text(bed.room),
            bed: text(bed.bed),
            ward: coded(&self.wards, bed.ward),
            row: (bed.row != NOBODY).then_some(bed.row),
            department: coded(&self.departments, bed.department),
            doctor: coded(&self.doctors, bed.doctor),
        }
    }

    /// Where a row lies.
    pub(super) fn bed_of(&self, row: u32) -> Option<BedRow<'_>> {
        let beds = self.beds.get();
        let lying = self.lying.get_or_init(|| {
            let places = (0_u32..).zip(beds);
            let people = places.filter(|(_, bed)| bed.row != NOBODY);
            people.map(|(place, bed)| (bed.row, place)).collect()
        });
        let place = *lying.get(&row)? as usize;
        Some(self.bed(place, beds.get(place)?))
    }
}

impl<'a> Row<'a> {
    /// The bed in which this person lies now.
    #[must_use]
    pub fn lies_in(&self) -> Option<BedRow<'a>> {
        self.index.bed_of(self.number)
    }
}

/// Wards in the order of their codes, and every bed in the order of the corridor.
pub(super) fn written(
    mut lying: Vec<(Bed, BedSlot)>,
    beds: &Beds,
    texts: &mut BTreeMap<String, u16>,
) -> Result<(Vec<Coded>, Vec<BedSlot>), IndexFault> {
    if let Beds::Known { empty } = beds {
        lying.extend(empty.iter().map(|bed| (bed.clone(), BedSlot::default())));
    }
    let mut wards: Vec<Coded> = Vec::new();
    let same = |one: &Coded, other: &Coded| {
        if one.code.is_empty() && other.code.is_empty() {
            one.name == other.name
        } else {
            one.code == other.code
        }
    };
    for (bed, _) in &lying {
        if !wards.iter().any(|ward| same(ward, &bed.ward)) {
            wards.push(bed.ward.clone());
        }
    }
    wards.sort_by(|a, b| bed_order((&a.code, &a.name), (&b.code, &b.name)));
    let mut slots = Vec::with_capacity(lying.len());
    for (bed, slot) in lying {
        let ward = wards.iter().position(|ward| same(ward, &bed.ward)).unwrap_or_default();
        let slot = BedSlot {
            ward: u16::try_from(ward)
                .ok()
                .filter(|ward| *ward < NO_ONE)
                .ok_or(IndexFault::Full)?,
            room: text_number(texts, &bed.room)?,
            bed: text_number(texts, &bed.bed)?,
            ..slot
        };
        slots.push((bed, slot));
    }
    slots.sort_by(|(a, s), (b, t)| {
        let corridor = bed_order((&a.room, &a.bed), (&b.room, &b.bed));
        s.ward.cmp(&t.ward).then(corridor).then(s.row.cmp(&t.row))
    });
    Ok((wards, slots.into_iter().map(|(_, slot)| slot).collect()))
}

/// The state of the list as the head says it.
pub(super) const fn list_number(beds: &Beds) -> u8 {
    match beds {
        Beds::NotAsked => 0,
        Beds::Unread => 1,
        Beds::Known { .. } => 2,
    }
}

/// The reverse of [`list_number`]; a number of a newer program claims nothing.
pub(super) const fn list_of(number: u8) -> BedList {
    match number {
        0 => BedList::NotAsked,
        2 => BedList::Whole,
        _ => BedList::Unread,
    }
}

/// Bytes of one bed.
pub(super) const WIDTH: usize = 14;

impl Columnar for Vec<BedSlot> {
    fn write(&self, out: &mut Vec<u8>) {
        let row = |s: &BedSlot| {
            let [r0, r1, r2, r3] = s.row.to_le_bytes();
            let numbers = [s.ward, s.room, s.bed, s.department, s.doctor];
            let [[w0, w1], [o0, o1], [b0, b1], [d0, d1], [c0, c1]] = numbers.map(u16::to_le_bytes);
            [r0, r1, r2, r3, w0, w1, o0, o1, b0, b1, d0, d1, c0, c1]
        };
        put(&self.iter().map(row).collect::<Vec<_>>(), out);
    }

    fn read(bytes: Vec<u8>, rows: usize) -> Result<Self, IndexFault> {
        let slot = |[r0, r1, r2, r3, w0, w1, o0, o1, b0, b1, d0, d1, c0, c1]: [u8; WIDTH]| BedSlot {
            row: u32::from_le_bytes([r0, r1, r2, r3]),
            ward: u16::from_le_bytes([w0, w1]),
            room: u16::from_le_bytes([o0, o1]),
            bed: u16::from_le_bytes([b0, b1]),
            department: u16::from_le_bytes([d0, d1]),
            doctor: u16::from_le_bytes([c0, c1]),
        };
        let slots: Self = table(&bytes, slot)?;
        let known = |slot: &BedSlot| slot.row == NOBODY || (slot.row as usize) < rows;
        slots.iter().all(known).then_some(slots).ok_or(IndexFault::Unreadable)
    }
}
