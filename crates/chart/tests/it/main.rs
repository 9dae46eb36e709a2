//! Bytes of whole charts and entries: they come back as they were, and damage is an error.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod bytes;
