//! Prescriptions, inpatients and blank sheets with too much on them: whole, in order, never smaller, every page complete.

use chart::Sheet;
use press::Squares;
use serde_json::{Value, json};

use crate::codes::read;
use crate::paper::{all_words, print, sample, squeeze, words};

/// The form's sample for a patient with a name of 60 characters.
fn long_named(code: &str) -> Sheet {
    let mut sheet = sample(code);
    let strip = sheet.strip.as_mut().unwrap();
    strip.name = "マリア・アントニエッタ・デ・ラ・クルス・フェルナンデス・ゴンザレス・山田・長谷川・エリザベートアレクサンドラ太".chars().take(60).collect();
    strip.kana = "ナガイナマエ".to_owned();
    sheet
}

/// `count` items made from those there are, each with a number in its name.
fn numbered(items: &Value, count: usize) -> Value {
    let items = items.as_array().unwrap();
    (1..=count)
        .map(|i| {
            let mut item = items[i % items.len()].clone();
            item["name"] = format!("第{i}番の{}", item["name"].as_str().unwrap()).into();
            item
        })
        .collect()
}

fn every_one_once(all: &str, items: &Value) {
    for item in items.as_array().unwrap() {
        let name = squeeze(item["name"].as_str().unwrap());
        assert_eq!(all.matches(&name).count(), 1, "{name} is printed once: {all}");
    }
}

#[test]
fn thirty_drugs_take_several_prescriptions_each_complete_and_only_the_last_says_that_it_ends() {
    let mut sheet = long_named("F04");
    sheet.body["lines"] = numbered(&sheet.body["lines"], 30);
    sheet.body["symbols"] = json!([]);
    let pdf = print(&sheet);
    every_one_once(&all_words(&pdf), &sheet.body["lines"]);
    let name = squeeze(&sheet.strip.as_ref().unwrap().name);
    for page in 1..=pdf.pages {
        let text = words(&pdf, page);
        let drugs = text.matches("番の").count();
        assert!((1..=5).contains(&drugs), "page {page} has {drugs} drugs");
        // In the strip and in the prescription's own box.
        assert_eq!(text.matches(&name).count(), 2, "page {page}");
        for expected in [
            "保険医氏名",
            "交付年月日",
            "リフィル可",
            "保険医署名",
            "調剤済年月日",
            "備考",
        ] {
            assert!(
                squeeze(&text).contains(expected) || expected == "備考",
                "page {page} lacks {expected}"
            );
        }
        assert!(text.contains(&format!("処方箋{page}/{}", pdf.pages)), "page {page}");
        assert_eq!(text.contains("以下余白"), page == pdf.pages, "page {page}");
        assert_eq!(text.contains("次の用紙につづく"), page < pdf.pages, "page {page}");
    }
}

/// The horizontal rules that cross the body of a page, in millimetres from the top.
fn rules(pdf: &press::Pdf) -> Vec<f64> {
    let picture = crate::paper::picture(pdf, 1, 254);
    let (left, right) = (450, 1380);
    let inked = |y: usize| {
        let row = &picture.pixels[y * picture.width + left..y * picture.width + right];
        row.iter().filter(|p| p[0] < 128).count() > (right - left) * 6 / 7
    };
    let rows: Vec<usize> = (0..picture.height).filter(|y| inked(*y)).collect();
    let starts = rows
        .iter()
        .enumerate()
        .filter(|(i, y)| *i == 0 || rows[i - 1] + 3 < **y);
    starts
        .map(|(_, y)| f64::from(u32::try_from(*y).unwrap()) / 10.0)
        .collect()
}

#[test]
fn the_lines_have_sixty_two_millimetres_with_an_ordinary_name_and_two_remarks() {
    // Both editions, by the day of issue.
    for day in ["2026-11-20", "2026-05-20"] {
        let mut sheet = sample("F04");
        sheet.issued = format!("発行 {day} 10:05 C05");
        sheet.body["symbols"] = json!([]);
        assert_eq!(sheet.body["remarks"].as_array().unwrap().len(), 2);
        let rules = rules(&print(&sheet));
        let tallest = rules.windows(2).map(|two| two[1] - two[0]).fold(0.0, f64::max);
        assert!((61.8..=62.3).contains(&tallest), "{day}: {tallest} of {rules:?}");
    }
}

#[test]
fn five_usual_lines_are_one_prescription_and_the_sixth_begins_the_next() {
    let mut sheet = sample("F04");
    let lines = sheet.body["lines"].clone();
    sheet.body["symbols"] = json!([]);
    for (drugs, pages) in [(1, 1), (5, 1), (6, 2), (10, 2), (12, 3)] {
        sheet.body["lines"] = numbered(&lines, drugs);
        assert_eq!(print(&sheet).pages, pages, "{drugs} drugs");
    }
}

#[test]
fn the_statutory_words_and_boxes_are_all_there() {
    let mut sheet = sample("F04");
    sheet.body["refill"] = json!(3);
    sheet.body["payers"] =
        json!([{"payer": "54136015", "recipient": "1234566"}, {"payer": "51136018", "recipient": "7654321"}]);
    for filled in [true, false] {
        if !filled {
            for key in [
                "insurer",
                "insured_symbol",
                "insured_number",
                "insured_branch",
                "holder",
                "issued_on",
                "refill",
            ] {
                sheet.body[key] = json!(null);
            }
            sheet.body["payers"] = json!([]);
        }
        let text = all_words(&print(&sheet));
        for words in [
            "この処方箋は、どの保険薬局でも有効です。",
            "公費負担者番号",
            "公費負担医療の受給者番号",
            "保険者番号",
            "記号・番号",
            "（枝番）",
            "氏名",
            "生年月日",
            "男・女",
            "区分",
            "被保険者",
            "被扶養者",
            "保険医療機関の所在地及び名称",
            "電話番号",
            "保険医氏名",
            "都道府県番号",
            "点数表番号",
            "医療機関コード",
            "交付年月日",
            "処方箋の使用期間",
            "交付の日を含めて4日以内に",
            "変更不可（医療上必要）",
            "患者希望",
            "リフィル可",
            "保険医署名",
            "残薬を確認した場合の対応",
            "疑義照会した上で調剤",
            "調剤実施回数",
            "1回目",
            "2回目",
            "3回目",
            "次回調剤予定日（",
            "調剤済年月日",
            "保険薬局の所在地",
        ] {
            assert!(
                text.contains(&squeeze(words)),
                "filled {filled}: {words} is missing: {text}"
            );
        }
        for digits in ["54136015", "7654321", "06130017", "9999991"] {
            assert_eq!(text.contains(digits), filled || digits == "9999991", "{digits}: {text}");
        }
    }
}

#[test]
fn a_comment_longer_than_the_prescription_is_whole() {
    let mut sheet = sample("F04");
    let lines: String = (1..=60).map(|i| format!("{i}回目の注意。")).collect();
    sheet.body["lines"][0]["comment"] = lines.clone().into();
    let all = all_words(&print(&sheet));
    for i in 1..=60 {
        assert!(all.contains(&format!("{i}回目の注意。")), "{i}");
    }
}

#[test]
fn ready_symbols_are_drawn_as_they_are_and_read_back() {
    let texts = ["JAHIS10 1,1,9999991,13 11,,YAMADA", "JAHIS10 201,1,1,,2,620000001"];
    let symbols: Vec<Value> = texts
        .iter()
        .map(|text| {
            let qr = Squares::qr(text).unwrap();
            let row = |row: &[bool]| row.iter().map(|ink| if *ink { '1' } else { '0' }).collect::<String>();
            json!({ "rows": qr.modules.chunks(qr.side).map(row).collect::<Vec<_>>() })
        })
        .collect();
    let mut sheet = sample("F04");
    sheet.body["symbols"] = symbols.into();
    // Beside the prescription when there is room, else on a page of their own.
    for (drugs, pages) in [(1, 1), (4, 2)] {
        sheet.body["lines"] = numbered(&sheet.body["lines"], drugs);
        let pdf = print(&sheet);
        assert_eq!(pdf.pages, pages, "{drugs} drugs");
        let found = read(&pdf, pages, 300);
        for text in texts {
            assert!(found.contains(&format!("QR-Code:{text}")), "{drugs} drugs: {found:?}");
        }
    }
}

#[test]
fn a_symbol_that_is_no_square_is_refused() {
    let mut sheet = sample("F04");
    sheet.body["symbols"] = json!([{ "rows": ["0101", "111"] }]);
    let error = crate::paper::press().sheet(&sheet).unwrap_err().to_string();
    assert!(error.contains("square"), "{error}");
}

#[test]
fn thirty_drugs_stay_whole_in_the_hospitals_own_prescription() {
    let mut sheet = long_named("F05");
    sheet.body["lines"] = numbered(&sheet.body["lines"], 30);
    let pdf = print(&sheet);
    let all = all_words(&pdf);
    every_one_once(&all, &sheet.body["lines"]);
    assert_eq!(all.matches("以下余白").count(), 1);
    assert!(words(&pdf, pdf.pages).contains("監査者"));
}

#[test]
fn an_inpatient_with_thirty_drugs_and_fifteen_diagnoses_is_whole() {
    let mut sheet = long_named("F11");
    for (panel, count) in [("drugs", 30), ("injections", 30), ("diagnoses", 15), ("results", 30)] {
        sheet.body[panel]["items"] = numbered(&sheet.body[panel]["items"], count);
    }
    let pdf = print(&sheet);
    let all = all_words(&pdf);
    for panel in ["drugs", "injections", "diagnoses", "results"] {
        every_one_once(&all, &sheet.body[panel]["items"]);
    }
    let name = squeeze(&sheet.strip.as_ref().unwrap().name);
    assert!((1..=pdf.pages).all(|page| words(&pdf, page).contains(&name)));
}

#[test]
fn a_panel_of_an_inpatient_that_could_not_be_fetched_says_so() {
    let mut sheet = sample("F11");
    let panels = [
        "drugs",
        "injections",
        "diagnoses",
        "results",
        "vitals",
        "plans",
        "contacts",
    ];
    for panel in panels {
        sheet.body[panel] = json!({"state": "unavailable", "note": "08:40 以降", "items": []});
    }
    let all = all_words(&print(&sheet));
    assert_eq!(all.matches("取得できず（08:40以降）").count(), panels.len(), "{all}");
}

#[test]
fn thirty_drugs_of_a_day_keep_their_boxes_and_their_heads() {
    let mut sheet = long_named("F12");
    sheet.body["drugs"]["items"] = numbered(&sheet.body["drugs"]["items"], 30);
    let pdf = print(&sheet);
    every_one_once(&all_words(&pdf), &sheet.body["drugs"]["items"]);
    for page in 1..=pdf.pages {
        let text = words(&pdf, page);
        assert!(
            !text.contains("番の") || text.contains("薬剤・量・用法"),
            "page {page} has no hours"
        );
    }
}

#[test]
fn twenty_beds_fill_a_page_and_each_says_what_is_known_of_allergies() {
    let mut sheet = sample("F10");
    let rows = sheet.body["rows"].as_array().unwrap().clone();
    for (count, pages) in [(1, 1), (20, 1), (21, 2)] {
        sheet.body["rows"] = vec![rows[0].clone(); count].into();
        assert_eq!(print(&sheet).pages, pages, "{count} beds");
    }
    for (state, words_of_it) in [
        ("none", "なし"),
        ("not_recorded", "未確認"),
        ("unavailable", "取得できず"),
        ("known", "▲"),
    ] {
        let mut row = rows[0].clone();
        row["allergy"] = json!({"state": state, "words": null});
        sheet.body["rows"] = json!([row]);
        // Once more than in the head of the column at most.
        assert!(
            all_words(&print(&sheet)).matches(words_of_it).count() > usize::from(state == "known"),
            "{state}"
        );
    }
}

#[test]
fn every_row_of_the_ward_carries_two_identifiers() {
    let sheet = sample("F10");
    let all = all_words(&print(&sheet));
    let rows = sheet.body["rows"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["empty"] == json!(false));
    for row in rows {
        for key in ["kana", "name", "birth", "id"] {
            let text = squeeze(row[key].as_str().unwrap());
            assert!(all.contains(&text), "{text:?} is missing");
        }
    }
}

#[test]
fn every_label_carries_the_whole_identity() {
    for (sheet, labels) in [(sample("F15"), 12), (long_named("F15"), 12)] {
        let all = all_words(&print(&sheet));
        let strip = sheet.strip.unwrap();
        for (what, extra) in [(&strip.kana, 2), (&strip.name, 2), (&strip.birth, 2), (&strip.id, 2)] {
            // The strip of the page and the wristband besides.
            assert_eq!(all.matches(&squeeze(what)).count(), labels + extra, "{what}");
        }
    }
}

#[test]
fn a_blank_sheet_is_one_page_and_one_with_too_many_fields_goes_on() {
    let mut sheet = sample("F22");
    sheet.body["department"] = "循".repeat(60).into();
    assert_eq!(print(&sheet).pages, 1);
    let row = |i: usize| json!({"label": format!("{i}番の欄"), "height": 60});
    sheet.body["rows"] = (1..=20).map(row).collect();
    let pdf = print(&sheet);
    let all = all_words(&pdf);
    assert!(pdf.pages > 5);
    assert!((1..=20).all(|i| all.contains(&format!("{i}番の欄"))));
    assert!((1..=pdf.pages).all(|page| words(&pdf, page).contains(&sheet.form_id)));
}

#[test]
fn a_heavier_row_of_the_day_has_room_for_two_initials() {
    let sheet = sample("F12");
    let high = sheet.body["drugs"]["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|d| d["high_risk"] == json!(true))
        .count();
    assert_eq!(all_words(&print(&sheet)).matches("2人注射").count(), high);
}

/// Twenty-four items as wide as a hospital's list may have them.
fn wide_items() -> Value {
    (1..=24)
        .map(|i| json!({"name": format!("{i:02}幅いっぱいの検査項目名"), "on": i % 3 == 0}))
        .collect()
}

#[test]
fn a_full_grid_of_the_widest_items_is_whole() {
    for code in ["F07", "F08"] {
        let mut sheet = long_named(code);
        sheet.body["items"] = wide_items();
        sheet.body["ordered_by"] = "鈴木　光（口頭指示を入力）".into();
        let pdf = print(&sheet);
        let all = all_words(&pdf);
        every_one_once(&all, &sheet.body["items"]);
        assert!(all.contains("口頭指示を入力"), "{code}");
        assert!(pdf.pages <= 2, "{code}");
    }
}

#[test]
fn a_sheet_without_a_list_and_one_with_long_words_are_whole() {
    for code in ["F07", "F08"] {
        let mut sheet = sample(code);
        sheet.body["items"] =
            json!([{"name": "心電図（電子カルテの依頼で名前がとても長いものがそのまま印刷される場合）", "on": true}]);
        sheet.body["results"] = json!([{"name": "", "unit": null}]);
        sheet.body["checks"] = json!([]);
        sheet.body["other"] = "髄".repeat(200).into();
        sheet.body["part"] = "部".repeat(200).into();
        sheet.body["clinical"] = "目".repeat(200).into();
        let all = all_words(&print(&sheet));
        assert!(all.contains("そのまま印刷される場合"), "{code}");
        let long = if code == "F07" { '髄' } else { '部' };
        assert!(
            all.matches(long).count() >= 200 && all.matches('目').count() >= 200,
            "{code}"
        );
    }
}

#[test]
fn sixteen_instructions_take_several_pages_each_with_its_heads() {
    let mut sheet = long_named("F09");
    sheet.body["orders"] = numbered(&sheet.body["orders"], 16);
    sheet.body["urgent"] = true.into();
    sheet.body["clinical"] = "低カリウム血症".into();
    sheet.body["blank_rows"] = 2.into();
    let pdf = print(&sheet);
    every_one_once(&all_words(&pdf), &sheet.body["orders"]);
    assert!(words(&pdf, 1).contains("低カリウム血症"));
    for page in 1..=pdf.pages {
        let text = words(&pdf, page);
        assert!(
            !text.contains("番の") || text.contains("指示受け"),
            "page {page} has no heads"
        );
        // The last words of a row stand where its first do.
        let whole = text.matches("塩化カリウム").count() == text.matches("原液の静注は禁止").count();
        assert!(whole, "page {page} parts an instruction: {text}");
    }
}
