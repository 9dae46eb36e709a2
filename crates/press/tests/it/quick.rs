//! The quick press against Typst: the same pages, word by word and dot by dot, and everything unusual left to Typst.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::OnceLock;

use chart::Sheet;
use press::{Forms, Pdf, Press};
use serde_json::{Value, json};

use crate::paper::{Picture, press, sample, tool, words};

/// Sheets that are compared.
const SHEETS: u64 = 40;

/// A word may stand this far from Typst's, in points: both round to a thousandth.
const SHIFT: f64 = 0.02;

fn typst() -> &'static Press {
    static TYPST: OnceLock<Press> = OnceLock::new();
    TYPST.get_or_init(|| {
        Press::new(Forms::built_in().unwrap(), NonZeroUsize::new(2).unwrap())
            .unwrap()
            .without_quick()
    })
}

/// Dice that fall alike on every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }

    fn often(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn perhaps(&mut self, percent: usize, text: &str) -> Value {
        let absent = if self.often(50) { Value::Null } else { json!("") };
        if self.often(percent) { json!(text) } else { absent }
    }

    fn list(&mut self, counts: &[usize], mut one: impl FnMut(&mut Self) -> Value) -> Value {
        let count = self.of(counts);
        (0..count).map(|_| one(self)).collect()
    }

    fn panel(&mut self, items: Value) -> Value {
        let states = [
            "known",
            "known",
            "known",
            "known",
            "known",
            "none",
            "not_recorded",
            "unavailable",
        ];
        let note = self.of(&["更新 2026-08-03", "問い合わせ中（検査部 内線 1234）"]);
        json!({ "state": self.of(&states), "note": self.perhaps(40, note), "items": items })
    }

    fn note(&mut self) -> String {
        const WORDS: [&str; 20] = [
            "階段での息切れは前回より軽い。",
            "血圧 132/74、脈拍 72 不整。",
            "体重 52.4 kg（前回 53.1）。",
            "下腿浮腫（−）。",
            "「めまいがする」と訴える。",
            "処方継続 35日分、",
            "次回（2026-12-18）採血・心電図！",
            "NYHA II で安定、BNP 212 pg/mL → 180。",
            "CT：異常なし；",
            "『様子をみる』（本人）、",
            "ｶﾙﾃ参照 ",
            "【重要】",
            "eGFR 48 mL/分/1.73m² ",
            "3.6–4.8 ",
            "X-ray OK. ",
            "① 食事 ② 運動　",
            "・",
            "！？",
            "、。",
            "\n",
        ];
        let count = 1 + self.below(12);
        let text: String = (0..count).map(|_| self.of(&WORDS)).collect();
        format!("{text}以上")
    }
}

/// A chart of any usual kind: few and many entries, long and short words, every state of every panel.
fn any_chart(seed: u64) -> Sheet {
    let mut dice = Dice(seed.wrapping_mul(977));
    let dice = &mut dice;
    let mut sheet = sample("F02");
    sheet.reissue = dice.often(20);
    sheet.title_mark = dice.of(&["電子カルテ停止中", "通常"]).to_owned();
    sheet.hospital = dice
        .of(&[
            "あかりの市立総合病院",
            "独立行政法人 国立とても長い名前の病院機構 あかりの医療センター",
        ])
        .to_owned();
    let strip = sheet.strip.as_mut().unwrap();
    let names = [
        "山田　花子",
        "髙﨑　一郎",
        "NGUYEN THI THUY LINH ALEXANDRA",
        "勘解由小路　左衛門三郎太郎衛門之助長名前長名前",
        "林",
    ];
    strip.name = dice.of(&names).to_owned();
    strip.kana = dice
        .of(&[
            "ヤマダ　ハナコ",
            "ｻﾄｳ ｲﾁﾛｳ",
            "グエン　ティ　トゥイ　リン　アレクサンドラ　マリア　カタリーナ",
        ])
        .to_owned();
    strip.flags = dice
        .of(&[vec![], vec!["読み同じ 2人"], vec!["同姓同名 3人", "耳が聞こえにくい"]])
        .into_iter()
        .map(str::to_owned)
        .collect();
    strip.id = dice.of(&["0012 3456", "12345", "0000012345"]).to_owned();
    strip.id_code = strip.id.replace(' ', "");
    let allergies = [
        "ペニシリン系（アナフィラキシー 2014）",
        "卵",
        "そば・小麦・乳ほか多数（本人申告、詳細は問診票を参照してください）",
    ];
    let list = dice.list(&[0, 1, 2, 3, 6], |dice| json!(dice.of(&allergies)));
    let allergy = dice.panel(list);
    let facts = dice.list(&[0, 1, 4, 7], |dice| {
        json!({ "label": dice.of(&["感染症", "血液型", "eGFR"]), "value": dice.of(&["なし", "A（＋）", "HBV（＋）HCV（−）"]), "date": dice.perhaps(50, "2025-10-14") })
    });
    let list = dice.list(&[0, 1, 3, 5, 6, 8, 9, 12, 15], |dice| {
        let names = ["アムロジピン錠 5 mg", "アピキサバン錠 2.5 mg「トモシビ」", "インスリン グラルギン（遺伝子組換え）注射液 300 単位/3 mL キット", "ツムラ五苓散エキス顆粒（医療用）"];
        let usages = ["1日1回 朝食後", "1日2回 朝夕食後（不均等）", "毎週月・水・金曜日の朝食後に服用し、それ以外の日は服用しない"];
        let doses = ["1回\u{a0}1錠（1日\u{a0}1錠）", "1回\u{a0}12.5\u{a0}mg（0.5錠）を朝食前と夕食前と就寝前に（1日\u{a0}1.5錠）", ""];
        let comment = dice.of(&["体重が 2 kg 以上増えたら連絡", "5分で改善しなければ救急要請。それでも改善しないときは、かかりつけに連絡する（夜間も可）"]);
        json!({ "name": dice.of(&names), "tag": dice.perhaps(30, "ハイリスク薬"), "dose": dice.of(&doses), "usage": dice.of(&usages), "days": dice.of(&["35日分", "7日分", ""]), "comment": dice.perhaps(30, comment) })
    });
    let mut drugs = dice.panel(list);
    drugs["source"] = dice.perhaps(70, "前回 2026-09-18・35日分");
    let caution = dice.of(&[
        "他院・持参薬は含まれません。相互作用・重複・用量の自動チェックは働きません",
        "他院・持参薬は含まれません。",
    ]);
    drugs["caution"] = dice.perhaps(80, caution);
    let list = dice.list(&[0, 1, 4, 8, 15], |dice| {
        let names = ["慢性心不全", "慢性腎臓病 G3a", "２型糖尿病性腎症（第３期）", "家族性高コレステロール血症を背景とする脂質異常症および高尿酸血症", "ｱﾚﾙｷﾞｰ性鼻炎"];
        json!({ "name": dice.of(&names), "since": dice.perhaps(70, "2021-04-06"), "main": dice.often(20), "suspected": dice.often(20) })
    });
    let diagnoses = dice.panel(list);
    let list = dice.list(&[0, 1, 5, 14, 25], |dice| {
        let (name, value, unit, range) = dice.of(&[("BNP", "212", "pg/mL", "18.4以下"), ("クレアチニン", "0.92", "mg/dL", "0.46–0.79"), ("尿蛋白", "（2+）", "", ""), ("Hb", "10.8", "g/dL", "(11.6–14.8)")]);
        json!({ "name": name, "value": value, "unit": unit, "ref": range, "flag": dice.perhaps(50, "H"), "date": dice.perhaps(30, "2026-09-18"), "critical": dice.often(15) })
    });
    let mut results = dice.panel(list);
    results["date"] = dice.perhaps(60, "2026-10-02 08:50");
    let labels = dice.of(&[
        vec!["S", "O", "A", "P"],
        vec!["主訴・経過", "所見", "評価", "計画"],
        vec![""],
        vec!["計画", "S"],
        vec![],
    ]);
    let sections: Value = labels
        .into_iter()
        .map(|label| json!({ "label": label, "text": dice.note() }))
        .collect();
    let mut note = dice.panel(json!([]));
    for (key, value) in [
        ("date", "2026-09-18"),
        ("author", "佐藤　一郎"),
        ("department", "循環器内科"),
    ] {
        note[key] = dice.perhaps(70, value);
    }
    note["sections"] = sections;
    let exams = dice.list(&[0, 0, 1, 2, 5], |dice| {
        json!(dice.of(&["採血・採尿", "胸部X線（2方向）", "心臓超音波検査"]))
    });
    let body = &mut sheet.body;
    body["doctor"] = dice.perhaps(70, "佐藤　一郎");
    body["visit"] = json!({ "number": dice.perhaps(70, "A-127"), "time": dice.perhaps(70, "9:12"), "appointment": dice.perhaps(70, "予約 9:30") });
    for (key, value) in [
        ("allergy", allergy),
        ("facts", facts),
        ("drugs", drugs),
        ("diagnoses", diagnoses),
        ("results", results),
        ("last_note", note),
        ("today_exams", exams),
    ] {
        body[key] = value;
    }
    sheet
}

fn packed(press: &Press, sheets: &[Sheet]) -> Pdf {
    let mut bytes = Vec::new();
    let report = press.pack(sheets.to_vec(), |_| (), &mut bytes).unwrap();
    assert!(report.spoiled.is_empty());
    Pdf {
        bytes,
        pages: report.printed.pages,
        instead: None,
        warning: None,
    }
}

/// Each page's letters in reading order, and where those stand that begin a word.
fn placed(pdf: &Pdf) -> Vec<(String, BTreeMap<usize, [f64; 2]>)> {
    let text = String::from_utf8(tool(pdf, "poppler-utils", &["pdftotext", "-bbox", "{}", "-"])).unwrap();
    let mut pages: Vec<(String, BTreeMap<usize, [f64; 2]>)> = Vec::new();
    for line in text.lines() {
        if line.contains("<page ") {
            pages.push(Default::default());
        }
        let Some(word) = line.trim().strip_prefix("<word ") else {
            continue;
        };
        let parts: Vec<&str> = word.split('"').collect();
        let page = pages.last_mut().unwrap();
        page.1.insert(page.0.len(), [1, 3].map(|n| parts[n].parse().unwrap()));
        page.0
            .push_str(parts[8].trim_start_matches('>').trim_end_matches("</word>"));
    }
    pages
}

/// Pages as grey pixels.
fn pictures(pdf: &Pdf) -> Vec<Picture> {
    (1..=pdf.pages)
        .map(|page| crate::paper::picture(pdf, page, 72))
        .collect()
}

#[test]
fn pages_are_those_of_typst() {
    let sheets: Vec<Sheet> = (0..SHEETS)
        .map(any_chart)
        .filter(|sheet| press().is_quick(sheet))
        .collect();
    assert!(
        sheets.len() as u64 > SHEETS * 2 / 3,
        "only {} of {SHEETS} charts are quick",
        sheets.len()
    );
    let (quick, slow) = (packed(press(), &sheets), packed(typst(), &sheets));
    assert_eq!(quick.pages, slow.pages);
    assert!(
        quick.pages > sheets.len() * 4 / 3,
        "too few continuation pages to tell: {}",
        quick.pages
    );

    let (ours, theirs) = (placed(&quick), placed(&slow));
    let mut compared = 0;
    for (page, (own, other)) in ours.iter().zip(&theirs).enumerate() {
        assert_eq!(own.0, other.0, "page {}", page + 1);
        // Where words are parted differs with the last digit of a gap; where their letters stand does not.
        for (letter, at) in &own.1 {
            let Some(theirs) = other.1.get(letter) else { continue };
            let far = at.iter().zip(theirs).any(|(a, b)| (a - b).abs() > SHIFT);
            assert!(
                !far,
                "page {}: letter {letter} stands at {at:?}, Typst's at {theirs:?}",
                page + 1
            );
            compared += 1;
        }
    }
    assert!(
        compared > 100 * quick.pages,
        "only {compared} words of {} pages",
        quick.pages
    );

    for (number, (own, other)) in pictures(&quick).iter().zip(&pictures(&slow)).enumerate() {
        assert_eq!((own.width, own.height), (other.width, other.height));
        let stray = stray_dots(own, other) + stray_dots(other, own);
        assert_eq!(stray, 0, "page {}: dots that are not on the other page", number + 1);
    }
}

/// Black dots without a black dot on the other page there or beside it. A dot's edge may fall to the next dot, because the two round the
/// last digit of a coordinate differently; a line more or less, or one in another place, has dots with no neighbour.
fn stray_dots(one: &Picture, other: &Picture) -> usize {
    let black = |picture: &Picture, x: usize, y: usize| picture.pixels[y * picture.width + x][0] < 128;
    let mut stray = 0;
    for y in 1..one.height - 1 {
        for x in 1..one.width - 1 {
            let near = |(down, right): (usize, usize)| black(other, x + right - 1, y + down - 1);
            let all = [(1, 1), (0, 1), (2, 1), (1, 0), (1, 2), (0, 0), (0, 2), (2, 0), (2, 2)];
            stray += usize::from(black(one, x, y) && !all.into_iter().any(near));
        }
    }
    stray
}

#[test]
fn one_sheet_says_what_typst_says() {
    for seed in [3, 7, 11, 19] {
        let sheet = any_chart(seed);
        let (own, other) = (press().sheet(&sheet).unwrap(), typst().sheet(&sheet).unwrap());
        let text =
            |pdf: &Pdf| String::from_utf8(tool(pdf, "poppler-utils", &["pdftotext", "-layout", "{}", "-"])).unwrap();
        assert_eq!(text(&own), text(&other), "chart {seed}");
    }
}

#[test]
fn the_unusual_is_left_to_typst() {
    type Change = fn(&mut Sheet);
    let changes: [(&str, Change); 16] = [
        ("a drill", |sheet| sheet.drill = true),
        ("a drill's mark", |sheet| sheet.title_mark = "訓練".to_owned()),
        ("no number", |sheet| sheet.form_id.clear()),
        ("a temporary patient", |sheet| {
            sheet.strip.as_mut().unwrap().temporary = true
        }),
        ("a name that cannot be printed", |sheet| {
            sheet.strip.as_mut().unwrap().gaiji = true
        }),
        ("a character of no font", |sheet| {
            sheet.strip.as_mut().unwrap().name = "渡\u{E012}　勝".to_owned()
        }),
        ("a character of the fallback", |sheet| {
            sheet.strip.as_mut().unwrap().name = "𠮷田　勝".to_owned()
        }),
        ("a name in 〓", |sheet| {
            sheet.strip.as_mut().unwrap().name = "〓田　勝".to_owned()
        }),
        ("a variation", |sheet| {
            sheet.strip.as_mut().unwrap().name = "葛\u{E0100}城".to_owned()
        }),
        ("no patient", |sheet| sheet.strip = None),
        ("a ligature", |sheet| {
            sheet.body["diagnoses"]["items"][0]["name"] = "fibrosis".into()
        }),
        ("a mark that combines", |sheet| {
            sheet.body["diagnoses"]["items"][0]["name"] = "か\u{309A}".into()
        }),
        ("a word without a break", |sheet| {
            sheet.body["results"]["items"][0]["value"] = "1".repeat(40).into()
        }),
        ("a typed note", |sheet| {
            sheet.body["typed_notes"] = json!([{ "kind": "記録" }])
        }),
        ("another shape", |sheet| sheet.body["drugs"] = json!("not a panel")),
        ("another form", |sheet| sheet.form = "F01".to_owned()),
    ];
    assert!(press().is_quick(&sample("F02")));
    for (what, change) in changes {
        let mut sheet = sample("F02");
        change(&mut sheet);
        assert!(!press().is_quick(&sheet), "{what}");
    }
}

#[test]
fn a_hospitals_own_chart_is_printed_as_the_hospital_drew_it() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("F02");
    std::fs::create_dir(&own).unwrap();
    std::fs::copy(
        crate::paper::forms_folder().join("F02/form.toml"),
        own.join("form.toml"),
    )
    .unwrap();
    std::fs::write(own.join("form.typ"), "#let body(sheet) = [当院の診療録]").unwrap();
    let (forms, complaints) = Forms::with_directory(folder.path()).unwrap();
    assert!(complaints.is_empty());
    let press = Press::new(forms, NonZeroUsize::MIN).unwrap();
    assert!(!press.is_quick(&sample("F02")));
    assert!(words(&press.sheet(&sample("F02")).unwrap(), 1).contains("当院の診療録"));
}

#[test]
fn quick_pages_and_typst_pages_stand_in_the_order_of_their_sheets() {
    let sheets: Vec<Sheet> = (1..=9)
        .map(|number| {
            let mut sheet = if number % 4 == 0 { sample("F13") } else { sample("F02") };
            if let Some(strip) = sheet.strip.as_mut() {
                (strip.id, strip.id_code) = (format!("7000 000{number}"), format!("7000000{number}"));
                strip.temporary = number % 3 == 0;
            }
            sheet
        })
        .collect();
    let quick = sheets.iter().filter(|sheet| press().is_quick(sheet)).count();
    assert_eq!(quick, 4);
    let (mixed, slow) = (packed(press(), &sheets), packed(typst(), &sheets));
    assert_eq!(mixed.pages, slow.pages);
    for page in 1..=mixed.pages {
        assert!(words(&mixed, page) == words(&slow, page), "page {page}");
    }
}

#[test]
fn the_same_charts_give_the_same_bytes_on_any_number_of_threads() {
    let sheets: Vec<Sheet> = (0..2 * SHEETS)
        .map(any_chart)
        .filter(|sheet| press().is_quick(sheet))
        .collect();
    let once = |threads| {
        let press = Press::new(Forms::built_in().unwrap(), NonZeroUsize::new(threads).unwrap()).unwrap();
        packed(&press, &sheets).bytes
    };
    let alone = once(1);
    for threads in [2, 3, 4] {
        assert!(once(threads) == alone, "{threads} threads");
    }
}

#[test]
fn no_body_makes_the_quick_press_fall() {
    const ODD: [&str; 14] = [
        "",
        " ",
        "\n",
        "\n\n",
        "　",
        "（",
        "）」、",
        "fi",
        "𠮷",
        "\u{0}",
        "\u{200B}",
        "https://a.jp/b",
        "あ",
        "1234567890 1234567890 ",
    ];
    let mut dice = Dice(5);
    for round in 0..600 {
        let mut sheet = any_chart(round);
        let mut spots = Vec::new();
        spots_of(&sheet.body, String::new(), &mut spots);
        for _ in 0..1 + dice.below(3) {
            let spot = dice.of(&spots);
            let text = dice.of(&ODD).repeat(1 + dice.below(40));
            let other = dice.of(&[Value::Null, json!(-1), json!([]), json!({}), json!(true), json!(text)]);
            if let Some(place) = sheet.body.pointer_mut(&spot) {
                *place = if dice.often(70) { json!(text) } else { other };
            }
        }
        let _ = press().is_quick(&sheet);
    }
}

/// The paths of all values in a body.
fn spots_of(value: &Value, path: String, out: &mut Vec<String>) {
    match value {
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(n, item)| spots_of(item, format!("{path}/{n}"), out)),
        Value::Object(entries) => entries
            .iter()
            .for_each(|(key, item)| spots_of(item, format!("{path}/{key}"), out)),
        _ => {}
    }
    if !path.is_empty() {
        out.push(path);
    }
}
