//! `tomoshibi serve`: one station, hub or not, until told to stop.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use downtime::stations::{Station, StationFault};
use vault::journal::StartFault;

use super::ConfigArg;
use crate::clock;
use crate::config::Config;
use crate::home::Home;
use crate::line::Line;
use crate::updating::{self, Leave};
use crate::{release_routes, serving, supervising};

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
    /// Started by the service: says when it has come up, stops when its standard input ends, and may ask for another program.
    #[arg(long, hide = true)]
    supervised: bool,
}

/// After it was asked to leave, how long requests in flight may still take.
const LEAVE_PATIENCE: Duration = Duration::from_secs(15);

impl Serve {
    /// Runs the command.
    ///
    /// # Errors
    /// When the station cannot start or the port is taken.
    pub fn run(&self) -> Result<ExitCode> {
        let config = self.config.read()?;
        let station = self.station(&config)?;
        let feeds = crate::feeds::start(&config)?;
        crate::probes::start_feeds(&station, config.probes()?, &feeds, &config.data())?;
        feeds
            .addresses()
            .for_each(|(name, address)| say!("HL7 {name} {address}"));
        let press = serving::press(&config)?;
        let leave = Arc::new(Leave::default());
        updating::start(&station, &config, Line::default(), &leave, self.supervised)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let address = self.listen.as_deref().unwrap_or(&config.station.listen);
            let (listener, bound) = serving::bind(address).await?;
            say!("{} http://{bound}/", station.code());
            let desk = serving::desk(&config, &station, &press)?;
            let router = serving::router(&station, desk)?.merge(release_routes::routes(&Home::open(&config)?));
            if self.supervised {
                leash(&leave)?;
                say!("{} {}", supervising::UP, env!("CARGO_PKG_VERSION"));
            }
            let leaving = Arc::clone(&leave);
            let stop = async move {
                tokio::select! {
                    () = serving::told_to_stop() => {}
                    () = leaving.asked() => {}
                }
            };
            let overdue = async {
                leave.asked().await;
                tokio::time::sleep(LEAVE_PATIENCE).await;
            };
            tokio::select! {
                served = serving::serve(listener, router, stop) => served,
                // Browsers that keep a line open are no reason to stay.
                () = overdue => Ok(()),
            }
        })?;
        runtime.shutdown_timeout(LEAVE_PATIENCE);
        drop(feeds);
        drop(Arc::clone(&station));
        Ok(if leave.wants_another() {
            ExitCode::from(supervising::AGAIN)
        } else {
            ExitCode::SUCCESS
        })
    }
}

impl Serve {
    /// The station. Under a supervisor the one before may still be leaving: it is waited for.
    fn station(&self, config: &Config) -> Result<Arc<Station>> {
        let until = clock::running() + LEAVE_PATIENCE * 3;
        loop {
            let in_use = |fault: &anyhow::Error| {
                fault.chain().any(|cause| match cause.downcast_ref() {
                    Some(StationFault::Journal(fault) | StationFault::Audit(fault)) => {
                        matches!(fault, StartFault::InUse)
                    }
                    _ => false,
                })
            };
            match serving::station(config) {
                Err(fault) if self.supervised && in_use(&fault) && clock::running() < until => {
                    std::thread::sleep(Duration::from_millis(200));
                }
                other => return other,
            }
        }
    }
}

/// The supervisor holds the other end of the standard input: when it lets go, or is gone, this station stops.
fn leash(leave: &Arc<Leave>) -> std::io::Result<()> {
    let leave = Arc::clone(leave);
    std::thread::Builder::new().name("leash".into()).spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        leave.stop();
    })?;
    Ok(())
}
