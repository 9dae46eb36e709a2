//! The parser and the codec against what hospitals really send, and against what nobody should.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod damage;
mod hospital;
mod properties;
