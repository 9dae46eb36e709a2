//! What this station remembers of other stations' audit logs and of its own, durably: the last checkpoint of each chain, and
//! every alarm that a chain which took something back has raised.
//!
//! Files `witness.0000000001` and so on: frames are appended and synced one by one; a file that has grown, or that failed, is followed
//! by a new one that begins with everything. What is remembered is on the disk before anybody hears that it was accepted.
//! Deciding what an alarm means is left to people.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chart::Moment;
use minicbor::{Decode, Encode};
use sha2::{Digest, Sha256};
use vault::checkpoint::{Accepted, Origin, SignedCheckpoint, Witness, WitnessFault};
use vault::files::{DurableFile, Files};
use vault::keys::StationPublic;
use vault::tree::Hash;
use vault::{HospitalId, IncarnationId, StationId};

/// A file longer than this is followed by a new one.
const FULL: u64 = 4 << 20;
/// Longest file read back.
const MAX_FILE: u64 = 64 << 20;
/// Most alarms kept.
const MAX_ALARMS: usize = 10_000;
const CHECK: usize = 8;

/// A log that took something back, and the proof.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Alarm {
    /// When it was noticed, by this station's clock.
    #[n(0)]
    pub at: Moment,
    /// Whose log.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub station: [u8; 16],
    /// Which chain of it.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub incarnation: [u8; 8],
    /// What happened to it.
    #[n(3)]
    pub kind: AlarmKind,
    /// Records remembered.
    #[n(4)]
    pub seen: u64,
    /// Records shown now.
    #[n(5)]
    pub shown: u64,
    /// The two signed checkpoints that contradict each other, as text; the second is empty where nothing was shown.
    #[n(6)]
    pub before: String,
    /// The second one.
    #[n(7)]
    pub now: String,
}

/// How a log fails to continue what was remembered of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum AlarmKind {
    /// 短くなった
    #[n(0)]
    Shorter,
    /// 同じ長さで中身が違う
    #[n(1)]
    Forked,
    /// 続きであることを示せない
    #[n(2)]
    NotProven,
    /// なくなった
    #[n(3)]
    Vanished,
}

/// An alarm as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raised {
    /// Its name.
    pub id: [u8; 32],
    /// What it says.
    pub alarm: Alarm,
    /// Who settled it, when and with what words; nothing while it is open.
    pub settled: Option<Settled>,
}

/// Somebody looked into an alarm.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Settled {
    /// The alarm.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub id: [u8; 32],
    /// 職員番号
    #[n(1)]
    pub by: String,
    /// When.
    #[n(2)]
    pub at: Moment,
    /// What was found.
    #[n(3)]
    pub note: String,
}

/// Why a checkpoint was not accepted.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotAccepted {
    /// It does not continue what is remembered.
    #[error(transparent)]
    Refused(#[from] WitnessFault),
    /// It does, but the disk did not take it.
    #[error("what was seen of a log could not be kept: {0}")]
    NotKept(io::Error),
}

/// The memory.
pub(super) struct Witnesses {
    files: Arc<dyn Files>,
    dir: PathBuf,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    witness: Witness,
    alarms: BTreeMap<[u8; 32], Raised>,
    open: Option<(Box<dyn DurableFile>, u64)>,
    next: u64,
}

enum Frame<'a> {
    Checkpoint(&'a SignedCheckpoint),
    Alarm(&'a Alarm),
    Settled(&'a Settled),
}

impl Witnesses {
    /// Reads what earlier lives remembered. A file that cannot be read is left and said; what it held is seen again at the
    /// next visit of its station.
    pub(super) fn open(files: Arc<dyn Files>, dir: &Path, hospital: &HospitalId) -> Self {
        let mut inner = Inner {
            next: 1,
            ..Inner::default()
        };
        for number in numbers(&*files, dir) {
            inner.next = number.saturating_add(1);
            match read(&*files, &dir.join(name(number))) {
                Ok(bytes) => inner.replay(&bytes, hospital),
                Err(error) => tracing::warn!(%error, number, "a file of remembered checkpoints cannot be read"),
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

    /// The last checkpoint of one chain.
    pub(super) fn seen(&self, origin: &Origin) -> Option<SignedCheckpoint> {
        self.inner().witness.seen(origin).copied()
    }

    /// The last checkpoint of every chain of one station.
    pub(super) fn of_station(&self, station: &StationId) -> Vec<SignedCheckpoint> {
        let inner = self.inner();
        let all = inner.witness.all().filter(|c| c.claim().origin.station == *station);
        all.copied().collect()
    }

    /// The last checkpoint of every chain.
    pub(super) fn all(&self) -> Vec<SignedCheckpoint> {
        self.inner().witness.all().copied().collect()
    }

    /// Accepts a checkpoint that continues what is remembered, and makes it durable.
    pub(super) fn accept(
        &self,
        shown: &SignedCheckpoint,
        station: &StationPublic,
        proof: &[Hash],
    ) -> Result<Accepted, NotAccepted> {
        let mut inner = self.inner();
        let accepted = inner.witness.accept(shown, station, proof)?;
        if accepted != Accepted::Unchanged {
            self.keep(&mut inner, &Frame::Checkpoint(shown))
                .map_err(NotAccepted::NotKept)?;
        }
        Ok(accepted)
    }

    /// Takes over what another witness remembers of this station's own log: it cannot be proven here, and that is the point.
    pub(super) fn remember(&self, checkpoint: &SignedCheckpoint) -> io::Result<()> {
        let mut inner = self.inner();
        inner.witness.remember(*checkpoint);
        self.keep(&mut inner, &Frame::Checkpoint(checkpoint))
    }

    /// Raises an alarm; true when it is new. While one about a chain is open, or about the same remembered checkpoint settled,
    /// another says nothing more.
    pub(super) fn raise(&self, alarm: Alarm) -> bool {
        let mut inner = self.inner();
        let same = |r: &Raised| {
            let a = &r.alarm;
            let chain = (a.station, a.incarnation) == (alarm.station, alarm.incarnation);
            chain && (r.settled.is_none() || a.before == alarm.before)
        };
        if inner.alarms.values().any(same) || inner.alarms.len() >= MAX_ALARMS {
            return false;
        }
        if let Err(error) = self.keep(&mut inner, &Frame::Alarm(&alarm)) {
            tracing::error!(%error, "an alarm about an audit log could not be kept; it holds until this program ends");
        }
        inner.add(alarm);
        true
    }

    /// Notes that somebody looked into an alarm; false for an alarm that is not here.
    pub(super) fn settle(&self, settled: Settled) -> io::Result<bool> {
        let mut inner = self.inner();
        if !inner.alarms.contains_key(&settled.id) {
            return Ok(false);
        }
        self.keep(&mut inner, &Frame::Settled(&settled))?;
        if let Some(raised) = inner.alarms.get_mut(&settled.id) {
            raised.settled = Some(settled);
        }
        Ok(true)
    }

    /// Every alarm.
    pub(super) fn alarms(&self) -> Vec<Raised> {
        self.inner().alarms.values().cloned().collect()
    }

    /// How many alarms nobody has settled.
    pub(super) fn open_alarms(&self) -> usize {
        self.inner()
            .alarms
            .values()
            .filter(|raised| raised.settled.is_none())
            .count()
    }

    fn keep(&self, inner: &mut Inner, frame: &Frame<'_>) -> io::Result<()> {
        if let Some((mut file, len)) = inner.open.take().filter(|(_, len)| *len < FULL) {
            let bytes = frame.bytes();
            if file.write_all(&bytes).and_then(|()| file.sync()).is_ok() {
                inner.open = Some((file, len + bytes.len() as u64));
                return Ok(());
            }
        }
        self.begin(inner, frame)
    }

    /// A new file with everything; the ones before go when it is durable.
    fn begin(&self, inner: &mut Inner, frame: &Frame<'_>) -> io::Result<()> {
        let before = numbers(&*self.files, &self.dir);
        let number = inner.next;
        inner.next = number.saturating_add(1);
        let mut bytes: Vec<u8> = inner.witness.all().flat_map(|c| Frame::Checkpoint(c).bytes()).collect();
        for raised in inner.alarms.values() {
            bytes.extend(Frame::Alarm(&raised.alarm).bytes());
            bytes.extend(
                raised
                    .settled
                    .iter()
                    .flat_map(|settled| Frame::Settled(settled).bytes()),
            );
        }
        bytes.extend(frame.bytes());
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

impl Inner {
    fn add(&mut self, alarm: Alarm) {
        let id = Sha256::digest(minicbor::to_vec(&alarm).unwrap_or_default()).into();
        self.alarms.insert(
            id,
            Raised {
                id,
                alarm,
                settled: None,
            },
        );
    }

    fn replay(&mut self, mut bytes: &[u8], hospital: &HospitalId) {
        while let Some((kind, body, rest)) = next_frame(bytes) {
            bytes = rest;
            match kind {
                1 => {
                    if let Ok(checkpoint) = SignedCheckpoint::from_compact(body, hospital) {
                        let known = self.witness.seen(&checkpoint.claim().origin);
                        if known.is_none_or(|known| known.claim().size < checkpoint.claim().size) {
                            self.witness.remember(checkpoint);
                        }
                    }
                }
                2 => {
                    if let Ok(alarm) = minicbor::decode(body) {
                        self.add(alarm);
                    }
                }
                3 => {
                    if let Ok(settled) = minicbor::decode::<Settled>(body)
                        && let Some(raised) = self.alarms.get_mut(&settled.id)
                    {
                        raised.settled = Some(settled);
                    }
                }
                _ => {}
            }
        }
    }
}

impl Frame<'_> {
    fn bytes(&self) -> Vec<u8> {
        let (kind, body) = match self {
            Self::Checkpoint(checkpoint) => (1, checkpoint.to_compact()),
            Self::Alarm(alarm) => (2, minicbor::to_vec(alarm).unwrap_or_default()),
            Self::Settled(settled) => (3, minicbor::to_vec(settled).unwrap_or_default()),
        };
        let len = u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes();
        let check = check(kind, &body);
        [&len[..], &[kind], &body, &check].concat()
    }
}

/// Says whether a frame was written whole; who wrote it, the signatures inside say.
fn check(kind: u8, body: &[u8]) -> [u8; CHECK] {
    let digest: Hash = Sha256::new().chain_update([kind]).chain_update(body).finalize().into();
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
    format!("witness.{number:010}")
}

fn numbers(files: &dyn Files, dir: &Path) -> Vec<u64> {
    let names = files.list(dir).unwrap_or_default();
    let mut numbers: Vec<u64> = names
        .iter()
        .filter_map(|n| {
            n.strip_prefix("witness.")?
                .parse()
                .ok()
                .filter(|number| name(*number) == *n)
        })
        .collect();
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

/// The place of a chain in a checkpoint.
pub(super) fn origin(hospital: &HospitalId, (station, incarnation): (StationId, IncarnationId)) -> Origin {
    Origin {
        hospital: *hospital,
        station,
        incarnation,
    }
}
