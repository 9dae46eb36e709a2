//! The end of a station, and people who come for hours: real files, the real program.

use std::fs;
use std::path::{Path, PathBuf};

use crate::program::{Serving, ok, run};

const PASSWORD: &str = "correct horse battery staple";

struct Hub {
    dir: tempfile::TempDir,
}

impl Hub {
    /// A hub with two users and one sealed snapshot.
    fn new() -> Self {
        let hub = Self {
            dir: tempfile::tempdir().expect("a directory"),
        };
        fs::write(hub.path("password"), PASSWORD).expect("written");
        ok(&[
            "synth",
            "--patients",
            "30",
            "--date",
            "today",
            "--seed",
            "7",
            "--out",
            &hub.text("export"),
        ]);
        ok(&[
            "init",
            "--dir",
            &hub.text("hub"),
            "--hospital",
            "物語の病院",
            "--user",
            "9001",
            "--name",
            "灯山　明",
            "--password-file",
            &hub.text("password"),
            "--privacy-user",
            "9101",
            "--privacy-name",
            "守山　望",
            "--privacy-password-file",
            &hub.text("password"),
        ]);
        let mapping = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/hospital/a/mapping.toml");
        fs::copy(mapping, hub.path("hub/mapping.toml")).expect("copied");
        let config = fs::read_to_string(hub.config()).expect("read");
        let extract = "\n[extract]\ndir = \"../export\"\nmapping = \"mapping.toml\"\n";
        fs::write(hub.config(), config + extract).expect("written");
        hub.user("1001", "立会　花子", "reception");
        hub.user("8001", "監査　桜", "auditor");
        hub.extract();
        hub
    }

    fn user(&self, number: &str, name: &str, role: &str) {
        ok(&[
            "user",
            "-c",
            &self.config(),
            "add",
            "--number",
            number,
            "--name",
            name,
            "--role",
            role,
            "--by",
            if role == "auditor" { "9101" } else { "9001" },
            "--password-file",
            &self.text("password"),
            "--new-password-file",
            &self.text("password"),
        ]);
    }

    fn extract(&self) {
        let output = run(&[
            "extract",
            "-c",
            &self.config(),
            "--day",
            "today",
            "--no-packs",
            "--json",
        ]);
        assert!(matches!(output.status.code(), Some(0 | 3)), "{output:?}");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().expect("a plain path").to_owned()
    }

    fn config(&self) -> String {
        self.text("hub/tomoshibi.toml")
    }

    fn dispose(&self, more: &[&str]) -> std::process::Output {
        let config = self.config();
        let fixed = [
            "dispose",
            "-c",
            &config,
            "--serial",
            "PF3XK201",
            "--model",
            "架空ノート",
            "--method",
            "粉砕",
            "--by",
            "9001",
        ];
        run(&[&fixed[..], more].concat())
    }

    fn certificate(&self) -> serde_json::Value {
        serde_json::from_slice(&fs::read(self.path("hub/disposal-PF3XK201.json")).expect("a certificate"))
            .expect("JSON")
    }

    fn opens(&self) -> bool {
        let password = self.text("password");
        let arguments = [
            "verify",
            "-c",
            &self.config(),
            "--user",
            "9001",
            "--password-file",
            &password,
        ];
        run(&arguments).status.success()
    }
}

fn said(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Files below a directory with their length, sorted.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![dir.to_path_buf()];
    while let Some(dir) = waiting.pop() {
        for entry in fs::read_dir(dir).expect("readable") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                waiting.push(path)
            } else {
                found.push(path)
            }
        }
    }
    found.sort();
    found
}

fn copy(from: &Path, to: &Path) {
    for file in files(from) {
        let place = to.join(file.strip_prefix(from).expect("below"));
        fs::create_dir_all(place.parent().expect("a parent")).expect("made");
        fs::copy(&file, place).expect("copied");
    }
}

#[test]
fn a_station_is_destroyed_keys_first_and_two_people_are_named() {
    let hub = Hub::new();
    let data = hub.path("hub/data");
    assert!(hub.opens());
    let running = Serving::start(Path::new(&hub.config()));
    let refused = hub.dispose(&["--witness", "1001", "--unsent-accepted", "試験", "--yes"]);
    assert!(said(&refused).contains("動いています"), "{}", said(&refused));
    running.kill();
    let alone = hub.dispose(&["--witness", "9001", "--yes"]);
    assert!(said(&alone).contains("別の人"), "{}", said(&alone));
    let unsent = hub.dispose(&["--witness", "1001", "--yes"]);
    assert!(said(&unsent).contains("確かめられません"), "{}", said(&unsent));
    let stranger = hub.dispose(&["--witness", "7777", "--unsent-accepted", "試験", "--yes"]);
    assert!(said(&stranger).contains("7777"), "{}", said(&stranger));
    let dry = hub.dispose(&["--witness", "1001", "--unsent-accepted", "試験"]);
    assert!(
        dry.status.success() && hub.opens(),
        "nothing is destroyed without --yes"
    );
    let before = hub.path("before");
    copy(&data, &before);

    let all = ["--witness", "1001", "--unsent-accepted", "試験の病院", "--yes"];
    let done = hub.dispose(&all);
    assert!(done.status.success(), "{}", said(&done));
    assert_eq!(files(&data), Vec::<PathBuf>::new(), "nothing is left");
    assert!(!hub.opens());
    let certificate = hub.certificate();
    assert_eq!(certificate["serial"], "PF3XK201");
    assert_eq!(certificate["by"]["name"], "灯山　明");
    assert_eq!(certificate["witness"]["name"], "立会　花子");
    let steps: Vec<&str> = certificate["destroyed"]
        .as_array()
        .expect("steps")
        .iter()
        .filter_map(|step| step["what"].as_str())
        .collect();
    assert_eq!(steps.len(), 8, "{steps:?}");
    assert_eq!(steps[0], "端末の鍵", "keys first");
    assert_eq!(certificate["destroyed"][0]["files"], 2, "station and sealer");
    assert!(
        certificate["unsent"]
            .as_str()
            .is_some_and(|text| text.contains("試験の病院"))
    );
    assert!(
        fs::read(hub.path("hub/disposal-PF3XK201.pdf"))
            .expect("a paper")
            .starts_with(b"%PDF")
    );

    // The same disposal cut off after the keys: what was written down by then, and every other file as it was.
    let log = fs::read_to_string(hub.path("hub/disposal-PF3XK201.log")).expect("the log");
    let lines: Vec<&str> = log.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(lines.len(), 10, "begun, eight steps, ended");
    // The third line was cut short by the power.
    let cut = format!(
        "\n{}\n\n{}\n\n{}",
        lines[0],
        lines[1],
        lines[2].get(..12).expect("a beginning")
    );
    fs::write(hub.path("hub/disposal-PF3XK201.log"), cut).expect("written");
    fs::remove_file(hub.path("hub/disposal-PF3XK201.json")).expect("removed");
    copy(&before, &data);
    fs::remove_dir_all(data.join("keys")).expect("removed");
    assert!(
        files(&data).iter().any(|file| file.ends_with("snapshot.tmb")),
        "sealed data are still there"
    );
    assert!(!hub.opens(), "and open nothing");
    let other = hub.dispose(&["--witness", "8001", "--yes"]);
    assert!(said(&other).contains("1001"), "{}", said(&other));
    let again = hub.dispose(&["--witness", "1001", "--yes"]);
    assert!(again.status.success(), "{}", said(&again));
    assert_eq!(files(&data), Vec::<PathBuf>::new());
    let second = hub.certificate();
    {
        let (now, then) = (&second["destroyed"], &certificate["destroyed"]);
        let counts = |steps: &serde_json::Value| -> Vec<(String, String)> {
            let step = |s: &serde_json::Value| (s["what"].to_string(), s["files"].to_string());
            steps.as_array().expect("steps").iter().map(step).collect()
        };
        assert_eq!(counts(now), counts(then), "counts are those of the beginning");
    }
}

#[test]
fn journals_can_stay_and_are_then_readable_with_the_roster() {
    let hub = Hub::new();
    let data = hub.path("hub/data");
    let done = hub.dispose(&["--witness", "1001", "--keep-journal", "--yes"]);
    assert!(done.status.success(), "{}", said(&done));
    let left: Vec<String> = files(&data)
        .iter()
        .map(|file| file.strip_prefix(&data).expect("below").display().to_string())
        .collect();
    assert!(left.iter().any(|file| file == "roster.cbor"), "{left:?}");
    assert!(left.iter().any(|file| file.starts_with("audit-tools")), "{left:?}");
    assert!(
        left.iter()
            .all(|file| !file.starts_with("keys") && !file.starts_with("shelf")),
        "{left:?}"
    );
    assert_eq!(hub.certificate()["kept"].as_array().map(Vec::len), Some(2));
}

#[test]
fn maintenance_is_personal_approved_short_and_reported() {
    let hub = Hub::new();
    let (config, password) = (hub.config(), hub.text("password"));
    let open = |number: &str, name: &str, hours: &str, by: &str| {
        run(&[
            "maintenance",
            "-c",
            &config,
            "open",
            "--ticket",
            "T-2041",
            "--number",
            number,
            "--name",
            name,
            "--company",
            "架空システム",
            "--hours",
            hours,
            "--approved-by",
            by,
            "--password-file",
            &password,
            "--new-password-file",
            &password,
        ])
    };
    assert!(!open("M01", "保守太郎", "5", "9001").status.success(), "five hours");
    assert!(
        !open("M01", "保守太郎", "4", "1001").status.success(),
        "a receptionist does not approve"
    );
    let opened = open("M01", "保守太郎", "4", "9001");
    assert!(opened.status.success(), "{}", said(&opened));
    assert!(
        !open("M02", "保守次郎", "4", "M01").status.success(),
        "maintenance approves nobody"
    );
    assert!(
        !open("M01", "別の人", "4", "9001").status.success(),
        "a number is one person's"
    );
    hub.extract();
    let pack = run(&[
        "print",
        "-c",
        &config,
        "pack",
        "--user",
        "M01",
        "--password-file",
        &password,
        "--out",
        &hub.text("paper"),
    ]);
    assert!(!pack.status.success(), "no patient's paper");
    ok(&[
        "maintenance",
        "-c",
        &config,
        "close",
        "--number",
        "M01",
        "--approved-by",
        "9001",
        "--password-file",
        &password,
    ]);

    let log = run(&[
        "maintenance",
        "-c",
        &config,
        "report",
        "--day",
        &day(&hub),
        "--user",
        "9001",
        "--password-file",
        &password,
        "--out",
        &hub.text("reports"),
    ]);
    assert!(!log.status.success(), "informatics does not read the audit log");
    ok(&[
        "maintenance",
        "-c",
        &config,
        "report",
        "--day",
        &day(&hub),
        "--user",
        "8001",
        "--password-file",
        &password,
        "--out",
        &hub.text("reports"),
    ]);
    let report = hub.path(&format!("reports/maintenance-{}.json", day(&hub)));
    let report: serde_json::Value = serde_json::from_slice(&fs::read(report).expect("a report")).expect("JSON");
    assert_eq!(report["accounts"][0]["ticket"], "T-2041");
    assert_eq!(report["accounts"][0]["approvedBy"], "9001");
    assert!(report["accounts"][0]["closed"].is_string());
    assert_eq!(report["patients"].as_array().map(Vec::len), Some(0), "{report}");
    let deeds: Vec<&str> = report["records"]
        .as_array()
        .expect("records")
        .iter()
        .filter_map(|r| r["deed"].as_str())
        .collect();
    assert_eq!(deeds.iter().filter(|deed| **deed == "maintain").count(), 2, "{deeds:?}");
    assert!(deeds.contains(&"sign-in"), "the attempt to print: {deeds:?}");
    let times: Vec<&str> = report["records"]
        .as_array()
        .expect("records")
        .iter()
        .filter_map(|r| r["at"].as_str())
        .collect();
    assert!(times.is_sorted(), "{times:?}");
}

/// The day on which the account was opened, as the roster's report names it: the test may run over midnight.
fn day(hub: &Hub) -> String {
    let data = fs::metadata(hub.path("hub/data/roster.cbor"))
        .and_then(|m| m.modified())
        .expect("a time");
    let seconds = data
        .duration_since(std::time::UNIX_EPOCH)
        .expect("after 1970")
        .as_secs();
    let at = chart::Moment(i64::try_from(seconds).expect("small"));
    chart::date::iso(at.day())
}
