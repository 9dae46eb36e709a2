//! The roster between stations: asked for at every visit, passed on by whoever has a newer one, taken only from a hub.
//!
//! A station keeps what it took (`trust.cbor`) and the signed bytes (`roster.signed`), so that it can pass them on to a station that
//! does not reach the hub. A hub keeps the whole (`roster.cbor`). What makes one believable is `identity::passing`'s.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail};
use chart::StationCode;
use downtime::identity::passing::{Asks, MAX_PASSED, NotTaken, Passed, SignedRoster};
use downtime::identity::{Roster, RosterFault, Stamp};
use downtime::stations::Station;
use vault::keys::StationSecret;

use crate::home::{Home, hold, roster_file, write_durably};
use crate::hub_link::Errand;
use crate::random;

/// How often one station is asked.
const ASK_EVERY: Duration = Duration::from_secs(15);
/// How often a hub looks whether a command changed the roster's file.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What is done about the roster at each visit.
#[must_use]
pub fn errand(link: &Arc<RosterLink>) -> Errand {
    let link = Arc::clone(link);
    let visit = move |station: &Arc<Station>, agent: &ureq::Agent, address: &str| link.visit(station, agent, address);
    ("the roster", Box::new(visit))
}

/// One station's side.
pub struct RosterLink {
    data: PathBuf,
    code: StationCode,
    secret: Arc<StationSecret>,
    station: Weak<Station>,
    asked: Mutex<HashMap<String, Instant>>,
    signed: Mutex<Option<(Stamp, SignedRoster)>>,
    /// The file as it was last read, and its stamp.
    read: Mutex<Option<((SystemTime, u64), Stamp)>>,
}

impl RosterLink {
    /// For a running station.
    #[must_use]
    pub fn new(home: &Home, station: &Arc<Station>) -> Arc<Self> {
        Arc::new(Self {
            data: home.data.clone(),
            code: home.code,
            secret: Arc::clone(&home.secret),
            station: Arc::downgrade(station),
            asked: Mutex::default(),
            signed: Mutex::default(),
            read: Mutex::default(),
        })
    }

    /// The errand of a visit: learns a newer roster from the other, or brings it one.
    ///
    /// # Errors
    /// When the other does not answer, or what it says is not believed; the roster here stays.
    pub fn visit(&self, station: &Arc<Station>, agent: &ureq::Agent, address: &str) -> Result<()> {
        station.learn_from_snapshot()?;
        let hub = roster_file(&self.data).exists();
        let mine = self.stamp()?;
        let behind = !hub && station.roster().stamp() > mine;
        if !behind && !self.is_due(address) {
            return Ok(());
        }
        let asked = self.ask(agent, address, mine);
        if behind && self.stamp()? < station.roster().stamp() {
            // A snapshot said more than the file: at the next start its sealer must be known.
            let _held = hold(&self.data, "roster")?;
            write_durably(&self.data.join("trust.cbor"), &station.roster().to_bytes()?)?;
        }
        asked
    }

    fn is_due(&self, address: &str) -> bool {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if asked.get(address).is_some_and(|at| now.duration_since(*at) < ASK_EVERY) {
            return false;
        }
        asked.insert(address.to_owned(), now);
        true
    }

    fn ask(&self, agent: &ureq::Agent, address: &str, mine: Stamp) -> Result<()> {
        let asks = Asks {
            who: self.code,
            has: mine,
        };
        let answer = agent
            .post(format!("{address}/parcel/roster/newer"))
            .send(&asks.to_bytes()[..])?;
        let limit = 2 * MAX_PASSED as u64;
        let passed = Passed::from_bytes(&answer.into_body().with_config().limit(limit).read_to_vec()?)?;
        if passed.public.is_some() || passed.whole.is_some() {
            self.take(&passed)?;
        } else if let Some(who) = passed.who.filter(|_| passed.stamp < mine) {
            let give = self.pass(&Asks { who, has: passed.stamp })?;
            if give.public.is_some() || give.whole.is_some() {
                agent
                    .post(format!("{address}/parcel/roster/give"))
                    .send(&give.to_bytes()[..])?;
            }
        }
        Ok(())
    }

    /// How new the roster on the disk is: what is only in memory must still be asked for.
    fn stamp(&self) -> Result<Stamp> {
        let roster = roster_file(&self.data);
        let path = if roster.exists() {
            roster
        } else {
            self.data.join("trust.cbor")
        };
        let metadata = fs::metadata(&path)?;
        let now = (metadata.modified()?, metadata.len());
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, stamp)) = *read
            && at == now
        {
            return Ok(stamp);
        }
        let (roster, _) = Home::read_roster(&self.data)?;
        *read = Some((now, roster.stamp()));
        Ok(roster.stamp())
    }

    /// What another lacks.
    ///
    /// # Errors
    /// When the roster here cannot be read.
    pub fn pass(&self, asks: &Asks) -> Result<Passed> {
        let station = self.station.upgrade().context("this station ends")?;
        let known = station.roster();
        let mut passed = Passed {
            stamp: self.stamp()?,
            who: Some(self.code),
            ..Passed::default()
        };
        if asks.has >= passed.stamp {
            return Ok(passed);
        }
        passed.public = self.signed(passed.stamp)?;
        let hub = known
            .station(asks.who)
            .filter(|s| s.hub && !s.retired && s.code != self.code);
        if let Some(hub) = hub.filter(|_| roster_file(&self.data).exists()) {
            let (roster, _) = Home::read_roster(&self.data)?;
            let whole = SignedRoster::sign(&roster, self.code, &self.secret)?;
            let sealed = whole.seal(&known.hospital(), &hub.public()?, &mut random::system())?;
            passed.whole = Some(sealed);
        }
        Ok(passed)
    }

    /// The roster without users as a hub signed it, of this stamp; signed here where this is a hub.
    fn signed(&self, stamp: Stamp) -> Result<Option<SignedRoster>> {
        let mut kept = self.signed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, signed)) = kept.as_ref()
            && *at == stamp
        {
            return Ok(Some(signed.clone()));
        }
        let signed = if roster_file(&self.data).exists() {
            let (roster, _) = Home::read_roster(&self.data)?;
            let signed = SignedRoster::sign(&roster.without_users(), self.code, &self.secret)?;
            (roster.stamp() == stamp).then_some(signed)
        } else {
            read_signed(&self.data)
        };
        *kept = signed.clone().map(|signed| (stamp, signed));
        Ok(signed)
    }

    /// Takes what another passed on; true when the roster here is newer now. One that is not newer changes nothing.
    ///
    /// # Errors
    /// [`NotTaken`] when it is not believed; otherwise when it cannot be written. The one here stays.
    pub fn take(&self, passed: &Passed) -> Result<bool> {
        match self.take_newer(passed) {
            Err(error) if matches!(error.downcast_ref(), Some(NotTaken::NotNewer)) => Ok(false),
            taken => taken,
        }
    }

    fn take_newer(&self, passed: &Passed) -> Result<bool> {
        let station = self.station.upgrade().context("this station ends")?;
        let _held = hold(&self.data, "roster")?;
        let (known, _) = Home::read_roster(&self.data)?;
        let hub = roster_file(&self.data).exists();
        if let Some(sealed) = passed.whole.as_ref().filter(|_| hub) {
            let whole = SignedRoster::unseal(&known.hospital(), &self.secret, sealed)?;
            let roster = self.open(&whole, &known)?;
            write_durably(&roster_file(&self.data), &roster.to_bytes()?)?;
            return Ok(station.learn(&roster)?);
        }
        let Some(public) = &passed.public else { return Ok(false) };
        // A hub may have been told before of what it does not have whole yet: then that counts.
        let newest = station.roster();
        let told = hub && newest.stamp() > known.stamp();
        let roster = self.open(public, if told { &newest } else { &known })?;
        write_durably(&signed_file(&self.data), &public.to_bytes()?)?;
        if !hub {
            write_durably(&self.data.join("trust.cbor"), &roster.to_bytes()?)?;
        }
        Ok(station.learn(&roster)?)
    }

    fn open(&self, signed: &SignedRoster, known: &Roster) -> Result<Roster, NotTaken> {
        let roster = signed.open(known)?;
        let own = roster.station(self.code).ok_or(NotTaken::NotIn)?.public()?;
        if own.to_bytes() == self.secret.public().to_bytes() {
            Ok(roster)
        } else {
            Err(NotTaken::NotIn)
        }
    }
}

/// Refuses to write a roster while a newer term is known: another hub keeps it now.
///
/// # Errors
/// [`RosterFault::KeptElsewhere`].
pub fn not_superseded(data: &Path, roster: &Roster) -> Result<()> {
    let Some(signed) = read_signed(data) else { return Ok(()) };
    // Held against an unwritten roster of the same hospital and hubs: only what is newer opens.
    match signed.open(roster) {
        Ok(newer) => match newer.keeper() {
            Some(keeper) => Err(RosterFault::KeptElsewhere(keeper).into()),
            None => bail!("a newer roster is known; nothing was changed"),
        },
        Err(_) => Ok(()),
    }
}

fn signed_file(data: &Path) -> PathBuf {
    data.join("roster.signed")
}

fn read_signed(data: &Path) -> Option<SignedRoster> {
    let path = signed_file(data);
    let small = fs::metadata(&path).is_ok_and(|m| m.len() <= MAX_PASSED as u64);
    let bytes = fs::read(&path).ok().filter(|_| small)?;
    SignedRoster::from_bytes(&bytes).ok()
}

/// On a hub: takes the roster's file into use whenever a command has changed it. Ends with the station.
///
/// # Errors
/// When the thread cannot be started.
pub fn watch(data: &Path, station: &Arc<Station>) -> std::io::Result<()> {
    let (data, station) = (data.to_path_buf(), Arc::downgrade(station));
    std::thread::Builder::new()
        .name("roster".into())
        .spawn(move || {
            let mut seen = None;
            loop {
                let Some(station) = station.upgrade() else { return };
                look(&data, &station, &mut seen);
                drop(station);
                std::thread::sleep(LOOK_EVERY);
            }
        })
        .map(drop)
}

fn look(data: &Path, station: &Station, seen: &mut Option<(SystemTime, u64)>) {
    let Ok(metadata) = fs::metadata(roster_file(data)) else {
        return;
    };
    let now = metadata.modified().ok().map(|at| (at, metadata.len()));
    if now.is_some() && now == *seen {
        return;
    }
    match Home::read_roster(data).map(|(roster, _)| station.learn(&roster)) {
        Ok(Ok(newer)) => {
            if newer {
                tracing::info!("the roster was changed and is in use");
            }
            *seen = now;
        }
        Ok(Err(error)) => tracing::warn!(%error, "the roster was changed and cannot be used; the one before stays"),
        Err(error) => tracing::warn!(%error, "the roster was changed and cannot be read; the one before stays"),
    }
}
