//! 電子版お薬手帳 (JAHIS 電子版お薬手帳データフォーマット仕様書 Ver.2.6): what the patient's medicine notebook says, as data.
//!
//! The only source of current medicines from outside while the EHR is down. What is read is the patient's, not verified, and never
//! overwrites what the hospital knows; each line keeps who wrote it. Nothing is looked up, and no date is computed.

mod gather;
mod join;
mod read;
mod today;
mod typed;
mod write;

use jiff::civil::Date;

pub use gather::{Book, Gathered, Stray, Waiting, gather};
pub use join::{Fragment, JoinError, Joined, join, join_files};
pub use read::{NotebookReading, read};
pub use today::today;
pub use write::{write, write_parts};

/// 記録の作成者.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Origin {
    /// 1 医療関係者
    Medical,
    /// 2 患者等
    Patient,
    /// 8 その他
    Other,
    /// 9 不明, and anything a reader does not know.
    #[default]
    Unknown,
}

impl Origin {
    /// 医療関係者 患者等 その他 不明
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Medical => "医療関係者",
            Self::Patient => "患者等",
            Self::Other => "その他",
            Self::Unknown => "不明",
        }
    }
}

/// A notebook, or the part of one that a symbol carries.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Notebook {
    /// The two digits of the header: 8 for `JAHISTC08`.
    pub edition: u8,
    /// 出力区分: 1 from an institution to the patient, 2 from the patient to an institution.
    pub output: u8,
    /// 1 患者情報.
    pub holder: Holder,
    /// 2 患者特記.
    pub cautions: Vec<Caution>,
    /// 3 要指導・一般用医薬品.
    pub otc: Vec<Otc>,
    /// 4 手帳メモ.
    pub memos: Vec<Remark>,
    /// 5 to 601, one per 調剤等年月日.
    pub dispensings: Vec<Dispensing>,
    /// 701 かかりつけ薬剤師, item by item as written.
    pub pharmacists: Vec<Vec<String>>,
    /// 911 分割制御: ID, number of parts, this part (from 1).
    pub part: Option<(String, u16, u16)>,
}

/// 1 患者情報.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Holder {
    /// 氏名
    pub name: String,
    /// カナ
    pub kana: String,
    /// 1 男, 2 女; 0 when not understood.
    pub sex: u8,
    /// 生年月日
    pub birth: Option<Date>,
    /// 郵便番号, 住所, 電話, 緊急連絡先, 血液型, 体重, as written. The blood group is never used for transfusion.
    pub rest: [String; 6],
}

/// What a caution is about (2 種別).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CautionKind {
    /// 1 アレルギー歴
    Allergy,
    /// 2 副作用歴
    SideEffect,
    /// 3 既往歴
    History,
    /// 9 その他
    #[default]
    Other,
}

impl CautionKind {
    /// アレルギー歴 副作用歴 既往歴 その他
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Allergy => "アレルギー歴",
            Self::SideEffect => "副作用歴",
            Self::History => "既往歴",
            Self::Other => "その他",
        }
    }
}

/// 2 患者特記.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Caution {
    /// アレルギー歴, 副作用歴, 既往歴, その他.
    pub kind: CautionKind,
    /// 内容
    pub text: String,
    /// 作成者
    pub origin: Origin,
}

/// 3 要指導・一般用医薬品 with its 31 成分.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Otc {
    /// 名称
    pub name: String,
    /// 服用開始日
    pub from: Option<Date>,
    /// 服用終了日
    pub until: Option<Date>,
    /// 作成者
    pub origin: Origin,
    /// 通番, or empty.
    pub number: String,
    /// JANコード, or empty.
    pub jan: String,
    /// 31: 成分名 with code kind, code and 作成者.
    pub ingredients: Vec<(String, String, String, Origin)>,
}

/// A record that is a text: 4, 281, 291, 311, 391, 401, 411, 421, 501, 601.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Remark {
    /// The number of the record, which says what it is about.
    pub record: u16,
    /// 内容
    pub text: String,
    /// 411: 種別, or empty.
    pub kind: String,
    /// 4 and 601: 入力日.
    pub on: Option<Date>,
    /// 作成者; 601 has none, it is the patient's.
    pub origin: Origin,
}

/// An institution or pharmacy (11, 51).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// 名称
    pub name: String,
    /// 都道府県コード
    pub prefecture: String,
    /// 点数表コード: 1 医科, 3 歯科, 4 調剤.
    pub table: String,
    /// 医療機関等コード
    pub code: String,
    /// 郵便番号, 住所, 電話 (11 only).
    pub contact: [String; 3],
    /// 作成者
    pub origin: Origin,
}

/// 5 and all that follows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dispensing {
    /// 調剤等年月日
    pub on: Option<Date>,
    /// 作成者
    pub origin: Origin,
    /// 11: where it was dispensed.
    pub place: Option<Place>,
    /// 15: 医師・薬剤師 (name, contact).
    pub staff: Option<(String, String, Origin)>,
    /// 51: where it was prescribed, when not there.
    pub prescribed_at: Option<Place>,
    /// The drugs.
    pub rps: Vec<NotebookRp>,
    /// 401 to 601.
    pub remarks: Vec<Remark>,
}

/// 剤形 of record 301. **Not** the numbers of the prescription symbol: 外用 and 頓服 change places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// 1 内服: the amount is per day.
    Oral,
    /// 2 内滴: total.
    Drops,
    /// 3 屯服: per use.
    AsNeeded,
    /// 4 注射: total.
    Injection,
    /// 5 外用: total.
    External,
    /// 6 浸煎: per day.
    Decoction,
    /// 7 湯: per day.
    Infusion,
    /// 9 材料: total.
    Material,
    /// 10 その他, and anything a reader does not know: what the amount counts is not known.
    #[default]
    Other,
}

impl Form {
    /// 内服 内滴 屯服 注射 外用 浸煎 湯 材料 その他
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Oral => "内服",
            Self::Drops => "内滴",
            Self::AsNeeded => "屯服",
            Self::Injection => "注射",
            Self::External => "外用",
            Self::Decoction => "浸煎",
            Self::Infusion => "湯",
            Self::Material => "材料",
            Self::Other => "その他",
        }
    }

    /// What an amount of it counts: 1日 1回 全量, or 用量 where that is not known. Stands before the amount wherever it is shown.
    #[must_use]
    pub const fn amount_word(self) -> &'static str {
        match self {
            Self::Oral | Self::Decoction | Self::Infusion => "1日",
            Self::AsNeeded => "1回",
            Self::Drops | Self::Injection | Self::External | Self::Material => "全量",
            Self::Other => "用量",
        }
    }
}

/// The 201 records of one RP番号 with their 301.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NotebookRp {
    /// 55: prescribing doctor, department; counts until the next Rp that names one.
    pub doctor: Option<(String, String, Origin)>,
    /// RP番号
    pub number: u16,
    /// 201
    pub drugs: Vec<NotebookDrug>,
    /// 301; real data lack it sometimes.
    pub usage: Option<NotebookUsage>,
    /// 311 and 391.
    pub remarks: Vec<Remark>,
}

/// 201 薬品.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NotebookDrug {
    /// 名称
    pub name: String,
    /// 用量 as written; what it counts depends on the form of the usage.
    pub amount: String,
    /// 単位
    pub unit: String,
    /// コード種別: 1 none, 2 レセ電, 3 厚労省, 4 YJ, 6 HOT.
    pub system: String,
    /// コード
    pub code: String,
    /// 作成者
    pub origin: Origin,
    /// 一般名, its code kind and code (since 2.5).
    pub generic: [String; 3],
    /// 281 and 291.
    pub remarks: Vec<Remark>,
}

/// 301 用法.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NotebookUsage {
    /// 用法名称
    pub name: String,
    /// 調剤数量 as written.
    pub quantity: String,
    /// 調剤単位: 日分, 回分, 調剤.
    pub unit: String,
    /// 剤形
    pub form: Form,
    /// 用法コード種別: 1 none, 2 JAMI.
    pub code_kind: String,
    /// 用法コード
    pub code: String,
    /// 作成者
    pub origin: Origin,
}
