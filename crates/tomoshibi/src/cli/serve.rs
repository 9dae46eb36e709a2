//! `tomoshibi serve`: one station, hub or not, until told to stop.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;

use super::ConfigArg;
use crate::serving;

/// Serves this station's desk (and, on a hub, the other stations) until Ctrl+C.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  tomoshibi serve -c /srv/tomoshibi/tomoshibi.toml\n  tomoshibi serve --listen 0.0.0.0:8300"
)]
pub struct Serve {
    #[command(flatten)]
    config: ConfigArg,
    /// Address and port instead of the configured one; port 0 takes a free one.
    #[arg(long)]
    listen: Option<String>,
}

impl Serve {
    /// Runs the command.
    ///
    /// # Errors
    /// When the station cannot start or the port is taken.
    pub fn run(&self) -> Result<ExitCode> {
        let config = self.config.read()?;
        let station = serving::station(&config)?;
        let feeds = crate::feeds::start(&config)?;
        crate::backup::start(&config, &self.config.config)?;
        crate::probes::start_feeds(&station, config.probes()?, &feeds, &config.data())?;
        feeds
            .addresses()
            .for_each(|(name, address)| say!("HL7 {name} {address}"));
        let press = serving::press(&config)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let address = self.listen.as_deref().unwrap_or(&config.station.listen);
            let (listener, bound) = serving::bind(address).await?;
            say!("{} http://{bound}/", station.code());
            let desk = serving::desk(&config, &station, &press)?;
            let router = serving::router(&station, desk)?.merge(crate::backup::routes::routes(config.data()));
            serving::serve(listener, router, serving::told_to_stop()).await
        })?;
        drop(runtime);
        drop(feeds);
        drop(Arc::clone(&station));
        Ok(ExitCode::SUCCESS)
    }
}
