//! The end of a station: keys first, then sealed data, then everything else, each step written down before the next begins.
//!
//! Destroying the keys is the disposal: what is sealed to a key that is gone opens nowhere. The rest is tidiness, and what a drive
//! keeps in places nobody can address stays there; the certificate says so. Whether a station may go is decided by people.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use chart::Moment;
use downtime::papers::{Disposal, DisposalStep, Present};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use vault::files::{Disk, Files, Locked};
use vault::shelf_slots::{SlotName, Slots};

use crate::home::write_durably;
use crate::secrets::{KeyFiles, KeyPort};

/// Largest certificate read back, in bytes.
const MAX_CERTIFICATE: u64 = 1 << 20;

/// The journal's lock file.
const LOCK: &str = "LOCK";

/// What is decided before the first byte is destroyed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// Serial number.
    pub serial: String,
    /// Model.
    pub model: String,
    /// What happens to the medium afterwards.
    pub method: String,
    /// Name of the hospital.
    pub hospital: String,
    /// This station.
    pub station: String,
    /// Who does it: number and name.
    pub by: (String, String),
    /// Who watches.
    pub witness: (String, String),
    /// Journals stay.
    pub keep_journal: bool,
    /// Records no other node was known to hold, and why that was accepted.
    pub unsent: Option<Unsent>,
    /// When, in seconds since 1970.
    pub at: i64,
    /// What was there: step, files, bytes.
    pub plan: Vec<(Step, u64, u64)>,
}

/// Records that may be lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsent {
    /// Entries.
    pub entries: u64,
    /// Audit records.
    pub sightings: u64,
    /// Why it was accepted.
    pub reason: String,
}

/// One kind of thing, in the order of its destruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// `keys/`
    Keys,
    /// `shelf/`
    Shelf,
    /// `drafts/`, `print/`
    Drafts,
    /// `attempts/`
    Attempts,
    /// `journal/`, `peers/`
    Journal,
    /// `audit/`, `audit-tools/`, `audit-peers/` and what was remembered of others' logs.
    Audit,
    /// `scans/`: returned paper and the registers of packs.
    Scans,
    /// Everything else below `data/`.
    Rest,
}

/// One line of the certificate while it grows.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Line {
    Begun(Box<Begun>),
    Done { step: Step, at: i64 },
    Ended { at: i64 },
}

impl Step {
    const ALL: [Self; 8] = [
        Self::Keys,
        Self::Shelf,
        Self::Drafts,
        Self::Attempts,
        Self::Journal,
        Self::Audit,
        Self::Scans,
        Self::Rest,
    ];

    fn of(top: &str) -> Self {
        match top {
            "keys" => Self::Keys,
            "shelf" => Self::Shelf,
            "drafts" | "print" | "print-pack" | "print-pack.sheets" => Self::Drafts,
            "attempts" => Self::Attempts,
            "journal" | "peers" => Self::Journal,
            audit if audit.starts_with("audit") || audit.starts_with("witness") => Self::Audit,
            "scans" => Self::Scans,
            _ => Self::Rest,
        }
    }

    /// Journals of either kind: left with `--keep-journal`.
    const fn is_journal(self) -> bool {
        matches!(self, Self::Journal | Self::Audit)
    }

    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Keys => ("端末の鍵", "ゼロで上書きし、同期して、消した"),
            Self::Shelf => ("封印済みデータ", "鍵の部分を上書きし、同期して、消した"),
            Self::Drafts => ("下書きと印刷待ち（封印済み）", "消した"),
            Self::Attempts => ("サインイン失敗の数", "消した"),
            Self::Journal => ("記録（封印済み）", "消した"),
            Self::Audit => ("監査の記録（封印済み）", "消した"),
            Self::Scans => ("戻った用紙のスキャンと発行簿（封印済み）", "消した"),
            Self::Rest => ("名簿・信頼・作業記録", "消した"),
        }
    }
}

/// A disposal under way.
pub struct Disposing {
    data: PathBuf,
    certificate: PathBuf,
    begun: Begun,
    done: Vec<(Step, i64)>,
    ended: Option<i64>,
    /// Keeps the station from starting meanwhile.
    lock: Option<Box<dyn Locked>>,
}

/// Nobody else may use the station: neither running nor starting.
///
/// # Errors
/// When it runs.
pub fn lock(data: &Path) -> Result<Box<dyn Locked>> {
    let dir = data.join("journal");
    Disk.create_dir(&dir)?;
    match Disk.lock(&dir.join(LOCK)) {
        Ok(lock) => Ok(lock),
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
            bail!("この端末は動いています。何も壊していません。先に止めてから、もう一度実行してください")
        }
        Err(error) => Err(error).with_context(|| format!("{} を使えません", dir.display())),
    }
}

/// What was written down by an earlier run for this serial number.
///
/// # Errors
/// When there is a certificate that cannot be read.
pub fn earlier(certificate: &Path) -> Result<Option<Begun>> {
    Ok(read(certificate)?.into_iter().find_map(|line| match line {
        Line::Begun(begun) => Some(*begun),
        _ => None,
    }))
}

/// What is there, by step.
///
/// # Errors
/// When a directory cannot be read.
pub fn inventory(data: &Path) -> Result<Vec<(Step, u64, u64)>> {
    let mut plan: Vec<(Step, u64, u64)> = Step::ALL.into_iter().map(|step| (step, 0, 0)).collect();
    for (step, path) in top(data)? {
        for file in files_below(&path)? {
            let size = fs::symlink_metadata(&file)?.len();
            if let Some((_, files, bytes)) = plan.iter_mut().find(|(s, ..)| *s == step) {
                *files += 1;
                *bytes += size;
            }
        }
    }
    Ok(plan)
}

impl Disposing {
    /// Begins, or goes on where an earlier run stopped.
    ///
    /// # Errors
    /// When the certificate cannot be written: nothing is destroyed without one.
    pub fn begin(data: &Path, certificate: &Path, begun: Begun, lock: Box<dyn Locked>) -> Result<Self> {
        let lines = read(certificate)?;
        let fresh = lines.is_empty();
        let done = lines
            .iter()
            .filter_map(|line| match line {
                Line::Done { step, at } => Some((*step, *at)),
                _ => None,
            })
            .collect();
        let ended = lines.iter().find_map(|line| match line {
            Line::Ended { at } => Some(*at),
            _ => None,
        });
        let disposing = Self {
            data: data.to_path_buf(),
            certificate: certificate.to_path_buf(),
            begun,
            done,
            ended,
            lock: Some(lock),
        };
        if fresh {
            disposing.append(&Line::Begun(Box::new(disposing.begun.clone())))?;
        }
        Ok(disposing)
    }

    /// Destroys everything that is left to destroy.
    ///
    /// # Errors
    /// When something cannot be destroyed: what is written down is gone, the rest may be there. Run it again.
    pub fn finish(&mut self, clock: &dyn Fn() -> Moment) -> Result<Disposal> {
        for step in Step::ALL {
            let kept = self.begun.keep_journal && step.is_journal();
            if kept || self.done.iter().any(|(done, _)| *done == step) {
                continue;
            }
            self.destroy(step).with_context(|| {
                format!(
                    "「{}」で止まりました。もう一度実行すると続きから始めます",
                    step.words().0
                )
            })?;
            let at = clock().0;
            self.append(&Line::Done { step, at })?;
            self.done.push((step, at));
        }
        // The lock lies in the journal's directory, so it is the last to go.
        drop(self.lock.take());
        if !self.begun.keep_journal {
            Disk.remove(&self.data.join("journal").join(LOCK))?;
            let _ = fs::remove_dir(self.data.join("journal"));
        }
        let at = match self.ended {
            Some(at) => at,
            None => {
                let at = clock().0;
                self.append(&Line::Ended { at })?;
                at
            }
        };
        self.report(Moment(at))
    }

    fn destroy(&self, step: Step) -> Result<()> {
        if step == Step::Keys {
            let keys = KeyFiles(self.data.join("keys"));
            for name in keys.names()? {
                keys.destroy(&name)?;
            }
        }
        if step == Step::Shelf {
            let slots = Slots::open(Arc::new(Disk), &self.data.join("shelf"))?;
            for slot in SlotName::ALL {
                slots.destroy(slot, None)?;
            }
        }
        for (_, path) in top(&self.data)?.into_iter().filter(|(of, _)| *of == step) {
            // With the journals stays what says whose signatures are in them.
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
            if self.begun.keep_journal && matches!(name, "roster.cbor" | "trust.cbor") {
                continue;
            }
            let is_lock = |file: &Path| name == "journal" && file.ends_with(LOCK);
            for file in files_below(&path)?.iter().filter(|file| !is_lock(file)) {
                fs::remove_file(file).with_context(|| format!("{} を消せません", file.display()))?;
            }
            if path.is_dir() && name != "journal" {
                fs::remove_dir_all(&path)?;
            }
        }
        Disk.sync_dir(&self.data)?;
        Ok(())
    }

    fn append(&self, line: &Line) -> Result<()> {
        let mut file = fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(&self.certificate)?;
        // A line that a crash cut short is ended first; it is left out when read.
        write!(file, "\n{}\n", serde_json::to_string(line)?)?;
        file.sync_all()
            .with_context(|| format!("証明書 {} に書けません", self.certificate.display()))
    }

    fn report(&self, ended: Moment) -> Result<Disposal> {
        let begun = &self.begun;
        let bytes = fs::read(&self.certificate)?;
        let digest = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
        let step = |(step, at): &(Step, i64)| {
            let (files, bytes) = begun
                .plan
                .iter()
                .find(|(s, ..)| s == step)
                .map_or((0, 0), |(_, files, bytes)| (*files, *bytes));
            let (name, how) = step.words();
            DisposalStep {
                name: name.to_owned(),
                how: how.to_owned(),
                files,
                bytes,
                at: Moment(*at),
            }
        };
        let mut kept = vec![
            "監査の記録の写しは hub とほかの端末にあり、5年以上残します。この端末の記録も、送ったものはそこにあります。"
                .to_owned(),
        ];
        if begun.keep_journal {
            kept.push(
                "記録と監査の記録（どちらも封印済み）、署名を確かめるための名簿は、この媒体に残しました。".to_owned(),
            );
        }
        let person = |(number, name): &(String, String)| Present {
            number: number.clone(),
            name: name.clone(),
        };
        Ok(Disposal {
            serial: begun.serial.clone(),
            model: begun.model.clone(),
            method: begun.method.clone(),
            begun: Moment(begun.at),
            ended,
            steps: self.done.iter().map(step).collect(),
            kept,
            unsent: begun.unsent.as_ref().map(|u| {
                format!(
                    "ほかの端末にあると確かめられない記録 {} 件と監査の記録 {} 件も壊した。理由: {}",
                    u.entries, u.sightings, u.reason
                )
            }),
            by: person(&begun.by),
            witness: person(&begun.witness),
            certificate: self
                .certificate
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default(),
            digest,
        })
    }
}

/// Every whole line; an unfinished last one is as if never written.
fn read(certificate: &Path) -> Result<Vec<Line>> {
    match fs::metadata(certificate) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
        Ok(metadata) if metadata.len() > MAX_CERTIFICATE => {
            bail!("{} は廃棄の証明書ではありません（大きすぎます）", certificate.display())
        }
        Ok(_) => {}
    }
    let text = fs::read_to_string(certificate)?;
    let lines: Vec<Line> = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    match lines.first() {
        Some(Line::Begun(_)) | None => Ok(lines),
        Some(_) => bail!("{} の初めがありません。別の名前に移してください", certificate.display()),
    }
}

/// What lies directly in `data/`, with the step that destroys it.
fn top(data: &Path) -> Result<Vec<(Step, PathBuf)>> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(data).with_context(|| format!("{} を読めません", data.display()))? {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        found.insert((Step::of(&name.unwrap_or_default()), path));
    }
    Ok(found.into_iter().collect())
}

/// Every file at or below a path. Links are files: what they point at is not ours.
fn files_below(path: &Path) -> Result<Vec<PathBuf>> {
    let metadata = fs::symlink_metadata(path)?;
    if !metadata.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let mut files = Vec::new();
    let mut waiting = vec![path.to_path_buf()];
    while let Some(dir) = waiting.pop() {
        for entry in fs::read_dir(&dir)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                waiting.push(entry.path());
            } else {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Writes the finished certificate as one JSON object.
///
/// # Errors
/// When it cannot be written.
pub fn write_json(path: &Path, disposal: &Disposal, station: &str, hospital: &str) -> Result<()> {
    let steps: Vec<_> = disposal
        .steps
        .iter()
        .map(
            |s| serde_json::json!({"what": s.name, "how": s.how, "files": s.files, "bytes": s.bytes, "at": s.at.iso()}),
        )
        .collect();
    let person = |p: &Present| serde_json::json!({"number": p.number, "name": p.name});
    let certificate = serde_json::json!({
        "hospital": hospital,
        "station": station,
        "serial": disposal.serial,
        "model": disposal.model,
        "method": disposal.method,
        "begun": disposal.begun.iso(),
        "ended": disposal.ended.iso(),
        "destroyed": steps,
        "kept": disposal.kept,
        "unsent": disposal.unsent,
        "by": person(&disposal.by),
        "witness": person(&disposal.witness),
        "log": {"file": disposal.certificate, "sha256": disposal.digest},
        "limits": "Overwriting does not reach copies that a flash drive keeps inside: destroy the medium or use its own secure erase too.",
    });
    write_durably(path, format!("{certificate:#}\n").as_bytes())
}
