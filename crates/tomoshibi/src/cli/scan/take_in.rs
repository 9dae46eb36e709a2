//! Taking in a directory of scanned files: the original first, then its pages, then the word that it was taken in.
//!
//! A crash in between costs the file that was being read: it is read again. The same bytes twice change nothing.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use chart::Subject;
use downtime::scans::{Issued, Page, Register, Scanned, Sha, Why, sha_of};
use scan::{Finding, PageFault, Picture};
use serde_json::json;

use super::{Desk, hex};
use crate::cli::LOOK;
use crate::{clock, progress, random};

/// Most files of one run.
const MAX_FILES: usize = 10_000;

/// How deep directories are entered.
const MAX_DEPTH: usize = 4;

/// Ends of names that are looked at; everything else in the directory is left alone and counted.
const ENDS: [&str; 6] = ["pdf", "tif", "tiff", "png", "jpg", "jpeg"];

/// One file of this run.
pub struct Taken {
    /// Where it lay.
    pub path: PathBuf,
    /// SHA-256 of its bytes.
    pub sha: Sha,
    /// What became of it.
    pub scanned: Scanned,
    /// It had been taken in before.
    pub known: bool,
}

/// Takes everything in and says what became of it.
pub fn run(mut desk: Desk, dir: &Path, pictures: Option<&Path>, delete: bool, as_json: bool) -> Result<ExitCode> {
    let (files, others) = files(dir)?;
    let bar = progress::bar("スキャンの取り込み", as_json);
    let total = files.len() as u64;
    let (mut taken, mut faults) = (Vec::new(), Vec::new());
    for (done, path) in (0_u64..).zip(files) {
        progress::show(&bar, done, total);
        match take(&desk, &path)? {
            Ok(one) => {
                if delete {
                    delete_source(&desk, &one)?;
                }
                taken.push(one);
            }
            Err(fault) => faults.push((path, fault)),
        }
    }
    bar.finish_and_clear();
    desk.contents = desk.archive.contents()?;
    if let Some(dir) = pictures {
        write_pictures(dir, &taken)?;
    }
    super::report::taken(&desk, &taken, &faults, others, as_json);
    let unread = taken
        .iter()
        .flat_map(|one| &one.scanned.pages)
        .any(|page| matches!(page, Page::Unread { .. }));
    let cut = taken.iter().any(|one| !one.scanned.fault.is_empty());
    Ok(if unread || cut || !faults.is_empty() {
        ExitCode::from(LOOK)
    } else {
        ExitCode::SUCCESS
    })
}

/// One file; the inner fault is the file's, the outer one this station's.
fn take(desk: &Desk, path: &Path) -> Result<Result<Taken, String>> {
    let bytes = match read(path) {
        Ok(bytes) => bytes,
        Err(fault) => return Ok(Err(fault)),
    };
    let sha = sha_of(&bytes);
    if let Some(mut scanned) = desk.archive.scanned(&sha) {
        if scanned.try_again(&desk.register) {
            witness(desk, &scanned)?;
            desk.archive.keep_scanned(&sha, &scanned, &mut random::system())?;
        }
        return Ok(Ok(Taken {
            path: path.to_owned(),
            sha,
            scanned,
            known: true,
        }));
    }
    if scan::kind(&bytes).is_none() {
        return Ok(Err(scan::FileFault::Unknown.to_string()));
    }
    desk.archive.keep_original(&bytes, &mut random::system())?;
    let mut pages = Vec::new();
    let read = scan::pages(bytes, |_, page| pages.push(filed(page, &desk.register)));
    let scanned = Scanned {
        name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        at: clock::now(),
        by: desk.entered.acting.author().user.clone(),
        pages,
        fault: read.err().map(|fault| fault.to_string()).unwrap_or_default(),
    };
    witness(desk, &scanned)?;
    desk.archive.keep_scanned(&sha, &scanned, &mut random::system())?;
    Ok(Ok(Taken {
        path: path.to_owned(),
        sha,
        scanned,
        known: false,
    }))
}

/// Every patient whose sheet is filed is in the audit log before it counts as filed.
fn witness(desk: &Desk, scanned: &Scanned) -> Result<()> {
    let subjects: BTreeSet<Subject> = scanned
        .pages
        .iter()
        .filter_map(|page| match page {
            Page::Filed { sheet, .. } => Some(sheet.subject.clone()),
            Page::Unread { .. } | Page::Blank => None,
        })
        .collect();
    desk.witness(&subjects, &scanned.name)
}

/// Where a page goes.
fn filed(page: Result<Picture, PageFault>, register: &Register) -> Page {
    let Ok(picture) = page else {
        return unread(Why::NoPicture, Vec::new(), Vec::new(), String::new());
    };
    let found = match scan::read(&picture) {
        Finding::Sheet { code, .. } => match register.sheet(&code) {
            Ok(sheet) => {
                return Page::Filed {
                    sheet: sheet.clone(),
                    page: code.page,
                    pages: code.pages,
                };
            }
            Err(why) => (why, vec![code.form_id.clone()], code.text().unwrap_or_default()),
        },
        Finding::Disagree(codes) => {
            let numbers: BTreeSet<_> = codes.into_iter().map(|code| code.form_id).collect();
            (Why::Disagree, numbers.into_iter().collect(), String::new())
        }
        Finding::Numbers(numbers) => (Why::OnlyNumber, numbers, String::new()),
        Finding::Blank => return Page::Blank,
        Finding::Nothing => (Why::NoCode, Vec::new(), String::new()),
    };
    unread(found.0, found.1, picture.preview(), found.2)
}

const fn unread(why: Why, hints: Vec<chart::FormId>, preview: Vec<u8>, code: String) -> Page {
    Page::Unread {
        why,
        hints,
        preview,
        code,
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let size = fs::metadata(path)
        .map_err(|error| format!("読めません（{error}）"))?
        .len();
    if size > scan::MAX_FILE_BYTES {
        return Err(scan::FileFault::TooLarge(size).to_string());
    }
    fs::read(path).map_err(|error| format!("読めません（{error}）"))
}

/// The files of a directory and how many others lie in it. Links are not followed.
fn files(dir: &Path) -> Result<(Vec<PathBuf>, usize)> {
    if dir.is_file() {
        return Ok((vec![dir.to_owned()], 0));
    }
    let (mut found, mut others) = (Vec::new(), 0);
    let mut open = vec![(dir.to_owned(), 0)];
    while let Some((dir, depth)) = open.pop() {
        let entries =
            fs::read_dir(&dir).with_context(|| format!("{} を読めません。何も取り込んでいません", dir.display()))?;
        for entry in entries {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            let end = path
                .extension()
                .map(|end| end.to_string_lossy().to_ascii_lowercase())
                .unwrap_or_default();
            if kind.is_dir() && depth < MAX_DEPTH {
                open.push((path, depth + 1));
            } else if kind.is_file() && ENDS.contains(&end.as_str()) {
                found.push(path);
            } else {
                others += 1;
            }
        }
        if found.len() > MAX_FILES {
            bail!("ファイルが多すぎます（{MAX_FILES} まで）。分けて実行してください。何も取り込んでいません");
        }
    }
    found.sort();
    Ok((found, others))
}

fn delete_source(desk: &Desk, one: &Taken) -> Result<()> {
    if !one.scanned.fault.is_empty() || desk.archive.original(&one.sha).is_none() {
        return Ok(());
    }
    fs::remove_file(&one.path).with_context(|| format!("{} を消せません。取り込みは済んでいます", one.path.display()))
}

fn write_pictures(dir: &Path, taken: &[Taken]) -> Result<()> {
    fs::create_dir_all(dir).with_context(|| format!("{} を作れません", dir.display()))?;
    for one in taken {
        for (at, page) in (1..).zip(&one.scanned.pages) {
            if let Page::Unread { preview, .. } = page
                && !preview.is_empty()
            {
                let path = dir.join(picture_name(&one.sha, at));
                fs::write(&path, preview).with_context(|| format!("{} を書けません", path.display()))?;
            }
        }
    }
    Ok(())
}

/// Name of an unread page's picture.
pub fn picture_name(sha: &Sha, at: u32) -> String {
    format!("{}_{at}.png", hex(sha).get(..8).unwrap_or_default())
}

/// One unread page for a program.
pub fn unread_json(sha: &Sha, at: u32, why: Why, suggestions: &[(Issued, Option<u8>)]) -> serde_json::Value {
    let suggestions: Vec<_> = suggestions
        .iter()
        .map(|(sheet, page)| json!({"sheet": sheet.form_id.as_str(), "form": sheet.form, "page": page}))
        .collect();
    json!({"file": hex(sha), "page": at, "why": why.words(), "suggestions": suggestions})
}
