//! 検体検査結果: values as reported, never recomputed. Reference ranges come from the source, not from a table of ours.

use jiff::civil::{Date, Time};
use minicbor::{Decode, Encode};

/// How a value stands to its reference range, as the laboratory flagged it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Flag {
    /// H
    #[n(0)]
    High,
    /// L
    #[n(1)]
    Low,
    /// 緊急値 (HH, LL, panic)
    #[n(2)]
    Critical,
    /// A: abnormal without a direction, such as (+)
    #[n(3)]
    Abnormal,
}

impl Flag {
    /// H L 緊急値 異常
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::High => "H",
            Self::Low => "L",
            Self::Critical => "緊急値",
            Self::Abnormal => "異常",
        }
    }
}

/// One laboratory result.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct LabResult {
    /// Name of the item as the laboratory prints it.
    #[n(0)]
    pub name: String,
    /// The value as reported: `4.9`, `< 0.02`, `(2+)`.
    #[n(1)]
    pub value: String,
    /// Unit as reported.
    #[n(2)]
    #[cbor(default)]
    pub unit: String,
    /// The laboratory's flag.
    #[n(3)]
    #[cbor(default)]
    pub flag: Option<Flag>,
    /// Reference range as reported.
    #[n(4)]
    #[cbor(default)]
    pub reference: String,
    /// Day of sampling (or report).
    #[cbor(n(5), with = "crate::codec::maybe_date", default)]
    pub on: Option<Date>,
    /// Time of sampling (or report).
    #[cbor(n(6), with = "crate::codec::maybe_time", default)]
    pub at: Option<Time>,
    /// JLAC10 or the hospital's code.
    #[n(7)]
    #[cbor(default)]
    pub code: String,
}

impl LabResult {
    /// `BNP 212 pg/mL H`
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("{} {}", self.name, self.value);
        if !self.unit.is_empty() {
            text.push('\u{00A0}');
            text.push_str(&self.unit);
        }
        if let Some(flag) = self.flag {
            text.push('\u{00A0}');
            text.push_str(flag.word());
        }
        text
    }
}
