//! The note of the last visit: sentences chosen by disease, filled with the patient's own figures, so that it fits the rest of the record.

use crate::body::Body;
use crate::catalogue::{Condition, Disease, DrugKind, Part, Phrase, Piece, Slot};
use crate::hospital::Hospital;
use crate::illness::{Attended, Case};
use crate::patient::{LabSheet, Note, Visit};
use crate::rng::{Rng, Subject};
use jiff::civil::Time;

/// No note is longer, in characters of all four parts.
pub(crate) const LONGEST: usize = 2000;
/// Ordinary notes are at least so long, as far as the sentences go.
const SHORTEST: usize = 210;

/// Writes the notes into the visits.
pub(crate) fn write(
    hospital: &Hospital,
    number: u32,
    case: &Case,
    body: &Body,
    labs: Option<&LabSheet>,
    visits: &mut [Visit],
) {
    let mut rng = hospital.rng(number, Subject::Note);
    for (place, attended) in case.attended.iter().enumerate() {
        let Some(visit) = visits.get_mut(place) else { continue };
        let Some(last) = visit.last else { continue };
        let minutes = rng.between(8 * 60 + 45, 16 * 60 + 50);
        let time = Time::new((minutes / 60) as i8, (minutes % 60) as i8, 0, 0).unwrap_or(Time::midnight());
        let diseases = own(hospital, attended);
        let vitals = Vitals::measure(&mut rng, case, &diseases);
        let mut writer = Writer {
            hospital,
            case,
            body,
            labs,
            visit,
            diseases,
            rng: rng.clone(),
            used: Vec::new(),
            length: 0,
            named: None,
            vitals,
        };
        rng.below(1 << 20);
        let mut note = writer.compose(hospital, number);
        note.written = last.to_datetime(time);
        visit.note = Some(note);
    }
}

/// The diseases that the department writes about: those it looks after, and whatever the patient comes for.
fn own<'a>(hospital: &'a Hospital, attended: &Attended) -> Vec<&'a Disease> {
    let catalogue = &hospital.catalogue;
    let all = attended
        .diseases
        .iter()
        .filter_map(|place| catalogue.diseases.get(*place))
        .enumerate();
    all.filter(|(nth, disease)| *nth == 0 || catalogue.looks_after(attended.department, disease))
        .map(|(_, disease)| disease)
        .collect()
}

struct Writer<'a> {
    hospital: &'a Hospital,
    case: &'a Case,
    body: &'a Body,
    labs: Option<&'a LabSheet>,
    visit: &'a Visit,
    diseases: Vec<&'a Disease>,
    rng: Rng,
    /// Sentences used so far.
    used: Vec<(&'static str, usize)>,
    length: usize,
    /// The drug group that the sentence being written is about.
    named: Option<&'static str>,
    vitals: Vitals,
}

/// Measured once, so that every sentence of a note says the same.
struct Vitals {
    pressure: (i64, i64),
    pulse: i64,
    /// Tenths of a degree.
    temperature: i64,
    oxygen: i64,
}

impl Vitals {
    fn measure(rng: &mut Rng, case: &Case, diseases: &[&Disease]) -> Self {
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
    fn compose(&mut self, hospital: &Hospital, number: u32) -> Note {
        let hazard = hospital.hazard(number);
        let has = |flag: &str| hazard.is_some_and(|row| row.has(flag));
        if has("noteempty") {
            return Note::default();
        }
        let mut note = Note::default();
        if has("html") {
            self.push(
                &mut note.s,
                "<b>腹痛</b>は<i>軽減</i>。体温 <37.0℃、CRP <0.3 & 便回数 >3回。<script>alert(1)</script>",
            );
        }
        if has("formula") {
            self.push(&mut note.s, "=1+1 と書いた紙を持参。\"足が'ズキズキ'する\"とのこと。");
            self.push(&mut note.p, "-5kg を目標、+30分歩行、@自宅。");
        }
        if has("5c") {
            self.push(&mut note.s, "構造的な問題は表に示す。予約どおり来院、湿布の貼付部位に発赤（±）。ソファから立つとき痛む。竹ポット体操は十回。");
        }
        if has("wide") {
            self.push(
                &mut note.o,
                "ＢＰ　１３２／７８　ｍｍＨｇ、１０〜１５分歩行後。−２ｋｇ／月〜。",
            );
        }
        let target = if has("note2000") { LONGEST } else { self.target() };
        self.first_round(&mut note);
        let mut misses = 0;
        while self.length < target && misses < 60 {
            let part = *self.rng.pick(&[Part::S, Part::O, Part::A, Part::P]).unwrap_or(&Part::S);
            let bank = self.any_bank();
            if !self.say(&mut note, bank, part, target) {
                misses += 1;
            }
        }
        if has("note2000") {
            self.fill_to(&mut note, LONGEST);
        }
        note
    }

    /// Most notes are short, a few are long.
    fn target(&mut self) -> usize {
        let wide = self.rng.below(100);
        let (from, to) = match wide {
            0..=19 => (SHORTEST as i64, 620),
            20..=74 => (620, 1200),
            75..=94 => (1100, 1700),
            _ => (1500, 1950),
        };
        let length = self.rng.between(from, to);
        // Surgeons write less.
        let length = if self.hospital.catalogue.is_medical(self.visit.department) {
            length
        } else {
            (length * 7 / 10).max(SHORTEST as i64)
        };
        length as usize
    }

    fn first_round(&mut self, note: &mut Note) {
        let banks: Vec<(&'static str, &'static str)> = self.diseases.iter().take(4).map(|d| (d.bank, d.name)).collect();
        let general = self.general();
        self.say(note, general, Part::S, LONGEST);
        for (nth, (bank, _)) in banks.iter().enumerate() {
            self.say(note, bank, Part::S, LONGEST);
            if nth == 0 {
                self.say(note, bank, Part::S, LONGEST);
            }
        }
        self.say(note, general, Part::O, LONGEST);
        for (bank, _) in &banks {
            self.say(note, bank, Part::O, LONGEST);
        }
        for (nth, (bank, name)) in banks.iter().enumerate() {
            self.push(&mut note.a, &format!("#{} {name}", nth + 1));
            self.say(note, bank, Part::A, LONGEST);
        }
        for (nth, (bank, _)) in banks.iter().enumerate() {
            let mark = note.p.len();
            if self.say(note, bank, Part::P, LONGEST) && banks.len() > 1 {
                let at = if mark == 0 { 0 } else { mark + 1 };
                if note.p.is_char_boundary(at) {
                    note.p.insert_str(at, &format!("#{} ", nth + 1));
                    self.length += 3;
                }
            }
        }
        self.say(note, general, Part::P, LONGEST);
    }

    fn general(&self) -> &'static str {
        if self.case.age < 15 { "PEDGEN" } else { "GEN" }
    }

    fn any_bank(&mut self) -> &'static str {
        if self.rng.chance(45) {
            return self.general();
        }
        let banks: Vec<&'static str> = self.diseases.iter().map(|d| d.bank).collect();
        self.rng.pick(&banks).copied().unwrap_or(self.general())
    }

    /// Says one sentence of this bank and part that was not said yet. False when there is none or it would be too long.
    fn say(&mut self, note: &mut Note, bank: &'static str, part: Part, limit: usize) -> bool {
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

    fn push(&mut self, part: &mut String, text: &str) {
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

    /// Ends the plan so that the whole note is exactly so long.
    fn fill_to(&mut self, note: &mut Note, length: usize) {
        const TAIL: &str = "説明内容を本人に確認し、理解を得た。次回までの自己測定の記録用紙を渡し、書き方を実際に記入しながら説明した。";
        while self.length + 1 < length {
            let rest: String = TAIL.chars().take(length - self.length - 1).collect();
            self.push(&mut note.p, &rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hospital::Plan;
    use jiff::civil::date;
    use std::collections::HashSet;

    fn length(note: &Note) -> usize {
        [&note.s, &note.o, &note.a, &note.p]
            .iter()
            .map(|part| part.chars().count())
            .sum()
    }

    #[test]
    fn notes_are_long_enough_never_too_long_and_seldom_alike() {
        let plan = Plan {
            patients: 400,
            date: date(2026, 11, 20),
            seed: 5,
        };
        let hospital = Hospital::new(&plan).expect("plan within limits");
        let (mut lines, mut distinct, mut notes) = (0, HashSet::new(), 0);
        for number in 1..=plan.patients {
            for note in hospital.patient(number).visits.iter().filter_map(|v| v.note.as_ref()) {
                let size = length(note);
                let empty = hospital.hazard(number).is_some_and(|row| row.has("noteempty"));
                assert!(size <= LONGEST && (empty || size >= 180), "{number}: {size}");
                assert!(!note.s.contains(['{', '}', '[', ']']), "{number}: {}", note.s);
                for line in [&note.s, &note.o, &note.a, &note.p]
                    .iter()
                    .flat_map(|part| part.lines())
                {
                    lines += 1;
                    distinct.insert(line.to_owned());
                }
                notes += 1;
            }
        }
        assert!(notes > 400);
        assert!(
            distinct.len() * 100 / lines > 25,
            "{} of {lines} lines are distinct",
            distinct.len()
        );
    }

    #[test]
    fn the_long_note_is_long_and_the_empty_one_empty() {
        let plan = Plan {
            patients: 60,
            date: date(2026, 11, 20),
            seed: 1,
        };
        let hospital = Hospital::new(&plan).expect("plan within limits");
        let note = |number: u32| {
            hospital
                .patient(number)
                .visits
                .into_iter()
                .find_map(|v| v.note)
                .expect("the patient has a note")
        };
        assert!(
            (LONGEST - 20..=LONGEST).contains(&length(&note(36))),
            "{}",
            length(&note(36))
        );
        assert_eq!(length(&note(37)), 0);
    }
}
