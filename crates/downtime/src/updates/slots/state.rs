//! What the places hold, which of them is started, and what is not taken again: the state as it lies on the disk.

use std::fmt;

use chart::Moment;
use minicbor::{Decode, Encode};

use crate::updates::{ProgramVersion, Sha256, Standing};

/// How often a program on trial is started before the one before it comes back: power cuts and reboots are no fault of a program.
pub const MAX_TRIES: u8 = 3;

/// Refusals and approvals that are remembered.
const MAX_REFUSED: usize = 16;

/// Longest reason kept, in characters.
const MAX_WHY: usize = 300;

/// A place for a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum ProgramSlot {
    /// The first.
    #[n(0)]
    A,
    /// The second.
    #[n(1)]
    B,
}

impl ProgramSlot {
    const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

impl fmt::Display for ProgramSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "A",
            Self::B => "B",
        })
    }
}

/// What a place holds, verified.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Holding {
    /// Its version.
    #[n(0)]
    pub version: ProgramVersion,
    /// SHA-256 of the release's body.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub release: Sha256,
}

/// A program on trial.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Trial {
    /// Where it is.
    #[n(0)]
    pub slot: ProgramSlot,
    /// How often it was started.
    #[n(1)]
    pub tries: u8,
    /// Since when.
    #[n(2)]
    pub since: Moment,
}

/// A version that is not taken again here.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Refusal {
    /// SHA-256 of the release's body.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub release: Sha256,
    /// Its version.
    #[n(1)]
    pub version: ProgramVersion,
    /// When.
    #[n(2)]
    pub at: Moment,
    /// Why.
    #[n(3)]
    pub why: String,
    /// It ran, and the program before it came back.
    #[n(4)]
    pub ran: bool,
}

impl Refusal {
    pub(in crate::updates) fn standing(&self) -> Standing {
        if self.ran {
            Standing::WentBack(self.version, self.at, self.why.clone())
        } else {
            Standing::Refused(self.version, self.at, self.why.clone())
        }
    }
}

/// The highest revision of an approval that was seen for a release.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
struct Seen {
    #[cbor(n(0), with = "minicbor::bytes")]
    release: Sha256,
    #[n(1)]
    revision: u32,
}

/// Which program is started.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct SlotsState {
    /// Counts changes of this state.
    #[n(0)]
    pub(super) serial: u64,
    /// The place that is started; none for the program installed by hand.
    #[n(1)]
    pub current: Option<ProgramSlot>,
    /// What is on trial.
    #[n(2)]
    pub trial: Option<Trial>,
    #[n(3)]
    a: Option<Holding>,
    #[n(4)]
    b: Option<Holding>,
    /// The newest version that ever ran here, on trial or for good.
    #[n(5)]
    pub highest: ProgramVersion,
    /// Versions that are not taken again, the newest last.
    #[n(6)]
    pub refused: Vec<Refusal>,
    #[n(7)]
    seen: Vec<Seen>,
}

impl SlotsState {
    /// What a place holds.
    #[must_use]
    pub const fn holding(&self, slot: ProgramSlot) -> Option<&Holding> {
        match slot {
            ProgramSlot::A => self.a.as_ref(),
            ProgramSlot::B => self.b.as_ref(),
        }
    }

    pub(super) fn hold(&mut self, slot: ProgramSlot, holding: Option<Holding>) {
        match slot {
            ProgramSlot::A => self.a = holding,
            ProgramSlot::B => self.b = holding,
        }
    }

    /// The place that may be written to.
    #[must_use]
    pub fn free(&self) -> ProgramSlot {
        self.current.map_or(ProgramSlot::A, ProgramSlot::other)
    }

    /// The place where this release lies verified and is not in use.
    #[must_use]
    pub fn prepared(&self, release: &Sha256) -> Option<ProgramSlot> {
        let slot = self.free();
        self.holding(slot).filter(|held| held.release == *release).map(|_| slot)
    }

    /// Why this release is not taken here, if it was refused.
    #[must_use]
    pub fn refusal(&self, release: &Sha256) -> Option<&Refusal> {
        self.refused.iter().find(|refusal| refusal.release == *release)
    }

    /// What is started next.
    #[must_use]
    pub fn choice(&self) -> Choice {
        match (&self.trial, self.current) {
            (Some(trial), _) if trial.tries < MAX_TRIES => Choice::Trial(trial.slot),
            (Some(trial), _) => Choice::GiveUp(trial.slot),
            (None, Some(slot)) => Choice::Proven(slot),
            (None, None) => Choice::Installed,
        }
    }

    pub(super) fn refuse(&mut self, held: &Holding, why: &str, now: Moment, ran: bool) {
        self.refused.retain(|other| other.release != held.release);
        self.refused.push(Refusal {
            release: held.release,
            version: held.version,
            at: now,
            why: why.chars().take(MAX_WHY).collect(),
            ran,
        });
        let over = self.refused.len().saturating_sub(MAX_REFUSED);
        self.refused.drain(..over);
    }

    /// The highest revision of an approval of this release that was seen.
    pub(super) fn seen(&self, release: &Sha256) -> Option<u32> {
        let mut seen = self.seen.iter();
        seen.find(|seen| seen.release == *release).map(|seen| seen.revision)
    }

    pub(super) fn see(&mut self, release: &Sha256, revision: u32) {
        self.seen.retain(|seen| seen.release != *release);
        self.seen.push(Seen {
            release: *release,
            revision,
        });
        let over = self.seen.len().saturating_sub(MAX_REFUSED);
        self.seen.drain(..over);
    }
}

/// Which program is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// The one that was installed by hand.
    Installed,
    /// The one that proved itself.
    Proven(ProgramSlot),
    /// The one on trial, once more.
    Trial(ProgramSlot),
    /// The one on trial was started often enough: back.
    GiveUp(ProgramSlot),
}
