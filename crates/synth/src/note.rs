//! The note of the last visit: sentences chosen by disease, filled with the patient's own figures, so that it fits the rest of the record.

mod sentence;

use crate::body::Body;
use crate::catalogue::{Disease, Part};
use crate::hospital::Hospital;
use crate::illness::{Attended, Case};
use crate::patient::{LabSheet, Note, Visit};
use crate::rng::{Rng, Subject};
use jiff::civil::Time;
use sentence::Vitals;

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
