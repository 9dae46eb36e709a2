//! Who has what: departments attended, and diseases that fit age and sex and each other.
//!
//! It does not treat anything.

use crate::calendar;
use crate::catalogue::{Catalogue, Disease, HazardRow};
use crate::hospital::Hospital;
use crate::person::Sex;
use crate::rng::{Rng, Subject};
use jiff::civil::Date;

/// What is wrong with a patient, decided before anything else.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) sex: Sex,
    pub(crate) birth: Date,
    /// Years.
    pub(crate) age: i64,
    /// Departments attended, the first booked one first.
    pub(crate) attended: Vec<Attended>,
    /// Everything asked for is given (a hazard).
    pub(crate) full: bool,
}

/// One department attended.
#[derive(Debug, Clone)]
pub(crate) struct Attended {
    /// Place in the table of departments.
    pub(crate) department: usize,
    /// Active diseases followed there, places in the table.
    pub(crate) diseases: Vec<usize>,
    /// Booked on the day.
    pub(crate) booked: bool,
    /// Never been there.
    pub(crate) first: bool,
}

/// At most so many active diseases in one department, for people who are no hazard.
const MAX_ACTIVE: usize = 6;

impl Case {
    /// Decides the case of one patient.
    pub(crate) fn of(hospital: &Hospital, number: u32, hazard: Option<&HazardRow>) -> Self {
        let mut rng = hospital.rng(number, Subject::Illness);
        let (catalogue, today) = (&hospital.catalogue, hospital.today());
        if let Some(row) = hazard {
            return Case::laid_down(&mut rng, catalogue, row, today);
        }
        let department = rng
            .weighted(catalogue.departments.iter().map(|d| d.weight))
            .unwrap_or_default();
        let weights = catalogue.diseases.iter().map(|d| {
            if d.departments.contains(&department) {
                d.weight
            } else {
                0
            }
        });
        let main = rng.weighted(weights).unwrap_or_default();
        let (sex, birth) = catalogue.diseases.get(main).map_or((Sex::Female, today), |disease| {
            someone(&mut rng, catalogue, disease, department, today)
        });
        let mut case = Case {
            sex,
            birth,
            age: calendar::age(birth, today),
            attended: Vec::new(),
            full: false,
        };
        let first = case.age > 0 && rng.chance(5);
        case.attend(&mut rng, catalogue, department, main, true, first);
        if !case.pregnant(catalogue) {
            if rng.chance(8) {
                case.attend_another(&mut rng, catalogue, true, false);
            }
            // Many are followed in a second department too, on other days.
            let elsewhere = match case.age {
                65.. => 55,
                40.. => 24,
                _ => 6,
            };
            if rng.chance(elsewhere) {
                let medical = !catalogue.is_medical(department) && rng.chance(75);
                case.attend_another(&mut rng, catalogue, false, medical);
            }
        }
        case
    }

    fn laid_down(rng: &mut Rng, catalogue: &Catalogue, row: &HazardRow, today: Date) -> Self {
        let birth = laid_down_birth(row.birth, today);
        let mut case = Case {
            sex: row.sex,
            birth,
            age: calendar::age(birth, today),
            attended: Vec::new(),
            full: row.has("full") || row.has("rx15"),
        };
        let [first, second] = row.diseases.clone();
        case.attended.push(Attended {
            department: row.department,
            diseases: first,
            booked: true,
            first: row.has("first"),
        });
        if let Some(department) = row.second {
            if second.is_empty() {
                case.attend_another(rng, catalogue, true, false);
            } else {
                case.attended.push(Attended {
                    department,
                    diseases: second,
                    booked: true,
                    first: false,
                });
            }
        }
        case
    }

    /// All active diseases.
    pub(crate) fn diseases<'a>(&'a self, catalogue: &'a Catalogue) -> impl Iterator<Item = &'a Disease> {
        self.attended
            .iter()
            .filter(|a| !a.first)
            .flat_map(|a| &a.diseases)
            .filter_map(|place| catalogue.diseases.get(*place))
    }

    /// Has a disease whose ICD-10 code begins so.
    pub(crate) fn has(&self, catalogue: &Catalogue, prefix: &str) -> bool {
        self.diseases(catalogue).any(|disease| disease.key.starts_with(prefix))
    }

    pub(crate) fn pregnant(&self, catalogue: &Catalogue) -> bool {
        self.diseases(catalogue).any(Disease::pregnancy)
    }

    /// Could this person have this disease beside the others?
    pub(crate) fn could_have(&self, catalogue: &Catalogue, disease: &Disease) -> bool {
        let fits =
            disease.sex.is_none_or(|sex| sex == self.sex) && (disease.ages.0..=disease.ages.1).contains(&self.age);
        let inside = |set: &Vec<&str>, key: &str| set.iter().any(|prefix| key.starts_with(prefix));
        let excluded = self
            .attended
            .iter()
            .flat_map(|a| &a.diseases)
            .filter_map(|place| catalogue.diseases.get(*place))
            .any(|other| {
                other.icd() == disease.icd()
                    || catalogue
                        .exclusive
                        .iter()
                        .any(|set| inside(set, other.key) && inside(set, disease.key))
            });
        fits && !excluded
    }

    fn attend(
        &mut self,
        rng: &mut Rng,
        catalogue: &Catalogue,
        department: usize,
        main: usize,
        booked: bool,
        first: bool,
    ) {
        self.attended.push(Attended {
            department,
            diseases: vec![main],
            booked,
            first,
        });
        if first {
            return;
        }
        // The older, the more comes along.
        let older = match self.age {
            75.. => 230,
            65.. => 180,
            _ => 110,
        };
        let mut open = vec![(main, 100)];
        while let Some((place, share)) = open.pop() {
            let Some(disease) = catalogue.diseases.get(place) else {
                continue;
            };
            for (key, percent) in &disease.also {
                let Some((other, found)) = catalogue.diseases.iter().enumerate().find(|(_, d)| d.key == *key) else {
                    continue;
                };
                let full = self.attended.last().is_none_or(|a| a.diseases.len() >= MAX_ACTIVE);
                if rng.chance(percent * share * older / 10_000) && !full && self.could_have(catalogue, found) {
                    if let Some(here) = self.attended.last_mut() {
                        here.diseases.push(other);
                    }
                    if share == 100 {
                        open.push((other, 40));
                    }
                }
            }
        }
    }

    /// Attends one more department, a medical one if `medical`, when one can be found that fits.
    fn attend_another(&mut self, rng: &mut Rng, catalogue: &Catalogue, booked: bool, medical: bool) {
        for _ in 0..8 {
            let department = rng
                .weighted(catalogue.departments.iter().map(|d| d.weight))
                .unwrap_or_default();
            let Some(here) = catalogue.departments.get(department) else {
                continue;
            };
            let known = self.attended.iter().any(|a| a.department == department);
            let seen = here.sex.is_none_or(|sex| sex == self.sex) && (here.ages.0..=here.ages.1).contains(&self.age);
            let weights = catalogue.diseases.iter().map(|d| {
                let fits = d.departments.contains(&department) && !d.pregnancy() && self.could_have(catalogue, d);
                if fits { d.weight } else { 0 }
            });
            let main = rng.weighted(weights.collect::<Vec<_>>().into_iter());
            let wanted = !medical || catalogue.is_medical(department);
            if let (false, true, Some(main)) = (known, seen && wanted, main) {
                self.attend(rng, catalogue, department, main, booked, false);
                return;
            }
        }
    }
}

/// Sex and birth of somebody who has this disease and is seen in this department.
fn someone(rng: &mut Rng, catalogue: &Catalogue, disease: &Disease, department: usize, today: Date) -> (Sex, Date) {
    let here = catalogue.departments.get(department);
    let sex = disease
        .sex
        .or(here.and_then(|d| d.sex))
        .unwrap_or(if rng.chance(51) { Sex::Female } else { Sex::Male });
    let (from, to) = here.map_or(disease.ages, |d| {
        (disease.ages.0.max(d.ages.0), disease.ages.1.min(d.ages.1))
    });
    if to == 0 {
        return (sex, calendar::plus(today, -rng.between(5, 27)));
    }
    let age = match to {
        105.. if rng.chance(1) => rng.between(97, 103),
        // What the old can have, mostly the old have.
        85.. => rng.around(from, to.min(94)).max(rng.between(from, to.min(90))),
        16.. => rng.around(from, to),
        _ => rng.between(from, to),
    };
    let born = calendar::years_before(today, age);
    if age == 0 {
        // A mass examination of babies begins at four weeks, other illness at two months.
        let youngest = if disease.key.starts_with("Z00") { 28 } else { 60 };
        return (sex, calendar::plus(today, -rng.between(youngest, 360)));
    }
    (sex, calendar::plus(born, -rng.between(0, 363)))
}

fn laid_down_birth(text: &str, today: Date) -> Date {
    if let Some(days) = text.strip_prefix('-') {
        return calendar::plus(today, -days.parse().unwrap_or(1));
    }
    if let Some((years, day)) = text.strip_prefix('y').and_then(|rest| rest.split_once('-')) {
        let this_year: Date = format!("{:04}-{day}", today.year()).parse().unwrap_or(today);
        let birthday = if this_year > today {
            calendar::years_before(this_year, 1)
        } else {
            this_year
        };
        return calendar::years_before(birthday, years.parse().unwrap_or(1));
    }
    text.parse().unwrap_or(today)
}

/// eGFR that fits the diseases.
pub(crate) fn kidney(rng: &mut Rng, case: &Case, catalogue: &Catalogue, usual: i64) -> i64 {
    let stages: [(&str, i64, i64); 6] = [
        ("N18.5", 6, 13),
        ("N18.4", 16, 29),
        ("N18.3", 32, 58),
        ("C64", 38, 62),
        ("E11.2", 46, 78),
        ("N04", 40, 85),
    ];
    let found = stages.iter().find(|(key, ..)| case.has(catalogue, key));
    found.map_or(usual, |(_, from, to)| rng.around(*from, *to))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn laid_down_births_are_read() {
        let today = date(2026, 11, 20);
        assert_eq!(laid_down_birth("1951-05-12", today), date(1951, 5, 12));
        assert_eq!(laid_down_birth("-9", today), date(2026, 11, 11));
        assert_eq!(laid_down_birth("y4-06-18", today), date(2022, 6, 18));
        assert_eq!(laid_down_birth("y4-12-01", today), date(2021, 12, 1));
    }
}
