//! 保険: the identity under which the drugs are billed, as the hospital last knew it.
//!
//! Everything is optional: during a downtime nobody can look up eligibility, and an empty box is filled by the pharmacy.

use minicbor::{Decode, Encode};

use crate::as_of::Moment;

/// 被保険者 or 被扶養者.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Member {
    /// 被保険者（本人）
    #[n(0)]
    Insured,
    /// 被扶養者（家族）
    #[n(1)]
    Dependent,
}

impl Member {
    /// 本人 家族
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Insured => "本人",
            Self::Dependent => "家族",
        }
    }
}

/// 患者一部負担区分 as the remarks of a prescription write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Burden {
    /// 高一: 高齢者一般
    #[n(0)]
    ElderlyUsual,
    /// 高７: 高齢者7割給付
    #[n(1)]
    Elderly70,
    /// 6歳: 6歳未満（就学前）
    #[n(2)]
    Infant,
    /// 高８: 後期高齢者8割給付（2022-10から）
    #[n(3)]
    Elderly80,
}

impl Burden {
    /// 高一 高７ ６歳 高８
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::ElderlyUsual => "高一",
            Self::Elderly70 => "高７",
            Self::Infant => "６歳",
            Self::Elderly80 => "高８",
        }
    }
}

/// 公費: one public payer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Payer {
    /// 公費負担者番号, eight digits.
    #[n(0)]
    pub payer: String,
    /// 公費負担医療の受給者番号, seven digits, or empty.
    #[n(1)]
    pub recipient: String,
}

/// What is known about the patient's insurance.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Insurance {
    /// 保険者番号, 6 or 8 digits, or empty.
    #[n(0)]
    pub insurer: String,
    /// 記号, may hold kanji, or empty.
    #[n(1)]
    pub symbol: String,
    /// 番号, or empty.
    #[n(2)]
    pub number: String,
    /// 枝番, two digits, or empty.
    #[n(3)]
    pub branch: String,
    /// 本人・家族
    #[n(4)]
    #[cbor(default)]
    pub member: Option<Member>,
    /// 一部負担区分
    #[n(5)]
    #[cbor(default)]
    pub burden: Option<Burden>,
    /// 公費, first to third.
    #[n(6)]
    #[cbor(default)]
    pub payers: Vec<Payer>,
    /// When the EHR last vouched for it; `None` when nothing came from an EHR. It goes with the numbers for ever: a copy printed
    /// next week still says how old they were.
    #[n(7)]
    #[cbor(default)]
    pub as_of: Option<Moment>,
}

/// Whether the last digit of a 保険者番号 (6 or 8 digits) or a 公費負担者番号 (8) is the check digit of the others (検証番号: weights 2 and 1
/// from the right, digits of the products summed, what is left to the next ten). `None` when it is not such a number at all.
#[must_use]
pub fn check_digit_holds(number: &str) -> Option<bool> {
    let known = matches!(number.len(), 6 | 8) && number.bytes().all(|b| b.is_ascii_digit());
    let (last, front) = number.as_bytes().split_last().filter(|_| known)?;
    Some(check_digit(front) == last - b'0')
}

/// The check digit of these ASCII digits.
fn check_digit(front: &[u8]) -> u8 {
    let product = |(at, digit): (usize, &u8)| {
        let product = (digit.saturating_sub(b'0')).min(9) * if at % 2 == 0 { 2 } else { 1 };
        product / 10 + product % 10
    };
    let sum: u8 = front.iter().rev().take(8).enumerate().map(product).sum();
    (10 - sum % 10) % 10
}

impl Insurance {
    /// Most public payers a prescription has boxes for.
    pub const MAX_PAYERS: usize = 3;

    /// What is written wrongly, as the name of the box; empty when all that is there can be right. Nothing is looked up.
    #[must_use]
    pub fn faults(&self) -> Vec<&'static str> {
        let digits = |text: &str, lengths: &[usize]| {
            text.is_empty() || (lengths.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()))
        };
        let short = |text: &str| text.chars().count() <= 20;
        let mut found = Vec::new();
        if !digits(&self.insurer, &[6, 8]) {
            found.push("保険者番号");
        }
        if !short(&self.symbol) {
            found.push("記号");
        }
        if !short(&self.number) {
            found.push("番号");
        }
        if !digits(&self.branch, &[2]) {
            found.push("枝番");
        }
        if self.payers.len() > Self::MAX_PAYERS {
            found.push("公費（3つまで）");
        }
        for payer in &self.payers {
            if payer.payer.is_empty() || !digits(&payer.payer, &[8]) {
                found.push("公費負担者番号");
            }
            if !digits(&payer.recipient, &[7]) {
                found.push("受給者番号");
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_tell_a_wrong_digit_and_two_that_changed_places() {
        // Made for the tests: the numbers belong to nobody, the digits hold.
        assert_eq!(check_digit_holds("06139992"), Some(true));
        for wrong in ["06139993", "06193992", "60139992"] {
            assert_eq!(check_digit_holds(wrong), Some(false), "{wrong}");
        }
        for other in ["", "0613999", "0613999X", "061399921"] {
            assert_eq!(check_digit_holds(other), None, "{other}");
        }
        let front = b"13999";
        let six = format!("13999{}", check_digit(front));
        assert_eq!(check_digit_holds(&six), Some(true));
    }
}
