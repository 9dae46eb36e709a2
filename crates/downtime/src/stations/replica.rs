//! What one station holds of everybody's records, and what it says about that to others: the state that is replicated.
//!
//! Time, messages and the disk come in, answers and questions go out; there is no clock, no socket and no thread in here, so a
//! simulator can run a hospital of these in one thread. Records are received durably before anything here counts them; only then
//! a receipt is signed. What an entry says is sealed and nobody's matter here.
//!
//! A set union: nothing is ever removed, a repeated delivery is harmless, and every record is checked against its own station's
//! key whoever delivers it. Rules and layouts: `docs/formats/replication.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use rand_core::CryptoRng;
use vault::files::Files;
use vault::journal::{Damage, Header, Incarnation, Place, PlacedLog, PlacedReader, Record, StartFault, Stations};
use vault::keys::StationSecret;
use vault::receipt::{Holding, Receipt};
use vault::{HospitalId, IncarnationId, StationId};

mod answer;
mod chains;
mod frames;
mod levels;
mod mutants;
mod quota;
mod receipts;
mod talk;
mod visit;

pub use chains::{ChainName, Lies, Log};
pub use levels::{Fork, Kept};
pub use mutants::Mutant;
#[cfg(feature = "mutants")]
pub use mutants::with_mutant;
pub use quota::RECORDS_A_DAY;
pub use talk::{Answer, Ask, Give, Head, Hello, MAX_MESSAGE, Records, Since, Told, Want};
pub use visit::{Peer, Step, Summary, Visit};

use chains::{Chains, Offered};
use frames::Frames;
use mutants::mutated;
use quota::Quota;
use receipts::{Receipts, Received};

use super::parcel::{Bytes, MAX_PARCEL, ParcelFault};
use crate::view::Order;

/// Bytes of records in one message: four seconds at 2 Mbit/s.
const ROOM: usize = 1 << 20;

/// What a replica is started with.
pub struct ReplicaStart<'a> {
    /// The file port.
    pub files: Arc<dyn Files>,
    /// Directory in which `journal/`, `peers/` and `receipts/` lie.
    pub data: &'a Path,
    /// The hospital.
    pub hospital: HospitalId,
    /// This station.
    pub station: StationId,
    /// Signs receipts.
    pub secret: Arc<StationSecret>,
    /// Whose records and receipts are believed.
    pub stations: Stations,
}

/// Everything a station holds.
pub struct Replica {
    hospital: HospitalId,
    station: StationId,
    secret: Arc<StationSecret>,
    files: Arc<dyn Files>,
    own_dir: PathBuf,
    heard_dir: PathBuf,
    life: [u8; 8],
    /// Held while received records are made durable, so that no two deliveries of one record are written twice.
    log: Mutex<PlacedLog>,
    kept: Mutex<Frames>,
    core: RwLock<Core>,
}

/// What is in memory.
#[derive(Default)]
struct Core {
    stations: Arc<Stations>,
    chains: Chains,
    receipts: Receipts,
    quota: Quota,
    /// Stations whose records were refused because there were too many.
    over_quota: BTreeSet<[u8; 16]>,
}

/// What a delivery brought.
#[derive(Debug, Default)]
pub struct Taken {
    /// Records that are here now and were not before.
    pub fresh: Vec<Record>,
    /// Records that were not taken: unknown station, wrong signature, too many of one day.
    pub refused: usize,
}

/// What others hold of this station's own journal, as its receipts tell before it is started: whether its chain can go on.
#[must_use]
pub fn incarnation(start: &ReplicaStart<'_>, own: impl FnOnce() -> Vec<Record>) -> Incarnation {
    let (_, frames) = Frames::open(Arc::clone(&start.files), &start.data.join("receipts"), "receipts");
    if frames.is_empty() {
        return Incarnation::Continue;
    }
    let own = own();
    let lost = frames
        .iter()
        .filter_map(|frame| Receipt::from_bytes(frame).ok())
        .any(|receipt| {
            let claim = receipt.claim();
            let mine = claim.station == start.station && claim.hospital == start.hospital;
            let signed = start
                .stations
                .get(&claim.holder)
                .is_some_and(|holder| receipt.verify(holder).is_ok());
            let here = own.iter().any(|record| {
                let header = record.header();
                header.incarnation == claim.incarnation && header.seq == claim.n && *record.id() == claim.head
            });
            // Only the chain that would go on matters.
            let newest = own
                .last()
                .is_none_or(|last| last.header().incarnation == claim.incarnation);
            mine && signed && newest && !here
        });
    if lost {
        tracing::error!("★ others hold records of this station that it has not itself: another chain begins");
        Incarnation::New
    } else {
        Incarnation::Continue
    }
}

impl Replica {
    /// Takes up `own`, the journal's records as they were found when it was started, its key record included, then reads what
    /// others sent, and the receipts. `each` sees every received record once.
    ///
    /// # Errors
    /// [`StartFault`].
    pub fn start<'r>(
        start: &ReplicaStart<'_>,
        own: impl IntoIterator<Item = (&'r Record, Place)>,
        rng: &mut (impl CryptoRng + ?Sized),
        each: &mut dyn FnMut(&Record),
    ) -> Result<(Self, Vec<Damage>), StartFault> {
        let heard_dir = start.data.join("peers");
        let mut core = Core {
            stations: Arc::new(start.stations.clone()),
            ..Core::default()
        };
        // First, so that of two branches of this station's own chain the one it goes on with makes the row.
        for (record, place) in own {
            core.chains.take(record, Lies { log: Log::Own, place });
        }
        let (log, damage) = PlacedLog::start(
            Arc::clone(&start.files),
            &heard_dir,
            &start.hospital,
            &start.station,
            &start.stations,
            &mut |record, place| {
                let lies = Lies { log: Log::Heard, place };
                if core.chains.take(&record, lies) != Offered::Known {
                    core.quota.take(&record);
                    each(&record);
                }
            },
        )?;
        let (kept, frames) = Frames::open(Arc::clone(&start.files), &start.data.join("receipts"), "receipts");
        for receipt in frames.iter().filter_map(|frame| Receipt::from_bytes(frame).ok()) {
            core.hear(receipt, &start.hospital, &start.station);
        }
        let mut life = [0; 8];
        rng.fill_bytes(&mut life);
        let replica = Self {
            hospital: start.hospital,
            station: start.station,
            secret: Arc::clone(&start.secret),
            files: Arc::clone(&start.files),
            own_dir: start.data.join("journal"),
            heard_dir,
            life,
            log: Mutex::new(log),
            kept: Mutex::new(kept),
            core: RwLock::new(core),
        };
        Ok((replica, damage))
    }

    fn core(&self) -> RwLockReadGuard<'_, Core> {
        self.core.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut Core) -> T) -> T {
        change(&mut self.core.write().unwrap_or_else(PoisonError::into_inner))
    }

    fn log(&self) -> MutexGuard<'_, PlacedLog> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records of this station's own journal that are durable.
    pub fn own<'r>(&self, records: impl IntoIterator<Item = (&'r Record, Place)>) {
        self.change(|core| {
            for (record, place) in records {
                core.chains.take(record, Lies { log: Log::Own, place });
            }
            core.receipts.look_again(&core.chains);
        });
    }

    /// From now on these stations are believed, too. A station that was once enrolled stays believed: what it signed counts.
    pub fn enrol(&self, stations: &Stations) {
        if stations
            .keys()
            .all(|station| self.core().stations.contains_key(station))
        {
            return;
        }
        self.change(|core| {
            let mut all = Stations::clone(&core.stations);
            all.extend(stations.iter().map(|(station, public)| (*station, *public)));
            core.stations = Arc::new(all);
        });
    }

    /// Takes records: each checked, made durable, and only then counted.
    ///
    /// # Errors
    /// [`ParcelFault::NotSaved`]: nothing of it counts; the sender must keep them. What does not verify is left out and logged.
    pub fn take(&self, records: &[Bytes]) -> Result<Taken, ParcelFault> {
        let mut log = self.log();
        let mut taken = Taken::default();
        let mut seen = BTreeSet::new();
        // Without the lock: whoever saves something meanwhile must not wait for signatures.
        let stations = Arc::clone(&self.core().stations);
        for bytes in records {
            match Record::parse_verified(&bytes.0, &stations) {
                Ok(record) if record.header().hospital != self.hospital => taken.refused += 1,
                Ok(record) if !seen.insert(*record.id()) => {}
                Ok(record) => taken.fresh.push(record),
                Err(refused) => {
                    tracing::warn!(%refused, "a record from another station was refused");
                    taken.refused += 1;
                }
            }
        }
        {
            let core = self.core();
            taken.fresh.retain(|record| !core.chains.holds(record));
        }
        taken.refused += self.change(|core| core.within_quota(&mut taken.fresh));
        if taken.fresh.is_empty() {
            return Ok(taken);
        }
        let saved = log.append(&taken.fresh);
        match saved {
            Ok(places) => {
                self.change(|core| {
                    for (record, place) in taken.fresh.iter().zip(places) {
                        let offered = core.chains.take(record, Lies { log: Log::Heard, place });
                        if offered == Offered::Forked {
                            tracing::error!(station = %record.header().station, seq = record.header().seq,
                                "★ two different records have one number and both are signed: both are kept");
                        }
                    }
                    core.receipts.look_again(&core.chains);
                });
                Ok(taken)
            }
            Err(fault) => {
                self.change(|core| taken.fresh.iter().for_each(|record| core.quota.give_back(record)));
                Err(fault.into())
            }
        }
    }

    /// Takes receipts that others signed for this station's chains, and keeps what is new. Gives how many were.
    pub fn hear_receipts(&self, receipts: impl IntoIterator<Item = Receipt>) -> usize {
        let mut news = Vec::new();
        self.change(|core| {
            for receipt in receipts {
                match core.hear(receipt, &self.hospital, &self.station) {
                    Received::News => news.push(receipt.to_bytes()),
                    Received::Nothing => {}
                    Received::Refused => tracing::warn!("a receipt was refused: not for here, or not signed"),
                    Received::Ahead | Received::Contradicts => {
                        tracing::warn!("a receipt does not fit this station's own journal; it is kept");
                        news.push(receipt.to_bytes());
                    }
                }
            }
        });
        if !news.is_empty() {
            let everything = || self.core().receipts.all().map(Receipt::to_bytes).collect();
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(error) = kept.keep(&news, everything) {
                // It counts in this life; after the next start its holder is asked again.
                tracing::warn!(%error, "receipts could not be kept");
            }
        }
        news.len()
    }

    /// Receipts that this station can sign for what it holds of another's chains, if any has grown since.
    fn receipts_for(&self, station: &[u8; 16], since: u64, now: i64) -> Vec<Bytes> {
        let core = self.core();
        let grown = core.chains.of_station(station).filter(|(_, grown)| *grown > since);
        let ends = grown.flat_map(|(name, _)| core.chains.ends(&name).into_iter().map(move |end| (name, end)));
        let holding = |((station, incarnation), (n, head)): (ChainName, (u64, [u8; 32]))| Holding {
            hospital: self.hospital,
            holder: self.station,
            station: StationId(station),
            incarnation: IncarnationId(incarnation),
            n,
            head,
            time: now,
        };
        let ends = ends.take(talk::MAX_RECEIPTS);
        ends.map(|end| Bytes(holding(end).sign(&self.secret).to_bytes()))
            .collect()
    }

    /// Every receipt this station can sign for one other station: for carrying by hand.
    #[must_use]
    pub fn all_receipts_for(&self, station: &StationId, now: i64) -> Vec<Receipt> {
        let all = self.receipts_for(station.as_bytes(), 0, now);
        all.iter()
            .filter_map(|bytes| Receipt::from_bytes(&bytes.0).ok())
            .collect()
    }

    /// How far every chain is here.
    #[must_use]
    pub fn heads(&self) -> Vec<Head> {
        self.core().chains.heads(None)
    }

    /// Records that somebody with these heads lacks, at most one parcel full, and whether there are more. A chain that is not
    /// named is lacked as a whole.
    #[must_use]
    pub fn missing(&self, theirs: &[Head]) -> (Vec<Bytes>, bool) {
        let have: BTreeMap<ChainName, &Head> = theirs.iter().map(|head| (head.chain(), head)).collect();
        let wanted: Vec<(ChainName, u64)> = {
            let core = self.core();
            let lacked = |head: Head| {
                let Some(theirs) = have.get(&head.chain()) else {
                    return Some((head.chain(), 0));
                };
                // What waits behind a gap here may be nowhere else: equal rows say nothing about it, unequal sums do.
                let waits = theirs.sum != head.sum && core.chains.waits_behind(&head.chain(), theirs.seq);
                (head.seq > theirs.seq || waits).then_some((head.chain(), theirs.seq))
            };
            core.chains.heads(None).into_iter().filter_map(lacked).collect()
        };
        let (records, cut) = self.behind(&wanted, MAX_PARCEL);
        (records, cut.is_some())
    }

    /// The bytes of records behind these numbers of these chains, and which of the chains no longer fits as a whole.
    fn behind(&self, wanted: &[(ChainName, u64)], mut room: usize) -> (Vec<Bytes>, Option<usize>) {
        let (mut lie, mut cut) = (Vec::new(), None);
        {
            let core = self.core();
            for (at, (name, seq)) in wanted.iter().enumerate() {
                let (some, rest) = core.chains.behind(name, *seq, &mut room);
                lie.extend(some);
                if rest {
                    cut = Some(at);
                    break;
                }
            }
        }
        let mut reader = self.reader();
        let mut records = Vec::with_capacity(lie.len());
        for lies in lie {
            match reader.read(lies) {
                Ok(record) => records.push(Bytes(record.bytes().to_vec())),
                Err(error) => tracing::error!(%error, "a record that lies here cannot be read back"),
            }
        }
        (records, cut)
    }

    /// A reader of the records here.
    #[must_use]
    pub fn reader(&self) -> Reader {
        Reader {
            own: PlacedReader::new(Arc::clone(&self.files), &self.own_dir),
            heard: PlacedReader::new(Arc::clone(&self.files), &self.heard_dir),
        }
    }

    /// Where everything lies, in no order; key records left out. In their own order the newest arrivals stand last, this station's own
    /// before all.
    #[must_use]
    pub fn all(&self) -> Vec<Lies> {
        self.core().chains.all()
    }

    /// Where this station's own entries lie, also those that came back from others.
    #[must_use]
    pub fn mine(&self) -> Vec<Lies> {
        let core = self.core();
        let own = core.chains.of_station(self.station.as_bytes());
        let mut room = if mutated(Mutant::NumbersForgotten) {
            0
        } else {
            usize::MAX
        };
        own.flat_map(|(name, _)| core.chains.behind(&name, 0, &mut room).0)
            .collect()
    }

    /// Where the key record lies that goes with a record.
    #[must_use]
    pub fn key_of(&self, header: &Header) -> Option<Lies> {
        self.core().chains.key_of(header)
    }

    /// The record of this name at a place in the order of all entries.
    #[must_use]
    pub fn find(&self, order: &Order, id: &[u8; 32]) -> Option<Record> {
        let chain = (order.station, order.incarnation);
        // Both of two records with one number, where a journal contradicts itself.
        let mut room = 3 * vault::journal::MAX_RECORD;
        let (lie, _) = self.core().chains.behind(&chain, order.seq.checked_sub(1)?, &mut room);
        let mut reader = self.reader();
        let mut read = lie.into_iter().filter_map(|lies| reader.read(lies).ok());
        read.find(|record| record.id() == id)
    }

    /// How many records are here.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.core().chains.len()
    }

    /// Whether nothing is here.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Core {
    fn hear(&mut self, receipt: Receipt, hospital: &HospitalId, me: &StationId) -> Received {
        self.receipts.offer(receipt, hospital, me, &self.stations, &self.chains)
    }

    /// Whether another's row of a chain goes another way than the one here.
    fn contradicts(&self, mine: &Head, theirs: &Head) -> bool {
        let differs = |id: [u8; 32]| self.chains.agrees(&mine.chain(), theirs.seq, &id) == Some(false);
        theirs.seq <= mine.seq && theirs.id.is_some_and(differs)
    }

    /// Leaves out what is beyond its station's share of a day; gives how many.
    fn within_quota(&mut self, fresh: &mut Vec<Record>) -> usize {
        let before = fresh.len();
        let (quota, over) = (&mut self.quota, &mut self.over_quota);
        fresh.retain(|record| {
            let fits = quota.take(record);
            if !fits && over.insert(*record.header().station.as_bytes()) {
                tracing::error!(station = %record.header().station,
                    "★ a station sent more records of one day than anybody writes: the rest is not taken");
            }
            fits
        });
        before - fresh.len()
    }
}

/// Reads records by where they lie.
pub struct Reader {
    own: PlacedReader,
    heard: PlacedReader,
}

impl Reader {
    /// The record there.
    ///
    /// # Errors
    /// What the device says.
    pub fn read(&mut self, lies: Lies) -> io::Result<Record> {
        match lies.log {
            Log::Own => self.own.read(lies.place),
            Log::Heard => self.heard.read(lies.place),
        }
    }
}
