//! Certificates renew themselves: the hub makes its own, other stations ask it at their visits, files of another authority are read again.
//!
//! At sixty of ninety days, while the program runs. A renewal that fails changes nothing and is told on S70; it is tried again.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use axum::http::Uri;
use chart::Moment;
use downtime::identity::Roster;
use downtime::stations::{Lifetime, LineMet, LineState, Station};
use wire::hospital::Met;

use crate::authority::{DAY, Issuing, RENEW_DAYS, new_key};
use crate::certificate_routes::{Granted, Request};
use crate::config::Config;
use crate::home::Home;
use crate::line::Line;
use crate::server_tls::{Identity, Served, Shown};

mod believed;
#[cfg(test)]
mod tests;

use believed::Believed;

/// How often it is looked whether something is due or has changed on the disk.
const EVERY: Duration = Duration::from_secs(2);
/// After a failure it is tried again after so many seconds.
const AGAIN_SECONDS: i64 = 600;
/// Seconds for which S70 names a machine that was not called again.
const MET_SECONDS: i64 = 3_600;
/// Largest answer of a hub with a certificate, in bytes.
const MAX_ANSWER: u64 = 64 << 10;

/// This station's certificate and whoever keeps it fresh.
#[derive(Clone)]
pub struct Keeper(Arc<Inner>);

struct Inner {
    config: Config,
    data: PathBuf,
    served: Served,
    line: Line,
    believed: Believed,
    state: Mutex<Doing>,
}

#[derive(Default)]
struct Doing {
    /// Why the last attempt failed, and when.
    trouble: Option<(String, Moment)>,
    /// When the hub's key ends.
    issuing_until: Option<Moment>,
}

impl Keeper {
    /// Takes up what is on the disk, and makes what a hub can make for itself at once.
    #[must_use]
    pub fn new(config: &Config, line: &Line, now: Moment) -> Self {
        let keeper = Self(Arc::new(Inner {
            config: config.clone(),
            data: config.data(),
            served: Served::default(),
            line: line.clone(),
            believed: Believed::default(),
            state: Mutex::default(),
        }));
        keeper.look(now);
        keeper
    }

    /// What is shown to whoever comes.
    #[must_use]
    pub fn served(&self) -> &Served {
        &self.0.served
    }

    /// Keeps certificates fresh, and S70 informed, until the station is gone.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn start(&self, station: &Arc<Station>) -> std::io::Result<()> {
        let (keeper, station) = (self.clone(), Arc::downgrade(station));
        let thread = std::thread::Builder::new().name("certificates".into());
        thread.spawn(move || keeper.watch(&station))?;
        Ok(())
    }

    fn watch(&self, station: &Weak<Station>) {
        loop {
            let Some(station) = station.upgrade() else { return };
            let trusted = self.0.believed.authorities(&self.0.data, &station);
            if let Err(fault) = self.0.line.trust(&trusted) {
                tracing::warn!(%fault, "the authorities of the roster are not taken up; the ones before stay");
            }
            self.look(station.now());
            if self.concerns_others() {
                station.observe_lines(self.state(station.now()));
            }
            drop(station);
            std::thread::sleep(EVERY);
        }
    }

    /// Renews or reads again what is due.
    fn look(&self, now: Moment) {
        let outcome = self.take_up(now);
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Ok(true) => state.trouble = None,
            Ok(false) => {}
            Err(fault) => {
                let why = format!("{fault:#}");
                let known = state.trouble.as_ref().is_some_and(|(known, _)| *known == why);
                if !known {
                    tracing::warn!("★ {why}");
                }
                state.trouble = Some((why, now));
            }
        }
    }

    /// True when there is something new to show.
    fn take_up(&self, now: Moment) -> Result<bool> {
        let inner = &*self.0;
        if let Some(own) = &inner.config.station.tls {
            let (certificate, key) = (inner.config.path(&own.certificate), inner.config.path(&own.key));
            return Ok(self.show(Shown::of_files(&certificate, &key)?));
        }
        let issuing = Issuing::read(&inner.data)?;
        let until = issuing.as_ref().map(Issuing::until);
        inner.state.lock().unwrap_or_else(PoisonError::into_inner).issuing_until = until;
        let there = Identity::read(&inner.data)?;
        let mut new = match &there {
            Some(identity) => self.show(identity.shown()?),
            None => false,
        };
        if let Some(issuing) = issuing
            && !inner.config.station.names.is_empty()
            && self.is_due(there.as_ref(), Some(&issuing), now)
        {
            let names = own_names(&inner.config)?;
            let (key, point) = new_key()?;
            let chain = issuing
                .issue(&point, &names, now)
                .context("この hub の証明書を更新できません")?;
            let identity = Identity::new(&key, chain, &inner.config.station.names);
            let shown = identity.shown()?;
            identity.write(&inner.data)?;
            new |= self.show(shown);
            tracing::info!("a new certificate of this hub is in use");
        }
        Ok(new)
    }

    fn is_due(&self, there: Option<&Identity>, issuing: Option<&Issuing>, now: Moment) -> bool {
        let Some((identity, shown)) = there.zip(self.0.served.now()) else {
            return true;
        };
        let names = &self.0.config.station.names;
        let other_names = issuing.is_some() && identity.names() != names;
        let other_root =
            issuing.is_some_and(|issuing| shown.chain().get(1).is_none_or(|second| !issuing.is_by(second)));
        other_names || other_root || is_old(&shown, now)
    }

    /// True when it is another one than before.
    fn show(&self, shown: Shown) -> bool {
        let same = self.0.served.now().is_some_and(|now| now.chain() == shown.chain());
        if !same {
            self.0.served.show(shown);
        }
        !same
    }

    /// At a visit: asks the hub for a certificate where one is due and this station has a door for others.
    ///
    /// # Errors
    /// When the hub gave none, or one that is not for us.
    pub fn ask(&self, station: &Station, agent: &ureq::Agent, hub: &str) -> Result<()> {
        let inner = &*self.0;
        let of = |roster: &Roster| {
            roster
                .station(station.code())
                .and_then(|enrolled| enrolled.address.clone())
        };
        let address = match station.shelf().current() {
            Some(shelved) => of(shelved.roster()),
            None => of(&Home::open(&inner.config)?.roster),
        };
        let Some(address) = address else {
            return Ok(());
        };
        let now = station.now();
        let here_made = inner.config.station.tls.is_some() || Issuing::read(&inner.data)?.is_some();
        let lately = self
            .trouble()
            .is_some_and(|(_, at)| (0..AGAIN_SECONDS).contains(&now.0.saturating_sub(at.0)));
        let there = Identity::read(&inner.data)?;
        let name = host(&address)?;
        let named = there
            .as_ref()
            .is_some_and(|identity| identity.names() == [name.clone()]);
        if here_made || lately || (named && !self.is_due(there.as_ref(), None, now)) {
            return Ok(());
        }
        let asked = self.ask_for(station, agent, hub, &name);
        let mut state = inner.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.trouble = asked.as_ref().err().map(|fault| (format!("{fault:#}"), now));
        asked
    }

    fn ask_for(&self, station: &Station, agent: &ureq::Agent, hub: &str, name: &str) -> Result<()> {
        let inner = &*self.0;
        let home = Home::open(&inner.config)?;
        let (key, point) = new_key()?;
        let request = Request::new(&home, &point, station.now());
        let answer = agent
            .post(format!("{hub}/parcel/certificate"))
            .config()
            .http_status_as_error(false)
            .build()
            .send(&request.to_bytes()[..])?;
        let status = answer.status();
        let bytes = answer.into_body().with_config().limit(MAX_ANSWER).read_to_vec()?;
        if !status.is_success() {
            bail!("hub が証明書を出しませんでした: {}", String::from_utf8_lossy(&bytes));
        }
        let granted = Granted::from_bytes(&bytes)?;
        let identity = Identity::new(&key, granted.chain(), &[name.to_owned()]);
        let shown = identity.shown()?;
        self.0.line.authorities().vouch(shown.chain(), name, station.now().0)?;
        identity.write(&inner.data)?;
        self.show(shown);
        tracing::info!("a new certificate from the hub is in use");
        Ok(())
    }

    fn trouble(&self) -> Option<(String, Moment)> {
        self.0
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .trouble
            .clone()
    }

    /// Whether any line leaves this machine, so that there is something to say about it.
    fn concerns_others(&self) -> bool {
        let station = &self.0.config.station;
        let away = |address: &str| !wire::tls::is_this_machine(host(address).as_deref().unwrap_or_default());
        station.plain
            || self.0.served.now().is_some()
            || station.peers_listen.is_some()
            || station
                .hub
                .as_deref()
                .is_some_and(|hub| hub.starts_with("https") || away(hub))
    }

    /// What S70 says.
    #[must_use]
    pub fn state(&self, now: Moment) -> LineState {
        let state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        let lately = u64::try_from(now.0.saturating_sub(MET_SECONDS)).unwrap_or(0);
        let met = self.0.line.authorities().met_since(lately).into_iter();
        let moment = |second: u64| Moment(i64::try_from(second).unwrap_or(i64::MAX));
        LineState {
            at: now,
            plain: self.0.config.station.plain,
            shown: self.0.served.now().map(|shown| Lifetime {
                from: shown.from,
                until: shown.until,
            }),
            issuing_until: state.issuing_until,
            trouble: state.trouble.as_ref().map(|(why, _)| why.clone()),
            met: met
                .filter_map(|(name, met)| {
                    let told = match met {
                        Met::Well => return None,
                        Met::Expired(at) => LineMet::Expired(moment(at)),
                        Met::NotYet(at) => LineMet::NotYet(moment(at)),
                        Met::Refused(why) => LineMet::Refused(why),
                    };
                    Some((name, told))
                })
                .collect(),
        }
    }
}

fn is_old(shown: &Shown, now: Moment) -> bool {
    shown.until.0.saturating_sub(now.0) < RENEW_DAYS * DAY || now < shown.from
}

/// The names of the hub's own certificate: those of the configuration, and this machine's own, for browsers on it.
fn own_names(config: &Config) -> Result<Vec<String>> {
    let named = &config.station.names;
    ensure!(!named.is_empty(), "station.names がありません");
    let mut seen = BTreeSet::new();
    let all = named.iter().map(String::as_str).chain(["localhost", "127.0.0.1"]);
    Ok(all.filter(|name| seen.insert(*name)).map(str::to_owned).collect())
}

/// The host of an address, without brackets.
///
/// # Errors
/// When there is none.
pub fn host(address: &str) -> Result<String> {
    let uri: Uri = address
        .parse()
        .ok()
        .with_context(|| format!("住所を読めません: {address}"))?;
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    ensure!(!host.is_empty(), "住所に名前がありません: {address}");
    Ok(host.to_ascii_lowercase())
}
