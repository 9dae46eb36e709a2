//! Who may act, from the list to the last key: a hospital enrols its staff from a file, somebody forgets a password, somebody
//! leaves, envelopes are made, and three of five people with a sheet of paper open everything when nobody else can.

use std::path::Path;

use serde_json::Value;

use crate::one_day::Hospital;
use crate::program::{ok, run};

fn json(arguments: &[&str]) -> Value {
    let output = run(arguments);
    assert!(matches!(output.status.code(), Some(0 | 3)), "{arguments:?}: {output:?}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn refused(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

impl Hospital {
    /// `tomoshibi <what> -c <config> … --by 9001 --password-file …`
    fn officer(&self, what: &[&str]) -> Vec<String> {
        let mut all: Vec<String> = what.iter().map(|word| (*word).to_owned()).collect();
        let with = [
            "-c",
            &self.config(),
            "--by",
            "9001",
            "--password-file",
            &self.text("password"),
        ];
        all.extend(with.iter().map(|word| (*word).to_owned()));
        all
    }
}

fn words(all: &[String]) -> Vec<&str> {
    all.iter().map(String::as_str).collect()
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).expect("a file").permissions().mode() & 0o777
}

fn verified(hospital: &Hospital, user: &str, with: &[&str]) -> bool {
    let config = hospital.config();
    let all = [&["verify", "-c", &config, "--user", user, "--json"], with].concat();
    run(&all).status.success()
}

#[test]
fn from_the_list_of_staff_to_the_last_key() {
    let hospital = Hospital::new(20);
    let (config, password) = (hospital.config(), hospital.text("password"));
    staff(&hospital, &config, &password);
    envelopes(&hospital, &config);
    recovery(&hospital, &config, &password);
    audit(&hospital, &config, &password);
}

fn staff(hospital: &Hospital, config: &str, password: &str) {
    let list = hospital.path("staff.csv");
    let (text, ..) = encoding_rs::SHIFT_JIS.encode(
        "職員番号,氏名,職種,範囲,仮パスワード\r\n3001,病棟　花,看護師,dept:01,\r\n3002,無効　太,飛行士,,\r\n3003,短絡　一,薬剤師,,short\r\n1001,重複　次,受付,,\r\n3004,指揮　長,commander,,\r\n",
    );
    std::fs::write(&list, text).expect("written");
    let (list, out) = (hospital.text("staff.csv"), hospital.text("made.csv"));
    let said = json(&words(
        &hospital.officer(&["user", "import", &list, "--out", &out, "--badge", "--json"]),
    ));
    assert_eq!(said["enrolled"], 2, "{said}");
    let bad: Vec<(u64, &str)> = said["bad"]
        .as_array()
        .expect("bad rows")
        .iter()
        .map(|row| (row["line"].as_u64().unwrap_or(0), row["field"].as_str().unwrap_or("")))
        .collect();
    assert_eq!(bad, [(3, "職種"), (4, "仮パスワード"), (5, "職員番号")], "{said}");
    assert_eq!(mode(&hospital.path("made.csv")), 0o600);

    // A password beside a badge may be short; the badge alone, or the password alone, opens nothing.
    let short = hospital.text("short");
    std::fs::write(&short, "gz7-plum-kite\n").expect("written");
    let badge = hospital.text("3101.badge");
    let add = [
        "user",
        "add",
        "--number",
        "3101",
        "--name",
        "検査　望",
        "--role",
        "検査",
        "--new-password-file",
        &short,
    ];
    refused(&words(&hospital.officer(&add)));
    ok(&words(
        &hospital.officer(&[&add[..], &["--badge", "--badge-out", &badge]].concat()),
    ));
    assert_eq!(mode(&hospital.path("3101.badge")), 0o600);
    hospital.extract();
    assert!(verified(
        hospital,
        "3101",
        &["--password-file", &short, "--badge-file", &badge]
    ));
    assert!(
        !verified(hospital, "3101", &["--password-file", &short]),
        "without the badge"
    );
    assert!(
        !verified(hospital, "9101", &["--password-file", password]),
        "a privacy officer opens no chart"
    );

    // Reset: recognised how, and the old password opens nothing of the next snapshot.
    let fresh = hospital.text("fresh");
    std::fs::write(&fresh, "umbrella lantern orchard seven\n").expect("written");
    let reset = [
        "user",
        "reset",
        "--number",
        "2001",
        "--new-password-file",
        &fresh,
        "--how",
    ];
    assert!(refused(&words(&hospital.officer(&[&reset[..], &[" "]].concat()))).contains("確かめ"));
    ok(&words(&hospital.officer(&[&reset[..], &["職員証と顔"]].concat())));
    hospital.extract();
    assert!(!verified(hospital, "2001", &["--password-file", password]));
    assert!(verified(hospital, "2001", &["--password-file", &fresh]));

    // Disabled: refused here at once, although the snapshot was sealed for them.
    ok(&words(
        &hospital.officer(&["user", "disable", "--number", "2001", "--reason", "退職"]),
    ));
    assert!(!verified(hospital, "2001", &["--password-file", &fresh]));
    // Neither the hub itself nor a station that is not there can be taken out.
    for (station, why) in [("H01", "この hub 自身"), ("X99", "名簿にない")] {
        let retire = hospital.officer(&["station", "retire", "--code", station, "--reason", "紛失"]);
        assert!(refused(&words(&retire)).contains(why));
    }
    let due = json(&["user", "-c", config, "review", "--days", "0", "--json"]);
    let numbers: Vec<&str> = due["due"]
        .as_array()
        .expect("due")
        .iter()
        .filter_map(|u| u["number"].as_str())
        .collect();
    assert!(numbers.contains(&"1001") && !numbers.contains(&"2001"), "{due}");
}

fn envelopes(hospital: &Hospital, config: &str) {
    let out = hospital.text("envelopes.json");
    ok(&words(&hospital.officer(&[
        "envelope", "make", "--count", "2", "--place", "3E", "--out", &out,
    ])));
    assert_eq!(mode(&hospital.path("envelopes.json")), 0o600);
    let made: Value = serde_json::from_slice(&std::fs::read(&out).expect("read")).expect("JSON");
    let digits = made["envelopes"][1]["digits"].as_str().expect("digits");
    assert!(digits.starts_with("9200000002") && digits.len() == 51, "{digits}");
    let serial = made["envelopes"][1]["serial"].as_str().expect("a serial");
    ok(&words(&hospital.officer(&["envelope", "seen", "--serial", serial])));
    ok(&words(
        &hospital.officer(&["envelope", "retire", "--number", "1", "--reason", "破れ"]),
    ));
    let list = json(&["envelope", "-c", config, "list", "--json"]);
    let states: Vec<&str> = list["envelopes"]
        .as_array()
        .expect("list")
        .iter()
        .filter_map(|e| e["state"].as_str())
        .collect();
    assert_eq!(states, ["retired", "sealed"]);
    // Two people: neither file holds the code.
    let central = hospital.text("central.json");
    ok(&words(&hospital.officer(&[
        "envelope",
        "make",
        "--count",
        "1",
        "--place",
        "中央",
        "--two-person",
        "--out",
        &central,
    ])));
    let halves: Vec<String> = ["central.json", "central-2.json"]
        .iter()
        .map(|file| std::fs::read_to_string(hospital.path(file)).expect("a half"))
        .collect();
    assert!(
        halves
            .iter()
            .all(|half| !half.contains("\"digits\"") && half.contains("/2\"")),
        "{halves:?}"
    );
}

fn recovery(hospital: &Hospital, config: &str, password: &str) {
    let shares = hospital.text("shares");
    let privacy = ["--privacy-user", "9101", "--privacy-password-file", password];
    let split = ["recovery", "split", "--format", "text", "--out", &shares];
    ok(&words(&hospital.officer(&[&split[..], &privacy[..]].concat())));
    hospital.extract();
    let share = |n: u8| hospital.text(&format!("shares/share-{n}.txt"));
    let open = |numbers: &[u8], more: &[&str]| {
        let mut all: Vec<String> = ["recovery", "-c", config, "open"]
            .iter()
            .map(|w| (*w).to_owned())
            .collect();
        numbers
            .iter()
            .for_each(|n| all.extend(["--share".to_owned(), share(*n)]));
        all.extend(more.iter().map(|word| (*word).to_owned()));
        all
    };
    assert!(refused(&words(&open(&[2, 4], &["--accept"]))).contains("3 枚"));
    assert!(
        refused(&words(&open(&[2, 4, 2], &["--accept"]))).contains("2 枚"),
        "the same one twice is one"
    );
    let fresh = hospital.text("fresh");
    let protocol = hospital.text("opening.json");
    let more = [
        "--accept",
        "--out",
        &protocol,
        "--enrol",
        "9002",
        "--name",
        "次田　護",
        "--new-password-file",
        &fresh,
    ];
    ok(&words(&open(&[5, 1, 3], &more)));
    let said: Value = serde_json::from_slice(&std::fs::read(&protocol).expect("read")).expect("JSON");
    assert!(
        said["opened"].as_u64() >= Some(20) && said["opened"] == said["expected"],
        "{said}"
    );
    // Who came in by the shares can do what an informatics officer does: pass the keys on.
    let third = [
        "--number",
        "9003",
        "--name",
        "三田　守",
        "--role",
        "informatics",
        "--new-password-file",
        &fresh,
    ];
    let by = ["--by", "9002", "--password-file", &fresh];
    ok(&[&["user", "-c", config, "add"][..], &third[..], &by[..]].concat());
}

fn audit(hospital: &Hospital, config: &str, password: &str) {
    let reader = ["--user", "9101", "--password-file", password, "--json"];
    let said = json(&[&["audit", "-c", config, "report"][..], &reader[..]].concat());
    let deeds: Vec<&str> = said["sightings"]
        .as_array()
        .expect("sightings")
        .iter()
        .filter_map(|s| s["deed"].as_str())
        .collect();
    for deed in [
        "grant",
        "disable",
        "reset",
        "open",
        "configure",
        "audit-read",
        "sign-in",
    ] {
        assert!(deeds.contains(&deed), "{deed} is not among {deeds:?}");
    }
    assert_eq!(said["unreadable"], 0);
    // Nobody else reads it, and a log that says too much is found out.
    refused(&[
        "audit",
        "-c",
        config,
        "report",
        "--user",
        "9001",
        "--password-file",
        password,
    ]);
    let csv = hospital.text("audit.csv");
    json(&[&["audit", "-c", config, "export", "--csv", &csv][..], &reader[..]].concat());
    assert!(std::fs::read_to_string(&csv).expect("read").contains("サインイン"));
    assert_eq!(json(&["audit", "-c", config, "verify", "--json"])["whole"], true);
    // What a ward list says holds the log to what it was.
    let lists = hospital.path("lists.txt");
    let printed = ok(&["audit", "-c", config, "checkpoint"]);
    let listed = lists.to_str().expect("a path");
    let against = ["audit", "-c", config, "verify", "--json", "--paper", listed];
    std::fs::write(&lists, format!("\n{}\n", printed.replace('A', "Ａ"))).expect("written");
    let before = json(&["audit", "-c", config, "verify", "--json"])["checkpoints"]["contained"].as_u64();
    let with_paper = json(&against);
    assert_eq!(with_paper["whole"], true);
    assert!(with_paper["checkpoints"]["contained"].as_u64() > before);
    let forged = printed
        .trim_end()
        .rsplit_once(char::is_whitespace)
        .map_or(printed.trim_end(), |(_, last)| last);
    let flipped = if forged.ends_with('0') { "1" } else { "0" };
    std::fs::write(&lists, format!("{}{flipped}\n", &forged[..forged.len() - 1])).expect("written");
    let said = json(&against);
    assert_eq!(
        (said["whole"].as_bool(), said["checkpoints"]["forged"].as_u64()),
        (Some(false), Some(1))
    );
    std::fs::write(&lists, "0123\n").expect("written");
    refused(&against);
    let tools = hospital.path("hub/data/audit-tools");
    let mut segments: Vec<_> = std::fs::read_dir(&tools)
        .expect("listed")
        .filter_map(|e| Some(e.ok()?.path()))
        .collect();
    segments.retain(|path| std::fs::metadata(path).is_ok_and(|m| m.len() > 1_000));
    segments.sort();
    let mut bytes = std::fs::read(&segments[0]).expect("a segment");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&segments[0], bytes).expect("written");
    assert_eq!(json(&["audit", "-c", config, "verify", "--json"])["whole"], false);
}

/// Audit not writable: nothing is opened, printed or written out.
#[test]
fn what_cannot_be_written_down_is_not_opened() {
    let hospital = Hospital::new(10);
    hospital.extract();
    let (config, password) = (hospital.config(), hospital.text("password"));
    assert!(verified(&hospital, "9001", &["--password-file", &password]));
    let tools = hospital.path("hub/data/audit-tools");
    std::fs::remove_dir_all(&tools).expect("removed");
    std::fs::write(&tools, "a file in the way").expect("written");
    assert!(!verified(&hospital, "9001", &["--password-file", &password]));
    let who = ["--user", "9001", "--password-file", &password];
    let (out, paper) = (hospital.text("out"), hospital.text("paper"));
    refused(&[&["export", "-c", &config, "--csv", &out][..], &who[..]].concat());
    refused(&[&["print", "-c", &config, "pack", "--out", &paper][..], &who[..]].concat());
    assert!(!hospital.path("out/entries.csv").exists());
    assert!(std::fs::read_dir(&paper).map_or(0, Iterator::count) == 0, "no paper");
}
