//! The changes of the morning: what was sent in the night is corrected, cancelled, sent again, or contradicted by a message that is too old.

use super::booked::Told;
use super::ward::story;
use super::{From, ShapeHl7, habit, order_number};
use crate::SynthError;
use crate::calendar;
use crate::patient::Patient;
use crate::sheet::Open;
use crate::v2::Place;
use jiff::ToSpan;
use jiff::civil::time;

impl ShapeHl7<'_> {
    /// Sends all of them. People are made again rather than kept: memory does not grow with the hospital.
    pub(super) fn morning(&mut self, open: Open) -> Result<(), SynthError> {
        for (kind, bytes) in std::mem::take(&mut self.again) {
            self.deliver(&kind, bytes, open)?;
        }
        for number in 1..=self.hospital.plan().patients {
            if number % habit::EVERY % 2 == 1 {
                self.changed(&self.hospital.patient(number), open)?;
            }
        }
        let beds: Vec<_> = self.hospital.beds().collect();
        let mut nth = 0;
        for bed in beds {
            if nth > story::NOT_LEFT {
                break;
            }
            let Some(patient) = self.hospital.lying(&bed) else {
                continue;
            };
            self.moved(&patient, nth, open)?;
            nth += 1;
        }
        Ok(())
    }

    fn changed(&mut self, patient: &Patient, open: Open) -> Result<(), SynthError> {
        match self.habit(patient) {
            habit::CORRECTED => {
                let body = self.adt(patient, self.now, false);
                self.send(From::His, "ADT^A08^ADT_A01", &body, open)
            }
            habit::LATE => {
                let then = calendar::plus(self.hospital.today(), -1).to_datetime(time(13, 0, 0, 0));
                let body = self.adt(patient, then, true);
                self.send_dated(From::His, "ADT^A08^ADT_A01", then, &body, open)
            }
            habit::CANCELLED | habit::MOVED => self.rebooked(patient, open),
            habit::TAKEN_BACK => {
                for (nth, visit) in (0_u64..).zip(&patient.visits) {
                    if let Some(prescription) = &visit.prescription {
                        let number = order_number(patient.number, 9, nth);
                        self.prescribed(patient, visit, prescription, number, "CA", open)?;
                    }
                }
                Ok(())
            }
            habit::DIAGNOSED if patient.diagnoses.len() > 1 => self.diagnoses(patient, usize::MAX, open),
            habit::PRELIMINARY => self.results(patient, false, open),
            _ => Ok(()),
        }
    }

    /// An appointment moved to its time, or one taken back.
    fn rebooked(&mut self, patient: &Patient, open: Open) -> Result<(), SynthError> {
        let cancelled = self.habit(patient) == habit::CANCELLED;
        let pid = self.v2.pid(patient, None);
        for visit in &patient.visits {
            let Some(appointment) = &visit.appointment else {
                continue;
            };
            let extra = format!("X{}", appointment.code.get(1..).unwrap_or_default());
            let before = appointment.at.checked_sub(1.hour()).unwrap_or(appointment.at);
            let (kind, code, at, state) = if cancelled {
                ("SIU^S15^SIU_S12", &extra, before, "Cancelled")
            } else {
                ("SIU^S13^SIU_S12", &appointment.code, appointment.at, "Booked")
            };
            let told = Told {
                code,
                at,
                state,
                first: appointment.first,
                remark: appointment.remark,
                department: visit.department,
                doctor: visit.doctor,
            };
            self.appointment(kind, &pid, &told, open)?;
        }
        Ok(())
    }

    /// What happened to the first inpatients since the night.
    fn moved(&mut self, patient: &Patient, nth: u32, open: Open) -> Result<(), SynthError> {
        let Some(lying) = &patient.lying else { return Ok(()) };
        let v2 = self.v2;
        let today = self.hospital.today();
        let bed = Place::of(lying);
        let (kind, happened, rest) = match nth {
            story::MOVED => {
                let between = Place {
                    ward: "HCU".to_owned(),
                    room: "392".to_owned(),
                    bed: "1".to_owned(),
                };
                let pv1 = v2.pv1_in(lying, &bed, Some(&between), None, None);
                ("ADT^A02^ADT_A02", today.to_datetime(time(7, 40, 0, 0)), pv1)
            }
            story::NOT_LEFT => {
                let admitted = lying.admitted.to_datetime(time(14, 0, 0, 0));
                let pv1 = v2.pv1_in(lying, &bed, None, Some(admitted), None);
                ("ADT^A13^ADT_A01", today.to_datetime(time(7, 50, 0, 0)), pv1)
            }
            _ => return Ok(()),
        };
        let body = [v2.evn(self.now, None, Some(happened)), v2.pid(patient, None), rest].concat();
        self.send(From::His, kind, &body, open)
    }
}
