//! A second language on paper for patients: beneath the Japanese, from words files, in English where a file lacks something.

use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;

use chart::{Language, Sheet};
use press::{Forms, Press, PressError};
use serde_json::json;

use crate::paper::{all_words, forms_folder, picture, print, sample, squeeze, tool, words};

fn in_language(code: &str, language: &str) -> Sheet {
    Sheet {
        second: Language::parse(language),
        ..sample(code)
    }
}

fn with(directory: &Path) -> (Press, Vec<String>) {
    let (forms, complaints) = Forms::with_directory(directory).unwrap();
    let complaints = complaints.iter().map(PressError::to_string).collect();
    (Press::new(forms, NonZeroUsize::MIN).unwrap(), complaints)
}

/// A forms directory with one words file.
fn words_file(name: &str, text: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("words")).unwrap();
    fs::write(directory.path().join("words").join(name), text).unwrap();
    directory
}

/// Letters that two fonts draw together (ố) are extracted twice: every run of one letter counts once.
fn once(text: &str) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    letters.dedup();
    letters.into_iter().collect()
}

#[test]
fn what_a_patient_takes_home_says_it_in_both_languages() {
    for (code, english) in [
        (
            "F01",
            &[
                "Receptionno.",
                "Cardiology",
                "2ndfloor,deskC",
                "Bloodandurinetests,Fasting",
                "Yourstepstoday",
                "untilyouhavepaid.",
            ][..],
        ),
        (
            "F06",
            &[
                "Provisional",
                "18Dec2026(Fri)9:30",
                "Bloodandurinetests,ECG",
                "Donoteatthatmorning",
                "Tochange,call",
                "WewillconfirmIt",
            ][..],
        ),
        (
            "F16",
            &[
                "paidonalaterday",
                "24Nov2026(Tue)and11Dec2026(Fri)",
                "Nodeposit",
                "patientcard.",
            ][..],
        ),
    ] {
        let (japanese, both) = (print(&sample(code)), print(&in_language(code, "en")));
        let all = all_words(&both);
        for words in english {
            assert!(
                all.to_lowercase().contains(&words.to_lowercase()),
                "{code} lacks {words}: {all}"
            );
        }
        // Every line of the Japanese page is still there.
        let before = tool(&japanese, "poppler-utils", &["pdftotext", "-raw", "{}", "-"]);
        for line in String::from_utf8(before).unwrap().lines() {
            let line = squeeze(line);
            let own = ["切り取り", "1/1", "帳票番号"].iter().any(|mark| line.contains(mark));
            assert!(own || line.chars().all(|c| all.contains(c)), "{code}: {line}");
        }
        assert!(!all_words(&japanese).contains("Cardiology"));
    }
}

#[test]
fn the_slip_and_the_bill_stay_one_page_and_the_hospitals_half_is_whole() {
    for (code, pages) in [("F01", 1), ("F16", 1), ("F06", 2)] {
        let sheet = in_language(code, "en");
        let pdf = print(&sheet);
        assert_eq!(pdf.pages, pages, "{code}");
        let strip = sheet.strip.unwrap();
        let (_, part) = all_words(&pdf)
            .split_once("病院用控え")
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .unwrap();
        for words in [&strip.name, &strip.birth, &strip.id] {
            assert!(part.contains(&squeeze(words)), "{code} lacks {words}");
        }
    }
    let second = words(&print(&in_language("F06", "en")), 2);
    assert!(
        second.contains("病院用控え") && second.contains("1枚目だけ") && second.contains("事後入力"),
        "{second}"
    );
}

#[test]
fn nothing_a_patient_reads_in_the_second_language_is_smaller_than_nine_points() {
    for code in ["F01", "F06", "F16"] {
        let boxes = tool(
            &print(&in_language(code, "en")),
            "poppler-utils",
            &["pdftotext", "-bbox", "{}", "-"],
        );
        let boxes = String::from_utf8(boxes).unwrap();
        let mut seen = 0;
        for line in boxes.lines().filter(|line| line.contains("<word")) {
            let word = line
                .split('>')
                .nth(1)
                .unwrap_or_default()
                .split('<')
                .next()
                .unwrap_or_default();
            let english = word.chars().all(|c| c.is_ascii_alphabetic() || ".,".contains(c)) && word.len() > 3;
            if !english || word == "epoch" {
                continue;
            }
            let value = |key: &str| -> f64 {
                let rest = line.split(&format!("{key}=\"")).nth(1).unwrap();
                rest.split('"').next().unwrap().parse().unwrap()
            };
            // The box of a word is as high as its size.
            assert!(value("yMax") - value("yMin") >= 8.9, "{code}: {line}");
            seen += 1;
        }
        assert!(seen > 20, "{code}: {seen}");
    }
}

#[test]
fn a_time_not_yet_fixed_is_said_in_both() {
    let mut sheet = in_language("F06", "en");
    sheet.body["when"] = json!(null);
    sheet.body["later"] = json!({"period": "2026年12月14日（月）の週", "phone": null, "week": "2026-12-14"});
    let all = all_words(&print(&sheet));
    for expected in ["日時は後日お電話します", "Wewilltelephoneyou", "Weekof14Dec2026(Mon)"] {
        assert!(all.contains(expected), "{expected}: {all}");
    }
}

#[test]
fn another_language_is_a_file_and_what_it_lacks_is_english_and_said() {
    let directory = words_file(
        "vi.toml",
        "name = \"Tiếng Việt\"\ndate = \"{weekday}, {day} {month} {year}\"\n\
         months = [\"thg 1\",\"thg 2\",\"thg 3\",\"thg 4\",\"thg 5\",\"thg 6\",\"thg 7\",\"thg 8\",\"thg 9\",\"thg 10\",\"thg 11\",\"thg 12\"]\n\
         weekdays = [\"T2\",\"T3\",\"T4\",\"T5\",\"T6\",\"T7\",\"CN\"]\n\
         [words]\nreception-number = \"Số tiếp nhận\"\nto-change = \"😀\"\nno-such = \"x\"\n\
         [texts]\n\"循環器内科\" = \"Khoa tim mạch\"\n",
    );
    let (press, complaints) = with(directory.path());
    let all = complaints.join("\n");
    for expected in [
        "words/vi.toml: ありません",
        "go-to",
        "書体にない文字があります: to-change",
        "知らない名前です: no-such",
        "英語で印刷",
    ] {
        assert!(all.contains(expected), "{expected}: {all}");
    }
    assert!(!all.contains("reception-number"), "{all}");
    let named: Vec<_> = press
        .forms()
        .languages()
        .iter()
        .map(|(code, name)| format!("{code} {name}"))
        .collect();
    assert_eq!(named, ["en English", "vi Tiếng Việt"]);
    let slip = press.sheet(&in_language("F01", "vi")).unwrap();
    let text = once(&all_words(&slip));
    assert_eq!(slip.warning, None);
    for expected in ["Sốtiếpnhận", "Khoatimmạch", "Checkedin", "2ndfloor,deskC", "受付番号"] {
        assert!(text.contains(&once(expected)), "{expected}: {text}");
    }
    let next = all_words(&press.sheet(&in_language("F06", "vi")).unwrap());
    assert!(next.contains("T6,18thg122026"), "{next}");
    assert!(next.contains("Tochange,call") && !next.contains('〓'), "{next}");
}

#[test]
fn a_date_is_never_half_in_one_language() {
    let directory = words_file(
        "vi.toml",
        "name = \"Tiếng Việt\"\nweekdays = [\"T2\",\"T3\",\"T4\",\"T5\",\"T6\",\"T7\",\"CN\"]\n",
    );
    let (press, complaints) = with(directory.path());
    assert!(complaints.join("\n").contains("months"), "{complaints:?}");
    let next = all_words(&press.sheet(&in_language("F06", "vi")).unwrap());
    assert!(next.contains("18Dec2026(Fri)"), "{next}");
}

#[test]
fn a_language_without_words_is_printed_in_english_and_said() {
    let pdf = crate::paper::press().sheet(&in_language("F01", "pt")).unwrap();
    assert!(all_words(&pdf).contains("Cardiology"));
    let warning = pdf.warning.unwrap();
    assert!(
        warning.contains("words/pt.toml") && warning.contains("英語"),
        "{warning}"
    );
}

#[test]
fn files_that_are_no_words_are_said_and_change_nothing() {
    for (name, text, expected) in [
        ("english.toml", "", "言語コード"),
        ("ja.toml", "", "言語コード"),
        ("vi.toml", "name = ", "使っていません"),
        ("vi.toml", "nome = \"x\"", "nome"),
        (
            "vi.toml",
            "[words]\ntoday = \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"",
            "切れ目のない",
        ),
        ("vi.toml", "[words]\ntoday = \"  \"", "空です"),
        ("vi.toml", "font = \"No Such Face\"", "No Such Face"),
    ] {
        let directory = words_file(name, text);
        let (press, complaints) = with(directory.path());
        let all = complaints.join("\n");
        assert!(all.contains(expected), "{name} {text}: {all}");
        let text = all_words(&press.sheet(&in_language("F01", "vi")).unwrap());
        assert!(text.contains("Yourstepstoday"), "{text}");
    }
}

#[test]
fn the_hospitals_english_is_laid_over_ours() {
    let directory = words_file(
        "en.toml",
        "[words]\ntoday = \"Please go to\"\n[texts]\n\"2階 C受付\" = \"2F, blue desk\"\n",
    );
    let (press, complaints) = with(directory.path());
    assert!(complaints.is_empty(), "{complaints:?}");
    let text = all_words(&press.sheet(&in_language("F01", "en")).unwrap());
    assert!(
        text.contains("Pleasegoto") && text.contains("2F,bluedesk") && text.contains("Cardiology"),
        "{text}"
    );
}

#[test]
fn a_sheet_in_japanese_alone_does_not_change_with_the_words_there_are() {
    let directory = words_file("vi.toml", "name = \"Tiếng Việt\"\n");
    let (press, _) = with(directory.path());
    for code in ["F01", "F02", "F06", "F16"] {
        let (ours, theirs) = (print(&sample(code)), press.sheet(&sample(code)).unwrap());
        assert!(
            picture(&ours, 1, 100).pixels == picture(&theirs, 1, 100).pixels,
            "{code}"
        );
    }
}

#[test]
fn the_words_file_has_no_word_that_no_form_prints() {
    let text = fs::read_to_string(forms_folder().join("words/en.toml")).unwrap();
    let file: toml::Table = toml::from_str(&text).unwrap();
    let forms: String = ["F01", "F06", "F16"]
        .iter()
        .map(|code| fs::read_to_string(forms_folder().join(code).join("form.typ")).unwrap())
        .collect();
    for key in file["words"].as_table().unwrap().keys() {
        assert!(forms.contains(&format!("\"{key}\"")), "{key}");
    }
}
