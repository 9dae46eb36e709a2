//! Too much of everything: nothing may be lost, cut or shrunk beyond reading, and every page still says whose it is.

use chart::Sheet;
use serde_json::{Value, json};

use crate::paper::{all_words, print, sample, squeeze, words};

/// F02 with a 60-character name, 30 drugs, 15 diagnoses, 24 results and a note of 2,000 characters.
fn everything() -> Sheet {
    let mut sheet = sample("F02");
    let strip = sheet.strip.as_mut().unwrap();
    strip.name = "マリア・アントニエッタ・デ・ラ・クルス・フェルナンデス・ゴンザレス・山田・長谷川・エリザベートアレクサンドラ太".chars().take(60).collect();
    strip.kana = strip.name.clone() + "カナ";
    let numbered = |items: &Value, count: usize| -> Value {
        let items = items.as_array().unwrap();
        (0..count)
            .map(|i| {
                let mut item = items[i % items.len()].clone();
                item["name"] = format!("第{}番の{}", i + 1, item["name"].as_str().unwrap()).into();
                item
            })
            .collect()
    };
    let body = &mut sheet.body;
    body["drugs"]["items"] = numbered(&body["drugs"]["items"], 30);
    body["diagnoses"]["items"] = numbered(&body["diagnoses"]["items"], 15);
    body["results"]["items"] = numbered(&body["results"]["items"], 24);
    body["last_note"]["sections"] = json!([
        { "label": "S", "text": long_note() },
        { "label": "O", "text": "-".repeat(120) },
        { "label": "P", "text": "𠮷田髙﨑" },
    ]);
    sheet
}

/// 2,000 characters in short lines, each told apart by its number.
fn long_note() -> String {
    (1..)
        .map(|line| format!("{line}行目の記録。\n"))
        .scan(0, |length, line| {
            *length += line.chars().count();
            (*length <= 2_000).then_some(line)
        })
        .collect()
}

#[test]
fn all_of_it_is_printed_and_counted() {
    let sheet = everything();
    let pdf = print(&sheet);
    let (first, all) = (words(&pdf, 1), all_words(&pdf));
    for panel in ["drugs", "diagnoses", "results"] {
        for item in sheet.body[panel]["items"].as_array().unwrap() {
            let name = squeeze(item["name"].as_str().unwrap());
            assert_eq!(all.matches(&name).count(), 1, "{name} is printed once");
        }
    }
    for line in long_note().lines() {
        assert!(all.contains(line), "{line}");
    }
    assert!(all.contains(&"-".repeat(120)));
    for mark in ["剤→続紙", "件→続紙", "項目→続紙", "S→続紙"] {
        assert!(first.contains(mark), "page 1 says {mark}");
    }
    let strip = sheet.strip.unwrap();
    for page in 1..=pdf.pages {
        let text = words(&pdf, page);
        for expected in [
            &strip.name,
            &strip.kana,
            &strip.id,
            &strip.birth,
            &format!("{page}/{}", pdf.pages),
        ] {
            assert!(text.contains(&squeeze(expected)), "page {page} lacks {expected}");
        }
    }
}

#[test]
fn eight_plain_drugs_stay_on_page_one_and_the_ninth_goes_on() {
    let mut sheet = sample("F02");
    let plain = json!({"name": "アムロジピン錠 5 mg", "tag": null, "dose": "1回 1錠（1日 1錠）", "usage": "1日1回 朝食後", "days": "35日分", "comment": null});
    sheet.body["diagnoses"]["items"] = json!([]);
    sheet.body["last_note"]["sections"] = json!([]);
    for (count, pages) in [(8, 1), (9, 2)] {
        sheet.body["drugs"]["items"] = vec![plain.clone(); count].into();
        let pdf = print(&sheet);
        assert_eq!(
            (pdf.pages, words(&pdf, 1).contains("ほか1剤→続紙")),
            (pages, count == 9),
            "{count} drugs"
        );
    }
}

#[test]
fn a_form_to_write_on_stays_one_page_whatever_the_states() {
    let mut sheet = sample("F02");
    for (state, words_of_it) in [
        ("none", "なし"),
        ("not_recorded", "未確認（記録なし）"),
        ("unavailable", "取得できず"),
    ] {
        for panel in ["allergy", "drugs", "diagnoses", "results", "last_note"] {
            sheet.body[panel]["state"] = state.into();
            sheet.body[panel]["note"] = "08:40 以降".into();
        }
        let pdf = print(&sheet);
        assert_eq!(pdf.pages, 1);
        let text = words(&pdf, 1);
        assert!(
            text.contains(&format!("アレルギー・禁忌{words_of_it}")),
            "{state}: {text}"
        );
        assert_eq!(
            text.matches(words_of_it).count(),
            if state == "none" { 7 } else { 5 },
            "{state}: {text}"
        );
    }
}

#[test]
fn typed_notes_with_their_corrections_replace_the_lines_to_write_on() {
    let mut sheet = sample("F02");
    let note = |kind: &str, text: &str, superseded: bool| {
        json!({"kind": kind, "written_at": "2026-11-20 09:41", "author": "佐藤　一郎", "role": "医師", "reason": null, "vitals": null,
               "superseded": superseded, "sections": [{"label": "P", "text": text}]})
    };
    sheet.body["typed_notes"] = json!([
        note("記録", "前回処方どおり 28日分。", true),
        note("訂正", &long_note(), false)
    ]);
    let pdf = print(&sheet);
    let all = all_words(&pdf);
    for expected in ["訂正前", "前回処方どおり28日分。", "1行目の記録。", "150行目の記録。"] {
        assert!(all.contains(expected), "{expected}");
    }
    assert!(!all.contains("主訴・経過・所見・評価・計画"));
}

#[test]
fn forty_allergies_push_everything_else_down_but_hide_nothing() {
    let mut sheet = sample("F02");
    let items: Vec<String> = (1..=40)
        .map(|i| format!("第{i}の薬（発疹と呼吸困難、2019年に確認）"))
        .collect();
    sheet.body["allergy"]["items"] = json!(items);
    let pdf = print(&sheet);
    let all = all_words(&pdf);
    assert!(items.iter().all(|item| all.contains(item)));
    for expected in [
        "ニトログリセリン舌下錠",
        "鉄欠乏性貧血",
        "主訴・経過・所見・評価・計画",
        "体重が2kg以上増えたら連絡",
    ] {
        assert!(all.contains(expected), "{expected}");
    }
}

#[test]
fn names_of_sixty_characters_are_whole_on_every_form() {
    for (code, name) in crate::paper::CODES.iter().flat_map(|code| {
        [
            (code, "Ｗ".repeat(60)),
            (code, "W".repeat(60)),
            (code, "Wolfeschlegel ".repeat(4)),
        ]
    }) {
        let mut sheet = sample(code);
        match sheet.strip.as_mut() {
            Some(strip) => (strip.name, strip.kana) = (name.clone(), "ナガイ".repeat(20)),
            None => {
                let place = match *code {
                    "F10" | "F13" | "F20" => &mut sheet.body["rows"][0]["name"],
                    "F17" => &mut sheet.body["report_to"]["name"],
                    "F18" => &mut sheet.body["rows"][0]["text"],
                    "F19" => &mut sheet.body["sender"],
                    "F21" => &mut sheet.body["incident"],
                    "F22" => &mut sheet.body["department"],
                    "F23" => &mut sheet.body["forms"][0]["patient"],
                    "F24" => &mut sheet.body["cards"][0]["name"],
                    "F26" => &mut sheet.body["keeper"],
                    "F27" => &mut sheet.body["accounts"][0]["name"],
                    "F28" => &mut sheet.body["people"][0]["name"],
                    "F29" => &mut sheet.body["declared"],
                    "F31" => &mut sheet.body["label"],
                    _ => &mut sheet.body["place"],
                };
                *place = name.clone().into();
            }
        }
        let pdf = print(&sheet);
        assert!(words(&pdf, 1).contains(&squeeze(&name)), "{code}: {}", words(&pdf, 1));
    }
}

#[test]
fn fifteen_drugs_at_every_hour_are_whole_and_every_page_says_whose_they_are() {
    let mut sheet = sample("F12");
    let due: Vec<Value> = (0..24)
        .map(|hour| json!({"hour": hour, "words": if hour % 8 == 0 { "交換" } else { "" }}))
        .collect();
    let drugs: Vec<Value> = (1..=15)
        .map(|n| {
            json!({
                "kind": if n % 2 == 0 { "注射" } else { "内服" },
                "name": format!("第{n}番のとても長い名前の配合剤錠{n}号「灯火」10mg／12.5mg"), "tag": "抗凝固",
                "amount_line": "1回 1錠（1日 24錠）", "usage": "1時間ごと", "comment": "血圧 90 未満なら中止して報告", "high_risk": n % 3 == 0, "due": due,
            })
        })
        .collect();
    sheet.body["drugs"]["items"] = drugs.clone().into();
    let pdf = print(&sheet);
    let all = all_words(&pdf);
    for drug in &drugs {
        assert_eq!(
            all.matches(&squeeze(drug["name"].as_str().unwrap())).count(),
            1,
            "{drug}"
        );
    }
    let id = squeeze(&sheet.strip.as_ref().unwrap().id);
    for page in 1..=pdf.pages {
        assert!(words(&pdf, page).contains(&id), "page {page}");
    }
}

#[test]
fn a_ward_of_forty_five_beds_has_twenty_to_a_page_and_loses_none() {
    let mut sheet = sample("F10");
    let rows = sheet.body["rows"].as_array().unwrap().clone();
    let plain = rows[1].clone();
    let many: Vec<Value> = (1..=45)
        .map(|n| {
            let mut row = plain.clone();
            row["bed"] = format!("{}-{}", 500 + n / 4, n % 4 + 1).into();
            row["id"] = format!("0099 {n:04}").into();
            row
        })
        .collect();
    sheet.body["rows"] = many.into();
    let pdf = print(&sheet);
    assert_eq!(pdf.pages, 3, "20 beds a page");
    let all = all_words(&pdf);
    for n in 1..=45 {
        assert_eq!(all.matches(&format!("0099{n:04}")).count(), 1, "bed {n}");
    }
}

#[test]
fn private_characters_become_geta_and_the_sheet_says_so() {
    let mut sheet = sample("F01");
    sheet.strip.as_mut().unwrap().name = "渡\u{E012}　𠮷髙﨑\u{F8FF}".to_owned();
    let text = words(&print(&sheet), 1);
    for expected in ["渡〓𠮷髙﨑〓", "外字あり（カナで確認）", "〓は印刷できない文字です"]
    {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert!(!words(&print(&sample("F01")), 1).contains('〓'));
}
