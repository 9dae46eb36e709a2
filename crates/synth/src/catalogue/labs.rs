//! Laboratory items with their reference ranges.

use super::table::Rows;
use crate::SynthError;
use crate::person::Sex;

/// One laboratory item.
#[derive(Debug, Clone)]
pub(crate) struct Lab {
    pub(crate) code_a: &'static str,
    pub(crate) code_b: &'static str,
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    /// Printed decimals; nothing for words.
    pub(crate) decimals: Option<u32>,
    male: (&'static str, &'static str),
    female: (&'static str, &'static str),
    /// What people have whom no disease moves.
    pub(crate) usual: Values,
    /// Below it `< cut` is printed, in printed units (10^decimals).
    pub(crate) cut: Option<(i64, &'static str)>,
    pub(crate) panel: Panel,
}

/// Where an item belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Panel {
    /// In nearly every blood sample.
    Basic,
    /// In some.
    Plus,
    Urine,
    /// Only when a disease or drug asks for it.
    OnDemand,
}

/// What values can come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Values {
    /// From, to in printed units (10^decimals).
    Range(i64, i64),
    Words(Vec<&'static str>),
}

impl Lab {
    /// Reference range: lower and upper limit as printed, or the normal word of a word item in the lower.
    pub(crate) fn reference(&self, sex: Sex) -> (&'static str, &'static str) {
        if sex == Sex::Male { self.male } else { self.female }
    }

    /// Reads `5.9..9.4` or `(-)/(±)` for this item.
    pub(super) fn values_of(&self, text: &'static str) -> Option<Values> {
        values(text, self.decimals)
    }

    /// A number in printed units.
    pub(crate) fn scaled(&self, text: &str) -> Option<i64> {
        scaled(text, self.decimals?)
    }
}

fn values(text: &'static str, decimals: Option<u32>) -> Option<Values> {
    match decimals {
        None => Some(Values::Words(text.split('/').collect())),
        Some(decimals) => {
            let (low, high) = text.split_once("..")?;
            Some(Values::Range(scaled(low, decimals)?, scaled(high, decimals)?))
        }
    }
}

/// `1.25` with 1 decimal is 12 (cut, not rounded); more digits than printed do no harm.
fn scaled(text: &str, decimals: u32) -> Option<i64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let mut value: i64 = whole.parse().ok()?;
    for place in 0..decimals as usize {
        let digit = part
            .as_bytes()
            .get(place)
            .map_or(0, |b| i64::from(b.wrapping_sub(b'0')));
        value = value.checked_mul(10)?.checked_add(digit)?;
    }
    Some(value)
}

pub(super) fn labs(rows: Rows) -> Result<Vec<Lab>, SynthError> {
    rows.read(|row| {
        let decimals = if row.text(4) == "q" { None } else { Some(row.number(4)?) };
        let usual = match decimals {
            None => Values::Words(row.list(9, '/')),
            Some(d) => {
                let read = |column: usize| {
                    scaled(row.text(column), d).ok_or_else(|| row.fault(format!("column {} is no number", column + 1)))
                };
                Values::Range(read(9)?, read(10)?)
            }
        };
        let cut = row.text(11);
        Ok(Lab {
            code_a: row.text(0),
            code_b: row.text(1),
            name: row.text(2),
            unit: row.text(3),
            decimals,
            male: (row.text(5), row.text(6)),
            female: (row.text(7), row.text(8)),
            usual,
            cut: decimals.and_then(|d| scaled(cut, d)).map(|value| (value, cut)),
            panel: match row.text(12) {
                "basic" => Panel::Basic,
                "plus" => Panel::Plus,
                "urine" => Panel::Urine,
                _ => Panel::OnDemand,
            },
        })
    })
}
