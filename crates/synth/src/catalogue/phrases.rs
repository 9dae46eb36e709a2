//! Sentences for notes, taken apart once so that filling them in is quick.

use super::drugs::Drug;
use super::labs::Lab;
use super::table::{Row, Rows};
use crate::SynthError;
use crate::person::Sex;
use std::collections::BTreeMap;

/// One sentence with its places to fill in.
#[derive(Debug, Clone)]
pub(crate) struct Phrase {
    pub(crate) part: Part,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) pieces: Vec<Piece>,
}

/// The part of a note: subjective, objective, assessment, plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    S,
    O,
    A,
    P,
}

/// When a sentence can be said.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Condition {
    Sex(Sex),
    AgeFrom(i64),
    AgeBelow(i64),
    /// There is a result.
    Lab(usize),
    LabFrom(usize, f64),
    LabBelow(usize, f64),
    /// A drug of this group is given in this department.
    Drug(&'static str),
    /// A disease of this ICD prefix is followed in this department.
    Disease(&'static str),
    /// The department is a medical one.
    Medical,
}

/// A bit of a sentence.
#[derive(Debug, Clone)]
pub(crate) enum Piece {
    Text(&'static str),
    OneOf(Vec<Vec<Piece>>),
    Whole(i64, i64),
    /// In tenths.
    Tenths(i64, i64),
    Lab(usize),
    Slot(Slot),
}

/// Something the patient supplies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    BloodPressure,
    HomePressure,
    Pulse,
    Temperature,
    Oxygen,
    Weight,
    Sign,
    Drug,
    Oral,
    Diagnosis,
    Exam,
    Days,
    Weeks,
}

pub(super) fn phrases(
    rows: Rows,
    labs: &[Lab],
    drugs: &[Drug],
) -> Result<BTreeMap<&'static str, Vec<Phrase>>, SynthError> {
    let mut banks: BTreeMap<&'static str, Vec<Phrase>> = BTreeMap::new();
    let all = rows.read(|row| {
        let part = match row.text(1) {
            "S" => Part::S,
            "O" => Part::O,
            "A" => Part::A,
            "P" => Part::P,
            other => return Err(row.fault(format!("{other} is no part of a note"))),
        };
        let conditions = row
            .list(2, '&')
            .into_iter()
            .map(|word| condition(row, word, labs, drugs))
            .collect::<Result<_, _>>()?;
        Ok((
            row.text(0),
            Phrase {
                part,
                conditions,
                pieces: pieces(row, row.text(3), labs)?,
            },
        ))
    })?;
    for (bank, phrase) in all {
        banks.entry(bank).or_default().push(phrase);
    }
    Ok(banks)
}

fn condition(row: &Row, word: &'static str, labs: &[Lab], drugs: &[Drug]) -> Result<Condition, SynthError> {
    if let Some(sex) = Sex::only(word) {
        return Ok(Condition::Sex(sex));
    }
    if word == "med" {
        return Ok(Condition::Medical);
    }
    let bad = || row.fault(format!("{word} is no condition"));
    if let Some(limit) = word.strip_prefix("age>=") {
        return Ok(Condition::AgeFrom(limit.parse().map_err(|_| bad())?));
    }
    if let Some(limit) = word.strip_prefix("age<") {
        return Ok(Condition::AgeBelow(limit.parse().map_err(|_| bad())?));
    }
    if let Some(group) = word.strip_prefix("drug:") {
        row.find(group, drugs, |d| d.group)?;
        return Ok(Condition::Drug(group));
    }
    if let Some(prefix) = word.strip_prefix("dx:") {
        return Ok(Condition::Disease(prefix));
    }
    let rest = word.strip_prefix("lab:").ok_or_else(bad)?;
    let number = |text: &str| text.parse::<f64>().map_err(|_| bad());
    if let Some((code, limit)) = rest.split_once(">=") {
        return Ok(Condition::LabFrom(row.find(code, labs, |l| l.code_b)?, number(limit)?));
    }
    if let Some((code, limit)) = rest.split_once('<') {
        return Ok(Condition::LabBelow(row.find(code, labs, |l| l.code_b)?, number(limit)?));
    }
    Ok(Condition::Lab(row.find(rest, labs, |l| l.code_b)?))
}

fn pieces(row: &Row, text: &'static str, labs: &[Lab]) -> Result<Vec<Piece>, SynthError> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(['[', '{']) {
        let (before, opened) = rest.split_at(start);
        if !before.is_empty() {
            out.push(Piece::Text(before));
        }
        let close = if opened.starts_with('[') { ']' } else { '}' };
        let end = opened
            .find(close)
            .ok_or_else(|| row.fault(format!("{opened}: not closed")))?;
        let inside = opened.get(1..end).unwrap_or_default();
        out.push(if close == ']' {
            Piece::OneOf(
                inside
                    .split('|')
                    .map(|choice| pieces(row, choice, labs))
                    .collect::<Result<_, _>>()?,
            )
        } else {
            slot(row, inside, labs)?
        });
        rest = opened.get(end + 1..).unwrap_or_default();
    }
    if !rest.is_empty() {
        out.push(Piece::Text(rest));
    }
    Ok(out)
}

fn slot(row: &Row, inside: &'static str, labs: &[Lab]) -> Result<Piece, SynthError> {
    let bad = || row.fault(format!("{{{inside}}} is no slot"));
    let range = |text: &'static str| text.split_once("..").ok_or_else(bad);
    if let Some(text) = inside.strip_prefix("n:") {
        let (low, high) = range(text)?;
        return Ok(Piece::Whole(
            low.parse().map_err(|_| bad())?,
            high.parse().map_err(|_| bad())?,
        ));
    }
    if let Some(text) = inside.strip_prefix("d:") {
        let (low, high) = range(text)?;
        let tenths = |t: &str| crate::Amount::parse(t).map(|a| a.0 / 100).ok_or_else(bad);
        return Ok(Piece::Tenths(tenths(low)?, tenths(high)?));
    }
    if let Some(code) = inside.strip_prefix("lab:") {
        return Ok(Piece::Lab(row.find(code, labs, |l| l.code_b)?));
    }
    Ok(Piece::Slot(match inside {
        "bp" => Slot::BloodPressure,
        "hbp" => Slot::HomePressure,
        "pulse" => Slot::Pulse,
        "temp" => Slot::Temperature,
        "spo2" => Slot::Oxygen,
        "wt" => Slot::Weight,
        "sgn" => Slot::Sign,
        "drug" => Slot::Drug,
        "oral" => Slot::Oral,
        "dx" => Slot::Diagnosis,
        "exam" => Slot::Exam,
        "days" => Slot::Days,
        "weeks" => Slot::Weeks,
        _ => return Err(bad()),
    }))
}
