//! What was ordered and found: visits (ADT-12), prescriptions (OMP-01), results (OML-11), examinations of the day (OML-01, OMG-01 to 03),
//! and of a ward diets (OMD), medicines (OMP-01) and injections (OMP-02).

use super::{Leaf, ShapeSsMix2};
use crate::SynthError;
use crate::calendar;
use crate::catalogue::DrugKind;
use crate::inpatient::Lying;
use crate::patient::{Patient, Prescribed, Visit};
use crate::sheet::Open;
use crate::v2::{Ordered, exam_kind};
use jiff::civil::{DateTime, time};

/// A number of 15 digits for an order: whose, what kind, which.
fn number_of(number: u32, kind: u64, nth: u64) -> String {
    format!("{:015}", u64::from(number) * 10_000 + kind * 1_000 + nth)
}

impl ShapeSsMix2<'_> {
    /// What the departments did and ordered.
    pub(super) fn attended(&mut self, patient: &Patient, open: Open) -> Result<(), SynthError> {
        let v2 = self.v2;
        let today = self.hospital.today();
        for (nth, visit) in (0_u64..).zip(&patient.visits) {
            let department = v2.department_code(visit.department);
            if let Some(last) = visit.last {
                let at = last.to_datetime(time(9, 5, 0, 0));
                let written = self.moment(last, 9, 5, patient.number, 10 + nth as u32);
                let leaf = Leaf {
                    id: &patient.id,
                    on: Some(last),
                    kind: "ADT-12",
                    message: "ADT^A04^ADT_A01",
                    order: super::NO_ORDER,
                    at: written,
                    department,
                    flag: 1,
                };
                let body = [
                    v2.evn(written, None, None),
                    v2.pid(patient, None),
                    v2.pv1_out(visit.department, visit.doctor, Some(at)),
                ];
                self.leaf(open, &leaf, &body.concat())?;
            }
            self.prescribed(patient, visit, nth, open)?;
            let Some(appointment) = &visit.appointment else {
                continue;
            };
            for (place, order) in (0_u64..).zip(&appointment.orders) {
                let code = self.hospital.catalogue.exams.get(order.exam).map_or("", |e| e.code_a);
                let kind = exam_kind(code);
                let number = number_of(patient.number, 2, nth * 100 + place);
                let ordered = Ordered {
                    control: "NW",
                    number: &number,
                    // The standard's date of an order is the day of registration: the last visit, or when the appointment was made.
                    at: visit
                        .last
                        .unwrap_or(calendar::plus(today, -9))
                        .to_datetime(time(11, 0, 0, 0)),
                    department: visit.department,
                    doctor: visit.doctor,
                    inpatient: false,
                };
                let leaf = Leaf {
                    id: &patient.id,
                    on: Some(today),
                    kind,
                    message: if kind == "OML-01" {
                        "OML^O33^OML_O33"
                    } else {
                        "OMG^O19^OMG_O19"
                    },
                    order: &number,
                    at: ordered.at,
                    department,
                    flag: 1,
                };
                let body = [
                    v2.pid(patient, None),
                    v2.pv1_out(visit.department, visit.doctor, None),
                    v2.examination(&ordered, order, today),
                ];
                self.leaf(open, &leaf, &body.concat())?;
            }
        }
        self.found(patient, open)
    }

    /// The prescription of one visit, with what it replaced and what was deleted.
    fn prescribed(&mut self, patient: &Patient, visit: &Visit, nth: u64, open: Open) -> Result<(), SynthError> {
        let Some(prescription) = &visit.prescription else {
            return Ok(());
        };
        let v2 = self.v2;
        let number = number_of(patient.number, 1, nth);
        let deleted = number_of(patient.number, 9, nth);
        let body = |items: &[Prescribed], number: &str, control: &str, at: DateTime| {
            let ordered = Ordered {
                control,
                number,
                at,
                department: visit.department,
                doctor: visit.doctor,
                inpatient: false,
            };
            let mut out = [v2.pid(patient, None), v2.pv1_out(visit.department, visit.doctor, None)].concat();
            for item in items {
                out += &v2.drug(&ordered, item, prescription.date, None);
            }
            out
        };
        let at = self.moment(prescription.date, 11, 10, patient.number, 20 + nth as u32);
        let leaf = Leaf {
            id: &patient.id,
            on: Some(prescription.date),
            kind: "OMP-01",
            message: "RDE^O11^RDE_O11",
            order: &number,
            at,
            department: v2.department_code(visit.department),
            flag: 1,
        };
        let items = prescription.items.as_slice();
        let fewer = items.get(..items.len().saturating_sub(1)).unwrap_or(items);
        // Before: one drug less. In one of sixty the renaming was caught halfway: both say that they are current.
        let halfway = patient.number % 60 == 8;
        if (halfway || patient.number % 10 == 3) && !fewer.is_empty() {
            let earlier = Leaf {
                at: self.moment(prescription.date, 10, 50, patient.number, 21 + nth as u32),
                flag: if halfway { 1 } else { 2 },
                ..leaf.clone()
            };
            self.leaf(open, &earlier, &body(fewer, &number, "NW", earlier.at))?;
        }
        self.leaf(open, &leaf, &body(items, &number, "NW", at))?;
        // Ordered for somebody else and taken back: the order and the message that deletes it.
        if patient.number % 10 == 6
            && let Some(first) = items.get(..1)
        {
            for (minute, control) in [(20, "NW"), (25, "CA")] {
                let gone = Leaf {
                    order: &deleted,
                    at: self.moment(prescription.date, 11, minute, patient.number, 22),
                    flag: 0,
                    ..leaf.clone()
                };
                self.leaf(open, &gone, &body(first, &deleted, control, gone.at))?;
            }
        }
        Ok(())
    }

    /// The last results; for some a preliminary message before.
    fn found(&mut self, patient: &Patient, open: Open) -> Result<(), SynthError> {
        let (Some(sheet), Some(visit)) = (&patient.labs, patient.visits.first()) else {
            return Ok(());
        };
        let v2 = self.v2;
        let number = number_of(patient.number, 3, 0);
        let on = sheet.taken.date();
        let mut leaf = Leaf {
            id: &patient.id,
            on: Some(on),
            kind: "OML-11",
            message: "OUL^R22^OUL_R22",
            order: &number,
            at: self.moment(on, 12, 40, patient.number, 30),
            department: v2.department_code(visit.department),
            flag: 1,
        };
        let body = |count: usize, state: &str, at| {
            let mut part = sheet.clone();
            part.results.truncate(count);
            let ordered = Ordered {
                control: "NW",
                number: &number,
                at,
                department: visit.department,
                doctor: visit.doctor,
                inpatient: false,
            };
            [
                v2.pid(patient, None),
                v2.pv1_out(visit.department, visit.doctor, None),
                v2.results(&ordered, &part, patient.person.sex, state),
            ]
            .concat()
        };
        if patient.number % 6 == 4 {
            leaf.flag = 2;
            leaf.at = self.moment(on, 11, 20, patient.number, 31);
            self.leaf(open, &leaf, &body(sheet.results.len() / 2, "P", leaf.at))?;
            leaf.flag = 1;
            leaf.at = self.moment(on, 12, 40, patient.number, 30);
        }
        self.leaf(open, &leaf, &body(usize::MAX, "F", leaf.at))
    }

    /// What a ward gives: the diet, medicines, injections of the day.
    pub(super) fn ward_orders(&mut self, patient: &Patient, lying: &Lying, open: Open) -> Result<(), SynthError> {
        let v2 = self.v2;
        let today = self.hospital.today();
        let yesterday = calendar::plus(today, -1).max(lying.admitted);
        let number = number_of(patient.number, 4, 0);
        let mut ordered = Ordered {
            control: "NW",
            number: &number,
            at: yesterday.to_datetime(time(15, 0, 0, 0)),
            department: lying.department,
            doctor: lying.doctor,
            inpatient: true,
        };
        let head = [
            v2.pid(patient, None),
            v2.pv1_in(lying, &crate::v2::Place::of(lying), None, None, None),
        ]
        .concat();
        let mut leaf = Leaf {
            id: &patient.id,
            on: Some(yesterday),
            kind: "OMD",
            message: "OMD^O03^OMD_O03",
            order: &number,
            at: self.moment(yesterday, 15, 0, patient.number, 40),
            department: v2.department_code(lying.department),
            flag: 1,
        };
        let supper = yesterday.to_datetime(time(18, 0, 0, 0));
        let diet = lying.marks.first().copied().unwrap_or_default();
        // Before: another diet. The field leaves such files as 0 where the standard says 2.
        if patient.number % 3 == 0 {
            let earlier = Leaf {
                at: self.moment(yesterday, 14, 20, patient.number, 41),
                flag: if patient.number % 2 == 0 { 0 } else { 2 },
                ..leaf.clone()
            };
            let old = format!("{head}{}", v2.diet(&ordered, "全粥食", supper));
            self.leaf(open, &earlier, &old)?;
        }
        let body = format!("{head}{}", v2.diet(&ordered, diet, supper));
        self.leaf(open, &leaf, &body)?;
        let oral = lying.due.iter().filter(|line| line.drug.kind != DrugKind::Injection);
        let number = number_of(patient.number, 5, 0);
        ordered.number = &number;
        let mut body = head.clone();
        let mut any = false;
        for (rp, line) in (1_u32..).zip(oral) {
            let item = Prescribed {
                rp: (rp, 1),
                ..line.drug.clone()
            };
            body += &v2.drug(&ordered, &item, yesterday, Some(&line.hours));
            any = true;
        }
        if any {
            leaf.kind = "OMP-01";
            leaf.message = "RDE^O11^RDE_O11";
            leaf.order = &number;
            leaf.at = self.moment(yesterday, 15, 10, patient.number, 42);
            self.leaf(open, &leaf, &body)?;
        }
        let number = number_of(patient.number, 6, 0);
        ordered.number = &number;
        let given = lying.due.iter().filter(|line| line.drug.kind == DrugKind::Injection);
        let mut body = head;
        let mut any = false;
        for (rp, line) in (1..).zip(given) {
            for (seq, hour) in (1..).zip(&line.hours) {
                body += &v2.bottle(&ordered, rp, seq, line, (today, *hour));
                any = true;
            }
        }
        if any {
            leaf.kind = "OMP-02";
            leaf.message = "RDE^O11^RDE_O11";
            leaf.order = &number;
            leaf.at = self.moment(yesterday, 15, 20, patient.number, 43);
            self.leaf(open, &leaf, &body)?;
        }
        Ok(())
    }
}
