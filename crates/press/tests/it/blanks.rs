//! Blank sheets: every form that a hand can fill is printed without a patient, says where the identity goes, and is found again by its code.

use chart::{FormId, PatientCheck, PatientStrip, Sheet, SheetCode};
use serde_json::json;

use crate::codes::read;
use crate::paper::{press, print, sample, squeeze, words};

const NUMBER: &str = "263240370009";

/// Forms without a blank version: their texts are the hospital's (F17), or they carry a secret or a finished account.
const NEVER_BLANK: [&str; 10] = [
    "F17",
    "F24",
    "F25",
    "F26",
    "F27",
    "F28",
    "F29",
    "F30",
    "F31",
    "F04-R6.10",
];

fn blank(code: &str) -> Sheet {
    let form = press().forms().get(code).unwrap();
    let required = form.about.patient_strip.is_about_a_patient();
    Sheet {
        form: code.to_owned(),
        title_mark: "停止時・手書き".into(),
        drill: false,
        reissue: false,
        strip: required.then(PatientStrip::to_write),
        as_of: "データ時点 なし（白紙の用紙）".into(),
        seal: "使わなかった用紙も捨てずに返す".into(),
        issued: "発行 2026-11-20 07:00 R03".into(),
        form_id: NUMBER.into(),
        hospital: "あかりの市立総合病院".into(),
        second: None,
        body: serde_json::from_str(form.blank.as_deref().unwrap()).unwrap(),
    }
}

#[test]
fn every_form_that_a_hand_can_fill_has_a_blank_of_one_page_with_room_for_the_identity() {
    assert!(FormId::parse(NUMBER).is_some());
    for form in press().forms().iter() {
        let code = form.about.code.as_str();
        assert_eq!(form.blank.is_none(), NEVER_BLANK.contains(&code), "{code}");
        if form.blank.is_none() {
            continue;
        }
        let sheet = blank(code);
        let pdf = print(&sheet);
        if let Ok(folder) = std::env::var("KEEP_BLANKS") {
            std::fs::write(format!("{folder}/{code}.pdf"), &pdf.bytes).unwrap();
        }
        assert_eq!(pdf.pages, 1, "{code}");
        let text = words(&pdf, 1);
        for expected in ["停止時・手書き", "データ時点なし", NUMBER, "1/1"] {
            assert!(text.contains(&squeeze(expected)), "{code}: {expected}: {text}");
        }
        if sheet.strip.is_some() || code == "F22" {
            for expected in ["氏名", "男", "女", "年", "月", "日", "患者番号"] {
                assert!(text.contains(expected), "{code}: {expected}: {text}");
            }
        }
        for never in ["登録なし", "未確認（記録なし）", "none", "取得できず"] {
            assert!(!text.contains(never), "{code} claims 「{never}」: {text}");
        }
        let expected = SheetCode {
            form: code.to_owned(),
            form_id: FormId::parse(NUMBER).unwrap(),
            page: 1,
            pages: 1,
            patient: PatientCheck::NOBODY,
        };
        let found = read(&pdf, 1, 200);
        let qr = format!("QR-Code:{}", expected.text().unwrap());
        assert!(
            found.contains(&qr) && found.contains(&format!("CODE-128:{NUMBER}")),
            "{code}: {found:?}"
        );
        assert_eq!(
            found.iter().filter(|code| code.starts_with("CODE-128")).count(),
            1,
            "{code}: nobody's number"
        );
    }
}

#[test]
fn a_blank_sheet_that_names_somebody_or_has_no_number_is_refused() {
    let mut nameless = blank("F02");
    nameless.form_id.clear();
    let error = press().sheet(&nameless).unwrap_err().to_string();
    assert!(error.contains("no number"), "{error}");
    let mut named = blank("F02");
    named.strip.as_mut().unwrap().name = "山田　花子".into();
    let error = press().sheet(&named).unwrap_err().to_string();
    assert!(error.contains("names a patient"), "{error}");
    // Leaving the identity out of an ordinary sheet is no way to a blank one.
    let mut empty = sample("F02");
    empty.strip = Some(PatientStrip::default());
    assert!(press().sheet(&empty).is_err());
}

#[test]
fn a_body_with_nothing_in_it_stands_in_the_frame_of_a_blank_all_the_same() {
    // A form of a hospital's own that looks every key up with `get` needs no blank.json of ours: the placeholder says so where it does not.
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path().join("X01");
    std::fs::create_dir(&folder).unwrap();
    let toml = "code = \"X01\"\ntitle = \"紹介状\"\nversion = \"1\"\npaper = \"A5\"\n";
    let typ = "#import \"/parts.typ\": *\n#let body(sheet) = { allergy-box(get(sheet.body, \"allergy\", default: (state: \"blank\"))); or-line(get(sheet.body, \"to\")) }";
    std::fs::write(folder.join("form.toml"), toml).unwrap();
    std::fs::write(folder.join("form.typ"), typ).unwrap();
    std::fs::write(folder.join("blank.json"), "{}").unwrap();
    let (forms, complaints) = press::Forms::with_directory(directory.path()).unwrap();
    assert!(complaints.is_empty(), "{complaints:?}");
    assert_eq!(forms.get("X01").unwrap().blank.as_deref(), Some("{}"));
    let press = press::Press::new(forms, std::num::NonZeroUsize::MIN).unwrap();
    let sheet = Sheet {
        form: "X01".into(),
        body: json!({}),
        ..blank("F02")
    };
    let pdf = press.sheet(&sheet).unwrap();
    assert_eq!((pdf.pages, pdf.instead), (1, None));
}
