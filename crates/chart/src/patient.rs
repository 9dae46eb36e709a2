//! Who the patient is: names, birth date, sex, phones, and the few facts a chart shows beside the name.
//!
//! A name is kept as registered; it is never guessed, reordered or shortened. Search keys live in `fold`.

use jiff::civil::Date;
use minicbor::{Decode, Encode};

use crate::fold;
use crate::id::PatientId;
use crate::language::Language;

/// 氏名: a written name with its reading, both as registered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
pub struct Name {
    /// 漢字氏名 or alphabet, family and given separated by one full-width space where the source separates them.
    #[n(0)]
    pub written: String,
    /// カナ氏名 in full-width katakana; empty when the EHR has none.
    #[n(1)]
    #[cbor(default)]
    pub kana: String,
}

impl Name {
    /// A name with its reading.
    pub fn new(written: impl Into<String>, kana: impl Into<String>) -> Self {
        Self {
            written: written.into(),
            kana: kana.into(),
        }
    }

    /// True when the written name holds characters that only the EHR's own font can show (外字).
    #[must_use]
    pub fn has_gaiji(&self) -> bool {
        self.written
            .chars()
            .any(|c| fold::is_private_use(c) || matches!(c, '■' | '〓' | '\u{FFFD}'))
    }

    /// The written name for screen and paper: characters nobody else's font has become 〓.
    #[must_use]
    pub fn shown(&self) -> String {
        self.written
            .chars()
            .map(|c| {
                if fold::is_private_use(c) || c == '\u{FFFD}' {
                    '〓'
                } else {
                    c
                }
            })
            .collect()
    }

    /// The reading for screen and paper: 「カナ未登録」 where the EHR has none. Blank is never a value.
    #[must_use]
    pub fn kana_shown(&self) -> &str {
        if self.kana.is_empty() {
            "カナ未登録"
        } else {
            &self.kana
        }
    }

    /// The family name: what stands before the first space.
    #[must_use]
    pub fn family(&self) -> &str {
        self.written.split([' ', '\u{3000}']).next().unwrap_or("")
    }
}

/// 性別 as registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
#[cbor(index_only)]
pub enum Sex {
    /// 男性
    #[n(0)]
    Male,
    /// 女性
    #[n(1)]
    Female,
    /// その他
    #[n(2)]
    Other,
    /// 不明: not registered.
    #[default]
    #[n(3)]
    Unknown,
}

impl Sex {
    /// 男性 女性 その他 性別不明
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Male => "男性",
            Self::Female => "女性",
            Self::Other => "その他",
            Self::Unknown => "性別不明",
        }
    }

    /// 男 女 他 不明, for narrow columns.
    #[must_use]
    pub const fn short(self) -> &'static str {
        match self {
            Self::Male => "男",
            Self::Female => "女",
            Self::Other => "他",
            Self::Unknown => "不明",
        }
    }

    /// HL7 table 0001: M F O U.
    #[must_use]
    pub const fn hl7(self) -> &'static str {
        match self {
            Self::Male => "M",
            Self::Female => "F",
            Self::Other => "O",
            Self::Unknown => "U",
        }
    }

    /// The reverse of [`Self::hl7`].
    #[must_use]
    pub fn from_hl7(text: &str) -> Option<Self> {
        Some(match text {
            "M" => Self::Male,
            "F" => Self::Female,
            "O" => Self::Other,
            "U" => Self::Unknown,
            _ => return None,
        })
    }
}

/// A phone number with what it is for (自宅, 携帯, 勤務先, 家族 …).
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Phone {
    /// As written in the source.
    #[n(0)]
    pub number: String,
    /// 自宅 携帯 勤務先 …, or empty.
    #[n(1)]
    #[cbor(default)]
    pub purpose: String,
}

/// One labelled fact beside the name: 血液型, 感染症, 身長, 体重, ペースメーカ …, with its date where known.
///
/// 血液型 is for reference only, never for transfusion; screens and forms say so.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Fact {
    /// What it is, in the hospital's word.
    #[n(0)]
    pub label: String,
    /// The value with its unit.
    #[n(1)]
    pub value: String,
    /// When it was measured or confirmed.
    #[cbor(n(2), with = "crate::codec::maybe_date", default)]
    pub on: Option<Date>,
}

/// 患者基本情報.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Patient {
    /// 患者番号
    #[n(0)]
    pub id: PatientId,
    /// 氏名・カナ氏名
    #[n(1)]
    pub name: Name,
    /// 旧姓・別名, newest first.
    #[n(2)]
    #[cbor(default)]
    pub former_names: Vec<Name>,
    /// 生年月日; `None` when the source's date is missing or impossible (a Finding says which).
    #[cbor(n(3), with = "crate::codec::maybe_date")]
    pub birth: Option<Date>,
    /// 性別
    #[n(4)]
    pub sex: Sex,
    /// 電話, the first is the one to call.
    #[n(5)]
    #[cbor(default)]
    pub phones: Vec<Phone>,
    /// 血液型・感染症・身長・体重 …
    #[n(6)]
    #[cbor(default)]
    pub facts: Vec<Fact>,
    /// 死亡日, when the EHR says that the patient has died.
    #[cbor(n(7), with = "crate::codec::maybe_date", default)]
    pub died: Option<Date>,
    /// 住所
    #[n(8)]
    #[cbor(default)]
    pub address: String,
    /// 保険区分 as the EHR last knew it, for the slip; not an eligibility check.
    #[n(9)]
    #[cbor(default)]
    pub insurance: String,
    /// The language the patient reads besides Japanese, as registered. (Number 10 is kept free.)
    #[n(11)]
    #[cbor(default)]
    pub language: Option<Language>,
}

impl Patient {
    /// 「1951年5月12日（昭和26年）」, or 「生年月日 未確認」.
    #[must_use]
    pub fn birth_long(&self) -> String {
        self.birth
            .map_or_else(|| "生年月日 未確認".to_owned(), crate::date::long)
    }

    /// 「1951-05-12(昭26)」 for lists, or 「未確認」.
    #[must_use]
    pub fn birth_short(&self) -> String {
        self.birth.map_or_else(|| "未確認".to_owned(), crate::date::short)
    }

    /// Age in words on a day, 「年齢不明」 without a birth date.
    #[must_use]
    pub fn age(&self, on: Date) -> String {
        match self.birth.map(|birth| crate::date::age(birth, on)) {
            Some(age) if !age.is_empty() => age,
            _ => "年齢不明".to_owned(),
        }
    }
}
