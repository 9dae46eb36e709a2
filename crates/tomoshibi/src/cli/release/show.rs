//! What a version is and who signed it, and how programs stand, in words and as JSON.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use downtime::updates::{Approval, Order, Release, Trust, UpdateFault, hex, sha256};
use serde_json::{Value, json};

use crate::cli::LOOK;
use crate::config::Config;
use crate::home::Home;
use crate::releases::{APPROVAL, RELEASE, Releases, signed};
use crate::updating;

/// A version's folder. Exit code 3 when something is missing before it may be let in.
pub fn folder(folder: &Path, trust: &[Trust]) -> Result<ExitCode> {
    let document = signed(&folder.join(RELEASE))?;
    let release = Release::from_body(&document.body)?;
    say!(
        "版 {}（作成 {}、配布期限 {}）",
        release.version,
        release.made_at.text(),
        release.expires_at.text()
    );
    for file in &release.files {
        let path = folder.join(hex(&file.sha256));
        let whole = std::fs::read(&path).is_ok_and(|bytes| sha256(&bytes) == file.sha256);
        let mark = if whole {
            "○"
        } else {
            "■ ファイルがないか、違います"
        };
        say!(
            "  {} {} バイト {} {mark}",
            file.platform,
            file.length,
            hex(&file.sha256)
        );
    }
    if !release.notes.is_empty() {
        say!("{}", release.notes.trim());
    }
    let Some(trust) = trust.last() else {
        return Ok(ExitCode::from(LOOK));
    };
    let (keys, needed) = trust.release();
    let signers = document.by_release(keys);
    let fingers: Vec<String> = signers.iter().map(|key| key.fingerprint().to_string()).collect();
    say!("リリースの署名: {} / {needed} {}", signers.len(), fingers.join(" "));
    let word = signed(&folder.join(APPROVAL));
    let outcome = match &word {
        Ok(word) => {
            if let Ok(wish) = Approval::from_body(&word.body) {
                approval(&wish);
            }
            trust.accept(&document, word).map(drop)
        }
        Err(_) => {
            say!("病院の承認: まだありません");
            trust.accept_release(&document).and(Err(UpdateFault::TooFew {
                what: "病院の承認",
                needed: trust.approval().1,
                valid: 0,
            }))
        }
    };
    match outcome {
        Ok(()) => {
            say!("○ 両方の署名がそろっています");
            Ok(ExitCode::SUCCESS)
        }
        Err(fault) => {
            say!("■ {fault}");
            Ok(ExitCode::from(LOOK))
        }
    }
}

/// The hospital's word.
pub fn approval(approval: &Approval) {
    let first: Vec<&str> = approval
        .canary_wards
        .iter()
        .chain(&approval.canary_stations)
        .map(String::as_str)
        .collect();
    match approval.order {
        Order::Take => say!(
            "病院の承認（{} 回目）: 版 {}、{}。先に {}、{} 時間後に1割、さらに {} 時間後に全部（{} から）",
            approval.revision,
            approval.version,
            approval.by,
            if first.is_empty() {
                "なし".to_owned()
            } else {
                first.join("・")
            },
            approval.canary_hours,
            approval.tenth_hours,
            approval.starts_at.text()
        ),
        Order::Withdraw => say!(
            "病院の承認（{} 回目）: 版 {} を取り下げ、{}",
            approval.revision,
            approval.version,
            approval.by
        ),
    }
}

/// The keys that count.
pub fn keys(trust: &Trust) {
    let (release, needed) = trust.release();
    say!("リリースの鍵（{} つのうち {needed} つの署名が必要）:", release.len());
    release.iter().for_each(|key| say!("  {}", key.fingerprint()));
    let (approval, needed) = trust.approval();
    say!("病院の承認の鍵（{} つのうち {needed} つの署名が必要）:", approval.len());
    approval.iter().for_each(|key| say!("  {}", key.fingerprint()));
}

/// How programs stand. Exit code 3 when somebody should look.
pub fn state(config: &Config, as_json: bool) -> Result<ExitCode> {
    let home = Home::open(config)?;
    let own = updating::told(&home.data);
    let releases = Releases::at(&home.data);
    let is_hub = config.station.hub.is_none();
    let others: Vec<_> = home
        .roster
        .stations
        .iter()
        .filter(|s| is_hub && !s.retired && s.code != home.code)
        .collect();
    let mut look = own.as_ref().is_some_and(|told| told.standing.needs_a_look());
    let mut rows: Vec<Value> = Vec::new();
    for station in others {
        let said = releases.said(station.code.as_str());
        look |= said.as_ref().is_some_and(|said| said.told.standing.needs_a_look());
        rows.push(json!({
            "code": station.code.as_str(),
            "running": said.as_ref().map(|said| said.told.running.to_string()),
            "standing": said.as_ref().map(|said| said.told.standing.text()),
            "said_at": said.as_ref().map(|said| said.at.text()),
        }));
    }
    let running = own.as_ref().map_or_else(updating::version, |told| told.running);
    let standing = own.map(|told| told.standing.text());
    if as_json {
        say!(
            "{}",
            json!({"code": home.code.as_str(), "running": running.to_string(), "standing": standing, "paused": releases.paused(), "stations": rows})
        );
    } else {
        say!("{} 版 {running} {}", home.code, standing.unwrap_or_default());
        for row in &rows {
            let word = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or("―").to_owned();
            say!(
                "{} 版 {} {}（{}）",
                word("code"),
                word("running"),
                word("standing"),
                word("said_at")
            );
        }
        if let Some(why) = releases.paused() {
            say!("◆ 一時停止中: {why}");
        }
    }
    Ok(if look { ExitCode::from(LOOK) } else { ExitCode::SUCCESS })
}
