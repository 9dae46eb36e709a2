//! What a station and its hub say to each other about their audit logs: what the other is remembered to have shown, what is
//! shown now, and the proof that the one continues the other.
//!
//! A visit: the station asks what the hub remembers of it ([`Asking`] → [`Remembered`]), sends the records the hub lacks, and
//! shows its checkpoints with proofs ([`Showing`]); the hub answers with its own, which the station judges in turn. Nothing here
//! trusts the line: every checkpoint is signed. An old one that somebody sends again proves nothing and raises nothing; one
//! that is signed later and contains less is an alarm, with both signatures as evidence.

use minicbor::{Decode, Encode};
use std::sync::PoisonError;

use chart::Moment;
use vault::checkpoint::{Accepted, SignedCheckpoint, WitnessFault};
use vault::tree::{Hash, MAX_PROOF};
use vault::{IncarnationId, StationId};

use super::audit::{CHECKPOINT_SECONDS, Sightings};
use super::parcel::Bytes;
use super::witness::{AlarmKind, NotAccepted, origin};
use super::{Heads, ParcelFault, Station, parcel};

/// Most chains one station may show; each life that had to begin anew makes one.
const MAX_CHAINS: usize = 256;

/// Longest message of this room.
const MAX_MESSAGE: usize = 2 << 20;

/// What do you remember of me?
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Asking {
    /// Who asks. Anybody may: what is remembered is signed, and sealed where it is not public.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub station: [u8; 16],
}

/// What is held and remembered of one station's audit log.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Remembered {
    /// How far its records are here.
    #[n(0)]
    pub heads: Heads,
    /// The last checkpoint of each of its chains, in the compact form.
    #[n(1)]
    pub checkpoints: Vec<Bytes>,
    /// Who remembers.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub by: [u8; 16],
}

/// A station's audit log as it stands, with the proof that it continues what the other remembers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Showing {
    /// Whose.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub station: [u8; 16],
    /// Every chain of it.
    #[n(1)]
    pub chains: Vec<Shown>,
    /// What the sender remembers of the receiver's log.
    #[n(2)]
    pub remembered: Vec<Bytes>,
}

/// One chain.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Shown {
    /// Its checkpoint in the compact form.
    #[n(0)]
    pub checkpoint: Bytes,
    /// Consistency proof from what the receiver remembers; empty when it remembers nothing.
    #[n(1)]
    pub proof: Vec<Bytes>,
}

macro_rules! message {
    ($($kind:ty),*) => {$(
        impl $kind {
            /// CBOR.
            #[must_use]
            pub fn to_bytes(&self) -> Vec<u8> {
                minicbor::to_vec(self).unwrap_or_default()
            }

            /// Reads [`Self::to_bytes`].
            ///
            /// # Errors
            /// [`ParcelFault::Malformed`].
            pub fn from_bytes(bytes: &[u8]) -> Result<Self, ParcelFault> {
                if bytes.len() > MAX_MESSAGE {
                    return Err(ParcelFault::Malformed);
                }
                minicbor::decode(bytes).map_err(|_| ParcelFault::Malformed)
            }
        }
    )*};
}

message!(Asking, Remembered, Showing);

impl Sightings {
    fn read(&self, bytes: &Bytes) -> Option<SignedCheckpoint> {
        SignedCheckpoint::from_compact(&bytes.0, &self.hospital).ok()
    }

    /// Every own chain with its checkpoint, and the proof from what the other remembers of it.
    fn showing(&self, theirs: &[Bytes], them: &StationId, now: Moment) -> Showing {
        let theirs: Vec<SignedCheckpoint> = theirs.iter().take(MAX_CHAINS).filter_map(|c| self.read(c)).collect();
        let chains = self.own_chains().into_iter().map(|chain| {
            let checkpoint = self.checkpoint(chain, now);
            let origin = checkpoint.claim().origin;
            let from = theirs
                .iter()
                .find(|c| c.claim().origin == origin)
                .map_or(0, |c| c.claim().size);
            let proof = self.ledger().consistency(&chain, from, checkpoint.claim().size);
            let proof = proof.unwrap_or_default().into_iter().map(|hash| Bytes(hash.to_vec()));
            Shown {
                checkpoint: Bytes(checkpoint.to_compact()),
                proof: proof.collect(),
            }
        });
        Showing {
            station: *self.station.as_bytes(),
            chains: chains.collect(),
            remembered: self.remembered(them),
        }
    }

    fn remembered(&self, station: &StationId) -> Vec<Bytes> {
        let all = self.witnesses.of_station(station);
        all.iter().map(|c| Bytes(c.to_compact())).collect()
    }

    /// Holds another station's log to what is remembered of it; what continues is remembered, durably, when this returns.
    fn judge(&self, showing: &Showing, now: Moment) -> Result<(), ParcelFault> {
        let station = StationId(showing.station);
        let known = self.known.now();
        let public = known.get(&station).filter(|_| station != self.station);
        let public = public.ok_or(ParcelFault::Malformed)?;
        if showing.chains.len() > MAX_CHAINS {
            return Err(ParcelFault::Malformed);
        }
        let mut newest = i64::MIN;
        let mut shown = Vec::new();
        for chain in &showing.chains {
            let checkpoint = self.read(&chain.checkpoint).ok_or(ParcelFault::Malformed)?;
            if checkpoint.claim().origin.station != station {
                return Err(ParcelFault::Malformed);
            }
            let proof: Option<Vec<Hash>> = chain
                .proof
                .iter()
                .take(MAX_PROOF)
                .map(|b| b.0.as_slice().try_into().ok())
                .collect();
            let before = self.witnesses.seen(&checkpoint.claim().origin);
            match self.witnesses.accept(&checkpoint, public, &proof.unwrap_or_default()) {
                Ok(Accepted::First | Accepted::Grown(_) | Accepted::Unchanged) => {
                    newest = newest.max(checkpoint.claim().time);
                    shown.push(checkpoint.claim().origin);
                }
                Err(NotAccepted::NotKept(error)) => {
                    return Err(ParcelFault::NotSaved(vault::journal::NotSaved::Disk(error)));
                }
                // Not by that station: it says nothing about its log.
                Err(NotAccepted::Refused(WitnessFault::Checkpoint(fault))) => {
                    tracing::warn!(%fault, "a checkpoint of an audit log was refused");
                    return Err(ParcelFault::Malformed);
                }
                Err(NotAccepted::Refused(fault)) => {
                    let time = |c: &SignedCheckpoint| c.claim().time;
                    let shorter = matches!(fault, WitnessFault::Shorter { .. });
                    if shorter && before.as_ref().is_some_and(|before| time(&checkpoint) <= time(before)) {
                        tracing::warn!("an old checkpoint of an audit log was shown again; it proves nothing");
                        continue;
                    }
                    self.refuse(now, before.as_ref(), Some(&checkpoint), &fault.into());
                    newest = newest.max(checkpoint.claim().time);
                    shown.push(checkpoint.claim().origin);
                }
            }
        }
        for before in self.witnesses.of_station(&station) {
            let gone = !shown.contains(&before.claim().origin) && before.claim().size > 0;
            if gone && newest > before.claim().time {
                self.refuse(now, Some(&before), None, &AlarmKind::Vanished);
            }
        }
        Ok(())
    }

    /// What another remembers of this station's own log, held against the log here. If they remember more, this log has lost
    /// something; that is remembered, so that the next start does not go on with what is left.
    fn compare(&self, theirs: &[Bytes], now: Moment) {
        let known = self.known.now();
        let Some(public) = known.get(&self.station) else {
            return;
        };
        for checkpoint in theirs.iter().take(MAX_CHAINS).filter_map(|c| self.read(c)) {
            let Ok(claim) = checkpoint.verify(public) else { continue };
            if claim.origin.station != self.station {
                continue;
            }
            let chain = (claim.origin.station, claim.origin.incarnation);
            if self.ledger().root(&chain, claim.size) == Some(claim.root) {
                let mut witnessed = self.witnessed.lock().unwrap_or_else(PoisonError::into_inner);
                if witnessed.is_none_or(|(_, at)| at.0 <= claim.time) {
                    *witnessed = Some((claim.size, Moment(claim.time)));
                }
                continue;
            }
            let here = self.checkpoint(chain, now);
            let kind = match here.claim().size.cmp(&claim.size) {
                std::cmp::Ordering::Less => AlarmKind::Shorter,
                std::cmp::Ordering::Equal => AlarmKind::Forked,
                std::cmp::Ordering::Greater => AlarmKind::NotProven,
            };
            self.refuse(now, Some(&checkpoint), Some(&here), &kind);
            let mine = self.witnesses.seen(&claim.origin);
            if mine.is_none_or(|mine| mine.claim().size < claim.size)
                && let Err(error) = self.witnesses.remember(&checkpoint)
            {
                tracing::warn!(%error, "what the hub remembers of this log could not be kept");
            }
        }
    }
}

impl Station {
    /// The question with which a visit begins; `None` while there is nothing to send and no checkpoint is due.
    #[must_use]
    pub fn audit_asking(&self) -> Option<Asking> {
        self.sightings.refresh_tools();
        let now = self.now();
        let shown = *self.sightings.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let recently = shown.is_some_and(|at| (0..CHECKPOINT_SECONDS).contains(&(now.0 - at.0)));
        let own = self.sightings.held.read().unwrap_or_else(PoisonError::into_inner);
        let own = own.of_station(self.id.as_bytes());
        let sent = *self.sightings.sent.lock().unwrap_or_else(PoisonError::into_inner);
        (!recently || own > sent).then(|| Asking {
            station: *self.id.as_bytes(),
        })
    }

    /// A hub's answer: what is held and remembered of whoever asks.
    #[must_use]
    pub fn audit_remembered(&self, asking: &Asking) -> Remembered {
        let held = self.sightings.held.read().unwrap_or_else(PoisonError::into_inner);
        Remembered {
            heads: parcel::heads(&held, Some(&asking.station)),
            checkpoints: self.sightings.remembered(&StationId(asking.station)),
            by: *self.id.as_bytes(),
        }
    }

    /// This station's audit log for the hub, after its records were sent; `hub` is what the hub remembers of it.
    #[must_use]
    pub fn audit_showing(&self, hub: &Remembered) -> Showing {
        let now = self.now();
        self.sightings.compare(&hub.checkpoints, now);
        self.note_alarms();
        self.sightings.showing(&hub.checkpoints, &StationId(hub.by), now)
    }

    /// A hub takes a station's log: what continues is remembered before this returns, what does not raises an alarm. Gives the
    /// hub's own log for the station to judge, with what the hub remembers of the station's by now.
    ///
    /// # Errors
    /// [`ParcelFault`]: nothing was acknowledged.
    pub fn audit_shown(&self, showing: &Showing) -> Result<Showing, ParcelFault> {
        let now = self.now();
        self.sightings.judge(showing, now)?;
        if !showing.chains.is_empty() {
            self.note_visit(showing.station);
        }
        self.sightings.compare(&showing.remembered, now);
        self.note_alarms();
        Ok(self
            .sightings
            .showing(&showing.remembered, &StationId(showing.station), now))
    }

    /// A station judges its hub's log, and learns how much of its own the hub remembers now.
    ///
    /// # Errors
    /// [`ParcelFault`].
    pub fn audit_answered(&self, hub: &Showing) -> Result<(), ParcelFault> {
        let now = self.now();
        self.sightings.compare(&hub.remembered, now);
        let judged = self.sightings.judge(hub, now);
        self.note_alarms();
        *self.sightings.shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
        judged
    }

    /// The hub holds this station's audit records up to these heads.
    pub fn note_audit_sent(&self, hub: &Heads) {
        let mine = hub
            .0
            .iter()
            .filter(|h| h.station == *self.id.as_bytes())
            .map(|h| h.seq)
            .sum();
        *self.sightings.sent.lock().unwrap_or_else(PoisonError::into_inner) = mine;
    }

    /// What is remembered of one chain of a station, for tests and tools.
    #[must_use]
    pub fn audit_seen(&self, station: &[u8; 16], incarnation: &[u8; 8]) -> Option<SignedCheckpoint> {
        let chain = (StationId(*station), IncarnationId(*incarnation));
        self.sightings.witnesses.seen(&origin(&self.sightings.hospital, chain))
    }
}
