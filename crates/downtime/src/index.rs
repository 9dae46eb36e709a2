//! The thin index: everybody in a snapshot with just enough to list, search and tell apart, in columns that open when asked.
//!
//! One index is sealed per compartment; its bytes are described in `docs/formats/index.md`. It holds no diagnoses, drugs
//! or notes, and it is never changed after sealing: what happened since lies in `view`.

use std::sync::OnceLock;

use chart::PatientId;
use jiff::civil::{Date, Time};

use column::Column;

mod arena;
mod beds;
mod builder;
mod column;
mod insurance;
mod reading;
mod row;
mod same_name;
mod search;

pub use arena::Arena;
pub use beds::{BedList, BedRow};
pub use builder::{IndexBuilder, IndexFault};
pub use row::Row;
pub use same_name::{Alike, Resemblance};
pub use search::{Hit, Query};

/// Layout version written in front of the first block.
pub const INDEX_VERSION: u8 = 3;

/// The layout before inpatients and insurances: read as an index that was not asked for the former and could not fetch the latter.
pub const OLDER_INDEX: u8 = 2;

/// Most patients one index may hold.
pub const MAX_ROWS: usize = 2_000_000;

/// Everybody in one compartment of a snapshot.
#[derive(Debug, Default)]
pub struct Index {
    /// People with a record, in the order of the records.
    full: Group,
    /// People of other days, who have none. Their rows come after all others.
    thin: Group,
    /// Appointments on `day`, and all others.
    today: Slots,
    others: Slots,
    /// Days that have appointments, as numbers, in order.
    days: Vec<u32>,
    departments: Vec<chart::Coded>,
    doctors: Vec<chart::Coded>,
    places: Vec<String>,
    findings: Vec<chart::Finding>,
    /// Wards that occur, and what is known of their beds.
    wards: Vec<chart::Coded>,
    bed_list: BedList,
    /// Beds by ward and place, those of nobody too.
    beds: Column<Vec<beds::BedSlot>>,
    /// Places in `beds` by row.
    lying: OnceLock<std::collections::HashMap<u32, u32>>,
    day: Option<Date>,
    /// 保険 of the people with a record, as the reception card says it.
    insurances: Column<Arena>,
    /// Who has an appointment on `day`, by row.
    booked: OnceLock<Vec<bool>>,
}

/// The columns of some people. A row's place in them is its number less the rows before the group.
#[derive(Debug, Default)]
struct Group {
    len: usize,
    fixed: Column<Vec<Fixed>>,
    ids: Column<Arena>,
    names: Column<Arena>,
    name_keys: Column<Arena>,
    kana_keys: Column<Arena>,
    romaji_keys: Column<Arena>,
    phones: Column<Arena>,
    /// Places by trimmed patient number, for scans.
    by_number: Column<Vec<u32>>,
}

/// Some appointments, by day, department and time.
#[derive(Debug, Default)]
struct Slots {
    list: Column<Vec<Slot>>,
    /// Places in the list by row, for one person's appointments.
    by_row: OnceLock<Vec<u32>>,
}

/// The part of a row that has a fixed width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Fixed {
    birth: u32,
    sex: u8,
    allergy: u8,
    bits: u8,
    alike: Alike,
}

const BIT_DIED: u8 = 2;
const BIT_FINDINGS: u8 = 4;

/// One booked appointment in the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// Row of the patient.
    pub row: u32,
    on: u32,
    minutes: u16,
    department: u16,
    doctor: u16,
    place: u16,
    exams: u16,
}

const NO_TIME: u16 = u16::MAX;

impl Index {
    /// How many people.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.full.len + self.thin.len
    }

    /// True without anybody.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many of them have a record: the first ones.
    #[must_use]
    pub const fn records(&self) -> usize {
        self.full.len
    }

    /// The day for which the snapshot was made.
    #[must_use]
    pub const fn day(&self) -> Option<Date> {
        self.day
    }

    /// The row with this number (the record's ordinal in its compartment).
    #[must_use]
    pub fn row(&self, number: u32) -> Option<Row<'_>> {
        let (group, place) = self.stands(number);
        Some(Row {
            index: self,
            group,
            number,
            place,
            fixed: *group.fixed.get().get(place)?,
        })
    }

    fn stands(&self, row: u32) -> (&Group, usize) {
        let row = row as usize;
        match row.checked_sub(self.full.len) {
            None => (&self.full, row),
            Some(place) => (&self.thin, place),
        }
    }

    /// Each group with the number of its first row.
    fn groups(&self) -> [(&Group, u32); 2] {
        [
            (&self.full, 0),
            (&self.thin, u32::try_from(self.full.len).unwrap_or(u32::MAX)),
        ]
    }

    /// What the extract found wrong or missing.
    #[must_use]
    pub fn findings(&self) -> &[chart::Finding] {
        &self.findings
    }

    /// Departments that occur, in the order of their codes.
    #[must_use]
    pub fn departments(&self) -> &[chart::Coded] {
        &self.departments
    }

    /// Doctors that occur, in the order of their codes.
    #[must_use]
    pub fn doctors(&self) -> &[chart::Coded] {
        &self.doctors
    }

    /// Days that have appointments, in order.
    pub fn days(&self) -> impl Iterator<Item = Date> + '_ {
        let days = self.days.iter();
        days.filter_map(|day| chart::codec::date::from_number(*day))
    }

    /// Appointments of one day, by department, then time.
    #[must_use]
    pub fn slots_on(&self, day: Date) -> &[Slot] {
        let slots = self.table(day).list.get();
        let day = chart::codec::date::to_number(day);
        let start = slots.partition_point(|slot| slot.on < day);
        let end = slots.partition_point(|slot| slot.on <= day);
        slots.get(start..end).unwrap_or(&[])
    }

    fn table(&self, day: Date) -> &Slots {
        if Some(day) == self.day {
            &self.today
        } else {
            &self.others
        }
    }

    /// The row of a patient number; leading zeros do not matter when both are all digits.
    #[must_use]
    pub fn find(&self, id: &PatientId) -> Option<Row<'_>> {
        let wanted = bare(id.as_str());
        let found = self.groups().into_iter().find_map(|(group, first)| {
            let (by_number, ids) = (group.by_number.get(), group.ids.get());
            let number = |place: &u32| bare(ids.get(*place as usize));
            let at = by_number.binary_search_by(|place| number(place).cmp(wanted)).ok()?;
            Some(first + by_number.get(at)?)
        });
        self.row(found?)
    }

    fn is_booked(&self, row: u32) -> bool {
        let booked = self.booked.get_or_init(|| {
            let mut booked = vec![false; self.len()];
            for slot in self.today.list.get() {
                if let Some(booked) = booked.get_mut(slot.row as usize) {
                    *booked = true;
                }
            }
            booked
        });
        booked.get(row as usize).copied().unwrap_or(false)
    }

    /// Department of a slot.
    #[must_use]
    pub fn department(&self, slot: &Slot) -> &chart::Coded {
        coded(&self.departments, slot.department)
    }

    /// Doctor of a slot.
    #[must_use]
    pub fn doctor(&self, slot: &Slot) -> &chart::Coded {
        coded(&self.doctors, slot.doctor)
    }

    /// Where the patient goes.
    #[must_use]
    pub fn place(&self, slot: &Slot) -> &str {
        self.places.get(slot.place as usize).map_or("", String::as_str)
    }

    /// Names of the examinations ordered for that patient and day, ready to print.
    #[must_use]
    pub fn exams(&self, slot: &Slot) -> &str {
        self.places.get(slot.exams as usize).map_or("", String::as_str)
    }
}

/// Numbers that are all digits compare without leading zeros.
fn bare(id: &str) -> &str {
    if id.bytes().all(|b| b.is_ascii_digit()) {
        let stripped = id.trim_start_matches('0');
        if stripped.is_empty() { id } else { stripped }
    } else {
        id
    }
}

/// The key of the present name, without former names.
fn current(key: &str) -> &str {
    key.split('\u{1F}').next().unwrap_or("")
}

fn coded(table: &[chart::Coded], at: u16) -> &chart::Coded {
    const NONE: &chart::Coded = &chart::Coded {
        code: String::new(),
        name: String::new(),
    };
    table.get(at as usize).unwrap_or(NONE)
}

impl Slot {
    /// Day of the appointment.
    #[must_use]
    pub fn day(&self) -> Option<Date> {
        chart::codec::date::from_number(self.on)
    }

    /// Booked time; `None` for 時間未定.
    #[must_use]
    pub fn time(&self) -> Option<Time> {
        chart::codec::maybe_time::from_minutes(self.minutes)
    }

    /// `9:30`, or 時間未定.
    #[must_use]
    pub fn time_text(&self) -> String {
        chart::visit::time_text(self.time())
    }

    /// Place of the department in [`Index::departments`].
    #[must_use]
    pub const fn department_number(&self) -> u16 {
        self.department
    }

    /// Place of the doctor in [`Index::doctors`].
    #[must_use]
    pub const fn doctor_number(&self) -> u16 {
        self.doctor
    }

    /// Minutes after midnight for sorting; appointments without a time come last.
    #[must_use]
    pub const fn minutes(&self) -> u16 {
        self.minutes
    }
}
