//! What can only be put into a chart when everything about a patient was read: a stay with its diet, drugs in their order, the
//! public payers of an insurance.

use std::collections::BTreeMap;

use chart::coverage::{Coverage, MAX_PUBLIC};
use chart::stay::Contact;
use chart::{Known, PatientId, Stay};

use crate::sources::gather::{DrugSaid, Gathering, ward};

/// Facts on hold, by patient: in the order of numbers, so that the same input gives the same charts.
#[derive(Debug, Default)]
pub struct Pending {
    stays: BTreeMap<PatientId, Vec<(Stay, String)>>,
    drugs: BTreeMap<PatientId, Vec<(u16, DrugSaid)>>,
    coverages: BTreeMap<PatientId, Vec<Coverage>>,
    contacts: BTreeMap<PatientId, Vec<Contact>>,
    diets: BTreeMap<PatientId, Vec<String>>,
    isolations: BTreeMap<PatientId, Vec<String>>,
    marks: BTreeMap<PatientId, Vec<(String, String)>>,
    /// True when the source knows diets at all.
    pub has_diets: bool,
    /// True when it knows flags at all.
    pub has_flags: bool,
}

impl Pending {
    /// A stay, and the file that says so.
    pub fn stay(&mut self, id: &PatientId, stay: Stay, file: &str) {
        self.stays.entry(id.clone()).or_default().push((stay, file.to_owned()));
    }

    /// A drug with its place within its number.
    pub fn drug(&mut self, id: &PatientId, place: u16, said: DrugSaid) {
        self.drugs.entry(id.clone()).or_default().push((place, said));
    }

    /// An insurance.
    pub fn coverage(&mut self, id: &PatientId, coverage: Coverage) {
        self.coverages.entry(id.clone()).or_default().push(coverage);
    }

    /// Those to call.
    pub fn contacts(&mut self, id: &PatientId, contacts: Vec<Contact>) {
        if !contacts.is_empty() {
            self.contacts.insert(id.clone(), contacts);
        }
    }

    /// A diet.
    pub fn diet(&mut self, id: &PatientId, words: String) {
        self.diets.entry(id.clone()).or_default().push(words);
    }

    /// A reason to keep apart.
    pub fn isolation(&mut self, id: &PatientId, words: String) {
        self.isolations.entry(id.clone()).or_default().push(words);
    }

    /// What a ward knows, by its label.
    pub fn mark(&mut self, id: &PatientId, label: &str, words: String) {
        self.marks
            .entry(id.clone())
            .or_default()
            .push((label.to_owned(), words));
    }

    /// True when this patient lies in a bed.
    #[must_use]
    pub fn lies(&self, id: &PatientId) -> bool {
        self.stays.contains_key(id)
    }

    /// Puts everything into the charts.
    pub fn settle(mut self, gathering: &mut Gathering) {
        for (id, mut drugs) in std::mem::take(&mut self.drugs) {
            drugs.sort_by_key(|(place, said)| (said.on, said.item.rp, *place));
            if let Some(about) = gathering.about(&id) {
                about.draft.drugs.extend(drugs.into_iter().map(|(_, said)| said));
            }
        }
        for (id, coverages) in std::mem::take(&mut self.coverages) {
            if let Some(about) = gathering.about(&id) {
                about.draft.insurances.extend(with_public(coverages));
            }
        }
        let known = |said: Option<Vec<String>>, at_all: bool| match said {
            Some(words) => Known::Present(words.join("、")),
            None if at_all => Known::NotRecorded,
            None => Known::Unavailable { since: None },
        };
        for (id, stays) in std::mem::take(&mut self.stays) {
            for (mut stay, file) in stays {
                if !matches!(stay.diet, Known::Present(_)) || self.diets.contains_key(&id) {
                    stay.diet = known(self.diets.get(&id).cloned(), self.has_diets);
                }
                stay.isolation = known(self.isolations.get(&id).cloned(), self.has_flags);
                stay.contacts = Known::from_list(self.contacts.get(&id).cloned().unwrap_or_default());
                // Where the source knows such words at all, what a stay lacks was not recorded.
                if !self.marks.is_empty() {
                    ward::put(&mut stay, self.marks.get(&id).map_or(&[], Vec::as_slice));
                }
                if let Some(mut about) = gathering.about(&id) {
                    about.stays(stay, &file);
                }
            }
        }
    }
}

/// Public payers belong to the insurance they pay beside; with two insurances nobody can say to which, and they stand alone.
fn with_public(coverages: Vec<Coverage>) -> Vec<Coverage> {
    let (mut insurances, public): (Vec<_>, Vec<_>) = coverages
        .into_iter()
        .partition(|one| !one.insurer.is_empty() || one.public.is_empty());
    match insurances.as_mut_slice() {
        [only] if only.public.len() + public.len() <= MAX_PUBLIC => {
            only.public.extend(public.into_iter().flat_map(|one| one.public));
        }
        _ => insurances.extend(public),
    }
    insurances
}
