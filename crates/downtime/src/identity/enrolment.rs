//! Enrolment: what is said between a new terminal and the hub, and what the hub keeps meanwhile.
//!
//! An officer issues a code (`ledger`). Whoever types it at a new terminal proves it without sending it and asks with keys made
//! there ([`Ask`]); the hub answers under a vouch that only who knew the code can have made ([`Answer`]); the officer compares
//! fingerprints and decides. Bytes: `docs/formats/enrolment.md`. Files, sockets and the roster's file are the roof's.

use chart::{Moment, StationCode};
use minicbor::{Decode, Encode};
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use vault::context::Context;
use vault::invitation::Prover;
use vault::keys::{SealerPublic, StationPublic, StationSecret};
use vault::sign::Purpose;

use super::HospitalId;
use super::ranges::{Block, Label};

mod ledger;
mod wish;

pub use ledger::{
    ASKING_HOURS, Asking, CODE_MINUTES, Heard, Invitation, KEEP_DAYS, Ledger, MAX_CODE_MINUTES, MAX_INVITATIONS,
    Standing, State,
};
pub use vault::invitation::{ID_LEN, InvitationCode, TextFault};
pub use wish::{MAX_SERVED, MAX_WORDS, NotDone, Wish};

/// Largest request, in bytes.
pub const MAX_ASK: usize = 4_096;
/// Largest answer, in bytes: it may hold a whole roster.
pub const MAX_ANSWER: usize = 2 * super::passing::MAX_PASSED;
/// Longest name of a machine or version kept, in characters.
const MAX_NAME: usize = 64;

/// What the officer decided about a station before it exists.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Offer {
    /// Its code.
    #[n(0)]
    pub code: StationCode,
    /// Its form numbers.
    #[n(1)]
    pub block: Block,
    /// What stands before its reception numbers.
    #[n(2)]
    pub label: Label,
    /// Whether it is a hub.
    #[n(3)]
    pub hub: bool,
    /// Wards by code.
    #[n(4)]
    pub wards: Vec<String>,
    /// Departments by code.
    #[n(5)]
    pub departments: Vec<String>,
    /// Where other stations reach it.
    #[n(6)]
    pub address: Option<String>,
    /// It takes the place of the machine that has this code now.
    #[n(7)]
    pub renews: bool,
    /// Why, in the officer's words.
    #[n(8)]
    pub note: String,
}

/// What the hub says about itself: the new terminal believes it because of the vouch.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Card {
    /// The hospital.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub hospital: [u8; 16],
    /// Its name.
    #[n(1)]
    pub name: String,
    /// The hub.
    #[n(2)]
    pub hub: StationCode,
    /// The hub's public keys.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub public: [u8; 64],
}

/// A new terminal's request.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Ask {
    /// The invitation.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub id: [u8; ID_LEN],
    /// Fresh for every request: an old answer fits no new one.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub nonce: [u8; 16],
    /// The terminal's public keys.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub public: [u8; 64],
    /// A sealing key, used if it becomes a hub.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub sealer: [u8; 32],
    /// What the machine calls itself.
    #[n(4)]
    pub machine: String,
    /// Version of the program.
    #[n(5)]
    pub version: String,
}

/// A request with both proofs: of the terminal's own key, and of the code.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct SignedAsk {
    #[cbor(n(0), with = "minicbor::bytes")]
    ask: Vec<u8>,
    #[cbor(n(1), with = "minicbor::bytes")]
    by_station: [u8; 64],
    #[cbor(n(2), with = "minicbor::bytes")]
    by_code: [u8; 64],
}

/// What the hub answers.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Answer {
    #[cbor(n(0), with = "minicbor::bytes")]
    reply: Vec<u8>,
    #[cbor(n(1), with = "minicbor::bytes")]
    card: Vec<u8>,
    #[cbor(n(2), with = "minicbor::bytes")]
    vouch: [u8; 32],
    #[cbor(n(3), with = "minicbor::bytes")]
    signature: [u8; 64],
}

/// How a request stands.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Reply {
    /// An officer has to compare fingerprints and decide.
    #[n(0)]
    Waiting {
        /// What it will be.
        #[n(0)]
        offer: Offer,
        /// Until when the request stands.
        #[n(1)]
        until: Moment,
    },
    /// An officer said no.
    #[n(1)]
    Refused {
        /// Why.
        #[n(0)]
        why: String,
    },
    /// The code or the request is too old.
    #[n(2)]
    Expired,
    /// Another terminal used this code.
    #[n(3)]
    Used,
    /// It is enrolled.
    #[n(4)]
    Welcome {
        /// [`Welcome`], sealed to the terminal's key.
        #[cbor(n(0), with = "minicbor::bytes")]
        sealed: Vec<u8>,
    },
}

/// What a terminal gets that is enrolled.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Welcome {
    /// What it is.
    #[n(0)]
    pub offer: Offer,
    /// The roster: whole for a hub, else without users.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub roster: Vec<u8>,
    /// Lines of the hospital's configuration that are the same everywhere (TOML).
    #[n(2)]
    pub settings: String,
}

/// Why a request or an answer is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Disbelief {
    /// Not one, or too large.
    #[error("this is no message of an enrolment; nothing was changed")]
    Malformed,
    /// A proof does not fit: another code, or somebody changed it on the way.
    #[error("the proof of the code does not fit; nothing was changed")]
    NotProved,
}

impl Ask {
    /// A request of this terminal.
    #[must_use]
    pub fn new(
        code: &InvitationCode,
        station: &StationPublic,
        sealer: &SealerPublic,
        machine: &str,
        version: &str,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Self {
        let mut nonce = [0; 16];
        rng.fill_bytes(&mut nonce);
        Self {
            id: code.id(),
            nonce,
            public: station.to_bytes(),
            sealer: sealer.to_bytes(),
            machine: short(machine),
            version: short(version),
        }
    }

    /// Proves it with both keys.
    #[must_use]
    pub fn sign(&self, code: &InvitationCode, station: &StationSecret) -> SignedAsk {
        let ask = minicbor::to_vec(self).unwrap_or_default();
        let said = asked(&ask);
        SignedAsk {
            by_station: station.sign(Purpose::Enrolment, &said),
            by_code: code.prove(&said),
            ask,
        }
    }
}

impl SignedAsk {
    /// What is asked, before anything about it is believed.
    ///
    /// # Errors
    /// [`Disbelief::Malformed`].
    pub fn read(&self) -> Result<Ask, Disbelief> {
        let mut ask: Ask = minicbor::decode(&self.ask).map_err(|_| Disbelief::Malformed)?;
        ask.machine = short(&ask.machine);
        ask.version = short(&ask.version);
        Ok(ask)
    }

    /// Whether it comes from who holds the keys in it and knows the code.
    ///
    /// # Errors
    /// [`Disbelief::NotProved`].
    pub fn verify(&self, ask: &Ask, prover: &Prover) -> Result<StationPublic, Disbelief> {
        let station = StationPublic::from_bytes(&ask.public).map_err(|_| Disbelief::NotProved)?;
        SealerPublic::from_bytes(&ask.sealer).map_err(|_| Disbelief::NotProved)?;
        let said = asked(&self.ask);
        let own = station.verify(Purpose::Enrolment, &said, &self.by_station);
        let code = prover.verify(&said, &self.by_code);
        if own.is_err() || code.is_err() {
            return Err(Disbelief::NotProved);
        }
        Ok(station)
    }

    /// CBOR.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        minicbor::to_vec(self).unwrap_or_default()
    }

    /// Reads [`Self::to_bytes`].
    ///
    /// # Errors
    /// [`Disbelief::Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Disbelief> {
        if bytes.len() > MAX_ASK {
            return Err(Disbelief::Malformed);
        }
        minicbor::decode(bytes).map_err(|_| Disbelief::Malformed)
    }
}

impl Answer {
    /// Answers a request as the hub that issued the invitation.
    #[must_use]
    pub fn new(to: &SignedAsk, reply: &Reply, invitation: &Invitation, hub: &StationSecret) -> Self {
        let reply = minicbor::to_vec(reply).unwrap_or_default();
        Self {
            signature: hub.sign(Purpose::Enrolment, &answered(to, &reply)),
            reply,
            card: invitation.card.clone(),
            vouch: invitation.vouch,
        }
    }

    /// Opens it as the terminal that asked: the card is vouched for by who knew the code, the answer is signed by the hub of the card,
    /// and it is the answer to this request.
    ///
    /// # Errors
    /// [`Disbelief`]: somebody else answered, or changed it on the way.
    pub fn open(&self, to: &SignedAsk, code: &InvitationCode) -> Result<(Card, Reply), Disbelief> {
        if !code.vouches(&self.card, &self.vouch) {
            return Err(Disbelief::NotProved);
        }
        let card: Card = minicbor::decode(&self.card).map_err(|_| Disbelief::Malformed)?;
        let hub = StationPublic::from_bytes(&card.public).map_err(|_| Disbelief::NotProved)?;
        let good = hub.verify(Purpose::Enrolment, &answered(to, &self.reply), &self.signature);
        good.map_err(|_| Disbelief::NotProved)?;
        let reply = minicbor::decode(&self.reply).map_err(|_| Disbelief::Malformed)?;
        Ok((card, reply))
    }

    /// CBOR.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        minicbor::to_vec(self).unwrap_or_default()
    }

    /// Reads [`Self::to_bytes`].
    ///
    /// # Errors
    /// [`Disbelief::Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Disbelief> {
        if bytes.len() > MAX_ANSWER {
            return Err(Disbelief::Malformed);
        }
        minicbor::decode(bytes).map_err(|_| Disbelief::Malformed)
    }
}

impl Welcome {
    /// Seals it to the terminal's key.
    ///
    /// # Errors
    /// [`Disbelief::NotProved`] when the key is a weak point.
    pub fn seal(
        &self,
        hospital: &HospitalId,
        to: &StationPublic,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Vec<u8>, Disbelief> {
        let bytes = minicbor::to_vec(self).map_err(|_| Disbelief::Malformed)?;
        vault::wrap::wrap(to, &place(hospital), &bytes, rng).map_err(|_| Disbelief::NotProved)
    }

    /// Opens what [`Self::seal`] made for this terminal.
    ///
    /// # Errors
    /// [`Disbelief`].
    pub fn unseal(hospital: &HospitalId, secret: &StationSecret, sealed: &[u8]) -> Result<Self, Disbelief> {
        let bytes = vault::wrap::unwrap(secret, &place(hospital), sealed).map_err(|_| Disbelief::NotProved)?;
        minicbor::decode(&bytes).map_err(|_| Disbelief::Malformed)
    }
}

impl Card {
    /// CBOR: what is vouched for.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        minicbor::to_vec(self).unwrap_or_default()
    }
}

fn asked(ask: &[u8]) -> Vec<u8> {
    [b"ask\0".as_slice(), ask].concat()
}

fn answered(to: &SignedAsk, reply: &[u8]) -> Vec<u8> {
    [b"answer\0".as_slice(), &Sha256::digest(to.to_bytes()), reply].concat()
}

fn place(hospital: &HospitalId) -> Context {
    Context::new("welcome", hospital)
}

fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect()
}
