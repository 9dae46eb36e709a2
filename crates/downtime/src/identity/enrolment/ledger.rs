//! The invitations of a hub: issued, asked with, decided. Pure: the time is a parameter, the file is the roof's.
//!
//! A code is used once: the first request that proves it binds it to that terminal's key, and only that key is answered from then on.

use chart::{Moment, StationCode};
use minicbor::{Decode, Encode};
use vault::invitation::{ID_LEN, InvitationCode, Prover};
use vault::keys::{Fingerprint, SealerPublic, StationPublic};

use super::{Ask, Card, Disbelief, Offer, SignedAsk};

/// Minutes that a code holds unless the officer says otherwise.
pub const CODE_MINUTES: u16 = 15;
/// Longest a code may hold.
pub const MAX_CODE_MINUTES: u16 = 24 * 60;
/// Hours for which a request waits for an officer, and an enrolled terminal may fetch its things.
pub const ASKING_HOURS: i64 = 24;
/// Days for which a settled invitation stays in the file; the audit log keeps it for good.
pub const KEEP_DAYS: i64 = 30;
/// Most invitations in the file.
pub const MAX_INVITATIONS: usize = 2_000;

/// All invitations of a hub, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Ledger {
    /// Each.
    #[n(0)]
    pub invitations: Vec<Invitation>,
}

/// One invitation. It lets nobody enrol: the code is not in it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Invitation {
    /// Its name on the line.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub id: [u8; ID_LEN],
    /// Public half of the code's prover.
    #[cbor(n(1), with = "minicbor::bytes")]
    prover: [u8; 32],
    /// The hub's card as it was vouched for.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub(super) card: Vec<u8>,
    /// The vouch over it.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub(super) vouch: [u8; 32],
    /// What the station will be.
    #[n(4)]
    pub offer: Offer,
    /// When it was issued.
    #[n(5)]
    pub issued: Moment,
    /// Until when the code holds.
    #[n(6)]
    pub expires: Moment,
    /// 職員番号 of the officer.
    #[n(7)]
    pub by: String,
    /// How it stands.
    #[n(8)]
    pub state: State,
}

/// How an invitation stands.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum State {
    /// Nobody has used it.
    #[n(0)]
    Open,
    /// A terminal has; an officer has to decide.
    #[n(1)]
    Asked(#[n(0)] Asking),
    /// It is enrolled.
    #[n(2)]
    Approved {
        /// The terminal.
        #[n(0)]
        asking: Asking,
        /// When.
        #[n(1)]
        at: Moment,
        /// 職員番号
        #[n(2)]
        by: String,
    },
    /// An officer said no, or took the code back.
    #[n(3)]
    Refused {
        /// The terminal, if one had asked.
        #[n(0)]
        asking: Option<Asking>,
        /// When.
        #[n(1)]
        at: Moment,
        /// 職員番号
        #[n(2)]
        by: String,
        /// Why.
        #[n(3)]
        why: String,
    },
}

/// A terminal that used a code.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Asking {
    /// Its public keys.
    #[cbor(n(0), with = "minicbor::bytes")]
    public: [u8; 64],
    /// Its sealing key, used if it becomes a hub.
    #[cbor(n(1), with = "minicbor::bytes")]
    sealer: [u8; 32],
    /// What the machine calls itself.
    #[n(2)]
    pub machine: String,
    /// Version of its program.
    #[n(3)]
    pub version: String,
    /// The address it came from, as the line said.
    #[n(4)]
    pub from: String,
    /// When.
    #[n(5)]
    pub at: Moment,
}

/// How an invitation stands at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The code holds.
    Open,
    /// A terminal waits for an officer.
    Waiting,
    /// Enrolled.
    Approved,
    /// Refused or taken back.
    Refused,
    /// Nobody came in time, or nobody decided in time.
    Expired,
}

impl Ledger {
    /// Issues an invitation. The caller shows the code once and forgets it. `None` when too many are in the file already.
    pub fn issue(
        &mut self,
        code: &InvitationCode,
        card: &Card,
        offer: Offer,
        by: &str,
        now: Moment,
        minutes: u16,
    ) -> Option<&Invitation> {
        self.tidy(now);
        if self.invitations.len() >= MAX_INVITATIONS {
            return None;
        }
        let card = card.to_bytes();
        self.invitations.push(Invitation {
            id: code.id(),
            prover: code.prover().to_bytes(),
            vouch: code.vouch(&card),
            card,
            offer,
            issued: now,
            expires: Moment(now.0 + i64::from(minutes.clamp(1, MAX_CODE_MINUTES)) * 60),
            by: by.to_owned(),
            state: State::Open,
        });
        self.invitations.last()
    }

    /// A terminal asks. The first request that proves a code which still holds binds the code to that terminal.
    ///
    /// # Errors
    /// [`Disbelief`] when no code fits or the proof is wrong: nothing was changed, and nothing may be said about why.
    pub fn hear(&mut self, signed: &SignedAsk, from: &str, now: Moment) -> Result<Heard<'_>, Disbelief> {
        let ask = signed.read()?;
        let invitation = self.invitations.iter_mut().find(|i| i.id == ask.id);
        let invitation = invitation.ok_or(Disbelief::NotProved)?;
        let prover = Prover::from_bytes(&invitation.prover).map_err(|_| Disbelief::Malformed)?;
        signed.verify(&ask, &prover)?;
        let mut changed = false;
        if invitation.standing(now) == Standing::Open {
            invitation.state = State::Asked(Asking {
                public: ask.public,
                sealer: ask.sealer,
                machine: ask.machine.clone(),
                version: ask.version.clone(),
                from: from.chars().take(64).collect(),
                at: now,
            });
            changed = true;
        }
        let mine = match &invitation.state {
            State::Open => true,
            State::Asked(asking) | State::Approved { asking, .. } => asking.is(&ask),
            State::Refused { asking, .. } => asking.as_ref().is_none_or(|asking| asking.is(&ask)),
        };
        Ok(Heard {
            invitation,
            mine,
            changed,
        })
    }

    /// One invitation.
    #[must_use]
    pub fn find(&self, id: &[u8; ID_LEN]) -> Option<&Invitation> {
        self.invitations.iter().find(|i| i.id == *id)
    }

    /// The invitation of a code that somebody has still to do something about.
    #[must_use]
    pub fn live(&self, code: StationCode, now: Moment) -> Option<&Invitation> {
        self.lively(now).find(|i| i.offer.code == code)
    }

    /// Every invitation that somebody has still to do something about.
    pub fn lively(&self, now: Moment) -> impl Iterator<Item = &Invitation> {
        let lives = move |i: &&Invitation| matches!(i.standing(now), Standing::Open | Standing::Waiting);
        self.invitations.iter().filter(lives)
    }

    /// Settles an invitation; false when it is not there any more.
    pub fn settle(&mut self, id: &[u8; ID_LEN], state: State) -> bool {
        let invitation = self.invitations.iter_mut().find(|i| i.id == *id);
        invitation.map(|invitation| invitation.state = state).is_some()
    }

    /// Leaves out what was settled or ran out long ago.
    fn tidy(&mut self, now: Moment) {
        let old = now.0 - KEEP_DAYS * 86_400;
        self.invitations
            .retain(|i| i.expires.0 > old || matches!(i.standing(now), Standing::Open | Standing::Waiting));
    }

    /// CBOR, as `invitations.cbor` holds it.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        minicbor::to_vec(self).unwrap_or_default()
    }

    /// Reads [`Self::to_bytes`].
    ///
    /// # Errors
    /// [`Disbelief::Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Disbelief> {
        minicbor::decode(bytes).map_err(|_| Disbelief::Malformed)
    }
}

/// A request that proved a code.
#[derive(Debug)]
pub struct Heard<'a> {
    /// The invitation as it stands now.
    pub invitation: &'a Invitation,
    /// The terminal is the one that the code is bound to.
    pub mine: bool,
    /// It has just been bound: the file must be written before anything is answered.
    pub changed: bool,
}

impl Invitation {
    /// How it stands.
    #[must_use]
    pub fn standing(&self, now: Moment) -> Standing {
        match &self.state {
            State::Open if now.0 > self.expires.0 => Standing::Expired,
            State::Open => Standing::Open,
            State::Asked(asking) if now.0 > asking.until().0 => Standing::Expired,
            State::Asked(_) => Standing::Waiting,
            State::Approved { .. } => Standing::Approved,
            State::Refused { .. } => Standing::Refused,
        }
    }

    /// The terminal that used it.
    #[must_use]
    pub const fn asking(&self) -> Option<&Asking> {
        match &self.state {
            State::Open => None,
            State::Asked(asking) | State::Approved { asking, .. } => Some(asking),
            State::Refused { asking, .. } => asking.as_ref(),
        }
    }
}

impl Asking {
    /// Its public keys.
    ///
    /// # Errors
    /// [`Disbelief::Malformed`]; a request with such keys is not taken.
    pub fn public(&self) -> Result<StationPublic, Disbelief> {
        StationPublic::from_bytes(&self.public).map_err(|_| Disbelief::Malformed)
    }

    /// Its sealing key.
    ///
    /// # Errors
    /// [`Disbelief::Malformed`]; a request with such keys is not taken.
    pub fn sealer(&self) -> Result<SealerPublic, Disbelief> {
        SealerPublic::from_bytes(&self.sealer).map_err(|_| Disbelief::Malformed)
    }

    /// What people compare.
    ///
    /// # Errors
    /// [`Disbelief::Malformed`].
    pub fn fingerprint(&self) -> Result<Fingerprint, Disbelief> {
        Ok(self.public()?.fingerprint())
    }

    /// Until when the request stands.
    #[must_use]
    pub const fn until(&self) -> Moment {
        Moment(self.at.0 + ASKING_HOURS * 3_600)
    }

    fn is(&self, ask: &Ask) -> bool {
        self.public == ask.public && self.sealer == ask.sealer
    }
}
