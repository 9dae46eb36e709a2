//! Filling an index while charts stream past, and its bytes.

use std::collections::BTreeMap;

use chart::{Chart, Coded, Finding, fold};
use jiff::civil::Date;

use super::same_name::{self, Person};
use super::{Arena, BIT_DIED, BIT_FINDINGS, BIT_THIN, Fixed, INDEX_VERSION, Index, MAX_ROWS, NO_TIME, Slot};

/// Why an index could not be built or read.
#[derive(Debug, thiserror::Error)]
pub enum IndexFault {
    /// More than [`MAX_ROWS`] people, 65,534 departments or 4 GiB of names.
    #[error("索引に入りきりません（上限 {MAX_ROWS} 人）")]
    Full,
    /// The bytes are not an index.
    #[error("索引を読めません。スナップショットが壊れているか、新しい版で書かれています")]
    Unreadable,
}

impl From<super::arena::ArenaFault> for IndexFault {
    fn from(_: super::arena::ArenaFault) -> Self {
        Self::Unreadable
    }
}

/// Collects rows in the order in which records are sealed.
#[derive(Debug, Default)]
pub struct IndexBuilder {
    index: Index,
    families: Vec<String>,
    departments: Table,
    doctors: Table,
    places: BTreeMap<String, u16>,
}

impl IndexBuilder {
    /// An index for one day.
    #[must_use]
    pub fn new(day: Date) -> Self {
        Self {
            index: Index {
                day: Some(day),
                ..Index::default()
            },
            ..Self::default()
        }
    }

    /// Adds the next record's row.
    ///
    /// # Errors
    /// [`IndexFault::Full`] when a bound is reached.
    pub fn add(&mut self, chart: &Chart) -> Result<(), IndexFault> {
        let row = u32::try_from(self.index.fixed.len()).map_err(|_| IndexFault::Full)?;
        if self.index.fixed.len() >= MAX_ROWS {
            return Err(IndexFault::Full);
        }
        let patient = &chart.patient;
        let mut bits = 0;
        for (bit, set) in [
            (BIT_THIN, chart.thin),
            (BIT_DIED, patient.died.is_some()),
            (BIT_FINDINGS, !chart.findings.is_empty()),
        ] {
            bits |= if set { bit } else { 0 };
        }
        self.index.fixed.push(Fixed {
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
        self.index.ids.push(patient.id.as_str())?;
        let former: Vec<&str> = patient.former_names.iter().map(|n| n.written.as_str()).collect();
        self.index
            .names
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
        self.index.name_keys.push(&name_key)?;
        self.index.kana_keys.push(&kana_key)?;
        self.index.romaji_keys.push(&romaji_key)?;
        let phones: Vec<String> = patient
            .phones
            .iter()
            .map(|p| digits(&p.number))
            .filter(|p| !p.is_empty())
            .collect();
        self.index.phones.push(&phones.join(" "))?;
        self.families.push(fold::name_key(patient.name.family()));
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
            self.index.slots.push(slot);
        }
        Ok(())
    }

    /// Finds who resembles whom and gives the finished index with its bytes.
    ///
    /// # Errors
    /// [`IndexFault`] when the Findings cannot be encoded.
    pub fn finish(mut self, findings: Vec<Finding>) -> Result<Vec<u8>, IndexFault> {
        self.flag();
        self.index.findings = findings;
        self.index.departments = self.departments.into_list();
        self.index.doctors = self.doctors.into_list();
        let mut places = vec![String::new(); self.places.len()];
        for (text, number) in self.places {
            if let Some(place) = places.get_mut(number as usize) {
                *place = text;
            }
        }
        self.index.places = places;
        self.index.to_bytes()
    }

    /// Resemblances within the universe of the day: everybody with an appointment on it.
    fn flag(&mut self) {
        let index = &mut self.index;
        let day = index.day.map_or(0, chart::codec::date::to_number);
        let mut booked: Vec<u32> = index.slots.iter().filter(|s| s.on == day).map(|s| s.row).collect();
        booked.sort_unstable();
        booked.dedup();
        let people: Vec<Person<'_>> = booked
            .iter()
            .map(|&row| {
                let row = row as usize;
                let fixed = index.fixed.get(row).copied().unwrap_or_default();
                Person {
                    name_key: current(index.name_keys.get(row)),
                    kana_key: current(index.kana_keys.get(row)),
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
            if let Some(fixed) = index.fixed.get_mut(row as usize) {
                fixed.alike = alike;
            }
        }
    }
}

/// The key of the present name, without former names.
fn current(key: &str) -> &str {
    key.split('\u{1F}').next().unwrap_or("")
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

fn text_number(table: &mut BTreeMap<String, u16>, text: &str) -> Result<u16, IndexFault> {
    if let Some(number) = table.get(text) {
        return Ok(*number);
    }
    let number = u16::try_from(table.len()).map_err(|_| IndexFault::Full)?;
    table.insert(text.to_owned(), number);
    Ok(number)
}

const FIXED_BYTES: usize = 10;
const SLOT_BYTES: usize = 18;

impl Index {
    fn to_bytes(&self) -> Result<Vec<u8>, IndexFault> {
        let mut out = vec![INDEX_VERSION];
        let count = |n: usize| u32::try_from(n).map_err(|_| IndexFault::Full);
        out.extend_from_slice(&count(self.fixed.len())?.to_le_bytes());
        out.extend_from_slice(&self.day.map_or(0, chart::codec::date::to_number).to_le_bytes());
        for f in &self.fixed {
            out.extend_from_slice(&f.birth.to_le_bytes());
            out.extend_from_slice(&[
                f.sex,
                f.allergy,
                f.bits,
                f.alike.same_name,
                f.alike.same_reading,
                f.alike.near,
            ]);
        }
        for arena in [
            &self.ids,
            &self.names,
            &self.name_keys,
            &self.kana_keys,
            &self.romaji_keys,
            &self.phones,
        ] {
            arena.write(&mut out);
        }
        let mut slots: Vec<&Slot> = self.slots.iter().collect();
        slots.sort_by_key(|s| {
            (
                s.on,
                self.departments
                    .get(s.department as usize)
                    .map_or("", |d| d.code.as_str()),
                s.department,
                s.minutes,
                s.doctor,
                s.row,
            )
        });
        out.extend_from_slice(&count(slots.len())?.to_le_bytes());
        for s in slots {
            out.extend_from_slice(&s.row.to_le_bytes());
            out.extend_from_slice(&s.on.to_le_bytes());
            for n in [s.minutes, s.department, s.doctor, s.place, s.exams] {
                out.extend_from_slice(&n.to_le_bytes());
            }
        }
        for row in self.rows_by_number() {
            out.extend_from_slice(&row.to_le_bytes());
        }
        minicbor::encode(
            (&self.departments, &self.doctors, &self.places, &self.findings),
            &mut out,
        )
        .map_err(|_| IndexFault::Unreadable)?;
        Ok(out)
    }

    /// Rows in the order of their patient numbers, for scans. Sorted once, when sealing: a station that opens 300,000
    /// rows must not sort them while somebody waits.
    fn rows_by_number(&self) -> Vec<u32> {
        let mut by_id: Vec<u32> = (0..).take(self.fixed.len()).collect();
        by_id.sort_by_cached_key(|row| super::bare(self.ids.get(*row as usize)).to_owned());
        by_id
    }

    /// Reads the bytes that [`IndexBuilder::finish`] gave.
    ///
    /// # Errors
    /// [`IndexFault::Unreadable`] when they are not an index of this version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, IndexFault> {
        let mut input = bytes;
        if take::<1>(&mut input)? != [INDEX_VERSION] {
            return Err(IndexFault::Unreadable);
        }
        let rows = u32::from_le_bytes(take(&mut input)?) as usize;
        let day = chart::codec::date::from_number(u32::from_le_bytes(take(&mut input)?));
        let fixed = table(&mut input, rows, FIXED_BYTES, |b| {
            let [b0, b1, b2, b3, sex, allergy, bits, same_name, same_reading, near] =
                *b.first_chunk::<FIXED_BYTES>()?;
            let alike = super::Alike {
                same_name,
                same_reading,
                near,
            };
            Some(Fixed {
                birth: u32::from_le_bytes([b0, b1, b2, b3]),
                sex,
                allergy,
                bits,
                alike,
            })
        })?;
        let mut arena = || Arena::read(&mut input, rows);
        let (ids, names, name_keys, kana_keys, romaji_keys, phones) =
            (arena()?, arena()?, arena()?, arena()?, arena()?, arena()?);
        let slot_count = u32::from_le_bytes(take(&mut input)?) as usize;
        let slots = table(&mut input, slot_count, SLOT_BYTES, |b| {
            let row = u32::from_le_bytes(*b.first_chunk()?);
            let on = u32::from_le_bytes(*b.get(4..)?.first_chunk()?);
            let n = |at: usize| {
                b.get(at..)
                    .and_then(<[u8]>::first_chunk)
                    .map(|c| u16::from_le_bytes(*c))
            };
            let slot = Slot {
                row,
                on,
                minutes: n(8)?,
                department: n(10)?,
                doctor: n(12)?,
                place: n(14)?,
                exams: n(16)?,
            };
            ((row as usize) < rows).then_some(slot)
        })?;
        let by_id = table(&mut input, rows, 4, |b| {
            let row = u32::from_le_bytes(*b.first_chunk()?);
            ((row as usize) < rows).then_some(row)
        })?;
        let (departments, doctors, places, findings) = minicbor::decode(input).map_err(|_| IndexFault::Unreadable)?;
        let mut index = Self {
            fixed,
            ids,
            names,
            name_keys,
            kana_keys,
            romaji_keys,
            phones,
            slots,
            departments,
            doctors,
            places,
            findings,
            day,
            by_id,
            by_row: Vec::new(),
            booked: vec![false; rows],
        };
        let today: Vec<u32> = day
            .map(|day| index.slots_on(day).iter().map(|s| s.row).collect())
            .unwrap_or_default();
        for row in today {
            if let Some(booked) = index.booked.get_mut(row as usize) {
                *booked = true;
            }
        }
        index.by_row = by_row(&index.slots, rows);
        Ok(index)
    }
}

/// Slot numbers by row, by counting: slots keep their order (earliest first) within a row.
fn by_row(slots: &[Slot], rows: usize) -> Vec<u32> {
    let mut starts = vec![0_usize; rows + 1];
    for slot in slots {
        if let Some(count) = starts.get_mut(slot.row as usize + 1) {
            *count += 1;
        }
    }
    let mut sum = 0;
    for start in &mut starts {
        sum += *start;
        *start = sum;
    }
    let mut out = vec![0; slots.len()];
    for (slot, number) in slots.iter().zip(0_u32..) {
        if let Some(place) = starts.get_mut(slot.row as usize) {
            if let Some(cell) = out.get_mut(*place) {
                *cell = number;
            }
            *place += 1;
        }
    }
    out
}

fn take<const N: usize>(input: &mut &[u8]) -> Result<[u8; N], IndexFault> {
    let (head, rest) = input.split_first_chunk::<N>().ok_or(IndexFault::Unreadable)?;
    *input = rest;
    Ok(*head)
}

fn table<T>(
    input: &mut &[u8],
    count: usize,
    width: usize,
    read: impl Fn(&[u8]) -> Option<T>,
) -> Result<Vec<T>, IndexFault> {
    let length = count.checked_mul(width).ok_or(IndexFault::Unreadable)?;
    let (bytes, rest) = input.split_at_checked(length).ok_or(IndexFault::Unreadable)?;
    *input = rest;
    bytes
        .chunks_exact(width)
        .map(|b| read(b).ok_or(IndexFault::Unreadable))
        .collect()
}
