//! Destroys packs and lifeboats whose snapshot has been replaced, before two people, and says what it could not destroy.
//!
//! Only files that a list of ours names, unchanged since, are touched. Overwriting does not reach every cell of a flash
//! memory, and paper is not reached at all: `docs/operating/packs.md` says what to do about both.

use std::fs;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, bail};
use downtime::audit::Deed;
use serde_json::json;
use sha2::{Digest, Sha256};
use vault::files::{Disk, Files};

use super::contents::{Contents, Listed, hex};
use crate::cli::person::Entered;
use crate::home::Home;
use crate::{clock, trail};

/// Destroys; true when something was left that should not be.
///
/// # Errors
/// When a list cannot be read, belongs to another hospital, or it cannot be written down. Nothing is destroyed then.
pub fn run(home: &Home, by: &Entered, witness: &Entered, dir: &Path, all: bool, really: bool) -> Result<bool> {
    let lists = Contents::all(dir)?;
    let hospital = hex(home.roster.hospital().as_bytes());
    if let Some((path, _)) = lists.iter().find(|(_, list)| list.hospital != hospital) {
        bail!("{} はほかの病院の目録です。何も消していません", path.display());
    }
    let epoch = by.opened.shelved().edition();
    let (over, kept): (Vec<_>, Vec<_>) = lists.into_iter().partition(|(_, list)| all || list.epoch < epoch);
    for (path, list) in &kept {
        say!(
            "残す　{}　第{}号（いまの封印）　{} 個",
            path.display(),
            list.epoch,
            list.files.len()
        );
    }
    let files: usize = over.iter().map(|(_, list)| list.files.len()).sum();
    for (path, list) in &over {
        say!(
            "消す　{}　第{}号　{}　{} 個",
            path.display(),
            list.epoch,
            list.day,
            list.files.len()
        );
    }
    if over.is_empty() {
        say!("消すものはありません");
        return Ok(false);
    }
    if !really {
        say!("まだ何も消していません。元に戻せません。消すときは --yes を付けて実行してください");
        return Ok(false);
    }
    let people = [by, witness].map(|who| who.acting.author().clone());
    let mut sighting = by.acting.sighting(home, Deed::Destroyed);
    sighting.count = u32::try_from(files).unwrap_or(u32::MAX);
    sighting.detail = format!(
        "印刷パック・控え {} 件　立会い {} {}",
        over.len(),
        people[1].user,
        people[1].name
    );
    trail::write(home, vec![sighting])?;
    let mut left = Vec::new();
    for (path, list) in &over {
        let mut gone = 0;
        let mut here = Vec::new();
        for file in &list.files {
            match destroy(dir, file) {
                Ok(()) => gone += 1,
                Err(why) => here.push(format!("{}: {why:#}", file.name)),
            }
        }
        // The list goes last, and only when nothing is left that it would lead to.
        if here.is_empty()
            && let Err(error) = Disk.remove(path)
        {
            here.push(format!("{}: {error}", path.display()));
        }
        empty_folders(dir, list);
        let line = json!({"at": clock::now().text(), "epoch": list.epoch, "day": list.day, "kind": list.kind, "files": list.files.len(), "destroyed": gone, "left": here, "by": [people[0].user, people[0].name], "witness": [people[1].user, people[1].name]});
        home.log("shred.log", &line.to_string())?;
        left.extend(here);
    }
    // Not every system lets a directory be synced; the overwritten files are.
    let _ = Disk.sync_dir(dir);
    say!("消しました　{} 個中 {} 個", files, files.saturating_sub(left.len()));
    left.iter().for_each(|line| say!("  ★ 残っています　{line}"));
    say!(
        "記録　{}　実施 {} {}　立会い {} {}",
        home.data.join("log").join("shred.log").display(),
        people[0].user,
        people[0].name,
        people[1].user,
        people[1].name
    );
    say!("署名　実施＿＿＿＿＿＿＿＿　立会い＿＿＿＿＿＿＿＿　紙はシュレッダーへ。数を目次と合わせてください");
    Ok(!left.is_empty())
}

/// Overwrites and removes one file that is still what was listed. One that is gone already is gone.
fn destroy(dir: &Path, file: &Listed) -> Result<()> {
    let path = file.path(dir).context("目録の外を指しています。触れていません")?;
    let about = match fs::symlink_metadata(&path) {
        Ok(about) => about,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).context("調べられません"),
    };
    if !about.is_file() {
        bail!("ふつうのファイルではありません。触れていません");
    }
    if about.len() != file.bytes || digest(&path)? != file.sha256 {
        bail!("中身が作ったときと違います。触れていません。見て、手で消してください");
    }
    Disk.erase(&path, 0, about.len()).context("上書きできません")?;
    Disk.remove(&path).context("上書きしましたが、名前を消せません")?;
    Ok(())
}

fn digest(path: &Path) -> Result<String> {
    let mut file = fs::File::open(path).context("読めません")?;
    let (mut hash, mut piece) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        let read = file.read(&mut piece).context("読めません")?;
        if read == 0 {
            return Ok(hex(&hash.finalize()));
        }
        hash.update(piece.get(..read).unwrap_or_default());
    }
}

/// Folders of a split pack that are empty now.
fn empty_folders(dir: &Path, list: &Contents) {
    for folder in list
        .files
        .iter()
        .filter_map(|file| file.name.split_once('/'))
        .map(|(folder, _)| folder)
    {
        // One that still holds something stays; what it holds was said above.
        let _ = fs::remove_dir(dir.join(folder));
    }
}
