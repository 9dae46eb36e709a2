//! お薬手帳の読み取り: what a scanner or a picture said, byte for byte. It is the patient's, not verified, and stays apart from the chart.
//!
//! Nothing is parsed here: whoever shows it parses it, so a better reader later reads old entries better. Not here: what it says.

use minicbor::{Decode, Encode};

/// Most pieces (symbols or typed texts) of one reading.
pub const MAX_NOTEBOOK_PIECES: usize = 64;

/// Most bytes of all pieces of one reading: leaves room for the rest of an entry ([`super::MAX_ENTRY_BYTES`]).
pub const MAX_NOTEBOOK_BYTES: usize = 40 << 10;

/// お薬手帳の読み取り, as one person kept it beside a patient's chart.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct NotebookRead {
    /// What was read, in the order it was read.
    #[n(0)]
    pub pieces: Vec<NotebookPiece>,
    /// Why it was kept although the notebook names somebody else, or nobody; empty when both agree.
    #[n(1)]
    #[cbor(default)]
    pub reason: String,
}

/// How a piece came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum NotebookWay {
    /// A scanner that types, or pasted text: UTF-8 of what arrived in the field, which need not be what the symbol says.
    #[n(0)]
    Typed,
    /// The bytes of a symbol found in a picture.
    #[n(1)]
    Picture,
}

/// One symbol, or one text that a scanner typed.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct NotebookPiece {
    /// How it came in.
    #[n(0)]
    pub way: NotebookWay,
    /// Place (from 0), number of symbols and parity, where the symbol says that it belongs to others.
    #[n(1)]
    #[cbor(default)]
    pub joined: Option<(u8, u8, u8)>,
    /// The bytes as they were read.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub bytes: Vec<u8>,
}

impl NotebookRead {
    /// Whether it is within the bounds of an entry.
    #[must_use]
    pub fn fits(pieces: &[NotebookPiece]) -> bool {
        pieces.len() <= MAX_NOTEBOOK_PIECES
            && pieces.iter().map(|piece| piece.bytes.len()).sum::<usize>() <= MAX_NOTEBOOK_BYTES
    }
}
