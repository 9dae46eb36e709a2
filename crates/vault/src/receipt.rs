//! A receipt: "I, this station, hold that chain up to this number, durably, and its last record has this name."
//!
//! ```text
//! "TMBRCPT1" ‖ hospital(16) ‖ holder(16) ‖ station(16) ‖ incarnation(8) ‖ n u64 ‖ head(32) ‖ time i64 ‖ Ed25519(64)
//! ```
//! The name of a record fixes every record before it in its chain, so one receipt speaks for the whole of it. It is given for
//! what is on the holder's disk and never for less; keeping receipts and counting them is deliberately the caller's work.
//! Layout and reasons: `docs/formats/replication.md`.

use crate::codec::{Malformed, Reader};
use crate::ids::{HospitalId, IncarnationId, StationId};
use crate::keys::{StationPublic, StationSecret};
use crate::sign::{BadSignature, Purpose, SIGNATURE_LEN};

const MAGIC: &[u8; 8] = b"TMBRCPT1";
const SIGNED: usize = 8 + HospitalId::LEN + 2 * StationId::LEN + IncarnationId::LEN + 8 + 32 + 8;

/// Length of a receipt in bytes.
pub const RECEIPT_LEN: usize = SIGNED + SIGNATURE_LEN;

/// What a holder says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holding {
    /// The hospital.
    pub hospital: HospitalId,
    /// Who holds.
    pub holder: StationId,
    /// Whose chain.
    pub station: StationId,
    /// Which of its chains.
    pub incarnation: IncarnationId,
    /// Records 1 to this number.
    pub n: u64,
    /// The name of record `n`.
    pub head: [u8; 32],
    /// When it was signed, Unix seconds UTC, by the holder's clock: for people, no rule depends on it.
    pub time: i64,
}

/// A holder's signed word. Nothing it says is to be believed before [`Receipt::verify`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    claim: Holding,
    signature: [u8; SIGNATURE_LEN],
}

/// These bytes are not a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not a receipt for records; it proves nothing; ask its station for another one")]
pub struct NotAReceipt;

impl Holding {
    /// Signs as the holder.
    #[must_use]
    pub fn sign(&self, holder: &StationSecret) -> Receipt {
        Receipt {
            claim: *self,
            signature: holder.sign(Purpose::Receipt, &self.signed_bytes()),
        }
    }

    fn signed_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(RECEIPT_LEN);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(self.hospital.as_bytes());
        out.extend_from_slice(self.holder.as_bytes());
        out.extend_from_slice(self.station.as_bytes());
        out.extend_from_slice(self.incarnation.as_bytes());
        out.extend_from_slice(&self.n.to_le_bytes());
        out.extend_from_slice(&self.head);
        out.extend_from_slice(&self.time.to_le_bytes());
        out
    }
}

impl Receipt {
    /// The bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = self.claim.signed_bytes();
        out.extend_from_slice(&self.signature);
        out
    }

    /// Reads [`Self::to_bytes`].
    ///
    /// # Errors
    /// [`NotAReceipt`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NotAReceipt> {
        read(bytes).map_err(|Malformed| NotAReceipt)
    }

    /// What it claims, to find the key it must be signed with. Not to be believed.
    #[must_use]
    pub const fn claim(&self) -> &Holding {
        &self.claim
    }

    /// What the holder said.
    ///
    /// # Errors
    /// [`BadSignature`] when the station with this key did not sign it.
    pub fn verify(&self, holder: &StationPublic) -> Result<&Holding, BadSignature> {
        holder.verify(Purpose::Receipt, &self.claim.signed_bytes(), &self.signature)?;
        Ok(&self.claim)
    }
}

fn read(bytes: &[u8]) -> Result<Receipt, Malformed> {
    let mut reader = Reader::new(bytes);
    if reader.array::<8>()? != *MAGIC {
        return Err(Malformed);
    }
    let claim = Holding {
        hospital: HospitalId(reader.array()?),
        holder: StationId(reader.array()?),
        station: StationId(reader.array()?),
        incarnation: IncarnationId(reader.array()?),
        n: reader.u64()?,
        head: reader.array()?,
        time: i64::from_le_bytes(reader.array()?),
    };
    let signature = reader.array()?;
    reader.finish()?;
    Ok(Receipt { claim, signature })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holding() -> Holding {
        Holding {
            hospital: HospitalId([1; 16]),
            holder: StationId([2; 16]),
            station: StationId([3; 16]),
            incarnation: IncarnationId([4; 8]),
            n: 5,
            head: [6; 32],
            time: 7,
        }
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
        let secret = StationSecret::random(&mut rng);
        let bytes = holding().sign(&secret).to_bytes();
        assert_eq!(bytes.len(), RECEIPT_LEN);
        let public = secret.public();
        let read = |bytes: &[u8]| Receipt::from_bytes(bytes).ok()?.verify(&public).ok().copied();
        assert_eq!(read(&bytes), Some(holding()));
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0x10;
            assert_eq!(read(&changed), None, "byte {at}");
            assert_eq!(read(&bytes[..at]), None, "cut at {at}");
        }
    }

    #[test]
    fn a_signature_for_something_else_is_no_receipt() {
        let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
        let secret = StationSecret::random(&mut rng);
        let mut bytes = holding().signed_bytes();
        let other = secret.sign(Purpose::Checkpoint, &bytes);
        bytes.extend_from_slice(&other);
        let receipt = Receipt::from_bytes(&bytes).unwrap();
        assert!(receipt.verify(&secret.public()).is_err());
    }
}
