//! New versions of the program: who may let one in, when a station takes it, and which of its programs a station starts.
//!
//! A version needs the signatures of those who release it and of the hospital that wants it, by different keys. Everything here
//! decides; nothing here fetches, starts or knows the time. What runs is never stopped because a date has passed.

mod approval;
mod plan;
mod release;
mod signed;
mod slots;
mod trust;
mod words;

pub use approval::{Approval, MAX_LISTED, Order};
pub use plan::{Allowed, FETCH_AHEAD_SECONDS, Facts, Next, Offer, Placed, begins, decide, stage};
pub use release::{MAX_FILE, MAX_FILES, MAX_NOTES, ProgramFile, ProgramVersion, Release, Sha256, hex, sha256};
pub use signed::{MAX_SIGNATURES, MAX_SIGNED, Signed, UpdateFault};
pub use slots::{Choice, Holding, MAX_TRIES, ProgramSlot, ProgramSlots, Refusal, SlotsState, Trial};
pub use trust::{MAX_CHAIN, Trust};
pub use words::{Stage, Standing, Waiting};
