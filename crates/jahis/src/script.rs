//! A prescription as the symbol says it: one field per item of the records of JAHIS 院外処方箋２次元シンボル記録条件規約 Ver.1.10.
//!
//! The writer and the reader meet here and nowhere else. Texts are already in the repertoire and in their byte lengths.

use jiff::civil::Date;

use crate::amount::Amount;

/// 剤形区分 of record 101. The numbers are **not** those of the medicine notebook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Class {
    /// 1 内服: the amount is per day, the quantity is days.
    #[default]
    Oral,
    /// 2 頓服: the amount is per use, the quantity is uses.
    AsNeeded,
    /// 3 外用: the amount is the total, the quantity is 1.
    External,
    /// 4 内服滴剤: total.
    Drops,
    /// 5 注射: total.
    Injection,
    /// 6 医療材料: total.
    Material,
    /// 9 不明, and any number a reader does not know.
    Unknown,
}

/// One symbol text, from the header to the last drug. Empty texts and `None` are items or records that are not there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Script {
    /// The number in the header: 10 for `JAHIS10`.
    pub version: u8,
    /// 1 医療機関: コード種別 (1 医科, 3 歯科).
    pub facility_kind: u8,
    /// 1: 医療機関コード, seven digits.
    pub facility_code: String,
    /// 1: 都道府県コード.
    pub prefecture: String,
    /// 1: 名称.
    pub facility_name: String,
    /// 2: 郵便番号.
    pub postcode: String,
    /// 2: 所在地.
    pub address: String,
    /// 3: 電話番号.
    pub phone: String,
    /// 3: FAX.
    pub fax: String,
    /// 4: 診療科コード of the common table, or empty.
    pub department_code: String,
    /// 4: 診療科名.
    pub department_name: String,
    /// 5: 医師コード.
    pub doctor_code: String,
    /// 5: 医師カナ, half-width.
    pub doctor_kana: String,
    /// 5: 医師漢字氏名.
    pub doctor_name: String,
    /// 11: 患者コード.
    pub patient_code: String,
    /// 11: 患者漢字氏名.
    pub patient_name: String,
    /// 11: 患者カナ, half-width.
    pub patient_kana: String,
    /// 12: 1 男, 2 女.
    pub sex: u8,
    /// 13: 生年月日.
    pub birth: Option<Date>,
    /// 14: 患者一部負担区分 (1 高一, 2 高7, 3 6歳, 5 高8).
    pub burden: Option<u8>,
    /// 22: 保険者番号.
    pub insurer: String,
    /// 23: 記号.
    pub insured_symbol: String,
    /// 23: 番号.
    pub insured_number: String,
    /// 23: 1 被保険者, 2 被扶養者.
    pub member: Option<u8>,
    /// 23: 枝番.
    pub branch: String,
    /// 27 28 29: 負担者番号 and 受給者番号 of the first to third 公費.
    pub payers: Vec<(String, String)>,
    /// 51: 処方箋交付年月日.
    pub issued_on: Option<Date>,
    /// 52: 使用期限年月日, only when it is not the usual four days.
    pub valid_until: Option<Date>,
    /// 62: 残薬確認欄.
    pub leftovers: Option<u8>,
    /// 64: リフィル 総使用回数.
    pub refill: Option<u8>,
    /// 81: 備考, in order.
    pub remarks: Vec<String>,
    /// The Rp groups in order; their numbers are their places, from 1.
    pub rps: Vec<ScriptRp>,
}

/// Records 101 to 281 of one Rp.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScriptRp {
    /// 101: 剤形区分.
    pub class: Class,
    /// 101: 調剤数量: days, uses, or 1.
    pub quantity: u16,
    /// 111: JAMI 用法コード, or empty.
    pub usage_code: String,
    /// 111: 用法名称.
    pub usage_name: String,
    /// 111: 1日回数.
    pub times: Option<u8>,
    /// 181: 用法補足.
    pub notes: Vec<UsageNote>,
    /// 201 and what belongs to each.
    pub drugs: Vec<ScriptDrug>,
}

/// Record 181.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UsageNote {
    /// 用法補足区分: 1 漸減, 2 一包化, 3 隔日, 4 粉砕, 5 用法の続き, 8 JAMI補足用法.
    pub kind: Option<u8>,
    /// 用法補足情報.
    pub text: String,
    /// 補足用法コード, eight characters, for kind 8.
    pub code: String,
}

/// Record 201 with its 211, 221, 241 and 281.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScriptDrug {
    /// 201: 情報区分: 1 医薬品, 2 医療材料.
    pub kind: Option<u8>,
    /// 201: 薬品コード種別: 1 none, 2 レセプト電算, 3 厚労省, 4 YJ, 6 HOT, 7 一般名.
    pub system: u8,
    /// 201: 薬品コード, empty for 1.
    pub code: String,
    /// 201: 薬品名称.
    pub name: String,
    /// 201: 用量; what it counts depends on [`ScriptRp::class`].
    pub amount: Amount,
    /// 201: 力価フラグ is 2 (力価単位).
    pub active: bool,
    /// 201: 単位名.
    pub unit: String,
    /// 211: 単位変換係数.
    pub conversion: Option<Amount>,
    /// 221: 不均等服用量, two to five, or none.
    pub uneven: Vec<Amount>,
    /// 241: 1回服用量 as text (`0.5`, `2/3`), or empty.
    pub single: String,
    /// 241: 1日服用回数.
    pub single_times: Option<u8>,
    /// 281: 区分 and text. 3 後発品変更不可, 4 剤形変更不可, 5 含量規格変更不可, 6 both, 8 先発医薬品患者希望, none for a comment.
    pub notes: Vec<(Option<u8>, String)>,
}
