//! A hospital's mark, sentences and added forms: in force without a build, and never in the way of a sheet.

use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;

use chart::{FormId, PatientCheck, SheetCode};
use press::{Forms, Press, PressError};

use crate::codes::read;
use crate::paper::{all_words, forms_folder, picture, print, sample, words};

const MARK: &str = "<svg xmlns='http://www.w3.org/2000/svg' width='30' height='10'><path d='M0 0h30v10H0z'/></svg>";

fn with(directory: &Path) -> (Press, Vec<String>) {
    let (forms, complaints) = Forms::with_directory(directory).unwrap();
    let complaints = complaints.iter().map(PressError::to_string).collect();
    (Press::new(forms, NonZeroUsize::MIN).unwrap(), complaints)
}

fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    directory
}

#[test]
fn the_mark_stands_in_the_head_of_what_patients_take_home_and_nowhere_else() {
    let place = directory(&[("logo.svg", MARK)]);
    let (press, complaints) = with(place.path());
    assert!(complaints.is_empty(), "{complaints:?}");
    assert_eq!(press.forms().extras(), ["logo"]);
    for code in ["F01", "F06", "F14", "F16", "F02", "F04", "F07"] {
        let (plain, marked) = (print(&sample(code)), press.sheet(&sample(code)).unwrap());
        assert_eq!(marked.instead, None, "{code}");
        let (plain, marked) = (picture(&plain, 1, 100), picture(&marked, 1, 100));
        let differing: Vec<usize> = (0..plain.pixels.len())
            .filter(|i| plain.pixels[*i] != marked.pixels[*i])
            .collect();
        let patients = matches!(code, "F01" | "F06" | "F14" | "F16");
        assert_eq!(!differing.is_empty(), patients, "{code}");
        // Only the title row changes: nothing below it moves.
        let lowest = differing.iter().map(|i| i / plain.width).max().unwrap_or(0);
        assert!(lowest < 60, "{code}: row {lowest}");
    }
}

#[test]
fn a_mark_that_cannot_be_drawn_costs_no_sheet() {
    let place = directory(&[("logo.svg", "<svg xmlns='http://www.w3.org/2000/svg'><path d='")]);
    let (press, _) = with(place.path());
    let pdf = press.sheet(&sample("F01")).unwrap();
    assert!(pdf.instead.is_some() && words(&pdf, 1).contains("本日の流れ"));
    let place = directory(&[("logo.png", "no picture")]);
    let (press, complaints) = with(place.path());
    assert!(complaints.join("").contains("logo.png"), "{complaints:?}");
    assert_eq!(press.sheet(&sample("F01")).unwrap().instead, None);
}

#[test]
fn sentences_are_replaced_where_a_form_offers_it() {
    let place = directory(&[(
        "texts.toml",
        "[F01]\nnotices = [\"この紙を首から下げてください。\"]\n[F16]\nnotices = [\"お支払いは郵便でお知らせします。\"]\n",
    )]);
    let (press, complaints) = with(place.path());
    // No language has them yet, and that is said.
    assert_eq!(complaints.len(), 2, "{complaints:?}");
    assert!(
        complaints[0].contains("[texts]") && complaints[0].contains("English"),
        "{complaints:?}"
    );
    let slip = words(&press.sheet(&sample("F01")).unwrap(), 1);
    assert!(
        slip.contains("首から下げて") && !slip.contains("会計までお持ち"),
        "{slip}"
    );
    assert!(words(&press.sheet(&sample("F16")).unwrap(), 1).contains("郵便でお知らせします"));
    assert!(words(&press.sheet(&sample("F06")).unwrap(), 1).contains("この予約は仮予約です"));
}

#[test]
fn sentences_that_are_too_many_too_long_or_not_offered_are_said_and_ours_stay() {
    let long = "長".repeat(61);
    let many = ["\"あ\""; 6].join(",");
    for (text, expected) in [
        (format!("[F01]\nnotices = [\"{long}\"]"), "1–60字"),
        (format!("[F01]\nnotices = [{many}]"), "5文まで"),
        ("[F01]\nnotices = [\"\"]".to_owned(), "1–60字"),
        ("[F01]\nsteps = [\"あ\"]".to_owned(), "変えられません"),
        ("[F02]\nnotices = [\"あ\"]".to_owned(), "変えられません"),
        ("[F99]\nnotices = [\"あ\"]".to_owned(), "変えられません"),
        ("[F01]\nnotices = \"あ\"".to_owned(), "texts.toml"),
    ] {
        let place = directory(&[("texts.toml", &text)]);
        let (press, complaints) = with(place.path());
        assert!(complaints.join("\n").contains(expected), "{text}: {complaints:?}");
        assert!(
            words(&press.sheet(&sample("F01")).unwrap(), 1).contains("会計までお持ち"),
            "{text}"
        );
    }
}

/// A form of the hospital's own, as its README tells to write it.
fn h01() -> tempfile::TempDir {
    directory(&[
        (
            "H01/form.toml",
            "code = \"H01\"\ntitle = \"転倒・転落確認票\"\nversion = \"1\"\npaper = \"A5\"\npatient-strip = \"required\"\ncodes = \"two\"\nlogo = true\ntexts = [\"notices\"]\n",
        ),
        (
            "H01/form.typ",
            "#import \"/parts.typ\": *\n#import \"/second.typ\": *\n#let body(sheet) = { allergy-box(sheet.body.allergy); for notice in sheet.body.notices { bullet-with(sheet, notice) }; ruled-rest() }",
        ),
        ("logo.svg", MARK),
    ])
}

#[test]
fn a_form_of_the_hospitals_own_is_framed_numbered_and_coded_like_ours() {
    let place = h01();
    let (press, complaints) = with(place.path());
    assert!(complaints.is_empty(), "{complaints:?}");
    let added: Vec<_> = press.forms().added().map(|form| form.about.title.as_str()).collect();
    assert_eq!(added, ["転倒・転落確認票"]);
    let mut sheet = sample("F02");
    sheet.form = "H01".to_owned();
    sheet.form_id = "261120031279".to_owned();
    sheet.body["notices"] = serde_json::json!(["この紙は会計までお持ちください。"]);
    sheet.second = chart::Language::parse("en");
    let pdf = press.sheet(&sheet).unwrap();
    let text = all_words(&pdf);
    for expected in [
        "転倒・転落確認票",
        "ヤマダハナコ",
        "1951年5月12日",
        "データ時点",
        "H01第1版",
        "Pleasekeepthispaper",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    let code = SheetCode {
        form: "H01".to_owned(),
        form_id: FormId::parse(&sheet.form_id).unwrap(),
        page: 1,
        pages: 1,
        patient: PatientCheck::of("00123456"),
    };
    let found = read(&pdf, 1, 200);
    let wanted = format!("QR-Code:{}", code.text().unwrap());
    assert_eq!(found.iter().filter(|text| **text == wanted).count(), 2, "{found:?}");
}

#[test]
fn a_hospitals_form_f01_carries_its_mark_and_the_built_in_one_is_behind_both() {
    let toml = fs::read_to_string(forms_folder().join("F01/form.toml")).unwrap();
    let place = directory(&[
        ("F01/form.toml", &toml),
        ("F01/form.typ", "#let body(sheet) = [\n#sheet.body.no_such_key]"),
        ("logo.svg", MARK),
    ]);
    let (press, complaints) = with(place.path());
    assert!(complaints.is_empty(), "{complaints:?}");
    let pdf = press.sheet(&sample("F01")).unwrap();
    assert!(pdf.instead.unwrap().contains("no_such_key"));
    let pdf = press.sheet(&sample("F01")).unwrap();
    assert!(words(&pdf, 1).contains("本日の流れ"));
}
