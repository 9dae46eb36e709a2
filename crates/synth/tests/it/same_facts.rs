//! Both shapes say the same: whatever both can carry is turned into one plain form and compared, for every patient.

use crate::files::{Files, export, named_a, named_b, plain_b, small};
use std::collections::BTreeMap;
use synth::{Plan, Shape};

type Facts = BTreeMap<String, Vec<String>>;

#[test]
fn both_shapes_hold_the_same_facts() {
    let plan = Plan {
        patients: 150,
        ..small()
    };
    let (left, right) = (facts_a(&export(&plan, Shape::A)), facts_b(&export(&plan, Shape::B)));
    assert_eq!(left.keys().collect::<Vec<_>>(), right.keys().collect::<Vec<_>>());
    let mut compared = 0;
    for (id, mut a) in left {
        let mut b = right[&id].clone();
        a.sort();
        b.sort();
        assert_eq!(a.len(), b.len(), "{id}");
        // Lost characters sort elsewhere, so every fact looks for its like.
        for fact in &a {
            let found = b.iter().position(|other| same(fact, other));
            assert!(
                found.is_some(),
                "{id}: only in A: {fact}\nB has {:#?}",
                b.iter().filter(|o| o.get(..6) == fact.get(..6)).collect::<Vec<_>>()
            );
            b.remove(found.unwrap_or_default());
            compared += 1;
        }
    }
    assert!(compared > 3000, "only {compared} facts");
}

/// Equal, except where shape A says that a character was lost.
fn same(a: &str, b: &str) -> bool {
    let expected = b
        .chars()
        .filter(|c| !('\u{e0100}'..='\u{e01ef}').contains(c))
        .map(|c| match c {
            '〜' => '～',
            '−' => '－',
            other => other,
        });
    let expected: Vec<char> = expected.collect();
    let got: Vec<char> = a.chars().collect();
    got.len() == expected.len()
        && got
            .iter()
            .zip(&expected)
            .all(|(g, e)| g == e || (matches!(g, '■' | '〓' | '\u{e000}') && *e == '𠮷'))
}

fn facts_a(files: &Files) -> Facts {
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

fn facts_b(files: &Files) -> Facts {
    let mut facts: Facts = BTreeMap::new();
    let mut add = |id: &str, fact: String| facts.entry(id.to_owned()).or_default().push(fact);
    let departments: BTreeMap<String, String> = named_b(files, "dept.csv")
        .into_iter()
        .map(|d| (d["code"].clone(), d["name"].clone()))
        .collect();
    for p in named_b(files, "pt.tsv") {
        let name = format!("{}　{}", p["fam"], p["giv"]);
        let dates = ["bd", "dod", "reg", "lastv"].map(|c| p[c].as_str()).join("|");
        let texts = ["oldfam", "alias", "addr", "tel", "mob", "work", "worktel", "abo"]
            .map(|c| p[c].as_str())
            .join("|");
        let kana = full(&format!("{}{}", p["kfam"], p["kgiv"]));
        add(
            &p["pid"],
            format!(
                "person|{}|{}|{}|{dates}|{name}|{texts}|{kana}",
                p["sex"], p["ins"], p["rh"]
            ),
        );
        for (kind, value, day) in [
            ("身長", "ht", "htd"),
            ("体重", "wt", "wtd"),
            ("HBs抗原", "hbs", "infd"),
            ("HCV抗体", "hcv", "infd"),
            ("ペースメーカ", "pm", "pmd"),
        ] {
            if !p[value].is_empty() {
                add(&p["pid"], format!("fact|{kind}|{}|{}", p[value], p[day]));
            }
        }
    }
    for d in named_b(files, "dx.tsv") {
        add(
            &d["pid"],
            format!(
                "dx|{}|{}|{}|{}{}|{}|{}|{}|{}",
                d["seq"],
                d["name"],
                d["icd"],
                d["susp"],
                d["main"],
                short_era(&d["onset"]),
                d["outcome"],
                short_era(&d["enddate"]),
                departments[&d["dept"]]
            ),
        );
    }
    for n in named_b(files, "note.csv") {
        let parts = [("S", "s"), ("O", "o"), ("A", "a"), ("P", "p")];
        let whole = parts
            .iter()
            .filter(|(_, c)| !n[*c].is_empty())
            .map(|(letter, c)| format!("【{letter}】{}", n[*c]))
            .collect::<Vec<_>>()
            .join("\n");
        add(
            &n["pid"],
            format!(
                "note|{}|{}|{}|{}|{whole}",
                n["date"], departments[&n["dept"]], n["dr"], n["written"]
            ),
        );
    }
    for r in plain_b(files, "rx.csv") {
        let same = [3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14]
            .map(|c: usize| r[c].as_str())
            .join("|");
        let fact = format!(
            "rx|{}|{}|{}|{same}|{}|{}|{}|{}",
            r[1], departments[&r[2]], r[8], r[15], r[16], r[17], r[18]
        );
        add(&r[0], fact);
    }
    for c in named_b(files, "alg.tsv").into_iter().filter(|c| c["st"] != "U") {
        let same = [
            "st", "kind", "cls", "code", "text", "react", "sev", "ond", "cfd", "memo",
        ]
        .map(|k| c[k].as_str())
        .join("|");
        add(&c["pid"], format!("caution|{same}"));
    }
    for l in named_b(files, "lab.csv") {
        add(
            &l["pid"],
            format!(
                "lab|{}{}|{}|{}|{}|{}|{}|{}",
                l["date"], l["time"], l["name"], l["val"], l["unit"], l["ref"], l["flag"], l["memo"]
            ),
        );
    }
    let exams: BTreeMap<String, String> = named_b(files, "exm.csv")
        .into_iter()
        .map(|e| (e["code"].clone(), format!("{}@{}", e["name"], e["place"])))
        .collect();
    for b in plain_b(files, "appt_20261120.csv") {
        let orders = b[16..24]
            .iter()
            .filter(|code| !code.is_empty())
            .map(|code| exams[code].clone())
            .collect::<Vec<_>>()
            .join("/");
        add(
            &b[1],
            format!(
                "appt|{}{}|{}|{}|{}|{}|{}|{}　{}|{}|{orders}",
                b[2], b[3], b[0], b[5], b[6], b[8], b[10], b[11], b[12], b[9]
            ),
        );
    }
    for t in plain_b(files, "next14.csv") {
        add(
            &t[4],
            format!(
                "thin|{}{}|{}|{}|{}|{}|{}",
                t[0],
                t[1],
                departments[&t[2]],
                t[3],
                t[5].replacen(' ', "　", 1),
                t[8],
                t[7]
            ),
        );
    }
    facts
}

fn word<'a>(text: &'a str, table: &[(&str, &'a str)]) -> &'a str {
    table.iter().find(|(from, _)| *from == text).map_or(text, |(_, to)| to)
}

/// `1951/5/12` as `19510512`.
fn slash(text: &str) -> String {
    let parts: Vec<u32> = text.split('/').filter_map(|p| p.parse().ok()).collect();
    if let [y, m, d] = parts[..] {
        format!("{y:04}{m:02}{d:02}")
    } else {
        text.to_owned()
    }
}

fn clock(text: &str) -> String {
    format!("{:0>5}", text).replace(':', "")
}

fn stamp(text: &str) -> String {
    let (day, time) = text.split_once(' ').expect("date and time");
    format!("{}{}", slash(day), clock(time))
}

/// `昭和26年5月12日` as `19510512`.
fn era(text: &str) -> String {
    let Some(rest) = text.get(6..) else {
        return text.to_owned();
    };
    let offset = word(
        &text[..6],
        &[
            ("明治", "1867"),
            ("大正", "1911"),
            ("昭和", "1925"),
            ("平成", "1988"),
            ("令和", "2018"),
        ],
    );
    western(
        offset,
        &rest.replace("元年", "1年").replace(['年', '月'], ".").replace('日', ""),
    )
}

/// `S26.5.12` as `19510512`.
fn short_era(text: &str) -> String {
    let Some(rest) = text.get(1..) else {
        return text.to_owned();
    };
    western(
        word(
            &text[..1],
            &[
                ("M", "1867"),
                ("T", "1911"),
                ("S", "1925"),
                ("H", "1988"),
                ("R", "2018"),
            ],
        ),
        rest,
    )
}

fn western(offset: &str, rest: &str) -> String {
    let offset: u32 = offset.parse().expect("an era");
    let parts: Vec<u32> = rest.split('.').map(|p| p.parse().expect("a number")).collect();
    format!("{:04}{:02}{:02}", offset + parts[0], parts[1], parts[2])
}

/// `朝2錠・夕1錠` as `2,0,1,0`.
fn uneven(text: &str, unit: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let amount = |slot: &str| {
        text.split('・')
            .find_map(|part| part.strip_prefix(slot))
            .map_or("0".to_owned(), |rest| rest.replace(unit, ""))
    };
    ["朝", "昼", "夕", "寝る前"].map(amount).join(",")
}

/// `週2回(月・木)` as `W0100100`, `隔日` as `I1100000`.
fn weekdays(text: &str) -> String {
    if text.is_empty() || text == "隔日" {
        return word(text, &[("隔日", "I1100000")]).to_owned();
    }
    let days = text.split_once('(').expect("days of the week").1;
    std::iter::once('W')
        .chain(
            "日月火水木金土"
                .chars()
                .map(|day| if days.contains(day) { '1' } else { '0' }),
        )
        .collect()
}

/// Half-width katakana to full-width, without blanks.
fn full(text: &str) -> String {
    const HALF: &str = "ｱｲｳｴｵｶｷｸｹｺｻｼｽｾｿﾀﾁﾂﾃﾄﾅﾆﾇﾈﾉﾊﾋﾌﾍﾎﾏﾐﾑﾒﾓﾔﾕﾖﾗﾘﾙﾚﾛﾜｦﾝｧｨｩｪｫｬｭｮｯｰ･";
    const FULL: &str = "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワヲンァィゥェォャュョッー・";
    let mut out = String::new();
    for c in text.chars() {
        match (c, out.chars().last()) {
            ('ﾞ', Some('ウ')) => replace_last(&mut out, 'ヴ'),
            ('ﾞ', Some(last)) => replace_last(&mut out, char::from_u32(last as u32 + 1).expect("voiced")),
            ('ﾟ', Some(last)) => replace_last(&mut out, char::from_u32(last as u32 + 2).expect("half-voiced")),
            _ => out.push(
                HALF.chars()
                    .position(|h| h == c)
                    .and_then(|place| FULL.chars().nth(place))
                    .unwrap_or(c),
            ),
        }
    }
    out
}

fn replace_last(text: &mut String, with: char) {
    text.pop();
    text.push(with);
}
