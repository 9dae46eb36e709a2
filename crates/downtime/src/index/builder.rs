//! Filling an index while charts stream past, and writing its blocks.
//!
//! Search keys are folded and rows sorted by number here, when sealing, never when somebody waits. Each column is read
//! back before it is given away. How an index is opened stands in `reading`.

use std::collections::BTreeMap;

use chart::stay::{Bed, Beds};
use chart::{Chart, Coded, Finding, fold};
use jiff::civil::Date;

use super::beds::{self, BedSlot};
use super::column::Columnar;
use super::same_name::{self, Person};
use super::{Arena, BIT_DIED, BIT_FINDINGS, Fixed, INDEX_VERSION, MAX_ROWS, NO_TIME, Slot, current};

/// Why an index could not be built or read.
#[derive(Debug, thiserror::Error)]
pub enum IndexFault {
    /// More than [`MAX_ROWS`] people, 65,534 departments or 4 GiB of names.
    #[error("索引に入りきりません（上限 {MAX_ROWS} 人）")]
    Full,
    /// A record came after a thin row: rows would not be the ordinals of the records.
    #[error("索引の順が違います。記録のある患者が先です")]
    Order,
    /// The bytes are not an index.
    #[error("索引を読めません。スナップショットが壊れているか、新しい版で書かれています")]
    Unreadable,
}

impl From<super::arena::ArenaFault> for IndexFault {
    fn from(_: super::arena::ArenaFault) -> Self {
        Self::Unreadable
    }
}

/// Collects rows in the order in which records are sealed; thin rows after all others.
#[derive(Debug)]
pub struct IndexBuilder {
    day: Date,
    full: Draft,
    thin: Draft,
    families: Vec<String>,
    insurances: Arena,
    slots: Vec<Slot>,
    departments: Table,
    doctors: Table,
    places: BTreeMap<String, u16>,
    beds: Vec<(Bed, BedSlot)>,
}

/// A group that still grows.
#[derive(Debug, Default)]
struct Draft {
    fixed: Vec<Fixed>,
    ids: Arena,
    names: Arena,
    name_keys: Arena,
    kana_keys: Arena,
    romaji_keys: Arena,
    phones: Arena,
}

impl IndexBuilder {
    /// An index for one day.
    #[must_use]
    pub fn new(day: Date) -> Self {
        Self {
            day,
            full: Draft::default(),
            thin: Draft::default(),
            families: Vec::new(),
            insurances: Arena::default(),
            slots: Vec::new(),
            departments: Table::default(),
            doctors: Table::default(),
            places: BTreeMap::new(),
            beds: Vec::new(),
        }
    }

    /// Adds the next record's row.
    ///
    /// # Errors
    /// [`IndexFault::Full`] when a bound is reached.
    pub fn add(&mut self, chart: &Chart) -> Result<(), IndexFault> {
        let len = self.full.fixed.len() + self.thin.fixed.len();
        if len >= MAX_ROWS {
            return Err(IndexFault::Full);
        }
        let row = u32::try_from(len).map_err(|_| IndexFault::Full)?;
        if chart.thin {
            self.thin.add(chart)?;
        } else if self.thin.fixed.is_empty() {
            self.full.add(chart)?;
            self.insurances.push(&super::insurance::write(&chart.insurances))?;
        } else {
            return Err(IndexFault::Order);
        }
        self.families.push(fold::name_key(chart.patient.name.family()));
        if let Some(stay) = &chart.stay {
            let slot = BedSlot {
                row,
                department: self.departments.number(&stay.department)?,
                doctor: self.doctors.number(&stay.attending)?,
                ..BedSlot::default()
            };
            let (ward, room, bed) = (stay.ward.clone(), stay.room.clone(), stay.bed.clone());
            self.beds.push((Bed { ward, room, bed }, slot));
        }
        for appointment in &chart.appointments {
            let exams: Vec<&str> = chart
                .orders
                .iter()
                .filter(|o| o.on == appointment.on)
                .map(|o| o.exam.label())
                .collect();
            let slot = Slot {
                row,
                on: chart::codec::date::to_number(appointment.on),
                minutes: appointment.at.map_or(NO_TIME, chart::codec::maybe_time::minutes),
                department: self.departments.number(&appointment.department)?,
                doctor: self.doctors.number(&appointment.doctor)?,
                place: text_number(&mut self.places, &appointment.place)?,
                exams: text_number(&mut self.places, &exams.join("　"))?,
            };
            self.slots.push(slot);
        }
        Ok(())
    }

    /// Finds who resembles whom and gives the blocks of the finished index.
    ///
    /// # Errors
    /// [`IndexFault`] when the Findings cannot be encoded.
    pub fn finish(mut self, findings: Vec<Finding>, beds: &Beds) -> Result<Vec<Vec<u8>>, IndexFault> {
        let day = chart::codec::date::to_number(self.day);
        self.flag(day);
        let (wards, bed_slots) = beds::written(std::mem::take(&mut self.beds), beds, &mut self.places)?;
        let (full, thin) = (self.full.fixed.len(), self.thin.fixed.len());
        let (departments, doctors) = (self.departments.into_list(), self.doctors.into_list());
        let mut places = vec![String::new(); self.places.len()];
        for (text, number) in self.places {
            if let Some(place) = places.get_mut(number as usize) {
                *place = text;
            }
        }
        let code = |s: &Slot| departments.get(s.department as usize).map_or("", |d| d.code.as_str());
        let mut slots = self.slots;
        slots.sort_by_key(|s| (s.on, code(s), s.department, s.minutes, s.doctor, s.row));
        let mut days: Vec<u32> = slots.iter().map(|slot| slot.on).collect();
        days.dedup();
        let (today, others): (Vec<Slot>, Vec<Slot>) = slots.into_iter().partition(|slot| slot.on == day);
        let count = |n: usize| u32::try_from(n).map_err(|_| IndexFault::Full);
        let head = (
            count(full)?,
            count(thin)?,
            day,
            days,
            departments,
            doctors,
            places,
            findings,
            wards,
            beds::list_number(beds),
        );
        let mut first = vec![INDEX_VERSION];
        minicbor::encode(head, &mut first).map_err(|_| IndexFault::Unreadable)?;
        let mut blocks = vec![first];
        self.full.write(&mut blocks)?;
        self.thin.write(&mut blocks)?;
        blocks.push(written(&today, full + thin)?);
        blocks.push(written(&others, full + thin)?);
        blocks.push(written(&bed_slots, full + thin)?);
        blocks.push(written(&self.insurances, full)?);
        Ok(blocks)
    }

    /// Resemblances within the universe of the day: everybody with an appointment on it, and everybody in a bed.
    fn flag(&mut self, day: u32) {
        let mut booked: Vec<u32> = self.slots.iter().filter(|s| s.on == day).map(|s| s.row).collect();
        booked.extend(self.beds.iter().map(|(_, slot)| slot.row));
        booked.sort_unstable();
        booked.dedup();
        let full = self.full.fixed.len();
        let people: Vec<Person<'_>> = booked
            .iter()
            .map(|&row| {
                let row = row as usize;
                let (group, place) = match row.checked_sub(full) {
                    None => (&self.full, row),
                    Some(place) => (&self.thin, place),
                };
                let fixed = group.fixed.get(place).copied().unwrap_or_default();
                Person {
                    name_key: current(group.name_keys.get(place)),
                    kana_key: current(group.kana_keys.get(place)),
                    family: self.families.get(row).map_or("", String::as_str),
                    birth: fixed.birth,
                    sex: match fixed.sex {
                        0 => chart::Sex::Male,
                        1 => chart::Sex::Female,
                        2 => chart::Sex::Other,
                        _ => chart::Sex::Unknown,
                    },
                }
            })
            .collect();
        let alike = same_name::compare(&people);
        drop(people);
        for (row, alike) in booked.into_iter().zip(alike) {
            let row = row as usize;
            let fixed = match row.checked_sub(full) {
                None => self.full.fixed.get_mut(row),
                Some(place) => self.thin.fixed.get_mut(place),
            };
            if let Some(fixed) = fixed {
                fixed.alike = alike;
            }
        }
    }
}

impl Draft {
    fn add(&mut self, chart: &Chart) -> Result<(), IndexFault> {
        let patient = &chart.patient;
        let mut bits = 0;
        for (bit, set) in [
            (BIT_DIED, patient.died.is_some()),
            (BIT_FINDINGS, !chart.findings.is_empty()),
        ] {
            bits |= if set { bit } else { 0 };
        }
        self.fixed.push(Fixed {
            birth: patient.birth.map_or(0, chart::codec::date::to_number),
            sex: patient.sex as u8,
            allergy: match chart.allergies.state() {
                "known" => 0,
                "none" => 1,
                "not_recorded" => 2,
                _ => 3,
            },
            bits,
            alike: super::Alike::default(),
        });
        self.ids.push(patient.id.as_str())?;
        let former: Vec<&str> = patient.former_names.iter().map(|n| n.written.as_str()).collect();
        self.names
            .push(&[&patient.name.written, &patient.name.kana, former.join("、").as_str()].join("\u{1F}"))?;
        let mut name_key = fold::name_key(&patient.name.written);
        let mut kana_key = fold::kana_key(&patient.name.kana);
        let mut romaji_key = fold::romaji_key(&kana_key);
        for former in &patient.former_names {
            let kana = fold::kana_key(&former.kana);
            for (key, more) in [
                (&mut name_key, fold::name_key(&former.written)),
                (&mut romaji_key, fold::romaji_key(&kana)),
                (&mut kana_key, kana),
            ] {
                key.push('\u{1F}');
                key.push_str(&more);
            }
        }
        self.name_keys.push(&name_key)?;
        self.kana_keys.push(&kana_key)?;
        self.romaji_keys.push(&romaji_key)?;
        let phones: Vec<String> = patient
            .phones
            .iter()
            .map(|p| digits(&p.number))
            .filter(|p| !p.is_empty())
            .collect();
        self.phones.push(&phones.join(" "))?;
        Ok(())
    }

    fn write(&self, blocks: &mut Vec<Vec<u8>>) -> Result<(), IndexFault> {
        let rows = self.fixed.len();
        let arenas = [
            &self.ids,
            &self.names,
            &self.name_keys,
            &self.kana_keys,
            &self.romaji_keys,
            &self.phones,
        ];
        let mut by_number: Vec<u32> = (0..).take(rows).collect();
        by_number.sort_by_cached_key(|row| super::bare(self.ids.get(*row as usize)).to_owned());
        blocks.push(written(&self.fixed, rows)?);
        for arena in arenas {
            blocks.push(written(arena, rows)?);
        }
        blocks.push(written(&by_number, rows)?);
        Ok(())
    }
}

/// The bytes of a column, which were read back: afterwards it opens without anybody to tell of a fault.
fn written<T: Columnar>(column: &T, rows: usize) -> Result<Vec<u8>, IndexFault> {
    let mut bytes = Vec::new();
    column.write(&mut bytes);
    T::read(bytes.clone(), rows)?;
    Ok(bytes)
}

fn digits(text: &str) -> String {
    text.chars()
        .map(chart::id::half_width)
        .filter(char::is_ascii_digit)
        .collect()
}

/// Codes numbered in the order of their first use.
#[derive(Debug, Default)]
struct Table {
    numbers: BTreeMap<Coded, u16>,
}

impl Table {
    fn number(&mut self, coded: &Coded) -> Result<u16, IndexFault> {
        if let Some(number) = self.numbers.get(coded) {
            return Ok(*number);
        }
        let number = u16::try_from(self.numbers.len()).map_err(|_| IndexFault::Full)?;
        self.numbers.insert(coded.clone(), number);
        Ok(number)
    }

    fn into_list(self) -> Vec<Coded> {
        let mut list = vec![Coded::default(); self.numbers.len()];
        for (coded, number) in self.numbers {
            if let Some(place) = list.get_mut(number as usize) {
                *place = coded;
            }
        }
        list
    }
}

pub(super) fn text_number(table: &mut BTreeMap<String, u16>, text: &str) -> Result<u16, IndexFault> {
    if let Some(number) = table.get(text) {
        return Ok(*number);
    }
    let number = u16::try_from(table.len()).map_err(|_| IndexFault::Full)?;
    table.insert(text.to_owned(), number);
    Ok(number)
}
