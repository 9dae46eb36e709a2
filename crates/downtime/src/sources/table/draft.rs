//! One patient while the rows come in, and the chart that comes out.
//!
//! The four states of knowledge are decided here: a list is empty because nothing was recorded only when every file and every
//! row of that kind could be read.

use std::collections::BTreeSet;

use chart::{
    Allergy, Appointment, AsOf, Chart, DataKind, Diagnosis, ExamOrder, Finding, Known, LabResult, Moment, Note,
    Patient, Severity,
};
use jiff::civil::Date;

use super::cell::Row;
use super::config::Limits;
use super::drugs::DrugRow;
use super::feed::Feed;
use super::fields::kind_word;
use super::identity::{self, Identity};
use super::ledger::{Ledger, Sink};
use super::people::{Person, Reach};
use super::plan::Plan;
use super::records::AllergyRow;
use super::select;
use super::split::Columns;
use super::stay_draft::StayDraft;
use super::take::Take;

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

/// A head row kept while its patient's details are read.
#[derive(Debug)]
pub struct HeadRow {
    /// The entry of the head file.
    pub entry: usize,
    /// What joins it to its details.
    pub key: String,
    /// The row.
    pub text: String,
    /// Its columns.
    pub columns: Columns,
}

/// One patient in the making.
#[derive(Debug, Default)]
pub struct Draft {
    patient: Option<Patient>,
    first_patient_entry: Option<usize>,
    booking: Option<Identity>,
    appointments: Vec<Appointment>,
    orders: Vec<ExamOrder>,
    allergies: Vec<Allergy>,
    none_on: Option<Option<Date>>,
    not_recorded: bool,
    unavailable: bool,
    diagnoses: Vec<Diagnosis>,
    notes: Vec<Note>,
    drugs: Vec<DrugRow>,
    results: Vec<LabResult>,
    facts: Vec<chart::patient::Fact>,
    insurances: Vec<chart::Coverage>,
    stay: StayDraft,
    /// Kinds of which some row could not be read.
    pub lost: BTreeSet<DataKind>,
    /// Findings about this patient.
    pub findings: Vec<Finding>,
    /// Head rows of this patient.
    pub heads: Vec<HeadRow>,
}

impl Draft {
    /// Takes one row of a file; true when it became a fact.
    pub fn row(
        &mut self,
        feed: &Feed,
        row: &Row<'_>,
        line: u64,
        person: &Person,
        frame: &Frame,
        ledger: &mut Ledger,
    ) -> bool {
        let mut findings = std::mem::take(&mut self.findings);
        let mut sink = Sink {
            ledger,
            chart: &mut findings,
            file: &feed.sheet.name,
            line,
            patient: person.key.as_str(),
        };
        let mut used = false;
        if feed.each.is_empty() {
            used = self.fact(feed, row, person, frame, &mut sink);
        } else {
            for at in &feed.each {
                used |= self.fact(feed, &row.for_each(*at), person, frame, &mut sink);
            }
        }
        self.findings = findings;
        used
    }

    fn fact(&mut self, feed: &Feed, row: &Row<'_>, person: &Person, frame: &Frame, sink: &mut Sink<'_>) -> bool {
        let mut take = Take {
            row,
            sink,
            day: frame.day,
        };
        match &feed.plan {
            Plan::Patient(plan) => {
                let Some(id) = person.key.id() else { return false };
                let patient = plan.read(&id, &mut take);
                self.add_patient(feed.entry, patient, sink);
                true
            }
            Plan::Appointment(plan) => {
                let on = take.date(plan.on.as_ref()).or(feed.names_the_day.then_some(frame.day));
                let identity = plan.identity.read(&mut take);
                let appointment = on.map(|on| plan.read(on, &mut take));
                self.add_appointment(appointment, identity, feed.names_the_day, frame, sink)
            }
            Plan::Order(plan) => {
                let Some(order) = plan.read(&mut take) else {
                    return false;
                };
                let wanted = order.on >= frame.day && order.on <= frame.last_day;
                if wanted {
                    self.orders.push(order);
                }
                wanted
            }
            Plan::Diagnosis(plan) => push(&mut self.diagnoses, plan.read(&mut take)),
            Plan::Note(plan) => push(&mut self.notes, plan.read(&mut take)),
            Plan::Prescription(plan) => push(&mut self.drugs, plan.read(&mut take)),
            Plan::Result(plan) => push(&mut self.results, plan.read(&mut take)),
            Plan::Profile(plan) => push(&mut self.facts, plan.read(&mut take)),
            Plan::Insurance(plan) => {
                let row = plan.read(&mut take);
                if row.unsure {
                    // A row of which something that decides cannot be read is not shown as if it were whole.
                    self.lost.insert(DataKind::Insurance);
                }
                push(&mut self.insurances, row.coverage)
            }
            Plan::Allergy(plan) => {
                let row = plan.read(&mut take);
                self.add_allergy(row);
                true
            }
            Plan::Stay(plan) => {
                let stay = plan.read(&mut take);
                self.stay.add(stay, sink)
            }
            Plan::Schedule(plan) => push(&mut self.stay.schedule, plan.read(&mut take)),
            Plan::Vital(plan) => push(&mut self.stay.vitals, plan.read(&mut take)),
            Plan::Handover(plan) => push(&mut self.stay.handovers, plan.read(&mut take)),
            Plan::Head | Plan::Bed(_) => false,
        }
    }

    fn add_patient(&mut self, entry: usize, patient: Patient, sink: &mut Sink<'_>) {
        match (&mut self.patient, self.first_patient_entry) {
            (Some(first), Some(from)) if from == entry => identity::merge_double(first, patient, sink),
            (Some(first), _) => identity::complete(first, patient),
            (None, _) => {
                self.patient = Some(patient);
                self.first_patient_entry = Some(entry);
            }
        }
    }

    fn add_appointment(
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
        let wanted = appointment.on >= frame.day && appointment.on <= frame.last_day;
        if wanted {
            self.appointments.push(appointment);
        }
        wanted
    }

    fn add_allergy(&mut self, row: AllergyRow) {
        match row {
            AllergyRow::Present(allergy) => self.allergies.push(allergy),
            AllergyRow::ConfirmedNone(on) => self.none_on = Some(self.none_on.flatten().max(on)),
            AllergyRow::NotRecorded => self.not_recorded = true,
            AllergyRow::Unavailable => self.unavailable = true,
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
                let list = super::insurance::select(std::mem::take(&mut self.insurances), frame.day, &mut sink);
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

fn push<T>(list: &mut Vec<T>, found: Option<T>) -> bool {
    let there = found.is_some();
    list.extend(found);
    there
}
