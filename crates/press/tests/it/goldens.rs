//! What the samples say, word for word, and what every page of them must say. `UPDATE=1` writes the goldens anew.

use crate::paper::{CODES, forms_folder, print, sample, squeeze, tool, words};

#[test]
fn samples_say_what_they_said() {
    let mut changed = Vec::new();
    for code in CODES {
        let text = tool(
            &print(&sample(code)),
            "poppler-utils",
            &["pdftotext", "-layout", "{}", "-"],
        );
        let text = String::from_utf8(text).unwrap();
        let golden = forms_folder().join(code).join("golden.txt");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&golden, &text).unwrap();
        } else if std::fs::read_to_string(&golden).unwrap_or_default() != text {
            changed.push(code);
        }
    }
    assert!(
        changed.is_empty(),
        "{changed:?} print other words than golden.txt; look at them, then UPDATE=1 cargo test -p press"
    );
}

#[test]
fn every_page_says_who_as_of_when_sealed_by_whom_and_which_page() {
    for code in CODES {
        let mut sheet = sample(code);
        sheet.form_id = "261120031279".to_owned();
        let pdf = print(&sheet);
        for page in 1..=pdf.pages {
            let text = words(&pdf, page);
            let strip = sheet.strip.clone().unwrap_or_default();
            let title = press_title(code);
            for words in [
                &sheet.as_of,
                &sheet.seal,
                &sheet.issued,
                &sheet.form_id,
                &sheet.title_mark,
                &sheet.hospital,
                &title,
                &strip.kana,
                &strip.name,
                &strip.birth,
                &strip.sex,
                &strip.id,
                &format!("{page}/{}", pdf.pages),
            ] {
                assert!(
                    text.contains(&squeeze(words)),
                    "{code} page {page} lacks {words:?}:\n{text}"
                );
            }
        }
    }
}

#[test]
fn a_part_torn_off_still_says_whose_it_is() {
    for code in ["F01", "F06", "F16"] {
        let sheet = sample(code);
        let (text, strip) = (words(&print(&sheet), 1), sheet.strip.unwrap());
        let (_, part) = text.split_once("病院用控え").unwrap();
        for words in [&strip.kana, &strip.name, &strip.birth, &strip.sex, &strip.id] {
            assert!(
                part.contains(&squeeze(words)),
                "the hospital's part of {code} lacks {words:?}"
            );
        }
    }
}

#[test]
fn each_row_of_a_list_carries_both_identifiers() {
    let sheet = sample("F13");
    let pdf = print(&sheet);
    let text = crate::paper::all_words(&pdf);
    for row in sheet.body["rows"].as_array().unwrap() {
        for key in ["kana", "name", "birth", "id"] {
            let words = squeeze(row[key].as_str().unwrap());
            assert!(text.contains(&words), "{words:?} is missing");
        }
    }
}

#[test]
fn twenty_eight_patients_fill_a_page_of_the_list() {
    let mut sheet = sample("F13");
    sheet.form_id = "261120031279".to_owned();
    let plain = sheet.body["rows"][0].clone();
    for (rows, pages) in [(0, 1), (1, 1), (28, 1), (29, 2), (56, 2), (57, 3)] {
        sheet.body["rows"] = vec![plain.clone(); rows].into();
        assert_eq!(print(&sheet).pages, pages, "{rows} rows");
    }
}

#[test]
fn the_same_sheet_gives_the_same_bytes() {
    let sheet = sample("F02");
    assert!(print(&sheet).bytes == print(&sheet).bytes);
}

fn press_title(code: &str) -> String {
    crate::paper::press().forms().get(code).unwrap().about.title.clone()
}
