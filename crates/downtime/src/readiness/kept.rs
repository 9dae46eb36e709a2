//! The receipts that a station holds, durably: of every enrolled station the newest and the newest good one, and how its last days were.
//!
//! Only what an enrolled station signed gets in, whoever brings it; an older receipt never takes a newer one's place; one from the future
//! stands beside the others, or a clock that was wrong for a minute would silence its station for a year. Files `receipts.0000000001`
//! and so on: frames are appended and synced together; a file that has grown, or that failed, is followed by a new one with everything.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chart::{Moment, StationCode};
use minicbor::{Decode, Encode};
use sha2::{Digest, Sha256};
use vault::files::{DurableFile, Files};

use super::Light;
use super::fleet::{AHEAD_SECONDS, Member};
use super::receipt::{Holds, NotBelieved, Receipt, Signed};
use crate::identity::Roster;

/// A file longer than this is followed by a new one: some hours of a thousand stations.
const FULL: u64 = 16 << 20;
/// Longest file read back.
const MAX_FILE: u64 = 128 << 20;
/// Days of which something is remembered.
pub const DAYS: usize = 14;
const CHECK: usize = 8;

/// How one station's receipts were on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct DayLine {
    /// The day, as [`Moment::day_number`].
    #[n(0)]
    pub day: i64,
    /// Receipts taken.
    #[n(1)]
    pub receipts: u32,
    /// Of them, good ones.
    #[n(2)]
    pub good: u32,
    /// The first.
    #[n(3)]
    pub first: Moment,
    /// The last.
    #[n(4)]
    pub last: Moment,
    /// Number of the sentence of the worst point seen, where one was not good.
    #[n(5)]
    pub worst: Option<u8>,
}

/// What is held of one station.
#[derive(Debug, Clone, Default)]
pub struct OfStation {
    /// The newest receipt that is believed.
    pub newest: Option<(Receipt, Signed)>,
    /// The newest good one.
    pub good: Option<(Receipt, Signed)>,
    /// A signed one from the future, as long as no newer one is believed.
    pub future: Option<Moment>,
    /// Its last days, the oldest first.
    pub days: Vec<DayLine>,
}

/// The receipts a station holds.
pub struct Kept {
    files: Arc<dyn Files>,
    dir: PathBuf,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    stations: BTreeMap<[u8; 16], OfStation>,
    open: Option<(Box<dyn DurableFile>, u64)>,
    next: u64,
}

#[derive(Encode, Decode)]
struct Days {
    #[cbor(n(0), with = "minicbor::bytes")]
    station: [u8; 16],
    #[n(1)]
    days: Vec<DayLine>,
}

const RECEIPT: u8 = 1;
const GOOD: u8 = 2;
const DAYS_OF: u8 = 3;

impl Kept {
    /// Reads what earlier lives held. A file that cannot be read is left and said: its stations are heard again within the hour.
    pub fn open(files: Arc<dyn Files>, dir: &Path, roster: &Roster) -> Self {
        let mut inner = Inner {
            next: 1,
            ..Inner::default()
        };
        for number in numbers(&*files, dir) {
            inner.next = number.saturating_add(1);
            match read(&*files, &dir.join(name(number))) {
                Ok(bytes) => inner.replay(&bytes, roster),
                Err(error) => tracing::warn!(%error, number, "a file of readiness receipts cannot be read"),
            }
        }
        Self {
            files,
            dir: dir.to_path_buf(),
            inner: Mutex::new(inner),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes receipts, whoever brings them; those that are new are durable when this returns. Gives how many were new.
    ///
    /// # Errors
    /// When the disk does not take them: they still count as long as this program runs, and whoever sent them sends them again.
    pub fn take(&self, all: &[Signed], roster: &Roster, now: Moment) -> io::Result<usize> {
        let mut inner = self.inner();
        let mut bytes = Vec::new();
        let (mut new, mut refused) = (0, None);
        for signed in all {
            match inner.take(signed, roster, now) {
                Ok(()) => {
                    new += 1;
                    frame(&mut bytes, RECEIPT, &signed.to_bytes());
                }
                Err(NotBelieved::Older) => {}
                Err(why) => refused = Some(why),
            }
        }
        // One line for a bundle: whoever sends nonsense must not fill the log.
        if let Some(why) = refused {
            tracing::warn!(%why, of = all.len(), "readiness receipts were not taken");
        }
        if new > 0 {
            self.keep(&mut inner, &bytes)?;
        }
        Ok(new)
    }

    /// What is held of one station.
    #[must_use]
    pub fn of(&self, station: &[u8; 16]) -> OfStation {
        self.inner().stations.get(station).cloned().unwrap_or_default()
    }

    /// The newest receipts of all stations, for passing on; only those newer than `than` names for their station.
    #[must_use]
    pub fn newer(&self, than: &BTreeMap<[u8; 16], Moment>) -> Vec<Signed> {
        let inner = self.inner();
        let newest = inner.stations.values().filter_map(|of| of.newest.as_ref());
        let wanted = newest.filter(|(receipt, _)| than.get(&receipt.station).is_none_or(|at| receipt.at > *at));
        wanted.map(|(_, signed)| signed.clone()).collect()
    }

    /// Calls `see` with everything, by station.
    pub fn read<T>(&self, see: impl FnOnce(&BTreeMap<[u8; 16], OfStation>) -> T) -> T {
        see(&self.inner().stations)
    }

    fn keep(&self, inner: &mut Inner, bytes: &[u8]) -> io::Result<()> {
        if let Some((mut file, len)) = inner.open.take().filter(|(_, len)| *len < FULL)
            && file.write_all(bytes).and_then(|()| file.sync()).is_ok()
        {
            inner.open = Some((file, len + bytes.len() as u64));
            return Ok(());
        }
        self.begin(inner)
    }

    /// A new file with everything; the ones before go when it is durable.
    fn begin(&self, inner: &mut Inner) -> io::Result<()> {
        let before = numbers(&*self.files, &self.dir);
        let number = inner.next;
        inner.next = number.saturating_add(1);
        let mut bytes = Vec::new();
        for (station, of) in &inner.stations {
            let days = Days {
                station: *station,
                days: of.days.clone(),
            };
            if let Some((_, good)) = &of.good {
                frame(&mut bytes, GOOD, &good.to_bytes());
            }
            if let Some((_, newest)) = &of.newest {
                frame(&mut bytes, GOOD, &newest.to_bytes());
            }
            // Behind the receipts: they were counted into the days already.
            frame(&mut bytes, DAYS_OF, &minicbor::to_vec(&days).unwrap_or_default());
        }
        self.files.create_dir(&self.dir)?;
        let mut file = self.files.create_new(&self.dir.join(name(number)))?;
        file.write_all(&bytes)?;
        file.sync()?;
        self.files.sync_dir(&self.dir)?;
        for old in before {
            // One that stays is read again at the next start and changes nothing.
            let _ = self.files.remove(&self.dir.join(name(old)));
        }
        inner.open = Some((file, bytes.len() as u64));
        Ok(())
    }
}

/// The receipt, if an enrolled station that is not retired signed it.
///
/// # Errors
/// [`NotBelieved`].
pub fn believed(signed: &Signed, roster: &Roster) -> Result<Receipt, NotBelieved> {
    let claim = signed.claim()?;
    let enrolled = roster.station(claim.code).filter(|enrolled| !enrolled.retired);
    let enrolled = enrolled.ok_or(NotBelieved::NotEnrolled)?;
    let public = enrolled.public().map_err(|_| NotBelieved::NotEnrolled)?;
    signed.verify(&roster.station_id(claim.code), claim.code, &public)
}

/// Every station of a roster that is not retired, with what is held of it.
pub fn members<'a>(roster: &'a Roster, held: &'a BTreeMap<[u8; 16], OfStation>) -> Vec<Member<'a>> {
    let enrolled = roster.stations.iter().filter(|enrolled| !enrolled.retired);
    let member = |enrolled: &'a crate::identity::Enrolled| {
        let of = held.get(roster.station_id(enrolled.code).as_bytes());
        Member {
            code: enrolled.code,
            hub: enrolled.hub,
            wards: &enrolled.wards,
            departments: &enrolled.departments,
            receipt: of.and_then(|of| of.newest.as_ref()).map(|(receipt, _)| receipt),
            good: of.and_then(|of| of.good.as_ref()).map(|(receipt, _)| receipt.at),
            future: of.and_then(|of| of.future),
        }
    };
    enrolled.map(member).collect()
}

/// The newest snapshot that a believed receipt of a hub is for.
#[must_use]
pub fn newest_of_hubs(members: &[Member<'_>]) -> Option<Holds> {
    newest(members.iter().filter(|member| member.hub))
}

/// The same for whoever has no shelf of its own: of a roster that marks no hub, any station's receipt counts.
#[must_use]
pub fn newest_known(members: &[Member<'_>]) -> Option<Holds> {
    if members.iter().any(|member| member.hub) {
        newest_of_hubs(members)
    } else {
        newest(members.iter())
    }
}

fn newest<'m, 'r: 'm>(members: impl Iterator<Item = &'m Member<'r>>) -> Option<Holds> {
    members
        .filter_map(|member| member.receipt?.holds)
        .max_by_key(|holds| (holds.epoch, holds.delta))
}

/// The code of a station by its name in the vault, as a roster has it.
#[must_use]
pub fn code_of(roster: &Roster, station: &[u8; 16]) -> Option<StationCode> {
    let same = |code: &StationCode| roster.station_id(*code).as_bytes() == station;
    roster.stations.iter().map(|enrolled| enrolled.code).find(same)
}

impl Inner {
    fn take(&mut self, signed: &Signed, roster: &Roster, now: Moment) -> Result<(), NotBelieved> {
        let receipt = believed(signed, roster)?;
        let of = self.stations.entry(receipt.station).or_default();
        if receipt.at.0 > now.0.saturating_add(AHEAD_SECONDS) {
            of.future = Some(receipt.at);
            return Err(NotBelieved::FromTheFuture);
        }
        if of.newest.as_ref().is_some_and(|(held, _)| held.at >= receipt.at) {
            return Err(NotBelieved::Older);
        }
        of.future = None;
        of.count(&receipt);
        of.put(receipt, signed.clone());
        Ok(())
    }

    fn replay(&mut self, mut bytes: &[u8], roster: &Roster) {
        while let Some((kind, body, rest)) = next_frame(bytes) {
            bytes = rest;
            if kind == DAYS_OF {
                if let Ok(days) = minicbor::decode::<Days>(body) {
                    self.stations.entry(days.station).or_default().days = days.days;
                }
                continue;
            }
            let Ok(signed) = Signed::from_bytes(body) else { continue };
            let Ok(receipt) = believed(&signed, roster) else {
                continue;
            };
            let of = self.stations.entry(receipt.station).or_default();
            if of.newest.as_ref().is_some_and(|(held, _)| held.at >= receipt.at) {
                continue;
            }
            if kind == RECEIPT {
                of.count(&receipt);
            }
            of.put(receipt, signed);
        }
    }
}

impl OfStation {
    fn put(&mut self, receipt: Receipt, signed: Signed) {
        if receipt.is_good() {
            self.good = Some((receipt.clone(), signed.clone()));
        }
        self.newest = Some((receipt, signed));
    }

    fn count(&mut self, receipt: &Receipt) {
        let day = receipt.at.day_number();
        let good = receipt.is_good();
        let worst = receipt.worst().filter(|point| !good && point.light() > Light::Care);
        let worst = worst.and_then(|point| point.why()).map(super::receipt::Why::code);
        match self.days.iter_mut().find(|line| line.day == day) {
            Some(line) => {
                line.receipts = line.receipts.saturating_add(1);
                line.good = line.good.saturating_add(u32::from(good));
                line.last = receipt.at;
                line.worst = worst.or(line.worst);
            }
            None => self.days.push(DayLine {
                day,
                receipts: 1,
                good: u32::from(good),
                first: receipt.at,
                last: receipt.at,
                worst,
            }),
        }
        let more = self.days.len().saturating_sub(DAYS);
        self.days.drain(..more);
    }
}

fn frame(out: &mut Vec<u8>, kind: u8, body: &[u8]) {
    out.extend_from_slice(&u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.push(kind);
    out.extend_from_slice(body);
    out.extend_from_slice(&check(kind, body));
}

/// Says whether a frame was written whole; who wrote it, the signatures inside say.
fn check(kind: u8, body: &[u8]) -> [u8; CHECK] {
    let digest: [u8; 32] = Sha256::new().chain_update([kind]).chain_update(body).finalize().into();
    let mut out = [0; CHECK];
    out.copy_from_slice(digest.split_at(CHECK).0);
    out
}

fn next_frame(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (len, rest) = bytes.split_first_chunk::<4>()?;
    let (kind, rest) = rest.split_first()?;
    let (body, rest) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*len)).ok()?)?;
    let (found, rest) = rest.split_first_chunk::<CHECK>()?;
    (*found == check(*kind, body)).then_some((*kind, body, rest))
}

fn name(number: u64) -> String {
    format!("receipts.{number:010}")
}

fn numbers(files: &dyn Files, dir: &Path) -> Vec<u64> {
    let names = files.list(dir).unwrap_or_default();
    let number = |n: &String| {
        n.strip_prefix("receipts.")?
            .parse()
            .ok()
            .filter(|number| name(*number) == *n)
    };
    let mut numbers: Vec<u64> = names.iter().filter_map(number).collect();
    numbers.sort_unstable();
    numbers
}

fn read(files: &dyn Files, path: &Path) -> io::Result<Vec<u8>> {
    let source = files.open(path)?;
    let size = source.size()?.min(MAX_FILE);
    let mut bytes = vec![0; usize::try_from(size).map_err(|_| io::ErrorKind::FileTooLarge)?];
    source.read_exact_at(0, &mut bytes)?;
    Ok(bytes)
}
