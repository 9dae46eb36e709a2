//! 量 of an injection: exact where it is a number with a unit, and then worded by the one formatter ([`crate::dose`]); otherwise as written.
//!
//! Never guessed: a number that is not exact, has no unit, or could be misread (`.5`, `1.0`) is refused, and the person writes it again.

use minicbor::{Decode, Encode};
use thiserror::Error;

use super::MAX_NAME;
use crate::dose::Quantity;

/// An amount.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Amount {
    /// A number with its unit.
    #[n(0)]
    Exact(#[n(0)] Quantity),
    /// 半筒, 20 mL×2: printed as written.
    #[n(1)]
    Words(#[n(0)] String),
}

/// Why an amount cannot be printed as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AmountFault {
    /// A number that says nothing by itself.
    #[error("単位がありません。「20 mg」のように数と単位を書いてください")]
    NoUnit,
    /// More than three decimals, above the bound, or nothing at all.
    #[error("数が読めません。小数は3桁までの数で書き直してください")]
    NotExact,
    /// `.5` is read as 5, `1.0` as 10.
    #[error("「.5」や「1.0」は10倍に読みまちがえます。「0.5」「1」と書いてください")]
    Misread,
    /// Longer than its box.
    #[error("{MAX_NAME}字までです。コメントに分けて書いてください")]
    TooLong,
}

impl Amount {
    /// Reads what a person typed: `20mg`, `0.5 筒`, `１００ｍＬ`, `半筒`.
    ///
    /// # Errors
    /// [`AmountFault`] when it says nothing or could be misread.
    pub fn read(text: &str) -> Result<Self, AmountFault> {
        let text = text.trim();
        if text.chars().count() > MAX_NAME {
            return Err(AmountFault::TooLong);
        }
        let plain = crate::id::half_width_text(text);
        let is_figure = |c: char| c.is_ascii_digit() || c == '.' || c == ',';
        let figures: String = plain.chars().take_while(|c| is_figure(*c)).collect();
        // One character of the figures is one character of what was typed, half width or not.
        let unit: String = text.chars().skip(figures.chars().count()).collect();
        let unit = unit.trim();
        // 1〜2錠 or 20 mL×2 is no single number.
        let begins = unit
            .chars()
            .next()
            .is_some_and(|c| c.is_alphabetic() || matches!(c, '%' | '％'));
        let single = begins && !unit.chars().any(|c| crate::id::half_width(c).is_ascii_digit());
        match (figures.is_empty(), unit.is_empty()) {
            (true, true) => Err(AmountFault::NotExact),
            (false, true) => Err(AmountFault::NoUnit),
            (false, false) if single => {
                // A zero before the point and no zero after it are what the formatter writes, whatever was typed.
                let quantity = Quantity::parse(&figures, unit).filter(|q| q.milli > 0);
                quantity.map(Self::Exact).ok_or(AmountFault::NotExact)
            }
            _ if is_misread(&plain) => Err(AmountFault::Misread),
            _ => Ok(Self::Words(text.to_owned())),
        }
    }

    /// `20 mg`, `0.5筒`, or the words.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Exact(quantity) => quantity.text(),
            Self::Words(words) => words.clone(),
        }
    }

    /// What a person may have typed for it.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        match self {
            Self::Exact(q) => q.milli > 0 && q.milli <= Quantity::MAX_MILLI && !q.unit.trim().is_empty(),
            Self::Words(words) => !words.trim().is_empty() && !is_misread(&crate::id::half_width_text(words)),
        }
    }
}

/// A point without a figure before it, or a number that ends with zeros behind its point.
fn is_misread(text: &str) -> bool {
    let numbers = text.split(|c: char| !(c.is_ascii_digit() || c == '.'));
    numbers.filter(|number| number.contains('.')).any(|number| {
        let after = number.rsplit('.').next().unwrap_or_default();
        number.starts_with('.') || after.is_empty() || after.ends_with('0')
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<String, AmountFault> {
        Amount::read(text).map(|amount| amount.text())
    }

    #[test]
    fn numbers_with_a_unit_are_worded_by_the_one_formatter() {
        for (typed, printed) in [
            ("20mg", "20\u{a0}mg"),
            ("20 mg", "20\u{a0}mg"),
            ("１００ｍＬ", "100\u{a0}mL"),
            (".5mL", "0.5\u{a0}mL"),
            ("1.0 筒", "1筒"),
            ("1000単位", "1,000単位"),
            ("1,000 U", "1,000単位"),
            ("10cc", "10\u{a0}mL"),
        ] {
            assert_eq!(read(typed).as_deref(), Ok(printed), "{typed}");
        }
    }

    #[test]
    fn words_stay_words() {
        for words in ["半筒", "20 mL×2", "1〜2筒", "体表面積で計算 1.25 mg/m2"] {
            assert_eq!(read(words).as_deref(), Ok(words));
        }
    }

    #[test]
    fn what_says_nothing_or_may_be_misread_is_refused() {
        for (typed, fault) in [
            ("", AmountFault::NotExact),
            ("20", AmountFault::NoUnit),
            ("0.5", AmountFault::NoUnit),
            ("0mg", AmountFault::NotExact),
            ("1.2345mg", AmountFault::NotExact),
            ("99999999mL", AmountFault::NotExact),
            ("半筒（.5 mL）", AmountFault::Misread),
            ("1.0 mL×2", AmountFault::Misread),
        ] {
            assert_eq!(Amount::read(typed), Err(fault), "{typed}");
        }
        assert_eq!(Amount::read(&"あ".repeat(MAX_NAME + 1)), Err(AmountFault::TooLong));
    }

    proptest! {
        #[test]
        fn nothing_typed_panics_and_what_is_taken_cannot_be_misread(typed in "\\PC{0,44}") {
            if let Ok(amount) = Amount::read(&typed) {
                prop_assert!(amount.is_sound(), "{typed:?} → {amount:?}");
            }
        }

        #[test]
        fn exact_amounts_come_back(milli in 1..=Quantity::MAX_MILLI, unit in "(mg|mL|筒|単位|mEq)") {
            let quantity = Quantity { milli, unit };
            let read = Amount::read(&quantity.text());
            prop_assert_eq!(read, Ok(Amount::Exact(quantity)));
        }
    }
}
