//! A department's or a ward's pack to a listed printer: sheet by sheet, in pieces, through a queue of its own on the disk.
//!
//! Before a sheet enters the queue its number is noted as begun, and as printed when the printer says so; both are durable. Run again, the
//! command goes on where it stopped: what the queue still holds goes on, what was begun and is not there any more is named and not sent, because
//! it may have come out. Sealed like every queue. Deliberately absent: choosing a printer, and a station's own queue, which its screens use.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use chart::{FormId, Sheet, Subject};
use downtime::audit::Deed;
use downtime::packs::{Batch, Only, issued as issued_as};
use downtime::printing::{self as queue, Job, Paper, Queue, State};
use press::Press;
use serde_json::json;
use vault::files::Disk;

use super::pack::{register, tray};
use super::{wanted, witness};
use crate::cli::person::Entered;
use crate::config::Config;
use crate::home::Home;
use crate::packs::issue;
use crate::{clock, printing, progress, serving, trail};

/// Sheets made, registered and queued at once; so many pages are what a printer can be short of.
const PIECE: usize = 12;
/// Pause between two looks at the queue.
const PAUSE: Duration = Duration::from_millis(200);
/// Looks without a change after which it is said that the printer is waited for: half a minute.
const QUIET_LOOKS: u32 = 150;
/// The queue's directory in the station's data.
const DIR: &str = "print-pack";

/// What somebody wants printed, and where.
pub struct Wish<'a> {
    /// A printer of the list.
    pub printer: &'a str,
    /// Everything, or one department or ward.
    pub only: Only<'a>,
    /// Numbers of sheets to be sent once more, although they may have come out.
    pub again: &'a [String],
    /// Send what has stopped, or may have come out, once more.
    pub resend: bool,
    /// JSON instead of words.
    pub json: bool,
}

/// What came of one department.
#[derive(Default)]
struct Outcome {
    department: String,
    sheets: usize,
    pages: usize,
    /// Named and not sent: begun by an earlier run, and perhaps out.
    doubtful: Vec<String>,
    /// Sent by an earlier run, and out.
    before: usize,
    spoiled: Vec<String>,
}

/// Sends the packs; true when somebody must look.
///
/// # Errors
/// When the printer is not listed, another run is at work, or nothing can be kept on the disk.
pub fn run(config: &Config, home: &Home, entered: &Entered, wish: &Wish<'_>) -> Result<bool> {
    let listed = config.printers()?;
    let Some(printer) = listed.iter().find(|one| one.name == wish.printer.trim()).cloned() else {
        let names: Vec<&str> = listed.iter().map(|one| one.name.as_str()).collect();
        bail!(
            "プリンタ「{}」は設定にありません（設定: {}）。何も送っていません",
            wish.printer,
            names.join("、")
        );
    };
    for number in wish.again {
        FormId::parse(number).with_context(|| format!("{number} は帳票番号（12 桁）ではありません"))?;
    }
    let (day, wanted) = wanted(entered, wish.only)?;
    let journal = entered.acting.unlocked.journal.clone();
    let journal = journal.context("この利用者は記載を読む鍵を持っていません。何も送っていません")?;
    let press = serving::press(config)?;
    let mut ledger = Ledger::open(home)?;
    let queue = printing::over(home, Arc::new(Disk), DIR, vec![printer.clone()])?;
    queue.unlock(&journal, clock::now());
    let what = format!("印刷パック → {}", printer.name);
    witness(home, entered, Deed::Printed, Some(&what), &wanted)?;
    let old = queue.expire(clock::now()).into_iter().map(|job| {
        let mut sighting = entered.acting.sighting(home, Deed::Destroyed);
        sighting.subject = job.subject;
        sighting.detail = format!("{} {} パックの印刷待ち（72時間を過ぎた）", job.form, job.number);
        sighting
    });
    trail::write(home, old.collect())?;
    // Old jobs first: what is said about them must be said before anything is added.
    for job in queue.overview().jobs.iter().filter(|job| job.state.needs_somebody()) {
        if wish.resend {
            queue.resend(job.id, &printer.name, clock::now())?;
        }
    }
    printing::start_printers(&queue, &config.trusts()?)?;
    let now = clock::now();
    let issue = issue(config, home, &entered.opened, now);
    let mut line = Line {
        queue: &queue,
        ledger: &mut ledger,
        printer: &printer.name,
        by: entered.acting.author().clone(),
        waiting: queue.overview().jobs.into_iter().map(|job| job.job.number).collect(),
        json: wish.json,
    };
    let all: usize = wanted.iter().map(Batch::sheets_expected).sum();
    let bar = progress::bar("パックの送信", wish.json);
    let (mut outcomes, mut done) = (Vec::new(), 0_usize);
    let mut stopped = false;
    for batch in &wanted {
        let mut outcome = Outcome {
            department: batch.label().to_owned(),
            ..Outcome::default()
        };
        let (mut unopened, mut damaged) = (Vec::new(), Vec::new());
        let beds = batch.open(&entered.opened, day, &mut unopened);
        let mut sheets = batch
            .sheets(&entered.opened, &beds, day, &issue, &mut damaged)
            .peekable();
        while sheets.peek().is_some() && !stopped {
            let piece: Vec<Sheet> = sheets.by_ref().take(PIECE).collect();
            done += piece.len();
            let fresh = line.fresh(piece, wish.again, &mut outcome);
            // Before anybody holds the paper: a sheet that comes back must have been issued.
            let issued = fresh.iter().filter_map(issued_as).collect();
            register(home, entered, batch.label(), issued).context("発行簿に書けません。ここから先は送っていません")?;
            line.send(&press, fresh, &mut outcome)?;
            progress::show(&bar, done as u64, all as u64);
            stopped = !line.settle(PIECE / 2);
        }
        drop(sheets);
        outcome.spoiled.extend(
            damaged
                .iter()
                .chain(&unopened)
                .map(|(id, fault)| format!("カルテ {id}: {fault}")),
        );
        outcomes.push(outcome);
        if stopped {
            break;
        }
    }
    stopped |= !line.settle(0);
    bar.finish_and_clear();
    let counted: Vec<_> = outcomes
        .iter()
        .map(|one| counted(home, entered, &printer.name, one))
        .collect();
    trail::write(home, counted)?;
    Ok(say(&outcomes, &queue, stopped, wish))
}

/// One line of the audit log with the pages of a department.
fn counted(home: &Home, entered: &Entered, printer: &str, outcome: &Outcome) -> downtime::audit::Sighting {
    let mut sighting = entered.acting.sighting(home, Deed::Printed);
    sighting.subject = Subject::Hospital;
    sighting.count = u32::try_from(outcome.pages).unwrap_or(u32::MAX);
    sighting.detail = format!(
        "パック {} {} 枚 {} ページ → {printer}",
        outcome.department, outcome.sheets, outcome.pages
    );
    sighting
}

fn say(outcomes: &[Outcome], queue: &Queue, stopped: bool, wish: &Wish<'_>) -> bool {
    let left = queue.overview().jobs;
    let doubtful: Vec<&String> = outcomes.iter().flat_map(|one| &one.doubtful).collect();
    if wish.json {
        let all: Vec<_> = outcomes
            .iter()
            .map(|one| json!({"department": one.department, "sheets": one.sheets, "pages": one.pages, "before": one.before, "doubtful": one.doubtful, "spoiled": one.spoiled}))
            .collect();
        let waiting: Vec<&str> = left.iter().map(|job| job.job.number.as_str()).collect();
        say!(
            "{}",
            json!({"printer": wish.printer, "packs": all, "left": waiting, "stopped": stopped})
        );
    } else {
        for one in outcomes {
            say!(
                "{}  送った帳票 {}（{} ページ）  前に出た帳票 {}",
                one.department,
                one.sheets,
                one.pages,
                one.before
            );
            one.spoiled.iter().for_each(|line| say!("  ★ {line}"));
        }
        for job in &left {
            let why = match &job.state {
                State::Unsure(_) => "出たか確かめてください",
                State::Stopped(..) => "プリンタが止めました",
                _ => "まだ出ていません",
            };
            say!("★ {} {}: {why}", job.job.form, job.job.number);
        }
        if !left.is_empty() {
            say!(
                "プリンタを見てから同じ命令をもう一度実行すると、続きから送ります。止まったもの・出たか分からないものをもう一度送るには --resend を付けてください"
            );
        }
        if !doubtful.is_empty() {
            say!("★ 前の実行の途中で記録が切れ、出たかもしれない帳票（送っていません。出ていなければ --again 番号）:");
            doubtful.iter().for_each(|number| say!("  {number}"));
        }
    }
    stopped || !left.is_empty() || !doubtful.is_empty() || outcomes.iter().any(|one| !one.spoiled.is_empty())
}

/// The way of sheets into the queue and out of it.
struct Line<'a> {
    queue: &'a Arc<Queue>,
    ledger: &'a mut Ledger,
    printer: &'a str,
    by: chart::Author,
    /// Numbers that the queue holds, from this run or an earlier one.
    waiting: BTreeSet<String>,
    json: bool,
}

impl Line<'_> {
    /// Those of a piece that are to be sent; the others are counted.
    fn fresh(&self, piece: Vec<Sheet>, again: &[String], outcome: &mut Outcome) -> Vec<Sheet> {
        let mut fresh = Vec::new();
        for sheet in piece {
            let number = sheet.form_id.as_str();
            let wished = again.iter().any(|one| one.trim() == number);
            match self.ledger.known.get(number) {
                _ if self.waiting.contains(number) => {}
                None => fresh.push(sheet),
                Some(_) if wished => fresh.push(sheet),
                Some(true) => outcome.before += 1,
                Some(false) => outcome.doubtful.push(format!("{} {number}", sheet.form)),
            }
        }
        fresh
    }

    fn send(&mut self, press: &Press, sheets: Vec<Sheet>, outcome: &mut Outcome) -> Result<()> {
        for sheet in sheets {
            let who = sheet.strip.as_ref().map_or("", |strip| strip.id.as_str());
            let pdf = match press.sheet(&sheet) {
                Ok(pdf) => pdf,
                Err(fault) => {
                    outcome.spoiled.push(format!("{} {who}: {fault}", sheet.form));
                    continue;
                }
            };
            let Some(subject) = issued_as(&sheet).map(|issued| issued.subject) else {
                outcome
                    .spoiled
                    .push(format!("{} {who}: 帳票番号か患者番号がありません", sheet.form));
                continue;
            };
            let paper = tray(press, &sheet.form).and_then(Paper::parse).unwrap_or(Paper::A4);
            self.ledger.note(&sheet.form_id, false)?;
            let pages = u32::try_from(pdf.pages).unwrap_or(u32::MAX);
            let queued = queue::Sheet {
                job: Job {
                    form: sheet.form.clone(),
                    number: sheet.form_id.clone(),
                    subject,
                    by: self.by.clone(),
                    at: clock::now(),
                    pages,
                    paper: paper.word().to_owned(),
                },
                pdf: pdf.bytes,
            };
            self.queue
                .add(queued, self.printer, clock::now())
                .with_context(|| format!("{} {} から先は送っていません", sheet.form, sheet.form_id))?;
            self.waiting.insert(sheet.form_id);
            outcome.sheets += 1;
            outcome.pages += pdf.pages;
        }
        Ok(())
    }

    /// Waits until no more than so many sheets are on their way. False when nothing moves any more without a person.
    fn settle(&mut self, at_most: usize) -> bool {
        let mut quiet = 0;
        loop {
            let seen = self.queue.overview();
            let there: BTreeSet<String> = seen.jobs.iter().map(|job| job.job.number.clone()).collect();
            let gone: Vec<String> = self.waiting.difference(&there).cloned().collect();
            for number in &gone {
                let printed = seen.over.iter().any(|over| over.job.number == *number && over.printed);
                if printed && let Err(fault) = self.ledger.note(number, true) {
                    // It came out; only that cannot be kept, and the next run will ask about it.
                    tracing::warn!("a printed sheet cannot be noted: {fault:#}");
                }
                self.waiting.remove(number);
            }
            let moving = seen.jobs.iter().filter(|job| !job.state.needs_somebody()).count();
            // A sheet that stopped: what is on its way comes out, and nothing is added before a person has looked.
            let stopped = moving < seen.jobs.len();
            if stopped && moving == 0 {
                return false;
            }
            if !stopped && moving <= at_most {
                return true;
            }
            quiet = if gone.is_empty() { quiet + 1 } else { 0 };
            if quiet % QUIET_LOOKS == QUIET_LOOKS - 1 && !self.json {
                say!(
                    "プリンタ「{}」を待っています（{moving} 帳票）。止めるには Ctrl+C。控えは封印されて残り、同じ命令で続きから送ります",
                    self.printer
                );
            }
            self.queue.wait(PAUSE);
        }
    }
}

/// Which sheets were begun, and which came out: numbers only, one a line, each durable before what follows from it.
struct Ledger {
    file: File,
    known: BTreeMap<String, bool>,
}

/// Longest ledger read, in bytes: half a million sheets. An older one is begun anew by hand.
const MAX_LEDGER: u64 = 8 << 20;

impl Ledger {
    /// Opens the ledger for this run alone.
    fn open(home: &Home) -> Result<Self> {
        let dir = home.data.join(DIR);
        fs::create_dir_all(&dir).with_context(|| format!("{} を作れません", dir.display()))?;
        let path: PathBuf = home.data.join(format!("{DIR}.sheets"));
        let mut options = fs::OpenOptions::new();
        options.read(true).append(true).create(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        let file = options
            .open(&path)
            .with_context(|| format!("{} を開けません", path.display()))?;
        if file.try_lock().is_err() {
            bail!("別の「print pack --printer」が動いています。終わるのを待ってください。何も送っていません");
        }
        if file.metadata()?.len() > MAX_LEDGER {
            bail!(
                "{} が大きすぎます。日を改めて、空にしてから実行してください",
                path.display()
            );
        }
        // Through the handle that holds the lock: on Windows no other may read what is locked.
        let mut text = String::new();
        (&file)
            .read_to_string(&mut text)
            .with_context(|| format!("{} を読めません", path.display()))?;
        let mut known = BTreeMap::new();
        for line in text.lines() {
            // A line that a crash cut is a sheet that was not queued yet: the note comes first.
            match (line.get(..1), line.get(1..)) {
                (Some("+"), Some(number)) if FormId::parse(number).is_some() => {
                    known.entry(number.to_owned()).or_insert(false);
                }
                (Some("="), Some(number)) => {
                    known.insert(number.to_owned(), true);
                }
                _ => {}
            }
        }
        Ok(Self { file, known })
    }

    fn note(&mut self, number: &str, printed: bool) -> Result<()> {
        let mark = if printed { '=' } else { '+' };
        // A cut line before it must not swallow this one.
        self.file
            .write_all(format!("\n{mark}{number}\n").as_bytes())
            .and_then(|()| self.file.sync_data())
            .context("送った帳票の控えを書けません。ここから先は送っていません")?;
        self.known.insert(number.to_owned(), printed);
        Ok(())
    }
}
