//! `tomoshibi export`: everything that was recorded, as files for the EHR.

use std::collections::BTreeSet;
use std::fs;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use chart::Subject;
use downtime::audit::Deed;
use downtime::exports::csv::{self, Charset, Identity, Written};
use downtime::identity::verb;
use downtime::index::Index;
use downtime::stations::read_entries;
use downtime::view::Day;
use serde_json::json;
use vault::files::Disk;

use super::password::SignInArgs;
use super::person::{about_each, enter};
use super::{ConfigArg, LOOK};
use crate::home::Home;
use crate::trail;

/// Writes everything that was recorded as files for the EHR. Works while the station runs.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  tomoshibi export --csv out --user 9001 --password-file pw.txt\n  tomoshibi export --csv out --charset utf-8 --user 9001\n\nExit codes: 0 done, 3 done but some records could not be read here or characters were replaced."
)]
pub struct Export {
    #[command(flatten)]
    config: ConfigArg,
    #[command(flatten)]
    who: SignInArgs,
    /// Directory for entries.csv.
    #[arg(long, value_name = "DIR")]
    csv: PathBuf,
    /// cp932 or utf-8.
    #[arg(long, default_value = "cp932")]
    charset: String,
    /// One JSON object instead of words.
    #[arg(long)]
    json: bool,
}

impl Export {
    /// Runs the command.
    ///
    /// # Errors
    /// When nobody can sign in or a file cannot be written.
    pub fn run(&self) -> Result<ExitCode> {
        let charset = match self.charset.to_ascii_lowercase().as_str() {
            "cp932" | "shift_jis" | "sjis" => Charset::Cp932,
            "utf-8" | "utf8" => Charset::Utf8,
            other => bail!("--charset は cp932 か utf-8 です: {other}"),
        };
        let home = Home::open(&self.config.read()?)?;
        let entered = enter(&home, &self.who, verb::EXPORT)?;
        let journal = entered.acting.unlocked.journal.as_ref();
        let journal = journal.context("この利用者は記載を読む鍵を持っていません")?;
        let live = read_entries(&Disk, &home.data, &home.roster, home.code, journal)?;
        let day = live.day();
        let subjects: BTreeSet<&Subject> = day.subjects().iter().collect();
        let mut whole = entered.acting.sighting(&home, Deed::Exported);
        whole.count = u32::try_from(subjects.len()).unwrap_or(u32::MAX);
        whole.detail = csv::FILE_NAME.to_owned();
        trail::write(&home, about_each(whole, subjects))?;
        let written = write(&day, entered.opened.index(), charset, &self.csv)?;
        let unreadable = live.unreadable();
        if self.json {
            say!(
                "{}",
                json!({"file": self.csv.join(csv::FILE_NAME), "entries": written.entries, "replaced": written.replaced, "guarded": written.guarded, "unreadable": unreadable})
            );
        } else {
            say!(
                "{} に {} 件を書きました",
                self.csv.join(csv::FILE_NAME).display(),
                written.entries
            );
            if written.replaced > 0 {
                say!(
                    "★ {} 文字は CP932 にないため 〓 にしました。--charset utf-8 なら残ります",
                    written.replaced
                );
            }
            if unreadable > 0 {
                say!(
                    "★ {unreadable} 件はこのプログラムでは読めません（新しい版で書かれたか、鍵がありません）。消えてはいません"
                );
            }
        }
        Ok(if written.replaced > 0 || unreadable > 0 {
            ExitCode::from(LOOK)
        } else {
            ExitCode::SUCCESS
        })
    }
}

fn write(day: &Day, index: &Index, charset: Charset, dir: &Path) -> Result<Written> {
    fs::create_dir_all(dir).with_context(|| format!("{} を作れません", dir.display()))?;
    let path = dir.join(csv::FILE_NAME);
    let beside = path.with_extension("new");
    let mut file =
        BufWriter::new(fs::File::create(&beside).with_context(|| format!("{} を作れません", beside.display()))?);
    let written = csv::write(day, charset, &mut file, &|subject| identity(subject, index, day))?;
    file.into_inner()
        .map_err(std::io::IntoInnerError::into_error)?
        .sync_all()?;
    fs::rename(&beside, &path).with_context(|| format!("{} を置き換えられません", path.display()))?;
    Ok(written)
}

/// Who a subject is, by the snapshot and the registrations of the day.
pub(super) fn identity(subject: &Subject, index: &Index, day: &Day) -> Identity {
    match subject {
        Subject::Patient(id) => index.find(id).map_or_else(Identity::default, |row| Identity {
            kana: row.kana().to_owned(),
            name: row.written().to_owned(),
            birth: row.birth().map(chart::date::iso).unwrap_or_default(),
        }),
        Subject::Temporary(id) => day.temporary(id).map_or_else(Identity::default, |t| Identity {
            kana: t.name.kana.clone(),
            name: t.name.written.clone(),
            birth: t.birth.map(chart::date::iso).unwrap_or_default(),
        }),
        Subject::Hospital => Identity::default(),
    }
}
