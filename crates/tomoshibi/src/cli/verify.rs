//! `tomoshibi verify`: the snapshot in use, proved. Without a user: signature and every byte. With a user: every record.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use downtime::audit::Deed;
use downtime::identity::verb;
use serde_json::json;

use super::ConfigArg;
use super::password::{SignInArgs, WithArgs};
use super::person::enter;
use crate::home::Home;
use crate::{progress, trail};

/// Proves that the snapshot in use is whole and that every record opens.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  tomoshibi verify                                     # signature and every section\n  tomoshibi verify --user 9001 --password-file pw.txt  # and opens 100 % of the records"
)]
pub struct Verify {
    #[command(flatten)]
    config: ConfigArg,
    /// Staff number of the person whose key opens the records.
    #[arg(long, value_name = "NUMBER")]
    user: Option<String>,
    #[command(flatten)]
    with: WithArgs,
    /// One JSON object instead of words.
    #[arg(long)]
    json: bool,
}

impl Verify {
    /// Runs the command.
    ///
    /// # Errors
    /// When there is no snapshot, or it is not whole.
    pub fn run(&self) -> Result<ExitCode> {
        let home = Home::open(&self.config.read()?)?;
        let shelf = home.shelf()?;
        let shelved = shelf
            .current()
            .context("棚に開ける封印済みデータがありません。`tomoshibi extract` を実行してください")?;
        let bar = progress::bar("照合", self.json);
        let sections = shelved.verify_sections(&mut |done, all| progress::show(&bar, done, all));
        bar.finish_and_clear();
        let state = shelved.state();
        if !sections.is_whole() {
            bail!(
                "封印済みデータ（epoch {}）が壊れています: {:?}。この端末のデータは使えません。hub から取り直してください",
                state.epoch,
                sections.changed
            );
        }
        let records = match &self.user {
            None => None,
            Some(user) => {
                let who = SignInArgs {
                    user: user.clone(),
                    with: self.with.clone(),
                };
                let entered = enter(&home, &who, verb::READ)?;
                let mut sighting = entered.acting.sighting(&home, Deed::Opened);
                sighting.count = u32::try_from(state.charts).unwrap_or(u32::MAX);
                "verify: 全件を開いて確かめ、何も表示していない".clone_into(&mut sighting.detail);
                trail::write(&home, vec![sighting])?;
                let bar = progress::bar("開封", self.json);
                let checked = entered
                    .opened
                    .verify(&mut |done, all| progress::show(&bar, done, all))
                    .map_err(anyhow::Error::msg)?;
                bar.finish_and_clear();
                Some(checked)
            }
        };
        let whole = records.as_ref().is_none_or(vault::snapshot::RecordsChecked::is_whole);
        if self.json {
            let opened = records.as_ref().map(|r| r.opened);
            let damaged = records.as_ref().map(|r| r.damaged.len());
            say!(
                "{}",
                json!({"epoch": state.epoch, "sealed_at": state.sealed_at.text(), "as_of": state.as_of.oldest().text(), "bytes": sections.bytes, "sections": shelved.sections().map(|(kind, len)| json!([format!("{kind:?}"), len])).collect::<Vec<_>>(), "sections_whole": true, "records": state.charts + state.thin_charts, "opened": opened, "damaged": damaged, "whole": whole})
            );
        } else {
            say!(
                "封印済みデータ epoch {}（{} 封印、データ時点 {}）",
                state.epoch,
                state.sealed_at.text(),
                state.as_of.oldest().text()
            );
            say!("署名と全 {} バイト: 一致", sections.bytes);
            match &records {
                None => say!("記録の開封: していません（--user を付けると全件開きます）"),
                Some(r) => say!("記録の開封: {} / {} 件", r.opened, r.expected),
            }
        }
        if whole {
            Ok(ExitCode::SUCCESS)
        } else {
            bail!("開けない記録があります。hub で取り出し直してください")
        }
    }
}
