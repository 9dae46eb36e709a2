//! The thin index: everybody in a snapshot with just enough to list, search and tell apart, in columns that load fast.
//!
//! One index is sealed per compartment; its bytes are described in `docs/formats/index.md`. It holds no diagnoses, drugs
//! or notes, and it is never changed after sealing: what happened since lies in `view`.

use chart::patient::Phone;
use chart::{Appointment, AsOf, Chart, Known, Name, Patient, PatientId, Sex};
use jiff::civil::{Date, Time};

mod arena;
mod builder;
mod same_name;
mod search;

pub use arena::Arena;
pub use builder::{IndexBuilder, IndexFault};
pub use same_name::{Alike, Resemblance};
pub use search::{Hit, Query};

/// Layout version written in front of the columns.
pub const INDEX_VERSION: u8 = 1;

/// Most patients one index may hold.
pub const MAX_ROWS: usize = 2_000_000;

/// Everybody in one compartment of a snapshot.
#[derive(Debug, Default)]
pub struct Index {
    fixed: Vec<Fixed>,
    ids: Arena,
    names: Arena,
    name_keys: Arena,
    kana_keys: Arena,
    romaji_keys: Arena,
    phones: Arena,
    slots: Vec<Slot>,
    departments: Vec<chart::Coded>,
    doctors: Vec<chart::Coded>,
    places: Vec<String>,
    findings: Vec<chart::Finding>,
    day: Option<Date>,
    /// Row numbers by trimmed patient number, for scans.
    by_id: Vec<u32>,
    /// Slot numbers by row, for one person's appointments.
    by_row: Vec<u32>,
    /// Who has an appointment on `day`, by row.
    booked: Vec<bool>,
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

const BIT_THIN: u8 = 1;
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

/// One person as lists show them.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    index: &'a Index,
    number: u32,
    fixed: Fixed,
}

impl Index {
    /// How many people.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.fixed.len()
    }

    /// True without anybody.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.fixed.is_empty()
    }

    /// The day for which the snapshot was made.
    #[must_use]
    pub const fn day(&self) -> Option<Date> {
        self.day
    }

    /// The row with this number (the record's ordinal in its compartment).
    #[must_use]
    pub fn row(&self, number: u32) -> Option<Row<'_>> {
        let fixed = *self.fixed.get(number as usize)?;
        Some(Row {
            index: self,
            number,
            fixed,
        })
    }

    /// Everybody, in the order of sealing.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.fixed.iter().zip(0..).map(|(fixed, number)| Row {
            index: self,
            number,
            fixed: *fixed,
        })
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

    /// Every appointment in scope, by department, day and time.
    #[must_use]
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Appointments of one day, by department, then time.
    #[must_use]
    pub fn slots_on(&self, day: Date) -> &[Slot] {
        let day = chart::codec::date::to_number(day);
        let start = self.slots.partition_point(|slot| slot.on < day);
        let end = self.slots.partition_point(|slot| slot.on <= day);
        self.slots.get(start..end).unwrap_or(&[])
    }

    /// The row of a patient number; leading zeros do not matter when both are all digits.
    #[must_use]
    pub fn find(&self, id: &PatientId) -> Option<Row<'_>> {
        let wanted = bare(id.as_str());
        let at = self
            .by_id
            .binary_search_by(|row| bare(self.ids.get(*row as usize)).cmp(wanted))
            .ok()?;
        self.row(*self.by_id.get(at)?)
    }

    fn is_booked(&self, row: u32) -> bool {
        self.booked.get(row as usize).copied().unwrap_or(false)
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

    /// Minutes after midnight for sorting; appointments without a time come last.
    #[must_use]
    pub const fn minutes(&self) -> u16 {
        self.minutes
    }
}

impl<'a> Row<'a> {
    /// The row's number in its index.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// 患者番号 as text.
    #[must_use]
    pub fn id_text(&self) -> &'a str {
        self.index.ids.get(self.number as usize)
    }

    /// 患者番号.
    #[must_use]
    pub fn id(&self) -> Option<PatientId> {
        PatientId::parse(self.id_text())
    }

    /// 漢字氏名 as registered.
    #[must_use]
    pub fn written(&self) -> &'a str {
        self.part(0)
    }

    /// カナ氏名, empty when the EHR has none.
    #[must_use]
    pub fn kana(&self) -> &'a str {
        self.part(1)
    }

    /// Former names, separated by `、`; empty when there are none.
    #[must_use]
    pub fn former(&self) -> &'a str {
        self.part(2)
    }

    fn part(&self, n: usize) -> &'a str {
        self.index
            .names
            .get(self.number as usize)
            .split('\u{1F}')
            .nth(n)
            .unwrap_or("")
    }

    /// 生年月日.
    #[must_use]
    pub fn birth(&self) -> Option<Date> {
        chart::codec::date::from_number(self.fixed.birth)
    }

    /// 性別.
    #[must_use]
    pub const fn sex(&self) -> Sex {
        match self.fixed.sex {
            0 => Sex::Male,
            1 => Sex::Female,
            2 => Sex::Other,
            _ => Sex::Unknown,
        }
    }

    /// Phone numbers as digits, the first to call first.
    pub fn phones(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.index
            .phones
            .get(self.number as usize)
            .split(' ')
            .filter(|p| !p.is_empty())
    }

    /// State word of the allergies: `known`, `none`, `not_recorded`, `unavailable`.
    #[must_use]
    pub const fn allergy_state(&self) -> &'static str {
        match self.fixed.allergy {
            0 => "known",
            1 => "none",
            2 => "not_recorded",
            _ => "unavailable",
        }
    }

    /// Who else in today's universe could be mistaken for this person.
    #[must_use]
    pub const fn alike(&self) -> Alike {
        self.fixed.alike
    }

    /// Identity and coming appointments only.
    #[must_use]
    pub const fn is_thin(&self) -> bool {
        self.fixed.bits & BIT_THIN != 0
    }

    /// The EHR says that the patient has died.
    #[must_use]
    pub const fn has_died(&self) -> bool {
        self.fixed.bits & BIT_DIED != 0
    }

    /// Something about this patient is wrong or missing.
    #[must_use]
    pub const fn has_findings(&self) -> bool {
        self.fixed.bits & BIT_FINDINGS != 0
    }

    /// Appointments of this person, earliest first.
    pub fn slots(&self) -> impl Iterator<Item = &'a Slot> + use<'a> {
        let (index, number) = (self.index, self.number);
        let row_of = move |slot: &u32| index.slots.get(*slot as usize).map_or(u32::MAX, |s| s.row);
        let start = index.by_row.partition_point(|slot| row_of(slot) < number);
        index
            .by_row
            .iter()
            .skip(start)
            .filter_map(|slot| index.slots.get(*slot as usize))
            .take_while(move |s| s.row == number)
    }

    /// Appointments of this person on one day.
    pub fn slots_on(&self, day: Date) -> impl Iterator<Item = &'a Slot> + use<'a> {
        self.slots().filter(move |slot| slot.day() == Some(day))
    }

    /// The chart of a thin row: identity and appointments, every clinical part `Unavailable`. `None` for other rows.
    #[must_use]
    pub fn thin_chart(&self, as_of: AsOf) -> Option<Chart> {
        if !self.is_thin() {
            return None;
        }
        let index = self.index;
        let appointments = self.slots().filter_map(|slot| {
            Some(Appointment {
                on: slot.day()?,
                at: slot.time(),
                department: index.department(slot).clone(),
                doctor: index.doctor(slot).clone(),
                place: index.place(slot).to_owned(),
                purpose: String::new(),
                number: String::new(),
            })
        });
        Some(Chart {
            patient: Patient {
                id: self.id()?,
                name: Name::new(self.written(), self.kana()),
                former_names: self
                    .former()
                    .split('、')
                    .filter(|n| !n.is_empty())
                    .map(|n| Name::new(n, ""))
                    .collect(),
                birth: self.birth(),
                sex: self.sex(),
                phones: self
                    .phones()
                    .map(|p| Phone {
                        number: p.to_owned(),
                        purpose: String::new(),
                    })
                    .collect(),
                facts: Vec::new(),
                died: None,
                address: String::new(),
                insurance: String::new(),
            },
            appointments: appointments.collect(),
            orders: Vec::new(),
            allergies: Known::Unavailable { since: None },
            diagnoses: Known::Unavailable { since: None },
            notes: Known::Unavailable { since: None },
            prescriptions: Known::Unavailable { since: None },
            results: Known::Unavailable { since: None },
            as_of,
            findings: Vec::new(),
            thin: true,
        })
    }
}
