//! `tomoshibi serve`: one station, hub or not, until told to stop.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use downtime::stations::StationFault;
use rustls::ServerConfig;
use tokio::sync::watch;
use vault::journal::StartFault;

use super::ConfigArg;
use crate::certificates::Keeper;
use crate::clock;
use crate::config::Config;
use crate::listening::{Door, Limits, is_this_machine};
use crate::serving::Started;
use crate::updating::{self, Leave};
use crate::{serving, supervising};

/// Serves this station's desk (and, on a hub, the other stations) until Ctrl+C.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  tomoshibi serve -c /srv/tomoshibi/tomoshibi.toml\n  tomoshibi serve --listen 0.0.0.0:8300\n\nWith a certificate (`tomoshibi ca new`) the desk is https wherever it can be reached from elsewhere; on 127.0.0.1 it stays http."
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
    /// When the station cannot start, the port is taken, or the desk would be reached from elsewhere without TLS.
    pub fn run(&self) -> Result<ExitCode> {
        let config = self.config.read()?;
        let started = self.started(&config)?;
        let station = &started.station;
        let feeds = crate::feeds::start(&config)?;
        crate::backup::start(&config, &self.config.config)?;
        crate::probes::start_feeds(station, config.probes()?, &feeds, &config.data())?;
        feeds
            .addresses()
            .for_each(|(name, address)| say!("HL7 {name} {address}"));
        let leave = Arc::new(Leave::default());
        updating::start(station, &config, started.line.clone(), &leave, self.supervised)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(self.doors(&config, &started, &leave))?;
        runtime.shutdown_timeout(LEAVE_PATIENCE);
        drop(feeds);
        Ok(if leave.wants_another() {
            ExitCode::from(supervising::AGAIN)
        } else {
            ExitCode::SUCCESS
        })
    }

    async fn doors(&self, config: &Config, started: &Started, leave: &Arc<Leave>) -> Result<()> {
        let (station, keeper) = (&started.station, &started.keeper);
        let press = serving::press(config)?;
        let address = self.listen.as_deref().unwrap_or(&config.station.listen);
        let (listener, bound) = serving::bind(address).await?;
        let tls = desk_tls(config, keeper, bound)?;
        let mut desk = serving::desk(config, station, &press)?;
        desk.https = tls.is_some();
        let scheme = if desk.https { "https" } else { "http" };
        say!("{} {scheme}://{}/", station.code(), told(config, bound, desk.https));
        let limits = Limits::default();
        let mut doors = vec![Door {
            listener,
            tls,
            router: serving::router(config, station, desk)?,
            plain: config
                .station
                .plain
                .then(|| serving::others(config, station))
                .transpose()?,
            limits,
        }];
        if let Some(address) = &config.station.peers_listen {
            let (listener, bound) = serving::bind(address).await?;
            let tls = match config.station.plain && keeper.served().now().is_none() {
                true => None,
                // Before the first certificate is there nobody gets through a handshake, and then everybody does, without a restart.
                false => Some(keeper.served().config()?),
            };
            let scheme = if tls.is_some() { "https" } else { "http" };
            say!("{} peers {scheme}://{bound}/", station.code());
            doors.push(Door {
                listener,
                tls,
                router: serving::others(config, station)?.fallback(nothing_here),
                plain: config
                    .station
                    .plain
                    .then(|| serving::others(config, station))
                    .transpose()?,
                limits,
            });
        }
        if self.supervised {
            leash(leave)?;
            say!("{} {}", supervising::UP, env!("CARGO_PKG_VERSION"));
        }
        serve_all(doors, leave).await
    }
}

async fn nothing_here() -> axum::http::StatusCode {
    axum::http::StatusCode::NOT_FOUND
}

/// Serves every door until told to stop.
async fn serve_all(doors: Vec<Door>, leave: &Leave) -> Result<()> {
    let (tell, told) = watch::channel(false);
    let mut open = tokio::task::JoinSet::new();
    for door in doors {
        let mut told = told.clone();
        open.spawn(crate::listening::serve(door, async move {
            // A sender that is gone says the same.
            let _ = told.wait_for(|stop| *stop).await;
        }));
    }
    tokio::select! {
        () = serving::told_to_stop() => {}
        () = leave.asked() => {}
        Some(ended) = open.join_next() => ended??,
    }
    let _ = tell.send(true);
    let all = async {
        while let Some(ended) = open.join_next().await {
            ended??;
        }
        Ok(())
    };
    let overdue = async {
        leave.asked().await;
        tokio::time::sleep(LEAVE_PATIENCE).await;
    };
    tokio::select! {
        ended = all => ended,
        // Browsers that keep a line open are no reason to stay.
        () = overdue => Ok(()),
    }
}

/// TLS of the desk: where it can be reached from elsewhere, and nowhere else.
fn desk_tls(config: &Config, keeper: &Keeper, bound: SocketAddr) -> Result<Option<Arc<ServerConfig>>> {
    let certificate = keeper.served().now().is_some();
    if is_this_machine(bound.ip())
        && !(certificate && config.station.names.iter().any(|name| wire::tls::is_this_machine(name)))
    {
        return Ok(None);
    }
    if certificate {
        return Ok(Some(keeper.served().config()?));
    }
    if config.station.plain {
        tracing::warn!(
            "★ the desk at {bound} is not encrypted (plain = true): passwords pass the network in the clear"
        );
        return Ok(None);
    }
    let why = keeper.state(station_now()).trouble.map(|why| format!("（{why}）"));
    bail!(
        "画面を {bound} で開くと、パスワードが暗号化されずに網を通ります。証明書がまだありません{}。起動していません。\n  証明書を作る: [station] に names = [\"hub の名前\", \"番号\"] を書き、`tomoshibi ca new`（docs/operating/certificates.md）\n  この PC だけで使う: listen = \"127.0.0.1:8300\"\n  それまでこのまま使う: [station] に plain = true",
        why.unwrap_or_default()
    )
}

fn station_now() -> chart::Moment {
    clock::now()
}

/// The address as people type it: the first configured name, where there is TLS.
fn told(config: &Config, bound: SocketAddr, https: bool) -> String {
    match config.station.names.first() {
        Some(name) if https && name.contains(':') => format!("[{name}]:{}", bound.port()),
        Some(name) if https => format!("{name}:{}", bound.port()),
        _ => bound.to_string(),
    }
}

impl Serve {
    /// The station. Under a supervisor the one before may still be leaving: it is waited for.
    fn started(&self, config: &Config) -> Result<Started> {
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
            match serving::started(config) {
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
