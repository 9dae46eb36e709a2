//! Diseases, what excludes what, and which drugs do not go together.

use super::drugs::Drug;
use super::labs::{Lab, Values};
use super::places::{Department, Exam};
use super::table::{Row, Rows};
use crate::SynthError;
use crate::person::Sex;
use std::collections::BTreeMap;

/// One disease as this hospital follows it.
#[derive(Debug, Clone)]
pub(crate) struct Disease {
    /// ICD-10 code, with `#p` for a row of its own for children.
    pub(crate) key: &'static str,
    pub(crate) name: &'static str,
    /// Places in the table of departments, the usual one first.
    pub(crate) departments: Vec<usize>,
    pub(crate) sex: Option<Sex>,
    pub(crate) ages: (i64, i64),
    pub(crate) weight: u32,
    pub(crate) course: Course,
    /// How long ago its first visit can lie, in days.
    pub(crate) longest_days: i64,
    pub(crate) bank: &'static str,
    /// Drug groups (given together) and how often.
    pub(crate) drugs: Vec<(Vec<&'static str>, u32)>,
    /// Laboratory items it moves.
    pub(crate) labs: Vec<(usize, Values)>,
    /// Examinations and how often they are ordered.
    pub(crate) exams: Vec<(usize, u32)>,
    /// Diseases that often come along.
    pub(crate) also: Vec<(&'static str, u32)>,
}

/// How a disease runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Course {
    Chronic,
    Recent,
    After,
}

/// What a drug group is not given with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Avoid {
    Group(&'static str),
    /// ICD prefix.
    Disease(&'static str),
    /// eGFR below this.
    Kidney(i64),
    Older(i64),
    Pregnancy,
    Child,
}

/// Words for how a disease stays in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stay {
    /// 継続
    Continuing,
    /// 治癒
    Cured,
    /// 中止
    Stopped,
}

impl Disease {
    /// The ICD-10 code as printed.
    pub(crate) fn icd(&self) -> &'static str {
        self.key.split('#').next().unwrap_or(self.key)
    }

    /// Is this a pregnancy?
    pub(crate) fn pregnancy(&self) -> bool {
        self.key.starts_with('O') || self.key.starts_with("Z34")
    }
}

pub(super) fn diseases(
    rows: Rows,
    departments: &[Department],
    drugs: &[Drug],
    labs: &[Lab],
    exams: &[Exam],
) -> Result<Vec<Disease>, SynthError> {
    let all = rows.read(|row| {
        let years: f64 = row.number(8)?;
        Ok(Disease {
            key: row.text(0),
            name: row.text(1),
            departments: row
                .list(2, ',')
                .into_iter()
                .map(|code| row.find(code, departments, |d| d.code_a))
                .collect::<Result<_, _>>()?,
            sex: Sex::only(row.text(3)),
            ages: (row.number(4)?, row.number(5)?),
            weight: row.number(6)?,
            course: match row.text(7) {
                "C" => Course::Chronic,
                "A" => Course::Recent,
                "H" => Course::After,
                other => return Err(row.fault(format!("{other} is no course"))),
            },
            longest_days: (years * 365.0) as i64,
            bank: row.text(9),
            drugs: row
                .shares(10)?
                .into_iter()
                .map(|(groups, percent)| Ok((known_groups(row, groups, drugs)?, percent)))
                .collect::<Result<_, SynthError>>()?,
            labs: row
                .list(11, ',')
                .into_iter()
                .map(|item| moved(row, item, labs))
                .collect::<Result<_, _>>()?,
            exams: row
                .shares(12)?
                .into_iter()
                .map(|(code, percent)| Ok((row.find(code, exams, |e| e.code_b)?, percent)))
                .collect::<Result<_, SynthError>>()?,
            also: row.shares(13)?,
        })
    })?;
    for disease in &all {
        for (key, _) in &disease.also {
            if !all.iter().any(|other| other.key == *key) {
                return Err(SynthError::Table {
                    file: "diseases.tsv",
                    line: 0,
                    what: format!("{}: {key} is in no table", disease.key),
                });
            }
        }
    }
    Ok(all)
}

fn known_groups(row: &Row, groups: &'static str, drugs: &[Drug]) -> Result<Vec<&'static str>, SynthError> {
    groups
        .split('+')
        .map(|group| row.find(group, drugs, |d| d.group).map(|_| group))
        .collect()
}

fn moved(row: &Row, item: &'static str, labs: &[Lab]) -> Result<(usize, Values), SynthError> {
    let (code, range) = item
        .split_once('=')
        .ok_or_else(|| row.fault(format!("{item}: no range")))?;
    let place = row.find(code, labs, |l| l.code_b)?;
    let values = labs
        .get(place)
        .and_then(|lab| lab.values_of(range))
        .ok_or_else(|| row.fault(format!("{item}: no range")))?;
    Ok((place, values))
}

pub(super) fn exclusive(rows: Rows) -> Vec<Vec<&'static str>> {
    rows.plain()
}

pub(super) fn avoid(rows: Rows, drugs: &[Drug]) -> Result<BTreeMap<&'static str, Vec<Avoid>>, SynthError> {
    let pairs = rows.read(|row| {
        let group = row.text(0);
        row.find(group, drugs, |d| d.group)?;
        let list = row
            .list(1, ',')
            .into_iter()
            .map(|word| one_avoid(row, word, drugs))
            .collect::<Result<Vec<_>, _>>()?;
        Ok((group, list))
    })?;
    Ok(pairs.into_iter().collect())
}

fn one_avoid(row: &Row, word: &'static str, drugs: &[Drug]) -> Result<Avoid, SynthError> {
    let number = |text: &str| text.parse().map_err(|_| row.fault(format!("{word}: no number")));
    Ok(if let Some(limit) = word.strip_prefix("egfr<") {
        Avoid::Kidney(number(limit)?)
    } else if let Some(limit) = word.strip_prefix("age>") {
        Avoid::Older(number(limit)?)
    } else if word == "preg" {
        Avoid::Pregnancy
    } else if word == "child" {
        Avoid::Child
    } else if word.starts_with(|c: char| c.is_ascii_uppercase()) {
        Avoid::Disease(word)
    } else {
        row.find(word, drugs, |d| d.group)?;
        Avoid::Group(word)
    })
}
