//! Packs that nobody asked for: made by the running hub after its own sealing, made anew with the next one, the older ones destroyed.

use serde_json::Value;

use crate::browser::Browser;
use crate::one_day::{Hospital, PASSWORD, wait};
use crate::program::{Serving, run};

fn status(hospital: &Hospital) -> Value {
    let output = run(&["print", "-c", &hospital.config(), "packs", "--json"]);
    serde_json::from_slice(&output.stdout).unwrap_or_default()
}

fn files(hospital: &Hospital) -> Vec<String> {
    let Ok(dir) = std::fs::read_dir(hospital.path("hub/data/packs")) else {
        return Vec::new();
    };
    let mut names: Vec<String> = dir
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name != "lock")
        .collect();
    names.sort();
    names
}

/// Everything inside that was compressed is looked at too.
fn holds(bytes: &[u8], words: &[&str]) -> Option<String> {
    let found = |word: &&&str| {
        let (cp932, _, _) = encoding_rs::SHIFT_JIS.encode(word);
        let utf16: Vec<u8> = word.encode_utf16().flat_map(u16::to_be_bytes).collect();
        [word.as_bytes(), &cp932, &utf16]
            .into_iter()
            .any(|text| bytes.windows(text.len()).any(|part| part == text))
    };
    words.iter().find(found).map(|word| (*word).to_owned())
}

#[test]
fn the_hub_makes_packs_after_its_own_sealing_and_destroys_the_older_ones() {
    let hospital = Hospital::with_beds(24, 4);
    // Two kinds are enough: lists are slow in a program that was not built for speed.
    let config = hospital.path("hub/tomoshibi.toml");
    let text = std::fs::read_to_string(&config).expect("read");
    std::fs::write(&config, format!("{text}\n[packs]\ndepartments = [\"01\"]\n")).expect("written");
    let hub = Serving::start(&hospital.path("hub/tomoshibi.toml"));
    // Nobody has asked: the schedule seals what is missing, and the packs follow.
    wait("packs", || Some(status(&hospital)["wrong"].as_array()?.is_empty()));
    let first = status(&hospital);
    let packs = first["packs"].as_array().expect("packs").clone();
    let kinds: Vec<&str> = packs.iter().filter_map(|pack| pack["kind"].as_str()).collect();
    assert!(kinds.contains(&"department") && kinds.contains(&"ward"), "{first}");
    for pack in &packs {
        let pages = pack["pages"].as_u64().expect("pages");
        assert!(pages >= 2 && pack["minutes"] == pages.div_ceil(30), "{pack}");
        assert_eq!(pack["released"], Value::Null, "nobody has printed it");
    }
    let epoch = first["epoch"].as_u64().expect("an epoch");
    let before = files(&hospital);
    assert!(
        before.iter().all(|name| name.starts_with(&epoch.to_string())),
        "{before:?}"
    );

    let export = std::fs::read_dir(hospital.path("export")).expect("the export");
    let mut files_of_patients = export.filter_map(|entry| Some(entry.ok()?.path()));
    let file = files_of_patients.find(|path| path.to_string_lossy().contains("患者"));
    let bytes = std::fs::read(file.expect("a file of patients")).expect("read");
    let (patients, _, _) = encoding_rs::SHIFT_JIS.decode(&bytes);
    let names: Vec<&str> = patients
        .lines()
        .skip(1)
        .flat_map(|line| line.split(','))
        .map(|cell| cell.trim_matches('"'))
        .filter(|cell| cell.chars().count() >= 4 && !cell.is_ascii())
        .take(200)
        .collect();
    assert!(names.len() > 20, "{names:?}");
    for name in &before {
        let bytes = std::fs::read(hospital.path("hub/data/packs").join(name)).expect("read");
        assert_eq!(holds(&bytes, &names), None, "{name} holds a name in the clear");
        assert_eq!(
            holds(&bytes, &["%PDF", "FlateDecode"]),
            None,
            "{name} holds pages in the clear"
        );
    }

    let mut browser = Browser::signed_in(&hub.base, "9001", PASSWORD);
    let list = browser.get("/packs").text();
    assert!(list.contains("できています"), "{list}");

    // A command seals: the packs follow, those of the night before are gone, and it is written down.
    let output = run(&["extract", "-c", &hospital.config(), "--day", "today", "--json"]);
    let said: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(said["packs"]["packs"], packs.len(), "{said}");
    let after = files(&hospital);
    assert!(
        after.iter().all(|name| !name.starts_with(&epoch.to_string())),
        "{after:?}"
    );
    let log = std::fs::read_to_string(hospital.path("hub/data/log/shred.log")).expect("the log");
    let line: Value = serde_json::from_str(log.lines().last().expect("a line")).expect("JSON");
    assert_eq!(
        (&line["kind"], &line["epoch"], &line["destroyed"]),
        (&"sealed-pack".into(), &epoch.into(), &packs.len().into())
    );
    wait("the newer snapshot on the screen", || {
        let list = browser.get("/packs").text();
        Some(list.contains("消したパック") && list.contains(&format!("第{epoch}号")) && list.contains("できています"))
    });

    // A pack that was cut: said, and made again with the next sealing.
    let cut = after.iter().find(|name| name.ends_with(".pack")).expect("a pack");
    let path = hospital.path("hub/data/packs").join(cut);
    let bytes = std::fs::read(&path).expect("read");
    std::fs::write(&path, &bytes[..bytes.len() / 2]).expect("written");
    let hurt = status(&hospital);
    assert!(hurt["wrong"].to_string().contains("壊れています"), "{hurt}");
    let doctor = run(&["doctor", "-c", &hospital.config()]);
    let doctor = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(doctor.contains("× 印刷パック"), "{doctor}");
    hub.kill();
}

#[test]
fn who_wants_none_gets_none_and_unknown_keys_are_refused() {
    let hospital = Hospital::new(8);
    let config = hospital.path("hub/tomoshibi.toml");
    let text = std::fs::read_to_string(&config).expect("read");
    std::fs::write(&config, format!("{text}\n[packs]\nenabled = false\n")).expect("written");
    let output = run(&["extract", "-c", &hospital.config(), "--day", "today", "--json"]);
    assert!(matches!(output.status.code(), Some(0 | 3)), "{output:?}");
    assert!(files(&hospital).is_empty(), "{:?}", files(&hospital));
    std::fs::write(&config, format!("{text}\n[packs]\nblanks = 3\n")).expect("written");
    let refused = run(&["extract", "-c", &hospital.config()]);
    assert!(
        String::from_utf8_lossy(&refused.stderr).contains("blanks"),
        "{refused:?}"
    );
}
