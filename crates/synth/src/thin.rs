//! The thin list of the coming days: mostly people who are in no other file.

use crate::booking::slot;
use crate::calendar;
use crate::hospital::Hospital;
use crate::illness::Case;
use crate::patient::ThinRow;
use crate::person::{Person, Sex};
use crate::rng::{Rng, Subject};

/// Days of the thin list.
const THIN_DAYS: i64 = 14;
/// Rows of other people in the thin list for each patient of the day.
const THIN_PER_PATIENT: u32 = 2;

impl Hospital {
    /// Positions of the people who are in the thin list only.
    pub fn others(&self) -> std::ops::Range<u32> {
        let first = self.plan().patients + 1;
        // Positions of laid-down patients stay theirs even in a hospital too small to hold them.
        let first = first.max(
            self.catalogue
                .hazards
                .iter()
                .map(|row| row.number + 1)
                .max()
                .unwrap_or(1),
        );
        first..first + self.plan().patients * THIN_PER_PATIENT
    }

    /// One person of the thin list only.
    pub fn other(&self, number: u32) -> Option<(Person, ThinRow)> {
        let mut rng = self.rng(number, Subject::Thin);
        let department = rng.weighted(self.catalogue.departments.iter().map(|d| d.weight))?;
        let here = self.catalogue.departments.get(department)?;
        let sex = here.sex.unwrap_or(if rng.chance(50) { Sex::Female } else { Sex::Male });
        let (from, to) = here.ages;
        let age = if to <= 15 {
            rng.between(from, to)
        } else {
            rng.around(from.max(20), to.min(92))
        };
        let birth = calendar::plus(calendar::years_before(self.today(), age), -rng.between(1, 363));
        let person = Person::invent(
            &self.catalogue,
            &mut self.rng(number, Subject::Person),
            sex,
            birth,
            self.today(),
        );
        Some((person, thin_row(self, number, &mut rng, department)?))
    }
}

/// Another appointment of a patient of the day within the thin list.
pub(crate) fn later(hospital: &Hospital, number: u32, case: &Case) -> Option<ThinRow> {
    let mut rng = hospital.rng(number, Subject::Thin);
    if !rng.chance(8) {
        return None;
    }
    let department = case.attended.last()?.department;
    thin_row(hospital, number, &mut rng, department)
}

fn thin_row(hospital: &Hospital, number: u32, rng: &mut Rng, department: usize) -> Option<ThinRow> {
    let open: Vec<_> = (1..=THIN_DAYS)
        .map(|days| calendar::plus(hospital.today(), days))
        .filter(|day| calendar::is_open(*day))
        .collect();
    let date = *rng.pick(&open)?;
    let doctors: Vec<usize> = hospital
        .catalogue
        .doctors
        .iter()
        .enumerate()
        .filter(|(_, d)| d.department == department)
        .map(|(place, _)| place)
        .collect();
    let doctor = *rng.pick(&doctors)?;
    Some(ThinRow {
        id: hospital.id(number),
        at: date.to_datetime(slot(rng)),
        department,
        doctor,
    })
}
