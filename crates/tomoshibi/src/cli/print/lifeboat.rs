//! Makes the lifeboats: one sealed HTML file for each department, written, read back and really opened before anybody is told
//! that it is there.
//!
//! The passphrase is shown once and written nowhere: whoever loses the paper makes a new file. `docs/formats/lifeboat.md`.

use std::collections::HashMap;
use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use chart::{Moment, Subject};
use desk::lifeboat::{Boatyard, Cover, MAX_FILE, MAX_PEOPLE};
use downtime::audit::Deed;
use downtime::packs::{Batch, Only};
use downtime::view::{Day, lay_over};
use jiff::civil::Date;
use rand_core::Rng;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use vault::lifeboat::{ITERATIONS, Passphrase, SALT_LEN, Sealing};

use super::contents::{Contents, Listed, hex};
use super::{wanted, witness};
use crate::cli::person::Entered;
use crate::config::Config;
use crate::home::Home;
use crate::{clock, progress, random, trail};

mod paper;

/// What somebody wants.
pub struct Wish<'a> {
    /// Directory or stick.
    pub out: &'a Path,
    /// Everything, or one department or ward.
    pub only: Only<'a>,
    /// Where the passphrases are printed.
    pub paper: Option<&'a Path>,
    /// JSON instead of words.
    pub json: bool,
}

/// One department's or ward's file, with what opens it.
struct Made {
    department: String,
    file: PathBuf,
    passphrase: Passphrase,
    people: u32,
    listed: Listed,
    lost: Vec<String>,
}

/// Makes them; true when somebody must look.
///
/// # Errors
/// When a file cannot be made, written, or opened again. What was not opened again is removed.
pub fn run(config: &Config, home: &Home, entered: &Entered, wish: &Wish<'_>) -> Result<bool> {
    let (out, quiet) = (wish.out, wish.json);
    let (day, wanted) = wanted(entered, wish.only)?;
    let press = wish.paper.map(|path| paper::ready(config, path)).transpose()?;
    fs::create_dir_all(out).with_context(|| format!("{} を作れません", out.display()))?;
    let yard = Boatyard::open()?;
    let now = clock::now();
    witness(home, entered, Deed::Exported, Some("ライフボート"), &wanted)?;
    let state = entered.opened.shelved().state();
    let mark = Contents::mark(out, state.epoch, &now.local().strftime("%H%M%S").to_string());
    let bar = progress::bar("ライフボート", quiet);
    let all: usize = wanted.iter().map(|batch| batch.rows().len()).sum();
    let (mut made, mut done, mut failed) = (Vec::new(), 0, None);
    for batch in &wanted {
        let cover = Cover {
            format: 1,
            hospital: config.hospital.name.clone(),
            station: home.code.to_string(),
            epoch: state.epoch,
            code: batch.code().to_owned(),
            department: batch.label().to_owned(),
            day: chart::date::iso(day),
            as_of: state.as_of.oldest().text(),
            made: now.text(),
            chunks: 0,
            salt: String::new(),
            iterations: ITERATIONS,
        };
        let one = one(&yard, entered, batch, day, cover, out, &mark, &mut |n| {
            progress::show(&bar, (done + n) as u64, all as u64);
        });
        let one = match one.and_then(|one| noted(home, entered, one)) {
            Ok(one) => one,
            Err(fault) => {
                failed = Some(fault);
                break;
            }
        };
        done += batch.rows().len();
        made.push(one);
    }
    bar.finish_and_clear();
    let list = Contents {
        format: 1,
        hospital: hex(home.roster.hospital().as_bytes()),
        kind: "lifeboat".to_owned(),
        epoch: state.epoch,
        day: chart::date::iso(day),
        made: now.text(),
        files: made.iter().map(|one| one.listed.clone()).collect(),
    };
    list.write(out, &mark)?;
    // What was made before something failed is whole, and its passphrases are nowhere else.
    say_all(&made, &list, quiet);
    if let (Some(press), Some(path)) = (&press, wish.paper) {
        paper::print(press, config, home, entered, path, &made, &list)?;
    }
    if let Some(fault) = failed {
        return Err(fault);
    }
    Ok(made.iter().any(|one| !one.lost.is_empty()))
}

/// Which file it became, for whoever asks later whether this is the one that was made.
fn noted(home: &Home, entered: &Entered, one: Made) -> Result<Made> {
    let mut sighting = entered.acting.sighting(home, Deed::Exported);
    sighting.count = one.people;
    sighting.detail = format!("ライフボート {} SHA-256 {}", one.listed.name, one.listed.sha256);
    trail::write(home, vec![sighting])?;
    Ok(one)
}

/// One department: sealed part by part into a file beside its place, then opened from there.
#[allow(clippy::too_many_arguments)]
fn one(
    yard: &Boatyard,
    entered: &Entered,
    batch: &Batch,
    day: Date,
    mut cover: Cover,
    out: &Path,
    mark: &str,
    show: &mut dyn FnMut(usize),
) -> Result<Made> {
    let opened = &entered.opened;
    let index = opened.index();
    let mut places: HashMap<u32, u32> = HashMap::new();
    let rows = batch.rows();
    for (place, row) in (1..).zip(&rows) {
        places.insert(*row, place);
    }
    let people = u32::try_from(rows.len()).unwrap_or(u32::MAX);
    if people > MAX_PEOPLE {
        bail!("1つの控えに入るのは {MAX_PEOPLE} 人までです（{people} 人）。何も作っていません");
    }
    let mut rng = random::system();
    let passphrase = Passphrase::random(&mut rng);
    let mut salt = [0; SALT_LEN];
    rng.fill_bytes(&mut salt);
    cover.chunks = people + 1;
    cover.salt = Cover::salt_text(&salt);
    let head = cover.line();
    let mut sealing = Sealing::new(passphrase.key(&salt, ITERATIONS)?, head.clone());
    let name = format!("lifeboat_{}_{mark}.html", batch.file_name(day));
    let (file, part) = (out.join(&name), out.join(format!("{name}.part")));
    let mut digests = Vec::with_capacity(rows.len() + 1);
    let mut lost = Vec::new();
    let written = (|| -> Result<()> {
        let target = fs::OpenOptions::new().write(true).create_new(true).open(&part);
        let mut sink = BufWriter::new(target.with_context(|| format!("{} を作れません", part.display()))?);
        yard.begin(&head, &mut sink)?;
        let place = |row: u32| places.get(&row).copied();
        let list = match batch {
            Batch::Department(_, department) => yard.list(index, &department.slots, day, place),
            Batch::Ward(ward) => yard.ward(index, ward, day, place),
        };
        digests.push(Sha256::digest(&list));
        Boatyard::chunk(&sealing.seal(&list)?, &mut sink)?;
        for (number, row) in rows.iter().enumerate() {
            let plain = match opened.chart(*row) {
                Ok(chart) => {
                    let subject = Subject::Patient(chart.patient.id.clone());
                    let moment = Moment::from_local(day.at(0, 0, 0, 0));
                    yard.person(
                        &lay_over(&subject, Some(Arc::new(chart)), &Day::default(), moment),
                        index,
                        day,
                    )
                }
                Err(fault) => {
                    let id = index.row(*row).map(|row| row.id_text().to_owned()).unwrap_or_default();
                    lost.push(format!("{id}: {fault}"));
                    // A part must stand here, and the page then says that this chart cannot be opened.
                    b"{}".to_vec()
                }
            };
            digests.push(Sha256::digest(&plain));
            Boatyard::chunk(&sealing.seal(&plain)?, &mut sink)?;
            show(number + 1);
        }
        yard.end(&mut sink)?;
        sink.flush()?;
        sink.get_ref().sync_all()?;
        Ok(())
    })();
    let proven = written.and_then(|()| {
        let bytes = proven(yard, &part, &passphrase.to_typed(), &digests)?;
        if file.exists() {
            bail!("{} はもうあります", file.display());
        }
        fs::rename(&part, &file)?;
        // Not every system lets a directory be synced; the file itself is.
        let _ = fs::File::open(out).and_then(|dir| dir.sync_all());
        Ok(bytes)
    });
    match proven {
        Ok(listed) => Ok(Made {
            department: batch.label().to_owned(),
            listed: Listed { name, ..listed },
            file,
            passphrase,
            people,
            lost,
        }),
        Err(fault) => {
            let left = fs::remove_file(&part).err().filter(|_| part.exists());
            let left = left.map_or(String::new(), |error| {
                format!("。{} を消せません（{error}）", part.display())
            });
            Err(fault.context(format!(
                "{} の控えを作れません。この科・病棟の控えはありません{left}",
                batch.label()
            )))
        }
    }
}

/// Reads the file as it lies there, with nothing but the passphrase, and compares every part with what went in.
fn proven(yard: &Boatyard, path: &Path, typed: &str, digests: &[impl AsRef<[u8]>]) -> Result<Listed> {
    if fs::metadata(path)?.len() > MAX_FILE {
        bail!("控えが大きすぎます（{} バイトまで）", MAX_FILE);
    }
    let file = fs::read_to_string(path).with_context(|| format!("{} を読み直せません", path.display()))?;
    let sealed = yard.read(&file)?;
    let salt = sealed.cover.salt_bytes().context("控えの表書きの salt")?;
    let key = Passphrase::from_typed(typed)?.key(&salt, sealed.cover.iterations)?;
    if sealed.chunks.len() != digests.len() {
        bail!("読み直した控えの人数が違います");
    }
    for ((number, chunk), digest) in (0..).zip(&sealed.chunks).zip(digests) {
        let plain = key.open(&sealed.head, number, chunk)?;
        if Sha256::digest(&*plain).as_slice() != digest.as_ref() {
            bail!("読み直した控えの {number} 番目が、書いたものと違います");
        }
    }
    Ok(Listed::of(String::new(), file.as_bytes(), 0))
}

/// Says it all once: the passphrases are nowhere else.
fn say_all(made: &[Made], list: &Contents, as_json: bool) {
    if as_json {
        let all: Vec<Value> = made.iter().map(|one| json!({"department": one.department, "file": one.file, "people": one.people, "bytes": one.listed.bytes, "sha256": one.listed.sha256, "passphrase": *one.passphrase.to_typed(), "lost": one.lost})).collect();
        say!("{}", json!({"lifeboats": all}));
        return;
    }
    for one in made {
        say!("────────────────────────────────────────────────");
        say!("停止中の控え（ライフボート）の合言葉　取扱注意");
        say!("  診療科・病棟　{}　{}　{} 人", one.department, list.day, one.people);
        say!("  ファイル　{}", one.listed.name);
        say!("  合言葉　　{}", *one.passphrase.to_typed());
        say!("  SHA-256 　{}", one.listed.sha256);
        say!("  開いた人・日時　＿＿＿＿＿＿＿＿＿＿　＿＿＿＿＿＿＿＿＿＿");
        one.lost.iter().for_each(|line| say!("  ★ 入っていないカルテ {line}"));
    }
    say!("────────────────────────────────────────────────");
    say!(
        "書いたあと読み直し、{} 件すべてを合言葉だけで開けることを確かめました",
        made.len()
    );
    say!("合言葉はここに一度だけ出ます。紙に写して封をし、ファイルとは別の所に置いてください");
}
