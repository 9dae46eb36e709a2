//! Acts about who may act and whose record is whose: envelopes, accounts, temporary patients that got their number, conflicts.

use minicbor::{Decode, Encode};

use crate::as_of::Moment;
use crate::id::{PatientId, TemporaryId};

/// 緊急封筒の開封. Readable on every station with nobody signed in, so never anything about a patient.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct EnvelopeOpened {
    /// Number on the outside of the envelope.
    #[n(0)]
    pub envelope: String,
    /// Name and number of the person who opened it, as typed.
    #[n(1)]
    pub operator: String,
    /// Why.
    #[n(2)]
    pub reason: String,
    /// Second person, where two keep the envelopes; empty when one suffices.
    #[n(3)]
    #[cbor(default)]
    pub witness: String,
    /// Until when it opens anything.
    #[n(4)]
    pub until: Moment,
    /// True when no downtime was declared and the EHR answered: use in normal times.
    #[n(5)]
    #[cbor(default)]
    pub in_normal_times: bool,
}

/// 仮患者と患者番号の結び付け, as one person proposes it. Nothing is merged; a second person confirms; both can be undone.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Link {
    /// The temporary patient.
    #[n(0)]
    pub temporary: TemporaryId,
    /// The patient of the EHR.
    #[n(1)]
    pub patient: PatientId,
    /// What was compared.
    #[n(2)]
    pub reason: String,
}
