//! Since when, how often and with whom: visits and diagnoses with dates that are possible.

use crate::calendar;
use crate::catalogue::{Catalogue, Course, Disease, Stay};
use crate::hospital::Hospital;
use crate::illness::Case;
use crate::patient::{Diagnosis, Visit};
use crate::rng::{Rng, Subject};
use jiff::civil::Date;

/// At most so many diagnoses.
const MAX_DIAGNOSES: usize = 15;

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
}
