//! The program's own story: synth, export in CP932, extract, seal, EHR gone, a morning at two stations, one of them
//! killed in the middle, and everything is there exactly once afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::browser::{Browser, Page};
use crate::program::{Serving, ok, run};

pub const PASSWORD: &str = "correct horse battery staple";

/// A hospital in a directory: hub, station, export.
pub struct Hospital {
    dir: tempfile::TempDir,
    ehr: Option<TcpListener>,
}

impl Hospital {
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn text(&self, name: &str) -> String {
        self.path(name).to_str().expect("a plain path").to_owned()
    }

    /// Synth, keys, users, one further station, extract.
    pub fn new(patients: u32) -> Self {
        Self::with_beds(patients, 0)
    }

    /// The same with inpatients.
    pub fn with_beds(patients: u32, beds: u32) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let ehr = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = ehr.local_addr().expect("its address").to_string();
        let hospital = Self { dir, ehr: Some(ehr) };
        let (password, hub) = (hospital.text("password"), hospital.text("hub"));
        std::fs::write(&password, PASSWORD).expect("written");
        ok(&[
            "synth",
            "--patients",
            &patients.to_string(),
            "--beds",
            &beds.to_string(),
            "--date",
            "today",
            "--seed",
            "7",
            "--out",
            &hospital.text("export"),
        ]);
        ok(&[
            "init",
            "--dir",
            &hub,
            "--hospital",
            "物語の病院",
            "--user",
            "9001",
            "--name",
            "灯山　明",
            "--password-file",
            &password,
            "--privacy-user",
            "9101",
            "--privacy-name",
            "守山　望",
            "--privacy-password-file",
            &password,
        ]);
        let config = hospital.text("hub/tomoshibi.toml");
        let mapping = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/hospital/a/mapping.toml");
        std::fs::copy(mapping, hospital.path("hub/mapping.toml")).expect("copied");
        let text = std::fs::read_to_string(&config).expect("read");
        let text = text.replace(
            "every_seconds = 5",
            &format!("every_seconds = 1\nprobe_tcp = \"{address}\""),
        );
        std::fs::write(
            &config,
            text + "\n[extract]\ndir = \"../export\"\nmapping = \"mapping.toml\"\n",
        )
        .expect("written");
        for (number, name, role) in [("1001", "受付　花", "reception"), ("2001", "医師　一郎", "physician")] {
            ok(&[
                "user",
                "-c",
                &config,
                "add",
                "--number",
                number,
                "--name",
                name,
                "--role",
                role,
                "--by",
                "9001",
                "--password-file",
                &password,
                "--new-password-file",
                &password,
            ]);
        }
        hospital
    }

    /// Nothing answers at the EHR's port from now on.
    pub fn stop_ehr(&mut self) {
        self.ehr = None;
    }

    pub fn config(&self) -> String {
        self.text("hub/tomoshibi.toml")
    }

    pub fn extract(&self) {
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
}

/// Waits until something is so; panics with what was last seen after a generous while.
pub fn wait(what: &str, mut so: impl FnMut() -> Option<bool>) {
    let begin = Instant::now();
    while so() != Some(true) {
        assert!(
            begin.elapsed() < Duration::from_secs(60),
            "{what}: still not so after a minute"
        );
        std::thread::yield_now();
    }
}

/// The EHR goes away for good, and a station has seen it: patients are open.
pub fn silent(hospital: &mut Hospital, hub: &Serving) {
    hospital.ehr.take();
    let mut watcher = Browser::new(&hub.base);
    wait("the silence is seen", || Some(mode(&mut watcher) == "silent"));
}

/// The chart of somebody who is booked today.
pub fn first_person(browser: &mut Browser) -> String {
    let page = browser.get("/patients");
    page.links("/p/").into_iter().next().expect("somebody is booked")
}

pub fn mode(browser: &mut Browser) -> String {
    let state = browser.get("/state").text();
    let state: serde_json::Value = serde_json::from_str(&state).unwrap_or_default();
    state["mode"].as_str().unwrap_or("").to_owned()
}

/// Addresses of patients booked today that the list shows.
pub fn people(browser: &mut Browser, beginning: &str, wanted: usize) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut out = Vec::new();
    for kana in [
        "アイ", "イト", "オカ", "カト", "キム", "コバ", "サイ", "サト", "シミ", "スズ", "タカ", "タナ", "ナカ", "ハシ",
        "マツ", "モリ", "ヤマ", "ヨシ", "ワタ", "フジ", "オオ", "ミヤ",
    ] {
        let page = browser.post("/reception", &[("q", kana)]);
        for link in page.links(beginning) {
            if link.len() > beginning.len() && seen.insert(link.clone()) {
                out.push(link);
            }
        }
        if out.len() >= wanted * 2 {
            break;
        }
    }
    out
}

/// Receives the people given until `count` are received. Blocked and double-checked ones are left to a person.
pub fn receive(browser: &mut Browser, people: &[String], count: usize) -> Vec<String> {
    let mut received = Vec::new();
    for address in people {
        if received.len() == count {
            break;
        }
        let page = browser.get(address);
        let text = page.text();
        if !text.contains("action=\"/reception/check-in\"")
            || text.contains("name=\"again\"")
            || text.contains("name=\"day\"")
        {
            continue;
        }
        let fields = page.form("/reception/check-in");
        if !fields.contains_key("slot") {
            continue;
        }
        let after = browser.submit(&page, "/reception/check-in", &[]);
        assert_eq!(after.status, 200, "{}", after.text());
        received.push(address.clone());
    }
    assert_eq!(received.len(), count, "of {} people", people.len());
    received
}

fn note(browser: &mut Browser, handle: &str, text: &str) -> Page {
    let address = format!("/p/{handle}/note");
    let page = browser.get(&address);
    let form = page.form(&address);
    let once = form.get("once").cloned().unwrap_or_default();
    let after = browser.post(&address, &[("once", &once), ("s", text), ("sign", "only")]);
    assert_eq!(after.status, 200, "{}", after.text());
    after
}

fn handle(address: &str) -> &str {
    address.rsplit('/').next().unwrap_or("")
}

fn temporary(browser: &mut Browser, n: usize) {
    let page = browser.get("/temporary");
    let kana = format!("カリノ　{}", ["イチロウ", "ジロウ", "サブロウ"][n]);
    let typed = [
        ("kana", kana.as_str()),
        ("sex", "M"),
        ("allergy", "not_recorded"),
        ("reason", "emergency"),
        ("estimated", "推定60代"),
    ];
    let after = browser.submit(&page, "/temporary", &typed);
    assert_eq!(after.status, 200, "{}", after.text());
}

fn appoint(browser: &mut Browser, handle: &str) {
    let address = format!("/p/{handle}/next");
    let page = browser.get(&address);
    let text = page.text();
    let department = text
        .split("name=\"department\"")
        .nth(1)
        .and_then(|s| {
            s.split("value=\"").find_map(|v| {
                v.split('"')
                    .next()
                    .filter(|c| !c.is_empty() && c.chars().all(|c| c.is_ascii_alphanumeric()))
            })
        })
        .unwrap_or("");
    let far = jiff::Timestamp::now()
        .to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(9)))
        .date();
    let far = far.checked_add(jiff::Span::new().days(28)).expect("a date").to_string();
    let after = browser.submit(
        &page,
        &address,
        &[("on", &far), ("at", "9:30"), ("department", department)],
    );
    assert_eq!(after.status, 200, "{}", after.text());
}

pub fn export(hospital: &Hospital, config: &str, out: &str) -> Vec<BTreeMap<String, String>> {
    let dir = hospital.text(out);
    let output = run(&[
        "export",
        "-c",
        config,
        "--csv",
        &dir,
        "--user",
        "9001",
        "--password-file",
        &hospital.text("password"),
        "--json",
    ]);
    assert!(matches!(output.status.code(), Some(0 | 3)), "{output:?}");
    let bytes = std::fs::read(Path::new(&dir).join("entries.csv")).expect("the file");
    let (text, _, bad) = encoding_rs::SHIFT_JIS.decode(&bytes);
    assert!(!bad, "every byte is CP932");
    let mut rows = parse(&text).into_iter();
    let head = rows.next().expect("a header");
    rows.map(|row| head.iter().cloned().zip(row).collect()).collect()
}

/// RFC 4180, enough for a file of our own.
fn parse(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            other => cell.push(other),
        }
    }
    rows
}

pub fn count(rows: &[BTreeMap<String, String>], kind: &str) -> usize {
    rows.iter().filter(|r| r["種別"] == kind).count()
}

#[test]
fn one_day() {
    let mut hospital = Hospital::new(120);
    let config = hospital.config();
    // A further station, enrolled before the night.
    let station_config = hospital.path("station/tomoshibi.toml");
    ok(&[
        "station",
        "new",
        "--dir",
        &hospital.text("station"),
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
        &hospital.text("station/R03.public"),
        "--trust",
        &hospital.text("station/data/trust.cbor"),
    ]);
    hospital.extract();
    let verified = ok(&[
        "verify",
        "-c",
        &config,
        "--user",
        "9001",
        "--password-file",
        &hospital.text("password"),
        "--json",
    ]);
    assert!(verified.contains("\"whole\":true"), "{verified}");

    let hub = Serving::start(Path::new(&config));
    let text = std::fs::read_to_string(&station_config).expect("read");
    let text = text.replace(
        "http://127.0.0.1:1\"",
        &format!("http://127.0.0.1:{}\"\nhub_every_seconds = 1", hub.port()),
    );
    std::fs::write(&station_config, text).expect("written");
    let station = Serving::start(&station_config);

    // 通常: patients are closed.
    let mut watcher = Browser::new(&hub.base);
    wait("the EHR is seen", || Some(mode(&mut watcher) == "normal"));
    let mut desk = Browser::signed_in(&hub.base, "1001", PASSWORD);
    assert!(
        !desk.get("/reception").text().contains("name=\"q\""),
        "in normal times reception is closed"
    );

    // The EHR goes; the bar turns by itself; a person declares.
    hospital.ehr.take();
    wait("the silence is seen", || Some(mode(&mut watcher) == "silent"));
    let declare = desk.get("/declare");
    desk.submit(&declare, "/declare", &[("reason", "1")]);
    assert_eq!(mode(&mut watcher), "ehr");
    let mut away = Browser::new(&station.base);
    wait("the station hears of it", || Some(mode(&mut away) == "ehr"));

    // The morning: 25 at the hub, 15 at the station, three temporary patients.
    let list = people(&mut desk, "/reception/", 60);
    let at_hub = receive(&mut desk, &list, 25);
    (0..3).for_each(|n| temporary(&mut desk, n));
    let mut doctor = Browser::signed_in(&hub.base, "2001", PASSWORD);
    for (n, address) in at_hub.iter().take(10).enumerate() {
        note(&mut doctor, handle(address), &format!("経過 {n}\n改行、表 ソ 能\n=1+1"));
    }
    for address in at_hub.iter().take(10) {
        appoint(&mut doctor, handle(address));
    }
    let mut far_desk = Browser::signed_in(&station.base, "1001", PASSWORD);
    let far_list = people(&mut far_desk, "/reception/", 60);
    let others: Vec<String> = far_list.into_iter().rev().collect();
    let at_station = receive(&mut far_desk, &others, 8);
    let mut far_doctor = Browser::signed_in(&station.base, "2001", PASSWORD);
    for (n, address) in at_station.iter().take(5).enumerate() {
        note(&mut far_doctor, handle(address), &format!("端末の記録 {n}"));
    }

    // Power fails at the station in the middle of the work. Nothing acknowledged is lost, numbers go on.
    station.kill();
    let station = Serving::start(&station_config);
    let mut far_desk = Browser::signed_in(&station.base, "1001", PASSWORD);
    let rest: Vec<String> = people(&mut far_desk, "/reception/", 60).into_iter().rev().collect();
    let again = receive(&mut far_desk, &rest, 7);
    let mut far_doctor = Browser::signed_in(&station.base, "2001", PASSWORD);
    for (n, address) in again.iter().take(5).enumerate() {
        note(&mut far_doctor, handle(address), &format!("停電のあと {n}"));
    }

    // Everything arrives at the hub, exactly once.
    let station_rows = export(&hospital, station_config.to_str().expect("a plain path"), "out-station");
    assert!(
        count(&station_rows, "記録") >= 10,
        "what was acknowledged before and after the power cut"
    );
    wait("everything is at the hub", || {
        let rows = export(&hospital, &config, "out");
        Some(count(&rows, "受付") == 40 && count(&rows, "記録") == 20)
    });
    let rows = export(&hospital, &config, "out");
    let ids: BTreeSet<&String> = rows.iter().map(|r| &r["記載番号"]).collect();
    assert_eq!(ids.len(), rows.len(), "every entry once");
    for (kind, expected) in [
        ("受付", 40),
        ("記録", 20),
        ("仮予約", 10),
        ("仮患者登録", 3),
        ("停止の宣言", 1),
    ] {
        assert_eq!(count(&rows, kind), expected, "{kind}");
    }
    let numbers: BTreeSet<&str> = rows
        .iter()
        .filter(|r| r["種別"] == "受付")
        .filter_map(|r| r["内容"].split("受付番号：").nth(1)?.split('\n').next())
        .collect();
    assert_eq!(numbers.len(), 40, "no reception number twice: {numbers:?}");
    assert!(
        rows.iter()
            .all(|r| !r["記載者番号"].is_empty() && !r["記載日時"].is_empty())
    );
    assert_eq!(
        rows.iter()
            .filter(|r| r["仮患者"] == "仮" && r["種別"] == "仮患者登録")
            .count(),
        3
    );
    let texts: Vec<&String> = rows
        .iter()
        .filter(|r| r["種別"] == "記録")
        .map(|r| &r["内容"])
        .collect();
    for n in 0..5 {
        assert!(texts.iter().any(|t| t.contains(&format!("停電のあと {n}"))));
        assert!(texts.iter().any(|t| t.contains(&format!("端末の記録 {n}"))));
    }
    drop((hub, station));
}
