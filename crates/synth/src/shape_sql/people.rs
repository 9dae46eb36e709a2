//! The tables about people: who they are, what is known of them, what is booked, written and prescribed.

use super::dialect::Cell;
use super::masters::kind;
use super::tables::{
    ALLERGY, DISEASE, FACT, INSURANCE, KARTE, LAB_RESULT, ORDER_EXAM, PATIENT, RESERVE, RP_DETAIL, RP_HEAD,
};
use super::{Rows, ShapeSql, TORN_ADDRESS, TORN_EVERY, TORN_WORKPLACE};
use crate::calendar::compact;
use crate::catalogue::Stay;
use crate::cp932::Lost;
use crate::patient::{Appointment, Cautions, Interval, Patient, Prescription, ThinRow, Visit};
use crate::person::{Person, Sex};
use crate::{Amount, SynthError};

/// Rows beside those of the hospital that a query must leave out: appointments taken back.
const TAKEN_BACK: &str = "9";
/// One in so many patients has one.
const TAKEN_BACK_EVERY: u32 = 9;

impl ShapeSql<'_> {
    /// Who it is.
    pub(super) fn person(&mut self, lost: Lost, patient: &Patient) -> Result<(), SynthError> {
        let place = patient.number % TORN_EVERY;
        let torn = |there: bool, text| if there { Cell::Torn(text) } else { Cell::Text(text) };
        let (address, work) = (
            place == TORN_ADDRESS,
            place == TORN_WORKPLACE && !patient.person.workplace.is_empty(),
        );
        let mut row = person_row(&patient.id, &patient.person);
        if let Some(cell) = row.get_mut(11) {
            *cell = torn(address, patient.person.address.as_str());
        }
        if let Some(cell) = row.get_mut(14) {
            *cell = torn(work, patient.person.workplace);
        }
        row.push(patient.last_visit().into());
        self.insert(
            lost,
            &Rows {
                table: &PATIENT,
                rows: vec![row],
            },
        )?;
        if address {
            self.tear(patient, "PATIENT.ADDRESS");
        }
        if work {
            self.tear(patient, "PATIENT.WORKPLACE");
        }
        Ok(())
    }

    /// Somebody who is only booked for one of the coming days.
    pub(super) fn stranger(&mut self, person: &Person, row: &ThinRow) -> Result<(), SynthError> {
        let mut cells = person_row(&row.id, person);
        cells.push(Cell::Null);
        self.insert(
            Lost::Square,
            &Rows {
                table: &PATIENT,
                rows: vec![cells],
            },
        )
    }

    /// What changes seldom: facts, insurances, allergies, diagnoses, results.
    pub(super) fn background(&mut self, lost: Lost, patient: &Patient) -> Result<(), SynthError> {
        let id = patient.id.as_str();
        let p = &patient.profile;
        let sign = |positive: bool| if positive { "(+)" } else { "(-)" }.to_owned();
        let tenth = |value: i64| Amount(value * 100).to_string();
        let mut facts: Vec<(&str, String, _)> = Vec::new();
        facts.extend(p.height.map(|(value, day)| ("身長", tenth(value), day)));
        facts.extend(p.weight.map(|(value, day)| ("体重", tenth(value), day)));
        facts.extend(p.infections.map(|(hbs, _, day)| ("HBs抗原", sign(hbs), day)));
        facts.extend(p.infections.map(|(_, hcv, day)| ("HCV抗体", sign(hcv), day)));
        let device = |there| if there { "あり" } else { "なし" }.to_owned();
        facts.extend(p.pacemaker.map(|(there, day)| ("ペースメーカ", device(there), day)));
        let rows = facts
            .iter()
            .map(|(kind, value, day)| vec![id.into(), Cell::Text(kind), value.into(), (*day).into()]);
        self.insert(
            lost,
            &Rows {
                table: &FACT,
                rows: rows.collect(),
            },
        )?;
        let covers = (1_i64..).zip(&patient.insurances).map(|(seq, c)| {
            let public = c.public.as_ref();
            vec![
                id.into(),
                seq.into(),
                c.kind.digit().into(),
                (&c.insurer).into(),
                (&c.symbol).into(),
                (&c.number).into(),
                (&c.branch).into(),
                Cell::Text(if c.own { "1" } else { "2" }),
                c.burden.into(),
                (i64::from(c.share) * 10).into(),
                public.map(|(payer, _, _)| payer).into(),
                public.map(|(_, recipient, _)| recipient).into(),
                public.map(|(_, _, until)| *until).into(),
                c.from.into(),
                c.until.map_or(Cell::Text("99999999"), Cell::Date),
            ]
        });
        self.insert(
            lost,
            &Rows {
                table: &INSURANCE,
                rows: covers.collect(),
            },
        )?;
        self.cautions(lost, patient)?;
        let flag = |on: bool| Cell::Text(if on { "1" } else { "0" });
        let diagnoses = (1_i64..).zip(&patient.diagnoses).map(|(seq, d)| {
            let outcome = match d.stay {
                Stay::Continuing => "0",
                Stay::Cured => "1",
                Stay::Stopped => "2",
            };
            vec![
                id.into(),
                seq.into(),
                d.name.into(),
                d.icd.into(),
                flag(d.suspected),
                flag(d.principal),
                d.onset.into(),
                outcome.into(),
                d.ended.into(),
                self.department(d.department).into(),
            ]
        });
        let rows = diagnoses.collect();
        self.insert(lost, &Rows { table: &DISEASE, rows })?;
        self.results(lost, patient)
    }

    fn cautions(&mut self, lost: Lost, patient: &Patient) -> Result<(), SynthError> {
        let id = patient.id.as_str();
        let state = |state, day: Cell<'static>, memo| {
            let mut row = vec![Cell::Text(id), Cell::Int(0), Cell::Text(state)];
            row.extend([Cell::Null; 7]);
            row.extend([day, Cell::Text(memo)]);
            vec![row]
        };
        let severity = |severity: Option<u8>| match severity {
            Some(1) => "1",
            Some(2) => "2",
            Some(_) => "3",
            None => "",
        };
        let rows = match &patient.cautions {
            Cautions::Known(items) => (1_i64..)
                .zip(items)
                .map(|(seq, item)| {
                    let class = match item.class {
                        'D' => "D",
                        'F' => "F",
                        'M' => "M",
                        'L' => "L",
                        _ => "O",
                    };
                    vec![
                        id.into(),
                        seq.into(),
                        "P".into(),
                        Cell::Text(if item.contraindication { "C" } else { "A" }),
                        class.into(),
                        item.code.into(),
                        (&item.text).into(),
                        item.reaction.into(),
                        severity(item.severity).into(),
                        item.happened.into(),
                        item.recorded.into(),
                        item.remark.into(),
                    ]
                })
                .collect(),
            Cautions::ConfirmedNone(day) => state("N", (*day).into(), ""),
            // No row: nobody recorded anything.
            Cautions::NotRecorded => Vec::new(),
            Cautions::Unavailable => state("X", Cell::Null, "アレルギー連携エラー"),
        };
        self.insert(lost, &Rows { table: &ALLERGY, rows })
    }

    fn results(&mut self, lost: Lost, patient: &Patient) -> Result<(), SynthError> {
        let Some(sheet) = &patient.labs else { return Ok(()) };
        let id = patient.id.as_str();
        let mut rows = Vec::new();
        for result in &sheet.results {
            let Some(lab) = self.hospital.catalogue.labs.get(result.item) else {
                continue;
            };
            let (low, high) = lab.reference(patient.person.sex);
            let flag = match result.flag {
                Some('L') => "L",
                Some(_) => "H",
                None => "",
            };
            rows.push(vec![
                id.into(),
                sheet.taken.into(),
                lab.code_a.into(),
                (&result.value).into(),
                low.into(),
                high.into(),
                flag.into(),
                result.remark.into(),
            ]);
        }
        self.insert(
            lost,
            &Rows {
                table: &LAB_RESULT,
                rows,
            },
        )
    }

    /// What each department booked, wrote and prescribed.
    pub(super) fn visits(&mut self, lost: Lost, patient: &Patient) -> Result<(), SynthError> {
        for visit in &patient.visits {
            if let Some(appointment) = &visit.appointment {
                self.booking(lost, patient, visit, appointment)?;
            }
            let (department, doctor) = (self.department(visit.department), self.doctor(visit.doctor));
            if let (Some(last), Some(note)) = (visit.last, &visit.note) {
                let row = vec![
                    Cell::Text(&patient.id),
                    last.into(),
                    department.into(),
                    doctor.into(),
                    note.written.into(),
                    (&note.s).into(),
                    (&note.o).into(),
                    (&note.a).into(),
                    (&note.p).into(),
                ];
                self.insert(
                    lost,
                    &Rows {
                        table: &KARTE,
                        rows: vec![row],
                    },
                )?;
            }
            if let Some(prescription) = &visit.prescription {
                self.prescription(lost, &patient.id, department, doctor, prescription)?;
            }
        }
        Ok(())
    }

    fn booking(
        &mut self,
        lost: Lost,
        patient: &Patient,
        visit: &Visit,
        appointment: &Appointment,
    ) -> Result<(), SynthError> {
        let (department, doctor) = (self.department(visit.department), self.doctor(visit.doctor));
        let taken_back = format!("X{}", appointment.code.get(1..).unwrap_or_default());
        let row = |number, state| {
            vec![
                Cell::Text(number),
                Cell::Text(&patient.id),
                appointment.at.date().into(),
                appointment.at.time().into(),
                department.into(),
                doctor.into(),
                Cell::Text(if appointment.first { "2" } else { "1" }),
                appointment.remark.into(),
                Cell::Text(state),
            ]
        };
        let mut rows = vec![row(appointment.code.as_str(), "1")];
        if patient.number % TAKEN_BACK_EVERY == 0 {
            rows.push(row(taken_back.as_str(), TAKEN_BACK));
        }
        self.insert(lost, &Rows { table: &RESERVE, rows })?;
        let mut rows = Vec::new();
        for order in &appointment.orders {
            let exam = self.hospital.catalogue.exams.get(order.exam).map_or("", |e| e.code_a);
            rows.push(vec![
                (&order.code).into(),
                Cell::Text(&patient.id),
                (&appointment.code).into(),
                appointment.at.date().into(),
                order.time.into(),
                exam.into(),
                department.into(),
                order.remark.into(),
                "1".into(),
            ]);
        }
        self.insert(
            lost,
            &Rows {
                table: &ORDER_EXAM,
                rows,
            },
        )
    }

    /// An appointment on one of the coming days.
    pub(super) fn booked_later(&mut self, lost: Lost, _number: u32, row: &ThinRow) -> Result<(), SynthError> {
        let number = format!("T{}{}", row.id, compact(row.at.date()).get(5..).unwrap_or_default());
        let cells = vec![
            Cell::Text(&number),
            (&row.id).into(),
            row.at.date().into(),
            row.at.time().into(),
            self.department(row.department).into(),
            self.doctor(row.doctor).into(),
            "1".into(),
            "".into(),
            "1".into(),
        ];
        self.insert(
            lost,
            &Rows {
                table: &RESERVE,
                rows: vec![cells],
            },
        )
    }

    fn prescription(
        &mut self,
        lost: Lost,
        id: &str,
        department: &'static str,
        doctor: &'static str,
        prescription: &Prescription,
    ) -> Result<(), SynthError> {
        let printed: Vec<(String, String)> = prescription
            .items
            .iter()
            .map(|item| (interval(item.interval), uneven(item.uneven)))
            .collect();
        let (mut heads, mut details) = (Vec::new(), Vec::new());
        for (item, (interval, uneven)) in prescription.items.iter().zip(&printed) {
            let rp = Cell::Int(i64::from(item.rp.0));
            let key = [id.into(), prescription.date.into(), department.into(), rp];
            if item.rp.1 == 1 {
                let mut head = key.to_vec();
                head.extend([
                    doctor.into(),
                    kind(item.kind).into(),
                    item.usage.into(),
                    (item.times > 0).then_some(i64::from(item.times)).into(),
                    Cell::Text(interval),
                ]);
                heads.push(head);
            }
            let mut detail = key.to_vec();
            detail.extend([
                i64::from(item.rp.1).into(),
                item.code.into(),
                item.each.into(),
                item.daily.into(),
                item.unit.into(),
                item.quantity.into(),
                item.quantity_unit.into(),
                Cell::Text(uneven),
                item.remark.into(),
            ]);
            details.push(detail);
        }
        self.insert(
            lost,
            &Rows {
                table: &RP_HEAD,
                rows: heads,
            },
        )?;
        self.insert(
            lost,
            &Rows {
                table: &RP_DETAIL,
                rows: details,
            },
        )
    }
}

/// The columns of a person but the last.
fn person_row<'a>(id: &'a str, p: &'a Person) -> Vec<Cell<'a>> {
    let (family_kana, given_kana) = p
        .kana
        .as_ref()
        .map_or(("", ""), |(family, given)| (family.as_str(), given.as_str()));
    let (abo, rh) = p
        .blood
        .map_or(("", ""), |(abo, positive)| (abo, if positive { "+" } else { "-" }));
    let sex = match p.sex {
        Sex::Male => "M",
        Sex::Female => "F",
        Sex::Unknown => "U",
    };
    vec![
        id.into(),
        (&p.family).into(),
        (&p.given).into(),
        family_kana.into(),
        given_kana.into(),
        (&p.former).into(),
        (&p.alias).into(),
        sex.into(),
        p.birth.into(),
        p.death.into(),
        p.post_code.into(),
        (&p.address).into(),
        (&p.home).into(),
        (&p.mobile).into(),
        p.workplace.into(),
        (&p.work_phone).into(),
        abo.into(),
        rh.into(),
        p.insurance.digit().into(),
        p.registered.into(),
    ]
}

/// `I1100000`, `W0100100`, or nothing for every day.
pub(crate) fn interval(interval: Interval) -> String {
    match interval {
        Interval::Daily => String::new(),
        Interval::OtherDay => "I1100000".to_owned(),
        Interval::Weekdays(flags) => std::iter::once('W')
            .chain(flags.iter().map(|on| if *on { '1' } else { '0' }))
            .collect(),
    }
}

/// `2,0,1,0`: morning, noon, evening, bedtime; nothing when they are alike.
fn uneven(parts: Option<[Amount; 4]>) -> String {
    parts
        .map(|parts| parts.map(|a| a.to_string()).join(","))
        .unwrap_or_default()
}
