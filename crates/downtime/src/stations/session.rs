//! What one signed-in person can do at one station. Holds the keys; dropping it is signing out.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

use chart::{Act, Author, Chart, Entry, EntryId, FormId, Subject, TemporaryId};
use vault::shelf_slots::Identity;

use super::numbers::{Exhausted, Range};
use super::{Draft, Live, Station};
use crate::forms::Issue;
use crate::identity::{Role, Unlocked};
use crate::index::Index;
use crate::journal::NotSaved;
use crate::shelf::{OpenFault, Opened};
use crate::view::{Day, View, lay_over};

/// One signed-in person at one station.
pub struct Session {
    station: Arc<Station>,
    unlocked: Unlocked,
    opened: RwLock<Arc<Opened>>,
    live: Arc<Live>,
    proven: Mutex<Proven>,
}

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

    /// Records here that cannot be read by this program.
    #[must_use]
    pub fn unreadable(&self) -> usize {
        self.live.unreadable()
    }

    /// Opens one patient: chart and entries in one.
    ///
    /// # Errors
    /// [`OpenFault`] when the snapshot does not hold the patient, or the record is damaged.
    pub fn view(&self, subject: &Subject) -> Result<View, OpenFault> {
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

    /// Makes sure that this person may write about a subject: that their keys open the chart, as [`Self::view`] would.
    /// A chart that they opened before is not opened again.
    ///
    /// # Errors
    /// [`OpenFault`] as of [`Self::view`].
    pub fn may_open(&self, subject: &Subject) -> Result<(), OpenFault> {
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
        let waiting = self.keep(subject, act)?;
        waiting
            .await
            .unwrap_or_else(|_| Err(NotSaved("記録係のスレッドが止まりました。".to_owned())))
    }

    /// Records an entry and blocks until it is durable, for commands without an async runtime.
    ///
    /// # Errors
    /// [`NotSaved`].
    pub fn record_blocking(&self, subject: Subject, act: Act) -> Result<EntryId, NotSaved> {
        let waiting = self.keep(subject, act)?;
        waiting
            .blocking_recv()
            .unwrap_or_else(|_| Err(NotSaved("記録係のスレッドが止まりました。".to_owned())))
    }

    fn keep(
        &self,
        subject: Subject,
        act: Act,
    ) -> Result<tokio::sync::oneshot::Receiver<Result<EntryId, NotSaved>>, NotSaved> {
        let entry = Entry {
            by: self.author().clone(),
            written_at: self.station.now(),
            station: self.station.code(),
            subject,
            act,
        };
        self.station.keeper.keep(entry)
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
        let station = &self.station;
        Range {
            code: station.code,
            node: station.node,
            letter: station.letter,
            today: station.now().day(),
        }
    }

    /// What every sheet printed now says about now.
    #[must_use]
    pub fn issue(&self, form_id: Option<FormId>, reissue: bool) -> Issue {
        let state = self.station.state();
        let snapshot = self.opened();
        let shelved = snapshot.shelved().state();
        let fresh = if state.now > shelved.fresh_until {
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
        self.station
            .drafts
            .keep(&mut draft, &self.unlocked.journal, &mut *(self.station.randomness)())
    }

    /// What this person was typing about this subject, if anything is kept.
    #[must_use]
    pub fn draft(&self, subject: &Subject, kind: &str) -> Option<Draft> {
        self.station
            .drafts
            .read(&self.author().user, subject, kind, &self.unlocked.journal)
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
