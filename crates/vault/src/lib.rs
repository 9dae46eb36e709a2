//! What must survive: sealed snapshots of charts, the keys that open them, and journals that lose nothing.
//!
//! Bytes in, bytes out. A caller hands over opaque bytes and gets back bytes that are sealed, signed, chained or an
//! honest error. The byte layouts are documents of their own: `docs/formats/{keys,snapshot,journal,tree,recovery,secret-text,lifeboat}.md`.
//!
//! | room | what it is for |
//! |---|---|
//! | [`ids`] | typed identifiers that appear in headers and contexts |
//! | [`context`] | the canonical byte string that binds every sealed thing to its place |
//! | [`sealbox`] | the only symmetric primitive |
//! | [`keys`], [`wrap`], [`sign`], [`slot`] | secrets and publics, wrapping to a public key, signing, opening by password |
//! | [`snapshot`] | the container: streamed in, opened a patient at a time |
//! | [`train`] | the compression dictionary |
//! | [`files`], [`shelf_slots`] | the file port; atomic install in slots A, B, C |
//! | `simfs` (feature) | the file port in memory, with accidents, for tests |
//! | [`journal`] | append-only, hash-chained, signed records that survive any crash |
//! | [`tree`], [`checkpoint`] | proofs that a log only grew; what a station signs about its log and a witness remembers |
//! | [`receipt`] | a station's signed word that it holds a chain durably |
//! | [`secret_text`] | badge and envelope secrets as text for people and scanners |
//! | [`invitation`] | the single-use code with which a terminal is enrolled |
//! | [`lifeboat`] | the sealing that a browser alone can open, under a printed passphrase |
//! | [`age`] | files of age v1 (age-encryption.org), which the public tool opens: backups |
//! | [`recovery`] | the hospital's last key, opened by three of five printed shares |
//!
//! What this crate deliberately does not know: a clinical word, the time of day, where randomness comes from (it is
//! a parameter everywhere), configuration, threads, the network. It never retries a failed sync and never truncates.

pub mod age;
pub mod checkpoint;
mod codec;
mod codec_text;
pub mod context;
pub mod files;
pub mod ids;
pub mod invitation;
pub mod journal;
pub mod keys;
pub mod lifeboat;
pub mod padding;
pub mod receipt;
pub mod recovery;
pub mod sealbox;
pub mod secret_text;
pub mod shelf_slots;
pub mod sign;
#[cfg(feature = "simfs")]
pub mod simfs;
pub mod slot;
pub mod snapshot;
pub mod train;
pub mod tree;
pub mod wrap;

pub use ids::{CompartmentId, HospitalId, IncarnationId, RoleId, StationId, UserId};
pub use sealbox::CannotOpen;
