//! Print packs after a sealing: made in the background with the sealing's keys, older ones destroyed, everything in the log.
//!
//! One process at a time makes them; the next waits. They are made by a press of one thread of its own, so that the desk's is free and a
//! core stays idle. A failure is said and never undoes the seal. What a pack is and how it lies on the disk: `downtime::packs`.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use chart::Moment;
use desk::packs::{Gone, Packs};
use downtime::audit::{Deed, Method};
use downtime::extract::Done;
use downtime::forms::Issue;
use downtime::packs::{Destroyed, Kind, Lent, Made, Making, Note, Pages, PaperOf, Rendered, Store, make};
use downtime::printing::Paper;
use downtime::shelf::Opened;
use press::Press;
use serde_json::{Value, json};
use vault::files::{Disk, Locked};

use crate::cli::audit::paper::{digits, own_checkpoints};
use crate::config::Config;
use crate::home::Home;
use crate::{clock, random, serving, trail};

/// Pause between two tries while another process makes packs.
const PAUSE: Duration = Duration::from_secs(1);
/// Tries after which it is given up: an hour.
const TRIES: u32 = 3_600;
/// `kind` in the log of destructions.
const LOGGED: &str = "sealed-pack";
/// Bytes of the log of destructions that are looked at for the screen, from its end.
const LOG_TAIL: usize = 64 << 10;
/// Destructions shown.
const SHOWN: usize = 8;

/// The packs of a hub.
#[must_use]
pub fn store(home: &Home) -> Store {
    Store::new(Arc::new(Disk), &home.data, home.roster.hospital())
}

/// Makes the packs of a snapshot that has just been sealed, and waits for them.
///
/// # Errors
/// When they cannot be made at all; the seal stands.
pub fn after_sealing(config: &Config, home: &Home, done: &Done) -> Result<Made> {
    let opened = sealed(home, done)?;
    run(config, home, &opened)
}

/// The same on a thread of its own.
///
/// # Errors
/// When the thread cannot be started.
pub fn in_background(config: &Config, done: Done) -> std::io::Result<()> {
    let config = config.clone();
    spawn(move || {
        let home = Home::open(&config)?;
        let opened = sealed(&home, &done)?;
        // The snapshot is open; the keys that could open all of it again are not needed any longer.
        drop(done);
        run(&config, &home, &opened)
    })
}

fn spawn(work: impl FnOnce() -> Result<Made> + Send + 'static) -> std::io::Result<()> {
    let thread = std::thread::Builder::new().name("packs".into());
    thread.spawn(move || match work() {
        Ok(made) if made.is_whole() => {
            tracing::info!(
                epoch = made.epoch,
                packs = made.packs,
                pages = made.pages,
                "the print packs are made"
            );
        }
        Ok(made) => tracing::error!(
            epoch = made.epoch,
            failed = made.failed.len(),
            "★ some print packs could not be made"
        ),
        Err(fault) => tracing::error!("★ 印刷パックを作れませんでした（封印は済んでいます）: {fault:#}"),
    })?;
    Ok(())
}

fn sealed(home: &Home, done: &Done) -> Result<Opened> {
    let shelf = home.shelf()?;
    let shelved = shelf.current().context("封印済みデータがありません")?;
    if shelved.identity() != done.identity {
        bail!("その間に新しい号が封印されました");
    }
    let opened = shelved.open_epoch(&done.keys);
    opened.map_err(|why| anyhow::anyhow!("封印したばかりのデータを開けません: {why}"))
}

/// Makes what is missing of a snapshot's packs, and destroys older ones when all are there.
fn run(config: &Config, home: &Home, opened: &Opened) -> Result<Made> {
    let store = store(home);
    let _held = hold(&store)?;
    let epoch = opened.shelved().edition();
    let newest = store.packs()?.keys().next_back().copied();
    if newest.is_some_and(|newest| newest > epoch) {
        bail!("新しい号のパックがもう作られています");
    }
    // What nobody needs makes room first; the newest whole ones stay until the new ones are there.
    told(home, &store.destroy_before(epoch, true)?)?;
    let press = serving::press_of(config, NonZeroUsize::MIN)?;
    let day = opened
        .shelved()
        .stat()
        .day
        .context("封印済みデータに対象日がありません")?;
    let issue = issue(config, home, opened, clock::now());
    let checkpoint = checkpoint(home)?;
    let (pages, paper) = (pages(&press), paper(&press));
    let making = Making {
        opened,
        day,
        issue: &issue,
        lent: Lent {
            paper: &*paper,
            pages: &*pages,
            checkpoint: &checkpoint,
        },
        wants: &|batch| {
            let kind = batch.id().kind();
            config.packs.wants(kind, batch.key())
        },
        now: &clock::now,
    };
    let made = make(
        &store,
        &making,
        &mut random::system(),
        &mut |label, outcome| match outcome {
            Ok(head) => tracing::info!(
                epoch,
                pack = label,
                pages = head.pages,
                spoiled = head.spoiled,
                "a print pack is ready"
            ),
            Err(fault) => tracing::error!(epoch, pack = label, %fault, "★ a print pack could not be made"),
        },
    )?;
    let line = format!(
        "{} epoch {epoch} packs {} pages {} spoiled {} failed {} seconds {}",
        clock::now().text(),
        made.packs,
        made.pages,
        made.spoiled,
        made.failed.len(),
        made.ended - made.began
    );
    home.log("packs.log", &line)?;
    if made.is_whole() {
        told(home, &store.destroy_before(epoch, false)?)?;
    }
    Ok(made)
}

fn hold(store: &Store) -> Result<Box<dyn Locked>> {
    for _ in 0..TRIES {
        match store.hold() {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => std::thread::sleep(PAUSE),
            other => return other.context("data/packs を使えません"),
        }
    }
    bail!("ほかのプログラムが印刷パックを作り続けています")
}

/// A line for every snapshot whose packs are gone, in the log of destructions and in the audit log.
fn told(home: &Home, destroyed: &[Destroyed]) -> Result<()> {
    for gone in destroyed.iter().filter(|gone| gone.packs > 0 || !gone.left.is_empty()) {
        let line = json!({"at": clock::now().text(), "kind": LOGGED, "epoch": gone.epoch, "files": gone.packs + gone.left.len(), "destroyed": gone.packs, "bytes": gone.bytes, "left": gone.left, "by": "program"});
        home.log("shred.log", &line.to_string())?;
        let mut sighting = trail::sighting(home, &chart::Author::default(), Method::Program, Deed::Destroyed);
        sighting.count = u32::try_from(gone.packs).unwrap_or(u32::MAX);
        sighting.detail = format!("印刷パック 第{}号 {} 個（新しい号ができた）", gone.epoch, gone.packs);
        trail::write(home, vec![sighting])?;
        if !gone.left.is_empty() {
            tracing::error!(epoch = gone.epoch, left = ?gone.left, "★ older print packs could not be destroyed");
        }
    }
    Ok(())
}

/// The newest lines about packs in the log of destructions.
fn destroyed(data: &std::path::Path) -> Vec<Gone> {
    let bytes = std::fs::read(data.join("log").join("shred.log")).unwrap_or_default();
    let tail = bytes.get(bytes.len().saturating_sub(LOG_TAIL)..).unwrap_or_default();
    let text = String::from_utf8_lossy(tail);
    let lines = text.lines().rev().filter_map(|line| {
        let line: Value = serde_json::from_str(line).ok()?;
        let count = |value: &Value| usize::try_from(value.as_u64().unwrap_or_default()).unwrap_or(usize::MAX);
        (line.get("kind")? == LOGGED).then_some(())?;
        Some(Gone {
            at: line.get("at")?.as_str()?.to_owned(),
            epoch: line.get("epoch")?.as_u64()?,
            packs: count(line.get("destroyed")?),
            left: line.get("left")?.as_array()?.len(),
        })
    });
    lines.take(SHOWN).collect()
}

/// What S71 needs.
///
/// # Errors
/// When keys or roster cannot be read.
pub fn lend(config: &Config, press: Arc<Press>) -> Result<Packs> {
    let home = Home::open(config)?;
    let (wants, printers, remake) = (config.packs.clone(), config.packs.clone(), config.clone());
    let data = home.data.clone();
    let store = store(&home);
    let fallback = first_printer(config)?;
    let home = Arc::new(home);
    Ok(Packs {
        store,
        pages: pages(&press),
        paper: paper(&press),
        checkpoint: Arc::new(move || {
            checkpoint(&home).unwrap_or_else(|fault| {
                tracing::error!("★ 一覧（F13）に監査の控えを入れられません: {fault:#}");
                String::new()
            })
        }),
        wants: Arc::new(move |kind, code| wants.wants(kind, code)),
        printers: Arc::new(move |kind, code| {
            let own = printers.printers(kind, code);
            if own.is_empty() { fallback.clone() } else { own }
        }),
        per_minute: per_minute(config),
        remake: (config.extract.is_some() && config.packs.enabled).then(|| -> desk::packs::Remake {
            Arc::new(move |opened: Arc<Opened>| {
                let config = remake.clone();
                let begun = spawn(move || run(&config, &Home::open(&config)?, &opened));
                if let Err(error) = begun {
                    tracing::error!(%error, "★ the print packs cannot be made");
                }
            })
        }),
        destroyed: Arc::new(move || destroyed(&data)),
    })
}

/// The first printer of the list that holds A4, for departments and wards without one of their own.
fn first_printer(config: &Config) -> Result<Vec<String>> {
    let listed = config.printers()?.into_iter().find(|printer| printer.holds(Paper::A4));
    Ok(listed.map(|printer| printer.name).into_iter().collect())
}

/// Pages a minute of packs.
#[must_use]
pub fn per_minute(config: &Config) -> u16 {
    config
        .packs
        .pages_per_minute
        .unwrap_or_else(|| config.forms.per_minute())
}

/// Sheets to one PDF.
fn pages(press: &Arc<Press>) -> Arc<Pages<'static>> {
    let press = Arc::clone(press);
    Arc::new(move |sheets| {
        let mut pdf = Vec::new();
        let report = press.pack(sheets, |_| (), &mut pdf)?;
        for words in [&report.instead, &report.warning].into_iter().flatten() {
            tracing::error!("★ {words}");
        }
        let spoiled = report.spoiled.into_iter().map(|one| Note {
            form: one.form,
            patient: one.patient,
            why: one.error.to_string(),
        });
        Ok(Rendered {
            pdf,
            pages: report.printed.pages,
            spoiled: spoiled.collect(),
        })
    })
}

fn paper(press: &Arc<Press>) -> Arc<PaperOf<'static>> {
    let press = Arc::clone(press);
    Arc::new(move |form| {
        let about = &press.forms().get(form).ok()?.about;
        Some(match about.paper {
            press::Paper::A5 => Paper::A5,
            press::Paper::A4 | press::Paper::A4Landscape => Paper::A4,
        })
    })
}

/// This station's longest log as the code of a list: whoever keeps the list is a witness.
///
/// # Errors
/// When the log cannot be read.
pub fn checkpoint(home: &Home) -> Result<String> {
    let checkpoints = own_checkpoints(home)?;
    let longest = checkpoints.iter().max_by_key(|checkpoint| checkpoint.claim().size);
    Ok(longest.map(digits).unwrap_or_default())
}

/// What the sheets of a pack say about now.
#[must_use]
pub fn issue(config: &Config, home: &Home, opened: &Opened, now: Moment) -> Issue {
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

/// One pack as it is, for who only looks: nothing is opened.
pub struct Seen {
    /// Department or ward.
    pub kind: Kind,
    /// Its code.
    pub code: String,
    /// As people say it.
    pub label: String,
    /// Pages.
    pub pages: u32,
    /// Minutes at its printers.
    pub minutes: u32,
    /// When it was made.
    pub made: Moment,
    /// Its printers.
    pub printers: Vec<String>,
    /// Sheets that are not as they should be.
    pub spoiled: u32,
    /// Who printed it last: when, name, where to.
    pub released: Option<(Moment, String, String)>,
}

/// The packs of the snapshot in use: what can be read, and what cannot or could not be made, in words.
///
/// # Errors
/// When the shelf or the directory cannot be read.
pub fn look(config: &Config, home: &Home) -> Result<(u64, Vec<Seen>, Vec<String>)> {
    let shelf = home.shelf()?;
    let shelved = shelf
        .current()
        .context("封印済みデータがまだありません。`tomoshibi extract` を実行してください")?;
    let (epoch, store) = (shelved.edition(), store(home));
    let per_minute = per_minute(config);
    let fallback = first_printer(config)?;
    let (mut seen, mut wrong) = (Vec::new(), Vec::new());
    for id in store.packs()?.remove(&epoch).unwrap_or_default() {
        let pack = match store.open(epoch, &id).and_then(|pack| pack.check().map(|()| pack)) {
            Ok(pack) => pack,
            Err(fault) => {
                wrong.push(format!(
                    "{}: {fault}。印刷するときは、いまの号から作ります",
                    id.as_str()
                ));
                continue;
            }
        };
        let head = &pack.head;
        let own = config.packs.printers(head.kind, &head.code);
        let printers = if own.is_empty() { fallback.clone() } else { own };
        let parts: Vec<u32> = pack.printed().iter().map(|part| part.pages).collect();
        let shares = downtime::packs::share(&parts, printers.len());
        let longest = shares.iter().map(|share| share.pages).max().unwrap_or_default();
        let released = store.released(epoch, &id)?;
        seen.push(Seen {
            kind: head.kind,
            code: head.code.clone(),
            label: head.label.clone(),
            pages: head.pages,
            minutes: downtime::packs::minutes(longest, per_minute),
            made: head.made,
            printers,
            spoiled: head.spoiled,
            released: released
                .last
                .filter(|_| !released.out.is_empty())
                .map(|last| (Moment(last.at), last.name, last.to)),
        });
    }
    match store.made(epoch) {
        None => wrong.push(format!("第{epoch}号のパックはまだできていません")),
        Some(made) => wrong.extend(
            made.failed
                .into_iter()
                .map(|one| format!("{}: 作れませんでした（{}）", one.label, one.why)),
        ),
    }
    let older: Vec<String> = store
        .packs()?
        .range(..epoch)
        .filter(|(_, ids)| !ids.is_empty())
        .map(|(epoch, _)| format!("第{epoch}号"))
        .collect();
    if !older.is_empty() {
        wrong.push(format!("古い号のパックが残っています（{}）", older.join("、")));
    }
    Ok((epoch, seen, wrong))
}

/// For `doctor`.
///
/// # Errors
/// What is wrong.
pub fn state(config: &Config, home: &Home) -> Result<String> {
    if config.extract.is_none() {
        return Ok("この端末では前もって作りません（hub が作ります。印刷はこの端末でもできます）".to_owned());
    }
    if !config.packs.enabled {
        return Ok("自動では作りません（[packs] enabled = false）".to_owned());
    }
    let (epoch, seen, wrong) = look(config, home)?;
    let pages: u32 = seen.iter().map(|one| one.pages).sum();
    let text = format!("第{epoch}号 {} 個 {pages} 枚", seen.len());
    if wrong.is_empty() {
        Ok(text)
    } else {
        bail!("{text}。{}", wrong.join("。"))
    }
}
