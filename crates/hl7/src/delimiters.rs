//! The delimiters that a message says in its first nine bytes, and why a text is no message.
//!
//! It deliberately does not look behind MSH-2.

use crate::{MAX_MESSAGE_BYTES, MAX_REPETITIONS, MAX_SEGMENTS};

/// The five delimiters of a message, as MSH-1 and MSH-2 say them. All are ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delimiters {
    /// Between fields, `|`.
    pub field: u8,
    /// Between components, `^`.
    pub component: u8,
    /// Between repetitions, `~`.
    pub repetition: u8,
    /// Around escape sequences, `\`.
    pub escape: u8,
    /// Between sub-components, `&`.
    pub sub: u8,
}

impl Default for Delimiters {
    fn default() -> Self {
        Self {
            field: b'|',
            component: b'^',
            repetition: b'~',
            escape: b'\\',
            sub: b'&',
        }
    }
}

impl Delimiters {
    /// Reads them from the first segment, which begins with `MSH`. Encoding characters that are not said are the usual ones.
    ///
    /// # Errors
    /// [`Fault::NoHeader`] without `MSH`, [`Fault::Delimiters`] when one is no delimiter, or two are the same.
    pub fn read(text: &str) -> Result<Self, Fault> {
        let rest = text.strip_prefix("MSH").ok_or(Fault::NoHeader)?.as_bytes();
        let (&field, rest) = rest.split_first().ok_or(Fault::Delimiters)?;
        let said = |at: usize, usual: u8| match rest.get(at) {
            Some(&byte) if byte != field && byte != b'\r' && byte != b'\n' => (byte, true),
            _ => (usual, false),
        };
        let mut given = true;
        let mut next = |at: usize, usual: u8| {
            let (byte, here) = said(at, usual);
            given = given && here;
            if given { byte } else { usual }
        };
        let usual = Self::default();
        let found = Self {
            field,
            component: next(0, usual.component),
            repetition: next(1, usual.repetition),
            escape: next(2, usual.escape),
            sub: next(3, usual.sub),
        };
        let all = found.all();
        let sound = |byte: u8| byte.is_ascii_graphic() && !byte.is_ascii_alphanumeric() && byte != b'"';
        let different = (1..all.len()).all(|at| !all.iter().take(at).any(|before| Some(before) == all.get(at)));
        if all.into_iter().all(sound) && different {
            Ok(found)
        } else {
            Err(Fault::Delimiters)
        }
    }

    /// All five: field, component, repetition, escape, sub-component.
    #[must_use]
    pub const fn all(self) -> [u8; 5] {
        [self.field, self.component, self.repetition, self.escape, self.sub]
    }
}

/// Why a text is no message at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Nothing, or only white space.
    #[error("the message is empty")]
    Empty,
    /// The first segment is not MSH.
    #[error("the message does not begin with MSH")]
    NoHeader,
    /// MSH-1 and MSH-2 are no five different delimiters.
    #[error("the delimiters in MSH-1 and MSH-2 are not usable")]
    Delimiters,
    /// Longer than [`MAX_MESSAGE_BYTES`].
    #[error("the message is longer than {MAX_MESSAGE_BYTES} bytes")]
    TooLong,
    /// More segments than [`MAX_SEGMENTS`].
    #[error("the message has more than {MAX_SEGMENTS} segments")]
    TooManySegments,
    /// A field with more repetitions than [`MAX_REPETITIONS`].
    #[error("a field of the message has more than {MAX_REPETITIONS} repetitions")]
    TooManyRepetitions,
}
