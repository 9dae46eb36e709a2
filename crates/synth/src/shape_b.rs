//! Shape B, 一括型: the columns are described in `docs/operating/synthetic-hospital.md`.
//!
//! It prints facts and decides none.

use crate::calendar::{compact, short_era};
use crate::catalogue::{DrugKind, Stay};
use crate::cp932::Lost;
use crate::export::Printer;
use crate::hospital::Hospital;
use crate::inpatient::Bed;
use crate::kana::half_width;
use crate::patient::{Appointment, Caution, Cautions, Interval, Patient, ThinRow, Visit};
use crate::person::{Person, Sex};
use crate::shape_a::Printed;
use crate::sheet::{Open, Sheet, Style};
use crate::{Amount, FileSummary, SynthError};
use jiff::civil::{Date, Time};

mod insurance;
mod ward;

/// The files of shape B being written.
pub(crate) struct ShapeB<'h> {
    hospital: &'h Hospital,
    people: Sheet,
    bookings: Sheet,
    diagnoses: Sheet,
    notes: Sheet,
    drugs: Sheet,
    cautions: Sheet,
    labs: Sheet,
    insurances: Sheet,
    thin: Sheet,
    ward: ward::Sheets,
    masters: Vec<Sheet>,
}

/// Nothing is lost in UTF-8.
const ANY: Lost = Lost::Square;

const PEOPLE: [&str; 30] = [
    "pid", "fam", "giv", "kfam", "kgiv", "oldfam", "alias", "sex", "bd", "dod", "zip", "addr", "tel", "mob", "work",
    "worktel", "abo", "rh", "ins", "ht", "htd", "wt", "wtd", "hbs", "hcv", "infd", "pm", "pmd", "reg", "lastv",
];
const DIAGNOSES: [&str; 10] = [
    "pid", "seq", "name", "icd", "susp", "main", "onset", "outcome", "enddate", "dept",
];
const NOTES: [&str; 9] = ["pid", "date", "dept", "dr", "written", "s", "o", "a", "p"];
const CAUTIONS: [&str; 11] = [
    "pid", "st", "kind", "cls", "code", "text", "react", "sev", "ond", "cfd", "memo",
];
const LABS: [&str; 10] = [
    "pid", "date", "time", "code", "name", "val", "unit", "ref", "flag", "memo",
];
const INSURANCES: [&str; 14] = [
    "pid", "cls", "insno", "inskg", "insbg", "insedb", "mem", "burden", "rate", "kh1", "kj1", "ku1", "vfrom", "vto",
];
/// Examinations that fit into one row of appointments.
const EXAM_SLOTS: usize = 8;

impl<'h> ShapeB<'h> {
    /// Opens all files but the tally.
    pub(crate) fn open(hospital: &'h Hospital, open: Open) -> Result<Self, SynthError> {
        let mut sheet = |name: &str, style: Style, header: &[&str]| Sheet::open(open, name, style, header);
        let day = compact(hospital.today());
        Ok(ShapeB {
            hospital,
            people: sheet("pt.tsv", Style::Tsv, &PEOPLE)?,
            bookings: sheet(&format!("appt_{day}.csv"), Style::Csv, &[])?,
            diagnoses: sheet("dx.tsv", Style::Tsv, &DIAGNOSES)?,
            notes: sheet("note.csv", Style::Csv, &NOTES)?,
            drugs: sheet("rx.csv", Style::Csv, &[])?,
            cautions: sheet("alg.tsv", Style::Tsv, &CAUTIONS)?,
            labs: sheet("lab.csv", Style::Csv, &LABS)?,
            insurances: sheet("ins.csv", Style::Csv, &INSURANCES)?,
            thin: sheet("next14.csv", Style::Csv, &[])?,
            ward: ward::Sheets::open(&mut sheet)?,
            masters: {
                let mut departments = sheet("dept.csv", Style::Csv, &["code", "name", "short", "place", "tel"])?;
                for d in &hospital.catalogue.departments {
                    departments.row(ANY, &[d.code_b, d.name, d.short, d.place, d.extension])?;
                }
                let mut doctors = sheet(
                    "dr.csv",
                    Style::Csv,
                    &["code", "fam", "giv", "kfam", "kgiv", "dept", "tel"],
                )?;
                for d in &hospital.catalogue.doctors {
                    let (family, given) = (half_width(d.family_kana), half_width(d.given_kana));
                    doctors.row(
                        ANY,
                        &[
                            d.code,
                            d.family,
                            d.given,
                            &family,
                            &given,
                            department_code(hospital, d.department),
                            d.extension,
                        ],
                    )?;
                }
                let mut exams = sheet("exm.csv", Style::Csv, &["code", "name", "place", "prep"])?;
                for e in &hospital.catalogue.exams {
                    exams.row(ANY, &[e.code_b, e.name, e.place, e.preparation])?;
                }
                vec![departments, doctors, exams]
            },
        })
    }

    fn person(&mut self, patient: &Patient) -> Result<(), SynthError> {
        let (p, profile) = (&patient.person, &patient.profile);
        let (kfam, kgiv) = p
            .kana
            .as_ref()
            .map(|(f, g)| (half_width(f), half_width(g)))
            .unwrap_or_default();
        let (abo, rh) = p
            .blood
            .map_or(("", ""), |(abo, positive)| (abo, if positive { "P" } else { "N" }));
        let day = |day: Option<Date>| day.map(compact).unwrap_or_default();
        let measure = |value: Option<(i64, Date)>| {
            value
                .map(|(v, d)| (Amount(v * 100).to_string(), compact(d)))
                .unwrap_or_default()
        };
        let yes = |value: Option<bool>| value.map_or("", |v| if v { "1" } else { "0" });
        let ((ht, htd), (wt, wtd)) = (measure(profile.height), measure(profile.weight));
        let row = [
            patient.id.as_str(),
            &p.family,
            &p.given,
            &kfam,
            &kgiv,
            &p.former,
            &p.alias,
            match p.sex {
                Sex::Male => "M",
                Sex::Female => "F",
                Sex::Unknown => "U",
            },
            &compact(p.birth),
            &day(p.death),
            &p.post_code.replace('-', ""),
            &p.address,
            &p.home,
            &p.mobile,
            p.workplace,
            &p.work_phone,
            abo,
            rh,
            p.insurance.digit(),
            &ht,
            &htd,
            &wt,
            &wtd,
            yes(profile.infections.map(|i| i.0)),
            yes(profile.infections.map(|i| i.1)),
            &day(profile.infections.map(|i| i.2)),
            yes(profile.pacemaker.map(|i| i.0)),
            &day(profile.pacemaker.map(|i| i.1)),
            &compact(p.registered),
            &day(patient.last_visit()),
        ];
        self.people.row(ANY, &row)
    }

    fn booking(&mut self, patient: &Patient, visit: &Visit, appointment: &Appointment) -> Result<(), SynthError> {
        let p = &patient.person;
        let catalogue = &self.hospital.catalogue;
        let (Some(department), Some(doctor)) = (
            catalogue.departments.get(visit.department),
            catalogue.doctors.get(visit.doctor),
        ) else {
            return Ok(());
        };
        let (day, time, doctor_name) = (
            compact(appointment.at.date()),
            clock(appointment.at.time()),
            format!("{} {}", doctor.family, doctor.given),
        );
        let (kana, birth) = (kana(p), compact(p.birth));
        let remarks: Vec<&str> = appointment
            .orders
            .iter()
            .map(|o| o.remark)
            .filter(|r| !r.is_empty())
            .collect();
        let remarks = remarks.join("、");
        let mut row = vec![
            appointment.code.as_str(),
            &patient.id,
            &day,
            &time,
            department.code_b,
            department.name,
            doctor.code,
            &doctor_name,
            department.place,
            if appointment.first { "2" } else { "1" },
            appointment.remark,
            &p.family,
            &p.given,
            &kana,
            match p.sex {
                Sex::Male => "1",
                Sex::Female => "2",
                Sex::Unknown => "0",
            },
            &birth,
        ];
        let codes = appointment
            .orders
            .iter()
            .map(|o| catalogue.exams.get(o.exam).map_or("", |e| e.code_b));
        row.extend(codes.chain(std::iter::repeat("")).take(EXAM_SLOTS));
        row.push(&remarks);
        self.bookings.row(ANY, &row)
    }

    fn record(&mut self, patient: &Patient, visit: &Visit) -> Result<(), SynthError> {
        let department = department_code(self.hospital, visit.department);
        let doctor = self.hospital.catalogue.doctors.get(visit.doctor).map_or("", |d| d.code);
        if let (Some(last), Some(note)) = (visit.last, &visit.note) {
            let written = format!("{}{}", compact(note.written.date()), clock(note.written.time()));
            self.notes.row(
                ANY,
                &[
                    &patient.id,
                    &compact(last),
                    department,
                    doctor,
                    &written,
                    &note.s,
                    &note.o,
                    &note.a,
                    &note.p,
                ],
            )?;
        }
        let Some(prescription) = &visit.prescription else {
            return Ok(());
        };
        let day = compact(prescription.date);
        for item in &prescription.items {
            let printed = Printed::of(item);
            let kind = match item.kind {
                DrugKind::Oral => "1",
                DrugKind::AsNeeded => "2",
                DrugKind::External => "3",
                DrugKind::Injection => "4",
            };
            let counted = match item.quantity_unit {
                "日分" => "D",
                "回分" => "T",
                package => package,
            };
            let uneven = item
                .uneven
                .map(|parts| parts.map(|a| a.to_string()).join(","))
                .unwrap_or_default();
            let interval = match item.interval {
                Interval::Daily => String::new(),
                Interval::OtherDay => "I1100000".to_owned(),
                Interval::Weekdays(flags) => std::iter::once('W')
                    .chain(flags.iter().map(|on| if *on { '1' } else { '0' }))
                    .collect(),
            };
            let (rp, place, quantity) = (item.rp.0.to_string(), item.rp.1.to_string(), item.quantity.to_string());
            let row = [
                patient.id.as_str(),
                &day,
                department,
                doctor,
                &rp,
                &place,
                item.code,
                item.name,
                kind,
                &printed.each,
                &printed.daily,
                item.unit,
                item.usage,
                &printed.times,
                &quantity,
                counted,
                &uneven,
                &interval,
                item.remark,
            ];
            self.drugs.row(ANY, &row)?;
        }
        Ok(())
    }

    fn caution(&mut self, id: &str, item: &Caution) -> Result<(), SynthError> {
        let severity = item.severity.map(|s| s.to_string()).unwrap_or_default();
        let row = [
            id,
            "P",
            if item.contraindication { "C" } else { "A" },
            &item.class.to_string(),
            item.code,
            &item.text,
            item.reaction,
            &severity,
            &item.happened.map(compact).unwrap_or_default(),
            &compact(item.recorded),
            item.remark,
        ];
        self.cautions.row(ANY, &row)
    }

    fn results(&mut self, patient: &Patient) -> Result<(), SynthError> {
        let Some(sheet) = &patient.labs else { return Ok(()) };
        let (day, time) = (compact(sheet.taken.date()), clock(sheet.taken.time()));
        for result in &sheet.results {
            let Some(lab) = self.hospital.catalogue.labs.get(result.item) else {
                continue;
            };
            let (low, high) = lab.reference(patient.person.sex);
            let range = if lab.decimals.is_none() || (low.is_empty() && high.is_empty()) {
                low.to_owned()
            } else {
                format!("{low}-{high}")
            };
            let flag = match result.flag {
                Some('L') => "1",
                Some(_) => "2",
                None => "0",
            };
            self.labs.row(
                ANY,
                &[
                    &patient.id,
                    &day,
                    &time,
                    lab.code_b,
                    lab.name,
                    &result.value,
                    lab.unit,
                    &range,
                    flag,
                    result.remark,
                ],
            )?;
        }
        Ok(())
    }

    fn thin(&mut self, person: &Person, row: &ThinRow) -> Result<(), SynthError> {
        let phone = if person.mobile.is_empty() {
            &person.home
        } else {
            &person.mobile
        };
        let doctor = self.hospital.catalogue.doctors.get(row.doctor).map_or("", |d| d.code);
        let name = format!("{} {}", person.family, person.given);
        let department = department_code(self.hospital, row.department);
        self.thin.row(
            ANY,
            &[
                &compact(row.at.date()),
                &clock(row.at.time()),
                department,
                doctor,
                &row.id,
                &name,
                &kana(person),
                &compact(person.birth),
                phone,
            ],
        )
    }
}

impl Printer for ShapeB<'_> {
    fn patient(&mut self, patient: &Patient, _: Open) -> Result<(), SynthError> {
        let id = patient.id.as_str();
        self.person(patient)?;
        for visit in &patient.visits {
            if let Some(appointment) = &visit.appointment {
                self.booking(patient, visit, appointment)?;
            }
            self.record(patient, visit)?;
        }
        for (place, d) in (1_i32..).zip(&patient.diagnoses) {
            let outcome = match d.stay {
                Stay::Continuing => "0",
                Stay::Cured => "1",
                Stay::Stopped => "2",
            };
            let flag = |on: bool| if on { "1" } else { "0" };
            let ended = d.ended.map(short_era).unwrap_or_default();
            let row = [
                id,
                &place.to_string(),
                d.name,
                &d.icd.replace('.', ""),
                flag(d.suspected),
                flag(d.principal),
                &short_era(d.onset),
                outcome,
                &ended,
                department_code(self.hospital, d.department),
            ];
            self.diagnoses.row(ANY, &row)?;
        }
        match &patient.cautions {
            Cautions::Known(items) => items.iter().try_for_each(|item| self.caution(id, item))?,
            Cautions::ConfirmedNone(day) => self
                .cautions
                .row(ANY, &[id, "N", "", "", "", "", "", "", "", &compact(*day), ""])?,
            Cautions::NotRecorded => self.cautions.row(ANY, &[id, "U", "", "", "", "", "", "", "", "", ""])?,
            Cautions::Unavailable => self
                .cautions
                .row(ANY, &[id, "X", "", "", "", "", "", "", "", "", "アレルギー連携エラー"])?,
        }
        if let Some(lying) = &patient.lying {
            self.ward.lying(self.hospital, id, lying)?;
        }
        self.results(patient)?;
        self.insurance(patient)?;
        match &patient.later {
            Some(row) => self.thin(&patient.person, row),
            None => Ok(()),
        }
    }

    fn empty_bed(&mut self, bed: &Bed, _: Open) -> Result<(), SynthError> {
        self.ward.empty(bed)
    }

    fn other(&mut self, person: &Person, row: &ThinRow, _: Open) -> Result<(), SynthError> {
        self.thin(person, row)
    }

    fn finish(self: Box<Self>, open: Open) -> Result<Vec<FileSummary>, SynthError> {
        let stamp = format!("{}0005", compact(self.hospital.today()));
        let sheets = [
            self.people,
            self.bookings,
            self.diagnoses,
            self.notes,
            self.drugs,
            self.cautions,
            self.labs,
            self.insurances,
            self.thin,
        ];
        let mut done = sheets
            .into_iter()
            .chain(self.ward.into_sheets())
            .chain(self.masters)
            .map(Sheet::finish)
            .collect::<Result<Vec<_>, _>>()?;
        let mut tally = Sheet::open(open, "EXPORT.END", Style::Tsv, &[])?;
        for file in &done {
            tally.row(ANY, &[&file.name, &file.rows.to_string()])?;
        }
        tally.row(ANY, &["END", &stamp])?;
        done.push(tally.finish()?);
        Ok(done)
    }
}

fn department_code(hospital: &Hospital, place: usize) -> &'static str {
    hospital.catalogue.departments.get(place).map_or("", |d| d.code_b)
}

fn kana(person: &Person) -> String {
    person
        .kana
        .as_ref()
        .map(|(family, given)| half_width(&format!("{family} {given}")))
        .unwrap_or_default()
}

fn clock(time: Time) -> String {
    format!("{:02}{:02}", time.hour(), time.minute())
}
