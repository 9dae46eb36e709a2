//! A notebook sheet goes round: prescribed, printed with its symbols, the page as a picture, read into another patient's screen (stopped, both identities
//! in sight) and into the right one (beside the chart, never in it).

use std::path::Path;
use std::process::Command;

use crate::browser::{Browser, Page};
use crate::one_day::{Hospital, PASSWORD, mode, wait};
use crate::program::Serving;

const DRUG: &str = "架空確認錠５ｍｇ";

/// The first page of a PDF as PNG at 200 dpi.
fn picture(pdf: &[u8], at: &Path) -> Vec<u8> {
    std::fs::write(at, pdf).expect("written");
    let done = Command::new("pdftoppm")
        .args(["-gray", "-png", "-r", "200", "-singlefile"])
        .args([at, &at.with_extension("")])
        .status();
    assert!(
        done.expect("pdftoppm is needed: apt-get install poppler-utils")
            .success()
    );
    std::fs::read(at.with_extension("png")).expect("the picture")
}

fn name(page: &Page) -> String {
    let text = page.text();
    let name = text.split("<p class=\"name\">").nth(1).expect("a banner");
    name.split('<').next().unwrap_or("").to_owned()
}

/// Charts whose patient has a sex and a birth date and no mark beside the name, so that symbols can be made.
fn charts(browser: &mut Browser) -> Vec<(String, String)> {
    let mut out: Vec<(String, String)> = Vec::new();
    for link in browser.get("/patients").links("/p/") {
        let page = browser.get(&link);
        let text = page.text();
        let banner = text
            .split("<div class=\"banner")
            .nth(1)
            .unwrap_or("")
            .split("</dl>")
            .next()
            .unwrap_or("")
            .to_owned();
        let plain = (banner.contains("男性") || banner.contains("女性")) && !banner.contains("class=\"flag\"");
        if plain && banner.contains("日（") && !out.iter().any(|(_, known)| *known == name(&page)) {
            out.push((link, name(&page)));
        }
        if out.len() == 2 {
            break;
        }
    }
    assert_eq!(out.len(), 2, "two plain patients");
    out
}

#[test]
fn what_was_handed_out_is_read_back_beside_the_right_chart_only() {
    let mut hospital = Hospital::new(60);
    let config = hospital.config();
    let mut text = std::fs::read_to_string(&config).expect("read");
    for (key, value) in [
        ("prefecture", "13"),
        ("code", "9876543"),
        ("address", "架空県架空市１－１"),
        ("phone", "000-0000-1100"),
    ] {
        text = text.replacen(&format!("\n{key} = \"\""), &format!("\n{key} = \"{value}\""), 1);
    }
    std::fs::write(&config, text).expect("written");
    hospital.extract();
    let serving = Serving::start(Path::new(&config));
    hospital.stop_ehr();
    let mut browser = Browser::signed_in(&serving.base, "2001", PASSWORD);
    wait("the EHR is silent", || Some(mode(&mut browser) == "silent"));
    let people = charts(&mut browser);
    let ((chart, patient), (other_chart, other)) = (&people[0], &people[1]);
    // The standard parts a name by a space of half the width.
    let written = patient.replace('\u{3000}', " ");

    let rx = format!("{chart}/rx");
    let page = browser.get(&rx);
    let once = page.form(&rx).get("once").cloned().unwrap_or_default();
    let issued = browser.post(
        &rx,
        &[
            ("once", &once),
            ("allergy", "1"),
            ("kind", "oral"),
            ("name", DRUG),
            ("amount", "1"),
            ("unit", "錠"),
            ("usage", "1日1回 朝食後"),
            ("supply", "14"),
            ("given", "out"),
            ("notebook", "1"),
        ],
    );
    let papers = issued.links("/print/");
    assert_eq!(
        papers.len(),
        2,
        "the prescription and the sheet for the notebook: {}",
        issued.text()
    );
    let sheet = browser.get(&papers[1]);
    let picture = picture(&sheet.body, &hospital.path("sheet.pdf"));

    let notebook = format!("{other_chart}/notebook");
    let read = browser.upload(&format!("{notebook}/pictures"), &picture);
    let said = read.text();
    assert!(said.contains(DRUG) && said.contains("不一致"), "{said}");
    assert!(
        said.contains(other.as_str()) && said.contains(&written),
        "both identities"
    );
    let keep = format!("{notebook}/keep");
    let refused = browser.submit(&read, &keep, &[]).text();
    assert!(refused.contains("手帳の名義が画面の患者さんと一致しません") && refused.contains(&written));
    assert!(!browser.get(other_chart).text().contains("お薬手帳（読み取り）"));

    let notebook = format!("{chart}/notebook");
    let read = browser.upload(&format!("{notebook}/pictures"), &picture);
    assert!(!read.text().contains("不一致"), "{}", read.text());
    let kept = browser.submit(&read, &format!("{notebook}/keep"), &[]).text();
    let part = |id: &str| {
        kept.split(&format!("id=\"{id}\""))
            .nth(1)
            .unwrap_or("")
            .split("</section>")
            .next()
            .unwrap_or("")
            .to_owned()
    };
    assert!(
        part("p-notebook").contains(DRUG) && part("p-notebook").contains("物語の病院"),
        "{kept}"
    );
    assert!(part("p-notebook").contains("電子カルテ停止中に発行"));
    assert!(!part("p-drugs").contains(DRUG), "never among the prescriptions");
}
