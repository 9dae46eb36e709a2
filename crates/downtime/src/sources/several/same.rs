//! When two sources say the same: what somebody treats a patient by, not how a format writes it.
//!
//! ICD-10 with and without its dot, order numbers of two systems, `60以上` and `>60` are no disagreement; hundreds of such would bury the
//! one that is. What only one of the two says is no disagreement either; what both say differently is.

use chart::{Appointment, Coded, Coverage, Diagnosis, ExamOrder, LabResult, Note, Prescription, PrescriptionItem};

/// The same fact, as far as both say it.
pub trait SameFact {
    /// True when nothing that both say differs.
    fn same(&self, other: &Self) -> bool;
}

impl SameFact for Appointment {
    fn same(&self, other: &Self) -> bool {
        self.on == other.on
            && agree(&self.at, &other.at)
            && coded(&self.department, &other.department)
            && coded(&self.doctor, &other.doctor)
    }
}

impl SameFact for ExamOrder {
    fn same(&self, other: &Self) -> bool {
        self.on == other.on && agree(&self.at, &other.at) && coded(&self.exam, &other.exam)
    }
}

impl SameFact for Diagnosis {
    fn same(&self, other: &Self) -> bool {
        words(&self.text()) == words(&other.text()) && agree(&self.since, &other.since)
    }
}

impl SameFact for Note {
    fn same(&self, other: &Self) -> bool {
        let text = |note: &Self| -> String { note.sections.iter().map(|section| words(&section.text)).collect() };
        self.on == other.on && agree(&self.at, &other.at) && text(self) == text(other)
    }
}

impl SameFact for Prescription {
    fn same(&self, other: &Self) -> bool {
        self.on == other.on
            && coded(&self.department, &other.department)
            && self.items.len() == other.items.len()
            && self
                .items
                .iter()
                .all(|item| other.items.iter().any(|theirs| item.same(theirs)))
    }
}

impl SameFact for PrescriptionItem {
    fn same(&self, other: &Self) -> bool {
        coded(&self.drug, &other.drug)
            && agree(&self.per_dose, &other.per_dose)
            && agree(&self.per_day, &other.per_day)
            && agree(&self.days, &other.days)
            && agree(&self.times, &other.times)
            && self.rhythm == other.rhythm
            && text(&self.usage, &other.usage)
    }
}

impl SameFact for LabResult {
    fn same(&self, other: &Self) -> bool {
        self.on == other.on
            && agree(&self.at, &other.at)
            && (text(&self.name, &other.name) || (!self.code.is_empty() && self.code == other.code))
            && text(&self.value, &other.value)
            && text(&self.unit, &other.unit)
    }
}

impl SameFact for Coverage {
    fn same(&self, other: &Self) -> bool {
        let payers = |one: &Self| -> Vec<(String, String)> {
            let payers = one.public.iter();
            payers.map(|p| (p.payer.clone(), p.recipient.clone())).collect()
        };
        self.insurer == other.insurer
            && text(&self.symbol, &other.symbol)
            && self.number == other.number
            && text(&self.branch, &other.branch)
            && payers(self) == payers(other)
    }
}

/// What one of them does not say is no difference.
fn agree<T: PartialEq>(one: &Option<T>, other: &Option<T>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    }
}

fn text(one: &str, other: &str) -> bool {
    let (one, other) = (words(one), words(other));
    one.is_empty() || other.is_empty() || one == other
}

/// By its code where both have the same, else by its name: two systems may well number one thing in two ways.
fn coded(one: &Coded, other: &Coded) -> bool {
    (!one.code.is_empty() && one.code == other.code) || text(one.label(), other.label())
}

/// Without blanks, and with one width of letters.
fn words(text: &str) -> String {
    let text = chart::id::half_width_text(text);
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notation_is_no_disagreement_and_a_dose_is() {
        let diagnosis = |icd10: &str, suspected| Diagnosis {
            name: "慢性心不全".to_owned(),
            icd10: icd10.to_owned(),
            suspected,
            ..Diagnosis::default()
        };
        assert!(diagnosis("I50.0", false).same(&diagnosis("I500", false)));
        assert!(!diagnosis("I50.0", false).same(&diagnosis("I50.0", true)));
        let item = |dose: &str| PrescriptionItem {
            drug: Coded::new("L1", "アピキサバン錠2.5mg"),
            per_dose: chart::dose::Quantity::parse(dose, "錠"),
            ..PrescriptionItem::default()
        };
        assert!(item("1").same(&item("1.0")));
        assert!(!item("1").same(&item("2")));
        assert!(item("1").same(&item("")), "one of them says no amount");
    }
}
