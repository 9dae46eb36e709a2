//! `tomoshibi backup`: generations of everything that must not be lost, where ransomware on the network cannot reach them.
//!
//! A hub makes them into its own spool and knows no store; a backup host fetches them (`pull`) and keeps them; a person carries one on a
//! stick (`stick`) and proves with the recovery key that one opens (`test`). Only the backup host ever removes a copy.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use downtime::audit::{Deed, Method};
use downtime::identity::Roster;
use serde_json::json;

use super::recovery::KeyArgs;
use super::{ConfigArg, LOOK};
use crate::backup::registers::{self, OnStick, Tried};
use crate::backup::{self, Manifest, Store, StoreFault};
use crate::home::{Home, MAX_ROSTER};
use crate::line::Line;
use crate::{clock, progress, sticks, trail};

mod words;

/// Longest one file of a hub may take.
const PATIENCE: Duration = Duration::from_secs(900);
/// The folder on a stick.
const ON_STICK: &str = "TOMOSHIBI-BACKUP";

/// Backups that ransomware on the network does not reach: made, carried, fetched, proved.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  tomoshibi backup make                                        # on the hub, into its own spool (also by itself, daily)\n  tomoshibi backup pull --from https://10.0.0.2:8300 --trust trust.cbor --to /srv/backup   # on the backup host, daily\n  tomoshibi backup stick --to /media/x/TMB-MON --place 金庫 --who 高橋\n  tomoshibi backup sticks\n  tomoshibi backup test --from /srv/backup --share s1.txt --share s3.txt --share s5.txt --who 高橋\n\nExit codes: 0 done, 1 failed and nothing changed, 3 done, but somebody must look."
)]
pub struct Backup {
    #[command(flatten)]
    config: ConfigArg,
    #[command(subcommand)]
    action: Action,
}

/// A place for generations.
#[derive(Debug, Clone, clap::Args)]
struct Place {
    /// Folder: a disk, a stick, a share.
    #[arg(long = "in", alias = "to", value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Settings file of a store that speaks S3.
    #[arg(long, value_name = "FILE", conflicts_with = "dir")]
    store: Option<PathBuf>,
}

/// Whose signatures are believed, on a machine that is no station.
#[derive(Debug, Clone, clap::Args)]
struct TrustArg {
    /// Trust file or roster of the hospital; otherwise that of the configuration.
    #[arg(long, value_name = "FILE")]
    trust: Option<PathBuf>,
}

#[derive(Debug, Clone, clap::Args)]
struct KeepArgs {
    /// Good generations that stay at least.
    #[arg(long, default_value_t = 14)]
    keep: usize,
    /// Days for which every generation stays.
    #[arg(long, default_value_t = 35)]
    days: u16,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Makes a generation: into the spool, or into a place.
    Make {
        #[command(flatten)]
        place: Place,
    },
    /// Lists the generations of a place, and whether each part is as it was signed.
    List {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        trust: TrustArg,
        /// One JSON array instead of words.
        #[arg(long)]
        json: bool,
    },
    /// On a backup host: fetches what is new from a hub, then removes what is old enough.
    Pull {
        /// Address of the hub.
        #[arg(long, value_name = "URL")]
        from: String,
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        trust: TrustArg,
        #[command(flatten)]
        keep: KeepArgs,
        /// Removes nothing.
        #[arg(long)]
        no_prune: bool,
        /// This host's notebook of when it first saw what.
        #[arg(long, value_name = "FILE", default_value = "tomoshibi-backup-seen.json")]
        notebook: PathBuf,
    },
    /// Copies the newest generation onto a stick or disk, reads it back, and writes down which stick is where.
    Stick {
        /// Folder of the stick.
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
        /// Generation; otherwise the newest.
        #[arg(long)]
        generation: Option<String>,
        /// Where it will be kept.
        #[arg(long, default_value = "")]
        place: String,
        /// Who does this.
        #[arg(long)]
        who: String,
    },
    /// Which stick is where, what is on it, when it was last read back.
    Sticks {
        /// One JSON array instead of words.
        #[arg(long)]
        json: bool,
    },
    /// Tries the restore: opens everything of a generation with the recovery key, counts it, and writes the outcome down.
    Test {
        /// Folder with generations (a stick too).
        #[arg(long, value_name = "DIR")]
        from: Option<PathBuf>,
        /// Settings file of a store that speaks S3.
        #[arg(long, value_name = "FILE", conflicts_with = "from")]
        store: Option<PathBuf>,
        /// Generation; otherwise the newest.
        #[arg(long)]
        generation: Option<String>,
        #[command(flatten)]
        key: KeyArgs,
        /// Who does this.
        #[arg(long)]
        who: String,
        /// Keeps what was unpacked in this new directory.
        #[arg(long, value_name = "DIR")]
        keep_in: Option<PathBuf>,
        /// One JSON object instead of words.
        #[arg(long)]
        json: bool,
    },
}

impl Backup {
    /// Runs the command.
    ///
    /// # Errors
    /// When something was not made, fetched or opened: what, and what is true now.
    pub fn run(&self) -> Result<ExitCode> {
        match &self.action {
            Action::Make { place } => self.make(place),
            Action::List { place, trust, json } => self.list(place, trust, *json),
            Action::Pull {
                from,
                place,
                trust,
                keep,
                no_prune,
                notebook,
            } => {
                let store = Store::named(place.dir.as_deref(), place.store.as_deref())?;
                let roster = self.roster(trust)?;
                // The objects prove themselves; an address that says http is one that somebody wrote so.
                let line = Line::with_plain(from.starts_with("http://"));
                line.trust(&roster.authorities())?;
                let hub = Store::hub(from, line.agent(PATIENCE));
                let fetched = pull(&hub, &store, &roster)?;
                say!("{fetched} 世代を受け取り、確かめました");
                if *no_prune {
                    return Ok(ExitCode::SUCCESS);
                }
                let kept = backup::prune(&store, &roster, keep.keep, keep.days, notebook, clock::now().0)?;
                words::kept(&kept);
                let look = kept.held_back.is_some() || !kept.not_good.is_empty();
                Ok(if look { ExitCode::from(LOOK) } else { ExitCode::SUCCESS })
            }
            Action::Stick {
                to,
                generation,
                place,
                who,
            } => self.stick(to, generation.as_deref(), place, who),
            Action::Sticks { json } => self.sticks(*json),
            Action::Test {
                from,
                store,
                generation,
                key,
                who,
                keep_in,
                json,
            } => {
                let store = Store::named(from.as_deref(), store.as_deref())?;
                let wanted = Wanted {
                    generation: generation.as_deref(),
                    who,
                    keep_in: keep_in.as_deref(),
                    json: *json,
                };
                self.test(&store, from.as_deref(), key, &wanted)
            }
        }
    }

    fn make(&self, place: &Place) -> Result<ExitCode> {
        let config = self.config.read()?;
        let home = Home::open(&config)?;
        let spool = place.dir.is_none() && place.store.is_none();
        let store = if spool {
            backup::spool(&home.data)
        } else {
            Store::named(place.dir.as_deref(), place.store.as_deref())?
        };
        note(&home, Deed::Exported, "控えを作る（封印されたまま）".to_owned())?;
        let made = backup::make(&config, &self.config.config, &home, &store)?;
        if spool {
            backup::spool_down(&store, &home, config.backup.keep_here.into())?;
        }
        say!(
            "控え {} を作り、読み返して確かめました（{} ファイル、{} バイト、記録 {} 件、カルテ {} 件）",
            made.name,
            made.counts.files,
            made.bytes(),
            made.counts.records,
            made.counts.charts
        );
        Ok(ExitCode::SUCCESS)
    }

    fn roster(&self, trust: &TrustArg) -> Result<Roster> {
        let Some(path) = &trust.trust else {
            return Ok(Home::open(&self.config.read()?)?.roster);
        };
        let size = std::fs::metadata(path)
            .with_context(|| format!("{} がありません", path.display()))?
            .len();
        if size > MAX_ROSTER {
            bail!("{} は名簿ではありません（大きすぎます）", path.display());
        }
        Ok(Roster::from_bytes(&std::fs::read(path)?)?)
    }

    fn list(&self, place: &Place, trust: &TrustArg, json: bool) -> Result<ExitCode> {
        let roster = self.roster(trust)?;
        let store = match (&place.dir, &place.store) {
            (None, None) => backup::spool(&self.config.read()?.data()),
            (dir, file) => Store::named(dir.as_deref(), file.as_deref())?,
        };
        let mut bad = 0;
        let mut lines = Vec::new();
        for name in store.list()? {
            let whole = Manifest::read(&store, &name, &roster).and_then(|made| {
                made.read_parts(&store, &mut |_, _| Ok(()))?;
                Ok(made)
            });
            bad += usize::from(whole.is_err());
            match (whole, json) {
                (Ok(made), true) => lines.push(json!({"name": name, "made": made.made_text, "bytes": made.bytes(), "records": made.counts.records, "charts": made.counts.charts, "whole": true})),
                (Err(fault), true) => lines.push(json!({"name": name, "whole": false, "fault": format!("{fault:#}")})),
                (Ok(made), false) => say!("○ {name}  {}  {} バイト  記録 {} 件", made.made_text, made.bytes(), made.counts.records),
                (Err(fault), false) => say!("★ {name}  {fault:#}"),
            }
        }
        if json {
            say!("{}", serde_json::Value::Array(lines));
        }
        Ok(if bad > 0 {
            ExitCode::from(LOOK)
        } else {
            ExitCode::SUCCESS
        })
    }

    fn stick(&self, to: &Path, generation: Option<&str>, place: &str, who: &str) -> Result<ExitCode> {
        let config = self.config.read()?;
        let home = Home::open(&config)?;
        let from = backup::spool(&home.data);
        let made = chosen(&from, &home.roster, generation)?;
        let stick = sticks::one(to);
        note(
            &home,
            Deed::Exported,
            format!("控え {} を {} へ（封印されたまま）", made.name, stick.name.label),
        )?;
        let target = Store::folder(to.join(ON_STICK));
        copy(&made, &from, &target, &home.roster)?;
        let one = OnStick {
            label: stick.name.label,
            serial: stick.name.serial,
            place: place.trim().to_owned(),
            generation: made.name.clone(),
            made: made.made,
            verified: clock::now().0,
            by: who.trim().to_owned(),
        };
        registers::add_stick(&home.data, one)?;
        say!(
            "控え {} を書き、USBメモリから読み返して確かめました。抜いてもかまいません / OK to unplug",
            made.name
        );
        Ok(ExitCode::SUCCESS)
    }

    fn sticks(&self, json: bool) -> Result<ExitCode> {
        let data = self.config.read()?.data();
        let all = registers::sticks_now(&data)?;
        if json {
            say!("{}", serde_json::to_string(&all)?);
            return Ok(ExitCode::SUCCESS);
        }
        for one in &all {
            say!(
                "{} {}  {}  控え {}（{}）  確かめた日時 {}  {}",
                one.label,
                one.serial,
                one.place,
                one.generation,
                backup::at(one.made),
                backup::at(one.verified),
                one.by
            );
        }
        if all.is_empty() {
            say!("まだ一本も書いていません。`tomoshibi backup stick` で書き、離れた場所に置いてください");
        }
        Ok(ExitCode::SUCCESS)
    }

    fn test(&self, store: &Store, from: Option<&Path>, key: &KeyArgs, wanted: &Wanted<'_>) -> Result<ExitCode> {
        let config = self.config.read()?;
        let home = Home::open(&config)?;
        let made = chosen(store, &home.roster, wanted.generation)?;
        // On record before anything opens.
        note(
            &home,
            Deed::Opened,
            format!("控え {} を復旧鍵で開いて確かめる。何も表示しない", made.name),
        )?;
        let mut tried = Tried {
            at: clock::now().0,
            by: wanted.who.trim().to_owned(),
            from: from.map_or_else(|| "S3".to_owned(), |dir| dir.display().to_string()),
            generation: made.name.clone(),
            charts: (0, made.counts.charts),
            records: (0, made.counts.records),
            unreadable: 0,
            fault: None,
        };
        match opened(&made, store, key, wanted) {
            Ok(found) => {
                tried.charts = found.charts;
                tried.records = found.records;
                tried.unreadable = found.unreadable;
            }
            Err(fault) => tried.fault = Some(format!("{fault:#}")),
        }
        registers::add_tried(&home.data, tried.clone())?;
        if wanted.json {
            say!("{}", serde_json::to_string(&tried)?);
        } else {
            tried_in_words(&tried);
        }
        Ok(if tried.is_whole() {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(LOOK)
        })
    }
}

struct Wanted<'w> {
    generation: Option<&'w str>,
    who: &'w str,
    keep_in: Option<&'w Path>,
    json: bool,
}

fn opened(made: &Manifest, store: &Store, key: &KeyArgs, wanted: &Wanted<'_>) -> Result<backup::proving::Found> {
    let file = |name: &str| store.get(&made.name, name, backup::MAX_SMALL).ok();
    let key = key.open(&file)?;
    let journal = key.journal()?;
    let scratch = tempfile::Builder::new().prefix("tomoshibi-restore").tempdir()?;
    let dir = match wanted.keep_in {
        Some(dir) if dir.exists() => bail!("{} はもうあります。新しいディレクトリを指定してください", dir.display()),
        Some(dir) => {
            std::fs::create_dir_all(dir)?;
            dir.to_path_buf()
        }
        None => scratch.path().to_path_buf(),
    };
    backup::proving::unpack(made, store, &key.secret, &dir)?;
    let bar = progress::bar("開封", wanted.json);
    let found = backup::proving::open_all(made, &dir, &key.secret, &journal, &mut |done, all| {
        progress::show(&bar, done, all);
    });
    bar.finish_and_clear();
    found
}

fn tried_in_words(tried: &Tried) {
    if let Some(fault) = &tried.fault {
        say!("★ 控え {} は開けませんでした: {fault}", tried.generation);
        say!("  この結果を記録しました。別の世代で試し、医療情報担当に知らせてください");
        return;
    }
    let mark = if tried.is_whole() { "○" } else { "★" };
    say!(
        "{mark} 控え {}: カルテ {} / {} 件、記録 {} 件（{} 件以上のはず）、開けない記録 {} 件",
        tried.generation,
        tried.charts.0,
        tried.charts.1,
        tried.records.0,
        tried.records.1,
        tried.unreadable
    );
    say!("  この結果を記録しました");
}

fn chosen(store: &Store, roster: &Roster, generation: Option<&str>) -> Result<Manifest> {
    if let Some(name) = generation {
        return Manifest::read(store, name, roster);
    }
    // On a stick the generations lie in a folder of their own.
    let newest = |store: &Store| -> Result<Option<Manifest>> {
        let mut all: Vec<Manifest> = Vec::new();
        for name in store.list()? {
            all.extend(Manifest::read(store, &name, roster).ok());
        }
        Ok(all.into_iter().max_by_key(|made| made.made))
    };
    newest(store)?.context("控えがありません。`tomoshibi backup make` で作るか、場所を確かめてください")
}

/// Copies a generation, manifest last, and reads it back from where it went.
fn copy(made: &Manifest, from: &Store, to: &Store, roster: &Roster) -> Result<()> {
    made.read_parts(from, &mut |part, bytes| put_same(to, &made.name, &part.name, &bytes))?;
    for name in [backup::SIGNATURE, backup::MANIFEST] {
        let bytes = from.get(&made.name, name, backup::MAX_SMALL)?;
        put_same(to, &made.name, name, &bytes)?;
    }
    let there = Manifest::read(to, &made.name, roster)?;
    there.read_parts(to, &mut |_, _| Ok(()))
}

/// A file that is there already is fine when it is the same: an earlier try was interrupted.
fn put_same(to: &Store, generation: &str, name: &str, bytes: &[u8]) -> Result<()> {
    match to.put_new(generation, name, bytes) {
        Err(StoreFault::Exists(what)) => {
            let there = to.get(generation, name, bytes.len() as u64).unwrap_or_default();
            if there == bytes {
                Ok(())
            } else {
                bail!("{what} は、別の中身でもうあります。上書きしません")
            }
        }
        other => Ok(other?),
    }
}

/// Fetches every generation of a hub that is not here yet; each is checked before it is stored, and read back.
fn pull(hub: &Store, store: &Store, roster: &Roster) -> Result<usize> {
    let mut fetched = 0;
    for name in hub.list().context("hub から控えの一覧を受け取れません")? {
        if Manifest::read(store, &name, roster).is_ok() {
            continue;
        }
        let made = Manifest::read(hub, &name, roster)?;
        copy(&made, hub, store, roster)?;
        fetched += 1;
    }
    Ok(fetched)
}

fn note(home: &Home, deed: Deed, detail: String) -> Result<()> {
    let by = chart::Author {
        user: "backup".to_owned(),
        name: "コマンド".to_owned(),
        role: String::new(),
    };
    let mut sighting = trail::sighting(home, &by, Method::Program, deed);
    sighting.detail = detail;
    trail::write(home, vec![sighting])
}
