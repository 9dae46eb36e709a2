//! New versions with real processes: a hub that offers them, a station under its supervisor that fetches, tries, changes over and goes
//! back; and everything that must not happen.
//!
//! The versions are this program under another number: a script that says the number and hands over. Unix only: a script is a program
//! there.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::one_day::{Hospital, wait};
use crate::program::{Serving, ok, run};

/// A hub with keys for versions, and a station of it.
struct Fleet {
    hospital: Hospital,
    hub: Option<Serving>,
}

impl Fleet {
    fn new() -> Self {
        let hospital = Hospital::new(12);
        hospital.extract();
        let fleet = Self { hospital, hub: None };
        for (kind, name) in [
            ("release", "r1"),
            ("release", "r2"),
            ("approval", "a1"),
            ("release", "x1"),
            ("approval", "x2"),
        ] {
            ok(&[
                "release",
                "key",
                "--kind",
                kind,
                "--out",
                &fleet.at(&format!("{name}.key")),
            ]);
        }
        ok(&[
            "release",
            "trust",
            "--release-key",
            &fleet.at("r1.public"),
            "--release-key",
            &fleet.at("r2.public"),
            "--release-needed",
            "2",
            "--approval-key",
            &fleet.at("a1.public"),
            "--out",
            &fleet.at("hub/release-trust.tmb"),
        ]);
        fleet
    }

    fn at(&self, name: &str) -> String {
        self.hospital.text(name)
    }

    /// Makes a version that does this when it is to serve; unsigned.
    fn make(&self, number: &str, serve: &str) -> String {
        let script = self.hospital.path(&format!("program-{number}"));
        let program = env!("CARGO_BIN_EXE_tomoshibi");
        let text = format!(
            "#!/bin/sh\ncase \"$1\" in\n--version) echo 'tomoshibi {number}'; exit 0;;\nserve) {serve};;\nesac\nexec {program} \"$@\"\n"
        );
        std::fs::write(&script, text).expect("written");
        let folder = self.at(&format!("release-{number}"));
        let file = format!("x86_64-linux={}", script.display());
        ok(&[
            "release",
            "make",
            "--version",
            number,
            "--file",
            &file,
            "--out",
            &folder,
        ]);
        folder
    }

    fn sign(&self, folder: &str, keys: &[&str]) {
        for key in keys {
            ok(&["release", "sign", folder, "--key", &self.at(&format!("{key}.key"))]);
        }
    }

    fn approve(&self, folder: &str, key: &str, more: &[&str]) -> std::process::Output {
        let (key, trust) = (self.at(&format!("{key}.key")), self.at("hub/release-trust.tmb"));
        let words = [
            "release",
            "approve",
            folder,
            "--key",
            &key,
            "--trust",
            &trust,
            "--approved-by",
            "9001 灯山　明",
        ];
        run(&[&words[..], more].concat())
    }

    fn import(&self, folder: &str) -> std::process::Output {
        let (config, password) = (self.hospital.config(), self.at("password"));
        run(&[
            "release",
            "-c",
            &config,
            "import",
            folder,
            "--by",
            "9001",
            "--password-file",
            &password,
        ])
    }

    /// A version, signed, approved for at once and let in.
    fn offer(&self, number: &str, serve: &str) {
        let folder = self.make(number, serve);
        self.sign(&folder, &["r1", "r2"]);
        let approved = self.approve(&folder, "a1", &["--canary-station", "R03"]);
        assert!(approved.status.success(), "{approved:?}");
        let imported = self.import(&folder);
        assert!(imported.status.success(), "{imported:?}");
    }

    /// A station enrolled at the hub, and the hub serving.
    fn begin(&mut self) {
        let (station, config) = (self.at("station"), self.hospital.config());
        ok(&[
            "station",
            "new",
            "--dir",
            &station,
            "--hospital",
            "物語の病院",
            "--code",
            "R03",
            "--node",
            "3",
            "--letter",
            "C",
            "--hub",
            "http://127.0.0.1:1",
        ]);
        ok(&[
            "station",
            "-c",
            &config,
            "add",
            "--code",
            "R03",
            "--node",
            "3",
            "--letter",
            "C",
            "--public",
            &self.at("station/R03.public"),
            "--trust",
            &self.at("station/data/trust.cbor"),
        ]);
        self.hospital.extract();
        let hub = Serving::start(&self.hospital.path("hub/tomoshibi.toml"));
        let path = self.hospital.path("station/tomoshibi.toml");
        let text = std::fs::read_to_string(&path).expect("read");
        let text = text
            .replace("http://127.0.0.1:1", hub.base.trim_end_matches('/'))
            .replace("127.0.0.1:8300", "127.0.0.1:0");
        let update = "hub_every_seconds = 1\n\n[update]\nhours = [\"always\"]\nevery_seconds = 1\nhealthy_seconds = 30\nproof_seconds = 2\n";
        std::fs::write(&path, text + update).expect("written");
        std::fs::copy(self.at("hub/release-trust.tmb"), self.at("station/release-trust.tmb")).expect("copied");
        self.hub = Some(hub);
    }

    fn state(&self) -> Value {
        let output = run(&["release", "-c", &self.at("station/tomoshibi.toml"), "state", "--json"]);
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }

    fn standing(&self) -> String {
        self.state()["standing"].as_str().unwrap_or_default().to_owned()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.hospital.path("station/data/log/updates.log")).unwrap_or_default()
    }

    /// Waits for a version to be the one that runs for good.
    fn runs(&self, number: &str) {
        wait(&format!("{number} runs\n{}", self.log()), || {
            let state = self.state();
            Some(state["running"] == number && state["standing"] == "プログラムは新しい版です")
        });
    }
}

/// A station under its supervisor; its station goes when it goes.
struct Supervised {
    child: Child,
}

impl Supervised {
    fn start(config: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tomoshibi"))
            .args(["service", "-c"])
            .arg(config)
            .arg("run")
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let output = child.stdout.take().expect("its output");
        std::thread::spawn(move || BufReader::new(output).lines().for_each(drop));
        Self { child }
    }

    /// As a power cut would.
    fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("gone");
    }

    /// As a service manager would.
    fn stop(mut self) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .expect("kill")
                .success()
        );
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("asked") {
                assert!(status.success(), "{status}");
                return;
            }
            assert!(begin.elapsed() < Duration::from_secs(60), "it does not stop");
            std::thread::yield_now();
        }
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn nothing_is_let_in_without_both_kinds_of_signatures() {
    let fleet = Fleet::new();
    let refused = |output: std::process::Output, why: &str| {
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(why), "{why}: {said}");
    };
    let folder = fleet.make("0.2.0", "exec false");
    refused(fleet.approve(&folder, "a1", &[]), "リリースの署名が足りません");
    fleet.sign(&folder, &["r1", "r1", "x1"]);
    refused(fleet.approve(&folder, "a1", &[]), "有効なものは 1 つ");
    fleet.sign(&folder, &["r2"]);
    refused(fleet.import(&folder), "approval.signed");
    let by_another = fleet.approve(&folder, "x2", &[]);
    assert!(
        by_another.status.success(),
        "whoever has a key may sign; it counts for nothing"
    );
    refused(fleet.import(&folder), "病院の承認の署名が足りません");
    let shown = run(&[
        "release",
        "show",
        &folder,
        "--trust",
        &fleet.at("hub/release-trust.tmb"),
    ]);
    assert_eq!(shown.status.code(), Some(3), "{shown:?}");
    let wrong = run(&["release", "sign", &folder, "--key", &fleet.at("a1.key")]);
    refused(wrong, "病院の承認の鍵では、リリースに署名できません");

    assert!(fleet.approve(&folder, "a1", &[]).status.success());
    let program = std::fs::read_dir(&folder)
        .expect("the folder")
        .filter_map(|e| Some(e.ok()?.path()));
    let program: PathBuf = program
        .into_iter()
        .find(|p| p.extension().is_none())
        .expect("the program");
    let good = std::fs::read(&program).expect("read");
    std::fs::write(&program, [&good[..], b"#"].concat()).expect("written");
    refused(fleet.import(&folder), "長さ");
    std::fs::write(&program, good.iter().map(|b| b ^ 1).collect::<Vec<u8>>()).expect("written");
    refused(fleet.import(&folder), "ハッシュ");
    std::fs::write(&program, &good).expect("written");
    let imported = fleet.import(&folder);
    assert!(imported.status.success(), "{imported:?}");
    refused(fleet.import(&folder), "もう受け取ったものより古い");

    // Nothing leads back.
    let older = fleet.make("0.1.9", "exec false");
    fleet.sign(&older, &["r1", "r2"]);
    assert!(fleet.approve(&older, "a1", &[]).status.success());
    refused(fleet.import(&older), "新しくありません");
    // And who did it stands in the audit log.
    let password = fleet.at("password");
    let config = fleet.hospital.config();
    let audit = run(&[
        "audit",
        "-c",
        &config,
        "show",
        "--user",
        "9101",
        "--password-file",
        &password,
    ]);
    let audit = String::from_utf8_lossy(&audit.stdout).into_owned();
    assert!(audit.is_empty() || audit.contains("0.2.0"), "{audit}");
}

#[test]
fn a_station_fetches_tries_changes_over_goes_back_and_waits_while_the_ehr_is_gone() {
    let mut fleet = Fleet::new();
    fleet.begin();
    let config = fleet.hospital.path("station/tomoshibi.toml");
    let station = Supervised::start(&config);
    fleet.runs("0.1.0");

    // A good version; the power goes while it is on trial, and it is tried again.
    fleet.offer("0.2.0", ":");
    wait("0.2.0 is tried", || Some(fleet.log().contains("版 0.2.0 を始めます")));
    station.kill();
    let station = Supervised::start(&config);
    fleet.runs("0.2.0");
    let log = fleet.log();
    for step in [
        "受け取りました",
        "署名とハッシュを確かめました",
        "封印済みデータを確かめられました",
        "切り替えます",
        "この版を使います",
    ] {
        assert!(log.contains(step), "{step}:\n{log}");
    }
    // The hub is no service: it has it ready and says why it does not change over. And it knows what the station runs.
    let known = || {
        let output = run(&["release", "-c", &fleet.hospital.config(), "state", "--json"]);
        serde_json::from_slice::<Value>(&output.stdout).unwrap_or_default()
    };
    wait("the hub hears of it", || {
        Some(known()["stations"][0]["running"] == "0.2.0")
    });

    // A version that does not come up: the one before it is back by itself, and nobody else takes it.
    fleet.offer("0.3.0", "exit 1");
    wait("0.3.0 is given up", || {
        Some(fleet.standing().contains("前の版へ戻りました"))
    });
    assert_eq!(fleet.state()["running"], "0.2.0", "{}", fleet.log());
    wait("the hub stops it", || {
        Some(known()["paused"].as_str().is_some_and(|why| why.contains("R03")))
    });
    let password = fleet.at("password");
    let hub_config = fleet.hospital.config();
    ok(&[
        "release",
        "-c",
        &hub_config,
        "resume",
        "--by",
        "9001",
        "--password-file",
        &password,
    ]);

    // One that opens nothing here is refused before it ever serves.
    let folder = fleet.make("0.4.0", ":");
    let script = fleet.hospital.path("program-0.4.0");
    let text = std::fs::read_to_string(&script)
        .expect("read")
        .replace("serve)", "verify) exit 1;;\nserve)");
    std::fs::write(&script, text).expect("written");
    std::fs::remove_dir_all(&folder).expect("removed");
    let file = format!("x86_64-linux={}", script.display());
    ok(&[
        "release",
        "make",
        "--version",
        "0.4.0",
        "--file",
        &file,
        "--out",
        &folder,
    ]);
    fleet.sign(&folder, &["r1", "r2"]);
    assert!(
        fleet
            .approve(&folder, "a1", &["--canary-station", "R03"])
            .status
            .success()
    );
    assert!(fleet.import(&folder).status.success());
    wait("0.4.0 is refused", || {
        Some(fleet.standing().contains("版 0.4.0 は採用しませんでした"))
    });
    assert!(!fleet.log().contains("版 0.4.0 を始めます"), "{}", fleet.log());

    // While the EHR is gone nothing is fetched; a version that was withdrawn meanwhile is not taken afterwards either.
    let hub = fleet.hub.take().expect("the hub");
    crate::one_day::silent(&mut fleet.hospital, &hub);
    fleet.hub = Some(hub);
    fleet.offer("0.5.0", ":");
    wait("0.5.0 waits", || Some(fleet.standing().contains("「通常」に戻るまで")));
    assert!(!fleet.log().contains("版 0.5.0 を受け取りました"), "{}", fleet.log());
    let folder = fleet.at("release-0.5.0");
    assert!(fleet.approve(&folder, "a1", &["--withdraw"]).status.success());
    let imported = fleet.import(&folder);
    assert!(imported.status.success(), "{imported:?}");
    wait("0.5.0 is withdrawn", || {
        Some(fleet.standing().contains("取り下げました"))
    });
    assert_eq!(fleet.state()["running"], "0.2.0");
    station.stop();

    // The program in its place was changed by somebody: it is not started, and the installed one runs.
    let place = ["A", "B"].map(|slot| fleet.hospital.path(&format!("station/data/program/{slot}/tomoshibi")));
    for program in place.iter().filter(|path| path.exists()) {
        let mut bytes = std::fs::read(program).expect("read");
        bytes.push(b'\n');
        std::fs::write(program, bytes).expect("written");
    }
    let station = Supervised::start(&config);
    wait("the installed program runs", || {
        Some(fleet.log().contains("入れてあるプログラムへ戻ります") && fleet.state()["running"] == "0.1.0")
    });
    station.stop();
}
