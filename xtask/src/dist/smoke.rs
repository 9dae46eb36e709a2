//! The Windows program under wine: makes a hub, seals, opens, verifies, prints, serves, stops when told, and registers as a service.
//!
//! Wine is no Windows. What this cannot show is printed at the end, so that nobody takes it for shown.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::Version;
use crate::counts::Counts;
use crate::setup::{Tool, debian_packages};

const WINE: &str = "/usr/lib/wine/wine64";
const TOOLS: [Tool; 3] = [
    Tool {
        program: WINE,
        package: "wine64",
        why: "runs the program for Windows",
    },
    Tool {
        program: "pdftotext",
        package: "poppler-utils",
        why: "reads the printed forms back",
    },
    Tool {
        program: "pdftoppm",
        package: "poppler-utils",
        why: "shows a printed page",
    },
];

const PASSWORD: &str = "correct horse battery staple";

/// Longest a single command may take.
const PATIENCE: Duration = Duration::from_secs(600);

const NOT_TRIED: &str =
    "Not tried here, because wine is no Windows (docs/operating/windows.md has the list for a hospital):
  rights of files (icacls does nothing in wine), the virtual account NT SERVICE\\tomoshibi, a start with the machine,
  restart after a fault, antivirus, the firewall, sleep and power loss, a real NTFS disk, printers, Edge.";

struct Wine {
    dir: PathBuf,
    program: PathBuf,
    passed: u32,
}

/// Runs every check; what it made stays in `target/dist/smoke`.
pub fn run(target: &Path, program: &Path, version: &Version) -> Result<Counts> {
    debian_packages(&TOOLS)?;
    let dir = target.join("dist").join("smoke");
    if dir.exists() {
        fs::remove_dir_all(&dir)?;
    }
    fs::create_dir_all(&dir)?;
    let mut wine = Wine {
        program: program.to_path_buf(),
        passed: 0,
        dir,
    };
    let outcome = wine.prepare().and_then(|()| wine.all(version));
    println!("{NOT_TRIED}");
    let failed = u64::from(outcome.is_err());
    if let Err(error) = outcome {
        eprintln!("{error:#}");
    }
    Ok(Counts {
        passed: u64::from(wine.passed),
        failed,
    })
}

impl Wine {
    /// A Windows of its own, with the library that wine 8 lacks and every Rust program asks for randomness.
    fn prepare(&self) -> Result<()> {
        let mut boot = Command::new(WINE);
        boot.args(["wineboot", "--init"])
            .env("WINEPREFIX", self.dir.join("wine"))
            .env("WINEDEBUG", "-all");
        let booted = boot.env_remove("DISPLAY").stdin(Stdio::null()).output()?;
        ensure!(booted.status.success(), "wine makes no Windows: {}", said(&booted));
        let library = self.dir.join("wine/drive_c/windows/system32/bcryptprimitives.dll");
        if !library.exists() {
            let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/dist/bcryptprimitives.c");
            let mut compiler = Command::new("x86_64-w64-mingw32-gcc");
            let made = compiler
                .args(["-shared", "-O1", "-o"])
                .arg(&library)
                .arg(source)
                .arg("-ladvapi32")
                .status()?;
            ensure!(made.success(), "the library for randomness could not be made");
        }
        Ok(())
    }

    fn all(&mut self, version: &Version) -> Result<()> {
        let said = self.ok(&["--version"])?;
        ensure!(
            said.trim() == format!("tomoshibi {}", version.number),
            "it calls itself {said:?}"
        );
        self.pass("it starts and says its version");

        fs::write(self.dir.join("password"), PASSWORD)?;
        self.ok(&[
            "synth",
            "--patients",
            "40",
            "--beds",
            "0",
            "--date",
            "today",
            "--seed",
            "7",
            "--out",
            "export",
        ])?;
        self.ok(&[
            "init",
            "--dir",
            "hub",
            "--hospital",
            "煙の病院",
            "--user",
            "9001",
            "--name",
            "灯山　明",
            "--password-file",
            "password",
            "--privacy-user",
            "9101",
            "--privacy-name",
            "守山　望",
            "--privacy-password-file",
            "password",
        ])?;
        self.configure()?;
        self.pass("init and synth");

        for round in 1..=5 {
            self.extract(&format!("extract {round}"))?;
        }
        self.pass("five extracts one after the other, slots used again");
        let said = self.ok(&[
            "verify",
            "-c",
            "hub/tomoshibi.toml",
            "--user",
            "9001",
            "--password-file",
            "password",
            "--json",
        ])?;
        ensure!(said.contains("\"whole\":true"), "{said}");
        self.pass("verify opens every record");
        self.print()?;
        self.serve()?;
        self.service()
    }

    fn configure(&self) -> Result<()> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("the repository")?;
        fs::copy(
            root.join("fixtures/hospital/a/mapping.toml"),
            self.dir.join("hub/mapping.toml"),
        )?;
        let path = self.dir.join("hub/tomoshibi.toml");
        let text = fs::read_to_string(&path)?;
        // With the mark that the editor of Windows writes, and its ends of lines.
        let text = format!(
            "\u{feff}{text}\n[extract]\ndir = \"../export\"\nmapping = \"mapping.toml\"\nrefresh_minutes = 0\n"
        );
        fs::write(path, text.replace('\n', "\r\n"))?;
        Ok(())
    }

    fn extract(&self, what: &str) -> Result<()> {
        let done = self.run(&[
            "extract",
            "-c",
            "hub/tomoshibi.toml",
            "--day",
            "today",
            "--no-packs",
            "--accept",
            "--json",
        ])?;
        ensure!(matches!(done.status.code(), Some(0 | 3)), "{what}: {}", said(&done));
        Ok(())
    }

    fn print(&mut self) -> Result<()> {
        let who = ["--user", "9001", "--password-file", "password"];
        let pack = ["print", "-c", "hub/tomoshibi.toml", "pack", "--out", "paper", "--json"];
        self.ok(&[&pack[..], &who].concat())?;
        let mut pdfs: Vec<PathBuf> = fs::read_dir(self.dir.join("paper"))?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|ending| ending == "pdf"))
            .collect();
        pdfs.sort();
        let pdf = pdfs.first().context("no PDF was made")?;
        let text = Command::new("pdftotext").arg(pdf).arg("-").output()?;
        let text = String::from_utf8_lossy(&text.stdout).into_owned();
        ensure!(
            text.contains("煙の病院") && text.contains("データ時点"),
            "{} says:\n{text}",
            pdf.display()
        );
        let picture = self.dir.join("page");
        let shown = Command::new("pdftoppm")
            .args(["-png", "-r", "60", "-f", "1", "-l", "2"])
            .arg(pdf)
            .arg(&picture)
            .status()?;
        ensure!(shown.success(), "pdftoppm");
        self.pass("print makes PDFs that read as Japanese");
        println!("  look at {}*.png", picture.display());
        Ok(())
    }

    fn serve(&mut self) -> Result<()> {
        let mut child = self
            .command(&[
                "serve",
                "--supervised",
                "--listen",
                "127.0.0.1:0",
                "-c",
                "hub/tomoshibi.toml",
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let outcome = self.visit(&mut child);
        let leash = child.stdin.take();
        if let Err(error) = outcome {
            let _ = child.kill();
            let _ = child.wait();
            return Err(error);
        }
        // The desk is open and a snapshot is in use: another is sealed beside it, and taken into use.
        for round in 1..=4 {
            self.extract(&format!("extract {round} beside a running station"))?;
        }
        self.pass("four extracts beside a running station");
        drop(leash);
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            if let Some(status) = child.try_wait()? {
                ensure!(status.success(), "the station ended with {status}");
                break;
            }
            if Instant::now() > until {
                let _ = child.kill();
                bail!("the station did not stop when it was told to");
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        self.pass("the station stops when it is told to");
        Ok(())
    }

    fn visit(&mut self, child: &mut Child) -> Result<()> {
        let output = child.stdout.take().context("its output")?;
        let mut lines = BufReader::new(output).lines();
        let mut base = String::new();
        for line in lines.by_ref() {
            let line = line?;
            if let Some(address) = line.split_whitespace().find(|word| word.starts_with("http://")) {
                address.clone_into(&mut base);
            }
            if line.starts_with("TOMOSHIBI-UP") {
                break;
            }
        }
        let address = base.trim_start_matches("http://").trim_end_matches('/').to_owned();
        ensure!(!address.is_empty(), "the station did not come up");
        // What it goes on to print is read, so that it never waits for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        let page = ask(&address, "GET / HTTP/1.1", "", "")?;
        ensure!(page.contains("煙の病院"), "the first page says:\n{page}");
        let form = format!("user=9001&password={}", PASSWORD.replace(' ', "+"));
        let entered = ask(
            &address,
            "POST /sign-in HTTP/1.1",
            "Sec-Fetch-Site: same-origin\r\n",
            &form,
        )?;
        let cookie = entered
            .lines()
            .find_map(|line| {
                line.strip_prefix("set-cookie: ")
                    .or_else(|| line.strip_prefix("Set-Cookie: "))
            })
            .and_then(|line| line.split(';').next())
            .with_context(|| format!("nobody came in:\n{entered}"))?
            .to_owned();
        let page = ask(&address, "GET / HTTP/1.1", &format!("Cookie: {cookie}\r\n"), "")?;
        ensure!(page.contains("灯山"), "the page after signing in says:\n{page}");
        self.pass("the desk answers and a person signs in");
        Ok(())
    }

    /// Wine has a service manager: registered, asked, stopped and removed, twice over.
    fn service(&mut self) -> Result<()> {
        let install = [
            "service",
            "install",
            "-c",
            "hub/tomoshibi.toml",
            "--program-dir",
            "programs",
        ];
        let said = self.ok(&[&install[..], &["--dry-run"]].concat())?;
        ensure!(said.contains("NT SERVICE\\tomoshibi"), "{said}");
        let status = ["service", "status", "--json"];
        let before = self.run(&status)?;
        ensure!(before.status.code() == Some(3), "{}", self::said(&before));
        self.ok(&install)?;
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let now = self.run(&status)?;
            if now.status.success() {
                break;
            }
            ensure!(Instant::now() < until, "the service does not run: {}", self::said(&now));
            std::thread::sleep(Duration::from_millis(500));
        }
        ensure!(
            self.dir.join("programs/tomoshibi.exe").is_file(),
            "the program was not put in its place"
        );
        self.pass("the service is registered and runs");
        self.ok(&install)?;
        self.pass("installing again changes the same service");
        self.ok(&["service", "uninstall"])?;
        let after = self.run(&status)?;
        ensure!(after.status.code() == Some(3), "{}", self::said(&after));
        self.ok(&["service", "uninstall"])?;
        self.pass("the service is removed; removing again is fine");
        Ok(())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(WINE);
        command.arg(&self.program).args(arguments).current_dir(&self.dir);
        command
            .env("WINEPREFIX", self.dir.join("wine"))
            .env("WINEDEBUG", "-all")
            .env_remove("DISPLAY");
        command
            .env("LC_ALL", "C.UTF-8")
            .env("TOMOSHIBI_LOG", "warn")
            .stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Result<Output> {
        let mut child = self
            .command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (mut out, mut err) = (
            child.stdout.take().context("output")?,
            child.stderr.take().context("errors")?,
        );
        let errors = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            err.read_to_end(&mut bytes).map(|_| bytes)
        });
        let words = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            out.read_to_end(&mut bytes).map(|_| bytes)
        });
        let until = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if Instant::now() > until {
                let _ = child.kill();
                bail!("{arguments:?} does not end");
            }
            std::thread::sleep(Duration::from_millis(50));
        };
        let read = |thread: std::thread::JoinHandle<std::io::Result<Vec<u8>>>| thread.join().ok().and_then(Result::ok);
        Ok(Output {
            status,
            stdout: read(words).unwrap_or_default(),
            stderr: read(errors).unwrap_or_default(),
        })
    }

    fn ok(&self, arguments: &[&str]) -> Result<String> {
        let done = self.run(arguments)?;
        ensure!(done.status.success(), "{arguments:?}: {}", said(&done));
        Ok(String::from_utf8_lossy(&done.stdout).into_owned())
    }

    fn pass(&mut self, what: &str) {
        self.passed += 1;
        println!("  ○ {what}");
    }
}

fn said(done: &Output) -> String {
    let (out, err) = (
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr),
    );
    format!("{}\n{out}\n{err}", done.status)
}

/// One request on its own connection; the whole answer as text.
fn ask(address: &str, first: &str, headers: &str, body: &str) -> Result<String> {
    let mut line = TcpStream::connect(address)?;
    line.set_read_timeout(Some(Duration::from_secs(60)))?;
    let kind = if body.is_empty() {
        ""
    } else {
        "Content-Type: application/x-www-form-urlencoded\r\n"
    };
    write!(
        line,
        "{first}\r\nHost: {address}\r\nAccept-Language: ja\r\nConnection: close\r\n{headers}{kind}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut bytes = Vec::new();
    line.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
