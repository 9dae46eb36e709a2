//! Blank sets: printed with numbers of their own, written on, scanned, counted; and papers of the office from a file.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::one_day::Hospital;
use crate::program::run;

fn json(hospital: &Hospital, argv: &[&str]) -> (i32, Value, String) {
    let (config, password) = (hospital.config(), hospital.text("password"));
    let mut all = vec![argv[0], "-c", &config];
    all.extend(&argv[1..]);
    all.extend(["--password-file", &password, "--json"]);
    let output = run(&all);
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    let code = output.status.code().expect("it ends by itself");
    (
        code,
        serde_json::from_slice(&output.stdout).unwrap_or(Value::Null),
        words,
    )
}

/// One page of a PDF as PNG at 200 dpi, as a scanner writes it.
fn as_png(pdf: &Path, page: usize, to: &Path) {
    let page = page.to_string();
    let done = Command::new("pdftoppm")
        .args(["-gray", "-png", "-r", "200", "-singlefile", "-f", &page, "-l", &page])
        .args([pdf, &to.with_extension("")])
        .status();
    assert!(
        done.expect("pdftoppm is needed: apt-get install poppler-utils")
            .success()
    );
}

#[test]
fn blank_sets_are_numbered_once_come_back_and_balance_block_by_block() {
    let hospital = Hospital::new(20);
    hospital.extract();
    let paper = hospital.text("paper");
    let print = |forms: &[&str], count: &str, more: &[&str]| {
        let mut argv = vec!["print", "blank", "--user", "9001", "--out", &paper, "--count", count];
        forms.iter().for_each(|form| argv.extend(["--form", form]));
        argv.extend(more);
        json(&hospital, &argv)
    };
    let (code, refused, words) = print(&["F17"], "2", &[]);
    assert_eq!((code, refused), (1, Value::Null));
    assert!(
        words.contains("F17 に白紙はありません") && words.contains("F22"),
        "{words}"
    );
    let (code, _, words) = print(&["F04"], "2", &["--department", "no-such"]);
    assert!(
        code == 1 && words.contains("no-such は封印済みデータにありません"),
        "{words}"
    );

    let (code, first, words) = print(&["F04", "F22"], "3", &[]);
    assert_eq!(code, 0, "{words}");
    let sets = first["blanks"].as_array().expect("two sets").clone();
    let numbers = |set: &Value| -> Vec<String> {
        let list = set["numbers"].as_array().expect("numbers");
        list.iter().map(|n| n.as_str().expect("a number").to_owned()).collect()
    };
    let mut all: Vec<String> = sets.iter().flat_map(numbers).collect();
    let (_, second, _) = print(&["F04"], "2", &[]);
    all.extend(second["blanks"].as_array().expect("one set").iter().flat_map(numbers));
    let mut once = all.clone();
    once.sort();
    once.dedup();
    assert_eq!((all.len(), once.len()), (8, 8), "no number twice: {all:?}");

    // One sheet of each of the first two sets was written on and comes back; one was not used.
    let inbox = hospital.path("inbox");
    std::fs::create_dir_all(&inbox).expect("made");
    let file = |set: &Value| std::path::PathBuf::from(set["file"].as_str().expect("a path"));
    as_png(&file(&sets[0]), 2, &inbox.join("a.png"));
    as_png(&file(&sets[1]), 1, &inbox.join("b.png"));
    let inbox = hospital.text("inbox");
    let (_, scanned, words) = json(&hospital, &["scan", &inbox, "--user", "1001"]);
    assert_eq!(
        (scanned["filed"].as_u64(), scanned["missing"].as_u64()),
        (Some(2), Some(6)),
        "{scanned} {words}"
    );
    let void = numbers(&sets[0])[2].clone();
    let (code, _, words) = json(
        &hospital,
        &["scan", "--void", &void, "--reason", "余り", "--user", "1001"],
    );
    assert_eq!(code, 0, "{words}");
    let (code, account, _) = json(&hospital, &["scan", "--missing", "--user", "1001"]);
    assert_eq!(code, 3);
    let blocks = account["blocks"].as_array().expect("blocks");
    let of = |block: &Value, key: &str| block[key].as_u64().expect("a count");
    assert_eq!(blocks.len(), 1, "one station, one day: {account}");
    assert_eq!(
        ["issued", "returned", "void", "missing"].map(|key| of(&blocks[0], key)),
        [8, 2, 1, 5]
    );
    let waiting: Vec<&str> = account["unnamed"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(
        waiting,
        [numbers(&sets[0])[1].as_str(), numbers(&sets[1])[0].as_str()],
        "{account}"
    );
    // A prescription and a chart sheet say nobody's name: a person says whose they are.
    let patient = patient(&hospital);
    let argv = ["scan", "--whose", waiting[0], "--patient", &patient, "--user", "1001"];
    let (code, _, words) = json(&hospital, &argv);
    assert_eq!(code, 0, "{words}");
    let (_, account, _) = json(&hospital, &["scan", "--missing", "--user", "1001"]);
    assert_eq!(account["unnamed"].as_array().map(Vec::len), Some(1), "{account}");
    // Decided anew only with a reason.
    let (code, _, words) = json(&hospital, &argv);
    assert!(code == 1 && words.contains("--reason"), "{words}");
    let again = [&argv[..], &["--reason", "紙を読み直した"]].concat();
    let (code, _, words) = json(&hospital, &again);
    assert_eq!(code, 0, "{words}");
    // A sheet with a patient of its own is nobody else's.
    let argv = ["scan", "--whose", &void, "--patient", &patient, "--user", "1001"];
    let (code, _, words) = json(&hospital, &argv);
    assert!(code == 1 && words.contains("白紙の用紙ではありません"), "{words}");
}

/// Somebody's number, from the hospital's own export.
fn patient(hospital: &Hospital) -> String {
    let bytes = std::fs::read(hospital.path("export").join("患者基本.csv")).expect("the export");
    let line = bytes.split(|b| *b == b'\n').nth(1).expect("a patient");
    let text: String = line
        .iter()
        .take_while(|b| **b != b',')
        .map(|b| char::from(*b))
        .collect();
    text.trim_matches('"').to_owned()
}

#[test]
fn cards_and_announcements_are_printed_from_files_and_what_is_wrong_is_said_with_its_field() {
    let hospital = Hospital::new(20);
    let config = hospital.config();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/papers");
    let sheet = |file: &Path, out: &str| {
        let file = file.to_str().expect("a plain path");
        let output = run(&["print", "-c", &config, "sheet", file, "--out", out, "--drill"]);
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    for (name, pages, expected) in [("F17-reception.toml", 2, "受付責任者"), ("F19-first.toml", 1, "第1報")] {
        let out = hospital.text(&format!("{name}.pdf"));
        let (code, words) = sheet(&fixtures.join(name), &out);
        assert_eq!(code, Some(0), "{words}");
        let text = Command::new("pdftotext")
            .args(["-raw", &out, "-"])
            .output()
            .expect("pdftotext");
        let text = String::from_utf8_lossy(&text.stdout).replace(char::is_whitespace, "");
        assert!(text.contains(expected) && text.contains("訓練"), "{text}");
        assert!(text.contains(&format!("1/{pages}")), "{text}");
    }
    let good = std::fs::read_to_string(fixtures.join("F17-reception.toml")).expect("read");
    let wrong = hospital.path("wrong.toml");
    for (from, to, expected) in [
        ("phase = ", "phasse = ", "body.phase: ありません"),
        ("\"READ-DO\"", "\"READ\"", "READ-DO か DO-CONFIRM"),
        (
            "phone = \"1234\" }\nitems",
            "phone = 1234 }\nitems",
            "body.report_to.phone: 文字 ではありません",
        ),
        ("form = \"F17\"", "form = \"F02\"", "F02 はファイルからは印刷できません"),
        ("form = \"F17\"", "form = \"F99\"", "F99 はありません"),
        ("[body]", "[bodi]", "書き方が違います"),
    ] {
        let text = good.replacen(from, to, 1);
        assert_ne!(text, good, "{from}");
        std::fs::write(&wrong, text).expect("written");
        let out = hospital.text("wrong.pdf");
        let (code, words) = sheet(&wrong, &out);
        assert_eq!(code, Some(1), "{words}");
        assert!(
            words.contains("wrong.toml") && words.contains(expected),
            "{expected}: {words}"
        );
        assert!(!Path::new(&out).exists(), "nothing is printed");
    }
}
