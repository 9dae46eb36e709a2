//! MSH: who sends what to whom, and which answer is wanted.
//!
//! It deliberately does not check versions or profiles: hospitals' messages say 2.3 to 2.5.1 and mean the same fields.

use std::borrow::Cow;

use crate::{Field, Message, Segment, Stamp, charset};

/// The header of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header<'a> {
    segment: Segment<'a>,
}

impl<'a> Header<'a> {
    pub(crate) const fn of(segment: Segment<'a>) -> Self {
        Self { segment }
    }

    /// Any field of MSH, from 1.
    #[must_use]
    pub fn field(&self, number: usize) -> Field<'a> {
        self.segment.field(number)
    }

    fn text(&self, number: usize) -> Cow<'a, str> {
        self.field(number).component(1).text()
    }

    /// MSH-3, the sending application.
    #[must_use]
    pub fn sending_application(&self) -> Cow<'a, str> {
        self.text(3)
    }

    /// MSH-4, the sending facility.
    #[must_use]
    pub fn sending_facility(&self) -> Cow<'a, str> {
        self.text(4)
    }

    /// MSH-5, the receiving application.
    #[must_use]
    pub fn receiving_application(&self) -> Cow<'a, str> {
        self.text(5)
    }

    /// MSH-6, the receiving facility.
    #[must_use]
    pub fn receiving_facility(&self) -> Cow<'a, str> {
        self.text(6)
    }

    /// MSH-7, when the sender made the message. `None` when it is missing or no time.
    #[must_use]
    pub fn time(&self) -> Option<Stamp> {
        Stamp::read(&self.text(7))
    }

    /// MSH-9.1, the message code: `ADT`, `RDE`, …
    #[must_use]
    pub fn code(&self) -> Cow<'a, str> {
        self.text(9)
    }

    /// MSH-9.2, the trigger event: `A08`, `O11`, …
    #[must_use]
    pub fn event(&self) -> Cow<'a, str> {
        self.field(9).component(2).text()
    }

    /// MSH-9.3, the structure: `ADT_A01`. Often missing.
    #[must_use]
    pub fn structure(&self) -> Cow<'a, str> {
        self.field(9).component(3).text()
    }

    /// MSH-10, the number of the message, unique at its sender.
    #[must_use]
    pub fn control_id(&self) -> Cow<'a, str> {
        self.text(10)
    }

    /// MSH-11, `P` for real data, `T` and `D` for tests.
    #[must_use]
    pub fn processing_id(&self) -> Cow<'a, str> {
        self.text(11)
    }

    /// MSH-12, the version.
    #[must_use]
    pub fn version(&self) -> Cow<'a, str> {
        self.text(12)
    }

    /// MSH-15, which commit answers the sender wants in enhanced mode: AL, NE, ER, SU. Empty in original mode.
    #[must_use]
    pub fn accept_wanted(&self) -> Cow<'a, str> {
        self.text(15)
    }

    /// MSH-16, which application answers the sender wants in enhanced mode.
    #[must_use]
    pub fn application_wanted(&self) -> Cow<'a, str> {
        self.text(16)
    }

    /// MSH-18, the character sets it says; empty repetitions left out.
    pub fn character_sets(&self) -> impl Iterator<Item = Cow<'a, str>> + use<'a> {
        let said = self.field(18).repetitions();
        said.map(|set| set.component(1).text())
            .filter(|set| !set.trim().is_empty())
    }

    /// MSH-21, message profiles such as `SS-MIX2_1.20`.
    pub fn profiles(&self) -> impl Iterator<Item = Cow<'a, str>> + use<'a> {
        let said = self.field(21).repetitions();
        said.map(|profile| profile.component(1).text())
    }
}

/// The first line of a message that is not decoded yet: enough to answer it and to know it again.
///
/// The bytes of a kanji never hold a CR, so the line may be cut before it is decoded.
#[must_use]
pub fn first_line(bytes: &[u8]) -> charset::Decoded<'_> {
    let begin = bytes
        .iter()
        .position(|byte| !matches!(byte, b'\r' | b'\n' | b' ' | b'\t' | 0x0B))
        .unwrap_or(0);
    let bytes = bytes.get(begin..).unwrap_or(&[]);
    let wide = charset::is_utf16(bytes);
    let end = if wide {
        None
    } else {
        memchr::memchr2(b'\r', b'\n', bytes)
    };
    charset::decode(bytes.get(..end.unwrap_or(bytes.len())).unwrap_or(bytes))
}

/// What tells a message from every other one: (MSH-3, MSH-4, MSH-10) as written.
#[must_use]
pub fn identity(message: &Message<'_>) -> [String; 3] {
    let header = message.header();
    [3, 4, 10].map(|number| header.field(number).raw().to_owned())
}
