//! One patient as the invented hospital knows them: plain facts, before any export has shaped them.
//!
//! The two shapes print from these facts alone, so whatever both can carry is the same in both. Nothing is decided here.

use crate::amount::Amount;
use crate::catalogue::{DrugKind, Stay};
use crate::person::Person;
use jiff::civil::{Date, DateTime, Time};

/// A patient with everything known about them.
#[derive(Debug, Clone)]
pub struct Patient {
    /// Position in the hospital, from 1.
    pub number: u32,
    /// Patient number as printed, 8 digits.
    pub id: String,
    /// Who it is.
    pub person: Person,
    /// What they read besides Japanese, for few.
    pub language: Option<crate::language::Language>,
    /// Insurances, the present one first.
    pub insurances: Vec<crate::insurance::Cover>,
    /// Body and infections.
    pub profile: Profile,
    /// Allergies and contraindications.
    pub cautions: Cautions,
    /// Diagnoses of all departments in the order of their numbers.
    pub diagnoses: Vec<Diagnosis>,
    /// What each department attended did last, and what is booked there.
    pub visits: Vec<Visit>,
    /// Last results.
    pub labs: Option<LabSheet>,
    /// An appointment in the 14 days after the day itself.
    pub later: Option<ThinRow>,
    /// The bed in which they lie, for inpatients.
    pub lying: Option<crate::inpatient::Lying>,
}

/// Facts that change seldom.
#[derive(Debug, Clone, Default)]
pub struct Profile {
    /// Height in tenths of a centimetre, and when.
    pub height: Option<(i64, Date)>,
    /// Weight in tenths of a kilogram, and when.
    pub weight: Option<(i64, Date)>,
    /// HBs antigen positive, HCV antibody positive, and when.
    pub infections: Option<(bool, bool, Date)>,
    /// Has a pacemaker, and when it was recorded.
    pub pacemaker: Option<(bool, Date)>,
}

/// Allergies and contraindications: the four states.
#[derive(Debug, Clone)]
pub enum Cautions {
    /// There are some.
    Known(Vec<Caution>),
    /// Asked, there are none, on that day.
    ConfirmedNone(Date),
    /// Nobody recorded anything.
    NotRecorded,
    /// The record could not be read.
    Unavailable,
}

/// One allergy or contraindication.
#[derive(Debug, Clone)]
pub struct Caution {
    /// A contraindication, not an allergy.
    pub contraindication: bool,
    /// D drug, F food, M contrast medium, L latex, O other.
    pub class: char,
    /// Local code, empty for free text.
    pub code: &'static str,
    /// What, word for word.
    pub text: String,
    /// Reaction, may be empty.
    pub reaction: &'static str,
    /// 1 mild, 2 moderate, 3 severe.
    pub severity: Option<u8>,
    /// When it happened.
    pub happened: Option<Date>,
    /// When it was recorded.
    pub recorded: Date,
    /// Remark, may be empty.
    pub remark: &'static str,
}

/// One diagnosis.
#[derive(Debug, Clone)]
pub struct Diagnosis {
    /// Name without の疑い.
    pub name: &'static str,
    /// ICD-10 with dot.
    pub icd: &'static str,
    /// Only suspected.
    pub suspected: bool,
    /// The principal one.
    pub principal: bool,
    /// First-visit date (初診日).
    pub onset: Date,
    /// Outcome.
    pub stay: Stay,
    /// When it ended.
    pub ended: Option<Date>,
    /// Place in the table of departments.
    pub(crate) department: usize,
}

/// A department that the patient attends.
#[derive(Debug, Clone)]
pub struct Visit {
    /// Place in the table of departments.
    pub(crate) department: usize,
    /// Place in the table of doctors.
    pub(crate) doctor: usize,
    /// Weeks between visits.
    pub(crate) weeks: i64,
    /// The last visit, if there was one.
    pub last: Option<Date>,
    /// The note written then.
    pub note: Option<Note>,
    /// What was prescribed then.
    pub prescription: Option<Prescription>,
    /// What is booked for the day.
    pub appointment: Option<Appointment>,
}

/// A note in its four parts; each may be empty and may hold line breaks (`\n`).
#[derive(Debug, Clone, Default)]
pub struct Note {
    /// When it was written.
    pub written: DateTime,
    /// Subjective.
    pub s: String,
    /// Objective.
    pub o: String,
    /// Assessment.
    pub a: String,
    /// Plan.
    pub p: String,
}

/// A prescription of one day and department.
#[derive(Debug, Clone)]
pub struct Prescription {
    /// The day.
    pub date: Date,
    /// The drugs in order.
    pub items: Vec<Prescribed>,
}

/// One drug of a prescription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prescribed {
    /// Place in the table of drugs.
    pub(crate) drug: usize,
    /// Rp number and place within the Rp, from 1.
    pub rp: (u32, u32),
    /// Local code.
    pub code: &'static str,
    /// Generic name with strength.
    pub name: &'static str,
    /// Kind.
    pub kind: DrugKind,
    /// Amount each time.
    pub each: Option<Amount>,
    /// Amount a day.
    pub daily: Option<Amount>,
    /// Unit of both.
    pub unit: &'static str,
    /// Usage text.
    pub usage: &'static str,
    /// Times a day, 0 = not fixed.
    pub times: u8,
    /// Days, times or total amount.
    pub quantity: i64,
    /// What the quantity counts.
    pub quantity_unit: &'static str,
    /// Morning, noon, evening, bedtime when they differ.
    pub uneven: Option<[Amount; 4]>,
    /// Which days.
    pub interval: Interval,
    /// Remark, may be empty.
    pub remark: &'static str,
}

/// On which days a drug is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interval {
    /// Every day, or as the usage says.
    Daily,
    /// 隔日
    OtherDay,
    /// Days of the week, from Sunday.
    Weekdays([bool; 7]),
}

/// An appointment of the day.
#[derive(Debug, Clone)]
pub struct Appointment {
    /// Number, unique in the hospital.
    pub code: String,
    /// When.
    pub at: DateTime,
    /// A first visit.
    pub first: bool,
    /// Remark, may be empty.
    pub remark: &'static str,
    /// Examinations ordered with it, at most 8.
    pub orders: Vec<Order>,
}

/// One examination ordered.
#[derive(Debug, Clone)]
pub struct Order {
    /// Number, unique in the hospital.
    pub code: String,
    /// Place in the table of examinations.
    pub(crate) exam: usize,
    /// Its own time, if it has one.
    pub time: Option<Time>,
    /// Remark, may be empty.
    pub remark: &'static str,
}

/// The last results of one sample.
#[derive(Debug, Clone)]
pub struct LabSheet {
    /// When the sample was taken.
    pub taken: DateTime,
    /// The results.
    pub results: Vec<Result>,
}

/// One result.
#[derive(Debug, Clone)]
pub struct Result {
    /// Place in the table of items.
    pub(crate) item: usize,
    /// As printed.
    pub value: String,
    /// `H`, `L` or nothing.
    pub flag: Option<char>,
    /// Remark, may be empty.
    pub remark: &'static str,
}

/// One row of the thin list of the coming days.
#[derive(Debug, Clone)]
pub struct ThinRow {
    /// Patient number.
    pub id: String,
    /// When.
    pub at: DateTime,
    /// Place in the table of departments.
    pub(crate) department: usize,
    /// Place in the table of doctors.
    pub(crate) doctor: usize,
}

impl Patient {
    /// The last visit to any department.
    pub fn last_visit(&self) -> Option<Date> {
        self.visits.iter().filter_map(|visit| visit.last).max()
    }
}

impl LabSheet {
    /// The value of an item as a number (`< 0.02` as 0.02), if it is one.
    pub(crate) fn number(&self, item: usize) -> Option<f64> {
        self.text(item)?.trim_start_matches("< ").parse().ok()
    }

    /// The value of an item as printed.
    pub(crate) fn text(&self, item: usize) -> Option<&str> {
        self.results
            .iter()
            .find(|result| result.item == item)
            .map(|result| result.value.as_str())
    }
}
