//! The last prescription of each department: drugs that fit the diseases, the age, the kidneys, the allergies and each other.
//!
//! It plays a careful prescriber so that nobody learns wrong doses from the demonstration; it is no source of doses.

mod dispensing;

use crate::body::Body;
use crate::catalogue::{Avoid, Disease, Drug, DrugKind, Sig};
use crate::hospital::Hospital;
use crate::illness::Case;
use crate::patient::{Prescribed, Prescription, Visit};
use crate::rng::{Rng, Subject};
use dispensing::into_rps;

/// At most so many drugs in one prescription of somebody who is no hazard.
const MAX_DRUGS: usize = 12;
/// So many in the prescription of the hazard that has many.
const MANY_DRUGS: usize = 15;
/// What fills up the prescription of the hazard that has many.
const FILLERS: [&str; 14] = [
    "b12", "prob", "mgo", "apapt", "muc", "senn", "kgor", "eldec", "orex", "emet", "hya", "hepa", "lima", "urea",
];

/// Diseases that every department treats along the way.
const EVERYWHERE: [&str; 3] = ["K59.0", "G47.0", "M54.5"];

/// Writes the prescriptions into the visits.
pub(crate) fn prescribe(
    hospital: &Hospital,
    number: u32,
    case: &Case,
    body: &Body,
    stops: &[&'static str],
    visits: &mut [Visit],
) {
    let mut pen = Prescriber {
        hospital,
        case,
        body,
        stops,
        rng: hospital.rng(number, Subject::Medicine),
        groups: Vec::new(),
        weekday: 0,
    };
    pen.weekday = pen.rng.below(6) as usize + 1;
    let many = hospital.hazard(number).is_some_and(|row| row.has("rx15"));
    for (attended, visit) in case.attended.iter().zip(visits) {
        let Some(date) = visit.last else { continue };
        let mut items = Vec::new();
        for (nth, disease) in attended
            .diseases
            .iter()
            .filter_map(|place| hospital.catalogue.diseases.get(*place))
            .enumerate()
        {
            let everywhere = EVERYWHERE.contains(&disease.key) && case.age >= 16;
            if nth > 0 && !everywhere && !hospital.catalogue.looks_after(attended.department, disease) {
                // Somebody else treats it, here or outside.
                continue;
            }
            pen.treat(
                disease,
                visit.weeks,
                if many { MANY_DRUGS } else { MAX_DRUGS },
                &mut items,
            );
        }
        if many
            && let Some(disease) = attended
                .diseases
                .first()
                .and_then(|place| hospital.catalogue.diseases.get(*place))
        {
            for group in FILLERS {
                pen.give(&[group], disease, visit.weeks, MANY_DRUGS, &mut items);
            }
        }
        if !items.is_empty() {
            let bagged =
                case.age >= 70 && items.iter().filter(|i| i.kind == DrugKind::Oral).count() >= 5 && pen.rng.chance(50);
            visit.prescription = Some(Prescription {
                date,
                items: into_rps(items, bagged),
            });
        }
    }
}

/// One prescriber at work on one patient.
struct Prescriber<'a> {
    hospital: &'a Hospital,
    case: &'a Case,
    body: &'a Body,
    stops: &'a [&'static str],
    rng: Rng,
    /// Groups given so far, in any department.
    groups: Vec<&'static str>,
    /// The day of the week for weekly drugs.
    weekday: usize,
}

impl Prescriber<'_> {
    fn treat(&mut self, disease: &Disease, weeks: i64, most: usize, items: &mut Vec<Prescribed>) {
        for (groups, percent) in &disease.drugs {
            if self.case.full && *percent >= 8 || self.rng.chance(*percent) {
                self.give(groups, disease, weeks, most, items);
            }
        }
    }

    fn give(
        &mut self,
        groups: &[&'static str],
        disease: &Disease,
        weeks: i64,
        most: usize,
        items: &mut Vec<Prescribed>,
    ) {
        if items.len() + groups.len() > most || !groups.iter().all(|group| self.allowed(group)) {
            return;
        }
        let mut found = Vec::new();
        for group in groups {
            let fitting: Vec<_> = self
                .hospital
                .catalogue
                .drugs_of(group)
                .filter(|(_, d)| (d.ages.0..=d.ages.1).contains(&self.case.age))
                .collect();
            match self.rng.pick(&fitting) {
                Some((place, drug)) => found.push((*place, *drug)),
                None => return,
            }
        }
        for (place, drug) in found {
            let fitting: Vec<&Sig> = drug
                .sigs
                .iter()
                .filter(|sig| self.reaches(sig, drug, disease))
                .collect();
            let any: Vec<&Sig> = drug.sigs.iter().collect();
            if let Some(sig) = self.rng.pick(if fitting.is_empty() { &any } else { &fitting }).copied() {
                items.push(self.item(place, drug, sig, disease, weeks));
                self.groups.push(drug.group);
            }
        }
    }

    /// May this group be given to this person now?
    fn allowed(&self, group: &&'static str) -> bool {
        let none = Vec::new();
        let rules = |group: &str| self.hospital.catalogue.avoid.get(group).unwrap_or(&none).iter();
        let hit = |rule: &Avoid| match rule {
            Avoid::Group(other) => self.groups.contains(other),
            Avoid::Disease(prefix) => self.case.has(&self.hospital.catalogue, prefix),
            Avoid::Kidney(limit) => self.body.egfr < *limit,
            Avoid::Older(limit) => self.case.age > *limit,
            Avoid::Pregnancy => self.case.pregnant(&self.hospital.catalogue),
            Avoid::Child => self.case.age < 15,
        };
        let wanted_by_others = self
            .groups
            .iter()
            .any(|given| rules(given).any(|rule| *rule == Avoid::Group(group)));
        !self.groups.contains(group) && !self.stops.contains(group) && !rules(group).any(hit) && !wanted_by_others
    }

    /// A tape goes where the disease is.
    fn reaches(&self, sig: &Sig, drug: &Drug, disease: &Disease) -> bool {
        let wanted = match disease.key.get(..3) {
            Some("M17") => "tpk",
            Some("M48" | "M51" | "M54") => "tpw",
            Some("M75" | "M47") => "tps",
            _ => return true,
        };
        drug.group != "tape" || self.hospital.catalogue.usage(sig.usage).key == wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amount::Amount;
    use crate::hospital::Plan;
    use crate::patient::{Cautions, Interval, Patient};
    use jiff::civil::date;

    /// Everything that can be said against a prescription by the tables, over many patients.
    #[test]
    fn nobody_gets_what_they_must_not() {
        let plan = Plan {
            patients: 900,
            date: date(2026, 11, 20),
            seed: 7,
        };
        let hospital = Hospital::new(&plan).expect("plan within limits");
        let mut seen = 0;
        for number in 1..=plan.patients {
            let patient = hospital.patient(number);
            let items: Vec<_> = patient
                .visits
                .iter()
                .filter_map(|v| v.prescription.as_ref())
                .flat_map(|p| &p.items)
                .collect();
            for item in &items {
                let drug = &hospital.catalogue.drugs[item.drug];
                let age = crate::calendar::age(patient.person.birth, plan.date);
                assert!(
                    (drug.ages.0..=drug.ages.1).contains(&age),
                    "{number}: {} at {age}",
                    drug.name
                );
                let most = if drug.kind == DrugKind::AsNeeded {
                    item.each
                } else {
                    item.daily
                };
                assert!(
                    drug.max.0 == 0 || most.is_none_or(|most| most <= drug.max),
                    "{number}: {} {most:?}",
                    drug.name
                );
                assert!(
                    item.quantity >= 1 && item.quantity <= 400,
                    "{number}: {} {}",
                    drug.name,
                    item.quantity
                );
                if let Some(parts) = item.uneven {
                    assert_eq!(item.daily, Some(Amount(parts.iter().map(|p| p.0).sum())));
                }
                if let (Some(each), Some(daily)) = (item.each, item.daily) {
                    assert_eq!(daily, each.times(i64::from(item.times)));
                }
                if drug.limited {
                    assert!(item.quantity <= 30);
                }
                against(&hospital, &patient, drug.group, &items);
                seen += 1;
            }
        }
        assert!(seen > 1800, "only {seen} drugs were prescribed");
    }

    fn against(hospital: &Hospital, patient: &Patient, group: &str, items: &[&Prescribed]) {
        let groups: Vec<&str> = items.iter().map(|i| hospital.catalogue.drugs[i.drug].group).collect();
        let active: Vec<&str> = patient
            .diagnoses
            .iter()
            .filter(|d| !d.suspected && d.ended.is_none())
            .map(|d| d.icd)
            .collect();
        for rule in hospital.catalogue.avoid.get(group).into_iter().flatten() {
            match rule {
                Avoid::Group(other) => assert!(!groups.contains(other), "{}: {group} with {other}", patient.id),
                Avoid::Disease(prefix) => assert!(
                    !active.iter().any(|icd| icd.starts_with(prefix)),
                    "{}: {group} in {prefix}",
                    patient.id
                ),
                _ => {}
            }
        }
        if let Cautions::Known(cautions) = &patient.cautions {
            for allergen in hospital
                .catalogue
                .allergens
                .iter()
                .filter(|a| cautions.iter().any(|c| c.code == a.code))
            {
                assert!(
                    !allergen.stops.contains(&group),
                    "{}: {group} in spite of {}",
                    patient.id,
                    allergen.text
                );
            }
        }
    }

    #[test]
    fn weekly_and_uneven_and_weight_based_drugs_come_out_right() {
        let plan = Plan {
            patients: 60,
            date: date(2026, 11, 20),
            seed: 1,
        };
        let hospital = Hospital::new(&plan).expect("plan within limits");
        let items = |number: u32| {
            hospital
                .patient(number)
                .visits
                .iter()
                .filter_map(|v| v.prescription.clone())
                .flat_map(|p| p.items)
                .collect::<Vec<_>>()
        };
        let methotrexate = items(51)
            .into_iter()
            .find(|i| i.name.contains("メトトレキサート"))
            .expect("hazard 51 takes it weekly");
        assert!(
            matches!(methotrexate.interval, Interval::Weekdays(days) if days.iter().filter(|on| **on).count() == 1)
        );
        assert!(methotrexate.uneven.is_some());
        let child = items(49);
        assert!(child.iter().any(|i| i.unit == "g" || i.unit == "mL"), "{child:?}");
        assert_eq!(items(34).len(), MANY_DRUGS);
    }
}
