//! Appointment, ServiceRequest, Encounter, Location, NutritionOrder, Practitioner, Organization.

use super::Maker;
use super::codes::{CORE, LOCAL, TERMINOLOGY, coding, concept, date, instant, local, meta, reference, words};
use super::json::{Json, list, map};
use crate::former::Left;
use crate::inpatient::{Bed, Lying, WARDS};
use crate::patient::{Appointment, Patient, ThinRow, Visit};
use crate::v2::{FACILITY, FACILITY_NAME, exam_kind};
use jiff::ToSpan;
use jiff::civil::{DateTime, time};

/// Minutes of an appointment.
const LONG: i64 = 15;
/// One patient in so many has an appointment that was cancelled.
const CANCELLED_EVERY: u32 = 9;

impl Maker<'_> {
    /// Doctors, the hospital, places of reception, wards.
    pub(super) fn masters(&self) -> Vec<Json> {
        let catalogue = &self.hospital.catalogue;
        let mut out = vec![map! {
            "resourceType": "Organization", "id": FACILITY,
            "identifier": list![map! { "system": "http://jpfhir.jp/fhir/core/IdSystem/insurance-medical-institution-no", "value": FACILITY }],
            "name": FACILITY_NAME,
        }];
        for d in &catalogue.doctors {
            let name = |code: &str, family: &str, given: &str| {
                map! {
                    "extension": list![map! {
                        "url": "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation", "valueCode": code,
                    }],
                    "use": "official", "text": format!("{family} {given}"), "family": family, "given": list![given],
                }
            };
            out.push(map! {
                "resourceType": "Practitioner", "id": d.code,
                "identifier": list![map! { "system": format!("urn:oid:1.2.392.100495.20.3.41.1{FACILITY}"), "value": d.code }],
                "name": list![name("IDE", d.family, d.given), name("SYL", d.family_kana, d.given_kana)],
            });
        }
        for d in &catalogue.departments {
            out.push(map! {
                "resourceType": "Location", "id": format!("reception-{}", d.code_a), "status": "active", "name": d.place,
                "telecom": list![map! { "system": "phone", "value": d.extension }],
            });
        }
        if self.hospital.bed_count() > 0 {
            for (code, name) in WARDS {
                out.push(map! {
                    "resourceType": "Location", "id": format!("ward-{code}"), "status": "active", "name": name,
                    "identifier": list![map! { "system": format!("{LOCAL}ward-code"), "value": code }],
                    "physicalType": concept(&format!("{TERMINOLOGY}location-physical-type"), "wa", "病棟"),
                });
            }
        }
        out
    }

    /// A bed, with or without somebody in it.
    pub(super) fn bed(&self, bed: &Bed, taken: bool) -> Json {
        let ward = WARDS.get(bed.ward).map_or("", |ward| ward.0);
        let (code, text) = if taken { ("O", "使用中") } else { ("U", "空床") };
        map! {
            "resourceType": "Location", "id": bed_id(bed), "status": "active",
            "operationalStatus": coding(&format!("{TERMINOLOGY}v2-0116"), code, text),
            "name": format!("{}-{}", bed.room, bed.bed),
            "identifier": list![
                map! { "system": format!("{LOCAL}room"), "value": &bed.room }, map! { "system": format!("{LOCAL}bed"), "value": &bed.bed },
            ],
            "physicalType": concept(&format!("{TERMINOLOGY}location-physical-type"), "bd", "病床"),
            "partOf": reference("Location", &format!("ward-{ward}")),
        }
    }

    /// What is booked in a department, with what was taken back.
    pub(super) fn booked(&self, patient: &Patient, visit: &Visit, appointment: &Appointment) -> Vec<Json> {
        let one = |code: &str, at: DateTime, status: &str| {
            let reason = if appointment.first {
                ("F", "初診")
            } else {
                ("R", "再診")
            };
            self.appointment(&patient.id, code, at, status, visit.department, visit.doctor)
                .with("appointmentType", local("appointment-type", reason.0, reason.1))
                .with("comment", appointment.remark)
        };
        let mut out = vec![one(&appointment.code, appointment.at, "booked")];
        if patient.number % CANCELLED_EVERY == 0 {
            let code = format!("X{}", appointment.code.get(1..).unwrap_or_default());
            let before = appointment.at.checked_sub(1.hour()).unwrap_or(appointment.at);
            out.push(one(&code, before, "cancelled"));
        }
        out
    }

    /// An appointment on one of the coming days.
    pub(super) fn coming(&self, row: &ThinRow) -> Json {
        self.appointment(
            &row.id,
            &format!("T{}", row.id),
            row.at,
            "booked",
            row.department,
            row.doctor,
        )
    }

    fn appointment(&self, id: &str, code: &str, at: DateTime, status: &str, department: usize, by: usize) -> Json {
        let place = self.hospital.catalogue.departments.get(department);
        let end = at.checked_add(LONG.minutes()).unwrap_or(at);
        let actor = |actor: Json| map! { "actor": actor, "status": "accepted" };
        map! {
            "resourceType": "Appointment", "id": format!("apt-{code}"),
            "meta": meta("http://hl7.org/fhir/StructureDefinition/Appointment", self.loaded),
            "identifier": list![map! { "system": format!("{LOCAL}appointment"), "value": code }],
            "status": status, "specialty": list![self.department(department)],
            "start": instant(at), "end": instant(end), "minutesDuration": LONG,
            "participant": list![
                actor(reference("Patient", id)), actor(self.doctor(by)),
                actor(place.map_or(Json::List(Vec::new()), |d| {
                    reference("Location", &format!("reception-{}", d.code_a)).with("display", d.place)
                })),
            ],
        }
    }

    /// Examinations ordered with an appointment.
    pub(super) fn orders(&self, visit: &Visit, appointment: &Appointment, subject: &Json) -> Vec<Json> {
        let mut out = Vec::new();
        for order in &appointment.orders {
            let Some(exam) = self.hospital.catalogue.exams.get(order.exam) else {
                continue;
            };
            let kind = match exam_kind(exam.code_a) {
                "OML-01" => ("108252007", "検体検査"),
                "OMG-01" => ("363679005", "画像検査"),
                "OMG-02" => ("423827005", "内視鏡検査"),
                _ => ("386053000", "生理検査"),
            };
            let when = order.time.map_or_else(
                || date(appointment.at.date()),
                |time| instant(appointment.at.date().to_datetime(time)),
            );
            out.push(map! {
                "resourceType": "ServiceRequest", "id": format!("ord-{}", order.code),
                "meta": meta(&format!("{CORE}JP_ServiceRequest_Common"), self.loaded),
                "extension": self.extensions(visit.department),
                "identifier": list![map! { "system": format!("{LOCAL}order"), "value": &order.code }],
                "status": "active", "intent": "order", "category": list![concept("http://snomed.info/sct", kind.0, kind.1)],
                "code": local("exam", exam.code_a, exam.name), "subject": subject.clone(), "occurrenceDateTime": when,
                "requester": self.doctor(visit.doctor),
                "locationReference": list![map! { "display": exam.place }],
                "supportingInfo": list![reference("Appointment", &format!("apt-{}", appointment.code))],
                "note": if order.remark.is_empty() { Json::List(Vec::new()) } else { list![words(order.remark)] },
                "patientInstruction": exam.preparation,
            });
        }
        out
    }

    /// The last visit to a department, with its principal diagnosis.
    pub(super) fn visit(&self, patient: &Patient, visit: &Visit, nth: usize, subject: &Json) -> Option<Json> {
        let last = visit.last?;
        let at = last.to_datetime(time(9, 5, 0, 0));
        let mine = (1..)
            .zip(&patient.diagnoses)
            .filter(|(_, d)| d.department == visit.department);
        let diagnoses: Vec<Json> = mine
            .filter(|(_, d)| d.principal)
            .map(|(seq, _): (usize, _)| {
                map! { "condition": reference("Condition", &format!("dx-{}-{seq}", patient.id)), "rank": 1_i64 }
            })
            .collect();
        Some(map! {
            "resourceType": "Encounter", "id": format!("enc-{}-{nth}", patient.id),
            "meta": meta(&format!("{CORE}JP_Encounter"), self.loaded), "status": "finished",
            "class": coding(&format!("{TERMINOLOGY}v3-ActCode"), "AMB", "外来"),
            "serviceType": self.department(visit.department), "subject": subject.clone(),
            "participant": list![map! { "individual": self.doctor(visit.doctor) }],
            "period": map! { "start": instant(at), "end": instant(at) }, "diagnosis": diagnoses,
        })
    }

    /// A stay; `nth` is its place among those in a bed, `left` says how one ended.
    pub(super) fn stay(&self, patient: &Patient, lying: &Lying, nth: u32, left: Option<(DateTime, Left)>) -> Json {
        let subject = reference("Patient", &patient.id);
        let admitted = lying.admitted.to_datetime(time(14, 0, 0, 0));
        let status = match (left, nth) {
            (Some(_), _) => "finished",
            (None, 1) => "onleave",
            (None, _) => "in-progress",
        };
        let gone = left.map(|(_, how)| {
            let (code, text) = match how {
                Left::Home => ("home", "自宅退院"),
                Left::Elsewhere => ("other-hcf", "転院"),
                Left::Died => ("exp", "死亡"),
            };
            map! { "dischargeDisposition": concept(&format!("{TERMINOLOGY}discharge-disposition"), code, text) }
        });
        let planned = lying.discharge.map(|on| {
            list![map! {
                "url": "http://hl7.org/fhir/5.0/StructureDefinition/extension-Encounter.plannedEndDate", "valueDateTime": date(on),
            }]
        });
        let here = map! {
            "location": reference("Location", &bed_id(&lying.bed)),
            "status": if left.is_some() { "completed" } else { "active" },
        };
        // The first one moved twice: the place before stands in the list too.
        let before = if nth == 0 && left.is_none() {
            map! { "location": map! { "display": "HCU 392-2" }, "status": "completed" }
        } else {
            Json::List(Vec::new())
        };
        let role = |code: &str, text: &str| list![concept(&format!("{TERMINOLOGY}v3-ParticipationType"), code, text)];
        map! {
            "resourceType": "Encounter", "id": format!("stay-{}", patient.id),
            "meta": meta(&format!("{CORE}JP_Encounter"), self.loaded), "extension": planned, "status": status,
            "class": coding(&format!("{TERMINOLOGY}v3-ActCode"), "IMP", "入院"),
            "serviceType": self.department(lying.department), "subject": subject,
            "participant": list![
                map! { "type": role("ATND", "主治医"), "individual": self.doctor(lying.doctor) },
                map! { "type": list![words("担当看護師")], "individual": map! { "display": lying.nurse.replace('　', " ") } },
            ],
            "period": map! { "start": instant(admitted), "end": left.map(|(at, _)| instant(at)) },
            "reasonCode": list![words(lying.purpose)], "hospitalization": gone, "location": list![before, here],
        }
    }

    /// The diet of an inpatient.
    pub(super) fn diet(&self, patient: &Patient, lying: &Lying, subject: &Json) -> Json {
        let from = crate::calendar::plus(self.hospital.today(), -1).max(lying.admitted);
        map! {
            "resourceType": "NutritionOrder", "id": format!("diet-{}", patient.id), "status": "active", "intent": "order",
            "patient": subject.clone(), "encounter": reference("Encounter", &format!("stay-{}", patient.id)),
            "dateTime": instant(from.to_datetime(time(18, 0, 0, 0))), "orderer": self.doctor(lying.doctor),
            "oralDiet": map! { "type": list![words(lying.marks.first().copied().unwrap_or_default())] },
        }
    }

    /// The identifier that Bundles give instead of a reference.
    pub(super) fn by_identifier(&self, patient: &Patient) -> Json {
        map! { "identifier": map! { "system": super::codes::patient_system(), "value": &patient.id } }
    }
}

fn bed_id(bed: &Bed) -> String {
    let ward = WARDS.get(bed.ward).map_or("", |ward| ward.0);
    format!("bed-{ward}-{}-{}", bed.room, bed.bed)
}
