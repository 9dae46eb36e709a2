//! One drug of a prescription: its name as written, its code with the system it comes from, and the amount in the shape it was ordered.
//!
//! The name is what people verify; codes are carried, never looked up or made here.

use minicbor::{Decode, Encode};

use crate::dose::Quantity;

/// Which list a drug's code comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(index_only)]
pub enum CodeSystem {
    /// No code: the name alone.
    #[default]
    #[n(0)]
    None,
    /// レセプト電算処理システム 医薬品コード, 9 digits.
    #[n(1)]
    Claim,
    /// 薬価基準収載医薬品コード (厚生労働省コード), 12 characters; not brand specific for every drug.
    #[n(2)]
    Mhlw,
    /// YJ (個別医薬品コード), 12 characters.
    #[n(3)]
    Yj,
    /// HOT, 7 to 13 digits.
    #[n(4)]
    Hot,
    /// 一般名コード, 12 characters.
    #[n(5)]
    Generic,
    /// The hospital's own code: kept for going back into the EHR, never written into a symbol.
    #[n(6)]
    Local,
}

impl CodeSystem {
    /// Whether a code has the shape of its list. The local list has no shape but a length.
    #[must_use]
    pub fn fits(self, code: &str) -> bool {
        let bytes = code.as_bytes();
        let digits = bytes.iter().all(u8::is_ascii_digit);
        let alnum = bytes.iter().all(u8::is_ascii_alphanumeric);
        match self {
            Self::None => code.is_empty(),
            Self::Claim => digits && bytes.len() == 9,
            Self::Mhlw | Self::Yj | Self::Generic => alnum && bytes.len() == 12,
            Self::Hot => digits && (7..=13).contains(&bytes.len()),
            Self::Local => !code.is_empty() && code.chars().count() <= 32,
        }
    }
}

/// What the amount of a powder or a liquid counts. Tablets need no word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(index_only)]
pub enum Measure {
    /// Tablets, capsules, sheets: the unit says it.
    #[default]
    #[n(0)]
    Counted,
    /// 製剤量: the weight or volume of the preparation.
    #[n(1)]
    Preparation,
    /// 力価（成分量）: the weight of the active ingredient.
    #[n(2)]
    Active,
}

/// 規制区分 as the hospital's master marks it. A drug without a mark is not thereby free of rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(index_only)]
pub enum Control {
    /// No mark known.
    #[default]
    #[n(0)]
    Unmarked,
    /// 麻薬: refused, see [`super::Fault::Narcotic`].
    #[n(1)]
    Narcotic,
    /// 向精神薬 and others with a limit of days: no refill.
    #[n(2)]
    Limited,
}

/// Whether the pharmacy may give another product. One of them: 変更不可 and 患者希望 never stand on one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(index_only)]
pub enum Substitution {
    /// Neither column is marked.
    #[default]
    #[n(0)]
    Free,
    /// 後発品変更不可（医療上必要）
    #[n(1)]
    NoGeneric,
    /// 剤形変更不可
    #[n(2)]
    NoForm,
    /// 含量規格変更不可
    #[n(3)]
    NoStrength,
    /// 剤形及び含量規格変更不可
    #[n(4)]
    NoFormNorStrength,
    /// 先発医薬品患者希望（選定療養, since 2024-10）
    #[n(5)]
    PatientWish,
}

impl Substitution {
    /// 後発品変更不可 …; empty when free.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Free => "",
            Self::NoGeneric => "後発品変更不可",
            Self::NoForm => "剤形変更不可",
            Self::NoStrength => "含量規格変更不可",
            Self::NoFormNorStrength => "剤形及び含量規格変更不可",
            Self::PatientWish => "先発医薬品患者希望",
        }
    }

    /// True when the column 変更不可（医療上必要） is ticked, for which the doctor signs a second time in 備考.
    #[must_use]
    pub const fn needs_signature(self) -> bool {
        matches!(self, Self::NoGeneric)
    }
}

/// How much, in the shape it was ordered.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Dose {
    /// 内服: the same amount each time (1回量).
    #[n(0)]
    Each(#[n(0)] Quantity),
    /// 内服: an amount per day in equal parts (分3).
    #[n(1)]
    Divided(#[n(0)] Quantity),
    /// 内服, 不均等: the day's doses in order, two to five of them, one unit.
    #[n(2)]
    Uneven(#[n(0)] Vec<Quantity>),
    /// 頓服: per use.
    #[n(3)]
    PerUse(#[n(0)] Quantity),
    /// 外用, 内服滴剤, 注射, 材料: everything that is handed over.
    #[n(4)]
    Total(#[n(0)] Quantity),
}

impl Dose {
    /// The amounts it is made of, never empty for a sound one.
    #[must_use]
    pub fn quantities(&self) -> &[Quantity] {
        match self {
            Self::Each(q) | Self::Divided(q) | Self::PerUse(q) | Self::Total(q) => std::slice::from_ref(q),
            Self::Uneven(all) => all,
        }
    }

    /// 1日量 for a number of doses a day; `None` where there is no day (頓服, 外用) or the amount is too large.
    #[must_use]
    pub fn per_day(&self, times: u8) -> Option<Quantity> {
        let (milli, unit) = match self {
            Self::Each(q) => (q.milli.checked_mul(u64::from(times))?, &q.unit),
            Self::Divided(q) => (q.milli, &q.unit),
            Self::Uneven(all) => {
                let sum = all.iter().try_fold(0_u64, |sum, q| sum.checked_add(q.milli))?;
                (sum, &all.first()?.unit)
            }
            Self::PerUse(_) | Self::Total(_) => return None,
        };
        (milli <= Quantity::MAX_MILLI).then(|| Quantity {
            milli,
            unit: unit.clone(),
        })
    }
}

/// One drug line.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Drug {
    /// Brand with form and strength, or 【般】 name: as written, printed verbatim.
    #[n(0)]
    pub name: String,
    /// Where [`Self::code`] comes from.
    #[n(1)]
    pub system: CodeSystem,
    /// The code, empty for [`CodeSystem::None`].
    #[n(2)]
    pub code: String,
    /// How much.
    #[n(3)]
    pub dose: Dose,
    /// 製剤量 or 力価.
    #[n(4)]
    pub measure: Measure,
    /// 変更不可, 患者希望.
    #[n(5)]
    #[cbor(default)]
    pub substitution: Substitution,
    /// 麻薬, 向精神薬 as the master marks it.
    #[n(6)]
    #[cbor(default)]
    pub control: Control,
    /// 単位変換係数 in hundred-thousandths: units of the 薬価 list in one unit of the dose (1 缶 = 250 mL is 25,000,000). Only where the
    /// hospital's master holds it.
    #[n(7)]
    #[cbor(default)]
    pub conversion: Option<u64>,
    /// Comments on this drug, printed as written.
    #[n(8)]
    #[cbor(default)]
    pub notes: Vec<String>,
}

impl Drug {
    /// A line as it is written by hand: no code, no mark, no comment.
    #[must_use]
    pub fn written(name: &str, dose: Dose) -> Self {
        Self {
            name: name.to_owned(),
            system: CodeSystem::None,
            code: String::new(),
            dose,
            measure: Measure::default(),
            substitution: Substitution::Free,
            control: Control::default(),
            conversion: None,
            notes: Vec::new(),
        }
    }
}
