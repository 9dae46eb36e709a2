//! One patient while facts come in from a source, and the chart that comes out.
//!
//! The same for every source, so that two sources that say the same make the same chart. The four states of knowledge are decided
//! here: a list is empty because nothing was recorded only when every file and every row of that kind could be read.

use std::collections::BTreeSet;

use chart::{
    Allergy, Appointment, AsOf, Chart, DataKind, Diagnosis, ExamOrder, Finding, Known, LabResult, Moment, Note,
    Patient, Severity,
};
use jiff::civil::Date;

use super::identity::{self, Identity};
use super::ledger::{Ledger, Sink};
use super::people::{Person, Reach};
use super::said::{AllergySaid, DrugSaid, Limits, kind_word};
use super::select;
use super::stay::StayDraft;

/// What is the same for every patient of a pull.
#[derive(Debug, Clone)]
pub struct Frame {
    /// The day.
    pub day: Date,
    /// The last day of the thin list.
    pub last_day: Date,
    /// The moment of the pull.
    pub now: Moment,
    /// How much of a patient is taken.
    pub limits: Limits,
    /// Kinds of which some file could not be used.
    pub failed: BTreeSet<DataKind>,
    /// Kinds with rows of which nobody can say whose they are.
    pub doubtful: BTreeSet<DataKind>,
    /// Kinds that the mapping has no file for.
    pub unmapped: BTreeSet<DataKind>,
    /// When the EHR vouched for what was read.
    pub as_of: AsOf,
    /// Who shares a bed with whom, by patient number.
    pub crowded: super::wards::Crowded,
}

/// One patient in the making.
#[derive(Debug, Default)]
pub struct Draft {
    patient: Option<Patient>,
    first_patient_from: Option<usize>,
    booking: Option<Identity>,
    appointments: Vec<Appointment>,
    orders: Vec<ExamOrder>,
    allergies: Vec<Allergy>,
    none_on: Option<Option<Date>>,
    not_recorded: bool,
    unavailable: bool,
    /// 病名
    pub diagnoses: Vec<Diagnosis>,
    /// 診療録
    pub notes: Vec<Note>,
    /// 処方, line by line
    pub drugs: Vec<DrugSaid>,
    /// 検体検査結果
    pub results: Vec<LabResult>,
    /// 血液型・感染症・身長 …
    pub facts: Vec<chart::patient::Fact>,
    /// 保険
    pub insurances: Vec<chart::Coverage>,
    /// 入院
    pub stay: StayDraft,
    /// Kinds of which some row could not be read.
    pub lost: BTreeSet<DataKind>,
    /// Findings about this patient.
    pub findings: Vec<Finding>,
}

impl Draft {
    /// What one file (message, resource) of the source says about who the patient is. `from` tells files apart: two rows of one
    /// file are two registrations, a second file completes the first.
    pub fn add_patient(&mut self, from: usize, patient: Patient, sink: &mut Sink<'_>) {
        match (&mut self.patient, self.first_patient_from) {
            (Some(first), Some(earlier)) if earlier == from => identity::merge_double(first, patient, sink),
            (Some(first), _) => identity::complete(first, patient),
            (None, _) => {
                self.patient = Some(patient);
                self.first_patient_from = Some(from);
            }
        }
    }

    /// Who the patient is, by a statement that replaces earlier ones.
    pub fn replace_patient(&mut self, patient: Patient) {
        self.patient = Some(patient);
        self.first_patient_from = None;
    }

    /// An appointment of a patient whose identity is said elsewhere; true when it lies in the days asked for.
    pub fn add_booking(&mut self, appointment: Appointment, frame: &Frame) -> bool {
        let wanted = appointment.on >= frame.day && appointment.on <= frame.last_day;
        if wanted {
            self.appointments.push(appointment);
        }
        wanted
    }

    /// An appointment, and what its list says about who the patient is. True when it lies in the days asked for. Without a day
    /// (`None`) it is told and kept out of the list.
    pub fn add_appointment(
        &mut self,
        appointment: Option<Appointment>,
        identity: Identity,
        names_the_day: bool,
        frame: &Frame,
        sink: &mut Sink<'_>,
    ) -> bool {
        if let Some(patient) = &self.patient {
            identity::compare(patient, &identity, sink);
        }
        if self.booking.as_ref().is_none_or(|known| known.name.written.is_empty()) {
            self.booking = Some(identity);
        }
        let Some(appointment) = appointment else {
            let message = "予約日を読めない予約です。予約の一覧には出ませんが、カルテは入れました。";
            sink.tell("appointment.no_day", Severity::Severe, "", message);
            return true;
        };
        if names_the_day && appointment.on != frame.day {
            let message = format!(
                "対象日（{}）の予約ファイルに {} の予約が入っています。予約日のとおりに扱いました。",
                chart::date::iso(frame.day),
                chart::date::iso(appointment.on)
            );
            sink.tell("appointment.other_day", Severity::Warning, "", message);
        }
        self.add_booking(appointment, frame)
    }

    /// An examination; true when it lies in the days asked for.
    pub fn add_order(&mut self, order: ExamOrder, frame: &Frame) -> bool {
        let wanted = order.on >= frame.day && order.on <= frame.last_day;
        if wanted {
            self.orders.push(order);
        }
        wanted
    }

    /// One statement about allergies.
    pub fn add_allergy(&mut self, row: AllergySaid) {
        match row {
            AllergySaid::Present(allergy) => self.allergies.push(allergy),
            AllergySaid::ConfirmedNone(on) => self.none_on = Some(self.none_on.flatten().max(on)),
            AllergySaid::NotRecorded => self.not_recorded = true,
            AllergySaid::Unavailable => self.unavailable = true,
        }
    }

    /// The chart of the patient.
    pub fn finish(mut self, person: &Person, frame: &Frame, registry: bool, ledger: &mut Ledger) -> Option<Chart> {
        let mut findings = std::mem::take(&mut self.findings);
        let mut sink = Sink {
            ledger,
            chart: &mut findings,
            file: "",
            line: 0,
            patient: person.key.as_str(),
        };
        let thin = person.reach == Reach::Thin;
        let mut patient = self.identity(person, thin, registry, &mut sink)?;
        let room = 200_usize.saturating_sub(patient.facts.len());
        patient
            .facts
            .extend(std::mem::take(&mut self.facts).into_iter().take(room));
        super::blood::join(&mut patient.facts);
        let appointments = select::appointments(std::mem::take(&mut self.appointments), &mut sink);
        let booked = select::booked_departments(&appointments, frame.day);
        let limits = &frame.limits;
        let chart = Chart {
            orders: select::orders(std::mem::take(&mut self.orders), &mut sink),
            allergies: self.known_allergies(thin, frame, &mut sink),
            diagnoses: {
                let list = select::diagnoses(std::mem::take(&mut self.diagnoses), limits, &mut sink);
                self.known(list, DataKind::Diagnosis, thin, frame)
            },
            notes: {
                let list = select::notes(std::mem::take(&mut self.notes), &booked, limits, &mut sink);
                self.known(list, DataKind::Note, thin, frame)
            },
            prescriptions: {
                let list = select::prescriptions(std::mem::take(&mut self.drugs), &booked, limits, &mut sink);
                self.known(list, DataKind::Prescription, thin, frame)
            },
            results: {
                let list = select::results(std::mem::take(&mut self.results), limits, &mut sink);
                self.known(list, DataKind::Result, thin, frame)
            },
            insurances: {
                let list = select::insurances(std::mem::take(&mut self.insurances), frame.day, &mut sink);
                if let Some(first) = list.first().filter(|_| patient.insurance.is_empty()) {
                    patient.insurance.clone_from(&first.kind);
                }
                self.known(list, DataKind::Insurance, thin, frame)
            },
            stay: {
                let lists = std::mem::take(&mut self.stay);
                let lost = std::mem::take(&mut self.lost);
                let stay = lists.finish(person, frame, &lost, &mut sink);
                self.lost = lost;
                stay
            },
            patient,
            appointments,
            as_of: frame.as_of.clone(),
            findings: Vec::new(),
            origins: Vec::new(),
            thin,
        };
        self.tell_partial(&chart, frame, &mut sink);
        Some(Chart { findings, ..chart })
    }

    fn identity(&mut self, person: &Person, thin: bool, registry: bool, sink: &mut Sink<'_>) -> Option<Patient> {
        let booking = self.booking.take();
        if let Some(mut patient) = self.patient.take() {
            if let Some(booking) = booking {
                if patient.name.written.is_empty() {
                    patient.name = booking.name;
                }
                patient.birth = patient.birth.or(booking.birth);
            }
            if patient.name.written.is_empty() {
                identity::NAMELESS.clone_into(&mut patient.name.written);
                sink.tell(
                    "patient.no_name",
                    Severity::Severe,
                    "",
                    "氏名が空です。本人に確かめてください。",
                );
            }
            return Some(patient);
        }
        let named = booking.as_ref().is_some_and(|booking| !booking.name.written.is_empty());
        if !thin || !named {
            let message = match (registry, named) {
                (true, true) => {
                    "患者基本に行がない（または読めない）患者です。氏名は予約の行のものです。患者番号を確かめてください。"
                }
                (true, false) => {
                    "患者基本に行がない（または読めない）患者です。氏名は分かりません。患者番号を確かめてください。"
                }
                (false, true) => "患者基本を読めないため、氏名は予約の行のものです。",
                (false, false) => "患者基本を読めないため、氏名は分かりません。",
            };
            if registry {
                sink.tell("row.orphan", Severity::Severe, "", message);
            } else {
                sink.tell_chart("patient.unavailable", Severity::Severe, message);
            }
        }
        Some(identity::from_booking(person.key.id()?, booking))
    }

    fn known<T>(&self, list: Vec<T>, kind: DataKind, thin: bool, frame: &Frame) -> Known<Vec<T>> {
        if !list.is_empty() {
            return Known::Present(list);
        }
        if thin || frame.unmapped.contains(&kind) {
            return Known::Unavailable { since: None };
        }
        if frame.failed.contains(&kind) || self.lost.contains(&kind) {
            return Known::Unavailable { since: Some(frame.now) };
        }
        Known::NotRecorded
    }

    fn known_allergies(&mut self, thin: bool, frame: &Frame, sink: &mut Sink<'_>) -> Known<Vec<Allergy>> {
        let list = std::mem::take(&mut self.allergies);
        if !list.is_empty() {
            if self.unavailable {
                let message = "アレルギーの一部をEHRが読めていません。ここにあるものがすべてではありません。";
                sink.tell("allergy.partial", Severity::Severe, "", message);
            }
            if self.none_on.is_some() {
                let message = "アレルギーに「なし」の行と「あり」の行が両方あります。ありとして扱いました。";
                sink.tell("allergy.contradiction", Severity::Severe, "", message);
            }
            let list = select::keep(list, select::MAX_ALLERGIES, "アレルギー", Severity::Severe, sink);
            return Known::Present(list);
        }
        match self.known(list, DataKind::Allergy, thin, frame) {
            Known::NotRecorded if self.unavailable => Known::Unavailable { since: None },
            Known::NotRecorded if self.not_recorded => Known::NotRecorded,
            Known::NotRecorded => self
                .none_on
                .map_or(Known::NotRecorded, |on| Known::ConfirmedNone { on }),
            other => other,
        }
    }

    /// A list that may not be all there is: its readers must know. What happened was told where it happened.
    fn tell_partial(&self, chart: &Chart, frame: &Frame, sink: &mut Sink<'_>) {
        for (kind, there, none) in [
            (
                DataKind::Allergy,
                chart.allergies.present().is_some(),
                is_nothing(&chart.allergies),
            ),
            (
                DataKind::Diagnosis,
                chart.diagnoses.present().is_some(),
                is_nothing(&chart.diagnoses),
            ),
            (
                DataKind::Note,
                chart.notes.present().is_some(),
                is_nothing(&chart.notes),
            ),
            (
                DataKind::Prescription,
                chart.prescriptions.present().is_some(),
                is_nothing(&chart.prescriptions),
            ),
            (
                DataKind::Result,
                chart.results.present().is_some(),
                is_nothing(&chart.results),
            ),
            (
                DataKind::Insurance,
                chart.insurances.present().is_some(),
                is_nothing(&chart.insurances),
            ),
            (DataKind::Appointment, true, false),
            (DataKind::Order, !chart.thin, false),
            (DataKind::Profile, !chart.thin, false),
            (DataKind::Stay, chart.stay.is_some(), false),
            (DataKind::Schedule, chart.stay.is_some(), false),
            (DataKind::Vital, chart.stay.is_some(), false),
            (DataKind::Handover, chart.stay.is_some(), false),
        ] {
            let word = kind_word(kind);
            if there && frame.failed.contains(&kind) {
                let message = format!(
                    "{word}のファイルの全部または一部を読めませんでした。ここにあるものがすべてではありません。"
                );
                sink.tell_chart("kind.partial", Severity::Severe, message);
            } else if there && self.lost.contains(&kind) {
                let message = format!("{word}に読めない行がありました。ここにあるものがすべてではありません。");
                sink.tell_chart("kind.partial", Severity::Warning, message);
            } else if none && frame.doubtful.contains(&kind) {
                let message = format!(
                    "{word}の記録がない患者ですが、誰のものか分からない行がファイルにありました。この患者のものかもしれません。"
                );
                sink.tell_chart("kind.doubtful", Severity::Warning, message);
            }
        }
    }
}

fn is_nothing<T>(known: &Known<Vec<T>>) -> bool {
    matches!(known, Known::NotRecorded | Known::ConfirmedNone { .. })
}
