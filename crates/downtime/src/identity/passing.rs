//! The roster on its way: from the hub that keeps it to every station (without users), and whole to another hub.
//!
//! Signed by a hub, so that anybody may pass it on; sealed to the other hub's station key where it is whole. A station takes a roster
//! only from a hub that its own roster names, only of its own hospital, and only when it is newer than what it has: nobody can bring an
//! older one back, and nobody who is no hub can add a station.

use chart::StationCode;
use minicbor::{Decode, Encode};
use rand_core::CryptoRng;
use vault::context::Context;
use vault::keys::StationSecret;
use vault::sign::Purpose;

use super::{HospitalId, Roster, RosterFault, Stamp, StationPublic};

/// Largest roster on the way, in bytes: a thousand stations and ten thousand users.
pub const MAX_PASSED: usize = 16 << 20;

/// A roster's bytes with a hub's signature over them.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct SignedRoster {
    /// [`Roster::to_bytes`].
    #[cbor(n(0), with = "minicbor::bytes")]
    roster: Vec<u8>,
    /// The hub.
    #[n(1)]
    by: StationCode,
    /// Its signature for [`Purpose::Roster`].
    #[cbor(n(2), with = "minicbor::bytes")]
    signature: [u8; 64],
}

/// What a station asks another.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Asks {
    /// Who asks; a hub is told the whole.
    #[n(0)]
    pub who: StationCode,
    /// What it has.
    #[n(1)]
    pub has: Stamp,
}

/// What one gives the other.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Passed {
    /// What the giver has.
    #[n(0)]
    pub stamp: Stamp,
    /// The roster without users, if the other lacks it.
    #[n(1)]
    #[cbor(default)]
    pub public: Option<SignedRoster>,
    /// The whole, sealed to the other's station key, if the other is a hub.
    #[cbor(n(2), with = "minicbor::bytes", default)]
    pub whole: Option<Vec<u8>>,
    /// Who gives.
    #[n(3)]
    #[cbor(default)]
    pub who: Option<StationCode>,
}

/// Why a roster was not taken. The one that was there stays.
#[derive(Debug, thiserror::Error)]
pub enum NotTaken {
    /// Not a roster, or too large.
    #[error("this is no roster that this version can read; the one here stays")]
    Malformed,
    /// It is another hospital's.
    #[error("this roster is another hospital's; the one here stays")]
    OtherHospital,
    /// Who signed it is no hub of the roster here, or the signature is wrong.
    #[error("this roster is not signed by a hub of this hospital; the one here stays")]
    Forged,
    /// It is not newer.
    #[error("this roster is not newer; the one here stays")]
    NotNewer,
    /// This station is not in it any more, or with another key.
    #[error("this station does not stand in that roster with its own key; the one here stays")]
    NotIn,
    /// It could not be made or opened.
    #[error(transparent)]
    Roster(#[from] RosterFault),
}

impl SignedRoster {
    /// Signs a roster as a hub.
    ///
    /// # Errors
    /// [`RosterFault::Unreadable`] when it refuses to encode.
    pub fn sign(roster: &Roster, by: StationCode, secret: &StationSecret) -> Result<Self, RosterFault> {
        let roster = roster.to_bytes()?;
        let signature = secret.sign(Purpose::Roster, &roster);
        Ok(Self { roster, by, signature })
    }

    /// Opens it, held against what is known here: the same hospital, a hub of it, a good signature, and newer.
    ///
    /// # Errors
    /// [`NotTaken`]: which of these it is not.
    pub fn open(&self, known: &Roster) -> Result<Roster, NotTaken> {
        if self.roster.len() > MAX_PASSED {
            return Err(NotTaken::Malformed);
        }
        let roster = Roster::from_bytes(&self.roster).map_err(|_| NotTaken::Malformed)?;
        if roster.hospital() != known.hospital() {
            return Err(NotTaken::OtherHospital);
        }
        let hub = known.station(self.by).filter(|s| s.hub && !s.retired);
        let hub = hub.ok_or(NotTaken::Forged)?.public()?;
        let good = hub.verify(Purpose::Roster, &self.roster, &self.signature);
        good.map_err(|_| NotTaken::Forged)?;
        if roster.stamp() <= known.stamp() {
            return Err(NotTaken::NotNewer);
        }
        Ok(roster)
    }

    /// CBOR, as `roster.signed` holds it.
    ///
    /// # Errors
    /// [`RosterFault::Unreadable`] when it refuses to encode.
    pub fn to_bytes(&self) -> Result<Vec<u8>, RosterFault> {
        minicbor::to_vec(self).map_err(|e| RosterFault::Unreadable(e.to_string()))
    }

    /// Reads [`Self::to_bytes`].
    ///
    /// # Errors
    /// [`NotTaken::Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NotTaken> {
        if bytes.len() > MAX_PASSED {
            return Err(NotTaken::Malformed);
        }
        minicbor::decode(bytes).map_err(|_| NotTaken::Malformed)
    }

    /// Seals it to another hub's station key.
    ///
    /// # Errors
    /// [`RosterFault::Key`] when that key is a weak point.
    pub fn seal(
        &self,
        hospital: &HospitalId,
        to: &StationPublic,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Vec<u8>, RosterFault> {
        let sealed = vault::wrap::wrap(to, &place(hospital), &self.to_bytes()?, rng);
        sealed.map_err(|e| RosterFault::Key(e.to_string()))
    }

    /// Opens what [`Self::seal`] made for this station.
    ///
    /// # Errors
    /// [`NotTaken::Malformed`] when it was not sealed to this key, or is no roster.
    pub fn unseal(hospital: &HospitalId, secret: &StationSecret, sealed: &[u8]) -> Result<Self, NotTaken> {
        if sealed.len() > MAX_PASSED {
            return Err(NotTaken::Malformed);
        }
        let bytes = vault::wrap::unwrap(secret, &place(hospital), sealed).map_err(|_| NotTaken::Malformed)?;
        Self::from_bytes(&bytes)
    }
}

fn place(hospital: &HospitalId) -> Context {
    Context::new("roster", hospital)
}

impl Asks {
    /// CBOR.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        minicbor::to_vec(self).unwrap_or_default()
    }

    /// Reads [`Self::to_bytes`].
    ///
    /// # Errors
    /// [`NotTaken::Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NotTaken> {
        minicbor::decode(bytes).map_err(|_| NotTaken::Malformed)
    }
}

impl Passed {
    /// CBOR.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        minicbor::to_vec(self).unwrap_or_default()
    }

    /// Reads [`Self::to_bytes`].
    ///
    /// # Errors
    /// [`NotTaken::Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NotTaken> {
        if bytes.len() > 2 * MAX_PASSED {
            return Err(NotTaken::Malformed);
        }
        minicbor::decode(bytes).map_err(|_| NotTaken::Malformed)
    }
}
