//! Who it is and what is known: ADT^A08 and A28, ADT^A60, PPR^ZD1, OUL^R22.

use super::{From, ShapeHl7, habit};
use crate::SynthError;
use crate::patient::Patient;
use crate::sheet::Open;
use crate::v2::{Ordered, Place};
use jiff::civil::DateTime;

impl ShapeHl7<'_> {
    /// Registers somebody. Who comes for the first time is new to the receiver too.
    pub(super) fn registered(&mut self, patient: &Patient, open: Open) -> Result<(), SynthError> {
        let old = self.habit(patient) == habit::CORRECTED;
        let new = patient.last_visit().is_none();
        let kind = if new { "ADT^A28^ADT_A05" } else { "ADT^A08^ADT_A01" };
        let body = self.adt(patient, self.now, old);
        self.send(From::His, kind, &body, open)?;
        if self.habit(patient) == habit::TWICE {
            self.keep();
        }
        Ok(())
    }

    /// The segments of a registration as written at a time; with an address they no longer have when `old`.
    pub(super) fn adt(&self, patient: &Patient, at: DateTime, old: bool) -> String {
        let v2 = self.v2;
        let mut out = v2.evn(at, None, None);
        if old {
            let mut before = patient.clone();
            before.person.address = "灯里市旧町1-1-1".to_owned();
            before.person.mobile.clear();
            out += &v2.pid(&before, Some(at));
        } else {
            out += &v2.pid(patient, Some(at));
        }
        out += &v2.nk1(patient);
        match (&patient.lying, patient.visits.first()) {
            (Some(lying), _) => {
                out += &v2.pv1_in(lying, &Place::of(lying), None, None, None);
                out += &v2.pv2(lying.purpose, lying.discharge, None);
                out += &self.nurse(lying);
            }
            (None, Some(visit)) => out += &v2.pv1_out(visit.department, visit.doctor, None),
            (None, None) => out.push_str("PV1|0001|O\r"),
        }
        out += &v2.profile(patient);
        if let Some(lying) = &patient.lying {
            out += &self.marks(lying);
        }
        out += &v2.al1(&patient.cautions);
        out += &v2.in1(patient);
        out
    }

    /// Allergies, diagnoses, results.
    pub(super) fn background(&mut self, patient: &Patient, open: Open) -> Result<(), SynthError> {
        let v2 = self.v2;
        let iam = v2.iam(&patient.cautions);
        if !iam.is_empty() {
            let body = [v2.evn(self.now, None, None), v2.pid(patient, None), iam].concat();
            self.send(From::His, "ADT^A60^ADT_A60", &body, open)?;
        }
        let all = patient.diagnoses.len();
        let late = self.habit(patient) == habit::DIAGNOSED && all > 1;
        if all > 0 {
            self.diagnoses(patient, if late { all - 1 } else { all }, open)?;
        }
        self.results(patient, self.habit(patient) == habit::PRELIMINARY, open)
    }

    /// The list of diagnoses, which replaces the one before.
    pub(super) fn diagnoses(&mut self, patient: &Patient, count: usize, open: Open) -> Result<(), SynthError> {
        let mut body = self.v2.pid(patient, None);
        for (seq, one) in (1..).zip(&patient.diagnoses).take(count) {
            body += &self.v2.problem(patient.number, seq, one);
        }
        self.send(From::His, "PPR^ZD1^PPR_ZD1", &body, open)
    }

    /// The last results; half of them when they are preliminary.
    pub(super) fn results(&mut self, patient: &Patient, preliminary: bool, open: Open) -> Result<(), SynthError> {
        let (Some(sheet), Some(visit)) = (&patient.labs, patient.visits.first()) else {
            return Ok(());
        };
        let number = super::order_number(patient.number, 3, 0);
        let mut part = sheet.clone();
        if preliminary {
            part.results.truncate(sheet.results.len() / 2);
        }
        let ordered = Ordered {
            control: "NW",
            number: &number,
            at: sheet.taken,
            department: visit.department,
            doctor: visit.doctor,
            inpatient: false,
        };
        let state = if preliminary { "P" } else { "F" };
        let body = [
            self.v2.pid(patient, None),
            self.v2.pv1_out(visit.department, visit.doctor, None),
            self.v2.results(&ordered, &part, patient.person.sex, state),
        ]
        .concat();
        self.send(From::Lis, "OUL^R22^OUL_R22", &body, open)
    }
}
