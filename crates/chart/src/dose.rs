//! Amounts: one formatter for every screen and sheet, so that a dose reads the same wherever it stands.
//!
//! Rules (ISMP, NHS CUI; ux bar T-NUM): a zero before the point, none after it; a non-breaking space between number and
//! Latin unit; a comma from 1,000 on; mL, not ml. Amounts are exact decimals, never floating point.

use std::borrow::Cow;

use minicbor::{Decode, Encode};

/// An exact amount with its unit: thousandths of the unit, so 0.5 錠 is 500.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Encode, Decode)]
pub struct Quantity {
    /// The amount in thousandths.
    #[n(0)]
    pub milli: u64,
    /// 錠, g, mL, 単位 …, as written in the source (ml and cc become mL).
    #[n(1)]
    pub unit: String,
}

impl Quantity {
    /// Largest amount accepted: one million units.
    pub const MAX_MILLI: u64 = 1_000_000_000;

    /// Reads `0.5`, `.5`, `1`, `1,000`, `１．５`; `None` for anything else, for more than three decimals and above
    /// [`Self::MAX_MILLI`] (a source that writes so is shown verbatim, with a Finding, instead of being rounded).
    #[must_use]
    pub fn parse(number: &str, unit: &str) -> Option<Self> {
        let number = crate::id::half_width_text(number.trim());
        let text = if number.contains(',') {
            Cow::Owned(number.replace(',', ""))
        } else {
            number
        };
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        let fraction = fraction.trim_end_matches('0');
        let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty())
            || !digits(whole)
            || !digits(fraction)
            || fraction.len() > 3
            || whole.len() > 7
        {
            return None;
        }
        let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        // A digit further right is worth a tenth.
        let worth = fraction.bytes().zip([100, 10, 1]);
        let fraction: u64 = worth.map(|(digit, milli)| u64::from(digit - b'0') * milli).sum();
        let milli = whole * 1000 + fraction;
        (milli <= Self::MAX_MILLI).then(|| Self {
            milli,
            unit: unit_text(unit),
        })
    }

    /// `2.5`, `0.5`, `1,000`: the number alone.
    #[must_use]
    pub fn number(&self) -> String {
        let whole = (self.milli / 1000).to_string();
        let mut out = String::new();
        for (i, c) in whole.chars().enumerate() {
            if i > 0 && (whole.len() - i).is_multiple_of(3) {
                out.push(',');
            }
            out.push(c);
        }
        let rest = self.milli % 1000;
        if rest > 0 {
            out.push('.');
            out.push_str(format!("{rest:03}").trim_end_matches('0'));
        }
        out
    }

    /// `2錠`, `0.5 g` with a non-breaking space before Latin units.
    #[must_use]
    pub fn text(&self) -> String {
        let latin = self
            .unit
            .chars()
            .next()
            .is_some_and(|c| c.is_ascii_alphabetic() || c == 'μ' || c == 'µ');
        if latin {
            format!("{}\u{00A0}{}", self.number(), self.unit)
        } else {
            format!("{}{}", self.number(), self.unit)
        }
    }
}

/// 1回 1錠（1日 2錠）; for uneven doses 1日 3錠（2錠 － 0錠 － 1錠）; for external drugs 全量 2本. Empty when nothing is known.
#[must_use]
pub fn amounts(
    per_dose: Option<&Quantity>,
    per_day: Option<&Quantity>,
    uneven: &[Quantity],
    total: Option<&Quantity>,
) -> String {
    let mut out = if uneven.is_empty() {
        match (per_dose, per_day) {
            (Some(dose), Some(day)) => format!("1回 {}（1日 {}）", dose.text(), day.text()),
            (Some(dose), None) => format!("1回 {}", dose.text()),
            (None, Some(day)) => format!("1日 {}", day.text()),
            (None, None) => String::new(),
        }
    } else {
        let doses: Vec<String> = uneven.iter().map(Quantity::text).collect();
        let day = per_day.map(|d| format!("1日 {}", d.text())).unwrap_or_default();
        format!("{day}（不均等 {}）", doses.join("－"))
    };
    if let Some(total) = total {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(&format!("全量 {}", total.text()));
    }
    out
}

fn unit_text(unit: &str) -> String {
    match unit.trim() {
        "ml" | "ＭＬ" | "ｍｌ" | "ML" | "cc" | "ｃｃ" | "㏄" | "ｍＬ" => "mL".to_owned(),
        "ｇ" | "Ｇ" | "G" => "g".to_owned(),
        "ｍｇ" | "MG" | "㎎" => "mg".to_owned(),
        "U" | "Ｕ" | "IU" => "単位".to_owned(),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn q(number: &str, unit: &str) -> Quantity {
        Quantity::parse(number, unit).unwrap()
    }

    #[test]
    fn amounts_read_the_same_everywhere() {
        assert_eq!(q(".5", "錠").text(), "0.5錠");
        assert_eq!(q("5.0", "錠").text(), "5錠");
        assert_eq!(q("1000", "mg").text(), "1,000\u{a0}mg");
        assert_eq!(q("１．５", "ｇ").text(), "1.5\u{a0}g");
        assert_eq!(q("10", "cc").text(), "10\u{a0}mL");
        assert_eq!(
            amounts(Some(&q("1", "錠")), Some(&q("2", "錠")), &[], None),
            "1回 1錠（1日 2錠）"
        );
        assert_eq!(
            amounts(None, Some(&q("3", "錠")), &[q("2", "錠"), q("1", "錠")], None),
            "1日 3錠（不均等 2錠－1錠）"
        );
        assert_eq!(amounts(None, None, &[], Some(&q("2", "本"))), "全量 2本");
    }

    #[test]
    fn what_cannot_be_exact_is_refused() {
        for bad in ["", ".", "1.2345", "適量", "-1", "1e3", "99999999", "1/2"] {
            assert_eq!(Quantity::parse(bad, "錠"), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn numbers_round_trip_and_keep_the_rules(milli in 0..=Quantity::MAX_MILLI) {
            let text = Quantity { milli, unit: String::new() }.number();
            prop_assert_eq!(Quantity::parse(&text, "").map(|q| q.milli), Some(milli));
            prop_assert!(!text.starts_with('.'));
            prop_assert!(!text.contains('.') || !text.ends_with('0'));
            prop_assert!(!text.ends_with('.'));
        }
    }
}
