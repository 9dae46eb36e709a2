//! The columns of shape A and how it writes names, times, notes and usages.

use crate::Amount;
use crate::calendar::slashed;
use crate::cp932::Lost;
use crate::patient::{Interval, Note, Prescribed};
use crate::person::Person;
use jiff::civil::{DateTime, Time};

pub(super) const PEOPLE: [&str; 19] = [
    "患者番号",
    "漢字氏名",
    "カナ氏名",
    "旧姓",
    "通称名",
    "性別",
    "生年月日",
    "死亡日",
    "郵便番号",
    "住所",
    "電話番号",
    "携帯電話",
    "勤務先",
    "勤務先電話",
    "血液型",
    "RH",
    "保険区分",
    "初回登録日",
    "最終来院日",
];
pub(super) const BOOKINGS: [&str; 14] = [
    "予約番号",
    "予約日",
    "予約時刻",
    "患者番号",
    "患者氏名",
    "カナ氏名",
    "性別",
    "生年月日",
    "科コード",
    "科名",
    "医師コード",
    "受付場所",
    "予約区分",
    "予約コメント",
];
pub(super) const ORDERS: [&str; 11] = [
    "患者番号",
    "オーダ番号",
    "予約番号",
    "検査日",
    "検査時刻",
    "検査コード",
    "検査名",
    "実施場所",
    "依頼科コード",
    "注意事項",
    "コメント",
];
pub(super) const DIAGNOSES: [&str; 10] = [
    "患者番号",
    "病名連番",
    "病名",
    "ICD10",
    "疑い",
    "主病名",
    "診断日",
    "転帰",
    "転帰日",
    "科コード",
];
pub(super) const NOTES: [&str; 6] = ["患者番号", "診療日", "科コード", "医師コード", "記載日時", "記事"];
pub(super) const DRUGS: [&str; 19] = [
    "患者番号",
    "処方日",
    "科コード",
    "医師コード",
    "RP番号",
    "RP内連番",
    "薬品コード",
    "薬品名",
    "区分",
    "1回量",
    "1日量",
    "用量単位",
    "用法",
    "1日回数",
    "投与数量",
    "投与単位",
    "不均等",
    "投与間隔",
    "コメント",
];
pub(super) const CAUTIONS: [&str; 11] = [
    "患者番号",
    "状態",
    "区分",
    "分類",
    "コード",
    "名称",
    "反応",
    "重症度",
    "発現日",
    "確認日",
    "備考",
];
pub(super) const LABS: [&str; 11] = [
    "患者番号",
    "採取日",
    "採取時刻",
    "項目コード",
    "項目名",
    "結果値",
    "単位",
    "基準下限",
    "基準上限",
    "判定",
    "コメント",
];
pub(super) const FACTS: [&str; 4] = ["患者番号", "種別", "値", "日付"];
pub(super) const INSURANCES: [&str; 16] = [
    "患者番号",
    "保険種別",
    "保険者番号",
    "記号",
    "番号",
    "枝番",
    "本人家族",
    "一部負担区分",
    "負担割合",
    "公費負担者番号1",
    "受給者番号1",
    "公費有効期限1",
    "公費負担者番号2",
    "受給者番号2",
    "有効開始日",
    "有効終了日",
];
pub(super) const THIN: [&str; 9] = [
    "予約日",
    "予約時刻",
    "科コード",
    "医師コード",
    "患者番号",
    "患者氏名",
    "カナ氏名",
    "生年月日",
    "電話番号",
];

/// Numbers of a prescribed drug as printed in both shapes.
pub(crate) struct Printed {
    pub(crate) each: String,
    pub(crate) daily: String,
    pub(crate) times: String,
}

impl Printed {
    pub(crate) fn of(item: &Prescribed) -> Self {
        let amount = |amount: Option<Amount>| amount.map(|a| a.to_string()).unwrap_or_default();
        Printed {
            each: amount(item.each),
            daily: amount(item.daily),
            times: if item.times == 0 {
                String::new()
            } else {
                item.times.to_string()
            },
        }
    }
}

/// What stands for lost characters in one patient's rows: three systems, three habits.
pub(crate) fn lost_of(number: u32) -> Lost {
    match number {
        12 => Lost::Square,
        13 => Lost::Geta,
        14 => Lost::Vendor,
        n if n % 5 == 0 => Lost::Geta,
        n if n % 7 == 0 => Lost::Vendor,
        _ => Lost::Square,
    }
}

pub(super) fn name(person: &Person) -> String {
    format!("{}　{}", person.family, person.given)
}

pub(super) fn kana(person: &Person) -> String {
    person
        .kana
        .as_ref()
        .map(|(family, given)| format!("{family}　{given}"))
        .unwrap_or_default()
}

pub(super) fn clock(time: Time) -> String {
    format!("{}:{:02}", time.hour(), time.minute())
}

pub(super) fn stamp(at: DateTime) -> String {
    format!("{} {}", slashed(at.date()), clock(at.time()))
}

/// The four parts under their headings; empty parts are left out.
pub(super) fn whole(note: &Note) -> String {
    let parts = [("S", &note.s), ("O", &note.o), ("A", &note.a), ("P", &note.p)];
    parts
        .iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(letter, text)| format!("【{letter}】{text}"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// `朝2錠・夕1錠`.
pub(super) fn uneven(parts: &[Amount; 4], unit: &str) -> String {
    let slots = ["朝", "昼", "夕", "寝る前"]
        .iter()
        .zip(parts)
        .filter(|(_, amount)| amount.0 > 0);
    slots
        .map(|(slot, amount)| format!("{slot}{amount}{unit}"))
        .collect::<Vec<_>>()
        .join("・")
}

/// `隔日`, `週1回(月)`, `週3回(月・水・金)`.
pub(crate) fn interval(interval: Interval) -> String {
    match interval {
        Interval::Daily => String::new(),
        Interval::OtherDay => "隔日".to_owned(),
        Interval::Weekdays(flags) => {
            let days: Vec<&str> = ["日", "月", "火", "水", "木", "金", "土"]
                .iter()
                .zip(flags)
                .filter(|(_, on)| *on)
                .map(|(day, _)| *day)
                .collect();
            format!("週{}回({})", days.len(), days.join("・"))
        }
    }
}
