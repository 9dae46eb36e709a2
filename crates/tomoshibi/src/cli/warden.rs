//! `tomoshibi warden`: the alarm from a process that is not the sealer.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;

use super::LOOK;
use crate::warden::{Settings, Warden as Watching, alarm_file, serve};

/// Watches hubs and receipts from outside, and raises the alarm when they stop. Runs on the second hub or on any PC.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  tomoshibi warden -c /srv/tomoshibi/warden.toml\n  tomoshibi warden -c warden.toml --once\n\nIts file: docs/operating/fleet.md. Exit codes with --once: 0 all is well, 3 alarms stand."
)]
pub struct Warden {
    /// The warden's own file.
    #[arg(long, short, default_value = "warden.toml")]
    config: PathBuf,
    /// Looks once, says what stands, and ends.
    #[arg(long)]
    once: bool,
}

impl Warden {
    /// Runs the command.
    ///
    /// # Errors
    /// When its file cannot be used or its page's address is taken.
    pub fn run(&self) -> Result<ExitCode> {
        let settings = Settings::read(&self.config)?;
        let (data, listen) = (settings.data.clone(), settings.listen.clone());
        let mut warden = Watching::new(settings);
        if self.once {
            let standing = warden.look();
            say!(
                "{}",
                std::fs::read_to_string(alarm_file(&data))
                    .unwrap_or_default()
                    .trim_end()
            );
            return Ok(if standing == 0 {
                ExitCode::SUCCESS
            } else {
                ExitCode::from(LOOK)
            });
        }
        if let Some(listen) = listen {
            let bound = serve(&listen, warden.shown())?;
            say!("http://{bound}/");
        }
        loop {
            warden.look();
            std::thread::sleep(warden.every());
        }
    }
}
