//! Enrolment as a hospital does it: two real processes, a code on paper, a fingerprint compared, and everything that must not work.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::browser::Browser;
use crate::one_day::{Hospital, PASSWORD};
use crate::program::{Serving, ok, run};

/// Longest anything here may take.
const PATIENCE: Duration = Duration::from_secs(90);

/// A terminal that joins.
struct Joining {
    child: Child,
    fingerprint: String,
}

impl Joining {
    fn start(dir: &str, hub: &Serving, code: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tomoshibi"))
            .args([
                "station",
                "join",
                "--dir",
                dir,
                "--hub",
                hub.base.trim_end_matches('/'),
                "--code",
                code,
            ])
            .args(["--wait-minutes", "2"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let line = lines.next().expect("a line").expect("readable");
        let fingerprint = line.split_whitespace().last().expect("a fingerprint").to_owned();
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, fingerprint }
    }

    /// Its end: whether it was enrolled, and what it said if not.
    fn end(self) -> (bool, String) {
        let output = self.child.wait_with_output().expect("it ends");
        (
            output.status.success(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    }
}

fn wait<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(Instant::now() < until, "in vain: {what}");
        std::thread::yield_now();
    }
}

fn invite(hospital: &Hospital, more: &[&str]) -> String {
    let (config, password) = (hospital.config(), hospital.text("password"));
    let mut arguments = vec![
        "station",
        "-c",
        &config,
        "invite",
        "--by",
        "9001",
        "--password-file",
        &password,
    ];
    arguments.extend_from_slice(more);
    let said = ok(&arguments);
    said.split_whitespace().nth(1).expect("a code").to_owned()
}

fn pending(hospital: &Hospital, code: &str) -> Option<String> {
    let said = ok(&["station", "-c", &hospital.config(), "pending", "--json"]);
    let said: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    let all = said["pending"].as_array().expect("a list").clone();
    let one = all.iter().find(|one| one["code"] == code && one["waiting"] == true)?;
    Some(one["fingerprint"].as_str().expect("a fingerprint").to_owned())
}

fn approve(hospital: &Hospital, code: &str, fingerprint: &str) -> std::process::Output {
    let (config, password) = (hospital.config(), hospital.text("password"));
    run(&[
        "station",
        "-c",
        &config,
        "approve",
        "--code",
        code,
        "--fingerprint",
        fingerprint,
        "--by",
        "9001",
        "--password-file",
        &password,
    ])
}

fn enrol(hospital: &Hospital, hub: &Serving, dir: &str, code: &str, station: &str) {
    let joining = Joining::start(dir, hub, code);
    let shown = wait("the hub shows who waits", || pending(hospital, station));
    assert_eq!(shown, joining.fingerprint);
    let done = approve(hospital, station, &shown);
    assert!(done.status.success(), "{done:?}");
    let (joined, said) = joining.end();
    assert!(joined, "{said}");
}

fn quick(config: &Path) {
    let text = std::fs::read_to_string(config).expect("read");
    std::fs::write(
        config,
        text.replace("data = \"data\"", "data = \"data\"\nhub_every_seconds = 1"),
    )
    .expect("written");
}

fn signs_in(base: &str, user: &str) -> Option<Browser> {
    let mut browser = Browser::new(base);
    let page = browser.post("/sign-in", &[("user", user), ("password", PASSWORD)]);
    (!page.address.contains("sign-in")).then_some(browser)
}

#[test]
fn a_terminal_joins_is_approved_and_opens_the_next_data() {
    let hospital = Hospital::new(20);
    hospital.extract();
    let hub = Serving::start(Path::new(&hospital.config()));
    let code = invite(&hospital, &["--desk", "--department", "01"]);
    let dir = hospital.text("desk");
    let joining = Joining::start(&dir, &hub, &code);
    let shown = wait("the hub shows who waits", || pending(&hospital, "R01"));
    assert_eq!(shown, joining.fingerprint, "both sides show the same");
    // A fingerprint that somebody read wrongly enrols nobody.
    let wrong = approve(&hospital, "R01", "0000-0000-0000-0000-0000");
    assert!(
        !wrong.status.success() && String::from_utf8_lossy(&wrong.stderr).contains("指紋が違います"),
        "{wrong:?}"
    );
    // Another terminal with the same code, at the same time: told so, and nothing stays on it.
    let second = hospital.text("second");
    let (joined, said) = Joining::start(&second, &hub, &code).end();
    assert!(!joined && said.contains("別の端末が使いました"), "{said}");
    assert!(!Path::new(&second).join("joining").exists() && !Path::new(&second).join("data").exists());
    // A code that was never issued: late, and nothing stays.
    let never = vault::invitation::InvitationCode::random(&mut rand_core::UnwrapErr(getrandom::SysRng));
    let began = Instant::now();
    let (joined, said) = Joining::start(&second, &hub, &never.to_typed()).end();
    assert!(!joined && said.contains("登録コードが違うか"), "{said}");
    assert!(began.elapsed() > Duration::from_secs(2), "a wrong code costs time");
    let done = approve(&hospital, "R01", &shown);
    assert!(done.status.success(), "{done:?}");
    let (joined, said) = joining.end();
    assert!(joined, "{said}");
    assert!(
        !Path::new(&dir).join("data/keys/sealer.key").exists(),
        "a station seals nothing"
    );
    // The hub runs on; what it seals now opens at the new terminal.
    hospital.extract();
    let config = Path::new(&dir).join("tomoshibi.toml");
    quick(&config);
    let desk = Serving::start(&config);
    wait("the terminal has the data", || signs_in(&desk.base, "1001"));
    let text = std::fs::read_to_string(&config).expect("read");
    assert!(
        !text.contains("node") && !text.contains("letter"),
        "the roster decides numbers: {text}"
    );
    // A configuration that says other numbers than the roster is refused.
    std::fs::write(&config, text.replace("data = \"data\"", "data = \"data\"\nnode = 9")).expect("written");
    let refused = run(&["doctor", "-c", config.to_str().expect("a path")]);
    assert!(
        String::from_utf8_lossy(&refused.stdout).contains("station.node"),
        "{refused:?}"
    );
}

#[test]
fn the_officer_does_it_all_on_the_screen_and_the_trail_tells_it() {
    let hospital = Hospital::new(20);
    hospital.extract();
    let hub = Serving::start(Path::new(&hospital.config()));
    let mut officer = Browser::signed_in(&hub.base, "9001", PASSWORD);
    let form = officer.get("/stations/invite");
    let page = officer.submit(&form, "/stations/invite", &[("kind", "ward"), ("wards", "3E")]);
    let text = page.text();
    let code = text
        .split("fig secret\">")
        .nth(1)
        .and_then(|rest| rest.split('<').next())
        .expect("a code")
        .to_owned();
    assert!(!officer.get("/stations").text().contains(&code), "shown once");
    let dir = hospital.text("ward");
    let joining = Joining::start(&dir, &hub, &code);
    let waiting = wait("the screen shows who waits", || {
        let list = officer.get("/stations");
        list.text()
            .contains(&joining.fingerprint)
            .then(|| list.links("/stations/waiting/").remove(0))
    });
    let page = officer.get(&waiting);
    // Without the tick nothing is enrolled.
    let not_yet = officer.submit(&page, &format!("{waiting}/approve"), &[]);
    assert_eq!(not_yet.status, 422);
    let page = officer.get(&waiting);
    officer.submit(&page, &format!("{waiting}/approve"), &[("same", "1")]);
    let (joined, said) = joining.end();
    assert!(joined, "{said}");
    let list = officer.get("/stations").text();
    assert!(list.contains("W01") && list.contains("3E"), "{list}");
    // Whoever is no officer sees none of it.
    let mut reception = Browser::signed_in(&hub.base, "1001", PASSWORD);
    assert_eq!(reception.get("/stations").status, 403);
    // Taken out on the screen.
    let one = officer.get("/stations/W01");
    officer.submit(&one, "/stations/W01/retire", &[("reason", "廃棄")]);
    let list = ok(&["station", "-c", &hospital.config(), "list", "--json"]);
    let list: serde_json::Value = serde_json::from_str(&list).expect("JSON");
    let retired = list["stations"]
        .as_array()
        .expect("a list")
        .iter()
        .any(|s| s["code"] == "W01" && s["retired"] == true);
    assert!(retired, "{list}");
    let mut privacy = Browser::signed_in(&hub.base, "9101", PASSWORD);
    let trail = privacy.get("/audit").text();
    assert!(
        trail.contains("登録コードを発行") && trail.contains("端末を登録"),
        "{trail}"
    );
}

#[test]
fn a_second_hub_seals_when_the_first_is_gone_and_keeps_the_roster_once_it_is_told_to() {
    let hospital = Hospital::new(20);
    hospital.extract();
    let hub = Serving::start(Path::new(&hospital.config()));
    let dir = hospital.text("second");
    let code = invite(&hospital, &["--hub", "--code", "H02"]);
    enrol(&hospital, &hub, &dir, &code, "H02");
    let config = Path::new(&dir).join("tomoshibi.toml");
    quick(&config);
    let (password, path) = (hospital.text("password"), config.to_str().expect("a path").to_owned());
    // The roster is changed at the first only.
    let add = |config: &str, number: &str| {
        run(&[
            "user",
            "-c",
            config,
            "add",
            "--number",
            number,
            "--name",
            "新人　花",
            "--role",
            "reception",
            "--by",
            "9001",
            "--password-file",
            &password,
            "--new-password-file",
            &password,
        ])
    };
    let refused = add(&path, "1002");
    assert!(
        !refused.status.success() && String::from_utf8_lossy(&refused.stderr).contains("H01"),
        "{refused:?}"
    );
    assert!(add(&hospital.config(), "1003").status.success());
    let second = Serving::start(&config);
    // What was changed at the first reaches the second, whole.
    let has = |number: &str| {
        let bytes = std::fs::read(Path::new(&dir).join("data/roster.cbor")).expect("read");
        bytes
            .windows(number.len())
            .any(|w| w == number.as_bytes())
            .then_some(())
    };
    wait("the second hub has the newer roster", || has("1003"));
    // The first dies. The second seals by itself.
    let port = hub.port();
    hub.kill();
    second.kill();
    let mut text = std::fs::read_to_string(&config).expect("read");
    text.push_str(
        "\n[extract]\ndir = \"../export\"\nmapping = \"../hub/mapping.toml\"\nat = \"03:00\"\nrefresh_minutes = 0\n",
    );
    std::fs::write(&config, text).expect("written");
    let sealed = run(&["extract", "-c", &path]);
    assert!(matches!(sealed.status.code(), Some(0 | 3)), "{sealed:?}");
    let second = Serving::start(&config);
    wait("the second hub opens what it sealed", || signs_in(&second.base, "1003"));
    ok(&[
        "station",
        "-c",
        &path,
        "promote",
        "--reason",
        "H01 が燃えた",
        "--by",
        "9001",
        "--password-file",
        &password,
    ]);
    assert!(add(&path, "1004").status.success());
    // The first comes back, hears of it, and changes nothing any more.
    let mut back = Command::new(env!("CARGO_BIN_EXE_tomoshibi"))
        .args([
            "serve",
            "--listen",
            &format!("127.0.0.1:{port}"),
            "-c",
            &hospital.config(),
        ])
        .stdout(Stdio::null())
        .spawn()
        .expect("the program starts");
    let told = wait("the first hub hears that another keeps the roster", || {
        let refused = add(&hospital.config(), "1005");
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        (!refused.status.success() && said.contains("H02")).then_some(said)
    });
    back.kill().expect("killed");
    back.wait().expect("gone");
    assert!(told.contains("名簿を変えられるのは hub H02 だけ"), "{told}");
}

#[test]
fn a_machine_that_was_re_imaged_comes_back_under_its_code_with_numbers_nobody_has_seen() {
    let hospital = Hospital::new(20);
    hospital.extract();
    let hub = Serving::start(Path::new(&hospital.config()));
    let code = invite(&hospital, &["--code", "R03", "--desk"]);
    let dir = hospital.text("desk");
    enrol(&hospital, &hub, &dir, &code, "R03");
    let listed = || {
        let list = ok(&["station", "-c", &hospital.config(), "list", "--json"]);
        let list: serde_json::Value = serde_json::from_str(&list).expect("JSON");
        let all = list["stations"].as_array().expect("a list").clone();
        all.into_iter().find(|s| s["code"] == "R03").expect("R03")
    };
    let before = listed();
    std::fs::remove_dir_all(&dir).expect("wiped");
    let again = invite(&hospital, &["--renew", "R03", "--reason", "初期化"]);
    enrol(&hospital, &hub, &dir, &again, "R03");
    let after = listed();
    assert_eq!(
        before["numbers"], after["numbers"],
        "its numbers are the same from tomorrow"
    );
    assert_ne!(before["today"], after["today"], "today it has others");
    assert_ne!(before["letter"], after["letter"]);
    assert_ne!(before["fingerprint"], after["fingerprint"]);
    hospital.extract();
    let config = Path::new(&dir).join("tomoshibi.toml");
    quick(&config);
    let desk = Serving::start(&config);
    wait("the new machine has the data", || signs_in(&desk.base, "1001"));
}
