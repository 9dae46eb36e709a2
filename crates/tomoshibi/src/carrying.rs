//! Carrying by hand, as the program lends it: to the desk for the screen, to the commands for a station that is not running.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};
use desk::carry::{Carry, Job};
use downtime::carry::Carrying;
use downtime::forms::{OrderLists, PaymentRules};
use downtime::stations::{Parts, Station, StationFault};
use vault::files::Disk;
use vault::journal::StartFault;

use crate::config::Config;
use crate::home::{self, Home};
use crate::{clock, random, sticks};

/// The carrying of a station's directory.
///
/// # Errors
/// When a key of the roster is none.
pub fn of(home: &Home) -> Result<Carrying> {
    let secret = Arc::clone(&home.secret);
    Ok(Carrying::new(
        &home.roster,
        home.code,
        secret,
        Arc::new(Disk),
        &home.data,
    )?)
}

/// The folders of the configuration.
#[must_use]
pub fn folders(config: &Config) -> Vec<PathBuf> {
    let folders = config.carry.folders.iter().take(crate::config::carry::MOST_FOLDERS);
    folders.map(|folder| config.path(folder)).collect()
}

/// For the desk.
///
/// # Errors
/// When keys or roster cannot be read.
pub fn lend(config: &Config) -> Result<Arc<Carry>> {
    let home = Home::open(config)?;
    let carrying = Arc::new(of(&home)?);
    let folders = folders(config);
    let data = home.data;
    Ok(Arc::new(Carry {
        carrying,
        sticks: Arc::new(move || sticks::find(&folders)),
        elapsed: Arc::new(clock::running),
        destroyed: Arc::new(move |line| {
            if let Err(fault) = home::log(&data, "destroyed.log", line) {
                tracing::error!("★ {fault:#}");
            }
        }),
        job: Mutex::new(Job::None),
    }))
}

/// The station of a directory that no program has open, without its watches, for the time of one command.
///
/// # Errors
/// When another program has it open, with what to do instead.
pub fn station(config: &Config, home: &Home) -> Result<Arc<Station>> {
    let parts = Parts {
        hospital_name: config.hospital.name.clone(),
        contact_phone: String::new(),
        institution: config.hospital.prescriber(),
        order_lists: OrderLists::built_in()?,
        payment: PaymentRules::default(),
        code: home.code,
        roster: home.roster.clone(),
        secret: Arc::clone(&home.secret),
        shelf: home.shelf()?,
        data: home.data.clone(),
        files: Arc::new(Disk),
        clock: Arc::new(clock::now),
        has_hub: config.station.hub.is_some(),
    };
    match Station::start(parts, Arc::new(|| Box::new(random::system()))) {
        Err(StationFault::Journal(StartFault::InUse) | StationFault::Audit(StartFault::InUse)) => anyhow::bail!(
            "この端末は動いています（tomoshibi serve）。何も受け取っていません。画面の「USBで運ぶ」（http://{}/carry）で受け取ってください",
            config.station.listen
        ),
        other => other.context("この端末の記録を開けません"),
    }
}
