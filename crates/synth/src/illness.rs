//! Who has what: departments attended, diseases that fit age and sex and each other, and since when.
//!
//! It does not treat anything.

use crate::calendar;
use crate::catalogue::{Catalogue, Course, Disease, HazardRow, Stay};
use crate::hospital::Hospital;
use crate::patient::{Diagnosis, Visit};
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

/// At most so many diagnoses.
const MAX_DIAGNOSES: usize = 15;
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
    fn could_have(&self, catalogue: &Catalogue, disease: &Disease) -> bool {
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

/// Visits and diagnoses with their dates.
pub(crate) fn history(hospital: &Hospital, number: u32, case: &mut Case) -> (Vec<Visit>, Vec<Diagnosis>) {
    let mut rng = hospital.rng(number, Subject::Plan);
    let (catalogue, today) = (&hospital.catalogue, hospital.today());
    let mut visits = Vec::new();
    let mut diagnoses = Vec::new();
    for attended in &mut case.attended {
        let main = attended
            .diseases
            .first()
            .and_then(|place| catalogue.diseases.get(*place));
        let weeks = main.map_or(4, |disease| {
            weeks_between(&mut rng, disease, &hospital.catalogue, attended.department)
        });
        let doctors: Vec<usize> = catalogue
            .doctors
            .iter()
            .enumerate()
            .filter(|(_, d)| d.department == attended.department)
            .map(|(place, _)| place)
            .collect();
        let chief = hospital.hazard(number).is_some_and(|row| row.has("chief"));
        let doctor = if chief { doctors.first() } else { rng.pick(&doctors) }
            .copied()
            .unwrap_or_default();
        let last = if attended.first {
            None
        } else {
            last_visit(&mut rng, case.birth, today, weeks)
        };
        // A newborn whose only possible days were closed comes for the first time.
        attended.first = last.is_none();
        visits.push(Visit {
            department: attended.department,
            doctor,
            weeks,
            last,
            note: None,
            prescription: None,
            appointment: None,
        });
        let Some(last) = last else { continue };
        for disease in attended
            .diseases
            .iter()
            .filter_map(|place| catalogue.diseases.get(*place))
        {
            let onset = onset(&mut rng, disease, case.birth, last);
            diagnoses.push(diagnosis(disease, attended.department, onset));
        }
        if let Some(first) = diagnoses.iter_mut().find(|d| d.department == attended.department) {
            first.principal = true;
        }
    }
    let plain = hospital.hazard(number).is_none();
    if plain && case.age >= 2 {
        add_past(&mut rng, hospital, case, &visits, &mut diagnoses);
    }
    diagnoses.sort_by_key(|d| d.onset);
    diagnoses.truncate(MAX_DIAGNOSES);
    (visits, diagnoses)
}

fn diagnosis(disease: &Disease, department: usize, onset: Date) -> Diagnosis {
    Diagnosis {
        name: disease.name,
        icd: disease.icd(),
        suspected: false,
        principal: false,
        onset,
        stay: Stay::Continuing,
        ended: None,
        department,
    }
}

/// Illness that is over, and suspicions.
fn add_past(rng: &mut Rng, hospital: &Hospital, case: &Case, visits: &[Visit], diagnoses: &mut Vec<Diagnosis>) {
    let catalogue = &hospital.catalogue;
    for visit in visits {
        let Some(last) = visit.last else { continue };
        let fits = |d: &Disease, wanted: Course| {
            d.departments.contains(&visit.department)
                && d.course == wanted
                && !d.pregnancy()
                && case.could_have(catalogue, d)
        };
        if rng.chance(12) {
            let past: Vec<usize> = (0..catalogue.diseases.len())
                .filter(|p| catalogue.diseases.get(*p).is_some_and(|d| fits(d, Course::Recent)))
                .collect();
            let began = calendar::open_on_or_before(calendar::plus(last, -rng.between(200, 1500)));
            if let Some(disease) = rng.pick(&past).and_then(|place| catalogue.diseases.get(*place))
                && calendar::age(case.birth, began) >= disease.ages.0.max(1)
            {
                let cured = rng.chance(80);
                let ended = calendar::open_on_or_before(calendar::plus(began, rng.between(7, 60)));
                let stay = if cured { Stay::Cured } else { Stay::Stopped };
                diagnoses.push(Diagnosis {
                    stay,
                    ended: Some(ended.max(began)),
                    ..diagnosis(disease, visit.department, began)
                });
            }
        }
        if rng.chance(8) {
            let possible: Vec<usize> = (0..catalogue.diseases.len())
                .filter(|p| {
                    catalogue
                        .diseases
                        .get(*p)
                        .is_some_and(|d| fits(d, Course::Chronic) && !d.name.contains('後') && !d.name.contains('（'))
                })
                .collect();
            if let Some(disease) = rng.pick(&possible).and_then(|place| catalogue.diseases.get(*place)) {
                diagnoses.push(Diagnosis {
                    suspected: true,
                    ..diagnosis(disease, visit.department, last)
                });
            }
        }
    }
}

fn weeks_between(rng: &mut Rng, disease: &Disease, catalogue: &Catalogue, department: usize) -> i64 {
    let psychiatry = catalogue.departments.get(department).is_some_and(|d| d.code_b == "PSY");
    let choices: &[i64] = match disease.course {
        _ if disease.pregnancy() => &[2, 4],
        _ if psychiatry => &[2, 4, 4, 4],
        Course::Recent => &[1, 1, 2],
        Course::After => &[4, 8, 12, 12],
        Course::Chronic if disease.ages.1 <= 15 => &[4, 4, 8],
        Course::Chronic => &[4, 4, 5, 6, 8, 8, 9, 10, 12, 12],
    };
    rng.pick(choices).copied().unwrap_or(4)
}

fn last_visit(rng: &mut Rng, birth: Date, today: Date, weeks: i64) -> Option<Date> {
    // Doctors have their days of the week; only some visits fell on another.
    let other_day = if rng.chance(30) { rng.between(0, 6) } else { 0 };
    let usual = calendar::open_on_or_before(calendar::plus(today, -weeks * 7 - other_day));
    if usual >= birth {
        return Some(usual);
    }
    let lived = calendar::days_between(birth, today);
    let early = calendar::open_on_or_before(calendar::plus(today, -rng.between(1, (lived / 2).max(1))));
    (early > birth && early < today).then_some(early)
}

fn onset(rng: &mut Rng, disease: &Disease, birth: Date, last: Date) -> Date {
    // Not before the age at which it is had, not before birth, not after the last visit.
    let youngest = calendar::plus(calendar::years_before(birth, -disease.ages.0), 1);
    let earliest = youngest.max(calendar::plus(last, -disease.longest_days)).min(last);
    let span = calendar::days_between(earliest, last);
    let settled = if disease.course == Course::Chronic {
        span.min(28)
    } else {
        0
    };
    let day = calendar::plus(last, -rng.between(settled, span));
    calendar::open_on_or_before(day).max(earliest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hospital::Plan;
    use jiff::civil::date;

    #[test]
    fn histories_are_possible() {
        let plan = Plan {
            patients: 800,
            date: date(2026, 11, 20),
            seed: 11,
        };
        let hospital = Hospital::new(&plan).expect("plan within limits");
        for number in 1..=plan.patients {
            let patient = hospital.patient(number);
            let birth = patient.person.birth;
            let age = calendar::age(birth, plan.date);
            assert!(patient.person.registered >= birth, "{number}");
            assert!(patient.diagnoses.len() <= MAX_DIAGNOSES);
            for visit in &patient.visits {
                let department = &hospital.catalogue.departments[visit.department];
                assert!(
                    (department.ages.0..=department.ages.1).contains(&age),
                    "{number}: {age} in {}",
                    department.name
                );
                assert!(
                    department.sex.is_none_or(|sex| sex == patient.person.sex),
                    "{number}: {:?} in {}",
                    patient.person.sex,
                    department.name
                );
                assert!(
                    visit
                        .last
                        .is_none_or(|last| last >= birth && last < plan.date && calendar::is_open(last)),
                    "{number}: {:?}",
                    visit.last
                );
            }
            for d in &patient.diagnoses {
                assert!(
                    d.onset >= birth && d.onset <= plan.date && d.onset >= patient.person.registered,
                    "{number}: {d:?}"
                );
                assert!(
                    d.ended.is_none_or(|ended| ended >= d.onset && ended <= plan.date),
                    "{number}: {d:?}"
                );
            }
        }
    }

    #[test]
    fn laid_down_births_are_read() {
        let today = date(2026, 11, 20);
        assert_eq!(laid_down_birth("1951-05-12", today), date(1951, 5, 12));
        assert_eq!(laid_down_birth("-9", today), date(2026, 11, 11));
        assert_eq!(laid_down_birth("y4-06-18", today), date(2022, 6, 18));
        assert_eq!(laid_down_birth("y4-12-01", today), date(2021, 12, 1));
    }
}
