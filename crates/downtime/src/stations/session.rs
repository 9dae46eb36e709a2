//! What one signed-in person can do at one station. Holds the keys; dropping it is signing out.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, RwLockReadGuard};

use chart::{Act, Author, Chart, Entry, EntryId, FormId, Moment, Subject, TemporaryId};
use vault::shelf_slots::Identity;

use super::numbers::{Exhausted, Range};
use super::{Draft, Ended, Live, Station};
use crate::audit::{Deed, Method, NotAudited, Sighting};
use crate::forms::Issue;
use crate::identity::{Role, Unlocked};
use crate::index::Index;
use crate::journal::NotSaved;
use crate::shelf::{OpenFault, Opened};
use crate::view::{Day, View, lay_over};

/// One signed-in person at one station.
pub struct Session {
    pub(super) station: Arc<Station>,
    pub(super) unlocked: Unlocked,
    opened: RwLock<Arc<Opened>>,
    live: Arc<Live>,
    proven: Mutex<Proven>,
    /// Whom this person looked at, and when it was last written down.
    seen: Mutex<HashMap<Subject, Moment>>,
    glanced: Mutex<Option<(Deed, String, Moment)>>,
    /// Lists of wards whose people were written down, and when.
    listed: Mutex<Vec<(String, Moment)>>,
    /// The audit log, opened, from the first look of who may read it.
    pub(super) book: OnceLock<super::SharedBook>,
}

/// Page after page about one patient within this time is one opening in the audit log.
pub const ONE_VIEW_SECONDS: i64 = 600;

/// The rows of one snapshot that this person's keys have opened.
struct Proven {
    snapshot: Identity,
    rows: HashSet<u32>,
}

impl Session {
    pub(super) fn new(station: Arc<Station>, unlocked: Unlocked, opened: Opened, live: Arc<Live>) -> Self {
        let proven = Proven {
            snapshot: opened.shelved().identity(),
            rows: HashSet::new(),
        };
        Self {
            station,
            unlocked,
            opened: RwLock::new(Arc::new(opened)),
            live,
            proven: Mutex::new(proven),
            seen: Mutex::default(),
            glanced: Mutex::default(),
            listed: Mutex::default(),
            book: OnceLock::new(),
        }
    }

    /// Who acts.
    #[must_use]
    pub const fn author(&self) -> &Author {
        &self.unlocked.author
    }

    /// By what right.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.unlocked.role
    }

    /// How they came in.
    #[must_use]
    pub const fn method(&self) -> Method {
        super::method(self.unlocked.brought)
    }

    /// The audit log's secret, for who reads it.
    #[must_use]
    pub const fn audit_key(&self) -> Option<&Arc<vault::keys::RoleSecret>> {
        self.unlocked.audit.as_ref()
    }

    /// The journal's secret, for passing it on to a new user.
    #[must_use]
    pub const fn journal_key(&self) -> Option<&Arc<vault::keys::RoleSecret>> {
        self.unlocked.journal.as_ref()
    }

    /// Why this session must end, if it must: asked at every request.
    #[must_use]
    pub fn ended(&self) -> Option<Ended> {
        let works_from = self.opened.read().unwrap_or_else(PoisonError::into_inner);
        self.station.ended(&self.unlocked, &works_from.shelved().identity())
    }

    /// Until when this session can last, where something other than idleness ends it.
    #[must_use]
    pub const fn until(&self) -> Option<Moment> {
        self.unlocked.until
    }

    /// A sighting by this person, now.
    #[must_use]
    pub fn sighting(&self, deed: Deed) -> Sighting {
        self.station.sighting(self.author(), self.method(), deed)
    }

    /// Where.
    #[must_use]
    pub const fn station(&self) -> &Arc<Station> {
        &self.station
    }

    /// The snapshot this person works from. A newer one on the shelf is taken up here, at the start of a request.
    #[must_use]
    pub fn opened(&self) -> Arc<Opened> {
        let mine = Arc::clone(&self.opened.read().unwrap_or_else(PoisonError::into_inner));
        let Some(newest) = self.station.shelf().current() else {
            return mine;
        };
        if newest.identity() == mine.shelved().identity() {
            return mine;
        }
        match newest.open(&self.unlocked) {
            Ok(opened) => {
                let opened = Arc::new(opened);
                *self.opened.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&opened);
                opened
            }
            Err(error) => {
                tracing::warn!(%error, "the newest snapshot does not open for this user; the one before stays");
                mine
            }
        }
    }

    /// Everybody in the snapshot.
    #[must_use]
    pub fn index(&self) -> Arc<Index> {
        Arc::clone(self.opened().index())
    }

    /// What happened since. Hold the guard for one page, never across an await, and call no other method of the session
    /// meanwhile: a second read behind a waiting writer would wait for ever.
    pub fn day(&self) -> RwLockReadGuard<'_, Day> {
        self.live.day()
    }

    /// Conflicts that wait for a person. Cheap, and takes no guard.
    #[must_use]
    pub fn disagreeing(&self) -> usize {
        self.live.disagreeing()
    }

    /// Records here that cannot be read by this program.
    #[must_use]
    pub fn unreadable(&self) -> usize {
        self.live.unreadable()
    }

    /// Older records here that are not open yet: until there are none, pages show less than what is here.
    #[must_use]
    pub fn older(&self) -> usize {
        self.live.older()
    }

    /// Opens one patient: chart and entries in one. That it was opened is on the disk before anything is decrypted.
    ///
    /// # Errors
    /// [`OpenFault`] when it could not be written down, the snapshot does not hold the patient, or the record is damaged.
    pub async fn look(&self, subject: &Subject) -> Result<View, OpenFault> {
        self.write_opening(subject).await?;
        self.view(subject)
    }

    /// Makes sure that this person may write about a subject: that their keys open the chart, as [`Self::look`] would.
    /// A chart that they opened before is not opened again.
    ///
    /// # Errors
    /// [`OpenFault`] as of [`Self::look`].
    pub async fn may_write(&self, subject: &Subject) -> Result<(), OpenFault> {
        self.write_opening(subject).await?;
        self.may_open(subject)
    }

    /// [`Self::look`] for callers without an async runtime.
    ///
    /// # Errors
    /// [`OpenFault`] as of [`Self::look`].
    pub fn look_blocking(&self, subject: &Subject) -> Result<View, OpenFault> {
        if let Some(sighting) = self.opening(subject) {
            let at = sighting.at;
            self.witness_blocking(sighting)
                .map_err(|fault| OpenFault::NotAudited(fault.to_string()))?;
            self.remember_opening(subject, at);
        }
        self.view(subject)
    }

    async fn write_opening(&self, subject: &Subject) -> Result<(), OpenFault> {
        if let Some(sighting) = self.opening(subject) {
            let at = sighting.at;
            self.witness(sighting)
                .await
                .map_err(|fault| OpenFault::NotAudited(fault.to_string()))?;
            self.remember_opening(subject, at);
        }
        Ok(())
    }

    /// The sighting to write before a chart opens; `None` while the last one about this subject still holds.
    fn opening(&self, subject: &Subject) -> Option<Sighting> {
        let now = self.station.now();
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let holds = seen
            .get(subject)
            .is_some_and(|at| (0..ONE_VIEW_SECONDS).contains(&(now.0 - at.0)));
        (!holds).then(|| Sighting {
            subject: subject.clone(),
            ..self.sighting(Deed::Opened)
        })
    }

    fn remember_opening(&self, subject: &Subject, at: Moment) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.retain(|_, before| (0..ONE_VIEW_SECONDS).contains(&(at.0 - before.0)));
        seen.insert(subject.clone(), at);
    }

    /// Writes a sighting and waits until it is on the disk. Who came with a sealed envelope goes on without: the sighting is
    /// held in memory and every screen says that the log has a gap.
    ///
    /// # Errors
    /// [`NotAudited`]: what it is about may not be shown, printed or written out.
    pub async fn witness(&self, sighting: Sighting) -> Result<(), NotAudited> {
        let kept = sighting.clone();
        let outcome = self.station.audit.write(sighting).await;
        self.go_on(outcome, kept)
    }

    fn witness_blocking(&self, sighting: Sighting) -> Result<(), NotAudited> {
        let kept = sighting.clone();
        let outcome = self.station.audit.write_blocking(sighting);
        self.go_on(outcome, kept)
    }

    fn go_on(&self, outcome: Result<(), NotAudited>, sighting: Sighting) -> Result<(), NotAudited> {
        if outcome.is_err() && self.role() == Role::BreakGlass {
            self.station.audit.hold(sighting);
            return Ok(());
        }
        outcome
    }

    pub(super) fn listed(&self) -> std::sync::MutexGuard<'_, Vec<(String, Moment)>> {
        self.listed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a look at a list or a search. The same one again within a minute is one look.
    pub fn glance(&self, deed: Deed, detail: &str, count: usize) {
        let now = self.station.now();
        {
            let mut glanced = self.glanced.lock().unwrap_or_else(PoisonError::into_inner);
            let again = glanced.as_ref().is_some_and(|(before, words, at)| {
                *before == deed && words == detail && (0..60).contains(&(now.0 - at.0))
            });
            if again {
                return;
            }
            *glanced = Some((deed, detail.to_owned(), now));
        }
        let mut sighting = self.sighting(deed);
        detail.clone_into(&mut sighting.detail);
        sighting.count = u32::try_from(count).unwrap_or(u32::MAX);
        self.station.audit.note(sighting);
    }

    fn view(&self, subject: &Subject) -> Result<View, OpenFault> {
        let opened = self.opened();
        let mut flags = Vec::new();
        let chart: Option<Arc<Chart>> = match subject {
            Subject::Patient(id) => {
                let row = opened.index().find(id).ok_or(OpenFault::Unknown)?;
                let label = row.alike().label();
                if !label.is_empty() {
                    flags.push(label);
                }
                let chart = Arc::new(opened.chart(row.number())?);
                self.prove(&opened, row.number());
                Some(chart)
            }
            Subject::Temporary(_) | Subject::Hospital => None,
        };
        let now = self.station.now();
        let day = self.day();
        if let Subject::Temporary(id) = subject
            && day.temporary(id).is_none()
        {
            return Err(OpenFault::Unknown);
        }
        let mut view = lay_over(subject, chart, &day, now);
        view.flags = flags;
        Ok(view)
    }

    fn may_open(&self, subject: &Subject) -> Result<(), OpenFault> {
        match subject {
            Subject::Patient(id) => {
                let opened = self.opened();
                let row = opened.index().find(id).ok_or(OpenFault::Unknown)?.number();
                if !self.is_proven(&opened, row) {
                    opened.chart(row)?;
                    self.prove(&opened, row);
                }
                Ok(())
            }
            Subject::Temporary(id) => self.day().temporary(id).map(drop).ok_or(OpenFault::Unknown),
            Subject::Hospital => Ok(()),
        }
    }

    fn is_proven(&self, opened: &Opened, row: u32) -> bool {
        let proven = self.proven.lock().unwrap_or_else(PoisonError::into_inner);
        proven.snapshot == opened.shelved().identity() && proven.rows.contains(&row)
    }

    fn prove(&self, opened: &Opened, row: u32) {
        let mut proven = self.proven.lock().unwrap_or_else(PoisonError::into_inner);
        let snapshot = opened.shelved().identity();
        if proven.snapshot != snapshot {
            *proven = Proven {
                snapshot,
                rows: HashSet::new(),
            };
        }
        proven.rows.insert(row);
    }

    /// Records an entry and waits until it is durable.
    ///
    /// # Errors
    /// [`NotSaved`]: nothing may be shown as saved.
    pub async fn record(&self, subject: Subject, act: Act) -> Result<EntryId, NotSaved> {
        let waiting = self.station.keeper.keep(self.entry(subject, act))?;
        waiting
            .await
            .unwrap_or_else(|_| Err(NotSaved("記録係のスレッドが止まりました。".to_owned())))
    }

    /// Records an entry and blocks until it is durable, for commands without an async runtime.
    ///
    /// # Errors
    /// [`NotSaved`].
    pub fn record_blocking(&self, subject: Subject, act: Act) -> Result<EntryId, NotSaved> {
        self.station.keeper.keep_and_wait(self.entry(subject, act))
    }

    pub(super) fn entry(&self, subject: Subject, act: Act) -> Entry {
        Entry {
            by: self.author().clone(),
            written_at: self.station.now(),
            station: self.station.code(),
            subject,
            act,
        }
    }

    /// The next reception number of this station, `A-127`.
    #[must_use]
    pub fn next_reception(&self) -> String {
        let mut issued = self.station.issued.lock().unwrap_or_else(PoisonError::into_inner);
        issued.reception(&self.range(), &self.day())
    }

    /// The next sheet or visit number of this station.
    ///
    /// # Errors
    /// [`Exhausted`] after 9,999 in a day.
    pub fn next_form_id(&self) -> Result<FormId, Exhausted> {
        let mut issued = self.station.issued.lock().unwrap_or_else(PoisonError::into_inner);
        issued.sheet(&self.range(), &self.day())
    }

    /// The next temporary patient's number of this station.
    ///
    /// # Errors
    /// [`Exhausted`] after 99,999.
    pub fn next_temporary_id(&self) -> Result<TemporaryId, Exhausted> {
        let mut issued = self.station.issued.lock().unwrap_or_else(PoisonError::into_inner);
        issued.temporary(&self.range(), &self.day())
    }

    fn range(&self) -> Range {
        Range::of(&self.station.enrolled, self.station.now().day())
    }

    /// What every sheet printed now says about now.
    #[must_use]
    pub fn issue(&self, form_id: Option<FormId>, reissue: bool) -> Issue {
        let state = self.station.state();
        let snapshot = self.opened();
        let shelved = snapshot.shelved().state();
        let fresh = if shelved.has_run_out(state.now) {
            " 期限切れ（古いデータ）"
        } else {
            ""
        };
        Issue {
            hospital: self.station.hospital_name().to_owned(),
            mark: state.mode.paper_mark().to_owned(),
            drill: state.drill,
            reissue,
            as_of: shelved.as_of,
            stopped_at: state.stopped_at,
            seal: format!(
                "封印 {} 第{}号 署名確認済{fresh}",
                shelved.sealed_at.text(),
                shelved.epoch
            ),
            station: self.station.code(),
            now: state.now,
            form_id,
            contact_phone: self.station.contact_phone().to_owned(),
        }
    }

    /// Keeps what is being typed, durably and sealed.
    ///
    /// # Errors
    /// [`NotSaved`].
    pub fn save_draft(&self, subject: &Subject, kind: &str, fields: Vec<(String, String)>) -> Result<(), NotSaved> {
        let mut draft = Draft {
            author: self.author().clone(),
            subject: subject.clone(),
            kind: kind.to_owned(),
            fields,
            at: self.station.now(),
            turn: 0,
        };
        let journal = self.unlocked.journal.as_ref();
        let journal = journal.ok_or_else(|| NotSaved("この職種では記録を書けません。".to_owned()))?;
        self.station
            .drafts
            .keep(&mut draft, journal, &mut *(self.station.randomness)())
    }

    /// What this person was typing about this subject, if anything is kept.
    #[must_use]
    pub fn draft(&self, subject: &Subject, kind: &str) -> Option<Draft> {
        let journal = self.unlocked.journal.as_ref()?;
        self.station.drafts.read(&self.author().user, subject, kind, journal)
    }

    /// Whether something may be kept that this person was typing about this subject; `false` is certain, and costs nothing.
    #[must_use]
    pub fn may_have_draft(&self, subject: &Subject, kind: &str) -> bool {
        self.station.drafts.may_hold(&self.author().user, subject, kind)
    }

    /// Throws a draft away (after signing, or on request).
    pub fn discard_draft(&self, subject: &Subject, kind: &str) {
        self.station.drafts.discard(&self.author().user, subject, kind);
    }
}
