//! Against real printers: `ippeveprinter`, the printer of the IPP Everywhere test tools, writes what it is given to a folder.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chart::{Author, Subject};
use downtime::printing::{Health, Job, JobId, Need, Paper, Printer, Queue, Setup, Sheet, Shown, State, Stop};
use vault::HospitalId;
use vault::files::Disk;
use vault::keys::RoleSecret;

use super::tls::Trust;
use super::{Trusts, start_printers};
use crate::{clock, random};

/// Longest wait for anything; on a quiet machine each takes a second or two.
const PATIENCE: Duration = Duration::from_secs(60);

/// A printer in a folder of its own, with the private message bus that it wants to announce itself on.
struct RealPrinter {
    dir: PathBuf,
    port: u16,
    bus: Child,
    printer: Option<Child>,
    /// Its certificate and key, for TLS.
    keys: Option<PathBuf>,
}

impl RealPrinter {
    fn new(dir: &Path) -> Self {
        std::fs::create_dir_all(dir.join("spool")).unwrap();
        let bus = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--nopidfile"])
            .arg(format!("--address=unix:path={}", dir.join("bus").display()))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("dbus-daemon is there (cargo xtask setup)");
        let printer = Self {
            dir: dir.to_path_buf(),
            port: TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port(),
            bus,
            printer: None,
            keys: None,
        };
        until("the message bus", || printer.dir.join("bus").exists());
        printer
    }

    /// `command` is run by the printer for each job, with the file as its last argument.
    fn turn_on(&mut self, command: &str) {
        let script = self.dir.join("paper");
        std::fs::write(&script, format!("#!/bin/sh\n{command}\n")).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&script, mode).unwrap();
        let child = Command::new("/usr/sbin/ippeveprinter")
            .args(["-r", "off", "-n", "localhost", "-f", "application/pdf", "-p"])
            .arg(self.port.to_string())
            .arg("-d")
            .arg(self.dir.join("spool"))
            .arg("-c")
            .arg(&script)
            .args(self.keys.iter().flat_map(|keys| [Path::new("-K"), keys]))
            .arg("試験プリンタ")
            .env(
                "DBUS_SYSTEM_BUS_ADDRESS",
                format!("unix:path={}", self.dir.join("bus").display()),
            )
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("ippeveprinter is there (cargo xtask setup)");
        self.printer = Some(child);
        let address: SocketAddr = ([127, 0, 0, 1], self.port).into();
        until("the printer", || std::net::TcpStream::connect(address).is_ok());
    }

    fn turn_off(&mut self) {
        if let Some(mut child) = self.printer.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// A command that puts the page into a folder, under a name of its own.
    fn keep(&self) -> String {
        format!("cp \"$1\" '{}'/out-$$", self.dir.display())
    }

    /// Pages that came out.
    fn came_out(&self) -> Vec<Vec<u8>> {
        let files = std::fs::read_dir(&self.dir).unwrap().map(|file| file.unwrap().path());
        let out = files.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("out-"));
        out.map(|path| std::fs::read(path).unwrap()).collect()
    }

    fn listed(&self, name: &str) -> Printer {
        Printer {
            name: name.into(),
            uri: format!("ipp://localhost:{}/ipp/print", self.port),
            place: String::new(),
            trays: BTreeMap::from([(Paper::A4, String::new()), (Paper::A5, String::new())]),
            stations: Vec::new(),
        }
    }
}

impl Drop for RealPrinter {
    fn drop(&mut self) {
        self.turn_off();
        let _ = self.bus.kill();
        let _ = self.bus.wait();
    }
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

fn queue(dir: &Path, journal: &RoleSecret, printers: Vec<Printer>) -> Arc<Queue> {
    let queue = Arc::new(Queue::new(Setup {
        files: Arc::new(Disk),
        dir: dir.join("print"),
        hospital: HospitalId([7; 16]),
        journal: journal.public(),
        randomness: Arc::new(|| Box::new(random::system())),
        station: "R03".into(),
        printers,
    }));
    queue.unlock(journal, clock::now());
    queue
}

fn sheet(form: &str, paper: Paper, pdf: &[u8]) -> Sheet {
    Sheet {
        job: Job {
            form: form.into(),
            number: "032011270001".into(),
            subject: Subject::Hospital,
            by: Author::default(),
            at: clock::now(),
            pages: 1,
            paper: paper.word().into(),
        },
        pdf: pdf.to_vec(),
    }
}

fn pdf(filling: usize) -> Vec<u8> {
    let mut pdf = b"%PDF-1.4\n".to_vec();
    pdf.extend((0..filling).map(|n| u8::try_from(n * 31 % 251).unwrap()));
    pdf.extend(b"\n%%EOF\n");
    pdf
}

fn shown(queue: &Queue, id: JobId) -> Option<Shown> {
    queue.shown(id)
}

fn key() -> RoleSecret {
    RoleSecret::random(&mut random::system())
}

#[test]
fn pages_arrive_byte_for_byte_and_leave_the_disk() {
    let (dir, journal) = (tempfile::tempdir().unwrap(), key());
    let mut real = RealPrinter::new(&dir.path().join("real"));
    real.turn_on(&real.keep());
    // The same machine, once with the tray left to it and once with a tray named.
    let mut upper = real.listed("1階受付 上段");
    upper.trays = BTreeMap::from([(Paper::A4, "main".into())]);
    let queue = queue(dir.path(), &journal, vec![real.listed("1階受付"), upper]);
    start_printers(&queue, &Trusts::new()).unwrap();
    let mut sent = vec![pdf(70_000), pdf(300)];
    for (page, printer) in sent.iter().zip(["1階受付", "1階受付 上段"]) {
        queue.add(sheet("F01", Paper::A4, page), printer, clock::now()).unwrap();
    }
    until("both sheets", || queue.overview().over.len() == 2);
    let mut out = real.came_out();
    out.sort();
    sent.sort();
    assert_eq!(out, sent);
    assert!(queue.overview().over.iter().all(|over| over.printed));
    assert_eq!(std::fs::read_dir(dir.path().join("print")).unwrap().count(), 0);
    until("the printer's word", || {
        queue.condition("1階受付").health == Health::Ready
    });
}

#[test]
fn a_printer_that_is_off_gets_the_sheet_when_it_is_on_again_also_after_a_restart() {
    let (dir, journal) = (tempfile::tempdir().unwrap(), key());
    let mut real = RealPrinter::new(&dir.path().join("real"));
    let first = queue(dir.path(), &journal, vec![real.listed("1階受付")]);
    start_printers(&first, &Trusts::new()).unwrap();
    let page = pdf(5_000);
    let id = first
        .add(sheet("F02", Paper::A4, &page), "1階受付", clock::now())
        .unwrap();
    until("silence noticed", || first.stuck() == 1);
    assert!(matches!(shown(&first, id).unwrap().state, State::Waiting(_)));
    drop(first);
    let second = queue(dir.path(), &journal, vec![real.listed("1階受付")]);
    assert!(
        matches!(shown(&second, id).unwrap().state, State::Waiting(_)),
        "nothing is lost"
    );
    start_printers(&second, &Trusts::new()).unwrap();
    real.turn_on(&real.keep());
    until("the sheet", || second.overview().over.len() == 1);
    assert_eq!(real.came_out(), [page]);
}

#[test]
fn killed_while_a_sheet_is_with_the_printer_it_is_asked_about_and_never_sent_again() {
    let (dir, journal) = (tempfile::tempdir().unwrap(), key());
    let mut real = RealPrinter::new(&dir.path().join("real"));
    // A slow sheet: it comes out when the test says so.
    let gate = dir.path().join("gate");
    real.turn_on(&format!(
        "while [ ! -e '{}' ]; do sleep 0.05; done; {}",
        gate.display(),
        real.keep()
    ));
    let first = queue(dir.path(), &journal, vec![real.listed("1階受付")]);
    start_printers(&first, &Trusts::new()).unwrap();
    let page = pdf(2_000);
    let id = first
        .add(sheet("F01", Paper::A4, &page), "1階受付", clock::now())
        .unwrap();
    until("the printer has it", || {
        matches!(shown(&first, id).unwrap().state, State::Printing(..))
    });
    drop(first);
    let second = queue(dir.path(), &journal, vec![real.listed("1階受付")]);
    assert!(matches!(shown(&second, id).unwrap().state, State::Printing(..)));
    start_printers(&second, &Trusts::new()).unwrap();
    std::fs::write(&gate, b"").unwrap();
    until("the printer's word that it came out", || {
        second.overview().over.len() == 1
    });
    assert_eq!(real.came_out(), [page], "once");
}

#[test]
fn a_handing_over_that_breaks_off_is_said_and_waits_for_a_person() {
    let (dir, journal) = (tempfile::tempdir().unwrap(), key());
    let mut real = RealPrinter::new(&dir.path().join("real"));
    real.turn_on(&real.keep());
    let listed = real.listed("1階受付");
    let first = queue(dir.path(), &journal, vec![listed.clone()]);
    let page = pdf(2_000);
    let id = first
        .add(sheet("F01", Paper::A4, &page), "1階受付", clock::now())
        .unwrap();
    // The program ends between the note that it is being handed over and the printer's answer.
    let ticket_job = shown(&first, id).unwrap().job;
    assert!(first.begin(id, "1階受付", clock::now()));
    let client = super::Client::new(&listed, None).unwrap();
    let ticket = super::Ticket { id, job: &ticket_job };
    assert!(matches!(client.print(&ticket, &page), super::Handed::Accepted(_)));
    drop(first);
    let second = queue(dir.path(), &journal, vec![listed]);
    start_printers(&second, &Trusts::new()).unwrap();
    until("the sheet of the first life", || real.came_out().len() == 1);
    assert!(
        matches!(shown(&second, id).unwrap().state, State::Unsure(_)),
        "nobody knows"
    );
    until("the printer was asked", || {
        second.condition("1階受付").health == Health::Ready
    });
    assert_eq!(real.came_out().len(), 1, "it does not go out by itself");
    second.resend(id, "1階受付", clock::now()).unwrap();
    until("what a person sent again", || second.overview().over.len() == 1);
    assert_eq!(real.came_out().len(), 2);
}

#[test]
fn what_a_printer_wants_is_heard_and_another_one_takes_the_sheet() {
    let (dir, journal) = (tempfile::tempdir().unwrap(), key());
    let (mut jammed, mut other) = (
        RealPrinter::new(&dir.path().join("jammed")),
        RealPrinter::new(&dir.path().join("other")),
    );
    jammed.turn_on("echo 'STATE: +media-jam-error' >&2; exit 1");
    other.turn_on(&other.keep());
    let queue = queue(
        dir.path(),
        &journal,
        vec![jammed.listed("1階受付"), other.listed("2階")],
    );
    start_printers(&queue, &Trusts::new()).unwrap();
    let page = pdf(900);
    let id = queue
        .add(sheet("F01", Paper::A4, &page), "1階受付", clock::now())
        .unwrap();
    until("the jam", || {
        shown(&queue, id).is_some_and(|s| matches!(s.state, State::Stopped(_, Stop::Aborted)))
            && queue.condition("1階受付").needs.contains(&Need::Jam)
    });
    queue.resend(id, "2階", clock::now()).unwrap();
    until("the other printer", || queue.overview().over.len() == 1);
    assert_eq!((jammed.came_out().len(), other.came_out()), (0, vec![page]));
}

#[test]
fn an_address_that_is_no_printer_and_paper_it_has_not_are_said() {
    let (dir, journal) = (tempfile::tempdir().unwrap(), key());
    let mut real = RealPrinter::new(&dir.path().join("real"));
    real.turn_on(&real.keep());
    let mut elsewhere = real.listed("住所違い");
    elsewhere.uri = format!("http://localhost:{}/no/such/queue", real.port);
    let queue = queue(dir.path(), &journal, vec![elsewhere, real.listed("1階受付")]);
    start_printers(&queue, &Trusts::new()).unwrap();
    // This printer holds no A5, whatever the configuration says of it.
    for (printer, paper, why) in [
        ("住所違い", Paper::A4, Stop::NoSuchPrinter),
        ("1階受付", Paper::A5, Stop::NotPrintable),
    ] {
        let id = queue.add(sheet("F01", paper, &pdf(10)), printer, clock::now()).unwrap();
        until(printer, || {
            shown(&queue, id).is_some_and(|s| s.state == State::Stopped(printer.into(), why))
        });
    }
    assert!(real.came_out().is_empty());
}

/// An authority and a printer's certificate that it signed, as a hospital makes them with openssl.
fn certificates(dir: &Path, host: &str) -> (PathBuf, PathBuf) {
    let keys = dir.join("keys");
    std::fs::create_dir_all(&keys).unwrap();
    std::fs::write(
        dir.join("ext"),
        format!("subjectAltName=DNS:{host}\nbasicConstraints=CA:FALSE\n"),
    )
    .unwrap();
    let openssl = |line: &str| {
        let done = Command::new("openssl").args(line.split(' ')).current_dir(dir).output();
        let done = done.expect("openssl is there (cargo xtask setup)");
        assert!(
            done.status.success(),
            "{line}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
    };
    openssl("req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 30 -subj /CN=Hospital");
    openssl("req -newkey rsa:2048 -nodes -keyout keys/localhost.key -out printer.csr -subj /CN=printer");
    openssl(
        "x509 -req -in printer.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out keys/localhost.crt -days 30 -extfile ext",
    );
    (dir.join("ca.pem"), keys)
}

fn fingerprint(certificate: &Path) -> String {
    let said = Command::new("openssl")
        .args(["x509", "-noout", "-fingerprint", "-sha256", "-in"])
        .arg(certificate)
        .output()
        .unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    said.trim().split_once('=').unwrap().1.to_owned()
}

#[test]
fn an_encrypted_printer_gets_sheets_only_when_it_proves_who_it_is() {
    let (dir, journal) = (tempfile::tempdir().unwrap(), key());
    let mut real = RealPrinter::new(&dir.path().join("real"));
    let (ca, keys) = certificates(dir.path(), "localhost");
    let pin = Trust::pinned(&fingerprint(&keys.join("localhost.crt"))).unwrap();
    let stranger = dir.path().join("stranger");
    std::fs::create_dir_all(&stranger).unwrap();
    let (other_ca, _) = certificates(&stranger, "elsewhere");
    real.keys = Some(keys);
    real.turn_on(&real.keep());
    let names = ["認証局", "証明書", "別の認証局", "別の証明書"];
    let printers = names.map(|name| Printer {
        uri: format!("ipps://localhost:{}/ipp/print", real.port),
        ..real.listed(name)
    });
    let trusts = Trusts::from([
        (names[0].to_owned(), Trust::authority(&ca).unwrap()),
        (names[1].to_owned(), pin),
        (names[2].to_owned(), Trust::authority(&other_ca).unwrap()),
        (names[3].to_owned(), Trust::Pinned([7; 32])),
    ]);
    let queue = queue(dir.path(), &journal, printers.into());
    start_printers(&queue, &trusts).unwrap();
    for (printer, page) in names.iter().zip([pdf(70_000), pdf(300), pdf(400), pdf(500)]) {
        queue
            .add(sheet("F01", Paper::A4, &page), printer, clock::now())
            .unwrap();
    }
    until("two sheets, and two that are not sent", || {
        let seen = queue.overview();
        seen.over.len() == 2 && seen.jobs.iter().all(|job| job.state.needs_somebody())
    });
    let stopped = queue.overview().jobs;
    for (job, name) in stopped.iter().zip([names[2], names[3]]) {
        assert_eq!(job.state, State::Stopped(name.into(), Stop::NotProven));
    }
    let mut out = real.came_out();
    out.sort_by_key(Vec::len);
    assert_eq!(out, [pdf(300), pdf(70_000)]);
}

#[test]
fn a_certificate_for_another_name_is_no_proof_unless_it_is_pinned() {
    let (dir, journal) = (tempfile::tempdir().unwrap(), key());
    let mut real = RealPrinter::new(&dir.path().join("real"));
    let (ca, keys) = certificates(dir.path(), "printer-7.hospital.example");
    let pin = Trust::pinned(&fingerprint(&keys.join("localhost.crt"))).unwrap();
    real.keys = Some(keys);
    real.turn_on(&real.keep());
    let uri = format!("ipps://localhost:{}/ipp/print", real.port);
    let printers = ["名前違い", "指紋"].map(|name| Printer {
        uri: uri.clone(),
        ..real.listed(name)
    });
    let trusts = Trusts::from([
        ("名前違い".to_owned(), Trust::authority(&ca).unwrap()),
        ("指紋".to_owned(), pin),
    ]);
    let queue = queue(dir.path(), &journal, printers.into());
    start_printers(&queue, &trusts).unwrap();
    for printer in ["名前違い", "指紋"] {
        queue
            .add(sheet("F01", Paper::A4, &pdf(10)), printer, clock::now())
            .unwrap();
    }
    until("one sheet, and one that is not sent", || {
        let seen = queue.overview();
        seen.over.len() == 1 && seen.jobs.iter().all(|job| job.state.needs_somebody())
    });
    assert_eq!(
        queue.overview().jobs[0].state,
        State::Stopped("名前違い".into(), Stop::NotProven)
    );
    assert_eq!(real.came_out().len(), 1);
}
