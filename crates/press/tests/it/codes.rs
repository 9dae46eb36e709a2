//! Codes as a cheap scanner sees them: one bit a pixel.

use chart::{FormId, PatientCheck, SheetCode};

use crate::paper::{CODES, print, sample, tool, words};

/// Every code on a page at this resolution, `QR-Code:…` or `CODE-128:…`, sorted.
pub fn read(pdf: &press::Pdf, page: usize, dpi: u32) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let (page, dpi, stem) = (page.to_string(), dpi.to_string(), folder.path().join("page"));
    let stem = stem.to_str().unwrap();
    tool(
        pdf,
        "poppler-utils",
        &[
            "pdftoppm",
            "-r",
            &dpi,
            "-mono",
            "-f",
            &page,
            "-l",
            &page,
            "-singlefile",
            "{}",
            stem,
        ],
    );
    let picture = format!("{stem}.pbm");
    let read = tool(
        pdf,
        "zbar-tools",
        &[
            "zbarimg",
            "-q",
            "-Sdisable",
            "-Scode128.enable",
            "-Sqrcode.enable",
            &picture,
        ],
    );
    let mut codes: Vec<String> = String::from_utf8(read).unwrap().lines().map(str::to_owned).collect();
    codes.sort();
    codes
}

#[test]
fn every_code_of_every_form_is_read_back_from_one_bit() {
    for code in CODES {
        let mut sheet = sample(code);
        sheet.form_id = "261120031279".to_owned();
        let pdf = print(&sheet);
        let patient = sheet.strip.map(|strip| strip.id_code).unwrap_or_default();
        for page in 1..=pdf.pages {
            let qr = SheetCode {
                form: code.split('-').next().unwrap().to_owned(),
                form_id: FormId::parse(&sheet.form_id).unwrap(),
                page: u8::try_from(page).unwrap(),
                pages: u8::try_from(pdf.pages).unwrap(),
                patient: PatientCheck::of(&patient),
            };
            let found = read(&pdf, page, 200);
            let count = |text: String| found.iter().filter(|code| **code == text).count();
            let copies = match code {
                "F01" | "F02" | "F03" | "F06" => 2,
                // The codes to scan there are the secret, or the declaration.
                "F24" | "F25" | "F26" | "F29" | "F31" => 0,
                _ => 1,
            };
            assert_eq!(
                count(format!("QR-Code:{}", qr.text().unwrap())),
                copies,
                "{code} page {page}: {found:?}"
            );
            assert_eq!(
                count(format!("CODE-128:{}", sheet.form_id)),
                1,
                "{code} page {page}: {found:?}"
            );
            if !patient.is_empty() {
                assert!(
                    count(format!("CODE-128:{patient}")) >= 1,
                    "{code} page {page}: {found:?}"
                );
            }
        }
    }
}

#[test]
fn bar_codes_hold_at_150_and_300_dpi() {
    let sheet = sample("F01");
    let pdf = print(&sheet);
    for dpi in [150, 300] {
        let found = read(&pdf, 1, dpi);
        for expected in [
            "CODE-128:00123456",
            "CODE-128:261120031279",
            "QR-Code:T12611200312790101KJKNF011",
        ] {
            assert!(found.iter().any(|code| code == expected), "{dpi} dpi: {found:?}");
        }
    }
}

#[test]
fn a_sheet_without_a_number_has_no_code_and_says_so() {
    let (mut list, mut slip) = (sample("F13"), sample("F01"));
    list.form_id.clear();
    slip.form_id.clear();
    let pdf = print(&list);
    assert!(!words(&pdf, 1).contains("帳票番号"));
    let pdf = print(&slip);
    assert!(words(&pdf, 1).contains("帳票番号なし"));
    assert_eq!(read(&pdf, 1, 200), ["CODE-128:00123456"]);
}

#[test]
fn the_codes_of_badges_envelopes_and_shares_are_read_back_and_are_the_only_ones_of_their_kind() {
    let cards = sample("F24").body["cards"].as_array().unwrap().clone();
    let texts = |key: &str, of: &[serde_json::Value]| -> Vec<String> {
        of.iter()
            .map(|c| format!("QR-Code:{}", c[key].as_str().unwrap()))
            .collect()
    };
    for (code, page, mut expected) in [
        ("F24", 1, texts("digits", &cards[..3])),
        ("F24", 2, texts("digits", &cards[3..])),
        ("F25", 1, texts("digits", &[sample("F25").body])),
        ("F26", 1, texts("digits", &[sample("F26").body])),
    ] {
        let found = read(&print(&sample(code)), page, 200);
        let mut codes: Vec<String> = found.iter().filter(|c| c.starts_with("QR-Code:")).cloned().collect();
        codes.sort();
        expected.sort();
        assert_eq!(codes, expected, "{code} page {page}");
        let serial = format!("CODE-128:{}", sample(code).body["serial"].as_str().unwrap_or_default());
        assert_eq!(code == "F25", found.contains(&serial), "{code}: {found:?}");
    }
}
