//! 予約 and 検査予約: what was booked for the day, as of the snapshot.

use jiff::civil::{Date, Time};
use minicbor::{Decode, Encode};

use crate::id::Coded;

/// One booked outpatient appointment.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Appointment {
    /// Day of the appointment.
    #[cbor(n(0), with = "crate::codec::date")]
    pub on: Date,
    /// Booked time; `None` for 時間未定.
    #[cbor(n(1), with = "crate::codec::maybe_time")]
    pub at: Option<Time>,
    /// 診療科
    #[n(2)]
    pub department: Coded,
    /// 担当医
    #[n(3)]
    #[cbor(default)]
    pub doctor: Coded,
    /// Where to go: 2階 C受付.
    #[n(4)]
    #[cbor(default)]
    pub place: String,
    /// What the booking is for: 再診, 検査結果説明 …
    #[n(5)]
    #[cbor(default)]
    pub purpose: String,
    /// The EHR's own booking number.
    #[n(6)]
    #[cbor(default)]
    pub number: String,
}

impl Appointment {
    /// `9:30`, or 時間未定.
    #[must_use]
    pub fn time_text(&self) -> String {
        time_text(self.at)
    }
}

/// `9:30`, or 時間未定.
#[must_use]
pub fn time_text(at: Option<Time>) -> String {
    at.map_or_else(|| "時間未定".to_owned(), |t| format!("{}:{:02}", t.hour(), t.minute()))
}

/// One ordered examination (検査予約・オーダー).
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct ExamOrder {
    /// Day for which it is ordered.
    #[cbor(n(0), with = "crate::codec::date")]
    pub on: Date,
    /// Booked time, if any.
    #[cbor(n(1), with = "crate::codec::maybe_time")]
    pub at: Option<Time>,
    /// The examination.
    #[n(2)]
    pub exam: Coded,
    /// Where: 1階 中央採血.
    #[n(3)]
    #[cbor(default)]
    pub place: String,
    /// Preparation and remarks: 絶食 …
    #[n(4)]
    #[cbor(default)]
    pub remarks: String,
    /// Department that ordered it.
    #[n(5)]
    #[cbor(default)]
    pub department: Coded,
    /// The EHR's own order number.
    #[n(6)]
    #[cbor(default)]
    pub number: String,
}
