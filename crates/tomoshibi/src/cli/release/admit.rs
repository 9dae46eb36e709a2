//! What an officer does at the hub: lets a version in, passes on later keys, pauses and goes on. Each is in the audit log first.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use downtime::updates::{Approval, MAX_FILE, Order, Trust, UpdateFault, hex, sha256};

use super::{show, witnessed};
use crate::cli::ConfigArg;
use crate::cli::person::SponsorArgs;
use crate::config::Config;
use crate::home::{Home, write_durably};
use crate::releases::{APPROVAL, RELEASE, Releases, signed};
use crate::{clock, updating};

/// Lets a version in, or a later word of the hospital about one that is in.
pub fn import(config: &ConfigArg, folder: &Path, by: &SponsorArgs) -> Result<()> {
    let config = config.read()?;
    let home = hub(&config)?;
    let line = updating::trust(&config)?;
    let trust = line.last().context("信頼する鍵がありません")?;
    let (release, word) = (signed(&folder.join(RELEASE))?, signed(&folder.join(APPROVAL))?);
    let accepted = trust.accept_release(&release)?;
    let approval = trust.accept_approval(&release, &word)?;
    let releases = Releases::at(&home.data);
    let dir = releases.version_dir(accepted.version);
    let before = signed(&dir.join(APPROVAL)).ok();
    let before = before.and_then(|signed| Approval::from_body(&signed.body).ok());
    match &before {
        Some(before) if before.release != approval.release => {
            bail!(
                "版 {} は、別の中身でもう取り込んであります。新しい番号で作り直してください",
                accepted.version
            )
        }
        Some(before) if before.revision >= approval.revision => return Err(UpdateFault::OlderApproval.into()),
        Some(_) => {}
        None => {
            if let Some(newest) = releases.versions()?.pop() {
                Trust::newer(accepted.version, newest)?;
            }
            if clock::now() > accepted.expires_at {
                return Err(UpdateFault::Expired(accepted.version).into());
            }
        }
    }
    let what = match approval.order {
        Order::Take => "を配る",
        Order::Withdraw => "を取り下げる",
    };
    let who = witnessed(
        &home,
        by,
        &approval.by,
        &format!("プログラムの版 {} {what}", accepted.version),
    )?;
    fs::create_dir_all(&dir).with_context(|| format!("{} を作れません", dir.display()))?;
    for file in &accepted.files {
        let name = hex(&file.sha256);
        let path = folder.join(&name);
        let size = fs::metadata(&path)
            .with_context(|| format!("{} がありません", path.display()))?
            .len();
        if size != file.length || size > MAX_FILE {
            return Err(UpdateFault::OtherFile("長さ").into());
        }
        let bytes = fs::read(&path).with_context(|| format!("{} を読めません", path.display()))?;
        if sha256(&bytes) != file.sha256 {
            return Err(UpdateFault::OtherFile("ハッシュ").into());
        }
        write_durably(&dir.join(&name), &bytes)?;
    }
    // The documents last, the hospital's at the very end: without both nothing is offered.
    write_durably(&dir.join(RELEASE), &release.to_bytes())?;
    write_durably(&dir.join(APPROVAL), &word.to_bytes())?;
    say!("版 {} {what}ことにしました（{who}）", accepted.version);
    show::approval(&approval);
    if let Some(why) = releases.paused() {
        say!("◆ いまは一時停止中です（{why}）。`tomoshibi release resume` で再開します");
    }
    Ok(())
}

/// Passes on keys that follow the ones before.
pub fn import_trust(config: &ConfigArg, file: &Path, by: &SponsorArgs) -> Result<()> {
    let config = config.read()?;
    let home = hub(&config)?;
    let line = updating::trust(&config)?;
    let root = line.first().cloned().context("信頼する鍵がありません")?;
    let later = signed(file)?;
    let trust = Trust::from_body(&later.body)?;
    witnessed(
        &home,
        by,
        "",
        &format!("信頼する鍵の一覧 {} 番を取り込む", trust.serial()),
    )?;
    let serial = Releases::at(&home.data).add_trust(root, later)?;
    say!("信頼する鍵の一覧が {serial} 番になりました。端末は次に来たとき受け取ります");
    show::keys(&trust);
    Ok(())
}

/// No further station takes a version.
pub fn pause(config: &ConfigArg, reason: &str, by: &SponsorArgs) -> Result<()> {
    if reason.trim().is_empty() {
        bail!("--reason（理由）が要ります。何も変えていません");
    }
    let home = hub(&config.read()?)?;
    let who = witnessed(&home, by, reason.trim(), "プログラムの配布を一時停止")?;
    Releases::at(&home.data).pause(&format!("{}（{who}）", reason.trim()))?;
    say!("配布を一時停止しました。もう切り替えた端末は、そのまま動きます");
    Ok(())
}

/// Goes on.
pub fn resume(config: &ConfigArg, by: &SponsorArgs) -> Result<()> {
    let home = hub(&config.read()?)?;
    let releases = Releases::at(&home.data);
    let Some(why) = releases.paused() else {
        say!("一時停止していません。何も変えていません");
        return Ok(());
    };
    witnessed(&home, by, &why, "プログラムの配布を再開")?;
    releases.resume()?;
    say!("配布を再開しました（止めていた理由: {why}）");
    Ok(())
}

fn hub(config: &Config) -> Result<Home> {
    if config.station.hub.is_some() {
        bail!("版を配るのは hub だけです。hub で実行してください。何も変えていません");
    }
    Home::open(config)
}
