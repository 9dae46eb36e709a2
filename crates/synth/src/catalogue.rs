//! What the hospital is made of, read from the tables in `data/`: departments, doctors, examinations, drugs, diseases, laboratory items,
//! allergens, sentences and names. The tables are part of the program, so a fault in them is a fault of this crate; it is reported all the
//! same as an error with file and line.
//!
//! It does not decide who has what; that is the work of the rooms that build a patient.

mod diseases;
mod drugs;
mod labs;
mod people;
mod phrases;
mod places;
mod table;

pub use diseases::Stay;
pub(crate) use diseases::{Avoid, Course, Disease};
pub use drugs::DrugKind;
pub(crate) use drugs::{Drug, Every, Fixed, Measure, Sig, Usage};
pub(crate) use labs::{Lab, Panel, Values};
pub(crate) use people::{Allergen, Given, HazardRow, Name};
pub(crate) use phrases::{Condition, Part, Phrase, Piece, Slot};
pub(crate) use places::{Department, Doctor, Exam};
use table::Rows;

use crate::SynthError;
use std::collections::BTreeMap;

/// Everything the tables say.
#[derive(Debug)]
pub(crate) struct Catalogue {
    pub(crate) departments: Vec<Department>,
    pub(crate) doctors: Vec<Doctor>,
    pub(crate) exams: Vec<Exam>,
    pub(crate) drugs: Vec<Drug>,
    pub(crate) usages: Vec<Usage>,
    pub(crate) diseases: Vec<Disease>,
    /// Sets of ICD prefixes of which one person has at most one.
    pub(crate) exclusive: Vec<Vec<&'static str>>,
    /// What a drug group is not given together with.
    pub(crate) avoid: BTreeMap<&'static str, Vec<Avoid>>,
    pub(crate) labs: Vec<Lab>,
    pub(crate) allergens: Vec<Allergen>,
    pub(crate) phrases: BTreeMap<&'static str, Vec<Phrase>>,
    pub(crate) families: Vec<Name>,
    pub(crate) given: Vec<Given>,
    pub(crate) towns: Vec<Name>,
    pub(crate) hazards: Vec<HazardRow>,
}

macro_rules! rows {
    ($name:literal, $columns:literal) => {
        Rows::new($name, include_str!(concat!("../data/", $name)), $columns)
    };
}

impl Catalogue {
    /// Reads all tables.
    ///
    /// # Errors
    /// A row that cannot be read or that names something which is in no table.
    pub(crate) fn load() -> Result<Self, SynthError> {
        let departments = places::departments(rows!("departments.tsv", 10))?;
        let doctors = places::doctors(rows!("doctors.tsv", 6), &departments)?;
        let exams = places::exams(rows!("exams.tsv", 7))?;
        let usages = drugs::usages(rows!("usages.tsv", 4))?;
        let drugs = drugs::drugs(rows!("drugs.tsv", 11), &usages)?;
        let labs = labs::labs(rows!("labs.tsv", 13))?;
        let diseases = diseases::diseases(rows!("diseases.tsv", 14), &departments, &drugs, &labs, &exams)?;
        let hazards = people::hazards(rows!("hazards.tsv", 15), &departments, &diseases)?;
        Ok(Catalogue {
            exclusive: diseases::exclusive(rows!("exclusive.tsv", 0)),
            avoid: diseases::avoid(rows!("avoid.tsv", 2), &drugs)?,
            allergens: people::allergens(rows!("allergens.tsv", 8))?,
            phrases: phrases::phrases(rows!("phrases.tsv", 4), &labs, &drugs)?,
            families: people::names(rows!("families.tsv", 2))?,
            given: people::given(rows!("given.tsv", 5))?,
            towns: people::names(rows!("towns.tsv", 2))?,
            departments,
            doctors,
            exams,
            drugs,
            usages,
            diseases,
            labs,
            hazards,
        })
    }

    /// The drugs of one group, in table order.
    pub(crate) fn drugs_of(&self, group: &str) -> impl Iterator<Item = (usize, &Drug)> {
        self.drugs
            .iter()
            .enumerate()
            .filter(move |(_, drug)| drug.group == group)
    }

    /// The usage with this place in the table (an empty one when there is none, which loading rules out).
    pub(crate) fn usage(&self, place: usize) -> Usage {
        self.usages.get(place).cloned().unwrap_or_default()
    }

    /// Is this a department of internal medicine in the wide sense?
    pub(crate) fn is_medical(&self, department: usize) -> bool {
        self.departments
            .get(department)
            .is_some_and(|d| matches!(d.code_b, "GIM" | "CAR" | "GAS" | "RES" | "DME" | "NEP" | "NEU"))
    }

    /// Does this department look after this disease itself? Medical departments look after each other's.
    pub(crate) fn looks_after(&self, department: usize, disease: &Disease) -> bool {
        disease.departments.contains(&department)
            || self.is_medical(department) && disease.departments.iter().any(|other| self.is_medical(*other))
    }

    /// The laboratory item with this letter code.
    pub(crate) fn lab(&self, code: &str) -> Option<usize> {
        self.labs.iter().position(|lab| lab.code_b == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn tables_are_whole_and_large_enough() {
        let c = Catalogue::load().expect("tables of the crate are readable");
        assert!(c.departments.len() >= 14);
        assert!(
            c.departments.iter().enumerate().all(|(place, _)| c
                .doctors
                .iter()
                .filter(|d| d.department == place)
                .count()
                >= 2)
        );
        assert!(c.diseases.len() >= 150, "{}", c.diseases.len());
        assert!(c.drugs.iter().map(|d| d.code).collect::<BTreeSet<_>>().len() >= 200);
        assert!(c.families.len() >= 300 && c.given.len() >= 400);
        assert!(c.phrases.values().map(Vec::len).sum::<usize>() >= 600);
        assert!(c.labs.len() >= 60 && c.exams.len() >= 30);
    }

    #[test]
    fn every_drug_treats_a_disease_and_every_disease_can_be_described() {
        let c = Catalogue::load().expect("tables of the crate are readable");
        let used: BTreeSet<&str> = c
            .diseases
            .iter()
            .flat_map(|d| d.drugs.iter())
            .flat_map(|(groups, _)| groups.iter().copied())
            .collect();
        for drug in &c.drugs {
            assert!(used.contains(drug.group), "{} is given for nothing", drug.name);
        }
        for disease in &c.diseases {
            let phrases = c.phrases.get(disease.bank).expect("bank exists");
            for part in [Part::S, Part::O, Part::A, Part::P] {
                assert!(
                    phrases.iter().any(|p| p.part == part),
                    "{} has no {part:?}",
                    disease.bank
                );
            }
        }
    }

    /// Nothing in a table gives more than its own limit, and one code is one name.
    #[test]
    fn doses_stay_within_the_limits_of_the_table() {
        let c = Catalogue::load().expect("tables of the crate are readable");
        let mut names = BTreeMap::new();
        for drug in &c.drugs {
            assert_eq!(*names.entry(drug.code).or_insert(drug.name), drug.name);
            for sig in &drug.sigs {
                let times = i64::from(c.usage(sig.usage).times);
                let most = match &sig.measure {
                    Measure::Each(_, high) if drug.kind == DrugKind::AsNeeded => *high,
                    Measure::Each(_, high) => high.times(times.max(1)),
                    Measure::Uneven(parts) => crate::Amount(parts.iter().map(|(_, high)| high.0).sum()),
                    Measure::PerKgDay(_) | Measure::PerKgEach(_) | Measure::None => continue,
                };
                assert!(
                    drug.max.0 == 0 || most <= drug.max,
                    "{} {most} > {}",
                    drug.name,
                    drug.max
                );
            }
        }
    }

    /// What is written in tables can be printed in CP932 except for what is meant not to be.
    #[test]
    fn tables_fit_the_old_encoding() {
        for (name, text) in [
            ("drugs", include_str!("../data/drugs.tsv")),
            ("diseases", include_str!("../data/diseases.tsv")),
            ("phrases", include_str!("../data/phrases.tsv")),
            ("labs", include_str!("../data/labs.tsv")),
        ] {
            for line in text.lines() {
                assert!(crate::cp932::lossless(line), "{name}: {line}");
            }
        }
    }
}
