//! JAHIS 2D symbols: the prescription a pharmacy's reader takes in (院外処方箋２次元シンボル) and the patient's medicine notebook
//! (電子版お薬手帳), from objects to bytes to QR symbols, and back.
//!
//! Everything here is a pure function: no file, no clock, no network. Writers and readers share the types and nothing else, so that one finds
//! the other's mistakes. Deliberately absent: electronic prescriptions (電子処方箋), 分割指示, narcotics. Bytes: `docs/formats/jahis-rx.md`
//! and `docs/formats/jahis-okusuri.md`.

pub mod amount;
mod compose;
mod kana;
pub mod okusuri;
pub mod proof;
pub mod read;
pub mod refusal;
pub mod repertoire;
pub mod script;
pub mod symbols;
mod write;

pub use amount::Amount;
pub use compose::compose;
pub use proof::self_test;
pub use read::{Reading, read};
pub use refusal::{FieldFault, Refused};
pub use script::Script;
pub use symbols::{Layout, Level, Symbol, draw, split};
pub use write::write;

/// The mark at the end of a file (EOF of MS-DOS).
pub const EOF: u8 = 0x1A;

/// Most bytes of one file: what sixteen symbols of the largest size hold.
pub const MAX_BYTES: usize = 47_000;
