//! Invented hospitals to measure on: export, hub, staff, a sealed snapshot of today, a declared downtime.
//!
//! It deliberately goes through the program's public commands only, and makes each hospital once per call.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::rc::Rc;

use anyhow::{Context, Result, bail};

use super::http::{self, Connection};
use super::server::Server;

/// Staff number of the informatics officer.
pub const OFFICER: &str = "9001";
/// Staff number of the physician.
pub const PHYSICIAN: &str = "1001";
/// Everybody's password: these hospitals hold nobody.
pub const PASSWORD: &str = "a lantern kept for measuring";

/// The hospitals of one call; their folders are removed with it.
pub struct Hospitals {
    root: PathBuf,
    target: PathBuf,
    built: bool,
    made: RefCell<BTreeMap<u32, Rc<Hospital>>>,
}

impl Hospitals {
    /// None yet. The program is built before the first, unless it is `built` already.
    pub fn new(root: &Path, target: &Path, built: bool) -> Result<Self> {
        Ok(Self {
            root: root.to_path_buf(),
            // A server started elsewhere must find its files.
            target: std::path::absolute(target).context("Cargo's output folder")?,
            built,
            made: RefCell::default(),
        })
    }

    /// The top folder of the repository.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Cargo's output folder.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// The hospital with this many patients booked today.
    pub fn of(&self, patients: u32) -> Result<Rc<Hospital>> {
        if let Some(hospital) = self.made.borrow().get(&patients) {
            return Ok(Rc::clone(hospital));
        }
        if !self.built && self.made.borrow().is_empty() {
            self.build_the_program()?;
        }
        eprintln!("making a hospital of {patients} …");
        let hospital = Hospital {
            program: self.target.join("release").join("tomoshibi"),
            mapping: self.root.join("fixtures/hospital/a/mapping.toml"),
            folder: self.target.join("bench").join(format!("hospital-{patients}")),
        };
        let made = hospital.make(patients);
        let hospital = Rc::new(hospital);
        // Also one that is half made is known, so that its folder is removed.
        self.made.borrow_mut().insert(patients, Rc::clone(&hospital));
        made.with_context(|| format!("the hospital of {patients}"))?;
        Ok(hospital)
    }

    fn build_the_program(&self) -> Result<()> {
        let status = Command::new("cargo")
            .args(["build", "--release", "--locked", "--quiet", "-p", "tomoshibi"])
            .current_dir(&self.root)
            .status()
            .context("cargo")?;
        if !status.success() {
            bail!("the program cannot be built");
        }
        // Beside the program, so that both come from one build of Typst.
        let status = Command::new("cargo")
            .args([
                "build",
                "--release",
                "--locked",
                "--quiet",
                "-p",
                "tomoshibi",
                "-p",
                "press",
                "--example",
                "morning",
            ])
            .current_dir(&self.root)
            .status()
            .context("cargo")?;
        if !status.success() {
            bail!("the example `morning` of press cannot be built");
        }
        Ok(())
    }
}

impl Drop for Hospitals {
    fn drop(&mut self) {
        for hospital in self.made.borrow().values() {
            // What stays behind is removed by the next call that makes it.
            let _ = std::fs::remove_dir_all(&hospital.folder);
        }
    }
}

/// One hospital on the disk.
pub struct Hospital {
    program: PathBuf,
    mapping: PathBuf,
    folder: PathBuf,
}

impl Hospital {
    /// The program under test.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Where the EHR writes its export.
    pub fn export(&self) -> PathBuf {
        self.folder.join("export")
    }

    /// The hub's configuration.
    pub fn config(&self) -> PathBuf {
        self.folder.join("hub").join("tomoshibi.toml")
    }

    /// The hub's data.
    pub fn data(&self) -> PathBuf {
        self.folder.join("hub").join("data")
    }

    /// A file with everybody's password.
    pub fn password_file(&self) -> PathBuf {
        self.folder.join("password.txt")
    }

    /// The largest snapshot on the hub's shelf: all of them hold the same day.
    pub fn snapshot_file(&self) -> Result<PathBuf> {
        let shelf = self.folder.join("hub/data/shelf");
        let files = ["A", "B", "C"].map(|slot| shelf.join(slot).join("snapshot.tmb"));
        let largest = files
            .into_iter()
            .filter(|file| file.exists())
            .max_by_key(|file| std::fs::metadata(file).map_or(0, |about| about.len()));
        largest.with_context(|| format!("no snapshot in {}", shelf.display()))
    }

    /// How large that is, in bytes.
    pub fn snapshot_bytes(&self) -> Result<u64> {
        Ok(std::fs::metadata(self.snapshot_file()?)?.len())
    }

    /// The same hospital again, in another folder, to be written into.
    pub fn copy_to(&self, folder: &Path) -> Result<Self> {
        copy_folder(&self.folder.join("hub"), &folder.join("hub"))?;
        Ok(Self {
            program: self.program.clone(),
            mapping: self.mapping.clone(),
            folder: folder.to_path_buf(),
        })
    }

    fn make(&self, patients: u32) -> Result<()> {
        if self.folder.exists() {
            std::fs::remove_dir_all(&self.folder)
                .with_context(|| format!("{} cannot be emptied", self.folder.display()))?;
        }
        std::fs::create_dir_all(&self.folder).with_context(|| format!("{} cannot be made", self.folder.display()))?;
        std::fs::write(self.password_file(), PASSWORD)?;
        let day = today()?;
        let (export, hub, config) = (
            text(&self.export())?,
            text(&self.folder.join("hub"))?,
            text(&self.config())?,
        );
        let password = text(&self.password_file())?;
        let many = patients.to_string();
        self.call(&[
            "synth",
            "--patients",
            &many,
            "--date",
            &day,
            "--seed",
            "1",
            "--out",
            &export,
        ])?;
        let name = ["--hospital", "架空の病院", "--user", OFFICER, "--name", "情報花子"];
        let privacy = [
            "--privacy-user",
            "9101",
            "--privacy-name",
            "保護望",
            "--privacy-password-file",
            &password,
        ];
        let init = ["init", "--dir", &hub, "--password-file", &password];
        self.call(&[init.as_slice(), name.as_slice(), privacy.as_slice()].concat())?;
        let add = [
            "user",
            "-c",
            &config,
            "add",
            "--number",
            PHYSICIAN,
            "--name",
            "医師太郎",
            "--role",
            "physician",
        ];
        let by = [
            "--new-password-file",
            &password,
            "--by",
            OFFICER,
            "--password-file",
            &password,
        ];
        self.call(&[add.as_slice(), by.as_slice()].concat())?;
        let mut toml = std::fs::read_to_string(self.config())?;
        toml.push_str(&format!(
            "\n[extract]\ndir = {export:?}\nmapping = {:?}\n",
            text(&self.mapping)?
        ));
        std::fs::write(self.config(), toml)?;
        self.call(&["extract", "-c", &config, "--no-packs", "--day", &day])?;
        self.declare()
    }

    /// Patient screens open only while a downtime is declared.
    fn declare(&self) -> Result<()> {
        let server = Server::start(self)?;
        let cookie = server.sign_in()?;
        let form = http::post("/declare", &cookie, false, &[("reason", "1")]);
        Connection::open(server.address)?.must_answer(&form, 303).map(drop)
    }

    /// Runs the program, which must succeed.
    pub fn call(&self, arguments: &[&str]) -> Result<()> {
        let output = Command::new(&self.program)
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("{} cannot be started", self.program.display()))?;
        if !output.status.success() {
            let what = arguments.first().unwrap_or(&"");
            bail!(
                "`tomoshibi {what}` failed: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(())
    }
}

/// A path for a command line or a configuration.
pub fn text(path: &Path) -> Result<String> {
    let text = path
        .to_str()
        .with_context(|| format!("{} is not UTF-8", path.display()))?;
    Ok(text.to_owned())
}

/// Today in Japan, which is the program's day.
fn today() -> Result<String> {
    let output = Command::new("date")
        .arg("+%F")
        .env("TZ", "JST-9")
        .output()
        .context("date")?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to).with_context(|| format!("{} cannot be made", to.display()))?;
    for entry in std::fs::read_dir(from).with_context(|| format!("{} cannot be listed", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), &target).with_context(|| format!("{}", target.display()))?;
        }
    }
    Ok(())
}
