//! One sentence of a note: may it be said of this patient, and what stands in its places.

use super::Writer;
use crate::catalogue::{Condition, Disease, DrugKind, Part, Phrase, Piece, Slot};
use crate::illness::Case;
use crate::patient::Note;
use crate::rng::Rng;

/// Measured once, so that every sentence of a note says the same.
pub(super) struct Vitals {
    pressure: (i64, i64),
    pulse: i64,
    /// Tenths of a degree.
    temperature: i64,
    oxygen: i64,
}

impl Vitals {
    pub(super) fn measure(rng: &mut Rng, case: &Case, diseases: &[&Disease]) -> Self {
        let child = case.age < 15;
        let lungs = diseases.iter().any(|d| matches!(d.bank, "COPD" | "ILD" | "LUNGCA"));
        Vitals {
            pressure: (rng.around(106, 142 + (case.age / 10) * 2), rng.around(54, 88)),
            pulse: if child {
                rng.around(150 - case.age * 6, 166 - case.age * 6).clamp(64, 150) - 12
            } else {
                rng.around(54, 92)
            },
            temperature: rng.around(360, if child { 374 } else { 370 }),
            oxygen: if lungs {
                rng.between(92, 97)
            } else {
                rng.between(96, 99)
            },
        }
    }
}

impl Writer<'_> {
    /// Says one sentence of this bank and part that was not said yet. False when there is none or it would be too long.
    pub(super) fn say(&mut self, note: &mut Note, bank: &'static str, part: Part, limit: usize) -> bool {
        let hospital = self.hospital;
        let Some(phrases) = hospital.catalogue.phrases.get(bank) else {
            return false;
        };
        let open: Vec<(usize, &Phrase)> = phrases
            .iter()
            .enumerate()
            .filter(|(nth, p)| p.part == part && !self.used.contains(&(bank, *nth)) && self.fits(p, bank))
            .collect();
        let Some((nth, phrase)) = self.rng.pick(&open).copied() else {
            return false;
        };
        self.used.push((bank, nth));
        // A sentence that depends on a drug speaks of that drug.
        self.named = phrase.conditions.iter().find_map(|c| {
            if let Condition::Drug(group) = c {
                Some(*group)
            } else {
                None
            }
        });
        let mut text = String::new();
        if self.fill(&phrase.pieces, bank, &mut text).is_none() || self.length + text.chars().count() + 1 > limit {
            return false;
        }
        let target = match part {
            Part::S => &mut note.s,
            Part::O => &mut note.o,
            Part::A => &mut note.a,
            Part::P => &mut note.p,
        };
        let joined = !target.is_empty()
            && !target.ends_with(|c: char| c.is_ascii_alphanumeric())
            && self.rng.chance(25)
            && part == Part::S;
        if joined {
            target.push_str(&text);
            self.length += text.chars().count();
        } else {
            self.push(target, &text);
        }
        true
    }

    pub(super) fn push(&mut self, part: &mut String, text: &str) {
        if !part.is_empty() {
            part.push('\n');
            self.length += 1;
        }
        part.push_str(text);
        self.length += text.chars().count();
    }

    fn fits(&self, phrase: &Phrase, bank: &str) -> bool {
        phrase.conditions.iter().all(|condition| match condition {
            Condition::Sex(sex) => *sex == self.case.sex,
            Condition::AgeFrom(age) => self.case.age >= *age,
            Condition::AgeBelow(age) => self.case.age < *age,
            Condition::Lab(item) => self.labs.is_some_and(|labs| labs.text(*item).is_some()),
            Condition::LabFrom(item, limit) => self
                .labs
                .and_then(|labs| labs.number(*item))
                .is_some_and(|value| value >= *limit),
            Condition::LabBelow(item, limit) => self
                .labs
                .and_then(|labs| labs.number(*item))
                .is_some_and(|value| value < *limit),
            Condition::Drug(group) => self.drugs(bank).iter().any(|(g, _)| g == group),
            Condition::Medical => self.hospital.catalogue.is_medical(self.visit.department),
            Condition::Disease(prefix) => self.diseases.iter().any(|d| d.key.starts_with(prefix)),
        })
    }

    /// Groups and names of the drugs given here for the diseases of this bank; for general sentences all.
    fn drugs(&self, bank: &str) -> Vec<(&'static str, &'static str)> {
        let general = bank == "GEN" || bank == "PEDGEN";
        let wanted: Vec<&str> = self
            .diseases
            .iter()
            .filter(|d| general || d.bank == bank)
            .flat_map(|d| d.drugs.iter().flat_map(|(groups, _)| groups.iter().copied()))
            .collect();
        let items = self
            .visit
            .prescription
            .iter()
            .flat_map(|p| &p.items)
            .filter_map(|item| self.hospital.catalogue.drugs.get(item.drug));
        items
            .filter(|drug| wanted.contains(&drug.group))
            .map(|drug| (drug.group, drug.name))
            .collect()
    }

    fn fill(&mut self, pieces: &[Piece], bank: &str, out: &mut String) -> Option<()> {
        use std::fmt::Write;
        for piece in pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::OneOf(choices) => {
                    let choice = self.rng.pick(choices)?;
                    self.fill(choice, bank, out)?;
                }
                Piece::Whole(low, high) => {
                    let value = self.rng.between(*low, *high);
                    write!(out, "{value}").ok()?;
                }
                Piece::Tenths(low, high) => {
                    let value = self.rng.between(*low, *high);
                    write!(out, "{}.{}", value / 10, value % 10).ok()?;
                }
                Piece::Lab(item) => out.push_str(self.labs?.text(*item)?),
                Piece::Slot(slot) => self.slot(*slot, bank, out)?,
            }
        }
        Some(())
    }

    fn slot(&mut self, slot: Slot, bank: &str, out: &mut String) -> Option<()> {
        let text = match slot {
            Slot::BloodPressure => format!("{}/{}", self.vitals.pressure.0, self.vitals.pressure.1),
            Slot::HomePressure => format!(
                "{}〜{}/{}",
                self.rng.around(112, 132),
                self.rng.around(133, 148),
                self.rng.around(62, 86)
            ),
            Slot::Pulse => self.vitals.pulse.to_string(),
            Slot::Temperature => format!("{}.{}", self.vitals.temperature / 10, self.vitals.temperature % 10),
            Slot::Oxygen => self.vitals.oxygen.to_string(),
            Slot::Weight => format!("{}.{}", self.body.weight / 10, self.body.weight % 10),
            Slot::Sign => self.rng.word(&["＋", "−", "±"]).to_owned(),
            Slot::Drug => {
                let names: Vec<&str> = self
                    .drugs(bank)
                    .into_iter()
                    .filter(|(group, _)| self.named.is_none_or(|named| named == *group))
                    .map(|(_, name)| name)
                    .collect();
                (*self.rng.pick(&names)?).to_owned()
            }
            Slot::Oral => {
                let oral: Vec<&str> = self
                    .visit
                    .prescription
                    .iter()
                    .flat_map(|p| &p.items)
                    .filter(|i| i.kind == DrugKind::Oral)
                    .map(|i| i.name)
                    .collect();
                (*self.rng.pick(&oral)?).to_owned()
            }
            Slot::Diagnosis => self.diseases.first()?.name.to_owned(),
            Slot::Exam => {
                let orders = &self.visit.appointment.as_ref()?.orders;
                let exam = self.rng.pick(orders)?.exam;
                self.hospital.catalogue.exams.get(exam)?.name.to_owned()
            }
            Slot::Days => self
                .visit
                .prescription
                .as_ref()?
                .items
                .iter()
                .filter(|i| i.quantity_unit == "日分")
                .map(|i| i.quantity)
                .max()?
                .to_string(),
            Slot::Weeks => self.visit.weeks.to_string(),
        };
        out.push_str(&text);
        Some(())
    }
}
