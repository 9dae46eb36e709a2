//! The program: clock, randomness, arguments, configuration and wiring. Everything else is in the floors below.

/// Prints a line. Somebody who stops reading (`| head`) is no reason to stop working.
macro_rules! say {
    ($($words:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout(), $($words)*);
    }};
}

mod alive;
mod authority;
mod certificate_routes;
mod certificates;
mod cli;
mod clock;
mod config;
mod disk_room;
mod disk_watch;
mod disposal;
mod extract_days;
mod feed_listener;
mod feeds;
mod fetching;
mod fhir_line;
mod gossip;
mod heartbeat;
mod home;
mod hub_link;
mod keeping;
mod line;
mod listening;
mod packs;
mod parcel_routes;
mod printing;
mod probes;
mod progress;
mod protecting;
mod proving;
mod random;
mod receipt_routes;
mod release_routes;
mod releases;
mod schedule;
mod secrets;
mod server_tls;
mod serving;
mod snapshot_routes;
mod supervising;
mod timekeeping;
mod trail;
mod updating;
mod warden;

use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let filter = EnvFilter::try_from_env("TOMOSHIBI_LOG").unwrap_or_else(|_| EnvFilter::new("warn,tomoshibi=info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    match cli::Cli::parse().run() {
        Ok(code) => code,
        Err(fault) => {
            eprintln!("★ {fault:#}");
            ExitCode::FAILURE
        }
    }
}
