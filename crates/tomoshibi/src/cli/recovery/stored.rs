//! Boxes and wraps on the hub's disk, and shares as files. None of it opens anything alone.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use vault::recovery::{RecoveryBoxes, Share};

use super::{MAX_FILE, Wraps};
use crate::cli::password::first_line;
use crate::home::{Home, write_durably};

pub(super) const BOXES: &str = "boxes";
pub(super) const WRAPS: &str = "wraps";

/// `recovery.boxes`
pub(super) fn name(what: &str) -> String {
    format!("recovery.{what}")
}

/// Writes boxes and wraps; those before them stay as `….old`, because the snapshot in use is sealed to them.
pub(super) fn keep(home: &Home, boxes: &RecoveryBoxes, wraps: &Wraps) -> Result<()> {
    for what in [BOXES, WRAPS] {
        let path = home.data.join(name(what));
        if path.exists() {
            std::fs::copy(&path, home.data.join(format!("{}.old", name(what))))?;
        }
    }
    write_durably(&home.data.join(name(WRAPS)), &minicbor::to_vec(wraps)?)?;
    write_durably(&home.data.join(name(BOXES)), &boxes.to_bytes())
}

fn small(path: &Path) -> Result<Vec<u8>> {
    let size = std::fs::metadata(path)
        .with_context(|| format!("{} がありません", path.display()))?
        .len();
    if size > MAX_FILE {
        bail!("{} は復旧のファイルではありません（大きすぎます）", path.display());
    }
    Ok(std::fs::read(path)?)
}

/// What was kept; `end` is empty, or `.old` for the set before.
pub(super) fn stored(home: &Home, end: &str) -> Result<(RecoveryBoxes, Wraps)> {
    let path = |what: &str| home.data.join(format!("{}{end}", name(what)));
    let boxes = RecoveryBoxes::from_bytes(&small(&path(BOXES))?)
        .map_err(|fault| anyhow::anyhow!("{} を読めません: {fault}", path(BOXES).display()))?;
    let wraps = minicbor::decode(&small(&path(WRAPS))?)
        .map_err(|fault| anyhow::anyhow!("{} を読めません: {fault}", path(WRAPS).display()))?;
    Ok((boxes, wraps))
}

/// A share from a file's first line, typed or scanned.
pub(super) fn read_share(path: &PathBuf) -> Result<Share> {
    let text = first_line(path)?;
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let share = if digits {
        Share::from_digits(&text)
    } else {
        Share::from_typed(&text)
    };
    share.map_err(|fault| anyhow::anyhow!("{} の1行目は復旧シェアではありません（{fault}）", path.display()))
}
