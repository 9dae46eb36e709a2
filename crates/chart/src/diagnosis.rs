//! 病名: the active diagnoses, each with its first-visit date (初診日), which claims and downtime paper both need.

use jiff::civil::Date;
use minicbor::{Decode, Encode};

/// What stands before a diagnosis that the patient has not been told, wherever staff read it.
pub const UNINFORMED_MARK: &str = "【未告知】";

/// One diagnosis as the EHR holds it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Diagnosis {
    /// Display name with its modifiers, as written.
    #[n(0)]
    pub name: String,
    /// 病名管理番号 or the hospital's code.
    #[n(1)]
    #[cbor(default)]
    pub code: String,
    /// ICD-10 as written (with or without a dot).
    #[n(2)]
    #[cbor(default)]
    pub icd10: String,
    /// 初診日・開始日
    #[cbor(n(3), with = "crate::codec::maybe_date", default)]
    pub since: Option<Date>,
    /// 主病名
    #[n(4)]
    #[cbor(default)]
    pub main: bool,
    /// 疑い
    #[n(5)]
    #[cbor(default)]
    pub suspected: bool,
    /// Department that entered it.
    #[n(6)]
    #[cbor(default)]
    pub department: String,
    /// 未告知: the patient has not been told. Staff see it with a mark; nothing for the patient carries it.
    #[n(7)]
    #[cbor(default)]
    pub uninformed: bool,
}

impl Diagnosis {
    /// The name with 「の疑い」 where the source marks it and the name does not already say so.
    #[must_use]
    pub fn text(&self) -> String {
        if self.suspected && !self.name.ends_with("疑い") {
            format!("{}の疑い", self.name)
        } else {
            self.name.clone()
        }
    }

    /// [`Self::text`] for staff: with 【未告知】 before what the patient has not been told.
    #[must_use]
    pub fn staff_text(&self) -> String {
        if self.uninformed {
            format!("{UNINFORMED_MARK}{}", self.text())
        } else {
            self.text()
        }
    }
}
