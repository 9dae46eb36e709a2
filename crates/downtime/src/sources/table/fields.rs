//! The fields a hospital can map, per kind of file: their names, what shape their text must have, what they mean.
//!
//! This list is what messages, `map --check` and `docs/formats/mapping.md` go by. It knows no column of any hospital.

use chart::DataKind;
use serde::Deserialize;

use crate::sources::gather::kind_word;

mod inpatient;

/// What one file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// 患者基本
    Patient,
    /// 予約
    Appointment,
    /// 検査予約・オーダー
    Order,
    /// 病名
    Diagnosis,
    /// 診療録
    Note,
    /// 処方
    Prescription,
    /// アレルギー・禁忌
    Allergy,
    /// 検体検査結果
    Result,
    /// 身長・体重・感染症など、1行に1つ
    Profile,
    /// 保険・公費。1行に1つの保険
    Insurance,
    /// 入院・病床（空床の行もよい）
    Stay,
    /// 病床の一覧。患者のいない病床を知るため
    Bed,
    /// 与薬予定・注射
    Schedule,
    /// バイタル
    Vital,
    /// 申し送り
    Handover,
    /// 見出しの行（処方の見出しなど）。明細の `head` から参照される
    Head,
}

impl Kind {
    /// The kind of data whose time and state the file decides; heads take the kind of the file that refers to them.
    #[must_use]
    pub const fn data(self) -> Option<DataKind> {
        Some(match self {
            Self::Patient => DataKind::Patient,
            Self::Appointment => DataKind::Appointment,
            Self::Order => DataKind::Order,
            Self::Diagnosis => DataKind::Diagnosis,
            Self::Note => DataKind::Note,
            Self::Prescription => DataKind::Prescription,
            Self::Allergy => DataKind::Allergy,
            Self::Result => DataKind::Result,
            Self::Profile => DataKind::Profile,
            Self::Insurance => DataKind::Insurance,
            Self::Stay | Self::Bed => DataKind::Stay,
            Self::Schedule => DataKind::Schedule,
            Self::Vital => DataKind::Vital,
            Self::Handover => DataKind::Handover,
            Self::Head => return None,
        })
    }

    /// 患者基本, 予約 …
    #[must_use]
    pub const fn word(self) -> &'static str {
        match (self, self.data()) {
            (Self::Bed, _) => "病床の一覧",
            (_, Some(kind)) => kind_word(kind),
            (_, None) => "見出し",
        }
    }

    /// The word in the configuration: `patient`, `appointment` …
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Bed => "bed",
            Self::Stay => DataKind::Stay.word(),
            Self::Schedule => DataKind::Schedule.word(),
            Self::Vital => DataKind::Vital.word(),
            Self::Handover => DataKind::Handover.word(),
            Self::Patient => DataKind::Patient.word(),
            Self::Appointment => DataKind::Appointment.word(),
            Self::Order => DataKind::Order.word(),
            Self::Diagnosis => DataKind::Diagnosis.word(),
            Self::Note => DataKind::Note.word(),
            Self::Prescription => DataKind::Prescription.word(),
            Self::Allergy => DataKind::Allergy.word(),
            Self::Result => DataKind::Result.word(),
            Self::Profile => DataKind::Profile.word(),
            Self::Insurance => DataKind::Insurance.word(),
        }
    }

    /// The fields a file of this kind may fill.
    #[must_use]
    pub const fn fields(self) -> &'static [FieldDef] {
        match self {
            Self::Patient => PATIENT,
            Self::Appointment => APPOINTMENT,
            Self::Order => ORDER,
            Self::Diagnosis => DIAGNOSIS,
            Self::Note => NOTE,
            Self::Prescription => PRESCRIPTION,
            Self::Allergy => ALLERGY,
            Self::Result => RESULT,
            Self::Profile => PROFILE,
            Self::Insurance => INSURANCE,
            Self::Stay => inpatient::STAY,
            Self::Bed => inpatient::BED,
            Self::Schedule => inpatient::SCHEDULE,
            Self::Vital => inpatient::VITAL,
            Self::Handover => inpatient::HANDOVER,
            Self::Head => HEAD,
        }
    }

    /// True for rows that are about nobody: their file needs no patient number.
    #[must_use]
    pub const fn is_about_nobody(self) -> bool {
        matches!(self, Self::Bed)
    }
}

/// What the text of a field must be able to become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// 患者番号
    Id,
    /// Any text.
    Text,
    /// A reading in kana.
    Kana,
    /// A day of the calendar.
    Date,
    /// A day in somebody's past or present that must not lie in the future.
    PastDate,
    /// A time of day, alone or inside a time stamp.
    Time,
    /// A whole number.
    Count,
    /// An amount with or without its unit.
    Amount,
    /// Yes or no.
    Truth,
    /// 男 女 その他 不明
    Sex,
    /// 英語 en ベトナム語 日本語
    Language,
    /// 内服 頓服 外用 注射 その他
    Route,
    /// 薬剤 食物 造影剤 その他 禁忌
    AllergyKind,
    /// あり なし 未確認 参照不可
    AllergyState,
    /// H L 緊急 異常, or empty
    Flag,
    /// 不均等 amounts
    Uneven,
    /// 隔日, weekdays
    Rhythm,
    /// 本人 家族
    Member,
    /// 高一 高７ 高８ ６歳, or empty
    Burden,
    /// 負担割合
    Share,
}

/// One field a hospital can map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldDef {
    /// The word in the configuration.
    pub name: &'static str,
    /// What its text must be able to become.
    pub shape: Shape,
    /// True when a list of columns may be given.
    pub many: bool,
    /// True when examples of it name a person or tell something about one.
    pub personal: bool,
    /// What it is, in Japanese.
    pub word: &'static str,
}

const fn field(name: &'static str, shape: Shape, word: &'static str) -> FieldDef {
    FieldDef {
        name,
        shape,
        many: false,
        personal: false,
        word,
    }
}

const fn private(name: &'static str, shape: Shape, word: &'static str) -> FieldDef {
    FieldDef {
        name,
        shape,
        many: false,
        personal: true,
        word,
    }
}

const fn list(name: &'static str, word: &'static str) -> FieldDef {
    FieldDef {
        name,
        shape: Shape::Text,
        many: true,
        personal: true,
        word,
    }
}

const ID: FieldDef = private("id", Shape::Id, "患者番号（必須）");
const NAME: FieldDef = private("name", Shape::Text, "漢字氏名（family・given に分けてもよい）");
const FAMILY: FieldDef = private("family", Shape::Text, "姓");
const GIVEN: FieldDef = private("given", Shape::Text, "名");
const KANA: FieldDef = private("kana", Shape::Kana, "カナ氏名（半角カナは全角になる）");
const FAMILY_KANA: FieldDef = private("family_kana", Shape::Kana, "姓カナ");
const GIVEN_KANA: FieldDef = private("given_kana", Shape::Kana, "名カナ");
const BIRTH: FieldDef = private("birth", Shape::PastDate, "生年月日");
const SEX: FieldDef = field("sex", Shape::Sex, "性別（男 女 その他 不明 / M F O U）");
const PHONES: FieldDef = list("phones", "電話（label に自宅・携帯など。先頭が最初にかける番号）");
const DEPARTMENT_CODE: FieldDef = field("department_code", Shape::Text, "診療科コード");
const DEPARTMENT_NAME: FieldDef = field("department_name", Shape::Text, "診療科名");
const DOCTOR_CODE: FieldDef = field("doctor_code", Shape::Text, "医師コード");
const DOCTOR_NAME: FieldDef = field("doctor_name", Shape::Text, "医師名");

const PATIENT: &[FieldDef] = &[
    ID,
    NAME,
    FAMILY,
    GIVEN,
    KANA,
    FAMILY_KANA,
    GIVEN_KANA,
    list("former_names", "旧姓・通称・別名"),
    BIRTH,
    SEX,
    PHONES,
    list("facts", "血液型・身長・体重など（label に名前、on に日付の列）"),
    field("died", Shape::PastDate, "死亡日"),
    private("address", Shape::Text, "住所"),
    field("insurance", Shape::Text, "保険区分"),
    field(
        "language",
        Shape::Language,
        "日本語のほかに読むことば（英語 中国語 … / en zh …）",
    ),
];

const APPOINTMENT: &[FieldDef] = &[
    ID,
    field("on", Shape::Date, "予約日（必須）"),
    field("at", Shape::Time, "予約時刻"),
    DEPARTMENT_CODE,
    DEPARTMENT_NAME,
    DOCTOR_CODE,
    DOCTOR_NAME,
    field("place", Shape::Text, "受付場所"),
    field("purpose", Shape::Text, "予約の目的・区分"),
    field("number", Shape::Text, "予約番号"),
    NAME,
    FAMILY,
    GIVEN,
    KANA,
    FAMILY_KANA,
    GIVEN_KANA,
    BIRTH,
    SEX,
    PHONES,
];

const ORDER: &[FieldDef] = &[
    ID,
    field("on", Shape::Date, "検査日（必須）"),
    field("at", Shape::Time, "検査時刻"),
    field("exam_code", Shape::Text, "検査コード"),
    field("exam_name", Shape::Text, "検査名"),
    field("place", Shape::Text, "実施場所"),
    field("remarks", Shape::Text, "注意事項・コメント"),
    DEPARTMENT_CODE,
    DEPARTMENT_NAME,
    field("number", Shape::Text, "オーダ番号"),
];

const DIAGNOSIS: &[FieldDef] = &[
    ID,
    private("name", Shape::Text, "病名（必須）"),
    field("code", Shape::Text, "病名コード"),
    field("icd10", Shape::Text, "ICD-10"),
    field("since", Shape::PastDate, "初診日・開始日"),
    field("main", Shape::Truth, "主病名か"),
    field("suspected", Shape::Truth, "疑いか"),
    field("uninformed", Shape::Truth, "本人に未告知か"),
    field("department", Shape::Text, "診療科名"),
];

const NOTE: &[FieldDef] = &[
    ID,
    field("on", Shape::PastDate, "記載日・診療日"),
    field("at", Shape::Time, "記載時刻"),
    DEPARTMENT_CODE,
    DEPARTMENT_NAME,
    field("author_code", Shape::Text, "記載者コード"),
    field("author_name", Shape::Text, "記載者名"),
    private("text", Shape::Text, "記事（S)O)A)P) や【S】の見出しで分かれる）"),
    private("s", Shape::Text, "S 主訴・経過"),
    private("o", Shape::Text, "O 所見"),
    private("a", Shape::Text, "A 評価"),
    private("p", Shape::Text, "P 計画"),
];

const PRESCRIPTION: &[FieldDef] = &[
    ID,
    field("on", Shape::PastDate, "処方日"),
    DEPARTMENT_CODE,
    DEPARTMENT_NAME,
    DOCTOR_CODE,
    DOCTOR_NAME,
    field("rp", Shape::Count, "RP番号"),
    field("drug_code", Shape::Text, "薬品コード"),
    field("drug_name", Shape::Text, "薬品名"),
    field("route", Shape::Route, "区分（内服 頓服 外用 注射 その他）"),
    field("per_dose", Shape::Amount, "1回量"),
    field("per_day", Shape::Amount, "1日量"),
    field("unit", Shape::Text, "1回量・1日量の単位"),
    FieldDef {
        many: true,
        ..field(
            "uneven",
            Shape::Uneven,
            "不均等の各回の量（1列でも、朝昼夕眠前の列の並びでもよい）",
        )
    },
    field("usage", Shape::Text, "用法"),
    field("doses_a_day", Shape::Count, "1日の回数（不均等の読み取りに使う）"),
    field("days", Shape::Count, "日数"),
    field("times", Shape::Count, "回数（頓服）"),
    field("total", Shape::Amount, "総量（外用）"),
    field("total_unit", Shape::Text, "総量の単位"),
    field("amount", Shape::Amount, "日数・回数・総量が1列のときの数"),
    field(
        "amount_unit",
        Shape::Text,
        "その単位（日分・回分・それ以外は総量の単位）",
    ),
    field("rhythm", Shape::Rhythm, "隔日・曜日など"),
    field("comment", Shape::Text, "コメント"),
    field("tag", Shape::Text, "薬効タグ（抗凝固など）"),
];

const ALLERGY: &[FieldDef] = &[
    ID,
    field("state", Shape::AllergyState, "状態（あり なし 未確認 参照不可）"),
    field("kind", Shape::AllergyKind, "分類（薬剤 食物 造影剤 その他 禁忌）"),
    field("contraindication", Shape::Truth, "禁忌か（分類とは別の列にあるとき）"),
    private("substance", Shape::Text, "名称（必須）"),
    field("code", Shape::Text, "コード"),
    private("reaction", Shape::Text, "反応・程度"),
    field("on", Shape::PastDate, "発現日・登録日"),
    field("confirmed_on", Shape::PastDate, "「なし」を確認した日"),
];

const RESULT: &[FieldDef] = &[
    ID,
    field("name", Shape::Text, "項目名（必須）"),
    field("code", Shape::Text, "項目コード"),
    private("value", Shape::Text, "結果値（必須）"),
    field("unit", Shape::Text, "単位"),
    field("flag", Shape::Flag, "判定（H L 緊急 異常）"),
    field("reference", Shape::Text, "基準値（1列のとき）"),
    field("reference_low", Shape::Text, "基準下限"),
    field("reference_high", Shape::Text, "基準上限"),
    field("on", Shape::PastDate, "採取日"),
    field("at", Shape::Time, "採取時刻"),
];

const PROFILE: &[FieldDef] = &[
    ID,
    field("label", Shape::Text, "何か（身長、HBs抗原 …）（必須）"),
    private("value", Shape::Text, "値（必須）"),
    field(
        "unit",
        Shape::Text,
        "単位（値のあとに付く。列がなければ種別から codes で引く）",
    ),
    field("on", Shape::PastDate, "日付"),
];

const INSURANCE: &[FieldDef] = &[
    ID,
    field("kind", Shape::Text, "保険種別（社保、国保など）"),
    field(
        "insurer",
        Shape::Text,
        "保険者番号（6桁か8桁。必須。公費だけなら payer_1）",
    ),
    private("symbol", Shape::Text, "記号"),
    private("number", Shape::Text, "番号"),
    private("branch", Shape::Text, "枝番（2桁）"),
    field("member", Shape::Member, "本人・家族"),
    field("burden", Shape::Burden, "一部負担区分（高一 高７ 高８ ６歳）"),
    field("share", Shape::Share, "負担割合（3割、30%）"),
    field("payer_1", Shape::Text, "第一公費の負担者番号（8桁）"),
    private("recipient_1", Shape::Text, "第一公費の受給者番号（7桁）"),
    field("until_1", Shape::Date, "第一公費の有効期限"),
    field("payer_2", Shape::Text, "第二公費の負担者番号"),
    private("recipient_2", Shape::Text, "第二公費の受給者番号"),
    field("until_2", Shape::Date, "第二公費の有効期限"),
    field("valid_from", Shape::Date, "有効開始日"),
    field(
        "valid_until",
        Shape::Date,
        "有効終了日（期限。無期限を表す 99991231 などは空と読む）",
    ),
];

const HEAD: &[FieldDef] = &[ID];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_field_is_listed_twice_and_every_kind_begins_with_the_patient_number() {
        for kind in [
            Kind::Patient,
            Kind::Appointment,
            Kind::Order,
            Kind::Diagnosis,
            Kind::Note,
            Kind::Prescription,
            Kind::Allergy,
            Kind::Result,
            Kind::Profile,
            Kind::Insurance,
            Kind::Stay,
            Kind::Schedule,
            Kind::Vital,
            Kind::Handover,
            Kind::Head,
            Kind::Bed,
        ] {
            let mut names: Vec<_> = kind.fields().iter().map(|f| f.name).collect();
            assert_eq!(names.first() == Some(&"id"), !kind.is_about_nobody(), "{kind:?}");
            let all = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), all, "{kind:?}");
        }
    }
}
