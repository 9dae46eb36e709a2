//! How a sealed snapshot gets from the sealer to every station: what is checked before anything is fetched, the sign of life that tells
//! an old answer from a new one, and how a file is put together from what is here and what others give.
//!
//! No line and no clock here: whoever gives bytes is a [`Giver`], and the moment comes from the roof. Nothing given is believed: the
//! manifest is signed, everything else is named by its hash.

mod admission;
mod heartbeat;
mod pieces;
mod pull;

pub use admission::{Admission, EPOCHS_A_DAY, Refused, Warning, judge};
pub use heartbeat::{HEARTBEAT_LEN, HEARTBEAT_SECONDS, Heartbeat, HeartbeatFault, Pulse, SILENT_MINUTES, pulse};
pub use pull::{Gathered, Giver, Lost, MAX_BATCH, PIECE, Plan, PullFault, Remark, SPARE_ROOM};
