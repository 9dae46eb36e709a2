//! The tables about inpatients.

use super::dialect::Cell;
use super::masters::kind;
use super::tables::{HANDOVER, SCHEDULE, STAY, VITAL};
use super::{Rows, ShapeSql};
use crate::cp932::Lost;
use crate::former::Left;
use crate::inpatient::{Lying, WARDS};
use crate::patient::Patient;
use crate::{Amount, SynthError};
use jiff::civil::{DateTime, Time};

impl ShapeSql<'_> {
    /// A stay, over when `left` says how, with everything about it.
    pub(super) fn lying(
        &mut self,
        lost: Lost,
        patient: &Patient,
        lying: &Lying,
        left: Option<(DateTime, Left)>,
    ) -> Result<(), SynthError> {
        if left.is_none() {
            self.bed(&lying.bed)?;
        }
        let id = patient.id.as_str();
        let number = format!("S{:09}", patient.number);
        let ward = WARDS.get(lying.bed.ward).map_or("", |ward| ward.0);
        let mut row = vec![
            Cell::Text(&number),
            id.into(),
            ward.into(),
            (&lying.bed.room).into(),
            (&lying.bed.bed).into(),
            lying.admitted.into(),
            self.department(lying.department).into(),
            self.doctor(lying.doctor).into(),
            lying.nurse.into(),
            lying.purpose.into(),
        ];
        row.extend(lying.marks.iter().map(|mark| Cell::Text(mark)));
        let tail: [Cell<'_>; 7] = [
            (&lying.operation).into(),
            lying.discharge.into(),
            left.map(|(at, _)| at).into(),
            left.map(|(_, how)| match how {
                Left::Home => "01",
                Left::Elsewhere => "02",
                Left::Died => "20",
            })
            .into(),
            (&lying.contact.0).into(),
            lying.contact.1.into(),
            (&lying.contact.2).into(),
        ];
        row.extend(tail);
        self.insert(
            lost,
            &Rows {
                table: &STAY,
                rows: vec![row],
            },
        )?;
        self.due(lost, id, lying)?;
        let vitals = lying.vitals.iter().map(|one| {
            vec![
                id.into(),
                one.at.into(),
                Amount(one.temperature * 100).into(),
                one.pressure.0.into(),
                one.pressure.1.into(),
                one.pulse.into(),
                one.spo2.into(),
            ]
        });
        self.insert(
            lost,
            &Rows {
                table: &VITAL,
                rows: vitals.collect(),
            },
        )?;
        let told = lying.handovers.iter();
        let rows = told
            .map(|(at, who, text)| vec![id.into(), (*at).into(), Cell::Text(who), Cell::Text(text)])
            .collect();
        self.insert(lost, &Rows { table: &HANDOVER, rows })
    }

    /// One row per drug and hour.
    fn due(&mut self, lost: Lost, id: &str, lying: &Lying) -> Result<(), SynthError> {
        let today = self.hospital.today();
        let mut rows = Vec::new();
        for line in &lying.due {
            let mut hours: Vec<Option<Time>> = line
                .hours
                .iter()
                .map(|hour| Time::new((*hour).min(23) as i8, 0, 0, 0).ok())
                .collect();
            if hours.is_empty() {
                hours.push(None);
            }
            for hour in hours {
                rows.push(vec![
                    id.into(),
                    today.into(),
                    Cell::Int(rows.len() as i64 + 1),
                    hour.into(),
                    line.drug.code.into(),
                    line.drug.name.into(),
                    kind(line.drug.kind).into(),
                    line.drug.each.into(),
                    line.drug.daily.into(),
                    line.drug.unit.into(),
                    line.drug.usage.into(),
                    line.how.into(),
                    Cell::Text(if line.high_risk { "1" } else { "0" }),
                    line.drug.remark.into(),
                ]);
            }
        }
        self.insert(lost, &Rows { table: &SCHEDULE, rows })
    }
}
