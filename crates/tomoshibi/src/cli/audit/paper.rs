//! Checkpoints on paper: what this station's logs say of themselves now, and what was read from ward lists (F13).

use std::path::Path;

use anyhow::{Context, Result, bail};
use downtime::audit::Ledger;
use vault::checkpoint::{Checkpoint, Origin, SignedCheckpoint};

use super::{OWN, own};
use crate::clock;
use crate::home::Home;

/// Largest file of checkpoints, in bytes: some thousand lists.
const MAX_FILE: u64 = 1 << 20;

/// A checkpoint of every chain of this station's own logs as they are on the disk now.
///
/// # Errors
/// When a log cannot be read.
pub fn own_checkpoints(home: &Home) -> Result<Vec<SignedCheckpoint>> {
    let mut made = Vec::new();
    for dir in OWN {
        let mut ledger = Ledger::default();
        own(home, dir)?.iter().for_each(|record| ledger.take(record));
        for (chain, size) in ledger.chains() {
            let (station, incarnation) = chain;
            let root = ledger.root(&chain, size).context("監査の記録の木を作れません")?;
            let origin = Origin {
                hospital: home.roster.hospital(),
                station,
                incarnation,
            };
            let checkpoint = Checkpoint {
                origin,
                size,
                root,
                time: clock::now().0,
            };
            made.push(checkpoint.sign(&home.secret));
        }
    }
    Ok(made)
}

/// As the QR code of a list has it.
pub fn digits(checkpoint: &SignedCheckpoint) -> String {
    checkpoint
        .to_compact()
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect()
}

/// Checkpoints as they were read from lists, one a line.
///
/// # Errors
/// When the file cannot be read, or a line is no checkpoint: names the line.
pub fn read(home: &Home, path: &Path) -> Result<Vec<SignedCheckpoint>> {
    let shown = path.display();
    let size = std::fs::metadata(path)
        .with_context(|| format!("{shown} を開けません"))?
        .len();
    if size > MAX_FILE {
        bail!("{shown} は大きすぎます（{MAX_FILE} バイトまで）。何も照らし合わせていません");
    }
    let text = std::fs::read_to_string(path).with_context(|| format!("{shown} を読めません"))?;
    let hospital = home.roster.hospital();
    let lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
    let read = |(line, number): (&str, usize)| {
        let checkpoint = bytes(line).and_then(|bytes| SignedCheckpoint::from_compact(&bytes, &hospital).ok());
        checkpoint.with_context(|| {
            format!(
                "{shown} の {number} 行目は監査の控えではありません。何も照らし合わせていません。QRを読み直してください"
            )
        })
    };
    lines.map(read).collect()
}

fn bytes(line: &str) -> Option<Vec<u8>> {
    let digits: String = line
        .chars()
        .map(chart::id::half_width)
        .filter(|c| !c.is_whitespace())
        .collect();
    if digits.len() % 2 == 1 || !digits.is_ascii() {
        return None;
    }
    let pair = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    (0..digits.len()).step_by(2).map(pair).collect()
}
