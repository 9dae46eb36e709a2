//! Under which reading a field that a format carries in part is compared. Whatever is not here is compared as it stands.
//!
//! A reading never forgives silently: one that changes nothing for anybody fails the test, as does one of a field that is carried whole.

use super::fields::Line;

/// How a field that is carried in part is compared.
#[derive(Clone, Copy)]
pub enum Reading {
    /// In local codes, at another place or in a message of its own: the charts say the same.
    Same,
    /// Both sides are read through this before they are compared, and it is needed.
    Through(fn(Side, Vec<Line>) -> Vec<Line>),
}

/// Whose lines they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The tables'.
    Tables,
    /// The compared source's.
    Source,
}

/// The reading of a field of a shape.
pub fn of(_shape: &str, _field: &str) -> Option<Reading> {
    None
}
