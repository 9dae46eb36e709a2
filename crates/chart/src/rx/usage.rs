//! 用法: when, how often, how long. One variant per class of dosage, because an amount means something else in each of them.
//!
//! A JAMI code is carried when the source has one; neither words nor codes are made from the other.

use minicbor::{Decode, Encode};

use crate::medication::Rhythm;

/// Where a dose stands to a meal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Meal {
    /// 食前
    #[n(0)]
    Before,
    /// 食直前
    #[n(1)]
    RightBefore,
    /// 食直後
    #[n(2)]
    RightAfter,
    /// 食後
    #[n(3)]
    After,
    /// 食間
    #[n(4)]
    Between,
}

impl Meal {
    /// 食前 食直前 食直後 食後 食間
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Before => "食前",
            Self::RightBefore => "食直前",
            Self::RightAfter => "食直後",
            Self::After => "食後",
            Self::Between => "食間",
        }
    }
}

/// The times of day of an oral drug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
pub struct Slots {
    /// 起床時
    #[n(0)]
    pub waking: bool,
    /// 朝
    #[n(1)]
    pub morning: bool,
    /// 昼
    #[n(2)]
    pub noon: bool,
    /// 夕
    #[n(3)]
    pub evening: bool,
    /// 就寝前
    #[n(4)]
    pub bedtime: bool,
}

impl Slots {
    /// How many doses a day that is.
    #[must_use]
    pub fn count(self) -> u8 {
        [self.waking, self.morning, self.noon, self.evening, self.bedtime]
            .into_iter()
            .map(u8::from)
            .sum()
    }

    /// True when a meal is among them.
    #[must_use]
    pub const fn has_meal(self) -> bool {
        self.morning || self.noon || self.evening
    }
}

/// When in the day an oral drug is taken.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Timing {
    /// At meals, on waking, at bedtime; the relation counts for the meals.
    #[n(0)]
    Slots(#[n(0)] Slots, #[n(1)] Meal),
    /// Every n hours.
    #[n(1)]
    EveryHours(#[n(0)] u8),
    /// So many times a day, nothing said about when.
    #[n(2)]
    Times(#[n(0)] u8),
    /// Words of the source (a repeat of the last prescription), with the doses a day they mean.
    #[n(3)]
    AsWritten(#[n(0)] u8, #[n(1)] String),
}

impl Timing {
    /// Doses a day.
    #[must_use]
    pub fn times(&self) -> u8 {
        match self {
            Self::Slots(slots, _) => slots.count(),
            Self::EveryHours(hours) => 24_u8.checked_div(*hours).unwrap_or(0),
            Self::Times(times) | Self::AsWritten(times, _) => *times,
        }
    }
}

/// 内服.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct OralUse {
    /// When in the day.
    #[n(0)]
    pub timing: Timing,
    /// On which days.
    #[n(1)]
    pub rhythm: Rhythm,
    /// 日数. For 隔日 and weekdays the days on which it is **taken** (実日数), so that amount × days is what is handed over.
    #[n(2)]
    pub days: u16,
}

/// How the drugs of one Rp are used.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Usage {
    /// 内服.
    #[n(0)]
    Oral(#[n(0)] OralUse),
    /// 頓服.
    #[n(1)]
    AsNeeded {
        /// For what: 疼痛時.
        #[n(0)]
        when: String,
        /// Most times a day; 0 when not said.
        #[n(1)]
        at_most: u8,
        /// Uses handed over (回分).
        #[n(2)]
        times: u16,
    },
    /// 外用; the amount is the total.
    #[n(2)]
    External {
        /// 部位; may be empty where the use names it (点眼 of both eyes is a site, うがい has none).
        #[n(0)]
        site: String,
        /// 貼付, 塗布, 点眼 …
        #[n(1)]
        how: String,
        /// Times a day; 0 when not said.
        #[n(2)]
        per_day: u8,
    },
    /// 内服滴剤; the amount is the total, how is as written.
    #[n(3)]
    Drops(#[n(0)] String),
    /// 注射（自己注射）; the amount is the total, how is as written.
    #[n(4)]
    Injection(#[n(0)] String),
    /// 医療材料; the amount is the total, how is as written.
    #[n(5)]
    Material(#[n(0)] String),
}

impl Usage {
    /// 内服 頓服 外用 内服滴剤 注射 医療材料
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Oral(_) => "内服",
            Self::AsNeeded { .. } => "頓服",
            Self::External { .. } => "外用",
            Self::Drops(_) => "内服滴剤",
            Self::Injection(_) => "注射",
            Self::Material(_) => "医療材料",
        }
    }
}
