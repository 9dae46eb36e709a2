//! Where sources keep what they need at their next run: `data/sources/`, sealed to this station.

use std::sync::Arc;

use anyhow::Result;
use downtime::sources::keep::Keep;

use crate::config::Config;
use crate::home::Home;
use crate::random;

/// The file of one source for one purpose. The name was checked when the configuration was read.
///
/// # Errors
/// When this station's keys cannot be read.
pub fn keep(config: &Config, source: &str, what: &str) -> Result<Keep> {
    let home = Home::open(config)?;
    Ok(Keep {
        hospital: home.roster.hospital(),
        secret: Arc::clone(&home.secret),
        dice: Arc::new(|| Box::new(random::system())),
        path: home.data.join("sources").join(format!("{source}.{what}.keep")),
        name: format!("{source}/{what}"),
    })
}
