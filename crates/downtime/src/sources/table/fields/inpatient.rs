//! The fields of the files about inpatients and beds.

use super::{
    DEPARTMENT_CODE, DEPARTMENT_NAME, DOCTOR_CODE, DOCTOR_NAME, FieldDef, ID, PHONES, Shape, field, list, private,
};

const WARD_CODE: FieldDef = field("ward_code", Shape::Text, "病棟コード");
const WARD_NAME: FieldDef = field("ward_name", Shape::Text, "病棟名");
const ROOM: FieldDef = field("room", Shape::Text, "病室");

const fn several(name: &'static str, word: &'static str) -> FieldDef {
    FieldDef {
        word,
        name,
        ..list("", "")
    }
}

pub(super) const STAY: &[FieldDef] = &[
    ID,
    WARD_CODE,
    WARD_NAME,
    ROOM,
    BED_OF_STAY,
    field("admitted", Shape::Date, "入院日"),
    field(
        "discharged",
        Shape::Date,
        "退院日（対象日より前なら入院として扱わない）",
    ),
    DEPARTMENT_CODE,
    DEPARTMENT_NAME,
    DOCTOR_CODE,
    FieldDef {
        word: "主治医名",
        ..DOCTOR_NAME
    },
    field("nurse_code", Shape::Text, "担当看護師コード"),
    field("nurse_name", Shape::Text, "担当看護師名"),
    private("purpose", Shape::Text, "入院の目的"),
    private("diet", Shape::Text, "食事・絶食"),
    private("rest", Shape::Text, "安静度"),
    private("isolation", Shape::Text, "隔離（「なし」は確認済のなし）"),
    private("oxygen", Shape::Text, "酸素（「なし」は確認済のなし）"),
    private("drip", Shape::Text, "点滴（「なし」は確認済のなし）"),
    private("insulin", Shape::Text, "インスリン（「なし」は確認済のなし）"),
    several("policy", "方針（DNAR など。診療にあたる役割だけに見える）"),
    private("adl", Shape::Text, "ADL"),
    private("falls", Shape::Text, "転倒・転落の危険"),
    private("swallowing", Shape::Text, "嚥下"),
    private("skin", Shape::Text, "皮膚・褥瘡"),
    several("plans", "予定の日時（label に手術・退院など。列ごとに1つ）"),
    private("contact_name", Shape::Text, "家族連絡先の氏名"),
    private("contact_relation", Shape::Text, "続柄"),
    FieldDef {
        name: "contact_phone",
        many: false,
        word: "家族連絡先の電話",
        ..PHONES
    },
];

const BED_OF_STAY: FieldDef = FieldDef {
    word: "病床（病室の中の番号）。患者番号が空で病床のある行は空床",
    ..BED_NUMBER
};
const BED_NUMBER: FieldDef = field("bed", Shape::Text, "病床（病室の中の番号）");

pub(super) const BED: &[FieldDef] = &[WARD_CODE, WARD_NAME, ROOM, BED_NUMBER];

pub(super) const SCHEDULE: &[FieldDef] = &[
    ID,
    field(
        "due_on",
        Shape::Date,
        "実施予定日（対象日の行だけを使う。なければ全部の行が今日の分）",
    ),
    field("at", Shape::Time, "予定時刻（1行に1回のとき）"),
    several(
        "hours",
        "予定時刻（1列に 8,12,18 と並ぶか、時刻ごとの列に label で時を付ける）",
    ),
    field("due_words", Shape::Text, "時刻のそばに書く言葉（交換など）"),
    field("drug_code", Shape::Text, "薬品コード"),
    field("drug_name", Shape::Text, "薬品名（必須）"),
    field(
        "route",
        Shape::Route,
        "区分（内服 頓服 外用 注射 その他。注射は注射の欄に入る）",
    ),
    field("how", Shape::Text, "投与方法・速度（静注、持続 2.1 mL/時）"),
    field("per_dose", Shape::Amount, "1回量"),
    field("per_day", Shape::Amount, "1日量"),
    field("unit", Shape::Text, "1回量・1日量の単位"),
    field("usage", Shape::Text, "用法"),
    field("comment", Shape::Text, "コメント"),
    field("tag", Shape::Text, "薬効タグ（抗凝固など）"),
    field("high_risk", Shape::Truth, "高リスク薬か（2人で確認する）"),
];

pub(super) const VITAL: &[FieldDef] = &[
    ID,
    field("on", Shape::PastDate, "測定日"),
    field("at", Shape::Time, "測定時刻"),
    private("temperature", Shape::Text, "体温"),
    private("pressure", Shape::Text, "血圧（118/70。2列なら join で）"),
    private("pulse", Shape::Text, "脈拍"),
    private("spo2", Shape::Text, "SpO2"),
    private("remark", Shape::Text, "その他"),
];

pub(super) const HANDOVER: &[FieldDef] = &[
    ID,
    field("on", Shape::PastDate, "記載日"),
    field("at", Shape::Time, "記載時刻"),
    field("author_code", Shape::Text, "記載者コード"),
    field("author_name", Shape::Text, "記載者名"),
    private("text", Shape::Text, "申し送りの本文（必須）"),
];
