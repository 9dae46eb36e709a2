//! What is carried away from the program: the morning's paper with its counts, the lifeboat, and the end of both.

use std::path::Path;

use serde_json::Value;

use crate::one_day::Hospital;
use crate::program::run;

fn names(dir: &Path) -> Vec<String> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("").to_owned();
        if path.is_dir() {
            all.extend(names(&path).iter().map(|inside| format!("{name}/{inside}")));
        } else {
            all.push(name);
        }
    }
    all.sort();
    all
}

impl Hospital {
    fn print(&self, what: &[&str], code: i32) -> String {
        let config = self.config();
        let output = run(&[&["print", "-c", &config], what].concat());
        assert_eq!(output.status.code(), Some(code), "{what:?}: {output:?}");
        String::from_utf8_lossy(if code == 1 { &output.stderr } else { &output.stdout }).into_owned()
    }

    fn deeds(&self, word: &str) -> usize {
        let (config, password) = (self.config(), self.text("password"));
        let out = self.text("audit.csv");
        let _ = std::fs::remove_file(&out);
        let who = ["--user", "9101", "--password-file", &password];
        let output = run(&[&["audit", "-c", &config, "export", "--csv", &out][..], &who].concat());
        assert!(output.status.success(), "{output:?}");
        let text = std::fs::read_to_string(&out);
        text.expect("the export").matches(word).count()
    }
}

#[test]
fn packs_are_counted_and_go_with_their_epoch() {
    let hospital = Hospital::new(40);
    hospital.extract();
    let (password, dir) = (hospital.text("password"), hospital.text("packs"));
    let path = hospital.path("packs");
    let who = ["--user", "9001", "--password-file", &password];

    let pack = [&["pack", "--out", &dir, "--per-minute", "10", "--json"][..], &who].concat();
    let said: Value = serde_json::from_str(&hospital.print(&pack, 0)).expect("JSON");
    let packs = said["packs"].as_array().expect("packs");
    assert!(!packs.is_empty());
    for pack in packs {
        let (pages, sheets) = (
            pack["pages"].as_u64().unwrap_or(0),
            pack["sheets"].as_u64().unwrap_or(0),
        );
        assert!(pages >= sheets && sheets >= 2, "{pack}");
        assert_eq!(pack["minutes"], pages.div_ceil(10), "{pack}");
        assert_eq!(pack["paper"], serde_json::json!(["A4"]), "{pack}");
    }
    let contents = std::fs::read_to_string(path.join(said["contents"].as_str().expect("a name"))).expect("contents");
    let sheets: u64 = packs.iter().filter_map(|pack| pack["sheets"].as_u64()).sum();
    assert_eq!(
        contents.matches("\tF02\t").count() + contents.matches("\tF13\t").count(),
        sheets as usize
    );

    let code = packs[0]["file"]
        .as_str()
        .and_then(|file| file.split('_').nth(1))
        .expect("a code")
        .to_owned();
    let split = [
        &["pack", "--out", &dir, "--split", "--department", &code, "--json"][..],
        &who,
    ]
    .concat();
    let one: Value = serde_json::from_str(&hospital.print(&split, 0)).expect("JSON");
    assert_eq!(
        one["packs"][0]["pages"], packs[0]["pages"],
        "the same pages, sheet by sheet"
    );
    let inside: Vec<String> = names(&path).into_iter().filter(|name| name.contains('/')).collect();
    assert_eq!(
        inside.len() as u64,
        packs[0]["sheets"].as_u64().unwrap_or(0),
        "{inside:?}"
    );
    assert!(inside[0].ends_with("/001_F13.pdf"), "{inside:?}");

    let boat = [&["lifeboat", "--out", &dir, "--department", &code, "--json"][..], &who].concat();
    let boat: Value = serde_json::from_str(&hospital.print(&boat, 0)).expect("JSON");
    let boat = &boat["lifeboats"][0];
    let passphrase = boat["passphrase"].as_str().expect("shown once");
    for name in names(&path) {
        let bytes = std::fs::read(path.join(&name)).expect("read");
        let plain = passphrase.replace('-', "");
        for text in [passphrase.as_bytes(), plain.as_bytes()] {
            assert!(
                !bytes.windows(text.len()).any(|window| window == text),
                "{name} holds the passphrase"
            );
        }
    }
    assert!(hospital.deeds("書き出し") > boat["people"].as_u64().unwrap_or(0) as usize);

    shredding(&hospital, &path, &dir, &who);
}

fn shredding(hospital: &Hospital, path: &Path, dir: &str, who: &[&str]) {
    let password = hospital.text("password");
    let shred = |more: &[&str], witness: &str, code| {
        let two = ["--witness", witness, "--witness-password-file", &password];
        hospital.print(&[&["shred", dir][..], who, &two, more].concat(), code)
    };
    let all = names(path);
    assert!(shred(&["--yes"], "9001", 1).contains("別の人"));
    assert!(
        shred(&["--yes"], "1001", 0).contains("消すものはありません"),
        "the epoch is not over"
    );
    hospital.extract();
    assert!(shred(&[], "1001", 0).contains("まだ何も消していません"));
    assert_eq!(names(path), all, "nothing goes without --yes");
    let changed = all
        .iter()
        .find(|name| name.ends_with(".pdf") && !name.contains('/'))
        .expect("a PDF");
    std::fs::write(path.join(changed), "somebody wrote into it").expect("written");
    std::fs::write(path.join("own.txt"), "not ours").expect("written");
    let said = shred(&["--yes"], "1001", 3);
    assert!(
        said.contains("★ 残っています") && said.contains(changed.as_str()),
        "{said}"
    );
    let left = names(path);
    assert_eq!(
        left.len(),
        3,
        "what was changed, its list, and what is not ours: {left:?}"
    );
    assert!(
        left.contains(changed) && left.contains(&"own.txt".to_owned()),
        "{left:?}"
    );
    let log = std::fs::read_to_string(hospital.path("hub/data/log/shred.log")).expect("the log");
    assert_eq!(log.lines().count(), 3, "one line for each run: {log}");
    assert!(
        log.lines().all(|line| line.contains("9001") && line.contains("1001")),
        "{log}"
    );
    std::fs::remove_file(path.join(changed)).expect("by hand");
    assert!(shred(&["--yes"], "1001", 0).contains("消しました"));
    assert_eq!(names(path), ["own.txt"]);
    assert!(hospital.deeds("廃棄") >= 2);
}

#[test]
fn a_list_of_another_hospital_or_one_that_leads_outside_destroys_nothing() {
    let hospital = Hospital::new(20);
    hospital.extract();
    let (password, dir) = (hospital.text("password"), hospital.path("packs"));
    std::fs::create_dir(&dir).expect("made");
    let outside = hospital.path("outside.pdf");
    std::fs::write(&outside, "abc").expect("written");
    let shred = |list: &str, why: &str| {
        std::fs::write(dir.join("tomoshibi-pack-1-000000.json"), list).expect("written");
        let dir = hospital.text("packs");
        let who = ["--user", "9001", "--password-file", &password];
        let two = [
            "--witness",
            "1001",
            "--witness-password-file",
            &password,
            "--all",
            "--yes",
        ];
        let said = hospital.print(&[&["shred", &dir][..], &who, &two].concat(), 1);
        assert!(said.contains("何も消していません") && said.contains(why), "{said}");
        assert!(outside.exists());
    };
    let list = |hospital: &str, name: &str| {
        format!(
            "{{\"format\":1,\"hospital\":\"{hospital}\",\"kind\":\"paper\",\"epoch\":1,\"day\":\"2026-11-28\",\"made\":\"\",\"files\":[{{\"name\":\"{name}\",\"bytes\":3,\"sha256\":\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\",\"pages\":1}}]}}"
        )
    };
    shred(&list("00", "a.pdf"), "ほかの病院");
    shred(&list("00", "../outside.pdf"), "目録の外");
    shred("{", "読めません");
}
