//! Users of the roster: enrolling, resetting, changing posts, reviewing, disabling. Each change names who made it.
//!
//! Only the part that stations need goes into snapshots ([`UserRecord`] and slot); the history stays at the hub.

use chart::Moment;
use minicbor::{Decode, Encode};
use rand_core::CryptoRng;

use super::{Roster, RosterFault};
use crate::identity::{
    Context, Credentials, Role, RoleSecret, Scope, Slot, SlotCost, UserPublic, UserRecord, UserSecret, audit_context,
    journal_context, password, user_id,
};

/// One enrolled user.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct RosterUser {
    /// What every station may read.
    #[n(0)]
    pub record: UserRecord,
    /// Public key.
    #[cbor(n(1), with = "minicbor::bytes")]
    public: [u8; 32],
    /// What opens the user's secret: password, password and badge, or envelope.
    #[cbor(n(2), with = "minicbor::bytes")]
    slot: Vec<u8>,
    /// Left out of the next snapshot.
    #[n(3)]
    pub disabled: bool,
    /// Who changed what, when: enrolment, resets with how identity was checked, reviews. Newest last, at most
    /// [`MAX_HISTORY`].
    #[n(4)]
    #[cbor(default)]
    pub history: Vec<Change>,
}

/// A change of one user.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Change {
    /// When.
    #[n(0)]
    pub at: Moment,
    /// 職員番号 of who did it.
    #[n(1)]
    pub by: String,
    /// What: `enrolled`, `reset`, `disabled`, `reviewed`, `changed`.
    #[n(2)]
    pub what: String,
    /// How identity was checked, why, or what was found.
    #[n(3)]
    pub note: String,
}

/// Most changes kept per user; the audit log keeps all of them.
pub const MAX_HISTORY: usize = 50;

/// Who carries out a change, and what they hold that can be passed on.
#[derive(Clone, Copy)]
pub struct Sponsor<'a> {
    /// 職員番号
    pub user: &'a str,
    /// The journal's secret, for users who read entries.
    pub journal: Option<&'a RoleSecret>,
    /// The audit log's secret, for users who read it.
    pub audit: Option<&'a RoleSecret>,
    /// When.
    pub at: Moment,
    /// How identity was checked, or why.
    pub note: &'a str,
}

/// A user to enrol.
#[derive(Clone)]
pub struct NewUser<'a> {
    /// Number, name, role, scope, badge number, purpose; wraps are filled in here.
    pub record: UserRecord,
    /// What opens the account.
    pub opens: Credentials<'a>,
}

impl<'a> NewUser<'a> {
    /// Somebody with a password alone and the role's usual scope.
    #[must_use]
    pub fn with_password(staff_number: &str, name: &str, role: Role, password: &'a str) -> Self {
        Self {
            record: UserRecord {
                role,
                scope: role.usual_scope(),
                ..UserRecord::named(staff_number, name)
            },
            opens: Credentials::Password(password),
        }
    }
}

impl Roster {
    /// Enrols a user. Only who holds the journal's or the audit log's secret can pass it on.
    ///
    /// # Errors
    /// [`RosterFault`] when the number is taken, the password is weak, a secret to be passed on is missing, or a key cannot be
    /// made.
    pub fn enrol_user(
        &mut self,
        new: &NewUser<'_>,
        sponsor: &Sponsor<'_>,
        cost: SlotCost,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<(), RosterFault> {
        let number = new.record.staff_number.as_str();
        if self.users.iter().any(|u| u.record.staff_number == number) {
            return Err(RosterFault::Taken(number.to_owned()));
        }
        if new.record.badge != 0 && self.users.iter().any(|u| u.record.badge == new.record.badge) {
            return Err(RosterFault::Taken(format!("バッジ {:08}", new.record.badge)));
        }
        let secret = UserSecret::random(rng);
        let mut user = RosterUser {
            record: new.record.clone(),
            public: secret.public().to_bytes(),
            slot: Vec::new(),
            disabled: false,
            history: Vec::new(),
        };
        self.fill(&mut user, &secret, &new.opens, sponsor, cost, rng)?;
        user.note(sponsor, "enrolled");
        self.users.push(user);
        Ok(())
    }

    /// Gives a user a new password or badge, and a new key with it: what the old slot opened is of no use in the next
    /// snapshot. `sponsor.note` says how the person's identity was checked.
    ///
    /// # Errors
    /// [`RosterFault::Unknown`], a weak password, or a secret that cannot be passed on.
    pub fn reset_user(
        &mut self,
        staff_number: &str,
        badge: u32,
        opens: &Credentials<'_>,
        sponsor: &Sponsor<'_>,
        cost: SlotCost,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<(), RosterFault> {
        if sponsor.note.trim().is_empty() {
            return Err(RosterFault::NoIdentityCheck);
        }
        let place = self.place(staff_number)?;
        let taken = |u: &RosterUser| u.record.badge == badge && u.record.staff_number != staff_number;
        if badge != 0 && self.users.iter().any(taken) {
            return Err(RosterFault::Taken(format!("バッジ {badge:08}")));
        }
        let secret = UserSecret::random(rng);
        let mut user = self
            .users
            .get(place)
            .cloned()
            .ok_or_else(|| RosterFault::Unknown(staff_number.to_owned()))?;
        user.record.badge = badge;
        user.public = secret.public().to_bytes();
        self.fill(&mut user, &secret, opens, sponsor, cost, rng)?;
        user.note(sponsor, "reset");
        if let Some(old) = self.users.get_mut(place) {
            *old = user;
        }
        Ok(())
    }

    /// Slot and wraps of a user whose record and secret are known.
    fn fill(
        &self,
        user: &mut RosterUser,
        secret: &UserSecret,
        opens: &Credentials<'_>,
        sponsor: &Sponsor<'_>,
        cost: SlotCost,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<(), RosterFault> {
        let hospital = self.hospital();
        let record = &mut user.record;
        let known = [record.staff_number.as_str(), record.name.as_str(), self.name.as_str()];
        match opens {
            Credentials::Password(password) => password::judge(password, false, &known)?,
            Credentials::PasswordAndBadge { password, .. } => password::judge(password, true, &known)?,
            Credentials::Envelope(_) => {}
        }
        let id = user_id(&hospital, &record.staff_number);
        let key = |fault: &dyn std::fmt::Display| RosterFault::Key(fault.to_string());
        user.slot = Slot::create(&hospital, &id, 0, opens, secret, cost, rng)
            .map_err(|fault| key(&fault))?
            .as_bytes()
            .to_vec();
        let mut pass = |wanted: bool, held: Option<&RoleSecret>, context: Context, what| match (wanted, held) {
            (false, _) => Ok(Vec::new()),
            (true, None) => Err(RosterFault::CannotPassOn(what)),
            (true, Some(held)) => vault::wrap::wrap(&secret.public(), &context, &held.to_file_bytes(), rng)
                .map_err(|fault| RosterFault::Key(fault.to_string())),
        };
        let reads_entries = !record.role.opens_no_chart() && record.scope != Scope::Nothing;
        record.journal_wrap = pass(reads_entries, sponsor.journal, journal_context(&hospital, &id), "記載")?;
        record.audit_wrap = pass(
            record.role.reads_audit(),
            sponsor.audit,
            audit_context(&hospital, &id),
            "監査",
        )?;
        Ok(())
    }

    /// Leaves a user out of every later snapshot.
    ///
    /// # Errors
    /// [`RosterFault::Unknown`].
    pub fn disable_user(&mut self, staff_number: &str, sponsor: &Sponsor<'_>) -> Result<(), RosterFault> {
        let place = self.place(staff_number)?;
        if let Some(user) = self.users.get_mut(place) {
            user.disabled = true;
            user.note(sponsor, "disabled");
        }
        Ok(())
    }

    /// Changes what somebody may do because their post changed. It holds from the next snapshot on.
    ///
    /// # Errors
    /// [`RosterFault::Unknown`]; [`RosterFault::NeedsReset`] when the new role reads what the old one did not: a key must then
    /// be passed on, and only a reset does that.
    pub fn change_post(
        &mut self,
        staff_number: &str,
        role: Role,
        scope: Scope,
        sponsor: &Sponsor<'_>,
    ) -> Result<(), RosterFault> {
        let place = self.place(staff_number)?;
        let Some(user) = self.users.get_mut(place) else {
            return Err(RosterFault::Unknown(staff_number.to_owned()));
        };
        let reads_entries = !role.opens_no_chart() && scope != Scope::Nothing;
        if (reads_entries && user.record.journal_wrap.is_empty())
            || (role.reads_audit() && user.record.audit_wrap.is_empty())
        {
            return Err(RosterFault::NeedsReset(staff_number.to_owned()));
        }
        if !reads_entries {
            user.record.journal_wrap.clear();
        }
        if !role.reads_audit() {
            user.record.audit_wrap.clear();
        }
        user.record.role = role;
        user.record.scope = scope;
        user.note(sponsor, "changed");
        Ok(())
    }

    /// Notes that somebody looked at this account and found it right.
    ///
    /// # Errors
    /// [`RosterFault::Unknown`].
    pub fn review_user(&mut self, staff_number: &str, sponsor: &Sponsor<'_>) -> Result<(), RosterFault> {
        let place = self.place(staff_number)?;
        if let Some(user) = self.users.get_mut(place) {
            user.note(sponsor, "reviewed");
        }
        Ok(())
    }

    /// One user by number.
    #[must_use]
    pub fn user(&self, staff_number: &str) -> Option<&RosterUser> {
        self.users.iter().find(|u| u.record.staff_number == staff_number)
    }

    fn place(&self, staff_number: &str) -> Result<usize, RosterFault> {
        self.users
            .iter()
            .position(|u| u.record.staff_number == staff_number)
            .ok_or_else(|| RosterFault::Unknown(staff_number.to_owned()))
    }
}

impl RosterUser {
    /// Public key.
    ///
    /// # Errors
    /// [`RosterFault::Unreadable`] when the bytes are not a usable key.
    pub fn public(&self) -> Result<UserPublic, RosterFault> {
        UserPublic::from_bytes(&self.public).map_err(|e| RosterFault::Unreadable(e.to_string()))
    }

    fn note(&mut self, sponsor: &Sponsor<'_>, what: &str) {
        if self.history.len() >= MAX_HISTORY {
            self.history.remove(0);
        }
        self.history.push(Change {
            at: sponsor.at,
            by: sponsor.user.to_owned(),
            what: what.to_owned(),
            note: sponsor.note.trim().to_owned(),
        });
    }

    /// When somebody last enrolled, changed, reset or reviewed this account.
    #[must_use]
    pub fn last_looked_at(&self) -> Option<Moment> {
        self.history.iter().map(|change| change.at).max()
    }

    /// The slot.
    ///
    /// # Errors
    /// [`RosterFault::Unreadable`] when the bytes are not a slot.
    pub fn slot(&self) -> Result<Slot, RosterFault> {
        Slot::from_bytes(&self.slot).map_err(|e| RosterFault::Unreadable(e.to_string()))
    }
}
