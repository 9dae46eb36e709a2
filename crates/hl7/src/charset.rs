//! Bytes to text and back, for the encodings Japanese hospitals really send.
//!
//! Reading is liberal and tells everything it had to bridge ([`Damage`], with its place in the bytes and in the text); writing is strict
//! and says what it cannot write ([`encode`]). It deliberately never guesses a character: what cannot be read is U+FFFD and a Damage.

mod encoder;
mod iso2022;
mod jisx0213;
mod sniff;
mod substitution;

use std::borrow::Cow;
use std::ops::Range;

pub use encoder::{Change, Encoded, Policy, Unmappable, encode};
pub use sniff::{declared, is_utf16};

/// Most Damages that are kept one by one; beyond that they are counted.
pub const MAX_DAMAGES: usize = 1_000;

/// How bytes mean text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// ISO-2022-JP, of which plain ASCII is a part: what HL7 in Japan and SS-MIX2 prescribe.
    Iso2022Jp,
    /// Shift_JIS with the extensions of Windows.
    Cp932,
    /// EUC-JP, seen from old Unix departments.
    EucJp,
    /// UTF-8.
    Utf8,
    /// UTF-16, least byte first.
    Utf16Le,
    /// UTF-16, greatest byte first.
    Utf16Be,
}

/// What was wrong with the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DamageKind {
    /// Kanji ended without the escape back to ASCII, at a line's or the message's end, or where delimiters begin again.
    MissingReturn,
    /// A kanji's first byte without its second.
    OddByte,
    /// Two bytes, or a character of an unknown extension, to which no character belongs.
    Unmapped,
    /// A hospital's own character (外字): which one, only its own fonts know.
    Gaiji,
    /// An escape sequence of no set that is known here.
    UnknownEscape,
    /// An escape to kanji and back with nothing between: something may have been lost.
    EmptyRun,
    /// A byte that has no place in this encoding.
    StrayByte,
}

/// One place where the bytes were not what they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Damage {
    /// What.
    pub kind: DamageKind,
    /// Where in the bytes.
    pub at: usize,
    /// Where in the decoded text, in bytes of UTF-8.
    pub in_text: usize,
}

/// Decoded text with what was wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded<'a> {
    /// The text. Borrowed where the bytes were ASCII or sound UTF-8.
    pub text: Cow<'a, str>,
    /// The encoding it was read as.
    pub encoding: Encoding,
    /// What MSH-18 says, where it says something that is known.
    pub declared: Option<Encoding>,
    /// What was wrong, in order; at most [`MAX_DAMAGES`].
    pub damage: Vec<Damage>,
    /// Damages beyond [`MAX_DAMAGES`].
    pub damage_dropped: usize,
}

impl Decoded<'_> {
    /// True when the bytes were entirely sound.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.damage.is_empty()
    }

    /// The damages inside a part of the text, given as a range of its bytes.
    pub fn damage_in(&self, part: Range<usize>) -> impl Iterator<Item = &Damage> {
        self.damage
            .iter()
            .filter(move |damage| part.contains(&damage.in_text) || damage.in_text == part.end)
    }

    /// Where a part lies that was borrowed from this text, such as [`crate::Field::raw`]. `None` when it was not.
    #[must_use]
    pub fn range_of(&self, part: &str) -> Option<Range<usize>> {
        let begin = (part.as_ptr() as usize).checked_sub(self.text.as_ptr() as usize)?;
        let end = begin.checked_add(part.len())?;
        (end <= self.text.len()).then_some(begin..end)
    }

    /// The damages inside a borrowed part: a field whose bytes were damaged is shown with a mark, not as if it were sound.
    pub fn damage_of(&self, part: &str) -> impl Iterator<Item = &Damage> {
        let range = self.range_of(part);
        self.damage_in(range.unwrap_or(usize::MAX..usize::MAX))
    }
}

/// Text being made, with its damages.
#[derive(Debug, Default)]
struct Making {
    text: String,
    damage: Vec<Damage>,
    dropped: usize,
}

impl Making {
    fn with_room(bytes: usize) -> Self {
        Self {
            text: String::with_capacity(bytes + bytes / 2),
            ..Self::default()
        }
    }

    /// Says what is wrong at a place in the bytes, at the end of the text made so far.
    fn tell(&mut self, kind: DamageKind, at: usize) {
        if self.damage.len() < MAX_DAMAGES {
            let in_text = self.text.len();
            self.damage.push(Damage { kind, at, in_text });
        } else {
            self.dropped += 1;
        }
    }

    /// A character that cannot be read.
    fn lost(&mut self, kind: DamageKind, at: usize) {
        self.tell(kind, at);
        self.text.push(char::REPLACEMENT_CHARACTER);
    }

    fn done<'a>(self, encoding: Encoding, declared: Option<Encoding>) -> Decoded<'a> {
        Decoded {
            text: Cow::Owned(self.text),
            encoding,
            declared,
            damage: self.damage,
            damage_dropped: self.dropped,
        }
    }
}

/// Decodes a message, finding out how: a byte order mark, then what the bytes can be, with MSH-18 where several fit.
#[must_use]
pub fn decode(bytes: &[u8]) -> Decoded<'_> {
    let declared = declared(bytes);
    let mut decoded = decode_as(bytes, sniff::sniff(bytes, declared));
    decoded.declared = declared;
    decoded
}

/// Decodes bytes whose encoding is known. A byte order mark is left out.
#[must_use]
pub fn decode_as(bytes: &[u8], encoding: Encoding) -> Decoded<'_> {
    let sound = |text: Cow<'_, str>| Decoded {
        text: Cow::Owned(text.into_owned()),
        encoding,
        declared: None,
        damage: Vec::new(),
        damage_dropped: 0,
    };
    match encoding {
        Encoding::Iso2022Jp => iso2022::decode(bytes),
        Encoding::Utf8 => {
            let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
            match std::str::from_utf8(bytes) {
                Ok(text) => Decoded {
                    text: Cow::Borrowed(text),
                    ..sound(Cow::Borrowed(""))
                },
                Err(_) => utf8_with_damage(bytes).done(encoding, None),
            }
        }
        Encoding::Cp932 => foreign(bytes, encoding_rs::SHIFT_JIS, encoding),
        Encoding::EucJp => foreign(bytes, encoding_rs::EUC_JP, encoding),
        Encoding::Utf16Le => foreign(
            bytes.strip_prefix(b"\xFF\xFE").unwrap_or(bytes),
            encoding_rs::UTF_16LE,
            encoding,
        ),
        Encoding::Utf16Be => foreign(
            bytes.strip_prefix(b"\xFE\xFF").unwrap_or(bytes),
            encoding_rs::UTF_16BE,
            encoding,
        ),
    }
}

fn utf8_with_damage(bytes: &[u8]) -> Making {
    let mut made = Making::with_room(bytes.len());
    let mut at = 0;
    for chunk in bytes.utf8_chunks() {
        made.text.push_str(chunk.valid());
        at += chunk.valid().len();
        if !chunk.invalid().is_empty() {
            made.lost(DamageKind::StrayByte, at);
        }
        at += chunk.invalid().len();
    }
    made
}

/// An encoding of encoding_rs, stopping at every malformed place to say it.
fn foreign<'a>(bytes: &[u8], encoding: &'static encoding_rs::Encoding, named: Encoding) -> Decoded<'a> {
    let mut made = Making::with_room(bytes.len());
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut at = 0;
    loop {
        let rest = bytes.get(at..).unwrap_or(&[]);
        let room = decoder.max_utf8_buffer_length_without_replacement(rest.len());
        made.text.reserve(room.unwrap_or(rest.len()).saturating_add(16));
        let (result, read) = decoder.decode_to_string_without_replacement(rest, &mut made.text, true);
        at += read;
        match result {
            encoding_rs::DecoderResult::InputEmpty => break,
            encoding_rs::DecoderResult::OutputFull => {}
            encoding_rs::DecoderResult::Malformed(len, before) => {
                let back = usize::from(len) + usize::from(before);
                let kind = if back > 1 {
                    DamageKind::Unmapped
                } else {
                    DamageKind::StrayByte
                };
                made.lost(kind, at.saturating_sub(back));
            }
        }
    }
    tell_gaiji(&mut made, bytes, named);
    made.done(named, None)
}

/// The private characters of CP932 (F040 to F9FC) arrive as private characters of Unicode.
fn tell_gaiji(made: &mut Making, bytes: &[u8], encoding: Encoding) {
    let private = |c: char| ('\u{e000}'..='\u{f8ff}').contains(&c);
    let found: Vec<usize> = made
        .text
        .char_indices()
        .filter(|(_, c)| private(*c))
        .map(|(at, _)| at)
        .collect();
    if found.is_empty() {
        return;
    }
    let places = if encoding == Encoding::Cp932 {
        private_of_cp932(bytes)
    } else {
        Vec::new()
    };
    for (number, in_text) in found.into_iter().enumerate() {
        if made.damage.len() >= MAX_DAMAGES {
            made.dropped += 1;
            continue;
        }
        // Other encodings have no place for them; where one is there all the same, its place is not known more exactly.
        let at = places.get(number).copied().unwrap_or(in_text.min(bytes.len()));
        let kind = DamageKind::Gaiji;
        made.damage.push(Damage { kind, at, in_text });
    }
    made.damage.sort_by_key(|damage| damage.in_text);
}

/// Where the bytes of a hospital's own characters begin.
fn private_of_cp932(bytes: &[u8]) -> Vec<usize> {
    let (mut at, mut found) = (0, Vec::new());
    while let Some(&first) = bytes.get(at) {
        let trail = bytes
            .get(at + 1)
            .is_some_and(|second| matches!(second, 0x40..=0x7E | 0x80..=0xFC));
        if trail && matches!(first, 0xF0..=0xF9) {
            found.push(at);
        }
        at += if trail && matches!(first, 0x81..=0x9F | 0xE0..=0xFC) {
            2
        } else {
            1
        };
    }
    found
}
