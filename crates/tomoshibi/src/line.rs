//! The line to other stations: how it is opened, for everybody who visits.
//!
//! Every object that travels is signed and sealed by itself; the line is never what proves anything. It keeps sizes, times and names
//! from whoever listens, and other machines from standing in for a hub.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::Result;
use wire::hospital::Authorities;
use wire::tls::Plain;

use crate::config::Config;

/// How this station opens connections to others. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct Line {
    authorities: Authorities,
    plain: Plain,
    trusted: Arc<RwLock<Vec<Vec<u8>>>>,
}

impl Default for Line {
    /// Trusts nobody, and goes nowhere but to this machine.
    fn default() -> Self {
        Self {
            authorities: Authorities::default(),
            plain: Plain::ThisMachine,
            trusted: Arc::default(),
        }
    }
}

impl Line {
    /// As the configuration says, with the authorities that the roster names.
    ///
    /// # Errors
    /// When a certificate in the roster is none.
    pub fn new(config: &Config, authorities: &[Vec<u8>]) -> Result<Self> {
        let line = Self::with_plain(config.station.plain);
        line.trust(authorities)?;
        Ok(line)
    }

    /// Trusts nobody yet; `plain` allows a line without TLS to any machine.
    #[must_use]
    pub fn with_plain(plain: bool) -> Self {
        Self {
            plain: if plain { Plain::Anywhere } else { Plain::ThisMachine },
            ..Self::default()
        }
    }

    /// For enrolling alone: TLS with whoever answers. What is said there proves itself.
    #[must_use]
    pub fn unproven() -> Self {
        Self {
            authorities: Authorities::unproven(),
            ..Self::default()
        }
    }

    /// Opens connections that may take so long in all. A new connection for every request: a kept one would hide that the line is gone.
    #[must_use]
    pub fn agent(&self, patience: Duration) -> ureq::Agent {
        self.authorities.agent(patience, self.plain).unwrap_or_else(|fault| {
            // The library's own choice of ciphers does not suit itself: nothing that an operator could have changed. No line, then.
            tracing::error!(%fault, "★ TLS cannot be set up");
            closed(patience)
        })
    }

    /// Trusts these authorities from now on. None leaves the ones before: a roster of an earlier version knows of no authorities.
    ///
    /// # Errors
    /// When one is no certificate; nothing has changed then.
    pub fn trust(&self, authorities: &[Vec<u8>]) -> Result<()> {
        let mut trusted = self.trusted.write().unwrap_or_else(PoisonError::into_inner);
        if authorities.is_empty() || *trusted == authorities {
            return Ok(());
        }
        self.authorities.trust(authorities)?;
        *trusted = authorities.to_vec();
        Ok(())
    }

    /// What was met on it.
    #[must_use]
    pub const fn authorities(&self) -> &Authorities {
        &self.authorities
    }
}

/// A client for which every address is out of reach.
fn closed(patience: Duration) -> ureq::Agent {
    let config = ureq::Agent::config_builder().timeout_global(Some(patience)).build();
    ureq::Agent::with_parts(config, (), ureq::unversioned::resolver::DefaultResolver::default())
}
