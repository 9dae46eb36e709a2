//! Shape A in the plain form.

use super::Facts;
use super::plain::{clock, era, slash, stamp, uneven, weekdays, word};
use crate::files::{Files, named_a};
use std::collections::BTreeMap;

pub fn facts_a(files: &Files) -> Facts {
    let mut facts: Facts = BTreeMap::new();
    let mut add = |id: &str, fact: String| facts.entry(id.to_owned()).or_default().push(fact);
    let departments: BTreeMap<String, String> = named_a(files, "診療科.csv")
        .into_iter()
        .map(|d| (d["科コード"].clone(), d["科名"].clone()))
        .collect();
    for p in named_a(files, "患者基本.csv") {
        let sex = word(&p["性別"], &[("1", "M"), ("2", "F"), ("9", "U")]);
        let insurance = word(
            &p["保険区分"],
            &[
                ("社保", "1"),
                ("国保", "2"),
                ("後期高齢者", "3"),
                ("生活保護", "4"),
                ("自費", "5"),
            ],
        );
        let rh = word(&p["RH"], &[("+", "P"), ("-", "N")]);
        let dates = [
            era(&p["生年月日"]),
            slash(&p["死亡日"]),
            slash(&p["初回登録日"]),
            slash(&p["最終来院日"]),
        ]
        .join("|");
        let texts = [
            "漢字氏名",
            "旧姓",
            "通称名",
            "住所",
            "電話番号",
            "携帯電話",
            "勤務先",
            "勤務先電話",
            "血液型",
        ]
        .map(|c| p[c].as_str())
        .join("|");
        add(
            &p["患者番号"],
            format!(
                "person|{sex}|{insurance}|{rh}|{dates}|{texts}|{}",
                p["カナ氏名"].replace('　', "")
            ),
        );
    }
    for r in named_a(files, "患者特記.csv") {
        let value = word(&r["値"], &[("(-)", "0"), ("(+)", "1"), ("なし", "0"), ("あり", "1")]);
        add(
            &r["患者番号"],
            format!("fact|{}|{value}|{}", r["種別"], slash(&r["日付"])),
        );
    }
    for c in named_a(files, "保険.csv") {
        let kind = word(
            &c["保険種別"],
            &[("社保", "1"), ("国保", "2"), ("後期高齢者", "3"), ("生活保護", "4")],
        );
        let own = word(&c["本人家族"], &[("本人", "1"), ("家族", "2")]);
        let burden = word(
            &c["一部負担区分"],
            &[("高一", "1"), ("高７", "2"), ("６歳", "3"), ("高８", "5")],
        );
        let numbers = ["保険者番号", "記号", "番号", "枝番", "公費負担者番号1", "受給者番号1"]
            .map(|column| c[column].as_str())
            .join("|");
        let days = ["公費有効期限1", "有効開始日", "有効終了日"]
            .map(|column| slash(&c[column]))
            .join("|");
        add(
            &c["患者番号"],
            format!(
                "ins|{kind}|{own}|{burden}|{}|{numbers}|{days}",
                c["負担割合"].replace('割', "0")
            ),
        );
    }
    for d in named_a(files, "病名.csv") {
        let outcome = word(&d["転帰"], &[("継続", "0"), ("治癒", "1"), ("中止", "2")]);
        let flags = format!(
            "{}{}",
            u8::from(!d["疑い"].is_empty()),
            u8::from(!d["主病名"].is_empty())
        );
        add(
            &d["患者番号"],
            format!(
                "dx|{}|{}|{}|{flags}|{}|{outcome}|{}|{}",
                d["病名連番"],
                d["病名"],
                d["ICD10"].replace('.', ""),
                era(&d["診断日"]),
                era(&d["転帰日"]),
                departments[&d["科コード"]]
            ),
        );
    }
    for n in named_a(files, "診療録.csv") {
        add(
            &n["患者番号"],
            format!(
                "note|{}|{}|{}|{}|{}",
                slash(&n["診療日"]),
                departments[&n["科コード"]],
                n["医師コード"],
                stamp(&n["記載日時"]),
                n["記事"]
            ),
        );
    }
    for r in named_a(files, "処方.csv") {
        let kind = word(
            &r["区分"],
            &[("内服", "1"), ("頓服", "2"), ("外用", "3"), ("注射", "4")],
        );
        let same = [
            "医師コード",
            "RP番号",
            "RP内連番",
            "薬品コード",
            "薬品名",
            "1回量",
            "1日量",
            "用量単位",
            "用法",
            "1日回数",
            "投与数量",
        ]
        .map(|c| r[c].as_str())
        .join("|");
        let counted = word(&r["投与単位"], &[("日分", "D"), ("回分", "T")]);
        let uneven = uneven(&r["不均等"], &r["用量単位"]);
        add(
            &r["患者番号"],
            format!(
                "rx|{}|{}|{kind}|{same}|{counted}|{uneven}|{}|{}",
                slash(&r["処方日"]),
                departments[&r["科コード"]],
                weekdays(&r["投与間隔"]),
                r["コメント"]
            ),
        );
    }
    for c in named_a(files, "アレルギー禁忌.csv") {
        let state = word(&c["状態"], &[("あり", "P"), ("なし", "N"), ("参照不可", "X")]);
        let kind = word(&c["区分"], &[("アレルギー", "A"), ("禁忌", "C")]);
        let class = word(
            &c["分類"],
            &[
                ("薬剤", "D"),
                ("食物", "F"),
                ("造影剤", "M"),
                ("ラテックス", "L"),
                ("その他", "O"),
            ],
        );
        let severity = word(&c["重症度"], &[("軽度", "1"), ("中等度", "2"), ("重度", "3")]);
        add(
            &c["患者番号"],
            format!(
                "caution|{state}|{kind}|{class}|{}|{}|{}|{severity}|{}|{}|{}",
                c["コード"],
                c["名称"],
                c["反応"],
                slash(&c["発現日"]),
                slash(&c["確認日"]),
                c["備考"]
            ),
        );
    }
    for l in named_a(files, "検体検査結果.csv") {
        let flag = word(&l["判定"], &[("", "0"), ("L", "1"), ("H", "2")]);
        let (low, high) = (&l["基準下限"], &l["基準上限"]);
        let words = !high.is_empty() || low.parse::<f64>().is_ok();
        let range = if words { format!("{low}-{high}") } else { low.clone() };
        let taken = format!("{}{}", slash(&l["採取日"]), clock(&l["採取時刻"]));
        add(
            &l["患者番号"],
            format!(
                "lab|{taken}|{}|{}|{}|{range}|{flag}|{}",
                l["項目名"], l["結果値"], l["単位"], l["コメント"]
            ),
        );
    }
    let mut orders: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for o in named_a(files, "検査予約.csv") {
        orders
            .entry(o["予約番号"].clone())
            .or_default()
            .push(format!("{}@{}", o["検査名"], o["実施場所"]));
    }
    for b in named_a(files, "予約一覧_20261120.csv") {
        let kind = word(&b["予約区分"], &[("再診", "1"), ("初診", "2")]);
        let at = format!("{}{}", slash(&b["予約日"]), clock(&b["予約時刻"]));
        let same = ["予約番号", "科名", "医師コード", "受付場所", "予約コメント", "患者氏名"]
            .map(|c| b[c].as_str())
            .join("|");
        add(
            &b["患者番号"],
            format!(
                "appt|{at}|{same}|{kind}|{}",
                orders.get(&b["予約番号"]).cloned().unwrap_or_default().join("/")
            ),
        );
    }
    for t in named_a(files, "予約14日.csv") {
        let same = ["医師コード", "患者氏名", "電話番号"].map(|c| t[c].as_str()).join("|");
        add(
            &t["患者番号"],
            format!(
                "thin|{}{}|{}|{same}|{}",
                slash(&t["予約日"]),
                clock(&t["予約時刻"]),
                departments[&t["科コード"]],
                slash(&t["生年月日"])
            ),
        );
    }
    facts
}
