//! `tomoshibi print`: paper without a screen. `pack` makes the whole morning's paper, one PDF per department.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use chart::{FormId, Moment, PatientId, Subject};
use downtime::audit::Deed;
use downtime::forms::{Department, Issue, departments, pack_sheets};
use downtime::identity::verb;
use downtime::scans::{self, Archive, Issued};
use downtime::shelf::Opened;
use jiff::civil::Date;
use serde_json::json;
use vault::files::Disk;

use super::audit::paper::{digits, own_checkpoints};
use super::password::SignInArgs;
use super::person::{Entered, about_each, enter};
use super::{ConfigArg, LOOK};
use crate::config::Config;
use crate::home::Home;
use crate::{clock, progress, random, serving, trail};

/// Paper without a screen.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  tomoshibi print pack --user 9001 --password-file pw.txt --out paper\n\nThe PDFs hold patients' data in the clear: print, then shred."
)]
pub struct Print {
    #[command(flatten)]
    config: ConfigArg,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Every department's list (F13) and chart sheets (F02), one PDF per department.
    Pack {
        #[command(flatten)]
        who: SignInArgs,
        /// Directory for the PDFs.
        #[arg(long)]
        out: PathBuf,
        /// Only the department with this code.
        #[arg(long)]
        department: Option<String>,
        /// One JSON object instead of words.
        #[arg(long)]
        json: bool,
    },
}

impl Print {
    /// Runs the command.
    ///
    /// # Errors
    /// When nobody can sign in, there is no snapshot, or a PDF cannot be written.
    pub fn run(&self) -> Result<ExitCode> {
        let What::Pack {
            who,
            out,
            department,
            json,
        } = &self.what;
        let config = self.config.read()?;
        let home = Home::open(&config)?;
        let entered = enter(&home, who, verb::PRINT)?;
        let packs = packs(&config, &home, &entered, out, department.as_deref(), *json)?;
        let spoiled: usize = packs.iter().map(|p| p.spoiled.len()).sum();
        if *json {
            let list: Vec<_> = packs.iter().map(|p| json!({"department": p.department, "file": p.file, "sheets": p.sheets, "pages": p.pages, "bytes": p.bytes, "spoiled": p.spoiled})).collect();
            say!("{}", json!({"packs": list}));
        } else {
            for pack in &packs {
                say!(
                    "{}  {} 枚（{} ページ）  {}",
                    pack.department,
                    pack.sheets,
                    pack.pages,
                    pack.file.display()
                );
                pack.spoiled.iter().for_each(|line| say!("  ★ {line}"));
            }
            say!("個人情報を含む紙と PDF です。印刷したら PDF を消し、使わなかった紙はシュレッダーへ");
        }
        Ok(if spoiled > 0 {
            ExitCode::from(LOOK)
        } else {
            ExitCode::SUCCESS
        })
    }
}

/// One department's PDF.
pub struct Pack {
    department: String,
    file: PathBuf,
    sheets: usize,
    pages: usize,
    bytes: usize,
    spoiled: Vec<String>,
}

/// Prints every department's pack.
///
/// # Errors
/// When a PDF cannot be made or written.
pub fn packs(
    config: &Config,
    home: &Home,
    entered: &Entered,
    out: &PathBuf,
    only: Option<&str>,
    quiet: bool,
) -> Result<Vec<Pack>> {
    let opened = &entered.opened;
    let day = opened
        .shelved()
        .stat()
        .day
        .context("封印済みデータに対象日がありません")?;
    let press = serving::press(config)?;
    fs::create_dir_all(out).with_context(|| format!("{} を作れません", out.display()))?;
    let issue = issue(config, home, opened, clock::now());
    let all = departments(opened, day);
    let wanted: Vec<_> = all
        .iter()
        .enumerate()
        .filter(|(_, d)| only.is_none_or(|code| d.department.code == code))
        .collect();
    if wanted.is_empty() {
        bail!("{} に予約のある診療科が見つかりません", chart::date::iso(day));
    }
    witness(home, entered, wanted.iter().map(|(_, department)| *department))?;
    // Whoever keeps a list is a witness of this station's longest log.
    let checkpoints = own_checkpoints(home)?;
    let longest = checkpoints.iter().max_by_key(|checkpoint| checkpoint.claim().size);
    let checkpoint = longest.map(digits).unwrap_or_default();
    let sheets: usize = wanted.iter().map(|(_, d)| d.slots.len() + 1).sum();
    let bar = progress::bar("印刷パック", quiet);
    let mut done = 0;
    let mut packs = Vec::new();
    for (number, department) in wanted {
        let file = out.join(file_name(day, &department.department));
        let mut damaged = Vec::new();
        let mut pdf = Vec::new();
        let mut issued = Vec::new();
        let list = pack_sheets(opened, department, number, day, &issue, &mut damaged).map(|mut sheet| {
            if sheet.form == "F13" && !checkpoint.is_empty() {
                sheet.body["checkpoint"] = checkpoint.as_str().into();
            }
            issued.extend(issued_as(&sheet));
            sheet
        });
        let report = press.pack(
            list,
            |p| progress::show(&bar, (done + p.sheets) as u64, sheets as u64),
            &mut pdf,
        )?;
        done += report.printed.sheets;
        let mut spoiled: Vec<String> = report
            .spoiled
            .iter()
            .map(|s| format!("{} {}: {}", s.form, s.patient, s.error))
            .collect();
        spoiled.extend(damaged.iter().map(|(id, fault)| format!("F02 {id}: {fault}")));
        // Before the paper: a sheet that comes back must have been issued.
        match register(home, entered, &department.department, issued) {
            Ok(()) => {}
            Err(fault) => spoiled.push(format!(
                "発行簿に書けません。このパックの用紙は、スキャンしても自動では綴じられません: {fault:#}"
            )),
        }
        write(&file, &pdf)?;
        packs.push(Pack {
            department: department.department.label().to_owned(),
            file,
            sheets: report.printed.sheets,
            pages: report.printed.pages,
            bytes: report.bytes,
            spoiled,
        });
    }
    bar.finish_and_clear();
    Ok(packs)
}

/// Whose a sheet of the pack is: the number its bar code carries is the patient's own.
fn issued_as(sheet: &chart::Sheet) -> Option<Issued> {
    let subject = match &sheet.strip {
        Some(strip) => Subject::Patient(PatientId::parse(&strip.id_code)?),
        None => Subject::Hospital,
    };
    Some(Issued {
        form_id: FormId::parse(&sheet.form_id)?,
        form: sheet.form.clone(),
        subject,
    })
}

/// Keeps whose the sheets are, sealed beside the data: no entry of the journal says it.
fn register(home: &Home, entered: &Entered, department: &chart::Coded, sheets: Vec<Issued>) -> Result<()> {
    let journal = entered.acting.unlocked.journal.clone();
    let journal = journal.context("この利用者は記載を読む鍵を持っていません")?;
    let archive = Archive::new(Arc::new(Disk), &home.data, home.roster.hospital(), journal);
    let pack = scans::Pack {
        at: clock::now(),
        by: entered.acting.author().user.clone(),
        title: department.label().to_owned(),
        sheets,
    };
    Ok(archive.keep_pack(&pack, &mut random::system())?)
}

/// Every patient on the paper is in the audit log before the first chart opens.
fn witness<'a>(home: &Home, entered: &Entered, wanted: impl Iterator<Item = &'a Department>) -> Result<()> {
    let index = entered.opened.index();
    let mut all = Vec::new();
    for department in wanted {
        let rows: BTreeSet<u32> = department.slots.iter().map(|slot| slot.row).collect();
        let subjects: Vec<Subject> = rows
            .iter()
            .filter_map(|row| Some(Subject::Patient(index.row(*row)?.id()?)))
            .collect();
        let mut whole = entered.acting.sighting(home, Deed::Printed);
        whole.count = u32::try_from(subjects.len()).unwrap_or(u32::MAX);
        whole.detail = format!("F13・F02 {}", department.department.label());
        all.extend(about_each(whole, &subjects));
    }
    trail::write(home, all)
}

/// The owner alone may read it.
fn write(path: &PathBuf, bytes: &[u8]) -> Result<()> {
    if path.exists() {
        fs::remove_file(path)?;
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options
        .open(path)
        .with_context(|| format!("{} を作れません", path.display()))?;
    std::io::Write::write_all(&mut file, bytes).with_context(|| format!("{} を書けません", path.display()))
}

fn file_name(day: Date, department: &chart::Coded) -> String {
    let clean: String = department
        .label()
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { '_' })
        .collect();
    format!("{}_{}_{clean}.pdf", chart::date::iso(day), department.code)
}

fn issue(config: &Config, home: &Home, opened: &Opened, now: Moment) -> Issue {
    let state = opened.shelved().state();
    Issue {
        hospital: config.hospital.name.clone(),
        mark: "電子カルテ停止時".to_owned(),
        drill: false,
        reissue: false,
        as_of: state.as_of,
        stopped_at: None,
        seal: format!("封印 {} 第{}号 署名確認済", state.sealed_at.text(), state.epoch),
        station: home.code,
        now,
        form_id: None,
        contact_phone: config.hospital.contact_phone.clone(),
    }
}
