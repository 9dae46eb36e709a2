//! `tomoshibi map`: from an unknown export to a checked mapping. The words are the table source's; this only asks.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use downtime::sources::Scope;
use downtime::sources::table::{self, Files};

use super::{ConfigArg, LOOK};
use crate::clock;
use crate::config::Extract;
use crate::config::source::{self, SourceSettings};

/// Checks how the hospital's columns are mapped, or starts a mapping from unknown files.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  tomoshibi map --start export/*.csv > mapping.toml   # a first mapping to correct\n  tomoshibi map --check --day 2026-11-20              # filled %, examples, what is wrong and where\n  tomoshibi map --start --source 電子カルテDB > mapping.toml   # a first mapping of what a database answers\n\nExit codes: 0 the mapping can be used, 3 somebody must look, 1 it cannot be used."
)]
pub struct Map {
    #[command(flatten)]
    config: ConfigArg,
    /// Reads the whole export with the mapping and says per field how full it is and what is wrong.
    #[arg(long)]
    check: bool,
    /// Looks at files nobody has mapped yet, or without files at the answers of a database, and writes a first mapping to standard
    /// output.
    #[arg(long, num_args = 0.., value_name = "FILE", conflicts_with = "check")]
    start: Option<Vec<PathBuf>>,
    /// Day of the extract: a date, `today` or `tomorrow`.
    #[arg(long, default_value = "tomorrow")]
    day: String,
    /// Hides names, phones and notes in the examples, for sending the output to somebody.
    #[arg(long)]
    mask: bool,
    /// Which of several sources is checked, by its name.
    #[arg(long, default_value = "")]
    source: String,
    /// One JSON object instead of words.
    #[arg(long)]
    json: bool,
}

impl Map {
    /// Runs the command.
    ///
    /// # Errors
    /// When nothing can be read at all.
    pub fn run(&self) -> Result<ExitCode> {
        if let Some(files) = self.start.as_ref().filter(|files| !files.is_empty()) {
            let begun = table::start(files).map_err(anyhow::Error::msg)?;
            say!("{begun}");
            return Ok(ExitCode::SUCCESS);
        }
        if !self.check && self.start.is_none() {
            bail!("--check（対応表を確かめる）か --start FILE…（対応表を作り始める）を付けてください");
        }
        let config = self.config.read()?;
        let settings = config
            .extract
            .as_ref()
            .context("設定に [extract] がありません（docs/operating/mapping.md）")?;
        let scope = Scope {
            day: super::extract::day(&self.day)?,
            thin_days: settings.thin_days,
            now: clock::now(),
            wanted: None,
        };
        let (mapping, files) = match self.chosen(settings)? {
            SourceSettings::Table(_) if self.start.is_some() => {
                bail!("--start に、見るファイルを書いてください（例: tomoshibi map --start export/*.csv）")
            }
            SourceSettings::Table(table) => (table.mapping, Files::Folder(config.path(&table.dir))),
            SourceSettings::Sql(sql) => {
                let answers = sql.asking(&config)?.ask(&scope, &mut |_| {})?;
                for finding in &answers.findings {
                    tracing::warn!("{}", finding.text());
                }
                if self.start.is_some() {
                    let begun = table::start_with(&answers.files).map_err(anyhow::Error::msg)?;
                    say!("{begun}");
                    return Ok(ExitCode::SUCCESS);
                }
                (sql.mapping, answers.files)
            }
            _ => bail!(
                "対応表があるのは type = \"table\" と \"sql\" の取り出し元だけです。ほかの種類は tomoshibi extract で確かめてください"
            ),
        };
        let mapping = source::mapping(&config, &mapping)?;
        let report = table::check(&mapping, &files, &scope, self.mask)?;
        if self.json {
            say!("{}", serde_json::to_string(&report)?);
        } else {
            say!("{report}");
        }
        Ok(match report.judgement {
            table::Judgement::Ready => ExitCode::SUCCESS,
            table::Judgement::Look => ExitCode::from(LOOK),
            table::Judgement::Broken => ExitCode::FAILURE,
        })
    }

    fn chosen(&self, settings: &Extract) -> Result<SourceSettings> {
        let all = settings.all_sources()?;
        let known: Vec<&str> = all.iter().map(SourceSettings::name).collect();
        match (self.source.as_str(), all.as_slice()) {
            ("", [only]) => Ok(only.clone()),
            ("", _) => bail!(
                "取り出し元が{}個あります。--source で選んでください: {}",
                all.len(),
                known.join("、")
            ),
            (name, _) => all
                .iter()
                .find(|one| one.name() == name)
                .cloned()
                .with_context(|| format!("「{name}」という取り出し元はありません。あるもの: {}", known.join("、"))),
        }
    }
}
