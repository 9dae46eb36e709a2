//! Coming in: sign-in by password or badge, a sealed envelope, and what ends a session from outside.
//!
//! Nobody is compared with anything here: keys open or they do not. What is decided here is only whether somebody may try,
//! what is written about it, and when what they opened must close again.

use std::sync::Arc;

use chart::entry::EnvelopeOpened;
use chart::{Act, Author, Entry, Moment, Subject};
use vault::secret_text::EnvelopeSecret;
use vault::shelf_slots::Identity;
use vault::slot::{Credentials, Wants};

use super::{Session, Station};
use crate::audit::{Deed, Method, Outcome, Sighting};
use crate::identity::{Admission, Role, SignInFault, Unlocked, user_id};
use crate::shelf::Opened;
use crate::state::OpenEnvelope;
use crate::view::Recorded;

/// How long an opened envelope opens anything.
pub const ENVELOPE_SECONDS: i64 = 8 * 3600;

/// What whoever opens an envelope has to say.
#[derive(Debug, Clone, Default)]
pub struct Opening {
    /// Name and number of the person, as typed.
    pub operator: String,
    /// Why.
    pub reason: String,
    /// Second person; empty where one suffices.
    pub witness: String,
}

/// Why a session must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The account was disabled.
    Disabled,
    /// The account's or the envelope's time is over.
    Expired,
    /// The envelope was closed.
    Closed,
    /// The newest snapshot was not sealed for this person.
    Revoked,
}

/// Staff number of an envelope's user.
#[must_use]
pub fn envelope_user(number: u32) -> String {
    format!("bg-{number:03}")
}

impl Station {
    /// Signs somebody in. Slow on purpose (Argon2id): call it where a thread may block.
    ///
    /// # Errors
    /// [`SignInFault`]. Every attempt is counted and written into the audit log.
    pub fn sign_in(self: &Arc<Self>, staff_number: &str, who: &Credentials<'_>) -> Result<Session, SignInFault> {
        let staff_number = staff_number.trim();
        let shelved = self.shelf.current().ok_or(SignInFault::NoSnapshot)?;
        let id = user_id(&shelved.roster().hospital(), staff_number);
        match self.gatekeeper.ask(&id, self.now()) {
            Admission::Try => {}
            Admission::Wait(seconds) => return Err(SignInFault::Wait(seconds)),
            Admission::Locked(seconds) => return Err(SignInFault::Locked(seconds)),
        }
        let opened = shelved.sign_in(staff_number, who);
        let now = self.now();
        let refused = match &opened {
            Ok((unlocked, _)) => self.is_disabled(staff_number) || unlocked.until.is_some_and(|until| now >= until),
            Err(SignInFault::Refused) => true,
            Err(_) => false,
        };
        if refused {
            self.note_refusal(staff_number, who.suit(), &id, now);
            return Err(SignInFault::Refused);
        }
        let (unlocked, opened) = opened?;
        if let Some(hours) = self.too_old() {
            return Err(SignInFault::TooOld(hours));
        }
        self.gatekeeper.succeeded(&id);
        let sighting = self.sighting(&unlocked.author, method(unlocked.brought), Deed::SignedIn);
        self.audit
            .write_blocking(sighting)
            .map_err(|fault| SignInFault::NotAudited(fault.to_string()))?;
        self.sign_ins.note(&id, now);
        Ok(self.begin(unlocked, opened))
    }

    /// Opens a sealed envelope: announced on every station, traced, and over after [`ENVELOPE_SECONDS`]. It works when the
    /// audit log does not, when data are old, and when somebody has locked every account: care first.
    ///
    /// # Errors
    /// [`SignInFault::Refused`] when the secret opens nothing, the envelope was used up, or nobody said who opens it and why.
    pub fn open_envelope(
        self: &Arc<Self>,
        number: u32,
        secret: &EnvelopeSecret,
        opening: &Opening,
    ) -> Result<Session, SignInFault> {
        let said = |text: &str| !text.trim().is_empty();
        if !said(&opening.operator) || !said(&opening.reason) {
            return Err(SignInFault::Failed(
                "封筒を開ける人の氏名と理由が要ります。まだ何も開いていません。".to_owned(),
            ));
        }
        let user = envelope_user(number);
        let shelved = self.shelf.current().ok_or(SignInFault::NoSnapshot)?;
        let now = self.now();
        let used_up = self.openings(&user).any(|opening| self.envelope_over(&opening, now));
        let unlocked = shelved.sign_in(&user, &Credentials::Envelope(secret));
        let (mut unlocked, opened) = match unlocked {
            Ok(both) if !used_up && both.0.role == Role::BreakGlass => both,
            Ok(_) | Err(SignInFault::Refused) => {
                let mut sighting = self.sighting(&nobody(&user), Method::Envelope, Deed::EnvelopeOpened);
                sighting.outcome = Outcome::Refused;
                sighting.reason.clone_from(&opening.reason);
                sighting.detail.clone_from(&opening.operator);
                self.audit.note(sighting);
                return Err(SignInFault::Refused);
            }
            Err(other) => return Err(other),
        };
        let operator = opening.operator.trim();
        unlocked.author.name = format!("{operator}（緊急封筒 {number:03}）");
        let act = EnvelopeOpened {
            envelope: user.clone(),
            operator: operator.to_owned(),
            reason: opening.reason.trim().to_owned(),
            witness: opening.witness.trim().to_owned(),
            until: Moment(now.0.saturating_add(ENVELOPE_SECONDS)),
            in_normal_times: !self.mode().is_open(),
        };
        unlocked.until = Some(act.until);
        let mut sighting = self.sighting(&unlocked.author, Method::Envelope, Deed::EnvelopeOpened);
        sighting.reason.clone_from(&act.reason);
        sighting.detail = match act.witness.as_str() {
            "" => act.operator.clone(),
            witness => format!("{}・立会い {witness}", act.operator),
        };
        // Announced before anything opens; a disk that takes neither must still not keep a physician from the patient.
        let announced = self.keeper.keep_and_wait(Entry {
            by: unlocked.author.clone(),
            written_at: now,
            station: self.code,
            subject: Subject::Hospital,
            act: Act::EnvelopeOpened(act),
        });
        if let Err(fault) = announced {
            tracing::error!(%fault, "★ the opening of a sealed envelope could not be saved");
        }
        if let Err(fault) = self.audit.write_blocking(sighting.clone()) {
            tracing::error!(%fault, "★ an envelope was opened while the audit log cannot be written");
            self.audit.hold(sighting);
        }
        Ok(self.begin(unlocked, opened))
    }

    fn begin(self: &Arc<Self>, unlocked: Unlocked, opened: Opened) -> Session {
        let live = match &unlocked.journal {
            Some(journal) => self.live(journal),
            None => Arc::clone(&self.open_entries),
        };
        Session::new(Arc::clone(self), unlocked, opened, live)
    }

    fn note_refusal(&self, staff_number: &str, brought: Wants, id: &vault::UserId, now: Moment) {
        let locked = self.gatekeeper.failed(id, now);
        let mut sighting = self.sighting(&nobody(staff_number), method(brought), Deed::SignedIn);
        sighting.outcome = Outcome::Refused;
        self.audit.note(sighting);
        if locked {
            tracing::warn!("★ an account is locked on this station for minutes after repeated failures");
            let mut sighting = self.sighting(&nobody(staff_number), method(brought), Deed::LockedOut);
            sighting.outcome = Outcome::Refused;
            self.audit.note(sighting);
        }
    }

    /// A sighting of this station, now, about nobody in particular and done.
    #[must_use]
    pub fn sighting(&self, by: &Author, method: Method, deed: Deed) -> Sighting {
        Sighting {
            at: self.now(),
            station: self.code,
            by: by.clone(),
            method,
            deed,
            subject: Subject::Hospital,
            reason: String::new(),
            outcome: Outcome::Done,
            count: 1,
            detail: String::new(),
        }
    }

    /// Whether an account was disabled by an entry that reached this station.
    #[must_use]
    pub fn is_disabled(&self, staff_number: &str) -> bool {
        let day = self.open_entries.day();
        day.is_disabled(staff_number)
    }

    /// Envelopes that are open anywhere, as far as this station knows: on every list until somebody closes them, also after
    /// their time is over.
    #[must_use]
    pub fn open_envelopes(&self) -> Vec<OpenEnvelope> {
        let day = self.open_entries.day();
        day.openings()
            .filter(|r| !day.is_undone(&r.id))
            .filter_map(|r| match &r.entry.act {
                Act::EnvelopeOpened(opened) => Some(OpenEnvelope {
                    entry: r.id,
                    envelope: opened.envelope.clone(),
                    operator: opened.operator.clone(),
                    reason: opened.reason.clone(),
                    station: r.entry.station.to_string(),
                    at: r.entry.written_at,
                    in_normal_times: opened.in_normal_times,
                }),
                _ => None,
            })
            .collect()
    }

    fn openings(&self, user: &str) -> impl Iterator<Item = Arc<Recorded>> + use<> {
        let day = self.open_entries.day();
        let found: Vec<Arc<Recorded>> = day
            .openings()
            .filter(|r| matches!(&r.entry.act, Act::EnvelopeOpened(o) if o.envelope == user))
            .collect();
        found.into_iter()
    }

    fn envelope_over(&self, opening: &Recorded, now: Moment) -> bool {
        let expired = matches!(&opening.entry.act, Act::EnvelopeOpened(o) if now >= o.until);
        expired || self.open_entries.day().is_undone(&opening.id)
    }

    /// Why somebody who came in must go, if they must. `works_from` is the snapshot that their keys have opened.
    pub(super) fn ended(&self, unlocked: &Unlocked, works_from: &Identity) -> Option<Ended> {
        let (user, now) = (unlocked.author.user.as_str(), self.now());
        if unlocked.until.is_some_and(|until| now >= until) {
            return Some(Ended::Expired);
        }
        if unlocked.role == Role::BreakGlass && self.openings(user).any(|o| self.envelope_over(&o, now)) {
            return Some(Ended::Closed);
        }
        if self.is_disabled(user) {
            return Some(Ended::Disabled);
        }
        match self.shelf.current() {
            // Asked at every request: the list of users is searched only where there is another snapshot than the one that opened.
            Some(newest) if newest.identity() != *works_from && newest.user(user).is_err() => Some(Ended::Revoked),
            _ => None,
        }
    }

    /// Hours since sealing when the data are so old, with nobody having declared a downtime, that only an envelope opens.
    #[must_use]
    pub fn too_old(&self) -> Option<i64> {
        let state = self.state();
        let sealed_at = state.snapshot.as_ref()?.sealed_at;
        // Not the mode: a station that is alone says so first, and a declaration carried to it holds there too.
        crate::state::too_old(state.now, sealed_at, state.declared)
    }
}

fn nobody(staff_number: &str) -> Author {
    Author {
        user: staff_number.chars().take(64).collect(),
        ..Author::default()
    }
}

/// How somebody came in, by what they brought.
#[must_use]
pub const fn method(brought: Wants) -> Method {
    match brought {
        Wants::Password => Method::Password,
        Wants::PasswordAndBadge => Method::BadgeAndPassword,
        Wants::Envelope => Method::Envelope,
    }
}
