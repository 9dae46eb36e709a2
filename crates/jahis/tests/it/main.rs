//! The symbols as their readers meet them: the standard's shapes byte for byte, thousands of random prescriptions through the independent reader, and drawn
//! symbols through two foreign decoders.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::panic)]

mod golden;
mod notebook;
mod overflow;
mod random;
mod scanned;
mod shapes;
