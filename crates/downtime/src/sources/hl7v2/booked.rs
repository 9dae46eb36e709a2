//! 予約 (SIU, ADT^A05) and 文書 (MDM^T02 and what replaces it).
//!
//! An appointment is known by its number (SCH-1, else SCH-2); the latest message about it says when it is, or that it is no more.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chart::note::{Section, SectionKind, split_soap};
use chart::stay::Handover;
use chart::{Appointment, Note};
use hl7::Segment;

use super::read::{Cwe, MAX_LONG, MAX_MEDIUM, Remarks, When, coded, cut, person, place, short};
use super::results::number;
use super::said::Register;
use super::told::{Names, Taking};

/// Most sections of one document.
const MAX_SECTIONS: usize = 60;

/// A text that is enclosed as base64 of UTF-8 (ED: TEXT in component 2, Base64 in 4). Pictures and PDF are none.
fn enclosed(obx: Segment<'_>) -> Option<String> {
    let part = |at: usize| short(obx.field(5).component(at)).to_ascii_lowercase();
    if part(2) != "text" || part(4) != "base64" {
        return None;
    }
    let data: String = obx
        .field(5)
        .component(5)
        .text()
        .chars()
        .filter(|c| !c.is_whitespace())
        .collect();
    let bytes = STANDARD.decode(data).ok()?;
    let text = cut(&String::from_utf8(bytes).ok()?, MAX_LONG);
    (!text.is_empty()).then_some(text)
}

/// The part of a note that a LOINC code names.
fn section(code: &str) -> Option<SectionKind> {
    Some(match code {
        "61150-9" => SectionKind::Subjective,
        "61149-1" => SectionKind::Objective,
        "51848-0" => SectionKind::Assessment,
        "18776-5" => SectionKind::Plan,
        _ => return None,
    })
}

/// Appointments and documents as messages said them.
#[derive(Debug, Clone, Default)]
pub struct Booked {
    appointments: Register<String, Appointment>,
    /// Documents by their number.
    pub notes: Register<String, Note>,
    /// 申し送り, documents whose type says so.
    pub handovers: Register<String, Handover>,
}

impl Booked {
    /// SIU^S12 to S15, S17, S26.
    pub fn take_siu(&mut self, event: &str, taking: &Taking<'_>) {
        let message = taking.message;
        let Some(sch) = message.segment("SCH") else { return };
        let Some(key) = number(sch, 1, 2) else { return };
        let status = short(sch.field(25).component(1)).to_ascii_lowercase();
        // A patient who did not come is not expected any more; neither is one whose appointment was deleted.
        let off = matches!(event, "S15" | "S16" | "S17" | "S26")
            || matches!(
                status.as_str(),
                "cancelled" | "canceled" | "deleted" | "noshow" | "discontinued"
            );
        let when = When::of(message.field("TQ1", 7))
            .or_else(|| When::read(&sch.field(11).component(4).text()))
            .or_else(|| When::of(message.field("AIS", 4)))
            .or_else(|| When::of(message.field("AIP", 6)))
            .or_else(|| When::of(message.field("AIL", 6)));
        let mut remarks = Remarks::default();
        if !off && when.is_none() {
            let text = "予約日を読めない予約です。予約の一覧には出ません。予約システムで確かめてください。";
            remarks.add("appointment.no_day", chart::Severity::Severe, "SCH-11", text);
        }
        let at = place(message.field("AIL", 3));
        let service = coded(message.field("AIS", 3));
        let department = match (at.kind.as_str(), at.point.is_empty()) {
            // The service says the name where it is the same department.
            ("C" | "D" | "", false) if service.code == at.point => service.clone(),
            ("C" | "D" | "", false) => chart::Coded::new(at.point.clone(), ""),
            _ => chart::Coded::new(short(message.field("PV1", 10).component(1)), ""),
        };
        let department = if department.is_empty() {
            service.clone()
        } else {
            department
        };
        let purpose = [7, 8]
            .into_iter()
            .map(|at| Cwe::of(sch.field(at).first()).words())
            .find(|words| !words.is_empty())
            .unwrap_or_else(|| service.name.clone());
        // What is noted at the booking itself stands before the patient.
        let before = message
            .segments()
            .take_while(|segment| !matches!(segment.name(), "PID" | "RGS"));
        let noted = before.filter(|segment| segment.name() == "NTE");
        let said: Vec<String> = std::iter::once(purpose)
            .chain(noted.map(|nte| cut(&nte.field(3).text(), MAX_MEDIUM)))
            .filter(|words| !words.is_empty())
            .collect();
        let purpose = cut(&said.join(" "), MAX_MEDIUM);
        let appointment = when.filter(|_| !off).map(|when| Appointment {
            on: when.on,
            at: when.at,
            department,
            doctor: person(message.field("AIP", 3)),
            place: match short(message.field("AIL", 3).component(9)) {
                words if words.is_empty() => [at.room, at.bed].join(" ").trim().to_owned(),
                words => words,
            },
            purpose,
            number: key.clone(),
        });
        self.appointments.take(key, taking.told(appointment, remarks));
    }

    /// ADT^A05 (予約登録, PV1-44) and its cancellation A38.
    pub fn take_preadmit(&mut self, cancelled: bool, taking: &Taking<'_>) {
        let Some(pv1) = taking.message.segment("PV1") else {
            return;
        };
        let visit = short(pv1.field(19).component(1));
        let Some(when) = When::of(pv1.field(44)) else { return };
        let at = place(pv1.field(3));
        let key = if visit.is_empty() {
            format!("A05 {when:?} {}", at.point)
        } else {
            format!("A05 {visit}")
        };
        let appointment = (!cancelled && short(pv1.field(2).component(1)) != "I").then(|| Appointment {
            on: when.on,
            at: when.at,
            department: chart::Coded::new(
                if at.point.is_empty() {
                    short(pv1.field(10).component(1))
                } else {
                    at.point
                },
                "",
            ),
            doctor: person(pv1.field(7)),
            place: String::new(),
            purpose: String::new(),
            number: visit,
        });
        self.appointments
            .take(key, taking.told(appointment, Remarks::default()));
    }

    /// MDM: T02 new, T04 to T10 later states of it, T11 cancelled. True for 申し送り.
    pub fn take_document(&mut self, event: &str, taking: &Taking<'_>) -> bool {
        let message = taking.message;
        let Some(txa) = message.segment("TXA") else {
            return false;
        };
        let key = short(txa.field(12).component(1));
        let kind = Cwe::of(txa.field(2).first()).words();
        let when = [4, 6, 7].into_iter().find_map(|at| When::of(txa.field(at)));
        let mut sections: Vec<Section> = Vec::new();
        for obx in message.segments_named("OBX") {
            let kind = short(obx.field(2).component(1));
            if kind == "ED" {
                match enclosed(obx) {
                    Some(text) if sections.len() < MAX_SECTIONS => sections.extend(split_soap(&text)),
                    _ => {}
                }
                continue;
            }
            if kind == "RP" {
                continue;
            }
            let lines: Vec<String> = obx
                .field(5)
                .repetitions()
                .map(|one| cut(&one.text(), MAX_LONG))
                .collect();
            let text = cut(&lines.join("\n"), MAX_LONG);
            match section(&short(obx.field(3).component(1))) {
                _ if text.is_empty() || sections.len() >= MAX_SECTIONS => {}
                Some(kind) => sections.push(Section { kind, text }),
                None => sections.extend(split_soap(&text)),
            }
        }
        let gone = event == "T11" || sections.is_empty();
        let author = [9, 5]
            .into_iter()
            .map(|at| person(txa.field(at)))
            .find(|who| !who.is_empty())
            .unwrap_or_default();
        let on = when.map(|when| when.on).or_else(|| Some(taking.said.moment().day()));
        let at = when.and_then(|when| when.at);
        let key = if key.is_empty() { taking.unnumbered() } else { key };
        if kind.contains("申し送り") {
            let text: Vec<&str> = sections.iter().map(|section| section.text.as_str()).collect();
            let handover = (!gone).then(|| Handover {
                on,
                at,
                author,
                text: text.join("\n"),
            });
            self.handovers.take(key, taking.told(handover, Remarks::default()));
            return true;
        }
        let pv1 = message.segment("PV1");
        let clinic = pv1.map(|pv1| place(pv1.field(3))).filter(|place| place.kind == "C");
        let department = match (pv1.map(|pv1| short(pv1.field(10).component(1))), clinic) {
            (Some(code), _) if !code.is_empty() => code,
            (_, Some(clinic)) => clinic.point,
            _ => String::new(),
        };
        let note = (!gone).then(|| Note {
            on,
            at,
            department: chart::Coded::new(department, ""),
            author,
            sections,
        });
        self.notes.take(key, taking.told(note, Remarks::default()));
        false
    }

    /// Appointments with the hospital's names, and what was noticed.
    pub fn appointments<'b>(
        &'b self,
        names: &'b Names,
    ) -> impl Iterator<Item = (Option<Appointment>, &'b Remarks, &'b str)> {
        self.appointments.iter().map(move |(_, told)| {
            let booked = told.what.clone().map(|mut one| {
                one.department = names.department(&one.department.code, &one.department.name);
                one
            });
            (booked, &told.remarks, &*told.file)
        })
    }

    /// True when there is an appointment in the days from one to another.
    #[must_use]
    pub fn within(&self, from: jiff::civil::Date, to: jiff::civil::Date) -> bool {
        let mut days = self
            .appointments
            .iter()
            .filter_map(|(_, told)| Some(told.what.as_ref()?.on));
        days.any(|on| on >= from && on <= to)
    }
}
