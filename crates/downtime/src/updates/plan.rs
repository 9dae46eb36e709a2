//! Whether a station takes a version now: whose turn it is, and what forbids it. Pure: facts and the moment come in.
//!
//! While a downtime is declared, a drill runs, or the mode is anything but 通常, nothing is fetched and nothing changes over.

use chart::Moment;
use sha2::{Digest, Sha256 as Hasher};

use super::{Approval, ProgramSlot, ProgramVersion, Release, Sha256, SlotsState, Stage, Standing, Waiting};
use crate::state::{Hours, Mode, counts_since};

/// So long before its turn a station begins to fetch.
pub const FETCH_AHEAD_SECONDS: i64 = 12 * 3600;

/// One station in so many follows the first.
const TENTH: u64 = 10;

/// Where and who a station is.
#[derive(Debug, Clone, Copy)]
pub struct Placed<'a> {
    /// `R03`
    pub code: &'a str,
    /// Its 16 bytes.
    pub id: &'a [u8; 16],
    /// Wards it serves, by code.
    pub wards: &'a [String],
}

/// When a station may change over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allowed {
    /// At any hour.
    Always,
    /// Only then.
    Hours(Vec<Hours>),
}

impl Allowed {
    fn holds(&self, now: Moment) -> bool {
        match self {
            Self::Always => true,
            Self::Hours(hours) => counts_since(hours, now) == Some(now),
        }
    }
}

/// A version that was accepted by both kinds of key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// What it is.
    pub release: Release,
    /// SHA-256 of its body.
    pub sha256: Sha256,
    /// What the hospital says.
    pub approval: Approval,
    /// Why it is paused, if it is.
    pub paused: Option<String>,
}

/// What is known when it is decided.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Now.
    pub now: Moment,
    /// This station.
    pub placed: Placed<'a>,
    /// The mode here.
    pub mode: &'a Mode,
    /// A downtime is declared, whatever the mode.
    pub declared: bool,
    /// A drill runs.
    pub drill: bool,
    /// When it may change over.
    pub allowed: &'a Allowed,
    /// The program that runs.
    pub running: ProgramVersion,
    /// What lies in the slots.
    pub slots: &'a SlotsState,
    /// What is wanted.
    pub offer: Option<&'a Offer>,
    /// The program was started by its service.
    pub in_service: bool,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Wait.
    Nothing,
    /// Fetch the version into this slot and verify it.
    Fetch(ProgramSlot),
    /// Start the verified version in this slot on trial.
    Switch(ProgramSlot),
}

/// In which stage a station's turn comes: named ones first, then one in ten, then all. The same for everybody who computes it.
#[must_use]
pub fn stage(approval: &Approval, placed: Placed<'_>) -> Stage {
    let named = approval.canary_stations.iter().any(|code| code == placed.code);
    let on_ward = placed.wards.iter().any(|ward| approval.canary_wards.contains(ward));
    if named || on_ward {
        return Stage::First;
    }
    let mut hasher = Hasher::new();
    hasher.update(approval.release);
    hasher.update(approval.starts_at.0.to_le_bytes());
    hasher.update(placed.id);
    let hash: Sha256 = hasher.finalize().into();
    let number = hash
        .iter()
        .take(8)
        .fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    if number % TENTH == 0 { Stage::Tenth } else { Stage::All }
}

/// From when a station takes the version.
#[must_use]
pub fn begins(approval: &Approval, placed: Placed<'_>) -> Moment {
    let hours = match stage(approval, placed) {
        Stage::First => 0,
        Stage::Tenth => i64::from(approval.canary_hours),
        Stage::All => i64::from(approval.canary_hours) + i64::from(approval.tenth_hours),
    };
    Moment(approval.starts_at.0.saturating_add(hours * 3600))
}

/// What to do, and how the station's program stands.
#[must_use]
pub fn decide(facts: &Facts<'_>) -> (Next, Standing) {
    if let Some(trial) = &facts.slots.trial {
        let version = facts
            .slots
            .holding(trial.slot)
            .map_or(facts.running, |held| held.version);
        return (Next::Nothing, Standing::Trying(version));
    }
    let Some(offer) = facts.offer else {
        return (Next::Nothing, last_refusal(facts).unwrap_or(Standing::Current));
    };
    let version = offer.release.version;
    if let Some(refusal) = facts.slots.refusal(&offer.sha256) {
        return (Next::Nothing, refusal.standing());
    }
    // Nothing leads back, and what runs is not taken again.
    if version <= facts.running || version <= facts.slots.highest {
        return (Next::Nothing, last_refusal(facts).unwrap_or(Standing::Current));
    }
    if facts.now > offer.release.expires_at {
        return (Next::Nothing, Standing::Expired(version));
    }
    let prepared = facts.slots.prepared(&offer.sha256);
    let turn = begins(&offer.approval, facts.placed);
    if let Some(waiting) = frozen(facts, offer) {
        let standing = match prepared {
            Some(_) => Standing::Prepared(version, waiting),
            None => Standing::Wanted(version, waiting),
        };
        return (Next::Nothing, standing);
    }
    let Some(slot) = prepared else {
        if facts.now.0 < turn.0.saturating_sub(FETCH_AHEAD_SECONDS) {
            return (Next::Nothing, Standing::Wanted(version, Waiting::Turn(turn)));
        }
        return (Next::Fetch(facts.slots.free()), Standing::Fetching(version, 0));
    };
    let waiting = if facts.now < turn {
        Some(Waiting::Turn(turn))
    } else if !facts.allowed.holds(facts.now) {
        Some(Waiting::Hours)
    } else if !facts.in_service {
        Some(Waiting::NoService)
    } else {
        None
    };
    match waiting {
        Some(waiting) => (Next::Nothing, Standing::Prepared(version, waiting)),
        None => (Next::Switch(slot), Standing::Trying(version)),
    }
}

/// What forbids everything.
fn frozen(facts: &Facts<'_>, offer: &Offer) -> Option<Waiting> {
    if facts.declared || facts.mode.is_declared() {
        Some(Waiting::Declared)
    } else if facts.drill {
        Some(Waiting::Drill)
    } else if *facts.mode != Mode::Normal {
        Some(Waiting::Mode)
    } else {
        offer.paused.clone().map(Waiting::Paused)
    }
}

/// The newest refusal, as long as nothing newer than it runs.
fn last_refusal(facts: &Facts<'_>) -> Option<Standing> {
    let last = facts.slots.refused.last()?;
    (last.version > facts.running).then(|| last.standing())
}
