//! `tomoshibi service`: this station as a service of the operating system, with one command on Linux (systemd) and on Windows.
//!
//! What the service starts is a small supervisor ([`crate::supervising`]); the supervisor starts the station with the newest program
//! that has proved itself, and starts it again when it ends. Installing again changes only what is different.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};

use super::ConfigArg;
use crate::config::Config;

#[cfg(unix)]
mod systemd;
#[cfg(unix)]
use systemd as system;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
use windows as system;

/// The service's name, and that of its account.
const NAME: &str = "tomoshibi";

/// Installs this station as a service of the operating system.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  sudo tomoshibi service install -c /srv/tomoshibi/tomoshibi.toml            # Linux\n  tomoshibi service install -c C:\\Tomoshibi\\tomoshibi.toml                  # Windows, as administrator\n  tomoshibi service install -c /srv/tomoshibi/tomoshibi.toml --dry-run       # only shows what would be done\n  tomoshibi service status\n\nThe data stay where they are, also with `uninstall`."
)]
pub struct Service {
    #[command(flatten)]
    config: ConfigArg,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Installs and starts the service; again, it changes what is different and starts the new program.
    Install {
        #[command(flatten)]
        how: How,
    },
    /// Stops and removes the service. Program and data stay.
    Uninstall {
        #[command(flatten)]
        how: How,
    },
    /// Whether the service is installed and runs. Exit codes: 0 it runs, 3 it does not.
    Status {
        /// One JSON object instead of words.
        #[arg(long)]
        json: bool,
    },
    /// What the service itself starts: the supervisor.
    #[command(hide = true)]
    Run,
}

/// How to install.
#[derive(Debug, Clone, clap::Args)]
struct How {
    /// Only shows what would be done.
    #[arg(long)]
    dry_run: bool,
    /// Where the program is put, so that the service's account cannot change it.
    #[arg(long, value_name = "DIR")]
    program_dir: Option<PathBuf>,
    /// Most memory the service may use (Linux), such as 4G.
    #[arg(long, default_value = "4G", value_name = "SIZE")]
    memory_max: String,
    /// Puts the files below this directory, for an image of a system disk; starts nothing (Linux).
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
}

/// What is installed.
struct Place {
    /// The configuration, by its whole path.
    config_file: PathBuf,
    config: Config,
    /// This program.
    program: PathBuf,
}

/// How a service stands.
struct Seen {
    installed: bool,
    running: bool,
    /// In the system's own words.
    words: String,
}

impl Service {
    /// Runs the command.
    ///
    /// # Errors
    /// When the rights are missing or the system refuses; says what was changed.
    pub fn run(&self) -> Result<ExitCode> {
        match &self.action {
            Action::Install { how } => {
                let place = self.place()?;
                system::install(&place, how)?;
                say!("");
                firewall(&place.config);
                Ok(ExitCode::SUCCESS)
            }
            Action::Uninstall { how } => {
                system::uninstall(how)?;
                Ok(ExitCode::SUCCESS)
            }
            Action::Status { json } => {
                let seen = system::status()?;
                if *json {
                    say!(
                        "{}",
                        serde_json::json!({"installed": seen.installed, "running": seen.running, "system": seen.words})
                    );
                } else {
                    say!(
                        "サービス {NAME}: {}（{}）",
                        match (seen.installed, seen.running) {
                            (false, _) => "まだ入っていません。`tomoshibi service install` で入れます",
                            (true, true) => "動いています",
                            (true, false) => "止まっています",
                        },
                        seen.words
                    );
                }
                Ok(if seen.running {
                    ExitCode::SUCCESS
                } else {
                    ExitCode::from(super::LOOK)
                })
            }
            Action::Run => system::run(&self.whole_path()?),
        }
    }

    fn whole_path(&self) -> Result<PathBuf> {
        std::path::absolute(&self.config.config)
            .with_context(|| format!("{} の場所が分かりません", self.config.config.display()))
    }

    fn place(&self) -> Result<Place> {
        let config_file = self.whole_path()?;
        Ok(Place {
            config: Config::read(&config_file)?,
            config_file,
            program: std::env::current_exe().context("このプログラムの場所が分かりません")?,
        })
    }
}

/// The port, and how a firewall lets it in: nothing is opened without being asked for.
fn firewall(config: &Config) {
    let listen = &config.station.listen;
    let port = listen.rsplit(':').next().unwrap_or(listen);
    let alone = listen.starts_with("127.") || listen.starts_with("localhost") || listen.starts_with("[::1]");
    if alone {
        say!("ファイアウォール: この端末だけで使う設定（listen = \"{listen}\"）なので、開ける必要はありません");
        return;
    }
    say!(
        "ファイアウォール: ほかの端末から使うには、院内の網からだけ TCP {port} を開けてください。このコマンドは開けません:"
    );
    if cfg!(windows) {
        say!(
            "  netsh advfirewall firewall add rule name=\"Tomoshibi\" dir=in action=allow protocol=TCP localport={port} remoteip=localsubnet profile=domain,private"
        );
    } else {
        say!("  ufw allow proto tcp from 10.0.0.0/8 to any port {port}        # 10.0.0.0/8 は院内の網に直す");
        say!("  firewall-cmd --permanent --add-port={port}/tcp && firewall-cmd --reload");
    }
}
