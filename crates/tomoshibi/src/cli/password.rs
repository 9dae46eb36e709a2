//! Where a password and a badge come from: files (for programs) or the keyboard, never the command line or the environment.

use std::io::{BufRead, Write};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use downtime::identity::{BadgeSecret, Credentials};

/// Who acts, and with what.
#[derive(Debug, Clone, clap::Args)]
pub struct SignInArgs {
    /// Staff number (職員番号) of the person who acts.
    #[arg(long, value_name = "NUMBER")]
    pub user: String,
    #[command(flatten)]
    pub with: WithArgs,
}

/// What somebody signs in with.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct WithArgs {
    /// File whose first line is the password; asked at the keyboard when absent.
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// File whose first line is the code of the continuity badge: the scanned digits or the typed characters.
    #[arg(long, value_name = "FILE")]
    pub badge_file: Option<PathBuf>,
}

/// What somebody brought.
pub struct Brought {
    password: String,
    badge: Option<BadgeSecret>,
}

impl WithArgs {
    /// Reads password and badge.
    ///
    /// # Errors
    /// When a file cannot be read, nothing was typed, or the badge's code is no code.
    pub fn read(&self, user: &str) -> Result<Brought> {
        let badge = self.badge_file.as_ref().map(badge).transpose()?;
        let password = read(self.password_file.as_ref(), &format!("{user} のパスワード"))?;
        Ok(Brought { password, badge })
    }
}

impl Brought {
    /// As the vault takes it.
    #[must_use]
    pub fn credentials(&self) -> Credentials<'_> {
        match &self.badge {
            None => Credentials::Password(&self.password),
            Some(badge) => Credentials::PasswordAndBadge {
                password: &self.password,
                badge,
            },
        }
    }
}

/// Reads a badge's code, as a scanner or a person types it.
fn badge(path: &PathBuf) -> Result<BadgeSecret> {
    let text = first_line(path)?;
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let read = if digits {
        BadgeSecret::from_digits(&text).map(|(_, secret)| secret)
    } else {
        BadgeSecret::from_typed(&text)
    };
    read.map_err(|fault| {
        anyhow::anyhow!(
            "{} の1行目は継続バッジのコードではありません（{fault}）",
            path.display()
        )
    })
}

/// The first line of a small file, without blanks around it.
///
/// # Errors
/// When the file cannot be read.
pub fn first_line(path: &PathBuf) -> Result<String> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} を読めません", path.display()))?;
    Ok(without_mark(&text).lines().next().unwrap_or("").trim().to_owned())
}

/// Text without the mark that some editors of Windows put before it, which nobody sees and no password has.
fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
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
    let password = without_mark(&text).lines().next().unwrap_or("").to_owned();
    if password.is_empty() {
        bail!("パスワードが空です");
    }
    Ok(password)
}

/// Asks at the keyboard, without echo.
#[cfg(windows)]
fn ask(prompt: &str) -> Result<String> {
    eprint!("{prompt}: ");
    std::io::stderr().flush()?;
    let line = if console::user_attended_stderr() {
        console::Term::stderr().read_secure_line()
    } else {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).map(|_| line)
    };
    eprintln!();
    line.context("パスワードを読めません")
}

/// Asks at the keyboard. The terminal's echo is switched off with `stty` where there is a terminal.
#[cfg(not(windows))]
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
