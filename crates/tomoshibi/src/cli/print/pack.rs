//! The morning's paper: how many pages each department needs, on which paper and for how long, and the PDFs.
//!
//! Which printer they go to is deliberately not decided here.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use chart::{Moment, Sheet};
use downtime::audit::Deed;
use downtime::packs::{Batch, Only, issued as issued_as};
use downtime::scans::{self, Archive, Issued};
use press::{Paper, Press};
use serde_json::{Value, json};
use vault::files::Disk;

use super::contents::{Contents, Listed, hex};
use super::{wanted, witness};
use crate::cli::person::Entered;
use crate::config::Config;
use crate::home::Home;
use crate::packs::issue;
use crate::secrets::replace as write;
use crate::{clock, progress, random, serving};

/// What somebody wants printed.
pub struct Wish<'a> {
    /// Directory for the PDFs.
    pub out: &'a Path,
    /// Everything, or one department or ward.
    pub only: Only<'a>,
    /// One PDF per sheet.
    pub split: bool,
    /// Pages a minute.
    pub per_minute: u16,
    /// JSON instead of words.
    pub json: bool,
}

/// One department's or ward's paper.
#[derive(Default)]
struct Pack {
    department: String,
    kind: &'static str,
    /// The PDF, or the folder of the PDFs.
    file: PathBuf,
    sheets: usize,
    pages: usize,
    /// Trays: A4, A5.
    papers: BTreeSet<&'static str>,
    bytes: usize,
    spoiled: Vec<String>,
    listed: Vec<Listed>,
    /// Lines of the contents: file, form, patient.
    lines: Vec<String>,
}

/// Prints; true when somebody must look.
///
/// # Errors
/// When a PDF cannot be made or written.
pub fn run(config: &Config, home: &Home, entered: &Entered, wish: &Wish<'_>) -> Result<bool> {
    let (day, wanted) = wanted(entered, wish.only)?;
    let press = serving::press(config)?;
    fs::create_dir_all(wish.out).with_context(|| format!("{} を作れません", wish.out.display()))?;
    let opened = &entered.opened;
    let now = clock::now();
    let issue = issue(config, home, opened, now);
    witness(home, entered, Deed::Printed, None, &wanted)?;
    let checkpoint = crate::packs::checkpoint(home)?;
    let all: usize = wanted.iter().map(Batch::sheets_expected).sum();
    let bar = progress::bar("印刷パック", wish.json);
    let (mut packs, mut failed): (Vec<Pack>, _) = (Vec::new(), None);
    for batch in &wanted {
        let done: usize = packs.iter().map(|pack| pack.sheets).sum();
        let mut issued = Vec::new();
        let (mut unopened, mut damaged) = (Vec::new(), Vec::new());
        let beds = batch.open(opened, day, &mut unopened);
        let sheets = batch.sheets(opened, &beds, day, &issue, &mut damaged).map(|mut sheet| {
            if sheet.form == "F13" && !checkpoint.is_empty() {
                sheet.body["checkpoint"] = checkpoint.as_str().into();
            }
            issued.extend(issued_as(&sheet));
            sheet
        });
        let show = |sheets: usize| progress::show(&bar, (done + sheets) as u64, all as u64);
        let name = batch.file_name(day);
        let made = if wish.split {
            one_by_one(&press, sheets, wish.out, &name, show)
        } else {
            together(&press, sheets, wish.out, &name, show)
        };
        let mut pack = match made {
            Ok(pack) => pack,
            Err(fault) => {
                failed = Some(fault.context(format!("{} の紙を作れません", batch.label())));
                break;
            }
        };
        batch.label().clone_into(&mut pack.department);
        pack.kind = batch.kind();
        let lost = damaged.iter().chain(&unopened);
        let lost = lost.map(|(id, fault)| format!("カルテ {id}: {fault}"));
        pack.spoiled.extend(lost);
        // Before anybody prints the file: a sheet that comes back must have been issued.
        if let Err(fault) = register(home, entered, batch.label(), issued) {
            pack.spoiled.push(format!(
                "発行簿に書けません。このパックの用紙は、スキャンしても自動では綴じられません: {fault:#}"
            ));
        }
        packs.push(pack);
    }
    bar.finish_and_clear();
    let list = Contents {
        format: 1,
        hospital: hex(home.roster.hospital().as_bytes()),
        kind: "paper".to_owned(),
        epoch: opened.shelved().edition(),
        day: chart::date::iso(day),
        made: now.text(),
        files: Vec::new(),
    };
    // What lies there already is on the list, whatever failed after it: it must be found when it is to be destroyed.
    let look = finish(list, packs, wish, now)?;
    failed.map_or(Ok(look), Err)
}

/// Keeps whose the sheets are, sealed beside the data: no entry of the journal says it.
pub(super) fn register(home: &Home, entered: &Entered, title: &str, sheets: Vec<Issued>) -> Result<()> {
    let journal = entered.acting.unlocked.journal.clone();
    let journal = journal.context("この利用者は記載を読む鍵を持っていません")?;
    let archive = Archive::new(Arc::new(Disk), &home.data, home.roster.hospital(), journal);
    let pack = scans::Pack {
        at: clock::now(),
        by: entered.acting.author().user.clone(),
        title: title.to_owned(),
        sheets,
        blank: false,
    };
    Ok(archive.keep_pack(&pack, &mut random::system())?)
}

/// One PDF for the whole department.
fn together(
    press: &Press,
    sheets: impl Iterator<Item = Sheet> + Send,
    out: &Path,
    name: &str,
    mut show: impl FnMut(usize) + Send,
) -> Result<Pack> {
    let name = format!("{name}.pdf");
    let (mut pdf, mut lines, mut papers) = (Vec::new(), Vec::new(), BTreeSet::new());
    let noted = sheets.inspect(|sheet| {
        lines.push(line(&name, sheet));
        papers.extend(tray(press, &sheet.form));
    });
    let report = press.pack(noted, |p| show(p.sheets), &mut pdf)?;
    let file = out.join(&name);
    write(&file, &pdf)?;
    let spoiled = report.spoiled.iter();
    Ok(Pack {
        file,
        sheets: report.printed.sheets,
        pages: report.printed.pages,
        papers,
        bytes: report.bytes,
        spoiled: spoiled
            .map(|s| format!("{} {}: {}", s.form, s.patient, s.error))
            .collect(),
        listed: vec![Listed::of(name, &pdf, report.printed.pages)],
        lines,
        ..Pack::default()
    })
}

/// One PDF for every sheet, numbered in the order of the pack, in a folder of the department.
fn one_by_one(
    press: &Press,
    sheets: impl Iterator<Item = Sheet>,
    out: &Path,
    folder: &str,
    mut show: impl FnMut(usize),
) -> Result<Pack> {
    let mut pack = Pack {
        file: out.join(folder),
        ..Pack::default()
    };
    fs::create_dir_all(&pack.file).with_context(|| format!("{} を作れません", pack.file.display()))?;
    for sheet in sheets {
        pack.sheets += 1;
        show(pack.sheets);
        let name = format!("{folder}/{:03}_{}.pdf", pack.sheets, sheet.form);
        match press.sheet(&sheet) {
            Ok(pdf) => {
                if let Err(fault) = write(&out.join(&name), &pdf.bytes) {
                    pack.spoiled
                        .push(format!("{name}: {fault:#}。この科はここで止めました"));
                    break;
                }
                pack.pages += pdf.pages;
                pack.bytes += pdf.bytes.len();
                pack.papers.extend(tray(press, &sheet.form));
                pack.lines.push(line(&name, &sheet));
                pack.listed.push(Listed::of(name, &pdf.bytes, pdf.pages));
            }
            Err(fault) => {
                let patient = sheet.strip.as_ref().map_or("", |strip| strip.id.as_str());
                pack.spoiled.push(format!("{} {patient}: {fault}", sheet.form));
            }
        }
    }
    Ok(pack)
}

/// Which tray a form takes its paper from.
pub(super) fn tray(press: &Press, form: &str) -> Option<&'static str> {
    Some(match press.forms().get(form).ok()?.about.paper {
        Paper::A5 => "A5",
        Paper::A4 | Paper::A4Landscape => "A4",
    })
}

/// File, form, and who: number, reading, name, birth date.
fn line(file: &str, sheet: &Sheet) -> String {
    let who = sheet.strip.as_ref().map_or_else(
        || "患者一覧".to_owned(),
        |strip| format!("{}\t{}\t{}\t{}", strip.id, strip.kana, strip.name, strip.birth),
    );
    format!("{file}\t{}\t{}\t{who}", sheet.form, sheet.form_id)
}

/// Writes the lists and says what there is.
fn finish(mut list: Contents, packs: Vec<Pack>, wish: &Wish<'_>, now: Moment) -> Result<bool> {
    let mark = Contents::mark(wish.out, list.epoch, &now.local().strftime("%H%M%S").to_string());
    let name = format!("contents_{}_{mark}.txt", list.day);
    let mut text = format!(
        "印刷パック　目次　{}　作成 {}　封印 第{}号\n",
        list.day, list.made, list.epoch
    );
    for pack in &packs {
        text.push_str(&format!("\n{}\n", summary(pack, wish.per_minute)));
        for line in pack.lines.iter().chain(&pack.spoiled) {
            text.push_str(&format!("{line}\n"));
        }
    }
    write(&wish.out.join(&name), text.as_bytes())?;
    list.files = packs.iter().flat_map(|pack| pack.listed.iter().cloned()).collect();
    list.files.push(Listed::of(name.clone(), text.as_bytes(), 0));
    list.write(wish.out, &mark)?;
    if wish.json {
        let all: Vec<Value> = packs.iter().map(|p| json!({"department": p.department, "kind": p.kind, "file": p.file, "sheets": p.sheets, "pages": p.pages, "paper": p.papers, "minutes": minutes(p.pages, wish.per_minute), "bytes": p.bytes, "spoiled": p.spoiled})).collect();
        say!("{}", json!({"packs": all, "contents": name}));
    } else {
        for pack in &packs {
            say!("{}", summary(pack, wish.per_minute));
            pack.spoiled.iter().for_each(|line| say!("  ★ {line}"));
        }
        let pages: usize = packs.iter().map(|pack| pack.pages).sum();
        say!(
            "合計 {pages} 枚　プリンタ1台で約 {} 分（毎分 {} 枚）　目次 {name}",
            minutes(pages, wish.per_minute),
            wish.per_minute
        );
        say!(
            "個人情報を含む紙と PDF です。印刷したら PDF を消し（tomoshibi print shred）、使わなかった紙はシュレッダーへ"
        );
    }
    Ok(packs.iter().any(|pack| !pack.spoiled.is_empty()))
}

/// 循環器 78枚 約3分
fn summary(pack: &Pack, per_minute: u16) -> String {
    let papers: Vec<&str> = pack.papers.iter().copied().collect();
    format!(
        "{}  {} 枚  {}  約 {} 分  {} 帳票  {}",
        pack.department,
        pack.pages,
        papers.join("・"),
        minutes(pack.pages, per_minute),
        pack.sheets,
        pack.file.display()
    )
}

/// Minutes at the printer, rounded up.
fn minutes(pages: usize, per_minute: u16) -> usize {
    pages.div_ceil(usize::from(per_minute).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_are_rounded_up() {
        for (pages, per_minute, expected) in [(78, 30, 3), (60, 30, 2), (61, 30, 3), (1, 30, 1), (0, 30, 0)] {
            assert_eq!(minutes(pages, per_minute), expected, "{pages} pages");
        }
    }
}
