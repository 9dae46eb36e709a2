//! Scans as they come from hospitals' scanners, made from really printed forms.
//!
//! Needs `pdftoppm` (poppler-utils) and `zbarimg` (zbar-tools).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should stop")]
#![allow(clippy::disallowed_methods, reason = "the TORTURE… variables are read here")]

mod distort;
mod kinds;
mod notebook;
mod paper;
mod pile;
mod scanners;
