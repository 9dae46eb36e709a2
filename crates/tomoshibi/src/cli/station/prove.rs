//! `tomoshibi station prove`: has this station try itself now, and says what came out.

use std::process::ExitCode;

use anyhow::{Context, Result};
use downtime::readiness::Light;
use downtime::readiness::receipt::{Point, Receipt};
use serde_json::json;
use vault::files::{Disk, Files};

use crate::cli::LOOK;
use crate::config::Config;
use crate::home::Home;
use crate::proving;

/// Has this station prove itself now: through the running program where there is one, else by itself.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  tomoshibi station prove -c /srv/tomoshibi/tomoshibi.toml\n\nExit codes: 0 ready, 3 something fails or was not checked, 1 no proof."
)]
pub struct Prove {
    /// One JSON object instead of words.
    #[arg(long)]
    json: bool,
}

impl Prove {
    /// Runs the command.
    ///
    /// # Errors
    /// When nothing could be proved at all.
    pub fn run(&self, config: &Config) -> Result<ExitCode> {
        let home = Home::open(config)?;
        // Whoever holds the journal's lock is the running station.
        let lock = Disk.lock(&home.data.join("journal").join("LOCK"));
        let signed = match lock {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => proving::by_the_running_station(&home)?,
            other => {
                drop(other);
                proving::by_command(config)?
            }
        };
        let receipt = signed.claim().context("this station's own receipt cannot be read")?;
        if self.json {
            say!("{}", as_json(&receipt));
        } else {
            in_words(&receipt);
        }
        Ok(if receipt.is_good() {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(LOOK)
        })
    }
}

fn word(point: &Point) -> &'static str {
    point.why().map_or("unknown", downtime::readiness::receipt::Why::word)
}

fn as_json(receipt: &Receipt) -> serde_json::Value {
    let points: Vec<_> = receipt
        .points
        .iter()
        .map(|point| json!({"what": point.what().map(downtime::readiness::receipt::What::word), "light": point.light().word(), "why": word(point), "n": point.n, "all": point.all, "text": point.text}))
        .collect();
    let holds = receipt.holds.map(|holds| json!({"epoch": holds.epoch, "delta": holds.delta, "as_of": holds.as_of.iso(), "sealed": holds.sealed.iso()}));
    json!({"station": receipt.code.as_str(), "at": receipt.at.iso(), "ready": receipt.is_good(), "holds": holds, "points": points, "version": receipt.program.version, "ms": receipt.took_ms})
}

fn in_words(receipt: &Receipt) {
    let holds = receipt.holds.map_or_else(
        || "封印済みデータなし".to_owned(),
        |holds| format!("第{}号 データ時点 {}", holds.epoch, holds.as_of.text()),
    );
    say!("{} {} {holds}", receipt.code, receipt.at.text());
    let words = desk::Words::load(desk::Lang::Ja).ok();
    for point in &receipt.points {
        let said = words
            .as_ref()
            .map_or_else(|| word(point).to_owned(), |w| desk::fleet::said(w, point, receipt.at));
        let head = point
            .what()
            .and_then(|what| words.as_ref()?.get(what.word()).map(str::to_owned));
        say!("  {} {}: {said}", point.light().mark(), head.unwrap_or_default());
    }
    let bad = receipt
        .points
        .iter()
        .filter(|point| point.light() > Light::Care)
        .count();
    if receipt.is_good() {
        say!("使えます（{} ミリ秒）", receipt.took_ms);
    } else {
        say!("★ {bad} 件を確かめてください（docs/operating/fleet.md）");
    }
}
