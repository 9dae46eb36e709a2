//! A message as borrowed views: segments, fields, repetitions, components, sub-components.
//!
//! Nothing is split before somebody asks, nothing is copied unless an escape sequence has to be undone, and nothing is thrown away:
//! segments nobody knows (`Z..`, or damaged names) are there in their place. It deliberately does not know which field means what;
//! see [`crate::types`] and [`crate::header`].

use std::borrow::Cow;

use crate::{MAX_MESSAGE_BYTES, MAX_REPETITIONS, MAX_SEGMENTS, escape};

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

/// A message: text with a sound header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    text: &'a str,
    delimiters: Delimiters,
}

impl<'a> Message<'a> {
    /// Takes a decoded message. White space and MLLP's start byte before MSH, and blank lines anywhere, are passed over.
    ///
    /// # Errors
    /// [`Fault`]: it is no message, or beyond a bound.
    pub fn parse(text: &'a str) -> Result<Self, Fault> {
        let text = trimmed(text);
        if text.is_empty() {
            return Err(Fault::Empty);
        }
        if text.len() > MAX_MESSAGE_BYTES {
            return Err(Fault::TooLong);
        }
        let message = Self {
            text,
            delimiters: Delimiters::read(text)?,
        };
        if memchr::memchr2_iter(b'\r', b'\n', text.as_bytes())
            .nth(MAX_SEGMENTS - 1)
            .is_some()
            && message.segments().nth(MAX_SEGMENTS).is_some()
        {
            return Err(Fault::TooManySegments);
        }
        let repetition = message.delimiters.repetition;
        let many = |part: &str| {
            memchr::memchr_iter(repetition, part.as_bytes())
                .nth(MAX_REPETITIONS - 1)
                .is_some()
        };
        if many(text)
            && message
                .segments()
                .any(|segment| segment.fields().any(|field| many(field.raw())))
        {
            return Err(Fault::TooManyRepetitions);
        }
        Ok(message)
    }

    /// The text of the message.
    #[must_use]
    pub const fn text(&self) -> &'a str {
        self.text
    }

    /// Its delimiters.
    #[must_use]
    pub const fn delimiters(&self) -> Delimiters {
        self.delimiters
    }

    /// Every segment in its order, MSH first.
    #[must_use]
    pub const fn segments(&self) -> Segments<'a> {
        Segments {
            rest: self.text,
            delimiters: self.delimiters,
        }
    }

    /// The first segment of this name.
    #[must_use]
    pub fn segment(&self, name: &str) -> Option<Segment<'a>> {
        self.segments().find(|segment| segment.name() == name)
    }

    /// Every segment of this name in its order.
    pub fn segments_named<'n>(&self, name: &'n str) -> impl Iterator<Item = Segment<'a>> + use<'a, 'n> {
        self.segments().filter(move |segment| segment.name() == name)
    }

    /// A field of the first segment of this name; empty when there is none.
    #[must_use]
    pub fn field(&self, segment: &str, number: usize) -> Field<'a> {
        self.segment(segment)
            .map_or(Field::absent(self.delimiters), |segment| segment.field(number))
    }

    /// The header, which `parse` has seen.
    #[must_use]
    pub fn header(&self) -> crate::Header<'a> {
        crate::Header::of(Segment {
            text: self.segments().next().map_or("", |segment| segment.text),
            delimiters: self.delimiters,
        })
    }
}

/// Without what may lie around a message: white space before it, line ends behind it, a byte order mark, the frame of MLLP. Blanks at
/// its end belong to its last field.
fn trimmed(text: &str) -> &str {
    let around = |c: char| matches!(c, '\r' | '\n' | '\u{b}' | '\u{1c}' | '\u{1a}' | '\0' | '\u{feff}');
    text.trim_start_matches(|c: char| c.is_ascii_whitespace() || around(c))
        .trim_end_matches(around)
}

/// The segments of a message. See [`Message::segments`].
#[derive(Debug, Clone)]
pub struct Segments<'a> {
    rest: &'a str,
    delimiters: Delimiters,
}

impl<'a> Iterator for Segments<'a> {
    type Item = Segment<'a>;

    fn next(&mut self) -> Option<Segment<'a>> {
        while !self.rest.is_empty() {
            let end = segment_end(self.rest, self.delimiters);
            let (text, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
            self.rest = rest.get(1..).unwrap_or("");
            let text = text.trim_end_matches(['\n', '\r']);
            if !text.is_empty() {
                return Some(Segment {
                    text,
                    delimiters: self.delimiters,
                });
            }
        }
        None
    }
}

/// Where the first segment ends: at a CR; at an LF only where a segment begins behind it, for free text may hold an LF of its own.
fn segment_end(text: &str, delimiters: Delimiters) -> usize {
    let bytes = text.as_bytes();
    for at in memchr::memchr2_iter(b'\r', b'\n', bytes) {
        if bytes.get(at) == Some(&b'\r') || at == 0 || begins_segment(bytes.get(at + 1..).unwrap_or(&[]), delimiters) {
            return at;
        }
    }
    bytes.len()
}

/// Behind an LF: the name of a segment and a field separator, another end of line, or nothing more.
pub(crate) fn begins_segment(bytes: &[u8], delimiters: Delimiters) -> bool {
    match bytes {
        [] | [b'\r' | b'\n', ..] => true,
        [a, b, c, rest @ ..] => {
            let name = a.is_ascii_uppercase()
                && [b, c]
                    .into_iter()
                    .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
            name && matches!(rest, [separator, ..] if *separator == delimiters.field)
        }
        _ => false,
    }
}

/// One segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment<'a> {
    pub(crate) text: &'a str,
    pub(crate) delimiters: Delimiters,
}

impl<'a> Segment<'a> {
    /// Its text without its end.
    #[must_use]
    pub const fn raw(&self) -> &'a str {
        self.text
    }

    /// Its name: what stands before the first field separator, three letters where it is sound.
    #[must_use]
    pub fn name(&self) -> &'a str {
        split_at_byte(self.text, self.delimiters.field).0
    }

    /// A field, from 1. Empty when the segment is shorter. In MSH, 1 is the field separator itself and 2 the encoding characters.
    #[must_use]
    pub fn field(&self, number: usize) -> Field<'a> {
        number
            .checked_sub(1)
            .and_then(|before| self.fields().nth(before))
            .unwrap_or(Field::absent(self.delimiters))
    }

    /// Every field in its order; the first is number 1.
    pub fn fields(&self) -> impl Iterator<Item = Field<'a>> + use<'a> {
        let delimiters = self.delimiters;
        let header = self.name() == "MSH";
        let (_, behind) = split_at_byte(self.text, delimiters.field);
        let separator = header.then(|| self.text.get(3..4)).flatten();
        let parts = Parts {
            rest: behind,
            by: delimiters.field,
        };
        separator
            .into_iter()
            .chain(parts)
            .enumerate()
            .map(move |(at, raw)| Field {
                raw,
                delimiters,
                literal: header && at < 2,
            })
    }

    /// How many fields it has, trailing empty ones included.
    #[must_use]
    pub fn field_count(&self) -> usize {
        self.fields().count()
    }
}

/// The text before the first `by`, and what is behind it.
fn split_at_byte(text: &str, by: u8) -> (&str, Option<&str>) {
    match memchr::memchr(by, text.as_bytes()) {
        // `by` is ASCII, so both cuts are between characters.
        Some(at) => (text.get(..at).unwrap_or(""), text.get(at + 1..)),
        None => (text, None),
    }
}

/// What lies between delimiters, one after the other.
#[derive(Debug, Clone)]
struct Parts<'a> {
    rest: Option<&'a str>,
    by: u8,
}

impl<'a> Iterator for Parts<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let (part, rest) = split_at_byte(self.rest?, self.by);
        self.rest = rest;
        Some(part)
    }
}

/// What every level has.
macro_rules! level {
    ($name:ident) => {
        impl<'a> $name<'a> {
            /// As it stands in the message, escape sequences and all.
            #[must_use]
            pub const fn raw(&self) -> &'a str {
                self.raw
            }

            /// Its text, escape sequences undone. Delimiters of lower levels stay what they are.
            #[must_use]
            pub fn text(&self) -> Cow<'a, str> {
                escape::undo(self.raw, self.delimiters)
            }

            /// Nothing is said: not the same as [`Self::is_null`].
            #[must_use]
            pub const fn is_empty(&self) -> bool {
                self.raw.is_empty()
            }

            /// `""`: the sender says that there is no value. (In RXE-3 and RXE-5: no amount per dose can be given.)
            #[must_use]
            pub fn is_null(&self) -> bool {
                self.raw == "\"\""
            }

            /// Nothing to read: empty, blank or null.
            #[must_use]
            pub fn is_blank(&self) -> bool {
                self.is_null() || self.raw.trim().is_empty()
            }
        }
    };
}

/// A field: one value, or several repetitions of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    raw: &'a str,
    delimiters: Delimiters,
    /// MSH-1 and MSH-2 are the delimiters themselves.
    literal: bool,
}
level!(Field);

impl<'a> Field<'a> {
    pub(crate) const fn absent(delimiters: Delimiters) -> Self {
        Self::at("", delimiters, false)
    }

    pub(crate) const fn at(raw: &'a str, delimiters: Delimiters, literal: bool) -> Self {
        Self {
            raw,
            delimiters,
            literal,
        }
    }

    /// Every repetition. An empty field has none; `~ISO IR87` has two, the first one empty.
    pub fn repetitions(&self) -> impl Iterator<Item = Repetition<'a>> + use<'a> {
        let delimiters = self.delimiters;
        let by = if self.literal { 0 } else { delimiters.repetition };
        let rest = (!self.raw.is_empty()).then_some(self.raw);
        Parts { rest, by }.map(move |raw| Repetition { raw, delimiters })
    }

    /// The first repetition; empty when there is none.
    #[must_use]
    pub fn first(&self) -> Repetition<'a> {
        self.repetition(1)
    }

    /// A repetition, from 1; empty when there are fewer.
    #[must_use]
    pub fn repetition(&self, number: usize) -> Repetition<'a> {
        let absent = Repetition {
            raw: "",
            delimiters: self.delimiters,
        };
        number
            .checked_sub(1)
            .and_then(|before| self.repetitions().nth(before))
            .unwrap_or(absent)
    }

    /// A component of the first repetition, from 1; empty when there are fewer.
    #[must_use]
    pub fn component(&self, number: usize) -> Component<'a> {
        self.first().component(number)
    }
}

/// One repetition of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repetition<'a> {
    raw: &'a str,
    delimiters: Delimiters,
}
level!(Repetition);

impl<'a> Repetition<'a> {
    /// Every component; there is at least one.
    pub fn components(&self) -> impl Iterator<Item = Component<'a>> + use<'a> {
        let delimiters = self.delimiters;
        let parts = Parts {
            rest: Some(self.raw),
            by: delimiters.component,
        };
        parts.map(move |raw| Component { raw, delimiters })
    }

    /// A component, from 1; empty when there are fewer.
    #[must_use]
    pub fn component(&self, number: usize) -> Component<'a> {
        let absent = Component {
            raw: "",
            delimiters: self.delimiters,
        };
        number
            .checked_sub(1)
            .and_then(|before| self.components().nth(before))
            .unwrap_or(absent)
    }
}

/// One component of a repetition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Component<'a> {
    raw: &'a str,
    delimiters: Delimiters,
}
level!(Component);

impl<'a> Component<'a> {
    /// Every sub-component; there is at least one.
    pub fn subs(&self) -> impl Iterator<Item = Sub<'a>> + use<'a> {
        let delimiters = self.delimiters;
        let parts = Parts {
            rest: Some(self.raw),
            by: delimiters.sub,
        };
        parts.map(move |raw| Sub { raw, delimiters })
    }

    /// A sub-component, from 1; empty when there are fewer.
    #[must_use]
    pub fn sub(&self, number: usize) -> Sub<'a> {
        let absent = Sub {
            raw: "",
            delimiters: self.delimiters,
        };
        number
            .checked_sub(1)
            .and_then(|before| self.subs().nth(before))
            .unwrap_or(absent)
    }
}

/// One sub-component: nothing is below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sub<'a> {
    raw: &'a str,
    delimiters: Delimiters,
}
level!(Sub);
