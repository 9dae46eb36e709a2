//! A hospital of seven stations on wires: two hubs and five on the wards, made by the commands of the documentation.
//!
//! Lines are not encrypted here: what the certificates are worth is another proof's, and every object is signed and sealed by itself.
//! A station is a process; it is started, killed and started again. What it said on its error output is kept and shown when a test
//! fails.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use downtime::identity::Roster;

use crate::wires::{EHR, Wires};

pub const PASSWORD: &str = "correct horse battery staple";
/// Who signs in: at the reception, as a physician, as the informatics officer.
pub const RECEPTION: &str = "1001";
pub const PHYSICIAN: &str = "2001";
pub const OFFICER: &str = "9001";

/// Code and letter of each; the first is the hub, the second the other one.
pub const STATIONS: [(&str, char); 7] = [
    ("H01", 'A'),
    ("H02", 'B'),
    ("W01", 'C'),
    ("W02", 'D'),
    ("W03", 'E'),
    ("W04", 'F'),
    ("W05", 'G'),
];
/// The hub that seals.
pub const HUB: usize = 0;
/// The other one: it takes over what the first one does for the wards.
pub const OTHER_HUB: usize = 1;
/// The places on the wards.
pub const WARDS: std::ops::Range<usize> = 2..7;
const PORT: u16 = 8300;

/// Everything there is of a hospital.
pub struct Hospital {
    pub wires: Wires,
    dir: tempfile::TempDir,
    ehr: Mutex<Option<TcpListener>>,
    running: [Mutex<Option<Child>>; 7],
    /// How each is started, where it is not the usual way.
    hows: Mutex<BTreeMap<usize, How>>,
}

/// How a station is started, besides its configuration.
#[derive(Default, Clone)]
pub struct How {
    /// A program before it, with its arguments: `strace`.
    pub under: Vec<String>,
    /// Variables of its environment.
    pub variables: Vec<(&'static str, String)>,
}

impl Hospital {
    /// Keys, people, stations, a sealed day; nothing runs yet. The EHR answers.
    pub fn new(patients: u32) -> Arc<Self> {
        let wires = Wires::lay(STATIONS.len());
        let dir = tempfile::tempdir().expect("a directory");
        let hospital = Self {
            wires,
            dir,
            ehr: Mutex::default(),
            running: std::array::from_fn(|_| Mutex::default()),
            hows: Mutex::default(),
        };
        hospital.ehr_answers(true);
        let password = hospital.text("password");
        std::fs::write(&password, PASSWORD).expect("written");
        hospital.write_export(patients);
        let hub = hospital.text("H01");
        let names = ["--user", OFFICER, "--name", "灯山　明", "--password-file", &password];
        let privacy = [
            "--privacy-user",
            "9101",
            "--privacy-name",
            "守山　望",
            "--privacy-password-file",
            &password,
        ];
        ok(&[
            &["init", "--dir", &hub, "--hospital", "網の病院"],
            &names[..],
            &privacy[..],
        ]
        .concat());
        let mapping = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/hospital/a/mapping.toml");
        std::fs::copy(mapping, hospital.path("H01/mapping.toml")).expect("copied");
        hospital.rewrite(HUB, |text| {
            let probe = format!("every_seconds = 1\nprobe_tcp = \"{EHR}\"");
            let extract = "\n[extract]\ndir = \"../export\"\nmapping = \"mapping.toml\"\n";
            let text = text.replace("[station]\n", "[station]\nplain = true\n");
            text.replace("every_seconds = 5", &probe) + extract
        });
        for (number, name, role) in [
            (RECEPTION, "受付　花", "reception"),
            (PHYSICIAN, "医師　一郎", "physician"),
        ] {
            let config = hospital.config(HUB);
            let who = [
                "user", "-c", &config, "add", "--number", number, "--name", name, "--role", role,
            ];
            let by = [
                "--by",
                OFFICER,
                "--password-file",
                &password,
                "--new-password-file",
                &password,
            ];
            ok(&[&who[..], &by[..]].concat());
        }
        (1..STATIONS.len()).for_each(|place| hospital.enrol(place));
        hospital.tell_addresses();
        hospital.seal();
        Arc::new(hospital)
    }

    /// The invented EHR writes its export anew, for so many patients.
    pub fn write_export(&self, patients: u32) {
        let export = self.text("export");
        let many = patients.to_string();
        ok(&[
            "synth",
            "--patients",
            &many,
            "--date",
            "today",
            "--seed",
            "7",
            "--out",
            &export,
        ]);
    }

    fn enrol(&self, place: usize) {
        let (code, letter) = STATIONS[place];
        let (node, letter, hub) = ((place + 1).to_string(), letter.to_string(), self.base(HUB));
        let what = ["--code", code, "--node", &node, "--letter", &letter];
        let new = [
            "station",
            "new",
            "--dir",
            &self.text(code),
            "--hospital",
            "網の病院",
            "--hub",
            &hub,
        ];
        ok(&[&new[..], &what[..]].concat());
        let (public, trust) = (
            self.text(&format!("{code}/{code}.public")),
            self.text(&format!("{code}/data/trust.cbor")),
        );
        let add = [
            "station",
            "-c",
            &self.config(HUB),
            "add",
            "--public",
            &public,
            "--trust",
            &trust,
        ];
        ok(&[&add[..], &what[..]].concat());
        let other = self.base(OTHER_HUB);
        let hub = format!("hub = \"{hub}\"");
        let hubs = match place {
            OTHER_HUB => String::new(),
            _ => format!("hubs = [\"{other}\"]\n"),
        };
        self.rewrite(place, |text| {
            text.replace(&hub, &format!("{hub}\n{hubs}plain = true\nhub_every_seconds = 1"))
        });
    }

    /// Where everybody is reached, which are hubs, and that the five are of one ward: into the roster, and into the file that each
    /// station brought home.
    fn tell_addresses(&self) {
        let path = self.path("H01/data/roster.cbor");
        let mut roster = Roster::from_bytes(&std::fs::read(&path).expect("the roster")).expect("a roster");
        for station in &mut roster.stations {
            let place = STATIONS.iter().position(|(code, _)| *code == station.code.as_str());
            let place = place.expect("one of ours");
            station.address = Some(self.base(place));
            station.hub = !WARDS.contains(&place);
            if WARDS.contains(&place) {
                station.wards = vec!["3E".to_owned()];
            }
        }
        std::fs::write(&path, roster.to_bytes().expect("bytes")).expect("written");
        let known = roster.without_users().to_bytes().expect("bytes");
        for (code, _) in &STATIONS[1..] {
            std::fs::write(self.path(&format!("{code}/data/trust.cbor")), &known).expect("written");
        }
    }

    /// Changes a station's configuration.
    pub fn rewrite(&self, place: usize, change: impl Fn(String) -> String) {
        let path = self.config(place);
        let text = std::fs::read_to_string(&path).expect("a configuration");
        std::fs::write(&path, change(text)).expect("written");
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn text(&self, name: &str) -> String {
        self.path(name).to_str().expect("a plain path").to_owned()
    }

    pub fn config(&self, place: usize) -> String {
        self.text(&format!("{}/tomoshibi.toml", STATIONS[place].0))
    }

    /// Where a station's desk and its doors for others are.
    pub fn base(&self, place: usize) -> String {
        format!("http://{}:{PORT}", Wires::called(place))
    }

    /// The EHR's port takes connections, or nothing is there.
    pub fn ehr_answers(&self, answers: bool) {
        let listener = answers.then(|| TcpListener::bind(EHR).expect("the EHR's port"));
        *lock(&self.ehr) = listener;
    }

    /// Seals the day anew on the hub, as at night; gives what the command said.
    pub fn seal(&self) -> Output {
        let output = self.sealing().stdout(Stdio::piped()).stderr(Stdio::piped()).output();
        let output = output.expect("the program starts");
        assert!(matches!(output.status.code(), Some(0 | 3)), "{}", said(&output));
        output
    }

    /// The command that seals, at the hub's place.
    pub fn sealing(&self) -> Command {
        let mut command = self.wires.at(HUB, env!("CARGO_BIN_EXE_tomoshibi"));
        let config = self.config(HUB);
        command.args([
            "extract",
            "-c",
            &config,
            "--day",
            "today",
            "--accept",
            "--no-packs",
            "--json",
        ]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn process(&self, place: usize) -> MutexGuard<'_, Option<Child>> {
        lock(&self.running[place])
    }

    /// Starts a station and waits until it listens.
    pub fn start(&self, place: usize) {
        let how = lock(&self.hows).get(&place).cloned().unwrap_or_default();
        self.start_as(place, &how);
    }

    /// From now on it is always started like this.
    pub fn starts(&self, place: usize, how: How) {
        lock(&self.hows).insert(place, how);
    }

    /// The same in a particular way. `false`: it ended before it listened.
    pub fn start_as(&self, place: usize, how: &How) -> bool {
        let (code, _) = STATIONS[place];
        let program = env!("CARGO_BIN_EXE_tomoshibi");
        let mut words: Vec<String> = how.under.clone();
        words.push(program.to_owned());
        let mut command = self.wires.at(place, &words[0]);
        let address = format!("{}:{PORT}", Wires::called(place));
        command
            .args(&words[1..])
            .args(["serve", "-c", &self.config(place), "--listen", &address]);
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log(code));
        command
            .stderr(log.expect("a log"))
            .stdout(Stdio::piped())
            .stdin(Stdio::null());
        how.variables.iter().for_each(|(name, value)| {
            command.env(name, value);
        });
        let mut child = command.spawn().expect("the program starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let listens = lines.by_ref().map_while(Result::ok).any(|line| line.contains("http"));
        // Read on: who writes where nobody reads any more gets an error for it.
        std::thread::spawn(move || lines.for_each(drop));
        *self.process(place) = Some(child);
        listens
    }

    /// Starts all of them.
    pub fn start_all(&self) {
        (0..STATIONS.len()).for_each(|place| self.start(place));
    }

    /// A power cut at a station, as far as a process sees one.
    pub fn kill(&self, place: usize) {
        if let Some(mut child) = self.process(place).take() {
            // What watches it lets it go when it is killed itself: the program first.
            for id in started_by(child.id()) {
                let _ = Command::new("kill")
                    .args(["-9", &id.to_string()])
                    .stderr(Stdio::null())
                    .status();
            }
            let _ = child.kill();
            child.wait().expect("gone");
        }
    }

    /// Whether a station's process has ended by itself.
    pub fn has_ended(&self, place: usize) -> bool {
        let mut process = self.process(place);
        process
            .as_mut()
            .is_none_or(|child| child.try_wait().is_ok_and(|ended| ended.is_some()))
    }

    fn log(&self, code: &str) -> PathBuf {
        self.path(&format!("{code}.log"))
    }

    /// Everything recorded that a station holds, byte for byte as it would go to the EHR.
    pub fn exported(&self, place: usize) -> Result<Vec<u8>, String> {
        let out = self.path(&format!("out-{place}"));
        let mut command = self.wires.at(place, env!("CARGO_BIN_EXE_tomoshibi"));
        command.args([
            "export",
            "-c",
            &self.config(place),
            "--charset",
            "utf-8",
            "--user",
            OFFICER,
        ]);
        command
            .args(["--password-file", &self.text("password")])
            .arg("--csv")
            .arg(&out);
        let output = command.output().expect("the program starts");
        match output.status.code() {
            Some(0) => Ok(std::fs::read(out.join("entries.csv")).expect("the file")),
            _ => Err(format!("{}: {}", STATIONS[place].0, said(&output))),
        }
    }

    /// The same as rows.
    pub fn rows(&self, place: usize) -> Result<Vec<Row>, String> {
        Ok(rows(&self.exported(place)?))
    }

    /// Whether a station's newest snapshot opens, every byte and every record of it; and which it is.
    pub fn verified(&self, place: usize) -> Result<u64, String> {
        self.verify(place, &["--user", OFFICER, "--password-file", &self.text("password")])
    }

    /// The same without anybody's password: signature and every byte.
    pub fn intact(&self, place: usize) -> Result<u64, String> {
        self.verify(place, &[])
    }

    fn verify(&self, place: usize, who: &[&str]) -> Result<u64, String> {
        let mut command = self.wires.at(place, env!("CARGO_BIN_EXE_tomoshibi"));
        command.args(["verify", "-c", &self.config(place), "--json"]).args(who);
        let output = command.output().expect("the program starts");
        let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        match (told["whole"].as_bool(), told["epoch"].as_u64()) {
            (Some(true), Some(epoch)) if output.status.success() => Ok(epoch),
            _ => Err(format!("{}: {}", STATIONS[place].0, said(&output))),
        }
    }
}

impl Drop for Hospital {
    fn drop(&mut self) {
        for (place, (name, ..)) in STATIONS.iter().enumerate() {
            self.kill(place);
            if std::thread::panicking() {
                let text = std::fs::read_to_string(self.log(name)).unwrap_or_default();
                let lines: Vec<&str> = text.lines().collect();
                let last = lines.get(lines.len().saturating_sub(12)..).unwrap_or_default();
                eprintln!("--- {name} said last:\n{}", last.join("\n"));
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The processes that a process started, the last ones first.
fn started_by(id: u32) -> Vec<u32> {
    let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
    let children: Vec<u32> = children.split_whitespace().filter_map(|id| id.parse().ok()).collect();
    let mut all: Vec<u32> = children.iter().flat_map(|id| started_by(*id)).collect();
    all.extend(children);
    all
}

/// One entry as the EHR would get it.
pub type Row = BTreeMap<String, String>;

fn rows(bytes: &[u8]) -> Vec<Row> {
    let text = String::from_utf8_lossy(bytes);
    let mut rows = parse(text.trim_start_matches('\u{feff}')).into_iter();
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

/// Runs a command that must succeed, in the network of the test itself.
pub fn ok(arguments: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_tomoshibi")).args(arguments).output();
    let output = output.expect("the program starts");
    assert!(output.status.success(), "{arguments:?}: {}", said(&output));
}

/// Everything a command said.
pub fn said(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    format!(
        "{}\n{}{}",
        output.status,
        String::from_utf8_lossy(out),
        String::from_utf8_lossy(err)
    )
}

/// Copies a folder with everything in it.
pub fn copy_folder(from: &Path, to: &Path) {
    let status = Command::new("cp")
        .arg("-a")
        .arg(from)
        .arg(to)
        .status()
        .expect("cp is there");
    assert!(status.success(), "{} to {}", from.display(), to.display());
}
