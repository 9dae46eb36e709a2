//! HL7 v2.5 as Japanese hospitals send and store it (JAHIS data exchange, SS-MIX2): bytes to text, text to fields, fields to the data
//! types in use, and back; the frames of MLLP; acknowledgements.
//!
//! Everything here is a pure function of its input: no file, no clock, no network, and no opinion about what a message means for a chart.
//! A message is never copied to be read: segments, fields, repetitions, components and sub-components are views into its text, made when
//! somebody asks. What cannot be read is said ([`charset::Damage`], [`Fault`]), never guessed silently.
//!
//! The order matters: [`charset::decode`] first, then [`Message::parse`]. In ISO-2022-JP the second byte of 日 is `|`.

pub mod ack;
pub mod charset;
pub mod escape;
pub mod header;
pub mod index;
pub mod message;
pub mod mllp;
pub mod types;
pub mod write;

pub use charset::{Damage, DamageKind, Decoded, Encoding, decode};
pub use header::Header;
pub use index::Index;
pub use message::{Component, Delimiters, Fault, Field, Message, Repetition, Segment, Sub};
pub use types::Stamp;
pub use write::Builder;

/// Most bytes of one message. A scanned letter inside an OBX is a few megabytes.
pub const MAX_MESSAGE_BYTES: usize = 16 << 20;

/// Most segments of one message: a whole list of diagnoses or a year of results has some thousands.
pub const MAX_SEGMENTS: usize = 100_000;

/// Most repetitions of one field.
pub const MAX_REPETITIONS: usize = 10_000;
