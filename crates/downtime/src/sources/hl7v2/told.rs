//! One patient as messages told of them: each message goes where it belongs, and in the end everything is said to `gather`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chart::patient::Fact;
use chart::stay::Plan;
use chart::{Coded, DataKind, Known, Moment, Name, PatientId, Severity, Stay};
use hl7::Message;
use jiff::ToSpan;
use jiff::civil::Date;

use super::booked::Booked;
use super::departments;
use super::lists::{Allergies, Problems};
use super::moves::{Moves, Replayed};
use super::orders::Orders;
use super::person::Person;
use super::read::{Remarks, short};
use super::results::Results;
use super::said::{Register, Said, Told as Statement};
use super::ward::{Ward, is_mark};
use crate::sources::gather::{About, AllergySaid};

pub mod merged;

/// Most other numbers of one patient.
const MAX_NUMBERS: usize = 20;

/// The hospital's own names for codes that messages carry alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// 病棟コード → 病棟名
    pub wards: BTreeMap<String, String>,
    /// 診療科コード → 診療科名
    pub departments: BTreeMap<String, String>,
}

impl Names {
    /// A ward by its code.
    #[must_use]
    pub fn ward(&self, code: &str) -> Coded {
        Coded::new(code, self.wards.get(code).cloned().unwrap_or_default())
    }

    /// A department: the hospital's name, else the message's, else that of the unified table (SS-MIX2, table 0069).
    #[must_use]
    pub fn department(&self, code: &str, name: &str) -> Coded {
        let own = self.departments.get(code).map(String::as_str);
        let said = Some(name).filter(|name| !name.is_empty());
        let name = own.or(said).or_else(|| departments::name(code)).unwrap_or("");
        Coded::new(code, name)
    }
}

/// One message on its way in.
pub struct Taking<'m> {
    /// The message.
    pub message: &'m Message<'m>,
    /// Its place in the order of statements.
    pub said: Said,
    /// File or message number, for Findings.
    pub file: Arc<str>,
    /// SS-MIX2's データ種別 where the file's name says it, else empty.
    pub kind: &'m str,
    /// Lists of allergies and diagnoses are whole: what is not in the latest one is gone. (SS-MIX2's are.)
    pub whole_lists: bool,
}

impl Taking<'_> {
    /// A statement of this message.
    #[must_use]
    pub fn told<T>(&self, what: Option<T>, remarks: Remarks) -> Statement<T> {
        Statement {
            said: self.said.clone(),
            file: Arc::clone(&self.file),
            what,
            remarks,
        }
    }

    /// A name for what has no number: the message itself.
    #[must_use]
    pub fn unnumbered(&self) -> String {
        format!("\u{1F}{:?}", self.said)
    }

    /// True for what [`Self::unnumbered`] gave.
    #[must_use]
    pub fn is_unnumbered(&self, number: &str) -> bool {
        number.starts_with('\u{1F}')
    }
}

/// Everything told of one patient.
#[derive(Debug, Clone, Default)]
pub struct Told {
    person: Person,
    allergies: Allergies,
    problems: Problems,
    moves: Moves,
    orders: Orders,
    results: Results,
    booked: Booked,
    ward: Ward,
    /// Numbers that were merged into this one (MRG-1), and the number this one was merged into.
    former_numbers: Register<String, ()>,
    merged_into: Register<String, ()>,
    deleted: Register<(), ()>,
    /// Damaged messages, by file.
    damaged: BTreeSet<String>,
    /// When each kind was last spoken of.
    vouched: BTreeMap<DataKind, Moment>,
    /// How many messages spoke of each kind.
    spoken: BTreeMap<DataKind, u64>,
}

/// How everybody's statements become charts.
pub struct Saying<'s> {
    /// The day of the snapshot.
    pub day: Date,
    /// The moment of the pull.
    pub now: Moment,
    /// The hospital's names.
    pub names: &'s Names,
    /// How far back prescriptions are looked for.
    pub medicine_days: u16,
}

impl Told {
    /// Takes one message about this patient. Which other patient a merge concerns is the caller's: see [`merged_number`].
    pub fn take(&mut self, taking: &Taking<'_>) {
        let message = taking.message;
        let header = message.header();
        let (code, event) = (header.code(), header.event());
        if let Some(pid) = message.segment("PID") {
            self.person.take(pid, taking);
        }
        match (code.trim(), event.trim()) {
            ("ADT", event) => self.adt(event, taking),
            ("PPR", _) => {
                self.problems.take(taking);
                self.vouch(DataKind::Diagnosis, taking);
            }
            ("RDE", _) => {
                self.orders.take_drugs(taking);
                self.vouch(DataKind::Prescription, taking);
                self.vouch(DataKind::Schedule, taking);
            }
            ("RAS", _) => {
                self.orders.take_given(taking);
                self.vouch(DataKind::Schedule, taking);
            }
            ("OML" | "OMG", _) => {
                self.orders.take_exams(taking);
                self.vouch(DataKind::Order, taking);
            }
            ("OMI", _) => {
                self.orders.take_done(taking);
                self.vouch(DataKind::Order, taking);
            }
            ("OMD", _) => self.orders.take_diets(taking),
            ("OUL", _) => {
                self.results.take(taking, false);
                self.vouch(DataKind::Result, taking);
            }
            ("ORU", _) => {
                let took = self.results.take(taking, true);
                // A feed has measurements in R01, too: results of yesterday are no newer for a pulse of now.
                let vitals = taking.kind == VITALS || event.trim() == "R30";
                if vitals || took.vitals {
                    self.vouch(DataKind::Vital, taking);
                }
                if !vitals && (took.results || !took.vitals) {
                    self.vouch(DataKind::Result, taking);
                }
            }
            ("SIU", event) => {
                self.booked.take_siu(event, taking);
                self.vouch(DataKind::Appointment, taking);
            }
            ("MDM", event) => {
                let handover = self.booked.take_document(event, taking);
                self.vouch(if handover { DataKind::Handover } else { DataKind::Note }, taking);
            }
            _ => {}
        }
    }

    fn adt(&mut self, event: &str, taking: &Taking<'_>) {
        let message = taking.message;
        self.person.take_profile(taking);
        self.ward.take(taking);
        self.allergies.take_al1(taking);
        if message.segment("AL1").is_some() {
            self.vouch(DataKind::Allergy, taking);
        }
        self.vouch(DataKind::Patient, taking);
        if message.segment("IN1").is_some() {
            self.vouch(DataKind::Insurance, taking);
        }
        if message.segment("OBX").is_some() {
            self.vouch(DataKind::Profile, taking);
        }
        match event {
            "A60" => {
                self.allergies.take_iam(taking);
                self.vouch(DataKind::Allergy, taking);
            }
            "A05" | "A38" => {
                self.booked.take_preadmit(event == "A38", taking);
                self.vouch(DataKind::Appointment, taking);
            }
            "A23" | "A29" => self.deleted.take((), taking.told(Some(()), Remarks::default())),
            "A40" | "A34" | "A18" | "A36" | "A39" | "A30" | "A47" => {
                if let Some(old) = merged_number(message) {
                    self.former_numbers.take(old, taking.told(Some(()), Remarks::default()));
                }
            }
            _ => {
                if self.moves.take(event, taking) {
                    self.vouch(DataKind::Stay, taking);
                }
            }
        }
        let pv1 = message.segment("PV1");
        let dead = pv1.is_some_and(|pv1| short(pv1.field(36).component(1)) == "20");
        if event == "A03" && dead {
            let left = message.field("PV1", 45);
            let on = super::read::When::of(left).map_or_else(|| taking.said.moment().day(), |when| when.on);
            self.person.died(on, taking);
        }
    }

    /// This number was merged into another one.
    pub fn merged_into(&mut self, new: &str, taking: &Taking<'_>) {
        self.merged_into
            .take(new.to_owned(), taking.told(Some(()), Remarks::default()));
    }

    /// A message that could not be decoded or parsed whole.
    pub fn damage(&mut self, words: String) {
        if self.damaged.len() < MAX_NUMBERS {
            self.damaged.insert(words);
        }
    }

    /// When each kind was last spoken of.
    #[must_use]
    pub const fn vouched(&self) -> &BTreeMap<DataKind, Moment> {
        &self.vouched
    }

    /// How many messages spoke of each kind.
    #[must_use]
    pub const fn spoken(&self) -> &BTreeMap<DataKind, u64> {
        &self.spoken
    }

    /// True for who lies in a bed.
    #[must_use]
    pub fn is_in_bed(&self, now: Moment) -> bool {
        self.moves.replay(&Names::default(), now).stay.is_some()
    }

    /// True when a movement is said to happen later than now.
    #[must_use]
    pub fn is_unsettled(&self, now: Moment) -> bool {
        self.moves.replay(&Names::default(), now).unsettled
    }

    /// True for who has an appointment in these days.
    #[must_use]
    pub fn is_booked(&self, from: Date, to: Date) -> bool {
        self.booked.within(from, to)
    }

    /// The number this one was merged into.
    #[must_use]
    pub fn successor(&self) -> Option<&str> {
        let latest = self.merged_into.iter().max_by(|a, b| a.1.said.cmp(&b.1.said));
        latest.map(|(new, _)| new.as_str())
    }

    /// Numbers merged into this one.
    pub fn predecessors(&self) -> impl Iterator<Item = &str> {
        self.former_numbers
            .iter()
            .map(|(old, _)| old.as_str())
            .take(MAX_NUMBERS)
    }

    fn vouch(&mut self, kind: DataKind, taking: &Taking<'_>) {
        let at = taking.said.moment();
        let known = self.vouched.entry(kind).or_insert(at);
        *known = at.max(*known);
        *self.spoken.entry(kind).or_default() += 1;
    }

    /// Says everything.
    pub fn say(self, id: &PatientId, about: &mut About<'_>, saying: &Saying<'_>) {
        let replayed = self.moves.replay(saying.names, saying.now);
        self.say_person(id, replayed.stay.as_ref(), about);
        for (said, remarks, file) in self.allergies.said() {
            about.draft.add_allergy(said);
            tell(about, remarks, file);
        }
        for (diagnosis, remarks, file) in self.problems.said(saying.day) {
            about.draft.diagnoses.push(diagnosis);
            tell(about, remarks, file);
        }
        for (result, remarks, file) in self.results.results() {
            about.draft.results.push(result.clone());
            tell(about, remarks, file);
        }
        for exam in self.orders.exams(saying.names) {
            about.draft.add_order(exam, about.frame);
        }
        for (booked, remarks, file) in self.booked.appointments(saying.names) {
            if let Some(booked) = booked {
                about.books(booked);
            }
            tell(about, remarks, file);
        }
        for (_, note) in self.booked.notes.iter() {
            if let Some(mut one) = note.what.clone() {
                one.department = saying.names.department(&one.department.code, &one.department.name);
                about.draft.notes.push(one);
            }
        }
        self.say_stay(replayed, about, saying);
        let dropped = self.orders.dropped() + self.results.dropped();
        if dropped > 0 {
            let message = format!("この患者の記録が多すぎ、{dropped}件を読みませんでした。");
            about.tell("rows.many", Severity::Severe, "", "", message);
        }
        for words in &self.damaged {
            about.tell("message.damaged", Severity::Warning, "", "", words.clone());
        }
    }

    fn say_person(&self, id: &PatientId, stay: Option<&Stay>, about: &mut About<'_>) {
        if let Some(mut patient) = self.person.patient(id) {
            for old in self.predecessors() {
                let name = Name::new(format!("旧患者番号 {old}"), "");
                patient.former_names.push(name);
            }
            if let Some(new) = self.successor() {
                let name = Name::new(format!("統合先の患者番号 {new}"), "");
                patient.former_names.push(name);
            }
            about.is(patient);
        }
        for (remarks, file) in self.person.remarks() {
            tell(about, remarks, file);
        }
        about.draft.facts.extend(self.person.partial_birth());
        let facts = self.person.facts.iter().filter(|(_, told)| !is_mark(told, stay));
        about
            .draft
            .facts
            .extend(facts.filter_map(|(_, told)| told.what.clone()));
        about
            .draft
            .insurances
            .extend(self.person.insurances().what().into_iter().flatten().cloned());
        if self.person.others() {
            let message = "この患者番号の電文に、氏名も生年月日も違う人が書かれています。誰の記録か分かりません。本人に氏名と生年月日を確かめてください。";
            about.tell("id.two_people", Severity::Severe, "", "PID-5", message);
        }
        if let Some(new) = self.successor() {
            let message = format!("この患者番号は {new} に統合されました。新しい番号のカルテも見てください。");
            about.tell("id.merged", Severity::Severe, "", "MRG-1", message);
        }
        let gone = self.deleted.get(&());
        if gone.is_some_and(|gone| {
            self.vouched
                .get(&DataKind::Patient)
                .is_none_or(|at| *at <= gone.said.moment())
        }) {
            let message = "電子カルテで患者の登録が削除されています。患者番号を確かめてください。";
            about.tell("patient.deleted", Severity::Severe, "", "EVN", message);
        }
    }

    fn say_stay(&self, replayed: Replayed, about: &mut About<'_>, saying: &Saying<'_>) {
        tell(about, &replayed.remarks, "");
        if let Some(Plan { when, what }) = replayed.coming {
            let still_to_come = when
                .get(..10)
                .is_some_and(|day| day >= chart::date::iso(saying.day).as_str());
            if still_to_come {
                about.draft.facts.push(Fact {
                    label: "入院予定".to_owned(),
                    value: format!("{when} {}", what.trim_start_matches("入院予定").trim())
                        .trim()
                        .to_owned(),
                    on: None,
                });
            }
        }
        let oldest = saying.day.saturating_sub(i64::from(saying.medicine_days).days());
        let in_bed = replayed.stay.is_some();
        for (drug, remarks, file) in self.orders.prescribed(in_bed, oldest, saying.names) {
            about.draft.drugs.push(drug);
            tell(about, remarks, file);
        }
        let Some(mut stay) = replayed.stay else { return };
        if let Some(diet) = self.orders.diet(saying.day) {
            stay.diet = Known::Present(diet);
        }
        if let Some(contacts) = self.person.contacts() {
            stay.contacts = Known::from_list(contacts.clone());
        }
        self.ward.put(&mut stay, &self.person.facts);
        about.stays(stay, "");
        about.draft.stay.vitals.extend(self.results.vitals());
        let told = self.booked.handovers.iter().filter_map(|(_, told)| told.what.clone());
        about.draft.stay.handovers.extend(told);
        for (line, remarks, file) in self.orders.due(saying.day) {
            about.draft.stay.schedule.push(line);
            tell(about, remarks, file);
        }
    }
}

impl Told {
    /// What must be avoided, for the number this one was merged into.
    #[must_use]
    pub fn avoided(&self) -> Vec<AllergySaid> {
        let said = self.allergies.said().into_iter().map(|(said, ..)| said);
        said.filter(|said| matches!(said, AllergySaid::Present(_))).collect()
    }
}

/// SS-MIX2's extended storage: vital signs.
pub const VITALS: &str = "L-OBSERVATIONS";

/// The number that a message says was merged away.
#[must_use]
pub fn merged_number(message: &Message<'_>) -> Option<String> {
    let old = short(message.field("MRG", 1).component(1));
    (!old.is_empty()).then_some(old)
}

/// The patient's number: the repetition of type PI, else the first.
#[must_use]
pub fn patient_number(message: &Message<'_>) -> Option<String> {
    let field = message.segment("PID")?.field(3);
    let of_type = field.repetitions().find(|one| short(one.component(5)) == "PI");
    let first = of_type.unwrap_or_else(|| field.first());
    let number = short(first.component(1));
    (!number.is_empty()).then_some(number)
}

fn tell(about: &mut About<'_>, remarks: &Remarks, file: &str) {
    for remark in &remarks.0 {
        // Lines of one order share its remarks.
        let known = about.draft.findings.iter();
        let again = known
            .into_iter()
            .any(|f| f.code == remark.code && f.file == file && f.field == remark.field && f.message == remark.message);
        if again {
            continue;
        }
        about.tell(remark.code, remark.severity, file, remark.field, remark.message.clone());
    }
}
