//! When: moments, and the time at which the EHR last vouched for a fact.
//!
//! No clock here: a `Moment` is always given by the roof of the house.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;
use minicbor::{Decode, Encode};

/// Japan Standard Time, the wall clock of every hospital Tomoshibi serves so far (no daylight saving since 1951).
pub const JST: Offset = Offset::constant(9);

/// A point in time: seconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
#[cbor(transparent)]
pub struct Moment(#[n(0)] pub i64);

impl Moment {
    /// The wall-clock date and time in Japan. Moments outside jiff's range (year ±9999) show as 1970-01-01 09:00.
    #[must_use]
    pub fn local(self) -> DateTime {
        JST.to_datetime(Timestamp::from_second(self.0).unwrap_or(Timestamp::UNIX_EPOCH))
    }

    /// The wall-clock day in Japan.
    #[must_use]
    pub fn day(self) -> Date {
        self.local().date()
    }

    /// The wall-clock day in Japan as a number: days since 1970-01-01.
    #[must_use]
    pub const fn day_number(self) -> i64 {
        (self.0 + 9 * 3_600).div_euclid(86_400)
    }

    /// From a wall-clock date and time in Japan.
    #[must_use]
    pub fn from_local(local: DateTime) -> Self {
        Self(JST.to_timestamp(local).map_or(0, Timestamp::as_second))
    }

    /// `2026-11-20 08:45`
    #[must_use]
    pub fn text(self) -> String {
        let t = self.local();
        format!(
            "{:04}-{:02}-{:02} {:02}:{:02}",
            t.year(),
            t.month(),
            t.day(),
            t.hour(),
            t.minute()
        )
    }

    /// `2026-11-20T08:45:12+09:00` (RFC 3339)
    #[must_use]
    pub fn iso(self) -> String {
        let t = self.local();
        format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}+09:00",
            t.year(),
            t.month(),
            t.day(),
            t.hour(),
            t.minute(),
            t.second()
        )
    }

    /// `08:45`
    #[must_use]
    pub fn clock(self) -> String {
        let t = self.local();
        format!("{:02}:{:02}", t.hour(), t.minute())
    }

    /// Whole minutes from an earlier moment to this one; negative when it is later.
    #[must_use]
    pub const fn minutes_since(self, earlier: Self) -> i64 {
        (self.0 - earlier.0) / 60
    }
}

/// Kinds of data that a source delivers separately and that can therefore be of different age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum DataKind {
    /// 患者基本情報
    #[n(0)]
    Patient,
    /// 予約
    #[n(1)]
    Appointment,
    /// 検査予約・検査オーダー
    #[n(2)]
    Order,
    /// 病名
    #[n(3)]
    Diagnosis,
    /// 診療録
    #[n(4)]
    Note,
    /// 処方
    #[n(5)]
    Prescription,
    /// アレルギー・禁忌
    #[n(6)]
    Allergy,
    /// 検体検査結果
    #[n(7)]
    Result,
    /// 血液型・感染症・身長体重など
    #[n(8)]
    Profile,
    /// 入院・病床
    #[n(9)]
    Stay,
    /// 与薬予定・注射
    #[n(10)]
    Schedule,
    /// バイタル
    #[n(11)]
    Vital,
    /// 申し送り
    #[n(12)]
    Handover,
    /// 保険
    #[n(13)]
    Insurance,
}

impl DataKind {
    /// All kinds, in the order in which screens list them.
    pub const ALL: [Self; 14] = [
        Self::Patient,
        Self::Appointment,
        Self::Order,
        Self::Diagnosis,
        Self::Note,
        Self::Prescription,
        Self::Allergy,
        Self::Result,
        Self::Profile,
        Self::Insurance,
        Self::Stay,
        Self::Schedule,
        Self::Vital,
        Self::Handover,
    ];

    /// The word used in configuration and messages: `patient`, `appointment`, …
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Patient => "patient",
            Self::Appointment => "appointment",
            Self::Order => "order",
            Self::Diagnosis => "diagnosis",
            Self::Note => "note",
            Self::Prescription => "prescription",
            Self::Allergy => "allergy",
            Self::Result => "result",
            Self::Profile => "profile",
            Self::Insurance => "insurance",
            Self::Stay => "stay",
            Self::Schedule => "schedule",
            Self::Vital => "vital",
            Self::Handover => "handover",
        }
    }
}

/// データ時点: when the EHR last vouched for a chart, and for single kinds of data where that differs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct AsOf {
    /// The time that holds for every kind not listed in `apart`.
    #[n(0)]
    pub at: Moment,
    /// Kinds of data whose time differs.
    #[n(1)]
    #[cbor(default)]
    pub apart: Vec<(DataKind, Moment)>,
}

impl AsOf {
    /// The same time for every kind of data.
    #[must_use]
    pub const fn all(at: Moment) -> Self {
        Self { at, apart: Vec::new() }
    }

    /// The time of one kind of data.
    #[must_use]
    pub fn of(&self, kind: DataKind) -> Moment {
        self.apart
            .iter()
            .find(|(k, _)| *k == kind)
            .map_or(self.at, |(_, at)| *at)
    }

    /// The oldest time of all: the one a mode bar must show.
    #[must_use]
    pub fn oldest(&self) -> Moment {
        self.apart.iter().map(|(_, at)| *at).fold(self.at, Ord::min)
    }
}
