//! Where a password comes from: a file (for programs) or the keyboard, never the command line or the environment.

use std::io::{BufRead, Write};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

/// Whose password, and from where.
#[derive(Debug, Clone, clap::Args)]
pub struct SignInArgs {
    /// Staff number (職員番号) of the person who acts.
    #[arg(long, value_name = "NUMBER")]
    pub user: String,
    /// File whose first line is the password; asked at the keyboard when absent.
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
}

impl SignInArgs {
    /// Reads the password.
    ///
    /// # Errors
    /// When the file cannot be read or nothing was typed.
    pub fn password(&self) -> Result<String> {
        read(self.password_file.as_ref(), &format!("{} のパスワード", self.user))
    }
}

/// Reads a password from a file's first line, or from the keyboard.
///
/// # Errors
/// When the file cannot be read or nothing was typed.
pub fn read(file: Option<&PathBuf>, prompt: &str) -> Result<String> {
    let text = match file {
        Some(path) => std::fs::read_to_string(path)
            .with_context(|| format!("パスワードのファイル {} を読めません", path.display()))?,
        None => ask(prompt)?,
    };
    let password = text.lines().next().unwrap_or("").to_owned();
    if password.is_empty() {
        bail!("パスワードが空です");
    }
    Ok(password)
}

/// Asks at the keyboard. The terminal's echo is switched off with `stty` where there is a terminal.
fn ask(prompt: &str) -> Result<String> {
    let echo = |on: &str| {
        let _ = std::process::Command::new("stty")
            .arg(on)
            .stdin(std::process::Stdio::inherit())
            .status();
    };
    eprint!("{prompt}: ");
    std::io::stderr().flush()?;
    echo("-echo");
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    echo("echo");
    eprintln!();
    read.context("パスワードを読めません")?;
    Ok(line)
}
