//! Appointments (SIU), prescriptions (RDE^O11), examinations of the day (OML^O33, OMG^O19) and notes (MDM^T02).

use super::{From, ShapeHl7, habit, order_number, texts};
use crate::SynthError;
use crate::calendar;
use crate::patient::{Appointment, Patient, Prescription, ThinRow, Visit};
use crate::person::Person;
use crate::sheet::Open;
use crate::v2::{Ordered, coded, esc, exam_kind, minute, segment};
use jiff::ToSpan;
use jiff::civil::{DateTime, time};

/// Minutes of an appointment.
const LONG: i64 = 15;

/// One appointment to be told.
pub(super) struct Told<'a> {
    pub(super) code: &'a str,
    pub(super) at: DateTime,
    /// `Booked`, `Cancelled`.
    pub(super) state: &'a str,
    pub(super) first: bool,
    pub(super) remark: &'a str,
    pub(super) department: usize,
    pub(super) doctor: usize,
}

impl ShapeHl7<'_> {
    /// What the departments wrote, prescribed, booked and ordered.
    pub(super) fn attended(&mut self, patient: &Patient, open: Open) -> Result<(), SynthError> {
        for (nth, visit) in (0_u64..).zip(&patient.visits) {
            self.note(patient, visit, nth, open)?;
            if let Some(prescription) = &visit.prescription {
                self.prescribed(
                    patient,
                    visit,
                    prescription,
                    order_number(patient.number, 1, nth),
                    "NW",
                    open,
                )?;
                if self.habit(patient) == habit::TAKEN_BACK {
                    self.prescribed(
                        patient,
                        visit,
                        prescription,
                        order_number(patient.number, 9, nth),
                        "NW",
                        open,
                    )?;
                }
            }
            if let Some(appointment) = &visit.appointment {
                self.booked(patient, visit, appointment, nth, open)?;
            }
        }
        Ok(())
    }

    /// A prescription; `control` is `CA` when it is taken back.
    pub(super) fn prescribed(
        &mut self,
        patient: &Patient,
        visit: &Visit,
        prescription: &Prescription,
        number: String,
        control: &str,
        open: Open,
    ) -> Result<(), SynthError> {
        let ordered = Ordered {
            control,
            number: &number,
            at: prescription.date.to_datetime(time(11, 10, 0, 0)),
            department: visit.department,
            doctor: visit.doctor,
            inpatient: false,
        };
        let mut body = self.v2.pid(patient, None);
        body += &self.v2.pv1_out(visit.department, visit.doctor, None);
        for item in &prescription.items {
            body += &self.v2.drug(&ordered, item, prescription.date, None);
        }
        self.send(From::His, "RDE^O11^RDE_O11", &body, open)
    }

    fn booked(
        &mut self,
        patient: &Patient,
        visit: &Visit,
        appointment: &Appointment,
        nth: u64,
        open: Open,
    ) -> Result<(), SynthError> {
        let habit = self.habit(patient);
        let hour_before = appointment.at.checked_sub(1.hour()).unwrap_or(appointment.at);
        let mut told = Told {
            code: &appointment.code,
            at: if habit == habit::MOVED {
                hour_before
            } else {
                appointment.at
            },
            state: "Booked",
            first: appointment.first,
            remark: appointment.remark,
            department: visit.department,
            doctor: visit.doctor,
        };
        let pid = self.v2.pid(patient, None);
        self.appointment("SIU^S12^SIU_S12", &pid, &told, open)?;
        if habit == habit::CANCELLED {
            let code = format!("X{}", appointment.code.get(1..).unwrap_or_default());
            told.code = &code;
            told.at = hour_before;
            self.appointment("SIU^S12^SIU_S12", &pid, &told, open)?;
        }
        let today = self.hospital.today();
        for (place, order) in (0_u64..).zip(&appointment.orders) {
            let exam = self.hospital.catalogue.exams.get(order.exam).map_or("", |e| e.code_a);
            let number = order_number(patient.number, 2, nth * 100 + place);
            let ordered = Ordered {
                control: "NW",
                number: &number,
                at: visit
                    .last
                    .unwrap_or(calendar::plus(today, -9))
                    .to_datetime(time(11, 0, 0, 0)),
                department: visit.department,
                doctor: visit.doctor,
                inpatient: false,
            };
            let laboratory = exam_kind(exam) == "OML-01";
            let body = [
                self.v2.pid(patient, None),
                self.v2.pv1_out(visit.department, visit.doctor, None),
                self.v2.examination(&ordered, order, today),
            ]
            .concat();
            let kind = if laboratory {
                "OML^O33^OML_O33"
            } else {
                "OMG^O19^OMG_O19"
            };
            self.send(From::His, kind, &body, open)?;
        }
        Ok(())
    }

    /// Tells of an appointment.
    pub(super) fn appointment(&mut self, kind: &str, pid: &str, told: &Told<'_>, open: Open) -> Result<(), SynthError> {
        let v2 = self.v2;
        let end = told.at.checked_add(LONG.minutes()).unwrap_or(told.at);
        let reason = if told.first { ("F", "初診") } else { ("R", "再診") };
        let doctor = v2.xcn(told.doctor);
        let place = v2.department(told.department).map_or("", |d| d.place);
        let long = LONG.to_string();
        let mut body = segment(
            "SCH",
            &[
                (1, told.code),
                (2, told.code),
                (6, &coded(told.state, told.state, "99EVT")),
                (8, &coded(reason.0, reason.1, "99APT")),
                (9, &long),
                (10, "min^分^ISO+"),
                (11, &format!("^^^{}^{}", minute(told.at), minute(end))),
                (16, &doctor),
                (20, &doctor),
                (25, told.state),
            ],
        );
        if !told.remark.is_empty() {
            body += &segment("NTE", &[(1, "1"), (2, "P"), (3, &esc(told.remark))]);
        }
        body += pid;
        body += &v2.pv1_out(told.department, told.doctor, None);
        body.push_str("RGS|1|A\r");
        body += &segment(
            "AIS",
            &[
                (1, "1"),
                (2, "A"),
                (3, &v2.department_cwe(told.department)),
                (4, &minute(told.at)),
                (7, &long),
                (8, "min^分^ISO+"),
                (10, told.state),
            ],
        );
        body += &segment(
            "AIL",
            &[
                (1, "1"),
                (2, "A"),
                (
                    3,
                    &format!("{}^^^^^C^^^{}", v2.department_code(told.department), esc(place)),
                ),
            ],
        );
        body += &segment("AIP", &[(1, "1"), (2, "A"), (3, &doctor)]);
        self.send(From::His, kind, &body, open)
    }

    /// An appointment on one of the coming days, with whom to call.
    pub(super) fn coming(&mut self, id: &str, person: &Person, row: &ThinRow, open: Open) -> Result<(), SynthError> {
        let code = format!("T{id}");
        let told = Told {
            code: &code,
            at: row.at,
            state: "Booked",
            first: false,
            remark: "",
            department: row.department,
            doctor: row.doctor,
        };
        let pid = self.v2.pid_of(id, person, Some(self.now));
        self.appointment("SIU^S12^SIU_S12", &pid, &told, open)
    }

    /// The last note of a department: four texts, or for one patient in three one document in base64.
    fn note(&mut self, patient: &Patient, visit: &Visit, nth: u64, open: Open) -> Result<(), SynthError> {
        let (Some(_), Some(note)) = (visit.last, &visit.note) else {
            return Ok(());
        };
        let number = order_number(patient.number, 7, nth);
        let observed = if patient.number % 3 == 0 {
            texts::encapsulated(note)
        } else {
            texts::parts(note)
        };
        if observed.is_empty() {
            return Ok(());
        }
        let document = texts::Document {
            kind: "34108-1^外来診療録^LN",
            written: note.written,
            author: &self.v2.xcn(visit.doctor),
            number: &number,
        };
        let body = [
            self.v2.evn(self.now, None, None),
            self.v2.pid(patient, None),
            self.v2.pv1_out(visit.department, visit.doctor, None),
            document.txa(),
            observed,
        ]
        .concat();
        self.send(From::Karte, "MDM^T02^MDM_T02", &body, open)
    }
}
