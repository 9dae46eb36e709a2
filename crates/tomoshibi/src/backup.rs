//! Backups beyond the reach of whoever breaks into the network: generations that are made, carried, fetched and proved.
//!
//! A generation is a folder (or a prefix in a store) of plain files: parts of one age file around one tar, what opens it (boxes that
//! three printed shares open), a page for whoever finds it in twenty years, and a signed manifest, written last. Nothing that exists
//! is ever written again. This station never deletes a copy elsewhere: it knows no store. Layout: `docs/formats/backup.md`.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use chart::Moment;
use vault::keys::{Recipient, RecoveryPublic};

use crate::config::Config;
use crate::home::Home;
use crate::{clock, random};

mod contents;
pub mod facts;
mod keeping;
mod manifest;
mod parts;
pub mod proving;
pub mod registers;
pub mod routes;
mod s3;
pub mod store;

pub use keeping::{Kept, prune};
pub use manifest::Manifest;
pub use store::{Store, StoreFault};

/// The manifest of a generation. It is written last: without it a generation is not one.
pub const MANIFEST: &str = "manifest.json";
/// Its signature, in hexadecimal.
pub const SIGNATURE: &str = "manifest.sig";
/// For whoever finds it.
pub const README: &str = "README.txt";
/// What three of five printed shares open; worthless without them.
pub const PUBLIC: [&str; 4] = [
    "recovery.boxes",
    "recovery.wraps",
    "recovery.boxes.old",
    "recovery.wraps.old",
];
/// Most bytes of a file that is not a part.
pub const MAX_SMALL: u64 = 4 << 20;

/// Where a station keeps what it made, until it is fetched or carried.
#[must_use]
pub fn spool(data: &Path) -> Store {
    Store::folder(data.join("backup"))
}

/// Whom backups are sealed to: the hospital's recovery key, and those of the configuration.
///
/// # Errors
/// When there is none: a backup that anybody can open is none, and one that nobody can open neither.
pub fn recipients(config: &Config, home: &Home) -> Result<Vec<RecoveryPublic>> {
    let mut all: Vec<RecoveryPublic> = home.roster.recovery()?.into_iter().collect();
    for text in &config.backup.recipients {
        let public = vault::age::read_recipient(text).with_context(|| format!("backup.recipients: {text}"))?;
        all.push(public);
    }
    if all.is_empty() {
        bail!(
            "控えを封じる鍵がありません。何も作っていません。`tomoshibi recovery split` で復旧鍵を作るか、設定の [backup] recipients に age1… の鍵を書いてください"
        );
    }
    Ok(all)
}

/// Makes a generation of everything this station must not lose, read back part by part.
///
/// # Errors
/// When it cannot be read, sealed or stored; what was stored before is untouched, and a generation without its manifest is none.
pub fn make(config: &Config, config_file: &Path, home: &Home, store: &Store) -> Result<Manifest> {
    let sealed_to = recipients(config, home)?;
    let mut rng = random::system();
    let mut chance = [0; 4];
    rand_core::Rng::fill_bytes(&mut rng, &mut chance);
    let now = clock::now();
    let name = manifest::name(home, now, chance);
    let counts = contents::counts(home)?;
    let mut writer = parts::Parts::new(store, &name);
    let keys: Vec<&dyn Recipient> = sealed_to.iter().map(|key| key as &dyn Recipient).collect();
    let sealing = vault::age::Writer::new(&mut writer, &keys, &mut rng)?;
    let (sealing, listed) = contents::write(home, config_file, sealing)?;
    sealing.finish().context("控えを書けません")?;
    let parts = writer.finish()?;
    let mut beside = vec![(README, manifest::readme(&home.roster.name, &name).into_bytes())];
    for file in PUBLIC {
        let path = home.data.join(file);
        if path.is_file() {
            beside.push((file, small(&path)?));
        }
    }
    for (file, bytes) in &beside {
        store.put_new(&name, file, bytes)?;
    }
    let beside = beside
        .iter()
        .map(|(file, bytes)| parts::Part::of(file, bytes))
        .collect();
    let mut made = Manifest::new(home, &name, now, &sealed_to, parts, listed, counts);
    made.beside = beside;
    made.store(home, store)?;
    Ok(made)
}

fn small(path: &Path) -> Result<Vec<u8>> {
    let size = std::fs::metadata(path)?.len();
    if size > MAX_SMALL {
        bail!("{} が大きすぎます", path.display());
    }
    std::fs::read(path).with_context(|| format!("{} を読めません", path.display()))
}

/// Makes generations by itself until the program ends, and keeps the newest few of them here.
///
/// # Errors
/// When the thread cannot be started.
pub fn start(config: &Config, config_file: &Path) -> std::io::Result<()> {
    if config.backup.every_hours == 0 || config.station.hub.is_some() {
        return Ok(());
    }
    let (config, file) = (config.clone(), config_file.to_path_buf());
    let thread = std::thread::Builder::new().name("backup".into());
    thread.spawn(move || by_itself(&config, &file))?;
    Ok(())
}

/// Pause between two looks whether one is due.
const LOOK: Duration = Duration::from_secs(300);

fn by_itself(config: &Config, file: &Path) {
    loop {
        std::thread::sleep(LOOK);
        match once(config, file) {
            Ok(Some(made)) => tracing::info!(generation = made.name, bytes = made.bytes(), "a backup is made"),
            Ok(None) => {}
            Err(fault) => tracing::error!("★ 控えを作れませんでした: {fault:#}"),
        }
    }
}

fn once(config: &Config, file: &Path) -> Result<Option<Manifest>> {
    let home = Home::open(config)?;
    if recipients(config, &home).is_err() || home.shelf()?.current().is_none() {
        return Ok(None);
    }
    let store = spool(&home.data);
    let newest = manifest::generations(&store, &home.roster)?
        .into_iter()
        .map(|m| m.made)
        .max();
    let every = i64::from(config.backup.every_hours) * 3600;
    // A clock that went back must not stop backups: a generation from the future counts as old.
    let due = newest.is_none_or(|made| !(0..every).contains(&(clock::now().0 - made)));
    if !due {
        return Ok(None);
    }
    let made = make(config, file, &home, &store)?;
    spool_down(&store, &home, config.backup.keep_here.into())?;
    Ok(Some(made))
}

/// Removes the oldest of this station's own spool; the copies that count lie elsewhere.
///
/// # Errors
/// When one cannot be removed.
pub fn spool_down(store: &Store, home: &Home, keep: usize) -> Result<()> {
    let mut all = manifest::generations(store, &home.roster)?;
    all.sort_by_key(|made| std::cmp::Reverse(made.made));
    for old in all.iter().skip(keep.max(1)) {
        store.remove(&old.name, &old.files())?;
    }
    Ok(())
}

/// Every whole generation of a store, the newest first.
///
/// # Errors
/// When the store cannot be listed.
pub fn generations(store: &Store, home: &Home) -> Result<Vec<Manifest>> {
    let mut all = manifest::generations(store, &home.roster)?;
    all.sort_by_key(|made| std::cmp::Reverse(made.made));
    Ok(all)
}

/// A moment as people read it.
#[must_use]
pub fn at(seconds: i64) -> String {
    Moment(seconds).text()
}
