//! Carrying by hand with the built program: a ward that no line reaches, a stick, the hub, and the receipt on the way back.

use std::path::Path;

use serde_json::Value;

use crate::one_day::{Hospital, PASSWORD};
use crate::program::{Serving, ok, run};

fn json(arguments: &[&str]) -> Value {
    serde_json::from_str(&ok(arguments)).expect("JSON")
}

fn refused(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_ward_alone_brings_its_day_to_the_hub_on_a_stick() {
    let hospital = Hospital::new(12);
    let (hub, ward, stick) = (
        hospital.config(),
        hospital.text("ward/tomoshibi.toml"),
        hospital.text("stick"),
    );
    // A hub's address that nobody answers: the line is cut from the first day.
    ok(&[
        "station",
        "new",
        "--dir",
        &hospital.text("ward"),
        "--hospital",
        "物語の病院",
        "--code",
        "W05",
        "--node",
        "5",
        "--letter",
        "E",
        "--hub",
        "http://127.0.0.1:9",
    ]);
    ok(&[
        "station",
        "-c",
        &hub,
        "add",
        "--code",
        "W05",
        "--node",
        "5",
        "--letter",
        "E",
        "--public",
        &hospital.text("ward/W05.public"),
        "--trust",
        &hospital.text("ward/data/trust.cbor"),
    ]);
    hospital.extract();
    std::fs::create_dir(&stick).expect("a stick");
    // The sealed data come to it by hand too.
    let out = json(&[
        "carry",
        "-c",
        &hub,
        "out",
        "--to",
        &stick,
        "--for",
        "W05",
        "--with-snapshot",
        "--json",
    ]);
    assert_eq!(out["verified"], true);
    let taken = json(&["carry", "-c", &ward, "in", "--from", &stick, "--json"]);
    assert!(
        taken["snapshot"].as_u64().is_some() && taken["receipt"] == true,
        "{taken}"
    );

    // Somebody works there, while it runs.
    let serving = Serving::start(Path::new(&ward));
    let mut nurse = crate::browser::Browser::signed_in(&serving.base, "2001", PASSWORD);
    let page = nurse.get("/carry");
    assert_eq!(page.status, 200, "{}", page.text());
    let said = refused(&["carry", "-c", &ward, "in", "--from", &stick]);
    assert!(said.contains("/carry"), "one program at a time writes: {said}");
    let page = nurse.get("/declare");
    let declared = nurse.submit(&page, "/declare", &[("reason", "1"), ("text", "網が切れた")]);
    assert_eq!(declared.status, 200, "{}", declared.text());
    // Writing works beside the running station.
    let out = json(&["carry", "-c", &ward, "out", "--to", &stick, "--json"]);
    assert!(out["records"].as_u64() > Some(1), "{out}");
    serving.kill();

    let taken = json(&["carry", "-c", &hub, "in", "--from", &stick, "--json"]);
    assert_eq!(taken["from"], "W05");
    assert_eq!(taken["new"], out["records"]);
    assert_eq!(
        json(&["carry", "-c", &hub, "in", "--from", &stick, "--no-receipt", "--json"])["from"],
        "H01",
        "its own answer lies there now"
    );
    let back = json(&["carry", "-c", &ward, "in", "--from", &stick, "--no-receipt", "--json"]);
    assert_eq!(back["confirmed"], 1, "{back}");
    let listed = ok(&["carry", "-c", &ward, "list"]);
    assert!(listed.contains("端末 H01 にもあります"), "{listed}");

    // What is no pack is said, and what lay there stays.
    std::fs::write(Path::new(&stick).join("TOMOSHIBI.PACK"), "holiday").expect("written");
    assert!(refused(&["carry", "-c", &ward, "in", "--from", &stick]).contains("何も受け取っていません"));
    assert!(refused(&["carry", "-c", &ward, "out", "--to", &stick]).contains("--replace"));
    ok(&["carry", "-c", &ward, "out", "--to", &stick, "--replace"]);
}
