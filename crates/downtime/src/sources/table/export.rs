//! One export as it lies there: the mapping, the names of its files, the day.
//!
//! Only names are looked at here; opening a file is the matter of `sheet`.

use jiff::civil::Date;

use super::config::Config;
use super::files::Files;
use super::pattern::{Chosen, Pattern};
use crate::sources::PullFault;

/// Files to be read by a mapping.
pub struct Export<'c> {
    /// The mapping.
    pub config: &'c Config,
    /// The files.
    pub files: &'c Files,
    /// Names of the files in it.
    pub names: Vec<String>,
    /// The day.
    pub day: Date,
}

impl<'c> Export<'c> {
    /// Lists the files.
    ///
    /// # Errors
    /// When it cannot be listed: what happened, what is true now, what to do.
    pub fn open(config: &'c Config, files: &'c Files, day: Date) -> Result<Self, PullFault> {
        let names = files
            .names()
            .map_err(|e| PullFault::Unreadable(folder_fault(files, &e)))?;
        Ok(Self {
            config,
            files,
            names,
            day,
        })
    }

    /// The files of a pattern; none where the pattern cannot be read (the mapping has been checked before).
    #[must_use]
    pub fn choose(&self, pattern: &str) -> Chosen {
        Pattern::parse(pattern)
            .map(|pattern| pattern.choose(&self.names, self.day))
            .unwrap_or_default()
    }
}

fn folder_fault(files: &Files, error: &std::io::Error) -> String {
    let why = match error.kind() {
        std::io::ErrorKind::NotFound => "見つかりません".to_owned(),
        std::io::ErrorKind::PermissionDenied => "読む権限がありません".to_owned(),
        std::io::ErrorKind::NotADirectory => "フォルダではありません".to_owned(),
        _ => error.to_string(),
    };
    let place = match files {
        Files::Folder(dir) => dir.display().to_string(),
        Files::Held(_) => String::new(),
    };
    format!(
        "出力フォルダ {place} を読めません（{why}）。取り出しは行わず、前回の写しはそのまま使えます。フォルダの場所と権限を確かめてください。"
    )
}
