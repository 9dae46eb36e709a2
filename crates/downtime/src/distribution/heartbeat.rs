//! The sealer's sign of life: every minute it signs which snapshot is its newest, and its time.
//!
//! `"TMBH" ‖ version(1) = 1 ‖ 0(3) ‖ hospital(16) ‖ epoch u64 ‖ delta u32 ‖ 0 u32 ‖ at i64 ‖ manifest SHA-256(32)` ‖ public key(32) ‖
//! Ed25519(64), purpose "heartbeat". Of fixed length, so that there is no second reading of it. A station that hears none for a quarter of
//! an hour says so: somebody may be showing it yesterday. What it does then is deliberately for people.

use chart::Moment;
use vault::HospitalId;
use vault::keys::{SealerPublic, SealerSecret};
use vault::shelf_slots::Identity;
use vault::sign::{Purpose, SIGNATURE_LEN};

/// How often a sealer signs one.
pub const HEARTBEAT_SECONDS: i64 = 60;
/// After so many minutes without one a station says that it hears none.
pub const SILENT_MINUTES: i64 = 15;
/// Length of a signed heartbeat in bytes.
pub const HEARTBEAT_LEN: usize = SIGNED_LEN + 32 + SIGNATURE_LEN;

const SIGNED_LEN: usize = 4 + 4 + 16 + 8 + 4 + 4 + 8 + 32;
const MAGIC: [u8; 8] = *b"TMBH\x01\0\0\0";
/// A sealer's clock may be so far ahead of all this station knows.
const AHEAD_SECONDS: i64 = 2 * 86_400;
/// And so far, when this station's own clock is known to be wrong.
const AHEAD_OF_WRONG_SECONDS: i64 = 30 * 86_400;
/// A clock that is behind the sealer's by less is not called wrong.
const BEHIND_SECONDS: i64 = 120;

/// What a sealer says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heartbeat {
    /// Whose sealer.
    pub hospital: HospitalId,
    /// Its newest snapshot.
    pub newest: Identity,
    /// Its time.
    pub at: Moment,
}

/// Why a heartbeat is not believed. What was heard before still holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeartbeatFault {
    /// Not a heartbeat.
    #[error("封印側の便りを読めません")]
    Malformed,
    /// No trusted sealer signed it.
    #[error("封印側の便りの署名が、信頼する鍵のものではありません")]
    Untrusted,
    /// Another hospital's.
    #[error("ほかの病院の便りです")]
    Elsewhere,
    /// Of a time that cannot be.
    #[error("封印側の便りの時刻が、この端末の知る時刻より大きく進んでいます")]
    Ahead,
    /// Not newer than what was heard before.
    #[error("前に受け取った便りより新しくありません")]
    Old,
}

impl Heartbeat {
    /// Signs it.
    #[must_use]
    pub fn sign(&self, sealer: &SealerSecret) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEARTBEAT_LEN);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(self.hospital.as_bytes());
        out.extend_from_slice(&self.newest.epoch.to_le_bytes());
        out.extend_from_slice(&self.newest.delta.to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&self.at.0.to_le_bytes());
        out.extend_from_slice(&self.newest.manifest_sha256);
        let signature = sealer.sign(Purpose::Heartbeat, &out);
        out.extend_from_slice(&sealer.public().to_bytes());
        out.extend_from_slice(&signature);
        out
    }

    /// Reads one that came over the line.
    ///
    /// # Errors
    /// [`HeartbeatFault`] when it is not one, or not by one of `trusted`.
    pub fn read(bytes: &[u8], trusted: &[SealerPublic]) -> Result<Self, HeartbeatFault> {
        let bytes: &[u8; HEARTBEAT_LEN] = bytes.try_into().map_err(|_| HeartbeatFault::Malformed)?;
        let (signed, rest) = bytes.split_at_checked(SIGNED_LEN).ok_or(HeartbeatFault::Malformed)?;
        let (public, signature) = rest.split_first_chunk::<32>().ok_or(HeartbeatFault::Malformed)?;
        let signature = signature.try_into().map_err(|_| HeartbeatFault::Malformed)?;
        let sealer = trusted.iter().find(|key| key.to_bytes() == *public);
        let sealer = sealer.ok_or(HeartbeatFault::Untrusted)?;
        let verified = sealer.verify(Purpose::Heartbeat, signed, signature);
        verified.map_err(|_| HeartbeatFault::Untrusted)?;
        Self::fields(signed).ok_or(HeartbeatFault::Malformed)
    }

    fn fields(signed: &[u8]) -> Option<Self> {
        let rest = signed.strip_prefix(&MAGIC)?;
        let (hospital, rest) = rest.split_first_chunk()?;
        let (epoch, rest) = rest.split_first_chunk()?;
        let (delta, rest) = rest.split_first_chunk()?;
        let rest = rest.strip_prefix(&[0; 4])?;
        let (at, rest) = rest.split_first_chunk()?;
        Some(Self {
            hospital: HospitalId(*hospital),
            newest: Identity {
                epoch: u64::from_le_bytes(*epoch),
                delta: u32::from_le_bytes(*delta),
                manifest_sha256: rest.try_into().ok()?,
            },
            at: Moment(i64::from_le_bytes(*at)),
        })
    }

    /// Whether it may take the place of what was heard before; `told` is the latest time any sealer has vouched for here.
    ///
    /// # Errors
    /// [`HeartbeatFault`].
    pub fn follows(
        &self,
        hospital: HospitalId,
        before: Option<&Self>,
        told: Moment,
        now: Moment,
    ) -> Result<(), HeartbeatFault> {
        if self.hospital != hospital {
            return Err(HeartbeatFault::Elsewhere);
        }
        let ahead = if now.0.saturating_add(BEHIND_SECONDS) < told.0 {
            AHEAD_OF_WRONG_SECONDS
        } else {
            AHEAD_SECONDS
        };
        // A station that was never told anything has nothing but this to set itself by.
        if told != Moment::default() && self.at.0 > now.max(told).0.saturating_add(ahead) {
            return Err(HeartbeatFault::Ahead);
        }
        let stands = |beat: &Self| (beat.newest.epoch, beat.newest.delta, beat.at);
        if before.is_some_and(|before| stands(self) <= stands(before)) {
            return Err(HeartbeatFault::Old);
        }
        Ok(())
    }
}

/// What a station may say about how new its data are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pulse {
    /// A sealer lives and the snapshot here is its newest, or was a moment ago.
    Beating,
    /// None was heard for more than [`SILENT_MINUTES`].
    Silent {
        /// The time of the last, if there was one.
        since: Option<Moment>,
    },
    /// The sealer has had a newer snapshot for more than [`SILENT_MINUTES`] that is not here.
    Behind {
        /// Since when the newer one is known.
        since: Moment,
    },
    /// This station's clock shows an earlier time than a sealer has already vouched for.
    ClockBehind {
        /// By so many minutes at least.
        minutes: i64,
    },
}

/// Judges. `told` is the latest time any sealer has vouched for here, `newer` since when a newer snapshot than the one in use is known.
/// A clock that is set back makes nothing look fresh: the later of both times counts.
#[must_use]
pub fn pulse(heard: Option<&Heartbeat>, newer: Option<Moment>, told: Moment, now: Moment) -> Pulse {
    if now.0.saturating_add(BEHIND_SECONDS) < told.0 {
        let minutes = told.minutes_since(now);
        return Pulse::ClockBehind { minutes };
    }
    let now = now.max(told);
    let late = |at: Moment| now.minutes_since(at) > SILENT_MINUTES;
    match heard {
        None => Pulse::Silent { since: None },
        Some(heard) if late(heard.at) => Pulse::Silent { since: Some(heard.at) },
        Some(_) => match newer.filter(|since| late(*since)) {
            Some(since) => Pulse::Behind { since },
            None => Pulse::Beating,
        },
    }
}
