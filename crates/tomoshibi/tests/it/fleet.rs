//! Stations that prove themselves, a hub that hears of it, and a warden beside them that calls when either stops: real processes.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use chart::StationCode;
use downtime::readiness::board::Bundle;
use downtime::readiness::receipt::Receipt;
use serde_json::Value;

use crate::browser::Browser;
use crate::one_day::{Hospital, PASSWORD};
use crate::program::{ok, run, start};

/// Receipts every two seconds, so that a story does not take an hour.
const OFTEN: &str = "\n[readiness]\nevery_seconds = 2\n";

/// Every form is printed into memory by an unoptimised press on a busy machine: this is how long a story waits for one thing.
const LONG: Duration = Duration::from_secs(300);

/// Killed with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn until(what: &str, mut so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < LONG, "{what}: still not so");
        // A pause between two looks at other processes, which need the processor more than this loop does.
        std::thread::park_timeout(Duration::from_millis(300));
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its address").port()
}

fn append(path: &Path, text: &str) {
    let before = std::fs::read_to_string(path).expect("read");
    std::fs::write(path, before + text).expect("written");
}

/// A hub with a station R03, both configured, a snapshot on the hub.
struct Story {
    hospital: Hospital,
    hub: String,
}

impl Story {
    fn new() -> Self {
        let hospital = Hospital::with_beds(20, 2);
        let hub = format!("127.0.0.1:{}", free_port());
        let (dir, public, trust) = (
            hospital.text("r03"),
            hospital.text("r03/R03.public"),
            hospital.text("r03/data/trust.cbor"),
        );
        ok(&[
            "station",
            "new",
            "--dir",
            &dir,
            "--hospital",
            "物語の病院",
            "--code",
            "R03",
            "--node",
            "3",
            "--letter",
            "C",
            "--hub",
            &format!("http://{hub}"),
        ]);
        ok(&[
            "station",
            "-c",
            &hospital.config(),
            "add",
            "--code",
            "R03",
            "--node",
            "3",
            "--letter",
            "C",
            "--public",
            &public,
            "--trust",
            &trust,
        ]);
        append(&hospital.path("hub/tomoshibi.toml"), OFTEN);
        append(&hospital.path("r03/tomoshibi.toml"), OFTEN);
        let config = hospital.path("r03/tomoshibi.toml");
        let text = std::fs::read_to_string(&config)
            .expect("read")
            .replace("hub = ", "hub_every_seconds = 1\nhub = ");
        std::fs::write(&config, text).expect("written");
        hospital.extract();
        Self { hospital, hub }
    }

    fn serve_hub(&self) -> Running {
        Running(start(&["serve", "--listen", &self.hub, "-c", &self.hospital.config()]))
    }

    fn serve_station(&self) -> Running {
        let config = self.hospital.text("r03/tomoshibi.toml");
        Running(start(&["serve", "--listen", "127.0.0.1:0", "-c", &config]))
    }

    /// The receipt that the hub holds of a station, as anybody on the line may ask.
    fn receipt(&self, station: &str) -> Option<Receipt> {
        let mut body = ureq::get(format!("http://{}/parcel/readiness", self.hub))
            .call()
            .ok()?
            .into_body();
        let bundle = Bundle::from_bytes(&body.read_to_vec().ok()?).expect("a bundle");
        let code = StationCode::parse(station)?;
        let mut claims = bundle.receipts.iter().filter_map(|signed| signed.claim().ok());
        claims.rfind(|receipt| receipt.code == code)
    }

    fn is_good(&self, station: &str) -> bool {
        self.receipt(station).is_some_and(|receipt| receipt.is_good())
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.hospital.path(name)).unwrap_or_default()
    }
}

fn json(arguments: &[&str]) -> (Option<i32>, Value) {
    let output = run(arguments);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (
        output.status.code(),
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{arguments:?}: {output:?}")),
    )
}

/// The light of one check of a proof.
fn light(proof: &Value, what: &str) -> String {
    let points = proof["points"].as_array().expect("points");
    let point = points
        .iter()
        .find(|point| point["what"] == what)
        .unwrap_or_else(|| panic!("{what}: {proof}"));
    point["light"].as_str().expect("a word").to_owned()
}

#[test]
fn a_hub_hears_that_its_stations_are_ready_and_a_warden_calls_when_either_stops() {
    let story = Story::new();
    let mut hub = story.serve_hub();
    let mut station = story.serve_station();
    until("the station has the snapshot and has proved itself", || {
        story.is_good("R03")
    });
    until("the hub, too", || story.is_good("H01"));
    let receipt = story.receipt("R03").expect("a receipt");
    let (hub_says, station_says) = (story.receipt("H01").expect("one").holds, receipt.holds);
    assert_eq!(
        hub_says.map(|holds| holds.manifest),
        station_says.map(|holds| holds.manifest)
    );
    // The running station proves itself for a command, too, and forms came out as at the sealer.
    let config = story.hospital.text("r03/tomoshibi.toml");
    let (code, proof) = json(&["station", "-c", &config, "prove", "--json"]);
    assert_eq!((code, &proof["ready"]), (Some(0), &Value::Bool(true)), "{proof}");
    assert_eq!(light(&proof, "proof-pages"), "good", "{proof}");
    assert_eq!(light(&proof, "proof-saving"), "good");
    assert_eq!(proof["points"].as_array().map(Vec::len), Some(10));

    // The officer sees it.
    let mut browser = Browser::signed_in(&format!("http://{}/", story.hub), "9001", PASSWORD);
    let page = browser.get("/fleet").text();
    assert!(
        page.contains("R03") && page.contains("端末 2台すべてが使えます"),
        "{page}"
    );
    assert!(browser.get("/fleet/R03").text().contains("見本患者"));
    assert!(browser.get("/").text().contains("端末 2台すべてが使えます"));

    warden(&story, &mut hub, &mut station);
}

/// The warden's part of the story: each thing that stops is called, and its end is said.
fn warden(story: &Story, hub: &mut Running, station: &mut Running) {
    let calls = story.hospital.text("calls.txt");
    std::fs::copy(
        story.hospital.path("r03/data/trust.cbor"),
        story.hospital.path("trust.cbor"),
    )
    .expect("copied");
    let script = format!("printf '%s\\n' \"$1\" >> '{calls}'");
    let settings = format!(
        "hubs = [\"http://{}\"]\nevery_seconds = 1\nsilent_seconds = 4\nreceipt_seconds = 12\ncommand = [\"/bin/sh\", \"-c\", {script:?}, \"call\"]\n",
        story.hub
    );
    std::fs::write(story.hospital.path("warden.toml"), settings).expect("written");
    let file = story.hospital.text("warden.toml");
    let _warden = Running(start(&["warden", "-c", &file]));
    let alarm = || story.read("warden/alarm.txt");
    let well = || alarm().starts_with("異常なし");
    until("all is well", || well() && alarm().contains("2台のうち 2台"));
    assert!(story.read("calls.txt").is_empty(), "nobody is called for nothing");

    // Receipts stop.
    *station = Running(Command::new("true").spawn().expect("a process"));
    until("the station's silence is called", || {
        alarm().contains("2台のうち 1台からしか証明が届いていません")
    });
    *station = story.serve_station();
    until("its return ends the alarm", well);

    // The hub dies.
    *hub = Running(Command::new("true").spawn().expect("a process"));
    until("the hub's death is called", || {
        alarm().contains("拠点が一つも応答しません")
    });
    *hub = story.serve_hub();
    until("its return ends the alarm", well);

    // The warden cannot do its work.
    std::fs::remove_file(story.hospital.path("trust.cbor")).expect("removed");
    until("a warden without trust says so", || {
        alarm().contains("見張りが働いていません")
    });
    std::fs::copy(
        story.hospital.path("r03/data/trust.cbor"),
        story.hospital.path("trust.cbor"),
    )
    .expect("copied");
    until("and ends it", well);
    let (log, calls) = (story.read("warden/log/alarms.log"), story.read("calls.txt"));
    for said in [
        "拠点が一つも応答しません",
        "証明が届いていません",
        "見張りが働いていません",
    ] {
        assert!(log.contains(&format!("警報: {}", first(&log, said))), "{said}: {log}");
        assert!(calls.contains(said), "{said}: {calls}");
    }
    assert!(
        log.matches("解除: ").count() >= 3 && log.contains("警報はすべて解除されました"),
        "{log}"
    );
    let once = run(&["warden", "-c", &file, "--once"]);
    assert!(
        String::from_utf8_lossy(&once.stdout).contains("いま止まったら"),
        "{once:?}"
    );
}

/// The words of the line that says so, from the alarm's beginning.
fn first<'a>(log: &'a str, said: &str) -> &'a str {
    let line = log
        .lines()
        .find(|line| line.contains(said) && line.contains("警報: "))
        .unwrap_or_default();
    line.split_once("警報: ").map_or("", |(_, words)| words)
}

#[test]
fn a_station_without_a_snapshot_and_one_with_a_broken_disk_say_what_fails() {
    let story = Story::new();
    let config = story.hospital.text("r03/tomoshibi.toml");
    let (code, proof) = json(&["station", "-c", &config, "prove", "--json"]);
    assert_eq!((code, &proof["ready"]), (Some(3), &Value::Bool(false)));
    assert_eq!(light(&proof, "proof-opening"), "bad");
    assert_eq!(light(&proof, "proof-canaries"), "unchecked");
    // The hub has the snapshot; where a trial record cannot be written, that is said and nothing else suffers.
    std::fs::write(story.hospital.path("hub/data/journal-trial"), "in the way").expect("written");
    let (code, proof) = json(&["station", "-c", &story.hospital.config(), "prove", "--json"]);
    assert_eq!(code, Some(3));
    assert_eq!(light(&proof, "proof-saving"), "bad");
    assert_eq!(light(&proof, "proof-forms"), "good");
    assert_eq!(
        light(&proof, "proof-pages"),
        "good",
        "the sealer and the prover are one program"
    );
    assert_eq!(
        light(&proof, "proof-second"),
        "unchecked",
        "a command alone hears nobody"
    );
    // Another form here than where it was sealed is seen, by its code.
    let own = story.hospital.path("hub/forms/F19");
    std::fs::create_dir_all(&own).expect("made");
    for file in ["form.toml", "form.typ", "contract.toml", "blank.json"] {
        let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../forms/F19").join(file);
        let text = std::fs::read_to_string(built_in).expect("read");
        std::fs::write(own.join(file), text.replace("院内連絡", "院内連絡（当院）")).expect("written");
    }
    append(
        &story.hospital.path("hub/tomoshibi.toml"),
        "\n[forms]\ndir = \"forms\"\n",
    );
    let (_, proof) = json(&["station", "-c", &story.hospital.config(), "prove", "--json"]);
    assert_eq!(light(&proof, "proof-forms"), "good", "{proof}");
    assert_eq!(light(&proof, "proof-pages"), "bad", "{proof}");
    assert!(proof.to_string().contains("\"F19\""), "{proof}");
    let words = run(&["station", "-c", &story.hospital.config(), "prove"]);
    let words = String::from_utf8_lossy(&words.stdout).into_owned();
    assert!(
        words.contains("試しの記録を書けません") && words.contains("★"),
        "{words}"
    );
}
