//! 会計の後日精算: what was done today, what was deposited and how to reach the patient, for whoever prices it when the EHR is back.
//!
//! No prices here: nothing on this paper is a bill.

use jiff::civil::Date;
use minicbor::{Decode, Encode};

use crate::id::{Coded, FormId};

/// Largest deposit in yen: a slip of the hand at the keyboard, not a bill, goes beyond it.
pub const MAX_DEPOSIT: u32 = 9_999_999;
/// Most services on one slip.
pub const MAX_SERVICES: usize = 40;
/// Most characters of one text.
pub const MAX_PAYMENT_TEXT: usize = 200;

/// 後日精算. Printing is recording: the number is the sheet's (F16), and another print of it is marked 再発行.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct PaymentDeferred {
    /// 帳票番号 of F16.
    #[n(0)]
    pub sheet: FormId,
    /// 診療科
    #[n(1)]
    pub department: Coded,
    /// 行ったこと: every service with whether it was ticked, as the slip shows them.
    #[n(2)]
    pub services: Vec<CareItem>,
    /// Free text: what no tick says.
    #[n(3)]
    #[cbor(default)]
    pub other: String,
    /// 預り金 in yen; `None` when nothing was taken.
    #[n(4)]
    #[cbor(default)]
    pub deposit: Option<u32>,
    /// 公費・労災・自賠責 …, in words; empty for the usual insurance.
    #[n(5)]
    #[cbor(default)]
    pub payer: String,
    /// Phone of the patient.
    #[n(6)]
    #[cbor(default)]
    pub phone: String,
    /// First day on which it can be paid.
    #[cbor(n(7), with = "crate::codec::maybe_date", default)]
    pub from: Option<Date>,
    /// Last day.
    #[cbor(n(8), with = "crate::codec::maybe_date", default)]
    pub until: Option<Date>,
    /// マイナ保険証・資格確認書を見た
    #[n(9)]
    #[cbor(default)]
    pub insurance_seen: bool,
}

/// One line of what may have been done.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct CareItem {
    /// 採血, 処置, 時間外加算 …
    #[n(0)]
    pub name: String,
    /// Ticked.
    #[n(1)]
    pub done: bool,
}

impl PaymentDeferred {
    /// The services that were ticked.
    pub fn done(&self) -> impl Iterator<Item = &str> {
        self.services.iter().filter(|s| s.done).map(|s| s.name.as_str())
    }
}

/// `3,000円`: yen as people read them.
#[must_use]
pub fn yen(amount: u64) -> String {
    let digits = amount.to_string();
    let mut out = String::with_capacity(digits.len() + 4);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out.push('円');
    out
}

/// An amount as typed: digits in either width, with or without commas and 円; `None` for anything else or above [`MAX_DEPOSIT`].
#[must_use]
pub fn read_yen(text: &str) -> Option<u32> {
    let plain: String = crate::id::half_width_text(text)
        .trim()
        .trim_start_matches(['¥', '\\', '￥'])
        .trim_end_matches('円')
        .trim()
        .chars()
        .filter(|c| !matches!(c, ',' | '、' | ' '))
        .collect();
    let digits = !plain.is_empty() && plain.bytes().all(|b| b.is_ascii_digit());
    plain.parse().ok().filter(|amount| digits && *amount <= MAX_DEPOSIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_people_write_them_and_never_guessed() {
        for (text, amount) in [
            ("3000", Some(3_000)),
            ("３，０００円", Some(3_000)),
            ("¥12,345", Some(12_345)),
            ("0", Some(0)),
            ("9999999", Some(9_999_999)),
            ("10000000", None),
            ("-5", None),
            ("3千", None),
            ("3.5", None),
            ("", None),
            ("円", None),
        ] {
            assert_eq!(read_yen(text), amount, "{text}");
        }
        assert_eq!(yen(0), "0円");
        assert_eq!(yen(999), "999円");
        assert_eq!(yen(3_000), "3,000円");
        assert_eq!(yen(1_234_567), "1,234,567円");
    }
}
