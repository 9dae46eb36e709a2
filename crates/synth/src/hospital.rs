//! The hospital: a plan made concrete. Every patient can be made alone, in any order, so an export needs no more memory than one patient.

use crate::catalogue::{Catalogue, HazardRow};
use crate::illness::Case;
use crate::patient::Patient;
use crate::person::Person;
use crate::rng::{Rng, Subject};
use crate::{SynthError, body, booking, calendar, caution, history, illness, laboratory, medicine, note, thin};
use jiff::civil::{Date, date};

/// What is asked for. The same plan gives the same hospital, for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// People booked on the day, 1 to [`MAX_PATIENTS`].
    pub patients: u32,
    /// The day, from 2020-01-01 to 2030-12-31.
    pub date: Date,
    /// Any number.
    pub seed: u64,
}

/// The largest hospital.
pub const MAX_PATIENTS: u32 = 300_000;

/// Patient numbers of people without a number of their own: `FIRST_ID` and up.
const FIRST_ID: u64 = 200_000;
/// A prime: numbers repeat only after so many.
const ID_SPACE: u64 = 999_983;

/// One invented hospital on one day.
#[derive(Debug)]
pub struct Hospital {
    plan: Plan,
    beds: u32,
    pub(crate) catalogue: Catalogue,
}

impl Hospital {
    /// Opens the hospital for a plan.
    ///
    /// # Errors
    /// [`SynthError::Plan`] when the plan is outside its limits, [`SynthError::Table`] when a table of this crate is faulty.
    pub fn new(plan: &Plan) -> Result<Self, SynthError> {
        if plan.patients == 0 || plan.patients > MAX_PATIENTS {
            return Err(SynthError::Plan(format!(
                "{} patients: nothing was made. Ask for 1 to {MAX_PATIENTS} patients",
                plan.patients
            )));
        }
        if plan.date < date(2020, 1, 1) || plan.date > date(2030, 12, 31) {
            return Err(SynthError::Plan(format!(
                "{}: nothing was made. Ask for a day from 2020-01-01 to 2030-12-31",
                plan.date
            )));
        }
        Ok(Hospital {
            plan: *plan,
            beds: 0,
            catalogue: Catalogue::load()?,
        })
    }

    /// The same hospital with so many beds (at most [`crate::MAX_BEDS`]), most of them with somebody in them. Nobody else changes.
    #[must_use]
    pub fn with_beds(mut self, beds: u32) -> Self {
        self.beds = beds.min(crate::MAX_BEDS);
        self
    }

    /// How many beds it has.
    pub(crate) fn bed_count(&self) -> u32 {
        self.beds
    }

    /// The plan it was opened for.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The day.
    pub(crate) fn today(&self) -> Date {
        self.plan.date
    }

    /// The particulars laid down for a patient, if there are any.
    pub(crate) fn hazard(&self, number: u32) -> Option<&HazardRow> {
        self.catalogue.hazards.iter().find(|row| row.number == number)
    }

    /// A stream of numbers for one patient and subject.
    pub(crate) fn rng(&self, number: u32, subject: Subject) -> Rng {
        Rng::of(self.plan.seed, number, subject)
    }

    /// The patient number printed for the person at this position: 8 digits, different for all positions of a hospital and its thin list.
    pub fn id(&self, number: u32) -> String {
        match self.hazard(number) {
            Some(row) => row.id.to_owned(),
            None => format!("{:08}", FIRST_ID + u64::from(number) * 617_351 % ID_SPACE),
        }
    }

    /// The patient at position `number`, from 1 to the number of patients of the plan.
    pub fn patient(&self, number: u32) -> Patient {
        let hazard = self.hazard(number);
        let mut case = Case::of(self, number, hazard);
        let mut person = Person::invent(
            &self.catalogue,
            &mut self.rng(number, Subject::Person),
            case.sex,
            case.birth,
            self.today(),
        );
        if let Some(row) = hazard {
            person.lay_over(row, self.today());
        }
        let mut rng = self.rng(number, Subject::Body);
        let mut body = body::Body::invent(
            &mut rng,
            case.sex,
            case.age,
            calendar::days_between(case.birth, self.today()),
        );
        body.egfr = illness::kidney(&mut rng, &case, &self.catalogue, body.egfr);
        let (mut visits, diagnoses) = history::history(self, number, &mut case);
        let known = diagnoses
            .iter()
            .map(|d| d.onset)
            .chain(visits.iter().filter_map(|v| v.last))
            .min();
        // Somebody who has never been here was registered when the appointment was made.
        person.registered =
            known.unwrap_or(calendar::open_on_or_before(calendar::plus(self.today(), -9)).max(case.birth));
        let profile = caution::profile(self, number, &case, &body, person.registered);
        let (cautions, stops) = caution::cautions(self, number, &case, hazard, person.registered);
        medicine::prescribe(self, number, &case, &body, &stops, &mut visits);
        let labs = laboratory::sample(self, number, &case, &body, &visits);
        booking::book(self, number, &case, &body, &cautions, &mut visits);
        note::write(self, number, &case, &body, labs.as_ref(), &mut visits);
        let later = thin::later(self, number, &case);
        Patient {
            number,
            id: self.id(number),
            insurances: crate::insurance::invent(self, number, &person),
            person,
            language: crate::language::of(number),
            profile,
            cautions,
            diagnoses,
            visits,
            labs,
            later,
            lying: None,
        }
    }
}
