//! Drugs and usages.

use super::table::{Row, Rows};
use crate::{Amount, SynthError};

/// How a drug is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DrugKind {
    /// 内服
    Oral,
    /// 頓服
    AsNeeded,
    /// 外用
    External,
    /// 注射 (by the patient)
    Injection,
}

/// One drug in one package of information: strength, group, the ways it is given.
#[derive(Debug, Clone)]
pub(crate) struct Drug {
    pub(crate) code: &'static str,
    pub(crate) name: &'static str,
    /// Pharmacological group; diseases ask for groups.
    pub(crate) group: &'static str,
    pub(crate) kind: DrugKind,
    /// Unit of the amounts, empty for most external drugs.
    pub(crate) unit: &'static str,
    pub(crate) sigs: Vec<Sig>,
    /// Most a day (oral, injection) or each time (as needed); 0 = no limit here.
    pub(crate) max: Amount,
    /// What is handed out and the usual numbers of it.
    pub(crate) pack: Option<(&'static str, Vec<i64>)>,
    pub(crate) ages: (i64, i64),
    /// At most 30 days at a time.
    pub(crate) limited: bool,
}

/// One way to give a drug.
#[derive(Debug, Clone)]
pub(crate) struct Sig {
    pub(crate) measure: Measure,
    /// Place in the table of usages.
    pub(crate) usage: usize,
    pub(crate) every: Every,
}

/// How much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Measure {
    /// External: no amount.
    None,
    /// The same each time, anything from one amount to another.
    Each(Amount, Amount),
    /// Morning, noon, evening, bedtime.
    Uneven([(Amount, Amount); 4]),
    /// A day and per kg of body weight.
    PerKgDay(Amount),
    /// Each time and per kg of body weight.
    PerKgEach(Amount),
}

/// How often a day of taking it comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Every {
    Day,
    /// 隔日
    OtherDay,
    /// So many days a week.
    Week(u8),
    /// Every so many weeks.
    Weeks(u8),
}

/// One usage text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Usage {
    pub(crate) key: &'static str,
    pub(crate) text: &'static str,
    /// Times a day, 0 = not fixed.
    pub(crate) times: u8,
}

/// Drug groups that are given for a fixed number of days when the illness is recent.
pub(crate) struct Fixed;

impl Fixed {
    /// Days of a short course of this group, if it has one.
    pub(crate) fn days(group: &str) -> Option<i64> {
        Some(match group {
            "azm" => 3,
            "flu" | "p_flu" | "p_cam" | "fq" => 5,
            "pen" | "cep" | "cam" | "vacv" | "amn" | "p_cep" | "mino" => 7,
            "p_pen" => 10,
            _ => return None,
        })
    }
}

pub(super) fn usages(rows: Rows) -> Result<Vec<Usage>, SynthError> {
    rows.read(|row| {
        Ok(Usage {
            key: row.text(0),
            text: row.text(1),
            times: row.number(2)?,
        })
    })
}

pub(super) fn drugs(rows: Rows, usages: &[Usage]) -> Result<Vec<Drug>, SynthError> {
    rows.read(|row| {
        let kind = match row.text(3) {
            "内服" => DrugKind::Oral,
            "頓服" => DrugKind::AsNeeded,
            "外用" => DrugKind::External,
            "注射" => DrugKind::Injection,
            other => return Err(row.fault(format!("{other} is no kind of drug"))),
        };
        Ok(Drug {
            code: row.text(0),
            name: row.text(1),
            group: row.text(2),
            kind,
            unit: row.text(4),
            sigs: row
                .list(5, '|')
                .into_iter()
                .map(|text| sig(row, text, usages))
                .collect::<Result<_, _>>()?,
            max: amount(row, row.text(6))?,
            pack: pack(row, row.text(7))?,
            ages: (row.number(8)?, row.number(9)?),
            limited: row.text(10) == "d30",
        })
    })
}

fn sig(row: &Row, text: &'static str, usages: &[Usage]) -> Result<Sig, SynthError> {
    let (measure, rest) = text
        .split_once('@')
        .ok_or_else(|| row.fault(format!("{text}: no usage")))?;
    let (usage, every) = rest.split_once('~').unwrap_or((rest, ""));
    Ok(Sig {
        measure: self::measure(row, measure)?,
        usage: row.find(usage, usages, |u| u.key)?,
        every: match every {
            "" => Every::Day,
            "q2" => Every::OtherDay,
            "w1" => Every::Week(1),
            "w3" => Every::Week(3),
            "b1" => Every::Weeks(2),
            "m1" => Every::Weeks(4),
            other => return Err(row.fault(format!("{other} is no interval"))),
        },
    })
}

fn measure(row: &Row, text: &'static str) -> Result<Measure, SynthError> {
    if text.is_empty() {
        return Ok(Measure::None);
    }
    if let Some(rest) = text.strip_prefix('u') {
        let parts = rest
            .split('-')
            .map(|part| range(row, part))
            .collect::<Result<Vec<_>, _>>()?;
        return parts
            .try_into()
            .map(Measure::Uneven)
            .map_err(|_| row.fault(format!("{text}: four parts expected")));
    }
    if let Some(rest) = text.strip_prefix('k') {
        return Ok(Measure::PerKgDay(amount(row, rest)?));
    }
    if let Some(rest) = text.strip_prefix('K') {
        return Ok(Measure::PerKgEach(amount(row, rest)?));
    }
    let (low, high) = range(row, text)?;
    Ok(Measure::Each(low, high))
}

fn range(row: &Row, text: &str) -> Result<(Amount, Amount), SynthError> {
    let (low, high) = text.split_once("..").unwrap_or((text, text));
    Ok((amount(row, low)?, amount(row, high)?))
}

fn amount(row: &Row, text: &str) -> Result<Amount, SynthError> {
    Amount::parse(text).ok_or_else(|| row.fault(format!("{text} is no amount")))
}

fn pack(row: &Row, text: &'static str) -> Result<Option<(&'static str, Vec<i64>)>, SynthError> {
    let Some((unit, counts)) = text.split_once(':') else {
        return Ok(None);
    };
    let counts = counts.split('/').map(str::parse).collect::<Result<Vec<i64>, _>>();
    Ok(Some((
        unit,
        counts.map_err(|_| row.fault(format!("{text} is no package")))?,
    )))
}
