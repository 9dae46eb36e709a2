//! Inpatients: ADT^A01, A02, A03, A13, A16, A21, A22, A54, what a ward knows of them as OBX, diets, medicines, injections, what was given,
//! vital signs and handovers.

use super::{From, ShapeHl7, order_number, texts};
use crate::SynthError;
use crate::calendar;
use crate::catalogue::DrugKind;
use crate::former::Left;
use crate::inpatient::Lying;
use crate::patient::{Patient, Prescribed};
use crate::sheet::Open;
use crate::v2::{Ordered, Place, coded, esc, segment};
use jiff::civil::{DateTime, time};

/// What happens to the first inpatients, in the order of beds.
pub(super) mod story {
    /// Moved twice, the second time in the morning.
    pub(crate) const MOVED: u32 = 0;
    /// On leave.
    pub(crate) const AWAY: u32 = 1;
    /// Discharged and admitted again on one day.
    pub(crate) const AGAIN: u32 = 2;
    /// Another doctor.
    pub(crate) const DOCTOR: u32 = 3;
    /// Back from leave.
    pub(crate) const BACK: u32 = 4;
    /// A discharge was told and is taken back in the morning.
    pub(crate) const NOT_LEFT: u32 = 6;
}

/// Local codes of what a ward knows, in the order of the marks behind the diet.
const MARKS: [(&str, &str); 10] = [
    ("REST", "安静度"),
    ("ISO", "隔離"),
    ("O2", "酸素"),
    ("DRIP", "点滴"),
    ("INS", "インスリン"),
    ("POL", "方針"),
    ("ADL", "ADL"),
    ("FALL", "転倒危険度"),
    ("SWAL", "嚥下"),
    ("SKIN", "皮膚"),
];

impl ShapeHl7<'_> {
    /// The nurse.
    pub(super) fn nurse(&self, lying: &Lying) -> String {
        let (family, given) = lying.nurse.split_once('　').unwrap_or((lying.nurse, ""));
        segment(
            "ROL",
            &[
                (1, "1"),
                (2, "AD"),
                (3, "NURS^担当看護師^99ROL"),
                (4, &format!("^{}^{}^^^^^^^L^^^^^I", esc(family), esc(given))),
            ],
        )
    }

    /// What a ward knows of somebody, under local codes.
    pub(super) fn marks(&self, lying: &Lying) -> String {
        let known = MARKS.iter().zip(lying.marks.iter().skip(1));
        let mut rows: Vec<(String, &str)> = known
            .filter(|(_, value)| !value.is_empty())
            .map(|((code, name), value)| (coded(code, name, "99WRD"), *value))
            .collect();
        if !lying.operation.is_empty() {
            rows.push((coded("OPE", "手術予定", "99WRD"), &lying.operation));
        }
        let line = |(place, (what, value)): (u32, &(String, &str))| texts::obx(place, "ST", what, &esc(value));
        (21..).zip(&rows).map(line).collect()
    }

    /// A stay, over when `left` says how.
    pub(super) fn stay(
        &mut self,
        patient: &Patient,
        lying: &Lying,
        left: Option<(DateTime, Left)>,
        open: Open,
    ) -> Result<(), SynthError> {
        let v2 = self.v2;
        let (today, bed) = (self.hospital.today(), Place::of(lying));
        let yesterday = calendar::plus(today, -1).max(lying.admitted);
        let high = Place {
            ward: "HCU".to_owned(),
            room: "391".to_owned(),
            bed: "1".to_owned(),
        };
        let admitted = lying.admitted.to_datetime(time(14, 0, 0, 0));
        let nth = if left.is_some() { u32::MAX } else { self.lain };
        let mut events: Vec<(&str, DateTime, String)> = Vec::new();
        let full = |place: &Place, at| {
            let pv1 = v2.pv1_in(lying, place, None, Some(at), None);
            format!("{pv1}{}", v2.pv2(lying.purpose, None, None))
        };
        let here = || v2.pv1_in(lying, &bed, None, None, None);
        match nth {
            story::MOVED => {
                let between = Place {
                    room: "392".to_owned(),
                    ..high.clone()
                };
                events.push(("ADT^A01^ADT_A01", admitted, full(&high, admitted)));
                let moved = v2.pv1_in(lying, &between, Some(&high), None, None);
                events.push(("ADT^A02^ADT_A02", today.to_datetime(time(0, 4, 0, 0)), moved));
            }
            story::AGAIN => {
                let before = calendar::plus(lying.admitted, -6).to_datetime(time(10, 30, 0, 0));
                let out = lying.admitted.to_datetime(time(10, 0, 0, 0));
                let again = lying.admitted.to_datetime(time(15, 20, 0, 0));
                events.push(("ADT^A01^ADT_A01", before, full(&high, before)));
                let gone = v2.pv1_in(lying, &high, None, Some(before), Some((out, "01")));
                events.push(("ADT^A03^ADT_A03", out, gone));
                events.push(("ADT^A01^ADT_A01", again, full(&bed, again)));
            }
            story::DOCTOR => {
                let mut before = lying.clone();
                let doctors = self.hospital.catalogue.doctors.iter().enumerate();
                let mut others = doctors.filter(|(at, d)| d.department == lying.department && *at != lying.doctor);
                before.doctor = others.next().map_or(lying.doctor, |(place, _)| place);
                let pv1 = v2.pv1_in(&before, &bed, None, Some(admitted), None);
                events.push(("ADT^A01^ADT_A01", admitted, pv1));
                events.push(("ADT^A54^ADT_A54", yesterday.to_datetime(time(16, 30, 0, 0)), here()));
            }
            _ => events.push(("ADT^A01^ADT_A01", admitted, full(&bed, admitted))),
        }
        let evening = yesterday.to_datetime(time(17, 0, 0, 0));
        match nth {
            story::AWAY => {
                let back = v2.pv2("", None, Some(today.to_datetime(time(16, 0, 0, 0))));
                events.push(("ADT^A21^ADT_A21", evening, format!("{}{back}", here())));
            }
            story::BACK => {
                events.push(("ADT^A21^ADT_A21", evening, here()));
                events.push(("ADT^A22^ADT_A21", yesterday.to_datetime(time(20, 30, 0, 0)), here()));
            }
            story::NOT_LEFT => {
                let gone = v2.pv1_in(lying, &bed, None, Some(admitted), Some((evening, "01")));
                events.push(("ADT^A03^ADT_A03", evening, gone));
            }
            _ => {}
        }
        if let (Some(leaves), None) = (lying.discharge, left) {
            let plan = format!("{}{}", here(), v2.pv2("", Some(leaves), None));
            events.push(("ADT^A16^ADT_A16", evening, plan));
        }
        if let Some((at, how)) = left {
            let code = match how {
                Left::Home => "01",
                Left::Elsewhere => "02",
                Left::Died => "20",
            };
            let gone = v2.pv1_in(lying, &bed, None, Some(admitted), Some((at, code)));
            events.push(("ADT^A03^ADT_A03", at, gone));
        }
        for (kind, at, rest) in events {
            let body = [v2.evn(self.now, None, Some(at)), v2.pid(patient, None), rest].concat();
            self.send(From::His, kind, &body, open)?;
        }
        Ok(())
    }

    /// Diet, medicines, injections, what was given, vital signs, handovers.
    pub(super) fn ward(&mut self, patient: &Patient, lying: &Lying, open: Open) -> Result<(), SynthError> {
        let v2 = self.v2;
        let today = self.hospital.today();
        let yesterday = calendar::plus(today, -1).max(lying.admitted);
        let head = [
            v2.pid(patient, None),
            v2.pv1_in(lying, &Place::of(lying), None, None, None),
        ]
        .concat();
        let numbers = [4, 5, 6, 8].map(|kind| order_number(patient.number, kind, 0));
        let [diet, medicines, injections, given] = &numbers;
        let mut ordered = Ordered {
            control: "NW",
            number: diet,
            at: yesterday.to_datetime(time(15, 0, 0, 0)),
            department: lying.department,
            doctor: lying.doctor,
            inpatient: true,
        };
        let supper = yesterday.to_datetime(time(18, 0, 0, 0));
        let words = lying.marks.first().copied().unwrap_or_default();
        let body = format!("{head}{}", v2.diet(&ordered, words, supper));
        self.send(From::His, "OMD^O03^OMD_O03", &body, open)?;
        ordered.number = medicines;
        let mut body = head.clone();
        let oral = lying.due.iter().filter(|line| line.drug.kind != DrugKind::Injection);
        for (rp, line) in (1_u32..).zip(oral) {
            let item = Prescribed {
                rp: (rp, 1),
                ..line.drug.clone()
            };
            let mut drug = v2.drug(&ordered, &item, yesterday, Some(&line.hours));
            if line.high_risk {
                // The ward's rule that two people give it, behind the pharmacy's remarks.
                drug += &segment(
                    "NTE",
                    &[
                        (1, "1"),
                        (2, "P"),
                        (3, "ダブルチェック"),
                        (4, "HR^ダブルチェック^99CMT"),
                    ],
                );
            }
            body += &drug;
        }
        if body.len() > head.len() {
            self.send(From::His, "RDE^O11^RDE_O11", &body, open)?;
        }
        ordered.number = injections;
        let mut body = head.clone();
        let bottles = lying.due.iter().filter(|line| line.drug.kind == DrugKind::Injection);
        for (rp, line) in (1..).zip(bottles.clone()) {
            for (seq, hour) in (1..).zip(&line.hours) {
                body += &v2.bottle(&ordered, rp, seq, line, (today, *hour));
            }
        }
        if body.len() > head.len() {
            self.send(From::His, "RDE^O11^RDE_O11", &body, open)?;
        }
        if let Some(line) = bottles.clone().next() {
            ordered.number = given;
            let at = yesterday.to_datetime(time(21, 5, 0, 0));
            let amount = line.drug.each.map(|a| a.to_string()).unwrap_or_default();
            let body = [
                head.clone(),
                v2.orc(&ordered, "1", "CM"),
                segment(
                    "RXA",
                    &[
                        (1, "0"),
                        (2, "1"),
                        (3, &crate::v2::minute(at)),
                        (4, &crate::v2::minute(at)),
                        (5, &coded(line.drug.code, line.drug.name, "99DRG")),
                        (6, &amount),
                        (7, &coded(line.drug.unit, line.drug.unit, "99UNT")),
                        (20, "CP"),
                        (22, &crate::v2::minute(at)),
                    ],
                ),
                segment("RXR", &[(1, "IV^静脈内^HL70162"), (4, &coded("", line.how, "99HOW"))]),
            ]
            .concat();
            self.send(From::His, "RAS^O17^RAS_O17", &body, open)?;
        }
        for one in lying.vitals.iter().rev() {
            let number = format!("V{}", crate::v2::minute(one.at));
            let body = format!("{head}{}", v2.vitals(&number, one));
            self.send(From::Ward, "ORU^R01^ORU_R01", &body, open)?;
        }
        for (nth, (at, who, text)) in (0..).zip(lying.handovers.iter().rev()) {
            let (family, given) = who.split_once('　').unwrap_or((who, ""));
            let document = texts::Document {
                kind: "HO^申し送り^99DOC",
                written: *at,
                author: &format!("^{}^{}^^^^^^^L^^^^^I", esc(family), esc(given)),
                number: &order_number(patient.number, 8, 100 + nth),
            };
            let body = [
                v2.evn(self.now, None, None),
                head.clone(),
                document.txa(),
                texts::obx(1, "TX", "HO^申し送り^99DOC", &esc(text)),
            ]
            .concat();
            self.send(From::Ward, "MDM^T02^MDM_T02", &body, open)?;
        }
        Ok(())
    }
}
