//! The work of a downtime: prepared, lived and settled.
//!
//! Rooms, lowest first: `feeds` keep what other systems send; `sources` read an EHR; `extract` guards and seals; `identity` signs people in; `shelf` holds the
//! newest snapshot that verifies; `journal` keeps entries; `view` lays entries over charts; `forms` fill sheets; `scans`
//! file them when they come back;
//! `exports` hand everything back. No screens, no clock, no Typst here.

pub mod audit;
pub mod carry;
pub mod distribution;
pub mod exports;
pub mod extract;
pub mod feeds;
pub mod forms;
pub mod identity;
pub mod index;
pub mod journal;
pub mod packs;
pub mod papers;
pub mod printing;
pub mod readiness;
pub mod scans;
pub mod shelf;
pub mod sources;
pub mod state;
pub mod stations;
pub mod updates;
pub mod view;
