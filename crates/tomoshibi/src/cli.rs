//! The commands. Each has `--help` with an example, an exit code, and `--json` where a program may read it.
//!
//! Exit codes: 0 done · 1 failed, nothing changed · 2 wrong arguments · 3 done, but somebody must look (Findings) ·
//! 4 refused by the extract guard, the last good snapshot stays in use.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

pub mod audit;
mod backup;
mod ca;
mod carry;
mod daemon;
mod demo;
mod dispose;
mod doctor;
mod envelope;
mod export;
mod extract;
mod icon;
mod init;
mod maintenance;
mod map;
mod own_forms;
mod password;
mod person;
mod print;
mod recovery;
mod release;
mod scan;
mod serve;
mod station;
mod synth;
mod user;
mod verify;
mod warden;

pub use extract::{How, run_watched};

/// Tomoshibi (灯火): the light that stays on when a hospital's electronic health record stops.
#[derive(Debug, Parser)]
#[command(name = "tomoshibi", version, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    command: Command,
}

/// A station's configuration file.
#[derive(Debug, Clone, clap::Args)]
pub struct ConfigArg {
    /// Configuration file of this station.
    #[arg(
        long,
        short,
        global = true,
        default_value = "tomoshibi.toml",
        env = "TOMOSHIBI_CONFIG"
    )]
    pub config: PathBuf,
}

impl ConfigArg {
    fn read(&self) -> Result<crate::config::Config> {
        crate::config::Config::read(&self.config)
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Shows the main job at once, on an invented hospital.
    Demo(demo::Demo),
    /// Makes a hub: configuration, keys, roster and the first two users.
    Init(init::Init),
    /// Who may act: enrols, changes, reviews and disables users.
    User(user::User),
    /// Sealed envelopes for emergencies: makes them, keeps their inventory, retires them.
    Envelope(envelope::Envelope),
    /// The hospital's last key: five shares on paper, three of which open everything.
    Recovery(recovery::Recovery),
    /// Answers from the audit log, its export, and its proof.
    Audit(audit::Audit),
    /// The hospital's own certificates: makes, renews and shows them.
    Ca(ca::Ca),
    /// The page behind the desktop icon of terminals that have a browser only.
    Icon(icon::Icon),
    /// Makes and enrols further stations.
    Station(station::Station),
    /// Writes the export of an invented hospital.
    Synth(synth::Synth),
    /// Checks how the hospital's columns are mapped, or starts a mapping.
    Map(map::Map),
    /// Extracts from the EHR's export, seals, and puts the snapshot on the shelf.
    Extract(extract::Extract),
    /// Proves that the snapshot in use is whole and that every record opens.
    Verify(verify::Verify),
    /// Watches hubs and readiness receipts from outside, and raises the alarm when they stop.
    Warden(warden::Warden),
    /// Serves this station's desk until told to stop.
    Serve(serve::Serve),
    /// Paper without a screen.
    Print(print::Print),
    /// Writes everything that was recorded as files for the EHR.
    Export(export::Export),
    /// Carries records, receipts and the sealed snapshot by hand, on a stick.
    Carry(carry::Carry),
    /// Backups that ransomware does not reach: makes, lists, pulls, and proves them.
    Backup(backup::Backup),
    /// Takes in returned paper and files it by the codes on it.
    Scan(scan::Scan),
    /// Accounts for people who repair something: a few hours, no patient's key, a report to sign.
    Maintenance(maintenance::Maintenance),
    /// Destroys what this station holds, keys first, with a certificate.
    Dispose(dispose::Dispose),
    /// New versions of the program: signs, approves and lets them in.
    Release(release::ReleaseCommand),
    /// Installs this station as a service of the operating system.
    #[command(name = "service")]
    Daemon(daemon::Daemon),
    /// Explains the configuration and checks what this station has.
    Doctor(doctor::Doctor),
}

/// A hub for tests of the roof.
///
/// # Errors
/// As [`init::NewHub::make`].
#[cfg(test)]
pub fn made_hub(
    dir: &std::path::Path,
    users: &[downtime::identity::NewUser<'_>],
    cost: vault::slot::SlotCost,
) -> Result<()> {
    let code = chart::StationCode::parse("H01").ok_or_else(|| anyhow::anyhow!("a code"))?;
    let hospital = "物語の病院";
    init::NewHub { dir, hospital, code }.make(users, cost).map(|_| ())
}

/// A station for tests of the roof, enrolled at a hub.
///
/// # Errors
/// As [`station::new`] and [`station::add`].
#[cfg(test)]
pub fn made_station(dir: &std::path::Path, code: chart::StationCode, hub: &mut crate::home::Home) -> Result<()> {
    let public = station::new(&station::NewStation {
        dir,
        hospital: "物語の病院",
        code,
        node: None,
        letter: None,
        hub: "https://hub.local:8300",
        listen: "127.0.0.1:0",
    })?;
    station::add(hub, code, Some(3), Some("C"), &public, &dir.join("data/trust.cbor"))
}

/// Done, but somebody must look.
pub const LOOK: u8 = 3;
/// Refused by the guard.
pub const REFUSED: u8 = 4;

impl Cli {
    /// Runs the command.
    ///
    /// # Errors
    /// Whatever the command could not do, in words for the person at the keyboard.
    pub fn run(self) -> Result<ExitCode> {
        match self.command {
            Command::Demo(command) => command.run(),
            Command::Init(command) => command.run(),
            Command::User(command) => command.run(),
            Command::Envelope(command) => command.run(),
            Command::Recovery(command) => command.run(),
            Command::Audit(command) => command.run(),
            Command::Ca(command) => command.run(),
            Command::Icon(command) => command.run(),
            Command::Station(command) => command.run(),
            Command::Synth(command) => command.run(),
            Command::Map(command) => command.run(),
            Command::Extract(command) => command.run(),
            Command::Verify(command) => command.run(),
            Command::Warden(command) => command.run(),
            Command::Serve(command) => command.run(),
            Command::Print(command) => command.run(),
            Command::Export(command) => command.run(),
            Command::Carry(command) => command.run(),
            Command::Backup(command) => command.run(),
            Command::Scan(command) => command.run(),
            Command::Maintenance(command) => command.run(),
            Command::Dispose(command) => command.run(),
            Command::Release(command) => command.run(),
            Command::Daemon(command) => command.run(),
            Command::Doctor(command) => command.run(),
        }
    }
}
