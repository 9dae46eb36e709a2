//! 処方箋: a prescription as a physician writes it while the EHR is away, as data. Paper, screen and the 2D symbols are made from
//! this one object, so that they cannot say different things.
//!
//! What is wrong with one is found by [`check`](Rx::check); its words are made by [`wording`]. Deliberately absent: interaction, dose-range and
//! duplicate checks; narcotics, which go on the hospital's own paper; 分割指示.

pub mod again;
pub mod check;
pub mod drug;
pub mod insurance;
pub mod usage;
pub mod wording;

use jiff::civil::Date;
use minicbor::{Decode, Encode};

use crate::id::{Coded, PatientId};
use crate::patient::{Name, Sex};
pub use check::Fault;
pub use drug::{CodeSystem, Control, Dose, Drug, Measure, Substitution};
pub use insurance::{Burden, Insurance, Member, Payer};
pub use usage::{Meal, OralUse, Slots, Timing, Usage};

/// Rp groups a prescription may have; the record numbers of the symbol have room for 999, paper has not.
pub const MAX_RPS: usize = 30;

/// Drugs in all Rp groups together.
pub const MAX_DRUGS: usize = 60;

/// Remarks (備考).
pub const MAX_REMARKS: usize = 20;

/// Characters of any one text.
pub const MAX_TEXT: usize = 200;

/// 使用期間 when none is written: four days, the day of issue and holidays included (療養担当規則 第20条).
pub const USUAL_VALID_DAYS: u8 = 4;

/// Longest 使用期間 accepted.
pub const MAX_VALID_DAYS: u8 = 93;

/// 漸減: this Rp is one step of several that follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Step {
    /// Which step, from 1.
    #[n(0)]
    pub step: u8,
    /// Of how many.
    #[n(1)]
    pub of: u8,
}

/// One Rp: drugs that are taken together in one way. Its number is its place, from 1.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Rp {
    /// The drugs in the order written.
    #[n(0)]
    pub drugs: Vec<Drug>,
    /// How and how long.
    #[n(1)]
    pub usage: Usage,
    /// 一包化
    #[n(2)]
    #[cbor(default)]
    pub packed: bool,
    /// 粉砕
    #[n(3)]
    #[cbor(default)]
    pub crushed: bool,
    /// 漸減: set on each of the Rp groups that make one tapering course.
    #[n(4)]
    #[cbor(default)]
    pub step: Option<Step>,
    /// What else belongs to the usage, as written; one line each.
    #[n(5)]
    #[cbor(default)]
    pub notes: Vec<String>,
    /// 用法コード (JAMI, 16 characters) when the source has one, or empty.
    #[n(6)]
    #[cbor(default)]
    pub jami: String,
}

impl Rp {
    /// One drug and how it is taken, with nothing else said.
    #[must_use]
    pub fn of(drug: Drug, usage: Usage) -> Self {
        Self {
            drugs: vec![drug],
            usage,
            packed: false,
            crushed: false,
            step: None,
            notes: Vec::new(),
            jami: String::new(),
        }
    }
}

/// 残薬: what the pharmacy shall do when it finds unused drugs. What the second box means depends on the day of issue, see [`Self::word`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Leftovers {
    /// 保険医療機関へ疑義照会した上で調剤
    #[n(0)]
    AskFirst,
    /// The second box.
    #[n(1)]
    Inform,
}

impl Leftovers {
    /// The words of the box on a prescription issued on a day: the second changed on 2026-06-01 (令和8年度改定).
    #[must_use]
    pub fn word(self, issued_on: Date) -> &'static str {
        match self {
            Self::AskFirst => "保険医療機関へ疑義照会した上で調剤",
            Self::Inform if issued_on < jiff::civil::date(2026, 6, 1) => "保険医療機関へ情報提供",
            Self::Inform => "調剤する薬剤を減量した上で保険医療機関に情報提供",
        }
    }
}

/// Where the drugs are given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(index_only)]
pub enum GivenOut {
    /// 院外: any pharmacy.
    #[default]
    #[n(0)]
    Outside,
    /// 院内: the hospital's own pharmacy.
    #[n(1)]
    InHouse,
}

impl GivenOut {
    /// 院外 院内
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Outside => "院外",
            Self::InHouse => "院内",
        }
    }

    /// The form it is printed on.
    #[must_use]
    pub const fn form(self) -> &'static str {
        match self {
            Self::Outside => "F04",
            Self::InHouse => "F05",
        }
    }
}

/// What the physician decides.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Rx {
    /// 院外 or 院内.
    #[n(0)]
    pub given_out: GivenOut,
    /// The Rp groups in order.
    #[n(1)]
    pub rps: Vec<Rp>,
    /// 使用期間 in days including the day of issue; [`USUAL_VALID_DAYS`] unless the physician writes another.
    #[n(2)]
    pub valid_days: u8,
    /// リフィル: how often the prescription may be used in all, 2 or 3.
    #[n(3)]
    #[cbor(default)]
    pub refill: Option<u8>,
    /// 残薬
    #[n(4)]
    #[cbor(default)]
    pub leftovers: Option<Leftovers>,
    /// 備考, printed as written.
    #[n(5)]
    #[cbor(default)]
    pub remarks: Vec<String>,
    /// Insurance as the hospital last knew it; empty when it knew nothing.
    #[n(6)]
    #[cbor(default)]
    pub insurance: Insurance,
}

impl Rx {
    /// The last day on which a pharmacy may accept it; `None` beyond the calendar.
    #[must_use]
    pub fn last_day(&self, issued_on: Date) -> Option<Date> {
        let days = i64::from(self.valid_days.max(1)) - 1;
        issued_on.checked_add(jiff::Span::new().days(days)).ok()
    }

    /// All drugs with the number of their Rp.
    pub fn drugs(&self) -> impl Iterator<Item = (usize, &Rp, &Drug)> {
        let numbered = self.rps.iter().enumerate();
        numbered.flat_map(|(at, rp)| rp.drugs.iter().map(move |drug| (at + 1, rp, drug)))
    }
}

/// 保険医療機関: who answers for the prescription, as its head prints it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Institution {
    /// 都道府県番号, `01` to `47`.
    #[n(0)]
    pub prefecture: String,
    /// 医療機関コード, seven digits.
    #[n(1)]
    pub code: String,
    /// 名称
    #[n(2)]
    pub name: String,
    /// 郵便番号 as `105-0000`, or empty.
    #[n(3)]
    #[cbor(default)]
    pub postcode: String,
    /// 所在地, or empty.
    #[n(4)]
    #[cbor(default)]
    pub address: String,
    /// The telephone that is answered during the downtime, or empty.
    #[n(5)]
    #[cbor(default)]
    pub phone: String,
    /// FAX, or empty.
    #[n(6)]
    #[cbor(default)]
    pub fax: String,
}

/// 保険医
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Doctor {
    /// The hospital's number of the doctor, or empty.
    #[n(0)]
    pub code: String,
    /// 氏名・カナ
    #[n(1)]
    pub name: Name,
}

/// For whom.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct RxPatient {
    /// 患者番号
    #[n(0)]
    pub id: PatientId,
    /// 氏名・カナ
    #[n(1)]
    pub name: Name,
    /// 性別
    #[n(2)]
    pub sex: Sex,
    /// 生年月日
    #[cbor(n(3), with = "crate::codec::maybe_date")]
    pub birth: Option<Date>,
}

/// One prescription with everything that stands on its sheet: the source of the paper and of the symbols.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct RxSheet {
    /// 保険医療機関
    #[n(0)]
    pub institution: Institution,
    /// 診療科: a code of the 診療科コード table, or only a name.
    #[n(1)]
    pub department: Coded,
    /// 保険医
    #[n(2)]
    pub doctor: Doctor,
    /// 患者
    #[n(3)]
    pub patient: RxPatient,
    /// 交付年月日
    #[cbor(n(4), with = "crate::codec::date")]
    pub issued_on: Date,
    /// What is prescribed.
    #[n(5)]
    pub rx: Rx,
}
