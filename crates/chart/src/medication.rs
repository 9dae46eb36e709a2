//! 処方: the last prescriptions as the EHR holds them, item by item, in the shapes Japanese dosing takes.
//!
//! No interaction, dose-range or duplicate checks, here or anywhere: screens and paper say so.

use jiff::civil::Date;
use minicbor::{Decode, Encode};

use crate::dose::{self, Quantity};
use crate::id::Coded;

/// How an item is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
#[cbor(index_only)]
pub enum Route {
    /// 内服
    #[default]
    #[n(0)]
    Oral,
    /// 頓服
    #[n(1)]
    AsNeeded,
    /// 外用
    #[n(2)]
    External,
    /// 注射 (自己注射 on an outpatient prescription)
    #[n(3)]
    Injection,
    /// 材料・その他
    #[n(4)]
    Other,
}

impl Route {
    /// 内服 頓服 外用 注射 その他
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Oral => "内服",
            Self::AsNeeded => "頓服",
            Self::External => "外用",
            Self::Injection => "注射",
            Self::Other => "その他",
        }
    }
}

/// On which days an item is taken.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub enum Rhythm {
    /// 毎日
    #[default]
    #[n(0)]
    Daily,
    /// 隔日
    #[n(1)]
    AlternateDays,
    /// Every n days.
    #[n(2)]
    EveryDays(#[n(0)] u8),
    /// Bit 0 Sunday … bit 6 Saturday.
    #[n(3)]
    Weekdays(#[n(0)] u8),
}

impl Rhythm {
    /// Empty for daily, else 隔日, 3日ごと, 月・木曜日.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Daily => String::new(),
            Self::AlternateDays => "隔日".to_owned(),
            Self::EveryDays(n) => format!("{n}日ごと"),
            Self::Weekdays(mask) => {
                let days: Vec<&str> = ["日", "月", "火", "水", "木", "金", "土"]
                    .iter()
                    .enumerate()
                    .filter(|(i, _)| mask >> i & 1 == 1)
                    .map(|(_, d)| *d)
                    .collect();
                format!("{}曜日", days.join("・"))
            }
        }
    }
}

/// One drug line of a prescription.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct PrescriptionItem {
    /// RP番号: lines with one number share their usage.
    #[n(0)]
    pub rp: u16,
    /// The drug: local code and display name with strength.
    #[n(1)]
    pub drug: Coded,
    /// 内服 頓服 外用 注射
    #[n(2)]
    pub route: Route,
    /// 1回量
    #[n(3)]
    #[cbor(default)]
    pub per_dose: Option<Quantity>,
    /// 1日量
    #[n(4)]
    #[cbor(default)]
    pub per_day: Option<Quantity>,
    /// 不均等: the amounts of the day's doses in order; empty when all are equal.
    #[n(5)]
    #[cbor(default)]
    pub uneven: Vec<Quantity>,
    /// 用法 as the EHR writes it: 1日3回 毎食後.
    #[n(6)]
    pub usage: String,
    /// 日数 (oral) – none for 頓服 and 外用 without days.
    #[n(7)]
    #[cbor(default)]
    pub days: Option<u16>,
    /// 回数 (頓服: 10回分)
    #[n(8)]
    #[cbor(default)]
    pub times: Option<u16>,
    /// 総量 (外用: 2本)
    #[n(9)]
    #[cbor(default)]
    pub total: Option<Quantity>,
    /// 隔日, weekdays …
    #[n(10)]
    #[cbor(default)]
    pub rhythm: Rhythm,
    /// コメント as written, printed verbatim.
    #[n(11)]
    #[cbor(default)]
    pub comment: String,
    /// 薬効タグ such as 抗凝固, set by the pharmacy in the master.
    #[n(12)]
    #[cbor(default)]
    pub tag: String,
}

impl PrescriptionItem {
    /// 1回 1錠（1日 2錠） – the amounts; the wording lives in [`crate::dose`].
    #[must_use]
    pub fn dose_text(&self) -> String {
        dose::amounts(
            self.per_dose.as_ref(),
            self.per_day.as_ref(),
            &self.uneven,
            self.total.as_ref(),
        )
    }

    /// 1日2回 朝夕食後 隔日
    #[must_use]
    pub fn usage_text(&self) -> String {
        let rhythm = self.rhythm.text();
        if rhythm.is_empty() || self.usage.contains(&rhythm) {
            self.usage.clone()
        } else {
            format!("{} {rhythm}", self.usage).trim().to_owned()
        }
    }

    /// 35日分, 10回分, or empty.
    #[must_use]
    pub fn supply_text(&self) -> String {
        match (self.days, self.times) {
            (Some(days), _) if days > 0 => format!("{days}日分"),
            (_, Some(times)) if times > 0 => format!("{times}回分"),
            _ => String::new(),
        }
    }

    /// The whole line: アピキサバン錠2.5mg 1回 1錠（1日 2錠） 1日2回 朝夕食後 35日分.
    #[must_use]
    pub fn line(&self) -> String {
        let tag = if self.tag.is_empty() {
            String::new()
        } else {
            format!("［{}］", self.tag)
        };
        [
            self.drug.label().to_owned() + &tag,
            self.dose_text(),
            self.usage_text(),
            self.supply_text(),
            self.comment.clone(),
        ]
        .iter()
        .filter(|part| !part.is_empty())
        .cloned()
        .collect::<Vec<_>>()
        .join(" ")
    }
}

/// One prescription of one day.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Prescription {
    /// 処方日
    #[cbor(n(0), with = "crate::codec::maybe_date")]
    pub on: Option<Date>,
    /// 診療科
    #[n(1)]
    pub department: Coded,
    /// 処方医
    #[n(2)]
    pub doctor: Coded,
    /// The lines in order.
    #[n(3)]
    pub items: Vec<PrescriptionItem>,
}
