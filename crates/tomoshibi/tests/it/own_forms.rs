//! A hospital's own form from its directory to the archive: offered at the desk, numbered, printed, scanned, filed; doctor says what is in force.

use std::path::Path;

use serde_json::Value;

use crate::browser::Browser;
use crate::one_day::{Hospital, PASSWORD, first_person, silent};
use crate::program::{Serving, run};

fn write(hospital: &Hospital, name: &str, text: &str) {
    let path = hospital.path("hub/forms").join(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    std::fs::write(path, text).expect("written");
}

fn doctor(hospital: &Hospital) -> Value {
    let output = run(&["doctor", "-c", &hospital.config(), "--json"]);
    let all: Value = serde_json::from_slice(&output.stdout).expect("checks");
    let checks = all["checks"].as_array().expect("a list");
    checks
        .iter()
        .find(|check| check["what"] == "病院の帳票")
        .cloned()
        .expect("the check")
}

#[test]
fn a_form_of_the_hospitals_own_goes_the_whole_way() {
    let mut hospital = Hospital::new(60);
    let config = hospital.config();
    let text = std::fs::read_to_string(&config).expect("read");
    std::fs::write(&config, text + "\n[forms]\ndir = \"forms\"\n").expect("written");
    write(
        &hospital,
        "H01/form.toml",
        "code = \"H01\"\ntitle = \"転倒・転落確認票\"\nversion = \"1\"\npaper = \"A5\"\npatient-strip = \"required\"\ncodes = \"two\"\nlogo = true\n",
    );
    write(
        &hospital,
        "H01/form.typ",
        "#import \"/parts.typ\": *\n#let body(sheet) = { allergy-box(sheet.body.allergy); ruled-rest() }",
    );
    write(
        &hospital,
        "logo.svg",
        "<svg xmlns='http://www.w3.org/2000/svg' width='30' height='10'><path d='M0 0h30v10H0z'/></svg>",
    );
    write(
        &hospital,
        "words/vi.toml",
        "name = \"Tiếng Việt\"\n[words]\ntoday = \"Hôm nay\"\n",
    );

    // Without a sample it cannot be tried, and the language is not whole: both are said.
    let check = doctor(&hospital);
    let found = check["found"].as_str().expect("words").to_owned();
    for words in [
        "追加 H01",
        "logo",
        "vi Tiếng Việt",
        "H01: sample.json がない",
        "words/vi.toml: ありません",
    ] {
        assert!(found.contains(words), "{words}: {found}");
    }
    assert_eq!(check["ok"], false);
    // A sample of another form will do; a broken form then is said with its line.
    let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/../../forms/F02/sample.json");
    write(
        &hospital,
        "H01/sample.json",
        &std::fs::read_to_string(sample).expect("read"),
    );
    std::fs::remove_dir_all(hospital.path("hub/forms/words")).expect("removed");
    let check = doctor(&hospital);
    assert_eq!(check["ok"], true, "{check}");
    write(&hospital, "F05/form.toml", &form_toml("F05"));
    write(
        &hospital,
        "F05/form.typ",
        "#let body(sheet) = [\n#sheet.body.no_such_key]",
    );
    let check = doctor(&hospital);
    let found = check["found"].as_str().expect("words").to_owned();
    assert!(
        found.contains("置き換え F05") && found.contains("form.typ line 2") && found.contains("内蔵の帳票で印刷"),
        "{found}"
    );

    hospital.extract();
    let hub = Serving::start(Path::new(&config));
    silent(&mut hospital, &hub);
    let mut physician = Browser::signed_in(&hub.base, "2001", PASSWORD);
    let chart = first_person(&mut physician);
    let menu = physician.get(&format!("{chart}/print"));
    assert!(menu.text().contains("転倒・転落確認票"), "{}", menu.text());
    let page = physician.submit(&menu, "/print/own", &[("form", "H01")]);
    assert_eq!(page.status, 200, "{}", page.text());
    let href = page.links("/print/").into_iter().next().expect("the sheet");
    let pdf = physician.get(&href);
    assert!(pdf.body.starts_with(b"%PDF"));
    let inbox = hospital.path("inbox");
    std::fs::create_dir_all(&inbox).expect("made");
    std::fs::write(inbox.join("h01.pdf"), &pdf.body).expect("written");
    drop(hub);

    let (password, inbox) = (hospital.text("password"), hospital.text("inbox"));
    let output = run(&[
        "scan",
        "-c",
        &config,
        "--user",
        "1001",
        "--password-file",
        &password,
        "--json",
        &inbox,
    ]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    assert_eq!(
        (report["filed"].as_u64(), report["unread"].as_array().map(Vec::len)),
        (Some(1), Some(0)),
        "{report}"
    );
    // Who printed it stands in the audit log.
    let output = run(&[
        "export",
        "-c",
        &config,
        "--csv",
        &hospital.text("out"),
        "--user",
        "9001",
        "--password-file",
        &password,
        "--json",
    ]);
    assert!(matches!(output.status.code(), Some(0 | 3)), "{output:?}");
}

fn form_toml(code: &str) -> String {
    let path = format!("{}/../../forms/{code}/form.toml", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).expect("read")
}
