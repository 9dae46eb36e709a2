//! The audit records a station holds: its own, those of its command-line tools, and what other stations sent. Held sealed,
//! carried blindly, opened only for who holds the audit role and forgotten when the last such person leaves.
//!
//! Over every chain lies a tree; what this station and others remember of it is `witness`'s matter, what stations say to each
//! other about it, `testimony`'s. Nothing is ever removed.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};

use chart::Moment;
use vault::checkpoint::{Accepted, Checkpoint, SignedCheckpoint};
use vault::files::Files;
use vault::journal::{Damage, DamageKind, Record, RecordLog, read_journal};
use vault::keys::{RoleSecret, StationSecret};
use vault::{HospitalId, StationId};

use super::held::Held;
use super::known::Known;
use super::log_state::LogState;
use super::witness::{self, Alarm, AlarmKind, NotAccepted, Settled, Witnesses};
use super::{Heads, Parcel, ParcelFault, Session, Station};
use crate::audit::{Book, ChainId, Deed, Ledger, Method, Outcome, Sighting, Taken};
use crate::journal::{Clock, NotSaved};

/// Seconds between two checkpoints of a log that grows.
pub const CHECKPOINT_SECONDS: i64 = 60;

/// Opened sightings, shared by everybody who may read them.
pub type SharedBook = Arc<RwLock<Book>>;

/// What sightings are started with.
pub(super) struct SightingsStart<'a> {
    pub(super) files: Arc<dyn Files>,
    pub(super) data: &'a Path,
    pub(super) station: StationId,
    pub(super) known: Arc<Known>,
    pub(super) secret: Arc<StationSecret>,
    pub(super) clock: Clock,
}

/// All audit records of one station.
pub(super) struct Sightings {
    pub(super) hospital: HospitalId,
    pub(super) station: StationId,
    pub(super) known: Arc<Known>,
    secret: Arc<StationSecret>,
    clock: Clock,
    files: Arc<dyn Files>,
    tools_dir: PathBuf,
    heard: Mutex<RecordLog>,
    pub(super) held: RwLock<Held>,
    ledger: Mutex<Ledger>,
    book: RwLock<Weak<RwLock<Book>>>,
    pub(super) witnesses: Witnesses,
    pub(super) damage: Mutex<Vec<Damage>>,
    tools: Mutex<Vec<(String, u64)>>,
    /// When the last checkpoint of this station's own log was taken.
    marked: Mutex<Option<Moment>>,
    /// How much of this station's own log somebody else is known to remember, and since when.
    pub(super) witnessed: Mutex<Option<(u64, Moment)>>,
    /// When the own log was last shown to the hub.
    pub(super) shown: Mutex<Option<Moment>>,
    /// Records of its own that the hub is known to hold.
    pub(super) sent: Mutex<u64>,
}

impl Sightings {
    /// Reads what others sent and what the tools wrote; the own log comes through [`Self::taken`].
    pub(super) fn start(start: &SightingsStart<'_>) -> Result<Self, super::StationFault> {
        let (hospital, station) = (start.known.roster().hospital(), start.station);
        let (heard, contents) = RecordLog::start(
            Arc::clone(&start.files),
            &start.data.join("audit-peers"),
            &hospital,
            &station,
            &start.known.now(),
        )
        .map_err(super::StationFault::Audit)?;
        let sightings = Self {
            hospital,
            station,
            known: Arc::clone(&start.known),
            secret: Arc::clone(&start.secret),
            clock: Arc::clone(&start.clock),
            files: Arc::clone(&start.files),
            tools_dir: start.data.join("audit-tools"),
            heard: Mutex::new(heard),
            held: RwLock::default(),
            ledger: Mutex::default(),
            book: RwLock::default(),
            witnesses: Witnesses::open(Arc::clone(&start.files), start.data, &hospital),
            damage: Mutex::default(),
            tools: Mutex::default(),
            marked: Mutex::default(),
            witnessed: Mutex::default(),
            shown: Mutex::default(),
            sent: Mutex::default(),
        };
        sightings.note_damage(contents.damage);
        sightings.show(&contents.records);
        sightings.refresh_tools();
        Ok(sightings)
    }

    /// What the audit log calls with every durable record.
    pub(super) fn taken(self: &Arc<Self>) -> Taken {
        let sightings = Arc::clone(self);
        Arc::new(move |records: Vec<Record>| {
            sightings.show(&records);
            sightings.mark_when_due();
        })
    }

    /// Checkpoints that are remembered of this station's own log.
    pub(super) fn own_seen(&self) -> Vec<SignedCheckpoint> {
        self.witnesses.of_station(&self.station)
    }

    pub(super) fn note_damage(&self, damage: Vec<Damage>) {
        let mut all = self.damage.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend(
            damage
                .into_iter()
                .filter(|damage| damage.kind != DamageKind::Unfinished),
        );
    }

    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Durable records become visible: to trees first, then to whoever reads the book right now.
    fn show(&self, records: &[Record]) {
        {
            let mut ledger = self.ledger();
            records.iter().for_each(|record| ledger.take(record));
        }
        // Records before the book: whoever opens it right now either finds them there or is found here below.
        self.held
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take(records.iter().cloned());
        let book = self.book.read().unwrap_or_else(PoisonError::into_inner).upgrade();
        if let Some(book) = book {
            book.write().unwrap_or_else(PoisonError::into_inner).take(records);
        }
    }

    /// Takes up what the command-line tools have written since: they have a journal of their own, because they run beside the
    /// station.
    pub(super) fn refresh_tools(&self) {
        let names = self.files.list(&self.tools_dir).unwrap_or_default();
        let size = |name: &String| {
            self.files
                .open(&self.tools_dir.join(name))
                .and_then(|file| file.size())
                .unwrap_or(0)
        };
        let now: Vec<(String, u64)> = names.iter().map(|name| (name.clone(), size(name))).collect();
        let mut seen = self.tools.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen == now {
            return;
        }
        let public = self.secret.public();
        match read_journal(&*self.files, &self.tools_dir, &self.hospital, &self.station, &public) {
            Ok(walk) => {
                if seen.is_empty() {
                    self.note_damage(walk.damage);
                }
                self.show(&walk.records);
                *seen = now;
            }
            Err(error) => tracing::warn!(%error, "the audit log of the command-line tools cannot be read"),
        }
    }

    /// Takes a parcel of sealed sightings: every record checked, made durable, then shown. Gives how many were new.
    fn take(&self, parcel: &Parcel) -> Result<usize, ParcelFault> {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let mut fresh = Vec::new();
        for bytes in &parcel.records {
            match Record::parse_verified(&bytes.0, &self.known.now()) {
                // Whoever can put an open or foreign class here could hide something in plain sight of nobody.
                Ok(record) if record.header().class.is_open() || record.header().hospital != self.hospital => {
                    tracing::warn!("a record that is no sighting was refused");
                }
                Ok(record) if !heard.holds(record.id()) && !self.holds(record.id()) => fresh.push(record),
                Ok(_) => {}
                Err(refused) => tracing::warn!(%refused, "an audit record from another station was refused"),
            }
        }
        heard.append(&fresh)?;
        drop(heard);
        self.show(&fresh);
        Ok(fresh.len())
    }

    fn holds(&self, id: &[u8; 32]) -> bool {
        self.held.read().unwrap_or_else(PoisonError::into_inner).holds(id)
    }

    /// A checkpoint of one of this station's own chains as it stands.
    pub(super) fn checkpoint(&self, chain: ChainId, now: Moment) -> SignedCheckpoint {
        let ledger = self.ledger();
        let size = ledger.size(&chain);
        let root = ledger.root(&chain, size).unwrap_or_else(vault::tree::empty_root);
        drop(ledger);
        Checkpoint {
            origin: witness::origin(&self.hospital, chain),
            size,
            root,
            time: now.0,
        }
        .sign(&self.secret)
    }

    /// This station's own chains.
    pub(super) fn own_chains(&self) -> Vec<ChainId> {
        self.ledger()
            .of_station(&self.station)
            .map(|(chain, _)| chain)
            .collect()
    }

    fn mark_when_due(&self) {
        let now = (self.clock)();
        {
            let mut marked = self.marked.lock().unwrap_or_else(PoisonError::into_inner);
            if marked.is_some_and(|at| (0..CHECKPOINT_SECONDS).contains(&(now.0 - at.0))) {
                return;
            }
            *marked = Some(now);
        }
        self.mark(now);
    }

    /// Remembers how far this station's own log has got. A log that no longer contains what was remembered raises an alarm.
    pub(super) fn mark(&self, now: Moment) {
        let mut chains = self.own_chains();
        // What is remembered and no longer here must be judged too.
        let gone = self
            .own_seen()
            .into_iter()
            .map(|c| (c.claim().origin.station, c.claim().origin.incarnation));
        chains.extend(gone);
        chains.sort_unstable();
        chains.dedup();
        let public = self.secret.public();
        for chain in chains {
            let shown = self.checkpoint(chain, now);
            let before = self.witnesses.seen(&shown.claim().origin);
            let from = before.map_or(0, |before| before.claim().size);
            let proof = self.ledger().consistency(&chain, from, shown.claim().size);
            match self.witnesses.accept(&shown, &public, &proof.unwrap_or_default()) {
                Ok(Accepted::First | Accepted::Grown(_) | Accepted::Unchanged) => {}
                Err(NotAccepted::NotKept(error)) => tracing::warn!(%error, "a checkpoint could not be kept"),
                Err(NotAccepted::Refused(fault)) => self.refuse(now, before.as_ref(), Some(&shown), &fault.into()),
            }
        }
    }

    /// Raises an alarm about a log that took something back.
    pub(super) fn refuse(
        &self,
        now: Moment,
        before: Option<&SignedCheckpoint>,
        shown: Option<&SignedCheckpoint>,
        why: &AlarmKind,
    ) {
        let Some(claim) = before.or(shown).map(SignedCheckpoint::claim) else {
            return;
        };
        let size = |c: Option<&SignedCheckpoint>| c.map_or(0, |c| c.claim().size);
        let text = |c: Option<&SignedCheckpoint>| c.map(SignedCheckpoint::to_text).unwrap_or_default();
        let alarm = Alarm {
            at: now,
            station: *claim.origin.station.as_bytes(),
            incarnation: *claim.origin.incarnation.as_bytes(),
            kind: if size(before) > 0 && size(shown) == 0 {
                AlarmKind::Vanished
            } else {
                *why
            },
            seen: size(before),
            shown: size(shown),
            before: text(before),
            now: text(shown),
        };
        let (kind, seen, shown) = (alarm.kind, alarm.seen, alarm.shown);
        if self.witnesses.raise(alarm) {
            let station = self.code_of(claim.origin.station.as_bytes());
            tracing::error!(?kind, seen, shown, %station, "★ an audit log does not continue what was seen of it");
        }
    }

    /// A station's code by its name in the vault.
    fn code_of(&self, station: &[u8; 16]) -> String {
        let codes = self.known.codes();
        let known = codes.iter().find(|(id, _)| id.as_bytes() == station);
        known.map_or_else(|| "?".to_owned(), |(_, code)| code.to_string())
    }

    /// The opened sightings: made by the first who may read them, shared by all, gone with the last.
    fn book(&self, audit: &RoleSecret) -> SharedBook {
        let mut shared = self.book.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(book) = shared.upgrade() {
            return book;
        }
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let mut book = Book::new(audit.clone());
        book.take(held.records());
        let book = Arc::new(RwLock::new(book));
        *shared = Arc::downgrade(&book);
        book
    }
}

impl Station {
    /// How the audit records here stand.
    #[must_use]
    pub fn audit_state(&self) -> LogState {
        let mut state = self.sightings.state();
        if self.hub.is_none() {
            state.unsent = 0;
        }
        state
    }

    /// Alarms about audit logs that nobody has settled.
    #[must_use]
    pub fn audit_alarms(&self) -> usize {
        self.sightings.witnesses.open_alarms()
    }

    /// Code of a station by its name in the vault, as alarms and flaws carry it.
    #[must_use]
    pub fn code_of(&self, station: &[u8; 16]) -> String {
        self.sightings.code_of(station)
    }

    /// A checkpoint of this station's audit log for a two-dimensional code on paper: the compact form in capital hexadecimal,
    /// which such codes hold in half the space of small letters. Whoever keeps the sheet is a witness.
    #[must_use]
    pub fn checkpoint_qr(&self) -> String {
        let chain = (self.id, self.audit.incarnation());
        let compact = self.sightings.checkpoint(chain, self.now()).to_compact();
        compact.iter().map(|byte| format!("{byte:02X}")).collect()
    }

    /// Takes a parcel of audit records.
    ///
    /// # Errors
    /// [`ParcelFault::NotSaved`]: the sender must keep them. Records that do not verify are left out and logged.
    pub fn audit_take(&self, parcel: &Parcel) -> Result<usize, ParcelFault> {
        self.sightings.take(parcel)
    }

    /// This station's own audit records that somebody with these heads lacks, at most one parcel full.
    #[must_use]
    pub fn audit_missing(&self, theirs: &Heads) -> Parcel {
        let held = self.sightings.held.read().unwrap_or_else(PoisonError::into_inner);
        super::parcel::missing(&held, theirs, Some(self.id.as_bytes()))
    }

    /// Remembers how far this station's own audit log has got, now.
    pub fn mark_audit(&self) {
        self.sightings.refresh_tools();
        self.sightings.mark(self.now());
    }

    /// Notes that somebody looked into an alarm.
    ///
    /// # Errors
    /// [`NotSaved`] when the disk did not take it.
    pub fn settle_alarm(&self, id: [u8; 32], by: &str, note: &str) -> Result<bool, NotSaved> {
        let settled = Settled {
            id,
            by: by.to_owned(),
            at: self.now(),
            note: note.to_owned(),
        };
        self.sightings
            .witnesses
            .settle(settled)
            .map_err(|error| NotSaved(error.to_string()))
    }

    /// Writes what was found about a log into this station's own log: an alarm must not live in one file only.
    pub(super) fn note_alarms(&self) {
        for raised in self.sightings.witnesses.alarms() {
            let known = self
                .noted
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(raised.id);
            if !known {
                continue;
            }
            let sighting = Sighting {
                outcome: Outcome::Failed,
                detail: format!(
                    "{} {}: {} → {}",
                    self.code_of(&raised.alarm.station),
                    raised.alarm.kind.label(),
                    raised.alarm.seen,
                    raised.alarm.shown
                ),
                ..self.sighting(&chart::Author::default(), Method::Program, Deed::Degraded)
            };
            self.audit.note(sighting);
        }
    }
}

impl Session {
    /// The audit log, opened, for who holds its key; what the command-line tools wrote is taken up first. The first reader
    /// waits until everything is decrypted: call it where a thread may block.
    #[must_use]
    pub fn book(&self) -> Option<SharedBook> {
        let key = self.audit_key()?;
        let sightings = &self.station().sightings;
        sightings.refresh_tools();
        Some(Arc::clone(self.book.get_or_init(|| sightings.book(key))))
    }
}

impl AlarmKind {
    /// In words for the log.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Shorter => "監査の記録が短くなりました",
            Self::Forked => "監査の記録が書き換えられました",
            Self::NotProven => "監査の記録の続きであることを示せません",
            Self::Vanished => "監査の記録がなくなりました",
        }
    }
}

impl From<vault::checkpoint::WitnessFault> for AlarmKind {
    fn from(fault: vault::checkpoint::WitnessFault) -> Self {
        use vault::checkpoint::WitnessFault;
        match fault {
            WitnessFault::Shorter { .. } => Self::Shorter,
            WitnessFault::Forked(_) => Self::Forked,
            WitnessFault::NotProven { .. } | WitnessFault::Checkpoint(_) => Self::NotProven,
        }
    }
}
