//! A ward's paper from the export to the page: everybody in a bed is on it, in the order of the corridor, and nobody else.

use std::process::Command;

use serde_json::Value;

use crate::one_day::Hospital;
use crate::program::run;

fn text(file: &str, how: &str) -> String {
    let output = Command::new("pdftotext")
        .args([how, file, "-"])
        .output()
        .expect("pdftotext");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Rows of the export's list of inpatients: ward, room, bed, patient number.
fn beds(hospital: &Hospital) -> Vec<[String; 4]> {
    let bytes = std::fs::read(hospital.path("export/入院患者.csv")).expect("the export");
    // Codes, rooms and numbers are ASCII whatever the encoding of the rest; quoted fields come behind them.
    let text: String = bytes
        .iter()
        .map(|b| if b.is_ascii() { char::from(*b) } else { '?' })
        .collect();
    let rows = text.split("\r\n").skip(1).filter(|row| !row.is_empty());
    rows.map(|row| {
        let mut cells = row.split(',').map(str::to_owned);
        std::array::from_fn(|_| cells.next().unwrap_or_default())
    })
    .collect()
}

#[test]
fn a_ward_is_printed_whole_and_in_the_order_of_its_beds() {
    let hospital = Hospital::with_beds(20, 48);
    hospital.extract();
    let (config, password, dir) = (hospital.config(), hospital.text("password"), hospital.text("packs"));
    let who = ["--user", "9001", "--password-file", &password];
    let print = |what: &[&str], code: i32| -> String {
        let output = run(&[&["print", "-c", &config], what, &who].concat());
        assert_eq!(output.status.code(), Some(code), "{what:?}: {output:?}");
        String::from_utf8_lossy(if code == 1 { &output.stderr } else { &output.stdout }).into_owned()
    };
    let all = beds(&hospital);
    assert_eq!(all.len(), 48);
    let ward = "5E";
    let own: Vec<&[String; 4]> = all.iter().filter(|bed| bed[0] == ward).collect();
    let lying: Vec<&[String; 4]> = own.iter().copied().filter(|bed| !bed[3].is_empty()).collect();
    assert!(lying.len() >= 3, "{own:?}");

    let said = print(&["pack", "--out", &dir, "--ward", ward, "--json"], 0);
    let said: Value = serde_json::from_str(&said).expect("JSON");
    let pack = &said["packs"][0];
    assert_eq!(
        (pack["kind"].as_str(), said["packs"].as_array().map(Vec::len)),
        (Some("ward"), Some(1))
    );
    assert_eq!(pack["sheets"].as_u64(), Some(lying.len() as u64 * 2 + 1), "{pack}");
    assert_eq!(pack["spoiled"].as_array().map(Vec::len), Some(0), "{pack}");

    // Patient numbers stand on the pages as people read them.
    let shown = |id: &str| format!("{} {}", &id[..4], &id[4..]);
    let file = pack["file"].as_str().expect("a file");
    let pages = text(file, "-raw");
    let pages: Vec<&str> = pages.split('\u{c}').filter(|page| !page.trim().is_empty()).collect();
    assert_eq!(pages.len() as u64, pack["pages"].as_u64().expect("pages"));
    let list = pages[0];
    assert!(list.contains("病棟患者一覧") && list.contains("5階東"), "{list}");
    let mut from = 0;
    for bed in &own {
        let place = format!("{}-{}", bed[1], bed[2]);
        let at = list[from..]
            .find(&place)
            .map(|at| from + at)
            .unwrap_or_else(|| panic!("{place} in {list}"));
        let line = &list[at..];
        if bed[3].is_empty() {
            assert!(line[place.len()..].trim_start().starts_with("空床"), "{place}: {line}");
        } else {
            assert!(line.contains(&shown(&bed[3])), "{place} {}", bed[3]);
        }
        from = at + place.len();
    }
    // Every page of every sheet names its patient, in the order of the beds; no page names two.
    let mut order: Vec<&str> = Vec::new();
    for page in &pages[1..] {
        let found: Vec<&[String; 4]> = lying
            .iter()
            .copied()
            .filter(|bed| page.contains(&shown(&bed[3])))
            .collect();
        assert_eq!(found.len(), 1, "one patient a page: {page}");
        if order.last() != Some(&found[0][3].as_str()) {
            order.push(&found[0][3]);
        }
    }
    let expected: Vec<&str> = lying.iter().map(|bed| bed[3].as_str()).collect();
    assert_eq!(order, expected);
    for other in all.iter().filter(|bed| bed[0] != ward && !bed[3].is_empty()) {
        assert!(!pages.concat().contains(&shown(&other[3])), "somebody of another ward");
    }

    // Departments and wards together, when nothing is said.
    let said: Value = serde_json::from_str(&print(&["pack", "--out", &dir, "--json"], 0)).expect("JSON");
    let kinds: Vec<&str> = said["packs"]
        .as_array()
        .expect("packs")
        .iter()
        .filter_map(|p| p["kind"].as_str())
        .collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "ward").count(), 8, "{kinds:?}");
    assert!(kinds.contains(&"department"));
    assert!(print(&["pack", "--out", &dir, "--ward", "9Z"], 1).contains("9Z"));

    let paper = hospital.text("passphrases.pdf");
    let boat = print(
        &[
            "lifeboat",
            "--out",
            &dir,
            "--ward",
            ward,
            "--passphrase-paper",
            &paper,
            "--json",
        ],
        0,
    );
    let first = boat.lines().find(|line| line.starts_with('{')).expect("JSON");
    let boat: Value = serde_json::from_str(first).expect("JSON");
    assert_eq!(boat["lifeboats"][0]["people"].as_u64(), Some(lying.len() as u64));
    let passphrase = boat["lifeboats"][0]["passphrase"].as_str().expect("shown once");
    let page = text(&paper, "-raw");
    assert!(passphrase.split('-').all(|group| page.contains(group)), "{page}");
    let again = print(
        &["lifeboat", "--out", &dir, "--ward", ward, "--passphrase-paper", &paper],
        1,
    );
    assert!(again.contains("もうあります"), "{again}");
}
