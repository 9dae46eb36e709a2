//! The files of shape B about inpatients: one line for each drug with all its hours, codes where shape A has words.

use super::{ANY, clock, department_code};
use crate::SynthError;
use crate::calendar::compact;
use crate::catalogue::DrugKind;
use crate::hospital::Hospital;
use crate::inpatient::{Bed, Lying, WARDS};
use crate::shape_a::Printed;
use crate::sheet::{Sheet, Style};

const STAYS: [&str; 25] = [
    "pid", "ward", "room", "bed", "adm", "dept", "dr", "ns", "aim", "diet", "act", "iso", "o2", "drip", "ins", "pol",
    "adl", "fall", "swal", "skin", "ope", "dis", "famn", "famr", "famt",
];
const DUE: [&str; 13] = [
    "pid", "date", "hrs", "code", "name", "kind", "each", "daily", "unit", "usage", "how", "risk", "memo",
];
const VITALS: [&str; 7] = ["pid", "date", "time", "bt", "bp", "hr", "sat"];
const TOLD: [&str; 5] = ["pid", "date", "time", "who", "text"];

/// The files being written.
pub(super) struct Sheets {
    stays: Sheet,
    due: Sheet,
    vitals: Sheet,
    told: Sheet,
    wards: Sheet,
}

type Opens<'a> = &'a mut dyn FnMut(&str, Style, &[&str]) -> Result<Sheet, SynthError>;

impl Sheets {
    /// Opens them.
    pub(super) fn open(sheet: Opens<'_>) -> Result<Self, SynthError> {
        let mut wards = sheet("ward.csv", Style::Csv, &["code", "name"])?;
        for (code, name) in WARDS {
            wards.row(ANY, &[code, name])?;
        }
        Ok(Self {
            stays: sheet("inp.tsv", Style::Tsv, &STAYS)?,
            due: sheet("mar.csv", Style::Csv, &DUE)?,
            vitals: sheet("vit.csv", Style::Csv, &VITALS)?,
            told: sheet("hand.csv", Style::Csv, &TOLD)?,
            wards,
        })
    }

    /// All of them, for the tally.
    pub(super) fn into_sheets(self) -> [Sheet; 5] {
        [self.stays, self.due, self.vitals, self.told, self.wards]
    }

    /// A bed without anybody: only where it stands.
    pub(super) fn empty(&mut self, bed: &Bed) -> Result<(), SynthError> {
        let mut row = [""; STAYS.len()];
        let ward = WARDS.get(bed.ward).map_or("", |ward| ward.0);
        for (cell, text) in row.iter_mut().skip(1).zip([ward, &bed.room, &bed.bed]) {
            *cell = text;
        }
        self.stays.row(ANY, &row)
    }

    /// Somebody in a bed.
    pub(super) fn lying(&mut self, hospital: &Hospital, id: &str, lying: &Lying) -> Result<(), SynthError> {
        let ward = WARDS.get(lying.bed.ward).map_or("", |ward| ward.0);
        let (admitted, leaves) = (
            compact(lying.admitted),
            lying.discharge.map(compact).unwrap_or_default(),
        );
        let doctor = hospital.catalogue.doctors.get(lying.doctor).map_or("", |d| d.code);
        let mut row = vec![
            id,
            ward,
            &lying.bed.room,
            &lying.bed.bed,
            &admitted,
            department_code(hospital, lying.department),
            doctor,
            lying.nurse,
            lying.purpose,
        ];
        row.extend(lying.marks);
        row.extend([
            lying.operation.as_str(),
            &leaves,
            &lying.contact.0,
            lying.contact.1,
            &lying.contact.2,
        ]);
        self.stays.row(ANY, &row)?;
        let today = compact(hospital.today());
        for line in &lying.due {
            let printed = Printed::of(&line.drug);
            let hours: Vec<String> = line.hours.iter().map(u8::to_string).collect();
            let row = [
                id,
                &today,
                &hours.join(","),
                line.drug.code,
                line.drug.name,
                if line.drug.kind == DrugKind::Injection {
                    "4"
                } else {
                    "1"
                },
                &printed.each,
                &printed.daily,
                line.drug.unit,
                line.drug.usage,
                line.how,
                if line.high_risk { "1" } else { "0" },
                line.drug.remark,
            ];
            self.due.row(ANY, &row)?;
        }
        for one in &lying.vitals {
            let (day, at) = (compact(one.at.date()), clock(one.at.time()));
            let temperature = format!("{}.{}", one.temperature / 10, one.temperature % 10);
            let pressure = format!("{}/{}", one.pressure.0, one.pressure.1);
            let (pulse, spo2) = (one.pulse.to_string(), one.spo2.to_string());
            self.vitals
                .row(ANY, &[id, &day, &at, &temperature, &pressure, &pulse, &spo2])?;
        }
        for (at, who, text) in &lying.handovers {
            let (day, at) = (compact(at.date()), clock(at.time()));
            self.told.row(ANY, &[id, &day, &at, who, text])?;
        }
        Ok(())
    }
}
