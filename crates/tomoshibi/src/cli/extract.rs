//! `tomoshibi extract`: pull, guard, seal, prove, and put on the shelf.

use std::io::Read;
use std::process::ExitCode;

use anyhow::{Context, Result};
use chart::Severity;
use downtime::extract::{self, ExtractFault, Guard, History, Lasting, Order, SnapshotStat, Step};
use downtime::packs::Made;
use downtime::sources::several::Several;
use downtime::sources::{Progress, Scope, Source};
use jiff::civil::Date;
use serde_json::json;

use super::{ConfigArg, LOOK, REFUSED};
use crate::config::Config;
use crate::home::{Home, write_durably};
use crate::{clock, extract_days, packs, progress, random};

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
    /// Also tell the CPU seconds of reading, sealing and re-opening; reads the export once more for that. Linux only.
    #[arg(long)]
    cost: bool,
    /// Do not make the print packs afterwards; `[packs] enabled = false` does the same for good.
    #[arg(long)]
    no_packs: bool,
}

/// CPU seconds of the parts of an extract; `None` where the system does not tell.
#[derive(Debug, Clone, Copy, Default)]
struct Costs {
    /// Reading and joining the export, measured by itself.
    pull: Option<f64>,
    /// Everything else up to the snapshot on the disk: dictionary, compression, encryption, lists, syncing, hashing it again.
    seal: Option<f64>,
    /// Opening every record again.
    reopen: Option<f64>,
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
        let done = if self.cost {
            measured(&config, &home, day, self.accept).map(|(done, costs)| (done, Some(costs)))
        } else {
            run(&config, &home, day, self.accept, self.json).map(|done| (done, None))
        };
        match done {
            Ok((done, costs)) => {
                let made = self.packs(&config, &home, &done);
                self.report(&done, costs, made.as_ref());
                let missing = made.is_some_and(|made| !made.is_ok_and(|made| made.is_whole()));
                let look = done.extract.findings.iter().any(|f| f.severity == Severity::Severe);
                Ok(if look || missing {
                    ExitCode::from(LOOK)
                } else {
                    ExitCode::SUCCESS
                })
            }
            Err(fault) => {
                home.log("extract.log", &format!("{} REFUSED {fault:#}", clock::now().text()))?;
                extract_days::failed(&home.data, day);
                if self.json {
                    say!("{}", json!({"sealed": false, "reason": format!("{fault:#}")}));
                }
                let refused = matches!(fault.downcast_ref(), Some(ExtractFault::Refused(_)));
                eprintln!("★ {fault:#}");
                Ok(ExitCode::from(if refused { REFUSED } else { 1 }))
            }
        }
    }

    /// What follows a sealing; it never undoes it. `None` where no packs are wanted.
    fn packs(&self, config: &Config, home: &Home, done: &extract::Done) -> Option<Result<Made, String>> {
        if self.no_packs || !config.packs.enabled {
            return None;
        }
        let made = packs::after_sealing(config, home, done);
        Some(made.map_err(|fault| format!("{fault:#}")))
    }

    fn report(&self, done: &extract::Done, costs: Option<Costs>, made: Option<&Result<Made, String>>) {
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
            let mut said = json!({"sealed": true, "epoch": done.identity.epoch, "day": stat.day.map(chart::date::iso), "charts": stat.charts, "thin_charts": stat.thin_charts, "reopened": done.reopened, "findings": findings, "findings_dropped": done.extract.findings_dropped});
            if let (Some(said), Some(Costs { pull, seal, reopen })) = (said.as_object_mut(), costs) {
                said.insert(
                    "cpu_seconds".to_owned(),
                    json!({"pull": pull, "seal": seal, "reopen": reopen}),
                );
            }
            if let (Some(said), Some(made)) = (said.as_object_mut(), made) {
                let made = match made {
                    Ok(made) => json!(made),
                    Err(why) => json!({"why": why}),
                };
                said.insert("packs".to_owned(), made);
            }
            say!("{said}");
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
        match made {
            None => {}
            Some(Ok(made)) => {
                say!(
                    "印刷パック: {} 個 {} 枚を作り、封印して置きました",
                    made.packs,
                    made.pages
                );
                for failure in &made.failed {
                    say!("  ★ {} は作れませんでした: {}", failure.label, failure.why);
                }
            }
            Some(Err(why)) => say!("★ 印刷パックを作れませんでした（封印は済んでいます）: {why}"),
        }
        if let Some(Costs { pull, seal, reopen }) = costs {
            let shown = |seconds: Option<f64>| seconds.map_or_else(|| "不明".to_owned(), |s| format!("{s:.3} 秒"));
            say!(
                "CPU時間: 読み込みと結合 {}、封印 {}、開き直し {}",
                shown(pull),
                shown(seal),
                shown(reopen)
            );
        }
    }
}

/// The whole work of one extract; used by the command, the nightly schedule and the demo.
///
/// # Errors
/// What [`extract::run`] says, and configuration that does not fit.
pub fn run(config: &Config, home: &Home, day: Date, accept: bool, quiet: bool) -> Result<extract::Done> {
    run_watched(
        config,
        home,
        day,
        &How {
            accept,
            quiet,
            only_new: false,
        },
        &mut Lasting::default(),
        &mut |_| (),
    )
}

/// How an extract is made.
#[derive(Debug, Clone, Copy)]
pub struct How {
    /// A person has looked: an empty or shrunken extract is taken.
    pub accept: bool,
    /// No bars in the terminal.
    pub quiet: bool,
    /// Seal nothing when nothing is new.
    pub only_new: bool,
}

/// As [`run`], with the parts measured: reading and joining by itself, then the whole.
fn measured(config: &Config, home: &Home, day: Date, accept: bool) -> Result<(extract::Done, Costs)> {
    let between = |from: Option<f64>, to: Option<f64>| Some((to? - from?).max(0.0));
    let thin_days = config.extract.as_ref().map_or(0, |settings| settings.thin_days);
    let scope = Scope {
        day,
        thin_days,
        now: clock::now(),
        wanted: None,
    };
    let begun = clock::cpu_seconds();
    source(config)?.pull(&scope, &mut |_| Ok(()), &mut |_| ())?;
    let pulled = clock::cpu_seconds();
    let mut sealed = None;
    let how = How {
        accept,
        quiet: true,
        only_new: false,
    };
    let done = run_watched(config, home, day, &how, &mut Lasting::default(), &mut |step| {
        if sealed.is_none() && matches!(step, Step::Reopen(..)) {
            sealed = clock::cpu_seconds();
        }
    })?;
    let ended = clock::cpu_seconds();
    let pull = between(begun, pulled);
    let costs = Costs {
        pull,
        seal: between(pulled, sealed)
            .zip(pull)
            .map(|(both, pull)| (both - pull).max(0.0)),
        reopen: between(sealed, ended),
    };
    Ok((done, costs))
}

/// As [`run`], telling every step, and going on with the epoch that is remembered where it can.
///
/// # Errors
/// As [`run`].
pub fn run_watched(
    config: &Config,
    home: &Home,
    day: Date,
    how: &How,
    lasting: &mut Lasting,
    watch: &mut dyn FnMut(Step),
) -> Result<extract::Done> {
    let How {
        accept,
        quiet,
        only_new,
    } = *how;
    let settings = config
        .extract
        .as_ref()
        .context("設定に [extract] がありません（docs/operating/mapping.md）")?;
    let source = source(config)?;
    let now = clock::now();
    let mut history = history(home)?;
    let (roster, used_up) = super::envelope::without_used_up(config, home)?;
    for number in &used_up {
        let words =
            format!("緊急封筒 {number:03} は開封されたため、この封印から外しました。新しい封筒を作ってください");
        home.log("extract.log", &format!("{} {words}", now.text()))?;
        tracing::warn!("{words}");
    }
    let canaries = crate::proving::pressing::section(config, home)?;
    let order = Order {
        roster: &roster,
        sealer: &home.sealer()?,
        scope: Scope {
            day,
            thin_days: settings.thin_days,
            now,
            wanted: None,
        },
        guard: Guard {
            shrink_percent: settings.shrink_percent,
            accepted: accept,
            history: history.clone(),
        },
        fresh_hours: settings.fresh_hours,
        only_new,
        canaries: &canaries,
    };
    let shelf = home.shelf()?;
    let bars = [
        progress::bar("読み込み", quiet),
        progress::bar("封印", quiet),
        progress::bar("開き直し", quiet),
    ];
    let [reading, sealing, reopening] = &bars;
    let done = extract::run_lasting(
        &source,
        shelf.slots(),
        &order,
        lasting,
        &mut random::system(),
        &mut |step| {
            watch(step);
            match step {
                Step::Pull(Progress::Reading(done, all)) => progress::show(reading, done, all),
                Step::Pull(Progress::Assembling(done, all)) => progress::show(sealing, done, all),
                Step::Reopen(done, all) => progress::show(reopening, done, all),
            }
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
            "{} SEALED epoch {} delta {} charts {} kept {} thin {} findings {:?}",
            now.text(),
            done.identity.epoch,
            done.identity.delta,
            done.stat.charts,
            done.kept,
            done.stat.thin_charts,
            done.stat.findings
        ),
    )?;
    extract_days::sealed(config, home, day, clock::now(), done.stat.findings);
    if let Err(fault) = remember(home, &mut history, &done.stat) {
        // The snapshot is on the shelf all the same; the guard compares with the days it knew before.
        tracing::warn!("{HISTORY} を書けませんでした: {fault:#}");
    }
    Ok(done)
}

/// What the last days held. One that cannot be read is told in the log, and the last snapshot is compared with instead.
fn history(home: &Home) -> Result<History> {
    let mut bytes = Vec::new();
    match std::fs::File::open(home.data.join(HISTORY)) {
        Ok(file) => file.take(MAX_HISTORY).read_to_end(&mut bytes).map(drop),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(History::default()),
        Err(error) => Err(error),
    }
    .with_context(|| format!("{HISTORY} を読めません"))?;
    match History::from_bytes(&bytes) {
        Ok(history) => Ok(history),
        Err(fault) => {
            home.log("extract.log", &format!("{} {HISTORY}: {fault}", clock::now().text()))?;
            Ok(History::default())
        }
    }
}

fn remember(home: &Home, history: &mut History, stat: &SnapshotStat) -> Result<()> {
    history.remember(stat);
    write_durably(&home.data.join(HISTORY), &history.to_bytes()?)
}

/// Counts of the last days, in `data/`.
const HISTORY: &str = "history.cbor";
/// Most bytes of it that are read; fourteen days take about 3 KB.
const MAX_HISTORY: u64 = 1 << 20;

/// All sources as configured, as one.
///
/// # Errors
/// When one of them cannot be opened.
pub fn source(config: &Config) -> Result<Several> {
    let settings = config
        .extract
        .as_ref()
        .context("設定に [extract] がありません（docs/operating/mapping.md）")?;
    settings.open(config)
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
