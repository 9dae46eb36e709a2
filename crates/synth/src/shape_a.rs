//! Shape A, 分割型: the columns are described in `docs/operating/synthetic-hospital.md`.
//!
//! It prints facts and decides none, except what stands for a character that CP932 lacks.

mod ward;
mod words;

use crate::calendar::{long_era, slashed};
use crate::catalogue::{DrugKind, Stay};
use crate::cp932::Lost;
use crate::export::Printer;
use crate::hospital::Hospital;
use crate::inpatient::Bed;
use crate::patient::{Appointment, Caution, Cautions, Patient, ThinRow, Visit};
use crate::person::{Person, Sex};
use crate::sheet::{Open, Sheet, Style};
use crate::{Amount, FileSummary, SynthError};
use words::{
    BOOKINGS, CAUTIONS, DIAGNOSES, DRUGS, FACTS, INSURANCES, LABS, NOTES, ORDERS, PEOPLE, THIN, clock, kana, name,
    stamp, uneven, whole,
};
pub(crate) use words::{Printed, interval, lost_of};

/// The files of shape A being written.
pub(crate) struct ShapeA<'h> {
    hospital: &'h Hospital,
    people: Sheet,
    bookings: Sheet,
    orders: Sheet,
    diagnoses: Sheet,
    notes: Sheet,
    drugs: Sheet,
    cautions: Sheet,
    labs: Sheet,
    facts: Sheet,
    insurances: Sheet,
    thin: Sheet,
    ward: ward::Sheets,
    masters: Vec<Sheet>,
}

impl<'h> ShapeA<'h> {
    /// Opens all files but the tally.
    pub(crate) fn open(hospital: &'h Hospital, open: Open) -> Result<Self, SynthError> {
        let mut sheet = |name: &str, header: &[&str]| Sheet::open(open, name, Style::OldCsv, header);
        let day = crate::calendar::compact(hospital.today());
        Ok(ShapeA {
            hospital,
            people: sheet("患者基本.csv", &PEOPLE)?,
            bookings: sheet(&format!("予約一覧_{day}.csv"), &BOOKINGS)?,
            orders: sheet("検査予約.csv", &ORDERS)?,
            diagnoses: sheet("病名.csv", &DIAGNOSES)?,
            notes: sheet("診療録.csv", &NOTES)?,
            drugs: sheet("処方.csv", &DRUGS)?,
            cautions: sheet("アレルギー禁忌.csv", &CAUTIONS)?,
            labs: sheet("検体検査結果.csv", &LABS)?,
            facts: sheet("患者特記.csv", &FACTS)?,
            insurances: sheet("保険.csv", &INSURANCES)?,
            thin: sheet("予約14日.csv", &THIN)?,
            ward: ward::Sheets::open(&mut sheet)?,
            masters: {
                let mut departments = sheet("診療科.csv", &["科コード", "科名", "略称", "受付場所", "内線"])?;
                for d in &hospital.catalogue.departments {
                    departments.row(Lost::Square, &[d.code_a, d.name, d.short, d.place, d.extension])?;
                }
                let mut doctors = sheet("医師.csv", &["医師コード", "医師名", "カナ", "科コード", "内線"])?;
                for d in &hospital.catalogue.doctors {
                    let (name, kana) = (
                        format!("{}　{}", d.family, d.given),
                        format!("{}　{}", d.family_kana, d.given_kana),
                    );
                    doctors.row(
                        Lost::Square,
                        &[
                            d.code,
                            &name,
                            &kana,
                            department_code(hospital, d.department),
                            d.extension,
                        ],
                    )?;
                }
                vec![departments, doctors]
            },
        })
    }

    fn person(&mut self, lost: Lost, patient: &Patient) -> Result<(), SynthError> {
        let p = &patient.person;
        let (abo, rh) = p
            .blood
            .map_or(("", ""), |(abo, positive)| (abo, if positive { "+" } else { "-" }));
        let last = patient.last_visit().map(slashed).unwrap_or_default();
        let row = [
            patient.id.as_str(),
            &name(p),
            &kana(p),
            &p.former,
            &p.alias,
            match p.sex {
                Sex::Male => "1",
                Sex::Female => "2",
                Sex::Unknown => "9",
            },
            &long_era(p.birth),
            &p.death.map(slashed).unwrap_or_default(),
            p.post_code,
            &p.address,
            &p.home,
            &p.mobile,
            p.workplace,
            &p.work_phone,
            abo,
            rh,
            p.insurance.word(),
            &slashed(p.registered),
            &last,
        ];
        self.people.row(lost, &row)
    }

    fn booking(
        &mut self,
        lost: Lost,
        patient: &Patient,
        visit: &Visit,
        appointment: &Appointment,
    ) -> Result<(), SynthError> {
        let p = &patient.person;
        let Some(department) = self.hospital.catalogue.departments.get(visit.department) else {
            return Ok(());
        };
        let day = slashed(appointment.at.date());
        let row = [
            appointment.code.as_str(),
            &day,
            &clock(appointment.at.time()),
            &patient.id,
            &name(p),
            &kana(p),
            match p.sex {
                Sex::Male => "男",
                Sex::Female => "女",
                Sex::Unknown => "",
            },
            &slashed(p.birth),
            department.code_a,
            department.name,
            doctor_code(self.hospital, visit.doctor),
            department.place,
            if appointment.first { "初診" } else { "再診" },
            appointment.remark,
        ];
        self.bookings.row(lost, &row)?;
        for order in &appointment.orders {
            let Some(exam) = self.hospital.catalogue.exams.get(order.exam) else {
                continue;
            };
            let time = order.time.map(clock).unwrap_or_default();
            let row = [
                &patient.id,
                &order.code,
                &appointment.code,
                &day,
                &time,
                exam.code_a,
                exam.name,
                exam.place,
                department.code_a,
                exam.preparation,
                order.remark,
            ];
            self.orders.row(lost, &row)?;
        }
        Ok(())
    }

    fn record(&mut self, lost: Lost, patient: &Patient, visit: &Visit) -> Result<(), SynthError> {
        let (department, doctor) = (
            department_code(self.hospital, visit.department),
            doctor_code(self.hospital, visit.doctor),
        );
        if let (Some(last), Some(note)) = (visit.last, &visit.note) {
            self.notes.row(
                lost,
                &[
                    &patient.id,
                    &slashed(last),
                    department,
                    doctor,
                    &stamp(note.written),
                    &whole(note),
                ],
            )?;
        }
        let Some(prescription) = &visit.prescription else {
            return Ok(());
        };
        let day = slashed(prescription.date);
        for item in &prescription.items {
            let printed = Printed::of(item);
            let row = [
                patient.id.as_str(),
                &day,
                department,
                doctor,
                &item.rp.0.to_string(),
                &item.rp.1.to_string(),
                item.code,
                item.name,
                match item.kind {
                    DrugKind::Oral => "内服",
                    DrugKind::AsNeeded => "頓服",
                    DrugKind::External => "外用",
                    DrugKind::Injection => "注射",
                },
                &printed.each,
                &printed.daily,
                item.unit,
                item.usage,
                &printed.times,
                &item.quantity.to_string(),
                item.quantity_unit,
                &item.uneven.map(|parts| uneven(&parts, item.unit)).unwrap_or_default(),
                &interval(item.interval),
                item.remark,
            ];
            self.drugs.row(lost, &row)?;
        }
        Ok(())
    }

    fn caution(&mut self, lost: Lost, id: &str, item: &Caution) -> Result<(), SynthError> {
        let row = [
            id,
            "あり",
            if item.contraindication {
                "禁忌"
            } else {
                "アレルギー"
            },
            match item.class {
                'D' => "薬剤",
                'F' => "食物",
                'M' => "造影剤",
                'L' => "ラテックス",
                _ => "その他",
            },
            item.code,
            &item.text,
            item.reaction,
            match item.severity {
                Some(1) => "軽度",
                Some(2) => "中等度",
                Some(_) => "重度",
                None => "",
            },
            &item.happened.map(slashed).unwrap_or_default(),
            &slashed(item.recorded),
            item.remark,
        ];
        self.cautions.row(lost, &row)
    }

    fn results(&mut self, lost: Lost, patient: &Patient) -> Result<(), SynthError> {
        let Some(sheet) = &patient.labs else { return Ok(()) };
        let (day, time) = (slashed(sheet.taken.date()), clock(sheet.taken.time()));
        for result in &sheet.results {
            let Some(lab) = self.hospital.catalogue.labs.get(result.item) else {
                continue;
            };
            let (low, high) = lab.reference(patient.person.sex);
            let flag = result.flag.map(String::from).unwrap_or_default();
            self.labs.row(
                lost,
                &[
                    &patient.id,
                    &day,
                    &time,
                    lab.code_a,
                    lab.name,
                    &result.value,
                    lab.unit,
                    low,
                    high,
                    &flag,
                    result.remark,
                ],
            )?;
        }
        Ok(())
    }

    fn profile(&mut self, lost: Lost, patient: &Patient) -> Result<(), SynthError> {
        let p = &patient.profile;
        let sign = |positive: bool| if positive { "(+)" } else { "(-)" }.to_owned();
        let mut facts = Vec::new();
        facts.extend(
            p.height
                .map(|(value, day)| ("身長", Amount(value * 100).to_string(), day)),
        );
        facts.extend(
            p.weight
                .map(|(value, day)| ("体重", Amount(value * 100).to_string(), day)),
        );
        facts.extend(p.infections.map(|(hbs, _, day)| ("HBs抗原", sign(hbs), day)));
        facts.extend(p.infections.map(|(_, hcv, day)| ("HCV抗体", sign(hcv), day)));
        facts.extend(
            p.pacemaker
                .map(|(there, day)| ("ペースメーカ", if there { "あり" } else { "なし" }.to_owned(), day)),
        );
        for (kind, value, day) in facts {
            self.facts.row(lost, &[&patient.id, kind, &value, &slashed(day)])?;
        }
        Ok(())
    }

    fn insurance(&mut self, lost: Lost, patient: &Patient) -> Result<(), SynthError> {
        for cover in &patient.insurances {
            let (payer, recipient, until) = match &cover.public {
                Some((payer, recipient, until)) => (payer.as_str(), recipient.as_str(), slashed(*until)),
                None => ("", "", String::new()),
            };
            let row = [
                patient.id.as_str(),
                cover.kind.word(),
                &cover.insurer,
                &cover.symbol,
                &cover.number,
                &cover.branch,
                if cover.own { "本人" } else { "家族" },
                cover.burden,
                &format!("{}割", cover.share),
                payer,
                recipient,
                &until,
                "",
                "",
                &slashed(cover.from),
                &cover.until.map(slashed).unwrap_or_default(),
            ];
            self.insurances.row(lost, &row)?;
        }
        Ok(())
    }

    fn thin(&mut self, lost: Lost, person: &Person, row: &ThinRow) -> Result<(), SynthError> {
        let phone = if person.mobile.is_empty() {
            &person.home
        } else {
            &person.mobile
        };
        let (department, doctor) = (
            department_code(self.hospital, row.department),
            doctor_code(self.hospital, row.doctor),
        );
        let row = [
            &slashed(row.at.date()),
            &clock(row.at.time()),
            department,
            doctor,
            &row.id,
            &name(person),
            &kana(person),
            &slashed(person.birth),
            phone,
        ];
        self.thin.row(lost, &row)
    }
}

impl Printer for ShapeA<'_> {
    fn patient(&mut self, patient: &Patient, _: Open) -> Result<(), SynthError> {
        let lost = lost_of(patient.number);
        let id = patient.id.as_str();
        self.person(lost, patient)?;
        for visit in &patient.visits {
            if let Some(appointment) = &visit.appointment {
                self.booking(lost, patient, visit, appointment)?;
            }
            self.record(lost, patient, visit)?;
        }
        for (place, d) in (1..).zip(&patient.diagnoses) {
            let outcome = match d.stay {
                Stay::Continuing => "継続",
                Stay::Cured => "治癒",
                Stay::Stopped => "中止",
            };
            let ended = d.ended.map(long_era).unwrap_or_default();
            let (suspected, principal) = (
                if d.suspected { "疑い" } else { "" },
                if d.principal { "○" } else { "" },
            );
            let number: i32 = place;
            self.diagnoses.row(
                lost,
                &[
                    id,
                    &number.to_string(),
                    d.name,
                    d.icd,
                    suspected,
                    principal,
                    &long_era(d.onset),
                    outcome,
                    &ended,
                    department_code(self.hospital, d.department),
                ],
            )?;
        }
        match &patient.cautions {
            Cautions::Known(items) => items.iter().try_for_each(|item| self.caution(lost, id, item))?,
            Cautions::ConfirmedNone(day) => self
                .cautions
                .row(lost, &[id, "なし", "", "", "", "", "", "", "", &slashed(*day), ""])?,
            Cautions::NotRecorded => {}
            Cautions::Unavailable => self.cautions.row(
                lost,
                &[id, "参照不可", "", "", "", "", "", "", "", "", "アレルギー連携エラー"],
            )?,
        }
        self.results(lost, patient)?;
        self.profile(lost, patient)?;
        self.insurance(lost, patient)?;
        if let Some(lying) = &patient.lying {
            self.ward.lying(self.hospital, lost, id, lying)?;
        }
        match &patient.later {
            Some(row) => self.thin(lost, &patient.person, row),
            None => Ok(()),
        }
    }

    fn empty_bed(&mut self, bed: &Bed, _: Open) -> Result<(), SynthError> {
        self.ward.empty(bed)
    }

    fn other(&mut self, person: &Person, row: &ThinRow, _: Open) -> Result<(), SynthError> {
        self.thin(Lost::Square, person, row)
    }

    fn finish(self: Box<Self>, open: Open) -> Result<Vec<FileSummary>, SynthError> {
        let stamp = format!("{} 0:05", slashed(self.hospital.today()));
        let sheets = [
            self.people,
            self.bookings,
            self.orders,
            self.diagnoses,
            self.notes,
            self.drugs,
            self.cautions,
            self.labs,
            self.facts,
            self.insurances,
            self.thin,
        ];
        let mut done = sheets
            .into_iter()
            .chain(self.ward.into_sheets())
            .chain(self.masters)
            .map(Sheet::finish)
            .collect::<Result<Vec<_>, _>>()?;
        let mut tally = Sheet::open(open, "出力件数.csv", Style::OldCsv, &["ファイル名", "件数", "出力日時"])?;
        for file in &done {
            tally.row(Lost::Square, &[&file.name, &file.rows.to_string(), &stamp])?;
        }
        done.push(tally.finish()?);
        Ok(done)
    }
}

fn department_code(hospital: &Hospital, place: usize) -> &'static str {
    hospital.catalogue.departments.get(place).map_or("", |d| d.code_a)
}

fn doctor_code(hospital: &Hospital, place: usize) -> &'static str {
    hospital.catalogue.doctors.get(place).map_or("", |d| d.code)
}
