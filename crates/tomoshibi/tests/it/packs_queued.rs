//! A pack straight to a real printer: every sheet once, over a printer that stops and a command that is killed.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::one_day::Hospital;
use crate::program::{run, start};

/// `ippeveprinter` in a folder of its own; `script` is run for every job, with the file as `$1`.
struct RealPrinter {
    dir: PathBuf,
    children: [Child; 2],
}

impl RealPrinter {
    fn on(dir: &Path, port: u16, script: &str) -> Self {
        std::fs::create_dir_all(dir.join("spool")).expect("a folder");
        let command = dir.join("paper");
        std::fs::write(&command, format!("#!/bin/sh\n{script}\n")).expect("a script");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&command, mode).expect("a script");
        let bus = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--nopidfile"])
            .arg(format!("--address=unix:path={}", dir.join("bus").display()))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("dbus-daemon is there (cargo xtask setup)");
        until("the message bus", || dir.join("bus").exists());
        let printer = Command::new("/usr/sbin/ippeveprinter")
            .args(["-r", "off", "-n", "localhost", "-f", "application/pdf", "-p"])
            .arg(port.to_string())
            .arg("-d")
            .arg(dir.join("spool"))
            .arg("-c")
            .arg(&command)
            .arg("試験プリンタ")
            .env(
                "DBUS_SYSTEM_BUS_ADDRESS",
                format!("unix:path={}", dir.join("bus").display()),
            )
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("ippeveprinter is there (cargo xtask setup)");
        let address: SocketAddr = ([127, 0, 0, 1], port).into();
        until("the printer", || TcpStream::connect(address).is_ok());
        Self {
            dir: dir.to_owned(),
            children: [printer, bus],
        }
    }

    /// Bytes of every page that came out.
    fn came_out(&self) -> Vec<Vec<u8>> {
        let files = std::fs::read_dir(&self.dir)
            .expect("a folder")
            .map(|file| file.expect("a file").path());
        let out = files.filter(|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("out-"))
        });
        out.map(|path| std::fs::read(path).expect("read")).collect()
    }
}

impl Drop for RealPrinter {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(90), "waited in vain for {what}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// A department with a handful of patients, and how many sheets its pack has.
fn department(hospital: &Hospital) -> (String, usize) {
    let export = hospital.path("export");
    let list = std::fs::read_dir(&export)
        .expect("the export")
        .map(|file| file.expect("a file").path());
    let mut counts = std::collections::BTreeMap::<String, usize>::new();
    for path in list.filter(|path| path.to_string_lossy().contains("予約一覧_")) {
        let bytes = std::fs::read(path).expect("the list");
        for line in bytes.split(|byte| *byte == b'\n').skip(1) {
            // CP932: a comma is a comma, and codes are ASCII.
            if let Some(code) = line.split(|byte| *byte == b',').nth(8) {
                *counts.entry(String::from_utf8_lossy(code).into_owned()).or_default() += 1;
            }
        }
    }
    let found = counts
        .into_iter()
        .filter(|(_, count)| *count >= 4)
        .min_by_key(|(_, count)| *count);
    let (code, count) = found.expect("a department with four patients");
    (code, count + 1)
}

#[test]
fn a_pack_goes_to_a_listed_printer_once_whatever_stops_on_the_way() {
    let hospital = Hospital::new(40);
    hospital.extract();
    let port = TcpListener::bind("127.0.0.1:0")
        .and_then(|l| l.local_addr())
        .expect("a port")
        .port();
    let (config, password) = (hospital.config(), hospital.text("password"));
    let text = std::fs::read_to_string(&config).expect("read");
    let listed = format!(
        "{text}\n[[printer]]\nname = \"1階受付\"\nuri = \"ipp://localhost:{port}/ipp/print\"\ntrays = {{ A4 = \"\", A5 = \"\" }}\n"
    );
    std::fs::write(&config, listed).expect("written");
    let (code, sheets) = department(&hospital);
    let words = [
        "print",
        "-c",
        &config,
        "pack",
        "--department",
        &code,
        "--user",
        "9001",
        "--password-file",
        &password,
    ];
    let pack = |more: &[&str]| {
        let output = run(&[&words[..], more].concat());
        let said = serde_json::from_slice::<Value>(&output.stdout).unwrap_or_default();
        (
            output.status.code(),
            said,
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };

    // Only printers of the list.
    let (status, _, fault) = pack(&["--printer", "どこか"]);
    assert_eq!(status, Some(1), "{fault}");
    assert!(
        fault.contains("設定にありません") && fault.contains("1階受付"),
        "{fault}"
    );

    // The printer gives up its third sheet: what came out is out, nothing is added behind it.
    let dir = hospital.path("printer");
    let keep = format!(
        "if [ $(ls '{0}' | grep -c ^out-) -ge 2 ] && [ ! -e '{0}/mended' ]; then exit 1; fi; cp \"$1\" '{0}'/out-$$",
        dir.display()
    );
    let real = RealPrinter::on(&dir, port, &keep);
    let (status, said, fault) = pack(&["--printer", "1階受付", "--json"]);
    assert_eq!(status, Some(3), "{said} {fault}");
    assert_eq!(real.came_out().len(), 2);
    assert!(!said["left"].as_array().expect("what is left").is_empty(), "{said}");

    // Without --resend what stopped stays; the command is killed while a sheet is with the printer.
    std::fs::write(dir.join("mended"), b"").expect("mended");
    let mut killed = start(&[&words[..], &["--printer", "1階受付", "--resend", "--json"]].concat());
    until("another sheet", || real.came_out().len() >= 3);
    killed.kill().expect("killed");
    killed.wait().expect("dead");
    let mut all_said = String::new();
    for _ in 0..4 {
        let (status, said, fault) = pack(&["--printer", "1階受付", "--json"]);
        all_said.push_str(&format!("{status:?} {said} {fault}\n"));
        if status == Some(0) {
            break;
        }
        // What nobody knows is named: a person looks, and says again.
        let packs = said["packs"].as_array().cloned().unwrap_or_default();
        let doubtful = packs
            .iter()
            .flat_map(|pack| pack["doubtful"].as_array().cloned().unwrap_or_default());
        let numbers: Vec<String> = doubtful
            .filter_map(|line| Some(line.as_str()?.split(' ').nth(1)?.to_owned()))
            .collect();
        let there = real.came_out().len();
        let missing = sheets - there.min(sheets);
        let wish: Vec<&str> = numbers
            .iter()
            .take(missing)
            .flat_map(|n| ["--again", n.as_str()])
            .collect();
        let (_, said, _) = pack(&[&["--printer", "1階受付", "--resend", "--json"][..], &wish].concat());
        all_said.push_str(&format!("again {wish:?}: {said}\n"));
        if real.came_out().len() >= sheets {
            break;
        }
    }
    let mut out = real.came_out();
    let all = out.len();
    out.sort();
    out.dedup();
    assert_eq!(out.len(), sheets, "every sheet came out\n{all_said}");
    // The one that was with the printer when the command died may be there twice: it was said, and a person sent it.
    assert!(all <= sheets + 1, "{all} of {sheets}\n{all_said}");
    // Nothing is left in the clear, and nothing goes out again unasked.
    let (_, said, _) = pack(&["--printer", "1階受付", "--json"]);
    assert_eq!(said["packs"][0]["sheets"], 0, "{said}");
    assert_eq!(real.came_out().len(), all);
    let kept = std::fs::read(hospital.path("hub/data/print-pack.sheets")).expect("the ledger");
    assert!(!kept.windows(5).any(|five| five == b"%PDF-"));
}
