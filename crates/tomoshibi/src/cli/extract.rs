//! `tomoshibi extract`: pull, guard, seal, prove, and put on the shelf.

use std::process::ExitCode;

use anyhow::{Context, Result};
use chart::Severity;
use downtime::extract::{self, ExtractFault, Guard, Order, Step};
use downtime::sources::{Progress, Scope, table};
use jiff::civil::Date;
use serde_json::json;

use super::{ConfigArg, LOOK, REFUSED};
use crate::config::Config;
use crate::home::Home;
use crate::{clock, progress, random};

/// Extracts from the EHR's export, seals, and puts the snapshot on the shelf.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  tomoshibi extract --day 2026-11-20\n\nExit codes: 0 done, 3 done but Findings need a look, 4 refused by the guard (the last good snapshot stays in use), 1 failed."
)]
pub struct Extract {
    #[command(flatten)]
    config: ConfigArg,
    /// Day whose booked patients are extracted: a date, `today` or `tomorrow`.
    #[arg(long, default_value = "tomorrow")]
    day: String,
    /// A person has looked: accept an empty or shrunken extract (a holiday). Half-written files stay refused.
    #[arg(long)]
    accept: bool,
    /// One JSON object instead of words.
    #[arg(long)]
    json: bool,
}

impl Extract {
    /// Runs the command.
    ///
    /// # Errors
    /// When nothing could be sealed; the last good snapshot stays in use.
    pub fn run(&self) -> Result<ExitCode> {
        let config = self.config.read()?;
        let home = Home::open(&config)?;
        let day = day(&self.day)?;
        match run(&config, &home, day, self.accept, self.json) {
            Ok(done) => {
                self.report(&done);
                let look = done.extract.findings.iter().any(|f| f.severity == Severity::Severe);
                Ok(if look { ExitCode::from(LOOK) } else { ExitCode::SUCCESS })
            }
            Err(fault) => {
                home.log("extract.log", &format!("{} REFUSED {fault:#}", clock::now().text()))?;
                if self.json {
                    say!("{}", json!({"sealed": false, "reason": format!("{fault:#}")}));
                }
                let refused = matches!(fault.downcast_ref(), Some(ExtractFault::Refused(_)));
                eprintln!("★ {fault:#}");
                Ok(ExitCode::from(if refused { REFUSED } else { 1 }))
            }
        }
    }

    fn report(&self, done: &extract::Done) {
        let stat = &done.stat;
        if self.json {
            let findings: Vec<_> = done
                .extract
                .findings
                .iter()
                .map(
                    |f| json!({"code": f.code, "file": f.file, "line": f.line, "field": f.field, "message": f.message}),
                )
                .collect();
            say!(
                "{}",
                json!({"sealed": true, "epoch": done.identity.epoch, "day": stat.day.map(chart::date::iso), "charts": stat.charts, "thin_charts": stat.thin_charts, "reopened": done.reopened, "findings": findings, "findings_dropped": done.extract.findings_dropped})
            );
            return;
        }
        say!(
            "封印しました: epoch {}、対象日 {}、データ時点 {}",
            done.identity.epoch,
            stat.day.map(chart::date::iso).unwrap_or_default(),
            stat.as_of.oldest().text()
        );
        say!(
            "患者 {} 人（ほかに14日一覧 {} 人）。ディスクから読み直して {} 件すべて開けました",
            stat.charts,
            stat.thin_charts,
            done.reopened
        );
        for kind in &stat.kinds {
            say!(
                "  {:<12} {:>8} 行のうち {:>8} 行を使用、{} 行は使えず",
                kind.kind.word(),
                kind.rows,
                kind.used,
                kind.refused
            );
        }
        let [severe, warning, note] = stat.findings;
        say!("指摘: 重大 {severe}、注意 {warning}、参考 {note}");
        for finding in done
            .extract
            .findings
            .iter()
            .filter(|f| f.severity >= Severity::Warning)
            .take(20)
        {
            say!("  {}", finding.text());
        }
        if severe + warning > 20 {
            say!("  …（全件は画面 S02 の「指摘」か --json で見られます）");
        }
    }
}

/// The whole work of one extract; used by the command, the nightly schedule and the demo.
///
/// # Errors
/// What [`extract::run`] says, and configuration that does not fit.
pub fn run(config: &Config, home: &Home, day: Date, accept: bool, quiet: bool) -> Result<extract::Done> {
    let settings = config
        .extract
        .as_ref()
        .context("設定に [extract] がありません（docs/operating/mapping.md）")?;
    let source = source(config)?;
    let now = clock::now();
    let order = Order {
        roster: &home.roster,
        sealer: &home.sealer()?,
        scope: Scope {
            day,
            thin_days: settings.thin_days,
            now,
        },
        guard: Guard {
            shrink_percent: settings.shrink_percent,
            accepted: accept,
        },
        fresh_hours: settings.fresh_hours,
    };
    let shelf = home.shelf()?;
    let bars = [
        progress::bar("読み込み", quiet),
        progress::bar("封印", quiet),
        progress::bar("開き直し", quiet),
    ];
    let [reading, sealing, reopening] = &bars;
    let done = extract::run(
        &source,
        shelf.slots(),
        &order,
        &mut random::system(),
        &mut |step| match step {
            Step::Pull(Progress::Reading(done, all)) => progress::show(reading, done, all),
            Step::Pull(Progress::Assembling(done, all)) => progress::show(sealing, done, all),
            Step::Reopen(done, all) => progress::show(reopening, done, all),
        },
    );
    bars.iter().for_each(indicatif::ProgressBar::finish_and_clear);
    let done = done?;
    if let Some(record) = &done.destroyed {
        home.log("destroyed.log", &format!("{} {record:?}", now.text()))?;
    }
    home.log(
        "extract.log",
        &format!(
            "{} SEALED epoch {} charts {} thin {} findings {:?}",
            now.text(),
            done.identity.epoch,
            done.stat.charts,
            done.stat.thin_charts,
            done.stat.findings
        ),
    )?;
    Ok(done)
}

/// The table source as configured.
///
/// # Errors
/// When the mapping cannot be read.
pub fn source(config: &Config) -> Result<table::Table> {
    let settings = config
        .extract
        .as_ref()
        .context("設定に [extract] がありません（docs/operating/mapping.md）")?;
    Ok(table::Table::new(mapping(config)?, config.path(&settings.dir))?)
}

/// The hospital's mapping.
///
/// # Errors
/// When the file cannot be read or is not a mapping.
pub fn mapping(config: &Config) -> Result<table::Config> {
    let settings = config
        .extract
        .as_ref()
        .context("設定に [extract] がありません（docs/operating/mapping.md）")?;
    let path = config.path(&settings.mapping);
    let text = std::fs::read_to_string(&path).with_context(|| format!("対応表 {} を読めません", path.display()))?;
    table::Config::read(&text).with_context(|| format!("対応表 {} の書き方が違います", path.display()))
}

/// `today`, `tomorrow` or a date.
///
/// # Errors
/// When it is none of these.
pub fn day(text: &str) -> Result<Date> {
    let today = clock::now().day();
    match text {
        "today" => Ok(today),
        "tomorrow" => Ok(today.tomorrow()?),
        other => chart::date::parse(other).with_context(|| format!("--day は日付か today か tomorrow です: {other}")),
    }
}
