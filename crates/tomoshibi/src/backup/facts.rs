//! How backups stand, for S70: from this station's own spool and notebooks, never from a store.

use std::sync::Arc;

use chart::Moment;
use downtime::readiness::Backups;

use super::{generations, recipients, registers, spool};
use crate::config::Config;
use crate::home::Home;

/// Looks each time it is asked; `None` on a station that makes none.
#[must_use]
pub fn lend(config: &Config) -> Arc<desk::BackupsOf> {
    let config = config.clone();
    Arc::new(move || {
        if config.station.hub.is_some() || config.backup.every_hours == 0 {
            return None;
        }
        match facts(&config) {
            Ok(facts) => Some(facts),
            Err(fault) => {
                // A list that cannot be read is no list: the tile then says that there is none.
                tracing::error!("★ 控えの記録を読めません: {fault:#}");
                Some(Backups::default())
            }
        }
    })
}

fn facts(config: &Config) -> anyhow::Result<Backups> {
    let home = Home::open(config)?;
    let sticks = registers::sticks_now(&home.data)?.into_iter();
    let name = |one: &registers::OnStick| match (one.label.as_str(), one.place.as_str()) {
        (label, "") => label.to_owned(),
        (label, place) => format!("{label}（{place}）"),
    };
    let tried = registers::tried(&home.data)?;
    Ok(Backups {
        sealable: recipients(config, &home).is_ok(),
        newest: generations(&spool(&home.data), &home)?
            .first()
            .map(|made| Moment(made.made)),
        sticks: sticks.map(|one| (name(&one), Moment(one.verified))).collect(),
        tried: tried.last().map(|one| (Moment(one.at), one.is_whole())),
    })
}
