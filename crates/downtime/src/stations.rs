//! One running station: its shelf, its journal, what it hears from others, who is signed in, and what mode it is in.
//!
//! Every station is a whole replica (law 8): the hub is a station that also extracts and listens. A station keeps every
//! record sealed; entries are opened only while somebody is signed in, and forgotten when the last one leaves.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};

use chart::entry::Declaration;
use chart::rx::Institution;
use chart::{Entry, Moment, StationCode};
use rand_core::CryptoRng;
use vault::StationId;
use vault::files::Files;
use vault::journal::{Journal, Place, Record, Start, read_journal};
use vault::keys::StationSecret;

use crate::audit::{AuditLog, LogStart};
use crate::extract::Runs;
use crate::forms::{OrderLists, PaymentRules};
use crate::identity::{Enrolled, Roster};
use crate::journal::{Clock, HybridClock, Keeper, recorded};
use crate::shelf::Shelf;
use crate::state::{Mode, State, TimeQuality, Watch, mode};
use crate::view::Recorded;

mod accounts;
mod audit;
pub mod carried;
mod carrying;
mod drafts;
mod entrance;
mod gatekeeper;
mod held;
mod hubs;
mod known;
mod line_state;
mod live;
mod log_state;
mod news;
mod numbers;
mod on_ward;
mod outside;
mod parcel;
mod peers;
mod reading;
pub mod replica;
mod returned;
mod session;
mod sign_ins;
mod testimony;
mod timing;
mod watching;
mod witness;

use known::enrolled_stations;
use replica::{Replica, ReplicaStart};

pub use accounts::{Account, EnvelopeInStock, Lies};
pub use audit::{CHECKPOINT_SECONDS, SharedBook};
pub use carried::{CodeFault, CodesTaken, DeclarationCode};
pub use carrying::{Portion, Stock, Whose};
pub use drafts::Draft;
pub use entrance::{ENVELOPE_SECONDS, Ended, Opening, envelope_user, method};
pub use hubs::MAX_HUBS;
pub use line_state::{Lifetime, LineMet, LineState};
pub use live::Live;
pub use log_state::LogState;
pub use news::News;
pub use on_ward::MOST_ON_A_WARD;
pub use outside::remembered_checkpoints;
pub use parcel::{Bytes, Heads, Parcel, ParcelFault};
pub use peers::{Address, Rounds};
pub use reading::read_entries;
pub use replica::Head;
pub use session::Session;
pub use sign_ins::SignIns;
pub use testimony::{Asking, Remembered, Showing, Shown};
pub use watching::{Disk, EHR_NAME, StationSeen};
pub use witness::{Alarm, AlarmKind, Raised, Settled};

/// What a station is made of, as the roof found it.
pub struct Parts {
    /// Name on screens and paper.
    pub hospital_name: String,
    /// Phone for changing appointments.
    pub contact_phone: String,
    /// 保険医療機関 as prescriptions name it.
    pub institution: Institution,
    /// What is ticked on order sheets.
    pub order_lists: OrderLists,
    /// What the hospital says about payments put off.
    pub payment: PaymentRules,
    /// This station's code.
    pub code: StationCode,
    /// Hospital, stations, sealers.
    pub roster: Roster,
    /// This station's secret.
    pub secret: Arc<StationSecret>,
    /// The shelf.
    pub shelf: Shelf,
    /// Directory for `journal/`, `peers/`, `drafts/` and `scans/`.
    pub data: PathBuf,
    /// The file port.
    pub files: Arc<dyn Files>,
    /// The clock.
    pub clock: Clock,
    /// True on a station that has a hub elsewhere.
    pub has_hub: bool,
}

/// Where randomness comes from, as often as it is needed.
pub type Randomness = Arc<dyn Fn() -> Box<dyn CryptoRng + Send> + Send + Sync>;

/// One running station.
pub struct Station {
    hospital_name: String,
    contact_phone: String,
    institution: Institution,
    order_lists: OrderLists,
    payment: PaymentRules,
    code: StationCode,
    id: StationId,
    enrolled: Enrolled,
    known: Arc<known::Known>,
    shelf: Shelf,
    runs: Runs,
    keeper: Keeper,
    replica: Arc<Replica>,
    news: Arc<News>,
    /// Entries of others that came since this station started.
    heard: AtomicU64,
    /// Entries that are readable with nobody signed in: declarations, envelopes, disabled accounts.
    open_entries: Arc<Live>,
    audit: AuditLog,
    sightings: Arc<audit::Sightings>,
    /// Alarms that stand in the audit log already.
    noted: Mutex<HashSet<[u8; 32]>>,
    gatekeeper: gatekeeper::Gatekeeper,
    sign_ins: SignIns,
    time: Mutex<TimeQuality>,
    live: Arc<RwLock<Weak<Live>>>,
    ehr: Mutex<Watch>,
    hub: Option<hubs::Hubs>,
    watching: watching::Watching,
    lines: line_state::Lines,
    issued: Mutex<numbers::Issued>,
    drafts: drafts::Drafts,
    returned: returned::Returned,
    randomness: Randomness,
    damage: usize,
}

/// Why a station could not start. Until it starts nothing can be saved on it; paper works.
#[derive(Debug, thiserror::Error)]
pub enum StationFault {
    /// The journal could not be started.
    #[error("記録の保存を始められません。紙で診療し、医療情報担当へ連絡してください: {0}")]
    Journal(#[from] vault::journal::StartFault),
    /// The audit log could not be started.
    #[error(
        "監査の記録を始められません。記録できない端末では何も開けません。紙で診療し、医療情報担当へ連絡してください: {0}"
    )]
    Audit(vault::journal::StartFault),
    /// The roster cannot be used.
    #[error("名簿に問題があります: {0}")]
    Roster(#[from] crate::identity::RosterFault),
    /// This station is not in the roster.
    #[error("端末 {0} は名簿にありません")]
    NotEnrolled(StationCode),
    /// The journal could not be read back.
    #[error("保存した記録を読み返せません: {0}")]
    Read(std::io::Error),
    /// The journal's thread could not be started.
    #[error("記録係のスレッドを始められません: {0}")]
    Thread(#[from] std::io::Error),
}

impl Station {
    /// Recovers what earlier lives left and starts a new one.
    ///
    /// # Errors
    /// [`StationFault`].
    pub fn start(parts: Parts, randomness: Randomness) -> Result<Arc<Self>, StationFault> {
        let roster = &parts.roster;
        let hospital = roster.hospital();
        let id = roster.station_id(parts.code);
        let enrolled = roster
            .station(parts.code)
            .ok_or(StationFault::NotEnrolled(parts.code))?;
        let known = Arc::new(known::Known::of(roster)?);
        let clock = Arc::new(HybridClock::new(Arc::clone(&parts.clock)));
        let mut rng = randomness();
        let readers = [roster.journal()?];
        let own_dir = parts.data.join("journal");
        let replica_start = ReplicaStart {
            files: Arc::clone(&parts.files),
            data: &parts.data,
            hospital,
            station: id,
            secret: Arc::clone(&parts.secret),
            stations: known.now().as_ref().clone(),
        };
        let public = parts.secret.public();
        let left = || read_journal(&*parts.files, &own_dir, &hospital, &id, &public).map(|walk| walk.records);
        let start = Start {
            hospital,
            station: id,
            secret: &parts.secret,
            incarnation: replica::incarnation(&replica_start, || left().unwrap_or_default()),
            readers: &readers,
            hlc: clock.next(),
            time_quality: 0,
        };
        let (journal, walk) = Journal::start(Arc::clone(&parts.files), &own_dir, &start, &mut *rng)?;
        let mut open: Vec<Record> = Vec::new();
        let mut look = |record: &Record| {
            clock.notice(record.header().hlc);
            if record.header().class.is_open() {
                open.push(record.clone());
            }
        };
        // The walk holds what earlier lives left; the key record of this life is the journal's newest.
        let own = walk.records.iter().chain([journal.key_record()]);
        own.clone().for_each(&mut look);
        let own = own.zip(walk.places.iter().chain(journal.places()).copied());
        let (replica, heard_damage) = Replica::start(&replica_start, own, &mut *rng, &mut look)?;
        for damage in walk.damage.iter().chain(&heard_damage) {
            tracing::warn!(?damage, "a journal file is not as it was written");
        }
        let damage = walk.damage.len() + heard_damage.len();
        let replica = Arc::new(replica);
        let news = Arc::new(News::default());
        let open_entries = Arc::new(Live::open(None, &open));
        let live: Arc<RwLock<Weak<Live>>> = Arc::default();
        let saved = {
            let (replica, news) = (Arc::clone(&replica), Arc::clone(&news));
            let (open_entries, live) = (Arc::clone(&open_entries), Arc::clone(&live));
            Arc::new(move |new: Vec<(Record, Place, Entry)>| {
                let open = new.iter().filter(|(record, ..)| record.header().class.is_open());
                open_entries.add(open.map(|(record, _, entry)| recorded(record, entry.clone())));
                // Records before the day: whoever signs in right now either finds them there or is found here below.
                replica.own(new.iter().map(|(record, place, _)| (record, *place)));
                let opened = new.into_iter().map(|(record, _, entry)| recorded(&record, entry));
                let opened: Vec<Recorded> = opened.collect();
                let shared = live.read().unwrap_or_else(PoisonError::into_inner).upgrade();
                if let Some(live) = shared {
                    live.add(opened);
                }
                news.tell_saved();
            })
        };
        let sightings = Arc::new(audit::Sightings::start(&audit::SightingsStart {
            files: Arc::clone(&parts.files),
            data: &parts.data,
            station: id,
            known: Arc::clone(&known),
            secret: Arc::clone(&parts.secret),
            clock: Arc::clone(&parts.clock),
        })?);
        let (audit, audit_damage) = AuditLog::start(
            Arc::clone(&parts.files),
            &parts.data.join("audit"),
            &LogStart {
                hospital,
                station: id,
                secret: &parts.secret,
                audit: roster.audit()?,
                clock: Arc::clone(&clock),
                seen: &sightings.own_seen(),
            },
            randomness(),
            sightings.taken(),
        )
        .map_err(StationFault::Audit)?;
        sightings.note_damage(audit_damage);
        let gatekeeper = gatekeeper::Gatekeeper::open(Arc::clone(&parts.files), parts.data.join("attempts"));
        let sign_ins = SignIns::open(Arc::clone(&parts.files), &parts.data);
        let keeper = Keeper::start(journal, clock, randomness(), saved)?;
        let drafts = drafts::Drafts::new(Arc::clone(&parts.files), parts.data.join("drafts"), hospital);
        let returned = returned::Returned {
            files: parts.files,
            data: parts.data,
            hospital,
            looked: i64::MIN.into(),
            told: Mutex::default(),
        };
        let station = Arc::new(Self {
            hospital_name: parts.hospital_name,
            contact_phone: parts.contact_phone,
            institution: parts.institution,
            order_lists: parts.order_lists,
            payment: parts.payment,
            code: parts.code,
            id,
            enrolled: enrolled.clone(),
            known,
            shelf: parts.shelf,
            runs: Runs::default(),
            keeper,
            replica,
            news,
            heard: AtomicU64::new(0),
            open_entries,
            audit,
            sightings,
            noted: Mutex::default(),
            gatekeeper,
            sign_ins,
            time: Mutex::default(),
            live,
            ehr: Mutex::default(),
            hub: parts.has_hub.then(hubs::Hubs::new),
            watching: watching::Watching::default(),
            lines: line_state::Lines::default(),
            issued: Mutex::default(),
            drafts,
            returned,
            randomness,
            damage,
        });
        if let Err(fault) = station.learn_from_snapshot() {
            tracing::warn!(%fault, "the stations of the snapshot in use are not known here");
        }
        station.mark_audit();
        station.note_alarms();
        Ok(station)
    }

    /// This station's code.
    #[must_use]
    pub const fn code(&self) -> StationCode {
        self.code
    }

    /// Name of the hospital.
    #[must_use]
    pub fn hospital_name(&self) -> &str {
        &self.hospital_name
    }

    /// What is ticked on order sheets.
    #[must_use]
    pub const fn order_lists(&self) -> &OrderLists {
        &self.order_lists
    }

    /// What the hospital says about payments put off.
    #[must_use]
    pub const fn payment_rules(&self) -> &PaymentRules {
        &self.payment
    }

    /// 保険医療機関 as prescriptions name it; any part may be empty.
    #[must_use]
    pub const fn institution(&self) -> &Institution {
        &self.institution
    }

    /// Phone for changing appointments.
    #[must_use]
    pub fn contact_phone(&self) -> &str {
        &self.contact_phone
    }

    /// The shelf.
    #[must_use]
    pub const fn shelf(&self) -> &Shelf {
        &self.shelf
    }

    /// The extracts made here; idle on a station that makes none.
    pub const fn runs(&self) -> &Runs {
        &self.runs
    }

    /// When each account last signed in here.
    #[must_use]
    pub const fn sign_ins(&self) -> &SignIns {
        &self.sign_ins
    }

    /// Now, by the roof's clock.
    #[must_use]
    pub fn now(&self) -> Moment {
        self.keeper.clock().now()
    }

    /// Places in the journal files that were not as written, found at start: a matter for the informatics officer.
    #[must_use]
    pub const fn damage(&self) -> usize {
        self.damage
    }

    /// Everything the mode bar shows. Cheap, and nobody needs to be signed in.
    #[must_use]
    pub fn state(&self) -> State {
        let now = self.now();
        let ehr = self.ehr_watch();
        let hub = self.hub.as_ref().map(hubs::Hubs::watch);
        let declared = self.declared(now);
        let drill = declared.as_ref().is_some_and(|(d, ..)| d.drill);
        let stopped_at = declared
            .as_ref()
            .map(|(d, ..)| d.stopped_at)
            .or_else(|| ehr.silent_since());
        let is_declared = declared.is_some();
        let mode = mode(now, &ehr, hub.as_ref(), declared);
        State {
            mode,
            drill,
            declared: is_declared,
            runs_out: self.runs_out(now),
            snapshot: self.shelf.current().map(|s| s.state()),
            stopped_at,
            now,
            unsent: if self.hub.is_some() { self.unsent() } else { 0 },
            rejoined: self.rejoined(now),
            heard_until: self.heard_until(),
            forked: self.forked(),
            has_hub: self.hub.is_some(),
            no_audit: self.audit.not_writing().map(|failing| failing.since),
            envelopes: self.open_envelopes(),
            time: self.time_quality(),
            judgement: self.judgement(),
            not_saving: self
                .keeper
                .not_saving()
                .map(|n| format!("{}から: {}", n.since.text(), n.why)),
        }
    }

    /// The declaration that holds, who declared, and when.
    fn declared(&self, now: Moment) -> Option<(Declaration, String, Moment)> {
        let day = self.open_entries.day();
        let (recorded, declaration) = day.declaration(now)?;
        Some((
            declaration.clone(),
            recorded.entry.by.name.clone(),
            recorded.entry.written_at,
        ))
    }

    /// When the declaration that holds runs out, if it still waits for a second person.
    fn runs_out(&self, now: Moment) -> Option<Moment> {
        let day = self.open_entries.day();
        let (recorded, _) = day.declaration(now)?;
        let (until, waits) = day.declared_until(&recorded.id)?;
        waits.then_some(until)
    }

    /// How far the clock can be trusted, as the roof last saw it.
    #[must_use]
    pub fn time_quality(&self) -> TimeQuality {
        *self.time.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The roof looked at the clock.
    pub fn observe_time(&self, quality: TimeQuality) {
        *self.time.lock().unwrap_or_else(PoisonError::into_inner) = quality;
        self.keeper.clock().set_quality(quality);
    }

    /// The audit log of this station.
    #[must_use]
    pub const fn audit(&self) -> &AuditLog {
        &self.audit
    }

    /// The mode alone.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.state().mode
    }

    /// What this station holds of everybody's records.
    #[must_use]
    pub const fn replica(&self) -> &Arc<Replica> {
        &self.replica
    }

    /// That something new is here.
    #[must_use]
    pub const fn news(&self) -> &Arc<News> {
        &self.news
    }

    /// The opened entries: made by the first who signs in, shared by all, gone with the last.
    fn live(&self, journal: &vault::keys::RoleSecret) -> Arc<Live> {
        let mut shared = self.live.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(live) = shared.upgrade() {
            return live;
        }
        let live = Live::of_replica(journal.clone(), &self.replica);
        *shared = Arc::downgrade(&live);
        live
    }
}
